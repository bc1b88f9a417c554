//! `Transfer`: a file that went over a line by XMODEM or YMODEM, as a note of a recording that was read for a draft.

use std::fmt::Write;
use std::time::Duration;

use crate::value::literal::{TextPart, hex_literal, is_binary, literal};

/// How its note begins.
const NOTE: &str = "transfer ";

/// A device sends no more of a file than this: what is in it matters to nobody.
const LONGEST: usize = 4096;

/// A file that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Whether the flow sent it.
    pub is_sent: bool,
    /// As `send_file` calls it.
    pub protocol: String,
    /// How long it took.
    pub took: Duration,
    /// What the protocol calls it; nothing if it has no names.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

impl Transfer {
    /// Returns the text of a note.
    pub(crate) fn text(&self) -> String {
        let way = if self.is_sent { "send" } else { "receive" };
        let name = digits_of(self.name.as_bytes());
        format!("{NOTE}{way} {} {} {name} {}", self.protocol, self.took.as_millis(), digits_of(&self.content))
    }

    /// Reads the text of a note; `None` if it is about something else.
    pub(crate) fn read(text: &str) -> Option<Transfer> {
        let words: Vec<&str> = text.strip_prefix(NOTE)?.split(' ').collect();
        let [way, protocol, took, name, content] = words[..] else { return None };
        Some(Transfer {
            is_sent: way == "send",
            protocol: protocol.to_string(),
            took: Duration::from_millis(took.parse().ok()?),
            name: String::from_utf8_lossy(&bytes_of(name)?).into_owned(),
            content: bytes_of(content)?,
        })
    }

    /// Returns what follows `by`, and before it the name, if the protocol tells one.
    pub(crate) fn manner(&self) -> String {
        let name = match self.name.is_empty() {
            true => String::new(),
            false => format!("as {} ", literal(&[TextPart::Bytes(self.name.clone().into_bytes())])),
        };
        format!("{name}by {}", self.protocol)
    }

    /// Returns so much of the content as a literal.
    pub(crate) fn content(&self, longest: usize) -> String {
        let bytes = &self.content[..self.content.len().min(longest)];
        if is_binary(bytes) { hex_literal(bytes) } else { literal(&[TextPart::Bytes(bytes.to_vec())]) }
    }

    /// Returns what the device does.
    pub(super) fn statement_of_device(&self) -> String {
        if self.is_sent {
            format!("receive_file _file by {}", self.protocol)
        } else {
            format!("send_file {} {}", self.content(LONGEST), self.manner())
        }
    }
}

fn digits_of(bytes: &[u8]) -> String {
    bytes.iter().fold("-".to_string(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.strip_prefix('-')?;
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
