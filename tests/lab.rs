//! The program in places of a laboratory, with a script in place of `labgrid-client`; `tests/real/labgrid.rs` has the real one.
#![cfg(unix)]

#[path = "support/answering.rs"]
mod answering;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const ASKS: &str = "flow \"asks\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\n";
const FAILS: &str = "flow \"fails\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\nfail \"it is broken\"\n";

/// A laboratory with two places that are free and one that is taken; it writes down what is done with them.
const CLIENT: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$*" in
    "complete places") printf '%s\n' board-1 board-2 taken ;;
    "-p taken acquire") echo "labgrid-client: Error: Place taken is already acquired by h2/other." >&2; exit 1 ;;
    "-p taken env") exit 1 ;;
    *" env")
        printf 'targets:\n  %s:\n    resources:\n    - NetworkSerialPort:\n        protocol: raw\n' "$2"
        printf '        host: 127.0.0.1\n        port: %s\n' "$(cat "$here/port")"
        ;;
    *) echo "$*" >>"$here/done" ;;
esac
"#;

struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new(flow: &str) -> Lab {
        let folder = tempfile::tempdir().expect("a folder");
        let port = answering::devices();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).expect("there is room");
        let client = bin.join("labgrid-client");
        for (path, text) in [
            (client.clone(), CLIENT),
            (bin.join("port"), port.to_string().as_str()),
            (folder.path().join("a.flow"), flow),
        ] {
            fs::write(path, text).expect("there is room");
        }
        fs::set_permissions(client, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Lab { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the program; returns its exit code and what it said, each run of white space as one blank.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let path = format!("{}:/usr/bin:/bin", self.path().join("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        let ran = command.current_dir(self.path()).args(arguments).env("PATH", path).output().expect("it is built");
        let text = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).expect("it is text")).concat();
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "│").collect();
        (ran.status.code(), words.join(" "))
    }

    /// Returns what was done with the places since the last time.
    fn done(&self) -> Vec<String> {
        let file = self.path().join("bin/done");
        let mut done: Vec<String> = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_string).collect();
        let _ = fs::remove_file(file);
        done.sort();
        done
    }
}

#[test]
fn a_place_is_released_after_a_run_that_passed_and_after_one_that_failed() {
    for (flow, expected) in [(ASKS, 0), (FAILS, 1)] {
        let lab = Lab::new(flow);
        let (code, text) = lab.run(&["a.flow", "--port", "LABGRID:board-1"]);
        assert_eq!(code, Some(expected), "{text}");
        assert!(text.contains("a.flow on labgrid:board-1, "), "{text}");
        assert_eq!(lab.done(), ["-p board-1 acquire", "-p board-1 release"]);
    }
}

#[test]
fn a_flow_with_mistakes_releases_its_place() {
    let lab = Lab::new("flow \"wrong\"\n\nsend\n");
    let (code, text) = lab.run(&["a.flow", "--port", "labgrid:board-1"]);
    assert_eq!(code, Some(2), "{text}");
    assert_eq!(lab.done(), ["-p board-1 acquire", "-p board-1 release"]);
}

#[test]
fn a_pattern_uses_several_places_and_so_do_suites_and_commands() {
    let lab = Lab::new(ASKS);
    let (code, text) = lab.run(&["a.flow", "--port", "labgrid:board-*", "--jobs", "1", "--transcript", "t.txt"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(lab.path().join("t.board_1.txt").exists() && lab.path().join("t.board_2.txt").exists());
    let both = ["-p board-1 acquire", "-p board-1 release", "-p board-2 acquire", "-p board-2 release"];
    assert_eq!(lab.done(), both);
    let (code, text) = lab.run(&["test", "a.flow", "--port", "labgrid:board-2", "--accept"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(lab.done(), both[2..]);
    let (code, text) = lab.run(&["say", "labgrid:board-2", "AT"]);
    assert_eq!((code, text.as_str()), (Some(0), "OK"));
    assert_eq!(lab.done(), both[2..]);
    let (code, text) = lab.run(&["say", "labgrid:board-*", "AT"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("2 places fit `labgrid:board-*`"), "{text}");
    assert_eq!(lab.done(), both);
}

#[test]
fn a_place_that_somebody_else_holds_fails_as_a_port_does() {
    let lab = Lab::new(ASKS);
    let (code, text) = lab.run(&["a.flow", "--port", "labgrid:board-1", "--port", "labgrid:taken"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("Place taken is already acquired by h2/other."), "{text}");
    assert_eq!(lab.done(), ["-p board-1 acquire", "-p board-1 release"]);
}

#[test]
fn a_machine_without_labgrid_is_told_what_to_install() {
    let lab = Lab::new(ASKS);
    fs::remove_file(lab.path().join("bin/labgrid-client")).expect("it is there");
    let (code, text) = lab.run(&["a.flow", "--port", "labgrid:board-1"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("`labgrid-client` cannot be started") && text.contains("pip install labgrid"), "{text}");
}

#[test]
fn what_the_document_says_of_names_is_so() {
    let lab = Lab::new(ASKS);
    let document = include_str!("../docs/lab.md");
    let file = document.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it shows one");
    // A baud that no port has by itself; only what is set is noted.
    fs::write(lab.path().join("flowrun.toml"), file.replace("115200", "57600")).expect("there is room");
    let (code, text) = lab.run(&["a.flow", "--port", "dut"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("a.flow on labgrid:board-1, bytes only") && text.contains("note: `labgrid:board-1`"),
        "{text}"
    );
    let (code, text) = lab.run(&["a.flow", "--profile", "rack"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 ports: 2 passed"), "{text}");
}
