//! Request documents: what is understood, what is refused, and that nothing makes the readers panic.

use crate::shorthand::{DENY_OVERRIDES, LEVEL_3, policy_text, refusals, rule};
use mottak_policy::{Placeholders, Policy, Request, decide_text, parse_json_request};
use mottak_testing::covers;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const AUTHORIZATION: &str = "platform-authorization";
const ACTION: &str = "urn:oasis:names:tc:xacml:1.0:action:action-id";

/// DAGL may read; anybody may look.
fn policy() -> String {
    let reading = rule(
        "Permit",
        &format!(
            "<AnyOf><AllOf>{{equal subject role DAGL}}</AllOf></AnyOf>\
             <AnyOf><AllOf>{{equal resource app demo}}{{equal action {ACTION} read}}</AllOf></AnyOf>"
        ),
    );
    policy_text(DENY_OVERRIDES, &format!("{reading}{LEVEL_3}"))
}

fn object(id: &str, attribute: &str, value: &str) -> Json {
    json!({ "Id": id, "Attribute": [{ "AttributeId": attribute, "Value": value, "IncludeInResult": true }] })
}

/// One subject, actions read (a1) and write (a2), resources demo (r1) and other (r2); asked by these references.
fn several(references: &[&[&str]]) -> Json {
    let references: Vec<_> = references.iter().map(|ids| json!({ "ReferenceId": ids })).collect();
    json!({ "Request": {
        "AccessSubject": [object("s1", "role", "DAGL")],
        "Action": [object("a1", ACTION, "read"), object("a2", ACTION, "write")],
        "Resource": [object("r1", "app", "demo"), object("r2", "app", "other")],
        "MultiRequests": { "RequestReference": references },
    } })
}

fn decisions(request: &Json) -> Vec<String> {
    let response = decide_text(&policy(), &request.to_string());
    let results = response["response"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| result["decision"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A single question whose subject attribute has this data type.
fn typed(data_type: Option<&str>) -> Json {
    let mut request = several(&[]);
    request["Request"]["AccessSubject"][0]["Attribute"][0]["DataType"] = json!(data_type);
    request["Request"]["Action"].as_array_mut().map(Vec::pop);
    request["Request"]["Resource"].as_array_mut().map(Vec::pop);
    request
}

#[test]
fn several_references_give_results_in_their_order() {
    let _rows = covers(AUTHORIZATION, &["D05", "D06"]);
    assert_eq!(decisions(&several(&[&["s1", "a1", "r1"], &["s1", "a2", "r1"]])), ["Permit", "NotApplicable"]);
    assert_eq!(decisions(&several(&[&["s1", "a2", "r1"], &["s1", "a1", "r1"]])), ["NotApplicable", "Permit"]);
    assert_eq!(decisions(&several(&[&["s1", "a1", "r1"]])).len(), 1);
}

#[test]
fn a_reference_to_nothing_fails_alone_and_a_document_without_ids_fails_whole() {
    let _rows = covers(AUTHORIZATION, &["D07", "D07a"]);
    assert_eq!(decisions(&several(&[&["s1", "a1", "r9"], &["s1", "a1", "r1"]])), ["Indeterminate", "Permit"]);
    assert_eq!(decisions(&several(&[&["s1", "a1", "r9", "r1"], &["s1", "a1", "r1"]])), ["Permit", "Permit"]);
    let mut without_id = several(&[&["s1", "a1", "r1"], &["s1", "a2", "r1"]]);
    without_id["Request"]["Action"][0]["Id"] = Json::Null;
    assert_eq!(decisions(&without_id), ["Indeterminate"]);
}

#[test]
fn of_two_resources_with_one_id_the_last_counts() {
    let mut request = several(&[&["s1", "a1", "r1"], &["s1", "a1", "r2"]]);
    request["Request"]["Resource"][1]["Id"] = json!("r1");
    assert_eq!(decisions(&request), ["NotApplicable", "Indeterminate"]);
}

#[test]
fn data_types_of_the_json_profile_are_string_uri_and_integer() {
    let _rows = covers(AUTHORIZATION, &["D12", "D13"]);
    for string in [None, Some(""), Some("string"), Some("http://www.w3.org/2001/XMLSchema#string")] {
        assert_eq!(decisions(&typed(string)), ["Permit"], "{string:?}");
    }
    assert_eq!(decisions(&typed(Some("anyURI"))), ["NotApplicable"]);
    assert_eq!(decisions(&typed(Some("http://www.w3.org/2001/XMLSchema#integer"))), ["NotApplicable"]);
    for unknown in ["integer", "http://www.w3.org/2001/XMLSchema#double"] {
        assert_eq!(decisions(&typed(Some(unknown))), ["Indeterminate"], "{unknown}");
    }
}

#[test]
fn member_names_are_found_in_any_case_and_the_answer_is_camel_case_with_nulls() {
    let pascal = typed(None).to_string();
    let camel = ["Request", "AccessSubject", "Action", "Resource", "Attribute", "Value", "IncludeInResult"]
        .iter()
        .fold(pascal.clone(), |text, name| {
            let lower = name[..1].to_lowercase() + &name[1..];
            text.replace(&format!("\"{name}\""), &format!("\"{lower}\""))
        });
    let answer = decide_text(&policy(), &pascal);
    assert_eq!(decide_text(&policy(), &camel), answer);
    let attribute = |id: &str, value: &str| {
        json!([{ "attributeId": id, "value": value, "issuer": null,
            "dataType": "http://www.w3.org/2001/XMLSchema#string", "includeInResult": false }])
    };
    let category =
        |uri: &str, attribute: Json| json!({ "categoryId": uri, "id": null, "content": null, "attribute": attribute });
    let expected = json!({ "response": [{
        "decision": "Permit",
        "status": { "statusMessage": null, "statusDetails": null,
            "statusCode": { "value": "urn:oasis:names:tc:xacml:1.0:status:ok", "statusCode": null } },
        "obligations": [{ "id": "level", "attributeAssignment": [{ "attributeId": "a", "value": "3",
            "category": "urn:altinn:minimum-authenticationlevel",
            "dataType": "http://www.w3.org/2001/XMLSchema#integer", "issuer": null }] }],
        "associateAdvice": null,
        "category": [
            category("urn:oasis:names:tc:xacml:1.0:subject-category:access-subject", attribute("role", "DAGL")),
            category("urn:oasis:names:tc:xacml:3.0:attribute-category:action", attribute(ACTION, "read")),
            category("urn:oasis:names:tc:xacml:3.0:attribute-category:resource", attribute("app", "demo")),
        ],
        "policyIdentifierList": null,
    }] });
    assert_eq!(answer, expected);
}

#[test]
fn the_same_attribute_twice_is_one_with_two_values_echoed_as_the_first_says() {
    let request = json!({ "Request": { "AccessSubject": [{ "Attribute": [
        { "AttributeId": "role", "Value": "UTINN", "IncludeInResult": true },
        { "AttributeId": "role", "Value": "DAGL" },
    ] }] } });
    let questions = parse_json_request(&request.to_string()).expect("well formed");
    let question = questions[0].as_ref().expect("well formed");
    let role = &question.groups[0].attributes[0];
    assert_eq!((role.values.len(), role.include_in_result), (2, true));
}

#[test]
fn references_cannot_multiply_a_large_object_without_bound() {
    let attributes: Vec<_> = (0..600).map(|n| json!({ "AttributeId": format!("a{n}"), "Value": "v" })).collect();
    let mut request = several(&vec![&["s1", "a1", "r1"][..]; 2000]);
    request["Request"]["AccessSubject"][0]["Attribute"] = json!(attributes);
    assert_eq!(decisions(&request), ["Indeterminate"]);
}

#[test]
fn broken_texts_are_answered_with_one_indeterminate_that_says_why() {
    for request in ["", "{", "[]", "<", "<Request/>", "null", r#"{"Request":[]}"#] {
        let result = &decide_text(&policy(), request)["response"][0];
        assert_eq!(result["decision"], "Indeterminate", "{request}");
        assert!(result["status"]["statusMessage"].is_string(), "{request}");
    }
}

#[test]
fn nesting_and_document_types_are_refused_before_they_hurt() {
    let deep = "<a>".repeat(200_000);
    assert_eq!(refusals(&deep), ["1:1: elements are nested deeper than 64"]);
    let flat = format!("<a>{}</a>", "<b/>".repeat(1000));
    assert_eq!(refusals(&flat), ["1:1: the root is <a>, not a <Policy> of XACML 3.0"]);
    let bomb = r#"<!DOCTYPE a [<!ENTITY b "cccc">]><a>&b;</a>"#;
    assert_eq!(refusals(bomb).len(), 1);
    let deep_json = "[".repeat(200_000);
    assert!(parse_json_request(&deep_json).is_err());
}

/// Texts near enough to a policy or request that the readers get past the first character.
fn almost_xml() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<Policy xmlns='urn:oasis:names:tc:xacml:3.0:core:schema:wd-17' PolicyId='p' Version='1'>",
        "<Request xmlns='urn:oasis:names:tc:xacml:3.0:core:schema:wd-17'>",
        "<Target>",
        "</Target>",
        "<AnyOf>",
        "</AnyOf>",
        "<AllOf>",
        "</AllOf>",
        "<Match MatchId='f'>",
        "</Match>",
        "<Rule RuleId='r' Effect='Permit'>",
        "</Rule>",
        "<Condition>",
        "</Condition>",
        "<Apply FunctionId='f'>",
        "</Apply>",
        "<AttributeValue DataType='t'>",
        "</AttributeValue>",
        "</Policy>",
        "</Request>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?x",
        "?>",
        "é",
        "[ORG]",
        "\"",
        "'",
        "<",
        ">",
        "/",
        "&lt;",
        "&#x0;",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,200}", xml in almost_xml()) {
        for text in [&text, &xml] {
            _ = Policy::parse(text, &Placeholders::for_app("ttd", "demo"));
            _ = Request::parse_xml(text);
            _ = parse_json_request(text);
            _ = decide_text(text, text);
        }
    }

    #[test]
    fn no_damage_to_a_sound_text_makes_the_readers_panic(at in 0_usize..3000, cut in 0_usize..40, with in ".{0,3}") {
        let damage = |text: &str| {
            let start = text.floor_char_boundary(at % (text.len() + 1));
            let end = text.floor_char_boundary((start + cut).min(text.len()));
            format!("{}{with}{}", &text[..start], &text[end.max(start)..])
        };
        let request = several(&[&["s1", "a1", "r1"], &["s1", "a2", "r1"]]).to_string();
        _ = decide_text(&damage(&policy()), &request);
        _ = decide_text(&policy(), &damage(&request));
    }
}
