//! `Story`: what the records of one flow say that ran against the same other ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::trend::{Drift, Point, Series};
use super::{Counterpart, Record, Timed};
use crate::event::Verdict;

/// So many of the newest runs say whether a flow is flaky.
pub(super) const RECENT: usize = 20;

/// What is asked of the records.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// How long before the newest run of all a drift may have begun.
    pub since: Duration,
    /// How many times as long a device takes that drifts.
    pub factor: f64,
}

/// The runs of one flow at the same addresses, the oldest first; there is one at least.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    pub runs: Vec<&'a Record>,
    /// How long the device took, in the order of the newest run; none of simulated devices, whose time is made.
    pub series: Vec<Series<'a>>,
}

/// What came of the newest runs that ended by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    pub n: usize,
    /// Passed at once.
    pub n_passed: usize,
    pub n_failed: usize,
    /// Passed at a further attempt.
    pub n_flaky: usize,
    /// Whether some passed and some did not, to and fro: a flow that fails since a certain run is no flaky one, nor one that
    /// was mended.
    pub is_unsteady: bool,
}

/// Returns what the records say, in the order of the files.
pub(crate) fn stories<'a>(records: &'a [Record], question: &Question) -> Vec<Story<'a>> {
    let mut groups: BTreeMap<(&str, Counterpart, &[String]), Vec<&Record>> = BTreeMap::new();
    for record in records {
        // Only a real port is a device of its own.
        let ports = if record.on == Counterpart::Real { record.ports.as_slice() } else { &[] };
        groups.entry((&record.file, record.on, ports)).or_default().push(record);
    }
    let newest = records.iter().map(|record| record.began).max().unwrap_or_default();
    let since = i64::try_from(question.since.as_millis()).unwrap_or(i64::MAX);
    let earliest = newest.saturating_sub(since);
    groups.into_values().map(|runs| Story::new(runs, earliest, question.factor)).collect()
}

impl<'a> Story<'a> {
    fn new(runs: Vec<&'a Record>, earliest: i64, factor: f64) -> Story<'a> {
        let is_real = runs.iter().all(|run| run.on == Counterpart::Real);
        let series = if is_real { series(&runs, earliest, factor) } else { Vec::new() };
        Story { runs, series }
    }

    /// Returns the newest run.
    pub(crate) fn last(&self) -> &'a Record {
        self.runs.last().expect("a story is made of at least one run")
    }

    /// Returns what came of the newest runs. Those that were interrupted say nothing, nor those that did not apply.
    pub(crate) fn recent(&self) -> Recent {
        let (mut recent, mut marks) = (Recent::default(), Vec::new());
        for run in self.runs.iter().rev().filter(|run| is_telling(run.verdict)).take(RECENT) {
            recent.n += 1;
            match run.verdict {
                Verdict::Passed => recent.n_passed += 1,
                Verdict::Flaky => recent.n_flaky += 1,
                Verdict::Failed | Verdict::PortFailed => recent.n_failed += 1,
                Verdict::Skipped | Verdict::Interrupted => {}
            }
            marks.push(run.verdict.is_success());
        }
        let n_turns = marks.windows(2).filter(|two| two[0] != two[1]).count();
        recent.is_unsteady = recent.n_flaky > 0 || n_turns >= 2;
        recent
    }

    /// Returns how many runs have failed one after the other up to now, and the first of them, if an earlier one passed.
    pub(crate) fn failing(&self) -> Option<(usize, &'a Record)> {
        let telling: Vec<&Record> = self.runs.iter().copied().filter(|run| is_telling(run.verdict)).collect();
        let n = telling.iter().rev().take_while(|run| !run.verdict.is_success()).count();
        let first = telling.len().checked_sub(n).filter(|first| *first > 0)?;
        telling.get(first).map(|run| (n, *run))
    }

    /// Returns what became slower, the worst first.
    pub(crate) fn drifts(&self) -> Vec<(&Series<'a>, Drift<'a>)> {
        let mut drifts: Vec<_> =
            self.series.iter().filter_map(|series| series.drift.map(|drift| (series, drift))).collect();
        drifts.sort_by(|one, other| other.1.factor.total_cmp(&one.1.factor));
        drifts
    }
}

fn is_telling(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Passed | Verdict::Flaky | Verdict::Failed | Verdict::PortFailed => true,
        Verdict::Skipped | Verdict::Interrupted => false,
    }
}

/// What tells a wait from others in every run: its steps and its pattern, and its place where these are there twice.
type Key<'a> = (&'a str, Option<&'a str>, &'a str);

/// Returns the series of runs on real ports. A place moves when lines are added above it; so it counts only where it must.
fn series<'a>(runs: &[&'a Record], earliest: i64, factor: f64) -> Vec<Series<'a>> {
    let plain = |timed: &'a Timed| (timed.step.as_str(), timed.wait.as_deref());
    let mut twice = BTreeSet::new();
    for run in runs {
        let mut seen = BTreeSet::new();
        twice.extend(run.times.iter().map(plain).filter(|key| !seen.insert(*key)));
    }
    let key = |timed: &'a Timed| -> Key<'a> {
        let (step, wait) = plain(timed);
        (step, wait, if twice.contains(&(step, wait)) { &timed.place } else { "" })
    };
    let mut order: Vec<Key<'_>> = Vec::new();
    let mut found: HashMap<Key<'_>, (&Timed, Vec<Point<'_>>)> = HashMap::new();
    for run in runs.iter().rev() {
        for timed in &run.times {
            let (_, points) = found.entry(key(timed)).or_insert_with(|| {
                order.push(key(timed));
                (timed, Vec::new())
            });
            points.push(Point { run, us: timed.us });
        }
    }
    let in_order = order.iter().filter_map(|key| found.remove(key));
    in_order
        .map(|(newest, mut points)| {
            points.reverse();
            Series::new(newest, points, earliest, factor)
        })
        .collect()
}
