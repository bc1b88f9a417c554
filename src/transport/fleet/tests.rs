//! Many runs at once, on ports that threads play.

use std::cell::RefCell;
#[cfg(target_os = "linux")]
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use super::batch::AT_ONCE;
use super::threads::Threads;
use super::*;
#[cfg(target_os = "linux")]
use crate::address::RealPort;
use crate::check::check;
use crate::engine::{Engine, Inputs, PortInputs};
use crate::event::{CloseReason, Event};
use crate::load::load;
#[cfg(unix)]
#[cfg(target_os = "linux")]
use crate::port::WriteToken;
use crate::port::{Happening, PortCommand, PortId};
use crate::report::{Fan, Sink};
#[cfg(target_os = "linux")]
use crate::settings::Settings;
use crate::time::Moment;
#[cfg(unix)]
use crate::transport::effort::FULL;
#[cfg(target_os = "linux")]
use crate::transport::pty::PtyWorld;
use crate::transport::threaded::{Errand, Serve, ThreadedWorld};
use crate::transport::watched::Watched;
#[cfg(target_os = "linux")]
use crate::transport::watched::{Awaited, Interest};
use crate::value::random::Rng;
use crate::world::{Company, Memory, Nobody, World};

const ASKS: &str = "flow \"asks\"\nsend \"AT\"  expect line \"OK\" within 1h";

fn engine(flow: &str, port: &str) -> Engine {
    let reader = |_: &Path| Ok(flow.as_bytes().to_vec());
    let program = check(load(Path::new("test.flow"), &reader)).program.expect("the flow is right");
    let inputs = Inputs {
        variables: Default::default(),
        seed: 1,
        begun: 0,
        file: "test.flow".to_string(),
        ports: vec![PortInputs::serial(port, &program.settings)],
    };
    Engine::new(Arc::new(program), inputs)
}

/// Runs a flow on ports that are served like this; returns the verdicts as they came, with the numbers of the ports.
fn run(
    flow: &str,
    ports: &[&str],
    at_most: usize,
    interrupt: &Interrupt,
    serve: impl Fn(&Errand) -> CloseReason + Send + Sync + 'static,
    on_end: &mut dyn FnMut(usize),
) -> Vec<(usize, Verdict)> {
    let (clock, serve) = (Clock::start(), Arc::new(move |errand: &Errand| serve(errand).into()) as Serve);
    let open = |port: &str| AnyPort::new(ThreadedWorld::new(port, clock, interrupt.clone(), serve.clone()));
    run_on(&mut Threads::new(interrupt), &open, flow, ports, at_most, interrupt, on_end)
}

/// Runs a flow on ports that are waited for like this; returns the verdicts as they came, with the numbers of the ports.
fn run_on(
    lookout: &mut dyn Lookout,
    open: &dyn Fn(&str) -> AnyPort,
    flow: &str,
    ports: &[&str],
    at_most: usize,
    interrupt: &Interrupt,
    on_end: &mut dyn FnMut(usize),
) -> Vec<(usize, Verdict)> {
    let mut seats: Vec<_> =
        ports.iter().map(|port| (engine(flow, port), Memory::default(), Fan::default(), Nobody)).collect();
    for (_, _, audience, _) in &mut seats {
        audience.add("the moments", Forward::default());
    }
    let sessions = seats.iter_mut().zip(ports).map(|((engine, keeper, audience, person), port)| {
        (open(port), Session::new(engine, Company { keeper, audience, person, tap: None, hooks: None }))
    });
    let sessions = sessions.collect();
    let mut verdicts = Vec::new();
    let mut note = |number, verdict| {
        verdicts.push((number, verdict));
        on_end(number);
    };
    run_with(lookout, sessions, at_most, Clock::start(), interrupt, &mut note).expect("the wait has no limit");
    verdicts
}

/// Works for a moment with whatever it is told.
#[cfg(unix)]
struct Works(Clock);

#[cfg(unix)]
const WORK: Duration = Duration::from_millis(2);

#[cfg(unix)]
impl Sink for Works {
    fn tell(&mut self, _: &Event) -> io::Result<()> {
        let begun = self.0.now();
        while self.0.now() < begun + WORK {}
        Ok(())
    }
}

/// Returns how long two runs are behind that work while their devices send three times so many bytes.
#[cfg(unix)]
fn behind(n_bytes: usize) -> Duration {
    let (clock, interrupt) = (Clock::start(), interrupt());
    let flood = move |errand: &Errand| {
        (0..3).for_each(|_| errand.tell_received(&vec![b'x'; n_bytes]));
        errand.tell_received(b"\r\nOK\r\n");
    };
    let serve: Serve = Arc::new(move |errand: &Errand| answer(errand, flood).into());
    let mut seats: Vec<_> =
        ["a", "b"].map(|port| (engine(ASKS, port), Memory::default(), Fan::default(), Nobody)).into_iter().collect();
    let sessions = seats.iter_mut().map(|(engine, keeper, audience, person)| {
        audience.add("the work", Works(clock));
        let port = AnyPort::new(ThreadedWorld::new("a", clock, interrupt.clone(), serve.clone()));
        (port, Session::new(engine, Company { keeper, audience, person, tap: None, hooks: None }))
    });
    let sessions = sessions.collect();
    let on_end = &mut |_, verdict| assert_eq!(verdict, Verdict::Passed);
    run_with(&mut Threads::new(&interrupt), sessions, 2, clock, &interrupt, on_end).expect("the wait has no limit")
}

#[cfg(unix)]
#[test]
fn runs_are_behind_while_they_work_and_a_port_has_more_than_a_full_buffer() {
    assert_eq!(behind(10), Duration::ZERO);
    assert!(behind(FULL) >= WORK);
}

/// Asserts that time never goes back in what is told of a run.
#[derive(Default)]
struct Forward(Moment);

impl Sink for Forward {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        assert!(event.at >= self.0, "time goes back from {}: {event:?}", self.0);
        self.0 = event.at;
        Ok(())
    }
}

fn interrupt() -> Interrupt {
    Interrupt::new().expect("a pipe")
}

/// Opens, and does this for each write.
fn answer(errand: &Errand, mut to_write: impl FnMut(&Errand)) -> CloseReason {
    errand.tell(Happening::Opened(PortId::FIRST));
    loop {
        match errand.next_order() {
            Ok(Some(PortCommand::Write { token, .. })) => {
                errand.tell(Happening::Sent(token));
                to_write(errand);
            }
            Ok(Some(_)) => {}
            Ok(None) => thread::yield_now(),
            Err(reason) => return reason,
        }
    }
}

fn ok(errand: &Errand) {
    errand.tell_received(b"AT\r\r\nO");
    errand.tell_received(b"K\r\n");
}

#[test]
fn a_slow_port_holds_up_no_other() {
    let (release, released) = channel();
    let released = Mutex::new(released);
    let mut n_ended = 0;
    let serve = move |errand: &Errand| {
        answer(errand, |errand| {
            if errand.name == "slow" {
                released.lock().expect("nobody panicked").recv().expect("it is released");
            }
            ok(errand);
        })
    };
    let mut on_end = |_| {
        n_ended += 1;
        if n_ended == 3 {
            release.send(()).expect("the slow port waits for it");
        }
    };
    let mut verdicts = run(ASKS, &["slow", "a", "b", "c"], 4, &interrupt(), serve, &mut on_end);
    assert_eq!(verdicts.pop(), Some((0, Verdict::Passed)));
    verdicts.sort_by_key(|(number, _)| *number);
    assert_eq!(verdicts, [1, 2, 3].map(|number| (number, Verdict::Passed)));
}

#[test]
fn a_port_that_can_not_be_opened_and_one_that_is_lost_fail_alone() {
    let serve = |errand: &Errand| match errand.name.as_str() {
        "missing" => CloseReason::CannotOpen { reason: "file not found".to_string(), help: None },
        "lost" => {
            errand.tell(Happening::Opened(PortId::FIRST));
            CloseReason::unplugged()
        }
        _ => answer(errand, ok),
    };
    let mut verdicts = run(ASKS, &["missing", "a", "lost"], 3, &interrupt(), serve, &mut |_| {});
    verdicts.sort_by_key(|(number, _)| *number);
    assert_eq!(verdicts, [(0, Verdict::PortFailed), (1, Verdict::Passed), (2, Verdict::PortFailed)]);
}

#[test]
fn one_at_a_time_is_in_the_order_given() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let serve = move |errand: &Errand| {
        answer(errand, |errand| {
            written.lock().expect("nobody panicked").push(format!("{} is asked", errand.name));
            ok(errand);
        })
    };
    let mut on_end = |number| log.lock().expect("nobody panicked").push(format!("{number} is over"));
    run(ASKS, &["a", "b"], 1, &interrupt(), serve, &mut on_end);
    assert_eq!(*log.lock().expect("nobody panicked"), ["a is asked", "0 is over", "b is asked", "1 is over"]);
}

#[test]
fn so_many_run_at_once_and_no_more() {
    // Each port answers only when another has been asked too.
    let both = Barrier::new(2);
    let n_asked = Arc::new(Mutex::new((0, 0)));
    let counted = n_asked.clone();
    let serve = move |errand: &Errand| {
        answer(errand, |errand| {
            let mut counted = counted.lock().expect("nobody panicked");
            counted.0 += 1;
            counted.1 = counted.1.max(counted.0);
            drop(counted);
            both.wait();
            ok(errand);
        })
    };
    let mut on_end = |_| n_asked.lock().expect("nobody panicked").0 -= 1;
    let verdicts = run(ASKS, &["a", "b", "c", "d", "e", "f"], 2, &interrupt(), serve, &mut on_end);
    assert!(verdicts.len() == 6 && verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Passed), "{verdicts:?}");
    assert_eq!(n_asked.lock().expect("nobody panicked").1, 2);
}

#[test]
fn each_run_has_its_deadline() {
    let flow = "flow \"waits\"\nsend \"AT\"  expect line \"OK\" within 5ms";
    let serve = |errand: &Errand| match errand.name.as_str() {
        "silent" => answer(errand, |_| {}),
        _ => answer(errand, ok),
    };
    // The others pass even where this machine is slow: their bytes are in time if they are there at the deadline. So
    // nothing is said of them but that they end.
    let verdicts = run(flow, &["silent", "a", "silent"], 3, &interrupt(), serve, &mut |_| {});
    let silent: Vec<_> = verdicts.iter().filter(|(number, _)| *number != 1).map(|(_, verdict)| *verdict).collect();
    assert_eq!(silent, [Verdict::Failed, Verdict::Failed]);
    assert_eq!(verdicts.len(), 3);
}

#[test]
fn an_interrupt_ends_every_run_also_those_that_have_not_begun() {
    let interrupt = interrupt();
    let raised = interrupt.clone();
    let serve = move |errand: &Errand| answer(errand, |_| raised.raise());
    let mut verdicts = run(ASKS, &["a", "b", "c"], 2, &interrupt, serve, &mut |_| {});
    verdicts.sort_by_key(|(number, _)| *number);
    assert_eq!(verdicts, [0, 1, 2].map(|number| (number, Verdict::Interrupted)));
}

/// What the worlds of a [`Rehearsal`] are asked to do, in order.
type Log = Rc<RefCell<Vec<String>>>;

/// A wait that finds every port ready each time.
struct Rehearsal {
    log: Log,
    n_ports: usize,
}

/// A port that opens, and answers each write with `OK` if that has left.
struct Actor {
    name: String,
    log: Log,
    next: Option<Happening>,
    n_answers: usize,
    is_ready: bool,
    /// Its clock: it reports moments out of order.
    dice: Rng,
}

impl Actor {
    fn moment(&mut self) -> Moment {
        Moment::from_millis(self.dice.below(4))
    }
}

impl Lookout for Rehearsal {
    fn watch(&mut self, _number: usize, _port: &mut dyn Watched) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _left: Option<Duration>, ready: &mut Vec<(usize, Ready)>) -> io::Result<()> {
        self.log.borrow_mut().push("wait".to_string());
        ready.extend((0..self.n_ports).map(|number| (number, Ready { readable: true, ..Ready::default() })));
        Ok(())
    }
}

impl World for Actor {
    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { .. } => self.next = Some(Happening::Opened(PortId::FIRST)),
            PortCommand::Write { token, bytes } => {
                self.log.borrow_mut().push(format!("write {} {}", self.name, bytes.escape_ascii()));
                self.next = Some(Happening::Sent(token));
                self.n_answers += 1;
            }
            PortCommand::Reopen { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardInput
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. }
            | PortCommand::Close => {}
        }
    }

    fn news(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let next = self.next.take()?;
        Some((self.moment(), next))
    }

    fn wait(&mut self, _until: Option<Moment>, _received: &mut Vec<u8>) -> (Moment, Happening) {
        unreachable!("a fleet waits for all ports at once")
    }
}

impl Watched for Actor {
    fn found(&mut self, found: Ready) {
        self.is_ready |= found.readable;
    }

    fn look(&mut self, _until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if let Some(told) = self.news(received) {
            return Some(told);
        }
        if self.n_answers == 0 || !std::mem::take(&mut self.is_ready) {
            return None;
        }
        self.n_answers -= 1;
        self.log.borrow_mut().push(format!("read {}", self.name));
        received.extend_from_slice(format!("OK {}\r\n", self.name).as_bytes());
        Some((self.moment(), Happening::Received(PortId::FIRST)))
    }
}

/// Runs a flow on rehearsed ports, all of which pass; returns what their worlds were asked to do.
fn rehearse(flow: &str, ports: &[&str]) -> Vec<String> {
    let log = Log::default();
    let mut lookout = Rehearsal { log: log.clone(), n_ports: ports.len() };
    let open = |port: &str| {
        let (name, log) = (port.to_string(), log.clone());
        let dice = Rng::from_seed(port.len() as u64);
        AnyPort::new(Actor { name, log, next: None, n_answers: 0, is_ready: false, dice })
    };
    let verdicts = run_on(&mut lookout, &open, flow, ports, ports.len(), &interrupt(), &mut |_| {});
    assert!(verdicts.len() == ports.len() && verdicts.iter().all(|(_, v)| *v == Verdict::Passed), "{verdicts:?}");
    log.take()
}

#[test]
fn ports_that_are_ready_at_once_are_read_before_they_are_written_to() {
    let flow = "flow \"twice\"\nserial { eol \"\" }\nrepeat 2 { send \"AT\"  expect line /OK [ab]/ within 1h }";
    let log = rehearse(flow, &["a", "b"]);
    let begun = ["write a AT", "write b AT", "wait"];
    let turn = ["read a", "read b", "write a AT", "write b AT", "wait"];
    assert_eq!(log, [&begun[..], &turn, &["read a", "read b"]].concat());
}

#[test]
fn each_run_gets_the_bytes_of_its_own_port() {
    let flow = "flow \"own\"\nserial { eol \"\" }\nsend \"AT\"  expect line /OK (?<who>.*)/ within 1h\nsend \"${who}\"";
    let log = rehearse(flow, &["a", "bb", "c"]);
    assert_eq!(log[7..], ["write a a", "write bb bb", "write c c"]);
}

#[test]
fn what_is_sent_without_waiting_leaves_in_the_same_turn() {
    let flow = "flow \"two\"\nserial { eol \"\" }\nsend \"A\" expect \"OK\" within 1h send \"B\" send \"C\"";
    let log = rehearse(flow, &["a", "b"]);
    assert_eq!(log[3..], ["read a", "read b", "write a B", "write b B", "write a C", "write b C"]);
}

#[test]
fn a_port_waits_for_so_many_others_and_no_more() {
    let names: Vec<String> = (0..=AT_ONCE).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let flow = "flow \"two\"\nserial { eol \"\" }\nsend \"A\" expect \"OK\" within 1h send \"B\"";
    let log = rehearse(flow, &names);
    let last = format!("p{AT_ONCE}");
    let place = |what: String| log.iter().position(|did| *did == what);
    assert!(place("write p0 B".to_string()) < place(format!("read {last}")), "{log:?}");
    assert!(place(format!("read p{}", AT_ONCE - 1)) < place("write p0 B".to_string()), "{log:?}");
}

/// Runs a flow on pseudo-terminals that answer `OK` once, waited for like this; returns the verdicts.
#[cfg(target_os = "linux")]
fn run_on_terminals(lookout: &mut dyn Lookout, flow: &str, n_ports: usize, interrupt: &Interrupt) -> Vec<Verdict> {
    let clock = Clock::start();
    let devices: Vec<_> = (0..n_ports)
        .map(|_| {
            let quiet = Interrupt::new().expect("a pipe");
            let mut device = PtyWorld::create(clock, quiet.clone(), None).expect("a pseudo-terminal");
            device.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
            (device.path().display().to_string(), device, quiet)
        })
        .collect();
    let names: Vec<String> = devices.iter().map(|(name, ..)| name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let quiets: Vec<Interrupt> = devices.iter().map(|(.., quiet)| quiet.clone()).collect();
    thread::scope(|scope| {
        for (_, mut device, _) in devices {
            scope.spawn(move || {
                let mut received = Vec::new();
                let mut has_answered = false;
                while device.wait(None, &mut received).1 != Happening::Interrupt {
                    if received.ends_with(b"AT") && !has_answered {
                        has_answered = true;
                        device.perform(
                            PortId::FIRST,
                            PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: b"OK\r\n".to_vec() },
                        );
                    }
                }
            });
        }
        let open = |port: &str| crate::transport::open(&RealPort::Node(port.to_string()), clock, interrupt.clone());
        let verdicts = run_on(lookout, &open, flow, &names, n_ports, interrupt, &mut |_| {});
        quiets.iter().for_each(Interrupt::raise);
        verdicts.into_iter().map(|(_, verdict)| verdict).collect()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn both_waits_for_descriptors_find_what_comes_and_what_can_be_written() {
    // More than a terminal takes at once.
    let many = "x".repeat(100_000);
    let flow = format!("flow \"asks\"\nserial {{ eol \"\" }}\nsend \"{many}AT\"  expect line \"OK\" within 1h");
    for n_ports in [1, 3] {
        let interrupt = interrupt();
        let passed = vec![Verdict::Passed; n_ports];
        let mut epoll = epoll::Epoll::new(&interrupt).expect("the system has epoll");
        assert_eq!(run_on_terminals(&mut epoll, &flow, n_ports, &interrupt), passed);
        let mut poll = poll::Poll::new(&interrupt);
        assert_eq!(run_on_terminals(&mut poll, &flow, n_ports, &interrupt), passed);
    }
}

/// A connection that nobody reads.
#[cfg(target_os = "linux")]
struct Connection(std::os::unix::net::UnixStream);

#[cfg(target_os = "linux")]
impl World for Connection {
    fn perform(&mut self, _port: PortId, command: PortCommand) {
        unreachable!("{command:?} was asked for");
    }

    fn wait(&mut self, _until: Option<Moment>, _received: &mut Vec<u8>) -> (Moment, Happening) {
        unreachable!("it is only watched");
    }
}

#[cfg(target_os = "linux")]
impl Watched for Connection {
    fn awaited(&self) -> Option<Awaited<'_>> {
        Some(Awaited { port: std::os::fd::AsFd::as_fd(&self.0), interest: Interest::Bytes })
    }

    fn look(&mut self, _until: Option<Moment>, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        None
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_is_closed_right_behind_its_last_bytes_is_found_hung_up() {
    let (near, mut far) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
    far.write_all(b"BYE\r\n").and_then(|()| far.shutdown(std::net::Shutdown::Write)).expect("the buffer takes 5 bytes");
    let mut lookout = epoll::Epoll::new(&interrupt()).expect("the system has it");
    let mut connection = Connection(near);
    lookout.watch(0, &mut connection).expect("it can be watched");
    let mut ready = Vec::new();
    lookout.wait(Some(Duration::ZERO), &mut ready).expect("it does not fail");
    let found = ready.first().map(|(number, found)| (*number, found.readable, found.hung_up));
    assert_eq!(found, Some((0, true, true)), "it is not said a second time");
}

#[cfg(target_os = "linux")]
#[test]
fn ports_over_a_network_run_with_others_and_one_that_is_not_there_stops_none() {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use crate::transport::driven::{full_listener, no_host};
    let clock = Clock::start();
    let listeners: Vec<TcpListener> =
        (0..20).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free")).collect();
    let mut names: Vec<String> = listeners
        .iter()
        .map(|one| format!("tcp://localhost:{}", one.local_addr().expect("it has one").port()))
        .collect();
    // Nobody answers there for as long as the others need.
    let (_full, silent) = full_listener();
    names.insert(0, silent);
    names.insert(1, format!("tcp://{}:4001", no_host()));
    names.push("exec:sh -c 'read line; echo OK; read line'".to_string());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for is_epoll in [false, true] {
        let (interrupt, mut n_ended) = (interrupt(), 0);
        let mut poll = poll::Poll::new(&interrupt);
        let mut epoll = epoll::Epoll::new(&interrupt).expect("a descriptor");
        let lookout: &mut dyn Lookout = if is_epoll { &mut epoll } else { &mut poll };
        let verdicts = thread::scope(|scope| {
            for listener in &listeners {
                scope.spawn(|| {
                    let (mut client, _) = listener.accept().expect("it connects");
                    client.read_exact(&mut [0; 3]).expect("it asks");
                    client.write_all(b"OK\r\n").expect("it is taken");
                    // Until it closes.
                    client.read(&mut [0]).unwrap_or_default();
                });
            }
            let open =
                |port: &str| crate::transport::open(&crate::transport::driven::real(port), clock, interrupt.clone());
            let mut on_end = |_| {
                n_ended += 1;
                // All but the one that is silent.
                if n_ended == names.len() - 1 {
                    interrupt.raise();
                }
            };
            run_on(lookout, &open, ASKS, &names, names.len(), &interrupt, &mut on_end)
        });
        let at = |wanted: usize| verdicts.iter().position(|(number, _)| *number == wanted).map(|at| verdicts[at].1);
        assert_eq!((at(0), at(1)), (Some(Verdict::Interrupted), Some(Verdict::PortFailed)));
        assert!((2..names.len()).all(|number| at(number) == Some(Verdict::Passed)), "{verdicts:?}");
    }
}
