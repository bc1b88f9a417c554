//! How bytes are shown to people: nothing a device sends can disturb a terminal or forge a line.
//!
//! Other texts have rules of their own, which stand where they are written and read: recordings in `record/text.rs`, TAP and its
//! YAML in `report/tap.rs`, JSON in `value/json.rs`, regexes in `pattern.rs`. All but the last two begin with [`visible`] or
//! with the lengths here.

use std::ops::Range;
use std::path::Path;

/// Returns bytes as visible text: printable UTF-8 as it is, CR, LF, TAB and NUL as `\r \n \t \0`, a
/// backslash as `\\`, everything else as `\xNN`. Different bytes are different texts.
///
/// NUL before a digit is `\x00`. Right-to-left marks and other invisible formatting characters are escaped too
/// (`\u{202e}`). A run of bytes of 80 and above that is not UTF-8 as a whole is escaped as a whole: some pairs of another
/// encoding happen to be a character. The signs around the name of a secret stay beside such a run: `\xff«key»\xff`.
pub fn visible(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    push_visible(&mut out, bytes);
    String::from_utf8(out).expect("what is left as it is, is UTF-8, and the rest is ASCII")
}

/// Returns a text that people wrote, or that was made visible before, with nothing in it that could disturb a terminal.
///
/// It is [`visible`] but for the backslashes, which stay as they are: an escape is not escaped again.
pub fn harmless(text: impl AsRef<[u8]>) -> String {
    let mut out = Vec::new();
    push_harmless(&mut out, text.as_ref());
    String::from_utf8(out).expect("what is left as it is, is UTF-8, and the rest is ASCII")
}

/// Appends a text as [`harmless`] does.
pub fn push_harmless(out: &mut Vec<u8>, text: &[u8]) {
    for (i, part) in text.split(|byte| *byte == b'\\').enumerate() {
        if i > 0 {
            out.push(b'\\');
        }
        push_visible(out, part);
    }
}

/// Returns a path as [`harmless`] does, with `/` between its parts on every system.
pub fn harmless_path(path: &Path) -> String {
    let name = path.as_os_str().as_encoded_bytes();
    let in_this_system = |byte: &u8| if cfg!(windows) && *byte == b'\\' { b'/' } else { *byte };
    harmless(name.iter().map(in_this_system).collect::<Vec<_>>())
}

/// Appends bytes as [`visible`] text, fast enough for a device that never stops talking.
pub fn push_visible(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let (plain, others) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let n_others = match others {
            [] => return,
            // How nearly every line ends.
            [b'\r', b'\n', ..] => {
                out.extend_from_slice(b"\\r\\n");
                2
            }
            [byte, ..] if byte.is_ascii() => {
                let n = others.iter().position(|byte| is_plain(*byte) || !byte.is_ascii()).unwrap_or(others.len());
                match (&others[..n], others.get(n)) {
                    // `\01` would be another byte.
                    ([before @ .., 0], Some(b'0'..=b'9')) => {
                        push_escaped(out, before);
                        out.extend_from_slice(b"\\x00");
                    }
                    (escaped, _) => push_escaped(out, escaped),
                }
                n
            }
            _ => {
                let n = others.iter().position(u8::is_ascii).unwrap_or(others.len());
                let from = bytes.len() - others.len();
                push_beyond_ascii(out, bytes, from..from + n);
                n
            }
        };
        rest = &others[n_others..];
    }
}

/// Appends bytes of ASCII that do not stand for themselves as visible text.
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\0' => out.extend_from_slice(b"\\0"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            _ => push_hex(out, *byte),
        }
    }
}

/// Appends a byte as `\xNN`.
fn push_hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Appends a run of bytes that are not ASCII as visible text.
fn push_beyond_ascii(out: &mut Vec<u8>, bytes: &[u8], run: Range<usize>) {
    let Ok(mut text) = std::str::from_utf8(&bytes[run.clone()]) else {
        // The signs of the names of secrets are ours: no bytes of another encoding.
        let before = end_of_name(bytes, &run);
        let behind = begin_of_name(bytes, &run);
        out.extend_from_slice(&bytes[run.start..run.start + before]);
        bytes[run.start + before..run.end - behind].iter().for_each(|byte| push_hex(out, *byte));
        return out.extend_from_slice(&bytes[run.end - behind..run.end]);
    };
    while let Some((at, hidden)) = text.char_indices().find(|(_, c)| is_invisible(*c)) {
        out.extend_from_slice(&text.as_bytes()[..at]);
        out.extend_from_slice(format!("\\u{{{:x}}}", u32::from(hidden)).as_bytes());
        text = &text[at + hidden.len_utf8()..];
    }
    out.extend_from_slice(text.as_bytes());
}

/// What stands around the name of a secret, and around that of a piece of one.
const OPENING: [&[u8]; 2] = ["«…".as_bytes(), "«".as_bytes()];
const CLOSING: [&[u8]; 2] = ["…»".as_bytes(), "»".as_bytes()];

/// No name of a secret that is found between other bytes is longer.
const LONGEST_NAME: usize = 256;

/// Returns where names stand that were put in place of secrets: `«key»`, `«…key»`.
pub fn names_of_secrets(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some(found) = bytes[at..].windows(2).position(|two| two == "«".as_bytes()) {
        let begin = at + found;
        at = begin + 2;
        let more = if bytes[at..].starts_with("…".as_bytes()) { 3 } else { 0 };
        let name = &bytes[at + more..];
        let n = name.iter().take(LONGEST_NAME).take_while(|byte| is_of_name(**byte)).count();
        let closing = CLOSING.iter().find(|sign| n > 0 && name[n..].starts_with(sign));
        if let Some(closing) = closing {
            at += more + n + closing.len();
            names.push(begin..at);
        }
    }
    names
}

/// Returns how many bytes at the end of a run begin the name of a secret, as in `«key»`.
fn begin_of_name(bytes: &[u8], run: &Range<usize>) -> usize {
    let behind = &bytes[run.end..];
    let n = behind.iter().take(LONGEST_NAME).take_while(|byte| is_of_name(**byte)).count();
    let is_closed = n > 0 && CLOSING.iter().any(|sign| behind[n..].starts_with(sign));
    let opening = OPENING.iter().find(|sign| is_closed && bytes[run.clone()].ends_with(sign));
    opening.map_or(0, |sign| sign.len())
}

/// Returns how many bytes at the beginning of a run end the name of a secret.
fn end_of_name(bytes: &[u8], run: &Range<usize>) -> usize {
    let before = &bytes[..run.start];
    let n = before.iter().rev().take(LONGEST_NAME).take_while(|byte| is_of_name(**byte)).count();
    let is_open = n > 0 && OPENING.iter().any(|sign| before[..before.len() - n].ends_with(sign));
    let closing = CLOSING.iter().find(|sign| is_open && bytes[run.clone()].starts_with(sign));
    closing.map_or(0, |sign| sign.len())
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The highest bit, and the lowest, of each of eight bytes.
const HIGHEST: u64 = 0x8080_8080_8080_8080;
const LOWEST: u64 = 0x0101_0101_0101_0101;

/// Returns how many bytes at the beginning are printable ASCII without a backslash, which [`visible`] leaves as they are.
pub fn plain_length(bytes: &[u8]) -> usize {
    length_without(bytes, |eight| unprintable(eight) | is_in(eight, b'\\'), |byte| !is_plain(byte))
}

/// Returns how many bytes at the beginning are printable ASCII, and neither a quote nor a backslash: what stands for itself
/// between quotes.
pub fn quotable_length(bytes: &[u8]) -> usize {
    length_without(
        bytes,
        |eight| unprintable(eight) | is_in(eight, b'"') | is_in(eight, b'\\'),
        |byte| !is_printable(byte) || matches!(byte, b'"' | b'\\'),
    )
}

/// Sets the highest bit of each of eight bytes that is this one, and perhaps of some behind the first of these.
fn is_in(eight: u64, byte: u8) -> u64 {
    let differs = eight ^ (LOWEST * u64::from(byte));
    differs.wrapping_sub(LOWEST) & !differs
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Whether a byte stands for itself in visible text.
fn is_plain(byte: u8) -> bool {
    is_printable(byte) && byte != b'\\'
}

/// Sets the highest bit of each byte that is not printable ASCII, and perhaps of some behind the first of these: it is set if
/// the byte is below a blank, or `~` is below it, or it was set before, and a carry can only come from a byte that is told of
/// itself.
fn unprintable(eight: u64) -> u64 {
    eight.wrapping_sub(LOWEST * 0x20) | eight.wrapping_add(LOWEST) | eight
}

/// Returns how many bytes stand before the first that is special, eight at a time; `special` sets the highest bit of those of
/// eight bytes that are, exactly up to the first.
///
/// One byte at a time would be three lines. It would cost a transcript of `benches/flows/boot_log.flow` 18 % more
/// instructions for the whole run (122.2 instead of 103.1 million), and 38 % with a recording (184.7 instead of 133.6);
/// `exchanges`, whose lines are short, would take 0.4 % less.
fn length_without(bytes: &[u8], special: impl Fn(u64) -> u64, is_special: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    for eight in bytes.chunks_exact(8) {
        let found = special(u64::from_le_bytes(eight.try_into().expect("chunks of 8 are 8 bytes"))) & HIGHEST;
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = &bytes[length..];
    length + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
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

/// C1 controls, zero-width and direction-changing characters, and those that look like blanks and are none: what could hide or
/// reorder text.
///
/// U+FE0F stays, which makes a sign an emoji.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// Returns bytes as visible text, a byte or a character at a time: slow and simple.
    fn slowly(bytes: &[u8]) -> String {
        let mut out = String::new();
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first() {
            // Writing into a String cannot fail.
            let _ = match first {
                b'\r' => out.write_str("\\r"),
                b'\n' => out.write_str("\\n"),
                b'\t' => out.write_str("\\t"),
                b'\\' => out.write_str("\\\\"),
                0 if !behind.first().is_some_and(u8::is_ascii_digit) => out.write_str("\\0"),
                b' '..=b'~' => out.write_char(char::from(*first)),
                0..=127 => write!(out, "\\x{first:02x}"),
                128.. => {
                    let run = &rest[..rest.iter().position(u8::is_ascii).unwrap_or(rest.len())];
                    rest = &rest[run.len()..];
                    match std::str::from_utf8(run) {
                        Ok(text) if is_invisible(text.chars().next().unwrap_or(' ')) && text.chars().count() == 1 => {
                            let _ = write!(out, "\\u{{{:x}}}", text.chars().next().map_or(0, u32::from));
                        }
                        Ok(text) => out.push_str(text),
                        Err(_) => run.iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
                    }
                    continue;
                }
            };
            rest = behind;
        }
        out
    }

    #[test]
    fn lengths_are_those_that_are_found_byte_by_byte() {
        for byte in 0..=u8::MAX {
            for (before, behind) in [(0, 0), (0, 20), (3, 4), (7, 0), (7, 1), (8, 7), (13, 9)] {
                for filler in *b" ~a!#[]" {
                    let mut text = vec![filler; before];
                    text.push(byte);
                    text.extend(vec![b'\x1f'; behind]);
                    let is_plain = matches!(byte, b' '..=b'~') && byte != b'\\';
                    assert_eq!(plain_length(&text), before + usize::from(is_plain), "{text:?}");
                    let is_quotable = is_plain && byte != b'"';
                    assert_eq!(quotable_length(&text), before + usize::from(is_quotable), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn controls_and_broken_utf8_are_escaped_and_text_is_not() {
        assert_eq!(visible(b"\r\nOK\r\n"), "\\r\\nOK\\r\\n");
        assert_eq!(visible("é\u{1b}[2J".as_bytes()), "é\\x1b[2J");
        assert_eq!(visible(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(visible(b"v\\t1 v\t1"), "v\\\\t1 v\\t1");
        assert_eq!(visible(b"\x0052 \0a"), "\\x0052 \\0a");
        assert_eq!(visible("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn what_hides_or_reorders_text_is_escaped_and_an_emoji_is_not() {
        let hidden =
            "\u{61c}\u{ad}\u{34f}\u{115f}\u{180e}\u{2800}\u{3164}\u{fff9}\u{fffb}\u{e0000}\u{e007f}\u{85}\u{200b}";
        for c in hidden.chars() {
            assert_eq!(visible(c.encode_utf8(&mut [0; 4]).as_bytes()), format!("\\u{{{:x}}}", c as u32));
        }
        for text in ["\u{2764}\u{fe0f}", "é 中文 \u{fffd} \u{a0}"] {
            assert_eq!(visible(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_run_that_is_not_utf8_is_escaped_as_a_whole() {
        let gbk = b"\xd6\xd0\xb9\xfa\xd2\xc6\xb6\xaf\r\n";
        assert_eq!(visible(gbk), "\\xd6\\xd0\\xb9\\xfa\\xd2\\xc6\\xb6\\xaf\\r\\n");
        assert_eq!(visible("中国\r\n".as_bytes()), "中国\\r\\n");
    }

    #[test]
    fn the_name_of_a_secret_stays_beside_bytes_that_are_no_text() {
        let shown = |before: &[u8], text: &str, behind: &[u8]| visible(&[before, text.as_bytes(), behind].concat());
        assert_eq!(shown(b"\xff", "«key»", b"\xff"), "\\xff«key»\\xff");
        assert_eq!(shown(b"\xd6\xd0", "«…key_2…»", b"\x80\r\n"), "\\xd6\\xd0«…key_2…»\\x80\\r\\n");
        assert_eq!(shown(b"\xff", "«a»«b»", b"\xff"), "\\xff«a»«b»\\xff");
        let two = [b"\xff", "«a»".as_bytes(), b"\xff", "«b»".as_bytes(), b"\xff"].concat();
        assert_eq!(visible(&two), "\\xff«a»\\xff«b»\\xff");
        assert_eq!(shown(b"\xff", "«key", b"\xff"), "\\xff\\xc2\\xabkey\\xff", "it is no name");
        assert_eq!(shown(b"\xff", "«»", b"\xff"), "\\xff\\xc2\\xab\\xc2\\xbb\\xff");
    }

    #[test]
    fn different_bytes_are_different_texts() {
        let alphabet = [0, b'\t', b'\\', b'0', b'1', b't', b'x', b'u', b'{', 0x1b, 0x80, 0xc3, 0xa9];
        let mut seen = std::collections::HashMap::new();
        for a in alphabet {
            for b in alphabet {
                for c in alphabet {
                    for d in alphabet {
                        let bytes = vec![a, b, c, d];
                        assert_eq!(visible(&bytes), slowly(&bytes), "{bytes:?}");
                        let other = seen.insert(visible(&bytes), bytes.clone());
                        assert_eq!(other, None, "as {bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_made_visible_stays_as_it_is() {
        let text = visible("v\\t1\t\u{202e}中".as_bytes());
        assert_eq!(harmless(&text), text);
        assert_eq!(harmless("C:\\dir\u{1b}[2J"), "C:\\dir\\x1b[2J");
        let part = if cfg!(windows) { "flows/é" } else { "flows\\é" };
        assert_eq!(harmless_path(Path::new("flows\\é\n.flow")), format!("{part}\\n.flow"));
    }

    #[test]
    fn a_long_text_is_cut_and_its_length_told() {
        assert_eq!(visible_cut(b"abcdef", 3), "abc… (6 bytes)");
        assert_eq!(visible_cut(b"abc", 3), "abc");
    }

    #[test]
    fn the_length_of_what_is_plain_is_right_wherever_it_ends() {
        for other in (0..=255).filter(|b| !(b' '..=b'~').contains(b) || *b == b'\\') {
            for before in [b' ', b'~', b'A'] {
                for n in 0..20 {
                    let mut bytes = vec![before; n];
                    assert_eq!(plain_length(&bytes), n);
                    bytes.extend([other, before, other, 0x7f, 0xff, 0]);
                    assert_eq!(plain_length(&bytes), n, "{other:#x} behind {n} of {before:#x}");
                }
            }
        }
    }
}
