//! The condition of a sequence flow: an expression as JSON, kept but not judged here.

use std::borrow::Cow;

use serde_json::Value;

/// The condition of a sequence flow, in the app expression language.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The expression as written.
    pub text: String,
    /// The same as JSON; comments and trailing commas are gone.
    pub json: Value,
}

impl Condition {
    /// Reads an expression's JSON. Comments and trailing commas are allowed; whether the functions it names exist is
    /// for the expression language to say.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let json = serde_json::from_str(&plain_json(text)).map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), json })
    }
}

/// `text` with comments and trailing commas replaced by blanks, so that positions stay the same.
fn plain_json(text: &str) -> Cow<'_, str> {
    let mut bytes = text.as_bytes().to_vec();
    // The last comma, while nothing has followed it; and whether a value stands before the present place.
    let (mut trailing_comma, mut after_value) = (None, false);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                (trailing_comma, after_value) = (None, true);
                at = after_string(&bytes, at);
                continue;
            }
            b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => {
                let end = after_comment(&bytes, at);
                bytes[at..end].fill(b' ');
                at = end;
                continue;
            }
            b',' => (trailing_comma, after_value) = (after_value.then_some(at), false),
            b']' | b'}' => {
                if let Some(comma) = trailing_comma.take() {
                    bytes[comma] = b' ';
                }
                after_value = true;
            }
            byte if byte.is_ascii_whitespace() => {}
            byte => (trailing_comma, after_value) = (None, !matches!(byte, b'[' | b'{' | b':')),
        }
        at += 1;
    }
    if bytes == text.as_bytes() {
        return Cow::Borrowed(text);
    }
    // A comment that ended inside a character cannot be: both ends are ASCII.
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_comment(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start + 2..];
    let length = if bytes[start + 1] == b'/' {
        rest.iter().position(|byte| *byte == b'\n')
    } else {
        rest.windows(2).position(|pair| pair == b"*/").map(|at| at + 2)
    };
    length.map_or(bytes.len(), |length| start + 2 + length)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_read() {
        let condition = Condition::parse("[\"equals\", // same?\n \"a,]//\\\"\", /* 1, */ 2 , ]").expect("reads");
        assert_eq!(condition.json, json!(["equals", "a,]//\"", 2]));
    }

    #[test]
    fn broken_json_is_refused() {
        for text in ["", "[", "[,]", "[1,,]", "[1,,2]", "\"open", "/* open", "[1] 2"] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(Condition::parse(&"[".repeat(100_000)).is_err());
    }
}
