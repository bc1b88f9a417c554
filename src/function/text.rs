//! Functions that read and rewrite text. What cuts and searches works on octets, and bytes stay bytes; `upper`, `lower` and
//! `trim` take bytes as their lower-case hex.

use super::arguments::{Arguments, quoted};
use super::numbers;
use crate::value::Value;
use crate::value::bounds::check_length;
use crate::value::compare::{self, hex_meant};
use crate::value::operator::{self, Operator};

type Outcome = Result<Value, String>;

/// Counts octets, items or keys.
pub(super) fn len(given: &Arguments<'_>) -> Outcome {
    let length = match given.value(0) {
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        octets @ (Value::Text(_)
        | Value::Bytes(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Bool(_)
        | Value::Duration(_)
        | Value::Null) => octets.octets().len(),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// Returns the text in upper case; only ASCII letters change, for no encoding is guessed.
pub(super) fn upper(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(given.shown(0).to_ascii_uppercase()))
}

/// Returns the text in lower case; only ASCII letters change.
pub(super) fn lower(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(given.shown(0).to_ascii_lowercase()))
}

/// Takes blanks, tabs and line ends from both ends.
pub(super) fn trim(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(given.shown(0).trim_ascii()))
}

/// Replaces from left to right; what was put in is not looked at again.
pub(super) fn replace(given: &Arguments<'_>) -> Outcome {
    let (text, from, to) = (given.octets(0), given.octets(1), given.octets(2));
    if from.is_empty() {
        return Err("`from` must not be empty".to_string());
    }
    let n_added = places(&text, &from).count().saturating_mul(to.len());
    check_length(text.len().saturating_add(n_added))?;
    let pieces: Vec<&[u8]> = pieces(&text, &from).collect();
    Ok(given.alike(0, pieces.join(to.as_slice())))
}

/// Splits at each separator; a text without one is a list of one.
pub(super) fn split(given: &Arguments<'_>) -> Outcome {
    let (text, separator) = (given.octets(0), given.octets(1));
    if separator.is_empty() {
        return Err("`separator` must not be empty".to_string());
    }
    Ok(Value::List(pieces(&text, &separator).map(|piece| given.alike(0, piece.to_vec())).collect()))
}

/// Joins the items as they show.
pub(super) fn join(given: &Arguments<'_>) -> Outcome {
    let (items, separator) = (given.list(0), given.octets(1));
    let shown: Vec<Vec<u8>> = items.iter().map(Value::show).collect();
    let length = shown.iter().fold(0_usize, |sum, item| sum.saturating_add(item.len()));
    check_length(length.saturating_add(separator.len().saturating_mul(shown.len())))?;
    Ok(Value::Text(shown.join(separator.as_slice())))
}

/// Cuts a piece out by octets; what is beyond the end is left out.
pub(super) fn substring(given: &Arguments<'_>) -> Outcome {
    let text = given.octets(0);
    let start = given.size(1)?.min(text.len());
    let length = if given.has(2) { given.size(2)? } else { usize::MAX };
    let end = start.saturating_add(length).min(text.len());
    Ok(given.alike(0, text[start..end].to_vec()))
}

/// Says whether the text begins with these octets.
pub(super) fn starts_with(given: &Arguments<'_>) -> Outcome {
    stands_at_an_end(given, "starts_with", <[u8]>::starts_with)
}

/// Says whether the text ends with these octets.
pub(super) fn ends_with(given: &Arguments<'_>) -> Outcome {
    stands_at_an_end(given, "ends_with", <[u8]>::ends_with)
}

/// Says where something begins in a text, or stands in a list; −1 if it does not.
pub(super) fn index(given: &Arguments<'_>) -> Outcome {
    let (whole, part) = (given.value(0), given.value(1));
    if !compare::contains(whole, part)? {
        return Ok(Value::Int(-1));
    }
    let place = if let Value::List(items) = whole {
        items.iter().position(|item| operator::apply(Operator::Equal, part, item) == Ok(Value::Bool(true)))
    } else if let (Value::Bytes(octets), Value::Int(n)) = (whole, part) {
        octets.iter().position(|octet| i64::from(*octet) == *n)
    } else if part.octets().is_empty() {
        Some(0)
    } else {
        places(&whole.octets(), &part.octets()).next()
    };
    Ok(Value::Int(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)))
}

/// Says whether something is a piece of a text, an item of a list or a key of a map.
pub(super) fn contains(given: &Arguments<'_>) -> Outcome {
    compare::contains(given.value(0), given.value(1)).map(Value::Bool)
}

/// Returns the octets, meant to be read from now on.
pub(super) fn text(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(given.octets(0)))
}

/// Returns the octets, not meant to be read from now on.
pub(super) fn bytes(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(given.octets(0)))
}

/// Returns the number that it is or spells.
pub(super) fn int(given: &Arguments<'_>) -> Outcome {
    if !given.has(1) {
        return numbers::whole(given);
    }
    let base = given.int_within(1, 2..=36)? as u32;
    let text = given.utf8(0)?;
    let digits = text.trim();
    let number = i64::from_str_radix(digits, base).map(Value::Int);
    number.map_err(|_| format!("{} is not a number in base {base}", quoted(&Value::text(digits))))
}

/// Says whether octets stand at an end of others; that they do in hex only is no quiet no.
fn stands_at_an_end(given: &Arguments<'_>, name: &str, stands: fn(&[u8], &[u8]) -> bool) -> Outcome {
    if stands(&given.octets(0), &given.octets(1)) {
        return Ok(Value::Bool(true));
    }
    let is_mixed = matches!(
        (given.value(0), given.value(1)),
        (Value::Text(_), Value::Bytes(_)) | (Value::Bytes(_), Value::Text(_))
    );
    if is_mixed && stands(&given.shown(0).to_ascii_lowercase(), &given.shown(1).to_ascii_lowercase()) {
        return Err(hex_meant(name));
    }
    Ok(Value::Bool(false))
}

/// Returns what lies between the places of `separator`, which is not empty.
fn pieces<'a>(text: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut start = 0;
    let ends = places(text, separator).map(Some).chain([None]);
    ends.map(move |place| {
        let piece = &text[start..place.unwrap_or(text.len())];
        start = place.map_or(text.len(), |place| place + separator.len());
        piece
    })
}

/// Returns where `needle`, which is not empty, begins in the text; the places do not overlap.
fn places<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = from + text[from..].windows(needle.len()).position(|window| window == needle)?;
        from = place + needle.len();
        Some(place)
    })
}
