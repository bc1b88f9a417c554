//! The world that an engine acts on, and the one loop that joins the two.

mod hooks;
mod keeper;
mod person;
mod simulated;
mod taps;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Action, Engine, Input, Output};
use crate::event::{CloseReason, Event, HookCall, Progress, Verdict, Waiting};
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::{Moment, earlier};
pub use hooks::Hooks;
pub use keeper::{Keeper, Memory};
pub use person::{Nobody, Person};

pub use simulated::Simulated;
pub use taps::Taps;

/// Everything outside the engine that a port and a clock are made of.
///
/// There are four: ports (`transport`), a simulated device (`sim`), a recording (`replay`), and a simulated device on a
/// line that misbehaves (`stress`).
pub trait World {
    /// Returns what can be asked of the port; known before it is opened. Whatever else is asked for has no effect.
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    /// Carries out what the engine asks of a port; [`World::wait`] reports what comes of it.
    ///
    /// A world of one port is asked for one port only, and reports everything as of [`PortId::FIRST`]. Never blocks for longer than a system call.
    fn perform(&mut self, port: PortId, command: PortCommand);

    /// Returns what has already come of a command, a write that the system took at once for instance; `None` leaves it to
    /// [`World::wait`]. Bytes that came are appended to `received`, as there.
    fn news(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        None
    }

    /// Returns what has come up to now and was not reported yet; asked before each write, so that it is no answer to what is
    /// written. A world of several ports is asked as often as it has ports, and begins each time behind the port that it
    /// reported last.
    ///
    /// The bytes are appended to `received`. Never blocks for longer than a system call. `None` is right for a world that
    /// reports what came before it takes a write.
    fn arrived(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        None
    }

    /// Blocks, or jumps, until something happens or `until` has come, and says when and what.
    ///
    /// Bytes that came are appended to `received`; the happening is then [`Happening::Received`]. `None`
    /// waits for ever. Moments never go back.
    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening);

    /// Runs a hook of the flow, if that is for this world to do: what comes of it is reported as [`Happening::Hook`]. Otherwise
    /// returns false, and [`Company::hooks`] runs it.
    fn takes_hook(&mut self, _call: &HookCall) -> bool {
        false
    }

    /// Returns how long the run worked, in all, while the system kept a full buffer of input for it: its line was not what
    /// took so long. 0 where that cannot be known, and in a world without real time.
    fn behind(&self) -> Duration {
        Duration::ZERO
    }
}

/// What a run needs besides its engine and its world.
pub struct Company<'a> {
    /// Keeps what is saved.
    pub keeper: &'a mut dyn Keeper,
    /// Is told of everything.
    pub audience: &'a mut dyn Audience,
    /// Answers what is asked.
    pub person: &'a mut dyn Person,
    /// Sees what goes over the line.
    pub tap: Option<&'a mut dyn Tap>,
    /// Runs the hooks that the world does not run; with `None` such a hook fails.
    pub hooks: Option<&'a mut dyn Hooks>,
}

/// Someone who sees everything that goes in and out of a world, and changes none of it.
pub trait Tap {
    /// Takes note of a command, before the world gets it.
    fn performed(&mut self, port: PortId, command: &PortCommand);

    /// Takes note of a hook, before it runs.
    fn hooked(&mut self, _call: &HookCall) {}

    /// Takes note of what happened; `received` holds the bytes that came.
    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]);

    /// Takes note that the engine now waits, and of all secrets that it knows: more each time, in the same order.
    fn waiting(&mut self, secrets: &[(Arc<str>, Vec<u8>)]);

    /// Whether something was seen that is to be written soon.
    fn has_unwritten(&self) -> bool;

    /// Writes it; called when nothing has happened for a moment.
    fn write_out(&mut self);
}

/// How long something may be told and not yet written: nobody notices, and a busy line pays for one write instead
/// of thousands.
const WRITE_OUT: Duration = Duration::from_millis(100);

/// How often a person is looked at who has been asked something.
const ANSWER_POLL: Duration = Duration::from_millis(50);

/// Someone who is told of everything that happens in a run.
pub trait Audience {
    /// Takes note of an event.
    fn tell(&mut self, event: &Event);

    /// Does the same with an event that nobody else needs any more.
    fn take(&mut self, event: Event) {
        self.tell(&event);
    }

    /// Takes note that the engine now waits, and what for; called before each wait.
    fn waiting(&mut self, now: Moment, why: &Waiting);

    /// Returns how often it wants to be told of a wait that goes on; `None` is once. Asked once, before the run begins:
    /// a run that nobody watches must not wake up.
    fn looks_every(&self) -> Option<Duration> {
        None
    }

    /// Takes note of how far a wait is, before [`Audience::waiting`]; only if [`Audience::looks_every`] says so.
    fn progress(&mut self, _progress: &Progress) {}

    /// Whether something was told that is not yet where it is kept.
    fn has_unwritten(&mut self) -> bool {
        false
    }

    /// Writes what is not yet where it is kept; called a moment after it was told at the latest, on a busy line too.
    fn write_out(&mut self) {}
}

/// How often the engine may be woken at one moment with nothing to show for it. A flow can wait for no time at
/// all a number of times; beyond that something is wrong, and the run ends instead of spinning.
const IDLE_LIMIT: u32 = 1_000_000;

/// Runs an engine in a world to its end and returns the verdict.
pub fn run<'a>(engine: &'a mut Engine, world: &mut dyn World, company: Company<'a>) -> Verdict {
    Session::new(engine, company).run(world)
}

/// An engine with its company, between two waits: for who waits for several at once.
pub struct Session<'a> {
    engine: &'a mut Engine,
    company: Company<'a>,
    is_asking: bool,
    is_hooking: bool,
    /// When the oldest of what was told and not yet written is to be written.
    write_at: Option<Moment>,
    /// When the tap is to write, if nothing happens before.
    quiet_at: Option<Moment>,
    /// How often the audience looks at a wait that goes on.
    looks_every: Option<Duration>,
    /// How often nothing happened at one moment.
    idle: u32,
    /// Room for bytes that come without a wait.
    early: Vec<u8>,
}

/// What a session wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Something to happen, or this moment.
    Wait(Option<Moment>),
    /// Nothing more.
    Over(Verdict),
}

impl<'a> Session<'a> {
    /// Begins a session.
    pub fn new(engine: &'a mut Engine, company: Company<'a>) -> Session<'a> {
        let looks_every = company.audience.looks_every();
        let (write_at, quiet_at) = (None, None);
        Session {
            engine,
            company,
            is_asking: false,
            is_hooking: false,
            write_at,
            quiet_at,
            looks_every,
            idle: 0,
            early: Vec::new(),
        }
    }

    /// Goes on to the end in a world of its own, and returns the verdict.
    pub fn run(mut self, world: &mut dyn World) -> Verdict {
        let mut received = Vec::with_capacity(16 * 1024);
        loop {
            match self.until_wait(world) {
                Next::Wait(until) => {
                    received.clear();
                    let (now, happening) = world.wait(until, &mut received);
                    self.take(now, happening, &received);
                }
                Next::Over(verdict) => return verdict,
            }
        }
    }

    /// Does everything that can be done before something must be waited for.
    pub fn until_wait(&mut self, world: &mut dyn World) -> Next {
        loop {
            match self.engine.poll() {
                Output::Event(event) => {
                    // Whether it is written at once is asked before the next wait. Where news follows news there is none.
                    self.write_at.get_or_insert(self.engine.now() + WRITE_OUT);
                    self.company.audience.take(event);
                }
                Output::Act(Action::Port(port, command)) => {
                    if matches!(command, PortCommand::Write { .. }) {
                        self.take_arrived(world);
                    }
                    if let Some(tap) = &mut self.company.tap {
                        tap.performed(port, &command);
                    }
                    world.perform(port, command);
                    // A write that left at once is an exchange's most usual news.
                    self.take_news(world);
                }
                Output::Act(Action::Save { values }) => {
                    let kept = self.company.keeper.keep(&values);
                    self.engine.handle(self.engine.now(), Input::Kept(kept));
                }
                Output::Act(Action::KeepFile { name, content, is_secret }) => {
                    let kept = self.company.keeper.keep_file(&name, &content, is_secret);
                    self.engine.handle(self.engine.now(), Input::Kept(kept));
                }
                Output::Act(Action::Ask { prompt, is_secret }) => {
                    self.company.person.ask(&prompt, is_secret);
                    self.is_asking = true;
                }
                Output::Act(Action::Hook(call)) => self.begin_hook(call, world),
                // It is the only device of its bench.
                Output::Act(Action::Wire { .. }) => {}
                Output::Wait { until, why } => {
                    if self.take_news(world) || self.take_hook_news() {
                        continue;
                    }
                    let now = self.engine.now();
                    if self.looks_every.is_some() {
                        self.company.audience.progress(&self.engine.progress());
                    }
                    self.company.audience.waiting(now, &why);
                    let mut until = self.until_hook(until);
                    // What comes after its time is over answers the next question, if that is the same.
                    self.is_asking = self.is_asking && self.engine.is_asking();
                    if self.is_asking {
                        if let Some(answer) = self.company.person.answer() {
                            self.is_asking = false;
                            self.engine.handle(now, Input::Answered(answer));
                            continue;
                        }
                        let next = now + ANSWER_POLL;
                        until = Some(until.map_or(next, |until| until.min(next)));
                    }
                    let mut is_tap_behind = false;
                    if let Some(tap) = &mut self.company.tap {
                        tap.waiting(self.engine.secrets());
                        is_tap_behind = tap.has_unwritten();
                    }
                    let soon = now + WRITE_OUT;
                    let has_unwritten = self.company.audience.has_unwritten();
                    self.write_at = has_unwritten.then(|| self.write_at.unwrap_or(soon));
                    self.quiet_at = is_tap_behind.then(|| self.quiet_at.unwrap_or(soon));
                    let looks_at = self.looks_every.map(|every| now + every);
                    let written = earlier(self.write_at, self.quiet_at);
                    return Next::Wait(earlier(written, earlier(looks_at, until)));
                }
                Output::Done(verdict) => {
                    self.end_hook();
                    return Next::Over(verdict);
                }
            }
        }
    }

    /// Takes what came before a write.
    pub(crate) fn take_arrived(&mut self, world: &mut dyn World) {
        for _ in 0..self.engine.n_ports() {
            if !self.take_early(|early| world.arrived(early)) {
                return;
            }
        }
    }

    /// Takes what a world reports without a wait; returns whether there was anything.
    pub(crate) fn take_news(&mut self, world: &mut dyn World) -> bool {
        self.take_early(|early| world.news(early))
    }

    fn take_early(&mut self, tell: impl FnOnce(&mut Vec<u8>) -> Option<(Moment, Happening)>) -> bool {
        let mut early = std::mem::take(&mut self.early);
        let told = tell(&mut early);
        let is_told = told.is_some();
        if let Some((now, happening)) = told {
            self.take(now, happening, &early);
            early.clear();
        }
        self.early = early;
        is_told
    }

    /// Takes what a world told of; `received` holds the bytes that came.
    pub fn take(&mut self, now: Moment, happening: Happening, received: &[u8]) {
        let before = self.engine.now();
        if let Some(tap) = &mut self.company.tap {
            tap.happened(now, &happening, received);
        }
        if self.write_at.take_if(|at| *at <= now).is_some() {
            self.company.audience.write_out();
        }
        let quiet_at = self.quiet_at.take();
        let is_nothing = matches!(happening, Happening::Nothing);
        if is_nothing {
            self.quiet_at = quiet_at.filter(|at| *at > now);
            if quiet_at != self.quiet_at
                && let Some(tap) = &mut self.company.tap
            {
                tap.write_out();
            }
        }
        self.idle = if is_nothing && now <= before { self.idle + 1 } else { 0 };
        if self.idle > IDLE_LIMIT {
            self.idle = 0;
            let reason = format!("nothing happened {IDLE_LIMIT} times at {now}: this is a defect of flowrun");
            return self.engine.handle(now, Input::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
        }
        self.engine.handle(now, input_of(happening, received));
    }
}

/// Returns the input for what a world told of; `received` holds the bytes that came.
pub fn input_of(happening: Happening, received: &[u8]) -> Input<'_> {
    match happening {
        Happening::Nothing => Input::Tick,
        Happening::Opened(port) => Input::Opened(port),
        Happening::Received(port) => Input::Received(port, received),
        Happening::Sent(token) => Input::Sent(token),
        Happening::Closed(port, reason) => Input::Closed(port, reason),
        Happening::Departed(port, departure) => Input::Departed(port, departure),
        Happening::Noted(port, text) => Input::Noted(port, text),
        Happening::Lines(port, lines) => Input::Lines(port, lines),
        Happening::Signalled(port, signal) => Input::Signalled(port, signal),
        Happening::Hook(news) => Input::Hook(news),
        Happening::Interrupt => Input::Interrupt,
        Happening::Unplayed(left) => Input::Unplayed(left),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;
    use std::rc::Rc;

    use super::*;
    use crate::check::check;
    use crate::engine::{Inputs, PortInputs};
    use crate::load::load;

    /// A line on which nothing comes, and whose time is as long as it is waited for.
    #[derive(Default)]
    struct Silence {
        now: Moment,
        news: Option<Happening>,
    }

    impl World for Silence {
        fn perform(&mut self, port: PortId, command: PortCommand) {
            if matches!(command, PortCommand::Open { .. }) {
                self.news = Some(Happening::Opened(port));
            }
        }

        fn news(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
            self.news.take().map(|happening| (self.now, happening))
        }

        fn wait(&mut self, until: Option<Moment>, _received: &mut Vec<u8>) -> (Moment, Happening) {
            self.now = until.unwrap_or(self.now).max(self.now);
            (self.now, Happening::Nothing)
        }
    }

    /// Has something unwritten from the beginning on, and knows when it was written out.
    #[derive(Default)]
    struct Slow {
        now: Moment,
        written_at: Option<Moment>,
    }

    impl Tap for Slow {
        fn performed(&mut self, _port: PortId, _command: &PortCommand) {}

        fn happened(&mut self, now: Moment, _happening: &Happening, _received: &[u8]) {
            self.now = now;
        }

        fn waiting(&mut self, _secrets: &[(Arc<str>, Vec<u8>)]) {}

        fn has_unwritten(&self) -> bool {
            self.written_at.is_none()
        }

        fn write_out(&mut self) {
            self.written_at = Some(self.now);
        }
    }

    struct Deaf;

    impl Audience for Deaf {
        fn tell(&mut self, _event: &Event) {}

        fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
    }

    /// Looks at a wait as often as it says, and knows when it was told of one.
    struct Looking {
        every: Option<Duration>,
        looked_at: Vec<(u64, Progress)>,
        progress: Progress,
    }

    impl Audience for Looking {
        fn tell(&mut self, _event: &Event) {}

        fn waiting(&mut self, now: Moment, _why: &Waiting) {
            self.looked_at.push((now.since_start().as_millis() as u64, self.progress.clone()));
        }

        fn looks_every(&self) -> Option<Duration> {
            self.every
        }

        fn progress(&mut self, progress: &Progress) {
            self.progress = progress.clone();
        }
    }

    /// Returns an engine that runs a flow.
    fn engine(body: &str) -> Engine {
        let text = format!("flow \"t\"\n{body}\n").into_bytes();
        let reader = |_: &Path| Ok(text.clone());
        let program = check(load(Path::new("test.flow"), &reader)).program.expect("the flow is right");
        let inputs = Inputs {
            variables: Default::default(),
            seed: 1,
            begun: 0,
            file: "test.flow".to_string(),
            ports: vec![PortInputs::serial("x", &program.settings)],
        };
        Engine::new(Arc::new(program), inputs)
    }

    /// Runs a flow on a line on which nothing comes.
    fn run_in_silence(body: &str, audience: &mut impl Audience, tap: &mut impl Tap) -> Moment {
        let mut engine = engine(body);
        let mut memory = Memory::default();
        let company = Company { keeper: &mut memory, audience, person: &mut Nobody, tap: Some(tap), hooks: None };
        run(&mut engine, &mut Silence::default(), company);
        engine.now()
    }

    #[test]
    fn who_looks_every_quarter_of_a_second_is_told_of_a_wait_while_it_goes_on_and_nobody_else_is() {
        let looked_at = |every| {
            let mut audience = Looking { every, looked_at: Vec::new(), progress: Progress::default() };
            let mut tap = Slow { written_at: Some(Moment::START), ..Slow::default() };
            run_in_silence("expect line \"OK\" within 1s", &mut audience, &mut tap);
            audience.looked_at
        };
        let watched = looked_at(Some(Duration::from_millis(250)));
        let moments: Vec<u64> = watched.iter().map(|(at, _)| *at).collect();
        assert_eq!(moments, [0, 250, 500, 750]);
        let what = "line \"OK\"".to_string();
        assert_eq!(watched[3].1, Progress { what, begun: Moment::START, came: 0, moved: None });
        let unwatched: Vec<u64> = looked_at(None).iter().map(|(at, _)| *at).collect();
        assert_eq!(unwatched, [0]);
    }

    #[test]
    fn a_tap_writes_out_on_a_quiet_line_though_nobody_else_has_anything_to_write() {
        let mut tap = Slow::default();
        let ended = run_in_silence("expect none line \"X\" for 10s", &mut Deaf, &mut tap);
        assert_eq!(tap.written_at, Some(Moment::START + WRITE_OUT));
        assert!(ended >= Moment::from_millis(10_000));
    }

    /// A line on which something comes every so often, and never stops.
    struct Chatter {
        line: Silence,
        every: Duration,
        clock: Rc<Cell<Moment>>,
    }

    impl World for Chatter {
        fn perform(&mut self, port: PortId, command: PortCommand) {
            self.line.perform(port, command);
        }

        fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
            self.line.news(received)
        }

        fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
            let next = self.line.now + self.every;
            self.clock.set(until.map_or(next, |until| until.min(next)).max(self.line.now));
            if until.is_some_and(|until| until < next) {
                return self.line.wait(until, received);
            }
            self.line.now = next;
            received.extend_from_slice(b"+CREG: 1\r\n");
            (next, Happening::Received(PortId::FIRST))
        }
    }

    /// Writes nothing by itself, and knows how long the oldest of what it was told had to wait.
    #[derive(Default)]
    struct Lazy {
        clock: Rc<Cell<Moment>>,
        oldest: Option<Moment>,
        longest: Duration,
        n_written: u32,
    }

    impl Audience for Lazy {
        fn tell(&mut self, _event: &Event) {
            self.oldest.get_or_insert(self.clock.get());
        }

        fn waiting(&mut self, _now: Moment, _why: &Waiting) {}

        fn has_unwritten(&mut self) -> bool {
            self.oldest.is_some()
        }

        fn write_out(&mut self) {
            let oldest = self.oldest.take().expect("there is something to write");
            self.longest = self.longest.max(self.clock.get().since(oldest));
            self.n_written += 1;
        }
    }

    #[test]
    fn what_was_told_is_written_soon_on_a_line_that_is_never_quiet() {
        for every in [7, 30, 60, 99, 100, 130] {
            let clock = Rc::new(Cell::new(Moment::START));
            let mut lazy = Lazy { clock: clock.clone(), ..Lazy::default() };
            let mut memory = Memory::default();
            let company =
                Company { keeper: &mut memory, audience: &mut lazy, person: &mut Nobody, tap: None, hooks: None };
            let every = Duration::from_millis(every);
            let mut engine = engine("expect none line \"X\" for 10s");
            run(&mut engine, &mut Chatter { line: Silence::default(), every, clock }, company);
            assert!(lazy.longest <= WRITE_OUT, "{every:?}: {:?}", lazy.longest);
            assert!((30..=101).contains(&lazy.n_written), "{every:?}: {}", lazy.n_written);
        }
    }
}
