//! What a recorder writes is what one would write who knows everything at the end, and it needs little memory for that.

use proptest::prelude::*;

use super::super::file::tests::gone_over;
use super::*;
use crate::port::{PortId, WriteToken};
use crate::record::Piece;
use crate::settings::Settings;

/// Values of secrets, with their names.
type Secrets = Vec<(Arc<str>, Vec<u8>)>;

fn secrets(values: &[&str]) -> Secrets {
    let named = values.iter().enumerate();
    named.map(|(i, value)| (Arc::from(format!("key{i}")), value.as_bytes().to_vec())).collect()
}

fn header() -> Recording {
    let variables = vec![("apn".to_string(), "cmnet".to_string()), ("url".to_string(), "x?hunter22".to_string())];
    Recording { title: "t".to_string(), seed: 7, begun: 5, about: Vec::new(), variables, entries: Vec::new() }
}

fn ms(ms: u64) -> Moment {
    Moment::from_millis(ms)
}

fn received(recorder: &mut impl Tap, at: u64, bytes: &[u8]) {
    recorder.happened(ms(at), &Happening::Received(PortId::FIRST), bytes);
}

fn write(number: u64, bytes: &[u8]) -> PortCommand {
    PortCommand::Write { token: WriteToken::new(PortId::FIRST, number), bytes: bytes.to_vec() }
}

/// Something that a run tells a recorder.
#[derive(Clone, Debug)]
enum Told {
    Received(Vec<u8>),
    Writes(Vec<u8>),
    /// The oldest write has left.
    Left,
    Wait,
    Quiet,
    /// One more secret is known from here on.
    Learns,
}

fn told(learns: u32) -> impl Strategy<Value = Vec<Told>> {
    // Two letters: then beginnings of secrets are everywhere.
    let bytes = || proptest::collection::vec(proptest::sample::select(&b"ab"[..]), 0..12);
    let one = prop_oneof![
        5 => bytes().prop_map(Told::Received),
        2 => bytes().prop_map(Told::Writes),
        2 => Just(Told::Left),
        2 => Just(Told::Wait),
        2 => Just(Told::Quiet),
        learns => Just(Told::Learns),
    ];
    proptest::collection::vec(one, 0..60)
}

fn some_secrets() -> impl Strategy<Value = Secrets> {
    let values = proptest::collection::vec("[ab]{4,9}", 0..4);
    values.prop_map(|values| secrets(&values.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Plays it to a recorder that knows so many secrets at first; returns what it wrote, where that is to be looked at
/// again, and what happened.
fn play(
    told: &[Told],
    secrets: &Secrets,
    mut n_known: usize,
    hold_back: HoldBack,
) -> (Vec<u8>, Option<u64>, Recording) {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(header(), hold_back, &mut text);
    let mut whole = header();
    let mut leaving: Vec<(u64, usize)> = Vec::new();
    let mut now = 0;
    for (i, told) in told.iter().enumerate() {
        match told {
            Told::Received(bytes) => {
                now += 1;
                received(&mut recorder, now, bytes);
                let bytes = vec![Piece::Bytes(bytes.clone())];
                whole.entries.push(Entry { at: ms(now), port: PortId::FIRST, kind: EntryKind::Received { bytes } });
            }
            Told::Writes(bytes) => {
                recorder.performed(PortId::FIRST, &write(i as u64, bytes));
                leaving.push((i as u64, whole.entries.len()));
                let bytes = vec![Piece::Bytes(bytes.clone())];
                whole.entries.push(Entry {
                    at: ms(now),
                    port: PortId::FIRST,
                    kind: EntryKind::Sent { bytes, took: Duration::ZERO },
                });
            }
            Told::Left if leaving.is_empty() => {}
            Told::Left => {
                now += 1;
                let (number, entry) = leaving.remove(0);
                recorder.happened(ms(now), &Happening::Sent(WriteToken::new(PortId::FIRST, number)), &[]);
                let at = whole.entries[entry].at;
                if let EntryKind::Sent { took, .. } = &mut whole.entries[entry].kind {
                    *took = ms(now).since(at);
                }
            }
            Told::Wait => recorder.waiting(&secrets[..n_known]),
            Told::Quiet => {
                recorder.waiting(&secrets[..n_known]);
                recorder.write_out();
            }
            Told::Learns => n_known = secrets.len().min(n_known + 1),
        }
    }
    let late = recorder.finish(secrets).expect("memory takes everything");
    (text, late, whole)
}

#[test]
fn a_secret_that_is_cut_for_want_of_room_is_gone_over_again() {
    let mut text = Vec::new();
    let secrets = secrets(&["hunter22"]);
    let mut recorder = Recorder::new(header(), HoldBack::Least, &mut text);
    recorder.waiting(&secrets);
    recorder.performed(PortId::FIRST, &write(1, b"hun"));
    recorder.happened(ms(1), &Happening::Sent(WriteToken::new(PortId::FIRST, 1)), &[]);
    for _ in 0..=2 * REACH / 4096 {
        received(&mut recorder, 2, &[b'.'; 4096]);
    }
    recorder.waiting(&secrets);
    let again = recorder.finish(&secrets).expect("memory takes everything");
    assert_eq!(again, Some(text.len() as u64), "all of it");
}

/// Returns where secrets stand in a stream, and which, found in the simplest way. Where several begin the longest counts, then the
/// last learned. One that reaches over the end of another has the rest. The beginning of one that is not complete counts at the end.
fn found_in(stream: &[u8], secrets: &Secrets) -> Vec<(std::ops::Range<usize>, usize)> {
    let mut all = Vec::new();
    for (number, (_, secret)) in secrets.iter().enumerate() {
        for start in 0..stream.len() {
            let rest = &stream[start..];
            let is_begun = rest.len() >= 4 && rest.len() < secret.len() && secret.starts_with(rest);
            if rest.starts_with(secret) || is_begun {
                all.push((start, (start + secret.len()).min(stream.len()), !is_begun, number));
            }
        }
    }
    all.sort_by_key(|&(start, end, is_whole, number)| (start, std::cmp::Reverse((end, is_whole, number))));
    let mut found: Vec<(std::ops::Range<usize>, usize)> = Vec::new();
    for (start, end, _, number) in all {
        let at = found.last().map_or(0, |(range, _)| range.end);
        if end > at {
            found.push((start.max(at)..end, number));
        }
    }
    found
}

/// Masks a whole recording in the simplest way.
fn masked(mut recording: Recording, secrets: &Secrets) -> Recording {
    let forms = Forms::of(secrets);
    for is_meant in [(|kind| matches!(kind, EntryKind::Sent { .. })) as fn(&EntryKind) -> bool, |kind| {
        matches!(kind, EntryKind::Received { .. })
    }] {
        let mut streams: Vec<&mut Vec<Piece>> = Vec::new();
        for entry in recording.entries.iter_mut().filter(|entry| is_meant(&entry.kind)) {
            if let EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } = &mut entry.kind {
                streams.push(bytes);
            }
        }
        let plain = |pieces: &Vec<Piece>| match &pieces[..] {
            [Piece::Bytes(bytes)] => bytes.clone(),
            _ => unreachable!("nothing is masked yet"),
        };
        let stream: Vec<u8> = streams.iter().flat_map(|pieces| plain(pieces)).collect();
        let found = found_in(&stream, secrets);
        let (mut at, mut end) = (0, 0);
        for pieces in streams {
            end += plain(pieces).len();
            pieces.clear();
            while at < end {
                match (found.iter().find(|(range, _)| range.start == at), pieces.last_mut()) {
                    (Some((range, number)), _) => {
                        forms.put_masks(*number as u32, &stream[range.clone()], pieces);
                        at = range.end;
                    }
                    (None, Some(Piece::Bytes(bytes))) => {
                        bytes.push(stream[at]);
                        at += 1;
                    }
                    (None, Some(Piece::Secret(_)) | None) => {
                        pieces.push(Piece::Bytes(vec![stream[at]]));
                        at += 1;
                    }
                }
            }
        }
    }
    let stands_in = |value: &str| {
        secrets.iter().any(|(_, secret)| value.as_bytes().windows(secret.len()).any(|window| window == secret))
    };
    recording.variables.retain(|(_, value)| !stands_in(value));
    recording
}

/// Returns both directions of a recording, without what depends on how they were cut.
fn streams(text: &[u8]) -> [Vec<Piece>; 2] {
    let mut streams = [Vec::new(), Vec::new()];
    let recording = Recording::read(std::str::from_utf8(text).expect("it is UTF-8")).expect("it can be read");
    for entry in recording.entries {
        let (stream, pieces) = match entry.kind {
            EntryKind::Sent { bytes, .. } => (&mut streams[0], bytes),
            EntryKind::Received { bytes } => (&mut streams[1], bytes),
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => continue,
        };
        for piece in pieces {
            match (stream.last_mut(), piece) {
                (Some(Piece::Bytes(before)), Piece::Bytes(bytes)) => before.extend(bytes),
                (_, piece) => stream.push(piece),
            }
        }
    }
    streams
}

proptest! {
    #[test]
    fn what_is_written_on_the_way_is_what_would_be_written_at_the_end(
        told in told(0), secrets in some_secrets(), is_least in any::<bool>(),
    ) {
        let hold_back = if is_least { HoldBack::Least } else { HoldBack::Reach };
        let (text, late, whole) = play(&told, &secrets, secrets.len(), hold_back);
        let text = String::from_utf8(text).expect("it is UTF-8");
        prop_assert_eq!(text, masked(whole, &secrets).render());
        prop_assert_eq!(late, None);
    }

    #[test]
    fn what_was_written_before_a_secret_was_known_is_masked_in_the_end(told in told(2), secrets in some_secrets()) {
        let (text, late, whole) = play(&told, &secrets, 0, HoldBack::Least);
        let text = match late {
            Some(until) => gone_over(&text, until, &secrets),
            None => text,
        };
        prop_assert_eq!(streams(&text), streams(masked(whole, &secrets).render().as_bytes()));
    }
}

#[test]
fn a_recording_is_written_as_it_always_was() {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(header(), HoldBack::Reach, &mut text);
    let settings = Settings::default().line;
    recorder.performed(PortId::FIRST, &PortCommand::Open { settings });
    recorder.performed(PortId::FIRST, &PortCommand::SetLines { dtr: Some(true), rts: None });
    recorder.performed(PortId::FIRST, &write(1, b"AT+KEY=hunter22\r"));
    recorder.waiting(&secrets(&["hunter22"]));
    recorder.happened(ms(3), &Happening::Sent(WriteToken::new(PortId::FIRST, 1)), &[]);
    received(&mut recorder, 4, b"\"\xff\\");
    recorder.happened(ms(5), &Happening::Closed(PortId::FIRST, CloseReason::unplugged()), &[]);
    assert_eq!(recorder.finish(&secrets(&["hunter22"])).expect("memory takes everything"), None);
    let lines = [
        "flowrun recording 2",
        "title \"t\"",
        "seed 7",
        "begun 5",
        "variable apn \"cmnet\"",
        "0.000000000 open 115200 8N1",
        "0.000000000 note dtr=on rts=keep",
        "0.000000000 > +0.003000000 \"AT+KEY=«key0/plain#8»\\r\"",
        "0.004000000 < \"\\\"\\xff\\\\\"",
        "0.005000000 closed",
        "",
    ];
    assert_eq!(String::from_utf8(text).expect("it is UTF-8"), lines.join("\n"));
}

#[test]
fn a_long_run_needs_no_more_memory_than_a_short_one() {
    let read = b"[12345.678901] usb 1-1: new high-speed device\r\n".repeat(348);
    for (hold_back, most) in [(HoldBack::Least, GATHERED), (HoldBack::Reach, REACH + GATHERED)] {
        let mut recorder = Recorder::new(header(), hold_back, io::sink());
        let mut n_received = 0;
        while n_received < 100 << 20 {
            received(&mut recorder, 1, &read);
            n_received += read.len();
            recorder.waiting(&[]);
            assert!(recorder.tail.n_bytes() <= most + read.len());
            assert!(recorder.tail.capacity() <= 4 * (most + read.len()));
            assert!(recorder.outlet.text.capacity() <= 4 * (GATHERED + read.len()));
        }
        assert!(recorder.outlet.n_put as usize > n_received - most);
    }
}

#[test]
fn reads_of_single_bytes_need_little_memory_too() {
    let mut recorder = Recorder::new(header(), HoldBack::Reach, io::sink());
    for _ in 0..1 << 18 {
        received(&mut recorder, 1, b".");
        recorder.waiting(&[]);
    }
    assert!(recorder.tail.n_bytes() <= 1 << 16 && recorder.tail.capacity() <= 8 << 20);
}

#[test]
fn a_secret_is_masked_that_is_made_of_what_came_before_it_and_is_held_back() {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(header(), HoldBack::Reach, &mut text);
    recorder.waiting(&[]);
    received(&mut recorder, 1, b"token: hunter22\r\n");
    for at in 2..100 {
        received(&mut recorder, at, &[b'.'; 4096]);
        recorder.waiting(&[]);
    }
    let late = recorder.finish(&secrets(&["hunter22"])).expect("memory takes everything");
    let text = String::from_utf8(text).expect("it is UTF-8");
    assert!(text.contains("token: «key0/plain#8»") && text.matches("hunter22").count() == 1, "{text}");
    assert!(late.is_some_and(|until| until < 100), "a variable was written before it was known");
}

#[test]
fn a_quiet_line_is_written_out_and_a_busy_one_once_a_second() {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(header(), HoldBack::Least, &mut text);
    recorder.waiting(&[]);
    received(&mut recorder, 1, b"quiet");
    recorder.waiting(&[]);
    assert!(recorder.has_unwritten());
    recorder.write_out();
    assert!(!recorder.has_unwritten());
    assert!(recorder.outlet.sink.ends_with(b"\"quiet\"\n"));
    for at in 0..200 {
        received(&mut recorder, 2 + at * 10, b"busy");
        recorder.waiting(&[]);
    }
    let n_written = recorder.outlet.sink.windows(4).filter(|word| word == b"busy").count();
    assert_eq!(n_written, 101, "those of the first second, and the one with which it was over");
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(text.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end_and_fills_no_memory_until_then() {
    let mut recorder = Recorder::new(header(), HoldBack::Least, Full(100_000));
    for at in 0..1000 {
        received(&mut recorder, at, &[b'.'; 4096]);
        recorder.waiting(&[]);
    }
    recorder.write_out();
    assert!(recorder.tail.n_bytes() == 0 && !recorder.has_unwritten());
    let error = recorder.finish(&[]).expect_err("the disk is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn nothing_is_written_behind_the_end_of_the_line_until_it_is_opened_again() {
    let mut out = Vec::new();
    let mut recorder = Recorder::new(header(), HoldBack::Least, &mut out);
    let second = PortId::new(1).expect("it is a small number");
    recorder.performed(PortId::FIRST, &write(1, b"A"));
    for _ in 0..2 {
        let gone = Happening::Closed(PortId::FIRST, CloseReason::unplugged());
        recorder.happened(ms(3), &gone, b"");
    }
    let late = WriteToken::new(PortId::FIRST, 2);
    recorder.performed(PortId::FIRST, &write(2, b"late"));
    recorder.happened(ms(4), &Happening::Sent(late), b"");
    recorder.performed(PortId::FIRST, &PortCommand::DiscardInput);
    recorder.performed(second, &PortCommand::DiscardInput);
    recorder.performed(PortId::FIRST, &PortCommand::Open { settings: Settings::default().line });
    recorder.performed(PortId::FIRST, &write(3, b"B"));
    recorder.finish(&[]).expect("memory takes everything");
    let text = String::from_utf8(out).expect("a recording is text");
    let entries: Vec<&str> = text.lines().filter(|line| line.starts_with("0.")).collect();
    let expected = [
        "0.000000000 > +0.003000001 \"A\"",
        "0.003000000 closed",
        "0.004000000 #1 note flush",
        "0.004000000 open 115200 8N1",
        "0.004000000 > +0.000000000 \"B\"",
    ];
    assert_eq!(entries, expected);
}
