//! `Summary`: a run folded into what can be counted.

use std::io;
use std::time::Duration;

use super::Sink;
use crate::event::{
    Event, EventKind, Failure, FileTransfer, Measurement, RunHeader, StepOutcome, TransferStage, Verdict,
};
use crate::source::Site;

/// How many measurements a report of one run has: a loop may measure without end.
const MOST_MEASUREMENTS: usize = 10_000;

/// What came of a run as a whole, as far as it has been told: however long the run, it does not grow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// What was known before the first byte.
    pub header: Option<RunHeader>,
    /// How it ended; `None` before its end.
    pub verdict: Option<Verdict>,
    /// The time from its beginning to the last event.
    pub took: Duration,
    /// How many steps began, each time it did, further attempts not counted.
    pub n_steps: u64,
    /// How much was checked; known at its end.
    pub n_checks: u64,
    /// How many steps were skipped, each time one was.
    pub n_skipped: u64,
    /// How many clean-ups failed.
    pub n_cleanups_failed: u64,
    /// Why it was skipped; `None` if it was not.
    pub why_skipped: Option<String>,
    /// Why it failed; `None` if it did not. Failures that a further attempt made good are not kept.
    pub failure: Option<Failure>,
    /// Failures of attempts whose steps have not ended yet, the newest last.
    pending: Vec<Failure>,
    /// Why the step that ends next is skipped.
    skipping: Option<String>,
}

/// A run with each of its steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The run as a whole.
    pub tally: Tally,
    /// Its steps, in the order in which they began. A step inside of another that is tried again, or inside
    /// of a loop, is there once for each time.
    pub steps: Vec<StepSummary>,
    /// The names of what was saved, each once.
    pub saved: Vec<String>,
    /// What was measured, in order: the first 10,000.
    pub measurements: Vec<Measurement>,
    /// The files that were sent or received, or given up, in order.
    pub transfers: Vec<FileTransfer>,
    /// Why clean-ups failed, in order.
    pub cleanups: Vec<Failure>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSummary {
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub site: Option<Site>,
    /// How many steps enclose it.
    pub depth: u32,
    /// Its attempts that have ended, in order.
    pub attempts: Vec<Attempt>,
}

/// One attempt at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// How it ended.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; `None` if it did not.
    pub failure: Option<Box<Failure>>,
    /// Why it was skipped; `None` if it was not.
    pub why_skipped: Option<String>,
}

impl StepSummary {
    /// Returns how its last attempt ended; `None` before that.
    pub fn outcome(&self) -> Option<StepOutcome> {
        self.attempts.last().map(|attempt| attempt.outcome)
    }

    /// Returns whether it passed, but not at once.
    pub fn is_flaky(&self) -> bool {
        self.attempts.len() > 1 && self.outcome() == Some(StepOutcome::Passed)
    }
}

impl Tally {
    /// Takes in the next event.
    pub fn add(&mut self, event: &Event) {
        self.took = event.at.since_start();
        match &event.kind {
            EventKind::RunStarted(header) => self.header = Some(RunHeader::clone(header)),
            EventKind::StepBegan { attempt: 1, .. } => self.n_steps += 1,
            EventKind::StepEnded { outcome: StepOutcome::WillRetry, .. } => {
                self.pending.pop();
            }
            EventKind::StepEnded { outcome: StepOutcome::Skipped, .. } => {
                self.n_skipped += 1;
                self.why_skipped = self.skipping.take();
            }
            EventKind::Skipped { why } => self.skipping = Some(why.clone()),
            EventKind::CleanupFailed(_) => self.n_cleanups_failed += 1,
            EventKind::Failed(failure) => self.pending.push((**failure).clone()),
            EventKind::RunEnded { verdict, checks } => {
                self.verdict = Some(*verdict);
                self.n_checks = *checks;
                self.why_skipped =
                    self.skipping.take().or(self.why_skipped.take()).filter(|_| *verdict == Verdict::Skipped);
                self.failure = if verdict.is_success() { None } else { self.pending.pop() };
                self.pending.clear();
            }
            EventKind::StepBegan { .. }
            | EventKind::StepEnded { .. }
            | EventKind::Matched { .. }
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. }
            | EventKind::Transfer(_) => {}
        }
    }
}

impl Tally {
    /// Returns what a verdict has to add: steps that were skipped, clean-ups that failed.
    pub fn remarks(&self) -> Vec<String> {
        let skipped = remark(self.n_skipped, "step", "skipped");
        skipped.into_iter().chain(remark(self.n_cleanups_failed, "clean-up", "failed")).collect()
    }
}

/// Returns `2 steps skipped`; nothing if there is none.
pub(crate) fn remark(n: u64, what: &str, participle: &str) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("1 {what} {participle}")),
        n => Some(format!("{n} {what}s {participle}")),
    }
}

impl Summary {
    /// Takes in the next event.
    pub fn add(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Transfer(file) => match file.stage {
                TransferStage::Began | TransferStage::Moved => {}
                TransferStage::Passed | TransferStage::Failed => self.transfers.push(FileTransfer::clone(file)),
            },
            EventKind::StepBegan { title, attempt, depth, .. } => {
                if *attempt == 1 {
                    let (title, site) = (title.clone(), event.site);
                    self.steps.push(StepSummary { title, site, depth: *depth, attempts: Vec::new() });
                }
            }
            EventKind::StepEnded { outcome, took, depth, .. } => {
                let failure = match outcome {
                    StepOutcome::Passed | StepOutcome::Skipped => None,
                    StepOutcome::WillRetry | StepOutcome::Failed => self.tally.pending.last().cloned().map(Box::new),
                };
                let why_skipped = self.tally.skipping.clone().filter(|_| *outcome == StepOutcome::Skipped);
                if let Some(step) = self.steps.iter_mut().rev().find(|step| step.depth == *depth) {
                    step.attempts.push(Attempt { outcome: *outcome, took: *took, failure, why_skipped });
                }
            }
            EventKind::CleanupFailed(failure) => self.cleanups.push((**failure).clone()),
            EventKind::Measured(measured) => {
                if self.measurements.len() < MOST_MEASUREMENTS {
                    self.measurements.push((**measured).clone());
                }
            }
            EventKind::Saved { name } => {
                if !self.saved.contains(name) {
                    self.saved.push(name.clone());
                }
            }
            EventKind::RunStarted(_)
            | EventKind::Matched { .. }
            | EventKind::Failed(_)
            | EventKind::Skipped { .. }
            | EventKind::RunEnded { .. }
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Captured { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. } => {}
        }
        self.tally.add(event);
    }
}

impl Sink for Summary {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.add(event);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::event::{EchoOf, EchoPart};
    use crate::port_id::PortId;
    use crate::report::failure;
    use crate::source::Sources;
    use crate::time::Moment;

    /// A run with a step that passes at the second attempt and one that fails, for the tests of all sinks.
    pub(crate) fn example() -> (Sources, Vec<Event>) {
        let (sources, failure) = failure::tests::example();
        let header = RunHeader {
            title: "Attach to the network".to_string(),
            kind: "flow".to_string(),
            file: "main.flow".to_string(),
            port: "/dev/ttyUSB0".to_string(),
            line: "115200 8N1".to_string(),
            has_line: true,
            ports: Vec::new(),
            seed: 42,
        };
        let began = |title: &str, attempt, attempts, depth| EventKind::StepBegan {
            title: title.to_string(),
            attempt,
            attempts,
            depth,
        };
        let ended = |title: &str, outcome, attempt, took, depth| EventKind::StepEnded {
            title: title.to_string(),
            outcome,
            attempt,
            took: Duration::from_millis(took),
            depth,
        };
        let sent = |bytes: &str| EventKind::Sent { bytes: bytes.as_bytes().to_vec() };
        let came = |bytes: &[u8]| EventKind::Received { bytes: bytes.to_vec(), block: false, echo: None };
        let with_echo = |bytes: &[u8], n| {
            let echo = Some(EchoPart { at: 0..n, of: EchoOf::Last });
            EventKind::Received { bytes: bytes.to_vec(), block: false, echo }
        };
        let matched = |text: &str| EventKind::Matched {
            pattern: format!("line {text:?}").into(),
            text: text.as_bytes().to_vec(),
            waited: Duration::from_millis(9),
        };
        let kinds = vec![
            (0, EventKind::RunStarted(Box::new(header))),
            (3, EventKind::Opened),
            (3, began("SIM", 1, 3, 0)),
            (4, sent("AT+CPIN?\r")),
            (9, with_echo(b"AT+CPIN?\r\r\n+CME ERROR: 14\r\n", 9)),
            (5009, EventKind::Failed(Box::new(failure.clone()))),
            (5009, ended("SIM", StepOutcome::WillRetry, 1, 5006, 0)),
            (6009, began("SIM", 2, 3, 0)),
            (6010, sent("AT+CPIN?\r")),
            (6020, with_echo(b"AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n", 9)),
            (6020, matched("OK")),
            (6020, EventKind::Captured { name: "pin".into(), value: b"READY".to_vec() }),
            (6020, EventKind::Saved { name: "pin".to_string() }),
            (6020, EventKind::Logged { text: "SIM is ready".into() }),
            (6021, ended("SIM", StepOutcome::Passed, 2, 12, 0)),
            (6021, began("Network", 1, 1, 0)),
            (6021, began("Attach", 1, 1, 1)),
            (6021, EventKind::Measured(Box::new(measured()))),
            (6021, sent("AT+CGATT?\r")),
            (6031, came(b"\r\n+CGATT: 0\r\n\r\nERROR\r\n")),
            (6040, EventKind::Received { bytes: b"\x00\x1b[2J\r\n\xffa\n".to_vec(), block: true, echo: None }),
            (11021, EventKind::Failed(Box::new(failure))),
            (11021, ended("Attach", StepOutcome::Failed, 1, 5000, 1)),
            (11021, EventKind::Noted { text: "cleaning up".to_string() }),
            (11022, ended("Network", StepOutcome::Failed, 1, 5001, 0)),
            (11030, EventKind::Closed(crate::event::CloseReason::Finished)),
            (11031, EventKind::RunEnded { verdict: Verdict::Failed, checks: 1 }),
        ];
        let events = kinds
            .into_iter()
            .map(|(ms, kind)| Event { at: Moment::from_millis(ms), port: PortId::FIRST, site: None, kind })
            .collect();
        (sources, events)
    }

    fn measured() -> Measurement {
        let text = |text: &str| Some(text.to_string());
        Measurement {
            name: "vbat".to_string(),
            value: "3.42".to_string(),
            unit: text("V"),
            low: text("3.60"),
            high: text("4.20"),
            passed: false,
            soft: true,
            fault: text("0.18 V below the lower limit"),
        }
    }

    /// The sources of the example, and why it failed.
    pub(crate) fn example_failure() -> (Sources, Failure) {
        failure::tests::example()
    }

    #[test]
    fn attempts_belong_to_their_step_and_the_last_failure_counts() {
        let (_, events) = example();
        let mut summary = Summary::default();
        for event in &events {
            summary.add(event);
        }
        let steps: Vec<String> = summary
            .steps
            .iter()
            .map(|s| {
                let attempt = |a: &Attempt| format!("{:?} {:?} {}", a.outcome, a.took, a.failure.is_some());
                let attempts: Vec<String> = s.attempts.iter().map(attempt).collect();
                format!("{} {} [{}] flaky: {}", s.depth, s.title, attempts.join(", "), s.is_flaky())
            })
            .collect();
        assert_snapshot!(steps.join("\n"), @r#"
        0 SIM [WillRetry 5.006s true, Passed 12ms false] flaky: true
        0 Network [Failed 5.001s true] flaky: false
        1 Attach [Failed 5s true] flaky: false
        "#);
        assert_eq!(summary.tally.verdict, Some(Verdict::Failed));
        assert_eq!((summary.tally.n_checks, summary.saved), (1, vec!["pin".to_string()]));
        assert_eq!(summary.tally.took, Duration::from_millis(11_031));
        assert!(summary.tally.failure.is_some());
    }

    #[test]
    fn a_failure_that_a_further_attempt_made_good_is_no_failure_of_the_run() {
        let (_, events) = example();
        let mut summary = Summary::default();
        for event in &events[..15] {
            summary.add(event);
        }
        summary.add(&Event {
            at: Moment::START,
            port: PortId::FIRST,
            site: None,
            kind: EventKind::RunEnded { verdict: Verdict::Flaky, checks: 1 },
        });
        assert_eq!(summary.tally.failure, None);
        assert!(summary.steps[0].is_flaky());
    }
}
