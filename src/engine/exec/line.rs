//! Statements that change the line itself: settings, baud, control lines, break, flush, unplug, restart.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::{Engine, State};
use crate::event::{Failure, Verdict};
use crate::port::{PortCommand, PortId};
use crate::program::{Expr, OpIndex, Role};
use crate::settings::SettingValue;
use crate::source::Site;
use crate::time::show_duration;

/// The highest baud rate.
const FASTEST: i64 = 4_000_000;

impl Engine {
    /// Refuses to use a port that is gone.
    pub(in crate::engine) fn port_is_open(&self, site: Site) -> Result<(), Box<Failure>> {
        self.is_there(self.flow.port, site)
    }

    /// Refuses to use a port, which may not be the current one, when it is gone.
    pub(in crate::engine) fn is_there(&self, port: PortId, site: Site) -> Result<(), Box<Failure>> {
        if self.ports[port].is_closed() { Err(self.is_gone(port, site)) } else { Ok(()) }
    }

    /// Returns the failure of a statement whose port is gone.
    #[cold]
    fn is_gone(&self, port: PortId, site: Site) -> Box<Failure> {
        let message = match self.program.ports.get(port.index()) {
            Some(_) => format!("the port {} is gone", self.called(port)),
            None => "the port is gone".to_string(),
        };
        let failure = self.failure_at(Code::RunPort, site, message, "is no longer possible");
        if self.program.role == Role::Device || !self.ports[port].was_opened() {
            return failure;
        }
        let cause = "the transcript says when it went, and why; `reopen within 15s` before this waits until it is back";
        failure.with_cause(cause)
    }

    /// Changes settings from here on.
    pub(super) fn change_settings(
        &mut self,
        settings: &[(String, SettingValue)],
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let port = &mut self.ports[self.flow.port];
        let before = port.settings.line.clone();
        for (name, value) in settings {
            // The checker has tried each of them.
            let _ = port.settings.set(name, value);
        }
        if let Some(encoding) = port.settings.encoding {
            self.journal.know_encoding(encoding);
        }
        let port = &mut self.ports[self.flow.port];
        if settings.iter().any(|(name, _)| name == "echo") {
            port.note_echo();
        }
        if port.settings.line != before {
            self.port_is_open(site)?;
            self.reconfigure();
        }
        Ok(())
    }

    /// Changes the baud rate.
    pub(super) fn change_baud(&mut self, rate: &Expr, site: Site) -> Result<(), Box<Failure>> {
        let rate = self.eval_count(rate, FASTEST)?;
        if rate == 0 {
            return Err(self.failure_at(Code::RunValue, site, "the baud rate cannot be 0", "must be at least 1"));
        }
        self.port_is_open(site)?;
        self.ports[self.flow.port].settings.line.baud = rate as u32;
        self.reconfigure();
        Ok(())
    }

    fn reconfigure(&mut self) {
        let settings = self.ports[self.flow.port].settings.line.clone();
        self.note(format!("the line is now {settings}"));
        let command = match self.ports[self.flow.port].away() {
            Some(_) => PortCommand::Reopen { settings },
            None => PortCommand::Reconfigure { settings },
        };
        self.command(self.flow.port, command);
    }

    /// Switches control lines.
    pub(super) fn set_control_lines(
        &mut self,
        dtr: Option<bool>,
        rts: Option<bool>,
        at: OpIndex,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        self.port_is_open(site)?;
        if self.waits_for_port(at, site) {
            return Ok(());
        }
        self.command(self.flow.port, PortCommand::SetLines { dtr, rts });
        let show = |name: &str, on: Option<bool>| on.map(|on| format!("{name} {}", if on { "on" } else { "off" }));
        let shown: Vec<String> = [show("DTR", dtr), show("RTS", rts)].into_iter().flatten().collect();
        self.note(shown.join(", "));
        Ok(())
    }

    /// Holds the line in break.
    pub(super) fn hold_break(&mut self, lasting: &Expr, at: OpIndex, site: Site) -> Result<(), Box<Failure>> {
        self.port_is_open(site)?;
        if self.waits_for_port(at, site) {
            return Ok(());
        }
        let lasting = self.eval_duration(lasting)?;
        self.command(self.flow.port, PortCommand::Break { lasting });
        self.note(format!("break for {}", show_duration(lasting)));
        self.sleep(lasting, site);
        Ok(())
    }

    /// Throws away what has come.
    pub(super) fn flush(&mut self) {
        self.command(self.flow.port, PortCommand::DiscardInput);
        self.sight_all();
        self.ports[self.flow.port].sight.flush();
    }

    /// Hangs up: for good, which ends a device, or for so long.
    pub(super) fn unplug(&mut self, lasting: Option<&Expr>, site: Site) -> Result<(), Box<Failure>> {
        let lasting = lasting.map(|lasting| self.eval_duration(lasting)).transpose()?;
        self.command(self.flow.port, PortCommand::Close);
        if let Some(lasting) = lasting {
            self.ports[self.flow.port].sight.break_off();
            self.note(format!("unplugged for {}", show_duration(lasting)));
            self.sleep(lasting, site);
            return Ok(());
        }
        self.ports[self.flow.port].close();
        self.finish(Verdict::Passed);
        Ok(())
    }

    /// Is there again.
    pub(super) fn replug(&mut self) {
        let settings = self.ports[self.flow.port].settings.line.clone();
        self.command(self.flow.port, PortCommand::Open { settings });
    }

    /// Begins a device afresh.
    pub(super) fn restart(&mut self) {
        self.journal.release_to(self.flow.holds_of_main(self.journal.holds()));
        self.flow.restart(&self.program);
        self.ports.iter_mut().for_each(|port| port.sight.inbox.remove_tripwires());
        let settings = self.inputs.ports[PortId::FIRST.index()].settings.clone();
        let line = settings.line.clone();
        self.ports[PortId::FIRST].settings = settings;
        self.command(PortId::FIRST, PortCommand::Reconfigure { settings: line });
        self.note("restart");
        self.state = State::Ready;
    }

    /// Lets time pass; a step's timeout ends it.
    pub(super) fn sleep(&mut self, lasting: Duration, site: Site) {
        let (until, is_bounded) = self.bounded(lasting);
        self.state = State::Sleeping { until, site, is_bounded };
        self.look();
    }
}
