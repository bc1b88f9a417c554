//! `Setup`: a flow, what plays the other end of its line, and what was given, joined to a run that can begin.
//!
//! Every run begins here, in the same steps. [`read_program`] reads the flow. [`find_counterpart`] finds what plays the
//! other end. [`Setup::join`] joins both with what was given. [`Setup::beginning`] gives the seed and the time of day.
//! [`Setup::stage`] makes engine and world. What goes wrong is a [`SetupError`]: data, which the caller puts into
//! words.

mod about;
mod counterpart;
mod error;
mod files;
mod held;
mod reached;
mod served;
mod several;
mod stage;
mod traced;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address::covered;
use crate::diagnostic::Diagnostic;
use crate::engine::{Engine, Inputs, PortInputs, Rigour};
use crate::port::PortId;
use crate::program::{GivenLimits, Program};
use crate::settings::Settings;
use crate::sim::{VIRTUAL_BEGINNING, VIRTUAL_SEED, device_inputs};
use crate::source::name_of;
use crate::transport::unix_millis;
use crate::value::Value;
use crate::variables::{Given, Offered, Origin, Ways};
pub(crate) use counterpart::{Counterpart, End, Pace};
pub(crate) use error::{Complaint, SetupError};
pub(crate) use files::{
    Found, Read, devices_of, find_counterpart, read_edited, read_program, read_recording, read_text, read_text_here,
};
pub(crate) use held::HeldRecording;
pub(crate) use reached::{reach, settings_of};
pub(crate) use served::{Served, ServedBench};
pub(crate) use stage::{Ender, Stage};
use traced::Traces;

/// What was given to a run besides its files.
#[derive(Default)]
pub(crate) struct Terms {
    /// For the variables of the flow.
    pub variables: Offered,
    /// For the variables of the device, those of one of several with the name of its port: `relay.NAME`; for a recording, the
    /// values of secrets.
    pub device_variables: Offered,
    /// The settings of each line instead of the flow's own.
    pub settings: Option<Vec<Settings>>,
    /// Limits of measurements instead of the flow's own; names that it does not measure are passed over.
    pub limits: GivenLimits,
    /// The variables of received files that are kept outside.
    pub kept_files: Vec<String>,
    /// Whether the run may pass though a clean-up failed.
    pub rigour: Rigour,
    /// What the caller has found wrong itself: it is reported with what is wrong here.
    pub problems: Vec<Diagnostic>,
}

/// A flow and its counterpart, joined with what was given to both.
#[derive(Clone)]
pub(crate) struct Setup {
    flow: Arc<Program>,
    file: PathBuf,
    variables: HashMap<String, Value>,
    /// Of each line.
    settings: Vec<Settings>,
    counterpart: Counterpart,
    /// The variables of the device of each port; none of a port whose other end is no device.
    device_variables: Vec<HashMap<String, Value>>,
    /// The given values of secrets that have names in the recording.
    secrets: Vec<(Arc<str>, Vec<u8>)>,
    rigour: Rigour,
    /// What takes note of what is executed, if somebody asked.
    traces: Option<Traces>,
}

/// What a run begins with: the same beginning gives the same run, but for what a real port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The seed of everything random.
    pub seed: u64,
    /// Unix time in milliseconds.
    pub unix_millis: i64,
}

impl Setup {
    /// Joins a flow with its counterpart and with what was given. A recording brings the variables of its run; what is
    /// given counts before them.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the variables, and the caller's own problems.
    pub(crate) fn join(
        flow: Arc<Program>,
        file: &Path,
        counterpart: Counterpart,
        terms: Terms,
    ) -> Result<Setup, SetupError> {
        let mut offered = terms.variables;
        let mut secrets = Vec::new();
        let mut device_variables = Ok(Vec::new());
        let mut complaints = Vec::new();
        match &counterpart {
            Counterpart::Real(_) => {}
            Counterpart::Device(device) => {
                device_variables = bound(terms.device_variables, device).map(|one| vec![one]).map_err(|one| vec![one]);
            }
            Counterpart::Several(ends) => device_variables = several::variables(&flow, ends, terms.device_variables),
            Counterpart::Recording(recording) => {
                let recorded = recording.variables.iter();
                let recorded = recorded.map(|(name, value)| Given::new(name, value, Origin::Recording));
                offered.given.extend(recorded);
                let given = terms.device_variables.given.into_iter();
                secrets = given.map(|given| (Arc::from(given.name), given.value.into_octets())).collect();
            }
        }
        let (variables, mut problems) = match offered.bind(&flow, Ways::OF_FILE) {
            Ok(variables) => (variables, Vec::new()),
            Err(problems) => (HashMap::new(), problems),
        };
        problems.extend(terms.problems);
        if !problems.is_empty() {
            complaints.push(Complaint { problems, sources: flow.sources.clone() });
        }
        match device_variables {
            Ok(device_variables) if complaints.is_empty() => {
                let settings = terms.settings.unwrap_or_else(|| line_settings(&flow));
                let file = file.to_path_buf();
                let rigour = terms.rigour;
                let flow = flow.with_limits(&terms.limits).keeping_files(&terms.kept_files);
                Ok(Setup {
                    flow,
                    file,
                    variables,
                    settings,
                    counterpart,
                    device_variables,
                    secrets,
                    rigour,
                    traces: None,
                })
            }
            Ok(_) => Err(SetupError::Wrong(complaints)),
            Err(more) => {
                complaints.extend(more);
                Err(SetupError::Wrong(complaints))
            }
        }
    }

    /// Returns the flow.
    pub(crate) fn flow(&self) -> &Arc<Program> {
        &self.flow
    }

    /// Returns the file of the flow, as the user named it.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the secrets of the flow that were given.
    pub(crate) fn given_secrets(&self) -> impl Iterator<Item = Vec<u8>> {
        let secrets = self.flow.params.iter().filter(|param| param.is_secret);
        secrets.filter_map(|param| self.variables.get(&param.name)).map(Value::octets)
    }

    /// Returns what plays the other end.
    pub(crate) fn counterpart(&self) -> &Counterpart {
        &self.counterpart
    }

    /// Returns what the run begins with if nobody wants anything else: a real run with a seed that nobody can guess, a
    /// simulated one the same each time, a replayed one as it was recorded.
    ///
    /// # Errors
    ///
    /// The system gives no random seed.
    pub(crate) fn beginning(&self) -> Result<Beginning, SetupError> {
        match (&self.counterpart, self.counterpart.pace()) {
            (Counterpart::Recording(recording), _) => Ok(self.beginning_with(recording.seed)),
            (_, Pace::Real) => Ok(Beginning { seed: fresh_seed()?, unix_millis: present() }),
            (_, Pace::Virtual) => Ok(self.beginning_with(VIRTUAL_SEED)),
        }
    }

    /// Returns what the run begins with if its seed is this.
    pub(crate) fn beginning_with(&self, seed: u64) -> Beginning {
        let unix_millis = match (&self.counterpart, self.counterpart.pace()) {
            (Counterpart::Recording(recording), _) => recording.begun,
            (_, Pace::Real) => present(),
            (_, Pace::Virtual) => VIRTUAL_BEGINNING,
        };
        Beginning { seed, unix_millis }
    }

    /// Returns what the engine of the flow is given; `addresses` are what reports call its ports, one for each or one for all.
    pub(crate) fn inputs(&self, beginning: Beginning, addresses: &[String]) -> Inputs {
        let address = |at: usize| addresses.get(at).or(addresses.last()).cloned().unwrap_or_default();
        let port = |(at, settings): (usize, &Settings)| PortInputs {
            address: covered(&address(at)).into_owned(),
            carrier: self.counterpart.carrier(at),
            settings: settings.clone(),
        };
        Inputs {
            variables: self.variables.clone(),
            seed: beginning.seed,
            begun: beginning.unix_millis,
            file: name_of(&self.file),
            ports: self.settings.iter().enumerate().map(port).collect(),
        }
    }

    /// Returns the devices and what their engines are given in a run whose flow is given `flow`, in the order of the ports; `None`
    /// if something else plays an other end.
    pub(crate) fn devices(&self, flow: &Inputs) -> Option<Vec<(Arc<Program>, Inputs)>> {
        let with_inputs = |(at, device): (usize, &Arc<Program>)| (device.clone(), self.device_inputs(flow, at, device));
        let all: Option<Vec<_>> = self.counterpart.devices().collect();
        all.map(|all| all.into_iter().enumerate().map(with_inputs).collect())
    }

    /// Returns what the engine of the device at a port is given.
    fn device_inputs(&self, flow: &Inputs, at: usize, device: &Program) -> Inputs {
        let variables = self.device_variables.get(at).cloned().unwrap_or_default();
        let port = PortId::new(at).expect("a flow has no more ports than can be numbered");
        device_inputs(flow, port, variables, device.settings.clone())
    }

    /// Returns the same run with other devices: `change` is given each with the place of its port, and returns what plays there.
    pub(crate) fn with_devices_changed(&self, change: impl FnMut(usize, &Arc<Program>) -> Arc<Program>) -> Setup {
        Setup { counterpart: self.counterpart.with_devices_changed(change), ..self.clone() }
    }

    /// Returns an engine for the flow.
    pub(crate) fn engine(&self, inputs: Inputs) -> Engine {
        let trace = self.traces.as_ref().map(|traces| &traces.flow);
        let engine = Engine::new(self.flow.clone(), inputs).with_rigour(self.rigour).traced(trace);
        let devices = (0..).map_while(PortId::new).zip(self.counterpart.devices());
        devices.fold(engine, |engine, (port, device)| match device {
            Some(device) => engine.facing(port, device.settings.line.clone()),
            None => engine,
        })
    }
}

/// Returns the settings of each line of a flow.
pub(crate) fn line_settings(flow: &Program) -> Vec<Settings> {
    match flow.ports.as_slice() {
        [] => vec![flow.settings.clone()],
        ports => ports.iter().map(|port| port.settings.clone()).collect(),
    }
}

/// Returns the variables of a device; what is wrong with them otherwise.
fn bound(offered: Offered, device: &Program) -> Result<HashMap<String, Value>, Complaint> {
    let bound = offered.bind(device, Ways::OF_DEVICE);
    bound.map_err(|problems| Complaint { problems, sources: device.sources.clone() })
}

/// Returns a seed that nobody can guess.
///
/// # Errors
///
/// The system gives none.
pub(crate) fn fresh_seed() -> Result<u64, SetupError> {
    getrandom::u64().map_err(|error| SetupError::NoSeed(error.to_string()))
}

/// Returns the present Unix time in milliseconds.
pub(crate) fn present() -> i64 {
    i64::try_from(unix_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
