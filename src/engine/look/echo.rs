//! The echo of what was sent: which bytes it would be, and where it stands once it has come.

use std::ops::Range;

use super::Silence;
use super::offset::Offset;

/// A terminal steps back with it.
const BACKSPACE: u8 = 8;

/// A line may end with a bare CR and the character at a terminal's edge again only if it is so long: no terminal is narrower.
const NARROWEST: usize = 20;

/// What was sent last, and its echo.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Echo {
    /// What was sent last, as sent; empty if nothing was.
    sent: Vec<u8>,
    /// What may still come back.
    awaited: Awaited,
    /// Where the echo of this exchange stands.
    came_at: Option<Range<Offset>>,
    /// Whether the other end is known to echo: the last echo that was expected came, or the flow says so.
    is_known: bool,
    /// Whether nothing else is asked that may still be answered: then what comes before the echo belongs to something earlier.
    is_sole: bool,
    /// Whether it is too late for more of this echo: what is only its beginning is something else.
    is_late: bool,
}

/// What may still come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    /// Nothing.
    #[default]
    Nothing,
    /// So many bytes of what was sent, as a line.
    Line(usize),
    /// All that was sent, byte for byte.
    Bytes,
}

/// What of a send comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Expected {
    /// Nothing that is known of.
    Nothing,
    /// The line, without its ending: so many bytes. It may come or not.
    Line(usize),
    /// All bytes; anything else is a collision.
    Bytes,
}

/// What some bytes are to the echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// They begin with it: its text is so long, and with the line ending so long.
    Whole { text: usize, next: usize },
    /// They may be its beginning.
    Begun,
    /// They are something else.
    Other,
}

/// What came back is not what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Collision {
    /// What was sent.
    pub sent: Vec<u8>,
    /// At which byte of it something else came.
    pub at: usize,
    /// Where what came back stands.
    pub came: Range<Offset>,
}

impl Echo {
    /// Notes what was sent; no echo is expected of it.
    pub(super) fn note_sent(&mut self, bytes: &[u8]) {
        self.sent.clear();
        self.sent.extend_from_slice(bytes);
    }

    /// Notes what of the bytes that were sent may come back; of a line nothing if it is no single line.
    pub(super) fn expect(&mut self, expected: Expected, is_sole: bool) {
        self.is_sole = is_sole;
        self.awaited = match expected {
            Expected::Line(n) if n > 0 && !self.sent[..n].iter().any(|b| matches!(b, b'\r' | b'\n')) => {
                Awaited::Line(n)
            }
            Expected::Nothing | Expected::Line(_) => Awaited::Nothing,
            Expected::Bytes if self.sent.is_empty() => Awaited::Nothing,
            Expected::Bytes => Awaited::Bytes,
        };
        self.came_at = None;
        self.is_late = false;
    }

    /// Notes more bytes of which all come back, behind those that have not come yet.
    pub(super) fn expect_more(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
    }

    /// Notes that the other end is said to echo.
    pub(super) fn assume(&mut self) {
        self.is_known = true;
    }

    /// Notes that no echo will come any more. If one was sure to come, it did not: whether the other end echoes is not known
    /// any more.
    pub(super) fn give_up(&mut self) {
        if matches!(self.awaited, Awaited::Line(_)) {
            self.is_known = false;
        }
        self.awaited = Awaited::Nothing;
    }

    /// Notes that an echo that was expected did not come: whether the other end echoes is not known any more.
    pub(super) fn miss(&mut self) {
        self.is_known = false;
    }

    /// Notes whether it is too late for more of the echo; returns whether that changes anything.
    pub(super) fn set_late(&mut self, is_late: bool) -> bool {
        std::mem::replace(&mut self.is_late, is_late) != is_late
    }

    /// Notes that nothing more of this exchange is looked at; whether the other end echoes is as well known as before.
    pub(super) fn forget(&mut self) {
        self.awaited = Awaited::Nothing;
    }

    /// Returns where the echo of this exchange stands, once it has come.
    pub(super) fn place(&self) -> Option<&Range<Offset>> {
        self.came_at.as_ref()
    }

    /// Notes where the echo stands.
    pub(super) fn came(&mut self, at: Range<Offset>) {
        self.awaited = Awaited::Nothing;
        self.came_at = Some(at);
        self.is_known = true;
    }

    /// Returns what was sent last, as sent; `None` if nothing was.
    pub(super) fn last_sent(&self) -> Option<&[u8]> {
        Some(self.sent.as_slice()).filter(|sent| !sent.is_empty())
    }

    /// Returns the line that may still come back.
    pub(super) fn awaited(&self) -> Option<&[u8]> {
        match self.awaited {
            Awaited::Line(n) => Some(&self.sent[..n]),
            Awaited::Nothing | Awaited::Bytes => None,
        }
    }

    /// Whether the line is sure to come back before its answer, as far as is known.
    pub(super) fn is_due(&self) -> bool {
        self.is_known && self.is_sole && !self.is_late && matches!(self.awaited, Awaited::Line(_))
    }

    /// Whether every byte is to come back first.
    pub(super) fn wants_bytes(&self) -> bool {
        self.awaited == Awaited::Bytes
    }

    /// Whether a line that ends here is a part of the echo that has come.
    pub(super) fn covers(&self, next: Offset) -> bool {
        self.came_at.as_ref().is_some_and(|echo| echo.start < next && next <= echo.end)
    }

    /// Says what bytes from the beginning of a line on are to the line that may come back, which a terminal may have wrapped.
    pub(super) fn likeness(&self, bytes: &[u8], silence: Silence) -> Likeness {
        let Some(echo) = self.awaited() else { return Likeness::Other };
        let silence = if self.is_late { Silence::Settled } else { silence };
        let n_same = echo.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        if n_same == echo.len() {
            return ended(echo, bytes, n_same, silence);
        }
        if n_same == bytes.len() {
            return begun(silence);
        }
        if n_same == 0 || !is_wrap(&bytes[n_same..]) { Likeness::Other } else { wrapped(echo, bytes, n_same, silence) }
    }

    /// Compares bytes with all that was sent: `Ok` has how many of them are the echo, if it is complete; `Err` at which byte of
    /// what was sent, and of these, something else came.
    ///
    /// A terminal shows LF as CR LF, and a control character as `^` and a letter.
    pub(super) fn compare(&self, bytes: &[u8]) -> Result<Option<usize>, (usize, usize)> {
        let is_text = self.sent.iter().all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n'));
        let (mut at, mut n) = (0, 0);
        while let Some(sent) = self.sent.get(at) {
            let rest = &bytes[n..];
            match rest {
                [] => return Ok(None),
                [first, ..] if first == sent => n += 1,
                [b'\r'] if *sent == b'\n' => return Ok(None),
                [b'\r', b'\n', ..] if *sent == b'\n' => n += 2,
                [b'^'] if sent.is_ascii_control() => return Ok(None),
                [b'^', letter, ..] if sent.is_ascii_control() && *letter == sent ^ 0x40 => n += 2,
                _ if is_text && at > 0 => match skip_wrap(rest, self.sent[at - 1], *sent) {
                    Some(0) => return Ok(None),
                    Some(skipped) => {
                        n += skipped;
                        continue;
                    }
                    None => return Err((at, n)),
                },
                _ => return Err((at, n)),
            }
            at += 1;
        }
        Ok(Some(n))
    }

    /// Returns what was sent, for a comparison that failed.
    pub(super) fn collision(&self, at: usize, came: Range<Offset>) -> Collision {
        Collision { sent: self.sent.clone(), at, came }
    }

    /// Returns where to begin to look for what may stand anywhere between two places: nothing is found in the echo, nor across
    /// it.
    pub(super) fn pass_over(&self, from: Offset, end: Offset) -> Offset {
        match &self.came_at {
            Some(echo) if from < echo.end && end > echo.start => echo.end,
            Some(_) | None => from,
        }
    }
}

/// Says whether a line ends behind the text of the echo, which is the first `text` of some bytes. At the very edge a terminal
/// goes to the next row although nothing follows.
fn ended(echo: &[u8], bytes: &[u8], text: usize, silence: Silence) -> Likeness {
    let last = echo[echo.len() - 1];
    match &bytes[text..] {
        [b'\r', again, rest @ ..] if *again == last && echo.len() >= NARROWEST && !is_plain(rest) => {
            line_ended(bytes, text + 2, silence)
        }
        [BACKSPACE, again, ..] if *again == last => line_ended(bytes, text + 2, silence),
        [BACKSPACE] => begun(silence),
        [b' ', b'\r', ..] => line_ended(bytes, text + 1, silence),
        [b' '] => begun(silence),
        _ => line_ended(bytes, text, silence),
    }
}

/// Whether a character follows that ends no line.
fn is_plain(rest: &[u8]) -> bool {
    !matches!(rest, [] | [b'\r' | b'\n', ..])
}

fn line_ended(bytes: &[u8], text: usize, silence: Silence) -> Likeness {
    match &bytes[text..] {
        [b'\r', b'\n', ..] => Likeness::Whole { text, next: text + 2 },
        [b'\n', ..] | [b'\r', _, ..] => Likeness::Whole { text, next: text + 1 },
        [b'\r'] if silence == Silence::Settled => Likeness::Whole { text, next: text + 1 },
        // Its end may come however late.
        [] | [b'\r'] => Likeness::Begun,
        _ => Likeness::Other,
    }
}

/// A beginning stays one only as long as more may come.
fn begun(silence: Silence) -> Likeness {
    match silence {
        Silence::NotYet => Likeness::Begun,
        Silence::Settled => Likeness::Other,
    }
}

/// Whether bytes begin with what a terminal writes to get to the next row.
fn is_wrap(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\r' | b'\n' | BACKSPACE, ..] | [b' '] | [b' ', b'\r' | b'\n' | BACKSPACE, ..])
}

/// Returns how much of `rest`, which is not empty, a terminal wrote to get to the next row between two characters; 0 if more
/// must come to tell, `None` if it is nothing of the kind.
fn skip_wrap(rest: &[u8], before: u8, behind: u8) -> Option<usize> {
    if !is_wrap(rest) {
        return None;
    }
    let blank = usize::from(rest[0] == b' ');
    let at = blank + rest[blank..].iter().take_while(|b| matches!(**b, b'\r' | b'\n' | BACKSPACE)).count();
    match rest.get(at) {
        None => Some(0),
        Some(next) if *next == behind => Some(at),
        Some(next) if *next == before => Some(at + 1),
        Some(_) => None,
    }
}

/// How far a wrapped echo is: so many of its characters have come, and then perhaps something of a wrap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// A character.
    Text(usize),
    /// A blank that is none of the echo: a wrap must follow.
    Blank(usize),
    /// CR, LF or a step back.
    Wrap(usize),
}

/// Compares bytes with an echo that a terminal wraps at its edge: with CR, LF, both or a step back, behind a blank or not, after
/// which the character before may come again (`c CR c`). The first `n_same` bytes are the same.
fn wrapped(echo: &[u8], bytes: &[u8], n_same: usize, silence: Silence) -> Likeness {
    let mut ways = vec![Progress::Text(n_same)];
    for (n, byte) in bytes.iter().enumerate().skip(n_same) {
        let mut next = Vec::with_capacity(ways.len() + 1);
        for way in ways {
            step(echo, way, *byte, &mut |way| {
                if !next.contains(&way) {
                    next.push(way);
                }
            });
        }
        ways = next;
        if ways.contains(&Progress::Text(echo.len())) {
            let likeness = ended(echo, bytes, n + 1, silence);
            if likeness != Likeness::Other {
                return likeness;
            }
            ways.retain(|way| *way != Progress::Text(echo.len()));
        }
        if ways.is_empty() {
            return Likeness::Other;
        }
    }
    begun(silence)
}

/// Goes on by one byte, in every way in which it can be understood.
fn step(echo: &[u8], way: Progress, byte: u8, go: &mut dyn FnMut(Progress)) {
    let is_wrap = matches!(byte, b'\r' | b'\n' | BACKSPACE);
    match way {
        Progress::Text(i) | Progress::Wrap(i) if byte == echo[i] => go(Progress::Text(i + 1)),
        Progress::Text(_) | Progress::Wrap(_) | Progress::Blank(_) => {}
    }
    match way {
        Progress::Text(i) | Progress::Wrap(i) | Progress::Blank(i) if is_wrap => go(Progress::Wrap(i)),
        Progress::Text(i) if byte == b' ' => go(Progress::Blank(i)),
        Progress::Wrap(i) if byte == echo[i - 1] => go(Progress::Text(i)),
        Progress::Text(_) | Progress::Wrap(_) | Progress::Blank(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &[u8] = b"printf '%s\\n' aaaa bbbb cc";

    fn echo_of(line: &[u8]) -> Echo {
        let mut echo = Echo::default();
        echo.note_sent(line);
        echo.expect(Expected::Line(line.len()), true);
        echo
    }

    /// Every way in which a terminal goes to the next row before the character at `at`.
    fn wraps(line: &[u8], at: usize) -> Vec<Vec<u8>> {
        let (before, behind) = line.split_at(at);
        let (last, first) = (before[before.len() - 1], behind[0]);
        let wraps: [&[u8]; 9] =
            [b"\r\n", b"\r\r\n", b"\n", b"\r", b" \r", b" \r\n", &[first, b'\r'], &[first, 8], &[b'\r', last]];
        wraps.iter().map(|wrap| [before, wrap, behind].concat()).collect()
    }

    #[test]
    fn an_echo_that_a_terminal_wraps_is_one_however_it_does_that() {
        let echo = echo_of(COMMAND);
        for at in 1..COMMAND.len() {
            for wrapped in wraps(COMMAND, at) {
                let line = [&wrapped[..], b"\r\nanswer\r\n"].concat();
                let whole = Likeness::Whole { text: wrapped.len(), next: wrapped.len() + 2 };
                assert_eq!(echo.likeness(&line, Silence::NotYet), whole, "{}", line.escape_ascii());
                for end in 0..=wrapped.len() {
                    let likeness = echo.likeness(&line[..end], Silence::NotYet);
                    assert_eq!(likeness, Likeness::Begun, "{}", line[..end].escape_ascii());
                }
                assert_eq!(echo.likeness(&line[..at], Silence::Settled), Likeness::Other);
            }
        }
    }

    #[test]
    fn an_echo_that_ends_at_the_edge_is_one() {
        let echo = echo_of(COMMAND);
        for tail in [&b" \r"[..], b"\rc"] {
            let line = [COMMAND, tail, b"\r\nanswer"].concat();
            let is_whole = matches!(echo.likeness(&line, Silence::NotYet), Likeness::Whole { .. });
            assert!(is_whole, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn what_only_begins_like_an_echo_is_none() {
        let echo = echo_of(b"AT+CSQ");
        for other in
            [&b"AT\r\nOK\r\n"[..], b"AT+CSQ=1\r\n", b"AT+CSQ: 1\r\n", b"OK\r\n", b"A T+CSQ\r\n", b"AT+ \rX\r\n"]
        {
            assert_eq!(echo.likeness(other, Silence::NotYet), Likeness::Other, "{}", other.escape_ascii());
        }
        // The answer to a short command may be its last character again.
        let echo = echo_of(b"echo 1");
        assert_eq!(echo.likeness(b"echo 1\r1\r\n", Silence::NotYet), Likeness::Whole { text: 6, next: 7 });
    }

    #[test]
    fn bytes_come_back_as_they_are_or_as_a_terminal_shows_them() {
        let compare = |sent: &[u8], came: &[u8]| {
            let mut echo = Echo::default();
            echo.note_sent(sent);
            echo.expect(Expected::Bytes, true);
            echo.compare(came)
        };
        assert_eq!(compare(b"\x01\x06\x0a", b"\x01\x06\x0a\x0d"), Ok(Some(3)));
        assert_eq!(compare(b"\x01\x06\x0a", b"\x01\x06"), Ok(None));
        assert_eq!(compare(b"\x01\x06\x0a", b"\x01\x07"), Err((1, 1)));
        assert_eq!(compare(b"ls\n", b"ls\r\nfile"), Ok(Some(4)));
        assert_eq!(compare(b"\x03", b"^C\r\n"), Ok(Some(2)));
        assert_eq!(compare(b"echo long\r", b"echo \r\nlong\r\n"), Ok(Some(12)));
        assert_eq!(compare(b"\x01\x06", b"\x01\r\n\x06"), Err((1, 1)), "a frame is not wrapped");
    }
}
