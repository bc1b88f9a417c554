//! `Forms`: finds the secrets on a recorded line and says how each is written there.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Mask, Piece};
use crate::secret::{Redactor, SHORTEST, forms_of};

/// Is in a mask whose bytes have no form with a name: what was there is not known any more.
const OTHER: &str = "other";

/// Of a piece of a secret a byte in so many may stand at its end without being found: too few to be told from other text.
const PART: usize = 16;

/// The secrets of a run, to be found.
#[derive(Debug, Default)]
pub(super) struct Forms {
    redactor: Redactor,
    /// How many were learned of those of the run.
    n_learned: usize,
    /// How many of the name and the length of each were learned before it: what is made of a secret has its name.
    ordinals: Vec<usize>,
    /// How many of each name and length there are.
    counts: HashMap<(Arc<str>, usize), usize>,
}

impl Forms {
    /// Returns the forms of secrets. A form that two secrets share has the name of the later.
    pub(super) fn of(secrets: &[(Arc<str>, Vec<u8>)]) -> Forms {
        let mut forms = Forms::default();
        forms.learn(secrets);
        forms
    }

    /// Learns all secrets of a run, more each time, in the same order. Returns whether there was a new one.
    pub(super) fn learn(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) -> bool {
        let new = secrets.get(self.n_learned..).unwrap_or_default();
        for (name, secret) in new {
            if !self.is_made_of_known(name, secret) {
                self.redactor.learn(name, secret);
            }
        }
        for (name, secret) in &self.redactor.known()[self.ordinals.len()..] {
            let count = self.counts.entry((name.clone(), secret.len())).or_default();
            self.ordinals.push(*count);
            *count += 1;
        }
        self.n_learned += new.len();
        !new.is_empty()
    }

    /// Says whether a secret is found without being learned: it is the beginning of another of its name, in some form. Its mask
    /// would name bytes that only this run knows; that of the other can be read in a replay.
    fn is_made_of_known(&self, name: &str, secret: &[u8]) -> bool {
        let found = self.redactor.find(secret);
        let is_line_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let n_bytes = secret.iter().filter(|byte| !is_line_end(byte)).count();
        let n_found: usize =
            found.iter().map(|(range, _)| secret[range.clone()].iter().filter(|byte| !is_line_end(byte)).count()).sum();
        let n_left = n_bytes - n_found;
        let is_all = n_left < SHORTEST && n_left * PART <= n_bytes;
        !found.is_empty() && found.iter().all(|(_, of)| **of == *name) && is_all
    }

    /// Returns the search for them.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Says whether one of them stands in a text.
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        self.redactor.redact(text).is_some()
    }

    /// Puts the masks of some bytes that are a secret, or a part of one, behind other pieces. Line ends in them are no part of it.
    ///
    /// A second secret of the same name and length has a form of its own, `plain~2`: a replay does not know its bytes.
    pub(super) fn put_masks(&self, secret: u32, bytes: &[u8], pieces: &mut Vec<Piece>) {
        let ordinal = self.ordinals[secret as usize];
        let (name, secret) = &self.redactor.known()[secret as usize];
        let mask = |form: String, len: usize| Piece::Secret(Mask { name: name.to_string(), form, len });
        let titled = |title: &str| if ordinal == 0 { title.to_string() } else { format!("{title}~{}", ordinal + 1) };
        if secret == bytes {
            return pieces.push(mask(titled("plain"), bytes.len()));
        }
        let forms = forms_of(secret);
        if let Some((title, _)) = forms.iter().find(|(_, form)| form == bytes) {
            return pieces.push(mask(titled(title), bytes.len()));
        }
        let mut rest = bytes;
        let mut n_other = 0;
        while !rest.is_empty() {
            let part = longest_part(&forms, rest);
            let is_alone = part.is_none_or(|(_, _, n)| n == 1);
            let is_between = matches!(rest[0], b'\r' | b'\n') || is_alone && rest[0].is_ascii_whitespace();
            if n_other > 0 && (is_between || part.is_some()) {
                pieces.push(mask(OTHER.to_string(), std::mem::take(&mut n_other)));
            }
            let n = match part {
                _ if is_between => {
                    put_bytes(&rest[..1], pieces);
                    1
                }
                Some((title, at, n)) => {
                    pieces.push(mask(format!("{}@{at}", titled(title)), n));
                    n
                }
                None => {
                    n_other += 1;
                    1
                }
            };
            rest = &rest[n..];
        }
        if n_other > 0 {
            pieces.push(mask(OTHER.to_string(), n_other));
        }
    }
}

/// Puts bytes behind other pieces.
pub(super) fn put_bytes(bytes: &[u8], pieces: &mut Vec<Piece>) {
    match pieces.last_mut() {
        Some(Piece::Bytes(before)) => before.extend_from_slice(bytes),
        Some(Piece::Secret(_)) | None => pieces.push(Piece::Bytes(bytes.to_vec())),
    }
}

/// Returns the form in which the longest beginning of some bytes stands, where, and how long it is.
fn longest_part<'a>(forms: &[(&'a str, Vec<u8>)], bytes: &[u8]) -> Option<(&'a str, usize, usize)> {
    let mut longest: Option<(&str, usize, usize)> = None;
    for (title, form) in forms {
        let at_least = longest.map_or(0, |(_, _, n)| n);
        let find = |n: usize| memchr::memmem::find(form, &bytes[..n]);
        if at_least >= bytes.len() || find(at_least + 1).is_none() {
            continue;
        }
        // `find(from)` is, `find(to)` is not; each beginning of what is found is found.
        let (mut from, mut to) = (at_least + 1, bytes.len().min(form.len()) + 1);
        let mut reach = 16;
        while from + 1 < to {
            let middle = from.saturating_add(reach).min((from + to) / 2).max(from + 1);
            if find(middle).is_some() {
                from = middle;
                reach = reach.saturating_mul(2);
            } else {
                to = middle;
                reach = usize::MAX;
            }
        }
        longest = find(from).map(|at| (*title, at, from));
    }
    longest
}

/// What is learned of masks takes no more bytes than this: as much as the secrets of a run.
const MOST_LEARNED: usize = 32 << 20;

/// What is made of the secrets for masks is made again when it takes more bytes than this.
const MOST_MADE: usize = 4 << 20;

/// What masks stand for, as far as that is known.
#[derive(Debug)]
pub(crate) struct Known {
    secrets: Vec<(Arc<str>, Vec<u8>)>,
    /// What was learned, and how much that is.
    learned: HashMap<Mask, Vec<u8>>,
    n_learned: usize,
    /// What was made of the secrets, and how much that is.
    made: HashMap<Mask, Option<Vec<u8>>>,
    n_made: usize,
}

impl Known {
    /// Makes it of the secrets of a run; of two that look the same the last counts.
    pub(crate) fn of(secrets: &[(Arc<str>, Vec<u8>)]) -> Known {
        Known { secrets: secrets.to_vec(), learned: HashMap::new(), n_learned: 0, made: HashMap::new(), n_made: 0 }
    }

    /// Learns what a mask stands for, if there is room for it.
    pub(crate) fn learn(&mut self, mask: Mask, bytes: Vec<u8>) {
        let n_before = self.learned.get(&mask).map_or(0, Vec::len);
        let n_learned = self.n_learned - n_before + bytes.len();
        if n_learned <= MOST_LEARNED {
            self.n_learned = n_learned;
            self.learned.insert(mask, bytes);
        }
    }

    /// Returns what a mask stands for by the secrets that were given, whatever was learned.
    pub(crate) fn given(&mut self, mask: &Mask) -> Option<&[u8]> {
        if !self.made.contains_key(mask) {
            let bytes = bytes_of(mask, &self.secrets);
            let n_bytes = mask.name.len() + mask.form.len() + bytes.as_ref().map_or(0, Vec::len);
            if self.n_made + n_bytes > MOST_MADE {
                self.made.clear();
                self.n_made = 0;
            }
            self.n_made += n_bytes;
            self.made.insert(mask.clone(), bytes);
        }
        self.made.get(mask)?.as_deref()
    }

    /// Returns what a mask stands for.
    pub(crate) fn get(&mut self, mask: &Mask) -> Option<&[u8]> {
        if self.learned.contains_key(mask) {
            return self.learned.get(mask).map(Vec::as_slice);
        }
        self.given(mask)
    }

    /// Returns what a mask stands for, if its bytes were of a form with a name; else letters.
    pub(super) fn get_or_letters(&mut self, mask: &Mask) -> Option<Vec<u8>> {
        match self.get(mask) {
            Some(bytes) => Some(bytes.to_vec()),
            None => (mask.form == OTHER).then(|| vec![b'x'; mask.len]),
        }
    }
}

fn bytes_of(mask: &Mask, secrets: &[(Arc<str>, Vec<u8>)]) -> Option<Vec<u8>> {
    let (title, at) = match mask.form.split_once('@') {
        Some((title, at)) => (title, Some(at.parse::<usize>().ok()?)),
        None => (mask.form.as_str(), None),
    };
    let of_name = secrets.iter().rev().filter(|(name, _)| **name == *mask.name);
    let mut forms = of_name.filter_map(|(_, secret)| {
        let form = forms_of(secret).into_iter().find(|(known, _)| *known == title);
        form.map(|(_, bytes)| bytes)
    });
    match at {
        Some(at) => forms.find_map(|form| form.get(at..at.checked_add(mask.len)?).map(<[u8]>::to_vec)),
        None => forms.find(|form| form.len() == mask.len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(secret: &str) -> Vec<(Arc<str>, Vec<u8>)> {
        vec![(Arc::from("key"), secret.as_bytes().to_vec())]
    }

    fn masked(secret: &str, bytes: &str) -> String {
        let mut pieces = Vec::new();
        let secrets = secrets(secret);
        Forms::of(&secrets).put_masks(0, bytes.as_bytes(), &mut pieces);
        let mut known = Known::of(&secrets);
        let mut again = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Bytes(bytes) => again.extend_from_slice(bytes),
                Piece::Secret(mask) => again.extend(known.get_or_letters(mask).expect("it was just masked")),
            }
        }
        let shown = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Piece::Secret(mask) => format!("«{}#{}»", mask.form, mask.len),
        };
        if !pieces.iter().any(|piece| matches!(piece, Piece::Secret(mask) if mask.form == OTHER)) {
            assert_eq!(String::from_utf8_lossy(&again), bytes);
        }
        pieces.iter().map(shown).collect()
    }

    #[test]
    fn a_secret_is_masked_so_that_its_bytes_can_be_told_from_the_mask() {
        assert_eq!(masked("hunter22", "hunter22"), "«plain#8»");
        assert_eq!(masked("hunter22", "68756e7465723232"), "«hex#16»");
        assert_eq!(masked("hunter22", "hunt\r\ner22"), "«plain@0#4»\r\n«plain@4#4»");
        assert_eq!(masked("hunter22", "hunt \rer22"), "«plain@0#4» \r«plain@4#4»");
        assert_eq!(masked("hunter22", "ter22"), "«plain@3#5»");
        assert_eq!(masked("a/b+cdef", "a%2fb%2Bcdef"), "«url_lower@0#7»«url@7#5»");
        assert_eq!(masked("hunter22", "68:75:6e:74:65:72:32:32"), "«hex_colon#23»");
        assert_eq!(masked("say \"hi\"\tnow", "say \\\"hi\\\"\\tnow"), "«json_lines#15»");
        assert_eq!(masked("say \"hi\"\nnow", "say \\\"hi\\\"\\nnow"), "«json_lines#15»");
        assert_eq!(masked("line 1 of\nline 2 of", "line 1 of"), "«plain@0#9»");
        assert_eq!(masked("a\u{e9}bcdef", "a\\u00E9bcdef"), "«plain@0#1»«JSON_unicode@6#6»«plain@3#5»");
        assert_eq!(masked("hunter22", "hunter?22"), "«plain@0#6»«other#1»«plain@6#2»");
    }

    #[test]
    fn what_is_made_of_a_secret_has_a_mask_of_its_own() {
        let secret = |text: &str| (Arc::from("pin"), text.as_bytes().to_vec());
        let forms = Forms::of(&[secret("4711"), secret("4712"), secret("47110"), secret("4713")]);
        let masked = |number: u32, bytes: &str| {
            let mut pieces = Vec::new();
            forms.put_masks(number, bytes.as_bytes(), &mut pieces);
            let [Piece::Secret(mask)] = &pieces[..] else { panic!("{pieces:?}") };
            mask.form.clone()
        };
        let titles =
            [masked(0, "4711"), masked(1, "4712"), masked(2, "47110"), masked(3, "34373133"), masked(3, "471")];
        assert_eq!(titles, ["plain", "plain~2", "plain", "HEX~3", "plain~3@0"]);
        let mut known = Known::of(&[secret("4711")]);
        let mask = Mask { name: "pin".to_string(), form: "plain~2".to_string(), len: 4 };
        assert_eq!(known.get(&mask), None, "whatever the flow makes is right");
    }

    #[test]
    fn a_piece_of_a_long_secret_is_masked_as_a_part_of_the_whole() {
        let secret: String = (0..400).map(|i| char::from(b'a' + (i * i / 7 % 26) as u8)).collect();
        let piece = |text: &str| (Arc::from("key"), text.as_bytes().to_vec());
        let forms = Forms::of(&[piece(&secret), piece(&secret[..258]), piece(&format!("{secret}xy"))]);
        assert_eq!(forms.redactor().known().len(), 1, "two bytes more tell nothing");
        let other = (Arc::from("other"), secret.as_bytes()[..258].to_vec());
        assert_eq!(Forms::of(&[piece(&secret), other]).redactor().known().len(), 2, "it has a name of its own");
        assert_eq!(Forms::of(&[piece(&secret), piece(&secret[100..])]).redactor().known().len(), 2, "it begins late");
    }

    #[test]
    fn a_mask_of_a_form_that_nobody_has_is_not_known() {
        let mut known = Known::of(&secrets("hunter22"));
        let mask = |form: &str, len| Mask { name: "key".to_string(), form: form.to_string(), len };
        assert_eq!(known.get(&mask("plain", 8)), Some(&b"hunter22"[..]));
        assert_eq!(known.get(&mask("plain@3", 5)), Some(&b"ter22"[..]));
        for (form, len) in [("plain", 7), ("plain@4", 5), ("plain@99999999999999999999", 1), ("rot13", 8), ("other", 3)]
        {
            assert_eq!(known.get(&mask(form, len)), None, "{form}");
        }
        let far = format!("plain@{}", usize::MAX);
        assert_eq!(known.get(&mask(&far, 2)), None);
    }
}
