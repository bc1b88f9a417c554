//! `whole_lines`: a recording of keys as a recording of lines, as if each line had been sent at once.
//!
//! Backspace, Ctrl-U and Ctrl-W are carried out where the echo shows that the device did so; else all keys are sent. What the device
//! sent back for each key follows the line as one echo, if there was one. Where a line was made by the device, by TAB or an arrow key, it is the one that the device showed. What ends with
//! no line end is sent as it is: a payload, Ctrl-C, a key that a menu waits for.

use std::time::Duration;

use super::screen::shown_line;
use super::secrets::is_asked_for;
use crate::record::{Entry, EntryKind, Mask, Piece, Recording};
use crate::time::Moment;

const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const ESCAPE: u8 = 0x1b;
/// The echo of a line has begun to come after so much.
const ECHOED: usize = 4 << 10;
/// Lines that are looked at for the echo of one.
const N_LINES: usize = 6;

/// Returns a recording of one port in which each write is a line, or what is no line.
pub(super) fn whole_lines(recording: &Recording) -> Recording {
    let happened: Vec<&Entry> = recording.happened().collect();
    let mut typist = Typist { happened: &happened, ..Typist::default() };
    for (n, entry) in happened.iter().copied().enumerate() {
        typist.next = n + 1;
        match &entry.kind {
            EntryKind::Sent { bytes, took } => typist.sends(entry, bytes, *took),
            EntryKind::Received { bytes } => typist.receives(entry, bytes),
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => typist.entries.push(entry.clone()),
        }
    }
    typist.end_raw();
    Recording { entries: typist.entries, ..recording.clone() }
}

/// What is typed and can be taken back at once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    /// A character, or a byte of one.
    Byte(u8),
    Secret(Mask),
}

/// What was typed since the last line.
#[derive(Debug, Default)]
struct Typist<'a> {
    /// All that happened, and which of it comes next.
    happened: &'a [&'a Entry],
    next: usize,
    entries: Vec<Entry>,
    units: Vec<Unit>,
    /// The same, and what takes back: as it was typed.
    typed: Vec<Unit>,
    /// All that was typed, taken back or not, without secrets.
    keys: Vec<u8>,
    /// Where it began, and the last of it: the entry without its bytes.
    began: Option<Entry>,
    last: Option<(Moment, Duration)>,
    n_writes: usize,
    /// What came meanwhile and is an echo.
    echo: Vec<Entry>,
    /// Whether the device makes the line.
    is_made_by_device: bool,
    /// What stands in the line of the device before what is typed.
    shown: Vec<u8>,
    /// The last line ended with CR, and nothing has happened since.
    is_behind_cr: bool,
}

impl Typist<'_> {
    fn sends(&mut self, entry: &Entry, pieces: &[Piece], took: Duration) {
        let is_at_once = is_binary(pieces);
        if is_at_once {
            self.end_raw();
        }
        if self.units.is_empty() && self.keys.is_empty() && self.began.is_none() {
            self.began = Some(entry.clone());
        }
        self.n_writes += 1;
        self.last = Some((entry.at, took));
        for piece in pieces {
            match piece {
                Piece::Secret(mask) => self.puts(Unit::Secret(mask.clone())),
                Piece::Bytes(bytes) if is_at_once => {
                    self.keys.extend(bytes);
                    bytes.iter().for_each(|byte| self.puts(Unit::Byte(*byte)));
                }
                Piece::Bytes(bytes) => self.types(entry, bytes),
            }
        }
        if is_at_once {
            self.end_raw();
        }
    }

    fn types(&mut self, entry: &Entry, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            if byte == b'\n' && std::mem::take(&mut self.is_behind_cr) {
                self.goes_on_with_lf();
                continue;
            }
            self.is_behind_cr = false;
            if self.began.is_none() {
                self.began = Some(entry.clone());
            }
            match byte {
                b'\r' | b'\n' => {
                    self.end_line(byte);
                    self.is_behind_cr = byte == b'\r';
                }
                0x08 | 0x7f | CTRL_U | CTRL_W => self.corrects(byte),
                b'\t' if bytes.len() == 1 => self.is_made_by_device = true,
                ESCAPE => match length_of_key(&bytes[at - 1..]) {
                    Some(n) => {
                        at += n - 1;
                        self.is_made_by_device = true;
                    }
                    None => self.control(byte),
                },
                0x00..=0x1f if byte != b'\t' => self.control(byte),
                _ => {
                    self.keys.push(byte);
                    self.puts(Unit::Byte(byte));
                }
            }
        }
    }

    /// Puts a character behind what is typed.
    fn puts(&mut self, unit: Unit) {
        self.typed.push(unit.clone());
        self.units.push(unit);
    }

    /// Does what a key does that takes back.
    fn corrects(&mut self, key: u8) {
        self.typed.push(Unit::Byte(key));
        match key {
            CTRL_U => self.units.clear(),
            CTRL_W => self.take_back_word(),
            _ => {
                self.take_back();
            }
        }
    }

    /// Sends what was typed as it is, if it was corrected and the device did not show that it did the same.
    fn settle(&mut self) -> bool {
        let is_kept = !self.is_made_by_device && self.typed != self.units && !self.is_obeyed();
        if is_kept {
            self.units = std::mem::take(&mut self.typed);
        }
        is_kept
    }

    /// Whether the device shows the line as it was corrected.
    fn is_obeyed(&self) -> bool {
        let begin = shown_line(&self.shown);
        let echo = self.echoed();
        let mut came = echo.clone();
        for entry in self.happened.iter().skip(self.next) {
            match &entry.kind {
                EntryKind::Received { bytes } => came.extend(starred(bytes)),
                EntryKind::Sent { .. } | EntryKind::Note { .. } => {}
                EntryKind::Opened { .. } | EntryKind::Closed => break,
            }
            if came.len() > ECHOED {
                break;
            }
        }
        let has_echo = echo.iter().any(u8::is_ascii_graphic);
        // A console that asks for a password shows nothing of it, and obeys.
        let next_line = came.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if !has_echo && !next_line.iter().any(u8::is_ascii_graphic) && is_asked_for(&self.shown) {
            return true;
        }
        let (corrected, typed) = (starred(&pieces_of(&self.units)), starred(&pieces_of(&self.typed)));
        let corrected = corrected.trim_ascii_end();
        let lines = came.split(|byte| *byte == b'\n').take(if has_echo { 1 } else { N_LINES });
        for line in lines {
            // What came back as it was typed was not obeyed.
            if line.windows(typed.len()).any(|part| part == typed) {
                return false;
            }
            let line = line.trim_ascii_end();
            let after = shown_line(&[&self.shown, line].concat());
            let after = after.strip_prefix(begin.as_slice()).unwrap_or(&after).trim_ascii_end();
            let is_covered = !after.is_empty() && after.iter().all(|byte| *byte == b'*');
            if (has_echo || !corrected.is_empty()) && after == corrected
                || is_covered && after.len() == self.units.len()
            {
                return true;
            }
            let prompt = shown_line(line);
            let prompt = prompt.trim_ascii_end().strip_suffix(corrected).unwrap_or_default();
            if !corrected.is_empty() && prompt.ends_with(b" ") {
                return true;
            }
        }
        false
    }

    /// Returns the bytes of the echo so far.
    fn echoed(&self) -> Vec<u8> {
        let of = |entry: &Entry| match &entry.kind {
            EntryKind::Received { bytes } => starred(bytes),
            EntryKind::Opened { .. } | EntryKind::Sent { .. } | EntryKind::Note { .. } | EntryKind::Closed => {
                Vec::new()
            }
        };
        self.echo.iter().flat_map(of).collect()
    }

    /// Takes LF as the second half of a line end.
    fn goes_on_with_lf(&mut self) {
        let sent = self.entries.iter_mut().rev().find_map(|entry| match &mut entry.kind {
            EntryKind::Sent { bytes, .. } => Some(bytes),
            EntryKind::Opened { .. } | EntryKind::Received { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
        });
        if let Some(Piece::Bytes(bytes)) = sent.and_then(|pieces| pieces.last_mut()) {
            bytes.push(b'\n');
        }
        self.began = None;
        self.last = None;
        self.n_writes = 0;
    }

    /// Takes the last character back.
    fn take_back(&mut self) -> Option<Unit> {
        let mut taken = self.units.pop();
        while let Some(Unit::Byte(0x80..=0xbf)) = taken {
            taken = self.units.pop();
        }
        taken
    }

    fn take_back_word(&mut self) {
        while self.units.last() == Some(&Unit::Byte(b' ')) {
            self.units.pop();
        }
        while self.units.last().is_some_and(|unit| *unit != Unit::Byte(b' ')) {
            self.units.pop();
        }
    }

    /// Ends what is typed with a key that is no letter.
    fn control(&mut self, byte: u8) {
        self.puts(Unit::Byte(byte));
        self.end_raw();
    }

    fn receives(&mut self, entry: &Entry, pieces: &[Piece]) {
        self.is_behind_cr = false;
        if self.began.is_some() && !self.is_echo(pieces) && !(self.n_writes > 1 && self.keys.len() > 1) {
            self.end_raw();
        }
        if self.began.is_some() && self.is_echo(pieces) {
            self.echo.push(entry.clone());
            return;
        }
        if self.began.is_none() {
            self.shown.extend(starred(pieces));
            // A device may end its lines with CR alone.
            let begin = self.shown.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
            self.shown.drain(..begin);
        }
        self.entries.push(entry.clone());
    }

    /// Whether this is sent back for what was typed.
    fn is_echo(&self, pieces: &[Piece]) -> bool {
        if self.is_made_by_device {
            return true;
        }
        let mut text = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => text.extend(bytes),
                Piece::Secret(_) => return self.units.iter().any(|unit| matches!(unit, Unit::Secret(_))),
            }
        }
        if text.contains(&b'\n') {
            return false;
        }
        let seen = without_escapes(&text);
        let is_covered = !seen.is_empty() && seen.iter().all(|byte| *byte == b'*');
        let is_blank = seen.iter().all(|byte| *byte == b' ');
        is_covered || is_blank || self.keys.windows(seen.len()).any(|keys| keys == seen)
    }

    /// Ends a line.
    fn end_line(&mut self, end: u8) {
        let seen = self.seen();
        if self.is_made_by_device {
            self.units = seen.iter().map(|byte| Unit::Byte(*byte)).collect();
        }
        let mut line = pieces_of(&self.units);
        let is_kept = self.settle();
        if is_kept {
            line = vec![Piece::Bytes(self.echoed())];
        }
        self.units.push(Unit::Byte(end));
        let is_seen = self.echo.iter().any(|entry| shows_letters(&entry.kind));
        // The echo of the last keys may come behind the line end.
        if let [Piece::Bytes(bytes)] = &mut line[..]
            && !is_kept
            && !seen.is_empty()
            && bytes.starts_with(&seen)
        {
            bytes.truncate(seen.len());
        }
        let moment = self.last;
        self.put();
        if let Some((at, took)) = moment
            && is_seen
            && !line.is_empty()
        {
            let port = self.entries.last().map_or(crate::port::PortId::FIRST, |entry| entry.port);
            self.entries.push(Entry { at: at + took, port, kind: EntryKind::Received { bytes: line } });
        }
        self.forget();
    }

    /// Returns what the device shows of the line so far.
    fn seen(&self) -> Vec<u8> {
        let mut shown = self.shown.clone();
        shown.extend(self.echoed());
        let (before, after) = (shown_line(&self.shown), shown_line(&shown));
        after.strip_prefix(before.as_slice()).unwrap_or(&after).to_vec()
    }

    /// Ends what has no line end.
    fn end_raw(&mut self) {
        self.settle();
        if !self.units.is_empty() {
            self.put();
            let last = self.entries.last().map_or(Moment::START, |entry| entry.at);
            let mut echo = std::mem::take(&mut self.echo);
            for entry in &mut echo {
                entry.at = entry.at.max(last);
            }
            self.entries.append(&mut echo);
        }
        self.forget();
    }

    /// Puts what was typed: when its last key was typed, or all of it was.
    fn put(&mut self) {
        let Some(began) = &self.began else { return };
        let (at, took) = self.last.unwrap_or((began.at, Duration::ZERO));
        let at = self.entries.last().map_or(at, |entry| entry.at.max(at));
        self.entries.push(Entry {
            at,
            port: began.port,
            kind: EntryKind::Sent { bytes: pieces_of(&self.units), took },
        });
    }

    fn forget(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        *self = Typist { entries, happened: self.happened, next: self.next, ..Typist::default() };
    }
}

/// Whether bytes that were written at once are meant as they are.
fn is_binary(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Bytes(bytes) if bytes.len() > 1 => {
            let is_text = std::str::from_utf8(bytes).is_ok();
            let is_odd =
                |byte: &u8| matches!(byte, 0..=7 | 0x0b | 0x0c | 0x0e..=0x14 | 0x16 | 0x18..=0x19 | 0x1c..=0x1f);
            // The first bytes of a character that was typed come alone, or all at once.
            !is_text && bytes.len() > 4 || bytes.iter().any(is_odd)
        }
        Piece::Bytes(_) | Piece::Secret(_) => false,
    })
}

/// Returns how many bytes a key has that begins with ESC, an arrow for instance.
fn length_of_key(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'[' => bytes[2..].iter().position(|byte| matches!(byte, 0x40..=0x7e)).map(|at| at + 3),
        b'O' if bytes.len() > 2 => Some(3),
        _ => None,
    }
}

/// Returns a text without what moves a cursor.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let (mut seen, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match text[at] {
            ESCAPE => {
                at += length_of_key(&text[at..]).unwrap_or(1);
                continue;
            }
            0..=0x1f | 0x7f => {}
            byte => seen.push(byte),
        }
        at += 1;
    }
    seen
}

/// Whether an echo has letters in it: stars for a password are none.
fn shows_letters(kind: &EntryKind) -> bool {
    match kind {
        EntryKind::Received { bytes } => bytes.iter().any(|piece| match piece {
            Piece::Bytes(bytes) => without_escapes(bytes).iter().any(|byte| !matches!(byte, b'*' | b' ')),
            Piece::Secret(_) => true,
        }),
        EntryKind::Opened { .. } | EntryKind::Sent { .. } | EntryKind::Note { .. } | EntryKind::Closed => false,
    }
}

/// Returns bytes with a star for each secret.
fn starred(pieces: &[Piece]) -> Vec<u8> {
    let of = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => bytes.clone(),
        Piece::Secret(_) => b"*".to_vec(),
    };
    pieces.iter().flat_map(of).collect()
}

fn pieces_of(units: &[Unit]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for unit in units {
        match (unit, pieces.last_mut()) {
            (Unit::Byte(byte), Some(Piece::Bytes(bytes))) => bytes.push(*byte),
            (Unit::Byte(byte), Some(Piece::Secret(_)) | None) => pieces.push(Piece::Bytes(vec![*byte])),
            (Unit::Secret(mask), _) => pieces.push(Piece::Secret(mask.clone())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the recording of what is typed (`>`) and comes (`<`), one after the other.
    fn lines(happened: &str) -> String {
        let mut text = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n".to_string();
        for (i, line) in happened.lines().enumerate() {
            let (sign, bytes) = line.trim().split_once(' ').expect("a sign and a text");
            let took = if sign == ">" { " +0.000000000" } else { "" };
            text += &format!("{i}.000000000 {sign}{took} {bytes}\n");
        }
        let recording = Recording::read(&text).expect("it is right");
        let text = whole_lines(&recording).render();
        text.lines().skip(4).map(|line| line.replace(" +0.000000000", "") + "\n").collect()
    }

    #[test]
    fn keys_become_a_line_and_their_echo_one_echo() {
        let typed = "> \"A\"\n< \"A\"\n> \"T\"\n< \"T\"\n> \"\\r\"\n< \"\\r\\r\\nOK\\r\\n\"";
        assert_eq!(
            lines(typed),
            "4.000000000 > \"AT\\r\"\n4.000000000 < \"AT\"\n5.000000000 < \"\\r\\r\\nOK\\r\\n\"\n"
        );
    }

    #[test]
    fn an_echo_may_come_behind_the_line_end() {
        let typed = "> \"A\"\n< \"A\"\n> \"T\"\n> \"\\r\"\n< \"T\\r\\n\"";
        assert_eq!(lines(typed), "3.000000000 > \"AT\\r\"\n3.000000000 < \"A\"\n4.000000000 < \"T\\r\\n\"\n");
    }

    #[test]
    fn an_echo_may_come_behind_the_line_end_of_a_device_without_lf() {
        let typed = "< \"ATI\\rELM327 v1.5\\r\\r>\"\n> \"A\"\n< \"A\"\n> \"T\"\n> \"\\r\"\n< \"T\\rOK\\r\\r>\"";
        assert!(
            lines(typed).contains("4.000000000 > \"AT\\r\"\n4.000000000 < \"A\"\n5.000000000 < \"T\\r"),
            "{}",
            lines(typed)
        );
    }

    #[test]
    fn what_was_taken_back_is_not_sent() {
        let typed = "> \"ATX\"\n< \"ATX\"\n> \"\\x08\"\n< \"\\x08 \\x08\"\n> \"+\"\n< \"+\"\n> \"\\r\"";
        assert_eq!(lines(typed), "6.000000000 > \"AT+\\r\"\n6.000000000 < \"AT+\"\n");
        for (typed, line) in [
            ("> \"abc\"\n> \"\\x15\"\n> \"AT\\r\"\n< \"AT\\r\\r\\nOK\\r\\n\"", "2.000000000 > \"AT\\r\""),
            ("< \"$ \"\n> \"one two\"\n> \"\\x17\"\n> \"x\\n\"\n< \"one x\\r\\n\"", "3.000000000 > \"one x\\n\""),
            ("> \"one two\"\n> \"\\x17\"\n> \"x\\n\"\n< \"$ one x\\r\\n\"", "2.000000000 > \"one x\\n\""),
            ("> \"\\xc3\\xa9\"\n> \"\\x7f\"\n> \"e\\n\"\n< \"e\\r\\n\"", "2.000000000 > \"e\\n\""),
            ("> \"ATX\\x7fI\\r\"\n< \"ATX\\x08 \\x08I\\r\\r\\nv1\\r\\n\"", "0.000000000 > \"ATI\\r\""),
            ("> \"ab\"\n< \"**\"\n> \"\\x7f\"\n< \"\\x08 \\x08\"\n> \"\\n\"", "4.000000000 > \"a\\n\""),
            ("< \"Password: \"\n> \"ab\\x7fc\\n\"\n< \"\\r\\n$ \"", "1.000000000 > \"abc\\n\""),
        ] {
            let line = line.replace("abc", "ac");
            assert!(lines(typed).lines().any(|made| made == line), "{}", lines(typed));
        }
    }

    #[test]
    fn what_the_device_did_not_take_back_is_sent_as_it_was_typed() {
        let keys = "> \"ATT\"\n< \"ATT\"\n> \"\\x7f\"\n< \"\\x7f\"\n> \"\\r\"\n< \"\\r\\r\\nERROR\\r\\n\"";
        assert_eq!(
            lines(keys),
            "4.000000000 > \"ATT\\x7f\\r\"\n4.000000000 < \"ATT\\x7f\"\n5.000000000 < \"\\r\\r\\nERROR\\r\\n\"\n"
        );
        for (typed, line) in [
            ("> \"ATX\\x08I\\r\"\n< \"ATX\\x08I\\r\\r\\nERROR\\r\\n\"", "0.000000000 > \"ATX\\x08I\\r\""),
            ("> \"ATX\"\n> \"\\x7f\"\n> \"\\r\"\n< \"\\r\\nERROR\\r\\n\"", "2.000000000 > \"ATX\\x7f\\r\""),
            ("> \"aa\\x7f\\n\"\n< \"aa\\r\\nno\\r\\n\"", "0.000000000 > \"aa\\x7f\\n\""),
            ("> \"a\\x7f\\n\"", "0.000000000 > \"a\\x7f\\n\""),
        ] {
            assert!(lines(typed).lines().any(|made| made == line), "{}", lines(typed));
        }
    }

    #[test]
    fn a_line_that_the_device_completes_is_the_one_that_it_shows() {
        let typed = "< \"$ \"\n> \"l\"\n< \"l\"\n> \"\\t\"\n< \"s -la\"\n> \"\\r\"\n< \"\\r\\n\"";
        assert_eq!(
            lines(typed),
            "0.000000000 < \"$ \"\n5.000000000 > \"ls -la\\r\"\n5.000000000 < \"ls -la\"\n6.000000000 < \"\\r\\n\"\n"
        );
        let from_history =
            "< \"$ \"\n> \"\\x1b[A\"\n< \"date\"\n> \"\\x1b[A\"\n< \"\\x08\\x08\\x08\\x08\\x1b[Kls\"\n> \"\\r\"";
        assert!(lines(from_history).contains("> \"ls\\r\""), "{}", lines(from_history));
    }

    #[test]
    fn what_comes_while_somebody_types_stands_before_the_line() {
        let typed = "> \"A\"\n> \"T\"\n< \"AT\"\n< \"\\r\\nRING\\r\\n\"\n> \"\\r\"\n< \"\\r\\nOK\\r\\n\"";
        assert_eq!(
            lines(typed),
            "3.000000000 < \"\\r\\nRING\\r\\n\"\n4.000000000 > \"AT\\r\"\n4.000000000 < \"AT\"\n\
             5.000000000 < \"\\r\\nOK\\r\\n\"\n"
        );
    }

    #[test]
    fn what_has_no_line_end_is_sent_as_it_is() {
        assert_eq!(lines("> \"hello\"\n< \"OK\\r\\n\""), "0.000000000 > \"hello\"\n1.000000000 < \"OK\\r\\n\"\n");
        assert_eq!(
            lines("> \"h\"\n> \"i\"\n> \"\\x1a\"\n< \"\\r\\n\""),
            "2.000000000 > \"hi\\x1a\"\n3.000000000 < \"\\r\\n\"\n"
        );
        assert_eq!(
            lines("> \"1\"\n< \"menu 1\\r\\n\"\n> \"2\"\n"),
            "0.000000000 > \"1\"\n1.000000000 < \"menu 1\\r\\n\"\n2.000000000 > \"2\"\n"
        );
        assert_eq!(lines("> \"\\x01\\x03\\x08\\x00\"\n"), "0.000000000 > \"\\x01\\x03\\x08\\x00\"\n");
    }

    #[test]
    fn a_password_that_shows_stars_has_no_echo() {
        let typed = "> \"a\"\n< \"*\"\n> \"b\"\n< \"*\"\n> \"\\r\"\n< \"\\r\\n\"";
        assert_eq!(lines(typed), "4.000000000 > \"ab\\r\"\n5.000000000 < \"\\r\\n\"\n");
    }

    #[test]
    fn a_line_end_may_come_in_two_writes() {
        assert_eq!(
            lines("> \"AT\"\n> \"\\r\"\n> \"\\n\"\n> \"B\\r\\n\""),
            "1.000000000 > \"AT\\r\\n\"\n3.000000000 > \"B\\r\\n\"\n"
        );
    }
}
