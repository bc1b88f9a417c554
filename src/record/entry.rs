//! `Entry`: one thing that happened on a recorded line.

use std::time::Duration;

use super::NOTE_TITLE;
use crate::port::PortId;
use crate::time::Moment;

/// One thing that happened on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// On which port.
    pub port: PortId,
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

impl EntryKind {
    /// Returns the note that a person calls what follows so; line ends in it become blanks.
    pub fn title(text: &str) -> EntryKind {
        let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        EntryKind::Note { text: format!("{NOTE_TITLE}{}", words.trim()) }
    }

    /// Returns what a person called what follows, if this is such a note.
    pub fn as_title(&self) -> Option<&str> {
        match self {
            EntryKind::Note { text } => text.strip_prefix(NOTE_TITLE),
            EntryKind::Opened { .. } | EntryKind::Sent { .. } | EntryKind::Received { .. } | EntryKind::Closed => None,
        }
    }
}

/// A part of what was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it was.
    Bytes(Vec<u8>),
    /// A secret.
    Secret(Mask),
}

impl Piece {
    /// Returns how many bytes it stands for.
    pub fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Secret(mask) => mask.len,
        }
    }

    /// Whether it stands for nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
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
