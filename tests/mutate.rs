//! `flowrun mutate`: what it shows, how it ends, and how many changes of their devices the built-in flows notice.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use flowrun::mutate::Kind;
use insta::assert_snapshot;
use support::repo;

const DEVICE: &str = r#"device "A modem"
serial { eol "\r\n" }
on line "AT+CSQ"   { reply "+CSQ: 25,0"  reply "OK" }
on line "AT+CPIN?" { reply "+CPIN: READY"  reply "OK" }
on line "AT+CGMI"  { reply "ACME" }
on line /.*/       { reply "ERROR" }
"#;

/// Looks only at the end of each answer.
const BLIND: &str = r#"flow "Signal"
sim "modem.flow"
send "AT+CPIN?"
expect line "+CPIN: READY"
expect line "OK"
send "AT+CSQ"
expect line "OK"
"#;

/// Looks at the values too.
const CHECKING: &str = r#"flow "Signal"
sim "modem.flow"
send "AT+CPIN?"
expect line "+CPIN: READY"
expect line "OK"
send "AT+CSQ"
expect line "+CSQ: 25,0"
expect line "OK"
"#;

/// Runs a command of flowrun in a folder; returns its exit code and everything that it said.
fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.current_dir(folder).args(arguments).env("COLUMNS", "100").env_remove("CI").env_remove("CLICOLOR_FORCE");
    let output = command.output().expect("it can be started");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

fn folder(flow: &str, device: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("modem.flow"), device).expect("it can be written");
    fs::write(folder.path().join("signal.flow"), flow).expect("it can be written");
    folder
}

#[test]
fn what_was_not_noticed_is_shown_where_it_stands_and_the_check_that_notices_ends_it() {
    let folder = folder(BLIND, DEVICE);
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow"]);
    assert_snapshot!(said);
    assert_eq!(code, Some(1));
    let (code, _) = flowrun(folder.path(), &["mutate", "signal.flow", "--allow", "8"]);
    assert_eq!(code, Some(0), "as many are allowed");
    assert_eq!(flowrun(folder.path(), &["mutate", "signal.flow", "--allow", "7"]).0, Some(1));
    fs::write(folder.path().join("signal.flow"), CHECKING).expect("it can be written");
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow"]);
    assert_snapshot!(said);
    assert_eq!(code, Some(0));
}

#[test]
fn the_report_has_every_change_and_is_not_written_over_the_flow() {
    let folder =
        folder(BLIND, &DEVICE.replace("\"+CSQ: 25,0\"  ", "\"+CSQ: 25,0\"  # mutant ok digit: any will do\n  "));
    let (code, _) = flowrun(folder.path(), &["mutate", "signal.flow", "--report", "json=m.json", "--jobs", "2"]);
    assert_eq!(code, Some(1));
    let written = fs::read_to_string(folder.path().join("m.json")).expect("it was written");
    for text in [
        "\"format\": \"flowrun mutate\"",
        "\"fate\": \"explained\"",
        "\"why\": \"any will do\"",
        "\"fate\": \"not noticed\"",
        "\"place\": \"modem.flow:3:",
    ] {
        assert!(written.contains(text), "{text}: {written}");
    }
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow", "--report", "json=signal.flow"]);
    assert!(code == Some(2) && said.contains("the flow itself"), "{said}");
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow", "--report", "junit=m.xml"]);
    assert!(code == Some(2) && said.contains("json=FILE"), "{said}");
}

#[test]
fn what_cannot_be_changed_is_refused_with_a_reason() {
    let folder = folder(BLIND, DEVICE);
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow", "--port", "tcp://127.0.0.1:1"]);
    assert!(code == Some(2) && said.contains("the answers of a real port cannot be changed"), "{said}");
    fs::write(folder.path().join("bad.flow"), BLIND.replace("READY", "PIN")).expect("it can be written");
    let (code, said) = flowrun(folder.path(), &["mutate", "bad.flow"]);
    assert!(code == Some(1) && said.contains("does not pass against its unchanged device"), "{said}");
    fs::write(folder.path().join("alone.flow"), BLIND.replace("sim \"modem.flow\"\n", "")).expect("it can be written");
    assert_eq!(flowrun(folder.path(), &["mutate", "alone.flow"]).0, Some(2));
    assert_eq!(flowrun(folder.path(), &["mutate", "alone.flow", "--port", "sim:modem.flow"]).0, Some(1));
}

#[test]
fn no_secret_of_flow_or_device_is_shown() {
    let device =
        "device \"d\"\nsecret key = \"hunter22hunter\"\non line \"K\" { reply \"KEY=${key}\"  reply \"OK\" }\n";
    let folder = folder("flow \"t\"\nsim \"modem.flow\"\nsend \"K\"\nexpect line \"OK\"\n", device);
    let (code, said) = flowrun(folder.path(), &["mutate", "signal.flow", "--report", "json=m.json"]);
    let written = fs::read_to_string(folder.path().join("m.json")).expect("it was written");
    assert_eq!(code, Some(1));
    assert!(said.contains("KEY=") && !said.contains("unter"), "{said}");
    assert!(written.contains("KEY=") && !written.contains("unter"), "{written}");
}

#[test]
fn the_document_lists_every_kind_of_change() {
    let document = fs::read_to_string(repo("docs/robustness.md")).expect("it is UTF-8");
    let section = document.split("## `flowrun mutate FLOW`").nth(1).expect("it has a section");
    let table = section.lines().skip_while(|line| !line.starts_with("| change |")).skip(2);
    let listed: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    let rows: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("| `{}` | {} |", kind.name(), kind.content())).collect();
    assert_eq!(listed, rows);
}

/// So many changes of a flow with many are tried here; all of them with `FLOWRUN_MUTANTS=all`, as `.ci/full` does.
const SAMPLE: usize = 40;

#[test]
fn the_document_has_the_figures_of_the_built_in_flows_and_none_of_them_misses_a_change() {
    let document = fs::read_to_string(repo("docs/robustness.md")).expect("it is UTF-8");
    let is_all = std::env::var("FLOWRUN_MUTANTS").is_ok_and(|all| all == "all");
    let table = document.lines().skip_while(|line| !line.starts_with("| flow | answers reached |")).skip(2);
    let rows: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    let listed: Vec<String> = rows.iter().filter_map(|row| row.split('`').nth(1)).map(str::to_string).collect();
    assert_eq!(listed, support::flows_in("flows"));
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, row) in listed.iter().zip(&rows) {
        let n_changes: usize =
            row.split(" | ").nth(2).and_then(|cell| cell.parse().ok()).unwrap_or_else(|| panic!("{row}"));
        let report = folder.path().join(format!("{name}.json"));
        let (path, most) = (format!("flows/{name}.flow"), SAMPLE.to_string());
        let report_option = format!("json={}", report.display());
        let mut arguments = vec!["mutate", &path, "--report", &report_option];
        let is_sample = !is_all && n_changes > 2 * SAMPLE;
        if is_sample {
            arguments.extend(["--mutants", &most]);
        }
        let (code, said) = flowrun(&repo(""), &arguments);
        assert_eq!(code, Some(0), "{name}: {said}");
        let text = fs::read_to_string(&report).expect("it was written");
        let number = |key: &str| {
            let behind = text.split(&format!("\"{key}\": ")).nth(1).unwrap_or_else(|| panic!("{key}: {text}"));
            behind.chars().take_while(char::is_ascii_digit).collect::<String>()
        };
        let known = format!("| `{name}` | {} of {} | {} |", number("reached"), number("answers"), number("changes"));
        assert!(row.starts_with(&known), "{row}\n{known}");
        if !is_sample {
            let fates = ["noticed", "recorded", "borne", "no effect", "explained", "not noticed"];
            let count = |fate: &&str| text.matches(&format!("\"fate\": \"{fate}\"")).count().to_string();
            let counts: Vec<String> = fates.iter().map(count).collect();
            assert_eq!(*row, format!("{known} {} |", counts.join(" | ")));
        }
    }
}
