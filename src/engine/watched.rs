//! `Active`: a watcher in force, as the flow keeps it; `Watched`: those of a port, ready to be compared with lines.

use std::sync::Arc;

use super::look::Watch;
use crate::pattern::{Pattern, Sieve};
use crate::port::PortId;
use crate::program::WatcherId;

/// A watcher in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Active {
    /// Which.
    pub watcher: WatcherId,
    /// The port that it watches.
    pub port: PortId,
    /// The frame of the flow whose variables its block uses.
    pub frame: usize,
}

/// The watchers in force on a port, ready to be compared with lines.
#[derive(Debug)]
pub(in crate::engine) struct Watched {
    pub patterns: Vec<(Pattern, Watch)>,
    pub actives: Vec<Active>,
    /// Whether a pattern has values in it that may change.
    pub has_values: bool,
    /// For which watchers of the flow it was made.
    pub version: u64,
    /// Which of them a line may concern, once that is worth it; `None` in it if it cannot be made.
    pub sieve: Option<Option<Arc<Sieve>>>,
}

impl Watched {
    /// Returns what finds which of them a line may concern, if there is such a search.
    pub(in crate::engine) fn sieve(&self) -> Option<&Sieve> {
        self.sieve.as_ref()?.as_deref()
    }
}
