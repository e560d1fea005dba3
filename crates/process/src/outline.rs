//! The BPMN elements of a document, before their meaning: ids, flows by name, and what is not supported.
//!
//! Contract: `app-process.md` §1.1.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use crate::problem::Problems;

const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";

/// BPMN elements a flow can pass that this engine does not run.
const UNSUPPORTED: [&str; 21] = [
    "userTask",
    "manualTask",
    "scriptTask",
    "businessRuleTask",
    "sendTask",
    "receiveTask",
    "callActivity",
    "subProcess",
    "adHocSubProcess",
    "transaction",
    "parallelGateway",
    "inclusiveGateway",
    "complexGateway",
    "eventBasedGateway",
    "boundaryEvent",
    "intermediateEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "implicitThrowEvent",
    "choreographyTask",
    "callChoreography",
];

/// What a process consists of, in the order of the file.
#[derive(Debug)]
pub(crate) struct Outline<'x> {
    pub(crate) xml: Node<'x, 'x>,
    pub(crate) elements: Vec<Element<'x>>,
    pub(crate) flows: Vec<Flow<'x>>,
}

/// An element a flow can pass.
#[derive(Debug)]
pub(crate) struct Element<'x> {
    pub(crate) kind: Kind,
    pub(crate) id: &'x str,
    pub(crate) name: Option<&'x str>,
    pub(crate) xml: Node<'x, 'x>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    StartEvent,
    EndEvent,
    Task,
    ServiceTask,
    ExclusiveGateway,
}

#[derive(Debug)]
pub(crate) struct Flow<'x> {
    pub(crate) id: &'x str,
    pub(crate) source: &'x str,
    pub(crate) target: &'x str,
    pub(crate) condition: Option<String>,
    pub(crate) xml: Node<'x, 'x>,
}

impl<'x> Outline<'x> {
    /// The process of a BPMN document; `None` when there is none, which is then among the problems.
    pub(crate) fn read(document: &'x Document<'x>, problems: &mut Problems) -> Option<Self> {
        let root = document.root_element();
        if !root.has_tag_name((BPMN, "definitions")) {
            problems.error(root, format!("the root must be `definitions` in {BPMN}"));
            return None;
        }
        let mut processes = root.children().filter(|child| child.has_tag_name((BPMN, "process")));
        let Some(process) = processes.next() else {
            problems.error(root, "there is no `process`");
            return None;
        };
        for second in processes {
            problems.error(second, "there is more than one `process`");
        }
        let mut outline = Self { xml: process, elements: Vec::new(), flows: Vec::new() };
        for xml in process.children().filter(|child| child.tag_name().namespace() == Some(BPMN)) {
            outline.add(xml, problems);
        }
        outline.refuse_duplicates(problems);
        Some(outline)
    }

    fn add(&mut self, xml: Node<'x, 'x>, problems: &mut Problems) {
        let kind = match xml.tag_name().name() {
            "startEvent" => Kind::StartEvent,
            "endEvent" => Kind::EndEvent,
            "task" => Kind::Task,
            "serviceTask" => Kind::ServiceTask,
            "exclusiveGateway" => Kind::ExclusiveGateway,
            "sequenceFlow" => return self.add_flow(xml, problems),
            unsupported if UNSUPPORTED.contains(&unsupported) => {
                let name = xml.attribute("name").map(|name| format!(" ({name})")).unwrap_or_default();
                return problems.error(xml, format!("`{unsupported}`{name} is not supported"));
            }
            _ => return,
        };
        match xml.attribute("id").filter(|id| !id.is_empty()) {
            Some(id) => self.elements.push(Element { kind, id, name: xml.attribute("name"), xml }),
            None => problems.error(xml, "it has no `id`"),
        }
    }

    fn add_flow(&mut self, xml: Node<'x, 'x>, problems: &mut Problems) {
        let mut required = |name| {
            let value = xml.attribute(name).filter(|value| !value.is_empty());
            if value.is_none() {
                problems.error(xml, format!("it has no `{name}`"));
            }
            value
        };
        let (id, source, target) = (required("id"), required("sourceRef"), required("targetRef"));
        let (Some(id), Some(source), Some(target)) = (id, source, target) else { return };
        let condition = children(xml, "conditionExpression").next().map(text_of).filter(|text| !text.is_empty());
        self.flows.push(Flow { id, source, target, condition, xml });
    }

    fn refuse_duplicates(&self, problems: &mut Problems) {
        let mut first = HashMap::new();
        let elements = self.elements.iter().map(|element| (element.id, element.xml));
        for (id, xml) in elements.chain(self.flows.iter().map(|flow| (flow.id, flow.xml))) {
            if first.insert(id, xml).is_some() {
                problems.error(xml, format!("the id `{id}` is used twice"));
            }
        }
    }
}

impl Element<'_> {
    /// The flow ids of its `incoming` or `outgoing` children.
    pub(crate) fn flow_names(&self, direction: &str) -> Vec<String> {
        children(self.xml, direction).map(text_of).filter(|text| !text.is_empty()).collect()
    }
}

/// The BPMN children of `node` called `name`.
pub(crate) fn children<'x>(node: Node<'x, 'x>, name: &str) -> impl Iterator<Item = Node<'x, 'x>> {
    node.children().filter(move |child| child.has_tag_name((BPMN, name)))
}

/// The text directly inside `node`, without the blanks around it.
pub(crate) fn text_of(node: Node) -> String {
    let text: String = node.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
    text.trim().to_owned()
}
