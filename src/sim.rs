//! The simulated world: a device file on an engine of its own, one clock for both that jumps.
//!
//! No thread, no socket, no waiting: the clock goes to whatever is due next, so that a flow with timeouts of
//! minutes is run in milliseconds and gives the same transcript every time. Bytes take the time on the
//! line that baud rate and format give them; where the two sides disagree on these they arrive as garbage.

mod bench;
mod device;
mod stand;
mod wire;

use std::collections::{HashMap, VecDeque};

use crate::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use crate::event::{CloseReason, Event, EventKind, HookCall, HookEnd, HookNews, Verdict};
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::settings::{InputLines, LineSettings, Settings, Signal};
use crate::time::{Moment, earlier};
use crate::value::Value;
use crate::world::{Simulated, World};
pub use bench::SimBench;
use device::Device;
pub use stand::{Stand, Texts};
use wire::Wire;

/// When every run against a simulated device begins, in milliseconds of Unix time: 2024-07-22T04:00:00Z, so that its transcript is
/// the same every time.
pub const VIRTUAL_BEGINNING: i64 = 1_721_620_800_000;
/// The seed of a run against a simulated device, if none is given.
pub const VIRTUAL_SEED: u64 = 1;
/// Keeps what is random in a device from being the same as in its flow.
const DEVICE_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns what the device at a port is given in a run whose flow is given `flow`: the same beginning, and a seed that follows
/// from the flow's and from the port.
///
/// # Panics
///
/// If the flow has no such port.
#[must_use]
pub fn device_inputs(flow: &Inputs, port: PortId, variables: HashMap<String, Value>, settings: Settings) -> Inputs {
    let seed = flow.seed ^ DEVICE_SEED.wrapping_mul(2 * port.index() as u64 + 1);
    let ports = vec![PortInputs { settings, ..flow.ports[port.index()].clone() }];
    Inputs { variables, ports, seed, ..flow.clone() }
}

/// A world in which a device file plays the other end of the line.
#[derive(Debug)]
pub struct SimWorld {
    device: Device,
    /// How the host has set its port; `None` while it is closed.
    host: Option<LineSettings>,
    /// How the device has set its port; `None` while it is closed.
    device_line: Option<LineSettings>,
    now: Moment,
    to_host: Wire,
    to_device: Wire,
    /// Writes of the host that are still leaving, and when they have left.
    host_writes: VecDeque<(Moment, WriteToken)>,
    device_writes: VecDeque<(Moment, WriteToken)>,
    /// How the control lines are.
    lines: ControlLines,
    /// Whether the host is always set as the device is.
    is_followed: bool,
    /// The wires that the device gave other values; `None` if there is no other device that they lead to.
    wires: Option<VecDeque<(String, Value)>>,
    /// What the host is to be told at once.
    news: VecDeque<Happening>,
    /// Whether the device is there, and whether the host knows.
    link: Link,
    /// How the device ended, once it has.
    ended: Option<CloseReason>,
    /// What the device had to say.
    said: Said,
}

/// What a device had to say.
#[derive(Debug, Default)]
struct Said {
    events: Vec<Event>,
    /// How much that was, in bytes; what goes beyond [`MOST_SAID`] is not kept.
    n_bytes: usize,
}

/// How the control lines between the two sides are.
#[derive(Debug, Default)]
struct ControlLines {
    /// DTR, as the host has switched it; `None` if it has not.
    dtr: Option<bool>,
    /// RTS, likewise.
    rts: Option<bool>,
    /// Those that the device switches.
    inputs: InputLines,
}

/// So much of what a device says by itself is kept, in bytes: nobody reads more, and a device may log for ever.
const MOST_SAID: usize = 1 << 20;

/// Whether the device is on the line.
#[derive(Debug, Default)]
enum Link {
    /// It is.
    #[default]
    Up,
    /// It went away, and the host has not seen that yet.
    Gone,
    /// It is away; the host opens its port with these settings as soon as it is back.
    Away(Option<LineSettings>),
    /// It has ended, and is told how once.
    Over,
}

impl SimWorld {
    /// Whether the device sends back what it hears.
    pub(crate) fn has_echo(&self) -> bool {
        self.device.sends_echo()
    }

    /// Makes a world around a device that has not begun yet.
    pub fn new(device: Engine) -> SimWorld {
        SimWorld {
            device: Device::new(device),
            host: None,
            device_line: None,
            now: Moment::START,
            to_host: Wire::default(),
            to_device: Wire::default(),
            host_writes: VecDeque::new(),
            lines: ControlLines::default(),
            wires: None,
            is_followed: false,
            device_writes: VecDeque::new(),
            news: VecDeque::new(),
            link: Link::default(),
            ended: None,
            said: Said::default(),
        }
    }

    /// Lets the host be set as the device is, whatever that changes: it is no host of its own, but hands bytes on.
    #[must_use]
    pub fn followed(mut self) -> SimWorld {
        self.is_followed = true;
        self
    }

    /// Returns what the device's engine said by itself, in order, up to a mebibyte of it.
    pub fn device_events(&self) -> &[Event] {
        &self.said.events
    }

    /// Lets the device do everything that it can do at the present moment; returns when it wants to go on.
    fn run_device(&mut self) -> Option<Moment> {
        if let Some(until) = self.device.rests(self.now) {
            return until;
        }
        loop {
            match self.device.poll() {
                Output::Event(event) => self.device_told(event),
                Output::Act(Action::Port(_, command)) => self.device_command(command),
                Output::Act(Action::Save { .. } | Action::KeepFile { .. }) => {
                    self.device.handle(self.now, Input::Kept(Err("a device saves nothing".to_string())));
                }
                Output::Act(Action::Ask { .. }) => self.device.handle(self.now, Input::Answered(None)),
                // A device runs no hook.
                Output::Act(Action::Hook(_)) => {}
                Output::Act(Action::Wire { name, value }) => {
                    if let Some(wires) = &mut self.wires {
                        wires.push_back((name, value));
                    }
                }
                Output::Wait { until, .. } => match until {
                    Some(until) if until <= self.now => self.device.handle(self.now, Input::Tick),
                    _ => {
                        self.device.rest(until);
                        return until;
                    }
                },
                Output::Done(verdict) => {
                    self.device_done(verdict);
                    return None;
                }
            }
        }
    }

    fn device_told(&mut self, mut event: Event) {
        // The files of the run are those of the flow.
        if let EventKind::Transfer(file) = &event.kind {
            let Some(text) = file.shown() else { return };
            event.kind = EventKind::Noted { text };
        }
        // Bytes are the host's story; what the device says by itself is kept.
        let n_bytes = match &event.kind {
            EventKind::Logged { text } => text.len(),
            EventKind::Noted { text } => text.len(),
            EventKind::Failed(failure) => failure.message.len(),
            EventKind::RunStarted(_)
            | EventKind::StepBegan { .. }
            | EventKind::StepEnded { .. }
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Matched { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Skipped { .. }
            | EventKind::Transfer(_)
            | EventKind::CleanupFailed(_)
            | EventKind::RunEnded { .. } => return,
        };
        self.said.n_bytes += n_bytes + size_of::<Event>();
        if self.said.n_bytes <= MOST_SAID {
            self.said.events.push(event);
        }
    }

    fn device_done(&mut self, verdict: Verdict) {
        if let Link::Over = std::mem::replace(&mut self.link, Link::Over) {
            return;
        }
        let reason = match (self.device.failure(), verdict) {
            (Some(failure), _) => CloseReason::DeviceFailed(Box::new(failure.clone())),
            (None, _) => CloseReason::unplugged(),
        };
        self.ended = Some(reason);
    }

    fn device_command(&mut self, command: PortCommand) {
        match command {
            PortCommand::Open { settings } | PortCommand::Reopen { settings } => {
                self.device_line = Some(settings);
                self.come_back();
                self.device.handle(self.now, Input::Opened(PortId::FIRST));
            }
            PortCommand::Write { token, bytes } => {
                let Some(line) = &self.device_line else { return };
                let left = self.to_host.send(self.now, bytes, line);
                self.device_writes.push_back((left, token));
            }
            PortCommand::Reconfigure { settings } => {
                if self.is_followed && self.host.is_some() {
                    self.host = Some(settings.clone());
                }
                self.device_line = Some(settings);
            }
            PortCommand::Close => {
                self.device_line = None;
                self.link = Link::Gone;
            }
            PortCommand::DiscardInput => self.to_device.discard(self.now),
            PortCommand::DriveLines { lines } => {
                let before = self.lines.inputs;
                lines.into_iter().for_each(|(line, on)| self.lines.inputs.switch(line, on));
                if self.lines.inputs != before && self.host.is_some() {
                    self.news.push_back(Happening::Lines(PortId::FIRST, Ok(self.lines.inputs)));
                }
            }
            // What is written leaves in its time: nothing is ever held up.
            PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::Break { .. }
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. } => {}
        }
    }

    /// Lets the device see what the host does with DTR and RTS: what changes, or may have, DTR first.
    fn switch(&mut self, dtr: Option<bool>, rts: Option<bool>) {
        if dtr.is_some() && dtr != self.lines.dtr {
            self.lines.dtr = dtr;
            self.signal(dtr.map(Signal::Dtr));
        }
        if rts.is_some() && rts != self.lines.rts {
            self.lines.rts = rts;
            self.signal(rts.map(Signal::Rts));
        }
    }

    fn signal(&mut self, signal: Option<Signal>) {
        if let Some(signal) = signal {
            self.device.handle(self.now, Input::Signalled(PortId::FIRST, signal));
        }
    }

    /// Lets the host see that the device is away: nothing that it wrote leaves any more.
    fn lose_host(&mut self) {
        self.host = None;
        self.host_writes.clear();
        self.to_device = Wire::default();
        self.news.push_back(Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
        self.link = Link::Away(None);
    }

    /// Puts the device on the line again, if it was away.
    fn come_back(&mut self) {
        if let Link::Gone = self.link {
            self.to_host = Wire::default();
            self.lose_host();
        }
        if let Link::Away(Some(settings)) = std::mem::take(&mut self.link) {
            self.open_host(settings);
        }
    }

    fn open_host(&mut self, settings: LineSettings) {
        self.host = Some(settings);
        self.news.push_back(Happening::Opened(PortId::FIRST));
    }

    /// Whether something is to be reported at the present moment, whatever is still on its way.
    fn has_news(&self) -> bool {
        let is_silent = self.to_host.is_empty();
        !self.news.is_empty()
            || is_silent && (self.ended.is_some() || matches!(self.link, Link::Gone) && self.host.is_some())
    }

    /// Returns the moment at which something happens next.
    fn next_moment(&self, until: Option<Moment>, device: Option<Moment>) -> Option<Moment> {
        let left = |writes: &VecDeque<(Moment, WriteToken)>| writes.front().map(|(at, _)| *at);
        let arrives = earlier(self.to_host.next_arrival(), self.to_device.next_arrival());
        let leaves = earlier(left(&self.host_writes), left(&self.device_writes));
        earlier(earlier(until, device), earlier(arrives, leaves))
    }

    /// Whether something arrives at the device at the present moment, or has left it: it may have come to this moment without
    /// having been fed, as one of several.
    fn is_device_due(&self) -> bool {
        let left = self.device_writes.front().map(|(at, _)| *at);
        [left, self.to_device.next_arrival()].into_iter().flatten().any(|at| at <= self.now)
    }

    /// Takes what arrives at the device at the present moment.
    fn feed_device(&mut self) {
        if let Some(bytes) = self.to_device.take(self.now, self.device_line.as_ref()) {
            self.device.handle(self.now, Input::Received(PortId::FIRST, &bytes));
        }
        while self.device_writes.front().is_some_and(|(at, _)| *at <= self.now) {
            let (_, token) = self.device_writes.pop_front().expect("there is a first one");
            self.device.handle(self.now, Input::Sent(token));
        }
    }
}

impl World for SimWorld {
    /// The device takes it at once, and deals with it when it serves; the flow goes on meanwhile.
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        let end = self.hooked(call);
        self.news.push_back(Happening::Hook(HookNews::Ended(end)));
        true
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => {
                let (dtr, rts) = (settings.dtr.wanted(), settings.rts.wanted());
                self.host = Some(settings.clone());
                self.run_device();
                self.switch(dtr, rts);
                self.open_host(settings);
            }
            PortCommand::Reopen { settings } => match &mut self.link {
                Link::Up => self.open_host(settings),
                Link::Gone | Link::Over => {}
                Link::Away(wanted) => *wanted = Some(settings),
            },
            PortCommand::Write { token, bytes } => {
                let Some(line) = &self.host else { return };
                let left = self.to_device.send(self.now, bytes, line);
                self.host_writes.push_back((left, token));
            }
            PortCommand::Reconfigure { settings } => self.host = Some(settings),
            PortCommand::DiscardInput => self.to_host.discard(self.now),
            PortCommand::Close => {
                self.host = None;
                if let Link::Away(wanted) = &mut self.link {
                    *wanted = None;
                }
            }
            PortCommand::SetLines { dtr, rts } => self.switch(dtr, rts),
            PortCommand::Break { .. } => self.signal(Some(Signal::Break)),
            PortCommand::ReadLines => self.news.push_back(Happening::Lines(PortId::FIRST, Ok(self.lines.inputs))),
            // What is written leaves in its time: nothing is ever held up.
            PortCommand::DriveLines { .. } | PortCommand::DiscardOutput | PortCommand::Resize { .. } => {}
        }
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            let device = self.run_device();
            if let Some(news) = self.news.pop_front() {
                return (self.now, news);
            }
            // Bytes first: what came at a moment is there before that moment's deadlines.
            if let Some(bytes) = self.to_host.take(self.now, self.host.as_ref()) {
                received.extend_from_slice(&bytes);
                return (self.now, Happening::Received(PortId::FIRST));
            }
            if self.host_writes.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, token) = self.host_writes.pop_front().expect("there is a first one");
                return (self.now, Happening::Sent(token));
            }
            if self.to_host.is_empty()
                && let Some(reason) = self.ended.take()
            {
                return (self.now, Happening::Closed(PortId::FIRST, reason));
            }
            if matches!(self.link, Link::Gone) && self.to_host.is_empty() && self.host.is_some() {
                self.lose_host();
                continue;
            }
            let Some(next) = self.next_moment(until, device) else {
                // Nothing will ever happen again: say so instead of standing still.
                let reason = "neither the flow nor the simulated device has anything left to wait for".to_string();
                return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
            };
            if next <= self.now && until.is_some_and(|until| until <= self.now) && !self.is_device_due() {
                return (self.now, Happening::Nothing);
            }
            self.now = next.max(self.now);
            self.feed_device();
            if until.is_some_and(|until| until <= self.now) {
                self.run_device();
                if !self.news.is_empty() {
                    continue;
                }
                let has_bytes = self.to_host.next_arrival().is_some_and(|at| at <= self.now);
                let has_sent = self.host_writes.front().is_some_and(|(at, _)| *at <= self.now);
                if !has_bytes && !has_sent {
                    return (self.now, Happening::Nothing);
                }
            }
        }
    }
}

impl Simulated for SimWorld {
    fn due(&mut self) -> Option<Moment> {
        let device = self.run_device();
        if self.has_news() { Some(self.now) } else { self.next_moment(None, device) }
    }

    fn pass_to(&mut self, now: Moment) {
        self.now = self.now.max(now);
    }

    fn share_wires(&mut self) {
        self.wires.get_or_insert_default();
    }

    fn next_wire(&mut self) -> Option<(String, Value)> {
        self.wires.as_mut()?.pop_front()
    }

    fn set_wire(&mut self, name: &str, value: &Value) {
        self.device.handle(self.now, Input::Wire { name: name.to_string(), value: value.clone() });
    }

    fn hooked(&mut self, call: &HookCall) -> HookEnd {
        let end = self.device.takes_hook(call);
        if end == HookEnd::Done {
            self.device.handle(self.now, Input::Hooked(call.clone()));
        }
        end
    }
}
