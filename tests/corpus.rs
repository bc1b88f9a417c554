//! The conformance corpus: jobs that exist elsewhere as scripts, each a flow in `tests/corpus` with the device that it
//! names in `tests/corpus/devices`, against each other under the virtual clock.
//!
//! A flow's comments say where the job comes from (`# From:`), what it is (`# Job:`) and how it ends (`# ends: failed`;
//! passed if nothing is said). `# also: NAME=VALUE -> failed: PART` is a further run with a variable of the device
//! changed, and a part of the message that it must fail with. To add a job, add its files and accept the snapshot.

mod support;

use std::collections::HashSet;
use std::sync::Arc;

use flowrun::program::Program;
use flowrun::value::Value;
use support::{Outcome, Run, assert_cases, check_file, flows_in, program, repo, shown};

const FOLDER: &str = "tests/corpus";

/// A run of a job.
struct Case {
    /// The name of the flow, and what is different from its plain run.
    name: String,
    file: String,
    flow: Arc<Program>,
    device: Arc<Program>,
    /// A variable of the device.
    given: Option<(String, Value)>,
    /// `passed`, `failed` and so on.
    ends: String,
    /// What its message has in it.
    message: String,
}

impl Case {
    fn run(&self) -> Run {
        let run = Run::new(self.flow.clone(), self.device.clone());
        match &self.given {
            Some((name, value)) => run.sim_var(name, value.clone()),
            None => run,
        }
    }
}

#[test]
fn each_job_ends_as_its_header_says_with_the_transcript_of_its_snapshot() {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    for case in cases() {
        let outcome = case.run().go();
        if outcome.verdict.title() != case.ends || !outcome.message().contains(&case.message) {
            wrong.push(format!(
                "{}: {}\n{}\n{}",
                case.name,
                outcome.verdict.title(),
                outcome.transcript,
                outcome.report
            ));
        }
        all.push((case.name.clone(), case.file.clone(), whole(&outcome)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_cases("corpus", &all);
}

#[test]
fn pieces_of_one_byte_and_of_seven_give_the_same_transcript() {
    let mut wrong = Vec::new();
    for case in cases() {
        let whole = case.run().go().transcript;
        for chunk in [1, 7] {
            let cut = case.run().chunks(chunk).go().transcript;
            if cut != whole {
                wrong.push(format!("{} in pieces of {chunk}:\n{}", case.name, difference(&whole, &cut)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_file_is_checked_without_warnings() {
    let mut wrong = Vec::new();
    for folder in [FOLDER, "tests/corpus/devices", "tests/corpus/lib", "flows/std"] {
        for name in flows_in(folder) {
            let checked = check_file(&format!("{folder}/{name}.flow"));
            if !checked.problems.is_empty() {
                wrong.push(shown(&checked.problems, &checked));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_at_least_26_jobs_and_each_says_where_it_comes_from() {
    let names = flows_in(FOLDER);
    assert!(names.len() >= 26, "{} jobs", names.len());
    for name in names {
        let text = text_of(&format!("{FOLDER}/{name}.flow"));
        let (number, _) = name.split_once('_').unwrap_or_else(|| panic!("{name} has no number"));
        assert!(number.len() == 2 && number.parse::<u32>().is_ok(), "{name} begins with a number of two digits");
        assert!(text.starts_with("# From: "), "{name} does not say where it comes from");
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("# Job: ")), "{name} does not say its job");
    }
}

#[test]
fn each_device_and_library_is_used() {
    let texts: Vec<String> = flows_in(FOLDER).iter().map(|name| text_of(&format!("{FOLDER}/{name}.flow"))).collect();
    for folder in ["devices", "lib"] {
        for name in flows_in(&format!("{FOLDER}/{folder}")) {
            let used = format!("\"{folder}/{name}.flow\"");
            assert!(texts.iter().any(|text| text.contains(&used)), "{used} belongs to no job");
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut names = HashSet::new();
    for name in flows_in(FOLDER) {
        let file = format!("{FOLDER}/{name}.flow");
        let flow = program(check_file(&file));
        let (sim, _) = flow.sim.clone().unwrap_or_else(|| panic!("{name} names no device"));
        let device = program(check_file(&format!("{FOLDER}/{sim}")));
        let text = text_of(&file);
        let comment = |key: &'static str| text.lines().filter_map(move |line| line.strip_prefix(key)).map(str::trim);
        let ends = comment("# ends:").next().unwrap_or("passed").to_string();
        let mut add = |name: String, given, ends, message| {
            assert!(names.insert(name.clone()), "two runs are called {name}");
            let (flow, device, file) = (flow.clone(), device.clone(), file.clone());
            cases.push(Case { name, file, flow, device, given, ends, message });
        };
        add(name.clone(), None, ends, String::new());
        for also in comment("# also:") {
            let (variable, value, ends, message) =
                further(also).unwrap_or_else(|| panic!("{name}: `NAME=VALUE -> ENDS: MESSAGE`, not `{also}`"));
            let shown: String = format!("{variable}_{value}")
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            add(
                format!("{name}__{shown}"),
                Some((variable.to_string(), read(value))),
                ends.to_string(),
                message.to_string(),
            );
        }
    }
    cases
}

/// Takes `NAME=VALUE -> failed: PART` apart.
fn further(also: &str) -> Option<(&str, &str, &str, &str)> {
    let (given, wanted) = also.split_once("->")?;
    let (variable, value) = given.trim().split_once('=')?;
    let (ends, message) = wanted.split_once(':').unwrap_or((wanted, ""));
    Some((variable, value, ends.trim(), message.trim()))
}

fn read(value: &str) -> Value {
    match value {
        "true" | "false" => (value == "true").into(),
        number if number.parse::<i64>().is_ok() => number.parse::<i64>().unwrap_or_default().into(),
        text => text.into(),
    }
}

fn text_of(file: &str) -> String {
    std::fs::read_to_string(repo(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The transcript, and what was saved.
fn whole(outcome: &Outcome) -> String {
    let mut text = outcome.transcript.clone();
    for (name, value) in &outcome.saved {
        text.push_str(&format!("saved {name}: {}\n", value.escape_debug()));
    }
    text
}

/// The first lines in which two texts differ.
fn difference(a: &str, b: &str) -> String {
    let pair = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    match pair {
        Some((a, b)) => format!("  whole: {a}\n  cut:   {b}"),
        None => format!("  one is longer: {} and {} lines", a.lines().count(), b.lines().count()),
    }
}
