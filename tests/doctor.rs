//! `flowrun doctor`: what is said of a port, over pseudo-terminals.

#![cfg(unix)]

#[path = "support/served.rs"]
mod served;

use std::fs;

use served::{Served, said};

/// A device on a pseudo-terminal.
struct Bench(Served);

impl Bench {
    fn new() -> Bench {
        Bench(Served::new(MODEM, &["--link", "port"]).0)
    }

    /// Looks at the port of the device; returns the exit code and what was said.
    fn doctor(&self, options: &[&str]) -> (Option<i32>, String) {
        said(self.0.folder.path(), &[&["doctor", "./port"], options].concat())
    }
}

const MODEM: &str = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\non line \"AT\" { reply \"OK\" }\n";

#[test]
fn a_modem_is_found_only_if_it_may_be_asked() {
    let modem = Bench::new();
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
    let (code, text) = Bench::new().doctor(&["--json"]);
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
