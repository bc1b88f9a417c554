//! What of the input is the echo, for whoever is told of it.

use std::ops::Range;

use super::Sight;
use crate::engine::look::Silence;
use crate::engine::look::echo::Likeness;
use crate::engine::look::offset::{Offset, part_within};

impl Sight {
    /// Returns where the echo stands in a piece of the input that is about to be told, counted from its beginning. An echo is one
    /// too that ends with the piece and was not looked at for want of what follows its CR.
    pub(in crate::engine) fn echo_in(&self, piece: &Range<Offset>) -> Option<Range<usize>> {
        if let Some(echo) = self.echo.place() {
            return part_within(echo, piece);
        }
        self.echo.awaited()?;
        let from = self.inbox.line_start().max(self.floor);
        let bytes = self.inbox.slice(from..piece.end.max(from));
        match self.echo.likeness(bytes, Silence::Settled) {
            Likeness::Whole { next, .. } => part_within(&(from..from + next), piece),
            Likeness::Begun | Likeness::Other => None,
        }
    }
}
