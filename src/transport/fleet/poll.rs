//! `Poll`: the wait for many descriptors on any Unix.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::lookout::Lookout;
use crate::transport::deadline::{first_part, timespec};
use crate::transport::interrupt::Interrupt;
use crate::transport::watched::{Awaited, Interest, Ready, Watched};

/// Waits with poll.
pub(super) struct Poll {
    watched: Vec<Option<(RawFd, Interest)>>,
    interrupt: Interrupt,
}

impl Poll {
    /// Makes a wait that an interrupt ends.
    pub(super) fn new(interrupt: &Interrupt) -> Poll {
        Poll { watched: Vec::new(), interrupt: interrupt.clone() }
    }
}

impl Lookout for Poll {
    fn watch(&mut self, number: usize, port: &mut dyn Watched) -> io::Result<()> {
        if self.watched.len() <= number {
            self.watched.resize(number + 1, None);
        }
        self.watched[number] = port.awaited().map(|Awaited { port, interest }| (port.as_raw_fd(), interest));
        Ok(())
    }

    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
        ready.clear();
        let mut numbers = Vec::new();
        let mut fds = Vec::new();
        for (number, watched) in self.watched.iter().enumerate() {
            let Some((fd, interest)) = watched else { continue };
            let wanted = match interest {
                Interest::Bytes => PollFlags::IN,
                Interest::BytesOrRoom => PollFlags::IN | PollFlags::OUT,
            };
            // SAFETY: `watch` is told when a descriptor is closed, so all of these are open.
            let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
            numbers.push(number);
            fds.push(PollFd::from_borrowed_fd(fd, wanted));
        }
        if !self.interrupt.is_raised() {
            fds.push(PollFd::from_borrowed_fd(self.interrupt.descriptor(), PollFlags::IN));
        }
        let left = left.map(first_part).map(timespec);
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
}
