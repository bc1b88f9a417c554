//! What the thread of a serial port does on Windows: it opens the port, carries out orders, reads and writes.
//!
//! The read and the write go on in the background, and the thread waits for either of them and for an order: a port on which
//! nothing happens takes no time of the processor, and what comes is read at once, whatever the clock of the system ticks.

mod dcb;
mod device;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serialport::{ClearBuffer, SerialPort};

use super::codes::{cannot_ask, cannot_open, is_missing, lost};
use super::missing::listed;
use super::settings::{broken, check_settings, input_lines, words};
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::transport::not_open::NotOpen;
use crate::transport::threaded::Errand;
use crate::transport::words::in_words;
use dcb::Lines;
use device::{Device, Event};

/// So many reads are made before an order at most, of a device that never stops.
const MOST_READS: u32 = 16;
/// How long no read is begun after one that ended without a byte, which a driver should not do.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens a port and serves it until no more orders can come or it is lost; returns why it is closed.
pub(crate) fn serve(errand: &Errand) -> NotOpen {
    let served = Server::open(errand).and_then(|mut server| {
        let served = server.serve();
        server.leave_lines();
        served.map_err(NotOpen::from)
    });
    served.map_or_else(|reason| reason, |never| match never {})
}

/// What the thread has.
struct Server<'a> {
    errand: &'a Errand,
    device: Device,
    settings: LineSettings,
    /// Is set when there is an order, or there can be no more.
    ordered: Arc<Event>,
    /// What has not left, the write that goes on first.
    unsent: VecDeque<(WriteToken, Vec<u8>)>,
}

/// What is there after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing; the next read is under way.
    Nothing,
    /// Perhaps more.
    Something,
}

impl Server<'_> {
    fn open(errand: &Errand) -> Result<Server<'_>, NotOpen> {
        let name = &errand.name;
        let settings = errand.settings.clone();
        let ordered = Arc::new(Event::new().map_err(|error| broken(in_words(&error)))?);
        let set_when_ordered = ordered.clone();
        errand.when_ordered(move || set_when_ordered.set());
        let mut device = Device::open(name)
            .map_err(|error| NotOpen::absent_if(is_missing(&error), cannot_open(name, &error, listed())))?;
        let lines = Lines { dtr: settings.dtr.wanted(), rts: settings.rts.wanted() };
        device.set(&settings, lines).map_err(|error| cannot_ask(name, &error))?;
        device.wait_without_end().map_err(|error| lost(&error))?;
        check_settings(device.port(), &settings)?;
        let mut server = Server { errand, device, settings, ordered, unsent: VecDeque::new() };
        // A driver may take the settings of the line, and switch the control lines only when it is told to.
        server.set_lines(lines)?;
        if !errand.is_again {
            server.read()?;
        }
        errand.tell(Happening::Opened(PortId::FIRST));
        Ok(server)
    }

    /// Carries out orders, reads and writes, until there can be no more orders or the port is lost.
    fn serve(&mut self) -> Result<Infallible, CloseReason> {
        loop {
            let left_over = self.exchange()?;
            match self.errand.next_order()? {
                Some(command) => self.carry_out(command)?,
                None if left_over == Left::Nothing => self.wait(None)?,
                None => {}
            }
        }
    }

    fn carry_out(&mut self, command: PortCommand) -> Result<(), CloseReason> {
        match command {
            PortCommand::Write { token, bytes } => {
                // What came before the write is no answer to it.
                self.read()?;
                self.unsent.push_back((token, bytes));
                self.write_on()
            }
            PortCommand::SetLines { dtr, rts } => self.set_lines(Lines { dtr, rts }),
            PortCommand::ReadLines => {
                let lines = input_lines(self.port());
                self.errand.tell(Happening::Lines(PortId::FIRST, lines));
                Ok(())
            }
            PortCommand::DriveLines { .. } | PortCommand::Resize { .. } => Ok(()),
            PortCommand::Break { lasting } => {
                self.drain()?;
                self.port().set_break().map_err(|e| broken(format!("the line cannot be held: {}", words(&e))))?;
                self.read_until(self.errand.clock.now() + lasting)?;
                self.port().clear_break().map_err(|e| broken(format!("the break cannot be ended: {}", words(&e))))
            }
            PortCommand::Reconfigure { settings } => {
                self.drain()?;
                self.device
                    .set(&settings, Lines::default())
                    .map_err(|error| broken(format!("the port cannot be set to {settings}: {}", in_words(&error))))?;
                self.settings = settings;
                check_settings(self.device.port(), &self.settings)
            }
            PortCommand::DiscardInput => {
                self.device.stop_reading();
                let cleared = self.port().clear(ClearBuffer::Input);
                cleared.map_err(|e| broken(format!("the input cannot be discarded: {}", words(&e))))
            }
            PortCommand::DiscardOutput => {
                self.device.stop_writing();
                self.unsent.clear();
                let cleared = self.port().clear(ClearBuffer::Output);
                cleared.map_err(|e| broken(format!("the output cannot be discarded: {}", words(&e))))
            }
            PortCommand::Open { .. } | PortCommand::Reopen { .. } | PortCommand::Close => Ok(()),
        }
    }

    fn exchange(&mut self) -> Result<Left, CloseReason> {
        self.write_on()?;
        self.read()
    }

    /// Goes on writing what is unsent, and says what has left.
    fn write_on(&mut self) -> Result<(), CloseReason> {
        loop {
            let Some((_, bytes)) = self.unsent.front_mut() else { return Ok(()) };
            if self.device.is_writing() {
                match self.device.written().map_err(|error| lost(&error))? {
                    None => return Ok(()),
                    Some(0) => return Err(self.stopped()),
                    Some(n) => drop(bytes.drain(..n)),
                }
            }
            if !bytes.is_empty() {
                self.device.begin_write(bytes).map_err(|error| lost(&error))?;
            } else if let Some((token, _)) = self.unsent.pop_front() {
                self.errand.tell(Happening::Sent(token));
            }
        }
    }

    /// Tells of what has come up to now, of a device that never stops so much and no more. A read goes on if nothing has.
    fn read(&mut self) -> Result<Left, CloseReason> {
        let mut arrived = Vec::new();
        let mut failed = None;
        for _ in 0..MOST_READS {
            match self.device.read() {
                Ok(None) => break,
                // The line went dead under the read, which some drivers do not call an error: the next question shows it.
                Ok(Some([])) => {
                    let is_gone = self.port().bytes_to_read().is_err();
                    failed = if is_gone { Some(CloseReason::unplugged()) } else { self.wait(Some(PAUSE)).err() };
                    break;
                }
                Ok(Some(bytes)) => arrived.extend_from_slice(bytes),
                Err(error) => {
                    failed = Some(lost(&error));
                    break;
                }
            }
        }
        if !arrived.is_empty() {
            self.errand.tell_received(&arrived);
        }
        match failed {
            Some(reason) => Err(reason),
            None if self.device.is_reading() => Ok(Left::Nothing),
            None => Ok(Left::Something),
        }
    }

    /// Goes on reading and writing until this moment.
    fn read_until(&mut self, until: Moment) -> Result<(), CloseReason> {
        while self.errand.is_wanted() {
            let left_over = self.exchange()?;
            let now = self.errand.clock.now();
            if now >= until {
                break;
            }
            if left_over == Left::Nothing {
                self.wait(Some(until.since(now)))?;
            }
        }
        Ok(())
    }

    /// Goes on reading and writing until all bytes have left, as long as they get fewer.
    fn drain(&mut self) -> Result<(), CloseReason> {
        while !self.unsent.is_empty() && self.errand.is_wanted() {
            if self.exchange()? == Left::Nothing && !self.unsent.is_empty() {
                self.wait(None)?;
            }
        }
        let mut left = u32::MAX;
        loop {
            let still = self.port().bytes_to_write().unwrap_or(0);
            if still == 0 || still >= left || !self.errand.is_wanted() {
                return Ok(());
            }
            left = still;
            let leaving = self.settings.character_time() * still.saturating_add(1);
            self.read_until(self.errand.clock.now() + leaving)?;
        }
    }

    fn set_lines(&mut self, lines: Lines) -> Result<(), CloseReason> {
        let dtr = lines.dtr.map_or(Ok(()), |on| self.port().write_data_terminal_ready(on));
        let rts = lines.rts.map_or(Ok(()), |on| self.port().write_request_to_send(on));
        dtr.and(rts).map_err(|e| broken(format!("DTR and RTS cannot be switched: {}", words(&e))))
    }

    /// Leaves DTR and RTS as the settings say, once everything has left that was written before. What the driver makes of them
    /// when the port is closed is its own business.
    fn leave_lines(&mut self) {
        let lines = Lines { dtr: self.settings.dtr_at_close.wanted(), rts: self.settings.rts_at_close.wanted() };
        if lines.dtr.is_some() || lines.rts.is_some() {
            // A port that cannot do it is closed all the same.
            let _ = self.let_bytes_leave().and_then(|()| self.set_lines(lines));
        }
    }

    /// Waits until all bytes have left, as long as they get fewer, whether somebody still wants the port or not.
    fn let_bytes_leave(&mut self) -> Result<(), CloseReason> {
        let mut left = u32::MAX;
        loop {
            let still = self.port().bytes_to_write().unwrap_or(0);
            if still == 0 || still >= left {
                return Ok(());
            }
            left = still;
            self.wait(Some((self.settings.character_time() * still).clamp(PAUSE, 10 * PAUSE)))?;
        }
    }

    /// Returns why a write ended without an error and without a byte.
    fn stopped(&mut self) -> CloseReason {
        match self.port().bytes_to_write() {
            Ok(_) => lost(&io::ErrorKind::WriteZero.into()),
            Err(_) => CloseReason::unplugged(),
        }
    }

    fn wait(&self, time: Option<Duration>) -> Result<(), CloseReason> {
        self.device.wait(&self.ordered, time).map_err(|error| broken(in_words(&error)))
    }

    fn port(&mut self) -> &mut serialport::COMPort {
        self.device.port()
    }
}
