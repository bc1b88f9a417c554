//! `flowrun sim --tcp`: a device on a TCP port, with flowrun itself and plain connections as its clients.

#[path = "support/served.rs"]
mod device;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::Duration;

use device::{Served, said};

/// A board with a reset, and a line that says whether it runs.
const BOARD: &str = r#"device "board"
serial { eol "\n" }
state n = 0
cts on
on rts on { cts off }
on rts off { cts on  reply "ready" }
on dtr on { reply "dtr on" }
on break { reply "break" }
on line "AT" { compute n = n + 1  reply "OK ${n}" }
on line "BYE" { unplug }
"#;

/// For so long an answer over loopback is waited for before something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// The board on a TCP port.
struct Bench {
    served: Served,
    /// Such as `tcp://127.0.0.1:40123`.
    port: String,
}

impl Bench {
    fn new(options: &[&str]) -> Bench {
        let (served, port) = Served::new(BOARD, &[&["--tcp", "127.0.0.1:0"], options].concat());
        Bench { served, port }
    }

    /// Runs a flow against it; returns the exit code and what was said.
    fn run(&self, body: &str) -> (Option<i32>, String) {
        let text = format!("flow \"f\"\nserial {{ eol \"\\n\" }}\n{body}\n");
        fs::write(self.served.folder.path().join("f.flow"), text).expect("there is room");
        said(self.served.folder.path(), &["f.flow", "--port", &self.port])
    }

    fn passes(&self, body: &str) {
        let (code, text) = self.run(body);
        assert_eq!(code, Some(0), "{text}");
    }

    fn connect(&self) -> TcpStream {
        let (_, at) = self.port.split_once("://").expect("it has a scheme");
        let stream = TcpStream::connect(at).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        stream
    }
}

/// Returns the next line that comes.
fn line(stream: &TcpStream) -> String {
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).expect("a line comes");
    text
}

#[test]
fn one_client_after_the_other_speaks_to_the_same_device() {
    let bench = Bench::new(&[]);
    assert!(bench.port.starts_with("tcp://127.0.0.1:"), "{}", bench.port);
    bench.passes("send \"AT\" expect line \"OK 1\" within 20s");
    bench.passes("send \"AT\" expect line \"OK 2\" within 20s");
}

#[test]
fn a_second_client_is_refused_with_a_line_that_says_so() {
    let bench = Bench::new(&[]);
    let mut first = bench.connect();
    first.write_all(b"AT\n").expect("it is taken");
    assert_eq!(line(&first), "OK 1\n");
    let mut second = bench.connect();
    let mut told = String::new();
    second.read_to_string(&mut told).expect("it is told and closed");
    assert_eq!(told, "flowrun: this device serves another client; one at a time\r\n");
    first.write_all(b"AT\n").expect("it is taken");
    assert_eq!(line(&first), "OK 2\n", "the first is served as before");
    first.shutdown(Shutdown::Both).expect("it was connected");
    bench.passes("send \"AT\" expect line \"OK 3\" within 20s");
}

#[test]
fn a_device_that_unplugs_closes_the_connection_and_ends() {
    let mut bench = Bench::new(&[]);
    let mut client = bench.connect();
    client.write_all(b"AT\nBYE\n").expect("it is taken");
    let mut all = String::new();
    client.read_to_string(&mut all).expect("it is closed");
    assert_eq!(all, "OK 1\n", "what was sent before arrives");
    assert_eq!(bench.served.device.wait().expect("it ends").code(), Some(0));
}

#[test]
fn control_lines_and_breaks_pass_both_ways_with_rfc2217() {
    let bench = Bench::new(&["--rfc2217"]);
    assert!(bench.port.starts_with("rfc2217://127.0.0.1:"), "{}", bench.port);
    bench.passes(
        "timeout 20s\nexpect cts on\nrts on\nexpect cts off\nrts off\nexpect cts on\nawait line \"ready\"\n\
         dtr on\nawait line \"dtr on\"\nbreak 10ms\nawait line \"break\"\nsend \"AT\" expect line \"OK 1\"",
    );
}

#[test]
fn a_client_with_another_baud_hears_and_sends_garbage_with_rfc2217() {
    let bench = Bench::new(&["--rfc2217"]);
    let (code, text) = bench.run("baud 9600\nsend \"AT\"\nexpect line /OK.*/ within 300ms");
    assert_eq!(code, Some(1), "{text}");
    bench.passes("send \"\" send \"AT\" expect line \"OK 1\" within 20s");
    bench.passes("baud 9600\nbaud 115200\nsend \"AT\" expect line \"OK 2\" within 20s");
}

#[test]
fn a_client_with_another_parity_hears_and_sends_garbage_with_rfc2217() {
    let bench = Bench::new(&["--rfc2217"]);
    let (code, text) =
        bench.run("step \"mark\" { serial { format 8M1 } }\nsend \"AT\"\nexpect line /OK.*/ within 300ms");
    assert_eq!(code, Some(1), "{text}");
    bench.passes("send \"\" send \"AT\" expect line \"OK 1\" within 20s");
}

#[test]
fn bytes_alone_have_no_control_lines() {
    let bench = Bench::new(&[]);
    let (code, text) = bench.run("send \"AT\" expect line \"OK 1\" within 20s\nexpect cts on");
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("CTS cannot be read: this port carries bytes and nothing else"), "{text}");
    bench.passes("try { expect cts on } else { log \"none\" }\nsend \"AT\" expect line \"OK 2\" within 20s");
}

#[test]
fn what_cannot_be_served_on_says_what_to_do() {
    let bench = Bench::new(&[]);
    let (_, taken) = bench.port.split_once("://").expect("it has a scheme");
    for (at, what) in [(taken, "another program has this port"), ("nonsense", "such as `127.0.0.1:4000`")] {
        let (code, text) = said(bench.served.folder.path(), &["sim", "device.flow", "--tcp", at]);
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains(&format!("cannot be served on `{at}`")) && text.contains(what), "{text}");
    }
    let (code, text) = said(bench.served.folder.path(), &["sim", "device.flow", "--rfc2217"]);
    assert_eq!(code, Some(2), "{text}");
}

/// What pyserial does with a served device: settings, control lines both ways, a break.
const PYSERIAL: &str = r#"
import serial, sys, time
port = serial.serial_for_url(sys.argv[1], do_not_open=True, timeout=20)
port.baudrate = 115200
port.open()
def becomes(what, state):
    until = time.monotonic() + 20
    while getattr(port, what) != state:
        assert time.monotonic() < until, what
        time.sleep(0.01)
becomes("cts", False)
port.rts = False
becomes("cts", True)
port.reset_input_buffer()
port.write(b"AT\n")
assert port.read_until(b"OK 1\n").endswith(b"OK 1\n")
port.send_break(0.02)
assert port.read_until(b"break\n").endswith(b"break\n")
port.dtr = False
port.dtr = True
assert port.read_until(b"dtr on\n").endswith(b"dtr on\n")
port.close()
"#;

#[test]
fn pyserial_sets_and_sees_the_control_lines() {
    let python = std::env::var("FLOWRUN_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let has_module = Command::new(&python).args(["-c", "import serial.rfc2217"]).output();
    if !has_module.is_ok_and(|asked| asked.status.success()) {
        assert!(std::env::var_os("FLOWRUN_REQUIRE_PORT_SERVERS").is_none(), "pyserial is not installed");
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "skipped: pyserial_sets_and_sees_the_control_lines: no pyserial");
        return;
    }
    let bench = Bench::new(&["--rfc2217"]);
    let ran = Command::new(python).args(["-c", PYSERIAL, &bench.port]).output().expect("it can be started");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    bench.passes("send \"AT\" expect line \"OK 2\" within 20s");
}

/// A modem that is away for a moment when it restarts.
const MODEM: &str = r#"device "modem"
on line "AT" { reply "OK" }
on line "AT+CFUN=1,1" { reply "OK"  unplug for 1s  reply "RDY" }
"#;

const RESTARTS: &str = "flow \"f\"\n\nsend \"AT+CFUN=1,1\"\nexpect line \"OK\" within 20s\nreopen within 20s\n\
                        await line \"RDY\" within 20s\nsend \"AT\"\nexpect line \"OK\" within 20s\n";

/// Runs a flow against the modem, which restarts in the middle of it, twice.
fn restarts(options: &[&str], port: Option<&str>) {
    let (served, shown) = Served::new(MODEM, options);
    fs::write(served.folder.path().join("f.flow"), RESTARTS).expect("there is room");
    for _ in 0..2 {
        let (code, text) = said(served.folder.path(), &["f.flow", "--port", port.unwrap_or(&shown)]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("! port hung up") && text.contains("- port open"), "{text}");
    }
}

#[test]
fn a_device_on_tcp_that_is_unplugged_for_a_while_hangs_up_and_listens_again() {
    restarts(&["--tcp", "127.0.0.1:0"], None);
    restarts(&["--tcp", "127.0.0.1:0", "--rfc2217"], None);
}

#[test]
fn nobody_listens_while_the_device_is_away() {
    let away = MODEM.replace("unplug for 1s", "unplug for 60s");
    let (served, port) = Served::new(&away, &["--tcp", "127.0.0.1:0"]);
    let (_, at) = port.split_once("://").expect("it has a scheme");
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
    stream.write_all(b"AT+CFUN=1,1\r").expect("it is taken");
    let mut all = String::new();
    stream.read_to_string(&mut all).expect("it is closed");
    assert_eq!(all, "OK\r\n", "what was sent before arrives");
    assert!(TcpStream::connect(at).is_err(), "the port is closed");
    drop(served);
}

#[cfg(unix)]
#[test]
fn a_device_on_a_pseudo_terminal_that_is_unplugged_for_a_while_comes_back_under_its_link() {
    restarts(&["--link", "dut"], Some("./dut"));
}
