//! Secrets and the many ways in which they could show.
//!
//! A secret is looked for in streams ([`Stream`]) and in texts ([`Redactor::redact`]), by one search: a trie of all words, which
//! grows with each secret that is learned, and five ways of reading. What it costs does not depend on how many secrets there are.

mod asked;
mod forms;
mod lens;
mod stream;
mod trie;
mod words;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use asked::{Asked, without_sequences};
pub(crate) use forms::{can_be_masked, forms_of};
pub(crate) use lens::LONGEST;
use lens::Lens;
pub(crate) use stream::{Joins, Region, Stream};
use trie::Trie;
use words::{Coding, Words};

/// The shortest text that can be told from ordinary text.
pub(crate) const SHORTEST: usize = 4;

/// Secrets may take so much together, [`OVERHEAD`] for each.
const MOST: usize = 32 << 20;

/// What the search takes for a secret besides its bytes, about.
const OVERHEAD: usize = 128;

/// What is said when secrets have no room.
pub(crate) const FULL: &str = "the secrets of this run take more than 32 MiB: nothing more can be shown";

/// Stands for all that cannot be searched any more.
const HIDDEN: &str = "«hidden»";

/// How much room is left for secrets.
#[derive(Clone, Copy, Debug)]
struct Room(usize);

impl Default for Room {
    fn default() -> Room {
        Room(MOST)
    }
}

/// Knows every secret of a run and takes it out of what is shown.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    words: Words,
    text: Trie,
    hex: Trie,
    base64: Trie,
    /// Every secret, plain, in the order in which they were learned.
    known: Vec<(Arc<str>, Vec<u8>)>,
    /// Where each stands in `known`, by a digest of its bytes.
    places: HashMap<u64, Vec<usize>>,
    /// How much room they have left.
    room: Room,
    /// Whether there was a secret that had no room: then nothing can be shown any more.
    is_full: bool,
}

impl Redactor {
    /// Makes one that has so much room for secrets.
    #[cfg(test)]
    pub(crate) fn with_room(room: usize) -> Redactor {
        Redactor { room: Room(room), ..Redactor::default() }
    }

    /// Learns a secret: from now on it shows as `«name»`, in whatever form. A secret that is known by another name gets this
    /// one. What is too short is not learned, see [`can_be_masked`].
    pub(crate) fn learn(&mut self, name: &str, secret: &[u8]) {
        let places = self.places.entry(digest(secret)).or_default();
        let is_known = places.iter().any(|place| {
            let (known_name, known) = &self.known[*place];
            **known_name == *name && known == secret
        });
        if is_known || self.is_full || !can_be_masked(secret) {
            return;
        }
        let Some(room) = self.room.0.checked_sub(secret.len() + OVERHEAD) else {
            self.is_full = true;
            return;
        };
        self.room = Room(room);
        places.push(self.known.len());
        self.known.push((name.into(), secret.to_vec()));
        self.add(secret, (self.known.len() - 1) as u32);
    }

    /// Adds every word of a secret.
    fn add(&mut self, secret: &[u8], number: u32) {
        for block in forms::blocks(secret) {
            let at = self.words.keep(&secret[block.clone()]);
            let lines = forms::lines(secret, block.clone());
            let telling = lines.iter().filter(|line| forms::is_telling(&secret[(*line).clone()]));
            let telling: Vec<Range<usize>> = telling.cloned().collect();
            if telling.len() < lines.len() {
                let text = forms::without_line_ends(&secret[block.clone()]);
                let at = self.words.keep(&text);
                self.add_word(at, text.len(), Coding::Text, number);
            }
            self.add_codings(at, &secret[block.clone()], number);
            for line in telling {
                let at = at + (line.start - block.start);
                self.add_word(at, line.len(), Coding::Text, number);
                if lines.len() > 1 {
                    self.add_codings(at, &secret[line], number);
                }
            }
        }
    }

    /// Adds bytes that are kept in every coding but the plain one.
    fn add_codings(&mut self, at: usize, bytes: &[u8], number: u32) {
        self.add_word(at, bytes.len(), Coding::Hex, number);
        if bytes.is_ascii() {
            self.add_word(at, bytes.len(), Coding::WideHex, number);
        } else if let Some(wide) = forms::wide(bytes) {
            let at = self.words.keep(&wide);
            self.add_word(at, wide.len(), Coding::Hex, number);
        }
        for behind in 0..3 {
            self.add_word(at, bytes.len(), Coding::Base64(behind), number);
        }
    }

    fn add_word(&mut self, at: usize, n_bytes: usize, coding: Coding, number: u32) {
        let (trie, shortest) = match coding {
            Coding::Text => (&mut self.text, SHORTEST),
            Coding::Hex | Coding::WideHex => (&mut self.hex, SHORTEST * 2),
            Coding::Base64(_) => (&mut self.base64, 6),
        };
        let word = self.words.add(at, n_bytes, coding, number);
        let own = self.words.own_symbols(word);
        let last = self.words.last_symbol(word);
        if own.len() >= shortest {
            trie.add(&self.words, word, own.clone());
        }
        if last > own.end && last - own.start >= shortest {
            trie.add(&self.words, word, own.start..last);
        }
    }

    /// Says whether there is nothing to look for.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && !self.is_full
    }

    /// Says whether secrets could not be learned any more. Nothing may be shown then but that.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Returns bytes with every secret replaced by its name; `None` if there is none in them.
    pub(crate) fn redact(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.redact_part(bytes, 0..bytes.len(), Ends::Whole)
    }

    /// Returns a part of some bytes with every secret replaced by its name that stands in it or reaches into it; `None` if none
    /// does.
    pub(crate) fn redact_part(&self, bytes: &[u8], part: Range<usize>, ends: Ends) -> Option<Vec<u8>> {
        if self.is_full && bytes != FULL.as_bytes() {
            return (!part.is_empty()).then(|| HIDDEN.as_bytes().to_vec());
        }
        if self.known.is_empty() {
            return None;
        }
        self.search(bytes, ends).named(part.start as u64..part.end as u64, &bytes[part], self)
    }

    /// Returns the pieces of secrets that a part of some bytes begins or ends with, with their names: what a person who sees the
    /// part would know of them.
    pub(crate) fn pieces(&self, bytes: &[u8], part: Range<usize>) -> Vec<(Arc<str>, Vec<u8>)> {
        if self.is_empty() {
            return Vec::new();
        }
        let part = part.start as u64..part.end as u64;
        let regions = self.search(bytes, Ends::Cut).regions(&part);
        let is_piece =
            |region: &Region| region.is_begun || region.range.start < part.start || region.range.end > part.end;
        let piece = |region: Region| {
            let range = region.range.start.max(part.start)..region.range.end.min(part.end);
            (self.name(region.secret).clone(), bytes[range.start as usize..range.end as usize].to_vec())
        };
        regions.into_iter().filter(is_piece).map(piece).collect()
    }

    /// Returns bytes with every secret replaced by its name.
    pub(crate) fn clean(&self, bytes: &[u8]) -> Vec<u8> {
        self.redact(bytes).unwrap_or_else(|| bytes.to_vec())
    }

    /// Returns a text with every secret replaced by its name.
    pub(crate) fn clean_text(&self, text: &str) -> String {
        match self.redact(text.as_bytes()) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => text.to_string(),
        }
    }

    /// Returns every secret with its name.
    pub(crate) fn known(&self) -> &[(Arc<str>, Vec<u8>)] {
        &self.known
    }

    /// Returns the name of the secret that some bytes are, in whatever form, white space at their ends left out.
    pub(crate) fn name_of(&self, bytes: &[u8]) -> Option<Arc<str>> {
        let same = self.places.get(&digest(bytes)).into_iter().flatten().rev();
        if let Some((name, _)) = same.map(|place| &self.known[*place]).find(|(_, known)| known == bytes) {
            return Some(name.clone());
        }
        let bytes = bytes.trim_ascii();
        let all = 0..bytes.len() as u64;
        let regions = if self.is_empty() { Vec::new() } else { self.search(bytes, Ends::Whole).regions(&all) };
        let is_line_end = |at: u64| bytes.get(at as usize).is_some_and(|byte| matches!(byte, b'\r' | b'\n'));
        let mut at = 0;
        for region in &regions {
            while is_line_end(at) {
                at += 1;
            }
            if region.range.start > at {
                return None;
            }
            at = region.range.end;
        }
        regions.first().filter(|_| at == all.end).map(|region| self.name(region.secret).clone())
    }

    /// Returns where secrets stand in some bytes, in whatever form, and their names: in order, and none over another.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<(Range<usize>, Arc<str>)> {
        if self.is_empty() {
            return Vec::new();
        }
        let regions = self.search(bytes, Ends::Whole).regions(&(0..bytes.len() as u64));
        let place = |region: Region| {
            let range = region.range.start as usize..region.range.end as usize;
            (range, self.name(region.secret).clone())
        };
        regions.into_iter().map(place).collect()
    }

    /// Returns where secrets and pieces of them stand in a part of some bytes, counted from its beginning, and their names. What
    /// stands around the part tells of which secret it shows a piece.
    pub(crate) fn find_in_part(&self, bytes: &[u8], part: Range<usize>) -> Vec<(Range<usize>, Arc<str>)> {
        if self.is_empty() {
            return Vec::new();
        }
        let part = part.start as u64..part.end as u64;
        let clipped = |region: Region| {
            let start = region.range.start.max(part.start) - part.start;
            let end = region.range.end.min(part.end) - part.start;
            (start as usize..end as usize, self.name(region.secret).clone())
        };
        self.search(bytes, Ends::Cut).regions(&part).into_iter().map(clipped).collect()
    }

    /// Returns the name of a secret by its number.
    pub(crate) fn name(&self, secret: u32) -> &Arc<str> {
        &self.known[secret as usize].0
    }

    fn search(&self, bytes: &[u8], ends: Ends) -> Stream {
        let mut stream = Stream::default();
        stream.feed(bytes, self);
        match ends {
            Ends::Whole => {}
            Ends::Cut => stream.cut(self),
        }
        stream
    }

    fn trie(&self, lens: Lens) -> &Trie {
        match lens {
            Lens::Plain | Lens::Percent | Lens::Backslash => &self.text,
            Lens::Hex => &self.hex,
            Lens::Base64 => &self.base64,
        }
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut digest = DefaultHasher::new();
    digest.write(bytes);
    digest.finish()
}

/// What the end of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// They are a whole text.
    Whole,
    /// They were cut there: the beginning of a secret counts as the secret.
    Cut,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::coding;

    #[test]
    fn a_secret_is_masked_plain_and_encoded() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"pa ss/1\"");
        let forms: [&[u8]; 6] = [
            b"pa ss/1\"",
            b"70612073732f3122",
            b"70612073732F3122",
            b"cGEgc3MvMSI=",
            b"pa%20ss%2F1%22",
            b"pa ss/1\\22",
        ];
        for form in forms {
            let text = [b"<", form, b">"].concat();
            let shown = String::from_utf8(redactor.clean(&text)).expect("the test's texts are UTF-8");
            assert!(shown.starts_with("<«key»"), "{shown}");
        }
        assert_eq!(redactor.redact(b"pa ss"), None);
    }

    #[test]
    fn a_secret_inside_of_a_text_is_masked_in_the_base64_of_the_text() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"hunter22-hunter22");
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", ":", ":x", ":xy"] {
                let encoded = coding::base64(format!("{before}hunter22-hunter22{after}").as_bytes());
                assert!(redactor.clean_text(&encoded).contains("«key»"), "{before} {after} {encoded}");
            }
        }
    }

    #[test]
    fn base64_for_urls_and_small_escapes_are_masked() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"aB+/c=d&e?h~>i~~~~");
        for text in ["YUIrL2M9ZCZlP2h-Pml-fn5-", "YUIrL2M9ZCZlP2h+Pml+fn5+", "aB%2b%2fc%3dd%26e%3fh~%3ei~~~~"] {
            assert_eq!(redactor.clean_text(text), "«key»", "{text}");
        }
    }

    #[test]
    fn a_longer_secret_wins_over_one_that_it_begins_with() {
        let mut redactor = Redactor::default();
        redactor.learn("short", b"abcd");
        redactor.learn("long", b"abcdefgh");
        assert_eq!(redactor.clean_text("abcdefgh abcd"), "«long» «short»");
    }

    #[test]
    fn bytes_that_are_no_text_are_masked_too() {
        let mut redactor = Redactor::default();
        redactor.learn("key", &[0xff, 0, 0x80, b'(', b'\n']);
        let shown = [&[1][..], "«key»".as_bytes(), b"\n", &[2]].concat();
        assert_eq!(
            redactor.clean(&[1, 0xff, 0, 0x80, b'(', b'\n', 2]),
            shown,
            "white space at its end is no part of it"
        );
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_line_by_line_whatever_ends_them() {
        let mut redactor = Redactor::default();
        redactor.learn("pem", b"-----BEGIN KEY-----\nMHcCAQEE\nAwEHoUQD\n-----END KEY-----\n");
        let echo = "-----BEGIN KEY-----\r\n> MHcCAQEE\r\n> AwEHoUQD\r\n-----END KEY-----\r\n";
        let shown = "-----BEGIN KEY-----\r\n> «pem»\r\n> «pem»\r\n-----END KEY-----\r\n";
        assert_eq!(redactor.clean_text(echo), shown);
        assert_eq!(redactor.clean_text("\"MHcCAQEE\\nAwEHoUQD\""), "\"«pem»\\n«pem»\"");
        assert_eq!(redactor.clean_text("-----BEGIN CERTIFICATE-----"), "-----BEGIN CERTIFICATE-----");
        let mut redactor = Redactor::default();
        redactor.learn("short", b"{\nab\ncd\n}\n");
        assert_eq!(redactor.clean_text("{\r\nab\r\ncd\r\n}."), "«short».");
    }

    #[test]
    fn large_and_many_secrets_do_not_switch_the_search_off() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"Tr0ub4dor-9Kx7Qm2Z");
        redactor.learn("big", &b"x".repeat(64 << 10));
        let mut rng = crate::value::random::Rng::from_seed(1);
        let bodies: Vec<String> = (0..2).map(|_| rng.text(10_000)).collect();
        bodies.iter().for_each(|body| redactor.learn("body", body.as_bytes()));
        for _ in 0..300 {
            redactor.learn("token", rng.text(32).as_bytes());
        }
        assert_eq!(redactor.clean_text("AT Tr0ub4dor-9Kx7Qm2Z."), "AT «key».");
        assert_eq!(redactor.clean_text(&format!("<{}>", bodies[1])), "<«body»>");
        assert_eq!(redactor.clean_text(&format!("<{}>", "x".repeat(8 << 10))), "<«big»>");
    }

    #[test]
    fn a_secret_that_has_no_room_hides_everything() {
        let mut redactor = Redactor::with_room(2 * (8 + OVERHEAD));
        redactor.learn("a", b"abcdefgh");
        redactor.learn("b", b"ijklmnop");
        assert!(!redactor.is_full());
        redactor.learn("a", b"abcdefgh");
        assert!(!redactor.is_full(), "it is known");
        redactor.learn("c", b"qrstuvwx");
        assert!(redactor.is_full() && !redactor.is_empty());
        assert_eq!(redactor.clean_text("whatever"), HIDDEN);
        assert_eq!(redactor.clean_text(FULL), FULL);
        assert_eq!(redactor.clean_text(""), "");
    }

    #[test]
    fn a_part_is_shown_without_the_pieces_of_secrets_at_its_ends() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"Tr0ub4dor-9Kx7Qm2Z");
        let bytes = b"xxTr0ub4dor-9Kx7Qm2Zyy";
        let shown = |bytes: &[u8], part: Range<usize>| {
            let shown = redactor.redact_part(bytes, part, Ends::Cut).expect("there is one");
            String::from_utf8_lossy(&shown).into_owned()
        };
        assert_eq!(shown(bytes, 0..11), "xx«key»");
        assert_eq!(shown(bytes, 11..22), "«…key»yy");
        assert_eq!(shown(&bytes[..11], 0..11), "xx«key…»");
        let pieces: Vec<Vec<u8>> = redactor.pieces(bytes, 0..11).into_iter().map(|(_, piece)| piece).collect();
        assert_eq!(pieces, [b"Tr0ub4dor".to_vec()]);
        assert!(redactor.pieces(bytes, 0..22).is_empty());
        assert_eq!(redactor.find_in_part(bytes, 11..22), [(0..9, "key".into())]);
        assert_eq!(redactor.find_in_part(bytes, 6..9), [(0..3, "key".into())], "its middle");
    }

    #[test]
    fn the_name_of_a_secret_is_known_in_every_form() {
        let mut redactor = Redactor::default();
        redactor.learn("pem", b"-----BEGIN KEY-----\nMHcCAQEE\nAwEHoUQD\n-----END KEY-----\n");
        redactor.learn("key", b"hunter22");
        for text in ["hunter22", " hunter22\r\n", "68756E7465723232", "68 75 6e 74 65 72 32 32"] {
            assert_eq!(redactor.name_of(text.as_bytes()).as_deref(), Some("key"), "{text}");
        }
        assert_eq!(redactor.name_of(redactor.known()[0].1.clone().as_slice()).as_deref(), Some("pem"));
        assert_eq!(redactor.name_of(b"MHcCAQEE\r\nAwEHoUQD").as_deref(), Some("pem"));
        assert_eq!((redactor.name_of(b"hunter22."), redactor.name_of(b"")), (None, None));
        assert_eq!(redactor.find(b"a hunter22."), [(2..10, "key".into())]);
    }
}
