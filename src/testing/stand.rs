//! `Stand`: the simulated world with the texts of both sides joined, and somebody who may want it to stop.

use crate::event::{CloseReason, Failure};
use crate::sim::SimWorld;
use crate::source::{Site, SourceId, Sources};
use crate::time::Moment;
use crate::world::{Happening, PortCommand, World};

/// What the texts of a device are called among those of the flow and the device.
pub(super) type Ids = Vec<(SourceId, SourceId)>;

/// Returns the texts of a flow with those of a device behind them; sites of the flow stay what they are.
pub(super) fn join(flow: &Sources, device: &Sources) -> (Sources, Ids) {
    let mut all = flow.clone();
    let ids = device.iter().map(|(id, source)| (id, all.add(source.clone()))).collect();
    (all, ids)
}

/// A simulated world that can be stopped and whose device fails in the joined texts.
pub(super) struct Stand<'a> {
    world: SimWorld,
    ids: Ids,
    wants_stop: &'a dyn Fn() -> bool,
    is_told: bool,
    now: Moment,
}

impl<'a> Stand<'a> {
    pub(super) fn new(world: SimWorld, ids: Ids, wants_stop: &'a dyn Fn() -> bool) -> Stand<'a> {
        Stand { world, ids, wants_stop, is_told: false, now: Moment::START }
    }

    fn translate(&self, failure: &mut Failure) {
        let joined = |site: Site| {
            let found = self.ids.iter().find(|(id, _)| *id == site.source);
            Site { source: found.map_or(site.source, |(_, joined)| *joined), span: site.span }
        };
        failure.site = failure.site.map(joined);
        for label in &mut failure.others {
            label.site = joined(label.site);
        }
    }
}

impl World for Stand<'_> {
    fn perform(&mut self, command: PortCommand) {
        self.world.perform(command);
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if !self.is_told && (self.wants_stop)() {
            self.is_told = true;
            return (self.now, Happening::Interrupt);
        }
        let (now, mut happening) = self.world.wait(until, received);
        self.now = now;
        if let Happening::Closed(CloseReason::DeviceFailed(failure)) = &mut happening {
            self.translate(failure);
        }
        (now, happening)
    }
}
