//! What the watchers get of what has come, and prompts that something unasked follows.

use std::ops::Range;

use super::{Sight, Whole};
use crate::engine::look::echo::Likeness;
use crate::engine::look::inbox::{Fate, Line};
use crate::engine::look::offset::{Offset, found_at};
use crate::engine::look::overrun::{LineEnd, find_prompt_before, interruptions};
use crate::engine::look::tripwire::Ended;
use crate::engine::look::{Order, Seen, Silence, Wanted, Watch, Watching, for_each};
use crate::pattern::{Candidates, Pattern};

impl Sight {
    /// Returns the unfinished last line.
    pub(super) fn rest(&self) -> Line {
        Line { text: self.inbox.line_start()..self.inbox.end(), next: self.inbox.end() }
    }

    /// Gives the unfinished last line, which has settled, to watchers that do not ask for a whole one.
    pub(super) fn watch_rest(&mut self, watching: Watching<'_>) -> Seen {
        let line = self.rest();
        let from = line.text.start.max(self.claimed);
        let answer = self.inbox.slice(from.max(self.floor)..line.next);
        if !answer.is_empty() && self.echo.likeness(answer, Silence::Settled) == Likeness::Begun {
            return Seen::Nothing;
        }
        match self.find_watched_text(watching, None, from..line.next, LineEnd::Missing) {
            Some(text) => self.take_watched_text(text, line),
            None => Seen::Nothing,
        }
    }

    /// Finds the text of an `on` or a `fail on` that is complete first between two places in a line. `candidates` are the
    /// watchers that the line may concern, if that is known.
    fn find_watched_text(
        &self,
        watching: Watching<'_>,
        candidates: Option<&Candidates>,
        within: Range<Offset>,
        end: LineEnd,
    ) -> Option<WatchedText> {
        if !self.has_eager_watchers || within.start >= within.end {
            return None;
        }
        let text = self.inbox.slice(within.clone());
        let own = if candidates.is_none() { watching.candidates(text) } else { None };
        let candidates = candidates.or(own.as_ref());
        let mut places: Option<Vec<usize>> = None;
        let mut first = None;
        let mut best: Option<(usize, usize, Watch, usize, usize)> = None;
        for_each(watching.watchers, candidates, |i, pattern, watch| {
            if watch == Watch::Ignore {
                return;
            }
            let found = if let Some(literal) = pattern.literal() {
                literal.find(text).map(|found| (found.clone(), found.end))
            } else if pattern.is_prompt() {
                let at_end = match end {
                    LineEnd::Came => None,
                    LineEnd::Missing => pattern.find_in_prompt(text).map(|found| (found.clone(), found.end)),
                };
                let places = places.get_or_insert_with(|| interruptions(watching.watchers, candidates, text, end));
                at_end.or_else(|| find_prompt_before(pattern, text, places))
            } else {
                None
            };
            // What is empty comes everywhere and takes nothing.
            let Some((found, next)) = found.filter(|(found, _)| !found.is_empty()) else { return };
            first.get_or_insert(i);
            let key = (found.end, found.start, watch, i, next);
            if best.is_none_or(|best| key < best) {
                best = Some(key);
            }
        });
        let (end, start, _, watcher, next) = best?;
        let found = found_at(within.start, start..end);
        Some(WatchedText { watcher, found, next: within.start + next, first: first? })
    }

    /// Lets the text of a `fail on` win that stands before what a wait has found, from a place in the same line on: it ends
    /// the wait, as it would if the line had paused after it.
    pub(super) fn unless_failed_before(&self, seen: Seen, watching: Watching<'_>, from: Offset, line: Line) -> Seen {
        let found = match &seen {
            Seen::Wanted { found, .. } if self.has_eager_watchers && from < found.start => found.clone(),
            Seen::Wanted { .. } | Seen::Nothing | Seen::Held | Seen::Unwanted { .. } | Seen::Watched { .. } => {
                return seen;
            }
        };
        match self.find_watched_text(watching, None, from..found.start, LineEnd::Came) {
            Some(text) if watching.watchers[text.watcher].1 == Watch::FailOn => {
                // What follows the match may not have come yet.
                let line = Line { text: line.text.start..found.end, next: found.end };
                Seen::Watched { watcher: text.watcher, found: text.found, line }
            }
            Some(_) | None => seen,
        }
    }

    /// Claims the text that a watcher waits for; what follows it is looked at again.
    fn take_watched_text(&mut self, text: WatchedText, line: Line) -> Seen {
        self.read_from = text.found.end;
        self.claimed = self.claimed.max(text.next);
        if self.inbox.has_tripwires() {
            self.inbox.trip(line.text.start..text.next, Ended::Yes);
        }
        self.inbox.skip_to(text.next);
        Seen::Watched { watcher: text.watcher, found: text.found, line }
    }

    /// Gives a line to the watchers, and goes on to the next, or to what follows a text in it.
    pub(super) fn watch_line(&mut self, watching: Watching<'_>, line: Line) -> Seen {
        let from = line.text.start.max(self.claimed);
        let candidates = watching.candidates(self.inbox.slice(line.text.clone()));
        let candidates = candidates.as_ref();
        let text = self.find_watched_text(watching, candidates, from..line.text.end, LineEnd::Came);
        let whole = match (&text, watching.order) {
            (Some(_), Order::Earliest) => None,
            (Some(_), Order::Declared) | (None, _) => self.find_watched_line(watching, candidates, &line),
        };
        match (text, whole) {
            (Some(text), whole) if whole.as_ref().is_none_or(|(_, watcher, _)| text.first < *watcher) => {
                if watching.order == Order::Earliest {
                    return self.take_watched_text(text, line);
                }
                self.read_from = text.found.end;
                self.claimed = text.next;
                Seen::Watched { watcher: text.watcher, found: text.found, line }
            }
            (_, Some((Watch::Ignore, ..))) => {
                self.inbox.record(line, Fate::Ignored);
                Seen::Nothing
            }
            (_, Some((Watch::On | Watch::FailOn, watcher, found))) => {
                self.inbox.record(line.clone(), Fate::Claimed { rest_from: line.next });
                self.read_from = if watching.watchers[watcher].0.takes_line() { line.next } else { found.end };
                self.claimed = self.claimed.max(self.read_from);
                Seen::Watched { watcher, found, line }
            }
            (_, None) if self.claimed > line.text.start => {
                self.inbox.record(line, Fate::Claimed { rest_from: self.claimed });
                Seen::Nothing
            }
            (_, None) => {
                self.inbox.record(line.clone(), Fate::Unclaimed);
                if watching.sees_unwanted { Seen::Unwanted { line } } else { Seen::Nothing }
            }
        }
    }

    /// Finds the watcher that gets an ended line as a whole. A line of which a part was claimed is none any more, but what
    /// follows a send is.
    fn find_watched_line(
        &self,
        watching: Watching<'_>,
        candidates: Option<&Candidates>,
        line: &Line,
    ) -> Option<(Watch, usize, Range<Offset>)> {
        let clipped = self.clip(line) - line.text.start;
        let is_claimed = self.claimed > line.text.start;
        if is_claimed && (self.floor < self.claimed || !self.floor_begins_line) {
            return None;
        }
        let text = self.inbox.slice(line.text.clone());
        let find = |pattern: &Pattern, watch: Watch| match (pattern.literal(), is_claimed) {
            (Some(literal), false) if watch == Watch::Ignore => literal.find(text),
            (Some(_), _) => None,
            (None, true) => pattern.find_in_line(text, clipped, true),
            (None, false) => pattern.find_in_line(text, 0, true).or_else(|| pattern.find_in_line(text, clipped, true)),
        };
        let mut best: Option<(Watch, usize, Range<usize>)> = None;
        for_each(watching.watchers, candidates, |i, pattern, watch| {
            // They come in their order: only one that does something earlier is better.
            if best.as_ref().is_none_or(|(found, ..)| watch < *found)
                && let Some(found) = find(pattern, watch)
            {
                best = Some((watch, i, found));
            }
        });
        let (watch, watcher, found) = best?;
        Some((watch, watcher, found_at(line.text.start, found)))
    }

    /// Looks for a prompt that something unasked follows in its line, which is then a line of its own.
    pub(super) fn look_for_overrun_prompt(
        &mut self,
        wanted: &mut Wanted,
        watching: Watching<'_>,
        line: &Line,
        end: LineEnd,
        silence: Silence,
    ) -> Seen {
        let wants_prompt = wanted.patterns.iter().flatten().any(Pattern::is_prompt);
        let from = self.looks_from(wanted, line);
        // A literal in the line was there before the line ended, and may have been found before.
        if !wants_prompt || from >= line.text.end || self.find_literal(wanted, line, line.text.end).is_some() {
            return Seen::Nothing;
        }
        let text = self.inbox.slice(from..line.text.end);
        let candidates = watching.candidates(text);
        for at in interruptions(watching.watchers, candidates.as_ref(), text, end) {
            if self.echo.likeness(&text[..at], Silence::Settled) == Likeness::Begun {
                continue;
            }
            let arms = wanted.patterns.iter().enumerate();
            let mut found =
                arms.filter_map(|(arm, pattern)| Some((arm, pattern.as_ref()?.find_in_prompt(&text[..at])?)));
            if let Some((arm, found)) = found.next() {
                let (found, next) = (found_at(from, found), from + at);
                let is_pending = line.text.start == self.inbox.line_start();
                let line = Line { text: line.text.start..next, next };
                let seen = self.take_if_answer(wanted, arm, found.clone(), line, Whole::No, silence);
                if is_pending && matches!(seen, Seen::Wanted { .. }) {
                    self.take_block(found.end..next);
                }
                return seen;
            }
        }
        Seen::Nothing
    }

    /// Returns what of a line was not sent back yet; the next call does not return it again.
    pub(in crate::engine) fn hear(&mut self, line: &Line) -> Vec<u8> {
        let from = self.heard.max(line.text.start);
        self.heard = self.heard.max(line.next);
        self.inbox.slice(from..line.next.max(from)).to_vec()
    }
}

/// A text that an `on` or a `fail on` waits for, in a line.
struct WatchedText {
    /// Which watcher.
    watcher: usize,
    /// The bytes that matched.
    found: Range<Offset>,
    /// Where what follows it begins.
    next: Offset,
    /// The first of all watchers whose text is in the line.
    first: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::look::inbox::BareCr;
    use crate::pattern::Sieve;
    use crate::pattern::sieve::tests::{line, pattern};
    use crate::time::Moment;

    /// Returns what watchers see of a text that comes in pieces.
    fn seen(
        watchers: &[(Pattern, Watch)],
        sieve: Option<&Sieve>,
        order: Order,
        text: &[u8],
        chunk: usize,
    ) -> Vec<Seen> {
        let mut sight = Sight::new(BareCr::Waits);
        let is_eager = |pattern: &Pattern| pattern.literal().is_some() || pattern.is_prompt();
        sight.has_eager_watchers = watchers.iter().any(|(pattern, watch)| *watch != Watch::Ignore && is_eager(pattern));
        let watching = Watching { watchers, sieve, prefilter: None, sees_unwanted: false, order };
        let mut all = Vec::new();
        let mut look = |sight: &mut Sight, silence: Silence| loop {
            match sight.look(None, watching, silence) {
                Seen::Nothing => break,
                seen @ (Seen::Held | Seen::Unwanted { .. } | Seen::Wanted { .. } | Seen::Watched { .. }) => {
                    all.push(seen)
                }
            }
        };
        for piece in text.chunks(chunk) {
            sight.inbox.receive(piece, Moment::START);
            look(&mut sight, Silence::NotYet);
        }
        look(&mut sight, Silence::Settled);
        all
    }

    proptest! {
        #[test]
        fn a_sieve_changes_nothing_that_watchers_see(
            watchers in prop::collection::vec(
                (pattern(), prop::sample::select(vec![Watch::On, Watch::FailOn, Watch::Ignore])),
                1..12,
            ),
            lines in prop::collection::vec(line(), 1..6),
            ending in prop::sample::select(vec!["\r\n", "\n", "\r"]),
            chunk in 1usize..20,
            is_declared in prop::bool::ANY,
        ) {
            let order = if is_declared { Order::Declared } else { Order::Earliest };
            let sieve = Sieve::new(watchers.iter().map(|(pattern, _)| Some(pattern))).expect("there are few texts");
            let text = lines.join(ending);
            let with = seen(&watchers, Some(&sieve), order, text.as_bytes(), chunk);
            let without = seen(&watchers, None, order, text.as_bytes(), chunk);
            prop_assert_eq!(with, without);
        }
    }
}
