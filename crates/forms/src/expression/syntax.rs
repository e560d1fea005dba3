//! The grammar of expressions: JSON in, a tree whose function names are already resolved out.
//!
//! Contract: app-forms 4.1.

use serde_json::Value;

use super::ExpressionError;
use super::function::Function;

/// How deep calls may be nested. Deeper expressions are refused when parsed, so evaluation can recurse safely.
pub const MAX_DEPTH: usize = 64;

/// An expression, parsed once and evaluated as often as needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `null`, a boolean, a number or a string.
    Literal(Value),
    /// `[functionName, argument…]`.
    Call { function: Function, arguments: Vec<Expression> },
}

impl Expression {
    /// Parse the JSON form of an expression.
    ///
    /// A name that is no function parses, and fails when evaluated; see [`Expression::problems`].
    pub fn parse(json: &Value) -> Result<Self, ExpressionError> {
        parse_nested(json, 0)
    }

    /// The expression that is always `value`.
    pub fn boolean(value: bool) -> Self {
        Self::Literal(Value::Bool(value))
    }

    /// The string, when the expression is a literal one.
    pub fn as_literal_text(&self) -> Option<&str> {
        match self {
            Self::Literal(Value::String(text)) => Some(text),
            Self::Literal(_) | Self::Call { .. } => None,
        }
    }

    /// How many calls are nested in each other; 0 for a literal.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::Call { arguments, .. } => 1 + arguments.iter().map(Self::depth).max().unwrap_or(0),
        }
    }
}

fn parse_nested(json: &Value, depth: usize) -> Result<Expression, ExpressionError> {
    if depth > MAX_DEPTH {
        return Err(ExpressionError::new(format!("Expression is nested deeper than {MAX_DEPTH} levels")));
    }
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Expression::Literal(json.clone())),
        Value::Object(_) => Err(ExpressionError::new("Invalid type \"object\"")),
        Value::Array(items) => {
            let (name, arguments) =
                items.split_first().ok_or_else(|| ExpressionError::new("Missing function name in expression"))?;
            let Value::String(name) = name else {
                return Err(ExpressionError::new("Function name in expression should be string"));
            };
            let arguments =
                arguments.iter().map(|argument| parse_nested(argument, depth + 1)).collect::<Result<_, _>>()?;
            Ok(Expression::Call { function: Function::named(name), arguments })
        }
    }
}
