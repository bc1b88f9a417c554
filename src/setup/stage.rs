//! `Stage`: an engine, the world that it acts on, and the texts that both tell of.

use super::{Counterpart, Pace, Setup, SetupError};
use crate::engine::{Engine, Inputs};
use crate::port::PortId;
use crate::program::Op;
use crate::replay::{ReplayWorld, Timing};
use crate::sim::{SimBench, SimWorld, Stand, Texts};
use crate::source::Sources;
use crate::transport::{Clock, Interrupt, Several, in_words, open, open_several};
use crate::world::{Simulated, World};

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
    /// The system gives no interrupt, or cannot wait for several ports.
    pub(crate) fn stage(&self, inputs: Inputs, ender: &Ender) -> Result<Stage, SetupError> {
        let flow = self.flow();
        match self.counterpart() {
            Counterpart::Real(port) => {
                let world = Box::new(open(port, Clock::start(), ender.interrupt()?));
                let engine = self.engine(inputs);
                let sources = covered((*flow.sources).clone(), &engine);
                Ok(Stage { engine, world, sources })
            }
            Counterpart::Device(_) => {
                let (engine, devices, Texted { sources, texts }) = self.with_devices(inputs);
                let world = devices.into_iter().next().expect("there is a device").1;
                let ender = ender.clone();
                let world = Box::new(Stand::new(world, texts, move || ender.wants_end()));
                Ok(Stage { engine, world, sources })
            }
            Counterpart::Several(_) if self.counterpart().pace() == Pace::Virtual => {
                let (engine, devices, Texted { sources, texts }) = self.with_devices(inputs);
                let ender = ender.clone();
                let world = Box::new(Stand::new(SimBench::at(devices), texts, move || ender.wants_end()));
                Ok(Stage { engine, world, sources })
            }
            Counterpart::Several(_) => {
                let (engine, world, sources) = self.stage_on(inputs, Clock::start(), &ender.interrupt()?)?;
                Ok(Stage { engine, world: Box::new(world), sources })
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

    /// Makes engine and world of several ports, of which one is real at least, on a clock that other runs may have too; and the
    /// texts that they tell of.
    ///
    /// # Errors
    ///
    /// The system cannot wait for several ports.
    pub(crate) fn stage_on(
        &self,
        inputs: Inputs,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> Result<(Engine, Several, Sources), SetupError> {
        let (engine, devices, Texted { sources, texts }) = self.with_devices(inputs);
        // The world itself hears who wants the end.
        let stand = |devices| Box::new(Stand::new(SimBench::at(devices), texts, || false)) as Box<dyn Simulated>;
        let bench = (!devices.is_empty()).then(|| stand(devices));
        let ids = self.counterpart().real_ports().filter_map(|(at, port)| Some((PortId::new(at)?, port)));
        let world = open_several(ids, bench, clock, interrupt)
            .map_err(|error| SetupError::NoWait { n_ports: self.settings.len(), why: in_words(&error) })?;
        Ok((engine, world, sources))
    }

    /// Makes the engine of the flow, and the worlds of the devices at its ports.
    fn with_devices(&self, inputs: Inputs) -> (Engine, Vec<(PortId, SimWorld)>, Texted) {
        let mut sources = (*self.flow().sources).clone();
        let (mut texts, mut devices) = (Vec::new(), Vec::new());
        for (at, device) in self.counterpart().devices().enumerate() {
            let Some(device) = device else {
                texts.push(Texts::default());
                continue;
            };
            let (joined, of_device) = Texts::join(&sources, &device.sources);
            sources = joined;
            texts.push(of_device);
            let port = PortId::new(at).expect("a flow has no more ports than can be numbered");
            let trace = self.traces.as_ref().and_then(|traces| traces.devices.get(at)?.as_ref());
            let engine = Engine::new(device.clone(), self.device_inputs(&inputs, at, device)).traced(trace);
            devices.push((port, engine));
        }
        let engine = self.engine(inputs);
        let sources = covered(sources, &engine);
        let sources = devices.iter().fold(sources, |sources, (_, device)| covered(sources, device));
        let with_world = |(port, mut device): (PortId, Engine)| {
            // What the device says of its failure is cut before the flow sees it.
            device.know(engine.secrets());
            (port, SimWorld::new(device))
        };
        let devices = devices.into_iter().map(with_world).collect();
        (engine, devices, Texted { sources, texts })
    }
}

/// The texts of a flow and of its devices, and those of the device at each port.
struct Texted {
    sources: Sources,
    texts: Vec<Texts>,
}
