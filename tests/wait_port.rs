//! `--wait-port`: the program waits for ports that come while it runs, that never come, and that may not be opened.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const DEVICE: &str = "device \"d\"\non line \"AT\" { reply \"OK\" }\n";
const FLOW: &str = "flow \"f\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\n";

/// Longer than a port takes to come here; it only ends a test that would hang.
const LONG: &str = "60s";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("d.flow", DEVICE), ("f.flow", FLOW)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env_remove("CI").env("COLUMNS", "200").stdin(Stdio::null());
    command
}

/// Runs the program to its end; returns its exit code, and what it said on both ways.
fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran = command(folder, arguments).output().expect("it is built");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// The program while it runs.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    said: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Running {
        let mut child = command(folder, arguments).stdout(Stdio::piped()).spawn().expect("it is built");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Running { child, output, said: String::new() }
    }

    /// Reads until a line has this in it.
    fn until(&mut self, text: &str) {
        while !self.said.contains(text) {
            assert_ne!(self.output.read_line(&mut self.said).expect("it is UTF-8"), 0, "{}", self.said);
        }
    }

    /// Returns its exit code, and all that it said.
    fn end(mut self) -> (Option<i32>, String) {
        self.output.read_to_string(&mut self.said).expect("it is UTF-8");
        (self.child.wait().expect("it was started").code(), self.said)
    }
}

fn interrupt(process: u32) {
    let status = Command::new("kill").args(["-INT", &process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "it is still there");
}

#[test]
fn a_port_that_comes_in_time_is_opened() {
    let folder = folder();
    let mut run = Running::start(folder.path(), &["f.flow", "--port", "./dut", "--wait-port", LONG]);
    run.until("waits up to 1m for the port: no such file or directory");
    let device = Running::start(folder.path(), &["sim", "d.flow", "--link", "dut"]);
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    interrupt(device.child.id());
    assert_eq!(device.end().0, Some(0));
}

#[test]
fn a_port_that_never_comes_is_a_port_that_failed() {
    let folder = folder();
    let (code, said, noted) = flowrun(folder.path(), &["f.flow", "--port", "./dut", "--wait-port", "300ms"]);
    assert_eq!(code, Some(3), "{said}{noted}");
    let all = said + &noted;
    assert!(all.contains("`./dut` cannot be opened: no such file or directory; tried for 300ms"), "{all}");
}

#[test]
fn what_is_no_port_is_not_waited_for() {
    let folder = folder();
    let (code, said, noted) = flowrun(folder.path(), &["f.flow", "--port", "./d.flow", "--wait-port", LONG]);
    assert_eq!(code, Some(3), "{said}{noted}");
    assert!(!said.contains("waits up to"), "{said}");
}

#[test]
fn ctrl_c_ends_the_wait_for_a_port_and_for_an_address() {
    let folder = folder();
    for (port, told) in [("./dut", "waits up to 1m"), ("tcp://127.0.0.1:1", "waits up to 1m")] {
        let mut run = Running::start(folder.path(), &["f.flow", "--port", port, "--wait-port", LONG]);
        run.until(told);
        interrupt(run.child.id());
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
    }
    let mut run = command(folder.path(), &["f.flow", "--port", "usb:serial=NOBODY", "--wait-port", LONG]);
    let mut run = run.stderr(Stdio::piped()).spawn().expect("it is built");
    let mut noted = String::new();
    BufReader::new(run.stderr.take().expect("it is piped")).read_line(&mut noted).expect("it is UTF-8");
    assert!(noted.starts_with("waits up to 1m for the port: no USB adapter"), "{noted}");
    interrupt(run.id());
    assert_eq!(run.wait().expect("it was started").code(), Some(130));
}

/// Returns how long the program takes to end after Ctrl-C, while it waits for a port.
#[expect(clippy::disallowed_methods, reason = "what is measured is the time of a real signal")]
fn end_of_a_wait(folder: &Path, port: &str) -> Duration {
    let mut run = command(folder, &["f.flow", "--port", port, "--wait-port", LONG]);
    // Some of it is said on one way, some on the other.
    let (said, both) = std::io::pipe().expect("there is room");
    let mut run = run.stdout(both.try_clone().expect("there is room")).stderr(both).spawn().expect("it is built");
    let mut said = BufReader::new(said);
    let mut line = String::new();
    while !line.contains("waits up to 1m for the port") {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("it is UTF-8"), 0, "it ended");
    }
    let before = Instant::now();
    interrupt(run.id());
    assert_eq!(run.wait().expect("it was started").code(), Some(130));
    before.elapsed()
}

#[test]
fn ctrl_c_is_heard_within_100_ms_whatever_is_waited_for() {
    let folder = folder();
    for port in ["./dut", "tcp://127.0.0.1:1", "unix:dut", "./dut*", "usb:serial=NOBODY"] {
        // The machine may be busy: one of ten is enough, and none may last as long as the wait.
        let took: Vec<Duration> = (0..10).map(|_| end_of_a_wait(folder.path(), port)).collect();
        assert!(took.iter().any(|took| *took < Duration::from_millis(100)), "{port}: {took:?}");
        assert!(took.iter().all(|took| *took < Duration::from_secs(30)), "{port}: {took:?}");
    }
}

#[test]
fn a_server_that_begins_to_listen_in_time_is_connected_to() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
    let port = format!("tcp://{free}");
    let mut run = Running::start(folder.path(), &["f.flow", "--port", &port, "--wait-port", LONG]);
    run.until("waits up to 1m for the port: connection refused");
    let listener = TcpListener::bind(free).expect("it is still free");
    let server = thread::spawn(move || answer(listener.accept().expect("it connects").0));
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    server.join().expect("it answers");
}

#[test]
fn a_socket_of_this_machine_is_waited_for_too() {
    let folder = folder();
    let mut run = Running::start(folder.path(), &["f.flow", "--port", "unix:dut", "--wait-port", LONG]);
    run.until("waits up to 1m for the port: no such file or directory");
    let listener = UnixListener::bind(folder.path().join("dut")).expect("there is room");
    let server = thread::spawn(move || answer(listener.accept().expect("it connects").0));
    assert_eq!(run.end().0, Some(0));
    server.join().expect("it answers");
}

/// Answers a line.
fn answer(mut stream: impl Read + Write) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && byte != *b"\r" {}
    stream.write_all(b"OK\r\n").expect("the flow listens");
    let _ = stream.read(&mut byte);
}

#[test]
fn a_pattern_is_waited_for_until_a_port_fits() {
    let folder = folder();
    let mut run = command(folder.path(), &["f.flow", "--port", "./dut*", "--wait-port", LONG]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
    let mut noted = String::new();
    BufReader::new(run.stderr.take().expect("it is piped")).read_line(&mut noted).expect("it is UTF-8");
    assert_eq!(noted, "waits up to 1m for the port: no port fits `./dut*`\n");
    let device = Running::start(folder.path(), &["sim", "d.flow", "--link", "dut1"]);
    assert_eq!(run.wait().expect("it was started").code(), Some(0));
    interrupt(device.child.id());
    device.end();
}

#[test]
fn an_address_that_never_names_a_port_ends_as_a_port_that_failed_and_a_wrong_one_at_once() {
    let folder = folder();
    let (code, _, noted) = flowrun(folder.path(), &["f.flow", "--port", "./dut*", "--wait-port", "100ms"]);
    assert_eq!(code, Some(3), "{noted}");
    let (code, _, noted) = flowrun(folder.path(), &["f.flow", "--port", "usb:nonsense", "--wait-port", LONG]);
    assert_eq!(code, Some(2), "{noted}");
    let (code, _, noted) = flowrun(folder.path(), &["f.flow", "--port", "./dut", "--wait-port", "soon"]);
    assert_eq!(code, Some(2), "{noted}");
    assert!(noted.contains("`--wait-port soon` is not a duration"), "{noted}");
}

#[test]
fn say_and_test_wait_too_and_say_so() {
    let folder = folder();
    let (code, said, noted) = flowrun(folder.path(), &["say", "./dut", "AT", "--wait-port", "100ms"]);
    assert_eq!((code, said.as_str()), (Some(3), ""), "{noted}");
    assert!(noted.starts_with("waits up to 100ms for `./dut`\n") && noted.contains("tried for 100ms"), "{noted}");
    let (code, said, noted) = flowrun(folder.path(), &["test", "f.flow", "--port", "./dut", "--wait-port", "100ms"]);
    assert_eq!(code, Some(3), "{said}{noted}");
    assert!(noted.starts_with("waits up to 100ms for `./dut`\n") && said.contains("tried for 100ms"), "{said}{noted}");
}

#[test]
fn a_profile_says_how_long_and_the_command_line_counts_before_it() {
    let folder = folder();
    fs::write(folder.path().join("flowrun.toml"), "[profile.bench]\nports = [\"./dut\"]\nwait = \"150ms\"\n")
        .expect("there is room");
    let (code, said, noted) = flowrun(folder.path(), &["f.flow", "--profile", "bench"]);
    assert_eq!(code, Some(3), "{said}{noted}");
    assert!((said.clone() + &noted).contains("tried for 150ms"), "{said}{noted}");
    let (_, said, noted) = flowrun(folder.path(), &["f.flow", "--profile", "bench", "--wait-port", "50ms"]);
    assert!((said.clone() + &noted).contains("tried for 50ms"), "{said}{noted}");
}

#[test]
fn of_many_ports_each_is_waited_for() {
    let folder = folder();
    let mut run = Running::start(folder.path(), &["f.flow", "--port", "./a", "--port", "./b", "--wait-port", LONG]);
    let devices = ["a", "b"].map(|link| Running::start(folder.path(), &["sim", "d.flow", "--link", link]));
    run.until("2 passed");
    for device in devices {
        interrupt(device.child.id());
        device.end();
    }
    assert_eq!(run.end().0, Some(0));
}
