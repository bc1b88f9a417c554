//! `Fleet`: several runs at once, each on a port of its own, in one thread that waits for all of them.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::line::Ready;
use super::serial::SerialWorld;
use super::{Clock, Interrupt};
use crate::event::Verdict;
use crate::time::Moment;
use crate::world::{Happening, Next, Session};

/// One run of a fleet.
struct Member<'a> {
    world: SerialWorld,
    session: Session<'a>,
    until: Option<Moment>,
    state: Stand,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// It has not begun: others must end first.
    Queued,
    /// It waits for its port or its time.
    Waiting,
    /// It is over.
    Over,
}

/// Runs sessions on their ports, at most so many at once, and tells of each verdict when it is there.
///
/// `on_end` gets the number of the session, in the order given. One `poll` waits for all ports and the interrupt;
/// each port that is ready costs one `read`, as it does alone.
///
/// # Errors
///
/// If the system can not wait for so many ports.
pub fn run_all<'a>(
    sessions: Vec<(String, Session<'a>)>,
    at_most: usize,
    clock: Clock,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> io::Result<()> {
    let mut members: Vec<Member<'a>> = sessions
        .into_iter()
        .map(|(port, session)| Member {
            world: SerialWorld::new(&port, clock, interrupt.clone()),
            session,
            until: None,
            state: Stand::Queued,
        })
        .collect();
    let mut received = Vec::with_capacity(16 * 1024);
    let mut ready: Vec<(usize, Ready)> = Vec::new();
    let mut free = at_most.max(1);
    let mut next = 0;
    loop {
        while free > 0 && next < members.len() {
            free -= 1;
            let over = members[next].go_on(&mut received);
            if let Some(verdict) = over {
                free += 1;
                on_end(next, verdict);
            }
            next += 1;
        }
        if members.iter().all(|member| member.state == Stand::Over) {
            return Ok(());
        }
        wait_for(&members, clock, interrupt, &mut ready)?;
        let now = clock.now();
        let is_interrupted = interrupt.is_raised();
        for (index, member) in members.iter_mut().enumerate() {
            if member.state != Stand::Waiting {
                continue;
            }
            let at = ready.binary_search_by_key(&index, |(index, _)| *index);
            let found = at.map_or(Ready::default(), |at| ready[at].1);
            let is_due = member.until.is_some_and(|until| until <= now);
            if at.is_err() && !is_due && !is_interrupted {
                continue;
            }
            if let Some(verdict) = member.wake(found, now, &mut received) {
                free += 1;
                on_end(index, verdict);
            }
        }
    }
}

impl Member<'_> {
    /// Does everything that can be done without waiting; returns the verdict when the run is over.
    fn go_on(&mut self, received: &mut Vec<u8>) -> Option<Verdict> {
        loop {
            match self.session.until_wait(&mut self.world) {
                Next::Over(verdict) => {
                    self.state = Stand::Over;
                    return Some(verdict);
                }
                Next::Wait(until) => {
                    self.state = Stand::Waiting;
                    received.clear();
                    // What the world has to tell already, that a write has left for instance, needs no waiting.
                    let Some((now, happening)) = self.world.look(Ready::default(), until, received) else {
                        let stage = self.world.stage_until();
                        self.until = [until, stage].into_iter().flatten().min();
                        return None;
                    };
                    self.session.take(now, happening, received);
                }
            }
        }
    }

    /// Goes on with a run whose port is ready, or whose time has come.
    fn wake(&mut self, found: Ready, now: Moment, received: &mut Vec<u8>) -> Option<Verdict> {
        received.clear();
        match self.world.look(found, self.until, received) {
            Some((now, happening)) => self.session.take(now, happening, received),
            None if self.until.is_some_and(|until| until <= now) => self.session.take(now, Happening::Nothing, &[]),
            None => {}
        }
        self.go_on(received)
    }
}

/// Waits until a port is ready, a moment has come or someone interrupts; `ready` gets what is ready, by number.
fn wait_for(
    members: &[Member<'_>],
    clock: Clock,
    interrupt: &Interrupt,
    ready: &mut Vec<(usize, Ready)>,
) -> io::Result<()> {
    ready.clear();
    let mut numbers: Vec<usize> = Vec::with_capacity(members.len());
    let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(members.len() + 1);
    let mut until: Option<Moment> = None;
    for (index, member) in members.iter().enumerate() {
        if member.state != Stand::Waiting {
            continue;
        }
        until = [until, member.until].into_iter().flatten().min();
        if let Some((fd, wants_writing)) = member.world.awaited() {
            let fd: BorrowedFd<'_> = fd;
            let wanted = if wants_writing { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            numbers.push(index);
            fds.push(PollFd::from_borrowed_fd(fd, wanted));
        }
    }
    if !interrupt.is_raised() {
        fds.push(PollFd::from_borrowed_fd(interrupt.descriptor(), PollFlags::IN));
    }
    let left = until.map(|until| timespec(until.since(clock.now())));
    match poll(&mut fds, left.as_ref()) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    }
    for (number, fd) in numbers.into_iter().zip(&fds) {
        let events = fd.revents();
        if !events.is_empty() {
            let found = Ready {
                readable: events.contains(PollFlags::IN),
                writable: events.contains(PollFlags::OUT),
                hung_up: events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
            };
            ready.push((number, found));
        }
    }
    Ok(())
}

fn timespec(span: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX), tv_nsec: span.subsec_nanos().into() }
}
