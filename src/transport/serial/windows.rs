//! What the thread of a serial port does on Windows: it opens the port, carries out orders, reads and writes.
//!
//! A read that blocks holds up a write there, so the thread reads with a timeout of a millisecond and
//! looks for orders in between. The timeouts are never 0: for a write that means for ever.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::time::Duration;

use serialport::{COMPort, ClearBuffer, ErrorKind, SerialPort};

use super::missing::{help_for_missing, listed};
use super::settings::{broken, builder, check_settings, input_lines, is_stick, no_stick, reconfigure, words};
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::settings::LineSettings;
use crate::transport::threaded::Errand;
use crate::transport::words::in_words;

const READ_TIMEOUT: Duration = Duration::from_millis(1);
const WRITE_TIMEOUT: Duration = Duration::from_millis(10);
const READ_SIZE: usize = 16 * 1024;
/// So many reads are made before a write at most.
const MOST_READS: u32 = 16;

/// Opens a port and serves it until no more orders can come or it is lost; returns why it is closed.
pub(crate) fn serve(errand: &Errand) -> CloseReason {
    let served = Server::open(errand).and_then(|mut server| server.serve());
    served.map_or_else(|reason| reason, |never| match never {})
}

/// What the thread has.
struct Server<'a> {
    errand: &'a Errand,
    port: COMPort,
    settings: LineSettings,
    unsent: VecDeque<(WriteToken, Vec<u8>)>,
    buffer: Vec<u8>,
}

impl Server<'_> {
    fn open(errand: &Errand) -> Result<Server<'_>, CloseReason> {
        let settings = errand.settings.clone();
        let mut port = builder(&errand.name, settings.baud, &settings)
            .timeout(READ_TIMEOUT)
            .open_native()
            .map_err(|error| cannot_open(&errand.name, &error))?;
        check_all(&port, &settings)?;
        set_lines(&mut port, settings.dtr.wanted(), settings.rts.wanted())?;
        let mut server = Server { errand, port, settings, unsent: VecDeque::new(), buffer: vec![0; READ_SIZE] };
        server.read_arrived()?;
        errand.tell(Happening::Opened(PortId::FIRST));
        Ok(server)
    }

    /// Carries out orders and reads, until there can be no more orders or the port is lost.
    fn serve(&mut self) -> Result<Infallible, CloseReason> {
        loop {
            match self.errand.next_order()? {
                Some(command) => self.carry_out(command)?,
                None => self.exchange()?,
            }
        }
    }

    fn carry_out(&mut self, command: PortCommand) -> Result<(), CloseReason> {
        match command {
            PortCommand::Write { token, bytes } => {
                // What came before the write is no answer to it.
                self.read_arrived()?;
                self.unsent.push_back((token, bytes));
                self.write_on()
            }
            PortCommand::ReadLines => {
                let lines = input_lines(&mut self.port);
                self.errand.tell(Happening::Lines(PortId::FIRST, lines));
                Ok(())
            }
            PortCommand::DriveLines { .. } => Ok(()),
            PortCommand::SetLines { dtr, rts } => set_lines(&mut self.port, dtr, rts),
            PortCommand::Break { lasting } => {
                self.drain()?;
                self.port.set_break().map_err(|e| broken(format!("the line can not be held: {}", words(&e))))?;
                let until = self.errand.clock.now() + lasting;
                while self.errand.clock.now() < until && self.errand.is_wanted() {
                    self.read()?;
                }
                self.port.clear_break().map_err(|e| broken(format!("the break can not be ended: {}", words(&e))))
            }
            PortCommand::Reconfigure { settings } => {
                self.drain()?;
                reconfigure(&mut self.port, &settings, true)?;
                self.settings = settings;
                check_all(&self.port, &self.settings)
            }
            PortCommand::DiscardInput => self
                .port
                .clear(ClearBuffer::Input)
                .map_err(|e| broken(format!("the input can not be discarded: {}", words(&e)))),
            PortCommand::DiscardOutput => {
                self.unsent.clear();
                self.port
                    .clear(ClearBuffer::Output)
                    .map_err(|e| broken(format!("the output cannot be discarded: {}", words(&e))))
            }
            PortCommand::Open { .. } | PortCommand::Close => Ok(()),
        }
    }

    fn exchange(&mut self) -> Result<(), CloseReason> {
        self.write_on()?;
        self.read()
    }

    /// Makes one attempt at writing the first of the unsent.
    fn write_on(&mut self) -> Result<(), CloseReason> {
        let Some((_, bytes)) = self.unsent.front_mut() else { return Ok(()) };
        if !bytes.is_empty() {
            self.port.set_timeout(WRITE_TIMEOUT).map_err(|error| broken(words(&error)))?;
            let written = self.port.write(bytes);
            self.port.set_timeout(READ_TIMEOUT).map_err(|error| broken(words(&error)))?;
            match written {
                Ok(n) => drop(bytes.drain(..n)),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(error) => return Err(lost(&error)),
            }
        }
        if bytes.is_empty()
            && let Some((token, _)) = self.unsent.pop_front()
        {
            self.errand.tell(Happening::Sent(token));
        }
        Ok(())
    }

    /// Reads what has come up to now; of a device that never stops, so much and no more.
    fn read_arrived(&mut self) -> Result<(), CloseReason> {
        for _ in 0..MOST_READS {
            if self.port.bytes_to_read().unwrap_or(0) == 0 {
                break;
            }
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), CloseReason> {
        match self.port.read(&mut self.buffer) {
            Ok(n) => {
                self.errand.tell_received(&self.buffer[..n]);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Ok(()),
            Err(error) => Err(lost(&error)),
        }
    }

    /// Goes on reading and writing until all bytes have left, as long as they get fewer.
    fn drain(&mut self) -> Result<(), CloseReason> {
        while !self.unsent.is_empty() && self.errand.is_wanted() {
            self.exchange()?;
        }
        let mut left = u32::MAX;
        loop {
            let still = self.port.bytes_to_write().unwrap_or(0);
            if still == 0 || still >= left || !self.errand.is_wanted() {
                return Ok(());
            }
            left = still;
            let until = self.errand.clock.now() + self.settings.character_time() * still.saturating_add(1);
            while self.errand.clock.now() < until && self.errand.is_wanted() {
                self.read()?;
            }
        }
    }
}

/// Compares what the driver does with what was asked of it; a parity bit that never changes serialport cannot set.
fn check_all(port: &COMPort, settings: &LineSettings) -> Result<(), CloseReason> {
    if is_stick(settings) { Err(no_stick(settings)) } else { check_settings(port, settings) }
}

fn set_lines(port: &mut COMPort, dtr: Option<bool>, rts: Option<bool>) -> Result<(), CloseReason> {
    let dtr = dtr.map_or(Ok(()), |on| port.write_data_terminal_ready(on));
    let rts = rts.map_or(Ok(()), |on| port.write_request_to_send(on));
    dtr.and(rts).map_err(|e| broken(format!("DTR and RTS can not be switched: {}", words(&e))))
}

fn cannot_open(name: &str, error: &serialport::Error) -> CloseReason {
    let listed = listed();
    let help = match error.kind {
        ErrorKind::NoDevice if listed.iter().any(|port| port.eq_ignore_ascii_case(name)) => {
            Some("another program has it open: close it".to_string())
        }
        ErrorKind::NoDevice => Some(help_for_missing(name, listed)),
        ErrorKind::InvalidInput | ErrorKind::Unknown | ErrorKind::Io(_) => None,
    };
    CloseReason::CannotOpen { reason: words(error), help }
}

/// An adapter that is pulled out gives one of several errors, none of which means anything else.
fn lost(error: &std::io::Error) -> CloseReason {
    /// `ERROR_ACCESS_DENIED`, `ERROR_BAD_COMMAND`, `ERROR_GEN_FAILURE`, `ERROR_OPERATION_ABORTED`,
    /// `ERROR_DEVICE_REMOVED`.
    const GONE: [i32; 5] = [5, 22, 31, 995, 1617];
    match error.raw_os_error() {
        Some(code) if GONE.contains(&code) => CloseReason::unplugged(),
        Some(_) | None => broken(in_words(error)),
    }
}
