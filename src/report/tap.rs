//! A suite in the Test Anything Protocol, version 14: one test point a flow, diagnostics as a YAML block.

use std::fmt::Write;

use super::failure::diagnostic_of;
use super::suite::{CaseReport, Status, SuiteReport};
use crate::diagnostic::render::render_place;
use crate::origin::Origin;
use crate::value::escape::harmless;

/// Returns the whole text.
pub fn render_tap(suite: &SuiteReport) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", suite.cases.len());
    for (name, value) in suite.origin.iter().flat_map(Origin::rows) {
        put_comment(&mut out, name, &value);
    }
    for (i, case) in suite.cases.iter().enumerate() {
        let about = case.about(suite.origin.as_ref()).map(|about| about.rows()).unwrap_or_default();
        // What is the same for all stands at the beginning.
        for (name, value) in about.iter().filter(|(name, _)| matches!(*name, "sha256" | "variable")) {
            put_comment(&mut out, name, value);
        }
        put(&mut out, i + 1, case);
    }
    out
}

/// Puts a line that harnesses pass over.
fn put_comment(out: &mut String, name: &str, value: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "# {name}: {}", harmless(value));
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
    fn a_suite_says_what_makes_it_traceable() {
        let origin = crate::origin::tests::example().origin;
        let text = render_tap(&SuiteReport { origin: Some(origin), ..example() });
        let head = "TAP version 14\n1..6\n# date: 2026-11-29T12:00:00.042Z\n# host: bench-3\n# user: anna\n# flowrun: ";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("  main.flow\n") && text.contains("\n# variable: apn = cm net\nok"), "{text}");
        let is_known = |line: &&str| ["# ", "ok ", "not ok ", "  ", "TAP", "1.."].iter().any(|p| line.starts_with(p));
        assert_eq!(text.lines().find(|line| !is_known(line)), None);
    }

    #[test]
    fn no_name_is_taken_for_a_directive() {
        assert_eq!(escaped("a # SKIP \\b\n"), "a \\# SKIP \\\\b\\\\n");
    }
}
