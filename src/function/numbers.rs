//! Functions that work on numbers, whole and decimal.

use super::arguments::{Arguments, quoted};
use crate::value::Value;
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
