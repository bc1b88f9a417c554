//! Every file that a run leaves says when, where, by whom, of which texts and with which values it was made; and no secret.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const DEVICE: &str = "device \"d\"\nparam model = \"X1\"\non line \"ATI\" { reply \"${model}\"  reply \"OK\" }\n";
const LIBRARY: &str = "library \"l\"\nignore line \"x\"\n";
const FLOW: &str = "flow \"t\"\nuse \"lib.flow\"\nsim \"dev.flow\"\nparam apn = \"internet\"\nparam word = \"w\"\n\
                    secret key = \"k\"\nsecret made = \"${word}!\"\nsend \"ATI\"\n\
                    expect line /^(?<model>X\\d)$/\nlog \"${apn} ${key} ${made}\"\nsave model\n";

/// What nobody may read anywhere.
const SECRETS: [&str; 2] = ["hunter22", "open-sesame"];

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    for (name, text) in [("a.flow", FLOW), ("lib.flow", LIBRARY), ("dev.flow", DEVICE)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

fn flowrun(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env_remove("CI");
    let given = ["LOGNAME", "USER", "USERNAME"];
    let output = given.iter().fold(&mut command, |command, name| command.env(name, "anna")).output();
    let output = output.expect("it can be started");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

/// Reads a file in which no secret stands.
fn read(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for secret in SECRETS {
        assert!(!text.contains(secret), "{name} has `{secret}`:\n{text}");
    }
    text
}

/// Says whether a text has a moment of today's century as RFC 3339 writes it, in UTC.
fn has_date(text: &str) -> bool {
    let is_one = |at: usize| {
        let shape = "20dd-dd-ddTdd:dd:dd.dddZ";
        text.as_bytes().get(at..at + shape.len()).is_some_and(|found| {
            found.iter().zip(shape.bytes()).all(|(c, s)| if s == b'd' { c.is_ascii_digit() } else { *c == s })
        })
    };
    (0..text.len()).any(is_one)
}

/// The SHA-256 of the library and of the device, as `sha256sum` says; that of the flow is of its text with the secrets covered.
fn digests() -> Vec<String> {
    [LIBRARY, DEVICE].iter().map(|text| sha256(text)).collect()
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

const GIVEN: [&str; 8] =
    ["--var", "apn=cmnet", "--var", "key=hunter22", "--var", "word=open-sesame", "--sim-var", "model=X7"];

#[test]
fn every_file_of_a_run_says_what_makes_it_traceable() {
    let folder = folder();
    let path = folder.path();
    let files = ["--transcript", "t.txt", "--events", "e.jsonl", "--record", "r.rec", "--save", "s.toml"];
    flowrun(path, &[&["a.flow", "--port", "sim", "--seed", "42"], &GIVEN[..], &files].concat());
    // A recording of a flow that makes no secret of a variable has its value, for a replay needs it.
    let recording = fs::read_to_string(path.join("r.rec")).expect("it is there");
    for (name, text) in [
        ("t.txt", read(path, "t.txt")),
        ("e.jsonl", read(path, "e.jsonl")),
        ("s.toml", read(path, "s.toml")),
        ("r.rec", recording),
    ] {
        let head: String = text.lines().take(25).collect::<Vec<_>>().join("\n");
        assert!(has_date(&head), "{name} has no date:\n{head}");
        for wanted in
            ["host", "anna", env!("CARGO_PKG_VERSION"), "a.flow", "lib.flow", "dev.flow", "sim", "42", "cmnet"]
        {
            assert!(head.contains(wanted), "{name} has no {wanted}:\n{head}");
        }
        for digest in digests() {
            assert!(head.contains(&digest), "{name} has no {digest}:\n{head}");
        }
        assert!(!head.contains("hunter22"), "{name}:\n{head}");
    }
    let transcript = read(path, "t.txt");
    assert!(transcript.contains("\nvariable: apn = cmnet\n"), "{transcript}");
    assert!(transcript.contains("\nvariable: word = not shown: a secret may be made of it\n"), "{transcript}");
    assert!(transcript.contains("\nvariable: device model = X7\n"), "{transcript}");
    let table: toml::Table = read(path, "s.toml").parse().expect("it is TOML");
    assert_eq!(table["model"].as_str(), Some("X7"));
    // A reader of events takes no notice.
    assert!(flowrun::report::jsonl::read(&read(path, "e.jsonl")).is_ok());
    flowrun(path, &["a.flow", "--port", "replay:r.rec", "--var", "key=hunter22"]);
}

#[test]
fn every_report_of_a_suite_and_of_a_campaign_says_it() {
    let folder = folder();
    let path = folder.path();
    let reports =
        ["--report", "junit=u.xml", "--report", "json=u.json", "--report", "tap=u.tap", "--events", "u.jsonl"];
    flowrun(path, &[&["test", "a.flow", "--accept"], &GIVEN[..6], &reports].concat());
    let reports = ["--report", "junit=s.xml", "--report", "json=s.json"];
    flowrun(path, &[&["stress", "a.flow", "--runs", "3", "--faults", "split"], &GIVEN[..], &reports].concat());
    for name in ["u.xml", "u.json", "u.tap", "u.jsonl", "s.xml", "s.json"] {
        let text = read(path, name);
        assert!(has_date(&text), "{name} has no date:\n{text}");
        for wanted in ["host", "anna", env!("CARGO_PKG_VERSION"), "lib.flow", "dev.flow", "cmnet"] {
            assert!(text.contains(wanted), "{name} has no {wanted}:\n{text}");
        }
        for digest in digests() {
            assert!(text.contains(&digest), "{name} has no {digest}:\n{text}");
        }
    }
}

#[test]
fn each_row_says_where_and_by_whom_it_was_run() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("rows.csv"), "apn,host\na,mine\nb,mine\n").expect("there is room");
    fs::write(path.join("a.flow"), FLOW.replace("secret made", "param host\nsecret made")).expect("there is room");
    let rows = ["--rows", "rows.csv", "--rows-out", "out.csv"];
    flowrun(path, &[&["a.flow", "--port", "sim", "--seed", "42"], &GIVEN[2..], &rows].concat());
    let text = read(path, "out.csv");
    let head =
        "row,port,verdict,step,reason,apn,row.host,model,started,seconds,host,user,flowrun,seed,flow_digest,row_digest";
    assert_eq!(text.lines().next(), Some(head));
    for line in text.lines().skip(1) {
        assert!(has_date(line), "{line}");
        assert!(line.contains(&format!(",anna,{},42,", env!("CARGO_PKG_VERSION"))), "{line}");
    }
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn snapshots_hide_it() {
    let folder = folder();
    let path = folder.path();
    flowrun(path, &[&["test", "a.flow", "--accept"], &GIVEN[..6]].concat());
    let snapshot = read(path, "snapshots/a.snap");
    assert!(!has_date(&snapshot) && !snapshot.contains("anna") && !snapshot.contains("host"), "{snapshot}");
    flowrun(path, &[&["test", "a.flow", "--check"], &GIVEN[..6]].concat());
}
