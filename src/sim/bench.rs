//! `SimBench`: several simulated worlds, one for each port of a flow, on one virtual clock.

use std::collections::VecDeque;

use crate::event::{CloseReason, HookCall, HookEnd, HookNews};
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::{Moment, earlier};
use crate::value::Value;
use crate::world::{Simulated, World};

/// A world of several ports, each with a simulated world of its own at its other end.
///
/// The earliest of them goes on first. What happens on several ports at one moment is reported in the order of their numbers.
#[derive(Debug)]
pub struct SimBench<W> {
    places: Vec<Place<W>>,
    now: Moment,
    /// What is to be told at once.
    news: VecDeque<Happening>,
}

/// So many changes of wires may follow each other at one moment; devices that go on change them for ever.
const MOST_CHANGES: usize = 10_000;

/// The place of a device, a wire that it gave another value, and the value.
type Change = (usize, (String, Value));

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
        let mut places: Vec<Place<W>> =
            places.into_iter().map(|(port, world)| Place { port, world, due: Some(Moment::START) }).collect();
        places.iter_mut().for_each(|place| place.world.share_wires());
        SimBench { places, now: Moment::START, news: VecDeque::new() }
    }

    /// Returns the worlds, in the order of the ports.
    pub fn worlds(&self) -> impl Iterator<Item = &W> {
        self.places.iter().map(|place| &place.world)
    }

    /// Returns the worlds themselves, in the order of the ports.
    pub fn into_worlds(self) -> impl Iterator<Item = W> {
        self.places.into_iter().map(|place| place.world)
    }

    /// Lets every device see what the others do with their wires at the present moment.
    fn settle(&mut self) {
        let change = self.next_change();
        self.settle_from(change);
    }

    /// The same after only the device at one place has done something.
    fn settle_after(&mut self, at: usize) {
        if let Some(change) = self.places[at].world.next_wire() {
            self.settle_from(Some((at, change)));
        }
    }

    /// Returns a wire that a device gave another value, the value, and the place of the device.
    fn next_change(&mut self) -> Option<Change> {
        self.places.iter_mut().enumerate().find_map(|(at, place)| Some((at, place.world.next_wire()?)))
    }

    fn settle_from(&mut self, mut change: Option<Change>) {
        for _ in 0..MOST_CHANGES {
            let Some((from, (name, value))) = change else { return };
            for (_, place) in self.places.iter_mut().enumerate().filter(|(at, _)| *at != from) {
                place.world.pass_to(self.now);
                place.world.set_wire(&name, &value);
                place.due = place.world.due();
            }
            change = self.next_change();
        }
        let reason = "the simulated devices change a wire again and again at one moment".to_string();
        self.news.push_back(Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
    }

    /// Returns when the next of them goes on by itself.
    fn next_due(&self) -> Option<Moment> {
        self.places.iter().fold(None, |due, place| earlier(due, place.due))
    }

    /// Lets those that are due at a moment go on, in the order of their ports, until one has something to report.
    fn go_on(&mut self, at: Moment, received: &mut Vec<u8>) -> Option<Happening> {
        for number in 0..self.places.len() {
            let place = &mut self.places[number];
            if place.due.is_none_or(|due| due > at) {
                continue;
            }
            let port = place.port;
            let (now, happening) = place.world.wait(Some(at), received);
            self.now = self.now.max(now);
            place.due = place.world.due();
            self.settle_after(number);
            if !matches!(happening, Happening::Nothing) {
                return Some(happening.on(port));
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
        let Some(at) = self.places.iter().position(|place| place.port == port) else { return };
        let place = &mut self.places[at];
        place.world.pass_to(self.now);
        place.world.perform(PortId::FIRST, command);
        place.due = place.world.due();
        self.settle_after(at);
    }

    /// Every device that takes it gets it.
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        let end = self.hooked(call);
        self.news.push_back(Happening::Hook(HookNews::Ended(end)));
        true
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
            if let Some(news) = self.news.pop_front() {
                return (self.now, news);
            }
            let due = self.next_due();
            let Some(next) = earlier(until, due) else {
                // Nothing will ever happen again: say so instead of standing still.
                let reason = "neither the flow nor a simulated device has anything left to wait for".to_string();
                return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
            };
            let next = next.max(self.now);
            let mut is_due = due.is_some_and(|due| due <= next);
            if is_due && let Some(happening) = self.go_on(next, received) {
                return (self.now, happening);
            }
            self.now = next;
            is_due = is_due && self.next_due().is_some_and(|due| due <= next);
            if !is_due && until.is_some_and(|until| until <= next) {
                return (self.now, Happening::Nothing);
            }
        }
    }
}

impl<W: Simulated> Simulated for SimBench<W> {
    fn due(&mut self) -> Option<Moment> {
        if self.news.is_empty() { self.next_due() } else { Some(self.now) }
    }

    fn pass_to(&mut self, now: Moment) {
        self.now = self.now.max(now);
    }

    fn share_wires(&mut self) {}

    /// All of its devices know already.
    fn next_wire(&mut self) -> Option<(String, Value)> {
        None
    }

    fn set_wire(&mut self, name: &str, value: &Value) {
        for place in &mut self.places {
            place.world.pass_to(self.now);
            place.world.set_wire(name, value);
            place.due = place.world.due();
        }
        self.settle();
    }

    fn hooked(&mut self, call: &HookCall) -> HookEnd {
        let mut end: Option<HookEnd> = None;
        for place in &mut self.places {
            place.world.pass_to(self.now);
            let this = place.world.hooked(call);
            place.due = place.world.due();
            if end.is_none() || this == HookEnd::Done {
                end = Some(this);
            }
        }
        self.settle();
        end.unwrap_or(HookEnd::Done)
    }
}
