//! Where secrets stand in bytes: whole ones in each form, and for reports about damaged lines pieces of them.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::secret::{Redactor, SHORTEST};
use crate::value::taint::{Stain, Stained};

/// Covers secrets, and pieces of them, in reports on a line that lost or changed some of its bytes.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    redactor: Redactor,
}

impl Cover {
    /// Makes a cover for secrets.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a (Arc<str>, Vec<u8>)>) -> Cover {
        let mut cover = Cover::default();
        secrets.into_iter().for_each(|(name, secret)| cover.redactor.learn(name, secret));
        cover
    }

    /// Returns bytes with secrets marked, and pieces of secrets: of four bytes or more, or of eight in a long one, which has
    /// common words in it.
    pub(crate) fn marked(&self, bytes: &[u8]) -> Stained {
        let mut stains = stains_in(&self.redactor, bytes);
        for (name, secret) in self.redactor.known() {
            let pieces = pieces_in(bytes, secret);
            stains.extend(pieces.map(|(start, end)| Stain { range: start..end, name: name.clone() }));
        }
        Stained::new(bytes.to_vec(), apart(stains))
    }

    /// Returns bytes with names in the place of secrets and their pieces.
    pub(crate) fn covered(&self, bytes: &[u8]) -> Vec<u8> {
        self.marked(bytes).covered(|octets| self.redactor.name_of(octets))
    }

    /// Returns a text with names in the place of secrets and their pieces.
    pub(crate) fn covered_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.covered(text.as_bytes())).into_owned()
    }
}

/// Finds the secrets in some octets, in order.
pub(in crate::engine) fn stains_in(secrets: &Redactor, octets: &[u8]) -> Vec<Stain> {
    secrets.find(octets).into_iter().map(|(range, name)| Stain { range, name }).collect()
}

/// Returns stains in order, without what one takes that another has taken.
pub(in crate::engine) fn apart(mut stains: Vec<Stain>) -> Vec<Stain> {
    stains.sort_by_key(|stain| (stain.range.start, Reverse(stain.range.end)));
    let mut end = 0;
    stains.retain_mut(|stain| {
        stain.range.start = stain.range.start.max(end);
        end = end.max(stain.range.end);
        stain.range.start < stain.range.end
    });
    stains
}

/// A secret from so many bytes on is an answer rather than a password.
const LONG: usize = 64;

/// Returns where pieces of a secret stand in some bytes, each as long as it is.
fn pieces_in<'a>(bytes: &'a [u8], secret: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let shortest = if secret.len() < LONG { SHORTEST } else { 2 * SHORTEST };
    let mut from = 0;
    std::iter::from_fn(move || {
        while from + shortest <= bytes.len() {
            let start = from;
            let is_here = |length: usize| {
                let piece = bytes.get(start..start + length);
                piece.is_some_and(|piece| memchr::memmem::find(secret, piece).is_some())
            };
            if is_here(shortest) {
                let length = (shortest..).take_while(|length| is_here(*length)).last().unwrap_or(shortest);
                from = start + length;
                return Some((start, from));
            }
            from += 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(secrets: &[(&str, &str)]) -> Cover {
        let secrets: Vec<(Arc<str>, Vec<u8>)> =
            secrets.iter().map(|(name, secret)| ((*name).into(), secret.as_bytes().to_vec())).collect();
        Cover::of(&secrets)
    }

    #[test]
    fn secrets_that_overlap_are_covered_together() {
        let cover = cover(&[("short", "efgh"), ("long", "abcdefgh"), ("begin", "abcd"), ("across", "ghij")]);
        assert_eq!(cover.covered_text("..abcdefghij.."), "..«long»«across»..");
        assert_eq!(stains_in(&cover.redactor, b"..abcdefgh.."), [Stain { range: 2..10, name: "long".into() }]);
    }

    #[test]
    fn other_forms_are_found_where_they_stand() {
        let cover = cover(&[("key", "hunter22")]);
        let stains = stains_in(&cover.redactor, b"plain hunter22, hex 68756e7465723232, twice 68756e7465723232.");
        let ranges: Vec<_> = stains.iter().map(|stain| stain.range.clone()).collect();
        assert_eq!(ranges, [6..14, 20..36, 44..60]);
    }

    #[test]
    fn pieces_of_four_bytes_are_covered_and_shorter_ones_are_not() {
        let cover = cover(&[("key", "Tr0ub4dor-9Kx7Qm2Z")]);
        assert_eq!(cover.covered_text("KEY=Tr0ub\u{1}dor-9Kx7Qm2Z"), "KEY=«key»\u{1}«key»");
        assert_eq!(cover.covered_text("Tr0 Qm2Z"), "Tr0 «key»");
    }
}
