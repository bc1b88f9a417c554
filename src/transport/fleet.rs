//! Several runs at once, each on a port of its own, in one thread that waits for all of them.

use std::io;

use super::line::Ready;
use super::serial::SerialWorld;
use super::{Clock, Interrupt};
use crate::event::Verdict;
use crate::time::Moment;
use crate::world::{Happening, Next, Session};
use waiter::Waiter;

mod waiter;

/// One run of several.
struct Member<'a> {
    world: SerialWorld,
    session: Session<'a>,
    stand: Stand,
    /// What the waiter has told of the port and was not used up: it tells of bytes only once.
    ready: Ready,
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

/// Runs sessions on their ports, at most so many at once, and tells of each verdict when it is there.
///
/// `on_end` gets the number of the session, in the order given. One wait is for all ports and the interrupt; each
/// port that is ready then costs one `read`, as it does alone.
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
    let world = |port: &str| SerialWorld::new(port, clock, interrupt.clone());
    let members = sessions.into_iter().map(|(port, session)| Member {
        world: world(&port),
        session,
        stand: Stand::Queued,
        ready: Ready::default(),
    });
    let members: Vec<Member<'_>> = members.collect();
    let waiter = Waiter::new(interrupt)?;
    let received = Vec::with_capacity(16 * 1024);
    let mut fleet = Fleet { members, waiter, received, n_begun: 0, n_running: 0, look_at: None };
    let mut ready: Vec<(usize, Ready)> = Vec::new();
    let at_most = at_most.max(1);
    loop {
        while fleet.n_running < at_most && fleet.n_begun < fleet.members.len() {
            fleet.begin_next(on_end)?;
        }
        if fleet.n_running == 0 {
            return Ok(());
        }
        fleet.waiter.wait(fleet.look_at.map(|at| at.since(clock.now())), &mut ready)?;
        let now = clock.now();
        for (index, found) in ready.drain(..) {
            fleet.wake(index, found, now, on_end)?;
        }
        if interrupt.is_raised() || fleet.look_at.is_some_and(|at| at <= now) {
            fleet.wake_due(now, interrupt.is_raised(), on_end)?;
        }
    }
}

/// All runs, and what they share.
struct Fleet<'a> {
    members: Vec<Member<'a>>,
    waiter: Waiter,
    received: Vec<u8>,
    /// The first so many have begun.
    n_begun: usize,
    n_running: usize,
    /// No run goes on by itself before this; it may be earlier than needed, since most runs go on because of what
    /// comes, and what they had waited for is then forgotten.
    look_at: Option<Moment>,
}

impl Fleet<'_> {
    /// Begins the next run that has not begun.
    fn begin_next(&mut self, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let index = self.n_begun;
        self.n_begun += 1;
        self.n_running += 1;
        let ended = self.members[index].go_on(&mut self.received);
        self.note(index, ended, on_end)
    }

    /// Goes on with a run, if it is one that waits: its port is ready, or its time may have come.
    fn wake(
        &mut self,
        index: usize,
        found: Ready,
        now: Moment,
        on_end: &mut dyn FnMut(usize, Verdict),
    ) -> io::Result<()> {
        let Stand::Waiting(until) = self.members[index].stand else { return Ok(()) };
        let ended = self.members[index].wake(found, until, now, &mut self.received);
        self.note(index, ended, on_end)
    }

    /// Goes on with every run whose time has come, or with all, and looks when the next is due.
    fn wake_due(&mut self, now: Moment, all: bool, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        for index in 0..self.n_begun {
            let is_due = matches!(self.members[index].stand, Stand::Waiting(Some(until)) if until <= now);
            if is_due || all {
                self.wake(index, Ready::default(), now, on_end)?;
            }
        }
        self.look_at = self.members[..self.n_begun].iter().filter_map(|member| member.stand.until()).min();
        Ok(())
    }

    /// Takes note of how far a run is now.
    fn note(&mut self, index: usize, ended: Option<Verdict>, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let member = &self.members[index];
        self.waiter.watch(index, member.world.awaited())?;
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

impl Member<'_> {
    /// Does everything that can be done without waiting; returns the verdict if that is the end.
    fn go_on(&mut self, received: &mut Vec<u8>) -> Option<Verdict> {
        loop {
            match self.session.until_wait(&mut self.world) {
                Next::Over(verdict) => {
                    self.stand = Stand::Over;
                    return Some(verdict);
                }
                Next::Wait(until) => {
                    // What the waiter told of and was not used up yet needs no waiting.
                    let Some((now, happening)) = self.look(until, received) else {
                        let stage = self.world.stage_until();
                        self.stand = Stand::Waiting([until, stage].into_iter().flatten().min());
                        return None;
                    };
                    self.session.take(now, happening, received);
                }
            }
        }
    }

    /// Goes on with a run whose port is ready, or whose time may have come.
    fn wake(&mut self, found: Ready, until: Option<Moment>, now: Moment, received: &mut Vec<u8>) -> Option<Verdict> {
        self.ready.readable |= found.readable;
        self.ready.writable |= found.writable;
        self.ready.hung_up |= found.hung_up;
        match self.look(until, received) {
            Some((now, happening)) => self.session.take(now, happening, received),
            None if until.is_some_and(|until| until <= now) => self.session.take(now, Happening::Nothing, &[]),
            None => {}
        }
        self.go_on(received)
    }

    /// Looks what the world has to tell, without waiting; `received` then holds the bytes that came, and no others.
    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        received.clear();
        let told = self.world.look(self.ready, until, received);
        // It is the last that a look does to read and to write, so what it did not tell of is not to be had.
        match &told {
            None | Some((_, Happening::Closed(_))) => self.ready = Ready::default(),
            // Less than there was room for is all there was.
            Some((_, Happening::Received)) => self.ready.readable = received.len() == received.capacity(),
            Some(_) => {}
        }
        told
    }
}
