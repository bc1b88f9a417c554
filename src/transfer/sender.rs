//! The side that has the file.

use std::ops::Range;
use std::time::Duration;

use super::block::{self, Check, LONG, SHORT};
use super::{ACK, Amount, CAN, CANCEL, EOT, NAK, Protocol, QUIET, Step, TRIES, Trouble, WANTS_CRC, taken};

/// How long the receiver may take to ask for the first block.
const INVITED_WITHIN: Duration = Duration::from_secs(60);
/// How long the receiver may take to answer: it keeps time itself, and asks again long before.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take where nothing but an answer can come any more.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// Sends a file.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    protocol: Protocol,
    name: String,
    data: Vec<u8>,
    /// How the receiver wants blocks to be checked.
    check: Check,
    /// What is awaited.
    awaited: Awaited,
    /// What counts when the line has become quiet.
    pending: Option<Pending>,
    /// What is to be sent.
    out: Option<Vec<u8>>,
    /// How the transfer has ended.
    end: Option<Result<(), Trouble>>,
    /// How much of the file has arrived.
    at: usize,
    /// How often in a row the present part went out once more.
    n_tries: u32,
    /// How many cancels came in a row.
    n_cancels: u32,
    /// Which wait this is.
    since: u64,
    /// How many writes there were, without one that cancels.
    n_sent: u64,
    amount: Amount,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The receiver asks for a part.
    Invitation(Part),
    /// The receiver answers a part.
    Answer(Part),
}

/// A part of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The block with the name.
    Header,
    /// A block of the file.
    Data,
    /// The mark at its end.
    End,
    /// The block without a name.
    Closing,
}

/// What counts when the line has become quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// The part is to begin.
    Begin(Check),
    /// The part is to be sent again.
    Again,
    /// The part has arrived.
    Arrived,
}

impl Sender {
    /// Makes a sender of a file with this content; the name is for YMODEM.
    pub(crate) fn new(protocol: Protocol, name: &str, data: Vec<u8>) -> Sender {
        let first = if protocol.has_header() { Part::Header } else { Part::Data };
        let amount = Amount { of: Some(data.len()), ..Amount::default() };
        Sender {
            protocol,
            name: name.to_string(),
            data,
            check: Check::Crc,
            awaited: Awaited::Invitation(first),
            pending: None,
            out: None,
            end: None,
            at: 0,
            n_tries: 0,
            n_cancels: 0,
            since: 0,
            n_sent: 0,
            amount,
        }
    }

    pub(super) fn amount(&self) -> Amount {
        self.amount
    }

    /// Whether no block was sent.
    pub(super) fn is_before(&self) -> bool {
        self.n_sent == 0
    }

    /// Returns what is in the file.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns which bytes of the file are in what was sent last.
    pub(super) fn sending(&self) -> Range<usize> {
        match self.awaited {
            Awaited::Answer(Part::Data) => self.at..self.data.len().min(self.at + self.len()),
            Awaited::Answer(_) | Awaited::Invitation(_) => 0..0,
        }
    }

    pub(super) fn step(&mut self) -> Step {
        if let Some(bytes) = self.out.take() {
            self.since += 1;
            self.n_sent += u64::from(self.end.is_none());
            return Step::Send(bytes);
        }
        match &self.end {
            Some(Ok(())) => Step::Done,
            Some(Err(trouble)) => Step::Failed(trouble.clone()),
            None => Step::Await { lasting: self.patience(), since: self.since },
        }
    }

    fn patience(&self) -> Duration {
        match (self.pending, self.awaited) {
            (Some(_), _) => QUIET,
            (None, Awaited::Invitation(Part::Header | Part::Data)) if self.at == 0 => INVITED_WITHIN,
            (None, Awaited::Invitation(_) | Awaited::Answer(Part::End | Part::Closing)) => ENDED_WITHIN,
            (None, Awaited::Answer(_)) => ANSWERED_WITHIN,
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        taken(bytes, |byte| {
            self.hear(byte);
            self.out.is_some() || self.end.is_some()
        })
    }

    fn hear(&mut self, byte: u8) {
        self.n_cancels = if byte == CAN { self.n_cancels + 1 } else { 0 };
        if self.n_cancels == 2 {
            let message = match self.amount.blocks {
                0 => "the receiver cancelled the transfer before it took a block".to_string(),
                n => format!("the receiver cancelled the transfer after {n} {}", blocks(n)),
            };
            return self.end(Err(Trouble { message, cause: None }));
        }
        if self.pending.is_some() {
            self.since += 1;
        }
        match (self.awaited, byte) {
            (Awaited::Invitation(_), WANTS_CRC | NAK) => {
                let check = if byte == NAK { Check::Sum } else { Check::Crc };
                self.hear_invitation(check);
            }
            // It was in a text, or noise.
            (Awaited::Invitation(_), _) => self.pending = None,
            (Awaited::Answer(_), ACK) if self.n_tries > 0 => self.wait(Pending::Arrived),
            (Awaited::Answer(_), ACK) => self.arrived(),
            (Awaited::Answer(_), NAK) => self.asked_again(),
            (Awaited::Answer(part), WANTS_CRC) if self.is_first(part) => self.asked_again(),
            (Awaited::Answer(_), _) => {}
        }
    }

    fn hear_invitation(&mut self, check: Check) {
        match (self.protocol, self.is_begun()) {
            // How it is checked was settled at the beginning, and this is no letter of a text.
            (_, true) => self.begin(self.check),
            (Protocol::XmodemCrc | Protocol::Ymodem, false) if check == Check::Sum => {
                self.pending = None;
                self.amount.again += 1;
            }
            (_, false) => self.wait(Pending::Begin(check)),
        }
    }

    /// Whether the receiver has taken something.
    fn is_begun(&self) -> bool {
        !matches!(self.awaited, Awaited::Invitation(Part::Header))
            && (self.protocol.has_header() || self.amount.blocks > 0)
    }

    /// Whether this is the first that a receiver gets after it asked by a `C`: it asks again in the same way.
    fn is_first(&self, part: Part) -> bool {
        match part {
            Part::Header | Part::Closing => true,
            Part::Data | Part::End => self.at == 0,
        }
    }

    fn asked_again(&mut self) {
        // A receiver that has it asks no more; what is still under way came before.
        if self.pending != Some(Pending::Arrived) {
            self.wait(Pending::Again);
        }
    }

    fn wait(&mut self, pending: Pending) {
        if self.pending.is_none() {
            self.since += 1;
        }
        self.pending = Some(pending);
    }

    pub(super) fn time_out(&mut self) {
        match (self.pending.take(), self.awaited) {
            (Some(Pending::Begin(check)), _) => self.begin(check),
            (Some(Pending::Arrived), _) => self.arrived(),
            (Some(_), Awaited::Answer(part)) | (None, Awaited::Answer(part)) => self.again(part),
            (Some(_), Awaited::Invitation(_)) => {}
            (None, Awaited::Invitation(part)) => self.not_invited(part),
        }
    }

    fn begin(&mut self, check: Check) {
        if let Awaited::Invitation(part) = self.awaited {
            self.check = check;
            self.n_tries = 0;
            self.send(part);
        }
    }

    fn not_invited(&mut self, part: Part) {
        let (message, cause) = match (part, self.protocol) {
            (Part::Closing, _) => ("the receiver did not ask for a next file after the last", None),
            (Part::Data, Protocol::Ymodem) => {
                ("the receiver took the name of the file, and did not ask for the file", None)
            }
            (_, Protocol::XmodemCrc | Protocol::Ymodem) if self.amount.again > 0 => (
                "the receiver asked for blocks with a sum, and these have a CRC",
                Some("it speaks the oldest form of XMODEM: write `by xmodem`"),
            ),
            _ => (
                "no receiver asked for the file within a minute",
                Some(
                    "the device must wait for a file before `send_file`: send the command for it first, and compare the protocol",
                ),
            ),
        };
        self.fail(message.to_string(), cause);
    }

    fn again(&mut self, part: Part) {
        self.n_tries += 1;
        self.amount.again += 1;
        if self.n_tries > TRIES {
            let what = match part {
                Part::Header => "the block with the name of the file".to_string(),
                Part::Data => format!("block {}", self.number()),
                Part::End => "the mark at the end of the file".to_string(),
                Part::Closing => "the block that ends the transfer".to_string(),
            };
            let cause =
                "the line damages bytes, or the receiver cannot take them as fast: compare baud and flow control";
            return self
                .fail(format!("{what} was sent {} times, and the receiver did not take it", TRIES + 1), Some(cause));
        }
        self.send(part);
    }

    /// Returns the number of the present block, counted from 1.
    fn number(&self) -> u64 {
        self.amount.blocks + 1
    }

    /// Returns how long the data of the present block is.
    fn len(&self) -> usize {
        let left = self.data.len() - self.at;
        let is_long = match self.protocol {
            Protocol::Xmodem | Protocol::XmodemCrc => false,
            // A receiver that knows no CRC knows no long block either.
            Protocol::Xmodem1k | Protocol::Ymodem => self.check == Check::Crc && left > LONG - SHORT,
        };
        if is_long { LONG } else { SHORT }
    }

    fn send(&mut self, part: Part) {
        let part = if part == Part::Data && self.at == self.data.len() { Part::End } else { part };
        self.awaited = Awaited::Answer(part);
        self.out = Some(match part {
            Part::Header => block::header(Some((&self.name, self.data.len()))),
            Part::Data => {
                let len = self.len();
                let data = &self.data[self.at..self.data.len().min(self.at + len)];
                block::of_file(self.number() as u8, data, len, self.check)
            }
            Part::End => vec![EOT],
            Part::Closing => block::header(None),
        });
    }

    fn arrived(&mut self) {
        self.pending = None;
        self.n_tries = 0;
        self.since += 1;
        let Awaited::Answer(part) = self.awaited else { return };
        match part {
            Part::Header => self.awaited = Awaited::Invitation(Part::Data),
            Part::Data => {
                self.at = self.data.len().min(self.at + self.len());
                self.amount.bytes = self.at;
                self.amount.blocks += 1;
                self.send(Part::Data);
            }
            Part::End if self.protocol.has_header() => self.awaited = Awaited::Invitation(Part::Closing),
            Part::End | Part::Closing => self.end(Ok(())),
        }
    }

    fn fail(&mut self, message: String, cause: Option<&'static str>) {
        self.out = Some(CANCEL.to_vec());
        self.end(Err(Trouble { message, cause }));
    }

    fn end(&mut self, end: Result<(), Trouble>) {
        self.pending = None;
        self.end = Some(end);
    }
}

/// Returns the word for so many blocks.
pub(super) fn blocks(n: u64) -> &'static str {
    if n == 1 { "block" } else { "blocks" }
}
