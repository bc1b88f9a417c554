//! `Spare`: memory that one wait leaves to the next.

use super::wait::{Wait, WaitKind};
use crate::pattern::Pattern;

/// The memory of the last wait that found what it was for.
///
/// This is tuning. An exchange needs a box for its wait and a list of patterns; taking both from the last wait spares two
/// allocations, which are 1.6 % of the instructions of an exchange (`.ci/instructions`, flow `exchanges`).
#[derive(Debug, Default)]
pub(in crate::engine) struct Spare {
    wait: Option<Box<Wait>>,
}

impl Spare {
    /// Keeps the memory of a wait that is over.
    pub(super) fn keep(&mut self, wait: Box<Wait>) {
        self.wait = Some(wait);
    }

    /// Returns room for the patterns of a wait.
    pub(super) fn patterns(&mut self) -> Vec<Option<Pattern>> {
        let mut patterns = match self.wait.as_deref_mut().map(|wait| &mut wait.kind) {
            Some(WaitKind::Patterns { wanted, .. }) => std::mem::take(&mut wanted.patterns),
            Some(
                WaitKind::Absence { .. }
                | WaitKind::Quiet { .. }
                | WaitKind::Input { .. }
                | WaitKind::Count { .. }
                | WaitKind::Silence { .. }
                | WaitKind::Until { .. },
            )
            | None => Vec::new(),
        };
        patterns.clear();
        patterns
    }

    /// Puts a wait into the memory of the last.
    pub(super) fn put(&mut self, wait: Wait) -> Box<Wait> {
        match self.wait.take() {
            Some(mut last) => {
                *last = wait;
                last
            }
            None => Box::new(wait),
        }
    }
}
