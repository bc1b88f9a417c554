//! `Bench`: an engine by itself, with everything that came out of it.

use std::sync::Arc;

use flowrun::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use flowrun::event::{Event, EventKind, Verdict};
use flowrun::port::{PortCommand, PortId};
use flowrun::program::Program;
use flowrun::time::Moment;

use super::{BEGUN, check_text, program};

/// Returns what a run of a program begins with.
pub(crate) fn inputs(program: &Program) -> Inputs {
    Inputs {
        variables: Default::default(),
        seed: 1,
        begun: BEGUN,
        file: "test.flow".into(),
        ports: vec![PortInputs::serial("test", &program.settings)],
    }
}

/// Returns an engine that runs a flow, its port open; nothing has been taken out of it.
pub(crate) fn opened(flow: &str) -> Engine {
    let program = program(check_text("test.flow", &format!("flow \"test\"\n{flow}")));
    let inputs = inputs(&program);
    let mut engine = Engine::new(program, inputs);
    engine.handle(Moment::START, Input::Opened(PortId::FIRST));
    engine
}

/// An engine with everything that came out of it; writes are answered at once.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    pub(crate) written: Vec<Vec<u8>>,
    pub(crate) verdict: Option<Verdict>,
    /// So many more writes leave.
    pub(crate) takes: usize,
    /// How often what had not left was thrown away.
    pub(crate) discarded: usize,
    /// How often it wanted to be called again at once.
    pub(crate) breaths: usize,
    /// When it wants to be called again.
    pub(crate) until: Option<Moment>,
}

impl Bench {
    pub(crate) fn new(flow: &str) -> Bench {
        Bench::of(program(check_text("test.flow", &format!("flow \"test\"\n{flow}"))))
    }

    pub(crate) fn of(program: Arc<Program>) -> Bench {
        let inputs = inputs(&program);
        Bench::taking(program, inputs, usize::MAX)
    }

    /// Returns one on whose line only so many writes leave.
    pub(crate) fn stuck(flow: &str, takes: usize) -> Bench {
        let program = program(check_text("test.flow", &format!("flow \"test\"\n{flow}")));
        let inputs = inputs(&program);
        Bench::taking(program, inputs, takes)
    }

    pub(crate) fn taking(program: Arc<Program>, inputs: Inputs, takes: usize) -> Bench {
        let mut bench = Bench {
            engine: Engine::new(program, inputs),
            events: vec![],
            written: vec![],
            verdict: None,
            takes,
            discarded: 0,
            breaths: 0,
            until: None,
        };
        bench.drain();
        bench.engine.handle(Moment::START, Input::Opened(PortId::FIRST));
        bench.drain();
        bench
    }

    pub(crate) fn drain(&mut self) {
        loop {
            match self.engine.poll() {
                Output::Event(event) => self.events.push(event),
                Output::Act(Action::Port(_, PortCommand::Write { token, bytes })) => {
                    self.written.push(bytes);
                    if self.takes > 0 {
                        self.takes -= 1;
                        self.engine.handle(self.engine.now(), Input::Sent(token));
                    }
                }
                Output::Act(Action::Port(_, PortCommand::DiscardOutput)) => self.discarded += 1,
                Output::Act(Action::Port(..) | Action::Ask { .. } | Action::Hook(_) | Action::Wire { .. }) => {}
                Output::Act(Action::Save { .. } | Action::KeepFile { .. }) => {
                    self.engine.handle(self.engine.now(), Input::Kept(Ok(())))
                }
                Output::Wait { until, .. } if until.is_some_and(|until| until <= self.engine.now()) => {
                    self.breaths += 1;
                    self.engine.handle(self.engine.now(), Input::Tick);
                }
                Output::Wait { until, .. } => {
                    self.until = until;
                    return;
                }
                Output::Done(verdict) => {
                    self.verdict = Some(verdict);
                    return;
                }
            }
        }
    }

    pub(crate) fn at(mut self, ms: u64, bytes: &str) -> Bench {
        self.engine.handle(Moment::from_millis(ms), Input::Received(PortId::FIRST, bytes.as_bytes()));
        self.drain();
        self
    }

    pub(crate) fn tick(mut self, ms: u64) -> Bench {
        self.engine.handle(Moment::from_millis(ms), Input::Tick);
        self.drain();
        self
    }

    pub(crate) fn give(mut self, ms: u64, input: Input<'_>) -> Bench {
        self.engine.handle(Moment::from_millis(ms), input);
        self.drain();
        self
    }

    pub(crate) fn message(&self) -> String {
        self.engine.failure().map_or(String::new(), |failure| failure.message.clone())
    }

    pub(crate) fn cause(&self) -> String {
        self.engine.failure().and_then(|failure| failure.cause.clone()).unwrap_or_default()
    }

    pub(crate) fn logged(&self) -> Vec<String> {
        let text = |event: &Event| match &event.kind {
            EventKind::Logged { text } => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    pub(crate) fn written(&self) -> Vec<String> {
        self.written.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}
