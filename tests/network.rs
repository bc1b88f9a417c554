//! The program on ports that are no serial ports: connections, many of them, and programs.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

const ASKS: &str = "flow \"asks\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\n";

/// Serves devices that answer a line with `OK`; returns the address.
fn device() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one").to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(|client| drop(thread::spawn(|| answer(client)))));
    address
}

fn answer(mut client: TcpStream) {
    let mut bytes = [0; 64];
    // Until it closes.
    while let Ok(n @ 1..) = client.read(&mut bytes) {
        if bytes[..n].ends_with(b"\r") && client.write_all(b"OK\r\n").is_err() {
            return;
        }
    }
}

/// Serves a device that answers with `OK` and hangs up on its first caller; the next is greeted. Returns the address.
fn restarting_device() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one").to_string();
    thread::spawn(move || {
        let mut callers = listener.incoming().flatten();
        let mut first = callers.next().expect("the flow connects");
        let mut bytes = [0; 64];
        let heard = first.read(&mut bytes);
        first.write_all(b"OK\r\n").expect("the flow listens");
        drop((heard, first));
        let mut second = callers.next().expect("the flow connects again");
        second.write_all(b"RDY\r\n").expect("the flow listens");
        answer(second);
    });
    address
}

#[test]
fn a_connection_that_ends_is_made_again_where_the_flow_allows_it() {
    let reopens = "flow \"restarts\"\n\nsend \"RESET\"\nexpect line \"OK\" within 20s\nreopen within 20s\n\
                   await line \"RDY\" within 20s\nsend \"AT\"\nexpect line \"OK\" within 20s\n";
    let folder = folder(reopens);
    let (code, told, noted) = flowrun(folder.path(), &["a.flow", "--port", &format!("tcp://{}", restarting_device())]);
    assert_eq!(code, Some(0), "{told}{noted}");
    assert!(told.contains("! port hung up") && told.contains("- port open"), "{told}");
}

#[test]
fn a_profile_lets_ports_come_back_whatever_the_flow_says() {
    let restarts = "flow \"restarts\"\n\nsend \"RESET\"\nexpect line \"OK\" within 20s\nawait line \"RDY\" within 20s\n\
                    send \"AT\"\nexpect line \"OK\" within 20s\n";
    let with = |reconnect: &str| {
        let folder = folder(restarts);
        let port = format!("[ports.board]\naddress = \"tcp://{}\"\n", restarting_device());
        let profile = format!("[profile.bench]\nports = [\"board\"]\n{reconnect}");
        fs::write(folder.path().join("flowrun.toml"), port + &profile).expect("there is room");
        flowrun(folder.path(), &["a.flow", "--profile", "bench"])
    };
    let (code, told, noted) = with("reconnect = \"15s\"\n");
    assert_eq!(code, Some(0), "{told}{noted}");
    assert!(told.contains("! port hung up") && told.contains("- port open"), "{told}");
    let (code, told, _) = with("");
    assert_eq!(code, Some(3), "{told}");
}

/// Returns the address of a port at which nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").to_string()
}

fn folder(flow: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.flow"), flow).expect("there is room");
    folder
}

/// Runs the program; returns its exit code, and what it said on both ways.
fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    let ran = command.current_dir(folder).args(arguments).env_remove("CI").output();
    let ran = ran.expect("it is built");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn a_flow_runs_over_a_connection_and_a_note_says_what_has_no_effect() {
    let folder = folder(&ASKS.replace("send", "serial { baud 9600 }\n\nsend"));
    let port = format!("TCP://{}", device());
    let (code, told, noted) = flowrun(folder.path(), &["a.flow", "--port", &port]);
    assert_eq!(code, Some(0), "{told}{noted}");
    let shown = port.replace("TCP", "tcp");
    assert!(told.contains(&format!("a.flow on {shown}, bytes only, seed ")), "{told}");
    assert_eq!(
        noted,
        format!("note: `{shown}` carries bytes only: baud, format, `dtr` and `rts` have no effect there\n\n")
    );
    let (code, _, noted) = flowrun(folder.path(), &["a.flow", "--port", &port, "--quiet"]);
    assert_eq!((code, noted), (Some(0), String::new()));
}

#[test]
fn what_a_flow_does_not_ask_for_is_not_noted() {
    let folder = folder(ASKS);
    let (code, told, noted) = flowrun(folder.path(), &["a.flow", "--port", &format!("tcp://{}", device())]);
    assert_eq!((code, noted.as_str()), (Some(0), ""), "{told}");
}

#[test]
fn a_program_takes_bytes_and_nothing_else() {
    let folder = folder("flow \"switches\"\n\ndtr on\nbaud 9600\nsend \"AT\"\nexpect line \"OK\" within 20s\n");
    let port = "exec:sh -c 'read line; echo OK; read line'";
    let (code, told, noted) = flowrun(folder.path(), &["a.flow", "--port", port]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        noted,
        format!("note: `{port}` carries bytes only: baud, format, `dtr` and `rts` have no effect there\n\n")
    );
}

#[test]
fn a_break_over_a_connection_is_announced_and_fails_where_it_stands() {
    let folder = folder("flow \"breaks\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\nbreak 1ms\n");
    let (code, told, noted) = flowrun(folder.path(), &["a.flow", "--port", &format!("tcp://{}", device())]);
    assert_eq!(code, Some(3), "{told}");
    assert!(noted.contains("the run fails at `break`"), "{noted}");
    assert!(told.contains("`break` cannot be sent over this port"), "{told}");
}

#[test]
fn many_connections_run_with_as_many_jobs_as_were_said_and_have_files_of_their_own() {
    let asks =
        "flow \"asks\"\n\nserial { baud 9600 }\n\nstep \"ask\" {\n  send \"AT\"\n  expect line \"OK\" within 20s\n}\n";
    let folder = folder(asks);
    let mut ports: Vec<String> = (0..5).map(|_| device()).collect();
    ports.push(nobody());
    let addresses: Vec<String> = ports.iter().map(|port| format!("tcp://{port}")).collect();
    let mut arguments = vec!["a.flow", "--jobs", "2", "--transcript", "out.txt"];
    addresses.iter().for_each(|address| arguments.extend(["--port", address]));
    let (code, told, noted) = flowrun(folder.path(), &arguments);
    assert_eq!(code, Some(3), "{told}");
    assert!(noted.contains(&format!("note: `{}` and 5 more carry bytes only", addresses[0])), "{noted}");
    // A row for each port, whole lines in columns, though nobody looks at a terminal.
    let width = addresses.iter().map(String::len).max().expect("there are some");
    let row = |port: &str, verdict: &str, step: &str| format!("{port:width$}  {verdict:11}  {step}\n");
    let mut table = row("port", "verdict", "ended in");
    for (n, address) in addresses.iter().enumerate() {
        let (verdict, step) = if n == 5 { ("port failed", "-") } else { ("passed", "ask") };
        table.push_str(&row(address, verdict, step));
    }
    let end = format!("\n\n{table}6 ports: 5 passed, 1 port failed\n");
    assert!(told.ends_with(&end), "{told}");
    assert!(told.contains("is the server running") && !told.contains("plugged in"), "{told}");
    for port in ports {
        let label: String = port.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        assert!(folder.path().join(format!("out.{label}.txt")).exists(), "{label}");
    }
}

#[test]
fn a_suite_runs_over_a_connection() {
    let folder = folder(ASKS);
    let (code, told, noted) = flowrun(folder.path(), &["test", "--port", &format!("tcp://{}", device()), "."]);
    assert_eq!(code, Some(0), "{told}{noted}");
}

#[test]
fn a_wrong_address_is_answered_before_anything_runs() {
    let folder = folder(ASKS);
    for arguments in [
        ["a.flow", "--port", "tpc://box:1"],
        ["test", "--port", "tcp://box"],
        ["stress", "a.flow", "--port=tcp://box:0"],
    ] {
        let (code, _, said) = flowrun(folder.path(), &arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("tcp://box"), "{said}");
    }
}

#[test]
fn ctrl_c_ends_a_program_that_is_a_port_after_the_clean_up() {
    let flow = "flow \"waits\"\n\nfinally { send \"bye\" }\n\nexpect line \"never\" within 1m\n";
    let folder = folder(flow);
    // It hears the last line even if it is hung up before.
    let port = "exec:sh -c 'trap \"\" HUP; echo the number is $$; while read line; do echo \"$line\" >> heard; done'";
    let mut run = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .args(["a.flow", "--port", port])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is built");
    let told = BufReader::new(run.stdout.take().expect("it is piped"));
    let mut lines = told.lines().map(|line| line.expect("it is text"));
    let line = lines.find(|line| line.contains("the number is")).expect("the program says its number");
    let number: String = line.rsplit("is ").next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    let signalled = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("there is kill");
    assert!(signalled.success());
    lines.for_each(drop);
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert_eq!(fs::read_to_string(folder.path().join("heard")).ok().as_deref(), Some("bye\n"));
    let is_there = Command::new("kill").args(["-0", &number]).stderr(Stdio::null()).status().expect("there is kill");
    assert!(!is_there.success(), "the program {number} goes on");
}
