//! A person at a pseudo-terminal whose screen is read, and a device at another one: what tests of `flowrun term` are made of.
#![allow(dead_code, reason = "not every test of a terminal needs all of it")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// So often a test looks for something that comes at once on a quiet machine, 20 ms apart.
pub(crate) const PATIENCE: usize = 1500;
/// The time between two looks.
pub(crate) const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Held while descriptors are made that no program may inherit, and while a program is started.
pub(crate) static STARTING: Mutex<()> = Mutex::new(());

/// A pseudo-terminal: this test's end, the other one, and what that is called.
pub(crate) fn pair() -> (File, OwnedFd, PathBuf) {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
    let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("the name is text");
    let other = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
    fcntl_setfd(&ours, FdFlags::CLOEXEC).and_then(|()| fcntl_setfd(&other, FdFlags::CLOEXEC)).expect("they are open");
    (File::from(ours), other, PathBuf::from(name))
}

/// The device at the other end of the port.
pub(crate) struct Device {
    pub(crate) line: File,
    /// As long as it is there, the port is.
    pub(crate) side: OwnedFd,
    pub(crate) got: Vec<u8>,
}

/// Makes a device, with a link to its port.
pub(crate) fn device(link: &Path) -> Device {
    let (line, side, name) = pair();
    let mut raw = tcgetattr(&side).expect("it is a terminal");
    raw.make_raw();
    tcsetattr(&side, OptionalActions::Now, &raw).expect("it can be set");
    let _ = std::fs::remove_file(link);
    std::os::unix::fs::symlink(name, link).expect("a link can be made");
    Device { line, side, got: Vec::new() }
}

impl Device {
    pub(crate) fn says(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).expect("the port takes it");
    }

    /// Waits until it got exactly this since it was asked last.
    pub(crate) fn gets(&mut self, wanted: &[u8]) {
        for _ in 0..PATIENCE {
            if self.got.len() >= wanted.len() {
                break;
            }
            read_some(&mut self.line, &mut self.got);
        }
        assert_eq!(String::from_utf8_lossy(&self.got), String::from_utf8_lossy(wanted));
        self.got.clear();
    }
}

pub(crate) fn read_some(file: &mut File, into: &mut Vec<u8>) {
    let mut waiting = [PollFd::new(&*file, PollFlags::IN)];
    if poll(&mut waiting, Some(&STEP)).expect("it can be waited for") > 0 {
        let mut bytes = [0; 65536];
        let n = file.read(&mut bytes).unwrap_or(0);
        into.extend_from_slice(&bytes[..n]);
    }
}

/// A person at a terminal in which `flowrun term` runs.
pub(crate) struct Person {
    pub(crate) child: Child,
    pub(crate) terminal: File,
    pub(crate) side: OwnedFd,
    pub(crate) screen: vt100::Parser,
    pub(crate) raw: Vec<u8>,
}

impl Person {
    /// Runs `flowrun term` on a screen of 24 rows.
    pub(crate) fn new(folder: &Path, columns: u16, arguments: &[&str]) -> Person {
        Person::at(folder, size(columns), &[&["term"], arguments].concat())
    }

    /// Runs `flowrun` on a screen of this size.
    pub(crate) fn at(folder: &Path, size: Winsize, arguments: &[&str]) -> Person {
        let (terminal, side, _) = pair();
        tcsetwinsize(&side, size).expect("it can have a size");
        let end = || Stdio::from(side.try_clone().expect("a descriptor is left"));
        let alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("TERM", "xterm")
            .env("TZ", "UTC")
            .env_remove("NO_COLOR")
            .args(arguments)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("it can be started");
        drop(alone);
        let screen = vt100::Parser::new(size.ws_row, size.ws_col, 200);
        Person { child, terminal, side, screen, raw: Vec::new() }
    }

    pub(crate) fn types(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).expect("the terminal takes it");
    }

    pub(crate) fn look(&mut self) {
        let mut bytes = Vec::new();
        read_some(&mut self.terminal, &mut bytes);
        self.screen.process(&bytes);
        self.raw.extend(bytes);
    }

    pub(crate) fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows a text.
    pub(crate) fn sees(&mut self, text: &str) {
        for _ in 0..PATIENCE {
            if self.contents().contains(text) {
                return;
            }
            self.look();
        }
        panic!("`{text}` is not shown:\n{}", self.contents());
    }

    /// Waits until a row of the screen is this.
    pub(crate) fn sees_row(&mut self, row: &str) {
        for _ in 0..PATIENCE {
            if self.contents().lines().any(|line| line.trim_end() == row) {
                return;
            }
            self.look();
        }
        panic!("there is no row `{row}`:\n{}", self.contents());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it can be signalled");
    }

    /// Whether the terminal is as a shell wants it.
    pub(crate) fn is_restored(&self) -> bool {
        tcgetattr(&self.side).expect("it is a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    pub(crate) fn waits_until_restored(&self, wanted: bool) {
        for _ in 0..PATIENCE {
            if self.is_restored() == wanted {
                return;
            }
            let _ = poll(&mut [], Some(&STEP));
        }
        panic!("the terminal is not as it should be");
    }

    pub(crate) fn ends(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                self.look();
                return status;
            }
            self.look();
        }
        panic!("it does not end:\n{}", self.contents());
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn size(columns: u16) -> Winsize {
    Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Begins a session with a device, and waits until it is open.
pub(crate) fn session(columns: u16, arguments: &[&str]) -> (tempfile::TempDir, Device, Person) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = folder.path().join("dut");
    let device = device(&port);
    let port = port.display().to_string();
    let all: Vec<&str> = std::iter::once(port.as_str()).chain(arguments.iter().copied()).collect();
    let mut person = Person::new(folder.path(), columns, &all);
    person.sees("ends it");
    (folder, device, person)
}

/// Runs `flowrun term` with input from a pipe; returns its exit code, its output and its messages.
pub(crate) fn fed(folder: &Path, input: &[u8], arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder)
        .arg("term")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    // One that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("it is a pipe").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Makes a folder with a device in it, and with a file that is worth something.
pub(crate) fn folder_with_a_file(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let device = "device \"d\"\non line \"AT\" { reply \"OK\" }\n";
    std::fs::write(folder.path().join("d.flow"), device).expect("there is room");
    std::fs::write(folder.path().join(name), "precious\n").expect("there is room");
    folder
}
