//! `Held`: the events of a run in memory, its beginning and its end if it is long.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use crate::event::{Event, EventKind};
use crate::report::Keeper;

/// How much of the beginning and of the end of a run is held, in bytes.
const HALF: usize = 1 << 20;
/// What an event takes besides its bytes.
const OF_EVENT: usize = 200;

/// Holds events; what is cloned holds the same.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Held(Arc<HeldEvents>);

/// The events of a run that goes on.
#[derive(Debug, Default)]
pub(in crate::cli) struct HeldEvents(Mutex<Events>);

#[derive(Debug, Default)]
struct Events {
    head: Vec<Event>,
    head_size: usize,
    tail: VecDeque<Event>,
    tail_size: usize,
    n_left_out: u64,
}

impl Held {
    /// Returns what gives its last events as long as the run goes on.
    pub(in crate::cli) fn weak(&self) -> Weak<HeldEvents> {
        Arc::downgrade(&self.0)
    }

    /// Returns the events and holds none any more; where some are missing, a note says how many.
    pub(super) fn take(&self) -> Vec<Event> {
        let held = std::mem::take(&mut *self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut events = held.head;
        if let (true, Some(next)) = (held.n_left_out > 0, held.tail.front()) {
            let text = format!("{} events are left out here: `--events FILE` keeps all", held.n_left_out);
            events.push(Event { kind: EventKind::Noted { text }, site: None, ..next.clone() });
        }
        events.extend(held.tail);
        events
    }
}

impl HeldEvents {
    /// Returns the last events; `None` if somebody works on them, who may never end that.
    pub(in crate::cli) fn try_last(&self, n: usize) -> Option<Vec<Event>> {
        let events = match self.0.try_lock() {
            Ok(events) => events,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let mut last: Vec<Event> = events.head.iter().chain(&events.tail).rev().take(n).cloned().collect();
        last.reverse();
        Some(last)
    }
}

/// Panics where a test wants it: at the `log` of this text. Nothing else makes flowrun panic.
#[cfg(debug_assertions)]
fn panic_if_planned(event: &Event) {
    static PLANNED: std::sync::LazyLock<Option<std::ffi::OsString>> =
        std::sync::LazyLock::new(|| std::env::var_os("FLOWRUN_TEST_PANIC"));
    if let (EventKind::Logged { text }, Some(planned)) = (&event.kind, &*PLANNED) {
        let text = String::from_utf8_lossy(text);
        assert!(planned.to_string_lossy() != text, "the test wants a panic at {text}");
    }
}

impl Keeper for Held {
    fn keep(&mut self, event: Event) {
        #[cfg(debug_assertions)]
        panic_if_planned(&event);
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).add(event);
    }
}

impl Events {
    fn add(&mut self, event: Event) {
        let size = size_of(&event);
        if self.tail.is_empty() && self.head_size + size <= HALF {
            self.head.push(event);
            self.head_size += size;
            return;
        }
        self.tail.push_back(event);
        self.tail_size += size;
        while self.tail_size > HALF && self.tail.len() > 1 {
            let Some(given_up) = self.tail.pop_front() else { break };
            self.tail_size -= size_of(&given_up);
            self.n_left_out += 1;
        }
    }
}

fn size_of(event: &Event) -> usize {
    let bytes = match &event.kind {
        EventKind::Sent { bytes, .. } | EventKind::Received { bytes, .. } => bytes.len(),
        EventKind::Captured { value, .. } => value.len(),
        EventKind::Logged { text } => text.len(),
        EventKind::Noted { text } => text.len(),
        EventKind::RunStarted(_)
        | EventKind::Opened
        | EventKind::Closed(_)
        | EventKind::StepBegan { .. }
        | EventKind::StepEnded { .. }
        | EventKind::Matched { .. }
        | EventKind::Measured(_)
        | EventKind::CleanupFailed(_)
        | EventKind::Saved { .. }
        | EventKind::HookSaid { .. }
        | EventKind::Transfer(_)
        | EventKind::Skipped { .. }
        | EventKind::Failed(_)
        | EventKind::RunEnded { .. } => 0,
    };
    bytes + OF_EVENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port_id::PortId;
    use crate::time::Moment;

    #[test]
    fn of_a_long_run_its_beginning_and_its_end_are_held() {
        let mut held = Held::default();
        let n = 300;
        for i in 0..n {
            let bytes = format!("{i:05}{}", "x".repeat(50_000)).into_bytes();
            let kind = EventKind::Received { bytes, block: false, echo: None };
            let event = Event { at: Moment::from_millis(i), port: PortId::FIRST, site: None, kind };
            held.keep(event);
        }
        let events = held.take();
        let size: usize = events.iter().map(size_of).sum();
        assert!(size <= 2 * HALF + 1000 && size > 2 * HALF - 120_000, "{size}");
        let gap = events.iter().find_map(|event| {
            let EventKind::Noted { text } = &event.kind else { return None };
            Some(text.clone())
        });
        let n_left_out = n - (events.len() as u64 - 1);
        assert_eq!(gap, Some(format!("{n_left_out} events are left out here: `--events FILE` keeps all")));
        assert_eq!((events[0].at, events[events.len() - 1].at), (Moment::START, Moment::from_millis(n - 1)));
        assert!(held.take().is_empty());
    }
}
