//! `Held`: events that wait until a secret is known, and what is left out of them when they become too many.
//!
//! What is left out is the oldest of what went over the line and of what the flow said, and whole attempts that failed and were
//! made again; then whole steps. What stays tells the story: a step that goes on, the failure of the run, its ports.

use std::collections::VecDeque;

use crate::engine::limits::HELD;
use crate::event::{CloseReason, Event, EventKind, Failure, FileTransfer, Measurement, StepOutcome};
use crate::port::PortId;
use crate::secret::LONGEST;
use crate::time::Moment;

/// Events that wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    events: VecDeque<Event>,
    /// How much they take, in bytes.
    weight: usize,
    left_out: Option<LeftOut>,
}

/// What was left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// When the first event happened that waited.
    pub since: Moment,
    /// How many events it is.
    pub n_events: u64,
    /// How many bytes went over the line in them.
    pub n_bytes: u64,
    /// The last of those bytes on each port, by its place: a secret may begin in them of which the rest is told.
    pub lines: Vec<LastBytes>,
}

/// The last bytes that were left out of what went over one port.
#[derive(Debug, Default)]
pub(super) struct LastBytes {
    /// Of what was sent.
    pub sent: Vec<u8>,
    /// Of what came.
    pub received: Vec<u8>,
}

/// Which events may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thinning {
    /// What went over the line, what was said of it, and attempts that were made again.
    Traffic,
    /// Whole steps too, and what stands between them.
    Steps,
}

impl Held {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes an event.
    pub(super) fn push(&mut self, event: Event) {
        self.weight += weight(&event);
        self.events.push_back(event);
        if self.weight > HELD {
            self.thin();
        }
    }

    /// Gives everything out that has waited, and what was left out before it.
    pub(super) fn take(&mut self) -> (Option<LeftOut>, VecDeque<Event>) {
        self.weight = 0;
        (self.left_out.take(), std::mem::take(&mut self.events))
    }

    /// Leaves out so much that there is room again.
    fn thin(&mut self) {
        let since = self.events.front().map(|event| event.at).unwrap_or_default();
        self.left_out.get_or_insert_with(|| LeftOut { since, ..LeftOut::default() });
        for thinning in [Thinning::Traffic, Thinning::Steps] {
            if self.weight > HELD / 2 {
                self.leave_out(thinning);
            }
        }
    }

    fn leave_out(&mut self, thinning: Thinning) {
        let ends = self.ends(thinning);
        let events = std::mem::take(&mut self.events);
        let mut kept = VecDeque::with_capacity(events.len());
        // Everything before this belongs to a step that is left out.
        let mut end = 0;
        for (index, (event, its_end)) in events.into_iter().zip(ends).enumerate() {
            if self.weight > HELD / 2
                && let Some(its_end) = its_end
            {
                end = end.max(its_end + 1);
            }
            let is_left_out = index < end || self.weight > HELD / 2 && may_be_left_out(&event.kind, thinning);
            if is_left_out {
                self.weight -= weight(&event);
                if let Some(left_out) = &mut self.left_out {
                    left_out.take(event);
                }
            } else {
                kept.push_back(event);
            }
        }
        self.events = kept;
    }

    /// Returns for each event that begins a step which may be left out where that ends.
    fn ends(&self, thinning: Thinning) -> Vec<Option<usize>> {
        let mut ends = vec![None; self.events.len()];
        // Steps that go on: where each began, and whether the failure of the run stands in it.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            match &event.kind {
                EventKind::StepBegan { .. } => open.push((index, false)),
                EventKind::Failed(_) => {
                    if let Some((_, has_failure)) = open.last_mut() {
                        *has_failure = true;
                    }
                }
                EventKind::StepEnded { outcome, .. } => {
                    let Some((began, has_failure)) = open.pop() else { continue };
                    let is_tried_again = *outcome == StepOutcome::WillRetry;
                    if is_tried_again || thinning == Thinning::Steps && !has_failure {
                        ends[began] = Some(index);
                    }
                    if let (Some((_, outer)), false) = (open.last_mut(), is_tried_again) {
                        *outer |= has_failure;
                    }
                }
                EventKind::RunStarted(_)
                | EventKind::Opened
                | EventKind::Closed(_)
                | EventKind::Sent { .. }
                | EventKind::Received { .. }
                | EventKind::Matched { .. }
                | EventKind::Captured { .. }
                | EventKind::Measured(_)
                | EventKind::Saved { .. }
                | EventKind::Logged { .. }
                | EventKind::HookSaid { .. }
                | EventKind::Noted { .. }
                | EventKind::Transfer(_)
                | EventKind::Skipped { .. }
                | EventKind::CleanupFailed(_)
                | EventKind::RunEnded { .. } => {}
            }
        }
        ends
    }
}

impl LeftOut {
    fn take(&mut self, event: Event) {
        self.n_events += 1;
        match event.kind {
            EventKind::Sent { bytes } => {
                self.n_bytes += bytes.len() as u64;
                keep_last(&mut self.line(event.port).sent, &bytes);
            }
            EventKind::Received { bytes, .. } => {
                self.n_bytes += bytes.len() as u64;
                keep_last(&mut self.line(event.port).received, &bytes);
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
            | EventKind::CleanupFailed(_)
            | EventKind::Failed(_)
            | EventKind::RunEnded { .. } => {}
        }
    }

    fn line(&mut self, port: PortId) -> &mut LastBytes {
        let index = port.index();
        if self.lines.len() <= index {
            self.lines.resize_with(index + 1, LastBytes::default);
        }
        &mut self.lines[index]
    }

    /// Returns what is told in the place of all this.
    pub(super) fn note(&self) -> String {
        let Self { n_events, n_bytes, .. } = self;
        format!(
            "{n_events} events with {n_bytes} bytes of the line were left out: no more than {} MiB are held back for a secret",
            HELD >> 20
        )
    }
}

/// Keeps so many bytes as a piece of a secret may take.
fn keep_last(kept: &mut Vec<u8>, bytes: &[u8]) {
    let most = LONGEST as usize;
    kept.extend_from_slice(&bytes[bytes.len().saturating_sub(most)..]);
    kept.drain(..kept.len().saturating_sub(most));
}

/// Whether an event may be left out though the step around it is not.
fn may_be_left_out(kind: &EventKind, thinning: Thinning) -> bool {
    match kind {
        EventKind::Sent { .. }
        | EventKind::Received { .. }
        | EventKind::Matched { .. }
        | EventKind::Captured { .. }
        | EventKind::Logged { .. }
        | EventKind::HookSaid { .. }
        | EventKind::Noted { .. }
        | EventKind::Transfer(_) => true,
        EventKind::Measured(_) | EventKind::Saved { .. } | EventKind::CleanupFailed(_) => thinning == Thinning::Steps,
        EventKind::RunStarted(_)
        | EventKind::StepBegan { .. }
        | EventKind::StepEnded { .. }
        | EventKind::Opened
        | EventKind::Closed(_)
        | EventKind::Skipped { .. }
        | EventKind::Failed(_)
        | EventKind::RunEnded { .. } => false,
    }
}

/// Returns how much an event takes, in bytes.
pub(super) fn weight(event: &Event) -> usize {
    let of_kind = match &event.kind {
        EventKind::Sent { bytes } | EventKind::Received { bytes, .. } => bytes.len(),
        EventKind::Matched { text, .. } | EventKind::Logged { text } | EventKind::HookSaid { text } => text.len(),
        EventKind::Captured { name, value } => name.len() + value.len(),
        EventKind::Measured(measured) => size_of::<Measurement>() + measured.weight(),
        EventKind::Transfer(file) => size_of::<FileTransfer>() + file.weight(),
        EventKind::Saved { name } => name.len(),
        EventKind::Noted { text } | EventKind::Skipped { why: text } => text.len(),
        EventKind::StepBegan { title, .. } | EventKind::StepEnded { title, .. } => title.len(),
        EventKind::Failed(failure)
        | EventKind::CleanupFailed(failure)
        | EventKind::Closed(CloseReason::DeviceFailed(failure)) => weight_of_failure(failure),
        EventKind::RunStarted(_) | EventKind::Opened | EventKind::Closed(_) | EventKind::RunEnded { .. } => 0,
    };
    size_of::<Event>() + of_kind
}

fn weight_of_failure(failure: &Failure) -> usize {
    let Failure { message, label, others, steps, sent, came, cause, code: _, site: _, ends_run: _ } = failure;
    let texts = steps.iter().chain(sent).chain(came.iter().flatten()).chain(cause).chain([message, label]);
    let of_texts: usize = texts.map(|text| size_of::<String>() + text.len()).sum();
    size_of::<Failure>() + of_texts + others.iter().map(|other| size_of_val(other) + other.text.len()).sum::<usize>()
}
