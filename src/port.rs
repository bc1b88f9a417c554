//! What is asked of a port, and what a port reports.

use std::time::Duration;

use crate::event::{CloseReason, Departure, HookNews};
pub use crate::port_id::PortId;
use crate::settings::{ControlLine, InputLine, InputLines, LineSettings, Signal};

/// What an engine asks of a port.
#[derive(Debug, PartialEq)]
pub enum PortCommand {
    /// Open it. Answered by [`Happening::Opened`] or [`Happening::Closed`].
    Open {
        /// With these settings.
        settings: LineSettings,
    },
    /// Open it again, as soon as it is there. Answered by [`Happening::Opened`] whenever that is; [`PortCommand::Close`] ends the
    /// search, and a further one changes the settings. A world whose port never comes back does nothing.
    Reopen {
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
    /// Say how CTS, DSR, DCD and RI are. Answered by [`Happening::Lines`].
    ReadLines,
    /// Switch lines that the host reads: what a device does.
    DriveLines {
        /// Which, and whether they are on from now on.
        lines: Vec<(InputLine, bool)>,
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
    /// Throw away what was to be written and has not left: the writes of these bytes are not answered any more.
    DiscardOutput,
    /// Tell the program at the other end how large the screen is on which people read it. Other ports have no use for it.
    Resize {
        /// How large.
        size: ScreenSize,
    },
    /// Close it.
    Close,
}

impl PortCommand {
    /// Returns what a port must be able to do for this command to have its effect.
    ///
    /// Every port opens, writes, throws away what it did not write, and closes. The baud and the format of [`PortCommand::Open`] are not counted: they are
    /// always there, whether a flow asks for them or not, and a port without them is opened all the same.
    pub fn needs(&self) -> Capabilities {
        match self {
            PortCommand::Open { settings } | PortCommand::Reopen { settings }
                if settings.dtr == ControlLine::Keep && settings.rts == ControlLine::Keep =>
            {
                Capabilities::NONE
            }
            PortCommand::Open { settings: _ } | PortCommand::Reopen { settings: _ } => Capability::ControlLines.into(),
            PortCommand::SetLines { dtr: None, rts: None } => Capabilities::NONE,
            PortCommand::SetLines { dtr: _, rts: _ } => Capability::ControlLines.into(),
            PortCommand::Break { lasting: _ } => Capability::Break.into(),
            PortCommand::Reconfigure { settings: _ } => Capabilities::of(&[Capability::Baud, Capability::Format]),
            PortCommand::DiscardInput => Capability::DiscardInput.into(),
            // A port that has no such lines says so in its answer.
            PortCommand::ReadLines
            | PortCommand::DriveLines { lines: _ }
            | PortCommand::Write { token: _, bytes: _ }
            | PortCommand::DiscardOutput
            | PortCommand::Resize { size: _ }
            | PortCommand::Close => Capabilities::NONE,
        }
    }
}

/// How large a screen of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenSize {
    /// From top to bottom.
    pub rows: u16,
    /// From left to right.
    pub columns: u16,
}

/// What the bytes of a port go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A serial line, real or simulated.
    Serial,
    /// A serial line behind a server, which sets it as it is asked to (RFC 2217).
    SerialServer,
    /// A connection: what line is behind it, if any, is the business of its server.
    Connection,
    /// The terminal of a program.
    Program,
}

impl Carrier {
    /// Whether there is a line, whose baud and format count.
    pub fn has_line(self) -> bool {
        match self {
            Carrier::Serial | Carrier::SerialServer => true,
            Carrier::Connection | Carrier::Program => false,
        }
    }
}

/// Something that not every kind of port can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It has a baud.
    Baud,
    /// It has data bits, a parity, stop bits and flow control.
    Format,
    /// It has DTR and RTS, which can be switched.
    ControlLines,
    /// It can hold the line in break.
    Break,
    /// It can throw away what was received and not yet given.
    DiscardInput,
}

impl Capability {
    /// All of them.
    pub const ALL: [Capability; 5] =
        [Capability::Baud, Capability::Format, Capability::ControlLines, Capability::Break, Capability::DiscardInput];
}

/// What a kind of port can do: the same for every port of the kind, and known before one is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// One bit for each [`Capability`].
    bits: u8,
}

impl Capabilities {
    /// Bytes go in and out, and that is all.
    pub const NONE: Capabilities = Capabilities::of(&[]);

    /// Everything that a serial port can do.
    pub const ALL: Capabilities = Capabilities::of(&Capability::ALL);

    /// Returns these together.
    pub const fn of(these: &[Capability]) -> Capabilities {
        let mut bits = 0;
        let mut n = 0;
        while n < these.len() {
            bits |= 1 << these[n] as u8;
            n += 1;
        }
        Capabilities { bits }
    }

    /// Returns those that are among these and among the others.
    #[must_use]
    pub const fn both(self, others: Capabilities) -> Capabilities {
        Capabilities { bits: self.bits & others.bits }
    }

    /// Returns whether each of `needed` is among these.
    pub fn cover(self, needed: Capabilities) -> bool {
        needed.bits & !self.bits == 0
    }
}

impl From<Capability> for Capabilities {
    fn from(one: Capability) -> Capabilities {
        Capabilities::of(&[one])
    }
}

/// What a world reports.
#[derive(Debug, PartialEq)]
pub enum Happening {
    /// Only time passed.
    Nothing,
    /// A port is open.
    Opened(PortId),
    /// Bytes came on a port; they are in the buffer that was handed in.
    Received(PortId),
    /// The bytes of a write have left.
    Sent(WriteToken),
    /// A port is gone.
    Closed(PortId, CloseReason),
    /// A port is gone: the flow does other things than in the recording that plays its other end.
    Departed(PortId, Box<Departure>),
    /// A port does something else than it was asked for, and goes on: a sentence for the user.
    Noted(PortId, String),
    /// How CTS, DSR, DCD and RI of a port are, or why that cannot be known.
    Lines(PortId, Result<InputLines, String>),
    /// The host did this with its control lines; a device is told.
    Signalled(PortId, Signal),
    /// What the hook that runs has to tell.
    Hook(HookNews),
    /// Someone wants the run to end: Ctrl-C, SIGTERM.
    Interrupt,
    /// The ports were closed, and the recording that is played goes on: what is left of it.
    Unplayed(String),
}

impl Happening {
    /// Returns the same of another port: what a world of one port reports is of the first. The token of a write has its port
    /// already.
    #[must_use]
    pub fn on(self, port: PortId) -> Happening {
        match self {
            Happening::Opened(_) => Happening::Opened(port),
            Happening::Received(_) => Happening::Received(port),
            Happening::Closed(_, reason) => Happening::Closed(port, reason),
            Happening::Departed(_, departure) => Happening::Departed(port, departure),
            Happening::Noted(_, text) => Happening::Noted(port, text),
            Happening::Lines(_, lines) => Happening::Lines(port, lines),
            Happening::Signalled(_, signal) => Happening::Signalled(port, signal),
            Happening::Nothing => Happening::Nothing,
            Happening::Sent(token) => Happening::Sent(token),
            Happening::Hook(news) => Happening::Hook(news),
            Happening::Interrupt => Happening::Interrupt,
            Happening::Unplayed(left) => Happening::Unplayed(left),
        }
    }
}

/// Stands for one write on one port: one is made for each, and handed back when the bytes have left.
#[derive(Debug, PartialEq, Eq)]
pub struct WriteToken {
    port: PortId,
    number: u64,
}

impl WriteToken {
    /// Makes the token of the write with this number on a port.
    pub(crate) fn new(port: PortId, number: u64) -> WriteToken {
        WriteToken { port, number }
    }

    /// Returns the port that is written to.
    pub fn port(&self) -> PortId {
        self.port
    }

    /// Returns the number of the write; each port counts its own.
    pub fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_port_covers_what_is_needed_only_if_it_has_all_of_it() {
        let needed = Capabilities::of(&[Capability::Break, Capability::Baud]);
        assert!(Capabilities::ALL.cover(needed) && needed.cover(needed));
        for too_few in [Capabilities::NONE, Capability::Break.into(), Capability::Format.into()] {
            assert!(!too_few.cover(needed), "{too_few:?}");
        }
    }

    #[test]
    fn every_capability_is_needed_by_a_command() {
        let line = Settings::default().line;
        let switched = LineSettings { dtr: ControlLine::Off, ..line.clone() };
        let commands = [
            PortCommand::Reconfigure { settings: line.clone() },
            PortCommand::SetLines { dtr: None, rts: Some(true) },
            PortCommand::Break { lasting: Duration::ZERO },
            PortCommand::DiscardInput,
        ];
        let is_needed = |one: &Capability| commands.iter().any(|command| command.needs().cover((*one).into()));
        let needed: Vec<_> = Capability::ALL.into_iter().filter(is_needed).collect();
        assert_eq!(needed, Capability::ALL);
        assert_eq!(PortCommand::Open { settings: switched }.needs(), Capability::ControlLines.into());
    }

    #[test]
    fn what_every_port_can_do_needs_nothing() {
        let commands = [
            PortCommand::Open { settings: Settings::default().line },
            PortCommand::Write { token: WriteToken::new(PortId::FIRST, 1), bytes: Vec::new() },
            PortCommand::SetLines { dtr: None, rts: None },
            PortCommand::DiscardOutput,
            PortCommand::Resize { size: ScreenSize { rows: 24, columns: 80 } },
            PortCommand::Close,
        ];
        assert!(commands.iter().all(|one| Capabilities::NONE.cover(one.needs())));
    }
}
