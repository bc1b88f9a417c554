//! Scopes and how they end: normally, by a failure, by `return` or `skip`, by Ctrl-C.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::flow::{Exit, Scope, ScopeIs, Step, Then};
use crate::engine::{Engine, Rigour, State};
use crate::event::{EventKind, Failure, StepOutcome, Verdict};
use crate::port::PortCommand;
use crate::program::{OpIndex, Role, ScopeKind};
use crate::source::Site;

/// A further attempt at a step waits so long for a quiet line at most.
pub(in crate::engine) const QUIET_AT_MOST: Duration = Duration::from_secs(1);

impl Engine {
    fn open_scope(&mut self, is: ScopeIs) {
        self.flow.open(is, self.journal.holds());
    }

    /// Begins a block, a step or a `try`.
    pub(in crate::engine) fn enter(&mut self, kind: &ScopeKind, site: Site) -> Result<(), Box<Failure>> {
        match kind {
            ScopeKind::Block => self.open_scope(ScopeIs::Block),
            ScopeKind::Try { otherwise } => self.open_scope(ScopeIs::Try { otherwise: *otherwise }),
            ScopeKind::Step { title, retry, every, unless, timeout, behind } => {
                let title = self.eval(title)?;
                let title = self.shown(&title);
                let retry = retry.as_ref().map_or(Ok(0), |retry| self.eval_count(retry, 1_000_000))?;
                let every = every.as_ref().map_or(Ok(Duration::ZERO), |every| self.eval_duration(every))?;
                let lasting = timeout.as_ref().map(|timeout| self.eval_duration(timeout)).transpose()?;
                let unless_ready = self.ready_unless(unless)?;
                let step = Step {
                    title,
                    site,
                    attempt: 0,
                    attempts: retry as u32 + 1,
                    every,
                    lasting,
                    began: self.now,
                    body: self.flow.at,
                    behind: *behind,
                    n_checks: self.tally.n_checks,
                    n_outside: self.tally.outside.len(),
                    unless: unless.clone(),
                    refused: None,
                    last_failure: None,
                };
                self.open_scope(ScopeIs::Step(Box::new(step)));
                self.begin_first_attempt(&unless_ready);
            }
        }
        Ok(())
    }

    /// Ends the innermost scope normally; `leave` is the address of the instruction that does so.
    pub(in crate::engine) fn leave_scope(&mut self, leave: OpIndex) {
        if self.run_final(Then::Leave(leave)).is_none() {
            return;
        }
        let scope = self.flow.close();
        self.journal.release_to(scope.holds);
        if let ScopeIs::Step(step) = scope.is {
            self.end_step(&step, StepOutcome::Passed);
        }
    }

    /// Begins the next `finally` block of the innermost scope; gives `then` back if there is none.
    fn run_final(&mut self, then: Then) -> Option<Then> {
        let Some((entry, port)) = self.flow.take_final() else { return Some(then) };
        self.keep_exchange();
        self.open_scope(ScopeIs::Cleanup { then });
        self.flow.at = entry;
        self.flow.port = port;
        self.state = State::Ready;
        None
    }

    /// Ends a `finally` block.
    pub(in crate::engine) fn end_final(&mut self) {
        self.note_cleaned_up();
        let scope = self.flow.close();
        match scope.is {
            ScopeIs::Cleanup { then: Then::Leave(leave) } => self.flow.at = leave,
            ScopeIs::Cleanup { then: Then::Exit(exit) } => self.leave(exit),
            ScopeIs::Main
            | ScopeIs::Block
            | ScopeIs::Step(_)
            | ScopeIs::Try { .. }
            | ScopeIs::Procedure
            | ScopeIs::Handler(_) => {
                debug_assert!(false, "every scope inside of a finally block was closed before its end");
            }
        }
    }

    fn end_step(&mut self, step: &Step, outcome: StepOutcome) {
        let took = self.now - step.began;
        if outcome == StepOutcome::Passed && step.attempt > 1 {
            self.tally.is_flaky = true;
        }
        if outcome != StepOutcome::WillRetry {
            self.end_attempts(step, self.flow.n_scopes() + 1);
        }
        let depth = self.flow.step_depth();
        let kind = EventKind::StepEnded { title: step.title.clone(), outcome, attempt: step.attempt, took, depth };
        self.tell(Some(step.site), kind);
    }

    /// Ends the present statement with a failure.
    pub(in crate::engine) fn fail(&mut self, failure: Box<Failure>) {
        self.sight_all();
        self.note_refusals();
        self.leave(Exit::Failed(failure));
    }

    /// Leaves scopes until one stops the exit; `finally` blocks run on the way.
    pub(in crate::engine) fn leave(&mut self, mut exit: Exit) {
        loop {
            let unchanged = match self.run_final(Then::Exit(exit)) {
                Some(Then::Exit(unchanged)) => unchanged,
                // A finally block runs; its end goes on from here.
                Some(Then::Leave(_)) | None => return,
            };
            if self.flow.is_in_main() {
                return self.end_run(unchanged);
            }
            let scope = self.flow.close();
            match self.stop(scope, unchanged) {
                Some(goes_on) => exit = goes_on,
                None => return,
            }
        }
    }

    /// Lets a scope that was just closed stop an exit; gives the exit back if it goes on.
    fn stop(&mut self, mut scope: Scope, exit: Exit) -> Option<Exit> {
        // A further attempt may make a secret of something that this one received too.
        if !matches!(&exit, Exit::Failed(failure) if !failure.ends_run && self.will_retry(&scope.is)) {
            self.journal.release_to(scope.holds);
        }
        let is = std::mem::replace(&mut scope.is, ScopeIs::Block);
        match (is, exit) {
            // What is tried may fail; what somebody ended is not gone on with.
            (ScopeIs::Try { .. }, Exit::Failed(_)) if self.tally.is_interrupted => Some(Exit::Interrupted),
            (ScopeIs::Try { otherwise }, Exit::Failed(failure)) if !failure.ends_run && !self.port_is_closed() => {
                self.note(format!("ignored: {}", failure.message));
                self.flow.at = otherwise;
                self.state = State::Ready;
                None
            }
            (ScopeIs::Step(step), exit) => self.stop_step(step, scope, exit),
            (ScopeIs::Procedure, Exit::Returned(value, site)) => {
                let called_at = self.flow.called_at().unwrap_or(site);
                self.state = State::Ready;
                match self.end_call(value, called_at) {
                    Ok(()) => None,
                    Err(failure) => Some(Exit::Failed(failure)),
                }
            }
            (ScopeIs::Procedure, exit) => {
                self.flow.drop_call();
                Some(exit)
            }
            (ScopeIs::Handler(suspended), Exit::Returned(_, site)) => {
                let _ = self.end_call(None, site);
                self.resume(suspended);
                None
            }
            (ScopeIs::Handler(_), exit) => {
                self.flow.drop_call();
                Some(exit)
            }
            (ScopeIs::Cleanup { then }, Exit::Failed(failure)) if self.ends_what_goes_on(&failure, &then) => {
                if let Then::Exit(Exit::Failed(before)) = then {
                    self.note(format!("failed before: {}", before.message));
                }
                Some(Exit::Failed(failure))
            }
            // What else happens inside of a finally block changes nothing: what was going on before goes on.
            (ScopeIs::Cleanup { then }, Exit::Failed(failure)) => {
                self.tally.n_cleanups_failed += 1;
                self.tell(failure.site, EventKind::CleanupFailed(failure.clone()));
                self.tally.cleanup.get_or_insert(failure);
                self.after_cleanup(then)
            }
            (ScopeIs::Cleanup { then }, Exit::Skipped(why)) => {
                self.note(format!("`skip` in a clean-up changes nothing: {why}"));
                self.after_cleanup(then)
            }
            (ScopeIs::Cleanup { then }, Exit::Returned(..)) => self.after_cleanup(then),
            (ScopeIs::Cleanup { then: Then::Exit(Exit::Failed(failure)) }, Exit::Interrupted) => {
                self.tally.is_interrupted = true;
                Some(Exit::Failed(failure))
            }
            (ScopeIs::Main | ScopeIs::Block | ScopeIs::Try { .. } | ScopeIs::Cleanup { .. }, exit) => Some(exit),
        }
    }

    /// Whether a failure inside of a finally block ends the run instead of what goes on after the block. It does not if the run
    /// is being ended already.
    fn ends_what_goes_on(&self, failure: &Failure, then: &Then) -> bool {
        let is_ending = match then {
            Then::Exit(Exit::Failed(before)) => before.ends_run || !self.is_being_tried(),
            Then::Exit(Exit::Interrupted) => true,
            Then::Exit(Exit::Returned(..) | Exit::Skipped(_) | Exit::Ended) | Then::Leave(_) => false,
        };
        failure.ends_run && !is_ending && !self.tally.is_interrupted
    }

    /// Goes on with what a finally block came into; gives an exit back that was on its way.
    fn after_cleanup(&mut self, then: Then) -> Option<Exit> {
        self.note_cleaned_up();
        match then {
            Then::Exit(exit) => Some(exit),
            Then::Leave(leave) => {
                self.flow.at = leave;
                self.state = State::Ready;
                None
            }
        }
    }

    fn stop_step(&mut self, mut step: Box<Step>, mut scope: Scope, mut exit: Exit) -> Option<Exit> {
        let tries_again = match &mut exit {
            Exit::Failed(failure) => self.tries_again(&mut step, failure),
            Exit::Returned(..) | Exit::Skipped(_) | Exit::Interrupted | Exit::Ended => false,
        };
        match exit {
            Exit::Failed(failure) if tries_again => {
                step.last_failure = (!step.unless.is_empty()).then(|| failure.clone());
                self.tell(failure.site, EventKind::Failed(failure));
                // The next attempt measures again.
                self.tally.outside.truncate(step.n_outside);
                self.end_step(&step, StepOutcome::WillRetry);
                let not_before = self.now + step.every;
                let at_latest = not_before + QUIET_AT_MOST;
                let site = step.site;
                scope.is = ScopeIs::Step(step);
                self.flow.reopen(scope);
                self.watch_pause();
                self.state = State::Retrying { not_before, at_latest, site };
                None
            }
            Exit::Skipped(why) => {
                self.tell(Some(step.site), EventKind::Skipped { why });
                // What was checked in it says nothing of the rest.
                self.tally.n_checks = step.n_checks;
                self.tally.outside.truncate(step.n_outside);
                self.tally.n_skipped += u64::from(!self.flow.is_in_cleanup());
                self.end_step(&step, StepOutcome::Skipped);
                self.flow.at = step.behind;
                self.state = State::Ready;
                None
            }
            Exit::Returned(..) => {
                self.end_step(&step, StepOutcome::Passed);
                Some(exit)
            }
            Exit::Failed(failure) => {
                if self.tally.failure.is_none() && (failure.ends_run || !self.is_being_tried()) {
                    self.tally.failure = Some(failure.clone());
                    self.tell(failure.site, EventKind::Failed(failure.clone()));
                }
                self.end_step(&step, StepOutcome::Failed);
                Some(Exit::Failed(failure))
            }
            Exit::Interrupted | Exit::Ended => {
                self.end_step(&step, StepOutcome::Failed);
                Some(exit)
            }
        }
    }

    /// Whether a further attempt may be made at all.
    pub(super) fn may_try_again(&self) -> bool {
        !self.port_is_closed() && !self.tally.is_interrupted
    }

    /// Whether a failure that leaves a scope leads to a further attempt at a step.
    fn will_retry(&self, left: &ScopeIs) -> bool {
        let here = left.retries();
        self.may_try_again() && here.unwrap_or_else(|| self.flow.retries())
    }

    /// Goes on with what a handler came into.
    fn resume(&mut self, suspended: State) {
        if matches!(suspended, State::Serving) {
            return self.serve();
        }
        self.state = suspended;
        self.catch_up();
        self.go_on_sending();
        self.look();
    }

    /// Whether some scope around the present one would stop a failure: it is not yet the run's.
    pub(super) fn is_being_tried(&self) -> bool {
        self.flow.is_in_cleanup() || self.flow.is_being_tried(|port| self.ports[port].is_closed())
    }

    /// Ends the run.
    fn end_run(&mut self, exit: Exit) {
        let verdict = match exit {
            Exit::Failed(failure) => {
                let verdict = if failure.code == Code::RunPort { Verdict::PortFailed } else { Verdict::Failed };
                self.told_failure(failure);
                verdict
            }
            Exit::Interrupted => Verdict::Interrupted,
            Exit::Skipped(why) => {
                self.tell(None, EventKind::Skipped { why });
                if self.tell_outside() { Verdict::Failed } else { Verdict::Skipped }
            }
            Exit::Returned(..) | Exit::Ended => self.verdict_at_the_end(),
        };
        if verdict.is_success()
            && self.tally.rigour == Rigour::Strict
            && let Some(mut failure) = self.tally.cleanup.take()
        {
            failure.message = format!("a clean-up failed: {}", failure.message);
            self.told_failure(failure);
            return self.finish(Verdict::Failed);
        }
        self.finish(verdict);
    }

    /// Returns the verdict on a flow whose last statement is done.
    fn verdict_at_the_end(&mut self) -> Verdict {
        let has_checked = self.program.role != Role::Flow || self.tally.n_checks > 0;
        if self.tally.failure.is_some() || self.tell_outside() {
            Verdict::Failed
        } else if !has_checked && self.tally.n_skipped > 0 {
            // Nothing is left but skipped steps.
            Verdict::Skipped
        } else if !has_checked {
            let failure = self.nothing_checked();
            self.told_failure(failure);
            Verdict::Failed
        } else if self.tally.is_flaky {
            Verdict::Flaky
        } else {
            Verdict::Passed
        }
    }

    /// Tells of the failure that ends the run, unless that was done when its step ended.
    pub(in crate::engine) fn told_failure(&mut self, failure: Box<Failure>) {
        if self.tally.failure.is_none() {
            self.tally.failure = Some(failure.clone());
            self.journal.release_to(0);
            self.tell(failure.site, EventKind::Failed(failure));
        }
    }

    /// Tells that the run is over.
    pub(in crate::engine) fn tell_end(&mut self, verdict: Verdict) {
        self.tally.is_end_told = true;
        self.tell(None, EventKind::RunEnded { verdict, checks: self.tally.n_checks });
    }

    /// Closes the ports and ends the run with a verdict, which is told when the ports are closed.
    pub(in crate::engine) fn finish(&mut self, verdict: Verdict) {
        self.sight_all();
        self.release_all();
        for port in self.ports.ids() {
            if !self.ports[port].is_closed() {
                self.command(port, PortCommand::Close);
            }
        }
        self.state = State::Over(verdict);
    }
}
