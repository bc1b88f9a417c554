//! An hour with a chatty device under the virtual clock: memory stays flat, and no deadline drifts.
//!
//! `tests/soak/hour.flow` is the hour: log lines at irregular intervals, unsolicited lines with handlers, exchanges, prompts that
//! are spoilt and tried again, counted reads, and a time-out every second. `docs/soak.md` tells of the same in real time.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

#[path = "support/alive.rs"]
mod alive;
mod support;

use std::cell::Cell;
use std::io::{self, Write};
use std::time::Duration;

use flowrun::diagnostic::render::{Look, Style};
use flowrun::engine::{Engine, Inputs, PortInputs};
use flowrun::event::{Event, EventKind, StepOutcome, Verdict, Waiting};
use flowrun::port::PortId;
use flowrun::report::Fan;
use flowrun::report::console::{Console, Status, Volume};
use flowrun::report::jsonl::JsonLines;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::{SimWorld, device_inputs};
use flowrun::time::Moment;
use flowrun::value::Value;
use flowrun::world::{self, Audience, Company, Memory, Nobody};

use alive::alive;
use support::{BEGUN, LOOK, check_file, program, shown};

/// How many bytes more may be alive at any later minute than at the fifth.
const GROWTH: isize = 16 * 1024;
/// How long a `T` is waited for in the flow.
const TIMEOUT: Duration = Duration::from_millis(50);
/// What stands between two attempts in the flow, and what the engine adds at most for the line to become quiet.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(1020));
/// What a line of the device may have to wait for others that leave before it.
const QUEUE: Duration = Duration::from_millis(20);

/// Counts what is written and keeps none of it.
struct Written<'a>(&'a Cell<usize>);

impl Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Something to be told of everything besides the sinks.
type Listener<'a> = &'a mut dyn FnMut(&Event);

/// Passes everything on, and notes what is alive at each full minute of the flow.
struct Witness<'a> {
    fan: Fan<'a>,
    listener: Listener<'a>,
    alive: Vec<isize>,
    /// When the flow wants to go on after a sleep.
    sleeps_until: Option<Moment>,
    overslept: Vec<Moment>,
}

impl Audience for Witness<'_> {
    fn tell(&mut self, event: &Event) {
        if let EventKind::Logged { text } = &event.kind
            && let Some(n) = tick(text)
        {
            if self.sleeps_until.take().is_some_and(|until| until != event.at) {
                self.overslept.push(event.at);
            }
            if n % 60 == 0 {
                self.alive.push(alive());
            }
        }
        self.fan.tell(event);
        (self.listener)(event);
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) {
        if let Waiting::Sleep { until, .. } = why {
            self.sleeps_until = Some(*until);
        }
        self.fan.waiting(now, why);
    }

    fn has_unwritten(&mut self) -> bool {
        self.fan.has_unwritten()
    }

    fn write_out(&mut self) {
        self.fan.write_out();
    }
}

/// What came of a run.
struct Hour {
    verdict: Verdict,
    /// What was alive at the beginning of each minute.
    alive: Vec<isize>,
    /// When sleeps ended that should have ended at another moment.
    overslept: Vec<Moment>,
    /// How many bytes transcript and events have.
    written: [usize; 3],
}

impl Hour {
    /// Returns how much more was alive at the worst later minute than at the fifth.
    fn growth(&self) -> isize {
        self.alive[6..].iter().map(|alive| alive - self.alive[5]).max().expect("there are later minutes")
    }
}

/// Runs the flow for so many seconds.
fn run(seconds: i64, listener: Listener<'_>) -> Hour {
    let flow = program(check_file("tests/soak/hour.flow"));
    let device = program(check_file("tests/soak/device.flow"));
    let inputs = Inputs {
        variables: [("seconds".to_string(), Value::Int(seconds))].into(),
        seed: 1,
        begun: BEGUN,
        file: "hour.flow".to_string(),
        ports: vec![PortInputs::serial("sim", &flow.settings)],
    };
    let device_inputs = device_inputs(&inputs, PortId::FIRST, Default::default(), device.settings.clone());
    let mut world = SimWorld::new(Engine::new(device, device_inputs));
    let sources = flow.sources.clone();
    let mut engine = Engine::new(flow, inputs);
    let [transcript, events, console] = [const { Cell::new(0) }; 3];
    let mut fan = Fan::default();
    fan.add("the transcript", Transcript::new(Written(&transcript), &sources, Times::Shown));
    fan.add("the events", JsonLines::new(Written(&events), &sources));
    let look = Look { style: Style::Colour, ..LOOK };
    fan.add("the console", Console::new(Written(&console), &sources, look, Volume::Normal, Status::Shown));
    // What is counted must not grow itself.
    let alive = Vec::with_capacity(100);
    let mut witness = Witness { fan, listener, alive, sleeps_until: None, overslept: Vec::new() };
    let company =
        Company { keeper: &mut Memory::default(), audience: &mut witness, person: &mut Nobody, tap: None, hooks: None };
    let verdict = world::run(&mut engine, &mut world, company);
    let Witness { fan, alive, overslept, .. } = witness;
    assert!(fan.finish().is_empty(), "every sink could write");
    Hour { verdict, alive, overslept, written: [transcript.get(), events.get(), console.get()] }
}

/// Returns the number of a tick that the flow logged.
fn tick(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.strip_prefix("tick ")?.parse().ok()
}

/// Everything about deadlines, in numbers of a fixed size.
#[derive(Default)]
struct Deadlines {
    first_tick: Moment,
    n_ticks: u64,
    sent: Moment,
    n_timeouts: u64,
    n_minutes: u64,
    retried: Option<Moment>,
    n_retries: u64,
    n_sent: u64,
    wrong: Vec<String>,
}

impl Deadlines {
    fn look(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::Logged { text } => {
                let Some(n) = tick(text) else { return };
                self.first_tick = if n == 0 { at } else { self.first_tick };
                // The flow counts from a whole millisecond, and sleeps whole ones.
                let whole = Duration::from_millis(self.first_tick.since_start().as_millis() as u64);
                let due = Moment::after(whole) + Duration::from_secs(n);
                self.must(n == self.n_ticks && at >= due && at - due < Duration::from_millis(1), at, "a tick");
                self.n_ticks += 1;
            }
            EventKind::Sent { .. } => {
                self.sent = at;
                self.n_sent += 1;
            }
            EventKind::Noted { text } if text.starts_with("ignored: line \"NEVER\"") => {
                self.must(at == self.sent + TIMEOUT, at, "a time-out");
                self.n_timeouts += 1;
            }
            EventKind::Received { bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                for n in text.lines().filter_map(|line| line.strip_prefix("+MIN: ")?.parse::<u64>().ok()) {
                    let due = Moment::START + Duration::from_secs(60 * n);
                    self.must(n == self.n_minutes + 1 && at > due && at - due < QUEUE, at, "a minute of the device");
                    self.n_minutes += 1;
                }
            }
            EventKind::StepEnded { outcome: StepOutcome::WillRetry, .. } => self.retried = Some(at),
            EventKind::StepBegan { attempt: 2.., .. } => {
                let paused = at - self.retried.take().expect("an attempt has failed before");
                self.must(RETRY.0 <= paused && paused <= RETRY.1, at, "a further attempt");
                self.n_retries += 1;
            }
            _ => {}
        }
    }

    fn must(&mut self, holds: bool, at: Moment, what: &str) {
        if !holds && self.wrong.len() < 10 {
            self.wrong.push(format!("{what} at {at}"));
        }
    }
}

#[test]
fn an_hour_grows_no_memory_and_moves_no_deadline() {
    let mut deadlines = Deadlines::default();
    let hour = run(3600, &mut |event| deadlines.look(event));
    assert_eq!(hour.verdict, Verdict::Flaky, "prompts are spoilt now and then");
    assert_eq!(deadlines.wrong, Vec::<String>::new(), "not at their moments");
    assert_eq!(hour.overslept, [], "a sleep ends at its end");
    let Deadlines { n_ticks, n_timeouts, n_minutes, n_retries, n_sent, .. } = deadlines;
    assert_eq!((n_ticks, n_timeouts, n_minutes), (3600, 3600, 60));
    // A prompt that an ignored line follows still counts; what spoils it is a line that nobody named.
    assert!(n_retries > 20 && n_sent > 20_000, "{n_retries} retries, {n_sent} sends");
    assert!(hour.written.iter().all(|n| *n > 4_000_000), "the sinks were told: {:?}", hour.written);
    assert_eq!(hour.alive.len(), 60);
    assert!(hour.growth() <= GROWTH, "{} bytes more; alive at each minute: {:?}", hour.growth(), hour.alive);
}

#[test]
fn the_flows_of_the_long_real_run_are_right() {
    for flow in ["chatty", "idle"] {
        let checked = check_file(&format!("examples/soak/{flow}.flow"));
        assert!(checked.problems.is_empty(), "{}", shown(&checked.problems, &checked));
    }
}

#[test]
fn what_is_lost_in_each_exchange_would_be_seen() {
    let mut lost: Vec<Vec<u8>> = Vec::new();
    let ten_minutes = run(600, &mut |event| {
        if matches!(event.kind, EventKind::Sent { .. }) {
            lost.push(vec![0; 64]);
        }
    });
    assert!(ten_minutes.growth() > GROWTH, "{} bytes more", ten_minutes.growth());
}
