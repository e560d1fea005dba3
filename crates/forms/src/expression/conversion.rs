//! How a value becomes text, a boolean or a number.
//!
//! Contract: app-forms 4.2. Dates are in [`super::date`].

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::ExpressionError;

/// The text of a value; `None` is null. `true`, `false` and `null` lose their casing, and `"null"` is null.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number_text(double(number))),
        Value::String(text) if text.eq_ignore_ascii_case("null") => None,
        Value::String(text) if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
            Some(text.to_ascii_lowercase())
        }
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => Some(compact_json(value)),
    }
}

/// A value inside a text for people: strings as they are, the rest as [`text_of`]. `None` is null.
pub(crate) fn printed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        other => text_of(other),
    }
}

/// The boolean of a value; null is false.
pub(super) fn boolean_of(value: &Value) -> Result<bool, ExpressionError> {
    let converted = match value {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number_as_boolean(double(number)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::String(text) => parse_number(text).and_then(number_as_boolean),
        Value::Array(_) | Value::Object(_) => None,
    };
    converted.ok_or_else(|| ExpressionError::new(format!("Expected boolean, got value {}", shown(value))))
}

/// The number of a value; null stays null.
pub(super) fn number_of(value: &Value) -> Result<Option<f64>, ExpressionError> {
    let converted = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => Some(double(number)),
        Value::String(text) => parse_number(text),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    converted.map(Some).ok_or_else(|| ExpressionError::new(format!("Expected number, got value {}", shown(value))))
}

/// The JSON number of a double that a calculation made.
pub(super) fn number_value(number: f64) -> Result<Value, ExpressionError> {
    Number::from_f64(number).map(Value::Number).ok_or_else(ExpressionError::overflow)
}

/// A value as error messages show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => format!("\"{text}\""),
        Value::Number(number) => number_text(double(number)),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(_) | Value::Object(_) => compact_json(value),
    }
}

/// Every number of the language is an IEEE double.
pub(super) fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Whether two values are the same result: numbers as doubles, objects with the order of their members.
pub(crate) fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => double(left) == double(right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|((name, left), (other, right))| name == other && is_same(left, right))
        }
        _ => left == right,
    }
}

fn number_as_boolean(number: f64) -> Option<bool> {
    match number {
        1.0 => Some(true),
        0.0 => Some(false),
        _ => None,
    }
}

/// `^[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$`, the only spelling of a number.
fn parse_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match fraction {
        Some(fraction) => is_digits(whole) && !fraction.is_empty() && is_digits(fraction),
        None => !whole.is_empty() && is_digits(whole),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    if mantissa_fits && exponent_fits { text.parse().ok() } else { None }
}

/// The shortest decimal that reads back as the same double; exponent form from 1E+15 and from 1E-05.
pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && exponent >= 15 => format!("{digits}E+{exponent:02}"),
        Ok(exponent) if number != 0.0 && exponent <= -5 => format!("{digits}E-{:02}", -exponent),
        _ => format!("{number}"),
    }
}

/// The JSON text of a value: compact, member order kept, everything outside ASCII escaped.
pub(super) fn compact_json(value: &Value) -> String {
    let mut text = String::new();
    write_json(value, &mut text);
    text
}

fn write_json(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) if number.is_f64() => text.push_str(&number_text(double(number))),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_json_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_json(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (position, (name, member)) in members.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_json_string(name, text);
                text.push(':');
                write_json(member, text);
            }
            text.push('}');
        }
    }
}

fn write_json_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04X}");
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_have_the_shortest_text_and_exponents_at_the_edges() {
        for (number, text) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (1e20, "1E+20"),
            (1e-7, "1E-07"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (-1.25e-10, "-1.25E-10"),
            (0.0, "0"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn only_the_spelling_of_the_contract_is_a_number() {
        for text in [".5", "+1", "-0e0", "1E+2", "007"] {
            assert!(parse_number(text).is_some(), "{text}");
        }
        for text in ["", "5.", "1 000", "1,5", "0x1", " 1", "e2", "1e", "--1", "inf", "NaN", "."] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn words_for_true_false_and_null_lose_their_casing_as_text() {
        assert_eq!(text_of(&json!("TRUE")), Some("true".to_owned()));
        assert_eq!(text_of(&json!("Null")), None);
        assert_eq!(text_of(&json!({"å": [1, null]})), Some("{\"\\u00E5\":[1,null]}".to_owned()));
    }
}
