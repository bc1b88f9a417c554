//! Bytes as people read binary protocols: in hex, sixteen a line, with the characters beside them; secrets have their names.

use crate::value::escape::names_of_secrets;

/// Bytes of one line.
const WIDTH: usize = 16;
/// A block with more lines is folded.
const MOST_LINES: usize = 16;
/// So many lines stand at the beginning of a folded block, and so many at its end.
const KEPT: (usize, usize) = (8, 2);
/// A block of fewer bytes is shown with escapes, unless hex is wanted: `\x06` says more than a table of one byte.
const SHORTEST: usize = 4;

/// How the exchange is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// As hex where most of a block is not text.
    #[default]
    Auto,
    /// As text with escapes.
    Text,
    /// As hex.
    Hex,
}

impl View {
    /// Says whether a block is shown as hex.
    pub(super) fn is_hex(self, bytes: &[u8]) -> bool {
        match self {
            View::Auto => bytes.len() >= SHORTEST && is_mostly_binary(bytes),
            View::Text => false,
            View::Hex => !bytes.is_empty(),
        }
    }
}

/// A block in hex.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dump {
    /// On the line that tells of it.
    Short(String),
    /// On lines of its own, with what stands on the first.
    Long(String, Vec<String>),
}

/// Returns a block in hex.
pub(super) fn dump(bytes: &[u8]) -> Dump {
    let names = names_of_secrets(bytes);
    if names.is_empty() && bytes.len() <= WIDTH {
        return Dump::Short(format!("{}  |{}|", digits(bytes), characters(bytes)));
    }
    let n_hidden: usize = names.iter().map(|name| name.len()).sum();
    let but = if names.is_empty() { "" } else { ", secrets not counted" };
    let head = format!("{} bytes{but}", bytes.len() - n_hidden);
    let (mut lines, mut at) = (Vec::new(), 0);
    // How long a secret is, is not told: there are no places behind one.
    let mut is_placed = true;
    for name in names.into_iter().chain(std::iter::once(bytes.len()..bytes.len())) {
        for (n, row) in bytes[at..name.start].chunks(WIDTH).enumerate() {
            let place = if is_placed { format!("{:04x}", at + n * WIDTH) } else { " ".repeat(4) };
            lines.push(format!("{place}  {:<width$}  |{}|", digits(row), characters(row), width = WIDTH * 3 - 1));
        }
        if !name.is_empty() {
            lines.push(format!("      {}", String::from_utf8_lossy(&bytes[name.clone()])));
            is_placed = false;
        }
        at = name.end;
    }
    Dump::Long(head, folded(lines))
}

/// Leaves out the middle of a long block, and says how much that is.
fn folded(lines: Vec<String>) -> Vec<String> {
    if lines.len() <= MOST_LINES {
        return lines;
    }
    let (first, last) = KEPT;
    let n_left_out = lines.len() - first - last;
    let left_out = format!("      ... {n_left_out} lines of {WIDTH} bytes left out; `--events FILE` has all of them");
    let end = lines.len() - last;
    [&lines[..first], &[left_out], &lines[end..]].concat()
}

fn digits(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' }).collect()
}

/// Says whether more than half of some bytes are neither printable, nor UTF-8, nor what ends and indents lines.
fn is_mostly_binary(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f);
    let mut n_binary = bytes.iter().filter(|byte| is_control(byte)).count();
    if !bytes.is_ascii() {
        // As a whole, as text with escapes shows it: some pairs of another encoding happen to be a character.
        let runs = bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii());
        n_binary += runs.filter(|run| std::str::from_utf8(run).is_err()).map(<[u8]>::len).sum::<usize>();
    }
    n_binary * 2 > bytes.len()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        match dump(bytes) {
            Dump::Short(line) => line,
            Dump::Long(head, lines) => format!("{head}\n{}", lines.join("\n")),
        }
    }

    #[test]
    fn what_is_mostly_no_text_is_shown_as_hex() {
        for binary in [&b"\xb5\x62\x01\x07"[..], b"\x00\x00\x00A", b"\xd6\xd0\xb9\xfa\r\n"] {
            assert!(View::Auto.is_hex(binary) && !View::Text.is_hex(binary), "{binary:?}");
        }
        for text in [&b"\r\nOK\r\n"[..], "中国".as_bytes(), b"\x1b[2J", b"\x06", b"\xff\xff\xff", b"", b"ab\x00\x01"]
        {
            assert!(!View::Auto.is_hex(text), "{text:?}");
            assert_eq!(View::Hex.is_hex(text), !text.is_empty());
        }
    }

    #[test]
    fn sixteen_bytes_are_a_line_and_the_last_line_is_as_wide() {
        assert_eq!(shown(b"\xb5\x62\x01\x07AB"), "b5 62 01 07 41 42  |.b..AB|");
        let bytes: Vec<u8> = (0x30..0x45).collect();
        assert_snapshot!(shown(&bytes), @r"
        21 bytes
        0000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|
        0010  40 41 42 43 44                                   |@ABCD|
        ");
    }

    #[test]
    fn a_long_block_is_folded_with_its_length() {
        let text = shown(&[0; 4096]);
        assert!(text.starts_with("4096 bytes\n0000  00 "), "{text}");
        assert!(text.contains("\n0070 ") && text.contains("... 246 lines of 16 bytes left out"), "{text}");
        assert!(
            text.ends_with("\n0ff0  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 12);
        assert_eq!(shown(&[0; 256]).lines().count(), 17);
    }

    #[test]
    fn a_secret_keeps_its_name() {
        let bytes = [&b"\x01\x02"[..], "«key»".as_bytes(), b"\xff\xfe\xfd"].concat();
        assert_snapshot!(shown(&bytes), @r"
        5 bytes, secrets not counted
        0000  01 02                                            |..|
              «key»
              ff fe fd                                         |...|
        ");
    }
}
