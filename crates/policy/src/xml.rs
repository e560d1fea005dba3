//! Reading XACML elements: names, required attributes, text, and where a problem is.

use roxmltree::{Document, Node};

use crate::vocabulary::XACML;

/// Something wrong with a policy text, at a place a person can go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {reason}")]
pub struct PolicyProblem {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, naming the element.
    pub reason: String,
}

/// Deepest nesting of elements that is read. Real policies need 8; expressions a few more.
const DEEPEST: usize = 64;

/// Parses XML. Document type declarations are refused, and nesting no honest document has.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, PolicyProblem> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(at) = too_deep(text) {
        let line = text[..at].matches('\n').count() as u32 + 1;
        return Err(PolicyProblem { line, column: 1, reason: format!("elements are nested deeper than {DEEPEST}") });
    }
    Document::parse(text).map_err(|error| {
        let place = error.pos();
        // The parser appends the place to its message; it has fields of its own here.
        let message = error.to_string();
        let reason = message.split(" at ").next().unwrap_or(&message).to_owned();
        PolicyProblem { line: place.row, column: place.col, reason: format!("not well-formed XML: {reason}") }
    })
}

/// Where start tags are nested too deep, counted before the parser, whose depth is bounded by the stack only.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + found;
        let (end, change) = match bytes.get(start + 1) {
            Some(b'!') if text[start..].starts_with("<!--") => (skip_past(text, start, "-->"), 0),
            Some(b'!') if text[start..].starts_with("<![CDATA[") => (skip_past(text, start, "]]>"), 0),
            Some(b'?') => (skip_past(text, start, "?>"), 0),
            Some(b'/') => (start + 2, -1),
            _ => {
                let end = tag_end(bytes, start);
                (end, i32::from(bytes.get(end.saturating_sub(1)) != Some(&b'/')))
            }
        };
        depth = depth.saturating_add_signed(change as isize);
        if depth > DEEPEST {
            return Some(start);
        }
        at = end;
    }
    None
}

fn skip_past(text: &str, from: usize, end: &str) -> usize {
    text[from..].find(end).map_or(text.len(), |found| from + found + end.len())
}

/// The `>` that ends the tag starting at `start`, past quoted attribute values.
fn tag_end(bytes: &[u8], start: usize) -> usize {
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    bytes.len()
}

/// Collects problems while a document is read, so that all of them are told at once.
#[derive(Debug)]
pub(crate) struct Problems<'d> {
    document: &'d Document<'d>,
    found: Vec<PolicyProblem>,
}

impl<'d> Problems<'d> {
    pub(crate) fn new(document: &'d Document<'d>) -> Self {
        Self { document, found: Vec::new() }
    }

    pub(crate) fn add(&mut self, node: Node<'_, '_>, reason: impl Into<String>) {
        let place = self.document.text_pos_at(node.range().start);
        self.found.push(PolicyProblem { line: place.row, column: place.col, reason: reason.into() });
    }

    /// The problems in the order of the text, each once.
    pub(crate) fn into_found(mut self) -> Vec<PolicyProblem> {
        self.found.sort_by(|left, right| {
            (left.line, left.column, &left.reason).cmp(&(right.line, right.column, &right.reason))
        });
        self.found.dedup();
        self.found
    }

    /// Notes the second of two child elements of which there may be one; it would be read over.
    pub(crate) fn check_single(&mut self, node: Node<'_, '_>, names: &[&'static str]) {
        for name in names {
            if let Some(second) = children(node, name).nth(1) {
                self.add(second, format!("<{}> has more than one <{name}>", node.tag_name().name()));
            }
        }
    }

    /// An attribute that must be there; its absence is noted.
    pub(crate) fn required<'n>(&mut self, node: Node<'n, '_>, attribute: &str) -> Option<&'n str> {
        let value = node.attribute(attribute);
        if value.is_none() {
            self.add(node, format!("<{}> has no {attribute}", node.tag_name().name()));
        }
        value
    }

    /// A required attribute that is `true` or `false`.
    pub(crate) fn required_boolean(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<bool> {
        let value = self.required(node, attribute)?.trim();
        match value {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => {
                self.add(node, format!("{attribute} is `{value}`, which is neither true nor false"));
                None
            }
        }
    }

    /// Notes every child element whose name is not in `allowed`, and every one that comes after a later group.
    ///
    /// `allowed` is the order of the schema: names of one inner slice may mix, groups may not.
    pub(crate) fn check_children(&mut self, node: Node<'_, '_>, allowed: &[&[&str]]) {
        let mut reached = 0;
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            let parent = node.tag_name().name();
            match allowed.iter().position(|group| is_xacml(child) && group.contains(&name)) {
                None => self.add(child, format!("<{name}> is not allowed in <{parent}>")),
                Some(group) if group < reached => self.add(child, format!("<{name}> comes too late in <{parent}>")),
                Some(group) => reached = group,
            }
        }
    }
}

/// Whether an element belongs to XACML's namespace.
pub(crate) fn is_xacml(node: Node<'_, '_>) -> bool {
    node.tag_name().namespace() == Some(XACML)
}

/// Whether a node is the XACML element of this name.
pub(crate) fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name && is_xacml(node)
}

/// The child elements of this name.
pub(crate) fn children<'n, 'i>(node: Node<'n, 'i>, name: &'static str) -> impl Iterator<Item = Node<'n, 'i>> {
    node.children().filter(move |child| is(*child, name))
}

/// The first child element of this name.
pub(crate) fn child<'n, 'i>(node: Node<'n, 'i>, name: &'static str) -> Option<Node<'n, 'i>> {
    node.children().find(move |child| is(*child, name))
}

/// The text directly inside an element, comments left out.
pub(crate) fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|part| part.text()).collect()
}
