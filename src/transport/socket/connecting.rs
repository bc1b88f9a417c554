//! `Connecting`: a connection that comes about while others go on.

use std::collections::VecDeque;
use std::io::{self, PipeWriter, pipe};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

use super::CONNECT_WITHIN;
use super::advice::{not_connected, not_found, too_late};
use crate::address::Endpoint;
use crate::event::CloseReason;
use crate::time::Moment;
use crate::transport::words::in_words;

/// A connection to a host that is not there yet. Its owner keeps one descriptor, which is found ready when there is
/// something to go on with.
#[derive(Debug)]
pub(super) struct Connecting {
    to: Endpoint,
    /// When to give up; known when it was first gone on with.
    until: Option<Moment>,
    stage: Stage,
    /// The descriptors before the present one. They stay open, so that each has a number of its own: a wait knows
    /// descriptors by their numbers.
    before: Vec<OwnedFd>,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// A thread asks where the host is, and hangs up the pipe when it knows.
    Resolving { found: Found },
    /// The descriptor is a socket that connects to one address until a moment; then these are tried.
    Trying { until: Moment, left: VecDeque<SocketAddr> },
}

/// Where a host is, as soon as a thread has found out.
type Found = Arc<Mutex<Option<io::Result<Vec<SocketAddr>>>>>;

impl Connecting {
    /// Begins to look for the host; returns the first descriptor too.
    ///
    /// # Errors
    ///
    /// The system has no pipe or thread left.
    pub(super) fn begin(to: &Endpoint) -> Result<(OwnedFd, Connecting), CloseReason> {
        let cannot = |error: io::Error| CloseReason::CannotOpen { reason: in_words(&error), help: None };
        let (hangs_up, holds) = pipe().map_err(cannot)?;
        let found = Found::default();
        match to.host().parse::<IpAddr>() {
            Ok(number) => tell(&found, Ok(vec![(number, to.port()).into()])),
            Err(_) => resolve(to, holds, found.clone()).map_err(cannot)?,
        }
        let stage = Stage::Resolving { found };
        Ok((hangs_up.into(), Connecting { to: to.clone(), until: None, stage, before: Vec::new() }))
    }

    /// Goes on. The descriptor may be another one afterwards.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub(super) fn go_on(&mut self, descriptor: &mut OwnedFd, now: Moment) -> Result<Step, CloseReason> {
        let last = *self.until.get_or_insert(now + CONNECT_WITHIN);
        if let Stage::Resolving { found } = &self.stage {
            let Some(found) = found.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return if now < last { Ok(Step::Until(last)) } else { Err(too_late(&self.to, false)) };
            };
            let addresses = found.map_err(|error| not_found(&self.to, &in_words(&error)))?;
            let nothing = not_found(&self.to, "it has no address");
            self.try_next(descriptor, addresses.into(), now, nothing)?;
        }
        while let Stage::Trying { until, left } = &mut self.stage {
            let failure = match outcome(descriptor) {
                Outcome::Connected => return Ok(Step::Connected),
                Outcome::Pending if now < *until => return Ok(Step::Until(*until)),
                Outcome::Pending => too_late(&self.to, true),
                Outcome::Failed(errno) => not_connected(&self.to, &errno.into()),
            };
            let left = std::mem::take(left);
            self.try_next(descriptor, left, now, failure)?;
        }
        Ok(Step::Until(last))
    }

    /// Whether room is waited for, which a socket has when it is connected.
    pub(super) fn wants_room(&self) -> bool {
        match self.stage {
            Stage::Resolving { .. } => false,
            Stage::Trying { .. } => true,
        }
    }

    /// Begins to try the first address to which a connection can be begun; `failure` is what to say if there is none.
    fn try_next(
        &mut self,
        descriptor: &mut OwnedFd,
        mut left: VecDeque<SocketAddr>,
        now: Moment,
        mut failure: CloseReason,
    ) -> Result<(), CloseReason> {
        let last = self.until.unwrap_or(now);
        while let Some(address) = left.pop_front() {
            match begin(address) {
                Ok(socket) => {
                    self.before.push(std::mem::replace(descriptor, socket));
                    let until = share(now, last, left.len());
                    self.stage = Stage::Trying { until, left };
                    return Ok(());
                }
                Err(errno) => failure = not_connected(&self.to, &errno.into()),
            }
        }
        Err(failure)
    }
}

/// What going on led to.
#[derive(Debug)]
pub(super) enum Step {
    /// The descriptor is a socket that is connected.
    Connected,
    /// It goes on when the descriptor is found ready, or at this moment.
    Until(Moment),
}

enum Outcome {
    Connected,
    Pending,
    Failed(Errno),
}

/// Asks in a thread of its own where a host is: the system's answer can take long, and cannot be waited for together with
/// ports. Nobody waits for a thread whose answer comes too late.
fn resolve(to: &Endpoint, holds: PipeWriter, found: Found) -> io::Result<()> {
    let (host, port) = (to.host().to_string(), to.port());
    let ask = move || {
        let answer = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        tell(&found, answer);
        drop(holds);
    };
    thread::Builder::new().name("name server".to_string()).spawn(ask).map(drop)
}

fn tell(found: &Found, answer: io::Result<Vec<SocketAddr>>) {
    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
}

/// Begins a connection to an address.
fn begin(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    // macOS has no call that does all of it.
    let socket = socket(family, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, true)?;
    // Commands are short and wait for their answers: a byte that waits for company would delay each.
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_socket_keepalive(&socket, true)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

/// Returns until when an address is tried, so that `n` others have their turn too.
fn share(now: Moment, until: Moment, n: usize) -> Moment {
    let parts = u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    now + until.since(now) / parts
}

fn outcome(socket: &OwnedFd) -> Outcome {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(0) | Err(Errno::INTR) => return Outcome::Pending,
        Ok(_) => {}
        Err(errno) => return Outcome::Failed(errno),
    }
    match sockopt::socket_error(socket) {
        Ok(Ok(())) => Outcome::Connected,
        Ok(Err(errno)) | Err(errno) => Outcome::Failed(errno),
    }
}
