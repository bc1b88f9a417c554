//! Runs flows against simulated devices under the virtual clock, for tests.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod bench;
pub(crate) mod ports;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowrun::check::{Checked, check};
use flowrun::diagnostic::Diagnostic;
use flowrun::diagnostic::render::{Look, Style, render};
use flowrun::engine::{Engine, Inputs, PortInputs};
use flowrun::event::{Event, EventKind, Failure, HookCall, Verdict, Waiting};
use flowrun::load::{from_disk, load};
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::program::Program;
use flowrun::report::Sink;
use flowrun::report::failure::render_failure;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::{SimBench, SimWorld};
use flowrun::source::{Site, Sources};
use flowrun::time::Moment;
use flowrun::value::Value;
use flowrun::world::{self, Audience, Keeper, World};

/// The beginning of virtual time in tests.
pub(crate) const BEGUN: i64 = 1_721_620_800_000;

/// Plain snapshots, 80 columns wide.
pub(crate) const LOOK: Look = Look { width: 80, style: Style::Plain };

/// Everything that a run came to.
pub(crate) struct Outcome {
    pub verdict: Verdict,
    pub events: Vec<Event>,
    pub transcript: String,
    pub saved: Vec<(String, String)>,
    pub failure: Option<Failure>,
    /// The failure as the console shows it.
    pub report: String,
    pub took: Moment,
    /// What went out on the line, one write an item, with nothing named.
    pub raw_sent: Vec<Vec<u8>>,
    /// What came in on the line, with nothing named.
    pub raw_received: Vec<u8>,
    /// What the device said with `log`.
    pub device_said: Vec<String>,
    /// What the device had to tell.
    pub device_events: Vec<Event>,
}

impl Outcome {
    /// Returns every byte that was sent, one send an item.
    pub(crate) fn sent(&self) -> Vec<String> {
        let sent = |event: &Event| match &event.kind {
            EventKind::Sent { bytes } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        self.events.iter().filter_map(sent).collect()
    }

    /// Returns everything that was received, joined.
    pub(crate) fn received(&self) -> String {
        let mut all = Vec::new();
        for event in &self.events {
            if let EventKind::Received { bytes, .. } = &event.kind {
                all.extend_from_slice(bytes);
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Returns the message of the failure; empty if there is none.
    pub(crate) fn message(&self) -> &str {
        self.failure.as_ref().map_or("", |failure| failure.message.as_str())
    }
}

/// Returns a path in this repository.
pub(crate) fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Checks a file of this repository; its name in messages is the path from the repository's root.
pub(crate) fn check_file(path: &str) -> Checked {
    let reader = |path: &Path| from_disk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    check(load(Path::new(path), &reader))
}

/// Checks a file of a folder of this repository; its name in messages is that in the folder.
pub(crate) fn check_in(folder: &str, name: &str) -> Checked {
    let reader = |path: &Path| from_disk(&repo(folder).join(path));
    check(load(Path::new(name), &reader))
}

/// Checks a text as if it were a file in a folder of this repository, whose other files it may use.
pub(crate) fn check_text_in(folder: &str, text: &str) -> Checked {
    let name = Path::new("test.flow");
    let reader = |path: &Path| match path == name {
        true => Ok(text.as_bytes().to_vec()),
        false => from_disk(&repo(folder).join(path)),
    };
    check(load(name, &reader))
}

/// Checks a text.
pub(crate) fn check_text(name: &str, text: &str) -> Checked {
    check_texts(&[(name, text)])
}

/// Checks the first of some texts, which may use the others.
pub(crate) fn check_texts(texts: &[(&str, &str)]) -> Checked {
    let reader = |path: &Path| match texts.iter().find(|(name, _)| Path::new(name) == path) {
        Some((_, text)) => Ok(text.as_bytes().to_vec()),
        None => Err(std::io::ErrorKind::NotFound.into()),
    };
    check(load(Path::new(texts[0].0), &reader))
}

/// Returns the program, or panics with what is wrong with it.
pub(crate) fn program(checked: Checked) -> Arc<Program> {
    let shown = render(&checked.problems, &checked.sources, LOOK);
    Arc::new(checked.program.unwrap_or_else(|| panic!("{shown}")))
}

/// Returns an engine that runs a program with the defaults of its variables.
pub(crate) fn engine(program: &Arc<Program>, port: &str) -> Engine {
    let inputs = Inputs {
        variables: HashMap::new(),
        seed: 1,
        begun: BEGUN,
        file: "test.flow".to_string(),
        ports: vec![PortInputs::serial(port, &program.settings)],
    };
    Engine::new(program.clone(), inputs)
}

/// Renders diagnostics as the console does, without colour.
pub(crate) fn shown(problems: &[Diagnostic], checked: &Checked) -> String {
    render(problems, &checked.sources, LOOK)
}

/// A run to be made.
pub(crate) struct Run {
    flow: Arc<Program>,
    /// One for each port.
    devices: Vec<Arc<Program>>,
    variables: HashMap<String, Value>,
    device_variables: HashMap<String, Value>,
    seed: u64,
    chunk: Option<usize>,
    interrupt_at: Option<Moment>,
    refuses_to_save: bool,
}

impl Run {
    pub(crate) fn new(flow: Arc<Program>, device: Arc<Program>) -> Run {
        Run::against(flow, vec![device])
    }

    /// A flow with a device for each of its ports.
    pub(crate) fn against(flow: Arc<Program>, devices: Vec<Arc<Program>>) -> Run {
        Run {
            flow,
            devices,
            variables: HashMap::new(),
            device_variables: HashMap::new(),
            seed: 1,
            chunk: None,
            interrupt_at: None,
            refuses_to_save: false,
        }
    }

    /// A flow of this repository with the devices that it names.
    pub(crate) fn built_in(path: &str) -> Run {
        let flow = program(check_file(path));
        let folder = Path::new(path).parent().expect("it stands in a folder");
        let device = |sim: &Option<(String, Site)>| {
            let (sim, _) = sim.as_ref().expect("a built-in flow names its devices");
            program(check_file(&folder.join(sim).display().to_string()))
        };
        let devices = match flow.ports.as_slice() {
            [] => vec![device(&flow.sim)],
            ports => ports.iter().map(|port| device(&port.sim)).collect(),
        };
        Run::against(flow, devices)
    }

    /// A flow and a device given as text.
    pub(crate) fn texts(flow: &str, device: &str) -> Run {
        Run::new(program(check_text("test.flow", flow)), program(check_text("device.flow", device)))
    }

    pub(crate) fn var(mut self, name: &str, value: impl Into<Value>) -> Run {
        self.variables.insert(name.to_string(), value.into());
        self
    }

    pub(crate) fn sim_var(mut self, name: &str, value: impl Into<Value>) -> Run {
        self.device_variables.insert(name.to_string(), value.into());
        self
    }

    pub(crate) fn seed(mut self, seed: u64) -> Run {
        self.seed = seed;
        self
    }

    /// Cuts everything that the flow receives into pieces of so many bytes, all at the same moment.
    pub(crate) fn chunks(mut self, chunk: usize) -> Run {
        self.chunk = Some(chunk);
        self
    }

    pub(crate) fn interrupt_at(mut self, at: Moment) -> Run {
        self.interrupt_at = Some(at);
        self
    }

    pub(crate) fn refuse_to_save(mut self) -> Run {
        self.refuses_to_save = true;
        self
    }

    pub(crate) fn go(&self) -> Outcome {
        let sources = self.flow.sources.clone();
        let inputs = |program: &Program, variables: &HashMap<String, Value>, seed| Inputs {
            variables: variables.clone(),
            seed,
            begun: BEGUN,
            file: "test.flow".to_string(),
            ports: match program.ports.as_slice() {
                [] => vec![PortInputs::serial("sim", &program.settings)],
                ports => ports.iter().map(|port| PortInputs::serial("sim", &port.settings)).collect(),
            },
        };
        let mut engine = Engine::new(self.flow.clone(), inputs(&self.flow, &self.variables, self.seed));
        let sims = self.devices.iter().zip(self.seed..).map(|(device, seed)| {
            SimWorld::new(Engine::new(device.clone(), inputs(device, &self.device_variables, seed)))
        });
        let mut sims: Vec<SimWorld> = sims.collect();
        let sim = if sims.len() > 1 { Sim::Bench(SimBench::new(sims)) } else { Sim::One(Box::new(sims.remove(0))) };
        let waiting = (PortId::FIRST, Vec::new());
        let world = Cut { world: sim, chunk: self.chunk, waiting, interrupt_at: self.interrupt_at };
        let mut world = Recorder { world, sent: Vec::new(), received: Vec::new() };
        let mut memory = Memory { values: Vec::new(), refuses: self.refuses_to_save };
        let mut text = Vec::new();
        let (verdict, events) = {
            let transcript = Transcript::new(&mut text, &sources, Times::Shown);
            let mut audience = Collect { events: Vec::new(), transcript };
            let verdict = world::run(
                &mut engine,
                &mut world,
                world::Company {
                    keeper: &mut memory,
                    audience: &mut audience,
                    person: &mut world::Nobody,
                    tap: None,
                    hooks: None,
                },
            );
            audience.transcript.end().expect("memory takes everything");
            (verdict, audience.events)
        };
        let goes_back = events.windows(2).find(|pair| pair[1].at < pair[0].at);
        assert!(goes_back.is_none(), "time goes back: {goes_back:?}");
        let failure = engine.failure().cloned();
        let report = failure.as_ref().map_or(String::new(), |failure| render_failure(failure, &sources, LOOK));
        let transcript = String::from_utf8(text).expect("a transcript is UTF-8");
        let device_events = world.world.world.device_events();
        let device_said = device_events.iter().filter_map(|event| match &event.kind {
            EventKind::Logged { text } => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        });
        Outcome {
            verdict,
            events,
            transcript,
            saved: memory.values,
            failure,
            report,
            took: engine.now(),
            device_said: device_said.collect(),
            device_events,
            raw_sent: world.sent,
            raw_received: world.received,
        }
    }
}

/// Runs an engine in a world to its end; returns the verdict and the transcript.
pub(crate) fn transcribe(engine: &mut Engine, world: &mut dyn World, sources: &Sources) -> (Verdict, String) {
    let mut text = Vec::new();
    let verdict = {
        let transcript = Transcript::new(&mut text, sources, Times::Shown);
        let mut audience = Collect { events: Vec::new(), transcript };
        let mut memory = Memory { values: Vec::new(), refuses: false };
        let company = world::Company {
            keeper: &mut memory,
            audience: &mut audience,
            person: &mut world::Nobody,
            tap: None,
            hooks: None,
        };
        world::run(engine, world, company)
    };
    (verdict, String::from_utf8(text).expect("a transcript is UTF-8"))
}

/// A world whose bytes come in pieces, and whose user may press Ctrl-C.
struct Cut {
    world: Sim,
    chunk: Option<usize>,
    /// On which port, and what of it was not given yet.
    waiting: (PortId, Vec<u8>),
    interrupt_at: Option<Moment>,
}

/// The simulated devices of a run.
enum Sim {
    One(Box<SimWorld>),
    Bench(SimBench<SimWorld>),
}

impl Sim {
    fn world(&mut self) -> &mut dyn World {
        match self {
            Sim::One(world) => world.as_mut(),
            Sim::Bench(bench) => bench,
        }
    }

    /// Returns what the devices had to say, one device after the other.
    fn device_events(&self) -> Vec<Event> {
        match self {
            Sim::One(world) => world.device_events().to_vec(),
            Sim::Bench(bench) => bench.worlds().flat_map(SimWorld::device_events).cloned().collect(),
        }
    }
}

impl World for Cut {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.world().takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.world.world().perform(port, command);
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let mut at = Moment::START;
        if self.waiting.1.is_empty() {
            let cut = self.interrupt_at.is_some_and(|at| until.is_none_or(|until| at <= until));
            let until = if cut { self.interrupt_at } else { until };
            let (now, happening) = self.world.world().wait(until, &mut self.waiting.1);
            if self.interrupt_at.is_some_and(|at| now >= at) && happening == Happening::Nothing {
                self.interrupt_at = None;
                return (now, Happening::Interrupt);
            }
            let Happening::Received(port) = happening else { return (now, happening) };
            self.waiting.0 = port;
            at = now;
        }
        let (port, waiting) = &mut self.waiting;
        let n = self.chunk.unwrap_or(usize::MAX).min(waiting.len());
        received.extend(waiting.drain(..n));
        (at, Happening::Received(*port))
    }
}

/// A world that keeps what goes out and comes in: events have names in place of secrets.
struct Recorder {
    world: Cut,
    sent: Vec<Vec<u8>>,
    received: Vec<u8>,
}

impl World for Recorder {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        if let PortCommand::Write { bytes, .. } = &command {
            self.sent.push(bytes.clone());
        }
        self.world.perform(port, command);
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let known = received.len();
        let happened = self.world.wait(until, received);
        self.received.extend_from_slice(&received[known..]);
        happened
    }
}

/// Results in memory.
struct Memory {
    values: Vec<(String, String)>,
    refuses: bool,
}

impl Keeper for Memory {
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String> {
        if self.refuses {
            return Err("the disk is full".to_string());
        }
        self.values
            .extend(values.iter().map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned())));
        Ok(())
    }
}

struct Collect<'a> {
    events: Vec<Event>,
    transcript: Transcript<'a, &'a mut Vec<u8>>,
}

impl Audience for Collect<'_> {
    fn tell(&mut self, event: &Event) {
        self.transcript.tell(event).expect("memory takes everything");
        self.events.push(event.clone());
    }

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}

/// Returns the names, without `.flow`, of the flow files that stand in a folder itself, sorted.
pub(crate) fn flows_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repo(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8");
        name.strip_suffix(".flow").map(str::to_string)
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// Compares each case with its snapshot, `tests/snapshots/PREFIX__NAME.snap`; all are looked at before it fails.
///
/// A case is its name, its file and what is shown. No snapshot with this prefix may be without a case.
pub(crate) fn assert_cases(prefix: &str, cases: &[(String, String, String)]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(repo("tests/snapshots"));
    settings.set_omit_expression(true);
    let differs = |(name, file, shown): &&(String, String, String)| {
        let mut settings = settings.clone();
        settings.set_input_file(repo(file));
        let compare = || settings.bind(|| insta::assert_snapshot!(format!("{prefix}__{name}"), shown));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare)).is_err()
    };
    let differing: Vec<&String> = cases.iter().filter(differs).map(|(name, ..)| name).collect();
    assert!(differing.is_empty(), "differ from their snapshots: {differing:?}");
    let orphans: Vec<String> = snapshots()
        .into_iter()
        .filter(|snapshot| {
            let of_prefix = snapshot.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("__"));
            of_prefix.is_some_and(|name| !cases.iter().any(|(case, ..)| case == name))
        })
        .collect();
    assert!(orphans.is_empty(), "snapshots without a case: {orphans:?}");
}

/// Returns the names, without `.snap`, of all files in `tests/snapshots`.
pub(crate) fn snapshots() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(repo("tests/snapshots")) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8");
        name.strip_suffix(".snap").map_or(name.clone(), str::to_string)
    };
    entries.map(name).collect()
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("it can be copied");
        }
    }
}

/// Returns a page of HTML without its head, its style and its script, and without the texts of the flows.
pub(crate) fn without_texts_of_ours(page: &str) -> Vec<u8> {
    let begin = page.find("<header class=\"top").expect("a page has a head");
    let end = page.find("<section class=\"plain\" aria-label=\"Sources\">").expect("a page has sources");
    page.as_bytes()[begin..end].to_vec()
}
