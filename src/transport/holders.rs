//! Which processes have a port open, as far as this user may see; only Linux tells.

use std::fs;
use std::path::Path;

use super::machine::Machine;

/// A process that has a port open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holder {
    /// Its number.
    pub pid: u32,
    /// The name of its program; empty if the system does not tell.
    pub command: String,
}

/// So many processes a sentence names at most.
const N_NAMED: usize = 3;

/// Returns for each of some ports which processes have it open, in the order of their numbers.
pub(crate) fn holders(machine: &Machine, names: &[&str]) -> Vec<Vec<Holder>> {
    let mut found = vec![Vec::new(); names.len()];
    let devices: Vec<_> = names.iter().map(|name| machine.real(name)).collect();
    for (pid, command) in machine.processes() {
        // Of a process of somebody else nothing can be seen.
        let open = fs::read_dir(machine.path(format!("proc/{pid}/fd"))).into_iter().flatten().flatten();
        let targets: Vec<_> = open.filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
        for (device, holders) in devices.iter().zip(&mut found) {
            if targets.contains(device) {
                holders.push(Holder { pid, command: command.clone() });
            }
        }
    }
    found
}

/// Returns the same without those that serve a pseudo-terminal: what they have open of it is no second reader.
pub(crate) fn readers(machine: &Machine, names: &[&str]) -> Vec<Vec<Holder>> {
    let mut found = holders(machine, names);
    for (name, holders) in names.iter().zip(&mut found) {
        let device = machine.real(name);
        holders.retain(|holder| !serves(machine, holder.pid, &device));
    }
    found
}

/// Whether a process serves a pseudo-terminal: it has the other end open.
fn serves(machine: &Machine, pid: u32, device: &Path) -> bool {
    let Some(number) = device.strip_prefix("/dev/pts").ok().and_then(Path::to_str) else { return false };
    let open = fs::read_dir(machine.path(format!("proc/{pid}/fdinfo"))).into_iter().flatten().flatten();
    let is_its_other_end = |fd: fs::DirEntry| {
        let told = fs::read_to_string(fd.path()).unwrap_or_default();
        told.lines().any(|line| line.strip_prefix("tty-index:").is_some_and(|index| index.trim() == number))
    };
    open.into_iter().any(is_its_other_end)
}

/// Returns who has a port open as the beginning of a sentence: ``process 12 (`cat`) has``.
#[cfg(any(unix, test))]
pub(crate) fn held_by(holders: &[Holder]) -> String {
    let who = if holders.len() == 1 { "process" } else { "processes" };
    let has = if holders.len() == 1 { "has" } else { "have" };
    format!("{who} {} {has}", listed(holders))
}

/// Returns processes as a sentence names them: ``12 (`cat`), 40``.
pub(crate) fn listed(holders: &[Holder]) -> String {
    let named = holders.iter().take(N_NAMED).map(|Holder { pid, command }| match command.as_str() {
        "" => pid.to_string(),
        command => format!("{pid} (`{command}`)"),
    });
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32, command: &str) -> Holder {
        Holder { pid, command: command.to_string() }
    }

    #[test]
    fn holders_are_named_with_pid_and_command() {
        assert_eq!(held_by(&[holder(12, "minicom")]), "process 12 (`minicom`) has");
        assert_eq!(held_by(&[holder(12, "minicom"), holder(40, "")]), "processes 12 (`minicom`), 40 have");
    }

    #[cfg(unix)]
    #[test]
    fn whoever_has_the_device_open_is_found_by_whichever_name() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let machine = Machine::at(folder.path());
        let fill = |path: &str, text: &str| {
            let path = machine.path(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            fs::write(path, text).expect("there is room");
        };
        fill("dev/ttyUSB0", "");
        fill("dev/ttyUSB1", "");
        fill("proc/40/comm", "ModemManager\n");
        fill("proc/7/comm", "cat\n");
        fill("proc/meminfo", "");
        std::os::unix::fs::symlink("ttyUSB0", machine.path("dev/modem")).expect("a link can be made");
        for pid in [7, 40] {
            fs::create_dir_all(machine.path(format!("proc/{pid}/fd"))).expect("there is room");
            std::os::unix::fs::symlink("/dev/ttyUSB0", machine.path(format!("proc/{pid}/fd/3"))).expect("a link");
        }
        let both = vec![holder(7, "cat"), holder(40, "ModemManager")];
        let found = holders(&machine, &["/dev/ttyUSB0", "/dev/modem", "/dev/ttyUSB1"]);
        assert_eq!(found, [both.clone(), both, Vec::new()]);
    }
}
