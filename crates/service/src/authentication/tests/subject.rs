//! Claims → subject of a policy decision (platform-authorization §5.1).

use serde_json::{Map, Value, json};

use super::{changed, object, owner_claims, system_user_claims, user_claims};
use crate::authentication::Caller;

fn attributes(claims: &Map<String, Value>) -> Vec<(String, String)> {
    Caller::from_claims(claims).expect("a caller").policy_attributes().to_vec()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, value)| ((*id).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_user_is_known_by_the_user_id() {
    let expected = [
        ("urn:altinn:party:uuid", "e9dd7d91-32d8-4933-a108-07562762d572"),
        ("urn:altinn:authlevel", "4"),
        ("urn:altinn:authenticatemethod", "BankID"),
        ("urn:scope", "openid altinn:portal/enduser"),
        ("urn:altinn:sessionid", "a-session"),
        ("urn:altinn:userid", "1337"),
    ];
    assert_eq!(attributes(&user_claims()), pairs(&expected));
    let with_jti_after = changed(&user_claims(), json!({"jti": "other"}));
    assert_eq!(attributes(&with_jti_after), pairs(&expected));
}

#[test]
fn a_service_owner_is_known_by_its_number_under_both_names() {
    let expected = [
        ("urn:altinn:org", "ttd"),
        ("urn:altinn:authlevel", "3"),
        ("urn:altinn:authenticatemethod", "maskinporten"),
        ("urn:scope", "altinn:serviceowner/instances.read altinn:serviceowner/instances.write"),
        ("urn:altinn:organizationnumber", "405003309"),
        ("urn:altinn:organization:identifier-no", "405003309"),
    ];
    assert_eq!(attributes(&owner_claims()), pairs(&expected));
    let named = changed(&owner_claims(), json!({"urn:altinn:organization:identifier-no": "991825827"}));
    assert_eq!(attributes(&named).last(), pairs(&[("urn:altinn:organization:identifier-no", "991825827")]).last());
}

#[test]
fn of_a_system_user_only_its_id_counts() {
    let expected = pairs(&[("urn:altinn:systemuser:uuid", "d111dbab-d619-4f15-bf29-58fe570a9ae6")]);
    assert_eq!(attributes(&system_user_claims()), expected);
    let exchanged = changed(&system_user_claims(), json!({"urn:altinn:orgNumber": "913312465"}));
    assert_eq!(attributes(&exchanged), expected);
}

#[test]
fn the_consumer_stands_in_where_no_other_number_is() {
    let claims = object(json!({"consumer": {"ID": "9908:974760223"}, "urn:x": {"a": 1}, "other": "dropped"}));
    let expected = [("urn:x", r#"{"a":1}"#), ("urn:altinn:organization:identifier-no", "974760223")];
    assert_eq!(attributes(&claims), pairs(&expected));
}
