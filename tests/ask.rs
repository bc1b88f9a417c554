//! What a person types for a secret is not shown, and belongs to the question that it was typed for. With a real terminal: a
//! pseudo-terminal whose other end is this test.

#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// So often a test looks for something that comes at once on a quiet machine, 50 ms apart.
const PATIENCE: usize = 600;
/// The time between two looks.
const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// A pseudo-terminal: this test's end, the other one, and what that is called.
fn pair() -> (OwnedFd, OwnedFd, PathBuf) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
    let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("the name is text");
    let other = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
    (ours, other, PathBuf::from(name))
}

/// A run with a person at its terminal.
struct Bench {
    child: Child,
    terminal: File,
    /// What the terminal showed so far.
    seen: String,
    /// The end of the port that nobody uses: as long as it is there, the port is.
    _port: (OwnedFd, OwnedFd),
}

impl Bench {
    fn new(body: &str) -> (Bench, tempfile::TempDir) {
        Bench::with(body, &[])
    }

    /// Runs a flow with further arguments.
    fn with(body: &str, arguments: &[&str]) -> (Bench, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::fs::write(folder.path().join("t.flow"), format!("flow \"t\"\n{body}\n")).expect("it can be written");
        let (port, port_side, port_name) = pair();
        let mut raw = tcgetattr(&port_side).expect("it is a terminal");
        raw.make_raw();
        tcsetattr(&port_side, OptionalActions::Now, &raw).expect("it can be set");
        let (terminal, side, _) = pair();
        let input = side.try_clone().expect("a descriptor is left");
        let child = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .current_dir(folder.path())
            .args(["t.flow", "--port"])
            .arg(port_name)
            .args(["--transcript", "transcript"])
            .args(arguments)
            .env_remove("CI")
            .stdin(Stdio::from(input))
            .stderr(Stdio::from(side))
            .stdout(Stdio::null())
            .spawn()
            .expect("it can be started");
        let terminal = File::from(terminal);
        (Bench { child, terminal, seen: String::new(), _port: (port, port_side) }, folder)
    }

    /// Reads until the terminal has shown a text so many times.
    fn wait_for(&mut self, text: &str, times: usize) {
        for _ in 0..PATIENCE {
            if self.seen.matches(text).count() >= times {
                return;
            }
            let mut waiting = [PollFd::new(&self.terminal, PollFlags::IN)];
            if poll(&mut waiting, Some(&STEP)).expect("it can be waited for") > 0 {
                let mut bytes = [0; 4096];
                let n = self.terminal.read(&mut bytes).unwrap_or(0);
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        }
        panic!("`{text}` is not shown {times} times: {}", self.seen);
    }

    fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).expect("it can be typed");
    }

    /// Whether the terminal shows what is typed.
    fn echoes(&self) -> bool {
        tcgetattr(&self.terminal).expect("it is a terminal").local_modes.contains(LocalModes::ECHO)
    }

    fn ends(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is a child of this test") {
                return status;
            }
            pause();
        }
        panic!("it does not end: {}", self.seen);
    }

    fn signal(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("it is there");
    }
}

fn pause() {
    poll(&mut [], Some(&STEP)).expect("time passes");
}

impl Drop for Bench {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn transcript(folder: &tempfile::TempDir) -> String {
    std::fs::read_to_string(folder.path().join("transcript")).expect("it was written")
}

#[test]
fn what_is_typed_for_a_secret_is_not_shown_and_for_others_it_is() {
    let (mut bench, folder) = Bench::new(
        "ask \"The key?\" as secret key\nassert len(key) == 8\nask \"The name?\" as name\nlog \"${name} has ${key}\"",
    );
    bench.wait_for("? The key?", 1);
    assert!(!bench.echoes(), "it is hidden before it is asked for");
    bench.types("hunter22\n");
    bench.wait_for("? The name?", 1);
    assert!(bench.echoes());
    bench.types("bob\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    bench.wait_for("bob", 1);
    assert!(bench.echoes());
    assert!(!bench.seen.contains("hunter"), "{}", bench.seen);
    let transcript = transcript(&folder);
    assert!(transcript.contains("bob has «key»") && !transcript.contains("hunter22"), "{transcript}");
}

#[test]
fn an_answer_after_the_time_is_over_is_that_of_the_next_attempt() {
    let (mut bench, folder) =
        Bench::new("step \"s\" timeout 300ms retry 50 {\n  ask \"The key?\" as secret key\n  assert len(key) == 8\n}");
    bench.wait_for("? The key?", 1);
    bench.types("hunt");
    bench.wait_for("? The key?", 2);
    assert!(!bench.echoes(), "it stays hidden");
    bench.types("er22\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    assert!(bench.echoes());
    assert!(!bench.seen.contains("hunt") && !transcript(&folder).contains("hunter22"), "{}", bench.seen);
}

#[test]
fn what_was_typed_for_one_question_never_answers_another() {
    let (mut bench, folder) = Bench::new(
        "try { step \"s\" timeout 2s { ask \"The key?\" as secret _key } }\n\
         ask \"The name?\" as name\nlog name\nassert name == \"bob\", \"it is ${name}\"",
    );
    bench.wait_for("? The key?", 1);
    bench.types("hunter");
    bench.wait_for("? The name?", 1);
    bench.types("bob\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    let shown = format!("{}{}", bench.seen, transcript(&folder));
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn the_terminal_is_as_before_after_an_interrupt_and_after_a_second_one() {
    let (mut bench, _folder) = Bench::new("finally { sleep 60s }\nask \"The key?\" as secret key\nassert 1 == 1");
    assert!(bench.echoes());
    bench.wait_for("? The key?", 1);
    assert!(!bench.echoes());
    bench.signal();
    for _ in 0..PATIENCE {
        if bench.echoes() {
            break;
        }
        pause();
    }
    assert!(bench.echoes(), "it stays hidden");
    // The second one counts as soon as it can be told from the first.
    for _ in 0..PATIENCE {
        if bench.child.try_wait().expect("it is a child of this test").is_some() {
            break;
        }
        bench.signal();
        pause();
    }
    assert_eq!(bench.ends().code(), Some(130));
    assert!(bench.echoes());
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again_and_the_question_says_why() {
    let (mut bench, folder) = Bench::new(
        "ask \"The lamp?\" as lamp choices \"pass\", \"fail\"\nask \"The number?\" as number matches /SN\\d{3}/\n\
         assert lamp == \"fail\", \"it is ${lamp}\"\nassert number == \"SN042\", \"it is ${number}\"",
    );
    bench.wait_for("? The lamp? [pass, fail]", 1);
    bench.types("maybe\n");
    bench.wait_for("? the answer is one of: pass, fail. The lamp? [pass, fail]", 1);
    // As much of it as tells it from the others.
    bench.types("F\n");
    bench.wait_for("? The number?", 1);
    bench.types("SN0421\n");
    bench.wait_for("? the answer must match `/SN\\d{3}/`. The number?", 1);
    bench.types("SN042\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    let transcript = transcript(&folder);
    assert!(transcript.contains("asked again: the answer is one of: pass, fail"), "{transcript}");
}

#[test]
fn a_secret_that_does_not_fit_is_not_shown_either() {
    let (mut bench, folder) = Bench::new("ask \"The key?\" as secret key matches /[a-z]+\\d\\d/\nassert len(key) == 8");
    bench.wait_for("? The key?", 1);
    bench.types("HUNTER22\n");
    bench.wait_for("must match", 1);
    assert!(!bench.echoes(), "it stays hidden");
    bench.types("hunter22\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    let shown = format!("{}{}", bench.seen, transcript(&folder)).to_lowercase();
    assert!(!shown.contains("hunter22"), "{shown}");
}

#[test]
fn a_variable_that_nobody_gave_is_asked_for_until_it_fits() {
    let (mut bench, folder) = Bench::with(
        "param sn matches /SN\\d{3}/\nsecret key\nparam lot\nlog \"${sn} of ${lot} has ${key}\"\nassert len(key) == 8",
        &["--var", "lot=L7"],
    );
    bench.wait_for("? The value of `sn`?", 1);
    bench.types("\n");
    bench.wait_for("? the value is not empty; `--var sn=` gives an empty one. The value of `sn`?", 1);
    bench.types("SN1\n");
    bench.wait_for("? the value must match `/SN\\d{3}/`. The value of `sn`?", 1);
    bench.types("SN042\n");
    bench.wait_for("? The value of `key`?", 1);
    assert!(!bench.echoes(), "it is hidden before it is asked for");
    bench.types("abc\n");
    bench.wait_for("? the value needs at least 4 bytes", 1);
    bench.types("hunter22\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    assert!(bench.echoes());
    let transcript = transcript(&folder);
    assert!(transcript.contains("SN042 of L7 has «key»"), "{transcript}");
    let shown = format!("{}{transcript}", bench.seen);
    assert!(!shown.contains("hunter") && !shown.contains("abc"), "{shown}");
}

#[test]
fn who_answers_nothing_for_a_variable_gets_the_error_and_a_question_of_the_flow_comes_after_them() {
    let (mut bench, folder) =
        Bench::new("param sn\nask \"The name?\" as name\nlog \"${sn} and ${name}\"\nassert 1 == 1");
    bench.wait_for("? The value of `sn`?", 1);
    bench.types("\u{4}");
    assert_eq!(bench.ends().code(), Some(2));
    bench.wait_for("`sn` has no value", 1);
    assert!(!folder.path().join("transcript").exists());
    let (mut bench, folder) =
        Bench::new("param sn\nask \"The name?\" as name\nlog \"${sn} and ${name}\"\nassert 1 == 1");
    bench.wait_for("? The value of `sn`?", 1);
    bench.types("SN1\n");
    bench.wait_for("? The name?", 1);
    bench.types("bob\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    assert!(transcript(&folder).contains("SN1 and bob"));
}

#[test]
fn an_interrupt_at_the_question_for_a_variable_runs_nothing() {
    let (mut bench, folder) = Bench::new("secret key\nassert len(key) == 8");
    bench.wait_for("? The value of `key`?", 1);
    bench.signal();
    assert_eq!(bench.ends().code(), Some(130));
    assert!(bench.echoes() && !folder.path().join("transcript").exists());
}

#[test]
fn nothing_is_asked_for_if_something_else_is_wrong_too() {
    let (mut bench, _folder) = Bench::with("param sn\nassert sn == \"x\"", &["--var", "sm=SN1"]);
    assert_eq!(bench.ends().code(), Some(2));
    bench.wait_for("has no variable `sm`", 1);
    assert!(!bench.seen.contains("? The value"), "{}", bench.seen);
}

#[test]
fn choices_of_a_list_are_choices_and_case_counts_where_it_tells_them_apart() {
    let (mut bench, folder) = Bench::new(
        "param defects = [\"dent\", \"Scratch\"]\nask \"What is it?\" as defect choices \"none\", defects\n\
         ask \"Which mode?\" as mode choices \"a\", \"A\", \"Auto\"\nlog \"${defect} ${mode}\"\nassert 1 == 1",
    );
    bench.wait_for("? What is it? [none, dent, Scratch]", 1);
    bench.types("scr\n");
    bench.wait_for("? Which mode? [a, A, Auto]", 1);
    bench.types("A\n");
    assert!(bench.ends().success(), "{}", bench.seen);
    assert!(transcript(&folder).contains("Scratch A"), "{}", transcript(&folder));
}
