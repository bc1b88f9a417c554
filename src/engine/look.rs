//! What a match means: which line, or which bytes, satisfy a wait, and who else wants a line.
//!
//! Each line is given to the first of these that wants it: the wait's own patterns, in their order; the watchers:
//! texts, the one that is complete first, then `on` before `fail on` before `ignore`, the innermost block's first;
//! nobody: then it is kept for `await`.

pub(in crate::engine) mod echo;
pub(in crate::engine) mod inbox;
pub(in crate::engine) mod offset;
mod overrun;
pub(in crate::engine) mod sight;
pub(in crate::engine) mod tripwire;

use std::ops::Range;

use crate::pattern::{Candidates, Pattern, Prefilter, Sieve};
use crate::program::LookAt;
use inbox::Line;
use offset::Offset;

/// Whether a port was quiet for its settle time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Silence {
    /// Bytes came a moment ago, or what came after the last silence was not looked at yet.
    NotYet,
    /// Nothing has come for the settle time: an unfinished line is a prompt, and a CR ends its line.
    Settled,
}

/// What a wait looks for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The patterns; one that has been satisfied (of `expect all`) is `None`.
    pub patterns: Vec<Option<Pattern>>,
    /// Which lines.
    pub scope: LookAt,
    /// Whether one of the patterns is a literal.
    has_literals: bool,
    /// Whether one of them is a prompt.
    has_prompts: bool,
    /// Literals have been looked for up to here.
    pub literals_from: Offset,
    /// The next recorded line to look at; all before it were looked at by this wait.
    record: u64,
    /// Where the wait began to look: what a `read until` gives begins here.
    pub began_at: Offset,
}

/// How much must have come, at once or to one wait, for it to be worth making a search for the first interesting line.
pub(super) const BULK: usize = 2048;

/// Which watchers are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watching<'a> {
    /// Patterns and what they do, the innermost block's first.
    pub watchers: &'a [(Pattern, Watch)],
    /// Finds which of them a text may concern, where there are many.
    pub sieve: Option<&'a Sieve>,
    /// Finds where any pattern, of the wait or of a watcher, could match in many lines.
    pub prefilter: Option<&'a Prefilter>,
    /// Whether lines that nobody wants are to be seen too: a device sends them back.
    pub sees_unwanted: bool,
    /// Who gets a line that several want.
    pub order: Order,
}

impl Watching<'_> {
    /// Returns which watchers a text may concern; `None` if that may be any.
    fn candidates(&self, text: &[u8]) -> Option<Candidates> {
        self.sieve.map(|sieve| sieve.candidates(text))
    }
}

/// Calls a function with each of some watchers and its number, or with each of those that are candidates, in their order.
fn for_each<'a>(
    watchers: &'a [(Pattern, Watch)],
    candidates: Option<&Candidates>,
    mut look: impl FnMut(usize, &'a Pattern, Watch),
) {
    match candidates {
        None => watchers.iter().enumerate().for_each(|(i, (pattern, watch))| look(i, pattern, *watch)),
        Some(candidates) => candidates.iter().for_each(|i| look(i, &watchers[i].0, watchers[i].1)),
    }
}

/// Which watcher gets a line that several want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Texts before whole lines, and of texts the one that is complete first: as if the line had paused after it. What follows
    /// the text is then a line of its own.
    Earliest,
    /// The first that was declared. If that is a text, only further texts are looked for in the rest of the line.
    Declared,
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
        found: Range<Offset>,
        /// The line they stand in as far as it is known, and where the next begins.
        line: Line,
    },
    /// A pattern of the wait, before an echo that is sure to come: held until that comes, or cannot come any more.
    Held,
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
        found: Range<Offset>,
        /// The line.
        line: Line,
    },
}

impl Wanted {
    /// Returns the length of the longest literal that is looked for; at least 1.
    fn longest_literal(&self) -> usize {
        let literals = self.patterns.iter().flatten().filter_map(Pattern::literal);
        literals.map(|literal| literal.needle().len()).max().unwrap_or(1)
    }
}
