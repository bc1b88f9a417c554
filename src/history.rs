//! `Record`: what is kept of each run that is over, what became of the flow over many of them, and what became slower.
//!
//! A [`Keeping`] makes the record of a run from its events, and puts it into a file that several processes
//! may write. [`stories`] says what the records of each flow tell.

mod file;
mod gather;
mod json;
mod story;
mod text;
mod trend;

use crate::event::Verdict;
pub(crate) use file::{Past, read};
pub(crate) use gather::{Keeping, Run};
pub(crate) use json::render_json;
pub(crate) use story::{Question, stories};
pub(crate) use text::{past_times, render_drifts, render_text};

/// One run that is over. No secret stands in it: it is made of events, in which secrets have names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// When it began: Unix time in milliseconds, by the clock of the machine.
    pub began: i64,
    /// The flow, as seen from the folder that the history is for.
    pub file: String,
    pub title: String,
    /// The digest of the flow, with its secrets covered.
    pub sha256: String,
    pub verdict: Verdict,
    pub on: Counterpart,
    /// The addresses of its ports.
    pub ports: Vec<String>,
    pub seed: u64,
    /// How long it was, in microseconds; by a clock that jumps unless a port was real.
    pub took_us: u64,
    /// Why it failed, and where.
    pub reason: Option<String>,
    /// The version of flowrun.
    pub version: String,
    pub host: Option<String>,
    /// How long the device took to answer.
    pub times: Vec<Timed>,
    pub measured: Vec<Measured>,
}

/// What played the other end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counterpart {
    /// One port at least was real.
    Real,
    /// Devices were simulated.
    Simulated,
    /// A recording was played.
    Replayed,
}

/// How long the device took to answer, at one wait or in all waits of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timed {
    /// Where it stands: `login.flow:12:3`.
    pub place: String,
    /// The step, and those around it.
    pub step: String,
    /// What was awaited; `None` for the step itself.
    pub wait: Option<String>,
    /// How many times it came about in the run.
    pub n: u64,
    /// The median, in microseconds.
    pub us: u64,
}

/// What a run measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    pub name: String,
    pub value: String,
    pub unit: Option<String>,
    pub passed: bool,
}

impl Counterpart {
    const ALL: [Counterpart; 3] = [Counterpart::Real, Counterpart::Simulated, Counterpart::Replayed];

    fn word(self) -> &'static str {
        match self {
            Counterpart::Real => "real",
            Counterpart::Simulated => "simulated",
            Counterpart::Replayed => "replay",
        }
    }
}

const VERDICTS: [Verdict; 6] =
    [Verdict::Passed, Verdict::Flaky, Verdict::Skipped, Verdict::Failed, Verdict::PortFailed, Verdict::Interrupted];

fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Flaky => "flaky",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::PortFailed => "port-failed",
        Verdict::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests;
