//! `SimBench`: several simulated worlds, one for each port of a flow, on one virtual clock.

use crate::event::CloseReason;
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::Moment;
use crate::world::{Simulated, World};

/// A world of several ports, each with a simulated world of its own at its other end.
///
/// The earliest of them goes on first. What happens on several ports at one moment is reported in the order of their numbers.
#[derive(Debug)]
pub struct SimBench<W> {
    places: Vec<Place<W>>,
    now: Moment,
}

/// What is at the other end of one port.
#[derive(Debug)]
struct Place<W> {
    port: PortId,
    world: W,
    /// When it goes on by itself.
    due: Option<Moment>,
}

impl<W: Simulated> SimBench<W> {
    /// Makes a bench; the worlds are in the order of the ports.
    pub fn new(worlds: impl IntoIterator<Item = W>) -> SimBench<W> {
        SimBench::at((0..).map_while(PortId::new).zip(worlds))
    }

    /// Makes a bench of worlds at some of the ports of a run, in the order of these.
    pub fn at(places: impl IntoIterator<Item = (PortId, W)>) -> SimBench<W> {
        // Each is looked at before anything else happens.
        let places = places.into_iter().map(|(port, world)| Place { port, world, due: Some(Moment::START) }).collect();
        SimBench { places, now: Moment::START }
    }

    /// Returns the worlds, in the order of the ports.
    pub fn worlds(&self) -> impl Iterator<Item = &W> {
        self.places.iter().map(|place| &place.world)
    }

    /// Returns the worlds themselves, in the order of the ports.
    pub fn into_worlds(self) -> impl Iterator<Item = W> {
        self.places.into_iter().map(|place| place.world)
    }

    /// Returns when the next of them goes on by itself.
    fn next_due(&self) -> Option<Moment> {
        self.places.iter().filter_map(|place| place.due).min()
    }

    /// Lets those that are due at a moment go on, in the order of their ports, until one has something to report.
    fn go_on(&mut self, at: Moment, received: &mut Vec<u8>) -> Option<Happening> {
        for place in &mut self.places {
            if place.due.is_none_or(|due| due > at) {
                continue;
            }
            let (now, happening) = place.world.wait(Some(at), received);
            self.now = self.now.max(now);
            place.due = place.world.due();
            if happening != Happening::Nothing {
                return Some(happening.on(place.port));
            }
        }
        None
    }
}

impl<W: Simulated> World for SimBench<W> {
    fn capabilities(&self) -> Capabilities {
        self.places.iter().map(|place| place.world.capabilities()).fold(Capabilities::ALL, Capabilities::both)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        let Some(place) = self.places.iter_mut().find(|place| place.port == port) else { return };
        place.world.pass_to(self.now);
        place.world.perform(PortId::FIRST, command);
        place.due = place.world.due();
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.places.iter_mut().find_map(|place| {
            place.world.pass_to(self.now);
            let (now, happening) = place.world.arrived(received)?;
            Some((now, happening.on(place.port)))
        })
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.places.iter_mut().for_each(|place| place.world.awaits(until));
        loop {
            let Some(next) = [until, self.next_due()].into_iter().flatten().min() else {
                // Nothing will ever happen again: say so instead of standing still.
                let reason = "neither the flow nor a simulated device has anything left to wait for".to_string();
                return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
            };
            let next = next.max(self.now);
            if let Some(happening) = self.go_on(next, received) {
                return (self.now, happening);
            }
            self.now = next;
            let is_due = self.next_due().is_some_and(|due| due <= next);
            if !is_due && until.is_some_and(|until| until <= next) {
                return (self.now, Happening::Nothing);
            }
        }
    }
}

impl<W: Simulated> Simulated for SimBench<W> {
    fn due(&mut self) -> Option<Moment> {
        self.next_due()
    }

    fn pass_to(&mut self, now: Moment) {
        self.now = self.now.max(now);
    }
}
