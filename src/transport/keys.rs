//! Standard input as a port: what is typed or piped in comes like the bytes of a device, in the same wait.

#[cfg(unix)]
pub(crate) use unix::{keys, stop, wakes};
#[cfg(windows)]
pub(crate) use windows::keys;

#[cfg(unix)]
mod unix {
    use std::io::{self, Read, Write};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::sync::Arc;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::{FileType, OFlags, fcntl_setfl, fstat};
    use rustix::io::{Errno, FdFlags, dup, fcntl_setfd};
    use rustix::process::{Signal, getpid, kill_process};
    use rustix::stdio::stdin;
    use rustix::termios::isatty;

    use crate::event::CloseReason;
    use crate::port::Capabilities;
    use crate::settings::LineSettings;
    use crate::transport::any::AnyPort;
    use crate::transport::clock::Clock;
    use crate::transport::deadline::timespec;
    use crate::transport::interrupt::{Interrupt, at_job_control};
    use crate::transport::medium::{Medium, PortOn};
    use crate::transport::not_open::NotOpen;
    use crate::transport::wire::{Taken, Wire, read_from};

    /// Returns standard input as a port, which closes at its end.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn keys(clock: Clock, interrupt: Interrupt) -> io::Result<AnyPort> {
        let kind = FileType::from_raw_mode(fstat(stdin())?.st_mode);
        // A wait can watch neither a file nor `/dev/null`.
        let can_be_watched = match kind {
            FileType::RegularFile | FileType::Directory | FileType::BlockDevice => false,
            FileType::CharacterDevice => isatty(stdin()),
            FileType::Fifo | FileType::Socket | FileType::Symlink | FileType::Unknown => true,
        };
        let input = if can_be_watched { dup(stdin())? } else { pumped()? };
        fcntl_setfd(&input, FdFlags::CLOEXEC)?;
        Ok(AnyPort::new(PortOn::new(Descriptor { given: Some(input) }, clock, interrupt)))
    }

    /// Returns a port on which a byte comes when the terminal has another size, and when the process goes on after a stop.
    /// Before the process stops, `leave` is called, and `back` when it goes on: both do only what a signal handler may.
    ///
    /// # Errors
    ///
    /// The system refuses a handler, or has no descriptors left.
    pub(crate) fn wakes(leave: fn(), back: fn(), clock: Clock, interrupt: Interrupt) -> io::Result<AnyPort> {
        let (reader, writer) = rustix::pipe::pipe()?;
        fcntl_setfd(&reader, FdFlags::CLOEXEC)?;
        fcntl_setfd(&writer, FdFlags::CLOEXEC)?;
        fcntl_setfl(&writer, OFlags::NONBLOCK)?;
        at_job_control(Arc::new(writer), leave, back)?;
        Ok(AnyPort::new(PortOn::new(Descriptor { given: Some(reader) }, clock, interrupt)))
    }

    /// Stops this process as Ctrl-Z would.
    pub(crate) fn stop() {
        // A process may always signal itself.
        let _ = kill_process(getpid(), Signal::TSTP);
    }

    /// Returns a pipe into which a thread copies standard input; it ends with the input or with the process.
    fn pumped() -> io::Result<OwnedFd> {
        let (reader, writer) = rustix::pipe::pipe()?;
        fcntl_setfd(&writer, FdFlags::CLOEXEC)?;
        std::thread::Builder::new().name("stdin".to_string()).spawn(move || {
            let mut writer = std::fs::File::from(writer);
            let mut bytes = [0; 16 * 1024];
            while let Ok(n @ 1..) = io::stdin().read(&mut bytes) {
                if writer.write_all(&bytes[..n]).is_err() {
                    return;
                }
            }
        })?;
        Ok(reader)
    }

    /// A descriptor that is open already.
    struct Descriptor {
        given: Option<OwnedFd>,
    }

    /// A descriptor that may block: it is read only when something has come.
    struct Source(OwnedFd);

    impl Medium for Descriptor {
        type Port = Source;

        const CAPABILITIES: Capabilities = Capabilities::NONE;

        fn open(&mut self, _settings: LineSettings) -> Result<Source, NotOpen> {
            let ended = || NotOpen::from(CloseReason::HungUp { help: String::new() });
            self.given.take().map(Source).ok_or_else(ended)
        }
    }

    impl AsFd for Source {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    impl Wire for Source {
        fn read(&mut self, received: &mut Vec<u8>) -> Result<Taken, Errno> {
            let mut watched = [PollFd::new(&self.0, PollFlags::IN)];
            poll(&mut watched, Some(&timespec(std::time::Duration::ZERO)))?;
            if watched[0].revents().is_empty() {
                return Err(Errno::AGAIN);
            }
            // A further read would block.
            read_from(&self.0, received).map(|taken| Taken { has_more: false, ..taken })
        }

        fn gone(&mut self) -> CloseReason {
            CloseReason::HungUp { help: String::new() }
        }
    }
}

#[cfg(windows)]
mod windows {
    use std::io::{self, IsTerminal, Read};
    use std::sync::Arc;

    use crate::event::CloseReason;
    use crate::port::{Capabilities, Happening, PortId};
    use crate::transport::any::AnyPort;
    use crate::transport::clock::Clock;
    use crate::transport::interrupt::Interrupt;
    use crate::transport::threaded::{Errand, Serve, ThreadedWorld};

    /// Returns standard input as a port, which closes at its end. A thread reads it, and ends with the process.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub(crate) fn keys(clock: Clock, interrupt: Interrupt) -> io::Result<AnyPort> {
        let serve: Serve = Arc::new(|errand: &Errand| {
            errand.tell(Happening::Opened(PortId::FIRST));
            read(errand);
            CloseReason::HungUp { help: String::new() }.into()
        });
        let world = ThreadedWorld::new("standard input", clock, interrupt, serve);
        Ok(AnyPort::new(world.able_to(Capabilities::NONE)))
    }

    fn read(errand: &Errand) {
        let is_console = io::stdin().is_terminal();
        let mut bytes = [0; 4096];
        while errand.is_wanted() {
            match io::stdin().read(&mut bytes) {
                // A console ends a read at Ctrl-Z and leaves it out.
                Ok(0) if is_console => errand.tell_received(b"\x1a"),
                Ok(0) | Err(_) => return,
                Ok(n) => errand.tell_received(&bytes[..n]),
            }
        }
    }
}
