//! Targets: which values of which attributes a rule is for.

use roxmltree::Node;

use super::Reader;
use super::meaning::Alternative;
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
    /// The alternatives of a rule's target, `AnyOf` by `AnyOf`.
    pub(super) fn target(&mut self, target: Node<'d, 'd>) -> Vec<Vec<Alternative>> {
        let any_ofs = self.all_ofs(target).into_iter();
        any_ofs.map(|all_ofs| all_ofs.into_iter().map(|all_of| self.alternative(all_of)).collect()).collect()
    }

    /// The policy's own target is never evaluated, but it must be one.
    pub(super) fn check_policy_target(&mut self, target: Node<'d, 'd>) {
        let any_ofs = self.all_ofs(target);
        if !any_ofs.is_empty() {
            self.warnings.add(target, "the <Target> of a <Policy> is never asked");
        }
        for found in any_ofs.into_iter().flatten().flat_map(|all_of| children(all_of, "Match")) {
            self.match_parts(found);
        }
    }

    /// The `AllOf` elements, `AnyOf` by `AnyOf`.
    fn all_ofs(&mut self, target: Node<'d, 'd>) -> Vec<Vec<Node<'d, 'd>>> {
        self.problems.check_children(target, &[&["AnyOf"]]);
        let mut any_ofs = Vec::new();
        for any_of in children(target, "AnyOf") {
            self.problems.check_children(any_of, &[&["AllOf"]]);
            let all_ofs: Vec<_> = children(any_of, "AllOf").collect();
            if all_ofs.is_empty() {
                self.problems.add(any_of, "<AnyOf> has no <AllOf>");
            }
            for all_of in &all_ofs {
                self.problems.check_children(*all_of, &[&["Match"]]);
                if child(*all_of, "Match").is_none() {
                    self.problems.add(*all_of, "<AllOf> has no <Match>");
                }
            }
            any_ofs.push(all_ofs);
        }
        any_ofs
    }

    fn alternative(&mut self, all_of: Node<'d, 'd>) -> Alternative {
        let numbers: Vec<_> = children(all_of, "Match").filter_map(|found| self.test(found)).collect();
        [Category::Subject, Category::Resource, Category::Action]
            .map(|category| numbers.iter().copied().filter(|&number| self.tests[number].category == category).collect())
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

    fn test(&mut self, found: Node<'d, 'd>) -> Option<TestNumber> {
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
        if matches!(function, MatchFunction::Unsupported) {
            let reason = format!("the function `{}` is not known; a decision that asks it is Indeterminate", key.2);
            self.warnings.add(found, reason);
        }
        let category = Category::from_uri(designator.category);
        if matches!(category, Category::Environment | Category::Other(_)) {
            self.warnings.add(found, format!("a <Match> on `{}` is never asked", designator.category));
        }
        self.tests.push(Test {
            category,
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
