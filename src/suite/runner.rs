//! `Runner`: the flows of a suite, judged on several threads and handed over in the order of their files.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Judged, Rules, judge};
use crate::address::Address;
use crate::coverage::Coverage;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::Look;
use crate::event::Rigour;
use crate::program::{GivenLimits, Program, Role};
use crate::report::coverage::CoverageReport;
use crate::settings::Settings;
use crate::setup::{
    Beginning, Complaint, Counterpart, Ender, Setup, SetupError, Terms, find_counterpart, line_settings, read_program,
};
use crate::testing::{Around, Recorder, Refused, Watcher, outcome};
use crate::variables::Offered;
use crate::world::Hooks;

/// What becomes of the other flows when one fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// They are run.
    GoOn,
    /// No other is begun.
    Stop,
}

/// Who looks on while a suite runs.
pub trait Onlooker {
    /// Takes the next flow in the order of the files, whichever was done first.
    fn judged(&mut self, case: &mut Judged);

    /// Takes note of how many flows are done, and which are running.
    fn progress(&mut self, _n_done: usize, _running: &[&Path]) {}

    /// Takes note of what a running flow waits for, four times a second on a real port.
    fn moves(&mut self, _n_done: usize, _flow: &Path, _line: &str) {}
}

/// Says where the ports of a flow are: one address for each, or one for all.
type Place<'a> = Box<dyn Fn(&Program) -> Result<Vec<Address>, Box<Diagnostic>> + Sync + 'a>;

/// Says how the line at an address is set for a flow with these settings.
type Tune<'a> = Box<dyn Fn(&Settings, &Address) -> Settings + Sync + 'a>;

/// Returns what runs the hooks of the flow in a file.
type Hook<'a> = dyn Fn(&Path) -> Option<Box<dyn Hooks>> + Sync + 'a;

/// Says what is given to the variables of a flow, and to those of the devices that play the other ends.
type Offer<'a> = dyn Fn(&Program, &Counterpart) -> (Offered, Offered) + Sync + 'a;

/// Begins to record a run of the flow in a file.
type Record<'a> = dyn Fn(&Path, &Setup, Beginning, &[String]) -> Option<Box<dyn Recorder>> + Sync + 'a;

/// Runs the flows of a suite.
pub struct Runner<'a> {
    flows: Vec<PathBuf>,
    rules: Rules,
    place: Place<'a>,
    is_real: bool,
    ender: Ender,
    n_threads: Option<usize>,
    after_failure: AfterFailure,
    rigour: Rigour,
    limits: GivenLimits,
    watched: Option<Look>,
    offer: Box<Offer<'a>>,
    tune: Tune<'a>,
    hook: Box<Hook<'a>>,
    record: Box<Record<'a>>,
    coverage: Option<Mutex<Coverage>>,
}

/// What a thread tells.
enum News {
    Begun(usize),
    Moves(usize, String),
    Judged(usize, Box<Judged>),
}

impl<'a> Runner<'a> {
    /// Makes a runner: each flow against the device that it names, with the defaults of its variables, one a processor.
    pub fn new(flows: Vec<PathBuf>, rules: Rules) -> Runner<'a> {
        Runner {
            flows,
            rules,
            place: Box::new(|_| Ok(vec![Address::OwnDevice])),
            is_real: false,
            ender: Ender::Nobody,
            n_threads: None,
            after_failure: AfterFailure::GoOn,
            rigour: Rigour::Usual,
            limits: GivenLimits::new(),
            watched: None,
            offer: Box::new(|_, _| (Offered::default(), Offered::default())),
            tune: Box::new(|settings, _| settings.clone()),
            hook: Box::new(|_| None),
            record: Box::new(|_, _, _, _| None),
            coverage: None,
        }
    }

    /// Runs so many flows at once.
    #[must_use]
    pub fn at_once(mut self, n_threads: usize) -> Runner<'a> {
        self.n_threads = Some(n_threads);
        self
    }

    /// Says what becomes of the other flows when one fails.
    #[must_use]
    pub fn after_failure(mut self, after_failure: AfterFailure) -> Runner<'a> {
        self.after_failure = after_failure;
        self
    }

    /// Says whether a flow may pass though a clean-up in it failed.
    #[must_use]
    pub(crate) fn with_rigour(mut self, rigour: Rigour) -> Runner<'a> {
        self.rigour = rigour;
        self
    }

    /// Holds measurements to these limits instead of those of their flows.
    #[must_use]
    pub(crate) fn with_limits(mut self, limits: GivenLimits) -> Runner<'a> {
        self.limits = limits;
        self
    }

    /// Tells the onlooker what a flow on a real port waits for, in lines of this look: nobody has to wait for the others.
    #[must_use]
    pub(crate) fn watched(mut self, look: Look) -> Runner<'a> {
        self.watched = Some(look);
        self
    }

    /// Asks for the addresses of each flow, one for each of its ports or one for all; says whether a real port is among them, which
    /// several flows cannot have at once.
    #[must_use]
    pub(crate) fn against(
        mut self,
        is_real: bool,
        place: impl Fn(&Program) -> Result<Vec<Address>, Box<Diagnostic>> + Sync + 'a,
    ) -> Runner<'a> {
        self.is_real = is_real;
        self.place = Box::new(place);
        self
    }

    /// Lets somebody end the suite: no other flow is begun then, and those that run are interrupted.
    #[must_use]
    pub(crate) fn until(mut self, ender: Ender) -> Runner<'a> {
        self.ender = ender;
        self
    }

    /// Asks for the settings of the line at an address instead of the flow's own.
    #[must_use]
    pub(crate) fn tuning(mut self, tune: impl Fn(&Settings, &Address) -> Settings + Sync + 'a) -> Runner<'a> {
        self.tune = Box::new(tune);
        self
    }

    /// Asks for what runs the hooks of a flow on a real port.
    #[must_use]
    pub(crate) fn hooking(mut self, hook: impl Fn(&Path) -> Option<Box<dyn Hooks>> + Sync + 'a) -> Runner<'a> {
        self.hook = Box::new(hook);
        self
    }

    /// Asks for the variables of each flow, and for those of its devices.
    #[must_use]
    pub(crate) fn offering(
        mut self,
        offer: impl Fn(&Program, &Counterpart) -> (Offered, Offered) + Sync + 'a,
    ) -> Runner<'a> {
        self.offer = Box::new(offer);
        self
    }

    /// Asks for what records each run.
    #[must_use]
    pub(crate) fn recording(
        mut self,
        record: impl Fn(&Path, &Setup, Beginning, &[String]) -> Option<Box<dyn Recorder>> + Sync + 'a,
    ) -> Runner<'a> {
        self.record = Box::new(record);
        self
    }

    /// Takes note of what the flows reach.
    #[must_use]
    pub(crate) fn covering(mut self) -> Runner<'a> {
        self.coverage = Some(Mutex::default());
        self
    }

    /// Returns what the flows have reached, if that was taken note of.
    pub(crate) fn into_coverage(self) -> Option<CoverageReport> {
        let coverage = self.coverage?.into_inner().unwrap_or_else(PoisonError::into_inner);
        Some(coverage.report())
    }

    /// Runs the flows and returns those that were begun, in the order of their files.
    pub fn run(&self, onlooker: &mut dyn Onlooker) -> Vec<Judged> {
        let turn = Turn { next: AtomicUsize::new(0), is_over: AtomicBool::new(false) };
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..self.n_threads() {
                let (sender, turn) = (sender.clone(), &turn);
                scope.spawn(move || self.work(turn, &sender));
            }
            drop(sender);
            self.gather(&receiver, onlooker)
        })
    }

    fn gather(&self, receiver: &Receiver<News>, onlooker: &mut dyn Onlooker) -> Vec<Judged> {
        let mut running: BTreeSet<usize> = BTreeSet::new();
        let mut early: BTreeMap<usize, Box<Judged>> = BTreeMap::new();
        let mut judged: Vec<Judged> = Vec::new();
        for news in receiver {
            match news {
                News::Begun(at) => drop(running.insert(at)),
                News::Moves(at, line) => {
                    onlooker.moves(judged.len() + early.len(), &self.flows[at], &line);
                    continue;
                }
                News::Judged(at, case) => {
                    running.remove(&at);
                    early.insert(at, case);
                }
            }
            while let Some(mut case) = early.remove(&judged.len()) {
                onlooker.judged(&mut case);
                judged.push(*case);
            }
            let running: Vec<&Path> = running.iter().map(|at| self.flows[*at].as_path()).collect();
            onlooker.progress(judged.len() + early.len(), &running);
        }
        judged
    }

    /// Takes one flow after the other until there is none left.
    fn work(&self, turn: &Turn, sender: &Sender<News>) {
        loop {
            if turn.is_over.load(Ordering::SeqCst) || self.ender.wants_end() {
                return;
            }
            let at = turn.next.fetch_add(1, Ordering::SeqCst);
            let Some(flow) = self.flows.get(at) else { return };
            // Nobody listens any more only if the process ends.
            let _ = sender.send(News::Begun(at));
            let run = |setup: &Setup, seed| {
                let mut show = |line| drop(sender.send(News::Moves(at, line)));
                let look = self.watched.filter(|_| self.is_real);
                let watcher = look.map(|look| Watcher { look, show: &mut show });
                let record = |setup: &Setup, beginning: Beginning, ports: &[String]| {
                    (self.record)(flow, setup, beginning, ports)
                };
                let around = Around {
                    watcher,
                    hooks: (self.hook)(flow),
                    record: Some(&record),
                    keeps_recording: self.rules.keeps_recordings,
                };
                outcome(setup, seed, &self.ender, around).map_err(|error| Refused::of(flow, error))
            };
            let mut setup = self.setup(flow);
            let mut traced = None;
            if self.coverage.is_some() {
                setup = setup.map(|setup| setup.map(Setup::traced));
                traced = setup.as_ref().ok().cloned().flatten();
            }
            let case = judge(flow, &self.rules, setup, &run);
            if let (Some(coverage), Some(traced)) = (&self.coverage, &traced) {
                coverage.lock().unwrap_or_else(PoisonError::into_inner).add(&traced.executed());
            }
            if self.after_failure == AfterFailure::Stop && case.report.is_failure {
                turn.is_over.store(true, Ordering::SeqCst);
            }
            let _ = sender.send(News::Judged(at, Box::new(case)));
        }
    }

    /// Returns a flow with its counterpart; `None` if it has none.
    fn setup(&self, flow: &Path) -> Result<Option<Setup>, Refused> {
        match self.try_setup(flow) {
            Ok(setup) => Ok(Some(setup)),
            Err(SetupError::NoCounterpart) => Ok(None),
            Err(error) => Err(Refused::of(flow, error)),
        }
    }

    fn try_setup(&self, flow: &Path) -> Result<Setup, SetupError> {
        let program = read_program(Role::Flow, flow)?.program;
        let addresses = (self.place)(&program)
            .map_err(|problem| Complaint { problems: vec![*problem], sources: program.sources.clone() })?;
        let found = find_counterpart(&addresses, flow, &program)?;
        let tuned = line_settings(&program).into_iter().enumerate().map(|(at, settings)| {
            let address = found.addresses.get(at).or(found.addresses.last());
            address.map_or_else(|| settings.clone(), |address| (self.tune)(&settings, address))
        });
        let settings = Some(tuned.collect());
        let (variables, device_variables) = (self.offer)(&program, &found.counterpart);
        let terms = Terms {
            variables,
            device_variables,
            settings,
            limits: self.limits.clone(),
            rigour: self.rigour,
            ..Terms::default()
        };
        Setup::join(program, flow, found.counterpart, terms)
    }

    /// Several flows cannot have one port.
    fn n_threads(&self) -> usize {
        let n_processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let n = if self.is_real { 1 } else { self.n_threads.unwrap_or_else(n_processors) };
        n.clamp(1, self.flows.len().max(1))
    }
}

/// Whose turn it is: shared by the threads.
struct Turn {
    /// The next flow to begin.
    next: AtomicUsize,
    /// Whether no more flows are to be begun.
    is_over: AtomicBool,
}
