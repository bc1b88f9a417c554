//! `Lookout`: the wait for many ports at once.

use std::io;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::transport::watched::{Ready, Watched};

/// What tells which of several ports may have something.
pub(in crate::transport) trait Lookout {
    /// Watches a port under its number from now on, as it now wants it: before it is opened, and whenever something was
    /// done with it.
    fn watch(&mut self, number: usize, port: &mut dyn Watched) -> io::Result<()>;

    /// Returns a descriptor that is readable when a wait would find something, if the system has one.
    #[cfg(unix)]
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Waits until a port may have something, the interrupt is raised, or that time has passed, or a part of it: who waits
    /// for a moment looks at the clock and waits again. `ready` gets what was found, by number.
    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()>;
}
