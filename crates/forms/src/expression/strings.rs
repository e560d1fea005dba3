//! Functions over text. Positions count UTF-16 code units. Contract: app-forms 4.3.

use serde_json::Value;

use super::ExpressionError;
use super::conversion::{number_of, text_of};
use super::evaluate::Arguments;

/// A question about two texts; false when either is null.
pub(super) fn test(arguments: &Arguments<'_>, holds: impl Fn(&str, &str) -> bool) -> Result<Value, ExpressionError> {
    Ok(Value::Bool(matches!(two_texts(arguments)?, (Some(text), Some(part)) if holds(&text, &part))))
}

/// `notContains`: true when either is null.
pub(super) fn not_contains(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    Ok(Value::Bool(!matches!(two_texts(arguments)?, (Some(text), Some(part)) if text.contains(&part))))
}

pub(super) fn length(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [value] = arguments.exactly()?;
    Ok(Value::from(text_of(value).map_or(0, |text| text.encode_utf16().count())))
}

pub(super) fn index_of(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let (Some(text), Some(part)) = two_texts(arguments)? else { return Ok(Value::Null) };
    Ok(text.find(&part).map_or(Value::Null, |byte| Value::from(text[..byte].encode_utf16().count())))
}

/// `stringSlice`: start and end as in JavaScript; an end before the start gives the empty text.
pub(super) fn slice(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let values = arguments.between(2, 3)?;
    let start = slice_position(&values[1])?;
    let end = values.get(2).map(slice_position).transpose()?;
    let Some(text) = text_of(&values[0]) else { return Ok(Value::Null) };
    let units: Vec<u16> = text.encode_utf16().collect();
    let start = clamp(start, units.len());
    let end = end.map_or(units.len(), |end| clamp(end, units.len()));
    let part = units.get(start..end).unwrap_or_default();
    Ok(Value::String(String::from_utf16_lossy(part)))
}

fn slice_position(value: &Value) -> Result<f64, ExpressionError> {
    number_of(value)?.map(f64::trunc).ok_or_else(|| {
        ExpressionError::new(
            "Start/end index cannot be null (if you used an expression like stringIndexOf here, make sure to guard \
             against null)",
        )
    })
}

fn clamp(position: f64, length: usize) -> usize {
    let from_start = if position < 0.0 { position + length as f64 } else { position };
    from_start.clamp(0.0, length as f64) as usize
}

pub(super) fn replace(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [text, search, replacement] = arguments.exactly()?;
    Ok(match (text_of(text), text_of(search)) {
        (Some(text), Some(search)) if !text.is_empty() && !search.is_empty() => {
            Value::String(text.replace(&search, &text_of(replacement).unwrap_or_default()))
        }
        _ => Value::Null,
    })
}

/// A change of one text; null stays null.
pub(super) fn change(arguments: &Arguments<'_>, change: fn(&str) -> String) -> Result<Value, ExpressionError> {
    let [value] = arguments.exactly()?;
    Ok(text_of(value).map_or(Value::Null, |text| Value::String(change(&text))))
}

pub(super) fn lower_case(text: &str) -> String {
    text.chars().map(lower).collect()
}

pub(super) fn upper_case(text: &str) -> String {
    text.chars().map(upper).collect()
}

pub(super) fn lower_case_first(text: &str) -> String {
    change_first(text, lower)
}

pub(super) fn upper_case_first(text: &str) -> String {
    change_first(text, upper)
}

fn change_first(text: &str, change: fn(char) -> char) -> String {
    let mut characters = text.chars();
    match characters.next() {
        // The first code unit of a character outside the basic plane is half a character, which has no case.
        Some(first) if first.len_utf16() == 1 => std::iter::once(change(first)).chain(characters).collect(),
        _ => text.to_owned(),
    }
}

/// Invariant casing maps one character to one character: `ß` stays `ß`.
fn lower(character: char) -> char {
    single(character.to_lowercase()).unwrap_or(character)
}

fn upper(character: char) -> char {
    single(character.to_uppercase()).unwrap_or(character)
}

fn single(mut mapped: impl ExactSizeIterator<Item = char>) -> Option<char> {
    if mapped.len() == 1 { mapped.next() } else { None }
}

fn two_texts(arguments: &Arguments<'_>) -> Result<(Option<String>, Option<String>), ExpressionError> {
    let [text, part] = arguments.exactly()?;
    Ok((text_of(text), text_of(part)))
}
