//! Connections that are served by a thread, to servers of this machine.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::net::TcpListener;
use std::sync::Arc;

use rfc2217::{PortSettings, Server as Far, ServerEvent};

use super::*;
use crate::address::{Address, RealPort};
use crate::settings::Settings;
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::threaded::{Serve, ThreadedWorld};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

struct Port {
    world: ThreadedWorld,
    clock: Clock,
    received: Vec<u8>,
}

impl Port {
    fn open(address: &str, served: fn(&Endpoint, &Errand) -> NotOpen) -> (Port, Happening) {
        let Ok(Address::Real(RealPort::Tcp(to))) = Address::read(address) else { panic!("{address}") };
        let clock = Clock::start();
        let serve: Serve = Arc::new(move |errand| served(&to, errand));
        let world = ThreadedWorld::new(address, clock, Interrupt::new().expect("a pipe"), serve);
        let mut port = Port { world, clock, received: Vec::new() };
        port.ask(PortCommand::Open { settings: Settings::default().line });
        let told = port.next();
        (port, told)
    }

    fn ask(&mut self, command: PortCommand) {
        self.world.perform(PortId::FIRST, command);
    }

    fn next(&mut self) -> Happening {
        loop {
            let until = self.clock.now() + PATIENCE;
            match self.world.wait(Some(until), &mut self.received).1 {
                Happening::Received(_) => {}
                other => return other,
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.ask(PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: bytes.to_vec() });
        assert_eq!(self.next(), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        while self.received.len() < n {
            let until = self.clock.now() + PATIENCE;
            let (_, told) = self.world.wait(Some(until), &mut self.received);
            assert_eq!(told, Happening::Received(PortId::FIRST));
        }
        self.received.drain(..n).collect()
    }
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("tcp://{}", listener.local_addr().expect("it has one"));
    (listener, address)
}

#[test]
fn every_byte_passes_both_ways_and_the_end_is_told() {
    let (listener, address) = listener();
    let (mut port, told) = Port::open(&address, serve_raw);
    assert_eq!(told, Happening::Opened(PortId::FIRST));
    let (mut server, _) = listener.accept().expect("it connects");
    let every: Vec<u8> = (0..=255).collect();
    port.send(&every);
    let mut came = vec![0; 256];
    server.read_exact(&mut came).expect("256 bytes were sent");
    server.write_all(&every).expect("it takes 256 bytes");
    assert_eq!((port.take(256), came), (every.clone(), every));
    drop(server);
    assert!(matches!(port.next(), Happening::Closed(PortId::FIRST, CloseReason::HungUp { .. })));
}

#[test]
fn a_terminal_server_is_asked_and_answers_before_the_port_is_open() {
    let (listener, address) = listener();
    let far = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("it connects");
        client.read_exact(&mut [0; 12]).expect("it asks");
        client.write_all(b"login: \xff\xfd\x00\xff\xfb\x00\xff\xfd\x03\xff\xfb\x03").expect("it is taken");
        let mut came = [0; 2];
        client.read_exact(&mut came).expect("it asks");
        came
    });
    let (mut port, told) = Port::open(&address, serve_plain);
    assert_eq!((told, port.take(7)), (Happening::Opened(PortId::FIRST), b"login: ".to_vec()));
    port.send(b"\xff");
    assert_eq!(far.join().expect("it served"), [255, 255]);
}

#[test]
fn a_break_is_refused_where_only_bytes_pass() {
    let (_listener, address) = listener();
    let (mut port, _) = Port::open(&address, serve_raw);
    port.ask(PortCommand::Break { lasting: Duration::ZERO });
    assert!(matches!(port.next(), Happening::Closed(PortId::FIRST, CloseReason::Broken { .. })));
}

#[test]
fn a_refused_connection_asks_whether_the_server_is_running() {
    let (listener, address) = listener();
    drop(listener);
    let (_, told) = Port::open(&address, serve_raw);
    let Happening::Closed(_, CloseReason::CannotOpen { help: Some(help), .. }) = told else { panic!("{told:?}") };
    assert!(help.contains("is the server running"), "{help}");
}

#[test]
fn a_serial_port_of_another_machine_does_what_it_is_asked_in_order() {
    let (listener, address) = listener();
    let far = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("it connects");
        let mut server = Far::new(PortSettings::default());
        let (mut events, mut raw) = (Vec::new(), [0; 1024]);
        loop {
            client.write_all(&server.take_output()).unwrap_or_default();
            let Ok(n @ 1..) = client.read(&mut raw) else { return events };
            let data = server.receive(&raw[..n]);
            server.write_data(&data);
            events.extend(std::iter::from_fn(|| server.poll_event()));
        }
    });
    let (mut port, told) = Port::open(&address, serve_com_port);
    assert_eq!(told, Happening::Opened(PortId::FIRST));
    port.send(b"AT\xff");
    assert_eq!(port.take(3), b"AT\xff");
    port.ask(PortCommand::Break { lasting: Duration::from_millis(5) });
    port.ask(PortCommand::SetLines { dtr: Some(true), rts: None });
    port.ask(PortCommand::DiscardInput);
    port.send(b"!");
    assert_eq!(port.take(1), b"!");
    drop(port);
    let events = far.join().expect("it served");
    let asked: Vec<&ServerEvent> = events
        .iter()
        .filter(|event| !matches!(event, ServerEvent::ComPortActive | ServerEvent::SettingsChanged(_)))
        .collect();
    let purge = ServerEvent::Purge(rfc2217::Purge::Receive);
    assert_eq!(asked, [&ServerEvent::Break(true), &ServerEvent::Break(false), &ServerEvent::Dtr(true), &purge]);
}
