//! Finds what is secret in recordings, and puts a name in its place: what was typed where a password was asked for, and what a
//! person says is secret.

use std::sync::Arc;

use super::session::shown;
use crate::pattern::{Fit, Regex};
use crate::record::{EntryKind, Mask, Piece, Recording};
use crate::secret::Asked;

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
}

impl Lifted {
    fn learn(&mut self, name: &str, value: &[u8]) -> Arc<str> {
        if let Some((name, _)) = self.known.iter().find(|(_, known)| known == value) {
            return name.clone();
        }
        let is_taken = |name: &str| self.known.iter().any(|(known, _)| **known == *name);
        let mut free = name.to_string();
        let mut n = 1;
        while is_taken(&free) {
            n += 1;
            free = format!("{name}_{n}");
        }
        let name: Arc<str> = Arc::from(free);
        self.known.push((name.clone(), value.to_vec()));
        name
    }
}

/// Whether what stands at the end asks for a secret.
pub(super) fn is_asked_for(shown: &[u8]) -> bool {
    let rest = shown.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    Asked::by(rest).is_some()
}

/// Returns a recording of whole lines without the secrets that stand in it.
pub(super) fn without_secrets(recording: &Recording, sought: &[Sought]) -> Recording {
    let mut recording = recording.clone();
    let mut lifted = Lifted::default();
    let mut heard: Vec<u8> = Vec::new();
    for entry in &mut recording.entries {
        match &mut entry.kind {
            EntryKind::Received { bytes } => heard.extend(shown(bytes)),
            EntryKind::Sent { bytes, .. } => {
                let rest = heard.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
                let wanted = Asked::by(rest).map(Asked::name);
                if let (Some(name), [Piece::Bytes(typed)]) = (wanted, &bytes[..]) {
                    let n = typed.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
                    if n > 0 {
                        let name = lifted.learn(name, &typed[..n]);
                        let mask = Mask { name: name.to_string(), form: "plain".to_string(), len: n };
                        *bytes = vec![Piece::Secret(mask), Piece::Bytes(typed[n..].to_vec())];
                    }
                }
                heard.extend(shown(bytes));
                heard.push(b'\n');
            }
            EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => {}
        }
    }
    for line in heard.split(|byte| matches!(byte, b'\n' | b'\r')) {
        for (name, value) in sought.iter().flat_map(|sought| sought.find(line)) {
            lifted.learn(&name, &value);
        }
    }
    let mut masked = recording.masked(&lifted.known);
    hide_lengths(&mut masked, &lifted);
    for entry in &mut masked.entries {
        if let EntryKind::Note { text } = &mut entry.kind {
            for (name, value) in &lifted.known {
                if let Ok(value) = std::str::from_utf8(value) {
                    *text = text.replace(value, &format!("«{name}»"));
                }
            }
        }
    }
    masked
}

/// Gives the secrets that were found here one length, where they stand as they are and nothing else tells theirs.
fn hide_lengths(recording: &mut Recording, lifted: &Lifted) {
    for (name, _) in &lifted.known {
        let mut masks: Vec<&mut Mask> =
            recording.entries.iter_mut().flat_map(|entry| masks_of(&mut entry.kind)).collect();
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
        let text = without_secrets(&recording, &sought).render();
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
    fn what_a_person_calls_secret_is_found_by_its_group() {
        let happened =
            "0.000000000 > +0.000000000 \"AT+KEY=\\\"abcd1234\\\"\\r\"\n1.000000000 < \"key abcd1234\\r\\n\"\n";
        let masked = lifted(happened, &["KEY=\"(?<key>[^\"]*)\""]);
        assert!(masked.contains("AT+KEY=\\\"«key/plain#8»\\\"\\r") && masked.contains("key «key/plain#8»"), "{masked}");
        assert!(Sought::read("a*").is_err() && Sought::read("(").is_err());
    }
}
