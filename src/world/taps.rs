//! `Taps`: several that want to know what goes over the lines of one run.

use std::fmt;
use std::sync::Arc;

use super::Tap;
use crate::event::HookCall;
use crate::port::{Happening, PortCommand, PortId};
use crate::time::Moment;

/// Tells everything to each of its taps, in the order in which they were added.
#[derive(Default)]
pub struct Taps<'a>(Vec<&'a mut dyn Tap>);

impl<'a> Taps<'a> {
    /// Adds one.
    pub fn add(&mut self, tap: &'a mut dyn Tap) {
        self.0.push(tap);
    }
}

impl fmt::Debug for Taps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Taps").field(&self.0.len()).finish()
    }
}

impl Tap for Taps<'_> {
    fn performed(&mut self, port: PortId, command: &PortCommand) {
        self.0.iter_mut().for_each(|tap| tap.performed(port, command));
    }

    fn hooked(&mut self, call: &HookCall) {
        self.0.iter_mut().for_each(|tap| tap.hooked(call));
    }

    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        self.0.iter_mut().for_each(|tap| tap.happened(now, happening, received));
    }

    fn waiting(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        self.0.iter_mut().for_each(|tap| tap.waiting(secrets));
    }

    fn has_unwritten(&self) -> bool {
        self.0.iter().any(|tap| tap.has_unwritten())
    }

    fn write_out(&mut self) {
        self.0.iter_mut().filter(|tap| tap.has_unwritten()).for_each(|tap| tap.write_out());
    }
}
