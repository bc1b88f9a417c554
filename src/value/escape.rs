//! How bytes are shown to people: nothing a device sends can disturb a terminal or forge a line.

use std::fmt::Write;

/// Returns bytes as visible text: printable UTF-8 as it is, CR, LF, TAB and NUL as `\r \n \t \0`, a
/// backslash as it is, everything else as `\xNN`.
///
/// Right-to-left marks and other invisible formatting characters are escaped too (`\u{202e}`).
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\r' => out.push_str("\\r"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\0' => out.push_str("\\0"),
                c if c.is_ascii_control() => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c if is_invisible(c) => {
                    let _ = write!(out, "\\u{{{:x}}}", c as u32);
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Returns bytes as [`visible`] text of at most `limit` characters, the rest counted.
pub fn visible_cut(bytes: &[u8], limit: usize) -> String {
    let text = visible(bytes);
    if text.chars().count() <= limit {
        return text;
    }
    let kept: String = text.chars().take(limit).collect();
    format!("{kept}… ({} bytes)", bytes.len())
}

/// C1 controls, zero-width and direction-changing characters: what could hide or reorder text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_broken_utf8_are_escaped_and_text_is_not() {
        assert_eq!(visible(b"\r\nOK\r\n"), "\\r\\nOK\\r\\n");
        assert_eq!(visible("é\u{1b}[2J".as_bytes()), "é\\x1b[2J");
        assert_eq!(visible(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(visible("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn a_long_text_is_cut_and_its_length_told() {
        assert_eq!(visible_cut(b"abcdef", 3), "abc… (6 bytes)");
        assert_eq!(visible_cut(b"abc", 3), "abc");
    }
}
