//! `played`: what a device plays of a recording.

use super::acts::is_pause;
use super::dialect::Manners;
use super::session::{comment_of, shown};
use crate::record::{Entry, EntryKind, Recording};
use crate::time::Moment;

/// Of a longer answer only the beginning and the end are played.
const LONGEST_ANSWER: usize = 256 << 10;
const BEGINNING: usize = 32 << 10;
const END: usize = 16 << 10;
/// A flow waits for each line of an answer that has fewer.
const MANY_LINES: usize = 64;

/// Returns what is played, and whether answers are shorter than they were.
pub(super) fn played(recording: &Recording, manners: &Manners) -> (Recording, bool) {
    let entries = without_idle(&without_comments(&recording.entries), manners);
    let shorter = shortened(&entries);
    let is_shorter = shorter.len() < entries.len();
    (Recording { entries: shorter, ..recording.clone() }, is_shorter)
}

/// Leaves out the chatter that came while nobody waited: a device that plays it would keep the flow waiting.
fn without_idle(entries: &[Entry], manners: &Manners) -> Vec<Entry> {
    let mut last = Moment::START;
    let is_kept = |entry: &&Entry| {
        let since = entry.at.since(last);
        last = entry.at;
        let EntryKind::Received { bytes } = &entry.kind else { return true };
        let text = shown(bytes);
        let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()).peekable();
        let is_chatter = lines.peek().is_some() && lines.all(|line| manners.is_chatter(line));
        !(is_chatter && is_pause(since))
    };
    entries.iter().filter(is_kept).cloned().collect()
}

/// Leaves out comments that were sent to a shell: they are titles of the flow, and it does not send them.
fn without_comments(entries: &[Entry]) -> Vec<Entry> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < entries.len() {
        let is_received = |entry: &&Entry| matches!(entry.kind, EntryKind::Received { .. });
        let n = entries[at + 1..].iter().take_while(is_received).count();
        if let EntryKind::Sent { bytes, .. } = &entries[at].kind
            && let text = shown(bytes)
            && comment_of(bytes).is_some()
        {
            let came: Vec<u8> = entries[at + 1..at + 1 + n].iter().flat_map(received).collect();
            let mut lines = came.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
            let is_echoed = lines.next().is_some_and(|line| line == text.trim_ascii());
            if is_echoed && lines.count() <= 1 && !came.ends_with(b"\n") {
                at += n + 1;
                continue;
            }
        }
        kept.push(entries[at].clone());
        at += 1;
    }
    kept
}

fn received(entry: &Entry) -> Vec<u8> {
    match &entry.kind {
        EntryKind::Received { bytes } => shown(bytes),
        EntryKind::Sent { .. } | EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => Vec::new(),
    }
}

/// Leaves out the middle of what is too long to be read by anybody.
fn shortened(entries: &[Entry]) -> Vec<Entry> {
    let length = |entry: &Entry| match &entry.kind {
        EntryKind::Received { bytes } => bytes.iter().map(crate::record::Piece::len).sum(),
        EntryKind::Sent { .. } | EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => 0_usize,
    };
    let is_received = |entry: &Entry| matches!(entry.kind, EntryKind::Received { .. });
    let mut kept = Vec::new();
    for answer in entries.chunk_by(|entry, next| is_received(entry) == is_received(next)) {
        let total: usize = answer.iter().map(length).sum();
        if total <= LONGEST_ANSWER || answer.len() < MANY_LINES {
            kept.extend_from_slice(answer);
            continue;
        }
        let mut at = 0;
        for entry in answer {
            let is_inside = at > BEGINNING && at + length(entry) + END < total;
            at += length(entry);
            if !is_inside {
                kept.push(entry.clone());
            }
        }
    }
    kept
}
