//! `ReplayWorld`: a recording plays the device's side, in virtual time, and tells where the flow departs from it.
//!
//! What came is given again as long after the write before it as it came then. The flow has to write what it wrote;
//! how its bytes are cut into writes does not matter. The first byte that is another one ends the run. A flow that ends while
//! writes are left, or bytes that came while the recorded flow was still running, has not passed.

mod device;
mod hooks;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{CloseReason, Departure, HookCall, HookNews, Recorded};
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::record::{EntryKind, Known, Mask, Piece, Recording};
use crate::settings::InputLines;
use crate::time::Moment;
use crate::value::escape::visible_cut;
use crate::world::World;

/// How much of what was not played is shown.
const SHOWN: usize = 60;
pub use device::device_file;
use hooks::Hooks;

/// A recorded write.
#[derive(Debug)]
struct Sent {
    at: Moment,
    took: Duration,
    /// What was written; there is something.
    bytes: Vec<Piece>,
}

/// The write that the flow makes next, or goes on with: its secrets may take more than all of the recording's text, so this is
/// made of one write at a time.
#[derive(Debug)]
struct Wanted {
    /// Letters stand where a secret stands that is not known.
    bytes: Vec<u8>,
    /// Where such secrets stand: whatever the flow writes there is right, and known from then on.
    open: Vec<(Range<usize>, Mask)>,
    /// Where secrets stand, known or not, and their names.
    secrets: Vec<(Range<usize>, String)>,
}

impl Wanted {
    fn of(pieces: &[Piece], known: &mut Known) -> Wanted {
        let mut wanted = Wanted { bytes: Vec::new(), open: Vec::new(), secrets: Vec::new() };
        for piece in pieces {
            let start = wanted.bytes.len();
            match piece {
                Piece::Bytes(plain) => wanted.bytes.extend_from_slice(plain),
                Piece::Secret(mask) => {
                    let is_given = match known.given(mask) {
                        Some(secret) => {
                            wanted.bytes.extend_from_slice(secret);
                            true
                        }
                        None => {
                            wanted.bytes.extend(letters(mask));
                            false
                        }
                    };
                    let range = start..wanted.bytes.len();
                    wanted.secrets.push((range.clone(), mask.name.clone()));
                    if !is_given {
                        wanted.open.push((range, mask.clone()));
                    }
                }
            }
        }
        wanted
    }
}

/// Something that came, or that the line went away or was there again.
#[derive(Debug)]
struct Came {
    at: Moment,
    /// How many writes came before it.
    after: usize,
    what: What,
}

/// What came.
#[derive(Debug)]
enum What {
    Bytes(Vec<Piece>),
    /// How the lines are from then on.
    Lines(InputLines),
    /// The line went away.
    Left,
    /// It was there again.
    Back,
}

impl What {
    /// Whether it may come before the flow has asked anything.
    fn is_early(&self) -> bool {
        match self {
            What::Bytes(_) | What::Lines(_) => true,
            What::Left | What::Back => false,
        }
    }
}

/// Whether the flow's port is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It is, or it was not opened yet.
    Up,
    /// It went away, and the flow is content with that so far.
    Away,
    /// It went away, and is opened as soon as it is there again.
    Sought,
    /// It is there again, and was not opened.
    Back,
}

/// How the line to the device is, and what reaches it besides.
#[derive(Debug)]
struct Wire {
    link: Link,
    /// How the control lines of the device are; `None` as long as the recording did not say.
    lines: Option<InputLines>,
    hooks: Hooks,
}

/// What is recorded less than this after the end of the flow came while it ended.
const AT_THE_END: Duration = Duration::from_millis(1);

/// Whether a flow takes as long as the one that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// It does: all its waits are for the line or the clock.
    Same,
    /// It may be quicker: somebody was asked, and is not any more.
    Quicker,
}

/// A world that a recording plays.
#[derive(Debug)]
pub struct ReplayWorld {
    sent: Vec<Sent>,
    came: VecDeque<Came>,
    /// How many writes are complete.
    n_complete: usize,
    /// The next one, once some of it has been written.
    wanted: Option<Wanted>,
    /// How much of it has been written.
    n_written: usize,
    /// When the last write was made, now and then.
    anchor: (Moment, Moment),
    now: Moment,
    news: VecDeque<(Moment, Happening)>,
    has_departed: bool,
    /// What secrets are in the forms they have in the recording.
    known: Known,
    /// What has been written of the write that is not complete.
    written: Vec<u8>,
    /// Secrets that came with letters in their place.
    unknown: Vec<String>,
    timing: Timing,
    wire: Wire,
    /// What was left when the port was closed, until it is fetched.
    left: Option<String>,
}

impl ReplayWorld {
    /// Makes the world; `secrets` are the values of those that have names in the recording. One that is not
    /// among them is learned where the flow writes it, and played with letters in its place until then.
    pub fn new(recording: &Recording, secrets: &[(Arc<str>, Vec<u8>)], timing: Timing) -> ReplayWorld {
        let (mut sent, mut came) = (Vec::new(), VecDeque::new());
        let mut is_gone = false;
        for entry in recording.happened() {
            let what = match &entry.kind {
                EntryKind::Sent { bytes, took } => {
                    if !bytes.iter().all(Piece::is_empty) {
                        sent.push(Sent { at: entry.at, took: *took, bytes: bytes.clone() });
                    }
                    continue;
                }
                EntryKind::Received { bytes } => What::Bytes(bytes.clone()),
                EntryKind::Closed => What::Left,
                EntryKind::Opened { .. } if is_gone => What::Back,
                EntryKind::Note { text } => match InputLines::read(text) {
                    Some(lines) => What::Lines(lines),
                    None => continue,
                },
                EntryKind::Opened { .. } => continue,
            };
            is_gone = matches!(what, What::Left) || is_gone && !matches!(what, What::Back);
            came.push_back(Came { at: entry.at, after: sent.len(), what });
        }
        ReplayWorld {
            sent,
            came,
            n_complete: 0,
            wanted: None,
            n_written: 0,
            anchor: (Moment::START, Moment::START),
            now: Moment::START,
            news: VecDeque::new(),
            has_departed: false,
            known: Known::of(secrets),
            written: Vec::new(),
            unknown: Vec::new(),
            timing,
            wire: Wire { link: Link::Up, lines: None, hooks: Hooks::of(recording) },
            left: None,
        }
    }

    fn open(&mut self) {
        self.wire.link = Link::Up;
        self.news.push_back((self.now, Happening::Opened(PortId::FIRST)));
    }

    /// Compares what the flow writes with what it wrote.
    fn write(&mut self, token: WriteToken, bytes: &[u8]) {
        let mut took = Duration::ZERO;
        let mut rest = bytes;
        while !rest.is_empty() && !self.has_departed {
            let at = bytes.len() - rest.len();
            let Some(next) = self.sent.get(self.n_complete) else { return self.depart(bytes, at, None) };
            let wanted = self.wanted.get_or_insert_with(|| Wanted::of(&next.bytes, &mut self.known));
            let left = &wanted.bytes[self.n_written..];
            let is_open = |at: usize| wanted.open.iter().any(|(range, _)| range.contains(&at));
            let pairs = (self.n_written..).zip(left.iter().zip(rest));
            let n_same = pairs.take_while(|(at, (a, b))| a == b || is_open(*at)).count();
            if n_same < left.len().min(rest.len()) {
                let recorded = Recorded {
                    bytes: wanted.bytes.clone(),
                    secrets: wanted.secrets.clone(),
                    at: self.n_written + n_same,
                    moment: next.at,
                };
                return self.depart(bytes, at + n_same, Some(recorded));
            }
            self.written.extend_from_slice(&rest[..n_same]);
            rest = &rest[n_same..];
            self.n_written += n_same;
            if self.n_written == wanted.bytes.len() {
                for (range, mask) in &wanted.open {
                    self.known.learn(mask.clone(), self.written[range.clone()].to_vec());
                }
                self.written.clear();
                took = took.max(next.took);
                self.anchor = (self.now, next.at);
                self.wanted = None;
                self.n_complete += 1;
                self.n_written = 0;
            }
        }
        self.news.push_back((self.now + took, Happening::Sent(token)));
    }

    /// Ends the run: what was sent is not what is recorded. The engine says how, for it knows the secrets in it.
    fn depart(&mut self, sent: &[u8], at: usize, recorded: Option<Recorded>) {
        self.has_departed = true;
        self.news.clear();
        let help = recorded.as_ref().and_then(|_| unknown_help(&self.unknown));
        let departure = Departure { sent: sent.to_vec(), at, recorded, n_same: self.n_complete, help };
        self.news.push_back((self.now, Happening::Departed(PortId::FIRST, Box::new(departure))));
    }

    /// Puts what came behind other bytes, with letters in place of secrets that are not known.
    fn play(&mut self, pieces: &[Piece], received: &mut Vec<u8>) {
        for piece in pieces {
            if let (Piece::Secret(mask), false) = (piece, fill(piece, &mut self.known, received)) {
                self.unknown.push(mask.name.clone());
            }
        }
    }

    /// Returns what was recorded and not played, when the flow has ended; `None` if that is everything but what came as it
    /// ended.
    fn left(&self) -> Option<String> {
        if self.has_departed {
            return None;
        }
        if let Some(next) = self.sent.get(self.n_complete) {
            let n = self.sent.len() - self.n_complete;
            let writes = if n == 1 { "1 write is".to_string() } else { format!("{n} writes are") };
            let shown = shown_pieces(&next.bytes);
            return Some(format!("{writes} left, the first is `{shown}` at {} s", next.at));
        }
        if let Some(name) = self.wire.hooks.next() {
            return Some(format!("the hook `{name}` is left"));
        }
        let (now, then) = self.anchor;
        let ended = then + self.now.since(now);
        let is_late = |came: &&Came| came.at.since(ended) >= AT_THE_END && matches!(came.what, What::Bytes(_));
        let first = self.came.iter().find(is_late).filter(|_| self.timing == Timing::Same)?;
        let What::Bytes(pieces) = &first.what else { return None };
        let shown = shown_pieces(pieces);
        Some(format!("the flow ended before `{shown}`, which came at {} s", first.at))
    }

    /// Takes note of how the lines are from now on.
    fn switch(&mut self, lines: InputLines) {
        self.wire.lines = Some(lines);
        self.news.push_back((self.now, Happening::Lines(PortId::FIRST, Ok(lines))));
    }

    /// Returns when what came next comes; `None` before the flow has written what it waits for.
    fn next_arrival(&self) -> Option<Moment> {
        let next = self.came.front()?;
        if next.after > self.n_complete || self.has_departed {
            return None;
        }
        let (now, then) = self.anchor;
        let due = if next.after < self.n_complete { self.now } else { now + next.at.since(then) };
        Some(due.max(self.now))
    }
}

/// Puts a piece behind other bytes, letters for a secret that is not known; returns whether it is known.
fn fill(piece: &Piece, known: &mut Known, bytes: &mut Vec<u8>) -> bool {
    match piece {
        Piece::Bytes(plain) => bytes.extend_from_slice(plain),
        Piece::Secret(mask) => match known.get(mask) {
            Some(secret) => bytes.extend_from_slice(secret),
            None => {
                bytes.extend(letters(mask));
                return false;
            }
        },
    }
    true
}

/// Returns what stands for a secret that is not known.
fn letters(mask: &Mask) -> Vec<u8> {
    vec![b'x'; mask.len]
}

/// Shows the beginning of what was recorded, with secrets named.
fn shown_pieces(pieces: &[Piece]) -> String {
    let mut shown = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(plain) => shown.extend_from_slice(&plain[..plain.len().min(SHOWN)]),
            Piece::Secret(mask) => shown.extend_from_slice(format!("«{}»", mask.name).as_bytes()),
        }
        if shown.len() > SHOWN {
            break;
        }
    }
    visible_cut(&shown, SHOWN)
}

/// Says which values would have to be known, if any is not.
fn unknown_help(unknown: &[String]) -> Option<String> {
    let name = unknown.first()?;
    Some(format!("the recording has the secret `{name}` masked: give its value with `--sim-var {name}=…`"))
}

impl World for ReplayWorld {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.wire.hooks.begin(call, self.now);
        true
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { .. } => self.open(),
            PortCommand::Write { token, bytes } => self.write(token, &bytes),
            PortCommand::Reopen { .. } => match self.wire.link {
                Link::Up | Link::Back => self.open(),
                Link::Away | Link::Sought => self.wire.link = Link::Sought,
            },
            PortCommand::ReadLines => {
                if let Some(lines) = self.wire.lines {
                    self.news.push_back((self.now, Happening::Lines(PortId::FIRST, Ok(lines))));
                }
            }
            PortCommand::SetLines { .. }
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardInput
            | PortCommand::DiscardOutput => {}
            PortCommand::Close => self.left = self.left(),
        }
    }

    /// What is recorded before a write came before it, though a replay may be quicker: computing takes no time here.
    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let known = received.len();
        while self.n_written == 0
            && !self.has_departed
            && let Some(came) = self.came.pop_front_if(|came| came.after <= self.n_complete && came.what.is_early())
        {
            match came.what {
                What::Bytes(pieces) => self.play(&pieces, received),
                What::Lines(lines) => self.switch(lines),
                What::Left | What::Back => {}
            }
        }
        (received.len() > known).then_some((self.now, Happening::Received(PortId::FIRST)))
    }

    fn news(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.left.take().map(|left| (self.now, Happening::Unplayed(left)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let arrival = self.next_arrival();
        let news = self.news.front().map(|(at, _)| (*at).max(self.now));
        let hook = self.wire.hooks.ends_at();
        let Some(next) = [arrival, news, hook, until].into_iter().flatten().min() else {
            let reason = "the recording has ended, and nothing more comes".to_string();
            return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
        };
        self.now = self.now.max(next);
        if news.is_some_and(|at| at <= self.now && arrival.is_none_or(|arrival| at <= arrival)) {
            let (_, happening) = self.news.pop_front().expect("there is a first one");
            return (self.now, happening);
        }
        if let Some(end) = self.wire.hooks.end(self.now) {
            return (self.now, Happening::Hook(HookNews::Ended(end)));
        }
        if arrival.is_some_and(|at| at <= self.now) {
            let came = self.came.pop_front().expect("there is a first one");
            return match came.what {
                What::Bytes(pieces) => {
                    let known = received.len();
                    self.play(&pieces, received);
                    let is_empty = received.len() == known;
                    (self.now, if is_empty { Happening::Nothing } else { Happening::Received(PortId::FIRST) })
                }
                What::Left => {
                    // What had not left is lost.
                    self.news.clear();
                    self.wire.link = Link::Away;
                    (self.now, Happening::Closed(PortId::FIRST, CloseReason::unplugged()))
                }
                What::Back if self.wire.link == Link::Sought => {
                    self.wire.link = Link::Up;
                    (self.now, Happening::Opened(PortId::FIRST))
                }
                What::Back => {
                    self.wire.link = Link::Back;
                    (self.now, Happening::Nothing)
                }
                What::Lines(lines) => {
                    self.wire.lines = Some(lines);
                    (self.now, Happening::Lines(PortId::FIRST, Ok(lines)))
                }
            };
        }
        (self.now, Happening::Nothing)
    }
}
