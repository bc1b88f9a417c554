//! `flowrun FILE --port … --port …`: one flow on many ports, in one process: one verdict and one transcript a port.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use super::Ending;
use super::args::RunArguments;
use super::check::program_for;
use super::run::{CONSOLE, Prepared, finish_recording, kept_in, tell_failures};
use super::terminal::Terminal;
use crate::address::{Address, labelled, labels};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Engine;
use crate::event::Verdict;
use crate::program::Role;
use crate::record::RecordingFile;
use crate::report::Fan;
use crate::report::console::Volume;
use crate::report::jsonl::JsonLines;
use crate::report::transcript::{Times, Transcript};
use crate::results::Results;
use crate::transport::{Clock, run_all};
use crate::world::{Company, Nobody, Session};

/// How much all transcripts together gather before they are written, and one of them at the most.
const GATHERED_BY_ALL: usize = 1024 * 1024;
const GATHERED_BY_ONE: usize = 4 * 1024;

/// What one port needs for its run.
struct Seat<'a> {
    engine: Engine,
    results: Results,
    recording: Option<RecordingFile>,
    fan: Fan<'a>,
    person: Nobody,
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
pub(super) fn run(arguments: &RunArguments, addresses: &[Address], terminal: &Terminal) -> Ending {
    let ports: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let program = match program_for(Role::Flow, &arguments.file, terminal) {
        Ok(program) => program,
        Err(ending) => return ending,
    };
    let mut prepared = Vec::with_capacity(ports.len());
    let mut own = RunArguments { ports: Vec::new(), ..arguments.clone() };
    for (port, label) in ports.iter().zip(&labels(addresses)) {
        own.ports = vec![port.clone()];
        own.save = Some(labelled(&save_place(arguments), label));
        own.transcript = arguments.transcript.as_deref().map(|path| labelled(path, label));
        own.events = arguments.events.as_deref().map(|path| labelled(path, label));
        own.record = arguments.record.as_deref().map(|path| labelled(path, label));
        match Prepared::of(program.clone(), &own, terminal) {
            Ok(one) => prepared.push(one),
            Err(ending) => return ending,
        }
    }
    let Some(interrupt) = prepared.first().map(|one| one.interrupt.clone()) else { return Ending::Refused };
    let sources = (*program.sources).clone();
    let shown: Vec<Gathered> = ports.iter().map(|_| Gathered::default()).collect();
    let gathered = (GATHERED_BY_ALL / ports.len()).min(GATHERED_BY_ONE);
    let mut seats: Vec<Seat<'_>> = Vec::with_capacity(prepared.len());
    for (one, shown) in prepared.into_iter().zip(&shown) {
        let mut fan = Fan::default();
        if let Some(file) = one.transcript {
            let transcript = Transcript::new(file, &sources, Times::Shown).gathering(gathered);
            fan.add(format!("the transcript of {}", one.inputs.port), transcript);
        }
        if let Some(file) = one.events {
            fan.add(format!("the events of {}", one.inputs.port), JsonLines::new(file, &sources));
        }
        fan.add(CONSOLE, terminal.console_into(shown.clone(), &sources, Volume::Quiet));
        seats.push(Seat {
            engine: Engine::new(one.program, one.inputs),
            results: one.results,
            recording: one.recording,
            fan,
            person: Nobody,
        });
    }
    let mut verdicts = Vec::with_capacity(ports.len());
    let sessions = seats
        .iter_mut()
        .zip(&ports)
        .map(|(seat, port)| {
            let tap = seat.recording.as_mut().map(RecordingFile::tap);
            let company = Company { keeper: &mut seat.results, audience: &mut seat.fan, person: &mut seat.person, tap };
            (port.clone(), Session::new(&mut seat.engine, company))
        })
        .collect();
    let mut on_end = |index: usize, verdict: Verdict| {
        verdicts.push(verdict);
        let text = String::from_utf8_lossy(&shown[index].0.borrow()).trim_start_matches('\n').to_string();
        terminal.say(&format!("{}  {text}", ports[index]));
    };
    let at_most = arguments.jobs.unwrap_or(ports.len());
    if let Err(error) = run_all(sessions, at_most, Clock::start(), &interrupt, &mut on_end) {
        let message = format!("the system can not wait for {} ports: {error}", ports.len());
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("run on fewer at once with `--jobs N`"));
        return Ending::Outside;
    }
    let mut is_unwritten = false;
    for seat in seats {
        let mut failures = seat.fan.finish();
        failures.extend(seat.recording.and_then(|recording| finish_recording(recording, &seat.engine)));
        is_unwritten |= tell_failures(&failures, terminal);
        terminal.say(&kept_in(&seat.results));
    }
    terminal.say(&summary(&verdicts));
    Ending::of_run(worst(&verdicts), is_unwritten)
}

fn save_place(arguments: &RunArguments) -> PathBuf {
    arguments.save.clone().unwrap_or_else(|| super::run::default_place(&arguments.file))
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

fn summary(verdicts: &[Verdict]) -> String {
    let kinds =
        [Verdict::Passed, Verdict::Flaky, Verdict::Skipped, Verdict::Failed, Verdict::PortFailed, Verdict::Interrupted];
    let counted: Vec<String> = kinds
        .iter()
        .map(|kind| (kind, verdicts.iter().filter(|verdict| *verdict == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.title()))
        .collect();
    format!("{} ports: {}\n", verdicts.len(), counted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_port_fails_the_whole() {
        assert_eq!(worst(&[Verdict::Passed, Verdict::Failed, Verdict::Flaky]), Verdict::Failed);
        assert_eq!(worst(&[Verdict::Passed, Verdict::PortFailed, Verdict::Failed]), Verdict::PortFailed);
        assert_eq!(summary(&[Verdict::Passed, Verdict::Failed, Verdict::Passed]), "3 ports: 2 passed, 1 failed\n");
    }
}
