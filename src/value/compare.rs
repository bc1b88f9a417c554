//! What `==`, `<` and `in` answer, and when they do not answer: a number is never compared with a text.
//!
//! A comparison that could only be a mistake is an error that says what to write, never a quiet no. Text and bytes are both
//! octets and are compared octet by octet. If they differ, and the text is the hex of the bytes, that is an error too: a
//! digest was meant to be compared with `hex(…)`.

use std::cmp::Ordering;

use super::coding::hex;
use super::decimal::{Decimal, NoDecimal};
use super::operator::Operator;
use super::{Type, Value};

/// Compares as `==` does.
///
/// # Errors
///
/// What to write instead, if the two are of kinds that are never equal.
pub(super) fn equal(operator: Operator, left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(left == right),
        (Value::Text(octets), Value::Bytes(bytes)) | (Value::Bytes(bytes), Value::Text(octets)) => {
            if octets != bytes && is_hex_of(octets, bytes) {
                return Err(hex_meant(operator.title()));
            }
            Ok(octets == bytes)
        }
        (Value::List(a), Value::List(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| equal(operator, a, b));
            let answers = pairs.collect::<Result<Vec<bool>, String>>()?;
            Ok(a.len() == b.len() && answers.into_iter().all(|is_equal| is_equal))
        }
        (Value::Map(a), Value::Map(b)) => {
            let mut are_equal = a.len() == b.len();
            for (key, value) in a {
                match b.iter().find(|(other, _)| other == key) {
                    Some((_, other)) => are_equal &= equal(operator, value, other)?,
                    None => are_equal = false,
                }
            }
            Ok(are_equal)
        }
        (Value::Int(a), Value::Decimal(b)) | (Value::Decimal(b), Value::Int(a)) => Ok(*b == (*a).into()),
        _ if left.kind() == right.kind() => Ok(left == right),
        _ => Err(misfit(operator, left, right)),
    }
}

/// Returns the order of two values.
///
/// # Errors
///
/// What to write instead, if they have none, or if it is not the one that was meant.
pub(super) fn order(operator: Operator, left: &Value, right: &Value) -> Result<Ordering, String> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        (Value::Decimal(a), Value::Decimal(b)) => Ok(a.cmp(b)),
        (Value::Int(a), Value::Decimal(b)) => Ok(Decimal::from(*a).cmp(b)),
        (Value::Decimal(a), Value::Int(b)) => Ok(a.cmp(&Decimal::from(*b))),
        (Value::Duration(a), Value::Duration(b)) => Ok(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => match (spells(a), spells(b)) {
            (Some(_), Some(_)) => {
                let help = match (left.as_int(), right.as_int()) {
                    (Some(_), Some(_)) => "write `int(…)` around both",
                    _ => "write `decimal(…)` around both",
                };
                Err(format!("`{}` compares these numbers as texts, letter by letter: {help}", operator.title()))
            }
            _ => Ok(a.cmp(b)),
        },
        _ => Err(misfit(operator, left, right)),
    }
}

/// Says whether something is an item of a list, a key of a map, a piece of a text, or an octet or a piece of bytes.
///
/// # Errors
///
/// What to write instead, if it can be none.
pub fn contains(whole: &Value, part: &Value) -> Result<bool, String> {
    match (whole, part) {
        (Value::List(items), _) => {
            let answers: Vec<_> = items.iter().map(|item| equal(Operator::In, part, item)).collect();
            if answers.contains(&Ok(true)) {
                return Ok(true);
            }
            answers.into_iter().find(Result::is_err).unwrap_or(Ok(false))
        }
        (Value::Map(entries), Value::Text(_) | Value::Bytes(_)) => Ok(place_of(entries, part)?.is_some()),
        (Value::Text(text), Value::Text(part)) => Ok(memchr::memmem::find(text, part).is_some()),
        (Value::Text(text), Value::Bytes(bytes)) => {
            let is_there = memchr::memmem::find(text, bytes).is_some();
            if !is_there && memchr::memmem::find(&text.to_ascii_lowercase(), &part.show()).is_some() {
                return Err(hex_meant("in"));
            }
            Ok(is_there)
        }
        (Value::Bytes(octets), Value::Int(octet)) => match u8::try_from(*octet) {
            Ok(octet) => Ok(octets.contains(&octet)),
            Err(_) => Err(format!("{octet} is not an octet: octets are 0 to 255")),
        },
        (Value::Bytes(octets), Value::Bytes(part)) => Ok(memchr::memmem::find(octets, part).is_some()),
        (Value::Bytes(octets), Value::Text(text)) => {
            let is_there = memchr::memmem::find(octets, text).is_some();
            let is_hex = text.iter().all(u8::is_ascii_hexdigit) && text.len() >= 2;
            if !is_there && is_hex && memchr::memmem::find(&whole.show(), &text.to_ascii_lowercase()).is_some() {
                return Err(hex_meant("in"));
            }
            Ok(is_there)
        }
        _ => Err(misfit(Operator::In, part, whole)),
    }
}

/// Returns the place of the entry that a key has in a map.
///
/// # Errors
///
/// What to write instead, if the key is no text: `7` and `"007"` are not the same.
pub fn place_of(entries: &[(String, Value)], key: &Value) -> Result<Option<usize>, String> {
    let (Value::Text(octets) | Value::Bytes(octets)) = key else {
        let title = key.kind().title();
        return Err(format!("the keys of a map are texts, this is {title}: put it into a string, `\"${{…}}\"`"));
    };
    let found = entries.iter().position(|(name, _)| name.as_bytes() == octets.as_slice());
    if let (None, Value::Bytes(bytes)) = (found, key)
        && entries.iter().any(|(name, _)| is_hex_of(name.as_bytes(), bytes))
    {
        return Err(hex_meant("a map"));
    }
    Ok(found)
}

/// Says why an operator cannot join two values, and what to write.
pub fn misfit(operator: Operator, left: &Value, right: &Value) -> String {
    let why = format!("`{}` cannot join {} and {}", operator.title(), left.kind().title(), right.kind().title());
    let is_too_long =
        |value: &Value| matches!(value, Value::Text(text) if Decimal::parse(text) == Err(NoDecimal::TooLong));
    if is_too_long(left) || is_too_long(right) {
        return format!("{why}: the text is a number of more than 28 digits, which can only be compared as a text");
    }
    match misfit_help(operator, left.kind(), right.kind()) {
        Some(help) => format!("{why}: {help}"),
        None => why,
    }
}

/// Says what to write instead of joining two kinds of values; `None` if nobody can know.
pub fn misfit_help(operator: Operator, left: Type, right: Type) -> Option<&'static str> {
    match (left, right) {
        (Type::Text, Type::Int) | (Type::Int, Type::Text) if operator == Operator::In => {
            Some("put the number in quotes")
        }
        (Type::Text, Type::Int) | (Type::Int, Type::Text) => {
            Some("write `int(…)` around the text, or put the number in quotes")
        }
        (Type::Text, Type::Decimal) | (Type::Decimal, Type::Text) if operator == Operator::In => {
            Some("put the number in quotes")
        }
        (Type::Text, Type::Decimal) | (Type::Decimal, Type::Text) => {
            Some("write `decimal(…)` around the text, or put the number in quotes")
        }
        (Type::Bytes, Type::Int) | (Type::Int, Type::Bytes) if operator != Operator::In => {
            Some("`uint_be(…)` gives the number that bytes are")
        }
        (Type::Int | Type::Decimal, Type::Map) => Some("keys are texts: put the number in quotes"),
        (Type::Text, Type::Bool) | (Type::Bool, Type::Text) => Some("compare the text with \"true\" or \"false\""),
        _ if matches!(operator, Operator::Times | Operator::Divided | Operator::Remainder) => None,
        (Type::Duration, Type::Int | Type::Decimal) | (Type::Int | Type::Decimal, Type::Duration) => {
            Some("give the number a unit: `5s`, `seconds(…)`")
        }
        (Type::Duration, Type::Text) | (Type::Text, Type::Duration) => {
            Some("`millis(…)` and `seconds(…)` make a duration of a number")
        }
        _ => None,
    }
}

/// Whether a text is the hex of some bytes, in either case, and not the bytes themselves.
pub fn is_hex_of(text: &[u8], bytes: &[u8]) -> bool {
    !bytes.is_empty() && text.len() == 2 * bytes.len() && text.eq_ignore_ascii_case(hex(bytes).as_bytes())
}

/// Says that bytes were compared with their hex; `who` compared them.
pub fn hex_meant(who: &str) -> String {
    format!("`{who}` compares octets, and the text is the hex of the bytes: write `hex(…)` around the bytes")
}

/// Whether a text spells a number, and which kind: whole, or with a point or an exponent.
pub fn spells(text: &[u8]) -> Option<Spelt> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let n_whole = digits(text);
    let mut rest = &text[n_whole..];
    let mut n_part = 0;
    let mut is_whole = true;
    if let Some(part) = rest.strip_prefix(b".") {
        is_whole = false;
        n_part = digits(part);
        rest = &part[n_part..];
    }
    if n_whole + n_part == 0 {
        return None;
    }
    if let Some((b'e' | b'E', exponent)) = rest.split_first() {
        is_whole = false;
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let n_exponent = digits(exponent);
        if n_exponent == 0 {
            return None;
        }
        rest = &exponent[n_exponent..];
    }
    let spelt = if is_whole { Spelt::Whole } else { Spelt::Decimal };
    rest.is_empty().then_some(spelt)
}

/// Which kind of number a text spells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelt {
    /// A whole number.
    Whole,
    /// A number with a point or an exponent.
    Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_equal(left: impl Into<Value>, right: impl Into<Value>) -> Result<bool, String> {
        equal(Operator::Equal, &left.into(), &right.into())
    }

    fn bytes(octets: &[u8]) -> Value {
        Value::Bytes(octets.to_vec())
    }

    #[test]
    fn a_text_that_is_a_number_of_too_many_digits_is_told_as_one() {
        let long = "9".repeat(33);
        let why = order(Operator::Below, &Value::from(long.as_str()), &Value::Int(3)).expect_err("it is no number");
        assert!(why.ends_with("a number of more than 28 digits, which can only be compared as a text"), "{why}");
    }

    #[test]
    fn a_number_is_never_compared_with_a_text() {
        assert_eq!(is_equal("a", "a"), Ok(true));
        assert_eq!(is_equal(1_i64, 2_i64), Ok(false));
        for (left, right) in [(Value::from("0"), Value::Int(0)), (Value::Int(0), Value::from("0"))] {
            for operator in [Operator::Equal, Operator::Unequal] {
                let why = equal(operator, &left, &right).expect_err("they are never equal");
                assert!(why.contains("write `int(…)` around the text, or put the number in quotes"), "{why}");
            }
            assert!(order(Operator::Below, &left, &right).is_err());
            let inside = |value: &Value| Value::List(vec![Value::List(vec![value.clone()])]);
            assert!(equal(Operator::Equal, &inside(&left), &inside(&right)).is_err(), "in lists of lists");
        }
    }

    #[test]
    fn text_and_bytes_are_compared_octet_by_octet() {
        assert_eq!(is_equal("go", bytes(b"go")), Ok(true), "what was read equals a hex literal");
        assert_eq!(is_equal(Value::text(*b"\xac\x09"), bytes(b"\xac\x09")), Ok(true));
        assert_eq!(is_equal("ac0a", bytes(b"\xac\x09")), Ok(false));
        for hex in ["ac09", "AC09"] {
            let why = is_equal(hex, bytes(b"\xac\x09")).expect_err("the hex of bytes is not the bytes");
            assert!(why.contains("write `hex(…)`"), "{why}");
        }
        assert_eq!(is_equal("", bytes(b"")), Ok(true));
    }

    #[test]
    fn the_order_of_entries_of_a_map_does_not_matter() {
        let map =
            |pairs: &[(&str, i64)]| Value::Map(pairs.iter().map(|(k, n)| (k.to_string(), Value::Int(*n))).collect());
        assert_eq!(is_equal(map(&[("a", 1), ("b", 2)]), map(&[("b", 2), ("a", 1)])), Ok(true));
        assert_eq!(is_equal(map(&[("a", 1)]), map(&[("b", 1)])), Ok(false));
    }

    #[test]
    fn membership_is_no_quiet_no() {
        let list = Value::List(vec![Value::Int(0), Value::Int(99)]);
        assert_eq!(contains(&list, &Value::Int(99)), Ok(true));
        assert!(contains(&list, &Value::text("99")).is_err());
        let mixed = Value::List(vec![Value::Int(0), Value::text("99")]);
        assert_eq!(contains(&mixed, &Value::text("99")), Ok(true), "one of them is it");
        let map = Value::Map(vec![("007".to_string(), Value::Int(1)), ("ac09".to_string(), Value::Int(2))]);
        assert_eq!(contains(&map, &Value::text("007")), Ok(true));
        assert!(contains(&map, &Value::Int(7)).is_err());
        assert!(contains(&map, &bytes(b"\xac\x09")).is_err());
        assert!(contains(&Value::text("channel 15"), &Value::Int(5)).is_err());
        assert_eq!(contains(&bytes(b"\x01\x1b"), &Value::Int(0x1b)), Ok(true));
        assert_eq!(contains(&bytes(b"\x01\x1b"), &Value::text("\x1b")), Ok(true));
        assert!(contains(&bytes(b"\x01\x1b"), &Value::text("011B")).is_err());
        assert_eq!(contains(&Value::text("a\x01b"), &bytes(b"\x01")), Ok(true));
        assert!(contains(&Value::text("sum=AC09"), &bytes(b"\xac\x09")).is_err());
    }

    #[test]
    fn texts_that_are_numbers_have_no_order() {
        let compared = |left: &str, right: &str| order(Operator::AtMost, &Value::from(left), &Value::from(right));
        assert_eq!(compared("abc", "abd"), Ok(Ordering::Less));
        assert_eq!(compared("v1", "2"), Ok(Ordering::Greater), "one of them is no number");
        assert!(compared("9", "10").expect_err("as texts 10 is less").contains("int("));
        assert!(compared("4.90", "+4.98700000E-01").expect_err("as texts").contains("decimal(…)"));
    }

    #[test]
    fn what_spells_a_number() {
        for text in ["0", "-12", "+7", " 42 ", "0042"] {
            assert_eq!(spells(text.as_bytes()), Some(Spelt::Whole), "{text}");
        }
        for text in ["4.90", "+4.98700000E+00", "1e3", ".5", "5."] {
            assert_eq!(spells(text.as_bytes()), Some(Spelt::Decimal), "{text}");
        }
        for text in ["", "-", ".", "1.2.3", "0x2a", "1e", "12:30", "v1"] {
            assert_eq!(spells(text.as_bytes()), None, "{text}");
        }
    }
}
