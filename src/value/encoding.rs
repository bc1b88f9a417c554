//! `Encoding`: text as other encodings than UTF-8 have it, by the labels that browsers know.

use encoding_rs::{UTF_16BE, UTF_16LE};

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding(&'static encoding_rs::Encoding);

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
    fn what_an_encoding_does_not_have_is_told() {
        assert_eq!(encoding("latin1").encode("5 °C 工"), Err('工'));
        assert_eq!(encoding("utf-16be").decode(b"\xd8\x3d"), None, "half of a pair");
        assert_eq!(encoding("utf-16be").decode(b"\x00"), None);
        for label in ["", "gbkk", "utf-16", "ucs-2", "unicode", "hz-gb-2312"] {
            assert_eq!(Encoding::find(label), None, "{label}");
        }
    }
}
