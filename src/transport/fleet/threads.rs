//! `Threads`: the wait for ports that have a thread each.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Lookout, Watched};
use crate::port::Happening;
use crate::time::Moment;
use crate::transport::bell::Bell;
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::threaded::{Serve, ThreadedWorld};

/// Waits for a bell that the threads of all ports ring, and the interrupt.
pub(super) struct Threads {
    bell: Arc<Bell>,
    serve: Serve,
    by: Vec<usize>,
}

impl Threads {
    /// Makes a wait for ports that are served like this.
    pub(super) fn new(interrupt: &Interrupt, serve: Serve) -> Threads {
        let bell = Arc::new(Bell::default());
        interrupt.rings(&bell);
        Threads { bell, serve, by: Vec::new() }
    }
}

impl Lookout for Threads {
    type World = ThreadedWorld;

    fn world(&self, number: usize, port: &str, clock: Clock, interrupt: &Interrupt) -> ThreadedWorld {
        ThreadedWorld::new(port, clock, interrupt.clone(), self.serve.clone(), self.bell.clone(), number)
    }

    /// The thread of a port rings by itself.
    fn watch(&mut self, _number: usize, _world: &ThreadedWorld) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, ())>) -> io::Result<()> {
        self.bell.wait(left, &mut self.by);
        ready.extend(self.by.drain(..).map(|number| (number, ())));
        Ok(())
    }
}

impl Watched for ThreadedWorld {
    type Found = ();

    /// The news itself is what there is to know.
    fn found(&mut self, (): ()) {}

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        ThreadedWorld::look(self, until, received)
    }

    /// What takes time is done by the thread.
    fn stage_until(&mut self) -> Option<Moment> {
        None
    }
}
