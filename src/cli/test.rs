//! `flowrun test`: every flow below some paths, run against its counterpart and compared with its snapshot.

mod options;
mod review;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::Ending;
use super::args::TestArguments;
use super::refusal::refuse;
use super::terminal::Terminal;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::program::{Program, Role};
use crate::report::jsonl::render_jsonl;
use crate::report::progress::{render_case, render_summary};
use crate::report::suite::{Status, SuiteReport};
use crate::report::transcript::Times;
use crate::setup::{Ender, Setup, SetupError, Terms, find_counterpart, fresh_seed, read_program};
use crate::suite::find::{Found, find, shard};
use crate::suite::{Judged, Mode, Rules, judge};
use crate::testing::{Outcome, Refused, outcome};
use crate::variables::{Given, Offered};
use options::{Report, Wanted};

/// Runs a suite.
pub(super) fn test(arguments: &TestArguments, terminal: &Terminal) -> Ending {
    match Suite::new(arguments, terminal) {
        Ok(suite) => suite.run(terminal),
        Err(ending) => ending,
    }
}

/// Everything that a suite needs, checked.
struct Suite<'a> {
    arguments: &'a TestArguments,
    wanted: Wanted,
    flows: Vec<PathBuf>,
    orphans: Vec<PathBuf>,
    rules: Rules,
    ender: Ender,
    events: Option<File>,
}

/// What the threads share.
struct Shared<'a> {
    suite: &'a Suite<'a>,
    /// The next flow to begin.
    next: AtomicUsize,
    /// Whether no more flows are to be begun.
    is_over: AtomicBool,
}

/// What a thread tells.
enum News {
    Begun(usize),
    Judged(usize, Box<Judged>),
}

impl<'a> Suite<'a> {
    fn new(arguments: &'a TestArguments, terminal: &Terminal) -> Result<Suite<'a>, Ending> {
        let wrong = |problem: Diagnostic| {
            terminal.refuse(problem);
            Ending::Refused
        };
        let wanted = Wanted::read(arguments).map_err(wrong)?;
        if arguments.review && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            let problem = Diagnostic::general(Code::CommandLine, "`--review` asks at a terminal, and there is none");
            return Err(wrong(problem.help("`--accept` takes every transcript, `--check` writes nothing")));
        }
        let Found { flows, orphans } = flows(arguments, &wanted).map_err(wrong)?;
        let is_real = matches!(wanted.address, Address::Node(_));
        let seed = match arguments.seed {
            Some(seed) => seed,
            None if is_real => fresh_seed().map_err(|error| refuse(error, terminal))?,
            None => 1,
        };
        let is_ci = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0");
        let mode = match () {
            () if arguments.accept => Mode::Accept,
            () if arguments.check || is_ci && !arguments.review => Mode::Check,
            () => Mode::PutAside,
        };
        let rules = Rules {
            times: if is_real { Times::Hidden } else { Times::Shown },
            volatile: wanted.volatile.clone(),
            mode,
            n_runs: if arguments.until_fail { arguments.repeat } else { Some(arguments.repeat.unwrap_or(1)) },
            seed,
            look: terminal.look(),
        };
        let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
        // Last, for it empties the file.
        let events = arguments.events.as_deref().map(File::create).transpose().map_err(|error| {
            wrong(Diagnostic::general(Code::CommandLine, format!("the events can not be written: {error}")))
        })?;
        Ok(Suite { arguments, wanted, flows, orphans, rules, ender, events })
    }

    fn run(mut self, terminal: &Terminal) -> Ending {
        let mut events = self.events.take();
        let mut judged: Vec<Judged> = Vec::new();
        let mut is_unwritten = false;
        let n_flows = self.flows.len();
        let shared = Shared { suite: &self, next: AtomicUsize::new(0), is_over: AtomicBool::new(false) };
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..self.n_threads() {
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move || shared.work(&sender));
            }
            drop(sender);
            let mut running: BTreeMap<usize, ()> = BTreeMap::new();
            let mut early: BTreeMap<usize, Box<Judged>> = BTreeMap::new();
            for news in receiver {
                match news {
                    News::Begun(at) => drop(running.insert(at, ())),
                    News::Judged(at, case) => {
                        running.remove(&at);
                        early.insert(at, case);
                    }
                }
                // In the order of the files, whichever was done first.
                while let Some(mut case) = early.remove(&judged.len()) {
                    terminal.status("");
                    terminal.say(&render_case(&case.report, self.rules.look));
                    is_unwritten |= tell_trouble(&case, terminal);
                    if let Some(file) = &mut events {
                        let text = render_jsonl(&case.events, &case.report.sources);
                        is_unwritten |= note_unwritten(file.write_all(&text), "the events", terminal);
                    }
                    case.events.clear();
                    judged.push(*case);
                }
                let names: Vec<String> = running.keys().map(|at| self.flows[*at].display().to_string()).collect();
                let n_done = judged.len() + early.len();
                terminal.status(&format!("{n_done}/{n_flows} done, running: {}", names.join(", ")));
            }
            terminal.status("");
        });
        if self.arguments.review {
            let (mut input, mut output) = (io::stdin().lock(), io::stdout());
            is_unwritten |= note_unwritten(
                review::review(&mut judged, self.rules.look, &mut input, &mut output),
                "the snapshots",
                terminal,
            );
        }
        let has_pending = judged.iter().any(|case| case.pending.is_some()) && self.rules.mode == Mode::PutAside;
        let cases = judged.into_iter().map(|case| case.report).collect();
        let report = SuiteReport { cases, orphans: self.orphans.iter().map(|path| shown(path)).collect() };
        terminal.say(&render_summary(&report, n_flows - report.cases.len(), self.rules.look));
        if has_pending {
            terminal.say("`flowrun test --review` asks about each difference, `--accept` takes all\n");
        }
        for wanted in &self.wanted.reports {
            is_unwritten |= note_unwritten(wanted.write(&report), &wanted.title(), terminal);
        }
        self.ending(&report, is_unwritten, terminal)
    }

    /// Returns the worst of all: what stops a suite, what makes it void, what failed.
    fn ending(&self, report: &SuiteReport, is_unwritten: bool, terminal: &Terminal) -> Ending {
        let has = |status| report.count(status) > 0;
        let unknown = self.wanted.unused(report.cases.len() == self.flows.len());
        if let Some(name) = &unknown {
            let problem = Diagnostic::general(Code::CommandLine, format!("no flow here has the variable `{name}`"));
            terminal.refuse(problem.help("`--var` sets a variable in the flows that have it"));
        }
        let is_failed = report.cases.iter().any(|case| case.is_failure);
        let has_orphans = self.rules.mode == Mode::Check && !report.orphans.is_empty();
        if self.ender.wants_end() || has(Status::Interrupted) {
            Ending::Ran(Verdict::Interrupted)
        } else if has(Status::Wrong) || unknown.is_some() {
            Ending::Refused
        } else if has(Status::PortFailed) {
            Ending::Ran(Verdict::PortFailed)
        } else if is_failed || has_orphans {
            Ending::Ran(Verdict::Failed)
        } else if is_unwritten {
            Ending::Unwritten
        } else {
            Ending::Done
        }
    }

    /// Several flows can not have one port.
    fn n_threads(&self) -> usize {
        let n = match self.wanted.address {
            Address::Node(_) => 1,
            Address::OwnDevice | Address::Device(_) | Address::Recording(_) => self
                .arguments
                .jobs
                .unwrap_or_else(|| thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)),
        };
        n.clamp(1, self.flows.len().max(1))
    }

    /// Returns the flow with its counterpart; `None` if it has none.
    fn setup(&self, flow: &Path) -> Result<Option<Setup>, Refused> {
        match self.try_setup(flow) {
            Ok(setup) => Ok(Some(setup)),
            Err(SetupError::NoCounterpart) => Ok(None),
            Err(error) => Err(Refused::of(flow, error)),
        }
    }

    fn try_setup(&self, flow: &Path) -> Result<Setup, SetupError> {
        let program = read_program(Role::Flow, flow)?.program;
        let found = find_counterpart(&self.wanted.address, flow, &program)?;
        let terms = Terms { variables: self.offered(&program), ..Terms::default() };
        Setup::join(program, flow, found.counterpart, terms)
    }

    /// Returns what the environment and `--var` give to a flow; what it does not have may be for another.
    fn offered(&self, program: &Program) -> Offered {
        let has = |given: &&Given| program.params.iter().any(|param| param.name == given.name);
        let typed: Vec<Given> = self.wanted.given.iter().filter(has).cloned().collect();
        self.wanted.note_used(&typed);
        let mut given = super::given::from_environment(program, |name| env::var(name).ok());
        given.extend(typed);
        Offered { given, problems: Vec::new() }
    }

    fn outcome(&self, setup: &Setup, seed: u64) -> Result<Outcome, Refused> {
        outcome(setup, seed, &self.ender).map_err(|error| Refused::of(setup.file(), error))
    }
}

impl Shared<'_> {
    /// Takes one flow after the other until there is none left.
    fn work(&self, sender: &Sender<News>) {
        loop {
            if self.is_over.load(Ordering::SeqCst) || self.suite.ender.wants_end() {
                return;
            }
            let at = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(flow) = self.suite.flows.get(at) else { return };
            // Nobody listens any more only if the process ends.
            let _ = sender.send(News::Begun(at));
            let setup = self.suite.setup(flow);
            let case = judge(flow, &self.suite.rules, setup, &|setup, seed| self.suite.outcome(setup, seed));
            if self.suite.arguments.fail_fast && case.report.is_failure {
                self.is_over.store(true, Ordering::SeqCst);
            }
            let _ = sender.send(News::Judged(at, Box::new(case)));
        }
    }
}

/// Returns the flows that were asked for.
fn flows(arguments: &TestArguments, wanted: &Wanted) -> Result<Found, Diagnostic> {
    let here = [PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here[..] } else { &arguments.paths };
    let mut found = find(paths).map_err(|(path, error)| {
        Diagnostic::general(Code::CommandLine, format!("`{}` can not be read: {error}", path.display()))
    })?;
    let is_meant = |flow: &PathBuf| {
        arguments.filter.is_empty() || arguments.filter.iter().any(|text| shown(flow).contains(text.as_str()))
    };
    let n_found = found.flows.len();
    found.flows.retain(is_meant);
    if found.flows.is_empty() {
        let message = match n_found {
            0 => "there are no flows here".to_string(),
            n => format!("`--filter` leaves none of {n} flows"),
        };
        let help = "a flow is a file `NAME.flow` that begins with `flow \"…\"`; name a folder, or the file itself";
        return Err(Diagnostic::general(Code::CommandLine, message).help(help));
    }
    if let Some((number, count)) = wanted.shard {
        found.flows = shard(found.flows, number, count);
    }
    Ok(found)
}

fn tell_trouble(case: &Judged, terminal: &Terminal) -> bool {
    if let Some(trouble) = &case.trouble {
        terminal.warn(trouble);
    }
    case.trouble.is_some()
}

fn note_unwritten(written: io::Result<()>, what: &str, terminal: &Terminal) -> bool {
    if let Err(error) = &written {
        terminal.warn(&format!("{what} can not be written: {error}"));
    }
    written.is_err()
}

fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

impl Report {
    fn write(&self, suite: &SuiteReport) -> io::Result<()> {
        fs::write(&self.path, self.kind.render(suite))
    }

    fn title(&self) -> String {
        format!("the report `{}`", self.path.display())
    }
}
