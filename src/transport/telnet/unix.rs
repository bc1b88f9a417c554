//! `Telnet` and `Rfc2217`: ports over a connection on which a protocol is spoken, on Unix.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::ANSWER_WITHIN;
use super::com_port::ComPort;
use super::plain::Plain;
use super::protocol::Protocol;
use crate::address::Endpoint;
use crate::event::CloseReason;
use crate::port::{Capabilities, Capability, PortCommand};
use crate::settings::{InputLines, LineSettings};
use crate::time::Moment;
use crate::transport::deadline::timespec;
use crate::transport::medium::{Medium, Progress};
use crate::transport::not_open::NotOpen;
use crate::transport::socket::{Connection, LINGER, LINGER_STEP, Socket};
use crate::transport::wire::{Opening, Taken, Wire, discard_input};
use crate::transport::words::no_break;

/// How much is encoded at once, so that the other end decides how much is on its way.
const PIECE: usize = 4096;

/// How often an answer is looked for that a command waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A port over Telnet that carries bytes and nothing else.
#[derive(Debug)]
pub(crate) struct Telnet {
    to: Endpoint,
}

/// A serial port of another machine.
#[derive(Debug)]
pub(crate) struct Rfc2217 {
    to: Endpoint,
}

/// A connection and what is spoken over it.
#[derive(Debug)]
pub(crate) struct Spoken<P: Protocol> {
    connection: Connection,
    protocol: P,
    stage: Stage,
    /// What came before the port was open.
    early: Vec<u8>,
    /// What the connection has not taken yet, and what came and is not understood yet: the room is used again.
    output: Vec<u8>,
    raw: Vec<u8>,
    under_way: Work,
}

/// How far opening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    /// Until then the other end may answer.
    Negotiating(Moment),
    Open,
}

/// How far a command is that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Nothing,
    /// Everything that was written before is on its way.
    Written,
    /// The line is held in break until then.
    Breaking(Moment),
    /// An answer is waited for until then.
    Answer(Moment),
}

impl Telnet {
    /// Names a port.
    pub(crate) fn new(to: &Endpoint) -> Telnet {
        Telnet { to: to.clone() }
    }
}

impl Rfc2217 {
    /// Names a port.
    pub(crate) fn new(to: &Endpoint) -> Rfc2217 {
        Rfc2217 { to: to.clone() }
    }
}

impl Medium for Telnet {
    type Port = Spoken<Plain>;

    const CAPABILITIES: Capabilities = Capabilities::of(&[Capability::DiscardInput]);

    fn open(&mut self, _settings: LineSettings) -> Result<Spoken<Plain>, NotOpen> {
        Spoken::begin(&self.to, Plain::new())
    }

    fn refusal(command: &PortCommand) -> Option<CloseReason> {
        no_break(command)
    }
}

impl Medium for Rfc2217 {
    type Port = Spoken<ComPort>;

    const CAPABILITIES: Capabilities = Capabilities::ALL;

    fn open(&mut self, settings: LineSettings) -> Result<Spoken<ComPort>, NotOpen> {
        Spoken::begin(&self.to, ComPort::new(&settings))
    }

    fn carry_out(port: &mut Spoken<ComPort>, command: &PortCommand, now: Moment) -> Result<Progress, CloseReason> {
        let progress = match command {
            PortCommand::SetLines { dtr, rts } => {
                port.protocol.set_lines(*dtr, *rts);
                Progress::Done
            }
            PortCommand::DiscardInput => port.discard_input(now),
            PortCommand::DiscardOutput => {
                port.protocol.discard_output();
                Progress::Done
            }
            PortCommand::Break { lasting } => port.send_break(*lasting, now),
            PortCommand::Reconfigure { settings } => port.reconfigure(settings, now),
            PortCommand::Open { .. }
            | PortCommand::Reopen { .. }
            | PortCommand::Write { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Resize { .. }
            | PortCommand::Close => Progress::Done,
        };
        port.flush();
        Ok(progress)
    }

    fn input_lines(port: &mut Spoken<ComPort>) -> Result<InputLines, String> {
        port.protocol.input_lines()
    }
}

impl<P: Protocol> Spoken<P> {
    /// Begins to connect.
    fn begin(to: &Endpoint, protocol: P) -> Result<Spoken<P>, NotOpen> {
        Ok(Spoken {
            connection: Connection::begin(&Socket::Tcp(to.clone()))?,
            protocol,
            stage: Stage::Connecting,
            early: Vec::new(),
            output: Vec::new(),
            raw: Vec::new(),
            under_way: Work::Nothing,
        })
    }

    /// Reads until there is no more, and answers.
    fn converse(&mut self) -> Result<(), Errno> {
        let mut early = std::mem::take(&mut self.early);
        let outcome = loop {
            match self.take(&mut early) {
                Ok(Taken { n: 0, .. }) => break Err(Errno::CONNRESET),
                Ok(_) => {}
                Err(Errno::AGAIN) => break Ok(()),
                Err(errno) => break Err(errno),
            }
        };
        self.early = early;
        outcome
    }

    /// Takes what came in one read; the data in it is appended to `data`.
    fn take(&mut self, data: &mut Vec<u8>) -> Result<Taken, Errno> {
        self.raw.clear();
        let taken = self.connection.read(&mut self.raw)?;
        self.protocol.receive(&self.raw, data);
        self.flush();
        Ok(taken)
    }
}

impl Spoken<ComPort> {
    fn discard_input(&mut self, now: Moment) -> Progress {
        match self.under_way {
            Work::Answer(until) if now < until && self.protocol.is_discarding() => {
                return Progress::At((now + LOOK_AGAIN).min(until));
            }
            Work::Answer(_) => {
                self.protocol.give_up();
                self.under_way = Work::Nothing;
                return Progress::Done;
            }
            Work::Nothing | Work::Written | Work::Breaking(_) => {}
        }
        discard_input(self);
        self.protocol.discard_input();
        if !self.protocol.is_discarding() {
            return Progress::Done;
        }
        self.under_way = Work::Answer(now + ANSWER_WITHIN);
        Progress::At(now + LOOK_AGAIN)
    }

    /// Holds the line in break, behind everything that was written before.
    fn send_break(&mut self, lasting: Duration, now: Moment) -> Progress {
        match self.under_way {
            Work::Nothing | Work::Answer(_) => {
                self.under_way = Work::Written;
                Progress::AfterWrites
            }
            Work::Written => {
                self.protocol.set_break(true);
                self.under_way = Work::Breaking(now + lasting);
                Progress::At(now + lasting)
            }
            Work::Breaking(until) if now < until => Progress::At(until),
            Work::Breaking(_) => {
                self.protocol.set_break(false);
                self.under_way = Work::Nothing;
                Progress::Done
            }
        }
    }

    /// Changes the settings behind everything that was written before, and waits until the server has.
    fn reconfigure(&mut self, settings: &LineSettings, now: Moment) -> Progress {
        match self.under_way {
            Work::Nothing | Work::Breaking(_) => {
                self.under_way = Work::Written;
                return Progress::AfterWrites;
            }
            Work::Written => {
                self.protocol.set(settings);
                self.under_way = Work::Answer(now + ANSWER_WITHIN);
            }
            Work::Answer(until) if now < until => {}
            Work::Answer(_) => {
                self.protocol.give_up();
                self.under_way = Work::Nothing;
                return Progress::Done;
            }
        }
        if self.protocol.is_settled() {
            self.under_way = Work::Nothing;
            return Progress::Done;
        }
        Progress::At(now + LOOK_AGAIN)
    }
}

impl<P: Protocol> AsFd for Spoken<P> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl<P: Protocol> Wire for Spoken<P> {
    fn go_on(&mut self, now: Moment) -> Result<Opening, NotOpen> {
        if self.stage == Stage::Connecting {
            match self.connection.go_on(now)? {
                Opening::Open => {
                    self.stage = Stage::Negotiating(now + ANSWER_WITHIN);
                    self.flush();
                }
                until @ Opening::Until(_) => return Ok(until),
            }
        }
        let Stage::Negotiating(until) = self.stage else { return Ok(Opening::Open) };
        if self.converse().is_err() {
            let reason = "the server closed the connection before it answered".to_string();
            let help = match self.connection.gone() {
                CloseReason::HungUp { help } => Some(help),
                CloseReason::Finished
                | CloseReason::CannotOpen { .. }
                | CloseReason::Broken { .. }
                | CloseReason::DeviceFailed(_) => None,
            };
            return Err(CloseReason::CannotOpen { reason, help }.into());
        }
        if !self.protocol.is_settled() {
            if now < until {
                return Ok(Opening::Until(until));
            }
            self.protocol.give_up();
        }
        self.flush();
        self.stage = Stage::Open;
        Ok(Opening::Open)
    }

    fn read(&mut self, received: &mut Vec<u8>) -> Result<Taken, Errno> {
        let n_early = self.early.len();
        received.append(&mut self.early);
        match self.take(received) {
            Err(Errno::AGAIN) if n_early > 0 => Ok(Taken { n: n_early, has_more: false }),
            taken => taken,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.flush();
        if !self.output.is_empty() || !self.protocol.takes_data() {
            return Err(Errno::AGAIN);
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.protocol.send(piece);
        self.protocol.take_output(&mut self.output);
        match self.connection.write(&self.output) {
            Ok(n) => drop(self.output.drain(..n)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        Ok(piece.len())
    }

    fn flush(&mut self) {
        self.protocol.take_output(&mut self.output);
        while !self.output.is_empty() {
            match self.connection.write(&self.output) {
                Ok(n) => drop(self.output.drain(..n)),
                // An error is found again by whoever reads or writes next.
                Err(_) => return,
            }
        }
    }

    fn wants_room(&self) -> bool {
        self.connection.wants_room() || !self.output.is_empty()
    }

    fn takes_bytes(&self) -> bool {
        self.protocol.takes_data()
    }

    fn note(&mut self) -> Option<String> {
        self.protocol.note()
    }

    fn gone(&mut self) -> CloseReason {
        self.connection.gone()
    }

    fn advice(&self, errno: Errno) -> Option<String> {
        self.connection.advice(errno)
    }
}

impl<P: Protocol> Drop for Spoken<P> {
    /// Lets leave what was taken and has not left, if the other end takes it in time.
    fn drop(&mut self) {
        if self.stage == Stage::Open {
            self.protocol.end();
            self.protocol.take_output(&mut self.output);
        }
        let mut left = LINGER;
        while !self.output.is_empty() && !left.is_zero() {
            match self.connection.write(&self.output) {
                Ok(n) => drop(self.output.drain(..n)),
                Err(Errno::AGAIN | Errno::INTR) => {
                    // What comes of it does not matter: the next attempt shows it.
                    let room = PollFd::new(&self.connection, PollFlags::OUT);
                    let _ = poll(&mut [room], Some(&timespec(LINGER_STEP)));
                    left = left.saturating_sub(LINGER_STEP);
                }
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
