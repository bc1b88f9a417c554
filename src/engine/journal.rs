//! The journal: what is to be done and what happened, on the way out, with secrets named.
//!
//! It knows no program, no port and no value. Whatever leaves an engine leaves through it, so no event can carry a secret that
//! is known when the event leaves.

use std::collections::VecDeque;
use std::sync::Arc;

use super::io::{Action, Output};
use crate::event::{CloseReason, Event, EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::secret::Redactor;
use crate::time::Moment;

/// What is on its way out of an engine.
#[derive(Debug, Default)]
pub(in crate::engine) struct Journal {
    secrets: Redactor,
    outbox: VecDeque<Output>,
    /// Events that are held back.
    held: Vec<Event>,
    /// How many hold them.
    holds: u32,
    /// When the event happened that was told last.
    told_at: Moment,
    /// Whether what was told last was cut out of a line that was not looked at yet: a secret may still be made of it.
    is_cut: bool,
}

impl Journal {
    /// Takes an event. It leaves at once, or when nobody holds events back any more.
    ///
    /// Time never goes back: what came earlier and is told only now, the end of a line that was matched before its end for
    /// instance, gets the moment of what was told before it.
    pub(in crate::engine) fn tell(&mut self, mut event: Event) {
        event.at = event.at.max(self.told_at);
        self.told_at = event.at;
        if !self.secrets.known().is_empty() {
            clean(&mut event, &self.secrets);
        }
        if self.is_holding() {
            self.held.push(event);
        } else {
            self.outbox.push_back(Output::Event(event));
        }
    }

    /// Takes something that is to be done after all that was taken before.
    pub(in crate::engine) fn act(&mut self, action: Action) {
        self.outbox.push_back(Output::Act(action));
    }

    /// Takes something that is asked of the port. It leaves before what is to be told, after what is to be done: an answer does
    /// not wait for what is made of the question. Only the opening of the port comes after the news that the run begins.
    pub(in crate::engine) fn command(&mut self, port: PortId, command: PortCommand) {
        let is_opening = matches!(command, PortCommand::Open { .. });
        let action = Output::Act(Action::Port(port, command));
        if is_opening {
            return self.outbox.push_back(action);
        }
        let behind = self.outbox.iter().rposition(|output| matches!(output, Output::Act(_)));
        self.outbox.insert(behind.map_or(0, |last| last + 1), action);
    }

    /// Gives out what is to leave next.
    #[inline]
    pub(in crate::engine) fn next(&mut self) -> Option<Output> {
        let next = self.outbox.pop_front();
        if next.is_none() {
            // Begins at its beginning again: the same few lines of the processor's cache for every exchange.
            self.outbox.clear();
        }
        next
    }

    /// Holds events back until [`Journal::release_to`] is called with what [`Journal::holds`] says now.
    pub(in crate::engine) fn hold(&mut self) {
        self.holds += 1;
    }

    /// Returns how many hold events back.
    pub(in crate::engine) fn holds(&self) -> u32 {
        self.holds
    }

    /// Lets only so many hold events back. If that is nobody, all held events leave, with the secrets named that were learnt
    /// meanwhile.
    pub(in crate::engine) fn release_to(&mut self, holds: u32) {
        self.holds = self.holds.min(holds);
        self.tell_held();
    }

    /// Holds events back until [`Journal::release_cut`]: a part of a line is told that was not looked at yet.
    pub(in crate::engine) fn hold_cut(&mut self) {
        self.is_cut = true;
    }

    /// Whether events are held back for the sake of a part of a line.
    pub(in crate::engine) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Lets go what is held back for the sake of a part of a line.
    pub(in crate::engine) fn release_cut(&mut self) {
        self.is_cut = false;
        self.tell_held();
    }

    /// Names the secrets in a failure that is kept.
    pub(in crate::engine) fn clean_failure(&self, failure: &mut Failure) {
        clean_failure(failure, &self.secrets);
    }

    fn is_holding(&self) -> bool {
        self.holds > 0 || self.is_cut
    }

    /// Tells the events that were held back, unless they still are.
    fn tell_held(&mut self) {
        if self.is_holding() || self.held.is_empty() {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        // A secret may stand in several pieces of what came on a port.
        let mut ports: Vec<PortId> = held.iter().map(|event| event.port).collect();
        ports.sort_unstable();
        ports.dedup();
        for port in ports {
            let of_port = held.iter_mut().filter(|event| event.port == port);
            self.secrets.redact_pieces(of_port.filter_map(received).collect());
        }
        for mut event in held {
            clean(&mut event, &self.secrets);
            if received(&mut event).is_none_or(|bytes| !bytes.is_empty()) {
                self.outbox.push_back(Output::Event(event));
            }
        }
    }

    /// Learns a secret: it is named in whatever leaves from now on.
    pub(in crate::engine) fn learn(&mut self, name: &str, octets: &[u8]) {
        self.secrets.learn(name, octets);
    }

    /// Returns the secrets that are known, plain, in the order in which they were learnt.
    pub(in crate::engine) fn known(&self) -> &[(Arc<str>, Vec<u8>)] {
        self.secrets.known()
    }

    /// Returns the search for secrets, for texts that are made of values.
    pub(in crate::engine) fn secrets(&self) -> &Redactor {
        &self.secrets
    }

    /// Returns bytes with every secret named.
    pub(in crate::engine) fn clean(&self, bytes: &[u8]) -> Vec<u8> {
        self.secrets.clean(bytes)
    }

    /// Returns a text with every secret named.
    pub(in crate::engine) fn clean_text(&self, text: &str) -> String {
        self.secrets.clean_text(text)
    }
}

/// Returns the bytes that an event says were received.
fn received(event: &mut Event) -> Option<&mut Vec<u8>> {
    if let EventKind::Received { bytes, .. } = &mut event.kind { Some(bytes) } else { None }
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
        EventKind::Noted { text: t } | EventKind::Skipped { why: t } => text(t),
        EventKind::StepBegan { title, .. } | EventKind::StepEnded { title, .. } => text(title),
        EventKind::Failed(failure)
        | EventKind::CleanupFailed(failure)
        | EventKind::Closed(CloseReason::DeviceFailed(failure)) => clean_failure(failure, redactor),
        EventKind::Closed(CloseReason::CannotOpen { reason, .. } | CloseReason::Broken { reason, .. }) => text(reason),
        EventKind::Closed(CloseReason::Finished | CloseReason::HungUp { .. }) => {}
        EventKind::RunStarted(_) | EventKind::Opened | EventKind::Saved { .. } | EventKind::RunEnded { .. } => {}
    }
}
