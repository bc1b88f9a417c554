//! `SuiteReport`: what came of every flow of a suite, as JUnit, JSON and TAP are printed from it.

use std::time::Duration;

use super::coverage::CoverageReport;
use super::gathered::Gathered;
use super::summary::{StepSummary, Summary};
use crate::diagnostic::Diagnostic;
use crate::event::{Event, Failure, StepOutcome, Verdict};
use crate::origin::{About, Digest, Origin};
use crate::source::Sources;

/// What came of a suite, in the order of its flows.
#[derive(Clone, Debug, Default)]
pub struct SuiteReport {
    /// The flows.
    pub cases: Vec<CaseReport>,
    /// Snapshots that belong to no flow.
    pub orphans: Vec<String>,
    /// When and where it was run, if that is to be told.
    pub origin: Option<Origin>,
    /// How long all of it took by the clock of the machine, if that is known: the runs may have had virtual time.
    pub took: Option<Duration>,
    /// Whose time the runs had.
    pub clock: Clock,
    /// What the flows reached of themselves, their libraries and devices, if that was asked for.
    pub coverage: Option<CoverageReport>,
}

/// Whose time a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// A clock that jumps from one event to the next.
    #[default]
    Virtual,
    /// That of the machine.
    Real,
}

/// The events of a run that is over, what they point into, and what makes it traceable.
pub type OverRun<'a> = (&'a [Event], &'a Sources, &'a [(String, String)]);

/// What came of one flow.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The file, as the user named it.
    pub file: String,
    /// What came of it.
    pub status: Status,
    /// Whether the suite fails for it: a new snapshot does so only where nobody could look at it.
    pub is_failure: bool,
    /// The run that is reported: the first that failed, or the first.
    pub summary: Summary,
    /// The texts that failures point into.
    pub sources: Sources,
    /// Why it was not run, rendered; empty if it was.
    pub refusal: String,
    /// The mistakes in its text, for which it was not run.
    pub mistakes: Vec<Diagnostic>,
    /// How its transcript differs from the snapshot, as a unified diff; empty if it does not.
    pub diff: String,
    /// How many times it was run.
    pub n_runs: u32,
    /// Which of the runs failed first, from 1.
    pub failed_run: Option<u32>,
    /// What was given to its variables, by name, as it may be shown.
    pub given: Vec<(String, String)>,
    /// What it saved, by name, with secrets named.
    pub saved: Vec<(String, String)>,
    /// Its lines, if a report was asked for that shows them.
    pub gathered: Option<Box<Gathered>>,
}

/// What came of one flow, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It passed and its transcript is that of the snapshot.
    Passed,
    /// The same, but a step needed more than one attempt.
    Flaky,
    /// It said itself that it does not apply.
    Skipped,
    /// It names no simulated device, and no port was given.
    Alone,
    /// It passed and there was no snapshot yet.
    New,
    /// It passed and its transcript differs from the snapshot.
    Changed,
    /// It failed.
    Failed,
    /// The port could not be opened, or went away.
    PortFailed,
    /// It was interrupted, or not begun any more.
    Interrupted,
    /// It has mistakes, and was not run.
    Wrong,
}

impl Status {
    /// Every status, in the order of the summary line.
    pub const ALL: [Status; 10] = [
        Status::Passed,
        Status::Flaky,
        Status::Failed,
        Status::Changed,
        Status::New,
        Status::Wrong,
        Status::PortFailed,
        Status::Interrupted,
        Status::Skipped,
        Status::Alone,
    ];

    /// Returns what a run comes to whose transcript is that of the snapshot.
    pub fn of(verdict: Verdict) -> Status {
        match verdict {
            Verdict::Passed => Status::Passed,
            Verdict::Flaky => Status::Flaky,
            Verdict::Skipped => Status::Skipped,
            Verdict::Failed => Status::Failed,
            Verdict::PortFailed => Status::PortFailed,
            Verdict::Interrupted => Status::Interrupted,
        }
    }

    /// Returns the word that reports use.
    pub fn title(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Flaky => "flaky",
            Status::Skipped => "skipped",
            Status::Alone => "without a device",
            Status::New => "new",
            Status::Changed => "changed",
            Status::Failed => "failed",
            Status::PortFailed => "port failed",
            Status::Interrupted => "interrupted",
            Status::Wrong => "wrong",
        }
    }

    /// Says whether nothing is wrong with the flow or its transcript: it passed and is as it was, or did not apply.
    pub fn is_success(self) -> bool {
        match self {
            Status::Passed | Status::Flaky => true,
            Status::Failed | Status::Changed | Status::New => false,
            Status::Wrong | Status::PortFailed | Status::Interrupted => false,
            Status::Skipped | Status::Alone => true,
        }
    }

    /// Says whether the flow did not apply: there is nothing to report of it but that.
    pub fn is_skip(self) -> bool {
        self.is_success() && !matches!(self, Status::Passed | Status::Flaky)
    }
}

impl SuiteReport {
    /// Returns what came of runs that are over, each with its lines and with what makes it traceable; nothing was compared with a
    /// snapshot.
    pub fn of_runs<'a>(runs: impl Iterator<Item = OverRun<'a>>) -> SuiteReport {
        let case = |(events, sources, about): OverRun<'a>| {
            let mut summary = Summary::default();
            events.iter().for_each(|event| summary.add(event));
            // A run whose end is not told was stopped.
            let status = summary.tally.verdict.map_or(Status::Interrupted, Status::of);
            let file = summary.tally.header.as_ref().map(|header| header.file.clone()).unwrap_or_default();
            let gathered = Some(Box::new(Gathered::of(events, sources).about(about.to_vec())));
            CaseReport {
                file,
                status,
                is_failure: !status.is_success(),
                summary,
                sources: sources.clone(),
                refusal: String::new(),
                mistakes: Vec::new(),
                diff: String::new(),
                n_runs: 1,
                failed_run: None,
                given: Vec::new(),
                saved: Vec::new(),
                gathered,
            }
        };
        SuiteReport { cases: runs.map(case).collect(), ..SuiteReport::default() }
    }

    /// Returns how many flows came to this.
    pub fn count(&self, status: Status) -> usize {
        self.cases.iter().filter(|case| case.status == status).count()
    }
}

impl CaseReport {
    /// Returns what makes its run traceable, if that is to be told.
    pub fn about(&self, origin: Option<&Origin>) -> Option<About> {
        let header = self.summary.tally.header.as_ref()?;
        let addresses = match header.ports.as_slice() {
            [] => vec![header.port.clone()],
            ports => ports.iter().map(|port| port.address.clone()).collect(),
        };
        Some(About {
            origin: origin?.clone(),
            texts: Digest::all(&self.sources),
            addresses,
            seed: header.seed,
            variables: self.given.clone(),
        })
    }

    /// Returns whose time its run had: virtual, unless a port was real.
    pub fn clock(&self) -> Clock {
        let Some(header) = &self.summary.tally.header else { return Clock::Virtual };
        let is_virtual = |address: &str| ["sim", "replay"].iter().any(|word| address.starts_with(word));
        let all_are = match header.ports.as_slice() {
            [] => is_virtual(&header.port),
            ports => ports.iter().all(|port| is_virtual(&port.address)),
        };
        if all_are { Clock::Virtual } else { Clock::Real }
    }

    /// Returns the flow's title; the name of its file if it has none because it was never run.
    pub fn title(&self) -> &str {
        self.summary.tally.header.as_ref().map_or(&self.file, |header| &header.title)
    }

    /// Returns the steps that stand for themselves in a report, each with its title and those around it.
    ///
    /// A step around others is told of only if it failed by itself, or was tried more than once: else its failure would
    /// be counted again for every level.
    pub(super) fn steps(&self) -> Vec<(String, &StepSummary)> {
        let mut path: Vec<&str> = Vec::new();
        let mut told = Vec::new();
        for (i, step) in self.summary.steps.iter().enumerate() {
            path.truncate(step.depth as usize);
            path.push(&step.title);
            let has_inner = self.summary.steps.get(i + 1).is_some_and(|next| next.depth > step.depth);
            let has_failed_itself = step.attempts.last().is_some_and(|last| {
                let is_own = |failure: &Failure| failure.steps.len() == step.depth as usize + 1;
                last.outcome == StepOutcome::Failed && last.failure.as_deref().is_none_or(is_own)
            });
            if !has_inner || has_failed_itself || step.attempts.len() > 1 {
                told.push((path.join(" › "), step));
            }
        }
        told
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::port_id::PortId;
    use crate::report::summary;
    use crate::time::Moment;

    /// A suite with a flow that fails after a flaky step, a flaky one, a changed one, a wrong one, one that passed and
    /// one that was skipped.
    pub(crate) fn example() -> SuiteReport {
        let (sources, events) = summary::tests::example();
        let case = |file: &str, status: Status, events: &[Event]| {
            let mut summary = Summary::default();
            events.iter().for_each(|event| summary.add(event));
            let is_failure = !status.is_success();
            let (refusal, diff) = (String::new(), String::new());
            let (file, sources) = (file.to_string(), sources.clone());
            let given = vec![("apn".to_string(), "cm net".to_string())];
            let (n_runs, failed_run) = (1, None);
            let gathered = None;
            let saved = summary.saved.iter().map(|name| (name.clone(), "12\n34".to_string())).collect();
            CaseReport {
                file,
                status,
                is_failure,
                summary,
                sources,
                refusal,
                mistakes: Vec::new(),
                diff,
                n_runs,
                failed_run,
                given,
                saved,
                gathered,
            }
        };
        let mut flaky = events[..15].to_vec();
        let ended = EventKind::RunEnded { verdict: Verdict::Flaky, checks: 1 };
        flaky.push(Event { at: Moment::from_millis(6022), port: PortId::FIRST, site: None, kind: ended });
        let ends = |outcome: StepOutcome, verdict: Verdict| {
            let (title, took) = ("SIM".to_string(), Duration::from_millis(12));
            let ended = EventKind::StepEnded { title, outcome, attempt: 1, took, depth: 0 };
            let more = [(15, ended), (16, EventKind::RunEnded { verdict, checks: 1 })];
            let more =
                more.map(|(ms, kind)| Event { at: Moment::from_millis(ms), port: PortId::FIRST, site: None, kind });
            [&events[..3], &more].concat()
        };
        let mut changed = case("flows/changed.flow", Status::Changed, &flaky);
        changed.diff = "@@ -1 +1 @@\n-a ]]> <b> & \"c\"\n+b\n".to_string();
        let mut wrong = case("flows/wrong.flow", Status::Wrong, &[]);
        wrong.refusal = "flow::syntax::unexpected\n\n  × `expct` is not a statement\n".to_string();
        let cases = vec![
            case("flows/attach.flow", Status::Failed, &events),
            case("flows/sim.flow", Status::Flaky, &flaky),
            changed,
            wrong,
            case("flows/info.flow", Status::Passed, &ends(StepOutcome::Passed, Verdict::Passed)),
            case("flows/lte.flow", Status::Skipped, &ends(StepOutcome::Skipped, Verdict::Skipped)),
        ];
        SuiteReport { cases, orphans: vec!["flows/snapshots/old.snap".to_string()], ..SuiteReport::default() }
    }

    #[test]
    fn a_failure_is_told_of_at_the_innermost_step_only() {
        let report = example();
        let titles: Vec<String> = report.cases[0].steps().into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles, ["SIM", "Network › Attach"]);
    }
}
