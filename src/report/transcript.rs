//! `Transcript`: a run as a text that can be compared line by line.
//!
//! One line an event, and one for each line that came. Behind the time, in seconds since the beginning:
//!
//! | sign | what |
//! |---|---|
//! | `>` | sent, with its line end |
//! | `<` | received, with its line end; empty lines before it stay with it; what `read` took is one line |
//! | `=` | a variable that was captured |
//! | `+` | a result that is safe on disk |
//! | `#` | a `log` |
//! | `|` | what the program of a hook wrote |
//! | `-` | a note of the engine, the port |
//! | `!` | a failure |
//! | `--` | a step begins or ends, moved in by the steps around it; the end of the run |
//!
//! Where a flow declares ports, the name of the port stands in front of `>`, `<`, `=` and `-`.
//!
//! It begins with the flow, the port and the line, then with what makes the run traceable, if somebody gave that
//! ([`Transcript::about`]). Nothing else depends on the machine: snapshots, which lack that part, are the same on each.

use std::io::{self, Write};
use std::time::Duration;

use super::Sink;
use super::failure::{diagnostic_of, notes_of};
use super::joined::Joined;
use super::lines::{Seconds, lines};
use super::port_names::PortNames;
use super::summary::remark;
use crate::diagnostic::render::{Style, render_place};
use crate::event::{CloseReason, Event, EventKind, Failure, RunHeader, RunPort, StepOutcome};
use crate::origin::About;
use crate::port_id::PortId;
use crate::source::Sources;
use crate::time::Moment;
use crate::value::escape::{push_harmless, push_visible};

/// Columns of the time.
const TIME_WIDTH: usize = 9;

/// Whether a transcript has times in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Each line begins with its time, and durations are told.
    Shown,
    /// No time and no duration anywhere, and input is joined however the system cut it into reads: two runs that did the same
    /// have the same transcript. Line ends stand before the next text if they came after a match; those at the end of the run
    /// are left out.
    Hidden,
}

/// How much is gathered before it is written, unless [`Transcript::gathering`] says otherwise.
const GATHERED: usize = 32 * 1024;

/// Room for the event which makes it too much, so that the memory for what is gathered need not grow.
const MARGIN: usize = 512;

/// Files are kept in pages of this size; to write whole ones costs half of what parts do.
const PAGE: usize = 4096;

/// Writes a transcript while the run goes on: what is told is written within a moment, see [`Sink::write_out`], and
/// a failure or a saved result at once.
#[derive(Debug)]
pub struct Transcript<'a, W: Write> {
    pub(super) out: W,
    sources: &'a Sources,
    times: Times,
    /// UTF-8, as bytes: a write may end within a character.
    text: Vec<u8>,
    gathered: usize,
    /// How much of the last page has been written.
    in_page: usize,
    /// How many steps were skipped, and how many clean-ups failed.
    remarks: (u64, u64),
    /// The time of the last line as text, and its milliseconds: lines that come together have the same.
    stamp: ((u64, u32), Seconds),
    /// Input that is not in the text yet, if times are hidden.
    joined: Joined,
    /// What stands in front of the sign of what belongs to a port.
    names: PortNames,
    /// What makes the run traceable: names and values.
    about: Vec<(&'static str, String)>,
}

impl<'a, W: Write> Transcript<'a, W> {
    /// Makes a transcript that goes to `out`; places are those of `sources`.
    pub fn new(out: W, sources: &'a Sources, times: Times) -> Transcript<'a, W> {
        let stamp = ((u64::MAX, u32::MAX), Seconds::new(Duration::ZERO, TIME_WIDTH));
        Transcript {
            out,
            sources,
            times,
            text: Vec::new(),
            gathered: GATHERED,
            in_page: 0,
            remarks: (0, 0),
            stamp,
            joined: Joined::default(),
            names: PortNames::default(),
            about: Vec::new(),
        }
    }

    /// Begins with what makes the run traceable too.
    #[must_use]
    pub fn about(self, about: &About) -> Transcript<'a, W> {
        Transcript { about: about.rows(), ..self }
    }

    /// Gathers about so many bytes before they are written: fewer where many transcripts are written at once.
    pub fn gathering(self, most: usize) -> Transcript<'a, W> {
        Transcript { gathered: most.max(MARGIN), ..self }
    }

    /// Hands everything on to where it is kept.
    ///
    /// # Errors
    ///
    /// What `W` says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.write_to(self.text.len())?;
        self.out.flush()
    }

    /// Writes what fills pages; all of it if that is none.
    fn write_pages(&mut self) -> io::Result<()> {
        let behind = (self.in_page + self.text.len()) % PAGE;
        let end = self.text.len().checked_sub(behind).unwrap_or(self.text.len());
        self.write_to(end)
    }

    /// Writes what stands before `end`.
    fn write_to(&mut self, end: usize) -> io::Result<()> {
        self.out.write_all(&self.text[..end])?;
        self.text.drain(..end);
        self.in_page = (self.in_page + end) % PAGE;
        Ok(())
    }

    fn put(&mut self, at: Duration, lead: &str, bytes: &[u8]) {
        self.begin(at, lead);
        self.put_visible(bytes);
    }

    /// Puts a line about a port.
    fn put_on(&mut self, at: Duration, port: PortId, lead: &str, bytes: &[u8]) {
        self.begin_on(at, port, lead);
        self.put_visible(bytes);
    }

    fn put_visible(&mut self, bytes: &[u8]) {
        push_visible(&mut self.text, bytes);
        self.text.push(b'\n');
    }

    /// Puts input as lines, each with its end.
    fn put_lines(&mut self, at: Duration, port: PortId, bytes: &[u8]) {
        lines(bytes).for_each(|line| self.put_on(at, port, "< ", line));
    }

    /// Puts input of a port, at once or joined with what follows it.
    fn put_received(&mut self, at: Duration, port: PortId, bytes: &[u8], is_block: bool) {
        match self.times {
            Times::Shown if is_block => self.put_on(at, port, "< ", bytes),
            Times::Shown => self.put_lines(at, port, bytes),
            Times::Hidden if is_block => {
                let before = self.joined.all(port);
                self.put_lines(at, port, &before);
                self.put_on(at, port, "< ", bytes);
            }
            Times::Hidden => self.joined.take(port, bytes),
        }
    }

    /// Puts the input that was joined up to now, since something else follows it.
    fn put_joined(&mut self, at: Duration) {
        if matches!(self.times, Times::Shown) {
            return;
        }
        for (port, text) in self.joined.texts() {
            self.put_lines(at, port, &text);
        }
    }

    /// Puts a line with the name of a variable and its value.
    fn put_value(&mut self, at: Duration, port: PortId, name: &str, value: &[u8]) {
        self.begin_on(at, port, "= ");
        push_harmless(&mut self.text, name.as_bytes());
        self.text.extend_from_slice(b": ");
        push_visible(&mut self.text, value);
        self.text.push(b'\n');
    }

    /// Puts a line of words, in which data was made visible.
    fn put_words(&mut self, at: Duration, lead: &str, words: &str) {
        self.begin(at, lead);
        push_harmless(&mut self.text, words.as_bytes());
        self.text.push(b'\n');
    }

    /// The same, about a port.
    fn put_words_on(&mut self, at: Duration, port: PortId, words: &str) {
        self.begin_on(at, port, "- ");
        push_harmless(&mut self.text, words.as_bytes());
        self.text.push(b'\n');
    }

    /// Begins a line about a port.
    fn begin_on(&mut self, at: Duration, port: PortId, lead: &str) {
        self.begin_line(at, Some(port), lead);
    }

    /// Begins a line: the time and what it is.
    fn begin(&mut self, at: Duration, lead: &str) {
        self.begin_line(at, None, lead);
    }

    fn begin_line(&mut self, at: Duration, port: Option<PortId>, lead: &str) {
        if self.times == Times::Shown {
            let ms = (at.as_secs(), at.subsec_millis());
            if self.stamp.0 != ms {
                self.stamp = (ms, Seconds::new(at, TIME_WIDTH));
            }
            self.text.extend_from_slice(self.stamp.1.as_bytes());
            self.text.push(b' ');
        }
        let name = port.map_or("", |port| self.names.of(port));
        if !name.is_empty() {
            self.text.extend_from_slice(name.as_bytes());
        }
        self.text.extend_from_slice(lead.as_bytes());
    }

    fn put_header(&mut self, header: &RunHeader) {
        let mut rows = vec![(header.kind.as_str(), header.title.clone())];
        if header.ports.is_empty() {
            rows.extend([("port", header.port.clone()), ("line", header.line.clone())]);
        }
        let port = |port: &RunPort| ("port", format!("{} at {}, {}", port.name, port.address, port.line));
        rows.extend(header.ports.iter().map(port));
        rows.extend(std::mem::take(&mut self.about));
        for (name, value) in rows {
            push_harmless(&mut self.text, name.as_bytes());
            self.text.extend_from_slice(b": ");
            push_harmless(&mut self.text, value.as_bytes());
            self.text.push(b'\n');
        }
        self.text.push(b'\n');
    }

    fn put_step(&mut self, at: Duration, depth: u32, what: &str, title: &str, more: &str) {
        self.begin(at, "-- ");
        for _ in 0..depth {
            self.text.extend_from_slice(b"  ");
        }
        self.text.extend_from_slice(what.as_bytes());
        push_harmless(&mut self.text, title.as_bytes());
        self.text.extend_from_slice(more.as_bytes());
        self.text.push(b'\n');
    }

    fn put_failure(&mut self, at: Duration, failure: &Failure) {
        let diagnostic = diagnostic_of(failure);
        let message = format!("{} [{}]", diagnostic.message, diagnostic.code.text());
        self.put_words(at, "! ", &message);
        for label in diagnostic.label.iter().chain(&diagnostic.others) {
            let place = format!("{}: {}", render_place(label.site, self.sources), label.text);
            self.put_words(at, "!   at   ", &place);
        }
        for note in notes_of(failure, Style::Plain) {
            for line in note.lines {
                let lead = format!("!   {} ", note.title);
                self.put_words(at, &lead, &line);
            }
        }
        for line in diagnostic.help.iter().flat_map(|help| help.lines()) {
            self.put_words(at, "!   help ", line);
        }
    }

    fn put_closed(&mut self, at: Duration, port: PortId, reason: &CloseReason) {
        match reason {
            CloseReason::Finished => self.put_on(at, port, "- ", b"port closed"),
            CloseReason::HungUp { .. } => self.put_on(at, port, "- ", b"port hung up"),
            CloseReason::CannotOpen { reason, .. } => {
                self.put_words_on(at, port, &format!("port cannot be opened: {reason}"));
            }
            CloseReason::Broken { reason, .. } => self.put_words_on(at, port, &format!("port broken: {reason}")),
            CloseReason::DeviceFailed(failure) => {
                self.put_on(at, port, "- ", b"the simulated device failed");
                self.put_failure(at, failure);
            }
        }
    }

    /// A duration as the end of a line, if durations are shown.
    fn lasting(&self, took: Duration) -> String {
        match self.times {
            Times::Shown => format!(", {} s", Moment::after(took)),
            Times::Hidden => String::new(),
        }
    }
}

impl<W: Write> Sink for Transcript<'_, W> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        if self.text.capacity() == 0 {
            self.text.reserve_exact(self.gathered + MARGIN);
        }
        let at = event.at.since_start();
        if !matches!(event.kind, EventKind::Received { .. }) {
            self.put_joined(at);
        }
        let port = event.port;
        match &event.kind {
            EventKind::RunStarted(header) => {
                self.names.tell(event);
                self.put_header(header);
            }
            EventKind::StepBegan { title, attempt, attempts, depth } => {
                let more = if *attempt > 1 { format!(", attempt {attempt} of {attempts}") } else { String::new() };
                self.put_step(at, *depth, "step ", title, &more);
            }
            EventKind::StepEnded { title, outcome, attempt, took, depth } => {
                let (what, attempt) = match outcome {
                    StepOutcome::Passed if *attempt > 1 => ("flaky ", format!(", attempt {attempt}")),
                    StepOutcome::Passed => ("passed ", String::new()),
                    StepOutcome::WillRetry => ("again ", format!(", attempt {attempt} failed")),
                    StepOutcome::Failed if *attempt > 1 => ("failed ", format!(", attempt {attempt}")),
                    StepOutcome::Failed => ("failed ", String::new()),
                    StepOutcome::Skipped => {
                        self.remarks.0 += 1;
                        ("skipped ", String::new())
                    }
                };
                let more = attempt + &self.lasting(*took);
                self.put_step(at, *depth, what, title, &more);
            }
            EventKind::Opened => self.put_on(at, port, "- ", b"port open"),
            EventKind::Closed(reason) => self.put_closed(at, port, reason),
            EventKind::Sent { bytes } => self.put_on(at, port, "> ", bytes),
            EventKind::Received { bytes, block, .. } => self.put_received(at, port, bytes, *block),
            EventKind::Matched { .. } => return Ok(()),
            EventKind::Captured { name, value } => self.put_value(at, port, name, value),
            EventKind::Measured(measured) => {
                self.put_value(at, port, &measured.name, measured.to_string().as_bytes());
            }
            EventKind::Saved { name } => self.put_words(at, "+ ", name),
            EventKind::Logged { text } => self.put(at, "# ", text),
            EventKind::HookSaid { text } => self.put(at, "| ", text),
            EventKind::Noted { text } => self.put_words_on(at, port, text),
            EventKind::Transfer(file) => file.shown().iter().for_each(|text| self.put_words_on(at, port, text)),
            EventKind::Skipped { why } => self.put_words(at, "- ", &format!("skipped: {why}")),
            EventKind::CleanupFailed(failure) => {
                self.remarks.1 += 1;
                self.put(at, "! ", b"clean-up failed");
                self.put_failure(at, failure);
            }
            EventKind::Failed(failure) => self.put_failure(at, failure),
            EventKind::RunEnded { verdict, .. } => {
                let (n_skipped, n_failed) = self.remarks;
                let remarks = [remark(n_skipped, "step", "skipped"), remark(n_failed, "clean-up", "failed")];
                let remarks: String = remarks.into_iter().flatten().map(|remark| format!(", {remark}")).collect();
                let more = remarks + &self.lasting(at);
                self.put_step(at, 0, verdict.title(), "", &more);
            }
        }
        let is_urgent =
            matches!(event.kind, EventKind::Failed(_) | EventKind::Saved { .. } | EventKind::RunEnded { .. });
        if is_urgent {
            self.flush()
        } else if self.text.len() >= self.gathered {
            self.write_pages()
        } else {
            Ok(())
        }
    }

    fn has_unwritten(&self) -> bool {
        !self.text.is_empty()
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::port_id::PortId;
    use crate::report::summary;

    fn transcript(times: Times) -> String {
        let (sources, events) = summary::tests::example();
        let mut out = Vec::new();
        let mut transcript = Transcript::new(&mut out, &sources, times);
        for event in &events {
            transcript.tell(event).expect("a Vec takes whatever is written");
        }
        transcript.end().expect("a Vec can be flushed");
        String::from_utf8(out).expect("a transcript is text")
    }

    #[test]
    fn a_run_is_a_line_an_event() {
        assert_snapshot!(transcript(Times::Shown), @r#"
        flow: Attach to the network
        port: /dev/ttyUSB0
        line: 115200 8N1

            0.003 - port open
            0.003 -- step SIM
            0.004 > AT+CPIN?\r
            0.009 < AT+CPIN?\r
            0.009 < \r\n+CME ERROR: 14\r\n
            5.009 ! line "OK" did not come within 5s [flow::run::timeout]
            5.009 !   at   lib/air.flow:4:3: waited here
            5.009 !   at   main.flow:3:3: called here
            5.009 !   step Network › Attach
            5.009 !   sent AT+CGATT?\r
            5.009 !   came \r\n+CGATT: 0\r\n
            5.009 !   came \r\nERROR\r\n
            5.009 !   help the modem answered ERROR: it does not know the command, or not yet
            5.009 -- again SIM, attempt 1 failed, 5.006 s
            6.009 -- step SIM, attempt 2 of 3
            6.010 > AT+CPIN?\r
            6.020 < AT+CPIN?\r
            6.020 < \r\n+CPIN: READY\r\n
            6.020 < \r\nOK\r\n
            6.020 = pin: READY
            6.020 + pin
            6.020 # SIM is ready
            6.021 -- flaky SIM, attempt 2, 0.012 s
            6.021 -- step Network
            6.021 --   step Attach
            6.021 = vbat: 3.42 V, limits 3.60 .. 4.20, 0.18 V below the lower limit
            6.021 > AT+CGATT?\r
            6.031 < \r\n+CGATT: 0\r\n
            6.031 < \r\nERROR\r\n
            6.040 < \0\x1b[2J\r\n\xffa\n
           11.021 ! line "OK" did not come within 5s [flow::run::timeout]
           11.021 !   at   lib/air.flow:4:3: waited here
           11.021 !   at   main.flow:3:3: called here
           11.021 !   step Network › Attach
           11.021 !   sent AT+CGATT?\r
           11.021 !   came \r\n+CGATT: 0\r\n
           11.021 !   came \r\nERROR\r\n
           11.021 !   help the modem answered ERROR: it does not know the command, or not yet
           11.021 --   failed Attach, 5.000 s
           11.021 - cleaning up
           11.022 -- failed Network, 5.001 s
           11.030 - port closed
           11.031 -- failed, 11.031 s
        "#);
    }

    #[test]
    fn hidden_times_leave_no_time_anywhere() {
        assert_snapshot!(transcript(Times::Hidden), @r#"
        flow: Attach to the network
        port: /dev/ttyUSB0
        line: 115200 8N1

        - port open
        -- step SIM
        > AT+CPIN?\r
        < AT+CPIN?\r
        < \r\n+CME ERROR: 14\r\n
        ! line "OK" did not come within 5s [flow::run::timeout]
        !   at   lib/air.flow:4:3: waited here
        !   at   main.flow:3:3: called here
        !   step Network › Attach
        !   sent AT+CGATT?\r
        !   came \r\n+CGATT: 0\r\n
        !   came \r\nERROR\r\n
        !   help the modem answered ERROR: it does not know the command, or not yet
        -- again SIM, attempt 1 failed
        -- step SIM, attempt 2 of 3
        > AT+CPIN?\r
        < AT+CPIN?\r
        < \r\n+CPIN: READY\r\n
        < \r\nOK\r\n
        = pin: READY
        + pin
        # SIM is ready
        -- flaky SIM, attempt 2
        -- step Network
        --   step Attach
        = vbat: 3.42 V, limits 3.60 .. 4.20, 0.18 V below the lower limit
        > AT+CGATT?\r
        < \r\n+CGATT: 0\r\n
        < \r\nERROR\r\n
        < \0\x1b[2J\r\n\xffa\n
        ! line "OK" did not come within 5s [flow::run::timeout]
        !   at   lib/air.flow:4:3: waited here
        !   at   main.flow:3:3: called here
        !   step Network › Attach
        !   sent AT+CGATT?\r
        !   came \r\n+CGATT: 0\r\n
        !   came \r\nERROR\r\n
        !   help the modem answered ERROR: it does not know the command, or not yet
        --   failed Attach
        - cleaning up
        -- failed Network
        - port closed
        -- failed
        "#);
    }

    #[test]
    fn nothing_in_a_transcript_is_a_control_character_but_its_line_ends() {
        let text = transcript(Times::Shown);
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text:?}");
    }

    #[test]
    fn pages_are_written_whole_and_nothing_is_lost_between_them() {
        /// Notes how much each write had.
        #[derive(Default)]
        struct Written(Vec<u8>, Vec<usize>);
        impl Write for Written {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.extend_from_slice(bytes);
                self.1.push(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sources = Sources::default();
        let line = |n: u64| EventKind::Received { bytes: format!("{n} é\r\n").into_bytes(), block: false, echo: None };
        let told = |mut transcript: Transcript<'_, &mut Written>, has_pause: bool| {
            for n in 0..2000 {
                let event = Event { at: Moment::from_millis(n), port: PortId::FIRST, site: None, kind: line(n) };
                transcript.tell(&event).expect("a Vec takes whatever is written");
                if has_pause && n == 100 {
                    transcript.write_out().expect("a Vec takes whatever is written");
                }
            }
            transcript.end().expect("a Vec takes whatever is written");
        };
        let (mut plain, mut paused) = (Written::default(), Written::default());
        told(Transcript::new(&mut plain, &sources, Times::Shown), false);
        told(Transcript::new(&mut paused, &sources, Times::Shown).gathering(PAGE), true);
        assert_eq!(plain.0, paused.0);
        let (last, whole) = plain.1.split_last().expect("something is written");
        assert!(whole.iter().all(|n| n % PAGE == 0), "{whole:?} {last}");
        let ends: Vec<usize> = paused
            .1
            .iter()
            .scan(0, |sum, n| {
                *sum += n;
                Some(*sum)
            })
            .collect();
        assert!(ends[1..ends.len() - 1].iter().all(|end| end % PAGE == 0), "{ends:?}");
    }

    #[test]
    fn a_closed_port_says_why() {
        let (sources, mut failure) = crate::report::failure::tests::example();
        failure.came = None;
        let mut out = Vec::new();
        let mut transcript = Transcript::new(&mut out, &sources, Times::Hidden);
        for reason in [
            CloseReason::unplugged(),
            CloseReason::CannotOpen { reason: "no such file".to_string(), help: None },
            CloseReason::Broken { reason: "input/output error".to_string(), help: None },
            CloseReason::DeviceFailed(Box::new(failure)),
        ] {
            let event = Event { at: Moment::START, port: PortId::FIRST, site: None, kind: EventKind::Closed(reason) };
            transcript.tell(&event).expect("a Vec takes whatever is written");
        }
        transcript.end().expect("a Vec takes whatever is written");
        assert_snapshot!(String::from_utf8(out).expect("a transcript is text"), @r#"
        - port hung up
        - port cannot be opened: no such file
        - port broken: input/output error
        - the simulated device failed
        ! line "OK" did not come within 5s [flow::run::timeout]
        !   at   lib/air.flow:4:3: waited here
        !   at   main.flow:3:3: called here
        !   step Network › Attach
        !   sent AT+CGATT?\r
        !   help the modem answered ERROR: it does not know the command, or not yet
        "#);
    }
}
