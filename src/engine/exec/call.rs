//! Variables, calls, and the handlers that run in between.

use crate::engine::{Engine, State};
use crate::event::Failure;
use crate::program::{Address, Op, Slot, Target, WatcherId, WatcherKind};
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;

use crate::engine::exec::block::ScopeIs;

/// How deeply procedures may call each other.
const CALLS: usize = 64;

/// The variables of one call.
#[derive(Debug)]
pub(in crate::engine) struct Frame {
    locals: Vec<Option<Value>>,
    /// The frame whose locals these statements use: a handler in a flow uses those of its block.
    home: usize,
    /// Where to go on behind the call.
    return_to: Address,
    /// What the result is put into.
    result: Option<Target>,
    /// Where it was called, for messages; a handler has none.
    pub called_at: Option<Site>,
}

impl Frame {
    /// Returns the frame of a main part.
    pub(in crate::engine) fn main(locals: usize) -> Frame {
        Frame { locals: vec![None; locals], home: 0, return_to: 0, result: None, called_at: None }
    }
}

/// A watcher in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Active {
    pub watcher: WatcherId,
    /// The frame whose variables its block uses.
    pub frame: usize,
}

/// A block of a device that runs later.
#[derive(Debug)]
pub(in crate::engine) struct Timer {
    pub at: Moment,
    entry: Address,
    locals: Vec<Option<Value>>,
}

impl Engine {
    /// Returns what a variable holds.
    pub(in crate::engine) fn get(&self, slot: Slot) -> Option<&Value> {
        match slot {
            Slot::Global(place) => self.globals.get(place as usize)?.as_ref(),
            Slot::Local(place) => self.frames[self.home()].locals.get(place as usize)?.as_ref(),
        }
    }

    /// Puts a value into a variable.
    pub(in crate::engine) fn set(&mut self, slot: Slot, value: Option<Value>) {
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
        values[place] = value;
    }

    /// Puts a value into a variable that may be secret.
    pub(in crate::engine) fn assign(&mut self, target: &Target, value: Value, site: Site) -> Result<(), Box<Failure>> {
        if target.is_secret {
            self.learn(&target.name, &value, site)?;
        }
        self.set(target.slot, Some(value));
        Ok(())
    }

    fn home(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.home)
    }

    /// Begins a procedure.
    pub(in crate::engine) fn call(
        &mut self,
        procedure: usize,
        arguments: Vec<Value>,
        result: Option<Target>,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        if self.frames.len() > CALLS {
            let failure =
                self.failure_at(crate::diagnostic::Code::RunLimit, site, "the calls go too deep", "calls too deeply");
            return Err(failure);
        }
        let program = self.program.clone();
        let procedure = &program.procedures[procedure];
        let mut locals: Vec<Option<Value>> = arguments.into_iter().map(Some).collect();
        locals.resize(procedure.locals.len(), None);
        let home = self.frames.len();
        self.frames.push(Frame { locals, home, return_to: self.at, result, called_at: Some(site) });
        self.open_scope(ScopeIs::Procedure);
        self.at = procedure.entry;
        Ok(())
    }

    /// Ends the innermost procedure or handler: its scopes are gone already.
    pub(in crate::engine) fn end_call(&mut self, value: Option<Value>, site: Site) -> Result<(), Box<Failure>> {
        let frame = self.frames.pop().expect("a call is being left");
        self.at = frame.return_to;
        match (frame.result, value) {
            (Some(target), Some(value)) => self.assign(&target, value, site),
            (Some(target), None) => {
                let message = format!("the procedure ended without a value for `{}`", target.name);
                Err(self.failure_at(crate::diagnostic::Code::RunValue, site, message, "called here"))
            }
            (None, _) => Ok(()),
        }
    }

    /// Begins the block of an `on`; the wait that it comes into goes on behind it.
    pub(in crate::engine) fn begin_handler(&mut self, active: Active) -> Result<(), Box<Failure>> {
        let program = self.program.clone();
        let watcher = &program.watchers[active.watcher];
        let WatcherKind::On { entry, locals } = watcher.kind else { return Ok(()) };
        if self.frames.len() > CALLS {
            let message = "what this waits for comes faster than it is dealt with";
            return Err(self.failure_at(
                crate::diagnostic::Code::RunLimit,
                watcher.site,
                message,
                "runs inside of itself too deeply",
            ));
        }
        let suspended = std::mem::replace(&mut self.state, State::Ready);
        let (locals, home) = match locals {
            Some(n) => (vec![None; n], self.frames.len()),
            None => (Vec::new(), active.frame),
        };
        self.frames.push(Frame { locals, home, return_to: self.at, result: None, called_at: None });
        self.open_scope(ScopeIs::Handler(suspended));
        self.at = entry;
        Ok(())
    }

    /// Has a block run later, with the variables of now.
    pub(in crate::engine) fn add_timer(&mut self, at: Moment, entry: Address) {
        let locals = self.frames[self.home()].locals.clone();
        self.timers.push(Timer { at, entry, locals });
    }

    /// Runs the timer that is due first; of two at the same moment the older.
    pub(in crate::engine) fn run_due_timer(&mut self) {
        let due = self.timers.iter().enumerate().filter(|(_, t)| t.at <= self.now).min_by_key(|(i, t)| (t.at, *i));
        let Some((index, _)) = due else { return };
        let timer = self.timers.remove(index);
        let suspended = std::mem::replace(&mut self.state, State::Ready);
        let home = self.frames.len();
        self.frames.push(Frame { locals: timer.locals, home, return_to: self.at, result: None, called_at: None });
        self.open_scope(ScopeIs::Handler(suspended));
        self.at = timer.entry;
    }

    /// Returns where the calls that led here stand, innermost first.
    pub(in crate::engine) fn call_sites(&self) -> Vec<Site> {
        self.frames.iter().rev().filter_map(|frame| frame.called_at).collect()
    }

    /// Whether a device is at something: what comes meanwhile waits until it serves again.
    pub(in crate::engine) fn is_busy_device(&self) -> bool {
        self.program.role == crate::program::Role::Device && !matches!(self.state, State::Serving)
    }

    /// Whether a handler runs: what it came into goes on behind it.
    pub(in crate::engine) fn is_in_handler(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.is, ScopeIs::Handler(_)))
    }

    /// Whether the next instruction reads counted bytes.
    pub(in crate::engine) fn reads_next(&self, address: Address) -> bool {
        matches!(self.program.ops.get(address), Some(Op::ReadCount(_) | Op::ReadUntil(_)))
    }
}
