//! `Held`: the events of a run in memory, its beginning and its end if it is long.

use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use crate::event::{Event, EventKind, Verdict};
use crate::report::Keeper;

/// How much of the beginning of a run is held, in bytes, and how much of its end at the least.
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
    head: Queue,
    /// What came before `tail` and behind `head`, if it was not left out: all of it is given up at once.
    before: Queue,
    tail: Queue,
    n_left_out: u64,
}

/// Events one after the other. The bytes of all of them are in one place, and none of them keeps memory of its own for them: the
/// engine uses that again for the next event.
#[derive(Debug, Default)]
struct Queue {
    /// The events without their bytes, each with the number of these.
    events: Vec<(Event, usize)>,
    bytes: Vec<u8>,
    /// How much all of them take.
    size: usize,
}

impl Held {
    /// Returns what gives its last events as long as the run goes on.
    pub(in crate::cli) fn weak(&self) -> Weak<HeldEvents> {
        Arc::downgrade(&self.0)
    }

    /// Returns the events and holds none any more; where some are missing, a note says how many.
    pub(super) fn take(&self) -> Vec<Event> {
        let held = std::mem::take(&mut *self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut events = held.head.whole();
        let mut end = held.before.whole();
        end.extend(held.tail.whole());
        if let (true, Some(next)) = (held.n_left_out > 0, end.first()) {
            let text = format!("{} events are left out here: `--events FILE` keeps all", held.n_left_out);
            events.push(Event { kind: EventKind::Noted { text }, site: None, ..next.clone() });
        }
        events.extend(end);
        events
    }

    /// Returns how the run ended, if that was told.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let backwards = [&held.tail, &held.before, &held.head].into_iter().flat_map(|queue| queue.events.iter().rev());
        backwards.map(|(event, _)| &event.kind).find_map(|kind| {
            let EventKind::RunEnded { verdict, .. } = kind else { return None };
            Some(*verdict)
        })
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
        let mut last = Vec::new();
        for queue in [&events.tail, &events.before, &events.head] {
            last.extend(queue.backwards().take(n - last.len()));
        }
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
    fn add(&mut self, mut event: Event) {
        let n = bytes_of(&mut event.kind).map_or(0, |bytes| bytes.len());
        let weight = weight(&event, n);
        if self.tail.events.is_empty() && self.head.size + weight <= HALF {
            return self.head.push(event, n, weight);
        }
        if self.tail.size + weight > HALF && self.tail.size > 0 {
            self.n_left_out += self.before.events.len() as u64;
            self.before.clear();
            std::mem::swap(&mut self.before, &mut self.tail);
        }
        self.tail.push(event, n, weight);
    }
}

impl Queue {
    /// Takes in an event with so many bytes.
    fn push(&mut self, mut event: Event, n: usize, weight: usize) {
        if let Some(bytes) = bytes_of(&mut event.kind) {
            self.bytes.extend_from_slice(bytes);
            *bytes = Vec::new();
        }
        self.size += weight;
        self.events.push((event, n));
    }

    /// Gives all events up.
    fn clear(&mut self) {
        self.events.clear();
        self.bytes.clear();
        self.size = 0;
    }

    /// Returns the events with their bytes, the last first.
    fn backwards(&self) -> impl Iterator<Item = Event> + '_ {
        let mut end = self.bytes.len();
        self.events.iter().rev().map(move |(event, n)| {
            let mut event = event.clone();
            if let Some(bytes) = bytes_of(&mut event.kind) {
                *bytes = self.bytes[end - n..end].to_vec();
            }
            end -= n;
            event
        })
    }

    /// Returns the events with their bytes.
    fn whole(self) -> Vec<Event> {
        let mut at = 0;
        let with_bytes = |(mut event, n): (Event, usize)| {
            if let Some(bytes) = bytes_of(&mut event.kind) {
                *bytes = self.bytes[at..at + n].to_vec();
            }
            at += n;
            event
        };
        self.events.into_iter().map(with_bytes).collect()
    }
}

/// Returns how much an event takes with so many bytes, which are held apart from it.
fn weight(event: &Event, n: usize) -> usize {
    let own = if let EventKind::Noted { text } = &event.kind { text.len() } else { 0 };
    own + n + OF_EVENT
}

/// Returns the bytes of an event that are held apart from it.
fn bytes_of(kind: &mut EventKind) -> Option<&mut Vec<u8>> {
    match kind {
        EventKind::Sent { bytes } | EventKind::Received { bytes, .. } => Some(bytes),
        EventKind::Matched { text, .. } | EventKind::Logged { text } | EventKind::HookSaid { text } => Some(text),
        EventKind::Captured { value, .. } => Some(value),
        EventKind::RunStarted(_)
        | EventKind::Opened
        | EventKind::Closed(_)
        | EventKind::StepBegan { .. }
        | EventKind::StepEnded { .. }
        | EventKind::Measured(_)
        | EventKind::CleanupFailed(_)
        | EventKind::Saved { .. }
        | EventKind::Noted { .. }
        | EventKind::Transfer(_)
        | EventKind::Skipped { .. }
        | EventKind::Failed(_)
        | EventKind::RunEnded { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port_id::PortId;
    use crate::time::Moment;

    #[test]
    fn how_a_run_ended_is_known_without_its_events() {
        let mut held = Held::default();
        assert_eq!(held.verdict(), None);
        let event = |kind| Event { at: Moment::START, port: PortId::FIRST, site: None, kind };
        held.keep(event(EventKind::RunEnded { verdict: Verdict::Flaky, checks: 1 }));
        held.keep(event(EventKind::Noted { text: "one more".to_string() }));
        assert_eq!(held.verdict(), Some(Verdict::Flaky));
        assert_eq!(held.take().len(), 2);
        assert_eq!(held.verdict(), None);
    }

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
        for (event, i) in events.iter().zip(0..) {
            let EventKind::Received { bytes, .. } = &event.kind else { break };
            assert!(bytes.starts_with(format!("{i:05}x").as_bytes()) && bytes.len() == 50_005, "{i}");
        }
        let size_of = |event: &Event| weight(event, bytes_of(&mut event.kind.clone()).map_or(0, |bytes| bytes.len()));
        let size: usize = events.iter().map(size_of).sum();
        assert!(size <= 3 * HALF + 1000 && size > 2 * HALF - 120_000, "{size}");
        let gap = events.iter().find_map(|event| {
            let EventKind::Noted { text } = &event.kind else { return None };
            Some(text.clone())
        });
        let n_left_out = n - (events.len() as u64 - 1);
        assert_eq!(gap, Some(format!("{n_left_out} events are left out here: `--events FILE` keeps all")));
        let last = events.last().map(|event| event.kind.clone()).expect("there are some");
        assert!(matches!(&last, EventKind::Received { bytes, .. } if bytes.starts_with(b"00299x")), "{last:?}");
        assert_eq!((events[0].at, events[events.len() - 1].at), (Moment::START, Moment::from_millis(n - 1)));
        assert!(held.take().is_empty());
    }
}
