//! Why a port cannot be opened, and what to do about it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::io::Errno;

use super::missing::{help_for_missing, listed};
use crate::event::CloseReason;
use crate::transport::holders::{Holder, held_by, holders, readers};
use crate::transport::machine::Machine;
use crate::transport::not_open::NotOpen;
use crate::transport::words::in_words;

/// Returns the reason for an error of opening the port.
pub(super) fn of_error(name: &str, errno: Errno) -> NotOpen {
    let help = match errno {
        Errno::NOENT | Errno::NOTDIR => Some(help_for_missing(name, candidates(name))),
        Errno::ACCESS | Errno::PERM => Some(help_for_denied(name)),
        Errno::BUSY | Errno::WOULDBLOCK => return busy(name).into(),
        Errno::IO | Errno::NXIO | Errno::NODEV => Some("there is no hardware behind this name".to_string()),
        _ => None,
    };
    let is_absent = matches!(errno, Errno::NOENT | Errno::NXIO | Errno::NODEV);
    NotOpen::absent_if(is_absent, CloseReason::CannotOpen { reason: in_words(&io::Error::from(errno)), help })
}

/// Returns the reason for something that is not a serial port.
pub(super) fn not_a_port(name: &str) -> CloseReason {
    CloseReason::CannotOpen {
        reason: format!("`{name}` is not a serial port"),
        help: Some("name a terminal device such as `/dev/ttyUSB0`; `flowrun ports` lists them".to_string()),
    }
}

/// Returns the reason for a port that someone else has, and who, as far as that can be seen.
pub(super) fn busy(name: &str) -> CloseReason {
    let holders = holders_of(name);
    let reason = if holders.is_empty() {
        "device or resource busy: another program has it open".to_string()
    } else {
        format!("device or resource busy: {} it open", held_by(&holders))
    };
    let help = if holders.iter().any(|holder| holder.command == "ModemManager") {
        "ModemManager looks at every new port: stop it with `sudo systemctl stop ModemManager`"
    } else {
        "close the other program, or wait until it is done"
    };
    CloseReason::CannotOpen { reason, help: Some(help.to_string()) }
}

/// Returns who else has a port open, lock or not: ``process 12 (`cat`) has``.
pub(in crate::transport) fn others(name: &str) -> Option<String> {
    let mut holders: Vec<Holder> = readers(&Machine::this(), &[name]).into_iter().flatten().collect();
    holders.retain(|holder| holder.pid != std::process::id());
    (!holders.is_empty()).then(|| held_by(&holders))
}

/// Returns the processes that have the device open.
fn holders_of(name: &str) -> Vec<Holder> {
    holders(&Machine::this(), &[name]).into_iter().flatten().collect()
}

/// Returns the names that may have been meant: listed ports, and devices of the same kind in the folder.
fn candidates(name: &str) -> Vec<String> {
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
    let path = Path::new(name);
    let mut names = listed();
    if !name.contains('/') && Path::new("/dev").join(name).exists() {
        names.push(format!("/dev/{name}"));
    }
    let (Some(folder), Some(last)) = (path.parent(), path.file_name().and_then(|last| last.to_str())) else {
        return names;
    };
    let neighbours = fs::read_dir(folder).into_iter().flatten().flatten();
    let alike = neighbours
        .filter(|entry| entry.file_name().to_str().is_some_and(|near| stem(near) == stem(last)))
        .map(|entry| entry.path())
        .filter(|path| fs::metadata(path).is_ok_and(|it| it.file_type().is_char_device()));
    names.extend(alike.map(|path| path.display().to_string()));
    names
}

fn help_for_denied(name: &str) -> String {
    let Ok(device) = fs::metadata(name) else { return "ask the owner of the folder for access".to_string() };
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    help_for_group(group_name(&groups, device.gid()), device.mode())
}

fn help_for_group(group: Option<&str>, mode: u32) -> String {
    const GROUP_MAY_READ_AND_WRITE: u32 = 0o060;
    match group {
        Some(group) if mode & GROUP_MAY_READ_AND_WRITE == GROUP_MAY_READ_AND_WRITE && group != "root" => {
            format!("the port belongs to group `{group}`: run `sudo usermod -aG {group} $USER` and log in again")
        }
        Some(_) | None => "only root may use the port: let a udev rule give it to group `dialout`".to_string(),
    }
}

fn group_name(groups: &str, gid: u32) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_open_a_port_is_told_of_its_group() {
        let groups = "root:x:0:\ndialout:x:20:uucp\nplugdev:x:46:\n";
        assert_eq!(group_name(groups, 20), Some("dialout"));
        assert_eq!(group_name(groups, 7), None);
        let help = help_for_group(group_name(groups, 20), 0o020_660);
        assert!(help.contains("usermod -aG dialout"), "{help}");
        let help = help_for_group(group_name(groups, 0), 0o020_600);
        assert!(help.contains("udev"), "{help}");
    }
}
