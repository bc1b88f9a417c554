//! `flowrun test --watch`: what is saved is run again, and nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A suite that is watched, and the lines that it says.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file beside its place and puts it there, as many editors do: nobody sees half of it, however slow the machine is.
fn write(folder: &Path, name: &str, text: &str) {
    let beside = folder.join(".written");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, folder.join(name))).expect("it can be written");
}

fn flow(folder: &Path, name: &str, more: &str) {
    let text = format!("flow \"{name}\"\nsim \"m.flow\"\nsend \"A\"\nexpect line \"OK\"\n{more}");
    write(folder, &format!("{name}.flow"), &text);
}

fn watch(folder: &Path, arguments: &[&str]) -> Watching {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(["test", "--watch", "--accept"]).args(arguments).current_dir(folder).env("COLUMNS", "100");
    command
        .env("XDG_STATE_HOME", folder.join(".state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it can be started");
    let (sender, lines) = channel();
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Watching { child, lines }
}

impl Watching {
    /// Returns the flows of the next round, each with its status.
    fn round(&self) -> Vec<String> {
        let mut flows = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("it says that it watches");
            if line.starts_with("watching ") {
                return flows;
            }
            let words: Vec<&str> = line.split_whitespace().take(2).collect();
            if let [status, file] = words.as_slice()
                && let Some(name) = file.strip_suffix(".flow")
                && !line.starts_with(' ')
                && *status != "changed:"
            {
                flows.push(format!("{name} {status}"));
            }
        }
    }
}

#[test]
fn what_is_made_of_a_saved_file_is_run_again_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let here = folder.path();
    write(here, "m.flow", "device \"m\"\nuse \"lib.flow\"\non line \"A\" { reply \"OK\" }\n");
    write(here, "lib.flow", "library \"l\"\n");
    flow(here, "a", "");
    flow(here, "b", "");
    write(here, "alone.flow", "flow \"alone\"\nassert 1 == 1\n");
    let watching = watch(here, &[]);
    assert_eq!(watching.round(), ["a passed", "alone skipped", "b passed"]);
    flow(here, "b", "log \"more\"\n");
    assert_eq!(watching.round(), ["b passed"]);
    // What the device uses counts; a note beside it does not.
    write(here, "notes.txt", "x");
    let mut library = fs::OpenOptions::new().append(true).open(here.join("lib.flow")).expect("it is there");
    library.write_all(b"\n").expect("it can be written");
    assert_eq!(watching.round(), ["a passed", "b passed"]);
    // A flow that comes is run, one with mistakes as soon as it has none.
    flow(here, "c", "call missing()\n");
    assert_eq!(watching.round(), ["c wrong"]);
    flow(here, "c", "");
    assert_eq!(watching.round(), ["c passed"]);
    // In a folder that comes, too.
    fs::create_dir(here.join("deep")).expect("there is room");
    write(here, "deep/m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    flow(here, "deep/d", "");
    assert_eq!(watching.round().last().map(String::as_str), Some("deep/d passed"));
    // One that goes is named.
    fs::remove_file(here.join("b.flow")).expect("it is there");
    assert_eq!(watching.round(), ["b gone:"]);
}

#[test]
fn what_the_suite_writes_itself_is_no_change() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let here = folder.path();
    write(here, "m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    flow(here, "a", "");
    flow(here, "b", "");
    let watching = watch(here, &["--record", ".", "--transcript", ".", "--history"]);
    assert_eq!(watching.round(), ["a passed", "b passed"]);
    assert!(here.join("a.recording").is_file() && here.join("a.txt").is_file());
    // A recording beside a flow is a part of it: if the one that was just written counted, `a` would be run here.
    flow(here, "b", "log \"more\"\n");
    assert_eq!(watching.round(), ["b passed"]);
}

#[test]
fn the_end_of_a_watch_that_waits_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write(folder.path(), "m.flow", "device \"m\"\non line \"A\" { reply \"NO\" }\n");
    flow(folder.path(), "a", "");
    let mut watching = watch(folder.path(), &[]);
    assert_eq!(watching.round(), ["a failed"]);
    #[cfg(unix)]
    {
        let pid = rustix::process::Pid::from_child(&watching.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        assert_eq!(watching.child.wait().expect("it ends").code(), Some(0));
    }
    #[cfg(not(unix))]
    watching.child.kill().expect("it runs");
}
