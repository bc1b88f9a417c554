//! The world of one serial port on Unix, in one thread.

use std::collections::VecDeque;
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

use super::refusal;
use super::settings::{broken, builder, check_settings, reconfigure, wanted, words};
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand};
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::line::{Line, Ready};
use crate::world::World;

/// The world in which a named port is real.
#[derive(Debug)]
pub(crate) struct SerialWorld {
    name: String,
    line: Line,
    port: Option<Port>,
    stage: Stage,
    /// What was asked for during a stage, to be done in order when it is over.
    later: VecDeque<PortCommand>,
    /// What was found of the port and was not used up: who waits for several is told of bytes only once.
    ready: Ready,
}

#[derive(Debug)]
struct Port {
    tty: TTYPort,
    settings: LineSettings,
    kind: Kind,
}

/// A pseudo-terminal has no baud, format or control lines, and says so in its own ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hardware,
    Pseudo,
}

/// Something that takes time and that later commands must not overtake.
#[derive(Debug)]
enum Stage {
    /// Nothing of that kind.
    Idle,
    /// Bytes still leave that `then` would spoil: as many as were left when looked at, to be looked at
    /// again at `look`.
    Draining { then: Then, look: Moment, left: u32 },
    /// The line is held in break.
    Breaking { until: Moment },
}

#[derive(Debug)]
enum Then {
    Break { lasting: Duration },
    Reconfigure { settings: LineSettings },
}

impl SerialWorld {
    /// Makes the world of the port with this name; nothing is opened yet.
    pub(crate) fn new(name: &str, clock: Clock, interrupt: Interrupt) -> SerialWorld {
        SerialWorld {
            name: name.to_string(),
            line: Line::new(clock, interrupt),
            port: None,
            stage: Stage::Idle,
            later: VecDeque::new(),
            ready: Ready::default(),
        }
    }

    fn open(&mut self, settings: LineSettings) {
        self.close();
        let told = match Port::open(&self.name, settings) {
            Ok(port) => {
                self.port = Some(port);
                Happening::Opened
            }
            Err(reason) => Happening::Closed(reason),
        };
        self.line.tell(told);
    }

    /// Closes the port, and forgets what has not been told of it.
    fn close(&mut self) {
        self.let_go();
        self.line.reset();
    }

    fn let_go(&mut self) {
        if let (Some(port), Stage::Breaking { .. }) = (&self.port, &self.stage) {
            // A port that can not end its break is closed all the same.
            let _ = port.tty.clear_break();
        }
        self.port = None;
        self.stage = Stage::Idle;
        self.later.clear();
        self.line.forget_writes();
    }

    /// Closes the port because something failed. If the other end is gone, waits find out by themselves,
    /// when they have read what is left.
    fn lose(&mut self, reason: CloseReason) {
        if self.port.as_ref().is_some_and(|port| self.line.is_hung_up(port.descriptor())) {
            return;
        }
        self.let_go();
        self.line.tell(Happening::Closed(reason));
    }

    /// Carries out a command other than opening and closing, or begins it as a stage.
    fn carry_out(&mut self, command: PortCommand) {
        let now = self.line.now();
        let Some(port) = &mut self.port else { return };
        let done = match command {
            PortCommand::Write { token, bytes } => {
                self.line.write(port.descriptor(), token, bytes);
                Ok(())
            }
            PortCommand::SetLines { dtr, rts } => port.set_lines(dtr, rts),
            PortCommand::Break { lasting } => {
                self.stage = Stage::Draining { then: Then::Break { lasting }, look: now, left: u32::MAX };
                Ok(())
            }
            PortCommand::Reconfigure { settings } => {
                self.stage = Stage::Draining { then: Then::Reconfigure { settings }, look: now, left: u32::MAX };
                Ok(())
            }
            PortCommand::DiscardInput => port
                .tty
                .clear(ClearBuffer::Input)
                .map_err(|error| broken(format!("the input can not be discarded: {}", words(&error)))),
            PortCommand::Open { .. } | PortCommand::Close => Ok(()),
        };
        if let Err(reason) = done {
            self.lose(reason);
        }
    }

    /// Goes on with the stage and what is behind it; returns when to come back, if time alone ends it.
    fn advance(&mut self) -> Option<Moment> {
        loop {
            if matches!(self.stage, Stage::Idle) && self.later.is_empty() {
                return None;
            }
            let now = self.line.now();
            let port = self.port.as_mut()?;
            match std::mem::replace(&mut self.stage, Stage::Idle) {
                Stage::Idle => {
                    let command = self.later.pop_front()?;
                    self.carry_out(command);
                }
                Stage::Draining { then, look, left } => {
                    let still = port.n_leaving();
                    if self.line.has_unsent() {
                        self.stage = Stage::Draining { then, look, left };
                        return None;
                    }
                    if still > 0 && now < look {
                        self.stage = Stage::Draining { then, look, left };
                        return Some(look);
                    }
                    // Bytes that flow control holds back do not get fewer, and are not waited for.
                    if still > 0 && still < left {
                        let look = now + port.settings.character_time() * still.saturating_add(1);
                        self.stage = Stage::Draining { then, look, left: still };
                        return Some(look);
                    }
                    if let Err(reason) = self.begin(then, now) {
                        self.lose(reason);
                    }
                }
                Stage::Breaking { until } if now < until => {
                    self.stage = Stage::Breaking { until };
                    return Some(until);
                }
                Stage::Breaking { .. } => {
                    if let Err(error) = port.tty.clear_break() {
                        self.lose(broken(format!("the break can not be ended: {}", words(&error))));
                    }
                }
            }
        }
    }

    fn begin(&mut self, then: Then, now: Moment) -> Result<(), CloseReason> {
        let Some(port) = &mut self.port else { return Ok(()) };
        match then {
            Then::Break { lasting } => {
                port.tty.set_break().map_err(|e| broken(format!("the line can not be held: {}", words(&e))))?;
                self.stage = Stage::Breaking { until: now + lasting };
                Ok(())
            }
            Then::Reconfigure { settings } => port.reconfigure(settings),
        }
    }
}

impl SerialWorld {
    /// Returns the descriptor to wait on, and whether it is waited for until bytes can be written.
    pub(crate) fn awaited(&self) -> Option<(BorrowedFd<'_>, bool)> {
        self.port.as_ref().map(|port| (port.descriptor(), self.line.has_unsent()))
    }

    /// Returns the moment at which this world must be looked at again by itself.
    pub(crate) fn stage_until(&mut self) -> Option<Moment> {
        self.advance()
    }

    /// Takes note of what the port is ready for.
    pub(crate) fn found(&mut self, found: Ready) {
        self.ready.readable |= found.readable;
        self.ready.writable |= found.writable;
        self.ready.hung_up |= found.hung_up;
    }

    /// Looks whether there is something to tell, given what the port was found ready for; never blocks. Bytes are
    /// appended to `received`.
    pub(crate) fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.advance();
        let port = self.port.as_ref().map(Port::descriptor);
        let told = self.line.look(port, self.ready, until, received);
        // It is the last that a look does to read and to write, so what it did not tell of is not to be had.
        match &told {
            None => self.ready = Ready::default(),
            Some((_, Happening::Closed(_))) => {
                self.ready = Ready::default();
                self.let_go();
            }
            // Less than there was room for is all there was.
            Some((_, Happening::Received)) => self.ready.readable = received.len() == received.capacity(),
            Some(_) => {}
        }
        told
    }
}

impl World for SerialWorld {
    fn perform(&mut self, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => self.open(settings),
            PortCommand::Close => {
                // What carries the last bytes may stand behind this program on its processor; it is not to wait until the
                // run has been written up.
                std::thread::yield_now();
                self.close();
            }
            other if matches!(self.stage, Stage::Idle) => {
                self.carry_out(other);
                self.advance();
            }
            other => self.later.push_back(other),
        }
    }

    fn news(&mut self) -> Option<(Moment, Happening)> {
        let (now, happening) = self.line.news()?;
        if matches!(happening, Happening::Closed(_)) {
            self.let_go();
        }
        Some((now, happening))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            let stop = match (until, self.advance()) {
                (Some(until), Some(stage)) => Some(until.min(stage)),
                (until, stage) => until.or(stage),
            };
            let port = self.port.as_ref().map(Port::descriptor);
            let (now, happening) = self.line.wait(port, stop, received);
            match happening {
                // Woken for the stage only.
                Happening::Nothing if until.is_none_or(|until| now < until) => {}
                Happening::Closed(reason) => {
                    self.let_go();
                    return (now, Happening::Closed(reason));
                }
                other => return (now, other),
            }
        }
    }
}

impl Drop for SerialWorld {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Port {
    fn open(name: &str, settings: LineSettings) -> Result<Port, CloseReason> {
        let device = fs::metadata(name).map_err(|error| {
            refusal::of_error(name, error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
        })?;
        if !device.file_type().is_char_device() {
            return Err(refusal::not_a_port(name));
        }
        // serialport loses the error number, and its failed attempt takes away the exclusive access of
        // whoever has the port. So this looks first, and stays open so that DTR does not fall in between.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let look = open(name, flags, Mode::empty()).map_err(|errno| refusal::of_error(name, errno))?;
        if !isatty(&look) {
            return Err(refusal::not_a_port(name));
        }
        match flock(&look, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // An unlock of what was just locked does not fail, and serialport would say so.
                let _ = flock(&look, FlockOperation::Unlock);
            }
            Err(Errno::WOULDBLOCK) => {
                drop(look);
                return Err(refusal::busy(name));
            }
            // A system without locks for devices: serialport decides.
            Err(_) => {}
        }
        let kind = Kind::of(name, &look);
        let baud = if kind.has_baud() { settings.baud } else { 0 };
        let tty = builder(name, baud, &settings)
            .open_native()
            .map_err(|error| CloseReason::CannotOpen { reason: words(&error), help: None })?;
        let mut port = Port { tty, settings, kind };
        let flags = fcntl_getfl(port.descriptor()).unwrap_or(OFlags::RDWR);
        fcntl_setfl(port.descriptor(), flags | OFlags::NONBLOCK).map_err(|errno| refusal::of_error(name, errno))?;
        if kind == Kind::Hardware {
            check_settings(&port.tty, &port.settings)?;
        }
        port.set_lines(wanted(port.settings.dtr), wanted(port.settings.rts))?;
        Ok(port)
    }

    fn reconfigure(&mut self, settings: LineSettings) -> Result<(), CloseReason> {
        reconfigure(&mut self.tty, &settings, self.kind.has_baud())?;
        self.settings = settings;
        if self.kind == Kind::Hardware { check_settings(&self.tty, &self.settings) } else { Ok(()) }
    }

    /// Sets DTR and RTS, both in one step where the system can: some boards reset when they differ.
    fn set_lines(&mut self, dtr: Option<bool>, rts: Option<bool>) -> Result<(), CloseReason> {
        let (set, which) = match (dtr, rts) {
            (None, None) => return Ok(()),
            (Some(dtr), None) => (self.tty.write_data_terminal_ready(dtr).map_err(|e| words(&e)), "DTR"),
            (None, Some(rts)) => (self.tty.write_request_to_send(rts).map_err(|e| words(&e)), "RTS"),
            (Some(dtr), Some(rts)) => (self.set_both(dtr, rts), "DTR and RTS"),
        };
        let Err(words) = set else { return Ok(()) };
        let because = match self.kind {
            Kind::Pseudo => "a pseudo-terminal has no control lines".to_string(),
            Kind::Hardware => words,
        };
        Err(CloseReason::Broken {
            reason: format!("{which} can not be switched: {because}"),
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
        let in_words = |errno: Errno| crate::transport::words::in_words(&errno.into());
        let port = self.descriptor();
        // SAFETY: TIOCMGET fills in an int and TIOCMSET reads one; these are their numbers on this system.
        let now = unsafe { ioctl(port, Getter::<TIOCMGET, i32>::new()) }.map_err(in_words)?;
        let wanted = (now & !(DTR | RTS)) | if dtr { DTR } else { 0 } | if rts { RTS } else { 0 };
        // SAFETY: as above.
        unsafe { ioctl(port, Setter::<TIOCMSET, i32>::new(wanted)) }.map_err(in_words)
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm"))))]
    fn set_both(&mut self, dtr: bool, rts: bool) -> Result<(), String> {
        self.tty.write_data_terminal_ready(dtr).map_err(|e| words(&e))?;
        self.tty.write_request_to_send(rts).map_err(|e| words(&e))
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `tty` is, which is borrowed as long as the result is.
        unsafe { BorrowedFd::borrow_raw(self.tty.as_raw_fd()) }
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

#[cfg(test)]
mod tests;
