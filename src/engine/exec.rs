//! Executing instructions until something must be waited for.

pub(in crate::engine) mod block;
pub(in crate::engine) mod call;
pub(in crate::engine) mod spare;
pub(in crate::engine) mod talk;
mod value;
pub(in crate::engine) mod wait;

use std::sync::Arc;
use std::time::Duration;

use super::{Action, Engine, FUEL, Output, State};
use crate::diagnostic::Code;
use crate::engine::exec::block::Exit;
use crate::engine::exec::call::Active;
use crate::engine::exec::wait::WaitKind;
use crate::event::{CloseReason, EventKind, Failure, Verdict};
use crate::port::PortCommand;
use crate::program::{Expect, LookAt, Op, Question, Role, Slot, Target, WhenOver};
use crate::settings::Echo;
use crate::source::Site;
use crate::value::Value;
use crate::value::bounds::check_length;

/// The longest counted read.
const READ_LIMIT: i64 = 64 * 1024;

impl Engine {
    /// Executes instructions until something must be waited for.
    pub(super) fn advance(&mut self) {
        if !matches!(self.state, State::Ready) {
            return;
        }
        let program = self.program.clone();
        while matches!(self.state, State::Ready) {
            self.spent += 1;
            let at = self.at;
            let site = program.site(at);
            if self.spent > FUEL {
                let failure = self
                    .failure_at(
                        Code::RunLimit,
                        site,
                        "a million statements were executed without any waiting",
                        "in this loop",
                    )
                    .with_cause("a loop that waits for something must `expect` or `sleep` in each turn");
                // What runs now is clean-up, which gets its own share.
                self.spent = 0;
                self.fail(failure);
                continue;
            }
            self.at += 1;
            if let Err(failure) = self.execute(&program.ops[at], at, site) {
                self.fail(failure);
            }
        }
    }

    fn execute(&mut self, op: &Op, at: usize, site: Site) -> Result<(), Box<Failure>> {
        match op {
            Op::Send { mode, text } => {
                self.port_is_open(site)?;
                let octets = self.eval_to_send(text)?;
                check_length(octets.len())
                    .map_err(|why| self.failure_at(Code::RunValue, site, why, "too long to send"))?;
                self.send(*mode, octets, site);
            }
            Op::Expect(expect) => self.expect(expect, site)?,
            Op::ExpectNone(absence) => {
                let lasting = self.eval_duration(&absence.lasting)?;
                let pattern = self.ready(&absence.pattern)?;
                let wanted = self.sight.want(vec![Some(pattern)], LookAt::Answer);
                self.wait(site, lasting, WaitKind::Absence { wanted, spec: absence.clone() });
            }
            Op::ExpectQuiet { lasting, within } => {
                let lasting = self.eval_duration(lasting)?;
                let within = match within {
                    Some(within) => self.eval_duration(within)?,
                    None => self.default_timeout()?.saturating_add(lasting),
                };
                self.wait(site, within, WaitKind::Quiet { lasting });
            }
            Op::ReadCount(read) => {
                let n = self.eval_count(&read.count, READ_LIMIT)? as u64;
                let within = self.within(read.within.as_ref())?;
                self.port_is_open(site)?;
                self.wait(site, within, WaitKind::Count { n, read: read.clone() });
            }
            Op::ReadUntil(read) => {
                let within = self.within(read.within.as_ref())?;
                self.port_is_open(site)?;
                let pattern = self.ready(&read.pattern)?;
                let wanted = self.sight.want(vec![Some(pattern)], LookAt::Answer);
                self.wait(site, within, WaitKind::Until { wanted, read: read.clone() });
            }
            Op::Capture { value, target } => {
                let value = self.eval(value)?;
                self.capture(target, value, site)?;
            }
            Op::CaptureMatch { pattern, text, target } => {
                let value = self.eval_match(pattern, text.as_ref(), &target.name, site)?;
                self.capture(target, value, site)?;
            }
            Op::Compute { value, target } => {
                let value = self.eval(value)?;
                self.assign(target, value, site)?;
            }
            Op::Initial(values) => {
                for (value, target) in values {
                    let value = self.eval(value)?;
                    self.assign(target, value, site)?;
                }
            }
            Op::Assert { condition, message } => self.assert(condition, message.as_ref(), site)?,
            Op::Fail(message) => {
                let message = self.eval(message)?;
                let message = self.shown(&message);
                let mut failure = self.failure_at(Code::RunFail, site, message, "the flow says so");
                self.add_exchange(&mut failure);
                return Err(failure);
            }
            Op::Ask(question) => {
                let prompt = self.eval(&question.prompt)?;
                let prompt = self.shown(&prompt);
                let is_secret = question.target.as_ref().is_some_and(|target| target.is_secret);
                self.note(format!("asked: {prompt}"));
                self.state = State::Asking { site, question: question.clone() };
                self.outbox.push_back(Output::Act(Action::Ask { prompt, is_secret }));
            }
            Op::Skip(why) => {
                let why = self.eval(why)?;
                let why = self.shown(&why);
                self.skipped = true;
                self.leave(Exit::Skipped(why));
            }
            Op::Save(targets) => self.save(targets, site)?,
            Op::Log(value) => {
                let text = self.eval(value)?.show();
                self.tell(Some(site), EventKind::Logged { text });
            }
            Op::Sleep(lasting) => {
                let lasting = self.eval_duration(lasting)?;
                self.sleep(lasting, site);
            }
            Op::Watch(watcher) => {
                let frame = self.frames.len() - 1;
                self.watching.push(Active { watcher: *watcher, frame });
                self.watched = None;
            }
            Op::After { delay, entry } => {
                let delay = self.eval_duration(delay)?;
                self.add_timer(self.now + delay, *entry);
            }
            Op::Restart => self.restart(),
            Op::Unplug => {
                self.command(PortCommand::Close);
                self.closed = Some(CloseReason::Finished);
                self.finish(Verdict::Passed);
            }
            Op::Jump(to) => self.at = *to,
            Op::Unless { condition, otherwise } => {
                if !self.eval_bool(condition)? {
                    self.at = *otherwise;
                }
            }
            Op::Count { turns, counter } => {
                let turns = turns.as_ref().map(|turns| self.eval_count(turns, i64::from(u32::MAX))).transpose()?;
                self.set(*counter, turns.map(Value::Int));
            }
            Op::Turn { counter, done, when_over } => self.turn(*counter, *done, *when_over, site)?,
            Op::Each { list, items, place } => {
                let list = match self.eval(list)? {
                    Value::Map(entries) => Value::List(entries.into_iter().map(|(key, _)| Value::text(key)).collect()),
                    list @ Value::List(_) => list,
                    Value::Text(text) => Value::List(characters(&text)),
                    other => {
                        let message =
                            format!("`for` goes through a list, a map or a text, this is {}", other.kind().title());
                        return Err(self.failure_at(Code::RunValue, site, message, "neither"));
                    }
                };
                self.set(*items, Some(list));
                self.set(*place, Some(Value::Int(0)));
            }
            Op::Next { list, place, item, done } => self.next_item(*list, *place, *item, *done),
            Op::Enter(kind) => self.enter(kind, site)?,
            Op::Leave => self.leave_scope(at),
            Op::Finally { entry, behind } => {
                self.add_final(*entry);
                self.at = *behind;
            }
            Op::FinallyEnd => self.end_final(),
            Op::Call { procedure, arguments, result } => {
                let arguments = arguments.iter().map(|argument| self.eval(argument)).collect::<Result<Vec<_>, _>>()?;
                self.call(*procedure, arguments, result.clone(), site)?;
            }
            Op::Return(value) => {
                let value = value.as_ref().map(|value| self.eval(value)).transpose()?;
                self.leave(Exit::Returned(value, site));
            }
            Op::Settings(settings) => {
                let before = self.settings.line.clone();
                for (name, value) in settings {
                    // The checker has tried each of them.
                    let _ = self.settings.set(name, value);
                }
                if self.settings.line != before {
                    self.port_is_open(site)?;
                    let settings = self.settings.line.clone();
                    self.note(format!("the line is now {settings}"));
                    self.command(PortCommand::Reconfigure { settings });
                }
            }
            Op::Baud(rate) => {
                let rate = self.eval_count(rate, 4_000_000)?;
                if rate == 0 {
                    return Err(self.failure_at(
                        Code::RunValue,
                        site,
                        "a baud rate of 0 can not be",
                        "must be at least 1",
                    ));
                }
                self.port_is_open(site)?;
                self.settings.line.baud = rate as u32;
                let settings = self.settings.line.clone();
                self.note(format!("the line is now {settings}"));
                self.command(PortCommand::Reconfigure { settings });
            }
            Op::ControlLines { dtr, rts } => {
                self.port_is_open(site)?;
                self.command(PortCommand::SetLines { dtr: *dtr, rts: *rts });
                let show =
                    |name: &str, on: Option<bool>| on.map(|on| format!("{name} {}", if on { "on" } else { "off" }));
                let shown: Vec<String> = [show("DTR", *dtr), show("RTS", *rts)].into_iter().flatten().collect();
                self.note(shown.join(", "));
            }
            Op::Break(lasting) => {
                self.port_is_open(site)?;
                let lasting = self.eval_duration(lasting)?;
                self.command(PortCommand::Break { lasting });
                self.note(format!("break for {}", crate::time::show_duration(lasting)));
                self.sleep(lasting, site);
            }
            Op::Flush => {
                self.command(PortCommand::DiscardInput);
                self.sight_all();
                self.sight.flush();
            }
            Op::Echo(on) => {
                self.settings.echo = match (on, self.program.role) {
                    (false, _) => Echo::Off,
                    (true, Role::Device) => Echo::On,
                    (true, Role::Flow) => Echo::Auto,
                }
            }
            Op::Hold => self.hold(),
            Op::Release => self.release(),
            Op::End => match self.program.role {
                Role::Flow => self.leave(Exit::Ended),
                Role::Device => {
                    self.at = at;
                    self.serve();
                }
            },
        }
        Ok(())
    }

    /// Waits for what the host sends, or for a timer.
    pub(super) fn serve(&mut self) {
        self.state = State::Serving;
        self.look();
        if matches!(self.state, State::Serving) && self.timers.iter().any(|timer| timer.at <= self.now) {
            self.run_due_timer();
        }
    }

    fn expect(&mut self, expect: &Arc<Expect>, site: Site) -> Result<(), Box<Failure>> {
        let within = self.within(expect.within.as_ref())?;
        self.port_is_open(site)?;
        let mut patterns = self.spare.patterns();
        for arm in &expect.arms {
            patterns.push(Some(self.ready(&arm.pattern)?));
        }
        let wanted = self.sight.want(patterns, expect.scope);
        self.wait(site, within, WaitKind::Patterns { wanted, expect: expect.clone() });
        Ok(())
    }

    fn within(&mut self, within: Option<&crate::program::Expr>) -> Result<Duration, Box<Failure>> {
        match within {
            Some(within) => self.eval_duration(within),
            None => self.default_timeout(),
        }
    }

    fn default_timeout(&mut self) -> Result<Duration, Box<Failure>> {
        let program = self.program.clone();
        self.eval_duration(&program.timeout)
    }

    fn capture(&mut self, target: &Target, value: Value, site: Site) -> Result<(), Box<Failure>> {
        let shown = value.octets();
        self.assign(target, value, site)?;
        self.tell(Some(site), EventKind::Captured { name: target.name.clone(), value: shown });
        Ok(())
    }

    fn assert(
        &mut self,
        condition: &crate::program::Expr,
        message: Option<&crate::program::Expr>,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let holds = self.eval_bool(condition)?;
        if holds {
            self.has_checked = true;
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
        self.add_exchange(&mut failure);
        Err(failure)
    }

    fn save(&mut self, targets: &[Target], site: Site) -> Result<(), Box<Failure>> {
        let mut values = Vec::new();
        for target in targets {
            let Some(value) = self.get(target.slot) else {
                let message = format!("`{}` has no value yet", target.name);
                return Err(self.failure_at(Code::RunValue, site, message, "nothing to save"));
            };
            let octets = match value {
                Value::Bytes(_) => value.show(),
                _ => value.octets(),
            };
            values.push((target.name.clone(), octets));
        }
        let names = targets.iter().map(|target| target.name.clone()).collect();
        self.state = State::Saving { names, site };
        self.outbox.push_back(Output::Act(Action::Save { values }));
        Ok(())
    }

    /// Takes note that results are on disk, or are not.
    pub(super) fn kept(&mut self, kept: Result<(), String>) {
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

    /// Takes the answer of a person, or the default if nobody is there.
    pub(super) fn answered(&mut self, answer: Option<Vec<u8>>) {
        if !matches!(self.state, State::Asking { .. }) {
            return;
        }
        let State::Asking { site, question } = std::mem::replace(&mut self.state, State::Ready) else { return };
        if let Err(failure) = self.take_answer(answer, site, &question) {
            self.fail(failure);
        }
    }

    fn take_answer(&mut self, answer: Option<Vec<u8>>, site: Site, question: &Question) -> Result<(), Box<Failure>> {
        let value = match (answer, &question.default) {
            (Some(answer), Some(default)) if answer.is_empty() => self.eval(default)?,
            (Some(answer), _) => Value::Text(answer),
            (None, Some(default)) => self.eval(default)?,
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

    fn sleep(&mut self, lasting: Duration, site: Site) {
        let own = self.now + lasting;
        let (until, is_bounded) = match self.step_deadline() {
            Some(step) if step < own => (step.max(self.now), true),
            _ => (own, false),
        };
        self.state = State::Sleeping { until, site, is_bounded };
        self.look();
    }

    fn turn(&mut self, counter: Slot, done: usize, when_over: WhenOver, site: Site) -> Result<(), Box<Failure>> {
        let Some(left) = self.get(counter).and_then(Value::as_int) else { return Ok(()) };
        if left == 0 {
            if when_over == WhenOver::Fail {
                let mut failure = self.failure_at(
                    Code::RunLimit,
                    site,
                    "the last turn is over and it is still not so",
                    "all its turns were used",
                );
                self.add_exchange(&mut failure);
                return Err(failure);
            }
            self.at = done;
        } else {
            self.set(counter, Some(Value::Int(left - 1)));
        }
        Ok(())
    }

    fn next_item(&mut self, list: Slot, place: Slot, item: Slot, done: usize) {
        let index = self.get(place).and_then(Value::as_int).unwrap_or(0);
        let next = match self.get(list) {
            Some(Value::List(items)) => items.get(index as usize).cloned(),
            _ => None,
        };
        match next {
            Some(value) => {
                self.set(item, Some(value));
                self.set(place, Some(Value::Int(index + 1)));
            }
            None => self.at = done,
        }
    }

    /// Begins a device afresh.
    fn restart(&mut self) {
        self.timers.clear();
        self.scopes.truncate(1);
        self.frames = vec![super::Frame::main(self.program.locals)];
        self.watching = self.program.standing.iter().rev().map(|id| Active { watcher: *id, frame: 0 }).collect();
        self.watched = None;
        self.settings = self.inputs.settings.clone();
        let settings = self.settings.line.clone();
        self.command(PortCommand::Reconfigure { settings });
        self.note("restart");
        self.at = self.program.entry;
        self.state = State::Ready;
    }

    /// Refuses to use a port that is gone.
    fn port_is_open(&self, site: Site) -> Result<(), Box<Failure>> {
        match &self.closed {
            None => Ok(()),
            Some(_) => Err(self.failure_at(Code::RunPort, site, "the port is gone", "can not be done any more")),
        }
    }
}

/// Returns the characters of a text; what is not UTF-8 counts byte by byte.
fn characters(text: &[u8]) -> Vec<Value> {
    let mut characters = Vec::new();
    for chunk in text.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(|c| Value::text(c.to_string())));
        characters.extend(chunk.invalid().iter().map(|byte| Value::Text(vec![*byte])));
    }
    characters
}

impl Failure {
    /// Adds the likely cause.
    pub(super) fn with_cause(mut self: Box<Failure>, cause: impl Into<String>) -> Box<Failure> {
        self.cause = Some(cause.into());
        self
    }
}
