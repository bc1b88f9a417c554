//! `in_turn`: a recording in which each line is sent when the device takes it, though it was typed ahead.
//!
//! Who pastes several lines, or types while the device still answers, is ahead of it. Its echo tells when the device took a line:
//! what came before the echo belongs to something earlier. A device without an echo is told by the results of AT commands.

use super::screen::shown_line;
use crate::record::{Entry, EntryKind, Piece, Recording};
use crate::value::literal::is_frame;

/// An echo that has not come after so much was never sent back.
const FARTHEST: usize = 16 << 10;

/// Returns the recording with each line before its echo.
pub(super) fn in_turn(recording: &Recording) -> Recording {
    let whole = parted(&recording.entries, is_only_echo, by_prompts);
    let mut entries = whole.clone();
    let mut at = 0;
    let mut begin = (0, 0);
    while at < entries.len() {
        let next = at + 1;
        if let Some(line) = line_of(&entries[at])
            && let Some((entry, offset)) = find_echo(&entries, begin.max((next, 0)), &line)
        {
            begin = (entry, offset + line.len());
            if is_anything_before(&entries, next, (entry, offset)) {
                begin = move_behind(&mut entries, at, (entry, offset), line.len());
                // The next one stands where this one stood.
                continue;
            }
        }
        at = next;
    }
    // Where a line is found in the answer to another, nothing is known.
    let is_in_order = sent(&entries).eq(sent(&whole));
    let entries = if is_in_order { entries } else { whole };
    Recording { entries: parted(&entries, |came, _| came.is_empty(), by_results), ..recording.clone() }
}

/// Returns what was sent, in order.
fn sent(entries: &[Entry]) -> impl Iterator<Item = &[Piece]> {
    entries.iter().filter_map(|entry| match &entry.kind {
        EntryKind::Sent { bytes, .. } => Some(&bytes[..]),
        EntryKind::Opened { .. } | EntryKind::Received { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
    })
}

/// Returns what was sent as a line, if it has an echo that can be told.
fn line_of(entry: &Entry) -> Option<Vec<u8>> {
    let EntryKind::Sent { bytes, .. } = &entry.kind else { return None };
    let [Piece::Bytes(bytes)] = &bytes[..] else { return None };
    if is_frame(bytes) {
        return None;
    }
    let line =
        bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\r")).or_else(|| bytes.strip_suffix(b"\n"))?;
    (!line.trim_ascii().is_empty()).then(|| line.to_vec())
}

/// Finds a line that is this and nothing else: the entry in which it begins, and where.
fn find_echo(entries: &[Entry], (first, offset): (usize, usize), line: &[u8]) -> Option<(usize, usize)> {
    let mut came: Vec<u8> = Vec::new();
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate().skip(first) {
        match &entry.kind {
            EntryKind::Received { bytes } => {
                let mut place = 0;
                for piece in bytes {
                    match piece {
                        Piece::Bytes(bytes) => {
                            for byte in bytes {
                                if at > first || place >= offset {
                                    came.push(*byte);
                                    places.push((at, place));
                                }
                                place += 1;
                            }
                        }
                        // What is secret is no line end, and no command that is looked for.
                        Piece::Secret(_) => {
                            came.push(0);
                            places.push((at, place));
                        }
                    }
                }
            }
            EntryKind::Closed | EntryKind::Opened { .. } => break,
            EntryKind::Sent { .. } | EntryKind::Note { .. } => {}
        }
        if came.len() > FARTHEST {
            break;
        }
    }
    let is_end = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b'\r' | b'\n'));
    let starts = (0..came.len()).filter(|at| *at == 0 || is_end(came.get(*at - 1)));
    let mut found = starts.filter(|at| came[*at..].starts_with(line) && is_end(came.get(*at + line.len())));
    found.next().map(|at| places[at])
}

/// Whether something that is seen came before this place.
fn is_anything_before(entries: &[Entry], from: usize, (to, offset): (usize, usize)) -> bool {
    let is_seen = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_graphic);
    entries.iter().enumerate().take(to + 1).skip(from).any(|(at, entry)| match &entry.kind {
        EntryKind::Received { bytes } => match &bytes[..] {
            [Piece::Bytes(bytes)] if at == to => is_seen(&bytes[..offset.min(bytes.len())]),
            pieces => pieces.iter().any(|piece| match piece {
                Piece::Bytes(bytes) => is_seen(bytes),
                Piece::Secret(_) => true,
            }),
        },
        EntryKind::Sent { .. } | EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => false,
    })
}

/// Moves what was sent to this place, and parts what came there; returns where its echo ends.
fn move_behind(entries: &mut Vec<Entry>, sent: usize, (to, offset): (usize, usize), n: usize) -> (usize, usize) {
    let mut moved = entries[sent].clone();
    let mut rest = entries[to].clone();
    moved.at = rest.at;
    let mut n_parts = 0;
    if let (EntryKind::Received { bytes: before }, EntryKind::Received { bytes: behind }) =
        (&mut entries[to].kind, &mut rest.kind)
        && let ([Piece::Bytes(before)], [Piece::Bytes(behind)]) = (&mut before[..], &mut behind[..])
        && offset > 0
        && offset < before.len()
    {
        before.truncate(offset);
        behind.drain(..offset);
        n_parts = 1;
    }
    if n_parts == 1 {
        entries.splice(to + 1..to + 1, [moved, rest]);
        entries.remove(sent);
        (to + 1, n)
    } else {
        entries.insert(to, moved);
        entries.remove(sent);
        (to, offset + n)
    }
}

/// Says which of what came for several lines that were sent at once belongs to which.
type Parts = fn(&[Entry], &[Entry]) -> Option<Vec<Entry>>;

/// Whether two lines were sent at once, though this came between them; the text is the first line.
type AtOnce = fn(&[Entry], &[u8]) -> bool;

/// Parts what came for several lines that were sent at once.
fn parted(entries: &[Entry], is_at_once: AtOnce, parts: Parts) -> Vec<Entry> {
    let is_received = |entry: &Entry| matches!(entry.kind, EntryKind::Received { .. });
    let mut out: Vec<Entry> = Vec::new();
    let mut at = 0;
    while at < entries.len() {
        let (mut sent, mut came, mut end) = (vec![entries[at].clone()], Vec::new(), at + 1);
        while let Some(line) = sent.last().and_then(line_of) {
            let n = entries[end..].iter().take_while(|entry| is_received(entry)).count();
            let between = &entries[end..end + n];
            let next = entries.get(end + n).filter(|next| line_of(next).is_some());
            match next {
                Some(next) if n == 0 || is_at_once(between, &line) => {
                    came.extend_from_slice(between);
                    sent.push(next.clone());
                    end += n + 1;
                }
                Some(_) | None => {
                    came.extend_from_slice(between);
                    end += n;
                    break;
                }
            }
        }
        match if sent.len() > 1 { parts(&sent, &came) } else { None } {
            Some(found) => {
                out.extend(found);
                at = end;
            }
            None => {
                out.push(entries[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// Whether nothing came but a line, sent back.
fn is_only_echo(came: &[Entry], line: &[u8]) -> bool {
    let Some(text) = plain_text(came) else { return false };
    let lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(shown_line).collect();
    let mut seen = lines.iter().filter(|line| !line.is_empty());
    seen.next().is_some_and(|echo| echo.ends_with(line))
        && seen.next().is_none()
        && lines.last().is_some_and(Vec::is_empty)
}

/// Returns AT commands that were sent at once, each with its answer: each has its `OK` or `ERROR`.
fn by_results(sent: &[Entry], came: &[Entry]) -> Option<Vec<Entry>> {
    let is_command =
        |entry: &Entry| line_of(entry).is_some_and(|line| line[..line.len().min(2)].eq_ignore_ascii_case(b"AT"));
    let parts = if sent.iter().all(is_command) { parts_by_results(came, sent.len())? } else { return None };
    let mut out: Vec<Entry> = Vec::new();
    for (entry, part) in sent.iter().zip(parts) {
        let at = out.last().map_or(entry.at, |last| last.at.max(entry.at));
        out.push(Entry { at, ..entry.clone() });
        out.extend(part);
    }
    Some(out)
}

/// Returns lines that were sent to a shell at once, each with its answer: the terminal sent all of them back before the first
/// answer, and each answer ends with the prompt.
fn by_prompts(sent: &[Entry], came: &[Entry]) -> Option<Vec<Entry>> {
    let lines: Vec<Vec<u8>> = sent.iter().map(line_of).collect::<Option<_>>()?;
    let (last, text) = (came.last()?, plain_text(came)?);
    if lines.len() < 2 {
        return None;
    }
    let mut at = 0;
    let mut first = 0;
    for (n, line) in lines.iter().enumerate() {
        let end = text[at..].iter().position(|byte| *byte == b'\n')? + at + 1;
        let echoed = text[at..end].trim_ascii_end();
        if !echoed.ends_with(line) || n > 0 && shown_line(echoed) != *line {
            return None;
        }
        if n == 0 {
            first = at + echoed.len() - line.len();
        }
        at = end;
    }
    let prompt = text.rsplit(|byte| *byte == b'\n').next().filter(|prompt| prompt.iter().any(u8::is_ascii_graphic))?;
    let mut answers: Vec<&[u8]> = Vec::new();
    let (mut from, mut place, mut is_start) = (at, at, true);
    while place < text.len() {
        if is_start && text[place..].starts_with(prompt) {
            place += prompt.len();
            answers.push(&text[from..place]);
            from = place;
        } else {
            is_start = text[place] == b'\n';
            place += 1;
        }
    }
    // The prompt for the first line may come behind the echoes.
    let is_late = answers.len() == lines.len() + 1 && answers[0] == prompt;
    if answers.len() != lines.len() && !is_late || from != text.len() {
        return None;
    }
    let received = |at, bytes: &[u8]| Entry {
        at,
        kind: EntryKind::Received { bytes: vec![Piece::Bytes(bytes.to_vec())] },
        ..last.clone()
    };
    // When the text up to a place was there.
    let time = |place: usize| {
        let mut n = 0;
        let mut entries = came.iter();
        let found = entries.find(|entry| {
            n += plain_text(std::slice::from_ref(*entry)).map_or(0, |text| text.len());
            n >= place
        });
        found.unwrap_or(last).at
    };
    let mut place = at;
    let mut out: Vec<Entry> = Vec::new();
    let lead = if is_late { answers.remove(0) } else { &text[..first] };
    if is_late {
        place += lead.len();
    }
    if !lead.is_empty() {
        out.push(received(came[0].at, lead));
    }
    for ((entry, line), answer) in sent.iter().zip(&lines).zip(answers) {
        place += answer.len();
        let at = out.last().map_or(entry.at, |last| last.at.max(entry.at));
        out.push(Entry { at, ..entry.clone() });
        // A line editor shows the line once more behind its prompt.
        let again = answer.strip_prefix(&line[..]).and_then(|rest| rest.strip_prefix(b"\r\n"));
        out.push(received(time(place).max(at), &[line, &b"\r\n"[..], again.unwrap_or(answer)].concat()));
    }
    Some(out)
}

/// Returns what came, if there is no secret in it.
fn plain_text(came: &[Entry]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for entry in came {
        let EntryKind::Received { bytes } = &entry.kind else { return None };
        let [Piece::Bytes(bytes)] = &bytes[..] else { return None };
        text.extend_from_slice(bytes);
    }
    Some(text)
}

/// Returns what came for each command, if there is a result for each.
fn parts_by_results(came: &[Entry], n_commands: usize) -> Option<Vec<Vec<Entry>>> {
    let mut parts: Vec<Vec<Entry>> = vec![Vec::new()];
    let mut line: Vec<u8> = Vec::new();
    for entry in came {
        let EntryKind::Received { bytes } = &entry.kind else { return None };
        let [Piece::Bytes(bytes)] = &bytes[..] else { return None };
        let mut piece: Vec<u8> = Vec::new();
        let put = |parts: &mut Vec<Vec<Entry>>, piece: Vec<u8>| {
            if let Some(part) = parts.last_mut().filter(|_| !piece.is_empty()) {
                part.push(Entry { kind: EntryKind::Received { bytes: vec![Piece::Bytes(piece)] }, ..entry.clone() });
            }
        };
        for byte in bytes {
            piece.push(*byte);
            if *byte != b'\n' {
                line.push(*byte);
                continue;
            }
            let text = line.trim_ascii();
            let is_result =
                matches!(text, b"OK" | b"ERROR") || text.starts_with(b"+CME ERROR") || text.starts_with(b"+CMS ERROR");
            line.clear();
            if is_result && parts.len() < n_commands {
                put(&mut parts, std::mem::take(&mut piece));
                parts.push(Vec::new());
            }
        }
        put(&mut parts, piece);
    }
    (parts.len() == n_commands && parts.iter().all(|part| !part.is_empty())).then_some(parts)
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
        let ordered = in_turn(&Recording::read(&text).expect("it is right")).render();
        Recording::read(&ordered).expect("time does not go back");
        let line = |line: &str| line.split_once(' ').map(|(_, what)| what.replace("+0.000000000 ", ""));
        ordered.lines().skip(4).filter_map(line).collect()
    }

    #[test]
    fn a_line_that_was_typed_ahead_is_sent_before_its_echo() {
        let happened = [
            "> AT\\r",
            "> ATI\\r",
            "> AT\\r",
            "< AT\\r\\r\\nOK\\r\\nATI\\r\\r\\nv1\\r\\n\\r\\nOK\\r\\nAT\\r",
            "< \\r\\nOK\\r\\n",
        ];
        let expected = [
            "> \"AT\\r\"",
            "< \"AT\\r\\r\\nOK\\r\\n\"",
            "> \"ATI\\r\"",
            "< \"ATI\\r\\r\\nv1\\r\\n\\r\\nOK\\r\\n\"",
            "> \"AT\\r\"",
            "< \"AT\\r\"",
            "< \"\\r\\nOK\\r\\n\"",
        ];
        assert_eq!(in_order(&happened), expected);
    }

    #[test]
    fn a_device_without_an_echo_is_told_by_its_results() {
        let happened = ["> AT\\r", "> ATI\\r", "< \\r\\nOK\\r\\n\\r\\nv1\\r\\n", "< \\r\\nOK\\r\\n"];
        let expected =
            ["> \"AT\\r\"", "< \"\\r\\nOK\\r\\n\"", "> \"ATI\\r\"", "< \"\\r\\nv1\\r\\n\"", "< \"\\r\\nOK\\r\\n\""];
        assert_eq!(in_order(&happened), expected);
    }

    #[test]
    fn lines_that_were_pasted_into_a_shell_have_their_prompts() {
        let happened = ["> uname\\r", "> date\\r", "< # ", "< uname\\r\\ndate\\r\\n", "< Linux\\r\\n# Mon\\r\\n# "];
        let expected = [
            "< \"# \"",
            "> \"uname\\r\"",
            "< \"uname\\r\\nLinux\\r\\n# \"",
            "> \"date\\r\"",
            "< \"date\\r\\nMon\\r\\n# \"",
        ];
        assert_eq!(in_order(&happened), expected);
    }

    #[test]
    fn a_line_that_was_typed_while_a_shell_was_busy_is_sent_behind_its_prompt() {
        let by_terminal =
            ["< # ", "> sleep 1\\n", "< sleep 1\\r\\n", "> date\\n", "< date\\r\\n", "< late\\r\\n# Mon\\r\\n# "];
        let expected = [
            "< \"# \"",
            "> \"sleep 1\\n\"",
            "< \"sleep 1\\r\\nlate\\r\\n# \"",
            "> \"date\\n\"",
            "< \"date\\r\\nMon\\r\\n# \"",
        ];
        assert_eq!(in_order(&by_terminal), expected);
        let by_editor = [
            "< # ",
            "> sleep 1\\n",
            "< sleep 1\\r\\n\\x1b[?2004l\\r",
            "> date\\n",
            "< date\\r\\n",
            "< late\\r\\n",
            "< # date\\r\\n",
            "< Mon\\r\\n# ",
        ];
        assert_eq!(in_order(&by_editor), expected);
    }

    #[test]
    fn what_is_in_order_stays_as_it_is() {
        for happened in [
            &["> AT\\r", "< AT\\r\\r\\nOK\\r\\n", "> AT\\r", "< AT\\r\\r\\nOK\\r\\n"][..],
            &["> ls\\n", "< ls\\r\\na\\r\\n$ ", "> cd a\\n", "< cd a\\r\\n$ "],
            &["> a\\n", "< a\\r\\n", "> ls\\n", "< ls\\r\\nb\\r\\n$ "],
            &["> x\\n", "< y\\r\\n", "> z\\n", "< x\\r\\n"],
        ] {
            let expected: Vec<String> = happened.iter().map(|line| line.replacen(' ', " \"", 1) + "\"").collect();
            assert_eq!(in_order(happened), expected);
        }
    }
}
