//! `Engine`: runs a program as a state machine that does no I/O, reads no clock and starts no thread.
//!
//! What happens goes in through [`Engine::handle`]; what is to be done, what happened and how long to wait
//! comes out through [`Engine::poll`]. The same inputs give the same outputs.
//!
//! Deadlines are exact: bytes that come at a deadline are in time, what comes later is not, however late the
//! caller was. So a deadline that lies before an input has passed before that input is looked at, and one
//! that lies at the present moment passes with the next [`Input::Tick`].

mod exec;
mod explain;
mod io;
mod look;
mod redact;
mod result_codes;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::event::{CloseReason, Event, EventKind, Failure, RunHeader, Verdict, Waiting};
use crate::function::Ambient;
use crate::pattern::{Prefilter, Regex};
use crate::port::PortCommand;
use crate::program::{Program, Question, Role};
use crate::settings::{Echo, Settings};
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;
use crate::value::random::Rng;

use exec::block::{Exit, Scope};
use exec::call::{Active, Frame, Timer};
use exec::wait::Wait;
pub use io::{Action, Input, Output};
use look::Sight;
use look::inbox::BareCr;
pub use look::inbox::REACH;
use redact::Redactor;
pub use redact::forms_of;

/// How many statements may be executed without time passing.
const FUEL: u32 = 1_000_000;

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
    /// The port, as the user named it.
    pub port: String,
    /// The settings of the line: the flow's, with what the command line changes.
    pub settings: Settings,
}

/// What the engine is doing.
#[derive(Debug)]
enum State {
    /// The port is being opened.
    Opening,
    /// The next instruction can be executed.
    Ready,
    /// Silence is kept before a send.
    Guarding { until: Moment, send: exec::talk::Outgoing },
    /// Bytes are leaving.
    Writing { number: u64, send: exec::talk::Outgoing },
    /// Something is awaited.
    Waiting(Box<Wait>),
    /// Time is to pass; `is_bounded` tells that a step's timeout comes first.
    Sleeping { until: Moment, site: Site, is_bounded: bool },
    /// A failed step waits for its next attempt, then for silence.
    Retrying { not_before: Moment, at_latest: Moment, site: Site },
    /// Results are being made durable.
    Saving { names: Vec<String>, site: Site },
    /// A person is asked.
    Asking { site: Site, question: Arc<Question> },
    /// A device waits for what the host sends.
    Serving,
    /// The run is over.
    Over(Verdict),
}

/// Memory for what an engine wants to be done and told.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<Output>);

/// Runs a program.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    now: Moment,
    state: State,
    /// The next instruction.
    at: usize,
    globals: Vec<Option<Value>>,
    frames: Vec<Frame>,
    scopes: Vec<Scope>,
    /// Watchers in force, the innermost last: which, and the frame they stand in.
    watching: Vec<Active>,
    /// The same as the sight wants it, made anew when `watching` changes.
    watched: Option<exec::wait::Watched>,
    /// How often that was made.
    n_watched: u64,
    sight: Sight,
    /// Whether the silence since the last byte has been looked at.
    settled: bool,
    /// Memory for the next wait.
    spare: exec::spare::Spare,
    settings: Settings,
    ambient: Ambient,
    begun: i64,
    redactor: Redactor,
    outbox: VecDeque<Output>,
    /// What [`Engine::poll`] said last to wait until, as long as nothing has happened since.
    due: Option<Option<Moment>>,
    /// Events that are held back, and how many captures they are held for.
    held: Vec<Event>,
    holds: u32,
    /// Lines that have been looked at and not told of.
    untold: tell::Untold,
    /// When the next line may go out.
    line_free_at: Moment,
    writes: u64,
    /// Statements executed since time last passed.
    spent: u32,
    /// Whether anything was checked.
    has_checked: bool,
    is_flaky: bool,
    skipped: bool,
    failure: Option<Box<Failure>>,
    /// Why the port is gone, once it is.
    closed: Option<CloseReason>,
    timers: Vec<Timer>,
    /// Regexes with values in them, compiled: by text, flags, and whether they fit a whole line.
    regexes: HashMap<(String, String, bool), Arc<Regex>>,
    /// Prefilters of long waits, by the statement that waits; made anew when the watchers change.
    prefilters: HashMap<Site, Option<Arc<Prefilter>>>,
    inputs: Inputs,
}

impl Engine {
    /// Makes an engine; it begins with the first [`Engine::poll`].
    pub fn new(program: Arc<Program>, inputs: Inputs) -> Engine {
        let bare_cr = match program.role {
            Role::Flow => BareCr::Waits,
            Role::Device => BareCr::Ends,
        };
        let mut engine = Engine {
            now: Moment::START,
            state: State::Opening,
            at: program.entry,
            globals: vec![None; program.globals.len()],
            frames: vec![Frame::main(program.locals)],
            scopes: vec![Scope::main()],
            watching: program.standing.iter().rev().map(|id| Active { watcher: *id, frame: 0 }).collect(),
            watched: None,
            n_watched: 0,
            sight: Sight::new(bare_cr),
            settled: false,
            spare: exec::spare::Spare::default(),
            settings: inputs.settings.clone(),
            ambient: Ambient { rng: Rng::from_seed(inputs.seed), unix_millis: inputs.begun },
            begun: inputs.begun,
            redactor: Redactor::default(),
            outbox: VecDeque::new(),
            due: None,
            held: Vec::new(),
            holds: 0,
            untold: tell::Untold::default(),
            line_free_at: Moment::START,
            writes: 0,
            spent: 0,
            has_checked: false,
            is_flaky: false,
            skipped: false,
            failure: None,
            closed: None,
            timers: Vec::new(),
            regexes: HashMap::new(),
            prefilters: HashMap::new(),
            program,
            inputs,
        };
        engine.begin();
        engine
    }

    /// Tells that the run begins, sets the params, and opens the port.
    fn begin(&mut self) {
        let header = RunHeader {
            title: self.program.title.clone(),
            kind: match self.program.role {
                Role::Flow => "flow".to_string(),
                Role::Device => "device".to_string(),
            },
            file: self.inputs.file.clone(),
            port: self.inputs.port.clone(),
            line: self.settings.line.to_string(),
            seed: self.inputs.seed,
        };
        self.tell(None, EventKind::RunStarted(Box::new(header)));
        if let Err(failure) = self.set_params() {
            return self.fail(failure);
        }
        let settings = self.settings.line.clone();
        self.command(PortCommand::Open { settings });
    }

    /// Sets each param to what was given, or to its default.
    fn set_params(&mut self) -> Result<(), Box<Failure>> {
        let program = self.program.clone();
        for param in &program.params {
            let value = match (self.inputs.variables.get(&param.name), &param.default) {
                (Some(given), _) => given.clone(),
                (None, Some(default)) => self.eval_at(default, param.site)?,
                (None, None) => continue,
            };
            if param.is_secret {
                self.learn(&param.name, &value, param.site)?;
            }
            self.globals[param.slot as usize] = Some(value);
        }
        Ok(())
    }

    /// Returns the present moment of the run.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Returns a text with every secret of the run replaced by its name.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.clean_text(text)
    }

    /// Returns the secrets that the run knows so far, plain, with their names; for what is to be kept of the run.
    pub(crate) fn secrets(&self) -> &[(Arc<str>, Vec<u8>)] {
        self.redactor.known()
    }

    /// Exchanges the memory for what is to be done and told with another, when there is nothing in either: before a
    /// [`Engine::handle`] and after the [`Engine::poll`] that gave [`Output::Wait`] or [`Output::Done`]. Who runs many engines
    /// lets each of them use the same in its turn, and that stays in the cache of the processor.
    pub(crate) fn exchange_outbox(&mut self, other: &mut Outbox) {
        debug_assert!(self.outbox.is_empty() && other.0.is_empty(), "nothing may be left to another engine");
        std::mem::swap(&mut self.outbox, &mut other.0);
    }

    /// Returns why the run failed, once it has.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Takes what happened.
    ///
    /// `now` may not lie before an earlier one; if it does, the present moment is taken. [`Input::Kept`] is
    /// expected right after an [`Action::Save`], before anything else.
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
        match input {
            Input::Tick => {
                if deadline.is_some_and(|deadline| deadline <= now) {
                    self.expire();
                }
            }
            Input::Opened => self.opened(),
            Input::Received(bytes) => self.received(bytes),
            Input::Sent(token) => self.sent(&token),
            Input::Closed(reason) => self.port_closed(reason),
            Input::Kept(kept) => self.kept(kept),
            Input::Answered(answer) => self.answered(answer),
            Input::Interrupt => self.interrupted(),
        }
        self.advance();
    }

    fn pass_to(&mut self, now: Moment) {
        if now > self.now {
            self.spent = 0;
        }
        self.now = now.max(self.now);
        self.ambient.unix_millis = self.begun + self.now.since_start().as_millis() as i64;
    }

    /// Returns what is to be done next.
    pub fn poll(&mut self) -> Output {
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        // Begins at its beginning again: the same few lines of the processor's cache for every exchange.
        self.outbox.clear();
        if let State::Over(verdict) = self.state {
            return Output::Done(verdict);
        }
        let until = self.deadline();
        self.due = Some(until);
        Output::Wait { until, why: self.waiting() }
    }

    fn opened(&mut self) {
        if matches!(self.state, State::Opening) {
            self.tell(None, EventKind::Opened);
            self.state = State::Ready;
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let lost = self.sight.inbox.receive(bytes, self.now);
        if lost > 0 {
            self.note(format!("{lost} unclaimed lines were forgotten: only the last 256 KiB are kept"));
        }
        self.settled = false;
        self.look();
    }

    fn port_closed(&mut self, reason: CloseReason) {
        if matches!(self.state, State::Over(_)) || self.closed.is_some() {
            return;
        }
        self.sight_all();
        self.tell(None, EventKind::Closed(reason.clone()));
        self.closed = Some(reason.clone());
        match (&reason, self.program.role) {
            // A device that is left alone has done its work.
            (CloseReason::HungUp | CloseReason::Finished, Role::Device) => self.finish(Verdict::Passed),
            _ => {
                let failure = self.port_failure(&reason);
                self.fail(failure);
            }
        }
    }

    fn interrupted(&mut self) {
        if matches!(self.state, State::Over(_)) {
            return;
        }
        self.sight_all();
        self.leave(Exit::Interrupted);
    }

    /// Returns the moment at which something happens by itself, or is told of.
    fn deadline(&self) -> Option<Moment> {
        [self.own_deadline(), self.untold.by].into_iter().flatten().min()
    }

    /// Returns the moment at which the present state ends by itself.
    fn own_deadline(&self) -> Option<Moment> {
        let own = match &self.state {
            State::Guarding { until, .. } | State::Sleeping { until, .. } => Some(*until),
            State::Writing { send, .. } => send.next_piece_at(),
            State::Waiting(wait) => Some(wait.next_deadline(&self.sight, self.settings.settle, self.settled)),
            State::Retrying { not_before, at_latest, .. } => {
                let quiet = self.sight.inbox.last_arrival() + self.settings.settle;
                Some((*not_before).max(quiet.min(*at_latest)))
            }
            State::Asking { .. } => self.step_deadline(),
            State::Opening | State::Ready | State::Saving { .. } | State::Serving | State::Over(_) => None,
        };
        if matches!(self.state, State::Over(_)) {
            return None;
        }
        let silence =
            matches!(self.state, State::Sleeping { .. } | State::Serving).then(|| self.settle_moment(None)).flatten();
        let timer = matches!(self.state, State::Serving).then(|| self.timers.iter().map(|t| t.at).min()).flatten();
        [own, silence, timer].into_iter().flatten().min()
    }

    /// Returns when the silence since the last byte counts, if it has not been looked at and would matter.
    fn settle_moment(&self, wanted: Option<&look::Wanted>) -> Option<Moment> {
        (!self.settled && self.sight.waits_for_silence(wanted))
            .then(|| self.sight.inbox.last_arrival() + self.settings.settle)
    }

    /// Lets what is due at the present moment happen.
    fn expire(&mut self) {
        if self.untold.by.is_some_and(|by| by <= self.now) {
            self.tell_untold();
        }
        if self.own_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Guarding { until, send } if until <= self.now => self.start_writing(send),
            State::Writing { number, send } => self.next_piece(number, send),
            State::Sleeping { until, site, is_bounded } if until <= self.now => {
                if is_bounded {
                    let failure = self.step_timeout(site);
                    self.fail(failure);
                }
            }
            State::Sleeping { until, site, is_bounded } => {
                self.state = State::Sleeping { until, site, is_bounded };
                self.settled = true;
                self.look();
            }
            State::Waiting(wait) => self.wait_expired(wait),
            State::Asking { site, .. } => {
                let failure = self.step_timeout(site);
                self.fail(failure);
            }
            State::Retrying { site, .. } => self.begin_attempt(site),
            State::Serving => {
                self.state = State::Serving;
                if self.settle_moment(None).is_some_and(|at| at <= self.now) {
                    self.settled = true;
                    self.look();
                }
                if matches!(self.state, State::Serving) {
                    self.run_due_timer();
                }
            }
            other => self.state = other,
        }
    }

    /// Returns what the engine is waiting for.
    fn waiting(&self) -> Waiting {
        match &self.state {
            State::Opening => Waiting::Open,
            State::Guarding { send, .. } => Waiting::Quiet { site: send.site },
            State::Writing { send, .. } => Waiting::Write { site: send.site },
            State::Waiting(wait) => Waiting::Match { site: wait.site, deadline: Some(wait.deadline) },
            State::Sleeping { until, site, .. } => Waiting::Sleep { site: *site, until: *until },
            State::Retrying { site, .. } => Waiting::Quiet { site: *site },
            State::Serving => Waiting::Serve,
            State::Asking { site, .. } => Waiting::Answer { site: *site },
            State::Ready | State::Saving { .. } | State::Over(_) => Waiting::Breath,
        }
    }

    /// Returns the device's echo setting: whether what it hears goes back.
    fn sends_echo(&self) -> bool {
        self.program.role == Role::Device && self.settings.echo == Echo::On
    }
}
