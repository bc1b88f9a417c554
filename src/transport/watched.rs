//! `Watched`: a port that can be waited for together with others.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
#[cfg(any(windows, test))]
use std::sync::Arc;

#[cfg(any(windows, test))]
use super::bell::Bell;
use crate::port::Happening;
use crate::time::Moment;
use crate::world::World;

/// The world of a port that a wait for several can include.
///
/// It is found ready by its descriptor, or it rings a bell by itself.
pub(super) trait Watched: World {
    /// Returns what to wait for at its descriptor, if it is open and has one.
    #[cfg(unix)]
    fn awaited(&self) -> Option<Awaited<'_>> {
        None
    }

    /// Rings this bell under this number from the next opening on, if it rings at all.
    #[cfg(any(windows, test))]
    fn rings(&mut self, _bell: &Arc<Bell>, _number: usize) {}

    /// Takes note of what it was found ready for, for the looks that follow.
    fn found(&mut self, _found: Ready) {}

    /// Looks whether there is something to tell, without waiting; the bytes that came are appended to `received`.
    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)>;

    /// Returns the moment at which it must be looked at again even if it is not found ready.
    fn due(&mut self) -> Option<Moment> {
        None
    }
}

/// What a port was found ready for; one that rings a bell is ready when it rings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready {
    /// Bytes can be read.
    #[cfg(any(unix, test))]
    pub(super) readable: bool,
    /// Bytes can be written.
    #[cfg(unix)]
    pub(super) writable: bool,
    /// The other end is gone.
    #[cfg(unix)]
    pub(super) hung_up: bool,
}

/// What is waited for at an open port.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited<'a> {
    /// Its descriptor.
    pub(super) port: BorrowedFd<'a>,
    /// What it is to be ready for.
    pub(super) interest: Interest,
}

/// What a port is to be ready for.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Bytes can be read.
    Bytes,
    /// Bytes can be read, or written.
    BytesOrRoom,
}
