//! How a 403 looks, by who decided it and what was missing (app-api §1.4, §1.7, §20.1–20.2).

use mottak_testing::covers;
use serde_json::json;

use crate::callers::{OTHER_USER, PARTY, USER, make, make_for, owner_at_level, server, text, upload};

/// A party for which user 1337 is the general manager: notes may be read and written.
const MANAGED: i32 = 500_000;

#[tokio::test]
async fn instantiation_below_the_level_of_the_policy_says_the_level_in_the_body() {
    let _rows = (covers("app-api", &["INS-29"]), covers("platform-authentication", &["S15"]));
    let server = server();
    let path = format!("/ttd/adgang/instances?instanceOwnerPartyId={PARTY}");
    let answer = server.user_at_level(USER, 2).post(path.as_str()).send().await.expect(403);
    assert_eq!(answer.json(), json!({"RequiredAuthenticationLevel": "3"}));
    assert_eq!(answer.header("altinn-required-level"), Some("3"));
    assert_eq!(answer.header("altinn-missing-action"), Some("instantiate"));
    let answer = owner_at_level(&server, 1).post(path.as_str()).send().await.expect(403);
    assert_eq!(answer.json(), json!({"RequiredAuthenticationLevelOrg": "2"}));
    assert_eq!(server.user_at_level(USER, 3).post(path.as_str()).send().await.status, 201);
}

#[tokio::test]
async fn instantiation_without_the_right_is_a_standard_problem() {
    let _rows = covers("app-api", &["INS-28"]);
    let server = server();
    let path = format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={PARTY}");
    let answer = server.user(OTHER_USER).post(path).send().await.expect(403);
    let problem = answer.json();
    assert_eq!(problem["type"], "https://tools.ietf.org/html/rfc9110#section-15.5.4");
    assert_eq!((&problem["title"], &problem["status"]), (&json!("Forbidden"), &json!(403)));
    assert!(problem["traceId"].is_string() && problem["detail"].is_null());
    assert_eq!(answer.header("altinn-missing-action"), Some("instantiate"));
}

#[tokio::test]
async fn the_policy_of_a_route_refuses_with_an_empty_body_and_says_why_in_headers() {
    let server = server();
    let made = make(&server.user_at_level(USER, 3), "adgang").await;
    let data = format!("{}/data/{}", made.path, made.form);
    let answer = server.user_at_level(USER, 2).get(data.as_str()).send().await.expect(403);
    assert!(answer.body.is_empty() && answer.header("content-type").is_none());
    assert_eq!(answer.header("altinn-missing-action"), Some("read"));
    assert_eq!(answer.header("altinn-required-level"), Some("3"));
    let answer = server.user_at_level(OTHER_USER, 4).put(data).json(&json!({})).send().await.expect(403);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("altinn-missing-action"), Some("write"));
    assert_eq!(answer.header("altinn-required-level"), None);
}

#[tokio::test]
async fn elements_that_need_an_action_of_their_own_are_hidden_from_those_without_it() {
    let server = server();
    let user = server.user_at_level(USER, 3);
    let owner = owner_at_level(&server, 2);
    let managed = make_for(&user, "adgang", MANAGED).await;
    let note = upload(&user, &format!("{}/data/type/notat", managed.path)).await.expect(200);
    let note = text(&note.json()["newDataElementId"]);
    let ids = |instance: serde_json::Value| -> Vec<String> {
        instance["data"].as_array().expect("elements").iter().map(|element| text(&element["id"])).collect()
    };
    assert!(ids(user.get(managed.path.as_str()).send().await.expect(200).json()).contains(&note));
    assert!(ids(owner.get(managed.path.as_str()).send().await.expect(200).json()).contains(&note));
    // Of user 1001, who keeps no accounts and manages nothing here, the policy permits nothing at all.
    assert_eq!(server.user_at_level(1001, 4).get(managed.path.as_str()).send().await.status, 403);
    let refused = owner.put(format!("{}/data/{note}", managed.path));
    assert_eq!(refused.file("x.pdf", "application/pdf", &b"%PDF"[..]).send().await.status, 403);
    let read = user.get(format!("{}/data/{note}", managed.path)).send().await;
    assert_eq!(read.status, 200);
}

#[tokio::test]
async fn the_accountant_gets_no_notes_and_writes_none() {
    let server = server();
    let accountant = server.user_at_level(USER, 3);
    let made = make(&accountant, "adgang").await;
    let answer = upload(&accountant, &format!("{}/data/type/notat", made.path)).await.expect(403);
    let problem = answer.json();
    assert_eq!(problem["title"], "Unauthorized");
    assert_eq!(problem["detail"], "Access denied for data element of type notat");
    assert_eq!(problem["traceId"], json!(null));
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
}

#[tokio::test]
async fn the_customer_of_a_system_user_is_the_only_party_it_acts_for() {
    let server = server();
    let user = server.user(USER);
    let (own, other) = (make(&user, "kulturstotte").await, make_for(&user, "kulturstotte", MANAGED).await);
    let system = server.system_user();
    assert_eq!(system.get(own.path.as_str()).send().await.status, 200);
    assert_eq!(system.get(other.path.as_str()).send().await.status, 403);
    let elsewhere = format!("/ttd/kulturstotte/instances?instanceOwnerPartyId={MANAGED}");
    assert_eq!(system.post(elsewhere).send().await.status, 403);
}
