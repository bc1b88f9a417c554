//! Sinks: everything that shows a run to people is told of it event by event, and of nothing else.
//!
//! No sink decides about the run: one that can not write any more is left out, and the others go on.

pub mod console;
pub mod failure;
pub mod json;
pub mod jsonl;
pub mod junit;
mod lines;
pub mod progress;
pub mod suite;
pub mod summary;
pub mod tap;
pub mod transcript;

use std::fmt;
use std::io;

use crate::engine::Waiting;
use crate::event::Event;
use crate::time::Moment;
use crate::world::Audience;

/// Someone who makes something of the events of a run.
pub trait Sink {
    /// Takes note of an event.
    ///
    /// # Errors
    ///
    /// When what is made of it can not be written; the sink is not told of anything more then.
    fn tell(&mut self, event: &Event) -> io::Result<()>;

    /// Whether [`Sink::waiting`] is to be called: a run waits after every read, and most sinks make nothing of it.
    fn watches_waits(&self) -> bool {
        false
    }

    /// Takes note that the engine now waits, and what for.
    ///
    /// # Errors
    ///
    /// As for [`Sink::tell`].
    fn waiting(&mut self, _now: Moment, _why: &Waiting) -> io::Result<()> {
        Ok(())
    }

    /// Whether something was told that is not yet where it is kept.
    fn has_unwritten(&self) -> bool {
        false
    }

    /// Writes what is not yet where it is kept.
    ///
    /// # Errors
    ///
    /// As for [`Sink::tell`].
    fn write_out(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Writes what is still to be written; nothing is told after that.
    ///
    /// # Errors
    ///
    /// As for [`Sink::tell`].
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        (**self).tell(event)
    }

    fn watches_waits(&self) -> bool {
        (**self).watches_waits()
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) -> io::Result<()> {
        (**self).waiting(now, why)
    }

    fn has_unwritten(&self) -> bool {
        (**self).has_unwritten()
    }

    fn write_out(&mut self) -> io::Result<()> {
        (**self).write_out()
    }

    fn end(&mut self) -> io::Result<()> {
        (**self).end()
    }
}

/// The audience of a run that passes everything on to several sinks, in the order in which they were added.
#[derive(Default)]
pub struct Fan<'a> {
    sinks: Vec<(String, Box<dyn Sink + 'a>)>,
    failures: Vec<SinkFailure>,
    /// Whether one of the sinks watches the waits.
    watches_waits: bool,
    /// Whether one of the sinks has something unwritten, if they have been asked since the last that they were told.
    has_unwritten: Option<bool>,
}

/// A sink that could not write.
#[derive(Debug)]
pub struct SinkFailure {
    /// What the sink makes, as given to [`Fan::add`].
    pub sink: String,
    /// Why it could not be written.
    pub error: io::Error,
}

impl<'a> Fan<'a> {
    /// Adds a sink; `name` is what it makes, such as ``the transcript `run.txt` ``.
    pub fn add(&mut self, name: impl Into<String>, sink: impl Sink + 'a) {
        self.watches_waits |= sink.watches_waits();
        self.sinks.push((name.into(), Box::new(sink)));
    }

    /// Ends the sinks that are left and returns the failures of all, in the order in which they happened.
    #[must_use]
    pub fn finish(mut self) -> Vec<SinkFailure> {
        self.each(|sink| sink.end());
        self.failures
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Sink) -> io::Result<()>) {
        self.has_unwritten = None;
        let mut at = 0;
        while let Some((_, sink)) = self.sinks.get_mut(at) {
            match act(sink.as_mut()) {
                Ok(()) => at += 1,
                Err(error) => {
                    let (sink, _) = self.sinks.remove(at);
                    self.failures.push(SinkFailure { sink, error });
                }
            }
        }
    }
}

impl Audience for Fan<'_> {
    fn tell(&mut self, event: &Event) {
        self.each(|sink| sink.tell(event));
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) {
        if self.watches_waits {
            self.each(|sink| sink.waiting(now, why));
        }
    }

    fn has_unwritten(&mut self) -> bool {
        *self.has_unwritten.get_or_insert_with(|| self.sinks.iter().any(|(_, sink)| sink.has_unwritten()))
    }

    fn write_out(&mut self) {
        self.each(|sink| sink.write_out());
    }
}

impl fmt::Debug for Fan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<&str> = self.sinks.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Fan").field("sinks", &sinks).field("failures", &self.failures).finish()
    }
}

impl fmt::Display for SinkFailure {
    /// Writes what is missing and why, lower case without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not complete: {}", self.sink, self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    /// Counts what it is told and fails at a certain event.
    struct Counting {
        n_told: usize,
        n_ended: usize,
        fails_at: usize,
    }

    impl Sink for Counting {
        fn tell(&mut self, _event: &Event) -> io::Result<()> {
            self.n_told += 1;
            if self.n_told == self.fails_at { Err(io::Error::other("disk full")) } else { Ok(()) }
        }

        fn end(&mut self) -> io::Result<()> {
            self.n_ended += 1;
            Ok(())
        }
    }

    #[test]
    fn a_failing_sink_is_left_out_and_reported_and_the_others_are_told_on() {
        let mut good = Counting { n_told: 0, n_ended: 0, fails_at: usize::MAX };
        let mut bad = Counting { n_told: 0, n_ended: 0, fails_at: 2 };
        let mut fan = Fan::default();
        fan.add("the transcript", &mut bad);
        fan.add("the console", &mut good);
        for _ in 0..4 {
            fan.tell(&Event { at: Moment::START, site: None, kind: EventKind::Opened });
        }
        fan.waiting(Moment::START, &Waiting::Open);
        let failures: Vec<String> = fan.finish().iter().map(ToString::to_string).collect();
        assert_eq!(failures, ["the transcript is not complete: disk full"]);
        assert_eq!((good.n_told, good.n_ended), (4, 1));
        assert_eq!((bad.n_told, bad.n_ended), (2, 0));
    }
}
