//! `Watched`: a port that can be waited for together with others.

#[cfg(unix)]
use std::os::fd::BorrowedFd;

/// What a port was found ready for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready {
    /// Bytes can be read.
    pub(super) readable: bool,
    /// Bytes can be written.
    pub(super) writable: bool,
    /// The other end is gone.
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
