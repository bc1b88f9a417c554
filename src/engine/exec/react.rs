//! A device reacts to what is no line: control lines, hooks and wires.

use crate::diagnostic::Code;
use crate::engine::flow::{ScopeIs, Stimulus};
use crate::engine::{Action, Engine, State};
use crate::event::{Failure, HookCall, HookEnd};
use crate::program::{Expr, Handler, Role, Slot, Trigger};
use crate::source::Site;
use crate::value::Value;

impl Engine {
    /// Returns how a hook ends that reaches this device: as it should if the device has a handler that takes what is given.
    pub(crate) fn takes_hook(&self, call: &HookCall) -> HookEnd {
        let given = call.arguments.len();
        let mut takes = self.program.main.handlers.iter().filter_map(|handler| match &handler.trigger {
            Trigger::Hook { name, parameters } if *name == call.name => Some(*parameters),
            Trigger::Hook { .. } | Trigger::Signal(_) | Trigger::Wire(_) => None,
        });
        let values = |n: usize| if n == 1 { "1 value".to_string() } else { format!("{n} values") };
        if takes.clone().any(|n| n == given) {
            return HookEnd::Done;
        }
        match takes.next_back() {
            Some(n) => HookEnd::Failed {
                why: format!("gives {}, and the simulated device takes {}", values(given), values(n)),
                help: format!("write {} in the device `{}`", handler_line(call), self.program.title),
            },
            None => HookEnd::Failed {
                why: "reaches no simulated device that knows it".to_string(),
                help: format!("add {} to the device `{}`", handler_line(call), self.program.title),
            },
        }
    }

    /// Takes note of something that reaches a device.
    pub(in crate::engine) fn stimulated(&mut self, stimulus: Stimulus) {
        if self.program.role == Role::Device && !matches!(self.state, State::Over(_)) {
            self.flow.add_stimulus(stimulus);
            self.react();
        }
    }

    /// Runs the block for what reached a device first, if it serves.
    pub(in crate::engine) fn react(&mut self) {
        while matches!(self.state, State::Serving) {
            let Some(stimulus) = self.flow.take_stimulus() else { return };
            let program = self.program.clone();
            let Some(handler) = program.main.handlers.iter().find(|handler| stimulus.fits(handler)) else { continue };
            let mut locals = vec![None; handler.locals];
            if let Stimulus::Hook(call) = stimulus {
                let given = call.arguments.into_iter().map(|argument| Some(Value::Text(argument).into()));
                locals.iter_mut().zip(given).for_each(|(local, given)| *local = given);
            }
            let suspended = std::mem::replace(&mut self.state, State::Ready);
            self.flow.open(ScopeIs::Handler(suspended), self.journal.holds());
            self.flow.call_stimulated(handler.entry, locals);
        }
    }

    /// `compute power = "on"`: gives a wire a value, and tells of it if it is another than before.
    pub(super) fn set_wire(&mut self, wire: usize, value: &Expr, site: Site) -> Result<(), Box<Failure>> {
        let value = self.eval(value)?;
        let program = self.program.clone();
        let declared = &program.main.wires[wire];
        let slot = Slot::Global(declared.slot);
        if !value.taint.is_nothing() {
            let message = format!("the wire `{}` cannot hold a secret", declared.name);
            let failure = self.failure_at(Code::RunValue, site, message, "holds a secret");
            return Err(failure.with_cause("the other devices of the bench would show it: keep it in a `state`"));
        }
        if self.flow.get(slot) == Some(&value.value) {
            return Ok(());
        }
        let told = value.value.clone();
        self.put(slot, value, site)?;
        self.journal.act(Action::Wire { name: declared.name.clone(), value: told });
        self.flow.add_stimulus(Stimulus::Wire(declared.name.clone()));
        Ok(())
    }

    /// Takes note that another device gave a wire a value.
    pub(in crate::engine) fn wire_changed(&mut self, name: String, value: Value) {
        let program = self.program.clone();
        let Some(declared) = program.main.wires.iter().find(|wire| wire.name == name) else { return };
        let slot = Slot::Global(declared.slot);
        if matches!(self.state, State::Over(_)) || self.flow.get(slot) == Some(&value) {
            return;
        }
        match self.put(slot, value.into(), declared.site) {
            Ok(()) => self.stimulated(Stimulus::Wire(name)),
            Err(failure) => self.fail(failure),
        }
    }
}

impl Stimulus {
    /// Whether a handler deals with it.
    fn fits(&self, handler: &Handler) -> bool {
        match (self, &handler.trigger) {
            (Stimulus::Signal(signal), Trigger::Signal(wanted)) => signal == wanted,
            (Stimulus::Wire(name), Trigger::Wire(wanted)) => name == wanted,
            (Stimulus::Hook(call), Trigger::Hook { name, parameters }) => {
                call.name == *name && call.arguments.len() == *parameters
            }
            (
                Stimulus::Signal(_) | Stimulus::Wire(_) | Stimulus::Hook(_),
                Trigger::Signal(_) | Trigger::Wire(_) | Trigger::Hook { .. },
            ) => false,
        }
    }
}

/// Returns how the handler begins that takes a hook.
fn handler_line(call: &HookCall) -> String {
    let names: Vec<String> = match call.arguments.len() {
        0 => Vec::new(),
        1 => vec!["value".to_string()],
        n => (1..=n).map(|i| format!("value_{i}")).collect(),
    };
    let names = if names.is_empty() { String::new() } else { format!("({}) ", names.join(", ")) };
    format!("`on hook \"{}\" {names}{{ … }}`", call.name)
}
