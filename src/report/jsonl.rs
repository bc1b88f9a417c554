//! Events as JSON Lines, for programs: one run after another, each a line about the run and a line an event.
//!
//! The first line of a run:
//!
//! ```text
//! {"format":"flowrun events","version":3,"sources":[{"name":"login.flow","text":"flow \"Login\"…"}]}
//! ```
//!
//! `about` is there too where somebody gave what makes the run traceable: `date` (UTC, RFC 3339), `host`, `user`, `flowrun` (its
//! version), `profile`, `bench`, each only if it is known, and `variables`, what was given to them by name. Each of `sources` has its
//! `sha256` then. It is that of the file, unless `covered` is there, and true: then each byte of the secrets in it is a `*`.
//!
//! `sources` are the texts that places point into, as messages show them: the defaults of secrets are covered with `*`.
//! Then, for each event, `at_ns` (nanoseconds since the beginning of the run), `site` if it belongs to a statement, `event`, and what
//! the table says. Where the flow declares ports, `port` is the name of the one that the event belongs to. A *site* is `{"source":0,"start":57,"end":83}`: which source, and bytes of it.
//!
//! | `event` | further keys |
//! |---|---|
//! | `run-started` | `title`, `kind`, `file`, `port`, `line`, `seed`; `ports` (`name`, `address`, `line`), if the flow declares any |
//! | `step-began` | `title`, `attempt`, `attempts`, `depth` |
//! | `step-ended` | `title`, `outcome` (`passed`, `will-retry`, `failed`, `skipped`), `attempt`, `took_ns`, `depth` |
//! | `opened` | |
//! | `closed` | `reason` (`finished`, `cannot-open`, `hung-up`, `broken`, `device-failed`), `why`, `help`, `failure` |
//! | `sent` | `bytes` |
//! | `received` | `bytes`, `block`; `echo` (first byte, and the one after the last) if a part is the echo of what was sent, `echo_of_next` if it is that of the `sent` that follows, `echo_maybe` if it is one should the next piece begin with `echo` |
//! | `matched` | `pattern`, `bytes`, `waited_ns` |
//! | `captured` | `name`, `bytes` |
//! | `measured` | `name`, `value`, `unit`, `low`, `high` (texts, digit by digit), `passed`, `soft`, `fault` |
//! | `saved` | `name` |
//! | `logged` | `bytes` |
//! | `hook-said` | `bytes`: a line that the program of a hook wrote |
//! | `transfer-began` | `direction` (`sends`, `receives`), `name`, `protocol`, `bytes`, `of` (how many there are, if that is known), `blocks`, `again` (how many went out once more), `took_ns`, `called` (the name that the sender tells) |
//! | `transfer-moved` | the same, every 64 KiB |
//! | `transfer-passed` | the same: the file has arrived |
//! | `transfer-failed` | the same: it was given up; `failed` follows |
//! | `noted` | `text` |
//! | `skipped` | `why`: of the step that ends next, or of the run |
//! | `cleanup-failed` | `failure` |
//! | `failed` | `failure` |
//! | `run-ended` | `verdict` (`passed`, `flaky`, `skipped`, `failed`, `port-failed`, `interrupted`), `checks`: how many |
//!
//! *Bytes* are `{"text":"…"}` where they are UTF-8, else `{"hex":"…"}`. A *failure* has `code`, `site`, `message`, `label`, `others` (a list of
//! `{"site":…,"text":"…"}`), `steps`, `sent`, `came`, `cause`; what is not known is `null`. `ends_run` is there, and true,
//! if it ended the run whatever was around it (`fail now`). Secrets are named everywhere, as `«name»`.
//!
//! Readers pass over keys that they do not know. One that goes or changes its meaning, and every new event, changes
//! the version; a reader refuses a newer one. Version 2 has `hook-said`, and
//! `skipped` and `cleanup-failed`, which were notes before. Version 3 has the events of transfers, which were notes before.

mod read;

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::Sink;
use super::json::{about_of, keys_of, measurement_of, transfer_of};
use crate::diagnostic::Label;
use crate::event::{
    CloseReason, EchoOf, EchoPart, Event, EventKind, Failure, RunHeader, RunPort, StepOutcome, TransferStage, Verdict,
};
use crate::origin::About;
use crate::source::{Site, SourceId, Sources};
use crate::value::coding::hex;
pub use read::{Recorded, read};

/// The version of the format.
pub const VERSION: u64 = 3;
/// What the first line says it is.
const FORMAT: &str = "flowrun events";

/// Writes a run as JSON Lines, each line when it is told.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    out: W,
    /// The first line, until it is written.
    head: Option<Json>,
    /// Which source each place among the sources is.
    ids: Vec<SourceId>,
    /// The names of the ports, if they have names.
    ports: Vec<String>,
}

impl<W: Write> JsonLines<W> {
    /// Makes a sink that writes to `out`; sites are those of `sources`.
    pub fn new(out: W, sources: &Sources) -> JsonLines<W> {
        let texts: Vec<Json> = sources.iter().map(|(_, s)| json!({ "name": s.name(), "text": &**s.shown() })).collect();
        let head = json!({ "format": FORMAT, "version": VERSION, "sources": texts });
        let ids = sources.iter().map(|(id, _)| id).collect();
        JsonLines { out, head: Some(head), ids, ports: Vec::new() }
    }

    /// Begins with what makes the run traceable too.
    #[must_use]
    pub fn about(mut self, about: &About) -> JsonLines<W> {
        if let Some(head) = &mut self.head {
            head["about"] = about_of(&about.origin, &about.variables);
            // The texts are those that the events point into, each with a digest of what is shown of it.
            for text in head["sources"].as_array_mut().into_iter().flatten() {
                let digest = about.texts.iter().find(|digest| text["name"] == digest.name);
                let (Some(digest), Json::Object(keys)) = (digest, text) else { continue };
                keys.extend(keys_of(digest));
            }
        }
        self
    }

    fn site(&self, site: Site) -> Json {
        let source = self.ids.iter().position(|id| *id == site.source);
        json!({ "source": source, "start": site.span.start, "end": site.span.end })
    }

    fn failure(&self, failure: &Failure) -> Json {
        let label = |label: &Label| json!({ "site": self.site(label.site), "text": label.text });
        let mut keys = json!({
            "code": failure.code.text(),
            "site": failure.site.map(|site| self.site(site)),
            "message": failure.message,
            "label": failure.label,
            "others": failure.others.iter().map(label).collect::<Vec<_>>(),
            "steps": failure.steps,
            "sent": failure.sent,
            "came": failure.came,
            "cause": failure.cause,
        });
        if failure.ends_run {
            keys["ends_run"] = true.into();
        }
        keys
    }

    fn closed(&self, reason: &CloseReason) -> Json {
        match reason {
            CloseReason::Finished => json!({ "reason": "finished" }),
            CloseReason::CannotOpen { reason, help } => {
                json!({ "reason": "cannot-open", "why": reason, "help": help })
            }
            CloseReason::HungUp { help } => json!({ "reason": "hung-up", "help": help }),
            CloseReason::Broken { reason, help } => json!({ "reason": "broken", "why": reason, "help": help }),
            CloseReason::DeviceFailed(failure) => {
                json!({ "reason": "device-failed", "failure": self.failure(failure) })
            }
        }
    }

    /// Returns the name of an event and its further keys.
    fn kind(&self, kind: &EventKind) -> (&'static str, Json) {
        match kind {
            EventKind::RunStarted(header) => ("run-started", started(header)),
            EventKind::StepBegan { title, attempt, attempts, depth } => {
                ("step-began", json!({ "title": title, "attempt": attempt, "attempts": attempts, "depth": depth }))
            }
            EventKind::StepEnded { title, outcome, attempt, took, depth } => (
                "step-ended",
                json!({
                    "title": title, "outcome": outcome_name(*outcome), "attempt": attempt, "took_ns": nanos(*took),
                    "depth": depth,
                }),
            ),
            EventKind::Opened => ("opened", json!({})),
            EventKind::Closed(reason) => ("closed", self.closed(reason)),
            EventKind::Sent { bytes } => ("sent", json!({ "bytes": bytes_of(bytes) })),
            EventKind::Received { bytes, block, echo } => ("received", received(bytes, *block, echo.as_ref())),
            EventKind::Matched { pattern, text, waited } => {
                ("matched", json!({ "pattern": &**pattern, "bytes": bytes_of(text), "waited_ns": nanos(*waited) }))
            }
            EventKind::Captured { name, value } => ("captured", json!({ "name": **name, "bytes": bytes_of(value) })),
            EventKind::Measured(measured) => ("measured", measurement_of(measured)),
            EventKind::Saved { name } => ("saved", json!({ "name": name })),
            EventKind::Logged { text } => ("logged", json!({ "bytes": bytes_of(text) })),
            EventKind::HookSaid { text } => ("hook-said", json!({ "bytes": bytes_of(text) })),
            EventKind::Transfer(file) => (stage_name(file.stage), transfer_of(file)),
            EventKind::Noted { text } => ("noted", json!({ "text": text })),
            EventKind::Failed(failure) => ("failed", json!({ "failure": self.failure(failure) })),
            EventKind::Skipped { why } => ("skipped", json!({ "why": why })),
            EventKind::CleanupFailed(failure) => ("cleanup-failed", json!({ "failure": self.failure(failure) })),
            EventKind::RunEnded { verdict, checks } => {
                ("run-ended", json!({ "verdict": verdict_name(*verdict), "checks": checks }))
            }
        }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        let mut line = self.head.take().map_or_else(String::new, |head| format!("{head}\n"));
        let mut keys = Map::new();
        keys.insert("at_ns".to_string(), nanos(event.at.since_start()).into());
        if let Some(site) = event.site {
            keys.insert("site".to_string(), self.site(site));
        }
        if let EventKind::RunStarted(header) = &event.kind {
            self.ports = header.ports.iter().map(|port| port.name.clone()).collect();
        } else if let Some(name) = self.ports.get(event.port.index()) {
            keys.insert("port".to_string(), name.as_str().into());
        }
        let (name, further) = self.kind(&event.kind);
        keys.insert("event".to_string(), name.into());
        if let Json::Object(further) = further {
            keys.extend(further);
        }
        line.push_str(&Json::Object(keys).to_string());
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns a whole run as JSON Lines.
pub fn render_jsonl(events: &[Event], sources: &Sources) -> Vec<u8> {
    rendered(events, |text| JsonLines::new(text, sources))
}

/// Returns a whole run as JSON Lines that begin with what makes it traceable.
pub fn render_traceable(events: &[Event], sources: &Sources, about: &About) -> Vec<u8> {
    rendered(events, |text| JsonLines::new(text, sources).about(about))
}

fn rendered(events: &[Event], begin: impl for<'a> FnOnce(&'a mut Vec<u8>) -> JsonLines<&'a mut Vec<u8>>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut lines = begin(&mut text);
    for event in events {
        lines.tell(event).expect("memory takes everything");
    }
    text
}

fn started(header: &RunHeader) -> Json {
    let mut keys = json!({
        "title": header.title, "kind": header.kind, "file": header.file, "port": header.port,
        "line": header.has_line.then_some(&header.line), "seed": header.seed,
    });
    if !header.ports.is_empty() {
        let port = |port: &RunPort| json!({ "name": port.name, "address": port.address, "line": port.has_line.then_some(&port.line) });
        keys["ports"] = header.ports.iter().map(port).collect();
    }
    keys
}

/// Only where there is an echo its place is told: first byte, and the one behind the last.
fn received(bytes: &[u8], is_block: bool, echo: Option<&EchoPart>) -> Json {
    let mut keys = json!({ "bytes": bytes_of(bytes), "block": is_block });
    if let Some(EchoPart { at, of }) = echo {
        keys[echo_name(*of)] = json!([at.start, at.end]);
    }
    keys
}

fn echo_name(of: EchoOf) -> &'static str {
    match of {
        EchoOf::Last => "echo",
        EchoOf::Next => "echo_of_next",
        EchoOf::Maybe => "echo_maybe",
    }
}

fn bytes_of(bytes: &[u8]) -> Json {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": hex(bytes) }),
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn stage_name(stage: TransferStage) -> &'static str {
    match stage {
        TransferStage::Began => "transfer-began",
        TransferStage::Moved => "transfer-moved",
        TransferStage::Passed => "transfer-passed",
        TransferStage::Failed => "transfer-failed",
    }
}

fn outcome_name(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Passed => "passed",
        StepOutcome::WillRetry => "will-retry",
        StepOutcome::Failed => "failed",
        StepOutcome::Skipped => "skipped",
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Flaky => "flaky",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::PortFailed => "port-failed",
        Verdict::Interrupted => "interrupted",
    }
}
