//! Records as lines of JSON, and what `flowrun history --format json` writes.
//!
//! A line of `runs.jsonl`:
//!
//! ```text
//! {"format":"flowrun run","version":1,"began_ms":1795953600042,"file":"flows/login.flow","title":"Login","sha256":"…",
//!  "verdict":"passed","on":"real","ports":["/dev/ttyUSB0"],"seed":7,"took_us":1250000,"reason":null,"flowrun":"0.1.0",
//!  "host":"bench-3","times":[{"place":"login.flow:12:3","step":"Network","wait":"line \"OK\"","n":1,"us":120000}],
//!  "measured":[{"name":"vbat","value":"3.81","unit":"V","passed":true}]}
//! ```
//!
//! The document:
//!
//! ```text
//! { "format": "flowrun history", "version": 1, "since_ms": 604800000, "drift": 3,
//!   "flows": [ {
//!     "file": "flows/login.flow", "title": "Login", "on": "real" | "simulated" | "replay", "ports": ["/dev/ttyUSB0"],
//!     "runs": 24, "last": RUN, "recent": { "runs": 20, "passed": 17, "failed": 2, "flaky": 1, "unsteady": true },
//!     "failing": { "runs": 3, "since": RUN } | null,
//!     "times": [ { "place": "login.flow:12:3", "step": "Network", "wait": "line \"OK\"" | null, "runs": 24,
//!       "median_us": 120000, "recent_us": 410000, "us": [118000, …],
//!       "drift": { "factor": 3.4, "before_us": 120000, "now_us": 410000, "since": RUN } | null } ] } ] }
//! RUN: { "began": "2026-11-30T15:08:12.345Z", "verdict": "passed", "reason": "…" | null, "sha256": "…", "flowrun": "0.1.0" }
//! ```
//!
//! A key may be added at any time; one that goes or changes its meaning changes the version.

use serde_json::{Value as Json, json};

use super::story::{Question, Story};
use super::trend::Series;
use super::{Counterpart, Measured, Record, Timed, VERDICTS, word_of};
use crate::origin::Origin;

const FORMAT: &str = "flowrun run";
const VERSION: u64 = 1;

/// What a line of the file is.
pub(super) enum Line {
    Run(Box<Record>),
    /// A newer flowrun wrote it.
    Newer,
    Unreadable,
}

/// Returns the line of a record, with its end.
pub(super) fn line_of(record: &Record) -> String {
    let Record {
        began,
        file,
        title,
        sha256,
        verdict,
        on,
        ports,
        seed,
        took_us,
        reason,
        version,
        host,
        times,
        measured,
    } = record;
    let time = |timed: &Timed| {
        let Timed { place, step, wait, n, us } = timed;
        json!({ "place": place, "step": step, "wait": wait, "n": n, "us": us })
    };
    let measure = |measured: &Measured| {
        let Measured { name, value, unit, passed } = measured;
        json!({ "name": name, "value": value, "unit": unit, "passed": passed })
    };
    let keys = json!({
        "format": FORMAT, "version": VERSION, "began_ms": began, "file": file, "title": title, "sha256": sha256,
        "verdict": word_of(*verdict), "on": on.word(), "ports": ports, "seed": seed, "took_us": took_us, "reason": reason,
        "flowrun": version, "host": host, "times": times.iter().map(time).collect::<Vec<_>>(),
        "measured": measured.iter().map(measure).collect::<Vec<_>>(),
    });
    format!("{keys}\n")
}

/// Reads a line.
pub(super) fn read_line(line: &[u8]) -> Line {
    let Ok(json) = serde_json::from_slice::<Json>(line) else { return Line::Unreadable };
    if json["format"] != FORMAT {
        return Line::Unreadable;
    }
    match json["version"].as_u64() {
        Some(VERSION) => record_of(&json).map_or(Line::Unreadable, |record| Line::Run(Box::new(record))),
        Some(version) if version > VERSION => Line::Newer,
        Some(_) | None => Line::Unreadable,
    }
}

fn record_of(json: &Json) -> Option<Record> {
    let text = |json: &Json| json.as_str().map(str::to_string);
    let list = |json: &Json| json.as_array().cloned();
    let time = |json: &Json| {
        let (place, step, wait) = (text(&json["place"])?, text(&json["step"])?, text(&json["wait"]));
        Some(Timed { place, step, wait, n: json["n"].as_u64()?, us: json["us"].as_u64()? })
    };
    let measure = |json: &Json| {
        let (name, value, unit) = (text(&json["name"])?, text(&json["value"])?, text(&json["unit"]));
        Some(Measured { name, value, unit, passed: json["passed"].as_bool()? })
    };
    Some(Record {
        began: json["began_ms"].as_i64()?,
        file: text(&json["file"])?,
        title: text(&json["title"])?,
        sha256: text(&json["sha256"])?,
        verdict: VERDICTS.into_iter().find(|verdict| json["verdict"] == word_of(*verdict))?,
        on: Counterpart::ALL.into_iter().find(|on| json["on"] == on.word())?,
        ports: list(&json["ports"])?.iter().map(text).collect::<Option<_>>()?,
        seed: json["seed"].as_u64()?,
        took_us: json["took_us"].as_u64()?,
        reason: text(&json["reason"]),
        version: text(&json["flowrun"])?,
        host: text(&json["host"]),
        times: list(&json["times"])?.iter().map(time).collect::<Option<_>>()?,
        measured: list(&json["measured"])?.iter().map(measure).collect::<Option<_>>()?,
    })
}

/// Returns what the records say as one document, indented, with a line end.
pub(crate) fn render_json(stories: &[Story<'_>], question: &Question) -> String {
    let since = u64::try_from(question.since.as_millis()).unwrap_or(u64::MAX);
    let flows: Vec<Json> = stories.iter().map(story).collect();
    let document = json!({
        "format": "flowrun history", "version": VERSION, "since_ms": since, "drift": question.factor, "flows": flows,
    });
    format!("{document:#}\n")
}

fn story(story: &Story<'_>) -> Json {
    let last = story.last();
    let recent = story.recent();
    let failing = story.failing().map(|(n, run)| json!({ "runs": n, "since": run_of(run) }));
    json!({
        "file": last.file, "title": last.title, "on": last.on.word(), "ports": last.ports, "runs": story.runs.len(),
        "last": run_of(last),
        "recent": {
            "runs": recent.n, "passed": recent.n_passed, "failed": recent.n_failed, "flaky": recent.n_flaky,
            "unsteady": recent.is_unsteady,
        },
        "failing": failing,
        "times": story.series.iter().map(series).collect::<Vec<_>>(),
    })
}

fn series(series: &Series<'_>) -> Json {
    let drift = series.drift.as_ref().map(|drift| {
        json!({
            "factor": (drift.factor * 100.0).round() / 100.0, "before_us": drift.before_us, "now_us": drift.now_us,
            "since": run_of(drift.since),
        })
    });
    let times: Vec<u64> = series.points.iter().map(|point| point.us).collect();
    json!({
        "place": series.newest.place, "step": series.newest.step, "wait": series.newest.wait, "runs": times.len(),
        "median_us": series.median_us(), "recent_us": series.recent_us(), "us": times, "drift": drift,
    })
}

fn run_of(record: &Record) -> Json {
    json!({
        "began": date(record), "verdict": word_of(record.verdict), "reason": record.reason, "sha256": record.sha256,
        "flowrun": record.version,
    })
}

/// Returns when a run began, in UTC.
pub(super) fn date(record: &Record) -> String {
    Origin { begun: record.began, ..Origin::default() }.date()
}
