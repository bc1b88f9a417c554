//! `Gathered`: the lines of a run and what each belongs to, gathered while the run goes on and bounded however long it is.

mod series;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Sink;
use super::lines::{Seconds, lines};
use super::spark::PastTimes;
use super::summary::Tally;
use super::transcript::{Times, Transcript};
use crate::event::{EchoOf, EchoPart, Event, EventKind, Failure, StepOutcome};
use crate::source::{Site, Sources};
use series::AllSeries;
pub(super) use series::Series;

/// How much of the beginning of a run is kept, in bytes.
const HEAD: usize = 4 << 20;
/// How much of the end of a run is kept besides.
const TAIL: usize = 28 << 20;
/// The end is kept, and given up, in pieces of about this size.
const PIECE: usize = 1 << 20;
/// So many patterns are kept as texts; places in the flow are kept of all.
const MOST_PATTERNS: usize = 1000;
/// So long a pattern may be.
const LONGEST_PATTERN: usize = 400;
/// So many failures of clean-ups are kept.
const MOST_CLEANUPS: usize = 20;

/// What a page shows of a run.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// What makes it traceable, as names and values.
    pub(super) about: Vec<(String, String)>,
    /// How long the device took in earlier runs.
    pub(super) past: Vec<PastTimes>,
    pub(super) tally: Tally,
    pub(super) cleanups: Vec<Failure>,
    pub(super) series: Vec<Series>,
    /// The lines, as a transcript has them.
    pub(super) pieces: Vec<Piece>,
    /// Every statement that something belongs to.
    pub(super) sites: Vec<Site>,
    /// What was awaited, in words.
    pub(super) patterns: Vec<Arc<str>>,
    /// How many lines were given up between the first piece and the second.
    pub(super) n_left_out: u64,
}

/// Lines that follow one another, and what belongs to them; lines are counted from the first of the piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) n_lines: u32,
    /// How many lines belong to a statement: its number among the sites counted from 1, or 0 for none.
    pub(super) runs: Vec<(u32, u32)>,
    pub(super) matches: Vec<Match>,
    pub(super) marks: Vec<(u32, Mark)>,
    /// Lines that are an echo as a whole.
    pub(super) echoes: Vec<u32>,
    begun: Duration,
}

/// A wait that found what it waited for, behind a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// The line that was the last when it did.
    pub(super) line: u32,
    pub(super) site: u32,
    /// Which pattern, counted from 1, or 0 if its text is not kept.
    pub(super) pattern: u32,
    pub(super) waited: Duration,
}

/// Where an attempt at a step begins or ends, at a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Began { depth: u32 },
    Ended { depth: u32, outcome: StepOutcome },
}

/// Gathers the exchange of a run.
#[derive(Debug)]
pub struct Gatherer<'a> {
    transcript: Transcript<'a, Vec<u8>>,
    tally: Tally,
    cleanups: Vec<Failure>,
    series: AllSeries,
    head: Piece,
    tail: VecDeque<Piece>,
    tail_size: usize,
    sites: HashMap<Site, u32>,
    patterns: HashMap<Arc<str>, u32>,
    n_left_out: u64,
}

impl<'a> Gatherer<'a> {
    /// Begins with a run whose places are those of `sources`.
    pub fn new(sources: &'a Sources) -> Gatherer<'a> {
        Gatherer {
            transcript: Transcript::new(Vec::new(), sources, Times::Shown),
            tally: Tally::default(),
            cleanups: Vec::new(),
            series: AllSeries::default(),
            head: Piece::default(),
            tail: VecDeque::new(),
            tail_size: 0,
            sites: HashMap::new(),
            patterns: HashMap::new(),
            n_left_out: 0,
        }
    }

    /// Takes in the next event.
    pub fn add(&mut self, event: &Event) {
        self.tally.add(event);
        self.transcript.tell(event).and_then(|()| self.transcript.flush()).expect("memory takes everything");
        let bytes = std::mem::take(&mut self.transcript.out);
        if let EventKind::RunStarted(_) = event.kind {
            // What stands above the lines is told by the page itself.
            return;
        }
        let text = String::from_utf8(bytes).expect("a transcript is text");
        let site = event.site.map_or(0, |site| number_of(&mut self.sites, site));
        self.push(event.at.since_start(), &text, site);
        match &event.kind {
            EventKind::StepBegan { depth, .. } => self.mark(Mark::Began { depth: *depth }),
            EventKind::StepEnded { depth, outcome, .. } => {
                self.mark(Mark::Ended { depth: *depth, outcome: *outcome });
            }
            EventKind::Received { bytes, block: false, echo: Some(echo) } => self.mark_echo(bytes, echo),
            EventKind::Matched { pattern, waited, .. } => self.push_match(site, pattern, *waited),
            EventKind::Measured(measured) => self.series.add(measured),
            EventKind::CleanupFailed(failure) if self.cleanups.len() < MOST_CLEANUPS => {
                self.cleanups.push((**failure).clone());
            }
            EventKind::CleanupFailed(_)
            | EventKind::RunStarted(_)
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Captured { .. }
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Transfer(_)
            | EventKind::Noted { .. }
            | EventKind::Skipped { .. }
            | EventKind::Failed(_)
            | EventKind::RunEnded { .. } => {}
        }
    }

    /// Returns what was gathered.
    pub fn finish(self) -> Gathered {
        let mut sites: Vec<(Site, u32)> = self.sites.into_iter().collect();
        sites.sort_unstable_by_key(|(_, number)| *number);
        let mut patterns: Vec<(Arc<str>, u32)> = self.patterns.into_iter().collect();
        patterns.sort_unstable_by_key(|(_, number)| *number);
        Gathered {
            about: Vec::new(),
            past: Vec::new(),
            tally: self.tally,
            cleanups: self.cleanups,
            series: self.series.all(),
            pieces: std::iter::once(self.head).chain(self.tail).filter(|piece| piece.n_lines > 0).collect(),
            sites: sites.into_iter().map(|(site, _)| site).collect(),
            patterns: patterns.into_iter().map(|(pattern, _)| pattern).collect(),
            n_left_out: self.n_left_out,
        }
    }

    /// Takes in lines that belong to a statement.
    fn push(&mut self, at: Duration, text: &str, site: u32) {
        if text.is_empty() {
            return;
        }
        let n_lines = text.bytes().filter(|byte| *byte == b'\n').count() as u32;
        let is_beginning = self.tail.is_empty() && self.head.text.len() + text.len() <= HEAD;
        if !is_beginning {
            let has_room = self.tail.back().is_some_and(|piece| piece.text.len() < PIECE);
            if !has_room {
                self.tail.push_back(Piece { begun: at, ..Piece::default() });
            }
            self.tail_size += text.len();
            while self.tail_size > TAIL && self.tail.len() > 1 {
                let given_up = self.tail.pop_front().expect("there are two at least");
                self.tail_size -= given_up.text.len();
                self.n_left_out += u64::from(given_up.n_lines);
            }
        }
        let piece = self.last();
        piece.text.push_str(text);
        piece.n_lines += n_lines;
        match piece.runs.last_mut() {
            Some((n, same)) if *same == site => *n += n_lines,
            Some(_) | None => piece.runs.push((n_lines, site)),
        }
    }

    fn mark(&mut self, mark: Mark) {
        let piece = self.last();
        piece.marks.push((piece.n_lines.saturating_sub(1), mark));
    }

    /// Marks the lines that are an echo as a whole, of those that were pushed last.
    fn mark_echo(&mut self, bytes: &[u8], echo: &EchoPart) {
        match echo.of {
            EchoOf::Last | EchoOf::Next => {}
            // It may be an answer that begins like it.
            EchoOf::Maybe => return,
        }
        let ends: Vec<(usize, usize)> = lines(bytes)
            .scan(0, |at, line| {
                let begin = *at;
                *at += line.len();
                Some((begin, *at))
            })
            .collect();
        let piece = self.last();
        let first = piece.n_lines.saturating_sub(ends.len() as u32);
        let is_echo = |(begin, end): &(usize, usize)| *begin >= echo.at.start && *end <= echo.at.end;
        piece.echoes.extend((first..).zip(&ends).filter(|(_, line)| is_echo(line)).map(|(line, _)| line));
    }

    fn push_match(&mut self, site: u32, pattern: &Arc<str>, waited: Duration) {
        let next = self.patterns.len() as u32 + 1;
        let number = match self.patterns.get(pattern) {
            Some(number) => *number,
            None if self.patterns.len() < MOST_PATTERNS && pattern.len() <= LONGEST_PATTERN => {
                self.patterns.insert(pattern.clone(), next);
                next
            }
            None => 0,
        };
        let piece = self.last();
        // What was found had come before the piece if nothing is in it.
        if let Some(line) = piece.n_lines.checked_sub(1) {
            piece.matches.push(Match { line, site, pattern: number, waited });
        }
    }

    fn last(&mut self) -> &mut Piece {
        self.tail.back_mut().unwrap_or(&mut self.head)
    }
}

impl Gathered {
    /// Returns the exchange of a run that is over.
    pub fn of(events: &[Event], sources: &Sources) -> Gathered {
        let mut gatherer = Gatherer::new(sources);
        events.iter().for_each(|event| gatherer.add(event));
        gatherer.finish()
    }

    /// Says what makes the run traceable.
    #[must_use]
    pub fn about(self, about: Vec<(String, String)>) -> Gathered {
        Gathered { about, ..self }
    }

    /// Says how long the device took in earlier runs.
    #[must_use]
    pub fn past(self, past: Vec<PastTimes>) -> Gathered {
        Gathered { past, ..self }
    }

    /// Returns the lines, at most about so many bytes of them: of more the end and a quarter from the beginning, with a line
    /// between that counts what is left out.
    pub(super) fn excerpt(&self, most: usize) -> String {
        let size: usize = self.pieces.iter().map(|piece| piece.text.len()).sum();
        if size <= most && self.n_left_out == 0 {
            return self.pieces.iter().map(|piece| piece.text.as_str()).collect();
        }
        let n_lines: u64 = self.pieces.iter().map(|piece| u64::from(piece.n_lines)).sum::<u64>() + self.n_left_out;
        let mut begin = String::new();
        for line in self.pieces.first().into_iter().flat_map(|piece| piece.text.split_inclusive('\n')) {
            if begin.len() + line.len() > most / 4 {
                break;
            }
            begin.push_str(line);
        }
        let mut end: VecDeque<&str> = VecDeque::new();
        let (mut room, mut behind) = (most - most / 4, size - begin.len());
        for line in self.pieces.iter().rev().flat_map(|piece| piece.text.split_inclusive('\n').rev()) {
            // A line stands in one of both parts.
            if line.len() > room || line.len() > behind {
                break;
            }
            (room, behind) = (room - line.len(), behind - line.len());
            end.push_front(line);
        }
        let n_kept = (begin.lines().count() + end.len()) as u64;
        let gap =
            format!("… {} lines are left out here: `--transcript FILE` keeps all\n", n_lines.saturating_sub(n_kept));
        [begin, gap, end.into_iter().collect()].concat()
    }

    /// Returns a line that says what is missing before the second piece; nothing if nothing is.
    pub(super) fn gap(&self) -> Option<String> {
        let behind = self.pieces.get(1).filter(|_| self.n_left_out > 0)?;
        let at = Seconds::new(behind.begun, 9);
        let time = String::from_utf8_lossy(at.as_bytes());
        Some(format!("{time} - {} lines are left out here: `--transcript FILE` keeps all\n", self.n_left_out))
    }
}

fn number_of(sites: &mut HashMap<Site, u32>, site: Site) -> u32 {
    let next = sites.len() as u32 + 1;
    *sites.entry(site).or_insert(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port_id::PortId;
    use crate::report::summary;
    use crate::time::Moment;

    #[test]
    fn every_line_belongs_to_a_statement_or_to_none() {
        let (sources, events) = summary::tests::example();
        let mut gatherer = Gatherer::new(&sources);
        events.iter().for_each(|event| gatherer.add(event));
        let gathered = gatherer.finish();
        assert_eq!(gathered.pieces.len(), 1);
        let piece = &gathered.pieces[0];
        assert_eq!(piece.text.lines().count(), piece.n_lines as usize);
        assert_eq!(piece.runs.iter().map(|(n, _)| n).sum::<u32>(), piece.n_lines);
        assert_eq!(piece.marks.len(), 8, "four attempts begin and end");
        for (line, mark) in &piece.marks {
            let line = piece.text.lines().nth(*line as usize).expect("it is there");
            let is_begin = matches!(mark, Mark::Began { .. });
            assert_eq!(line.contains("step "), is_begin, "{line}");
        }
        assert_eq!((gathered.gap(), gathered.series.len()), (None, 1));
    }

    #[test]
    fn the_lines_of_an_echo_are_marked_and_no_others() {
        let sources = Sources::default();
        let mut gatherer = Gatherer::new(&sources);
        let came = |text: &str, at: std::ops::Range<usize>, of| {
            let echo = Some(EchoPart { at, of });
            let kind = EventKind::Received { bytes: text.as_bytes().to_vec(), block: false, echo };
            Event { at: Moment::START, port: PortId::FIRST, site: None, kind }
        };
        gatherer.add(&came("AT\r\r\nOK\r\n", 0..3, EchoOf::Last));
        gatherer.add(&came("AT+X", 0..4, EchoOf::Maybe));
        gatherer.add(&came("late\nAT\r\n", 5..9, EchoOf::Next));
        let gathered = gatherer.finish();
        let piece = &gathered.pieces[0];
        let echoes: Vec<&str> = piece.echoes.iter().filter_map(|line| piece.text.lines().nth(*line as usize)).collect();
        assert_eq!(echoes, ["    0.000 < AT\\r", "    0.000 < AT\\r\\n"]);
    }

    #[test]
    fn an_excerpt_has_the_beginning_and_the_end_and_counts_what_is_left_out() {
        let sources = Sources::default();
        let mut gatherer = Gatherer::new(&sources);
        for i in 0..1000 {
            let kind = EventKind::Received { bytes: format!("{i:04}\n").into_bytes(), block: false, echo: None };
            gatherer.add(&Event { at: Moment::from_millis(i), port: PortId::FIRST, site: None, kind });
        }
        let gathered = gatherer.finish();
        let whole = gathered.excerpt(1 << 20);
        assert_eq!(whole.lines().count(), 1000);
        let cut = gathered.excerpt(4000);
        assert!(cut.len() < 4100 && cut.contains("< 0000") && cut.contains("< 0999"), "{cut}");
        let n_left: usize =
            cut.split("… ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("it is counted");
        assert_eq!(n_left + cut.lines().count() - 1, 1000);
        assert_eq!(gathered.excerpt(whole.len() - 1).matches("… ").count(), 1);
        let one = gathered.excerpt(10);
        assert_eq!(one, "… 1000 lines are left out here: `--transcript FILE` keeps all\n");
    }

    #[test]
    fn of_a_long_run_its_beginning_and_its_end_are_kept() {
        let sources = Sources::default();
        let mut gatherer = Gatherer::new(&sources);
        let n = 1200;
        for i in 0..n {
            let bytes = format!("{i:05}{}\n", "x".repeat(40_000)).into_bytes();
            let kind = EventKind::Received { bytes, block: false, echo: None };
            gatherer.add(&Event { at: Moment::from_millis(i), port: PortId::FIRST, site: None, kind });
        }
        let gathered = gatherer.finish();
        let size: usize = gathered.pieces.iter().map(|piece| piece.text.len()).sum();
        assert!(size <= HEAD + TAIL && size > HEAD + TAIL - 2 * PIECE, "{size}");
        let kept: u64 = gathered.pieces.iter().map(|piece| u64::from(piece.n_lines)).sum();
        assert_eq!(kept + gathered.n_left_out, n);
        assert!(gathered.pieces[0].text.contains("< 00000x"));
        assert!(gathered.pieces.last().expect("there is one").text.contains("< 01199x"));
        let gap = gathered.gap().expect("something is missing");
        assert!(gap.contains(&format!(" - {} lines are left out here", gathered.n_left_out)), "{gap}");
    }
}
