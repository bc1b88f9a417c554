//! The world of one serial port on Windows: a thread has the port, and channels join it to the run.
//!
//! A read that blocks holds up a write there, so the thread reads with a timeout of a millisecond and
//! looks for orders in between. The timeouts are never 0: for a write that means for ever.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serialport::{COMPort, ClearBuffer, ErrorKind, SerialPort};

use super::{broken, builder, check_settings, help_for_missing, listed, reconfigure, wanted, words};
use crate::engine::WriteToken;
use crate::event::CloseReason;
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::transport::{Clock, Interrupt, in_words};
use crate::world::{Happening, PortCommand, World};

const READ_TIMEOUT: Duration = Duration::from_millis(1);
const WRITE_TIMEOUT: Duration = Duration::from_millis(10);
const READ_SIZE: usize = 16 * 1024;

/// How often a wait looks whether it was interrupted.
const INTERRUPT_STEP: Duration = Duration::from_millis(50);

/// The world in which a named port is real.
#[derive(Debug)]
pub struct SerialWorld {
    name: String,
    clock: Clock,
    interrupt: Interrupt,
    heard: bool,
    link: Link,
    /// No moment before it is told.
    last: Moment,
}

/// The way to the thread that has the port. Without a thread nothing comes, but the wait still works.
#[derive(Debug)]
struct Link {
    orders: Sender<PortCommand>,
    news: Receiver<News>,
    /// Keeps `news` open when there is no thread.
    _news_from_nobody: Sender<News>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum News {
    Received(Vec<u8>),
    Told(Happening),
}

impl SerialWorld {
    /// Makes the world of the port with this name; nothing is opened yet.
    pub fn new(name: &str, clock: Clock, interrupt: Interrupt) -> SerialWorld {
        let link = Link::to_nobody();
        SerialWorld { name: name.to_string(), clock, interrupt, heard: false, link, last: Moment::START }
    }

    fn now(&self) -> Moment {
        self.clock.now().max(self.last)
    }

    fn at_once(&mut self, happening: Happening) -> (Moment, Happening) {
        self.last = self.now();
        (self.last, happening)
    }

    /// Returns the moment of bytes that a wait until then has found: not behind its deadline.
    fn in_time_for(&mut self, until: Option<Moment>) -> Moment {
        let now = self.now();
        self.last = until.map_or(now, |until| now.min(until.max(self.last)));
        self.last
    }
}

impl World for SerialWorld {
    fn perform(&mut self, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => {
                // The thread before must have let go of the port.
                self.link = Link::to_nobody();
                self.link = Link::to_port(&self.name, settings, self.clock);
            }
            PortCommand::Close => self.link = Link::to_nobody(),
            // A thread that has ended has told why.
            other => drop(self.link.orders.send(other)),
        }
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            if !self.heard && self.interrupt.is_raised() {
                self.heard = true;
                return self.at_once(Happening::Interrupt);
            }
            let left = until.map_or(INTERRUPT_STEP, |until| until.since(self.now()).min(INTERRUPT_STEP));
            match self.link.news.recv_timeout(left) {
                Ok(News::Received(bytes)) => {
                    received.extend_from_slice(&bytes);
                    return (self.in_time_for(until), Happening::Received);
                }
                Ok(News::Told(Happening::Closed(reason))) => {
                    self.link = Link::to_nobody();
                    return self.at_once(Happening::Closed(reason));
                }
                Ok(News::Told(happening)) => return self.at_once(happening),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if until.is_some_and(|until| self.now() >= until) {
                return self.at_once(Happening::Nothing);
            }
        }
    }
}

impl Link {
    fn to_nobody() -> Link {
        let (news_from_nobody, news) = channel();
        Link { orders: channel().0, news, _news_from_nobody: news_from_nobody, thread: None }
    }

    fn to_port(name: &str, settings: LineSettings, clock: Clock) -> Link {
        let (orders, taken) = channel();
        let (tell, news) = channel();
        let news_from_nobody = tell.clone();
        let name = name.to_string();
        let thread = thread::spawn(move || {
            let reason = match Server::open(&name, settings, clock, tell.clone()) {
                Ok(mut server) => server.serve(&taken),
                Err(reason) => reason,
            };
            // Nobody hears it if the world was closed first, and nobody has to.
            let _ = tell.send(News::Told(Happening::Closed(reason)));
        });
        Link { orders, news, _news_from_nobody: news_from_nobody, thread: Some(thread) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Without orders to come the thread ends.
        self.orders = channel().0;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has closed the port too.
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Server {
    port: COMPort,
    settings: LineSettings,
    clock: Clock,
    tell: Sender<News>,
    unsent: VecDeque<(WriteToken, Vec<u8>)>,
    buffer: Vec<u8>,
}

impl Server {
    fn open(name: &str, settings: LineSettings, clock: Clock, tell: Sender<News>) -> Result<Server, CloseReason> {
        let mut port = builder(name, settings.baud, &settings)
            .timeout(READ_TIMEOUT)
            .open_native()
            .map_err(|error| cannot_open(name, &error))?;
        check_settings(&port, &settings)?;
        set_lines(&mut port, wanted(settings.dtr), wanted(settings.rts))?;
        // The run has gone if this is not heard; the missing orders end the thread.
        let _ = tell.send(News::Told(Happening::Opened));
        Ok(Server { port, settings, clock, tell, unsent: VecDeque::new(), buffer: vec![0; READ_SIZE] })
    }

    /// Carries out orders and reads, until there can be no more orders or the port is lost.
    fn serve(&mut self, orders: &Receiver<PortCommand>) -> CloseReason {
        loop {
            let done = match orders.try_recv() {
                Ok(command) => self.carry_out(command),
                Err(TryRecvError::Empty) => self.exchange(),
                Err(TryRecvError::Disconnected) => return CloseReason::Finished,
            };
            if let Err(reason) = done {
                return reason;
            }
        }
    }

    fn carry_out(&mut self, command: PortCommand) -> Result<(), CloseReason> {
        match command {
            PortCommand::Write { token, bytes } => {
                self.unsent.push_back((token, bytes));
                self.write_on()
            }
            PortCommand::SetLines { dtr, rts } => set_lines(&mut self.port, dtr, rts),
            PortCommand::Break { lasting } => {
                self.drain()?;
                self.port.set_break().map_err(|e| broken(format!("the line can not be held: {}", words(&e))))?;
                let until = self.clock.now() + lasting;
                while self.clock.now() < until {
                    self.read()?;
                }
                self.port.clear_break().map_err(|e| broken(format!("the break can not be ended: {}", words(&e))))
            }
            PortCommand::Reconfigure { settings } => {
                self.drain()?;
                reconfigure(&mut self.port, &settings, true)?;
                self.settings = settings;
                check_settings(&self.port, &self.settings)
            }
            PortCommand::DiscardInput => self
                .port
                .clear(ClearBuffer::Input)
                .map_err(|e| broken(format!("the input can not be discarded: {}", words(&e)))),
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
            let _ = self.tell.send(News::Told(Happening::Sent(token)));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), CloseReason> {
        match self.port.read(&mut self.buffer) {
            Ok(n) => {
                let _ = self.tell.send(News::Received(self.buffer[..n].to_vec()));
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Ok(()),
            Err(error) => Err(lost(&error)),
        }
    }

    /// Goes on reading and writing until all bytes have left, as long as they get fewer.
    fn drain(&mut self) -> Result<(), CloseReason> {
        while !self.unsent.is_empty() {
            self.exchange()?;
        }
        let mut left = u32::MAX;
        loop {
            let still = self.port.bytes_to_write().unwrap_or(0);
            if still == 0 || still >= left {
                return Ok(());
            }
            left = still;
            let until = self.clock.now() + self.settings.character_time() * still.saturating_add(1);
            while self.clock.now() < until {
                self.read()?;
            }
        }
    }
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
        Some(code) if GONE.contains(&code) => CloseReason::HungUp,
        Some(_) | None => broken(in_words(error)),
    }
}
