//! Loops: their turns, and the items that they go through.

use crate::diagnostic::Code;
use crate::engine::Engine;
use crate::engine::fuel::HARD;
use crate::event::Failure;
use crate::program::{Expr, OpIndex, Slot, WhenOver};
use crate::source::Site;
use crate::value::Value;
use crate::value::taint::{Marked, Stained, Taint};

impl Engine {
    /// Puts the number of turns into a counter, which has no value for an endless loop.
    pub(super) fn count(&mut self, turns: Option<&Expr>, counter: Slot) -> Result<(), Box<Failure>> {
        let turns = turns.map(|turns| self.eval_count(turns, i64::from(u32::MAX))).transpose()?;
        self.flow.set(counter, turns.map(|turns| Value::Int(turns).into()));
        Ok(())
    }

    /// Begins a turn, or goes on after the loop.
    pub(super) fn turn(
        &mut self,
        counter: Slot,
        done: OpIndex,
        when_over: WhenOver,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let Some(left) = self.flow.get(counter).and_then(Value::as_int) else { return Ok(()) };
        if left > 0 {
            self.flow.set(counter, Some(Value::Int(left - 1).into()));
            return Ok(());
        }
        let message = match when_over {
            WhenOver::GoOn => {
                self.flow.at = done;
                return Ok(());
            }
            WhenOver::StillFalse => "the loop ran as often as `at most` allows, and its condition is still false",
            WhenOver::StillTrue => "the loop ran as often as `at most` allows, and its condition is still true",
        };
        let mut failure = self.failure_at(Code::RunLimit, site, message, "all its turns were used");
        self.add_leading_exchange(&mut failure);
        Err(failure)
    }

    /// Begins to go through a list, the keys of a map, the characters of a text, or the octets of bytes.
    pub(super) fn each(&mut self, list: &Expr, items: Slot, place: Slot, site: Site) -> Result<(), Box<Failure>> {
        let given = self.eval(list)?;
        let list = match given.value {
            Value::Map(entries) => Value::List(entries.into_iter().map(|(key, _)| Value::text(key)).collect()).into(),
            Value::List(_) => given,
            Value::Text(_) => {
                let text = self.with_found(&given);
                let (characters, taints) = characters(&text).into_iter().map(|c| (c.value, c.taint)).unzip();
                Marked { value: Value::List(characters), taint: Taint::of_items(taints) }
            }
            Value::Bytes(ref octets) => {
                self.fuel.burn(octets.len(), HARD);
                let text = self.with_found(&given);
                let octet = |i: usize| {
                    let taint = text.piece(i..i + 1).taint();
                    taint.name().cloned().map_or(Taint::Nothing, Taint::All)
                };
                let numbers = octets.iter().map(|octet| Value::Int(i64::from(*octet))).collect();
                let taint = Taint::of_items((0..octets.len()).map(octet).collect());
                Marked { value: Value::List(numbers), taint }
            }
            other @ (Value::Int(_) | Value::Decimal(_) | Value::Bool(_) | Value::Duration(_) | Value::Null) => {
                let message =
                    format!("`for` goes through a list, a map, a text or bytes, this is {}", other.kind().title());
                return Err(self.failure_at(Code::RunValue, site, message, "neither"));
            }
        };
        self.put(items, list, site)?;
        self.flow.set(place, Some(Value::Int(0).into()));
        Ok(())
    }

    /// Begins to go from one number to another, up or down.
    pub(super) fn numbers(
        &mut self,
        first: &Expr,
        last: &Expr,
        (ends, place): (Slot, Slot),
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let (first, last) = (self.end_of_numbers(first, site)?, self.end_of_numbers(last, site)?);
        let taint = Taint::of_items(vec![first.taint, last.taint]);
        self.put(ends, Marked { value: Value::List(vec![first.value, last.value]), taint }, site)?;
        self.flow.set(place, Some(Value::Int(0).into()));
        Ok(())
    }

    fn end_of_numbers(&mut self, end: &Expr, site: Site) -> Result<Marked, Box<Failure>> {
        let end = self.eval(end)?;
        let Some(n) = end.value.as_int() else {
            let message = format!("`for` counts in whole numbers, this is `{}`", self.shown(&end));
            return Err(self.failure_at(Code::RunValue, site, message, "not a whole number"));
        };
        let taint = end.taint.name().cloned().map_or(Taint::Nothing, Taint::All);
        Ok(Marked { value: Value::Int(n), taint })
    }

    /// Puts the next number into a variable, or goes on after the loop.
    pub(super) fn next_number(&mut self, (ends, place): (Slot, Slot), item: Slot, done: OpIndex) {
        let n_done = self.flow.get(place).and_then(Value::as_int).unwrap_or(0);
        let next = match self.flow.get_marked(ends) {
            Some(Marked { value: Value::List(ends), taint }) => {
                let mut ends = ends.iter().filter_map(Value::as_int);
                let (first, last) = (ends.next(), ends.next());
                let next = first.zip(last).and_then(|(first, last)| number_after(n_done, first, last));
                next.map(|n| {
                    let value = Value::Int(n);
                    let taint = taint.name().map_or(Taint::Nothing, |name| Taint::spread(&value, name));
                    Marked { value, taint }
                })
            }
            Some(_) | None => None,
        };
        match next {
            Some(value) => {
                self.flow.set(item, Some(value));
                self.flow.set(place, Some(Value::Int(n_done.saturating_add(1)).into()));
            }
            None => self.flow.at = done,
        }
    }

    /// Puts the next item into a variable, or goes on after the loop.
    pub(super) fn next_item(&mut self, list: Slot, place: Slot, item: Slot, done: OpIndex) {
        let index = self.flow.get(place).and_then(Value::as_int).unwrap_or(0);
        let next = match self.flow.get_marked(list) {
            Some(Marked { value: Value::List(items), taint }) => {
                let item = items.get(index as usize).cloned();
                item.map(|value| Marked { value, taint: taint.item(index as usize) })
            }
            Some(_) | None => None,
        };
        match next {
            Some(value) => {
                self.flow.set(item, Some(value));
                self.flow.set(place, Some(Value::Int(index + 1).into()));
            }
            None => self.flow.at = done,
        }
    }
}

/// Returns the number that comes after so many from `first` to `last`; `None` if they are all done.
fn number_after(n_done: i64, first: i64, last: i64) -> Option<i64> {
    if first <= last {
        first.checked_add(n_done).filter(|n| *n <= last)
    } else {
        first.checked_sub(n_done).filter(|n| *n >= last)
    }
}

/// Returns the characters of a text; what is not UTF-8 counts byte by byte.
fn characters(text: &Stained) -> Vec<Marked> {
    let mut lengths = Vec::new();
    for chunk in text.plain().utf8_chunks() {
        lengths.extend(chunk.valid().chars().map(char::len_utf8));
        lengths.extend(chunk.invalid().iter().map(|_| 1));
    }
    let mut end = 0;
    let character = |length| {
        end += length;
        text.piece(end - length..end).into_text()
    };
    lengths.into_iter().map(character).collect()
}
