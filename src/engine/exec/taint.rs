//! What is made of a secret is secret too: marks that follow values, and what they are good for.
//!
//! A mark is found where a secret is: in a variable, or by search in what the device sent. From there it goes with the value
//! (see [`Marked`]). It ends at an output: the name stands there instead. What functions make of a secret, and what is sent, is
//! learnt as well, so that it is named wherever else it comes.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::cover::{apart, stains_in};
use crate::function::{Function, Secrecy};
use crate::secret::SHORTEST;
use crate::value::operator::Operator;
use crate::value::taint::{Marked, Stain, Stained, Taint, has_four_digits};
use crate::value::{Value, escape};

/// From so many octets on, what was found in a text is kept for the next look: a loop may take one piece after the other from
/// it.
const LONG: usize = 1024;

/// What the search for secrets keeps besides the secrets of the run.
#[derive(Debug, Default)]
pub(in crate::engine) struct Search {
    /// The long text that was searched last.
    octets: Vec<u8>,
    /// How many secrets were known then.
    n_known: usize,
    /// What was found in it.
    stains: Vec<Stain>,
    /// The secrets of the other side: they are named in what is cut here, for there they could not be found any more.
    pub foreign: Vec<(Arc<str>, Vec<u8>)>,
}

impl Engine {
    /// Returns a value as outputs show it: with names in the place of what is made of secrets.
    pub(in crate::engine) fn covered(&self, value: &Marked) -> Vec<u8> {
        if value.taint.is_nothing() {
            return value.value.show();
        }
        value.show().covered(|octets| self.journal.secrets().name_of(octets))
    }

    /// Returns the octets of a value with names in the place of what is made of secrets.
    pub(in crate::engine) fn covered_octets(&self, value: &Marked) -> Vec<u8> {
        if value.taint.is_nothing() {
            return value.value.octets();
        }
        value.octets().covered(|octets| self.journal.secrets().name_of(octets))
    }

    /// Returns octets with the secrets marked that are found in them.
    pub(in crate::engine) fn marked_octets(&self, octets: Vec<u8>) -> Stained {
        let stains = self.stains_in(&octets);
        Stained::new(octets, stains)
    }

    /// Returns the octets of a value with its marks, and with the secrets marked that are found in them.
    pub(super) fn with_found(&self, value: &Marked) -> Stained {
        Marked { value: value.value.clone(), taint: self.taint_of(value) }.octets()
    }

    fn stains_in(&self, octets: &[u8]) -> Vec<Stain> {
        if octets.len() < LONG {
            return stains_in(self.journal.secrets(), octets);
        }
        let mut found = self.search.borrow_mut();
        let n_known = self.journal.known().len();
        if found.n_known != n_known || found.octets != octets {
            found.stains = stains_in(self.journal.secrets(), octets);
            found.octets = octets.to_vec();
            found.n_known = n_known;
        }
        found.stains.clone()
    }

    /// Returns the marks of a value together with what is found in it.
    fn taint_of(&self, value: &Marked) -> Taint {
        match (&value.taint, &value.value) {
            (Taint::Nothing, Value::Text(octets) | Value::Bytes(octets)) => {
                Stained::new(octets.clone(), self.stains_in(octets)).taint()
            }
            (Taint::Octets(marked), Value::Text(octets) | Value::Bytes(octets)) => {
                let all = marked.iter().cloned().chain(self.stains_in(octets)).collect();
                Stained::new(octets.clone(), apart(all)).taint()
            }
            (Taint::Nothing, Value::List(_) | Value::Map(_)) if self.finds_none(&value.value) => Taint::Nothing,
            (Taint::Nothing | Taint::Items(_), Value::List(items)) => self.taint_of_items(items.iter(), &value.taint),
            (Taint::Nothing | Taint::Items(_), Value::Map(entries)) => {
                self.taint_of_items(entries.iter().map(|(_, value)| value), &value.taint)
            }
            (Taint::Nothing, Value::Int(n)) if has_four_digits(*n) => self.taint_of_number(&value.value),
            (Taint::Nothing, Value::Decimal(n)) if n.has_four_digits() => self.taint_of_number(&value.value),
            (taint, _) => taint.clone(),
        }
    }

    fn taint_of_number(&self, number: &Value) -> Taint {
        self.journal.secrets().name_of(&number.show()).map_or(Taint::Nothing, Taint::All)
    }

    fn taint_of_items<'a>(&self, items: impl Iterator<Item = &'a Value>, taint: &Taint) -> Taint {
        let item = |(i, item): (usize, &Value)| self.taint_of(&Marked { value: item.clone(), taint: taint.item(i) });
        Taint::of_items(items.enumerate().map(item).collect())
    }

    fn finds_none(&self, value: &Value) -> bool {
        self.journal.secrets().find(&value.show()).is_empty()
    }

    /// Returns the marks of what a function made of its arguments.
    pub(super) fn taint_of_result(&self, function: Function, arguments: &[Marked], result: &Value) -> Taint {
        let secrecy = function.signature().secrecy;
        let is_clean = arguments.iter().all(|argument| argument.taint.is_nothing());
        if secrecy == Secrecy::Hides || is_clean && self.journal.known().is_empty() {
            return Taint::Nothing;
        }
        let marked = |argument: &Marked| Marked { value: argument.value.clone(), taint: self.taint_of(argument) };
        let given: Vec<Marked> = arguments.iter().map(marked).collect();
        if given.iter().all(|argument| argument.taint.is_nothing()) {
            return Taint::Nothing;
        }
        let exact = match secrecy {
            Secrecy::Hides => Some(Taint::Nothing),
            Secrecy::Keeps => None,
            Secrecy::Copies => copied(&given, result),
            Secrecy::Cuts => cut(&given, result),
            Secrecy::Splits => split(&given, result),
            Secrecy::Joins => joined(&given),
            Secrecy::Selects => Some(selected(&given, result)),
            Secrecy::Gets => gotten(&given),
            Secrecy::Adds => added(&given, result),
            Secrecy::Drops => kept(&given, result),
        };
        exact.unwrap_or_else(|| self.taint_of_all(&given, result))
    }

    /// Returns the marks of a result that is made of everything in the arguments: the secrets where they are found again, or all
    /// of it if one of them is not.
    fn taint_of_all(&self, given: &[Marked], result: &Value) -> Taint {
        let mut made_of = Vec::new();
        given.iter().for_each(|argument| self.note_pieces(&argument.value, &argument.taint, &mut made_of));
        let Some((name, _)) = made_of.first() else { return Taint::Nothing };
        if let Value::Text(octets) | Value::Bytes(octets) = result {
            let found = self.stains_in(octets);
            let is_found =
                |(name, is_known): &(Arc<str>, bool)| *is_known && found.iter().any(|stain| stain.name == *name);
            if made_of.iter().all(is_found) {
                return Stained::new(octets.clone(), found).taint();
            }
        }
        match result {
            Value::List(_) | Value::Map(_) => Taint::spread(result, name),
            Value::Bool(_) | Value::Null => Taint::Nothing,
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Decimal(_) | Value::Duration(_) => {
                Taint::All(name.clone())
            }
        }
    }

    /// Notes the names of the secrets that a value is made of, and whether each piece is known as it is.
    fn note_pieces(&self, value: &Value, taint: &Taint, into: &mut Vec<(Arc<str>, bool)>) {
        match (taint, value) {
            (Taint::Nothing, _) => {}
            (Taint::Items(taints), Value::List(items)) => {
                items.iter().zip(taints).for_each(|(item, taint)| self.note_pieces(item, taint, into));
            }
            (Taint::Items(taints), Value::Map(entries)) => {
                entries.iter().zip(taints).for_each(|((_, value), taint)| self.note_pieces(value, taint, into));
            }
            (Taint::All(_) | Taint::Octets(_) | Taint::Items(_), _) => {
                let octets = Marked { value: value.clone(), taint: taint.clone() }.octets();
                for stain in octets.stains() {
                    let known = self.journal.secrets().name_of(&octets.plain()[stain.range.clone()]);
                    into.push((known.clone().unwrap_or_else(|| stain.name.clone()), known.is_some()));
                }
            }
        }
    }

    /// Returns the marks of what an operator made of two values.
    pub(super) fn taint_of_operator(operator: Operator, left: &Marked, right: &Marked, result: &Value) -> Taint {
        let Some(name) = left.taint.name().or(right.taint.name()) else { return Taint::Nothing };
        match (operator, &left.value, &right.value, result) {
            (_, _, _, Value::Bool(_)) => Taint::Nothing,
            (Operator::Plus, Value::Text(_), Value::Text(_), _)
            | (Operator::Plus, Value::Bytes(_), Value::Bytes(_), _) => {
                let mut both = left.octets();
                both.join(&right.octets());
                both.taint()
            }
            (Operator::Plus, Value::List(first), Value::List(second), _) => {
                let first = (0..first.len()).map(|i| left.taint.item(i));
                Taint::of_items(first.chain((0..second.len()).map(|i| right.taint.item(i))).collect())
            }
            (_, _, _, _) => Taint::All(name.clone()),
        }
    }

    /// Learns what a function made of secrets: the texts in it, and the numbers of four digits or more.
    pub(super) fn learn_made(&mut self, made: &Marked) {
        self.learn_leaves(&made.value, &made.taint);
    }

    fn learn_leaves(&mut self, value: &Value, taint: &Taint) {
        match (taint, value) {
            (Taint::Nothing, _) | (_, Value::Bool(_) | Value::Null) => {}
            (Taint::All(name), Value::Int(n)) => {
                if has_four_digits(*n) {
                    self.learn_piece(name, n.unsigned_abs().to_string().as_bytes());
                }
            }
            (Taint::All(name), Value::Decimal(n)) => {
                if n.has_four_digits() {
                    self.learn_piece(name, n.without_sign().to_string().as_bytes());
                }
            }
            (Taint::All(name), Value::Duration(_)) => {
                let shown = value.show();
                if shown.iter().filter(|c| c.is_ascii_digit()).count() >= SHORTEST {
                    self.learn_piece(name, &shown);
                }
            }
            (Taint::Items(taints), Value::List(items)) => {
                items.iter().zip(taints).for_each(|(item, taint)| self.learn_leaves(item, taint));
            }
            (Taint::Items(taints), Value::Map(entries)) => {
                entries.iter().zip(taints).for_each(|((_, value), taint)| self.learn_leaves(value, taint));
            }
            (Taint::All(_) | Taint::Octets(_) | Taint::Items(_), _) => {
                let octets = Marked { value: value.clone(), taint: taint.clone() }.octets();
                self.learn_stains(&octets);
            }
        }
    }

    /// Learns the pieces of octets that are made of secrets; neighbours are learnt as one, unless each is known.
    pub(super) fn learn_stains(&mut self, octets: &Stained) {
        let mut stains = octets.stains().iter().peekable();
        while let Some(first) = stains.next() {
            let mut whole = first.range.clone();
            let piece = |range: &Range<usize>| octets.plain()[range.clone()].to_vec();
            let mut are_known = self.journal.secrets().name_of(&piece(&whole)).is_some();
            while let Some(next) = stains.next_if(|next| next.range.start == whole.end) {
                whole.end = next.range.end;
                are_known &= self.journal.secrets().name_of(&piece(&next.range)).is_some();
            }
            if !are_known {
                self.learn_piece(&first.name, &piece(&whole));
            }
        }
    }

    fn learn_piece(&mut self, name: &str, octets: &[u8]) {
        // Blanks, and what is shorter, could be anything.
        if octets.trim_ascii().len() >= SHORTEST && self.journal.secrets().name_of(octets).is_none() {
            self.redact_from_now(name, octets);
        }
    }

    /// Returns why something could not be worked out, without what it was given of secrets: a message quotes values.
    pub(super) fn without_secrets(&mut self, mut why: String, given: &[&Marked]) -> String {
        for value in given {
            let marked = Marked { value: value.value.clone(), taint: self.taint_of(value) };
            if marked.taint.is_nothing() {
                continue;
            }
            self.learn_made(&marked);
            let (plain, covered) = (value.value.show(), escape::visible(&self.covered(&marked)));
            let shown = escape::visible(&plain);
            why = match &marked.value {
                // It stands in a sentence as it is.
                Value::Int(_) | Value::Decimal(_) => replaced_number(&why, &shown, &covered),
                Value::Text(_)
                | Value::Bytes(_)
                | Value::Bool(_)
                | Value::Duration(_)
                | Value::List(_)
                | Value::Map(_)
                | Value::Null => {
                    let trimmed = escape::visible(plain.trim_ascii());
                    let why = why.replace(&format!("`{shown}`"), &format!("`{covered}`"));
                    let why = why.replace(&format!("`{trimmed}`"), &format!("`{covered}`"));
                    match marked.value.as_int() {
                        Some(n) => replaced_number(&why, &n.to_string(), &covered),
                        None => why,
                    }
                }
            };
        }
        self.journal.clean_text(&why)
    }
}

/// Replaces a number where it stands by itself.
fn replaced_number(text: &str, number: &str, by: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut out = String::new();
    let mut end = 0;
    for (at, found) in text.match_indices(number) {
        let behind = at + found.len();
        if is_digit(text[..at].chars().next_back()) || is_digit(text[behind..].chars().next()) {
            continue;
        }
        out.push_str(&text[end..at]);
        out.push_str(by);
        end = behind;
    }
    out.push_str(&text[end..]);
    out
}

fn octets_of(value: &Value) -> Option<&[u8]> {
    if let Value::Text(octets) | Value::Bytes(octets) = value { Some(octets) } else { None }
}

/// Returns a value as the text or the bytes that a function has cut a result from.
fn source_of(value: &Marked, result: Option<&Value>) -> Stained {
    match (&value.value, result) {
        (Value::Bytes(_), Some(Value::Bytes(_))) => value.octets(),
        _ => value.show(),
    }
}

/// Returns where a key stands in a map.
fn place_of(map: &Value, key: &[u8]) -> Option<usize> {
    let Value::Map(entries) = map else { return None };
    entries.iter().position(|(name, _)| name.as_bytes() == key)
}

fn copied(given: &[Marked], result: &Value) -> Option<Taint> {
    let (before, after) = (octets_of(&given.first()?.value)?, octets_of(result)?);
    (before.len() == after.len()).then(|| given[0].taint.clone())
}

fn cut(given: &[Marked], result: &Value) -> Option<Taint> {
    let text = source_of(given.first()?, Some(result));
    let length = octets_of(result)?.len();
    let start = match given.get(1) {
        Some(start) => usize::try_from(start.value.as_int()?).ok()?,
        None => text.plain().len() - text.plain().trim_ascii_start().len(),
    };
    Some(text.piece(start..start.saturating_add(length).min(text.plain().len())).taint())
}

fn split(given: &[Marked], result: &Value) -> Option<Taint> {
    let Value::List(pieces) = result else { return None };
    let text = source_of(given.first()?, pieces.first());
    let separator = given.get(1)?.value.octets().len();
    let mut start = 0;
    let mut taints = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let end = start + octets_of(piece)?.len();
        taints.push(text.piece(start..end).taint());
        start = end + separator;
    }
    Some(Taint::of_items(taints))
}

fn joined(given: &[Marked]) -> Option<Taint> {
    let [list, separator] = given else { return None };
    let Value::List(items) = &list.value else { return None };
    let mut joined = Stained::default();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            joined.join(&separator.octets());
        }
        joined.push(item, &list.taint.item(i));
    }
    Some(joined.taint())
}

/// Marks what was selected from a text: all of it if the text is a secret, otherwise what stands in the secrets in it.
fn selected(given: &[Marked], result: &Value) -> Taint {
    let Some(Marked { value, taint }) = given.first() else { return Taint::Nothing };
    match (taint, octets_of(value)) {
        (Taint::All(name), _) => Taint::spread(result, name),
        (Taint::Octets(stains), Some(octets)) => {
            let secrets: Vec<(&[u8], &Arc<str>)> =
                stains.iter().map(|stain| (&octets[stain.range.clone()], &stain.name)).collect();
            within(result, &secrets)
        }
        (Taint::Nothing | Taint::Octets(_) | Taint::Items(_), _) => Taint::Nothing,
    }
}

/// Marks what stands in one of some secrets.
fn within(value: &Value, secrets: &[(&[u8], &Arc<str>)]) -> Taint {
    match value {
        Value::List(items) => Taint::of_items(items.iter().map(|item| within(item, secrets)).collect()),
        Value::Map(entries) => Taint::of_items(entries.iter().map(|(_, value)| within(value, secrets)).collect()),
        Value::Text(_)
        | Value::Bytes(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Bool(_)
        | Value::Duration(_)
        | Value::Null => {
            let octets = value.octets();
            let of = secrets.iter().find(|(secret, _)| memchr::memmem::find(secret, &octets).is_some());
            of.map_or(Taint::Nothing, |(_, name)| Taint::spread(value, name))
        }
    }
}

fn gotten(given: &[Marked]) -> Option<Taint> {
    let [map, key, default] = given else { return None };
    let place = place_of(&map.value, &key.value.octets());
    Some(place.map_or_else(|| default.taint.clone(), |place| map.taint.item(place)))
}

fn added(given: &[Marked], result: &Value) -> Option<Taint> {
    let (first, last) = (given.first()?, given.last()?);
    if let Value::List(items) = result {
        let of_item = |i| if i + 1 == items.len() { last.taint.clone() } else { first.taint.item(i) };
        return Some(Taint::of_items((0..items.len()).map(of_item).collect()));
    }
    let Value::Map(entries) = result else { return None };
    let key = given.get(1)?.value.octets();
    let of_entry = |(name, _): &(String, Value)| match place_of(&first.value, name.as_bytes()) {
        _ if name.as_bytes() == key => last.taint.clone(),
        Some(place) => first.taint.item(place),
        None => Taint::Nothing,
    };
    Some(Taint::of_items(entries.iter().map(of_entry).collect()))
}

fn kept(given: &[Marked], result: &Value) -> Option<Taint> {
    let (Value::Map(entries), Some(first)) = (result, given.first()) else { return None };
    let of_entry = |(name, _): &(String, Value)| {
        place_of(&first.value, name.as_bytes()).map_or(Taint::Nothing, |place| first.taint.item(place))
    };
    Some(Taint::of_items(entries.iter().map(of_entry).collect()))
}

#[cfg(test)]
mod tests;
