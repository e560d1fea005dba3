//! The rules of evaluation, one at a time, on small policies.

use crate::shorthand::{self, expand, policy, policy_with, refusals, rule};
use mottak_policy::{CallerKind, Category, Effect, Placeholders, Policy, Request, Status, decide_text};
use mottak_testing::covers;

const AUTHORIZATION: &str = "platform-authorization";

fn demo() -> Policy {
    Policy::parse(&expand(include_str!("policies/demo.xml")), &Placeholders::for_app("ttd", "demo")).expect("sound")
}

fn on_demo(action: &str) -> Request<'_> {
    Request::new().resource("urn:altinn:org", "ttd").resource("urn:altinn:app", "demo").action(action)
}

#[test]
fn a_matching_rule_permits_and_any_other_subject_resource_or_action_does_not() {
    let _rows = covers(AUTHORIZATION, &["Z01", "Z02", "Z03", "Z04"]);
    let dagl = || on_demo("read").subject("urn:altinn:rolecode", "DAGL");
    let permit = demo().decide(&dagl());
    assert_eq!((permit.effect, permit.status), (Effect::Permit, Status::Ok));

    let marked = |request: Request<'static>| request.include_in_result(&Category::Resource, "urn:altinn:app");
    let elsewhere = marked(
        Request::new()
            .resource("urn:altinn:org", "ttd")
            .resource("urn:altinn:app", "other")
            .action("read")
            .subject("urn:altinn:rolecode", "DAGL"),
    );
    let decision = demo().decide(&elsewhere);
    assert_eq!((decision.effect, decision.status), (Effect::NotApplicable, Status::Ok));
    assert!(decision.to_json(&elsewhere)["category"].is_null(), "no rule spoke, nothing is echoed");

    let other_action = on_demo("fly").subject("urn:altinn:rolecode", "DAGL");
    assert_eq!(demo().decide(&other_action).effect, Effect::NotApplicable);

    let stranger = marked(on_demo("read").subject("urn:altinn:rolecode", "UTINN"));
    let decision = demo().decide(&stranger);
    assert_eq!(decision.effect, Effect::NotApplicable);
    assert_eq!(decision.to_json(&stranger)["category"][0]["attribute"][0]["value"], "demo");
}

#[test]
fn a_rule_is_open_in_every_category_it_does_not_mention() {
    let _rows = covers(AUTHORIZATION, &["Z05", "Z06"]);
    let everything = policy(r#"<Rule RuleId="r" Effect="Permit"/>"#);
    assert_eq!(everything.decide(&Request::new()).effect, Effect::Permit);
    let anybody = policy(&rule("Permit", "<AnyOf><AllOf>{equal resource app demo}</AllOf></AnyOf>"));
    let request = Request::new().resource("app", "demo").action("read").subject("who", "ever");
    assert_eq!(anybody.decide(&request).effect, Effect::Permit);
}

#[test]
fn compat_alternatives_of_one_category_count_wherever_they_stand() {
    let _rows = covers(AUTHORIZATION, &["Z07", "Z08", "Z09"]);
    let two_owners = policy(&rule(
        "Permit",
        "<AnyOf><AllOf>{equal subject org skd}</AllOf></AnyOf><AnyOf><AllOf>{equal subject org nav}</AllOf></AnyOf>",
    ));
    for (org, effect) in [("skd", Effect::Permit), ("nav", Effect::Permit), ("brg", Effect::NotApplicable)] {
        assert_eq!(two_owners.decide(&Request::new().subject("org", org)).effect, effect, "{org}");
    }
    let action = "urn:oasis:names:tc:xacml:1.0:action:action-id";
    let crossed = policy(&rule(
        "Permit",
        &format!(
            "<AnyOf><AllOf>{{equal resource r A}}{{equal action {action} x}}</AllOf>\
             <AllOf>{{equal resource r B}}{{equal action {action} y}}</AllOf></AnyOf>"
        ),
    ));
    assert_eq!(crossed.decide(&Request::new().resource("r", "A").action("y")).effect, Effect::Permit);
}

#[test]
fn a_task_in_the_rule_narrows_it_and_a_rule_without_task_is_for_all() {
    let _rows = covers(AUTHORIZATION, &["Z10", "Z11", "Z12"]);
    let dagl = |action| on_demo(action).subject("urn:altinn:rolecode", "dagl");
    assert_eq!(demo().decide(&dagl("sign")).effect, Effect::NotApplicable);
    assert_eq!(demo().decide(&dagl("sign").resource("urn:altinn:task", "Task_2")).effect, Effect::Permit);
    assert_eq!(demo().decide(&dagl("write").resource("urn:altinn:task", "Task_7")).effect, Effect::Permit);
    let ended = |action| dagl(action).resource("urn:altinn:end-event", "EndEvent_1");
    assert_eq!(demo().decide(&ended("delete")).effect, Effect::Permit);
    assert_eq!(demo().decide(&ended("confirm")).effect, Effect::NotApplicable);
}

#[test]
fn only_values_of_the_policys_type_match_and_one_of_a_bag_suffices() {
    let _rows = covers(AUTHORIZATION, &["Z15", "Z16"]);
    let of_age = policy(&rule("Permit", "<AnyOf><AllOf>{equal subject age 45}</AllOf></AnyOf>"));
    let mut request = Request::new().subject("age", "45");
    assert_eq!(of_age.decide(&request).effect, Effect::Permit);
    request.attribute(Category::Subject, "age".into()).values[0].data_type = mottak_policy::DataType::Integer;
    assert_eq!(of_age.decide(&request).effect, Effect::NotApplicable);

    let roles = (0..20).map(|number| if number == 13 { "DAGL".to_owned() } else { format!("R{number}") });
    let many = on_demo("read").subject_bag("urn:altinn:rolecode", roles);
    assert_eq!(demo().decide(&many).effect, Effect::Permit);
}

#[test]
fn a_required_attribute_that_is_absent_leaves_the_decision_open() {
    let _rows = covers(AUTHORIZATION, &["Z17", "Z18", "Z19"]);
    let requires_task = policy(&rule("Permit", "<AnyOf><AllOf>{required resource task T}</AllOf></AnyOf>"));
    let decision = requires_task.decide(&Request::new());
    assert_eq!((decision.effect, decision.status), (Effect::Indeterminate, Status::MissingAttribute));

    let requires_role = rule("Permit", "<AnyOf><AllOf>{required subject role R}</AllOf></AnyOf>");
    assert_eq!(policy(&requires_role).decide(&Request::new()).effect, Effect::Indeterminate);
    let permitted_elsewhere = policy(&format!("{requires_role}{}", rule("Permit", "")));
    assert_eq!(permitted_elsewhere.decide(&Request::new()).effect, Effect::Permit, "it was an Indeterminate{{P}}");
    let denied_elsewhere = policy(&format!("{requires_role}{}", rule("Deny", "")));
    assert_eq!(denied_elsewhere.decide(&Request::new()).effect, Effect::Deny);
}

#[test]
fn the_combining_algorithm_is_found_by_its_uri() {
    let _rows = covers(AUTHORIZATION, &["Z21", "Z22", "Z23", "Z24", "Z25"]);
    let decide = |algorithm: &str, rules: &str| {
        let algorithm = format!("urn:oasis:names:tc:xacml:{algorithm}");
        policy_with(&algorithm, rules).decide(&Request::new().subject("role", "R"))
    };
    let permit = &rule("Permit", "");
    for retired in [
        "1.0:policy-combining-algorithm:only-one-applicable",
        "1.0:rule-combining-algorithm:only-one-applicable",
        "1.0:rule-combining-algorithm:deny-overrides",
    ] {
        let decision = decide(retired, permit);
        assert_eq!((decision.effect, decision.status), (Effect::Indeterminate, Status::Ok), "{retired}");
    }
    let both = &format!("{permit}{}", rule("Deny", ""));
    assert_eq!(decide("3.0:policy-combining-algorithm:deny-overrides", both).effect, Effect::Deny);
    let elsewhere = &rule("Permit", "<AnyOf><AllOf>{equal resource r other}</AllOf></AnyOf>");
    let obliged = &format!("{elsewhere}{}", shorthand::LEVEL_3);
    assert_eq!(decide("3.0:rule-combining-algorithm:deny-unless-permit", obliged).effect, Effect::Deny);
    let decision = decide("3.0:rule-combining-algorithm:permit-unless-deny", obliged);
    assert_eq!((decision.effect, decision.obligations.len()), (Effect::Permit, 1));
}

#[test]
fn an_unknown_function_is_an_error_only_when_it_is_asked() {
    let _rows = covers(AUTHORIZATION, &["Z26"]);
    let strange = policy(&rule("Permit", "<AnyOf><AllOf>{strange resource r v}</AllOf></AnyOf>"));
    let decision = strange.decide(&Request::new().resource("r", "v"));
    assert_eq!((decision.effect, decision.status), (Effect::Indeterminate, Status::SyntaxError));
    assert_eq!(strange.decide(&Request::new()).effect, Effect::NotApplicable);
}

#[test]
fn a_malformed_policy_is_refused_with_every_problem_and_its_place() {
    let _rows = covers(AUTHORIZATION, &["Z27", "Z28", "Z29", "Z30"]);
    let namespace = r#"xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17""#;
    let set = format!("<PolicySet {namespace} PolicySetId='s'/>");
    let head = format!("<Policy {namespace} PolicyId='p' Version='1' RuleCombiningAlgId='a'>");
    let no_target = format!("{head}<Rule RuleId='r' Effect='Permit'/></Policy>");
    let no_rule = format!("{head}<Target/></Policy>");
    let designators = format!(
        "{head}<Target/>\n<Rule RuleId='r' Effect='Permit'><Target><AnyOf><AllOf>\n\
         <Match MatchId='f'><AttributeValue DataType='t'>v</AttributeValue>\n\
         <AttributeDesignator Category='c' DataType='t'/></Match></AllOf></AnyOf></Target></Rule></Policy>"
    );
    for (text, reasons) in [
        (&set, vec!["1:1: the root is <PolicySet>, not a <Policy> of XACML 3.0"]),
        (&no_target, vec!["1:1: <Policy> has no <Target>"]),
        (&no_rule, vec!["1:1: <Policy> has neither a <Rule> nor a <VariableDefinition>"]),
        (
            &designators,
            vec!["4:1: <AttributeDesignator> has no AttributeId", "4:1: <AttributeDesignator> has no MustBePresent"],
        ),
    ] {
        assert_eq!(refusals(text), reasons);
        let answer = decide_text(text, r#"{"Request":{}}"#);
        let result = &answer["response"][0];
        assert_eq!(result["decision"], "Indeterminate");
        assert_eq!(result["status"]["statusCode"]["value"], Status::SyntaxError.uri());
    }
}

#[test]
fn the_policys_own_target_is_not_asked() {
    let _rows = covers(AUTHORIZATION, &["Z31"]);
    let text = shorthand::policy_text(shorthand::DENY_OVERRIDES, &rule("Permit", ""))
        .replace("<Target/>", &expand("<Target><AnyOf><AllOf>{equal subject role X}</AllOf></AnyOf></Target>"));
    let policy = Policy::parse(&text, &Placeholders::none()).expect("sound");
    assert_eq!(policy.decide(&Request::new()).effect, Effect::Permit);
}

#[test]
fn obligations_come_with_a_permit_and_only_then() {
    let _rows = covers(AUTHORIZATION, &["Z32", "Z33", "Z34"]);
    let request = on_demo("read").subject("urn:altinn:rolecode", "DAGL");
    let permit = demo().decide(&request);
    let result = permit.to_json(&request);
    let obligations = result["obligations"].as_array().expect("an array");
    assert_eq!(obligations.len(), 2);
    assert_eq!(obligations[0]["id"], "level");
    assert_eq!(obligations[0]["attributeAssignment"][0]["category"], "urn:altinn:minimum-authenticationlevel");
    assert_eq!(obligations[0]["attributeAssignment"][0]["value"], "3");
    assert_eq!(obligations[0]["attributeAssignment"][0]["dataType"], "http://www.w3.org/2001/XMLSchema#integer");
    assert_eq!(obligations[1]["id"], "level-org");

    let stranger = on_demo("read").subject("urn:altinn:rolecode", "UTINN");
    assert!(demo().decide(&stranger).to_json(&stranger)["obligations"].is_null());
    let denied = policy(&format!("{}{}", rule("Deny", ""), shorthand::LEVEL_3)).decide(&Request::new());
    assert_eq!((denied.effect, denied.obligations.len()), (Effect::Deny, 0));
}

#[test]
fn a_service_owner_may_have_a_lower_minimum_level() {
    let permit = demo().decide(&on_demo("read").subject("urn:altinn:org", "ttd"));
    assert_eq!(permit.minimum_authentication_level(CallerKind::EndUser), Some(3));
    assert_eq!(permit.minimum_authentication_level(CallerKind::ServiceOwner), Some(2));
    assert_eq!(permit.required_authentication_level(CallerKind::ServiceOwner, 1), Some(2));
    assert_eq!(permit.required_authentication_level(CallerKind::EndUser, 3), None);
}

#[test]
fn a_condition_that_wants_one_value_cannot_choose_between_two() {
    let _rows = covers(AUTHORIZATION, &["Z38", "Z39"]);
    let grown_up = policy(
        r#"<Rule RuleId="r" Effect="Permit"><Condition>
          <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:integer-equal">
            <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:integer-one-and-only">
              <AttributeDesignator Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"
                AttributeId="age" DataType="http://www.w3.org/2001/XMLSchema#integer" MustBePresent="false"/>
            </Apply>
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#integer">45</AttributeValue>
          </Apply></Condition></Rule>"#,
    );
    let aged = |ages: &[&'static str]| {
        let mut request = Request::new().subject_bag("age", ages.iter().copied());
        for value in request.groups.iter_mut().flat_map(|group| &mut group.attributes).flat_map(|age| &mut age.values) {
            value.data_type = mottak_policy::DataType::Integer;
        }
        let decision = grown_up.decide(&request);
        (decision.effect, decision.status)
    };
    assert_eq!(aged(&["45"]), (Effect::Permit, Status::Ok));
    assert_eq!(aged(&["46"]), (Effect::NotApplicable, Status::Ok));
    assert_eq!(aged(&["45", "46"]), (Effect::Indeterminate, Status::ProcessingError));
    assert_eq!(aged(&[]), (Effect::Indeterminate, Status::Ok));
}

#[test]
fn a_policy_tells_whom_it_would_let_in_and_what_it_needs_to_know() {
    let demo = demo();
    let needed: Vec<_> = demo.subject_attributes().collect();
    assert_eq!(needed, ["urn:altinn:rolecode", "urn:altinn:accesspackage", "urn:altinn:org"]);
    assert!(!demo.mentions_subject("urn:altinn:partytype"));
    assert_eq!(
        demo.subjects_that_would_be_permitted(&on_demo("read")),
        [
            vec![("urn:altinn:rolecode", "dagl")],
            vec![("urn:altinn:accesspackage", "skatt-naering")],
            vec![("urn:altinn:org", "ttd")],
        ]
    );
    assert!(demo.subjects_that_would_be_permitted(&on_demo("fly")).is_empty());
    let tasks: Vec<_> = demo.values_of(&Category::Resource, "urn:altinn:task").collect();
    assert_eq!(tasks, ["Task_2"]);
}

#[test]
fn placeholder_values_cannot_break_out_of_the_text() {
    let policy = Policy::parse(&expand(include_str!("policies/demo.xml")), &Placeholders::for_app("a<b", "\"&"));
    let orgs: Vec<_> = {
        let policy = policy.as_ref().expect("the values are escaped");
        policy.values_of(&Category::Subject, "urn:altinn:org").map(str::to_owned).collect()
    };
    assert_eq!(orgs, ["a<b"]);
}

#[test]
fn a_policy_that_may_not_mean_what_it_says_is_read_with_warnings() {
    let reasons =
        |policy: &Policy| -> Vec<String> { policy.warnings().iter().map(|warning| warning.reason.clone()).collect() };
    assert_eq!(reasons(&demo()), ["the obligations of a Deny are never given"]);
    let two_any_ofs = "<AnyOf><AllOf>{equal subject org skd}</AllOf></AnyOf>\
                       <AnyOf><AllOf>{strange subject org nav}</AllOf></AnyOf>";
    assert_eq!(
        reasons(&policy(&rule("Permit", two_any_ofs))),
        [
            "subject matches stand in several <AnyOf>; one of them suffices here, the standard wants all",
            "the function `strange` is not known; a decision that asks it is Indeterminate",
        ]
    );
    let nobody_knows = policy_with("urn:example:mine", &rule("Permit", ""));
    assert_eq!(reasons(&nobody_knows), ["the combining algorithm is not known; every decision is Indeterminate"]);
}
