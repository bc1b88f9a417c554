//! `format`: values written as a form says, `%04X` for instance.

use super::arguments::{Arguments, number_of, quoted};
use super::numbers::padded;
use crate::value::Value;
use crate::value::bounds::check_length;
use crate::value::decimal::MOST_PLACES;

/// So many places a `%f` has that does not say how many, as in C.
const USUAL_PLACES: u32 = 6;

/// How a value is written: what stands between `%` and the letter.
#[derive(Default)]
struct Field {
    /// On the left of its field.
    is_left: bool,
    /// A number that is not negative has a plus.
    has_plus: bool,
    /// Zeros stand before a number, not blanks.
    has_zeros: bool,
    width: usize,
    places: Option<u32>,
}

/// Writes one value, or those of a list, as a form says.
pub(super) fn format(given: &Arguments<'_>) -> Result<Value, String> {
    let form = given.utf8(0)?;
    let one = given.value(1);
    let values = if let Value::List(items) = one { items.as_slice() } else { std::slice::from_ref(one) };
    let (mut out, mut left) = (Vec::new(), values.iter());
    let mut rest = form.as_str();
    while let Some((plain, behind)) = rest.split_once('%') {
        out.extend_from_slice(plain.as_bytes());
        if let Some(behind) = behind.strip_prefix('%') {
            out.push(b'%');
            rest = behind;
            continue;
        }
        let (field, letter, behind) = field(behind)?;
        let missing = || format!("the form has more places than the {} values that are given", values.len());
        let value = left.next().ok_or_else(missing)?;
        out.extend(written(&field, letter, value)?);
        check_length(out.len())?;
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    match left.len() {
        0 => Ok(Value::Text(out)),
        n => Err(format!("the form has {} places, and {} values are given", values.len() - n, values.len())),
    }
}

/// Reads what follows a `%`; returns it with its letter and what follows.
fn field(text: &str) -> Result<(Field, char, &str), String> {
    let mut field = Field::default();
    let flags = text.len() - text.trim_start_matches(['-', '+', '0']).len();
    for flag in text[..flags].chars() {
        match flag {
            '-' => field.is_left = true,
            '+' => field.has_plus = true,
            _ => field.has_zeros = true,
        }
    }
    let (width, rest) = digits(&text[flags..]);
    let (places, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (places, rest) = digits(rest);
            (Some(places), rest)
        }
        None => (None, rest),
    };
    let wrong =
        || format!("`%{text}`: a place is `%d`, `%x`, `%X`, `%o`, `%b`, `%f` or `%s`, as in `%04X`; `%%` is `%`");
    let letter = rest.chars().next().filter(|c| "dxXobfs".contains(*c)).ok_or_else(wrong)?;
    if !width.is_empty() {
        field.width = width.parse().ok().filter(|width| *width <= 1000).ok_or("a place is at most 1000 wide")?;
    }
    if let Some(places) = places {
        let most = || format!("`%.{places}{letter}`: a number has 0 to {MOST_PLACES} places, with `%f`");
        let number = places.parse().ok().filter(|n| *n <= MOST_PLACES && letter == 'f');
        field.places = Some(number.ok_or_else(most)?);
    }
    Ok((field, letter, &rest[letter.len_utf8()..]))
}

/// Splits the digits off at the beginning.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len())
}

fn written(field: &Field, letter: char, value: &Value) -> Result<Vec<u8>, String> {
    let whole = || {
        let number = number_of(value)?;
        number.decimal().whole().ok_or_else(|| format!("`%{letter}` writes whole numbers, this is {}", quoted(value)))
    };
    // A negative number has no bits of its own: how many there are is not said.
    let bits = || {
        whole().and_then(|n| {
            u64::try_from(n).map_err(|_| {
                format!(
                    "`%{letter}` writes no negative number, this is {n}: `bit_and(…)` makes one with this many bits"
                )
            })
        })
    };
    let mut text = match letter {
        'd' => whole()?.to_string(),
        'x' => format!("{:x}", bits()?),
        'X' => format!("{:X}", bits()?),
        'o' => format!("{:o}", bits()?),
        'b' => format!("{:b}", bits()?),
        'f' => {
            let number = number_of(value)?.decimal();
            let too_long = || format!("{} has more than 28 digits then", quoted(value));
            number.rounded(field.places.unwrap_or(USUAL_PLACES)).ok_or_else(too_long)?.to_string()
        }
        _ => return Ok(filled(field, &value.show(), false)),
    };
    if field.has_plus && !text.starts_with('-') {
        text.insert(0, '+');
    }
    Ok(filled(field, text.as_bytes(), true))
}

fn filled(field: &Field, text: &[u8], is_number: bool) -> Vec<u8> {
    if field.is_left {
        let missing = vec![b' '; field.width.saturating_sub(text.len())];
        return [text, &missing].concat();
    }
    let fill = if field.has_zeros && is_number { b'0' } else { b' ' };
    padded(text, field.width, fill, is_number)
}
