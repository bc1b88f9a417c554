//! `Hooking`: a hook that runs: until when, and what it has written.

use super::limits::HOOK_OUTPUT;
use crate::event::HookEnd;
use crate::source::Site;
use crate::time::Moment;

/// A hook that runs.
#[derive(Debug)]
pub(in crate::engine) struct Hooking {
    pub site: Site,
    /// When its time is over.
    pub until: Moment,
    /// Its name.
    name: String,
    pub begun: Moment,
    /// Whether its time is that of a step.
    pub is_bounded: bool,
    /// The beginning of a line that it wrote.
    line: Vec<u8>,
    /// How much it wrote that is told or in `line`.
    n_said: usize,
    /// How much it wrote that is not.
    pub n_left_out: usize,
    /// How it ended, until that is dealt with: a handler may run.
    pub end: Option<HookEnd>,
}

impl Hooking {
    /// Begins one; `until` says when its time is over, and whether that is a step's.
    pub(in crate::engine) fn new(name: String, site: Site, begun: Moment, until: (Moment, bool)) -> Hooking {
        let (until, is_bounded) = until;
        Hooking { site, until, name, begun, is_bounded, line: Vec::new(), n_said: 0, n_left_out: 0, end: None }
    }

    /// Returns what messages call it.
    pub(in crate::engine) fn title(&self) -> String {
        format!("the hook `{}`", self.name)
    }

    /// Whether it wrote as much as is told.
    pub(in crate::engine) fn is_full(&self) -> bool {
        self.n_said >= HOOK_OUTPUT
    }

    /// Takes what it wrote; returns the lines that are whole, without their ends.
    pub(in crate::engine) fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let room = HOOK_OUTPUT - self.n_said;
        let (taken, rest) = bytes.split_at(bytes.len().min(room));
        self.n_said += taken.len();
        self.n_left_out += rest.len();
        let mut lines = Vec::new();
        for byte in taken {
            match byte {
                b'\n' => lines.push(self.take_line()),
                byte => self.line.push(*byte),
            }
        }
        lines
    }

    /// Takes the line that has no end yet.
    pub(in crate::engine) fn take_line(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.line);
        line.pop_if(|last| *last == b'\r');
        line
    }
}
