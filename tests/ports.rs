//! An engine with two ports, moved by hand: what happens on one is no business of the other.

mod support;

use std::sync::Arc;

use flowrun::diagnostic::Severity;
use flowrun::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use flowrun::event::{CloseReason, Event, EventKind, Verdict};
use flowrun::port::{PortCommand, PortId, WriteToken};
use flowrun::program::Program;
use flowrun::time::Moment;

use support::check_text;

/// Returns the port at a place.
fn port(index: usize) -> PortId {
    PortId::new(index).expect("there are so many ports")
}

/// Returns the program of a flow with the ports `one` and `two`; the second has these settings.
fn program(flow: &str, second: &str) -> Arc<Program> {
    let ports = format!("port one {{ }}\nport two {{ serial {{ {second} }} }}");
    support::program(check_text("test.flow", &format!("flow \"test\"\n{ports}\n{flow}\n")))
}

/// An engine with two ports, moved by hand.
struct Bench {
    engine: Engine,
    events: Vec<Event>,
    /// What was asked of the ports, as `0 write A\n`.
    asked: Vec<String>,
    /// Writes that have not left yet.
    leaving: Vec<WriteToken>,
    until: Option<Moment>,
    verdict: Option<Verdict>,
}

impl Bench {
    fn new(flow: &str) -> Bench {
        Bench::with(flow, "")
    }

    /// Begins a run whose second port has these settings.
    fn with(flow: &str, second: &str) -> Bench {
        let program = program(flow, second);
        let inputs = Inputs {
            variables: Default::default(),
            seed: 1,
            begun: support::BEGUN,
            file: "test.flow".into(),
            ports: program.ports.iter().map(|port| PortInputs::serial(&*port.name, &port.settings)).collect(),
        };
        let engine = Engine::new(program, inputs);
        let (events, asked, leaving) = (vec![], vec![], vec![]);
        let mut bench = Bench { engine, events, asked, leaving, until: None, verdict: None };
        bench.drain();
        assert_eq!(bench.asked, ["0 open", "1 open"], "both are opened before the first statement");
        bench.give(0, Input::Opened(port(0))).give(0, Input::Opened(port(1)))
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
                        | PortCommand::DiscardOutput => "other".to_string(),
                    };
                    self.asked.push(format!("{} {asked}", port.index()));
                }
                Output::Act(Action::Save { .. } | Action::Ask { .. } | Action::Hook(_) | Action::Wire { .. }) => {
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

    fn give(mut self, ms: u64, input: Input<'_>) -> Bench {
        self.engine.handle(Moment::from_millis(ms), input);
        self.drain();
        self
    }

    /// Lets every write leave that was handed over.
    fn left(mut self, ms: u64) -> Bench {
        for token in std::mem::take(&mut self.leaving) {
            self = self.give(ms, Input::Sent(token));
        }
        self
    }

    fn came(self, ms: u64, index: usize, bytes: &str) -> Bench {
        self.give(ms, Input::Received(port(index), bytes.as_bytes()))
    }

    fn tick(self, ms: u64) -> Bench {
        self.give(ms, Input::Tick)
    }

    fn failure(&self) -> String {
        self.engine.failure().map_or_else(String::new, |failure| failure.message.clone())
    }

    /// Returns the ports and texts of what was received, as the events have it.
    fn received(&self) -> Vec<(usize, String)> {
        let received = self.events.iter().filter_map(|event| {
            let EventKind::Received { bytes, .. } = &event.kind else { return None };
            Some((event.port.index(), String::from_utf8_lossy(bytes).into_owned()))
        });
        received.collect()
    }
}

#[test]
fn bytes_on_one_port_never_satisfy_a_wait_on_the_other() {
    let flow = "send \"A\"\nexpect line \"OK\" within 1s";
    let other = Bench::new(flow).left(0).came(10, 1, "OK\r\n");
    assert_eq!(other.verdict, None);
    let other = other.tick(1000);
    assert_eq!(other.verdict, Some(Verdict::Failed));
    assert!(other.failure().contains("did not come within 1s"), "{}", other.failure());
    let own = Bench::new(flow).left(0).came(10, 0, "OK\r\n");
    assert_eq!(own.verdict, Some(Verdict::Passed));
}

#[test]
fn counted_bytes_quiet_and_absence_look_at_their_own_port_only() {
    let read = Bench::new("read 2 bytes as two within 1s").came(10, 1, "xy");
    assert_eq!(read.verdict, None);
    assert_eq!(read.came(20, 0, "xy").verdict, Some(Verdict::Passed));
    let quiet = Bench::new("expect quiet for 100ms within 1s").came(90, 1, "noise").tick(100).tick(100);
    assert_eq!(quiet.verdict, Some(Verdict::Passed));
    let absent = Bench::new("expect none \"ERROR\" for 1s").came(10, 1, "ERROR\r\n").tick(1000);
    assert_eq!(absent.verdict, Some(Verdict::Passed));
}

#[test]
fn the_current_port_is_that_of_the_innermost_scope() {
    let flow = "using two {\n  using one { using two { send \"ON\" } }\n  expect line \"OK\"\n}\nsend \"AT\"\nexpect line \"OK\"";
    let bench = Bench::new(flow).left(0).came(1, 1, "OK\r\n").left(1).came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    let writes: Vec<&String> = bench.asked.iter().filter(|asked| asked.contains("write")).collect();
    assert_eq!(writes, ["1 write ON\\r", "0 write AT\\r"]);
}

#[test]
fn a_line_that_came_on_one_port_while_the_other_was_awaited_is_kept_for_await() {
    let flow = "send \"A\"\nexpect line \"OK\"\nusing two { await line \"READY\" within 1s }";
    let bench = Bench::new(flow).left(0).came(1, 1, "READY\r\n").came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert_eq!(bench.received(), [(1, "READY\r\n".to_string()), (0, "OK\r\n".to_string())]);
}

#[test]
fn each_port_has_its_own_echo() {
    // What was sent on the second port is the echo there, and an ordinary line on the first.
    let flow = "using two { send \"AT\" }\nexpect line \"AT\" within 1s  # allow unasked";
    assert_eq!(Bench::new(flow).left(0).came(1, 0, "AT\r\n").verdict, Some(Verdict::Passed));
    let flow = "using two { send \"AT\"  expect line \"AT\" within 1s }";
    let echo = Bench::new(flow).left(0).came(1, 1, "AT\r\n").tick(1000);
    assert_eq!(echo.verdict, Some(Verdict::Failed), "on its own port it is the echo");
}

#[test]
fn each_port_has_its_own_settle_time() {
    let flow = "using two { expect prompt \"> \" within 5s }";
    let bench = Bench::with(flow, "settle 20ms").came(1, 1, "> ");
    assert_eq!(bench.until, Some(Moment::from_millis(21)));
    assert_eq!(bench.tick(21).verdict, Some(Verdict::Passed));
    let first = Bench::with("expect prompt \"> \" within 5s", "settle 20ms").came(1, 0, "> ").tick(21);
    assert_eq!(first.verdict, None, "the first port has the settle time of the flow");
}

#[test]
fn a_change_of_settings_is_for_one_port() {
    let bench = Bench::new("using two { baud 9600 }\nexpect line \"OK\" within 1s");
    assert_eq!(bench.asked[2..], ["1 reconfigure 9600 8N1"]);
}

#[test]
fn each_port_has_its_own_pace_between_lines() {
    let flow = "serial { line_pace 500ms }\nsend \"A\"\nusing two { send \"B\" }\nsend \"C\"\nexpect line \"OK\"";
    let bench = Bench::new(flow).left(0).left(1).tick(2);
    let writes =
        |bench: &Bench| bench.asked.iter().filter(|asked| asked.contains("write")).cloned().collect::<Vec<_>>();
    assert_eq!(writes(&bench), ["0 write A\\r", "1 write B\\r"]);
    assert_eq!(bench.until, Some(Moment::from_millis(500)));
    assert_eq!(writes(&bench.tick(500))[2..], ["0 write C\\r"]);
}

#[test]
fn a_write_that_left_on_one_port_is_no_write_of_the_other() {
    let mut bench = Bench::new("send \"A\"\nusing two { send \"B\"  expect line \"OK\" }");
    let first = bench.leaving.pop().expect("one is leaving");
    assert_eq!((first.port(), first.number()), (port(0), 1));
    let mut bench = bench.give(0, Input::Sent(first));
    let second = bench.leaving.pop().expect("the other is leaving");
    assert_eq!((second.port(), second.number()), (port(1), 1), "each port counts its own");
    assert_eq!(bench.give(1, Input::Sent(second)).came(2, 1, "OK\r\n").verdict, Some(Verdict::Passed));
}

#[test]
fn watchers_watch_the_port_that_was_current_where_they_stand() {
    let flow = "using two fail on line /FAULT.*/, \"tripped\"\nsend \"A\"\nexpect line \"OK\" within 1s";
    let foreign = Bench::new(flow).left(0).came(1, 0, "FAULT 3\r\n");
    assert_eq!(foreign.verdict, None, "it is not watched on the first port");
    let watched = Bench::new(flow).left(0).came(1, 1, "FAULT 3\r\n");
    assert_eq!(watched.verdict, Some(Verdict::Failed));
    assert!(watched.failure().contains("tripped"), "{}", watched.failure());
}

#[test]
fn a_handler_speaks_to_the_port_that_it_watches() {
    let flow = "using two on line \"PING\" { send \"PONG\" }\nsend \"A\"\nexpect line \"OK\" within 1s";
    let bench = Bench::new(flow).left(0).came(1, 1, "PING\r\n").left(1).came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert!(bench.asked.contains(&"1 write PONG\\r".to_string()), "{:?}", bench.asked);
}

#[test]
fn a_port_that_goes_away_fails_only_what_needs_it() {
    let flow = "send \"A\"\nexpect line \"OK\"\nusing two { send \"B\"  expect line \"OK\" }";
    let gone = |bench: Bench, index| bench.give(1, Input::Closed(port(index), CloseReason::unplugged()));
    let other = gone(Bench::new(flow).left(0), 1);
    assert_eq!(other.verdict, None, "the first port is awaited");
    let other = other.came(2, 0, "OK\r\n");
    assert_eq!(other.verdict, Some(Verdict::PortFailed));
    assert!(other.failure().contains("the port is gone"), "{}", other.failure());
    assert_eq!(gone(Bench::new(flow).left(0), 0).verdict, Some(Verdict::PortFailed));
}

#[test]
fn both_ports_are_closed_at_the_end() {
    let bench = Bench::new("send \"A\"\nexpect line \"OK\"").left(0).came(1, 0, "OK\r\n");
    assert_eq!(bench.asked[3..], ["0 close", "1 close"]);
}

#[test]
fn the_words_of_ports_are_names_everywhere_else() {
    let flow = r#"flow "t"
use "lib.flow" for port in [1] { log port }
param port = "a"
param using = "b"
volatile port
volatile using
procedure p(port, using) {
  return port + using
}
call p(port, using) -> sum
compute using2 = using
compute pair = [port, using]
compute map = {port: using, using: port}
for port2 in [port, using] { log port2 }
for using3 in pair { log using3 }
send port
send raw using
log using
log port
save port using
save port, using port
save port port
save using using port  save sum
save port  using only { flush }
save port using  using only on line "X" { log port }
assert port == "a" and using == "b", using
expect line "${port}" within 1s
capture c from /a/ in using
if using == port { fail using }
ask port as answer default using
return port
"#;
    let library = "library \"l\"\n";
    let with = |flow: &str| support::check_texts(&[("test.flow", flow), ("lib.flow", library)]);
    let flow = flow.replace("return port\n", "");
    let without_ports: String =
        flow.lines().filter(|line| !line.contains("only")).map(|line| format!("{line}\n")).collect();
    let errors = |flow: &str| -> Vec<String> {
        let problems = with(flow).problems.into_iter();
        problems.filter(|problem| problem.severity() == Severity::Error).map(|problem| problem.message).collect()
    };
    let none: Vec<String> = vec![];
    assert_eq!(errors(&without_ports), none);
    assert_eq!(errors(&flow.replacen('\n', "\nport only { }\n", 1)), none);
    let group = "flow \"t\"\nsend \"A\"\nexpect line /(?<port>.)(?<using>.)/\nread 2 bytes as port\nsave port using\n";
    assert_eq!(errors(group), none);
}
