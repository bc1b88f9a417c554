//! `Epoll`: the wait for many descriptors on Linux; what it costs does not grow with their number.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::lookout::Lookout;
use crate::transport::deadline::{first_part, timespec};
use crate::transport::interrupt::Interrupt;
use crate::transport::watched::{Awaited, Interest, Ready, Watched};

/// The number under which the interrupt is watched.
const INTERRUPT: u64 = u64::MAX;

/// Waits with epoll. While nothing is to be written to a port, what it is ready for is told once: when bytes come, or
/// when it is hung up.
pub(super) struct Epoll {
    epoll: OwnedFd,
    /// What is watched for each number: a descriptor, and what it is to be ready for.
    watched: Vec<Option<(RawFd, Interest)>>,
    events: Vec<Event>,
    interrupt: Interrupt,
    has_interrupt: bool,
}

impl Epoll {
    /// Makes a wait that an interrupt ends.
    pub(super) fn new(interrupt: &Interrupt) -> io::Result<Epoll> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, interrupt.descriptor(), EventData::new_u64(INTERRUPT), EventFlags::IN)?;
        let interrupt = interrupt.clone();
        Ok(Epoll { epoll, watched: Vec::new(), events: Vec::with_capacity(256), interrupt, has_interrupt: true })
    }
}

impl Lookout for Epoll {
    fn watch(&mut self, number: usize, port: &mut dyn Watched) -> io::Result<()> {
        if self.watched.len() <= number {
            self.watched.resize(number + 1, None);
        }
        let port = port.awaited();
        let wanted = port.map(|Awaited { port, interest }| (port.as_raw_fd(), interest));
        if self.watched[number] == wanted {
            return Ok(());
        }
        if let Some(Awaited { port, interest }) = port {
            // Bytes that can be read are said once: to ask a terminal again and again whether there are more costs as
            // much as reading them. A connection that is closed is said with its last bytes, and never again.
            let flags = match interest {
                Interest::Bytes => EventFlags::IN | EventFlags::RDHUP | EventFlags::ET,
                Interest::BytesOrRoom => EventFlags::IN | EventFlags::RDHUP | EventFlags::OUT,
            };
            let data = EventData::new_u64(number as u64);
            match epoll::add(&self.epoll, port, data, flags) {
                Err(Errno::EXIST) => epoll::modify(&self.epoll, port, data, flags)?,
                added => added?,
            }
        }
        self.watched[number] = wanted;
        Ok(())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.as_fd())
    }

    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
        ready.clear();
        if self.has_interrupt && self.interrupt.is_raised() {
            // It stays raised: who was told of it need not be woken by it again and again.
            epoll::delete(&self.epoll, self.interrupt.descriptor())?;
            self.has_interrupt = false;
        }
        self.events.clear();
        match self.wait_for_events(left) {
            Ok(()) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
        for event in &self.events {
            let number = event.data.u64();
            if number != INTERRUPT {
                let flags = event.flags;
                let found = Ready {
                    readable: flags.contains(EventFlags::IN),
                    writable: flags.contains(EventFlags::OUT),
                    hung_up: flags.intersects(EventFlags::HUP | EventFlags::RDHUP | EventFlags::ERR),
                };
                ready.push((number as usize, found));
            }
        }
        Ok(())
    }
}

impl Epoll {
    /// Waits for events, or for a part of the time: epoll counts whole milliseconds, poll counts nanoseconds and can
    /// wait for what epoll would tell.
    fn wait_for_events(&mut self, left: Option<Duration>) -> Result<(), Errno> {
        let left = left.map(first_part);
        let mut whole = left.map(|left| timespec(Duration::from_millis(left.as_millis() as u64)));
        if let Some(left) = left.filter(|left| !left.is_zero() && *left < Duration::from_millis(1)) {
            poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&timespec(left)))?;
            whole = Some(timespec(Duration::ZERO));
        }
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), whole.as_ref()).map(|_| ())
    }
}
