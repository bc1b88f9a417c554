//! `Stand`: the simulated world for a run that somebody looks at: they can end it, and where its device fails can be shown.

use std::time::Duration;

use crate::event::{CloseReason, Failure, HookCall, HookEnd};
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::source::{Site, SourceId, Sources};
use crate::time::Moment;
use crate::value::Value;
use crate::world::{Simulated, World};

/// A simulated world that can be stopped, and whose devices fail in the texts of all sides.
#[derive(Debug)]
pub struct Stand<W, F> {
    world: W,
    wants_stop: F,
    /// Whether the run has been told to stop.
    is_told: bool,
    now: Moment,
    /// Those of the device at each port.
    texts: Vec<Texts>,
}

/// How the texts of a device are called among those of the flow and its devices; the default is of a port without a device.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    ids: Vec<(SourceId, SourceId)>,
}

impl Texts {
    /// Returns the texts of a flow with those of a device behind them; sites of the flow stay what they are.
    #[must_use]
    pub fn join(flow: &Sources, device: &Sources) -> (Sources, Texts) {
        let mut all = flow.clone();
        all.hide_all_of(device);
        let ids = device.iter().map(|(id, source)| (id, all.add(source.clone()))).collect();
        (all, Texts { ids })
    }

    /// Makes the sites of a device's failure those of the joined texts.
    fn translate(&self, failure: &mut Failure) {
        let site_of = |site: Site| {
            let joined = self.ids.iter().find(|(id, _)| *id == site.source);
            Site { source: joined.map_or(site.source, |(_, joined)| *joined), span: site.span }
        };
        failure.site = failure.site.map(site_of);
        for label in &mut failure.others {
            label.site = site_of(label.site);
        }
    }
}

impl<W: World, F: Fn() -> bool> Stand<W, F> {
    /// Makes the world of devices whose texts have been joined with the flow's, those of each port at its place. `wants_stop` is
    /// asked before every wait; the first time that it says so the run is interrupted.
    #[must_use]
    pub fn new(world: W, texts: Vec<Texts>, wants_stop: F) -> Stand<W, F> {
        Stand { world, wants_stop, is_told: false, now: Moment::START, texts }
    }
}

impl<W: World, F: Fn() -> bool> World for Stand<W, F> {
    fn capabilities(&self) -> Capabilities {
        self.world.capabilities()
    }

    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.world.perform(port, command);
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.world.news(received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.world.arrived(received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if !self.is_told && (self.wants_stop)() {
            self.is_told = true;
            return (self.now, Happening::Interrupt);
        }
        let (now, mut happening) = self.world.wait(until, received);
        self.now = now;
        if let Happening::Closed(port, CloseReason::DeviceFailed(failure)) = &mut happening
            && let Some(texts) = self.texts.get(port.index())
        {
            texts.translate(failure);
        }
        (now, happening)
    }

    fn behind(&self) -> Duration {
        self.world.behind()
    }
}

impl<W: Simulated, F: Fn() -> bool> Simulated for Stand<W, F> {
    fn due(&mut self) -> Option<Moment> {
        self.world.due()
    }

    fn pass_to(&mut self, now: Moment) {
        self.world.pass_to(now);
    }

    fn share_wires(&mut self) {
        self.world.share_wires();
    }

    fn next_wire(&mut self) -> Option<(String, Value)> {
        self.world.next_wire()
    }

    fn set_wire(&mut self, name: &str, value: &Value) {
        self.world.set_wire(name, value);
    }

    fn hooked(&mut self, call: &HookCall) -> HookEnd {
        self.world.hooked(call)
    }

    fn awaits(&mut self, until: Option<Moment>) {
        self.world.awaits(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Label};
    use crate::source::{Source, Span};

    fn sources(names: &[&str]) -> Sources {
        let mut sources = Sources::default();
        for name in names {
            sources.add(Source::new(*name, "text"));
        }
        sources
    }

    #[test]
    fn a_failure_of_the_device_points_into_the_texts_of_the_device() {
        let device = sources(&["device.flow", "device_lib.flow"]);
        let (joined, texts) = Texts::join(&sources(&["flow.flow", "flow_lib.flow"]), &device);
        let sites: Vec<Site> = device.iter().map(|(source, _)| Site { source, span: Span::new(0, 4) }).collect();
        let mut failure = Failure {
            code: Code::RunAssert,
            site: Some(sites[1]),
            message: String::new(),
            label: String::new(),
            others: vec![Label::new(sites[0], "called here")],
            steps: Vec::new(),
            sent: None,
            came: None,
            cause: None,
            ends_run: false,
        };
        texts.translate(&mut failure);
        assert_eq!(failure.site.map(|site| joined.place(site)).as_deref(), Some("device_lib.flow:1:1"));
        assert_eq!(joined.place(failure.others[0].site), "device.flow:1:1");
    }
}
