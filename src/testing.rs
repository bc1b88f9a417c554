//! Flows run from a test of Rust against their simulated devices: no port, no waiting, the same every time.
//!
//! ```no_run
//! #[test]
//! fn the_modem_signs_in() {
//!     let outcome = flowrun::testing::run("flows/login.flow");
//!     assert!(outcome.has_passed(), "{outcome}");
//!     insta::assert_snapshot!(outcome.transcript());
//! }
//! ```
//!
//! [`Run`] has what else a test may want: another device, variables, a seed. What a flow saves is kept in memory and
//! never written. `docs/suites.md` says more.

use std::collections::HashMap;
use std::error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::check;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{Look, Style, render};
use crate::engine::{Engine, Inputs};
use crate::event::Waiting;
use crate::load::{beside, from_disk, load};
use crate::program::{Program, Role};
use crate::record::Recording;
use crate::replay::ReplayWorld;
use crate::report::Sink;
use crate::report::failure::render_failure;
use crate::report::transcript::{Times, Transcript};
use crate::sim::{SimWorld, Stand, Texts, VIRTUAL_BEGINNING, device_inputs};
use crate::value::Value;
use crate::value::escape::visible;
use crate::variables::{Given, Origin, Ways, bind};
use crate::world::{self, Audience, Company, Memory, Nobody, World};

// What the signatures below are made of.
pub use crate::diagnostic::{Code, Label};
pub use crate::event::{CloseReason, Event, EventKind, Failure, RunHeader, StepOutcome, Verdict};
pub use crate::source::{Site, Source, SourceId, Sources, Span};
pub use crate::time::Moment;

/// What texts for people look like that go into the message of a failed test.
const LOOK: Look = Look { width: 100, style: Style::Plain };

/// Runs a flow against the device that it names with `sim`, with the defaults of its variables and seed 1.
///
/// A relative path counts from where the test runs: with `cargo test` the folder of `Cargo.toml`.
///
/// # Panics
///
/// If the flow can not be run, with everything that is wrong with it. A flow that runs and fails is no panic, see
/// [`Outcome::has_passed`].
#[must_use]
pub fn run(flow: impl AsRef<Path>) -> Outcome {
    Run::new(flow).go().unwrap_or_else(|refused| panic!("{refused}"))
}

/// A run to be made.
#[derive(Clone)]
pub struct Run {
    flow: PathBuf,
    device: Option<PathBuf>,
    given: Vec<Given>,
    device_given: Vec<Given>,
    seed: u64,
}

impl Run {
    /// Makes a run of the flow in a file.
    #[must_use]
    pub fn new(flow: impl AsRef<Path>) -> Run {
        let flow = flow.as_ref().to_path_buf();
        Run { flow, device: None, given: Vec::new(), device_given: Vec::new(), seed: 1 }
    }

    /// Takes the device in this file instead of the one that the flow names.
    #[must_use]
    pub fn device(mut self, file: impl AsRef<Path>) -> Run {
        self.device = Some(file.as_ref().to_path_buf());
        self
    }

    /// Sets a variable of the flow, as `--var` does.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Run {
        self.given.push(given(name, value));
        self
    }

    /// Sets a variable of the device, as `--sim-var` does.
    #[must_use]
    pub fn sim_var(mut self, name: &str, value: &str) -> Run {
        self.device_given.push(given(name, value));
        self
    }

    /// Seeds everything random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Run {
        self.seed = seed;
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// What is wrong with the files or the variables; nothing was run then.
    pub fn go(&self) -> Result<Outcome, Refused> {
        let counterpart = self.device.as_ref().map_or(Counterpart::Own, |path| Counterpart::Device(path.clone()));
        let bind_own =
            |flow: &Program, recorded: Vec<Given>| bind(flow, &[recorded, self.given.clone()].concat(), Ways::OF_FILE);
        match Setup::read(&self.flow, &counterpart, bind_own, &self.device_given)? {
            Some(setup) => Ok(setup.simulate(self.seed, &|| false)),
            None => {
                let message = format!("`{}` names no simulated device", self.flow.display());
                let help = "add `sim \"devices/modem.flow\"` to it, or give one with `Run::device`";
                Err(Refused::general(Diagnostic::general(Code::CommandLine, message).help(help)))
            }
        }
    }
}

/// Everything that a run came to; secrets are named in all of it.
#[derive(Debug)]
pub struct Outcome {
    verdict: Verdict,
    events: Vec<Event>,
    /// The texts of both sides, with the names that the user gave them.
    sources: Sources,
    /// The folder of the flow; names in a transcript count from there.
    folder: PathBuf,
    transcript: String,
    saved: Vec<(String, Vec<u8>)>,
    failure: Option<Failure>,
    /// What the flow says is volatile.
    volatiles: Vec<(String, Option<String>)>,
}

impl Outcome {
    /// Returns how the run ended.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Says whether everything held, at whichever attempt.
    pub fn has_passed(&self) -> bool {
        self.verdict.is_success() && self.verdict != Verdict::Skipped
    }

    /// Returns the transcript, with times; it names files as seen from the flow, so it is the same wherever it is run.
    pub fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Returns why the run failed, as the console shows it; empty if it did not.
    pub fn failure(&self) -> String {
        self.failure.as_ref().map_or_else(String::new, |failure| render_failure(failure, &self.sources, LOOK))
    }

    /// Returns everything that happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns the texts that the sites of the events point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns what `save` kept, in order. These are the values themselves, secrets too.
    pub fn saved(&self) -> &[(String, Vec<u8>)] {
        &self.saved
    }

    /// Returns what the flow says is volatile: names, and what stands for them.
    pub(crate) fn volatiles(&self) -> Vec<(String, Sought)> {
        let values = |name: &str| {
            let captured = self.events.iter().filter_map(|event| match &event.kind {
                EventKind::Captured { name: captured, value } if captured == name && !value.is_empty() => Some(value),
                _ => None,
            });
            captured.map(|value| Sought::Text(visible(value))).collect::<Vec<_>>()
        };
        let rules = |(name, regex): &(String, Option<String>)| {
            let sought = regex.as_ref().map_or_else(|| values(name), |regex| vec![Sought::Regex(regex.clone())]);
            sought.into_iter().map(|sought| (name.clone(), sought)).collect::<Vec<_>>()
        };
        self.volatiles.iter().flat_map(rules).collect()
    }

    /// Returns the transcript with or without times.
    pub(crate) fn transcript_with(&self, times: Times) -> String {
        transcript(&self.events, &self.sources, &self.folder, times)
    }
}

impl fmt::Display for Outcome {
    /// Writes the verdict, the failure if there is one, and the transcript.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.verdict.title(), self.failure(), self.transcript)
    }
}

/// What is named away in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// What a regex finds.
    Regex(String),
    /// This text.
    Text(String),
}

/// Why nothing was run.
pub struct Refused {
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) sources: Sources,
}

impl Refused {
    pub(crate) fn new(problems: Vec<Diagnostic>, sources: Sources) -> Refused {
        Refused { problems, sources }
    }

    fn general(problem: Diagnostic) -> Refused {
        Refused::new(vec![problem], Sources::default())
    }
}

impl fmt::Display for Refused {
    /// Writes every diagnostic with its place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(&self.problems, &self.sources, LOOK))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for Refused {}

/// Who is at the other end of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Counterpart {
    /// The device that the flow names.
    Own,
    /// The device in this file.
    Device(PathBuf),
    /// The recording in this file.
    Recording(PathBuf),
    /// Something real at this port.
    Real(String),
}

/// A flow, its variables and its device, read and checked.
pub(crate) struct Setup {
    program: Arc<Program>,
    path: PathBuf,
    variables: HashMap<String, Value>,
    /// The device and its variables; `None` for what is real or recorded.
    device: Option<(Arc<Program>, HashMap<String, Value>)>,
    /// The recording that plays the other end.
    recording: Option<Recording>,
}

/// What the name of a recording ends with that stands beside its flow.
const RECORDING: &str = "recording";

impl Setup {
    /// Reads a flow and what plays its counterpart, unless that is real; `None` if there is nothing: the flow names no
    /// device, and no `NAME.recording` stands beside it. `variables` gets what was given when a recording was made.
    pub(crate) fn read(
        path: &Path,
        counterpart: &Counterpart,
        variables: impl FnOnce(&Program, Vec<Given>) -> Result<HashMap<String, Value>, Vec<Diagnostic>>,
        device_given: &[Given],
    ) -> Result<Option<Setup>, Refused> {
        let program = program(path, Role::Flow)?;
        let (device, recording) = match counterpart {
            Counterpart::Real(_) => (None, None),
            Counterpart::Device(file) => (Some(file.clone()), None),
            Counterpart::Recording(file) => (None, Some(recording(file)?)),
            Counterpart::Own => match own_device(path, &program)? {
                Some(file) => (Some(file), None),
                None if path.with_extension(RECORDING).exists() => {
                    (None, Some(recording(&path.with_extension(RECORDING))?))
                }
                None => return Ok(None),
            },
        };
        let recorded = recording.iter().flat_map(|recording| &recording.variables);
        let recorded = recorded.map(|(name, value)| given(name, value)).collect();
        let refused = |problems, of: &Program| Refused::new(problems, (*of.sources).clone());
        let variables = variables(&program, recorded).map_err(|problems| refused(problems, &program))?;
        let with_variables = |file: PathBuf| {
            let device = self::program(&file, Role::Device)?;
            let variables = bind(&device, device_given, Ways::OF_DEVICE).map_err(|more| refused(more, &device))?;
            Ok((device, variables))
        };
        let device = device.map(with_variables).transpose()?;
        Ok(Some(Setup { program, path: path.to_path_buf(), variables, device, recording }))
    }

    /// Runs it against its device or its recording under the virtual clock; the wish to stop is looked at before
    /// every wait of a device. A recording has its own seed and its own time of day.
    pub(crate) fn simulate(&self, seed: u64, wants_stop: &dyn Fn() -> bool) -> Outcome {
        if let Some(recording) = &self.recording {
            let inputs = self.inputs(recording.seed, recording.begun, "replay");
            let engine = Engine::new(self.program.clone(), inputs);
            let mut world = ReplayWorld::new(recording, engine.secrets());
            return self.outcome(engine, &mut world, (*self.program.sources).clone());
        }
        let (device, variables) = self.device.clone().expect("only what has a device is simulated");
        let (sources, texts) = Texts::join(&self.program.sources, &device.sources);
        let inputs = self.inputs(seed, VIRTUAL_BEGINNING, "sim");
        let device_inputs = device_inputs(&inputs, variables, device.settings.clone());
        let sim = SimWorld::new(Engine::new(device, device_inputs));
        self.outcome(Engine::new(self.program.clone(), inputs), &mut Stand::new(sim, texts, wants_stop), sources)
    }

    /// Runs it against what is real.
    pub(crate) fn meet(&self, seed: u64, begun: i64, port: &str, world: &mut dyn World) -> Outcome {
        let engine = Engine::new(self.program.clone(), self.inputs(seed, begun, port));
        self.outcome(engine, world, (*self.program.sources).clone())
    }

    fn inputs(&self, seed: u64, begun: i64, port: &str) -> Inputs {
        let file = self.path.display().to_string();
        let settings = self.program.settings.clone();
        Inputs { variables: self.variables.clone(), seed, begun, file, port: port.to_string(), settings }
    }

    fn outcome(&self, mut engine: Engine, world: &mut dyn World, sources: Sources) -> Outcome {
        let (mut memory, mut witness) = (Memory::default(), Witness::default());
        let company = Company { keeper: &mut memory, audience: &mut witness, person: &mut Nobody, tap: None };
        let verdict = world::run(&mut engine, world, company);
        let folder = self.path.parent().unwrap_or(Path::new("")).to_path_buf();
        let transcript = transcript(&witness.events, &sources, &folder, Times::Shown);
        let failure = engine.failure().cloned();
        Outcome {
            verdict,
            events: witness.events,
            sources,
            folder,
            transcript,
            saved: memory.saved,
            failure,
            volatiles: self.program.volatiles.clone(),
        }
    }
}

fn given(name: &str, value: &str) -> Given {
    Given { name: name.to_string(), value: value.to_string(), from: Origin::Option }
}

fn program(path: &Path, role: Role) -> Result<Arc<Program>, Refused> {
    let checked = check(load(path, &from_disk));
    let wanted = match role {
        Role::Flow => "a flow",
        Role::Device => "a device",
    };
    match checked.program {
        Some(program) if program.role == role => Ok(Arc::new(program)),
        None if !checked.problems.is_empty() => Err(Refused::new(checked.problems, (*checked.sources).clone())),
        Some(_) | None => {
            let message = format!("`{}` is not {wanted}", path.display());
            let help = format!("the first line of {wanted} is `{} \"…\"`", wanted.trim_start_matches("a "));
            Err(Refused::general(Diagnostic::general(Code::CommandLine, message).help(help)))
        }
    }
}

/// Reads a recording.
fn recording(path: &Path) -> Result<Recording, Refused> {
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    read.and_then(|text| Recording::read(&text)).map_err(|why| {
        let message = format!("the recording `{}` can not be played: {why}", path.display());
        let help = "`flowrun FLOW --port … --record FILE` makes one";
        Refused::general(Diagnostic::general(Code::CommandLine, message).help(help))
    })
}

/// Returns the device file that a flow names, if it names one.
fn own_device(flow: &Path, program: &Program) -> Result<Option<PathBuf>, Refused> {
    let Some((path, site)) = &program.sim else { return Ok(None) };
    let file = beside(flow, path).map_err(|why| {
        let message = format!("`{path}` can not be the simulated device");
        Refused::new(vec![Diagnostic::new(Code::LoadUse, *site, message, why)], (*program.sources).clone())
    })?;
    Ok(Some(file))
}

fn transcript(events: &[Event], sources: &Sources, folder: &Path, times: Times) -> String {
    let mut near = Sources::default();
    for (_, source) in sources.iter() {
        let path = Path::new(source.name());
        let name = path.strip_prefix(folder).unwrap_or(path).display().to_string().replace('\\', "/");
        near.add(Source::new(name, source.shown().clone()));
    }
    let mut text = Vec::new();
    let mut transcript = Transcript::new(&mut text, &near, times);
    for event in events {
        let mut event = event.clone();
        if let EventKind::RunStarted(header) = &mut event.kind
            && times == Times::Hidden
        {
            // The same on every bench: which port it was is no business of a snapshot.
            header.port = "hardware".to_string();
        }
        transcript.tell(&event).expect("memory takes everything");
    }
    transcript.end().expect("memory takes everything");
    String::from_utf8(text).expect("a transcript is UTF-8")
}

/// Keeps every event.
#[derive(Default)]
struct Witness {
    events: Vec<Event>,
}

impl Audience for Witness {
    fn tell(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}
