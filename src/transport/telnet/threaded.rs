//! What the thread of a port over a network does where each port has one: it connects, carries out orders, reads and
//! writes. That is so on Windows; nothing here needs Windows.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::ANSWER_WITHIN;
use super::com_port::ComPort;
use super::plain::Plain;
use super::protocol::{Protocol, Raw};
use crate::address::Endpoint;
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::transport::not_open::NotOpen;
use crate::transport::socket::CONNECT_WITHIN;
use crate::transport::socket::advice::{BEGINNING, closed, lost, not_connected, not_found, too_late};
use crate::transport::threaded::Errand;
use crate::transport::words::{in_words, no_break};

/// How long an order is waited for before the connection is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// For so long a port that is closed waits for the other end to close too.
const LINGER: Duration = Duration::from_millis(300);

const READ_SIZE: usize = 16 * 1024;

/// So many reads are made before a write at most.
const MOST_READS: u32 = 16;

/// How much is encoded at once, so that the other end decides how much is on its way.
const PIECE: usize = 4096;

/// Serves a connection that carries bytes and nothing else; returns why it is closed.
pub(in crate::transport) fn serve_raw(to: &Endpoint, errand: &Errand) -> NotOpen {
    serve(to, errand, Raw::default())
}

/// Serves a connection over which Telnet is spoken; returns why it is closed.
pub(in crate::transport) fn serve_plain(to: &Endpoint, errand: &Errand) -> NotOpen {
    serve(to, errand, Plain::new())
}

/// Serves a serial port of another machine; returns why it is closed.
pub(in crate::transport) fn serve_com_port(to: &Endpoint, errand: &Errand) -> NotOpen {
    serve(to, errand, ComPort::new(&errand.settings))
}

fn serve(to: &Endpoint, errand: &Errand, protocol: impl Protocol) -> NotOpen {
    let served = Server::open(to, errand, protocol).and_then(|mut server| {
        let served = server.serve();
        server.end();
        server.linger();
        served.map_err(NotOpen::from)
    });
    served.map_or_else(|reason| reason, |never| match never {})
}

/// What the thread has.
struct Server<'a, P> {
    errand: &'a Errand,
    stream: TcpStream,
    protocol: P,
    unsent: VecDeque<(WriteToken, Vec<u8>)>,
    /// What the connection has not taken yet.
    output: Vec<u8>,
    raw: Vec<u8>,
    /// What the other end said first.
    beginning: Vec<u8>,
    /// What came before the port was open.
    early: Option<Vec<u8>>,
    /// What was asked for while something else was under way.
    later: VecDeque<PortCommand>,
}

impl<P: Protocol> Server<'_, P> {
    fn open<'a>(to: &Endpoint, errand: &'a Errand, protocol: P) -> Result<Server<'a, P>, NotOpen> {
        let stream = connected(to, errand).map_err(NotOpen::absent)?;
        let prepared = stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true));
        prepared.map_err(|error| not_connected(to, &error))?;
        let mut server = Server {
            errand,
            stream,
            protocol,
            unsent: VecDeque::new(),
            output: Vec::new(),
            raw: vec![0; READ_SIZE],
            beginning: Vec::new(),
            early: Some(Vec::new()),
            later: VecDeque::new(),
        };
        server.await_answers()?;
        server.read_arrived()?;
        errand.tell_open(&server.early.take().unwrap_or_default());
        server.tell_notes();
        Ok(server)
    }

    /// Carries out orders and reads, until there can be no more orders or the connection is lost.
    fn serve(&mut self) -> Result<Infallible, CloseReason> {
        let mut is_busy = false;
        loop {
            let order = match self.later.pop_front() {
                Some(order) => Some(order),
                None if is_busy => self.errand.next_order()?,
                None => self.errand.order_within(LOOK_AGAIN)?,
            };
            match order {
                Some(command) => {
                    self.carry_out(command)?;
                    is_busy = true;
                }
                None => is_busy = self.exchange()?,
            }
        }
    }

    /// Has the other end leave its lines as the settings say.
    fn end(&mut self) {
        self.protocol.end();
        // The connection may be lost.
        let _ = self.exchange();
    }

    /// Lets everything arrive that was written: to close a socket in which bytes wait to be read throws away what is on
    /// its way. The other end has [`LINGER`] to close too.
    fn linger(&mut self) {
        // The other end may be gone already.
        let closing = self.stream.shutdown(Shutdown::Write).and_then(|()| self.stream.set_nonblocking(false));
        let until = self.errand.clock.now() + LINGER;
        let mut left = LINGER;
        while closing.is_ok() && !left.is_zero() && self.stream.set_read_timeout(Some(left)).is_ok() {
            match self.stream.read(&mut self.raw) {
                Ok(1..) => left = until.since(self.errand.clock.now()),
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn carry_out(&mut self, command: PortCommand) -> Result<(), CloseReason> {
        if let Some(reason) = no_break(&command).filter(|_| !self.protocol.has_settings()) {
            return Err(reason);
        }
        match command {
            PortCommand::Write { token, bytes } => {
                // What came before the write is no answer to it.
                self.read_arrived()?;
                self.unsent.push_back((token, bytes));
            }
            PortCommand::SetLines { dtr, rts } => self.protocol.set_lines(dtr, rts),
            PortCommand::ReadLines => {
                self.read_arrived()?;
                self.errand.tell(Happening::Lines(PortId::FIRST, self.protocol.input_lines()));
            }
            PortCommand::Break { lasting } => {
                self.drain()?;
                self.protocol.set_break(true);
                let until = self.errand.clock.now() + lasting;
                while self.errand.clock.now() < until {
                    self.look_again()?;
                }
                self.protocol.set_break(false);
            }
            PortCommand::Reconfigure { settings } => {
                self.drain()?;
                self.protocol.set(&settings);
                self.await_answers()?;
            }
            PortCommand::DiscardInput => {
                self.early = Some(Vec::new());
                self.read_arrived()?;
                self.protocol.discard_input();
                self.await_answers()?;
                self.early = None;
            }
            PortCommand::DiscardOutput => {
                self.unsent.clear();
                self.protocol.discard_output();
            }
            PortCommand::Open { .. }
            | PortCommand::Reopen { .. }
            | PortCommand::DriveLines { .. }
            | PortCommand::Resize { .. }
            | PortCommand::Close => {}
        }
        self.tell_notes();
        self.exchange().map(drop)
    }

    /// Waits until what was asked is answered, or the time for it is over.
    fn await_answers(&mut self) -> Result<(), CloseReason> {
        let until = self.errand.clock.now() + ANSWER_WITHIN;
        while !self.protocol.is_settled() || self.protocol.is_discarding() {
            if self.errand.clock.now() >= until {
                self.protocol.give_up();
                break;
            }
            self.look_again()?;
        }
        Ok(())
    }

    /// Lets everything leave that was written before.
    fn drain(&mut self) -> Result<(), CloseReason> {
        while !self.unsent.is_empty() || !self.output.is_empty() {
            self.look_again()?;
        }
        Ok(())
    }

    /// Exchanges bytes, and rests if there are none. What is asked for meanwhile is done later.
    fn look_again(&mut self) -> Result<(), CloseReason> {
        if !self.exchange()? {
            self.later.extend(self.errand.order_within(LOOK_AGAIN)?);
        }
        Ok(())
    }

    /// Writes and reads what can be; returns whether there was anything.
    fn exchange(&mut self) -> Result<bool, CloseReason> {
        let has_written = self.write_on()?;
        Ok(self.read()? || has_written)
    }

    /// Makes one attempt at writing; returns whether anything was taken.
    fn write_on(&mut self) -> Result<bool, CloseReason> {
        self.protocol.take_output(&mut self.output);
        if self.output.is_empty()
            && self.protocol.takes_data()
            && let Some((_, bytes)) = self.unsent.front_mut()
        {
            let piece: Vec<u8> = bytes.drain(..bytes.len().min(PIECE)).collect();
            self.protocol.send(&piece);
            self.protocol.take_output(&mut self.output);
        }
        let mut n_taken = 0;
        if !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(n) => n_taken = self.output.drain(..n).len(),
                Err(error) if is_not_yet(&error) => {}
                Err(error) => return Err(self.reason(&error)),
            }
        }
        if self.output.is_empty()
            && let Some((token, _)) = self.unsent.pop_front_if(|(_, bytes)| bytes.is_empty())
        {
            self.errand.tell(Happening::Sent(token));
            return Ok(true);
        }
        Ok(n_taken > 0)
    }

    /// Reads what has come up to now; of a device that never stops, so much and no more.
    fn read_arrived(&mut self) -> Result<(), CloseReason> {
        for _ in 0..MOST_READS {
            if !self.read()? {
                break;
            }
        }
        Ok(())
    }

    /// Makes one read; returns whether anything came.
    fn read(&mut self) -> Result<bool, CloseReason> {
        let n = match self.stream.read(&mut self.raw) {
            Ok(0) => return Err(closed(&self.beginning)),
            Ok(n) => n,
            Err(error) if is_not_yet(&error) => return Ok(false),
            Err(error) => return Err(self.reason(&error)),
        };
        let mut data = Vec::new();
        self.protocol.receive(&self.raw[..n], &mut data);
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend(data.iter().take(room));
        match &mut self.early {
            Some(early) => early.append(&mut data),
            None if data.is_empty() => {}
            None => self.errand.tell_received(&data),
        }
        if self.early.is_none() {
            self.tell_notes();
        }
        Ok(true)
    }

    fn tell_notes(&mut self) {
        while let Some(note) = self.protocol.note() {
            self.errand.tell(Happening::Noted(PortId::FIRST, note));
        }
    }

    fn reason(&self, error: &io::Error) -> CloseReason {
        let is_closed = [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe];
        if is_closed.contains(&error.kind()) {
            return closed(&self.beginning);
        }
        CloseReason::Broken { reason: in_words(error), help: lost(error.kind()) }
    }
}

/// Connects in a thread of its own, which nobody waits for when its answer comes too late or is not wanted any more.
fn connected(to: &Endpoint, errand: &Errand) -> Result<TcpStream, CloseReason> {
    let (tell, told) = channel();
    let endpoint = to.clone();
    let connect = move || {
        // Who asked may be gone.
        let _ = tell.send(connect(&endpoint));
    };
    let cannot = |error: io::Error| CloseReason::CannotOpen { reason: in_words(&error), help: None };
    thread::Builder::new().name("connects".to_string()).spawn(connect).map_err(cannot)?;
    let until = errand.clock.now() + CONNECT_WITHIN;
    let until = errand.last_attempt().map_or(until, |last| last.min(until));
    loop {
        match told.recv_timeout(LOOK_AGAIN * 10) {
            Ok(connected) => return connected,
            Err(RecvTimeoutError::Timeout) if !errand.is_wanted() => return Err(CloseReason::Finished),
            Err(RecvTimeoutError::Timeout) if errand.clock.now() < until => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(too_late(to, true)),
        }
    }
}

/// Finds a host and connects to the first of its addresses that answers.
fn connect(to: &Endpoint) -> Result<TcpStream, CloseReason> {
    let found = (to.host(), to.port()).to_socket_addrs();
    let addresses: Vec<_> = found.map_err(|error| not_found(to, &in_words(&error)))?.collect();
    let share = CONNECT_WITHIN / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = not_found(to, "it has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = not_connected(to, &error),
        }
    }
    Err(failure)
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
