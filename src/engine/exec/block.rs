//! Scopes and how they end: normally, by a failure, by `return` or `skip`, by Ctrl-C.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::{Engine, State};
use crate::event::{EventKind, Failure, StepOutcome, Verdict};
use crate::port::PortCommand;
use crate::program::{Address, Role, ScopeKind};
use crate::source::Site;
use crate::time::Moment;
use crate::value::Value;

/// A part of the program that ends as one.
#[derive(Debug)]
pub(in crate::engine) struct Scope {
    /// What it is.
    pub is: ScopeIs,
    /// How many watchers were in force before it.
    watching: usize,
    /// How many captures held events back before it.
    holds: u32,
    /// `finally` blocks that were reached, the last one first to run.
    finals: Vec<Address>,
}

impl Scope {
    /// Returns the scope of a main part.
    pub(in crate::engine) fn main() -> Scope {
        Scope { is: ScopeIs::Main, watching: 0, holds: 0, finals: Vec::new() }
    }
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
    Try { otherwise: Address },
    /// A procedure.
    Procedure,
    /// A handler, and what it came into.
    Handler(State),
    /// A `finally` block, and how things go on behind it.
    Cleanup { then: Then },
}

/// An attempt at a step.
#[derive(Debug)]
pub(in crate::engine) struct Step {
    pub title: String,
    pub site: Site,
    pub attempt: u32,
    pub attempts: u32,
    pub every: Duration,
    pub lasting: Option<Duration>,
    pub began: Moment,
    pub body: Address,
    pub behind: Address,
}

/// How things go on behind a `finally` block.
#[derive(Debug)]
pub(in crate::engine) enum Then {
    /// The scope ends normally: its `Leave` is executed again.
    Leave(Address),
    /// It is being left.
    Exit(Exit),
}

/// Why a scope is left before its end.
#[derive(Debug)]
pub(in crate::engine) enum Exit {
    Failed(Box<Failure>),
    Returned(Option<Value>, Site),
    Skipped(String),
    Interrupted,
    /// The main part has come to its end.
    Ended,
}

impl Engine {
    pub(in crate::engine) fn open_scope(&mut self, is: ScopeIs) {
        self.scopes.push(Scope { is, watching: self.watching.len(), holds: self.holds, finals: Vec::new() });
    }

    /// Begins a block, a step or a `try`.
    pub(in crate::engine) fn enter(&mut self, kind: &ScopeKind, site: Site) -> Result<(), Box<Failure>> {
        match kind {
            ScopeKind::Block => self.open_scope(ScopeIs::Block),
            ScopeKind::Try { otherwise } => self.open_scope(ScopeIs::Try { otherwise: *otherwise }),
            ScopeKind::Step { title, retry, every, timeout, behind } => {
                let title = self.eval(title)?;
                let title = self.shown(&title);
                let retry = retry.as_ref().map_or(Ok(0), |retry| self.eval_count(retry, 1_000_000))?;
                let every = every.as_ref().map_or(Ok(Duration::ZERO), |every| self.eval_duration(every))?;
                let lasting = timeout.as_ref().map(|timeout| self.eval_duration(timeout)).transpose()?;
                let step = Step {
                    title,
                    site,
                    attempt: 0,
                    attempts: retry as u32 + 1,
                    every,
                    lasting,
                    began: self.now,
                    body: self.at,
                    behind: *behind,
                };
                self.open_scope(ScopeIs::Step(Box::new(step)));
                self.begin_attempt(site);
            }
        }
        Ok(())
    }

    /// Begins the next attempt at the innermost step.
    pub(in crate::engine) fn begin_attempt(&mut self, _site: Site) {
        let depth = self.step_depth().saturating_sub(1);
        let now = self.now;
        let Some(Scope { is: ScopeIs::Step(step), .. }) = self.scopes.last_mut() else { return };
        step.attempt += 1;
        step.began = now;
        let (title, attempt, attempts, site) = (step.title.clone(), step.attempt, step.attempts, step.site);
        self.at = step.body;
        if attempt > 1 {
            self.sight_all();
            self.sight.pass_over();
        }
        self.state = State::Ready;
        self.tell(Some(site), EventKind::StepBegan { title, attempt, attempts, depth });
    }

    fn step_depth(&self) -> u32 {
        self.scopes.iter().filter(|scope| matches!(scope.is, ScopeIs::Step(_))).count() as u32
    }

    /// Returns the titles of the steps that enclose the present statement, outermost first.
    pub(in crate::engine) fn step_titles(&self) -> Vec<String> {
        let title = |scope: &Scope| match &scope.is {
            ScopeIs::Step(step) => Some(step.title.clone()),
            _ => None,
        };
        self.scopes.iter().filter_map(title).collect()
    }

    /// Returns the end of the tightest step's timeout; none inside of a `finally` block.
    pub(in crate::engine) fn step_deadline(&self) -> Option<Moment> {
        // The first is the main part, which has no deadline.
        if self.scopes.len() == 1 {
            return None;
        }
        let inner = self.scopes.iter().rev().take_while(|scope| !matches!(scope.is, ScopeIs::Cleanup { .. }));
        let deadline = |scope: &Scope| match &scope.is {
            ScopeIs::Step(step) => step.lasting.map(|lasting| step.began + lasting),
            _ => None,
        };
        inner.filter_map(deadline).min()
    }

    /// Has a block run when the innermost scope ends.
    pub(in crate::engine) fn add_final(&mut self, entry: Address) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.finals.push(entry);
        }
    }

    /// Ends the innermost scope normally; `leave` is the address of the instruction that does so.
    pub(in crate::engine) fn leave_scope(&mut self, leave: Address) {
        if self.run_final(Then::Leave(leave)).is_none() {
            return;
        }
        let scope = self.close_scope();
        if let ScopeIs::Step(step) = scope.is {
            self.end_step(&step, StepOutcome::Passed);
        }
    }

    /// Begins the next `finally` block of the innermost scope; gives `then` back if there is none.
    fn run_final(&mut self, then: Then) -> Option<Then> {
        let Some(entry) = self.scopes.last_mut().and_then(|scope| scope.finals.pop()) else { return Some(then) };
        self.open_scope(ScopeIs::Cleanup { then });
        self.at = entry;
        self.state = State::Ready;
        None
    }

    /// Ends a `finally` block.
    pub(in crate::engine) fn end_final(&mut self) {
        let scope = self.close_scope();
        match scope.is {
            ScopeIs::Cleanup { then: Then::Leave(leave) } => self.at = leave,
            ScopeIs::Cleanup { then: Then::Exit(exit) } => self.leave(exit),
            other => unreachable!("a finally block ends in its own scope, not in {other:?}"),
        }
    }

    fn close_scope(&mut self) -> Scope {
        let scope = self.scopes.pop().expect("a scope is open");
        if self.watching.len() > scope.watching {
            self.watching.truncate(scope.watching);
            self.watched = None;
        }
        scope
    }

    fn end_step(&mut self, step: &Step, outcome: StepOutcome) {
        let took = self.now - step.began;
        if outcome == StepOutcome::Passed && step.attempt > 1 {
            self.is_flaky = true;
        }
        let depth = self.step_depth();
        let kind = EventKind::StepEnded { title: step.title.clone(), outcome, attempt: step.attempt, took, depth };
        self.tell(Some(step.site), kind);
    }

    /// Ends the present statement with a failure.
    pub(in crate::engine) fn fail(&mut self, failure: Box<Failure>) {
        self.sight_all();
        self.leave(Exit::Failed(failure));
    }

    /// Leaves scopes until one stops the exit; `finally` blocks run on the way.
    pub(in crate::engine) fn leave(&mut self, mut exit: Exit) {
        loop {
            let Some(then) = self.run_final(Then::Exit(exit)) else { return };
            let Then::Exit(unchanged) = then else { unreachable!("it was an exit") };
            if self.scopes.len() == 1 {
                return self.end_run(unchanged);
            }
            let scope = self.close_scope();
            match self.stop(scope, unchanged) {
                Some(goes_on) => exit = goes_on,
                None => return,
            }
        }
    }

    /// Lets a scope that was just closed stop an exit; gives the exit back if it goes on.
    fn stop(&mut self, scope: Scope, exit: Exit) -> Option<Exit> {
        if !matches!(exit, Exit::Returned(..)) {
            self.release_to(scope.holds);
        }
        match (scope.is, exit) {
            (ScopeIs::Try { otherwise }, Exit::Failed(failure)) if self.closed.is_none() => {
                self.note(format!("tried in vain: {}", failure.message));
                self.at = otherwise;
                self.state = State::Ready;
                None
            }
            (ScopeIs::Step(step), exit) => self.stop_step(*step, scope.finals, exit),
            (ScopeIs::Procedure, Exit::Returned(value, site)) => {
                let called_at = self.frames.last().and_then(|frame| frame.called_at).unwrap_or(site);
                self.state = State::Ready;
                match self.end_call(value, called_at) {
                    Ok(()) => None,
                    Err(failure) => Some(Exit::Failed(failure)),
                }
            }
            (ScopeIs::Procedure, exit) => {
                self.frames.pop();
                Some(exit)
            }
            (ScopeIs::Handler(suspended), Exit::Returned(_, site)) => {
                let _ = self.end_call(None, site);
                self.resume(suspended);
                None
            }
            (ScopeIs::Handler(_), exit) => {
                self.frames.pop();
                Some(exit)
            }
            // A failure inside of a finally block changes nothing: what was going on before goes on.
            (ScopeIs::Cleanup { then }, Exit::Failed(failure)) => {
                self.note(format!("clean-up failed: {}", failure.message));
                match then {
                    Then::Exit(exit) => Some(exit),
                    Then::Leave(leave) => {
                        self.at = leave;
                        self.state = State::Ready;
                        None
                    }
                }
            }
            (ScopeIs::Cleanup { then: Then::Exit(Exit::Failed(failure)) }, Exit::Interrupted) => {
                Some(Exit::Failed(failure))
            }
            (ScopeIs::Main | ScopeIs::Block | ScopeIs::Try { .. } | ScopeIs::Cleanup { .. }, exit) => Some(exit),
        }
    }

    fn stop_step(&mut self, step: Step, finals: Vec<Address>, exit: Exit) -> Option<Exit> {
        match exit {
            Exit::Failed(failure) if step.attempt < step.attempts && self.closed.is_none() => {
                self.tell(failure.site, EventKind::Failed(failure));
                self.end_step(&step, StepOutcome::WillRetry);
                let not_before = self.now + step.every;
                let at_latest = not_before + Duration::from_secs(1);
                let site = step.site;
                let is = ScopeIs::Step(Box::new(step));
                self.scopes.push(Scope { is, watching: self.watching.len(), holds: self.holds, finals });
                self.state = State::Retrying { not_before, at_latest, site };
                None
            }
            Exit::Skipped(why) => {
                self.note(format!("skipped: {why}"));
                self.end_step(&step, StepOutcome::Skipped);
                self.at = step.behind;
                self.state = State::Ready;
                None
            }
            Exit::Returned(..) => {
                self.end_step(&step, StepOutcome::Passed);
                Some(exit)
            }
            Exit::Failed(failure) => {
                let failure = if self.failure.is_none() && !self.is_being_tried() {
                    self.failure = Some(failure.clone());
                    self.tell(failure.site, EventKind::Failed(failure.clone()));
                    failure
                } else {
                    failure
                };
                self.end_step(&step, StepOutcome::Failed);
                Some(Exit::Failed(failure))
            }
            Exit::Interrupted | Exit::Ended => {
                self.end_step(&step, StepOutcome::Failed);
                Some(exit)
            }
        }
    }

    /// Goes on with what a handler came into.
    fn resume(&mut self, suspended: State) {
        match suspended {
            State::Serving => self.serve(),
            other => {
                self.state = other;
                self.look();
            }
        }
    }

    /// Whether some scope around the present one would stop a failure: it is not yet the run's.
    fn is_being_tried(&self) -> bool {
        self.scopes.iter().any(|scope| match &scope.is {
            ScopeIs::Try { .. } => self.closed.is_none(),
            ScopeIs::Step(step) => step.attempt < step.attempts && self.closed.is_none(),
            ScopeIs::Cleanup { .. } => true,
            _ => false,
        })
    }

    /// Ends the run.
    fn end_run(&mut self, exit: Exit) {
        let verdict = match exit {
            Exit::Failed(failure) => {
                let verdict = match failure.code {
                    Code::RunPort => Verdict::PortFailed,
                    _ => Verdict::Failed,
                };
                self.told_failure(failure);
                verdict
            }
            Exit::Interrupted => Verdict::Interrupted,
            Exit::Skipped(why) => {
                self.note(format!("skipped: {why}"));
                Verdict::Skipped
            }
            Exit::Returned(..) | Exit::Ended => {
                if self.failure.is_some() {
                    Verdict::Failed
                } else if self.skipped {
                    Verdict::Skipped
                } else if self.program.role == Role::Flow && !self.has_checked {
                    let failure = self.nothing_checked();
                    self.told_failure(failure);
                    Verdict::Failed
                } else if self.is_flaky {
                    Verdict::Flaky
                } else {
                    Verdict::Passed
                }
            }
        };
        self.finish(verdict);
    }

    /// Tells of the failure that ends the run, unless that was done when its step ended.
    fn told_failure(&mut self, failure: Box<Failure>) {
        if self.failure.is_none() {
            self.failure = Some(failure.clone());
            self.release_to(0);
            self.tell(failure.site, EventKind::Failed(failure));
        }
    }

    /// Closes the port and ends the run with a verdict.
    pub(in crate::engine) fn finish(&mut self, verdict: Verdict) {
        self.sight_all();
        self.release_to(0);
        if self.closed.is_none() {
            self.command(PortCommand::Close);
        }
        self.tell(None, EventKind::RunEnded { verdict });
        self.state = State::Over(verdict);
    }
}
