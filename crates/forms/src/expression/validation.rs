//! Validation by expressions: `models/<dataTypeId>.validation.json`.
//!
//! Contract: app-forms 6.5.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::data::ElementIndex;
use super::evaluate::{EvaluationContext, Purpose, evaluate};
use super::syntax::Expression;
use super::{ExpressionError, conversion};
use crate::FieldPath;
use crate::layout::{ComponentContexts, FieldReference};
use crate::text::translate;
use crate::validation::{Issue, Severity, source};

/// An entry of the file that cannot be used, and is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct RuleProblem {
    /// JSON pointer into the file.
    pub pointer: String,
    pub message: String,
}

/// The rules of one data type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpressionRules {
    fields: Vec<(String, Vec<Rule>)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    message: Expression,
    condition: Expression,
    severity: Severity,
}

/// A rule as written, before references are followed.
#[derive(Debug, Clone, Default)]
struct Draft {
    message: Option<Expression>,
    condition: Option<Expression>,
    severity: Option<Severity>,
}

impl ExpressionRules {
    /// Read the file. Entries that cannot be used are left out and reported; the rest works.
    ///
    /// A severity that is no severity makes the whole file unusable.
    pub fn parse(json: &Value) -> Result<(Self, Vec<RuleProblem>), RuleProblem> {
        check_severities(json)?;
        let mut problems = Vec::new();
        let mut definitions = HashMap::new();
        for (name, json) in members(json, "definitions") {
            let pointer = format!("/definitions/{name}");
            match Draft::read(json, &definitions) {
                Ok(draft) => {
                    definitions.insert(name.as_str(), draft);
                }
                Err(message) => problems.push(RuleProblem { pointer, message }),
            }
        }
        let mut rules = Self::default();
        for (field, entries) in members(json, "validations") {
            let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
            let mut usable = Vec::with_capacity(entries.len());
            for (position, entry) in entries.iter().enumerate() {
                match Draft::read(entry, &definitions).and_then(Draft::finish) {
                    Ok(rule) => usable.push(rule),
                    Err(message) => {
                        problems.push(RuleProblem { pointer: format!("/validations/{field}/{position}"), message });
                    }
                }
            }
            rules.fields.push((field.clone(), usable));
        }
        Ok((rules, problems))
    }

    /// The issues of one data element. Null fields, and fields inside `hidden`, are not looked at.
    pub fn validate(
        &self,
        element: ElementIndex,
        contexts: &ComponentContexts<'_>,
        hidden: &[FieldReference],
    ) -> Result<Vec<Issue>, ExpressionError> {
        let facts = contexts.facts();
        let Some(form) = facts.element(element) else { return Ok(Vec::new()) };
        let Some(content) = form.content else { return Ok(Vec::new()) };
        let hidden: Vec<&FieldPath> =
            hidden.iter().filter(|field| field.element == element).map(|field| &field.path).collect();
        let mut issues = Vec::new();
        for (key, rules) in &self.fields {
            for field in content.resolve_all(key) {
                let is_hidden = hidden.iter().any(|hidden| field.starts_with(hidden));
                if is_hidden || content.value(&field).is_null() {
                    continue;
                }
                let arguments = [Value::String(field.to_string())];
                let row_indices = field.row_indices();
                let place = EvaluationContext {
                    facts,
                    components: Some(contexts),
                    element: Some(element),
                    row_indices: &row_indices,
                    arguments: Some(&arguments),
                    purpose: Purpose::Form,
                };
                for rule in rules {
                    let found =
                        rule.check(&place).map_err(|error| error.at(|| format!("the validation of {field}")))?;
                    issues.extend(found.map(|(message, description)| Issue {
                        severity: rule.severity,
                        data_element_id: Some(form.id.to_owned()),
                        field: Some(field.to_string()),
                        code: Some(message.clone()),
                        description,
                        custom_text_key: Some(message),
                        ..Issue::error(source::EXPRESSION)
                    }));
                }
            }
        }
        Ok(issues)
    }
}

impl Rule {
    /// The message and its text, when the condition holds.
    fn check(&self, place: &EvaluationContext<'_>) -> Result<Option<(String, Option<String>)>, ExpressionError> {
        match evaluate(&self.condition, place)? {
            Value::Bool(true) => {}
            Value::Bool(false) => return Ok(None),
            other => {
                let shown = conversion::shown(&other);
                return Err(ExpressionError::new(format!("A condition must be true or false, got {shown}")));
            }
        }
        let place = EvaluationContext { purpose: Purpose::ValidationMessage, ..*place };
        let message = conversion::printed(&evaluate(&self.message, &place)?).unwrap_or_default();
        let description = translate(&message, &place, None);
        Ok(Some((message, description)))
    }
}

impl Draft {
    fn read(json: &Value, definitions: &HashMap<&str, Self>) -> Result<Self, String> {
        let definition = |name: &str| {
            definitions.get(name).cloned().ok_or_else(|| format!("there is no definition {name} to refer to"))
        };
        let members = match json {
            Value::String(name) => return definition(name),
            Value::Object(members) => members,
            _ => return Err("must be the name of a definition, or an object".to_owned()),
        };
        let mut draft = match members.get("ref") {
            None | Some(Value::Null) => Self::default(),
            Some(Value::String(name)) => definition(name)?,
            Some(_) => return Err("ref must be the name of a definition".to_owned()),
        };
        let expression = |name: &str| {
            let json = members.get(name).filter(|json| !json.is_null());
            json.map(Expression::parse).transpose().map_err(|error| format!("{name}: {error}"))
        };
        draft.message = expression("message")?.or(draft.message);
        draft.condition = expression("condition")?.or(draft.condition);
        draft.severity = members.get("severity").and_then(Value::as_str).and_then(parse_severity).or(draft.severity);
        Ok(draft)
    }

    fn finish(self) -> Result<Rule, String> {
        let severity = self.severity.unwrap_or(Severity::Error);
        let message = self.message.ok_or("message is missing")?;
        let condition = self.condition.ok_or("condition is missing")?;
        Ok(Rule { message, condition, severity })
    }
}

fn parse_severity(word: &str) -> Option<Severity> {
    match word {
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "info" => Some(Severity::Informational),
        "success" => Some(Severity::Success),
        _ => None,
    }
}

fn check_severities(json: &Value) -> Result<(), RuleProblem> {
    let definitions = members(json, "definitions").map(|(name, json)| (format!("/definitions/{name}"), json));
    let entries = members(json, "validations").flat_map(|(field, entries)| {
        let entries = entries.as_array().into_iter().flatten().enumerate();
        entries.map(move |(position, json)| (format!("/validations/{field}/{position}"), json))
    });
    for (pointer, json) in definitions.chain(entries) {
        let Some(severity) = json.get("severity").filter(|severity| !severity.is_null()) else { continue };
        if severity.as_str().and_then(parse_severity).is_none() {
            let message = format!("{severity} is no severity");
            return Err(RuleProblem { pointer: format!("{pointer}/severity"), message });
        }
    }
    Ok(())
}

fn members<'a>(json: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    json.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
