//! Calls, and the handlers that run in between.

use crate::diagnostic::Code;
use crate::engine::flow::ScopeIs;
use crate::engine::limits::{CALLS, VARIABLES};
use crate::engine::watched::Active;
use crate::engine::{Engine, State};
use crate::event::Failure;
use crate::program::{Expr, Op, OpIndex, Role, Slot, Target, WatcherKind};
use crate::source::Site;
use crate::value::taint::Marked;

impl Engine {
    /// Puts a value into a variable that may be secret.
    pub(in crate::engine) fn assign(&mut self, target: &Target, value: Marked, site: Site) -> Result<(), Box<Failure>> {
        let value = if target.is_secret { self.made_secret(&target.name, value, site)? } else { value };
        self.put(target.slot, value, site)
    }

    /// Puts a value into a variable, if all together do not take too much then; else that keeps what it holds.
    pub(in crate::engine) fn put(&mut self, slot: Slot, value: Marked, site: Site) -> Result<(), Box<Failure>> {
        if self.flow.put(slot, value, VARIABLES) { Ok(()) } else { Err(self.no_room(site)) }
    }

    /// Fails if all variables would take too much with so many bytes more.
    #[inline]
    pub(in crate::engine) fn has_room_for(&self, n_bytes: usize, site: Site) -> Result<(), Box<Failure>> {
        if self.flow.taken() + n_bytes <= VARIABLES { Ok(()) } else { Err(self.no_room(site)) }
    }

    #[cold]
    fn no_room(&self, site: Site) -> Box<Failure> {
        let message = format!("all variables together would take more than {} MiB", VARIABLES >> 20);
        let cause = match self.program.role {
            Role::Flow => "keep less at once: send or save a piece before the next is made",
            Role::Device => "keep less at once; each `after` keeps a copy of the variables of its block until it runs",
        };
        self.failure_at(Code::RunLimit, site, message, "there is no room for this").with_cause(cause)
    }

    /// Works out the arguments of a procedure.
    pub(in crate::engine) fn arguments(&mut self, given: &[Expr], site: Site) -> Result<Vec<Marked>, Box<Failure>> {
        let mut arguments = Vec::with_capacity(given.len());
        let mut n_bytes = 0;
        for argument in given {
            let value = self.eval(argument)?;
            n_bytes += value.footprint();
            self.has_room_for(n_bytes, site)?;
            arguments.push(value);
        }
        Ok(arguments)
    }

    /// Begins a procedure.
    pub(in crate::engine) fn call(
        &mut self,
        procedure: usize,
        arguments: Vec<Marked>,
        result: Option<Target>,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        if self.flow.n_frames() > CALLS {
            return Err(self.failure_at(Code::RunLimit, site, "the calls go too deep", "calls too deeply"));
        }
        let program = self.program.clone();
        let procedure = &program.procedures[procedure];
        let mut locals: Vec<Option<Marked>> = arguments.into_iter().map(Some).collect();
        locals.resize(procedure.locals.len(), None);
        self.flow.call(procedure.entry, locals, result, site);
        self.flow.open(ScopeIs::Procedure, self.journal.holds());
        Ok(())
    }

    /// Ends the innermost procedure or handler: its scopes are gone already.
    pub(in crate::engine) fn end_call(&mut self, value: Option<Marked>, site: Site) -> Result<(), Box<Failure>> {
        match (self.flow.end_call().result, value) {
            (Some(target), Some(value)) => self.assign(&target, value, site),
            (Some(target), None) => {
                let message = format!("the procedure ended without a value for `{}`", target.name);
                Err(self.failure_at(Code::RunValue, site, message, "called here"))
            }
            (None, _) => Ok(()),
        }
    }

    /// Begins the block of an `on`; the wait that it comes into goes on after it, and then only so many hold events back.
    pub(in crate::engine) fn begin_handler(&mut self, active: Active, holds: u32) -> Result<(), Box<Failure>> {
        let program = self.program.clone();
        let watcher = &program.watchers[active.watcher];
        let WatcherKind::On { entry, locals } = watcher.kind else { return Ok(()) };
        if self.flow.n_frames() > CALLS {
            let message = "lines come faster than this handler can end";
            return Err(self.failure_at(Code::RunLimit, watcher.site, message, "runs inside itself too deeply"));
        }
        let suspended = std::mem::replace(&mut self.state, State::Ready);
        self.flow.open(ScopeIs::Handler(suspended), holds);
        self.flow.call_handler(entry, active, locals);
        Ok(())
    }

    /// Waits for what the host sends, or for a timer.
    pub(in crate::engine) fn serve(&mut self) {
        self.state = State::Serving;
        self.look();
        if matches!(self.state, State::Serving) {
            self.react();
        }
        if matches!(self.state, State::Serving) {
            self.run_due_timer();
        }
    }

    /// Runs the timer that is due first; of two at the same moment the older.
    pub(in crate::engine) fn run_due_timer(&mut self) {
        if self.flow.next_timer().is_none_or(|at| at > self.now) {
            return;
        }
        let suspended = std::mem::replace(&mut self.state, State::Ready);
        self.flow.open(ScopeIs::Handler(suspended), self.journal.holds());
        self.flow.call_due_timer(self.now);
    }

    /// Whether a device is at something: what comes meanwhile waits until it serves again.
    pub(in crate::engine) fn is_busy_device(&self) -> bool {
        self.program.role == Role::Device && !matches!(self.state, State::Serving)
    }

    /// Whether an instruction reads counted bytes.
    pub(in crate::engine) fn reads_next(&self, address: OpIndex) -> bool {
        let mut ops = self.program.ops.iter().skip(address).skip_while(|op| matches!(op, Op::Hold | Op::Release));
        matches!(ops.next(), Some(Op::ReadCount(_) | Op::ReadUntil(_) | Op::ReadQuiet(_)))
    }
}
