//! `Several`: the world of a run with several ports, real ones and simulated ones, with one wait for all of them.

use std::io;
#[cfg(any(windows, test))]
use std::sync::Arc;
use std::time::Duration;

use super::any::AnyPort;
#[cfg(any(windows, test))]
use super::bell::Bell;
use super::clock::Clock;
use super::effort::{Backlog, Round};
use super::fleet::{Lookout, lookout};
use super::interrupt::Interrupt;
#[cfg(unix)]
use super::watched::{Awaited, Interest};
use super::watched::{Ready, Watched};
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::Moment;
use crate::world::{Simulated, World};

/// So often something is reported in a row that was found before, until all ports are looked at again: a port on which bytes
/// come without end must not keep the others from being read.
const LOOKS_BETWEEN: u32 = 8;

/// A world of several ports on one clock.
///
/// Simulated ports live in real time here: their virtual clock follows the real one, and what happens on them has its exact
/// moment.
pub(crate) struct Several {
    seats: Vec<Seat>,
    /// What is simulated; it knows its ports by the numbers that the run has for them.
    bench: Option<Box<dyn Simulated>>,
    lookout: Box<dyn Lookout>,
    clock: Clock,
    interrupt: Interrupt,
    /// Whether the interrupt was told; it is told once.
    is_heard: bool,
    /// The last moment that was told: none before it is told afterwards.
    last: Moment,
    /// Which of the real ports is looked at first.
    first: usize,
    /// How often something was reported since all ports were looked at.
    n_looks: u32,
    /// The work since the ports were waited for, and before.
    round: Round,
    ready: Vec<(usize, Ready)>,
    /// Whether the ports ring the bell of a wait for many runs.
    is_rung: bool,
    /// A port that the system cannot wait for, and why.
    unwatched: Option<(PortId, CloseReason)>,
}

/// A real port.
struct Seat {
    id: PortId,
    port: AnyPort,
    /// How long it had to wait for the run.
    backlog: Backlog,
}

impl Several {
    /// Makes the world of a run with these real ports, and with what is simulated. The ports are on this clock and share this
    /// interrupt.
    ///
    /// # Errors
    ///
    /// The system cannot wait for several ports.
    pub(super) fn new(
        ports: impl IntoIterator<Item = (PortId, AnyPort)>,
        bench: Option<Box<dyn Simulated>>,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> io::Result<Several> {
        let seats: Vec<Seat> =
            ports.into_iter().map(|(id, port)| Seat { id, port, backlog: Backlog::default() }).collect();
        let mut several = Several {
            seats,
            bench,
            lookout: lookout(interrupt)?,
            clock,
            interrupt: interrupt.clone(),
            is_heard: false,
            last: Moment::START,
            first: 0,
            n_looks: 0,
            round: Round::new(Moment::START),
            ready: Vec::new(),
            is_rung: false,
            unwatched: None,
        };
        (0..several.seats.len()).for_each(|at| several.watch(at));
        Ok(several)
    }

    /// Returns what one of the ports can do.
    pub(crate) fn capabilities_of(&self, port: PortId) -> Capabilities {
        let seat = self.seats.iter().find(|seat| seat.id == port).map(|seat| seat.port.capabilities());
        seat.unwrap_or_else(|| self.bench.as_ref().map_or(Capabilities::NONE, |bench| bench.capabilities()))
    }

    /// Watches a port as it now wants it: after everything that may have opened or closed it. Ports that ring the bell of many runs
    /// go on doing so.
    fn watch(&mut self, at: usize) {
        if self.is_rung {
            return;
        }
        let seat = &mut self.seats[at];
        if let Err(error) = self.lookout.watch(at, seat.port.watched()) {
            let reason = format!("the system cannot wait for it: {}", in_words(&error));
            self.unwatched = Some((seat.id, CloseReason::Broken { reason, help: None }));
        }
    }

    /// Returns what is told: not before anything that was told already.
    fn tell(&mut self, now: Moment, happening: Happening) -> (Moment, Happening) {
        self.last = self.last.max(now);
        (self.last, happening)
    }

    /// Looks whether there is something to tell, without waiting.
    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if !self.is_heard && self.interrupt.is_raised() {
            self.is_heard = true;
            return Some(self.tell(self.clock.now(), Happening::Interrupt));
        }
        if let Some((port, reason)) = self.unwatched.take() {
            return Some(self.tell(self.clock.now(), Happening::Closed(port, reason)));
        }
        if let Some((now, happening)) = self.look_at_bench(until, received) {
            return Some(self.tell(now, happening));
        }
        for offset in 0..self.seats.len() {
            let at = (self.first + offset) % self.seats.len();
            let seat = &mut self.seats[at];
            let known = received.len();
            // Each port tells of the interrupt, and the run was told already.
            let told = loop {
                match seat.port.watched().look(until, received) {
                    Some((_, Happening::Interrupt)) if self.is_heard => {}
                    told => break told,
                }
            };
            if let Some((now, happening)) = told {
                seat.backlog.note(received.len() - known, now, &self.round);
                let happening = happening.on(seat.id);
                self.is_heard |= happening == Happening::Interrupt;
                self.first = (at + 1) % self.seats.len();
                self.watch(at);
                return Some(self.tell(now, happening));
            }
        }
        None
    }

    /// Lets what is simulated go on up to the present moment, but not beyond the end of the wait: bytes that are found on a real
    /// port may be of before.
    fn look_at_bench(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let bench = self.bench.as_mut()?;
        let now = self.clock.now().max(self.last);
        let up_to = until.map_or(now, |until| until.clamp(self.last, now));
        bench.awaits(until);
        let told = bench.wait(Some(up_to), received);
        (told.1 != Happening::Nothing).then_some(told)
    }

    /// Waits until a port may have something, or until that moment, or a part of the time.
    fn rest(&mut self, until: Option<Moment>, now: Moment) {
        let mut until = [until, self.bench.as_mut().and_then(|bench| bench.due())].into_iter().flatten().min();
        for at in 0..self.seats.len() {
            let due = self.seats[at].port.watched().due();
            until = [until, due].into_iter().flatten().min();
            self.watch(at);
        }
        self.round.rests(now);
        self.look_at_all(until.map(|until| until.since(now)));
        self.round.wakes(self.clock.now());
    }

    /// Takes note of what the ports are ready for, after so long at the latest.
    fn look_at_all(&mut self, left: Option<Duration>) {
        self.n_looks = 0;
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        if let Err(error) = self.lookout.wait(left, &mut ready) {
            let reason = format!("the system cannot wait for the ports: {}", in_words(&error));
            self.unwatched = Some((PortId::FIRST, CloseReason::Broken { reason, help: None }));
        }
        for (at, found) in ready.drain(..) {
            if let Some(seat) = self.seats.get_mut(at) {
                seat.port.watched().found(found);
            }
        }
        self.ready = ready;
    }
}

impl World for Several {
    fn capabilities(&self) -> Capabilities {
        let simulated = self.bench.as_ref().map_or(Capabilities::ALL, |bench| bench.capabilities());
        self.seats.iter().map(|seat| seat.port.capabilities()).fold(simulated, Capabilities::both)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        match self.seats.iter().position(|seat| seat.id == port) {
            Some(at) => {
                self.seats[at].port.perform(PortId::FIRST, command);
                self.watch(at);
            }
            None => {
                if let Some(bench) = &mut self.bench {
                    bench.pass_to(self.last);
                    bench.perform(port, command);
                }
            }
        }
    }

    /// In a mixture of real and simulated ports a hook is a program, as it is with real ones alone.
    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let found = self.seats.iter_mut().find_map(|seat| {
            let (now, happening) = seat.port.news(received)?;
            Some((now, happening.on(seat.id)))
        });
        found.map(|(now, happening)| self.tell(now, happening))
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if let Some((now, happening)) = self.look_at_bench(None, received) {
            return Some(self.tell(now, happening));
        }
        for offset in 0..self.seats.len() {
            let at = (self.first + offset) % self.seats.len();
            let seat = &mut self.seats[at];
            if let Some((now, happening)) = seat.port.arrived(received) {
                let happening = happening.on(seat.id);
                self.first = (at + 1) % self.seats.len();
                return Some(self.tell(now, happening));
            }
        }
        None
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if self.n_looks >= LOOKS_BETWEEN {
            self.look_at_all(Some(Duration::ZERO));
        }
        self.n_looks += 1;
        loop {
            if let Some(told) = self.look(until, received) {
                return told;
            }
            let now = self.clock.now();
            self.rest(until, now);
            // What came before the end of the wait has been found, if the system was looked at after it.
            if until.is_some_and(|until| now >= until) {
                return match self.look(until, received) {
                    Some(told) => told,
                    None => self.tell(now, Happening::Nothing),
                };
            }
        }
    }

    /// The work is that of one run: where several ports had to wait for it at once, it counts once.
    fn behind(&self) -> Duration {
        self.seats.iter().map(|seat| seat.backlog.behind()).max().unwrap_or_default()
    }
}

/// How often the ports are looked at in a wait for those of many runs, where the system does not wake it up for them.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Watched for Several {
    #[cfg(unix)]
    fn awaited(&self) -> Option<Awaited<'_>> {
        self.lookout.descriptor().map(|port| Awaited { port, interest: Interest::Bytes })
    }

    #[cfg(any(windows, test))]
    fn rings(&mut self, bell: &Arc<Bell>, number: usize) {
        self.is_rung = true;
        self.seats.iter_mut().for_each(|seat| seat.port.watched().rings(bell, number));
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.look_at_all(Some(Duration::ZERO));
        Several::look(self, until, received)
    }

    fn due(&mut self) -> Option<Moment> {
        let mut due = self.bench.as_mut().and_then(|bench| bench.due());
        for at in 0..self.seats.len() {
            due = [due, self.seats[at].port.watched().due()].into_iter().flatten().min();
            self.watch(at);
        }
        let wakes_up = self.is_rung || cfg!(any(target_os = "linux", target_os = "android"));
        let again = (!wakes_up).then(|| self.clock.now() + LOOK_AGAIN);
        [due, again].into_iter().flatten().min()
    }
}

#[cfg(all(unix, test))]
mod tests;
