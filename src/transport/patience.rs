//! `Patience`: how long a port is tried that is not there, and what is said of it.

use std::time::Duration;

use super::not_open::NotOpen;
use crate::event::CloseReason;
use crate::time::{Moment, show_duration};

/// How often a port is tried that is not there: the other ports of a run wait while one is opened, so not all the time.
pub(super) const TRIED_EVERY: Duration = Duration::from_millis(200);

/// For so long a port that has come may not be opened yet: a system makes a node first and gives it its rights then, and some
/// programs look at every new port.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);

/// How long a port is tried that cannot be opened.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Limit,
    /// Why the last attempt failed.
    failed: Option<NotOpen>,
    /// Since when it is there and cannot be opened.
    since_it_came: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    /// As long as somebody wants it.
    None,
    /// Until a moment, which is so much later than the first attempt.
    Until(Moment, Duration),
}

/// What to do after an attempt that failed.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Try again then, and say this.
    Again { at: Moment, note: Option<String> },
    /// Say that it is closed.
    GiveUp(CloseReason),
}

impl Patience {
    /// Returns that of a port that is opened for the first time.
    pub(super) fn to_open(now: Moment, wait: Duration) -> Patience {
        Patience { limit: Limit::Until(now + wait, wait), failed: None, since_it_came: None }
    }

    /// Returns that of a port that went away: whoever wants it back says when that is over.
    pub(super) fn to_reopen() -> Patience {
        Patience { limit: Limit::None, failed: None, since_it_came: None }
    }

    /// Whether the port was open before.
    pub(super) fn is_to_reopen(&self) -> bool {
        matches!(self.limit, Limit::None)
    }

    /// Takes note of an attempt that failed. A port that is there at first and cannot be opened is not tried again.
    pub(super) fn failed(&mut self, failure: NotOpen, now: Moment) -> Next {
        let Limit::Until(until, wait) = self.limit else {
            return Next::Again { at: now + TRIED_EVERY, note: None };
        };
        let is_first = self.failed.is_none();
        if wait.is_zero() || is_first && !failure.is_absent {
            return Next::GiveUp(failure.reason);
        }
        let note = is_first.then(|| format!("waits up to {} for the port: {}", show_duration(wait), failure.words()));
        self.since_it_came = (!failure.is_absent).then(|| self.since_it_came.unwrap_or(now));
        let until = self.since_it_came.map_or(until, |came| until.min(came + SETTLES_WITHIN));
        self.failed = Some(failure);
        if now >= until { self.give_up(wait) } else { Next::Again { at: until.min(now + TRIED_EVERY), note } }
    }

    /// Returns when an attempt that goes on is to be given up, if an earlier one failed.
    pub(super) fn until(&self) -> Option<Moment> {
        match (self.limit, &self.failed) {
            (Limit::Until(until, _), Some(_)) => Some(until),
            (Limit::Until(..), None) | (Limit::None, _) => None,
        }
    }

    /// Returns why the port is closed if an attempt that goes on is given up: what the last one said.
    #[cfg(any(unix, test))]
    pub(super) fn is_over(&mut self, now: Moment) -> Option<CloseReason> {
        let (Limit::Until(_, wait), true) = (self.limit, self.until().is_some_and(|until| now >= until)) else {
            return None;
        };
        match self.give_up(wait) {
            Next::GiveUp(reason) => Some(reason),
            Next::Again { .. } => None,
        }
    }

    fn give_up(&mut self, wait: Duration) -> Next {
        let reason = match self.failed.take() {
            Some(NotOpen { reason: CloseReason::CannotOpen { reason, help }, is_absent: true }) => {
                CloseReason::CannotOpen { reason: format!("{reason}; tried for {}", show_duration(wait)), help }
            }
            Some(NotOpen { reason, .. }) => reason,
            None => CloseReason::Finished,
        };
        Next::GiveUp(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    fn missing() -> NotOpen {
        NotOpen::absent(CloseReason::CannotOpen { reason: "no such file".to_string(), help: None })
    }

    fn denied() -> NotOpen {
        CloseReason::CannotOpen { reason: "permission denied".to_string(), help: None }.into()
    }

    fn reason(next: Next) -> String {
        let Next::GiveUp(CloseReason::CannotOpen { reason, .. }) = next else { panic!("it is {next:?}") };
        reason
    }

    #[test]
    fn a_port_that_is_not_there_is_tried_to_the_last_moment_and_spoken_of_once() {
        let mut patience = Patience::to_open(at(0), Duration::from_millis(500));
        let note = Some("waits up to 500ms for the port: no such file".to_string());
        assert_eq!(patience.failed(missing(), at(0)), Next::Again { at: at(200), note });
        assert_eq!(patience.failed(missing(), at(200)), Next::Again { at: at(400), note: None });
        assert_eq!(patience.failed(missing(), at(400)), Next::Again { at: at(500), note: None });
        assert_eq!(reason(patience.failed(missing(), at(500))), "no such file; tried for 500ms");
    }

    #[test]
    fn a_port_that_is_there_and_may_not_be_opened_is_not_tried_again() {
        let mut patience = Patience::to_open(at(0), Duration::from_secs(30));
        assert_eq!(reason(patience.failed(denied(), at(0))), "permission denied");
        assert_eq!(reason(Patience::to_open(at(0), Duration::ZERO).failed(missing(), at(0))), "no such file");
    }

    #[test]
    fn a_port_that_came_has_some_time_to_get_its_rights() {
        let mut patience = Patience::to_open(at(0), Duration::from_secs(30));
        assert!(matches!(patience.failed(missing(), at(0)), Next::Again { .. }));
        assert_eq!(patience.failed(denied(), at(1000)), Next::Again { at: at(1200), note: None });
        assert_eq!(patience.failed(denied(), at(2900)), Next::Again { at: at(3000), note: None });
        assert_eq!(reason(patience.failed(denied(), at(3000))), "permission denied");
    }

    #[test]
    fn an_attempt_that_goes_on_too_long_is_given_up_with_the_words_of_the_one_before() {
        let mut patience = Patience::to_open(at(0), Duration::from_secs(1));
        assert_eq!(patience.until(), None, "the first attempt takes the time that it takes");
        assert!(matches!(patience.failed(missing(), at(0)), Next::Again { .. }));
        assert_eq!((patience.until(), patience.is_over(at(999))), (Some(at(1000)), None));
        assert!(patience.is_over(at(1000)).is_some());
    }

    #[test]
    fn a_port_that_went_away_is_tried_as_long_as_it_is_wanted() {
        let mut patience = Patience::to_reopen();
        for ms in [0, 100_000] {
            assert_eq!(patience.failed(denied(), at(ms)), Next::Again { at: at(ms + 200), note: None });
        }
        assert_eq!((patience.until(), patience.is_over(at(200_000))), (None, None));
    }
}
