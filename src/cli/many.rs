//! `flowrun FILE --port … --port …`: one flow on many ports, in one process: one verdict and one transcript a port.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Ending;
use super::args::RunArguments;
use super::check::program_for;
use super::run::{CONSOLE, Prepared, finish_recording, kept_in, tell_failures};
use super::terminal::Terminal;
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

/// Returns the ports that were typed, patterns replaced by the ports that fit them, each once.
///
/// # Errors
///
/// A pattern that fits no port, or several ports of which one is simulated.
pub(super) fn expand(typed: &[String]) -> Result<Vec<String>, Box<Diagnostic>> {
    let mut ports: Vec<String> = Vec::new();
    for typed in typed {
        let found = if typed.contains(['*', '?', '[']) { matching(typed)? } else { vec![typed.clone()] };
        for port in found {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    if ports.len() > 1
        && let Some(simulated) = ports.iter().find(|port| *port == "sim" || port.starts_with("sim:"))
    {
        let message = format!("`--port {simulated}` can not be one of several ports");
        let help = "run the flow once with `--port sim`, and once on the real ports";
        return Err(Box::new(Diagnostic::general(Code::CommandLine, message).help(help)));
    }
    Ok(ports)
}

fn matching(typed: &str) -> Result<Vec<String>, Box<Diagnostic>> {
    let refused = |message: String, help: &str| Box::new(Diagnostic::general(Code::CommandLine, message).help(help));
    let pattern = glob::Pattern::new(typed).map_err(|error| {
        refused(format!("`{typed}` is no pattern: {}", error.msg), "use `*`, `?` and `[…]` as a shell does")
    })?;
    let mut found = names_like(&pattern);
    found.sort_by_cached_key(|name| natural(name));
    if found.is_empty() {
        return Err(refused(
            format!("no port fits `{typed}`"),
            "see `flowrun ports`; quote the pattern, so that the shell leaves it alone",
        ));
    }
    Ok(found)
}

/// Returns the ports that fit a pattern. Where they are files, links and pseudo-terminals are among them, which the system
/// would not list as ports.
#[cfg(unix)]
fn names_like(pattern: &glob::Pattern) -> Vec<String> {
    let paths = glob::glob(pattern.as_str()).into_iter().flatten();
    paths.flatten().map(|path| path.display().to_string()).collect()
}

/// Returns the ports that fit a pattern.
#[cfg(not(unix))]
fn names_like(pattern: &glob::Pattern) -> Vec<String> {
    crate::transport::list().into_iter().map(|port| port.name).filter(|name| pattern.matches(name)).collect()
}

/// Returns what sorts `ttyUSB2` before `ttyUSB10`.
fn natural(name: &str) -> (String, u64) {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (stem, number) = name.split_at(name.len() - digits);
    (stem.to_string(), number.parse().unwrap_or(0))
}

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
pub(super) fn run(arguments: &RunArguments, ports: &[String], terminal: &Terminal) -> Ending {
    let program = match program_for(Role::Flow, &arguments.file, terminal) {
        Ok(program) => program,
        Err(ending) => return ending,
    };
    let mut prepared = Vec::with_capacity(ports.len());
    let mut own = RunArguments { ports: Vec::new(), ..arguments.clone() };
    for (port, label) in ports.iter().zip(&labels(ports)) {
        own.ports = vec![port.clone()];
        own.save = Some(place_of(&save_place(arguments), label));
        own.transcript = arguments.transcript.as_deref().map(|path| place_of(path, label));
        own.events = arguments.events.as_deref().map(|path| place_of(path, label));
        own.record = arguments.record.as_deref().map(|path| place_of(path, label));
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
        .zip(ports)
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

/// Returns what stands for each port in the names of its files, each once: `/dev/ttyUSB0` is `ttyUSB0`.
fn labels(ports: &[String]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::with_capacity(ports.len());
    for port in ports {
        let plain: String =
            port.trim_start_matches("/dev/").chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let mut label = plain.clone();
        let mut n = 2;
        while labels.contains(&label) {
            label = format!("{plain}_{n}");
            n += 1;
        }
        labels.push(label);
    }
    labels
}

/// Returns the name of a file for one port, given its label: `a.saved.toml` becomes `a.saved.ttyUSB0.toml`.
fn place_of(path: &Path, label: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.{label}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{label}"),
    };
    path.with_file_name(name)
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
    fn each_port_has_files_of_its_own() {
        let ports = ["/dev/ttyUSB0", "/dev/pts/5", "/dev/a-b", "/dev/a_b", "/dev/a+b", "COM3"].map(String::from);
        assert_eq!(labels(&ports), ["ttyUSB0", "pts_5", "a_b", "a_b_2", "a_b_3", "COM3"]);
        assert_eq!(place_of(Path::new("out/run.txt"), "ttyUSB0"), PathBuf::from("out/run.ttyUSB0.txt"));
        assert_eq!(place_of(Path::new("a.saved.toml"), "COM3"), PathBuf::from("a.saved.COM3.toml"));
        assert_eq!(place_of(Path::new("run"), "pts_5"), PathBuf::from("run.pts_5"));
    }

    #[test]
    fn one_failed_port_fails_the_whole() {
        assert_eq!(worst(&[Verdict::Passed, Verdict::Failed, Verdict::Flaky]), Verdict::Failed);
        assert_eq!(worst(&[Verdict::Passed, Verdict::PortFailed, Verdict::Failed]), Verdict::PortFailed);
        assert_eq!(summary(&[Verdict::Passed, Verdict::Failed, Verdict::Passed]), "3 ports: 2 passed, 1 failed\n");
    }

    #[test]
    fn ports_are_sorted_as_people_count() {
        let mut names = vec!["/dev/ttyUSB10".to_string(), "/dev/ttyUSB9".into(), "/dev/ttyACM0".into()];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["/dev/ttyACM0", "/dev/ttyUSB9", "/dev/ttyUSB10"]);
    }

    #[test]
    fn a_simulated_port_is_alone() {
        assert!(expand(&["sim".to_string()]).is_ok());
        assert!(expand(&["sim".to_string(), "COM3".to_string()]).is_err());
        assert!(expand(&["/nowhere/tty*".to_string()]).is_err());
    }
}
