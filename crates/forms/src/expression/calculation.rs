//! Calculated fields: `models/<dataTypeId>.calculation.json`.
//!
//! Contract: app-forms 9.3.

use serde_json::{Map, Value};

use super::ExpressionError;
use super::data::{ElementIndex, Facts};
use super::evaluate::{EvaluationContext, Purpose, evaluate};
use super::function::Function;
use super::syntax::Expression;
use super::validation::RuleProblem;
use crate::layout::{ComponentContexts, Layouts};
use crate::{Decimal, FieldPath, FormData, FormValue};

/// The calculations of one data type, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calculations {
    fields: Vec<(String, Expression)>,
}

/// A result that did not fit its field; the field is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsuitableResult {
    pub field: FieldPath,
    pub reason: String,
}

/// The layout set whose components `component` finds during a calculation.
#[derive(Debug, Clone, Copy)]
pub struct CalculationLayout<'a> {
    pub layouts: &'a Layouts,
    pub set_id: &'a str,
}

impl Calculations {
    /// Read the file. Entries that cannot be used are left out and reported.
    pub fn parse(json: &Value) -> (Self, Vec<RuleProblem>) {
        let mut problems = Vec::new();
        let mut fields = Vec::new();
        for (field, entry) in json.get("calculations").and_then(Value::as_object).into_iter().flat_map(Map::iter) {
            let parsed = match entry.get("expression") {
                Some(expression) => Expression::parse(expression).map_err(|error| error.to_string()),
                None => Err("has no expression".to_owned()),
            };
            match parsed {
                Ok(expression) => fields.push((field.clone(), expression)),
                Err(message) => problems.push(RuleProblem { pointer: format!("/calculations/{field}"), message }),
            }
        }
        (Self { fields }, problems)
    }

    /// Calculate every field of `data` once, in order; later fields see the results of earlier ones.
    ///
    /// `data` stands in for the content of `element` in `facts`. Results that do not fit their field are returned.
    pub fn run(
        &self,
        data: &mut FormData,
        element: ElementIndex,
        facts: &Facts<'_>,
        layout: Option<CalculationLayout<'_>>,
    ) -> Result<Vec<UnsuitableResult>, ExpressionError> {
        let mut unsuitable = Vec::new();
        for (key, expression) in &self.fields {
            for field in data.resolve_all(key) {
                let layout = layout.filter(|_| expression.calls(&Function::Component));
                let result = calculate(expression, &field, data, element, facts, layout)
                    .map_err(|error| error.at(|| format!("the calculation of {field}")))?;
                if let Err(reason) = set_field(data, &field, &result) {
                    unsuitable.push(UnsuitableResult { field, reason });
                }
            }
        }
        Ok(unsuitable)
    }
}

fn calculate(
    expression: &Expression,
    field: &FieldPath,
    data: &FormData,
    element: ElementIndex,
    facts: &Facts<'_>,
    layout: Option<CalculationLayout<'_>>,
) -> Result<Value, ExpressionError> {
    let mut facts = facts.clone();
    if let Some(element) = facts.elements.get_mut(element.0) {
        element.content = Some(data);
    }
    let contexts = layout.map(|layout| ComponentContexts::build(layout.layouts, layout.set_id, &facts)).transpose()?;
    let arguments = [Value::String(field.to_string())];
    let row_indices = field.row_indices();
    let place = EvaluationContext {
        facts: &facts,
        components: contexts.as_ref(),
        element: Some(element),
        row_indices: &row_indices,
        arguments: Some(&arguments),
        purpose: Purpose::Form,
    };
    evaluate(expression, &place)
}

fn set_field(data: &mut FormData, field: &FieldPath, result: &Value) -> Result<(), String> {
    let value = match result {
        Value::Null => FormValue::Null,
        Value::Bool(flag) => FormValue::Bool(*flag),
        Value::String(text) => FormValue::Text(text.clone()),
        Value::Number(number) => {
            FormValue::Number(number.as_f64().and_then(Decimal::from_f64).ok_or("the number is too large")?)
        }
        Value::Array(_) | Value::Object(_) => return Err("a list or an object cannot be set".to_owned()),
    };
    data.set(field, value).map_err(|reason| reason.to_string())
}
