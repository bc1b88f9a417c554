//! Adapters that go away and come back under other numbers: pseudo-terminals as their nodes, a folder as the machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::port::{Happening, PortCommand, PortId};
use crate::settings::Settings;
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::medium::PortOn;
use crate::transport::ports::tests::Bench;
use crate::transport::pty::PtyWorld;
use crate::transport::serial::unix::Serial;
use crate::world::World;

/// Longer than any of this takes; it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// A machine with an adapter that is plugged in and pulled out.
struct Desk {
    bench: Bench,
    clock: Clock,
    serial: &'static str,
}

impl Desk {
    /// Makes a machine without a port; the adapter has this serial number.
    fn new(serial: &'static str) -> Desk {
        Desk { bench: Bench::new(), clock: Clock::start(), serial }
    }

    fn interrupt() -> Interrupt {
        Interrupt::new().expect("a pipe")
    }

    /// Plugs the adapter in at a place, where its port gets this name; it is there as long as what is returned.
    fn plug(&self, name: &str, place: &str) -> PtyWorld {
        let pty = PtyWorld::create(self.clock, Desk::interrupt(), None).expect("a pseudo-terminal");
        self.bench.device(place, ("0403", "6001"), "TTL232R", self.serial);
        self.bench.usb_serial(name, place, 0);
        let node = self.node(name);
        fs::remove_file(&node).expect("a file stands for the node");
        std::os::unix::fs::symlink(pty.path(), node).expect("a link can be made");
        pty
    }

    /// Pulls the adapter out.
    fn unplug(&self, name: &str, pty: PtyWorld) {
        drop(pty);
        fs::remove_file(self.node(name)).expect("the node is there");
        fs::remove_dir_all(self.bench.machine.path("sys")).expect("it is listed, and nothing else is");
    }

    fn node(&self, name: &str) -> std::path::PathBuf {
        self.bench.machine.path(Path::new("dev").join(name))
    }

    /// Opens a port by what it is known by.
    fn open(&self, identity: Identity) -> PortOn<Serial> {
        let mut port = PortOn::new(Serial::known_by(identity), self.clock, Desk::interrupt());
        port.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(self.next(&mut port), Happening::Opened(PortId::FIRST));
        port
    }

    fn of_node(&self, name: &str) -> Identity {
        Identity::of_node(self.bench.machine.clone(), name)
    }

    fn next(&self, port: &mut PortOn<Serial>) -> Happening {
        port.wait(Some(self.clock.now() + PATIENCE), &mut Vec::new()).1
    }

    /// Pulls the adapter out while its port is open, and asks for the port again.
    fn lose(&self, port: &mut PortOn<Serial>, name: &str, pty: PtyWorld) {
        self.unplug(name, pty);
        assert_eq!(self.next(port), Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
        port.perform(PortId::FIRST, PortCommand::Reopen { settings: Settings::default().line });
    }

    /// Says whether the port stays away for as long as it takes to try it some times.
    fn stays_away(&self, port: &mut PortOn<Serial>) -> bool {
        let until = self.clock.now() + Duration::from_millis(250);
        port.wait(Some(until), &mut Vec::new()).1 == Happening::Nothing
    }
}

fn renamed(name: &str) -> Happening {
    Happening::Noted(PortId::FIRST, format!("the port is `{name}` now"))
}

#[test]
fn an_adapter_that_comes_back_under_another_number_is_the_same_port() {
    let desk = Desk::new("A1");
    let pty = desk.plug("ttyUSB0", "1-1.2");
    let mut port = desk.open(desk.of_node("/dev/ttyUSB0"));
    desk.lose(&mut port, "ttyUSB0", pty);
    let _pty = desk.plug("ttyUSB1", "1-1.4");
    assert_eq!(desk.next(&mut port), Happening::Opened(PortId::FIRST));
    assert_eq!(desk.next(&mut port), renamed("/dev/ttyUSB1"));
}

#[test]
fn another_adapter_under_the_old_number_is_another_port() {
    let desk = Desk::new("A1");
    let pty = desk.plug("ttyUSB0", "1-1.2");
    let mut port = desk.open(desk.of_node("/dev/ttyUSB0"));
    desk.lose(&mut port, "ttyUSB0", pty);
    let other = Desk { serial: "B7", ..desk };
    let stranger = other.plug("ttyUSB0", "1-1.2");
    assert!(other.stays_away(&mut port));
    other.unplug("ttyUSB0", stranger);
    let desk = Desk { serial: "A1", ..other };
    let _pty = desk.plug("ttyUSB0", "1-1.2");
    assert_eq!(desk.next(&mut port), Happening::Opened(PortId::FIRST));
}

#[test]
fn an_adapter_without_a_serial_number_is_found_again_where_it_was_plugged_in() {
    let desk = Desk::new("");
    let pty = desk.plug("ttyUSB0", "1-1.2");
    let mut port = desk.open(desk.of_node("/dev/ttyUSB0"));
    desk.lose(&mut port, "ttyUSB0", pty);
    let _elsewhere = desk.plug("ttyUSB0", "1-1.3");
    let _pty = desk.plug("ttyUSB5", "1-1.2");
    assert_eq!(desk.next(&mut port), Happening::Opened(PortId::FIRST));
    assert_eq!(desk.next(&mut port), renamed("/dev/ttyUSB5"));
}

#[test]
fn whatever_is_plugged_in_at_a_place_is_the_port_of_that_place() {
    let desk = Desk::new("A1");
    let pty = desk.plug("ttyUSB0", "1-1.2");
    let address = crate::address::read_one(
        "usb:at=1-1.2",
        crate::address::Known { listed: &|| list_of(&desk.bench.machine), places: &[] },
    );
    let Ok(crate::address::Address::Real(crate::address::RealPort::Usb(named))) = address else {
        panic!("it is {address:?}")
    };
    let mut port = desk.open(Identity::of_usb(desk.bench.machine.clone(), &named));
    desk.lose(&mut port, "ttyUSB0", pty);
    let other = Desk { serial: "B7", ..desk };
    let _pty = other.plug("ttyUSB3", "1-1.2");
    assert_eq!(other.next(&mut port), Happening::Opened(PortId::FIRST));
    assert_eq!(other.next(&mut port), renamed("/dev/ttyUSB3"));
}

#[test]
fn another_pseudo_terminal_with_the_same_number_is_another_port() {
    let bench = Bench::new();
    let pty = || PtyWorld::create(Clock::start(), Desk::interrupt(), None).expect("a pseudo-terminal");
    let (first, second) = (pty(), pty());
    let node = bench.machine.path("dev/pts/7");
    bench.link("dev/pts/7", first.path().to_str().expect("its path is ASCII"));
    let mut identity = Identity::of_node(bench.machine.clone(), "/dev/pts/7");
    assert_eq!(identity.learn(identity.name()), None);
    assert_eq!(identity.find_again().ok().as_deref(), Some("/dev/pts/7"));
    fs::remove_file(&node).expect("it is a link");
    bench.link("dev/pts/7", second.path().to_str().expect("its path is ASCII"));
    assert!(identity.find_again().is_err(), "somebody else has the number now");
}
