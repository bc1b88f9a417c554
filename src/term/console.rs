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
    /// The end of what came, as far as a sequence may go on in it.
    tail: Vec<u8>,
    /// The device has switched to the other screen and not back.
    pub(crate) is_other_screen: bool,
}

/// A sequence that is looked for is no longer.
const LONGEST_SEQUENCE: usize = 8;

/// What switches to the other screen, and back with `l` at the end.
const OTHER_SCREEN: [&[u8]; 3] = [b"\x1b[?1049h", b"\x1b[?1047h", b"\x1b[?47h"];

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
            tail: Vec::new(),
            is_other_screen: false,
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
        if !self.tail.is_empty() || bytes.contains(&0x1b) {
            self.has_sequences = true;
            self.look_for_sequences(bytes, out);
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
        let line = in_one_row(&self.line);
        self.is_row_begun = !line.is_empty();
        out.extend_from_slice(&line);
    }

    /// Takes note of a line that has not ended and is not on the screen.
    pub(crate) fn begin(&mut self, line: Vec<u8>) {
        self.is_row_begun = false;
        self.line = if line.len() <= LONGEST { line } else { Vec::new() };
    }

    /// Takes the line that has not ended.
    pub(crate) fn take_line(&mut self) -> Vec<u8> {
        self.is_row_begun = false;
        in_one_row(&std::mem::take(&mut self.line))
    }

    /// Takes note that the screen is empty.
    pub(crate) fn cleared(&mut self) {
        self.row.clear();
        self.is_row_begun = false;
    }

    /// Looks for what is to be undone; the screen remembers its title before the device changes it.
    fn look_for_sequences(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let ends_begun = self.tail.ends_with(b"\x1b") && bytes.first() == Some(&b']');
        if self.keeps_title && !self.has_kept_title && (ends_begun || bytes.windows(2).any(|two| two == b"\x1b]")) {
            self.has_kept_title = true;
            out.extend_from_slice(KEEP_TITLE);
            if ends_begun {
                // The sequence that had begun begins again.
                out.push(0x1b);
            }
        }
        // What is known of a sequence that goes on is at its beginning, and the rest of a long piece is looked at in place.
        self.tail.extend_from_slice(&bytes[..bytes.len().min(LONGEST_SEQUENCE)]);
        for seen in [&self.tail[..], bytes] {
            for at in (0..seen.len()).filter(|at| seen[*at] == 0x1b) {
                for on in OTHER_SCREEN {
                    let (name, state) = seen[at..].split_at(seen.len().min(at + on.len() - 1) - at);
                    match state.first() {
                        Some(b'h') if name == &on[..on.len() - 1] => self.is_other_screen = true,
                        Some(b'l') if name == &on[..on.len() - 1] => self.is_other_screen = false,
                        _ => {}
                    }
                }
            }
        }
        let tail = if bytes.len() < LONGEST_SEQUENCE { &self.tail[..] } else { bytes };
        let tail = &tail[tail.len().saturating_sub(LONGEST_SEQUENCE)..];
        let begun = tail.iter().rposition(|byte| *byte == 0x1b).unwrap_or(tail.len());
        self.tail = tail[begun..].to_vec();
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

/// Returns what a line shows in the row where it ends: what stands before a sequence that leaves the row is left out, and so
/// is what changes the screen and not the row.
fn in_one_row(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        out.extend_from_slice(&rest[..at]);
        let sequence = &rest[at..at + length_of_sequence(&rest[at..])];
        rest = &rest[at + sequence.len()..];
        let has_ended = sequence.len() > 2 && matches!(sequence.last(), Some(0x40..=0x7e));
        match (sequence.get(1), sequence.last()) {
            (Some(b'['), _) if !has_ended => {}
            // Colours, and what line editors do in a row.
            (Some(b'['), Some(b'm' | b'K' | b'C' | b'D' | b'P' | b'@')) => out.extend_from_slice(sequence),
            // Modes and reports.
            (Some(b'['), Some(b'h' | b'l' | b'n' | b'c' | b't' | b'q' | b'u')) => {}
            (Some(b'[' | b'7' | b'8' | b'M' | b'D' | b'E' | b'c'), _) => out.clear(),
            // Titles, sets of characters.
            _ => {}
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Returns how long the sequence is at the beginning of these bytes; all of them if it does not end.
fn length_of_sequence(bytes: &[u8]) -> usize {
    let end_of = |ends: fn(&u8) -> bool| bytes.iter().skip(2).position(ends).map_or(bytes.len(), |at| at + 3);
    match bytes.get(1) {
        Some(b'[') => end_of(|byte| (0x40..=0x7e).contains(byte)),
        Some(b']' | b'P' | b'_' | b'^' | b'X') => {
            let end = end_of(|byte| matches!(byte, 0x07 | 0x1b));
            // Its end may be ESC and a backslash.
            end + usize::from(bytes[..end].ends_with(b"\x1b") && bytes.get(end) == Some(&b'\\'))
        }
        Some(b'(' | b')' | b'*' | b'+' | b'#' | b' ' | b'%') => bytes.len().min(3),
        Some(_) => 2,
        None => 1,
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
    fn the_other_screen_is_known_however_it_is_cut() {
        let whole = b"a\x1b[?1049hvi\x1b[?1049l$ \x1b[?1049h\x1b[1;1Htext that is longer";
        for (at, other) in (0..=whole.len()).flat_map(|at| (0..=at).map(move |other| (other, at))) {
            let mut console = console(Stamps::Off, Newline::Keep, false);
            let mut states = Vec::new();
            for piece in [&whole[..at], &whole[at..other.max(at)], &whole[other.max(at)..]] {
                console.show(Moment::START, piece, &mut Vec::new());
                states.push(console.is_other_screen);
            }
            assert!(states[2], "{at} {other}");
            if at == 21 {
                assert!(!states[0], "it was left");
            }
        }
        let mut console = console(Stamps::Off, Newline::Keep, false);
        whole[..20].iter().for_each(|byte| console.show(Moment::START, &[*byte], &mut Vec::new()));
        assert!(!console.is_other_screen);
    }

    #[test]
    fn only_what_stands_in_its_row_is_shown_again() {
        let shown = |line: &[u8]| String::from_utf8_lossy(&in_one_row(line)).into_owned();
        assert_eq!(shown(b"\x1b[32mroot\x1b[0m# ls\x1b[K"), "\x1b[32mroot\x1b[0m# ls\x1b[K");
        assert_eq!(shown(b"~\x1b[30;1H:q\r\x1b[?25h\x1b[?1049l\x1b[?2004h$ "), ":q\r$ ");
        assert_eq!(shown(b"text\x1b[2J\x1b[H$ "), "$ ");
        assert_eq!(shown(b"\x1b]0;a title\x07$ \x1b]0;another\x1b\\"), "$ ");
        assert_eq!(shown(b"\x1b(B\x1b=$ \x1b["), "$ ");
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
