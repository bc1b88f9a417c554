//! `PtyWorld`: the device's side of a fresh pseudo-terminal, which any program can open as a serial port.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionread};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::clock::Clock;
use super::deadline::timespec;
use super::interrupt::Interrupt;
use super::medium::{Medium, PortOn};
use super::not_open::NotOpen;
use super::watched::{Awaited, Ready, Watched};
use super::wire::Wire;
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Capabilities, Capability, Happening, PortCommand, PortId};
use crate::settings::LineSettings;
use crate::time::{Moment, earlier};
use crate::world::World;

/// How long an end that is given up waits for its last bytes to be read, in steps of [`LINGER_STEP`].
const LINGER: Duration = Duration::from_millis(500);
/// The system brings what was written to the host's side in its own time, which nothing tells.
const ARRIVES_WITHIN: Duration = Duration::from_millis(100);
const LINGER_STEP: Duration = Duration::from_millis(2);

/// The world of a simulated device that real programs talk to.
///
/// Hosts may come and go: what the device sends while nobody is there waits for the next one, as far as
/// the system's buffer goes, and nothing tells the device of it. Settings, control lines and breaks mean
/// nothing here and are accepted. A device that unplugs takes the pseudo-terminal away, and its link; when it is back it has a
/// fresh one, to which the link leads.
#[derive(Debug)]
pub struct PtyWorld {
    port: PortOn<Pty>,
}

/// A pseudo-terminal that is there from the beginning, whether the device has opened it or not, until it unplugs.
#[derive(Debug)]
struct Pty {
    /// `None` while the device is away.
    ends: Option<Ends>,
    /// Those that the device gave up, and whose last bytes the host may still read.
    going: Vec<Going>,
    /// What a host opens, or opened before the device went away.
    path: PathBuf,
    link: Option<PathBuf>,
    clock: Clock,
    interrupt: Interrupt,
}

/// Both ends of a pseudo-terminal that the device gave up.
#[derive(Debug)]
struct Going {
    ends: Ends,
    /// When they are closed at the latest.
    until: Moment,
    /// When they are closed if nothing waits for the host up to then.
    quiet_until: Moment,
}

/// Both ends of a pseudo-terminal.
#[derive(Debug)]
struct Ends {
    master: OwnedFd,
    /// Kept open, so that reading is no error while no host is there.
    host_side: OwnedFd,
}

/// The device's end while the device uses it.
#[derive(Debug)]
struct Master {
    descriptor: OwnedFd,
    /// Where it is served from now on, if nothing else says so.
    note: Option<String>,
}

impl PtyWorld {
    /// Makes a pseudo-terminal that changes no byte, and `link` as another name of it.
    ///
    /// A link that an earlier world left behind is replaced.
    ///
    /// # Errors
    ///
    /// The system has no pseudo-terminal left, or the link cannot be made; in words for the user.
    pub fn create(clock: Clock, interrupt: Interrupt, link: Option<&Path>) -> Result<PtyWorld, String> {
        let link = link.map(Path::to_path_buf);
        let interrupt_of_pty = interrupt.clone();
        let mut pty =
            Pty { ends: None, going: Vec::new(), path: PathBuf::new(), link, clock, interrupt: interrupt_of_pty };
        pty.plug_in()?;
        Ok(PtyWorld { port: PortOn::new(pty, clock, interrupt) })
    }

    /// Returns what a host opens, such as `/dev/pts/7`.
    pub fn path(&self) -> &Path {
        &self.port.medium().path
    }
}

impl World for PtyWorld {
    fn capabilities(&self) -> Capabilities {
        self.port.capabilities()
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        let unplugs = command == PortCommand::Close;
        self.port.perform(port, command);
        if unplugs {
            self.port.medium_mut().unplug();
        }
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.news(received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.arrived(received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            let step = self.port.medium_mut().let_go();
            let (now, happening) = self.port.wait(earlier(until, step), received);
            let is_over = until.is_some_and(|until| until <= now);
            if step.is_none() || is_over || !matches!(happening, Happening::Nothing) {
                return (now, happening);
            }
        }
    }
}

impl Watched for PtyWorld {
    fn awaited(&self) -> Option<Awaited<'_>> {
        self.port.awaited()
    }

    fn found(&mut self, found: Ready) {
        self.port.found(found);
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.medium_mut().let_go();
        self.port.look(until, received)
    }

    fn due(&mut self) -> Option<Moment> {
        let step = self.port.medium_mut().let_go();
        earlier(self.port.due(), step)
    }
}

impl AsFd for Master {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Wire for Master {
    fn note(&mut self) -> Option<String> {
        self.note.take()
    }

    fn gone(&mut self) -> CloseReason {
        CloseReason::HungUp { help: "the system took the pseudo-terminal away: serve the device again".to_string() }
    }
}

impl Medium for Pty {
    type Port = Master;

    const CAPABILITIES: Capabilities = Capabilities::of(&[Capability::DiscardInput]);

    fn open(&mut self, _settings: LineSettings) -> Result<Master, NotOpen> {
        let was_away = self.ends.is_none();
        let cannot = |reason| CloseReason::CannotOpen { reason, help: None };
        self.plug_in().map_err(cannot)?;
        let Some(ends) = &self.ends else { return Err(cannot("it is away".to_string()).into()) };
        let descriptor = ends.master.try_clone().map_err(|error| cannot(in_words(&error)))?;
        let is_new = was_away && self.link.is_none();
        let note = is_new
            .then(|| format!("serving on `{}` now; with `--link PATH` it has a name that stays", self.path.display()));
        Ok(Master { descriptor, note })
    }
}

impl Pty {
    /// Makes a pseudo-terminal, unless there is one, and has the link lead to it.
    fn plug_in(&mut self) -> Result<(), String> {
        if self.ends.is_some() {
            return Ok(());
        }
        let no_terminal = |error: io::Error| format!("no pseudo-terminal: {}", in_words(&error));
        let (master, host_side, path) = create_pair().map_err(no_terminal)?;
        make_raw(&host_side).map_err(no_terminal)?;
        if let Some(link) = &self.link {
            make_link(&path, link).map_err(|error| format!("no link `{}`: {}", link.display(), in_words(&error)))?;
        }
        self.path = path;
        self.ends = Some(Ends { master, host_side });
        Ok(())
    }

    /// Takes the pseudo-terminal away. A host that has it open has time to read the last bytes, which the system would throw away;
    /// nobody waits for that.
    fn unplug(&mut self) {
        let Some(ends) = self.ends.take() else { return };
        let now = self.clock.now();
        self.going.push(Going { ends, until: now + LINGER, quiet_until: now + ARRIVES_WITHIN });
        if let Some(link) = &self.link
            && fs::read_link(link).is_ok_and(|target| target == self.path)
        {
            // Nobody can be told that the link stays.
            let _ = fs::remove_file(link);
        }
    }

    /// Closes what the device gave up and no host reads any more; returns when to look again, if something is left.
    fn let_go(&mut self) -> Option<Moment> {
        if self.going.is_empty() {
            return None;
        }
        let now = self.clock.now();
        self.going.retain_mut(|going| {
            if ioctl_fionread(&going.ends.host_side).is_ok_and(|n| n > 0) {
                going.quiet_until = now + ARRIVES_WITHIN;
            }
            now < going.until.min(going.quiet_until)
        });
        (!self.going.is_empty()).then(|| now + LINGER_STEP)
    }

    /// Waits until that time has passed or the interrupt is raised.
    fn pause(&self, lasting: Duration) {
        let mut fds = [PollFd::from_borrowed_fd(self.interrupt.descriptor(), PollFlags::IN)];
        // What comes of it does not matter: the caller looks for itself.
        let _ = poll(&mut fds, Some(&timespec(lasting)));
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.unplug();
        while !self.interrupt.is_raised() && self.let_go().is_some() {
            self.pause(LINGER_STEP);
        }
    }
}

/// Makes a pseudo-terminal: the device's side, which does not block, the host's side, and its path. It changes bytes as a
/// terminal does.
pub(super) fn create_pair() -> io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let how = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    let how = how | OpenptFlags::CLOEXEC;
    let master = openpt(how)?;
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = ptsname(&master, Vec::new())?;
    let path = PathBuf::from(path.into_string().map_err(io::Error::other)?);
    let host_side = open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
    Ok((master, host_side, path))
}

/// Lets a terminal change no byte.
fn make_raw(terminal: &OwnedFd) -> io::Result<()> {
    let mut modes = tcgetattr(terminal)?;
    modes.make_raw();
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

fn make_link(path: &Path, link: &Path) -> io::Result<()> {
    match fs::read_link(link) {
        Ok(old) if old.parent() == path.parent() => fs::remove_file(link)?,
        Ok(_) | Err(_) => {}
    }
    symlink(path, link)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::port::WriteToken;
    use crate::settings::Settings;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn device(link: Option<&Path>) -> (PtyWorld, Clock) {
        let clock = Clock::start();
        let interrupt = Interrupt::new().expect("a pipe");
        let mut device = PtyWorld::create(clock, interrupt, link).expect("a pseudo-terminal");
        device.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
        (device, clock)
    }

    fn host(path: &Path) -> fs::File {
        fs::File::options().read(true).write(true).open(path).expect("the host's side")
    }

    /// Waits until the device has that many bytes.
    fn take(device: &mut PtyWorld, clock: Clock, n_bytes: usize) -> Vec<u8> {
        let mut received = Vec::new();
        while received.len() < n_bytes {
            let (_, happening) = device.wait(Some(clock.now() + PATIENCE), &mut received);
            assert_eq!(happening, Happening::Received(PortId::FIRST));
        }
        received
    }

    #[test]
    fn every_byte_passes_unchanged_both_ways() {
        let (mut device, clock) = device(None);
        let mut host = host(device.path());
        let every: Vec<u8> = (0..=255).collect();
        host.write_all(&every).expect("the buffer takes 256 bytes");
        assert_eq!(take(&mut device, clock, 256), every);
        device.perform(
            PortId::FIRST,
            PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: every.clone() },
        );
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
        let mut came = vec![0; 256];
        host.read_exact(&mut came).expect("what the device wrote");
        assert_eq!(came, every);
    }

    #[test]
    fn hosts_may_come_and_go() {
        let (mut device, clock) = device(None);
        for text in [b"first", b"again"] {
            let mut host = host(device.path());
            host.write_all(text).expect("the buffer takes 5 bytes");
            drop(host);
            assert_eq!(take(&mut device, clock, 5), text);
            let (_, happening) = device.wait(Some(clock.now()), &mut Vec::new());
            assert_eq!(happening, Happening::Nothing);
        }
        device.perform(
            PortId::FIRST,
            PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: b"RDY".to_vec() },
        );
        let mut came = [0; 3];
        host(device.path()).read_exact(&mut came).expect("what was written before the host came");
        assert_eq!(&came, b"RDY");
    }

    #[test]
    fn a_link_leads_to_it_and_is_gone_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("dut");
        symlink("/dev/pts/999999", &link).expect("a link that was left behind");
        let (device_with_link, _) = device(Some(&link));
        assert_eq!(fs::read_link(&link).expect("the link"), device_with_link.path());
        drop(device_with_link);
        assert!(fs::symlink_metadata(&link).is_err());
    }

    #[test]
    fn a_device_that_unplugs_takes_its_end_away_and_comes_back_with_a_fresh_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("dut");
        let (mut device, clock) = device(Some(&link));
        let mut gone = host(&link);
        device.perform(
            PortId::FIRST,
            PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: b"BYE".to_vec() },
        );
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
        let mut came = [0; 3];
        gone.read_exact(&mut came).expect("what the device wrote");
        device.perform(PortId::FIRST, PortCommand::Close);
        assert!(fs::symlink_metadata(&link).is_err(), "there is no such port while it is away");
        assert!(!device.port.medium().going.is_empty(), "nobody waits for the host");
        let given_up = clock.now() + PATIENCE;
        while !device.port.medium().going.is_empty() && clock.now() < given_up {
            device.wait(Some(clock.now() + LINGER_STEP), &mut Vec::new());
        }
        assert!(gone.read(&mut came).is_ok_and(|n| n == 0) || gone.write(b"x").is_err(), "the host is hung up");
        device.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
        let mut host = host(&link);
        host.write_all(b"AT").expect("the buffer takes 2 bytes");
        assert_eq!(take(&mut device, clock, 2), b"AT");
    }

    #[test]
    fn a_device_without_a_link_says_where_it_is_now() {
        let (mut device, _) = device(None);
        device.perform(PortId::FIRST, PortCommand::Close);
        device.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
        let told = device.wait(None, &mut Vec::new()).1;
        let Happening::Noted(_, note) = told else { panic!("it is {told:?}") };
        assert!(note.starts_with(&format!("serving on `{}` now", device.path().display())), "{note}");
    }

    #[test]
    fn a_link_does_not_replace_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("dut");
        fs::write(&link, "precious").expect("a file");
        let refused = PtyWorld::create(Clock::start(), Interrupt::new().expect("a pipe"), Some(&link));
        assert!(refused.is_err_and(|reason| reason.contains("file exists")));
        assert_eq!(fs::read(&link).expect("the file"), b"precious");
    }
}
