//! One direction of a simulated line: bytes take their time, and a wrong baud rate makes garbage of them.

use std::collections::VecDeque;

use crate::settings::{LineSettings, agree, garble};
use crate::time::Moment;

/// Bytes on their way.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// What was written at once, when it has arrived, and how it was sent.
    on_the_way: VecDeque<(Moment, Vec<u8>, LineSettings)>,
    /// When the line is free again.
    free_at: Moment,
}

impl Wire {
    /// Sends bytes; returns when the last of them has left.
    pub(super) fn send(&mut self, now: Moment, bytes: Vec<u8>, line: &LineSettings) -> Moment {
        let begins = now.max(self.free_at);
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let arrives = begins + line.character_time().saturating_mul(count);
        self.free_at = arrives;
        if !bytes.is_empty() {
            self.on_the_way.push_back((arrives, bytes, line.clone()));
        }
        arrives
    }

    /// Returns when the next bytes arrive.
    pub(super) fn next_arrival(&self) -> Option<Moment> {
        self.on_the_way.front().map(|(at, ..)| *at)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.on_the_way.is_empty()
    }

    /// Takes what has arrived; a closed port (`None`) hears nothing, and what came to it is gone.
    pub(super) fn take(&mut self, now: Moment, line: Option<&LineSettings>) -> Option<Vec<u8>> {
        if self.next_arrival().is_none_or(|at| at > now) {
            return None;
        }
        let mut arrived = Vec::new();
        while self.next_arrival().is_some_and(|at| at <= now) {
            let (_, bytes, sent) = self.on_the_way.pop_front().expect("there is a first one");
            match line {
                // Mostly it is one write that arrives: its bytes are handed on as they are.
                Some(line) if agree(line, &sent) && arrived.is_empty() => arrived = bytes,
                Some(line) if agree(line, &sent) => arrived.extend(bytes),
                Some(line) => arrived.extend(garble(&bytes, line, &sent)),
                None => {}
            }
        }
        (!arrived.is_empty()).then_some(arrived)
    }

    /// Throws away what has arrived.
    pub(super) fn discard(&mut self, now: Moment) {
        while self.next_arrival().is_some_and(|at| at <= now) {
            self.on_the_way.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn bytes_take_their_time_one_after_the_other() {
        let line = Settings::default().line;
        let mut wire = Wire::default();
        let first = wire.send(Moment::START, vec![b'a'; 1152], &line);
        assert_eq!(first.since_start().as_millis(), 99);
        let second = wire.send(Moment::START, vec![b'b'; 1152], &line);
        assert_eq!(second.since_start().as_millis(), 199);
        assert_eq!(wire.take(first, Some(&line)).map(|bytes| bytes.len()), Some(1152));
        assert_eq!(wire.take(first, Some(&line)), None);
    }

    #[test]
    fn a_wrong_baud_rate_makes_garbage() {
        let fast = Settings::default().line;
        let slow = LineSettings { baud: 9600, ..fast.clone() };
        let mut wire = Wire::default();
        let at = wire.send(Moment::START, b"AT\r".to_vec(), &fast);
        let heard = wire.take(at, Some(&slow)).expect("something is heard");
        assert!(heard.iter().all(|byte| *byte >= 0x80), "{heard:?}");
    }
}
