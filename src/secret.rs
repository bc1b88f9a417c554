//! Secrets and the many ways in which they could show.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{Captures, Regex};

use crate::pattern;
use crate::value::coding;

/// The shortest text that can be told from ordinary text.
pub(crate) const SHORTEST: usize = 4;

/// Knows every secret of a run and takes it out of what is shown.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    /// Every form of every secret, with the name that stands for it.
    forms: Vec<(Vec<u8>, Arc<str>)>,
    /// Every secret, plain, in the order in which they were learned.
    known: Vec<(Arc<str>, Vec<u8>)>,
    /// All forms in one regex, longer ones first, a group for each; made when it is first needed, since secrets are often
    /// learned several at a time.
    finder: OnceCell<Option<Regex>>,
}

impl Redactor {
    /// Learns a secret: from now on it shows as `«name»`, plain and in its usual encodings. A secret that is
    /// known by another name gets this one.
    pub(crate) fn learn(&mut self, name: &str, secret: &[u8]) {
        let is_known = self.forms.iter().any(|(form, known)| form == secret && **known == *name);
        if secret.len() < SHORTEST || is_known {
            return;
        }
        let name: Arc<str> = name.into();
        self.known.push((name.clone(), secret.to_vec()));
        for (_, form) in forms_of(secret) {
            match self.forms.iter_mut().find(|(known, _)| *known == form) {
                Some((_, known)) => *known = name.clone(),
                None => self.forms.push((form, name.clone())),
            }
        }
        self.forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        self.finder = OnceCell::new();
    }

    fn finder(&self) -> Option<&Regex> {
        self.finder.get_or_init(|| pattern::any_of(self.forms.iter().map(|(form, _)| form.as_slice()))).as_ref()
    }

    /// Returns where secrets stand in some bytes, in their order, and their names.
    fn find(&self, bytes: &[u8]) -> Vec<(Range<usize>, &str)> {
        if self.forms.is_empty() {
            return Vec::new();
        }
        let Some(finder) = self.finder() else { return Vec::new() };
        if !finder.is_match(bytes) {
            return Vec::new();
        }
        let secret = |found: Captures<'_>| {
            let whole = found.get(0).expect("group 0 is the match");
            let form = (0..self.forms.len()).find(|i| found.get(i + 1).is_some()).expect("one alternative matched");
            (whole.range(), &*self.forms[form].1)
        };
        finder.captures_iter(bytes).map(secret).collect()
    }

    /// Returns bytes with every secret replaced by its name; `None` if there is none in them.
    pub(crate) fn redact(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let found = self.find(bytes);
        (!found.is_empty()).then(|| named(bytes, 0..bytes.len(), &found))
    }

    /// Replaces every secret by its name in the pieces of one text, also where one goes on in the next piece: its name
    /// stands where it begins.
    pub(crate) fn redact_pieces(&self, pieces: Vec<&mut Vec<u8>>) {
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let found = self.find(&whole);
        let mut open = found.as_slice();
        let mut end = 0;
        for piece in pieces {
            let begin = end;
            end += piece.len();
            let gone = open.iter().take_while(|(secret, _)| secret.end <= begin).count();
            open = &open[gone..];
            if open.first().is_some_and(|(secret, _)| secret.start < end) {
                *piece = named(&whole, begin..end, open);
            }
        }
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

    /// Returns the name of the secret that some bytes are, in whatever form.
    pub(crate) fn name_of(&self, bytes: &[u8]) -> Option<Arc<str>> {
        self.forms.iter().find(|(form, _)| form == bytes).map(|(_, name)| name.clone())
    }

    /// Returns the name of the first secret that stands in some bytes, in whatever form.
    pub(crate) fn name_in(&self, bytes: &[u8]) -> Option<Arc<str>> {
        let found = self.finder()?.captures(bytes)?;
        let form = (0..self.forms.len()).find(|i| found.get(i + 1).is_some())?;
        Some(self.forms[form].1.clone())
    }
}

/// Returns a part of some bytes with names in place of the secrets that were found in all of them.
fn named(bytes: &[u8], part: Range<usize>, found: &[(Range<usize>, &str)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    let mut last = part.start;
    for (secret, name) in found.iter().take_while(|(secret, _)| secret.start < part.end) {
        if secret.start >= part.start {
            out.extend_from_slice(&bytes[last..secret.start]);
            out.extend_from_slice(format!("«{name}»").as_bytes());
        }
        last = secret.end.min(part.end);
    }
    out.extend_from_slice(&bytes[last..part.end]);
    out
}

/// Returns the forms in which a secret may show, the plain one first, each with what it is called.
pub(crate) fn forms_of(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = coding::hex(secret);
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("HEX", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("base64", coding::base64(secret).trim_end_matches('=').to_string().into_bytes()),
        ("url", coding::url_encode(secret).into_bytes()),
        ("at", coding::at_escape(secret)),
        ("json", json_escape(secret)),
    ];
    let inside = ["base64_0", "base64_1", "base64_2"].into_iter().enumerate();
    forms.extend(inside.filter_map(|(offset, title)| Some((title, base64_inside(secret, offset)?))));
    forms
}

/// Returns what base64 makes of a secret that stands `offset` bytes into a longer text (modulo 3), without the
/// characters that depend on its neighbours; `None` if too little is left to be told from ordinary text.
fn base64_inside(secret: &[u8], offset: usize) -> Option<Vec<u8>> {
    let mut text = vec![0; offset];
    text.extend_from_slice(secret);
    let whole = coding::base64(&text);
    let whole = whole.trim_end_matches('=');
    let first = [0, 2, 3][offset];
    let last = whole.len() - usize::from(!text.len().is_multiple_of(3));
    let inside = whole.get(first..last)?;
    (inside.len() >= 6).then(|| inside.as_bytes().to_vec())
}

/// Returns a text as it stands in a JSON string: quotes and backslashes escaped.
fn json_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(redactor.clean(&[1, 0xff, 0, 0x80, b'(', b'\n', 2]), [&[1][..], "«key»".as_bytes(), &[2]].concat());
    }

    #[test]
    fn a_secret_that_is_cut_into_pieces_is_named_where_it_begins() {
        let mut redactor = Redactor::default();
        redactor.learn("key", b"abcdef");
        for cuts in [[1, 2], [2, 5], [3, 7], [4, 9], [0, 11]] {
            let text = b"..abcdef..abcdef";
            let mut pieces = [text[..cuts[0]].to_vec(), text[cuts[0]..cuts[1]].to_vec(), text[cuts[1]..].to_vec()];
            redactor.redact_pieces(pieces.iter_mut().collect());
            assert_eq!(String::from_utf8_lossy(&pieces.concat()), "..«key»..«key»", "{cuts:?}");
        }
    }
}
