//! Received bytes as lines, and times as text, fast enough for a device that never stops talking.

use std::time::Duration;

use crate::value::line_end;

/// Returns the lines of what was received, each with its end.
///
/// A line ends with LF, CR LF, or a CR that no LF follows. Empty lines stay with the line behind them:
/// `\r\nOK\r\n` is one. Joined, the lines are the bytes.
pub(super) fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines { rest: bytes }
}

/// Seconds with three decimals as text, right-aligned.
#[derive(Debug)]
pub(super) struct Seconds {
    text: [u8; 24],
    begin: usize,
}

impl Seconds {
    /// Writes a length of time in at least `width` columns, of which 24 are filled at most.
    pub(super) fn new(span: Duration, width: usize) -> Seconds {
        let mut text = [b' '; 24];
        let mut at = text.len();
        let mut push = |byte: u8| {
            at -= 1;
            text[at] = byte;
        };
        let mut ms = span.subsec_millis();
        for _ in 0..3 {
            push(b'0' + (ms % 10) as u8);
            ms /= 10;
        }
        push(b'.');
        let mut seconds = span.as_secs();
        loop {
            push(b'0' + (seconds % 10) as u8);
            seconds /= 10;
            if seconds == 0 {
                break;
            }
        }
        let begin = at.min(text.len() - width.min(text.len()));
        Seconds { text, begin }
    }

    /// Returns the text, which is ASCII.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[self.begin..]
    }
}

/// See [`lines`].
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = self.rest;
        let begin = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
        let end = match line_end::find(&bytes[begin..]) {
            Some(n) if bytes[begin + n..].starts_with(b"\r\n") => begin + n + 2,
            Some(n) => begin + n + 1,
            None => bytes.len(),
        };
        let (line, rest) = bytes.split_at(end);
        self.rest = rest;
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_stay_with_the_line_behind_them() {
        let cases: [(&str, &[&str]); 8] = [
            ("\r\nOK\r\n", &["\r\nOK\r\n"]),
            ("AT\r\r\nOK\r\n", &["AT\r", "\r\nOK\r\n"]),
            ("a\nb\rc\r\nd", &["a\n", "b\r", "c\r\n", "d"]),
            ("\r\n\r\n", &["\r\n\r\n"]),
            ("a\r\n\r\n\n", &["a\r\n", "\r\n\n"]),
            ("\r\n> ", &["\r\n> "]),
            ("\r\r\n+CSQ: 1\r\n\r\nOK\r\n", &["\r\r\n+CSQ: 1\r\n", "\r\nOK\r\n"]),
            ("", &[]),
        ];
        for (bytes, expected) in cases {
            let got: Vec<&[u8]> = lines(bytes.as_bytes()).collect();
            assert_eq!(got, expected.iter().map(|line| line.as_bytes()).collect::<Vec<_>>(), "{bytes:?}");
        }
    }

    #[test]
    fn seconds_are_aligned_to_the_right_and_never_cut() {
        for (ms, text) in
            [(0, "    0.000"), (12_345, "   12.345"), (36_000_007, "36000.007"), (u64::MAX, "18446744073709551.615")]
        {
            assert_eq!(Seconds::new(Duration::from_millis(ms), 9).as_bytes(), text.as_bytes());
        }
        assert_eq!(Seconds::new(Duration::MAX, 9).as_bytes(), b"18446744073709551615.999");
    }
}
