//! The process as a graph: its elements, its flows, and what follows what.
//!
//! Contract: `app-process.md` §1.1.

use std::collections::HashMap;

use crate::condition::Condition;
use crate::problem::{Position, ProcessProblem};
use crate::task::{BpmnElement, Task};

/// A checked process definition. Made by [`Process::parse`].
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Id of the `process` element.
    pub id: Option<String>,
    /// At least one.
    pub start_events: Vec<StartEvent>,
    pub end_events: Vec<EndEvent>,
    /// In the order of the file.
    pub tasks: Vec<Task>,
    pub gateways: Vec<Gateway>,
    /// In the order of the file.
    pub flows: Vec<SequenceFlow>,
    /// What works, but probably not as it looks.
    pub warnings: Vec<ProcessProblem>,
    pub(crate) places: HashMap<String, Place>,
    /// Indexes into `flows` of what leaves an element, in the order of the file.
    pub(crate) outgoing: HashMap<String, Vec<usize>>,
}

/// Where a process begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartEvent {
    pub id: String,
    pub name: Option<String>,
}

/// Where a process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndEvent {
    pub id: String,
    pub name: Option<String>,
}

/// An exclusive gateway: exactly one of its flows is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    pub id: String,
    pub name: Option<String>,
    /// Id of the flow taken when no condition is true.
    pub default_flow: Option<String>,
    /// Data type the conditions read; unset: that of the current task's layout set.
    pub connected_data_type: Option<String>,
    pub position: Position,
}

/// An edge of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceFlow {
    pub id: String,
    /// Id of the element it leaves, as the file says. What leaves an element, [`Process::outgoing`] knows: a gateway
    /// may name flows of its own.
    pub source: String,
    /// Id of an element of this process.
    pub target: String,
    pub condition: Option<Condition>,
}

/// An element of the graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node<'p> {
    Start(&'p StartEvent),
    Task(&'p Task),
    Gateway(&'p Gateway),
    End(&'p EndEvent),
}

/// Where an element is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start(usize),
    Task(usize),
    Gateway(usize),
    End(usize),
}

impl Process {
    /// The element with this id.
    pub fn node(&self, id: &str) -> Option<Node<'_>> {
        Some(match *self.places.get(id)? {
            Place::Start(at) => Node::Start(self.start_events.get(at)?),
            Place::Task(at) => Node::Task(self.tasks.get(at)?),
            Place::Gateway(at) => Node::Gateway(self.gateways.get(at)?),
            Place::End(at) => Node::End(self.end_events.get(at)?),
        })
    }

    /// The task with this id.
    pub fn task(&self, id: &str) -> Option<&Task> {
        match self.node(id)? {
            Node::Task(task) => Some(task),
            _ => None,
        }
    }

    /// The tasks as clients list them (`processTasks`): `task` elements first, then `serviceTask`.
    pub fn tasks_as_reported(&self) -> impl Iterator<Item = &Task> {
        let of = |element| self.tasks.iter().filter(move |task| task.element == element);
        of(BpmnElement::Task).chain(of(BpmnElement::ServiceTask))
    }

    /// The flows that leave an element, in the order of the file.
    pub fn outgoing(&self, id: &str) -> impl Iterator<Item = &SequenceFlow> {
        self.outgoing.get(id).into_iter().flatten().filter_map(|at| self.flows.get(*at))
    }

    /// The conditions of the process, each with its flow.
    pub fn conditions(&self) -> impl Iterator<Item = (&SequenceFlow, &Condition)> {
        self.flows.iter().filter_map(|flow| Some((flow, flow.condition.as_ref()?)))
    }
}

impl<'p> Node<'p> {
    pub fn id(self) -> &'p str {
        match self {
            Self::Start(event) => &event.id,
            Self::Task(task) => &task.id,
            Self::Gateway(gateway) => &gateway.id,
            Self::End(event) => &event.id,
        }
    }
}
