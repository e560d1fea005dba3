//! The restrictions of the model, checked on a document: the validator `DataAnnotations` (app-forms §6.3).

use super::issue::{Issue, Severity, source};
use crate::data::FormData;
use crate::decimal::Decimal;
use crate::model::{Bound, Field, Model, ObjectType, Restriction, RestrictionRule};
use crate::value::{FormObject, FormValue};

/// How many issues one document gets before checking stops.
const MAX_ISSUES: usize = 200;

/// What the prefixes of messages mean; apps can rename them (`GeneralSettings`). Tried in this order.
#[derive(Clone, Debug)]
pub struct SeverityPrefixes {
    pub warning: String,
    pub fixed: String,
    pub informational: String,
    pub success: String,
}

impl Default for SeverityPrefixes {
    fn default() -> Self {
        Self {
            warning: "*WARNING*".to_owned(),
            fixed: "*FIXED*".to_owned(),
            informational: "*INFO*".to_owned(),
            success: "*SUCCESS*".to_owned(),
        }
    }
}

impl SeverityPrefixes {
    fn split<'m>(&self, message: &'m str) -> (Severity, &'m str) {
        let known = [
            (&self.warning, Severity::Warning),
            (&self.fixed, Severity::Fixed),
            (&self.informational, Severity::Informational),
            (&self.success, Severity::Success),
        ];
        known
            .into_iter()
            .filter(|(prefix, _)| !prefix.is_empty())
            .find_map(|(prefix, severity)| Some((severity, message.strip_prefix(prefix.as_str())?)))
            .unwrap_or((Severity::Error, message))
    }
}

/// One issue per failed restriction, in document order; hidden fields are checked too, null rows are not.
pub fn validate(data: &FormData, data_element_id: &str, prefixes: &SeverityPrefixes) -> Vec<Issue> {
    let mut check = Check { model: data.model(), data_element_id, prefixes, issues: Vec::new() };
    check.object("", data.model().root(), data.root());
    if check.issues.len() > MAX_ISSUES {
        check.issues.truncate(MAX_ISSUES);
        let last =
            Issue { data_element_id: Some(data_element_id.to_owned()), ..Issue::error(source::DATA_ANNOTATIONS) };
        check.issues.push(Issue { code: Some(String::new()), description: Some(String::new()), ..last });
    }
    check.issues
}

struct Check<'a> {
    model: &'a Model,
    data_element_id: &'a str,
    prefixes: &'a SeverityPrefixes,
    issues: Vec<Issue>,
}

impl Check<'_> {
    fn object(&mut self, path: &str, object_type: &ObjectType, object: &FormObject) {
        for field in &object_type.fields {
            if self.issues.len() > MAX_ISSUES {
                return;
            }
            let value = object.get(&field.name).unwrap_or(&FormValue::Null);
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{}", field.name);
            for restriction in &field.restrictions {
                if !holds(&restriction.rule, value) {
                    self.report(&path, field, restriction);
                }
            }
            let Some(child_type) = self.model.object_type_of(field) else { continue };
            match value {
                FormValue::Object(child) => self.object(&path, child_type, child),
                FormValue::List(rows) => {
                    for (index, row) in rows.iter().enumerate() {
                        if let Some(row) = row.as_object() {
                            self.object(&format!("{path}[{index}]"), child_type, row);
                        }
                    }
                }
                FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => {}
            }
        }
    }

    fn report(&mut self, path: &str, field: &Field, restriction: &Restriction) {
        let message = match &restriction.message {
            Some(message) => message.replace("{0}", &field.property_name),
            None => standard_message(&restriction.rule, &field.property_name),
        };
        let (severity, text) = self.prefixes.split(&message);
        self.issues.push(Issue {
            severity,
            data_element_id: Some(self.data_element_id.to_owned()),
            field: Some(path.to_owned()),
            code: Some(text.to_owned()),
            description: Some(text.to_owned()),
            source: source::DATA_ANNOTATIONS.to_owned(),
            ..Issue::default()
        });
    }
}

fn holds(rule: &RestrictionRule, value: &FormValue) -> bool {
    let length = || match value {
        FormValue::Text(text) => u32::try_from(text.encode_utf16().count()).ok(),
        FormValue::List(items) => u32::try_from(items.len()).ok(),
        _ => None,
    };
    match rule {
        RestrictionRule::Required => match value {
            FormValue::Null => false,
            FormValue::Text(text) => !text.trim().is_empty(),
            _ => true,
        },
        RestrictionRule::MinLength(min) => length().is_none_or(|length| length >= *min),
        RestrictionRule::MaxLength(max) => length().is_none_or(|length| length <= *max),
        RestrictionRule::StringLength { min, max } => length().is_none_or(|length| (*min..=*max).contains(&length)),
        RestrictionRule::Range { min, max } => value.as_number().is_none_or(|number| is_within(number, min, max)),
        RestrictionRule::Pattern(pattern) => match value {
            FormValue::Text(text) => text.is_empty() || pattern.matches(text),
            FormValue::Number(number) => pattern.matches(&number.to_string()),
            _ => true,
        },
        RestrictionRule::EmailAddress => value.as_text().is_none_or(is_email),
    }
}

fn is_within(number: Decimal, min: &Bound, max: &Bound) -> bool {
    min.number.is_none_or(|min| number >= min) && max.number.is_none_or(|max| number <= max)
}

/// Exactly one `@`, neither first nor last, and no line break.
fn is_email(text: &str) -> bool {
    let one_at = text
        .split_once('@')
        .is_some_and(|(before, after)| !before.is_empty() && !after.is_empty() && !after.contains('@'));
    one_at && !text.contains(['\r', '\n'])
}

fn standard_message(rule: &RestrictionRule, name: &str) -> String {
    match rule {
        RestrictionRule::Required => format!("The {name} field is required."),
        RestrictionRule::MinLength(min) => {
            format!("The field {name} must be a string or array type with a minimum length of '{min}'.")
        }
        RestrictionRule::MaxLength(max) => {
            format!("The field {name} must be a string or array type with a maximum length of '{max}'.")
        }
        RestrictionRule::StringLength { min: 0, max } => {
            format!("The field {name} must be a string with a maximum length of {max}.")
        }
        RestrictionRule::StringLength { min, max } => {
            format!("The field {name} must be a string with a minimum length of {min} and a maximum length of {max}.")
        }
        RestrictionRule::Range { min, max } => {
            format!("The field {name} must be between {} and {}.", min.text, max.text)
        }
        RestrictionRule::Pattern(pattern) => {
            format!("The field {name} must match the regular expression '{}'.", pattern.source)
        }
        RestrictionRule::EmailAddress => format!("The {name} field is not a valid e-mail address."),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Kind, ModelSources, Pattern};

    fn issues_of(schema: &str, json: &str) -> Vec<(String, String)> {
        let sources = ModelSources { class_ref: "M", schema: Some(("m", schema.as_bytes())), xsd: None };
        let model = Arc::new(Model::read(&sources).expect("a model").model);
        let data = FormData::from_json(&model, json.as_bytes()).expect("a document");
        let issues = validate(&data, "id", &SeverityPrefixes::default());
        issues
            .into_iter()
            .map(|issue| (issue.field.unwrap_or_default(), issue.description.unwrap_or_default()))
            .collect()
    }

    fn found(field: &str, text: &str) -> Vec<(String, String)> {
        vec![(field.to_owned(), text.to_owned())]
    }

    #[test]
    fn lengths_spare_null_but_not_the_empty_string() {
        let _rows = mottak_testing::covers("app-forms", &["92"]);
        let schema = r#"{"properties":{"a":{"type":"string","minLength":1,"maxLength":3}}}"#;
        let text = "The field a must be a string or array type with a minimum length of '1'.";
        assert_eq!(issues_of(schema, r#"{"a":""}"#), found("a", text));
        assert_eq!(issues_of(schema, r#"{"a":null}"#), []);
        assert_eq!(issues_of(schema, r#"{"a":"😀a"}"#), []);
        assert_eq!(issues_of(schema, r#"{"a":"😀😀"}"#).len(), 1);
    }

    #[test]
    fn patterns_must_match_the_whole_value() {
        let _rows = mottak_testing::covers("app-forms", &["93"]);
        let schema = r#"{"properties":{"a":{"type":"string","pattern":"[0-9]+"}}}"#;
        assert_eq!(
            issues_of(schema, r#"{"a":"12a"}"#),
            found("a", "The field a must match the regular expression '[0-9]+'.")
        );
        assert_eq!(issues_of(schema, r#"{"a":""}"#), []);
    }

    #[test]
    fn messages_show_the_property_name_and_field_the_json_path() {
        let _rows = mottak_testing::covers("app-forms", &["94"]);
        let schema = r#"{"properties":{"r":{"type":"array","items":{"type":"object",
            "properties":{"a-b":{"type":"string","maxLength":1}}}}}}"#;
        let text = "The field ab must be a string or array type with a maximum length of '1'.";
        assert_eq!(issues_of(schema, r#"{"r":[{"a-b":"x"},{"a-b":"xx"}]}"#), found("r[1].a-b", text));
    }

    #[test]
    fn own_messages_may_carry_a_severity() {
        let _rows = mottak_testing::covers("app-forms", &["95"]);
        let message = Some("*WARNING*{0} er feil".to_owned());
        let rule = RestrictionRule::Pattern(Pattern::new("x").expect("a pattern"));
        let field = Field { restrictions: vec![Restriction { rule, message }], ..Field::element("a-b", Kind::Text) };
        let model = Model::from_types("M", "M", vec![ObjectType::new("M", vec![field])]).expect("a model");
        let data = FormData::from_json(&Arc::new(model), br#"{"a-b":"y"}"#).expect("a document");
        let issues = validate(&data, "id", &SeverityPrefixes::default());
        assert_eq!(issues[0].severity, Severity::Warning);
        assert_eq!(issues[0].code.as_deref(), Some("ab er feil"));
    }

    #[test]
    fn numbers_keep_ranges_and_digits() {
        let schema = r#"{"required":["n"],"properties":{"n":{"type":"number","minimum":1},
            "p":{"type":"integer","@xsdType":"positiveInteger"},"t":{"type":"integer","totalDigits":2}}}"#;
        assert_eq!(
            issues_of(schema, r#"{"n":0.5}"#),
            found("n", "The field n must be between 1 and 1.7976931348623157E+308.")
        );
        assert_eq!(issues_of(schema, "{}"), found("n", "The n field is required."));
        assert_eq!(issues_of(schema, r#"{"n":1,"p":0}"#), found("p", "The field p must be between 1 and 2147483647."));
        assert_eq!(issues_of(schema, r#"{"n":1,"t":123}"#).len(), 1);
        assert_eq!(issues_of(schema, r#"{"n":1.0,"p":1,"t":-12}"#), []);
    }

    #[test]
    fn formats_bring_their_own_pattern_and_required_strings_are_not_checked() {
        let schema = r#"{"required":["s"],"properties":{"s":{"type":"string"},
            "d":{"type":"string","format":"date","maxLength":1},"u":{"type":"string","format":"uri","maxLength":1}}}"#;
        assert_eq!(issues_of(schema, r#"{"d":"2024-05-01","u":"long"}"#), []);
        assert_eq!(issues_of(schema, r#"{"d":"1.5.2024"}"#).len(), 1);
    }

    #[test]
    fn checking_stops_at_two_hundred_issues() {
        let schema = r#"{"properties":{"r":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string","maxLength":1}}}}}}"#;
        let rows = vec![r#"{"a":"xx"}"#; 500].join(",");
        let issues = issues_of(schema, &format!(r#"{{"r":[{rows}]}}"#));
        assert_eq!((issues.len(), issues[200].1.as_str()), (201, ""));
    }

    #[test]
    fn email_addresses_have_one_at_inside() {
        for (text, valid) in
            [("a@b", true), ("a", false), ("@b", false), ("a@", false), ("a@b@c", false), ("a@b\n", false)]
        {
            assert_eq!(is_email(text), valid, "{text:?}");
        }
    }
}
