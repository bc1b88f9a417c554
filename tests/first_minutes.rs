//! The first minutes of somebody who has the program and nothing else: demo, examples, init, std, explain and help.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOWRUN_")) {
        command.env_remove(name);
    }
    command.env("FLOWRUN_ARTIFACTS", "never");
    command.args(arguments).current_dir(folder).env("COLUMNS", "100").env_remove("CI").env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::null()).output().expect("it can be started")
}

/// Returns what a command says on standard output, if it ends well.
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = flowrun(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{errors}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// Returns what a command that is refused says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = flowrun(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).expect("it is UTF-8")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder can be made for tests")
}

#[test]
fn the_demo_runs_without_a_file_and_leaves_none() {
    let folder = folder();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).expect("it can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.arg("demo").current_dir(folder.path()).env("TMPDIR", &temporary).env("TMP", &temporary);
    let output = command.stdin(Stdio::null()).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("passed  Aliyun: dynamic registration over an Air module"), "{text}");
    assert_eq!(fs::read_dir(&temporary).expect("it is there").count(), 0, "nothing stays");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing but the folder of this test");
}

#[test]
fn init_writes_a_project_that_passes_at_once_and_that_fmt_and_check_like() {
    let folder = folder();
    let text = said(folder.path(), &["init", "bench"]);
    assert_eq!(text.lines().count(), 5, "{text}");
    let passed = said(folder.path(), &["test", "bench"]);
    assert!(passed.contains("1 flow: 1 passed"), "{passed}");
    said(folder.path(), &["check", "bench"]);
    said(folder.path(), &["fmt", "--check", "bench"]);
    let job = fs::read_to_string(folder.path().join("bench/.github/workflows/flowrun.yml")).expect("it is there");
    let line = job.lines().find_map(|line| line.trim().strip_prefix("- run: flowrun ")).expect("it runs flowrun");
    said(&folder.path().join("bench"), &line.split(' ').collect::<Vec<_>>());
}

#[test]
fn init_touches_nothing_that_is_there() {
    let folder = folder();
    fs::write(folder.path().join("flowrun.toml"), "mine").expect("it can be written");
    let text = refused(folder.path(), &["init"]);
    assert!(text.contains("flowrun.toml` is already there") && text.contains("nothing was written"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    assert_eq!(fs::read_to_string(folder.path().join("flowrun.toml")).expect("it is there"), "mine");
}

#[test]
fn every_example_that_is_written_passes_against_its_device() {
    let folder = folder();
    let listed = said(folder.path(), &["examples"]);
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() >= 10, "{listed}");
    for name in names {
        let into = folder.path().join(name);
        said(folder.path(), &["examples", name, "--write", name]);
        said(&into, &["check", &format!("{name}.flow")]);
    }
    said(&folder.path().join("voltmeter"), &["voltmeter.flow", "--port", "sim"]);
    assert!(said(folder.path(), &["examples", "voltmeter"]).contains("flow \"Measure a board with a voltmeter\""));
    assert!(refused(folder.path(), &["examples", "voltmetre"]).contains("did you mean `voltmeter`?"));
}

#[test]
fn libraries_codes_and_the_language_are_in_the_program() {
    let folder = folder();
    assert!(said(folder.path(), &["std"]).lines().all(|line| line.starts_with("std/") && line.len() > 16));
    assert!(said(folder.path(), &["std", "at"]).contains("library"));
    assert_eq!(said(folder.path(), &["std", "std/at"]), said(folder.path(), &["std", "at"]));
    let timeout = said(folder.path(), &["explain", "flow::run::timeout"]);
    assert!(timeout.starts_with("flow::run::timeout\n") && timeout.contains("What to do: "), "{timeout}");
    assert_eq!(said(folder.path(), &["explain", "timeout"]), timeout);
    assert!(refused(folder.path(), &["explain", "timeuot"]).contains("there is no code `timeuot`"));
    assert!(said(folder.path(), &["help", "language"]).lines().any(|line| line == "Statements"));
    assert!(said(folder.path(), &["help", "language", "expect"]).contains("`expect PATTERN [within D]`"));
    assert!(said(folder.path(), &["help", "language", "time"]).starts_with("## Time\n"));
    assert!(refused(folder.path(), &["help", "language", "expct"]).contains("did you mean `expect`?"));
    assert!(said(folder.path(), &["help", "check"]).contains("Usage: flowrun check"));
}
