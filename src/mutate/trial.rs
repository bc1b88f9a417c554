//! `Trial`: one run of a flow against its devices, changed or not, and all that came and went in it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{CloseReason, Event, EventKind, Failure, HookCall, Verdict, Waiting};
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::setup::{Ender, Setup, SetupError, Stage};
use crate::sim::VIRTUAL_SEED;
use crate::source::Sources;
use crate::time::Moment;
use crate::world::{self, Audience, Company, Memory, Nobody, World};

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

/// One run.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub ending: Ending,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How long it took on its own clock.
    pub took: Moment,
    /// The texts that the failure points into, with the secrets of the run covered.
    pub sources: Sources,
    /// How many steps were skipped, and how many clean-ups failed.
    pub(super) remarks: (u64, u64),
    /// What came, when it came.
    pub(super) came: Vec<Came>,
    /// What the flow sent.
    pub(super) sent: Vec<(PortId, Vec<u8>)>,
    /// What it saved and measured.
    pub(super) kept: Vec<(String, Vec<u8>)>,
    /// The secrets that it knew at its end.
    pub(super) secrets: Vec<(Arc<str>, Vec<u8>)>,
    n_waits: u32,
}

/// Something that a device did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It sent bytes.
    Bytes(Moment, PortId, Vec<u8>),
    /// Something else, in words.
    Else(Moment, String),
}

/// How far a run may go before it counts as endless.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    latest: Moment,
    n_waits: u32,
}

impl Bounds {
    /// Returns the bounds of the good run: a week, as under `stress`.
    pub(super) const FIRST: Bounds = Bounds { latest: Moment::from_millis(7 * 24 * 3_600_000), n_waits: 2_000_000 };

    /// Returns the bounds of the others: a day more, and twenty times as many waits.
    pub(super) fn behind(good: &Trial) -> Bounds {
        Bounds {
            latest: good.took + Duration::from_secs(24 * 3600),
            n_waits: good.n_waits.saturating_mul(20).saturating_add(50_000),
        }
    }
}

/// Runs a setup; a panic is caught.
///
/// # Errors
///
/// The setup has no simulated world.
pub(super) fn run(setup: &Setup, ports: &[String], bounds: Bounds) -> Result<Trial, SetupError> {
    let run = || unguarded(setup, ports, bounds);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        Ok(Trial {
            ending: Ending::Panicked(text),
            failure: None,
            took: Moment::START,
            sources: Sources::default(),
            remarks: (0, 0),
            came: Vec::new(),
            sent: Vec::new(),
            kept: Vec::new(),
            secrets: Vec::new(),
            n_waits: 0,
        })
    })
}

fn unguarded(setup: &Setup, ports: &[String], bounds: Bounds) -> Result<Trial, SetupError> {
    let inputs = setup.inputs(setup.beginning_with(VIRTUAL_SEED), ports);
    let Stage { mut engine, world, mut sources } = setup.stage(inputs, &Ender::Nobody)?;
    let mut watched = Watched { world, bounds, n_waits: 0, is_over: false, came: Vec::new(), sent: Vec::new() };
    let mut memory = Memory::default();
    let mut measured = Measured::default();
    let company = Company { keeper: &mut memory, audience: &mut measured, person: &mut Nobody, tap: None, hooks: None };
    let verdict = world::run(&mut engine, &mut watched, company);
    engine.secrets().iter().for_each(|(_, secret)| sources.hide(secret));
    let kept = memory.saved.into_iter().chain(measured.values).collect();
    Ok(Trial {
        ending: if watched.is_over { Ending::Endless } else { Ending::Verdict(verdict) },
        failure: engine.failure().cloned(),
        took: engine.now(),
        sources,
        remarks: (engine.n_skipped(), engine.n_cleanups_failed()),
        came: watched.came,
        sent: watched.sent,
        kept,
        secrets: engine.secrets().to_vec(),
        n_waits: watched.n_waits,
    })
}

/// A world of which is known what came and went, and that ends a run which does not end by itself.
struct Watched {
    world: Box<dyn World>,
    bounds: Bounds,
    n_waits: u32,
    is_over: bool,
    came: Vec<Came>,
    sent: Vec<(PortId, Vec<u8>)>,
}

impl Watched {
    /// Takes note of what a device did; what the flow did itself is none of it.
    fn note(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        match happening {
            Happening::Received(port) => self.came.push(Came::Bytes(now, *port, received.to_vec())),
            Happening::Closed(..) | Happening::Departed(..) | Happening::Lines(..) | Happening::Hook(_) => {
                self.came.push(Came::Else(now, format!("{happening:?}")));
            }
            Happening::Nothing
            | Happening::Opened(_)
            | Happening::Sent(_)
            | Happening::Noted(..)
            | Happening::Signalled(..)
            | Happening::Interrupt
            | Happening::Unplayed(_) => {}
        }
    }
}

impl World for Watched {
    fn capabilities(&self) -> Capabilities {
        self.world.capabilities()
    }

    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        if let PortCommand::Write { bytes, .. } = &command {
            self.sent.push((port, bytes.clone()));
        }
        self.world.perform(port, command);
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let from = received.len();
        let (now, happening) = self.world.news(received)?;
        self.note(now, &happening, &received[from..]);
        Some((now, happening))
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let from = received.len();
        let (now, happening) = self.world.arrived(received)?;
        self.note(now, &happening, &received[from..]);
        Some((now, happening))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let from = received.len();
        let (now, happening) = self.world.wait(until, received);
        self.n_waits += 1;
        self.is_over |= now > self.bounds.latest || self.n_waits > self.bounds.n_waits;
        if self.is_over {
            // Whatever the flow does, one of these ends it.
            let happening = if self.n_waits.is_multiple_of(2) {
                Happening::Interrupt
            } else {
                let reason = "the run does not end by itself".to_string();
                Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None })
            };
            return (now, happening);
        }
        self.note(now, &happening, &received[from..]);
        (now, happening)
    }

    fn behind(&self) -> Duration {
        self.world.behind()
    }
}

/// Keeps what was measured.
#[derive(Default)]
struct Measured {
    values: Vec<(String, Vec<u8>)>,
}

impl Audience for Measured {
    fn tell(&mut self, event: &Event) {
        if let EventKind::Measured(measured) = &event.kind {
            self.values.push((measured.name.clone(), measured.value.clone().into_bytes()));
        }
    }

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}
