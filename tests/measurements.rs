//! Measurements at the command line: their limits from files, and their place in each report.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const FLOW: &str = "flow \"t\"\nsim \"d.flow\"\nserial { echo off }\nsend \"V?\"\nexpect line /(?<volts>[\\d.]+)/\n\
                    measure vbat = decimal(volts) unit \"V\" limits 3.60 .. 4.20\nmeasure soft n = 4 limits 4\n";
const DEVICE: &str = "device \"d\"\nserial { echo off }\nparam volts = \"3.90\"\non line \"V?\" { reply volts }\n";

/// A folder with a flow that measures, a flow that does not, and a file of limits with this text.
fn folder(limits: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let other = "flow \"o\"\nsim \"d.flow\"\nserial { echo off }\nsend \"V?\"\nexpect line \"3.90\"\n";
    for (name, text) in [("m.flow", FLOW), ("o.flow", other), ("d.flow", DEVICE), ("limits.toml", limits)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

/// Runs flowrun in the folder; returns the exit code and what it said.
fn flowrun(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder.path()).env("COLUMNS", "200").env("NO_COLOR", "1").env_remove("CI");
    command.env("HOME", folder.path()).env("USERPROFILE", folder.path()).env("LOCALAPPDATA", folder.path());
    let output = command.env_remove("XDG_DATA_HOME").stdin(Stdio::null()).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[test]
fn limits_from_a_file_take_the_place_of_those_of_the_flow() {
    let folder = folder("vbat = { lower = 3.95 }\n");
    let (code, text) = flowrun(&folder, &["m.flow", "--port", "sim"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("= vbat: 3.90 V, limits 3.60 .. 4.20\n"), "{text}");
    let (code, text) = flowrun(&folder, &["m.flow", "--port", "sim", "--limits", "limits.toml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`vbat` is 3.90 V, 0.05 V below the lower limit of 3.95 V"), "{text}");
    assert!(text.contains("outside of 3.95 .."), "{text}");
}

#[test]
fn a_soft_value_fails_the_flow_at_its_end() {
    let folder = folder("n = 5\n");
    let (code, text) = flowrun(&folder, &["m.flow", "--port", "sim", "--limits", "limits.toml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`n` is 4, 1 below the only value allowed, 5"), "{text}");
}

#[test]
fn names_and_forms_that_are_wrong_are_refused_before_anything_starts() {
    for (limits, wanted) in [
        ("vbatt = 3\n", "did you mean `vbat`?"),
        ("vbat = { low = 3 }\n", "there is no `low` in limits"),
        ("vbat = \n", "line 1 of `limits.toml` is not TOML"),
    ] {
        let folder = folder(limits);
        for command in [&["m.flow", "--port", "sim"][..], &["test", "."], &["stress", "m.flow", "--runs", "1"]] {
            let arguments = [command, &["--limits", "limits.toml"]].concat();
            let (code, text) = flowrun(&folder, &arguments);
            assert_eq!(code, Some(2), "{arguments:?} {text}");
            assert!(text.contains(wanted), "{arguments:?} {text}");
            assert!(!text.contains("passed"), "{arguments:?} {text}");
        }
    }
}

#[test]
fn a_suite_and_a_campaign_hold_measurements_to_the_given_limits() {
    let folder = folder("vbat = { upper = 3.5 }\n");
    let (code, text) = flowrun(&folder, &["test", ".", "--accept"]);
    assert_eq!(code, Some(0), "{text}");
    let arguments = ["test", ".", "--limits", "limits.toml", "--report", "junit=j.xml", "--report", "json=j.json"];
    let (code, text) = flowrun(&folder, &arguments);
    assert_eq!(code, Some(1), "{text}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    let property = r#"<property name="measured vbat" value="3.90 V, limits .. 3.5, 0.40 V above the upper limit"/>"#;
    assert!(read("j.xml").contains(property), "{}", read("j.xml"));
    assert!(read("j.json").contains("\"value\": \"3.90\""), "{}", read("j.json"));
    let (code, text) = flowrun(&folder, &["stress", "m.flow", "--runs", "1", "--limits", "limits.toml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("0.40 V above the upper limit"), "{text}");
}

#[test]
fn a_file_of_limits_is_never_written_over() {
    let folder = folder("n = 4\n");
    let arguments = ["m.flow", "--port", "sim", "--limits", "limits.toml", "--transcript", "limits.toml"];
    let (code, text) = flowrun(&folder, &arguments);
    assert_eq!(code, Some(2), "{text}");
    let kept = fs::read_to_string(folder.path().join("limits.toml")).expect("it is there");
    assert_eq!(kept, "n = 4\n");
}

#[test]
fn a_recording_of_a_measurement_is_played_with_the_same_values() {
    let folder = folder("");
    let (code, text) =
        flowrun(&folder, &["m.flow", "--port", "sim", "--sim-var", "volts=4.125", "--record", "m.recording"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = flowrun(&folder, &["m.flow", "--port", "replay:m.recording"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("= vbat: 4.125 V, limits 3.60 .. 4.20"), "{text}");
}

#[test]
fn a_decimal_number_from_the_command_line_is_checked() {
    let folder = folder("");
    let text = "flow \"t\"\nsim \"d.flow\"\nserial { echo off }\nparam least = 3.3\nsend \"V?\"\n\
                expect line /(?<volts>[\\d.]+)/\nassert decimal(volts) >= least\nlog least\n";
    fs::write(folder.path().join("p.flow"), text).expect("there is room");
    let run = |var: &str| flowrun(&folder, &["p.flow", "--port", "sim", "--var", var]);
    let (code, text) = run("least=3.900");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("# 3.900"), "{text}");
    assert_eq!(run("least=3.901").0, Some(1));
    for (var, wanted) in
        [("least=abc", "needs a decimal number, such as `3.30` or `42`"), ("least=03.3", "leading zeros")]
    {
        let (code, text) = run(var);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
}
