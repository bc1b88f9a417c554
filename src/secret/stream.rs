//! `Stream`: the bytes of one direction of a line, searched as they come, however they are cut.
//!
//! Places in it are counted from the first byte that it was given.

use std::cmp::{Ordering, Reverse};
use std::ops::Range;

use super::Redactor;
use super::lens::{Found, Lens, Reader, Search};

/// The search in one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    readers: [Reader; 5],
    /// Which of them read what [`Lens::Plain`] reads, and have not read it.
    is_idle: [bool; 5],
    end: u64,
    found: Vec<Found>,
    /// Where the last secret ends that has been named.
    named_to: u64,
}

/// A part of a stream that shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Where.
    pub range: Range<u64>,
    /// The number of the secret.
    pub secret: u32,
    /// Whether only its beginning is there.
    pub is_begun: bool,
    /// How it goes on from the region before it.
    pub joins: Joins,
}

/// How a region goes on from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    /// Not at all.
    No,
    /// It is the next piece of the same word.
    Next,
    /// It is the rest of a secret that overlaps the one before.
    Rest,
}

impl Default for Stream {
    fn default() -> Stream {
        let is_idle = Lens::ALL.map(|lens| matches!(lens, Lens::Percent | Lens::Backslash));
        Stream { readers: Lens::ALL.map(Reader::new), is_idle, end: 0, found: Vec::new(), named_to: 0 }
    }
}

impl Stream {
    /// Takes bytes in; returns where they stand.
    pub(crate) fn feed(&mut self, bytes: &[u8], redactor: &Redactor) -> Range<u64> {
        let begin = self.end;
        self.end += bytes.len() as u64;
        if redactor.is_empty() {
            return begin..self.end;
        }
        // Those that follow the first take over from it before it goes on.
        for (index, lens) in Lens::ALL.into_iter().enumerate().rev() {
            if self.is_idle[index] {
                if !lens.differs_on(bytes) {
                    continue;
                }
                let [plain, others @ ..] = &mut self.readers;
                others[index - 1].join(plain);
                self.is_idle[index] = false;
            }
            let mut search = Search { words: &redactor.words, trie: redactor.trie(lens), found: &mut self.found };
            self.readers[index].feed(bytes, begin, &mut search);
        }
        for (index, lens) in Lens::ALL.into_iter().enumerate() {
            if matches!(lens, Lens::Percent | Lens::Backslash) {
                self.is_idle[index] |= self.readers[index].is_as_plain();
            }
        }
        begin..self.end
    }

    /// Returns where the stream ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Returns where the first secret begins that may go on behind the end. Three symbols are not told from other text.
    pub(crate) fn open_from(&self, redactor: &Redactor) -> Option<u64> {
        self.begun(redactor).map(|found| found.start).min()
    }

    /// Returns the same, of beginnings of one symbol too.
    pub(crate) fn begun_from(&self, redactor: &Redactor) -> Option<u64> {
        if redactor.is_empty() {
            return None;
        }
        let awake = Lens::ALL.into_iter().zip(&self.readers).zip(self.is_idle).filter(|(_, is_idle)| !is_idle);
        awake.filter_map(|((lens, reader), _)| reader.begun_from(self.end, redactor.trie(lens))).min()
    }

    /// Shows what has come, though a secret may go on behind it: the beginnings of secrets count as such.
    pub(crate) fn cut(&mut self, redactor: &Redactor) {
        let begun: Vec<Found> = self.begun(redactor).collect();
        self.found.extend(begun);
    }

    /// Drops what was found before a place.
    pub(crate) fn forget(&mut self, before: u64) {
        self.found.retain(|found| found.end > before);
    }

    /// Returns the secrets that stand in a part of the stream, or reach into it, in their order; they do not overlap.
    pub(crate) fn regions(&mut self, part: &Range<u64>) -> Vec<Region> {
        // The longest first, the last learned first: what begins at a place has its name.
        self.found.sort_unstable_by_key(|found| (found.start, Reverse((found.end, !found.is_begun, found.secret))));
        let mut regions: Vec<Region> = Vec::new();
        for found in self.found.iter().filter(|found| found.start < part.end) {
            let Found { start, end, secret, goes_on, is_begun } = *found;
            let at = regions.last().map_or(0, |last| last.range.end);
            if end <= at {
                continue;
            }
            let joins = match start.cmp(&at) {
                _ if at == 0 => Joins::No,
                Ordering::Less => Joins::Rest,
                Ordering::Equal if goes_on => Joins::Next,
                Ordering::Equal | Ordering::Greater => Joins::No,
            };
            regions.push(Region { range: start.max(at)..end, secret, is_begun, joins });
        }
        regions.retain(|region| region.range.end > part.start && region.range.start < part.end);
        regions
    }

    /// Returns a part of the stream with names in place of secrets; `None` if there is none in it. A secret that began before
    /// the part has been named there, if it was known then.
    pub(crate) fn named(&mut self, part: Range<u64>, bytes: &[u8], redactor: &Redactor) -> Option<Vec<u8>> {
        self.named_with(part, bytes, redactor, &mut [])
    }

    /// Does so, and puts places in the bytes where they are then; a place in a secret comes behind its name.
    pub(crate) fn named_with(
        &mut self,
        part: Range<u64>,
        bytes: &[u8],
        redactor: &Redactor,
        places: &mut [usize],
    ) -> Option<Vec<u8>> {
        if self.found.is_empty() {
            return None;
        }
        let regions = self.regions(&part);
        if regions.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut last = part.start;
        let mut before = None;
        let plain = |range: Range<u64>| &bytes[(range.start - part.start) as usize..(range.end - part.start) as usize];
        let mut places = Places { part: part.start, n_moved: 0, places };
        for region in regions {
            let name = redactor.name(region.secret);
            let after = if region.is_begun { "…" } else { "" };
            if region.joins != Joins::No && before == Some((region.secret, region.range.start)) {
                // It has been named.
            } else if region.range.start >= part.start {
                places.pass(region.range.start, out.len() as u64 + (region.range.start - last));
                out.extend_from_slice(plain(last..region.range.start));
                out.extend_from_slice(format!("«{name}{after}»").as_bytes());
            } else if region.range.end > self.named_to {
                out.extend_from_slice(format!("«…{name}{after}»").as_bytes());
            }
            self.named_to = self.named_to.max(region.range.end);
            before = Some((region.secret, region.range.end));
            last = region.range.end.min(part.end);
            places.stay(last, out.len() as u64);
        }
        places.pass(part.end, out.len() as u64 + (part.end - last));
        out.extend_from_slice(plain(last..part.end));
        Some(out)
    }

    fn begun<'a>(&'a self, redactor: &'a Redactor) -> impl Iterator<Item = Found> + use<'a> {
        let awake = Lens::ALL.into_iter().zip(&self.readers).zip(self.is_idle).filter(|(_, is_idle)| !is_idle);
        awake.flat_map(|((lens, reader), _)| reader.begun(self.end, &redactor.words, redactor.trie(lens)))
    }
}

/// Places in some bytes, in their order, on the way to where they are in what is made of the bytes.
struct Places<'a> {
    /// Where the bytes stand in the stream.
    part: u64,
    /// So many of the first have been moved.
    n_moved: usize,
    places: &'a mut [usize],
}

impl Places<'_> {
    /// Moves the places up to `end` in the stream, which comes to `out`: what is before it is as it was.
    fn pass(&mut self, end: u64, out: u64) {
        self.each_to(end, |at| out - (end - at));
    }

    /// Moves the places up to `end` in the stream to `out`: what is before it has got another length.
    fn stay(&mut self, end: u64, out: u64) {
        self.each_to(end, |_| out);
    }

    fn each_to(&mut self, end: u64, moved: impl Fn(u64) -> u64) {
        while let Some(place) = self.places.get_mut(self.n_moved)
            && self.part + *place as u64 <= end
        {
            *place = moved(self.part + *place as u64) as usize;
            self.n_moved += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.learn("key", secret.as_bytes()));
        redactor
    }

    /// Feeds pieces, each shown when nothing is open in it; `|` in the text is where a piece ends, `!` where it is cut.
    fn shown(secret: &str, text: &str) -> String {
        let redactor = redactor(&[secret]);
        let mut stream = Stream::default();
        let mut staying: Vec<(Range<u64>, &[u8])> = Vec::new();
        let mut out = Vec::new();
        for piece in text.split_inclusive(['|', '!']) {
            let bytes = piece.trim_end_matches(['|', '!']).as_bytes();
            staying.push((stream.feed(bytes, &redactor), bytes));
            let is_cut = piece.ends_with('!');
            if is_cut {
                stream.cut(&redactor);
            }
            while let Some((part, bytes)) = staying.first().cloned()
                && (is_cut || stream.open_from(&redactor).is_none_or(|from| from >= part.end))
            {
                out.extend(stream.named(part.clone(), bytes, &redactor).unwrap_or_else(|| bytes.to_vec()));
                out.push(b'|');
                stream.forget(part.end);
                staying.remove(0);
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_secret_is_named_where_it_begins_and_a_cut_shows_what_has_come_of_it() {
        assert_eq!(shown("abcdefgh", "..abcd|efgh..|abcdefgh|"), "..«key»|..|«key»|");
        assert_eq!(shown("abcdefgh", "..abcde!fgh..|"), "..«key…»|«…key»..|");
        assert_eq!(shown("abcdefgh", "..abcde!f!gh|x|"), "..«key…»|«…key…»|«…key»|x|");
        assert_eq!(shown("abcdefgh", "..abcde!xx|"), "..«key…»|xx|", "it was none");
        assert_eq!(shown("abcdefgh", "..abcde|xx|"), "..abcde|xx|");
        assert_eq!(shown("abcdefgh", "..abcde \r|fgh..|"), "..«key»|..|", "a terminal wraps it");
        assert_eq!(shown("abcdefgh", "..abcde |fgh..|"), "..abcde |fgh..|");
        assert_eq!(shown("abcdefgh", "..abc|defgh..|"), "..abc|«…key»..|", "three cannot be told from other text");
    }

    #[test]
    fn a_line_without_the_beginning_of_a_secret_is_never_held_back() {
        let redactor = redactor(&["abcdefgh", "line 1 of\nline 2 of"]);
        for text in ["OK\r\n", "+CSQ: 25,0\r\n", "..abc", "abcd\r\nx", "6162\r\nx", "\r\n\r\n", "61:62:6\r\nx"] {
            let mut stream = Stream::default();
            stream.feed(text.as_bytes(), &redactor);
            assert_eq!(stream.open_from(&redactor), None, "{text:?}");
        }
    }

    #[test]
    fn what_a_terminal_puts_into_a_line_does_not_hide_a_secret() {
        let secret = "Tr0ub4dor-9Kx7Qm2Z";
        let redactor = redactor(&[secret]);
        for at in 1..secret.len() {
            let (first, rest) = secret.split_at(at);
            let again = &rest[..1];
            for wrap in ["\r\n", "\r\r\n", "\n", "\r", " \r", &format!("{again}\r")] {
                let text = format!("k={first}{wrap}{rest}.");
                if rest.len() == 1 && wrap.starts_with(again) {
                    assert_eq!(redactor.clean_text(&text), "k=«key»\rZ.", "its last character is no secret");
                    continue;
                }
                assert_eq!(redactor.clean_text(&text), "k=«key».", "{text:?}");
                for cut in 1..text.len() {
                    let mut stream = Stream::default();
                    stream.feed(&text.as_bytes()[..cut], &redactor);
                    stream.feed(&text.as_bytes()[cut..], &redactor);
                    let named = stream.named(0..stream.end(), text.as_bytes(), &redactor);
                    assert_eq!(named.as_deref(), Some("k=«key».".as_bytes()), "{text:?} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn forms_may_be_mixed_and_cut_anywhere() {
        let secret = "pa ss/1\"+%41";
        let redactor = redactor(&[secret]);
        let texts = [
            "pa%20ss%2f1%22%2B%2541",
            "pa+ss/1%22%2b%2541",
            "p\\u0061 ss\\/1\\\"+%41",
            "pa ss/1\\22+%41",
            "70:61 20-73\r\n73\t2F31222b253431",
            "0070006100200073 0073002f00310022002B002500340031",
        ];
        for text in texts {
            let text = format!("<{text}>");
            for cut in 0..text.len() {
                let mut stream = Stream::default();
                stream.feed(&text.as_bytes()[..cut], &redactor);
                stream.feed(&text.as_bytes()[cut..], &redactor);
                let named = stream.named(0..stream.end(), text.as_bytes(), &redactor).unwrap_or_default();
                assert_eq!(String::from_utf8_lossy(&named), "<«key»>", "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_learned_on_the_way_is_found_from_then_on() {
        let mut redactor = redactor(&["abcdefgh"]);
        let mut stream = Stream::default();
        stream.feed(b"abcd", &redactor);
        redactor.learn("other", b"abcdxy");
        redactor.learn("third", b"abzz");
        stream.feed(b"efgh", &redactor);
        let part = stream.feed(b"abcdxyabzz", &redactor);
        let named = stream.named(0..part.end, b"abcdefghabcdxyabzz", &redactor).expect("there are three");
        assert_eq!(String::from_utf8_lossy(&named), "«key»«other»«third»");
    }
}
