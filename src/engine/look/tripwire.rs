//! `Tripwire`: patterns that are noticed in every line that comes while it is set, whoever gets the line.

use std::ops::Range;

use super::offset::Offset;
use crate::pattern::Pattern;

/// What a tripwire is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum SetFor {
    /// The attempts at the step whose scope has this depth: what its `unless` names.
    Attempts(usize),
    /// The pause before a further attempt at this step: what a `fail now on` names.
    Pause(usize),
}

/// Patterns that are noticed in every line.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Tripwire {
    pub set_for: SetFor,
    /// The patterns, each with the number that its owner knows it by.
    patterns: Vec<(usize, Pattern)>,
    /// It looks at what came from here on.
    from: Offset,
    sprung: Option<Sprung>,
}

/// What a tripwire has noticed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Sprung {
    /// The number of the pattern.
    pub number: usize,
    /// The line, or the part of it that came while the tripwire was set.
    pub line: Range<Offset>,
}

/// Whether a line has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Yes,
    NotYet,
}

impl Tripwire {
    /// Sets one for what comes from a place on.
    pub(in crate::engine) fn new(set_for: SetFor, patterns: Vec<(usize, Pattern)>, from: Offset) -> Tripwire {
        Tripwire { set_for, patterns, from, sprung: None }
    }

    /// Begins again: what came before a place is not noticed any more.
    pub(in crate::engine) fn begin_at(&mut self, from: Offset) {
        self.from = from;
        self.sprung = None;
    }

    /// Returns what it has noticed.
    pub(in crate::engine) fn sprung(&self) -> Option<&Sprung> {
        self.sprung.as_ref()
    }

    /// Looks at a line that begins at a place.
    pub(super) fn look(&mut self, line: &[u8], start: Offset, ended: Ended) {
        let end = start + line.len();
        if self.sprung.is_some() || end < self.from {
            return;
        }
        let from = self.from.max(start);
        let text = &line[from - start..];
        let found = self.patterns.iter().find(|(_, pattern)| says(pattern, text, ended));
        self.sprung = found.map(|(number, _)| Sprung { number: *number, line: from..end });
    }
}

/// Whether a pattern is found in a line, which counts as a whole one.
fn says(pattern: &Pattern, line: &[u8], ended: Ended) -> bool {
    match (pattern.literal(), ended) {
        (Some(literal), _) => literal.find(line).is_some(),
        (None, Ended::NotYet) if pattern.is_prompt() => pattern.find_in_prompt(line).is_some(),
        (None, _) => pattern.find_in_line(line, 0, true).is_some(),
    }
}
