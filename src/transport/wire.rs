//! `Wire`: the descriptor of a port, and the ways in which a `Line` uses it.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, read, retry_on_intr, write};

use super::line::READ_SIZE;
use super::not_open::NotOpen;
use crate::event::CloseReason;
use crate::time::Moment;

/// How much is discarded at most.
const DISCARDED: usize = 1024 * 1024;

/// A descriptor that does not block. What a serial port needs is what the defaults do, without a detour.
pub(super) trait Wire: AsFd {
    /// Goes on with opening; never blocks. It is called when something was found of the descriptor, and at the moment that
    /// [`Opening::Until`] says, until the port is open.
    ///
    /// # Errors
    ///
    /// Why the port cannot be opened.
    fn go_on(&mut self, _now: Moment) -> Result<Opening, NotOpen> {
        Ok(Opening::Open)
    }

    /// Appends what came, in one read.
    ///
    /// # Errors
    ///
    /// That of the system; [`Errno::AGAIN`] if nothing came.
    fn read(&mut self, received: &mut Vec<u8>) -> Result<Taken, Errno> {
        read_from(&*self, received)
    }

    /// Makes one attempt at writing; returns how many of the bytes are taken.
    ///
    /// # Errors
    ///
    /// That of the system; [`Errno::AGAIN`] if nothing is taken.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        write(&*self, bytes)
    }

    /// Writes what the port itself has to say, as far as the system takes it.
    fn flush(&mut self) {}

    /// Whether the other end begins when the port is opened, so that nothing it says is older than the run.
    fn begins_now(&self) -> bool {
        false
    }

    /// Whether it waits for room by itself: to connect, or to say something.
    fn wants_room(&self) -> bool {
        false
    }

    /// Whether the other end takes bytes now.
    fn takes_bytes(&self) -> bool {
        true
    }

    /// Returns what the user is to know, once.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// Returns why the port is closed when its other end is gone, with the advice for this kind of port.
    fn gone(&mut self) -> CloseReason {
        CloseReason::unplugged()
    }

    /// Returns what to do about an error of reading or writing that is no hang-up.
    fn advice(&self, _errno: Errno) -> Option<String> {
        None
    }
}

/// A descriptor that is nothing else.
impl Wire for OwnedFd {}

/// How far opening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The port is open.
    Open,
    /// It goes on when something is found of the descriptor, or at this moment.
    Until(Moment),
}

/// What one read took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// How many bytes of the descriptor; 0 if the other end is gone. The port may have kept some to itself.
    pub(super) n: usize,
    /// There may be more.
    pub(super) has_more: bool,
}

/// Appends what came over a descriptor, in one read.
///
/// # Errors
///
/// That of the system; [`Errno::AGAIN`] if nothing came.
#[inline]
pub(super) fn read_from(descriptor: impl AsFd, received: &mut Vec<u8>) -> Result<Taken, Errno> {
    if received.capacity() < READ_SIZE {
        return read_few(descriptor, received);
    }
    received.reserve(READ_SIZE);
    let n = retry_on_intr(|| read(descriptor.as_fd(), spare_capacity(received)))?;
    // Less than there was room for is all there was.
    Ok(Taken { n, has_more: received.len() == received.capacity() })
}

/// Does the same for a buffer that has no room: mostly nothing came, and nobody keeps room for it.
fn read_few(descriptor: impl AsFd, received: &mut Vec<u8>) -> Result<Taken, Errno> {
    let mut room = [MaybeUninit::uninit(); 4096];
    loop {
        match read(descriptor.as_fd(), &mut room[..]) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok((bytes, no_room_left)) => {
                received.extend_from_slice(bytes);
                return Ok(Taken { n: bytes.len(), has_more: no_room_left.is_empty() });
            }
        }
    }
}

/// Throws away what has come, and no more than a bound, so that another end that never stops cannot hold the caller up.
pub(super) fn discard_input(port: &mut impl Wire) {
    let mut bytes = Vec::new();
    let mut n_discarded = 0;
    while n_discarded < DISCARDED
        && let Ok(Taken { n: n @ 1.., .. }) = port.read(&mut bytes)
    {
        n_discarded += n;
        bytes.clear();
    }
}
