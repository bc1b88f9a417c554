//! The laws of several ports, on pseudo-terminals: neither the order in which they are read nor a late look changes what is found.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::io::{Errno, ioctl_fionread, read, write};

use super::*;
use crate::address::RealPort;
use crate::check::check;
use crate::engine::{Engine, Inputs, PortInputs};
use crate::event::{Event, EventKind, Verdict};
use crate::load::load;
use crate::port::Happening;
use crate::report::{Fan, Sink};
use crate::settings::Settings;
use crate::transport::effort::FULL;
use crate::transport::open_several;
use crate::transport::pty::create_pair;
use crate::world::{Company, Memory, Nobody, Session};

const PORTS: &str = "flow \"laws\"\nport a { }\nport b { }\nport c { }\nport d { }\n";

/// The ports of a run, and what their devices say when they are asked.
struct Fed {
    ports: Several,
    clock: Clock,
    /// The device's side of each, and the host's.
    ends: Vec<(OwnedFd, OwnedFd)>,
    /// What has been asked, on whichever port.
    asked: Vec<u8>,
    /// What is said in each of the waits that follow: the port, and the bytes.
    says: Vec<Vec<(usize, &'static str)>>,
    /// Whether the system is looked at after the end of each wait only.
    is_late: bool,
}

impl Fed {
    /// Has the devices say what is next, and returns when all of it can be read.
    fn say(&mut self) {
        for (device, _) in &self.ends {
            let mut bytes = [0; 64];
            match read(device, &mut bytes) {
                Ok(n) => self.asked.extend(&bytes[..n]),
                Err(errno) => assert_eq!(errno, Errno::AGAIN),
            }
        }
        if !self.asked.ends_with(b"GO\r") || self.says.is_empty() {
            return;
        }
        for (port, text) in self.says.remove(0) {
            let (device, host) = &self.ends[port];
            let before = ioctl_fionread(host).expect("it is open");
            assert_eq!(write(device, text.as_bytes()), Ok(text.len()));
            while ioctl_fionread(host).expect("it is open") < before + text.len() as u64 {
                std::thread::yield_now();
            }
        }
    }
}

impl World for Fed {
    fn capabilities(&self) -> Capabilities {
        self.ports.capabilities()
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.ports.perform(port, command);
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.ports.news(received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.ports.arrived(received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.say();
        let is_answered = self.asked.ends_with(b"GO\r");
        if let Some(until) = until.filter(|_| self.is_late && is_answered) {
            while self.clock.now() <= until {}
        }
        self.ports.wait(until, received)
    }
}

#[test]
fn the_run_is_behind_while_it_works_and_one_of_its_ports_has_a_full_buffer() {
    let ends = [(); 2].map(|()| create_pair().expect("there are terminals"));
    let nodes = [0, 1].map(|at: usize| RealPort::Node(ends[at].2.display().to_string()));
    let (clock, interrupt) = (Clock::start(), Interrupt::new().expect("a pipe"));
    let ids = [PortId::new(0), PortId::new(1)].map(|id| id.expect("there is room for two"));
    let mut ports = open_several(ids.into_iter().zip(&nodes), None, clock, &interrupt).expect("the system can wait");
    for id in ids {
        ports.perform(id, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(ports.wait(None, &mut Vec::new()).1, Happening::Opened(id));
    }
    let works = Duration::from_millis(2);
    let mut take = |at: usize, n_bytes: usize| {
        let (device, host, _) = &ends[at];
        assert_eq!(write(device, &vec![b'x'; n_bytes]), Ok(n_bytes));
        while ioctl_fionread(host).expect("it is open") < n_bytes as u64 {
            std::thread::yield_now();
        }
        let begun = clock.now();
        while clock.now() < begun + works {}
        let before = ports.behind();
        assert_eq!(ports.wait(None, &mut Vec::new()).1, Happening::Received(ids[at]));
        ports.behind() - before
    };
    assert_eq!(take(0, 1), Duration::ZERO);
    assert_eq!(take(1, FULL - 1), Duration::ZERO, "there was room for more");
    assert!(take(1, FULL) >= works);
    assert_eq!(take(0, 1), Duration::ZERO);
}

/// Keeps what a flow logs.
#[derive(Default)]
struct Logged(Arc<std::sync::Mutex<Vec<String>>>);

impl Sink for Logged {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        if let EventKind::Logged { text } = &event.kind {
            self.0.lock().expect("nobody panics").push(String::from_utf8_lossy(text).into_owned());
        }
        Ok(())
    }
}

/// Runs a flow on four pseudo-terminals; returns its verdict and what it logged.
fn run(body: &str, says: Vec<Vec<(usize, &'static str)>>, is_late: bool) -> (Verdict, Vec<String>) {
    let text = format!("{PORTS}{body}");
    let reader = |_: &Path| Ok(text.as_bytes().to_vec());
    let program = check(load(Path::new("laws.flow"), &reader)).program.expect("the flow is right");
    let (mut nodes, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..program.ports.len() {
        let (device, host, path) = create_pair().expect("there are terminals");
        nodes.push(RealPort::Node(path.display().to_string()));
        ends.push((device, host));
    }
    let ports =
        nodes.iter().zip(&program.ports).map(|(node, port)| PortInputs::serial(node.to_string(), &port.settings));
    let ports = ports.collect();
    let inputs = Inputs { variables: Default::default(), seed: 1, begun: 0, file: "laws.flow".to_string(), ports };
    let mut engine = Engine::new(Arc::new(program), inputs);
    let (clock, interrupt) = (Clock::start(), Interrupt::new().expect("a pipe"));
    let ids = (0..nodes.len()).filter_map(PortId::new);
    let ports = open_several(ids.zip(&nodes), None, clock, &interrupt).expect("the system can wait");
    let mut world = Fed { ports, clock, ends, asked: Vec::new(), says, is_late };
    let mut audience = Fan::default();
    let logged = Arc::default();
    audience.add("the log", Logged(Arc::clone(&logged)));
    let (keeper, person) = (&mut Memory::default(), &mut Nobody);
    let company = Company { keeper, audience: &mut audience, person, tap: None, hooks: None };
    let verdict = Session::new(&mut engine, company).run(&mut world);
    let logged = logged.lock().expect("nobody panics").clone();
    (verdict, logged)
}

#[test]
fn what_came_on_four_terminals_at_one_moment_is_taken_in_the_order_of_the_arms_whichever_was_read_first() {
    let texts = ["A\r\n", "B\r\n", "C\r\n", "D\r\n"];
    for asked in ["a", "b", "c", "d"] {
        let body = format!(
            "using {asked} {{ send \"GO\" }}\nexpect within 20s {{\n  using d line \"D\" -> {{ log \"d\" }}\n  \
             using b line \"B\" -> {{ log \"b\" }}\n  using a line \"A\" -> {{ log \"a\" }}\n  \
             using c line \"C\" -> {{ log \"c\" }}\n}}\n"
        );
        for first in 0..4 {
            let all = (0..4).map(|offset| (first + offset) % 4).map(|port| (port, texts[port])).collect();
            let (verdict, logged) = run(&body, vec![all], false);
            assert_eq!((verdict, logged), (Verdict::Passed, vec!["d".to_string()]), "asked on {asked}, {first} first");
        }
    }
}

const ALL: &str = "using c { send \"GO\" }\nexpect all within 40ms {\n  using a line \"A\"  using b line \"B\"  \
                   using c line \"C\"  using d line \"D\"\n}\n";

#[test]
fn bytes_that_wait_in_every_terminal_at_the_deadline_are_in_time() {
    for first in 0..4 {
        let texts = ["A\r\n", "B\r\n", "C\r\n", "D\r\n"];
        let all = (0..4).map(|offset| (first + offset) % 4).map(|port| (port, texts[port])).collect();
        assert_eq!(run(ALL, vec![all], true).0, Verdict::Passed, "{first} first");
    }
}

#[test]
fn what_has_not_come_by_the_deadline_on_one_terminal_fails_although_the_others_have_it() {
    let most = vec![(0, "A\r\n"), (1, "B"), (2, "C\r\n"), (3, "D\r\n")];
    assert_eq!(run(ALL, vec![most], true).0, Verdict::Failed);
}

#[test]
fn reads_that_cut_the_lines_of_four_terminals_change_nothing() {
    let body = ALL.replace("40ms", "20s");
    let whole = vec![(0, "A\r\n"), (1, "B\r\n"), (2, "C\r\n"), (3, "D\r\n")];
    let cut = vec![
        vec![(3, "D"), (0, "A\r")],
        vec![(1, "B\r\n"), (2, "C")],
        vec![(0, "\n"), (3, "\r")],
        vec![(3, "\n"), (2, "\r\n")],
    ];
    for says in [vec![whole], cut] {
        assert_eq!(run(&body, says, false).0, Verdict::Passed);
    }
}
