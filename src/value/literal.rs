//! Texts and regexes as they stand in a flow: a program that writes one needs them.

use std::fmt::Write;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextPart {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The value of an expression.
    Value(String),
}

/// Returns a text as a literal: between backticks if that spares escapes.
pub(crate) fn literal(parts: &[TextPart]) -> String {
    let all = || parts.iter().filter_map(|part| if let TextPart::Bytes(bytes) = part { Some(bytes) } else { None });
    let is_plain = |bytes: &Vec<u8>| std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    let has = |byte: u8| all().any(|bytes| bytes.contains(&byte));
    let has_dollar = all().any(|bytes| bytes.windows(2).any(|pair| pair == b"${"));
    let is_tick = (has(b'"') || has(b'\\')) && !has(b'`') && !has_dollar && all().all(is_plain);
    let quote = if is_tick { '`' } else { '"' };
    let mut text = String::from(quote);
    for part in parts {
        match part {
            TextPart::Bytes(bytes) if is_tick => text += &String::from_utf8_lossy(bytes),
            TextPart::Bytes(bytes) => put_escaped(&mut text, bytes),
            TextPart::Value(value) => {
                let _ = write!(text, "${{{value}}}");
            }
        }
    }
    text.push(quote);
    text
}

/// Returns a title, which has double quotes always.
pub(crate) fn title(text: &str) -> String {
    let mut quoted = String::from('"');
    put_escaped(&mut quoted, text.as_bytes());
    quoted.push('"');
    quoted
}

/// Returns bytes that are no text as a literal.
pub(crate) fn hex_literal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x\"{}\"", digits.join(" "))
}

/// Whether bytes are read more easily as hex digits.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    let n_odd = bytes.iter().filter(|byte| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f)).count();
    std::str::from_utf8(bytes).is_err() || n_odd * 4 > bytes.len()
}

/// Whether bytes are a frame of a protocol of bytes: control characters among bytes that are no text, or many of them.
pub(crate) fn is_frame(bytes: &[u8]) -> bool {
    let n_odd =
        bytes.iter().filter(|byte| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)).count();
    n_odd > 1 && (n_odd * 4 > bytes.len() || n_odd * 12 > bytes.len() && std::str::from_utf8(bytes).is_err())
}

fn put_escaped(text: &mut String, bytes: &[u8]) {
    for (run, is_text) in runs(bytes) {
        if !is_text {
            put_hex(text, run);
            continue;
        }
        let run = String::from_utf8_lossy(run);
        let mut chars = run.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '"' | '\\' => text.extend(['\\', c]),
                '$' if chars.peek() == Some(&'{') => text.push_str("\\$"),
                c if c.is_control() || is_unseen(c) => put_hex(text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
    }
}

/// Cuts bytes into runs below 80 and from 80 on, and says which are text: some pairs of another encoding happen to be UTF-8, so a run
/// is text as a whole or not at all.
fn runs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()).map(|run| (run, std::str::from_utf8(run).is_ok()))
}

/// Whether a character changes how a text looks and is not seen itself.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn put_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// Returns bytes as a regex that fits them and nothing else.
pub(crate) fn escaped_regex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (run, is_text) in runs(bytes) {
        if !is_text {
            put_hex(&mut text, run);
            continue;
        }
        for c in String::from_utf8_lossy(run).chars() {
            match c {
                '\t' => text.push_str("\\t"),
                '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '/' => {
                    text.extend(['\\', c]);
                }
                c if c.is_control() || is_unseen(c) => put_hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        literal(&[TextPart::Bytes(text.as_bytes().to_vec())])
    }

    #[test]
    fn a_text_has_the_quotes_that_spare_escapes() {
        assert_eq!(of("AT"), "\"AT\"");
        assert_eq!(of("AT+X=\"a\\b\""), "`AT+X=\"a\\b\"`");
        let gbk = literal(&[TextPart::Bytes(b"\xca\xd4\xa3\xba: ok".to_vec())]);
        assert_eq!(gbk, "\"\\xca\\xd4\\xa3\\xba: ok\"");
        assert_eq!(of("a`\"b"), "\"a`\\\"b\"");
        assert_eq!(of("echo $? ${x}"), "\"echo $? \\${x}\"");
        assert_eq!(of("a\x1b[m\t\u{202e}é"), "\"a\\x1b[m\\t\\xe2\\x80\\xaeé\"");
        let parts = [TextPart::Bytes(b"key=".to_vec()), TextPart::Value("key".to_string())];
        assert_eq!(literal(&parts), "\"key=${key}\"");
    }

    #[test]
    fn a_frame_is_told_from_text() {
        assert!(is_frame(b"\x01\x03\x00\x00\x00\x01\x84\x0a") && is_frame(b"\xb5b\x0a\x04\x05\x00hello\x00\x00"));
        for text in [
            &b"\x00\x00\r\nO\x00K\r\n\x00\r\nOK\r\n"[..],
            b"\xb2\xe2\xca\xd4\r\n",
            b"\x1b[32m\x1b[0m",
            b"\x03",
            b"AT\r",
        ] {
            assert!(!is_frame(text), "{text:?}");
        }
    }

    #[test]
    fn a_regex_has_its_signs_escaped() {
        assert_eq!(escaped_regex(b"+CSQ: (a/b) ${x}"), r"\+CSQ: \(a\/b\) \$\{x\}");
        assert_eq!(escaped_regex(b"\xff\x01"), r"\xff\x01");
    }
}
