//! `Reading`: what is known of the control lines of a port that its other side switches.

use crate::settings::InputLines;
use crate::time::Moment;

/// How CTS, DSR, DCD and RI were when they were read last, and when they are read again.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reading {
    /// The answer to the last question, or why there is none; `None` as long as nothing was answered.
    last: Option<Result<InputLines, String>>,
    /// When to ask again; `None` while an answer is awaited.
    read_at: Option<Moment>,
}

impl Reading {
    /// Takes note that they are asked for, and forgets how they were.
    pub(in crate::engine) fn ask(&mut self) {
        self.last = None;
        self.read_at = None;
    }

    /// Takes note that they are asked for again.
    pub(in crate::engine) fn ask_again(&mut self) {
        self.read_at = None;
    }

    /// Takes note of an answer, and when to ask again.
    pub(in crate::engine) fn answer(&mut self, lines: Result<InputLines, String>, read_at: Moment) {
        self.last = Some(lines);
        self.read_at = Some(read_at);
    }

    /// Returns the last answer.
    pub(in crate::engine) fn last(&self) -> Option<&Result<InputLines, String>> {
        self.last.as_ref()
    }

    /// Returns when to ask again.
    pub(in crate::engine) fn read_at(&self) -> Option<Moment> {
        self.read_at
    }
}
