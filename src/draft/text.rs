//! Texts and regexes as they stand in a flow.

use std::fmt::Write;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextPart {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The value of an expression.
    Value(String),
}

/// Returns a text as a literal: between backticks if that spares escapes.
pub(super) fn literal(parts: &[TextPart]) -> String {
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
pub(super) fn title(text: &str) -> String {
    let mut quoted = String::from('"');
    put_escaped(&mut quoted, text.as_bytes());
    quoted.push('"');
    quoted
}

/// Returns bytes that are no text as a literal.
pub(super) fn hex_literal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x\"{}\"", digits.join(" "))
}

/// Whether bytes are read more easily as hex digits.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let n_odd = bytes.iter().filter(|byte| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f)).count();
    std::str::from_utf8(bytes).is_err() || n_odd * 4 > bytes.len()
}

fn put_escaped(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
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
        put_hex(text, chunk.invalid());
    }
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
pub(super) fn escaped_regex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => text.push_str("\\t"),
                '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '/' => {
                    text.extend(['\\', c]);
                }
                c if c.is_control() || is_unseen(c) => put_hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        put_hex(&mut text, chunk.invalid());
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
        assert_eq!(of("a`\"b"), "\"a`\\\"b\"");
        assert_eq!(of("echo $? ${x}"), "\"echo $? \\${x}\"");
        assert_eq!(of("a\x1b[m\t\u{202e}é"), "\"a\\x1b[m\\t\\xe2\\x80\\xaeé\"");
        let parts = [TextPart::Bytes(b"key=".to_vec()), TextPart::Value("key".to_string())];
        assert_eq!(literal(&parts), "\"key=${key}\"");
    }

    #[test]
    fn a_regex_has_its_signs_escaped() {
        assert_eq!(escaped_regex(b"+CSQ: (a/b) ${x}"), r"\+CSQ: \(a\/b\) \$\{x\}");
        assert_eq!(escaped_regex(b"\xff\x01"), r"\xff\x01");
    }
}
