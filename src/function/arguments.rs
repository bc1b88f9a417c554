//! `Arguments`: the arguments of one call, checked against the signature and read as what is needed.

use std::ops::RangeInclusive;

use super::{Parameter, Signature};
use crate::value::bounds::check_bounds;
use crate::value::compare::{Spelt, spells};
use crate::value::decimal::Number;
use crate::value::escape::visible;
use crate::value::{Type, Value};

/// The arguments of one call.
///
/// Their number and types fit the signature, and each is within the bounds of a value.
pub(super) struct Arguments<'a> {
    signature: &'static Signature,
    values: &'a [Value],
}

impl<'a> Arguments<'a> {
    /// Checks arguments against the signature of their function.
    pub(super) fn checked(signature: &'static Signature, values: &'a [Value]) -> Result<Arguments<'a>, String> {
        signature.check_count(values.len())?;
        for (parameter, value) in signature.parameters.iter().zip(values) {
            if !fits(parameter, value) {
                let (name, wanted, title) = (signature.name, parameter.accepted(), title(value));
                return Err(format!("`{name}` takes {wanted} as `{}`, not {title}", parameter.name));
            }
            check_bounds(value)?;
        }
        Ok(Arguments { signature, values })
    }

    /// Returns the argument at `index`; null if it was left out.
    pub(super) fn value(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    /// Returns the octets of an argument: text and bytes as they are, the rest as it shows.
    pub(super) fn octets(&self, index: usize) -> Vec<u8> {
        self.value(index).octets()
    }

    /// Returns an argument as `${…}` shows it: bytes as lower-case hex.
    pub(super) fn shown(&self, index: usize) -> Vec<u8> {
        self.value(index).show()
    }

    /// Returns octets as bytes if the argument at `index` is bytes, else as text.
    pub(super) fn alike(&self, index: usize, octets: Vec<u8>) -> Value {
        if matches!(self.value(index), Value::Bytes(_)) { Value::Bytes(octets) } else { Value::Text(octets) }
    }

    /// Returns an argument as text that must be UTF-8.
    pub(super) fn utf8(&self, index: usize) -> Result<String, String> {
        String::from_utf8(self.octets(index)).map_err(|_| format!("`{}` must be UTF-8", self.name(index)))
    }

    /// Returns the whole number that an argument is or spells.
    pub(super) fn int(&self, index: usize) -> Result<i64, String> {
        let value = self.value(index);
        let is_decimal = matches!(value, Value::Text(text) if spells(text) == Some(Spelt::Decimal));
        value.as_int().ok_or_else(|| match is_decimal {
            true => format!("{} is not a whole number", quoted(value)),
            false => format!("{} is not a number", quoted(value)),
        })
    }

    /// Returns the number that an argument is or spells, whole or decimal.
    pub(super) fn number(&self, index: usize) -> Result<Number, String> {
        number_of(self.value(index))
    }

    /// Returns an argument as a whole number within `range`.
    pub(super) fn int_within(&self, index: usize, range: RangeInclusive<i64>) -> Result<i64, String> {
        let n = self.int(index)?;
        if range.contains(&n) {
            return Ok(n);
        }
        let (name, least, most) = (self.name(index), range.start(), range.end());
        if *most == i64::MAX {
            return Err(format!("`{name}` must be {least} or more, not {n}"));
        }
        Err(format!("`{name}` must lie between {least} and {most}, not {n}"))
    }

    /// Returns an argument as a place or length in a text: not negative, and cut at what a `usize` holds.
    pub(super) fn size(&self, index: usize) -> Result<usize, String> {
        let n = self.int_within(index, 0..=i64::MAX)?;
        Ok(usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// Says whether the argument at `index` was given.
    pub(super) fn has(&self, index: usize) -> bool {
        index < self.values.len()
    }

    /// Returns the items of a list; nothing if the argument is none.
    pub(super) fn list(&self, index: usize) -> &'a [Value] {
        match self.value(index) {
            Value::List(items) => items,
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Decimal(_) | Value::Bool(_) => &[],
            Value::Duration(_) | Value::Map(_) | Value::Null => &[],
        }
    }

    /// Returns the entries of a map; nothing if the argument is none.
    pub(super) fn map(&self, index: usize) -> &'a [(String, Value)] {
        match self.value(index) {
            Value::Map(entries) => entries,
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Decimal(_) | Value::Bool(_) => &[],
            Value::Duration(_) | Value::List(_) | Value::Null => &[],
        }
    }

    fn name(&self, index: usize) -> &'static str {
        self.signature.parameters.get(index).map_or("it", |parameter| parameter.name)
    }
}

/// Null is of no type but [`Type::Any`], so that only a parameter for everything takes it.
fn fits(parameter: &Parameter, value: &Value) -> bool {
    parameter.accepts.contains(&Type::Any) || parameter.accepts.contains(&value.kind())
}

fn title(value: &Value) -> &'static str {
    if *value == Value::Null { "null" } else { value.kind().title() }
}

/// Returns the number that a value is or spells, whole or decimal.
pub(super) fn number_of(value: &Value) -> Result<Number, String> {
    Number::of(value).map_err(|why| format!("{} {}", quoted(value), why.reason()))
}

/// Quotes a value whole, or not at all if it is long: a piece of a secret would not be masked.
pub(super) fn quoted(value: &Value) -> String {
    let shown = visible(&value.show());
    if shown.chars().count() <= 60 { format!("`{shown}`") } else { format!("a text of {} bytes", value.show().len()) }
}
