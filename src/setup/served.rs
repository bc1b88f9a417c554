//! `Served`: a device joined with what was given, to be served to other programs; `ServedBench`: all devices of a flow.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Complaint, Counterpart, SetupError, bound, find_counterpart, fresh_seed, line_settings, present, several};
use crate::address::Address;
use crate::engine::{Engine, Inputs, PortInputs};
use crate::event::CloseReason;
use crate::port::PortId;
use crate::program::Program;
use crate::sim::{SimBench, SimWorld, device_inputs};
use crate::source::name_of;
use crate::transport::{AnyPort, BridgeEnd, Clock, Interrupt, Pair, bridge, in_words, join_several};
use crate::value::Value;
use crate::variables::{Offered, Ways};
use crate::world::Simulated;

/// A device that can be served.
pub(crate) struct Served {
    device: Arc<Program>,
    variables: HashMap<String, Value>,
    seed: u64,
}

impl Served {
    /// Joins a device with what was given to it. Without a seed it gets one that nobody can guess.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the variables, or that the system gives no seed.
    pub(crate) fn join(device: Arc<Program>, offered: Offered, seed: Option<u64>) -> Result<Served, SetupError> {
        let variables = offered
            .bind(&device, Ways::OF_FILE)
            .map_err(|problems| Complaint { problems, sources: device.sources.clone() })?;
        let seed = seed.map_or_else(fresh_seed, Ok)?;
        Ok(Served { device, variables, seed })
    }

    /// Makes the engine of the device in a file, which is served at a port; its time of day is that of the machine.
    pub(crate) fn engine(self, file: &Path, port: String) -> Engine {
        let inputs = Inputs {
            variables: self.variables,
            seed: self.seed,
            begun: present(),
            file: name_of(file),
            ports: vec![PortInputs::serial(port, &self.device.settings)],
        };
        Engine::new(self.device, inputs)
    }
}

/// The devices of a flow, which can be served together.
pub(crate) struct ServedBench {
    /// The port, its device, and what this is given.
    devices: Vec<(String, Arc<Program>, Inputs)>,
}

impl ServedBench {
    /// Joins the devices that a flow names with what was given to them, those of one of several with the name of its port. Without
    /// a seed they get one that nobody can guess.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with a file or the variables, or that the system gives no seed.
    pub(crate) fn join(
        flow: &Arc<Program>,
        file: &Path,
        offered: Offered,
        seed: Option<u64>,
    ) -> Result<ServedBench, SetupError> {
        let found = find_counterpart(&[Address::OwnDevice], file, flow)?;
        let variables = match &found.counterpart {
            Counterpart::Device(device) => vec![bound(offered, device)?],
            Counterpart::Several(ends) => several::variables(flow, ends, offered).map_err(SetupError::Wrong)?,
            Counterpart::Real(_) | Counterpart::Recording(_) => return Err(SetupError::NoCounterpart),
        };
        let settings = line_settings(flow);
        let whole = Inputs {
            variables: HashMap::new(),
            seed: seed.map_or_else(fresh_seed, Ok)?,
            begun: present(),
            file: name_of(file),
            ports: settings.iter().map(|settings| PortInputs::serial("", settings)).collect(),
        };
        let names = flow.ports.iter().map(|port| port.name.clone()).chain([String::new()]);
        let devices = (0..).map_while(PortId::new).zip(found.counterpart.devices().flatten()).zip(variables).zip(names);
        let devices = devices.map(|(((port, device), variables), name)| {
            let inputs = device_inputs(&whole, port, variables, device.settings.clone());
            (name, device.clone(), inputs)
        });
        Ok(ServedBench { devices: devices.collect() })
    }

    /// Returns the names of the ports; one that the flow does not name is empty.
    pub(crate) fn names(&self) -> Vec<String> {
        self.devices.iter().map(|(name, ..)| name.clone()).collect()
    }

    /// Joins each device with a port that other programs open, and serves them until someone wants it to end or a port is gone:
    /// the name of the port, and why.
    ///
    /// # Errors
    ///
    /// The system cannot wait for so many ports.
    pub(crate) fn serve(
        self,
        ports: Vec<AnyPort>,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> Result<Option<(String, CloseReason)>, SetupError> {
        let n = self.devices.len();
        let names = self.names();
        let id = |at: usize| PortId::new(at).expect("a flow has no more ports than can be numbered");
        let pairs: Vec<Pair> = (self.devices.iter().enumerate())
            .map(|(at, (_, device, _))| Pair {
                device: id(at),
                served: id(n + at),
                settings: device.settings.line.clone(),
            })
            .collect();
        let worlds = self.devices.into_iter().enumerate();
        let worlds =
            worlds.map(|(at, (_, device, inputs))| (id(at), SimWorld::new(Engine::new(device, inputs)).followed()));
        let bench: Box<dyn Simulated> = Box::new(SimBench::at(worlds));
        let ports = ports.into_iter().enumerate().map(|(at, port)| (id(n + at), port));
        let mut world = join_several(ports, Some(bench), clock, interrupt)
            .map_err(|error| SetupError::NoWait { n_ports: n, why: in_words(&error) })?;
        match bridge(&mut world, &pairs) {
            BridgeEnd::Interrupted => Ok(None),
            BridgeEnd::Closed(port, reason) => Ok(Some((names[port.index() % n].clone(), reason))),
        }
    }
}
