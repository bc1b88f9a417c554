//! Statements between the flow and people: assert, fail, skip, ask, save, and what a capture reports.

use std::sync::Arc;

use crate::diagnostic::Code;
use crate::engine::flow::Exit;
use crate::engine::fuel::HARD;
use crate::engine::{Action, Engine, State};
use crate::event::{EventKind, Failure};
use crate::program::{Expr, Question, Target};
use crate::source::Site;
use crate::value::Value;
use crate::value::taint::Marked;

impl Engine {
    /// Puts what was received into a variable and tells of it.
    pub(super) fn capture(&mut self, target: &Target, value: Marked, site: Site) -> Result<(), Box<Failure>> {
        let shown = self.covered_octets(&value);
        self.assign(target, value, site)?;
        self.fuel.burn(shown.len(), HARD);
        self.tell(Some(site), EventKind::Captured { name: target.name.clone(), value: shown });
        Ok(())
    }

    pub(super) fn assert(&mut self, condition: &Expr, message: Option<&Expr>, site: Site) -> Result<(), Box<Failure>> {
        let holds = self.eval_bool(condition)?;
        if holds {
            self.tally.n_checks += 1;
            return Ok(());
        }
        let message = match message {
            Some(message) => {
                let message = self.eval(message)?;
                self.shown(&message)
            }
            None => "the assertion does not hold".to_string(),
        };
        let label = self.sides(condition).unwrap_or_else(|| "is false".to_string());
        let mut failure = self.failure_at(Code::RunAssert, site, message, label);
        self.add_leading_exchange(&mut failure);
        Err(failure)
    }

    /// Returns the failure that `fail` is.
    pub(super) fn said_failure(&mut self, message: &Expr, site: Site) -> Result<Box<Failure>, Box<Failure>> {
        let message = self.eval(message)?;
        let message = self.shown(&message);
        let mut failure = self.failure_at(Code::RunFail, site, message, "the flow says so");
        self.add_leading_exchange(&mut failure);
        Ok(failure)
    }

    /// Ends the step or the flow as skipped.
    pub(super) fn skip(&mut self, why: &Expr) -> Result<(), Box<Failure>> {
        let why = self.eval(why)?;
        let why = self.shown(&why);
        self.leave(Exit::Skipped(why));
        Ok(())
    }

    /// Asks a person.
    pub(super) fn ask(&mut self, question: &Arc<Question>, site: Site) -> Result<(), Box<Failure>> {
        let prompt = self.eval(&question.prompt)?;
        let prompt = self.shown(&prompt);
        let is_secret = question.target.as_ref().is_some_and(|target| target.is_secret);
        self.note(format!("asked: {prompt}"));
        self.state = State::Asking { site, question: question.clone() };
        self.journal.act(Action::Ask { prompt, is_secret });
        Ok(())
    }

    /// Takes the answer of a person, or the default if nobody is there.
    pub(in crate::engine) fn answered(&mut self, answer: Option<Vec<u8>>) {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Asking { site, question } => {
                if let Err(failure) = self.take_answer(answer, site, &question) {
                    self.fail(failure);
                }
            }
            state @ (State::Opening
            | State::Ready
            | State::Breathing
            | State::Guarding { .. }
            | State::Writing { .. }
            | State::Waiting(_)
            | State::Sleeping { .. }
            | State::Reopening { .. }
            | State::Retrying { .. }
            | State::Saving { .. }
            | State::Hooking(_)
            | State::Transferring(_)
            | State::Serving
            | State::Over(_)) => self.state = state,
        }
    }

    fn take_answer(&mut self, answer: Option<Vec<u8>>, site: Site, question: &Question) -> Result<(), Box<Failure>> {
        let value = match (answer, &question.default) {
            (Some(answer), None) => Value::Text(answer).into(),
            (Some(answer), Some(_)) if !answer.is_empty() => Value::Text(answer).into(),
            // Text like every answer: whoever compares it need not know who gave it.
            (Some(_) | None, Some(default)) => self.eval(default)?.show().into_text(),
            (None, None) => {
                let failure = self.failure_at(Code::RunFail, site, "nobody is there to answer", "asks a person");
                return Err(
                    failure.with_cause("give the statement a `default` for unattended runs, or run it at a terminal")
                );
            }
        };
        match &question.target {
            Some(target) => self.capture(target, value, site),
            None => Ok(()),
        }
    }

    /// Has variables made durable.
    pub(super) fn save(&mut self, targets: &[Target], site: Site) -> Result<(), Box<Failure>> {
        let mut values = Vec::new();
        for target in targets {
            let Some(value) = self.flow.get(target.slot) else {
                let message = format!("`{}` has no value yet", target.name);
                return Err(self.failure_at(Code::RunValue, site, message, "nothing to save"));
            };
            let octets = if matches!(value, Value::Bytes(_)) { value.show() } else { value.octets() };
            values.push((target.name.clone(), octets));
        }
        let names = targets.iter().map(|target| target.name.clone()).collect();
        self.state = State::Saving { names, site };
        self.journal.act(Action::Save { values });
        Ok(())
    }

    /// Takes note that results are on disk, or are not.
    pub(in crate::engine) fn kept(&mut self, kept: Result<(), String>) {
        let State::Saving { names, site } = std::mem::replace(&mut self.state, State::Ready) else { return };
        match kept {
            Ok(()) => {
                for name in names {
                    self.tell(Some(site), EventKind::Saved { name });
                }
            }
            Err(why) => {
                let message = format!("`{}` could not be saved: {why}", names.join("`, `"));
                let failure = self
                    .failure_at(Code::RunSave, site, message, "must be durable before the flow goes on")
                    .with_cause("name a place that can be written with `--save FILE`");
                self.fail(failure);
            }
        }
    }
}

impl Failure {
    /// Adds the likely cause.
    pub(in crate::engine) fn with_cause(mut self: Box<Failure>, cause: impl Into<String>) -> Box<Failure> {
        self.cause = Some(cause.into());
        self
    }
}
