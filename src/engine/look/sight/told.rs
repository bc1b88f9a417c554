//! What of the input is an echo, for whoever shows it.

use std::ops::Range;

use super::Sight;
use crate::engine::look::Silence;
use crate::engine::look::echo::{Expected, Likeness};
use crate::engine::look::offset::{Offset, part_within};
use crate::event::{EchoOf, EchoPart};

impl Sight {
    /// Notes that a send has left that nobody was told of, as the line shows it: what came while it left may be its echo.
    pub(in crate::engine) fn leaves(&mut self, bytes: &[u8], expected: Expected) {
        let end = self.inbox.end();
        self.ahead = self.leaving_from.filter(|_| expected != Expected::Nothing).map(|from| from..end);
        self.ahead.take_if(|ahead| !bytes.starts_with(self.inbox.slice(ahead.clone())));
    }

    /// Returns where an echo stands in a piece of the input that is about to be told. An echo is one too that ends with the
    /// piece and was not looked at for want of what follows its CR.
    pub(in crate::engine) fn echo_in(&self, piece: &Range<Offset>) -> Option<EchoPart> {
        if let Some(at) = self.ahead.as_ref().and_then(|ahead| part_within(ahead, piece)) {
            return Some(EchoPart { at, of: EchoOf::Next });
        }
        match self.echo.place() {
            Some(echo) => Some(EchoPart { at: part_within(echo, piece)?, of: EchoOf::Last }),
            None => self.echo_at_end(piece),
        }
    }

    /// Returns what of the echo stands at the end of a piece, in a line that was not looked at or is not over.
    fn echo_at_end(&self, piece: &Range<Offset>) -> Option<EchoPart> {
        self.echo.awaited()?;
        let from = self.inbox.line_start().max(self.floor);
        let bytes = self.inbox.slice(from..piece.end.max(from));
        let likeness = |silence| if bytes.is_empty() { Likeness::Other } else { self.echo.likeness(bytes, silence) };
        let (end, of) = match (likeness(Silence::Settled), likeness(Silence::NotYet)) {
            (Likeness::Whole { next, .. }, _) => (from + next, EchoOf::Last),
            (_, Likeness::Begun) => (piece.end, EchoOf::Maybe),
            (Likeness::Begun | Likeness::Other, Likeness::Whole { .. } | Likeness::Other) => return None,
        };
        Some(EchoPart { at: part_within(&(from..end), piece)?, of })
    }
}
