//! `flowrun say`: commands and their answers, without a flow.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const DEVICE: &str = r#"device "a module"
serial { header "\r\n"  echo on }
on line "AT"       { reply "OK" }
on line "AT+CSQ"   { reply "+CSQ: 18,0"  reply "OK" }
on line "AT+CPIN?" { reply "+CME ERROR: 10" }
on line "AT+COPS?" { after 10s { reply "+COPS: 0"  reply "OK" } }
on line "AT+CMGS=1" { serial { eol none }  reply "> " }
on line "*IDN?"    { reply "KEITHLEY"  after 200ms { reply "2000" } }
on line "quiet"    {}
on line /.*/       { reply "ERROR" }
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    fs::write(folder.path().join("modem.flow"), DEVICE).expect("there is room");
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "200").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Says something to the module; returns the exit code, the answer, and what was complained of.
fn say(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = folder();
    let arguments = [&["say", "sim:modem.flow"], arguments].concat();
    let Output { status, stdout, stderr } = command(folder.path(), &arguments).output().expect("it can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Returns the answer to commands that are answered well.
fn answer(arguments: &[&str]) -> String {
    let (code, answer, complaint) = say(arguments);
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{arguments:?}: {answer}");
    answer
}

/// Returns the exit code, the answer, and the first line of the complaint behind its code.
fn refusal(arguments: &[&str]) -> (Option<i32>, String, String) {
    let (code, answer, complaint) = say(arguments);
    let message = complaint.lines().find_map(|line| line.trim().strip_prefix("× ")).unwrap_or_default();
    (code, answer, message.to_string())
}

#[test]
fn the_answer_is_shown_without_echo_and_empty_lines() {
    assert_eq!(answer(&["AT+CSQ"]), "+CSQ: 18,0\nOK\n");
    assert_eq!(answer(&["AT", "AT+CSQ"]), "OK\n+CSQ: 18,0\nOK\n", "one command after the other");
    assert_eq!(answer(&["AT+CMGS=1"]), "> \n", "a prompt ends an answer too");
}

#[test]
fn the_answer_that_the_document_shows_is_the_one_that_is_shown() {
    let command = "$ flowrun say /dev/ttyUSB0 \"AT+CSQ\"\n";
    let shown = include_str!("../docs/ports.md").split(command).nth(1).expect("the document has an example");
    assert_eq!(shown.split("```").next(), Some(answer(&["AT+CSQ"]).as_str()));
}

#[test]
fn an_answer_without_a_result_code_ends_when_no_more_comes() {
    assert_eq!(answer(&["*IDN?"]), "KEITHLEY\n2000\n");
    assert_eq!(refusal(&["quiet"]), (Some(1), String::new(), "`quiet` was not answered within 3s".to_string()));
}

#[test]
fn an_error_is_an_answer_and_exit_code_1_and_says_what_it_means() {
    let (code, answer, complaint) = say(&["AT+CPIN?", "AT"]);
    assert_eq!((code, answer.as_str()), (Some(1), "+CME ERROR: 10\n"), "nothing is said after an error");
    assert!(complaint.contains("SIM not inserted"), "{complaint}");
    assert_eq!(refusal(&["AT+FOO"]), (Some(1), "ERROR\n".to_string(), "`ERROR` came".to_string()));
    assert_eq!(answer_of_plain_error(), (Some(0), "ERROR\n".to_string()), "only AT commands have result codes");
}

fn answer_of_plain_error() -> (Option<i32>, String) {
    let (code, answer, _) = say(&["bogus"]);
    (code, answer)
}

#[test]
fn what_is_expected_ends_the_last_answer() {
    assert_eq!(answer(&["AT", "AT+CSQ", "--expect", "+CSQ: 1"]), "OK\n+CSQ: 18,0\n");
    assert_eq!(answer(&["AT+CSQ", "--expect", r"/\+CSQ: \d+,0$/"]), "+CSQ: 18,0\n");
    let message = "`READY` did not come within 1s after `AT+CSQ`".to_string();
    let refused = refusal(&["AT+CSQ", "--expect", "READY", "--within", "1s"]);
    assert_eq!(refused, (Some(1), "+CSQ: 18,0\nOK\n".to_string(), message));
    let refused = refusal(&["AT+CPIN?", "--expect", "READY"]);
    assert_eq!(refused.2, "`+CME ERROR: 10` came", "an error ends it at once");
}

#[test]
fn a_slow_answer_is_waited_for_as_long_as_was_said() {
    let (code, _, message) = refusal(&["AT+COPS?"]);
    let told = "the answer to `AT+COPS?` did not end within 3s; `--within 30s` waits longer";
    assert_eq!((code, message.as_str()), (Some(1), told));
    assert_eq!(answer(&["AT+COPS?", "--within", "30s"]), "+COPS: 0\nOK\n");
}

#[test]
fn nothing_that_was_typed_is_read_as_a_part_of_a_flow() {
    for odd in ["x\" } fail \"y", "${command_0}", "`", "a\nfail \"y\"", "/x/ -> {} fail \"y\" /y/"] {
        let (code, answer, complaint) = say(&[odd]);
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{odd}: {answer}");
        let (code, _, message) = refusal(&["AT", "--expect", odd]);
        assert_eq!((code, message.ends_with("within 3s after `AT`")), (Some(1), true), "{odd}: {message}");
    }
}

#[test]
fn wrong_options_and_ports_are_told_apart_by_their_exit_codes() {
    for (arguments, what) in [
        (&["AT", "--within", "soon"][..], "`--within soon` is not a duration"),
        (&["AT", "--expect", ""], "`--expect` is empty"),
        (&["AT", "--expect", "/(/"], "this regex cannot be compiled: unclosed group"),
        (&["AT", "--serial", "eol=what"], "`--serial`: `eol` cannot be `what`"),
    ] {
        assert_eq!(refusal(arguments), (Some(2), String::new(), what.to_string()), "{arguments:?}");
    }
    let folder = folder();
    let code =
        |arguments: &[&str]| command(folder.path(), arguments).output().expect("it can be started").status.code();
    assert_eq!(code(&["say", "./no-such-port", "AT"]), Some(3));
    assert_eq!(code(&["say", "sim", "AT"]), Some(2));
    assert_eq!(code(&["say", "sim:missing.flow", "AT"]), Some(2));
    assert_eq!(code(&["say", "usb:at=99-99", "AT"]), Some(2));
}

#[cfg(unix)]
#[test]
fn a_real_port_is_spoken_to_too() {
    use std::io::{BufRead, BufReader};
    let folder = folder();
    let mut device = command(folder.path(), &["sim", "modem.flow", "--link", "port"]);
    let mut device = device.stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut lines = BufReader::new(device.stdout.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("serving on"))), "the device is not served");
    let said = command(folder.path(), &["say", "./port", "AT+CSQ"]).output().expect("it can be started");
    device.kill().and_then(|()| device.wait()).expect("it was started");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "+CSQ: 18,0\nOK\n", "{}", String::from_utf8_lossy(&said.stderr));
}
