//! Decisions as JSON (contract §3.3), and the whole way from two texts to that JSON.

use serde_json::{Value as Json, json};

use crate::combine::Effect;
use crate::decision::{Assignment, Decision, Obligation, Status};
use crate::policy::Policy;
use crate::request::{Group, Request};
use crate::request_json::parse_json_request;
use crate::vocabulary::Category;

impl Effect {
    /// The name in a response.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permit => "Permit",
            Self::Deny => "Deny",
            Self::NotApplicable => "NotApplicable",
            Self::Indeterminate => "Indeterminate",
        }
    }
}

impl Decision {
    /// One result of a response. `request` is what was decided on; its marked attributes are echoed.
    pub fn to_json(&self, request: &Request<'_>) -> Json {
        let echo = if self.echoes_attributes { echo(request) } else { Json::Null };
        let obligations = match &*self.obligations {
            [] => Json::Null,
            obligations => obligations.iter().map(obligation_json).collect(),
        };
        result_json(self.effect, self.status, None, obligations, echo)
    }
}

/// One Indeterminate result with a message, for a request that could not be asked.
pub fn indeterminate_json(status: Status, message: &str) -> Json {
    result_json(Effect::Indeterminate, status, Some(message), Json::Null, Json::Null)
}

/// The response document around its results.
pub fn response_json(results: Vec<Json>) -> Json {
    json!({ "response": results })
}

/// Answers a request text (XML or JSON, by its first character) with a policy text, as the decision endpoint would
/// answer it without enrichment. Texts that cannot be read give one Indeterminate whose status message says why.
pub fn decide_text(policy: &str, request: &str) -> Json {
    let refuse = |message: &str| response_json(vec![indeterminate_json(Status::SyntaxError, message)]);
    let policy = match Policy::parse_foreign(policy) {
        Ok(policy) => policy,
        Err(problems) => {
            let lines: Vec<_> = problems.iter().map(|problem| format!("policy {problem}")).collect();
            return refuse(&lines.join("\n"));
        }
    };
    let is_xml = request.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    let questions =
        if is_xml { Request::parse_xml(request).map(|request| vec![Ok(request)]) } else { parse_json_request(request) };
    match questions {
        Err(problem) => refuse(&format!("request {problem}")),
        Ok(questions) => {
            let answer = |question: Result<Request<'static>, _>| match question {
                Ok(request) => policy.decide(&request).to_json(&request),
                Err(problem) => indeterminate_json(Status::SyntaxError, &format!("request {problem}")),
            };
            response_json(questions.into_iter().map(answer).collect())
        }
    }
}

fn result_json(effect: Effect, status: Status, message: Option<&str>, obligations: Json, category: Json) -> Json {
    json!({
        "decision": effect.name(),
        "status": {
            "statusMessage": message,
            "statusDetails": null,
            "statusCode": { "value": status.uri(), "statusCode": null },
        },
        "obligations": obligations,
        "associateAdvice": null,
        "category": category,
        "policyIdentifierList": null,
    })
}

fn obligation_json(obligation: &Obligation) -> Json {
    let assignment = |assignment: &Assignment| {
        json!({
            "attributeId": assignment.attribute_id,
            "value": assignment.value,
            "category": assignment.category,
            "dataType": assignment.data_type.uri(),
            "issuer": null,
        })
    };
    json!({
        "id": obligation.id,
        "attributeAssignment": obligation.assignments.iter().map(assignment).collect::<Json>(),
    })
}

/// The marked attributes, group by group: subjects, actions, resources, others. Null when none is marked.
fn echo(request: &Request<'_>) -> Json {
    let mut groups: Vec<_> =
        request.groups.iter().filter_map(|group| Some((rank(group), echo_group(group)?))).collect();
    groups.sort_by_key(|(rank, _)| *rank);
    if groups.is_empty() { Json::Null } else { groups.into_iter().map(|(_, group)| group).collect() }
}

fn rank(group: &Group<'_>) -> u8 {
    match group.category {
        Category::Subject => 0,
        Category::Action => 1,
        Category::Resource => 2,
        Category::Environment | Category::Other(_) => 3,
    }
}

/// One entry per value. The mark itself is not repeated: `includeInResult` is false in every answer.
fn echo_group(group: &Group<'_>) -> Option<Json> {
    let mut values = Vec::new();
    for attribute in group.attributes.iter().filter(|attribute| attribute.include_in_result) {
        values.extend(attribute.values.iter().map(|value| {
            json!({
                "attributeId": attribute.id,
                "value": value.text,
                "issuer": null,
                "dataType": value.data_type.uri(),
                "includeInResult": false,
            })
        }));
    }
    (!values.is_empty()).then(|| {
        json!({
            "categoryId": group.category.uri(),
            "id": null,
            "content": null,
            "attribute": values,
        })
    })
}
