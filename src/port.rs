//! What is asked of a port, and what a port reports.

use std::time::Duration;

use crate::event::CloseReason;
use crate::settings::LineSettings;

/// What an engine asks of a port.
#[derive(Debug, PartialEq)]
pub enum PortCommand {
    /// Open it. Answered by [`Happening::Opened`] or [`Happening::Closed`].
    Open {
        /// With these settings.
        settings: LineSettings,
    },
    /// Write these bytes, all of them. Answered by [`Happening::Sent`] when the last has been handed over.
    Write {
        /// Handed back when they have left.
        token: WriteToken,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Switch DTR and RTS in one step; `None` leaves a line as it is.
    SetLines {
        /// Data terminal ready.
        dtr: Option<bool>,
        /// Request to send.
        rts: Option<bool>,
    },
    /// Hold the line in break for so long.
    Break {
        /// How long.
        lasting: Duration,
    },
    /// Change baud and format.
    Reconfigure {
        /// The new settings.
        settings: LineSettings,
    },
    /// Throw away what the system has received but not yet given.
    DiscardInput,
    /// Close it.
    Close,
}

/// What a world tells of.
#[derive(Debug, PartialEq)]
pub enum Happening {
    /// Only time passed.
    Nothing,
    /// The port is open.
    Opened,
    /// Bytes came; they are in the buffer that was handed in.
    Received,
    /// The bytes of a write have left.
    Sent(WriteToken),
    /// The port is gone.
    Closed(CloseReason),
    /// Someone wants the run to end: Ctrl-C, SIGTERM.
    Interrupt,
}

/// Stands for one write: one is made for each, and handed back when the bytes have left.
#[derive(Debug, PartialEq, Eq)]
pub struct WriteToken(u64);

impl WriteToken {
    /// Makes the token of the write with this number.
    pub(crate) fn new(number: u64) -> WriteToken {
        WriteToken(number)
    }

    /// Returns the number of the write.
    pub fn number(&self) -> u64 {
        self.0
    }
}

/// One of the ports of a run, by its place among those that the flow declares; the first has the number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(u16);

impl PortId {
    /// The port that is meant when nothing is said: the only one of most runs.
    pub const FIRST: PortId = PortId(0);

    /// Returns the port at a place; `None` beyond the 65,536 that can be numbered.
    pub fn new(index: usize) -> Option<PortId> {
        u16::try_from(index).ok().map(PortId)
    }

    /// Returns its place.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
