//! `Socket`: a connection over TCP or to a socket of this machine, on Unix.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, SocketType, connect, shutdown, socket};

use super::advice::{self, BEGINNING};
use super::connecting::{Connecting, Step};
use crate::address::Endpoint;
use crate::event::CloseReason;
use crate::port::{Capabilities, Capability, PortCommand};
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::transport::deadline::timespec;
use crate::transport::medium::Medium;
use crate::transport::not_open::NotOpen;
use crate::transport::wire::{Opening, Taken, Wire, discard_input, read_from};
use crate::transport::words::in_words;

/// For so long a port that is closed waits for its last bytes to be taken by the other end, in steps of [`LINGER_STEP`].
pub(crate) const LINGER: Duration = Duration::from_millis(300);
pub(crate) const LINGER_STEP: Duration = Duration::from_millis(2);

/// What can be connected to.
#[derive(Clone, Debug)]
pub(crate) enum Socket {
    /// A port of a host.
    Tcp(Endpoint),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A connection while it is there, or comes about.
#[derive(Debug)]
pub(crate) struct Connection {
    descriptor: OwnedFd,
    /// `None` if the descriptor is a socket that is connected.
    connecting: Option<Box<Connecting>>,
    /// What the other end said first.
    beginning: Vec<u8>,
    has_written: bool,
}

impl Medium for Socket {
    type Port = Connection;

    const CAPABILITIES: Capabilities = Capabilities::of(&[Capability::DiscardInput]);

    fn open(&mut self, _settings: LineSettings) -> Result<Connection, NotOpen> {
        Connection::begin(self)
    }

    fn refusal(command: &PortCommand) -> Option<CloseReason> {
        crate::transport::words::no_break(command)
    }
}

impl Connection {
    /// Begins to connect.
    ///
    /// # Errors
    ///
    /// Why there is no connection, as far as that is known at once.
    pub(crate) fn begin(to: &Socket) -> Result<Connection, NotOpen> {
        let (descriptor, connecting) = match to {
            Socket::Tcp(endpoint) => {
                let (descriptor, connecting) = Connecting::begin(endpoint)?;
                (descriptor, Some(Box::new(connecting)))
            }
            Socket::Unix(path) => (connected(path).map_err(not_connected)?, None),
        };
        Ok(Connection { descriptor, connecting, beginning: Vec::new(), has_written: false })
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Wire for Connection {
    fn go_on(&mut self, now: Moment) -> Result<Opening, NotOpen> {
        let Some(connecting) = &mut self.connecting else { return Ok(Opening::Open) };
        match connecting.go_on(&mut self.descriptor, now).map_err(NotOpen::absent)? {
            Step::Until(moment) => Ok(Opening::Until(moment)),
            Step::Connected => {
                self.connecting = None;
                Ok(Opening::Open)
            }
        }
    }

    fn read(&mut self, received: &mut Vec<u8>) -> Result<Taken, Errno> {
        let known = received.len();
        let taken = read_from(&self.descriptor, received);
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend(received[known..].iter().take(room));
        taken
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.has_written = true;
        rustix::io::write(&*self, bytes)
    }

    fn wants_room(&self) -> bool {
        self.connecting.as_ref().is_some_and(|connecting| connecting.wants_room())
    }

    fn gone(&mut self) -> CloseReason {
        advice::closed(&self.beginning)
    }

    fn advice(&self, errno: Errno) -> Option<String> {
        advice::lost(std::io::Error::from(errno).kind())
    }
}

impl Drop for Connection {
    /// Lets everything arrive that was written: to close a socket in which bytes wait to be read throws away what is on its
    /// way.
    fn drop(&mut self) {
        let socket = &self.descriptor;
        if !self.has_written {
            return;
        }
        let mut left = LINGER;
        while !left.is_zero() && n_on_the_way(socket) > 0 {
            // What comes of it does not matter.
            let _ = poll(&mut [PollFd::new(socket, PollFlags::HUP)], Some(&timespec(LINGER_STEP)));
            left = left.saturating_sub(LINGER_STEP);
        }
        // The other end may be gone already.
        let _ = shutdown(socket, Shutdown::Write);
        // Some systems throw away what they have received over a connection that is reset.
        discard_input(self);
    }
}

/// Returns how many bytes the other end has not acknowledged.
#[cfg(target_os = "linux")]
fn n_on_the_way(socket: &OwnedFd) -> i32 {
    use rustix::ioctl::{Getter, ioctl};
    const SIOCOUTQ: u32 = 0x5411;
    // SAFETY: SIOCOUTQ fills in an int; this is its number on Linux.
    unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) }.unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn n_on_the_way(_socket: &OwnedFd) -> i32 {
    0
}

fn connected(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, true)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn not_connected(errno: Errno) -> NotOpen {
    let help = match errno {
        Errno::NOENT | Errno::NOTDIR => "there is no such socket: is the program running that makes it?",
        Errno::CONNREFUSED => "no program listens at it any more: start the program that made it again",
        Errno::AGAIN => "too many clients wait for the program at its other end: close the others",
        Errno::ACCESS | Errno::PERM => "you may not use it: ask its owner, or run as the same user",
        Errno::NAMETOOLONG | Errno::INVAL => "the path of a socket has some 100 bytes at most: use a shorter one",
        _ => "name a socket that accepts connections",
    };
    let is_absent = matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED);
    let reason = CloseReason::CannotOpen { reason: in_words(&errno.into()), help: Some(help.to_string()) };
    NotOpen::absent_if(is_absent, reason)
}

#[cfg(test)]
mod tests;
