//! Request bodies of the storage API: JSON as its clients write it (platform-storage §0.2).
//!
//! Names of members are matched in any letter case, unknown members are ignored, numbers and texts stand in for one
//! another where the value allows it, enumerations are names in any letter case or numbers, comments are skipped. Keys
//! of dictionaries are taken as they are. What still does not fit is refused with the member named (form V).

mod comments;
mod lenient;

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use mottak_service::{Problem, Refusal};
use serde::de::DeserializeOwned;

use crate::body::{content_type, is_json};
use crate::extract::invalid_member;
use crate::refusal::Refused;

/// The most bytes of a JSON body.
const LIMIT: usize = 16 * 1024 * 1024;

/// A JSON body of this shape that has to be there: 415 for another content type, 400 (V) for what does not fit.
/// A `null` is refused too; where the contract words that differently, ask for an `Option`.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Refused> {
    if !content_type(headers).is_some_and(is_json) {
        return Err(Refused(Refusal::Unsupported(Problem::bare())));
    }
    lenient(&whole(body).await?)
}

/// Reads JSON of this shape leniently; what does not fit is named by its member.
pub(super) fn lenient<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bare = comments::blank_out(bytes);
    if bare.iter().all(u8::is_ascii_whitespace) {
        return Err(invalid_member("", "A non-empty request body is required."));
    }
    let value: serde_json::Value = serde_json::from_slice(&bare).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        invalid_member("", format!("The body is not JSON that can be read: line {line}, position {column}."))
    })?;
    T::deserialize(lenient::Lenient(value)).map_err(|mismatch| {
        let message = format!("The value could not be read: {}.", mismatch.message);
        invalid_member(&mismatch.member, message)
    })
}

async fn whole(body: Body) -> Result<Bytes, Refused> {
    let collected = http_body_util::Limited::new(body, LIMIT).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Refused(Refusal::TooLarge(Problem::bare()))
        } else {
            Refused(Refusal::Invalid(Problem::bare()))
        }
    })?;
    Ok(collected.to_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mottak_model::{FlowType, Guid, InstanceStatus, ReadStatus, Time};
    use mottak_service::refusal::ProblemKind;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Sent {
        some_text: Option<String>,
        number: Option<i32>,
        is_set: bool,
        at: Option<Time>,
        id: Option<Guid>,
        flow: Option<FlowType>,
        inner: Option<Box<Sent>>,
        list: Vec<Sent>,
        keys: BTreeMap<String, Option<String>>,
    }

    fn member(text: &str) -> String {
        match lenient::<Sent>(text.as_bytes()) {
            Err(Refused(Refusal::Invalid(problem))) => match problem.kind {
                ProblemKind::Members(members) => members[0].0.clone(),
                other => panic!("{text}: {other:?}"),
            },
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn names_of_members_are_found_in_any_case_and_unknown_ones_ignored() {
        let sent: Sent = lenient(br#"{"SOMETEXT":"a","Inner":{"sometext":"b"},"x":{"y":[1]}}"#).unwrap();
        assert_eq!(sent.some_text.as_deref(), Some("a"));
        assert_eq!(sent.inner.unwrap().some_text.as_deref(), Some("b"));
        // The last of several counts.
        let sent: Sent = lenient(br#"{"someText":"a","SomeText":"b"}"#).unwrap();
        assert_eq!(sent.some_text.as_deref(), Some("b"));
    }

    #[test]
    fn numbers_and_texts_stand_in_for_one_another() {
        let sent: Sent = lenient(br#"{"someText":1337,"number":" 12 ","isSet":"True"}"#).unwrap();
        assert_eq!(
            sent,
            Sent { some_text: Some("1337".to_owned()), number: Some(12), is_set: true, ..Sent::default() }
        );
        let sent: Sent = lenient(br#"{"someText":true,"isSet":1,"number":3.0}"#).unwrap();
        assert_eq!(sent, Sent { some_text: Some("true".to_owned()), number: Some(3), is_set: true, ..Sent::default() });
    }

    #[test]
    fn enumerations_are_names_or_numbers() {
        for text in ["AbandonCurrentMoveToNext", "abandoncurrentmovetonext", "1"] {
            for quoted in [true, text != "1"] {
                let value = if quoted { format!("\"{text}\"") } else { text.to_owned() };
                let sent: Sent = lenient(format!("{{\"flow\":{value}}}").as_bytes()).unwrap();
                assert_eq!(sent.flow, Some(FlowType::AbandonCurrentMoveToNext), "{value}");
            }
        }
        let status: InstanceStatus = lenient(br#"{"readStatus":2,"isArchived":"true"}"#).unwrap();
        assert_eq!(status.read_status, ReadStatus::UpdatedSinceLastReview);
    }

    #[test]
    fn keys_of_dictionaries_are_taken_as_they_are() {
        let sent: Sent = lenient(br#"{"keys":{"a":"1","A":2,"b":null}}"#).unwrap();
        let expected = [("A", Some("2")), ("a", Some("1")), ("b", None)];
        assert!(sent.keys.iter().map(|(key, value)| (key.as_str(), value.as_deref())).eq(expected));
    }

    #[test]
    fn comments_are_skipped() {
        let text = "\u{feff}// so\n{ /* \"number\": */ \"someText\": \"a // b /* c */ \\\" //\", // last\n \"number\": 3 }/**/";
        let sent: Sent = lenient(text.as_bytes()).unwrap();
        assert_eq!(sent.some_text.as_deref(), Some("a // b /* c */ \" //"));
        assert_eq!(sent.number, Some(3));
    }

    #[test]
    fn null_is_absent_where_a_value_may_be() {
        let sent: Sent = lenient(br#"{"someText":null,"inner":null,"list":null,"keys":null}"#).unwrap();
        assert_eq!(sent, Sent::default());
        assert_eq!(lenient::<Option<Sent>>(b"null").unwrap(), None);
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_member() {
        for (text, name) in [
            ("", ""),
            ("/* nothing */", ""),
            ("{", ""),
            ("null", ""),
            ("[]", ""),
            ("\"text\"", ""),
            (r#"{"number":"many"}"#, "number"),
            (r#"{"number":1.5}"#, "number"),
            (r#"{"number":99999999999}"#, "number"),
            (r#"{"isSet":null}"#, "isSet"),
            (r#"{"INNER":{"at":"tomorrow"}}"#, "inner.at"),
            (r#"{"list":[{},{"id":"x"}]}"#, "list[1].id"),
            (r#"{"keys":{"a":{}}}"#, "keys.a"),
            (r#"{"flow":"Sideways"}"#, "flow"),
            (r#"{"flow":7}"#, "flow"),
            (r#"{"someText":{}}"#, "someText"),
        ] {
            assert_eq!(member(text), name, "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(100_000);
        assert_eq!(member(&deep), "");
    }
}
