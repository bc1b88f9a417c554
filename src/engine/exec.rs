//! Executing instructions until something must be waited for.

mod attempt;
pub(in crate::engine) mod block;
mod call;
pub(in crate::engine) mod elsewhere;
mod hook;
mod input;
mod line;
mod measure;
mod react;
pub(in crate::engine) mod spare;
pub(in crate::engine) mod taint;
pub(in crate::engine) mod talk;
pub(in crate::engine) mod transfer;
mod turn;
mod value;
pub(in crate::engine) mod wait;
pub(in crate::engine) mod watch;
mod words;

use super::flow::Exit;
use super::fuel::{HARD, Level};
use super::{Engine, State};
use crate::diagnostic::Code;
use crate::event::{EventKind, Failure};
use crate::program::{Expr, Op, OpIndex, Role};
use crate::source::Site;

impl Engine {
    /// Executes instructions until something must be waited for.
    pub(super) fn advance(&mut self) {
        if !matches!(self.state, State::Ready) {
            return;
        }
        let program = self.program.clone();
        while matches!(self.state, State::Ready) {
            let at = self.flow.at;
            let site = program.site(at);
            let too_much = match self.fuel.statement() {
                Level::Enough => None,
                Level::Share => {
                    self.flow.tracer.iter_mut().for_each(|tracer| tracer.interrupt());
                    self.state = State::Breathing;
                    return;
                }
                Level::NoStatements => Some("a million statements were executed without any waiting"),
                Level::NoWork => Some("the flow computed for about half a minute without any waiting"),
            };
            if let Some(message) = too_much {
                let failure = self
                    .failure_at(Code::RunLimit, site, message, "in this loop")
                    .with_cause("a loop that waits for something must `expect` or `sleep` in each turn");
                // What runs now is clean-up, which gets its own share.
                self.fuel.refill();
                self.fail(failure);
                continue;
            }
            if let Some(tracer) = &mut self.flow.tracer {
                tracer.execute(at);
            }
            self.flow.at += 1;
            if let Err(failure) = self.execute(&program.ops[at], at, site) {
                self.fail(failure);
            }
        }
    }

    fn execute(&mut self, op: &Op, at: OpIndex, site: Site) -> Result<(), Box<Failure>> {
        match op {
            Op::Send { mode, text } => self.send(*mode, text, site)?,
            Op::Expect(expect) => self.expect(expect, site)?,
            Op::ExpectNone(absence) => self.expect_none(absence, site)?,
            Op::ExpectQuiet { lasting, within } => self.expect_quiet(lasting, within.as_ref(), site)?,
            Op::ReadCount(read) => self.read_count(read, site)?,
            Op::ReadUntil(read) => self.read_until(read, site)?,
            Op::ReadQuiet(read) => self.read_quiet(read, site)?,
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
            Op::Measure(measure) => self.measure(measure, site)?,
            Op::Assert { condition, message } => self.assert(condition, message.as_ref(), site)?,
            Op::Fail { reach, message } => return Err(self.said_failure(*reach, message, site)?),
            Op::Ask(question) => self.ask(question, site)?,
            Op::Hook(hook) => self.hook(hook, site)?,
            Op::SendFile(file) => self.send_file(file, site)?,
            Op::ReceiveFile(file) => self.receive_file(file, site)?,
            Op::Wire { wire, value } => self.set_wire(*wire, value, site)?,
            Op::Skip(why) => self.skip(why)?,
            Op::Save(targets) => self.save(targets, site)?,
            Op::Log(value) => self.log(value, site)?,
            Op::Sleep(lasting) => {
                let lasting = self.eval_duration(lasting)?;
                self.sleep(lasting, site);
            }
            Op::Watch(watcher) => self.flow.watch(*watcher, self.program.watchers[*watcher].port),
            Op::After { delay, entry } => {
                let delay = self.eval_duration(delay)?;
                self.has_room_for(self.flow.timer_takes(), site)?;
                self.flow.add_timer(self.now + delay, *entry);
            }
            Op::Restart => self.restart(),
            Op::Unplug(lasting) => self.unplug(lasting.as_ref(), site)?,
            Op::Replug => self.replug(),
            Op::Reopen(within) => self.reopen(within, site)?,
            Op::Jump(to) => self.flow.at = *to,
            Op::Unless { condition, otherwise } => {
                if !self.eval_bool(condition)? {
                    self.flow.at = *otherwise;
                }
            }
            Op::Count { turns, counter } => self.count(turns.as_ref(), *counter)?,
            Op::Turn { counter, done, when_over } => self.turn(*counter, *done, *when_over, site)?,
            Op::Each { list, items, place } => self.each(list, *items, *place, site)?,
            Op::Next { list, place, item, done } => self.next_item(*list, *place, *item, *done),
            Op::Numbers { first, last, ends, place } => self.numbers(first, last, (*ends, *place), site)?,
            Op::NextNumber { ends, place, item, done } => self.next_number((*ends, *place), *item, *done),
            Op::Enter(kind) => self.enter(kind, site)?,
            Op::Leave => self.leave_scope(at),
            Op::Finally { entry, behind } => {
                self.flow.add_final(*entry);
                self.flow.at = *behind;
            }
            Op::FinallyEnd => self.end_final(),
            Op::Call { procedure, arguments, result } => {
                let arguments = self.arguments(arguments, site)?;
                self.call(*procedure, arguments, result.clone(), site)?;
            }
            Op::Return(value) => {
                let value = value.as_ref().map(|value| self.eval(value)).transpose()?;
                self.leave(Exit::Returned(value, site));
            }
            Op::Settings(settings) => self.change_settings(settings, site)?,
            Op::Baud(rate) => self.change_baud(rate, site)?,
            Op::ControlLines { dtr, rts } => self.set_control_lines(*dtr, *rts, at, site)?,
            Op::InputLines(lines) => self.drive_lines(lines, site)?,
            Op::ExpectInput(input) => self.expect_input(input, site)?,
            Op::Using(port) => self.flow.port = *port,
            Op::Break(lasting) => self.hold_break(lasting, at, site)?,
            Op::Flush => self.flush(),
            Op::Echo(on) => self.ports[self.flow.port].set_echo(*on),
            Op::Hold => self.hold(),
            Op::Release => self.release(),
            Op::End => match self.program.role {
                Role::Flow => self.leave(Exit::Ended),
                Role::Device => {
                    self.flow.at = at;
                    self.serve();
                }
            },
        }
        Ok(())
    }

    fn log(&mut self, value: &Expr, site: Site) -> Result<(), Box<Failure>> {
        let text = self.eval(value)?;
        let text = self.covered(&text);
        // What is told leaves when the world is looked at: not too much of it waits.
        self.fuel.burn(text.len(), HARD);
        self.tell(Some(site), EventKind::Logged { text });
        Ok(())
    }
}
