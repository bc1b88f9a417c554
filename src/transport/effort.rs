//! How long a run of several ports, or several runs, worked while a port had more to give.

use std::time::Duration;

use crate::time::Moment;

/// A read that gives so much may have emptied no more than the terminal's first buffer: Linux keeps 4096 bytes in it, and
/// brings what else has come when there is room again.
pub(super) const FULL: usize = 4095;

/// The work between two waits for all ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// When the work that goes on began.
    began: Moment,
    /// From when to when the work before that wait lasted.
    before: (Moment, Moment),
}

impl Round {
    /// Begins the first one.
    pub(super) fn new(now: Moment) -> Round {
        Round { began: now, before: (now, now) }
    }

    /// Takes note that the run waits for its ports.
    pub(super) fn rests(&mut self, now: Moment) {
        self.before = (self.began, now);
    }

    /// Takes note that the ports were looked at, and that the run works again.
    pub(super) fn wakes(&mut self, now: Moment) {
        self.began = now;
    }
}

/// How long one port had to wait for the run, as far as that shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// When it told something last.
    told_at: Moment,
    behind: Duration,
}

impl Backlog {
    /// Takes note that the port tells something now, and of how many bytes came: if its buffer was full, the work since it was
    /// read last is what took so long. What was found after a wait came during the work before it, or during the wait.
    pub(super) fn note(&mut self, n_bytes: usize, now: Moment, round: &Round) {
        // Elsewhere it cannot be known how much the system keeps.
        if cfg!(unix) && n_bytes >= FULL {
            let (begun, rested) = round.before;
            self.behind += match self.told_at > round.began {
                true => now.since(self.told_at),
                false => rested.since(begun.max(self.told_at)),
            };
        }
        self.told_at = self.told_at.max(now);
    }

    /// Returns how long it was in all.
    pub(super) fn behind(&self) -> Duration {
        self.behind
    }
}

#[cfg(all(unix, test))]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    /// A round of work from 100 to 150, and a wait to 200.
    fn round() -> Round {
        let mut round = Round::new(at(100));
        round.rests(at(150));
        round.wakes(at(200));
        round
    }

    #[test]
    fn a_full_buffer_counts_the_work_before_the_wait_and_not_the_wait() {
        for (told_at, behind) in [(0, 50), (120, 30), (150, 0), (160, 0)] {
            let mut backlog = Backlog { told_at: at(told_at), behind: Duration::ZERO };
            backlog.note(FULL, at(201), &round());
            assert_eq!(backlog.behind(), Duration::from_millis(behind), "told at {told_at}");
        }
    }

    #[test]
    fn a_port_that_is_read_again_without_a_wait_counts_the_work_since() {
        let mut backlog = Backlog::default();
        backlog.note(10, at(201), &round());
        backlog.note(FULL, at(231), &round());
        assert_eq!(backlog.behind(), Duration::from_millis(30));
    }

    #[test]
    fn a_buffer_with_room_counts_nothing() {
        let mut backlog = Backlog::default();
        backlog.note(FULL - 1, at(201), &round());
        assert_eq!(backlog.behind(), Duration::ZERO);
    }
}
