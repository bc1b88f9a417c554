//! `Tail`: what happened last on a line and is not written yet; what leaves it has its secrets masked.
//!
//! A secret that came in two reads is found all the same: an entry leaves only when no secret can begin in it that
//! goes on behind what is held.

use std::collections::VecDeque;
use std::time::Duration;

use super::forms::{Forms, put_bytes};
use super::{Entry, EntryKind, Piece};
use crate::engine::REACH;
use crate::port::{PortId, WriteToken};
use crate::secret::{Joins, LONGEST, Region, Stream};
use crate::time::Moment;

/// So many bytes are held, both ways together. A write that has not left by then stands without its time, and a secret
/// that is not complete by then is masked when the file is gone over again.
const MOST_BYTES: usize = 2 * REACH;

/// So many entries are held.
const MOST_ENTRIES: usize = 1 << 16;

/// Bytes that have left are moved away when there are more than this, and more than those that have not.
const WORTH_MOVING: usize = 64 << 10;

/// What keeps an entry in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// That fewer bytes than these have come behind it, as long as there is room.
    Back(usize),
    /// That a secret may begin in it, whatever that takes.
    Open,
    /// Nothing: the run is over.
    Nothing,
}

/// What is not written yet.
#[derive(Debug, Default)]
pub(super) struct Tail {
    held: VecDeque<Held>,
    /// How many entries have left.
    n_left: u64,
    /// Writes that have not left their port, and the number of their entry.
    leaving: Vec<Leaving>,
    /// What went over each port, by its place.
    lines: Vec<Line>,
    has_cut: bool,
}

/// A write that has not left its port.
#[derive(Debug)]
struct Leaving {
    port: PortId,
    /// The number of the write.
    number: u64,
    /// The number of its entry.
    entry: u64,
}

/// What went over one port and is held. A secret that came in two reads stands in those of one port.
#[derive(Debug, Default)]
struct Line {
    sent: Direction,
    received: Direction,
}

#[derive(Debug)]
struct Held {
    at: Moment,
    port: PortId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// So many bytes, and how long they took if they have left.
    Sent { len: usize, took: Option<Duration> },
    /// So many bytes.
    Received { len: usize },
    /// Something without bytes.
    Other(Box<EntryKind>),
}

impl Tail {
    /// Takes what is being written.
    pub(super) fn writes(&mut self, at: Moment, token: &WriteToken, bytes: &[u8]) {
        let entry = self.n_left + self.held.len() as u64;
        self.leaving.push(Leaving { port: token.port(), number: token.number(), entry });
        self.sends(at, token.port(), bytes, None);
    }

    /// Takes that a write has left.
    pub(super) fn left(&mut self, now: Moment, token: &WriteToken) {
        let is_it = |leaving: &Leaving| leaving.port == token.port() && leaving.number == token.number();
        let Some(found) = self.leaving.iter().position(is_it) else { return };
        let Leaving { entry, .. } = self.leaving.remove(found);
        let held = entry.checked_sub(self.n_left).and_then(|index| self.held.get_mut(index as usize));
        if let Some(Held { at, what: What::Sent { took, .. }, .. }) = held {
            *took = Some(now.since(*at));
        }
    }

    /// Takes that a port went: what has not left it does not leave any more. It is written as if it left a moment later, so that
    /// it is lost in a replay too.
    pub(super) fn loses(&mut self, now: Moment, port: PortId) {
        let n_left = self.n_left;
        let held = &mut self.held;
        self.leaving.retain(|leaving| {
            let index = leaving.entry.checked_sub(n_left).filter(|_| leaving.port == port);
            if let Some(Held { at, what: What::Sent { took, .. }, .. }) =
                index.and_then(|index| held.get_mut(index as usize))
            {
                *took = Some(now.since(*at) + Duration::from_nanos(1));
            }
            leaving.port != port
        });
    }

    /// Takes what came.
    pub(super) fn receives(&mut self, at: Moment, port: PortId, bytes: &[u8]) {
        self.line(port).received.bytes.extend_from_slice(bytes);
        self.held.push_back(Held { at, port, what: What::Received { len: bytes.len() } });
    }

    /// Takes an entry without masks, its write complete.
    pub(super) fn takes(&mut self, entry: Entry) {
        let whole = |pieces: Vec<Piece>| {
            pieces.into_iter().fold(Vec::new(), |mut whole, piece| {
                if let Piece::Bytes(bytes) = piece {
                    whole.extend(bytes);
                }
                whole
            })
        };
        match entry.kind {
            EntryKind::Sent { bytes, took } => self.sends(entry.at, entry.port, &whole(bytes), Some(took)),
            EntryKind::Received { bytes } => self.receives(entry.at, entry.port, &whole(bytes)),
            kind @ (EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed) => {
                self.held.push_back(Held { at: entry.at, port: entry.port, what: What::Other(Box::new(kind)) });
            }
        }
    }

    /// Has everything looked at again, for there are more secrets now.
    pub(super) fn knows_more(&mut self) {
        for line in &mut self.lines {
            line.sent.is_stale = true;
            line.received.is_stale = true;
        }
    }

    /// Returns the oldest entry if nothing holds it, its secrets masked.
    pub(super) fn next(&mut self, forms: &Forms, hold: Hold) -> Option<Entry> {
        let front = self.held.front()?;
        let line = self.lines.get_mut(front.port.index());
        let (is_open, n_behind) = match (&front.what, line) {
            (What::Sent { len, .. }, Some(line)) => (line.sent.is_open(*len, forms), line.received.len()),
            (What::Received { len }, Some(line)) => (line.received.is_open(*len, forms), line.received.len() - len),
            (What::Other(_), Some(line)) => (false, line.received.len()),
            (What::Sent { .. } | What::Received { .. } | What::Other(_), None) => (false, 0),
        };
        let stays = match hold {
            Hold::Back(n_bytes) => {
                let is_leaving = matches!(front.what, What::Sent { took: None, .. });
                !self.is_full() && (is_open || is_leaving || n_behind < n_bytes)
            }
            Hold::Open => is_open,
            Hold::Nothing => false,
        };
        if stays {
            return None;
        }
        self.has_cut |= is_open && hold != Hold::Nothing;
        let Held { at, port, what } = self.held.pop_front()?;
        self.n_left += 1;
        let line = self.line(port);
        let kind = match what {
            What::Sent { len, took } => {
                EntryKind::Sent { bytes: line.sent.take(len, forms), took: took.unwrap_or_default() }
            }
            What::Received { len } => EntryKind::Received { bytes: line.received.take(len, forms) },
            What::Other(kind) => *kind,
        };
        Some(Entry { at, port, kind })
    }

    /// Returns how many bytes are held, both ways together.
    pub(super) fn n_bytes(&self) -> usize {
        self.lines.iter().map(|line| line.sent.len() + line.received.len()).sum()
    }

    /// Returns how much memory is in use.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let bytes = |line: &Line| line.sent.bytes.capacity() + line.received.bytes.capacity();
        self.lines.iter().map(bytes).sum::<usize>() + self.held.capacity() * size_of::<Held>()
    }

    /// Says whether entries leave for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.n_bytes() >= MOST_BYTES || self.held.len() >= MOST_ENTRIES
    }

    /// Says whether an entry had to leave in which a secret may begin.
    pub(super) fn has_cut(&self) -> bool {
        self.has_cut
    }

    fn line(&mut self, port: PortId) -> &mut Line {
        let index = port.index();
        if self.lines.len() <= index {
            self.lines.resize_with(index + 1, Line::default);
        }
        &mut self.lines[index]
    }

    fn sends(&mut self, at: Moment, port: PortId, bytes: &[u8], took: Option<Duration>) {
        self.line(port).sent.bytes.extend_from_slice(bytes);
        self.held.push_back(Held { at, port, what: What::Sent { len: bytes.len(), took } });
    }
}

/// The bytes of one direction, as a whole, and the search for secrets in them.
#[derive(Debug, Default)]
struct Direction {
    /// `bytes[n_gone]` is the first that is held; `n_gone <= bytes.len()`. Some before it are kept.
    bytes: Vec<u8>,
    n_gone: usize,
    search: Stream,
    /// Where the first byte that is held stands in the search.
    at: u64,
    /// So many belong to a secret that stands in an entry before; they may be more than are held.
    n_covered: usize,
    /// Whether there are secrets that the search did not know from the first byte on.
    is_stale: bool,
}

impl Direction {
    fn len(&self) -> usize {
        self.bytes.len() - self.n_gone
    }

    /// Says whether a form may begin in the first `len` bytes that goes on behind the last.
    fn is_open(&mut self, len: usize, forms: &Forms) -> bool {
        self.catch_up(forms);
        self.search.begun_from(forms.redactor()).is_some_and(|from| from < self.at + len as u64)
    }

    /// Takes the first `len` bytes away and returns them with masks; a secret that goes on behind them stands in them.
    fn take(&mut self, len: usize, forms: &Forms) -> Vec<Piece> {
        self.catch_up(forms);
        let part = self.at..self.at + len as u64;
        if self.search.open_from(forms.redactor()).is_some_and(|from| from < part.end) {
            self.search.cut(forms.redactor());
        }
        let held = &self.bytes[self.n_gone..];
        let plain = |from: u64, to: u64| &held[(from - part.start) as usize..(to - part.start) as usize];
        let mut pieces = Vec::new();
        let mut at = part.start + self.n_covered as u64;
        for region in joined(self.search.regions(&part)) {
            let end = region.range.end;
            let start = region.range.start.max(at);
            if end <= at || start >= part.end {
                continue;
            }
            if at < start {
                pieces.push(Piece::Bytes(plain(at, start).to_vec()));
            }
            forms.put_masks(region.secret, plain(start, end), &mut pieces);
            at = end;
        }
        if at < part.end {
            put_bytes(plain(at, part.end), &mut pieces);
        }
        self.n_covered = (at.max(part.end) - part.end) as usize;
        self.at = part.end;
        self.search.forget(part.end);
        self.n_gone += len;
        let n_spare = self.n_gone.saturating_sub(LONGEST as usize);
        if n_spare > WORTH_MOVING.max(self.len()) {
            self.bytes.drain(..n_spare);
            self.n_gone -= n_spare;
        }
        pieces
    }

    /// Searches what was not searched yet: all of it if there are more secrets now, and what they may have begun in before.
    fn catch_up(&mut self, forms: &Forms) {
        if self.is_stale {
            let n_before = self.n_gone.min(LONGEST as usize);
            self.search = Stream::default();
            self.search.feed(&self.bytes[self.n_gone - n_before..], forms.redactor());
            self.at = n_before as u64;
            self.is_stale = false;
        }
        let held = &self.bytes[self.n_gone..];
        let n_searched = (self.search.end() - self.at) as usize;
        if n_searched < held.len() {
            self.search.feed(&held[n_searched..], forms.redactor());
        }
    }
}

/// Returns regions, all pieces of a long secret as one.
fn joined(regions: Vec<Region>) -> Vec<Region> {
    let mut joined: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        match joined.last_mut() {
            Some(last) if region.joins == Joins::Next && region.secret == last.secret => {
                last.range.end = region.range.end
            }
            Some(_) | None => joined.push(region),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::random::Rng;

    fn forms(secret: &str) -> Forms {
        Forms::of(&[(Arc::from("key"), secret.as_bytes().to_vec())])
    }

    fn ms(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    fn plain(kind: &EntryKind) -> String {
        let (EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes }) = kind else { return String::new() };
        let shown = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Piece::Secret(mask) => format!("«{}»", mask.name),
        };
        bytes.iter().map(shown).collect()
    }

    #[test]
    fn a_long_secret_has_one_mask() {
        let secret = Rng::from_seed(1).text(600);
        let forms = forms(&secret);
        let mut tail = Tail::default();
        tail.receives(ms(1), PortId::FIRST, secret.as_bytes());
        let Some(Entry { kind: EntryKind::Received { bytes }, .. }) = tail.next(&forms, Hold::Nothing) else {
            panic!("it is all there")
        };
        assert_eq!(bytes.len(), 1, "{bytes:?}");
    }

    #[test]
    fn an_entry_stays_while_a_secret_is_in_progress_in_it() {
        let forms = forms("hunter22");
        let mut tail = Tail::default();
        tail.receives(ms(1), PortId::FIRST, b"k=hun");
        assert_eq!(tail.next(&forms, Hold::Back(0)), None);
        tail.receives(ms(2), PortId::FIRST, b"ter22.");
        let left: Vec<String> =
            std::iter::from_fn(|| tail.next(&forms, Hold::Back(0))).map(|entry| plain(&entry.kind)).collect();
        assert_eq!(left, ["k=«key»", "."]);
        assert!(!tail.has_cut());
    }

    #[test]
    fn a_write_and_what_came_behind_it_stay_until_it_has_left() {
        let none = Forms::of(&[]);
        let mut tail = Tail::default();
        tail.writes(ms(1), &WriteToken::new(PortId::FIRST, 7), b"AT\r");
        tail.receives(ms(2), PortId::FIRST, b"OK");
        assert_eq!(tail.next(&none, Hold::Back(0)), None);
        tail.left(ms(5), &WriteToken::new(PortId::FIRST, 7));
        let took = Duration::from_millis(4);
        let sent = EntryKind::Sent { bytes: vec![Piece::Bytes(b"AT\r".to_vec())], took };
        assert_eq!(tail.next(&none, Hold::Back(0)), Some(Entry { at: ms(1), port: PortId::FIRST, kind: sent }));
        assert!(tail.next(&none, Hold::Back(0)).is_some());
    }

    #[test]
    fn a_write_that_never_leaves_does_not_fill_the_memory() {
        let none = Forms::of(&[]);
        let mut tail = Tail::default();
        tail.writes(ms(1), &WriteToken::new(PortId::FIRST, 7), b"AT\r");
        let read = [b'.'; 4096];
        let mut n_left = 0;
        for _ in 0..1000 {
            tail.receives(ms(2), PortId::FIRST, &read);
            n_left += std::iter::from_fn(|| tail.next(&none, Hold::Back(0))).count();
            assert!(tail.n_bytes() <= MOST_BYTES + read.len());
        }
        tail.left(ms(9), &WriteToken::new(PortId::FIRST, 7));
        assert!(n_left > 700);
    }

    #[test]
    fn so_many_bytes_as_are_to_be_held_back_are_held_back() {
        let none = Forms::of(&[]);
        let mut tail = Tail::default();
        for read in 1..=10 {
            tail.receives(ms(read), PortId::FIRST, b"1234");
        }
        let n_left = std::iter::from_fn(|| tail.next(&none, Hold::Back(10))).count();
        assert_eq!((n_left, tail.n_bytes()), (7, 12));
        assert_eq!(std::iter::from_fn(|| tail.next(&none, Hold::Nothing)).count(), 3);
    }

    #[test]
    fn a_secret_that_is_cut_for_want_of_room_is_told() {
        let forms = forms("hunter22");
        let mut tail = Tail::default();
        tail.writes(ms(1), &WriteToken::new(PortId::FIRST, 1), b"hun");
        tail.left(ms(1), &WriteToken::new(PortId::FIRST, 1));
        for _ in 0..MOST_BYTES / 4096 {
            tail.receives(ms(2), PortId::FIRST, &[b'.'; 4096]);
        }
        assert!(tail.next(&forms, Hold::Open).is_none());
        assert!(tail.next(&forms, Hold::Back(0)).is_some() && tail.has_cut());
    }
}
