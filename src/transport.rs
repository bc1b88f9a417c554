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
//! how the port is opened, what can be asked of it, and how a command is carried out. Its `Wire` is the descriptor: it
//! reads and writes, goes on with opening, and says what to do about a hang-up. `PortOn` is the world of any of them, and its `Line` owns the descriptor, the bytes that have not left and the
//! deadlines. On Windows a kind is the function that serves the port in its thread. A new kind is a file and its arm in
//! `open`; runs on one port and on many then have it.
//!
//! A moment is that of the clock, with one exception: bytes that a wait finds when the machine let it run
//! on too late are reported at its deadline, so that a busy machine does not turn an answer in time into
//! a timeout.

mod any;
mod bridge;
// What only Windows needs and does not depend on it is tested everywhere.
#[cfg(any(windows, test))]
mod bell;
mod clock;
#[cfg(unix)]
mod deadline;
#[cfg(all(unix, test))]
mod driven;
mod effort;
#[cfg(unix)]
mod exec;
mod fleet;
mod holders;
mod interrupt;
mod keys;
#[cfg(unix)]
mod line;
mod machine;
#[cfg(unix)]
mod medium;
mod not_open;
mod patience;
mod ports;
#[cfg(unix)]
mod pty;
mod serial;
mod several;
mod socket;
mod telnet;
#[cfg(any(windows, test))]
mod threaded;
mod watched;
#[cfg(unix)]
mod wire;
mod words;

use crate::address::RealPort;
pub use crate::address::{PortDescription, UsbIdentity};
use crate::port::{Capabilities, Capability, Carrier, PortId};
use crate::world::Simulated;
pub use any::AnyPort;
pub(crate) use bridge::{BridgeEnd, Pair, bridge};
pub use clock::{Clock, unix_millis};
pub use fleet::run_all;
pub(crate) use holders::{Holder, listed as in_a_list, readers};
pub use interrupt::{Interrupt, at_signal};
pub(crate) use keys::keys;
#[cfg(unix)]
pub(crate) use keys::{stop, wakes};
pub(crate) use machine::Machine;
pub use ports::list;
pub(crate) use ports::list_of;
#[cfg(unix)]
pub use pty::PtyWorld;
pub(crate) use several::Several;
pub use telnet::{ServedWorld, Speaks};
pub(crate) use words::in_words;

/// Returns the world of a run with several ports: real ones, and what is simulated, which knows its ports by their numbers in the
/// run. Nothing is opened yet.
///
/// # Errors
///
/// The system cannot wait for several ports.
pub(crate) fn open_several<'a>(
    ports: impl IntoIterator<Item = (PortId, &'a RealPort)>,
    bench: Option<Box<dyn Simulated>>,
    clock: Clock,
    interrupt: &Interrupt,
) -> std::io::Result<Several> {
    let ports = ports.into_iter().map(|(id, port)| (id, open(port, clock, interrupt.clone())));
    Several::new(ports, bench, clock, interrupt)
}

/// Does the same with ports that there are already.
///
/// # Errors
///
/// The system cannot wait for several ports.
pub(crate) fn join_several(
    ports: impl IntoIterator<Item = (PortId, AnyPort)>,
    bench: Option<Box<dyn Simulated>>,
    clock: Clock,
    interrupt: &Interrupt,
) -> std::io::Result<Several> {
    Several::new(ports, bench, clock, interrupt)
}

/// Returns whether a port is the device node of a pseudo-terminal, which has no control lines and no break.
pub(crate) fn is_pseudo_terminal(port: &RealPort) -> bool {
    match port {
        #[cfg(unix)]
        RealPort::Node(name) => serial::is_pseudo_terminal(name),
        #[cfg(unix)]
        RealPort::Usb(_) => false,
        #[cfg(not(unix))]
        RealPort::Node(_) | RealPort::Usb(_) => false,
        RealPort::Place(place) => is_pseudo_terminal(place.port()),
        RealPort::Tcp(_) | RealPort::Unix(_) | RealPort::Telnet(_) | RealPort::Rfc2217(_) | RealPort::Exec(_) => false,
    }
}

/// Returns who else has a port open, as the beginning of a sentence: ``process 12 (`cat`) has``; `None` if nobody has, as far
/// as can be seen.
pub(crate) fn others(port: &RealPort) -> Option<String> {
    match port {
        #[cfg(unix)]
        RealPort::Node(name) => serial::others(name),
        #[cfg(unix)]
        RealPort::Usb(port) => serial::others(port.node()),
        #[cfg(not(unix))]
        RealPort::Node(_) | RealPort::Usb(_) => None,
        RealPort::Place(place) => others(place.port()),
        RealPort::Tcp(_) | RealPort::Unix(_) | RealPort::Telnet(_) | RealPort::Rfc2217(_) | RealPort::Exec(_) => None,
    }
}

/// Returns what the bytes of a real port go through.
pub(crate) fn carrier(port: &RealPort) -> Carrier {
    match port {
        RealPort::Node(_) | RealPort::Usb(_) => Carrier::Serial,
        RealPort::Rfc2217(_) => Carrier::SerialServer,
        RealPort::Tcp(_) | RealPort::Unix(_) | RealPort::Telnet(_) => Carrier::Connection,
        RealPort::Exec(_) => Carrier::Program,
        RealPort::Place(place) => carrier(place.port()),
    }
}

/// Returns what a kind of port can do, before one is opened.
pub(crate) fn capabilities(port: &RealPort) -> Capabilities {
    match port {
        RealPort::Node(_) if is_pseudo_terminal(port) => Capabilities::of(&[Capability::DiscardInput]),
        RealPort::Node(_) | RealPort::Usb(_) | RealPort::Rfc2217(_) => Capabilities::ALL,
        RealPort::Place(place) => capabilities(place.port()),
        RealPort::Tcp(_) | RealPort::Unix(_) | RealPort::Telnet(_) | RealPort::Exec(_) => {
            Capabilities::of(&[Capability::DiscardInput])
        }
    }
}

/// Returns the world of a real port; the port is opened by [`PortCommand::Open`](crate::port::PortCommand::Open).
///
/// What the port can do is known before. Moments are those of `clock`. An interrupt is told once to each port that
/// shares it.
#[cfg(unix)]
pub(crate) fn open(port: &RealPort, clock: Clock, interrupt: Interrupt) -> AnyPort {
    use medium::PortOn;
    match port {
        RealPort::Node(name) => AnyPort::new(PortOn::new(serial::Serial::new(name), clock, interrupt)),
        RealPort::Usb(port) => AnyPort::new(PortOn::new(serial::Serial::of_usb(port), clock, interrupt)),
        RealPort::Tcp(to) => AnyPort::new(PortOn::new(socket::Socket::Tcp(to.clone()), clock, interrupt)),
        RealPort::Unix(path) => AnyPort::new(PortOn::new(socket::Socket::Unix(path.clone()), clock, interrupt)),
        RealPort::Telnet(to) => AnyPort::new(PortOn::new(telnet::Telnet::new(to), clock, interrupt)),
        RealPort::Rfc2217(to) => AnyPort::new(PortOn::new(telnet::Rfc2217::new(to), clock, interrupt)),
        RealPort::Exec(command) => AnyPort::new(PortOn::new(exec::Program::new(command), clock, interrupt)),
        RealPort::Place(place) => open(place.port(), clock, interrupt),
    }
}

/// Returns the world of a real port; the port is opened by [`PortCommand::Open`](crate::port::PortCommand::Open).
///
/// What the port can do is known before. Moments are those of `clock`. An interrupt is told once to each port that
/// shares it.
#[cfg(windows)]
pub(crate) fn open(port: &RealPort, clock: Clock, interrupt: Interrupt) -> AnyPort {
    use std::sync::Arc;
    use threaded::{Serve, ThreadedWorld};
    let serve: Serve = match port.clone() {
        RealPort::Node(_) | RealPort::Usb(_) => Arc::new(serial::serve),
        RealPort::Tcp(to) => Arc::new(move |errand| telnet::serve_raw(&to, errand)),
        RealPort::Telnet(to) => Arc::new(move |errand| telnet::serve_plain(&to, errand)),
        RealPort::Rfc2217(to) => Arc::new(move |errand| telnet::serve_com_port(&to, errand)),
        RealPort::Unix(_) => Arc::new(|_| words::only_on_unix("sockets in the file system").into()),
        RealPort::Exec(_) => Arc::new(|_| words::only_on_unix("programs on a pseudo-terminal").into()),
        RealPort::Place(place) => return open(place.port(), clock, interrupt),
    };
    let world = ThreadedWorld::new(&port.to_string(), clock, interrupt, serve);
    AnyPort::new(world.able_to(capabilities(port)))
}
