//! `Simulated`: a world on a virtual clock that can share this clock with others.

use super::World;
use crate::event::{HookCall, HookEnd};
use crate::time::Moment;
use crate::value::Value;

/// A world on a virtual clock, one of several on the same clock.
///
/// Whoever has several of them asks each when it goes on, lets the earliest go on with [`World::wait`], and moves the clocks of
/// the others with [`Simulated::pass_to`] before it asks anything of them.
pub trait Simulated: World {
    /// Does what can be done at the present moment, and returns when something happens next by itself; `None` is never.
    ///
    /// A wait until that moment gets on, even if nothing comes of it that is to be reported.
    fn due(&mut self) -> Option<Moment>;

    /// Lets time pass in which nothing happens.
    fn pass_to(&mut self, now: Moment);

    /// Begins to keep what becomes of wires for [`Simulated::next_wire`].
    fn share_wires(&mut self);

    /// Returns the next wire that a device here gave another value, and the value.
    fn next_wire(&mut self) -> Option<(String, Value)>;

    /// Lets the devices here see that a wire has another value at the present moment.
    fn set_wire(&mut self, name: &str, value: &Value);

    /// Hands the devices here a hook of the flow at the present moment; returns how it ended.
    fn hooked(&mut self, call: &HookCall) -> HookEnd;

    /// Takes note until when the flow waits, before each step of such a wait: a step itself may be shorter.
    fn awaits(&mut self, _until: Option<Moment>) {}
}
