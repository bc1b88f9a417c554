//! `ThreadedWorld`: the world of a port that has a thread of its own, which channels join to the run.
//!
//! The run never waits for the thread: what it asks for are orders that the thread carries out one after the other, and what
//! comes of them is news, for which the thread rings a bell. So one run can hear the bell for one port, or one thread for the
//! ports of many runs.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::bell::Bell;
use super::clock::{Clock, Timeline};
use super::interrupt::Interrupt;
use super::not_open::NotOpen;
use super::patience::{Next, Patience};
use super::watched::Watched;
use super::words::in_words;
use crate::event::CloseReason;
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::world::World;

/// Opens a port and serves it, in a thread of its own, until no more orders can come or the port is lost; returns why it
/// is not open, or not any more.
pub(super) type Serve = Arc<dyn Fn(&Errand) -> NotOpen + Send + Sync>;

/// The world in which a thread has the port.
pub(super) struct ThreadedWorld {
    name: String,
    clock: Clock,
    timeline: Timeline,
    interrupt: Interrupt,
    /// Whether the interrupt has been told; it is told once.
    heard: bool,
    serve: Serve,
    capabilities: Capabilities,
    bell: Arc<Bell>,
    /// Under which the thread rings.
    number: usize,
    link: Option<Link>,
    /// News that was found behind bytes that were asked for.
    told: Option<Happening>,
    /// The thread that had the port before, and may still have it.
    leaving: Option<JoinHandle<()>>,
}

/// The way to the thread that has the port.
#[derive(Debug)]
struct Link {
    orders: Sender<PortCommand>,
    news: Receiver<News>,
    is_wanted: Arc<AtomicBool>,
    nudge: Arc<Nudge>,
    /// `None` if the system had no thread left.
    thread: Option<JoinHandle<()>>,
}

/// What the thread of a port is given.
pub(super) struct Errand {
    /// The name of the port.
    pub name: String,
    /// What it is to be opened with.
    pub settings: LineSettings,
    /// The clock of the run.
    pub clock: Clock,
    /// Whether the port was open before: what waits in it was said since it is back, and is told after the opening.
    pub is_again: bool,
    /// Whether it was told that the port is open.
    is_open: Cell<bool>,
    /// When an attempt to open it is given up that goes on.
    until: Cell<Option<Moment>>,
    orders: Receiver<PortCommand>,
    news: Sender<News>,
    is_wanted: Arc<AtomicBool>,
    nudge: Arc<Nudge>,
    bell: Arc<Bell>,
    number: usize,
}

/// What wakes the thread of a port that waits for its port.
#[derive(Default)]
struct Nudge(Mutex<Option<Wake>>);

type Wake = Box<dyn Fn() + Send + Sync>;

#[derive(Debug)]
enum News {
    Received(Vec<u8>),
    Told(Happening),
}

impl ThreadedWorld {
    /// Makes the world of the port with this name, for a run that waits for no other; nothing is opened yet.
    pub(super) fn new(name: &str, clock: Clock, interrupt: Interrupt, serve: Serve) -> ThreadedWorld {
        let bell = Arc::new(Bell::default());
        interrupt.rings(&bell);
        ThreadedWorld {
            name: name.to_string(),
            clock,
            timeline: Timeline::new(clock),
            interrupt,
            heard: false,
            serve,
            capabilities: Capabilities::ALL,
            bell,
            number: 0,
            link: None,
            told: None,
            leaving: None,
        }
    }

    /// Says what the port can do, if that is less than a serial port can.
    #[cfg(windows)]
    pub(super) fn able_to(mut self, capabilities: Capabilities) -> ThreadedWorld {
        self.capabilities = capabilities;
        self
    }

    /// Has a thread open the port, and try it as long as somebody is patient.
    fn open(&mut self, settings: LineSettings, patience: Patience) {
        self.let_go();
        let (orders, taken) = channel();
        let (tell, news) = channel();
        let is_wanted = Arc::new(AtomicBool::new(true));
        let nudge = Arc::new(Nudge::default());
        let errand = Errand {
            name: self.name.clone(),
            settings,
            clock: self.clock,
            is_again: patience.is_to_reopen(),
            is_open: Cell::new(false),
            until: Cell::new(None),
            orders: taken,
            news: tell.clone(),
            is_wanted: is_wanted.clone(),
            nudge: nudge.clone(),
            bell: self.bell.clone(),
            number: self.number,
        };
        let serve = self.serve.clone();
        let before = self.leaving.take();
        let work = move || {
            // The thread before must have let go of the port; one that panicked has closed it too.
            drop(before.map(JoinHandle::join));
            let reason = errand.serve_when_there(&serve, patience);
            errand.tell(Happening::Closed(PortId::FIRST, reason));
        };
        let thread = match thread::Builder::new().name(self.name.clone()).spawn(work) {
            Ok(thread) => Some(thread),
            Err(error) => {
                let reason = format!("there is no thread for it: {}", in_words(&error));
                // The other end is here.
                let _ = tell
                    .send(News::Told(Happening::Closed(PortId::FIRST, CloseReason::CannotOpen { reason, help: None })));
                None
            }
        };
        self.link = Some(Link { orders, news, is_wanted, nudge, thread });
    }

    /// Leaves the thread alone, which then closes the port; what it still tells is not heard.
    fn let_go(&mut self) {
        self.told = None;
        if let Some(link) = self.link.take() {
            link.is_wanted.store(false, Ordering::Relaxed);
            drop(link.orders);
            link.nudge.give();
            self.leaving = link.thread;
        }
    }
}

impl World for ThreadedWorld {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => {
                let patience = Patience::to_open(self.clock.now(), settings.wait);
                self.open(settings, patience);
            }
            PortCommand::Close => self.let_go(),
            PortCommand::Reopen { settings } => self.open(settings, Patience::to_reopen()),
            other @ (PortCommand::Write { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardInput
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. }) => {
                if let Some(link) = &self.link {
                    // A thread that has ended has told why.
                    let _ = link.orders.send(other);
                    link.nudge.give();
                }
            }
        }
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let known = received.len();
        let link = self.link.as_ref()?;
        while self.told.is_none() {
            match link.news.try_recv() {
                Ok(News::Received(bytes)) => received.extend_from_slice(&bytes),
                Ok(News::Told(happening)) => self.told = Some(happening),
                Err(_) => break,
            }
        }
        (received.len() > known).then(|| self.timeline.at_once(Happening::Received(PortId::FIRST)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let mut by = Vec::new();
        loop {
            if let Some(told) = self.look(until, received) {
                return told;
            }
            let now = self.timeline.now();
            if until.is_some_and(|until| now >= until) {
                return self.timeline.at_once(Happening::Nothing);
            }
            self.bell.wait(until.map(|until| until.since(now)), &mut by);
        }
    }
}

impl Watched for ThreadedWorld {
    fn rings(&mut self, bell: &Arc<Bell>, number: usize) {
        if !Arc::ptr_eq(&self.bell, bell) {
            self.bell = bell.clone();
        }
        self.number = number;
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if !self.heard && self.interrupt.is_raised() {
            self.heard = true;
            return Some(self.timeline.at_once(Happening::Interrupt));
        }
        let link = self.link.as_ref()?;
        let news = match self.told.take() {
            Some(happening) => News::Told(happening),
            None if self.timeline.is_past(until) => return None,
            None => link.news.try_recv().ok()?,
        };
        match news {
            News::Received(bytes) => {
                received.extend_from_slice(&bytes);
                Some((self.timeline.in_time_for(until, bytes.len()), Happening::Received(PortId::FIRST)))
            }
            News::Told(happening) => {
                if matches!(happening, Happening::Closed(PortId::FIRST, _)) {
                    self.let_go();
                }
                Some(self.timeline.at_once(happening))
            }
        }
    }
}

impl fmt::Debug for ThreadedWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadedWorld").field("name", &self.name).field("link", &self.link).finish_non_exhaustive()
    }
}

impl Drop for ThreadedWorld {
    /// Waits until the port is closed.
    fn drop(&mut self) {
        self.let_go();
        // A thread that panicked has closed the port too.
        drop(self.leaving.take().map(JoinHandle::join));
    }
}

impl Errand {
    /// Tells the run of something.
    pub(super) fn tell(&self, happening: Happening) {
        if matches!(happening, Happening::Opened(_)) {
            self.is_open.set(true);
        }
        self.send(News::Told(happening));
    }

    /// Tells the run of bytes that came.
    pub(super) fn tell_received(&self, bytes: &[u8]) {
        self.send(News::Received(bytes.to_vec()));
    }

    /// Tells the run that the port is open, and of what already waited in it: before, unless the port was away.
    pub(super) fn tell_open(&self, early: &[u8]) {
        if self.is_again {
            self.tell(Happening::Opened(PortId::FIRST));
        }
        if !early.is_empty() {
            self.tell_received(early);
        }
        if !self.is_again {
            self.tell(Happening::Opened(PortId::FIRST));
        }
    }

    /// Returns when an attempt to open the port is given up, if others failed before it.
    pub(super) fn last_attempt(&self) -> Option<Moment> {
        self.until.get()
    }

    /// Serves the port as soon as it is there; returns why it is closed.
    fn serve_when_there(&self, serve: &Serve, mut patience: Patience) -> CloseReason {
        loop {
            let ended = serve(self);
            if self.is_open.get() || !self.is_wanted() {
                return ended.reason;
            }
            let at = match patience.failed(ended, self.clock.now()) {
                Next::GiveUp(reason) => return reason,
                Next::Again { at, note } => {
                    note.into_iter().for_each(|note| self.tell(Happening::Noted(PortId::FIRST, note)));
                    at
                }
            };
            self.until.set(patience.until());
            if let Err(reason) = self.rest(at) {
                return reason;
            }
        }
    }

    /// Waits for a moment; what is asked for meanwhile has no port that could do it.
    fn rest(&self, until: Moment) -> Result<(), CloseReason> {
        loop {
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return Ok(());
            }
            self.order_within(left)?;
        }
    }

    /// Returns what is to be done next, if there is something; never blocks.
    ///
    /// # Errors
    ///
    /// The run has closed the port.
    pub(super) fn next_order(&self) -> Result<Option<PortCommand>, CloseReason> {
        match self.orders.try_recv() {
            Ok(order) => Ok(Some(order)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(CloseReason::Finished),
        }
    }

    /// Returns what is to be done next, if there is something within that time.
    ///
    /// # Errors
    ///
    /// The run has closed the port.
    pub(super) fn order_within(&self, time: Duration) -> Result<Option<PortCommand>, CloseReason> {
        match self.orders.recv_timeout(time) {
            Ok(order) => Ok(Some(order)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(CloseReason::Finished),
        }
    }

    /// Has this called after each order from now on, and when there can be no more: for a thread that waits for its port.
    ///
    /// An order may have been given before: look for one before the first wait.
    pub(super) fn when_ordered(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.nudge.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }

    /// Returns whether the run still has the port open: what takes long is not worth while otherwise.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    fn send(&self, news: News) {
        // The run may have closed the port, and then hears nothing of it any more.
        let _ = self.news.send(news);
        self.bell.ring(self.number);
    }
}

impl Nudge {
    fn give(&self) {
        if let Some(wake) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

impl fmt::Debug for Nudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nudge").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
