//! `Inbox`: the input of a port: its bytes, their moments, and the lines that they make.
//!
//! Bytes are named by their place in all that the port ever received, counted from 0. A line ends with LF, CR LF,
//! or a CR that no LF follows. Nothing here depends on how the bytes were cut into reads.

use std::collections::VecDeque;
use std::ops::Range;

use super::Silence;
use super::offset::Offset;
use super::tripwire::{Ended, SetFor, Tripwire};
use crate::engine::limits::{self, KEPT, REACH};
use crate::time::Moment;
use crate::value::line_end;

/// How much must have been taken for it to be worth dropping.
const TAKEN: usize = 256;

/// When a CR with nothing behind it ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum BareCr {
    /// At once: what a device hears ends with CR.
    Ends,
    /// Once it has been quiet for the settle time: an LF may follow.
    Waits,
}

/// A complete line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Line {
    /// Where its text stands, without the ending.
    pub text: Range<Offset>,
    /// Where the next line begins.
    pub next: Offset,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// Nobody wanted it: `await` may.
    Unclaimed,
    /// A wait, a read or a handler took it, or a part of it: what stands before `rest_from`.
    Claimed {
        /// Where the rest begins; behind the line if there is none.
        rest_from: Offset,
    },
    /// It is the echo of what was sent.
    Echo,
    /// `ignore` named it.
    Ignored,
}

/// Everything that has come and is still kept.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Inbox {
    /// `bytes[0]` is the byte at `base`.
    bytes: Vec<u8>,
    base: Offset,
    /// Ends of arrivals and their moments, both rising: of those that are not told to their end, and the last.
    arrivals: VecDeque<(Offset, Moment)>,
    /// The first byte of the first line that is not recorded yet; `base <= line_start <= end`.
    line_start: Offset,
    /// No line end stands between `line_start` and here.
    scanned: Offset,
    /// The last line ended with a CR, and an LF that follows at once belongs to it.
    swallows_lf: bool,
    bare_cr: BareCr,
    /// The lines that were looked at, oldest first.
    records: VecDeque<(Line, Fate)>,
    /// The number of the first record: how many were forgotten.
    forgotten: u64,
    /// How many unclaimed lines were among those that had to be forgotten, and nobody was told of it.
    lost: usize,
    /// Everything before this has been told.
    told: Offset,
    /// Where the last recorded line with something in it ended: empty lines behind it are told with the next.
    text_end: Offset,
    /// What is noticed in every line, whoever gets it.
    tripwires: Vec<Tripwire>,
}

impl Inbox {
    /// Makes an empty inbox.
    pub(in crate::engine) fn new(bare_cr: BareCr) -> Inbox {
        Inbox {
            bytes: Vec::new(),
            base: Offset::START,
            arrivals: VecDeque::new(),
            line_start: Offset::START,
            scanned: Offset::START,
            swallows_lf: false,
            bare_cr,
            records: VecDeque::new(),
            forgotten: 0,
            lost: 0,
            told: Offset::START,
            text_end: Offset::START,
            tripwires: Vec::new(),
        }
    }

    /// Looks for these patterns in every line from now on.
    pub(in crate::engine) fn set_tripwire(&mut self, tripwire: Tripwire) {
        self.tripwires.push(tripwire);
    }

    /// Looks for the patterns of a tripwire in what comes from now on only.
    pub(in crate::engine) fn reset_tripwire(&mut self, set_for: SetFor) {
        let end = self.end();
        let set = self.tripwires.iter_mut().filter(|tripwire| tripwire.set_for == set_for);
        set.for_each(|tripwire| tripwire.begin_at(end));
    }

    /// Does not look for the patterns of a tripwire any more.
    pub(in crate::engine) fn remove_tripwire(&mut self, set_for: SetFor) {
        self.tripwires.retain(|tripwire| tripwire.set_for != set_for);
    }

    /// Does not look for the patterns of any tripwire any more.
    pub(in crate::engine) fn remove_tripwires(&mut self) {
        self.tripwires.clear();
    }

    /// Returns a tripwire that is set.
    pub(super) fn tripwire(&self, set_for: SetFor) -> Option<&Tripwire> {
        self.tripwires.iter().find(|tripwire| tripwire.set_for == set_for)
    }

    /// Lets the tripwires look at a line, or at a part of one.
    #[cold]
    pub(super) fn trip(&mut self, line: Range<Offset>, ended: Ended) {
        let mut tripwires = std::mem::take(&mut self.tripwires);
        let text = self.slice(line.clone());
        tripwires.iter_mut().for_each(|tripwire| tripwire.look(text, line.start, ended));
        self.tripwires = tripwires;
    }

    /// Whether something is noticed in every line.
    pub(super) fn has_tripwires(&self) -> bool {
        !self.tripwires.is_empty()
    }

    /// Takes bytes in. Returns how many unclaimed lines had to be forgotten since it was asked last.
    pub(in crate::engine) fn receive(&mut self, bytes: &[u8], now: Moment) -> usize {
        self.bytes.extend_from_slice(bytes);
        let end = self.end();
        match self.arrivals.back_mut() {
            Some((last, at)) if *at == now => *last = end,
            _ => {
                if self.arrivals.len() >= limits::MOMENTS {
                    self.join_arrivals();
                }
                self.arrivals.push_back((end, now));
            }
        }
        self.forget();
        std::mem::take(&mut self.lost)
    }

    /// Makes one moment of two: what came at the first counts as if it had come at the second.
    #[cold]
    fn join_arrivals(&mut self) {
        let mut is_second = true;
        self.arrivals.retain(|_| {
            is_second = !is_second;
            is_second
        });
    }

    /// Dates everything that came: it is told as of this moment. Nothing of it may have been told yet.
    pub(in crate::engine) fn date(&mut self, now: Moment) {
        self.arrivals.iter_mut().for_each(|(_, at)| *at = now);
    }

    /// Drops what is older than is kept; only what has been told and recorded can go.
    #[inline]
    pub(in crate::engine) fn forget(&mut self) {
        if self.bytes.len() > REACH {
            self.forget_oldest();
        }
    }

    #[inline(never)]
    fn forget_oldest(&mut self) {
        let keep_from = self.end().back(KEPT).min(self.line_start).min(self.told);
        self.bytes.drain(..keep_from - self.base);
        self.base = keep_from;
        while self.records.front().is_some_and(|(line, _)| line.text.start < keep_from) {
            self.forget_record();
        }
    }

    #[inline(never)]
    fn forget_record(&mut self) {
        if let Some((_, fate)) = self.records.pop_front() {
            self.forgotten += 1;
            self.lost += usize::from(fate == Fate::Unclaimed);
        }
    }

    /// Drops what nobody asks for any more, for when a question has been sent: what has been told and stands before the
    /// first unclaimed line. So many bytes before that are kept too. A run of a million exchanges keeps no more than one of ten.
    pub(in crate::engine) fn forget_taken(&mut self, n_before: usize) {
        while self.records.front().is_some_and(|(_, fate)| *fate != Fate::Unclaimed) {
            self.records.pop_front();
            self.forgotten += 1;
        }
        let open_from = self.records.front().map_or(self.line_start, |(line, _)| line.text.start);
        let keep_from = open_from.min(self.told).back(n_before).max(self.base);
        if keep_from - self.base >= TAKEN {
            self.bytes.drain(..keep_from - self.base);
            self.base = keep_from;
        }
    }

    /// Returns how much is held of what came.
    pub(in crate::engine) fn n_held(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the place behind the last byte.
    pub(in crate::engine) fn end(&self) -> Offset {
        self.base + self.bytes.len()
    }

    /// Returns the bytes at some places; what is forgotten is left out.
    pub(in crate::engine) fn slice(&self, range: Range<Offset>) -> &[u8] {
        let start = range.start.clamp(self.base, self.end()) - self.base;
        let end = range.end.clamp(self.base, self.end()) - self.base;
        &self.bytes[start..end.max(start)]
    }

    /// Returns where the unfinished last line begins, or the first line that is not recorded.
    pub(in crate::engine) fn line_start(&self) -> Offset {
        self.line_start
    }

    /// Returns when the last byte came.
    pub(in crate::engine) fn last_arrival(&self) -> Moment {
        self.arrivals.back().map_or(Moment::START, |(_, at)| *at)
    }

    /// Whether silence would end a line: a CR stands at the very end.
    pub(in crate::engine) fn ends_with_bare_cr(&self) -> bool {
        self.bare_cr == BareCr::Waits && self.line_start < self.end() && self.bytes.last() == Some(&b'\r')
    }

    /// Returns the first line that is not recorded, if it is complete. `silence` tells whether it has been quiet
    /// for the settle time.
    pub(in crate::engine) fn line(&mut self, silence: Silence) -> Option<Line> {
        if self.swallows_lf && self.line_start < self.end() {
            self.swallows_lf = false;
            if self.slice(self.line_start..self.line_start + 1) == b"\n" {
                self.line_start = self.line_start + 1;
            }
        }
        self.scanned = self.scanned.max(self.line_start);
        let start = self.line_start;
        let found = line_end::find(self.slice(self.scanned..self.end()));
        let Some(found) = found else {
            self.scanned = self.end();
            let is_too_long = self.end() - start >= limits::LINE;
            return is_too_long.then(|| Line { text: start..start + limits::LINE, next: start + limits::LINE });
        };
        let at = self.scanned + found;
        if at - start >= limits::LINE {
            return Some(Line { text: start..start + limits::LINE, next: start + limits::LINE });
        }
        self.scanned = at;
        let next = match self.slice(at..at + 2) {
            [b'\r', b'\n'] => at + 2,
            [b'\r'] if self.bare_cr == BareCr::Waits && silence == Silence::NotYet => return None,
            _ => at + 1,
        };
        Some(Line { text: start..at, next })
    }

    /// Notes what became of the line that [`Inbox::line`] returned last, and goes on to the next.
    pub(in crate::engine) fn record(&mut self, line: Line, fate: Fate) {
        self.swallows_lf = self.slice(line.text.end..line.next) == b"\r";
        self.line_start = line.next;
        self.scanned = line.next;
        // What was told of a line before, a prompt for instance, leaves an empty one.
        if line.text.end > self.told.max(line.text.start) {
            self.text_end = line.next;
        }
        if self.has_tripwires() && fate != Fate::Echo {
            self.trip(line.text.clone(), Ended::Yes);
        }
        // Nobody looks again at an echo, or at a line that was taken to its end.
        let is_open = match fate {
            Fate::Unclaimed | Fate::Ignored => !line.text.is_empty(),
            Fate::Claimed { rest_from } => rest_from < line.text.end,
            Fate::Echo => false,
        };
        if is_open {
            if self.records.len() >= limits::LINES {
                self.forget_record();
            }
            self.records.push_back((line, fate));
        }
    }

    /// Returns the numbers of the records that are kept.
    pub(in crate::engine) fn records(&self) -> Range<u64> {
        self.forgotten..self.forgotten + self.records.len() as u64
    }

    /// Returns the number of the first record that ends behind `place`.
    pub(in crate::engine) fn first_record_behind(&self, place: Offset) -> u64 {
        self.forgotten + self.records.partition_point(|(line, _)| line.next <= place) as u64
    }

    /// Returns a record by its number.
    pub(in crate::engine) fn recorded(&self, number: u64) -> Option<(&Line, Fate)> {
        let index = number.checked_sub(self.forgotten)?;
        self.records.get(index as usize).map(|(line, fate)| (line, *fate))
    }

    /// Marks every recorded line that stands in `range`, or reaches into it, as claimed.
    pub(in crate::engine) fn claim(&mut self, range: Range<Offset>) {
        let first = self.records.partition_point(|(line, _)| line.next <= range.start);
        for (line, fate) in self.records.iter_mut().skip(first) {
            if line.text.start >= range.end {
                break;
            }
            *fate = Fate::Claimed { rest_from: range.end };
        }
    }

    /// Takes counted bytes out of the lines: what stands before `place` is no line any more.
    pub(in crate::engine) fn skip_to(&mut self, place: Offset) {
        if place > self.line_start {
            self.line_start = place;
            self.scanned = place;
            self.swallows_lf = false;
        }
    }

    /// Returns the next piece of what is to be told up to `place`, with the moment when its last byte came; `None`
    /// if all of it has been told. Pieces are cut at line ends where arrivals differ.
    pub(in crate::engine) fn tell(&mut self, place: Offset) -> Option<(Moment, Range<Offset>)> {
        let place = place.min(self.end());
        if self.told >= place {
            return None;
        }
        self.forget_arrivals();
        let (arrival_end, mut at) = *self.arrivals.front().expect("what is not told has come");
        let mut piece_end = place;
        if arrival_end < place {
            let within = self.slice(self.told..arrival_end);
            let behind = self.slice(arrival_end..place);
            let cut = memchr::memrchr2(b'\r', b'\n', within).map(|i| self.told + i + 1);
            piece_end = match cut {
                // The LF of a CR LF that came later belongs to it.
                Some(cut) if cut == arrival_end && within.ends_with(b"\r") && behind.starts_with(b"\n") => cut + 1,
                Some(cut) => cut,
                None => last_of_end(behind).map_or(place, |i| arrival_end + i + 1),
            };
            let last = self.arrivals.partition_point(|(end, _)| *end < piece_end);
            at = self.arrivals.get(last).map_or(at, |(_, at)| *at);
        }
        let piece = self.told..piece_end;
        self.told = piece_end;
        Some((at, piece))
    }

    /// Drops the moments of what has been told; the last arrival of all stays.
    fn forget_arrivals(&mut self) {
        while self.arrivals.len() > 1 && self.arrivals.front().is_some_and(|(end, _)| *end <= self.told) {
            self.arrivals.pop_front();
        }
    }

    /// Returns where the last recorded line with something in it ended.
    pub(in crate::engine) fn text_end(&self) -> Offset {
        self.text_end
    }

    /// Counts everything before a place as told, though no event shows it.
    pub(in crate::engine) fn pass_told(&mut self, place: Offset) {
        self.told = self.told.max(place.min(self.end()));
        self.forget_arrivals();
    }

    /// Returns the place up to which everything has been told.
    pub(in crate::engine) fn told(&self) -> Offset {
        self.told
    }
}

/// Returns where the first line ending ends: LF, CR LF, or a CR that no LF follows.
fn last_of_end(bytes: &[u8]) -> Option<usize> {
    let at = line_end::find(bytes)?;
    Some(if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 1 } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds bytes in chunks of one size and returns all lines.
    fn lines(bytes: &[u8], chunk: usize, bare_cr: BareCr) -> Vec<String> {
        let mut inbox = Inbox::new(bare_cr);
        let mut lines = Vec::new();
        let mut take = |inbox: &mut Inbox, silence: Silence| {
            while let Some(line) = inbox.line(silence) {
                lines.push(String::from_utf8_lossy(inbox.slice(line.text.clone())).into_owned());
                inbox.record(line, Fate::Unclaimed);
            }
        };
        for piece in bytes.chunks(chunk) {
            inbox.receive(piece, Moment::START);
            take(&mut inbox, Silence::NotYet);
        }
        take(&mut inbox, Silence::Settled);
        lines
    }

    #[test]
    fn lines_do_not_depend_on_how_reads_cut_them() {
        let bytes = b"AT\r\r\nOK\r\n\r\n+CSQ: 25,0\r\n\nplain\n10%\r20%\r\nend\r";
        let expected = ["AT", "", "OK", "", "+CSQ: 25,0", "", "plain", "10%", "20%", "end"];
        for bare_cr in [BareCr::Waits, BareCr::Ends] {
            for chunk in 1..=bytes.len() {
                assert_eq!(lines(bytes, chunk, bare_cr), expected, "chunks of {chunk}, {bare_cr:?}");
            }
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        let bytes = vec![b'x'; limits::LINE + 10];
        let found = lines(&bytes, 1000, BareCr::Waits);
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [limits::LINE]);
    }

    #[test]
    fn memory_has_a_ceiling_and_what_is_forgotten_is_counted() {
        let mut inbox = Inbox::new(BareCr::Waits);
        let mut lost = 0;
        for _ in 0..100_000 {
            lost += inbox.receive(b"0123456789\r\n", Moment::START);
            while let Some(line) = inbox.line(Silence::NotYet) {
                inbox.record(line, Fate::Unclaimed);
            }
            while inbox.tell(inbox.line_start()).is_some() {}
            assert!(inbox.bytes.len() <= REACH);
        }
        assert_eq!(lost as u64 + inbox.records().count() as u64, 100_000);
        assert!(inbox.records().count() * 12 >= KEPT);
    }

    #[test]
    fn what_was_taken_is_dropped_and_what_nobody_claimed_is_kept() {
        let mut inbox = Inbox::new(BareCr::Waits);
        let mut receive = |text: &[u8], fate: fn(&Line) -> Fate| {
            inbox.receive(text, Moment::START);
            let line = inbox.line(Silence::NotYet).expect("it is complete");
            let fate = fate(&line);
            inbox.record(line, fate);
            while inbox.tell(inbox.line_start()).is_some() {}
            inbox.forget_taken(0);
            inbox.bytes.len()
        };
        for _ in 0..10_000 {
            assert!(receive(b"+CSQ: 25,0\r\n", |line| Fate::Claimed { rest_from: line.text.start + 4 }) < TAKEN + 64);
            assert!(receive(b"AT+CSQ\r\n", |_| Fate::Echo) < TAKEN + 64);
            assert!(receive(b"Boot\r\n", |_| Fate::Ignored) < TAKEN + 64);
        }
        receive(b"RING\r\n", |_| Fate::Unclaimed);
        for _ in 0..1000 {
            receive(b"OK\r\n", |line| Fate::Claimed { rest_from: line.next });
        }
        let (ring, _) = inbox.recorded(inbox.records().start).expect("nobody claimed it");
        assert_eq!(inbox.slice(ring.text.clone()), b"RING");
        let taken = ring.text.start..ring.next;
        inbox.claim(taken);
        inbox.forget_taken(100);
        assert!(inbox.records().is_empty() && inbox.bytes.len() == 100);
        inbox.forget_taken(0);
        assert_eq!(inbox.bytes.len(), 100, "so few are not worth it");
    }

    #[test]
    fn what_is_told_carries_the_moment_of_its_last_byte() {
        let mut inbox = Inbox::new(BareCr::Waits);
        inbox.receive(b"a\r\nb", Moment::from_millis(1));
        inbox.receive(b"c\r\nd", Moment::from_millis(2));
        let told: Vec<_> = std::iter::from_fn(|| inbox.tell(Offset::START + 8)).collect();
        let (first, second) = (Moment::from_millis(1), Moment::from_millis(2));
        let place = |n: usize| Offset::START + n;
        let expected = [(first, place(0)..place(3)), (second, place(3)..place(7)), (second, place(7)..place(8))];
        assert_eq!(told, expected, "a line that came in two parts is one piece");
    }
}
