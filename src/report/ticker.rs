//! `Ticker`: a run among others, told of by one line that somebody else shows.

use std::io;
use std::time::Duration;

use super::live::Live;
use super::{Sink, Wants};
use crate::diagnostic::render::Look;
use crate::event::{Event, Progress, Waiting};
use crate::source::Sources;
use crate::time::Moment;

/// A line is not given before so much time is over since the last: a little less than a run waits to be looked at again.
const REST: Duration = Duration::from_millis(200);

/// Gives a line that moves to somebody who shows it.
pub struct Ticker<'a> {
    sources: &'a Sources,
    look: Look,
    show: &'a mut dyn FnMut(String),
    live: Live,
    shown_at: Option<Moment>,
}

impl<'a> Ticker<'a> {
    /// Makes a ticker whose lines are as wide as the look says at most.
    pub fn new(sources: &'a Sources, look: Look, show: &'a mut dyn FnMut(String)) -> Ticker<'a> {
        Ticker { sources, look, show, live: Live::default(), shown_at: None }
    }
}

impl Sink for Ticker<'_> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.live.tell(event);
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants { traffic: true, waits: true }
    }

    fn progress(&mut self, progress: &Progress) {
        self.live.progress(progress);
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) -> io::Result<()> {
        if self.shown_at.is_none_or(|at| now >= at + REST)
            && let Some(line) = self.live.line(now, why, self.sources, self.look, self.look.width)
        {
            self.shown_at = Some(now);
            (self.show)(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::render::Style;

    #[test]
    fn lines_are_given_four_times_a_second_however_often_the_run_waits() {
        let sources = Sources::default();
        let mut lines = Vec::new();
        let mut show = |line: String| lines.push(line);
        let look = Look { width: 40, style: Style::Ascii };
        let mut ticker = Ticker::new(&sources, look, &mut show);
        for ms in 0..1000 {
            ticker.waiting(Moment::from_millis(ms), &Waiting::Open).expect("memory takes everything");
        }
        assert_eq!(lines.len(), 5);
        assert_eq!(&lines[..2], ["| opens the port", "| opens the port"]);
    }
}
