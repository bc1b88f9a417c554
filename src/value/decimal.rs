//! `Decimal` and `Number`: decimal numbers that are exact, and numbers of either kind.
//!
//! A decimal number has up to 28 digits and shows as it was written: 3.30 stays 3.30. A sum, a difference and a product are
//! exact or there is none. A quotient is rounded half to even at its last digit.

use std::cmp::Ordering;
use std::fmt;

use super::Value;
use super::compare::{Spelt, spells};

/// How many digits may follow the point.
pub const MOST_PLACES: u32 = rust_decimal::Decimal::MAX_SCALE;

/// A decimal number of up to 28 digits; those that follow the point are kept, also if they are zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(rust_decimal::Decimal);

/// A whole number or a decimal one.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A decimal number.
    Decimal(Decimal),
}

/// Why a text is no decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDecimal {
    /// It spells no number.
    NoNumber,
    /// It has more digits than a decimal number can hold.
    TooLong,
}

impl NoDecimal {
    /// Returns what is wrong with the text, as the end of a sentence that begins with it.
    pub fn reason(self) -> &'static str {
        match self {
            NoDecimal::NoNumber => "is not a number",
            NoDecimal::TooLong => "has more than 28 digits",
        }
    }
}

impl Decimal {
    /// Returns the number that a text spells: `3.30`, `-12`, `+4.0000E+03`; blanks around it do not count.
    ///
    /// # Errors
    ///
    /// It spells none, or one of too many digits. No digit is ever lost.
    pub fn parse(text: &[u8]) -> Result<Decimal, NoDecimal> {
        let text = text.trim_ascii();
        let text = std::str::from_utf8(text).ok().filter(|text| spells(text.as_bytes()).is_some());
        let text = text.ok_or(NoDecimal::NoNumber)?;
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{part}").trim_start_matches('0').to_string();
        // An exponent that no `i64` holds is beyond all limits, whatever the digits are.
        let beyond = if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
        let exponent = exponent.parse::<i64>().unwrap_or(beyond).clamp(i64::MIN / 2, i64::MAX / 2);
        let mut n_places = i64::try_from(part.len()).unwrap_or(i64::MAX / 2) - exponent;
        if digits.is_empty() {
            let n_places = n_places.clamp(0, i64::from(MOST_PLACES));
            return Decimal::of_parts(0, n_places).ok_or(NoDecimal::TooLong);
        }
        while n_places > i64::from(MOST_PLACES) && digits.ends_with('0') {
            digits.pop();
            n_places -= 1;
        }
        if n_places < 0 {
            let n_zeros = usize::try_from(-n_places).unwrap_or(usize::MAX);
            if n_zeros > MOST_PLACES as usize {
                return Err(NoDecimal::TooLong);
            }
            digits.push_str(&"0".repeat(n_zeros));
            n_places = 0;
        }
        let mantissa = digits.parse::<i128>().map_err(|_| NoDecimal::TooLong)?;
        let mantissa = if is_negative { -mantissa } else { mantissa };
        Decimal::of_parts(mantissa, n_places).ok_or(NoDecimal::TooLong)
    }

    fn of_parts(mantissa: i128, n_places: i64) -> Option<Decimal> {
        let n_places = u32::try_from(n_places).ok()?;
        rust_decimal::Decimal::try_from_i128_with_scale(mantissa, n_places).ok().map(Decimal)
    }

    /// Returns the sum; `None` if it needs more digits than there are.
    pub fn plus(self, other: Decimal) -> Option<Decimal> {
        self.exactly(other, |a, b| Some((a.checked_add(b)?, a.scale().max(b.scale()))))
    }

    /// Returns the difference; `None` if it needs more digits than there are.
    pub fn minus(self, other: Decimal) -> Option<Decimal> {
        self.exactly(other, |a, b| Some((a.checked_sub(b)?, a.scale().max(b.scale()))))
    }

    /// Returns the product; `None` if it needs more digits than there are.
    pub fn times(self, other: Decimal) -> Option<Decimal> {
        if self.is_zero() || other.is_zero() {
            return Some(Decimal::default());
        }
        self.exactly(other, |a, b| Some((a.checked_mul(b)?, a.scale() + b.scale())))
    }

    /// Works something out that gives a result and the places that it must have if no digit was rounded away. If one was, zeros
    /// at the end of the two numbers may have been in the way.
    fn exactly(
        self,
        other: Decimal,
        work_out: fn(rust_decimal::Decimal, rust_decimal::Decimal) -> Option<(rust_decimal::Decimal, u32)>,
    ) -> Option<Decimal> {
        let exact = |a, b| work_out(a, b).filter(|(result, n_places)| result.scale() == *n_places);
        let result = exact(self.0, other.0).or_else(|| exact(self.0.normalize(), other.0.normalize()));
        result.map(|(result, _)| Decimal(result).unsigned_zero())
    }

    /// Returns the quotient, rounded half to even at the last digit; `None` if it is too large. The other one is not zero.
    pub fn divided(self, other: Decimal) -> Option<Decimal> {
        self.0.checked_div(other.0).map(|result| Decimal(result).unsigned_zero())
    }

    /// Returns what is left when it is divided by another one, which is not zero, as often as it goes; it has the sign of this one.
    pub fn remainder(self, other: Decimal) -> Option<Decimal> {
        self.0.checked_rem(other.0).map(|result| Decimal(result).unsigned_zero())
    }

    /// Returns the number with the other sign.
    #[must_use]
    pub fn negated(self) -> Decimal {
        Decimal(-self.0).unsigned_zero()
    }

    /// Returns the number without its sign.
    #[must_use]
    pub fn without_sign(self) -> Decimal {
        Decimal(self.0.abs())
    }

    /// Returns the number with so many digits behind the point, rounded half to even; `None` if there are too many digits.
    pub fn rounded(self, n_places: u32) -> Option<Decimal> {
        let mut rounded = self.0.round_dp(n_places.min(MOST_PLACES));
        rounded.rescale(n_places);
        (rounded.scale() == n_places).then(|| Decimal(rounded).unsigned_zero())
    }

    /// Returns the whole number that it is; `None` if it has a fraction, or if no `i64` holds it.
    pub fn whole(self) -> Option<i64> {
        let plain = self.0.normalize();
        if plain.scale() == 0 { i64::try_from(plain.mantissa()).ok() } else { None }
    }

    /// Whether it has a fraction other than zero.
    pub fn has_fraction(self) -> bool {
        !self.0.fract().is_zero()
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is less than zero.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative()
    }

    /// Whether it has so many digits that it can be told from others.
    pub fn has_four_digits(self) -> bool {
        self.0.mantissa().unsigned_abs() >= 1000
    }

    /// No zero has a sign.
    fn unsigned_zero(mut self) -> Decimal {
        if self.0.is_zero() {
            self.0.set_sign_positive(true);
        }
        self
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for Decimal {
    fn from(n: i64) -> Decimal {
        Decimal(n.into())
    }
}

impl Number {
    /// Returns the number that a value is, or that a text spells, whole or decimal.
    ///
    /// # Errors
    ///
    /// The value is or spells none.
    pub fn of(value: &Value) -> Result<Number, NoDecimal> {
        match value {
            Value::Decimal(n) => Ok(Number::Decimal(*n)),
            Value::Text(text) => match (value.as_int(), spells(text)) {
                (Some(n), Some(Spelt::Whole)) => Ok(Number::Int(n)),
                (_, _) => Decimal::parse(text).map(Number::Decimal),
            },
            Value::Int(n) => Ok(Number::Int(*n)),
            Value::Bytes(_) | Value::Bool(_) | Value::Duration(_) | Value::List(_) | Value::Map(_) | Value::Null => {
                Err(NoDecimal::NoNumber)
            }
        }
    }

    /// Returns it as a decimal number.
    pub fn decimal(self) -> Decimal {
        match self {
            Number::Int(n) => n.into(),
            Number::Decimal(n) => n,
        }
    }

    /// Returns which of two numbers is the greater one.
    pub fn order(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Int(_) | Number::Decimal(_), Number::Int(_) | Number::Decimal(_)) => {
                self.decimal().cmp(&other.decimal())
            }
        }
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Value {
        match number {
            Number::Int(n) => Value::Int(n),
            Number::Decimal(n) => Value::Decimal(n),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(n) => n.fmt(f),
            Number::Decimal(n) => n.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{text} {}", why.reason()))
    }

    fn shown(number: Option<Decimal>) -> String {
        number.map_or("none".to_string(), |number| number.to_string())
    }

    #[test]
    fn a_text_keeps_its_digits() {
        for (text, kept) in [
            ("3.30", "3.30"),
            ("-0.50", "-0.50"),
            ("-0.0", "0.0"),
            ("+4.98700000E+00", "4.98700000"),
            ("4.0000E+03", "4000.0"),
            ("47E-3", "0.047"),
            ("1e3", "1000"),
            (" 5. ", "5"),
            (".5", "0.5"),
            ("0042", "42"),
            ("0e999999999999999999999", "0"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("0.00000000000000000000000000010000", "0.0000000000000000000000000001"),
        ] {
            assert_eq!(decimal(text).to_string(), kept, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_and_what_has_too_many_digits_are_told_apart() {
        for text in ["", "-", "1.2.3", "abc", "0x2a", "1e", "inf", "NaN", "1_000", "\u{661}"] {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(NoDecimal::NoNumber), "{text}");
        }
        let long = "9".repeat(100_000);
        let fine = "0.00000000000000000000000000001";
        for text in ["79228162514264337593543950336", fine, "1e29", "1e999999999999999999999", "1e-30", &long] {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(NoDecimal::TooLong), "{text}");
        }
    }

    #[test]
    fn sums_and_products_are_exact_or_there_are_none() {
        assert_eq!(shown(decimal("0.1").plus(decimal("0.2"))), "0.3");
        assert_eq!(shown(decimal("3.30").minus(decimal("3.3"))), "0.00");
        assert_eq!(shown(decimal("1.10").times(decimal("2.0"))), "2.200");
        assert_eq!(shown(decimal("79228162514264337593543950335").plus(decimal("0.1"))), "none");
        assert_eq!(
            shown(decimal("79228162514264337593543950330").plus(decimal("5.000"))),
            "79228162514264337593543950335"
        );
        assert_eq!(shown(decimal("1e-15").times(decimal("1e-15"))), "none");
        assert_eq!(shown(decimal("1e28").times(decimal("10"))), "none");
        assert_eq!(shown(decimal("0").times(decimal("-1e-28"))), "0");
    }

    #[test]
    fn a_quotient_is_rounded_half_to_even_at_its_last_digit() {
        assert_eq!(shown(decimal("1").divided(decimal("3"))), "0.3333333333333333333333333333");
        assert_eq!(shown(decimal("2").divided(decimal("3"))), "0.6666666666666666666666666667");
        assert_eq!(shown(decimal("1e-28").divided(decimal("2"))), "0");
        assert_eq!(shown(decimal("3e-28").divided(decimal("2"))), "0.0000000000000000000000000002");
        assert_eq!(shown(decimal("1e28").divided(decimal("1e-28"))), "none");
        assert_eq!(shown(decimal("-7.5").remainder(decimal("2"))), "-1.5");
    }

    #[test]
    fn rounding_keeps_the_places_that_were_asked_for() {
        assert_eq!(shown(decimal("2.5").rounded(0)), "2");
        assert_eq!(shown(decimal("3.5").rounded(0)), "4");
        assert_eq!(shown(decimal("3.3").rounded(3)), "3.300");
        assert_eq!(shown(decimal("-0.04").rounded(1)), "0.0");
        assert_eq!(shown(decimal("12345678901234567890").rounded(20)), "none");
    }

    #[test]
    fn whole_numbers_are_known_whatever_their_zeros() {
        assert_eq!(decimal("4000.0").whole(), Some(4000));
        assert_eq!(decimal("-9223372036854775808").whole(), Some(i64::MIN));
        assert_eq!(decimal("9223372036854775808").whole(), None);
        assert_eq!(decimal("0.5").whole(), None);
    }

    #[test]
    fn numbers_of_both_kinds_have_one_order() {
        let int = |n| Number::Int(n);
        let of = |text: &str| Number::Decimal(decimal(text));
        assert_eq!(int(3).order(of("3.00")), Ordering::Equal);
        assert_eq!(of("2.999").order(int(3)), Ordering::Less);
        assert_eq!(int(i64::MAX).order(of("9223372036854775806.9")), Ordering::Greater);
    }
}
