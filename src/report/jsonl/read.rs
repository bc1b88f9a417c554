//! Reads events back from JSON Lines.

use std::time::Duration;

use serde_json::Value as Json;

use super::super::json::direction_name;
use super::{FORMAT, VERSION, echo_name, outcome_name, verdict_name};
use crate::diagnostic::{Code, Label};
use crate::event::{
    CloseReason, Direction, EchoOf, EchoPart, Event, EventKind, Failure, FileTransfer, Measurement, RunHeader, RunPort,
    StepOutcome, TransferStage, Verdict,
};
use crate::origin::{Digest, variable_shown};
use crate::port_id::PortId;
use crate::source::{Site, Source, Sources, Span};
use crate::time::Moment;
use crate::value::coding::unhex;

/// One run, read back.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The texts that sites point into.
    pub sources: Sources,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What makes it traceable, as names and values; empty if that is not told.
    pub about: Vec<(String, String)>,
}

/// Reads the runs of a file.
///
/// # Errors
///
/// The line, counted from 1, and what is wrong with it. A last line without an end is one that was being written when the
/// run was stopped; it is passed over if it cannot be read.
pub fn read(text: &str) -> Result<Vec<Recorded>, String> {
    let mut runs: Vec<Recorded> = Vec::new();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let wrong = |why: String| format!("line {}: {why}", i + 1);
        let json: Json = match serde_json::from_str(line) {
            Ok(json) => json,
            Err(_) if !line.ends_with('\n') => break,
            Err(error) => return Err(wrong(format!("it is not JSON: {error}"))),
        };
        if json.get("format").is_some() {
            runs.push(head(&json).map_err(wrong)?);
            continue;
        }
        let run =
            runs.last_mut().ok_or_else(|| wrong("it does not say what it is: not a file of events".to_string()))?;
        let ports = ports_of(run);
        let event = Line { json: &json, sources: &run.sources }.event(ports).map_err(wrong)?;
        run.events.push(event);
    }
    Ok(runs)
}

/// Returns the ports that the flow of a run declares.
fn ports_of(run: &Recorded) -> &[RunPort] {
    if let Some(EventKind::RunStarted(header)) = run.events.first().map(|event| &event.kind) {
        &header.ports
    } else {
        &[]
    }
}

fn head(json: &Json) -> Result<Recorded, String> {
    if json.get("format").and_then(Json::as_str) != Some(FORMAT) {
        return Err("it is not a file of events".to_string());
    }
    let version = json.get("version").and_then(Json::as_u64).ok_or("it has no version")?;
    if version > VERSION {
        return Err(format!("it has version {version}, this flowrun reads up to {VERSION}"));
    }
    let mut sources = Sources::default();
    let texts = json.get("sources").and_then(Json::as_array).ok_or("it has no `sources`")?;
    if texts.len() > usize::from(u16::MAX) {
        return Err("it has too many sources".to_string());
    }
    for text in texts {
        let text = Line { json: text, sources: &Sources::default() };
        sources.add(Source::new(text.text("name")?, text.text("text")?));
    }
    Ok(Recorded { sources, events: Vec::new(), about: about(json, texts) })
}

/// Returns what makes a run traceable, as [`About::rows`](crate::origin::About::rows) has it, but for the seed.
fn about(json: &Json, texts: &[Json]) -> Vec<(String, String)> {
    let Some(about) = json.get("about").and_then(Json::as_object) else { return Vec::new() };
    let row = |(name, value): (&String, &Json)| Some((name.clone(), value.as_str()?.to_string()));
    let mut rows: Vec<(String, String)> = about.iter().filter_map(row).collect();
    for text in texts {
        let (Some(sha256), Some(name)) = (text["sha256"].as_str(), text["name"].as_str()) else { continue };
        let (sha256, name) = (sha256.to_string(), name.to_string());
        let digest = Digest { name, sha256, is_covered: text["covered"] == true };
        rows.push(("sha256".to_string(), digest.to_string()));
    }
    let variables = about.get("variables").and_then(Json::as_object);
    let variables = variables.into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    rows.extend(variables.map(|(name, value)| ("variable".to_string(), variable_shown(name, value))));
    rows
}

/// An object, and the sources that sites in it point into.
#[derive(Clone, Copy)]
struct Line<'a> {
    json: &'a Json,
    sources: &'a Sources,
}

impl<'a> Line<'a> {
    fn event(self, ports: &[RunPort]) -> Result<Event, String> {
        let at = Moment::after(self.span("at_ns")?);
        let site = self.maybe("site").map(Line::site).transpose()?;
        let kind = self.kind()?;
        // The first port has no name where a flow declares none, and old files name none.
        let named = if ports.is_empty() { None } else { self.maybe_text("port")? };
        let port = match named {
            Some(name) => {
                let index = ports.iter().position(|port| port.name == name).and_then(PortId::new);
                index.ok_or_else(|| format!("the run has no port `{name}`"))?
            }
            None => PortId::FIRST,
        };
        Ok(Event { at, port, site, kind })
    }

    fn kind(self) -> Result<EventKind, String> {
        Ok(match self.text("event")?.as_str() {
            "run-started" => EventKind::RunStarted(Box::new(RunHeader {
                title: self.text("title")?,
                kind: self.text("kind")?,
                file: self.text("file")?,
                port: self.text("port")?,
                line: self.maybe_text("line")?.unwrap_or_default(),
                has_line: self.maybe("line").is_some(),
                ports: self.ports()?,
                seed: self.number("seed")?,
            })),
            "transfer-began" => self.transfer(TransferStage::Began)?,
            "transfer-moved" => self.transfer(TransferStage::Moved)?,
            "transfer-passed" => self.transfer(TransferStage::Passed)?,
            "transfer-failed" => self.transfer(TransferStage::Failed)?,
            "step-began" => EventKind::StepBegan {
                title: self.text("title")?,
                attempt: self.count("attempt")?,
                attempts: self.count("attempts")?,
                depth: self.count("depth")?,
            },
            "step-ended" => EventKind::StepEnded {
                title: self.text("title")?,
                outcome: self.one_of(
                    "outcome",
                    &[StepOutcome::Passed, StepOutcome::WillRetry, StepOutcome::Failed, StepOutcome::Skipped],
                    outcome_name,
                )?,
                attempt: self.count("attempt")?,
                took: self.span("took_ns")?,
                depth: self.count("depth")?,
            },
            "opened" => EventKind::Opened,
            "closed" => EventKind::Closed(self.closed()?),
            "sent" => EventKind::Sent { bytes: self.bytes()? },
            "received" => {
                let bytes = self.bytes()?;
                let echo = self.echo(bytes.len())?;
                EventKind::Received { bytes, block: self.truth("block")?, echo }
            }
            "matched" => EventKind::Matched {
                pattern: self.text("pattern")?.into(),
                text: self.bytes()?,
                waited: self.span("waited_ns")?,
            },
            "captured" => EventKind::Captured { name: self.text("name")?.into(), value: self.bytes()? },
            "measured" => EventKind::Measured(Box::new(Measurement {
                name: self.text("name")?,
                value: self.text("value")?,
                unit: self.maybe_text("unit")?,
                low: self.maybe_text("low")?,
                high: self.maybe_text("high")?,
                passed: self.truth("passed")?,
                soft: self.truth("soft")?,
                fault: self.maybe_text("fault")?,
            })),
            "saved" => EventKind::Saved { name: self.text("name")? },
            "logged" => EventKind::Logged { text: self.bytes()? },
            "hook-said" => EventKind::HookSaid { text: self.bytes()? },
            "noted" => EventKind::Noted { text: self.text("text")? },
            "skipped" => EventKind::Skipped { why: self.text("why")? },
            "cleanup-failed" => EventKind::CleanupFailed(Box::new(self.inner("failure")?.failure()?)),
            "failed" => EventKind::Failed(Box::new(self.inner("failure")?.failure()?)),
            "run-ended" => EventKind::RunEnded {
                verdict: self.one_of(
                    "verdict",
                    &[
                        Verdict::Passed,
                        Verdict::Flaky,
                        Verdict::Skipped,
                        Verdict::Failed,
                        Verdict::PortFailed,
                        Verdict::Interrupted,
                    ],
                    verdict_name,
                )?,
                // Version 1 did not say it.
                checks: self.maybe("checks").map_or(Ok(0), |_| self.number("checks"))?,
            },
            other => return Err(format!("there is no event `{other}`")),
        })
    }

    fn transfer(self, stage: TransferStage) -> Result<EventKind, String> {
        Ok(EventKind::Transfer(Box::new(FileTransfer {
            stage,
            direction: self.one_of("direction", &[Direction::Sends, Direction::Receives], direction_name)?,
            name: self.text("name")?,
            protocol: self.maybe_text("protocol")?,
            bytes: self.number("bytes")?,
            of: self.maybe("of").map(|_| self.number("of")).transpose()?,
            blocks: self.number("blocks")?,
            again: self.number("again")?,
            took: self.span("took_ns")?,
            called: self.maybe_text("called")?,
        })))
    }

    /// Returns the ports that a flow declares; none if the file is older.
    fn ports(self) -> Result<Vec<RunPort>, String> {
        if self.maybe("ports").is_none() {
            return Ok(Vec::new());
        }
        let port = |port: Line<'_>| {
            let line = port.maybe_text("line")?;
            Ok(RunPort {
                name: port.text("name")?,
                address: port.text("address")?,
                has_line: line.is_some(),
                line: line.unwrap_or_default(),
            })
        };
        self.list("ports")?.into_iter().map(port).collect()
    }

    fn closed(self) -> Result<CloseReason, String> {
        Ok(match self.text("reason")?.as_str() {
            "finished" => CloseReason::Finished,
            "cannot-open" => CloseReason::CannotOpen { reason: self.text("why")?, help: self.maybe_text("help")? },
            "hung-up" => match self.maybe_text("help")? {
                Some(help) => CloseReason::HungUp { help },
                None => CloseReason::unplugged(),
            },
            "broken" => CloseReason::Broken { reason: self.text("why")?, help: self.maybe_text("help")? },
            "device-failed" => CloseReason::DeviceFailed(Box::new(self.inner("failure")?.failure()?)),
            other => return Err(format!("there is no reason `{other}`")),
        })
    }

    fn failure(self) -> Result<Failure, String> {
        let code = self.text("code")?;
        let known = Code::ALL.iter().find(|known| known.text() == code);
        let label = |label: Line<'_>| Ok(Label::new(label.inner("site")?.site()?, label.text("text")?));
        Ok(Failure {
            code: *known.ok_or_else(|| format!("there is no code `{code}`"))?,
            site: self.maybe("site").map(Line::site).transpose()?,
            message: self.text("message")?,
            label: self.text("label")?,
            others: self.list("others")?.into_iter().map(label).collect::<Result<_, String>>()?,
            steps: self.texts("steps")?.unwrap_or_default(),
            sent: self.maybe_text("sent")?,
            came: self.texts("came")?,
            cause: self.maybe_text("cause")?,
            ends_run: self.maybe("ends_run").is_some() && self.truth("ends_run")?,
        })
    }

    fn site(self) -> Result<Site, String> {
        let n = self.number("source")?;
        let nth = usize::try_from(n).ok().and_then(|n| self.sources.iter().nth(n));
        let (source, text) = nth.ok_or_else(|| format!("there is no source {n}"))?;
        let (start, end) = (self.count("start")? as usize, self.count("end")? as usize);
        let is_between = |at: usize| at >= text.text().len() || text.text().is_char_boundary(at);
        if start > end || start > text.text().len() || !is_between(start) || !is_between(end) {
            return Err(format!("source {n} has no bytes {start} to {end}"));
        }
        Ok(Site { source, span: Span::new(start, end) })
    }

    fn bytes(self) -> Result<Vec<u8>, String> {
        let bytes = self.inner("bytes")?;
        match bytes.maybe_text("text")? {
            Some(text) => Ok(text.into_bytes()),
            None => unhex(bytes.text("hex")?.as_bytes()),
        }
    }

    fn one_of<T: Copy>(self, key: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
        let text = self.text(key)?;
        let found = all.iter().copied().find(|known| name(*known) == text);
        found.ok_or_else(|| format!("`{key}` cannot be `{text}`"))
    }

    fn maybe(self, key: &str) -> Option<Line<'a>> {
        let json = self.json.get(key).filter(|json| !json.is_null())?;
        Some(Line { json, sources: self.sources })
    }

    fn inner(self, key: &str) -> Result<Line<'a>, String> {
        self.maybe(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    fn maybe_text(self, key: &str) -> Result<Option<String>, String> {
        let Some(inner) = self.maybe(key) else { return Ok(None) };
        let text = inner.json.as_str().ok_or_else(|| format!("`{key}` is not a text"))?;
        Ok(Some(text.to_string()))
    }

    fn text(self, key: &str) -> Result<String, String> {
        self.maybe_text(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    fn number(self, key: &str) -> Result<u64, String> {
        self.inner(key)?.json.as_u64().ok_or_else(|| format!("`{key}` is not a whole number"))
    }

    fn count(self, key: &str) -> Result<u32, String> {
        u32::try_from(self.number(key)?).map_err(|_| format!("`{key}` is too large"))
    }

    fn span(self, key: &str) -> Result<Duration, String> {
        self.number(key).map(Duration::from_nanos)
    }

    fn truth(self, key: &str) -> Result<bool, String> {
        self.inner(key)?.json.as_bool().ok_or_else(|| format!("`{key}` is neither true nor false"))
    }

    /// Reads where an echo stands in so many bytes.
    fn echo(self, n_bytes: usize) -> Result<Option<EchoPart>, String> {
        let all = [EchoOf::Last, EchoOf::Next, EchoOf::Maybe].into_iter();
        let Some((of, inner)) = all.filter_map(|of| Some((of, self.maybe(echo_name(of))?))).next() else {
            return Ok(None);
        };
        let ends = inner.json.as_array().into_iter().flatten();
        let ends: Vec<usize> = ends.filter_map(|end| usize::try_from(end.as_u64()?).ok()).collect();
        match ends[..] {
            [begin, end] if begin < end && end <= n_bytes => Ok(Some(EchoPart { at: begin..end, of })),
            _ => Err(format!("`{}` is not a place in the bytes", echo_name(of))),
        }
    }

    fn list(self, key: &str) -> Result<Vec<Line<'a>>, String> {
        let items = self.inner(key)?.json.as_array().ok_or_else(|| format!("`{key}` is not a list"))?;
        Ok(items.iter().map(|json| Line { json, sources: self.sources }).collect())
    }

    fn texts(self, key: &str) -> Result<Option<Vec<String>>, String> {
        if self.maybe(key).is_none() {
            return Ok(None);
        }
        let text = |item: Line<'_>| {
            item.json.as_str().map(str::to_string).ok_or_else(|| format!("`{key}` is not a list of texts"))
        };
        self.list(key)?.into_iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]
mod tests {
    use std::collections::BTreeSet;

    use insta::assert_snapshot;

    use super::super::render_jsonl;
    use super::*;
    use crate::diagnostic::render::{Look, Style};
    use crate::event::file_on_its_way;
    use crate::report::Sink;
    use crate::report::console::{Console, Status, Volume};
    use crate::report::summary;

    fn watched(events: &[Event], sources: &Sources) -> String {
        let mut out = Vec::new();
        let look = Look { width: 80, style: Style::Plain };
        let mut console = Console::new(&mut out, sources, look, Volume::Normal, Status::Hidden);
        for event in events {
            console.tell(event).expect("memory takes everything");
        }
        console.end().expect("memory takes everything");
        String::from_utf8(out).expect("a console shows text")
    }

    /// The example of all sinks, and every kind of event that it does not have.
    fn example() -> (Sources, Vec<Event>) {
        let (sources, mut events) = summary::tests::example();
        let failure = events.iter().find_map(|event| match &event.kind {
            EventKind::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        let failure = failure.expect("the example fails");
        let site = failure.site;
        let help = Some("try again".to_string());
        let more = [
            EventKind::Closed(CloseReason::unplugged()),
            EventKind::Closed(CloseReason::CannotOpen { reason: "busy".to_string(), help: help.clone() }),
            EventKind::Closed(CloseReason::Broken { reason: "gone".to_string(), help: None }),
            EventKind::Closed(CloseReason::DeviceFailed(failure.clone())),
            EventKind::CleanupFailed(failure.clone()),
            EventKind::Failed(Box::new(Failure { ends_run: true, ..*failure })),
            EventKind::Skipped { why: "no card".to_string() },
            EventKind::HookSaid { text: b"relay on".to_vec() },
            EventKind::Transfer(Box::new(file_on_its_way(TransferStage::Began))),
            EventKind::Transfer(Box::new(file_on_its_way(TransferStage::Moved))),
            EventKind::Transfer(Box::new(file_on_its_way(TransferStage::Passed))),
            EventKind::Transfer(Box::new(file_on_its_way(TransferStage::Failed))),
            EventKind::StepEnded {
                title: "s".to_string(),
                outcome: StepOutcome::Skipped,
                attempt: 1,
                took: Duration::from_nanos(7),
                depth: 0,
            },
        ];
        events.extend(more.into_iter().map(|kind| Event {
            at: Moment::from_millis(12_000),
            port: PortId::FIRST,
            site,
            kind,
        }));
        for verdict in [Verdict::Passed, Verdict::Flaky, Verdict::Skipped, Verdict::PortFailed, Verdict::Interrupted] {
            let kind = EventKind::RunEnded { verdict, checks: 3 };
            events.push(Event {
                at: Moment::after(Duration::from_nanos(12_000_000_001)),
                port: PortId::FIRST,
                site: None,
                kind,
            });
        }
        (sources, events)
    }

    #[test]
    fn what_is_written_is_read_back_and_the_console_shows_the_same() {
        let (sources, events) = example();
        let text = String::from_utf8(render_jsonl(&events, &sources)).expect("it is UTF-8");
        let runs = read(&text).expect("it was written by us");
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].events, events);
        assert_eq!(watched(&runs[0].events, &runs[0].sources), watched(&events, &sources));
    }

    #[test]
    fn every_event_is_one_line() {
        let (sources, events) = example();
        assert_snapshot!(String::from_utf8(render_jsonl(&events, &sources)).expect("it is UTF-8"));
    }

    #[test]
    fn every_event_has_its_row() {
        let (sources, events) = example();
        let text = String::from_utf8(render_jsonl(&events, &sources)).expect("it is UTF-8");
        let names: BTreeSet<&str> =
            text.lines().filter_map(|line| line.split_once("\"event\":\"")?.1.split('"').next()).collect();
        let rows: BTreeSet<&str> = include_str!("../jsonl.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
            .filter(|name| *name != "event")
            .collect();
        assert_eq!(names, rows);
    }

    #[test]
    fn runs_follow_one_another_and_a_line_cut_short_is_passed_over() {
        let (sources, events) = example();
        let one = String::from_utf8(render_jsonl(&events, &sources)).expect("it is UTF-8");
        let runs = read(&format!("{one}{one}{{\"at_ns\":1,\"ev")).expect("it was written by us");
        assert_eq!(runs.iter().map(|run| run.events.len()).collect::<Vec<_>>(), [events.len(), events.len()]);
    }

    #[test]
    fn what_can_not_be_read_says_where_and_why() {
        let head = r#"{"format":"flowrun events","version":1,"sources":[{"name":"a","text":"b"}]}"#;
        let cases = [
            ("x\n".to_string(), "line 1: it is not JSON: expected value at line 1 column 1"),
            ("{}\n".to_string(), "line 1: it does not say what it is: not a file of events"),
            (head.replace(":1", ":4"), "line 1: it has version 4, this flowrun reads up to 3"),
            (format!("{head}\n{{\"at_ns\":1,\"event\":\"x\"}}\n"), "line 2: there is no event `x`"),
            (format!("{head}\n{{\"at_ns\":1,\"event\":\"sent\"}}\n"), "line 2: `bytes` is missing"),
            (
                format!(
                    "{head}\n{{\"at_ns\":1,\"site\":{{\"source\":0,\"start\":9,\"end\":9}},\"event\":\"opened\"}}\n"
                ),
                "line 2: source 0 has no bytes 9 to 9",
            ),
        ];
        for (text, why) in cases {
            assert_eq!(read(&text).expect_err("it is wrong"), why);
        }
    }
}
