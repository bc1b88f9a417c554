//! `flowrun doctor`: what is said of a port, over pseudo-terminals.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A device that is served on a pseudo-terminal as long as this lives.
struct Served {
    folder: tempfile::TempDir,
    device: Child,
}

impl Served {
    fn new(device: &str) -> Served {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        fs::write(folder.path().join("device.flow"), device).expect("there is room");
        let mut command = flowrun(folder.path(), &["sim", "device.flow", "--link", "port"]);
        let mut device = command.stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut lines = BufReader::new(device.stdout.take().expect("it is piped")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("serving on"))), "the device is not served");
        Served { folder, device }
    }

    /// Looks at the port of the device; returns the exit code and what was said.
    fn doctor(&self, options: &[&str]) -> (Option<i32>, String) {
        said(self.folder.path(), &[&["doctor", "./port"], options].concat())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.device.kill();
        let _ = self.device.wait();
    }
}

fn flowrun(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "200").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = flowrun(folder, arguments).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

const MODEM: &str = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\non line \"AT\" { reply \"OK\" }\n";

#[test]
fn a_modem_is_found_only_if_it_may_be_asked() {
    let modem = Served::new(MODEM);
    let (code, text) = modem.doctor(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("  ok     nothing arrived within 2 s\n") && !text.contains("AT"), "{text}");
    let (code, text) = modem.doctor(&["--probe"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("  ok     `AT` is answered with `OK` at 115200 baud\n"), "{text}");
    assert!(text.contains("the device echoes commands"), "{text}");
}

#[test]
fn findings_are_there_for_programs_too() {
    let (code, text) = Served::new(MODEM).doctor(&["--json"]);
    assert_eq!(code, Some(0), "{text}");
    let begins = text.starts_with("{\n  \"format\": \"flowrun doctor\",\n  \"version\": 1,\n  \"machine\": [");
    assert!(begins && text.contains("\"topic\": \"listen\"") && text.contains("\"port\": \"./port\""), "{text}");
}

#[test]
fn a_port_that_cannot_be_opened_is_wrong_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    fs::write(folder.path().join("file"), "").expect("there is room");
    let (code, text) = said(folder.path(), &["doctor", "./file"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("  wrong  ") && text.contains("is not a serial port"), "{text}");
    let (code, text) = said(folder.path(), &["doctor", "./missing", "--probe"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no such file") && !text.contains("probe"), "{text}");
    assert_eq!(said(folder.path(), &["doctor", "sim"]).0, Some(2));
    assert_eq!(said(folder.path(), &["doctor", "--probe"]).0, Some(2), "all ports are not probed");
    let (code, text) = said(folder.path(), &["doctor"]);
    assert!(matches!(code, Some(0 | 1)), "no port is opened: {text}");
}
