//! Loops: their turns, and the items that they go through.

use crate::diagnostic::Code;
use crate::engine::Engine;
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
        match when_over {
            WhenOver::GoOn => {
                self.flow.at = done;
                Ok(())
            }
            WhenOver::Fail => {
                let message = "the last turn is over and it is still not so";
                let mut failure = self.failure_at(Code::RunLimit, site, message, "all its turns were used");
                self.add_leading_exchange(&mut failure);
                Err(failure)
            }
        }
    }

    /// Begins to go through a list, the keys of a map, or the characters of a text.
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
            other @ (Value::Bytes(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::Null) => {
                let message = format!("`for` goes through a list, a map or a text, this is {}", other.kind().title());
                return Err(self.failure_at(Code::RunValue, site, message, "neither"));
            }
        };
        self.put(items, list, site)?;
        self.flow.set(place, Some(Value::Int(0).into()));
        Ok(())
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
