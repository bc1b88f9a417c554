//! `draft`: a flow that a colleague would have written, and its device, made of recordings of a session.
//!
//! `keys` makes lines of keys, `ahead` puts what was typed ahead in its place, `secrets` takes secrets out, `session` cuts a recording into turns, `merge` joins several recordings of
//! one job, `line` says what is waited for, by the `kinds` of values that change, and `acts` and `write` make statements and the text.

mod acts;
mod ahead;
mod dialect;
mod echo;
mod keys;
mod kinds;
mod line;
mod merge;
mod names;
mod prompt;
mod screen;
mod secrets;
mod session;
mod text;
mod write;

use crate::format::format;
use crate::record::{EntryKind, Piece, Recording};
use crate::replay::device_file;
use crate::source::{Source, Sources};
use ahead::in_turn;
use dialect::Manners;
use keys::whole_lines;
use merge::merge;
pub(crate) use secrets::Sought;
use secrets::without_secrets;
use session::Session;

/// What is to be drafted.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// The title of the flow; that of the first recording if there is none.
    pub title: Option<&'a str>,
    /// The names of the two files, which stand beside each other.
    pub file: &'a str,
    /// The file of the device.
    pub device: &'a str,
    /// What is secret besides what was typed where a password was asked for.
    pub secrets: &'a [Sought],
}

/// A flow and its device, in their layout.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The text of the flow.
    pub flow: String,
    /// The text of the device.
    pub device: String,
    /// What a person is to know of it.
    pub notes: Vec<String>,
}

/// Drafts a flow from recordings of one job, each of one port. The first is the one that the device plays.
///
/// # Errors
///
/// Why nothing can be made of them.
pub(crate) fn draft(recordings: &[Recording], wish: &Wish<'_>) -> Result<Draft, String> {
    for (n, recording) in recordings.iter().enumerate() {
        let which = if recordings.len() > 1 { format!("recording {}", n + 1) } else { "the recording".to_string() };
        if recording.n_ports() > 1 {
            return Err(format!(
                "{which} is of {} ports, and a draft needs a recording of one port",
                recording.n_ports()
            ));
        }
        if !recording
            .entries
            .iter()
            .any(|entry| matches!(entry.kind, EntryKind::Sent { .. } | EntryKind::Received { .. }))
        {
            return Err(format!("in {which} nothing was sent and nothing came"));
        }
    }
    let masked: Vec<Recording> =
        recordings.iter().map(|recording| without_secrets(&in_turn(&whole_lines(recording)), wish.secrets)).collect();
    let Some(first) = masked.first() else { return Err("there is no recording".to_string()) };
    let sessions: Vec<Session> = masked.iter().map(Session::of).collect();
    let (exchanges, mut notes) = merge(&sessions);
    let manners = Manners::of(&exchanges, &sessions[0].line);
    let title = wish.title.unwrap_or(if first.title.is_empty() { "A recorded session" } else { &first.title });
    let head = write::Head { title, file: wish.file, device: wish.device, line: &sessions[0].line };
    let (text, doubtful) = write::flow(&exchanges, &manners, &head);
    for word in doubtful {
        notes.push(format!("`{word}` looks like a secret, but is not one here: `--secret REGEX` says what is secret"));
    }
    let has_hooks = masked
        .iter()
        .flat_map(|recording| &recording.entries)
        .any(|entry| matches!(&entry.kind, EntryKind::Note { text } if text.starts_with("hook ")));
    if has_hooks {
        notes.push("hooks are not drafted: what was given to them is not recorded".to_string());
    }
    let is_block = |piece: &Piece| matches!(piece, Piece::Bytes(bytes) if bytes.len() > 128 && matches!(bytes[0], 1 | 2) && bytes[1] == !bytes[2]);
    let has_blocks = masked.iter().flat_map(|recording| &recording.entries).any(|entry| match &entry.kind {
        EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } => bytes.iter().any(is_block),
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => false,
    });
    if has_blocks {
        notes.push(
            "a file was sent by XMODEM or YMODEM: write `send_file` or `receive_file` in place of its blocks"
                .to_string(),
        );
    }
    let mut played = without_idle(first, &manners);
    played.title = title.to_string();
    Ok(Draft { flow: laid_out(&text), device: device_file(&played), notes })
}

/// Returns a recording without the chatter that came while nobody waited: a device that plays it would keep the flow waiting.
fn without_idle(recording: &Recording, manners: &Manners) -> Recording {
    let mut recording = recording.clone();
    let mut last = crate::time::Moment::START;
    recording.entries.retain(|entry| {
        let since = entry.at.since(last);
        last = entry.at;
        let EntryKind::Received { bytes } = &entry.kind else { return true };
        let text = session::shown(bytes);
        let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()).peekable();
        let is_chatter = lines.peek().is_some() && lines.all(|line| manners.is_chatter(line));
        !(is_chatter && acts::is_pause(since))
    });
    recording
}

/// Returns a flow in its layout.
fn laid_out(text: &str) -> String {
    let mut sources = Sources::default();
    let source = Source::new("draft.flow", text.to_string());
    format(sources.add(source.clone()), &source).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests;
