//! Mutants of the device: a flow run against hundreds of small changes of what its device answers, to see which it notices.
//!
//! A flow that passes although its device answers something else does not check that answer. Each change is a *mutant*: one
//! statement of the device says something else, nothing, or it at another time.

mod edit;
mod explained;
mod mutant;
mod trial;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::engine::{Cover, Engine};
use crate::program::Program;
use crate::setup::{Setup, SetupError};
use crate::sim::VIRTUAL_SEED;
use crate::source::Site;
use crate::value::escape::visible_cut;
use crate::value::random::Rng;
pub use edit::Kind;
pub use explained::Stale;
use explained::{Change, explanation, stale};
pub use mutant::Mutant;
use mutant::{Said, answers, mutants};
use trial::{Bounds, run as run_once};
pub use trial::{Ending, Trial};

/// So many characters of an answer are shown.
const SHOWN: usize = 60;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Campaign {
    /// The seed: it says which digits, letters and bytes are changed, and which mutants are run if there are too many.
    pub seed: u64,
    /// How many mutants at most.
    pub most: usize,
    /// How many runs at once.
    pub jobs: usize,
}

/// What a flow did with a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It did not end as the good run did.
    Noticed,
    /// It passed, and what it saved or measured is another value.
    Recorded,
    /// It passed and did just the same, with an answer that came twice, late, or in another order.
    Borne,
    /// All that came was as in the good run: the change is none.
    Equivalent,
    /// It passed, and a comment in the device says why that is right.
    Explained(String),
    /// It passed.
    Unnoticed {
        /// Whether it sent the same as in the good run.
        sent_the_same: bool,
    },
    /// It did not end by itself.
    Endless,
    /// flowrun panicked.
    Panicked(String),
}

/// A mutant, and what became of it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Which.
    pub mutant: Mutant,
    /// What the flow did.
    pub fate: Fate,
    /// The answer before and after, as text without secrets; there is none of a control line, and nothing behind an answer
    /// that is gone, comes again or at another time.
    pub answer: Option<(String, Option<String>)>,
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Report {
    /// The run against the device as it is.
    pub good: Trial,
    /// How many statements of the devices answer something.
    pub n_answers: usize,
    /// How many of them the good run reached: the others have no mutants.
    pub n_reached: usize,
    /// How many mutants there are, those among them that were not run.
    pub n_mutants: usize,
    /// Those that were run, in the order of the ports and of the device files.
    pub tried: Vec<Tried>,
    /// Comments `# mutant ok` that explain nothing; none are named if some changes were not tried.
    pub stale: Vec<Stale>,
}

impl Report {
    /// Returns how many mutants a test of their fate holds for.
    pub fn count(&self, is_it: impl Fn(&Fate) -> bool) -> usize {
        self.tried.iter().filter(|tried| is_it(&tried.fate)).count()
    }

    /// Returns the mutants that show something to be mended: those that nobody noticed or explained, and runs without an end.
    pub fn findings(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| match &tried.fate {
            Fate::Unnoticed { .. } | Fate::Endless | Fate::Panicked(_) => true,
            Fate::Noticed | Fate::Recorded | Fate::Borne | Fate::Equivalent | Fate::Explained(_) => false,
        })
    }
}

/// Why there is no report.
pub(crate) enum Stopped {
    /// The flow does not pass against the device as it is.
    NotGood(Box<Trial>),
    /// It cannot be run.
    Refused(SetupError),
}

/// Runs a flow against the mutants of its devices; `ports` are what reports call its ports.
///
/// # Errors
///
/// The flow does not pass against its devices as they are, or cannot be run.
pub(crate) fn run(setup: &Setup, ports: &[String], campaign: Campaign) -> Result<Report, Stopped> {
    // What a recording says cannot be changed either.
    if setup.counterpart().devices().any(|device| device.is_none()) {
        return Err(Stopped::Refused(SetupError::NoCounterpart));
    }
    let mut ears = BTreeMap::new();
    let listening = setup.with_devices_changed(|port, device| {
        let ear: &mut Said = ears.entry(port).or_default();
        ear.listen_to(device)
    });
    let mut good = run_once(&listening, ports, Bounds::FIRST).map_err(Stopped::Refused)?;
    good.secrets.extend(secrets_of_devices(setup, ports));
    if !matches!(good.ending, Ending::Verdict(verdict) if verdict.is_success()) {
        return Err(Stopped::NotGood(Box::new(good)));
    }
    let mut dice = Rng::from_seed(campaign.seed);
    let (mut n_answers, mut n_reached, mut all) = (0, 0, Vec::new());
    for (port, device) in setup.counterpart().devices().enumerate() {
        let Some(device) = device else { continue };
        let said = ears.get(&port).map(Said::take).unwrap_or_default();
        n_answers += answers(device).len();
        n_reached += said.len();
        all.extend(mutants(port, device, &said, &mut dice));
    }
    let n_mutants = all.len();
    while all.len() > campaign.most {
        all.remove(dice.below(all.len() as u64) as usize);
    }
    let tried = try_all(setup, ports, campaign.jobs, &good, all).map_err(Stopped::Refused)?;
    let stale = if tried.len() == n_mutants { stale_in(setup, &tried) } else { Vec::new() };
    Ok(Report { good, n_answers, n_reached, n_mutants, tried, stale })
}

/// Returns the comments of the devices that explain nothing; a file of two devices is named if it is so at both.
fn stale_in(setup: &Setup, tried: &[Tried]) -> Vec<Stale> {
    let mut all: Vec<(Arc<Program>, Vec<Site>, Vec<Change>)> = Vec::new();
    for (port, device) in setup.counterpart().devices().enumerate() {
        let Some(device) = device else { continue };
        let of_port = tried.iter().filter(|tried| tried.mutant.port == port);
        let is_unnoticed = |fate: &Fate| matches!(fate, Fate::Explained(_) | Fate::Unnoticed { .. });
        let fates = of_port.map(|tried| (tried.mutant.site, tried.mutant.kind, is_unnoticed(&tried.fate)));
        let fates: Vec<Change> = fates.collect();
        let sites: Vec<Site> = answers(device).into_iter().map(|at| device.site(at)).collect();
        let name = |device: &Program| device.sources.iter().next().map(|(_, source)| source.name().to_string());
        match all.iter_mut().find(|(known, _, _)| name(known) == name(device)) {
            Some((_, _, known)) => known.extend(fates),
            None => all.push((device.clone(), sites, fates)),
        }
    }
    all.iter().flat_map(|(device, sites, fates)| stale(device, sites, fates)).collect()
}

/// Returns the secrets of the devices: a changed answer may show one that the flow itself does not know.
fn secrets_of_devices(setup: &Setup, ports: &[String]) -> Vec<(Arc<str>, Vec<u8>)> {
    let inputs = setup.inputs(setup.beginning_with(VIRTUAL_SEED), ports);
    let devices = setup.devices(&inputs).into_iter().flatten();
    devices.flat_map(|(device, inputs)| Engine::new(device, inputs).secrets().to_vec()).collect()
}

/// Runs mutants on several threads.
fn try_all(
    setup: &Setup,
    ports: &[String],
    jobs: usize,
    good: &Trial,
    mutants: Vec<Mutant>,
) -> Result<Vec<Tried>, SetupError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Tried, SetupError>>> = Mutex::default();
    let bounds = Bounds::behind(good);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(at) else { return };
            let changed = setup.with_devices_changed(|port, device| match port == mutant.port {
                true => mutant.of(device),
                false => device.clone(),
            });
            let tried = run_once(&changed, ports, bounds).map(|trial| judged(setup, good, &trial, mutant));
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, tried);
        }
    };
    thread::scope(|scope| (0..jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Says what became of a mutant.
fn judged(setup: &Setup, good: &Trial, trial: &Trial, mutant: &Mutant) -> Tried {
    let mut fate = fate(good, trial, mutant.kind);
    if let Fate::Unnoticed { .. } = fate {
        let device = setup.counterpart().devices().nth(mutant.port).flatten();
        let why = device.and_then(|device| explanation(&device.sources, mutant.site, mutant.kind));
        fate = why.map_or(fate, Fate::Explained);
    }
    let cover = Cover::of(good.secrets.iter().chain(&trial.secrets));
    let shown = |octets: &[u8]| good.sources.covered(&visible_cut(&cover.covered(octets), SHOWN));
    // A secret that was changed a little is known by its beginning, so what became of such an answer is shown as it was.
    let answer = mutant.before().map(|before| {
        let after = if cover.covered(before) == before { mutant.after() } else { mutant.after().map(|_| before) };
        (shown(before), after.map(shown))
    });
    Tried { mutant: mutant.clone(), fate, answer }
}

fn fate(good: &Trial, trial: &Trial, kind: Kind) -> Fate {
    match &trial.ending {
        Ending::Endless => return Fate::Endless,
        Ending::Panicked(why) => return Fate::Panicked(why.clone()),
        Ending::Verdict(_) => {}
    }
    if trial.came == good.came {
        return Fate::Equivalent;
    }
    if trial.ending != good.ending || trial.remarks != good.remarks {
        return Fate::Noticed;
    }
    if trial.kept != good.kept {
        return Fate::Recorded;
    }
    let sent_the_same = trial.sent == good.sent;
    if kind.says_the_same() && sent_the_same { Fate::Borne } else { Fate::Unnoticed { sent_the_same } }
}

#[cfg(test)]
mod tests;
