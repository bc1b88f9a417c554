//! `Console`: a run for a person who watches it.
//!
//! Whether there are colours, and whether there is a status line, is the caller's decision.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::Style as Ansi;

use super::exchange::{EchoMark, Exchange, Mark, Row, parted};
use super::failure::{render_failure, render_failure_line};
use super::hex::{Dump, View, dump};
use super::lines::{Seconds, lines};
use super::live::{Live, columns, cut};
use super::palette::{BAD, BOLD, DIM, FOUND, GOOD, PLAIN, SENT, SHAKY, paint_of};
use super::port_names::PortNames;
use super::summary::Tally;
use super::{Sink, Wants};
use crate::diagnostic::Code;
use crate::diagnostic::render::{Look, Style};
use crate::event::{
    CloseReason, EchoOf, EchoPart, Event, EventKind, Progress, RunHeader, RunPort, StepOutcome, Verdict, Waiting,
};
use crate::legend::Legend;
use crate::port_id::PortId;
use crate::source::Sources;
use crate::time::Moment;
use crate::value::escape::{harmless, push_visible};

pub use super::exchange::Detail;

/// How much a console says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The exchange as it happens.
    Normal,
    /// Only the failure and the verdict.
    Quiet,
}

/// How much is gathered for a file or a pipe before it is written.
const GATHERED: usize = 8 * 1024;

/// Whether the last line of a console says what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does; only for a terminal that can erase a line.
    Shown,
    /// There is no such line.
    Hidden,
}

/// What becomes of a line of the exchange that is longer than the terminal is wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlong {
    /// It is written whole: the terminal wraps it, and a file or a pipe loses nothing.
    Whole,
    /// It is cut to the width.
    Cut,
}

/// Writes a run for a person: each event when it is told, the failure and the verdict at the end.
#[derive(Debug)]
pub struct Console<'a, W: Write> {
    out: W,
    sources: &'a Sources,
    look: Look,
    volume: Volume,
    status: Status,
    form: Form,
    /// What the verdict begins with: the port of a run that is one of several.
    port: String,
    tally: Tally,
    /// What the status line is made of.
    live: Live,
    /// Whether something was said below the header.
    has_said: bool,
    /// Whether the port went away: that it is open is said only then.
    is_gone: bool,
    /// What stands in front of the sign of what belongs to a port.
    names: PortNames,
    /// What the rows of the exchange are made of.
    exchange: Exchange,
    /// What is about to be written.
    text: String,
    /// The status line as it stands on the terminal; empty if there is none.
    shown: String,
}

/// How lines and blocks are shown.
#[derive(Clone, Copy, Debug)]
struct Form {
    overlong: Overlong,
    view: View,
}

/// Columns of the time.
const TIME_WIDTH: usize = 9;
const ERASE: &str = "\r\u{1b}[K";

impl<'a, W: Write> Console<'a, W> {
    /// Makes a console that writes to `out`; places are those of `sources`. Every line is whole, see [`Console::with_lines`].
    pub fn new(out: W, sources: &'a Sources, look: Look, volume: Volume, status: Status) -> Console<'a, W> {
        let (text, shown, tally) = (String::new(), String::new(), Tally::default());
        let (overlong, port) = (Overlong::Whole, String::new());
        Console {
            out,
            sources,
            look,
            volume,
            status,
            form: Form { overlong, view: View::Auto },
            port,
            tally,
            live: Live::default(),
            has_said: false,
            is_gone: false,
            names: PortNames::default(),
            exchange: Exchange::default(),
            text,
            shown,
        }
    }

    /// Names the port in the verdict: the run is one of several.
    #[must_use]
    pub fn of_port(self, port: &str) -> Console<'a, W> {
        Console { port: format!("{}  ", harmless(port)), ..self }
    }

    /// Says what becomes of long lines of the exchange; what the flow or the engine says is never cut.
    #[must_use]
    pub fn with_lines(self, overlong: Overlong) -> Console<'a, W> {
        Console { form: Form { overlong, ..self.form }, ..self }
    }

    /// Says how bytes of the exchange are shown.
    #[must_use]
    pub fn with_view(self, view: View) -> Console<'a, W> {
        Console { form: Form { view, ..self.form }, ..self }
    }

    /// Says how much of the exchange is shown.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Console<'a, W> {
        self.exchange.detail = detail;
        self
    }

    /// Gives it the rules by which the lines of a device are painted.
    #[must_use]
    pub fn with_legend(mut self, legend: Legend) -> Console<'a, W> {
        self.exchange.legend = legend;
        self
    }

    fn say(&mut self, event: &Event) {
        let at = event.at.since_start();
        let port = self.names.of(event.port).to_string();
        match &event.kind {
            EventKind::RunStarted(header) => {
                self.names.tell(event);
                self.put_header(header);
            }
            EventKind::StepBegan { title, attempt, attempts, depth } => {
                let more = if *attempt > 1 { format!(" (attempt {attempt} of {attempts})") } else { String::new() };
                let line = format!("{}{} {title}{more}", indent(*depth), self.sign("▸", ">>"));
                self.put_words(at, BOLD, &line);
            }
            EventKind::StepEnded { title, outcome, attempt, took, depth } => {
                let (paint, sign, more) = match outcome {
                    StepOutcome::Passed if *attempt > 1 => {
                        (SHAKY, self.sign("✓", "ok"), format!(", attempt {attempt}"))
                    }
                    StepOutcome::Passed => (GOOD, self.sign("✓", "ok"), String::new()),
                    StepOutcome::WillRetry => (SHAKY, self.sign("↻", "again"), format!(", attempt {attempt} failed")),
                    StepOutcome::Failed => (BAD, self.sign("✗", "FAILED"), String::new()),
                    StepOutcome::Skipped => (SHAKY, self.sign("○", "skipped"), ", skipped".to_string()),
                };
                let line = format!("{}{sign} {title}  {}{more}", indent(*depth), lasting(*took));
                self.put_words(at, paint, &line);
            }
            EventKind::Sent { bytes } if self.form.view.is_hex(bytes) => {
                self.put_held();
                self.put_kept(at, event.port);
                self.put_dump(at, SENT, &format!("{port}> "), bytes);
            }
            EventKind::Received { bytes, echo: None, .. } if self.form.view.is_hex(bytes) => {
                self.put_held();
                self.put_kept(at, event.port);
                self.put_dump(at, PLAIN, &format!("{port}< "), bytes);
            }
            EventKind::Sent { bytes } => match self.exchange.detail {
                Detail::Usual => {
                    self.put_held();
                    self.put_kept(at, event.port);
                    self.exchange.hold(event);
                }
                Detail::Raw => self.put_bytes(at, SENT, &format!("{port}> "), bytes),
            },
            EventKind::Received { bytes, block, echo } => match self.exchange.detail {
                Detail::Usual => self.put_received(event, bytes, *block, echo.as_ref()),
                Detail::Raw if *block => self.put_bytes(at, PLAIN, &format!("{port}< "), bytes),
                Detail::Raw => lines(bytes).for_each(|line| {
                    let kind = self.exchange.legend.line(event.port, line).kind;
                    self.put_bytes(at, paint_of(kind), &format!("{port}< "), line);
                }),
            },
            EventKind::Captured { name, value } => {
                self.put(at, FOUND, &format!("{port}= {}: ", harmless(&**name)), value)
            }
            EventKind::Measured(measured) => {
                let paint = if measured.passed { FOUND } else { BAD };
                self.put_words(at, paint, &format!("{port}= {}: {measured}", measured.name));
            }
            EventKind::Saved { name } => self.put_words(at, FOUND, &format!("+ {name} saved")),
            EventKind::Logged { text } => text.split(|b| *b == b'\n').for_each(|line| self.put(at, BOLD, "# ", line)),
            EventKind::HookSaid { text } => self.put(at, DIM, "| ", text),
            EventKind::Noted { text } => self.put_words(at, DIM, &format!("{port}- {text}")),
            EventKind::Transfer(file) => {
                file.shown().into_iter().for_each(|text| self.put_words(at, DIM, &format!("{port}- {text}")));
            }
            EventKind::Skipped { why } => self.put_words(at, DIM, &format!("- skipped: {why}")),
            EventKind::CleanupFailed(failure) => {
                let line = format!("clean-up failed: {}", render_failure_line(failure, self.sources));
                self.put_words(at, BAD, &format!("! {line}"));
            }
            // That a port could not be opened is said once, at the end.
            EventKind::Failed(failure) if failure.code == Code::RunPort && failure.site.is_none() => {}
            EventKind::Failed(failure) => {
                let line = render_failure_line(failure, self.sources);
                self.put_words(at, BAD, &format!("! {line}"));
            }
            EventKind::Opened if std::mem::take(&mut self.is_gone) => {
                self.put_words(at, PLAIN, &format!("{port}- port open"));
            }
            EventKind::Closed(reason) => match reason {
                CloseReason::Finished | CloseReason::CannotOpen { .. } => {}
                CloseReason::HungUp { .. } => {
                    self.is_gone = true;
                    self.put_words(at, BAD, &format!("{port}! port hung up"));
                }
                CloseReason::Broken { reason, .. } => {
                    self.put_words(at, BAD, &format!("{port}! port broken: {reason}"));
                }
                CloseReason::DeviceFailed(failure) => {
                    let line = render_failure_line(failure, self.sources);
                    self.put_words(at, BAD, &format!("{port}! the simulated device failed: {line}"));
                }
            },
            EventKind::Opened | EventKind::Matched { .. } | EventKind::RunEnded { .. } => {}
        }
    }

    /// Says why the simulated device failed, which is never cut short.
    fn say_device_failure(&mut self, event: &Event) {
        if let EventKind::Closed(CloseReason::DeviceFailed(failure)) = &event.kind {
            let report = render_failure(failure, self.sources, self.look);
            self.text.push_str(&report);
        }
    }

    fn say_verdict(&mut self, verdict: Verdict) {
        if self.volume == Volume::Normal && self.has_said {
            self.text.push('\n');
        }
        if let Some(failure) = &self.tally.failure {
            self.text.push_str(&render_failure(failure, self.sources, self.look));
            self.text.push('\n');
        }
        let paint = match verdict {
            Verdict::Passed if self.tally.n_cleanups_failed == 0 => GOOD,
            Verdict::Passed | Verdict::Flaky | Verdict::Skipped | Verdict::Interrupted => SHAKY,
            Verdict::Failed | Verdict::PortFailed => BAD,
        };
        let title = self.tally.header.as_ref().map_or(String::new(), |h| harmless(&h.title));
        let mut counts = vec![count(self.tally.n_steps, "step"), count(self.tally.n_checks, "check")];
        counts.extend(self.tally.remarks());
        counts.push(lasting(self.tally.took));
        self.text.push_str(&self.port);
        self.paint(paint.bold(), verdict.title());
        self.text.push_str(&format!("  {title}  {}\n", counts.join(", ")));
    }

    fn put_header(&mut self, header: &RunHeader) {
        let title = harmless(&header.title);
        let ports: Vec<String> = header.ports.iter().map(RunPort::shown).collect();
        let on = match ports.as_slice() {
            [] => format!("{}, {}", header.port, header.line_shown()),
            several => several.join(", "),
        };
        let about = format!("{} on {on}, seed {}", header.file, header.seed);
        // Neither is cut: the seed at the end is what a run is repeated with.
        for (paint, line) in [(BOLD, title), (DIM, harmless(&about))] {
            self.paint(paint, &line);
            self.text.push('\n');
        }
        self.text.push('\n');
    }

    /// Puts a line of data that is told in full, however long.
    fn put(&mut self, at: Duration, paint: Ansi, lead: &str, bytes: &[u8]) {
        self.put_shown(at, paint, &format!("{lead}{}", as_text(|text| push_visible(text, bytes))));
    }

    /// Puts a line of words, in which data was made visible.
    fn put_words(&mut self, at: Duration, paint: Ansi, words: &str) {
        self.put_shown(at, paint, &harmless(words));
    }

    fn put_shown(&mut self, at: Duration, paint: Ansi, text: &str) {
        self.put_held();
        self.put_all_kept(at);
        let time = self.time_column(at);
        self.paint(DIM, &time);
        self.paint(paint, text);
        self.text.push('\n');
    }

    /// Puts a block of the exchange in hex.
    fn put_dump(&mut self, at: Duration, paint: Ansi, lead: &str, bytes: &[u8]) {
        let (head, lines) = match dump(bytes) {
            Dump::Short(line) => (line, Vec::new()),
            Dump::Long(head, lines) => (head, lines),
        };
        self.put_shown(at, paint, &format!("{lead}{head}"));
        let margin = " ".repeat(columns(&self.time_column(at)) + columns(lead));
        for line in lines {
            self.text.push_str(&margin);
            self.paint(paint, &line);
            self.text.push('\n');
        }
    }

    /// Puts what was sent, if it was kept until now.
    fn put_held(&mut self) {
        if let Some((event, mark)) = self.exchange.take_held() {
            self.put_sent(&event, mark);
        }
    }

    /// Puts whatever is kept.
    fn put_everything(&mut self) {
        self.put_held();
        self.put_all_kept(self.exchange.shown_at);
    }

    fn put_sent(&mut self, event: &Event, mark: Mark) {
        let EventKind::Sent { bytes } = &event.kind else { return };
        let row = self.exchange.sent_row(event.port, bytes);
        let lead = format!("{}> ", self.names.of(event.port));
        let note = if mark == Mark::Echoed { format!(" {}", self.echoed()) } else { String::new() };
        self.put_row(event.at.since_start(), SENT, &lead, &row, &note);
    }

    /// Puts what came. An echo of what was sent is a mark beside that, or, if that is shown already, a row without its bytes.
    fn put_received(&mut self, event: &Event, bytes: &[u8], is_block: bool, echo: Option<&EchoPart>) {
        let at = event.at.since_start();
        let Some(echo) = echo else {
            self.put_kept(at, event.port);
            return self.put_rows(event, bytes, is_block);
        };
        let (before, rest) = bytes.split_at(echo.at.start);
        let (echoed, behind) = rest.split_at(echo.at.len());
        if !parted(before).1.is_empty() {
            self.put_kept(at, event.port);
            self.put_rows(event, before, is_block);
        }
        if echo.of == EchoOf::Maybe {
            return self.exchange.keep(event.port, echoed);
        }
        match self.exchange.echo_came(event.port, echoed, echo.of) {
            EchoMark::Beside => self.put_held(),
            EchoMark::Own => {
                let line = format!("{}< {}", self.names.of(event.port), self.echoed());
                self.put_parts(at, &[(DIM, line.as_bytes())]);
            }
            EchoMark::Done => {}
        }
        if !behind.is_empty() {
            self.put_rows(event, behind, is_block);
        }
    }

    /// Puts what came on a port and could have been an echo.
    fn put_kept(&mut self, at: Duration, port: PortId) {
        let kept = self.exchange.take_kept(port);
        if !kept.is_empty() {
            let lead = format!("{}< ", self.names.of(port));
            for row in self.exchange.received_rows(port, &kept) {
                self.put_row(at, paint_of(row.meaning.kind), &lead, &row, "");
            }
        }
    }

    fn put_all_kept(&mut self, at: Duration) {
        for port in self.exchange.keepers() {
            self.put_kept(at, port);
        }
    }

    fn put_rows(&mut self, event: &Event, bytes: &[u8], is_block: bool) {
        let at = event.at.since_start();
        let lead = format!("{}< ", self.names.of(event.port));
        if is_block {
            return self.put_bytes(at, PLAIN, &lead, bytes);
        }
        for row in self.exchange.received_rows(event.port, bytes) {
            let note = row.meaning.text.map_or(String::new(), |text| format!("  {text}"));
            self.put_row(at, paint_of(row.meaning.kind), &lead, &row, &note);
        }
    }

    fn put_row(&mut self, at: Duration, paint: Ansi, lead: &str, row: &Row<'_>, note: &str) {
        let open = if row.is_open { self.sign("⋯", " ...") } else { "" };
        let parts = [
            (paint, lead.as_bytes()),
            (DIM, row.begin),
            (paint, row.text),
            (DIM, row.end),
            (DIM, open.as_bytes()),
            (DIM, note.as_bytes()),
        ];
        self.put_parts(at, &parts);
    }

    /// Puts bytes of the exchange as they are; line ends at both of their ends are dim.
    fn put_bytes(&mut self, at: Duration, paint: Ansi, lead: &str, bytes: &[u8]) {
        let (begin, text, end) = parted(bytes);
        self.put_parts(at, &[(paint, lead.as_bytes()), (DIM, begin), (paint, text), (DIM, end)]);
    }

    /// Puts a line of the exchange, cut to the width if that is wanted.
    fn put_parts(&mut self, at: Duration, parts: &[(Ansi, &[u8])]) {
        self.put_held();
        let time = self.time_column(at);
        self.paint(DIM, &time);
        let mut room = match self.form.overlong {
            Overlong::Whole => usize::MAX,
            Overlong::Cut => self.look.width.saturating_sub(columns(&time)).max(1),
        };
        for (paint, part) in parts {
            // A character has four bytes at most: what is behind cannot be shown anyway.
            let reach = room.saturating_mul(4).saturating_add(4);
            let text = as_text(|text| push_visible(text, &part[..part.len().min(reach)]));
            let shown = cut(&text, room, self.look.style);
            room -= columns(&shown).min(room);
            self.paint(*paint, &shown);
            if shown != text || room == 0 {
                break;
            }
        }
        self.text.push('\n');
    }

    /// What says that something that was sent came back.
    fn echoed(&self) -> &'static str {
        self.sign("⏎ echoed", "(echoed)")
    }

    /// Returns the time of a row. No row is earlier than the one before it.
    fn time_column(&mut self, at: Duration) -> String {
        self.has_said = true;
        self.exchange.shown_at = self.exchange.shown_at.max(at);
        as_text(|text| {
            text.extend_from_slice(Seconds::new(self.exchange.shown_at, TIME_WIDTH).as_bytes());
            text.extend_from_slice(b"  ");
        })
    }

    fn paint(&mut self, paint: Ansi, text: &str) {
        if self.look.style != Style::Colour || paint == PLAIN || text.is_empty() {
            self.text.push_str(text);
        } else {
            self.text.push_str(&format!("{paint}{text}{paint:#}"));
        }
    }

    fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.look.style == Style::Ascii { ascii } else { unicode }
    }

    /// Writes what is to be said, in one piece, over the status line.
    fn write(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        if !self.shown.is_empty() {
            self.text.insert_str(0, ERASE);
            self.shown.clear();
        }
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        self.out.flush()
    }
}

impl<W: Write> Sink for Console<'_, W> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.tally.add(event);
        if self.status == Status::Shown {
            self.live.tell(event);
        }
        // A verdict that a clean-up failed needs its reason.
        if self.volume == Volume::Normal || matches!(event.kind, EventKind::CleanupFailed(_)) {
            self.say(event);
        }
        self.say_device_failure(event);
        if let EventKind::RunEnded { verdict, .. } = &event.kind {
            self.put_everything();
            self.say_verdict(*verdict);
        }
        // Who watches sees at once what is told; a file or a pipe is filled in larger pieces.
        let is_watched = self.status == Status::Shown || matches!(event.kind, EventKind::RunEnded { .. });
        if is_watched || self.text.len() >= GATHERED { self.write() } else { Ok(()) }
    }

    fn has_unwritten(&self) -> bool {
        !self.text.is_empty() || self.exchange.is_holding()
    }

    /// An echo that has not come for a while is marked in a row of its own.
    fn write_out(&mut self) -> io::Result<()> {
        if self.exchange.is_holding() && self.exchange.is_overdue() {
            self.put_everything();
        }
        self.write()
    }

    fn wants(&self) -> Wants {
        Wants { traffic: self.volume == Volume::Normal, waits: self.status == Status::Shown }
    }

    fn progress(&mut self, progress: &Progress) {
        self.live.progress(progress);
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) -> io::Result<()> {
        if self.status == Status::Hidden {
            return Ok(());
        }
        let width = self.look.width.saturating_sub(1);
        match self.live.line(now, why, self.sources, self.look, width) {
            Some(line) if line != self.shown => {
                self.text.push_str(ERASE);
                self.paint(DIM, &line);
                self.out.write_all(self.text.as_bytes())?;
                self.text.clear();
                self.shown = line;
                self.out.flush()
            }
            Some(_) | None => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.put_everything();
        self.write()?;
        if !self.shown.is_empty() {
            self.shown.clear();
            self.out.write_all(ERASE.as_bytes())?;
        }
        self.out.flush()
    }
}

/// Returns what is appended to an empty text.
fn as_text(append: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut text = Vec::new();
    append(&mut text);
    String::from_utf8(text).expect("what is shown is UTF-8")
}

fn indent(depth: u32) -> String {
    "  ".repeat(depth as usize)
}

fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn lasting(took: Duration) -> String {
    format!("{} s", Moment::after(took))
}

#[cfg(test)]
mod tests;
