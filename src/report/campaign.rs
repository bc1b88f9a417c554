//! `CampaignReport`: what came of a stress campaign, as JUnit and JSON are printed from it.

use std::time::Duration;

use crate::event::Failure;
use crate::origin::About;
use crate::source::{Site, Sources};

/// What came of a campaign.
#[derive(Clone, Debug)]
pub struct CampaignReport {
    /// The file of the flow, as the user named it.
    pub file: String,
    /// The flow's title.
    pub title: String,
    /// The device, as the user named it.
    pub port: String,
    /// The seed of the first run.
    pub seed: u64,
    /// The run on the ideal line.
    pub ideal: IdealRun,
    /// Of each fault that struck: its name, and in how many runs it did.
    pub struck: Vec<(&'static str, u64)>,
    /// The runs, by the kind of their faults.
    pub kinds: Vec<KindOfRuns>,
    /// What is not as it should be, the most frequent first.
    pub findings: Vec<FindingReport>,
    /// What makes it traceable, if that is to be told.
    pub about: Option<About>,
}

/// The run on the ideal line.
#[derive(Clone, Debug)]
pub struct IdealRun {
    /// How it ended, in a word.
    pub verdict: &'static str,
    /// Whether it passed; if not, nothing else was run.
    pub is_success: bool,
    /// How long it took on its own clock.
    pub took: Duration,
    /// How many writes there were.
    pub n_writes: usize,
    /// How many blocks the device wrote.
    pub n_blocks: u32,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The texts that the failure points into.
    pub sources: Sources,
}

/// Runs with faults of one kind.
#[derive(Clone, Copy, Debug)]
pub struct KindOfRuns {
    /// `benign` or `malign`.
    pub title: &'static str,
    /// How many.
    pub runs: u64,
    /// How many ended as on the ideal line.
    pub same: u64,
    /// How many failed and said why.
    pub failed: u64,
    /// How many did not end as they should.
    pub wrong: u64,
}

/// Runs that went wrong in the same way at the same statement.
#[derive(Clone, Debug)]
pub struct FindingReport {
    /// What is wrong, in a word: `fragile`, `false pass` and so on.
    pub wrong: &'static str,
    /// The statement, where one is to blame.
    pub site: Option<Site>,
    /// In how many runs.
    pub runs: u64,
    /// The seed of the run that is shown.
    pub seed: u64,
    /// The least faults that show it.
    pub strikes: Vec<StrikeReport>,
    /// The whole finding in words, with the command that repeats it.
    pub text: String,
    /// Why the run that is shown failed, if it did.
    pub failure: Option<Failure>,
    /// The texts that site and failure point into.
    pub sources: Sources,
}

/// A fault that struck.
#[derive(Clone, Debug)]
pub struct StrikeReport {
    /// When, on the run's own clock.
    pub at: Duration,
    /// Which, and to which block: `urc@17`.
    pub occurrence: String,
    /// What it did, in words.
    pub what: String,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::failure;

    /// A campaign with two findings, one of them with a failure.
    pub(crate) fn example() -> CampaignReport {
        let (sources, failure) = failure::tests::example();
        let strike = StrikeReport {
            at: Duration::from_millis(1250),
            occurrence: "urc@17".to_string(),
            what: "`RING` came between two blocks".to_string(),
        };
        let fragile = FindingReport {
            wrong: "fragile",
            site: failure.site,
            runs: 12,
            seed: 4,
            strikes: vec![strike],
            text: "fragile at lib/air.flow:4:3: 12 runs ended otherwise".to_string(),
            failure: Some(failure),
            sources: sources.clone(),
        };
        let false_pass = FindingReport {
            wrong: "false pass",
            site: None,
            strikes: Vec::new(),
            text: "false pass: 12 runs passed".to_string(),
            failure: None,
            ..fragile.clone()
        };
        let ideal = IdealRun {
            verdict: "passed",
            is_success: true,
            took: Duration::from_millis(5021),
            n_writes: 30,
            n_blocks: 42,
            failure: None,
            sources,
        };
        CampaignReport {
            file: "flows/login.flow".to_string(),
            title: "Login".to_string(),
            port: "sim".to_string(),
            seed: 1,
            ideal,
            struck: vec![("split", 80), ("urc", 60)],
            kinds: vec![
                KindOfRuns { title: "benign", runs: 200, same: 188, failed: 0, wrong: 12 },
                KindOfRuns { title: "malign", runs: 100, same: 40, failed: 60, wrong: 0 },
            ],
            findings: vec![fragile, false_pass],
            about: None,
        }
    }

    /// Every character that XML or JSON may not like.
    pub(crate) fn nasty() -> String {
        let all = (0..=0xa0_u32).chain([0x2028, 0xfffd, 0xfffe, 0xffff, 0x1_fffe, 0x10_ffff]);
        all.filter_map(char::from_u32).collect::<String>() + "]]>\\u{0}"
    }

    /// The example with such characters in every text.
    pub(crate) fn nasty_example() -> CampaignReport {
        let mut campaign = example();
        (campaign.file, campaign.title, campaign.port) = (nasty(), nasty(), nasty());
        for finding in &mut campaign.findings {
            finding.text = nasty();
            for strike in &mut finding.strikes {
                (strike.occurrence, strike.what) = (nasty(), nasty());
            }
            if let Some(failure) = &mut finding.failure {
                (failure.message, failure.sent, failure.cause) = (nasty(), Some(nasty()), Some(nasty()));
            }
        }
        let mut about = crate::origin::tests::example().named(|_| nasty());
        about.variables = vec![(nasty(), nasty())];
        campaign.about = Some(about);
        campaign
    }
}
