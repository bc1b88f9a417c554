//! An engine with two ports, moved by hand.

use std::collections::HashMap;
use std::sync::Arc;

use flowrun::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use flowrun::event::{CloseReason, Event, EventKind, Verdict};
use flowrun::port::{PortCommand, PortId, WriteToken};
use flowrun::program::Program;
use flowrun::time::Moment;
use flowrun::value::Value;

/// Returns the port at a place.
pub(crate) fn port(index: usize) -> PortId {
    PortId::new(index).expect("there are so many ports")
}

/// Returns the program of a flow with ports of these names; the second has these settings.
fn program([one, two]: [&str; 2], flow: &str, second: &str) -> Arc<Program> {
    let ports = format!("port {one} {{ }}\nport {two} {{ serial {{ {second} }} }}");
    super::program(super::check_text("test.flow", &format!("flow \"test\"\n{ports}\n{flow}\n")))
}

/// An engine with two ports, moved by hand.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    /// What was asked of the ports, as `0 write A\n`.
    pub(crate) asked: Vec<String>,
    /// Writes that have not left yet.
    pub(crate) leaving: Vec<WriteToken>,
    pub(crate) until: Option<Moment>,
    pub(crate) verdict: Option<Verdict>,
}

impl Bench {
    pub(crate) fn new(flow: &str) -> Bench {
        Bench::with(flow, "")
    }

    /// Begins a run whose second port has these settings.
    pub(crate) fn with(flow: &str, second: &str) -> Bench {
        Bench::begin(program(["one", "two"], flow, second))
    }

    /// Begins a run of a flow whose ports have these names.
    pub(crate) fn named(names: [&str; 2], flow: &str) -> Bench {
        Bench::begin(program(names, flow, ""))
    }

    pub(crate) fn begin(program: Arc<Program>) -> Bench {
        Bench::given(program, HashMap::new())
    }

    /// Begins a run with these variables.
    pub(crate) fn given(program: Arc<Program>, variables: HashMap<String, Value>) -> Bench {
        let inputs = Inputs {
            variables,
            seed: 1,
            begun: super::BEGUN,
            file: "test.flow".into(),
            ports: program.ports.iter().map(|port| PortInputs::serial(&*port.name, &port.settings)).collect(),
        };
        let n_ports = program.ports.len();
        let engine = Engine::new(program, inputs);
        let (events, asked, leaving) = (vec![], vec![], vec![]);
        let mut bench = Bench { engine, events, asked, leaving, until: None, verdict: None };
        bench.drain();
        let opened: Vec<String> = (0..n_ports).map(|index| format!("{index} open")).collect();
        assert_eq!(bench.asked, opened, "all are opened before the first statement");
        (0..n_ports).fold(bench, |bench, index| bench.give(0, Input::Opened(port(index))))
    }

    fn drain(&mut self) {
        loop {
            match self.engine.poll() {
                Output::Event(event) => self.events.push(event),
                Output::Act(Action::Port(port, command)) => {
                    let asked = match command {
                        PortCommand::Write { token, bytes } => {
                            assert_eq!(token.port(), port);
                            self.leaving.push(token);
                            format!("write {}", bytes.escape_ascii())
                        }
                        PortCommand::Open { .. } => "open".to_string(),
                        PortCommand::Reopen { .. } => "reopen".to_string(),
                        PortCommand::Reconfigure { settings } => format!("reconfigure {settings}"),
                        PortCommand::Close => "close".to_string(),
                        PortCommand::SetLines { .. }
                        | PortCommand::ReadLines
                        | PortCommand::DriveLines { .. }
                        | PortCommand::Break { .. }
                        | PortCommand::DiscardInput
                        | PortCommand::DiscardOutput
                        | PortCommand::Resize { .. } => "other".to_string(),
                    };
                    self.asked.push(format!("{} {asked}", port.index()));
                }
                Output::Act(
                    Action::Save { .. }
                    | Action::KeepFile { .. }
                    | Action::Ask { .. }
                    | Action::Hook(_)
                    | Action::Wire { .. },
                ) => {
                    unreachable!("no flow here does that")
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

    pub(crate) fn give(mut self, ms: u64, input: Input<'_>) -> Bench {
        self.hand(ms, input);
        self
    }

    /// Hands something in, and nothing else of that moment.
    pub(crate) fn hand(&mut self, ms: u64, input: Input<'_>) {
        self.engine.handle(Moment::from_millis(ms), input);
        self.drain();
    }

    /// The same, and the moment is over.
    fn at(self, ms: u64, input: Input<'_>) -> Bench {
        let bench = self.give(ms, input);
        if bench.until == Some(Moment::from_millis(ms)) && bench.verdict.is_none() { bench.tick(ms) } else { bench }
    }

    /// A port goes away, and the moment is over.
    pub(crate) fn gone(self, ms: u64, index: usize) -> Bench {
        self.at(ms, Input::Closed(port(index), CloseReason::unplugged()))
    }

    /// Lets everything happen that is due before a moment; what is written leaves at once.
    pub(crate) fn until(mut self, ms: u64) -> Bench {
        for _ in 0..10_000 {
            if self.verdict.is_some() {
                return self;
            }
            let now = self.engine.now();
            if let Some(token) = self.leaving.pop() {
                self.engine.handle(now, Input::Sent(token));
                self.drain();
                continue;
            }
            match self.until.filter(|until| *until < Moment::from_millis(ms)) {
                Some(until) => {
                    self.engine.handle(until, Input::Tick);
                    self.drain();
                }
                None => return self,
            }
        }
        panic!("it does not come to rest");
    }

    /// Ends a moment: what came then is looked at, and what is due happens.
    pub(crate) fn over(mut self, ms: u64) -> Bench {
        for _ in 0..10_000 {
            self = self.until(ms);
            if self.verdict.is_some() || self.until.is_none_or(|until| until > Moment::from_millis(ms)) {
                return self;
            }
            self = self.tick(ms);
        }
        panic!("it does not come to rest");
    }

    /// Lets every write leave that was handed over.
    pub(crate) fn left(mut self, ms: u64) -> Bench {
        for token in std::mem::take(&mut self.leaving) {
            self = self.give(ms, Input::Sent(token));
        }
        self
    }

    pub(crate) fn came(self, ms: u64, index: usize, bytes: &str) -> Bench {
        self.at(ms, Input::Received(port(index), bytes.as_bytes()))
    }

    pub(crate) fn tick(self, ms: u64) -> Bench {
        self.give(ms, Input::Tick)
    }

    pub(crate) fn failure(&self) -> String {
        self.engine.failure().map_or_else(String::new, |failure| failure.message.clone())
    }

    /// Returns what the flow logged.
    pub(crate) fn logged(&self) -> Vec<String> {
        let logged = self.events.iter().filter_map(|event| {
            let EventKind::Logged { text } = &event.kind else { return None };
            Some(String::from_utf8_lossy(text).into_owned())
        });
        logged.collect()
    }

    /// Returns the ports and texts of what was received, as the events have it.
    pub(crate) fn received(&self) -> Vec<(usize, String)> {
        let received = self.events.iter().filter_map(|event| {
            let EventKind::Received { bytes, .. } = &event.kind else { return None };
            Some((event.port.index(), String::from_utf8_lossy(bytes).into_owned()))
        });
        received.collect()
    }
}
