//! A device file made from a recording: it answers each line as it was answered then, as a start for editing.
//!
//! It has the speed and the format of the recorded line, and goes away as long as that did. Each line that was sent has a
//! handler; those without secrets stand first, for the first that fits wins. A secret that was sent is taken from the line
//! where it stands, so that its echo is right whatever it is; one that came is a param, with digits as its default. What was sent
//! without a line end is read by the handler of the line before it.

mod readable;
mod secrets;
mod transfer;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

pub(crate) use self::readable::readable_device;
use self::secrets::{Known, Names};
pub(crate) use self::transfer::Transfer;
use crate::format::format;
use crate::port::PortId;
use crate::record::{Entry, EntryKind, HookNote, Piece, Recording};
use crate::settings::InputLines;
use crate::source::{Source, Sources};
use crate::time::Moment;

/// A flow cannot say a longer time at once.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Shorter pauses are kept to the microsecond.
const SHORT: Duration = Duration::from_millis(20);

/// A device waits so long for what has no line end, if the recording has no longer pause.
const PATIENCE: Duration = Duration::from_secs(600);

/// Secrets of a line are matched by their length if it has no more bytes of them: long counts make large patterns.
const COUNTED: usize = 300;

/// What was sent at once, or a hook that was run, and what happened until the next.
#[derive(Debug, Default)]
struct Turn {
    sent: Vec<Piece>,
    /// The hook, as its handler begins: `hook "power" (_value)`.
    hook: Option<String>,
    /// How long before it nothing had happened.
    pause: Duration,
    /// How long after what was before it, and what.
    came: Vec<(Duration, Came)>,
}

/// What a device does.
#[derive(Debug)]
enum Came {
    Bytes(Vec<Piece>),
    /// The line has other settings from now on.
    Settings(Line),
    /// Its control lines are so from now on.
    Lines(InputLines),
    /// The line goes away, for so long or for good.
    Left(Option<Duration>),
    /// A file goes over it.
    Transfer(Transfer),
}

impl Turn {
    fn is_line(&self) -> bool {
        self.ends_with(b'\r') || self.ends_with(b'\n')
    }

    fn ends_with(&self, byte: u8) -> bool {
        matches!(self.sent.last(), Some(Piece::Bytes(bytes)) if bytes.last() == Some(&byte))
    }

    /// Whether more that is sent belongs to the same line.
    fn goes_on_with(&self, bytes: &[Piece]) -> bool {
        let is_half_an_end = || matches!(bytes.first(), Some(Piece::Bytes(bytes)) if bytes.first() == Some(&b'\n'));
        self.came.is_empty() && (!self.is_line() || self.ends_with(b'\r') && is_half_an_end())
    }
}

/// The answers to a line, in the order in which it was sent.
#[derive(Debug, Default)]
struct Handler {
    /// What follows its `on`.
    head: String,
    /// How much of the pattern is no secret; `None` if it has no secret.
    n_plain: Option<usize>,
    answers: Vec<String>,
}

/// Returns the device file, in its layout; a secret in what came becomes a param of the device.
pub fn device_file(recording: &Recording) -> String {
    let text = text_of(recording);
    let mut sources = Sources::default();
    let source = Source::new("device.flow", text.clone());
    format(sources.add(source.clone()), &source).unwrap_or(text)
}

fn text_of(recording: &Recording) -> String {
    let turns = turns(recording);
    let came = turns.iter().flat_map(|turn| &turn.came).filter_map(|(_, came)| match came {
        Came::Bytes(pieces) => Some(pieces),
        Came::Settings(_) | Came::Lines(_) | Came::Left(_) | Came::Transfer(_) => None,
    });
    let names = Names::of(came.flatten());
    let line = Line::of(recording);
    let (boot, mut handlers) = answers(&turns, &names, line);
    // The first that fits wins: what is known to the letter stands before what fits more.
    handlers.sort_by_key(|handler| handler.n_plain.map_or((0, 0), |n| (1, usize::MAX - n)));
    let title = visible_text(format!("recorded: {}", recording.title).as_bytes());
    let mut body = String::new();
    for (i, _) in handlers.iter().enumerate().filter(|(_, handler)| !all_same(&handler.answers)) {
        let _ = writeln!(body, "state turn_{i} = 0");
    }
    body += &boot;
    for (i, handler) in handlers.iter().enumerate() {
        put_handler(&mut body, i, handler);
    }
    let mut text = format!("device \"{title}\"\n\nserial {{ {line}  echo off }}\n\n");
    names.put_params(&body, &mut text);
    text += &body;
    text
}

/// Returns what the device does at power-on, and the handlers of the lines that were sent.
fn answers(turns: &[Turn], names: &Names, mut line: Line) -> (String, Vec<Handler>) {
    let mut handlers: Vec<Handler> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut boot = String::new();
    let mut place: Option<(usize, usize)> = None;
    for turn in turns {
        let (lines, rest) = lines(&turn.sent);
        let patterns = lines.iter().map(|sent| line_pattern(sent, &mut Known::default()));
        let heads = patterns.map(|(pattern, n_plain)| (format!("line {pattern}"), n_plain));
        for (head, n_plain) in heads.chain(turn.hook.clone().map(|hook| (hook, None))) {
            let at = *known.entry(head.clone()).or_insert_with(|| {
                handlers.push(Handler { head, n_plain, answers: Vec::new() });
                handlers.len() - 1
            });
            handlers[at].answers.push(String::new());
            place = Some((at, handlers[at].answers.len() - 1));
        }
        let mut given = Known::default();
        if let Some(sent) = lines.last() {
            line_pattern(sent, &mut given);
        }
        let mut body = String::new();
        let n_rest: usize = rest.iter().map(Piece::len).sum();
        if n_rest > 0 {
            let patience = Duration::from_secs((turn.pause.as_secs() + 1) * 2).clamp(PATIENCE, LONGEST);
            let _ = writeln!(body, "read {n_rest} bytes as _data within {}s", patience.as_secs());
        }
        put_answer(&mut body, turn, &mut line, |pieces| sent_text(pieces, names, &given));
        match place {
            Some((handler, answer)) => handlers[handler].answers[answer] += &body,
            None => boot += &body,
        }
    }
    (boot, handlers)
}

/// Writes what happened behind what was sent, each thing when it happened. Bytes are there when the line has had the time for
/// them: they are sent before.
fn put_answer(body: &mut String, turn: &Turn, line: &mut Line, text: impl Fn(&[Piece]) -> String) {
    let (mut now, mut then) = (Duration::ZERO, Duration::ZERO);
    for (wait, came) in &turn.came {
        then = then.saturating_add(*wait);
        // Bytes are there when they have left; the line is away from then on.
        let lasts = match came {
            Came::Bytes(pieces) => line.time_of(pieces.iter().map(Piece::len).sum()),
            Came::Settings(_) | Came::Lines(_) | Came::Left(_) | Came::Transfer(_) => Duration::ZERO,
        };
        now += put_wait(body, "sleep", then.saturating_sub(lasts).saturating_sub(now));
        now += lasts;
        let _ = match came {
            Came::Bytes(pieces) => writeln!(body, "send raw \"{}\"", text(pieces)),
            Came::Settings(settings) => {
                *line = *settings;
                writeln!(body, "serial {{ {settings} }}")
            }
            Came::Lines(lines) => writeln!(body, "{}", lines.statement()),
            Came::Transfer(transfer) => writeln!(body, "{}", transfer.statement_of_device()),
            Came::Left(None) => writeln!(body, "unplug"),
            Came::Left(Some(lasts)) => {
                now += put_wait(body, "unplug for", *lasts);
                Ok(())
            }
        };
    }
}

fn put_handler(text: &mut String, i: usize, Handler { head, answers, .. }: &Handler) {
    let _ = write!(text, "\non {head} {{\n");
    if all_same(answers) {
        text.push_str(&answers[0]);
    } else {
        // Not one in the `else` of another: blocks can be nested 64 deep.
        let _ = writeln!(text, "  compute turn_{i} = turn_{i} + 1");
        for (n, answer) in (1..).zip(answers) {
            let is = if n < answers.len() { "==" } else { ">=" };
            let _ = write!(text, "if turn_{i} {is} {n} {{\n{answer}}}\n");
        }
    }
    text.push_str("}\n");
}

fn all_same(answers: &[String]) -> bool {
    answers.windows(2).all(|pair| pair[0] == pair[1])
}

/// Writes that nothing happens for so long, or that the line is away, without what nobody would notice of it; returns how long
/// that is.
fn put_wait(body: &mut String, statement: &str, wait: Duration) -> Duration {
    let unit = if wait < SHORT { 1_000 } else { 1_000_000 };
    let nanos = wait.as_nanos() / unit * unit;
    let longest = LONGEST.as_nanos();
    // What does not fit into one statement takes more, and nobody waits for more years than that.
    let nanos = nanos.min(longest * 100);
    let mut rest = nanos;
    while rest > 0 {
        let part = rest.min(longest);
        let micros = format!("{:03}", part / 1_000 % 1_000);
        let micros = micros.trim_end_matches('0');
        let point = if micros.is_empty() { "" } else { "." };
        let _ = writeln!(body, "{statement} {}{point}{micros}ms", part / 1_000_000);
        rest -= part;
    }
    Duration::from_millis((nanos / 1_000_000) as u64) + Duration::from_nanos((nanos % 1_000_000) as u64)
}

/// The speed and the format of a line.
#[derive(Clone, Copy, Debug)]
struct Line {
    baud: u32,
    data_bits: u8,
    parity: char,
    stop_bits: u8,
}

impl Line {
    /// Returns those of the line that was opened.
    fn of(recording: &Recording) -> Line {
        let opened = recording.entries.iter().find_map(|entry| match &entry.kind {
            EntryKind::Opened { line } => Line::read(line),
            EntryKind::Sent { .. } | EntryKind::Received { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
        });
        opened.unwrap_or(Line { baud: 115_200, data_bits: 8, parity: 'N', stop_bits: 1 })
    }

    /// Reads them in a text such as `115200 8N1`.
    fn read(text: &str) -> Option<Line> {
        let mut words = text.split(' ');
        let baud = words.next()?.parse().ok().filter(|baud| (1..=4_000_000).contains(baud))?;
        match *words.next()?.as_bytes() {
            [data @ b'5'..=b'8', parity @ (b'N' | b'E' | b'O' | b'M' | b'S'), stop @ (b'1' | b'2')] => {
                Some(Line { baud, data_bits: data - b'0', parity: char::from(parity), stop_bits: stop - b'0' })
            }
            _ => None,
        }
    }

    /// Returns how long so many bytes take.
    fn time_of(self, n_bytes: usize) -> Duration {
        let parity = u64::from(self.parity != 'N');
        let bits = 1 + u64::from(self.data_bits) + parity + u64::from(self.stop_bits);
        Duration::from_nanos((bits * 1_000_000_000 / u64::from(self.baud)).saturating_mul(n_bytes as u64))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { baud, data_bits, parity, stop_bits } = self;
        write!(f, "baud {baud}  format {data_bits}{parity}{stop_bits}")
    }
}

fn turns(recording: &Recording) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut last = Moment::START;
    let mut ends = ends(recording).into_iter().peekable();
    for entry in happened(recording) {
        let turn = turns.last_mut().expect("there is the first one");
        let wait = entry.at.since(last);
        let came = match &entry.kind {
            // The device has not heard it.
            EntryKind::Sent { took, .. } if ends.peek().is_some_and(|end| end.at < entry.at + *took) => continue,
            // A line that is sent in pieces is one line.
            EntryKind::Sent { bytes, took } => {
                last = entry.at + *took;
                let is_open = !turn.sent.is_empty();
                if is_open && turn.goes_on_with(bytes) {
                    turn.sent.extend(bytes.iter().cloned());
                } else {
                    turns.push(Turn { sent: bytes.clone(), hook: None, pause: wait, came: Vec::new() });
                }
                continue;
            }
            EntryKind::Received { bytes } => Some(Came::Bytes(bytes.clone())),
            EntryKind::Note { text } if let Some(HookNote::Began { name, n_arguments }) = HookNote::read(text) => {
                last = entry.at;
                turns.push(Turn { hook: Some(hook_head(&name, n_arguments)), pause: wait, ..Turn::default() });
                continue;
            }
            EntryKind::Note { text } if let Some(transfer) = Transfer::read(text) => Some(Came::Transfer(transfer)),
            EntryKind::Note { text } => match text.strip_prefix("settings ") {
                Some(settings) => Line::read(settings).map(Came::Settings),
                None => InputLines::read(text).map(Came::Lines),
            },
            EntryKind::Closed => Some(Came::Left(ends.next().and_then(|end| end.lasts))),
            EntryKind::Opened { .. } => None,
        };
        let Some(came) = came else { continue };
        let is_over = matches!(came, Came::Left(None));
        let lasts = if let Came::Transfer(transfer) = &came { transfer.took } else { Duration::ZERO };
        turn.came.push((wait, came));
        last = last.max(entry.at + lasts);
        if is_over {
            break;
        }
    }
    turns
}

/// Returns how the handler of a hook begins that takes so many values.
fn hook_head(name: &str, n_values: usize) -> String {
    let names: Vec<String> = (1..=n_values).map(|i| format!("_value_{i}")).collect();
    let values = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    format!("hook \"{}\"{values}", visible_text(name.as_bytes()))
}

fn happened(recording: &Recording) -> impl Iterator<Item = &Entry> {
    recording.happened().filter(|entry| entry.port == PortId::FIRST)
}

/// That the line went away.
struct End {
    at: Moment,
    /// For how long, if it was there again.
    lasts: Option<Duration>,
}

/// Returns when the line went away, in order.
fn ends(recording: &Recording) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    for entry in happened(recording) {
        match &entry.kind {
            EntryKind::Closed => ends.push(End { at: entry.at, lasts: None }),
            EntryKind::Opened { .. } => {
                if let Some(end) = ends.last_mut() {
                    end.lasts.get_or_insert(entry.at.since(end.at));
                }
            }
            EntryKind::Sent { .. } | EntryKind::Received { .. } | EntryKind::Note { .. } => {}
        }
    }
    ends
}

/// Cuts what was sent into lines without their ends, and the rest after the last of them.
fn lines(sent: &[Piece]) -> (Vec<Vec<Piece>>, Vec<Piece>) {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut is_behind_cr = false;
    for piece in sent {
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Secret(_) => {
                line.push(piece.clone());
                is_behind_cr = false;
                continue;
            }
        };
        for byte in bytes {
            match (byte, line.last_mut()) {
                (b'\n', _) if is_behind_cr => {}
                (b'\r' | b'\n', _) => lines.push(std::mem::take(&mut line)),
                (_, Some(Piece::Bytes(bytes))) => bytes.push(*byte),
                (_, Some(Piece::Secret(_)) | None) => line.push(Piece::Bytes(vec![*byte])),
            }
            is_behind_cr = *byte == b'\r';
        }
    }
    (lines, line)
}

/// Returns the pattern of a line: its text, or a regex if a secret stands in it; then how many other bytes it has too. What the regex
/// names is put to what is given.
fn line_pattern(line: &[Piece], given: &mut Known) -> (String, Option<usize>) {
    let is_plain = |piece: &Piece| matches!(piece, Piece::Bytes(_));
    let n_secret: usize = line.iter().filter(|piece| !is_plain(piece)).map(Piece::len).sum();
    if n_secret == 0 {
        let text: String = line
            .iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => visible_text(bytes),
                Piece::Secret(_) => String::new(),
            })
            .collect();
        return (format!("\"{text}\""), None);
    }
    let (mut text, mut n_plain) = (String::new(), 0);
    for piece in line {
        match piece {
            Piece::Bytes(bytes) => {
                n_plain += bytes.len();
                bytes.iter().for_each(|byte| put_in_regex(&mut text, *byte));
            }
            Piece::Secret(mask) if mask.len == 0 => {}
            Piece::Secret(mask) => {
                let times = if n_secret > COUNTED { "+".to_string() } else { format!("{{{}}}", mask.len) };
                match given.learn(mask) {
                    Some(name) => text.push_str(&format!("(?<{name}>.{times})")),
                    None => text.push_str(&format!(".{times}")),
                }
            }
        }
    }
    (format!("/{text}/"), Some(n_plain))
}

fn put_in_regex(text: &mut String, byte: u8) {
    match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b' ' | b'_' | b'=' | b',' | b'"' | b':' | b';' | b'@' => {
            text.push(char::from(byte));
        }
        _ => {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

fn sent_text(pieces: &[Piece], names: &Names, given: &Known) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => visible_text(bytes),
        Piece::Secret(mask) => given.text(mask).unwrap_or_else(|| names.text(mask)),
    };
    pieces.iter().map(text).collect()
}

/// Returns bytes as they stand in a string of a flow.
fn visible_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\r' => text += "\\r",
            b'\n' => text += "\\n",
            b'\t' => text += "\\t",
            b'"' | b'\\' | b'$' => text.extend(['\\', char::from(*byte)]),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}
