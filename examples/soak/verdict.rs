//! What is made of the measured: a table, and whether everything is as it should be.

use std::fmt;
use std::time::Duration;

use flowrun::time::Moment;

use super::child::Sample;
use super::device::{Timeout, Witnessed};

/// How much memory may grow between the first minute and the end.
const GROWTH: u64 = 2 * 1024 * 1024;
/// How far ticks and time-outs may be off at the end compared with the beginning: more would be a drift.
const DRIFT: i64 = 5_000;
/// A shorter run has too few of them to tell a drift from a busy moment of the machine.
const LONG_ENOUGH: Duration = Duration::from_secs(60);
/// How much a process may compute that waits.
const IDLE: Duration = Duration::from_millis(20);

/// A chatty run.
pub(crate) struct Chatty {
    pub code: Option<i32>,
    pub n_ports: usize,
    pub samples: Vec<Sample>,
    pub witnessed: Witnessed,
    /// When the last port had filled what flowrun keeps.
    pub filled_at: Duration,
}

/// A run in which nothing came.
pub(crate) struct Idle {
    pub code: Option<i32>,
    pub n_ports: usize,
    pub samples: Vec<Sample>,
}

/// A table, and what is wrong.
pub(crate) struct Judged {
    rows: Vec<(String, String)>,
    wrong: Vec<String>,
}

impl Judged {
    /// Judges a chatty run.
    pub(crate) fn chatty(run: Chatty) -> Judged {
        let mut judged = Judged::of(run.code);
        let Chatty { n_ports, samples, mut witnessed, filled_at, .. } = run;
        judged.row("ports", n_ports.to_string());
        let took = judged.used(&samples);
        let seen = &witnessed;
        judged.row("exchanges", format!("{} ({:.0}/s)", seen.n_answered, seen.n_answered as f64 / took.as_secs_f64()));
        judged.row("lines unasked", format!("{} ({} found no room)", seen.n_said, seen.n_unsaid));
        judged.memory(&samples, took, filled_at);
        let timeouts = judged.timeouts(&mut witnessed.timeouts);
        let ticks = judged.ticks(&mut witnessed.ticks);
        judged.row("this program itself", spread(&witnessed.own));
        let most = timeouts.abs().max(ticks.abs());
        judged.demand(took < LONG_ENOUGH || most <= DRIFT, || format!("no deadline drifts by more than {}", ms(DRIFT)));
        judged
    }

    /// Judges a run in which nothing came.
    pub(crate) fn idle(run: Idle) -> Judged {
        let mut judged = Judged::of(run.code);
        judged.row("ports", run.n_ports.to_string());
        judged.used(&run.samples);
        let (first, last) =
            (run.samples.first().copied().unwrap_or_default(), run.samples.last().copied().unwrap_or_default());
        judged.row("computed, all in all", millis(last.cpu));
        judged.row("computed while waiting", millis(last.cpu.saturating_sub(first.cpu)));
        judged.row("woken", format!("{} times, {} of them while waiting", last.n_woken, last.n_woken - first.n_woken));
        judged.demand(last.cpu < IDLE, || format!("who waits computes for less than {}", millis(IDLE)));
        judged
    }

    /// Returns whether nothing is wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }

    fn of(code: Option<i32>) -> Judged {
        let mut judged = Judged { rows: Vec::new(), wrong: Vec::new() };
        judged.row("exit code", code.map_or("none".to_string(), |code| code.to_string()));
        judged.demand(code == Some(0), || "flowrun passes".to_string());
        judged
    }

    fn row(&mut self, name: &str, value: String) {
        self.rows.push((name.to_string(), value));
    }

    /// Notes what should be if it is not.
    fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(what());
        }
    }

    /// Shows time and share of the processor; returns the time.
    fn used(&mut self, samples: &[Sample]) -> Duration {
        let Some(last) = samples.last() else { return Duration::ZERO };
        let share = 100.0 * last.cpu.as_secs_f64() / last.at.as_secs_f64();
        self.row("time", format!("{:.1} s", last.at.as_secs_f64()));
        self.row("processor", format!("{:.2} s, {share:.2} % of one", last.cpu.as_secs_f64()));
        last.at
    }

    fn memory(&mut self, samples: &[Sample], took: Duration, filled_at: Duration) {
        let minute = Duration::from_secs(60);
        // A shorter run is measured from its first third on.
        let from = minute.min(took / 3).max(filled_at);
        let while_running: Vec<Sample> = samples.iter().filter(|sample| sample.resident > 0).copied().collect();
        let (Some(first), Some(last)) = (Sample::at(&while_running, from), while_running.last()) else {
            return self.demand(false, || "memory is measured while it runs".to_string());
        };
        for minutes in [1, 5, 10] {
            if let Some(sample) = Sample::at(&while_running, minute * minutes) {
                self.row(&format!("resident, minute {minutes}"), mebi(sample.resident));
            }
        }
        let most = while_running.iter().filter(|s| s.at >= first.at).map(|s| s.resident).max().unwrap_or(0);
        let growth = last.resident.saturating_sub(first.resident);
        self.row("resident, at the end", mebi(last.resident));
        self.row(
            &format!("growth from {:.0} s on", first.at.as_secs_f64()),
            format!("{} (at most {})", mebi(growth), mebi(most - first.resident)),
        );
        self.row("filled after", format!("{:.1} s", filled_at.as_secs_f64()));
        self.demand(growth <= GROWTH, || format!("memory grows by {} at most", mebi(GROWTH)));
    }

    /// Shows the time-outs; returns by how much they are later at the end than at the beginning, in microseconds.
    fn timeouts(&mut self, timeouts: &mut [Timeout]) -> i64 {
        timeouts.sort_by_key(|timeout| timeout.at);
        let late = |timeouts: &[Timeout]| timeouts.iter().map(|timeout| timeout.late).collect::<Vec<_>>();
        let all = late(timeouts);
        self.row("time-outs", all.len().to_string());
        self.row("late by", spread(&all));
        let drift = self.drift(
            "late by, first and last tenth",
            &late(tenth(timeouts, End::First)),
            &late(tenth(timeouts, End::Last)),
        );
        let earliest = timeouts.iter().map(|timeout| timeout.late_at_most).min();
        self.row("earliest", earliest.map_or("none".to_string(), |us| format!("{} behind its moment", ms(us))));
        self.demand(earliest.is_some_and(|us| us >= 0), || "no time-out is early".to_string());
        drift
    }

    /// Shows the ticks; returns the same of them.
    fn ticks(&mut self, ticks: &mut [(Moment, i64)]) -> i64 {
        ticks.sort_by_key(|(at, _)| *at);
        let off = |ticks: &[(Moment, i64)]| ticks.iter().map(|(_, off)| *off).collect::<Vec<_>>();
        let all = off(ticks);
        self.row("ticks", all.len().to_string());
        self.row("off by", spread(&all));
        let drift =
            self.drift("off by, first and last tenth", &off(tenth(ticks, End::First)), &off(tenth(ticks, End::Last)));
        self.demand(!all.is_empty(), || "there are ticks".to_string());
        drift
    }

    fn drift(&mut self, name: &str, first: &[i64], last: &[i64]) -> i64 {
        let (first, last) = (part(first, 0.5), part(last, 0.5));
        self.row(name, format!("{} and {}", ms(first), ms(last)));
        last - first
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.rows {
            writeln!(f, "{name:width$}  {value}")?;
        }
        for what in &self.wrong {
            writeln!(f, "NOT SO: {what}")?;
        }
        Ok(())
    }
}

/// Which end of a run.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Returns a tenth of some items.
fn tenth<T>(items: &[T], end: End) -> &[T] {
    let n = items.len().div_ceil(10);
    match end {
        End::First => &items[..n],
        End::Last => &items[items.len() - n..],
    }
}

/// Returns the value below which that part of the values lies; 0 of none.
fn part(values: &[i64], part: f64) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0)
}

fn spread(values: &[i64]) -> String {
    format!(
        "p50 {}, p99 {}, p99.9 {}, at most {}",
        ms(part(values, 0.5)),
        ms(part(values, 0.99)),
        ms(part(values, 0.999)),
        ms(part(values, 1.0))
    )
}

fn ms(us: i64) -> String {
    format!("{:.3} ms", us as f64 / 1000.0)
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}

fn mebi(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1024 * 1024))
}
