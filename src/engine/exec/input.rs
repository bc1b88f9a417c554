//! Control lines: a flow waits for those of the device, and a device deals with those of the host.

use std::time::Duration;

use super::wait::{Wait, WaitKind};
use crate::diagnostic::Code;
use crate::engine::{Engine, State};
use crate::event::{EventKind, Failure};
use crate::port::{PortCommand, PortId};
use crate::program::InputWait;
use crate::settings::{InputLine, InputLines};
use crate::source::Site;

/// How long after an answer the lines are read again, while one of them is awaited.
const READ_EVERY: Duration = Duration::from_millis(10);

impl Engine {
    /// `expect cts on`
    pub(super) fn expect_input(&mut self, input: &InputWait, site: Site) -> Result<(), Box<Failure>> {
        let within = self.within(input.within.as_ref())?;
        self.port_is_open(site)?;
        self.ports[self.flow.port].input_lines.ask();
        self.command(self.flow.port, PortCommand::ReadLines);
        self.wait(site, within, WaitKind::Input { line: input.line, on: input.on });
        Ok(())
    }

    /// `cts on`, in a device.
    pub(super) fn drive_lines(&mut self, lines: &[(InputLine, bool)], site: Site) -> Result<(), Box<Failure>> {
        self.port_is_open(site)?;
        self.command(self.flow.port, PortCommand::DriveLines { lines: lines.to_vec() });
        Ok(())
    }

    /// Takes note of how the lines of a port are.
    pub(in crate::engine) fn lines_read(&mut self, port: PortId, lines: Result<InputLines, String>) {
        if matches!(self.state, State::Over(_)) {
            return;
        }
        self.ports[port].input_lines.answer(lines, self.now + READ_EVERY);
        self.look_at(port);
    }

    /// Asks for the lines of a port again, if it is time to.
    pub(super) fn read_lines_if_due(&mut self, port: PortId) {
        if self.ports[port].input_lines.read_at().is_some_and(|at| at <= self.now) {
            self.ports[port].input_lines.ask_again();
            self.command(port, PortCommand::ReadLines);
        }
    }

    /// Whether a wait for a control line is over, with what was awaited or without.
    pub(super) fn is_line_over(&mut self, wait: &Wait) -> bool {
        let WaitKind::Input { line, on } = wait.kind else { return false };
        let lines = match self.ports[wait.port].input_lines.last() {
            None => return false,
            Some(Err(why)) => {
                let message = format!("{line} cannot be read: {why}");
                let failure = self.failure_at(Code::RunPort, wait.site, message, "waits for this line");
                self.fail(failure);
                return true;
            }
            Some(Ok(lines)) => *lines,
        };
        if lines.is_on(line) != on {
            return false;
        }
        self.sight_lines(wait.port);
        let pattern = format!("{} {}", line.word(), if on { "on" } else { "off" }).into();
        let (text, waited) = (lines.to_string().into_bytes(), self.now - wait.begun);
        self.tally.n_checks += 1;
        self.tell_on(wait.port, Some(wait.site), EventKind::Matched { pattern, text, waited });
        let text = format!("{line} is {}", if on { "on" } else { "off" });
        self.tell_on(wait.port, None, EventKind::Noted { text });
        true
    }

    /// Explains why a control line was not as it was awaited.
    pub(in crate::engine) fn line_cause(&self, port: PortId, line: InputLine) -> String {
        match self.ports[port].input_lines.last() {
            Some(Ok(lines)) => format!(
                "the lines were {lines}: does the cable carry {line}, and does the device switch it? A device file does \
                 with `{} on`",
                line.word()
            ),
            Some(Err(_)) | None => "the port did not report its control lines".to_string(),
        }
    }
}
