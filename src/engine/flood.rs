//! More comes than is kept: what a flow could not look at in time is a failure, and nothing is lost without a word.

use super::exec::wait::Wait;
use super::limits::{DELIMITED_READ, LINES, UNLOOKED};
use super::tell::Piece;
use super::{Engine, State};
use crate::diagnostic::Code;
use crate::event::Failure;
use crate::port::PortId;
use crate::program::Role;
use crate::source::Site;

impl Engine {
    /// Says that unclaimed lines were forgotten.
    #[cold]
    pub(super) fn note_forgotten(&mut self, n_lines: usize) {
        self.note(format!(
            "{n_lines} unclaimed lines were forgotten: only the last 256 KiB are kept, and no more than {LINES} lines"
        ));
    }

    /// Makes room for what comes next on a port: more of what came is held than is kept, for nothing has looked at it.
    #[cold]
    pub(super) fn make_room(&mut self, port: PortId) {
        if self.may_pass_over_lines(port) {
            self.ports[port].sight.pass_over_lines();
            self.sight_to(port, self.ports[port].sight.inbox.line_start(), Piece::Line);
        } else if self.ports[port].sight.inbox.n_held() > UNLOOKED {
            let failure = self.unlooked_failure();
            if let State::Writing { send, .. } = &self.state {
                self.discard_output(send.port);
            }
            self.ports[port].sight.pass_over();
            self.fail(failure);
        }
        self.ports[port].sight.inbox.forget();
    }

    /// Whether what came is nothing that somebody wants but the waits that come later, and these only as far as it is kept.
    fn may_pass_over_lines(&self, port: PortId) -> bool {
        match &self.state {
            // The next attempt would pass over it.
            State::Retrying { .. } => true,
            State::Asking { .. } => self.flow.watching(port).next().is_none(),
            State::Opening
            | State::Ready
            | State::Breathing
            | State::Guarding { .. }
            | State::Writing { .. }
            | State::Waiting(_)
            | State::Sleeping { .. }
            | State::Reopening { .. }
            | State::Saving { .. }
            | State::Hooking(_)
            | State::Transferring(_)
            | State::Serving
            | State::Over(_) => false,
        }
    }

    fn unlooked_failure(&self) -> Box<Failure> {
        let (site, label) = self.present_doing();
        let message = format!("more than {} MiB came before the flow could look at it", UNLOOKED >> 20);
        let cause = match self.program.role {
            Role::Flow => {
                "the device sends more meanwhile than can be kept: let it be quiet first, or send less at once"
            }
            Role::Device => "the host sends more than can be kept while the device is busy: let its handler end sooner",
        };
        let mut failure = self.failure_at(Code::RunLimit, site, message, label).with_cause(cause);
        self.add_exchange(&mut failure);
        failure
    }

    /// Returns what is being done, and where it stands.
    fn present_doing(&self) -> (Site, &'static str) {
        match &self.state {
            State::Guarding { send, .. } => (send.site, "waited for silence here"),
            State::Writing { send, .. } => (send.site, "was sending this"),
            State::Waiting(wait) => (wait.site, "was waiting here"),
            State::Sleeping { site, .. } => (*site, "was sleeping here"),
            State::Reopening { site, .. } => (*site, "was waiting for the port here"),
            State::Retrying { site, .. } => (*site, "would have begun again"),
            State::Asking { site, .. } => (*site, "was asking this"),
            State::Hooking(hooking) => (hooking.site, "ran this hook"),
            State::Transferring(transfer) => (transfer.site, "transferred this"),
            State::Saving { site, .. } => (*site, "was saving this"),
            State::Opening | State::Ready | State::Breathing | State::Serving | State::Over(_) => {
                (self.program.site(self.flow.at), "was about to do this")
            }
        }
    }

    /// Whether what a `read until` waits for can no longer begin within so many bytes that it may take them.
    pub(super) fn reads_too_much(&self, wait: &Wait) -> bool {
        wait.kind.delimiter().is_some_and(|wanted| self.ports[wait.port].sight.is_beyond(wanted, DELIMITED_READ))
    }

    /// Fails a `read until` that would take too many bytes.
    #[cold]
    pub(super) fn fail_read(&mut self, wait: &Wait) {
        let title = match wait.kind.specs().first() {
            Some(spec) => spec.title.to_string(),
            None => "it was quiet".to_string(),
        };
        let message = format!("more than {} KiB came before {title}", DELIMITED_READ >> 10);
        let mut failure = self
            .failure_at(Code::RunLimit, wait.site, message, "takes no more")
            .with_cause("take it in pieces: `read … bytes`, or `read until` something that comes sooner");
        self.add_exchange(&mut failure);
        self.fail(failure);
    }
}
