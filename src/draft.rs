//! `draft`: a flow that a colleague would have written, and its device, made of recordings of a session.
//!
//! `keys` makes lines of keys, `ahead` puts what was typed ahead in its place, `secrets` takes secrets out, `session` cuts a recording into turns, `merge` joins several recordings of
//! one job, `line` says what is waited for, by the `kinds` of values that change, and `acts` and `write` make statements and the text.

mod acts;
mod ahead;
mod dialect;
mod early;
mod echo;
mod frame;
mod keys;
mod kinds;
mod line;
mod merge;
mod names;
mod played;
mod ports;
mod prompt;
mod screen;
mod secrets;
mod session;
mod transfers;
mod write;

use crate::format::format;
use crate::record::{EntryKind, Piece, Recording};
use crate::replay::readable_device;
use crate::source::{Source, Sources};
use dialect::Manners;
use merge::Exchange;
use played::played;
use ports::{exchanges_of, lines_of_ports, port_names};
pub(crate) use secrets::Sought;
use secrets::without_secrets;
use session::plain;
use write::Port;

/// What is to be drafted.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// The title of the flow; that of the first recording if there is none.
    pub title: Option<&'a str>,
    /// The name of the flow's file without `.flow`. The files of its devices stand beside it.
    pub stem: &'a str,
    /// What is secret besides what was typed where a password was asked for.
    pub secrets: &'a [Sought],
}

/// A flow and its devices, in their layout.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The text of the flow.
    pub flow: String,
    /// The device of each port.
    pub devices: Vec<Device>,
    /// What a person is to know of it.
    pub notes: Vec<String>,
}

/// A device that was drafted.
#[derive(Debug)]
pub(crate) struct Device {
    /// The name of its file, which stands beside that of the flow.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// Returns the name of the file of a device, by the stem of the flow's name and the port, if the flow declares its ports.
pub(crate) fn device_file_name(stem: &str, port: Option<&str>) -> String {
    let port = port.map(|name| format!(".{name}")).unwrap_or_default();
    format!("{stem}{port}.device.flow")
}

/// Drafts a flow from recordings of one job. The first is the one that the devices play.
///
/// # Errors
///
/// Why nothing can be made of them.
pub(crate) fn draft(recordings: &[Recording], wish: &Wish<'_>) -> Result<Draft, String> {
    for (n, recording) in recordings.iter().enumerate() {
        let is_of_line = |kind: &EntryKind| matches!(kind, EntryKind::Sent { .. } | EntryKind::Received { .. });
        if !recording.entries.iter().any(|entry| is_of_line(&entry.kind)) {
            let which = if recordings.len() > 1 { format!("recording {}", n + 1) } else { "the recording".to_string() };
            return Err(format!("in {which} nothing was sent and nothing came"));
        }
    }
    let names = port_names(recordings)?;
    let covered =
        recordings.iter().map(|recording| without_secrets(&lines_of_ports(recording, names.len()), wish.secrets));
    let (runs, mut of_secrets): (Vec<Vec<Recording>>, Vec<Vec<String>>) = covered.unzip();
    let Some(first) = runs.first() else { return Err("there is no recording".to_string()) };
    let (mut exchanges, sessions, mut notes) = exchanges_of(&runs, &names);
    notes.extend(take_half_a_line(&mut exchanges));
    let manners: Vec<Manners> = sessions
        .iter()
        .enumerate()
        .map(|(port, session)| {
            let own: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.port == port).collect();
            Manners::of(&own, &session.line)
        })
        .collect();
    let title = wish.title.unwrap_or(if first[0].title.is_empty() { "A recorded session" } else { &first[0].title });
    let mut are_shorter = false;
    let devices: Vec<Device> = names
        .iter()
        .zip(first)
        .zip(&manners)
        .map(|((name, recording), manners)| {
            let (mut played, is_shorter) = played(recording, manners);
            are_shorter |= is_shorter;
            played.title = title.to_string();
            Device { file: device_file_name(wish.stem, name.as_deref()), text: readable_device(&played) }
        })
        .collect();
    let ports: Vec<Port<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, name)| Port {
            name: name.as_deref(),
            device: &devices[n].file,
            line: &sessions[n].line,
            manners: &manners[n],
        })
        .collect();
    let file = format!("{}.flow", wish.stem);
    let (text, of_names) = write::flow(&exchanges, &write::Head { title, file: &file, ports: &ports });
    notes.extend(of_secrets.swap_remove(0));
    notes.extend(of_names);
    notes.extend(note_of_blocks(first));
    if are_shorter {
        notes.push("a device has only the beginning and the end of an answer of more than 256 KiB".to_string());
    }
    let flow = laid_out(&text);
    Ok(Draft { flow, devices, notes })
}

/// Takes the last line out, if the recording ends while it was typed.
fn take_half_a_line(exchanges: &mut Vec<Exchange>) -> Option<String> {
    let last = exchanges.last().filter(|last| last.answers.is_empty())?;
    let sent = last.sent.first().filter(|sent| sent.end.is_empty())?;
    let text = String::from_utf8(plain(&sent.text)?).ok()?;
    if text.len() < 2 || text.chars().any(char::is_control) {
        return None;
    }
    exchanges.pop();
    Some(format!("the recording ends in the middle of a line, and it is left out: `{text}`"))
}

/// Returns what is to be known of a file that was sent.
fn note_of_blocks(ports: &[Recording]) -> Option<String> {
    let is_block = |piece: &Piece| matches!(piece, Piece::Bytes(bytes) if bytes.len() > 128 && matches!(bytes[0], 1 | 2) && bytes[1] == !bytes[2]);
    let has_blocks = ports.iter().flat_map(|recording| &recording.entries).any(|entry| match &entry.kind {
        EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } => bytes.iter().any(is_block),
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => false,
    });
    has_blocks.then(|| {
        "a file was not sent to its end: write `send_file` or `receive_file` in place of its blocks".to_string()
    })
}

/// Returns a flow in its layout.
fn laid_out(text: &str) -> String {
    let mut sources = Sources::default();
    let source = Source::new("draft.flow", text.to_string());
    format(sources.add(source.clone()), &source).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests;
