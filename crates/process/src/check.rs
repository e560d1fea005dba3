//! What is refused or warned of once the graph is read: dangling flows, dead ends, forks.
//!
//! Contract: `app-process.md` §1.1, §1.5.

use std::collections::{HashMap, HashSet};

use crate::graph::{Node, Process};
use crate::outline::{Element, Flow, Kind, Outline};
use crate::problem::Problems;

/// Checks the graph as a whole.
pub(crate) fn check(process: &Process, outline: &Outline, problems: &mut Problems) {
    let elements: HashMap<&str, &Element> = outline.elements.iter().map(|element| (element.id, element)).collect();
    let flows: HashMap<&str, &Flow> = outline.flows.iter().map(|flow| (flow.id, flow)).collect();
    refuse_dangling_flows(process, outline, &elements, problems);
    warn_of_stale_names(outline, &flows, problems);
    for element in &outline.elements {
        match element.kind {
            Kind::StartEvent | Kind::Task | Kind::ServiceTask => check_fork(process, element, &elements, problems),
            Kind::ExclusiveGateway => check_gateway(process, element, problems),
            Kind::EndEvent => {}
        }
    }
    warn_of_unknown_printed_tasks(process, &elements, problems);
    check_ends(process, outline, problems);
}

fn refuse_dangling_flows(
    process: &Process,
    outline: &Outline,
    elements: &HashMap<&str, &Element>,
    problems: &mut Problems,
) {
    let leaves_a_gateway: HashSet<&str> = process
        .gateways
        .iter()
        .flat_map(|gateway| process.outgoing(&gateway.id))
        .map(|flow| flow.id.as_str())
        .collect();
    for flow in &outline.flows {
        for (attribute, id) in [("sourceRef", flow.source), ("targetRef", flow.target)] {
            if elements.contains_key(id) {
                continue;
            }
            let reason = format!("`{attribute}` names `{id}`, which is not an element of the process");
            // compat: a flow a gateway names leaves that gateway, whatever its own source says; such apps run.
            if attribute == "sourceRef" && leaves_a_gateway.contains(flow.id) {
                problems.warn(flow.xml, reason);
            } else {
                problems.error(flow.xml, reason);
            }
        }
        if elements.get(flow.target).is_some_and(|target| target.kind == Kind::StartEvent) {
            problems.error(flow.xml, "a flow cannot lead to a start event");
        }
    }
}

/// `incoming` and `outgoing` children are checked against the flows: they may be stale.
fn warn_of_stale_names(outline: &Outline, flows: &HashMap<&str, &Flow>, problems: &mut Problems) {
    for element in &outline.elements {
        for direction in ["incoming", "outgoing"] {
            for name in element.flow_names(direction) {
                let end = flows.get(name.as_str()).map(|flow| match direction {
                    "incoming" => flow.target,
                    _ => flow.source,
                });
                match end {
                    None => problems.warn(element.xml, format!("`{direction}` names `{name}`, which is not a flow")),
                    Some(end) if end != element.id => {
                        problems.warn(element.xml, format!("`{direction}` names `{name}`, a flow of `{end}`"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// Only a gateway may choose.
fn check_fork(process: &Process, element: &Element, elements: &HashMap<&str, &Element>, problems: &mut Problems) {
    let targets: Vec<_> = process.outgoing(element.id).filter_map(|flow| elements.get(flow.target.as_str())).collect();
    let direct = targets.iter().filter(|target| target.kind != Kind::ExclusiveGateway).count();
    match targets.len() {
        0 => problems.warn(element.xml, "no flow leaves it"),
        1 => {}
        _ if direct > 1 => problems.error(element.xml, "several flows leave it; put an exclusive gateway between"),
        _ => problems.warn(element.xml, "several flows leave it, so it can be left only if just one leads on"),
    }
}

fn check_gateway(process: &Process, element: &Element, problems: &mut Problems) {
    let flows: Vec<_> = process.outgoing(element.id).collect();
    if flows.is_empty() {
        problems.warn(element.xml, "no flow leaves the gateway");
    }
    let default = element.xml.attribute("default");
    if let Some(default) = default.filter(|default| flows.iter().all(|flow| flow.id != *default)) {
        problems.warn(element.xml, format!("`default` names `{default}`, which does not leave the gateway"));
    }
    let by_source = process.flows.iter().filter(|flow| flow.source == element.id);
    for forgotten in by_source.filter(|flow| !flows.contains(flow)) {
        problems.warn(element.xml, format!("`{}` leaves the gateway, but `outgoing` does not name it", forgotten.id));
    }
    if default.is_none() && flows.len() > 1 && flows.iter().all(|flow| flow.condition.is_none()) {
        problems
            .warn(element.xml, "several flows leave the gateway, with neither conditions nor a default to choose by");
    }
}

fn warn_of_unknown_printed_tasks(process: &Process, elements: &HashMap<&str, &Element>, problems: &mut Problems) {
    for task in &process.tasks {
        let printed = task.pdf.iter().flat_map(|config| &config.auto_pdf_task_ids);
        for unknown in printed.filter(|id| !elements.contains_key(id.as_str())) {
            if let Some(element) = elements.get(task.id.as_str()) {
                problems.warn(element.xml, format!("`autoPdfTaskIds` names `{unknown}`, which is not a task"));
            }
        }
    }
}

fn check_ends(process: &Process, outline: &Outline, problems: &mut Problems) {
    if process.start_events.is_empty() {
        problems.error(outline.xml, "there is no `startEvent`");
    } else if !reaches_an_end(process) {
        problems.warn(outline.xml, "no `endEvent` can be reached");
    }
}

fn reaches_an_end(process: &Process) -> bool {
    let mut open: Vec<&str> = process.start_events.iter().map(|event| event.id.as_str()).collect();
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if matches!(process.node(id), Some(Node::End(_))) {
            return true;
        }
        if seen.insert(id) {
            open.extend(process.outgoing(id).map(|flow| flow.target.as_str()));
        }
    }
    false
}
