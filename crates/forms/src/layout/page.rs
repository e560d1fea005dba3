//! Reading one layout file.
//!
//! Contract: app-forms 5.3. All problems of a file are collected, each with its JSON pointer.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::LayoutProblem;
use super::component::{Binding, Component, ComponentIndex, ComponentKind};
use crate::expression::Expression;

/// How deep components may be nested in each other.
const MAX_NESTING: usize = 32;

/// One page: a layout file.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The file name without `.json`.
    pub id: String,
    pub hidden: Expression,
    components: Vec<Component>,
    top_level: Vec<ComponentIndex>,
}

impl Page {
    /// Read the JSON of a layout file.
    pub fn parse(id: &str, json: &Value) -> Result<Self, Vec<LayoutProblem>> {
        let mut reader = Reader { page: id, problems: Vec::new(), places: HashMap::new(), claims: HashMap::new() };
        let page = reader.page(json);
        match page {
            Some(page) if reader.problems.is_empty() => Ok(page),
            _ => Err(reader.problems),
        }
    }

    /// Every component, in the order of the file.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The components that no other component claims, in the order of the file.
    pub fn top_level(&self) -> &[ComponentIndex] {
        &self.top_level
    }

    /// The component at `index` of this page.
    ///
    /// # Panics
    /// When the index is of a page with more components.
    pub fn component(&self, index: ComponentIndex) -> &Component {
        &self.components[index.0]
    }
}

struct Reader<'a> {
    page: &'a str,
    problems: Vec<LayoutProblem>,
    /// Component id to its place.
    places: HashMap<&'a str, usize>,
    /// Claimed component to the one that claims it.
    claims: HashMap<usize, usize>,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.problems.push(LayoutProblem::new(self.page, pointer, message));
    }

    fn page(&mut self, json: &'a Value) -> Option<Page> {
        let Some(data) = json.get("data").and_then(Value::as_object) else {
            self.problem("/data", "is missing");
            return None;
        };
        let Some(layout) = data.get("layout").and_then(Value::as_array) else {
            self.problem("/data/layout", "must be a list of components");
            return None;
        };
        let hidden = self.expression(data.get("hidden"), "/data/hidden", false);
        self.register(layout);
        let components: Vec<Component> =
            layout.iter().enumerate().filter_map(|(position, json)| self.component(position, json)).collect();
        if !self.problems.is_empty() || components.len() != layout.len() {
            return None;
        }
        let top_level =
            (0..components.len()).filter(|position| !self.claims.contains_key(position)).map(ComponentIndex).collect();
        self.check_nesting(components.len());
        Some(Page { id: self.page.to_owned(), hidden, components, top_level })
    }

    fn register(&mut self, layout: &'a [Value]) {
        for (position, json) in layout.iter().enumerate() {
            let pointer = format!("/data/layout/{position}/id");
            match json.get("id").and_then(Value::as_str) {
                None => self.problem(pointer, "every component must have an id"),
                Some(id) if self.places.contains_key(id) => {
                    self.problem(pointer, format!("the id {id} is used twice on the page"));
                }
                Some(id) => {
                    self.places.insert(id, position);
                }
            }
        }
    }

    /// Every component must be reached from the top level within the depth that evaluation can recurse.
    fn check_nesting(&mut self, count: usize) {
        for position in 0..count {
            let mut at = position;
            let mut depth = 0;
            while let Some(parent) = self.claims.get(&at) {
                at = *parent;
                depth += 1;
                if depth > MAX_NESTING {
                    let message = format!("is nested deeper than {MAX_NESTING} levels, or inside itself");
                    self.problem(format!("/data/layout/{position}"), message);
                    break;
                }
            }
        }
    }

    fn component(&mut self, position: usize, json: &'a Value) -> Option<Component> {
        let pointer = format!("/data/layout/{position}");
        let id = json.get("id").and_then(Value::as_str)?;
        let (Some(members), Some(type_name)) = (json.as_object(), json.get("type").and_then(Value::as_str)) else {
            self.problem(format!("{pointer}/type"), format!("component {id} has no type"));
            return None;
        };
        if members.get("maxCount").and_then(Value::as_f64).is_some_and(|count| count < 0.0) {
            self.problem(format!("{pointer}/maxCount"), "must not be negative");
        }
        let bindings = self.bindings(members, &pointer);
        let kind = self.kind(&Written { position, id, type_name, members, bindings: &bindings, pointer: &pointer });
        let title = self.title(members, &pointer);
        let mut expression =
            |name: &str, default| self.expression(members.get(name), &format!("{pointer}/{name}"), default);
        Some(Component {
            id: id.to_owned(),
            type_name: type_name.to_owned(),
            kind,
            hidden: expression("hidden", false),
            required: expression("required", false),
            read_only: expression("readOnly", false),
            remove_when_hidden: expression("removeWhenHidden", true),
            bindings,
            title,
        })
    }

    fn expression(&mut self, json: Option<&Value>, pointer: &str, default: bool) -> Expression {
        let Some(json) = json else { return Expression::boolean(default) };
        Expression::parse(json).unwrap_or_else(|error| {
            self.problem(pointer, error.to_string());
            Expression::boolean(default)
        })
    }

    /// Every text binding must be an expression; a literal title is kept.
    fn title(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<String> {
        let texts = members.get("textResourceBindings").and_then(Value::as_object)?;
        let mut title = None;
        for (name, json) in texts {
            match Expression::parse(json) {
                Ok(text) if name == "title" => title = text.as_literal_text().map(ToOwned::to_owned),
                Ok(_) => {}
                Err(error) => self.problem(format!("{pointer}/textResourceBindings/{name}"), error.to_string()),
            }
        }
        title
    }

    fn bindings(&mut self, members: &Map<String, Value>, pointer: &str) -> Vec<Binding> {
        let pointer = format!("{pointer}/dataModelBindings");
        let bindings = match members.get("dataModelBindings") {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(bindings)) => bindings,
            Some(_) => {
                self.problem(pointer, "must be an object");
                return Vec::new();
            }
        };
        let mut found = Vec::with_capacity(bindings.len());
        for (name, json) in bindings {
            match parse_binding(name, json) {
                Some(binding) => found.push(binding),
                None if json.is_null() => {}
                None => self.problem(format!("{pointer}/{name}"), "must be a field, or an object with a field"),
            }
        }
        found
    }

    fn kind(&mut self, written: &Written<'a, '_>) -> ComponentKind {
        match written.type_name.to_lowercase().as_str() {
            "repeatinggroup" => self.repeating_group(written),
            "group" if written.is_repeating() => self.repeating_group(written),
            "group" | "accordion" => {
                if !written.members.get("children").is_some_and(Value::is_array) {
                    self.problem(format!("{}/children", written.pointer), format!("{} must have children", written.id));
                }
                self.container(written, written.references("children", written.members))
            }
            "accordiongroup" | "buttongroup" => {
                self.container(written, written.references("children", written.members))
            }
            "grid" => {
                self.demand_list(written, "rows");
                self.container(written, written.cells("rows"))
            }
            "tabs" => {
                self.demand_list(written, "tabs");
                self.container(written, written.children_of_each("tabs"))
            }
            "cards" => {
                self.demand_list(written, "cards");
                self.container(written, written.children_of_each("cards"))
            }
            "subform" => match written.members.get("layoutSet").and_then(Value::as_str) {
                Some(layout_set) => ComponentKind::Subform { layout_set: layout_set.to_owned() },
                None => {
                    self.problem(
                        format!("{}/layoutSet", written.pointer),
                        format!("{} must name a layout set", written.id),
                    );
                    ComponentKind::Leaf
                }
            },
            "likert" => {
                if !written.is_bound_to("questions") {
                    self.problem(
                        format!("{}/dataModelBindings", written.pointer),
                        format!("{} must be bound to questions", written.id),
                    );
                }
                ComponentKind::Likert
            }
            "checkboxes" | "radiobuttons" | "dropdown" | "multipleselect" => {
                self.check_options(written);
                ComponentKind::Options
            }
            _ => ComponentKind::Leaf,
        }
    }

    fn demand_list(&mut self, written: &Written<'a, '_>, name: &str) {
        if !written.members.get(name).is_some_and(Value::is_array) {
            self.problem(format!("{}/{name}", written.pointer), format!("{} must have {name}", written.id));
        }
    }

    fn container(&mut self, written: &Written<'a, '_>, references: Vec<Reference<'a>>) -> ComponentKind {
        ComponentKind::Container { children: self.claim(written, references) }
    }

    fn repeating_group(&mut self, written: &Written<'a, '_>) -> ComponentKind {
        self.demand_list(written, "children");
        if !written.is_bound_to("group") {
            self.problem(
                format!("{}/dataModelBindings/group", written.pointer),
                format!("repeating group {} must be bound to a list", written.id),
            );
        }
        for name in ["rowsBefore", "rowsAfter"] {
            let rows = written.members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (row, json) in rows.iter().enumerate() {
                if !json.get("cells").is_some_and(Value::is_array) {
                    self.problem(format!("{}/{name}/{row}/cells", written.pointer), "every row must have cells");
                }
            }
        }
        let hidden_row = format!("{}/hiddenRow", written.pointer);
        ComponentKind::RepeatingGroup {
            before: self.claim(written, written.cells("rowsBefore")),
            children: self.claim(written, written.references("children", written.members)),
            after: self.claim(written, written.cells("rowsAfter")),
            hidden_row: self.expression(written.members.get("hiddenRow"), &hidden_row, false),
        }
    }

    fn check_options(&mut self, written: &Written<'a, '_>) {
        let is_given = |name: &&&str| written.members.get(**name).is_some_and(|value| !value.is_null());
        let given = ["optionsId", "options", "source"].iter().filter(is_given).count();
        if given != 1 {
            let message = format!("{} must have exactly one of optionsId, options and source", written.id);
            self.problem(written.pointer, message);
        }
        let is_secure = written.members.get("secure").and_then(Value::as_bool) == Some(true);
        if is_secure && !written.members.contains_key("optionsId") {
            self.problem(format!("{}/secure", written.pointer), "only options with optionsId can be secure");
        }
    }

    fn claim(&mut self, written: &Written<'a, '_>, references: Vec<Reference<'a>>) -> Vec<ComponentIndex> {
        let mut claimed = Vec::with_capacity(references.len());
        for reference in references {
            match reference.id.and_then(|id| self.places.get(id)).copied() {
                None => {
                    let named = reference.id.unwrap_or("that is no text");
                    let message = format!("{} has a child {named} that does not exist on the page", written.id);
                    self.problem(reference.pointer, message);
                }
                Some(place) if self.claims.contains_key(&place) => {
                    let named = reference.id.unwrap_or_default();
                    self.problem(reference.pointer, format!("{named} is a child of more than one component"));
                }
                Some(place) => {
                    self.claims.insert(place, written.position);
                    claimed.push(ComponentIndex(place));
                }
            }
        }
        claimed
    }
}

/// A component as its JSON says it.
struct Written<'a, 'b> {
    position: usize,
    id: &'a str,
    type_name: &'a str,
    members: &'a Map<String, Value>,
    bindings: &'b [Binding],
    pointer: &'b str,
}

/// The id of a child, with the place it is written.
struct Reference<'a> {
    pointer: String,
    /// `None` when it is no text.
    id: Option<&'a str>,
}

impl<'a> Written<'a, '_> {
    /// Old groups repeat by `maxCount`: any number but 1.
    fn is_repeating(&self) -> bool {
        self.members.get("maxCount").and_then(Value::as_f64).is_some_and(|count| count != 1.0)
    }

    fn is_bound_to(&self, name: &str) -> bool {
        self.bindings.iter().any(|binding| binding.name == name && !binding.field.is_empty())
    }

    fn references(&self, name: &str, holder: &'a Map<String, Value>) -> Vec<Reference<'a>> {
        let children = holder.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let reference = |(position, child): (usize, &'a Value)| Reference {
            pointer: format!("{}/{name}/{position}", self.pointer),
            id: child.as_str().map(without_page_number),
        };
        children.iter().enumerate().map(reference).collect()
    }

    /// The components in the cells of table rows; cells may also be empty or hold text.
    fn cells(&self, name: &str) -> Vec<Reference<'a>> {
        let rows = self.members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut found = Vec::new();
        for (row, json) in rows.iter().enumerate() {
            let cells = json.get("cells").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (cell, json) in cells.iter().enumerate() {
                if let Some(component) = json.get("component").filter(|component| !component.is_null()) {
                    let pointer = format!("{}/{name}/{row}/cells/{cell}/component", self.pointer);
                    found.push(Reference { pointer, id: component.as_str() });
                }
            }
        }
        found
    }

    /// `children` of each tab or card.
    fn children_of_each(&self, name: &str) -> Vec<Reference<'a>> {
        let parts = self.members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        parts.iter().filter_map(Value::as_object).flat_map(|part| self.references("children", part)).collect()
    }
}

/// Multipage groups write children as `0:id`.
fn without_page_number(id: &str) -> &str {
    match id.split_once(':') {
        Some((page, id)) if !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_digit()) => id,
        _ => id,
    }
}

fn parse_binding(name: &str, json: &Value) -> Option<Binding> {
    let (field, data_type) = match json {
        Value::String(field) => (field.as_str(), None),
        Value::Object(binding) => (
            binding.get("field").and_then(Value::as_str)?,
            binding.get("dataType").and_then(Value::as_str).map(ToOwned::to_owned),
        ),
        _ => return None,
    };
    Some(Binding { name: name.to_owned(), field: field.to_owned(), data_type })
}
