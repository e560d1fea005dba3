//! Claims → caller.

use mottak_model::PartyId;
use mottak_testing::covers;
use serde_json::{Map, Value, json};

use super::{changed, object, owner_claims, system_user_claims, user_claims};
use crate::authentication::{Caller, CallerProblem, Identity};

fn caller(claims: &Map<String, Value>) -> Caller {
    Caller::from_claims(claims).unwrap_or_else(|problem| panic!("{problem}: {claims:?}"))
}

fn problem(claims: &Map<String, Value>) -> CallerProblem {
    match Caller::from_claims(claims) {
        Ok(caller) => panic!("{caller:?} from {claims:?}"),
        Err(problem) => problem,
    }
}

#[test]
fn numbers_may_be_written_as_text() {
    let _rows = covers("platform-authentication", &["V26"]);
    let texts = changed(
        &user_claims(),
        json!({"urn:altinn:userid": "1337", "urn:altinn:partyid": "501337", "urn:altinn:authlevel": "4"}),
    );
    let numbers = changed(&user_claims(), json!({"urn:altinn:userid": 1337, "urn:altinn:partyid": 501_337}));
    for claims in [texts, numbers] {
        let caller = caller(&claims);
        let user = caller.user().expect("a user");
        assert_eq!((user.user_id, user.party_id, caller.level()), (1337, PartyId::new(501_337), 4));
        assert_eq!(caller.performed_by().as_deref(), Some("1337"));
        assert_eq!(caller.method(), Some("BankID"));
        assert_eq!(caller.session(), Some("a-session"));
    }
}

#[test]
fn names_of_claims_are_matched_without_regard_to_case() {
    let claims = object(json!({
        "URN:ALTINN:UserID": 1, "urn:altinn:PARTYID": 2, "urn:altinn:AuthLevel": 1, "urn:Altinn:authenticateMethod": "x",
    }));
    assert_eq!(caller(&claims).user().map(|user| user.user_id), Some(1));
    let ambiguous = changed(&user_claims(), json!({"urn:altinn:UserId": "1338"}));
    assert_eq!(problem(&ambiguous), CallerProblem::Repeated("urn:altinn:userid"));
}

#[test]
fn a_level_outside_0_to_4_is_no_level() {
    let _rows = covers("platform-authentication", &["V27"]);
    for level in [json!(5), json!(-1), json!("l"), json!(2.5), json!(true), json!([2])] {
        let claims = changed(&user_claims(), json!({"urn:altinn:authlevel": level}));
        assert_eq!(problem(&claims), CallerProblem::Malformed("urn:altinn:authlevel"));
    }
    let without = changed(&user_claims(), json!({"urn:altinn:authlevel": null}));
    assert_eq!(problem(&without), CallerProblem::Missing("urn:altinn:authlevel"));
}

#[test]
fn a_user_needs_party_and_method() {
    let _rows = covers("platform-authentication", &["V28"]);
    for name in ["urn:altinn:partyid", "urn:altinn:authenticatemethod"] {
        assert_eq!(problem(&changed(&user_claims(), json!({name: null}))), CallerProblem::Missing(name));
    }
    for (name, value) in [
        ("urn:altinn:userid", json!("x")),
        ("urn:altinn:userid", json!(4_294_967_296_i64)),
        ("urn:altinn:partyid", json!({})),
        ("urn:altinn:party:uuid", json!("x")),
        ("pid", json!("123")),
        ("scope", json!(1)),
    ] {
        assert_eq!(problem(&changed(&user_claims(), json!({name: value}))), CallerProblem::Malformed(name));
    }
}

#[test]
fn level_0_is_self_identified() {
    let _rows = covers("platform-authentication", &["C12"]);
    let user = changed(&user_claims(), json!({"urn:altinn:authlevel": 0, "urn:altinn:username": "SelvRegistrert"}));
    assert!(caller(&user).is_self_identified());
    assert_eq!(caller(&user).user().and_then(|user| user.username.as_deref()), Some("SelvRegistrert"));
    assert!(!caller(&user_claims()).is_self_identified());
    assert!(!Caller::anonymous().is_self_identified());
}

#[test]
fn an_organisation_with_a_code_is_a_service_owner() {
    let _rows = covers("platform-authentication", &["C08"]);
    let caller = caller(&owner_claims());
    assert_eq!(caller.service_owner(), Some("ttd"));
    assert_eq!(caller.org_number(), Some("405003309"));
    assert!(caller.is_service_owner_of("TTD") && !caller.is_service_owner_of("skd"));
    assert_eq!(caller.performed_by().as_deref(), Some("405003309"));
    assert!(caller.is_owner_like());
    let named = caller.platform_user();
    assert_eq!((named.org_id.as_deref(), named.authentication_level), (Some("ttd"), 3));
}

#[test]
fn an_organisation_without_a_code_is_an_organisation() {
    let _rows = covers("platform-authentication", &["C09", "C11"]);
    let claims = changed(&owner_claims(), json!({"urn:altinn:org": null, "urn:altinn:orgNumber": "043871668"}));
    assert_eq!(*caller(&claims).identity(), Identity::Org { number: "043871668".to_owned() });
    let enterprise_user = changed(&claims, json!({"urn:altinn:userid": 1, "urn:altinn:partyid": 2}));
    assert_eq!(*caller(&enterprise_user).identity(), Identity::Org { number: "043871668".to_owned() });
}

#[test]
fn a_service_owner_needs_a_number_a_level_and_a_method() {
    let _rows = covers("platform-authentication", &["C10"]);
    for name in ["urn:altinn:orgNumber", "urn:altinn:authlevel", "urn:altinn:authenticatemethod"] {
        assert_eq!(problem(&changed(&owner_claims(), json!({name: null}))), CallerProblem::Missing(name));
    }
    for number in [json!(405_003_309), json!("40500330"), json!("40500330x")] {
        let claims = changed(&owner_claims(), json!({"urn:altinn:orgNumber": number}));
        assert_eq!(problem(&claims), CallerProblem::Malformed("urn:altinn:orgNumber"));
    }
}

#[test]
fn the_details_of_a_system_user_are_an_object_or_an_array_of_one() {
    let _rows = covers("platform-authentication", &["C03", "C04"]);
    let claims = system_user_claims();
    let details = claims["authorization_details"].clone();
    for details in [details.clone(), json!([details])] {
        let caller = caller(&changed(&claims, json!({"authorization_details": details, "urn:altinn:org": "ttd"})));
        let system_user = caller.system_user().expect("a system user");
        assert_eq!(system_user.owner_org_number, "950474084");
        assert_eq!(system_user.vendor_org_number, "913312465");
        assert_eq!(system_user.system_id, "913312465_sbs");
        assert_eq!((caller.level(), caller.method()), (3, Some("maskinporten")));
        assert_eq!(caller.performed_by().as_deref(), Some("950474084"));
        let named = caller.platform_user();
        assert_eq!(named.system_user_owner_org_no.as_deref(), Some("950474084"));
        assert_eq!(named.system_user_id, Some(system_user.id));
    }
    let mut consent = details.clone();
    consent["type"] = "urn:altinn:consent".into();
    for details in [json!([details, details]), json!([]), json!("x"), consent] {
        let claims = changed(&claims, json!({"authorization_details": details}));
        assert_eq!(problem(&claims), CallerProblem::Malformed("authorization_details"));
    }
}

#[test]
fn a_system_user_must_be_described_in_full() {
    let _rows = covers("platform-authentication", &["C05", "C17"]);
    let claims = system_user_claims();
    for (pointer, value) in [
        ("/systemuser_id", json!([])),
        ("/systemuser_id", json!(["abc"])),
        ("/systemuser_id", json!("d111dbab-d619-4f15-bf29-58fe570a9ae6")),
        ("/system_id", json!(" ")),
        ("/systemuser_org/authority", json!("other")),
        ("/systemuser_org/ID", json!("0192:950474085")),
        ("/systemuser_org/ID", json!("9908:950474084")),
        ("/systemuser_org/ID", json!("")),
        ("/systemuser_org/ID", json!("\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}")),
    ] {
        let mut details = claims["authorization_details"].clone();
        *details.pointer_mut(pointer).expect("a member") = value;
        let claims = changed(&claims, json!({"authorization_details": details}));
        assert_eq!(problem(&claims), CallerProblem::Malformed("authorization_details"), "{pointer}");
    }
    assert_eq!(problem(&changed(&claims, json!({"consumer": null}))), CallerProblem::Missing("consumer"));
    let vendor = json!({"consumer": {"ID": "0192:913312466"}});
    assert_eq!(problem(&changed(&claims, vendor)), CallerProblem::Malformed("consumer"));
    assert!(caller(&changed(&claims, json!({"consumer": {"ID": "913312465"}}))).system_user().is_some());
}

#[test]
fn a_raw_token_that_could_be_exchanged_says_so() {
    let _rows = covers("platform-authentication", &["C07"]);
    let raw = object(json!({"iss": "https://test.maskinporten.no/", "scope": "altinn:instances.read"}));
    assert_eq!(problem(&raw), CallerProblem::MustBeExchanged);
    assert!(CallerProblem::MustBeExchanged.to_string().contains("/exchange/{provider}"));
    for other in [json!({"scope": "openid"}), json!({"iss": "https://own.example/"})] {
        assert_eq!(*caller(&changed(&raw, other)).identity(), Identity::Unknown);
    }
}

#[test]
fn checks_go_by_the_altinn_scope_claim_first() {
    let claims = changed(&owner_claims(), json!({"scope": "openid", "urn:altinn:scope": "altinn:serviceowner"}));
    assert!(caller(&claims).scopes().has("altinn:serviceowner"));
    assert!(!caller(&claims).is_owner_like());
}

#[test]
fn nobody_has_no_name_in_the_records() {
    let anonymous = Caller::anonymous();
    assert!(anonymous.is_anonymous());
    assert_eq!((anonymous.performed_by(), anonymous.level(), anonymous.policy_attributes()), (None, 0, &[][..]));
}

#[test]
fn national_identity_numbers_stay_out_of_debug_output_and_history() {
    let email = "urn:altinn:person:idporten-email:kari%40example.no";
    let personal = json!({"pid": "01039012345", "urn:altinn:party:external-identifier": email});
    let caller = caller(&changed(&user_claims(), personal));
    let user = caller.user().expect("a user");
    assert_eq!(user.national_identity_number.as_deref(), Some("01039012345"));
    let shown = format!("{caller:?}");
    assert!(!["01039012345", "kari", "a-session"].iter().any(|personal| shown.contains(personal)), "{shown}");
    assert_eq!(caller.platform_user().national_identity_number, None);
}
