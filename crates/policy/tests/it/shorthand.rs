//! Policies in few words: `{equal subject urn:altinn:org ttd}` stands for the `Match` element that says so.

use mottak_policy::{Placeholders, Policy};

pub(crate) const DENY_OVERRIDES: &str = "urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:deny-overrides";

/// Obligation of a Permit: authentication level 3.
pub(crate) const LEVEL_3: &str = r#"<ObligationExpressions>
  <ObligationExpression ObligationId="level" FulfillOn="Permit">
    <AttributeAssignmentExpression AttributeId="a" Category="urn:altinn:minimum-authenticationlevel">
      <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#integer">3</AttributeValue>
    </AttributeAssignmentExpression>
  </ObligationExpression>
</ObligationExpressions>"#;

/// Replaces every `{function category attribute value}` by a `Match` element.
pub(crate) fn expand(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (words, after) = after.split_once('}').expect("a closing brace");
        expanded.push_str(before);
        expanded.push_str(&match_element(&words.split(' ').collect::<Vec<_>>()));
        rest = after;
    }
    expanded + rest
}

fn match_element(words: &[&str]) -> String {
    let [function, category, attribute, value] = words else { panic!("four words, not {words:?}") };
    let (function, must_be_present) = match *function {
        "equal" => ("urn:oasis:names:tc:xacml:1.0:function:string-equal", false),
        "ignore-case" => ("urn:oasis:names:tc:xacml:3.0:function:string-equal-ignore-case", false),
        "required" => ("urn:oasis:names:tc:xacml:1.0:function:string-equal", true),
        other => (other, false),
    };
    let category = match *category {
        "subject" => "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject",
        "resource" => "urn:oasis:names:tc:xacml:3.0:attribute-category:resource",
        _ => "urn:oasis:names:tc:xacml:3.0:attribute-category:action",
    };
    format!(
        r#"<Match xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" MatchId="{function}">
        <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">{value}</AttributeValue>
        <AttributeDesignator AttributeId="{attribute}" Category="{category}"
          DataType="http://www.w3.org/2001/XMLSchema#string" MustBePresent="{must_be_present}"/></Match>"#
    )
}

/// A `Rule` with this effect and the `AnyOf` elements of its target.
pub(crate) fn rule(effect: &str, any_ofs: &str) -> String {
    format!(r#"<Rule RuleId="r" Effect="{effect}"><Target>{any_ofs}</Target></Rule>"#)
}

/// The text of a policy with these rules (and obligations).
pub(crate) fn policy_text(algorithm: &str, rules: &str) -> String {
    expand(&format!(
        r#"<Policy xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" PolicyId="p" Version="1.0"
          RuleCombiningAlgId="{algorithm}"><Target/>{rules}</Policy>"#
    ))
}

pub(crate) fn policy_with(algorithm: &str, rules: &str) -> Policy {
    Policy::parse(&policy_text(algorithm, rules), &Placeholders::none()).expect("the policy is sound")
}

pub(crate) fn policy(rules: &str) -> Policy {
    policy_with(DENY_OVERRIDES, rules)
}

/// The problems of a policy text, as they are shown.
pub(crate) fn refusals(text: &str) -> Vec<String> {
    let problems = Policy::parse(text, &Placeholders::none()).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}
