//! `Member`: one run of several, with its port.

use super::holding::Holding;
use crate::event::Verdict;
use crate::time::Moment;
use crate::transport::any::AnyPort;
use crate::transport::effort::{Backlog, Round};
use crate::world::{Next, Session};

/// One run of several.
pub(super) struct Member<'a> {
    pub(super) port: Holding,
    pub(super) session: Session<'a>,
    pub(super) stand: Stand,
    /// How long its port had to wait for the runs.
    pub(super) backlog: Backlog,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It has not begun: others must end first.
    Queued,
    /// It waits for its port, and for this moment.
    Waiting(Option<Moment>),
    /// It has ended, and nobody was told yet.
    Ended(Verdict),
    /// It is over.
    Over,
}

impl Stand {
    /// Returns the moment at which the run goes on by itself.
    pub(super) fn until(self) -> Option<Moment> {
        match self {
            Stand::Waiting(until) => until,
            Stand::Queued | Stand::Ended(_) | Stand::Over => None,
        }
    }
}

impl<'a> Member<'a> {
    /// Makes a run that has not begun.
    pub(super) fn new(port: AnyPort, session: Session<'a>) -> Member<'a> {
        Member { port: Holding::new(port), session, stand: Stand::Queued, backlog: Backlog::default() }
    }

    /// Does everything that can be done without waiting, writing included.
    pub(super) fn begin(&mut self, received: &mut Vec<u8>, round: &Round) {
        self.go_on(received, round);
        while self.write_held() {
            self.go_on(received, round);
        }
    }

    /// Writes what is held, after the run has taken what came by now; returns whether there was anything.
    pub(super) fn write_held(&mut self) -> bool {
        if !self.port.is_holding() {
            return false;
        }
        self.session.take_arrived(self.port.unheld());
        self.port.write_held()
    }

    /// Does everything that can be done before something must be waited for or written. It is to go on when that is written.
    pub(super) fn go_on(&mut self, received: &mut Vec<u8>, round: &Round) {
        loop {
            match self.session.until_wait(&mut self.port) {
                Next::Over(verdict) => {
                    self.stand = Stand::Ended(verdict);
                    return;
                }
                Next::Wait(until) if self.port.is_holding() => {
                    self.stand = Stand::Waiting(until);
                    return;
                }
                Next::Wait(until) => {
                    // What was found before and was not used up yet needs no waiting.
                    let begin = received.len();
                    let Some((now, happening)) = self.port.watched().look(until, received) else {
                        let due = self.port.watched().due();
                        self.stand = Stand::Waiting([until, due].into_iter().flatten().min());
                        return;
                    };
                    self.backlog.note(received.len() - begin, now, round);
                    self.session.take(now, happening, &received[begin..]);
                }
            }
        }
    }
}
