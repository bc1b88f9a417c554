//! The journal: what is to be done and what happened, on the way out, with secrets named.
//!
//! It knows no program, no port and no value. Whatever leaves an engine leaves through it, so no event can carry a secret that
//! is known when the event leaves.
//!
//! A secret is a property of the bytes on a line, not of an event. So what came is searched as a stream, and an event stays
//! until no secret can go on behind it that begins in it; those after it stay with it. [`Journal::cut`] ends that.

mod held;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::io::{Action, Output};
use super::limits::STAYING;
use crate::event::{CloseReason, EchoPart, Event, EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::secret::{Redactor, Stream};
use crate::time::Moment;
use crate::value::encoding::Encoding;
use held::{Held, LeftOut, weight};

/// After so many outputs it is worth while to begin at the beginning of the outbox again.
const SOME: u32 = 8;

/// What is on its way out of an engine.
#[derive(Debug, Default)]
pub(in crate::engine) struct Journal {
    secrets: Redactor,
    /// The encodings of the ports, other than UTF-8.
    encodings: Vec<Encoding>,
    outbox: VecDeque<Output>,
    /// How many have left the outbox since it last began at its beginning.
    n_taken: u32,
    /// Events that are held back, as they were told.
    held: Held,
    /// How many hold them.
    holds: u32,
    /// When the event happened that was told last.
    told_at: Moment,
    /// Whether what was told last was cut out of a line that was not looked at yet: a secret may still be made of it.
    is_cut: bool,
    /// Whether nobody is told of what goes over the ports.
    is_discreet: bool,
    /// What went over each port since there are secrets, by its place.
    lines: Vec<Line>,
    /// Events that stay because a secret may go on behind the first of them.
    staying: VecDeque<Staying>,
    /// How much they take, in bytes.
    staying_weight: usize,
}

/// Learns a secret as it stands on a line with this encoding, if it is another one there.
fn learn_encoded(secrets: &mut Redactor, name: &str, octets: &[u8], encoding: Encoding) {
    if !octets.is_ascii()
        && let Ok(encoded) = encoding.encode_octets(octets)
        && encoded != octets
    {
        secrets.learn(name, &encoded);
    }
}

/// What went over one port.
#[derive(Debug, Default)]
struct Line {
    sent: Stream,
    received: Stream,
}

/// An event that stays.
#[derive(Debug)]
struct Staying {
    event: Event,
    /// Where its bytes stand in what was received, if it is that.
    part: Option<Range<u64>>,
    /// How much it took when it came, in bytes.
    weight: usize,
}

impl Journal {
    /// Tells nobody of what goes over the ports, from now on.
    pub(in crate::engine) fn leave_traffic_out(&mut self) {
        self.is_discreet = true;
    }

    /// Whether what goes over the ports is to be told: to somebody, or because it says where the secrets stand in what is.
    pub(in crate::engine) fn wants_traffic(&self) -> bool {
        !self.is_discreet || self.is_holding() || !self.secrets.is_empty()
    }

    /// Takes an event. It leaves at once, or when nobody holds events back any more and no secret is unfinished in it.
    ///
    /// Time never goes back: what came earlier and is told only now, the end of a line that was matched before its end for
    /// instance, gets the moment of what was told before it.
    pub(in crate::engine) fn tell(&mut self, mut event: Event) {
        event.at = event.at.max(self.told_at);
        self.told_at = event.at;
        if self.is_holding() {
            self.held.push(event);
        } else {
            self.release(event);
        }
    }

    /// Lets an event leave that nobody holds back.
    #[inline(always)]
    fn release(&mut self, event: Event) {
        if self.secrets.is_empty() {
            self.outbox.push_back(Output::Event(event));
        } else {
            self.pass(event);
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
    #[inline(always)]
    pub(in crate::engine) fn next(&mut self) -> Option<Output> {
        let next = self.outbox.pop_front();
        if next.is_some() {
            self.n_taken += 1;
        } else if self.n_taken >= SOME {
            // Begins at its beginning again: the same few lines of the processor's cache for every exchange.
            self.outbox.clear();
            self.n_taken = 0;
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

    /// Lets every event leave that stays for the sake of a secret that may go on: what has come of it is named.
    pub(in crate::engine) fn cut(&mut self) {
        if self.staying.is_empty() {
            return;
        }
        for line in &mut self.lines {
            line.received.cut(&self.secrets);
        }
        while self.let_go() {}
    }

    /// Names the secrets in a failure that is kept.
    pub(in crate::engine) fn clean_failure(&self, failure: &mut Failure) {
        clean_failure(failure, &self.secrets);
    }

    /// Learns a secret: it is named in whatever leaves from now on.
    pub(in crate::engine) fn learn(&mut self, name: &str, octets: &[u8]) {
        self.secrets.learn(name, octets);
        for encoding in &self.encodings {
            learn_encoded(&mut self.secrets, name, octets, *encoding);
        }
    }

    /// Takes note that secrets may stand in this encoding on a line, where a recording sees them.
    pub(in crate::engine) fn know_encoding(&mut self, encoding: Encoding) {
        if self.encodings.contains(&encoding) {
            return;
        }
        self.encodings.push(encoding);
        for (name, octets) in self.secrets.known().to_vec() {
            learn_encoded(&mut self.secrets, &name, &octets, encoding);
        }
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

    fn is_holding(&self) -> bool {
        self.holds > 0 || self.is_cut
    }

    /// Tells the events that were held back, unless they still are.
    #[inline]
    fn tell_held(&mut self) {
        if !self.is_holding() && !self.held.is_empty() {
            self.tell_all_held();
        }
    }

    #[inline(never)]
    fn tell_all_held(&mut self) {
        let (left_out, events) = self.held.take();
        if let Some(left_out) = left_out {
            self.tell_left_out(&left_out);
        }
        for event in events {
            self.release(event);
        }
    }

    /// Tells how much was left out of what was held. The search goes on behind the last of it: a secret may begin there of which
    /// the rest is told.
    #[cold]
    fn tell_left_out(&mut self, left_out: &LeftOut) {
        self.cut();
        let kind = EventKind::Noted { text: left_out.note() };
        self.release(Event { at: left_out.since, port: PortId::FIRST, site: None, kind });
        if self.secrets.is_empty() {
            return;
        }
        for (index, last) in left_out.lines.iter().enumerate() {
            let Line { sent, received } = line_at(&mut self.lines, index);
            received.feed(&last.received, &self.secrets);
            sent.feed(&last.sent, &self.secrets);
            sent.cut(&self.secrets);
        }
    }

    /// Lets an event leave, or stay until it can, with its secrets named.
    fn pass(&mut self, mut event: Event) {
        if self.secrets.is_full() && !is_told_in_the_dark(&event.kind) {
            return;
        }
        let weight = weight(&event);
        let Line { sent, received } = line_at(&mut self.lines, event.port.index());
        let mut part = None;
        match &mut event.kind {
            EventKind::Received { bytes, .. } => part = Some(received.feed(bytes, &self.secrets)),
            // What is sent has left as a whole: nothing of it is to come.
            EventKind::Sent { bytes } => {
                let part = sent.feed(bytes, &self.secrets);
                sent.cut(&self.secrets);
                if let Some(named) = sent.named(part.clone(), bytes, &self.secrets) {
                    *bytes = named;
                }
                sent.forget(part.end);
            }
            EventKind::RunStarted(_)
            | EventKind::StepBegan { .. }
            | EventKind::StepEnded { .. }
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Matched { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. }
            | EventKind::Transfer(_)
            | EventKind::Skipped { .. }
            | EventKind::Failed(_)
            | EventKind::CleanupFailed(_)
            | EventKind::RunEnded { .. } => clean(&mut event, &self.secrets),
        }
        self.staying.push_back(Staying { event, part, weight });
        self.staying_weight += weight;
        while !self.has_open_front() && self.let_go() {}
        if self.staying_weight > STAYING {
            self.cut();
        }
    }

    /// Whether a secret begins in the first event that stays, and may go on behind what has come.
    fn has_open_front(&self) -> bool {
        let Some(Staying { event, part: Some(part), .. }) = self.staying.front() else { return false };
        let stream = &self.lines[event.port.index()].received;
        stream.open_from(&self.secrets).is_some_and(|from| from < part.end)
    }

    /// Lets the first event leave that stays; false if there is none.
    fn let_go(&mut self) -> bool {
        let Some(Staying { mut event, part, weight }) = self.staying.pop_front() else { return false };
        self.staying_weight -= weight;
        if let (EventKind::Received { bytes, echo, .. }, Some(part)) = (&mut event.kind, part) {
            let stream = &mut self.lines[event.port.index()].received;
            let end = part.end;
            name_received(stream, part, bytes, echo, &self.secrets);
            stream.forget(end);
            if bytes.is_empty() {
                return true;
            }
        }
        self.outbox.push_back(Output::Event(event));
        true
    }
}

/// Names the secrets in what was received, of which a part is the echo.
fn name_received(
    stream: &mut Stream,
    part: Range<u64>,
    bytes: &mut Vec<u8>,
    echo: &mut Option<EchoPart>,
    secrets: &Redactor,
) {
    let mut places = echo.as_ref().map_or([0, 0], |echo| [echo.at.start, echo.at.end]);
    if let Some(named) = stream.named_with(part, bytes, secrets, &mut places) {
        *bytes = named;
        if let Some(part) = echo {
            part.at = places[0]..places[1];
        }
        echo.take_if(|part| part.at.is_empty());
    }
}

/// Returns what went over a port.
fn line_at(lines: &mut Vec<Line>, index: usize) -> &mut Line {
    if lines.len() <= index {
        lines.resize_with(index + 1, Line::default);
    }
    &mut lines[index]
}

/// Whether an event is told when secrets could not be learned: one that shows nothing of what was sent, received or computed.
fn is_told_in_the_dark(kind: &EventKind) -> bool {
    match kind {
        EventKind::RunStarted(_)
        | EventKind::StepBegan { .. }
        | EventKind::StepEnded { .. }
        | EventKind::Opened
        | EventKind::Closed(_)
        | EventKind::Saved { .. }
        | EventKind::Failed(_)
        | EventKind::CleanupFailed(_)
        | EventKind::RunEnded { .. } => true,
        EventKind::Sent { .. }
        | EventKind::Received { .. }
        | EventKind::Matched { .. }
        | EventKind::Captured { .. }
        | EventKind::Measured(_)
        | EventKind::Logged { .. }
        | EventKind::HookSaid { .. }
        | EventKind::Noted { .. }
        | EventKind::Transfer(_)
        | EventKind::Skipped { .. } => false,
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

/// Names the secrets in an event that is no part of a stream.
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
        EventKind::Matched { text: t, pattern, .. } => {
            bytes(t);
            if let Some(clean) = redactor.redact(pattern.as_bytes()) {
                *pattern = String::from_utf8_lossy(&clean).into();
            }
        }
        EventKind::Captured { value, .. } => bytes(value),
        EventKind::Measured(measured) => measured.texts().for_each(text),
        EventKind::Transfer(file) => file.texts().for_each(text),
        EventKind::Logged { text: t } | EventKind::HookSaid { text: t } => bytes(t),
        EventKind::Noted { text: t } | EventKind::Skipped { why: t } => text(t),
        EventKind::StepBegan { title, .. } | EventKind::StepEnded { title, .. } => text(title),
        EventKind::Failed(failure)
        | EventKind::CleanupFailed(failure)
        | EventKind::Closed(CloseReason::DeviceFailed(failure)) => clean_failure(failure, redactor),
        EventKind::Closed(CloseReason::CannotOpen { reason, .. } | CloseReason::Broken { reason, .. }) => text(reason),
        EventKind::Closed(CloseReason::Finished | CloseReason::HungUp { .. }) => {}
        EventKind::RunStarted(_) | EventKind::Opened | EventKind::Saved { .. } | EventKind::RunEnded { .. } => {}
        // They are searched as streams.
        EventKind::Sent { .. } | EventKind::Received { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    fn tell(journal: &mut Journal, kind: EventKind) {
        journal.tell(Event { at: Moment::START, port: PortId::FIRST, site: None, kind });
    }

    fn received(journal: &mut Journal, text: &str) {
        tell(journal, EventKind::Received { bytes: text.as_bytes().to_vec(), block: false, echo: None });
    }

    fn noted(journal: &mut Journal) {
        tell(journal, EventKind::Noted { text: "a note".to_string() });
    }

    /// Returns what has left, a text for each event.
    fn left(journal: &mut Journal) -> Vec<String> {
        let text = |output: Output| match output {
            Output::Event(Event { kind: EventKind::Received { bytes, .. } | EventKind::Sent { bytes }, .. }) => {
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Output::Event(Event { kind: EventKind::Noted { text }, .. }) => text,
            Output::Event(event) => format!("{:?}", event.kind),
            Output::Act(_) | Output::Wait { .. } | Output::Done(_) => "something else".to_string(),
        };
        std::iter::from_fn(|| journal.next()).map(text).collect()
    }

    fn journal() -> Journal {
        let mut journal = Journal::default();
        journal.learn("key", b"hunter22");
        journal
    }

    #[test]
    fn an_event_stays_while_a_secret_may_go_on_that_begins_in_it_and_no_other_passes_it() {
        let mut journal = journal();
        received(&mut journal, "OK\r\n");
        assert_eq!(left(&mut journal), ["OK\r\n"]);
        received(&mut journal, "k=hunt");
        noted(&mut journal);
        assert_eq!(left(&mut journal), [""; 0]);
        received(&mut journal, "er22\r\n");
        assert_eq!(left(&mut journal), ["k=«key»", "a note", "\r\n"]);
        received(&mut journal, "hunt");
        received(&mut journal, "ing\r\n");
        assert_eq!(left(&mut journal), ["hunt", "ing\r\n"]);
    }

    #[test]
    fn a_cut_lets_everything_go_and_names_what_has_come_of_a_secret() {
        let mut journal = journal();
        received(&mut journal, "k=hunt");
        noted(&mut journal);
        journal.cut();
        received(&mut journal, "er22\r\n");
        assert_eq!(left(&mut journal), ["k=«key…»", "a note", "«…key»\r\n"]);
    }

    #[test]
    fn what_is_sent_in_parts_is_named_in_each() {
        let mut journal = journal();
        for part in ["k=hunter", "22\r"] {
            tell(&mut journal, EventKind::Sent { bytes: part.as_bytes().to_vec() });
        }
        assert_eq!(left(&mut journal), ["k=«key…»", "«…key»\r"]);
    }

    #[test]
    fn two_ports_are_two_streams() {
        let mut journal = journal();
        let second = PortId::new(1).expect("it is a small number");
        received(&mut journal, "hunt");
        let kind = EventKind::Received { bytes: b"er22".to_vec(), block: false, echo: None };
        journal.tell(Event { at: Moment::START, port: second, site: None, kind });
        received(&mut journal, "er22");
        assert_eq!(left(&mut journal), ["«key»", "er22"]);
    }

    #[test]
    fn nothing_is_told_of_the_line_when_a_secret_has_no_room() {
        let mut journal = Journal { secrets: Redactor::with_room(1), ..Journal::default() };
        journal.learn("key", b"hunter22");
        received(&mut journal, "whatever\r\n");
        noted(&mut journal);
        tell(&mut journal, EventKind::Saved { name: "x".to_string() });
        assert_eq!(left(&mut journal), ["Saved { name: \"x\" }"]);
    }

    /// Holds back more than there is room for, in pieces of which each ends within the secret; then the secret becomes known.
    fn flooded(secret: &str, cut: usize, tell_bytes: impl Fn(&mut Journal, String)) -> Vec<String> {
        let mut journal = Journal::default();
        journal.learn("other", b"something else");
        journal.hold();
        let (begin, rest) = secret.split_at(cut);
        for _ in 0..super::super::limits::HELD / 1000 {
            tell_bytes(&mut journal, format!("{rest}{}{begin}", ".".repeat(2000)));
        }
        journal.learn("key", secret.as_bytes());
        journal.release_to(0);
        journal.cut();
        left(&mut journal)
    }

    #[test]
    fn a_secret_of_which_the_beginning_was_left_out_is_named() {
        let secret = "Tr0ub4dor9Kx7Qm2Z";
        for cut in [0, 3, 4, 9, 16] {
            for is_sent in [false, true] {
                let told = flooded(secret, cut, |journal, text| match is_sent {
                    true => tell(journal, EventKind::Sent { bytes: text.into_bytes() }),
                    false => received(journal, &text),
                });
                assert!(told[0].contains("left out"), "{}", told[0]);
                let shown = told[1..].concat();
                for piece in (0..=secret.len() - 4).map(|at| &secret[at..at + 4]) {
                    // Three symbols are told from other text nowhere.
                    let is_hidden = !shown.contains(piece);
                    assert!(is_hidden || cut < 4, "cut at {cut}: `{piece}` is shown");
                }
                assert!(cut < 4 || told[1].starts_with("«…key»"), "cut at {cut}: {}", &told[1][..40]);
            }
        }
    }
}
