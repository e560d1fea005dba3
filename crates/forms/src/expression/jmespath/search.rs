//! Running a query.

use serde_json::{Map, Value};

use super::functions;
use super::lexer::Token;
use super::parse::Node;
use crate::expression::is_same;

/// What a query gives for some data. What is not there is null; only functions can fail.
pub(super) fn search(node: &Node, data: &Value) -> Result<Value, String> {
    Ok(match node {
        Node::Current => data.clone(),
        Node::Field(name) => data.get(name).cloned().unwrap_or(Value::Null),
        Node::Literal(value) => value.clone(),
        Node::Then(left, right) => search(right, &search(left, data)?)?,
        Node::Index(index) => at(data, *index),
        Node::Slice { start, stop, step } => slice(data, *start, *stop, *step),
        Node::Each(list, then) => match search(list, data)? {
            Value::Array(items) => project(items.iter(), then)?,
            _ => Value::Null,
        },
        Node::EachValue(object, then) => match search(object, data)? {
            Value::Object(members) => project(members.values(), then)?,
            _ => Value::Null,
        },
        Node::EachWhere { list, condition, then } => match search(list, data)? {
            Value::Array(items) => {
                let mut kept = Vec::new();
                for item in items {
                    if is_true(&search(condition, &item)?) {
                        kept.push(item);
                    }
                }
                project(kept.iter(), then)?
            }
            _ => Value::Null,
        },
        Node::Flatten(list) => match search(list, data)? {
            Value::Array(items) => Value::Array(items.into_iter().flat_map(unwrapped).collect()),
            _ => Value::Null,
        },
        Node::Or(left, right) => match search(left, data)? {
            value if is_true(&value) => value,
            _ => search(right, data)?,
        },
        Node::And(left, right) => match search(left, data)? {
            value if is_true(&value) => search(right, data)?,
            value => value,
        },
        Node::Not(inner) => Value::Bool(!is_true(&search(inner, data)?)),
        Node::Compare(operator, left, right) => compare(operator, &search(left, data)?, &search(right, data)?),
        Node::List(_) | Node::Object(_) if data.is_null() => Value::Null,
        Node::List(items) => Value::Array(items.iter().map(|item| search(item, data)).collect::<Result<_, _>>()?),
        Node::Object(members) => {
            let members = members.iter().map(|(name, member)| Ok((name.clone(), search(member, data)?)));
            Value::Object(members.collect::<Result<Map<_, _>, String>>()?)
        }
        Node::Call(name, arguments) => functions::call(name, arguments, data)?,
    })
}

/// Null, false and everything empty is not true.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn project<'a>(items: impl Iterator<Item = &'a Value>, then: &Node) -> Result<Value, String> {
    let mut results = Vec::new();
    for item in items {
        let result = search(then, item)?;
        if !result.is_null() {
            results.push(result);
        }
    }
    Ok(Value::Array(results))
}

fn unwrapped(item: Value) -> Vec<Value> {
    match item {
        Value::Array(items) => items,
        other => vec![other],
    }
}

fn at(data: &Value, index: i64) -> Value {
    let Value::Array(items) = data else { return Value::Null };
    let from_start = if index < 0 { index.saturating_add(items.len() as i64) } else { index };
    usize::try_from(from_start).ok().and_then(|index| items.get(index)).cloned().unwrap_or(Value::Null)
}

fn slice(data: &Value, start: Option<i64>, stop: Option<i64>, step: i64) -> Value {
    let Value::Array(items) = data else { return Value::Null };
    let length = items.len() as i64;
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |position: i64| {
        let from_start = if position < 0 { position.saturating_add(length) } else { position };
        from_start.clamp(lowest, highest)
    };
    let mut at = start.map_or(if step > 0 { lowest } else { highest }, place);
    let stop = stop.map_or(if step > 0 { highest } else { lowest }, place);
    let mut taken = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Value::Array(taken)
}

fn compare(operator: &Token, left: &Value, right: &Value) -> Value {
    match operator {
        Token::Equal => return Value::Bool(is_same(left, right)),
        Token::NotEqual => return Value::Bool(!is_same(left, right)),
        _ => {}
    }
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else { return Value::Null };
    match operator {
        Token::Less => Value::Bool(left < right),
        Token::LessEqual => Value::Bool(left <= right),
        Token::Greater => Value::Bool(left > right),
        Token::GreaterEqual => Value::Bool(left >= right),
        _ => Value::Null,
    }
}
