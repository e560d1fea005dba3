//! One component: its kind, its expressions and its bindings.
//!
//! Contract: app-forms 5.3.

use crate::expression::Expression;

/// The place of a component in [`Page::components`](super::Page).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentIndex(pub(super) usize);

/// A component of a page, as far as the server needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Unique on its page.
    pub id: String,
    /// The type as written.
    pub type_name: String,
    pub kind: ComponentKind,
    pub hidden: Expression,
    pub required: Expression,
    pub read_only: Expression,
    pub remove_when_hidden: Expression,
    /// Bindings in the order of the file.
    pub bindings: Vec<Binding>,
    /// `textResourceBindings.title` when it is a literal text.
    pub title: Option<String>,
}

impl Component {
    /// The binding with this name.
    pub fn binding(&self, name: &str) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.name == name)
    }

    /// All children the component claims, in order.
    pub fn children(&self) -> Vec<ComponentIndex> {
        match &self.kind {
            ComponentKind::Container { children } => children.clone(),
            ComponentKind::RepeatingGroup { before, children, after, .. } => {
                [before.as_slice(), children, after].concat()
            }
            ComponentKind::Leaf | ComponentKind::Options | ComponentKind::Likert | ComponentKind::Subform { .. } => {
                Vec::new()
            }
        }
    }
}

/// What a component is to the server.
#[derive(Debug, Clone, PartialEq)]
pub enum ComponentKind {
    /// Without child contexts.
    Leaf,
    /// Shows its children once: groups, accordions, grids, tabs, cards, button groups.
    Container { children: Vec<ComponentIndex> },
    /// Shows `children` once for each row of the list bound to `group`.
    RepeatingGroup {
        before: Vec<ComponentIndex>,
        children: Vec<ComponentIndex>,
        after: Vec<ComponentIndex>,
        hidden_row: Expression,
    },
    /// Checkboxes, radio buttons, dropdowns: a leaf, or one row for each row of the list bound to `group`.
    Options,
    /// A list of questions; never removes data.
    Likert,
    /// The pages of another layout set, once for each data element of its data type.
    Subform { layout_set: String },
}

/// The field a component is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// `simpleBinding`, `group`, …
    pub name: String,
    /// The field path as written.
    pub field: String,
    /// The data type, when it is not the default one.
    pub data_type: Option<String>,
}
