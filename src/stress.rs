//! The robustness lab: a flow run many times against its device while the line misbehaves in seeded ways.
//!
//! Benign faults are what every line does; they may not change how a run ends. Malign ones may, but only into a
//! failure that says what happened, or into a pass that is right: the device heard all that it has to hear on an ideal
//! line, and the same results were saved.

mod cable;
mod chatter;
mod fault;
mod line;
mod shrink;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::event::Verdict;
use crate::port::PortId;
use crate::source::Site;
use crate::value::random::Rng;
pub use fault::{Aim, Fault, Occurrence, Plan};
pub use line::{Strike, Write};
pub use trial::{Bench, Ending, Secrets, Trial};

/// So many findings are shown, and shrunk.
const MOST_FINDINGS: usize = 12;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// How many runs.
    pub runs: u64,
    /// The seed of the first; each further run has the next one.
    pub seed: u64,
    /// What may happen on the line.
    pub choice: Choice,
}

/// What may happen on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These faults, wherever the seed says.
    Faults(BTreeSet<Fault>),
    /// Exactly this.
    Exactly(BTreeSet<Occurrence>),
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Report {
    /// The run on the ideal line.
    pub ideal: Trial,
    /// Of each fault: in how many runs it struck, in the order of [`Fault::ALL`].
    pub struck: Vec<(Fault, u64)>,
    /// Runs with benign faults only, by how they ended.
    pub benign: Tally,
    /// Runs with a malign fault.
    pub malign: Tally,
    /// What is not as it should be, what came most often first.
    pub findings: Vec<Finding>,
}

/// How runs ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub runs: u64,
    /// As on the ideal line.
    pub same: u64,
    /// Failed, and said why.
    pub failed: u64,
    /// Not as they should.
    pub wrong: u64,
}

/// What is wrong with how a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Benign faults changed how it ends: the statement is fragile.
    Fragile,
    /// It passed, and what was saved or what the device heard is not what an ideal line gives.
    FalsePass,
    /// It did not end by itself.
    Endless,
    /// flowrun panicked.
    Panicked,
    /// It failed and did not say why.
    Unexplained,
}

/// Runs that went wrong in the same way at the same statement.
#[derive(Debug)]
pub struct Finding {
    /// What is wrong.
    pub wrong: Wrong,
    /// The statement, where one is to blame.
    pub site: Option<Site>,
    /// In how many runs.
    pub runs: u64,
    /// The seed of the run that is shown.
    pub seed: u64,
    /// The run under the smallest plan that shows it.
    pub trial: Trial,
}

/// Runs a campaign on all processors.
///
/// # Errors
///
/// The run on the ideal line, if it does not pass: there is nothing to compare with then.
pub fn run(bench: &Bench, campaign: &Campaign) -> Result<Report, Box<Trial>> {
    let ideal = bench.run(&Plan::none());
    match ideal.ending {
        Ending::Verdict(verdict) if verdict.is_success() => {}
        Ending::Verdict(_) | Ending::Endless | Ending::Panicked(_) => return Err(Box::new(ideal)),
    }
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Sum::default());
    let work = || {
        let mut own = Sum::default();
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= campaign.runs {
                break;
            }
            let plan = plan(campaign, run, &ideal.blocks);
            own.add(&ideal, &plan, bench.run(&plan));
        }
        sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner).join(own);
    };
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..n_threads).for_each(|_| drop(scope.spawn(work))));
    let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(sum.report(bench, ideal))
}

/// Returns the plan of a run: two in three with benign faults, one in three with a malign one, where both may be.
fn plan(campaign: &Campaign, run: u64, blocks: &[u32]) -> Plan {
    let seed = campaign.seed.wrapping_add(run);
    let faults = match &campaign.choice {
        Choice::Exactly(occurrences) => return Plan { seed, aim: Aim::Exactly(occurrences.clone()) },
        Choice::Faults(faults) => faults,
    };
    let (benign, malign): (Vec<Fault>, Vec<Fault>) = faults.iter().partition(|fault| fault.is_benign());
    let mut dice = Rng::from_seed(seed ^ 0x5eed);
    let is_malign = benign.is_empty() || !malign.is_empty() && dice.below(3) == 0;
    let chosen = if is_malign {
        [malign[dice.below(malign.len() as u64) as usize]].into()
    } else {
        // Any of them, and often all.
        let mask = if dice.below(4) == 0 { u64::MAX } else { dice.next_u64() };
        let some: BTreeSet<_> =
            (0..).zip(&benign).filter(|(i, _)| mask >> i & 1 == 1).map(|(_, fault)| *fault).collect();
        if some.is_empty() { benign.into_iter().collect() } else { some }
    };
    Plan { seed, aim: Aim::Anywhere { faults: chosen, blocks: blocks.to_vec() } }
}

/// Returns what is wrong with a run, if anything is.
fn judge(ideal: &Trial, trial: &Trial) -> Option<Wrong> {
    let verdict = match &trial.ending {
        Ending::Verdict(verdict) => *verdict,
        Ending::Endless => return Some(Wrong::Endless),
        Ending::Panicked(_) => return Some(Wrong::Panicked),
    };
    let is_benign = trial.strikes.iter().all(|strike| strike.occurrence.fault.is_benign());
    if is_benign {
        let is_same = trial.ended_like(ideal) && trial.saved == ideal.saved;
        return (!is_same).then_some(Wrong::Fragile);
    }
    if verdict.is_success() {
        let is_right = trial.saved == ideal.saved && heard_all(ideal, trial);
        (!is_right).then_some(Wrong::FalsePass)
    } else {
        let is_said = trial.failure.as_ref().is_some_and(|failure| !failure.message.is_empty());
        (!is_said).then_some(Wrong::Unexplained)
    }
}

/// Whether each device was sent everything that it has to be sent on the ideal line, in that order. What a step sent in an
/// attempt that it made again is none of it: where a refusal does not come, or the device is ready sooner, there are fewer attempts.
fn heard_all(ideal: &Trial, trial: &Trial) -> bool {
    let ports: BTreeSet<PortId> = ideal.needed.iter().map(|wanted| wanted.port).collect();
    ports.into_iter().all(|port| {
        let mut heard = trial.sent.iter().filter(|sent| sent.port == port);
        ideal.needed.iter().filter(|wanted| wanted.port == port).all(|wanted| heard.any(|sent| sent == wanted))
    })
}

/// What the runs so far came to.
#[derive(Debug, Default)]
struct Sum {
    struck: BTreeMap<Fault, u64>,
    benign: Tally,
    malign: Tally,
    wrong: BTreeMap<(Wrong, Option<Site>), Example>,
}

/// The run of a finding with the fewest strikes.
#[derive(Debug)]
struct Example {
    runs: u64,
    n_strikes: usize,
    seed: u64,
    plan: Plan,
    trial: Trial,
}

impl Sum {
    fn add(&mut self, ideal: &Trial, plan: &Plan, trial: Trial) {
        let struck: BTreeSet<Fault> = trial.strikes.iter().map(|strike| strike.occurrence.fault).collect();
        let is_benign = struck.iter().all(|fault| fault.is_benign());
        for fault in struck {
            *self.struck.entry(fault).or_default() += 1;
        }
        let wrong = judge(ideal, &trial);
        let tally = if is_benign { &mut self.benign } else { &mut self.malign };
        tally.runs += 1;
        match (&trial.ending, wrong) {
            (_, Some(_)) => tally.wrong += 1,
            (Ending::Verdict(Verdict::Failed | Verdict::PortFailed), None) => tally.failed += 1,
            (_, None) => tally.same += 1,
        }
        if let Some(wrong) = wrong {
            let site = trial.failure.as_ref().and_then(|failure| failure.site);
            let n_strikes = trial.strikes.len();
            let example = Example { runs: 1, n_strikes, seed: plan.seed, plan: plan.clone(), trial };
            self.found((wrong, site), example);
        }
    }

    fn found(&mut self, key: (Wrong, Option<Site>), example: Example) {
        match self.wrong.entry(key) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(example)),
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                let runs = known.runs + example.runs;
                if (example.n_strikes, example.seed) < (known.n_strikes, known.seed) {
                    *known = example;
                }
                known.runs = runs;
            }
        }
    }

    fn join(&mut self, other: Sum) {
        for (fault, n) in other.struck {
            *self.struck.entry(fault).or_default() += n;
        }
        for (own, more) in [(&mut self.benign, other.benign), (&mut self.malign, other.malign)] {
            own.runs += more.runs;
            own.same += more.same;
            own.failed += more.failed;
            own.wrong += more.wrong;
        }
        for (key, example) in other.wrong {
            self.found(key, example);
        }
    }

    fn report(self, bench: &Bench, ideal: Trial) -> Report {
        let mut wrong: Vec<_> = self.wrong.into_iter().collect();
        wrong.sort_by_key(|(key, example)| (std::cmp::Reverse(example.runs), *key));
        let findings = wrong.into_iter().take(MOST_FINDINGS).map(|((wrong, site), example)| {
            let Example { runs, seed, plan, trial, .. } = example;
            let is_it = |trial: &Trial| {
                judge(&ideal, trial) == Some(wrong) && trial.failure.as_ref().and_then(|failure| failure.site) == site
            };
            let whole: BTreeSet<_> = trial.strikes.iter().map(|strike| strike.occurrence).collect();
            let least = if whole.is_empty() {
                plan
            } else {
                let least = shrink::shrink(seed, whole, |plan| is_it(&bench.run(plan)));
                Plan { seed, aim: Aim::Exactly(least) }
            };
            // What it tells is made anew without the secrets of the ideal run and its own.
            let own = bench.run(&least).secrets;
            let trial = bench.run_covered(&least, &[&ideal.secrets, &trial.secrets, &own]);
            Finding { wrong, site, runs, seed, trial }
        });
        let findings = findings.collect();
        let struck = Fault::ALL.into_iter().filter_map(|fault| Some((fault, *self.struck.get(&fault)?))).collect();
        Report { ideal, struck, benign: self.benign, malign: self.malign, findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::event::Failure;
    use crate::time::Moment;

    fn write(text: &str) -> Write {
        Write { port: PortId::FIRST, bytes: text.as_bytes().to_vec() }
    }

    fn trial(verdict: Verdict, struck: &[Fault], sent: &[&str], saved: &[&str]) -> Trial {
        let strike = |fault: &Fault| Strike {
            occurrence: Occurrence::on_first(*fault, 0),
            at: Moment::START,
            what: String::new(),
        };
        Trial {
            ending: Ending::Verdict(verdict),
            n_skipped: 0,
            n_cleanups_failed: 0,
            secrets: Vec::new(),
            failure: None,
            strikes: struck.iter().map(strike).collect(),
            blocks: vec![1],
            sent: sent.iter().map(|sent| write(sent)).collect(),
            needed: sent.iter().map(|sent| write(sent)).collect(),
            saved: saved.iter().map(|value| ("id".to_string(), value.as_bytes().to_vec())).collect(),
            took: Moment::START,
        }
    }

    fn failed(message: &str) -> Trial {
        let failure = Failure {
            code: Code::RunTimeout,
            site: None,
            message: message.to_string(),
            label: String::new(),
            others: Vec::new(),
            steps: Vec::new(),
            sent: None,
            came: None,
            cause: None,
            ends_run: false,
        };
        Trial { failure: Some(failure), ..trial(Verdict::Failed, &[Fault::Lost], &["AT"], &[]) }
    }

    fn ideal() -> Trial {
        trial(Verdict::Passed, &[], &["AT", "AT+ID"], &["17"])
    }

    #[test]
    fn a_pass_is_right_only_if_all_was_sent_and_the_same_was_saved() {
        let judged =
            |sent: &[&str], saved: &[&str]| judge(&ideal(), &trial(Verdict::Passed, &[Fault::Lost], sent, saved));
        assert_eq!(judged(&["AT", "AT+ID"], &["17"]), None);
        assert_eq!(judged(&["AT", "AT", "AT+ID"], &["17"]), None, "a command may be sent again");
        assert_eq!(judged(&["AT"], &["17"]), Some(Wrong::FalsePass));
        assert_eq!(judged(&["AT+ID", "AT"], &["17"]), Some(Wrong::FalsePass), "the order counts");
        assert_eq!(judged(&["AT", "AT+ID"], &["1"]), Some(Wrong::FalsePass));
        assert_eq!(judged(&["AT", "AT+ID"], &[]), Some(Wrong::FalsePass));
    }

    #[test]
    fn under_benign_faults_a_run_ends_the_same_and_saves_the_same() {
        let judged = |verdict, saved: &[&str]| judge(&ideal(), &trial(verdict, &[Fault::Split], &["AT"], saved));
        assert_eq!(judged(Verdict::Passed, &["17"]), None);
        assert_eq!(judged(Verdict::Passed, &["1"]), Some(Wrong::Fragile));
        assert_eq!(judged(Verdict::Passed, &[]), Some(Wrong::Fragile));
        assert_eq!(judged(Verdict::Failed, &["17"]), Some(Wrong::Fragile));
    }

    #[test]
    fn a_failure_says_why() {
        assert_eq!(judge(&ideal(), &failed("`OK` did not come within 1s")), None);
        assert_eq!(judge(&ideal(), &failed("")), Some(Wrong::Unexplained));
        let without = Trial { failure: None, ..failed("") };
        assert_eq!(judge(&ideal(), &without), Some(Wrong::Unexplained));
    }
}
