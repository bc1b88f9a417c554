//! The only module that reads the system's clocks.
#![expect(clippy::disallowed_methods, reason = "someone has to read the clock; everyone else is told the time")]

#[cfg(unix)]
use std::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::port::Happening;
use crate::time::Moment;

/// A clock that started with the run and never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock: now is [`Moment::START`].
    #[must_use]
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Returns the time since the start.
    pub fn now(&self) -> Moment {
        Moment::after(self.start.elapsed())
    }
}

/// The moments that one world tells: those of a clock, and none before the last that was told.
#[derive(Debug)]
pub(super) struct Timeline {
    clock: Clock,
    /// `last <= clock.now()`.
    last: Moment,
    /// When something was last told, which may be later than the moment that it had.
    #[cfg(unix)]
    told_at: Moment,
    /// How long the run worked, in all, while its line had more to give.
    #[cfg(unix)]
    behind: Duration,
    /// How many bytes were found after the deadline of the wait that goes on.
    late: usize,
}

/// So many bytes that are found after a deadline may have come before it: more than a system keeps of a serial port. A
/// device that floods the line would have a wait without end.
const MOST_LATE: usize = 64 * 1024;

impl Timeline {
    /// Makes a timeline on which nothing has been told.
    pub(super) fn new(clock: Clock) -> Timeline {
        Timeline {
            clock,
            last: Moment::START,
            #[cfg(unix)]
            told_at: Moment::START,
            #[cfg(unix)]
            behind: Duration::ZERO,
            late: 0,
        }
    }

    /// Returns the moment that a happening without a deadline of its own has.
    pub(super) fn now(&self) -> Moment {
        self.clock.now().max(self.last)
    }

    /// Returns what is told of something that happens now.
    pub(super) fn at_once(&mut self, happening: Happening) -> (Moment, Happening) {
        self.last = self.now();
        #[cfg(unix)]
        {
            self.told_at = self.last;
        }
        (self.last, happening)
    }

    /// Takes note that the line had so much to give when the run came back for it, at this moment, that the run is what is slow.
    #[cfg(unix)]
    pub(super) fn was_behind(&mut self, came_back: Moment) {
        self.behind += came_back.since(self.told_at);
    }

    /// Returns how long the run worked, in all, while its line had more to give.
    #[cfg(unix)]
    pub(super) fn behind(&self) -> Duration {
        self.behind
    }

    /// Says whether the deadline has passed and so many bytes were found since that the others came after it.
    pub(super) fn is_past(&self, until: Option<Moment>) -> bool {
        self.late >= MOST_LATE && until.is_some_and(|until| self.now() >= until)
    }

    /// Returns the moment of `n` bytes that a wait until then has found: not behind its deadline.
    pub(super) fn in_time_for(&mut self, until: Option<Moment>, n: usize) -> Moment {
        let now = self.now();
        let is_late = until.is_some_and(|until| now > until);
        self.late = if is_late { self.late + n } else { 0 };
        #[cfg(unix)]
        {
            self.told_at = now;
        }
        self.last = until.map_or(now, |until| now.min(until.max(self.last)));
        self.last
    }
}

/// Returns the milliseconds since 1970-01-01T00:00:00Z by the system's calendar clock; 0 before that.
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_does_not_go_back() {
        let clock = Clock::start();
        let earlier = clock.now();
        assert!(clock.now() >= earlier);
        assert!(unix_millis() > 1_700_000_000_000);
    }
}
