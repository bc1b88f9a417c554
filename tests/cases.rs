//! What users see of a flow that is wrong, or fails: each file in `tests/cases/STAGE` is a case.
//!
//! `syntax` cases cannot be read, `check` cases can be read but not run, `run` cases run against the device that
//! they name and fail. To add a case, add a file and accept its snapshot. A run case may begin with a comment
//! `# case: nothing can be saved` or `# case: interrupted after 2s`.

mod support;

use std::collections::HashSet;

use flowrun::check::Checked;
use flowrun::diagnostic::render::{Look, Style};
use flowrun::diagnostic::{Code, Severity};
use flowrun::time::Moment;
use support::{Run, assert_cases, check_in, flows_in, program, repo, shown};

/// The codes that no case can have.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::VariableMissing, "variables come from the command line"),
    (Code::VariableUnknown, "variables come from the command line"),
    (Code::VariableValue, "variables come from the command line"),
    (Code::BenchFile, "it is of no flow, see tests/names.rs"),
    (Code::CommandLine, "there is none"),
    (Code::MutateUnnoticed, "its device is changed, see tests/mutate.rs"),
    (Code::RunUnplayed, "nothing was recorded, see tests/replay.rs"),
];

#[test]
fn syntax_cases_are_told_as_in_their_snapshots() {
    assert_stage("syntax", |name| diagnostics("syntax", name));
}

#[test]
fn check_cases_are_told_as_in_their_snapshots() {
    assert_stage("check", |name| diagnostics("check", name));
}

#[test]
fn run_cases_fail_as_in_their_snapshots() {
    assert_stage("run", |name| {
        let outcome = run_case(name).go();
        let whole = format!("{}\nverdict: {}\n", outcome.report, outcome.verdict.title());
        let cut = run_case(name).chunks(1).go();
        assert_eq!(cut.transcript, outcome.transcript, "{name} in pieces of one byte");
        whole
    });
}

#[test]
fn no_run_case_passes() {
    for name in flows_in("tests/cases/run") {
        let outcome = run_case(&name).go();
        assert!(!matches!(outcome.verdict.title(), "passed" | "passed (flaky)"), "{name}\n{}", outcome.transcript);
    }
}

#[test]
fn syntax_cases_have_a_problem_of_syntax_and_check_cases_have_none() {
    let is_syntax = |code: Code| code.text().starts_with("flow::syntax::") || code == Code::LoadUnreadable;
    for (stage, wanted) in [("syntax", true), ("check", false)] {
        for name in flows_in(&folder(stage)) {
            let problems = check_case(stage, &name).problems;
            assert_eq!(problems.iter().any(|problem| is_syntax(problem.code)), wanted, "{stage}/{name}");
        }
    }
}

#[test]
fn a_file_with_an_error_has_no_program_and_one_with_warnings_has() {
    for stage in ["syntax", "check"] {
        for name in flows_in(&folder(stage)) {
            let checked = check_case(stage, &name);
            let is_wrong = checked.problems.iter().any(|problem| problem.severity() == Severity::Error);
            let is_library = std::fs::read(repo(&format!("{}/{name}.flow", folder(stage))))
                .is_ok_and(|text| text.starts_with(b"library"));
            assert_eq!(checked.program.is_none(), is_wrong || is_library, "{stage}/{name}");
        }
    }
}

#[test]
fn every_code_is_that_of_a_case() {
    let mut seen: HashSet<Code> = HashSet::new();
    for stage in ["syntax", "check"] {
        for name in flows_in(&folder(stage)) {
            seen.extend(check_case(stage, &name).problems.iter().map(|problem| problem.code));
        }
    }
    for name in flows_in("tests/cases/run") {
        seen.extend(run_case(&name).go().failure.map(|failure| failure.code));
    }
    for code in Code::ALL {
        let elsewhere = ELSEWHERE.iter().any(|(other, _)| other == code);
        assert_ne!(seen.contains(code), elsewhere, "{}: in a case, or in the list, but not in both", code.text());
    }
}

fn folder(stage: &str) -> String {
    format!("tests/cases/{stage}")
}

/// Compares what each case of a stage shows with its snapshot.
fn assert_stage(stage: &str, show: impl Fn(&str) -> String) {
    let case = |name: String| {
        let shown = show(&name);
        (name.clone(), format!("{}/{name}.flow", folder(stage)), shown)
    };
    assert_cases(&format!("cases__{stage}"), &flows_in(&folder(stage)).into_iter().map(case).collect::<Vec<_>>());
}

fn check_case(stage: &str, name: &str) -> Checked {
    check_in(&folder(stage), &format!("{name}.flow"))
}

fn diagnostics(stage: &str, name: &str) -> String {
    let checked = check_case(stage, name);
    assert!(!checked.problems.is_empty(), "{stage}/{name} has nothing wrong");
    assert!(checked.problems.iter().all(|problem| !problem.message.ends_with('.')), "{stage}/{name}: a full stop");
    for look in [Look { width: 20, style: Style::Ascii }, Look { width: 200, style: Style::Colour }] {
        assert!(!flowrun::diagnostic::render::render(&checked.problems, &checked.sources, look).is_empty());
    }
    shown(&checked.problems, &checked)
}

fn run_case(name: &str) -> Run {
    let flow = program(check_case("run", name));
    let (device, _) = flow.sim.clone().unwrap_or_else(|| panic!("run/{name} names no device"));
    let mut run = Run::new(flow, program(check_in("tests/cases/run", &device)));
    let text = std::fs::read_to_string(repo(&format!("tests/cases/run/{name}.flow"))).expect("it was read before");
    for option in text.lines().filter_map(|line| line.strip_prefix("# case: ")) {
        run = match option.strip_prefix("interrupted after ").and_then(|after| after.strip_suffix('s')) {
            Some(seconds) => run.interrupt_at(Moment::from_millis(1000 * seconds.parse::<u64>().expect("seconds"))),
            None if option == "nothing can be saved" => run.refuse_to_save(),
            None => panic!("run/{name}: `{option}` is no option of a case"),
        };
    }
    run
}
