//! The built-in functions of JMESPath.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::parse::{Argument, Node};
use super::search::search;
use crate::expression::is_same;

pub(super) fn call(name: &str, arguments: &[Argument], data: &Value) -> Result<Value, String> {
    let call = Call { name, arguments, data };
    match name {
        "abs" => number(call.number(0, 1)?.abs()),
        "avg" => average(&call.numbers(0, 1)?),
        "ceil" => number(call.number(0, 1)?.ceil()),
        "contains" => contains(&call),
        "ends_with" => Ok(Value::Bool(call.text(0, 2)?.ends_with(&call.text(1, 2)?))),
        "floor" => number(call.number(0, 1)?.floor()),
        "join" => Ok(Value::String(call.texts(1, 2)?.join(&call.text(0, 2)?))),
        "keys" => Ok(Value::Array(call.object(0, 1)?.keys().map(|key| Value::from(key.as_str())).collect())),
        "length" => length(&call),
        "map" => {
            let list = call.list(1, 2)?;
            list.iter().map(|item| search(call.reference(0, 2)?, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        "max" => greatest(call.list(0, 1)?, Ordering::Greater, &call),
        "min" => greatest(call.list(0, 1)?, Ordering::Less, &call),
        "max_by" => greatest_by(&call, Ordering::Greater),
        "min_by" => greatest_by(&call, Ordering::Less),
        "merge" => merge(&call),
        "not_null" => not_null(&call),
        "reverse" => match call.value(0, 1)? {
            Value::Array(items) => Ok(Value::Array(items.into_iter().rev().collect())),
            Value::String(text) => Ok(Value::String(text.chars().rev().collect())),
            other => Err(call.wrong_type(&other)),
        },
        "sort" => sort(call.list(0, 1)?, &call),
        "sort_by" => sort_by(&call),
        "starts_with" => Ok(Value::Bool(call.text(0, 2)?.starts_with(&call.text(1, 2)?))),
        "sum" => number(call.numbers(0, 1)?.iter().sum()),
        "to_array" => Ok(match call.value(0, 1)? {
            list @ Value::Array(_) => list,
            other => Value::Array(vec![other]),
        }),
        "to_number" => Ok(match call.value(0, 1)? {
            number @ Value::Number(_) => number,
            Value::String(text) => text.parse::<Number>().map_or(Value::Null, Value::Number),
            _ => Value::Null,
        }),
        "to_string" => Ok(match call.value(0, 1)? {
            text @ Value::String(_) => text,
            other => Value::String(other.to_string()),
        }),
        "type" => Ok(Value::from(type_name(&call.value(0, 1)?))),
        "values" => Ok(Value::Array(call.object(0, 1)?.values().cloned().collect())),
        _ => Err(format!("unknown function {name}")),
    }
}

/// One call of a function; arguments are looked at by position, with the number of arguments the function takes.
struct Call<'a> {
    name: &'a str,
    arguments: &'a [Argument],
    data: &'a Value,
}

impl Call<'_> {
    fn argument(&self, position: usize, count: usize) -> Result<&Argument, String> {
        match self.arguments.get(position) {
            Some(argument) if self.arguments.len() == count => Ok(argument),
            _ => Err(format!("{} takes {count} argument(s), got {}", self.name, self.arguments.len())),
        }
    }

    fn value(&self, position: usize, count: usize) -> Result<Value, String> {
        match self.argument(position, count)? {
            Argument::Value(node) => search(node, self.data),
            Argument::Reference(_) => Err(format!("{} takes no expression as argument {position}", self.name)),
        }
    }

    fn reference(&self, position: usize, count: usize) -> Result<&Node, String> {
        match self.argument(position, count)? {
            Argument::Reference(node) => Ok(node),
            Argument::Value(_) => Err(format!("{} takes an expression as argument {position}", self.name)),
        }
    }

    fn number(&self, position: usize, count: usize) -> Result<f64, String> {
        let value = self.value(position, count)?;
        value.as_f64().ok_or_else(|| self.wrong_type(&value))
    }

    fn text(&self, position: usize, count: usize) -> Result<String, String> {
        match self.value(position, count)? {
            Value::String(text) => Ok(text),
            other => Err(self.wrong_type(&other)),
        }
    }

    fn list(&self, position: usize, count: usize) -> Result<Vec<Value>, String> {
        match self.value(position, count)? {
            Value::Array(items) => Ok(items),
            other => Err(self.wrong_type(&other)),
        }
    }

    fn object(&self, position: usize, count: usize) -> Result<Map<String, Value>, String> {
        match self.value(position, count)? {
            Value::Object(members) => Ok(members),
            other => Err(self.wrong_type(&other)),
        }
    }

    fn numbers(&self, position: usize, count: usize) -> Result<Vec<f64>, String> {
        let items = self.list(position, count)?;
        items.iter().map(|item| item.as_f64().ok_or_else(|| self.wrong_type(item))).collect()
    }

    fn texts(&self, position: usize, count: usize) -> Result<Vec<String>, String> {
        let items = self.list(position, count)?;
        items.iter().map(|item| item.as_str().map(ToOwned::to_owned).ok_or_else(|| self.wrong_type(item))).collect()
    }

    fn wrong_type(&self, value: &Value) -> String {
        format!("{} does not take a value of type {}", self.name, type_name(value))
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn number(value: f64) -> Result<Value, String> {
    Number::from_f64(value).map(Value::Number).ok_or_else(|| "the number is too large".to_owned())
}

fn average(numbers: &[f64]) -> Result<Value, String> {
    if numbers.is_empty() {
        return Ok(Value::Null);
    }
    number(numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn contains(call: &Call<'_>) -> Result<Value, String> {
    let searched = call.value(1, 2)?;
    match (call.value(0, 2)?, &searched) {
        (Value::String(text), Value::String(part)) => Ok(Value::Bool(text.contains(part.as_str()))),
        (Value::String(_), _) => Ok(Value::Bool(false)),
        (Value::Array(items), searched) => Ok(Value::Bool(items.iter().any(|item| is_same(item, searched)))),
        (other, _) => Err(call.wrong_type(&other)),
    }
}

fn length(call: &Call<'_>) -> Result<Value, String> {
    let length = match call.value(0, 1)? {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        other => return Err(call.wrong_type(&other)),
    };
    Ok(Value::from(length))
}

fn merge(call: &Call<'_>) -> Result<Value, String> {
    let count = call.arguments.len();
    let mut merged = Map::new();
    for position in 0..count {
        merged.extend(call.object(position, count)?);
    }
    Ok(Value::Object(merged))
}

fn not_null(call: &Call<'_>) -> Result<Value, String> {
    let count = call.arguments.len();
    for position in 0..count {
        let value = call.value(position, count)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

/// The order of two keys; only two numbers or two strings have one.
fn order(left: &Value, right: &Value, call: &Call<'_>) -> Result<Ordering, String> {
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(_), Value::Number(_)) => left.as_f64().partial_cmp(&right.as_f64()),
        _ => None,
    };
    order.ok_or_else(|| call.wrong_type(if left.is_number() || left.is_string() { right } else { left }))
}

/// Every key must be comparable with the first, whether or not sorting meets the pair.
fn check_keys<'a>(keys: impl IntoIterator<Item = &'a Value>, call: &Call<'_>) -> Result<(), String> {
    let mut keys = keys.into_iter();
    let Some(first) = keys.next() else { return Ok(()) };
    order(first, first, call)?;
    keys.try_for_each(|key| order(first, key, call).map(|_| ()))
}

fn sort(mut items: Vec<Value>, call: &Call<'_>) -> Result<Value, String> {
    check_keys(&items, call)?;
    items.sort_by(|left, right| order(left, right, call).unwrap_or(Ordering::Equal));
    Ok(Value::Array(items))
}

fn keyed(call: &Call<'_>) -> Result<Vec<(Value, Value)>, String> {
    let reference = call.reference(1, 2)?;
    let keyed: Vec<(Value, Value)> = call
        .list(0, 2)?
        .into_iter()
        .map(|item| search(reference, &item).map(|key| (key, item)))
        .collect::<Result<_, _>>()?;
    check_keys(keyed.iter().map(|(key, _)| key), call)?;
    Ok(keyed)
}

fn sort_by(call: &Call<'_>) -> Result<Value, String> {
    let mut items = keyed(call)?;
    items.sort_by(|(left, _), (right, _)| order(left, right, call).unwrap_or(Ordering::Equal));
    Ok(Value::Array(items.into_iter().map(|(_, item)| item).collect()))
}

fn greatest(items: Vec<Value>, wanted: Ordering, call: &Call<'_>) -> Result<Value, String> {
    check_keys(&items, call)?;
    let better = |best: Value, item: Value| if order(&item, &best, call) == Ok(wanted) { item } else { best };
    Ok(items.into_iter().reduce(better).unwrap_or(Value::Null))
}

fn greatest_by(call: &Call<'_>, wanted: Ordering) -> Result<Value, String> {
    let items = keyed(call)?;
    let best =
        items.into_iter().reduce(|best, item| if order(&item.0, &best.0, call) == Ok(wanted) { item } else { best });
    Ok(best.map_or(Value::Null, |(_, item)| item))
}
