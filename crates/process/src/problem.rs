//! What is wrong with a process definition, and where.

use std::fmt;

use roxmltree::{Document, Node};

/// One fault of a process definition, with the place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessProblem {
    pub severity: Severity,
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Id of the BPMN element concerned; the name of the XML element when it has no id.
    pub element: String,
    /// What is wrong, for the one who edits the file.
    pub reason: String,
}

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// Whether a process with this problem can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Some move would fail: the file is refused.
    Error,
    /// It works, but probably not as it looks.
    Warning,
}

impl fmt::Display for ProcessProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: {}: {}", self.line, self.column, self.element, self.reason)
    }
}

/// The problems found so far in one document.
pub(crate) struct Problems<'x> {
    document: &'x Document<'x>,
    found: Vec<ProcessProblem>,
}

impl<'x> Problems<'x> {
    pub(crate) fn of(document: &'x Document<'x>) -> Self {
        Self { document, found: Vec::new() }
    }

    pub(crate) fn error(&mut self, at: Node, reason: impl Into<String>) {
        self.add(Severity::Error, at, reason.into());
    }

    pub(crate) fn warn(&mut self, at: Node, reason: impl Into<String>) {
        self.add(Severity::Warning, at, reason.into());
    }

    /// Where a node of the document begins.
    pub(crate) fn position(&self, node: Node) -> Position {
        let place = self.document.text_pos_at(node.range().start);
        Position { line: place.row, column: place.col }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<ProcessProblem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }

    fn add(&mut self, severity: Severity, at: Node, reason: String) {
        let Position { line, column } = self.position(at);
        self.found.push(ProcessProblem { severity, line, column, element: named(at), reason });
    }
}

/// The id of the nearest element around `node` that has one, else the node's own tag name.
fn named(node: Node) -> String {
    let id = node.ancestors().find_map(|around| around.attribute("id"));
    id.unwrap_or_else(|| node.tag_name().name()).to_owned()
}
