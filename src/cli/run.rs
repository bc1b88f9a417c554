//! `flowrun FILE`: a flow run against a port or a simulated device.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use super::args::{RunArguments, VariableArguments};
use super::check::{device_of, program_for};
use super::given::{device_variables, is_same_file, settings, variables};
use super::many;
use super::person::AtTerminal;
use super::sim::read_recording;
use super::terminal::{Pace, Terminal};
use crate::address::{Address, AddressError, expand};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Engine, Inputs};
use crate::program::{Op, Program, Role};
use crate::record::{HoldBack, Readers, Recording, RecordingFile};
use crate::replay::ReplayWorld;
use crate::report::console::Volume;
use crate::report::jsonl::JsonLines;
use crate::report::transcript::{Times, Transcript};
use crate::report::{Fan, SinkFailure};
use crate::results::Results;
use crate::sim::{SimWorld, Stand, Texts, VIRTUAL_BEGINNING, VIRTUAL_SEED, device_inputs};
use crate::source::Sources;
use crate::transport::{Clock, Interrupt, list, open_world, unix_millis};
use crate::value::Value;
use crate::world::{self, Company, World};

/// Runs a flow.
pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Ending {
    let ports = match expand(&arguments.ports, &|| list().into_iter().map(|port| port.name).collect()) {
        Ok(ports) => ports,
        Err(error) => {
            terminal.refuse(address_problem(&error));
            return Ending::Refused;
        }
    };
    if ports.len() > 1 {
        return many::run(arguments, &ports, terminal);
    }
    let ports = ports.iter().map(ToString::to_string).collect();
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

/// Everything that a run needs, checked.
pub(super) struct Prepared {
    pub(super) program: Arc<Program>,
    pub(super) inputs: Inputs,
    /// The simulated device, if there is one.
    device: Option<(Arc<Program>, Inputs)>,
    /// The recording that plays the device, and the values of secrets in it.
    replay: Option<(Recording, Secrets)>,
    pub(super) results: Results,
    pub(super) transcript: Option<File>,
    pub(super) events: Option<File>,
    pub(super) recording: Option<RecordingFile>,
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
        let replay = replay(&port, arguments, terminal)?;
        let mut problems = Vec::new();
        let given = match &replay {
            Some((recording, _)) => with_recorded(&arguments.variables, recording),
            None => arguments.variables.clone(),
        };
        let variables = kept(variables(&program, &given), &mut problems);
        let settings = kept(settings(&program.settings, arguments.baud, &arguments.serial), &mut problems);
        let results = kept(results(arguments, &program).map_err(|problem| vec![problem]), &mut problems);
        if device.is_none() && replay.is_none() && !arguments.sim_vars.is_empty() {
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
        let recorded = replay.as_ref().map(|(recording, _)| recording);
        let seed = match (arguments.seed, &device, recorded) {
            (Some(seed), ..) => seed,
            (None, Some(_), _) => VIRTUAL_SEED,
            (None, None, Some(recording)) => recording.seed,
            (None, None, None) => fresh_seed(terminal)?,
        };
        let begun = match (&device, recorded) {
            (Some(_), _) => VIRTUAL_BEGINNING,
            (None, Some(recording)) => recording.begun,
            (None, None) => present(),
        };
        let inputs = Inputs { variables, seed, begun, file: path.display().to_string(), port, settings };
        let device = device.map(|(device, variables)| {
            let inputs = device_inputs(&inputs, variables, device.settings.clone());
            (device, inputs)
        });
        let interrupt = interrupt(terminal)?;
        // Last, for it empties the files.
        let create = |what: &str, path: Option<&Path>| {
            let file = |path: &Path| File::create(path);
            path.map(|path| create_output(what, path, &program, terminal, file)).transpose()
        };
        let transcript = create("transcript", arguments.transcript.as_deref())?;
        let events = create("events", arguments.events.as_deref())?;
        let is_real = device.is_none() && replay.is_none();
        let begin = |path: &Path| begin_recording(path, &program, &inputs, is_real);
        let recording = arguments.record.as_deref();
        let recording =
            recording.map(|path| create_output("recording", path, &program, terminal, begin)).transpose()?;
        Ok(Prepared { program, inputs, device, replay, results, transcript, events, recording, interrupt })
    }

    fn run(self, arguments: &RunArguments, terminal: &Terminal) -> Ending {
        let Prepared { program, inputs, device, replay, mut results, transcript, events, mut recording, interrupt } =
            self;
        let port = inputs.port.clone();
        let mut engine = Engine::new(program.clone(), inputs);
        let (sources, mut world, pace): (Sources, Box<dyn World>, Pace) = match (device, replay) {
            (None, Some((recording, mut secrets))) => {
                secrets.extend_from_slice(engine.secrets());
                let world = ReplayWorld::new(&recording, &secrets);
                ((*program.sources).clone(), Box::new(world), Pace::Virtual)
            }
            (Some((device, device_inputs)), _) => {
                let (sources, texts) = Texts::join(&program.sources, &device.sources);
                let world = SimWorld::new(Engine::new(device, device_inputs));
                (sources, Box::new(Stand::new(world, texts, move || interrupt.is_raised())), Pace::Virtual)
            }
            (None, None) => ((*program.sources).clone(), open_world(&port, Clock::start(), interrupt), Pace::Real),
        };
        let mut fan = Fan::default();
        if let (Some(file), Some(path)) = (transcript, &arguments.transcript) {
            // Not buffered: what happened is in the file, however the process ends.
            let transcript = Transcript::new(file, &sources, Times::Shown);
            fan.add(format!("the transcript `{}`", path.display()), transcript);
        }
        if let (Some(file), Some(path)) = (events, &arguments.events) {
            fan.add(format!("the events `{}`", path.display()), JsonLines::new(file, &sources));
        }
        let volume = if arguments.output.quiet { Volume::Quiet } else { Volume::Normal };
        fan.add(CONSOLE, terminal.console(&sources, volume, pace));
        let mut person = AtTerminal::new(pace);
        let tap = recording.as_mut().map(RecordingFile::tap);
        let company = Company { keeper: &mut results, audience: &mut fan, person: &mut person, tap };
        let verdict = world::run(&mut engine, world.as_mut(), company);
        let mut failures = fan.finish();
        failures.extend(recording.and_then(|recording| finish_recording(recording, &engine)));
        terminal.say(&kept_in(&results));
        let is_unwritten = tell_failures(&failures, terminal);
        Ending::of_run(verdict, is_unwritten)
    }
}

/// Returns a line that says where results are; nothing if there are none.
pub(super) fn kept_in(results: &Results) -> String {
    let (path, names) = results.kept();
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!("{} saved in {}\n", names.join(", "), path.display()) }
}

/// Values of secrets, with their names.
type Secrets = Vec<(Arc<str>, Vec<u8>)>;

/// Returns the recording that the port names, with the values of secrets that were typed for it.
fn replay(port: &str, arguments: &RunArguments, terminal: &Terminal) -> Result<Option<(Recording, Secrets)>, Ending> {
    let Address::Recording(path) = Address::parse(port) else { return Ok(None) };
    let recording = read_recording(&path).map_err(|problem| {
        terminal.refuse(*problem);
        Ending::Refused
    })?;
    let typed = arguments.sim_vars.iter().filter_map(|text| text.split_once('='));
    let secrets = typed.map(|(name, value)| (Arc::from(name), value.as_bytes().to_vec())).collect();
    Ok(Some((recording, secrets)))
}

/// Returns what was typed, and what was given when the recording was made where nothing was typed.
fn with_recorded(typed: &VariableArguments, recording: &Recording) -> VariableArguments {
    let is_typed =
        |name: &str| typed.vars.iter().any(|text| text.split_once('=').is_some_and(|(known, _)| known == name));
    let recorded = recording.variables.iter().filter(|(name, _)| !is_typed(name));
    let recorded = recorded.map(|(name, value)| format!("{name}={value}"));
    let vars = recorded.chain(typed.vars.iter().cloned()).collect();
    VariableArguments { vars, files: typed.files.clone() }
}

/// Begins the recording of a run that is about to begin.
fn begin_recording(path: &Path, program: &Program, inputs: &Inputs, is_real: bool) -> io::Result<RecordingFile> {
    let is_clear = |name: &str| program.params.iter().any(|param| param.name == name && !param.is_secret);
    let given = inputs.variables.iter().filter(|(name, _)| is_clear(name));
    let shown = given.map(|(name, value)| (name.clone(), String::from_utf8_lossy(&value.show()).into_owned()));
    let mut variables: Vec<(String, String)> = shown.collect();
    variables.sort();
    let title = program.title.clone();
    let header = Recording { title, seed: inputs.seed, begun: inputs.begun, variables, entries: Vec::new() };
    let has_secrets = program.learns_secrets || program.params.iter().any(|param| param.is_secret);
    let readers = if has_secrets { Readers::Owner } else { Readers::Others };
    // In virtual time there is no quiet in which something could be written.
    let hold_back = if program.learns_secrets || !is_real { HoldBack::Reach } else { HoldBack::Least };
    RecordingFile::create(path, readers, header, hold_back)
}

/// Writes the rest of a recording; returns what went wrong with it.
pub(super) fn finish_recording(recording: RecordingFile, engine: &Engine) -> Option<SinkFailure> {
    let sink = format!("the recording `{}`", recording.path().display());
    recording.finish(engine.secrets()).err().map(|error| SinkFailure { sink, error })
}

/// What the console is called among the sinks.
pub(super) const CONSOLE: &str = "what is shown here";

/// Tells which sinks have failed; returns whether something is missing that was asked for.
pub(super) fn tell_failures(failures: &[SinkFailure], terminal: &Terminal) -> bool {
    for failure in failures {
        // Who closes the pipe has seen enough.
        if failure.sink != CONSOLE || failure.error.kind() != io::ErrorKind::BrokenPipe {
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
    let path = match Address::parse(port) {
        Address::Node(_) | Address::Recording(_) => return Ok((port.to_string(), None)),
        Address::Device(path) => path,
        Address::OwnDevice => match device_of(&arguments.file, flow) {
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

/// Says what is wrong with the ports that were typed.
fn address_problem(error: &AddressError) -> Diagnostic {
    let (message, help) = match error {
        AddressError::NoPattern { typed, why } => {
            (format!("`{typed}` is no pattern: {why}"), "use `*`, `?` and `[…]` as a shell does")
        }
        AddressError::NoPort { typed } => (
            format!("no port fits `{typed}`"),
            "see `flowrun ports`; quote the pattern, so that the shell leaves it alone",
        ),
        AddressError::NoRecording { typed } => (
            format!("no recording fits `{typed}`"),
            "quote the pattern, so that the shell leaves it alone; `flowrun FLOW --port … --record FILE` makes a recording",
        ),
        AddressError::SimulatedAmongSeveral { simulated } => (
            format!("`--port {simulated}` can not be one of several ports"),
            "run the flow once with `--port sim`, and once on the real ports",
        ),
        AddressError::Mixture { recorded, real } => (
            format!("`--port {recorded}` and `--port {real}` cannot run together"),
            "a recording runs in virtual time and a port in real time: run the flow once on the recordings, and once on the ports",
        ),
    };
    Diagnostic::general(Code::CommandLine, message).help(help)
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
        && let Some(command) = nearest(word, ["run", "check", "fmt", "test", "stress", "sim", "ports", "help"])
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

/// Creates the file of `--transcript`, `--events` or `--record`.
fn create_output<T>(
    what: &str,
    path: &Path,
    program: &Program,
    terminal: &Terminal,
    create: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<T, Ending> {
    let made = if is_source(path, program) {
        Err("it is the flow itself, or used by it".to_string())
    } else {
        create(path).map_err(|error| error.to_string())
    };
    made.map_err(|why| {
        let message = format!("the {what} `{}` can not be written: {why}", path.display());
        let option = if what == "recording" { "record" } else { what };
        let help = format!("name another file with `--{option} FILE`");
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
    fn results_are_saved_beside_no_flow_but_here() {
        assert_eq!(default_place(Path::new("flows/a.b.flow")), PathBuf::from("a.b.saved.toml"));
    }
}
