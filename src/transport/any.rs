//! `AnyPort`: the world of a port of whatever kind.

use std::time::Duration;

#[cfg(unix)]
use super::pty::PtyWorld;
use super::several::Several;
use super::telnet::ServedWorld;
use super::watched::Watched;
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::Moment;
use crate::world::World;

/// A port whose kind matters only to what made it: for one run, or for one of many. The ports of a run that has several are one
/// of these too.
pub struct AnyPort {
    port: Box<dyn Watched>,
}

impl AnyPort {
    /// Makes a port of one kind one of any kind.
    pub(super) fn new(port: impl Watched + 'static) -> AnyPort {
        AnyPort { port: Box::new(port) }
    }

    /// Returns the port for a wait for several.
    pub(super) fn watched(&mut self) -> &mut dyn Watched {
        &mut *self.port
    }
}

#[cfg(unix)]
impl From<PtyWorld> for AnyPort {
    fn from(port: PtyWorld) -> AnyPort {
        AnyPort::new(port)
    }
}

impl From<Several> for AnyPort {
    fn from(ports: Several) -> AnyPort {
        AnyPort::new(ports)
    }
}

impl From<ServedWorld> for AnyPort {
    fn from(port: ServedWorld) -> AnyPort {
        AnyPort::new(port)
    }
}

impl World for AnyPort {
    fn capabilities(&self) -> Capabilities {
        self.port.capabilities()
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.port.perform(port, command);
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.news(received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.arrived(received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.port.wait(until, received)
    }

    fn behind(&self) -> Duration {
        self.port.behind()
    }
}
