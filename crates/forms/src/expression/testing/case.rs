//! Cases that evaluate an expression.

use serde_json::{Map, Value};

use super::CaseOutcome;
use super::setting::{LAYOUT_SET, Setting};
use crate::expression::{ElementIndex, EvaluationContext, Expression, Facts, evaluate, is_same};
use crate::layout::{ComponentContexts, ContextId};

/// The case of the file itself, then its further cases.
pub(super) fn run(file: &Map<String, Value>) -> Vec<CaseOutcome> {
    let name = file.get("name").and_then(Value::as_str).unwrap_or("unnamed");
    let further = file.get("testCases").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let asks = |case: &Map<String, Value>| case.contains_key("expression") || case.contains_key("expectsFailure");
    let setting = Setting::read(file);
    let facts = setting.as_ref().map_err(Clone::clone).map(Setting::facts);
    let form = match (&setting, &facts) {
        (Ok(setting), Ok(facts)) => Form::place(setting, facts, file.get("context")),
        (Err(problem), _) | (_, Err(problem)) => Err(problem.clone()),
    };
    let mut outcomes = Vec::with_capacity(further.len() + 1);
    if asks(file) || further.is_empty() {
        outcomes.push(CaseOutcome::new(name, check(file, form.as_ref())));
    }
    for (position, case) in further.iter().enumerate() {
        let label = case.get("name").and_then(Value::as_str).map_or_else(|| position.to_string(), ToOwned::to_owned);
        let result = match case.as_object() {
            Some(case) => check(case, form.as_ref()),
            None => Err("the case is no object".to_owned()),
        };
        outcomes.push(CaseOutcome::new(&format!("{name}: {label}"), result));
    }
    outcomes
}

/// The components of the setting, and the place expressions are evaluated from.
struct Form<'a> {
    contexts: ComponentContexts<'a>,
    place: Option<ContextId>,
    arguments: Option<&'a [Value]>,
}

impl<'a> Form<'a> {
    fn place(setting: &'a Setting, facts: &'a Facts<'a>, context: Option<&Value>) -> Result<Self, String> {
        let contexts =
            ComponentContexts::build(&setting.layouts, LAYOUT_SET, facts).map_err(|error| error.to_string())?;
        let place = match context.filter(|context| !context.is_null()) {
            Some(context) => Some(find_place(&contexts, context)?),
            None => contexts.pages().first().copied(),
        };
        Ok(Self { contexts, place, arguments: setting.arguments.as_deref() })
    }

    fn evaluate(&self, json: &Value) -> Result<Value, String> {
        let expression = Expression::parse(json).map_err(|error| error.to_string())?;
        let context = match self.place {
            Some(place) => self.contexts.evaluation(place),
            None => EvaluationContext {
                components: Some(&self.contexts),
                ..EvaluationContext::without_layout(self.contexts.facts(), Some(ElementIndex(0)))
            },
        };
        let context = EvaluationContext { arguments: self.arguments, ..context };
        evaluate(&expression, &context).map_err(|error| error.to_string())
    }
}

fn find_place(contexts: &ComponentContexts<'_>, context: &Value) -> Result<ContextId, String> {
    let component = context.get("component").and_then(Value::as_str).ok_or("the context names no component")?;
    let rows = context.get("rowIndices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let rows: Vec<usize> = rows.iter().filter_map(Value::as_u64).filter_map(|row| row.try_into().ok()).collect();
    match contexts.matching(component, &rows).as_slice() {
        [only] => Ok(*only),
        [] => Err(format!("the context {component} was not found")),
        _ => Err(format!("the context {component} was found more than once")),
    }
}

fn check(case: &Map<String, Value>, form: Result<&Form<'_>, &String>) -> Result<(), String> {
    let result = match (form, case.get("expression")) {
        (Ok(form), Some(expression)) => form.evaluate(expression),
        (Ok(_), None) => Ok(Value::Null),
        (Err(problem), _) => Err(problem.clone()),
    };
    match (case.get("expectsFailure").and_then(Value::as_str), result) {
        (Some(expected), Err(problem)) if matches_pattern(&problem, expected) => Ok(()),
        (Some(expected), Err(problem)) => Err(format!("failed with {problem:?}, not with {expected:?}")),
        (Some(_), Ok(value)) => Err(format!("gave {value} and did not fail")),
        (None, Err(problem)) => Err(format!("failed with {problem:?}")),
        (None, Ok(value)) => {
            let expected = case.get("expects").unwrap_or(&Value::Null);
            if is_same(&value, expected) { Ok(()) } else { Err(format!("gave {value}, not {expected}")) }
        }
    }
}

/// Whether the text contains the pattern, in any casing; `*` stands for any text.
fn matches_pattern(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let mut rest = text.as_str();
    pattern.split('*').all(|part| match rest.find(part) {
        Some(start) => {
            rest = &rest[start + part.len()..];
            true
        }
        None => false,
    })
}
