//! `FileTransfer`: how far a file is that a flow sends or receives.

use std::fmt;
use std::time::Duration;

use crate::time::show_duration;

/// What became of a file on its way; secrets are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTransfer {
    /// Where it is.
    pub stage: TransferStage,
    /// Which way it goes.
    pub direction: Direction,
    /// What the flow calls it.
    pub name: String,
    /// The protocol, `xmodem` for instance; `None` if its bytes are sent as they are.
    pub protocol: Option<String>,
    /// How many of its bytes have arrived, or were sent.
    pub bytes: u64,
    /// How many there are, if that is known.
    pub of: Option<u64>,
    /// How many blocks have arrived; 0 without a protocol.
    pub blocks: u64,
    /// How many blocks, or questions for them, went out once more.
    pub again: u64,
    /// How long it has been on its way.
    pub took: Duration,
    /// What the sender calls it, as visible text, if the protocol tells.
    pub called: Option<String>,
}

/// Where a file is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferStage {
    /// At its beginning.
    Began,
    /// In the middle.
    Moved,
    /// There, as a whole.
    Passed,
    /// Given up; the failure follows.
    Failed,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The flow sends it.
    Sends,
    /// The flow receives it.
    Receives,
}

impl FileTransfer {
    /// Returns what people read about it; nothing of one that failed, for the failure says it.
    pub fn shown(&self) -> Option<String> {
        match self.stage {
            TransferStage::Failed => None,
            TransferStage::Began | TransferStage::Moved | TransferStage::Passed => Some(self.to_string()),
        }
    }

    /// Returns all texts in it that may hold something of a secret.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.name].into_iter().chain(&mut self.called)
    }

    /// Returns how much its texts take, in bytes.
    pub fn weight(&self) -> usize {
        self.name.len() + self.called.as_ref().map_or(0, String::len)
    }

    /// Returns how it goes, as the end of a sentence.
    fn how(&self) -> String {
        self.protocol.as_ref().map_or(String::new(), |protocol| format!(" by {protocol}"))
    }

    fn fmt_passed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.direction {
            Direction::Sends => "sent",
            Direction::Receives => "received",
        };
        write!(f, "{verb} {}: {} bytes", self.name, self.bytes)?;
        if self.protocol.is_some() {
            write!(f, " in {} {}", self.blocks, if self.blocks == 1 { "block" } else { "blocks" })?;
        }
        if self.again > 0 {
            write!(f, ", {} once more", self.again)?;
        }
        if let Some(name) = &self.called {
            write!(f, ", which the sender calls `{name}`")?;
        }
        write!(f, ", in {}", show_duration(self.took))
    }
}

impl fmt::Display for FileTransfer {
    /// Writes where it is: `sending fw: 133000 bytes by xmodem`, `65536 of 133000 bytes of fw were sent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stage, self.direction, self.of) {
            (TransferStage::Began, Direction::Sends, of) => {
                write!(f, "sending {}: {} bytes{}", self.name, of.unwrap_or(0), self.how())
            }
            (TransferStage::Began, Direction::Receives, _) => write!(f, "receiving {}{}", self.name, self.how()),
            (TransferStage::Moved | TransferStage::Failed, direction, of) => {
                let done = match direction {
                    Direction::Sends => "were sent",
                    Direction::Receives => "came",
                };
                let of = of.map_or(String::new(), |of| format!(" of {of}"));
                write!(f, "{}{of} bytes of {} {done}", self.bytes, self.name)
            }
            (TransferStage::Passed, _, _) => self.fmt_passed(f),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file in the middle of its way.
    pub(crate) fn example(stage: TransferStage) -> FileTransfer {
        FileTransfer {
            stage,
            direction: Direction::Sends,
            name: "fw".to_string(),
            protocol: Some("xmodem_1k".to_string()),
            bytes: 65_536,
            of: Some(133_000),
            blocks: 64,
            again: 2,
            took: Duration::from_millis(1500),
            called: None,
        }
    }

    #[test]
    fn each_stage_is_a_sentence() {
        let shown = |stage| example(stage).to_string();
        assert_eq!(shown(TransferStage::Began), "sending fw: 133000 bytes by xmodem_1k");
        assert_eq!(shown(TransferStage::Moved), "65536 of 133000 bytes of fw were sent");
        assert_eq!(shown(TransferStage::Passed), "sent fw: 65536 bytes in 64 blocks, 2 once more, in 1.5s");
        assert_eq!(example(TransferStage::Failed).shown(), None);
        let came = FileTransfer {
            direction: Direction::Receives,
            of: None,
            called: Some("a.bin".to_string()),
            ..example(TransferStage::Passed)
        };
        assert_eq!(
            came.to_string(),
            "received fw: 65536 bytes in 64 blocks, 2 once more, which the sender calls `a.bin`, in 1.5s"
        );
    }
}
