//! `Holding`: a port whose writes wait until they are asked for.

use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::time::Moment;
use crate::transport::any::AnyPort;
use crate::transport::watched::Watched;
use crate::world::World;

/// A port that holds its last write back. Whatever else is asked for is done after it.
pub(super) struct Holding {
    port: AnyPort,
    held: Option<(PortId, PortCommand)>,
}

impl Holding {
    /// Makes a port that holds writes from now on.
    pub(super) fn new(port: AnyPort) -> Holding {
        Holding { port, held: None }
    }

    /// Writes what is held; returns whether there was anything.
    pub(super) fn write_held(&mut self) -> bool {
        let held = self.held.take();
        let was_holding = held.is_some();
        if let Some((port, write)) = held {
            self.port.perform(port, write);
        }
        was_holding
    }

    /// Returns whether a write is held.
    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Returns the port itself, which holds nothing.
    pub(super) fn unheld(&mut self) -> &mut dyn World {
        &mut self.port
    }

    /// Returns the port for a wait for several.
    pub(super) fn watched(&mut self) -> &mut dyn Watched {
        self.port.watched()
    }
}

impl World for Holding {
    fn capabilities(&self) -> Capabilities {
        self.port.capabilities()
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.write_held();
        if matches!(command, PortCommand::Write { .. }) {
            self.held = Some((port, command));
        } else {
            self.port.perform(port, command);
        }
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.port.news(received)
    }

    /// A write that is held has not been made yet: whoever makes it takes what has come by then.
    fn arrived(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        None
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.write_held();
        self.port.wait(until, received)
    }
}
