//! `Page`: everything that the template of the page shows, as it shows it.

use std::borrow::Cow;

use askama::Template;

use super::aligned::{Aligned, align};
use super::data::data_of;
use super::safe::{Data, Text, readable};
use crate::diagnostic::render::{Look, Style, render_noted, render_place};
use crate::event::{Failure, RunHeader, RunPort, Verdict};
use crate::report::failure::diagnostic_of;
use crate::report::gathered::{Gathered, Series};
use crate::report::spark::PastTimes;
use crate::report::suite::{CaseReport, Status, SuiteReport};
use crate::report::summary::Tally;
use crate::source::{Site, SourceId, Sources};
use crate::time::Moment;
use crate::value::calendar::format_time;
use crate::value::coding::base64;
use crate::value::digest::sha256;
use crate::value::escape::harmless;
use crate::words::Language;

/// How the page looks.
const STYLE: &str = include_str!("page.css");
/// What the page does.
const SCRIPT: &str =
    concat!(include_str!("lines.js"), include_str!("views.js"), include_str!("timeline.js"), include_str!("page.js"));

/// How wide the excerpts of flows are.
const LOOK: Look = Look { width: 110, style: Style::Plain };

/// What the template calls by `text|harmless`.
#[expect(unreachable_pub, reason = "what the attribute makes is public")]
mod filters {
    use std::fmt;

    #[askama::filter_fn]
    pub(super) fn harmless(text: impl fmt::Display, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(crate::value::escape::harmless(text.to_string()))
    }
}

/// A page.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub(super) struct Page<'a> {
    title: String,
    /// The verdict, or what came of the flows of a suite.
    word: String,
    class: &'static str,
    is_suite: bool,
    facts: Vec<Fact>,
    flows: Vec<Flow<'a>>,
    sources: Vec<Shown<'a>>,
}

/// Something that is known of a run as a whole.
#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
}

/// A flow of the page.
#[derive(Debug)]
struct Flow<'a> {
    file: String,
    title: String,
    word: &'static str,
    class: &'static str,
    took: String,
    facts: Vec<Fact>,
    /// What makes it traceable.
    about: Vec<(String, String)>,
    /// Why it was not run, or why it was skipped.
    remark: String,
    diff: String,
    failures: Vec<Trouble>,
    exchange: Option<&'a Gathered>,
    data: Data,
}

/// A failure.
#[derive(Debug)]
struct Trouble {
    is_cleanup: bool,
    message: String,
    code: &'static str,
    place: Option<String>,
    frame: String,
    steps: Vec<String>,
    sent: Option<String>,
    /// What came, if something says what was awaited.
    aligned: Option<Aligned>,
    came: Vec<String>,
    cause: Option<String>,
}

/// A source of the page.
#[derive(Debug)]
struct Shown<'a> {
    name: &'a str,
    shown: &'a str,
    text: Cow<'a, str>,
}

/// The sources that flows of a page have in common, each once.
#[derive(Default)]
struct Pool<'a> {
    all: Vec<Shown<'a>>,
}

impl<'a> Page<'a> {
    /// Returns the page of one run.
    pub(super) fn of_run(exchange: &'a Gathered, sources: &'a Sources) -> Page<'a> {
        let mut pool = Pool::default();
        let tally = &exchange.tally;
        let (word, class) = match tally.verdict {
            Some(verdict) => (verdict.title(), class_of(Status::of(verdict))),
            None => ("not ended", "failed"),
        };
        let mut flow = flow(exchange, sources, &mut pool);
        (flow.word, flow.class) = (word, class);
        if tally.verdict == Some(Verdict::Skipped) {
            flow.remark = tally.why_skipped.as_deref().map(harmless).unwrap_or_default();
        }
        Page {
            title: flow.title.clone(),
            word: word.to_string(),
            class,
            is_suite: false,
            facts: Vec::new(),
            flows: vec![flow],
            sources: pool.all,
        }
    }

    /// Returns the page of a suite.
    pub(super) fn of_suite(suite: &'a SuiteReport) -> Page<'a> {
        let mut pool = Pool::default();
        let flows: Vec<Flow<'a>> = suite.cases.iter().map(|case| flow_of_case(case, &mut pool)).collect();
        let n_failed = suite.cases.iter().filter(|case| case.is_failure).count();
        let n = suite.cases.len();
        let word = match (n_failed, n) {
            (0, 1) => "1 flow, nothing failed".to_string(),
            (0, n) => format!("{n} flows, nothing failed"),
            (n_failed, n) => format!("{n_failed} of {n} failed"),
        };
        let counts = Status::ALL.iter().map(|status| (suite.count(*status), status.title())).filter(|(n, _)| *n > 0);
        let counts: Vec<String> = counts.map(|(n, title)| format!("{n} {title}")).collect();
        let mut facts = vec![Fact { name: "flows", value: counts.join(", ") }];
        if let Some(origin) = &suite.origin {
            let begun = format_time(origin.begun / 1000, "%F %T UTC", 0).ok();
            facts.extend(begun.map(|value| Fact { name: "begun", value }));
            facts.extend(origin.host.iter().map(|host| Fact { name: "host", value: harmless(host) }));
        }
        if !suite.orphans.is_empty() {
            facts.push(Fact { name: "snapshots of no flow", value: harmless(suite.orphans.join(", ")) });
        }
        Page {
            title: "Flows".to_string(),
            word,
            class: if n_failed == 0 { "passed" } else { "failed" },
            is_suite: true,
            facts,
            flows,
            sources: pool.all,
        }
    }

    /// Returns the whole text.
    pub(super) fn text(&self) -> String {
        self.render().expect("a text in memory takes everything")
    }

    fn style(&self) -> String {
        unix(STYLE)
    }

    fn script(&self) -> String {
        unix(SCRIPT)
    }

    /// Returns what the page allows: its own style and its own script, and no request to anywhere.
    fn policy(&self) -> String {
        let digest = |text: &str| format!("'sha256-{}'", base64(&sha256(unix(text).as_bytes())));
        let (style, script) = (digest(STYLE), digest(SCRIPT));
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

impl Flow<'_> {
    /// Returns the lines, with one that says what is missing.
    fn lines(&self) -> Vec<Text<'_>> {
        let pieces = self.exchange.iter().flat_map(|exchange| &exchange.pieces);
        pieces.map(|piece| Text(&piece.text)).collect()
    }

    fn gap(&self) -> String {
        self.exchange.and_then(Gathered::gap).unwrap_or_default()
    }

    fn past(&self) -> &[PastTimes] {
        self.exchange.map_or(&[], |exchange| &exchange.past)
    }

    fn series(&self) -> &[Series] {
        self.exchange.map_or(&[], |exchange| &exchange.series)
    }
}

impl Shown<'_> {
    fn readable(&self) -> Text<'_> {
        Text(&self.text)
    }
}

impl<'a> Pool<'a> {
    /// Returns the number of a source, which the page shows from now on.
    fn number_of(&mut self, id: SourceId, sources: &'a Sources) -> Option<usize> {
        let (_, source) = sources.iter().find(|(other, _)| *other == id)?;
        let (name, shown) = (source.name(), &**source.shown());
        let known = self.all.iter().position(|other| other.name == name && other.shown == shown);
        Some(known.unwrap_or_else(|| {
            self.all.push(Shown { name, shown, text: readable(shown) });
            self.all.len() - 1
        }))
    }
}

/// Returns a style or a script as a browser reads it, whatever line ends it was checked out with.
fn unix(text: &str) -> String {
    text.replace('\r', "")
}

fn class_of(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Flaky => "flaky",
        Status::Skipped | Status::Alone => "skipped",
        Status::New | Status::Changed => "changed",
        Status::Failed | Status::PortFailed | Status::Interrupted | Status::Wrong => "failed",
    }
}

fn flow<'a>(exchange: &'a Gathered, sources: &'a Sources, pool: &mut Pool<'a>) -> Flow<'a> {
    let tally = &exchange.tally;
    let header = tally.header.as_ref();
    let main = sources.iter().next().map(|(id, _)| id);
    let sites: Vec<SourceId> = main.into_iter().chain(exchange.sites.iter().map(|site| site.source)).collect();
    let mut numbers: Vec<(SourceId, usize)> = Vec::new();
    for id in sites {
        if !numbers.iter().any(|(known, _)| *known == id)
            && let Some(number) = pool.number_of(id, sources)
        {
            numbers.push((id, number));
        }
    }
    let number_of = |id| numbers.iter().find(|(known, _)| *known == id).map(|(_, number)| *number);
    Flow {
        file: header.map(|header| harmless(&header.file)).unwrap_or_default(),
        title: header.map(|header| harmless(&header.title)).unwrap_or_default(),
        word: "",
        class: "",
        took: seconds(tally),
        facts: facts_of(tally),
        about: exchange.about.iter().map(|(name, value)| (harmless(name), harmless(value))).collect(),
        remark: String::new(),
        diff: String::new(),
        failures: troubles(tally, &exchange.cleanups, sources),
        exchange: Some(exchange),
        data: data_of(exchange, sources, number_of),
    }
}

fn flow_of_case<'a>(case: &'a CaseReport, pool: &mut Pool<'a>) -> Flow<'a> {
    let tally = &case.summary.tally;
    let with_exchange = case.gathered.as_deref().map(|exchange| flow(exchange, &case.sources, pool));
    let flow = with_exchange.unwrap_or_else(|| Flow {
        file: String::new(),
        title: harmless(case.title()),
        word: "",
        class: "",
        took: seconds(tally),
        facts: facts_of(tally),
        about: Vec::new(),
        remark: String::new(),
        diff: String::new(),
        failures: troubles(tally, &case.summary.cleanups, &case.sources),
        exchange: None,
        data: Data::default(),
    });
    let why_skipped = tally.why_skipped.as_deref().filter(|_| case.status == Status::Skipped);
    let alone = (case.status == Status::Alone).then_some("it names no simulated device, and no port was given");
    Flow {
        file: harmless(&case.file),
        word: case.status.title(),
        class: class_of(case.status),
        remark: why_skipped.or(alone).map_or_else(|| harmless_lines(&case.refusal), harmless),
        diff: harmless_lines(&case.diff),
        ..flow
    }
}

fn seconds(tally: &Tally) -> String {
    format!("{} s", Moment::after(tally.took))
}

/// Returns what is said about a run besides its title, its file and its verdict.
fn facts_of(tally: &Tally) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut tell = |name, value: String| facts.push(Fact { name, value });
    if let Some(header) = &tally.header {
        let RunHeader { port, seed, ports, file, kind: _, title: _, line: _, has_line: _ } = header;
        tell("file", harmless(file));
        if ports.is_empty() {
            tell("port", harmless(format!("{port}, {}", header.line_shown())));
        }
        ports.iter().for_each(|port: &RunPort| tell("port", harmless(port.shown())));
        tell("seed", seed.to_string());
    }
    tell("took", seconds(tally));
    tell("steps", tally.n_steps.to_string());
    tell("checks", tally.n_checks.to_string());
    tally.remarks().into_iter().for_each(|remark| tell("besides", remark));
    facts
}

fn troubles(tally: &Tally, cleanups: &[Failure], sources: &Sources) -> Vec<Trouble> {
    let main = tally.failure.iter().map(|failure| trouble(failure, sources, false));
    main.chain(cleanups.iter().map(|failure| trouble(failure, sources, true))).collect()
}

fn trouble(failure: &Failure, sources: &Sources, is_cleanup: bool) -> Trouble {
    let place = |site: Site| render_place(site, sources);
    let came = failure.came.as_deref().unwrap_or_default();
    let aligned = failure.came.as_ref().and_then(|came| align(&failure.message, came));
    let shown = if aligned.is_some() { &[] } else { &came[came.len().saturating_sub(12)..] };
    Trouble {
        is_cleanup,
        message: harmless(&failure.message),
        code: failure.code.text(),
        place: failure.site.map(place),
        frame: frame(failure, sources),
        steps: failure.steps.iter().map(harmless).collect(),
        sent: failure.sent.as_ref().map(harmless),
        came: shown.iter().map(harmless).collect(),
        aligned,
        cause: failure.cause.as_deref().map(harmless_lines),
    }
}

/// Returns the excerpts of the flow alone: what stands above and below them has places of its own.
fn frame(failure: &Failure, sources: &Sources) -> String {
    let mut diagnostic = diagnostic_of(failure);
    diagnostic.help = None;
    let whole = render_noted(&diagnostic, &[], sources, LOOK, Language::English);
    let lines: Vec<&str> = whole.lines().skip_while(|line| !line.contains('╭')).collect();
    lines.join("\n")
}

/// Returns a text of several lines with nothing in it that nobody sees.
fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}
