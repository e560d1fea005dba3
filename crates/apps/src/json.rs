//! JSON files of an app: lenient to read, exact about places.
//!
//! Byte order mark, comments and trailing commas are accepted in every file (app-api §1.11). Where the original
//! accepts less, that is a warning.

use bytes::Bytes;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast, parse_to_serde_value};
use serde_json::Value;

use crate::problem::{Place, Problems};

/// What the original accepts in a file besides plain JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Original {
    PlainOnly,
    TrailingCommas,
    Comments,
    CommentsAndTrailingCommas,
}

/// A JSON file that could be read.
#[derive(Clone, Debug)]
pub(crate) struct JsonFile {
    pub(crate) path: String,
    text: String,
    pub(crate) value: Value,
}

impl JsonFile {
    /// Reads the file; what is wrong with it is a problem.
    pub(crate) fn read(path: &str, bytes: &[u8], original: Original, problems: &mut Problems) -> Option<Self> {
        let text = text_of(path, bytes, problems)?;
        let value = match parse_to_serde_value::<Option<Value>>(&text, &lenient()) {
            Ok(Some(value)) => value,
            Ok(None) if text.trim() == "null" => Value::Null,
            Ok(None) => {
                problems.error(Place::line(path, 1), "the file is empty");
                return None;
            }
            Err(error) => {
                problems.error(Place::line(path, error.line_display() as u32), sentence(&error));
                return None;
            }
        };
        if original != Original::CommentsAndTrailingCommas
            && let Err(error) = parse_to_ast(&text, &CollectOptions::default(), &accepted_by(original))
        {
            let place = Place::line(path, error.line_display() as u32);
            problems.warn(place, format!("the original refuses this: {}", sentence(&error)));
        }
        Some(Self { path: path.to_owned(), text, value })
    }

    /// The place of the value that a JSON pointer names; the nearest value around it when it is not there.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        Place { file: self.path.clone(), line: self.line_of(pointer), pointer: Some(pointer.to_owned()) }
    }

    /// The document as plain JSON: the bytes as they are where they are that already, else written anew.
    pub(crate) fn plain(&self) -> Bytes {
        if serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_ok() {
            return Bytes::copy_from_slice(self.text.as_bytes());
        }
        to_bytes(&self.value)
    }

    /// From 1. Problems are few, so the text is simply read again.
    fn line_of(&self, pointer: &str) -> Option<u32> {
        let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &lenient()).ok()?;
        let mut node = parsed.value.as_ref()?;
        let mut start = node.start();
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let inner = match node {
                ast::Value::Object(object) => {
                    let mut named = object.properties.iter().filter(|member| member.name.as_str() == token);
                    named.next_back().map(|member| (member.name.start(), &member.value))
                }
                ast::Value::Array(array) => {
                    let item = token.parse::<usize>().ok().and_then(|at| array.elements.get(at));
                    item.map(|item| (item.start(), item))
                }
                _ => None,
            };
            let Some(inner) = inner else { break };
            (start, node) = inner;
        }
        let before = self.text.get(..start)?;
        Some(lines_of(before.as_bytes()))
    }
}

/// `parent/token`, with the token escaped.
pub(crate) fn pointer_to(parent: &str, token: &str) -> String {
    format!("{parent}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// A value as JSON text.
pub(crate) fn to_bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

/// The text of a file without byte order mark.
pub(crate) fn text_of(path: &str, bytes: &[u8], problems: &mut Problems) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = lines_of(before);
            problems.error(Place::line(path, line), "the file is not UTF-8 text");
            None
        }
    }
}

/// How many lines the text has, which is the line that follows right after it.
fn lines_of(text: &[u8]) -> u32 {
    text.split(|byte| *byte == b'\n').count() as u32
}

fn lenient() -> ParseOptions {
    accepted_by(Original::CommentsAndTrailingCommas)
}

fn accepted_by(original: Original) -> ParseOptions {
    ParseOptions {
        allow_comments: matches!(original, Original::Comments | Original::CommentsAndTrailingCommas),
        allow_trailing_commas: matches!(original, Original::TrailingCommas | Original::CommentsAndTrailingCommas),
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// The parser's words in the house's way: small first letter, no full stop, no place (a problem has its own).
fn sentence(error: &jsonc_parser::errors::ParseError) -> String {
    let text = error.kind().to_string();
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("not JSON: {first}{}", letters.as_str())
}
