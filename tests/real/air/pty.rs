//! The module's end of a pseudo-terminal.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;

/// A raw pseudo-terminal; nothing of it is inherited by processes that are started meanwhile.
pub(super) struct Pty {
    master: AsyncFd<OwnedFd>,
    path: PathBuf,
    /// Kept open, or the master would see an error whenever no host has the terminal open.
    _terminal: OwnedFd,
}

impl Pty {
    /// Opens a fresh one.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn open() -> io::Result<Pty> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = PathBuf::from(OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes()));
        let terminal = open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let mut settings = tcgetattr(&terminal)?;
        settings.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &settings)?;
        rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "the other constructor is unsafe; a descriptor that is owned is what it asks for"
        )]
        let master = AsyncFd::new(master)?;
        Ok(Pty { master, path, _terminal: terminal })
    }

    /// Returns the path that a host opens.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for bytes from the host.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.master.readable().await?;
            let attempt = ready.try_io(|fd| match rustix::io::read(fd, &mut *buffer) {
                Err(Errno::INTR) => Err(io::ErrorKind::WouldBlock.into()),
                read => Ok(read?),
            });
            if let Ok(read) = attempt {
                return read;
            }
        }
    }

    /// Hands all bytes to the host.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.master.writable().await?;
            if let Ok(written) = ready.try_io(|fd| Ok(rustix::io::write(fd, bytes)?)) {
                bytes = &bytes[written?..];
            }
        }
        Ok(())
    }
}
