//! Policy text to compiled policy, with every problem found on the way (contract §1).

mod condition;
mod meaning;
mod obligations;
mod target;

use std::borrow::Cow;
use std::collections::HashMap;

use roxmltree::{Document, Node};

use self::meaning::difference_from_standard;
use crate::combine::Combining;
use crate::policy::{Policy, Rule, RuleEffect, Test, TestNumber};
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
        let mut reader = Reader {
            dialect,
            problems: Problems::new(&document),
            warnings: Problems::new(&document),
            tests: Vec::new(),
            numbers: HashMap::new(),
        };
        let policy = reader.policy(&document);
        let Reader { problems, warnings, tests, .. } = reader;
        let problems = problems.into_found();
        match policy {
            Some(policy) if problems.is_empty() => Ok(Self { tests, warnings: warnings.into_found(), ..policy }),
            _ => Err(problems),
        }
    }
}

/// Identity of a test: category, attribute, function, type, value, must be present.
type TestKey<'n> = (&'n str, &'n str, &'n str, &'n str, String, bool);

struct Reader<'d> {
    dialect: Dialect,
    /// What makes the policy unusable.
    problems: Problems<'d>,
    /// What probably does not mean what was meant.
    warnings: Problems<'d>,
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
        self.problems.check_single(root, &["Target", "ObligationExpressions"]);
        let id = self.problems.required(root, "PolicyId");
        let combining = self.problems.required(root, "RuleCombiningAlgId");
        match child(root, "Target") {
            None => self.problems.add(root, "<Policy> has no <Target>"),
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
        let combining = Combining::from_uri(combining?);
        if combining == Combining::Unsupported {
            self.warnings.add(root, "the combining algorithm is not known; every decision is Indeterminate");
        }
        Some(Policy {
            id: id?.into(),
            combining,
            tests: Vec::new(),
            warnings: Vec::new(),
            rules,
            obligations: obligations.into(),
        })
    }

    fn rule(&mut self, rule: Node<'d, 'd>) -> Option<Rule> {
        self.problems.check_children(
            rule,
            &[&["Description"], &["Target"], &["Condition"], &["ObligationExpressions"], &["AdviceExpressions"]],
        );
        self.problems.check_single(rule, &["Target", "Condition"]);
        self.problems.required(rule, "RuleId");
        let effect = self.effect(rule, "Effect");
        let mut compiled = Rule {
            effect: effect.unwrap_or(RuleEffect::Deny),
            subject: Vec::new(),
            resource: Vec::new(),
            action: Vec::new(),
            condition: child(rule, "Condition").map(|condition| self.condition(condition)),
        };
        let any_ofs = child(rule, "Target").map(|target| self.target(target)).unwrap_or_default();
        if let Some(difference) = difference_from_standard(&any_ofs) {
            self.warnings.add(rule, difference);
        }
        for [subject, resource, action] in any_ofs.into_iter().flatten() {
            let by_category =
                [(subject, &mut compiled.subject), (resource, &mut compiled.resource), (action, &mut compiled.action)];
            for (tests, alternatives) in by_category {
                if !tests.is_empty() {
                    alternatives.push(tests);
                }
            }
        }
        if child(rule, "ObligationExpressions").is_some() {
            self.warnings.add(rule, "the obligations of a <Rule> are never given");
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
}
