//! `Story`: the events of a run, read while they are written, as what an agent needs of them: bounded.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use crate::source::Source;

/// How much of one exchange is shown.
const LONGEST_TEXT: usize = 512;

/// A line that is longer is no event that an agent needs.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// How many steps, measurements and log lines are kept.
const MOST: usize = 200;

/// What happened in a run, as far as it is known.
pub(super) struct Story {
    file: PathBuf,
    offset: u64,
    rest: Vec<u8>,
    sources: Vec<Source>,
    n_exchanges: usize,
    exchange: VecDeque<Json>,
    n_left_out: usize,
    steps: Vec<Json>,
    logged: Vec<Json>,
    measured: Vec<Json>,
    notes: Notes,
}

/// What there is one of.
#[derive(Default)]
struct Notes {
    now: String,
    began: Map<String, Json>,
    failure: Option<Json>,
    cleanups: Vec<Json>,
    skipped: Option<Json>,
    verdict: Option<Json>,
}

impl Story {
    /// Reads the events that are written to a file; keeps this many of the last exchanges.
    pub(super) fn of(file: &Path, n_exchanges: usize) -> Story {
        Story {
            file: file.to_path_buf(),
            offset: 0,
            rest: Vec::new(),
            sources: Vec::new(),
            n_exchanges,
            exchange: VecDeque::new(),
            n_left_out: 0,
            steps: Vec::new(),
            logged: Vec::new(),
            measured: Vec::new(),
            notes: Notes::default(),
        }
    }

    /// Reads what was written since; returns the step that now runs, if it is another.
    pub(super) fn look(&mut self) -> Option<String> {
        let before = self.notes.now.clone();
        let mut piece = vec![0; 256 * 1024];
        if let Ok(mut file) = File::open(&self.file)
            && file.seek(SeekFrom::Start(self.offset)).is_ok()
        {
            while let Ok(n) = file.read(&mut piece) {
                if n == 0 {
                    break;
                }
                self.offset += n as u64;
                self.take(&piece[..n]);
            }
        }
        (self.notes.now != before).then(|| self.notes.now.clone())
    }

    fn take(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(line);
            if line.last() == Some(&b'\n') {
                let whole = std::mem::take(&mut self.rest);
                if let Ok(Json::Object(event)) = serde_json::from_slice(&whole) {
                    self.event(event);
                }
            } else if self.rest.len() > LONGEST_LINE {
                self.rest.clear();
            }
        }
    }

    fn event(&mut self, mut event: Map<String, Json>) {
        if let Some(Json::Array(sources)) = event.get("sources") {
            let text = |source: &Json, key: &str| source[key].as_str().unwrap_or_default().to_string();
            self.sources =
                sources.iter().map(|source| Source::new(text(source, "name"), text(source, "text"))).collect();
            return;
        }
        let kind = event.get("event").and_then(Json::as_str).unwrap_or_default().to_string();
        let at = millis(event.get("at_ns"));
        match kind.as_str() {
            "run-started" => {
                let keep = ["title", "file", "port", "line", "seed", "ports"];
                self.notes.began = event.into_iter().filter(|(key, _)| keep.contains(&key.as_str())).collect();
            }
            "sent" | "received" => self.exchanged(&kind, at, &event),
            "step-began" => self.notes.now = event["title"].as_str().unwrap_or_default().to_string(),
            "step-ended" => {
                let step = json!({
                    "title": event["title"], "outcome": event["outcome"], "attempt": event["attempt"],
                    "took_ms": millis(event.get("took_ns")),
                });
                push(&mut self.steps, step);
            }
            "logged" => push(&mut self.logged, json!({ "at_ms": at, "text": text_of(&event["bytes"]) })),
            "measured" => {
                event.retain(|key, _| !["event", "at_ns", "site"].contains(&key.as_str()));
                push(&mut self.measured, Json::Object(event));
            }
            "failed" => self.notes.failure = Some(self.failure(&event["failure"])),
            "cleanup-failed" => {
                let failure = self.failure(&event["failure"]);
                push(&mut self.notes.cleanups, failure);
            }
            "skipped" => self.notes.skipped = event.remove("why"),
            "run-ended" => self.notes.verdict = event.remove("verdict"),
            _ => {}
        }
    }

    fn exchanged(&mut self, kind: &str, at: Json, event: &Map<String, Json>) {
        let port = event.get("port").cloned();
        let is_echo = event.get("echo").is_some();
        let mut item = json!({ "at_ms": at, "direction": kind });
        if let Some(port) = port {
            item["port"] = port;
        }
        if is_echo {
            item["is_echo"] = Json::Bool(true);
        }
        match event["bytes"].get("hex").and_then(Json::as_str) {
            Some(hex) => item["hex"] = cut(hex).into(),
            None => item["text"] = text_of(&event["bytes"]).into(),
        }
        self.exchange.push_back(item);
        if self.exchange.len() > self.n_exchanges {
            self.exchange.pop_front();
            self.n_left_out += 1;
        }
    }

    /// Returns a failure with places that people and agents find: file, line and column.
    fn failure(&self, failure: &Json) -> Json {
        let mut shown = Map::new();
        for key in ["code", "message", "label", "cause", "steps", "sent", "came"] {
            shown.insert(key.to_string(), failure[key].clone());
        }
        shown.insert("place".to_string(), self.place(&failure["site"]));
        Json::Object(shown)
    }

    fn place(&self, site: &Json) -> Json {
        let number = |key: &str| site[key].as_u64();
        let source = number("source").and_then(|at| self.sources.get(usize::try_from(at).ok()?));
        let (Some(source), Some(start)) = (source, number("start").and_then(|at| u32::try_from(at).ok())) else {
            return Json::Null;
        };
        let (line, column) = source.line_column(start);
        json!({ "file": source.name(), "line": line, "column": column })
    }

    /// Returns how the run ended, if it told.
    pub(super) fn verdict(&self) -> Option<&str> {
        self.notes.verdict.as_ref()?.as_str()
    }

    /// Puts what happened into the result of a call.
    pub(super) fn tell(self, result: &mut Map<String, Json>) {
        let Notes { began, failure, cleanups, skipped, .. } = self.notes;
        result.extend(began);
        if let Some(why) = skipped {
            result.insert("why_skipped".to_string(), why);
        }
        result.insert("failure".to_string(), failure.unwrap_or(Json::Null));
        result.insert("steps".to_string(), self.steps.into());
        for (key, list) in [("measurements", self.measured), ("log", self.logged), ("cleanups_failed", cleanups)] {
            if !list.is_empty() {
                result.insert(key.to_string(), list.into());
            }
        }
        result.insert("exchange".to_string(), Json::Array(self.exchange.into()));
        result.insert("exchange_left_out".to_string(), self.n_left_out.into());
    }
}

fn push(list: &mut Vec<Json>, item: Json) {
    if list.len() < MOST {
        list.push(item);
    }
}

fn millis(nanos: Option<&Json>) -> Json {
    nanos.and_then(Json::as_u64).map_or(Json::Null, |nanos| (nanos / 1_000_000).into())
}

fn text_of(bytes: &Json) -> String {
    let text = bytes.get("text").or(bytes.get("hex")).and_then(Json::as_str);
    cut(text.unwrap_or_default())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    }
}
