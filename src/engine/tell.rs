//! What happened, as events: when each is told, and what it says.

use super::Engine;
use super::look::offset::Offset;
use super::port::Port;
use crate::diagnostic::{Code, Label};
use crate::event::{Event, EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::secret::SHORTEST;
use crate::source::Site;
use crate::value::Value;
use crate::value::escape::{visible, visible_cut};
use crate::value::taint::Marked;

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

    /// Tells of everything that has come.
    pub(super) fn sight_all(&mut self) {
        for port in self.ports.ids() {
            self.sight_to(port, self.ports[port].sight.inbox.end(), Piece::Line);
        }
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
        let inbox = &mut self.ports[port].sight.inbox;
        let begin = inbox.told();
        while let Some((at, range)) = inbox.tell(place) {
            let range = match piece {
                Piece::Line => range,
                // Counted bytes are one piece, whenever its parts came.
                Piece::Block if range.end >= place => begin..range.end,
                Piece::Block => continue,
            };
            let bytes = inbox.slice(range).to_vec();
            let kind = EventKind::Received { bytes, block: piece == Piece::Block };
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
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Duration(_) => {
                let octets = value.octets();
                if octets.len() >= SHORTEST {
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

    /// Names these bytes in all that comes from now on; what came before is told as it was.
    pub(super) fn redact_from_now(&mut self, name: &str, octets: &[u8]) {
        self.tell_untold();
        self.journal.learn(name, octets);
        // Messages show it so.
        let shown = visible(octets);
        if shown.as_bytes() != octets {
            self.journal.learn(name, shown.as_bytes());
        }
    }

    /// Returns octets as messages show them: with secrets named, and then cut. As long as events are held back a secret may be in
    /// them that is not known yet, and nothing is cut.
    pub(super) fn cut(&self, octets: &[u8], limit: usize) -> String {
        let limit = if self.journal.holds() > 0 { usize::MAX } else { limit };
        visible_cut(&self.journal.clean(octets), limit)
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
