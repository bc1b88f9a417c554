//! `Offset`: a place in all that a port ever received.

use std::ops::{Add, Range, Sub};

/// A place in all that a port ever received, counted from 0 in bytes. It stays what it is when older bytes are forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Offset(u64);

impl Offset {
    /// The place of the first byte.
    pub(in crate::engine) const START: Offset = Offset(0);

    /// Returns the place so many bytes before this, or the first.
    pub(in crate::engine) fn back(self, n: usize) -> Offset {
        Offset(self.0.saturating_sub(n as u64))
    }
}

impl Add<usize> for Offset {
    type Output = Offset;

    fn add(self, n: usize) -> Offset {
        Offset(self.0 + n as u64)
    }
}

/// How many bytes stand between two places; the second may not lie after the first.
impl Sub for Offset {
    type Output = usize;

    fn sub(self, from: Offset) -> usize {
        debug_assert!(from <= self, "{from:?} lies after {self:?}");
        (self.0 - from.0) as usize
    }
}

/// Returns what was found in a piece that begins at a place, as places.
pub(in crate::engine) fn found_at(begin: Offset, found: Range<usize>) -> Range<Offset> {
    begin + found.start..begin + found.end
}

/// Returns which part of what stands in `whole` stands in `part`, counted from the beginning of `whole`; `None` if nothing does.
pub(in crate::engine) fn part_within(part: &Range<Offset>, whole: &Range<Offset>) -> Option<Range<usize>> {
    let (begin, end) = (part.start.max(whole.start), part.end.min(whole.end));
    (begin < end).then(|| begin - whole.start..end - whole.start)
}
