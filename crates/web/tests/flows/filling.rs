//! Values for forms: first what the schema asks for, then other guesses until validation is content.

use serde_json::{Value, json};

/// Values that a field with this schema might take, the likeliest first.
pub(crate) fn candidates(node: Option<&Value>) -> Vec<Value> {
    let none = Value::Null;
    let node = node.unwrap_or(&none);
    if let Some(constant) = node.get("const") {
        return vec![constant.clone()];
    }
    if let Some(listed) = node["enum"].as_array() {
        return listed.clone();
    }
    let kind = node["type"].as_str().or_else(|| node["type"].get(0)?.as_str());
    match kind {
        Some("boolean") => vec![json!(true), json!(false)],
        Some("integer" | "number") => numbers(node),
        Some("array") => vec![json!([{}]), json!(["a"])],
        Some("object") => vec![json!({})],
        Some("string") => texts(node),
        // Nothing is known of the field: text is likeliest.
        _ => texts(node).into_iter().chain(numbers(node)).chain([json!(true), json!(false), json!([{}])]).collect(),
    }
}

fn numbers(node: &Value) -> Vec<Value> {
    let bounds = ["minimum", "maximum"].into_iter().filter_map(|bound| node.get(bound).cloned());
    bounds.chain([1, 0, 20, 100, 1990, 5000].map(|number| json!(number))).collect()
}

fn texts(node: &Value) -> Vec<Value> {
    let (min, max) = (node["minLength"].as_u64().unwrap_or(0), node["maxLength"].as_u64().unwrap_or(u64::MAX));
    match node["format"].as_str() {
        Some("date") => return vec![json!("2030-06-15")],
        Some("date-time") => return vec![json!("2030-06-15T12:00:00Z")],
        Some("time") => return vec![json!("12:00:00")],
        Some("year") => return vec![json!("2030")],
        _ => {}
    }
    let padded = "abcdefghij ".repeat(usize::try_from(min / 11 + 1).unwrap_or(1));
    let known = [
        "Kari",
        "Kari Nordmann",
        "kari@example.no",
        "22334455",
        "897069650",
        "01039012345",
        "0155",
        "1",
        "2030-06-15",
        "15.06.2030",
        "2030-06-15T12:00:00Z",
        "12:30",
        "https://example.no/",
        "NO",
        "true",
        padded.trim_end(),
    ];
    let fits = |text: &&str| (min..=max).contains(&(text.chars().count() as u64));
    known.into_iter().filter(fits).map(|text| json!(text)).collect()
}

/// Sets a field such as `rader[0].post`; makes the objects and rows on the way.
pub(crate) fn set(document: &mut Value, path: &str, value: Value) {
    let (part, rest) = path.split_once('.').map_or((path, None), |(part, rest)| (part, Some(rest)));
    let (name, index) = match part.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
        None => (part, None),
    };
    if !document.is_object() {
        *document = json!({});
    }
    let member = &mut document[name];
    let place = match index {
        None => member,
        Some(index) => {
            let mut rows = member.as_array().cloned().unwrap_or_default();
            rows.resize(rows.len().max(index + 1), json!({}));
            *member = Value::Array(rows);
            &mut member[index]
        }
    };
    match rest {
        Some(rest) => set(place, rest, value),
        None => *place = value,
    }
}

/// Adds what `more` has and `document` has not.
pub(crate) fn add_missing(document: &mut Value, more: Value) {
    match (document, more) {
        (Value::Object(document), Value::Object(more)) => {
            for (name, value) in more {
                add_missing(document.entry(name).or_insert(Value::Null), value);
            }
        }
        (document @ Value::Null, more) => *document = more,
        _ => {}
    }
}

/// JSON pointer and value of the first text in a document.
pub(crate) fn first_text(document: &Value) -> Option<(String, Value)> {
    match document {
        Value::String(_) => Some((String::new(), document.clone())),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "altinnRowId").find_map(|(name, member)| {
                let (rest, value) = first_text(member)?;
                Some((format!("/{}{rest}", name.replace('~', "~0").replace('/', "~1")), value))
            })
        }
        _ => None,
    }
}
