//! Loops: their turns, and the items that they go through.

use crate::diagnostic::Code;
use crate::engine::Engine;
use crate::event::Failure;
use crate::program::{Address, Expr, Slot, WhenOver};
use crate::source::Site;
use crate::value::Value;

impl Engine {
    /// Puts the number of turns into a counter, which has no value for an endless loop.
    pub(super) fn count(&mut self, turns: Option<&Expr>, counter: Slot) -> Result<(), Box<Failure>> {
        let turns = turns.map(|turns| self.eval_count(turns, i64::from(u32::MAX))).transpose()?;
        self.flow.set(counter, turns.map(Value::Int));
        Ok(())
    }

    /// Begins a turn, or goes on after the loop.
    pub(super) fn turn(
        &mut self,
        counter: Slot,
        done: Address,
        when_over: WhenOver,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let Some(left) = self.flow.get(counter).and_then(Value::as_int) else { return Ok(()) };
        if left > 0 {
            self.flow.set(counter, Some(Value::Int(left - 1)));
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
                self.add_exchange(&mut failure);
                Err(failure)
            }
        }
    }

    /// Begins to go through a list, the keys of a map, or the characters of a text.
    pub(super) fn each(&mut self, list: &Expr, items: Slot, place: Slot, site: Site) -> Result<(), Box<Failure>> {
        let list = match self.eval(list)? {
            Value::Map(entries) => Value::List(entries.into_iter().map(|(key, _)| Value::text(key)).collect()),
            list @ Value::List(_) => list,
            Value::Text(text) => Value::List(characters(&text)),
            other @ (Value::Bytes(_) | Value::Int(_) | Value::Bool(_) | Value::Duration(_) | Value::Null) => {
                let message = format!("`for` goes through a list, a map or a text, this is {}", other.kind().title());
                return Err(self.failure_at(Code::RunValue, site, message, "neither"));
            }
        };
        self.flow.set(items, Some(list));
        self.flow.set(place, Some(Value::Int(0)));
        Ok(())
    }

    /// Puts the next item into a variable, or goes on after the loop.
    pub(super) fn next_item(&mut self, list: Slot, place: Slot, item: Slot, done: Address) {
        let index = self.flow.get(place).and_then(Value::as_int).unwrap_or(0);
        let next = match self.flow.get(list) {
            Some(Value::List(items)) => items.get(index as usize).cloned(),
            Some(_) | None => None,
        };
        match next {
            Some(value) => {
                self.flow.set(item, Some(value));
                self.flow.set(place, Some(Value::Int(index + 1)));
            }
            None => self.flow.at = done,
        }
    }
}

/// Returns the characters of a text; what is not UTF-8 counts byte by byte.
fn characters(text: &[u8]) -> Vec<Value> {
    let mut characters = Vec::new();
    for chunk in text.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(|c| Value::text(c.to_string())));
        characters.extend(chunk.invalid().iter().map(|byte| Value::Text(vec![*byte])));
    }
    characters
}
