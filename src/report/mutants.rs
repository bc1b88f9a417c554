//! `MutantsReport`: what came of the changes of a device, as JSON is printed from it.

use std::time::Duration;

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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::failure;

    /// Three changes: one that was noticed, one that was not, and one that is explained.
    pub(crate) fn example() -> MutantsReport {
        let (sources, failure) = failure::tests::example();
        let mutant = MutantReport {
            kind: "digit",
            fate: "not noticed",
            why: None,
            site: failure.site.expect("the example has a place"),
            sources: sources.clone(),
            before: Some("+CSQ: 25,0".to_string()),
            after: Some("+CSQ: 26,0".to_string()),
        };
        let noticed = MutantReport { kind: "missing", fate: "noticed", after: None, ..mutant.clone() };
        let explained = MutantReport { fate: "explained", why: Some("any will do".to_string()), ..mutant.clone() };
        MutantsReport {
            file: "flows/login.flow".to_string(),
            title: "Login".to_string(),
            port: "sim".to_string(),
            seed: 1,
            verdict: "passed",
            took: Duration::from_millis(5021),
            failure: None,
            sources,
            answers: (12, 10),
            n_mutants: 80,
            mutants: vec![noticed, mutant, explained],
        }
    }
}
