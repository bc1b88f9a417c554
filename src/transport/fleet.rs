//! Several runs at once, each on a port of its own, in one thread that waits for all of them.

use std::io;
use std::time::Duration;

use self::batch::Batch;
pub(super) use self::lookout::Lookout;
use self::member::{Member, Stand};
use super::any::AnyPort;
use super::clock::Clock;
use super::effort::Round;
use super::interrupt::Interrupt;
use super::watched::Ready;
use crate::event::Verdict;
use crate::time::Moment;
use crate::world::Session;

mod batch;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
mod holding;
mod lookout;
mod member;
#[cfg(all(unix, any(test, not(any(target_os = "linux", target_os = "android")))))]
mod poll;
#[cfg(any(windows, test))]
mod threads;

/// Runs sessions on their ports, at most so many at once, and tells of each verdict when it is there.
///
/// The ports are on this clock and share this interrupt. `on_end` gets the number of the session, in the order given.
/// One wait is for all ports and the interrupt; a port that is ready then costs no more than it costs alone. Of many
/// that are ready at once, up to 16 are read before the first of them is written to. Returns how long the runs worked, at
/// most, while the system kept a full buffer of input for one of them.
///
/// # Errors
///
/// If the system cannot wait for so many ports.
pub fn run_all(
    sessions: Vec<(AnyPort, Session<'_>)>,
    at_most: usize,
    clock: Clock,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> io::Result<Duration> {
    run_with(&mut *lookout(interrupt)?, sessions, at_most, clock, interrupt, on_end)
}

/// Returns the wait for many ports that this system has; an interrupt ends it.
///
/// # Errors
///
/// The system gives none.
pub(super) fn lookout(interrupt: &Interrupt) -> io::Result<Box<dyn Lookout>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let lookout = epoll::Epoll::new(interrupt)?;
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    let lookout = poll::Poll::new(interrupt);
    #[cfg(windows)]
    let lookout = threads::Threads::new(interrupt);
    Ok(Box::new(lookout))
}

/// Runs sessions as [`run_all`] does.
fn run_with(
    lookout: &mut dyn Lookout,
    sessions: Vec<(AnyPort, Session<'_>)>,
    at_most: usize,
    clock: Clock,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> io::Result<Duration> {
    let members = sessions.into_iter().map(|(port, session)| Member::new(port, session)).collect();
    let round = Round::new(clock.now());
    let mut fleet = Fleet { members, lookout, batch: Batch::new(), round, n_begun: 0, n_running: 0, look_at: None };
    let mut ready = Vec::new();
    let at_most = at_most.max(1);
    loop {
        while fleet.n_running < at_most && fleet.n_begun < fleet.members.len() {
            fleet.begin_next(on_end)?;
        }
        if fleet.n_running == 0 {
            return Ok(fleet.members.iter().map(|member| member.backlog.behind()).max().unwrap_or_default());
        }
        let now = clock.now();
        fleet.round.rests(now);
        fleet.lookout.wait(fleet.look_at.map(|at| at.since(now)), &mut ready)?;
        let now = clock.now();
        fleet.round.wakes(now);
        fleet.wake(ready.drain(..), now, on_end)?;
        if interrupt.is_raised() || fleet.look_at.is_some_and(|at| at <= now) {
            fleet.wake_due(now, interrupt.is_raised(), on_end)?;
        }
    }
}

/// All runs, and what they share.
struct Fleet<'a, 'l> {
    members: Vec<Member<'a>>,
    lookout: &'l mut dyn Lookout,
    batch: Batch,
    round: Round,
    /// The first so many have begun.
    n_begun: usize,
    n_running: usize,
    /// No run goes on by itself before this; it may be earlier than needed, since most runs go on because of what
    /// comes, and what they had waited for is then forgotten.
    look_at: Option<Moment>,
}

impl Fleet<'_, '_> {
    /// Begins the next run that has not begun.
    fn begin_next(&mut self, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let index = self.n_begun;
        self.n_begun += 1;
        self.n_running += 1;
        let member = &mut self.members[index];
        self.lookout.watch(index, member.port.watched())?;
        member.begin(&mut Vec::new(), &self.round);
        self.note(index, on_end)
    }

    /// Goes on with runs, if they wait: something was found of their ports, or their time may have come.
    fn wake(
        &mut self,
        found: impl IntoIterator<Item = (usize, Ready)>,
        now: Moment,
        on_end: &mut dyn FnMut(usize, Verdict),
    ) -> io::Result<()> {
        let mut found = found.into_iter().peekable();
        while found.peek().is_some() {
            let turned: Vec<usize> = self.batch.turn(&mut self.members, &mut found, now, &self.round).collect();
            for index in turned {
                self.note(index, on_end)?;
            }
        }
        Ok(())
    }

    /// Goes on with every run whose time has come, or with all, and looks when the next is due.
    fn wake_due(&mut self, now: Moment, all: bool, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let is_due = |member: &Member<'_>| match member.stand {
            Stand::Waiting(until) => all || until.is_some_and(|until| until <= now),
            Stand::Queued | Stand::Ended(_) | Stand::Over => false,
        };
        let due = self.members.iter().enumerate().filter(|(_, member)| is_due(member)).map(|(index, _)| index);
        let due: Vec<usize> = due.collect();
        self.wake(due.into_iter().map(|index| (index, Ready::default())), now, on_end)?;
        self.look_at = self.members[..self.n_begun].iter().filter_map(|member| member.stand.until()).min();
        Ok(())
    }

    /// Takes note of how far a run is now.
    fn note(&mut self, index: usize, on_end: &mut dyn FnMut(usize, Verdict)) -> io::Result<()> {
        let member = &mut self.members[index];
        self.lookout.watch(index, member.port.watched())?;
        self.look_at = self.look_at.into_iter().chain(member.stand.until()).min();
        if let Stand::Ended(verdict) = member.stand {
            self.members[index].stand = Stand::Over;
            self.n_running -= 1;
            on_end(index, verdict);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
