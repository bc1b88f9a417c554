//! Ports over a network, served by programs that others wrote: ser2net, sredird, pyserial; each on a pair of
//! pseudo-terminals that socat joins.
//!
//! A pseudo-terminal has a baud and stop bits, and neither other formats nor control lines: what the servers make of those
//! is that they answer or do not, and that the run goes on. pyserial's `loop://` has control lines, joined to each other.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that ends with the test.
pub(super) struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn start(command: &mut Command) -> Started {
    Started(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it is installed"))
}

/// A program that serves serial ports to others.
#[derive(Clone, Copy, Debug)]
enum Server {
    Ser2net,
    Sredird,
    Pyserial,
}

/// A device at the far end of a line, and the server at its near end.
struct Bench {
    address: String,
    line: Option<Started>,
    /// Is told when the device has got `cut`.
    cut: Receiver<()>,
    _server: Started,
    folder: TempDir,
}

impl Server {
    const ALL: [Server; 3] = [Server::Ser2net, Server::Sredird, Server::Pyserial];

    /// Returns how the server is missing on this machine.
    fn missing(self) -> Option<String> {
        let finds = |program: &str| {
            let found = Command::new("sh").args(["-c", &format!("PATH=$PATH:/usr/sbin command -v {program}")]).output();
            found.is_ok_and(|found| found.status.success())
        };
        let has_module = || {
            let asked = Command::new(python()).args(["-c", "import serial.rfc2217"]).output();
            asked.is_ok_and(|asked| asked.status.success())
        };
        if !Path::new("/proc/net/tcp").exists() {
            return Some("Linux is needed".to_string());
        }
        let missing = match self {
            _ if !finds("socat") => "socat",
            Server::Ser2net if !finds("ser2net") => "ser2net",
            Server::Sredird if !finds("sredird") => "sredird",
            Server::Pyserial if !has_module() => "pyserial",
            Server::Ser2net | Server::Sredird | Server::Pyserial => return None,
        };
        Some(format!("{missing} is not installed"))
    }

    /// Returns what serves a device at a port.
    fn command(self, near: &Path, port: u16, folder: &Path) -> Command {
        let near = near.display();
        match self {
            Server::Ser2net => {
                let configuration = folder.join("ser2net.yaml");
                let text = format!(
                    "connection: &one\n  accepter: telnet(rfc2217=true),tcp,127.0.0.1,{port}\n  connector: \
                     serialdev,{near},9600n81,local\n"
                );
                fs::write(&configuration, text).expect("there is room");
                let mut command = Command::new("sh");
                let line = "PATH=$PATH:/usr/sbin exec ser2net -n -u -c \"$0\"";
                command.args(["-c", line]).arg(configuration);
                command
            }
            Server::Sredird => {
                let mut command = Command::new("socat");
                command.arg(format!("TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay"));
                command.arg(format!("EXEC:/usr/sbin/sredird 3 {near} {}/lock", folder.display()));
                command
            }
            Server::Pyserial => pyserial(&near.to_string(), port),
        }
    }
}

/// Returns what serves a device of pyserial's, or a node, at a port.
fn pyserial(device: &str, port: u16) -> Command {
    let mut command = Command::new(python());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/pyserial_server.py"));
    command.arg(device).arg(port.to_string());
    command
}

fn python() -> String {
    std::env::var("FLOWRUN_PYTHON").unwrap_or_else(|_| "python3".to_string())
}

impl Bench {
    /// Sets up a bench; says so and returns nothing if the server is not there.
    fn new(test: &str, server: Server) -> Option<Bench> {
        if let Some(missing) = server.missing() {
            assert!(std::env::var_os("FLOWRUN_REQUIRE_PORT_SERVERS").is_none(), "{test}: {missing}");
            // Past the test harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "skipped: {test}: {missing}");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (near, far) = (folder.path().join("near"), folder.path().join("far"));
        let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
        let line = start(Command::new("socat").args([end(&near), end(&far)]));
        wait_for("the line", || near.exists() && far.exists());
        let cut = answer(&far, &near);
        let port = free_port();
        let server = start(&mut server.command(&near, port, folder.path()));
        let address = format!("127.0.0.1:{port}");
        wait_for("the server", || listens(port));
        Some(Bench { address, line: Some(line), cut, _server: server, folder })
    }

    /// Runs a flow on the port.
    fn run(&self, scheme: &str, flow: &str) -> (Option<i32>, String) {
        run_in(self.folder.path(), &format!("{scheme}://{}", self.address), flow)
    }
}

/// Runs a flow on a port.
fn run_in(folder: &Path, port: &str, flow: &str) -> (Option<i32>, String) {
    let path = folder.join("port.flow");
    fs::write(&path, flow).expect("there is room");
    let ran = Command::new(env!("CARGO_BIN_EXE_flowrun")).arg(&path).args(["--port", port]).output();
    let Output { status, stdout, stderr } = ran.expect("it is built");
    let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (status.code(), text)
}

/// Returns a port of this machine at which nobody listens.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port()
}

/// Waits until something is so.
#[expect(clippy::disallowed_methods, reason = "a program that others wrote begins in its own time")]
pub(super) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not begin");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether somebody listens at a port of this machine. To connect would make a client, of which servers may have one.
fn listens(port: u16) -> bool {
    let listening = format!(":{port:04X} 00000000:0000 0A ");
    fs::read_to_string("/proc/net/tcp").is_ok_and(|sockets| sockets.contains(&listening))
}

/// Plays a device that sends back whatever comes; to `?` it answers with the settings that the server gave its port. Tells
/// when `cut` has come.
fn answer(far: &Path, near: &Path) -> Receiver<()> {
    let (tell, told) = channel();
    let mut device = fs::File::options().read(true).write(true).open(far).expect("the far end");
    let near = near.to_path_buf();
    thread::spawn(move || {
        let (mut bytes, mut heard, mut unanswered) = ([0; 1024], Vec::new(), Vec::new());
        // A line that is cut ends it. What was written at once may come in pieces.
        while let Ok(n @ 1..) = device.read(&mut bytes) {
            heard.extend_from_slice(&bytes[..n]);
            unanswered.extend_from_slice(&bytes[..n]);
            if heard.ends_with(b"cut\r") && tell.send(()).is_err() {
                return;
            }
            if unanswered.ends_with(b"?") {
                continue;
            }
            let back = if unanswered == b"?\r" { settings(&near) } else { unanswered.clone() };
            unanswered.clear();
            if device.write_all(&back).is_err() {
                return;
            }
        }
    });
    told
}

/// Returns the baud of a terminal and whether it has two stop bits, as a line.
fn settings(near: &Path) -> Vec<u8> {
    let asked = Command::new("stty").arg("-a").arg("-F").arg(near).output().expect("there is stty");
    let told = String::from_utf8_lossy(&asked.stdout).into_owned();
    let baud = told.split_whitespace().nth(1).unwrap_or_default().to_string();
    let stop = if told.contains("-cstopb") { 1 } else { 2 };
    format!("{baud} {stop}\r\n").into_bytes()
}

fn every_byte() -> String {
    (0..=255).map(|byte: u8| format!("{byte:02x}")).collect()
}

#[test]
fn servers_of_others_give_settings_lines_break_purge_and_every_byte() {
    let every = every_byte();
    let flow = format!(
        r#"flow "a port of another machine"

serial {{ baud 57600  format 8N2  eol "\r"  echo off  dtr on  rts on }}

send raw x"{every}"
read 256 bytes as back within 10s
assert back == x"{every}", "every byte comes back"
send "?"
expect line "57600 2" within 5s
dtr off rts off
break 50ms
baud 9600
flush
send "?"
expect line "9600 2" within 5s
"#
    );
    for server in Server::ALL {
        let Some(bench) = Bench::new("servers_of_others", server) else { continue };
        let (status, text) = bench.run("rfc2217", &flow);
        assert_eq!(status, Some(0), "{server:?}:\n{text}");
    }
}

/// Serves one of pyserial's own devices; says so and returns nothing if pyserial is not there.
fn own_device(test: &str, device: &str) -> Option<(Started, String)> {
    if let Some(missing) = Server::Pyserial.missing() {
        assert!(std::env::var_os("FLOWRUN_REQUIRE_PORT_SERVERS").is_none(), "{test}: {missing}");
        let _ = writeln!(std::io::stderr(), "skipped: {test}: {missing}");
        return None;
    }
    let port = free_port();
    let server = start(&mut pyserial(device, port));
    wait_for("the server", || listens(port));
    Some((server, format!("rfc2217://127.0.0.1:{port}")))
}

#[test]
fn control_lines_have_their_effect_and_their_changes_are_told() {
    // This device of pyserial's has its RTS joined to its CTS, its DTR to its DSR, and its output to its input.
    let Some((_server, port)) = own_device("control_lines", "loop://") else { return };
    let every = every_byte();
    let flow = format!(
        r#"flow "a loop"

serial {{ baud 57600  format 7E2  echo off  dtr off  rts off }}

expect cts off within 5s
rts on
expect cts on within 5s
expect dsr off
dtr on
expect dsr on within 5s
dtr off rts off
expect cts off within 5s
expect dsr off within 5s
break 50ms
baud 9600
serial {{ format 8N1 }}
send raw x"{every}"
read 256 bytes as back within 10s
assert back == x"{every}", "every byte comes back"
"#
    );
    let folder = tempfile::tempdir().expect("a folder");
    let (status, text) = run_in(folder.path(), &port, &flow);
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("note:"), "the server does all that it is asked for: {text}");
    let never = "flow \"a loop\"\n\nserial { rts off }\n\nexpect cts on within 300ms\n";
    let (status, text) = run_in(folder.path(), &port, never);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("the lines were CTS off, DSR off, DCD on"), "{text}");
}

#[test]
fn a_server_whose_device_is_a_connection_carries_every_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let device = format!("socket://{}", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the server connects");
        let mut bytes = [0; 1024];
        while let Ok(n @ 1..) = client.read(&mut bytes) {
            if client.write_all(&bytes[..n]).is_err() {
                return;
            }
        }
    });
    let Some((_server, port)) = own_device("a_connection", &device) else { return };
    let every = every_byte();
    let flow = format!(
        "flow \"bytes\"\n\nserial {{ baud 9600  echo off }}\n\nsend raw x\"{every}\"\nread 256 bytes as back within \
         10s\nassert back == x\"{every}\", \"every byte comes back\"\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let (status, text) = run_in(folder.path(), &port, &flow);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn a_server_of_others_carries_every_byte_over_telnet() {
    let every = every_byte();
    let flow = format!(
        r#"flow "bytes"

serial {{ echo off }}

send raw x"{every}"
read 256 bytes as back within 10s
assert back == x"{every}", "every byte comes back"
"#
    );
    for server in [Server::Ser2net, Server::Pyserial] {
        let Some(bench) = Bench::new("over_telnet", server) else { continue };
        let (status, text) = bench.run("telnet", &flow);
        assert_eq!(status, Some(0), "{server:?}:\n{text}");
    }
}

const WAITS: &str = "flow \"waits\"\n\nsend \"cut\"\nexpect line \"never\" within 30s\n";

#[test]
fn a_second_client_is_told_that_somebody_else_has_the_port() {
    let Some(bench) = Bench::new("a_second_client", Server::Ser2net) else { return };
    let mut first = TcpStream::connect(&bench.address).expect("it listens");
    first.read_exact(&mut [0]).expect("it negotiates");
    let (status, text) = bench.run("rfc2217", WAITS);
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("somebody else has the port"), "{text}");
}

#[test]
fn a_device_that_vanishes_closes_the_connection() {
    let Some(mut bench) = Bench::new("a_device_that_vanishes", Server::Ser2net) else { return };
    let line = bench.line.take();
    let (status, text) = thread::scope(|scope| {
        let cut = std::mem::replace(&mut bench.cut, channel().1);
        scope.spawn(move || {
            cut.recv().expect("the device is asked for it");
            // ser2net 4.3.11 can miss the end of a device that is answering.
            let _ = cut.recv_timeout(Duration::from_millis(500));
            drop(line);
        });
        bench.run("rfc2217", WAITS)
    });
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("went away") && text.contains("was its device unplugged"), "{text}");
}
