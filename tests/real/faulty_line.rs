//! A line between the program and lrzsz that flips, loses and doubles bytes: the file arrives whole, or the run says that it
//! did not. The program has a pseudo-terminal, lrzsz has pipes to the same line.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use flowrun::value::random::Rng;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::lrzsz::{Protocol, content, each_protocol, installed};

/// Each direction of each protocol is tried with so many lines.
const SEEDS: u64 = 4;
/// How long the file is: some blocks, long ones and short ones.
const SIZE: usize = 3_000;
/// How many bytes lie between two faults, at least and in addition at most: not more than one in a block and its repetition.
const APART: (u64, u64) = (300, 1_200);
/// How many faults a direction has: each costs lrzsz, or the program, a wait for what does not come.
const MOST_FAULTS: u32 = 3;

/// What a line does to a byte.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Flipped,
    Lost,
    Doubled,
}

/// One direction of a line.
struct Direction {
    random: Rng,
    /// How many bytes pass before the next fault.
    left: u64,
    n_faults: u32,
}

impl Direction {
    /// Makes a direction whose first fault comes after so many bytes, more or less.
    fn new(seed: u64, about: u64) -> Direction {
        let mut random = Rng::from_seed(seed);
        let left = random.below(about);
        Direction { random, left, n_faults: 0 }
    }

    /// Returns what arrives of these bytes.
    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut arrived = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.left > 0 || self.n_faults == MOST_FAULTS {
                self.left = self.left.saturating_sub(1);
                arrived.push(*byte);
                continue;
            }
            self.n_faults += 1;
            self.left = APART.0 + self.random.below(APART.1);
            match [Fault::Flipped, Fault::Lost, Fault::Doubled][self.random.below(3) as usize] {
                Fault::Flipped => arrived.push(byte ^ (1 << self.random.below(8))),
                Fault::Lost => {}
                Fault::Doubled => arrived.extend([*byte, *byte]),
            }
        }
        arrived
    }

    /// Carries bytes until there are no more; returns how many faults there were.
    fn carry(mut self, mut from: impl Read, mut to: impl Write, last: &[u8]) -> u32 {
        let mut bytes = [0; 512];
        // A pseudo-terminal whose other end is closed says so with an error.
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if to.write_all(&self.pass(&bytes[..n])).and_then(|()| to.flush()).is_err() {
                break;
            }
        }
        // Nobody may listen any more.
        let _ = to.write_all(last);
        self.n_faults
    }
}

/// Returns a pseudo-terminal: our end, the program's, and the name of that.
fn pair() -> (File, OwnedFd, PathBuf) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
    let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("the name is text");
    let other = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
    let mut raw = tcgetattr(&other).expect("it is a terminal");
    raw.make_raw();
    tcsetattr(&other, OptionalActions::Now, &raw).expect("it can be set");
    (ours.into(), other, name.into())
}

/// What came of a run.
struct Outcome {
    output: Output,
    /// How many faults there were in each direction.
    n_faults: [u32; 2],
}

impl Outcome {
    fn shown(&self) -> String {
        let shown = [&self.output.stdout[..], &self.output.stderr[..]].concat();
        String::from_utf8_lossy(&shown).into_owned()
    }
}

/// Which way the file goes; the answers go the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// Runs a flow in a folder with a program of lrzsz at the other end of a faulty line.
fn run(folder: &Path, (flow, way): (&str, Way), program: &str, seed: u64, options: &[&str]) -> Outcome {
    let (ours, other, name) = pair();
    fs::write(folder.join("test.flow"), flow).expect("there is room");
    let mut words = program.split(' ');
    let mut peer: Child = Command::new(words.next().expect("a program has a name"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it is installed");
    let (input, output) = (peer.stdin.take().expect("it is piped"), peer.stdout.take().expect("it is piped"));
    let (from, to) = (ours.try_clone().expect("a descriptor is left"), ours);
    // An answer is one byte, and there may be three blocks.
    let (file, answers) = (Direction::new(seed, 400), Direction::new(!seed, 4));
    let (there, back) = if way == Way::There { (file, answers) } else { (answers, file) };
    let there = thread::spawn(move || there.carry(from, input, b""));
    let back = thread::spawn(move || back.carry(output, to, b"\r\nEND\r\n"));
    let output = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .args(["test.flow", "--color", "never", "--port"])
        .arg(name)
        .args(options)
        .current_dir(folder)
        .output()
        .expect("it can be started");
    drop(other);
    let n_there = there.join().expect("it does not panic");
    // A receiver that still waits gets nothing more.
    let _ = peer.kill();
    let _ = peer.wait();
    Outcome { output, n_faults: [n_there, back.join().expect("it does not panic")] }
}

/// Whether a file has arrived: XMODEM fills its last block.
fn is_whole(arrived: &[u8], protocol: &Protocol) -> bool {
    let filling = arrived.strip_prefix(content(SIZE).as_slice());
    filling.is_some_and(|rest| {
        rest.is_empty() || !protocol.has_size && rest.len() < 1024 && rest.iter().all(|byte| *byte == 0x1a)
    })
}

/// Tries a direction of a protocol on all lines at once; some of the runs must pass, and none with another file. Each has
/// faults in the file and in the answers: an answer that is doubled is one to the next block too, for lrzsz, and so the file
/// cannot arrive.
fn each_line(protocol: &Protocol, work: impl Fn(u64, &Path) -> Outcome + Sync) {
    let passed: Vec<bool> = thread::scope(|scope| {
        let work = &work;
        let lines = (0..SEEDS).map(|n| {
            scope.spawn(move || {
                let folder = tempfile::tempdir().expect("there is room");
                let seed = 1 + n;
                let outcome = work(seed, folder.path());
                let what = format!("{} seed {seed}, {:?} faults\n{}", protocol.name, outcome.n_faults, outcome.shown());
                assert!(outcome.n_faults.iter().all(|n| *n > 0), "{what}");
                let arrived = fs::read(folder.path().join("arrived.bin")).unwrap_or_default();
                match outcome.output.status.code() {
                    Some(0) => assert!(is_whole(&arrived, protocol), "another file has arrived\n{what}"),
                    code => assert!(code == Some(1) && outcome.shown().contains("flow::run::"), "{what}"),
                }
                outcome.output.status.success()
            })
        });
        let lines: Vec<_> = lines.collect();
        lines.into_iter().map(|line| line.join().expect("the line is as it must be")).collect()
    });
    assert!(passed.contains(&true), "{}: none passed", protocol.name);
}

#[test]
fn lrzsz_gets_the_file_whole_over_a_faulty_line_or_the_flow_fails() {
    each_protocol(
        "lrzsz_gets_the_file_whole_over_a_faulty_line_or_the_flow_fails",
        |protocol| installed(protocol.receives),
        |protocol, program| {
            each_line(protocol, |seed, folder| {
                fs::write(folder.join("given.bin"), content(SIZE)).expect("there is room");
                let (name, file) = match protocol.has_size {
                    true => (" as \"arrived.bin\"", ""),
                    false => ("", " arrived.bin"),
                };
                let by = protocol.name;
                let flow = format!(
                    "flow \"send\"\nfile fw\nsend_file fw{name} by {by} within 60s\nexpect line \"END\" within 20s\n"
                );
                run(folder, (&flow, Way::There), &format!("{program} -t 20{file}"), seed, &["--file", "fw=given.bin"])
            });
        },
    );
}

#[test]
fn a_flow_gets_the_file_whole_over_a_faulty_line_or_fails() {
    each_protocol(
        "a_flow_gets_the_file_whole_over_a_faulty_line_or_fails",
        |protocol| installed(protocol.sends),
        |protocol, program| {
            each_line(protocol, |seed, folder| {
                fs::write(folder.join("given.bin"), content(SIZE)).expect("there is room");
                let flow = format!("flow \"receive\"\nreceive_file came by {} within 60s\n", protocol.name);
                run(
                    folder,
                    (&flow, Way::Back),
                    &format!("{program} -t 20 given.bin"),
                    seed,
                    &["--file", "came=arrived.bin"],
                )
            });
        },
    );
}
