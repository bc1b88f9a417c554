//! `Entry`: one thing that happened on a recorded line.

use std::time::Duration;

use crate::time::Moment;

/// One thing that happened on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// What.
    pub kind: EntryKind,
}

/// What happened on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The port was opened with these settings.
    Opened {
        /// Such as `115200 8N1`.
        line: String,
    },
    /// The flow wrote this.
    Sent {
        /// What.
        bytes: Vec<Piece>,
        /// How long it took to leave.
        took: Duration,
    },
    /// This came.
    Received {
        /// What.
        bytes: Vec<Piece>,
    },
    /// Line states, settings, a break: told, and not compared when it is played.
    Note {
        /// What.
        text: String,
    },
    /// The other side hung up.
    Closed,
}

/// A part of what was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it was.
    Bytes(Vec<u8>),
    /// A secret.
    Secret(Mask),
}

/// Stands for a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mask {
    /// The secret's name.
    pub name: String,
    /// How it stands there: `plain`, `hex` and so on, as the engine calls it.
    pub form: String,
    /// How many bytes it has in this form.
    pub len: usize,
}

/// Puts masks into the place of secrets in one direction of a line, also where reads have cut them.
pub(super) fn mask(entries: &mut [Entry], forms: &[(Mask, Vec<u8>)], is_meant: impl Fn(&EntryKind) -> bool) {
    let mut stream = Vec::new();
    let mut ends = Vec::new();
    for (i, entry) in entries.iter().enumerate().filter(|(_, entry)| is_meant(&entry.kind)) {
        if let EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } = &entry.kind {
            for piece in bytes {
                match piece {
                    Piece::Bytes(bytes) => stream.extend_from_slice(bytes),
                    Piece::Secret(_) => return,
                }
            }
            ends.push((i, stream.len()));
        }
    }
    let mut at = 0;
    for (i, end) in ends {
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        while at < end {
            match forms.iter().find(|(_, form)| stream[at..].starts_with(form)) {
                Some((mask, form)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Bytes(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Secret(mask.clone()));
                    at += form.len();
                }
                None => {
                    plain.push(stream[at]);
                    at += 1;
                }
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Bytes(plain));
        }
        if let EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } = &mut entries[i].kind {
            *bytes = pieces;
        }
    }
}
