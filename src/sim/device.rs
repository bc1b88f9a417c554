//! `Device`: the engine of a simulated device, and whether it rests.

use crate::engine::{Engine, Input, Output};
use crate::event::{Failure, HookCall, HookEnd};
use crate::port::PortId;
use crate::time::Moment;

/// The engine that plays a device, which is not asked again what it wants as long as nothing has happened to it.
#[derive(Debug)]
pub(super) struct Device {
    engine: Engine,
    /// Until when it waits, `None` being for ever; `None` if it has not said so since something happened to it.
    rests: Option<Option<Moment>>,
}

impl Device {
    /// Whether it sends back what it hears.
    pub(super) fn sends_echo(&self) -> bool {
        self.engine.sends_echo(PortId::FIRST)
    }

    /// Makes a device that has not begun yet.
    pub(super) fn new(engine: Engine) -> Device {
        // The bytes are the host's story.
        Device { engine: engine.without_traffic(), rests: None }
    }

    /// Takes what happened.
    pub(super) fn handle(&mut self, now: Moment, input: Input<'_>) {
        self.rests = None;
        self.engine.handle(now, input);
    }

    /// Returns what is to be done next.
    pub(super) fn poll(&mut self) -> Output {
        self.engine.poll()
    }

    /// Takes note until when it waits, or that it waits for ever.
    pub(super) fn rest(&mut self, until: Option<Moment>) {
        self.rests = Some(until);
    }

    /// Returns until when it waits, if all that it can do at a moment is done.
    pub(super) fn rests(&self, now: Moment) -> Option<Option<Moment>> {
        self.rests.filter(|until| until.is_none_or(|until| until > now))
    }

    /// Returns why it failed, once it has.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.engine.failure()
    }

    /// Says whether it takes a hook.
    pub(super) fn takes_hook(&self, call: &HookCall) -> HookEnd {
        self.engine.takes_hook(call)
    }
}
