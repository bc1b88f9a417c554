//! `Line`: the exchange of bytes over a descriptor that it owns, with deadlines and without a needless system call.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::clock::{Clock, Timeline};
use super::deadline::{first_part, sharpen_timers, timespec};
use super::effort::FULL;
use super::interrupt::Interrupt;
use super::not_open::NotOpen;
use super::watched::{Awaited, Interest, Ready};
use super::wire::{Opening, Taken, Wire};
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Happening, PortId, WriteToken};
use crate::time::Moment;

/// How much one read takes at most, if the buffer handed in is not larger.
pub(super) const READ_SIZE: usize = 16 * 1024;

/// How long the system may take to bring more after a read of [`FULL`] bytes.
const MORE_WITHIN: Duration = Duration::from_millis(5);

/// For so long after a read that emptied the port nothing is taken to have come: to read again would cost a tenth of a short
/// exchange, and a device that was asked nothing seldom speaks just then.
const FRESH: Duration = Duration::from_micros(50);

/// So much is read before a write at most, so that a device that never stops cannot hold it up.
const MOST_BEFORE_WRITE: usize = 256 * 1024;

/// The bytes of a port on their way in and out, and what is to be told of it.
///
/// The descriptor of `D` does not block.
#[derive(Debug)]
pub(super) struct Line<D> {
    /// `None` while there is no open port.
    port: Option<D>,
    /// While the port is being opened: when to go on with that if nothing is found of it.
    opening: Option<Moment>,
    /// Whether the port was away: what waits in it was said since it is back.
    is_again: bool,
    /// Why the port that was being opened is not open, until somebody asks.
    not_open: Option<NotOpen>,
    timeline: Timeline,
    interrupt: Interrupt,
    /// Whether the interrupt has been told; it is told once.
    heard: bool,
    news: VecDeque<News>,
    unsent: VecDeque<Unsent>,
    /// A write found nobody at the other end, which is told when nothing is left to read.
    is_failing: bool,
    /// What was found of the port and was not used up: callers that wait for several are told of bytes only once.
    ready: Ready,
    /// When a read last found that nothing more had come.
    emptied_at: Option<Moment>,
    /// When the run came back to wait, if it waits for this port alone and has not been told anything since.
    came_back: Option<Moment>,
}

/// What has happened and was not told.
#[derive(Debug)]
enum News {
    /// These bytes came.
    Came(Vec<u8>),
    /// Something else.
    Told(Happening),
}

/// Invariant: `written < bytes.len()`, or `bytes` is empty.
#[derive(Debug)]
struct Unsent {
    token: WriteToken,
    bytes: Vec<u8>,
    written: usize,
}

impl<D: Wire> Line<D> {
    /// Makes a line without a port, and with nothing to tell.
    pub(super) fn new(clock: Clock, interrupt: Interrupt) -> Line<D> {
        sharpen_timers();
        Line {
            port: None,
            opening: None,
            is_again: false,
            not_open: None,
            timeline: Timeline::new(clock),
            interrupt,
            heard: false,
            news: VecDeque::new(),
            unsent: VecDeque::new(),
            is_failing: false,
            ready: Ready::default(),
            emptied_at: None,
            came_back: None,
        }
    }

    /// Takes a port, and tells when it is open; what already waits in it then is told before, unless the other end began with
    /// the run. What opening takes goes on during waits; [`Line::take_not_open`] says whether it failed.
    pub(super) fn open(&mut self, port: D) {
        self.port = Some(port);
        self.is_again = false;
        self.go_on_opening();
    }

    /// Takes a port that was away, and tells when it is open; what already waits in it then is told afterwards.
    pub(super) fn open_again(&mut self, port: D) {
        self.port = Some(port);
        self.is_again = true;
        self.go_on_opening();
    }

    fn go_on_opening(&mut self) {
        self.opening = None;
        let now = self.now();
        let Some(port) = &mut self.port else { return };
        match port.go_on(now) {
            Ok(Opening::Until(moment)) => self.opening = Some(moment),
            Ok(Opening::Open) => {
                let is_of_the_run = self.is_again || port.begins_now();
                let mut waited = Vec::new();
                self.read_all(&mut waited);
                let came = (!waited.is_empty()).then_some(News::Came(waited));
                let told = News::Told(Happening::Opened(PortId::FIRST));
                let (first, then) = if is_of_the_run { (Some(told), came) } else { (came, Some(told)) };
                self.news.extend([first, then].into_iter().flatten());
                self.tell_note();
            }
            Err(failure) => {
                self.let_go();
                self.not_open = Some(failure);
            }
        }
    }

    /// Returns why the port that was being opened is not open, once: nothing else tells of it.
    pub(super) fn take_not_open(&mut self) -> Option<NotOpen> {
        self.not_open.take()
    }

    /// Whether a port was being opened and is not open, and nobody has asked why.
    pub(super) fn is_not_open(&self) -> bool {
        self.not_open.is_some()
    }

    /// Returns until when the port is being opened, if nothing is found of it before.
    pub(super) fn opening(&self) -> Option<Moment> {
        self.opening
    }

    /// Closes the port on purpose: what has not been reported of it is forgotten.
    pub(super) fn close(&mut self) {
        self.let_go();
        self.not_open = None;
        self.news.clear();
    }

    /// Lets go of a port that is still being opened; what has happened before is still told.
    pub(super) fn abandon(&mut self) {
        self.let_go();
    }

    /// Closes the port because something failed. If the other end is gone, waits find out by themselves, when they have
    /// read what is left.
    pub(super) fn lose(&mut self, reason: CloseReason) {
        if self.is_hung_up() {
            return;
        }
        self.let_go();
        self.tell(Happening::Closed(PortId::FIRST, reason));
    }

    /// Writes now what the system takes, and the rest during waits; without a port nothing.
    pub(super) fn write(&mut self, token: WriteToken, bytes: Vec<u8>) {
        if self.port.is_none() || self.opening.is_some() {
            return;
        }
        let must_queue = !self.unsent.is_empty() || self.is_failing;
        if bytes.is_empty() && !must_queue {
            return self.tell(Happening::Sent(token));
        }
        let unsent = Unsent { token, bytes, written: 0 };
        let left = if must_queue { Some(unsent) } else { self.attempt(unsent) };
        self.unsent.extend(left);
    }

    /// Forgets what the system has not taken.
    pub(super) fn discard_output(&mut self) {
        self.unsent.clear();
    }

    /// Waits as [`World::wait`](crate::world::World::wait) does; without a port, for time and interrupts only. It ends too when a
    /// port is not open that was being opened.
    pub(super) fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            if let Some(told) = self.look(until, received) {
                return told;
            }
            if self.not_open.is_some() {
                return self.timeline.at_once(Happening::Nothing);
            }
            let now = self.now();
            self.came_back.get_or_insert(now);
            match self.poll(until.map(|until| until.since(now))) {
                Ok(found) => self.found(found),
                Err(Errno::INTR) => continue,
                Err(errno) => {
                    let reason = self.fate(errno);
                    return self.closed(reason);
                }
            }
            if let Some(told) = self.look(until, received) {
                return told;
            }
            if self.not_open.is_some() || self.news.is_empty() && until.is_some_and(|until| self.now() >= until) {
                return self.timeline.at_once(Happening::Nothing);
            }
        }
    }

    /// Takes note of what the port was found ready for, for the looks that follow.
    pub(super) fn found(&mut self, found: Ready) {
        self.ready.readable |= found.readable;
        self.ready.writable |= found.writable;
        self.ready.hung_up |= found.hung_up;
    }

    /// Looks whether there is something to tell, given what the port was found ready for; never blocks. Bytes are
    /// appended to `received`.
    pub(super) fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if !self.heard && self.interrupt.is_raised() {
            self.heard = true;
            return Some(self.timeline.at_once(Happening::Interrupt));
        }
        if let Some(told) = self.news(received) {
            return Some(told);
        }
        if self.opening.is_some() {
            self.ready = Ready::default();
            self.go_on_opening();
            return self.news(received);
        }
        if std::mem::take(&mut self.ready.writable) {
            self.write_on();
        }
        if self.timeline.is_past(until) {
            return None;
        }
        let known = received.len();
        loop {
            let port = self.port.as_mut()?;
            let may_be_gone = self.ready.hung_up || self.is_failing;
            if !std::mem::take(&mut self.ready.readable) && !may_be_gone {
                return None;
            }
            let taken = port.read(received);
            self.tell_note();
            match taken {
                Ok(Taken { n: 0, .. }) => return Some(self.fall()),
                Ok(Taken { n, has_more }) => {
                    self.ready.readable = has_more;
                    // The port may have kept all of it to itself.
                    if received.len() == known {
                        continue;
                    }
                    let came_back = self.came_back.take();
                    if n >= FULL {
                        self.timeline.was_behind(came_back.unwrap_or_else(|| self.timeline.now()));
                    }
                    let now = self.timeline.in_time_for(until, n);
                    self.emptied_at = (n < FULL).then_some(now);
                    return Some((now, Happening::Received(PortId::FIRST)));
                }
                Err(Errno::AGAIN) if may_be_gone => return Some(self.fall()),
                Err(Errno::AGAIN) => return None,
                Err(errno) => {
                    let reason = self.fate(errno);
                    return Some(self.closed(reason));
                }
            }
        }
    }

    /// Returns the next thing that has happened already and was not told; never blocks.
    /// Bytes are appended to `received`.
    pub(super) fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let happening = match self.news.pop_front()? {
            News::Came(bytes) => {
                received.extend_from_slice(&bytes);
                Happening::Received(PortId::FIRST)
            }
            News::Told(happening) => happening,
        };
        if matches!(happening, Happening::Closed(PortId::FIRST, _)) {
            self.let_go();
        }
        Some(self.timeline.at_once(happening))
    }

    /// Reads what has come up to now, unless a read has just found that there is no more; never blocks for longer than the
    /// system takes to bring it. Bytes are appended to `received`.
    pub(super) fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let known = received.len();
        if self.emptied_at.is_none_or(|at| self.timeline.now() > at + FRESH) {
            self.read_all(received);
        }
        (received.len() > known).then(|| self.timeline.at_once(Happening::Received(PortId::FIRST)))
    }

    /// Returns whether something has happened that was not told.
    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Tells of something at the next wait.
    pub(super) fn tell(&mut self, happening: Happening) {
        self.news.push_back(News::Told(happening));
    }

    /// Returns the moment that a happening without a deadline of its own has.
    pub(super) fn now(&self) -> Moment {
        self.timeline.now()
    }

    /// Returns how long the run worked, in all, while the system kept a full buffer of input for it; 0 where one wait is
    /// for several ports.
    pub(super) fn behind(&self) -> Duration {
        self.timeline.behind()
    }

    /// Returns the port, if it is open.
    pub(super) fn port(&self) -> Option<&D> {
        self.port.as_ref()
    }

    /// Returns the port, if it is open, for what is no exchange of bytes.
    pub(super) fn port_mut(&mut self) -> Option<&mut D> {
        self.port.as_mut()
    }

    /// Returns whether bytes wait to be taken by the system.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Returns what to wait for, if the port is open.
    pub(super) fn awaited(&self) -> Option<Awaited<'_>> {
        let port = self.port.as_ref()?;
        let wants_room = port.wants_room() || (self.has_unsent() && port.takes_bytes());
        let interest = if wants_room { Interest::BytesOrRoom } else { Interest::Bytes };
        Some(Awaited { port: port.as_fd(), interest })
    }

    /// Returns whether the other end of the port is gone, in which case waits will tell of it.
    fn is_hung_up(&self) -> bool {
        self.port.is_some() && self.poll(Some(Duration::ZERO)).is_ok_and(|found| found.hung_up)
    }

    /// Lets go of the port and tells why.
    fn closed(&mut self, reason: CloseReason) -> (Moment, Happening) {
        self.let_go();
        self.timeline.at_once(Happening::Closed(PortId::FIRST, reason))
    }

    /// Closes the port because its other end is gone.
    fn fall(&mut self) -> (Moment, Happening) {
        let reason = self.gone();
        self.closed(reason)
    }

    /// Returns why the port is closed when its other end is gone.
    fn gone(&mut self) -> CloseReason {
        self.port.as_mut().map_or_else(CloseReason::unplugged, Wire::gone)
    }

    /// Tells what the port has to say to the user, if it has.
    fn tell_note(&mut self) {
        while let Some(note) = self.port.as_mut().and_then(Wire::note) {
            self.tell(Happening::Noted(PortId::FIRST, note));
        }
    }

    /// Closes the port and forgets what cannot be written any more; what has happened is still told.
    fn let_go(&mut self) {
        self.port = None;
        self.opening = None;
        self.unsent.clear();
        self.is_failing = false;
        self.ready = Ready::default();
        self.emptied_at = None;
    }

    /// Reads until there is no more. What else is found of the port is left to the next look.
    fn read_all(&mut self, received: &mut Vec<u8>) {
        let known = received.len();
        while let Some(port) = self.port.as_mut().filter(|_| self.opening.is_none()) {
            let n = match port.read(received) {
                Ok(Taken { n: 0, .. }) => return self.ready.hung_up = true,
                Ok(Taken { n, .. }) => n,
                Err(Errno::AGAIN) => 0,
                Err(_) => return self.ready.hung_up = true,
            };
            if received.len() - known >= MOST_BEFORE_WRITE {
                return self.ready.readable = true;
            }
            let has_more = n >= FULL && self.poll(Some(MORE_WITHIN)).is_ok_and(|found| found.readable);
            if !has_more {
                self.ready.readable = false;
                self.emptied_at = Some(self.timeline.now());
                return;
            }
        }
    }

    /// Returns why the port is closed after an error of read or write.
    fn fate(&mut self, errno: Errno) -> CloseReason {
        if means_hang_up(errno) {
            return self.gone();
        }
        let help = self.port.as_ref().and_then(|port| port.advice(errno));
        CloseReason::Broken { reason: in_words(&io::Error::from(errno)), help }
    }

    fn poll(&self, left: Option<Duration>) -> Result<Ready, Errno> {
        let timeout = left.map(first_part).map(timespec);
        let pipe = self.interrupt.descriptor();
        // Without a port its place is taken by the pipe, of which nothing is wanted.
        let (port, wanted) = match self.awaited() {
            None => (pipe, PollFlags::empty()),
            Some(Awaited { port, interest: Interest::Bytes }) => (port, PollFlags::IN),
            Some(Awaited { port, interest: Interest::BytesOrRoom }) => (port, PollFlags::IN | PollFlags::OUT),
        };
        let mut fds = [
            PollFd::from_borrowed_fd(port, wanted),
            PollFd::from_borrowed_fd(pipe, if self.heard { PollFlags::empty() } else { PollFlags::IN }),
        ];
        poll(&mut fds, timeout.as_ref())?;
        let found = fds[0].revents();
        Ok(Ready {
            readable: found.contains(PollFlags::IN),
            writable: found.contains(PollFlags::OUT),
            hung_up: found.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        })
    }

    /// Makes one attempt at writing the first of the unsent.
    fn write_on(&mut self) {
        if let Some(port) = &mut self.port {
            port.flush();
        }
        if let Some(first) = self.unsent.pop_front()
            && let Some(left) = self.attempt(first)
        {
            self.unsent.push_front(left);
        }
    }

    /// Makes one attempt at writing; returns what is to be tried again.
    fn attempt(&mut self, mut unsent: Unsent) -> Option<Unsent> {
        let port = self.port.as_mut()?;
        match port.write(&unsent.bytes[unsent.written..]) {
            Ok(n) => {
                unsent.written += n;
                if unsent.written < unsent.bytes.len() {
                    return Some(unsent);
                }
                self.tell(Happening::Sent(unsent.token));
                None
            }
            Err(Errno::AGAIN | Errno::INTR) => Some(unsent),
            Err(errno) => {
                self.unsent.clear();
                if means_hang_up(errno) {
                    self.is_failing = true;
                } else {
                    let reason = self.fate(errno);
                    self.tell(Happening::Closed(PortId::FIRST, reason));
                }
                None
            }
        }
    }
}

/// Says whether an error of read or write means that the other end is gone.
fn means_hang_up(errno: Errno) -> bool {
    matches!(errno, Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE | Errno::CONNRESET)
}

#[cfg(test)]
mod tests;
