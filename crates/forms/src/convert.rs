//! Values set by rules, converted to the type of the field they go into (app-forms §4.3, last rule; §8.2).

use crate::decimal::Decimal;
use crate::model::{Field, Kind, WhenNull};
use crate::time_text::DateTimeText;
use crate::value::FormValue;

/// The value as the field keeps it; none when it does not suit.
pub(crate) fn to_field_kind(field: &Field, value: FormValue) -> Option<FormValue> {
    if value.is_null() {
        return (field.when_null != WhenNull::Impossible).then_some(FormValue::Null);
    }
    match (field.kind, value) {
        (Kind::Any, value) => Some(value),
        (Kind::Text, FormValue::Text(text)) => Some(FormValue::Text(text)),
        (Kind::Text, FormValue::Number(number)) => Some(FormValue::Text(number.to_string())),
        (Kind::Decimal | Kind::Integer { .. }, value) => {
            let number = match value {
                FormValue::Number(number) => number,
                FormValue::Bool(value) => Decimal::from(i64::from(value)),
                FormValue::Text(text) => Decimal::parse_json(text.strip_prefix('+').unwrap_or(&text)).ok()?,
                _ => return None,
            };
            match field.kind {
                Kind::Integer { bits } => integer_of(number.round_to_whole(), bits).map(FormValue::Number),
                _ => Some(FormValue::Number(number)),
            }
        }
        (Kind::Bool, FormValue::Bool(value)) => Some(FormValue::Bool(value)),
        (Kind::Bool, FormValue::Number(number)) => bool_of(number).map(FormValue::Bool),
        (Kind::Bool, FormValue::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(FormValue::Bool(true)),
            "false" => Some(FormValue::Bool(false)),
            text => bool_of(Decimal::parse_json(text.strip_prefix('+').unwrap_or(text)).ok()?).map(FormValue::Bool),
        },
        (Kind::DateTime, FormValue::Text(text)) => {
            DateTimeText::parse(&text).map(|time| FormValue::Text(time.to_string()))
        }
        _ => None,
    }
}

fn bool_of(number: Decimal) -> Option<bool> {
    match number.to_i64()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The number when it is whole and fits in so many bits.
pub(crate) fn integer_of(number: Decimal, bits: u32) -> Option<Decimal> {
    let whole = number.to_i64()?;
    let fits = bits >= 64 || (-(1_i64 << (bits - 1))..(1_i64 << (bits - 1))).contains(&whole);
    fits.then(|| Decimal::from(whole))
}
