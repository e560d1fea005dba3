//! Values to JSON text.

use std::fmt::Write as _;

use crate::value::{FormObject, FormValue};

/// What is escaped beyond what JSON demands.
#[derive(Clone, Copy, PartialEq)]
enum Escaping {
    Relaxed,
    Ascii,
}

pub(super) fn relaxed(root: &FormObject) -> String {
    let mut text = String::new();
    write_object(&mut text, root, Escaping::Relaxed);
    text
}

pub(super) fn stored(root: &FormObject) -> String {
    let mut text = String::new();
    write_object(&mut text, root, Escaping::Ascii);
    text
}

pub(super) fn ascii(value: &FormValue) -> String {
    let mut text = String::new();
    write_value(&mut text, value, Escaping::Ascii);
    text
}

fn write_value(out: &mut String, value: &FormValue, escaping: Escaping) {
    match value {
        FormValue::Null => out.push_str("null"),
        FormValue::Bool(true) => out.push_str("true"),
        FormValue::Bool(false) => out.push_str("false"),
        FormValue::Number(number) => {
            let _ = write!(out, "{number}");
        }
        FormValue::Text(text) => write_string(out, text, escaping),
        FormValue::Object(object) => write_object(out, object, escaping),
        FormValue::List(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_value(out, item, escaping);
            }
            out.push(']');
        }
    }
}

fn write_object(out: &mut String, object: &FormObject, escaping: Escaping) {
    out.push('{');
    for (position, (name, value)) in object.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_string(out, name, escaping);
        out.push(':');
        write_value(out, value, escaping);
    }
    out.push('}');
}

fn write_string(out: &mut String, text: &str, escaping: Escaping) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' if escaping == Escaping::Relaxed => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || c == '\u{7f}' => escape_units(out, c),
            '"' | '<' | '>' | '&' | '\'' | '+' | '`' if escaping == Escaping::Ascii => escape_units(out, c),
            c if escaping == Escaping::Ascii && !c.is_ascii() => escape_units(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn escape_units(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04X}");
    }
}
