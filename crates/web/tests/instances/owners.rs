//! Whose the new instance is: from names and numbers to a party of the register (app-api §3.1 steps 8–11, §20.4).

use std::sync::atomic::Ordering;

use mottak_testing::covers;
use mottak_testkit::{Answer, Client, TestServer};
use serde_json::{Value, json};

use crate::registers::{Fragile, with_mail_user};
use crate::world::*;

async fn post(client: &Client, owner: Value) -> Answer {
    client.post(format!("{APP}/instances")).json(&json!({ "instanceOwner": owner })).send().await
}

#[tokio::test]
async fn a_user_with_a_mail_address_is_found_by_it() {
    let _rows = covers("app-api", &["INS-06"]);
    let server = TestServer::builder().apps([app()]).register(with_mail_user()).build();
    let organisation = server.organisation("897069650");
    for owner in [
        json!({ "username": "post@altinn.no" }),
        json!({ "username": "epost:post@altinn.no" }),
        json!({ "externalIdentifier": "urn:altinn:person:idporten-email:post%40altinn.no" }),
        json!({ "externalIdentifier": "urn:altinn:person:idporten-email:post@altinn.no" }),
    ] {
        let created = post(&organisation, owner.clone()).await.expect(201).json();
        let found = &created["instanceOwner"];
        assert_eq!(found["username"], "epost:post@altinn.no", "{owner}");
        assert_eq!(found["externalIdentifier"], "urn:altinn:person:idporten-email:post@altinn.no");
        assert_eq!((&found["partyId"], &found["personNumber"]), (&json!("510100"), &Value::Null));
        assert_eq!(created["createdBy"], "897069650");
    }
}

#[tokio::test]
async fn an_organisation_is_found_by_its_number() {
    let _rows = covers("app-api", &["INS-07"]);
    let server = server();
    for owner in [
        json!({ "organisationNumber": "897069650" }),
        json!({ "externalIdentifier": "urn:altinn:organization:identifier-no:897069650" }),
    ] {
        let created = post(&server.ttd(), owner).await.expect(201).json();
        let found = &created["instanceOwner"];
        assert_eq!((&found["partyId"], &found["organisationNumber"]), (&json!("500000"), &json!("897069650")));
        assert_eq!((&found["personNumber"], &found["username"]), (&Value::Null, &Value::Null));
        assert_eq!(found["party"]["partyTypeName"], 2);
        assert_eq!((&found["party"]["orgNumber"], &found["party"]["ssn"]), (&json!("897069650"), &Value::Null));
    }
}

#[tokio::test]
async fn a_self_identified_user_owns_by_name() {
    let server = server();
    let created = instantiate(&server.user_at_level(1004, 0), 510_004).send().await.expect(201).json();
    let owner = &created["instanceOwner"];
    assert_eq!(owner["username"], "Selvregistrert Bruker");
    assert_eq!(owner["externalIdentifier"], "urn:altinn:person:legacy-selfidentified:Selvregistrert Bruker");
    assert_eq!((&owner["personNumber"], &owner["organisationNumber"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_unknown_party_is_not_found() {
    let _rows = covers("app-api", &["INS-26"]);
    let server = server();
    let by_query = instantiate(&server.user(1337), 999_999).send().await.expect(404);
    assert_eq!(sentence(&by_query), "Cannot lookup party: Unknown party");
    let by_template = post(&server.user(1337), json!({ "partyId": "999999" })).await.expect(404);
    assert_eq!(sentence(&by_template), "Cannot lookup party: Unknown party");
    let text = sentence(&post(&server.user(1337), json!({ "partyId": "femti" })).await.expect(404));
    assert!(text.starts_with("Cannot lookup party: Failed to lookup party by partyId: femti."), "{text}");
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn refusals_do_not_repeat_numbers_of_people() {
    let server = server();
    for (owner, by) in [
        (json!({ "personNumber": "17858296430" }), "personNumber"),
        (json!({ "organisationNumber": "178582964" }), "organisationNumber"),
        (json!({ "username": "1785829643@example.no" }), "personNumber or organisationNumber"),
        (json!({ "externalIdentifier": "urn:altinn:person:identifier-no:17858296430" }), "externalIdentifier"),
        (json!({ "externalIdentifier": "1785829643" }), "externalIdentifier"),
    ] {
        let text = sentence(&post(&server.ttd(), owner).await.expect(404));
        assert!(text.starts_with(&format!("Cannot lookup party: Failed to lookup party by {by}")), "{text}");
        assert!(!text.contains("178582964"), "{text}");
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn a_register_that_does_not_answer_refuses() {
    let _rows = covers("app-api", &["INS-27", "INS-39"]);
    let (register, is_silent) = Fragile::new();
    let server = TestServer::builder().apps([app()]).register(register).build();
    is_silent.store(true, Ordering::Relaxed);
    assert_standard_problem(&instantiate(&server.user(1337), 501_337).send().await, 403, "Forbidden");
    assert_standard_problem(&post(&server.ttd(), json!({ "partyId": 501_337 })).await, 403, "Forbidden");
    for (owner, by) in [
        (json!({ "personNumber": "01039012345" }), "personNumber"),
        (json!({ "organisationNumber": "897069650" }), "organisationNumber"),
    ] {
        let text = sentence(&post(&server.ttd(), owner).await.expect(404));
        assert!(text.starts_with(&format!("Cannot lookup party: Failed to lookup party by {by}")), "{text}");
    }
    is_silent.store(false, Ordering::Relaxed);
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn the_app_says_what_kinds_of_parties_it_takes() {
    let _rows = covers("app-api", &["INS-30", "INS-31"]);
    let server = Variant::of(&app(), |metadata| metadata["partyTypesAllowed"]["subUnit"] = json!(true)).server();
    for refused in [500_000, 501_337] {
        let answer = instantiate(&server.user(1337), refused).send().await.expect(403);
        let expected = format!("Party {refused} is not allowed to instantiate this application ttd/opprettelse");
        assert_eq!(sentence(&answer), expected);
    }
    assert_nothing(&stored(&server).await);
    let created = instantiate(&server.user(1337), 500_002).send().await.expect(201).json();
    assert_eq!(created["instanceOwner"]["organisationNumber"], "897069652");
}
