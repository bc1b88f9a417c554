//! `Bell`: threads ring it when their ports have something to tell, and one thread waits for all of them.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wakes one thread, and tells it which ports have something. What is rung before the wait is not lost.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<Rung>,
    waiting: Condvar,
}

/// What the next wait returns with.
#[derive(Debug, Default)]
struct Rung {
    /// The numbers of the ports, each once.
    by: Vec<usize>,
    is_interrupt: bool,
}

impl Bell {
    /// Rings for the port with this number.
    pub(super) fn ring(&self, number: usize) {
        let mut rung = self.lock();
        if !rung.by.contains(&number) {
            rung.by.push(number);
        }
        drop(rung);
        self.waiting.notify_one();
    }

    /// Rings because of an interrupt, which is no port's.
    pub(super) fn ring_for_interrupt(&self) {
        self.lock().is_interrupt = true;
        self.waiting.notify_one();
    }

    /// Waits until someone rings, or that time has passed; `by` gets the numbers of the ports, in the order in which they
    /// rang first.
    pub(super) fn wait(&self, left: Option<Duration>, by: &mut Vec<usize>) {
        by.clear();
        let is_quiet = |rung: &mut Rung| rung.by.is_empty() && !rung.is_interrupt;
        let rung = self.lock();
        let mut rung = match left {
            Some(left) => {
                let woken = self.waiting.wait_timeout_while(rung, left, is_quiet);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.waiting.wait_while(rung, is_quiet).unwrap_or_else(PoisonError::into_inner),
        };
        rung.is_interrupt = false;
        // The two lists change places, so that neither is made anew.
        mem::swap(&mut rung.by, by);
    }

    /// A thread that panicked while it rang has done nothing by halves.
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_rang_before_the_wait_is_told_once_and_in_order() {
        let bell = Bell::default();
        for number in [7, 2, 7, 7, 2] {
            bell.ring(number);
        }
        let mut by = vec![99];
        bell.wait(None, &mut by);
        assert_eq!(by, [7, 2]);
        bell.wait(Some(Duration::ZERO), &mut by);
        assert!(by.is_empty());
    }

    #[test]
    fn a_ring_ends_a_wait_without_end() {
        let bell = Bell::default();
        let mut by = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| bell.ring(3));
            bell.wait(None, &mut by);
        });
        assert_eq!(by, [3]);
    }

    #[test]
    fn an_interrupt_ends_one_wait_and_is_of_no_port() {
        let bell = Bell::default();
        let mut by = Vec::new();
        bell.ring_for_interrupt();
        bell.wait(None, &mut by);
        assert!(by.is_empty());
        bell.ring(1);
        bell.wait(None, &mut by);
        assert_eq!(by, [1]);
    }
}
