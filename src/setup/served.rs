//! `Served`: a device joined with what was given, to be served to other programs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Complaint, SetupError, fresh_seed, present};
use crate::engine::{Engine, Inputs, PortInputs};
use crate::program::Program;
use crate::source::name_of;
use crate::value::Value;
use crate::variables::{Offered, Ways};

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
