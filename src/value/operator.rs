//! Operators between two values, and what they give.

use super::Value;
use super::compare::{NO_DECIMALS, Spelt, contains, equal, misfit, order, spells};

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
            _ => Err(misfit(operator, left.kind(), right.kind())),
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
            _ => arithmetic(operator, left, right, i64::checked_sub),
        },
        Operator::Times => arithmetic(operator, left, right, i64::checked_mul),
        Operator::Divided => arithmetic(operator, left, right, i64::checked_div),
        Operator::Remainder => arithmetic(operator, left, right, i64::checked_rem),
    }
}

fn plus(left: &Value, right: &Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Ok(Value::Text([a.as_slice(), b].concat())),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([a.as_slice(), b].concat())),
        (Value::List(a), Value::List(b)) => Ok(Value::List([a.as_slice(), b].concat())),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.saturating_add(*b))),
        _ => arithmetic(Operator::Plus, left, right, i64::checked_add),
    }
}

/// Says which of two values is no number.
fn not_numbers(operator: Operator, left: &Value, right: &Value) -> String {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let both = [left, right];
    match both.into_iter().find(|value| is_text(value) && value.as_int().is_none()) {
        Some(_) => format!("`{}` needs numbers, and the text is none", operator.title()),
        None => misfit(operator, left.kind(), right.kind()),
    }
}

/// Works out what two whole numbers make.
fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
    work_out: fn(i64, i64) -> Option<i64>,
) -> Result<Value, String> {
    let (Some(a), Some(b)) = (left.as_int(), right.as_int()) else {
        let is_decimal = |value: &Value| matches!(value, Value::Text(text) if spells(text) == Some(Spelt::Decimal));
        if is_decimal(left) || is_decimal(right) {
            return Err(format!("`{}` joins whole numbers only: {NO_DECIMALS}", operator.title()));
        }
        return Err(not_numbers(operator, left, right));
    };
    if b == 0 && matches!(operator, Operator::Divided | Operator::Remainder) {
        return Err("a number cannot be divided by zero".to_string());
    }
    let result = work_out(a, b);
    result.map(Value::Int).ok_or_else(|| format!("`{a} {} {b}` is too large a number", operator.title()))
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
    fn in_looks_into_lists_maps_and_texts() {
        let map = Value::Map(vec![("a".into(), Value::Int(1))]);
        assert_eq!(apply(Operator::In, &Value::text("a"), &map), Ok(Value::Bool(true)));
        assert_eq!(apply(Operator::In, &Value::Int(1), &Value::List(vec![Value::Int(1)])), Ok(Value::Bool(true)));
        assert_eq!(apply(Operator::In, &Value::text("SSL"), &Value::text("AT_S_SSL")), Ok(Value::Bool(true)));
        assert!(apply(Operator::In, &Value::text("a"), &Value::Int(1)).is_err());
    }
}
