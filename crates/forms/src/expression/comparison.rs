//! `equals`, the four number comparisons, and `compare`. Contract: app-forms 4.3, 4.4.

use serde_json::Value;

use super::ExpressionError;
use super::conversion::{number_of, text_of};
use super::date::{self, Moment};
use super::evaluate::Arguments;
use super::syntax::Expression;

pub(super) fn equals(arguments: &Arguments<'_>) -> Result<bool, ExpressionError> {
    let [a, b] = arguments.exactly()?;
    Ok(text_of(a) == text_of(b))
}

/// A comparison of two numbers; false when either is null.
pub(super) fn numbers(arguments: &Arguments<'_>, holds: fn(f64, f64) -> bool) -> Result<Value, ExpressionError> {
    let [a, b] = arguments.values.as_slice() else { return Err(ExpressionError::new("Invalid number of args")) };
    compare_numbers(a, b, holds).map(Value::Bool)
}

fn compare_numbers(a: &Value, b: &Value, holds: fn(f64, f64) -> bool) -> Result<bool, ExpressionError> {
    Ok(match (number_of(a)?, number_of(b)?) {
        (Some(a), Some(b)) => holds(a, b),
        _ => false,
    })
}

pub(super) fn compare(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let (a, operator, b, negated) = match (arguments.values.as_slice(), arguments.written) {
        ([a, _, b], [_, operator, _]) => (a, operator, b, false),
        ([a, _, _, b], [_, not, operator, _]) => {
            if not.as_literal_text() != Some("not") {
                return Err(ExpressionError::new(
                    "Second argument must be \"not\" when providing 4 arguments in total",
                ));
            }
            (a, operator, b, true)
        }
        (values, _) => {
            return Err(ExpressionError::new(format!("Expected 3-4 argument(s), got {}", values.len())));
        }
    };
    Ok(Value::Bool(holds(a, operator, b)? != negated))
}

fn holds(a: &Value, operator: &Expression, b: &Value) -> Result<bool, ExpressionError> {
    let operator = match operator {
        Expression::Literal(Value::Null) | Expression::Call { .. } => {
            return Err(ExpressionError::new("Invalid operator (it cannot be an expression or null)"));
        }
        Expression::Literal(Value::String(operator)) => operator.as_str(),
        Expression::Literal(other) => return refuse_operator(&other.to_string(), a, b),
    };
    if operator == "equals" {
        return Ok(text_of(a) == text_of(b));
    }
    if a.is_null() || b.is_null() {
        return Ok(false);
    }
    match operator {
        "greaterThan" => compare_numbers(a, b, |a, b| a > b),
        "greaterThanEq" => compare_numbers(a, b, |a, b| a >= b),
        "lessThan" => compare_numbers(a, b, |a, b| a < b),
        "lessThanEq" => compare_numbers(a, b, |a, b| a <= b),
        "isBefore" => compare_dates(a, b, |a, b| a < b),
        "isBeforeEq" => compare_dates(a, b, |a, b| a <= b),
        "isAfter" => compare_dates(a, b, |a, b| a > b),
        "isAfterEq" => compare_dates(a, b, |a, b| a >= b),
        "isSameDay" => is_same_day(a, b),
        other => refuse_operator(other, a, b),
    }
}

fn refuse_operator(operator: &str, a: &Value, b: &Value) -> Result<bool, ExpressionError> {
    if a.is_null() || b.is_null() {
        return Ok(false);
    }
    Err(ExpressionError::new(format!("Invalid operator \"{operator}\"")))
}

/// Both dates, when neither is null and both or neither say an offset.
fn two_dates(a: &Value, b: &Value) -> Result<Option<(Moment, Moment)>, ExpressionError> {
    let (Some(a), Some(b)) = (date::date_of(a)?, date::date_of(b)?) else { return Ok(None) };
    if a.offset.is_some() != b.offset.is_some() {
        return Err(ExpressionError::new("Can not compare timestamps where only one specify timezone"));
    }
    Ok(Some((a, b)))
}

/// Instants when offsets are given, local wall time otherwise.
fn compare_dates(a: &Value, b: &Value, holds: fn(i128, i128) -> bool) -> Result<bool, ExpressionError> {
    Ok(two_dates(a, b)?.is_some_and(|(a, b)| holds(a.nanoseconds(), b.nanoseconds())))
}

fn is_same_day(a: &Value, b: &Value) -> Result<bool, ExpressionError> {
    let Some((a, b)) = two_dates(a, b)? else { return Ok(false) };
    if a.offset != b.offset {
        return Err(ExpressionError::new(
            "Can not figure out if timestamps in different timezones are in the same day",
        ));
    }
    Ok(a.local.date() == b.local.date())
}
