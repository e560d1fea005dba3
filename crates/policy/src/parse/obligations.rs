//! Obligations: what a Permit asks of its enforcer.

use roxmltree::Node;

use super::{Dialect, Reader};
use crate::decision::{Assignment, Obligation};
use crate::policy::RuleEffect;
use crate::vocabulary::{DataType, MINIMUM_LEVEL, MINIMUM_LEVEL_ORG};
use crate::xml::{child, children};

impl<'d> Reader<'d> {
    /// Policy-level obligations of a Permit. Those of a Deny are checked and never given.
    pub(super) fn obligations(&mut self, policy: Node<'d, 'd>) -> Vec<Obligation> {
        let mut obligations = Vec::new();
        for list in children(policy, "ObligationExpressions") {
            self.problems.check_children(list, &[&["ObligationExpression"]]);
            for expression in children(list, "ObligationExpression") {
                let id = self.problems.required(expression, "ObligationId");
                let effect = self.effect(expression, "FulfillOn");
                if effect == Some(RuleEffect::Deny) {
                    self.warnings.add(expression, "the obligations of a Deny are never given");
                }
                if let (Some(id), Some(RuleEffect::Permit)) = (id, effect) {
                    obligations.push(Obligation { id: id.into(), assignments: self.assignments(expression) });
                }
            }
        }
        obligations
    }

    fn assignments(&mut self, obligation: Node<'d, 'd>) -> Vec<Assignment> {
        self.problems.check_children(obligation, &[&["AttributeAssignmentExpression"]]);
        let mut assignments = Vec::new();
        for expression in children(obligation, "AttributeAssignmentExpression") {
            let attribute_id = self.problems.required(expression, "AttributeId");
            let category = expression.attribute("Category");
            let value = child(expression, "AttributeValue");
            if self.dialect == Dialect::Platform && category.is_none() {
                self.problems.required(expression, "Category");
            }
            if self.dialect == Dialect::Platform && value.is_none() {
                self.problems.add(expression, "<AttributeAssignmentExpression> has no <AttributeValue>");
            }
            let Some(value) = value else { continue };
            let read = self.value(value);
            if let (Some(attribute_id), Some(read)) = (attribute_id, read) {
                let is_level = category.is_some_and(|category| [MINIMUM_LEVEL, MINIMUM_LEVEL_ORG].contains(&category));
                if is_level && read.text.trim().parse::<u8>().is_err() {
                    self.problems.add(value, format!("the authentication level `{}` is no small number", read.text));
                }
                assignments.push(Assignment {
                    attribute_id: attribute_id.into(),
                    category: category.map(Into::into),
                    data_type: DataType::from_uri(read.data_type),
                    value: read.text.into(),
                });
            }
        }
        if self.dialect == Dialect::Platform && child(obligation, "AttributeAssignmentExpression").is_none() {
            self.problems.add(obligation, "<ObligationExpression> assigns nothing");
        }
        assignments
    }
}
