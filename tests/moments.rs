//! Time never goes back in events, transcripts and recordings, whatever moments a world reports.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowrun::event::{Event, HookCall, Verdict, Waiting};
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::program::Program;
use flowrun::record::{HoldBack, Recorder, Recording};
use flowrun::report::Sink;
use flowrun::report::jsonl::render_jsonl;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::SimWorld;
use flowrun::time::Moment;
use flowrun::value::random::Rng;
use flowrun::world::{self, Audience, Company, Memory, Nobody, World};

/// A world whose clock reports what happens too early, too late, or at the moment of something else.
struct Scrambled {
    world: SimWorld,
    dice: Rng,
    last: Moment,
    /// Input that the flow gets later, together with more.
    held: Vec<u8>,
}

impl Scrambled {
    fn moment(&mut self, now: Moment) -> Moment {
        let by = Duration::from_micros(self.dice.below(30_000));
        self.last = match self.dice.below(4) {
            0 => Moment::after(now.since_start().saturating_sub(by)),
            1 => now + by,
            2 => self.last,
            _ => now,
        };
        self.last
    }
}

impl World for Scrambled {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.world.perform(port, command);
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        received.append(&mut self.held);
        let now = self.last;
        (!received.is_empty()).then(|| (self.moment(now), Happening::Received(PortId::FIRST)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let (now, happening) = self.world.wait(until, received);
        if happening == Happening::Nothing {
            // A deadline has passed; the engine would wait for ever for one that never does.
            if !self.held.is_empty() {
                received.append(&mut self.held);
                return (self.moment(now), Happening::Received(PortId::FIRST));
            }
            return (now, happening);
        }
        if happening == Happening::Received(PortId::FIRST) && until.is_some() && self.dice.below(4) == 0 {
            self.held.append(received);
            return (now, Happening::Nothing);
        }
        if happening == Happening::Received(PortId::FIRST) {
            received.splice(0..0, self.held.drain(..));
        }
        (self.moment(now), happening)
    }
}

struct Kept<'a> {
    transcript: Transcript<'a, &'a mut Vec<u8>>,
    events: Vec<Event>,
}

impl Audience for Kept<'_> {
    fn tell(&mut self, event: &Event) {
        self.transcript.tell(event).expect("memory takes everything");
        self.events.push(event.clone());
    }

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}

/// Runs a flow against a device under a scrambled clock and looks at every moment that is written anywhere.
fn run(name: &str, flow: &Arc<Program>, device: &Arc<Program>, seed: u64) -> (Verdict, usize) {
    let mut engine = support::engine(flow, "sim");
    let world = SimWorld::new(support::engine(device, "sim"));
    let mut world = Scrambled { world, dice: Rng::from_seed(seed), last: Moment::START, held: Vec::new() };
    let (mut text, mut recording) = (Vec::new(), Vec::new());
    let mut tap = Recorder::new(Recording::default(), HoldBack::Least, &mut recording);
    let transcript = Transcript::new(&mut text, &flow.sources, Times::Shown);
    let mut kept = Kept { transcript, events: Vec::new() };
    let company = Company {
        keeper: &mut Memory::default(),
        audience: &mut kept,
        person: &mut Nobody,
        tap: Some(&mut tap),
        hooks: None,
    };
    let verdict = world::run(&mut engine, &mut world, company);
    let events = std::mem::take(&mut kept.events);
    kept.transcript.end().expect("memory takes everything");
    drop(kept);
    tap.finish(&[]).expect("memory takes everything");
    let goes_back = events.windows(2).find(|pair| pair[1].at < pair[0].at);
    assert!(goes_back.is_none(), "{name}, seed {seed}: {goes_back:?}");
    let text = String::from_utf8(text).expect("a transcript is UTF-8");
    let times: Vec<f64> = text.lines().filter_map(|line| line.get(..9)?.trim().parse().ok()).collect();
    assert!(times.is_sorted() && times.len() > 1, "{name}, seed {seed}: {text}");
    assert!(!render_jsonl(&events, &flow.sources).is_empty());
    // A recording that goes back in time cannot be read.
    let recording = String::from_utf8(recording).expect("a recording is UTF-8");
    let read = Recording::read(&recording).unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}\n{recording}"));
    assert!(!read.entries.is_empty(), "{name}, seed {seed}");
    (verdict, events.len())
}

#[test]
fn time_never_goes_back_though_the_clock_does() {
    let mut n_runs = 0;
    let mut n_passed = 0;
    for folder in ["flows", "tests/rules", "tests/transcripts", "tests/cases/run"] {
        for name in support::flows_in(folder) {
            let checked = support::check_in(folder, &format!("{name}.flow"));
            let Some(flow) = checked.program.clone().map(Arc::new) else { continue };
            // The world here has one port.
            let Some((sim, _)) = flow.sim.clone().filter(|_| flow.ports.is_empty()) else { continue };
            let device = Path::new(folder).join(&sim).display().to_string();
            let device = support::program(support::check_file(&device));
            for seed in 0..3 {
                n_passed += u32::from(run(&name, &flow, &device, seed).0.is_success());
                n_runs += 1;
            }
        }
    }
    assert!(n_runs > 200 && n_passed > 50, "{n_passed} of {n_runs} passed");
}
