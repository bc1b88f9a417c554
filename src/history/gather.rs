//! `Keeping`: the record of a run, made of its events and written when it is over.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::file::append;
use super::{Counterpart, Measured, Record, Timed};
use crate::diagnostic::render::render_place;
use crate::event::{Event, EventKind, StepOutcome};
use crate::origin::{About, Origin};
use crate::report::spark::median;
use crate::report::summary::Tally;
use crate::report::{Sink, Wants};
use crate::source::{Site, Sources};

/// So many waits and steps of a run are kept: what has a value in its pattern may be another wait each time.
const MOST_TIMES: usize = 400;
/// So many times of each are kept; of more, every second, then every fourth …
const MOST_SAMPLES: usize = 128;
/// So many measurements are kept.
const MOST_MEASURED: usize = 100;
/// So many characters of a text are kept.
const LONGEST: usize = 200;

/// What is known of a run besides its events.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The folder of the history.
    pub folder: PathBuf,
    /// What the flow is called there.
    pub file: String,
    pub on: Counterpart,
}

/// Makes the record of a run, and writes it at its end.
#[derive(Debug)]
pub(crate) struct Keeping<'a> {
    run: Run,
    about: About,
    sources: &'a Sources,
    tally: Tally,
    steps: Vec<Open>,
    times: Vec<Times>,
    places: HashMap<Key, usize>,
    measured: Vec<Measured>,
}

/// A statement, the steps that it was reached in, and what was awaited.
type Key = (Option<Site>, String, Option<String>);

/// A step that has begun.
#[derive(Debug)]
struct Open {
    title: String,
    /// How long the device took in it, so far.
    took: Duration,
}

/// A wait or a step, and how long the device took there each time.
#[derive(Debug)]
struct Times {
    site: Option<Site>,
    step: String,
    wait: Option<String>,
    n: u64,
    /// Every `stride`th time.
    samples: Vec<Duration>,
    stride: u64,
}

impl<'a> Keeping<'a> {
    /// Begins with a run of which nothing has happened yet; places are those of `sources`.
    pub(crate) fn new(run: Run, about: &About, sources: &'a Sources) -> Keeping<'a> {
        Keeping {
            run,
            about: about.clone(),
            sources,
            tally: Tally::default(),
            steps: Vec::new(),
            times: Vec::new(),
            places: HashMap::new(),
            measured: Vec::new(),
        }
    }

    /// Takes note of an event.
    pub(crate) fn add(&mut self, event: &Event) {
        self.tally.add(event);
        match &event.kind {
            EventKind::StepBegan { title, .. } => self.steps.push(Open { title: title.clone(), took: Duration::ZERO }),
            EventKind::StepEnded { outcome, .. } => {
                let path = self.path();
                let Some(step) = self.steps.pop() else { return };
                if *outcome == StepOutcome::Passed {
                    self.took(event.site, path, None, step.took);
                }
            }
            EventKind::Matched { pattern, waited, .. } => {
                self.steps.iter_mut().for_each(|step| step.took += *waited);
                let wait = cut(pattern);
                self.took(event.site, self.path(), Some(wait), *waited);
            }
            EventKind::Measured(measured) if self.measured.len() < MOST_MEASURED => {
                let (value, unit) = (cut(&measured.value), measured.unit.as_deref().map(cut));
                self.measured.push(Measured { name: measured.name.clone(), value, unit, passed: measured.passed });
            }
            EventKind::RunStarted(_)
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Transfer(_)
            | EventKind::Noted { .. }
            | EventKind::Skipped { .. }
            | EventKind::CleanupFailed(_)
            | EventKind::Failed(_)
            | EventKind::RunEnded { .. } => {}
        }
    }

    /// Returns the record; `None` if the run has not ended.
    pub(crate) fn record(&self) -> Option<Record> {
        let header = self.tally.header.as_ref()?;
        let reason = self.tally.failure.as_ref().map(|failure| {
            let place = failure.site.map_or(String::new(), |site| format!("{}: ", self.place(site)));
            format!("{place}{}", cut(&failure.message))
        });
        let times = self.times.iter().map(|times| self.timed(times));
        Some(Record {
            began: self.about.origin.begun,
            file: self.run.file.clone(),
            title: cut(&header.title),
            sha256: self.about.texts.first().map(|text| text.sha256.clone()).unwrap_or_default(),
            verdict: self.tally.verdict?,
            on: self.run.on,
            ports: self.about.addresses.clone(),
            seed: header.seed,
            took_us: micros(self.tally.took),
            reason,
            version: Origin::VERSION.to_string(),
            host: self.about.origin.host.clone(),
            times: times.collect(),
            measured: self.measured.clone(),
        })
    }

    /// Writes the record, if the run has ended.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub(crate) fn write(&self) -> io::Result<()> {
        self.record().map_or(Ok(()), |record| append(&self.run.folder, &record))
    }

    /// Returns where something stands. Files have their names without folders: these depend on where flowrun was started.
    fn place(&self, site: Site) -> String {
        let place = render_place(site, self.sources);
        place.rsplit('/').next().map(str::to_string).unwrap_or(place)
    }

    /// Returns the titles of the steps that go on.
    fn path(&self) -> String {
        let titles: Vec<&str> = self.steps.iter().map(|step| step.title.as_str()).collect();
        cut(&titles.join(" / "))
    }

    fn took(&mut self, site: Option<Site>, step: String, wait: Option<String>, took: Duration) {
        let key = (site, step.clone(), wait.clone());
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None if self.times.len() >= MOST_TIMES => return,
            None => {
                self.times.push(Times { site, step, wait, n: 0, samples: Vec::new(), stride: 1 });
                self.places.insert(key, self.times.len() - 1);
                self.times.len() - 1
            }
        };
        self.times[at].add(took);
    }

    fn timed(&self, times: &Times) -> Timed {
        let samples: Vec<f64> = times.samples.iter().map(Duration::as_secs_f64).collect();
        let middle = Duration::from_secs_f64(median(&samples).unwrap_or_default());
        let place = times.site.map_or(String::new(), |site| self.place(site));
        Timed { place, step: times.step.clone(), wait: times.wait.clone(), n: times.n, us: micros(middle) }
    }
}

impl Times {
    fn add(&mut self, took: Duration) {
        if self.n.is_multiple_of(self.stride) {
            self.samples.push(took);
        }
        self.n += 1;
        if self.samples.len() >= MOST_SAMPLES {
            let mut is_kept = false;
            self.samples.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.stride *= 2;
        }
    }
}

impl Sink for Keeping<'_> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.add(event);
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants { traffic: false, waits: false }
    }

    fn end(&mut self) -> io::Result<()> {
        self.write()
    }
}

/// Returns a text that is not too long. What a terminal would obey in it is escaped where it is shown.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_loop_are_kept_evenly_however_many_there_are() {
        let mut times = Times { site: None, step: String::new(), wait: None, n: 0, samples: Vec::new(), stride: 1 };
        (0..100_000).for_each(|n| times.add(Duration::from_micros(n)));
        assert_eq!(times.n, 100_000);
        assert!((MOST_SAMPLES / 2..MOST_SAMPLES).contains(&times.samples.len()), "{}", times.samples.len());
        let seconds: Vec<f64> = times.samples.iter().map(Duration::as_secs_f64).collect();
        let middle = median(&seconds).expect("there are some");
        assert!((0.049..0.051).contains(&middle), "{middle}");
        let gaps: Vec<Duration> = times.samples.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps.iter().all(|gap| *gap == gaps[0]), "{gaps:?}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        assert_eq!(cut(&"ä".repeat(LONGEST + 1)), "ä".repeat(LONGEST) + "…");
    }
}
