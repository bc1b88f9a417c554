//! `Sight`: the input of a port, and how far the engine has looked at it.

mod watch;

use std::ops::Range;

use super::echo::Echo;
use super::inbox::{BareCr, Fate, Inbox, Line};
use super::offset::{Offset, found_at};
use super::overrun::LineEnd;
use super::{Order, Seen, Silence, Wanted, Watching};
use crate::pattern::{Pattern, Prefilter};
use crate::program::LookAt;

/// What has come, and how far it has been looked at.
#[derive(Debug)]
pub(in crate::engine) struct Sight {
    /// The bytes and lines.
    pub inbox: Inbox,
    /// A wait's own patterns look from here on: behind the last match, or the last send.
    floor: Offset,
    /// Whether a line may begin at `floor`.
    floor_begins_line: bool,
    /// Where the next `read` begins: behind the last match.
    pub read_from: Offset,
    /// Everything before this was claimed by a match, a read or a handler.
    claimed: Offset,
    /// Where the answers to the last send begin.
    pub exchange: Offset,
    /// What was sent last, and its echo.
    echo: Echo,
    /// Whether a watcher is content with an unfinished line.
    pub has_eager_watchers: bool,
    /// What came up to here was given out to be sent back.
    heard: Offset,
}

impl Sight {
    /// Makes an empty one.
    pub(in crate::engine) fn new(bare_cr: BareCr) -> Sight {
        Sight {
            inbox: Inbox::new(bare_cr),
            floor: Offset::START,
            floor_begins_line: true,
            read_from: Offset::START,
            claimed: Offset::START,
            exchange: Offset::START,
            echo: Echo::default(),
            has_eager_watchers: false,
            heard: Offset::START,
        }
    }

    /// Returns how much has come that was not looked at.
    pub(in crate::engine) fn unlooked(&self) -> usize {
        self.inbox.end() - self.inbox.line_start()
    }

    /// Whether something before a place was not looked at and is nobody's yet.
    pub(in crate::engine) fn is_unlooked(&self, place: Offset) -> bool {
        place > self.inbox.line_start().max(self.claimed)
    }

    /// Begins to look for patterns.
    pub(in crate::engine) fn want(&self, patterns: Vec<Option<Pattern>>, scope: LookAt) -> Wanted {
        let record = match scope {
            LookAt::Answer => self.inbox.first_record_behind(self.floor),
            LookAt::Unclaimed => self.inbox.records().start,
        };
        let has_literals = patterns.iter().flatten().any(|pattern| matches!(pattern, Pattern::Literal(_)));
        Wanted { has_literals, patterns, scope, literals_from: self.floor, record, began_at: self.read_from }
    }

    /// Notes that a send has left: what came before is no answer to it. So much of it is a line that may come back.
    pub(in crate::engine) fn sent(&mut self, bytes: &[u8], echo: Option<usize>) {
        self.note_sent(bytes);
        self.start_afresh();
        self.exchange = self.floor;
        self.echo.expect(echo);
    }

    /// Notes what was sent, though it is no question: what has come is still to be looked at.
    pub(in crate::engine) fn note_sent(&mut self, bytes: &[u8]) {
        self.echo.note_sent(bytes);
    }

    /// Returns what was sent last, as sent; `None` if nothing was.
    pub(in crate::engine) fn last_sent(&self) -> Option<&[u8]> {
        self.echo.last_sent()
    }

    fn start_afresh(&mut self) {
        self.floor = self.inbox.end();
        self.floor_begins_line = true;
        self.read_from = self.floor;
    }

    /// Passes over everything that has come, for a new attempt: no wait and no watcher looks at it any more,
    /// `await` may.
    pub(in crate::engine) fn pass_over(&mut self) {
        while let Some(line) = self.inbox.line(Silence::Settled) {
            let rest_from = self.claimed;
            let fate = if rest_from > line.text.start { Fate::Claimed { rest_from } } else { Fate::Unclaimed };
            self.inbox.record(line, fate);
        }
        self.start_afresh();
        self.claimed = self.floor;
        self.echo.give_up();
    }

    /// Throws away everything that has come.
    pub(in crate::engine) fn flush(&mut self) {
        self.pass_over();
        self.inbox.claim(Offset::START..self.floor);
        self.inbox.skip_to(self.floor);
    }

    /// Whether silence for the settle time would change anything: an unfinished line is a prompt or not an echo.
    pub(in crate::engine) fn waits_for_silence(&self, wanted: Option<&Wanted>) -> bool {
        let has_rest = self.inbox.end() > self.inbox.line_start().max(self.claimed);
        let wants_prompt = wanted.is_some_and(|w| w.patterns.iter().flatten().any(Pattern::is_prompt));
        self.inbox.ends_with_bare_cr()
            || has_rest && (wants_prompt || self.echo.awaited().is_some() || self.has_eager_watchers)
    }

    /// Looks at everything that has come.
    ///
    /// `silence` tells whether nothing has come for the settle time.
    pub(in crate::engine) fn look(
        &mut self,
        mut wanted: Option<&mut Wanted>,
        watching: Watching<'_>,
        silence: Silence,
    ) -> Seen {
        if let Some(wanted) = wanted.as_deref_mut() {
            let seen = self.look_at_records(wanted, watching);
            if seen != Seen::Nothing {
                return seen;
            }
        }
        loop {
            if let Some(prefilter) = watching.prefilter {
                self.skip_lines(prefilter, wanted.as_deref_mut());
            }
            let Some(line) = self.inbox.line(silence) else { break };
            let from = self.clip(&line);
            if self.is_echo(from, &line) {
                self.take_echo(from, line);
                continue;
            }
            if let Some(wanted) = wanted.as_deref_mut() {
                let unclaimed = self.claimed.max(line.text.start);
                let mut seen = self.look_for_overrun_prompt(wanted, watching, &line, LineEnd::Came);
                if seen == Seen::Nothing {
                    seen = self.look_at_line(wanted, &line);
                }
                if seen != Seen::Nothing {
                    return self.unless_failed_before(seen, watching, unclaimed, line);
                }
            }
            let seen = self.watch_line(watching, line);
            if let Some(wanted) = wanted.as_deref_mut() {
                wanted.record = self.inbox.records().end;
            }
            if seen != Seen::Nothing {
                return seen;
            }
        }
        let mut seen = Seen::Nothing;
        if let Some(wanted) = wanted {
            let rest = self.rest();
            let unclaimed = self.claimed.max(rest.text.start);
            seen = self.look_at_rest(wanted, silence);
            if seen == Seen::Nothing && silence == Silence::Settled {
                seen = self.look_for_overrun_prompt(wanted, watching, &rest, LineEnd::Missing);
            }
            seen = self.unless_failed_before(seen, watching, unclaimed, rest);
        }
        if seen != Seen::Nothing || silence == Silence::NotYet {
            return seen;
        }
        self.watch_rest(watching)
    }

    /// Passes over all complete lines before the first that somebody could want.
    fn skip_lines(&mut self, prefilter: &Prefilter, wanted: Option<&mut Wanted>) {
        let start = self.inbox.line_start();
        if self.claimed > start || self.floor > start {
            return;
        }
        let lines = self.inbox.slice(start..self.inbox.end());
        let Some(complete) = memchr::memrchr(b'\n', lines).map(|at| at + 1) else { return };
        // A literal may have begun in the line before.
        let from = wanted.as_ref().map_or(start, |wanted| wanted.literals_from.max(self.floor).min(start));
        let mut end = start + complete;
        if let Some(hit) = prefilter.find(self.inbox.slice(from..end)) {
            end = (from + hit).max(start);
        }
        if let Some(echo) = self.echo.awaited()
            && let Some(hit) = memchr::memmem::find(self.inbox.slice(start..end), echo)
        {
            end = start + hit;
        }
        // Only whole lines before the hit are passed over.
        let before = self.inbox.slice(start..end);
        let Some(whole) = memchr::memrchr(b'\n', before).map(|at| start + at + 1) else { return };
        while self.inbox.line_start() < whole {
            let Some(line) = self.inbox.line(Silence::NotYet) else { break };
            self.inbox.record(line, Fate::Unclaimed);
        }
        if let Some(wanted) = wanted {
            let longest = wanted.longest_literal();
            wanted.literals_from = wanted.literals_from.max((whole + 1).back(longest));
            wanted.record = self.inbox.records().end;
        }
    }

    /// Looks for a wait inside of a handler of a device: no watcher is asked, all is kept for them.
    pub(in crate::engine) fn look_busy(&mut self, wanted: Option<&mut Wanted>, silence: Silence) -> Seen {
        let nobody = Watching { watchers: &[], prefilter: None, sees_unwanted: false, order: Order::Declared };
        self.look(wanted, nobody, silence)
    }

    /// Returns where a wait begins to look in a line.
    fn clip(&self, line: &Line) -> Offset {
        self.floor.clamp(line.text.start, line.text.end.max(line.text.start))
    }

    fn is_echo(&self, from: Offset, line: &Line) -> bool {
        self.echo.awaited().is_some_and(|echo| self.floor < line.next && self.inbox.slice(from..line.text.end) == echo)
    }

    fn take_echo(&mut self, from: Offset, line: Line) {
        self.echo.came(from..line.next);
        if self.floor >= from {
            self.floor = line.next;
            self.floor_begins_line = true;
        }
        self.inbox.record(line, Fate::Echo);
    }

    /// Looks at lines that came while nothing was awaited, or that nobody claimed.
    fn look_at_records(&mut self, wanted: &mut Wanted, watching: Watching<'_>) -> Seen {
        let kept = self.inbox.records();
        for number in wanted.record.max(kept.start)..kept.end {
            wanted.record = number + 1;
            let Some((line, fate)) = self.inbox.recorded(number) else { continue };
            let line = line.clone();
            let is_claimed = matches!(fate, Fate::Claimed { .. });
            let is_rest = is_claimed && wanted.scope == LookAt::Answer && line.text.contains(&self.floor);
            let is_open = match fate {
                Fate::Unclaimed => true,
                Fate::Ignored => wanted.scope == LookAt::Answer,
                Fate::Claimed { .. } => is_rest,
                Fate::Echo => false,
            };
            if is_open {
                let mut seen = self.look_for_overrun_prompt(wanted, watching, &line, LineEnd::Came);
                if seen == Seen::Nothing {
                    seen = self.look_at_line(wanted, &line);
                }
                if seen != Seen::Nothing {
                    return seen;
                }
            }
        }
        Seen::Nothing
    }

    /// Looks for the wait's patterns in a complete line; a literal may begin in an earlier one.
    fn look_at_line(&mut self, wanted: &mut Wanted, line: &Line) -> Seen {
        let from = self.looks_from(wanted, line);
        if let Some((arm, found)) = self.find_literal(wanted, line, line.next) {
            return self.take(arm, found, line.clone(), Whole::No);
        }
        let begins = from == line.text.start || from == self.floor && self.floor_begins_line;
        if from >= line.text.end && (line.text.start < line.text.end || self.floor > line.text.start) {
            return Seen::Nothing;
        }
        let text = self.inbox.slice(line.text.clone());
        let offset = from - line.text.start;
        for (arm, pattern) in wanted.patterns.iter().enumerate() {
            let Some(pattern) = pattern else { continue };
            if let Some(found) = pattern.find_in_line(text, offset, begins) {
                let found = found_at(line.text.start, found);
                let whole = if pattern.takes_line() { Whole::Yes } else { Whole::No };
                return self.take(arm, found, line.clone(), whole);
            }
        }
        Seen::Nothing
    }

    /// Returns where a wait begins to look for its patterns in a line.
    fn looks_from(&self, wanted: &Wanted, line: &Line) -> Offset {
        match wanted.scope {
            LookAt::Answer => self.clip(line),
            LookAt::Unclaimed if line.text.contains(&self.claimed) => self.claimed,
            LookAt::Unclaimed => line.text.start,
        }
    }

    /// Looks for literals up to `end`; `line` is the line that ends there.
    fn find_literal(&self, wanted: &mut Wanted, line: &Line, end: Offset) -> Option<(usize, Range<Offset>)> {
        if !wanted.has_literals {
            wanted.literals_from = wanted.literals_from.max(end);
            return None;
        }
        let mut from = match wanted.scope {
            LookAt::Answer => wanted.literals_from.max(self.floor),
            LookAt::Unclaimed if line.text.contains(&self.claimed) => self.claimed,
            LookAt::Unclaimed => line.text.start,
        };
        from = self.echo.pass_over(from, end);
        let mut earliest: Option<(usize, Range<Offset>)> = None;
        let mut longest = 1;
        let haystack = self.inbox.slice(from..end);
        for (arm, pattern) in wanted.patterns.iter().enumerate() {
            let Some(Pattern::Literal(literal)) = pattern else { continue };
            longest = longest.max(literal.needle().len());
            if let Some(found) = literal.find(haystack) {
                let found = found_at(from, found);
                if earliest.as_ref().is_none_or(|(_, best)| found.end < best.end) {
                    earliest = Some((arm, found));
                }
            }
        }
        if earliest.is_none() {
            wanted.literals_from = from.max((end + 1).back(longest));
        }
        earliest
    }

    /// Looks for patterns in the unfinished last line as if it ended here: for a wait whose time is over.
    pub(in crate::engine) fn look_at_end(&self, wanted: &Wanted) -> Option<(usize, Range<Offset>, Line)> {
        let (start, end) = (self.inbox.line_start(), self.inbox.end());
        let from = start.max(self.floor);
        let rest = self.inbox.slice(from..end);
        let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
        if rest.is_empty() || self.echo.may_become(rest, Silence::NotYet) {
            return None;
        }
        let line = Line { text: start..from + rest.len(), next: end };
        let text = self.inbox.slice(line.text.clone());
        let begins = from == start || from == self.floor && self.floor_begins_line;
        wanted.patterns.iter().enumerate().find_map(|(arm, pattern)| {
            let pattern = pattern.as_ref()?;
            let in_line = pattern.find_in_line(text, from - start, begins).map(|found| found_at(start, found));
            let in_rest = || pattern.find_in_prompt(rest).map(|found| found_at(from, found));
            Some((arm, in_line.or_else(in_rest)?, line.clone()))
        })
    }

    /// Looks at the unfinished last line: literals at once, prompts when it has settled.
    fn look_at_rest(&mut self, wanted: &mut Wanted, silence: Silence) -> Seen {
        let end = self.inbox.end();
        let start = self.inbox.line_start();
        let from = match wanted.scope {
            LookAt::Answer => start.max(self.floor),
            LookAt::Unclaimed => start.max(self.claimed),
        };
        if from >= end {
            return Seen::Nothing;
        }
        let rest = self.inbox.slice(from..end);
        if self.echo.may_become(rest, silence) {
            return Seen::Nothing;
        }
        let line = Line { text: start..end, next: end };
        if let Some((arm, found)) = self.find_literal(wanted, &line, end) {
            return self.take(arm, found, line, Whole::No);
        }
        if silence == Silence::Settled {
            for (arm, pattern) in wanted.patterns.iter().enumerate() {
                let found = pattern.as_ref().and_then(|p| p.find_in_prompt(self.inbox.slice(from..end)));
                if let Some(found) = found {
                    let found = found_at(from, found);
                    return self.take(arm, found, line, Whole::No);
                }
            }
        }
        Seen::Nothing
    }

    /// Claims what a wait has found.
    fn take(&mut self, arm: usize, found: Range<Offset>, line: Line, whole: Whole) -> Seen {
        let end = match whole {
            Whole::Yes => line.next,
            Whole::No => found.end,
        };
        self.echo.give_up();
        if line.text.start == self.inbox.line_start() && whole == Whole::Yes {
            self.inbox.record(line.clone(), Fate::Claimed { rest_from: end });
        }
        self.inbox.claim(found.start..end.max(found.start + 1));
        self.read_from = end;
        self.claimed = self.claimed.max(end);
        if end >= self.floor {
            self.floor = end;
            self.floor_begins_line = whole == Whole::Yes;
        }
        Seen::Wanted { arm, found, line }
    }

    /// Takes `n` bytes from behind the last match, if so many have come.
    pub(in crate::engine) fn read(&mut self, n: usize) -> Option<Range<Offset>> {
        let range = self.read_from..self.read_from + n;
        if range.end > self.inbox.end() {
            return None;
        }
        self.take_block(range.clone());
        Some(range)
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
}

/// Whether a match takes its whole line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}
