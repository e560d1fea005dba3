//! Conditions of the standard's function library, as a condition holds, fails or cannot tell.

use mottak_policy::{Category, DataType, Effect, Request, Status};

use crate::shorthand::policy;

const SUBJECT: &str = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject";

/// `name(argument, …)` with arguments that are elements already.
fn apply(function: &str, arguments: &[String]) -> String {
    let version = if function == "any-of" || function.ends_with("Duration") || function.ends_with("substring") {
        "3.0"
    } else {
        "1.0"
    };
    let arguments = arguments.concat();
    format!(r#"<Apply FunctionId="urn:oasis:names:tc:xacml:{version}:function:{function}">{arguments}</Apply>"#)
}

fn value(data_type: &str, text: &str) -> String {
    format!(r#"<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#{data_type}">{text}</AttributeValue>"#)
}

fn attribute(data_type: &str, id: &str, must_be_present: bool) -> String {
    format!(
        r#"<AttributeDesignator Category="{SUBJECT}" AttributeId="{id}" MustBePresent="{must_be_present}"
          DataType="http://www.w3.org/2001/XMLSchema#{data_type}"/>"#
    )
}

/// The decision of a Permit rule with this condition, for a subject with two names and one age.
fn decide(condition: &str) -> (Effect, Status) {
    let mut request = Request::new().subject_bag("name", ["Kari", "Ola"]).subject("age", "45");
    request.attribute(Category::Subject, "age".into()).values[0].data_type = DataType::Integer;
    let rule = format!(r#"<Rule RuleId="r" Effect="Permit"><Condition>{condition}</Condition></Rule>"#);
    let decision = policy(&rule).decide(&request);
    (decision.effect, decision.status)
}

const HOLDS: (Effect, Status) = (Effect::Permit, Status::Ok);
const FAILS: (Effect, Status) = (Effect::NotApplicable, Status::Ok);
const WRONG: (Effect, Status) = (Effect::Indeterminate, Status::ProcessingError);

fn age() -> String {
    apply("integer-one-and-only", &[attribute("integer", "age", false)])
}

#[test]
fn numbers_are_computed_and_overflow_is_an_error() {
    let plus_five = apply("integer-add", &[age(), value("integer", "5")]);
    assert_eq!(decide(&apply("integer-greater-than", &[plus_five.clone(), value("integer", "49")])), HOLDS);
    assert_eq!(decide(&apply("integer-less-than", &[plus_five, value("integer", "49")])), FAILS);
    let most = apply("integer-multiply", &[age(), value("integer", &i64::MAX.to_string())]);
    assert_eq!(decide(&apply("integer-greater-than", &[most, value("integer", "0")])), WRONG);
    let by_zero = apply("integer-divide", &[age(), value("integer", "0")]);
    assert_eq!(decide(&apply("integer-greater-than", &[by_zero, value("integer", "0")])), WRONG);
}

#[test]
fn an_undecided_part_matters_only_when_the_others_do_not_settle_it() {
    let holds = || apply("integer-greater-than", &[age(), value("integer", "1")]);
    let fails = || apply("integer-greater-than", &[age(), value("integer", "99")]);
    let wrong = || apply("string-equal", &[age(), value("string", "45")]);
    assert_eq!(decide(&apply("or", &[wrong(), holds()])), HOLDS);
    assert_eq!(decide(&apply("or", &[wrong(), fails()])), WRONG);
    assert_eq!(decide(&apply("and", &[wrong(), fails()])), FAILS);
    assert_eq!(decide(&apply("and", &[wrong(), holds()])), WRONG);
    assert_eq!(decide(&apply("and", &[])), HOLDS);
    assert_eq!(decide(&apply("or", &[])), FAILS);
    assert_eq!(decide(&apply("n-of", &[value("integer", "2"), holds(), fails(), holds()])), HOLDS);
    assert_eq!(decide(&apply("n-of", &[value("integer", "4"), holds()])), WRONG);
}

#[test]
fn bags_are_sets_of_values() {
    let names = || attribute("string", "name", false);
    let bag = |texts: &[&str]| apply("string-bag", &texts.iter().map(|text| value("string", text)).collect::<Vec<_>>());
    assert_eq!(decide(&apply("string-set-equals", &[bag(&["Ola", "Kari", "Ola"]), names()])), HOLDS);
    assert_eq!(decide(&apply("string-subset", &[bag(&["Ola", "Per"]), names()])), FAILS);
    assert_eq!(decide(&apply("string-at-least-one-member-of", &[bag(&["Ola", "Per"]), names()])), HOLDS);
    let size = apply("string-bag-size", &[names()]);
    assert_eq!(decide(&apply("integer-equal", &[size, value("integer", "2")])), HOLDS);
    let function = r#"<Function FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-equal"/>"#.to_owned();
    assert_eq!(decide(&apply("any-of", &[function, value("string", "Ola"), names()])), HOLDS);
}

#[test]
fn calendar_arithmetic_keeps_to_the_calendar() {
    let later = apply("date-add-yearMonthDuration", &[value("date", "2024-01-31"), value("yearMonthDuration", "P1M")]);
    assert_eq!(decide(&apply("date-equal", &[later.clone(), value("date", "2024-02-29")])), HOLDS);
    assert_eq!(decide(&apply("date-equal", &[later, value("date", "2024-03-01")])), FAILS);
    let much_later = apply(
        "dateTime-add-dayTimeDuration",
        &[value("dateTime", "2024-12-31T23:59:59Z"), value("dayTimeDuration", "PT1S")],
    );
    assert_eq!(decide(&apply("dateTime-equal", &[much_later, value("dateTime", "2025-01-01T00:00:00Z")])), HOLDS);
}

#[test]
fn a_missing_attribute_is_named_as_the_reason_when_it_must_be_present() {
    let missing = apply("string-bag-size", &[attribute("string", "nothing", true)]);
    let condition = apply("integer-equal", &[missing, value("integer", "0")]);
    assert_eq!(decide(&condition), (Effect::Indeterminate, Status::MissingAttribute));
}

#[test]
fn substrings_are_cut_by_characters_and_only_where_there_are_any() {
    let part = |from: &str, to: &str| {
        let arguments = [value("string", "æøå"), value("integer", from), value("integer", to)];
        apply("string-equal", &[apply("string-substring", &arguments), value("string", "øå")])
    };
    assert_eq!(decide(&part("1", "-1")), HOLDS);
    assert_eq!(decide(&part("1", "3")), HOLDS);
    assert_eq!(decide(&part("0", "2")), FAILS);
    assert_eq!(decide(&part("2", "9")), WRONG);
}

#[test]
fn what_is_not_known_is_an_error_when_it_is_asked() {
    let unknown = (Effect::Indeterminate, Status::SyntaxError);
    assert_eq!(decide(&apply("xpath-node-count", &[value("string", "//a")])), unknown);
    assert_eq!(decide(&value("boolean", "true")), FAILS, "a condition that is no Apply never holds");
}
