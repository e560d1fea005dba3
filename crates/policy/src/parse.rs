//! Policy text to compiled policy, with every problem found on the way (contract §1).

use std::borrow::Cow;
use std::collections::HashMap;

use roxmltree::{Document, Node};

use crate::combine::Combining;
use crate::condition::{Comparison, ComparisonTest, Condition};
use crate::decision::{Assignment, Obligation};
use crate::expression::Expression;
use crate::expression::function::function_name;
use crate::functions::MatchFunction;
use crate::policy::{AllOf, Policy, Rule, RuleEffect, Test, TestNumber};
use crate::vocabulary::{Category, DataType, MINIMUM_LEVEL, MINIMUM_LEVEL_ORG};
use crate::xml::{self, PolicyProblem, Problems, child, children, is};

/// The app a policy file is loaded for; replaces `[ORG]`, `[org]`, `[APP]` and `[app]` (contract §1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placeholders<'a> {
    app: Option<(&'a str, &'a str)>,
}

impl<'a> Placeholders<'a> {
    /// Placeholders stand for this org and app.
    pub fn for_app(org: &'a str, app: &'a str) -> Self {
        Self { app: Some((org, app)) }
    }

    /// The text is taken as it is.
    pub fn none() -> Self {
        Self::default()
    }

    fn fill<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some((org, app)) = self.app else { return Cow::Borrowed(text) };
        let replacements = [("[ORG]", org), ("[org]", org), ("[APP]", app), ("[app]", app)];
        if !replacements.iter().any(|(placeholder, _)| text.contains(placeholder)) {
            return Cow::Borrowed(text);
        }
        let filled = replacements
            .iter()
            .fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, &escaped(value)));
        Cow::Owned(filled)
    }
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

/// How much of XACML a policy may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// What every enforcer of the platform can handle: obligations are plain values with a category (contract §1.4).
    Platform,
    /// Whatever the standard allows. Obligation values that are no plain values are left out.
    Standard,
}

impl Policy {
    /// Reads a policy file. A policy with any problem is refused, and all problems found are told.
    pub fn parse(xml: &str, placeholders: &Placeholders<'_>) -> Result<Self, Vec<PolicyProblem>> {
        Self::parse_as(Dialect::Platform, &placeholders.fill(xml))
    }

    /// Reads a policy that was not written for the platform. Its decisions are the same; its obligations may be of
    /// a kind that [`Self::parse`] refuses, because no enforcer could fulfil them.
    pub fn parse_foreign(xml: &str) -> Result<Self, Vec<PolicyProblem>> {
        Self::parse_as(Dialect::Standard, xml)
    }

    fn parse_as(dialect: Dialect, text: &str) -> Result<Self, Vec<PolicyProblem>> {
        let document = xml::parse(text).map_err(|problem| vec![problem])?;
        let problems = Problems::new(&document);
        let mut reader = Reader { dialect, problems, tests: Vec::new(), numbers: HashMap::new() };
        let policy = reader.policy(&document);
        let Reader { problems, tests, .. } = reader;
        let problems = problems.into_found();
        match policy {
            Some(policy) if problems.is_empty() => Ok(Self { tests, ..policy }),
            _ => Err(problems),
        }
    }
}

/// Identity of a test: category, attribute, function, type, value, must be present.
type TestKey<'n> = (&'n str, &'n str, &'n str, &'n str, String, bool);

struct Reader<'d> {
    dialect: Dialect,
    problems: Problems<'d>,
    tests: Vec<Test>,
    numbers: HashMap<TestKey<'d>, TestNumber>,
}

const EXPRESSIONS: &[&str] =
    &["Apply", "AttributeValue", "AttributeDesignator", "AttributeSelector", "VariableReference", "Function"];

impl<'d> Reader<'d> {
    fn policy(&mut self, document: &'d Document<'d>) -> Option<Policy> {
        let root = document.root_element();
        if !is(root, "Policy") {
            let name = root.tag_name().name();
            self.problems.add(root, format!("the root is <{name}>, not a <Policy> of XACML 3.0"));
            return None;
        }
        self.problems.check_children(
            root,
            &[
                &["Description"],
                &["PolicyIssuer"],
                &["PolicyDefaults"],
                &["Target"],
                &["CombinerParameters", "RuleCombinerParameters", "VariableDefinition", "Rule"],
                &["ObligationExpressions"],
                &["AdviceExpressions"],
            ],
        );
        let id = self.problems.required(root, "PolicyId");
        let combining = self.problems.required(root, "RuleCombiningAlgId");
        match child(root, "Target") {
            None => self.problems.add(root, "<Policy> has no <Target>"),
            // The policy's own target is never evaluated, but it must be one.
            Some(target) => self.check_policy_target(target),
        }
        if child(root, "Rule").or_else(|| child(root, "VariableDefinition")).is_none() {
            self.problems.add(root, "<Policy> has neither a <Rule> nor a <VariableDefinition>");
        }
        for definition in children(root, "VariableDefinition") {
            self.problems.required(definition, "VariableId");
            self.problems.check_children(definition, &[EXPRESSIONS]);
        }
        let rules = children(root, "Rule").filter_map(|rule| self.rule(rule)).collect();
        let obligations: Vec<_> = self.obligations(root);
        Some(Policy {
            id: id?.into(),
            combining: Combining::from_uri(combining?),
            tests: Vec::new(),
            rules,
            obligations: obligations.into(),
        })
    }

    fn rule(&mut self, rule: Node<'d, 'd>) -> Option<Rule> {
        self.problems.check_children(
            rule,
            &[&["Description"], &["Target"], &["Condition"], &["ObligationExpressions"], &["AdviceExpressions"]],
        );
        self.problems.required(rule, "RuleId");
        let effect = self.effect(rule, "Effect");
        let mut compiled = Rule {
            effect: effect.unwrap_or(RuleEffect::Deny),
            subject: Vec::new(),
            resource: Vec::new(),
            action: Vec::new(),
            condition: child(rule, "Condition").map(|condition| self.condition(condition)),
        };
        if let Some(target) = child(rule, "Target") {
            for all_of in self.alternatives(target) {
                let numbers: Vec<_> = children(all_of, "Match").filter_map(|found| self.test(found)).collect();
                let tests = &self.tests;
                let of = |category: &Category| -> AllOf {
                    numbers.iter().copied().filter(|&number| tests[number].category == *category).collect()
                };
                for (category, alternatives) in [
                    (Category::Subject, &mut compiled.subject),
                    (Category::Resource, &mut compiled.resource),
                    (Category::Action, &mut compiled.action),
                ] {
                    let tests = of(&category);
                    if !tests.is_empty() {
                        alternatives.push(tests);
                    }
                }
            }
        }
        effect.map(|_| compiled)
    }

    fn effect(&mut self, node: Node<'d, 'd>, attribute: &str) -> Option<RuleEffect> {
        let effect = self.problems.required(node, attribute)?;
        if effect.eq_ignore_ascii_case("Permit") {
            Some(RuleEffect::Permit)
        } else if effect.eq_ignore_ascii_case("Deny") {
            Some(RuleEffect::Deny)
        } else {
            self.problems.add(node, format!("{attribute} is `{effect}`, which is neither Permit nor Deny"));
            None
        }
    }

    /// Every `AllOf` of every `AnyOf`, as one list.
    fn alternatives(&mut self, target: Node<'d, 'd>) -> Vec<Node<'d, 'd>> {
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

    fn check_policy_target(&mut self, target: Node<'d, 'd>) {
        for all_of in self.alternatives(target) {
            for found in children(all_of, "Match") {
                self.match_parts(found);
            }
        }
    }

    /// `MatchId`, value, and designator or selector of a `Match`.
    fn match_parts(&mut self, found: Node<'d, 'd>) -> Option<(&'d str, Value<'d>, Option<Designator<'d>>)> {
        self.problems.check_children(found, &[&["AttributeValue"], &["AttributeDesignator", "AttributeSelector"]]);
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

    fn value(&mut self, value: Node<'d, 'd>) -> Option<Value<'d>> {
        Some(Value { data_type: self.problems.required(value, "DataType")?, text: xml::text(value) })
    }

    fn designator(&mut self, designator: Node<'d, 'd>) -> Option<Designator<'d>> {
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

    fn condition(&mut self, condition: Node<'d, 'd>) -> Condition {
        self.problems.check_children(condition, &[EXPRESSIONS]);
        let Some(apply) = child(condition, "Apply") else { return Condition::NeverHolds };
        self.check_apply(apply);
        self.comparison(apply)
            .or_else(|| Expression::compile(apply).map(Condition::Expression))
            .unwrap_or(Condition::Unsupported)
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

    /// Policy-level obligations of a Permit. Those of a Deny are checked and never given.
    fn obligations(&mut self, policy: Node<'d, 'd>) -> Vec<Obligation> {
        let mut obligations = Vec::new();
        for list in children(policy, "ObligationExpressions") {
            self.problems.check_children(list, &[&["ObligationExpression"]]);
            for expression in children(list, "ObligationExpression") {
                let id = self.problems.required(expression, "ObligationId");
                let effect = self.effect(expression, "FulfillOn");
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

struct Value<'n> {
    data_type: &'n str,
    text: String,
}

struct Designator<'n> {
    category: &'n str,
    attribute: &'n str,
    data_type: &'n str,
    must_be_present: bool,
}
