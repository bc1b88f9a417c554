//! `Lines`: bytes of a device as lines, for a screen that does not obey them; the echo of what was sent is taken out.

use crate::time::Moment;

/// A line that is longer counts as ended.
const LONGEST: usize = 4096;

/// The lines that come.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// What came of the line that has not ended.
    begun: Vec<u8>,
    /// When it began to come, and when the last of it came.
    times: Option<(Moment, Moment)>,
    echo: Echo,
}

/// What is awaited of an echo.
#[derive(Debug, Default)]
struct Echo {
    sent: Vec<u8>,
    n_matched: usize,
}

/// A line that came, and when it began to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Moment,
    pub(crate) bytes: Vec<u8>,
}

impl Lines {
    /// Takes what came; returns the lines that are complete. Empty ones are left out.
    pub(crate) fn take(&mut self, now: Moment, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for byte in bytes {
            if self.echo.is_awaited() {
                match self.echo.take(*byte) {
                    Heard::Echo => continue,
                    Heard::Other(before) => before.iter().for_each(|byte| self.push(now, *byte, &mut lines)),
                }
            }
            self.push(now, *byte, &mut lines);
        }
        lines
    }

    /// Takes note that a line was sent, which may come back; what stands before it on its line has been shown.
    pub(crate) fn sent(&mut self, line: &[u8]) {
        self.begun.clear();
        self.times = None;
        self.echo = Echo { sent: line.to_vec(), n_matched: 0 };
    }

    /// Returns what came of the line that has not ended.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// Returns when that began to come.
    pub(crate) fn began(&self) -> Option<Moment> {
        self.times.map(|(began, _)| began)
    }

    /// Returns when the last of that came.
    pub(crate) fn last_came(&self) -> Option<Moment> {
        self.times.map(|(_, last)| last)
    }

    /// Takes the line that has not ended.
    pub(crate) fn take_begun(&mut self) -> Option<Line> {
        let (at, _) = self.times.take()?;
        Some(Line { at, bytes: std::mem::take(&mut self.begun) })
    }

    /// Begins with what came of a line before.
    pub(crate) fn begin(&mut self, now: Moment, bytes: Vec<u8>) {
        self.times = (!bytes.is_empty()).then_some((now, now));
        self.begun = bytes;
        self.echo = Echo::default();
    }

    fn push(&mut self, now: Moment, byte: u8, lines: &mut Vec<Line>) {
        let is_end = matches!(byte, b'\r' | b'\n');
        if is_end && self.begun.is_empty() {
            return;
        }
        let (began, last) = self.times.get_or_insert((now, now));
        *last = now;
        if !is_end {
            self.begun.push(byte);
        }
        if is_end || self.begun.len() >= LONGEST {
            lines.push(Line { at: *began, bytes: std::mem::take(&mut self.begun) });
            self.times = None;
        }
    }
}

/// What a byte is while an echo is awaited.
enum Heard {
    /// A part of it.
    Echo,
    /// No part of it, and neither were those before.
    Other(Vec<u8>),
}

impl Echo {
    fn is_awaited(&self) -> bool {
        self.n_matched < self.sent.len()
    }

    fn take(&mut self, byte: u8) -> Heard {
        if self.sent[self.n_matched] == byte {
            self.n_matched += 1;
            return Heard::Echo;
        }
        let n = std::mem::take(&mut self.n_matched);
        let mut before = std::mem::take(&mut self.sent);
        before.truncate(n);
        Heard::Other(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lines of what came, cut in every way into two; the same each time.
    fn lines_of(sent: &str, came: &[u8]) -> (Vec<String>, String) {
        let cut = |at: usize| {
            let mut lines = Lines::default();
            lines.sent(sent.as_bytes());
            let mut all = lines.take(Moment::START, &came[..at]);
            all.extend(lines.take(Moment::START, &came[at..]));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (all.iter().map(|line| text(&line.bytes)).collect::<Vec<_>>(), text(lines.begun()))
        };
        let whole = cut(0);
        assert!((0..=came.len()).all(|at| cut(at) == whole));
        whole
    }

    #[test]
    fn an_echo_is_taken_out_and_empty_lines_too() {
        let answer = (vec!["+CSQ: 18,0".to_string(), "OK".to_string()], String::new());
        assert_eq!(lines_of("AT+CSQ", b"AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\nOK\r\n"), answer);
        assert_eq!(lines_of("AT+CSQ", b"\r\n+CSQ: 18,0\r\n\r\nOK\r\n"), answer);
    }

    #[test]
    fn what_only_begins_like_the_echo_is_shown() {
        assert_eq!(lines_of("ATI", b"AT interpreter\r\n").0, ["AT interpreter"]);
        assert_eq!(lines_of("ls", b"ls\r\nls.txt\r\n$ "), (vec!["ls.txt".to_string()], "$ ".to_string()));
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        let came = lines.take(Moment::START, &vec![b'x'; LONGEST + 3]);
        assert_eq!((came.len(), lines.begun()), (1, &b"xxx"[..]));
    }
}
