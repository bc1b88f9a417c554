//! `Bench`: a flow and its device, and one run of them under a plan.

use std::cell::Cell;
use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::chatter::Chatter;
use super::fault::Plan;
use super::line::{FaultyLine, Shared, Strike, Write};
use crate::engine::{Cover, Engine, Inputs};
use crate::event::{Event, EventKind, Failure, StepOutcome, Verdict, Waiting};
use crate::port::PortId;
use crate::program::{Op, Program};
use crate::setup::Setup;
use crate::sim::{SimBench, VIRTUAL_SEED};
use crate::source::Site;
use crate::time::Moment;
use crate::world::{self, Audience, Company, Memory, Nobody};

/// A flow and the devices that it is run against.
#[derive(Debug)]
pub struct Bench {
    flow: Arc<Program>,
    inputs: Inputs,
    /// The device at each port, and what it is given.
    devices: Vec<(Arc<Program>, Inputs)>,
    chatter: Chatter,
    /// The statements that wait for counted bytes.
    reads: HashSet<Site>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a verdict.
    Verdict(Verdict),
    /// Not by itself.
    Endless,
    /// With a panic of flowrun.
    Panicked(String),
}

/// One run, and what the line did to it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub ending: Ending,
    /// How many steps were skipped.
    pub n_skipped: u64,
    /// How many clean-ups failed.
    pub n_cleanups_failed: u64,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What the faults did, in order.
    pub strikes: Vec<Strike>,
    /// How many blocks the device at each port wrote.
    pub blocks: Vec<u32>,
    /// What the host wrote, one write an item.
    pub sent: Vec<Write>,
    /// The same without the attempts at steps that failed and were made again.
    pub needed: Vec<Write>,
    /// What the flow saved.
    pub saved: Vec<(String, Vec<u8>)>,
    /// How long it took on its own clock.
    pub took: Moment,
    /// The secrets that the flow knew at its end, and their names.
    pub secrets: Secrets,
}

/// Secrets with their names.
pub type Secrets = Vec<(Arc<str>, Vec<u8>)>;

impl Trial {
    /// Whether it ended as another did: with the same verdict, as many skipped steps and as many failed clean-ups.
    pub fn ended_like(&self, other: &Trial) -> bool {
        let remarks = |trial: &Trial| (trial.n_skipped, trial.n_cleanups_failed);
        self.ending == other.ending && remarks(self) == remarks(other)
    }
}

impl Bench {
    /// Makes a bench of a flow and the device at each of its ports; all sides begin each run with these inputs.
    pub fn new(flow: Arc<Program>, inputs: Inputs, devices: Vec<(Arc<Program>, Inputs)>) -> Bench {
        let is_read = |op: &Op| {
            matches!(op, Op::ReadCount(_) | Op::ReadUntil(_) | Op::ReadQuiet(_) | Op::SendFile(_) | Op::ReceiveFile(_))
        };
        let reads = flow.ops.iter().zip(&flow.sites).filter(|(op, _)| is_read(op)).map(|(_, site)| *site).collect();
        Bench { chatter: Chatter::for_flow(&flow), reads, flow, inputs, devices }
    }

    /// Makes a bench of a flow and its devices; `None` if something else plays an other end. `ports` are what reports call them.
    pub(crate) fn of(setup: &Setup, ports: &[String]) -> Option<Bench> {
        let inputs = setup.inputs(setup.beginning_with(VIRTUAL_SEED), ports);
        let devices = setup.devices(&inputs)?;
        Some(Bench::new(setup.flow().clone(), inputs, devices))
    }

    /// Returns the names of the ports that the flow declares.
    pub fn port_names(&self) -> Vec<&str> {
        self.flow.ports.iter().map(|port| port.name.as_str()).collect()
    }

    /// Returns the flow.
    pub fn flow(&self) -> &Program {
        &self.flow
    }

    /// Whether the flow has a word about a port that goes away: `reconnect` or `reopen`.
    pub fn lets_its_port_go(&self) -> bool {
        let says_so = |op: &Op| {
            matches!(op, Op::Reopen(_))
                || matches!(op, Op::Settings(settings) if settings.iter().any(|(name, _)| name == "reconnect"))
        };
        self.inputs.ports.iter().any(|port| !port.settings.reconnect.is_zero()) || self.flow.ops.iter().any(says_so)
    }

    /// Runs the flow once on a line where faults strike as planned; a panic is caught.
    pub fn run(&self, plan: &Plan) -> Trial {
        self.run_covered(plan, &[])
    }

    /// Does the same; what the trial tells has no piece of these secrets in it. A damaged line may show one that the run itself
    /// never knew.
    pub(super) fn run_covered(&self, plan: &Plan, secrets: &[&Secrets]) -> Trial {
        let cover = Cover::of(secrets.iter().copied().flatten());
        let run = || self.run_unguarded(plan, &cover);
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
            Trial {
                ending: Ending::Panicked(text),
                n_skipped: 0,
                n_cleanups_failed: 0,
                failure: None,
                strikes: Vec::new(),
                blocks: Vec::new(),
                sent: Vec::new(),
                needed: Vec::new(),
                saved: Vec::new(),
                took: Moment::START,
                secrets: Vec::new(),
            }
        })
    }

    fn run_unguarded(&self, plan: &Plan, cover: &Cover) -> Trial {
        let shared = Shared::default();
        let makers = self.devices.iter().map(|(device, inputs)| move || Engine::new(device.clone(), inputs.clone()));
        let makers: Vec<_> = makers.collect();
        let lines = (0..).map_while(PortId::new).zip(&makers);
        let mut lines: Vec<FaultyLine<'_>> = lines
            .map(|(port, power_on)| FaultyLine::new(port, plan, &self.chatter, power_on, shared.clone(), cover))
            .collect();
        let mut engine = Engine::new(self.flow.clone(), self.inputs.clone());
        let mut memory = Memory::default();
        let is_reading = shared.is_reading.clone();
        let mut watch = Watch { reads: &self.reads, is_reading, attempts: Attempts::default() };
        let company =
            Company { keeper: &mut memory, audience: &mut watch, person: &mut Nobody, tap: None, hooks: None };
        let verdict = match lines.as_mut_slice() {
            [line] => world::run(&mut engine, line, company),
            _ => {
                let mut bench = SimBench::new(lines);
                let verdict = world::run(&mut engine, &mut bench, company);
                lines = bench.into_worlds().collect();
                verdict
            }
        };
        let is_endless = lines.iter().any(FaultyLine::is_endless);
        let ending = if is_endless { Ending::Endless } else { Ending::Verdict(verdict) };
        let (strikes, blocks): (Vec<_>, Vec<u32>) = lines.into_iter().map(FaultyLine::finish).unzip();
        let mut strikes = strikes.concat();
        strikes.sort_by_key(|strike| strike.at);
        let sent = shared.sent.take();
        let needed = watch.attempts.needed(&sent);
        let failure = engine.failure().map(|failure| covered(failure, cover));
        let (n_skipped, n_cleanups_failed) = (engine.n_skipped(), engine.n_cleanups_failed());
        let (saved, took, secrets) = (memory.saved, engine.now(), engine.secrets().to_vec());
        Trial { ending, n_skipped, n_cleanups_failed, failure, strikes, blocks, sent, needed, saved, took, secrets }
    }
}

/// Returns a failure without pieces of secrets.
fn covered(failure: &Failure, cover: &Cover) -> Failure {
    let mut failure = failure.clone();
    let text = |text: &mut String| *text = cover.covered_text(text);
    [&mut failure.message, &mut failure.label].into_iter().for_each(text);
    failure.others.iter_mut().for_each(|label| text(&mut label.text));
    failure.steps.iter_mut().for_each(text);
    failure.came.iter_mut().flatten().for_each(text);
    failure.sent.iter_mut().chain(&mut failure.cause).for_each(text);
    failure
}

/// Which writes belong to attempts at steps that failed and were made again.
#[derive(Debug, Default)]
struct Attempts {
    n_sent: usize,
    /// How many writes there were when each open attempt began, and how many steps are around it.
    open: Vec<(usize, u32)>,
    in_vain: Vec<Range<usize>>,
}

impl Attempts {
    fn add(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Sent { .. } => self.n_sent += 1,
            EventKind::StepBegan { depth, .. } => self.open.push((self.n_sent, *depth)),
            EventKind::StepEnded { outcome, depth, .. } => {
                // A step whose pause before a further attempt ends it has told of the end of its attempt before.
                let attempt = self.open.pop_if(|(_, of)| *of == *depth);
                let began = attempt.map_or(self.n_sent, |(began, _)| began);
                if *outcome == StepOutcome::WillRetry {
                    self.in_vain.push(began..self.n_sent);
                }
            }
            EventKind::RunStarted(_)
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Received { .. }
            | EventKind::Matched { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. }
            | EventKind::Transfer(_)
            | EventKind::Skipped { .. }
            | EventKind::CleanupFailed(_)
            | EventKind::Failed(_)
            | EventKind::RunEnded { .. } => {}
        }
    }

    /// Returns the writes that belong to no failed attempt.
    fn needed(&self, sent: &[Write]) -> Vec<Write> {
        let is_needed = |i: &usize| !self.in_vain.iter().any(|range| range.contains(i));
        (0..sent.len()).filter(is_needed).map(|i| sent[i].clone()).collect()
    }
}

/// Tells the line what the flow waits for.
struct Watch<'a> {
    reads: &'a HashSet<Site>,
    is_reading: Rc<Cell<bool>>,
    attempts: Attempts,
}

impl Audience for Watch<'_> {
    fn tell(&mut self, event: &Event) {
        self.attempts.add(event);
    }

    fn waiting(&mut self, _now: Moment, why: &Waiting) {
        self.is_reading.set(matches!(why, Waiting::Match { site, .. } if self.reads.contains(site)));
    }
}
