//! `MutantsReport`: what came of the changes of a device, as JSON is printed from it.

use std::time::Duration;

use super::suite::Origin;
use crate::event::Failure;
use crate::source::{Site, Sources};

/// What came of a flow that was run against changes of its devices.
#[derive(Clone, Debug)]
pub struct MutantsReport {
    /// The file of the flow, as the user named it.
    pub file: String,
    /// The flow's title.
    pub title: String,
    /// The device, as the user named it.
    pub port: String,
    /// The seed.
    pub seed: u64,
    /// How the run against the devices as they are ended, in a word.
    pub verdict: &'static str,
    /// How long it took on its own clock.
    pub took: Duration,
    /// Why it failed, if it did: then no change was tried.
    pub failure: Option<Failure>,
    /// The texts that the failure points into.
    pub sources: Sources,
    /// How many statements of the devices answer something, and how many of them the flow reaches.
    pub answers: (usize, usize),
    /// How many changes there are, those that were not tried among them.
    pub n_mutants: usize,
    /// Those that were tried, in the order of the device files.
    pub mutants: Vec<MutantReport>,
    /// When and where it was run.
    pub origin: Option<Origin>,
}

/// A change of a device.
#[derive(Clone, Debug)]
pub struct MutantReport {
    /// Its kind: `digit`, `missing`.
    pub kind: &'static str,
    /// What became of it, in a word or two: `noticed`, `not noticed`.
    pub fate: &'static str,
    /// Why it need not be noticed, if a comment says so.
    pub why: Option<String>,
    /// The statement in the device file.
    pub site: Site,
    /// The texts of that device.
    pub sources: Sources,
    /// An answer before the change.
    pub before: Option<String>,
    /// What came instead, if something came.
    pub after: Option<String>,
}
