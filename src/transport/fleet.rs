//! Several runs at once, each on a port of its own, in one thread that waits for all of them.

use std::io;
use std::time::Duration;

use rustix::event::Timespec;

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
}

/// How far a run is, kept apart from the runs themselves: all of them are looked at after each wait.
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
    let members = sessions.into_iter().map(|(port, session)| Member { world: world(&port), session });
    let mut members: Vec<Member<'_>> = members.collect();
    let mut stands = vec![Stand::Queued; members.len()];
    let mut waiter = Waiter::new(interrupt)?;
    let mut received = Vec::with_capacity(16 * 1024);
    let mut ready: Vec<(usize, Ready)> = Vec::new();
    let mut next = 0;
    loop {
        let n_running = stands.iter().filter(|stand| matches!(stand, Stand::Waiting(_))).count();
        for _ in n_running..at_most.max(1).min(members.len()) {
            let Some(member) = members.get_mut(next) else { break };
            stands[next] = member.go_on(&mut received, &mut |verdict| on_end(next, verdict));
            waiter.watch(next, member.world.awaited())?;
            next += 1;
        }
        if stands.iter().all(|stand| *stand == Stand::Over) {
            return Ok(());
        }
        if !stands.iter().any(|stand| matches!(stand, Stand::Waiting(_))) {
            continue;
        }
        waiter.wait(soonest(&stands).map(|until| until.since(clock.now())), &mut ready)?;
        let now = clock.now();
        let is_interrupted = interrupt.is_raised();
        let mut wake = |index: usize, found: Ready, stands: &mut [Stand], waiter: &mut Waiter| {
            let Stand::Waiting(until) = stands[index] else { return Ok(()) };
            let member = &mut members[index];
            stands[index] = member.wake(found, until, now, &mut received, &mut |verdict| on_end(index, verdict));
            waiter.watch(index, member.world.awaited())
        };
        for (index, found) in ready.drain(..) {
            wake(index, found, &mut stands, &mut waiter)?;
        }
        for index in 0..next {
            let is_due = matches!(stands[index], Stand::Waiting(until) if until.is_some_and(|until| until <= now));
            if is_due || is_interrupted {
                wake(index, Ready::default(), &mut stands, &mut waiter)?;
            }
        }
    }
}

/// Returns the first moment at which a run goes on by itself.
fn soonest(stands: &[Stand]) -> Option<Moment> {
    let until = |stand: &Stand| match stand {
        Stand::Waiting(until) => *until,
        Stand::Queued | Stand::Over => None,
    };
    stands.iter().filter_map(until).min()
}

impl Member<'_> {
    /// Does everything that can be done without waiting.
    fn go_on(&mut self, received: &mut Vec<u8>, on_end: &mut dyn FnMut(Verdict)) -> Stand {
        loop {
            match self.session.until_wait(&mut self.world) {
                Next::Over(verdict) => {
                    on_end(verdict);
                    return Stand::Over;
                }
                Next::Wait(until) => {
                    received.clear();
                    // What the world has to tell already, that a write has left for instance, needs no waiting.
                    let Some((now, happening)) = self.world.look(Ready::default(), until, received) else {
                        let stage = self.world.stage_until();
                        return Stand::Waiting([until, stage].into_iter().flatten().min());
                    };
                    self.session.take(now, happening, received);
                }
            }
        }
    }

    /// Goes on with a run whose port is ready, or whose time has come.
    fn wake(
        &mut self,
        found: Ready,
        until: Option<Moment>,
        now: Moment,
        received: &mut Vec<u8>,
        on_end: &mut dyn FnMut(Verdict),
    ) -> Stand {
        received.clear();
        match self.world.look(found, until, received) {
            Some((now, happening)) => self.session.take(now, happening, received),
            None if until.is_some_and(|until| until <= now) => self.session.take(now, Happening::Nothing, &[]),
            None => {}
        }
        self.go_on(received, on_end)
    }
}

/// Returns a length of time as the system wants it.
fn timespec(span: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX), tv_nsec: span.subsec_nanos().into() }
}
