//! A process and its steps as JSON, to compare with what a case expects.

use mottak_process::{Blocked, Condition, FlowContext, Process, Step, Task};
use serde_json::{Map, Value, json};

/// Everything a process says.
pub(crate) fn picture(process: &Process) -> Value {
    let events = |ids: Vec<&String>| json!(ids);
    let tasks: Map<String, Value> = process.tasks.iter().map(|task| (task.id.clone(), task_picture(task))).collect();
    let gateways: Map<String, Value> = process
        .gateways
        .iter()
        .map(|gateway| {
            let leaving: Vec<_> = process.outgoing(&gateway.id).map(|flow| &flow.id).collect();
            let picture = json!({
                "default": gateway.default_flow, "reads": gateway.connected_data_type, "flows": leaving,
            });
            (gateway.id.clone(), picture)
        })
        .collect();
    let flows: Vec<String> = process
        .flows
        .iter()
        .map(|flow| {
            let condition = flow.condition.as_ref().map(|condition| format!(" if {}", condition.json));
            format!("{}: {} -> {}{}", flow.id, flow.source, flow.target, condition.unwrap_or_default())
        })
        .collect();
    json!({
        "id": process.id,
        "start": events(process.start_events.iter().map(|event| &event.id).collect()),
        "end": events(process.end_events.iter().map(|event| &event.id).collect()),
        "tasks": tasks,
        "gateways": gateways,
        "flows": flows,
    })
}

fn task_picture(task: &Task) -> Value {
    let actions: Map<String, Value> =
        task.actions.iter().map(|action| (action.id.clone(), json!(action.kind.as_str()))).collect();
    let mut picture = json!({
        "type": task.task_type.as_str(),
        "element": task.element.as_str(),
        "automatic": task.is_automatic,
        "actions": actions,
    });
    let configs = [
        task.name.as_ref().map(|name| ("name", name.clone())),
        task.signature.as_ref().map(|config| ("signature", format!("{config:?}"))),
        task.payment.as_ref().map(|config| ("payment", format!("{config:?}"))),
        task.pdf.as_ref().map(|config| ("pdf", format!("{config:?}"))),
        task.subform_pdf.as_ref().map(|config| ("subformPdf", format!("{config:?}"))),
        task.e_formidling.as_ref().map(|config| ("eFormidling", format!("{config:?}"))),
    ];
    for (key, value) in configs.into_iter().flatten() {
        picture[key] = json!(value);
    }
    if !task.unique_from_signatures_in.is_empty() {
        picture["uniqueFrom"] = json!(task.unique_from_signatures_in);
    }
    picture
}

/// The steps of a walk, or why it is blocked.
pub(crate) fn walk_picture(walk: &Result<Vec<Step>, Blocked>) -> Value {
    match walk {
        Ok(steps) => steps.iter().map(step_picture).collect(),
        Err(blocked) => json!(format!("blocked: {blocked}")),
    }
}

fn step_picture(step: &Step) -> Value {
    json!(match step {
        Step::StartEvent { event } => format!("start event {}", event.id),
        Step::EndTask { task, flow_type } => format!("end {} ({flow_type:?})", task.id),
        Step::PassGateway { gateway, flow } => format!("pass {} by {}", gateway.id, flow.id),
        Step::StartTask { task, flow_type } => format!("start {} ({})", task.id, flow_type.as_str()),
        Step::EndEvent { event } => format!("end event {}", event.id),
    })
}

/// Judges conditions that ask only for `["gatewayAction"]`; every other kind is an error.
pub(crate) fn judge_action(condition: &Condition, context: &FlowContext) -> Result<bool, String> {
    let said = json!(context.action);
    match condition.json.as_array().map(Vec::as_slice) {
        Some([function, subject, value]) if *subject == json!(["gatewayAction"]) => match function.as_str() {
            Some("equals") => Ok(said == *value),
            Some("notEquals") => Ok(said != *value),
            _ => Err("an unknown function".to_owned()),
        },
        _ => Err(format!("cannot judge {}", condition.text)),
    }
}
