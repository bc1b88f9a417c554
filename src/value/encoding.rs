//! `Encoding`: text as other encodings than UTF-8 have it, by the labels that browsers know.

use std::fmt;

use encoding_rs::{DecoderResult, UTF_16BE, UTF_16LE};

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding(&'static encoding_rs::Encoding);

/// Decodes what comes piece by piece: how it is cut changes nothing, and what is no text in the encoding stays as it is.
pub struct Decoding {
    encoding: Encoding,
    decoder: encoding_rs::Decoder,
    /// The octets that went in last: the decoder only says how many of them are no text.
    recent: Vec<u8>,
}

/// So many octets stand at most between the beginning of what is no text and where the decoder finds out.
const FOUND_OUT: usize = 16;

/// A label of each encoding, for the nearest of a wrong one.
pub const LABELS: &[&str] = &[
    "big5",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "gb2312",
    "gbk",
    "ibm866",
    "iso-2022-jp",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "latin1",
    "macintosh",
    "shift_jis",
    "utf-16be",
    "utf-16le",
    "utf-8",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "x-mac-cyrillic",
];

impl Encoding {
    /// Returns the encoding with this label, in either case; `None` also for labels that do not say which byte comes first.
    pub fn find(label: &str) -> Option<Encoding> {
        let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?;
        let is_sided = encoding != UTF_16LE || label.to_ascii_lowercase().trim_ascii().ends_with("le");
        is_sided.then_some(Encoding(encoding))
    }

    /// Returns the name that messages use.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns a text in this encoding; the error is the first character that it does not have.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        if self.0 == UTF_16BE {
            return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        if self.0 == UTF_16LE {
            return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        }
        let mut encoder = self.0.new_encoder();
        let most = encoder.max_buffer_length_from_utf8_without_replacement(text.len()).unwrap_or(0);
        let mut octets = Vec::with_capacity(most);
        match encoder.encode_from_utf8_to_vec_without_replacement(text, &mut octets, true).0 {
            encoding_rs::EncoderResult::Unmappable(character) => Err(character),
            encoding_rs::EncoderResult::InputEmpty | encoding_rs::EncoderResult::OutputFull => Ok(octets),
        }
    }

    /// Returns the text that octets are in this encoding; `None` if some of them are none.
    pub fn decode(self, octets: &[u8]) -> Option<String> {
        self.0.decode_without_bom_handling_and_without_replacement(octets).map(|text| text.into_owned())
    }

    /// Returns octets in this encoding of octets that are UTF-8; those that are not stay as they are.
    pub fn encode_octets(self, octets: &[u8]) -> Result<Vec<u8>, char> {
        let mut encoded = Vec::with_capacity(octets.len());
        for chunk in octets.utf8_chunks() {
            encoded.extend(self.encode(chunk.valid())?);
            encoded.extend_from_slice(chunk.invalid());
        }
        Ok(encoded)
    }

    /// Returns octets in this encoding as UTF-8; those that are none in it stay as they are.
    pub fn decode_octets(self, octets: &[u8]) -> Vec<u8> {
        let mut decoding = Decoding::new(self);
        let mut text = decoding.decode(octets);
        text.extend(decoding.finish());
        text
    }
}

impl Decoding {
    /// Begins to decode.
    pub fn new(encoding: Encoding) -> Decoding {
        Decoding { encoding, decoder: encoding.0.new_decoder_without_bom_handling(), recent: Vec::new() }
    }

    /// Returns what it decodes.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Takes octets in and returns the text that is complete; the beginning of a character waits for its rest.
    pub fn decode(&mut self, octets: &[u8]) -> Vec<u8> {
        self.run(octets, false)
    }

    /// Returns the beginning of a character that waits for its rest, as it is, and begins afresh.
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = self.run(&[], true);
        *self = Decoding::new(self.encoding);
        rest
    }

    fn run(&mut self, mut octets: &[u8], last: bool) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(octets.len() + octets.len() / 2);
        loop {
            let room = self.decoder.max_utf8_buffer_length_without_replacement(octets.len()).unwrap_or(octets.len());
            let mut text = String::with_capacity(room);
            let (result, n_read) = self.decoder.decode_to_string_without_replacement(octets, &mut text, last);
            decoded.extend_from_slice(text.as_bytes());
            self.recent.extend_from_slice(&octets[..n_read]);
            octets = &octets[n_read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(n_wrong, n_behind) => {
                    let end = self.recent.len().saturating_sub(usize::from(n_behind));
                    decoded.extend_from_slice(&self.recent[end.saturating_sub(usize::from(n_wrong))..end]);
                }
            }
        }
        self.recent.drain(..self.recent.len().saturating_sub(FOUND_OUT));
        decoded
    }
}

impl Clone for Decoding {
    /// Returns one that begins afresh: a copy of a port is looked at and takes nothing in.
    fn clone(&self) -> Decoding {
        Decoding::new(self.encoding)
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoding({})", self.encoding.name())
    }
}

/// Returns bytes as a reader of GBK sees them; `None` if some of them are no GBK.
pub fn from_gbk(octets: &[u8]) -> Option<String> {
    Encoding(encoding_rs::GBK).decode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(label: &str) -> Encoding {
        Encoding::find(label).unwrap_or_else(|| panic!("{label}"))
    }

    #[test]
    fn pairs_are_characters_and_ascii_stays() {
        assert_eq!(from_gbk(b"\xb9\xa4\xb3\xa7\xb2\xe2\xca\xd4: OK\r\n").as_deref(), Some("工厂测试: OK\r\n"));
        assert_eq!(from_gbk(b"\xb9"), None, "half a character");
        assert_eq!(from_gbk(b"\xff\xff"), None);
    }

    #[test]
    fn every_label_is_known_and_text_comes_back() {
        for label in LABELS {
            let encoding = encoding(label);
            assert_eq!(
                encoding.encode("AT+OK 1").map(|octets| encoding.decode(&octets)),
                Ok(Some("AT+OK 1".to_string()))
            );
        }
        for (label, text, octets) in [
            ("gbk", "工厂", &b"\xb9\xa4\xb3\xa7"[..]),
            ("GB2312", "通过", b"\xcd\xa8\xb9\xfd"),
            ("big5", "測試", b"\xb4\xfa\xb8\xd5"),
            ("shift_jis", "テスト", b"\x83\x65\x83\x58\x83\x67"),
            ("koi8-r", "тест", b"\xd4\xc5\xd3\xd4"),
            ("windows-1252", "é€", b"\xe9\x80"),
            ("utf-16be", "é😎", b"\x00\xe9\xd8\x3d\xde\x0e"),
            ("utf-16le", "é😎", b"\xe9\x00\x3d\xd8\x0e\xde"),
        ] {
            assert_eq!(encoding(label).encode(text), Ok(octets.to_vec()), "{label}");
            assert_eq!(encoding(label).decode(octets).as_deref(), Some(text), "{label}");
        }
    }

    #[test]
    fn a_stream_is_decoded_alike_however_it_is_cut_and_nothing_of_it_is_lost() {
        let mut octets = b"OK \xb9\xa4\xb3\xa7\r\n\xff\x80\xb9\r\n\xa3\xba\x81\x30\x81\x30\x81\x7f\xb9".to_vec();
        // Every pair of octets, most of which are no character.
        octets.extend((0..=255_u8).flat_map(|high| (0..=255_u8).step_by(7).flat_map(move |low| [high, low, b'.'])));
        octets.push(0xb9);
        for label in ["gbk", "gb18030", "big5", "shift_jis", "euc-kr", "utf-16be", "utf-8", "koi8-r", "iso-2022-jp"] {
            let whole = encoding(label).decode_octets(&octets);
            for size in [1, 2, 3, 5, 64] {
                let mut decoding = Decoding::new(encoding(label));
                let mut cut: Vec<u8> = octets.chunks(size).flat_map(|piece| decoding.decode(piece)).collect();
                cut.extend(decoding.finish());
                assert!(cut == whole, "{label} in pieces of {size}");
            }
        }
        assert_eq!(encoding("gbk").decode_octets(b"a\xb9\xa4\xff\xff\xb9"), b"a\xe5\xb7\xa5\xff\xff\xb9");
        assert_eq!(encoding("gbk").encode_octets("工\x1a".as_bytes()), Ok(b"\xb9\xa4\x1a".to_vec()));
        assert_eq!(encoding("gbk").encode_octets(b"\xff\xe5\xb7\xa5"), Ok(b"\xff\xb9\xa4".to_vec()));
    }

    #[test]
    fn what_an_encoding_does_not_have_is_told() {
        assert_eq!(encoding("latin1").encode("5 °C 工"), Err('工'));
        assert_eq!(encoding("utf-16be").decode(b"\xd8\x3d"), None, "half of a pair");
        assert_eq!(encoding("utf-16be").decode(b"\x00"), None);
        for label in ["", "gbkk", "utf-16", "ucs-2", "unicode", "hz-gb-2312"] {
            assert_eq!(Encoding::find(label), None, "{label}");
        }
    }
}
