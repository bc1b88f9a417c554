//! Reads: so many bytes, or a block up to a pattern, out of what has come; and what is passed over.

use std::ops::Range;

use super::Sight;
use crate::engine::look::echo::Likeness;
use crate::engine::look::inbox::Fate;
use crate::engine::look::offset::Offset;
use crate::engine::look::tripwire::{Ended, SetFor, Sprung};
use crate::engine::look::{Silence, Wanted};
use crate::value::line_end;

/// What a counted read gets.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) enum Counted {
    /// Its bytes stand here.
    Here(Range<Offset>),
    /// So many have not come.
    Short,
    /// They have, but the echo is still to come: they may belong to something earlier.
    Held,
}

impl Sight {
    /// Takes `n` bytes from behind the last match or the echo, if so many have come.
    pub(in crate::engine) fn read(&mut self, n: usize, silence: Silence) -> Counted {
        let counted = self.reaches(n, silence);
        if let Counted::Here(range) = &counted {
            self.take_block(range.clone());
        }
        counted
    }

    /// Returns where `n` bytes stand behind the last match or the echo, if so many have come, and takes none of them.
    pub(in crate::engine) fn reaches(&mut self, n: usize, silence: Silence) -> Counted {
        if self.echo.wants_bytes() && !self.take_bytes() {
            return Counted::Short;
        }
        let has_come = |sight: &Sight| sight.read_from + n <= sight.inbox.end();
        if self.echo.awaited().is_some() {
            let from = self.floor;
            match self.echo.likeness(self.inbox.slice(from..self.inbox.end()), silence) {
                Likeness::Whole { next, .. } => self.echo_came(from, next, None),
                Likeness::Begun => return Counted::Short,
                Likeness::Other if !self.echo.is_due() || !has_come(self) => {}
                Likeness::Other if self.seek_echo(silence) => {}
                Likeness::Other => return Counted::Held,
            }
            self.record_before_read();
        }
        if !has_come(self) {
            return Counted::Short;
        }
        Counted::Here(self.read_from..self.read_from + n)
    }

    /// Records the lines before the next read: the echo, and what came before it and belongs to something earlier.
    fn record_before_read(&mut self) {
        while self.inbox.line_start() < self.read_from
            && let Some(line) = self.inbox.line(Silence::Settled)
            && line.next <= self.read_from
        {
            let fate = if self.echo.covers(line.next) { Fate::Echo } else { Fate::Unclaimed };
            self.inbox.record(line, fate);
        }
    }

    /// Takes everything from behind the last match up to a pattern that was just found.
    pub(in crate::engine) fn take_block(&mut self, range: Range<Offset>) {
        self.inbox.claim(range.clone());
        self.inbox.skip_to(range.end);
        self.read_from = range.end;
        self.claimed = self.claimed.max(range.end);
        if range.end >= self.floor {
            self.floor = range.end;
            self.floor_begins_line = true;
        }
    }

    /// Takes what came up to a place for a transfer: it is no line, and no echo is looked for in it.
    pub(in crate::engine) fn take_for_transfer(&mut self, place: Offset) {
        let begin = self.read_from;
        if begin < place {
            self.take_block(begin..place);
            // A device with `echo on` does not send it back.
            self.heard = self.heard.max(place);
        }
        self.inbox.forget_taken(0);
    }

    /// Ends a transfer: what comes behind a place is an answer to what was sent last.
    pub(in crate::engine) fn end_transfer(&mut self, place: Offset, last: &[u8]) {
        self.exchange = place;
        self.is_unasked = false;
        self.echo.forget();
        self.echo.note_sent(last);
    }

    /// Whether what a read waits for can no longer begin within so many bytes behind its beginning.
    pub(in crate::engine) fn is_beyond(&self, wanted: &Wanted, n_bytes: usize) -> bool {
        let may_begin = if wanted.has_literals { wanted.literals_from } else { self.inbox.line_start() };
        may_begin > wanted.began_at + n_bytes
    }

    /// Passes over everything that has come, for a new attempt: no wait and no watcher looks at it any more,
    /// `await` may.
    pub(in crate::engine) fn pass_over(&mut self) {
        self.pass_over_lines_in(Silence::Settled);
        self.start_afresh();
        self.claimed = self.floor;
        self.echo.forget();
    }

    /// Passes over the lines that have come to their end, when everything will be passed over later.
    pub(in crate::engine) fn pass_over_lines(&mut self) {
        self.pass_over_lines_in(Silence::NotYet);
    }

    fn pass_over_lines_in(&mut self, silence: Silence) {
        while let Some(line) = self.inbox.line(silence) {
            let rest_from = self.claimed;
            let fate = if rest_from > line.text.start { Fate::Claimed { rest_from } } else { Fate::Unclaimed };
            self.inbox.record(line, fate);
        }
    }

    /// Returns what a tripwire has noticed in the lines that have been looked at.
    pub(in crate::engine) fn sprung(&self, set_for: SetFor) -> Option<Sprung> {
        self.inbox.tripwire(set_for)?.sprung().cloned()
    }

    /// Lets the tripwires look at the lines too that nobody has looked at yet; the last counts as it stands.
    pub(in crate::engine) fn trip_open_lines(&mut self) {
        if !self.inbox.has_tripwires() {
            return;
        }
        let end = self.inbox.end();
        let mut from = self.inbox.line_start();
        while from < end {
            let bytes = self.inbox.slice(from..end);
            let line = line_end::find(bytes);
            let next = line.map_or(end, |at| from + at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 });
            match self.echo.likeness(bytes, Silence::Settled) {
                Likeness::Whole { next, .. } if next > 0 => from = from + next,
                Likeness::Begun => return,
                Likeness::Whole { .. } | Likeness::Other if self.echo.covers(next) => from = next,
                Likeness::Whole { .. } | Likeness::Other => {
                    let (text_end, ended) = line.map_or((end, Ended::NotYet), |at| (from + at, Ended::Yes));
                    self.inbox.trip(from..text_end, ended);
                    from = next;
                }
            }
        }
    }

    /// Breaks off what has come: a line that is not complete is none, and what comes next has nothing to do with it. Lines that
    /// came whole and that nobody wanted are still there for `await`.
    pub(in crate::engine) fn break_off(&mut self) {
        self.pass_over();
        self.inbox.skip_to(self.floor);
    }

    /// Throws away everything that has come.
    pub(in crate::engine) fn flush(&mut self) {
        self.pass_over();
        self.inbox.claim(Offset::START..self.floor);
        self.inbox.skip_to(self.floor);
    }
}
