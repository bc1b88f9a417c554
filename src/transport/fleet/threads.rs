//! `Threads`: the wait for ports that have a thread each.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::lookout::Lookout;
use crate::transport::bell::Bell;
use crate::transport::interrupt::Interrupt;
use crate::transport::watched::{Ready, Watched};

/// Waits for a bell that the threads of all ports ring, and the interrupt.
pub(super) struct Threads {
    bell: Arc<Bell>,
    by: Vec<usize>,
}

impl Threads {
    /// Makes a wait that an interrupt ends.
    pub(super) fn new(interrupt: &Interrupt) -> Threads {
        let bell = Arc::new(Bell::default());
        interrupt.rings(&bell);
        Threads { bell, by: Vec::new() }
    }
}

impl Lookout for Threads {
    fn watch(&mut self, number: usize, port: &mut dyn Watched) -> io::Result<()> {
        port.rings(&self.bell, number);
        Ok(())
    }

    fn wait(&mut self, left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
        self.bell.wait(left, &mut self.by);
        ready.extend(self.by.drain(..).map(|number| (number, Ready::default())));
        Ok(())
    }
}
