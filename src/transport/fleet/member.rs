//! `Member`: one run of several, with its port.

use crate::event::Verdict;
use crate::port::{Capabilities, Happening, PortCommand};
use crate::time::Moment;
use crate::transport::any::AnyPort;
use crate::world::{Next, Session, World};

/// One run of several.
pub(super) struct Member<'a> {
    pub(super) port: AnyPort,
    pub(super) session: Session<'a>,
    pub(super) stand: Stand,
    /// A write that waits for [`Member::write_held`].
    held: Option<PortCommand>,
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
        Member { port, session, stand: Stand::Queued, held: None }
    }

    /// Does everything that can be done without waiting, writing included.
    pub(super) fn begin(&mut self, received: &mut Vec<u8>) {
        self.go_on(received);
        while self.write_held() {
            self.go_on(received);
        }
    }

    /// Does everything that can be done before something must be waited for or written. It is to go on when that is written.
    pub(super) fn go_on(&mut self, received: &mut Vec<u8>) {
        loop {
            let mut port = Holding { port: &mut self.port, held: &mut self.held };
            match self.session.until_wait(&mut port) {
                Next::Over(verdict) => {
                    self.stand = Stand::Ended(verdict);
                    return;
                }
                Next::Wait(until) if self.held.is_some() => {
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
                    self.session.take(now, happening, &received[begin..]);
                }
            }
        }
    }

    /// Writes what is held; returns whether there was anything.
    pub(super) fn write_held(&mut self) -> bool {
        let held = self.held.take();
        let is_there = held.is_some();
        held.into_iter().for_each(|write| self.port.perform(write));
        is_there
    }
}

/// A port of which the last write waits until the batch writes. Nothing overtakes it.
struct Holding<'a> {
    port: &'a mut AnyPort,
    held: &'a mut Option<PortCommand>,
}

impl World for Holding<'_> {
    fn capabilities(&self) -> Capabilities {
        self.port.capabilities()
    }

    fn perform(&mut self, command: PortCommand) {
        let is_write = matches!(command, PortCommand::Write { .. });
        if let Some(before) = self.held.take() {
            self.port.perform(before);
        }
        if is_write {
            *self.held = Some(command);
        } else {
            self.port.perform(command);
        }
    }

    fn news(&mut self) -> Option<(Moment, Happening)> {
        self.port.news()
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.port.wait(until, received)
    }
}
