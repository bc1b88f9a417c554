//! `Reader`: reads a stream in one of the ways in which a secret can be written, and follows every word that may have begun.
//!
//! CR and LF never count: a terminal that wraps a long line puts them anywhere. Some terminals put a blank and a CR there, or
//! write the last character again behind the CR; then a second set of places goes on as if that had not come.

use super::trie::{Place, Trie};
use super::words::Words;
use crate::secret::SHORTEST;

/// A way of reading a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lens {
    /// As it is.
    Plain,
    /// `%41` is a byte, `+` is a blank.
    Percent,
    /// `\"`, `\n`, `\u0041`, `\x41` and `\22` are what they stand for.
    Backslash,
    /// Hex digits in either case, whatever separates them.
    Hex,
    /// The digits of base64, those of its variant for URLs too.
    Base64,
}

impl Lens {
    /// Every way.
    pub(super) const ALL: [Lens; 5] = [Lens::Plain, Lens::Percent, Lens::Backslash, Lens::Hex, Lens::Base64];

    /// Returns what each byte is.
    fn classes(self) -> &'static [Class; 256] {
        match self {
            Lens::Plain => const { &classes_of(Lens::Plain) },
            Lens::Percent => const { &classes_of(Lens::Percent) },
            Lens::Backslash => const { &classes_of(Lens::Backslash) },
            Lens::Hex => const { &classes_of(Lens::Hex) },
            Lens::Base64 => const { &classes_of(Lens::Base64) },
        }
    }

    /// Returns what a byte is.
    const fn class(self, byte: u8) -> Class {
        if matches!(byte, b'\r' | b'\n') {
            return Class::LineEnd;
        }
        match self {
            Lens::Plain => Class::Symbol(byte),
            Lens::Percent if byte == b'%' => Class::Escape,
            Lens::Percent if byte == b'+' => Class::Symbol(b' '),
            Lens::Backslash if byte == b'\\' => Class::Escape,
            Lens::Percent | Lens::Backslash => Class::Symbol(byte),
            Lens::Hex => match byte {
                b'0'..=b'9' | b'a'..=b'f' => Class::Symbol(byte),
                b'A'..=b'F' => Class::Symbol(byte.to_ascii_lowercase()),
                b' ' | b'\t' | b':' | b'-' => Class::Nothing,
                _ => Class::Other,
            },
            Lens::Base64 => match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'/' => Class::Symbol(byte),
                b'-' => Class::Symbol(b'+'),
                b'_' => Class::Symbol(b'/'),
                // JSON writes `\/` for a slash.
                b'\\' => Class::Nothing,
                _ => Class::Other,
            },
        }
    }

    /// Says whether some bytes could be read otherwise than by [`Lens::Plain`].
    pub(super) fn differs_on(self, bytes: &[u8]) -> bool {
        match self {
            Lens::Percent => memchr::memchr2(b'%', b'+', bytes).is_some(),
            Lens::Backslash => memchr::memchr(b'\\', bytes).is_some(),
            Lens::Plain | Lens::Hex | Lens::Base64 => true,
        }
    }
}

/// What a byte is to a lens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Symbol(u8),
    LineEnd,
    /// It does not count.
    Nothing,
    /// An escape begins.
    Escape,
    /// No word goes on over it.
    Other,
}

const fn classes_of(lens: Lens) -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = lens.class(byte as u8);
        byte += 1;
    }
    classes
}

/// So many bytes are the most that a piece of a word takes, with all that stands between its symbols.
pub(crate) const LONGEST: u64 = 4096;

/// A word that has been found, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it stands in the stream.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The number of its secret.
    pub secret: u32,
    /// Whether it is the rest of a word of which another piece stands before it.
    pub goes_on: bool,
    /// Whether it is the beginning of a word, cut there.
    pub is_begun: bool,
}

/// A word that may have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    start: u64,
    place: Place,
}

/// How far a stream was read.
#[derive(Clone, Debug, Default)]
struct State {
    threads: Vec<Thread>,
    /// The last symbol and where it began.
    last: Option<(u8, u64)>,
    /// The escape that has begun: its bytes and where each stands.
    escape: Vec<(u8, u64)>,
}

/// Reads a stream through a lens.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    lens: Lens,
    now: State,
    /// As it was before the last byte but for line ends.
    before: State,
    /// That byte.
    last_byte: Option<u8>,
    /// Whether a CR followed it, and nothing else.
    has_cr: bool,
    /// Where the last byte ended that [`Lens::Plain`] reads otherwise.
    differed_at: u64,
}

/// What a reader looks words up in, and where it puts what it finds.
pub(super) struct Search<'a> {
    pub words: &'a Words,
    pub trie: &'a Trie,
    pub found: &'a mut Vec<Found>,
}

impl Reader {
    /// Begins to read.
    pub(super) fn new(lens: Lens) -> Reader {
        let (now, before) = (State::default(), State::default());
        Reader { lens, now, before, last_byte: None, has_cr: false, differed_at: 0 }
    }

    /// Goes on where the reader of another lens is: all that it has read is the same to both.
    pub(super) fn join(&mut self, other: &Reader) {
        let lens = self.lens;
        self.clone_from(other);
        self.lens = lens;
    }

    /// Says whether nothing is followed that a reader of [`Lens::Plain`] does not follow too.
    pub(super) fn is_as_plain(&self) -> bool {
        let is_plain = |state: &State| {
            state.escape.is_empty()
                && state.threads.iter().all(|thread| thread.start >= self.differed_at)
                && state.last.is_none_or(|(_, start)| start >= self.differed_at)
        };
        is_plain(&self.now) && is_plain(&self.before)
    }

    /// Reads bytes, of which the first stands at `at`.
    pub(super) fn feed(&mut self, bytes: &[u8], at: u64, search: &mut Search<'_>) {
        let mut i = 0;
        while i < bytes.len() {
            if self.now.is_idle() && self.before.is_idle() {
                i += self.pass_over(&bytes[i..], at + i as u64, search.trie);
            }
            if let Some(byte) = bytes.get(i) {
                self.take(*byte, at + i as u64, search);
            }
            i += 1;
        }
    }

    /// Returns the beginnings of words with which the stream ends, at `end`. Three symbols are not told from other text.
    pub(super) fn begun<'a>(
        &'a self,
        end: u64,
        words: &'a Words,
        trie: &'a Trie,
    ) -> impl Iterator<Item = Found> + use<'a> {
        self.threads().filter_map(move |thread| {
            let (depth, secret) = trie.begun(words, thread.place);
            let is_one = depth >= SHORTEST && end - thread.start <= LONGEST;
            is_one.then_some(Found { start: thread.start, end, secret, goes_on: false, is_begun: true })
        })
    }

    /// Returns where the first word may have begun that is not over.
    pub(super) fn begun_from(&self, end: u64, trie: &Trie) -> Option<u64> {
        let threads = self.threads().map(|thread| thread.start);
        let last = self.now.last.filter(|(symbol, _)| trie.has_first(*symbol)).map(|(_, start)| start);
        let escape = self.now.escape.first().map(|(_, start)| *start);
        threads.chain(last).chain(escape).filter(|start| end - start <= LONGEST).min()
    }

    /// Returns every word that may have begun: behind a blank also those before it, for a CR may follow.
    fn threads(&self) -> impl Iterator<Item = &Thread> {
        let before = if self.last_byte == Some(b' ') { self.before.threads.as_slice() } else { &[] };
        self.now.threads.iter().chain(before)
    }

    /// Passes over bytes as long as no word begins in them; returns how many.
    fn pass_over(&mut self, bytes: &[u8], at: u64, trie: &Trie) -> usize {
        let classes = self.lens.classes();
        let (mut last, mut before) = (self.now.last, self.before.last);
        let (mut last_byte, mut has_cr) = (self.last_byte, self.has_cr);
        let mut n = bytes.len();
        for (i, byte) in bytes.iter().enumerate() {
            let symbol = match classes[usize::from(*byte)] {
                Class::LineEnd => {
                    has_cr = *byte == b'\r' && last_byte.is_some();
                    continue;
                }
                Class::Symbol(symbol) => {
                    let is_wrap = has_cr && is_wrap(last_byte, *byte);
                    if is_wrap || last.is_some_and(|(last, _)| trie.has_pair(last, symbol)) {
                        n = i;
                        break;
                    }
                    Some((symbol, at + i as u64))
                }
                Class::Nothing => last,
                Class::Escape => {
                    n = i;
                    break;
                }
                Class::Other => None,
            };
            (before, last) = (last, symbol);
            (last_byte, has_cr) = (Some(*byte), false);
        }
        (self.now.last, self.before.last) = (last, before);
        (self.last_byte, self.has_cr) = (last_byte, has_cr);
        if self.lens == Lens::Percent
            && let Some(place) = memchr::memrchr(b'+', &bytes[..n])
        {
            self.differed_at = at + place as u64 + 1;
        }
        n
    }

    fn take(&mut self, byte: u8, at: u64, search: &mut Search<'_>) {
        if matches!(byte, b'\r' | b'\n') {
            self.has_cr = byte == b'\r' && self.last_byte.is_some();
            return;
        }
        let unwrapped = (self.has_cr && is_wrap(self.last_byte, byte)).then(|| self.before.clone());
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.threads.clone_from(&self.before.threads);
        self.now.escape.clone_from(&self.before.escape);
        self.now.last = self.before.last;
        self.now.take(self.lens, byte, at, search);
        if let Some(mut unwrapped) = unwrapped {
            let n_found = search.found.len();
            unwrapped.take(self.lens, byte, at, search);
            if self.last_byte == Some(byte) {
                // What ends with this character has ended when it came first.
                search.found.truncate(n_found);
            }
            for thread in unwrapped.threads {
                if !self.now.threads.contains(&thread) {
                    self.now.threads.push(thread);
                }
            }
        }
        if self.lens.differs_on(&[byte]) || !self.now.escape.is_empty() || !self.before.escape.is_empty() {
            self.differed_at = at + 1;
        }
        self.last_byte = Some(byte);
        self.has_cr = false;
    }
}

/// Says whether the last byte and a CR were a line's wrap, if this byte follows.
fn is_wrap(last: Option<u8>, byte: u8) -> bool {
    last.is_some_and(|last| last == b' ' || last == byte)
}

impl State {
    fn is_idle(&self) -> bool {
        self.threads.is_empty() && self.escape.is_empty()
    }

    /// Takes a byte that is no line end.
    fn take(&mut self, lens: Lens, byte: u8, at: u64, search: &mut Search<'_>) {
        if !self.escape.is_empty() {
            self.escape.push((byte, at));
            return self.take_escape(lens, search);
        }
        match lens.class(byte) {
            Class::Symbol(symbol) => self.push(symbol, at, at + 1, search),
            Class::Escape => self.escape.push((byte, at)),
            Class::Nothing | Class::LineEnd => {}
            Class::Other => {
                self.threads.clear();
                self.last = None;
            }
        }
    }

    /// Takes what an escape stands for, once it is whole; what is none stands for itself.
    fn take_escape(&mut self, lens: Lens, search: &mut Search<'_>) {
        let bytes: Vec<u8> = self.escape.iter().map(|(byte, _)| *byte).collect();
        let read = if lens == Lens::Percent { percent(&bytes) } else { backslash(&bytes) };
        match read {
            Escape::Unfinished => {}
            Escape::Is(text) => {
                let start = self.escape[0].1;
                let end = self.escape[self.escape.len() - 1].1 + 1;
                self.escape.clear();
                for symbol in text.into_iter().filter(|symbol| !matches!(symbol, b'\r' | b'\n')) {
                    self.push(symbol, start, end, search);
                }
            }
            Escape::IsNone => {
                let bytes = std::mem::take(&mut self.escape);
                let (first, at) = bytes[0];
                self.push(first, at, at + 1, search);
                for (byte, at) in &bytes[1..] {
                    self.take(lens, *byte, *at, search);
                }
            }
        }
    }

    /// Takes a symbol.
    fn push(&mut self, symbol: u8, start: u64, end: u64, search: &mut Search<'_>) {
        let Search { words, trie, found } = search;
        self.threads.retain_mut(|thread| {
            let Some(place) = trie.step(words, thread.place, symbol) else { return false };
            thread.place = place;
            if let Some(ending) = trie.end(place) {
                let (secret, goes_on) = (ending.secret, ending.goes_on);
                found.push(Found { start: thread.start, end, secret, goes_on, is_begun: false });
            }
            trie.goes_on(place) && end - thread.start <= LONGEST
        });
        if let Some((last, start)) = self.last
            && trie.has_pair(last, symbol)
            && let Some(place) = trie.begin(words, last, symbol)
        {
            self.threads.push(Thread { start, place });
        }
        self.last = Some((symbol, start));
    }
}

/// What bytes are that begin like an escape.
enum Escape {
    Unfinished,
    Is(Vec<u8>),
    IsNone,
}

fn percent(bytes: &[u8]) -> Escape {
    match bytes {
        [b'%'] => Escape::Unfinished,
        [b'%', digits @ ..] => hex_escape(digits, 2, |number| Some(vec![number as u8])),
        _ => Escape::IsNone,
    }
}

fn backslash(bytes: &[u8]) -> Escape {
    let is = |byte: u8| Escape::Is(vec![byte]);
    match bytes {
        [b'\\'] => Escape::Unfinished,
        [b'\\', b'b'] => is(8),
        [b'\\', b'f'] => is(12),
        [b'\\', b'n'] => is(b'\n'),
        [b'\\', b'r'] => is(b'\r'),
        [b'\\', b't'] => is(b'\t'),
        [b'\\', b'x', digits @ ..] => hex_escape(digits, 2, |number| Some(vec![number as u8])),
        [b'\\', b'u', digits @ ..] => match digits.get(..4) {
            Some([b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..]) => surrogates(digits),
            Some(_) | None => hex_escape(digits, 4, utf8),
        },
        [b'\\', digits @ ..] if digits[0].is_ascii_digit() => hex_escape(digits, 2, |number| Some(vec![number as u8])),
        [b'\\', other] if other.is_ascii_punctuation() => is(*other),
        _ => Escape::IsNone,
    }
}

/// Reads so many hex digits and makes something of their number.
fn hex_escape(digits: &[u8], n: usize, make: impl Fn(u32) -> Option<Vec<u8>>) -> Escape {
    match number(digits) {
        None => Escape::IsNone,
        Some(_) if digits.len() < n => Escape::Unfinished,
        Some(number) => make(number).map_or(Escape::IsNone, Escape::Is),
    }
}

/// Reads two halves of a character, `d83d\ude00`.
fn surrogates(text: &[u8]) -> Escape {
    let high = number(&text[..4]);
    let (mark, low) = text[4..].split_at(text[4..].len().min(2));
    if !b"\\u".starts_with(mark) {
        return Escape::IsNone;
    }
    let whole = |low: u32| utf8(0x10000 + ((high? & 0x3ff) << 10 | low & 0x3ff));
    hex_escape(low, 4, whole)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

fn utf8(number: u32) -> Option<Vec<u8>> {
    char::from_u32(number).map(|character| character.to_string().into_bytes())
}
