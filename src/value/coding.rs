//! Codings between octets and text: hex, base64, percent-encoding, forms and the escapes of AT firmware.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::{BASE32, BASE32_NOPAD, DecodeKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns lower-case hex text.
pub fn hex(octets: &[u8]) -> String {
    hex::encode(octets)
}

/// Reads hex text in upper or lower case; blanks and line ends in it do not count.
pub fn unhex(text: &[u8]) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("the text is not hex: it may hold only 0–9, a–f and blanks".to_string());
    }
    hex::decode(&digits).map_err(|_| "the text is not hex: two digits make a byte, and one is missing".to_string())
}

/// Returns base64 text in the standard alphabet, with padding.
pub fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Reads base64 text in the standard alphabet; the padding must be there, blanks and line ends do not count.
pub fn unbase64(text: &[u8]) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(&digits).map_err(|_| "the text is not base64 in the standard alphabet with padding".to_string())
}

/// Returns base32 text (RFC 4648) in upper case, with padding.
pub fn base32(octets: &[u8]) -> String {
    BASE32.encode(octets)
}

/// Reads base32 text (RFC 4648) in either case; blanks and line ends do not count, and the padding may be missing.
pub fn unbase32(text: &[u8]) -> Result<Vec<u8>, String> {
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Vec<u8> = digits.map(u8::to_ascii_uppercase).collect();
    let n_padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    BASE32_NOPAD.decode(&digits[..digits.len() - n_padding]).map_err(|error| {
        let why = match error.kind {
            DecodeKind::Symbol | DecodeKind::Padding => "it may hold only A–Z, 2–7, blanks and `=` at its end",
            DecodeKind::Length | DecodeKind::Trailing => "no bytes have a text that ends so; it may have been cut",
        };
        format!("the text is not base32: {why}")
    })
}

/// Percent-encodes all but `A–Z a–z 0–9 - . _ ~`, with upper-case hex.
pub fn url_encode(octets: &[u8]) -> String {
    percent_encode(octets, RESERVED).to_string()
}

/// Turns `%XX` into the octet; a `+` and a `%` without two hex digits stay as they are.
pub fn url_decode(text: &[u8]) -> Vec<u8> {
    percent_decode(text).collect()
}

/// Returns `name=value&name=value` in the given order, both sides percent-encoded.
pub fn form_encode<'a>(fields: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> String {
    let fields = fields.into_iter();
    let fields = fields.map(|(name, value)| format!("{}={}", url_encode(name.as_bytes()), url_encode(&value)));
    fields.collect::<Vec<_>>().join("&")
}

/// Reads `name=value&name=value`, both sides percent-decoded; of a name that comes twice, the last value counts.
///
/// A field without `=` has an empty value, and empty fields are passed over. Names must be UTF-8.
pub fn form_decode(text: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let mut places = HashMap::new();
    for field in text.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
        let (name, value) = match field.iter().position(|byte| *byte == b'=') {
            Some(at) => (&field[..at], &field[at + 1..]),
            None => (field, &field[field.len()..]),
        };
        let name = String::from_utf8(url_decode(name)).map_err(|_| "a name in the form is not UTF-8".to_string())?;
        let place = *places.entry(name.clone()).or_insert(fields.len());
        match fields.get_mut(place) {
            Some(known) => known.1 = url_decode(value),
            None => fields.push((name, url_decode(value))),
        }
    }
    Ok(fields)
}

/// Escapes as Luat AT firmware wants it inside quotes: `\` as `\5C`, `"` as `\22`, CR as `\0D`, LF as `\0A`.
pub fn at_escape(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for &byte in octets {
        match byte {
            b'\\' => out.extend_from_slice(b"\\5C"),
            b'"' => out.extend_from_slice(b"\\22"),
            b'\r' => out.extend_from_slice(b"\\0D"),
            b'\n' => out.extend_from_slice(b"\\0A"),
            other => out.push(other),
        }
    }
    out
}

/// Undoes [`at_escape`]: these four with upper- or lower-case hex; every other backslash stays as it is.
pub fn at_unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, length) = match rest {
            [b'\\', b'5', b'C' | b'c', ..] => (b'\\', 3),
            [b'\\', b'2', b'2', ..] => (b'"', 3),
            [b'\\', b'0', b'D' | b'd', ..] => (b'\r', 3),
            [b'\\', b'0', b'A' | b'a', ..] => (b'\n', 3),
            _ => (first, 1),
        };
        out.push(byte);
        rest = &behind[length - 1..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_octets() -> Vec<u8> {
        (0..=255).collect()
    }

    #[test]
    fn every_octet_survives_every_coding() {
        let octets = all_octets();
        assert_eq!(unhex(hex(&octets).as_bytes()), Ok(octets.clone()));
        assert_eq!(unbase64(base64(&octets).as_bytes()), Ok(octets.clone()));
        assert_eq!(unbase32(base32(&octets).as_bytes()), Ok(octets.clone()));
        assert_eq!(url_decode(url_encode(&octets).as_bytes()), octets);
        assert_eq!(at_unescape(&at_escape(&octets)), octets);
        let form = form_encode([("a&=\u{e9}", octets.clone()), ("", Vec::new())]);
        assert_eq!(
            form_decode(form.as_bytes()),
            Ok(vec![("a&=\u{e9}".to_string(), octets), (String::new(), Vec::new())])
        );
    }

    #[test]
    fn what_was_escaped_once_or_twice_comes_back_the_same() {
        for text in ["\\22", "\\5C22", "\\\\", "\"\r\n", "\\5C5C"] {
            let once = at_escape(text.as_bytes());
            assert_eq!(at_unescape(&once), text.as_bytes());
            assert_eq!(at_unescape(&at_unescape(&at_escape(&once))), text.as_bytes());
        }
        assert_eq!(at_escape(b"{\"a\\\r\n"), b"{\\22a\\5C\\0D\\0A");
    }

    #[test]
    fn unknown_and_cut_off_escapes_stay() {
        assert_eq!(at_unescape(b"\\0d\\0a\\5c\\22"), b"\r\n\\\"");
        for text in ["\\", "\\2", "\\0", "\\5", "\\41", "\\x22", "\\0G"] {
            assert_eq!(at_unescape(text.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn only_the_unreserved_characters_stay_in_a_url() {
        assert_eq!(url_encode(b"Az09-._~"), "Az09-._~");
        assert_eq!(url_encode(b" +/=&%\xff"), "%20%2B%2F%3D%26%25%FF");
        assert_eq!(url_decode(b"%2f%2F+%zz%4"), b"//+%zz%4");
    }

    #[test]
    fn broken_hex_and_base64_are_errors() {
        assert_eq!(unhex(b"41 54\n0D"), Ok(b"AT\r".to_vec()));
        for text in ["4", "4 1 5", "4z", "0x41", "é"] {
            assert!(unhex(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(unbase64(b"QVQ\r\nN"), Ok(b"AT\r".to_vec()));
        for text in ["Q", "QQ", "QR==", "Q-_=", "QQ==QQ=="] {
            assert!(unbase64(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base32(plain.as_bytes()), coded);
            assert_eq!(unbase32(coded.as_bytes()), Ok(plain.as_bytes().to_vec()));
            let sloppy = coded.trim_end_matches('=').to_lowercase();
            assert_eq!(unbase32(format!(" {sloppy}\n").as_bytes()), Ok(plain.as_bytes().to_vec()));
        }
        for (text, why) in [("M", "cut"), ("MZ======", "cut"), ("M1======", "only"), ("MY======MY======", "only")] {
            assert!(unbase32(text.as_bytes()).is_err_and(|error| error.contains(why)), "{text}");
        }
    }

    #[test]
    fn a_form_may_be_sloppy() {
        let read = form_decode(b"a=1&&b&c=x=y&a=2&").expect("a form");
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        assert_eq!(read, [("a", &b"2"[..]), ("b", b""), ("c", b"x=y")]);
        assert!(form_decode(b"%ff=1").is_err());
        assert_eq!(form_decode(b""), Ok(vec![]));
    }
}
