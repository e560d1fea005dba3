//! Request documents in XML (contract §3.4).

use std::borrow::Cow;

use roxmltree::Node;

use crate::request::{Attribute, Group, Request, Value};
use crate::request_json::RequestProblem;
use crate::vocabulary::{Category, DataType};
use crate::xml::{self, Problems, children, is};

impl Request<'static> {
    /// Reads a `<Request>`. `MultiRequests` is read over: everything in the document is one question.
    pub fn parse_xml(text: &str) -> Result<Self, RequestProblem> {
        let document = xml::parse(text).map_err(RequestProblem::from_xml)?;
        let root = document.root_element();
        let mut problems = Problems::new(&document);
        if !is(root, "Request") {
            let name = root.tag_name().name();
            problems.add(root, format!("the root is <{name}>, not a <Request> of XACML 3.0"));
        }
        problems.check_children(root, &[&["RequestDefaults"], &["Attributes"], &["MultiRequests"]]);
        problems.required_boolean(root, "ReturnPolicyIdList");
        if problems.required_boolean(root, "CombinedDecision") == Some(true) {
            problems.add(root, "combined decisions are not made");
        }
        let groups = children(root, "Attributes").filter_map(|group| read_group(&mut problems, group)).collect();
        match problems.into_found().into_iter().next() {
            None => Ok(Self { groups }),
            Some(first) => Err(RequestProblem::from_xml(first)),
        }
    }
}

fn read_group(problems: &mut Problems<'_>, group: Node<'_, '_>) -> Option<Group<'static>> {
    problems.check_children(group, &[&["Content", "Attribute"]]);
    let category = problems.required(group, "Category")?;
    let attributes = children(group, "Attribute").filter_map(|attribute| read_attribute(problems, attribute)).collect();
    Some(Group { category: Category::from_uri(category), attributes })
}

fn read_attribute(problems: &mut Problems<'_>, attribute: Node<'_, '_>) -> Option<Attribute<'static>> {
    problems.check_children(attribute, &[&["AttributeValue"]]);
    let id = problems.required(attribute, "AttributeId");
    let include_in_result = problems.required_boolean(attribute, "IncludeInResult");
    let mut values = Vec::new();
    for value in children(attribute, "AttributeValue") {
        if let Some(data_type) = problems.required(value, "DataType") {
            values.push(Value { data_type: DataType::from_uri(data_type), text: Cow::Owned(xml::text(value)) });
        }
    }
    Some(Attribute { id: Cow::Owned(id?.to_owned()), include_in_result: include_in_result?, values })
}
