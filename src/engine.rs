//! `Engine`: runs a program as a state machine that does no I/O, reads no clock and starts no thread.
//!
//! What happens goes in through [`Engine::handle`]; what is to be done, what happened and how long to wait
//! comes out through [`Engine::poll`]. The same inputs give the same outputs.
//!
//! Deadlines are exact: bytes that come at a deadline are in time, what comes later is not, however late the
//! caller was. So a deadline that lies before an input has passed before that input is looked at, and one
//! that lies at the present moment passes with the next [`Input::Tick`].
//!
//! An engine is made of three parts that do not know each other: its ports (what came), its flow (how far the program is) and
//! its journal (what is to be done and told). `exec` joins them, an instruction at a time.

mod away;
mod begin;
mod cover;
mod departure;
mod due;
mod exec;
mod explain;
mod flood;
mod flow;
mod fuel;
mod hooking;
mod io;
mod journal;
pub mod limits;
mod look;
mod near_miss;
mod port;
mod reading;
mod tell;
mod trace;
mod watched;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Label;
pub use crate::event::Rigour;
use crate::event::{CloseReason, EventKind, Failure, Verdict};
use crate::function::Ambient;
use crate::pattern::Regex;
use crate::port::Carrier;
use crate::port::PortId;
use crate::program::{Program, Question, Role};
use crate::settings::{LineSettings, Settings};
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;

pub(crate) use cover::Cover;
use exec::spare::Spare;
use exec::taint::Search;
use exec::talk::Outgoing;
use exec::transfer::Transfer;
use exec::wait::Wait;
use exec::watch::Prefilters;
use explain::Exchange;
use flow::{Exit, Flow, Stimulus};
use fuel::Fuel;
use hooking::Hooking;
pub use io::{Action, Input, Output};
use journal::Journal;
pub use limits::REACH;
use port::Ports;
pub use trace::Trace;
use trace::Tracer;

/// What a run begins with besides its program.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Values of params by name, checked and of the right type.
    pub variables: HashMap<String, Value>,
    /// The seed of everything random.
    pub seed: u64,
    /// Unix time in milliseconds when the run begins.
    pub begun: i64,
    /// The file, as the user named it.
    pub file: String,
    /// The ports, in the order in which the flow declares them; one if it declares none.
    pub ports: Vec<PortInputs>,
}

/// What a run knows of one of its ports before that is open.
#[derive(Clone, Debug)]
pub struct PortInputs {
    /// Its address, as the user named it.
    pub address: String,
    /// What its bytes go through.
    pub carrier: Carrier,
    /// The settings of its line: the flow's, with what the command line changes.
    pub settings: Settings,
}

impl PortInputs {
    /// Returns what is known of a serial port, real or simulated.
    pub fn serial(address: impl Into<String>, settings: &Settings) -> PortInputs {
        PortInputs { address: address.into(), carrier: Carrier::Serial, settings: settings.clone() }
    }
}

/// What the engine is doing.
#[derive(Debug)]
enum State {
    /// The ports are being opened.
    Opening,
    /// The next instruction can be executed.
    Ready,
    /// The same, once the world was looked at.
    Breathing,
    /// Silence is kept before a send.
    Guarding { until: Moment, send: Outgoing },
    /// Bytes are leaving.
    Writing { number: u64, send: Outgoing },
    /// Something is awaited.
    Waiting(Box<Wait>),
    /// Time is to pass; `is_bounded` tells that a step's timeout comes first.
    Sleeping { until: Moment, site: Site, is_bounded: bool },
    /// A port is to go away, if it has not, and to come back; `is_bounded` tells that a step's timeout comes first.
    Reopening { port: PortId, begun: Moment, until: Moment, site: Site, is_bounded: bool },
    /// A failed step waits for its next attempt, then for silence.
    Retrying { not_before: Moment, at_latest: Moment, site: Site },
    /// Results are being made durable.
    Saving { names: Vec<String>, site: Site, option: &'static str },
    /// A person is asked.
    Asking { site: Site, question: Arc<Question> },
    /// A hook runs.
    Hooking(Box<Hooking>),
    /// A file is on its way, and the other side is to do something.
    Transferring(Box<Transfer>),
    /// A device waits for what the host sends.
    Serving,
    /// The run is over.
    Over(Verdict),
}

/// Runs a program.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    inputs: Inputs,
    now: Moment,
    state: State,
    ports: Ports,
    flow: Flow,
    journal: Journal,
    ambient: Ambient,
    tally: Tally,
    prefilters: Prefilters,
    spare: Spare,
    /// What [`Engine::poll`] said last to wait until, as long as nothing has happened since.
    due: Option<Option<Moment>>,
    fuel: Fuel,
    /// Regexes with values in them, compiled: by text, flags, and whether they fit a whole line.
    regexes: HashMap<(String, String, bool), Arc<Regex>>,
    /// What is kept of the search for secrets.
    search: RefCell<Search>,
}

/// What a verdict is made of.
#[derive(Debug, Default)]
struct Tally {
    /// What counts as a failure.
    rigour: Rigour,
    /// How much was checked, without what skipped steps checked.
    n_checks: u64,
    /// What soft measurements found outside of their limits, without those of skipped steps and failed attempts.
    outside: Vec<Label>,
    /// Whether a step passed at a later attempt.
    is_flaky: bool,
    /// How many steps were skipped, those of clean-ups not counted.
    n_skipped: u64,
    /// Whether somebody ended the run while a failure was cleaned up: nothing is tried again.
    is_interrupted: bool,
    /// Why a clean-up failed: the first that did.
    cleanup: Option<Box<Failure>>,
    /// How many clean-ups failed.
    n_cleanups_failed: u64,
    /// Why the run failed.
    failure: Option<Box<Failure>>,
    /// What was sent and came before the clean-up that ended last: that did not lead to what fails behind it.
    before_cleanup: Option<Box<Exchange>>,
    /// Whether the end was told: before that the world may object to it.
    is_end_told: bool,
}

impl Engine {
    /// Judges the run with this rigour; asked for before the run begins.
    #[must_use]
    pub fn with_rigour(mut self, rigour: Rigour) -> Engine {
        self.tally.rigour = rigour;
        self
    }

    /// Takes note of how the device is set that plays the other side of a port, for who asks why nothing comes.
    #[must_use]
    pub(crate) fn facing(mut self, port: PortId, line: LineSettings) -> Engine {
        self.ports[port].know_other_line(line);
        self
    }

    /// Takes note of what is executed; asked for before the run begins.
    #[must_use]
    pub(crate) fn traced(mut self, trace: Option<&Trace>) -> Engine {
        self.flow.tracer = trace.cloned().map(|trace| Box::new(Tracer::new(trace)));
        self
    }

    /// Tells of what it sends and receives only where secrets are to be found in it; asked for before the run begins, where nobody
    /// listens.
    #[must_use]
    pub(crate) fn without_traffic(mut self) -> Engine {
        self.journal.leave_traffic_out();
        self
    }

    /// Returns how many ports the run has.
    pub(crate) fn n_ports(&self) -> usize {
        self.inputs.ports.len()
    }

    /// Returns how many steps were skipped; those of clean-ups do not count.
    pub fn n_skipped(&self) -> u64 {
        self.tally.n_skipped
    }

    /// Returns how many clean-ups failed.
    pub fn n_cleanups_failed(&self) -> u64 {
        self.tally.n_cleanups_failed
    }

    /// Returns the present moment of the run.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Returns the secrets that the run knows so far, plain, with their names; for what is to be kept of the run.
    pub(crate) fn secrets(&self) -> &[(Arc<str>, Vec<u8>)] {
        self.journal.known()
    }

    /// Whether a person is asked something and has not answered.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking { .. }) || self.flow.came_into_asking()
    }

    /// Whether a hook runs whose end is waited for.
    pub(crate) fn is_hooking(&self) -> bool {
        matches!(self.state, State::Hooking(_)) || self.flow.came_into_hooking()
    }

    /// Takes note of the secrets of the other side: they are named in a text before it is cut.
    pub(crate) fn know(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        self.search.get_mut().foreign = secrets.to_vec();
    }

    /// Returns why the run failed, once it has.
    pub fn failure(&self) -> Option<&Failure> {
        self.tally.failure.as_deref()
    }

    /// Takes what happened.
    ///
    /// `now` may not lie before an earlier one; if it does, the present moment is taken. [`Input::Kept`] is
    /// expected right after an [`Action::Save`] or an [`Action::KeepFile`], before anything else.
    pub fn handle(&mut self, now: Moment, input: Input<'_>) {
        let now = now.max(self.now);
        let mut deadline = self.due.take().unwrap_or_else(|| self.deadline());
        while let Some(passed) = deadline.filter(|deadline| *deadline < now) {
            self.pass_to(passed);
            self.expire();
            self.advance();
            deadline = self.deadline();
        }
        self.pass_to(now);
        if matches!(self.state, State::Breathing) {
            self.breathe();
        }
        match input {
            Input::Tick => {
                if deadline.is_some_and(|deadline| deadline <= now) {
                    self.expire();
                }
            }
            Input::Opened(port) => self.opened(port),
            Input::Received(port, bytes) => self.received(port, bytes),
            Input::Sent(token) => self.sent(&token),
            Input::Closed(port, reason) => self.port_closed(port, reason),
            Input::Departed(port, departure) => {
                let reason = self.departure(&departure);
                self.port_closed(port, CloseReason::Broken { reason, help: departure.help });
            }
            Input::Kept(kept) => self.kept(kept),
            Input::Answered(answer) => self.answered(answer),
            Input::Noted(port, text) => self.noted(port, text),
            Input::Lines(port, lines) => self.lines_read(port, lines),
            Input::Signalled(_, signal) => self.stimulated(Stimulus::Signal(signal)),
            Input::Hook(news) => self.hook_told(news),
            Input::Hooked(call) => self.stimulated(Stimulus::Hook(call)),
            Input::Wire { name, value } => self.wire_changed(name, value),
            Input::Interrupt => self.interrupted(),
            Input::Unplayed(left) => self.unplayed(&left),
        }
        self.advance();
    }

    fn pass_to(&mut self, now: Moment) {
        if now > self.now && !matches!(self.state, State::Breathing) {
            self.fuel.refill();
        }
        self.now = now.max(self.now);
        let passed = i64::try_from(self.now.since_start().as_millis()).unwrap_or(i64::MAX);
        // A recording may say that it was made at the end of time.
        self.ambient.unix_millis = self.inputs.begun.saturating_add(passed);
    }

    /// Returns what is to be done next.
    pub fn poll(&mut self) -> Output {
        if let Some(output) = self.journal.next() {
            return output;
        }
        if let State::Over(verdict) = self.state {
            if self.tally.is_end_told {
                return Output::Done(verdict);
            }
            self.tell_end(verdict);
            return self.journal.next().unwrap_or(Output::Done(verdict));
        }
        let until = self.deadline();
        self.due = Some(until);
        let until = if matches!(self.state, State::Breathing) { Some(self.now) } else { until };
        Output::Wait { until, why: self.waiting() }
    }

    fn opened(&mut self, port: PortId) {
        // It may have gone at this moment.
        if self.ports.is_any_fresh() {
            self.end_moment();
        }
        if matches!(self.state, State::Over(_)) {
            return;
        }
        if self.ports[port].away().is_some() {
            return self.came_back(port);
        }
        if self.ports[port].was_opened() {
            return;
        }
        self.ports[port].open(self.program.role, self.now);
        self.tell_on(port, None, EventKind::Opened);
        if matches!(self.state, State::Opening) && self.ports.were_opened() {
            self.state = State::Ready;
        }
    }

    fn received(&mut self, port: PortId, bytes: &[u8]) {
        if matches!(self.state, State::Over(_)) || self.ports[port].away().is_some() {
            return;
        }
        if bytes.is_empty() {
            // In a recording an earlier read has them: the line was not quiet.
            self.ports[port].receive(bytes, self.now);
            return;
        }
        self.flow.cut_waits(port, self.now, self.ports[port].sight.inbox.end());
        let lost = self.ports[port].receive(bytes, self.now);
        if lost > 0 {
            self.note_forgotten(lost);
        }
        if self.ports.note_fresh(port, self.now) {
            // What comes at one moment is bounded too.
            if self.ports[port].sight.unlooked() > REACH {
                self.end_moment();
            }
            return;
        }
        self.look_at(port);
        if self.ports[port].sight.inbox.n_held() > REACH {
            self.make_room(port);
        }
    }

    fn noted(&mut self, port: PortId, text: String) {
        if !matches!(self.state, State::Over(_)) {
            self.tell_on(port, None, EventKind::Noted { text });
        }
    }

    fn port_closed(&mut self, port: PortId, reason: CloseReason) {
        if let Some(reason) = self.ports.note_closing(port, reason, self.now) {
            self.gone(port, reason);
        }
    }

    /// Takes note that a port is gone.
    fn gone(&mut self, port: PortId, reason: CloseReason) {
        if matches!(self.state, State::Over(_)) || self.ports[port].is_closed() {
            return;
        }
        if self.ports[port].away().is_some() && !matches!(reason, CloseReason::DeviceFailed(_)) {
            return;
        }
        self.sight_all();
        self.tell_on(port, None, EventKind::Closed(reason.clone()));
        if let Some(until) = self.may_be_away_until(port, &reason) {
            return self.went_away(port, reason, until);
        }
        self.ports[port].close();
        match (&reason, self.program.role) {
            // A device that is left alone has done its work.
            (CloseReason::HungUp { .. } | CloseReason::Finished, Role::Device) => self.finish(Verdict::Passed),
            (CloseReason::HungUp { .. }, Role::Flow) if self.may_reopen(port) => {}
            _ if self.needs(port) => {
                let failure = self.port_failure(port, &reason);
                self.fail(failure);
            }
            _ => {}
        }
    }

    /// Whether what is being done needs a port: the others may go away, and only what uses them then fails.
    fn needs(&self, port: PortId) -> bool {
        match &self.state {
            State::Waiting(wait) => wait.needs(port),
            State::Guarding { send, .. } | State::Writing { send, .. } => send.port == port,
            State::Transferring(transfer) => transfer.port == port,
            State::Reopening { port: awaited, .. } => *awaited == port,
            State::Opening => true,
            State::Ready
            | State::Breathing
            | State::Sleeping { .. }
            | State::Retrying { .. }
            | State::Saving { .. }
            | State::Asking { .. }
            | State::Hooking(_)
            | State::Serving
            | State::Over(_) => self.ports.is_only(port),
        }
    }

    fn interrupted(&mut self) {
        if self.ports.is_any_fresh() {
            self.end_moment();
        }
        if matches!(self.state, State::Over(_)) {
            return;
        }
        self.sight_all();
        if let State::Writing { send, .. } = &self.state {
            // What is cleaned up then does not stand behind it.
            self.discard_output(send.port);
        }
        self.cancel_present_transfer();
        // A failure that is being cleaned up after stays the reason.
        if self.tally.failure.is_none()
            && !self.flow.cleans_up_after_a_failure()
            && let Some(failure) = self.interruption()
        {
            self.tally.failure = Some(failure.clone());
            self.tell(failure.site, EventKind::Failed(failure));
        }
        self.leave(Exit::Interrupted);
    }

    /// Takes note that more was recorded than the run took: it has not passed.
    fn unplayed(&mut self, left: &str) {
        if let State::Over(verdict) = self.state
            && verdict.is_success()
            && !self.tally.is_end_told
        {
            let failure = self.unplayed_failure(left);
            self.told_failure(failure);
            self.state = State::Over(Verdict::Failed);
        }
    }

    /// Returns what messages call a port: its address, and its name if it has one.
    fn called(&self, port: PortId) -> String {
        let address = self.address(port);
        match self.program.ports.get(port.index()) {
            Some(declared) => format!("`{}` at `{address}`", declared.name),
            None => format!("`{address}`"),
        }
    }

    /// Returns ` on `NAME``, for messages about what came or did not come on a port; nothing if ports have no names.
    fn on_port(&self, port: PortId) -> String {
        let declared = self.program.ports.get(port.index()).filter(|_| self.program.ports.len() > 1);
        declared.map_or_else(String::new, |declared| format!(" on `{}`", declared.name))
    }

    /// Whether the port that is current is gone.
    fn port_is_closed(&self) -> bool {
        self.ports[self.flow.port].is_closed()
    }
}
