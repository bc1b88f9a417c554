//! One run of a row, in a thread of its own.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use crate::cli::outputs::{CONSOLE, Closed, Outputs, Share};
use crate::diagnostic::render::Look;
use crate::engine::{Engine, Inputs};
use crate::event::{Event, EventKind, Verdict};
use crate::origin::Origin;
use crate::report::console::{Console, Status, Volume};
use crate::report::table::Steps;
use crate::report::ticker::Ticker;
use crate::report::{Fan, Sink, Wants};
use crate::secret::Redactor;
use crate::setup::{Ender, Pace, Setup, SetupError, Stage};
use crate::value::escape::visible;
use crate::world::{self, Company, Keeper, Nobody, Person};

/// A row that is to run.
pub(super) struct Job {
    /// Its place among the rows.
    pub row: usize,
    /// What people call it: row and port.
    pub title: String,
    pub setup: Setup,
    pub inputs: Inputs,
    pub outputs: Outputs,
    /// When and where it begins.
    pub origin: Origin,
}

/// What a thread tells.
pub(super) enum News {
    /// What a run waits for just now.
    Moves { worker: usize, line: String },
    /// A run asks a person; who answers sends it there.
    Asks { worker: usize, prompt: String, is_secret: bool, answer: Sender<Option<Vec<u8>>> },
    /// A run is over, or could not begin.
    Over { worker: usize, row: usize, result: Box<Result<Done, SetupError>> },
    /// The thread is gone because of a defect, and so is its run.
    Gone { worker: usize },
}

/// Tells that a thread is gone, if it goes by a panic: nobody else would know, and all would wait for it.
struct Mourned<'a> {
    worker: usize,
    news: &'a Sender<News>,
}

impl Drop for Mourned<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.news.send(News::Gone { worker: self.worker });
        }
    }
}

/// A run that is over.
pub(super) struct Done {
    pub verdict: Verdict,
    pub steps: Vec<String>,
    /// Why it failed; empty if it did not.
    pub reason: String,
    /// When and where it began.
    pub origin: Origin,
    pub seed: u64,
    pub took: Duration,
    /// What it measured and what it saved; secrets are named.
    pub recorded: Vec<(String, String)>,
    /// Names the secrets that it knew.
    pub redactor: Redactor,
    /// What is shown of it.
    pub text: String,
    pub closed: Closed,
    pub n_cleanups_failed: u64,
}

/// How runs are shown.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub look: Look,
    /// Whether somebody sees lines that move.
    pub is_live: bool,
    /// How much of a transcript is gathered before it is written.
    pub gathered: usize,
}

/// Runs rows as they come, until no more do.
pub(super) fn work(worker: usize, jobs: &Receiver<Job>, ender: &Ender, view: View, news: &Sender<News>) {
    let _mourned = Mourned { worker, news };
    while let Ok(job) = jobs.recv() {
        let row = job.row;
        let result = Box::new(run(worker, job, ender, view, news));
        if news.send(News::Over { worker, row, result }).is_err() {
            return;
        }
    }
}

fn run(worker: usize, job: Job, ender: &Ender, view: View, news: &Sender<News>) -> Result<Done, SetupError> {
    let Job { title, setup, inputs, mut outputs, origin, .. } = job;
    let seed = inputs.seed;
    let pace = setup.counterpart().pace();
    let Stage { mut engine, mut world, sources } = setup.stage(inputs, ender)?;
    let shown = Gathered::default();
    let mut steps = Steps::default();
    let mut measured = Measured::default();
    let mut show = |line: String| drop(news.send(News::Moves { worker, line }));
    let mut saved = Vec::new();
    let (verdict, closed) = {
        let mut fan = Fan::default();
        outputs.add_sinks(&mut fan, &sources, Share::Part { port: &title, gathered: view.gathered });
        let console = Console::new(shown.clone(), &sources, view.look, Volume::Quiet, Status::Hidden);
        fan.add(CONSOLE, console.of_port(&title));
        fan.add(CONSOLE, &mut steps);
        fan.add(CONSOLE, &mut measured);
        if view.is_live && pace == Pace::Real {
            fan.add(CONSOLE, Ticker::new(&sources, view.look, &mut show));
        }
        let mut operator = Operator { worker, news: news.clone(), answer: None };
        let person: &mut dyn Person = if pace == Pace::Real { &mut operator } else { &mut Nobody };
        let Company { keeper, audience, person, tap, hooks } = outputs.company(&mut fan, person);
        let mut keeper = Copying { keeper, saved: &mut saved };
        let company = Company { keeper: &mut keeper, audience, person, tap, hooks };
        let verdict = world::run(&mut engine, world.as_mut(), company);
        (verdict, outputs.close(fan, &engine, &sources))
    };
    let redactor = redactor(&engine);
    let shown_of = |value: &[u8]| {
        let value = redactor.clean(value);
        String::from_utf8(value).unwrap_or_else(|error| visible(error.as_bytes()))
    };
    let mut recorded = measured.0;
    recorded.extend(saved.iter().map(|(name, value)| (name.clone(), shown_of(value))));
    let failure = engine.failure().filter(|_| !verdict.is_success());
    let text = String::from_utf8_lossy(&shown.0.borrow()).trim_start_matches('\n').to_string();
    Ok(Done {
        verdict,
        steps: steps.ended_in(verdict).to_vec(),
        reason: failure.map_or_else(String::new, |failure| failure.message.clone()),
        origin,
        seed,
        took: engine.now().since_start(),
        recorded,
        redactor,
        text,
        closed,
        n_cleanups_failed: engine.n_cleanups_failed(),
    })
}

/// Returns what names the secrets that a run knew, also where they stand as messages show them.
fn redactor(engine: &Engine) -> Redactor {
    let mut redactor = Redactor::default();
    for (name, secret) in engine.secrets() {
        redactor.learn(name, secret);
        redactor.learn(name, visible(secret).as_bytes());
    }
    redactor
}

/// Text that is gathered until the run is over.
#[derive(Clone, Default)]
struct Gathered(Rc<RefCell<Vec<u8>>>);

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The names of measurements with their values, in order; secrets are named in events.
#[derive(Default)]
struct Measured(Vec<(String, String)>);

impl Sink for Measured {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        if let EventKind::Measured(measured) = &event.kind {
            // A loop may measure without end: the last value is the one that is written.
            match self.0.iter_mut().find(|(name, _)| *name == measured.name) {
                Some((_, value)) => value.clone_from(&measured.value),
                None => self.0.push((measured.name.clone(), measured.value.clone())),
            }
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants { traffic: false, waits: false }
    }
}

/// Keeps what is saved where it belongs, and a copy.
struct Copying<'a> {
    keeper: &'a mut dyn Keeper,
    saved: &'a mut Vec<(String, Vec<u8>)>,
}

impl Keeper for Copying<'_> {
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String> {
        self.keeper.keep(values)?;
        self.saved.extend_from_slice(values);
        Ok(())
    }

    fn keep_file(&mut self, name: &str, content: &[u8], is_secret: bool) -> Result<(), String> {
        self.keeper.keep_file(name, content, is_secret)
    }
}

/// The person at the line, who is asked by the thread that has the terminal.
struct Operator {
    worker: usize,
    news: Sender<News>,
    answer: Option<Receiver<Option<Vec<u8>>>>,
}

impl Person for Operator {
    fn ask(&mut self, prompt: &str, is_secret: bool) {
        let (answer, receiver) = channel();
        let asks = News::Asks { worker: self.worker, prompt: prompt.to_string(), is_secret, answer };
        self.answer = self.news.send(asks).is_ok().then_some(receiver);
    }

    fn answer(&mut self) -> Option<Option<Vec<u8>>> {
        let Some(answer) = &self.answer else { return Some(None) };
        match answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}
