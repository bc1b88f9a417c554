//! `Job`: one call that goes on: it can be ended, and says how far it is.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whoever carries out a call looks here whether it still has to.
pub(crate) struct Job {
    is_cancelled: Mutex<bool>,
    change: Condvar,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl Job {
    /// Makes the job of a call; `tell` is given a line when there is progress.
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Job {
        Job { is_cancelled: Mutex::new(false), change: Condvar::new(), tell: Box::new(tell) }
    }

    /// Ends it as soon as that can be.
    pub(crate) fn cancel(&self) {
        *self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.change.notify_all();
    }

    /// Says whether it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        *self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits this long, or until it is cancelled.
    pub(super) fn wait(&self, span: Duration) {
        let state = self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.change.wait_timeout_while(state, span, |is_cancelled| !*is_cancelled));
    }

    /// Says how far it is.
    pub(super) fn tell(&self, line: &str) {
        (self.tell)(line);
    }
}
