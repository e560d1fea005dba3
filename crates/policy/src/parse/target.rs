//! Targets: which values of which attributes a rule is for.

use roxmltree::Node;

use super::Reader;
use crate::functions::MatchFunction;
use crate::policy::{Test, TestNumber};
use crate::vocabulary::{Category, DataType};
use crate::xml::{self, child, children};

/// An `AttributeValue` element.
pub(super) struct Value<'n> {
    pub(super) data_type: &'n str,
    pub(super) text: String,
}

/// An `AttributeDesignator` element.
pub(super) struct Designator<'n> {
    pub(super) category: &'n str,
    pub(super) attribute: &'n str,
    pub(super) data_type: &'n str,
    pub(super) must_be_present: bool,
}

impl<'d> Reader<'d> {
    /// Every `AllOf` of every `AnyOf`, as one list.
    pub(super) fn alternatives(&mut self, target: Node<'d, 'd>) -> Vec<Node<'d, 'd>> {
        self.problems.check_children(target, &[&["AnyOf"]]);
        let mut alternatives = Vec::new();
        for any_of in children(target, "AnyOf") {
            self.problems.check_children(any_of, &[&["AllOf"]]);
            let before = alternatives.len();
            alternatives.extend(children(any_of, "AllOf"));
            if alternatives.len() == before {
                self.problems.add(any_of, "<AnyOf> has no <AllOf>");
            }
        }
        for all_of in &alternatives {
            self.problems.check_children(*all_of, &[&["Match"]]);
            if child(*all_of, "Match").is_none() {
                self.problems.add(*all_of, "<AllOf> has no <Match>");
            }
        }
        alternatives
    }

    pub(super) fn check_policy_target(&mut self, target: Node<'d, 'd>) {
        for all_of in self.alternatives(target) {
            for found in children(all_of, "Match") {
                self.match_parts(found);
            }
        }
    }

    /// `MatchId`, value, and designator or selector of a `Match`.
    fn match_parts(&mut self, found: Node<'d, 'd>) -> Option<(&'d str, Value<'d>, Option<Designator<'d>>)> {
        self.problems.check_children(found, &[&["AttributeValue"], &["AttributeDesignator", "AttributeSelector"]]);
        self.problems.check_single(found, &["AttributeValue", "AttributeDesignator"]);
        let function = self.problems.required(found, "MatchId");
        let value = match child(found, "AttributeValue") {
            Some(value) => self.value(value),
            None => {
                self.problems.add(found, "<Match> has no <AttributeValue>");
                None
            }
        };
        let designator = child(found, "AttributeDesignator").map(|designator| self.designator(designator));
        if designator.is_none() && child(found, "AttributeSelector").is_none() {
            self.problems.add(found, "<Match> has no <AttributeDesignator>");
            return None;
        }
        match designator {
            Some(designator) => Some((function?, value?, Some(designator?))),
            None => Some((function?, value?, None)),
        }
    }

    pub(super) fn test(&mut self, found: Node<'d, 'd>) -> Option<TestNumber> {
        let (function, value, designator) = self.match_parts(found)?;
        let Some(designator) = designator else {
            self.problems.add(found, "an <AttributeSelector> in the <Match> of a rule cannot be evaluated");
            return None;
        };
        let key = (
            designator.category,
            designator.attribute,
            function,
            value.data_type,
            value.text.clone(),
            designator.must_be_present,
        );
        if let Some(&number) = self.numbers.get(&key) {
            return Some(number);
        }
        let function = match MatchFunction::for_match(function, value.data_type, &value.text) {
            Ok(function) => function,
            Err(reason) => {
                self.problems.add(found, reason);
                return None;
            }
        };
        self.tests.push(Test {
            category: Category::from_uri(designator.category),
            attribute: designator.attribute.into(),
            data_type: DataType::from_uri(value.data_type),
            value: value.text.into(),
            function,
            must_be_present: designator.must_be_present,
        });
        self.numbers.insert(key, self.tests.len() - 1);
        Some(self.tests.len() - 1)
    }

    pub(super) fn value(&mut self, value: Node<'d, 'd>) -> Option<Value<'d>> {
        Some(Value { data_type: self.problems.required(value, "DataType")?, text: xml::text(value) })
    }

    pub(super) fn designator(&mut self, designator: Node<'d, 'd>) -> Option<Designator<'d>> {
        let category = self.problems.required(designator, "Category");
        let attribute = self.problems.required(designator, "AttributeId");
        let data_type = self.problems.required(designator, "DataType");
        let must_be_present = self.problems.required_boolean(designator, "MustBePresent");
        Some(Designator {
            category: category?,
            attribute: attribute?,
            data_type: data_type?,
            must_be_present: must_be_present?,
        })
    }
}
