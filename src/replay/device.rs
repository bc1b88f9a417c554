//! A device file made from a recording: it answers each line as it was answered then, as a start for editing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::record::{EntryKind, Mask, Piece, Recording};
use crate::time::Moment;

/// What was sent at once, and what came until the next was sent.
#[derive(Debug, Default)]
struct Turn {
    sent: Vec<Piece>,
    /// How long after what was before it, and what.
    came: Vec<(Duration, Vec<Piece>)>,
}

impl Turn {
    fn is_line(&self) -> bool {
        matches!(self.sent.last(), Some(Piece::Bytes(bytes)) if bytes.ends_with(b"\r") || bytes.ends_with(b"\n"))
    }

    fn len(&self) -> usize {
        let len = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Secret(mask) => mask.len,
        };
        self.sent.iter().map(len).sum()
    }
}

/// Returns the device file; a secret in what came becomes a param of the device, with letters as its default.
pub fn device_file(recording: &Recording) -> String {
    let turns = turns(recording);
    let mut secrets: BTreeMap<Mask, String> = BTreeMap::new();
    for (_, pieces) in turns.iter().flat_map(|turn| &turn.came) {
        for piece in pieces {
            if let Piece::Secret(mask) = piece {
                let name = match mask.form.as_str() {
                    "plain" => mask.name.clone(),
                    form => format!("{}_in_{}", mask.name, form.to_lowercase().replace('@', "_from_")),
                };
                secrets.insert(mask.clone(), name);
            }
        }
    }
    let title = visible_text(format!("recorded: {}", recording.title).as_bytes());
    let mut text = format!("device \"{title}\"\n\nserial {{ echo off }}\n\n");
    for (mask, name) in &secrets {
        let _ = writeln!(text, "param {name} = \"{}\"", "x".repeat(mask.len));
    }
    // The first turn is what came before anything was sent; each later one begins with a line or joins its handler.
    let mut handlers: Vec<(String, Vec<String>)> = Vec::new();
    let mut boot = String::new();
    let mut place: Option<(usize, usize)> = None;
    for (i, turn) in turns.iter().enumerate() {
        let mut body = String::new();
        if i > 0 && !turn.is_line() {
            let _ = writeln!(body, "read {} bytes as _data within 10m", turn.len());
        }
        for (wait, pieces) in &turn.came {
            if *wait >= Duration::from_millis(1) {
                let _ = writeln!(body, "sleep {}ms", wait.as_millis());
            }
            let _ = writeln!(body, "send raw \"{}\"", sent_text(pieces, &secrets));
        }
        if i == 0 {
            boot = body;
        } else if turn.is_line() {
            let pattern = line_pattern(&turn.sent);
            let at = handlers.iter().position(|(known, _)| *known == pattern).unwrap_or_else(|| {
                handlers.push((pattern, Vec::new()));
                handlers.len() - 1
            });
            handlers[at].1.push(body);
            place = Some((at, handlers[at].1.len() - 1));
        } else if let Some((handler, answer)) = place {
            handlers[handler].1[answer] += &body;
        } else {
            boot += &body;
        }
    }
    for (i, _) in handlers.iter().enumerate().filter(|(_, (_, answers))| !all_same(answers)) {
        let _ = writeln!(text, "state turn_{i} = 0");
    }
    for line in boot.lines() {
        let _ = writeln!(text, "{line}");
    }
    for (i, (pattern, answers)) in handlers.iter().enumerate() {
        let _ = write!(text, "\non line {pattern} {{\n");
        if all_same(answers) {
            indented(&mut text, &answers[0], 1);
        } else {
            let _ = write!(text, "  compute turn_{i} = turn_{i} + 1\n  ");
            for (n, answer) in answers.iter().enumerate() {
                match answers.len() - n {
                    1 => text += "{\n",
                    _ => {
                        let _ = writeln!(text, "if turn_{i} == {} {{", n + 1);
                    }
                }
                indented(&mut text, answer, 2);
                text += if n + 1 == answers.len() { "  }\n" } else { "  } else " };
            }
        }
        text += "}\n";
    }
    text
}

fn all_same(answers: &[String]) -> bool {
    answers.windows(2).all(|pair| pair[0] == pair[1])
}

fn indented(text: &mut String, body: &str, depth: usize) {
    for line in body.lines() {
        let _ = writeln!(text, "{}{line}", "  ".repeat(depth));
    }
}

fn turns(recording: &Recording) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut last = Moment::START;
    let mut is_open = false;
    for entry in &recording.entries {
        let turn = turns.last_mut().expect("there is the first one");
        match &entry.kind {
            // A line that is sent in pieces is one line.
            EntryKind::Sent { bytes, took } => {
                last = entry.at + *took;
                if is_open && turn.came.is_empty() && !turn.is_line() {
                    turn.sent.extend(bytes.iter().cloned());
                } else {
                    turns.push(Turn { sent: bytes.clone(), came: Vec::new() });
                }
                is_open = true;
            }
            EntryKind::Received { bytes } => {
                turn.came.push((entry.at.since(last), bytes.clone()));
                last = last.max(entry.at);
            }
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => {}
        }
    }
    turns
}

/// Returns the pattern of a line: its text, or a regex if a secret stands in it.
fn line_pattern(sent: &[Piece]) -> String {
    let is_plain = sent.iter().all(|piece| matches!(piece, Piece::Bytes(_)));
    let mut bytes: Vec<Piece> = sent.to_vec();
    if let Some(Piece::Bytes(last)) = bytes.last_mut() {
        while last.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            last.pop();
        }
    }
    let mut text = String::new();
    for piece in &bytes {
        match piece {
            Piece::Bytes(bytes) if is_plain => text += &visible_text(bytes),
            Piece::Bytes(bytes) => bytes.iter().for_each(|byte| match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b' ' | b'_' | b'=' | b',' | b'"' => {
                    text.push(char::from(*byte))
                }
                _ => {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            }),
            Piece::Secret(mask) => {
                let _ = write!(text, ".{{{}}}", mask.len);
            }
        }
    }
    if is_plain { format!("\"{text}\"") } else { format!("/{text}/") }
}

fn sent_text(pieces: &[Piece], secrets: &BTreeMap<Mask, String>) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => visible_text(bytes),
        Piece::Secret(mask) => secrets.get(mask).map_or(String::new(), |name| format!("${{{name}}}")),
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
