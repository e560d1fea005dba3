//! The words of a query.

use serde_json::Value;

/// How many tokens a query may have.
const MAX_TOKENS: usize = 300;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    QuotedName(String),
    /// A literal: raw string or JSON.
    Literal(Value),
    Number(i64),
    Dot,
    Star,
    Flatten,
    Filter,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    LeftParen,
    RightParen,
    Comma,
    Colon,
    Pipe,
    Or,
    And,
    Not,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Current,
    Reference,
}

pub(super) fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = token(first, rest)?;
        tokens.push(token);
        if tokens.len() > MAX_TOKENS {
            return Err(format!("the query has more than {MAX_TOKENS} parts"));
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn token(first: char, rest: &str) -> Result<(Token, usize), String> {
    const FIXED: [(&str, Token); 23] = [
        ("[?", Token::Filter),
        ("[]", Token::Flatten),
        ("||", Token::Or),
        ("&&", Token::And),
        ("==", Token::Equal),
        ("!=", Token::NotEqual),
        ("<=", Token::LessEqual),
        (">=", Token::GreaterEqual),
        ("<", Token::Less),
        (">", Token::Greater),
        ("|", Token::Pipe),
        ("&", Token::Reference),
        ("!", Token::Not),
        (".", Token::Dot),
        ("*", Token::Star),
        ("[", Token::LeftBracket),
        ("]", Token::RightBracket),
        ("{", Token::LeftBrace),
        ("}", Token::RightBrace),
        ("(", Token::LeftParen),
        (")", Token::RightParen),
        (",", Token::Comma),
        (":", Token::Colon),
    ];
    match first {
        '@' => Ok((Token::Current, 1)),
        '"' => {
            let length = quoted_length(rest, '"')?;
            let name = serde_json::from_str(&rest[..length]).map_err(|_| format!("bad name {}", &rest[..length]))?;
            Ok((Token::QuotedName(name), length))
        }
        '\'' => {
            let length = quoted_length(rest, '\'')?;
            let text = rest[1..length - 1].replace("\\'", "'").replace("\\\\", "\\");
            Ok((Token::Literal(Value::String(text)), length))
        }
        '`' => {
            let length = quoted_length(rest, '`')?;
            let json = rest[1..length - 1].replace("\\`", "`");
            let value = serde_json::from_str(json.trim()).map_err(|_| format!("bad literal `{json}`"))?;
            Ok((Token::Literal(value), length))
        }
        '-' | '0'..='9' => {
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            let number = rest[..=digits].parse().map_err(|_| format!("bad number {}", &rest[..=digits]))?;
            Ok((Token::Number(number), 1 + digits))
        }
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            Ok((Token::Name(rest[..length].to_owned()), length))
        }
        _ => FIXED
            .into_iter()
            .find(|(text, _)| rest.starts_with(text))
            .map(|(text, token)| (token, text.len()))
            .ok_or_else(|| format!("unexpected character {first}")),
    }
}

/// The length of a quoted part, both quotes included; a backslash keeps the next character inside.
fn quoted_length(rest: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (position, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Ok(position + quote.len_utf8()),
            _ => {}
        }
    }
    Err(format!("missing closing {quote}"))
}
