//! `Watched`: the watchers in force on a port, ready to be compared with lines.

use super::flow::Active;
use super::look::Watch;
use crate::pattern::Pattern;

/// The watchers in force on a port, ready to be compared with lines.
#[derive(Debug)]
pub(in crate::engine) struct Watched {
    pub patterns: Vec<(Pattern, Watch)>,
    pub actives: Vec<Active>,
    /// Whether a pattern has values in it that may change.
    pub has_values: bool,
    /// For which watchers of the flow it was made.
    pub version: u64,
}
