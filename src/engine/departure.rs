//! How a flow departs from a recording, in words: secrets are named first, and then it is cut.

use std::ops::Range;

use super::Engine;
use crate::event::Departure;
use crate::value::escape::visible_cut;
use crate::value::taint::{Stain, Stained};

/// So many characters of a write are shown.
const SHOWN: usize = 60;

/// So many bytes before the place at which two writes differ.
const BEFORE: usize = 20;

impl Engine {
    /// Says how the flow departs from its recording.
    pub(super) fn departure(&self, departure: &Departure) -> String {
        let Departure { sent, at, recorded, n_same, .. } = departure;
        let sent = self.marked_octets(sent.clone());
        let Some(recorded) = recorded else {
            return format!(
                "the flow departs from the recording: it sent `{}`, and the recording has ended after {n_same} writes",
                self.shown_from(&sent, 0)
            );
        };
        let found = self.marked_octets(recorded.bytes.clone());
        let known =
            recorded.secrets.iter().map(|(range, name)| Stain { range: range.clone(), name: name.as_str().into() });
        let stains = super::cover::apart(known.chain(found.stains().iter().cloned()).collect());
        let wanted = Stained::new(recorded.bytes.clone(), stains);
        format!(
            "the flow departs from the recording at byte {} of write {}: it sent `{}`, `{}` is recorded at {} s",
            recorded.at + 1,
            n_same + 1,
            self.shown_from(&sent, *at),
            self.shown_from(&wanted, recorded.at),
            recorded.moment
        )
    }

    /// Shows octets from shortly before a place.
    fn shown_from(&self, octets: &Stained, at: usize) -> String {
        let start = at.saturating_sub(BEFORE);
        let dots = if start > 0 { "…" } else { "" };
        let rest: Range<usize> = start..octets.plain().len();
        let covered = octets.piece(rest).covered(|octets| self.journal.secrets().name_of(octets));
        format!("{dots}{}", visible_cut(&covered, SHOWN))
    }
}
