//! `Serial`: a serial port of this machine on Unix.

mod closing;
mod rs485;

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_getfl, fcntl_setfl, flock, open};
#[cfg(target_os = "linux")]
use rustix::fs::{fstat, major};
use rustix::io::Errno;
use rustix::termios::isatty;
use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::identity::Identity;
use super::refusal;
use super::settings::{broken, builder, check_settings, input_lines, is_stick, no_stick, reconfigure, words};
use crate::address::UsbPort;
use crate::event::CloseReason;
use crate::port::{Capabilities, PortCommand};
use crate::settings::{InputLines, LineSettings};
use crate::time::Moment;
use crate::transport::machine::Machine;
use crate::transport::medium::{Medium, Progress};
use crate::transport::not_open::NotOpen;
use crate::transport::wire::Wire;
#[cfg(target_os = "linux")]
use crate::transport::words::in_words;

/// A serial port of this machine, by the name of its device node.
#[derive(Debug)]
pub(crate) struct Serial {
    identity: Identity,
}

/// The port while it is open.
#[derive(Debug)]
pub(crate) struct Port {
    tty: TTYPort,
    settings: LineSettings,
    kind: Kind,
    stage: Stage,
    /// What the user is to know of it.
    note: Option<String>,
}

/// A pseudo-terminal has no baud, format or control lines, and says so in its own ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hardware,
    Pseudo,
}

/// How far a command is that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is no such command.
    Idle,
    /// Bytes still leave that the command would spoil: as many as were left when looked at.
    Draining { left: u32 },
    /// The line is held in break.
    Breaking { until: Moment },
}

impl Serial {
    /// Names a port.
    pub(crate) fn new(name: &str) -> Serial {
        Serial { identity: Identity::of_node(Machine::this(), name) }
    }

    /// Names the port of an adapter.
    pub(crate) fn of_usb(port: &UsbPort) -> Serial {
        Serial { identity: Identity::of_usb(Machine::this(), port) }
    }

    /// Names a port by what it is known by.
    #[cfg(test)]
    pub(super) fn known_by(identity: Identity) -> Serial {
        Serial { identity }
    }

    fn open_as(&mut self, name: String, settings: LineSettings) -> Result<Port, NotOpen> {
        let mut port = Port::open(&self.identity.node(&name), settings)?;
        port.note = self.identity.learn(name);
        Ok(port)
    }
}

impl Medium for Serial {
    type Port = Port;

    const CAPABILITIES: Capabilities = Capabilities::ALL;

    fn open(&mut self, settings: LineSettings) -> Result<Port, NotOpen> {
        self.open_as(self.identity.name(), settings)
    }

    fn open_again(&mut self, settings: LineSettings) -> Result<Port, NotOpen> {
        self.open_as(self.identity.find_again()?, settings)
    }

    fn carry_out(port: &mut Port, command: &PortCommand, now: Moment) -> Result<Progress, CloseReason> {
        match command {
            PortCommand::SetLines { dtr, rts } => port.set_lines(*dtr, *rts)?,
            PortCommand::DiscardInput => port
                .tty
                .clear(ClearBuffer::Input)
                .map_err(|error| broken(format!("the input cannot be discarded: {}", words(&error))))?,
            PortCommand::DiscardOutput => port
                .tty
                .clear(ClearBuffer::Output)
                .map_err(|error| broken(format!("the output cannot be discarded: {}", words(&error))))?,
            PortCommand::Break { lasting } => return port.send_break(*lasting, now),
            PortCommand::Reconfigure { settings } => match port.drain(now) {
                Progress::Done => port.reconfigure(settings.clone())?,
                progress @ (Progress::AfterWrites | Progress::At(_)) => return Ok(progress),
            },
            PortCommand::Open { .. }
            | PortCommand::Reopen { .. }
            | PortCommand::Write { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Resize { .. }
            | PortCommand::Close => {}
        }
        Ok(Progress::Done)
    }

    fn input_lines(port: &mut Port) -> Result<InputLines, String> {
        match port.kind {
            Kind::Hardware => input_lines(&mut port.tty),
            Kind::Pseudo => Err("a pseudo-terminal has no CTS, DSR, DCD and RI".to_string()),
        }
    }
}

impl Wire for Port {
    fn note(&mut self) -> Option<String> {
        self.note.take()
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `tty` is, which is borrowed as long as the result is.
        unsafe { BorrowedFd::borrow_raw(self.tty.as_raw_fd()) }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Stage::Breaking { .. } = self.stage {
            // A port that cannot end its break is closed all the same.
            let _ = self.tty.clear_break();
        }
        self.leave_lines();
    }
}

impl Port {
    fn open(name: &str, settings: LineSettings) -> Result<Port, NotOpen> {
        let device = fs::metadata(name).map_err(|error| {
            refusal::of_error(name, error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
        })?;
        if !device.file_type().is_char_device() {
            return Err(refusal::not_a_port(name).into());
        }
        // serialport loses the error number, and its failed attempt takes away the exclusive access of
        // whoever has the port. So this looks first, and stays open so that DTR does not fall in between.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let look = open(name, flags, Mode::empty()).map_err(|errno| refusal::of_error(name, errno))?;
        if !isatty(&look) {
            return Err(refusal::not_a_port(name).into());
        }
        match flock(&look, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // An unlock of what was just locked does not fail, and serialport would say so.
                let _ = flock(&look, FlockOperation::Unlock);
            }
            Err(Errno::WOULDBLOCK) => {
                drop(look);
                return Err(refusal::busy(name).into());
            }
            // A system without locks for devices: serialport decides.
            Err(_) => {}
        }
        let kind = Kind::of(name, &look);
        let baud = if kind.has_baud() { settings.baud } else { 0 };
        let tty = builder(name, baud, &settings)
            .open_native()
            .map_err(|error| CloseReason::CannotOpen { reason: words(&error), help: None })?;
        let mut port = Port { tty, settings, kind, stage: Stage::Idle, note: None };
        let flags = fcntl_getfl(&port).unwrap_or(OFlags::RDWR);
        fcntl_setfl(&port, flags | OFlags::NONBLOCK).map_err(|errno| refusal::of_error(name, errno))?;
        if kind == Kind::Hardware {
            check_settings(&port.tty, &port.settings)?;
            port.set_stick()?;
        }
        port.set_lines(port.settings.dtr.wanted(), port.settings.rts.wanted())?;
        port.set_rs485()?;
        Ok(port)
    }

    fn reconfigure(&mut self, settings: LineSettings) -> Result<(), CloseReason> {
        reconfigure(&mut self.tty, &settings, self.kind.has_baud())?;
        let has_other_transmitter = self.settings.rs485 != settings.rs485;
        self.settings = settings;
        if has_other_transmitter {
            self.set_rs485()?;
        }
        match self.kind {
            Kind::Hardware => {
                check_settings(&self.tty, &self.settings)?;
                self.set_stick()
            }
            Kind::Pseudo => Ok(()),
        }
    }

    /// Makes the parity bit one that never changes, if it is to be mark or space: odd parity then is mark.
    #[cfg(target_os = "linux")]
    fn set_stick(&mut self) -> Result<(), CloseReason> {
        use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
        let refused = |errno: Errno| broken(format!("the parity cannot be set: {}", in_words(&errno.into())));
        let mut modes = tcgetattr(&self).map_err(refused)?;
        let is_wanted = is_stick(&self.settings);
        if modes.control_modes.contains(ControlModes::CMSPAR) == is_wanted {
            return Ok(());
        }
        modes.control_modes.set(ControlModes::CMSPAR, is_wanted);
        tcsetattr(&self, OptionalActions::Now, &modes).map_err(refused)?;
        // A driver that has no such parity says so by leaving it out.
        let is_set = tcgetattr(&self).map_err(refused)?.control_modes.contains(ControlModes::CMSPAR);
        if is_set || !is_wanted { Ok(()) } else { Err(no_stick(&self.settings)) }
    }

    /// Refuses a parity bit that never changes: serialport cannot set one.
    #[cfg(not(target_os = "linux"))]
    fn set_stick(&mut self) -> Result<(), CloseReason> {
        if is_stick(&self.settings) { Err(no_stick(&self.settings)) } else { Ok(()) }
    }

    /// Sets DTR and RTS, both in one step where the system can: some boards reset when they differ.
    ///
    /// A pseudo-terminal has neither, and goes on as if it had.
    fn set_lines(&mut self, dtr: Option<bool>, rts: Option<bool>) -> Result<(), CloseReason> {
        if self.kind == Kind::Pseudo {
            return Ok(());
        }
        let (set, which) = match (dtr, rts) {
            (None, None) => return Ok(()),
            (Some(dtr), None) => (self.tty.write_data_terminal_ready(dtr).map_err(|e| words(&e)), "DTR"),
            (None, Some(rts)) => (self.tty.write_request_to_send(rts).map_err(|e| words(&e)), "RTS"),
            (Some(dtr), Some(rts)) => (self.set_both(dtr, rts), "DTR and RTS"),
        };
        let Err(because) = set else { return Ok(()) };
        Err(CloseReason::Broken {
            reason: format!("{which} cannot be switched: {because}"),
            help: Some("leave `dtr` and `rts` at `keep` for this port, and do not switch them".to_string()),
        })
    }

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
    fn set_both(&mut self, dtr: bool, rts: bool) -> Result<(), String> {
        use rustix::ioctl::{Getter, Setter, ioctl};
        const TIOCMGET: u32 = 0x5415;
        const TIOCMSET: u32 = 0x5418;
        const DTR: i32 = 2;
        const RTS: i32 = 4;
        let refused = |errno: Errno| in_words(&errno.into());
        let port = self.as_fd();
        // SAFETY: TIOCMGET fills in an int and TIOCMSET reads one; these are their numbers on this system.
        let now = unsafe { ioctl(port, Getter::<TIOCMGET, i32>::new()) }.map_err(refused)?;
        let wanted = (now & !(DTR | RTS)) | if dtr { DTR } else { 0 } | if rts { RTS } else { 0 };
        // SAFETY: as above.
        unsafe { ioctl(port, Setter::<TIOCMSET, i32>::new(wanted)) }.map_err(refused)
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm"))))]
    fn set_both(&mut self, dtr: bool, rts: bool) -> Result<(), String> {
        self.tty.write_data_terminal_ready(dtr).map_err(|e| words(&e))?;
        self.tty.write_request_to_send(rts).map_err(|e| words(&e))
    }

    /// Holds the line in break, once everything has left that was written before.
    fn send_break(&mut self, lasting: Duration, now: Moment) -> Result<Progress, CloseReason> {
        let until = match self.stage {
            Stage::Breaking { until } => until,
            Stage::Idle | Stage::Draining { .. } => {
                let progress = self.drain(now);
                if progress != Progress::Done {
                    return Ok(progress);
                }
                self.tty.set_break().map_err(|e| broken(format!("the line cannot be held: {}", words(&e))))?;
                now + lasting
            }
        };
        if now < until {
            self.stage = Stage::Breaking { until };
            return Ok(Progress::At(until));
        }
        self.stage = Stage::Idle;
        self.tty.clear_break().map_err(|e| broken(format!("the break cannot be ended: {}", words(&e))))?;
        Ok(Progress::Done)
    }

    /// Lets everything leave that was written before.
    fn drain(&mut self, now: Moment) -> Progress {
        let left = match self.stage {
            Stage::Idle => {
                self.stage = Stage::Draining { left: u32::MAX };
                return Progress::AfterWrites;
            }
            Stage::Draining { left } => left,
            Stage::Breaking { .. } => 0,
        };
        let still = self.n_leaving();
        // Bytes that flow control holds back do not get fewer, and are not waited for.
        if still > 0 && still < left {
            self.stage = Stage::Draining { left: still };
            return Progress::At(now + self.settings.character_time() * still.saturating_add(1));
        }
        self.stage = Stage::Idle;
        Progress::Done
    }

    /// Returns how many bytes the system has taken and not yet put on the line. A pseudo-terminal has no
    /// line: what it counts is what its other side has not read.
    fn n_leaving(&self) -> u32 {
        match self.kind {
            Kind::Hardware => self.tty.bytes_to_write().unwrap_or(0),
            Kind::Pseudo => 0,
        }
    }
}

impl Kind {
    /// Returns the kind of an open port.
    #[cfg(target_os = "linux")]
    fn of(_name: &str, port: impl AsFd) -> Kind {
        /// The numbers of what drives the ends that programs open (Linux, Documentation/admin-guide/devices.txt).
        const PSEUDO: std::ops::RangeInclusive<u32> = 136..=143;
        let is_pseudo = fstat(port).is_ok_and(|found| PSEUDO.contains(&major(found.st_rdev)));
        if is_pseudo { Kind::Pseudo } else { Kind::Hardware }
    }

    /// Returns the kind of an open port.
    #[cfg(not(target_os = "linux"))]
    fn of(name: &str, _port: impl AsFd) -> Kind {
        let pseudo = if cfg!(target_os = "macos") { "/dev/ttys" } else { "/dev/pts/" };
        let is_pseudo = fs::canonicalize(name).is_ok_and(|path| path.to_string_lossy().starts_with(pseudo));
        if is_pseudo { Kind::Pseudo } else { Kind::Hardware }
    }

    /// On macOS setting the baud of a pseudo-terminal is an error.
    fn has_baud(self) -> bool {
        self == Kind::Hardware || !cfg!(target_os = "macos")
    }
}

/// Returns whether a name is that of a pseudo-terminal.
pub(in crate::transport) fn is_pseudo_terminal(name: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let is_device = fs::metadata(name).is_ok_and(|device| device.file_type().is_char_device());
    is_device && open(name, flags, Mode::empty()).is_ok_and(|port| Kind::of(name, &port) == Kind::Pseudo)
}

#[cfg(test)]
mod tests;
