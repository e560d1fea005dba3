//! From the text of a BPMN file to a checked [`Process`].

use std::collections::HashMap;

use roxmltree::Document;

use crate::check;
use crate::condition::Condition;
use crate::extension::{read_connected_data_type, read_task};
use crate::graph::{EndEvent, Gateway, Place, Process, SequenceFlow, StartEvent};
use crate::outline::{Kind, Outline};
use crate::problem::{Problems, ProcessProblem, Severity};

/// How a process is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The task types the app brings itself.
    pub custom_tasks: Vec<CustomTask>,
    /// What becomes of other unknown types.
    pub unknown_task_types: UnknownTaskTypes,
    /// Take a task's type from the forms used before version 8, when it has none in the present form
    /// (contract §1.2).
    pub accepts_legacy_task_types: bool,
}

/// What becomes of a task whose type nobody brings (contract §1.5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum UnknownTaskTypes {
    /// The file is refused.
    #[default]
    Refuse,
    /// The file is read with a warning: a `task` is left by the right named as its type, and a `serviceTask` is entered
    /// as one that runs by itself, which nobody can run.
    Warn,
}

/// A task type an app brings itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomTask {
    pub name: String,
    /// Whether the engine runs such a task by itself.
    pub is_automatic: bool,
}

impl Process {
    /// Reads a BPMN file; no custom task types, no legacy forms. On failure every problem of the file is listed,
    /// warnings included.
    pub fn parse(xml: &str) -> Result<Self, Vec<ProcessProblem>> {
        Self::parse_with(xml, &ReadOptions::default())
    }

    /// Reads a BPMN file as `options` say. On failure every problem of the file is listed, warnings included.
    pub fn parse_with(xml: &str, options: &ReadOptions) -> Result<Self, Vec<ProcessProblem>> {
        let document = Document::parse(xml.trim_start_matches('\u{feff}')).map_err(|error| vec![not_xml(&error)])?;
        let mut problems = Problems::of(&document);
        let process = Outline::read(&document, &mut problems).map(|outline| {
            let process = build(&outline, options, &mut problems);
            check::check(&process, &outline, &mut problems);
            process
        });
        let is_refused = problems.has_errors();
        let found = problems.into_sorted();
        match process {
            Some(process) if !is_refused => Ok(Self { warnings: found, ..process }),
            _ => Err(found),
        }
    }
}

fn not_xml(error: &roxmltree::Error) -> ProcessProblem {
    let place = error.pos();
    ProcessProblem {
        severity: Severity::Error,
        line: place.row,
        column: place.col,
        element: "definitions".to_owned(),
        reason: format!("not XML: {error}"),
    }
}

/// The graph of an outline. Elements that cannot be read are left out; they are among the problems.
fn build(outline: &Outline, options: &ReadOptions, problems: &mut Problems) -> Process {
    let mut process = Process {
        id: outline.xml.attribute("id").map(str::to_owned),
        start_events: Vec::new(),
        end_events: Vec::new(),
        tasks: Vec::new(),
        gateways: Vec::new(),
        flows: Vec::new(),
        warnings: Vec::new(),
        places: HashMap::new(),
        outgoing: outgoing(outline),
    };
    for element in &outline.elements {
        let (id, name) = (element.id.to_owned(), element.name.map(str::to_owned));
        let place = match element.kind {
            Kind::StartEvent => {
                process.start_events.push(StartEvent { id, name });
                Place::Start(process.start_events.len() - 1)
            }
            Kind::EndEvent => {
                process.end_events.push(EndEvent { id, name });
                Place::End(process.end_events.len() - 1)
            }
            Kind::ExclusiveGateway => {
                let default_flow = element.xml.attribute("default").map(str::to_owned);
                let connected_data_type = read_connected_data_type(element, problems);
                let position = problems.position(element.xml);
                process.gateways.push(Gateway { id, name, default_flow, connected_data_type, position });
                Place::Gateway(process.gateways.len() - 1)
            }
            Kind::Task | Kind::ServiceTask => {
                let Some(task) = read_task(element, options, problems) else { continue };
                process.tasks.push(task);
                Place::Task(process.tasks.len() - 1)
            }
        };
        process.places.insert(element.id.to_owned(), place);
    }
    for flow in &outline.flows {
        let condition = flow.condition.as_deref().and_then(|text| {
            Condition::parse(text)
                .map_err(|error| problems.error(flow.xml, format!("the condition is not JSON: {error}")))
                .ok()
        });
        process.flows.push(SequenceFlow {
            id: flow.id.to_owned(),
            source: flow.source.to_owned(),
            target: flow.target.to_owned(),
            condition,
        });
    }
    process
}

/// The flows that leave each element: by the flow's source; of a gateway those it names itself, when it names any.
fn outgoing(outline: &Outline) -> HashMap<String, Vec<usize>> {
    let mut outgoing: HashMap<String, Vec<usize>> = HashMap::new();
    let mut by_id = HashMap::new();
    for (at, flow) in outline.flows.iter().enumerate() {
        outgoing.entry(flow.source.to_owned()).or_default().push(at);
        by_id.insert(flow.id, at);
    }
    for gateway in outline.elements.iter().filter(|element| element.kind == Kind::ExclusiveGateway) {
        let names = gateway.flow_names("outgoing");
        let mut named: Vec<usize> = names.iter().filter_map(|name| by_id.get(name.as_str()).copied()).collect();
        named.sort_unstable();
        named.dedup();
        if !named.is_empty() {
            outgoing.insert(gateway.id.to_owned(), named);
        }
    }
    outgoing
}
