//! `Session`: what one recording was about: what was sent, and which lines came for it and by themselves.

use std::time::Duration;

use super::echo::{is_echo, is_wrapped_echo};
use super::frame::as_frame;
use crate::record::{EntryKind, HookNote, Piece, Recording};
use crate::replay::Transfer;
use crate::settings::InputLines;
use crate::time::Moment;

/// How the statement of a hook begins, before it is known what its values are called: then come their number and its name.
pub(super) const HOOK: &str = "hook ";

/// A device that says nothing for so long has answered.
const ANSWERED: Duration = Duration::from_secs(1);

/// A recording, in turns.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The settings of the line, such as `115200 8N1`.
    pub line: String,
    /// The first is what came before anything was sent.
    pub turns: Vec<Turn>,
}

/// What was sent, and what came until the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// When it was sent.
    pub at: Moment,
    /// Whether what came later stands in another turn, since another port was spoken to meanwhile.
    pub goes_on: bool,
    /// What a person called it and what follows.
    pub title: Option<String>,
    /// How long nothing had happened before it.
    pub pause: Duration,
    /// What was done to the line before it, as statements.
    pub before: Vec<String>,
    pub sent: Option<Sent>,
    pub heard: Vec<Heard>,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub text: Vec<Piece>,
    /// What the line ended with; nothing if it was no line.
    pub end: &'static str,
}

/// A line that came, or what came without a line end.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub text: Vec<Piece>,
    pub kind: HeardKind,
    /// When it was there.
    pub at: Moment,
    /// How long after what was sent.
    pub after: Duration,
    /// How long nothing had come before it.
    pub gap: Duration,
}

/// How something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeardKind {
    /// A line.
    Line,
    /// Without a line end: a prompt, most likely.
    Rest,
    /// A frame of a protocol of bytes.
    Frame,
    /// A line that came before the echo of what was sent.
    Early,
    /// The line went away, and was there again.
    Return,
    /// Something was done to the line: the text is the statement.
    Change,
}

impl Session {
    /// Reads a recording of whole lines.
    pub(super) fn of(recording: &Recording) -> Session {
        let mut reader = Reader { session: Session::default(), ..Reader::default() };
        reader.session.turns.push(Turn::default());
        for entry in recording.happened() {
            reader.takes(entry.at, &entry.kind);
        }
        reader.end_rest();
        let mut session = reader.session;
        session.take_comments_out();
        for turn in &mut session.turns {
            turn.take_echo_out();
        }
        session.split_prompts();
        session
    }

    /// A comment that was sent to a shell, `# look again`, is the title of what follows.
    fn take_comments_out(&mut self) {
        let mut turns: Vec<Turn> = Vec::new();
        let mut title: Option<String> = None;
        for mut turn in std::mem::take(&mut self.turns) {
            let comment = turn.sent.as_ref().and_then(|sent| comment_of(&sent.text)).filter(|_| turn.says_no_more());
            match comment {
                Some(comment) => title = Some(comment),
                None => {
                    turn.title = turn.title.or(title.take());
                    turns.push(turn);
                }
            }
        }
        self.turns = turns;
    }

    /// A kernel may speak right behind a prompt: what follows is a line of its own.
    fn split_prompts(&mut self) {
        let mut counts: Vec<(Vec<Piece>, usize)> = Vec::new();
        for heard in self.turns.iter().filter_map(|turn| turn.heard.last()) {
            if heard.kind == HeardKind::Rest {
                match counts.iter_mut().find(|(text, _)| *text == heard.text) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((heard.text.clone(), 1)),
                }
            }
        }
        let prompts: Vec<Vec<u8>> = counts.iter().filter(|(_, n)| *n > 1).filter_map(|(text, _)| plain(text)).collect();
        for turn in self.turns.iter_mut().filter(|turn| turn.sent.is_some()) {
            let mut split = Vec::new();
            for mut heard in std::mem::take(&mut turn.heard) {
                let of = |prompt: &&Vec<u8>| {
                    prompt.len() > 1 && plain(&heard.text).is_some_and(|text| text.starts_with(prompt))
                };
                if heard.kind == HeardKind::Line
                    && let Some(prompt) = prompts.iter().find(of)
                    && let Some(text) = plain(&heard.text)
                    && text.len() > prompt.len()
                {
                    split.push(Heard {
                        text: vec![Piece::Bytes(prompt.clone())],
                        kind: HeardKind::Rest,
                        ..heard.clone()
                    });
                    heard.text = vec![Piece::Bytes(text[prompt.len()..].to_vec())];
                    heard.gap = ANSWERED;
                }
                split.push(heard);
            }
            turn.heard = split;
        }
    }
}

/// Returns bytes if there is no secret in them.
pub(super) fn plain(pieces: &[Piece]) -> Option<Vec<u8>> {
    match pieces {
        [] => Some(Vec::new()),
        [Piece::Bytes(bytes)] => Some(bytes.clone()),
        _ => None,
    }
}

/// Returns bytes with a sign for each secret.
pub(super) fn shown(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().fold(Vec::new(), |mut text, piece| {
        match piece {
            Piece::Bytes(bytes) => text.extend(bytes),
            Piece::Secret(mask) => text.extend(format!("\u{ab}{}\u{bb}", mask.name).bytes()),
        }
        text
    })
}

/// Returns what a comment says.
pub(super) fn comment_of(text: &[Piece]) -> Option<String> {
    let text = plain(text)?;
    let comment = String::from_utf8(text.strip_prefix(b"#")?.to_vec()).ok()?;
    let comment = comment.trim();
    (comment.starts_with(char::is_alphanumeric) && !comment.contains(char::is_control)).then(|| comment.to_string())
}

impl Turn {
    /// Whether nothing came but its echo and a prompt.
    fn says_no_more(&self) -> bool {
        let text = self.sent.as_ref().map(|sent| shown(&sent.text)).unwrap_or_default();
        self.heard.iter().all(|heard| heard.kind == HeardKind::Rest || is_echo(&shown(&heard.text), &text))
    }

    /// Takes the echo of what was sent out of what came. What came before it belongs to something earlier.
    fn take_echo_out(&mut self) {
        let Some(sent) = &self.sent else { return };
        let text = shown(&sent.text);
        if text.is_empty() {
            return;
        }
        let is_first = |heard: &&Heard| heard.kind != HeardKind::Frame && is_echo(&shown(&heard.text), &text);
        let found = self.heard.iter().take(4).position(|heard| is_first(&heard));
        if let Some(at) = found {
            self.heard.remove(at);
            for heard in &mut self.heard[..at] {
                heard.kind = HeardKind::Early;
            }
            return;
        }
        // A terminal that wraps what is typed makes several lines of it.
        for n in 2..=self.heard.len().min(6) {
            let joined: Vec<u8> = self.heard[..n].iter().flat_map(|heard| shown(&heard.text)).collect();
            if is_wrapped_echo(&joined, &text) {
                self.heard.drain(..n);
                return;
            }
        }
    }
}

/// Cuts what came into lines.
#[derive(Debug, Default)]
struct Reader {
    session: Session,
    line: Vec<Piece>,
    /// When the line began, and how long nothing had come before.
    begun: Option<(Moment, Duration)>,
    is_behind_cr: bool,
    /// When what was sent last had left.
    left: Moment,
    /// When something came, or had left, last.
    last: Moment,
    title: Option<String>,
    before: Vec<String>,
    /// Data bits, parity and stop bits.
    format: String,
}

impl Reader {
    fn takes(&mut self, at: Moment, kind: &EntryKind) {
        match kind {
            EntryKind::Opened { line } if self.session.line.is_empty() => {
                self.session.line.clone_from(line);
                self.format = line.split(' ').nth(1).unwrap_or_default().to_string();
            }
            EntryKind::Opened { .. } => {
                self.put(HeardKind::Return, at);
                self.last = at;
            }
            EntryKind::Sent { bytes, took } => {
                self.end_rest();
                let turn = Turn {
                    at,
                    goes_on: false,
                    title: self.title.take(),
                    pause: at.since(self.last),
                    before: std::mem::take(&mut self.before),
                    sent: Some(sent_of(bytes)),
                    heard: Vec::new(),
                };
                self.session.turns.push(turn);
                self.left = at + *took;
                self.last = self.left;
            }
            EntryKind::Received { bytes } => {
                if as_frame(bytes).is_some() {
                    self.end_rest();
                    self.begin(at);
                    self.line.clone_from(bytes);
                    self.put(HeardKind::Frame, at);
                } else {
                    bytes.iter().for_each(|piece| self.hears(at, piece));
                }
                self.last = self.last.max(at);
            }
            EntryKind::Note { text } => match kind.as_title() {
                Some(title) => self.title = Some(title.to_string()),
                None => {
                    let statement = statement_of(text, &mut self.format);
                    // What follows a title belongs to what has it.
                    if self.title.is_some() {
                        self.before.extend(statement);
                    } else if let Some(statement) = statement {
                        let text = vec![Piece::Bytes(statement.into_bytes())];
                        let gap = at.since(self.last);
                        let heard = Heard { text, kind: HeardKind::Change, at, after: Duration::ZERO, gap };
                        self.session.turns.last_mut().expect("there is the first").heard.push(heard);
                    }
                }
            },
            EntryKind::Closed => self.end_rest(),
        }
    }

    fn hears(&mut self, at: Moment, piece: &Piece) {
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Secret(_) => {
                self.end_cr(at);
                self.begin(at);
                self.line.push(piece.clone());
                return;
            }
        };
        for byte in bytes {
            if *byte == b'\n' {
                self.is_behind_cr = false;
                self.end_line(at);
                continue;
            }
            self.end_cr(at);
            if *byte == b'\r' {
                self.is_behind_cr = true;
                continue;
            }
            self.begin(at);
            match self.line.last_mut() {
                Some(Piece::Bytes(bytes)) => bytes.push(*byte),
                Some(Piece::Secret(_)) | None => self.line.push(Piece::Bytes(vec![*byte])),
            }
        }
    }

    fn begin(&mut self, at: Moment) {
        self.begun.get_or_insert((at, at.since(self.last)));
    }

    /// Ends the line if a CR was its end.
    fn end_cr(&mut self, at: Moment) {
        if std::mem::take(&mut self.is_behind_cr) {
            self.end_line(at);
        }
    }

    fn end_line(&mut self, at: Moment) {
        self.put(HeardKind::Line, at);
    }

    fn end_rest(&mut self) {
        let kind = if std::mem::take(&mut self.is_behind_cr) { HeardKind::Line } else { HeardKind::Rest };
        self.put(kind, self.last);
    }

    fn put(&mut self, kind: HeardKind, at: Moment) {
        let text = std::mem::take(&mut self.line);
        let (begun, gap) = self.begun.take().unwrap_or((at, Duration::ZERO));
        if text.is_empty() && kind != HeardKind::Return {
            return;
        }
        // A prompt that waits long is there since it came.
        let at = if kind == HeardKind::Rest { begun } else { at };
        let heard = Heard { text, kind, at, after: at.since(self.left), gap };
        self.session.turns.last_mut().expect("there is the first").heard.push(heard);
    }
}

fn sent_of(pieces: &[Piece]) -> Sent {
    if as_frame(pieces).is_some() {
        return Sent { text: pieces.to_vec(), end: "" };
    }
    let mut text = pieces.to_vec();
    let end = match text.last_mut() {
        Some(Piece::Bytes(bytes)) => ["\r\n", "\r", "\n"].into_iter().find(|end| bytes.ends_with(end.as_bytes())),
        Some(Piece::Secret(_)) | None => None,
    };
    if let (Some(end), Some(Piece::Bytes(bytes))) = (end, text.last_mut()) {
        bytes.truncate(bytes.len() - end.len());
        if bytes.is_empty() {
            text.pop();
        }
    }
    Sent { text, end: end.unwrap_or_default() }
}

/// Returns what a flow says to do what is noted; the format is what the line has then.
fn statement_of(note: &str, format: &mut String) -> Option<String> {
    if InputLines::read(note).is_some() {
        return None;
    }
    if let Some(settings) = note.strip_prefix("settings ") {
        let (baud, new) = settings.split_once(' ')?;
        let new = new.split(' ').next()?;
        let is_same = std::mem::replace(format, new.to_string()) == new;
        return Some(if is_same { format!("baud {baud}") } else { format!("serial {{ baud {baud}  format {new} }}") });
    }
    if Transfer::read(note).is_some() {
        return Some(note.to_string());
    }
    if let Some(HookNote::Began { name, n_arguments }) = HookNote::read(note) {
        return Some(format!("{HOOK}{n_arguments} {name}"));
    }
    if let Some(lasting) = note.strip_prefix("break ") {
        return crate::syntax::duration(lasting).map(|_| format!("break {lasting}"));
    }
    let states: Option<Vec<(&str, &str)>> = note.split(' ').map(|word| word.split_once('=')).collect();
    let states = states?;
    if !states.iter().all(|(name, state)| matches!(*name, "dtr" | "rts") && matches!(*state, "on" | "off" | "keep")) {
        return None;
    }
    let told: Vec<String> =
        states.iter().filter(|(_, state)| *state != "keep").map(|(name, state)| format!("{name} {state}")).collect();
    (!told.is_empty()).then(|| told.join(" "))
}
