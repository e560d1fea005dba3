//! What a policy speaks about: which attributes must be fetched, and who would be let in.

use crate::policy::{AllOf, Policy, Rule, RuleEffect};
use crate::request::Request;
use crate::vocabulary::{ACTION_ID, Category};

/// Subject attributes that together satisfy one alternative of a rule: `(attribute id, value)` pairs.
///
/// Empty when the rule is open to any subject.
pub type SubjectAlternative<'p> = Vec<(&'p str, &'p str)>;

impl Policy {
    /// Whether any rule's subject match names this attribute; only then is it worth fetching (contract §4.3).
    pub fn mentions_subject(&self, attribute: &str) -> bool {
        self.subject_attributes().any(|mentioned| mentioned == attribute)
    }

    /// The subject attribute ids that rules match on, each once, in document order.
    pub fn subject_attributes(&self) -> impl Iterator<Item = &str> {
        let tests = || self.tests.iter().filter(|test| test.category == Category::Subject);
        tests().enumerate().filter_map(move |(position, test)| {
            let new = tests().take(position).all(|earlier| earlier.attribute != test.attribute);
            new.then_some(&*test.attribute)
        })
    }

    /// The values rules compare an attribute with, as written, in document order: the task ids
    /// (`Category::Resource`, `urn:altinn:task`), role codes, organisations … of the policy.
    pub fn values_of<'p>(&'p self, category: &'p Category, attribute: &'p str) -> impl Iterator<Item = &'p str> {
        let tests = self.tests.iter().filter(move |test| test.category == *category && *test.attribute == *attribute);
        tests.map(|test| &*test.value)
    }

    /// The actions rules name, in document order.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.values_of(&Category::Action, ACTION_ID)
    }

    /// Who would be permitted what the request asks for: the subject alternatives of every Permit rule that speaks
    /// about its resource and action, each alternative once. Subject attributes of the request and conditions of
    /// the rules do not matter; Deny rules are not weighed.
    pub fn subjects_that_would_be_permitted(&self, request: &Request<'_>) -> Vec<SubjectAlternative<'_>> {
        let mut found: Vec<SubjectAlternative<'_>> = Vec::new();
        for rule in self.candidates(request).into_iter().filter(|rule| rule.effect == RuleEffect::Permit) {
            for alternative in self.alternatives_of(rule) {
                if !found.contains(&alternative) {
                    found.push(alternative);
                }
            }
        }
        found
    }

    fn alternatives_of<'p>(&'p self, rule: &'p Rule) -> Vec<SubjectAlternative<'p>> {
        if rule.subject.is_empty() {
            return vec![Vec::new()];
        }
        let pairs = |all_of: &AllOf| -> SubjectAlternative<'p> {
            let tests = all_of.iter().map(|&number| &self.tests[number]);
            tests.map(|test| (&*test.attribute, &*test.value)).collect()
        };
        rule.subject.iter().map(pairs).collect()
    }
}
