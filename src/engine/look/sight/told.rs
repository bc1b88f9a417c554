//! What of the input is an echo, for whoever is told of it.

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
        let at = match self.echo.place() {
            Some(echo) => part_within(echo, piece),
            None => self.echo_at_end(piece),
        }?;
        Some(EchoPart { at, of: EchoOf::Last })
    }

    fn echo_at_end(&self, piece: &Range<Offset>) -> Option<Range<usize>> {
        self.echo.awaited()?;
        let from = self.inbox.line_start().max(self.floor);
        let bytes = self.inbox.slice(from..piece.end.max(from));
        match self.echo.likeness(bytes, Silence::Settled) {
            Likeness::Whole { next, .. } => part_within(&(from..from + next), piece),
            Likeness::Begun | Likeness::Other => None,
        }
    }
}
