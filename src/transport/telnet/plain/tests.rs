//! Telnet without a connection: two ends that talk to each other, and one that hears anything.

use proptest::prelude::*;

use super::*;

/// Returns what an end has to say.
fn said(end: &mut Plain) -> Vec<u8> {
    let mut output = Vec::new();
    end.take_output(&mut output);
    output
}

/// Lets two ends talk until both are quiet; returns how often one had something to say.
fn talk(one: &mut Plain, other: &mut Plain) -> usize {
    for n in 0.. {
        let (from_one, from_other) = (said(one), said(other));
        if from_one.is_empty() && from_other.is_empty() {
            return n;
        }
        assert!(n < 100, "they go on for ever: {from_one:?}, {from_other:?}");
        other.receive(&from_one, &mut Vec::new());
        one.receive(&from_other, &mut Vec::new());
    }
    0
}

/// Returns what an end gets out of bytes that are cut at these places.
fn heard(bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let mut end = Plain::new();
    let mut data = Vec::new();
    for piece in pieces(bytes, cuts) {
        end.receive(piece, &mut data);
    }
    (data, said(&mut end))
}

/// Returns the pieces that a stream is cut into.
pub(in crate::transport::telnet) fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// Streams with many commands in them.
pub(in crate::transport::telnet) fn streams() -> impl Strategy<Value = Vec<u8>> {
    let command = prop_oneof![Just(IAC), Just(SB), Just(SE), WILL..=DONT, Just(BINARY), Just(44), Just(b'\r'), Just(0)];
    proptest::collection::vec(prop_oneof![3 => command, 1 => any::<u8>()], 0..100)
}

#[test]
fn it_asks_for_eight_bits_both_ways_and_settles_when_that_is_answered() {
    let mut end = Plain::new();
    assert_eq!(said(&mut end), [255, 251, 0, 255, 253, 0, 255, 251, 3, 255, 253, 3]);
    assert!(!end.is_settled());
    end.receive(&[255, 253, 0, 255, 251, 0, 255, 254, 3, 255, 252, 3], &mut Vec::new());
    assert!(end.is_settled() && said(&mut end).is_empty(), "an answer to what it asked needs no answer");
    end.give_up();
    assert_eq!(end.note(), None);
}

#[test]
fn an_end_that_says_nothing_is_noted_and_gets_its_data() {
    let mut end = Plain::new();
    said(&mut end);
    end.give_up();
    let note = end.note().expect("nobody answered");
    assert!(note.contains("within 3 s") && note.contains("`tcp://`"), "{note}");
    end.send(b"AT");
    assert_eq!(said(&mut end), b"AT");
}

#[test]
fn the_echo_of_the_other_end_is_accepted_and_other_options_are_refused_once() {
    let mut end = Plain::new();
    said(&mut end);
    end.receive(&[255, 251, 1, 255, 253, 24, 255, 251, 39, 255, 254, 24, 255, 252, 39], &mut Vec::new());
    assert_eq!(said(&mut end), [255, 253, 1, 255, 252, 24, 255, 254, 39]);
    end.receive(&[255, 251, 1, 255, 252, 1, 255, 252, 1], &mut Vec::new());
    assert_eq!(said(&mut end), [255, 254, 1], "the end of an option is agreed to once");
}

#[test]
fn two_ends_that_begin_agree_and_fall_silent() {
    let (mut one, mut other) = (Plain::new(), Plain::new());
    assert!(talk(&mut one, &mut other) <= 3);
    assert!(one.is_settled() && other.is_settled());
    assert!(one.is_binary(Side::Ours) && other.is_binary(Side::Theirs));
}

#[test]
fn an_end_that_switches_for_ever_is_answered_for_a_while() {
    let mut end = Plain::new();
    let mut n_agreed = 0;
    for _ in 0..1000 {
        end.receive(&[255, 251, 1, 255, 252, 1], &mut Vec::new());
        n_agreed += said(&mut end).windows(3).filter(|said| *said == [255, 253, 1]).count();
    }
    assert_eq!(n_agreed, usize::from(MOST_SWITCHES));
}

#[test]
fn a_subnegotiation_that_has_no_end_swallows_no_more_than_a_kibibyte() {
    let bytes = [&[IAC, SB][..], &[b'x'; 2000]].concat();
    let (data, _) = heard(&bytes, &[]);
    assert_eq!(data.len(), 2000 - LONGEST_SUBNEGOTIATION - 1);
    let (data, _) = heard(&[IAC, SB, 24, IAC, IAC, 1, IAC, SE, b'a'], &[]);
    assert_eq!(data, b"a");
}

#[test]
fn a_line_end_is_cr_nul_as_long_as_eight_bits_are_not_agreed_on() {
    let mut end = Plain::new();
    said(&mut end);
    end.send(b"a\rb\r\n\r");
    assert_eq!(said(&mut end), b"a\r\0b\r\n\r\0");
    assert_eq!(heard(b"a\r\0b\r\n\0", &[]).0, b"a\rb\r\n\0");
    let mut data = Vec::new();
    end.receive(&[255, 253, 0, 255, 251, 0], &mut data);
    end.send(b"a\r");
    end.receive(b"\r\0", &mut data);
    assert_eq!((said(&mut end), data), (b"a\r".to_vec(), b"\r\0".to_vec()));
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_the_cuts(bytes in streams(), cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        prop_assert_eq!(heard(&bytes, &cuts), heard(&bytes, &[]));
    }

    #[test]
    fn answers_are_no_more_than_what_is_asked(bytes in streams()) {
        let opening = said(&mut Plain::new()).len();
        prop_assert!(heard(&bytes, &[]).1.len() <= opening + bytes.len());
    }

    #[test]
    fn what_is_sent_is_what_is_heard(
        data in proptest::collection::vec(prop_oneof![Just(IAC), Just(b'\r'), Just(0), Just(b'\n'), any::<u8>()], 0..300),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
        is_agreed in any::<bool>(),
    ) {
        let (mut one, mut other) = (Plain::new(), Plain::new());
        if is_agreed {
            talk(&mut one, &mut other);
        } else {
            said(&mut one);
        }
        for piece in pieces(&data, &cuts) {
            one.send(piece);
        }
        let mut heard = Vec::new();
        other.receive(&said(&mut one), &mut heard);
        prop_assert_eq!(heard, data);
    }
}
