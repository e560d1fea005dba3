//! What is asked: attributes of the subject, the resource, the action and the environment.

use std::borrow::Cow;

use crate::vocabulary::{ACTION_ID, Category, DataType};

/// A question for a policy: groups of attributes, in the order they are echoed in an answer.
///
/// Texts are borrowed where the caller has them already. Built by hand for the common case:
///
/// ```
/// use mottak_policy::Request;
/// let request = Request::new()
///     .subject_bag("urn:altinn:rolecode", ["DAGL", "dagl"])
///     .resource("urn:altinn:org", "ttd")
///     .resource("urn:altinn:app", "demo")
///     .action("read");
/// # let _ = request;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// Attribute groups; several may share a category.
    pub groups: Vec<Group<'a>>,
}

/// Attributes of one category, as one object of the request document holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// What the attributes describe.
    pub category: Category,
    /// The attributes. The same id may occur more than once; their values then count together.
    pub attributes: Vec<Attribute<'a>>,
}

/// One attribute with all its values (a "bag").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Attribute id, compared as exact text.
    pub id: Cow<'a, str>,
    /// The attribute is repeated in the answer (contract §2.1 step 6).
    pub include_in_result: bool,
    /// The values, in no meaningful order.
    pub values: Vec<Value<'a>>,
}

/// One attribute value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The type the request claims; a policy value of another type never matches.
    pub data_type: DataType,
    /// The text as sent.
    pub text: Cow<'a, str>,
}

impl<'a> Value<'a> {
    /// A value of type string.
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self { data_type: DataType::String, text: text.into() }
    }
}

impl<'a> Request<'a> {
    /// A request without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one string value to a subject attribute.
    pub fn subject(self, id: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.with(Category::Subject, id, value)
    }

    /// Adds all values to one subject attribute. No values: the attribute stays absent.
    pub fn subject_bag<V: Into<Cow<'a, str>>>(
        mut self,
        id: impl Into<Cow<'a, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let mut values = values.into_iter().map(|text| Value::string(text)).peekable();
        if values.peek().is_some() {
            self.attribute(Category::Subject, id.into()).values.extend(values);
        }
        self
    }

    /// Adds one string value to a resource attribute.
    pub fn resource(self, id: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.with(Category::Resource, id, value)
    }

    /// Adds an action, such as `read` or `write`.
    pub fn action(self, name: impl Into<Cow<'a, str>>) -> Self {
        self.with(Category::Action, ACTION_ID, name)
    }

    /// Adds one string value to an environment attribute.
    pub fn environment(self, id: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.with(Category::Environment, id, value)
    }

    /// Adds one string value to an attribute of any category.
    pub fn with(mut self, category: Category, id: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.attribute(category, id.into()).values.push(Value::string(value));
        self
    }

    /// Marks an attribute to be repeated in the answer. An attribute that is not there stays absent.
    pub fn include_in_result(mut self, category: &Category, id: &str) -> Self {
        let attributes = self.groups.iter_mut().filter(|group| group.category == *category);
        for attribute in attributes.flat_map(|group| &mut group.attributes).filter(|attribute| attribute.id == id) {
            attribute.include_in_result = true;
        }
        self
    }

    /// All values of an attribute, over every group and every occurrence.
    pub fn values<'r>(&'r self, category: &'r Category, id: &'r str) -> impl Iterator<Item = &'r Value<'a>> + 'r {
        self.occurrences(category, id).flat_map(|attribute| &attribute.values)
    }

    /// The attribute elements with this category and id.
    pub(crate) fn occurrences<'r>(
        &'r self,
        category: &'r Category,
        id: &'r str,
    ) -> impl Iterator<Item = &'r Attribute<'a>> + 'r {
        self.groups
            .iter()
            .filter(move |group| group.category == *category)
            .flat_map(|group| &group.attributes)
            .filter(move |attribute| attribute.id == id)
    }

    /// The attribute in the first group of its category, added if it is not there.
    pub fn attribute(&mut self, category: Category, id: Cow<'a, str>) -> &mut Attribute<'a> {
        let group = match self.groups.iter().position(|group| group.category == category) {
            Some(at) => &mut self.groups[at],
            None => {
                self.groups.push(Group { category, attributes: Vec::new() });
                self.groups.last_mut().expect("a group was just added")
            }
        };
        group.attribute(id)
    }
}

impl<'a> Group<'a> {
    /// The attribute with this id, added if it is not there.
    pub fn attribute(&mut self, id: Cow<'a, str>) -> &mut Attribute<'a> {
        match self.attributes.iter().position(|attribute| attribute.id == id) {
            Some(at) => &mut self.attributes[at],
            None => {
                self.attributes.push(Attribute { id, include_in_result: false, values: Vec::new() });
                self.attributes.last_mut().expect("an attribute was just added")
            }
        }
    }
}
