//! Recordings: what is recorded can be played, departures are told, secrets stay out.

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

/// Records the run of a flow against its own device; returns the paths of the recording and of the transcript.
fn record(folder: &Path, flow: &str) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (recording, transcript) = (path("run.rec"), path("run.txt"));
    passes(&[flow, "--port", "sim", "--record", &recording, "--transcript", &transcript, "--save", &path("s.toml")]);
    (recording, transcript)
}

/// Returns a transcript without the lines that name the port.
fn story(path: &str) -> String {
    let text = std::fs::read_to_string(path).expect("it is written");
    text.lines().filter(|line| !line.contains("port: ")).collect::<Vec<_>>().join("\n")
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
fn the_first_byte_where_a_flow_departs_is_told() {
    let folder = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("there is room");
        path.display().to_string()
    };
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

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("x.rec").display().to_string();
    for text in ["", "hello", "flowrun recording 2\n", "flowrun recording 1\n0.5 < \"", "flowrun recording 1\nx"] {
        std::fs::write(&path, text).expect("there is room");
        assert_eq!(flowrun(&["sim", "--from", &path]).status.code(), Some(2), "{text:?}");
    }
}
