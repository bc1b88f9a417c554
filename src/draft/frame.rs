//! Frames of protocols of bytes, Modbus RTU and UBX for instance: where one ends, and how a flow waits for it.

use std::time::Duration;

use crate::record::{Entry, EntryKind, Piece, Recording};
use crate::value::checksum::crc16_modbus;
use crate::value::literal::{hex_literal, is_frame};

/// The bytes of one frame follow each other faster.
const GAP: Duration = Duration::from_millis(30);

/// What a frame of UBX begins with, and what it has besides its data.
const UBX: &[u8] = b"\xb5b";
const UBX_AROUND: usize = 8;

/// Returns a recording in which each frame that came stands in one entry, and nothing else in it.
pub(super) fn whole_frames(recording: &Recording) -> Recording {
    let mut entries: Vec<Entry> = Vec::new();
    let mut at = 0;
    let all = &recording.entries;
    while at < all.len() {
        let n = length_of_run(&all[at..]);
        let bytes: Vec<u8> = all[at..at + n].iter().filter_map(bytes_of).flatten().copied().collect();
        if n == 0 || !is_frame(&bytes) {
            let n = n.max(1);
            entries.extend_from_slice(&all[at..at + n]);
            at += n;
            continue;
        }
        let entry = &all[at];
        for part in parts(&bytes) {
            entries.push(Entry {
                kind: EntryKind::Received { bytes: vec![Piece::Bytes(part.to_vec())] },
                ..entry.clone()
            });
        }
        at += n;
    }
    Recording { entries, ..recording.clone() }
}

/// Returns how many entries came one after the other without a pause.
fn length_of_run(entries: &[Entry]) -> usize {
    let is_next = |n: &usize| *n == 0 || entries[*n].at.since(entries[*n - 1].at) < GAP;
    (0..entries.len()).take_while(|n| bytes_of(&entries[*n]).is_some() && is_next(n)).count()
}

fn bytes_of(entry: &Entry) -> Option<&Vec<u8>> {
    match &entry.kind {
        EntryKind::Received { bytes } => match &bytes[..] {
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        },
        EntryKind::Sent { .. } | EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
    }
}

/// Cuts what came into frames that tell their length, and what stands between them.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let begin = rest.windows(UBX.len()).position(|lead| lead == UBX);
        let n = match begin {
            Some(0) => length_of_ubx(rest).unwrap_or(rest.len()),
            Some(begin) => begin,
            None => rest.len(),
        };
        let (part, behind) = rest.split_at(n);
        parts.push(part);
        rest = behind;
    }
    parts
}

fn length_of_ubx(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?])) + UBX_AROUND;
    (length <= bytes.len()).then_some(length)
}

/// Returns the bytes, if they are a frame and nothing else.
pub(super) fn as_frame(pieces: &[Piece]) -> Option<&[u8]> {
    match pieces {
        [Piece::Bytes(bytes)] if bytes.len() > 2 && is_frame(bytes) => Some(bytes),
        _ => None,
    }
}

/// Returns the statements that wait for a frame, as it came in each of the recordings.
pub(super) fn wait_for(variants: &[Vec<u8>], within: &str) -> String {
    let frame = &variants[0];
    let n_common =
        (0..frame.len()).take_while(|at| variants.iter().all(|other| other.get(*at) == Some(&frame[*at]))).count();
    if variants.iter().all(|frame| is_modbus_answer(frame)) {
        let n = frame.len();
        let is_wrong = r#"assert crc16_modbus(frame) == 0, "the checksum of ${hex(frame)} is wrong""#;
        if variants.iter().all(|other| other.len() == n) {
            return format!("read {n} bytes as frame{within}\n{is_wrong}");
        }
        return format!("read until quiet for 50ms as frame{within}\n{is_wrong}");
    }
    if frame.starts_with(UBX) && frame.len() >= UBX_AROUND && n_common >= 4 {
        let n = frame.len() - 4;
        if variants.iter().all(|other| other.len() == frame.len()) {
            return format!("expect {}{within}\nread {n} bytes as _payload", hex_literal(&frame[..4]));
        }
        return format!("expect {}{within}", hex_literal(&frame[..4]));
    }
    let is_same = variants.iter().all(|other| other == frame);
    match (is_same, n_common) {
        (true, _) => format!("expect {}{within}", hex_literal(frame)),
        (false, 0) => format!("read until quiet for 50ms as _frame{within}"),
        (false, n) if variants.iter().all(|other| other.len() == frame.len()) => {
            format!("expect {}{within}\nread {} bytes as _rest", hex_literal(&frame[..n]), frame.len() - n)
        }
        (false, n) => format!("expect {}{within}", hex_literal(&frame[..n])),
    }
}

/// Whether a frame is what a device of Modbus RTU answers that was asked for its values.
fn is_modbus_answer(frame: &[u8]) -> bool {
    let [_, function @ 1..=4, n_bytes, ..] = frame else { return false };
    let _ = function;
    frame.len() == usize::from(*n_bytes) + 5 && crc16_modbus(frame) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_modbus_may_change_and_the_checksum_has_to_be_right() {
        let answer = b"\x01\x03\x02\x09\x2a\x3f\xcb".to_vec();
        let other = b"\x01\x03\x02\x0d\x0a\x3c\xd4".to_vec();
        for variants in [vec![answer.clone()], vec![answer.clone(), answer]] {
            assert!(wait_for(&variants, "").starts_with("read 7 bytes as frame\nassert crc16_modbus(frame) == 0"));
        }
        let broken = wait_for(std::slice::from_ref(&other), "");
        assert!(broken.starts_with("expect x\"01 03 02 0d 0a"), "{broken} {:04x}", crc16_modbus(&other));
        let written = b"\x01\x06\x00\x01\x00\x0a\x59\xcd".to_vec();
        assert_eq!(wait_for(&[written], " within 10s"), "expect x\"01 06 00 01 00 0a 59 cd\" within 10s");
    }

    #[test]
    fn frames_of_ubx_and_lines_between_them_are_parted() {
        let came = b"$GN\r\n\xb5b\x05\x01\x02\x00\x06\x01\x0f8$GP\r\n\xb5b\x05\x01\x02\x00\x06\x01\x0f8";
        let parts: Vec<usize> = parts(came).iter().map(|part| part.len()).collect();
        assert_eq!(parts, [5, 10, 5, 10]);
        assert_eq!(wait_for(&[came[5..15].to_vec()], ""), "expect x\"b5 62 05 01\"\nread 6 bytes as _payload");
    }
}
