//! Conditions of gateways: expressions over the data of the instance (app-process §2.6).

use mottak_apps::App;
use mottak_forms::expression::{EvaluationContext, Expression, Facts, evaluate};
use mottak_process::{Condition, FlowContext};

use crate::evaluation::Situation;

/// Judges conditions before there is any data: those that read it fail.
pub(crate) fn without_data(app: &App) -> impl FnMut(&Condition, &FlowContext<'_>) -> Result<bool, String> {
    move |condition, flow| {
        let facts = Facts::new(&app.settings.front_end, &app.texts.translations);
        judge(facts, None, condition, flow)
    }
}

/// Judges conditions over the stored data; hidden fields are not removed.
pub(crate) fn over<'s>(
    situation: &'s Situation<'_>,
) -> impl FnMut(&Condition, &FlowContext<'_>) -> Result<bool, String> + 's {
    move |condition, flow| {
        let data_type = flow.gateway.connected_data_type.as_deref().or_else(|| situation.task_data_type());
        judge(situation.facts(), data_type, condition, flow)
    }
}

fn judge<'f>(
    facts: Facts<'f>,
    data_type: Option<&str>,
    condition: &Condition,
    flow: &FlowContext<'f>,
) -> Result<bool, String> {
    let expression = Expression::parse(&condition.json).map_err(|error| error.to_string())?;
    let element = data_type.and_then(|data_type| facts.first_element_of(data_type));
    let facts = Facts { gateway_action: flow.action, ..facts };
    let context = EvaluationContext::without_layout(&facts, element);
    let value = evaluate(&expression, &context).map_err(|error| error.to_string())?;
    Ok(value == serde_json::Value::Bool(true))
}
