//! flowrun on servers that build and test: the jobs of `docs/ci.md`, what a server is told, and what no device can tell it.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::{copy, repo};

fn flowrun(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    for name in ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "GITLAB_CI", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).env("COLUMNS", "100").envs(environment.iter().copied());
    command.stdin(Stdio::null()).output().expect("it can be started")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Returns the commands of flowrun in the first block below a heading of the document.
fn commands(document: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("there is the section");
    let block = section.split("```").nth(1).expect("there is a block");
    let words = |line: &str| {
        let (_, command) = line.split_once("flowrun test ")?;
        let command = command.trim_end_matches('\'');
        Some(std::iter::once("test").chain(command.split_whitespace()).map(str::to_string).collect())
    };
    block.lines().filter_map(words).collect()
}

#[test]
fn the_jobs_of_the_document_pass_and_leave_what_they_hand_over() {
    let document = fs::read_to_string(repo("docs/ci.md")).expect("it is UTF-8");
    for (heading, environment) in [
        ("GitHub", &[("CI", "true"), ("GITHUB_ACTIONS", "true")][..]),
        ("GitLab", &[("CI", "true"), ("GITLAB_CI", "true")]),
        ("Jenkins", &[("CI", "true")]),
    ] {
        let commands = commands(&document, heading);
        assert_eq!(commands.len(), 1, "{heading} has {commands:?}");
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        copy(&repo("flows"), &folder.path().join("flows"));
        let accepted = flowrun(folder.path(), &["test", "flows", "--accept"], &[]);
        assert_eq!(accepted.status.code(), Some(0), "{}", said(&accepted));
        for command in &commands {
            let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
            let output = flowrun(folder.path(), &arguments, environment);
            assert_eq!(output.status.code(), Some(0), "{heading}: {}", said(&output));
        }
        for file in ["flowrun.xml", "flowrun.html"] {
            let is_there = folder.path().join(file).metadata().is_ok_and(|meta| meta.len() > 0);
            assert!(is_there && document.contains(file), "{heading} hands over {file}");
        }
    }
}

/// Writes a flow that fails in its line 4, by a device that sends what GitHub takes for commands, and one that passes.
fn write_nasty(folder: &Path) {
    fs::create_dir_all(folder).expect("it can be made");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("it can be written");
    let lines = [
        "::error file=x::owned",
        "  ::add-mask::a",
        "a ##[error]owned",
        "::stop-commands::x",
        "[[ATTACHMENT|/etc/passwd]]",
    ];
    let replies: String = lines.iter().map(|line| format!("  reply \"{line}\"\n")).collect();
    write("nasty.device", &format!("device \"Nasty\"\non line \"AT\" {{\n{replies}}}\n"));
    write("nasty.flow", "flow \"Nasty\"\nsim \"nasty.device\"\nsend \"AT\"\nexpect line \"OK\" within 1s\n");
    write("good.device", "device \"Good\"\non line \"AT\" { reply \"OK\" }\n");
    write("good.flow", "flow \"Good\"\nsim \"good.device\"\nsend \"AT\"\nexpect line \"OK\" within 1s\n");
}

/// Returns the lines that GitHub would take for commands, as its runner looks for them.
fn commands_in(text: &str) -> Vec<&str> {
    let lines = text.split(['\n', '\r']);
    lines.filter(|line| line.trim_start().starts_with("::") || line.contains("##[")).collect()
}

#[test]
fn github_is_told_of_the_failure_at_its_line_and_of_nothing_by_the_device() {
    let root = tempfile::tempdir().expect("a folder can be made for tests");
    // What the system says of the current folder has no links in it.
    let root = root.path().canonicalize().expect("it is there");
    let folder = root.join("bench");
    write_nasty(&folder);
    let accepted = flowrun(&folder, &["test", "good.flow", "--accept"], &[]);
    assert_eq!(accepted.status.code(), Some(0), "{}", said(&accepted));
    let summary = root.join("summary.md");
    fs::write(&summary, "before\n").expect("it can be written");
    let (summary_text, root_text) = (summary.display().to_string(), root.display().to_string());
    let environment = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary_text.as_str()),
        ("GITHUB_WORKSPACE", root_text.as_str()),
    ];
    let output = flowrun(&folder, &["test", "."], &environment);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    let told = commands_in(&text);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].starts_with("::group::flowrun test: 2 flows") && told[1] == "::endgroup::", "{told:#?}");
    assert!(
        told[2].starts_with("::error file=bench/nasty.flow,line=4,title=failed%3A Nasty::line \"OK\""),
        "{told:#?}"
    );
    assert!(!told[2].contains("##["), "{told:#?}");
    assert!(text.contains("\\x3a:") && text.contains("##\\x5berror]owned"), "{text}");
    let summary = fs::read_to_string(summary).expect("it is there");
    assert!(summary.starts_with("before\n### flowrun: 2 flows: 1 passed, 1 failed\n"), "{summary}");
    assert!(summary.contains("| nasty.flow | failed |"), "{summary}");
    // A run by itself shows what came, and nothing of it is a command either.
    let run = flowrun(&folder, &["nasty.flow", "--port", "sim"], &environment);
    let text = said(&run);
    let told = commands_in(&text);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("::error file=bench/nasty.flow,line=4,title=failed::line \"OK\""), "{told:#?}");
    // What is wrong with a text is marked in it, by each command.
    fs::write(folder.join("wrong.flow"), "flow \"Wrong\"\nsim \"dev.flow\"\nexpct \"OK\"\n").expect("there is room");
    for (arguments, title) in [
        (["check", "wrong.flow"].as_slice(), "title=flow%3A%3A"),
        (&["wrong.flow", "--port", "sim"], "title=flow%3A%3A"),
        (&["test", "wrong.flow"], "title=wrong%3A "),
    ] {
        let output = flowrun(&folder, arguments, &environment);
        let text = said(&output);
        let marks: Vec<&str> = commands_in(&text).into_iter().filter(|line| line.starts_with("::error")).collect();
        assert_eq!((output.status.code() == Some(0), marks.len()), (false, 1), "{text}");
        assert!(marks[0].starts_with("::error file=bench/wrong.flow,line=3,") && marks[0].contains(title), "{marks:?}");
    }
    let person = said(&flowrun(&folder, &["nasty.flow", "--port", "sim"], &[]));
    assert!(person.contains("::error file=x::owned"), "people see the bytes: {person}");
}

#[test]
fn gitlab_folds_the_flows_and_people_are_told_without_marks() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write_nasty(folder.path());
    let text = said(&flowrun(folder.path(), &["test", "."], &[("CI", "true"), ("GITLAB_CI", "true")]));
    let begin = text.find("\u{1b}[0Ksection_start:").expect("a section begins");
    let end = text.find("\u{1b}[0Ksection_end:").expect("and ends");
    let names: Vec<&str> =
        text.split("\u{1b}[0Ksection_").skip(1).filter_map(|mark| mark.split([':', '[', '\r']).nth(2)).collect();
    assert!(begin < end && names.len() == 2 && names[0] == names[1], "{names:?}");
    let last = text.rfind("did not come within").expect("the failure is told");
    assert!(last > end, "where nobody has to unfold anything");
    let person = said(&flowrun(folder.path(), &["test", ".", "--check"], &[("GITHUB_ACTIONS", "true")]));
    assert!(!person.contains("::group::") && !person.contains("section_"), "{person}");
}

#[test]
fn the_end_of_a_suite_repeats_its_failures_and_says_which_time_is_virtual() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write_nasty(folder.path());
    let text = said(&flowrun(folder.path(), &["test", ".", "--accept"], &[]));
    let last = text.lines().rev().find(|line| line.starts_with("2 flows: ")).expect("it is summed up");
    assert!(last.contains(" s for 1.") && last.ends_with(" s of virtual time"), "{last}");
    let (_, end) = text.rsplit_once("failed    nasty.flow: ").expect("it is repeated");
    assert!(end.starts_with("line \"OK\" did not come within 1s"), "{end}");
}

/// What an element of JUnit has: its attributes that must be, those that may be, and the elements in it. So it stands in the
/// schema that Jenkins's xUnit plugin has, `junit-10.xsd`, with four attributes more, which the document names: `file` and
/// `line` of a test case, `time` of an attempt, and `skipped` of the whole.
type Element = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const ELEMENTS: &[Element] = &[
    ("testsuites", &[], &["name", "time", "tests", "failures", "errors", "skipped"], &["testsuite"]),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["time", "skipped", "timestamp", "hostname"],
        &["properties", "testcase", "system-out"],
    ),
    ("properties", &[], &[], &["property"]),
    ("property", &["name", "value"], &[], &[]),
    (
        "testcase",
        &["name"],
        &["time", "classname", "file", "line"],
        &["skipped", "error", "failure", "rerunFailure", "flakyFailure", "system-out"],
    ),
    ("failure", &[], &["type", "message"], &[]),
    ("error", &[], &["type", "message"], &[]),
    ("skipped", &[], &["type", "message"], &[]),
    ("rerunFailure", &["type"], &["message", "time"], &[]),
    ("flakyFailure", &["type"], &["message", "time"], &[]),
    ("system-out", &[], &[], &[]),
];

/// Compares a document with the table above; returns how many elements of each name it has.
fn check_junit(text: &str) -> BTreeMap<&str, usize> {
    let (_, body) = text.split_once("?>").expect("it begins as XML does");
    let mut open: Vec<&str> = Vec::new();
    let (mut counts, mut cases) = (BTreeMap::new(), BTreeSet::new());
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends, and no text has a bare `<`");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("there is a first piece");
        let (_, must, may, _) = ELEMENTS.iter().find(|element| element.0 == name).unwrap_or_else(|| panic!("<{name}>"));
        let within = open.last().and_then(|outer| ELEMENTS.iter().find(|element| element.0 == *outer));
        assert!(within.is_none_or(|outer| outer.3.contains(&name)), "<{name}> in {open:?}");
        let pieces: Vec<&str> = tag.split('"').collect();
        let names: Vec<&str> = pieces.iter().step_by(2).filter_map(|piece| piece.strip_suffix('=')).collect();
        let names: Vec<&str> = names.iter().filter_map(|name| name.rsplit(' ').next()).collect();
        assert!(must.iter().all(|name| names.contains(name)), "<{tag}> has {names:?}");
        assert!(names.iter().all(|name| must.contains(name) || may.contains(name)), "<{tag}> has {names:?}");
        let value = |wanted: &str| names.iter().position(|name| *name == wanted).map(|at| pieces[2 * at + 1]);
        if let Some(time) = value("time") {
            let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            assert!(time.split('.').count() <= 2 && time.split('.').all(is_digits), "<{tag}>");
        }
        // Of two cases with one name in one class GitLab keeps one.
        assert!(name != "testcase" || cases.insert((value("classname"), value("name"))), "<{tag}> is there twice");
        if !tag.ends_with('/') {
            open.push(name);
        }
        *counts.entry(name).or_insert(0) += 1;
    }
    assert!(open.is_empty(), "{open:?}");
    counts
}

#[test]
fn junit_has_the_elements_and_attributes_of_the_schema_and_the_exchange_of_what_failed() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write_nasty(folder.path());
    let output =
        flowrun(folder.path(), &["test", ".", "--accept", "--report", "junit=j.xml", "--report", "ctrf=c.json"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = fs::read_to_string(folder.path().join("j.xml")).expect("it was written");
    let counts = check_junit(&text);
    assert_eq!(
        (counts["testsuite"], counts["testcase"], counts["failure"], counts["system-out"]),
        (2, 2, 1, 1),
        "{text}"
    );
    let (_, exchange) = text.split_once("<system-out>").expect("it is there");
    assert!(exchange.contains("::error file=x::owned"), "a file has the bytes: {exchange}");
    assert!(!text.split_once("<system-out>").is_some_and(|(_, out)| out.contains("[[ATTACHMENT")), "{exchange}");
    assert!(
        text.contains("line=\"4\"") && text.contains(" timestamp=\"") && text.contains("name=\"flowrun\""),
        "{text}"
    );
    let ctrf = fs::read_to_string(folder.path().join("c.json")).expect("it was written");
    assert!(ctrf.contains("\"reportFormat\": \"CTRF\"") && ctrf.contains("\"line\": 4"), "{ctrf}");
}
