//! What is wrong with a layout set that parses: expressions that can only fail, and names that lead nowhere.
//!
//! Contract: app-forms 4.7, 5.4. For reports when an application is loaded; evaluation does not need it.

use std::collections::HashSet;

use super::component::{Component, ComponentKind};
use super::sets::{LayoutSet, Layouts};
use super::{LayoutProblem, Page};
use crate::expression::{Expression, NamedField};

impl Layouts {
    /// Problems of every set. `knows_field` says whether a model has a field: it gets the data type and the path.
    pub fn problems(&self, knows_field: &dyn Fn(&str, &str) -> bool) -> Vec<LayoutProblem> {
        let mut problems = Vec::new();
        for set in &self.sets {
            let ids: HashSet<&str> =
                set.pages.iter().flat_map(Page::components).map(|component| component.id.as_str()).collect();
            for page in &set.pages {
                let mut check = Check { layouts: self, set, page, ids: &ids, knows_field, problems: &mut problems };
                check.page();
            }
        }
        problems
    }
}

struct Check<'a, 'b> {
    layouts: &'a Layouts,
    set: &'a LayoutSet,
    page: &'a Page,
    ids: &'b HashSet<&'a str>,
    knows_field: &'b dyn Fn(&str, &str) -> bool,
    problems: &'b mut Vec<LayoutProblem>,
}

impl Check<'_, '_> {
    fn problem(&mut self, pointer: &str, message: String) {
        let file = format!("{}/layouts/{}.json", self.set.id, self.page.id);
        self.problems.push(LayoutProblem::new(&file, pointer, message));
    }

    fn page(&mut self) {
        self.expression(&self.page.hidden, "/data/hidden");
        for (position, component) in self.page.components().iter().enumerate() {
            self.component(component, &format!("/data/layout/{position}"));
        }
    }

    fn component(&mut self, component: &Component, pointer: &str) {
        for (name, expression) in [
            ("hidden", &component.hidden),
            ("required", &component.required),
            ("readOnly", &component.read_only),
            ("removeWhenHidden", &component.remove_when_hidden),
        ] {
            self.expression(expression, &format!("{pointer}/{name}"));
        }
        for binding in &component.bindings {
            let field = NamedField { field: &binding.field, data_type: binding.data_type.as_deref() };
            self.field(field, &format!("{pointer}/dataModelBindings/{}", binding.name));
        }
        match &component.kind {
            ComponentKind::RepeatingGroup { hidden_row, .. } => {
                self.expression(hidden_row, &format!("{pointer}/hiddenRow"));
            }
            ComponentKind::Subform { layout_set } if self.layouts.set(layout_set).is_none() => {
                self.problem(&format!("{pointer}/layoutSet"), format!("there is no layout set {layout_set}"));
            }
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expression, pointer: &str) {
        for message in expression.problems() {
            self.problem(pointer, message);
        }
        for id in expression.component_ids() {
            if !self.ids.contains(id) {
                self.problem(pointer, format!("there is no component {id}"));
            }
        }
        for field in expression.fields() {
            self.field(field, pointer);
        }
    }

    fn field(&mut self, named: NamedField<'_>, pointer: &str) {
        let data_type = named.data_type.unwrap_or(&self.set.data_type);
        if !(self.knows_field)(data_type, named.field) {
            self.problem(pointer, format!("the model of {data_type} has no field {}", named.field));
        }
    }
}
