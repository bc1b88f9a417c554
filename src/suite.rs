//! Suites: flows that are run against their counterparts, and whose transcripts are compared with snapshots beside them.
//!
//! `find` says which flows there are, `runner` runs them and `judge` compares each. What is done about a difference is the
//! caller's.

pub mod filter;
pub mod find;
pub mod last;
pub(crate) mod needs;
pub mod order;
pub mod runner;
pub mod snapshot;
pub mod volatile;

use std::path::Path;

use similar::{DiffTag, TextDiff};

use crate::diagnostic::render::{Look, render};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Event;
use crate::report::sides::Row;
use crate::report::suite::{CaseReport, Status};
use crate::report::summary::Summary;
use crate::report::transcript::Times;
use crate::setup::Setup;
use crate::source::{Sources, name_of};
use crate::testing::{Outcome, Refused};
use snapshot::Snapshot;
use volatile::Volatile;

/// How a flow of a suite is judged.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether the transcript has times in it.
    pub times: Times,
    /// What is named away in every transcript.
    pub volatile: Volatile,
    /// What becomes of a transcript that is not that of the snapshot.
    pub mode: Mode,
    /// How many runs there are, each with the next seed; the first is compared. `None` runs until one fails.
    pub n_runs: Option<u32>,
    /// The seed of the first run.
    pub seed: u64,
    /// How a refusal is rendered.
    pub look: Look,
    /// What becomes of a flow that needed more than one attempt.
    pub flaky: Flaky,
    /// Whether the recording of a run that passed is wanted too: its transcript may have changed.
    pub keeps_recordings: bool,
}

/// What becomes of a flow that passed, but needed more than one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaky {
    /// The suite passes.
    #[default]
    Passes,
    /// The suite fails for it.
    Fails,
}

/// What becomes of a transcript that is not that of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is put aside as `.snap.new`.
    PutAside,
    /// It becomes the snapshot.
    Accept,
    /// Nothing is written, and a new one is a failure too.
    Check,
}

/// One flow, judged.
#[derive(Debug)]
pub struct Judged {
    /// What is reported.
    pub report: CaseReport,
    /// What happened in the run that is reported.
    pub events: Vec<Event>,
    /// The recording of that run if it failed or was asked for, and whether the run has secrets; they are named in it.
    pub recording: Option<(Vec<u8>, bool)>,
    /// What that run saved, as it is: secrets too.
    pub results: Vec<(String, Vec<u8>)>,
    /// The transcript to be looked at, if it is not that of the snapshot, and where it belongs.
    pub pending: Option<(Snapshot, String)>,
    /// The snapshot as it may be shown, with secrets named; empty if there is none.
    pub before: String,
    /// What could not be read or written, in words for the user.
    pub trouble: Option<String>,
}

/// Runs a flow as often as the rules say and compares the transcript of its first run.
///
/// `setup` is the flow, read and checked, `None` if it has no counterpart; `run` makes the run with a seed.
pub(crate) fn judge(
    flow: &Path,
    rules: &Rules,
    setup: Result<Option<Setup>, Refused>,
    run: &dyn Fn(&Setup, u64) -> Result<Outcome, Refused>,
) -> Judged {
    let setup = match setup {
        Err(refused) => return Judged::refused(flow, &refused, rules.look),
        Ok(None) => return Judged::without_run(flow, Status::Alone, String::new(), Sources::default()),
        Ok(Some(setup)) => setup,
    };
    let mut first: Option<Outcome> = None;
    let mut n_runs = 0;
    loop {
        let outcome = match run(&setup, rules.seed.wrapping_add(u64::from(n_runs))) {
            Ok(outcome) => outcome,
            Err(refused) => return Judged::refused(flow, &refused, rules.look),
        };
        n_runs += 1;
        if !outcome.verdict().is_success() {
            return Judged::of(flow, rules, &outcome, n_runs, Some(n_runs)).given(&setup);
        }
        let first = first.get_or_insert(outcome);
        if rules.n_runs.is_some_and(|n| n_runs >= n) {
            return Judged::of(flow, rules, first, n_runs, None).given(&setup);
        }
    }
}

/// Returns how a text differs from another, as a unified diff; empty if it does not.
pub(crate) fn unified_diff(before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).header("snapshot", "this run").to_string()
}

/// Returns two texts beside each other, where they differ.
pub(crate) fn rows_beside(before: &str, after: &str) -> Vec<Row> {
    let diff = TextDiff::from_lines(before, after);
    let (old, new) = (diff.old_slices(), diff.new_slices());
    let line = |text: &&str| text.trim_end_matches('\n').to_string();
    let mut rows = Vec::new();
    let mut n_seen = 0;
    for op in diff.grouped_ops(3).iter().flatten() {
        let (left, right) = (op.old_range(), op.new_range());
        if left.start > n_seen {
            rows.push(Row::Gap(left.start - n_seen));
        }
        n_seen = left.end;
        let (left, right) = (&old[left], &new[right]);
        match op.tag() {
            DiffTag::Equal => rows.extend(left.iter().map(|text| Row::Same(line(text)))),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                let n = left.len().max(right.len());
                rows.extend((0..n).map(|at| Row::Differs(left.get(at).map(line), right.get(at).map(line))));
            }
        }
    }
    if n_seen < old.len() && n_seen > 0 {
        rows.push(Row::Gap(old.len() - n_seen));
    }
    rows
}

impl Judged {
    fn without_run(flow: &Path, status: Status, refusal: String, sources: Sources) -> Judged {
        let report = CaseReport {
            file: name_of(flow),
            status,
            is_failure: !status.is_success(),
            summary: Summary::default(),
            sources,
            refusal,
            mistakes: Vec::new(),
            diff: String::new(),
            n_runs: 0,
            failed_run: None,
            gathered: None,
            given: Vec::new(),
            saved: Vec::new(),
        };
        Judged {
            report,
            events: Vec::new(),
            recording: None,
            results: Vec::new(),
            pending: None,
            before: String::new(),
            trouble: None,
        }
    }

    /// Takes note of what was given to the variables of the flow.
    fn given(mut self, setup: &Setup) -> Judged {
        self.report.given = setup.given();
        self
    }

    fn refused(flow: &Path, refused: &Refused, look: Look) -> Judged {
        let text = render(&refused.problems, &refused.sources, look);
        let mut judged = Judged::without_run(flow, Status::Wrong, text, refused.sources.clone());
        judged.report.mistakes.clone_from(&refused.problems);
        judged
    }

    fn of(flow: &Path, rules: &Rules, outcome: &Outcome, n_runs: u32, failed_run: Option<u32>) -> Judged {
        let mut judged = Judged::without_run(flow, Status::Passed, String::new(), outcome.sources().clone());
        for event in outcome.events() {
            judged.report.summary.add(event);
        }
        judged.events = outcome.events().to_vec();
        judged.report.saved = outcome.saved_named();
        judged.recording = outcome.recording().cloned();
        judged.results = outcome.saved().to_vec();
        (judged.report.n_runs, judged.report.failed_run) = (n_runs, failed_run);
        let mut rules_here = rules.volatile.clone();
        for (name, sought) in outcome.volatiles() {
            if let Err(why) = rules_here.add_sought(&name, &sought) {
                let problem = Diagnostic::general(Code::CommandLine, format!("`{name}` cannot be used: {why}"));
                return Judged::refused(flow, &Refused::new(vec![problem], outcome.sources().clone()), rules.look);
            }
        }
        let transcript = rules_here.apply(&outcome.transcript_with(rules.times));
        judged.compare(flow, rules, outcome, &transcript);
        judged
    }

    fn compare(&mut self, flow: &Path, rules: &Rules, outcome: &Outcome, transcript: &str) {
        let verdict = outcome.verdict();
        let snapshot = Snapshot::of(flow, rules.times);
        let known = match snapshot.read() {
            Ok(known) => known,
            Err(error) => {
                self.trouble = Some(format!("`{}` cannot be read: {error}", name_of(snapshot.path())));
                None
            }
        };
        self.before = known.as_ref().map_or(String::new(), |known| outcome.named(known));
        self.report.diff = known.as_ref().map_or(String::new(), |known| difference(known, transcript, outcome));
        let good = Status::of(verdict);
        let is_same = known.as_deref() == Some(transcript);
        let is_accepted = rules.mode == Mode::Accept && self.trouble.is_none();
        self.report.status = match known {
            _ if !verdict.is_success() => good,
            _ if is_same || is_accepted => good,
            Some(_) => Status::Changed,
            None => Status::New,
        };
        let is_to_be_seen = self.report.status == Status::New && rules.mode != Mode::Check && self.trouble.is_none();
        let is_too_flaky = self.report.status == Status::Flaky && rules.flaky == Flaky::Fails;
        self.report.is_failure = !self.report.status.is_success() && !is_to_be_seen || is_too_flaky;
        // What cannot be read is not written over.
        if !verdict.is_success() || self.trouble.is_some() {
            return;
        }
        let written = match rules.mode {
            Mode::Check => Ok(()),
            Mode::Accept | Mode::PutAside if is_same => snapshot.settle(),
            Mode::Accept => snapshot.accept(transcript),
            Mode::PutAside => snapshot.put_aside(transcript),
        };
        if is_accepted {
            self.report.diff.clear();
        }
        if let Err(error) = written {
            self.trouble = Some(format!("`{}` cannot be written: {error}", name_of(snapshot.path())));
        }
        if !is_same && !is_accepted {
            self.pending = Some((snapshot, transcript.to_string()));
        }
    }
}

/// Returns how a transcript differs from a snapshot, with the secrets of the run named in both: a snapshot from a time when a
/// value was no secret may have it plain.
fn difference(snapshot: &str, transcript: &str, outcome: &Outcome) -> String {
    let diff = unified_diff(&outcome.named(snapshot), transcript);
    if diff.is_empty() && snapshot != transcript {
        return "@@ the snapshot has a secret in plain text where this run has its name @@\n".to_string();
    }
    diff
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use insta::assert_snapshot;

    use super::*;
    use crate::address::Address;
    use crate::diagnostic::render::Style;
    use crate::program::Role;
    use crate::setup::{Ender, Terms, find_counterpart, read_program};
    use crate::testing::{Around, Run, outcome};

    const DEVICE: &str =
        "device \"d\"\non line \"AT\" { reply \"OK\" }\non line \"ATI\" { reply \"${random_digits(15)}\" }\n";

    fn rules(mode: Mode) -> Rules {
        let look = Look { width: 80, style: Style::Plain };
        Rules {
            times: Times::Shown,
            volatile: Volatile::default(),
            mode,
            n_runs: Some(1),
            seed: 1,
            look,
            flaky: Flaky::Passes,
            keeps_recordings: false,
        }
    }

    fn flow(folder: &Path, body: &str) -> PathBuf {
        fs::write(folder.join("device.flow"), DEVICE).expect("it can be written");
        let path = folder.join("case.flow");
        fs::write(&path, format!("flow \"case\"\nsim \"device.flow\"\n{body}")).expect("it can be written");
        path
    }

    fn judged(flow: &Path, rules: &Rules) -> Judged {
        let refused = |error| Refused::of(flow, error);
        let setup = read_program(Role::Flow, flow).and_then(|read| {
            let found = find_counterpart(&[Address::OwnDevice], flow, &read.program)?;
            Setup::join(read.program, flow, found.counterpart, Terms::default())
        });
        let run = |setup: &Setup, seed| outcome(setup, seed, &Ender::Nobody, Around::default()).map_err(refused);
        judge(flow, rules, setup.map(Some).map_err(refused), &run)
    }

    const BODY: &str = "send \"AT\"\nexpect line \"OK\"\n";

    #[test]
    fn a_new_transcript_is_put_aside_then_accepted_and_then_the_same() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = flow(folder.path(), BODY);
        let snapshot = Snapshot::of(&path, Times::Shown);
        let case = judged(&path, &rules(Mode::Check));
        assert_eq!((case.report.status, case.report.is_failure), (Status::New, true), "{}", case.report.refusal);
        assert!(!snapshot.pending_path().exists());
        let case = judged(&path, &rules(Mode::PutAside));
        assert_eq!((case.report.status, case.report.is_failure), (Status::New, false));
        assert!(snapshot.pending_path().exists() && !snapshot.path().exists());
        assert_eq!(judged(&path, &rules(Mode::Accept)).report.status, Status::Passed);
        assert!(!snapshot.pending_path().exists() && snapshot.path().exists());
        let case = judged(&path, &rules(Mode::Check));
        assert_eq!((case.report.status, case.report.is_failure, case.trouble), (Status::Passed, false, None));
    }

    #[test]
    fn what_differs_between_texts_stands_in_rows() {
        let lines = |changed: &str| -> String {
            let line = |n: usize| if n == 6 { format!("{changed}\n") } else { format!("{n}\n") };
            (1..=12).map(line).collect()
        };
        let same = |n: usize| Row::Same(n.to_string());
        let differs =
            |left: Option<&str>, right: Option<&str>| Row::Differs(left.map(String::from), right.map(String::from));
        let expected = [
            Row::Gap(2),
            same(3),
            same(4),
            same(5),
            differs(Some("a"), Some("b")),
            differs(None, Some("c")),
            same(7),
            same(8),
            same(9),
            Row::Gap(3),
        ];
        assert_eq!(rows_beside(&lines("a"), &lines("b\nc")), expected);
        assert_eq!(rows_beside("", "a\n"), [differs(None, Some("a"))]);
        assert_eq!(rows_beside("a\n", "a\n"), []);
    }

    #[test]
    fn a_changed_transcript_fails_and_shows_what_differs() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = flow(folder.path(), BODY);
        let _ = judged(&path, &rules(Mode::Accept));
        flow(folder.path(), &format!("{BODY}log \"more\"\n"));
        let case = judged(&path, &rules(Mode::PutAside));
        assert_eq!((case.report.status, case.report.is_failure), (Status::Changed, true));
        assert_snapshot!(case.report.diff);
    }

    #[test]
    fn a_snapshot_with_a_secret_in_it_is_compared_with_the_secret_named() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let body = |kind: &str| format!("{kind} key = \"Tr0ub4dor\\t9Kx7\"\nlog key\n{BODY}");
        let path = flow(folder.path(), &body("param"));
        let _ = judged(&path, &rules(Mode::Accept));
        flow(folder.path(), &body("secret"));
        let case = judged(&path, &rules(Mode::PutAside));
        assert_eq!(case.report.status, Status::Changed);
        assert!(case.report.diff.contains("in plain text"), "{}", case.report.diff);
        flow(folder.path(), &format!("{}log \"more\"\n", body("secret")));
        let case = judged(&path, &rules(Mode::Check));
        assert!(case.report.diff.contains("+ ") && !case.report.diff.contains("Tr0ub"), "{}", case.report.diff);
    }

    #[test]
    fn a_failed_flow_is_compared_and_accepts_nothing() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = flow(folder.path(), "send \"AT\"\nexpect line \"NO\" within 1s\n");
        let case = judged(&path, &rules(Mode::Accept));
        assert_eq!(case.report.status, Status::Failed);
        assert!(!folder.path().join("snapshots").exists());
    }

    #[test]
    fn further_runs_have_further_seeds_and_only_the_first_is_compared() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = flow(folder.path(), "send \"ATI\"\nexpect line /^[0-8]+$/ within 1s\n");
        let five = Rules { n_runs: None, ..rules(Mode::PutAside) };
        let case = judged(&path, &five);
        assert_eq!(case.report.status, Status::Failed);
        assert_eq!(case.report.failed_run, Some(case.report.n_runs));
        let header = case.report.summary.tally.header.expect("it was run");
        assert_eq!(header.seed, u64::from(case.report.n_runs));
    }

    #[test]
    fn what_changes_is_named_away_by_the_flow_itself() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = flow(folder.path(), "volatile number matches /[0-9]{15}/\nsend \"ATI\"\nexpect line /^[0-9]+$/\n");
        let _ = judged(&path, &rules(Mode::Accept));
        let other_seed = Rules { seed: 99, ..rules(Mode::Check) };
        let case = judged(&path, &other_seed);
        assert_eq!(case.report.status, Status::Passed, "{}", case.report.diff);
        let snapshot = Snapshot::of(&path, Times::Shown).read().expect("it can be read").expect("it is there");
        assert!(snapshot.contains("[number]"), "{snapshot}");
        flow(folder.path(), "volatile number [0-9]\nsend \"AT\"\nexpect line \"OK\"\n");
        assert_eq!(judged(&path, &rules(Mode::Check)).report.status, Status::Wrong);
    }

    #[test]
    fn the_transcript_does_not_depend_on_where_the_folder_is() {
        let (a, b) = (tempfile::tempdir(), tempfile::tempdir());
        let transcript = |folder: &tempfile::TempDir| {
            let path = flow(folder.path(), "send \"AT\"\nexpect line \"NO\" within 1s\n");
            Run::new(path).go().expect("it can be run").transcript().to_string()
        };
        let (a, b) = (a.expect("a folder can be made"), b.expect("a folder can be made"));
        assert_eq!(transcript(&a), transcript(&b));
        assert!(transcript(&a).contains("at   case.flow:4:1: "), "{}", transcript(&a));
    }
}
