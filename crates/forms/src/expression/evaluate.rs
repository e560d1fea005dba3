//! Evaluation: every argument first, left to right, then the function.
//!
//! Contract: app-forms 4.1, 4.3.

use serde_json::{Map, Value};

use super::conversion::{boolean_of, number_of, text_of};
use super::data::{Dialect, ElementIndex, Facts};
use super::function::Function;
use super::syntax::Expression;
use super::{ExpressionError, arithmetic, comparison, date, jmespath, lookup, strings};
use crate::layout::ComponentContexts;

/// What an expression is evaluated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    #[default]
    Form,
    /// The message of a validation: links become their text (contract 4.3).
    ValidationMessage,
}

/// Where an expression is evaluated: what it may look at, and from which place of the form.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationContext<'a> {
    pub facts: &'a Facts<'a>,
    /// The components of the form; without them every `component` call fails.
    pub components: Option<&'a ComponentContexts<'a>>,
    /// The data element that bindings without a data type mean.
    pub element: Option<ElementIndex>,
    /// The rows of the repeating groups around the place, outermost first.
    pub row_indices: &'a [usize],
    /// Positional arguments for `argv`.
    pub arguments: Option<&'a [Value]>,
    pub purpose: Purpose,
}

impl<'a> EvaluationContext<'a> {
    /// The context of a gateway: no components, no rows.
    pub fn without_layout(facts: &'a Facts<'a>, element: Option<ElementIndex>) -> Self {
        Self { facts, components: None, element, row_indices: &[], arguments: None, purpose: Purpose::Form }
    }
}

/// The value of an expression.
pub fn evaluate(expression: &Expression, context: &EvaluationContext<'_>) -> Result<Value, ExpressionError> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Call { function, arguments } => {
            let values = arguments.iter().map(|argument| evaluate(argument, context)).collect::<Result<Vec<_>, _>>()?;
            call(function, &Arguments { values, written: arguments }, context)
        }
    }
}

/// The boolean of an expression-valued property: null, and what is no boolean, is `default`. Contract: app-forms 4.7.
pub fn evaluate_boolean(
    expression: &Expression,
    default: bool,
    context: &EvaluationContext<'_>,
) -> Result<bool, ExpressionError> {
    Ok(match evaluate(expression, context)? {
        Value::Null => default,
        value => boolean_of(&value).unwrap_or(default),
    })
}

/// The arguments of one call: their values, and how they were written.
pub(super) struct Arguments<'a> {
    pub(super) values: Vec<Value>,
    pub(super) written: &'a [Expression],
}

impl Arguments<'_> {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Exactly `N` values.
    pub(super) fn exactly<const N: usize>(&self) -> Result<&[Value; N], ExpressionError> {
        self.values
            .as_slice()
            .try_into()
            .map_err(|_| ExpressionError::new(format!("Expected {N} argument(s), got {}", self.len())))
    }

    /// Between `least` and `most` values.
    pub(super) fn between(&self, least: usize, most: usize) -> Result<&[Value], ExpressionError> {
        if (least..=most).contains(&self.len()) {
            return Ok(&self.values);
        }
        Err(ExpressionError::new(format!("Expected {least}-{most} argument(s), got {}", self.len())))
    }

    /// One value or more.
    fn at_least_one(&self) -> Result<&[Value], ExpressionError> {
        if self.values.is_empty() {
            return Err(ExpressionError::new("Expected 1+ argument(s), got 0"));
        }
        Ok(&self.values)
    }
}

fn call(
    function: &Function,
    arguments: &Arguments<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, ExpressionError> {
    match function {
        Function::Equals => comparison::equals(arguments).map(Value::Bool),
        Function::NotEquals => comparison::equals(arguments).map(|same| Value::Bool(!same)),
        Function::GreaterThan => comparison::numbers(arguments, |a, b| a > b),
        Function::GreaterThanEq => comparison::numbers(arguments, |a, b| a >= b),
        Function::LessThan => comparison::numbers(arguments, |a, b| a < b),
        Function::LessThanEq => comparison::numbers(arguments, |a, b| a <= b),
        Function::Compare => comparison::compare(arguments),
        Function::Not => Ok(Value::Bool(!boolean_of(&arguments.exactly::<1>()?[0])?)),
        Function::And => Ok(Value::Bool(booleans(arguments)?.into_iter().all(|flag| flag))),
        Function::Or => Ok(Value::Bool(booleans(arguments)?.into_iter().any(|flag| flag))),
        Function::If => choose(arguments),
        Function::Concat => Ok(Value::String(arguments.values.iter().filter_map(text_of).collect())),
        Function::Contains => strings::test(arguments, |text, part| text.contains(part)),
        Function::NotContains => strings::not_contains(arguments),
        Function::StartsWith => strings::test(arguments, |text, part| text.starts_with(part)),
        Function::EndsWith => strings::test(arguments, |text, part| text.ends_with(part)),
        Function::CommaContains => {
            strings::test(arguments, |text, part| text.split(',').any(|item| item.trim() == part))
        }
        Function::StringLength => strings::length(arguments),
        Function::StringIndexOf => strings::index_of(arguments),
        Function::StringSlice => strings::slice(arguments),
        Function::StringReplace => strings::replace(arguments),
        Function::LowerCase => strings::change(arguments, strings::lower_case),
        Function::UpperCase => strings::change(arguments, strings::upper_case),
        Function::LowerCaseFirst => strings::change(arguments, strings::lower_case_first),
        Function::UpperCaseFirst => strings::change(arguments, strings::upper_case_first),
        Function::Round => arithmetic::round(arguments),
        Function::FormatDate => date::format(arguments, context.facts),
        Function::Plus => arithmetic::plus(arguments),
        Function::Minus => arithmetic::minus(arguments),
        Function::Multiply => arithmetic::multiply(arguments),
        Function::Divide => arithmetic::divide(arguments),
        Function::Sum => arithmetic::sum(arguments),
        Function::Average => arithmetic::average(arguments),
        Function::Count if context.facts.dialect == Dialect::V9 => arithmetic::count(arguments),
        Function::List => Ok(Value::Array(arguments.values.clone())),
        Function::Object => object(arguments),
        Function::Jmespath => jmespath::call(arguments),
        Function::DataModel => lookup::data_model(arguments, context),
        Function::Component => lookup::component(arguments, context),
        Function::InstanceContext => lookup::instance_context(arguments, &context.facts.instance),
        Function::FrontendSettings => lookup::frontend_settings(arguments, context.facts),
        Function::GatewayAction => Ok(context.facts.gateway_action.map_or(Value::Null, Value::from)),
        Function::Language => arguments.exactly::<0>().map(|_| Value::from(context.facts.language)),
        Function::Text => lookup::text(arguments, context),
        Function::CountDataElements => lookup::count_data_elements(arguments, context.facts),
        Function::Argv => lookup::argv(arguments, context),
        Function::ArgumentValue if arguments.len() == 0 && context.arguments.is_some() => lookup::argument(0, context),
        Function::ArgumentValue => Err(not_implemented("value")),
        Function::AuthContext => lookup::auth_context(arguments, context.facts),
        Function::Link(name) => match (context.purpose, arguments.values.first()) {
            (Purpose::ValidationMessage, Some(text)) => Ok(text.clone()),
            _ => Err(not_implemented(name)),
        },
        Function::Count => Err(not_implemented("count")),
        Function::Unknown(name) => Err(not_implemented(name)),
    }
}

fn not_implemented(name: &str) -> ExpressionError {
    ExpressionError::new(format!("Function \"{name}\" not implemented in backend"))
}

fn booleans(arguments: &Arguments<'_>) -> Result<Vec<bool>, ExpressionError> {
    arguments.at_least_one()?.iter().map(boolean_of).collect()
}

fn choose(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let (condition, chosen, otherwise) = match arguments.values.as_slice() {
        [condition, chosen] => (condition, chosen, &Value::Null),
        [_, _, word, ..] if !is_else(word) => {
            return Err(ExpressionError::new("Expected third argument to be \"else\""));
        }
        [condition, chosen, _, otherwise] => (condition, chosen, otherwise),
        other => {
            return Err(ExpressionError::new(format!(
                "Expected either 2 arguments (if) or 4 (if + else), got {}",
                other.len()
            )));
        }
    };
    Ok(if boolean_of(condition)? { chosen.clone() } else { otherwise.clone() })
}

fn is_else(word: &Value) -> bool {
    matches!(word, Value::String(word) if word.eq_ignore_ascii_case("else"))
}

fn object(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    if arguments.len() % 2 == 1 {
        return Err(ExpressionError::new("The object function must have an even number of arguments"));
    }
    let mut members = Map::new();
    for pair in arguments.values.chunks_exact(2) {
        let Value::String(name) = &pair[0] else {
            return Err(ExpressionError::new("Object keys must be strings"));
        };
        if members.insert(name.clone(), pair[1].clone()).is_some() {
            return Err(ExpressionError::new("Object keys must be unique"));
        }
    }
    Ok(Value::Object(members))
}

/// The number of an argument that must not be null.
pub(super) fn required_number(value: &Value) -> Result<f64, ExpressionError> {
    number_of(value)?.ok_or_else(|| ExpressionError::new("Expected number, got value \"null\""))
}
