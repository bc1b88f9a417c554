//! A suite as one JSON document, for dashboards and scripts.
//!
//! ```text
//! { "format": "flowrun suite", "version": 1,
//!   "about": ABOUT,                  what makes it traceable
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
//!     "measurements": [ {            in order
//!        "name": "vbat", "value": "3.42", "unit": "V" | null, "low": "3.60" | null, "high": "4.20" | null,
//!        "passed": false, "soft": false, "fault": "0.18 V below the lower limit" | null } ],
//!     "refusal": "…",                why it was not run, for people
//!     "diff": "…"                    of the transcript, unified
//!     "ports": [ { "name": "dut", "address": "sim", "line": "115200 8N1" | null } ]
//!                                    of a flow that declares any; `port` and `line` are those of the first
//!     "transfers": [ {               files that were sent or received, in order, if there are any
//!        "direction": "sends" | "receives", "name": "fw", "protocol": "xmodem" | null, "bytes": 4096, "of": 4096 | null,
//!        "blocks": 32, "again": 0, "took_ns": 1250000000, "called": "fw.bin" | null, "passed": true } ],
//!     "sources": [SOURCE],           the flow, what it uses, and what was simulated
//!     "variables": { "apn": "…" }    what was given to its variables; no secret stands in it
//!   } ],
//!   "coverage": [ {                  only with `--coverage`
//!     "file": "flows/login.flow",
//!     "statements", "branches": [ { "line": 4, "end": 4, "runs": 2 } ],
//!     "procedures": [ { "name": "sign_in", "line": 1, "runs": 2 } ] } ] }
//! ABOUT: { "date": "2026-11-30T15:08:12.345Z", "host": "…", "user": "…", "flowrun": "0.1.0", "profile": "…", "bench": "…",
//!          "variables": { … } }      each only if it is known; `variables` only of a campaign
//! SOURCE: { "name": "lib/at.flow", "sha256": "…", "covered": true }
//!          `covered` is there if secrets stand in the text: then the digest is that of the text with `*` for each byte of them
//! FAILURE: { "code": "flow::run::timeout", "message": "…", "place": "lib/at.flow:4:3" | null,
//!            "steps": ["Network", "Attach"], "sent": "…" | null, "came": ["…"] | null, "cause": "…" | null }
//! ```
//!
//! A stress campaign is another document:
//!
//! ```text
//! { "format": "flowrun stress", "version": 1, "about": ABOUT, "sources": [SOURCE],
//!   "file": "flows/login.flow", "title": "Login", "port": "sim", "seed": 1,
//!   "ideal": { "verdict": "passed", "took_ms": 5021, "writes": 30, "blocks": 42, "failure": FAILURE | null },
//!   "faults": { "split": 80, … },  in how many runs each struck
//!   "benign" and "malign": { "runs": 200, "same": 188, "failed": 0, "wrong": 12 },
//!   "findings": [ { "wrong": "fragile" | "false pass" | "endless" | "unexplained" | "panic",
//!     "place": "login.flow:4:3" | null, "runs": 12, "seed": 4,
//!     "strikes": [ { "at_ms": 1250, "fault": "urc@17", "what": "…" } ],
//!     "text": "…",                 all of it in words, with the command that repeats it
//!     "failure": FAILURE | null } ] }
//! ```
//!
//! What `flowrun mutate` tells is a third:
//!
//! ```text
//! { "format": "flowrun mutate", "version": 1,
//!   "file": "flows/login.flow", "title": "Login", "port": "sim", "seed": 1,
//!   "good": { "verdict": "passed", "took_ms": 5021, "failure": FAILURE | null },
//!   "answers": 12, "reached": 10,  statements of the devices that answer something
//!   "changes": 80,                 how many there are
//!   "mutants": [ {                 those that were tried
//!     "kind": "digit", "place": "devices/modem.flow:4:3", "before": "+CSQ: 25,0" | null, "after": "…" | null,
//!     "fate": "noticed" | "recorded" | "borne" | "no effect" | "explained" | "not noticed" | "endless" | "panic",
//!     "why": "…" | null } ] }      what a comment in the device says
//! ```
//!
//! Keys stand in this order. A key may be added at any time; one that goes or changes its meaning changes the version.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::campaign::{CampaignReport, FindingReport, StrikeReport};
use super::coverage::{FileCoverage, Reached};
use super::mutants::{MutantReport, MutantsReport};
use super::suite::{CaseReport, Status, SuiteReport};
use super::summary::{Attempt, StepSummary};
use crate::diagnostic::render::render_place;
use crate::event::{Direction, Failure, FileTransfer, Measurement, RunPort, StepOutcome, TransferStage};
use crate::origin::{About, Digest, Origin};
use crate::source::Sources;

/// The version of the format.
const VERSION: u32 = 1;

/// Returns the whole document, indented, with a line end.
pub fn render_json(suite: &SuiteReport) -> String {
    let counts: Map<String, Json> =
        Status::ALL.iter().map(|status| (status.title().to_string(), suite.count(*status).into())).collect();
    let mut document = json!({ "format": "flowrun suite", "version": VERSION });
    if let Some(origin) = &suite.origin {
        document["about"] = about_of(origin, &[]);
    }
    document["counts"] = counts.into();
    document["orphans"] = json!(suite.orphans);
    document["flows"] = suite.cases.iter().map(|case| flow(case, suite.origin.as_ref())).collect();
    if let Some(coverage) = &suite.coverage {
        document["coverage"] = coverage.files.iter().map(covered_file).collect();
    }
    format!("{document:#}\n")
}

fn covered_file(file: &FileCoverage) -> Json {
    let place = |place: &Reached| json!({ "line": place.line, "end": place.end, "runs": place.runs });
    let procedure = |(name, place): &(String, Reached)| json!({ "name": name, "line": place.line, "runs": place.runs });
    json!({
        "file": file.name,
        "statements": file.statements.iter().map(place).collect::<Vec<_>>(),
        "branches": file.branches.iter().map(place).collect::<Vec<_>>(),
        "procedures": file.procedures.iter().map(procedure).collect::<Vec<_>>(),
    })
}

/// Returns the whole document of a stress campaign, indented, with a line end.
pub fn render_campaign_json(campaign: &CampaignReport) -> String {
    let ideal = &campaign.ideal;
    let struck: Map<String, Json> =
        campaign.struck.iter().map(|(name, runs)| ((*name).to_string(), (*runs).into())).collect();
    let mut document = json!({ "format": "flowrun stress", "version": VERSION });
    if let Some(about) = &campaign.about {
        document["about"] = about_of(&about.origin, &about.variables);
        document["sources"] = digests_of(about);
    }
    document["file"] = json!(campaign.file);
    document["title"] = json!(campaign.title);
    document["port"] = json!(campaign.port);
    document["seed"] = json!(campaign.seed);
    document["ideal"] = json!({
        "verdict": ideal.verdict,
        "took_ms": millis(ideal.took),
        "writes": ideal.n_writes,
        "blocks": ideal.n_blocks,
        "failure": ideal.failure.as_ref().map(|failure| failure_of(failure, &ideal.sources)),
    });
    document["faults"] = struck.into();
    for kind in &campaign.kinds {
        document[kind.title] =
            json!({ "runs": kind.runs, "same": kind.same, "failed": kind.failed, "wrong": kind.wrong });
    }
    document["findings"] = campaign.findings.iter().map(finding_of).collect();
    format!("{document:#}\n")
}

/// Returns the whole document of changes of a device, indented, with a line end.
pub fn render_mutants_json(report: &MutantsReport) -> String {
    let mutant = |mutant: &MutantReport| {
        json!({
            "kind": mutant.kind,
            "place": render_place(mutant.site, &mutant.sources),
            "before": mutant.before,
            "after": mutant.after,
            "fate": mutant.fate,
            "why": mutant.why,
        })
    };
    let document = json!({
        "format": "flowrun mutate",
        "version": VERSION,
        "file": report.file,
        "title": report.title,
        "port": report.port,
        "seed": report.seed,
        "good": {
            "verdict": report.verdict,
            "took_ms": millis(report.took),
            "failure": report.failure.as_ref().map(|failure| failure_of(failure, &report.sources)),
        },
        "answers": report.answers.0,
        "reached": report.answers.1,
        "changes": report.n_mutants,
        "mutants": report.mutants.iter().map(mutant).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding_of(finding: &FindingReport) -> Json {
    let strike =
        |strike: &StrikeReport| json!({ "at_ms": millis(strike.at), "fault": strike.occurrence, "what": strike.what });
    json!({
        "wrong": finding.wrong,
        "place": finding.site.map(|site| render_place(site, &finding.sources)),
        "runs": finding.runs,
        "seed": finding.seed,
        "strikes": finding.strikes.iter().map(strike).collect::<Vec<_>>(),
        "text": finding.text,
        "failure": finding.failure.as_ref().map(|failure| failure_of(failure, &finding.sources)),
    })
}

fn flow(case: &CaseReport, origin: Option<&Origin>) -> Json {
    let header = case.summary.tally.header.as_ref();
    let mut keys = json!({
        "file": case.file,
        "title": case.title(),
        "status": case.status.title(),
        "is_failure": case.is_failure,
        "port": header.map(|header| &header.port),
        "line": header.filter(|header| header.has_line).map(|header| &header.line),
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
        "measurements": case.summary.measurements.iter().map(measurement_of).collect::<Vec<_>>(),
        "refusal": case.refusal,
        "diff": case.diff,
    });
    if let Some(header) = header.filter(|header| !header.ports.is_empty()) {
        keys["ports"] = header.ports.iter().map(port_of).collect();
    }
    if !case.summary.transfers.is_empty() {
        let file = |file: &FileTransfer| {
            let mut keys = transfer_of(file);
            keys["passed"] = (file.stage == TransferStage::Passed).into();
            keys
        };
        keys["transfers"] = case.summary.transfers.iter().map(file).collect();
    }
    if let Some(about) = case.about(origin) {
        keys["sources"] = digests_of(&about);
        keys["variables"] = variables_of(&about.variables);
    }
    keys
}

/// Returns what makes a run or a suite traceable.
pub(super) fn about_of(origin: &Origin, variables: &[(String, String)]) -> Json {
    let mut keys: Map<String, Json> =
        origin.rows().into_iter().map(|(name, value)| (name.to_string(), value.into())).collect();
    if !variables.is_empty() {
        keys.insert("variables".to_string(), variables_of(variables));
    }
    Json::Object(keys)
}

fn variables_of(variables: &[(String, String)]) -> Json {
    variables.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect::<Map<_, _>>().into()
}

/// Returns which texts a run had.
fn digests_of(about: &About) -> Json {
    let text = |digest: &Digest| {
        let mut keys = Map::from_iter([("name".to_string(), Json::from(digest.name.as_str()))]);
        keys.extend(keys_of(digest));
        Json::Object(keys)
    };
    about.texts.iter().map(text).collect()
}

/// Returns which text it was.
pub(super) fn keys_of(digest: &Digest) -> Map<String, Json> {
    let mut keys = Map::from_iter([("sha256".to_string(), Json::from(digest.sha256.as_str()))]);
    if digest.is_covered {
        keys.insert("covered".to_string(), true.into());
    }
    keys
}

/// Returns a measurement as both formats have it; numbers are texts, digit by digit.
pub(super) fn measurement_of(measured: &Measurement) -> Json {
    let Measurement { name, value, unit, low, high, passed, soft, fault } = measured;
    json!({
        "name": name, "value": value, "unit": unit, "low": low, "high": high, "passed": passed, "soft": soft,
        "fault": fault,
    })
}

/// Returns how far a file was, as both formats have it.
pub(super) fn transfer_of(file: &FileTransfer) -> Json {
    let FileTransfer { stage: _, direction, name, protocol, bytes, of, blocks, again, took, called } = file;
    let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    json!({
        "direction": direction_name(*direction), "name": name, "protocol": protocol, "bytes": bytes, "of": of,
        "blocks": blocks, "again": again, "took_ns": took, "called": called,
    })
}

/// Returns the word for a direction.
pub(super) fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Sends => "sends",
        Direction::Receives => "receives",
    }
}

fn port_of(port: &RunPort) -> Json {
    json!({ "name": port.name, "address": port.address, "line": port.has_line.then_some(&port.line) })
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
    use super::super::{campaign, coverage, mutants};
    use super::*;

    #[test]
    fn a_suite_is_one_document() {
        let text = render_json(&example());
        assert!(serde_json::from_str::<Json>(&text).is_ok());
        assert_snapshot!(text);
    }

    #[test]
    fn a_suite_says_what_makes_it_traceable() {
        let origin = crate::origin::tests::example().origin;
        let text = render_json(&SuiteReport { origin: Some(origin), ..example() });
        let read: Json = serde_json::from_str(&text).expect("it is JSON");
        let at = |place: &str| read.pointer(place).and_then(Json::as_str).unwrap_or_default().to_string();
        assert_eq!(at("/about/date"), "2026-11-29T12:00:00.042Z");
        assert_eq!((at("/about/host"), at("/about/user")), ("bench-3".to_string(), "anna".to_string()));
        assert_eq!(at("/about/flowrun"), Origin::VERSION);
        assert_eq!(
            (at("/flows/0/sources/0/name"), at("/flows/0/sources/0/sha256").len()),
            ("main.flow".to_string(), 64)
        );
        assert_eq!(at("/flows/0/variables/apn"), "cm net");
    }

    #[test]
    fn a_campaign_is_one_document() {
        assert_snapshot!(render_campaign_json(&campaign::tests::example()));
    }

    #[test]
    fn changes_of_a_device_are_one_document() {
        assert_snapshot!(render_mutants_json(&mutants::tests::example()));
        let nasty = campaign::tests::nasty();
        let mut report = mutants::tests::example();
        report.title.clone_from(&nasty);
        report.mutants[0].before = Some(nasty.clone());
        let read: Json = serde_json::from_str(&render_mutants_json(&report)).expect("it is JSON");
        for place in ["/title", "/mutants/0/before"] {
            assert_eq!(read.pointer(place).and_then(Json::as_str), Some(nasty.as_str()), "{place}");
        }
    }

    #[test]
    fn a_suite_has_its_coverage_if_that_was_asked_for() {
        let suite = SuiteReport { coverage: Some(coverage::tests::example()), ..example() };
        let read: Json = serde_json::from_str(&render_json(&suite)).expect("it is JSON");
        assert_eq!(read.pointer("/coverage/1/procedures/0/name").and_then(Json::as_str), Some("sign_in"));
        assert_eq!(read.pointer("/coverage/1/statements/2/end").and_then(Json::as_u64), Some(6));
        let without: Json = serde_json::from_str(&render_json(&example())).expect("it is JSON");
        assert!(without.get("coverage").is_none());
    }

    #[test]
    fn a_campaign_is_valid_whatever_its_texts_are() {
        let text = render_campaign_json(&campaign::tests::nasty_example());
        let read: Json = serde_json::from_str(&text).expect("it is JSON");
        let nasty = campaign::tests::nasty();
        for place in ["/title", "/findings/0/text", "/findings/0/strikes/0/what", "/findings/0/failure/message"] {
            assert_eq!(read.pointer(place).and_then(Json::as_str), Some(nasty.as_str()), "{place}");
        }
    }
}
