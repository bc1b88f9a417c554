//! `flowrun FILE`: a flow run against a port or a simulated device.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use super::args::RunArguments;
use super::check::{device_of, program_for};
use super::given::{device_variables, is_same_file, settings, variables};
use super::many;
use super::person::AtTerminal;
use super::simulated::{SimulatedPort, Texts};
use super::terminal::{Pace, Terminal};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Engine, Inputs};
use crate::event::Verdict;
use crate::program::{Op, Program, Role};
use crate::report::console::Volume;
use crate::report::transcript::{Times, Transcript};
use crate::report::{Fan, SinkFailure};
use crate::results::Results;
use crate::sim::SimWorld;
use crate::source::Sources;
use crate::transport::{Clock, Interrupt, list, open_world, unix_millis};
use crate::value::Value;
use crate::world::{self, Company, World};

/// When every run against a simulated device begins: 2024-07-22T04:00:00Z, so that its transcript is the same every time.
const VIRTUAL_BEGINNING: i64 = 1_721_620_800_000;
/// The seed of a run against a simulated device, if none is given.
const VIRTUAL_SEED: u64 = 1;
/// Keeps what is random in a device from being the same as in its flow.
const DEVICE_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Runs a flow.
pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Ending {
    let ports = match many::expand(&arguments.ports) {
        Ok(ports) => ports,
        Err(problem) => {
            terminal.refuse(*problem);
            return Ending::Refused;
        }
    };
    if ports.len() > 1 {
        return many::run(arguments, &ports, terminal);
    }
    let arguments = &RunArguments { ports, ..arguments.clone() };
    match Prepared::new(arguments, terminal) {
        Ok(prepared) => prepared.run(arguments, terminal),
        Err(ending) => ending,
    }
}

/// Returns a seed that nobody can guess.
pub(super) fn fresh_seed(terminal: &Terminal) -> Result<u64, Ending> {
    getrandom::u64().map_err(|error| {
        let message = format!("the system gives no random seed: {error}");
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("give one with `--seed N`"));
        Ending::Outside
    })
}

/// Returns the interrupt that Ctrl-C raises.
pub(super) fn interrupt(terminal: &Terminal) -> Result<Interrupt, Ending> {
    Interrupt::installed().map_err(|error| {
        let message = format!("Ctrl-C can not be handled: {error}");
        terminal.refuse(Diagnostic::general(Code::CommandLine, message));
        Ending::Outside
    })
}

/// Returns the present Unix time in milliseconds.
pub(super) fn present() -> i64 {
    i64::try_from(unix_millis()).unwrap_or(i64::MAX)
}

/// What was typed for `--port`.
enum Port<'a> {
    /// `sim`
    OwnDevice,
    /// `sim:FILE`
    Device(&'a Path),
    /// `/dev/ttyUSB0`, `COM3`
    Real(&'a str),
}

impl Port<'_> {
    fn read(text: &str) -> Port<'_> {
        match text.strip_prefix("sim:") {
            Some(path) => Port::Device(Path::new(path)),
            None if text == "sim" => Port::OwnDevice,
            None => Port::Real(text),
        }
    }
}

/// Everything that a run needs, checked.
pub(super) struct Prepared {
    pub(super) program: Arc<Program>,
    pub(super) inputs: Inputs,
    /// The simulated device, if there is one.
    device: Option<(Arc<Program>, Inputs)>,
    pub(super) results: Results,
    pub(super) transcript: Option<File>,
    pub(super) interrupt: Interrupt,
}

impl Prepared {
    /// Reads and checks everything, and tells of all that is wrong with it.
    fn new(arguments: &RunArguments, terminal: &Terminal) -> Result<Prepared, Ending> {
        let path = &arguments.file;
        let program = program_for(Role::Flow, path, terminal).inspect_err(|_| suggest_command(path, terminal))?;
        Prepared::of(program, arguments, terminal)
    }

    /// Checks what a run of a program on one port needs.
    pub(super) fn of(program: Arc<Program>, arguments: &RunArguments, terminal: &Terminal) -> Result<Prepared, Ending> {
        let path = &arguments.file;
        let (port, device) = device(arguments, &program, terminal)?;
        let mut problems = Vec::new();
        let variables = kept(variables(&program, &arguments.variables), &mut problems);
        let settings = kept(settings(&program.settings, arguments.baud, &arguments.serial), &mut problems);
        let results = kept(results(arguments, &program).map_err(|problem| vec![problem]), &mut problems);
        if device.is_none() && !arguments.sim_vars.is_empty() {
            let problem = Diagnostic::general(Code::CommandLine, "`--sim-var` has no meaning for a real port");
            problems.push(problem.help("use it with `--port sim`, or leave it out"));
        }
        terminal.report(&problems, &program.sources);
        let device = match device.map(|device| with_variables(device, &arguments.sim_vars, terminal)).transpose() {
            Ok(device) if problems.is_empty() => device,
            Ok(_) | Err(_) => return Err(Ending::Refused),
        };
        let (Some(variables), Some(settings), Some(results)) = (variables, settings, results) else {
            return Err(Ending::Refused);
        };
        let seed = match (arguments.seed, &device) {
            (Some(seed), _) => seed,
            (None, Some(_)) => VIRTUAL_SEED,
            (None, None) => fresh_seed(terminal)?,
        };
        let begun = if device.is_some() { VIRTUAL_BEGINNING } else { present() };
        let inputs = Inputs { variables, seed, begun, file: path.display().to_string(), port, settings };
        let device = device.map(|(device, variables)| {
            let settings = device.settings.clone();
            (device, Inputs { variables, seed: seed ^ DEVICE_SEED, settings, ..inputs.clone() })
        });
        let interrupt = interrupt(terminal)?;
        // Last, for it empties the file.
        let transcript = arguments.transcript.as_deref().map(|path| create_transcript(path, &program, terminal));
        Ok(Prepared { program, inputs, device, results, transcript: transcript.transpose()?, interrupt })
    }

    fn run(self, arguments: &RunArguments, terminal: &Terminal) -> Ending {
        let Prepared { program, inputs, device, mut results, transcript, interrupt } = self;
        let port = inputs.port.clone();
        let (sources, mut world, pace): (Sources, Box<dyn World>, Pace) = match device {
            Some((device, device_inputs)) => {
                let (sources, texts) = Texts::join(&program.sources, &device.sources);
                let world = SimWorld::new(Engine::new(device, device_inputs));
                (sources, Box::new(SimulatedPort::new(world, interrupt, texts)), Pace::Virtual)
            }
            None => ((*program.sources).clone(), open_world(&port, Clock::start(), interrupt), Pace::Real),
        };
        let mut engine = Engine::new(program, inputs);
        let mut fan = Fan::default();
        if let (Some(file), Some(path)) = (transcript, &arguments.transcript) {
            // Not buffered: what happened is in the file, however the process ends.
            let transcript = Transcript::new(file, &sources, Times::Shown);
            fan.add(format!("the transcript `{}`", path.display()), transcript);
        }
        let volume = if arguments.output.quiet { Volume::Quiet } else { Volume::Normal };
        fan.add(CONSOLE, terminal.console(&sources, volume, pace));
        let mut person = AtTerminal::new(pace);
        let company = Company { keeper: &mut results, audience: &mut fan, person: &mut person };
        let verdict = world::run(&mut engine, world.as_mut(), company);
        let failures = fan.finish();
        terminal.say(&kept_in(&results));
        let is_unwritten = tell_failures(&failures, terminal);
        match verdict {
            Verdict::Passed | Verdict::Flaky | Verdict::Skipped if is_unwritten => Ending::Unwritten,
            verdict => Ending::Ran(verdict),
        }
    }
}

/// Returns a line that says where results are; nothing if there are none.
pub(super) fn kept_in(results: &Results) -> String {
    let (path, names) = results.kept();
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!("{} saved in {}\n", names.join(", "), path.display()) }
}

/// What the console is called among the sinks.
pub(super) const CONSOLE: &str = "what is shown here";

/// Tells which sinks have failed; returns whether something is missing that was asked for.
pub(super) fn tell_failures(failures: &[SinkFailure], terminal: &Terminal) -> bool {
    for failure in failures {
        // Who closes the pipe has seen enough.
        if failure.sink != CONSOLE || failure.error.kind() != std::io::ErrorKind::BrokenPipe {
            terminal.warn(&failure.to_string());
        }
    }
    failures.iter().any(|failure| failure.sink != CONSOLE)
}

/// Returns what was made, or puts what is wrong with it to the other problems.
fn kept<T>(made: Result<T, Vec<Diagnostic>>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    made.map_err(|more| problems.extend(more)).ok()
}

/// Returns a device with its variables, after telling of everything that is wrong with them.
fn with_variables(
    device: Arc<Program>,
    typed: &[String],
    terminal: &Terminal,
) -> Result<(Arc<Program>, HashMap<String, Value>), Ending> {
    match device_variables(&device, typed) {
        Ok(variables) => Ok((device, variables)),
        Err(problems) => {
            terminal.report(&problems, &device.sources);
            Err(Ending::Refused)
        }
    }
}

/// Returns the port as typed, and the device that plays it if one does.
fn device(
    arguments: &RunArguments,
    flow: &Program,
    terminal: &Terminal,
) -> Result<(String, Option<Arc<Program>>), Ending> {
    let refused = |problem: Diagnostic| {
        terminal.report(&[problem], &flow.sources);
        Ending::Refused
    };
    let Some(port) = arguments.ports.first().map(String::as_str).filter(|port| !port.is_empty()) else {
        return Err(refused(no_port(flow)));
    };
    let path = match Port::read(port) {
        Port::Real(name) => return Ok((name.to_string(), None)),
        Port::Device(path) => path.to_path_buf(),
        Port::OwnDevice => match device_of(&arguments.file, flow) {
            Some(path) => path.map_err(refused)?,
            None => {
                let help = "add `sim \"devices/modem.flow\"` to it, or name one with `--port sim:FILE`";
                let message = "this flow names no simulated device";
                return Err(refused(Diagnostic::general(Code::CommandLine, message).help(help)));
            }
        },
    };
    Ok((port.to_string(), Some(program_for(Role::Device, &path, terminal)?)))
}

fn no_port(flow: &Program) -> Diagnostic {
    let ports = list();
    let names: Vec<String> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
    let found = match names.len() {
        0 => "no serial ports were found, see `flowrun ports`".to_string(),
        n if n > 8 => format!("give one of {n} with `--port NAME`, see `flowrun ports`"),
        _ => format!("give one with `--port NAME`; there are: {}", names.join(", ")),
    };
    let simulated = if flow.sim.is_some() { "--port sim" } else { "--port sim:DEVICE_FILE" };
    Diagnostic::general(Code::CommandLine, "no port was given")
        .help(format!("{found}\n`{simulated}` runs it against a simulated device"))
}

/// Tells those who mistyped a command which one they may have meant.
fn suggest_command(path: &Path, terminal: &Terminal) {
    if let Some(word) = path.to_str()
        && let Some(command) = nearest(word, ["run", "check", "sim", "ports", "help"])
        && !path.exists()
    {
        terminal.warn(&format!("`{word}` was taken for a file; the command is `{command}`"));
    }
}

/// Returns where `save` writes, if the flow saves anything and it can be written.
fn results(arguments: &RunArguments, program: &Program) -> Result<Results, Diagnostic> {
    let path = arguments.save.clone().unwrap_or_else(|| default_place(&arguments.file));
    let results = Results::new(&path, arguments.file.display().to_string());
    if !program.ops.iter().any(|op| matches!(op, Op::Save(_))) {
        return Ok(results);
    }
    let problem = |why: String| {
        let help = "name another file with `--save FILE`";
        Diagnostic::general(Code::CommandLine, format!("results can not be saved: {why}")).help(help)
    };
    if is_source(&path, program) {
        return Err(problem(format!("`{}` is the flow itself, or used by it", path.display())));
    }
    results.check_place().map_err(problem)?;
    Ok(results)
}

pub(super) fn default_place(flow: &Path) -> PathBuf {
    let mut name = flow.file_stem().unwrap_or_default().to_os_string();
    name.push(".saved.toml");
    PathBuf::from(name)
}

fn create_transcript(path: &Path, program: &Program, terminal: &Terminal) -> Result<File, Ending> {
    let made = if is_source(path, program) {
        Err("it is the flow itself, or used by it".to_string())
    } else {
        File::create(path).map_err(|error| error.to_string())
    };
    made.map_err(|why| {
        let message = format!("the transcript `{}` can not be written: {why}", path.display());
        let help = "name another file with `--transcript FILE`";
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
        Ending::Refused
    })
}

/// Says whether a file is one of those that a program was read from.
fn is_source(path: &Path, program: &Program) -> bool {
    program.sources.iter().any(|(_, source)| is_same_file(path, Path::new(source.name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_simulated_only_if_it_says_so() {
        assert!(matches!(Port::read("sim"), Port::OwnDevice));
        assert!(matches!(Port::read("sim:a.flow"), Port::Device(path) if path == Path::new("a.flow")));
        assert!(matches!(Port::read("/dev/ttyS0"), Port::Real("/dev/ttyS0")));
        assert!(matches!(Port::read("simcom"), Port::Real("simcom")));
    }

    #[test]
    fn results_are_saved_beside_no_flow_but_here() {
        assert_eq!(default_place(Path::new("flows/a.b.flow")), PathBuf::from("a.b.saved.toml"));
    }
}
