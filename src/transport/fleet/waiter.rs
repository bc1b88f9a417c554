//! `Waiter`: the wait for many descriptors; what it costs does not grow with their number where the system can do that.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::Waiter;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use portable::Waiter;

use std::io;
use std::time::Duration;

use super::{Lookout, Watched};
use crate::port::Happening;
use crate::time::Moment;
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::medium::PortOn;
use crate::transport::serial::Serial;
use crate::transport::watched::Ready;

impl Lookout for Waiter {
    type World = PortOn<Serial>;

    fn world(&self, _number: usize, port: &str, clock: Clock, interrupt: &Interrupt) -> PortOn<Serial> {
        PortOn::new(Serial::new(port), clock, interrupt.clone())
    }

    fn watch(&mut self, number: usize, world: &PortOn<Serial>) -> io::Result<()> {
        Waiter::watch(self, number, world.awaited())
    }

    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
        Waiter::wait(self, left, ready)
    }
}

impl Watched for PortOn<Serial> {
    type Found = Ready;

    fn found(&mut self, found: Ready) {
        PortOn::found(self, found);
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        PortOn::look(self, until, received)
    }

    fn stage_until(&mut self) -> Option<Moment> {
        self.advance()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd, RawFd};
    use std::time::Duration;

    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    use crate::transport::deadline::{first_part, timespec};
    use crate::transport::interrupt::Interrupt;
    use crate::transport::watched::{Awaited, Interest, Ready};

    /// The number under which the interrupt is watched.
    const INTERRUPT: u64 = u64::MAX;

    /// Waits with epoll. While nothing is to be written to a port, what it is ready for is told once: when bytes come, or
    /// when it is hung up.
    pub(crate) struct Waiter {
        epoll: OwnedFd,
        /// What is watched for each number: a descriptor, and what it is to be ready for.
        watched: Vec<Option<(RawFd, Interest)>>,
        events: Vec<Event>,
        interrupt: Interrupt,
        has_interrupt: bool,
    }

    impl Waiter {
        /// Makes a waiter that an interrupt wakes.
        pub(crate) fn new(interrupt: &Interrupt) -> io::Result<Waiter> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            epoll::add(&epoll, interrupt.descriptor(), EventData::new_u64(INTERRUPT), EventFlags::IN)?;
            let interrupt = interrupt.clone();
            Ok(Waiter { epoll, watched: Vec::new(), events: Vec::with_capacity(256), interrupt, has_interrupt: true })
        }

        /// Watches a descriptor under a number from now on; a descriptor that was closed is forgotten by itself.
        pub(crate) fn watch(&mut self, number: usize, port: Option<Awaited<'_>>) -> io::Result<()> {
            if self.watched.len() <= number {
                self.watched.resize(number + 1, None);
            }
            let wanted = port.map(|Awaited { port, interest }| (port.as_raw_fd(), interest));
            if self.watched[number] == wanted {
                return Ok(());
            }
            if let Some(Awaited { port, interest }) = port {
                // Bytes that can be read are told of once: to ask a terminal again and again whether there are more
                // costs as much as reading them.
                let flags = match interest {
                    Interest::Bytes => EventFlags::IN | EventFlags::ET,
                    Interest::BytesOrRoom => EventFlags::IN | EventFlags::OUT,
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

        /// Waits until a descriptor is ready or that time has passed, or a part of it: who waits for a moment looks at the
        /// clock and waits again. `ready` gets what is ready, by number.
        pub(crate) fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
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
                        hung_up: flags.intersects(EventFlags::HUP | EventFlags::ERR),
                    };
                    ready.push((number as usize, found));
                }
            }
            Ok(())
        }

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
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    use crate::transport::deadline::{first_part, timespec};
    use crate::transport::interrupt::Interrupt;
    use crate::transport::watched::{Awaited, Ready};

    /// Waits with poll.
    pub struct Waiter {
        watched: Vec<Option<(RawFd, Interest)>>,
        interrupt: Interrupt,
    }

    impl Waiter {
        /// Makes a waiter that an interrupt wakes.
        pub fn new(interrupt: &Interrupt) -> io::Result<Waiter> {
            Ok(Waiter { watched: Vec::new(), interrupt: interrupt.clone() })
        }

        /// Watches a descriptor under a number from now on; `None` when it has been closed.
        pub fn watch(&mut self, number: usize, port: Option<Awaited<'_>>) -> io::Result<()> {
            if self.watched.len() <= number {
                self.watched.resize(number + 1, None);
            }
            self.watched[number] = port.map(|Awaited { port, interest }| (port.as_raw_fd(), interest));
            Ok(())
        }

        /// Waits until a descriptor is ready or that time has passed; `ready` gets what is ready, by number.
        pub fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
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
}
