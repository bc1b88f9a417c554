//! The fine points of the rules: what wins where two could, at which byte and at which moment.
//!
//! Each file in `tests/rules` pins one of them; its first comment says which. The device stands in
//! `tests/rules/devices`. Most were added because a fault that was planted there went unnoticed by every other test
//! (docs/testing.md). To add one, add its files and accept the snapshot.

mod support;

use std::collections::HashMap;
use std::fmt::Write as _;

use flowrun::time::Moment;
use support::{Outcome, Run, assert_cases, check_file, flows_in, repo};

const FOLDER: &str = "tests/rules";

/// So many characters of a line are shown.
const WIDTH: usize = 160;

/// What has more bytes in its transcript takes too long in pieces of one byte; `tests/chaos.rs` cuts such lines.
const LARGE: usize = 32 << 10;

fn run(name: &str) -> Run {
    let file = format!("{FOLDER}/{name}.flow");
    let run = Run::built_in(&file);
    let text = std::fs::read_to_string(repo(&file)).expect("it was read before");
    let interrupted = text.lines().find_map(|line| line.strip_prefix("# case: interrupted after ")?.strip_suffix('s'));
    match interrupted {
        Some(seconds) => run.interrupt_at(Moment::from_millis(1000 * seconds.parse::<u64>().expect("seconds"))),
        None => run,
    }
}

#[test]
fn each_rule_holds_as_in_its_snapshot() {
    let case = |name: String| {
        let file = format!("{FOLDER}/{name}.flow");
        let problems = check_file(&file).problems;
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.text()).collect();
        let shown = format!("check: {codes:?}\n\n{}", whole(&run(&name).go()));
        (name, file, shown)
    };
    assert_cases("rules", &flows_in(FOLDER).into_iter().map(case).collect::<Vec<_>>());
}

#[test]
fn pieces_of_one_byte_and_of_seven_change_nothing() {
    let mut wrong = Vec::new();
    for name in flows_in(FOLDER) {
        let whole = run(&name).go().transcript;
        if whole.len() > LARGE {
            continue;
        }
        for chunk in [1, 7] {
            let cut = run(&name).chunks(chunk).go().transcript;
            wrong.extend(first_difference(&whole, &cut).map(|lines| format!("{name} in pieces of {chunk}: {lines:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_file_says_which_rule_it_pins() {
    let mut names: HashMap<String, String> = HashMap::new();
    for name in flows_in(FOLDER) {
        let text = std::fs::read_to_string(repo(&format!("{FOLDER}/{name}.flow"))).expect("it can be read");
        let rule = text.lines().next().and_then(|line| line.strip_prefix("# ")).map(str::to_string);
        let rule = rule.unwrap_or_else(|| panic!("{name} says no rule"));
        assert!(rule.ends_with('.'), "{name}: {rule}");
        if let Some(other) = names.insert(rule, name.clone()) {
            panic!("{name} and {other} say the same");
        }
    }
}

/// Returns the first two lines that differ.
fn first_difference<'a>(whole: &'a str, cut: &'a str) -> Option<(&'a str, &'a str)> {
    whole.lines().zip(cut.lines()).find(|(left, right)| left != right)
}

/// Returns all that a run shows, and its verdict. Of lines that say the same one after the other, the first is shown.
fn whole(outcome: &Outcome) -> String {
    let mut out = String::new();
    let mut last = "";
    let mut n_same = 0;
    for line in outcome.transcript.lines() {
        let said = line.get(10..).unwrap_or(line);
        if said == last && !said.is_empty() {
            n_same += 1;
            continue;
        }
        tell_same(&mut out, n_same);
        n_same = 0;
        last = said;
        let shown: String = line.chars().take(WIDTH).collect();
        let n_more = line.chars().count() - shown.chars().count();
        let more = if n_more > 0 { format!("… {n_more} more characters") } else { String::new() };
        writeln!(out, "{shown}{more}").expect("text can be written to");
    }
    tell_same(&mut out, n_same);
    if !outcome.report.is_empty() {
        writeln!(out, "\n{}", outcome.report).expect("text can be written to");
    }
    writeln!(out, "\nverdict: {}", outcome.verdict.title()).expect("text can be written to");
    out
}

fn tell_same(out: &mut String, n_same: usize) {
    if n_same > 0 {
        writeln!(out, "           … {n_same} more such lines").expect("text can be written to");
    }
}
