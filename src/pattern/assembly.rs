//! `Assembly`: a regex that is put together from what is written and from values.

/// A regex in the making.
///
/// A value matches itself as a whole: `/${v}+/` repeats all of it, and with the flag `x` its blanks count. In a class, `[${v}]`,
/// it stands for its bytes.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    text: String,
    /// How many classes are open.
    depth: usize,
    /// Whether a `]` would be a member of the class that was just opened.
    is_fresh: bool,
}

impl Assembly {
    /// Adds a piece of the regex as it is written.
    pub(crate) fn push_regex(&mut self, piece: &str) {
        let mut letters = piece.chars();
        while let Some(letter) = letters.next() {
            let was_fresh = std::mem::take(&mut self.is_fresh);
            match letter {
                '\\' => drop(letters.next()),
                '[' => {
                    self.depth += 1;
                    self.is_fresh = true;
                }
                '^' if was_fresh => self.is_fresh = true,
                ']' if !was_fresh => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.text.push_str(piece);
    }

    /// Adds a value.
    pub(crate) fn push_value(&mut self, value: &[u8]) {
        self.is_fresh = false;
        let escaped = escape(value);
        match (self.depth, value.is_ascii()) {
            (0, true) => self.text.extend(["(?:", &escaped, ")"]),
            // Whatever flags the regex sets, these are bytes.
            (0, false) => self.text.extend(["(?-u:", &escaped, ")"]),
            _ => self.text.push_str(&escaped),
        }
    }

    /// Returns the whole regex.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Returns a text as a regex that matches exactly it, with the flag `x` too.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => out.push(char::from(*byte)),
            // In byte mode a character outside of ASCII is matched byte by byte.
            0x80.. => push_byte(&mut out, *byte),
            // `\<` and `\>` are the ends of a word.
            b'<' | b'>' => push_byte(&mut out, *byte),
            _ if byte.is_ascii_graphic() => out.extend(['\\', char::from(*byte)]),
            _ => push_byte(&mut out, *byte),
        }
    }
    out
}

fn push_byte(out: &mut String, byte: u8) {
    use std::fmt::Write;
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pattern::{Fit, Regex};

    fn regex(text: &str, fit: Fit) -> Arc<Regex> {
        Regex::new(text, "", fit).expect("the test's regex is right")
    }

    #[test]
    fn a_value_in_a_regex_matches_itself() {
        for bytes in [b"a.b*c".as_slice(), b"\xff\x00(", "é".as_bytes()] {
            let regex = regex(&escape(bytes), Fit::Whole);
            assert!(regex.is_match(bytes), "{bytes:?}");
        }
        assert!(!regex(&escape(b"a.b"), Fit::Whole).is_match(b"axb"));
        let all: Vec<u8> = (0..=255).collect();
        for flags in ["", "x", "i"] {
            let regex = Regex::new(&escape(&all), flags, Fit::Whole).expect("every byte can be escaped");
            assert!(regex.is_match(&all), "flag {flags}");
        }
    }

    fn assembled(pieces: &[(&str, &str)], after: &str, flags: &str) -> Arc<Regex> {
        let mut assembly = Assembly::default();
        for (written, value) in pieces {
            assembly.push_regex(written);
            assembly.push_value(value.as_bytes());
        }
        assembly.push_regex(after);
        Regex::new(&assembly.finish(), flags, Fit::Whole).expect("the test's regex is right")
    }

    #[test]
    fn a_value_is_one_thing_in_a_regex_and_keeps_its_blanks() {
        let blank = assembled(&[("", "not ready # yet")], "", "x");
        assert!(blank.is_match(b"not ready # yet") && !blank.is_match(b"notready"));
        let repeated = assembled(&[("", "ab")], "+", "");
        assert!(repeated.is_match(b"abab") && !repeated.is_match(b"abb"));
        let alternative = assembled(&[("", "a|b")], "?c", "");
        assert!(alternative.is_match(b"a|bc") && alternative.is_match(b"c"));
        let class = assembled(&[("[", "-]^")], "]+", "");
        assert!(class.is_match(b"^]-") && !class.is_match(b"(?:"));
        let behind = assembled(&[("[]a]", "b")], "+", "");
        assert!(behind.is_match(b"]bb"), "a bracket that is first in its class does not end it");
        let behind = assembled(&[(r"\[", "ab")], "+", "");
        assert!(behind.is_match(b"[abab"), "an escaped bracket opens no class");
        assert!(assembled(&[("(?u:", "é")], ")+", "").is_match("éé".as_bytes()));
        assert!(assembled(&[("", "")], "+", "").is_match(b""));
    }
}
