//! `Line`: the exchange of bytes over one descriptor that does not block, with a deadline and without a
//! needless system call.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};

use super::clock::{Clock, Timeline};
use super::interrupt::Interrupt;
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Happening, WriteToken};
use crate::time::Moment;

/// How much one read takes at most, if the buffer handed in is not larger.
const READ_SIZE: usize = 16 * 1024;

/// What a world on a descriptor consists of, apart from the descriptor.
#[derive(Debug)]
pub(super) struct Line {
    timeline: Timeline,
    interrupt: Interrupt,
    /// Whether the interrupt has been told; it is told once.
    heard: bool,
    /// What is told next; nearly always all that there is to tell, so it stands here.
    next: Option<Happening>,
    /// What is told behind that; empty if that is nothing.
    news: VecDeque<Happening>,
    unsent: VecDeque<Unsent>,
    /// A write found nobody at the other end, which is told when nothing is left to read.
    is_failing: bool,
}

/// Invariant: `written < bytes.len()`.
#[derive(Debug)]
struct Unsent {
    token: WriteToken,
    bytes: Vec<u8>,
    written: usize,
}

/// What a port is ready for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready {
    /// Bytes can be read.
    pub readable: bool,
    /// Bytes can be written.
    pub writable: bool,
    /// The other end is gone.
    pub hung_up: bool,
}

impl Line {
    /// Makes a line with nothing to tell.
    pub(super) fn new(clock: Clock, interrupt: Interrupt) -> Line {
        sharpen_timers();
        Line {
            timeline: Timeline::new(clock),
            interrupt,
            heard: false,
            next: None,
            news: VecDeque::new(),
            unsent: VecDeque::new(),
            is_failing: false,
        }
    }

    /// Tells of something at the next wait.
    pub(super) fn tell(&mut self, happening: Happening) {
        if self.next.is_none() {
            self.next = Some(happening);
        } else {
            self.news.push_back(happening);
        }
    }

    /// Forgets everything that belongs to a port which was closed on purpose.
    pub(super) fn reset(&mut self) {
        self.forget_writes();
        self.next = None;
        self.news.clear();
    }

    /// Forgets what can not be written any more; what has happened is still told.
    pub(super) fn forget_writes(&mut self) {
        self.unsent.clear();
        self.is_failing = false;
    }

    /// Writes now what the system takes, and the rest during waits.
    pub(super) fn write(&mut self, port: BorrowedFd<'_>, token: WriteToken, bytes: Vec<u8>) {
        let must_queue = !self.unsent.is_empty() || self.is_failing;
        if bytes.is_empty() && !must_queue {
            self.tell(Happening::Sent(token));
            return;
        }
        let unsent = Unsent { token, bytes, written: 0 };
        let left = if must_queue { Some(unsent) } else { self.attempt(port, unsent) };
        self.unsent.extend(left);
    }

    /// Waits as [`World::wait`](crate::world::World::wait) does; without a port, for time and interrupts
    /// only.
    ///
    /// [`Happening::Closed`] means that the descriptor is of no more use.
    pub(super) fn wait(
        &mut self,
        port: Option<BorrowedFd<'_>>,
        until: Option<Moment>,
        received: &mut Vec<u8>,
    ) -> (Moment, Happening) {
        loop {
            if let Some(told) = self.look(port, Ready::default(), until, received) {
                return told;
            }
            let left = if self.is_failing { Some(Duration::ZERO) } else { until.map(|u| u.since(self.now())) };
            let found = match self.poll(port, left) {
                Ok(found) => found,
                Err(Errno::INTR) => continue,
                Err(errno) => return self.timeline.at_once(Happening::Closed(fate(errno))),
            };
            if let Some(told) = self.look(port, found, until, received) {
                return told;
            }
            if self.next.is_none() && until.is_some_and(|until| self.now() >= until) {
                return self.timeline.at_once(Happening::Nothing);
            }
        }
    }

    /// Looks whether there is something to tell, given what the port is ready for; never blocks.
    pub(super) fn look(
        &mut self,
        port: Option<BorrowedFd<'_>>,
        found: Ready,
        until: Option<Moment>,
        received: &mut Vec<u8>,
    ) -> Option<(Moment, Happening)> {
        if !self.heard && self.interrupt.is_raised() {
            self.heard = true;
            return Some(self.timeline.at_once(Happening::Interrupt));
        }
        if let Some(told) = self.news() {
            return Some(told);
        }
        let port = port?;
        if found.writable {
            self.write_on(port);
        }
        if found.readable || found.hung_up || self.is_failing {
            received.reserve(READ_SIZE);
            match rustix::io::retry_on_intr(|| read(port, spare_capacity(received))) {
                Ok(0) => return Some(self.timeline.at_once(Happening::Closed(CloseReason::HungUp))),
                Ok(_) => return Some((self.timeline.in_time_for(until), Happening::Received)),
                Err(Errno::AGAIN) if found.hung_up || self.is_failing => {
                    return Some(self.timeline.at_once(Happening::Closed(CloseReason::HungUp)));
                }
                Err(Errno::AGAIN) => {}
                Err(errno) => return Some(self.timeline.at_once(Happening::Closed(fate(errno)))),
            }
        }
        None
    }

    /// Returns the next thing that has happened already and was not told; never blocks.
    pub(super) fn news(&mut self) -> Option<(Moment, Happening)> {
        let happening = self.next.take()?;
        self.next = self.news.pop_front();
        Some(self.timeline.at_once(happening))
    }

    /// Returns the moment that a happening without a deadline of its own has.
    pub(super) fn now(&self) -> Moment {
        self.timeline.now()
    }

    /// Returns whether bytes wait to be taken by the system.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Returns whether the other end of the port is gone, in which case waits will tell of it.
    pub(super) fn is_hung_up(&self, port: BorrowedFd<'_>) -> bool {
        self.poll(Some(port), Some(Duration::ZERO)).is_ok_and(|found| found.hung_up)
    }

    /// Returns whether someone wants the run to end.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.is_raised()
    }

    /// Waits until that time has passed or the interrupt is raised, and looks at nothing else.
    pub(super) fn pause(&self, lasting: Duration) {
        let mut fds = [PollFd::from_borrowed_fd(self.interrupt.descriptor(), PollFlags::IN)];
        // What comes of it does not matter: the caller looks for itself.
        let _ = poll(&mut fds, Some(&timespec(lasting)));
    }

    fn poll(&self, port: Option<BorrowedFd<'_>>, left: Option<Duration>) -> Result<Ready, Errno> {
        let timeout = left.map(first_part).map(timespec);
        let pipe = self.interrupt.descriptor();
        let wanted = match port {
            None => PollFlags::empty(),
            Some(_) if self.unsent.is_empty() => PollFlags::IN,
            Some(_) => PollFlags::IN | PollFlags::OUT,
        };
        // Without a port its place is taken by the pipe, of which nothing is wanted.
        let mut fds = [
            PollFd::from_borrowed_fd(port.unwrap_or(pipe), wanted),
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
    fn write_on(&mut self, port: BorrowedFd<'_>) {
        if let Some(first) = self.unsent.pop_front()
            && let Some(left) = self.attempt(port, first)
        {
            self.unsent.push_front(left);
        }
    }

    /// Makes one attempt at writing; returns what is to be tried again.
    fn attempt(&mut self, port: BorrowedFd<'_>, mut unsent: Unsent) -> Option<Unsent> {
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
                match fate(errno) {
                    CloseReason::HungUp => self.is_failing = true,
                    reason => self.tell(Happening::Closed(reason)),
                }
                None
            }
        }
    }
}

/// Returns what an error of read or write means for the port.
fn fate(errno: Errno) -> CloseReason {
    match errno {
        Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE => CloseReason::HungUp,
        other => CloseReason::Broken { reason: in_words(&io::Error::from(other)), help: None },
    }
}

/// Returns a length of time as the system wants it.
pub(super) fn timespec(span: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX), tv_nsec: span.subsec_nanos().into() }
}

/// How much before a deadline a long wait ends first.
///
/// A processor that slept for long wakes up slowly: some 0.15 ms late on virtual machines. The short wait for the rest ends
/// within 0.03 ms, since the system does not let the processor sleep deeply for so little. It costs one more system call for
/// a deadline that passes, and none where something happens before.
const APPROACH: Duration = Duration::from_micros(200);

/// Returns how long to wait at first, if so much time is left until a deadline: a wait that is short already is not cut.
pub(super) fn first_part(left: Duration) -> Duration {
    if left > 8 * APPROACH { left - APPROACH } else { left }
}

/// Asks Linux not to add its usual 50 µs to every deadline of this thread. A system that refuses is only less exact.
fn sharpen_timers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use rustix::pipe::pipe;

    use super::*;

    fn line() -> (Line, Interrupt) {
        let interrupt = Interrupt::new().expect("a pipe");
        (Line::new(Clock::start(), interrupt.clone()), interrupt)
    }

    /// Returns two connected ends that behave as a port does, the first without blocking.
    fn pair() -> (UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().expect("two sockets");
        near.set_nonblocking(true).expect("a socket can do without blocking");
        (near, far)
    }

    #[test]
    fn bytes_are_told_before_the_hang_up_behind_them() {
        let (mut line, _) = line();
        let (near, far) = pair();
        write(&far, b"bye").expect("a socket takes 3 bytes");
        drop(far);
        let mut received = Vec::new();
        assert_eq!(line.wait(Some(near.as_fd()), None, &mut received).1, Happening::Received);
        assert_eq!(received, b"bye");
        let (_, happening) = line.wait(Some(near.as_fd()), None, &mut received);
        assert_eq!(happening, Happening::Closed(CloseReason::HungUp));
    }

    #[test]
    fn a_deadline_is_never_early() {
        let (mut line, _) = line();
        let (near, _far) = pair();
        for us in [0, 1, 10, 999, 1000, 1001, 2500] {
            let until = line.now() + Duration::from_micros(us);
            let (now, happening) = line.wait(Some(near.as_fd()), Some(until), &mut Vec::new());
            assert_eq!(happening, Happening::Nothing);
            assert!(now >= until, "{now:?} is before {until:?}");
        }
    }

    #[test]
    fn bytes_win_over_a_deadline_that_has_passed() {
        let (mut line, _) = line();
        let (near, far) = pair();
        write(&far, b"late").expect("a socket takes 4 bytes");
        let until = line.now();
        let (now, happening) = line.wait(Some(near.as_fd()), Some(until), &mut Vec::new());
        assert_eq!((now, happening), (until, Happening::Received));
    }

    #[test]
    fn a_late_wake_up_does_not_set_the_moment_back() {
        let (mut line, _) = line();
        let (near, far) = pair();
        let (before, _) = line.wait(None, Some(Moment::START), &mut Vec::new());
        write(&far, b"late").expect("a socket takes 4 bytes");
        let (now, _) = line.wait(Some(near.as_fd()), Some(Moment::START), &mut Vec::new());
        assert_eq!(now, before);
    }

    #[test]
    fn an_interrupt_ends_a_wait_and_is_told_once() {
        let (mut line, interrupt) = line();
        thread::scope(|scope| {
            scope.spawn(|| interrupt.raise());
            assert_eq!(line.wait(None, None, &mut Vec::new()).1, Happening::Interrupt);
        });
        let until = line.now() + Duration::from_millis(1);
        assert_eq!(line.wait(None, Some(until), &mut Vec::new()).1, Happening::Nothing);
    }

    #[test]
    fn an_interrupt_is_told_to_each_world_that_shares_it() {
        let (mut line, interrupt) = line();
        let mut other = Line::new(Clock::start(), interrupt.clone());
        interrupt.raise();
        assert_eq!(line.wait(None, None, &mut Vec::new()).1, Happening::Interrupt);
        assert_eq!(other.wait(None, None, &mut Vec::new()).1, Happening::Interrupt);
    }

    #[test]
    fn a_write_to_nobody_is_a_hang_up() {
        let (mut line, _) = line();
        let (near, far) = pair();
        drop(far);
        line.write(near.as_fd(), WriteToken::new(1), b"x".to_vec());
        let (_, happening) = line.wait(Some(near.as_fd()), None, &mut Vec::new());
        assert_eq!(happening, Happening::Closed(CloseReason::HungUp));
    }

    #[test]
    fn a_write_that_the_system_refuses_is_told_in_its_words() {
        let (mut line, _) = line();
        let (only_for_reading, _writer) = pipe().expect("a pipe");
        line.write(only_for_reading.as_fd(), WriteToken::new(1), b"x".to_vec());
        let (_, happening) = line.wait(Some(only_for_reading.as_fd()), None, &mut Vec::new());
        let reason = "bad file descriptor".to_string();
        assert_eq!(happening, Happening::Closed(CloseReason::Broken { reason, help: None }));
    }

    #[test]
    fn what_the_system_does_not_take_of_a_write_leaves_during_waits() {
        let (mut line, _) = line();
        let (near, mut far) = pair();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
        line.write(near.as_fd(), WriteToken::new(1), bytes.clone());
        assert!(line.has_unsent() && line.news().is_none());
        let (mut came, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
        let mut told = None;
        while came.len() < bytes.len() {
            let n = far.read(&mut piece).expect("more comes");
            came.extend_from_slice(&piece[..n]);
            let ready = Ready { writable: true, ..Ready::default() };
            told = told.or(line.look(Some(near.as_fd()), ready, None, &mut Vec::new()));
        }
        assert_eq!(told.or(line.news()).map(|(_, told)| told), Some(Happening::Sent(WriteToken::new(1))));
        assert!(came == bytes);
    }

    #[test]
    fn writes_are_told_in_order_and_an_empty_one_is_a_write() {
        let (mut line, _) = line();
        let (near, _far) = pair();
        for (number, bytes) in [(1, b"a".to_vec()), (2, Vec::new()), (3, b"b".to_vec())] {
            line.write(near.as_fd(), WriteToken::new(number), bytes);
        }
        for number in 1..=3 {
            let (_, happening) = line.wait(Some(near.as_fd()), None, &mut Vec::new());
            assert_eq!(happening, Happening::Sent(WriteToken::new(number)));
        }
    }
}
