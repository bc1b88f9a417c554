//! A port of whatever kind, driven by hand in tests.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::time::Duration;

use super::any::AnyPort;
use super::clock::Clock;
use super::interrupt::Interrupt;
use super::open;
use crate::address::{Address, RealPort};
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::settings::{LineSettings, Settings};
use crate::world::World;

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A port that a test talks to.
pub(super) struct Driven {
    pub(super) port: AnyPort,
    pub(super) clock: Clock,
    pub(super) interrupt: Interrupt,
    /// What was noted.
    pub(super) notes: Vec<String>,
    /// What came and was not asked for yet.
    pub(super) received: Vec<u8>,
    n_writes: u64,
}

/// Returns the real port that a text names.
pub(super) fn real(text: &str) -> RealPort {
    match Address::read(text) {
        Ok(Address::Real(port)) => port,
        other => panic!("{text} is no real port: {other:?}"),
    }
}

/// Returns the name of a host that does not exist. It is longer than names may be, so no name server is asked.
pub(super) fn no_host() -> String {
    "x".repeat(70)
}

/// Returns a listener that answers nobody any more, and its address.
pub(super) fn full_listener() -> ((std::os::fd::OwnedFd, Vec<std::os::fd::OwnedFd>), String) {
    use rustix::net::{AddressFamily, SocketType, bind, connect, getsockname, listen, socket};
    let server = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&server, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
    listen(&server, 0).expect("it listens");
    let address: std::net::SocketAddr =
        getsockname(&server).expect("it has a name").try_into().expect("it is of the network");
    let clients: Vec<std::os::fd::OwnedFd> = (0..4)
        .map(|_| {
            let client = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
            rustix::io::ioctl_fionbio(&client, true).expect("it can do without blocking");
            let _ = connect(&client, &address);
            client
        })
        .collect();
    ((server, clients), format!("tcp://{address}"))
}

impl Driven {
    /// Names a port, and opens nothing.
    pub(super) fn new(text: &str) -> Driven {
        let clock = Clock::start();
        let interrupt = Interrupt::new().expect("a pipe");
        let port = open(&real(text), clock, interrupt.clone());
        Driven { port, clock, interrupt, notes: Vec::new(), received: Vec::new(), n_writes: 0 }
    }

    /// Opens a port that can be opened.
    pub(super) fn open(text: &str) -> Driven {
        Driven::open_with(text, Settings::default().line)
    }

    /// Opens a port that can be opened, with these settings.
    pub(super) fn open_with(text: &str, settings: LineSettings) -> Driven {
        let mut driven = Driven::new(text);
        assert_eq!(driven.try_open(settings), Happening::Opened(PortId::FIRST));
        driven
    }

    /// Opens a port; returns what came of it.
    pub(super) fn try_open(&mut self, settings: LineSettings) -> Happening {
        self.ask(PortCommand::Open { settings });
        self.next()
    }

    /// Returns why a port cannot be opened.
    pub(super) fn refusal(text: &str) -> CloseReason {
        match Driven::new(text).try_open(Settings::default().line) {
            Happening::Closed(PortId::FIRST, reason) => reason,
            other => panic!("{text} is not refused: {other:?}"),
        }
    }

    /// Asks something of the port.
    pub(super) fn ask(&mut self, command: PortCommand) {
        self.port.perform(PortId::FIRST, command);
    }

    /// Writes, and waits until it has left.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.n_writes += 1;
        let token = || WriteToken::new(PortId::FIRST, self.n_writes);
        self.port.perform(PortId::FIRST, PortCommand::Write { token: token(), bytes: bytes.to_vec() });
        let sent = token();
        assert_eq!(self.next(), Happening::Sent(sent));
    }

    /// Waits until so many bytes have come, and takes them.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        while self.received.len() < n {
            let until = self.clock.now() + PATIENCE;
            match self.port.wait(Some(until), &mut self.received).1 {
                Happening::Received(_) => {}
                Happening::Noted(_, note) => self.notes.push(note),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&self.received)),
            }
        }
        self.received.drain(..n).collect()
    }

    /// Waits until this has come, and takes everything up to its end.
    pub(super) fn take_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut taken = Vec::new();
        while !taken.ends_with(end) {
            taken.extend(self.take(1));
        }
        taken
    }

    /// Waits until something happens that is no bytes and no note.
    pub(super) fn next(&mut self) -> Happening {
        loop {
            let until = self.clock.now() + PATIENCE;
            match self.port.wait(Some(until), &mut self.received).1 {
                Happening::Received(_) => {}
                Happening::Noted(_, note) => self.notes.push(note),
                Happening::Nothing => panic!("nothing happened for {PATIENCE:?}"),
                other => return other,
            }
        }
    }

    /// Waits until the other end is gone; returns what the port says of it.
    pub(super) fn reason(&mut self) -> CloseReason {
        match self.next() {
            Happening::Closed(PortId::FIRST, reason) => reason,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_port_can_do_is_the_same_before_and_after_it_was_made() {
    for text in ["/dev/ttyS0", "tcp://a:1", "unix:/tmp/a", "telnet://a:1", "rfc2217://a:1", "exec:cat"] {
        assert_eq!(super::capabilities(&real(text)), Driven::new(text).port.capabilities(), "{text}");
    }
}

#[test]
fn nobody_is_told_of_the_baud_of_a_connection() {
    for text in ["tcp://box:1", "unix:/tmp/a", "telnet://box:1", "exec:cat"] {
        assert!(!super::carrier(&real(text)).has_line(), "{text}");
    }
    for text in ["/dev/ttyUSB0", "COM3", "rfc2217://box:1"] {
        assert!(super::carrier(&real(text)).has_line(), "{text}");
    }
}
