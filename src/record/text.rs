//! The text of a recording: written, and read again.

use std::time::Duration;

use super::{ABOUT_PORT, Entry, EntryKind, Mask, Piece, Recording};
use crate::port::PortId;
use crate::time::Moment;
use crate::value::escape::quotable_length;

const FIRST_LINE: &str = "flowrun recording 2";

/// The first line of the format before: the same but for entries of other ports than the first, and `about` lines.
const FIRST_LINE_BEFORE: &str = "flowrun recording 1";

/// A secret of a recording has no more bytes than this.
const LONGEST_SECRET: usize = 1 << 20;

/// All pieces of an entry that is read stand for no more bytes than this together: what a flow sends at once and a secret beside it.
pub(super) const LONGEST_ENTRY: usize = 4 << 20;

/// Puts what stands before the entries behind other text; only variables, and what makes the run traceable, with a value that is
/// clear.
pub(super) fn put_header(recording: &Recording, is_clear: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
    let Recording { title, seed, begun, about, variables, entries: _ } = recording;
    out.extend_from_slice(format!("{FIRST_LINE}\ntitle ").as_bytes());
    put_pieces(&[Piece::Bytes(title.as_bytes().to_vec())], out);
    out.extend_from_slice(format!("\nseed {seed}\nbegun {begun}\n").as_bytes());
    for (name, value) in about.iter().filter(|(name, value)| !is_free(name) || is_clear(value)) {
        out.extend_from_slice(format!("about {name} ").as_bytes());
        put_pieces(&[Piece::Bytes(value.as_bytes().to_vec())], out);
        out.push(b'\n');
    }
    for (name, value) in variables.iter().filter(|(_, value)| is_clear(value)) {
        out.extend_from_slice(format!("variable {name} ").as_bytes());
        put_pieces(&[Piece::Bytes(value.as_bytes().to_vec())], out);
        out.push(b'\n');
    }
}

/// Says whether a value with this name may have anything in it. The name of a port is needed, and a digest that happens to hold a
/// short secret tells nothing of it.
fn is_free(name: &str) -> bool {
    !matches!(name, ABOUT_PORT | "sha256" | "date" | "flowrun")
}

/// Puts an entry behind other text.
pub(super) fn put_entry(Entry { at, port, kind }: &Entry, out: &mut Vec<u8>) {
    put_seconds(at.since_start(), out);
    if *port != PortId::FIRST {
        out.extend_from_slice(format!(" #{}", port.index()).as_bytes());
    }
    match kind {
        EntryKind::Opened { line } => put_words(" open ", line, out),
        EntryKind::Sent { bytes, took } => {
            out.extend_from_slice(b" > +");
            put_seconds(*took, out);
            out.push(b' ');
            put_pieces(bytes, out);
        }
        EntryKind::Received { bytes } => {
            out.extend_from_slice(b" < ");
            put_pieces(bytes, out);
        }
        EntryKind::Note { text } => put_words(" note ", text, out),
        EntryKind::Closed => out.extend_from_slice(b" closed"),
    }
    out.push(b'\n');
}

fn put_words(before: &str, words: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(words.as_bytes());
}

fn put_seconds(span: Duration, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{}.{:09}", span.as_secs(), span.subsec_nanos()).as_bytes());
}

fn put_pieces(pieces: &[Piece], out: &mut Vec<u8>) {
    out.push(b'"');
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => put_escaped(bytes, out),
            Piece::Secret(Mask { name, form, len }) => {
                out.extend_from_slice(format!("«{name}/{form}#{len}»").as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// Puts bytes behind other text in the format of recordings: printable ASCII as it is but for `\"` and `\\`, `\r \n \t`, everything
/// else as `\xNN`. Unlike visible text it is read again, by [`read_pieces`], byte for byte. What stands for itself is copied as a
/// whole.
fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |number: u8| b"0123456789abcdef"[usize::from(number)];
    let mut rest = bytes;
    loop {
        let (plain, others) = rest.split_at(quotable_length(rest));
        out.extend_from_slice(plain);
        let Some((first, behind)) = others.split_first() else { return };
        match *first {
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]),
        }
        rest = behind;
    }
}

pub(super) fn read(text: &str) -> Result<Recording, String> {
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, FIRST_LINE | FIRST_LINE_BEFORE)) => {}
        Some((_, line)) if line.starts_with("flowrun recording ") => {
            return Err("it was made by a newer flowrun".to_string());
        }
        Some(_) | None => return Err(format!("it does not begin with `{FIRST_LINE}`")),
    }
    let mut recording = Recording::default();
    for (i, line) in lines.filter(|(_, line)| !line.is_empty()) {
        read_line(line, &mut recording).ok_or_else(|| unreadable(text, i + 1))?;
        if recording.entries.last().is_some_and(|last| n_bytes(last) > LONGEST_ENTRY) {
            return Err(format!("line {} stands for more than {} MiB", i + 1, LONGEST_ENTRY >> 20));
        }
    }
    Ok(recording)
}

/// Says that a line cannot be read, and what to do if it is a last one whose end was not written.
fn unreadable(text: &str, number: usize) -> String {
    if text.ends_with('\n') || number < text.lines().count() {
        return format!("line {number} cannot be read");
    }
    format!(
        "line {number}, the last, has no end: the program was killed or the disk was full; delete this line to play what is \
         before it"
    )
}

/// Returns how many bytes went over the line.
fn n_bytes(entry: &Entry) -> usize {
    match &entry.kind {
        EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } => bytes.iter().map(Piece::len).sum(),
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => 0,
    }
}

/// Reads a line behind the first into a recording; `None` if it cannot be read.
pub(super) fn read_line(line: &str, recording: &mut Recording) -> Option<()> {
    let (word, rest) = line.split_once(' ')?;
    match word {
        "title" => recording.title = plain(rest)?,
        "seed" => recording.seed = rest.parse().ok()?,
        "begun" => recording.begun = rest.parse().ok()?,
        "about" => {
            let (name, value) = rest.split_once(' ')?;
            recording.about.push((name.to_string(), plain(value)?));
        }
        "variable" => {
            let (name, value) = rest.split_once(' ')?;
            recording.variables.push((name.to_string(), plain(value)?));
        }
        at => {
            let at = Moment::after(read_seconds(at)?);
            // A line that goes back in time is no recording.
            if recording.entries.last().is_some_and(|last| last.at > at) {
                return None;
            }
            let (port, rest) = read_port(rest)?;
            recording.entries.push(Entry { at, port, kind: read_kind(rest)? });
        }
    }
    Some(())
}

/// Reads the port that an entry names, `#1` for instance; without one it is the first.
fn read_port(text: &str) -> Option<(PortId, &str)> {
    let Some(named) = text.strip_prefix('#') else { return Some((PortId::FIRST, text)) };
    let (number, rest) = named.split_once(' ')?;
    let port = PortId::new(number.parse().ok()?).filter(|port| *port != PortId::FIRST)?;
    Some((port, rest))
}

fn read_kind(text: &str) -> Option<EntryKind> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "open" => Some(EntryKind::Opened { line: rest.to_string() }),
        ">" => {
            let (took, bytes) = rest.strip_prefix('+')?.split_once(' ')?;
            Some(EntryKind::Sent { bytes: read_pieces(bytes)?, took: read_seconds(took)? })
        }
        "<" => Some(EntryKind::Received { bytes: read_pieces(rest)? }),
        "note" => Some(EntryKind::Note { text: rest.to_string() }),
        "closed" if rest.is_empty() => Some(EntryKind::Closed),
        _ => None,
    }
}

fn read_seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.')?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || part.len() != 9 {
        return None;
    }
    Some(Duration::new(whole.parse().ok()?, part.parse().ok()?))
}

fn plain(text: &str) -> Option<String> {
    match &read_pieces(text)?[..] {
        [] => Some(String::new()),
        [Piece::Bytes(bytes)] => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

fn read_pieces(text: &str) -> Option<Vec<Piece>> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut pieces = Vec::new();
    // No text stands for more bytes than it has.
    let mut bytes = Vec::with_capacity(rest.len());
    loop {
        let n_plain = quotable_length(rest.as_bytes());
        bytes.extend_from_slice(&rest.as_bytes()[..n_plain]);
        rest = &rest[n_plain..];
        let Some(first) = rest.chars().next() else { break };
        rest = &rest[first.len_utf8()..];
        match first {
            '"' => return None,
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = &rest[escaped.len_utf8()..];
                match escaped {
                    'r' => bytes.push(b'\r'),
                    'n' => bytes.push(b'\n'),
                    't' => bytes.push(b'\t'),
                    '"' | '\\' => bytes.push(escaped as u8),
                    'x' => {
                        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
                        bytes.push(u8::from_str_radix(digits, 16).ok()?);
                        rest = &rest[2..];
                    }
                    _ => return None,
                }
            }
            '«' => {
                let (mask, behind) = rest.split_once('»')?;
                let (name, form) = mask.split_once('/')?;
                let (form, len) = form.split_once('#')?;
                let len = len.parse().ok().filter(|len| *len <= LONGEST_SECRET)?;
                if !bytes.is_empty() {
                    pieces.push(Piece::Bytes(bytes.clone()));
                    bytes.clear();
                }
                pieces.push(Piece::Secret(Mask { name: name.to_string(), form: form.to_string(), len }));
                rest = behind;
            }
            _ => return None,
        }
    }
    if !bytes.is_empty() {
        bytes.shrink_to_fit();
        pieces.push(Piece::Bytes(bytes));
    }
    // A recording has millions of entries, and most have one piece.
    pieces.shrink_to_fit();
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let entry = |ms, kind| Entry { at: Moment::from_millis(ms), port: PortId::FIRST, kind };
        let all: Vec<u8> = (0..=255).collect();
        let mut recording = Recording { title: "a \"b\"".to_string(), seed: 7, begun: -1, ..Recording::default() };
        recording.about = vec![("host".to_string(), "bench 3".to_string())];
        recording.variables = vec![("apn".to_string(), "cm\\net".to_string())];
        let secret = Mask { name: "key".to_string(), form: "plain".to_string(), len: 4 };
        recording.entries = vec![
            entry(0, EntryKind::Opened { line: "115200 8N1".to_string() }),
            entry(
                1,
                EntryKind::Sent {
                    bytes: vec![Piece::Bytes(all), Piece::Secret(secret)],
                    took: Duration::from_micros(3),
                },
            ),
            entry(5, EntryKind::Received { bytes: vec![] }),
            entry(5, EntryKind::Note { text: "dtr=on rts=keep".to_string() }),
            entry(9, EntryKind::Closed),
        ];
        recording.entries.push(Entry {
            port: PortId::new(1).expect("it is a small number"),
            ..entry(9, EntryKind::Note { text: "hook power off".to_string() })
        });
        let text = recording.render();
        assert!(text.ends_with("0.009000000 closed\n0.009000000 #1 note hook power off\n"), "{text}");
        assert_eq!(read(&text), Ok(recording));
    }

    #[test]
    fn the_format_before_is_read_and_a_newer_one_is_refused() {
        let rest = "title \"a\"\nseed 7\nbegun -1\n0.000000000 open 115200 8N1\n0.001000000 < \"x\"\n";
        let read = |number| read(&format!("flowrun recording {number}\n{rest}"));
        let before = read(1).expect("it is the format before");
        assert_eq!(read(2), Ok(before.clone()));
        assert!(before.entries.iter().all(|entry| entry.port == PortId::FIRST));
        assert_eq!(read(3), Err("it was made by a newer flowrun".to_string()));
    }

    #[test]
    fn a_last_line_that_is_cut_is_named_and_another_one_is_not_called_so() {
        let entry = "0.001000000 < \"abc\"\n";
        let error = |text: &str| read(text).expect_err("a line is cut");
        for n in 1..entry.len() - 1 {
            let cut = &entry[..n];
            let last = error(&format!("{FIRST_LINE}\n{entry}{cut}"));
            assert!(
                last.starts_with("line 3, the last, has no end: ") && last.contains("delete this line"),
                "{cut}: {last}"
            );
            assert_eq!(error(&format!("{FIRST_LINE}\n{entry}{cut}\n")), "line 3 cannot be read", "{cut}");
            assert_eq!(error(&format!("{FIRST_LINE}\n{cut}\n0.00")), "line 2 cannot be read", "{cut}");
        }
        assert!(read(&format!("{FIRST_LINE}\n{entry}")).is_ok(), "what remains is a recording");
    }

    #[test]
    fn a_recording_does_not_go_back_in_time() {
        let read = |second: &str| read(&format!("{FIRST_LINE}\n0.002000000 < \"x\"\n{second} < \"y\"\n"));
        assert!(read("0.002000000").is_ok(), "two entries may have one time");
        let error = read("0.001999999").expect_err("the second is earlier than the first");
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_secret_is_not_longer_than_a_recording_may_say() {
        let read = |len: usize| read(&format!("{FIRST_LINE}\n0.001000000 < \"«key/plain#{len}»\"\n"));
        let (longest, too_long) = (read(LONGEST_SECRET), read(LONGEST_SECRET + 1));
        assert!(longest.is_ok() && too_long.is_err(), "{longest:?} {too_long:?}");
    }

    #[test]
    fn an_entry_names_its_port_in_one_way_only() {
        for port in ["#0 ", "#65536 ", "# ", "#1", "#x "] {
            let text = format!("{FIRST_LINE}\n0.000000000 {port}closed\n");
            assert_eq!(read(&text), Err("line 2 cannot be read".to_string()), "{port}");
        }
    }
}
