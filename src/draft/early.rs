//! `behind_questions`: a recording in which a password stands behind its prompt, though it was typed before the prompt came.

use super::screen::shown_line;
use crate::record::{Entry, EntryKind, Piece, Recording};
use crate::secret::Asked;

/// Returns the recording with each password that was typed ahead behind the prompt for it. A device that asks and goes on by itself
/// had the answer already. Where most lines were not typed at a prompt, nothing is known.
pub(super) fn behind_questions(recording: &Recording) -> Recording {
    let mut entries = recording.entries.clone();
    let mut at = 0;
    let is_open = open_lines(&entries);
    let n_sent = is_open.iter().flatten().count();
    let n_open = is_open.iter().flatten().filter(|is_open| **is_open).count();
    if n_open * 2 < n_sent || n_sent < 2 {
        return recording.clone();
    }
    let mut ahead: Option<usize> = None;
    let mut line: Vec<u8> = Vec::new();
    let mut is_open = is_open.into_iter();
    while at < entries.len() {
        let told = is_open.next().flatten();
        match &entries[at].kind {
            EntryKind::Sent { bytes, .. } => {
                let is_line = matches!(bytes.last(), Some(Piece::Bytes(bytes)) if bytes.ends_with(b"\r") || bytes.ends_with(b"\n"));
                ahead = if told == Some(false) && is_line { Some(at) } else { None };
                line.clear();
            }
            EntryKind::Received { bytes } => {
                if let ([Piece::Bytes(bytes)], Some(sent)) = (&bytes[..], ahead)
                    && let Some(offset) = answered_question(&line, bytes)
                {
                    move_behind(&mut entries, sent, at, offset);
                    return behind_questions_of(entries, recording);
                }
                follow(&mut line, bytes);
            }
            EntryKind::Opened { .. } | EntryKind::Closed => line.clear(),
            EntryKind::Note { .. } => {}
        }
        at += 1;
    }
    recording.clone()
}

fn behind_questions_of(entries: Vec<Entry>, recording: &Recording) -> Recording {
    // Each time one more line is typed at its prompt, so this ends.
    behind_questions(&Recording { entries, ..recording.clone() })
}

/// Returns for each entry that is a write whether a line was open when it was typed.
fn open_lines(entries: &[Entry]) -> Vec<Option<bool>> {
    let mut line: Vec<u8> = Vec::new();
    let told = |entry: &Entry| match &entry.kind {
        EntryKind::Sent { .. } => {
            let is_open = shown_line(&line).iter().any(u8::is_ascii_graphic);
            line.clear();
            Some(is_open)
        }
        EntryKind::Received { bytes } => {
            follow(&mut line, bytes);
            None
        }
        EntryKind::Opened { .. } | EntryKind::Closed | EntryKind::Note { .. } => None,
    };
    entries.iter().map(told).collect()
}

/// Puts what came to the last line.
fn follow(line: &mut Vec<u8>, pieces: &[Piece]) {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => line.extend(bytes),
            Piece::Secret(_) => line.push(b'*'),
        }
    }
    let begin = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    line.drain(..begin);
}

/// Returns where a question for a secret ends whose line the device ended itself.
fn answered_question(line: &[u8], came: &[u8]) -> Option<usize> {
    let mut line = line.to_vec();
    for (at, byte) in came.iter().enumerate() {
        if matches!(byte, b'\r' | b'\n') {
            if matches!(Asked::by(&line), Some(Asked::Surely(_)))
                && line.last().is_some_and(|last| matches!(last, b' ' | b':'))
            {
                return Some(at);
            }
            line.clear();
        } else {
            line.push(*byte);
        }
    }
    None
}

/// Takes a line that was sent back out of what came.
fn take_echo_out(entry: &mut Entry, typed: &[u8]) {
    let EntryKind::Received { bytes } = &mut entry.kind else { return };
    let [Piece::Bytes(bytes)] = &mut bytes[..] else { return };
    if !typed.is_empty() && bytes.starts_with(typed) {
        let n_end = bytes[typed.len()..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        bytes.drain(..typed.len() + n_end);
    }
}

/// Moves what was sent to this place, and parts what came there.
fn move_behind(entries: &mut Vec<Entry>, sent: usize, to: usize, offset: usize) {
    let mut moved = entries[sent].clone();
    let mut rest = entries[to].clone();
    moved.at = rest.at;
    if let EntryKind::Sent { bytes, .. } = &moved.kind
        && let [Piece::Bytes(typed)] = &bytes[..]
    {
        // It was seen, and is not what the device says to something else.
        entries[sent + 1..to].iter_mut().for_each(|entry| take_echo_out(entry, typed.trim_ascii_end()));
    }
    if let (EntryKind::Received { bytes: before }, EntryKind::Received { bytes: behind }) =
        (&mut entries[to].kind, &mut rest.kind)
        && let ([Piece::Bytes(before)], [Piece::Bytes(behind)]) = (&mut before[..], &mut behind[..])
    {
        before.truncate(offset);
        behind.drain(..offset);
    }
    let is_empty = matches!(&entries[to].kind, EntryKind::Received { bytes } if bytes.iter().all(Piece::is_empty));
    entries.splice(to + 1..to + 1, [moved, rest]);
    if is_empty {
        entries.remove(to);
    }
    entries.remove(sent);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(happened: &[&str]) -> Vec<String> {
        let mut text = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n".to_string();
        for (i, line) in happened.iter().enumerate() {
            let (sign, bytes) = line.split_once(' ').expect("a sign and a text");
            let took = if sign == ">" { " +0.000000000" } else { "" };
            text += &format!("{i}.000000000 {sign}{took} \"{bytes}\"\n");
        }
        let ordered = behind_questions(&Recording::read(&text).expect("it is right")).render();
        let line = |line: &str| line.split_once(' ').map(|(_, what)| what.replace("+0.000000000 ", ""));
        ordered.lines().skip(4).filter_map(line).collect()
    }

    #[test]
    fn a_password_that_was_typed_ahead_stands_behind_its_prompt() {
        let happened = ["< login: ", "> root\\r", "< root\\r\\n", "> pw\\r", "< Password: ", "< \\r\\n# ", "> ls\\r"];
        let expected = [
            "< \"login: \"",
            "> \"root\\r\"",
            "< \"root\\r\\n\"",
            "< \"Password: \"",
            "> \"pw\\r\"",
            "< \"\\r\\n# \"",
            "> \"ls\\r\"",
        ];
        assert_eq!(in_order(&happened), expected);
        let seen =
            ["< login: ", "> root\\r", "> pw\\r", "< root\\r\\n", "< pw\\r\\n", "< Password: \\r\\n# ", "> ls\\r"];
        assert!(!in_order(&seen).contains(&"< \"pw\\r\\n\"".to_string()), "{:?}", in_order(&seen));
    }

    #[test]
    fn what_was_typed_at_a_prompt_stays_where_it_is() {
        for happened in [
            &["< # ", "> su\\r", "< su\\r\\nPassword: ", "< \\r\\nno\\r\\n# ", "> ls\\r"][..],
            &["> AT\\r", "< Enter PIN:\\r\\n", "> 1234\\r", "< OK\\r\\n"],
        ] {
            let expected: Vec<String> = happened.iter().map(|line| line.replacen(' ', " \"", 1) + "\"").collect();
            assert_eq!(in_order(happened), expected);
        }
    }
}
