//! Deadlines: when the present state ends by itself, and what happens then.

use super::exec::talk::Stalled;
use super::{Engine, State};
use crate::event::{Progress, Waiting};
use crate::time::{Moment, earlier};

impl Engine {
    /// Returns the moment at which something happens by itself, or is told of.
    pub(super) fn deadline(&self) -> Option<Moment> {
        // What is fresh is looked at before anything else, at this moment.
        if self.ports.is_any_fresh() {
            return self.ports.tells_by();
        }
        let told = earlier(self.own_deadline(), self.ports.tells_by());
        earlier(told, self.ports.away_until())
    }

    /// Returns the moment at which the present state ends by itself.
    fn own_deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Guarding { until, send } => earlier(earlier(self.ports.settle_at(None), Some(*until)), send.limit()),
            State::Sleeping { until, .. } => earlier(self.ports.settle_at(None), Some(*until)),
            State::Writing { send, .. } => {
                let settles = if self.looks_meanwhile(send) { self.ports.settle_at(None) } else { None };
                earlier(earlier(settles, send.next_piece_at()), send.limit())
            }
            State::Waiting(wait) => {
                earlier(self.ports.settle_at(Some(wait.port)), Some(wait.next_deadline(&self.ports)))
            }
            State::Transferring(transfer) => earlier(self.ports.settle_at(Some(transfer.port)), transfer.until()),
            State::Hooking(hooking) => earlier(self.ports.settle_at(None), Some(hooking.until)),
            State::Reopening { until, .. } => earlier(self.ports.settle_at(None), Some(*until)),
            // It waits for the port first.
            State::Retrying { .. } if self.ports[self.flow.port].away().is_some() => None,
            State::Retrying { not_before, at_latest, .. } => {
                let quiet = self.ports.iter().map(|port| port.sight.inbox.last_arrival() + port.settings.settle).max();
                Some((*not_before).max(quiet.map_or(*at_latest, |quiet| quiet.min(*at_latest))))
            }
            State::Asking { .. } => self.flow.step_deadline(),
            State::Serving => earlier(self.ports.settle_at(None), self.flow.next_timer()),
            State::Opening | State::Ready | State::Breathing | State::Saving { .. } | State::Over(_) => None,
        }
    }

    /// Takes note of every port that was quiet for its settle time, and looks at it again; the ports of a wait are left out.
    fn settle(&mut self) {
        for port in self.ports.ids() {
            let is_due = self.ports[port].settles_at(None).is_some_and(|at| at <= self.now);
            let is_awaited = matches!(&self.state, State::Waiting(wait) if wait.is_on(port))
                || matches!(&self.state, State::Transferring(transfer) if transfer.port == port);
            if !is_awaited && is_due {
                self.ports[port].settle();
                self.look_at(port);
            }
        }
    }

    /// Lets what is due at the present moment happen.
    pub(super) fn expire(&mut self) {
        if self.ports.is_any_fresh() {
            return self.end_moment();
        }
        if self.ports.tells_by().is_some_and(|by| by <= self.now) {
            self.tell_untold();
        }
        if let Some(port) = self.ports.overdue(self.now) {
            return self.give_up(port);
        }
        if self.own_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        if let State::Waiting(_) = &self.state {
            self.settle();
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Guarding { until, send } if until <= self.now => self.start_writing(send),
            State::Guarding { send, .. } if send.limit().is_some_and(|limit| limit <= self.now) => {
                self.send_expired(&send, Stalled::Guard);
            }
            State::Writing { number, send } => {
                let looks = self.looks_meanwhile(&send);
                self.next_piece(number, send);
                if looks && matches!(self.state, State::Writing { .. }) {
                    self.settle();
                }
            }
            State::Sleeping { until, site, is_bounded } if until <= self.now => {
                if is_bounded {
                    let failure = self.step_timeout(site, "still sleeping here");
                    self.fail(failure);
                }
            }
            State::Reopening { port, begun, until, site, is_bounded } if until <= self.now => {
                self.reopen_expired(port, begun, site, is_bounded);
            }
            State::Transferring(transfer) => {
                if transfer.until().is_some_and(|until| until <= self.now) {
                    return self.transfer_expired(transfer);
                }
                self.state = State::Transferring(transfer);
                self.settle();
            }
            State::Hooking(hooking) if hooking.until <= self.now => self.hook_expired(*hooking),
            state @ (State::Sleeping { .. } | State::Guarding { .. } | State::Reopening { .. } | State::Hooking(_)) => {
                self.state = state;
                self.settle();
            }
            State::Waiting(wait) => self.wait_expired(wait),
            State::Asking { site, .. } => {
                let failure = self.step_timeout(site, "nobody answered here");
                self.fail(failure);
            }
            State::Retrying { .. } => self.try_again(),
            State::Serving => {
                self.state = State::Serving;
                self.settle();
                if matches!(self.state, State::Serving) {
                    self.run_due_timer();
                }
            }
            state @ (State::Opening | State::Ready | State::Breathing | State::Saving { .. } | State::Over(_)) => {
                self.state = state
            }
        }
    }

    /// Goes on computing, unless the step's timeout has come meanwhile.
    pub(super) fn breathe(&mut self) {
        self.fuel.breathe();
        self.state = State::Ready;
        if self.flow.step_deadline().is_some_and(|deadline| deadline <= self.now) {
            let site = self.program.site(self.flow.at);
            let failure = self.step_timeout(site, "still computing here");
            self.fail(failure);
        }
    }

    /// Returns how far the present wait is.
    pub(crate) fn progress(&self) -> Progress {
        if let Some(transfer) = self.present_transfer() {
            let what = self.journal.clean_text(&transfer.awaited());
            return Progress { what, begun: transfer.begun, came: 0, moved: Some(transfer.moved()) };
        }
        let State::Waiting(wait) = &self.state else { return Progress::default() };
        let sight = &self.ports[wait.port].sight;
        let what = self.journal.clean_text(&self.what(wait));
        Progress { what, begun: wait.begun, came: sight.inbox.end() - sight.exchange, moved: None }
    }

    /// Returns what the engine is waiting for.
    pub(super) fn waiting(&self) -> Waiting {
        match &self.state {
            State::Opening | State::Reopening { .. } => Waiting::Open,
            State::Guarding { send, .. } => Waiting::Quiet { site: send.site },
            State::Writing { send, .. } => Waiting::Write { site: send.site },
            State::Waiting(wait) => Waiting::Match { site: wait.site, deadline: Some(wait.deadline) },
            State::Sleeping { until, site, .. } => Waiting::Sleep { site: *site, until: *until },
            State::Retrying { site, .. } => Waiting::Quiet { site: *site },
            State::Serving => Waiting::Serve,
            State::Asking { site, .. } => Waiting::Answer { site: *site },
            State::Hooking(hooking) => Waiting::Hook { site: hooking.site },
            State::Transferring(transfer) => Waiting::Match { site: transfer.site, deadline: transfer.until() },
            State::Ready | State::Breathing | State::Saving { .. } | State::Over(_) => Waiting::Breath,
        }
    }
}
