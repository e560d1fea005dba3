//! Decimal arithmetic and rounding.
//!
//! Operands are doubles rounded to 15 significant digits before decimals calculate with them. Contract: app-forms 4.3.

use rust_decimal::Decimal;
use serde_json::Value;

use super::ExpressionError;
use super::conversion::{number_of, number_value};
use super::evaluate::Arguments;

type Operation = fn(Decimal, Decimal) -> Option<Decimal>;

pub(super) fn plus(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    fold(arguments, |a, b| a.checked_add(b))
}

pub(super) fn multiply(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    fold(arguments, |a, b| a.checked_mul(b))
}

pub(super) fn minus(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let (a, b) = two_operands(arguments)?;
    decimal_value(a.checked_sub(b))
}

pub(super) fn divide(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let (a, b) = two_operands(arguments)?;
    if b.is_zero() {
        return Err(ExpressionError::new("The second argument is 0, cannot divide by 0"));
    }
    decimal_value(a.checked_div(b))
}

pub(super) fn sum(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [list] = arguments.exactly()?;
    decimal_value(Some(total(list_of(list)?)?))
}

pub(super) fn average(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [list, fallback] = arguments.exactly()?;
    let items = list_of(list)?;
    let fallback = number_of(fallback)?;
    if items.is_empty() {
        return fallback.map_or(Ok(Value::Null), number_value);
    }
    decimal_value(total(items)?.checked_div(Decimal::from(items.len())))
}

pub(super) fn count(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [list] = arguments.exactly()?;
    Ok(Value::from(list_of(list)?.len()))
}

/// `round`: text with a fixed number of decimals, half away from zero on the exact binary value.
pub(super) fn round(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    const MOST_DECIMALS: f64 = 99.0;
    let values = arguments.between(1, 2)?;
    let number = number_of(&values[0])?.unwrap_or(0.0);
    let decimals = values.get(1).map(number_of).transpose()?.flatten().unwrap_or(0.0).trunc();
    if !(0.0..=MOST_DECIMALS).contains(&decimals) {
        return Err(ExpressionError::new(format!("Cannot round to {decimals} decimals")));
    }
    if !number.is_finite() {
        return Err(ExpressionError::overflow());
    }
    Ok(Value::String(rounded_text(number, decimals as usize)))
}

fn rounded_text(number: f64, decimals: usize) -> String {
    // No double has more than 1074 binary places, so this is its exact decimal expansion.
    let exact = format!("{:.1074}", number.abs());
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes().take(decimals)).collect();
    if fraction.as_bytes().get(decimals).is_some_and(|next| *next >= b'5') {
        increment(&mut digits);
    }
    let whole_length = digits.len() - decimals;
    let mut text = String::with_capacity(digits.len() + 2);
    if number.is_sign_negative() {
        text.push('-');
    }
    text.extend(digits[..whole_length].iter().map(|digit| char::from(*digit)));
    if decimals > 0 {
        text.push('.');
        text.extend(digits[whole_length..].iter().map(|digit| char::from(*digit)));
    }
    text
}

fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

fn fold(arguments: &Arguments<'_>, operation: Operation) -> Result<Value, ExpressionError> {
    let mut operands = arguments.values.iter().map(operand);
    let first = operands.next().ok_or_else(wrong_count)??;
    let result =
        operands.try_fold(first, |result, next| operation(result, next?).ok_or_else(ExpressionError::overflow))?;
    decimal_value(Some(result))
}

fn two_operands(arguments: &Arguments<'_>) -> Result<(Decimal, Decimal), ExpressionError> {
    let [a, b] = arguments.values.as_slice() else { return Err(wrong_count()) };
    Ok((operand(a)?, operand(b)?))
}

fn wrong_count() -> ExpressionError {
    ExpressionError::new("Invalid number of args")
}

fn total(items: &[Value]) -> Result<Decimal, ExpressionError> {
    items
        .iter()
        .try_fold(Decimal::ZERO, |total, item| total.checked_add(operand(item)?).ok_or_else(ExpressionError::overflow))
}

fn operand(value: &Value) -> Result<Decimal, ExpressionError> {
    match number_of(value)? {
        Some(number) => decimal(number).ok_or_else(ExpressionError::overflow),
        None => Ok(Decimal::ZERO),
    }
}

/// The decimal of a double: 15 significant digits, at most 28 places; `None` beyond ±7.9e28.
fn decimal(number: f64) -> Option<Decimal> {
    const MOST_PLACES: u32 = 28;
    const SMALLEST: f64 = 1e-28;
    if number.abs() < SMALLEST {
        return Some(Decimal::ZERO);
    }
    let scientific = format!("{number:.14e}");
    let (digits, exponent) = scientific.split_once('e')?;
    let digits: i128 = digits.chars().filter(|character| *character != '.').collect::<String>().parse().ok()?;
    let exponent = exponent.parse::<i32>().ok()? - 14;
    if exponent >= 0 {
        let whole = digits.checked_mul(10_i128.checked_pow(exponent.unsigned_abs())?)?;
        return Decimal::try_from_i128_with_scale(whole, 0).ok();
    }
    let places = exponent.unsigned_abs();
    if places <= MOST_PLACES {
        return Decimal::try_from_i128_with_scale(digits, places).ok().map(|decimal| decimal.normalize());
    }
    let Some(divisor) = 10_i128.checked_pow(places - MOST_PLACES) else { return Some(Decimal::ZERO) };
    let (quotient, rest) = (digits / divisor, digits % divisor);
    let rounded = if rest.abs() * 2 >= divisor { quotient + digits.signum() } else { quotient };
    Decimal::try_from_i128_with_scale(rounded, MOST_PLACES).ok().map(|decimal| decimal.normalize())
}

fn decimal_value(result: Option<Decimal>) -> Result<Value, ExpressionError> {
    let result = result.ok_or_else(ExpressionError::overflow)?;
    let number = result.to_string().parse().map_err(|_| ExpressionError::overflow())?;
    number_value(number)
}

fn list_of(value: &Value) -> Result<&[Value], ExpressionError> {
    let kind = match value {
        Value::Array(items) => return Ok(items),
        Value::Null => "Null",
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Object(_) => "Object",
    };
    Err(ExpressionError::new(format!("Expected argument to be list, got {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_keep_fifteen_digits() {
        assert_eq!(decimal(1_234_567_890_123_456.0).map(|d| d.to_string()).as_deref(), Some("1234567890123460"));
        assert_eq!(decimal(0.1).map(|d| d.to_string()).as_deref(), Some("0.1"));
        assert_eq!(decimal(9e-29), Some(Decimal::ZERO));
        assert_eq!(decimal(1e-28).map(|d| d.to_string()).as_deref(), Some("0.0000000000000000000000000001"));
        assert_eq!(decimal(5e-324), Some(Decimal::ZERO));
        assert_eq!(decimal(8e28), None);
        assert_eq!(decimal(1e300), None);
        assert_eq!(decimal(f64::NAN), None);
    }

    #[test]
    fn rounding_looks_at_the_exact_binary_value() {
        for (number, decimals, text) in [
            (2.5, 0, "3"),
            (-2.5, 0, "-3"),
            (1.005, 2, "1.00"),
            (1234.5, 2, "1234.50"),
            (9.999, 2, "10.00"),
            (0.0, 2, "0.00"),
        ] {
            assert_eq!(rounded_text(number, decimals), text);
        }
    }
}
