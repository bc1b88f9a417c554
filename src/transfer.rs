//! File transfer by XMODEM and YMODEM, both sides, as state machines without I/O and without a clock.
//!
//! A machine says what is to be done next (`Step`), and is told what comes (`Machine::take`) or that nothing came in
//! time (`Machine::time_out`). What it does depends on the bytes, and not on how reads cut them.
//!
//! The rules are those of Chuck Forsberg's "XMODEM/YMODEM protocol reference". Where it leaves a choice, the receiver keeps
//! time and asks again, and the sender answers; so no two answers are under way for one block. A request to send something
//! again counts once the line is quiet: of several that come together only one is heard.

mod block;
mod plain;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

pub(crate) use plain::Plain;
pub(crate) use receiver::Receiver;
pub(crate) use sender::Sender;

/// How the blocks of a transfer are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Blocks of 128 bytes. The receiver says how they are checked: by a sum, as flowrun's does, or by a CRC.
    Xmodem,
    /// Blocks of 128 bytes with a CRC.
    XmodemCrc,
    /// Blocks of 1024 bytes with a CRC, and some of 128 at the end.
    Xmodem1k,
    /// The same, and a block before them with the name and the size of the file.
    Ymodem,
}

impl Protocol {
    /// All of them, the simplest first.
    pub const ALL: [Protocol; 4] = [Protocol::Xmodem, Protocol::XmodemCrc, Protocol::Xmodem1k, Protocol::Ymodem];

    /// Returns the name that flows use.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Xmodem => "xmodem",
            Protocol::XmodemCrc => "xmodem_crc",
            Protocol::Xmodem1k => "xmodem_1k",
            Protocol::Ymodem => "ymodem",
        }
    }

    /// Returns the protocol of this name.
    pub fn named(name: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// Whether a file has a name and a size.
    fn has_header(self) -> bool {
        self == Protocol::Ymodem
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send these bytes, then ask again.
    Send(Vec<u8>),
    /// Wait so long for more bytes. The time begins when the bytes before have left, or when `since` has become another.
    Await {
        /// How long.
        lasting: Duration,
        /// Which wait: as long as it is the same, its time goes on.
        since: u64,
    },
    /// The file is on the other side, or here.
    Done,
    /// It failed. The other side was told so, unless it said so first.
    Failed(Trouble),
}

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The likely cause, and what to do.
    pub cause: Option<&'static str>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// How many bytes of the file have arrived.
    pub bytes: usize,
    /// How many there are, if that is known.
    pub of: Option<usize>,
    /// How many blocks have arrived.
    pub blocks: u64,
    /// How many blocks, or questions for them, went out once more.
    pub again: u64,
}

/// One side of a transfer.
#[derive(Clone, Debug)]
pub(crate) enum Machine {
    /// The side that has the file.
    Sender(Box<Sender>),
    /// The side that gets it.
    Receiver(Box<Receiver>),
    /// The side that has the file, where nobody answers.
    Plain(Box<Plain>),
}

impl Machine {
    /// Returns what is to be done next.
    pub(crate) fn step(&mut self) -> Step {
        match self {
            Machine::Sender(sender) => sender.step(),
            Machine::Receiver(receiver) => receiver.step(),
            Machine::Plain(plain) => plain.step(),
        }
    }

    /// Takes bytes that came; returns how many of them it took. It takes no more once it has something else to do.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Machine::Sender(sender) => sender.take(bytes),
            Machine::Receiver(receiver) => receiver.take(bytes),
            Machine::Plain(_) => bytes.len(),
        }
    }

    /// Takes note that nothing came for as long as it said.
    pub(crate) fn time_out(&mut self) {
        match self {
            Machine::Sender(sender) => sender.time_out(),
            Machine::Receiver(receiver) => receiver.time_out(),
            Machine::Plain(_) => {}
        }
    }

    /// Returns how far it is.
    pub(crate) fn amount(&self) -> Amount {
        match self {
            Machine::Sender(sender) => sender.amount(),
            Machine::Receiver(receiver) => receiver.amount(),
            Machine::Plain(plain) => plain.amount(),
        }
    }

    /// Whether nothing of the file is under way: what comes may still be a text.
    pub(crate) fn is_before(&self) -> bool {
        match self {
            Machine::Sender(sender) => sender.is_before(),
            Machine::Receiver(receiver) => receiver.is_before(),
            Machine::Plain(_) => false,
        }
    }

    /// Whether the other side answers: what comes is for the machine.
    pub(crate) fn is_answered(&self) -> bool {
        match self {
            Machine::Sender(_) | Machine::Receiver(_) => true,
            Machine::Plain(_) => false,
        }
    }

    /// Returns which bytes of the file are in what it said last to send.
    pub(crate) fn sending(&self) -> Range<usize> {
        match self {
            Machine::Sender(sender) => sender.sending(),
            Machine::Receiver(_) => 0..0,
            Machine::Plain(plain) => plain.sending(),
        }
    }
}

/// Hands bytes over one by one until `hear` says that something is to be done; returns how many were taken.
fn taken(bytes: &[u8], mut hear: impl FnMut(u8) -> bool) -> usize {
    bytes.iter().position(|byte| hear(*byte)).map_or(bytes.len(), |at| at + 1)
}

/// What tells the other side that a transfer is over before its end.
pub(crate) const CANCEL: [u8; 3] = [CAN; 3];

/// Begins a block of 128 bytes.
const SOH: u8 = 0x01;
/// Begins a block of 1024 bytes.
const STX: u8 = 0x02;
/// The file is over.
const EOT: u8 = 0x04;
/// A block has arrived.
const ACK: u8 = 0x06;
/// A block is to be sent again, or the first one with a sum.
const NAK: u8 = 0x15;
/// Twice: the transfer is over.
const CAN: u8 = 0x18;
/// The first block is to be sent, with a CRC.
const WANTS_CRC: u8 = b'C';
/// What fills the last block.
const PAD: u8 = 0x1a;

/// How long the line must be quiet before a request counts: a terminal's text may hold the same letter.
const QUIET: Duration = Duration::from_millis(100);

/// How often in a row the same may fail.
const TRIES: u32 = 10;
