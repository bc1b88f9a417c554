//! A suite as one JSON document, for dashboards and scripts.
//!
//! ```text
//! { "format": "flowrun suite", "version": 1,
//!   "counts": { "passed": 3, "failed": 1, … every status … },
//!   "orphans": ["flows/snapshots/old.snap"],
//!   "flows": [ {
//!     "file": "flows/login.flow", "title": "Login", "status": "failed", "is_failure": true,
//!     "port": "sim", "line": "115200 8N1", "seed": 1, "took_ms": 5021, "runs": 1, "failed_run": 1 | null,
//!     "steps": [ { "title": "SIM", "depth": 0, "attempts": [
//!        { "outcome": "passed" | "failed" | "skipped", "took_ms": 12, "failure": FAILURE | null,
//!          "why_skipped": "…" | null } ] } ],
//!     "checks": 12,                  patterns found, reads, silences and assertions
//!     "why_skipped": "…" | null,     if the run was skipped
//!     "failure": FAILURE | null,     the one that ended the run
//!     "cleanups_failed": [FAILURE],  in `finally` blocks: the run may have passed
//!     "saved": ["name"],             names only
//!     "refusal": "…",                why it was not run, for people
//!     "diff": "…"                    of the transcript, unified
//!   } ] }
//! FAILURE: { "code": "flow::run::timeout", "message": "…", "place": "lib/at.flow:4:3" | null,
//!            "steps": ["Network", "Attach"], "sent": "…" | null, "came": ["…"] | null, "cause": "…" | null }
//! ```
//!
//! Keys stand in this order. A key may be added at any time; one that goes or changes its meaning changes the version.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::suite::{CaseReport, Status, SuiteReport};
use super::summary::{Attempt, StepSummary};
use crate::diagnostic::render::render_place;
use crate::event::{Failure, StepOutcome};
use crate::source::Sources;

/// The version of the format.
const VERSION: u32 = 1;

/// Returns the whole document, indented, with a line end.
pub fn render_json(suite: &SuiteReport) -> String {
    let counts: Map<String, Json> =
        Status::ALL.iter().map(|status| (status.title().to_string(), suite.count(*status).into())).collect();
    let document = json!({
        "format": "flowrun suite",
        "version": VERSION,
        "counts": counts,
        "orphans": suite.orphans,
        "flows": suite.cases.iter().map(flow).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn flow(case: &CaseReport) -> Json {
    let header = case.summary.tally.header.as_ref();
    json!({
        "file": case.file,
        "title": case.title(),
        "status": case.status.title(),
        "is_failure": case.is_failure,
        "port": header.map(|header| &header.port),
        "line": header.map(|header| &header.line),
        "seed": header.map(|header| header.seed),
        "took_ms": millis(case.summary.tally.took),
        "runs": case.n_runs,
        "failed_run": case.failed_run,
        "steps": case.summary.steps.iter().map(|step| step_of(step, &case.sources)).collect::<Vec<_>>(),
        "checks": case.summary.tally.n_checks,
        "why_skipped": case.summary.tally.why_skipped,
        "failure": case.summary.tally.failure.as_ref().map(|failure| failure_of(failure, &case.sources)),
        "cleanups_failed": case.summary.cleanups.iter().map(|failure| failure_of(failure, &case.sources)).collect::<Vec<_>>(),
        "saved": case.summary.saved,
        "refusal": case.refusal,
        "diff": case.diff,
    })
}

fn step_of(step: &StepSummary, sources: &Sources) -> Json {
    let attempt = |attempt: &Attempt| {
        let outcome = match attempt.outcome {
            StepOutcome::Passed => "passed",
            StepOutcome::WillRetry | StepOutcome::Failed => "failed",
            StepOutcome::Skipped => "skipped",
        };
        let failure = attempt.failure.as_deref().map(|failure| failure_of(failure, sources));
        json!({ "outcome": outcome, "took_ms": millis(attempt.took), "failure": failure, "why_skipped": attempt.why_skipped })
    };
    let attempts: Vec<Json> = step.attempts.iter().map(attempt).collect();
    json!({ "title": step.title, "depth": step.depth, "attempts": attempts })
}

fn failure_of(failure: &Failure, sources: &Sources) -> Json {
    json!({
        "code": failure.code.text(),
        "message": failure.message,
        "place": failure.site.map(|site| render_place(site, sources)),
        "steps": failure.steps,
        "sent": failure.sent,
        "came": failure.came,
        "cause": failure.cause,
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::suite::tests::example;
    use super::*;

    #[test]
    fn a_suite_is_one_document() {
        let text = render_json(&example());
        assert!(serde_json::from_str::<Json>(&text).is_ok());
        assert_snapshot!(text);
    }
}
