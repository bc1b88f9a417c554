//! The side that gets the file.

use std::time::Duration;

use super::block::{self, Check, Size};
use super::sender::blocks;
use super::{ACK, Amount, CAN, CANCEL, EOT, NAK, Protocol, QUIET, Step, TRIES, Trouble, WANTS_CRC, taken};

/// How long a question for the first block stands.
const ASKS_EVERY: Duration = Duration::from_secs(3);
/// How often it is asked for the first block.
const ASKS: u32 = 20;
/// How long the next block may take.
const BLOCK_WITHIN: Duration = Duration::from_secs(10);
/// How long the next byte of a block may take.
const BYTE_WITHIN: Duration = Duration::from_secs(1);
/// How long nothing may come before a damaged block is asked for again.
const CLEAR_AFTER: Duration = Duration::from_secs(1);
/// How much may come that is no block.
const MOST_NOISE: usize = 64 << 10;
/// How often it is asked for the block that ends all files: the file is here, and some senders do not send it.
const ENDING_ASKS: u32 = 3;

/// Receives a file.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    protocol: Protocol,
    /// How much it takes at most.
    most: usize,
    data: Vec<u8>,
    /// Where in the file each block ended.
    ends: Vec<usize>,
    name: Option<String>,
    size: Option<usize>,
    /// What comes next.
    part: Part,
    /// What of it has come.
    state: Receiving,
    /// The bytes of a block that has begun.
    block: Vec<u8>,
    /// The number of the next block.
    next: u8,
    /// What is to be sent.
    out: Option<Vec<u8>>,
    /// How the transfer has ended.
    end: Option<Result<(), Trouble>>,
    counts: Counts,
    /// Which wait this is.
    since: u64,
    amount: Amount,
}

/// How often something came or did not.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// How often in a row the present block did not come, or came once more.
    n_tries: u32,
    /// How many cancels came in a row.
    n_cancels: u32,
    /// How many bytes came since the last block that are none.
    n_noise: usize,
}

/// A part of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The block with the name.
    Header,
    /// The blocks of the file.
    Data,
    /// The block without a name.
    Closing,
}

/// What of a block has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    /// Nothing, and it is to be asked for.
    Begin,
    /// Nothing.
    Between,
    /// A part of it.
    Block { length: usize },
    /// Something else: it is thrown away until the line is quiet.
    Noise,
    /// The mark at the end of the file, if nothing follows it.
    End,
}

impl Receiver {
    /// Makes a receiver that takes so many bytes at most.
    pub(crate) fn new(protocol: Protocol, most: usize) -> Receiver {
        let (part, next) = if protocol.has_header() { (Part::Header, 0) } else { (Part::Data, 1) };
        Receiver {
            protocol,
            most,
            data: Vec::new(),
            ends: Vec::new(),
            name: None,
            size: None,
            part,
            state: Receiving::Begin,
            block: Vec::new(),
            next,
            out: None,
            end: None,
            counts: Counts::default(),
            since: 0,
            amount: Amount::default(),
        }
    }

    pub(super) fn amount(&self) -> Amount {
        self.amount
    }

    /// Whether nothing of the file has come.
    pub(super) fn is_before(&self) -> bool {
        self.amount.blocks == 0 && self.name.is_none()
    }

    /// Returns what came.
    pub(crate) fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Returns what each block held, in their order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.data[begin..*end])
    }

    /// Returns the name that the sender gave the file (YMODEM).
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn step(&mut self) -> Step {
        if self.out.is_none() && self.end.is_none() && self.state == Receiving::Begin {
            self.ask();
        }
        if let Some(bytes) = self.out.take() {
            self.since += 1;
            return Step::Send(bytes);
        }
        match &self.end {
            Some(Ok(())) => Step::Done,
            Some(Err(trouble)) => Step::Failed(trouble.clone()),
            None => Step::Await { lasting: self.patience(), since: self.since },
        }
    }

    fn check(&self) -> Check {
        if self.protocol == Protocol::Xmodem { Check::Sum } else { Check::Crc }
    }

    /// Whether nothing of the part has come: it is asked for by what begins it.
    fn is_at_start(&self) -> bool {
        match self.part {
            Part::Header | Part::Closing => true,
            Part::Data => self.amount.blocks == 0,
        }
    }

    fn asks_with(&self) -> u8 {
        if self.is_at_start() && self.check() == Check::Crc { WANTS_CRC } else { NAK }
    }

    fn ask(&mut self) {
        self.out = Some(vec![self.asks_with()]);
        self.state = Receiving::Between;
        self.since += 1;
    }

    fn patience(&self) -> Duration {
        match self.state {
            Receiving::Begin | Receiving::Between if self.is_at_start() => ASKS_EVERY,
            Receiving::Begin | Receiving::Between => BLOCK_WITHIN,
            Receiving::Block { .. } => BYTE_WITHIN,
            Receiving::Noise => CLEAR_AFTER,
            Receiving::End => QUIET,
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        taken(bytes, |byte| {
            self.hear(byte);
            self.out.is_some() || self.end.is_some()
        })
    }

    fn hear(&mut self, byte: u8) {
        let is_cancel = byte == CAN && matches!(self.state, Receiving::Between | Receiving::Noise | Receiving::Begin);
        self.counts.n_cancels = if is_cancel { self.counts.n_cancels + 1 } else { 0 };
        if self.counts.n_cancels == 2 {
            let message = match self.amount.blocks {
                0 => "the sender cancelled the transfer before its first block".to_string(),
                n => format!("the sender cancelled the transfer after {n} {}", blocks(n)),
            };
            self.end = Some(Err(Trouble { message, cause: None }));
            return;
        }
        match self.state {
            Receiving::Begin | Receiving::Between => self.hear_first(byte),
            Receiving::Block { length } => {
                self.block.push(byte);
                self.since += 1;
                if self.block.len() == length {
                    self.whole();
                }
            }
            Receiving::Noise => self.noise(),
            // Something follows: it was no mark.
            Receiving::End => self.noise(),
        }
    }

    fn hear_first(&mut self, byte: u8) {
        match (byte, block::length(byte, self.check())) {
            (_, Some(length)) => {
                self.block.clear();
                self.block.push(byte);
                self.since += 1;
                self.state = Receiving::Block { length };
            }
            (EOT, None) if self.part != Part::Header => {
                self.state = Receiving::End;
                self.since += 1;
            }
            (CAN, None) => {}
            // A device may say something before its first block.
            (_, None) if self.is_at_start() => {
                self.counts.n_noise += 1;
                self.limit_noise();
            }
            (_, None) => self.noise(),
        }
    }

    fn noise(&mut self) {
        self.state = Receiving::Noise;
        self.since += 1;
        self.counts.n_noise += 1;
        self.limit_noise();
    }

    fn limit_noise(&mut self) {
        if self.counts.n_noise > MOST_NOISE {
            let message = format!("more than {} KiB came that are not a block", MOST_NOISE >> 10);
            self.fail(message, Some("something else writes on the line, or the baud rate is wrong"));
        }
    }

    /// Takes a block of which every byte has come.
    fn whole(&mut self) {
        let block = std::mem::take(&mut self.block);
        match block::read(&block, self.check()) {
            None => self.noise(),
            Some((number, data)) if number == self.next => self.accept(data),
            Some((number, _)) if number == self.next.wrapping_sub(1) && self.has_last() => self.had_already(),
            Some((number, _)) => {
                let message = format!("block {number} came, but block {} was expected", self.next);
                self.fail(message, Some("a block was lost, and the sender thinks that it arrived: try again"));
            }
        }
        self.block = block;
        self.block.clear();
    }

    /// Whether a block of this part, or the one that led to it, has come.
    fn has_last(&self) -> bool {
        match self.part {
            Part::Header => false,
            Part::Data => self.protocol.has_header() || self.amount.blocks > 0,
            Part::Closing => false,
        }
    }

    /// Answers a block once more: the sender did not hear it.
    fn had_already(&mut self) {
        self.amount.again += 1;
        self.counts.n_tries += 1;
        if self.counts.n_tries > TRIES {
            let message = format!("block {} came {} times", self.next.wrapping_sub(1), TRIES + 1);
            return self.fail(message, Some("the answers do not reach the sender: check the line from here to it"));
        }
        self.answer();
    }

    /// Says that a part has come; where a next one begins it is asked for.
    fn answer(&mut self) {
        let and = (self.protocol.has_header() && self.is_at_start()).then_some(WANTS_CRC);
        self.out = Some(block::acknowledged(and));
        self.state = Receiving::Between;
        self.since += 1;
    }

    fn accept(&mut self, data: &[u8]) {
        self.counts.n_tries = 0;
        self.counts.n_noise = 0;
        match self.part {
            Part::Header => self.begin_file(data),
            Part::Data => {
                let left = self.size.map_or(usize::MAX, |size| size.saturating_sub(self.data.len()));
                if let (0, Some(size)) = (left, self.size) {
                    let message = format!("the sender announced {size} bytes, but sends more");
                    return self.fail(message, Some("the rest would be lost: compare the file and its size"));
                }
                let data = &data[..data.len().min(left)];
                if self.data.len() + data.len() > self.most {
                    return self.too_long();
                }
                self.data.extend_from_slice(data);
                self.ends.push(self.data.len());
                self.amount.bytes = self.data.len();
                self.amount.blocks += 1;
                self.next = self.next.wrapping_add(1);
                self.answer();
            }
            Part::Closing => match block::named(data) {
                None => {
                    self.out = Some(vec![ACK]);
                    self.end = Some(Ok(()));
                }
                Some((name, _)) => {
                    let message = format!("the sender has a second file, `{}`", shown(&name));
                    self.fail(message, Some("`receive_file` takes one file: let the device send one"));
                }
            },
        }
    }

    fn begin_file(&mut self, data: &[u8]) {
        let Some((name, size)) = block::named(data) else {
            self.out = Some(vec![ACK]);
            let message = "the sender has no file to send".to_string();
            self.end = Some(Err(Trouble { message, cause: None }));
            return;
        };
        let size = match size {
            Size::Told(size) if size > self.most => return self.too_long(),
            Size::Told(size) => Some(size),
            Size::NotTold => None,
            Size::Unreadable(text) => {
                let message = format!("the sender gives a size that is not a number, `{}`", shown(&text));
                return self.fail(message, Some("YMODEM gives the size in decimal digits, or not at all"));
            }
        };
        (self.name, self.size, self.amount.of) = (Some(name), size, size);
        self.part = Part::Data;
        self.next = 1;
        self.answer();
    }

    fn too_long(&mut self) {
        let message = format!("the file is longer than {} bytes", self.most);
        self.fail(message, Some("that is the most that a variable can hold"));
    }

    pub(super) fn time_out(&mut self) {
        match self.state {
            Receiving::End => return self.ended(),
            Receiving::Begin => return,
            Receiving::Between | Receiving::Block { .. } | Receiving::Noise => {}
        }
        self.block.clear();
        self.counts.n_tries += 1;
        self.amount.again += 1;
        if self.part == Part::Closing && self.counts.n_tries >= ENDING_ASKS {
            self.end = Some(Ok(()));
            return;
        }
        let is_unanswered = self.is_at_start() && self.state == Receiving::Between;
        let asks = if is_unanswered { ASKS } else { TRIES };
        if self.counts.n_tries >= asks {
            return self.nothing_came();
        }
        self.ask();
    }

    fn nothing_came(&mut self) {
        let message = match (self.is_at_start(), self.counts.n_noise) {
            (true, 0) => format!("no block came: it was asked for {} times", self.counts.n_tries),
            (true, n) => {
                format!("no block came, only {n} other bytes: it was asked for {} times", self.counts.n_tries)
            }
            (false, _) => {
                format!("block {} did not come: it was asked for {} times", self.amount.blocks + 1, self.counts.n_tries)
            }
        };
        let cause = if self.is_at_start() {
            "the device must begin to send before `receive_file`: send the command for it first, and compare the protocol"
        } else {
            "the sender stopped, or the line damages bytes: compare baud and flow control"
        };
        self.fail(message, Some(cause));
    }

    /// Takes the mark at the end of the file.
    fn ended(&mut self) {
        self.state = Receiving::Between;
        self.counts.n_tries = 0;
        if let Some(size) = self.size
            && self.data.len() < size
        {
            let message = format!("the file ended after {} of {size} bytes", self.data.len());
            return self.fail(message, None);
        }
        if self.protocol.has_header() {
            self.part = Part::Closing;
            self.next = 0;
            return self.answer();
        }
        self.out = Some(vec![ACK]);
        self.end = Some(Ok(()));
    }

    fn fail(&mut self, message: String, cause: Option<&'static str>) {
        self.out = Some(CANCEL.to_vec());
        self.end = Some(Err(Trouble { message, cause }));
    }
}

/// Returns a name that came from outside as messages show it.
fn shown(name: &str) -> String {
    crate::value::escape::visible(name.as_bytes()).chars().take(60).collect()
}
