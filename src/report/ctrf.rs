//! A suite in the Common Test Report Format of ctrf.io, by version 0.0 of its schema: a `test` a flow, with its steps.
//!
//! What failed, or could not be run, is `failed`; what did not apply is `skipped`; a flow that nobody began is `other`. A new
//! transcript is `passed` where the suite does not fail for it. `rawStatus` has the word of flowrun. `duration` is the time of
//! the run, which is virtual on a simulated device; `start` and `stop` of the summary are those of the machine.

use serde_json::{Map, Value as Json, json};

use super::failure::{diagnostic_of, render_failure};
use super::junit::{MOST_EXCHANGE, MOST_SAVED};
use super::suite::{CaseReport, Status, SuiteReport};
use super::summary::StepSummary;
use crate::diagnostic::render::{Look, Style};
use crate::event::StepOutcome;
use crate::origin::Origin;
use crate::value::escape::visible_cut;

/// The version of the schema that the document follows.
const SPEC_VERSION: &str = "0.0.0";

const LOOK: Look = Look { width: 100, style: Style::Plain };

/// Returns the whole document, indented, with a line end.
pub fn render_ctrf(suite: &SuiteReport) -> String {
    let count = |word: &str| suite.cases.iter().filter(|case| status_of(case) == word).count();
    let begun = suite.origin.as_ref().map_or(0, |origin| origin.begun);
    let ended = begun.saturating_add(suite.took.and_then(|took| i64::try_from(took.as_millis()).ok()).unwrap_or(0));
    let mut document = json!({
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "flowrun",
    });
    if let Some(origin) = &suite.origin {
        document["timestamp"] = json!(origin.date());
    }
    let mut results = json!({
        "tool": { "name": "flowrun", "version": Origin::VERSION },
        "summary": {
            "tests": suite.cases.len(),
            "passed": count("passed"),
            "failed": count("failed"),
            "skipped": count("skipped"),
            "pending": 0,
            "other": count("other"),
            "flaky": suite.count(Status::Flaky),
            "suites": suite.cases.len(),
            "start": begun,
            "stop": ended,
        },
        "tests": suite.cases.iter().map(|case| test_of(case, suite.origin.as_ref())).collect::<Vec<_>>(),
    });
    if let Some(origin) = &suite.origin {
        let rows: Map<String, Json> =
            origin.rows().into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        results["environment"] = json!({ "extra": rows });
    }
    document["results"] = results;
    format!("{document:#}\n")
}

/// Returns the word of the format for what came of a flow.
fn status_of(case: &CaseReport) -> &'static str {
    match case.status {
        // `--flaky fail` makes a failure of it.
        Status::Flaky if case.is_failure => "failed",
        Status::Passed | Status::Flaky => "passed",
        Status::New if !case.is_failure => "passed",
        Status::New | Status::Changed | Status::Failed | Status::PortFailed | Status::Wrong => "failed",
        Status::Interrupted => "other",
        Status::Skipped | Status::Alone => "skipped",
    }
}

fn test_of(case: &CaseReport, origin: Option<&Origin>) -> Json {
    let tally = &case.summary.tally;
    // A name has a character at least.
    let name = Some(case.title()).filter(|title| !title.is_empty()).unwrap_or("flow");
    let mut test = json!({
        "name": name,
        "status": status_of(case),
        "duration": u64::try_from(tally.took.as_millis()).unwrap_or(u64::MAX),
        "suite": [case.file],
        "rawStatus": case.status.title(),
        "filePath": case.file,
        "flaky": case.status == Status::Flaky,
        "retries": case.summary.steps.iter().map(|step| step.attempts.len().saturating_sub(1)).sum::<usize>(),
    });
    if let Some((message, trace)) = trouble_of(case) {
        test["message"] = json!(message);
        if !trace.is_empty() {
            test["trace"] = json!(trace);
        }
    } else if let Some(why) = &tally.why_skipped {
        test["message"] = json!(why);
    }
    if let Some(site) = tally.failure.as_ref().and_then(|failure| failure.site) {
        // `line` is one of `filePath`, and the failure may be in a library.
        if let Some((_, source)) = case.sources.iter().next().filter(|(id, _)| *id == site.source) {
            test["line"] = json!(source.line_column(site.span.start).0);
        }
    }
    if let Some(header) = &tally.header {
        test["device"] = json!(header.port);
    }
    if let Some(gathered) = case.gathered.as_ref().filter(|_| case.is_failure) {
        test["stdout"] = gathered.excerpt(MOST_EXCHANGE).lines().map(Json::from).collect();
    }
    test["steps"] = case.summary.steps.iter().map(step_of).collect();
    test["extra"] = extra_of(case, origin);
    test
}

/// Returns what is measured, saved and given, and which texts the run had.
fn extra_of(case: &CaseReport, origin: Option<&Origin>) -> Json {
    let measured = case.summary.measurements.iter();
    let measured: Vec<Json> =
        measured.map(|measured| json!({ "name": measured.name, "value": measured.to_string() })).collect();
    let saved = case.saved.iter().map(|(name, value)| (name.clone(), visible_cut(value.as_bytes(), MOST_SAVED).into()));
    let saved: Map<String, Json> = saved.collect();
    let mut extra = json!({ "measurements": measured, "saved": saved });
    if let Some(header) = &case.summary.tally.header {
        extra["seed"] = json!(header.seed);
    }
    if let Some(about) = case.about(origin) {
        let texts = about.texts.iter().map(|text| (text.name.clone(), Json::from(text.sha256.as_str())));
        extra["sha256"] = texts.collect::<Map<_, _>>().into();
        let variables = about.variables.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str())));
        extra["variables"] = variables.collect::<Map<_, _>>().into();
    }
    extra
}

/// Returns what is wrong with a flow in a line, and all of it.
fn trouble_of(case: &CaseReport) -> Option<(String, String)> {
    let of = |message: &str, text: &str| Some((message.to_string(), text.trim_end().to_string()));
    match case.status {
        Status::Flaky if case.is_failure => of("it needed more than one attempt", ""),
        Status::Passed | Status::Flaky | Status::Skipped | Status::Alone => None,
        Status::New if !case.is_failure => None,
        Status::New => of("there is no snapshot", ""),
        Status::Changed => of("the transcript is not that of the snapshot", &case.diff),
        Status::Wrong => of("the flow has mistakes", &case.refusal),
        Status::Failed | Status::PortFailed | Status::Interrupted => match &case.summary.tally.failure {
            Some(failure) => of(&diagnostic_of(failure).message, &render_failure(failure, &case.sources, LOOK)),
            None => of(case.status.title(), ""),
        },
    }
}

fn step_of(step: &StepSummary) -> Json {
    let status = match step.outcome() {
        Some(StepOutcome::Passed) => "passed",
        Some(StepOutcome::Skipped) => "skipped",
        Some(StepOutcome::WillRetry | StepOutcome::Failed) => "failed",
        // It began and never ended.
        None => "other",
    };
    json!({ "name": step.title, "status": status })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::suite::tests::example;
    use super::*;

    /// What the schema of the format says of an object: the keys that it must have, and those that it may have besides.
    struct Shape(&'static [&'static str], &'static [&'static str]);

    const ROOT: Shape = Shape(&["results", "reportFormat", "specVersion"], &["timestamp", "generatedBy"]);
    const RESULTS: Shape = Shape(&["tool", "summary", "tests"], &["environment"]);
    const SUMMARY: Shape = Shape(
        &["tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"],
        &["flaky", "suites", "duration", "extra"],
    );
    const TEST: Shape = Shape(
        &["name", "status", "duration"],
        &[
            "suite",
            "message",
            "trace",
            "line",
            "rawStatus",
            "filePath",
            "retries",
            "flaky",
            "stdout",
            "device",
            "steps",
            "extra",
        ],
    );

    fn check(object: &Json, shape: &Shape) {
        let object = object.as_object().expect("it is an object");
        for key in shape.0 {
            assert!(object.contains_key(*key), "{key} is missing");
        }
        for key in object.keys() {
            assert!(shape.0.contains(&key.as_str()) || shape.1.contains(&key.as_str()), "{key} is not in the schema");
        }
    }

    fn read() -> Json {
        let origin = Some(crate::origin::tests::example().origin);
        let suite = SuiteReport { origin, took: Some(Duration::from_millis(412)), ..example() };
        serde_json::from_str(&render_ctrf(&suite)).expect("it is JSON")
    }

    #[test]
    fn a_document_has_what_the_schema_requires_and_nothing_that_it_forbids() {
        let read = read();
        check(&read, &ROOT);
        check(&read["results"], &RESULTS);
        check(&read["results"]["summary"], &SUMMARY);
        let words = ["passed", "failed", "skipped", "pending", "other"];
        for test in read["results"]["tests"].as_array().expect("it is a list") {
            check(test, &TEST);
            assert!(words.contains(&test["status"].as_str().expect("it is a text")), "{test}");
            assert!(test["duration"].is_u64() && !test["name"].as_str().expect("it is a text").is_empty(), "{test}");
            for step in test["steps"].as_array().expect("it is a list") {
                check(step, &Shape(&["name", "status"], &["extra"]));
                assert!(words.contains(&step["status"].as_str().expect("it is a text")), "{step}");
            }
        }
        let summary = &read["results"]["summary"];
        assert_eq!(summary["tests"], 6);
        let sum: u64 = words.iter().filter_map(|word| summary[*word].as_u64()).sum();
        assert_eq!(sum, 6, "each test is counted once");
        assert_eq!(summary["stop"].as_i64(), summary["start"].as_i64().map(|start| start + 412));
    }

    #[test]
    fn what_failed_says_why_and_where() {
        let read = read();
        let tests = &read["results"]["tests"];
        assert_eq!((&tests[0]["status"], &tests[0]["rawStatus"]), (&json!("failed"), &json!("failed")));
        assert_eq!(tests[0]["message"], "line \"OK\" did not come within 5s");
        assert!(tests[0]["trace"].as_str().is_some_and(|text| text.contains("lib/air.flow:4:3")), "{}", tests[0]);
        assert!(tests[0].get("line").is_none(), "the line is one of the library");
        assert_eq!((&tests[1]["flaky"], &tests[1]["retries"]), (&json!(true), &json!(1)));
        assert_eq!(tests[2]["message"], "the transcript is not that of the snapshot");
        assert_eq!(tests[3]["rawStatus"], "wrong");
        assert_eq!(tests[5]["status"], "skipped");
    }
}
