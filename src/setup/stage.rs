//! `Stage`: an engine, the world that it acts on, and the texts that both tell of.

use super::{Counterpart, Setup, SetupError};
use crate::engine::{Engine, Inputs};
use crate::program::Op;
use crate::replay::{ReplayWorld, Timing};
use crate::sim::{SimWorld, Stand, Texts};
use crate::source::Sources;
use crate::transport::{Clock, Interrupt, open};
use crate::world::World;

/// A run that begins with [`crate::world::run`].
pub(crate) struct Stage {
    pub engine: Engine,
    pub world: Box<dyn World>,
    /// The texts that the sites of its events point into.
    pub sources: Sources,
}

/// Who may end a run from outside.
#[derive(Clone, Debug)]
pub(crate) enum Ender {
    /// Nobody.
    Nobody,
    /// Whoever raises this.
    Interrupt(Interrupt),
}

impl Ender {
    /// Returns whoever presses Ctrl-C, or asks the process to end.
    ///
    /// # Errors
    ///
    /// The system refuses the handler.
    pub(crate) fn installed() -> Result<Ender, SetupError> {
        let interrupt = Interrupt::installed().map_err(|error| SetupError::NoInterrupt(error.to_string()))?;
        Ok(Ender::Interrupt(interrupt))
    }

    /// Says whether the run is to end.
    pub(crate) fn wants_end(&self) -> bool {
        match self {
            Ender::Nobody => false,
            Ender::Interrupt(interrupt) => interrupt.is_raised(),
        }
    }

    /// Returns what every wait for a real port watches.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn interrupt(&self) -> Result<Interrupt, SetupError> {
        match self {
            Ender::Nobody => Interrupt::new().map_err(|error| SetupError::NoInterrupt(error.to_string())),
            Ender::Interrupt(interrupt) => Ok(interrupt.clone()),
        }
    }
}

impl Setup {
    /// Makes engine and world; nothing is opened before the run begins.
    ///
    /// # Errors
    ///
    /// The system gives no interrupt.
    pub(crate) fn stage(&self, inputs: Inputs, ender: &Ender) -> Result<Stage, SetupError> {
        let flow = self.flow();
        match self.counterpart() {
            Counterpart::Real(port) => {
                let world = Box::new(open(port, Clock::start(), ender.interrupt()?));
                Ok(Stage { engine: self.engine(inputs), world, sources: (*flow.sources).clone() })
            }
            Counterpart::Device(device) => {
                let (sources, texts) = Texts::join(&flow.sources, &device.sources);
                let device_inputs = self.device_inputs(&inputs, device);
                let sim = SimWorld::new(Engine::new(device.clone(), device_inputs));
                let ender = ender.clone();
                let world = Box::new(Stand::new(sim, texts, move || ender.wants_end()));
                Ok(Stage { engine: self.engine(inputs), world, sources })
            }
            Counterpart::Recording(recording) => {
                let engine = self.engine(inputs);
                let secrets = [&self.secrets[..], engine.secrets()].concat();
                let asks = flow.ops.iter().any(|op| matches!(op, Op::Ask(_)));
                let timing = if asks { Timing::Quicker } else { Timing::Same };
                let world = Box::new(ReplayWorld::new(recording, &secrets, timing));
                Ok(Stage { engine, world, sources: (*flow.sources).clone() })
            }
        }
    }
}
