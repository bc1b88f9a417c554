//! How a run begins: its header, its params, its ports.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::exec::spare::Spare;
use super::exec::watch::Prefilters;
use super::flow::Flow;
use super::journal::Journal;
use super::port::Ports;
use super::{Engine, Inputs, State, Tally};
use crate::diagnostic::Code;
use crate::event::{EventKind, Failure, RunHeader, RunPort};
use crate::function::Ambient;
use crate::port::{PortCommand, PortId};
use crate::program::{Param, Program, Role, Slot};
use crate::time::Moment;
use crate::value::Value;
use crate::value::random::Rng;
use crate::value::taint::Marked;

impl Engine {
    /// Makes an engine; it begins with the first [`Engine::poll`]. `inputs` has at least one port.
    pub fn new(program: Arc<Program>, inputs: Inputs) -> Engine {
        let settings = inputs.ports.iter().map(|port| port.settings.clone());
        let mut engine = Engine {
            now: Moment::START,
            state: State::Opening,
            ports: Ports::new(program.role, settings),
            flow: Flow::new(&program),
            journal: Journal::default(),
            ambient: Ambient { rng: Rng::from_seed(inputs.seed), unix_millis: inputs.begun },
            tally: Tally::default(),
            prefilters: Prefilters::default(),
            spare: Spare::default(),
            due: None,
            fuel: Default::default(),
            regexes: HashMap::new(),
            search: RefCell::default(),
            program,
            inputs,
        };
        let encodings: Vec<_> = engine.ports.iter().filter_map(|port| port.settings.encoding).collect();
        encodings.into_iter().for_each(|encoding| engine.journal.know_encoding(encoding));
        engine.begin();
        engine
    }

    /// Tells that the run begins, sets the params, and opens the ports.
    fn begin(&mut self) {
        let header = RunHeader {
            title: self.program.title.clone(),
            kind: match self.program.role {
                Role::Flow => "flow".to_string(),
                Role::Device => "device".to_string(),
            },
            file: self.inputs.file.clone(),
            port: self.address(self.flow.port).to_string(),
            line: self.ports[self.flow.port].settings.line.to_string(),
            has_line: self.inputs.ports[self.flow.port.index()].carrier.has_line(),
            ports: self.run_ports(),
            seed: self.inputs.seed,
        };
        self.tell(None, EventKind::RunStarted(Box::new(header)));
        if let Some(port) = self.program.ports.get(self.inputs.ports.len()) {
            let message = format!("the flow has {} ports, and the run has fewer", self.program.ports.len());
            let failure = self.failure_at(Code::RunPort, port.site, message, "has no address");
            return self.fail(failure);
        }
        if let Err(failure) = self.set_params() {
            return self.fail(failure);
        }
        for port in self.ports.ids() {
            let settings = self.ports[port].settings.line.clone();
            self.command(port, PortCommand::Open { settings });
        }
    }

    /// Returns the ports that the flow declares, as far as the run has them.
    fn run_ports(&self) -> Vec<RunPort> {
        let ports = self.program.ports.iter().zip(&self.inputs.ports);
        let port = ports.map(|(declared, given)| RunPort {
            name: declared.name.clone(),
            address: given.address.clone(),
            line: given.settings.line.to_string(),
            has_line: given.carrier.has_line(),
        });
        port.collect()
    }

    /// Returns what the user calls a port.
    pub(super) fn address(&self, port: PortId) -> &str {
        &self.inputs.ports[port.index()].address
    }

    /// Sets each param to what was given, or to its default.
    fn set_params(&mut self) -> Result<(), Box<Failure>> {
        let program = self.program.clone();
        for param in &program.params {
            let value = match (self.inputs.variables.get(&param.name), &param.default) {
                (Some(given), _) => given.clone().into(),
                (None, Some(default)) => {
                    let value = self.eval_at(default, param.site)?;
                    self.fits(param, &value.value)?;
                    value
                }
                (None, None) => continue,
            };
            let value = match (param.is_file, value) {
                (true, Marked { value: Value::Text(octets), taint }) => Marked { value: Value::Bytes(octets), taint },
                (_, value) => value,
            };
            let value = if param.is_secret { self.made_secret(&param.name, value, param.site)? } else { value };
            self.put(Slot::Global(param.slot), value, param.site)?;
        }
        for wire in &program.main.wires {
            self.put(Slot::Global(wire.slot), wire.initial.clone().into(), wire.site)?;
        }
        Ok(())
    }

    /// Fails if the default of a param, which may be computed, does not fit its regex.
    fn fits(&self, param: &Param, value: &Value) -> Result<(), Box<Failure>> {
        match &param.matches {
            Some((text, regex)) if !regex.is_match(&value.show()) => {
                let message = format!("the default of `{}` does not match `/{text}/`", param.name);
                Err(self.failure_at(Code::RunValue, param.site, message, "does not match as a whole"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
