//! A verdict says what it stands for: what was checked, what was skipped, and which clean-up failed; in every report.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use flowrun::event::{Event, EventKind, Verdict};
use flowrun::testing;
use flowrun::time::Moment;
use support::Run;

const DEVICE: &str = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\n\
    on line \"AT\" { reply \"OK\" }\non line \"ATI\" { reply \"v1\"  reply \"OK\" }\non line \"QUIET\" { }\n";

fn run(flow: &str) -> support::Outcome {
    Run::texts(flow, DEVICE).go()
}

/// Returns how much was checked.
fn checks(events: &[Event]) -> u64 {
    let ended = events.last().map(|event| event.kind.clone());
    let Some(EventKind::RunEnded { checks, .. }) = ended else { panic!("the last event is {ended:?}") };
    checks
}

/// Runs flowrun in a folder; returns the exit code and all that is shown.
fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("COLUMNS", "100").env_remove("CI");
    let output = command.output().expect("it can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn folder(flow: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("there is room");
    write("d.flow", DEVICE);
    write("t.flow", flow);
    folder
}

#[test]
fn one_skipped_step_does_not_skip_the_run() {
    let outcome = run("flow \"t\"\nstep \"a\" { send \"AT\"  expect line \"OK\" }\nstep \"b\" { skip \"no card\" }\n");
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
    assert!(outcome.transcript.contains("- skipped: no card\n"), "{}", outcome.transcript);
    assert!(outcome.transcript.contains("-- passed, 1 step skipped, "), "{}", outcome.transcript);
}

#[test]
fn a_flow_of_skipped_steps_is_skipped_whatever_they_checked_before() {
    let outcome = run("flow \"t\"\nstep \"a\" { send \"AT\"  expect line \"OK\"  skip \"not on this board\" }\n");
    assert_eq!((outcome.verdict, checks(&outcome.events)), (Verdict::Skipped, 0), "{}", outcome.transcript);
    let outcome = run("flow \"t\"\nsend \"AT\"  expect line \"OK\"\nskip \"not on this board\"\n");
    assert_eq!(outcome.verdict, Verdict::Skipped, "a skip outside of a step skips the run");
}

#[test]
fn reads_silences_and_assertions_are_checks() {
    for (body, n) in [
        ("send \"AT\"  expect line \"OK\"", 1),
        ("send \"AT\"  read 2 bytes as two  assert len(two) == 2", 2),
        ("send \"ATI\"  read until line \"OK\" as info  log info", 1),
        ("send \"QUIET\"  expect quiet for 100ms  expect none \"x\" for 100ms", 2),
        ("send \"ATI\"  expect all { line \"v1\"  line \"OK\" }", 2),
    ] {
        let outcome = run(&format!("flow \"t\"\n{body}\n"));
        assert_eq!((outcome.verdict, checks(&outcome.events)), (Verdict::Passed, n), "{body}\n{}", outcome.transcript);
    }
}

#[test]
fn a_literal_whose_line_ends_later_is_told_in_its_time() {
    // Shared test code looks at the times of every run; here the end of the line would go back.
    let outcome =
        run("flow \"t\"\nsend \"AT\"\nexpect \"OK\"\nsleep 300ms\nlog \"after\"\nsend \"AT\"\nexpect \"OK\"\n");
    assert_eq!(outcome.verdict, Verdict::Passed);
}

/// A flow that passes and whose clean-up fails.
const UNCLEAN: &str = "flow \"t\"\nsim \"d.flow\"\nsend \"AT\"\nexpect line \"OK\"\n\
    finally { send \"QUIET\"  expect line \"BYE\" within 1s }\nsend \"AT\"\nexpect line \"OK\"\n";
const WHY: &str = "line \"BYE\" did not come within 1s";

#[test]
fn a_failed_clean_up_is_in_the_verdict_line_and_in_every_file_of_a_run() {
    let folder = folder(UNCLEAN);
    let files = ["--transcript", "t.txt", "--events", "t.jsonl"];
    let (code, shown) = flowrun(folder.path(), &[&["t.flow", "--port", "sim", "--quiet"][..], &files].concat());
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("passed  t  0 steps, 2 checks, 1 clean-up failed, "), "{shown}");
    assert!(shown.contains(&format!("clean-up failed: {WHY} (t.flow:5:")), "{shown}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is written");
    let transcript = read("t.txt");
    assert!(transcript.contains("! clean-up failed\n") && transcript.contains(WHY), "{transcript}");
    assert!(transcript.contains("-- passed, 1 clean-up failed, "), "{transcript}");
    assert!(read("t.jsonl").contains("\"event\":\"cleanup-failed\""));
}

#[test]
fn ctrl_c_in_a_clean_up_ends_the_run_and_hides_no_failure() {
    // Each is interrupted while it cleans up after the failure of its first second.
    let fails = "finally { send \"QUIET\"  expect line \"BYE\" within 9s } send \"QUIET\" expect line \"NO\" within 1s";
    for (body, verdict) in [
        (format!("step \"s\" {{ {fails} }}"), Verdict::Failed),
        (format!("step \"s\" retry 3 {{ {fails} }}"), Verdict::Failed),
        (format!("step \"s\" {{ step \"t\" retry 3 {{ {fails} }} }}"), Verdict::Failed),
        (format!("try {{ {fails} }} send \"AT\" expect line \"OK\""), Verdict::Interrupted),
        (format!("step \"s\" {{ try {{ {fails} }} else {{ log \"no\" }} }}"), Verdict::Interrupted),
    ] {
        let run = Run::texts(&format!("flow \"t\"\n{body}\n"), DEVICE).interrupt_at(Moment::from_millis(2000));
        let outcome = run.go();
        assert_eq!(outcome.verdict, verdict, "{body}\n{}", outcome.transcript);
        assert!(outcome.took < Moment::from_millis(2500), "{body}: it went on\n{}", outcome.transcript);
    }
}

#[test]
fn strict_makes_a_failed_clean_up_a_failure() {
    let folder = folder(UNCLEAN);
    let (code, shown) = flowrun(folder.path(), &["t.flow", "--port", "sim", "--strict"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("a clean-up failed: ") && shown.contains("\nfailed  t  "), "{shown}");
    let (code, shown) = flowrun(folder.path(), &["test", "t.flow"]);
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = flowrun(folder.path(), &["test", "t.flow", "--strict"]);
    assert_eq!(code, Some(1), "{shown}");
    let run = testing::Run::new(folder.path().join("t.flow"));
    assert!(run.go().expect("it can be run").has_passed());
    let strict = run.strict().go().expect("it can be run");
    assert!(!strict.has_passed() && strict.failure().contains(WHY), "{strict}");
}

#[test]
fn a_failed_clean_up_and_the_reason_of_a_skip_are_in_every_report_of_a_suite() {
    let skipping = "step \"card\" { skip \"no <card>\" }\n";
    let folder = folder(&format!("{UNCLEAN}{skipping}"));
    fs::write(
        folder.path().join("s.flow"),
        "flow \"s\"\nsim \"d.flow\"\nsend \"AT\"  expect line \"OK\"\nskip \"no board\"\n",
    )
    .expect("there is room");
    let reports = ["--report", "junit=j.xml", "--report", "json=j.json", "--report", "tap=t.tap"];
    let (code, shown) = flowrun(folder.path(), &[&["test", "--accept"][..], &reports].concat());
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("1 step skipped, 1 clean-up failed"), "{shown}");
    assert!(shown.contains("no board"), "{shown}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is written");
    let junit = read("j.xml");
    for part in ["<skipped message=\"no &lt;card&gt;\"/>", "<skipped message=\"no board\"/>", "clean-up failed", "BYE"]
    {
        assert!(junit.contains(part), "{part}\n{junit}");
    }
    let json: serde_json::Value = serde_json::from_str(&read("j.json")).expect("it is JSON");
    let flow = |name: &str| {
        let flows = json["flows"].as_array().expect("a list").iter();
        flows
            .clone()
            .find(|flow| flow["file"].as_str().is_some_and(|file| file.ends_with(name)))
            .expect("it is there")
            .clone()
    };
    assert_eq!(flow("t.flow")["cleanups_failed"][0]["message"], WHY);
    assert_eq!(flow("t.flow")["steps"][0]["attempts"][0]["why_skipped"], "no <card>");
    assert_eq!((&flow("t.flow")["status"], &flow("t.flow")["checks"]), (&"passed".into(), &2.into()));
    assert_eq!(flow("s.flow")["why_skipped"], "no board");
    let tap = read("t.tap");
    assert!(tap.contains("# SKIP no board") && tap.contains("skipped: 'card: no <card>'"), "{tap}");
    assert!(tap.contains(&format!("cleanup_failed: '{WHY} (")), "{tap}");
}

#[test]
fn quiet_shows_no_warnings() {
    let folder =
        folder("flow \"t\"\nsim \"d.flow\"\nsend \"ATI\"\nexpect line /v(?<version>\\d)/\nexpect line \"OK\"\n");
    let (_, shown) = flowrun(folder.path(), &["t.flow", "--port", "sim"]);
    assert!(shown.contains("1 warning: `flowrun check t.flow` shows it\n"), "{shown}");
    let (_, shown) = flowrun(folder.path(), &["t.flow", "--port", "sim", "--quiet"]);
    assert!(!shown.contains("warning") && shown.contains("passed  t  "), "{shown}");
}
