//! Functions of time and chance; the time of day and the generator are handed in.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Ambient;
use super::arguments::Arguments;
use crate::value::Value;
use crate::value::calendar;

type Outcome = Result<Value, String>;

/// How long a random text may be.
const LENGTHS: RangeInclusive<i64> = 0..=65_536;

/// How long a duration may be: a year of 366 days.
const LONGEST_SECONDS: i64 = 366 * 24 * 60 * 60;

/// Returns the seconds since 1970.
pub(super) fn unix_time(_: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::Int(ambient.unix_millis.div_euclid(1000)))
}

/// Returns the milliseconds since 1970.
pub(super) fn unix_millis(_: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::Int(ambient.unix_millis))
}

/// Formats Unix seconds, in UTC or so many minutes east of it.
pub(super) fn format_time(given: &Arguments<'_>) -> Outcome {
    let minutes = if given.has(2) { given.int(2)? } else { 0 };
    calendar::format_time(given.int(0)?, &given.utf8(1)?, minutes).map(Value::text)
}

/// Makes a duration of milliseconds.
pub(super) fn millis(given: &Arguments<'_>) -> Outcome {
    let n = given.int_within(0, 0..=LONGEST_SECONDS * 1000)?;
    Ok(Value::Duration(Duration::from_millis(n.unsigned_abs())))
}

/// Makes a duration of seconds.
pub(super) fn seconds(given: &Arguments<'_>) -> Outcome {
    let n = given.int_within(0, 0..=LONGEST_SECONDS)?;
    Ok(Value::Duration(Duration::from_secs(n.unsigned_abs())))
}

/// Returns random decimal digits.
pub(super) fn random_digits(given: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::text(ambient.rng.digits(length(given)?)))
}

/// Returns random lower-case hex digits.
pub(super) fn random_hex(given: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::text(ambient.rng.hex(length(given)?)))
}

/// Returns random letters and digits.
pub(super) fn random_text(given: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::text(ambient.rng.text(length(given)?)))
}

/// Returns a random UUID.
pub(super) fn uuid(_: &Arguments<'_>, ambient: &mut Ambient) -> Outcome {
    Ok(Value::text(ambient.rng.uuid()))
}

fn length(given: &Arguments<'_>) -> Result<usize, String> {
    given.int_within(0, LENGTHS).map(|n| n.unsigned_abs() as usize)
}
