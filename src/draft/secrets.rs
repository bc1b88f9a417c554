//! Finds what is secret in recordings, and puts a name in its place: what was typed where a password was asked for, and what a
//! person says is secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::session::shown;
use crate::pattern::{Fit, Regex};
use crate::record::{Entry, EntryKind, Mask, Piece, Recording};
use crate::secret::{Asked, can_be_masked, without_sequences};

/// All secrets that were found here have this length in what is drafted: how long a password is tells something of it.
const LENGTH: usize = 8;

/// What a person says is secret.
#[derive(Debug)]
pub(crate) struct Sought(Arc<Regex>);

impl Sought {
    /// Reads a regex. What it finds in a line is secret: its named groups by their names, else its first group or all of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn read(regex: &str) -> Result<Sought, String> {
        let regex = Regex::new(regex, "", Fit::Within)?;
        if regex.is_match(b"") {
            return Err("it finds an empty text, and that is no secret".to_string());
        }
        Ok(Sought(regex))
    }

    /// Returns what is secret in a line, with its name.
    pub(crate) fn find(&self, line: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for captures in self.0.captures_iter(line) {
            let named = self.0.capture_names().flatten().filter_map(|name| Some((name, captures.name(name)?)));
            let named: Vec<(String, Vec<u8>)> =
                named.map(|(name, group)| (name.to_string(), group.as_bytes().to_vec())).collect();
            match named.is_empty() {
                false => found.extend(named),
                true => {
                    let value = captures.get(1).or(captures.get(0)).map(|found| found.as_bytes().to_vec());
                    found.extend(value.map(|value| ("secret".to_string(), value)));
                }
            }
        }
        found.retain(|(_, value)| !value.is_empty());
        found
    }
}

/// The secrets of one recording, by the order in which they were found: name, value.
#[derive(Debug, Default)]
struct Lifted {
    known: Vec<(Arc<str>, Vec<u8>)>,
    /// Those that are hidden only where they were typed: words that the device had said before.
    words: Vec<(Arc<str>, Vec<u8>)>,
}

impl Lifted {
    fn learn(&mut self, name: &str, value: &[u8], is_word: bool) -> Arc<str> {
        if let Some((name, _)) = self.all().find(|(_, known)| known == value) {
            return name.clone();
        }
        let is_taken = |name: &str| self.all().any(|(known, _)| **known == *name);
        let mut free = name.to_string();
        let mut n = 1;
        while is_taken(&free) {
            n += 1;
            free = format!("{name}_{n}");
        }
        let name: Arc<str> = Arc::from(free);
        let list = if is_word { &mut self.words } else { &mut self.known };
        list.push((name.clone(), value.to_vec()));
        name
    }

    fn all(&self) -> impl Iterator<Item = &(Arc<str>, Vec<u8>)> {
        self.known.iter().chain(&self.words)
    }

    /// Returns what a person is to know.
    fn notes(&self) -> Vec<String> {
        let word = |name: &Arc<str>| {
            format!(
                "what was typed for `{name}` is a word that the device says too, and is hidden only where it was typed"
            )
        };
        let short =
            |name: &Arc<str>| format!("what was typed for `{name}` is short, and is hidden only where it was typed");
        let words = self.words.iter().map(|(name, _)| word(name));
        let known = self.known.iter().filter(|(_, value)| !can_be_masked(value));
        words.chain(known.map(|(name, _)| short(name))).collect()
    }
}

/// Whether what stands at the end asks for a secret.
pub(super) fn is_asked_for(shown: &[u8]) -> bool {
    let rest = shown.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    Asked::by(rest).is_some()
}

/// Returns the recordings of one run, one for each port, without the secrets that stand in any of them, and what a person is to know.
pub(super) fn without_secrets(ports: &[Recording], sought: &[Sought]) -> (Vec<Recording>, Vec<String>) {
    let mut lifted = Lifted::default();
    let named: Vec<Recording> = ports.iter().map(|recording| lift(recording, sought, &mut lifted)).collect();
    let mut masked: Vec<Recording> = named.iter().map(|recording| recording.masked(&lifted.known)).collect();
    hide_lengths(&mut masked, &lifted);
    for entry in masked.iter_mut().flat_map(|recording| &mut recording.entries) {
        if let EntryKind::Note { text } = &mut entry.kind {
            for (name, value) in &lifted.known {
                if let Ok(value) = std::str::from_utf8(value) {
                    *text = text.replace(value, &format!("«{name}»"));
                }
            }
        }
    }
    (masked, lifted.notes())
}

/// Finds the secrets of one port. Where one was asked for, its name stands in what is returned.
fn lift(recording: &Recording, sought: &[Sought], lifted: &mut Lifted) -> Recording {
    let mut recording = recording.clone();
    let (mut heard, mut sent): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let hidden = hidden_lines(&recording.entries);
    for (at, entry) in recording.entries.iter_mut().enumerate() {
        match &mut entry.kind {
            EntryKind::Received { bytes } => heard.extend(shown(bytes)),
            EntryKind::Sent { bytes, .. } => {
                let rest = heard.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
                let asked = Asked::by(rest).map(|asked| asked.name().to_string());
                let wanted = asked.or_else(|| hidden.get(&at).cloned());
                if let (Some(name), [Piece::Bytes(typed)]) = (wanted, &bytes[..]) {
                    let n = typed.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
                    if n > 0 {
                        let name = lifted.learn(&name, &typed[..n], is_word(&typed[..n], &heard, &sent));
                        let mask = Mask { name: name.to_string(), form: "plain".to_string(), len: n };
                        *bytes = vec![Piece::Secret(mask), Piece::Bytes(typed[n..].to_vec())];
                    }
                }
                heard.extend(shown(bytes));
                heard.push(b'\n');
                sent.extend(shown(bytes));
            }
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => {}
        }
    }
    for line in heard.split(|byte| matches!(byte, b'\n' | b'\r')) {
        for (name, value) in sought.iter().flat_map(|sought| sought.find(line)) {
            lifted.learn(&name, &value, false);
        }
    }
    recording
}

/// Whether the device had said this as a word before anybody typed it: to hide it everywhere would tell more than it hides.
fn is_word(value: &[u8], heard: &[u8], sent: &[u8]) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let has = |text: &[u8]| text.windows(value.len()).any(|part| part == value);
    let mut places = heard.windows(value.len()).enumerate().filter(|(_, part)| *part == value);
    value.iter().all(u8::is_ascii_alphabetic)
        && !has(sent)
        && places.any(|(at, _)| !is_letter(heard.get(at.wrapping_sub(1))) && !is_letter(heard.get(at + value.len())))
}

/// A line that was typed.
struct Typed {
    /// Which entry.
    at: usize,
    /// What stood in the line before it, and the last whole line.
    rest: Vec<u8>,
    before: Vec<u8>,
    seen: Seen,
}

/// What a device shows of what is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Letters,
    Stars,
    Nothing,
}

/// Finds lines that the device did not show though it shows others: they are secret, whatever was asked. Returns their names.
fn hidden_lines(entries: &[Entry]) -> BTreeMap<usize, String> {
    let typed = typed_lines(entries);
    let count = |seen: Seen| typed.iter().filter(|typed| typed.seen == seen).count();
    let shows_most = count(Seen::Letters) >= 2 && count(Seen::Letters) > count(Seen::Nothing);
    let is_usual = |rest: &[u8]| typed.iter().any(|typed| typed.seen == Seen::Letters && typed.rest == rest);
    let name = |typed: &Typed| {
        let asked_before = match Asked::by(&typed.before) {
            Some(asked @ Asked::Surely(_)) if typed.rest.is_empty() => Some(asked.name().to_string()),
            Some(_) | None => None,
        };
        match typed.seen {
            Seen::Letters => None,
            Seen::Stars => Some(asked_before.unwrap_or_else(|| word_of(&typed.rest))),
            Seen::Nothing if asked_before.is_some() => asked_before,
            Seen::Nothing => {
                (shows_most && !is_usual(&typed.rest) && is_question(&typed.rest)).then(|| word_of(&typed.rest))
            }
        }
    };
    typed.iter().filter_map(|typed| Some((typed.at, name(typed)?))).collect()
}

/// Returns the lines that were typed, and what was seen of each.
fn typed_lines(entries: &[Entry]) -> Vec<Typed> {
    let mut lines = Vec::new();
    let (mut rest, mut before): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        match &entry.kind {
            EntryKind::Received { bytes } => {
                for byte in shown(bytes) {
                    match byte {
                        b'\r' | b'\n' if rest.is_empty() => {}
                        b'\r' | b'\n' => before = std::mem::take(&mut rest),
                        byte => rest.push(byte),
                    }
                }
            }
            EntryKind::Sent { bytes, .. } => {
                let (rest, before) = (std::mem::take(&mut rest), std::mem::take(&mut before));
                if let [Piece::Bytes(bytes)] = &bytes[..]
                    && let Some(typed) = bytes.strip_suffix(b"\n").or(bytes.strip_suffix(b"\r"))
                    && !typed.trim_ascii().is_empty()
                {
                    let seen = seen_of(typed.trim_ascii_end(), &entries[at + 1..]);
                    lines.push(Typed { at, rest: without_sequences(&rest), before, seen });
                }
            }
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => {}
        }
    }
    lines
}

/// Returns what the device shows of a line that was typed.
fn seen_of(typed: &[u8], behind: &[Entry]) -> Seen {
    let came = behind.iter().map_while(|entry| match &entry.kind {
        EntryKind::Received { bytes } => Some(shown(bytes)),
        EntryKind::Note { .. } => Some(Vec::new()),
        EntryKind::Sent { .. } | EntryKind::Opened { .. } | EntryKind::Closed => None,
    });
    let came: Vec<u8> = came.flatten().take(typed.len() * 4 + 256).collect();
    let first = came.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty()).unwrap_or_default();
    let is_covered = first.len() >= typed.len().min(4) && first.iter().all(|byte| *byte == b'*');
    let letters = |text: &[u8]| -> Vec<u8> {
        text.iter().copied().filter(|byte| byte.is_ascii_graphic() || *byte >= 0x80).collect()
    };
    let (sent, came) = (letters(typed), letters(&without_sequences(&came)));
    if is_covered && !typed.starts_with(b"*") {
        Seen::Stars
    } else if came.windows(sent.len().max(1)).any(|part| part == sent) {
        Seen::Letters
    } else {
        Seen::Nothing
    }
}

/// Whether a text asks for something: `Geheimwort: `.
fn is_question(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    text.ends_with([':', '\u{ff1a}', '?', '\u{ff1f}']) && text.chars().filter(|c| c.is_alphabetic()).count() > 1
}

/// Returns the name of what is asked for: the last word of the question.
fn word_of(question: &[u8]) -> String {
    let question = String::from_utf8_lossy(question).to_lowercase();
    let mut words = question.split(|c: char| !c.is_alphanumeric() && c != '_');
    let word = words.rfind(|word| word.len() > 1).unwrap_or_default();
    let is_name = word.is_ascii() && word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.len() < 24;
    if is_name { word.to_string() } else { "secret".to_string() }
}

/// Gives the secrets that were found here one length, where they stand as they are and nothing else tells theirs.
fn hide_lengths(ports: &mut [Recording], lifted: &Lifted) {
    for (name, _) in lifted.all() {
        let entries = ports.iter_mut().flat_map(|recording| &mut recording.entries);
        let mut masks: Vec<&mut Mask> = entries.flat_map(|entry| masks_of(&mut entry.kind)).collect();
        masks.retain(|mask| *mask.name == **name);
        if masks.iter().all(|mask| matches!(mask.form.as_str(), "plain" | "hex" | "HEX")) {
            masks.into_iter().for_each(|mask| mask.len = if mask.form == "plain" { LENGTH } else { 2 * LENGTH });
        }
    }
}

fn masks_of(kind: &mut EntryKind) -> Vec<&mut Mask> {
    match kind {
        EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } => bytes
            .iter_mut()
            .filter_map(|piece| match piece {
                Piece::Secret(mask) => Some(mask),
                Piece::Bytes(_) => None,
            })
            .collect(),
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(happened: &str, sought: &[&str]) -> String {
        let head = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n";
        let recording = Recording::read(&format!("{head}{happened}")).expect("it is right");
        let sought: Vec<Sought> = sought.iter().map(|regex| Sought::read(regex).expect("it is right")).collect();
        let text = without_secrets(&[recording], &sought).0[0].render();
        text.strip_prefix(head).expect("the head stays").to_string()
    }

    #[test]
    fn what_is_typed_where_a_password_is_asked_for_is_secret_everywhere() {
        let happened = "0.000000000 < \"Password: \"\n1.000000000 > +0.000000000 \"hunter22!\\n\"\n\
                        2.000000000 < \"\\r\\nyou are hunter22!\\r\\nPIN: \"\n3.000000000 > +0.000000000 \"12\\n\"\n";
        assert_eq!(
            lifted(happened, &[]),
            "0.000000000 < \"Password: \"\n1.000000000 > +0.000000000 \"«password/plain#8»\\n\"\n\
             2.000000000 < \"\\r\\nyou are «password/plain#8»\\r\\nPIN: \"\n3.000000000 > +0.000000000 \"«pin/plain#8»\\n\"\n"
        );
    }

    #[test]
    fn what_the_device_does_not_show_is_secret_whatever_it_asked() {
        let keys = "0.000000000 < \"# \"\n1.000000000 > +0.000000000 \"su x\\n\"\n2.000000000 < \"su x\\r\\nGeheimwort: \"\n\
                    3.000000000 > +0.000000000 \"abc123\\n\"\n4.000000000 < \"\\r\\n# \"\n5.000000000 > +0.000000000 \"id\\n\"\n\
                    6.000000000 < \"id\\r\\nabc123\\r\\n# \"\n";
        let masked = lifted(keys, &[]);
        assert!(
            masked.contains("> +0.000000000 \"«geheimwort/plain#8»\\n\"") && !masked.contains("abc123"),
            "{masked}"
        );
        let stars =
            "0.000000000 < \"Code? \"\n1.000000000 > +0.000000000 \"abc123\\n\"\n2.000000000 < \"******\\r\\n\"\n";
        assert!(lifted(stars, &[]).contains("«code/plain#8»"), "{}", lifted(stars, &[]));
        let word = "0.000000000 < \"login: \"\n1.000000000 > +0.000000000 \"root\\n\"\n2.000000000 < \"root\\r\\nPassword: \"\n\
                    3.000000000 > +0.000000000 \"login\\n\"\n4.000000000 < \"\\r\\nLast login: Mon\\r\\n# \"\n";
        let masked = lifted(word, &[]);
        assert!(masked.contains("«password/plain#8»") && masked.contains("Last login: Mon"), "{masked}");
        let next_line =
            "0.000000000 < \"Enter PIN:\\r\\n\"\n1.000000000 > +0.000000000 \"4711\\n\"\n2.000000000 < \"ok\\r\\n\"\n";
        assert!(lifted(next_line, &[]).contains("«pin/plain#8»"), "{}", lifted(next_line, &[]));
        let quiet_shell = "0.000000000 > +0.000000000 \"a1\\n\"\n1.000000000 < \"a1\\r\\n# \"\n2.000000000 > +0.000000000 \"stty -echo\\n\"\n\
                           3.000000000 < \"stty -echo\\r\\nflow> \"\n4.000000000 > +0.000000000 \"ls\\n\"\n5.000000000 < \"b\\r\\nflow> \"\n";
        assert_eq!(lifted(quiet_shell, &[]), quiet_shell);
        let no_echo =
            "0.000000000 > +0.000000000 \"A\\n\"\n1.000000000 < \"name: \"\n2.000000000 > +0.000000000 \"bob\\n\"\n";
        assert_eq!(lifted(no_echo, &[]), no_echo);
    }

    #[test]
    fn what_a_person_calls_secret_is_found_by_its_group() {
        let happened =
            "0.000000000 > +0.000000000 \"AT+KEY=\\\"abcd1234\\\"\\r\"\n1.000000000 < \"key abcd1234\\r\\n\"\n";
        let masked = lifted(happened, &["KEY=\"(?<key>[^\"]*)\""]);
        assert!(masked.contains("AT+KEY=\\\"«key/plain#8»\\\"\\r") && masked.contains("key «key/plain#8»"), "{masked}");
        assert!(Sought::read("a*").is_err() && Sought::read("(").is_err());
    }
}
