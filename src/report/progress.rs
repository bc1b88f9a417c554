//! A suite for a person who watches it: one line a flow, what is wrong with it below, the counts at the end.

use std::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};

use super::failure::{render_failure, render_failure_line};
use super::pipeline::in_a_line;
use super::suite::{CaseReport, Clock, Status, SuiteReport};
use crate::diagnostic::render::{Look, Style};
use crate::time::Moment;
use crate::value::escape::harmless;

/// Columns of the word that a line begins with.
const WORD_WIDTH: usize = 8;
/// So many lines of a difference are shown.
const DIFF_LIMIT: usize = 120;

const PLAIN: Ansi = Ansi::new();
const DIM: Ansi = Ansi::new().dimmed();
const GOOD: Ansi = AnsiColor::Green.on_default();
const SHAKY: Ansi = AnsiColor::Yellow.on_default();
const BAD: Ansi = AnsiColor::Red.on_default();
const PLACE: Ansi = AnsiColor::Cyan.on_default();

/// Returns the line of a flow, and what is wrong with it.
pub fn render_case(case: &CaseReport, look: Look) -> String {
    let word = if case.status == Status::Alone { "skipped" } else { case.status.title() };
    let mut line = paint(paint_of(case.status), &format!("{word:<WORD_WIDTH$}"), look);
    line.push_str("  ");
    line.push_str(&harmless(&case.file));
    let mut more = Vec::new();
    if case.n_runs > 0 {
        let clock = match case.clock() {
            Clock::Virtual => " virtual",
            Clock::Real => "",
        };
        more.push(format!("{} s{clock}", Moment::after(case.summary.tally.took)));
    }
    match (case.failed_run, case.n_runs) {
        (Some(run), n) if n > 1 => {
            let seed = case.summary.tally.header.as_ref().map_or(0, |header| header.seed);
            more.push(format!("run {run}, seed {seed}"));
        }
        (_, n) if n > 1 => more.push(format!("{n} runs")),
        (_, _) => {}
    }
    let flaky = case.summary.steps.iter().filter(|step| step.is_flaky());
    more.extend(flaky.map(|step| format!("{}: {} attempts", harmless(&step.title), step.attempts.len())));
    more.extend(case.summary.tally.why_skipped.as_ref().map(harmless));
    more.extend(case.summary.tally.remarks());
    match case.status {
        Status::Alone => more.push("names no simulated device".to_string()),
        Status::New => more.push("no snapshot yet".to_string()),
        Status::Passed
        | Status::Flaky
        | Status::Skipped
        | Status::Changed
        | Status::Failed
        | Status::PortFailed
        | Status::Interrupted
        | Status::Wrong => {}
    }
    line.push_str(&paint(DIM, &format!("  {}", more.join(", ")), look));
    let mut text = format!("{}\n", line.trim_end());
    for failure in &case.summary.cleanups {
        text.push_str(&format!("          clean-up failed: {}\n", render_failure_line(failure, &case.sources)));
    }
    if let Some(failure) = &case.summary.tally.failure {
        text.push_str(&format!("\n{}\n", render_failure(failure, &case.sources, look).trim_end()));
    }
    if !case.refusal.is_empty() {
        text.push_str(&format!("\n{}\n", case.refusal.trim_end()));
    }
    if !case.diff.is_empty() {
        text.push('\n');
        text.push_str(&render_diff(&case.diff, look));
    }
    if text.lines().count() > 1 + case.summary.cleanups.len() {
        text.push('\n');
    }
    text
}

/// Returns a unified diff with its lines coloured, cut if it is long.
pub fn render_diff(diff: &str, look: Look) -> String {
    let n_lines = diff.lines().count();
    let mut text = String::new();
    for line in diff.lines().take(DIFF_LIMIT) {
        let colour = match line.as_bytes().first() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            Some(b'@') => PLACE,
            Some(_) | None => PLAIN,
        };
        text.push_str(&format!("  {}\n", paint(colour, &harmless(line), look)));
    }
    if n_lines > DIFF_LIMIT {
        text.push_str(&format!("  … and {} more lines\n", n_lines - DIFF_LIMIT));
    }
    text
}

/// Returns what is said at the end: orphans, what failed, the counts, and how long it took.
pub fn render_summary(suite: &SuiteReport, n_not_run: usize, look: Look) -> String {
    let mut text = String::new();
    for orphan in &suite.orphans {
        let what = paint(SHAKY, &format!("{:<WORD_WIDTH$}", "orphan"), look);
        text.push_str(&format!("{what}  {}  no flow has this snapshot\n", harmless(orphan)));
    }
    // Nobody has to look for it above.
    let failed: Vec<&CaseReport> = suite.cases.iter().filter(|case| case.is_failure).collect();
    if suite.cases.len() > 1 && !failed.is_empty() {
        text.push('\n');
        for case in failed {
            let word = paint(paint_of(case.status), &format!("{:<WORD_WIDTH$}", case.status.title()), look);
            text.push_str(&format!("{word}  {}: {}\n", harmless(&case.file), in_a_line(case)));
        }
    }
    let mut counts: Vec<String> = Status::ALL
        .iter()
        .map(|status| (*status, suite.count(*status)))
        .filter(|(_, n)| *n > 0)
        .map(|(status, n)| paint(paint_of(status), &format!("{n} {}", status.title()), look))
        .collect();
    if n_not_run > 0 {
        counts.push(paint(SHAKY, &format!("{n_not_run} not run"), look));
    }
    let n = suite.cases.len() + n_not_run;
    let flows = if n == 1 { "1 flow".to_string() } else { format!("{n} flows") };
    text.push_str(&format!("\n{flows}: {}{}\n", counts.join(", "), time_of(suite)));
    text
}

/// Returns how long a suite took by the clock of the machine, and how long its runs did by theirs if that is another.
fn time_of(suite: &SuiteReport) -> String {
    let Some(took) = suite.took else { return String::new() };
    let ran: Duration = suite.cases.iter().map(|case| case.summary.tally.took).sum();
    let its = match suite.clock {
        Clock::Virtual => format!(" for {} s of virtual time", Moment::after(ran)),
        Clock::Real => String::new(),
    };
    format!(", in {} s{its}", Moment::after(took))
}

fn paint_of(status: Status) -> Ansi {
    match status {
        Status::Passed => GOOD,
        Status::Flaky | Status::New | Status::Skipped | Status::Alone | Status::Interrupted => SHAKY,
        Status::Changed | Status::Failed | Status::PortFailed | Status::Wrong => BAD,
    }
}

fn paint(colour: Ansi, text: &str, look: Look) -> String {
    match look.style {
        Style::Colour => format!("{colour}{text}{colour:#}"),
        Style::Plain | Style::Ascii => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::suite::tests::example;
    use super::*;

    #[test]
    fn a_suite_is_a_line_a_flow_with_what_is_wrong_below() {
        let look = Look { width: 80, style: Style::Plain };
        let suite = SuiteReport { took: Some(Duration::from_millis(412)), ..example() };
        let mut text: String = suite.cases.iter().map(|case| render_case(case, look)).collect();
        text.push_str(&render_summary(&suite, 2, look));
        assert_snapshot!(text);
    }

    #[test]
    fn a_long_difference_is_cut_and_can_not_disturb_a_terminal() {
        let look = Look { width: 80, style: Style::Plain };
        let text = render_diff(&"+\u{1b}[2J\n".repeat(200), look);
        assert!(text.ends_with("  … and 80 more lines\n") && !text.contains('\u{1b}'), "{text}");
    }
}
