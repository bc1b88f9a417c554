//! The real world: serial ports, pseudo-terminals, the clock and interrupts.
//!
//! On Unix everything happens in one thread. A port is opened and configured with serialport, then read
//! and written through its descriptor, which does not block: first the write, then one `poll` over the
//! port and the interrupt pipe with the time that is left, then the read. serialport's own `write` can
//! block for ever when the buffer is full, and its `read` hides bytes that came before a hang-up. On
//! Windows a thread per port waits for its read, its write or an order, channels join it to the run, and a bell wakes
//! the one thread that waits for all ports and the interrupt.
//!
//! `open` makes an [`AnyPort`] of a real port, and has an arm for each kind. On Unix a kind is a `Medium`: it says
//! how the port is opened, what can be asked of it, how a command is carried out, and what to do about a hang-up.
//! `PortOn` is the world of any of them, and its `Line` owns the descriptor, the bytes that have not left and the
//! deadlines. On Windows a kind is the function that serves the port in its thread. A new kind is a file and its arm in
//! `open`; runs on one port and on many then have it.
//!
//! A moment is that of the clock, with one exception: bytes that a wait finds when the machine let it run
//! on too late are reported at its deadline, so that a busy machine does not turn an answer in time into
//! a timeout.

mod any;
// What only Windows needs and does not depend on it is tested everywhere.
#[cfg(any(windows, test))]
mod bell;
mod clock;
#[cfg(unix)]
mod deadline;
mod fleet;
mod interrupt;
#[cfg(unix)]
mod line;
#[cfg(unix)]
mod medium;
mod ports;
#[cfg(unix)]
mod pty;
mod serial;
#[cfg(any(windows, test))]
mod threaded;
mod watched;
mod words;

use crate::address::RealPort;
pub use any::AnyPort;
pub use clock::{Clock, unix_millis};
pub use fleet::run_all;
pub use interrupt::{Interrupt, at_signal};
pub use ports::{PortDescription, UsbIdentity, list};
#[cfg(unix)]
pub use pty::PtyWorld;

/// Returns whether a port is a pseudo-terminal, which has no control lines and no break.
pub(crate) fn is_pseudo_terminal(port: &RealPort) -> bool {
    match port {
        #[cfg(unix)]
        RealPort::Node(name) => serial::is_pseudo_terminal(name),
        #[cfg(not(unix))]
        RealPort::Node(_) => false,
    }
}

/// Returns who else has a port open, as the beginning of a sentence: ``process 12 (`cat`) has``; `None` if nobody has, as far
/// as can be seen.
pub(crate) fn others(port: &RealPort) -> Option<String> {
    match port {
        #[cfg(unix)]
        RealPort::Node(name) => serial::others(name),
        #[cfg(not(unix))]
        RealPort::Node(_) => None,
    }
}

/// Returns the world of a real port; the port is opened by [`PortCommand::Open`](crate::port::PortCommand::Open).
///
/// What the port can do is known before. Moments are those of `clock`. An interrupt is told once to each port that
/// shares it.
pub(crate) fn open(port: &RealPort, clock: Clock, interrupt: Interrupt) -> AnyPort {
    match port {
        #[cfg(unix)]
        RealPort::Node(name) => AnyPort::new(medium::PortOn::new(serial::Serial::new(name), clock, interrupt)),
        #[cfg(windows)]
        RealPort::Node(name) => {
            let serve = std::sync::Arc::new(serial::serve);
            AnyPort::new(threaded::ThreadedWorld::new(name, clock, interrupt, serve))
        }
    }
}
