//! `Words`: what a search looks for, spelled out a symbol at a time, so that no coding of a secret takes memory of its own.

/// How a word spells its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// A byte is a symbol.
    Text,
    /// A byte is two hex digits.
    Hex,
    /// A byte is four hex digits, the first two 0: ASCII as UCS-2.
    WideHex,
    /// Base64 of a text in which the bytes stand so many behind a multiple of three.
    Base64(u8),
}

/// Some bytes in a coding.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Where its bytes begin.
    at: usize,
    n_bytes: usize,
    coding: Coding,
    /// The number of its secret.
    secret: u32,
}

/// The number of a word.
pub(super) type WordId = u32;

/// The bytes of all secrets, and the words that they make.
#[derive(Debug, Default)]
pub(super) struct Words {
    bytes: Vec<u8>,
    words: Vec<Word>,
}

impl Words {
    /// Keeps some bytes; returns where they are kept.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> usize {
        self.bytes.extend_from_slice(bytes);
        self.bytes.len() - bytes.len()
    }

    /// Makes a word of bytes that are kept.
    pub(super) fn add(&mut self, at: usize, n_bytes: usize, coding: Coding, secret: u32) -> WordId {
        self.words.push(Word { at, n_bytes, coding, secret });
        (self.words.len() - 1) as WordId
    }

    /// Returns the secret of a word.
    pub(super) fn secret(&self, word: WordId) -> u32 {
        self.words[word as usize].secret
    }

    /// Returns a symbol of a word.
    pub(super) fn symbol(&self, word: WordId, index: usize) -> u8 {
        let word = &self.words[word as usize];
        let byte = |index: usize| if index < word.n_bytes { self.bytes[word.at + index] } else { 0 };
        match word.coding {
            Coding::Text => byte(index),
            Coding::Hex => digit(byte(index / 2), index % 2),
            Coding::WideHex if index % 4 < 2 => b'0',
            Coding::WideHex => digit(byte(index / 4), index % 2),
            Coding::Base64(behind) => {
                let behind = usize::from(behind);
                let octet = |index: usize| if index < behind { 0 } else { byte(index - behind) };
                let bit = index * 6;
                let pair = u16::from(octet(bit / 8)) << 8 | u16::from(octet(bit / 8 + 1));
                BASE64[usize::from(pair >> (10 - bit % 8) & 63)]
            }
        }
    }

    /// Returns which symbols of a word are those of its bytes alone, whatever stands around them.
    pub(super) fn own_symbols(&self, word: WordId) -> std::ops::Range<usize> {
        let Word { n_bytes, coding, .. } = self.words[word as usize];
        match coding {
            Coding::Text => 0..n_bytes,
            Coding::Hex => 0..n_bytes * 2,
            Coding::WideHex => 0..n_bytes * 4,
            Coding::Base64(behind) => {
                let behind = usize::from(behind);
                [0, 2, 3][behind]..(behind + n_bytes) * 4 / 3
            }
        }
    }

    /// Returns how many symbols the word has if nothing follows its bytes.
    pub(super) fn last_symbol(&self, word: WordId) -> usize {
        let Word { n_bytes, coding, .. } = self.words[word as usize];
        match coding {
            Coding::Text | Coding::Hex | Coding::WideHex => self.own_symbols(word).end,
            Coding::Base64(behind) => ((usize::from(behind) + n_bytes) * 4).div_ceil(3),
        }
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(byte: u8, place: usize) -> u8 {
    let half = if place == 0 { byte >> 4 } else { byte & 15 };
    b"0123456789abcdef"[usize::from(half)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::coding;

    fn spelled(bytes: &[u8], coding: Coding) -> String {
        let mut words = Words::default();
        let at = words.keep(bytes);
        let word = words.add(at, bytes.len(), coding, 0);
        (0..words.last_symbol(word)).map(|index| char::from(words.symbol(word, index))).collect()
    }

    #[test]
    fn a_word_is_spelled_as_its_coding_does_it() {
        for n in 0..9 {
            let bytes = &b"\xffa\x00Zw~?>\x80"[..n];
            assert_eq!(spelled(bytes, Coding::Hex), coding::hex(bytes));
            for behind in 0..3 {
                let whole = [&[0; 2][..behind], bytes].concat();
                let expected = coding::base64(&whole);
                assert_eq!(spelled(bytes, Coding::Base64(behind as u8)), expected.trim_end_matches('='), "{behind}");
            }
        }
        assert_eq!(spelled(b"Az", Coding::WideHex), "0041007a");
        assert_eq!(spelled(b"Az", Coding::Text), "Az");
    }
}
