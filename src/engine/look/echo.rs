//! The echo of what was sent: which line it would be, and where it stands once it has come.

use std::ops::Range;

use super::Silence;
use super::offset::Offset;

/// What was sent last, and its echo.
#[derive(Debug, Default)]
pub(in crate::engine) struct Echo {
    /// What was sent last, as sent; empty if nothing was.
    sent: Vec<u8>,
    /// How much of it is the line whose echo may still come.
    awaited: Option<usize>,
    /// Where the echo of this exchange stands.
    came_at: Option<Range<Offset>>,
}

impl Echo {
    /// Notes what was sent; no echo is expected of it.
    pub(super) fn note_sent(&mut self, bytes: &[u8]) {
        self.sent.clear();
        self.sent.extend_from_slice(bytes);
    }

    /// Notes that so many bytes of what was sent are a line that may come back; nothing if that is no single line.
    pub(super) fn expect(&mut self, length: Option<usize>) {
        self.awaited = length.filter(|n| *n > 0 && !self.sent[..*n].iter().any(|b| matches!(b, b'\r' | b'\n')));
        self.came_at = None;
    }

    /// Notes that no echo will come any more.
    pub(super) fn give_up(&mut self) {
        self.awaited = None;
    }

    /// Notes where the echo stands.
    pub(super) fn came(&mut self, at: Range<Offset>) {
        self.awaited = None;
        self.came_at = Some(at);
    }

    /// Returns what was sent last, as sent; `None` if nothing was.
    pub(super) fn last_sent(&self) -> Option<&[u8]> {
        Some(self.sent.as_slice()).filter(|sent| !sent.is_empty())
    }

    /// Returns the line that may still come back.
    pub(super) fn awaited(&self) -> Option<&[u8]> {
        self.awaited.map(|n| &self.sent[..n])
    }

    /// Whether an unfinished line may still become the echo.
    pub(super) fn may_become(&self, rest: &[u8], silence: Silence) -> bool {
        self.awaited().is_some_and(|echo| {
            let text = rest.strip_suffix(b"\r").unwrap_or(rest);
            match silence {
                Silence::Settled => text == echo,
                Silence::NotYet => echo.starts_with(text),
            }
        })
    }

    /// Returns where to begin to look for what may stand anywhere between two places: nothing is found in the echo, nor across
    /// it.
    pub(super) fn pass_over(&self, from: Offset, end: Offset) -> Offset {
        match &self.came_at {
            Some(echo) if from < echo.end && end > echo.start => echo.end,
            Some(_) | None => from,
        }
    }
}
