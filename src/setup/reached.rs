//! `reach`: one port with whatever plays its other end, in real time, beside ports of the caller: for a terminal.

use super::{Complaint, Counterpart, SetupError, bound, fresh_seed, present};
use crate::engine::{Engine, Inputs, PortInputs};
use crate::port::PortId;
use crate::settings::Settings;
use crate::sim::{SimBench, SimWorld};
use crate::transport::{AnyPort, Clock, Interrupt, Several, in_words, join_several, open};
use crate::variables::Offered;
use crate::world::Simulated;

/// Returns the world of a port, the first, and of the caller's own ports. Nothing is opened yet.
///
/// # Errors
///
/// What is wrong with the variables of a device, that a recording cannot be reached so, or what the system refuses.
pub(crate) fn reach(
    counterpart: &Counterpart,
    variables: Offered,
    own: Vec<(PortId, AnyPort)>,
    clock: Clock,
    interrupt: &Interrupt,
) -> Result<Several, SetupError> {
    let mut ports = own;
    let mut bench: Option<Box<dyn Simulated>> = None;
    match counterpart {
        Counterpart::Real(port) => ports.push((PortId::FIRST, open(port, clock, interrupt.clone()))),
        Counterpart::Device(device) => {
            let variables =
                bound(variables, device).map_err(|complaint: Complaint| SetupError::Wrong(vec![complaint]))?;
            let inputs = Inputs {
                variables,
                seed: fresh_seed()?,
                begun: present(),
                file: String::new(),
                ports: vec![PortInputs::serial("", &device.settings)],
            };
            let world = SimWorld::new(Engine::new(device.clone(), inputs));
            bench = Some(Box::new(SimBench::at([(PortId::FIRST, world)])));
        }
        Counterpart::Recording(_) | Counterpart::Several(_) => return Err(SetupError::NoCounterpart),
    }
    let n_ports = ports.len();
    join_several(ports, bench, clock, interrupt).map_err(|error| SetupError::NoWait { n_ports, why: in_words(&error) })
}

/// Returns the settings that a port is used with if nobody says otherwise: those of the line of a simulated device.
pub(crate) fn settings_of(counterpart: &Counterpart) -> Settings {
    let mut settings = Settings::default();
    if let Counterpart::Device(device) = counterpart {
        settings.line = device.settings.line.clone();
        settings.encoding = device.settings.encoding;
    }
    settings
}
