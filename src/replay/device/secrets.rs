//! The secrets of a recording in the device file that is made of it: what they are called, and how each mask is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::record::{Mask, Piece};
use crate::syntax::is_keyword;

/// A default has no more letters: a longer secret is cut.
const LONGEST: usize = 4096;

/// The params of a device: one for each name of a secret that came, however it was written.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// What each is called in the file, and how long its default is.
    params: BTreeMap<String, (String, usize)>,
}

impl Names {
    /// Names the secrets in what came.
    pub(super) fn of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Names {
        let mut lengths: BTreeMap<String, usize> = BTreeMap::new();
        for piece in pieces {
            if let Piece::Secret(mask) = piece
                && let Some(part) = Part::of(mask)
            {
                let length = lengths.entry(mask.name.clone()).or_default();
                *length = (*length).max(part.n_needed());
            }
        }
        let mut taken = BTreeSet::new();
        let mut params = BTreeMap::new();
        for (name, length) in lengths {
            let mut word = word(&name);
            while !taken.insert(word.clone()) {
                word.push('_');
            }
            params.insert(name, (word, length));
        }
        Names { params }
    }

    /// Writes the params that are used. Digits fit what most patterns want of a secret: a word, a number, hex.
    pub(super) fn put_params(&self, body: &str, text: &mut String) {
        let is_used = |word: &str| {
            let mut places = body.match_indices(word).map(|(at, word)| (&body[..at], &body[at + word.len()..]));
            places.any(|(before, behind)| before.ends_with(['{', '(']) && behind.starts_with(['}', ')', ',']))
        };
        for (word, length) in self.params.values().filter(|(word, _)| is_used(word)) {
            let _ = writeln!(text, "param {word} = \"{}\"", digits(*length));
        }
    }

    /// Returns what stands in a string for a mask.
    pub(super) fn text(&self, mask: &Mask) -> String {
        match (Part::of(mask), self.params.get(&mask.name)) {
            (Some(part), Some((word, length))) => part.text(word, *length),
            (Some(_) | None, _) => digits(mask.len.min(LONGEST)),
        }
    }
}

/// What a handler took from the line that it answers.
#[derive(Debug, Default)]
pub(super) struct Known {
    names: BTreeMap<Mask, String>,
}

impl Known {
    /// Learns that a mask stands in the line; returns what its group is called, if it is the first.
    pub(super) fn learn(&mut self, mask: &Mask) -> Option<String> {
        if self.names.contains_key(mask) {
            return None;
        }
        let name = format!("_given_{}", self.names.len() + 1);
        self.names.insert(mask.clone(), name.clone());
        Some(name)
    }

    /// Returns what stands in a string for a mask, if it was in the line.
    pub(super) fn text(&self, mask: &Mask) -> Option<String> {
        self.names.get(mask).map(|name| format!("${{{name}}}"))
    }
}

/// Which part of which form of a secret a mask stands for, if a flow can write it.
struct Part {
    form: Form,
    from: usize,
    length: usize,
}

/// A form that a function of the language makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Hex,
    UpperHex,
}

impl Part {
    fn of(mask: &Mask) -> Option<Part> {
        let (form, from) = match mask.form.split_once('@') {
            Some((form, from)) => (form, from.parse().ok()?),
            None => (mask.form.as_str(), 0),
        };
        let form = match form {
            "plain" => Form::Plain,
            "hex" => Form::Hex,
            "HEX" => Form::UpperHex,
            _ => return None,
        };
        let part = Part { form, from, length: mask.len };
        (part.from <= LONGEST && part.n_needed() <= LONGEST && mask.len > 0).then_some(part)
    }

    /// Returns how many bytes the secret has at the least.
    fn n_needed(&self) -> usize {
        let n = self.from + self.length;
        match self.form {
            Form::Plain => n,
            Form::Hex | Form::UpperHex => n.div_ceil(2),
        }
    }

    /// Returns it as it stands in a string, of a variable with so many bytes.
    fn text(&self, word: &str, n_bytes: usize) -> String {
        let (whole, n_whole) = match self.form {
            Form::Plain => (word.to_string(), n_bytes),
            Form::Hex => (format!("hex({word})"), n_bytes * 2),
            Form::UpperHex => (format!("upper(hex({word}))"), n_bytes * 2),
        };
        if self.from == 0 && self.length == n_whole {
            format!("${{{whole}}}")
        } else {
            format!("${{substring({whole}, {}, {})}}", self.from, self.length)
        }
    }
}

/// Returns a name of a flow that is as near to a secret's name as can be, and none that the file has of its own.
fn word(name: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut word = name.to_string();
    if is_keyword(&word) {
        word = name.chars().map(|c| if is_part(c) { c } else { '_' }).collect();
    }
    if word.starts_with('_') || is_keyword(&word) || word.starts_with("turn_") {
        word.insert_str(0, "secret_");
    }
    word
}

fn digits(length: usize) -> String {
    "1234567890".chars().cycle().take(length).collect()
}
