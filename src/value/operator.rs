//! Operators between two values, and what they give.

use super::Value;
use super::compare::{Spelt, contains, equal, misfit, order, spells};
use super::decimal::{Decimal, Number};

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `in`
    In,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divided,
    /// `%`
    Remainder,
}

impl Operator {
    /// Returns the operator as it is written.
    pub fn title(self) -> &'static str {
        match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::Equal => "==",
            Operator::Unequal => "!=",
            Operator::Below => "<",
            Operator::AtMost => "<=",
            Operator::Above => ">",
            Operator::AtLeast => ">=",
            Operator::In => "in",
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Divided => "/",
            Operator::Remainder => "%",
        }
    }
}

/// Works out `left operator right`.
///
/// `or` and `and` take `true` and `false` only; who wants them lazy looks at the left side first.
///
/// # Errors
///
/// Why it cannot be worked out: types that do not fit, overflow, division by zero.
pub fn apply(operator: Operator, left: &Value, right: &Value) -> Result<Value, String> {
    match operator {
        Operator::Or | Operator::And => match (left, right) {
            (Value::Bool(a), Value::Bool(b)) => {
                Ok(Value::Bool(if operator == Operator::Or { *a || *b } else { *a && *b }))
            }
            _ => Err(misfit(operator, left, right)),
        },
        Operator::Equal => equal(operator, left, right).map(Value::Bool),
        Operator::Unequal => equal(operator, left, right).map(|is_equal| Value::Bool(!is_equal)),
        Operator::Below => order(operator, left, right).map(|order| Value::Bool(order.is_lt())),
        Operator::AtMost => order(operator, left, right).map(|order| Value::Bool(order.is_le())),
        Operator::Above => order(operator, left, right).map(|order| Value::Bool(order.is_gt())),
        Operator::AtLeast => order(operator, left, right).map(|order| Value::Bool(order.is_ge())),
        Operator::In => contains(right, left).map(Value::Bool),
        Operator::Plus => plus(left, right),
        Operator::Minus => match (left, right) {
            (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.saturating_sub(*b))),
            _ => arithmetic(operator, left, right, i64::checked_sub, Decimal::minus),
        },
        Operator::Times => arithmetic(operator, left, right, i64::checked_mul, Decimal::times),
        Operator::Divided => arithmetic(operator, left, right, i64::checked_div, Decimal::divided),
        Operator::Remainder => arithmetic(operator, left, right, i64::checked_rem, Decimal::remainder),
    }
}

fn plus(left: &Value, right: &Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Ok(Value::Text([a.as_slice(), b].concat())),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([a.as_slice(), b].concat())),
        (Value::List(a), Value::List(b)) => Ok(Value::List([a.as_slice(), b].concat())),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.saturating_add(*b))),
        _ => arithmetic(Operator::Plus, left, right, i64::checked_add, Decimal::plus),
    }
}

/// Says which of two values is no number.
fn not_numbers(operator: Operator, left: &Value, right: &Value) -> String {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let both = [left, right];
    match both.into_iter().find(|value| is_text(value) && value.as_int().is_none()) {
        Some(_) => format!("`{}` needs numbers, and the text is none", operator.title()),
        None => misfit(operator, left, right),
    }
}

/// Works out what two numbers make: a decimal number, if one of them is one.
fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
    of_whole: fn(i64, i64) -> Option<i64>,
    of_decimals: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value, String> {
    let (Some(a), Some(b)) = (number(left), number(right)) else {
        let is_decimal = |value: &Value| matches!(value, Value::Text(text) if spells(text) == Some(Spelt::Decimal));
        if is_decimal(left) || is_decimal(right) {
            return Err(format!("`{}` needs numbers: write `decimal(…)` around the text", operator.title()));
        }
        return Err(not_numbers(operator, left, right));
    };
    if b.decimal().is_zero() && matches!(operator, Operator::Divided | Operator::Remainder) {
        return Err("a number cannot be divided by zero".to_string());
    }
    let too_large = || format!("`{a} {} {b}` is too large a number", operator.title());
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => of_whole(a, b).map(Value::Int).ok_or_else(too_large),
        (Number::Int(_) | Number::Decimal(_), Number::Int(_) | Number::Decimal(_)) => {
            let too_long = || {
                format!("`{a} {} {b}` needs more than 28 digits: `round(…)` makes a number shorter", operator.title())
            };
            of_decimals(a.decimal(), b.decimal()).map(Value::Decimal).ok_or_else(too_long)
        }
    }
}

/// Returns the number that a value is; of texts only those will do that spell a whole number.
fn number(value: &Value) -> Option<Number> {
    if let Value::Decimal(n) = value { Some(Number::Decimal(*n)) } else { value.as_int().map(Number::Int) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_overflow_into_an_error_and_not_into_a_panic() {
        assert!(apply(Operator::Times, &Value::Int(i64::MAX), &Value::Int(2)).is_err());
        assert!(apply(Operator::Divided, &Value::Int(i64::MIN), &Value::Int(-1)).is_err());
        assert!(apply(Operator::Remainder, &Value::Int(1), &Value::Int(0)).is_err());
    }

    #[test]
    fn captured_digits_add_as_numbers_and_texts_join() {
        assert_eq!(apply(Operator::Plus, &Value::text("2"), &Value::Int(3)), Ok(Value::Int(5)));
        assert_eq!(apply(Operator::Plus, &Value::text("2"), &Value::text("3")), Ok(Value::text("23")));
    }

    #[test]
    fn whole_and_decimal_numbers_mix_exactly() {
        let decimal = |text: &str| Value::Decimal(Decimal::parse(text.as_bytes()).expect("a number"));
        assert_eq!(apply(Operator::Plus, &decimal("0.1"), &Value::Int(1)), Ok(decimal("1.1")));
        assert_eq!(apply(Operator::Times, &Value::text("3"), &decimal("1.10")), Ok(decimal("3.30")));
        assert_eq!(apply(Operator::Divided, &Value::Int(1), &Value::Int(4)), Ok(Value::Int(0)));
        assert_eq!(apply(Operator::Divided, &decimal("1.0"), &Value::Int(4)), Ok(decimal("0.25")));
        assert_eq!(apply(Operator::Equal, &decimal("3.00"), &Value::Int(3)), Ok(Value::Bool(true)));
        assert_eq!(apply(Operator::Below, &Value::Int(3), &decimal("3.01")), Ok(Value::Bool(true)));
        assert!(apply(Operator::Divided, &decimal("1.0"), &decimal("0.00")).is_err());
        let why = apply(Operator::Plus, &Value::text("4.9"), &Value::Int(1)).expect_err("a text is no number");
        assert!(why.contains("write `decimal(…)` around the text"), "{why}");
        let why = apply(Operator::Equal, &Value::text("4.9"), &decimal("4.9")).expect_err("they are never equal");
        assert!(why.contains("write `decimal(…)` around the text"), "{why}");
    }

    #[test]
    fn in_looks_into_lists_maps_and_texts() {
        let map = Value::Map(vec![("a".into(), Value::Int(1))]);
        assert_eq!(apply(Operator::In, &Value::text("a"), &map), Ok(Value::Bool(true)));
        assert_eq!(apply(Operator::In, &Value::Int(1), &Value::List(vec![Value::Int(1)])), Ok(Value::Bool(true)));
        assert_eq!(apply(Operator::In, &Value::text("SSL"), &Value::text("AT_S_SSL")), Ok(Value::Bool(true)));
        assert!(apply(Operator::In, &Value::text("a"), &Value::Int(1)).is_err());
    }
}
