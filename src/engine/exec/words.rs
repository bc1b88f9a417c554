//! Statements between the flow and people: assert, fail, skip, ask, save, and what a capture reports.

use std::sync::Arc;

use crate::diagnostic::Code;
use crate::engine::flow::Exit;
use crate::engine::fuel::HARD;
use crate::engine::{Action, Engine, State};
use crate::event::{EventKind, Failure};
use crate::program::{AnswerFits, Expr, Question, Reach, Target};
use crate::source::Site;
use crate::value::Value;
use crate::value::taint::Marked;

impl Engine {
    /// Puts what was received into a variable and tells of it.
    pub(super) fn capture(&mut self, target: &Target, value: Marked, site: Site) -> Result<(), Box<Failure>> {
        let shown = self.covered_octets(&value);
        self.assign(target, value, site)?;
        self.fuel.burn(shown.len(), HARD);
        self.tell(Some(site), EventKind::Captured { name: target.name.as_str().into(), value: shown });
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
    pub(super) fn said_failure(
        &mut self,
        reach: Reach,
        message: &Expr,
        site: Site,
    ) -> Result<Box<Failure>, Box<Failure>> {
        let message = self.eval(message)?;
        let message = self.shown(&message);
        let label = match reach {
            Reach::Around => "the flow says so",
            Reach::Run => "ends the run",
        };
        let mut failure = self.failure_at(Code::RunFail, site, message, label);
        failure.ends_run = reach == Reach::Run;
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
        let prompt = self.prompt(question)?;
        self.note(format!("asked: {prompt}"));
        self.put_question(prompt, question.clone(), site);
        Ok(())
    }

    /// Returns what a person is asked, with the choices.
    fn prompt(&mut self, question: &Question) -> Result<String, Box<Failure>> {
        let prompt = self.eval(&question.prompt)?;
        let prompt = self.shown(&prompt);
        let choices = self.choices(&question.fits)?;
        Ok(if choices.is_empty() { prompt } else { format!("{prompt} [{}]", titles(&choices)) })
    }

    fn put_question(&mut self, prompt: String, question: Arc<Question>, site: Site) {
        let is_secret = question.target.as_ref().is_some_and(|target| target.is_secret);
        self.state = State::Asking { site, question };
        self.journal.act(Action::Ask { prompt, is_secret });
    }

    /// Returns the choices of a question: as they are shown and typed, and their values.
    fn choices(&mut self, fits: &AnswerFits) -> Result<Vec<(String, Marked)>, Box<Failure>> {
        let AnswerFits::OneOf(choices) = fits else { return Ok(Vec::new()) };
        let mut shown = Vec::with_capacity(choices.len());
        for choice in choices {
            let choice = self.eval(choice)?;
            let Value::List(items) = &choice.value else {
                shown.push((self.shown(&choice), choice.show().into_text()));
                continue;
            };
            // Each item of a list is a choice.
            for (at, item) in items.iter().enumerate() {
                let item = Marked { value: item.clone(), taint: choice.taint.item(at) };
                shown.push((self.shown(&item), item.show().into_text()));
            }
        }
        Ok(shown)
    }

    /// Returns an answer if it fits, or else why it does not. A choice may be shortened, and its case matters only where it
    /// tells one from another.
    fn fitting(&mut self, answer: Vec<u8>, fits: &AnswerFits) -> Result<Result<Marked, String>, Box<Failure>> {
        let choices = self.choices(fits)?;
        Ok(match fits {
            AnswerFits::Any => Ok(Value::Text(answer).into()),
            AnswerFits::OneOf(_) => {
                let typed = String::from_utf8_lossy(&answer);
                let small = typed.to_lowercase();
                let only = |fits: &dyn Fn(&str) -> bool| {
                    let mut fitting = choices.iter().filter(|(title, _)| fits(title));
                    fitting.next().filter(|_| fitting.next().is_none())
                };
                let exact = choices.iter().find(|(title, _)| *title == typed);
                let any_case = || only(&|title| title.to_lowercase() == small);
                let is_begun = !typed.is_empty();
                let begun = || only(&|title| is_begun && title.starts_with(&*typed));
                let begun_in_any_case = || only(&|title| is_begun && title.to_lowercase().starts_with(&small));
                match exact.or_else(any_case).or_else(begun).or_else(begun_in_any_case) {
                    Some((_, value)) => Ok(value.clone()),
                    None => Err(format!("the answer is one of: {}", titles(&choices))),
                }
            }
            AnswerFits::Regex(_, regex) if regex.is_match(&answer) => Ok(Value::Text(answer).into()),
            AnswerFits::Regex(text, _) => Err(format!("the answer must match `/{text}/`")),
        })
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

    fn take_answer(
        &mut self,
        answer: Option<Vec<u8>>,
        site: Site,
        question: &Arc<Question>,
    ) -> Result<(), Box<Failure>> {
        let value = match (answer, &question.default) {
            (Some(answer), default) if default.is_none() || !answer.is_empty() => {
                match self.fitting(answer, &question.fits)? {
                    Ok(value) => value,
                    Err(why) => {
                        let prompt = self.prompt(question)?;
                        self.note(format!("asked again: {why}"));
                        self.put_question(format!("{why}. {prompt}"), question.clone(), site);
                        return Ok(());
                    }
                }
            }
            // Text like every answer: whoever compares it need not know who gave it.
            (Some(_) | None, Some(default)) => {
                let value = self.eval(default)?.show().into_text();
                let shown = self.shown(&value);
                if let Err(why) = self.fitting(value.value.octets(), &question.fits)? {
                    let message = format!("the default `{shown}` does not fit: {why}");
                    return Err(self.failure_at(Code::RunFail, site, message, "asks a person"));
                }
                value
            }
            (Some(_) | None, None) => {
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
        self.state = State::Saving { names, site, option: "--save FILE" };
        self.journal.act(Action::Save { values });
        Ok(())
    }

    /// Takes note that results are on disk, or are not.
    pub(in crate::engine) fn kept(&mut self, kept: Result<(), String>) {
        let State::Saving { names, site, option } = std::mem::replace(&mut self.state, State::Ready) else { return };
        match kept {
            Ok(()) => {
                for name in names {
                    self.tell(Some(site), EventKind::Saved { name });
                }
            }
            Err(why) => {
                let message = format!("`{}` could not be saved: {why}", names.join("`, `"));
                let failure = self
                    .failure_at(Code::RunSave, site, message, "must be on disk before the flow continues")
                    .with_cause(format!("name a place that can be written with `{option}`"));
                self.fail(failure);
            }
        }
    }
}

/// Returns choices as they are shown.
fn titles(choices: &[(String, Marked)]) -> String {
    choices.iter().map(|(title, _)| title.as_str()).collect::<Vec<_>>().join(", ")
}

impl Failure {
    /// Adds the likely cause.
    pub(in crate::engine) fn with_cause(mut self: Box<Failure>, cause: impl Into<String>) -> Box<Failure> {
        self.cause = Some(cause.into());
        self
    }
}
