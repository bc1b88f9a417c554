//! RFC 2217 without a connection: servers that answer, that answer otherwise, and that do not answer.

use proptest::prelude::*;
use rfc2217::{Server, ServerEvent};

use super::*;
use crate::settings::{ControlLine, Settings};
use crate::transport::telnet::plain::tests::{pieces, streams};

const ACCEPTED: &[u8] = &[255, 253, 44];

fn settings(baud: u32) -> LineSettings {
    LineSettings { baud, ..Settings::default().line }
}

fn said(end: &mut ComPort) -> Vec<u8> {
    let mut output = Vec::new();
    end.take_output(&mut output);
    output
}

fn notes(end: &mut ComPort) -> Vec<String> {
    std::iter::from_fn(|| end.note()).collect()
}

fn heard(end: &mut ComPort, bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    end.receive(bytes, &mut data);
    data
}

/// Returns what a server says of one of its settings.
fn answer(code: u8, value: &[u8]) -> Vec<u8> {
    [&[255, 250, 44, 100 + code], value, &[255, 240]].concat()
}

/// Returns an end whose server has taken everything as it was asked for.
fn settled() -> ComPort {
    let mut end = ComPort::new(&settings(9600));
    let bytes = [
        ACCEPTED.to_vec(),
        answer(1, &9600_u32.to_be_bytes()),
        answer(2, &[8]),
        answer(3, &[1]),
        answer(4, &[1]),
        answer(5, &[1]),
    ];
    assert_eq!(heard(&mut end, &bytes.concat()), b"");
    assert!(end.is_settled());
    assert_eq!(notes(&mut end), [""; 0]);
    said(&mut end);
    end
}

#[test]
fn a_server_gets_settings_lines_and_break_in_their_order() {
    let switched = LineSettings { dtr: ControlLine::Off, parity: Parity::Even, stop_bits: 2, ..settings(57_600) };
    let mut end = ComPort::new(&switched);
    let mut server = Server::new(PortSettings::default());
    let mut seen = Vec::new();
    let mut exchange = |end: &mut ComPort| {
        for _ in 0..8 {
            let data = server.receive(&said(end));
            seen.extend(std::iter::from_fn(|| server.poll_event()));
            assert!(data.is_empty() || data == b"AT");
            heard(end, &server.take_output());
        }
    };
    exchange(&mut end);
    assert!(end.is_settled() && notes(&mut end).is_empty());
    end.send(b"AT");
    end.set_lines(Some(true), Some(false));
    end.set_break(true);
    end.set_break(false);
    end.set(&LineSettings { baud: 230_400, flow_control: FlowControl::Hardware, ..switched });
    assert!(!end.is_settled());
    exchange(&mut end);
    assert!(end.is_settled() && notes(&mut end).is_empty());
    let lines: Vec<&ServerEvent> = seen
        .iter()
        .filter(|event| matches!(event, ServerEvent::Dtr(_) | ServerEvent::Rts(_) | ServerEvent::Break(_)))
        .collect();
    assert_eq!(
        lines,
        [
            &ServerEvent::Dtr(false),
            &ServerEvent::Dtr(true),
            &ServerEvent::Rts(false),
            &ServerEvent::Break(true),
            &ServerEvent::Break(false)
        ]
    );
    let is = server.settings();
    assert_eq!((is.baud_rate, is.parity, is.stop_bits), (230_400, rfc2217::Parity::Even, StopBits::Two));
    assert_eq!(is.flow_control, rfc2217::FlowControl::RtsCts);
}

#[test]
fn the_lines_are_as_the_server_said_last() {
    let mut end = ComPort::new(&settings(9600));
    let mut server = Server::new(PortSettings::default());
    let exchange = |server: &mut Server, end: &mut ComPort| {
        for _ in 0..4 {
            assert!(server.receive(&said(end)).is_empty());
            heard(end, &server.take_output());
        }
        end.input_lines().map(|lines| lines.to_string())
    };
    assert_eq!(exchange(&mut server, &mut end).as_deref(), Ok("CTS off, DSR off, DCD off, RI off"));
    server.set_modem_state(ModemState::CTS | ModemState::CD);
    assert_eq!(exchange(&mut server, &mut end).as_deref(), Ok("CTS on, DSR off, DCD on, RI off"));
    server.set_modem_state(ModemState::DSR | ModemState::RI);
    assert_eq!(exchange(&mut server, &mut end).as_deref(), Ok("CTS off, DSR on, DCD off, RI on"));
    let mut refused = ComPort::new(&settings(9600));
    heard(&mut refused, &REFUSAL);
    assert_eq!(refused.input_lines(), Err("the server does not speak RFC 2217".to_string()));
}

#[test]
fn a_server_that_takes_other_values_is_noted() {
    let mut end = ComPort::new(&settings(230_400));
    let bytes = [
        ACCEPTED.to_vec(),
        answer(1, &115_200_u32.to_be_bytes()),
        answer(2, &[7]),
        answer(3, &[1]),
        answer(4, &[1]),
        answer(5, &[1]),
    ];
    heard(&mut end, &bytes.concat());
    assert!(end.is_settled());
    let note = "the server set its port to baud 115200 instead of 230400, seven data bits instead of eight";
    assert_eq!(notes(&mut end), [note]);
}

#[test]
fn what_a_server_does_not_acknowledge_is_noted_when_its_time_is_over() {
    let mut end = ComPort::new(&settings(9600));
    heard(&mut end, &[ACCEPTED.to_vec(), answer(1, &4800_u32.to_be_bytes()), answer(2, &[8])].concat());
    assert!(!end.is_settled());
    end.give_up();
    assert_eq!(
        notes(&mut end),
        [
            "the server did not acknowledge within 3 s: parity, stop bits, flow control",
            "the server set its port to baud 4800 instead of 9600"
        ]
    );
}

#[test]
fn a_server_that_refuses_is_noted_and_gets_the_data() {
    let mut end = ComPort::new(&settings(9600));
    end.send(b"AT");
    heard(&mut end, &[255, 254, 44]);
    assert!(end.is_settled() && said(&mut end).ends_with(b"AT"));
    let [note] = &notes(&mut end)[..] else { panic!("one note") };
    assert!(note.contains("does not speak RFC 2217"), "{note}");
}

#[test]
fn a_server_that_stops_anywhere_in_its_answer_is_noted_and_gets_the_data() {
    let answer = [&[255, 251, 3][..], &[255, 250, 44, 101, 0, 255, 255, 0, 255, 240], &[255, 253]].concat();
    for n in 0..=answer.len() {
        let mut end = ComPort::new(&settings(9600));
        heard(&mut end, &answer[..n]);
        end.give_up();
        end.send(b"AT");
        assert!(end.is_settled() && said(&mut end).ends_with(b"AT"), "after {n} bytes");
        let [note] = &notes(&mut end)[..] else { panic!("one note after {n} bytes") };
        assert!(note.contains("within 3 s") && note.contains("`tcp://`"), "{note}");
    }
}

#[test]
fn errors_of_the_far_line_are_noted_once_each() {
    let mut end = settled();
    for _ in 0..3 {
        heard(&mut end, &answer(6, &[0x08]));
    }
    heard(&mut end, &answer(6, &[0x0a]));
    let notes = notes(&mut end);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("framing errors") && notes[1].contains("bytes were lost"), "{notes:?}");
}

#[test]
fn input_is_thrown_away_until_the_server_has_done_so_too() {
    let mut end = settled();
    end.discard_input();
    assert_eq!(said(&mut end), [255, 250, 44, 12, 1, 255, 240]);
    assert_eq!(heard(&mut end, b"old"), b"");
    assert!(end.is_discarding());
    assert_eq!(heard(&mut end, &[b"older", &answer(12, &[1])[..], b"new"].concat()), b"new");
    assert!(!end.is_discarding());
    end.discard_input();
    end.give_up();
    assert_eq!(heard(&mut end, b"a"), b"a", "a server that does not answer is not waited for");
}

#[test]
fn a_server_that_is_full_gets_no_data_until_it_says_so() {
    let mut end = settled();
    heard(&mut end, &answer(8, &[]));
    assert!(!end.takes_data());
    heard(&mut end, &answer(9, &[]));
    assert!(end.takes_data());
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_the_cuts(bytes in streams(), cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        let all = |cuts: &[usize]| {
            let mut end = ComPort::new(&settings(9600));
            let data: Vec<u8> = pieces(&bytes, cuts).into_iter().flat_map(|piece| heard(&mut end, piece)).collect();
            (data, said(&mut end), notes(&mut end))
        };
        prop_assert_eq!(all(&cuts), all(&[]));
    }

    #[test]
    fn whatever_was_heard_the_data_is_sent_in_the_end(bytes in streams()) {
        let mut end = ComPort::new(&settings(9600));
        heard(&mut end, &bytes);
        end.give_up();
        said(&mut end);
        end.send(b"AT");
        prop_assert_eq!(said(&mut end), b"AT");
    }

    #[test]
    fn what_is_sent_is_what_a_server_hears(
        data in proptest::collection::vec(prop_oneof![Just(255), Just(b'\r'), any::<u8>()], 0..300),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut end = settled();
        for piece in pieces(&data, &cuts) {
            end.send(piece);
        }
        prop_assert_eq!(Server::new(PortSettings::default()).receive(&said(&mut end)), data);
    }
}

#[test]
fn at_the_end_the_server_leaves_its_lines_as_the_settings_say() {
    let switched = LineSettings { dtr_at_close: AtClose::On, rts_at_close: AtClose::Off, ..settings(9600) };
    let mut end = ComPort::new(&switched);
    let mut server = Server::new(PortSettings::default());
    for _ in 0..8 {
        assert!(server.receive(&said(&mut end)).is_empty());
        heard(&mut end, &server.take_output());
    }
    while server.poll_event().is_some() {}
    end.end();
    assert!(server.receive(&said(&mut end)).is_empty());
    let seen: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
    assert_eq!(seen, [ServerEvent::Dtr(true), ServerEvent::Rts(false)]);
}

#[test]
fn a_server_that_is_asked_for_what_the_protocol_does_not_have_is_noted() {
    let mut wanted = settings(9600);
    wanted.rs485.mode = ControlLine::On;
    assert_eq!(notes(&mut ComPort::new(&wanted)), ["RFC 2217 has no `rs485`: set it at the server"]);
}
