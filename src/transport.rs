//! The real world: serial ports, pseudo-terminals, the clock and interrupts.
//!
//! On Unix everything happens in one thread. A port is opened and configured with serialport, then read
//! and written through its descriptor, which does not block: first the write, then one `poll` over the
//! port and the interrupt pipe with the time that is left, then the read. serialport's own `write` can
//! block for ever when the buffer is full, and its `read` hides bytes that came before a hang-up. On
//! Windows a thread per port does the same with short timeouts, channels join it to the run, and a bell wakes
//! the one thread that waits for all ports and the interrupt.
//!
//! A moment is that of the clock, with one exception: bytes that a wait finds when the machine let it run
//! on too late are reported at its deadline, so that a busy machine does not turn an answer in time into
//! a timeout.

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

pub use clock::{Clock, unix_millis};
pub use fleet::run_all;
pub use interrupt::Interrupt;
pub use ports::{PortDescription, UsbIdentity, list};
#[cfg(unix)]
pub use pty::PtyWorld;

use crate::world::World;

/// Returns the world in which `port` is a serial port of this machine: `/dev/ttyUSB0`, `COM5`.
///
/// Nothing is opened before [`PortCommand::Open`](crate::port::PortCommand::Open). Moments are those of
/// `clock`. An interrupt is told once to each world that shares it.
pub fn open_world(port: &str, clock: Clock, interrupt: Interrupt) -> Box<dyn World> {
    #[cfg(unix)]
    let world = medium::PortOn::new(serial::Serial::new(port), clock, interrupt);
    #[cfg(windows)]
    let world = threaded::ThreadedWorld::alone(port, clock, interrupt, std::sync::Arc::new(serial::serve));
    Box::new(world)
}
