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

/// Covers the secrets that an engine knows before its run begins: they may stand in a text, in that of a device for instance.
fn covered(mut sources: Sources, engine: &Engine) -> Sources {
    engine.secrets().iter().for_each(|(_, secret)| sources.hide(secret));
    sources
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
                let engine = self.engine(inputs);
                let sources = covered((*flow.sources).clone(), &engine);
                Ok(Stage { engine, world, sources })
            }
            Counterpart::Device(device) => {
                let (sources, texts) = Texts::join(&flow.sources, &device.sources);
                let mut device_engine = Engine::new(device.clone(), self.device_inputs(&inputs, device));
                let engine = self.engine(inputs);
                let sources = covered(covered(sources, &engine), &device_engine);
                // What the device says of its failure is cut before the flow sees it.
                device_engine.know(engine.secrets());
                let ender = ender.clone();
                let world = Box::new(Stand::new(SimWorld::new(device_engine), texts, move || ender.wants_end()));
                Ok(Stage { engine, world, sources })
            }
            Counterpart::Recording(recording) => {
                let engine = self.engine(inputs);
                let secrets = [&self.secrets[..], engine.secrets()].concat();
                let asks = flow.ops.iter().any(|op| matches!(op, Op::Ask(_)));
                let timing = if asks { Timing::Quicker } else { Timing::Same };
                let world = Box::new(ReplayWorld::new(recording, &secrets, timing));
                let sources = covered((*flow.sources).clone(), &engine);
                Ok(Stage { engine, world, sources })
            }
        }
    }
}
