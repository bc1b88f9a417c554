//! `Active`: a watcher in force, as the flow keeps it; `Watched`: those of a port, ready to be compared with lines.

use std::sync::Arc;

use super::look::Watch;
use super::look::offset::Offset;
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
    /// Whether there are values in the patterns, and how long these are the same.
    pub values: Values,
    /// For which watchers of the flow it was made.
    pub version: u64,
    /// Is another number whenever the patterns are others.
    pub edition: u64,
    /// Where the input ended when they became what they are.
    pub since: Offset,
    /// Which of them a line may concern, once that is worth it; `None` in it if it cannot be made.
    pub sieve: Option<Option<Arc<Sieve>>>,
    /// Whether the sieve was made with the values.
    pub sieve_has_values: bool,
}

/// Whether there are values in some patterns, and how long these are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Values {
    /// There are none.
    Nowhere,
    /// They are made of variables, which were those of this version.
    Of(u64),
    /// They may be others at each look: something random is in them, or the time.
    Fleeting,
}

impl Watched {
    /// Whether it is still right for the watchers and the variables of these versions.
    pub(in crate::engine) fn is_right(&self, version: u64, values_version: u64) -> bool {
        let has_same_values = match self.values {
            Values::Nowhere => true,
            Values::Of(made_for) => made_for == values_version,
            Values::Fleeting => false,
        };
        has_same_values && self.version == version
    }

    /// Whether its patterns are the same as others.
    pub(in crate::engine) fn has_same(&self, patterns: &[(Pattern, Watch)]) -> bool {
        let is_same = |((one, watch), (other, other_watch)): (&(Pattern, Watch), &(Pattern, Watch))| {
            watch == other_watch && one.is_same(other)
        };
        self.patterns.len() == patterns.len() && self.patterns.iter().zip(patterns).all(is_same)
    }

    /// Returns what finds which of them a line may concern, if there is such a search.
    pub(in crate::engine) fn sieve(&self) -> Option<&Sieve> {
        self.sieve.as_ref()?.as_deref()
    }
}
