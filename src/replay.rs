//! `ReplayWorld`: a recording plays the device's side, in virtual time, and tells where the flow departs from it.
//!
//! What came is given again as long after the write before it as it came then. The flow has to write what it wrote;
//! how its bytes are cut into writes does not matter. Each port has its own writes; what came on one comes when every write before
//! it, on whichever port, was made again. The first byte that is another one ends the run. A flow that ends while
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
pub(crate) use device::{Transfer, readable_device};
use hooks::Hooks;

/// A recorded write.
#[derive(Debug)]
struct Sent {
    /// Its place among the writes of all ports.
    place: usize,
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
    port: PortId,
    /// How many writes, on whichever port, came before it.
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

/// One port of the recording, and how far its writes are.
#[derive(Debug)]
struct Side {
    sent: Vec<Sent>,
    /// How many writes are complete.
    n_complete: usize,
    /// The next one, once some of it has been written.
    wanted: Option<Wanted>,
    /// How much of it has been written.
    n_written: usize,
    /// What has been written of the write that is not complete.
    written: Vec<u8>,
    link: Link,
    /// How the control lines of the device are; `None` as long as the recording did not say.
    lines: Option<InputLines>,
    /// Whether the flow is done with it.
    is_closed: bool,
}

impl Side {
    fn new() -> Side {
        Side {
            sent: Vec::new(),
            n_complete: 0,
            wanted: None,
            n_written: 0,
            written: Vec::new(),
            link: Link::Up,
            lines: None,
            is_closed: false,
        }
    }

    /// Returns the write that is not complete and comes next.
    fn next(&self) -> Option<&Sent> {
        self.sent.get(self.n_complete)
    }
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
    /// By the numbers of the ports.
    sides: Vec<Side>,
    /// What came on all ports, in its order.
    came: VecDeque<Came>,
    /// When the last write was made, now and then.
    anchor: (Moment, Moment),
    now: Moment,
    news: VecDeque<News>,
    has_departed: bool,
    /// What secrets are in the forms they have in the recording.
    known: Known,
    /// Secrets that came with letters in their place.
    unknown: Vec<String>,
    timing: Timing,
    hooks: Hooks,
    /// What was left when the last port was closed, until it is fetched.
    left: Option<String>,
}

/// What is to be reported of a port, and when.
#[derive(Debug)]
struct News {
    at: Moment,
    port: PortId,
    happening: Happening,
}

impl ReplayWorld {
    /// Makes the world; `secrets` are the values of those that have names in the recording. One that is not
    /// among them is learned where the flow writes it, and played with letters in its place until then.
    pub fn new(recording: &Recording, secrets: &[(Arc<str>, Vec<u8>)], timing: Timing) -> ReplayWorld {
        let mut sides: Vec<Side> = (0..recording.n_ports().max(1)).map(|_| Side::new()).collect();
        let mut gone = vec![false; sides.len()];
        let mut came = VecDeque::new();
        let mut n_sent = 0;
        for entry in recording.happened() {
            let port = entry.port;
            let is_gone = &mut gone[port.index()];
            let what = match &entry.kind {
                EntryKind::Sent { bytes, took } => {
                    if !bytes.iter().all(Piece::is_empty) {
                        let sent = Sent { place: n_sent, at: entry.at, took: *took, bytes: bytes.clone() };
                        sides[port.index()].sent.push(sent);
                        n_sent += 1;
                    }
                    continue;
                }
                EntryKind::Received { bytes } => What::Bytes(bytes.clone()),
                EntryKind::Closed => What::Left,
                EntryKind::Opened { .. } if *is_gone => What::Back,
                EntryKind::Note { text } => match InputLines::read(text) {
                    Some(lines) => What::Lines(lines),
                    None => continue,
                },
                EntryKind::Opened { .. } => continue,
            };
            *is_gone = matches!(what, What::Left) || *is_gone && !matches!(what, What::Back);
            came.push_back(Came { at: entry.at, port, after: n_sent, what });
        }
        ReplayWorld {
            sides,
            came,
            anchor: (Moment::START, Moment::START),
            now: Moment::START,
            news: VecDeque::new(),
            has_departed: false,
            known: Known::of(secrets),
            unknown: Vec::new(),
            timing,
            hooks: Hooks::of(recording),
            left: None,
        }
    }

    /// Returns a port; one that is not in the recording has neither writes nor input.
    fn side(&mut self, port: PortId) -> &mut Side {
        while self.sides.len() <= port.index() {
            self.sides.push(Side::new());
        }
        &mut self.sides[port.index()]
    }

    /// Returns how many of the first writes of all ports are complete.
    fn n_done(&self) -> usize {
        let n_sent = self.sides.iter().map(|side| side.sent.len()).sum();
        self.sides.iter().filter_map(Side::next).map(|next| next.place).min().unwrap_or(n_sent)
    }

    /// Reports something of a port at a moment: after what there is of the same port.
    fn tell(&mut self, at: Moment, port: PortId, happening: Happening) {
        let is_later = |news: &&News| news.at > at && news.port != port;
        let n_later = self.news.iter().rev().take_while(is_later).count();
        self.news.insert(self.news.len() - n_later, News { at, port, happening });
    }

    fn open(&mut self, port: PortId) {
        let side = self.side(port);
        side.link = Link::Up;
        side.is_closed = false;
        self.tell(self.now, port, Happening::Opened(port));
    }

    /// Compares what the flow writes with what it wrote.
    fn write(&mut self, token: WriteToken, bytes: &[u8]) {
        let port = token.port();
        let mut took = Duration::ZERO;
        let mut rest = bytes;
        self.side(port);
        while !rest.is_empty() && !self.has_departed {
            let at = bytes.len() - rest.len();
            let side = &mut self.sides[port.index()];
            let Some(next) = side.sent.get(side.n_complete) else { return self.depart(port, bytes, at, None) };
            let wanted = side.wanted.get_or_insert_with(|| Wanted::of(&next.bytes, &mut self.known));
            let left = &wanted.bytes[side.n_written..];
            let is_open = |at: usize| wanted.open.iter().any(|(range, _)| range.contains(&at));
            let pairs = (side.n_written..).zip(left.iter().zip(rest));
            let n_same = pairs.take_while(|(at, (a, b))| a == b || is_open(*at)).count();
            if n_same < left.len().min(rest.len()) {
                let recorded = Recorded {
                    bytes: wanted.bytes.clone(),
                    secrets: wanted.secrets.clone(),
                    at: side.n_written + n_same,
                    moment: next.at,
                };
                return self.depart(port, bytes, at + n_same, Some(recorded));
            }
            side.written.extend_from_slice(&rest[..n_same]);
            rest = &rest[n_same..];
            side.n_written += n_same;
            if side.n_written == wanted.bytes.len() {
                for (range, mask) in &wanted.open {
                    self.known.learn(mask.clone(), side.written[range.clone()].to_vec());
                }
                side.written.clear();
                took = took.max(next.took);
                self.anchor = (self.now, next.at);
                side.wanted = None;
                side.n_complete += 1;
                side.n_written = 0;
            }
        }
        self.tell(self.now + took, port, Happening::Sent(token));
    }

    /// Ends the run: what was sent is not what is recorded. The engine says how, for it knows the secrets in it.
    fn depart(&mut self, port: PortId, sent: &[u8], at: usize, recorded: Option<Recorded>) {
        self.has_departed = true;
        self.news.clear();
        let help = recorded.as_ref().and_then(|_| unknown_help(&self.unknown));
        let n_same = self.sides.iter().map(|side| side.n_complete).sum();
        let departure = Departure { sent: sent.to_vec(), at, recorded, n_same, help };
        self.tell(self.now, port, Happening::Departed(port, Box::new(departure)));
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
        let next = self.sides.iter().filter_map(Side::next).min_by_key(|next| next.place);
        if let Some(next) = next {
            let n: usize = self.sides.iter().map(|side| side.sent.len() - side.n_complete).sum();
            let writes = if n == 1 { "1 write is".to_string() } else { format!("{n} writes are") };
            let shown = shown_pieces(&next.bytes);
            return Some(format!("{writes} left, the first is `{shown}` at {} s", next.at));
        }
        if let Some(name) = self.hooks.next() {
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

    /// Takes note of how the lines of a port are from now on.
    fn switch(&mut self, port: PortId, lines: InputLines) {
        self.side(port).lines = Some(lines);
        self.tell(self.now, port, Happening::Lines(port, Ok(lines)));
    }

    /// Takes the port out of use; what is left is known when it was the last.
    fn close(&mut self, port: PortId) {
        self.side(port).is_closed = true;
        if self.sides.iter().all(|side| side.is_closed) {
            self.left = self.left();
        }
    }

    /// Returns when what came next comes; `None` before the flow has written what it waits for.
    fn next_arrival(&self) -> Option<Moment> {
        let next = self.came.front()?;
        let n_done = self.n_done();
        if next.after > n_done || self.has_departed {
            return None;
        }
        let (now, then) = self.anchor;
        let due = if next.after < n_done { self.now } else { now + next.at.since(then) };
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
        self.hooks.begin(call, self.now);
        true
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { .. } => self.open(port),
            PortCommand::Write { token, bytes } => self.write(token, &bytes),
            PortCommand::Reopen { .. } => match self.side(port).link {
                Link::Up | Link::Back => self.open(port),
                Link::Away | Link::Sought => self.side(port).link = Link::Sought,
            },
            PortCommand::ReadLines => {
                if let Some(lines) = self.side(port).lines {
                    self.tell(self.now, port, Happening::Lines(port, Ok(lines)));
                }
            }
            PortCommand::SetLines { .. }
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardInput
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. } => {}
            PortCommand::Close => self.close(port),
        }
    }

    /// What is recorded before a write came before it, though a replay may be quicker: computing takes no time here.
    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let known = received.len();
        if self.has_departed || self.sides.iter().any(|side| side.n_written > 0) {
            return None;
        }
        let n_done = self.n_done();
        let is_before = |came: &&Came| came.after <= n_done && came.what.is_early();
        let n_before = self.came.iter().take_while(is_before).count();
        // One report is of one port: what came on others is asked for next.
        let port = self.came.front()?.port;
        let later = self.came.split_off(n_before);
        let early = std::mem::replace(&mut self.came, later).into_iter();
        let (before, rest): (Vec<Came>, Vec<Came>) = early.partition(|came| came.port == port);
        rest.into_iter().rev().for_each(|came| self.came.push_front(came));
        for came in before {
            match came.what {
                What::Bytes(pieces) => self.play(&pieces, received),
                What::Lines(lines) => self.switch(port, lines),
                What::Left | What::Back => {}
            }
        }
        (received.len() > known).then_some((self.now, Happening::Received(port)))
    }

    fn news(&mut self, _received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.left.take().map(|left| (self.now, Happening::Unplayed(left)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let arrival = self.next_arrival();
        let news = self.news.front().map(|news| news.at.max(self.now));
        let hook = self.hooks.ends_at();
        let Some(next) = [arrival, news, hook, until].into_iter().flatten().min() else {
            let reason = "the recording has ended, and nothing more comes".to_string();
            return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
        };
        self.now = self.now.max(next);
        if news.is_some_and(|at| at <= self.now && arrival.is_none_or(|arrival| at <= arrival)) {
            let news = self.news.pop_front().expect("there is a first one");
            return (self.now, news.happening);
        }
        if let Some(end) = self.hooks.end(self.now) {
            return (self.now, Happening::Hook(HookNews::Ended(end)));
        }
        if arrival.is_some_and(|at| at <= self.now) {
            let came = self.came.pop_front().expect("there is a first one");
            return (self.now, self.come(came, received));
        }
        (self.now, Happening::Nothing)
    }
}

impl ReplayWorld {
    /// Lets come what came.
    fn come(&mut self, Came { port, what, .. }: Came, received: &mut Vec<u8>) -> Happening {
        match what {
            What::Bytes(pieces) => {
                // Where a secret came in several reads, the first one has all of it and the others have nothing. They came
                // all the same.
                self.play(&pieces, received);
                Happening::Received(port)
            }
            What::Left => {
                // What had not left is lost.
                self.news.retain(|news| news.port != port);
                self.side(port).link = Link::Away;
                Happening::Closed(port, CloseReason::unplugged())
            }
            What::Back if self.side(port).link == Link::Sought => {
                self.side(port).link = Link::Up;
                Happening::Opened(port)
            }
            What::Back => {
                self.side(port).link = Link::Back;
                Happening::Nothing
            }
            What::Lines(lines) => {
                self.side(port).lines = Some(lines);
                Happening::Lines(port, Ok(lines))
            }
        }
    }
}
