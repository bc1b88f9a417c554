//! A line over sockets and pipes that a test holds the other end of.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::write;
use rustix::pipe::pipe;

use super::*;

impl Wire for UnixStream {}

/// Returns a line without a port.
fn closed<D: Wire>() -> (Line<D>, Interrupt) {
    let interrupt = Interrupt::new().expect("a pipe");
    (Line::new(Clock::start(), interrupt.clone()), interrupt)
}

/// Returns a line with this port.
fn line<D: Wire>(port: D) -> Line<D> {
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

/// The other end of a program that has just been started.
struct Started(UnixStream);

impl AsFd for Started {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Wire for Started {
    fn begins_now(&self) -> bool {
        true
    }
}

#[test]
fn what_a_program_says_at_once_belongs_to_the_run() {
    let (near, far) = pair();
    write(&far, b"$ ").expect("a socket takes 2 bytes");
    let mut line = line(Started(near));
    let mut received = Vec::new();
    assert_eq!(line.wait(None, &mut received).1, Happening::Received(PortId::FIRST));
    assert_eq!(received, b"$ ");
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
fn a_device_that_floods_the_line_does_not_put_a_deadline_off() {
    let (near, far) = pair();
    far.set_nonblocking(true).expect("a socket can do without blocking");
    let mut line = line(near);
    let until = line.now();
    let mut n_taken = 0;
    loop {
        while write(&far, &[b'y'; 4096]).is_ok() {}
        let mut received = Vec::with_capacity(READ_SIZE);
        match line.wait(Some(until), &mut received) {
            (_, Happening::Nothing) => break,
            (now, told) => assert_eq!((now, told), (until, Happening::Received(PortId::FIRST))),
        }
        n_taken += received.len();
        assert!(n_taken < 1 << 20, "the wait does not end");
    }
    assert!(n_taken >= 64 << 10, "only {n_taken} bytes could have come in time");
    let later = line.now() + Duration::from_secs(60);
    let (now, told) = line.wait(Some(later), &mut Vec::new());
    assert!(told == Happening::Received(PortId::FIRST) && now < later, "the next wait gets what came meanwhile");
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
    let mut other = Line::<UnixStream>::new(Clock::start(), interrupt.clone());
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
        let n = Read::read(&mut far, &mut piece).expect("more comes");
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
