//! `flowrun test`: every flow below some paths, run against its counterpart and compared with its snapshot.

mod leaves;
mod options;
mod person;
mod review;
mod select;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Ending;
use super::args::{FlakyResult, TestArguments};
use super::artifacts::Artifacts;
use super::claims::{Claims, Output};
use super::hooks::programs_for_all;
use super::host::is_ci;
use super::limits;
use super::named::{Asks, named, ports_of_bench};
use super::outputs::{Written, tell_kept};
use super::past::{self, Earlier};
use super::pipeline::Group;
use super::prepare::note_for_suite;
use super::refusal::{refuse, tell_others};
use super::reports::Report;
use super::terminal::Terminal;
use super::wait;
use crate::address::Address;
use crate::diagnostic::render::Look;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::engine::Rigour;
use crate::event::Verdict;
use crate::history::{Counterpart, Keeping, Run};
use crate::hook::{self, Programs};
use crate::origin::Origin;
use crate::program::{GivenLimits, Role};
use crate::report::coverage::render_coverage;
use crate::report::format::Exchanges;
use crate::report::gathered::Gathered;
use crate::report::html::rows_of;
use crate::report::jsonl::{render_jsonl, render_traceable};
use crate::report::progress::{render_case, render_summary};
use crate::report::suite::{Clock, Status, SuiteReport};
use crate::report::transcript::Times;
use crate::setup::{Ender, find_counterpart, fresh_seed, present, read_program};
use crate::source::name_of;
use crate::suite::find::Found;
use crate::suite::runner::{AfterFailure, Onlooker, Runner};
use crate::suite::snapshot::Snapshot;
use crate::suite::{Flaky, Judged, Mode, Rules};
use crate::value::escape::{harmless, harmless_path};
use crate::world::Hooks;
use leaves::{Leaf, Leaves};
use options::Wanted;
use person::Person;
use review::Left;
use select::Selection;
pub(super) use select::unreadable;
use watch::Watched;

/// Runs a suite, or lists it.
pub(super) fn test(arguments: &TestArguments, terminal: &Terminal) -> Ending {
    let done = match arguments.selection.watch {
        true => watch::watch(arguments, terminal),
        false => run(arguments, None, terminal),
    };
    done.unwrap_or_else(|ending| ending)
}

/// Runs a suite once; what is watched says which of its flows are meant.
fn run(arguments: &TestArguments, watched: Option<&mut Watched>, terminal: &Terminal) -> Result<Ending, Ending> {
    let selection = Selection::read(arguments, folder(arguments), terminal)?;
    let mut found = selection.flows(arguments, terminal).map_err(|problem| {
        terminal.refuse(problem);
        Ending::Refused
    })?;
    if arguments.selection.list {
        return Ok(select::list(&found, arguments.selection.format, terminal));
    }
    let has_gone = selection.tell_gone(arguments, terminal);
    // What is not there any more has not passed.
    let of_all = |ending| if has_gone && ending == Ending::Done { Ending::Ran(Verdict::Failed) } else { ending };
    if let Some(nothing) = selection.nothing_failed(&found) {
        terminal.say(if has_gone { "" } else { nothing });
        return Ok(of_all(Ending::Done));
    }
    let Some(watched) = watched else {
        return Ok(of_all(Suite::new(arguments, selection, found, Part::Whole, terminal)?.run(terminal)));
    };
    let all = found.flows.clone();
    let gone = watched.gone(&all, &found.orphans);
    terminal.say(&gone);
    found.flows.retain(|flow| watched.wants(flow));
    if found.flows.is_empty() {
        return Ok(if gone.is_empty() { Ending::Nothing } else { Ending::Done });
    }
    terminal.say(&watched.reason());
    let suite = Suite::new(arguments, selection, found, Part::Of(all.clone()), terminal)?;
    watched.note(&all, &|flow| suite.wanted.addresses_of(flow), terminal)?;
    watched.pass_over(all.iter().flat_map(|flow| suite.leaves.of(flow)).map(|leaf| leaf.path));
    Ok(suite.run(terminal))
}

/// Returns the folder whose `flowrun.toml` counts.
fn folder(arguments: &TestArguments) -> &Path {
    let folder = arguments.paths.first().map_or(Path::new("."), PathBuf::as_path);
    if folder.is_dir() { folder } else { folder_of(folder) }
}

/// Everything that a suite needs, checked.
struct Suite<'a> {
    arguments: &'a TestArguments,
    selection: Selection,
    part: Part,
    wanted: Wanted,
    flows: Vec<PathBuf>,
    orphans: Vec<PathBuf>,
    rules: Rules,
    limits: GivenLimits,
    /// What the hooks of a flow on a real port stand for, by its file.
    hooks: HashMap<PathBuf, Arc<Programs>>,
    ender: Ender,
    events: Option<File>,
    leaves: Leaves,
    /// When and where it is run.
    origin: Origin,
}

/// Which of the flows that are meant are run.
enum Part {
    /// All.
    Whole,
    /// Some of these.
    Of(Vec<PathBuf>),
}

impl Part {
    fn all<'a>(&'a self, run: &'a [PathBuf]) -> &'a [PathBuf] {
        match self {
            Part::Whole => run,
            Part::Of(all) => all,
        }
    }
}

/// Shows each flow when it is judged, and writes its events.
struct Shown<'a> {
    terminal: &'a Terminal,
    look: Look,
    n_flows: usize,
    events: Option<File>,
    /// Of which runs a report shows the lines.
    exchanges: Exchanges,
    origin: Origin,
    artifacts: Artifacts,
    leaves: &'a Leaves,
    /// Whether only flows are shown with which something is wrong.
    is_quiet: bool,
    /// The folder of the history, if it was typed.
    history: Option<Option<PathBuf>>,
    written: Written,
}

impl Onlooker for Shown<'_> {
    fn judged(&mut self, case: &mut Judged) {
        self.terminal.status("");
        if !self.is_quiet || !case.report.status.is_success() || case.report.is_failure {
            self.terminal.say(&render_case(&case.report, self.look, self.terminal.language()));
        }
        if let Some(trouble) = &case.trouble {
            self.terminal.warn(trouble);
            self.written = Written::NotEverything;
        }
        // Before the pages: their history ends with this run.
        self.keep(case);
        let earlier = self.earlier(case);
        let keeping = self.artifacts.keep_case(case, &self.origin, earlier.as_ref());
        self.written = self.written.and(tell_kept(&keeping, &self.artifacts, self.terminal));
        for trouble in self.leaves.keep(case) {
            self.terminal.warn(&trouble);
            self.written = Written::NotEverything;
        }
        case.recording = None;
        // Values of secrets are kept no longer than they are needed.
        case.results = Vec::new();
        if let Some(file) = &mut self.events {
            let about = case.report.about(Some(&self.origin));
            let text = match &about {
                Some(about) => render_traceable(&case.events, &case.report.sources, about),
                None => render_jsonl(&case.events, &case.report.sources),
            };
            self.written = self.written.and(tell_written(file.write_all(&text), "the events", self.terminal));
        }
        let is_shown = match self.exchanges {
            Exchanges::None => false,
            Exchanges::OfFailed => case.report.is_failure,
            Exchanges::All => true,
        };
        if is_shown && !case.events.is_empty() {
            let about = case.report.about(Some(&self.origin)).as_ref().map(rows_of).unwrap_or_default();
            let past = earlier.as_ref().map(Earlier::times).unwrap_or_default();
            let gathered = Gathered::of(&case.events, &case.report.sources).about(about).past(past);
            case.report.gathered = Some(Box::new(gathered));
        }
        // Nobody needs them any more.
        case.events = Vec::new();
    }

    fn progress(&mut self, n_done: usize, running: &[&Path]) {
        let names: Vec<String> = running.iter().map(|flow| name_of(flow)).collect();
        self.terminal.status(&format!("{n_done}/{} done, running: {}", self.n_flows, names.join(", ")));
    }

    fn moves(&mut self, n_done: usize, flow: &Path, line: &str) {
        self.terminal.status(&format!("{n_done}/{} done, {}: {line}", self.n_flows, harmless(name_of(flow))));
    }
}

impl Shown<'_> {
    /// Returns the earlier runs that a page shows: of a flow on real ports, if there is a history.
    fn earlier(&self, case: &Judged) -> Option<Earlier> {
        let ports = case.report.about(Some(&self.origin))?.addresses;
        if past::on(&ports) != Counterpart::Real {
            return None;
        }
        let flow = Path::new(&case.report.file);
        let folder = past::folder(flow, self.history.as_ref())?;
        Some(Earlier { file: past::called(&folder, flow), folder, ports })
    }

    /// Adds the run that is reported to the history, if there is one.
    fn keep(&mut self, case: &Judged) {
        let report = &case.report;
        let Some(about) = report.about(Some(&self.origin)) else { return };
        let flow = Path::new(&report.file);
        let Some(folder) = past::folder(flow, self.history.as_ref()) else { return };
        let (file, title) = (past::called(&folder, flow), past::title(&folder));
        let run = Run { folder, file, on: past::on(&about.addresses) };
        let mut keeping = Keeping::new(run, &about, &report.sources);
        case.events.iter().for_each(|event| keeping.add(event));
        self.written = self.written.and(tell_written(keeping.write(), &title, self.terminal));
    }
}

impl<'a> Suite<'a> {
    fn new(
        arguments: &'a TestArguments,
        selection: Selection,
        found: Found,
        part: Part,
        terminal: &Terminal,
    ) -> Result<Suite<'a>, Ending> {
        let wrong = |problem: Diagnostic| {
            terminal.refuse(problem);
            Ending::Refused
        };
        let folder = folder(arguments);
        let of_bench = arguments.bench.as_ref().map(|bench| ports_of_bench(bench, folder, terminal)).transpose()?;
        let ports = of_bench.as_ref().unwrap_or(&arguments.ports);
        let named = named(ports, arguments.profile.as_deref(), Asks::TestOptions, folder, terminal)?;
        let named = arguments.bench.iter().fold(named, |named, bench| named.on_bench(bench));
        let origin = named.origin();
        let wanted = Wanted::read(arguments, named, terminal)?;
        if arguments.snapshots.review && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            let problem = Diagnostic::general(Code::CommandLine, "`--review` asks at a terminal, and there is none");
            return Err(wrong(problem.help("`--accept` takes every transcript, `--check` writes nothing")));
        }
        let Found { flows, orphans } = found;
        let is_real = wanted.is_real();
        let seed = match arguments.seed {
            Some(seed) => seed,
            None if is_real => fresh_seed().map_err(|error| refuse(error, terminal))?,
            None => 1,
        };
        let mode = match () {
            () if arguments.snapshots.accept => Mode::Accept,
            () if arguments.snapshots.check || is_ci() && !arguments.snapshots.review => Mode::Check,
            () => Mode::PutAside,
        };
        let artifacts = Artifacts::read(arguments.kept.artifacts.as_deref());
        let rules = Rules {
            times: if is_real { Times::Hidden } else { Times::Shown },
            volatile: wanted.volatile.clone(),
            mode,
            n_runs: if arguments.selection.until_fail {
                arguments.selection.repeat
            } else {
                Some(arguments.selection.repeat.unwrap_or(1))
            },
            seed,
            look: terminal.look(),
            flaky: match arguments.selection.flaky {
                FlakyResult::Pass => Flaky::Passes,
                FlakyResult::Fail => Flaky::Fails,
            },
            keeps_recordings: artifacts.are_wanted(),
        };
        let leaves = Leaves::read(&arguments.kept, &origin).map_err(wrong)?;
        claim(arguments, &wanted, &flows, &leaves).map_err(wrong)?;
        let limits = limits_for_all(arguments, part.all(&flows), terminal)?;
        if let Some(problem) = artifacts.check() {
            return Err(wrong(problem));
        }
        let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
        let hooks = if is_real { programs_for_all(&flows, terminal)? } else { HashMap::new() };
        if arguments.kept.history.is_some() {
            let folders: BTreeSet<_> =
                flows.iter().filter_map(|flow| past::folder(flow, arguments.kept.history.as_ref())).collect();
            folders.iter().try_for_each(|folder| past::make(folder, terminal))?;
        }
        // Last, for it empties the file.
        let events = arguments.kept.events.as_deref().map(File::create).transpose().map_err(|error| {
            wrong(Diagnostic::general(Code::CommandLine, format!("the events cannot be written: {error}")))
        })?;
        Ok(Suite {
            arguments,
            selection,
            part,
            wanted,
            flows,
            orphans,
            rules,
            limits,
            hooks,
            ender,
            events,
            leaves,
            origin,
        })
    }

    fn run(mut self, terminal: &Terminal) -> Ending {
        let (n_flows, look) = (self.flows.len(), self.rules.look);
        let events = self.events.take();
        let exchanges = self.wanted.reports.iter().map(Report::exchanges).max().unwrap_or(Exchanges::None);
        let origin = self.origin.clone();
        let (history, written) = (self.arguments.kept.history.clone(), Written::Everything);
        let artifacts = Artifacts::read(self.arguments.kept.artifacts.as_deref());
        let (leaves, is_quiet) = (&self.leaves, self.arguments.kept.quiet);
        let mut shown =
            Shown { terminal, look, n_flows, events, exchanges, origin, artifacts, leaves, is_quiet, history, written };
        // Of several it is not known here which a flow speaks to.
        if let [address] = self.wanted.addresses.as_slice() {
            terminal.hint(&note_for_suite(address, &self.flows));
        }
        for address in &self.wanted.addresses {
            terminal.hint(&wait::note(address, self.wanted.named.wait));
        }
        let group = Group::begin(n_flows, self.origin.begun, terminal);
        let runner = self.runner(terminal);
        let mut judged = runner.run(&mut shown);
        let coverage = runner.into_coverage();
        let clock = if self.wanted.is_real() { Clock::Real } else { Clock::Virtual };
        let took = Some(Duration::from_millis(u64::try_from(present() - self.origin.begun).unwrap_or(0)));
        terminal.status("");
        self.wanted.named.release(terminal);
        let mut written = shown.written;
        let mut left = Left::Done;
        if self.arguments.snapshots.review && judged.iter().any(|case| case.pending.is_some()) {
            let reviewed =
                Person::at(terminal, &self.ender).and_then(|mut person| review::review(&mut judged, look, &mut person));
            written = written.and(tell_written(reviewed.map(|how| left = how), "the snapshots", terminal));
        }
        self.selection.remember(&select::outcomes(&judged), &select::paths(self.arguments), terminal);
        let has_pending = judged.iter().any(|case| case.pending.is_some()) && self.rules.mode == Mode::PutAside;
        let new: Vec<PathBuf> = judged.iter().filter_map(new_snapshot).collect();
        let cases = judged.into_iter().map(|case| case.report).collect();
        let orphans = self.orphans.iter().map(|path| name_of(path)).collect();
        let report = SuiteReport { cases, orphans, origin: Some(self.origin.clone()), took, clock, coverage };
        written = written.and(tell_written(group.end(&report, terminal), "the summary of the job", terminal));
        terminal.say(&render_summary(&report, n_flows - report.cases.len(), look, terminal.language()));
        if let Some(coverage) = report.coverage.as_ref().filter(|_| self.arguments.kept.coverage) {
            terminal.say(&format!("\n{}", render_coverage(coverage)));
        }
        // Once, however many flows failed for it.
        if report.count(Status::Failed) + report.count(Status::Interrupted) > 0 {
            for address in &self.wanted.addresses {
                if let Address::Real(port) = address {
                    tell_others(port, Verdict::Failed, terminal);
                }
            }
        }
        if has_pending {
            terminal.say("`flowrun test --review` asks about each difference, `--accept` takes all\n");
        }
        if self.rules.flaky == Flaky::Fails && report.count(Status::Flaky) > 0 {
            terminal.say("a flow that needed more than one attempt fails here: `--flaky fail`\n");
        }
        if self.rules.mode == Mode::Check {
            terminal.say(&what_to_do(&new));
        }
        for wanted in &self.wanted.reports {
            written = written.and(tell_written(
                wanted.write(&report),
                &format!("the report `{}`", harmless_path(wanted.path())),
                terminal,
            ));
        }
        if let Some(folder) = shown.artifacts.kept() {
            terminal.say(&format!("results of failed runs are in {}\n", harmless_path(&folder)));
        }
        let ending = self.ending(&report, n_flows, written, terminal);
        match left {
            Left::Done => ending,
            Left::Interrupted => Ending::Ran(Verdict::Interrupted),
        }
    }

    /// Returns how wide the line of a running flow may be behind the counts and its name.
    fn look_of_lines(&self) -> Look {
        let name = self.flows.iter().map(|flow| name_of(flow).chars().count()).max().unwrap_or(0);
        let counts = 2 * self.flows.len().to_string().len() + "/ done, : ".len();
        let Look { width, style } = self.rules.look;
        Look { width: width.saturating_sub(name + counts + 1).max(20), style }
    }

    fn runner(&self, terminal: &Terminal) -> Runner<'_> {
        let selection = &self.arguments.selection;
        let seen = Mutex::new(BTreeSet::new());
        let after_failure = if selection.fail_fast { AfterFailure::Stop } else { AfterFailure::GoOn };
        let runner = Runner::new(self.flows.clone(), self.rules.clone())
            .against(self.wanted.is_real(), |flow| self.wanted.addresses_of(flow))
            .until(self.ender.clone())
            .with_limits(self.limits.clone())
            .with_rigour(if selection.strict || self.wanted.named.test.strict { Rigour::Strict } else { Rigour::Usual })
            .tuning(move |settings, address| {
                let mut settings = self.wanted.settings_at(address, settings);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                // Only the first flow waits for a port.
                if !seen.insert(address.to_string()) {
                    settings.line.wait = Duration::ZERO;
                }
                settings
            })
            .offering(|flow, counterpart| self.wanted.offered(flow, counterpart))
            .recording(|flow, setup, beginning, ports| self.leaves.record(flow, setup, beginning, ports))
            .hooking(|file| self.hooks_of(file))
            .after_failure(after_failure);
        let needs_coverage =
            self.arguments.kept.coverage || self.wanted.reports.iter().any(|report| report.needs_coverage());
        let runner = if needs_coverage { runner.covering() } else { runner };
        let runner = if terminal.can_erase() { runner.watched(self.look_of_lines()) } else { runner };
        match selection.jobs.or(self.wanted.named.test.jobs) {
            Some(jobs) => runner.at_once(jobs),
            None => runner,
        }
    }

    /// Returns what runs the hooks of a flow.
    fn hooks_of(&self, file: &Path) -> Option<Box<dyn Hooks>> {
        let programs = self.hooks.get(file)?.clone();
        Some(Box::new(hook::Runner::new(programs)))
    }

    /// Returns the worst of all: what stops a suite, what makes it void, what failed.
    fn ending(&self, report: &SuiteReport, n_flows: usize, written: Written, terminal: &Terminal) -> Ending {
        let has = |status| report.count(status) > 0;
        let has_all = report.cases.len() == n_flows && matches!(self.part, Part::Whole);
        let unknown = if has_all { self.wanted.unused(n_flows) } else { None };
        let is_unknown = unknown.is_some();
        if let Some(problem) = unknown {
            terminal.refuse(problem);
        }
        let is_alone = !report.cases.is_empty() && report.count(Status::Alone) == report.cases.len();
        if is_alone {
            let problem = Diagnostic::general(Code::CommandLine, "no flow here names a simulated device: none was run");
            terminal.refuse(problem.help("add `sim \"devices/modem.flow\"` to a flow, or name a port with `--port`"));
        }
        let is_failed = report.cases.iter().any(|case| case.is_failure);
        let has_orphans = self.rules.mode == Mode::Check && !report.orphans.is_empty();
        if self.ender.wants_end() || has(Status::Interrupted) {
            Ending::Ran(Verdict::Interrupted)
        } else if has(Status::Wrong) || is_unknown || is_alone {
            Ending::Refused
        } else if has(Status::PortFailed) {
            Ending::Ran(Verdict::PortFailed)
        } else if is_failed || has_orphans {
            Ending::Ran(Verdict::Failed)
        } else {
            match written {
                Written::NotEverything => Ending::Unwritten,
                Written::Everything => Ending::Done,
            }
        }
    }
}

/// Makes sure that the events, the reports and the files of flows are written over nothing that the suite reads, and not over each other.
fn claim(arguments: &TestArguments, wanted: &Wanted, flows: &[PathBuf], leaves: &Leaves) -> Result<(), Diagnostic> {
    let titles: Vec<(String, String)> = wanted.reports.iter().map(|report| (report.title(), report.option())).collect();
    let reports = wanted.reports.iter().zip(&titles);
    let reports = reports.map(|(report, (title, option))| Output { title, path: report.path(), option });
    let events = arguments.kept.events.iter().map(|path| Output { title: "events", path, option: "--events FILE" });
    let leaves: Vec<Leaf> = flows.iter().flat_map(|flow| leaves.of(flow)).collect();
    let leaves = leaves.iter().map(|leaf| Output { title: leaf.title, path: &leaf.path, option: leaf.option });
    let outputs: Vec<Output<'_>> = events.chain(reports).chain(leaves).collect();
    let mut claims = Claims::default();
    claims.reads_given(&arguments.variables, &arguments.limits);
    for flow in flows {
        claims.reads("a flow of the suite", flow);
        for times in [Times::Shown, Times::Hidden] {
            let snapshot = Snapshot::of(flow, times);
            claims.reads("a snapshot of the suite", snapshot.path());
            claims.reads("a snapshot of the suite", &snapshot.pending_path());
        }
        // What is not there yet is used by no flow.
        if !outputs.iter().any(|output| output.path.is_file()) {
            continue;
        }
        let Ok(read) = read_program(Role::Flow, flow) else { continue };
        claims.reads_program("a flow of the suite, or used by one", &read.program);
        let Ok(addresses) = wanted.addresses_of(&read.program) else { continue };
        if let Ok(found) = find_counterpart(&addresses, flow, &read.program) {
            claims.reads_found(&found);
        }
    }
    outputs.iter().try_for_each(|output| claims.writes(output))
}

/// Returns the limits that were given; a name that no flow measures is refused.
fn limits_for_all(arguments: &TestArguments, flows: &[PathBuf], terminal: &Terminal) -> Result<GivenLimits, Ending> {
    let refused = |problems: Vec<Diagnostic>| {
        problems.into_iter().for_each(|problem| terminal.refuse(problem));
        Ending::Refused
    };
    let limits = limits::limits(&arguments.limits).map_err(refused)?;
    if limits.is_empty() {
        return Ok(limits);
    }
    let programs: Vec<_> = flows.iter().filter_map(|flow| read_program(Role::Flow, flow).ok()).collect();
    let unknown = limits::unknown(&limits, programs.iter().map(|read| &*read.program));
    if unknown.is_empty() { Ok(limits) } else { Err(refused(unknown)) }
}

/// Returns where the snapshot of a flow belongs that has none.
fn new_snapshot(case: &Judged) -> Option<PathBuf> {
    let pending = case.pending.as_ref().filter(|_| case.report.status == Status::New);
    pending.map(|(snapshot, _)| snapshot.path().to_path_buf())
}

/// Says what to do with transcripts that have no snapshot; nothing if each has one.
fn what_to_do(new: &[PathBuf]) -> String {
    let (count, them) = match new {
        [] => return String::new(),
        [one] => ("1 transcript has".to_string(), format!("`{}`", harmless(name_of(one)))),
        _ => (format!("{} transcripts have", new.len()), "the files `snapshots/NAME.snap`".to_string()),
    };
    format!("{count} no snapshot: run `flowrun test --accept` and commit {them}\n")
}

fn tell_written(written: io::Result<()>, what: &str, terminal: &Terminal) -> Written {
    match written {
        Ok(()) => Written::Everything,
        Err(error) => {
            terminal.warn(&format!("{what} cannot be written: {error}"));
            Written::NotEverything
        }
    }
}
