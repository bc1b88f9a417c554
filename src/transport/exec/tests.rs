//! Programs as ports.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::fs;
use std::path::Path;

use rustix::process::test_kill_process;

use super::*;
use crate::port::{Happening, PortId};
use crate::transport::driven::{Driven, PATIENCE};

fn broken(reason: CloseReason) -> (String, String) {
    match reason {
        CloseReason::Broken { reason, help: Some(help) } | CloseReason::CannotOpen { reason, help: Some(help) } => {
            (reason, help)
        }
        other => panic!("{other:?}"),
    }
}

/// Returns the number that a program has written in a line.
fn number(line: &[u8]) -> Pid {
    let text = String::from_utf8_lossy(line);
    text.trim().parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("{text:?} is no process"))
}

/// Whether a process runs. One that has ended may wait for its new parent to ask for its status.
fn is_running(process: Pid) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    test_kill_process(process).is_ok() && !state.is_ok_and(|state| state.contains(") Z "))
}

/// Waits until a process does not run any more.
fn wait_for_end(process: Pid) {
    let mut left = PATIENCE;
    while is_running(process) {
        assert!(!left.is_zero(), "{process:?} goes on");
        left = pause(left);
    }
}

#[test]
fn what_is_sent_to_cat_comes_back() {
    let mut port = Driven::open("exec:cat");
    port.send(b"AT\r");
    // Once from the terminal, and once from cat.
    assert_eq!(port.take(8), b"AT\r\nAT\r\n");
}

#[test]
fn a_raw_terminal_passes_every_byte() {
    let mut port = Driven::open("exec:sh -c 'stty raw -echo; echo ready; exec cat'");
    port.take_until(b"ready\n");
    let every: Vec<u8> = (0..=255).collect();
    port.send(&every);
    assert_eq!(port.take(256), every);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_has_a_terminal_of_its_own() {
    let mut port = Driven::open("exec:sh -c 'tty < /dev/tty && stty size && ps -o pgid= -o sid= -p $$ && echo $$'");
    let told = port.take_until(b"\r\n");
    assert!(told.starts_with(b"/dev/"), "{told:?}");
    assert_eq!(port.take_until(b"\r\n"), b"24 80\r\n");
    let groups = String::from_utf8(port.take_until(b"\r\n")).expect("numbers");
    let process = number(&port.take_until(b"\r\n")).as_raw_nonzero().to_string();
    assert_eq!(groups.split_whitespace().collect::<Vec<_>>(), [&process, &process]);
}

#[test]
fn a_missing_program_is_named() {
    let (reason, help) = broken(Driven::refusal("exec:no-such-program --help"));
    assert_eq!(reason, "`no-such-program` cannot be started: no such file or directory");
    assert!(help.contains("is `no-such-program` installed"), "{help}");
    let (_, help) = broken(Driven::refusal("exec:/no/such/program"));
    assert!(help.contains("is there a file"), "{help}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script");
    fs::write(&path, "#!/bin/sh\n").expect("there is room");
    let (_, help) = broken(Driven::refusal(&format!("exec:{}", path.display())));
    assert!(help.contains("chmod +x"), "{help}");
}

#[test]
fn the_status_of_a_program_that_ended_is_told_after_its_last_bytes() {
    for (command, ending) in [
        ("exec:sh -c 'echo bye; exit 3'", "the program ended with status 3"),
        ("exec:sh -c 'echo bye'", "the program ended with status 0"),
        ("exec:sh -c 'echo bye; kill -9 $$'", "signal 9 ended the program"),
    ] {
        let mut port = Driven::open(command);
        assert_eq!(broken(port.reason()).0, ending);
        assert_eq!(port.received, b"bye\r\n");
    }
}

#[test]
fn a_program_that_ends_at_once_has_been_opened() {
    let mut port = Driven::open("exec:true");
    assert_eq!(broken(port.reason()).0, "the program ended with status 0");
}

#[test]
fn a_port_that_is_closed_ends_the_program_and_what_it_started() {
    let mut port = Driven::open("exec:sh -c 'sleep 1000 & echo $!; echo $$; wait'");
    let processes = [number(&port.take_until(b"\n")), number(&port.take_until(b"\n"))];
    port.ask(PortCommand::Close);
    processes.into_iter().for_each(wait_for_end);
}

#[test]
fn what_was_written_last_is_read_before_the_hang_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("heard");
    // It dies of the hang-up, and begins to read late.
    let command = format!("exec:sh -c 'echo ready; sleep 0.05; exec head -n 1 > {}'", path.display());
    let mut port = Driven::open(&command);
    port.take_until(b"ready\r\n");
    port.send(b"bye\r");
    drop(port);
    assert_eq!(fs::read(&path).ok().as_deref(), Some(&b"bye\n"[..]));
}

#[test]
fn a_program_that_ignores_the_hang_up_is_killed() {
    let mut port = Driven::open("exec:sh -c 'trap \"\" HUP; sleep 1000 & echo $!; echo $$; while :; do wait; done'");
    let processes = [number(&port.take_until(b"\n")), number(&port.take_until(b"\n"))];
    drop(port);
    processes.into_iter().for_each(wait_for_end);
}

#[test]
fn a_program_that_hears_of_its_end_can_clean_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cleaned");
    let command = format!(
        "exec:sh -c 'trap \"echo done > {}; exit\" HUP; echo ready; while :; do sleep 0.01; done'",
        path.display()
    );
    let mut port = Driven::open(&command);
    port.take_until(b"ready\r\n");
    drop(port);
    assert_eq!(fs::read(Path::new(&path)).ok().as_deref(), Some(&b"done\n"[..]));
}

#[test]
fn what_a_program_left_behind_ends_with_the_port() {
    let mut port =
        Driven::open("exec:sh -c 'trap \"\" HUP; sleep 1000 < /dev/null > /dev/null 2>&1 & echo $!; exit 4'");
    let left = number(&port.take_until(b"\n"));
    assert_eq!(broken(port.reason()).0, "the program ended with status 4");
    wait_for_end(left);
}

#[test]
fn an_interrupt_is_told_and_the_program_is_still_there() {
    let mut port = Driven::open("exec:cat");
    port.interrupt.raise();
    assert_eq!(port.next(), Happening::Interrupt);
    port.send(b"bye\r");
    assert_eq!(port.take(10), b"bye\r\nbye\r\n");
}

#[test]
fn a_break_cannot_be_sent_to_a_program() {
    let mut port = Driven::open("exec:cat");
    port.ask(PortCommand::SetLines { dtr: Some(true), rts: None });
    port.ask(PortCommand::Break { lasting: Duration::from_millis(1) });
    assert!(matches!(port.next(), Happening::Closed(PortId::FIRST, CloseReason::Broken { .. })));
}
