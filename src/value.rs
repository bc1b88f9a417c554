//! `Value`: what a variable holds, and how it shows.

pub mod bounds;
pub mod calendar;
pub mod catalogue;
pub mod checksum;
pub mod cipher;
pub mod coding;
pub mod compare;
pub mod decimal;
pub mod digest;
pub mod encoding;
pub mod escape;
pub mod json;
pub mod line_end;
pub(crate) mod literal;
pub mod operator;
pub mod random;
pub mod taint;

use std::time::Duration;

use crate::time::show_duration;
use decimal::Decimal;

/// What a variable holds, or an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Octets that are meant as text; nothing says that they are UTF-8.
    Text(Vec<u8>),
    /// Octets that are not text, a digest for instance; they show as lower-case hex.
    Bytes(Vec<u8>),
    /// A whole number.
    Int(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// True or false.
    Bool(bool),
    /// A length of time.
    Duration(Duration),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name, in the order in which they were written.
    Map(Vec<(String, Value)>),
    /// JSON's null.
    Null,
}

/// The type of a value, as the checker knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Not known before the run, a JSON value for instance.
    Any,
    /// [`Value::Text`].
    Text,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Value::Int`].
    Int,
    /// [`Value::Decimal`].
    Decimal,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Duration`].
    Duration,
    /// [`Value::List`].
    List,
    /// [`Value::Map`].
    Map,
}

impl Type {
    /// Returns the word for this type that messages use.
    pub fn title(self) -> &'static str {
        match self {
            Type::Any => "any value",
            Type::Text => "text",
            Type::Bytes => "bytes",
            Type::Int => "a whole number",
            Type::Decimal => "a decimal number",
            Type::Bool => "true or false",
            Type::Duration => "a duration",
            Type::List => "a list",
            Type::Map => "a map",
        }
    }
}

impl Value {
    /// Makes a text.
    pub fn text(text: impl Into<Vec<u8>>) -> Value {
        Value::Text(text.into())
    }

    /// Returns the type; null is [`Type::Any`].
    pub fn kind(&self) -> Type {
        match self {
            Value::Text(_) => Type::Text,
            Value::Bytes(_) => Type::Bytes,
            Value::Int(_) => Type::Int,
            Value::Decimal(_) => Type::Decimal,
            Value::Bool(_) => Type::Bool,
            Value::Duration(_) => Type::Duration,
            Value::List(_) => Type::List,
            Value::Map(_) => Type::Map,
            Value::Null => Type::Any,
        }
    }

    /// Returns what `${…}` puts into a string: text as it is, bytes as lower-case hex, a list as its
    /// items with commas, a map as JSON-like text.
    pub fn show(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => text.clone(),
            Value::Bytes(bytes) => hex::encode(bytes).into_bytes(),
            Value::Int(n) => n.to_string().into_bytes(),
            Value::Decimal(n) => n.to_string().into_bytes(),
            Value::Bool(b) => b.to_string().into_bytes(),
            Value::Duration(d) => show_duration(*d).into_bytes(),
            Value::List(items) => {
                let mut out = b"[".to_vec();
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    out.extend(item.show());
                }
                out.push(b']');
                out
            }
            Value::Map(entries) => {
                let mut out = b"{".to_vec();
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    out.extend_from_slice(key.as_bytes());
                    out.extend_from_slice(b": ");
                    out.extend(value.show());
                }
                out.push(b'}');
                out
            }
            Value::Null => b"null".to_vec(),
        }
    }

    /// Returns what goes on the line, into a digest or into a file: the octets of text and bytes as they
    /// are, everything else as [`Value::show`].
    pub fn octets(&self) -> Vec<u8> {
        match self {
            Value::Text(octets) | Value::Bytes(octets) => octets.clone(),
            Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => self.show(),
        }
    }

    /// Returns the same as [`Value::octets`], without a copy of text and bytes.
    pub fn into_octets(self) -> Vec<u8> {
        match self {
            Value::Text(octets) | Value::Bytes(octets) => octets,
            Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => self.show(),
        }
    }

    /// Returns the whole number that this is or spells; `None` for anything else.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
            Value::Decimal(_)
            | Value::Bytes(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.as_bytes().to_vec())
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Int(n)
    }
}

impl From<Decimal> for Value {
    fn from(n: Decimal) -> Value {
        Value::Decimal(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_digits_count_as_a_number_where_one_is_needed() {
        assert_eq!(Value::text("149").as_int(), Some(149));
        assert_eq!(Value::text("14x").as_int(), None);
    }
}
