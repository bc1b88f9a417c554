//! Looking at what has come: which line, or which bytes, satisfy a wait, and who else wants a line.
//!
//! Each line is given to the first of these that wants it: the wait's own patterns, in their order; the watchers,
//! the innermost block's first, `on` before `fail on` before `ignore`; nobody: then it is kept for `await`.

pub(in crate::engine) mod inbox;

use std::ops::Range;

use crate::engine::look::inbox::{BareCr, Fate, Inbox, Line};
use crate::pattern::{Pattern, Prefilter};
use crate::program::LookAt;

/// Whether a port was quiet for its settle time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Silence {
    /// Bytes came a moment ago, or what came after the last silence was not looked at yet.
    NotYet,
    /// Nothing has come for the settle time: an unfinished line is a prompt, and a CR ends its line.
    Settled,
}

/// What has come, and how far it has been looked at.
#[derive(Debug)]
pub(super) struct Sight {
    /// The bytes and lines.
    pub inbox: Inbox,
    /// A wait's own patterns look from here on: behind the last match, or the last send.
    floor: u64,
    /// Whether a line may begin at `floor`.
    floor_begins_line: bool,
    /// Where the next `read` begins: behind the last match.
    pub read_from: u64,
    /// Everything before this was claimed by a match, a read or a handler.
    claimed: u64,
    /// Where the answers to the last send begin.
    pub exchange: u64,
    /// What was sent last, as sent; empty if nothing was.
    sent: Vec<u8>,
    /// How much of it is the line whose echo may still come.
    echo: Option<usize>,
    /// Where the echo of this exchange stands.
    echo_at: Option<Range<u64>>,
    /// Whether a watcher is content with an unfinished line.
    pub has_eager_watchers: bool,
}

/// What a wait looks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The patterns; one that has been satisfied (of `expect all`) is `None`.
    pub patterns: Vec<Option<Pattern>>,
    /// Which lines.
    pub scope: LookAt,
    /// Whether one of the patterns is a literal.
    has_literals: bool,
    /// Literals have been looked for up to here.
    literals_from: u64,
    /// The next recorded line to look at; all before it were looked at by this wait.
    record: u64,
    /// Where the wait began to look: what a `read until` gives begins here.
    pub began_at: u64,
}

/// How much must have come, at once or to one wait, for it to be worth making a search for the first interesting line.
pub(super) const BULK: u64 = 2048;

/// Which watchers are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watching<'a> {
    /// Patterns and what they do, the innermost block's first.
    pub watchers: &'a [(Pattern, Watch)],
    /// Finds where any pattern, of the wait or of a watcher, could match in many lines.
    pub prefilter: Option<&'a Prefilter>,
    /// Whether lines that nobody wants are to be seen too: a device sends them back.
    pub sees_unwanted: bool,
}

/// What a watcher does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Watch {
    /// Runs a block.
    On,
    /// Ends the wait.
    FailOn,
    /// Drops the line.
    Ignore,
}

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing that anybody waits for.
    Nothing,
    /// A pattern of the wait.
    Wanted {
        /// Which.
        arm: usize,
        /// The bytes that matched.
        found: Range<u64>,
        /// The line they stand in as far as it is known, and where the next begins.
        line: Line,
    },
    /// A line that nobody wanted; told only to who asks for it.
    Unwanted {
        /// The line.
        line: Line,
    },
    /// What a watcher waits for.
    Watched {
        /// Which.
        watcher: usize,
        /// The bytes that matched.
        found: Range<u64>,
        /// The line.
        line: Line,
    },
}

impl Wanted {
    /// Returns the length of the longest literal that is looked for; at least 1.
    fn longest_literal(&self) -> usize {
        let length = |pattern: &Option<Pattern>| match pattern {
            Some(Pattern::Literal(literal)) => literal.needle().len(),
            _ => 1,
        };
        self.patterns.iter().map(length).max().unwrap_or(1)
    }
}

impl Sight {
    /// Makes an empty one.
    pub(super) fn new(bare_cr: BareCr) -> Sight {
        Sight {
            inbox: Inbox::new(bare_cr),
            floor: 0,
            floor_begins_line: true,
            read_from: 0,
            claimed: 0,
            exchange: 0,
            sent: Vec::new(),
            echo: None,
            echo_at: None,
            has_eager_watchers: false,
        }
    }

    /// Returns how much has come that was not looked at.
    pub(super) fn unlooked(&self) -> u64 {
        self.inbox.end() - self.inbox.line_start()
    }

    /// Begins to look for patterns.
    pub(super) fn want(&self, patterns: Vec<Option<Pattern>>, scope: LookAt) -> Wanted {
        let record = match scope {
            LookAt::Answer => self.inbox.first_record_behind(self.floor),
            LookAt::Unclaimed => self.inbox.records().start,
        };
        let has_literals = patterns.iter().flatten().any(|pattern| matches!(pattern, Pattern::Literal(_)));
        Wanted { has_literals, patterns, scope, literals_from: self.floor, record, began_at: self.read_from }
    }

    /// Notes that a send has left: what came before is no answer to it. So much of it is a line that may come back.
    pub(super) fn sent(&mut self, bytes: &[u8], echo: Option<usize>) {
        self.note_sent(bytes);
        self.start_afresh();
        self.exchange = self.floor;
        self.echo = echo.filter(|n| *n > 0 && !bytes[..*n].iter().any(|b| matches!(b, b'\r' | b'\n')));
        self.echo_at = None;
    }

    /// Notes what was sent, though it is no question: what has come is still to be looked at.
    pub(super) fn note_sent(&mut self, bytes: &[u8]) {
        self.sent.clear();
        self.sent.extend_from_slice(bytes);
    }

    /// Returns what was sent last, as sent; `None` if nothing was.
    pub(super) fn last_sent(&self) -> Option<&[u8]> {
        Some(self.sent.as_slice()).filter(|sent| !sent.is_empty())
    }

    /// Returns the echo that may still come.
    fn awaited_echo(&self) -> Option<&[u8]> {
        self.echo.map(|n| &self.sent[..n])
    }

    fn start_afresh(&mut self) {
        self.floor = self.inbox.end();
        self.floor_begins_line = true;
        self.read_from = self.floor;
    }

    /// Passes over everything that has come, for a new attempt: no wait and no watcher looks at it any more,
    /// `await` may.
    pub(super) fn pass_over(&mut self) {
        while let Some(line) = self.inbox.line(Silence::Settled) {
            let rest_from = self.claimed;
            let fate = if rest_from > line.text.start { Fate::Claimed { rest_from } } else { Fate::Unclaimed };
            self.inbox.record(line, fate);
        }
        self.start_afresh();
        self.claimed = self.floor;
        self.echo = None;
    }

    /// Throws away everything that has come.
    pub(super) fn flush(&mut self) {
        self.pass_over();
        self.inbox.claim(0..self.floor);
        self.inbox.skip_to(self.floor);
    }

    /// Whether silence for the settle time would change anything: an unfinished line is a prompt or not an echo.
    pub(super) fn waits_for_silence(&self, wanted: Option<&Wanted>) -> bool {
        let has_rest = self.inbox.end() > self.inbox.line_start().max(self.claimed);
        let wants_prompt = wanted.is_some_and(|w| w.patterns.iter().flatten().any(Pattern::is_prompt));
        self.inbox.ends_with_bare_cr() || has_rest && (wants_prompt || self.echo.is_some() || self.has_eager_watchers)
    }

    /// Looks at everything that has come.
    ///
    /// `silence` tells whether nothing has come for the settle time.
    pub(super) fn look(&mut self, mut wanted: Option<&mut Wanted>, watching: Watching<'_>, silence: Silence) -> Seen {
        if let Some(wanted) = wanted.as_deref_mut() {
            let seen = self.look_at_records(wanted);
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
                let seen = self.look_at_line(wanted, &line);
                if seen != Seen::Nothing {
                    return seen;
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
        let seen = match wanted {
            Some(wanted) => self.look_at_rest(wanted, silence),
            None => Seen::Nothing,
        };
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
        let mut end = start + complete as u64;
        if let Some(hit) = prefilter.find(self.inbox.slice(from..end)) {
            end = (from + hit as u64).max(start);
        }
        if let Some(echo) = self.awaited_echo()
            && let Some(hit) = memchr::memmem::find(self.inbox.slice(start..end), echo)
        {
            end = start + hit as u64;
        }
        // Only whole lines before the hit are passed over.
        let before = self.inbox.slice(start..end);
        let Some(whole) = memchr::memrchr(b'\n', before).map(|at| start + at as u64 + 1) else { return };
        while self.inbox.line_start() < whole {
            let Some(line) = self.inbox.line(Silence::NotYet) else { break };
            self.inbox.record(line, Fate::Unclaimed);
        }
        if let Some(wanted) = wanted {
            let longest = wanted.longest_literal() as u64;
            wanted.literals_from = wanted.literals_from.max((whole + 1).saturating_sub(longest));
            wanted.record = self.inbox.records().end;
        }
    }

    /// Looks for a wait inside of a handler of a device: no watcher is asked, all is kept for them.
    pub(super) fn look_busy(&mut self, wanted: Option<&mut Wanted>, silence: Silence) -> Seen {
        let nobody = Watching { watchers: &[], prefilter: None, sees_unwanted: false };
        self.look(wanted, nobody, silence)
    }

    /// Returns where a wait begins to look in a line.
    fn clip(&self, line: &Line) -> u64 {
        self.floor.clamp(line.text.start, line.text.end.max(line.text.start))
    }

    fn is_echo(&self, from: u64, line: &Line) -> bool {
        self.awaited_echo().is_some_and(|echo| self.floor < line.next && self.inbox.slice(from..line.text.end) == echo)
    }

    fn take_echo(&mut self, from: u64, line: Line) {
        self.echo = None;
        self.echo_at = Some(from..line.next);
        if self.floor >= from {
            self.floor = line.next;
            self.floor_begins_line = true;
        }
        self.inbox.record(line, Fate::Echo);
    }

    /// Looks at lines that came while nothing was awaited, or that nobody claimed.
    fn look_at_records(&mut self, wanted: &mut Wanted) -> Seen {
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
                let seen = self.look_at_line(wanted, &line);
                if seen != Seen::Nothing {
                    return seen;
                }
            }
        }
        Seen::Nothing
    }

    /// Looks for the wait's patterns in a complete line; a literal may begin in an earlier one.
    fn look_at_line(&mut self, wanted: &mut Wanted, line: &Line) -> Seen {
        let from = match wanted.scope {
            LookAt::Answer => self.clip(line),
            LookAt::Unclaimed if line.text.contains(&self.claimed) => self.claimed,
            LookAt::Unclaimed => line.text.start,
        };
        if let Some((arm, found)) = self.find_literal(wanted, line, line.next) {
            return self.take(arm, found, line.clone(), Whole::No);
        }
        let begins = from == line.text.start || from == self.floor && self.floor_begins_line;
        if from >= line.text.end && (line.text.start < line.text.end || self.floor > line.text.start) {
            return Seen::Nothing;
        }
        let text = self.inbox.slice(line.text.clone());
        let offset = (from - line.text.start) as usize;
        for (arm, pattern) in wanted.patterns.iter().enumerate() {
            let Some(pattern) = pattern else { continue };
            if let Some(found) = pattern.find_in_line(text, offset, begins) {
                let found = line.text.start + found.start as u64..line.text.start + found.end as u64;
                let whole = if pattern.takes_line() { Whole::Yes } else { Whole::No };
                return self.take(arm, found, line.clone(), whole);
            }
        }
        Seen::Nothing
    }

    /// Looks for literals up to `end`; `line` is the line that ends there.
    fn find_literal(&self, wanted: &mut Wanted, line: &Line, end: u64) -> Option<(usize, Range<u64>)> {
        if !wanted.has_literals {
            wanted.literals_from = wanted.literals_from.max(end);
            return None;
        }
        let mut from = match wanted.scope {
            LookAt::Answer => wanted.literals_from.max(self.floor),
            LookAt::Unclaimed if line.text.contains(&self.claimed) => self.claimed,
            LookAt::Unclaimed => line.text.start,
        };
        // Nothing is found in the echo, nor across it.
        if let Some(echo) = &self.echo_at
            && from < echo.end
            && end > echo.start
        {
            from = echo.end;
        }
        let mut earliest: Option<(usize, Range<u64>)> = None;
        let mut longest = 1;
        let haystack = self.inbox.slice(from..end);
        for (arm, pattern) in wanted.patterns.iter().enumerate() {
            let Some(Pattern::Literal(literal)) = pattern else { continue };
            longest = longest.max(literal.needle().len());
            if let Some(found) = literal.find(haystack) {
                let found = from + found.start as u64..from + found.end as u64;
                if earliest.as_ref().is_none_or(|(_, best)| found.end < best.end) {
                    earliest = Some((arm, found));
                }
            }
        }
        if earliest.is_none() {
            wanted.literals_from = from.max((end + 1).saturating_sub(longest as u64));
        }
        earliest
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
        let may_become_echo = self.awaited_echo().is_some_and(|echo| {
            let text = rest.strip_suffix(b"\r").unwrap_or(rest);
            match silence {
                Silence::Settled => text == echo,
                Silence::NotYet => echo.starts_with(text),
            }
        });
        if may_become_echo {
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
                    let found = from + found.start as u64..from + found.end as u64;
                    return self.take(arm, found, line, Whole::No);
                }
            }
        }
        Seen::Nothing
    }

    /// Gives the unfinished last line, which has settled, to watchers that do not ask for a whole one.
    fn watch_rest(&mut self, watching: Watching<'_>) -> Seen {
        let end = self.inbox.end();
        let from = self.inbox.line_start().max(self.claimed);
        let rest = self.inbox.slice(from..end);
        let find = |pattern: &Pattern| match pattern {
            Pattern::Literal(literal) => literal.find(rest),
            _ => pattern.find_in_prompt(rest),
        };
        let best = watching
            .watchers
            .iter()
            .enumerate()
            .filter(|(_, (_, watch))| *watch != Watch::Ignore)
            .filter_map(|(i, (pattern, watch))| find(pattern).map(|found| (*watch, i, found)))
            .min_by_key(|(watch, i, _)| (*watch, *i));
        let Some((_, watcher, found)) = best else { return Seen::Nothing };
        let line = Line { text: self.inbox.line_start()..end, next: end };
        let found = from + found.start as u64..from + found.end as u64;
        self.read_from = found.end;
        self.claimed = found.end;
        self.inbox.skip_to(found.end);
        Seen::Watched { watcher, found, line }
    }

    /// Claims what a wait has found.
    fn take(&mut self, arm: usize, found: Range<u64>, line: Line, whole: Whole) -> Seen {
        let end = match whole {
            Whole::Yes => line.next,
            Whole::No => found.end,
        };
        self.echo = None;
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

    /// Gives a line to the watchers, and goes on to the next.
    fn watch_line(&mut self, watching: Watching<'_>, line: Line) -> Seen {
        if self.claimed > line.text.start {
            self.inbox.record(line, Fate::Claimed { rest_from: self.claimed });
            return Seen::Nothing;
        }
        let clipped = (self.clip(&line) - line.text.start) as usize;
        let text = self.inbox.slice(line.text.clone());
        let find = |pattern: &Pattern| match pattern {
            Pattern::Literal(literal) => literal.find(text),
            _ => pattern.find_in_line(text, 0, true).or_else(|| pattern.find_in_line(text, clipped, true)),
        };
        let best = watching
            .watchers
            .iter()
            .enumerate()
            .filter_map(|(i, (pattern, watch))| find(pattern).map(|found| (*watch, i, found)))
            .min_by_key(|(watch, i, _)| (*watch, *i));
        let Some((watch, watcher, found)) = best else {
            self.inbox.record(line.clone(), Fate::Unclaimed);
            return if watching.sees_unwanted { Seen::Unwanted { line } } else { Seen::Nothing };
        };
        if watch == Watch::Ignore {
            self.inbox.record(line, Fate::Ignored);
            return Seen::Nothing;
        }
        let found = line.text.start + found.start as u64..line.text.start + found.end as u64;
        self.inbox.record(line.clone(), Fate::Claimed { rest_from: line.next });
        self.read_from = if watching.watchers[watcher].0.takes_line() { line.next } else { found.end };
        self.claimed = self.claimed.max(self.read_from);
        Seen::Watched { watcher, found, line }
    }

    /// Takes `n` bytes from behind the last match, if so many have come.
    pub(super) fn read(&mut self, n: u64) -> Option<Range<u64>> {
        let range = self.read_from..self.read_from + n;
        if range.end > self.inbox.end() {
            return None;
        }
        self.take_block(range.clone());
        Some(range)
    }

    /// Takes everything from behind the last match up to a pattern that was just found.
    pub(super) fn take_block(&mut self, range: Range<u64>) {
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
