//! What happened, as events: when each is told, and what it says.

use std::ops::Range;

use super::Engine;
use super::cover::Cover;
use super::look::offset::Offset;
use super::port::Port;
use crate::diagnostic::{Code, Label};
use crate::event::{Event, EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::secret::{Ends, FULL, SHORTEST, can_be_masked};
use crate::source::Site;
use crate::value::Value;
use crate::value::escape::{visible, visible_cut};
use crate::value::taint::{Marked, Stain, Stained};

/// A piece of a secret takes no more bytes, whatever form it has: it is searched in pieces.
pub(super) const NEAR: usize = 1600;

impl Engine {
    /// Tells of something that happened now, on the current port.
    pub(super) fn tell(&mut self, site: Option<Site>, kind: EventKind) {
        self.tell_on(self.flow.port, site, kind);
    }

    /// Tells of something that happened now on a port.
    pub(super) fn tell_on(&mut self, port: PortId, site: Option<Site>, kind: EventKind) {
        self.tell_untold();
        self.journal.tell(Event { at: self.now, port, site, kind });
    }

    /// Tells of bytes that have left.
    pub(super) fn tell_sent(&mut self, port: PortId, site: Site, bytes: Vec<u8>) {
        self.tell_untold();
        if self.journal.wants_traffic() {
            self.journal.tell(Event { at: self.now, port, site: Some(site), kind: EventKind::Sent { bytes } });
        }
    }

    /// Says something that the engine itself has to say.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.tell(None, EventKind::Noted { text: text.into() });
    }

    /// Asks something of a port.
    pub(super) fn command(&mut self, port: PortId, command: PortCommand) {
        self.journal.command(port, command);
    }

    /// Tells soon of all whole lines of a port that have been looked at.
    pub(super) fn sight_lines(&mut self, port: PortId) {
        if self.ports.tell_lines_soon(port, self.now) {
            self.tell_untold();
        }
    }

    /// Tells of the lines that are not told of yet.
    #[inline(always)]
    pub(super) fn tell_untold(&mut self) {
        if self.ports.tells_by().is_some() {
            self.tell_all_untold();
        }
    }

    fn tell_all_untold(&mut self) {
        self.ports.tell_all();
        for port in self.ports.ids() {
            self.tell_untold_of(port);
        }
    }

    fn tell_untold_of(&mut self, port: PortId) {
        let Some(places) = self.ports[port].take_untold() else { return };
        for place in &places {
            self.tell_received(port, *place, Piece::Line);
        }
        self.ports[port].keep_places(places);
    }

    /// Tells of everything that has come, though a line or a secret may be unfinished.
    pub(super) fn sight_all(&mut self) {
        for port in self.ports.ids() {
            self.sight_to(port, self.ports[port].sight.inbox.end(), Piece::Line);
        }
        self.journal.cut();
    }

    /// Tells of what came on a port up to a place.
    pub(super) fn sight_to(&mut self, port: PortId, place: Offset, piece: Piece) {
        self.tell_untold();
        self.tell_received(port, place, piece);
    }

    fn tell_received(&mut self, port: PortId, place: Offset, piece: Piece) {
        let place = place.min(self.ports[port].sight.inbox.end());
        if self.program.learns_secrets && self.ports[port].note_cut(place) {
            self.journal.hold_cut();
        }
        let is_wanted = self.journal.wants_traffic();
        let sight = &mut self.ports[port].sight;
        let begin = sight.inbox.told();
        while let Some((at, range)) = sight.inbox.tell(place) {
            if !is_wanted {
                continue;
            }
            let range = match piece {
                Piece::Line => range,
                // Counted bytes are one piece, whenever its parts came.
                Piece::Block if range.end >= place => begin..range.end,
                Piece::Block => continue,
            };
            let bytes = sight.inbox.slice(range.clone()).to_vec();
            let echo = sight.echo_in(&range);
            let kind = EventKind::Received { bytes, block: piece == Piece::Block, echo };
            self.journal.tell(Event { at, port, site: None, kind });
        }
    }

    /// Holds events back until [`Engine::release`].
    pub(super) fn hold(&mut self) {
        self.tell_untold();
        self.journal.hold();
    }

    /// Lets held events go if nobody else holds them; secrets that were learnt meanwhile are named in them.
    pub(super) fn release(&mut self) {
        self.journal.release_to(self.journal.holds().saturating_sub(1));
    }

    /// Lets go what was told of lines before they were looked at, once they have been.
    pub(super) fn release_cut(&mut self) {
        if self.journal.is_cut() && !self.ports.iter_mut().any(Port::is_cut) {
            self.journal.release_cut();
        }
    }

    /// Lets everything go: the run is over, and no secret is learnt any more.
    pub(super) fn release_all(&mut self) {
        self.journal.release_cut();
        self.journal.release_to(0);
        self.journal.cut();
        for failure in [&mut self.tally.failure, &mut self.tally.cleanup].into_iter().flatten() {
            self.journal.clean_failure(failure);
        }
    }

    /// Learns a secret, so that nothing shows it from now on, and returns it with its mark. Of a list or a map it learns the texts
    /// in it, and the numbers of four digits or more.
    pub(super) fn made_secret(&mut self, name: &str, value: Marked, site: Site) -> Result<Marked, Box<Failure>> {
        let value = value.value;
        let mut learnt = Learnt::Nothing;
        self.learn(name, &value, &mut learnt);
        self.has_room_for_secrets(site)?;
        if learnt == Learnt::OnlyShort {
            let message = format!("the secret `{name}` is shorter than {SHORTEST} bytes and could not be masked");
            return Err(self.failure_at(Code::RunValue, site, message, "too short for a secret"));
        }
        Ok(Marked::secret(value, &name.into()))
    }

    fn learn(&mut self, name: &str, value: &Value, learnt: &mut Learnt) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.learn(name, item, learnt)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.learn(name, value, learnt)),
            // They are one of two, or of one.
            Value::Bool(_) | Value::Null => {}
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Decimal(_) | Value::Duration(_) => {
                let octets = value.octets();
                if can_be_masked(&octets) {
                    *learnt = Learnt::Something;
                    self.redact_from_now(name, &octets);
                    if let Value::Bytes(_) = value {
                        self.redact_from_now(name, &value.show());
                    }
                } else if !octets.is_empty() && *learnt == Learnt::Nothing {
                    *learnt = Learnt::OnlyShort;
                }
            }
        }
    }

    /// Fails if a secret could not be learned for want of room.
    pub(super) fn has_room_for_secrets(&self, site: Site) -> Result<(), Box<Failure>> {
        if !self.journal.secrets().is_full() {
            return Ok(());
        }
        Err(self.failure_at(Code::RunValue, site, FULL, ""))
    }

    /// Names these bytes in all that comes from now on; what came before is told as it was.
    pub(super) fn redact_from_now(&mut self, name: &str, octets: &[u8]) {
        self.tell_untold();
        self.journal.learn(name, octets);
    }

    /// Returns octets as messages show them: with secrets named, and then cut. As long as events are held back a secret may be in
    /// them that is not known yet, and nothing is cut.
    pub(super) fn cut(&self, octets: &[u8], limit: usize) -> String {
        visible_cut(&self.without_foreign(self.journal.clean(octets)), self.limit(limit))
    }

    /// The same for bytes that came on a port, see [`Engine::named_part`].
    pub(super) fn cut_part(&self, port: PortId, part: Range<Offset>, limit: usize) -> String {
        visible_cut(&self.without_foreign(self.named_part(port, part)), self.limit(limit))
    }

    /// Names the secrets of the other side in what is about to be cut: behind that they could not be found any more.
    pub(super) fn without_foreign(&self, octets: Vec<u8>) -> Vec<u8> {
        let foreign = &self.search.borrow().foreign;
        if foreign.is_empty() { octets } else { Cover::of(foreign).covered(&octets) }
    }

    /// Returns how much of a text a message may show.
    pub(super) fn limit(&self, limit: usize) -> usize {
        if self.journal.holds() > 0 { usize::MAX } else { limit }
    }

    /// Returns bytes that came on a port as messages show them: what is a part of a secret there is named, though they are not
    /// all of it.
    pub(super) fn named_part(&self, port: PortId, part: Range<Offset>) -> Vec<u8> {
        if self.journal.secrets().is_empty() {
            return self.ports[port].sight.inbox.slice(part).to_vec();
        }
        let (bytes, part) = self.with_neighbours(port, part);
        let named = self.journal.secrets().redact_part(bytes, part.clone(), Ends::Cut);
        named.unwrap_or_else(|| bytes[part].to_vec())
    }

    /// Learns the pieces of secrets that a part of what came on a port begins or ends with: the part is about to become a value.
    pub(super) fn learn_pieces(&mut self, port: PortId, part: Range<Offset>) {
        if self.journal.known().is_empty() {
            return;
        }
        let (bytes, part) = self.with_neighbours(port, part);
        for (name, piece) in self.journal.secrets().pieces(bytes, part) {
            self.redact_from_now(&name, &piece);
        }
    }

    /// Returns a part of what came on a port as a value: what is a part of a secret there is marked, though it is not all of it.
    pub(super) fn part_as_value(&self, port: PortId, part: Range<Offset>) -> Marked {
        let value = self.ports[port].sight.inbox.slice(part.clone()).to_vec();
        if self.journal.known().is_empty() {
            return Value::Text(value).into();
        }
        let (bytes, part) = self.with_neighbours(port, part);
        let stains = self.journal.secrets().find_in_part(bytes, part).into_iter();
        Stained::new(value, stains.map(|(range, name)| Stain { range, name }).collect()).into_text()
    }

    /// Returns a part of what came on a port with what stands around it, and where it is in that: so much that a secret of which
    /// it is a part is in it.
    fn with_neighbours(&self, port: PortId, part: Range<Offset>) -> (&[u8], Range<usize>) {
        let inbox = &self.ports[port].sight.inbox;
        let n = inbox.slice(part.clone()).len();
        let from = part.start.back(NEAR);
        let before = inbox.slice(from..part.start).len();
        (inbox.slice(from..part.end + NEAR), before..before + n)
    }

    /// Returns a value as messages show it.
    pub(super) fn shown(&self, value: &Marked) -> String {
        visible(&self.journal.clean(&self.covered(value)))
    }

    /// Makes a failure that points at a place.
    pub(super) fn failure_at(
        &self,
        code: Code,
        site: Site,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Box<Failure> {
        let others = self.flow.call_sites().into_iter().filter(|call| *call != site);
        Box::new(Failure {
            code,
            site: Some(site),
            message: self.journal.clean_text(&message.into()),
            label: self.journal.clean_text(&label.into()),
            others: others.map(|call| Label::new(call, "called here")).collect(),
            steps: self.flow.step_titles(),
            sent: None,
            came: None,
            cause: None,
            ends_run: false,
        })
    }
}

/// What was learnt of a value that became a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learnt {
    /// It holds nothing.
    Nothing,
    /// All of it is too short.
    OnlyShort,
    /// Whatever is long enough.
    Something,
}

/// As what received bytes are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Whole lines where possible.
    Line,
    /// One piece, whatever is in it.
    Block,
}
