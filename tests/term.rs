//! `flowrun term` as a person sees it: a pseudo-terminal whose screen is read, and another one that is the device.

#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// So often a test looks for something that comes at once on a quiet machine, 20 ms apart.
const PATIENCE: usize = 1500;
/// The time between two looks.
const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Held while descriptors are made that no program may inherit, and while a program is started.
static STARTING: Mutex<()> = Mutex::new(());

/// A pseudo-terminal: this test's end, the other one, and what that is called.
fn pair() -> (File, OwnedFd, PathBuf) {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
    let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("the name is text");
    let other = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
    fcntl_setfd(&ours, FdFlags::CLOEXEC).and_then(|()| fcntl_setfd(&other, FdFlags::CLOEXEC)).expect("they are open");
    (File::from(ours), other, PathBuf::from(name))
}

/// The device at the other end of the port.
struct Device {
    line: File,
    /// As long as it is there, the port is.
    side: OwnedFd,
    got: Vec<u8>,
}

/// Makes a device, with a link to its port.
fn device(link: &Path) -> Device {
    let (line, side, name) = pair();
    let mut raw = tcgetattr(&side).expect("it is a terminal");
    raw.make_raw();
    tcsetattr(&side, OptionalActions::Now, &raw).expect("it can be set");
    let _ = std::fs::remove_file(link);
    std::os::unix::fs::symlink(name, link).expect("a link can be made");
    Device { line, side, got: Vec::new() }
}

impl Device {
    fn says(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).expect("the port takes it");
    }

    /// Waits until it got exactly this since it was asked last.
    fn gets(&mut self, wanted: &[u8]) {
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

fn read_some(file: &mut File, into: &mut Vec<u8>) {
    let mut waiting = [PollFd::new(&*file, PollFlags::IN)];
    if poll(&mut waiting, Some(&STEP)).expect("it can be waited for") > 0 {
        let mut bytes = [0; 65536];
        let n = file.read(&mut bytes).unwrap_or(0);
        into.extend_from_slice(&bytes[..n]);
    }
}

/// A person at a terminal in which `flowrun term` runs.
struct Person {
    child: Child,
    terminal: File,
    side: OwnedFd,
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Person {
    fn new(folder: &Path, columns: u16, arguments: &[&str]) -> Person {
        let (terminal, side, _) = pair();
        tcsetwinsize(&side, size(columns)).expect("it can have a size");
        let end = || Stdio::from(side.try_clone().expect("a descriptor is left"));
        let alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("TERM", "xterm")
            .env("TZ", "UTC")
            .env_remove("NO_COLOR")
            .arg("term")
            .args(arguments)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("it can be started");
        drop(alone);
        let screen = vt100::Parser::new(24, columns, 200);
        Person { child, terminal, side, screen, raw: Vec::new() }
    }

    fn types(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).expect("the terminal takes it");
    }

    fn look(&mut self) {
        let mut bytes = Vec::new();
        read_some(&mut self.terminal, &mut bytes);
        self.screen.process(&bytes);
        self.raw.extend(bytes);
    }

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows a text.
    fn sees(&mut self, text: &str) {
        for _ in 0..PATIENCE {
            if self.contents().contains(text) {
                return;
            }
            self.look();
        }
        panic!("`{text}` is not shown:\n{}", self.contents());
    }

    /// Waits until a row of the screen is this.
    fn sees_row(&mut self, row: &str) {
        for _ in 0..PATIENCE {
            if self.contents().lines().any(|line| line.trim_end() == row) {
                return;
            }
            self.look();
        }
        panic!("there is no row `{row}`:\n{}", self.contents());
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it can be signalled");
    }

    /// Whether the terminal is as a shell wants it.
    fn is_restored(&self) -> bool {
        tcgetattr(&self.side).expect("it is a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    fn waits_until_restored(&self, wanted: bool) {
        for _ in 0..PATIENCE {
            if self.is_restored() == wanted {
                return;
            }
            let _ = poll(&mut [], Some(&STEP));
        }
        panic!("the terminal is not as it should be");
    }

    fn ends(&mut self) -> ExitStatus {
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

fn size(columns: u16) -> Winsize {
    Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Begins a session with a device, and waits until it is open.
fn session(columns: u16, arguments: &[&str]) -> (tempfile::TempDir, Device, Person) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = folder.path().join("dut");
    let device = device(&port);
    let port = port.display().to_string();
    let all: Vec<&str> = std::iter::once(port.as_str()).chain(arguments.iter().copied()).collect();
    let mut person = Person::new(folder.path(), columns, &all);
    person.sees("ends it");
    (folder, device, person)
}

#[test]
fn every_key_goes_out_and_what_comes_is_obeyed_by_the_terminal() {
    let (_folder, mut device, mut person) = session(80, &[]);
    device.says(b"\r\n\x1b[5;10Hboard \xe4\xb8\xad$ ");
    person.sees("board 中$ ");
    assert_eq!(person.screen.screen().cursor_position(), (4, 9 + 10));
    person.types(b"ls\x1b[A\x03\r");
    device.gets(b"ls\x1b[A\x03\r");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    assert!(person.is_restored());
}

#[test]
fn a_person_at_80_and_at_120_columns_sees_lines_above_the_prompt() {
    for columns in [80, 120] {
        let (_folder, mut device, mut person) = session(columns, &["--mode", "line"]);
        person.types(b"AT+CSQ");
        person.sees_row("> AT+CSQ");
        device.says(b"+CREG: 1\r\n");
        person.sees_row("+CREG: 1");
        person.sees_row("> AT+CSQ");
        person.types(b"\r");
        device.gets(b"AT+CSQ\r");
        device.says("AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\n状态: 正常\x1b[2J\r\n".as_bytes());
        person.sees_row("状态: 正常\\x1b[2J");
        person.sees_row("> AT+CSQ");
        let long = "x".repeat(usize::from(columns) + 10);
        person.types(long.as_bytes());
        let end = "x".repeat(usize::from(columns) - 3);
        person.sees_row(&format!("> {end}"));
        assert_eq!(person.contents().matches("AT+CSQ").count(), 1, "the echo is shown once:\n{}", person.contents());
    }
}

#[test]
fn a_prompt_without_a_line_end_stands_before_what_is_typed_and_a_password_is_hidden() {
    let (folder, mut device, mut person) = session(80, &["--mode", "line", "--record", "r", "--log=l"]);
    device.says(b"login: ");
    person.sees_row("login:");
    person.types(b"root\r");
    device.gets(b"root\r");
    device.says(b"root\r\nPassword: ");
    person.sees_row("Password:");
    person.types(b"hunter2");
    person.sees_row("Password: *******");
    person.types(b"\r");
    device.gets(b"hunter2\r");
    device.says(b"\r\nhunter2 is old\r\n$ ");
    person.sees_row("$");
    person.types(b"# look around\r:quit\r");
    assert_eq!(person.ends().code(), Some(0));
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it is there");
    let history = std::fs::read_dir(folder.path().join("state/flowrun/history")).expect("it is there");
    let history = history.map(|file| file.expect("it can be read").path()).next().expect("there is one");
    let history = std::fs::read_to_string(history).expect("it is there");
    assert_eq!(history, "root\n# look around\n:quit\n");
    for text in [text("r"), text("l")] {
        assert!(text.contains("password_1") && !text.contains("hunter2"), "{text}");
    }
    assert!(text("r").contains("note title look around"), "{}", text("r"));
}

#[test]
fn the_row_is_drawn_anew_when_the_terminal_has_another_size() {
    let (_folder, _device, mut person) = session(120, &["--mode", "line"]);
    person.types("y".repeat(100).as_bytes());
    person.sees_row(&format!("> {}", "y".repeat(100)));
    tcsetwinsize(&person.side, size(60)).expect("it can have another size");
    person.screen.screen_mut().set_size(24, 60);
    person.signal(Signal::WINCH);
    person.sees_row(&format!("> {}", "y".repeat(57)));
}

#[test]
fn without_colours_no_sequence_colours_anything() {
    let (_folder, _device, mut person) = session(80, &["--color", "never"]);
    person.types(b"\x14?");
    person.sees("sends the escape key itself");
    assert!(!person.raw.contains(&0x1b), "{}", String::from_utf8_lossy(&person.raw));
}

#[test]
fn a_line_has_the_colour_of_what_the_library_says_it_is() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line", "--use", "std/modem", "--color", "always"]);
    device.says(b"+CSQ: 18,0\r\nOK\r\n+CME ERROR: 10\r\n");
    person.sees_row("+CME ERROR: 10  SIM not inserted");
    let colour_of = |text: &str| {
        let row = person.contents().lines().position(|line| line.starts_with(text)).expect("it is shown");
        person.screen.screen().cell(row as u16, 0).expect("it is on the screen").fgcolor()
    };
    let colours = ["+CSQ: 18,0", "OK", "+CME ERROR"].map(colour_of);
    assert_eq!(colours, [vt100::Color::Default, vt100::Color::Idx(2), vt100::Color::Idx(1)]);
}

#[test]
fn what_scrolled_away_is_still_there() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line"]);
    let lines: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
    device.says(lines.as_bytes());
    person.sees_row("line 99");
    person.screen.screen_mut().set_scrollback(70);
    person.sees_row("line 20");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (_folder, mut device, mut person) = session(80, &[]);
        assert!(!person.is_restored());
        device.says(b"\x1b[?1049h\x1b[?25l");
        person.signal(signal);
        assert_eq!(person.ends().code(), Some(130));
        assert!(person.is_restored());
        assert!(!person.screen.screen().alternate_screen() && !person.screen.screen().hide_cursor());
    }
}

#[test]
fn a_stopped_terminal_is_restored_and_raw_again_when_it_goes_on() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line"]);
    person.types(b"AT");
    person.sees_row("> AT");
    person.types(b"\x14z");
    let pid = Pid::from_child(&person.child);
    let stopped = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).expect("it can be waited for");
    assert!(stopped.is_some_and(|status| status.stopped()));
    assert!(person.is_restored());
    person.signal(Signal::CONT);
    person.waits_until_restored(false);
    person.types(b"I\r");
    device.gets(b"ATI\r");
}

#[test]
fn a_port_that_went_away_is_back_with_a_line_that_says_so() {
    let (folder, mut first, mut person) = session(80, &[]);
    first.says(b"boot\r\n$ ");
    person.sees("$ ");
    // Another test may get a terminal with the same name.
    std::fs::remove_file(folder.path().join("dut")).expect("it is there");
    drop(first);
    person.sees("went away; waits until it is back");
    person.types(b"x");
    person.sees("nothing was sent: the port is away");
    let mut second = device(&folder.path().join("dut"));
    person.sees("is back at");
    person.types(b"y");
    second.gets(b"y");
    let (_folder, gone, mut person) = session(80, &["--no-reconnect"]);
    drop(gone);
    assert_eq!(person.ends().code(), Some(3));
    assert!(person.is_restored());
}

#[test]
fn the_port_is_lent_and_taken_back() {
    let (folder, mut device, mut person) = session(80, &[]);
    person.types(b"\x14o");
    person.sees("is free for another program: Ctrl-T o takes it back");
    let said = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .args(["say", "./dut", "AT", "--within", "1ms"])
        .output()
        .expect("it can be started");
    assert_eq!(said.status.code(), Some(1), "it could open the port: {}", String::from_utf8_lossy(&said.stderr));
    device.gets(b"AT\r");
    person.types(b"\x14o");
    person.sees("is back at");
    person.types(b"z");
    device.gets(b"z");
    assert!(tcgetattr(&device.side).is_ok());
}

#[test]
fn ten_megabytes_of_anything_do_not_stop_the_keys() {
    let (_folder, device, mut person) = session(80, &[]);
    let Device { mut line, side, .. } = device;
    let noise: Vec<u8> = (0..10_000_000u32).map(|n| if n % 64 == 63 { b'\n' } else { (n * 7 % 251) as u8 }).collect();
    // What a screen would be told to do does not matter here, and its size must stay.
    let noise: Vec<u8> = noise.into_iter().map(|byte| if matches!(byte, 0x1b | 0x9b) { b'.' } else { byte }).collect();
    std::thread::scope(|scope| {
        let flood = scope.spawn(move || {
            line.write_all(&noise).expect("the port takes all of it");
            (line, noise.len())
        });
        let mut n_seen = 0;
        while n_seen < 10_000_000 {
            let mut bytes = Vec::new();
            read_some(&mut person.terminal, &mut bytes);
            n_seen += bytes.len();
        }
        let (mut line, _) = flood.join().expect("it does not panic");
        person.types(b"k");
        let mut got = Vec::new();
        (0..PATIENCE)
            .take_while(|_| {
                got.is_empty() && {
                    read_some(&mut line, &mut got);
                    true
                }
            })
            .for_each(drop);
        assert_eq!(got, b"k");
        drop(side);
    });
}

#[test]
fn a_flow_runs_on_the_open_port_and_then_it_goes_on_by_hand() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(
        path("d.flow"),
        "device \"d\"\non line \"AT\" { reply \"OK\" }\non line \"load\" { reply \"Ready\" }\n",
    )
    .expect("there is room");
    std::fs::write(path("login.flow"), "flow \"log in\"\nsend \"AT\"\nexpect line \"OK\"\n").expect("there is room");
    std::fs::write(path("fw.txt"), "AT\r").expect("there is room");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow"]);
    person.sees("ends it");
    person.types(b"\x14:run login.flow\r");
    person.sees("continue by hand");
    assert!(person.contents().contains("passed  log in"), "{}", person.contents());
    person.types(b"\x14l");
    person.types(b"load\r");
    person.sees_row("Ready");
    person.types(b"\x14:send_file fw.txt\r");
    person.sees("continue by hand");
    person.sees("passed  send a file");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
}

#[test]
fn a_pipe_goes_in_and_the_answer_comes_out() {
    let folder = folder_with_a_file("other.txt");
    let run = |input: &[u8], arguments: &[&str]| fed(folder.path(), input, arguments);
    assert_eq!(run(b"AT\n", &["sim:d.flow"]), (Some(0), "OK\r\n".to_string(), String::new()));
    assert_eq!(run(b"", &["sim:d.flow", "--within", "1ms"]), (Some(0), String::new(), String::new()));
    let (code, out, said) = run(b"AT\n", &["/dev/there-is-no-such-port"]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(said.contains("cannot be opened: no such file or directory"), "{said}");
    for wrong in [["sim:d.flow", "--escape=ctrl-m"], ["sim:d.flow", "--encoding=klingon"], ["sim", "--echo"]] {
        assert_eq!(run(b"", &wrong).0, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_session_leaves_a_flow_that_passes_against_its_own_device() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    let device = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\non line \"AT\" { reply \"OK\" }\n\
                  on line \"AT+CSQ\" { reply \"+CSQ: 18,0\"  reply \"OK\" }\n";
    std::fs::write(path("d.flow"), device).expect("there is room");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--mode", "line", "--write", "new.flow"]);
    person.sees("ends it");
    person.types(b"# find the module\rAT\r");
    person.sees_row("OK");
    person.types(b"AT+CSQ\r");
    person.sees_row("+CSQ: 18,0");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0), "{}", person.contents());
    let flow = std::fs::read_to_string(path("new.flow")).expect("it was written");
    assert!(flow.contains("step \"find the module\"") && flow.contains("send \"AT+CSQ\""), "{flow}");
    assert!(path("new.device.flow").exists() && !path("new.flow.part").exists());
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--write", "new.flow"]);
    assert_eq!(person.ends().code(), Some(2), "{}", person.contents());
    assert!(person.is_restored());
}

/// Runs `flowrun term` with input from a pipe; returns its exit code, its output and its messages.
fn fed(folder: &Path, input: &[u8], arguments: &[&str]) -> (Option<i32>, String, String) {
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
fn folder_with_a_file(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let device = "device \"d\"\non line \"AT\" { reply \"OK\" }\n";
    std::fs::write(folder.path().join("d.flow"), device).expect("there is room");
    std::fs::write(folder.path().join(name), "precious\n").expect("there is room");
    folder
}

#[test]
fn a_recording_overwrites_nothing() {
    let folder = folder_with_a_file("mine.flow");
    let kept = || std::fs::read_to_string(folder.path().join("mine.flow")).expect("it is there");
    let (code, _, said) = fed(folder.path(), b"", &["sim:d.flow", "--within=1ms", "--record", "mine.flow"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`mine.flow` is already there"), "{said}");
    assert_eq!(kept(), "precious\n");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--record", "second.recording"]);
    person.sees("ends it");
    person.types(b"\x14:record mine.flow\r");
    person.sees("`mine.flow` is already there");
    person.types(b"\x14q");
    person.sees("the recording is complete: second.recording");
    assert_eq!(person.ends().code(), Some(0));
    assert_eq!(kept(), "precious\n");
}

#[test]
fn what_cannot_be_written_is_said_before_the_port_opens() {
    let folder = folder_with_a_file("mine.log");
    let port = "/dev/there-is-no-such-port";
    for (wrong, why) in [
        (&["--write", "nodir/x.flow"][..], "`nodir/x.flow.part` cannot be written"),
        (&["--record", "nodir/x.recording"], "`nodir/x.recording` cannot be written"),
        (&["--log=nodir/x.log"], "`nodir/x.log` cannot be written"),
        (&["--log=."], "`.` cannot be written"),
        (&["--write", "x.flow", "--secret", "("], "`--secret (` cannot be looked for"),
    ] {
        let (code, _, said) = fed(folder.path(), b"", &[&[port], wrong].concat());
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(said.contains(why) && !said.contains("is kept in"), "{wrong:?}: {said}");
    }
    for right in [&["--write", "x.flow"][..], &["--log=mine.log"], &["--log"], &["--record", "x.recording"]] {
        let (code, _, said) = fed(folder.path(), b"", &[&[port], right].concat());
        assert_eq!(code, Some(3), "{right:?}: {said}");
    }
}

#[test]
fn what_a_killed_session_left_is_kept_and_becomes_a_flow() {
    let folder = folder_with_a_file("other.txt");
    let write = ["sim:d.flow", "--write", "keep.flow", "--within=1ms"];
    let (code, _, said) = fed(folder.path(), b"", &write);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nothing was sent and nothing came"), "{said}");
    let part = folder.path().join("keep.flow.part");
    assert!(!part.exists());
    let mut person = Person::new(folder.path(), 100, &write);
    person.sees("ends it");
    person.types(b"AT\r");
    person.sees_row("OK");
    let is_written = || std::fs::read_to_string(&part).is_ok_and(|text| text.contains("OK"));
    assert!((0..PATIENCE).any(|_| is_written() || poll(&mut [], Some(&STEP)).is_err()), "nothing is written");
    person.signal(Signal::KILL);
    person.ends();
    let left = std::fs::read(&part).expect("it is there");
    let (code, _, said) = fed(folder.path(), b"", &write);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`flowrun record --from keep.flow.part --write keep.flow`"), "{said}");
    assert_eq!(std::fs::read(&part).expect("it is there"), left);
    let made = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .args(["record", "--from", "keep.flow.part", "--write", "keep.flow"])
        .output()
        .expect("it can be started");
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_signal_ends_a_flow_and_the_session_and_the_key_only_the_flow() {
    let folder = folder_with_a_file("other.txt");
    let flow = "flow \"long\"\nsend \"AT\"\nexpect \"never\" within 10m\n";
    std::fs::write(folder.path().join("long.flow"), flow).expect("there is room");
    let running = || {
        let mut person = Person::new(folder.path(), 100, &["sim:d.flow"]);
        person.sees("ends it");
        person.types(b"\x14:run long.flow\r");
        person.sees("< OK");
        person
    };
    let mut person = running();
    person.types(b"\x03");
    person.sees("interrupted: continue by hand");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    for signal in [Signal::TERM, Signal::HUP] {
        let mut person = running();
        person.signal(signal);
        assert_eq!(person.ends().code(), Some(130), "{}", person.contents());
        assert!(person.is_restored());
    }
}
