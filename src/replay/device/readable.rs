//! The device file of a recording as a colleague would have written it: a reply for each line, with the header and the echo of the
//! device in its settings. Pauses that nobody notices are left out, and the others are round.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::secrets::{Known, Names};
use super::{Came, Line, PATIENCE, Turn, lines, put_wait, turns};
use crate::format::format;
use crate::record::{Mask, Piece, Recording};
use crate::source::{Source, Sources};
use crate::value::literal::{TextPart, escaped_regex, hex_literal, is_frame, literal, title};

/// A shorter pause is left out.
const NOTICED: Duration = Duration::from_millis(100);

/// A handler on one line is not longer.
const ONE_LINE: usize = 100;

/// What is no reply is joined to so much that is none.
const SHORT_RAW: usize = 8;

/// A reply of several lines has no more of them.
const LINES_OF_REPLY: usize = 8;

/// What the handlers of a recording answer: for each line the bodies, one for each time.
#[derive(Debug, Default)]
struct Handler {
    head: String,
    /// What was sent, for the name of its state.
    command: String,
    /// How much of the pattern is no secret; `None` if it has no secret.
    n_plain: Option<usize>,
    answers: Vec<Vec<String>>,
}

/// Returns the device file, in its layout.
pub(crate) fn readable_device(recording: &Recording) -> String {
    let mut turns = turns(recording);
    turns.iter_mut().for_each(join_bytes);
    let echo = Echo::of(&turns);
    echo.take_out(&mut turns);
    let manner = Manner::of(&turns);
    let came = turns.iter().flat_map(|turn| &turn.came).filter_map(|(_, came)| match came {
        Came::Bytes(pieces) => Some(pieces),
        Came::Settings(_) | Came::Lines(_) | Came::Left(_) | Came::Transfer(_) => None,
    });
    let names = Names::of(came.flatten());
    let (boot, mut handlers) = answers(&turns, &manner, &echo, &names);
    // The first that fits wins: what is known to the letter stands before what fits more.
    handlers.sort_by_key(|handler| handler.n_plain.map_or((0, 0), |n| (1, usize::MAX - n)));
    let states = states(&handlers);
    let mut body = String::new();
    for state in states.iter().flatten() {
        let _ = writeln!(body, "state {state} = 0");
    }
    for statement in &boot {
        let _ = writeln!(body, "{statement}");
    }
    let mut was_long = true;
    for (handler, state) in handlers.iter().zip(&states) {
        let text = handler_text(handler, state.as_deref());
        let is_long = text.lines().count() > 1;
        if is_long || was_long {
            body.push('\n');
        }
        was_long = is_long;
        body += &text;
    }
    let mut text =
        format!("device {}\n{}\n", title(&format!("recorded: {}", recording.title)), serial(recording, &manner, &echo));
    names.put_params(&body, &mut text);
    text += &body;
    let mut sources = Sources::default();
    let source = Source::new("device.flow", text.clone());
    format(sources.add(source.clone()), &source).unwrap_or(text)
}

/// Returns the settings that are not those that a device has by itself.
fn serial(recording: &Recording, manner: &Manner, echo: &Echo) -> String {
    let line = Line::of(recording);
    let format = format!("{}{}{}", line.data_bits, line.parity, line.stop_bits);
    let mut settings = Vec::new();
    if line.baud != 115_200 {
        settings.push(format!("baud {}", line.baud));
    }
    if format != "8N1" {
        settings.push(format!("format {format}"));
    }
    if manner.end != "\r\n" {
        settings.push(format!("eol {}", literal(&[TextPart::Bytes(manner.end.as_bytes().to_vec())])));
    }
    if !manner.header.is_empty() {
        settings.push(format!("header {}", literal(&[TextPart::Bytes(manner.header.as_bytes().to_vec())])));
    }
    if echo.is_on_at_first() {
        settings.push("echo on".to_string());
    }
    if settings.is_empty() { String::new() } else { format!("serial {{ {} }}\n", settings.join("  ")) }
}

/// Joins what came at about one moment, and makes the other pauses round.
fn join_bytes(turn: &mut Turn) {
    let mut joined: Vec<(Duration, Came)> = Vec::new();
    for (wait, came) in std::mem::take(&mut turn.came) {
        let wait = round(wait);
        match (joined.last_mut(), came) {
            (Some((_, Came::Bytes(before))), Came::Bytes(bytes)) if wait.is_zero() => before.extend(bytes),
            (_, came) => joined.push((wait, came)),
        }
    }
    for (_, came) in &mut joined {
        if let Came::Bytes(pieces) = came {
            *pieces = pieces_of(&units(pieces));
        }
    }
    turn.came = joined;
}

/// Returns a pause with two figures; nothing if nobody would notice it.
fn round(wait: Duration) -> Duration {
    let mut unit = 10_u128;
    while wait.as_millis() >= unit * 100 {
        unit *= 10;
    }
    let ms = (wait.as_millis() + unit / 2) / unit * unit;
    if wait < NOTICED { Duration::ZERO } else { Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)) }
}

/// A byte, or a secret as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit<'a> {
    Byte(u8),
    Secret(&'a Mask),
}

fn units(pieces: &[Piece]) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => units.extend(bytes.iter().map(|byte| Unit::Byte(*byte))),
            Piece::Secret(mask) => units.push(Unit::Secret(mask)),
        }
    }
    units
}

fn pieces_of(units: &[Unit<'_>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for unit in units {
        match (unit, pieces.last_mut()) {
            (Unit::Byte(byte), Some(Piece::Bytes(bytes))) => bytes.push(*byte),
            (Unit::Byte(byte), Some(Piece::Secret(_)) | None) => pieces.push(Piece::Bytes(vec![*byte])),
            (Unit::Secret(mask), _) => pieces.push(Piece::Secret((*mask).clone())),
        }
    }
    pieces
}

fn is_at(units: &[Unit<'_>], at: usize, text: &str) -> bool {
    units.len() >= at + text.len() && text.bytes().zip(&units[at..]).all(|(byte, unit)| *unit == Unit::Byte(byte))
}

/// Whether the device sends back what it hears, turn by turn.
#[derive(Debug, Default)]
struct Echo {
    /// Nothing, if the echo is better written as what it is: a text that comes.
    is_on: Option<Vec<bool>>,
}

impl Echo {
    fn of(turns: &[Turn]) -> Echo {
        let told: Vec<Option<bool>> = turns.iter().map(echoes).collect();
        let first = told.iter().flatten().next().copied().unwrap_or(false);
        let mut now = first;
        let (mut n_echoes, mut n_changes) = (0, 0);
        let mut is_on = Vec::new();
        for told in told {
            let next = told.unwrap_or(now);
            n_changes += usize::from(next != now);
            n_echoes += usize::from(told == Some(true));
            now = next;
            is_on.push(now);
        }
        Echo { is_on: (n_echoes > 0 && n_echoes >= n_changes).then_some(is_on) }
    }

    fn is_on_at_first(&self) -> bool {
        self.is_on.as_ref().is_some_and(|is_on| is_on.first() == Some(&true))
    }

    /// Returns the statement at the end of a turn that makes the next one right.
    fn change_behind(&self, turn: usize) -> Option<String> {
        let is_on = self.is_on.as_ref()?;
        let (now, next) = (is_on.get(turn)?, is_on.get(turn + 1)?);
        (now != next).then(|| format!("echo {}", if *next { "on" } else { "off" }))
    }

    /// Takes echoes out of what came, where the setting makes them.
    fn take_out(&self, turns: &mut [Turn]) {
        let Some(is_on) = &self.is_on else { return };
        for (turn, _) in turns.iter_mut().zip(is_on).filter(|(turn, is_on)| **is_on && echoes(turn) == Some(true)) {
            let Some((wait, Came::Bytes(bytes))) = turn.came.first() else { continue };
            let Some(rest) = behind_echo(&turn.sent, bytes) else { continue };
            let wait = *wait;
            if rest.is_empty() {
                turn.came.remove(0);
                if let Some((next, _)) = turn.came.first_mut() {
                    *next += wait;
                }
            } else {
                turn.came[0] = (wait, Came::Bytes(rest));
            }
        }
    }
}

/// Whether what was sent came back; `None` if nothing tells.
fn echoes(turn: &Turn) -> Option<bool> {
    if turn.sent.is_empty() {
        return None;
    }
    if frame_of(&turn.sent).is_some() {
        return Some(false);
    }
    match turn.came.first() {
        Some((_, Came::Bytes(bytes))) => Some(behind_echo(&turn.sent, bytes).is_some()),
        Some((_, Came::Settings(_) | Came::Lines(_) | Came::Left(_) | Came::Transfer(_))) | None => None,
    }
}

/// Returns what follows the echo of what was sent. A terminal sends LF back as CR LF.
fn behind_echo(sent: &[Piece], came: &[Piece]) -> Option<Vec<Piece>> {
    let (sent, came) = (units(sent), units(came));
    // Where CR comes back as CR LF, the device is a terminal, and its echo is a line of its own.
    let is_terminal = sent.last() == Some(&Unit::Byte(b'\r')) && is_at(&came, sent.len(), "\n");
    if came.starts_with(&sent) && !is_terminal {
        return Some(pieces_of(&came[sent.len()..]));
    }
    let line = sent.strip_suffix(&[Unit::Byte(b'\n')])?;
    (came.starts_with(line) && is_at(&came, line.len(), "\r\n")).then(|| pieces_of(&came[line.len() + 2..]))
}

/// How a device answers: what stands before and behind each of its lines.
#[derive(Debug)]
struct Manner {
    header: &'static str,
    end: &'static str,
}

impl Manner {
    /// Returns the one that needs the fewest statements.
    fn of(turns: &[Turn]) -> Manner {
        let texts = || {
            turns.iter().flat_map(|turn| &turn.came).filter_map(|(_, came)| match came {
                Came::Bytes(pieces) => Some(units(pieces)),
                Came::Settings(_) | Came::Lines(_) | Came::Left(_) | Came::Transfer(_) => None,
            })
        };
        let all = [("", "\r\n"), ("\r\n", "\r\n"), ("", "\n"), ("", "\r"), ("\r", "\r")];
        let cost = |manner: &Manner| -> usize {
            let said = texts().flat_map(|text| manner.parts(&text).iter().map(Said::cost).collect::<Vec<_>>());
            said.sum()
        };
        let manners = all.into_iter().map(|(header, end)| Manner { header, end });
        manners.min_by_key(cost).unwrap_or(Manner { header: "", end: "\r\n" })
    }

    /// Cuts what came into replies, and what is none.
    fn parts(&self, text: &[Unit<'_>]) -> Vec<Said> {
        let bytes: Vec<u8> = text.iter().map(|unit| if let Unit::Byte(byte) = unit { *byte } else { b'x' }).collect();
        if is_frame(&bytes) {
            return vec![Said::Raw(pieces_of(text))];
        }
        let mut said = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let begin = at + self.header.len();
            let end = if is_at(text, at, self.header) { self.end_of_reply(text, begin) } else { None };
            let next = match end {
                Some(end) => {
                    said.push(Said::Reply(pieces_of(&text[begin..end])));
                    end + self.end.len()
                }
                None => {
                    let end = (at..text.len()).find(|at| is_at(text, *at, self.end));
                    let end = end.map_or(text.len(), |end| end + self.end.len());
                    let raw = pieces_of(&text[at..end]);
                    match said.last_mut() {
                        Some(Said::Raw(before)) if before.iter().map(Piece::len).sum::<usize>() < SHORT_RAW => {
                            before.extend(raw);
                            *before = pieces_of(&units(before));
                        }
                        Some(_) | None => said.push(Said::Raw(raw)),
                    }
                    end
                }
            };
            at = next;
        }
        said
    }

    /// Returns where the text of a reply ends. With a header it may have several lines.
    fn end_of_reply(&self, text: &[Unit<'_>], begin: usize) -> Option<usize> {
        let mut n_lines = 0;
        for at in begin..text.len() {
            if !is_at(text, at, self.end) {
                continue;
            }
            n_lines += 1;
            let next = at + self.end.len();
            if self.header.is_empty() || next == text.len() || is_at(text, next, self.header) {
                return (n_lines <= LINES_OF_REPLY).then_some(at);
            }
        }
        None
    }
}

/// What a device says.
enum Said {
    Reply(Vec<Piece>),
    Raw(Vec<Piece>),
}

impl Said {
    /// Returns how hard it is to read.
    fn cost(&self) -> usize {
        match self {
            Said::Reply(_) => 2,
            Said::Raw(pieces) => {
                let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                let n_ends = |piece: &Piece| match piece {
                    Piece::Bytes(bytes) => bytes.iter().filter(is_end).count(),
                    Piece::Secret(_) => 0,
                };
                3 + pieces.iter().map(n_ends).sum::<usize>()
            }
        }
    }

    fn statement(&self, names: &Names, given: &Known) -> String {
        let (word, pieces) = match self {
            Said::Reply(pieces) => ("reply", pieces),
            Said::Raw(pieces) => ("send raw", pieces),
        };
        match &pieces[..] {
            [Piece::Bytes(bytes)] if is_frame(bytes) && word == "send raw" => format!("{word} {}", hex_literal(bytes)),
            _ => format!("{word} {}", literal(&text_parts(pieces, names, given))),
        }
    }
}

fn text_parts(pieces: &[Piece], names: &Names, given: &Known) -> Vec<TextPart> {
    let part = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => TextPart::Bytes(bytes.clone()),
        Piece::Secret(mask) => {
            let text = given.text(mask).unwrap_or_else(|| names.text(mask));
            match text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) {
                Some(value) => TextPart::Value(value.to_string()),
                None => TextPart::Bytes(text.into_bytes()),
            }
        }
    };
    pieces.iter().map(part).collect()
}

/// Returns what the device does at power-on, and the handlers of the lines that were sent.
fn answers(turns: &[Turn], manner: &Manner, echo: &Echo, names: &Names) -> (Vec<String>, Vec<Handler>) {
    let mut handlers: Vec<Handler> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut boot: Vec<String> = Vec::new();
    let mut place: Option<(usize, usize)> = None;
    // A handler sees lines, so a frame with a line end in it has to be read.
    let has_end = |frame: &[u8]| frame.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    let are_read = turns.iter().filter_map(|turn| frame_of(&turn.sent)).any(has_end);
    for (number, turn) in turns.iter().enumerate() {
        let frame = frame_of(&turn.sent);
        let (lines, rest) = match frame {
            Some(_) if are_read => (Vec::new(), turn.sent.clone()),
            Some(_) => (Vec::new(), Vec::new()),
            None => lines(&turn.sent),
        };
        let frame = frame.filter(|_| !are_read);
        let heads: Vec<Handler> = match (&turn.hook, frame) {
            (Some(head), _) => vec![Handler { head: head.clone(), command: head.clone(), ..Handler::default() }],
            (None, Some(frame)) => {
                vec![Handler { head: hex_literal(frame), command: "frame".to_string(), ..Handler::default() }]
            }
            (None, None) => lines.iter().map(|line| handler_of(line, &mut Known::default())).collect(),
        };
        for handler in heads {
            let at = *known.entry(handler.head.clone()).or_insert_with(|| {
                handlers.push(handler);
                handlers.len() - 1
            });
            handlers[at].answers.push(Vec::new());
            place = Some((at, handlers[at].answers.len() - 1));
        }
        let mut given = Known::default();
        if let Some(sent) = lines.last() {
            handler_of(sent, &mut given);
        }
        let mut body = reading(turn, &rest);
        put_answer(&mut body, turn, manner, |said| said.statement(names, &given));
        body.extend(echo.change_behind(number));
        match place {
            Some((handler, answer)) => handlers[handler].answers[answer].extend(body),
            None => boot.extend(body),
        }
    }
    (boot, handlers)
}

/// Returns what was sent, if it is a frame of bytes and no line.
fn frame_of(sent: &[Piece]) -> Option<&[u8]> {
    match sent {
        [Piece::Bytes(bytes)] if bytes.len() > 2 && is_frame(bytes) => Some(bytes),
        _ => None,
    }
}

/// Returns the read of what was sent without a line end.
fn reading(turn: &Turn, rest: &[Piece]) -> Vec<String> {
    let n_rest: usize = rest.iter().map(Piece::len).sum();
    if n_rest == 0 {
        return Vec::new();
    }
    let patience =
        PATIENCE.max(Duration::from_secs((turn.pause.as_secs() + 1).saturating_mul(2))).as_secs().div_ceil(60);
    if let Some(frame) = frame_of(rest) {
        let read = format!("read {n_rest} bytes as _request within {}m", patience.min(500_000));
        return vec![read, format!("assert _request == {}, \"another frame was recorded\"", hex_literal(frame))];
    }
    let is_end = |byte: &u8| *byte == 0x1a;
    let n_ends: usize = rest
        .iter()
        .map(|piece| if let Piece::Bytes(bytes) = piece { bytes.iter().filter(|byte| is_end(byte)).count() } else { 0 })
        .sum();
    let is_text = n_rest > 1
        && n_ends == 1
        && matches!(rest.last(), Some(Piece::Bytes(bytes)) if bytes.last().is_some_and(is_end));
    // A text that ends with Ctrl-Z may be another next time.
    let what = if is_text { "until x\"1a\" as _text".to_string() } else { format!("{n_rest} bytes as _data") };
    vec![format!("read {what} within {}m", patience.min(500_000))]
}

fn put_answer(body: &mut Vec<String>, turn: &Turn, manner: &Manner, statement: impl Fn(&Said) -> String) {
    for (wait, came) in &turn.came {
        put_statement_of_wait(body, "sleep", *wait);
        match came {
            Came::Bytes(pieces) => body.extend(manner.parts(&units(pieces)).iter().map(&statement)),
            Came::Settings(settings) => body.push(format!("serial {{ {settings} }}")),
            Came::Lines(lines) => body.push(lines.statement()),
            Came::Transfer(transfer) => body.push(transfer.statement_of_device()),
            Came::Left(None) => body.push("unplug".to_string()),
            Came::Left(Some(lasts)) => put_statement_of_wait(body, "unplug for", round(*lasts).max(NOTICED)),
        }
    }
}

fn put_statement_of_wait(body: &mut Vec<String>, statement: &str, wait: Duration) {
    if wait.as_millis().is_multiple_of(1000) && (1..3600).contains(&wait.as_secs()) {
        body.push(format!("{statement} {}s", wait.as_secs()));
        return;
    }
    let mut text = String::new();
    put_wait(&mut text, statement, wait);
    body.extend(text.lines().map(str::to_string));
}

/// Returns the handler of a line, without answers; what its regex names is put to what is given.
fn handler_of(line: &[Piece], given: &mut Known) -> Handler {
    let plain: Vec<u8> =
        line.iter().flat_map(|piece| if let Piece::Bytes(bytes) = piece { &bytes[..] } else { &[] }).copied().collect();
    let command = String::from_utf8_lossy(&plain).into_owned();
    if line.iter().all(|piece| matches!(piece, Piece::Bytes(_))) {
        let head = format!("line {}", literal(&[TextPart::Bytes(plain)]));
        return Handler { head, command, ..Handler::default() };
    }
    let mut regex = String::new();
    for piece in line {
        match piece {
            Piece::Bytes(bytes) => regex += &escaped_regex(bytes),
            Piece::Secret(mask) if mask.len == 0 => {}
            Piece::Secret(mask) => match given.learn(mask) {
                Some(name) => regex += &format!("(?<{name}>.+)"),
                None => regex += ".+",
            },
        }
    }
    Handler { head: format!("line /{regex}/"), command, n_plain: Some(plain.len()), ..Handler::default() }
}

/// Returns a name for the state of each handler that does not answer the same each time.
fn states(handlers: &[Handler]) -> Vec<Option<String>> {
    let mut taken: Vec<String> = Vec::new();
    let name = |handler: &Handler| {
        if handler.answers.windows(2).all(|pair| pair[0] == pair[1]) {
            return None;
        }
        let words = handler.command.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let word: String = words.collect::<Vec<_>>().join("_").to_ascii_lowercase().chars().take(24).collect();
        let word = format!("turn_{}", if word.is_empty() { "line" } else { word.trim_end_matches('_') });
        let mut free = word.clone();
        for n in 2.. {
            if !taken.contains(&free) {
                break;
            }
            free = format!("{word}_{n}");
        }
        taken.push(free.clone());
        Some(free)
    };
    handlers.iter().map(name).collect()
}

fn handler_text(handler: &Handler, state: Option<&str>) -> String {
    let head = named_where_used(handler);
    let mut text = String::new();
    let Some(state) = state else {
        let body = &handler.answers[0];
        let is_short = body.len() <= 3 && body.iter().all(|statement| !statement.starts_with("serial"));
        let line = format!("on {head} {{ {} }}\n", body.join("  "));
        if body.is_empty() {
            return format!("on {head} {{}}\n");
        }
        if is_short && line.chars().count() <= ONE_LINE {
            return line;
        }
        return format!("on {head} {{\n{}\n}}\n", body.join("\n"));
    };
    let _ = writeln!(text, "on {head} {{\ncompute {state} = {state} + 1");
    let mut runs: Vec<(usize, &Vec<String>)> = Vec::new();
    for answer in &handler.answers {
        match runs.last_mut() {
            Some((n, same)) if *same == answer => *n += 1,
            Some(_) | None => runs.push((1, answer)),
        }
    }
    let mut first = 1;
    for (number, (n, body)) in runs.iter().enumerate() {
        let last = first + n - 1;
        let is_last = number + 1 == runs.len();
        let which = match (number, is_last) {
            (_, true) => format!("{state} >= {first}"),
            (_, false) if first == last => format!("{state} == {first}"),
            (0, false) => format!("{state} <= {last}"),
            (_, false) => format!("{state} >= {first} and {state} <= {last}"),
        };
        // Not one in the `else` of another: blocks can be nested 64 deep.
        let (lead, condition) = if is_last && runs.len() == 2 { (" else ", String::new()) } else { ("if ", which) };
        if lead == " else " {
            text.truncate(text.trim_end().len());
        }
        let _ = write!(
            text,
            "{lead}{condition}{}{{\n{}\n}}\n",
            if condition.is_empty() { "" } else { " " },
            body.join("\n")
        );
        first = last + 1;
    }
    text.push_str("}\n");
    text
}

/// Returns how a handler begins: its regex names only what an answer has again.
fn named_where_used(handler: &Handler) -> String {
    let mut head = handler.head.clone();
    for n in 1..=head.matches("(?<_given_").count() {
        let value = format!("${{_given_{n}}}");
        if !handler.answers.iter().flatten().any(|statement| statement.contains(&value)) {
            head = head.replace(&format!("(?<_given_{n}>.+)"), ".+");
        }
    }
    head
}
