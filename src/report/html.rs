//! One page of HTML for a run or a suite: the flow beside its exchange, a timeline, what failed; one file that asks no network
//! for anything.
//!
//! What is in the page without its script is plain: the head, the failure, measurements, the exchange as a transcript, the
//! flow. The script, `html/page.js`, reads the same texts and shows them side by side. Each text stands in the file once.
//!
//! Nothing that a device sent is markup: the template escapes it, and the page allows no other script and no other style than
//! its own, whose digests stand in its head.

mod aligned;
mod data;
mod page;
mod safe;

use std::io::{self, Write};

use super::Sink;
use super::gathered::{Gathered, Gatherer};
use super::spark::PastTimes;
use super::suite::SuiteReport;
use crate::event::Event;
use crate::origin::About;
use crate::source::Sources;
use page::Page;

/// Writes the page of a run when the run has ended.
pub struct Html<'a, W: Write> {
    out: W,
    sources: &'a Sources,
    gatherer: Option<Gatherer<'a>>,
    about: Vec<(String, String)>,
    past: Option<Past<'a>>,
}

/// Says how long the device took in earlier runs, when the page is written.
type Past<'a> = Box<dyn FnOnce() -> Vec<PastTimes> + 'a>;

impl<'a, W: Write> Html<'a, W> {
    /// Makes a sink that writes to `out`; places are those of `sources`.
    pub fn new(out: W, sources: &'a Sources) -> Html<'a, W> {
        Html { out, sources, gatherer: Some(Gatherer::new(sources)), about: Vec::new(), past: None }
    }

    /// Has the page tell what makes the run traceable too.
    #[must_use]
    pub fn about(self, about: &About) -> Html<'a, W> {
        Html { about: rows_of(about), ..self }
    }

    /// Has the page show how long the device took in earlier runs; asked when the run is over.
    #[must_use]
    pub fn past(self, past: impl FnOnce() -> Vec<PastTimes> + 'a) -> Html<'a, W> {
        Html { past: Some(Box::new(past)), ..self }
    }
}

impl<W: Write> Sink for Html<'_, W> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        if let Some(gatherer) = &mut self.gatherer {
            gatherer.add(event);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(gatherer) = self.gatherer.take() else { return Ok(()) };
        let gathered = gatherer.finish().about(std::mem::take(&mut self.about));
        let gathered = gathered.past(self.past.take().map(|past| past()).unwrap_or_default());
        self.out.write_all(Page::of_run(&gathered, self.sources).text().as_bytes())?;
        self.out.flush()
    }
}

/// Returns the page of a run that is over; `about` is what makes it traceable, if that is to be told.
pub fn render_run(events: &[Event], sources: &Sources, about: &[(String, String)]) -> String {
    Page::of_run(&Gathered::of(events, sources).about(about.to_vec()), sources).text()
}

/// Returns the page of a run whose lines are gathered.
pub fn render_gathered(gathered: &Gathered, sources: &Sources) -> String {
    Page::of_run(gathered, sources).text()
}

/// Returns what makes a run traceable, as a page tells it.
pub fn rows_of(about: &About) -> Vec<(String, String)> {
    about
        .rows()
        .into_iter()
        .filter(|(name, _)| *name != "seed")
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

/// Returns the page of a suite; a flow whose exchange was not gathered is there without it.
pub fn render_html(suite: &SuiteReport) -> String {
    Page::of_suite(suite).text()
}
