//! A run of which is known afterwards what it executed.

use std::sync::Arc;

use super::Setup;
use crate::engine::Trace;
use crate::program::Program;

/// What was executed of the flow, and of the device at each port.
#[derive(Clone)]
pub(crate) struct Traces {
    pub(super) flow: Trace,
    pub(super) devices: Vec<Option<Trace>>,
}

impl Setup {
    /// Returns the same run, of which is known afterwards what it executed.
    pub(crate) fn traced(self) -> Setup {
        let devices = self.counterpart.devices().map(|device| device.map(|device| Trace::of(device))).collect();
        let traces = Traces { flow: Trace::of(&self.flow), devices };
        Setup { traces: Some(traces), ..self }
    }

    /// Returns each program with what was executed of it; nothing if nobody asked for that before.
    pub(crate) fn executed(&self) -> Vec<(&Arc<Program>, &Trace)> {
        let Some(traces) = &self.traces else { return Vec::new() };
        let devices = self.counterpart.devices().zip(&traces.devices);
        let devices = devices.filter_map(|(device, trace)| Some((device?, trace.as_ref()?)));
        std::iter::once((&self.flow, &traces.flow)).chain(devices).collect()
    }
}
