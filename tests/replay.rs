//! Recordings: what is recorded can be played and is written at once, departures are told, secrets stay out.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::repo;

fn flowrun(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).env("NO_COLOR", "1").output().expect("flowrun can be started")
}

fn passes(arguments: &[&str]) -> String {
    let output = flowrun(arguments);
    let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {shown}");
    shown
}

/// Puts a text into a file of a folder; returns its path.
fn put(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("there is room");
    path.display().to_string()
}

/// Records the run of a flow against its own device; returns the paths of the recording and of the transcript.
fn record(folder: &Path, flow: &str) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (recording, transcript) = (path("run.rec"), path("run.txt"));
    passes(&[flow, "--port", "sim", "--record", &recording, "--transcript", &transcript, "--save", &path("s.toml")]);
    (recording, transcript)
}

/// Returns a transcript without its head, which says when it was made and what played the other end.
fn story(path: &str) -> String {
    let text = std::fs::read_to_string(path).expect("it is written");
    text.split_once("\n\n").expect("it has a head").1.to_string()
}

#[test]
fn a_replayed_run_tells_the_same_as_the_recorded_one() {
    for name in ["aliyun_secret", "quectel_aliyun", "simcom_aliyun"] {
        let folder = tempfile::tempdir().expect("there is room");
        let flow = repo(&format!("flows/{name}.flow")).display().to_string();
        let (recording, transcript) = record(folder.path(), &flow);
        let again = folder.path().join("again.txt").display().to_string();
        let port = format!("replay:{recording}");
        passes(&[&flow, "--port", &port, "--transcript", &again]);
        assert_eq!(story(&again), story(&transcript), "{name}");
    }
}

/// Runs a flow against a device, keeps a recording if that is wanted, and returns the exit code.
fn code_of(folder: &Path, flow: &Path, port: &str, more: &[&str]) -> Option<i32> {
    let saved = folder.join(format!("{}.toml", port.len())).display().to_string();
    let flow = flow.display().to_string();
    flowrun(&[&[&flow, "--quiet", "--port", port, "--save", &saved], more].concat()).status.code()
}

#[test]
fn a_device_made_of_a_recording_gives_its_flow_the_same_verdict() {
    let mut n_flows = 0;
    for names in ["flows", "tests/rules"] {
        for name in support::flows_in(names) {
            let flow = repo(&format!("{names}/{name}.flow"));
            let text = std::fs::read_to_string(&flow).expect("it can be read");
            if !text.lines().any(|line| line.starts_with("sim \"")) {
                continue;
            }
            let folder = tempfile::tempdir().expect("there is room");
            let recording = folder.path().join("run.rec").display().to_string();
            let first = code_of(folder.path(), &flow, "sim", &["--record", &recording]);
            let made = flowrun(&["sim", "--from", &recording]);
            let device = put(folder.path(), "made.flow", &String::from_utf8_lossy(&made.stdout));
            passes(&["check", "--deny-warnings", &device]);
            passes(&["fmt", "--check", &device]);
            assert_eq!(code_of(folder.path(), &flow, &format!("sim:{device}"), &[]), first, "{names}/{name}");
            n_flows += 1;
        }
    }
    assert!(n_flows > 20, "{n_flows} flows name their device");
}

#[test]
fn a_recording_of_a_port_that_comes_back_is_played_and_made_into_a_device() {
    let folder = tempfile::tempdir().expect("there is room");
    for name in ["reopen_waits_until_the_port_is_back", "write_in_flight_fails"] {
        let flow = repo(&format!("tests/rules/{name}.flow")).display().to_string();
        let recording = folder.path().join(format!("{name}.rec")).display().to_string();
        passes(&[&flow, "--port", "sim", "--record", &recording]);
        passes(&[&flow, "--port", &format!("replay:{recording}")]);
        let made = String::from_utf8_lossy(&flowrun(&["sim", "--from", &recording]).stdout).into_owned();
        assert!(made.contains("unplug for 2"), "{made}");
        passes(&[&flow, "--port", &format!("sim:{}", put(folder.path(), "made.flow", &made))]);
    }
    let text = std::fs::read_to_string(folder.path().join("write_in_flight_fails.rec")).expect("it was written");
    let behind = text.lines().skip_while(|line| !line.contains("closed")).map(|line| &line[12..]).take(2);
    assert_eq!(behind.collect::<Vec<_>>(), ["closed", "open 300 8N1"]);
}

#[test]
fn a_device_made_of_a_recording_keeps_the_line_and_has_one_param_for_a_secret() {
    let folder = tempfile::tempdir().expect("there is room");
    let recording = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 0\n\
        0.000000000 open 9600 7E1\n\
        0.000000000 > +0.001000000 \"pin «pin/plain#4»\\r\"\n\
        0.100000000 < \"pin «pin/plain#4»\\r\\n\"\n\
        0.200000000 > +0.001000000 \"two\\rlines\\r\"\n\
        0.300000000 < \"«tok/plain#8» «tok/HEX#16» «tok/hex@2#4» «tok/plain#5» «if/plain#3» «/base64#3»\\r\\n\"\n\
        0.400000000 note settings 115200 8N1\n\
        0.500000000 > +0.001000000 \"raw\"\n\
        40000000.000000000 closed\n";
    let recording = put(folder.path(), "run.rec", recording);
    let made = flowrun(&["sim", "--from", &recording]);
    let expected = r#"device "recorded: t"

serial { baud 9600  format 7E1  echo off }

param secret_if = "123"
param tok = "12345678"

on line "two" {}

on line "lines" {
  sleep 51ms
  send raw "${tok} ${upper(hex(tok))} ${substring(hex(tok), 2, 4)} ${substring(tok, 0, 5)} ${secret_if} 123\r\n"
  sleep 100ms
  serial { baud 115200  format 8N1 }
  read 3 bytes as _data within 600s
  sleep 31622400000ms
  sleep 8377599499ms
  unplug
}

on line /pin (?<_given_1>.{4})/ {
  sleep 88ms
  send raw "pin ${_given_1}\r\n"
}
"#;
    assert_eq!(String::from_utf8_lossy(&made.stdout), expected);
    passes(&["check", "--deny-warnings", &put(folder.path(), "made.flow", expected)]);
}

#[test]
fn a_secret_that_came_is_given_back_to_a_replay_by_name() {
    let folder = tempfile::tempdir().expect("there is room");
    let flow = repo("flows/aliyun_dynamic.flow").display().to_string();
    let (recording, transcript) = record(folder.path(), &flow);
    let saved = folder.path().join("again.toml").display().to_string();
    let again = folder.path().join("again.txt").display().to_string();
    let port = format!("replay:{recording}");
    let output = flowrun(&[&flow, "--port", &port, "--save", &saved]);
    assert_eq!(output.status.code(), Some(3));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("--sim-var") && shown.contains("device_secret=…"), "{shown}");
    let secret = "device_secret=mRMyB50qafv74A5FofvhxZ2h9iTL9wX7";
    passes(&[&flow, "--port", &port, "--save", &saved, "--sim-var", secret, "--transcript", &again]);
    assert_eq!(story(&again), story(&transcript));
    let text = std::fs::read_to_string(&recording).expect("it is written");
    for plain in ["mRMyB50qafv74A5FofvhxZ2h9iTL9wX7", "VWll9fiYWKiwraBk", "425656f625b64560a4bff2a0f16946a3"] {
        assert!(!text.contains(plain), "{plain} stands in the recording");
    }
}

#[test]
fn what_a_flow_makes_of_a_secret_is_no_departure() {
    let folder = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| put(folder.path(), name, text);
    write("d.flow", "device \"d\" on line /.*/ { reply \"OK\" }");
    let text = |makes: &str| {
        format!(
            "flow \"t\" sim \"d.flow\" secret key = \"hunter22x\" secret pin = \"4711\"\n\
             compute n = int(pin) + 1 {makes} expect line \"OK\""
        )
    };
    let made = "send \"AT ${upper(key)} ${lower(key)} ${n} ${key} ${replace(key, \"2\", \"3\")}\"";
    let (recording, _) = record(folder.path(), &write("t.flow", &text(made)));
    let port = format!("replay:{recording}");
    passes(&[&write("t.flow", &text(made)), "--port", &port]);
    let other = "send \"AT ${upper(key)} ${lower(key)} ${n} ${lower(key)}x ${replace(key, \"2\", \"3\")}\"";
    assert_eq!(flowrun(&[&write("e.flow", &text(other)), "--port", &port]).status.code(), Some(3), "a byte more");
    let recorded = std::fs::read_to_string(&recording).expect("it is written");
    assert!(recorded.contains("«key/plain~2#9»") && !recorded.contains("HUNTER"), "{recorded}");
}

#[test]
fn the_first_byte_where_a_flow_departs_is_told() {
    let folder = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| put(folder.path(), name, text);
    write("d.flow", "device \"d\" on line /.*/ { reply \"OK\" }");
    let flow =
        write("t.flow", "flow \"t\" sim \"d.flow\" send \"AT\" expect line \"OK\" send \"AT+ONE\" expect line \"OK\"");
    let (recording, _) = record(folder.path(), &flow);
    let edited = write("e.flow", "flow \"t\" send \"AT\" expect line \"OK\" send \"AT+TWO\" expect line \"OK\"");
    let output = flowrun(&[&edited, "--port", &format!("replay:{recording}")]);
    assert_eq!(output.status.code(), Some(3));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let words: Vec<&str> =
        shown.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty()).collect();
    let told = words.join(" ");
    assert!(told.contains("at byte 4 of write 2: it sent `AT+TWO\\r`, `AT+ONE\\r` is recorded at"), "{told}");
}

#[test]
fn no_departure_shows_a_piece_of_a_secret_wherever_it_is() {
    let folder = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| put(folder.path(), name, text);
    write("d.flow", "device \"d\" on line /.*/ { reply \"OK\" }");
    for pad in (0..70).step_by(6) {
        let pad = "-".repeat(pad);
        let text = |behind: &str, more: &str| {
            format!(
                "flow \"t\" sim \"d.flow\" secret key = \"Tr0ub4dor9Kx7Qm2ZTr0ub4dor9Kx7Qm2Z\"\n\
                 send \"{pad}K=${{key}}{behind}\" expect line \"OK\" {more}"
            )
        };
        let (recording, _) = record(folder.path(), &write("t.flow", &text("!", "")));
        let more = "send \"MORE ${key}\" expect line \"OK\"";
        for edited in [text("?", ""), text(&format!("{pad}?"), ""), text("!", more)] {
            let output = flowrun(&[&write("e.flow", &edited), "--port", &format!("replay:{recording}")]);
            assert_eq!(output.status.code(), Some(3), "{edited}");
            let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            for piece in ["Tr0ub", "b4do", "9Kx7", "Qm2Z"] {
                assert!(!shown.contains(piece), "{shown}");
            }
            assert!(shown.contains("«key»"), "{shown}");
        }
    }
}

#[test]
fn a_device_made_from_a_recording_checks_and_passes() {
    for name in ["aliyun_secret", "aliyun_dynamic", "simcom_aliyun"] {
        let folder = tempfile::tempdir().expect("there is room");
        let flow = repo(&format!("flows/{name}.flow")).display().to_string();
        let (recording, _) = record(folder.path(), &flow);
        let made = flowrun(&["sim", "--from", &recording]);
        assert!(made.status.success());
        let device = folder.path().join("made.flow").display().to_string();
        std::fs::write(&device, &made.stdout).expect("there is room");
        passes(&["check", "--deny-warnings", &device]);
        let saved = folder.path().join("again.toml").display().to_string();
        passes(&[&flow, "--port", &format!("sim:{device}"), "--save", &saved]);
    }
}

/// Makes a flow without a device in a folder, and a recording of it for each number.
fn recorded(folder: &Path, numbers: &[u32]) -> String {
    let write = |name: &str, text: &str| put(folder, name, text);
    write("d.flow", "device \"d\" param id = 0 on line \"ID\" { reply \"ID: ${id}\" }");
    write("t.flow", "flow \"t\" send \"ID\" expect line /ID: (?<id>.*)/ save id");
    let path = |name: &str| folder.join(name).display().to_string();
    let flow = path("t.flow");
    let device = format!("sim:{}", path("d.flow"));
    for n in numbers {
        let (id, recording) = (format!("id={n}"), path(&format!("r{n}.recording")));
        passes(&[&flow, "--port", &device, "--sim-var", &id, "--record", &recording, "--save", &path("first.toml")]);
    }
    flow
}

#[test]
fn several_recordings_are_played_each_with_files_of_its_own() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flow = recorded(folder.path(), &[2, 10]);
    let (a, b) = (format!("replay:{}", path("r2.recording")), format!("replay:{}", path("r10.recording")));
    let files = ["--save", &path("s.toml"), "--transcript", &path("t.txt")];
    let shown = passes(&[&[&flow, "--port", &a, "--port", &b][..], &files].concat());
    assert!(shown.ends_with("2 ports: 2 passed\n"), "{shown}");
    for n in [2, 10] {
        let saved = std::fs::read_to_string(path(&format!("s.r{n}.toml"))).expect("it is saved");
        assert!(saved.contains(&format!("id = \"{n}\"")), "{saved}");
        let transcript = std::fs::read_to_string(path(&format!("t.r{n}.txt"))).expect("it is written");
        assert!(transcript.contains(&format!("ID: {n}\\r")), "{transcript}");
    }
    let pattern = format!("replay:{}", path("*.recording"));
    let expanded = passes(&[&[&flow, "--port", &pattern, "--port", &a][..], &files].concat());
    assert_eq!(expanded, shown, "in the order of their numbers, each once");
    let one = passes(&[&flow, "--port", &a, "--port", &a, "--save", &path("s.toml")]);
    assert!(!one.contains("2 ports"), "{one}");
}

#[test]
fn one_of_several_recordings_that_the_flow_departs_from_fails_the_whole() {
    let folder = tempfile::tempdir().expect("there is room");
    let flow = recorded(folder.path(), &[1, 2]);
    let other = folder.path().join("r2.recording");
    let text = std::fs::read_to_string(&other).expect("it is written").replace("\"ID", "\"XX");
    std::fs::write(&other, text).expect("there is room");
    let pattern = format!("replay:{}", folder.path().join("*.recording").display());
    let output = flowrun(&[&flow, "--port", &pattern, "--save", &folder.path().join("s.toml").display().to_string()]);
    assert_eq!(output.status.code(), Some(3));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.ends_with("2 ports: 1 passed, 1 port failed\n"), "{shown}");
}

#[test]
fn recordings_that_can_not_be_played_together_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("there is room");
    let flow = recorded(folder.path(), &[1]);
    let recording = format!("replay:{}", folder.path().join("r1.recording").display());
    let none = format!("replay:{}", folder.path().join("*.rec").display());
    let refused = |arguments: &[&str], why: &str| {
        let output = flowrun(&[&[flow.as_str()], arguments].concat());
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        let shown = shown.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(shown.contains(why), "{shown}");
    };
    refused(&["--port", &recording, "--port", "COM99"], "cannot run together");
    refused(&["--port", &recording, "--port", "sim"], "cannot be one of several ports");
    refused(&["--port", &none], "no recording fits");
}

#[test]
fn a_flow_without_a_device_is_run_against_the_recording_beside_it() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flow = recorded(folder.path(), &[5]);
    let save = ["--save", &path("s.toml")];
    let refused = flowrun(&[&[flow.as_str(), "--port", "sim"][..], &save].concat());
    assert_eq!(refused.status.code(), Some(2), "there is none yet");
    std::fs::rename(path("r5.recording"), path("t.recording")).expect("it is there");
    let played = passes(&[&[flow.as_str(), "--port", "sim"][..], &save].concat());
    let address = format!("replay:{}", path("t.recording"));
    let (note, rest) = played.split_once('\n').expect("it has lines");
    assert_eq!(note, format!("{flow} names no device: the recording beside it plays, as with `--port {address}`"));
    assert_eq!(rest, passes(&[&[flow.as_str(), "--port", &address][..], &save].concat()));
    let quiet = passes(&[&[flow.as_str(), "--port", "sim", "--quiet"][..], &save].concat());
    assert!(!quiet.contains("names no device"), "{quiet}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("x.rec").display().to_string();
    for text in ["", "hello", "flowrun recording 3\n", "flowrun recording 1\n0.5 < \"", "flowrun recording 1\nx"] {
        std::fs::write(&path, text).expect("there is room");
        assert_eq!(flowrun(&["sim", "--from", &path]).status.code(), Some(2), "{text:?}");
    }
}

#[test]
fn a_recording_of_several_ports_is_refused_where_there_is_one() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("x.recording").display().to_string();
    let lines = "0.000000000 open 115200 8N1\n0.001000000 #1 < \"OK\\r\\n\"\n";
    std::fs::write(&path, format!("flowrun recording 2\ntitle \"t\"\nseed 7\nbegun 0\n{lines}"))
        .expect("there is room");
    let flow = folder.path().join("t.flow");
    std::fs::write(&flow, "flow \"t\" send \"AT\" expect line \"OK\"").expect("there is room");
    let output = flowrun(&[&flow.display().to_string(), "--port", &format!("replay:{path}")]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("it is of 2 ports"), "{told}");
}

#[test]
fn a_recording_is_not_written_over_the_flow() {
    let folder = tempfile::tempdir().expect("there is room");
    let flow = folder.path().join("t.flow");
    std::fs::write(&flow, "flow \"t\" send \"AT\" expect line \"OK\"").expect("there is room");
    let flow = flow.display().to_string();
    let output = flowrun(&[&flow, "--port", "COM99", "--record", &flow]);
    assert_eq!(output.status.code(), Some(2));
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(shown.contains("name another file with `--record FILE`"), "{shown}");
}

#[test]
fn what_an_earlier_version_recorded_after_the_end_of_the_line_is_passed_over() {
    let folder = tempfile::tempdir().expect("there is room");
    let flow = "flow \"t\"\nsend \"A\"  expect line \"OK\"\nassert unix_millis() > 0, \"late\"\nexpect quiet for 1s\n";
    let flow = put(folder.path(), "t.flow", flow);
    let lines = "0.000000000 open 115200 8N1\n0.000000000 > +0.000000000 \"A\\r\"\n0.001000000 < \"OK\\r\\n\"\n\
        2.000000000 closed\n2.000000000 > +0.000000000 \"B\\r\"\n2.000000000 note settings 9600 8N1\n";
    let head = format!("flowrun recording 2\ntitle \"t\"\nseed 7\nbegun {}\n", i64::MAX);
    let recording = put(folder.path(), "t.recording", &format!("{head}{lines}"));
    // The time of day is at its end already, and stays there.
    passes(&[&flow, "--port", &format!("replay:{recording}")]);
    let device = passes(&["sim", "--from", &recording]);
    assert!(device.contains("unplug") && !device.contains("\"B\"") && !device.contains("9600"), "{device}");
}

/// What only needs a system with pseudo-terminals.
#[cfg(unix)]
mod on_pseudo_terminals {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Stdio};

    use super::*;

    /// A program that ends with the test.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn start(arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args(arguments).env("NO_COLOR", "1").stdout(Stdio::piped()).stdin(Stdio::null());
        Running(command.spawn().expect("flowrun can be started"))
    }

    /// Serves a device that says its name; returns it with its port.
    fn device(folder: &Path, name: &str) -> (Running, String) {
        let path = folder.join("d.flow");
        std::fs::write(&path, "device \"d\" param name = \"d\" on line \"ID\" { reply \"ID: ${name}\" }")
            .expect("there is room");
        let mut served =
            start(&["sim", &path.display().to_string(), "--pty", "--quiet", "--var", &format!("name={name}")]);
        let mut line = String::new();
        BufReader::new(served.0.stdout.take().expect("it was asked for")).read_line(&mut line).expect("it is UTF-8");
        let port = line.trim_end().strip_prefix("serving on ").expect("it says where it is").to_string();
        (served, port)
    }

    fn flow(folder: &Path, text: &str) -> String {
        let path = folder.join("t.flow");
        std::fs::write(&path, format!("flow \"t\" {text}")).expect("there is room");
        path.display().to_string()
    }

    #[test]
    fn each_of_several_ports_has_a_recording_of_its_own() {
        let folder = tempfile::tempdir().expect("there is room");
        let flow = flow(folder.path(), "send \"ID\" expect line /ID: (?<id>.*)/");
        let devices = ["one", "two"].map(|name| device(folder.path(), name));
        let record = folder.path().join("run.rec").display().to_string();
        let ports = devices.each_ref().map(|(_, port)| port.as_str());
        passes(&[&flow, "--port", ports[0], "--port", ports[1], "--record", &record]);
        for (port, name) in ports.iter().zip(["one", "two"]) {
            let port = port.trim_start_matches("/dev/").replace('/', "_");
            let path = folder.path().join(format!("run.{port}.rec"));
            let text = std::fs::read_to_string(&path).expect("it is written");
            assert!(text.contains(&format!("ID: {name}")), "{text}");
            passes(&[&flow, "--port", &format!("replay:{}", path.display())]);
        }
    }

    #[test]
    fn what_came_before_it_became_quiet_is_written_while_the_run_goes_on() {
        let folder = tempfile::tempdir().expect("there is room");
        let flow = flow(folder.path(), "send \"ID\" expect line \"ID: one\" expect line \"never\" within 1h");
        let (_device, port) = device(folder.path(), "one");
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo can be started");
        assert!(made.success());
        let _run = start(&[&flow, "--port", &port, "--record", &pipe.display().to_string()]);
        let mut pipe = std::fs::File::open(&pipe).expect("it can be opened");
        let mut text = Vec::new();
        let mut more = [0; 4096];
        while !String::from_utf8_lossy(&text).contains("ID: one") {
            let n = pipe.read(&mut more).expect("it can be read");
            assert!(n > 0, "the run is over: {}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&more[..n]);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_recording_that_is_not_complete_is_told_and_the_run_goes_on() {
        let folder = tempfile::tempdir().expect("there is room");
        let flow = flow(folder.path(), "send \"ID\" expect line /ID: (?<id>.*)/");
        let (_device, port) = device(folder.path(), "one");
        let output = flowrun(&[&flow, "--port", &port, "--record", "/dev/full"]);
        assert_eq!(output.status.code(), Some(1));
        let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(shown.contains("the recording `/dev/full` is not complete: ") && shown.contains("passed"), "{shown}");
    }
}

/// Returns a recording of a flow with these exchanges, against a device that answers after a while.
fn recorded_exchanges(folder: &Path, body: &str) -> String {
    let write = |name: &str, text: &str| put(folder, name, text);
    write("d.flow", "device \"d\" on line \"LATE\" { sleep 100ms  reply \"DONE\" } on line /.*/ { reply \"OK\" }");
    write("t.flow", &format!("flow \"t\" sim \"d.flow\" {body}"));
    record(folder, &folder.join("t.flow").display().to_string()).0
}

#[test]
fn a_replay_that_ends_early_has_not_passed() {
    let one = "send \"AT\" expect line \"OK\"";
    let two = format!("{one} send \"AT+TWO\" expect line \"OK\"");
    let all = format!("{two} send \"LATE\" expect line \"DONE\"");
    let folder = tempfile::tempdir().expect("there is room");
    let recording = recorded_exchanges(folder.path(), &all);
    let replay = |body: &str| {
        let edited = folder.path().join("e.flow");
        std::fs::write(&edited, format!("flow \"t\" {body}")).expect("there is room");
        let output = flowrun(&[&edited.display().to_string(), "--port", &format!("replay:{recording}")]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let words = shown.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
        (output.status.code(), words.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(replay(&all).0, Some(0));
    for (body, left) in [
        (one.to_string(), "2 writes are left, the first is `AT+TWO\\r` at "),
        (two.clone(), "1 write is left, the first is `LATE\\r` at "),
        (format!("{two} send \"LATE\""), "the flow ended before `DONE\\r\\n`, which came at "),
        (format!("{one} skip \"not here\""), "2 writes are left"),
        (format!("{one} send raw \"AT+\""), "2 writes are left, the first is `AT+TWO\\r` at "),
    ] {
        let (code, shown) = replay(&body);
        assert_eq!(code, Some(1), "{body}: {shown}");
        assert!(shown.contains(left) && shown.contains("failed t "), "{body}: {shown}");
    }
}

#[test]
fn what_the_device_says_after_the_recorded_flow_is_no_fault_of_a_replay() {
    // Each flow ends while the device is still talking, or would be.
    for body in [
        "send \"AT\" expect \"O\"",
        "send \"LATE\" sleep 50ms send \"AT\" expect \"OK\"",
        "send \"AT\" expect line \"OK\" send \"AT\"",
        "send \"AT\" expect line \"OK\" ask \"is it on?\" default \"yes\"",
        "send \"AT\" expect line \"OK\" skip \"not here\"",
    ] {
        let folder = tempfile::tempdir().expect("there is room");
        let recording = recorded_exchanges(folder.path(), body);
        passes(&[&folder.path().join("t.flow").display().to_string(), "--port", &format!("replay:{recording}")]);
    }
}

#[test]
fn whatever_passes_is_recorded_and_passes_again() {
    let folder = tempfile::tempdir().expect("there is room");
    let mut wrong = Vec::new();
    let places = ["tests/corpus", "tests/transcripts"];
    let flows = places.iter().flat_map(|place| {
        support::flows_in(place)
            .into_iter()
            .map(move |name| repo(&format!("{place}/{name}.flow")).display().to_string())
    });
    for (n, flow) in flows.enumerate() {
        let path = |kind: &str| folder.path().join(format!("{n}.{kind}")).display().to_string();
        let (recording, saved) = (path("rec"), path("toml"));
        let first = flowrun(&[&flow, "--port", "sim", "--quiet", "--record", &recording, "--save", &saved]);
        if first.status.code() != Some(0) {
            continue;
        }
        let again = flowrun(&[&flow, "--port", &format!("replay:{recording}"), "--quiet", "--save", &saved]);
        let shown = String::from_utf8_lossy(&again.stdout).into_owned() + &String::from_utf8_lossy(&again.stderr);
        // A secret that came has to be given again.
        if again.status.code() != Some(0) && !shown.contains("--sim-var") {
            wrong.push(format!("{flow}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_secret_that_came_in_two_reads_does_not_make_a_replay_quiet_too_early() {
    let folder = tempfile::tempdir().expect("there is room");
    let device = "device \"d\"\non line \"DUMP\" {\n  send raw \"[hun\"  sleep 12ms  send raw \"ter22\"  sleep 12ms  send raw \"]\"\n}";
    put(folder.path(), "d.flow", device);
    let flow = "flow \"t\"\nsim \"d.flow\"\nsecret key = \"hunter22\"\nserial { echo off }\nsend \"DUMP\"\n\
                read until quiet for 20ms as frame\nassert text(frame) == \"[${key}]\", \"${len(frame)} bytes\"\n";
    let flow = put(folder.path(), "t.flow", flow);
    let (recording, _) = record(folder.path(), &flow);
    let text = std::fs::read_to_string(&recording).expect("it is written");
    assert!(text.contains("\"\""), "a read without bytes is in it: {text}");
    passes(&[&flow, "--port", &format!("replay:{recording}"), "--sim-var", "key=hunter22"]);
}

#[test]
fn what_is_given_counts_before_a_recording_and_a_message_names_it() {
    let folder = tempfile::tempdir().expect("there is room");
    put(folder.path(), "d.flow", "device \"d\"\non line /.*/ { reply \"OK\" }");
    let flow =
        |kind: &str| format!("flow \"t\" sim \"d.flow\" param n {kind}\nsend \"AT ${{n}}\" expect line \"OK\"\n");
    let file = put(folder.path(), "t.flow", &flow("= 0"));
    let vars = put(folder.path(), "vars.toml", "n = 7\n");
    let port = format!("replay:{}", folder.path().join("run.rec").display());
    passes(&[&file, "--port", "sim", "--var", "n=5", "--record", &port["replay:".len()..]]);
    let shown = |more: &[&str], n: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args([&[&*file, "--port", &port][..], more].concat()).env("NO_COLOR", "1");
        let output = command.envs(n.map(|n| ("FLOWRUN_VAR_N", n))).output().expect("it can be started");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    for (more, n) in [(&["--vars", &*vars][..], None), (&["--var", "n=7"], None), (&[], Some("7"))] {
        let (code, text) = shown(more, n);
        assert!(code == Some(3) && text.contains("AT 7"), "{more:?}: {text}");
    }
    put(folder.path(), "t.flow", &flow("matches /[0-4]/"));
    for (more, how) in [(&["--var", "n=5"][..], "with `--var`"), (&[], "by the recording that is played")] {
        let (code, text) = shown(more, None);
        assert!(code == Some(2) && text.contains(how), "{text}");
    }
}
