//! JSON text to values.

use std::borrow::Cow;

use crate::decimal::{Decimal, DecimalError};
use crate::value::{FormObject, FormValue};

/// How deep arrays and objects may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// Which JSON is accepted. A UTF-8 byte order mark always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// RFC 8259.
    Strict,
    /// A file of an app: comments and trailing commas too (app-forms §0).
    AppFile,
}

/// Where a text stops being JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}. LineNumber: {} | BytePositionInLine: {byte_in_line}.", .line - 1)]
pub struct JsonSyntaxError {
    /// Counted from 1.
    pub line: usize,
    pub byte_in_line: usize,
    pub reason: Cow<'static, str>,
}

/// Reads a JSON text; of members with the same name the last wins.
///
/// # Errors
/// The place of the first byte that does not fit: bad syntax, bad UTF-8, nesting deeper than 64, or a number beyond
/// the range of a decimal.
pub fn parse(bytes: &[u8], syntax: Syntax) -> Result<FormValue, JsonSyntaxError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = Reader { bytes, at: 0, syntax, depth: 0 };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            reader.at = error.valid_up_to();
            return Err(reader.error("the text is not UTF-8"));
        }
    };
    reader.skip_blanks()?;
    let value = reader.value(text)?;
    reader.skip_blanks()?;
    if reader.at < bytes.len() {
        return Err(reader.error("there is text after the value"));
    }
    Ok(value)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    syntax: Syntax,
    depth: usize,
}

type Read<T> = Result<T, JsonSyntaxError>;

impl Reader<'_> {
    fn error(&self, reason: impl Into<Cow<'static, str>>) -> JsonSyntaxError {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let line = before.split(|b| *b == b'\n').count();
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        JsonSyntaxError { line, byte_in_line: before.len() - line_start, reason: reason.into() }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) -> Read<()> {
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                self.at += 1;
            }
            if self.peek() != Some(b'/') || self.syntax == Syntax::Strict {
                return Ok(());
            }
            match self.bytes.get(self.at + 1) {
                Some(b'/') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                }
                Some(b'*') => {
                    let rest = &self.bytes[self.at + 2..];
                    match rest.windows(2).position(|pair| pair == b"*/") {
                        Some(end) => self.at += end + 4,
                        None => return Err(self.error("a comment does not end")),
                    }
                }
                _ => return Err(self.error("a value was expected")),
            }
        }
    }

    fn value(&mut self, text: &str) -> Read<FormValue> {
        match self.peek() {
            Some(b'{') => self.nested(text, Self::object),
            Some(b'[') => self.nested(text, Self::list),
            Some(b'"') => self.string(text).map(FormValue::Text),
            Some(b'-' | b'0'..=b'9') => self.number(text),
            Some(b't') => self.word("true", FormValue::Bool(true)),
            Some(b'f') => self.word("false", FormValue::Bool(false)),
            Some(b'n') => self.word("null", FormValue::Null),
            Some(_) => {
                let found = text.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                Err(self.error(format!("'{found}' is an invalid start of a value")))
            }
            None => Err(self.error("the text ends too early")),
        }
    }

    fn nested(&mut self, text: &str, read: fn(&mut Self, &str) -> Read<FormValue>) -> Read<FormValue> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("the document nests deeper than 64 levels"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self, text);
        self.depth -= 1;
        value
    }

    fn object(&mut self, text: &str) -> Read<FormValue> {
        let mut members = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.take(b'}') {
                if !members.is_empty() && self.syntax == Syntax::Strict {
                    return Err(self.error("a comma stands before the end of the object"));
                }
                break;
            }
            if self.peek() != Some(b'"') {
                return Err(self.error("a member name was expected"));
            }
            let name = self.string(text)?;
            self.skip_blanks()?;
            if !self.take(b':') {
                return Err(self.error("`:` was expected after a member name"));
            }
            self.skip_blanks()?;
            members.push((name, self.value(text)?));
            self.skip_blanks()?;
            if self.take(b',') {
                continue;
            }
            if self.take(b'}') {
                break;
            }
            return Err(self.error("`,` or `}` was expected"));
        }
        Ok(FormValue::Object(FormObject::from_members(members)))
    }

    fn list(&mut self, text: &str) -> Read<FormValue> {
        let mut items = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.take(b']') {
                if !items.is_empty() && self.syntax == Syntax::Strict {
                    return Err(self.error("a comma stands before the end of the array"));
                }
                break;
            }
            items.push(self.value(text)?);
            self.skip_blanks()?;
            if self.take(b',') {
                continue;
            }
            if self.take(b']') {
                break;
            }
            return Err(self.error("`,` or `]` was expected"));
        }
        Ok(FormValue::List(items))
    }

    fn word(&mut self, word: &str, value: FormValue) -> Read<FormValue> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("a value was expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self, text: &str) -> Read<FormValue> {
        let start = self.at;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("the number is malformed"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error("the number is malformed"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error("the number is malformed"));
            }
        }
        Decimal::parse_json(&text[start..self.at]).map(FormValue::Number).map_err(|error| {
            self.error(match error {
                DecimalError::Malformed => "the number is malformed",
                DecimalError::OutOfRange => "the number is outside the range of a decimal",
            })
        })
    }

    fn string(&mut self, text: &str) -> Read<String> {
        self.at += 1;
        let mut read = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b != b'"' && b != b'\\' && b >= 0x20) {
                self.at += 1;
            }
            read.push_str(&text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.push(self.escape()?),
                Some(_) => return Err(self.error("a control character stands in a string")),
                None => return Err(self.error("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        self.at += 1;
        let Some(kind) = self.peek() else { return Err(self.error("a string does not end")) };
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if !(0xD800..0xDC00).contains(&high) {
                    return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let after_high = self.at;
                if self.take(b'\\') && self.take(b'u') {
                    let low = self.hex4()?;
                    if (0xDC00..0xE000).contains(&low) {
                        let joined = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                        return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                }
                self.at = after_high;
                char::REPLACEMENT_CHARACTER
            }
            _ => return Err(self.error("an escape in a string is unknown")),
        })
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            let Some(digit) = digit else { return Err(self.error("an escape in a string is malformed")) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        parse(text.as_bytes(), Syntax::Strict).expect_err("no JSON").reason.into_owned()
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        for open in ["[", "{\"a\":"] {
            let text = open.repeat(10_000_000 / open.len());
            assert_eq!(reason(&text), "the document nests deeper than 64 levels");
        }
        let fits = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(parse(fits.as_bytes(), Syntax::Strict).is_ok());
    }

    #[test]
    fn many_members_of_one_object_take_linear_time() {
        let members: Vec<String> = (0..200_000).map(|n| format!("\"m{n}\":{n}")).collect();
        let text = format!("{{{}}}", members.join(","));
        let value = parse(text.as_bytes(), Syntax::Strict).expect("JSON");
        assert_eq!(value.as_object().map(FormObject::len), Some(200_000));
    }

    #[test]
    fn errors_name_the_place() {
        let error = parse(b"{\n  \"a\": x}", Syntax::Strict).expect_err("no JSON");
        assert_eq!((error.line, error.byte_in_line), (2, 7));
        for text in ["", " ", "{", "[1,]", "{\"a\":1,}", "01", "1.", "\"\\x\"", "\"a\u{1}\"", "nul", "1 2", "// c\n1"] {
            assert!(parse(text.as_bytes(), Syntax::Strict).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"", Syntax::Strict).is_err());
    }

    #[test]
    fn app_files_may_have_comments_and_trailing_commas() {
        let value = parse(b"\xEF\xBB\xBF{ // one\n \"a\": [1, /* two */ 2,],\n}", Syntax::AppFile).expect("app JSON");
        let list = value.as_object().and_then(|object| object.get("a")).and_then(FormValue::as_list);
        assert_eq!(list.map(<[_]>::len), Some(2));
        assert!(parse(b"{} /* open", Syntax::AppFile).is_err());
    }

    #[test]
    fn escapes_and_duplicates() {
        let text = r#"{"a":1,"b":"\ud83d\ude00\ud83dx\u00e6\n","a":2}"#;
        let value = parse(text.as_bytes(), Syntax::Strict).expect("JSON");
        let object = value.as_object().expect("an object");
        assert_eq!(object.get("a"), Some(&FormValue::from(2)));
        assert_eq!(object.get("b").and_then(FormValue::as_text), Some("😀\u{fffd}xæ\n"));
    }
}
