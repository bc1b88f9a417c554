//! `Sight`: the input of a port, and how far the engine has looked at it.

mod decode;
pub(in crate::engine) mod read;
mod told;
mod watch;

use std::ops::Range;

use super::echo::{Collision, Echo, Expected, Likeness};
use super::inbox::{BareCr, Fate, Inbox, Line};
use super::offset::{Offset, found_at};
use super::overrun::LineEnd;
use super::{Order, Seen, Silence, Wanted, Watching};
use crate::pattern::{Pattern, Prefilter};
use crate::program::LookAt;
use crate::value::encoding::Decoding;
use crate::value::line_end;

/// A terminal that wraps an echo shows so many of its first bytes in one row.
const UNWRAPPED: usize = 4;

/// What has come, and how far it has been looked at.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Sight {
    /// The bytes and lines; text is UTF-8 in it.
    pub inbox: Inbox,
    /// What makes UTF-8 of what comes, where the line has another encoding.
    decoding: Option<Decoding>,
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
    /// Whether nothing was awaited since the last send.
    is_unasked: bool,
    /// What came when the first bytes of a send that takes its time had left, while the rest leaves.
    leaving_from: Option<Offset>,
    /// The beginning of the echo of a send that has left and that nobody was told of.
    ahead: Option<Range<Offset>>,
    /// What came back instead of what was sent, where all of it must.
    collision: Option<Collision>,
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
            decoding: None,
            floor: Offset::START,
            floor_begins_line: true,
            read_from: Offset::START,
            claimed: Offset::START,
            exchange: Offset::START,
            echo: Echo::default(),
            is_unasked: false,
            leaving_from: None,
            ahead: None,
            collision: None,
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
        let has_prompts = patterns.iter().flatten().any(Pattern::is_prompt);
        Wanted {
            has_literals,
            has_prompts,
            patterns,
            scope,
            literals_from: self.floor,
            record,
            began_at: self.read_from,
        }
    }

    /// Notes that a send has left: what came before is no answer to it, unless it is the beginning of its echo. `is_sole` says
    /// that no wait is interrupted by it.
    pub(in crate::engine) fn sent(&mut self, bytes: &[u8], expected: Expected, is_sole: bool) {
        // Commands that are sent one after the other, without a wait, are answered one after the other.
        let is_sole = is_sole && !std::mem::replace(&mut self.is_unasked, true);
        self.ahead = None;
        if expected == Expected::Bytes && self.echo.wants_bytes() {
            self.leaving_from = None;
            return self.echo.expect_more(bytes);
        }
        // The echo of a line is still to come: what comes back first is not these bytes.
        let is_behind_a_line = expected == Expected::Bytes && self.echo.awaited().is_some();
        let expected = if is_behind_a_line { Expected::Nothing } else { expected };
        self.note_sent(bytes);
        self.start_afresh();
        if let Some(from) = self.leaving_from.take()
            && expected != Expected::Nothing
            && bytes.starts_with(self.inbox.slice(from..self.floor))
        {
            self.floor = from;
            self.read_from = from;
        }
        self.exchange = self.floor;
        self.echo.expect(expected, is_sole);
        self.collision = None;
    }

    /// Notes that something is awaited.
    pub(in crate::engine) fn note_wait(&mut self) {
        self.is_unasked = false;
    }

    /// Notes that the first bytes of a send have left: what comes while the rest leaves may be their echo.
    pub(in crate::engine) fn leaving(&mut self) {
        self.leaving_from = self.leaving_from.or(Some(self.inbox.end()));
    }

    /// Notes that the other end is said to echo.
    pub(in crate::engine) fn assume_echo(&mut self) {
        self.echo.assume();
    }

    /// Notes that the echo did not come before what is held: it is looked at now.
    pub(in crate::engine) fn miss_echo(&mut self) {
        self.echo.miss();
    }

    /// Lets the next look be the last before a deadline: what is held for the echo is looked at. Returns whether an echo is
    /// still awaited, so that this changes anything; ended with [`Sight::end_last_look`].
    pub(in crate::engine) fn begin_last_look(&mut self) -> bool {
        self.echo.awaited().is_some() && self.echo.set_late(true)
    }

    /// Ends what [`Sight::begin_last_look`] began.
    pub(in crate::engine) fn end_last_look(&mut self) {
        self.echo.set_late(false);
    }

    /// Returns what came back instead of what was sent, once.
    pub(in crate::engine) fn take_collision(&mut self) -> Option<Collision> {
        self.collision.take()
    }

    /// Whether an echo may still come that is looked for before anything else.
    pub(in crate::engine) fn awaits_echo(&self) -> bool {
        self.echo.awaited().is_some()
    }

    /// Whether everything that was sent is to come back, and has not.
    pub(in crate::engine) fn awaits_bytes(&self) -> bool {
        self.echo.wants_bytes()
    }

    /// Notes what was sent, though it is no question: what has come is still to be looked at.
    pub(in crate::engine) fn note_sent(&mut self, bytes: &[u8]) {
        self.echo.note_sent(bytes);
    }

    /// Returns where the echo of this exchange stands, once it has come.
    pub(in crate::engine) fn echo(&self) -> Option<&Range<Offset>> {
        self.echo.place()
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
            let seen = self.look_at_records(wanted, watching, silence);
            if seen != Seen::Nothing {
                return seen;
            }
        }
        loop {
            if let Some(prefilter) = watching.prefilter {
                self.skip_lines(prefilter, wanted.as_deref_mut());
            }
            let Some(line) = self.inbox.line(silence) else {
                if self.echo.wants_bytes() && self.take_bytes() {
                    continue;
                }
                break;
            };
            if line.next > self.floor && self.echo.wants_bytes() {
                if self.take_bytes() {
                    continue;
                }
                return Seen::Nothing;
            }
            if line.next > self.floor && self.echo.awaited().is_some() {
                match self.echo.likeness(self.inbox.slice(self.clip(&line)..self.inbox.end()), silence) {
                    Likeness::Whole { next, .. } => self.echo_came(self.clip(&line), next, wanted.as_deref_mut()),
                    Likeness::Begun => return Seen::Nothing,
                    Likeness::Other => {}
                }
            }
            if self.echo.covers(line.next) {
                self.inbox.record(line, Fate::Echo);
                continue;
            }
            if let Some(wanted) = wanted.as_deref_mut() {
                let unclaimed = self.claimed.max(line.text.start);
                let seen = self.look_in_line(wanted, watching, &line, silence);
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
        if self.echo.wants_bytes() {
            return Seen::Nothing;
        }
        let mut seen = Seen::Nothing;
        if let Some(wanted) = wanted {
            let rest = self.rest();
            let unclaimed = self.claimed.max(rest.text.start);
            seen = self.look_at_rest(wanted, silence);
            if seen == Seen::Nothing && silence == Silence::Settled {
                seen = self.look_for_overrun_prompt(wanted, watching, &rest, LineEnd::Missing, silence);
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
        if self.claimed > start || self.floor > start || self.echo.wants_bytes() {
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
        // A terminal may have wrapped it behind that.
        if let Some(echo) = self.echo.awaited()
            && let Some(hit) = memchr::memmem::find(self.inbox.slice(start..end), &echo[..echo.len().min(UNWRAPPED)])
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
        let nobody =
            Watching { watchers: &[], sieve: None, prefilter: None, sees_unwanted: false, order: Order::Declared };
        self.look(wanted, nobody, silence)
    }

    /// Returns where a wait begins to look in a line.
    fn clip(&self, line: &Line) -> Offset {
        self.floor.clamp(line.text.start, line.text.end.max(line.text.start))
    }

    /// Takes note that the echo stands from here on, so long with its line ending. Where it was sure to come the answer begins
    /// after it, and a read does so everywhere.
    fn echo_came(&mut self, from: Offset, length: usize, wanted: Option<&mut Wanted>) {
        let end = from + length;
        if self.echo.is_due() || self.floor >= from {
            self.floor = end;
            self.floor_begins_line = true;
        }
        self.echo.came(from..end);
        self.read_from = self.read_from.max(end);
        if let Some(wanted) = wanted
            && wanted.scope == LookAt::Answer
        {
            wanted.began_at = wanted.began_at.max(end);
        }
    }

    /// Looks for the echo in the lines that have come and were not looked at, if it is due; returns whether it is there.
    fn seek_echo(&mut self, silence: Silence) -> bool {
        let end = self.inbox.end();
        let mut from = self.inbox.line_start().max(self.floor);
        while from < end {
            let bytes = self.inbox.slice(from..end);
            match self.echo.likeness(bytes, silence) {
                Likeness::Whole { next, .. } => {
                    self.echo_came(from, next, None);
                    return true;
                }
                Likeness::Begun => return false,
                Likeness::Other => {}
            }
            let Some(at) = line_end::find(bytes) else { return false };
            from = from + at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
        }
        false
    }

    /// Compares what came with what was sent, where all of that comes back; returns whether it is complete, and then takes it.
    fn take_bytes(&mut self) -> bool {
        let floor = self.floor;
        match self.echo.compare(self.inbox.slice(floor..self.inbox.end())) {
            Ok(None) => false,
            Ok(Some(n)) => {
                self.take_block(floor..floor + n);
                self.echo.came(floor..floor + n);
                true
            }
            Err((at, n)) => {
                self.collision = Some(self.echo.collision(at, floor..floor + n + 1));
                false
            }
        }
    }

    /// Looks at lines that came while nothing was awaited, or that nobody claimed.
    fn look_at_records(&mut self, wanted: &mut Wanted, watching: Watching<'_>, silence: Silence) -> Seen {
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
                let seen = self.look_in_line(wanted, watching, &line, silence);
                if seen == Seen::Held {
                    wanted.record = number;
                }
                if seen != Seen::Nothing {
                    return seen;
                }
            }
        }
        Seen::Nothing
    }

    /// Looks for what a wait wants in a complete line.
    fn look_in_line(&mut self, wanted: &mut Wanted, watching: Watching<'_>, line: &Line, silence: Silence) -> Seen {
        let mut seen = Seen::Nothing;
        if wanted.has_prompts {
            seen = self.look_for_overrun_prompt(wanted, watching, line, LineEnd::Came, silence);
        }
        // The echo may have been found behind the line: then nothing in it is an answer.
        let is_before_echo = wanted.scope == LookAt::Answer && self.floor >= line.next;
        if seen != Seen::Nothing || is_before_echo {
            return seen;
        }
        self.look_at_line(wanted, line, silence)
    }

    /// Looks for the wait's patterns in a complete line; a literal may begin in an earlier one.
    fn look_at_line(&mut self, wanted: &mut Wanted, line: &Line, silence: Silence) -> Seen {
        let from = self.looks_from(wanted, line);
        if let Some((arm, found)) = self.find_literal(wanted, line, line.next) {
            return self.take_if_answer(wanted, arm, found, line.clone(), Whole::No, silence);
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
                return self.take_if_answer(wanted, arm, found, line.clone(), whole, silence);
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
        if rest.is_empty() || self.echo.likeness(rest, Silence::NotYet) == Likeness::Begun {
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
        if self.echo.likeness(self.inbox.slice(from..end), silence) == Likeness::Begun {
            return Seen::Nothing;
        }
        let line = Line { text: start..end, next: end };
        if let Some((arm, found)) = self.find_literal(wanted, &line, end) {
            return self.take_if_answer(wanted, arm, found, line, Whole::No, silence);
        }
        if silence == Silence::Settled {
            for (arm, pattern) in wanted.patterns.iter().enumerate() {
                let found = pattern.as_ref().and_then(|p| p.find_in_prompt(self.inbox.slice(from..end)));
                if let Some(found) = found {
                    let found = found_at(from, found);
                    return self.take_if_answer(wanted, arm, found, line, Whole::No, silence);
                }
            }
        }
        Seen::Nothing
    }

    /// Takes what a wait has found, unless the echo is still to come: then it is held, or it belongs to something earlier.
    fn take_if_answer(
        &mut self,
        wanted: &mut Wanted,
        arm: usize,
        found: Range<Offset>,
        line: Line,
        whole: Whole,
        silence: Silence,
    ) -> Seen {
        if wanted.scope == LookAt::Unclaimed {
            // What comes by itself says nothing of the echo.
            let is_due = self.echo.is_due();
            return self.take(arm, found, line, whole, is_due);
        }
        if !self.echo.is_due() {
            return self.take(arm, found, line, whole, false);
        }
        if self.seek_echo(silence) {
            wanted.began_at = wanted.began_at.max(self.floor);
            return Seen::Nothing;
        }
        Seen::Held
    }

    /// Claims what a wait has found.
    fn take(&mut self, arm: usize, found: Range<Offset>, line: Line, whole: Whole, keeps_echo: bool) -> Seen {
        let end = match whole {
            Whole::Yes => line.next,
            Whole::No => found.end,
        };
        if !keeps_echo {
            self.echo.give_up();
        }
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
}

/// Whether a match takes its whole line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}
