//! How far a program is: the next instruction, the port that is current, variables, calls, scopes and watchers.
//!
//! It knows no byte that came and no event. What a scope's end means is decided in `exec`; here is only what there is to know
//! about it.

mod steps;

use std::collections::VecDeque;

use super::State;
use super::hooking::Hooking;
use super::look::offset::Offset;
use super::trace::Tracer;
use super::watched::Active;
use crate::event::{Failure, HookCall};
use crate::port::PortId;
use crate::program::{OpIndex, Program, Slot, Target, WatcherId};
use crate::settings::Signal;
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;
use crate::value::taint::Marked;
pub(in crate::engine) use steps::Step;

/// How many of what reaches it besides lines wait for a device at most that is at something else.
const MOST_STIMULI: usize = 1024;

/// How far a program is.
#[derive(Debug)]
pub(in crate::engine) struct Flow {
    /// The next instruction.
    pub at: OpIndex,
    /// The port that instructions speak to.
    pub port: PortId,
    globals: Vec<Option<Marked>>,
    /// The main part's first; there is always one.
    frames: Vec<Frame>,
    /// The main part's first; there is always one while the run is not over.
    scopes: Vec<Scope>,
    /// Watchers in force, the innermost last.
    watching: Vec<Active>,
    /// How often `watching` changed.
    watching_version: u64,
    /// How often a variable changed, or which variables names stand for.
    values_version: u64,
    timers: Vec<Timer>,
    /// What reached a device besides lines, and it has not dealt with yet.
    stimuli: VecDeque<Stimulus>,
    /// How much memory the values of all variables take, those of timers included.
    taken: usize,
    /// Who takes note of what is executed, if somebody does.
    pub tracer: Option<Box<Tracer>>,
}

/// The variables of one call.
#[derive(Debug)]
struct Frame {
    locals: Vec<Option<Marked>>,
    /// The frame whose locals these statements use: a handler in a flow uses those of its block.
    home: usize,
    /// Where to go on after the call.
    return_to: OpIndex,
    /// What the result is put into.
    result: Option<Target>,
    /// Where it was called, for messages; a handler has none.
    called_at: Option<Site>,
}

/// A block of a device that runs later.
#[derive(Debug)]
struct Timer {
    at: Moment,
    entry: OpIndex,
    port: PortId,
    locals: Vec<Option<Marked>>,
}

/// A part of the program that ends as one.
#[derive(Debug)]
pub(in crate::engine) struct Scope {
    /// What it is.
    pub is: ScopeIs,
    /// How many held events back before it.
    pub holds: u32,
    /// How many watchers were in force before it.
    watching: usize,
    /// The port that was current before it.
    port: PortId,
    /// `finally` blocks that were reached, with the port that was current there; the last one runs first.
    finals: Vec<(OpIndex, PortId)>,
}

/// What a scope is.
#[derive(Debug)]
pub(in crate::engine) enum ScopeIs {
    /// The whole flow.
    Main,
    /// A block with watchers or a `finally`.
    Block,
    /// A step.
    Step(Box<Step>),
    /// `try`.
    Try { otherwise: OpIndex },
    /// A procedure.
    Procedure,
    /// A handler, and what it came into.
    Handler(State),
    /// A `finally` block, and how things go on after it.
    Cleanup { then: Then },
}

impl ScopeIs {
    /// Whether a failure that leaves this leads to a further attempt; `None` if that is for a scope around it to say.
    pub(in crate::engine) fn retries(&self) -> Option<bool> {
        match self {
            ScopeIs::Step(step) if step.retries() => Some(true),
            ScopeIs::Try { .. } | ScopeIs::Cleanup { .. } => Some(false),
            ScopeIs::Main | ScopeIs::Block | ScopeIs::Step(_) | ScopeIs::Procedure | ScopeIs::Handler(_) => None,
        }
    }
}

/// How things go on after a `finally` block.
#[derive(Debug)]
pub(in crate::engine) enum Then {
    /// The scope ends normally: its `Leave` is executed again.
    Leave(OpIndex),
    /// It is being left.
    Exit(Exit),
}

/// Something that reaches a device and is no line.
#[derive(Debug)]
pub(in crate::engine) enum Stimulus {
    /// What the host did with its control lines.
    Signal(Signal),
    /// A hook of the flow.
    Hook(HookCall),
    /// A wire with this name has changed.
    Wire(String),
}

/// Why a scope is left before its end.
#[derive(Debug)]
pub(in crate::engine) enum Exit {
    Failed(Box<Failure>),
    Returned(Option<Marked>, Site),
    Skipped(String),
    Interrupted,
    /// The main part has come to its end.
    Ended,
}

/// What a call that ended leaves.
#[derive(Debug)]
pub(in crate::engine) struct EndedCall {
    /// What its result is put into.
    pub result: Option<Target>,
}

impl Flow {
    /// Returns a program before its first instruction.
    pub(in crate::engine) fn new(program: &Program) -> Flow {
        let mut flow = Flow {
            at: program.main.entry,
            port: PortId::FIRST,
            globals: vec![None; program.globals.len()],
            frames: Vec::new(),
            scopes: Vec::new(),
            watching: Vec::new(),
            watching_version: 0,
            values_version: 0,
            timers: Vec::new(),
            stimuli: VecDeque::new(),
            taken: 0,
            tracer: None,
        };
        flow.restart(program);
        flow
    }

    /// Goes back before the first instruction; what the global variables hold stays.
    pub(in crate::engine) fn restart(&mut self, program: &Program) {
        self.at = program.main.entry;
        self.port = PortId::FIRST;
        let locals = vec![None; program.main.locals];
        self.frames = vec![Frame { locals, home: 0, return_to: 0, result: None, called_at: None }];
        let main = Scope { is: ScopeIs::Main, holds: 0, watching: 0, port: PortId::FIRST, finals: Vec::new() };
        self.scopes.truncate(1);
        if self.scopes.is_empty() {
            self.scopes.push(main);
        }
        let standing = program.main.standing.iter().rev();
        self.watching =
            standing.map(|standing| Active { watcher: standing.watcher, port: standing.port, frame: 0 }).collect();
        self.watching_version += 1;
        self.values_version += 1;
        self.timers.clear();
        self.taken = footprint(&self.globals);
    }

    // Variables.

    /// Returns how much memory the values of all variables take, those that blocks keep which run later included.
    #[inline]
    pub(in crate::engine) fn taken(&self) -> usize {
        self.taken
    }

    /// Returns what a variable holds.
    pub(in crate::engine) fn get(&self, slot: Slot) -> Option<&Value> {
        self.get_marked(slot).map(|marked| &marked.value)
    }

    /// Returns what a variable holds, and what of it is made of secrets.
    pub(in crate::engine) fn get_marked(&self, slot: Slot) -> Option<&Marked> {
        match slot {
            Slot::Global(place) => self.globals.get(place as usize)?.as_ref(),
            Slot::Local(place) => self.frames[self.home()].locals.get(place as usize)?.as_ref(),
        }
    }

    /// Puts a value into a variable; `None` takes its value away.
    pub(in crate::engine) fn set(&mut self, slot: Slot, value: Option<Marked>) {
        let added = value.as_ref().map_or(0, Marked::footprint);
        let place = self.place(slot);
        let removed = place.as_ref().map_or(0, Marked::footprint);
        *place = value;
        self.taken = self.taken + added - removed;
        self.values_version += 1;
    }

    /// Puts a value into a variable if all of them take no more than so many bytes then; returns whether they do.
    pub(in crate::engine) fn put(&mut self, slot: Slot, value: Marked, most: usize) -> bool {
        let (added, taken) = (value.footprint(), self.taken);
        let place = self.place(slot);
        let taken = taken + added - place.as_ref().map_or(0, Marked::footprint);
        if taken > most {
            return false;
        }
        *place = Some(value);
        self.taken = taken;
        self.values_version += 1;
        true
    }

    #[inline]
    fn place(&mut self, slot: Slot) -> &mut Option<Marked> {
        let (values, place) = match slot {
            Slot::Global(place) => (&mut self.globals, place as usize),
            Slot::Local(place) => {
                let home = self.home();
                (&mut self.frames[home].locals, place as usize)
            }
        };
        if values.len() <= place {
            values.resize(place + 1, None);
        }
        &mut values[place]
    }

    fn home(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.home)
    }

    /// Returns a number that is another one whenever a variable may have another value.
    pub(in crate::engine) fn values_version(&self) -> u64 {
        self.values_version
    }

    // Calls.

    /// Returns how many calls and handlers enclose the present instruction, and the main part.
    pub(in crate::engine) fn n_frames(&self) -> usize {
        self.frames.len()
    }

    /// Goes on in a procedure with these variables.
    pub(in crate::engine) fn call(
        &mut self,
        entry: OpIndex,
        locals: Vec<Option<Marked>>,
        result: Option<Target>,
        site: Site,
    ) {
        let home = self.frames.len();
        self.taken += footprint(&locals);
        self.push_frame(Frame { locals, home, return_to: self.at, result, called_at: Some(site) });
        self.at = entry;
    }

    /// Goes on in the block of a watcher: with so many variables of its own, or with those of the block it stands in.
    pub(in crate::engine) fn call_handler(&mut self, entry: OpIndex, active: Active, own_locals: Option<usize>) {
        let (locals, home) = match own_locals {
            Some(n) => (vec![None; n], self.frames.len()),
            None => (Vec::new(), active.frame),
        };
        self.push_frame(Frame { locals, home, return_to: self.at, result: None, called_at: None });
        self.at = entry;
        self.port = active.port;
    }

    /// Goes back to where the innermost call or handler was begun.
    pub(in crate::engine) fn end_call(&mut self) -> EndedCall {
        let frame = self.frames.pop().expect("a call is being left");
        self.values_version += 1;
        self.taken -= footprint(&frame.locals);
        self.at = frame.return_to;
        EndedCall { result: frame.result }
    }

    fn push_frame(&mut self, frame: Frame) {
        self.frames.push(frame);
        self.values_version += 1;
    }

    /// Forgets the innermost call or handler: it is left, and where to go on is decided elsewhere.
    pub(in crate::engine) fn drop_call(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.values_version += 1;
            self.taken -= footprint(&frame.locals);
        }
    }

    /// Returns where the innermost call stands; a handler stands nowhere.
    pub(in crate::engine) fn called_at(&self) -> Option<Site> {
        self.frames.last().and_then(|frame| frame.called_at)
    }

    /// Returns where the calls that led here stand, innermost first.
    pub(in crate::engine) fn call_sites(&self) -> Vec<Site> {
        self.frames.iter().rev().filter_map(|frame| frame.called_at).collect()
    }

    // Blocks that run later.

    /// Returns how much memory a block takes that is to run later, with the variables of now.
    pub(in crate::engine) fn timer_takes(&self) -> usize {
        let locals = &self.frames[self.home()].locals;
        size_of::<Timer>() + size_of_val(locals.as_slice()) + footprint(locals)
    }

    /// Has a block run later, with the variables of now.
    pub(in crate::engine) fn add_timer(&mut self, at: Moment, entry: OpIndex) {
        self.taken += self.timer_takes();
        let locals = self.frames[self.home()].locals.clone();
        self.timers.push(Timer { at, entry, port: self.port, locals });
    }

    /// Returns when the next timer is due.
    pub(in crate::engine) fn next_timer(&self) -> Option<Moment> {
        self.timers.iter().map(|timer| timer.at).min()
    }

    /// Goes on in the block of the timer that is due first, of two at the same moment in that of the older; false if none is.
    pub(in crate::engine) fn call_due_timer(&mut self, now: Moment) -> bool {
        let due = self.timers.iter().enumerate().filter(|(_, timer)| timer.at <= now);
        let Some((index, _)) = due.min_by_key(|(i, timer)| (timer.at, *i)) else { return false };
        let timer = self.timers.remove(index);
        // The values are those of the call now.
        self.taken -= size_of::<Timer>() + size_of_val(timer.locals.as_slice());
        let home = self.frames.len();
        self.push_frame(Frame { locals: timer.locals, home, return_to: self.at, result: None, called_at: None });
        self.at = timer.entry;
        self.port = timer.port;
        true
    }

    // What reaches a device besides lines.

    /// Takes note of something; of very much that waits, the latest is forgotten.
    pub(in crate::engine) fn add_stimulus(&mut self, stimulus: Stimulus) {
        if self.stimuli.len() < MOST_STIMULI {
            self.stimuli.push_back(stimulus);
        }
    }

    /// Returns what came first that a device has not dealt with.
    pub(in crate::engine) fn take_stimulus(&mut self) -> Option<Stimulus> {
        self.stimuli.pop_front()
    }

    /// Goes on in the block of a device that deals with something, with these variables of its own.
    pub(in crate::engine) fn call_stimulated(&mut self, entry: OpIndex, locals: Vec<Option<Marked>>) {
        let home = self.frames.len();
        self.taken += footprint(&locals);
        self.push_frame(Frame { locals, home, return_to: self.at, result: None, called_at: None });
        self.at = entry;
    }

    // Watchers.

    /// Puts a watcher in force on a port, or on the current one, until the innermost scope ends.
    pub(in crate::engine) fn watch(&mut self, watcher: WatcherId, port: Option<PortId>) {
        let port = port.unwrap_or(self.port);
        self.watching.push(Active { watcher, port, frame: self.frames.len() - 1 });
        self.watching_version += 1;
    }

    /// Returns the watchers in force on a port, the innermost first.
    pub(in crate::engine) fn watching(&self, port: PortId) -> impl Iterator<Item = Active> {
        self.watching.iter().rev().filter(move |active| active.port == port).copied()
    }

    /// Returns how often the watchers in force changed.
    pub(in crate::engine) fn watching_version(&self) -> u64 {
        self.watching_version
    }

    // Scopes.

    /// Begins a scope; so many hold events back before it.
    pub(in crate::engine) fn open(&mut self, is: ScopeIs, holds: u32) {
        let (watching, port) = (self.watching.len(), self.port);
        self.scopes.push(Scope { is, holds, watching, port, finals: Vec::new() });
    }

    /// Returns how many hold events back in the main part itself; so many do where it goes on just now.
    pub(in crate::engine) fn holds_of_main(&self, now: u32) -> u32 {
        self.scopes.get(1).map_or(now, |inner| inner.holds)
    }

    /// Begins a scope again that was just closed, with what is left of it.
    pub(in crate::engine) fn reopen(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    /// Ends the innermost scope: its watchers are not in force any more, and the port before it is current again.
    pub(in crate::engine) fn close(&mut self) -> Scope {
        let scope = self.scopes.pop().expect("a scope is open");
        if self.watching.len() > scope.watching {
            self.watching.truncate(scope.watching);
            self.watching_version += 1;
        }
        self.port = scope.port;
        scope
    }

    /// Whether only the main part's scope is open.
    pub(in crate::engine) fn is_in_main(&self) -> bool {
        self.scopes.len() == 1
    }

    /// Returns how many scopes are open.
    pub(in crate::engine) fn n_scopes(&self) -> usize {
        self.scopes.len()
    }

    /// Has a block run when the innermost scope ends.
    pub(in crate::engine) fn add_final(&mut self, entry: OpIndex) {
        let port = self.port;
        if let Some(scope) = self.scopes.last_mut() {
            scope.finals.push((entry, port));
        }
    }

    /// Takes the next `finally` block of the innermost scope, and the port that was current where it was reached.
    pub(in crate::engine) fn take_final(&mut self) -> Option<(OpIndex, PortId)> {
        self.scopes.last_mut()?.finals.pop()
    }

    /// Takes note where the input of a port ends, in the waits that a handler came into and whose deadline is over.
    pub(in crate::engine) fn cut_waits(&mut self, port: PortId, now: Moment, end: Offset) {
        for scope in &mut self.scopes {
            if let ScopeIs::Handler(State::Waiting(wait)) = &mut scope.is
                && wait.is_on(port)
                && wait.deadline < now
            {
                wait.cut(port, end);
            }
        }
    }

    /// Whether a handler runs: what it came into goes on after it.
    pub(in crate::engine) fn is_in_handler(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.is, ScopeIs::Handler(_)))
    }

    /// Whether a handler runs that came while a person is asked something.
    pub(in crate::engine) fn came_into_asking(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.is, ScopeIs::Handler(State::Asking { .. })))
    }

    /// Returns the hook that a handler came into while it ran.
    pub(in crate::engine) fn hooking(&mut self) -> Option<&mut Hooking> {
        self.scopes.iter_mut().rev().find_map(|scope| match &mut scope.is {
            ScopeIs::Handler(State::Hooking(hooking)) => Some(&mut **hooking),
            ScopeIs::Main
            | ScopeIs::Block
            | ScopeIs::Step(_)
            | ScopeIs::Try { .. }
            | ScopeIs::Procedure
            | ScopeIs::Handler(_)
            | ScopeIs::Cleanup { .. } => None,
        })
    }

    /// Whether a handler runs that came while a hook runs.
    pub(in crate::engine) fn came_into_hooking(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.is, ScopeIs::Handler(State::Hooking(_))))
    }

    /// Whether some scope around the present one could stop a failure: the port that is current around it is still there.
    pub(in crate::engine) fn is_being_tried(&self, is_closed: impl Fn(PortId) -> bool) -> bool {
        self.scopes.iter().any(|scope| match &scope.is {
            ScopeIs::Try { .. } => !is_closed(scope.port),
            ScopeIs::Step(step) => step.retries() && !is_closed(scope.port),
            ScopeIs::Main | ScopeIs::Block | ScopeIs::Procedure | ScopeIs::Handler(_) | ScopeIs::Cleanup { .. } => {
                false
            }
        })
    }

    /// Whether a failure that leaves the innermost scopes leads to a further attempt at a step.
    pub(in crate::engine) fn retries(&self) -> bool {
        self.scopes.iter().rev().find_map(|scope| scope.is.retries()).unwrap_or(false)
    }

    /// Whether a `finally` block runs because something failed.
    pub(in crate::engine) fn cleans_up_after_a_failure(&self) -> bool {
        let is_one = |scope: &Scope| matches!(scope.is, ScopeIs::Cleanup { then: Then::Exit(Exit::Failed(_)) });
        self.scopes.iter().any(is_one)
    }

    /// Whether a `finally` block runs: a failure in it changes nothing.
    pub(in crate::engine) fn is_in_cleanup(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.is, ScopeIs::Cleanup { .. }))
    }
}

/// Returns how much memory the values of some variables take.
fn footprint(values: &[Option<Marked>]) -> usize {
    values.iter().flatten().map(Marked::footprint).sum()
}
