//! Sinks: everything that shows a run to people is told of it event by event, and of nothing else.
//!
//! No sink decides about the run: one that cannot write any more is left out, and the others go on.

pub mod board;
pub mod campaign;
pub mod console;
pub mod coverage;
pub mod ctrf;
mod exchange;
pub mod failure;
pub mod format;
pub mod gathered;
pub mod hex;
pub mod html;
mod joined;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod lanes;
mod lines;
mod live;
pub mod mutants;
pub mod palette;
pub mod pipeline;
mod port_names;
pub mod progress;
mod screen;
pub mod sides;
pub mod spark;
pub mod suite;
pub mod summary;
pub mod table;
pub mod tap;
pub mod ticker;
pub mod transcript;

use std::fmt;
use std::io;
use std::time::Duration;

use crate::event::{Event, EventKind, Progress, Waiting};
use crate::time::Moment;
use crate::world::Audience;

/// What happens so often that a sink which makes nothing of it is better left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Bytes that were sent and that came.
    pub traffic: bool,
    /// Waits, again and again while they go on: [`Sink::progress`] and [`Sink::waiting`].
    pub waits: bool,
}

/// Someone who makes something of the events of a run.
pub trait Sink {
    /// Takes note of an event.
    ///
    /// # Errors
    ///
    /// When what is made of it cannot be written; the sink is not told of anything more then.
    fn tell(&mut self, event: &Event) -> io::Result<()>;

    /// Returns what it is to be told of besides everything else: asked once, when it is added to a [`Fan`].
    fn wants(&self) -> Wants {
        Wants { traffic: true, waits: false }
    }

    /// Takes note of how far the wait is of which [`Sink::waiting`] tells next; called only if [`Sink::wants`] says so.
    fn progress(&mut self, _progress: &Progress) {}

    /// Takes note that the engine now waits, and what for; called only if [`Sink::wants`] says so.
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

    fn wants(&self) -> Wants {
        (**self).wants()
    }

    fn progress(&mut self, progress: &Progress) {
        (**self).progress(progress);
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

/// How often a person is shown how far a wait is.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// Holds events in memory: a copy of each would cost as much as the work for it.
pub trait Keeper {
    /// Takes an event; it cannot fail.
    fn keep(&mut self, event: Event);
}

/// The audience of a run that passes everything on to several sinks, in the order in which they were added.
#[derive(Default)]
pub struct Fan<'a> {
    sinks: Vec<NamedSink<'a>>,
    /// Gets each event for itself, after the sinks.
    keeper: Option<Box<dyn Keeper + 'a>>,
    failures: Vec<SinkFailure>,
    /// Whether one of the sinks wants to be told of waits.
    wants_waits: bool,
    /// Whether one of the sinks has something unwritten, if they have been asked since the last that they were told.
    has_unwritten: Option<bool>,
}

/// A sink, and what it makes.
struct NamedSink<'a> {
    name: String,
    sink: Box<dyn Sink + 'a>,
    wants: Wants,
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
        let wants = sink.wants();
        self.wants_waits |= wants.waits;
        self.sinks.push(NamedSink { name: name.into(), sink: Box::new(sink), wants });
    }

    /// Gives each event to this one when the sinks have been told; there may be one.
    pub fn keep(&mut self, keeper: impl Keeper + 'a) {
        self.keeper = Some(Box::new(keeper));
    }

    /// Ends the sinks that are left and returns the failures of all, in the order in which they happened.
    #[must_use]
    pub fn finish(mut self) -> Vec<SinkFailure> {
        self.each(|_| true, |sink| sink.end());
        self.failures
    }

    /// Lets each sink act that wants to.
    fn each(&mut self, wants: impl Fn(Wants) -> bool, mut act: impl FnMut(&mut dyn Sink) -> io::Result<()>) {
        self.has_unwritten = None;
        let mut at = 0;
        while let Some(named) = self.sinks.get_mut(at) {
            if !wants(named.wants) {
                at += 1;
                continue;
            }
            match act(named.sink.as_mut()) {
                Ok(()) => at += 1,
                Err(error) => {
                    let sink = self.sinks.remove(at).name;
                    self.failures.push(SinkFailure { sink, error });
                }
            }
        }
    }
}

impl Fan<'_> {
    fn tell_sinks(&mut self, event: &Event) {
        let is_traffic = matches!(event.kind, EventKind::Sent { .. } | EventKind::Received { .. });
        self.each(|wants| wants.traffic || !is_traffic, |sink| sink.tell(event));
    }
}

impl Audience for Fan<'_> {
    fn tell(&mut self, event: &Event) {
        self.tell_sinks(event);
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(event.clone());
        }
    }

    fn take(&mut self, event: Event) {
        self.tell_sinks(&event);
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(event);
        }
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) {
        if self.wants_waits {
            self.each(|wants| wants.waits, |sink| sink.waiting(now, why));
        }
    }

    fn looks_every(&self) -> Option<Duration> {
        self.wants_waits.then_some(LOOKS_EVERY)
    }

    fn progress(&mut self, progress: &Progress) {
        let watching = self.sinks.iter_mut().filter(|named| named.wants.waits);
        watching.for_each(|named| named.sink.progress(progress));
    }

    fn has_unwritten(&mut self) -> bool {
        *self.has_unwritten.get_or_insert_with(|| self.sinks.iter().any(|named| named.sink.has_unwritten()))
    }

    fn write_out(&mut self) {
        self.each(|_| true, |sink| sink.write_out());
    }
}

impl fmt::Debug for Fan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<&str> = self.sinks.iter().map(|named| named.name.as_str()).collect();
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
    use crate::port_id::PortId;

    /// Counts what it is told and fails at a certain event.
    struct Counting {
        wants: Wants,
        n_told: usize,
        n_waits: usize,
        n_ended: usize,
        fails_at: usize,
    }

    impl Counting {
        fn new(wants: Wants, fails_at: usize) -> Counting {
            Counting { wants, n_told: 0, n_waits: 0, n_ended: 0, fails_at }
        }
    }

    impl Sink for Counting {
        fn wants(&self) -> Wants {
            self.wants
        }

        fn waiting(&mut self, _now: Moment, _why: &Waiting) -> io::Result<()> {
            self.n_waits += 1;
            Ok(())
        }

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
        let all = Wants { traffic: true, waits: true };
        let mut good = Counting::new(all, usize::MAX);
        let mut bad = Counting::new(all, 2);
        let mut fan = Fan::default();
        fan.add("the transcript", &mut bad);
        fan.add("the console", &mut good);
        for _ in 0..4 {
            fan.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind: EventKind::Opened });
        }
        fan.waiting(Moment::START, &Waiting::Open);
        let failures: Vec<String> = fan.finish().iter().map(ToString::to_string).collect();
        assert_eq!(failures, ["the transcript is not complete: disk full"]);
        assert_eq!((good.n_told, good.n_ended), (4, 1));
        assert_eq!((bad.n_told, bad.n_ended), (2, 0));
        assert_eq!((good.n_waits, bad.n_waits), (1, 0));
    }

    #[test]
    fn a_sink_is_told_of_what_it_wants() {
        let mut all = Counting::new(Wants { traffic: true, waits: true }, usize::MAX);
        let mut few = Counting::new(Wants { traffic: false, waits: false }, usize::MAX);
        let mut fan = Fan::default();
        fan.add("the transcript", &mut all);
        fan.add("the console", &mut few);
        for kind in [
            EventKind::Opened,
            EventKind::Sent { bytes: vec![] },
            EventKind::Received { bytes: vec![], block: false, echo: None },
        ] {
            fan.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind });
            fan.waiting(Moment::START, &Waiting::Open);
        }
        assert!(fan.finish().is_empty());
        assert_eq!((all.n_told, all.n_waits, few.n_told, few.n_waits), (3, 3, 1, 0));
    }
}
