//! `Forms`: every form in which some secrets stand on a line, found in passing.

use std::collections::HashSet;
use std::sync::Arc;

use super::Mask;
use crate::secret::forms_of;

/// Every form of some secrets.
#[derive(Debug)]
pub(super) struct Forms {
    /// The longest first: where several fit, it is the longest that is meant.
    forms: Vec<(Mask, Vec<u8>)>,
    /// A bit for each two bytes that a form can begin with: nearly everything that comes is passed over by it.
    beginnings: Vec<u64>,
}

impl Forms {
    /// Returns the forms of secrets. A form that two secrets share has the name of the later.
    pub(super) fn of(secrets: &[(Arc<str>, Vec<u8>)]) -> Forms {
        let mut forms: Vec<(Mask, Vec<u8>)> = Vec::new();
        let mut known = HashSet::new();
        for (name, secret) in secrets.iter().rev() {
            for (form, bytes) in forms_of(secret) {
                if !bytes.is_empty() && known.insert(bytes.clone()) {
                    let mask = Mask { name: name.to_string(), form: form.to_string(), len: bytes.len() };
                    forms.push((mask, bytes));
                }
            }
        }
        forms.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
        let mut beginnings = vec![0; (1 << 16) / 64];
        for (_, form) in &forms {
            let seconds = form.get(1).map_or(0..=u8::MAX, |second| *second..=*second);
            for second in seconds {
                let (word, bit) = place_of(form[0], second);
                beginnings[word] |= bit;
            }
        }
        Forms { forms, beginnings }
    }

    /// Returns the length of the longest form; 0 if there is none.
    pub(super) fn longest(&self) -> usize {
        self.forms.first().map_or(0, |(_, form)| form.len())
    }

    /// Returns the first place where a form stands, and the longest form there.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<(usize, &Mask)> {
        if self.forms.is_empty() {
            return None;
        }
        let standing_at = |at: usize| {
            let found = self.forms.iter().find(|(_, form)| bytes[at..].starts_with(form));
            found.map(|(mask, _)| (at, mask))
        };
        let pairs = bytes.windows(2).enumerate().filter(|(_, pair)| self.may_begin(pair[0], pair[1]));
        // The last byte begins no pair.
        pairs.map(|(at, _)| at).chain(bytes.len().checked_sub(1)).find_map(standing_at)
    }

    /// Says whether a form begins with these bytes, and goes on behind them.
    pub(super) fn go_on_behind(&self, bytes: &[u8]) -> bool {
        let may_begin = bytes.get(1).is_none_or(|second| self.may_begin(bytes[0], *second));
        may_begin && self.forms.iter().any(|(_, form)| form.len() > bytes.len() && form.starts_with(bytes))
    }

    fn may_begin(&self, first: u8, second: u8) -> bool {
        let (word, bit) = place_of(first, second);
        self.beginnings[word] & bit != 0
    }
}

fn place_of(first: u8, second: u8) -> (usize, u64) {
    let place = usize::from(first) << 8 | usize::from(second);
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(secrets: &[&str]) -> Forms {
        let secrets: Vec<_> = secrets.iter().map(|secret| (Arc::from(*secret), secret.as_bytes().to_vec())).collect();
        Forms::of(&secrets)
    }

    fn found(forms: &Forms, text: &str) -> Option<(usize, String)> {
        forms.find(text.as_bytes()).map(|(at, mask)| (at, format!("{}/{}", mask.name, mask.form)))
    }

    #[test]
    fn the_first_place_and_the_longest_form_there_are_found() {
        let forms = forms(&["abcd", "abcdef", "x"]);
        assert_eq!(found(&forms, "..abcd"), Some((2, "abcd/plain".to_string())));
        assert_eq!(found(&forms, "..abcdef"), Some((2, "abcdef/plain".to_string())));
        assert_eq!(found(&forms, ".61626364"), Some((1, "abcd/HEX".to_string())));
        assert_eq!(found(&forms, "..x"), Some((2, "x/plain".to_string())), "the last byte counts");
        assert_eq!(found(&forms, "abc"), None);
        assert_eq!(found(&Forms::of(&[]), "abcd"), None);
    }

    #[test]
    fn a_form_in_progress_is_known_for_one() {
        let forms = forms(&["abcd"]);
        for begun in ["a", "ab", "abc", "6", "6162"] {
            assert!(forms.go_on_behind(begun.as_bytes()), "{begun}");
        }
        for other in ["abcd", "b", "ac", "61x"] {
            assert!(!forms.go_on_behind(other.as_bytes()), "{other}");
        }
    }
}
