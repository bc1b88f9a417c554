//! Functions that work on numbers, whole and decimal.

use std::cmp::Ordering;

use super::arguments::{Arguments, number_of, quoted};
use crate::value::Value;
use crate::value::bounds::check_length;
use crate::value::decimal::{Decimal, MOST_PLACES, Number};

type Outcome = Result<Value, String>;

/// Returns the whole number that it is or spells; one with a fraction is none.
pub(super) fn whole(given: &Arguments<'_>) -> Outcome {
    match given.number(0)? {
        Number::Int(n) => Ok(Value::Int(n)),
        Number::Decimal(n) if n.has_fraction() => {
            let shown = quoted(given.value(0));
            Err(format!("{shown} is not a whole number: `decimal(…)` keeps its digits, `round(…)` rounds it"))
        }
        Number::Decimal(n) => int_of(n, given),
    }
}

/// Returns the decimal number that it is or spells.
pub(super) fn decimal(given: &Arguments<'_>) -> Outcome {
    given.number(0).map(|number| Value::Decimal(number.decimal()))
}

/// Returns the nearest number that is whole or has so many places.
pub(super) fn round(given: &Arguments<'_>) -> Outcome {
    let number = given.number(0)?;
    if given.has(1) {
        let n_places = given.int_within(1, 0..=i64::from(MOST_PLACES))?;
        let rounded = u32::try_from(n_places).ok().and_then(|n_places| number.decimal().rounded(n_places));
        let too_long = || format!("{} has more than 28 digits with {n_places} places", quoted(given.value(0)));
        return rounded.map(Value::Decimal).ok_or_else(too_long);
    }
    match number {
        Number::Int(n) => Ok(Value::Int(n)),
        Number::Decimal(n) => int_of(n.rounded(0).unwrap_or(n), given),
    }
}

/// Returns a number without a fraction as a whole number.
fn int_of(number: Decimal, given: &Arguments<'_>) -> Outcome {
    let too_large = || format!("{} is too large for a whole number", quoted(given.value(0)));
    number.whole().map(Value::Int).ok_or_else(too_large)
}

/// Returns the least of two numbers, or of those in a list.
pub(super) fn min(given: &Arguments<'_>) -> Outcome {
    extreme(given, Ordering::Less)
}

/// Returns the greatest of two numbers, or of those in a list.
pub(super) fn max(given: &Arguments<'_>) -> Outcome {
    extreme(given, Ordering::Greater)
}

/// Returns the first number that comes before all others in this order.
fn extreme(given: &Arguments<'_>, wanted: Ordering) -> Outcome {
    let numbers: Vec<Number> = match (given.value(0), given.has(1)) {
        (Value::List(items), false) => items.iter().map(number_of).collect::<Result<_, _>>()?,
        (Value::List(_), true) => return Err("it takes two numbers, or one list of them".to_string()),
        (_, true) => vec![given.number(0)?, given.number(1)?],
        (_, false) => vec![given.number(0)?],
    };
    let best = numbers.into_iter().reduce(|best, n| if n.order(best) == wanted { n } else { best });
    best.map(Value::from).ok_or_else(|| "the list has no numbers in it".to_string())
}

/// Returns the number without its sign.
pub(super) fn abs(given: &Arguments<'_>) -> Outcome {
    match given.number(0)? {
        Number::Int(n) => {
            n.checked_abs().map(Value::Int).ok_or_else(|| format!("`{n}` without its sign is too large a number"))
        }
        Number::Decimal(n) => Ok(Value::Decimal(n.without_sign())),
    }
}

/// Makes a text at least so long, with something before it; zeros stand behind the sign of a number.
pub(super) fn pad(given: &Arguments<'_>) -> Outcome {
    let text = given.shown(0);
    let width = given.size(1)?;
    check_length(width)?;
    let fill = if given.has(2) { given.octets(2) } else { b" ".to_vec() };
    let [fill] = fill.as_slice() else {
        return Err(format!("`with` must be one byte, not {}", fill.len()));
    };
    let is_number = matches!(given.value(0), Value::Int(_) | Value::Decimal(_));
    Ok(Value::Text(padded(&text, width, *fill, is_number)))
}

/// Makes a text at least so long, with something before it.
pub(super) fn padded(text: &[u8], width: usize, fill: u8, is_number: bool) -> Vec<u8> {
    let missing = vec![fill; width.saturating_sub(text.len())];
    let n_sign = usize::from(is_number && fill == b'0' && text.first().is_some_and(|c| matches!(c, b'-' | b'+')));
    [&text[..n_sign], &missing, &text[n_sign..]].concat()
}

/// Returns the bits that are set in both.
pub(super) fn bit_and(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(given.int(0)? & given.int(1)?))
}

/// Returns the bits that are set in one of them, or in both.
pub(super) fn bit_or(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(given.int(0)? | given.int(1)?))
}

/// Returns the bits that are set in one of them only.
pub(super) fn bit_xor(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(given.int(0)? ^ given.int(1)?))
}

/// Moves all bits to the left; none may be lost.
pub(super) fn shift_left(given: &Arguments<'_>) -> Outcome {
    let (n, places) = (given.int(0)?, given.int_within(1, 0..=63)?);
    let shifted = n << places;
    if shifted >> places == n {
        return Ok(Value::Int(shifted));
    }
    Err(format!("`{n}` moved to the left by {places} is too large a number: `bit_and(…)` leaves bits out first"))
}

/// Moves all bits to the right; those that leave are lost, and a negative number stays one.
pub(super) fn shift_right(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(given.int(0)? >> given.int_within(1, 0..=63)?))
}
