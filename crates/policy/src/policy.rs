//! A compiled policy and its evaluation (contract §2.1–2.3).

use std::sync::Arc;

use crate::combine::{Combining, Effect, RuleResult, Tally};
use crate::condition::{Condition, ConditionResult};
use crate::decision::{CallerKind, Decision, Obligation, Status};
use crate::functions::{FunctionError, MatchFunction};
use crate::request::Request;
use crate::vocabulary::{Category, DataType};
use crate::xml::PolicyProblem;

/// A policy, read once and asked often. Immutable; share it behind an `Arc`.
///
/// Every distinct comparison of the policy is a numbered [`Test`]; rules refer to tests by number, so a decision
/// makes each comparison at most once however many rules mention it.
#[derive(Debug)]
pub struct Policy {
    pub(crate) id: Box<str>,
    pub(crate) combining: Combining,
    pub(crate) tests: Vec<Test>,
    pub(crate) rules: Vec<Rule>,
    /// Policy-level obligations of a Permit.
    pub(crate) obligations: Arc<[Obligation]>,
    pub(crate) warnings: Vec<PolicyProblem>,
}

/// One `Match` element.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) category: Category,
    pub(crate) attribute: Box<str>,
    pub(crate) data_type: DataType,
    /// The policy's value as written.
    pub(crate) value: Box<str>,
    pub(crate) function: MatchFunction,
    pub(crate) must_be_present: bool,
}

/// Position of a test in [`Policy::tests`].
pub(crate) type TestNumber = usize;

/// One `AllOf`, reduced to the tests of one category.
pub(crate) type AllOf = Box<[TestNumber]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleEffect {
    Permit,
    Deny,
}

/// A rule with its target split by category: per category, any of the `AllOf` elements suffices, from whichever
/// `AnyOf` they come.
///
// compat: the standard requires one AllOf of *each* AnyOf; real policies spread alternatives for one category over
// several AnyOf elements and would permit nobody.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) effect: RuleEffect,
    pub(crate) subject: Vec<AllOf>,
    pub(crate) resource: Vec<AllOf>,
    pub(crate) action: Vec<AllOf>,
    pub(crate) condition: Option<Condition>,
}

/// How a rule's target, or one test, meets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matching {
    Match,
    NoMatch,
    RequiredAttributeMissing,
}

impl Policy {
    /// `PolicyId`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What in the policy is sound but probably does not mean what its author thinks: matches that are never asked,
    /// functions nobody knows, targets the standard reads differently.
    pub fn warnings(&self) -> &[PolicyProblem] {
        &self.warnings
    }

    /// The authentication level that end users need for whatever the policy permits. `None`: any level.
    pub fn minimum_authentication_level(&self) -> Option<u8> {
        let permit = Decision {
            effect: Effect::Permit,
            status: Status::Ok,
            obligations: Arc::clone(&self.obligations),
            echoes_attributes: false,
        };
        permit.minimum_authentication_level(CallerKind::EndUser)
    }

    /// The answer to an enriched request (contract §2.1). Neither reads clocks nor keeps anything.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        self.evaluate(request).unwrap_or_else(|FunctionError| Decision::indeterminate(Status::SyntaxError))
    }

    fn evaluate(&self, request: &Request<'_>) -> Result<Decision, FunctionError> {
        let mut answers = Answers::new(self, request);
        let Some(candidates) = answers.candidates()? else {
            return Ok(Decision::indeterminate(Status::MissingAttribute));
        };

        let mut worst = Status::Ok;
        let mut results = Tally::default();
        for rule in &candidates {
            let (result, status) = answers.result(rule)?;
            worst = if worst == Status::Ok { status } else { worst };
            results.add(result);
        }
        let effect = self.combining.effect(&results);
        let status = if effect == Effect::Indeterminate { worst } else { Status::Ok };
        let obligations = if effect == Effect::Permit { Arc::clone(&self.obligations) } else { Arc::default() };
        let echoes_attributes = effect != Effect::Indeterminate && !candidates.is_empty();
        Ok(Decision { effect, status, obligations, echoes_attributes })
    }

    /// The rules that speak about the request's resource and action; none where that cannot be told.
    pub(crate) fn candidates(&self, request: &Request<'_>) -> Vec<&Rule> {
        Answers::new(self, request).candidates().ok().flatten().unwrap_or_default()
    }
}

impl Rule {
    fn when_it_applies(&self) -> RuleResult {
        match self.effect {
            RuleEffect::Permit => RuleResult::Permit,
            RuleEffect::Deny => RuleResult::Deny,
        }
    }

    fn when_it_cannot_tell(&self) -> RuleResult {
        match self.effect {
            RuleEffect::Permit => RuleResult::IndeterminatePermit,
            RuleEffect::Deny => RuleResult::IndeterminateDeny,
        }
    }
}

/// The answers to a policy's tests for one request, each found when first asked for.
struct Answers<'p, 'r> {
    policy: &'p Policy,
    request: &'r Request<'r>,
    known: Vec<Option<Matching>>,
}

impl<'p, 'r> Answers<'p, 'r> {
    fn new(policy: &'p Policy, request: &'r Request<'r>) -> Self {
        Self { policy, request, known: vec![None; policy.tests.len()] }
    }

    /// The rules whose resource and action match. `None` when any rule, a candidate or not, lacks an attribute that
    /// must be present.
    fn candidates(&mut self) -> Result<Option<Vec<&'p Rule>>, FunctionError> {
        let mut candidates = Vec::new();
        let mut required_missing = false;
        for rule in &self.policy.rules {
            match (self.matching(&rule.resource)?, self.matching(&rule.action)?) {
                (Matching::Match, Matching::Match) => candidates.push(rule),
                (Matching::RequiredAttributeMissing, _) | (_, Matching::RequiredAttributeMissing) => {
                    required_missing = true;
                }
                _ => {}
            }
        }
        Ok((!required_missing).then_some(candidates))
    }

    /// What a candidate rule says: its subject, then its condition.
    fn result(&mut self, rule: &Rule) -> Result<(RuleResult, Status), FunctionError> {
        match self.matching(&rule.subject)? {
            Matching::NoMatch => return Ok((RuleResult::NotApplicable, Status::Ok)),
            Matching::RequiredAttributeMissing => return Ok((rule.when_it_cannot_tell(), Status::MissingAttribute)),
            Matching::Match => {}
        }
        let Some(condition) = &rule.condition else { return Ok((rule.when_it_applies(), Status::Ok)) };
        Ok(match condition.evaluate(self.request)? {
            ConditionResult::Holds => (rule.when_it_applies(), Status::Ok),
            ConditionResult::Fails => (RuleResult::NotApplicable, Status::Ok),
            ConditionResult::Indeterminate(status) => (rule.when_it_cannot_tell(), status),
        })
    }

    /// Whether the alternatives of one category meet the request. None at all: the rule is open in that category.
    fn matching(&mut self, alternatives: &[AllOf]) -> Result<Matching, FunctionError> {
        if alternatives.is_empty() {
            return Ok(Matching::Match);
        }
        let mut result = Matching::NoMatch;
        for all_of in alternatives {
            let mut all = true;
            for &number in all_of {
                match self.test(number)? {
                    Matching::Match => {}
                    Matching::NoMatch => all = false,
                    Matching::RequiredAttributeMissing => {
                        all = false;
                        result = Matching::RequiredAttributeMissing;
                    }
                }
            }
            if all {
                result = Matching::Match;
            }
        }
        Ok(result)
    }

    fn test(&mut self, number: TestNumber) -> Result<Matching, FunctionError> {
        if let Some(known) = self.known[number] {
            return Ok(known);
        }
        let answer = self.policy.tests[number].meets(self.request)?;
        self.known[number] = Some(answer);
        Ok(answer)
    }
}

impl Test {
    /// Whether any value of the attribute, of the same data type, satisfies the function.
    fn meets(&self, request: &Request<'_>) -> Result<Matching, FunctionError> {
        let mut present = false;
        for attribute in request.occurrences(&self.category, &self.attribute) {
            present = true;
            for value in &attribute.values {
                if value.data_type == self.data_type && self.function.holds(&value.text)? {
                    return Ok(Matching::Match);
                }
            }
        }
        let missing = !present && self.must_be_present;
        Ok(if missing { Matching::RequiredAttributeMissing } else { Matching::NoMatch })
    }
}
