//! Components placed in form data: one context for each component and row, and what is hidden.
//!
//! Contract: app-forms 3.3, 4.6, 5.3, 5.4.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde_json::Value;

use super::component::{Binding, Component, ComponentIndex, ComponentKind};
use super::page::Page;
use super::sets::{LayoutSet, Layouts};
use crate::FieldPath;
use crate::expression::{
    ElementIndex, EvaluationContext, Expression, ExpressionError, Facts, Purpose, element_for, evaluate_boolean,
    field_value,
};

/// How deep expressions may be nested in all, counting those that hidden states wait for: the stack has an end.
const MAX_OPEN_LEVELS: usize = 400;

/// What one hidden state on the way costs besides the levels of its expression.
const LEVELS_PER_COMPONENT: usize = 4;

/// A context of [`ComponentContexts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(usize);

/// What a context stands for.
#[derive(Debug, Clone, Copy)]
pub enum ContextKind<'a> {
    Page(&'a Page),
    Component(&'a Component),
    /// A row of a repeating group, or of options bound to a list.
    Row(&'a Component),
}

#[derive(Debug)]
struct Context<'a> {
    kind: ContextKind<'a>,
    page: &'a Page,
    set: &'a LayoutSet,
    element: ElementIndex,
    row_indices: Vec<usize>,
    parent: Option<ContextId>,
    children: Vec<ContextId>,
}

/// What is known of a context's own hidden expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnState {
    Unknown,
    BeingEvaluated,
    Known(bool),
}

/// All component contexts of a layout set over the form data of one evaluation.
///
/// Hidden states are evaluated when first asked for and kept, so one value serves one evaluation of unchanging data.
#[derive(Debug)]
pub struct ComponentContexts<'a> {
    facts: &'a Facts<'a>,
    contexts: Vec<Context<'a>>,
    pages: Vec<ContextId>,
    by_component: HashMap<&'a str, Vec<ContextId>>,
    own_hidden: RefCell<Vec<OwnState>>,
    being_evaluated: RefCell<Vec<ContextId>>,
    open_levels: Cell<usize>,
}

impl<'a> ComponentContexts<'a> {
    /// Place the components of the set `set_id` and of its subforms.
    ///
    /// A set whose data type has no element on the instance has no contexts. Fails when a list binding cannot be
    /// looked up, or when a subform contains itself.
    pub fn build(layouts: &'a Layouts, set_id: &str, facts: &'a Facts<'a>) -> Result<Self, ExpressionError> {
        let mut builder = Builder { layouts, facts, contexts: Vec::new(), open_sets: Vec::new() };
        let mut pages = Vec::new();
        if let Some(set) = layouts.set(set_id)
            && let Some(element) = facts.first_element_of(&set.data_type)
        {
            pages = builder.pages(set, element, None)?;
        }
        let contexts = builder.contexts;
        let mut by_component: HashMap<&'a str, Vec<ContextId>> = HashMap::new();
        for (position, context) in contexts.iter().enumerate() {
            match context.kind {
                ContextKind::Component(component) => by_component.entry(&component.id),
                ContextKind::Page(page) => by_component.entry(&page.id),
                ContextKind::Row(_) => continue,
            }
            .or_default()
            .push(ContextId(position));
        }
        let own_hidden = RefCell::new(vec![OwnState::Unknown; contexts.len()]);
        Ok(Self {
            facts,
            contexts,
            pages,
            by_component,
            own_hidden,
            being_evaluated: RefCell::new(Vec::new()),
            open_levels: Cell::new(0),
        })
    }

    /// The facts the contexts were built from.
    pub fn facts(&self) -> &'a Facts<'a> {
        self.facts
    }

    /// The contexts of the pages, in order.
    pub fn pages(&self) -> &[ContextId] {
        &self.pages
    }

    /// Every context; parents before their children.
    pub fn all(&self) -> impl Iterator<Item = ContextId> + use<> {
        (0..self.contexts.len()).map(ContextId)
    }

    /// What the context stands for.
    pub fn kind(&self, id: ContextId) -> ContextKind<'a> {
        self.context(id).kind
    }

    /// The id of the component, or of the page. Rows of a group have the name of the group and a suffix.
    pub fn name(&self, id: ContextId) -> String {
        match self.context(id).kind {
            ContextKind::Page(page) => page.id.clone(),
            ContextKind::Component(component) => component.id.clone(),
            ContextKind::Row(component) => format!("{}__group_row", component.id),
        }
    }

    /// The page a context is on.
    pub fn page(&self, id: ContextId) -> &'a Page {
        self.context(id).page
    }

    /// The layout set a context is in.
    pub fn layout_set(&self, id: ContextId) -> &'a LayoutSet {
        self.context(id).set
    }

    /// The data element that bindings without a data type mean.
    pub fn element(&self, id: ContextId) -> ElementIndex {
        self.context(id).element
    }

    /// The rows around the context, outermost first; a row context's own number comes last.
    pub fn row_indices(&self, id: ContextId) -> &[usize] {
        &self.context(id).row_indices
    }

    /// The contexts directly below, in order.
    pub fn children(&self, id: ContextId) -> &[ContextId] {
        &self.context(id).children
    }

    /// The contexts of a component id whose rows are a prefix of `row_indices`, in any data element.
    pub fn matching(&self, component_id: &str, row_indices: &[usize]) -> Vec<ContextId> {
        let candidates = self.by_component.get(component_id).map_or(&[][..], Vec::as_slice);
        let is_around = |id: &&ContextId| row_indices.starts_with(self.row_indices(**id));
        candidates.iter().filter(is_around).copied().collect()
    }

    /// The one context that the `component` function means (contract 4.6).
    pub fn closest(
        &self,
        component_id: &str,
        element: Option<ElementIndex>,
        row_indices: &[usize],
    ) -> Result<ContextId, ExpressionError> {
        let mut found = self.matching(component_id, row_indices);
        found.retain(|id| Some(self.element(*id)) == element);
        match found.as_slice() {
            [only] => Ok(*only),
            [] => {
                let rows: Vec<String> = row_indices.iter().map(ToString::to_string).collect();
                let rows =
                    if rows.is_empty() { String::new() } else { format!(" with row indices {}", rows.join(", ")) };
                Err(ExpressionError::new(format!("Unable to find component with identifier {component_id}{rows}")))
            }
            _ => Err(ExpressionError::new(format!("Found more than one component with identifier {component_id}"))),
        }
    }

    /// Whether the context has contexts below it.
    pub fn has_children(&self, id: ContextId) -> bool {
        !self.context(id).children.is_empty()
    }

    /// The binding of the context's component with this name.
    pub fn binding(&self, id: ContextId, name: &str) -> Option<&'a Binding> {
        match self.context(id).kind {
            ContextKind::Component(component) => component.binding(name),
            ContextKind::Page(_) | ContextKind::Row(_) => None,
        }
    }

    /// The context in which expressions of this place are evaluated.
    pub fn evaluation(&self, id: ContextId) -> EvaluationContext<'_> {
        let context = self.context(id);
        EvaluationContext {
            facts: self.facts,
            components: Some(self),
            element: Some(context.element),
            row_indices: &context.row_indices,
            arguments: None,
            purpose: Purpose::Form,
        }
    }

    /// An expression-valued property of this place: a failure names the place and the property.
    pub fn boolean_property(
        &self,
        id: ContextId,
        expression: &Expression,
        property: &str,
        default: bool,
    ) -> Result<bool, ExpressionError> {
        if let Expression::Literal(Value::Bool(value)) = expression {
            return Ok(*value);
        }
        let levels = self.open_levels.get();
        let needed = levels + expression.depth() + LEVELS_PER_COMPONENT;
        if needed > MAX_OPEN_LEVELS {
            return Err(ExpressionError::new("Too many hidden states of components wait for each other"));
        }
        self.open_levels.set(needed);
        let value = evaluate_boolean(expression, default, &self.evaluation(id));
        self.open_levels.set(levels);
        value.map_err(|error| {
            error.at(|| {
                let (page, set) = (&self.page(id).id, &self.layout_set(id).id);
                format!("{property} of {} on page {page} of layout {set}", self.name(id))
            })
        })
    }

    /// Whether the context, or anything around it, is hidden.
    pub fn is_hidden(&self, id: ContextId) -> Result<bool, ExpressionError> {
        let mut at = Some(id);
        let mut chain = Vec::new();
        while let Some(context) = at {
            chain.push(context);
            at = self.context(context).parent;
        }
        for context in chain.into_iter().rev() {
            if self.is_hidden_itself(context)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether data below the context is to be removed when a task ends: hidden, and nothing says to keep it.
    ///
    /// `removeWhenHidden: false` on a component also shields what is inside it from what hides its surroundings.
    pub fn is_hidden_for_removal(&self, id: ContextId) -> Result<bool, ExpressionError> {
        let removes = match self.context(id).kind {
            ContextKind::Page(_) => true,
            ContextKind::Component(component) | ContextKind::Row(component) => {
                self.boolean_property(id, &component.remove_when_hidden, "removeWhenHidden", true)?
            }
        };
        if !removes {
            return Ok(false);
        }
        match self.context(id).parent {
            Some(parent) if self.is_hidden_for_removal(parent)? => Ok(true),
            _ => self.is_hidden_itself(id),
        }
    }

    fn is_hidden_itself(&self, id: ContextId) -> Result<bool, ExpressionError> {
        let state = self.own_hidden.borrow()[id.0];
        match state {
            OwnState::Known(hidden) => return Ok(hidden),
            OwnState::BeingEvaluated => return Err(self.cycle(id)),
            OwnState::Unknown => {}
        }
        self.own_hidden.borrow_mut()[id.0] = OwnState::BeingEvaluated;
        self.being_evaluated.borrow_mut().push(id);
        let hidden = self.evaluate_hidden(id);
        self.being_evaluated.borrow_mut().pop();
        self.own_hidden.borrow_mut()[id.0] = match &hidden {
            Ok(hidden) => OwnState::Known(*hidden),
            Err(_) => OwnState::Unknown,
        };
        hidden
    }

    fn cycle(&self, id: ContextId) -> ExpressionError {
        let being_evaluated = self.being_evaluated.borrow();
        let start = being_evaluated.iter().position(|open| *open == id).unwrap_or_default();
        let mut names: Vec<String> = being_evaluated[start..].iter().map(|open| self.name(*open)).collect();
        names.push(self.name(id));
        ExpressionError::new(format!("The hidden states of components depend on each other: {}", names.join(" -> ")))
    }

    fn evaluate_hidden(&self, id: ContextId) -> Result<bool, ExpressionError> {
        match self.context(id).kind {
            ContextKind::Page(page) => self.boolean_property(id, &page.hidden, "hidden", false),
            ContextKind::Component(component) => self.boolean_property(id, &component.hidden, "hidden", false),
            ContextKind::Row(component) => self.is_row_hidden(id, component),
        }
    }

    fn is_row_hidden(&self, id: ContextId, component: &Component) -> Result<bool, ExpressionError> {
        let value = |name: &str| {
            component
                .binding(name)
                .map(|binding| field_value(&binding.field, binding.data_type.as_deref(), &self.evaluation(id)))
                .transpose()
        };
        if value("group")?.is_some_and(|row| row.is_null()) {
            return Ok(true);
        }
        match &component.kind {
            ComponentKind::RepeatingGroup { hidden_row, .. } => {
                self.boolean_property(id, hidden_row, "hiddenRow", false)
            }
            _ => Ok(value("checked")?.is_some_and(|checked| matches!(checked, Value::Null | Value::Bool(false)))),
        }
    }

    fn context(&self, id: ContextId) -> &Context<'a> {
        &self.contexts[id.0]
    }
}

struct Builder<'a> {
    layouts: &'a Layouts,
    facts: &'a Facts<'a>,
    contexts: Vec<Context<'a>>,
    /// Sets being placed, so that a subform cannot contain itself.
    open_sets: Vec<&'a str>,
}

/// Where the next contexts go.
#[derive(Clone, Copy)]
struct Spot<'a> {
    page: &'a Page,
    set: &'a LayoutSet,
    element: ElementIndex,
    parent: Option<ContextId>,
}

impl<'a> Builder<'a> {
    fn pages(
        &mut self,
        set: &'a LayoutSet,
        element: ElementIndex,
        parent: Option<ContextId>,
    ) -> Result<Vec<ContextId>, ExpressionError> {
        if self.open_sets.contains(&set.id.as_str()) {
            return Err(ExpressionError::new(format!("Layout set {} is a subform of itself", set.id)));
        }
        self.open_sets.push(&set.id);
        let mut pages = Vec::with_capacity(set.pages.len());
        for page in &set.pages {
            let spot = Spot { page, set, element, parent };
            let id = self.add(ContextKind::Page(page), spot, &[]);
            self.components(page.top_level(), Spot { parent: Some(id), ..spot }, &[])?;
            pages.push(id);
        }
        self.open_sets.pop();
        Ok(pages)
    }

    fn add(&mut self, kind: ContextKind<'a>, spot: Spot<'a>, row_indices: &[usize]) -> ContextId {
        let Spot { page, set, element, parent } = spot;
        let id = ContextId(self.contexts.len());
        let row_indices = row_indices.to_vec();
        self.contexts.push(Context { kind, page, set, element, row_indices, parent, children: Vec::new() });
        if let Some(parent) = parent {
            self.contexts[parent.0].children.push(id);
        }
        id
    }

    fn components(
        &mut self,
        components: &[ComponentIndex],
        spot: Spot<'a>,
        row_indices: &[usize],
    ) -> Result<(), ExpressionError> {
        components.iter().try_for_each(|index| self.component(spot.page.component(*index), spot, row_indices))
    }

    fn component(
        &mut self,
        component: &'a Component,
        spot: Spot<'a>,
        row_indices: &[usize],
    ) -> Result<(), ExpressionError> {
        let id = self.add(ContextKind::Component(component), spot, row_indices);
        let inside = Spot { parent: Some(id), ..spot };
        match &component.kind {
            ComponentKind::Leaf | ComponentKind::Likert => Ok(()),
            ComponentKind::Container { children } => self.components(children, inside, row_indices),
            ComponentKind::RepeatingGroup { before, children, after, .. } => {
                self.components(before, inside, row_indices)?;
                for row in self.rows(component, inside, row_indices)? {
                    let row_indices = self.contexts[row.0].row_indices.clone();
                    self.components(children, Spot { parent: Some(row), ..spot }, &row_indices)?;
                }
                self.components(after, inside, row_indices)
            }
            ComponentKind::Options => self.rows(component, inside, row_indices).map(|_| ()),
            ComponentKind::Subform { layout_set } => {
                let Some(set) = self.layouts.set(layout_set) else {
                    return Err(ExpressionError::new(format!(
                        "Subform {} names layout set {layout_set}, which does not exist",
                        component.id
                    )));
                };
                let facts = self.facts;
                for (position, element) in facts.elements.iter().enumerate() {
                    if element.data_type == set.data_type {
                        self.pages(set, ElementIndex(position), Some(id))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// One row context for each row of the list bound to `group`.
    fn rows(
        &mut self,
        component: &'a Component,
        spot: Spot<'a>,
        row_indices: &[usize],
    ) -> Result<Vec<ContextId>, ExpressionError> {
        let Some(binding) = component.binding("group") else { return Ok(Vec::new()) };
        let count = self.row_count(binding, spot.element, row_indices)?;
        let rows = (0..count).map(|row| {
            let row_indices = [row_indices, &[row]].concat();
            self.add(ContextKind::Row(component), spot, &row_indices)
        });
        Ok(rows.collect())
    }

    fn row_count(
        &self,
        binding: &Binding,
        element: ElementIndex,
        row_indices: &[usize],
    ) -> Result<usize, ExpressionError> {
        let element = element_for(binding.data_type.as_deref(), Some(element), self.facts)?;
        let content = element.and_then(|element| self.facts.element(element)).and_then(|element| element.content);
        let (Some(content), Ok(path)) = (content, binding.field.parse::<FieldPath>()) else { return Ok(0) };
        Ok(content.resolve(&path, row_indices)?.map_or(0, |list| content.row_count(&list)))
    }
}
