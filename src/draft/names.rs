//! `Names`: what the variables of a drafted flow are called, and what is declared of them.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{Part, Wanted};
use crate::record::Mask;
use crate::replay::Transfer;
use crate::syntax::is_keyword;
use crate::value::literal::{TextPart, escaped_regex, literal, title};

/// A value with fewer letters may stand anywhere by accident.
const TELLING: usize = 4;

/// A stand-in for a file is not longer.
const BEGINNING: usize = 64;

/// What `check` takes for a secret.
const SECRET_WORDS: &[&str] = &["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "psk"];

/// What the variables of a flow are called.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By what they stand for.
    by_place: BTreeMap<String, String>,
    /// The last value of each, in each recording.
    pub captured: Vec<Captured>,
    /// The lines that declare them, in order.
    volatile: Vec<Volatile>,
    params: Vec<String>,
    secrets: BTreeMap<String, Known>,
    /// What secrets are called: nothing else is.
    reserved: BTreeSet<String>,
    /// What looks like a secret and was not called one.
    pub doubtful: Vec<String>,
    /// Params whose value is in no recording.
    pub stand_ins: Vec<String>,
}

/// What the flow has taken out of an answer.
#[derive(Debug)]
pub(super) struct Captured {
    pub name: String,
    pub values: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Volatile {
    name: String,
    matches: Option<String>,
}

/// Where the flow has a secret from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// From outside, with a default of this length.
    Given(usize),
    /// From the device.
    Captured,
}

impl Names {
    /// Makes names that no secret has.
    pub(super) fn beside<'a>(masks: impl Iterator<Item = &'a Mask>) -> Names {
        Names { reserved: masks.map(|mask| secret_of(mask).0).collect(), ..Names::default() }
    }

    /// Returns the name of a group of a line, a new one if this group was not met before.
    pub(super) fn group(&mut self, wanted: &Wanted, at: usize) -> String {
        let Some(Part::Group { name, regex, values }) = wanted.parts.get(at) else { return "value".to_string() };
        let place = format!("{name} {at} {}", shape_of(wanted));
        let known = self.by_place.get(&place).cloned();
        let word = known.unwrap_or_else(|| {
            let mut word = name.clone();
            if SECRET_WORDS.iter().any(|secret| word == *secret || word.ends_with(&format!("_{secret}"))) {
                self.doubtful.push(word);
                word = "value".to_string();
            }
            let word = self.free(&word);
            self.by_place.insert(place, word.clone());
            self.volatile.push(Volatile { name: word.clone(), matches: around(wanted, at, &word, regex, values) });
            word
        });
        self.captured.retain(|captured| captured.name != word);
        self.captured.push(Captured { name: word.clone(), values: values.clone() });
        word
    }

    /// Returns the name of a param whose default is this text.
    pub(super) fn param(&mut self, word: &str, default: &[u8]) -> String {
        let place = format!("param {word} {}", escaped_regex(default));
        if let Some(name) = self.by_place.get(&place) {
            return name.clone();
        }
        let name = self.free(word);
        self.by_place.insert(place, name.clone());
        self.params.push(format!("param {name} = {}", literal(&[TextPart::Bytes(default.to_vec())])));
        name
    }

    /// Returns the name of a file; one that is sent is declared, with its beginning as a stand-in.
    pub(super) fn file(&mut self, transfer: &Transfer) -> String {
        let word: String = transfer
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        let word = word.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).trim_matches('_');
        let place = format!("file {} {} {}", transfer.is_sent, transfer.name, transfer.content(usize::MAX));
        if let Some(known) = self.by_place.get(&place) {
            return known.clone();
        }
        let name = self.free(if word.is_empty() { "content" } else { word });
        self.by_place.insert(place, name.clone());
        if transfer.is_sent {
            let content = transfer.content(BEGINNING);
            self.params.push(format!("file {name} = {content}  # a stand-in: --file {name}=PATH gives yours"));
        }
        name
    }

    /// Returns the name of a param for what a hook is given, and takes note that nobody knows it.
    pub(super) fn stand_in(&mut self, hook: &str) -> String {
        let word: String =
            hook.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        let name = self.free(&format!("{}_value", word.trim_matches('_')));
        self.by_place.insert(format!("stand-in {name}"), name.clone());
        self.params.push(format!("param {name} = \"?\"  # what the hook {} is given", title(hook)));
        self.stand_ins.push(name.clone());
        name
    }

    /// Returns the expression for a secret that is sent.
    pub(super) fn given(&mut self, mask: &Mask) -> String {
        let (name, call) = secret_of(mask);
        let known = self.secrets.entry(name.clone()).or_insert(Known::Given(mask.len));
        if let Known::Given(length) = known {
            let plain = if call.is_empty() { mask.len } else { mask.len / 2 };
            *length = if call.is_empty() { plain } else { (*length).min(plain) };
        }
        match call {
            "" => name,
            "upper(hex" => format!("upper(hex({name}))"),
            _ => format!("{call}({name})"),
        }
    }

    /// Whether the flow has this secret already.
    pub(super) fn has(&self, mask: &Mask) -> bool {
        self.secrets.contains_key(&secret_of(mask).0)
    }

    /// Takes note that the flow takes a secret out of an answer, and whether it is sent later; returns its name.
    pub(super) fn capture(&mut self, mask: &Mask, is_used: bool) -> String {
        let (name, _) = secret_of(mask);
        if is_used {
            self.secrets.insert(name.clone(), Known::Captured);
        }
        name
    }

    /// Returns the lines that declare them.
    pub(super) fn declarations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, known) in &self.secrets {
            if let Known::Given(length) = known {
                let default: String = "1234567890".chars().cycle().take(*length).collect();
                lines.push(format!(
                    "secret {name} = \"{default}\"  # a stand-in: FLOWRUN_VAR_{} gives yours",
                    name.to_uppercase()
                ));
            }
        }
        lines.extend(self.params.iter().cloned());
        let (short, long): (Vec<&Volatile>, Vec<&Volatile>) =
            self.volatile.iter().partition(|volatile| volatile.matches.is_none());
        let mut line = String::new();
        for volatile in short {
            let statement = format!("volatile {}", volatile.name);
            if !line.is_empty() && line.len() + statement.len() > 90 {
                lines.push(std::mem::take(&mut line));
            }
            line = if line.is_empty() { statement } else { format!("{line}  {statement}") };
        }
        if !line.is_empty() {
            lines.push(line);
        }
        for Volatile { name, matches } in long {
            lines.push(format!("volatile {name} matches /{}/", matches.as_deref().unwrap_or_default()));
        }
        lines
    }

    /// Returns a name that nothing else has.
    fn free(&self, word: &str) -> String {
        let word = if is_keyword(word) || word.is_empty() { format!("{word}_value") } else { word.to_string() };
        let is_taken =
            |name: &String| self.by_place.values().any(|other| other == name) || self.reserved.contains(name);
        let mut name = word.clone();
        let mut n = 1;
        while is_taken(&name) {
            n += 1;
            name = format!("{word}_{n}");
        }
        name
    }
}

/// Returns the variable that has a secret, and what is made of it where it stands in another form.
fn secret_of(mask: &Mask) -> (String, &'static str) {
    let word: String = mask.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    let word = if is_keyword(&word) || !word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        format!("{word}_value").trim_start_matches(|c: char| c.is_ascii_digit()).to_string()
    } else {
        word
    };
    match mask.form.as_str() {
        "plain" => (word, ""),
        "hex" => (word, "hex"),
        "HEX" => (word, "upper(hex"),
        form => {
            let form: String = form.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            (format!("{word}_{form}"), "")
        }
    }
}

/// Returns what a line looks like, whatever its variables are called.
pub(super) fn shape_of(wanted: &Wanted) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => escaped_regex(text),
        Part::Secret(mask) => format!("«{}»", mask.name),
        Part::Group { regex, .. } => format!("({regex})"),
    };
    wanted.parts.iter().map(part).collect()
}

/// Returns what finds a short value in a transcript by what stands around it; `None` if the value itself will do.
fn around(wanted: &Wanted, at: usize, name: &str, regex: &str, values: &[Vec<u8>]) -> Option<String> {
    if values.iter().all(|value| value.len() >= TELLING) {
        return None;
    }
    let mut before = String::new();
    for part in &wanted.parts[..at] {
        match part {
            Part::Text(text) => before += &escaped_regex(text),
            Part::Secret(_) => return None,
            Part::Group { regex, .. } => before += regex,
        }
    }
    (!before.is_empty()).then(|| format!("(?:{before}|{name}: )({regex})"))
}
