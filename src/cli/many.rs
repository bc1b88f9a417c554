//! `flowrun FILE --port … --port …`: one flow on many ports, in one process: one verdict and one transcript a port, and a table
//! of all at the end.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::Ending;
use super::args::RunArguments;
use super::named::Named;
use super::outputs::{CONSOLE, Outputs, Places, Share, Written};
use super::prepare::{Checked, Prepared, claims_of, note_on_abilities};
use super::refusal::{program_for, refuse, tell_others};
use super::terminal::Terminal;
use super::wait;
use crate::address::{Address, RealPort, labels};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Engine;
use crate::event::Verdict;
use crate::program::Role;
use crate::report::Fan;
use crate::report::console::Volume;
use crate::report::summary::remark;
use crate::report::table::Table;
use crate::setup::{Counterpart, Ender};
use crate::transport::{Clock, open, run_all};
use crate::value::escape::harmless;
use crate::world::{Nobody, Session, World};

/// How much all transcripts together gather before they are written, and one of them at the most.
const GATHERED_BY_ALL: usize = 1024 * 1024;
const GATHERED_BY_ONE: usize = 4 * 1024;

/// What one port needs for its run.
struct Seat<'a> {
    engine: Engine,
    line: Line,
    outputs: Outputs,
    fan: Fan<'a>,
    person: Nobody,
}

/// What plays the other end of a run that is one of several.
enum Line {
    /// A real port: one wait is for all of them.
    Real(RealPort),
    /// A world that waits for nothing: each has its own clock.
    Virtual(Box<dyn World>),
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

/// Runs a flow on several ports.
pub(super) fn run(
    arguments: &RunArguments,
    named: &Named,
    addresses: &[Address],
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let flow = program_for(Role::Flow, &arguments.file, arguments.output.volume(), terminal)?;
    let places = Places::of(arguments);
    let mut claims = claims_of(&flow, arguments);
    let labels = labels(addresses);
    let checked: Vec<Checked> = addresses
        .iter()
        .zip(&labels)
        .map(|(address, label)| {
            Checked::new(&flow, address, places.labelled(label), (arguments, named), &mut claims, terminal)
        })
        .collect::<Result<_, Ending>>()?;
    let prepared: Vec<Prepared> =
        checked.into_iter().map(|one| one.make_files(terminal)).collect::<Result<_, Ending>>()?;
    let ender = prepared.first().map_or(Ender::Nobody, |one| one.ender.clone());
    let mut sources = (*flow.sources).clone();
    for secret in prepared.iter().flat_map(|one| one.setup.given_secrets()) {
        sources.hide(&secret);
    }
    let shown: Vec<Gathered> = addresses.iter().map(|_| Gathered::default()).collect();
    let gathered = (GATHERED_BY_ALL / addresses.len()).min(GATHERED_BY_ONE);
    let mut seats: Vec<Seat<'_>> = Vec::with_capacity(prepared.len());
    let ports: Vec<String> = addresses.iter().map(Address::to_string).collect();
    let is_watched = arguments.output.volume() == Volume::Normal;
    if is_watched {
        terminal.hint(&note_on_abilities(prepared.iter().map(|one| (&one.setup, &one.inputs))));
    }
    terminal.hint(&addresses.iter().map(|address| wait::note(address, named.wait)).collect::<String>());
    let (board, places) = is_watched.then(|| terminal.board(&sources, &ports)).flatten().unzip();
    let mut places = places.into_iter().flatten();
    let (mut table, rows) = Table::new(&ports);
    for ((one, shown), row) in prepared.into_iter().zip(&shown).zip(rows) {
        let Prepared { setup, inputs, mut outputs, ender } = one;
        let mut fan = Fan::default();
        outputs.add_sinks(&mut fan, &sources, Share::Part { port: &inputs.ports[0].address, gathered });
        fan.add(CONSOLE, terminal.console_of(&inputs.ports[0].address, shown.clone(), &sources));
        fan.add(CONSOLE, row);
        if let Some(place) = places.next() {
            fan.add(CONSOLE, place);
        }
        let (engine, line) = match setup.counterpart() {
            Counterpart::Real(port) => (setup.engine(inputs), Line::Real(port.clone())),
            Counterpart::Device(_) | Counterpart::Recording(_) => {
                let stage = setup.stage(inputs, &ender).map_err(|error| refuse(error, terminal))?;
                (stage.engine, Line::Virtual(stage.world))
            }
        };
        seats.push(Seat { engine, line, outputs, fan, person: Nobody });
    }
    let mut verdicts = Vec::with_capacity(addresses.len());
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
    let at_most = arguments.jobs.unwrap_or(addresses.len());
    run_seats(&mut seats, at_most, &ender, &mut on_end).map_err(|why| {
        let message = format!("the system cannot wait for {} ports: {why}", addresses.len());
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("run on fewer at once with `--jobs N`"));
        Ending::Outside
    })?;
    let mut written = Written::Everything;
    let mut n_cleanups_failed = 0;
    for (number, Seat { engine, line, outputs, fan, .. }) in seats.into_iter().enumerate() {
        n_cleanups_failed += engine.n_cleanups_failed();
        written = written.and(outputs.finish(fan, &engine, terminal));
        if let (Line::Real(port), Some((_, verdict))) = (line, verdicts.iter().find(|(of, _)| *of == number)) {
            tell_others(&port, *verdict, terminal);
        }
    }
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    if is_watched {
        terminal.say(&format!("\n{}", table.render(&sources, terminal.look().style)));
    }
    terminal.say(&summary(&verdicts, n_cleanups_failed));
    Ok(written.ending(worst(&verdicts)))
}

/// Runs those on real ports together, and the others one after the other; tells of each verdict when it is there.
fn run_seats(
    seats: &mut [Seat<'_>],
    at_most: usize,
    ender: &Ender,
    on_end: &mut dyn FnMut(usize, Verdict),
) -> Result<(), String> {
    let clock = Clock::start();
    let interrupt = ender.interrupt().map_err(|_| "it gives no interrupt".to_string())?;
    let mut together = Vec::new();
    let mut numbers = Vec::new();
    for (number, seat) in seats.iter_mut().enumerate() {
        let company = seat.outputs.company(&mut seat.fan, &mut seat.person);
        let session = Session::new(&mut seat.engine, company);
        match &mut seat.line {
            Line::Real(port) => {
                together.push((open(port, clock, interrupt.clone()), session));
                numbers.push(number);
            }
            // Interrupted, the others are not begun any more.
            Line::Virtual(_) if ender.wants_end() => on_end(number, Verdict::Interrupted),
            Line::Virtual(world) => on_end(number, session.run(world.as_mut())),
        }
    }
    if together.is_empty() {
        return Ok(());
    }
    let mut on_end = |index: usize, verdict| on_end(numbers[index], verdict);
    run_all(together, at_most, clock, &interrupt, &mut on_end).map_err(|error| error.to_string())
}

/// Returns the verdict of all: the one that asks most for attention.
fn worst(verdicts: &[Verdict]) -> Verdict {
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

fn summary(verdicts: &[Verdict], n_cleanups_failed: u64) -> String {
    let kinds =
        [Verdict::Passed, Verdict::Flaky, Verdict::Skipped, Verdict::Failed, Verdict::PortFailed, Verdict::Interrupted];
    let mut counted: Vec<String> = kinds
        .iter()
        .map(|kind| (kind, verdicts.iter().filter(|verdict| *verdict == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.title()))
        .collect();
    counted.extend(remark(n_cleanups_failed, "clean-up", "failed"));
    format!("{} ports: {}\n", verdicts.len(), counted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_port_fails_the_whole() {
        assert_eq!(worst(&[Verdict::Passed, Verdict::Failed, Verdict::Flaky]), Verdict::Failed);
        assert_eq!(worst(&[Verdict::Passed, Verdict::PortFailed, Verdict::Failed]), Verdict::PortFailed);
        assert_eq!(summary(&[Verdict::Passed, Verdict::Failed, Verdict::Passed], 0), "3 ports: 2 passed, 1 failed\n");
        assert_eq!(summary(&[Verdict::Passed], 2), "1 ports: 1 passed, 2 clean-ups failed\n");
    }
}
