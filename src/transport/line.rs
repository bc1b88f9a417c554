//! `Line`: the exchange of bytes over a descriptor that it owns, with deadlines and without a needless system call.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};

use super::clock::{Clock, Timeline};
use super::deadline::{first_part, sharpen_timers, timespec};
use super::interrupt::Interrupt;
use super::watched::{Awaited, Interest, Ready};
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Happening, PortId, WriteToken};
use crate::time::Moment;

/// How much one read takes at most, if the buffer handed in is not larger.
const READ_SIZE: usize = 16 * 1024;

/// A read that gives so much may have emptied no more than the terminal's first buffer: Linux keeps 4096 bytes in it, and
/// brings what else has come when there is room again.
const FULL: usize = 4095;

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
    /// Makes the reason for which a port is closed whose other end is gone.
    hung_up: fn() -> CloseReason,
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

impl<D: AsFd> Line<D> {
    /// Makes a line without a port, and with nothing to tell; `hung_up` says why a port is closed whose other end is
    /// gone.
    pub(super) fn new(clock: Clock, interrupt: Interrupt, hung_up: fn() -> CloseReason) -> Line<D> {
        sharpen_timers();
        Line {
            port: None,
            timeline: Timeline::new(clock),
            interrupt,
            heard: false,
            news: VecDeque::new(),
            unsent: VecDeque::new(),
            is_failing: false,
            ready: Ready::default(),
            hung_up,
            emptied_at: None,
            came_back: None,
        }
    }

    /// Takes a port, and tells that it is open; what already waits in it is told before.
    pub(super) fn open(&mut self, port: D) {
        self.port = Some(port);
        let mut waited = Vec::new();
        self.read_all(&mut waited);
        if !waited.is_empty() {
            self.news.push_back(News::Came(waited));
        }
        self.tell(Happening::Opened(PortId::FIRST));
    }

    /// Closes the port on purpose: what has not been reported of it is forgotten.
    pub(super) fn close(&mut self) {
        self.let_go();
        self.news.clear();
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
        if self.port.is_none() {
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

    /// Waits as [`World::wait`](crate::world::World::wait) does; without a port, for time and interrupts only.
    pub(super) fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            if let Some(told) = self.look(until, received) {
                return told;
            }
            let now = self.now();
            self.came_back.get_or_insert(now);
            match self.poll(until.map(|until| until.since(now))) {
                Ok(found) => self.found(found),
                Err(Errno::INTR) => continue,
                Err(errno) => return self.closed(self.fate(errno)),
            }
            if let Some(told) = self.look(until, received) {
                return told;
            }
            if self.news.is_empty() && until.is_some_and(|until| self.now() >= until) {
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
        if std::mem::take(&mut self.ready.writable) {
            self.write_on();
        }
        let port = self.port.as_ref()?;
        let may_be_gone = self.ready.hung_up || self.is_failing;
        if !std::mem::take(&mut self.ready.readable) && !may_be_gone {
            return None;
        }
        received.reserve(READ_SIZE);
        match rustix::io::retry_on_intr(|| read(port, spare_capacity(received))) {
            Ok(0) => Some(self.closed((self.hung_up)())),
            Ok(n) => {
                // Less than there was room for is all there was.
                self.ready.readable = received.len() == received.capacity();
                let came_back = self.came_back.take();
                if n >= FULL {
                    self.timeline.was_behind(came_back.unwrap_or_else(|| self.timeline.now()));
                }
                let now = self.timeline.in_time_for(until);
                self.emptied_at = (n < FULL).then_some(now);
                Some((now, Happening::Received(PortId::FIRST)))
            }
            Err(Errno::AGAIN) if may_be_gone => Some(self.closed((self.hung_up)())),
            Err(Errno::AGAIN) => None,
            Err(errno) => Some(self.closed(self.fate(errno))),
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
        let port = self.port.as_ref()?.as_fd();
        let interest = if self.has_unsent() { Interest::BytesOrRoom } else { Interest::Bytes };
        Some(Awaited { port, interest })
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

    /// Closes the port and forgets what can not be written any more; what has happened is still told.
    fn let_go(&mut self) {
        self.port = None;
        self.unsent.clear();
        self.is_failing = false;
        self.ready = Ready::default();
        self.emptied_at = None;
    }

    /// Reads until there is no more. What else is found of the port is left to the next look.
    fn read_all(&mut self, received: &mut Vec<u8>) {
        let known = received.len();
        while let Some(port) = self.port.as_ref() {
            // Mostly there is nothing: no run keeps room for it.
            let mut room = [MaybeUninit::uninit(); FULL + 1];
            let n = match read(port, &mut room[..]) {
                Ok(([], _)) => return self.ready.hung_up = true,
                Ok((bytes, _)) => {
                    received.extend_from_slice(bytes);
                    bytes.len()
                }
                Err(Errno::INTR) => continue,
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
    fn fate(&self, errno: Errno) -> CloseReason {
        if means_hang_up(errno) {
            return (self.hung_up)();
        }
        CloseReason::Broken { reason: in_words(&io::Error::from(errno)), help: None }
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
        if let Some(first) = self.unsent.pop_front()
            && let Some(left) = self.attempt(first)
        {
            self.unsent.push_front(left);
        }
    }

    /// Makes one attempt at writing; returns what is to be tried again.
    fn attempt(&mut self, mut unsent: Unsent) -> Option<Unsent> {
        let port = self.port.as_ref()?;
        match write(port, &unsent.bytes[unsent.written..]) {
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
                    self.tell(Happening::Closed(PortId::FIRST, self.fate(errno)));
                }
                None
            }
        }
    }
}

/// Says whether an error of read or write means that the other end is gone.
fn means_hang_up(errno: Errno) -> bool {
    matches!(errno, Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::pipe::pipe;

    use super::*;

    /// Returns a line without a port.
    fn closed<D: AsFd>() -> (Line<D>, Interrupt) {
        let interrupt = Interrupt::new().expect("a pipe");
        (Line::new(Clock::start(), interrupt.clone(), CloseReason::unplugged), interrupt)
    }

    /// Returns a line with this port.
    fn line<D: AsFd>(port: D) -> Line<D> {
        let (mut line, _) = closed();
        line.open(port);
        assert_eq!(line.news(&mut Vec::new()).map(|(_, told)| told), Some(Happening::Opened(PortId::FIRST)));
        line
    }

    /// Returns two connected ends that behave as a port does, the first without blocking.
    fn pair() -> (UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().expect("two sockets");
        near.set_nonblocking(true).expect("a socket can do without blocking");
        (near, far)
    }

    #[test]
    fn bytes_are_told_before_the_hang_up_behind_them() {
        let (near, far) = pair();
        let mut line = line(near);
        write(&far, b"bye").expect("a socket takes 3 bytes");
        drop(far);
        let mut received = Vec::new();
        assert_eq!(line.wait(None, &mut received).1, Happening::Received(PortId::FIRST));
        assert_eq!(received, b"bye");
        let (_, happening) = line.wait(None, &mut received);
        assert_eq!(happening, Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
    }

    #[test]
    fn a_hang_up_that_was_found_is_told() {
        let (near, far) = pair();
        let mut line = line(near);
        drop(far);
        line.found(Ready { hung_up: true, ..Ready::default() });
        let told = line.look(None, &mut Vec::new()).map(|(_, told)| told);
        assert_eq!(told, Some(Happening::Closed(PortId::FIRST, CloseReason::unplugged())));
    }

    #[test]
    fn a_deadline_is_never_early() {
        let (near, _far) = pair();
        let mut line = line(near);
        for us in [0, 1, 10, 999, 1000, 1001, 2500] {
            let until = line.now() + Duration::from_micros(us);
            let (now, happening) = line.wait(Some(until), &mut Vec::new());
            assert_eq!(happening, Happening::Nothing);
            assert!(now >= until, "{now:?} is before {until:?}");
        }
    }

    #[test]
    fn bytes_win_over_a_deadline_that_has_passed() {
        let (near, far) = pair();
        let mut line = line(near);
        write(&far, b"late").expect("a socket takes 4 bytes");
        let until = line.now();
        let (now, happening) = line.wait(Some(until), &mut Vec::new());
        assert_eq!((now, happening), (until, Happening::Received(PortId::FIRST)));
    }

    #[test]
    fn a_run_is_behind_while_it_works_and_the_line_has_a_full_buffer() {
        let (near, far) = pair();
        let mut line = line(near);
        let mut take = |written: &[u8], works: Duration| {
            write(&far, written).expect("a socket takes some thousand bytes");
            let begun = line.now();
            while line.now() < begun + works {}
            let before = line.behind();
            assert_eq!(line.wait(None, &mut Vec::new()).1, Happening::Received(PortId::FIRST));
            line.behind() - before
        };
        let works = Duration::from_millis(2);
        take(b"x", works);
        assert_eq!(take(&[b'x'; FULL - 1], works), Duration::ZERO, "there was room for more");
        assert!(take(&[b'x'; FULL], works) >= works);
    }

    #[test]
    fn a_late_wake_up_does_not_set_the_moment_back() {
        let (near, far) = pair();
        let mut line = line(near);
        let (before, _) = line.wait(Some(Moment::START), &mut Vec::new());
        write(&far, b"late").expect("a socket takes 4 bytes");
        let (now, _) = line.wait(Some(Moment::START), &mut Vec::new());
        assert_eq!(now, before);
    }

    #[test]
    fn an_interrupt_ends_a_wait_and_is_told_once() {
        let (mut line, interrupt) = closed::<UnixStream>();
        thread::scope(|scope| {
            scope.spawn(|| interrupt.raise());
            assert_eq!(line.wait(None, &mut Vec::new()).1, Happening::Interrupt);
        });
        let until = line.now() + Duration::from_millis(1);
        assert_eq!(line.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
    }

    #[test]
    fn an_interrupt_is_told_to_each_world_that_shares_it() {
        let (mut line, interrupt) = closed::<UnixStream>();
        let mut other = Line::<UnixStream>::new(Clock::start(), interrupt.clone(), CloseReason::unplugged);
        interrupt.raise();
        assert_eq!(line.wait(None, &mut Vec::new()).1, Happening::Interrupt);
        assert_eq!(other.wait(None, &mut Vec::new()).1, Happening::Interrupt);
    }

    #[test]
    fn a_write_to_nobody_is_a_hang_up() {
        let (near, far) = pair();
        let mut line = line(near);
        drop(far);
        line.write(WriteToken::new(PortId::FIRST, 1), b"x".to_vec());
        let (_, happening) = line.wait(None, &mut Vec::new());
        assert_eq!(happening, Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
    }

    #[test]
    fn what_came_before_a_write_to_nobody_is_told_before_the_hang_up() {
        let (near, far) = pair();
        let mut line = line(near);
        write(&far, b"bye").expect("a socket takes 3 bytes");
        drop(far);
        line.write(WriteToken::new(PortId::FIRST, 1), b"x".to_vec());
        let mut received = Vec::new();
        assert_eq!(line.wait(None, &mut received).1, Happening::Received(PortId::FIRST));
        assert_eq!(received, b"bye");
        let (_, happening) = line.wait(None, &mut received);
        assert_eq!(happening, Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
    }

    #[test]
    fn a_write_that_the_system_refuses_is_told_in_its_words() {
        let (only_for_reading, _writer) = pipe().expect("a pipe");
        fcntl_setfl(&only_for_reading, OFlags::NONBLOCK).expect("a pipe can do without blocking");
        let mut line = line(only_for_reading);
        line.write(WriteToken::new(PortId::FIRST, 1), b"x".to_vec());
        let (_, happening) = line.wait(None, &mut Vec::new());
        let reason = "bad file descriptor".to_string();
        assert_eq!(happening, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
    }

    #[test]
    fn what_the_system_does_not_take_of_a_write_leaves_during_waits() {
        let (near, mut far) = pair();
        let mut line = line(near);
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
        line.write(WriteToken::new(PortId::FIRST, 1), bytes.clone());
        assert!(line.has_unsent() && line.news(&mut Vec::new()).is_none());
        let (mut came, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
        let mut told = None;
        while came.len() < bytes.len() {
            let n = far.read(&mut piece).expect("more comes");
            came.extend_from_slice(&piece[..n]);
            line.found(Ready { writable: true, ..Ready::default() });
            told = told.or(line.look(None, &mut Vec::new()));
        }
        assert_eq!(
            told.or(line.news(&mut Vec::new())).map(|(_, told)| told),
            Some(Happening::Sent(WriteToken::new(PortId::FIRST, 1)))
        );
        assert!(came == bytes);
    }

    #[test]
    fn writes_are_told_in_order_and_an_empty_one_is_a_write() {
        let (near, _far) = pair();
        let mut line = line(near);
        for (number, bytes) in [(1, b"a".to_vec()), (2, Vec::new()), (3, b"b".to_vec())] {
            line.write(WriteToken::new(PortId::FIRST, number), bytes);
        }
        for number in 1..=3 {
            let (_, happening) = line.wait(None, &mut Vec::new());
            assert_eq!(happening, Happening::Sent(WriteToken::new(PortId::FIRST, number)));
        }
    }
}
