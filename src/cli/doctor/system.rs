//! What the system says about a port, without opening it: rights, who has it open, the adapter, and programs that take ports.

use super::super::finding::{Finding, Topic};
#[cfg(any(unix, test))]
use super::super::host::User;
use crate::transport::{Holder, Machine, in_a_list};
use crate::value::escape::harmless;

/// The node of a port, as far as rights go.
#[cfg(any(unix, test))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub uid: u32,
    pub gid: u32,
    /// The nine bits of its rights.
    pub mode: u32,
}

/// A line of `/etc/group`.
#[cfg(any(unix, test))]
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: Vec<&'a str>,
}

/// Returns what is to be said of the rights to a port.
#[cfg(any(unix, test))]
pub(super) fn rights(user: &User, node: Node, machine: &Machine) -> Finding {
    const READ_AND_WRITE: u32 = 0o6;
    let name = name_of(user.uid, machine);
    let may = |shift: u32| node.mode >> shift & READ_AND_WRITE == READ_AND_WRITE;
    let groups = machine.text("/etc/group").unwrap_or_default();
    let group = groups.lines().filter_map(group).find(|group| group.gid == node.gid);
    let title = group.as_ref().map_or_else(|| node.gid.to_string(), |group| group.name.to_string());
    if user.uid == 0 {
        return Finding::fine(Topic::Rights, "root may use every port");
    }
    if user.uid == node.uid && may(6) {
        return Finding::fine(Topic::Rights, "you own the port and may read and write it");
    }
    if user.groups.contains(&node.gid) && may(3) {
        return Finding::fine(Topic::Rights, format!("group `{title}` may read and write it, and you are in it"));
    }
    if may(0) {
        return Finding::fine(Topic::Rights, "everybody may read and write it");
    }
    match group {
        Some(group) if may(3) && group.members.contains(&name.as_str()) => Finding::wrong(
            Topic::Rights,
            format!("you may not use it yet: you are in group `{title}`, but your session began before"),
            format!("log out and in again, or run `newgrp {title}` in this terminal"),
        ),
        Some(_) if may(3) && title != "root" => Finding::wrong(
            Topic::Rights,
            format!("you may not use it: it belongs to group `{title}`, and you are not in it"),
            format!("run `sudo usermod -aG {title} $USER` and log in again"),
        ),
        Some(_) | None => Finding::wrong(
            Topic::Rights,
            "only its owner may use it",
            "let a udev rule give it to a group: `KERNEL==\"ttyUSB*\", GROUP=\"dialout\", MODE=\"0660\"`",
        ),
    }
}

/// Returns the name of a user; empty if nobody says.
#[cfg(any(unix, test))]
fn name_of(uid: u32, machine: &Machine) -> String {
    let users = machine.text("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    });
    name.unwrap_or_default().to_string()
}

#[cfg(any(unix, test))]
fn group(line: &str) -> Option<Group<'_>> {
    let mut fields = line.split(':');
    let (name, _, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(Group { name, gid: gid.parse().ok()?, members: members.split(',').collect() })
}

/// Returns what is to be said of the processes that have a port open.
pub(super) fn held(holders: &[Holder]) -> Finding {
    let who = harmless(in_a_list(holders));
    match holders {
        [] => Finding::fine(Topic::Holders, "no other program has it open, as far as you may see"),
        some if some.iter().any(|holder| holder.command == "ModemManager") => Finding::wrong(
            Topic::Holders,
            format!("it is open in {who}"),
            "ModemManager looks at every new port: stop it with `sudo systemctl stop ModemManager`",
        ),
        _ => Finding::wrong(
            Topic::Holders,
            format!("it is open in {who}"),
            "close the other program, or wait until it is done",
        ),
    }
}

/// Returns what is to be said of the driver of a port, and of the latency that FTDI adapters add.
pub(super) fn adapter(name: &str, driver: Option<&str>, machine: &Machine) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(driver) = driver {
        findings.push(Finding::fine(Topic::Driver, format!("driver `{}`", harmless(driver))));
    }
    let Some(node) = name.strip_prefix("/dev/") else { return findings };
    let file = format!("/sys/bus/usb-serial/devices/{node}/latency_timer");
    let latency = machine.text(&file).and_then(|text| text.parse::<u32>().ok());
    findings.extend(latency.map(|latency| match latency {
        0 | 1 => {
            Finding::fine(Topic::Latency, format!("the adapter waits {latency} ms before it hands on what it received"))
        }
        _ => Finding::note(
            Topic::Latency,
            format!("the adapter waits up to {latency} ms before it hands on what it received"),
            format!("if that is too slow: `echo 1 | sudo tee {file}`, after each time it is plugged in"),
        ),
    }));
    findings
}

/// Returns what is to be said of programs that take ports for themselves.
pub(super) fn programs(machine: &Machine) -> Vec<Finding> {
    let running = machine.processes();
    let is_running = |program: &str| running.iter().any(|(_, command)| command == program);
    let mut findings = Vec::new();
    if is_running("ModemManager") {
        findings.push(Finding::note(
            Topic::ModemManager,
            "ModemManager is running: it opens every new port and sends AT commands for some seconds",
            "stop it with `sudo systemctl stop ModemManager`, or let a udev rule leave the adapter alone: \
             `ENV{ID_MM_DEVICE_IGNORE}=\"1\"`",
        ));
    }
    if is_running("brltty") {
        findings.push(Finding::note(
            Topic::Brltty,
            "brltty is running: it takes adapters with a CH340, CP210x or FTDI chip for braille displays, and their ports go away",
            "if you need no braille display: `sudo systemctl mask --now brltty-udev.service brltty.service`",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Level;
    use super::*;

    fn user(groups: &[u32]) -> User {
        User { uid: 1000, groups: groups.to_vec() }
    }

    fn node(mode: u32) -> Node {
        Node { uid: 0, gid: 20, mode }
    }

    /// A machine with these files in it.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let machine = Machine::at(folder.path());
        for (path, text) in files {
            let path = machine.path(path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        }
        (folder, machine)
    }

    #[test]
    fn rights_are_those_of_the_owner_the_group_or_everybody() {
        let (_folder, machine) = machine(&[("etc/group", "root:x:0:\ndialout:x:20:bob,ann\n")]);
        let level = |user: &User, node: Node| rights(user, node, &machine).level;
        assert_eq!(level(&User { uid: 0, ..user(&[]) }, node(0o600)), Level::Fine);
        assert_eq!(level(&user(&[20]), node(0o660)), Level::Fine);
        assert_eq!(level(&user(&[20]), node(0o640)), Level::Wrong, "a group that may only read is no use");
        assert_eq!(level(&user(&[]), node(0o666)), Level::Fine);
        assert_eq!(level(&user(&[]), Node { uid: 1000, ..node(0o600) }), Level::Fine);
        assert_eq!(level(&user(&[]), node(0o600)), Level::Wrong);
    }

    #[test]
    fn who_is_not_in_the_group_is_told_how_to_get_in_and_who_is_in_it_already_to_log_in_again() {
        let (_folder, machine) = machine(&[
            ("etc/group", "root:x:0:\nuucp:x:20:bob\ndialout:x:21:bob,ann\n"),
            ("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"),
        ]);
        let told = |gid: u32| rights(&user(&[]), Node { gid, ..node(0o660) }, &machine).advice.unwrap_or_default();
        assert!(told(20).contains("usermod -aG uucp"), "{}", told(20));
        assert!(told(21).contains("log out"), "{}", told(21));
        assert!(told(0).contains("udev"), "root's group is none to be in");
        assert!(told(99).contains("udev"), "and so is one without a name");
    }

    #[test]
    fn an_adapter_that_hands_on_late_is_told_with_the_file_that_changes_it() {
        let path = "sys/bus/usb-serial/devices/ttyUSB0/latency_timer";
        let found = |ms: &str| {
            let (_folder, machine) = machine(&[(path, ms)]);
            adapter("/dev/ttyUSB0", Some("ftdi_sio"), &machine)
        };
        let slow = found("16\n");
        assert_eq!((slow[0].what.as_str(), slow[1].level), ("driver `ftdi_sio`", Level::Note));
        let advice = slow[1].advice.as_deref().unwrap_or_default();
        assert!(advice.contains(&format!("tee /{path}")), "{advice}");
        assert_eq!(found("1\n")[1].level, Level::Fine);
        let (_folder, machine) = machine(&[]);
        assert_eq!(adapter("/dev/ttyS0", None, &machine), []);
    }

    #[test]
    fn programs_that_take_ports_are_told_if_they_run() {
        let (_folder, machine) =
            machine(&[("proc/7/comm", "brltty\n"), ("proc/9/comm", "ModemManager\n"), ("proc/1/comm", "x")]);
        let topics: Vec<_> = programs(&machine).iter().map(|finding| finding.topic).collect();
        assert_eq!(topics, [Topic::ModemManager, Topic::Brltty]);
        let holder = |command: &str| Holder { pid: 9, command: command.to_string() };
        assert!(held(&[holder("ModemManager")]).advice.is_some_and(|advice| advice.contains("systemctl")));
        assert_eq!(held(&[holder("cat")]).what, "it is open in 9 (`cat`)");
        assert_eq!(held(&[]).level, Level::Fine);
    }
}
