//! Several runs at once, each on a port of its own, in one thread that waits for all of them.

use std::io;
use std::time::Duration;

use super::{Clock, Interrupt};
use crate::engine::Outbox;
use crate::event::Verdict;
use crate::time::Moment;
use crate::world::{Happening, Next, Session, World};

#[cfg(any(windows, test))]
mod threads;
#[cfg(unix)]
mod waiter;

/// Runs sessions on their ports, at most so many at once, and tells of each verdict when it is there.
///
/// `on_end` gets the number of the session, in the order given. One wait is for all ports and the interrupt; each
/// port that is ready then costs what it costs alone.
///
/// # Errors
///
/// If the system can not wait for so many ports.
pub fn run_all(
    sessions: Vec<(String, Session<'_>)>,
    at_most: usize,
    clock: Clock,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> io::Result<()> {
    #[cfg(unix)]
    let lookout = waiter::Waiter::new(interrupt)?;
    #[cfg(windows)]
    let lookout = threads::Threads::new(interrupt, std::sync::Arc::new(super::serial::serve));
    run_with(lookout, sessions, at_most, clock, interrupt, on_end)
}

/// What tells which of several ports may have something.
trait Lookout {
    /// The world of one of these ports.
    type World: Watched;

    /// Makes the world of a port; nothing is opened yet.
    fn world(&self, number: usize, port: &str, clock: Clock, interrupt: &Interrupt) -> Self::World;

    /// Watches a port under its number from now on, as its world now wants it.
    fn watch(&mut self, number: usize, world: &Self::World) -> io::Result<()>;

    /// Waits until a port may have something, the interrupt is raised, or that time has passed, or a part of it: who waits
    /// for a moment looks at the clock and waits again. `ready` gets what was found, by number.
    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Found<Self>)>) -> io::Result<()>;
}

/// What a lookout finds of a port.
type Found<L> = <<L as Lookout>::World as Watched>::Found;

/// A world that can be waited for together with others.
trait Watched: World {
    /// What is found of its port.
    type Found;

    /// Takes note of what was found, for the looks that follow.
    fn found(&mut self, found: Self::Found);

    /// Looks whether there is something to tell, without waiting; `received` then holds the bytes that came, and no others.
    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)>;

    /// Returns the moment at which this world must be looked at again by itself.
    fn stage_until(&mut self) -> Option<Moment>;
}

/// One run of several.
struct Member<'a, W> {
    world: W,
    session: Session<'a>,
    stand: Stand,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// It has not begun: others must end first.
    Queued,
    /// It waits for its port, and for this moment.
    Waiting(Option<Moment>),
    /// It is over.
    Over,
}

/// Runs sessions as [`run_all`] does.
fn run_with<L: Lookout>(
    lookout: L,
    sessions: Vec<(String, Session<'_>)>,
    at_most: usize,
    clock: Clock,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> io::Result<()> {
    let members = sessions.into_iter().enumerate().map(|(number, (port, session))| Member {
        world: lookout.world(number, &port, clock, interrupt),
        session,
        stand: Stand::Queued,
    });
    let members: Vec<Member<'_, L::World>> = members.collect();
    let received = Vec::with_capacity(16 * 1024);
    let outbox = Outbox::default();
    let mut fleet = Fleet { members, lookout, received, outbox, n_begun: 0, n_running: 0, look_at: None };
    let mut ready: Vec<(usize, Found<L>)> = Vec::new();
    let at_most = at_most.max(1);
    loop {
        while fleet.n_running < at_most && fleet.n_begun < fleet.members.len() {
            fleet.begin_next(on_end)?;
        }
        if fleet.n_running == 0 {
            return Ok(());
        }
        fleet.lookout.wait(fleet.look_at.map(|at| at.since(clock.now())), &mut ready)?;
        let now = clock.now();
        for (index, found) in ready.drain(..) {
            fleet.wake(index, Some(found), now, on_end)?;
        }
        if interrupt.is_raised() || fleet.look_at.is_some_and(|at| at <= now) {
            fleet.wake_due(now, interrupt.is_raised(), on_end)?;
        }
    }
}

/// All runs, and what they share.
struct Fleet<'a, L: Lookout> {
    members: Vec<Member<'a, L::World>>,
    lookout: L,
    received: Vec<u8>,
    /// Is used by the run that goes on just now.
    outbox: Outbox,
    /// The first so many have begun.
    n_begun: usize,
    n_running: usize,
    /// No run goes on by itself before this; it may be earlier than needed, since most runs go on because of what
    /// comes, and what they had waited for is then forgotten.
    look_at: Option<Moment>,
}

impl<L: Lookout> Fleet<'_, L> {
    /// Begins the next run that has not begun.
    fn begin_next(&mut self, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let index = self.n_begun;
        self.n_begun += 1;
        self.n_running += 1;
        let member = &mut self.members[index];
        let ended = member.go_on(&mut self.received);
        // What it has begun with is not needed any more: from now on it uses the memory that is for all.
        member.session.exchange_outbox(&mut Outbox::default());
        self.note(index, ended, on_end)
    }

    /// Goes on with a run, if it is one that waits: something was found of its port, or its time may have come.
    fn wake(
        &mut self,
        index: usize,
        found: Option<Found<L>>,
        now: Moment,
        on_end: &mut dyn FnMut(usize, Verdict),
    ) -> io::Result<()> {
        let Stand::Waiting(until) = self.members[index].stand else { return Ok(()) };
        let member = &mut self.members[index];
        member.session.exchange_outbox(&mut self.outbox);
        let ended = member.wake(found, until, now, &mut self.received);
        member.session.exchange_outbox(&mut self.outbox);
        self.note(index, ended, on_end)
    }

    /// Goes on with every run whose time has come, or with all, and looks when the next is due.
    fn wake_due(&mut self, now: Moment, all: bool, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        for index in 0..self.n_begun {
            let is_due = matches!(self.members[index].stand, Stand::Waiting(Some(until)) if until <= now);
            if is_due || all {
                self.wake(index, None, now, on_end)?;
            }
        }
        self.look_at = self.members[..self.n_begun].iter().filter_map(|member| member.stand.until()).min();
        Ok(())
    }

    /// Takes note of how far a run is now.
    fn note(&mut self, index: usize, ended: Option<Verdict>, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let member = &self.members[index];
        self.lookout.watch(index, &member.world)?;
        self.look_at = self.look_at.into_iter().chain(member.stand.until()).min();
        if let Some(verdict) = ended {
            self.n_running -= 1;
            on_end(index, verdict);
        }
        Ok(())
    }
}

impl Stand {
    /// Returns the moment at which the run goes on by itself.
    fn until(self) -> Option<Moment> {
        match self {
            Stand::Waiting(until) => until,
            Stand::Queued | Stand::Over => None,
        }
    }
}

impl<W: Watched> Member<'_, W> {
    /// Does everything that can be done without waiting; returns the verdict if that is the end.
    fn go_on(&mut self, received: &mut Vec<u8>) -> Option<Verdict> {
        loop {
            match self.session.until_wait(&mut self.world) {
                Next::Over(verdict) => {
                    self.stand = Stand::Over;
                    return Some(verdict);
                }
                Next::Wait(until) => {
                    // What was found before and was not used up yet needs no waiting.
                    let Some((now, happening)) = self.world.look(until, received) else {
                        let stage = self.world.stage_until();
                        self.stand = Stand::Waiting([until, stage].into_iter().flatten().min());
                        return None;
                    };
                    self.session.take(now, happening, received);
                }
            }
        }
    }

    /// Goes on with a run of whose port something was found, or whose time may have come.
    fn wake(
        &mut self,
        found: Option<W::Found>,
        until: Option<Moment>,
        now: Moment,
        received: &mut Vec<u8>,
    ) -> Option<Verdict> {
        if let Some(found) = found {
            self.world.found(found);
        }
        match self.world.look(until, received) {
            Some((now, happening)) => self.session.take(now, happening, received),
            None if until.is_some_and(|until| until <= now) => self.session.take(now, Happening::Nothing, &[]),
            None => {}
        }
        self.go_on(received)
    }
}

#[cfg(test)]
mod tests;
