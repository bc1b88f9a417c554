//! `Wanted`: what a flow waits for, made of a line as it came in each of the recordings.

use std::ops::Range;

use super::kinds::{Change, Found, Kinds};
use super::session::plain;
use crate::record::{Mask, Piece};

/// What is waited for: parts in order. Without a group and without a secret it is a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub parts: Vec<Part>,
}

/// A part of what is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes.
    Text(Vec<u8>),
    /// A secret.
    Secret(Mask),
    /// Something that changes.
    Group {
        /// What its variable is called, as far as this line tells.
        name: String,
        regex: String,
        /// What it was in each of the recordings.
        values: Vec<Vec<u8>>,
    },
}

impl Wanted {
    /// Returns what is waited for; `None` if the recordings have nothing in common here.
    pub(super) fn of(variants: &[Vec<Piece>], command: &[u8], kinds: &Kinds) -> Option<Wanted> {
        let texts: Option<Vec<Vec<u8>>> = variants.iter().map(|pieces| plain(pieces)).collect();
        let parts = match texts {
            None => with_secrets(&variants[0]),
            Some(texts) if texts.windows(2).all(|pair| pair[0] == pair[1]) => {
                let least = if texts.len() > 1 { Change::Always } else { Change::Perhaps };
                one(&texts, command, kinds, least)
            }
            Some(texts) => several(&texts, command, kinds)?,
        };
        Some(Wanted { parts })
    }

    /// Returns the text, if it is nothing else.
    pub(super) fn text(&self) -> Option<Vec<u8>> {
        match &self.parts[..] {
            [] => Some(Vec::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether something in it changes.
    pub(super) fn has_groups(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Group { .. }))
    }
}

fn with_secrets(pieces: &[Piece]) -> Vec<Part> {
    let part = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => Part::Text(bytes.clone()),
        Piece::Secret(mask) => Part::Secret(mask.clone()),
    };
    pieces.iter().map(part).collect()
}

/// Returns the parts of a line that is the same in all recordings.
fn one(texts: &[Vec<u8>], command: &[u8], kinds: &Kinds, least: Change) -> Vec<Part> {
    let line = &texts[0];
    let mut found = kinds.find(line, command);
    // Of one recording everything that may change is taken to change; of several only what is of one moment.
    found.retain(|found| found.change == Change::Always || least == Change::Perhaps);
    let groups = found.into_iter().map(|found| {
        let values = texts.iter().map(|text| text[found.range.clone()].to_vec()).collect();
        let name = name_of(line, command, &found);
        (found.range.clone(), Part::Group { name, regex: found.regex.to_string(), values })
    });
    parts_of(line, groups)
}

fn parts_of(line: &[u8], groups: impl Iterator<Item = (Range<usize>, Part)>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    for (range, group) in groups {
        if range.start > at {
            parts.push(Part::Text(line[at..range.start].to_vec()));
        }
        parts.push(group);
        at = range.end;
    }
    if at < line.len() {
        parts.push(Part::Text(line[at..].to_vec()));
    }
    parts
}

/// What a line is made of: words and values, and each sign between them.
fn tokens(line: &[u8], found: &[Found]) -> Vec<Range<usize>> {
    let mut tokens: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let end = match found.iter().find(|found| found.range.start == at) {
            Some(found) => found.range.end,
            None => {
                let limit = found.iter().map(|found| found.range.start).find(|start| *start > at).unwrap_or(line.len());
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
                let n = line[at..limit].iter().take_while(|byte| is_word(byte)).count();
                at + n.max(1)
            }
        };
        tokens.push(at..end);
        at = end;
    }
    tokens
}

/// Returns the parts of a line that was another in each recording.
fn several(texts: &[Vec<u8>], command: &[u8], kinds: &Kinds) -> Option<Vec<Part>> {
    let found: Vec<Vec<Found>> = texts.iter().map(|text| kinds.find(text, command)).collect();
    let all: Vec<Vec<Range<usize>>> = texts.iter().zip(&found).map(|(text, found)| tokens(text, found)).collect();
    let token = |text: usize, at: usize| &texts[text][all[text][at].clone()];
    let n_least = all.iter().map(Vec::len).min().unwrap_or(0);
    let is_same = |at: usize, back: bool| {
        let place = |text: usize| if back { all[text].len() - 1 - at } else { at };
        (1..texts.len()).all(|text| token(text, place(text)) == token(0, place(0)))
    };
    let first = &texts[0];
    let kind_at = |at: usize| found[0].iter().find(|found| found.range == all[0][at]);
    let mut groups = Vec::new();
    if all.iter().all(|tokens| tokens.len() == n_least) {
        for (at, range) in all[0].iter().cloned().enumerate() {
            let kind = kind_at(at);
            if is_same(at, false) && kind.is_none_or(|kind| kind.change == Change::Perhaps) {
                continue;
            }
            let values: Vec<Vec<u8>> = (0..texts.len()).map(|text| token(text, at).to_vec()).collect();
            let is_of_kind = |kind: &&Found| {
                (1..texts.len())
                    .all(|text| found[text].iter().any(|other| other.range == all[text][at] && other.name == kind.name))
            };
            let kind = kind.filter(is_of_kind);
            let (front, back) = if kind.is_some() { (0, 0) } else { common_ends(&values) };
            let values: Vec<Vec<u8>> = values.iter().map(|value| value[front..value.len() - back].to_vec()).collect();
            let range = range.start + front..range.end - back;
            let (regex, word) = match kind {
                Some(kind) => (kind.regex.to_string(), kind.name),
                None => class_of(&values)?,
            };
            let name =
                name_of(first, command, &Found { range: range.clone(), name: word, regex: "", change: Change::Always });
            groups.push((range, Part::Group { name, regex, values }));
        }
    } else {
        let n_front = (0..n_least).take_while(|at| is_same(*at, false)).count();
        let n_back = (0..n_least - n_front).take_while(|at| is_same(*at, true)).count();
        let middle = |text: usize| {
            let tokens = &all[text];
            let start = tokens.get(n_front).map_or(texts[text].len(), |token| token.start);
            let end = if n_back == 0 { texts[text].len() } else { tokens[tokens.len() - n_back].start };
            start..end.max(start)
        };
        let values = (0..texts.len()).map(|text| texts[text][middle(text)].to_vec()).collect();
        let range = middle(0);
        let name =
            name_of(first, command, &Found { range: range.clone(), name: "value", regex: "", change: Change::Always });
        groups.push((range, Part::Group { name, regex: ".*".to_string(), values }));
    }
    let parts = parts_of(first, groups.into_iter());
    let n_fixed: usize = parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum();
    // A line of which nothing is known would fit any.
    let is_told =
        n_fixed > 1 || parts.iter().any(|part| matches!(part, Part::Group { regex, .. } if !regex.starts_with('.')));
    is_told.then_some(parts)
}

/// Returns a regex that fits all of these, and a name for them; `None` if they have nothing in common.
fn class_of(values: &[Vec<u8>]) -> Option<(String, &'static str)> {
    let all = |is: &dyn Fn(&u8) -> bool| values.iter().all(|value| !value.is_empty() && value.iter().all(is));
    let has_digit = values.iter().all(|value| value.iter().any(u8::is_ascii_digit));
    if all(&u8::is_ascii_digit) {
        Some((r"\d+".to_string(), "number"))
    } else if all(&u8::is_ascii_hexdigit) && has_digit {
        Some((r"[0-9A-Fa-f]+".to_string(), "hex"))
    } else if all(&|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        Some((r"\w+".to_string(), "word"))
    } else if all(&|byte| !byte.is_ascii_whitespace()) && values.iter().all(|value| value.len() > 1) {
        Some((r"\S+".to_string(), "value"))
    } else {
        None
    }
}

/// Returns what the variable of a value is called: by the word before it, or by its kind.
fn name_of(line: &[u8], command: &[u8], found: &Found) -> String {
    let is_plain = matches!(
        found.name,
        "number" | "hex" | "word" | "value" | "address" | "span" | "reading" | "ip" | "time" | "voltage" | "current"
    );
    let own = found.name.to_string();
    if !is_plain {
        return own;
    }
    let before = &line[..found.range.start];
    let trimmed = |text: &[u8]| -> usize {
        text.iter().rposition(|byte| !matches!(byte, b' ' | b'"' | b'\'' | b'(' | b'[' | b'\t')).map_or(0, |at| at + 1)
    };
    let before = &before[..trimmed(before)];
    let Some(before) = before.strip_suffix(b":").or_else(|| before.strip_suffix(b"=")) else {
        let is_open = matches!(found.name, "number" | "word" | "value" | "hex");
        let beside = if is_open { word_beside(line, &found.range) } else { None };
        let asked = if is_open { word_asked(line, command) } else { None };
        return beside.or(asked).unwrap_or_else(|| if is_open && own != "hex" { "value".to_string() } else { own });
    };
    let before = &before[..trimmed(before)];
    let n = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    let word: String = before[before.len() - n..]
        .iter()
        .map(|byte| if *byte == b'-' { '_' } else { char::from(byte.to_ascii_lowercase()) })
        .collect();
    let word = word.trim_matches('_');
    if word.len() > 1 && word.len() < 24 && word.starts_with(|c: char| c.is_ascii_lowercase()) {
        word.to_string()
    } else {
        own
    }
}

/// Returns the word behind a value, as in `3 users`, or the one before it, as in `CONNACK 17`.
fn word_beside(line: &[u8], range: &Range<usize>) -> Option<String> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    let behind = line[range.end..].strip_prefix(b" ").map(|text| {
        let n = text.iter().take_while(|byte| is_letter(byte)).count();
        &text[..n]
    });
    let before = line[..range.start].strip_suffix(b" ").map(|text| {
        let n = text.iter().rev().take_while(|byte| is_letter(byte)).count();
        &text[text.len() - n..]
    });
    let words = [behind, before].into_iter().flatten();
    let mut words = words.filter(|word| (3..20).contains(&word.len()));
    words.next().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
}

/// Returns what an answer of a module is called: `+CREG: 0,1` is `creg`, and so is what `AT+CREG` is answered with.
fn word_asked(line: &[u8], command: &[u8]) -> Option<String> {
    let word_of = |text: &[u8]| {
        let n = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        (2..17).contains(&n).then(|| (String::from_utf8_lossy(&text[..n]).to_ascii_lowercase(), n))
    };
    let told = line.strip_prefix(b"+").and_then(word_of);
    let told = told.filter(|(_, n)| line.get(n + 1) == Some(&b':')).map(|(word, _)| word);
    told.or_else(|| word_of(command.strip_prefix(b"AT+")?).map(|(word, _)| word))
}

/// Returns how much of the beginning and of the end two or more words have in common, without a part of a number.
fn common_ends(values: &[Vec<u8>]) -> (usize, usize) {
    let is_hex = values.iter().all(|value| value.iter().all(u8::is_ascii_hexdigit));
    let shortest = values.iter().map(Vec::len).min().unwrap_or(0);
    if is_hex || shortest < 4 {
        return (0, 0);
    }
    let first = &values[0];
    let mut front = (0..shortest).take_while(|at| values.iter().all(|value| value[*at] == first[*at])).count();
    while front > 0 && first[front - 1].is_ascii_digit() {
        front -= 1;
    }
    let back_at = |value: &Vec<u8>, at: usize| value[value.len() - 1 - at];
    let mut back = (0..shortest - front)
        .take_while(|at| values.iter().all(|value| back_at(value, *at) == back_at(first, *at)))
        .count();
    while back > 0 && first[first.len() - back].is_ascii_digit() {
        back -= 1;
    }
    (front, back)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is waited for, with `<name:regex>` for what changes.
    fn wanted(variants: &[&str], command: &str) -> Option<String> {
        let pieces: Vec<Vec<Piece>> =
            variants.iter().map(|text| vec![Piece::Bytes(text.as_bytes().to_vec())]).collect();
        let wanted = Wanted::of(&pieces, command.as_bytes(), &Kinds::new())?;
        let part = |part: &Part| match part {
            Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Part::Secret(mask) => format!("«{}»", mask.name),
            Part::Group { name, regex, .. } => format!("<{name}:{regex}>"),
        };
        Some(wanted.parts.iter().map(part).collect())
    }

    #[test]
    fn one_recording_tells_what_changes_by_how_it_looks() {
        assert_eq!(wanted(&["+CSQ: 21,0"], "AT+CSQ").as_deref(), Some(r"+CSQ: <rssi:\d+>,<ber:\d+>"));
        assert_eq!(wanted(&["gateway: 10.0.0.1"], "ip").as_deref(), Some(r"gateway: <gateway:\d+\.\d+\.\d+\.\d+>"));
        assert_eq!(wanted(&["MemFree:  1234567 kB"], "free").as_deref(), Some(r"MemFree:  <memfree:\d+> kB"));
        assert_eq!(wanted(&["OK"], "AT").as_deref(), Some("OK"));
    }

    #[test]
    fn what_differs_between_recordings_changes() {
        assert_eq!(wanted(&["took 12 turns", "took 7 turns"], "x").as_deref(), Some(r"took <turns:\d+> turns"));
        assert_eq!(wanted(&["CONNACK 17", "CONNACK 9"], "x").as_deref(), Some(r"CONNACK <connack:\d+>"));
        assert_eq!(wanted(&["Air_V5664_AT", "Air_V5670_AT"], "AT+CGMR").as_deref(), Some(r"Air_V<cgmr:\d+>_AT"));
        assert_eq!(wanted(&["+CREG: 0,1", "+CREG: 0,5"], "AT+CREG?").as_deref(), Some(r"+CREG: 0,<creg:\d+>"));
        assert_eq!(wanted(&["id=ab12", "id=9f00"], "x").as_deref(), Some("id=<id:[0-9A-Fa-f]+>"));
        assert_eq!(wanted(&["state: idle", "state: busy"], "x").as_deref(), Some(r"state: <state:\w+>"));
        assert_eq!(wanted(&["files: a b", "files: a b c"], "x").as_deref(), Some("files: a b<value:.*>"));
        assert_eq!(wanted(&["1.5 V", "12.25 V"], "x").as_deref(), Some(r"<voltage:-?\d+(?:\.\d+)?> V"));
    }

    #[test]
    fn what_is_the_same_in_all_and_only_may_change_is_as_it_is() {
        assert_eq!(wanted(&["at 0x1000", "at 0x1000"], "x").as_deref(), Some("at 0x1000"));
        let imei = "866192037701234";
        assert_eq!(wanted(&[imei, imei], "AT+CGSN").as_deref(), Some(imei));
    }

    #[test]
    fn what_is_of_one_moment_changes_though_it_is_the_same_in_all() {
        let date = "2026-11-30";
        assert_eq!(wanted(&[date, date], "date").as_deref(), Some(r"<date:\d{4}[\/-]\d\d[\/-]\d\d>"));
        assert_eq!(wanted(&["+CSQ: 21,0", "+CSQ: 21,0"], "x").as_deref(), Some(r"+CSQ: <rssi:\d+>,<ber:\d+>"));
        assert_eq!(wanted(&["pid: 812", "pid: 812"], "x").as_deref(), Some(r"pid: <pid:\d+>"));
    }

    #[test]
    fn lines_with_nothing_in_common_are_not_waited_for() {
        assert_eq!(wanted(&["good morning", "see you later, alligator"], "x"), None);
    }
}
