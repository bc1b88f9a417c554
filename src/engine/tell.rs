//! Events: made with secrets named, held back where a secret in them is not known yet.

use std::time::Duration;

use super::{Action, Engine, Output};
use crate::diagnostic::Code;
use crate::event::{CloseReason, Event, EventKind, Failure};
use crate::port::PortCommand;
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;
use crate::value::escape::visible;

use super::redact::{Redactor, SHORTEST};

/// How long a line that nobody wanted may wait to be told of: nobody notices, and on a busy line most reads are over once
/// they have been looked at.
const TELL_WITHIN: Duration = Duration::from_millis(50);

/// How much may wait to be told of.
const TELL_AT: u64 = 2048;

/// Lines that have been looked at and are told of a moment later, or before whatever else is told.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Up to where they reached after each look: they are told as if that had been done at once.
    places: Vec<u64>,
    /// When they are told at the latest.
    pub by: Option<Moment>,
}

impl Engine {
    /// Tells of something that happened now.
    pub(super) fn tell(&mut self, site: Option<Site>, kind: EventKind) {
        self.tell_untold();
        self.tell_at(self.now, site, kind);
    }

    fn tell_at(&mut self, at: Moment, site: Option<Site>, kind: EventKind) {
        let mut event = Event { at, site, kind };
        if !self.redactor.known().is_empty() {
            clean(&mut event, &self.redactor);
        }
        if self.holds > 0 {
            self.held.push(event);
        } else {
            self.outbox.push_back(Output::Event(event));
        }
    }

    /// Says something that the engine itself has to say.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.tell(None, EventKind::Noted { text: text.into() });
    }

    /// Asks something of the port. It stands before what is to be told, behind what is to be done: an answer does not wait
    /// for what is made of the question. Only the opening of the port comes after the news that the run begins.
    pub(super) fn command(&mut self, command: PortCommand) {
        let is_opening = matches!(command, PortCommand::Open { .. });
        let action = Output::Act(Action::Port(command));
        if is_opening {
            return self.outbox.push_back(action);
        }
        let behind = self.outbox.iter().rposition(|output| matches!(output, Output::Act(_)));
        self.outbox.insert(behind.map_or(0, |last| last + 1), action);
    }

    /// Tells soon of everything that has been looked at: whole lines; empty ones wait for the next that is not.
    pub(super) fn sight_lines(&mut self) {
        let place = self.sight.inbox.text_end();
        let told = self.sight.inbox.told();
        if place <= self.untold.places.last().map_or(told, |last| *last) {
            return;
        }
        self.untold.places.push(place);
        let by = *self.untold.by.get_or_insert(self.now + TELL_WITHIN);
        if place - told >= TELL_AT || by <= self.now {
            self.tell_untold();
        }
    }

    /// Tells of the lines that are not told of yet.
    pub(super) fn tell_untold(&mut self) {
        if self.untold.by.take().is_none() {
            return;
        }
        let mut places = std::mem::take(&mut self.untold.places);
        for place in places.drain(..) {
            self.sight_to(place, false);
        }
        self.untold.places = places;
    }

    /// Tells of everything that has come.
    pub(super) fn sight_all(&mut self) {
        self.sight_to(self.sight.inbox.end(), false);
    }

    /// Tells of what came up to a place.
    pub(super) fn sight_to(&mut self, place: u64, block: bool) {
        self.tell_untold();
        let place = place.min(self.sight.inbox.end());
        let begin = self.sight.inbox.told();
        while let Some((at, piece)) = self.sight.inbox.tell(place) {
            // Counted bytes are one piece, whenever its parts came.
            if !block || piece.end >= place {
                let bytes = self.sight.inbox.slice(if block { begin..piece.end } else { piece }).to_vec();
                self.tell_at(at, None, EventKind::Received { bytes, block });
            }
        }
    }

    /// Holds events back until [`Engine::release`].
    pub(super) fn hold(&mut self) {
        self.tell_untold();
        self.holds += 1;
    }

    /// Lets held events go if nobody else holds them; secrets that were learnt meanwhile are named in them.
    pub(super) fn release(&mut self) {
        self.release_to(self.holds.saturating_sub(1));
    }

    pub(super) fn release_to(&mut self, holds: u32) {
        self.holds = self.holds.min(holds);
        if self.holds > 0 {
            return;
        }
        for mut event in std::mem::take(&mut self.held) {
            clean(&mut event, &self.redactor);
            self.outbox.push_back(Output::Event(event));
        }
    }

    /// Learns a secret, so that nothing shows it from now on.
    pub(super) fn learn(&mut self, name: &str, value: &Value, site: Site) -> Result<(), Box<Failure>> {
        if let Value::List(items) = value {
            return items.iter().try_for_each(|item| self.learn(name, item, site));
        }
        let octets = value.octets();
        if octets.is_empty() {
            return Ok(());
        }
        if octets.len() < SHORTEST {
            let message = format!("the secret `{name}` is shorter than {SHORTEST} bytes and could not be masked");
            return Err(self.failure_at(Code::RunValue, site, message, "too short for a secret"));
        }
        self.redact_from_now(name, &octets);
        if let Value::Bytes(_) = value {
            self.redact_from_now(name, &value.show());
        }
        Ok(())
    }

    /// Names these bytes in all that comes from now on; what came before is told as it was.
    pub(super) fn redact_from_now(&mut self, name: &str, octets: &[u8]) {
        self.tell_untold();
        self.redactor.learn(name, octets);
    }

    /// Returns a value as messages show it.
    pub(super) fn shown(&self, value: &Value) -> String {
        visible(&self.redactor.clean(&value.show()))
    }

    /// Makes a failure that points at a place.
    pub(super) fn failure_at(
        &self,
        code: Code,
        site: Site,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Box<Failure> {
        let others = self.call_sites().into_iter().filter(|call| *call != site);
        Box::new(Failure {
            code,
            site: Some(site),
            message: self.redactor.clean_text(&message.into()),
            label: self.redactor.clean_text(&label.into()),
            others: others.map(|call| crate::diagnostic::Label::new(call, "called here")).collect(),
            steps: self.step_titles(),
            sent: None,
            came: None,
            cause: None,
        })
    }
}

/// Names the secrets in a failure: this run's, or that of the simulated device, which does not know them.
fn clean_failure(failure: &mut Failure, redactor: &Redactor) {
    let text = |text: &mut String| *text = redactor.clean_text(text);
    text(&mut failure.message);
    text(&mut failure.label);
    failure.others.iter_mut().for_each(|label| text(&mut label.text));
    failure.steps.iter_mut().for_each(text);
    failure.sent.iter_mut().for_each(text);
    failure.came.iter_mut().flatten().for_each(text);
    failure.cause.iter_mut().for_each(text);
}

/// Names the secrets in an event.
fn clean(event: &mut Event, redactor: &Redactor) {
    let bytes = |bytes: &mut Vec<u8>| {
        if let Some(clean) = redactor.redact(bytes) {
            *bytes = clean;
        }
    };
    let text = |text: &mut String| {
        if let Some(clean) = redactor.redact(text.as_bytes()) {
            *text = String::from_utf8_lossy(&clean).into_owned();
        }
    };
    match &mut event.kind {
        EventKind::Sent { bytes: b } | EventKind::Received { bytes: b, .. } => bytes(b),
        EventKind::Matched { text: t, pattern, .. } => {
            bytes(t);
            if let Some(clean) = redactor.redact(pattern.as_bytes()) {
                *pattern = String::from_utf8_lossy(&clean).into();
            }
        }
        EventKind::Captured { value, .. } => bytes(value),
        EventKind::Logged { text: t } => bytes(t),
        EventKind::Noted { text: t } => text(t),
        EventKind::StepBegan { title, .. } | EventKind::StepEnded { title, .. } => text(title),
        EventKind::Failed(failure) | EventKind::Closed(CloseReason::DeviceFailed(failure)) => {
            clean_failure(failure, redactor)
        }
        EventKind::Closed(CloseReason::CannotOpen { reason, .. } | CloseReason::Broken { reason, .. }) => text(reason),
        EventKind::Closed(CloseReason::Finished | CloseReason::HungUp) => {}
        EventKind::RunStarted(_) | EventKind::Opened | EventKind::Saved { .. } | EventKind::RunEnded { .. } => {}
    }
}
