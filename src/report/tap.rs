//! A suite in the Test Anything Protocol, version 14: one test point a flow, diagnostics as a YAML block.

use std::fmt::Write;

use super::failure::diagnostic_of;
use super::suite::{CaseReport, Status, SuiteReport};
use crate::diagnostic::render::render_place;
use crate::value::escape::harmless;

/// Returns the whole text.
pub fn render_tap(suite: &SuiteReport) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", suite.cases.len());
    for (i, case) in suite.cases.iter().enumerate() {
        put(&mut out, i + 1, case);
    }
    out
}

fn put(out: &mut String, number: usize, case: &CaseReport) {
    let sign = if case.is_failure { "not ok" } else { "ok" };
    let why = case.summary.tally.why_skipped.as_deref().unwrap_or(case.status.title());
    let directive = if case.status.is_skip() { format!(" # SKIP {}", escaped(why)) } else { String::new() };
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{sign} {number} - {}{directive}", escaped(&case.file));
    let mut rows = vec![("status", case.status.title().to_string())];
    if case.status != Status::Wrong {
        rows.push(("duration_ms", case.summary.tally.took.as_millis().to_string()));
    }
    for step in case.summary.steps.iter().filter(|step| step.is_flaky()) {
        rows.push(("flaky", format!("{}, {} attempts", step.title, step.attempts.len())));
    }
    for step in &case.summary.steps {
        let why = step.attempts.last().and_then(|last| last.why_skipped.as_ref());
        rows.extend(why.map(|why| ("skipped", format!("{}: {why}", step.title))));
    }
    for failure in &case.summary.cleanups {
        let place = failure.site.map_or(String::new(), |site| format!(" ({})", render_place(site, &case.sources)));
        rows.push(("cleanup_failed", format!("{}{place}", diagnostic_of(failure).message)));
    }
    if let Some(failure) = &case.summary.tally.failure {
        let diagnostic = diagnostic_of(failure);
        rows.push(("message", diagnostic.message));
        rows.push(("code", diagnostic.code.text().to_string()));
        rows.extend(failure.site.map(|site| ("at", render_place(site, &case.sources))));
        rows.extend(failure.cause.iter().map(|cause| ("cause", cause.clone())));
    }
    let _ = writeln!(out, "  ---");
    for (name, value) in rows {
        let _ = writeln!(out, "  {name}: {}", quoted(&value));
    }
    for (name, text) in [("refusal", &case.refusal), ("diff", &case.diff)] {
        if !text.is_empty() {
            let _ = writeln!(out, "  {name}: |");
            for line in text.lines() {
                let _ = writeln!(out, "    {}", harmless(line));
            }
        }
    }
    let _ = writeln!(out, "  ...");
}

/// Returns visible text as a description of TAP, in which `\#` and `\\` stand for `#` and `\`: nothing is taken for a directive.
fn escaped(text: &str) -> String {
    harmless(text).replace('\\', "\\\\").replace('#', "\\#")
}

/// Returns a YAML scalar in single quotes, where nothing but the quote is special.
fn quoted(text: &str) -> String {
    format!("'{}'", harmless(text).replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::suite::tests::example;
    use super::*;

    #[test]
    fn a_suite_is_a_test_point_a_flow() {
        assert_snapshot!(render_tap(&example()));
    }

    #[test]
    fn no_name_is_taken_for_a_directive() {
        assert_eq!(escaped("a # SKIP \\b\n"), "a \\# SKIP \\\\b\\\\n");
    }
}
