//! `flowrun test --review` as a person uses it, on a pseudo-terminal; `flowrun pending` as a script uses it.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// So often a test looks for something that comes at once on a quiet machine, 20 ms apart.
const PATIENCE: usize = 1500;
const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A person who reviews a suite.
struct Person {
    child: Child,
    terminal: File,
    side: OwnedFd,
    seen: String,
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Person {
    fn new(folder: &Path, columns: u16, editor: &str) -> Person {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
        let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("the name is text");
        let side = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
        fcntl_setfd(&ours, FdFlags::CLOEXEC)
            .and_then(|()| fcntl_setfd(&side, FdFlags::CLOEXEC))
            .expect("both are open");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&side, size).expect("it can have a size");
        let end = || Stdio::from(side.try_clone().expect("a descriptor is left"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args(["test", "--review", "--color", "never"]).current_dir(folder).env("TERM", "xterm");
        command
            .env("XDG_STATE_HOME", folder.join(".state"))
            .env_remove("VISUAL")
            .env_remove("CI")
            .env_remove("COLUMNS");
        command.env("EDITOR", editor).stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("it can be started");
        Person { child, terminal: File::from(ours), side, seen: String::new() }
    }

    fn types(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).expect("the terminal takes it");
    }

    fn look(&mut self) {
        let mut waiting = [PollFd::new(&self.terminal, PollFlags::IN)];
        if poll(&mut waiting, Some(&STEP)).expect("it can be waited for") > 0 {
            let mut bytes = [0; 65536];
            let n = self.terminal.read(&mut bytes).unwrap_or(0);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    }

    /// Waits until a text is shown, and forgets what was shown before it.
    fn sees(&mut self, text: &str) -> String {
        for _ in 0..PATIENCE {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_string();
                self.seen.drain(..at + text.len());
                return before;
            }
            self.look();
        }
        panic!("`{text}` is not shown:\n{}", self.seen);
    }

    fn ends(&mut self) -> Option<i32> {
        for _ in 0..PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                self.look();
                return status.code();
            }
            self.look();
        }
        panic!("it does not end:\n{}", self.seen);
    }

    /// Whether the terminal is as a shell wants it.
    fn is_restored(&self) -> bool {
        tcgetattr(&self.side).expect("it is a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }
}

/// A folder with three flows, the first of which has a snapshot from before.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write(folder.path(), "m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    flow(folder.path(), "a", "before");
    assert_eq!(flowrun(folder.path(), &["test", "--accept"]).0, Some(0));
    ["a", "b", "c"].iter().for_each(|name| flow(folder.path(), name, "after"));
    folder
}

fn flow(folder: &Path, name: &str, said: &str) {
    let text = format!("flow \"{name}\"\nsim \"m.flow\"\nsend \"A\"\nexpect line \"OK\"\nlog \"{said}\"\n");
    write(folder, &format!("{name}.flow"), &text);
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("it can be written");
}

fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env_remove("CI").env("XDG_STATE_HOME", folder.join(".state"));
    let output = command.stdin(Stdio::null()).output().expect("it can be started");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns which snapshots there are, and which transcripts are put aside.
fn there(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("snapshots")).expect("it is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("it can be read").file_name().into_string().expect("it is text")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn one_key_answers_and_the_terminal_is_as_before() {
    let folder = folder();
    let mut person = Person::new(folder.path(), 100, "");
    person.sees("1 of 3: a.flow is changed");
    let diff = person.sees("q stop");
    assert!(diff.contains("-    0.000 # before") && diff.contains("+    0.000 # after"), "{diff}");
    assert!(!person.is_restored());
    // An arrow key is no `A`.
    person.types(b"\x1b[A");
    person.types(b"v");
    assert!(person.sees("q stop").contains("flow: a"));
    person.types(b"a");
    person.sees("2 of 3: b.flow is new");
    person.types(b"rs");
    person.sees("rejected");
    person.sees("skipped");
    assert_eq!(person.ends(), Some(0), "a new transcript is no failure where a person sees it: {}", person.seen);
    assert!(person.is_restored());
    assert_eq!(there(folder.path()), ["a.snap", "c.snap.new"]);
    let snapshot = fs::read_to_string(folder.path().join("snapshots/a.snap")).expect("it is there");
    assert!(snapshot.contains("after"), "{snapshot}");
}

#[test]
fn all_are_accepted_with_one_key() {
    let folder = folder();
    let mut person = Person::new(folder.path(), 100, "");
    person.sees("q stop");
    person.types(b"A");
    assert_eq!(person.ends(), Some(0));
    assert_eq!(there(folder.path()), ["a.snap", "b.snap", "c.snap"]);
}

#[test]
fn a_wide_terminal_shows_both_transcripts_beside_each_other() {
    let folder = folder();
    let mut person = Person::new(folder.path(), 140, "");
    person.sees("1 of 3");
    let shown = person.sees("q stop");
    let row = shown.lines().find(|line| line.contains("# before")).expect("it is shown");
    assert!(row.contains("│") && row.contains("# after"), "{shown}");
}

#[test]
fn ctrl_c_and_a_signal_leave_the_terminal_as_it_was() {
    for signal in [None, Some(Signal::INT), Some(Signal::TERM)] {
        let folder = folder();
        let mut person = Person::new(folder.path(), 100, "");
        person.sees("q stop");
        assert!(!person.is_restored());
        match signal {
            None => person.types(b"\x03"),
            Some(signal) => kill_process(Pid::from_child(&person.child), signal).expect("it can be signalled"),
        }
        let code = person.ends();
        // A raw terminal gives Ctrl-C as a key: a script that looks at the code must not take it for a failed flow.
        assert_eq!(code, Some(130), "{}", person.seen);
        assert!(person.is_restored());
        assert_eq!(there(folder.path()), ["a.snap", "a.snap.new", "b.snap.new", "c.snap.new"]);
    }
}

#[test]
fn an_editor_gets_the_flow_and_the_keys() {
    let folder = folder();
    write(folder.path(), "edit.sh", "read word; echo \"edits $1 $2: $word\"\n");
    let mut person = Person::new(folder.path(), 100, "sh edit.sh 'with words'");
    person.sees("q stop");
    person.types(b"o");
    // The editor has the terminal as a shell has it.
    for _ in 0..PATIENCE {
        if person.is_restored() {
            break;
        }
        person.look();
    }
    person.types(b"typed a\r");
    person.sees("edits with words a.flow: typed a");
    person.sees("count in the next run");
    person.types(b"q");
    assert_eq!(person.ends(), Some(1));
    let mut person = Person::new(folder.path(), 100, "");
    person.sees("q stop");
    person.types(b"oq");
    person.sees("set VISUAL or EDITOR");
    assert_eq!(person.ends(), Some(1));
}

#[test]
fn what_is_put_aside_is_listed_for_scripts() {
    let folder = folder();
    assert_eq!(flowrun(folder.path(), &["pending"]), (Some(0), String::new()));
    assert_eq!(flowrun(folder.path(), &["test"]).0, Some(1));
    fs::remove_file(folder.path().join("c.flow")).expect("it is there");
    let (code, said) = flowrun(folder.path(), &["pending"]);
    let list = "changed  snapshots/a.snap.new\nnew      snapshots/b.snap.new\nnew      snapshots/c.snap.new\n";
    assert_eq!((code, said.as_str()), (Some(1), list));
    let (code, said) = flowrun(folder.path(), &["pending", "a.flow", "--format", "json"]);
    let json = "{\n  \"format\": \"flowrun pending\",\n  \"version\": 1,\n  \"pending\": [\n    {\n      \
        \"flow\": \"a.flow\",\n      \"status\": \"changed\",\n      \"snapshot\": \"snapshots/a.snap\",\n      \
        \"file\": \"snapshots/a.snap.new\"\n    }\n  ]\n}\n";
    assert_eq!((code, said.as_str()), (Some(1), json));
    assert_eq!(flowrun(folder.path(), &["pending", "missing"]).0, Some(2));
}
