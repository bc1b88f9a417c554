//! Ports over connections to servers of this machine.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use super::*;
use crate::port::Happening;
use crate::transport::driven::{Driven, full_listener, no_host};
use crate::transport::watched::Interest;

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("tcp://{}", listener.local_addr().expect("it has one"));
    (listener, address)
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().expect("somebody connects").0
}

fn help_of(reason: CloseReason) -> String {
    match reason {
        CloseReason::CannotOpen { help: Some(help), .. }
        | CloseReason::HungUp { help }
        | CloseReason::Broken { help: Some(help), .. } => help,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_byte_value_passes_both_ways() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let mut server = accept(&listener);
    let every: Vec<u8> = (0..=255).collect();
    port.send(&every);
    let mut came = vec![0; 256];
    server.read_exact(&mut came).expect("256 bytes were sent");
    assert_eq!(came, every);
    server.write_all(&every).expect("it takes 256 bytes");
    assert_eq!(port.take(256), every);
}

#[test]
fn a_name_is_looked_up_and_its_addresses_are_tried_in_turn() {
    let (listener, address) = listener();
    // `localhost` may be `::1` first, where nobody listens.
    let mut port = Driven::open(&address.replace("127.0.0.1", "localhost"));
    let mut server = accept(&listener);
    server.write_all(b"hello").expect("it takes 5 bytes");
    assert_eq!(port.take(5), b"hello");
}

#[test]
fn a_refused_connection_asks_whether_the_server_is_running() {
    let (listener, address) = listener();
    drop(listener);
    let CloseReason::CannotOpen { reason, help: Some(help) } = Driven::refusal(&address) else { panic!("no help") };
    assert_eq!(reason, "connection refused");
    assert!(help.contains("is the server running"), "{help}");
}

#[test]
fn a_host_that_does_not_exist_is_named() {
    let CloseReason::CannotOpen { reason, .. } = Driven::refusal(&format!("tcp://{}:4001", no_host())) else {
        panic!("it is there");
    };
    assert!(reason.starts_with("the host `xxx") && reason.contains("` is not found: "), "{reason}");
}

#[test]
fn a_server_that_closes_is_told_after_its_last_bytes() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let mut server = accept(&listener);
    server.write_all(b"Port already in use\r\n").expect("it takes a line");
    drop(server);
    let help = help_of(port.reason());
    assert_eq!(port.received, b"Port already in use\r\n");
    assert!(help.contains("somebody else has the port"), "{help}");
}

#[test]
fn a_server_that_closes_at_once_is_asked_about_its_device() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    drop(accept(&listener));
    let help = help_of(port.reason());
    assert!(help.contains("before it sent anything"), "{help}");
}

#[test]
fn a_connection_that_is_reset_is_gone() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let server = accept(&listener);
    port.send(b"nobody reads this");
    // To close a socket with bytes in it resets the connection.
    let mut one = [0];
    (&server).read_exact(&mut one).expect("a byte has come");
    drop(server);
    assert!(matches!(port.reason(), CloseReason::HungUp { .. }));
}

#[test]
fn what_was_written_arrives_although_the_port_is_closed_with_bytes_unread() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let mut server = accept(&listener);
    server.write_all(&[b'x'; 1000]).expect("it takes 1000 bytes");
    port.send(b"bye");
    drop(port);
    let mut came = [0; 3];
    server.read_exact(&mut came).expect("it was written before");
    assert_eq!(&came, b"bye");
}

#[test]
fn what_has_come_is_discarded_on_demand() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let mut server = accept(&listener);
    server.write_all(b"old").expect("it takes 3 bytes");
    // A byte that can be read has passed the wire.
    let awaited = port.port.watched().awaited().expect("it is open");
    poll(&mut [PollFd::from_borrowed_fd(awaited.port, PollFlags::IN)], None).expect("it comes");
    port.ask(PortCommand::DiscardInput);
    port.send(b"?");
    server.read_exact(&mut [0]).expect("it was asked");
    server.write_all(b"new").expect("it takes 3 bytes");
    assert_eq!(port.take(3), b"new");
}

#[test]
fn an_interrupt_does_not_wait_for_a_connection() {
    let (_full, address) = full_listener();
    let mut port = Driven::new(&address);
    let begun = port.clock.now();
    port.ask(PortCommand::Open { settings: crate::settings::Settings::default().line });
    let interrupt = port.interrupt.clone();
    thread::scope(|scope| {
        scope.spawn(|| interrupt.raise());
        assert_eq!(port.next(), Happening::Interrupt);
    });
    assert!(port.clock.now() < begun + Duration::from_secs(5), "Ctrl-C did not wait for the limit");
}

#[test]
fn an_address_that_does_not_answer_is_left_at_its_moment() {
    let endpoint = |text: &str| match crate::transport::driven::real(text) {
        crate::address::RealPort::Tcp(endpoint) => endpoint,
        other => panic!("{other}"),
    };
    // A listener that accepts nobody: its queue is full after a few, and the next is not answered.
    let (_listener, address) = full_listener();
    let mut port = Connection::begin(&Socket::Tcp(endpoint(&address))).expect("it begins");
    let Ok(Opening::Until(until)) = port.go_on(Moment::START) else { panic!("it is not answered") };
    assert_eq!(until, Moment::START + Duration::from_secs(10));
    assert!(
        matches!(port.go_on(until), Err(NotOpen { reason: CloseReason::CannotOpen { reason, .. }, is_absent: true }) if reason == "no answer within 10 s")
    );
}

#[test]
fn room_is_waited_for_only_until_it_is_connected() {
    let interest = |port: &mut Driven| port.port.watched().awaited().map(|awaited| awaited.interest);
    let open = || PortCommand::Open { settings: crate::settings::Settings::default().line };
    let (_full, address) = full_listener();
    let mut waiting = Driven::new(&address);
    waiting.ask(open());
    assert_eq!(interest(&mut waiting), Some(Interest::BytesOrRoom));
    let (_listener, address) = listener();
    assert_eq!(interest(&mut Driven::open(&address)), Some(Interest::Bytes));
}

#[test]
fn a_break_cannot_be_sent_and_other_settings_have_no_effect() {
    let (listener, address) = listener();
    let mut port = Driven::open(&address);
    let mut server = accept(&listener);
    port.ask(PortCommand::SetLines { dtr: Some(true), rts: Some(false) });
    port.ask(PortCommand::Reconfigure { settings: crate::settings::Settings::default().line });
    port.send(b"AT");
    let mut came = [0; 2];
    server.read_exact(&mut came).expect("two bytes were written");
    port.ask(PortCommand::ReadLines);
    assert!(matches!(port.next(), Happening::Lines(_, Err(why)) if why.contains("bytes and nothing else")));
    port.ask(PortCommand::Break { lasting: Duration::from_millis(1) });
    let CloseReason::Broken { reason, help: Some(help) } = port.reason() else { panic!("no help") };
    assert!(reason.contains("`break` cannot be sent") && help.contains("rfc2217://"), "{reason}; {help}");
}

#[test]
fn a_socket_of_this_machine_is_a_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dut.sock");
    let address = format!("unix:{}", path.display());
    let missing = help_of(Driven::refusal(&address));
    assert!(missing.contains("is the program running that makes it"), "{missing}");
    let listener = UnixListener::bind(&path).expect("there is room");
    let mut port = Driven::open(&address);
    let (mut server, _) = listener.accept().expect("somebody connects");
    port.send(b"AT\r");
    let mut came = [0; 3];
    server.read_exact(&mut came).expect("3 bytes were written");
    server.write_all(b"OK").expect("it takes 2 bytes");
    assert_eq!((&came, port.take(2)), (b"AT\r", b"OK".to_vec()));
    drop((server, listener));
    assert!(matches!(port.reason(), CloseReason::HungUp { .. }));
    let orphaned = help_of(Driven::refusal(&address));
    assert!(orphaned.contains("no program listens at it any more"), "{orphaned}");
    let long = help_of(Driven::refusal(&format!("unix:/tmp/{}", "x".repeat(200))));
    assert!(long.contains("100 bytes"), "{long}");
}
