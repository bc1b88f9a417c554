//! What the records say, as text for people.

use std::time::Duration;

use super::json::date;
use super::story::{Question, Story, stories};
use super::trend::{Drift, Series};
use super::{Counterpart, Record, word_of};
use crate::event::Verdict;
use crate::report::spark::{PastTimes, median, sparkline};
use crate::value::escape::harmless;

/// So many blocks show how a time went.
const BLOCKS: usize = 20;
/// So many times of a flow are shown besides those that became slower.
const MOST_SHOWN: usize = 10;
/// So many times of a flow are shown in the page of a run.
const MOST_IN_PAGE: usize = 12;
/// What counts as slower there, as with `flowrun history` if nobody says otherwise.
const SLOWER: Question = Question { since: Duration::from_secs(7 * 86_400), factor: 3.0 };

/// Returns what the records say of each flow.
pub(crate) fn render_text(stories: &[Story<'_>]) -> String {
    let mut text = String::new();
    let mut file = None;
    for story in stories {
        let last = story.last();
        if file != Some(&last.file) {
            let gap = if file.is_some() { "\n" } else { "" };
            text += &format!("{gap}{}  {}\n", harmless(&last.file), harmless(&last.title));
            file = Some(&last.file);
        }
        text += &verdicts(story);
        text += &times(story);
    }
    text
}

/// Returns a line for each place that became slower, for the end of a command that fails for it.
pub(crate) fn render_drifts(stories: &[Story<'_>]) -> String {
    let all = stories.iter().flat_map(|story| story.drifts().into_iter().map(move |drift| (story, drift)));
    all.map(|(story, (series, drift))| {
        format!("{}: {} {}\n", harmless(&story.last().file), what(series), slower(&drift))
    })
    .collect()
}

fn verdicts(story: &Story<'_>) -> String {
    let last = story.last();
    let on = match last.on {
        Counterpart::Real => last.ports.join(", "),
        Counterpart::Simulated | Counterpart::Replayed => last.on.word().to_string(),
    };
    let marks: String = story.runs[story.runs.len().saturating_sub(BLOCKS)..].iter().map(|run| mark(run)).collect();
    let recent = story.recent();
    let mut parts = vec![format!("{} passed", recent.n_passed)];
    let others = [(recent.n_failed, "failed"), (recent.n_flaky, "passed at a further attempt")];
    parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
    let runs = match story.runs.len() {
        1 => "1 run".to_string(),
        n => format!("{n} runs"),
    };
    let mut text = format!(
        "  {}: {runs}, the last {} {}\n    {marks}  {} of the last {}\n",
        harmless(&on),
        date(last),
        word_of(last.verdict),
        parts.join(", "),
        recent.n
    );
    if let Some((n, first)) = story.failing() {
        let why = first.reason.as_deref().map_or(String::new(), |why| format!(": {}", harmless(why)));
        let times = if n == 1 { "the last run".to_string() } else { format!("{n} runs, since {}", date(first)) };
        text += &format!("    failing: {times}{why}\n");
    }
    if recent.is_unsteady {
        text += &format!("    flaky: {} of the last {}\n", recent.n_failed + recent.n_flaky, recent.n);
    }
    text
}

fn times(story: &Story<'_>) -> String {
    let drifts = story.drifts();
    let mut text = String::new();
    for (series, drift) in &drifts {
        text += &format!("    {}  {}\n      {}\n", blocks(series), what(series), slower(drift));
        let Drift { since, .. } = drift;
        let reason = since.reason.as_deref().map_or(String::new(), |why| format!(", {}", harmless(why)));
        text += &format!(
            "      that run {}{reason}; flowrun {}, flow {}\n",
            word_of(since.verdict),
            harmless(&since.version),
            harmless(since.sha256.get(..12).unwrap_or(&since.sha256)),
        );
    }
    let mut others: Vec<&Series<'_>> = story.series.iter().filter(|series| series.drift.is_none()).collect();
    let n_others = others.len();
    if n_others > MOST_SHOWN {
        // The longest times, in the order of the flow.
        let mut longest: Vec<u64> = others.iter().map(|series| series.recent_us()).collect();
        longest.sort_unstable_by(|one, other| other.cmp(one));
        let least = longest[MOST_SHOWN - 1];
        others.retain(|series| series.recent_us() >= least);
        others.truncate(MOST_SHOWN);
    }
    for series in &others {
        text += &format!("    {}  {}  {}\n", blocks(series), what(series), shown(series.recent_us()));
    }
    if n_others > others.len() {
        text += &format!("    and {} shorter ones: `--format json` has them\n", n_others - others.len());
    }
    text
}

fn blocks(series: &Series<'_>) -> String {
    let times: Vec<f64> = series.points.iter().map(|point| point.us as f64).collect();
    format!("{:<BLOCKS$}", sparkline(&times, BLOCKS))
}

/// Returns how long the device took at each place of a flow at these ports, as the page of a run shows it: the slowest, in the
/// order of the flow. Nothing of simulated devices, whose time is made.
pub(crate) fn past_times(records: &[Record], file: &str, ports: &[String]) -> Vec<PastTimes> {
    let stories = stories(records, &SLOWER);
    let story = stories.iter().find(|story| {
        let last = story.last();
        last.file == file && last.on == Counterpart::Real && last.ports == ports
    });
    let mut series: Vec<&Series<'_>> = story.into_iter().flat_map(|story| &story.series).collect();
    let mut longest: Vec<u64> = series.iter().map(|series| series.recent_us()).collect();
    longest.sort_unstable_by(|one, other| other.cmp(one));
    if let Some(least) = longest.get(MOST_IN_PAGE - 1).copied() {
        series.retain(|series| series.recent_us() >= least);
        series.truncate(MOST_IN_PAGE);
    }
    let past = series.into_iter().map(|series| {
        let times: Vec<f64> = series.points.iter().map(|point| point.us as f64).collect();
        PastTimes {
            what: what(series),
            median: shown(median(&times).unwrap_or_default() as u64),
            last: shown(times.last().copied().unwrap_or_default() as u64),
            drift: series.drift.as_ref().map(slower),
            times,
        }
    });
    past.collect()
}

/// Returns which step or wait it is.
fn what(series: &Series<'_>) -> String {
    let timed = series.newest;
    let (place, step) = (harmless(&timed.place), harmless(&timed.step));
    match &timed.wait {
        None => format!("step {step} ({place})"),
        Some(wait) if step.is_empty() => format!("{} ({place})", harmless(wait)),
        Some(wait) => format!("{} in step {step} ({place})", harmless(wait)),
    }
}

fn slower(drift: &Drift<'_>) -> String {
    let (before, now) = (shown(drift.before_us), shown(drift.now_us));
    format!("{:.1} times slower since the run of {}: {before} before, {now} now", drift.factor, date(drift.since))
}

fn mark(run: &Record) -> char {
    match run.verdict {
        Verdict::Passed => '.',
        Verdict::Flaky => '~',
        Verdict::Skipped => '-',
        Verdict::Failed => 'F',
        Verdict::PortFailed => 'P',
        Verdict::Interrupted => '!',
    }
}

/// Returns a time with as many digits as one can make use of.
fn shown(us: u64) -> String {
    let span = Duration::from_micros(us);
    match us {
        0..10_000 => format!("{:.1} ms", span.as_secs_f64() * 1000.0),
        10_000..1_000_000 => format!("{} ms", span.as_millis()),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}
