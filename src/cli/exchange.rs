//! `Exchange`: a flow that flowrun writes itself, run at an address, and what came of it.

use std::path::Path;

use super::Ending;
use super::args::LineArguments;
use super::given::settings;
use super::named::Named;
use super::refusal::{complain, refuse};
use super::terminal::Terminal;
use crate::address::Address;
use crate::event::{Event, EventKind, Failure};
use crate::program::Role;
use crate::setup::{Complaint, Ender, Found, Pace, Read, Setup, Terms, find_counterpart, fresh_seed, read_text};
use crate::sim::VIRTUAL_SEED;
use crate::testing::{Around, Outcome, outcome};
use crate::variables::{Given, Offered};

/// A flow to be run.
pub(super) struct Exchange<'a> {
    /// What messages call it.
    pub name: &'a str,
    pub flow: &'a str,
    /// The values of its params: what the user typed goes there, so it is never read as a part of the flow.
    pub given: Vec<Given>,
    pub line: &'a LineArguments,
    /// What the port is set to by its name.
    pub named: &'a Named,
}

impl Exchange<'_> {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// It cannot begin, and why has been told.
    pub(super) fn run(self, address: &Address, ender: &Ender, terminal: &Terminal) -> Result<Outcome, Ending> {
        let refused = |error| refuse(error, terminal);
        let file = Path::new(self.name);
        let Read { program, .. } = read_text(Role::Flow, self.name, self.flow).map_err(refused)?;
        let Found { counterpart, warnings, .. } =
            find_counterpart(std::slice::from_ref(address), file, &program).map_err(refused)?;
        warnings.iter().for_each(|warnings| complain(warnings, terminal));
        let of_port = self.named.settings_at(address, &program.settings);
        let settings = settings(&of_port, self.line).map_err(|problems| {
            complain(&Complaint { problems, sources: program.sources.clone() }, terminal);
            Ending::Refused
        })?;
        let seed = match counterpart.pace() {
            Pace::Real => fresh_seed().map_err(refused)?,
            Pace::Virtual => VIRTUAL_SEED,
        };
        let variables = Offered { given: self.given, ..Offered::default() };
        let terms = Terms { variables, settings: Some(vec![settings]), ..Terms::default() };
        let setup = Setup::join(program, file, counterpart, terms).map_err(refused)?;
        outcome(&setup, seed, ender, Around::default()).map_err(refused)
    }
}

/// What was sent once, and everything that was received from then until the next send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub sent: Vec<u8>,
    pub received: Vec<u8>,
}

/// Returns what was received after each send, in order; what came before the first is left out.
pub(super) fn answers(events: &[Event]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for event in events {
        if let EventKind::Sent { bytes } = &event.kind {
            answers.push(Answer { sent: bytes.clone(), received: Vec::new() });
        } else if let (EventKind::Received { bytes, .. }, Some(answer)) = (&event.kind, answers.last_mut()) {
            answer.received.extend_from_slice(bytes);
        }
    }
    answers
}

/// Returns why a run did not pass: the last failure of which it told.
pub(super) fn failure(outcome: &Outcome) -> Option<&Failure> {
    outcome.events().iter().rev().find_map(|event| {
        let EventKind::Failed(failure) = &event.kind else { return None };
        Some(failure.as_ref())
    })
}

impl Answer {
    /// Returns the lines of the answer: no empty ones, and without the echo of what was sent.
    pub(super) fn lines(&self) -> Vec<&[u8]> {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let lines = self.received.split(is_end).filter(|line| !line.is_empty());
        let echo: Vec<&[u8]> = self.sent.split(is_end).filter(|line| !line.is_empty()).collect();
        let mut lines: Vec<&[u8]> = lines.collect();
        // A console shows its prompt before the echo.
        if let ([echo], Some(first)) = (echo.as_slice(), lines.first())
            && first.ends_with(echo)
        {
            lines.remove(0);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_an_answer_are_without_the_echo_and_without_empty_ones() {
        let lines = |sent: &str, received: &str| {
            let answer = Answer { sent: sent.as_bytes().to_vec(), received: received.as_bytes().to_vec() };
            answer.lines().into_iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lines("AT+CSQ\r", "AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\nOK\r\n"), ["+CSQ: 18,0", "OK"]);
        assert_eq!(lines("AT+CSQ\r", "\r\n+CSQ: 18,0\r\n\r\nOK\r\n"), ["+CSQ: 18,0", "OK"]);
        assert_eq!(lines("ls\r", "$ ls\r\na\r\nls\r\n$ "), ["a", "ls", "$ "], "only the first line can be the echo");
        assert_eq!(lines("x\r", ""), [""; 0]);
    }
}
