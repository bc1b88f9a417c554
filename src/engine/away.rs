//! A port that goes away and may come back: how long it is awaited, and what that does to what was going on.

use super::exec::block::QUIET_AT_MOST;
use super::exec::talk::Outgoing;
use super::explain::lasting;
use super::port::Away;
use super::{Engine, State};
use crate::diagnostic::Code;
use crate::event::{CloseReason, EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::program::{Expr, Op, OpIndex, Role};
use crate::source::Site;
use crate::time::{Moment, show_duration};

impl Engine {
    /// `reopen`: waits until the port has gone and come back; it may have done so since the last send.
    pub(super) fn reopen(&mut self, within: &Expr, site: Site) -> Result<(), Box<Failure>> {
        let within = self.eval_duration(within)?;
        let port = self.flow.port;
        if self.ports[port].take_return() {
            return Ok(());
        }
        let by = self.now + within;
        if self.ports[port].is_closed() {
            let reason = CloseReason::unplugged();
            self.tell_patience(port, by);
            self.seek(port, Away { since: self.now, until: by, reason });
        }
        self.ports[port].await_return(by);
        let (until, is_bounded) = self.bounded(within);
        self.state = State::Reopening { port, begun: self.now, until, site, is_bounded };
        self.look();
        Ok(())
    }

    /// Waits for the current port if it is away; then the instruction is executed again. Returns whether it waits.
    pub(super) fn waits_for_port(&mut self, at: OpIndex, site: Site) -> bool {
        let port = self.flow.port;
        let Some(until) = self.ports[port].away().map(|away| away.until) else { return false };
        let (until, is_bounded) = self.bounded(until - self.now);
        self.flow.at = at;
        self.state = State::Reopening { port, begun: self.now, until, site, is_bounded };
        true
    }

    /// Returns until when a port may be away that goes now; `None` if its going is the end.
    pub(super) fn may_be_away_until(&self, port: PortId, reason: &CloseReason) -> Option<Moment> {
        let may_come_back = self.program.role == Role::Flow && self.ports[port].was_opened();
        match reason {
            CloseReason::HungUp { .. } if may_come_back => self.ports[port].may_be_away_until(self.now),
            CloseReason::HungUp { .. }
            | CloseReason::Finished
            | CloseReason::CannotOpen { .. }
            | CloseReason::Broken { .. }
            | CloseReason::DeviceFailed(_) => None,
        }
    }

    /// Whether a flow may reach a `reopen` before it needs a port that went: what is being done needs none, and the flow has one.
    pub(super) fn may_reopen(&self, port: PortId) -> bool {
        let needs_none = match &self.state {
            State::Ready
            | State::Breathing
            | State::Sleeping { .. }
            | State::Saving { .. }
            | State::Asking { .. }
            | State::Hooking(_) => true,
            State::Opening
            | State::Waiting(_)
            | State::Transferring(_)
            | State::Guarding { .. }
            | State::Writing { .. }
            | State::Reopening { .. }
            | State::Retrying { .. }
            | State::Serving
            | State::Over(_) => false,
        };
        needs_none && self.ports[port].was_opened() && self.program.ops.iter().any(|op| matches!(op, Op::Reopen(_)))
    }

    /// Takes note that a port went away and may come back: what was being written is lost, what is awaited is awaited on.
    pub(super) fn went_away(&mut self, port: PortId, reason: CloseReason, until: Moment) {
        self.tell_patience(port, until);
        self.seek(port, Away { since: self.now, until, reason });
        self.catch_up();
    }

    fn tell_patience(&mut self, port: PortId, until: Moment) {
        let lasting = show_duration(until - self.now);
        self.tell_on(port, None, EventKind::Noted { text: format!("waits up to {lasting} for the port to come back") });
    }

    /// Has a port opened again as soon as it is there.
    fn seek(&mut self, port: PortId, away: Away) {
        self.ports[port].go_away(away);
        let settings = self.ports[port].settings.line.clone();
        self.command(port, PortCommand::Reopen { settings });
    }

    /// Lets the present state take note of what happened to its port, which may have been while a handler ran.
    pub(super) fn catch_up(&mut self) {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Writing { number, send } if self.ports[send.port].has_lost(number) => {
                let failure = self.lost_write(&send);
                self.fail(failure);
            }
            // It may be written when the port is there.
            State::Guarding { send, .. } if self.ports[send.port].broken_at().is_some() => self.start_writing(send),
            State::Reopening { port, begun, until, site, is_bounded } => {
                if !self.ports[port].take_return() {
                    self.state = State::Reopening { port, begun, until, site, is_bounded };
                }
            }
            State::Hooking(hooking) => self.go_on_hooking(hooking),
            State::Transferring(transfer) if self.ports[transfer.port].away().is_some() => {
                self.transfer_cut_off(&transfer);
            }
            State::Waiting(mut wait) => {
                for port in self.ports.ids().filter(|port| wait.is_on(*port)).collect::<Vec<_>>() {
                    if let Some(place) = self.ports[port].broken_at() {
                        wait.skip_to(port, place);
                    }
                }
                self.state = State::Waiting(wait);
            }
            state @ (State::Opening
            | State::Ready
            | State::Breathing
            | State::Guarding { .. }
            | State::Writing { .. }
            | State::Sleeping { .. }
            | State::Retrying { .. }
            | State::Saving { .. }
            | State::Asking { .. }
            | State::Transferring(_)
            | State::Serving
            | State::Over(_)) => self.state = state,
        }
    }

    /// Takes note that a port is there again.
    pub(super) fn came_back(&mut self, port: PortId) {
        self.ports[port].come_back(self.now);
        self.tell_on(port, None, EventKind::Opened);
        if let State::Retrying { at_latest, .. } = &mut self.state {
            // What a device says when it begins is left behind, as before every attempt.
            *at_latest = (*at_latest).max(self.now + QUIET_AT_MOST);
        }
        self.catch_up();
    }

    /// Gives up a port that did not come back in time; what needs it fails.
    pub(super) fn give_up(&mut self, port: PortId) {
        let needs_it = self.needs(port);
        let Some(away) = self.ports[port].give_up() else { return };
        self.command(port, PortCommand::Close);
        if needs_it {
            let failure = self.not_back(port, &away);
            self.fail(failure);
        }
    }

    /// Ends the wait of a `reopen`, or of a statement that needs a port which is away.
    pub(super) fn reopen_expired(&mut self, port: PortId, begun: Moment, site: Site, is_bounded: bool) {
        self.ports[port].await_no_return();
        let failure = match self.ports[port].away() {
            away if is_bounded => {
                let cause = away.map(|away| self.is_away(away));
                let mut failure = self.step_timeout(site, "still waiting for the port here");
                failure.cause = cause;
                failure
            }
            // A port that is away is given up before.
            Some(_) => return self.give_up(port),
            None => {
                let waited = show_duration(self.now - begun);
                let message = format!("{} did not go away within {waited}", self.called(port));
                let cause = "`reopen` waits until the port has gone and come back, and counts what it did since the last `send`: \
                             leave it out if the port stays, or take a longer time if it goes later";
                let mut failure = self.failure_at(Code::RunTimeout, site, message, "waited here").with_cause(cause);
                self.add_exchange(&mut failure);
                failure
            }
        };
        self.fail(failure);
    }

    /// Says that a port is away, to who asks why something does not happen.
    pub(super) fn is_away(&self, away: &Away) -> String {
        format!("the port went away {} before, and is not back", lasting(self.now - away.since))
    }

    fn not_back(&mut self, port: PortId, away: &Away) -> Box<Failure> {
        let lasted = show_duration(away.until - away.since);
        let message = format!("{} went away and did not come back within {lasted}", self.called(port));
        let site = self.program.site(self.flow.at.saturating_sub(1).min(self.program.ops.len() - 1));
        let cause = match &away.reason {
            CloseReason::HungUp { help } => format!("{help}, or give it more time"),
            CloseReason::Finished
            | CloseReason::CannotOpen { .. }
            | CloseReason::Broken { .. }
            | CloseReason::DeviceFailed(_) => "check the cable and the power".to_string(),
        };
        let mut failure = self.failure_at(Code::RunPort, site, message, "was waiting here").with_cause(cause);
        self.add_exchange(&mut failure);
        failure
    }

    fn lost_write(&mut self, send: &Outgoing) -> Box<Failure> {
        let message = format!("{} went away before all bytes had left", self.called(send.port));
        let cause = "it is not known how much the device received: put the `send` into a step with `retry`, which sends it again";
        let mut failure = self.failure_at(Code::RunPort, send.site, message, "was being sent").with_cause(cause);
        self.add_exchange(&mut failure);
        failure
    }
}
