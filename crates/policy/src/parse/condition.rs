//! Conditions: the platform's one shape, or an expression of the standard.

use roxmltree::Node;

use super::{EXPRESSIONS, Reader};
use crate::condition::{Comparison, ComparisonTest, Condition};
use crate::expression::Expression;
use crate::expression::function::function_name;
use crate::functions::MatchFunction;
use crate::vocabulary::{Category, DataType};
use crate::xml::{child, is};

impl<'d> Reader<'d> {
    pub(super) fn condition(&mut self, condition: Node<'d, 'd>) -> Condition {
        self.problems.check_children(condition, &[EXPRESSIONS]);
        let Some(apply) = child(condition, "Apply") else {
            self.warnings.add(condition, "a <Condition> without <Apply> never holds");
            return Condition::NeverHolds;
        };
        self.check_apply(apply);
        let understood = self.comparison(apply).or_else(|| Expression::compile(apply).map(Condition::Expression));
        understood.unwrap_or_else(|| {
            self.warnings
                .add(condition, "the <Condition> uses what is not known; a decision that asks it is Indeterminate");
            Condition::Unsupported
        })
    }

    /// Everything below an `Apply` must be an expression, whether or not it will be understood.
    fn check_apply(&mut self, apply: Node<'d, 'd>) {
        self.problems.required(apply, "FunctionId");
        self.problems.check_children(apply, &[&["Description"], EXPRESSIONS]);
        for argument in apply.children().filter(Node::is_element) {
            match argument.tag_name().name() {
                "Apply" => self.check_apply(argument),
                "AttributeValue" => _ = self.value(argument),
                "AttributeDesignator" => _ = self.designator(argument),
                _ => {}
            }
        }
    }

    /// `Apply(f, value, designator)` or `Apply(f, value, Apply(g, designator))`; `None` for any other shape.
    fn comparison(&mut self, apply: Node<'d, 'd>) -> Option<Condition> {
        let function = apply.attribute("FunctionId")?;
        let arguments: Vec<_> =
            apply.children().filter(|node| node.is_element() && !is(*node, "Description")).collect();
        let [left, right] = arguments[..] else { return None };
        let (value, other) = if is(left, "AttributeValue") { (left, right) } else { (right, left) };
        let (designator, inner) = if is(other, "Apply") {
            (child(other, "AttributeDesignator")?, other.attribute("FunctionId")?)
        } else {
            (other, "")
        };
        if !is(value, "AttributeValue") || !is(designator, "AttributeDesignator") {
            return None;
        }
        let (value, designator) = (self.value(value)?, self.designator(designator)?);
        let inner_name = function_name(inner).unwrap_or_default();
        let test = match (function_name(function)?, inner_name) {
            ("integer-equal", "time-bag-size" | "date-bag-size" | "dateTime-bag-size") => {
                ComparisonTest::BagSize(value.text.trim().parse().ok())
            }
            // The pattern is the first argument; an attribute in its place is no business of this shape.
            ("string-regexp-match", _) if !is(left, "AttributeValue") => return None,
            (name, inner_name) => match MatchFunction::new(function, &value.text) {
                Ok(MatchFunction::Unsupported) => return None,
                Ok(compiled) if inner_name.ends_with("-one-and-only") || name.ends_with("-one-and-only") => {
                    ComparisonTest::OneAndOnly(compiled)
                }
                Ok(compiled) if inner.is_empty() => ComparisonTest::Any(compiled),
                Ok(_) => return None,
                Err(reason) => {
                    self.problems.add(apply, reason);
                    return None;
                }
            },
        };
        Some(Condition::Comparison(Comparison {
            test,
            category: Category::from_uri(designator.category),
            attribute: designator.attribute.into(),
            data_type: DataType::from_uri(designator.data_type),
            must_be_present: designator.must_be_present,
        }))
    }
}
