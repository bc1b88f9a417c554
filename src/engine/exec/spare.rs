//! Memory that one wait leaves to the next.

use crate::engine::exec::wait::{Wait, WaitKind};
use crate::pattern::Pattern;

/// The memory of the last wait that found what it was for.
#[derive(Debug, Default)]
pub(in crate::engine) struct Spare {
    wait: Option<Box<Wait>>,
}

impl Spare {
    /// Keeps the memory of a wait that is over.
    pub(in crate::engine) fn keep(&mut self, wait: Box<Wait>) {
        self.wait = Some(wait);
    }

    /// Returns room for the patterns of a wait.
    pub(in crate::engine) fn patterns(&mut self) -> Vec<Option<Pattern>> {
        let mut patterns = match self.wait.as_deref_mut().map(|wait| &mut wait.kind) {
            Some(WaitKind::Patterns { wanted, .. }) => std::mem::take(&mut wanted.patterns),
            _ => Vec::new(),
        };
        patterns.clear();
        patterns
    }

    /// Puts a wait into the memory of the last.
    pub(in crate::engine) fn put(&mut self, wait: Wait) -> Box<Wait> {
        match self.wait.take() {
            Some(mut last) => {
                *last = wait;
                last
            }
            None => Box::new(wait),
        }
    }
}
