//! `flowrun FILE --port … --port …`, `--bench … --bench …`: one flow on many ports or benches, in one process: one verdict and one
//! transcript each, and a table of all at the end.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use super::Ending;
use super::args::RunArguments;
use super::named::Named;
use super::outputs::{CONSOLE, Outputs, Places, Share, Written};
use super::prepare::{Checked, Order, Prepared, Supplies, claims_of, note_on_abilities};
use super::refusal::{Looked, refuse, tell_others};
use super::speed::note_on_speed;
use super::terminal::Terminal;
use super::wait;
use crate::address::{Address, RealPort, labels};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Engine;
use crate::event::Verdict;
use crate::program::Program;
use crate::report::Fan;
use crate::report::console::Volume;
use crate::report::summary::remark;
use crate::report::table::Table;
use crate::setup::{Counterpart, Ender, Pace, SetupError};
use crate::source::Sources;
use crate::transport::{AnyPort, Clock, Interrupt, open, run_all};
use crate::value::escape::harmless;
use crate::world::{Nobody, Session, World};

/// How much all transcripts together gather before they are written, and one of them at the most.
const GATHERED_BY_ALL: usize = 1024 * 1024;
const GATHERED_BY_ONE: usize = 4 * 1024;

/// One of several runs.
pub(super) struct OneOf<'a> {
    /// What it is called: its port, or its bench.
    title: String,
    /// The same in the names of files.
    label: String,
    /// One for each port of the flow, or one for all.
    addresses: Vec<Address>,
    named: &'a Named,
}

impl<'a> OneOf<'a> {
    /// Makes a run on each of these ports.
    pub(super) fn on_ports(addresses: &[Address], named: &'a Named) -> Vec<OneOf<'a>> {
        let labelled = addresses.iter().zip(labels(addresses));
        let one = |(address, label): (&Address, String)| OneOf {
            title: address.to_string(),
            label,
            addresses: vec![address.clone()],
            named,
        };
        labelled.map(one).collect()
    }

    /// Makes the only run on these ports, one for each port of the flow.
    pub(super) fn on_all(addresses: Vec<Address>, named: &'a Named) -> OneOf<'a> {
        let titles: Vec<String> = addresses.iter().map(Address::to_string).collect();
        OneOf { title: titles.join(", "), label: labels(&addresses).join("_"), addresses, named }
    }

    /// Makes a run on a bench that has a name.
    pub(super) fn on_bench(name: &str, addresses: Vec<Address>, named: &'a Named) -> OneOf<'a> {
        OneOf { title: name.to_string(), label: name.to_string(), addresses, named }
    }

    /// Returns what it is called: its port, or its bench.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Returns its addresses.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Returns what stands for names on its bench.
    pub(super) fn named(&self) -> &'a Named {
        self.named
    }
}

/// What one of the runs needs.
struct Seat<'a> {
    engine: Engine,
    line: Line,
    /// Its real ports.
    ports: Vec<RealPort>,
    outputs: Outputs,
    fan: Fan<'a>,
    person: Nobody,
}

/// What plays the other ends of a run that is one of several.
enum Line {
    /// Real ports: one wait is for those of all runs. `None` once it has begun.
    Real(Option<AnyPort>),
    /// A world that waits for nothing: each has its own clock.
    Virtual(Box<dyn World>),
}

/// A run whose world is made.
struct Staged {
    engine: Engine,
    line: Line,
    ports: Vec<RealPort>,
    outputs: Outputs,
    /// The texts of the flow and of its devices, if it has some.
    sources: Option<Sources>,
    title: String,
}

impl Staged {
    /// Makes the world of a run.
    fn new(one: Prepared, title: &str, clock: Clock, interrupt: &Interrupt) -> Result<Staged, SetupError> {
        let Prepared { setup, inputs, outputs, ender, .. } = one;
        let counterpart = setup.counterpart();
        let ports = counterpart.real_ports().map(|(_, port)| port.clone()).collect();
        let (engine, line, sources) = match counterpart {
            Counterpart::Real(port) => {
                let line = Line::Real(Some(open(port, clock, interrupt.clone())));
                (setup.engine(inputs), line, None)
            }
            Counterpart::Several(_) if counterpart.pace() == Pace::Real => {
                let (engine, world, sources) = setup.stage_on(inputs, clock, interrupt)?;
                (engine, Line::Real(Some(world.into())), Some(sources))
            }
            Counterpart::Device(_) | Counterpart::Recording(_) | Counterpart::Several(_) => {
                let stage = setup.stage(inputs, &ender)?;
                let has_devices = !matches!(counterpart, Counterpart::Recording(_));
                (stage.engine, Line::Virtual(stage.world), has_devices.then_some(stage.sources))
            }
        };
        Ok(Staged { engine, line, ports, outputs, sources, title: title.to_string() })
    }
}

/// Text that is gathered until it can be shown without mixing with that of other ports.
#[derive(Clone, Default)]
struct Gathered(Rc<RefCell<Vec<u8>>>);

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a flow several times at once.
pub(super) fn run(
    arguments: &RunArguments,
    flow: Looked<'_>,
    runs: &[OneOf<'_>],
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let flow = flow.told(arguments.output.volume(), terminal)?;
    if let Some(problem) = not_unique(&flow, runs.len(), kind_of(arguments)) {
        terminal.report(&[problem], &flow.sources);
        return Err(Ending::Refused);
    }
    let places = Places::of(arguments, &flow);
    let mut claims = claims_of(&flow, arguments);
    let supplies = Supplies::read(arguments, &flow);
    let check = |one: &OneOf<'_>| {
        let order = Order { arguments, named: one.named, supplies: &supplies };
        Checked::new(&flow, &one.addresses, places.labelled(&one.label), order, &mut claims, terminal)
    };
    let checked: Vec<Checked> = runs.iter().map(check).collect::<Result<_, Ending>>()?;
    let prepared: Vec<Prepared> =
        checked.into_iter().map(|one| one.make_files(terminal)).collect::<Result<_, Ending>>()?;
    let ender = prepared.first().map_or(Ender::Nobody, |one| one.ender.clone());
    let interrupt = ender.interrupt().map_err(|error| refuse(error, terminal))?;
    let mut sources = (*flow.sources).clone();
    for secret in prepared.iter().flat_map(|one| one.setup.given_secrets()) {
        sources.hide(&secret);
    }
    let is_watched = arguments.output.volume() == Volume::Normal;
    if is_watched {
        terminal.hint(&note_on_abilities(prepared.iter().map(|one| (&one.setup, &one.inputs))));
        terminal.hint(&note_on_shared(&flow, kind_of(arguments)));
    }
    let clock = Clock::start();
    let staged = prepared.into_iter().zip(runs).map(|(one, run)| Staged::new(one, &run.title, clock, &interrupt));
    let mut staged: Vec<Staged> = staged.collect::<Result<_, _>>().map_err(|error| refuse(error, terminal))?;
    let own: Vec<Option<Sources>> = staged.iter_mut().map(|one| one.sources.take()).collect();
    let shown: Vec<Gathered> = runs.iter().map(|_| Gathered::default()).collect();
    let gathered = (GATHERED_BY_ALL / runs.len()).min(GATHERED_BY_ONE);
    let mut seats: Vec<Seat<'_>> = Vec::with_capacity(runs.len());
    let ports: Vec<String> = runs.iter().map(|one| one.title.clone()).collect();
    let waits = runs.iter().flat_map(|run| run.addresses.iter().map(|address| wait::note(address, run.named.wait)));
    terminal.hint(&waits.collect::<String>());
    let (board, places) = is_watched.then(|| terminal.board(&sources, &ports)).flatten().unzip();
    let mut places = places.into_iter().flatten();
    let (mut table, rows) = Table::new(&ports);
    for (((one, own), shown), row) in staged.into_iter().zip(&own).zip(&shown).zip(rows) {
        let Staged { engine, line, ports, mut outputs, title, .. } = one;
        let sources = own.as_ref().unwrap_or(&sources);
        let mut fan = Fan::default();
        outputs.add_sinks(&mut fan, sources, Share::Part { port: &title, gathered });
        fan.add(CONSOLE, terminal.console_of(&title, shown.clone(), sources));
        fan.add(CONSOLE, row);
        if let Some(place) = places.next() {
            fan.add(CONSOLE, place);
        }
        seats.push(Seat { engine, line, ports, outputs, fan, person: Nobody });
    }
    let mut verdicts = Vec::with_capacity(runs.len());
    let mut on_end = |index: usize, verdict: Verdict| {
        verdicts.push((index, verdict));
        table.ended(index, verdict);
        if let Some(board) = &board {
            board.borrow_mut().erase();
        }
        let text = String::from_utf8_lossy(&shown[index].0.borrow()).trim_start_matches('\n').to_string();
        // A report begins with the port too, not only the verdict below it.
        let port = harmless(ports[index].as_bytes());
        let port = if text.starts_with(&port) { String::new() } else { format!("{port}  ") };
        terminal.say(&format!("{port}{text}"));
    };
    let at_most = arguments.jobs.unwrap_or(runs.len());
    let behind = run_seats(&mut seats, at_most, clock, &ender, &interrupt, &mut on_end).map_err(|why| {
        let message = format!("the system cannot wait for {} ports: {why}", runs.len());
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("run on fewer at once with `--jobs N`"));
        Ending::Outside
    })?;
    let mut written = Written::Everything;
    let mut n_cleanups_failed = 0;
    for (number, Seat { engine, ports, outputs, fan, .. }) in seats.into_iter().enumerate() {
        n_cleanups_failed += engine.n_cleanups_failed();
        let sources = own[number].as_ref().unwrap_or(&sources);
        written = written.and(outputs.finish(fan, &engine, sources, terminal));
        if let Some((_, verdict)) = verdicts.iter().find(|(of, _)| *of == number) {
            ports.iter().for_each(|port| tell_others(port, *verdict, terminal));
        }
    }
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    if is_watched {
        terminal.say(&format!("\n{}", table.render(&sources, terminal.look().style)));
    }
    terminal.hint(&note_on_speed(behind, clock.now().since_start(), "fewer ports at once (`--jobs N`) help, and "));
    terminal.say(&summary(kind_of(arguments), &verdicts, n_cleanups_failed));
    Ok(written.ending(worst(&verdicts)))
}

/// Returns what the runs are on.
fn kind_of(arguments: &RunArguments) -> &'static str {
    if arguments.benches.is_empty() { "ports" } else { "benches" }
}

/// Returns what is wrong if all runs would have one value for a param that is to be another in each.
fn not_unique(flow: &Program, n_runs: usize, kind: &str) -> Option<Diagnostic> {
    let param = flow.params.iter().find(|param| param.is_unique)?;
    let name = &param.name;
    let message = format!("`{name}` is `unique`, and all {n_runs} {kind} would have the same value");
    let help =
        format!("give each its own with `--rows FILE`: a CSV file with a column `{name}`, and a row for each run");
    Some(Diagnostic::new(Code::VariableValue, param.site, message, "no two runs may have the same").help(help))
}

/// Returns a note on the values without a default: all runs have the same, and that may not be meant.
fn note_on_shared(flow: &Program, kind: &str) -> String {
    let shared = flow.params.iter().filter(|param| param.default.is_none());
    let names: Vec<String> = shared.map(|param| format!("`{}`", param.name)).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "note: all {kind} have the same {}; with `--rows FILE` each run has values of its own\n\n",
        names.join(", ")
    )
}

/// Runs those on real ports together, and the others one after the other; tells of each verdict when it is there. Returns how long
/// the runs worked while one of the ports had more to give.
fn run_seats(
    seats: &mut [Seat<'_>],
    at_most: usize,
    clock: Clock,
    ender: &Ender,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> Result<Duration, String> {
    let mut together = Vec::new();
    let mut numbers = Vec::new();
    for (number, seat) in seats.iter_mut().enumerate() {
        let company = seat.outputs.company(&mut seat.fan, &mut seat.person);
        let session = Session::new(&mut seat.engine, company);
        match &mut seat.line {
            Line::Real(port) => {
                together.extend(port.take().map(|port| (port, session)));
                numbers.push(number);
            }
            // Interrupted, the others are not begun any more.
            Line::Virtual(_) if ender.wants_end() => on_end(number, Verdict::Interrupted),
            Line::Virtual(world) => on_end(number, session.run(world.as_mut())),
        }
    }
    if together.is_empty() {
        return Ok(Duration::ZERO);
    }
    let mut on_end = |index: usize, verdict| on_end(numbers[index], verdict);
    run_all(together, at_most, clock, interrupt, &mut on_end).map_err(|error| error.to_string())
}

/// Returns the verdict of all: the one that asks most for attention.
pub(super) fn worst(verdicts: &[Verdict]) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Interrupted => 5,
        Verdict::PortFailed => 4,
        Verdict::Failed => 3,
        Verdict::Flaky => 2,
        Verdict::Passed => 1,
        Verdict::Skipped => 0,
    };
    verdicts.iter().copied().max_by_key(rank).unwrap_or(Verdict::Passed)
}

fn summary(what: &str, verdicts: &[Verdict], n_cleanups_failed: u64) -> String {
    format!("{} {what}: {}\n", verdicts.len(), sums(verdicts, n_cleanups_failed).join(", "))
}

/// Returns how many runs ended in which way.
pub(super) fn sums(verdicts: &[Verdict], n_cleanups_failed: u64) -> Vec<String> {
    let kinds =
        [Verdict::Passed, Verdict::Flaky, Verdict::Skipped, Verdict::Failed, Verdict::PortFailed, Verdict::Interrupted];
    let mut counted: Vec<String> = kinds
        .iter()
        .map(|kind| (kind, verdicts.iter().filter(|verdict| *verdict == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.title()))
        .collect();
    counted.extend(remark(n_cleanups_failed, "clean-up", "failed"));
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_port_fails_the_whole() {
        assert_eq!(worst(&[Verdict::Passed, Verdict::Failed, Verdict::Flaky]), Verdict::Failed);
        assert_eq!(worst(&[Verdict::Passed, Verdict::PortFailed, Verdict::Failed]), Verdict::PortFailed);
        assert_eq!(
            summary("ports", &[Verdict::Passed, Verdict::Failed, Verdict::Passed], 0),
            "3 ports: 2 passed, 1 failed\n"
        );
        assert_eq!(summary("ports", &[Verdict::Passed], 2), "1 ports: 1 passed, 2 clean-ups failed\n");
    }
}
