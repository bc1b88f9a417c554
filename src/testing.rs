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

use std::error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{Look, Style, render};
use crate::event::{Progress, Rigour, Waiting};
use crate::program::Role;
use crate::report::failure::render_failure;
use crate::report::ticker::Ticker;
use crate::report::transcript::{Times, Transcript};
use crate::report::{Fan, Sink};
use crate::secret::Redactor;
use crate::setup::{
    Beginning, Counterpart, End, Ender, HeldRecording, Read, Setup, SetupError, Stage, Terms, find_counterpart,
    read_edited, read_program,
};
use crate::value::escape::visible;
use crate::variables::{Given, Offered, Origin};
use crate::world::{self, Audience, Company, Hooks, Memory, Nobody, Tap, Taps};

// What the signatures below are made of.
pub use crate::diagnostic::{Code, Label};
pub use crate::event::{CloseReason, Event, EventKind, Failure, RunHeader, StepOutcome, Verdict};
use crate::source::name_of;
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
/// If the flow cannot be run, with everything that is wrong with it. A flow that runs and fails is no panic, see
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
    rigour: Rigour,
    /// What counts in place of the file's own text.
    edited: Option<String>,
}

impl Run {
    /// Makes a run of the flow in a file.
    #[must_use]
    pub fn new(flow: impl AsRef<Path>) -> Run {
        let flow = flow.as_ref().to_path_buf();
        Run {
            flow,
            device: None,
            given: Vec::new(),
            device_given: Vec::new(),
            seed: 1,
            rigour: Rigour::Usual,
            edited: None,
        }
    }

    /// Takes the device in this file instead of the one that the flow names.
    #[must_use]
    pub fn device(mut self, file: impl AsRef<Path>) -> Run {
        self.device = Some(file.as_ref().to_path_buf());
        self
    }

    /// Takes this text for the flow's, as an editor has it before it is saved.
    #[must_use]
    pub(crate) fn edited(mut self, text: &str) -> Run {
        self.edited = Some(text.to_string());
        self
    }

    /// Sets a variable of the flow, as `--var` does.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Run {
        self.given.push(Given::new(name, value, Origin::Option));
        self
    }

    /// Sets a variable of the device, as `--sim-var` does.
    #[must_use]
    pub fn sim_var(mut self, name: &str, value: &str) -> Run {
        self.device_given.push(Given::new(name, value, Origin::Option));
        self
    }

    /// Seeds everything random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Run {
        self.seed = seed;
        self
    }

    /// Lets a failed clean-up be a failure, as `--strict` does.
    #[must_use]
    pub fn strict(mut self) -> Run {
        self.rigour = Rigour::Strict;
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// What is wrong with the files or the variables; nothing was run then.
    pub fn go(&self) -> Result<Outcome, Refused> {
        let refused = |error| Refused::of(&self.flow, error);
        let read = match &self.edited {
            Some(text) => read_edited(Role::Flow, &self.flow, text),
            None => read_program(Role::Flow, &self.flow),
        };
        let Read { program, .. } = read.map_err(refused)?;
        let address = self.device.as_ref().map_or(Address::OwnDevice, |path| Address::Device(path.clone()));
        let found = find_counterpart(&[address], &self.flow, &program).map_err(refused)?;
        let offered = |given: &[Given]| Offered { given: given.to_vec(), ..Offered::default() };
        let (variables, device_variables) = (offered(&self.given), offered(&self.device_given));
        let terms = Terms { variables, device_variables, rigour: self.rigour, ..Terms::default() };
        let setup = Setup::join(program, &self.flow, found.counterpart, terms).map_err(refused)?;
        outcome(&setup, self.seed, &Ender::Nobody, Around::default()).map_err(refused)
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
    /// What the flow knew as secrets at its end.
    secrets: Vec<(Arc<str>, Vec<u8>)>,
    /// The recording if the run failed or it was asked for, and whether the flow has secrets.
    recording: Option<(Vec<u8>, bool)>,
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

    /// Returns why the run failed, as data.
    pub(crate) fn cause(&self) -> Option<&Failure> {
        self.failure.as_ref()
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

    /// Returns the recording of a run that failed, or of each if it was asked for, and whether the flow has secrets.
    pub(crate) fn recording(&self) -> Option<&(Vec<u8>, bool)> {
        self.recording.as_ref()
    }

    /// Returns what `save` kept as people read it, with the secrets of the run named.
    pub(crate) fn saved_named(&self) -> Vec<(String, String)> {
        let text = |value: &[u8]| match std::str::from_utf8(value) {
            Ok(text) => self.named(text),
            Err(_) => self.named(&visible(value)),
        };
        self.saved.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Returns what the flow says is volatile: names, and what stands for them.
    pub(crate) fn volatiles(&self) -> Vec<(String, Sought)> {
        let values = |name: &str| {
            let captured = self.events.iter().filter_map(|event| {
                let EventKind::Captured { name: captured, value } = &event.kind else { return None };
                (**captured == *name && !value.is_empty()).then_some(value)
            });
            captured.map(|value| Sought::Text(visible(value))).collect::<Vec<_>>()
        };
        let rules = |(name, regex): &(String, Option<String>)| {
            let sought = regex.as_ref().map_or_else(|| values(name), |regex| vec![Sought::Regex(regex.clone())]);
            sought.into_iter().map(|sought| (name.clone(), sought)).collect::<Vec<_>>()
        };
        self.volatiles.iter().flat_map(rules).collect()
    }

    /// Returns a text, a snapshot for instance, with the secrets of the run named in it, also where they stand as a transcript
    /// shows them.
    pub(crate) fn named(&self, text: &str) -> String {
        let mut redactor = Redactor::default();
        for (name, secret) in &self.secrets {
            redactor.learn(name, secret);
            redactor.learn(name, visible(secret).as_bytes());
        }
        redactor.clean_text(text)
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

    /// Returns why a run of the flow in a file cannot begin: what is wrong with the first text that something is wrong with.
    pub(crate) fn of(flow: &Path, error: SetupError) -> Refused {
        let general = |message: String| Diagnostic::general(Code::CommandLine, message);
        let problem = match error {
            SetupError::Wrong(complaints) => {
                let first = complaints.into_iter().next().unwrap_or_default();
                return Refused::new(first.problems, (*first.sources).clone());
            }
            SetupError::WrongRole { path, wanted, .. } => {
                let (wanted, word) = match wanted {
                    Role::Flow => ("a flow", "flow"),
                    Role::Device => ("a device", "device"),
                };
                let help = format!("the first line of {wanted} is `{word} \"…\"`");
                general(format!("`{}` is not {wanted}", name_of(&path))).help(help)
            }
            SetupError::NoCounterpart => {
                let help = "add `sim \"devices/modem.flow\"` to it, or give one with `Run::device`";
                general(format!("`{}` names no simulated device", name_of(flow))).help(help)
            }
            SetupError::NoDevice { port } => {
                let help = "add `sim \"devices/modem.flow\"` to it";
                general(format!("the port `{port}` of `{}` names no simulated device", name_of(flow))).help(help)
            }
            SetupError::OneForSeveral { address, ports } => {
                let message = format!("`{address}` is one port, and `{}` has several", name_of(flow));
                general(message).help(format!("its ports are: {}", ports.join(", ")))
            }
            SetupError::NoWait { n_ports, why } => {
                general(format!("the system cannot wait for {n_ports} ports: {why}"))
            }
            SetupError::Unplayable { path, why } => {
                let help = "`flowrun FLOW --port … --record FILE` makes one";
                general(format!("the recording `{}` cannot be played: {why}", name_of(&path))).help(help)
            }
            SetupError::NoSeed(why) => general(format!("the system gives no random seed: {why}")),
            SetupError::NoInterrupt(why) => general(format!("the run could not be interrupted: {why}")),
        };
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

/// Who is shown how far a run is, a line four times a second, and how wide it may be.
pub(crate) struct Watcher<'a> {
    pub look: Look,
    pub show: &'a mut dyn FnMut(String),
}

/// Who keeps what goes over the lines of a run.
pub(crate) trait Recorder {
    /// Returns what listens to the lines.
    fn tap(&mut self) -> &mut dyn Tap;

    /// Ends it when the run is over; these are the secrets that the flow knew.
    fn end(self: Box<Self>, secrets: &[(Arc<str>, Vec<u8>)]);
}

/// Begins to record a run that begins in this way on ports that are called so; `None` records nothing.
pub(crate) type Record<'a> = &'a dyn Fn(&Setup, Beginning, &[String]) -> Option<Box<dyn Recorder>>;

/// What there is around a run besides its world.
#[derive(Default)]
pub(crate) struct Around<'a> {
    /// Who is shown how far it is.
    pub watcher: Option<Watcher<'a>>,
    /// What runs the hooks of a flow on a real port.
    pub hooks: Option<Box<dyn Hooks>>,
    /// What records it.
    pub record: Option<Record<'a>>,
    /// Whether the recording of a run that passes is kept too.
    pub keeps_recording: bool,
}

/// Runs a setup and keeps what it came to.
///
/// A recording has its own seed and its own time of day. Reports call the port `sim` or `replay`, wherever the file is.
///
/// # Errors
///
/// The system does not give what a real port needs.
pub(crate) fn outcome(setup: &Setup, seed: u64, ender: &Ender, around: Around<'_>) -> Result<Outcome, SetupError> {
    let Around { watcher, mut hooks, record, keeps_recording } = around;
    let (beginning, ports) = match setup.counterpart() {
        Counterpart::Real(port) => (setup.beginning_with(seed), vec![port.to_string()]),
        Counterpart::Device(_) => (setup.beginning_with(seed), vec!["sim".to_string()]),
        Counterpart::Recording(_) => (setup.beginning()?, vec!["replay".to_string()]),
        Counterpart::Several(ends) => (setup.beginning_with(seed), ends.iter().map(address_of).collect()),
    };
    let inputs = setup.inputs(beginning, &ports);
    let Stage { mut engine, mut world, sources } = setup.stage(inputs.clone(), ender)?;
    let mut held = HeldRecording::new();
    let mut recorder = record.and_then(|record| record(setup, beginning, &ports));
    let mut memory = Memory::default();
    let (verdict, events) = {
        let mut witness = Witness { events: Vec::new(), fan: Fan::default() };
        if let Some(Watcher { look, show }) = watcher {
            witness.fan.add("the line that moves", Ticker::new(&sources, look, show));
        }
        let hooks = hooks.as_mut().map(|hooks| hooks.as_mut() as &mut dyn Hooks);
        let mut taps = Taps::default();
        taps.add(held.tap());
        if let Some(recorder) = &mut recorder {
            taps.add(recorder.tap());
        }
        let company =
            Company { keeper: &mut memory, audience: &mut witness, person: &mut Nobody, tap: Some(&mut taps), hooks };
        (world::run(&mut engine, world.as_mut(), company), witness.events)
    };
    if let Some(recorder) = recorder {
        recorder.end(engine.secrets());
    }
    let folder = setup.file().parent().unwrap_or(Path::new("")).to_path_buf();
    let transcript = transcript(&events, &sources, &folder, Times::Shown);
    let failure = engine.failure().cloned();
    let is_kept = keeps_recording || !verdict.is_success();
    let recording = if is_kept { held.text((setup, &inputs), engine.secrets()) } else { None };
    Ok(Outcome {
        verdict,
        events,
        sources,
        folder,
        transcript,
        saved: memory.saved,
        failure,
        volatiles: setup.flow().for_suites.volatiles.clone(),
        secrets: engine.secrets().to_vec(),
        recording,
    })
}

fn address_of(end: &End) -> String {
    match end {
        End::Real(port) => port.to_string(),
        End::Device(_) => "sim".to_string(),
    }
}

fn transcript(events: &[Event], sources: &Sources, folder: &Path, times: Times) -> String {
    let mut near = Sources::default();
    for (_, source) in sources.iter() {
        let path = Path::new(source.name());
        let name = name_of(path.strip_prefix(folder).unwrap_or(path));
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
            header.ports.iter_mut().for_each(|port| port.address = "hardware".to_string());
        }
        transcript.tell(&event).expect("memory takes everything");
    }
    transcript.end().expect("memory takes everything");
    String::from_utf8(text).expect("a transcript is UTF-8")
}

/// Keeps every event, and passes it on.
struct Witness<'a> {
    events: Vec<Event>,
    fan: Fan<'a>,
}

impl Audience for Witness<'_> {
    fn tell(&mut self, event: &Event) {
        self.events.push(event.clone());
        self.fan.tell(event);
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) {
        self.fan.waiting(now, why);
    }

    fn looks_every(&self) -> Option<Duration> {
        self.fan.looks_every()
    }

    fn progress(&mut self, progress: &Progress) {
        self.fan.progress(progress);
    }
}
