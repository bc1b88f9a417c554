//! Ports over Telnet to servers of this machine.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rfc2217::{PortSettings, Purge, Server, ServerEvent};

use super::*;
use crate::port::{Happening, PortId};
use crate::settings::{ControlLine, Parity, Settings};
use crate::transport::driven::{Driven, real};

fn listener(scheme: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("{scheme}://{}", listener.local_addr().expect("it has one"));
    (listener, address)
}

/// What a server did, in order.
#[derive(Debug, PartialEq)]
enum Deed {
    Data(Vec<u8>),
    Event(ServerEvent),
}

/// Serves one client: data comes back as it is, and what else is asked is told.
fn serve(listener: TcpListener) -> Receiver<Deed> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("somebody connects");
        let mut server = Server::new(PortSettings::default());
        let mut raw = [0; 1024];
        loop {
            client.write_all(&server.take_output()).unwrap_or_default();
            let Ok(n @ 1..) = client.read(&mut raw) else { return };
            let mut rest = &raw[..n];
            while !rest.is_empty() {
                let mut data = Vec::new();
                let taken = server.receive_until_event(rest, &mut data);
                rest = &rest[taken..];
                server.write_data(&data);
                if !data.is_empty() && tell.send(Deed::Data(data)).is_err() {
                    return;
                }
                while let Some(event) = server.poll_event() {
                    if tell.send(Deed::Event(event)).is_err() {
                        return;
                    }
                }
            }
        }
    });
    told
}

fn line(baud: u32) -> LineSettings {
    LineSettings { baud, ..Settings::default().line }
}

#[test]
fn a_serial_port_of_another_machine_has_settings_lines_break_and_every_byte() {
    let (listener, address) = listener("rfc2217");
    let told = serve(listener);
    let settings = LineSettings { parity: Parity::Odd, dtr: ControlLine::On, ..line(57_600) };
    let mut port = Driven::open_with(&address, settings.clone());
    let every: Vec<u8> = (0..=255).collect();
    port.send(&every);
    assert_eq!(port.take(256), every);
    port.send(b"before");
    port.ask(PortCommand::Break { lasting: Duration::from_millis(20) });
    port.ask(PortCommand::SetLines { dtr: Some(false), rts: Some(true) });
    port.ask(PortCommand::Reconfigure { settings: LineSettings { baud: 9600, ..settings } });
    port.ask(PortCommand::DiscardInput);
    port.send(b"after");
    assert_eq!(port.take(11), b"beforeafter");
    port.ask(PortCommand::DiscardOutput);
    port.send(b"!");
    assert_eq!((port.take(1), &port.notes[..]), (b"!".to_vec(), &[][..]));
    drop(port);
    let deeds: Vec<Deed> = told.iter().collect();
    let asked = |baud_rate| PortSettings { baud_rate, parity: rfc2217::Parity::Odd, ..PortSettings::default() };
    let place =
        |deed: &Deed| deeds.iter().position(|other| other == deed).unwrap_or_else(|| panic!("{deed:?} in {deeds:?}"));
    let in_order = [
        Deed::Event(ServerEvent::SettingsChanged(asked(57_600))),
        Deed::Event(ServerEvent::Dtr(true)),
        Deed::Data(b"before".to_vec()),
        Deed::Event(ServerEvent::Break(true)),
        Deed::Event(ServerEvent::Break(false)),
        Deed::Event(ServerEvent::Dtr(false)),
        Deed::Event(ServerEvent::Rts(true)),
        Deed::Event(ServerEvent::SettingsChanged(asked(9600))),
        Deed::Event(ServerEvent::Purge(Purge::Receive)),
        Deed::Data(b"after".to_vec()),
        Deed::Event(ServerEvent::Purge(Purge::Transmit)),
        Deed::Data(b"!".to_vec()),
    ];
    let places: Vec<usize> = in_order.iter().map(place).collect();
    assert!(places.is_sorted(), "{deeds:?}");
}

#[test]
fn a_terminal_server_carries_every_byte() {
    let (listener, address) = listener("telnet");
    let _told = serve(listener);
    let mut port = Driven::open(&address);
    let every: Vec<u8> = (0..=255).collect();
    port.send(&every);
    assert_eq!(port.take(256), every);
    assert_eq!(port.notes, [""; 0]);
    port.ask(PortCommand::Break { lasting: Duration::from_millis(1) });
    assert!(matches!(port.reason(), CloseReason::Broken { reason, .. } if reason.contains("`break` cannot be sent")));
}

/// Begins a port to a server that does what it is told to; returns both, when they are connected.
fn begin<M: Medium>(mut medium: M, listener: &TcpListener) -> (M::Port, TcpStream) {
    let mut port = medium.open(line(9600)).expect("it begins");
    assert!(matches!(port.go_on(Moment::START), Ok(Opening::Until(_))));
    let (mut server, _) = listener.accept().expect("somebody connects");
    while matches!(port.go_on(Moment::START), Ok(Opening::Until(until)) if until > Moment::START + ANSWER_WITHIN) {}
    // It has asked: so it is connected.
    server.read_exact(&mut [0; 12]).expect("it asks");
    (port, server)
}

fn endpoint(address: &str) -> Endpoint {
    match real(address) {
        crate::address::RealPort::Telnet(endpoint) | crate::address::RealPort::Rfc2217(endpoint) => endpoint,
        other => panic!("{other}"),
    }
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_three_seconds() {
    let (listener, address) = listener("rfc2217");
    let (mut port, server) = begin(Rfc2217::new(&endpoint(&address)), &listener);
    let until = Moment::START + ANSWER_WITHIN;
    assert_eq!(port.go_on(Moment::START + (ANSWER_WITHIN - Duration::from_millis(1))), Ok(Opening::Until(until)));
    assert_eq!(port.go_on(until), Ok(Opening::Open));
    assert!(port.note().is_some_and(|note| note.contains("within 3 s")));
    assert_eq!(port.write(b"AT"), Ok(2));
    drop(server);
}

#[test]
fn what_came_before_the_port_is_open_is_not_lost() {
    let (listener, address) = listener("telnet");
    let (mut port, mut server) = begin(Telnet::new(&endpoint(&address)), &listener);
    server
        .write_all(&[b'h', b'i', 255, 255, 255, 253, 0, 255, 251, 0, 255, 253, 3, 255, 251, 3, b'!'])
        .expect("it is taken");
    while !matches!(port.go_on(Moment::START), Ok(Opening::Open)) {}
    let mut data = Vec::new();
    assert_eq!(port.read(&mut data), Ok(Taken { n: 4, has_more: false }));
    assert_eq!(data, b"hi\xff!");
}

#[test]
fn a_server_that_closes_instead_of_answering_is_asked_who_has_the_port() {
    let (listener, address) = listener("rfc2217");
    let mut port = Driven::new(&address);
    let served = thread::spawn(move || {
        let (mut server, _) = listener.accept().expect("somebody connects");
        server.write_all(b"Port already in use\r\n").expect("it is taken");
        // What was asked is read, so that the connection is closed and not reset.
        server.read_exact(&mut [0; 18]).expect("it asks");
    });
    let Happening::Closed(PortId::FIRST, CloseReason::CannotOpen { reason, help: Some(help) }) =
        port.try_open(line(9600))
    else {
        panic!("it is open");
    };
    served.join().expect("it served");
    assert!(reason.contains("before it answered") && help.contains("somebody else has the port"), "{reason}; {help}");
}

#[test]
fn a_server_that_is_full_is_not_asked_again_and_again() {
    let (listener, address) = listener("rfc2217");
    let (mut port, mut server) = begin(Rfc2217::new(&endpoint(&address)), &listener);
    server.write_all(&[255, 253, 44, 255, 250, 44, 108, 255, 240]).expect("it is taken");
    let until = Moment::START + ANSWER_WITHIN;
    while !matches!(port.go_on(until), Ok(Opening::Open)) {}
    while port.takes_bytes() {
        let _ = port.read(&mut Vec::new());
    }
    assert_eq!(port.write(b"AT"), Err(Errno::AGAIN));
    assert!(!port.wants_room(), "a socket that has room would be found ready for ever");
    server.write_all(&[255, 250, 44, 109, 255, 240]).expect("it is taken");
    while !port.takes_bytes() {
        let _ = port.read(&mut Vec::new());
    }
    assert_eq!(port.write(b"AT"), Ok(2));
}

#[test]
fn what_was_taken_leaves_although_the_port_is_closed() {
    let (listener, address) = listener("telnet");
    let (mut port, mut server) = begin(Telnet::new(&endpoint(&address)), &listener);
    while !matches!(port.go_on(Moment::START + ANSWER_WITHIN), Ok(Opening::Open)) {}
    // More than the system takes at once: the last piece is kept here.
    let mut n_taken = 0;
    while let Ok(n) = port.write(&[b'x'; PIECE]) {
        n_taken += n;
    }
    assert!(port.wants_room());
    let came = thread::spawn(move || {
        let mut came = Vec::new();
        server.read_to_end(&mut came).expect("it is closed in the end");
        came.len()
    });
    drop(port);
    assert_eq!(came.join().expect("it read"), n_taken);
}
