//! `Exchange`: what went over the lines, as rows for a person: an echo once, and line ends where they are not the usual ones.

use std::time::Duration;

use crate::event::{EchoOf, Event};
use crate::legend::{Kind, Legend, Meaning};
use crate::port_id::PortId;
use crate::report::lines::lines;

/// How much of the exchange is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// What a person reads: an echo once, line ends where they are not the usual ones, and what error codes mean.
    #[default]
    Usual,
    /// Every byte.
    Raw,
}

/// Knows of an exchange what its rows need.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) detail: Detail,
    pub(super) legend: Legend,
    /// What was sent last: it is shown when it is known whether it comes back.
    held: Option<Held>,
    /// How often what is kept was asked for since something was added.
    n_asked: u8,
    /// When what was shown last happened: something that was kept is not shown as earlier.
    pub(super) shown_at: Duration,
    /// By the number of the port.
    habits: Vec<Habits>,
}

/// Something that was sent and is not shown yet.
#[derive(Debug)]
struct Held {
    sent: Event,
    mark: Mark,
}

/// What is usual on a port.
#[derive(Clone, Debug, Default)]
struct Habits {
    /// How what is sent ends; the first with an end says so.
    sent: Option<&'static [u8]>,
    /// How what comes ends.
    received: Option<&'static [u8]>,
    /// Whether the last line ended with a bare CR.
    was_bare_cr: bool,
    /// Whether the line that came last has no end yet.
    is_open: bool,
    /// Whether the echo of what was sent last was shown.
    has_echo: bool,
    /// Whether the echo of what is being sent has begun to come.
    has_echo_of_next: bool,
    /// What came and may be the beginning of an echo: it is shown when it is none.
    maybe: Vec<u8>,
}

/// A row of the exchange, in the order of its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'b> {
    /// Line ends before the text, if they are not usual.
    pub begin: &'b [u8],
    pub text: &'b [u8],
    /// The line end, if it is not the usual one.
    pub end: &'b [u8],
    /// Whether there is no line end though one is usual.
    pub is_open: bool,
    pub meaning: Meaning,
}

/// What is said beside something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing: whether it comes back is not known, or does not matter any more.
    None,
    /// It came back.
    Echoed,
}

/// Whether something of an echo is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EchoMark {
    /// Beside what was sent, which is not shown yet.
    Beside,
    /// In a row of its own: what was sent is shown already.
    Own,
    /// Nothing: another piece of the echo is marked, or what was sent will be.
    Done,
}

/// What is kept is given out when it is asked for so often, a tenth of a second each time: an echo is shown when its line was
/// quiet for the settle time, and what was sent should be seen soon.
const PATIENCE: u8 = 3;

/// The usual line end as long as nothing else is known.
const CR_LF: &[u8] = b"\r\n";

impl Exchange {
    /// Keeps something that was sent until it is known whether it comes back.
    pub(super) fn hold(&mut self, sent: &Event) {
        let habits = self.habits(sent.port);
        let has_come = std::mem::take(&mut habits.has_echo_of_next);
        habits.has_echo = has_come;
        let mark = if has_come { Mark::Echoed } else { Mark::None };
        self.held = Some(Held { sent: sent.clone(), mark });
        self.n_asked = 0;
    }

    /// Gives out what is kept.
    pub(super) fn take_held(&mut self) -> Option<(Event, Mark)> {
        self.held.take().map(|held| (held.sent, held.mark))
    }

    /// Keeps what may be the beginning of an echo.
    pub(super) fn keep(&mut self, port: PortId, bytes: &[u8]) {
        self.habits(port).maybe.extend_from_slice(bytes);
        self.n_asked = 0;
    }

    /// Gives out what came on a port and is no echo after all; nothing if nothing was kept.
    pub(super) fn take_kept(&mut self, port: PortId) -> Vec<u8> {
        std::mem::take(&mut self.habits(port).maybe)
    }

    /// Returns the ports of which something is kept.
    pub(super) fn keepers(&self) -> Vec<PortId> {
        let kept = self.habits.iter().enumerate().filter(|(_, habits)| !habits.maybe.is_empty());
        kept.filter_map(|(i, _)| PortId::new(i)).collect()
    }

    /// Takes note that what is kept is asked for; returns whether that was so often that it is to be shown.
    pub(super) fn is_overdue(&mut self) -> bool {
        self.n_asked += 1;
        self.n_asked >= PATIENCE
    }

    /// Takes note of a piece of an echo that came; returns how it is marked.
    pub(super) fn echo_came(&mut self, port: PortId, echo: &[u8], of: EchoOf) -> EchoMark {
        let held = self.held.as_mut().filter(|held| held.sent.port == port && of == EchoOf::Last);
        let is_held = held.is_some();
        if let Some(held) = held {
            held.mark = Mark::Echoed;
        }
        let habits = self.habits(port);
        habits.maybe.clear();
        habits.is_open = !echo.ends_with(b"\r") && !echo.ends_with(b"\n");
        match of {
            EchoOf::Maybe => EchoMark::Done,
            EchoOf::Next => {
                habits.has_echo_of_next = true;
                EchoMark::Done
            }
            EchoOf::Last => match (std::mem::replace(&mut habits.has_echo, true), is_held) {
                (_, true) => EchoMark::Beside,
                (true, false) => EchoMark::Done,
                (false, false) => EchoMark::Own,
            },
        }
    }

    /// Whether something is kept.
    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some() || self.habits.iter().any(|habits| !habits.maybe.is_empty())
    }

    /// Returns the row of something that was sent.
    pub(super) fn sent_row<'b>(&mut self, port: PortId, bytes: &'b [u8]) -> Row<'b> {
        let (begin, text, end) = parted(bytes);
        let habits = self.habits(port);
        habits.sent = habits.sent.or_else(|| known(end));
        let usual = habits.sent;
        let is_usual = text.is_empty() || Some(end) == usual;
        Row {
            begin,
            text,
            end: if is_usual { b"" } else { end },
            is_open: !is_usual && end.is_empty() && usual.is_some(),
            meaning: Meaning { kind: Kind::Answer, text: None },
        }
    }

    /// Returns the rows of what came, without an echo in it.
    pub(super) fn received_rows<'b>(&mut self, port: PortId, bytes: &'b [u8]) -> Vec<Row<'b>> {
        lines(bytes).filter_map(|line| self.received_row(port, line)).collect()
    }

    fn received_row<'b>(&mut self, port: PortId, line: &'b [u8]) -> Option<Row<'b>> {
        let (begin, text, end) = parted(line);
        let habits = self.habits(port);
        if !text.is_empty() && !end.is_empty() {
            // A bare CR may be the end of an echo that nobody expects, so one of them does not make it usual.
            let was_bare_cr = std::mem::replace(&mut habits.was_bare_cr, end == b"\r");
            let says_so = end != b"\r" || was_bare_cr;
            habits.received = habits.received.or_else(|| known(end).filter(|_| says_so));
        }
        let usual = habits.received.unwrap_or(CR_LF);
        let was_open = std::mem::replace(&mut habits.is_open, !text.is_empty() && end.is_empty());
        // The end of the line before may come late, and modems put an empty line before an answer.
        let rest = if was_open { begin.strip_prefix(usual).unwrap_or(begin) } else { begin };
        let is_usual = rest.is_empty() || rest == usual;
        if text.is_empty() && was_open && is_usual {
            return None;
        }
        let is_shown = text.is_empty() || !is_usual;
        let meaning = if end.is_empty() { self.legend.rest(port, text) } else { self.legend.line(port, text) };
        Some(Row {
            begin: if is_shown { begin } else { b"" },
            text,
            end: if end == usual { b"" } else { end },
            is_open: !text.is_empty() && end.is_empty(),
            meaning,
        })
    }

    fn habits(&mut self, port: PortId) -> &mut Habits {
        let index = port.index();
        if self.habits.len() <= index {
            self.habits.resize_with(index + 1, Habits::default);
        }
        &mut self.habits[index]
    }
}

/// Returns the line ends at the beginning, the text, and the line ends at its end; without a text all are at the beginning.
pub(super) fn parted(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
    let begin = bytes.iter().position(|b| !is_end(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !is_end(b)).map_or(begin, |last| last + 1);
    (&bytes[..begin], &bytes[begin..end], &bytes[end..])
}

/// Returns a line end that can be a usual one.
fn known(end: &[u8]) -> Option<&'static [u8]> {
    [CR_LF, b"\n", b"\r"].into_iter().find(|known| *known == end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows rows: parts in brackets, `~` for a missing end.
    fn shown(rows: &[Row<'_>]) -> Vec<String> {
        let show = |row: &Row<'_>| {
            let open = if row.is_open { "~" } else { "" };
            format!("{}[{}]{}{open}", row.begin.escape_ascii(), row.text.escape_ascii(), row.end.escape_ascii())
        };
        rows.iter().map(show).collect()
    }

    fn received(pieces: &[&str]) -> Vec<String> {
        let mut exchange = Exchange::default();
        pieces.iter().flat_map(|piece| shown(&exchange.received_rows(PortId::FIRST, piece.as_bytes()))).collect()
    }

    #[test]
    fn the_first_line_with_an_end_says_which_end_is_usual() {
        assert_eq!(received(&["a\r\n", "b\n", "c\r\n", "d\r"]), ["[a]", "[b]\\n", "[c]", "[d]\\r"]);
        assert_eq!(received(&["a\n", "b\r\n", "c\n"]), ["[a]", "[b]\\r\\n", "[c]"]);
        assert_eq!(received(&["=> ", "a\n", "b\n"]), ["[=> ]~", "[a]", "[b]"]);
        assert_eq!(received(&["AT\r", "\r\nOK\r\n", "AT\r"]), ["[AT]\\r", "[OK]", "[AT]\\r"]);
        assert_eq!(received(&["0\r", "0\r", "4\r", "a\r\n"]), ["[0]\\r", "[0]", "[4]", "[a]\\r\\n"]);
    }

    #[test]
    fn one_empty_line_before_a_line_is_usual() {
        assert_eq!(received(&["\r\nOK\r\n", "\r\n\r\nOK\r\n"]), ["[OK]", "\\r\\n\\r\\n[OK]"]);
        assert_eq!(received(&["\r\r\nOK\r\n"]), ["\\r\\r\\n[OK]"]);
        assert_eq!(received(&["\r\n"]), ["\\r\\n[]"], "something must be shown");
    }

    #[test]
    fn the_end_of_a_line_may_come_with_the_next() {
        assert_eq!(received(&["\r\nOK", "\r\n\r\n+URC\r\n"]), ["[OK]~", "[+URC]"]);
        assert_eq!(received(&["\r\nOK", "\r\n"]), ["[OK]~"]);
        assert_eq!(received(&["=> ", "\r\n\r\n\r\na\r\n"]), ["[=> ]~", "\\r\\n\\r\\n\\r\\n[a]"]);
    }

    #[test]
    fn what_is_sent_has_a_usual_end_of_its_own() {
        let mut exchange = Exchange::default();
        let mut sent = |text: &'static str| shown(&[exchange.sent_row(PortId::FIRST, text.as_bytes())]).remove(0);
        assert_eq!(sent("\x1b"), "[\\x1b]", "no end is usual yet");
        assert_eq!(sent("AT\r"), "[AT]");
        assert_eq!(sent("AT\r\n"), "[AT]\\r\\n");
        assert_eq!(sent("+++"), "[+++]~");
        assert_eq!(sent("\r"), "\\r[]", "something must be shown");
    }

    #[test]
    fn ports_have_habits_of_their_own() {
        let second = PortId::new(1).expect("a small number");
        let mut exchange = Exchange::default();
        exchange.received_rows(PortId::FIRST, b"a\r\n");
        assert_eq!(shown(&exchange.received_rows(second, b"a\nb\r\n")), ["[a]", "[b]\\r\\n"]);
        assert_eq!(shown(&exchange.received_rows(PortId::FIRST, b"a\nb\r\n")), ["[a]\\n", "[b]"]);
    }
}
