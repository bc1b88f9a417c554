//! `Console`: bytes of a device for a screen that obeys them: as they are, or with time stamps, line ends or in hex.

use super::choice::{Newline, Stamps};
use super::clock::{WallClock, show_delta};
use crate::time::Moment;

/// So many bytes stand in a row of hex.
const IN_ROW: usize = 16;

/// So much of the line that has not ended is kept, to show it again below a message.
const LONGEST: usize = 512;

/// What is on the screen, as far as it matters.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) stamps: Stamps,
    pub(crate) newline: Newline,
    pub(crate) is_hex: bool,
    clock: WallClock,
    /// What came of the line that has not ended, as it was shown; nothing if it is too long.
    line: Vec<u8>,
    /// Whether something stands in the row of the cursor.
    is_row_begun: bool,
    /// When the line before began to come.
    stamped: Option<Moment>,
    /// The last byte was a CR.
    after_cr: bool,
    /// The bytes of the row of hex that has not ended.
    row: Vec<u8>,
    has_sequences: bool,
    /// Whether the title of the screen is to be as it was when the session ends.
    pub(crate) keeps_title: bool,
    /// The screen was told to remember its title.
    has_kept_title: bool,
    /// The last byte was ESC.
    after_escape: bool,
}

/// Has a screen remember its title, and have it again.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const RESTORE_TITLE: &[u8] = b"\x1b[23;0t";

impl Console {
    pub(crate) fn new(clock: WallClock) -> Console {
        Console {
            stamps: Stamps::Off,
            newline: Newline::Keep,
            is_hex: false,
            clock,
            line: Vec::new(),
            is_row_begun: false,
            stamped: None,
            after_cr: false,
            row: Vec::new(),
            has_sequences: false,
            keeps_title: false,
            has_kept_title: false,
            after_escape: false,
        }
    }

    /// Shows what came.
    pub(crate) fn show(&mut self, now: Moment, bytes: &[u8], out: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if self.is_hex {
            return self.show_hex(now, bytes, out);
        }
        if self.after_escape || bytes.contains(&0x1b) {
            self.has_sequences = true;
            self.keep_title(bytes, out);
        }
        let from = out.len();
        if self.stamps == Stamps::Off && self.newline == Newline::Keep {
            out.extend_from_slice(bytes);
        } else {
            bytes.iter().for_each(|byte| self.show_byte(now, *byte, out));
        }
        self.remember(&out[from..]);
    }

    /// Begins a new row for a message if the present one is begun. A row of hex is completed.
    pub(crate) fn break_row(&mut self, out: &mut Vec<u8>) {
        if !self.row.is_empty() {
            self.end_row(out);
        } else if self.is_row_begun {
            out.extend_from_slice(b"\r\n");
        }
        self.is_row_begun = false;
    }

    /// Shows the line again that has not ended, below a message.
    pub(crate) fn resume(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.line);
        self.is_row_begun = !self.line.is_empty();
    }

    /// Takes note of a line that has not ended and is not on the screen.
    pub(crate) fn begin(&mut self, line: Vec<u8>) {
        self.is_row_begun = false;
        self.line = if line.len() <= LONGEST { line } else { Vec::new() };
    }

    /// Takes the line that has not ended.
    pub(crate) fn take_line(&mut self) -> Vec<u8> {
        self.is_row_begun = false;
        std::mem::take(&mut self.line)
    }

    /// Takes note that the screen is empty.
    pub(crate) fn cleared(&mut self) {
        self.row.clear();
        self.is_row_begun = false;
    }

    /// Has the screen remember its title before the device changes it.
    fn keep_title(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let ends_begun = self.after_escape && bytes.first() == Some(&b']');
        self.after_escape = bytes.last() == Some(&0x1b);
        let changes_it = ends_begun || bytes.windows(2).any(|two| two == b"\x1b]");
        if changes_it && self.keeps_title && !self.has_kept_title {
            self.has_kept_title = true;
            out.extend_from_slice(KEEP_TITLE);
            if ends_begun {
                // The sequence that had begun begins again.
                out.push(0x1b);
            }
        }
    }

    /// Gives the screen the title back that it had.
    pub(crate) fn restore_title(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.has_kept_title) {
            out.extend_from_slice(RESTORE_TITLE);
        }
    }

    /// Whether a sequence came that may have changed how the terminal works.
    pub(crate) fn has_sequences(&self) -> bool {
        self.has_sequences
    }

    /// Returns what stands before a line that begins to come now; nothing if that is not wanted.
    pub(crate) fn stamp(&mut self, now: Moment) -> String {
        let before = self.stamped.replace(now).unwrap_or(now);
        match self.stamps {
            Stamps::Off => String::new(),
            Stamps::Clock => format!("[{}] ", self.clock.show(now)),
            Stamps::Delta => format!("[{}] ", show_delta(now.since(before))),
        }
    }

    fn show_byte(&mut self, now: Moment, byte: u8, out: &mut Vec<u8>) {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        if !matches!(byte, b'\r' | b'\n') && !self.is_row_begun {
            let stamp = self.stamp(now);
            out.extend_from_slice(stamp.as_bytes());
        }
        match (self.newline, byte) {
            (Newline::Lf, b'\n') if !after_cr => out.extend_from_slice(b"\r\n"),
            (Newline::Cr, b'\r') => out.extend_from_slice(b"\r\n"),
            // It was shown with the CR.
            (Newline::Cr, b'\n') if after_cr => {}
            (Newline::Keep | Newline::Lf | Newline::Cr, byte) => out.push(byte),
        }
        match (self.newline, byte) {
            (Newline::Cr, b'\r') | (_, b'\n') => self.is_row_begun = false,
            (_, b'\r') => {}
            _ => self.is_row_begun = true,
        }
    }

    /// Keeps what was shown of the line that has not ended.
    fn remember(&mut self, shown: &[u8]) {
        let rest = match shown.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                self.line.clear();
                self.is_row_begun = at + 1 < shown.len() && shown[at + 1..] != *b"\r";
                &shown[at + 1..]
            }
            None => {
                self.is_row_begun = self.is_row_begun || shown != b"\r";
                shown
            }
        };
        if self.line.len() + rest.len() <= LONGEST {
            self.line.extend_from_slice(rest);
        } else {
            self.line.clear();
        }
    }

    fn show_hex(&mut self, now: Moment, bytes: &[u8], out: &mut Vec<u8>) {
        self.line.clear();
        for byte in bytes {
            if self.row.is_empty() {
                self.break_row(out);
                let stamp = self.stamp(now);
                out.extend_from_slice(stamp.as_bytes());
                self.is_row_begun = true;
            }
            out.extend_from_slice(format!("{byte:02x} ").as_bytes());
            self.row.push(*byte);
            if self.row.len() == IN_ROW || *byte == b'\n' {
                self.end_row(out);
            }
        }
    }

    /// Shows what the bytes of a row of hex are as text, and ends the row.
    fn end_row(&mut self, out: &mut Vec<u8>) {
        let missing = IN_ROW - self.row.len();
        out.extend(std::iter::repeat_n(b' ', missing * 3 + 1));
        out.extend(self.row.drain(..).map(|byte| if (0x20..0x7f).contains(&byte) { byte } else { b'.' }));
        out.extend_from_slice(b"\r\n");
        self.is_row_begun = false;
    }
}

/// Returns rows of hex of bytes, with what they are as text.
pub(crate) fn hex_rows(bytes: &[u8]) -> Vec<String> {
    let row = |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
        let text = bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
        format!("{hex:<width$} {}", text.collect::<String>(), width = IN_ROW * 3)
    };
    bytes.chunks(IN_ROW).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(stamps: Stamps, newline: Newline, is_hex: bool) -> Console {
        Console { stamps, newline, is_hex, ..Console::new(WallClock::new(0, 0)) }
    }

    /// Shows pieces, a second apart.
    fn shown(mut console: Console, pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        for (n, piece) in pieces.iter().enumerate() {
            console.show(Moment::from_millis(n as u64 * 1000), piece, &mut out);
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn without_a_wish_bytes_stay_as_they_are() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut out = Vec::new();
        console(Stamps::Off, Newline::Keep, false).show(Moment::START, &bytes, &mut out);
        assert_eq!(out, bytes);
    }

    #[test]
    fn a_line_has_one_stamp_however_it_is_cut() {
        let stamped = |stamps, pieces: &[&[u8]]| shown(console(stamps, Newline::Keep, false), pieces);
        assert_eq!(
            stamped(Stamps::Clock, &[b"\r\nO", b"K\r", b"\n", b"RING\r\n"]),
            "\r\n[00:00:00.000] OK\r\n[00:00:03.000] RING\r\n"
        );
        assert_eq!(stamped(Stamps::Delta, &[b"a\r\n", b"b\r\n", b"c"]), "[+0.000] a\r\n[+1.000] b\r\n[+1.000] c");
    }

    #[test]
    fn bare_line_ends_can_begin_a_line() {
        let mapped = |newline, pieces: &[&[u8]]| shown(console(Stamps::Off, newline, false), pieces);
        assert_eq!(mapped(Newline::Lf, &[b"a\nb\r", b"\nc"]), "a\r\nb\r\nc");
        assert_eq!(mapped(Newline::Cr, &[b"a\rb\r", b"\nc"]), "a\r\nb\r\nc");
    }

    #[test]
    fn hex_stands_in_rows_with_the_text_beside_it() {
        let hex = shown(console(Stamps::Off, Newline::Keep, true), &[b"AT\r\n", b"\x00\xff"]);
        assert_eq!(hex, format!("41 54 0d 0a {}AT..\r\n00 ff ", " ".repeat(37)));
        assert_eq!(hex_rows(b"OK\r"), [format!("4f 4b 0d {}OK.", " ".repeat(40))]);
    }

    #[test]
    fn the_title_is_kept_once_before_the_device_changes_it_however_it_is_cut() {
        let titled = |pieces: &[&[u8]]| {
            let mut console = console(Stamps::Off, Newline::Keep, false);
            console.keeps_title = true;
            shown(console, pieces)
        };
        assert_eq!(titled(&[b"a\x1b]0;x\x07", b"\x1b]0;y\x07"]), "\x1b[22;0ta\x1b]0;x\x07\x1b]0;y\x07");
        assert_eq!(titled(&[b"a\x1b", b"]0;x\x07"]), "a\x1b\x1b[22;0t\x1b]0;x\x07");
        assert_eq!(titled(&[b"a\x1b[", b"]0"]), "a\x1b[]0");
    }

    #[test]
    fn a_line_that_has_not_ended_is_shown_again_below_a_message() {
        let mut console = console(Stamps::Off, Newline::Keep, false);
        let mut out = Vec::new();
        console.show(Moment::START, b"boot\r\n$ ", &mut out);
        assert!(console.is_row_begun);
        out.clear();
        console.break_row(&mut out);
        console.resume(&mut out);
        assert_eq!(out, b"\r\n$ ");
    }
}
