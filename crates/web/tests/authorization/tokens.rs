//! Which credential of a request counts, and that none that is not good does (platform-authentication §8.1). What
//! makes a token good is tested where tokens are verified.

use mottak_testing::covers;
use mottak_testkit::{Client, TestServer};
use serde_json::json;

use crate::callers::{OTHER_USER, PARTY, USER, make, server, system_user_claims};

/// A server, the address of an instance that `USER` may read and `OTHER_USER` may not, and a client without token.
async fn probe() -> (TestServer, String, Client) {
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    let path = format!("/storage/api/v1/instances/{PARTY}/{}", made.guid);
    let nobody = server.anonymous();
    (server, path, nobody)
}

fn token_of(server: &TestServer, user: i32) -> String {
    server.user(user).token().expect("a token").to_owned()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn session(token: &str) -> String {
    format!("AltinnStudioRuntime={token}")
}

#[tokio::test]
async fn no_credential_is_401_without_body_and_challenge() {
    let _rows = covers("platform-authentication", &["V01"]);
    let (_, path, nobody) = probe().await;
    let answer = nobody.get(path).send().await.expect(401);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_bearer_counts_in_any_letter_case() {
    let _rows = covers("platform-authentication", &["V02", "V03"]);
    let (server, path, nobody) = probe().await;
    let token = token_of(&server, USER);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = nobody.get(path.as_str()).header("authorization", &format!("{scheme} {token}")).send().await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn the_session_cookie_counts_where_there_is_no_bearer() {
    let _rows = covers("platform-authentication", &["V04", "V08"]);
    let (server, path, nobody) = probe().await;
    let cookie = session(&token_of(&server, USER));
    assert_eq!(nobody.get(path.as_str()).header("cookie", &cookie).send().await.status, 200);
    let basic = nobody.get(path.as_str()).header("authorization", "Basic eDp5").header("cookie", &cookie);
    assert_eq!(basic.send().await.status, 200);
}

#[tokio::test]
async fn beside_a_bearer_no_cookie_counts() {
    let _rows = covers("platform-authentication", &["V05", "V06", "V07"]);
    let (server, path, nobody) = probe().await;
    let (permitted, other) = (token_of(&server, USER), token_of(&server, OTHER_USER));
    let forged = format!("{other}x");
    for (shown, cookie, status) in [
        (permitted.as_str(), other.as_str(), 200),
        (&other, &permitted, 403),
        (&permitted, &forged, 200),
        (&forged, &permitted, 401),
        ("nonsense", &permitted, 401),
    ] {
        let request = nobody.get(path.as_str()).header("authorization", &bearer(shown));
        let answer = request.header("cookie", &session(cookie)).send().await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let _rows = covers("platform-authentication", &["V30"]);
    let (server, path, nobody) = probe().await;
    let token = token_of(&server, USER);
    let request = nobody.get(path.as_str()).header("authorization", &bearer(&token));
    assert_eq!(request.header_again("authorization", &bearer(&token)).send().await.status, 401);
    let request = nobody.get(path).header("authorization", &bearer(&token)).header("cookie", &session(&token));
    assert_eq!(request.header_again("authorization", "Basic eDp5").send().await.status, 401);
}

#[tokio::test]
async fn where_everybody_may_a_bad_token_is_none() {
    let _rows = covers("platform-authentication", &["V32"]);
    let server = server();
    let path = "/ttd/kulturstotte/api/v1/applicationmetadata";
    for client in [server.anonymous(), server.expired_user(USER), server.user(USER)] {
        assert_eq!(client.get(path).send().await.status, 200);
    }
    let forged = server.anonymous().get(path).header("authorization", "Bearer a.b.c");
    assert_eq!(forged.send().await.status, 200);
}

#[tokio::test]
async fn noise_for_a_bearer_is_401_and_hurts_nobody() {
    let _rows = covers("platform-authentication", &["Z01"]);
    let (server, path, nobody) = probe().await;
    let good = token_of(&server, USER);
    // A linear congruential generator: the same noise every time.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).expect("24 bits")
    };
    for round in 0..1000 {
        let token = if round % 2 == 0 {
            (0..next() % 200).map(|_| char::from(b'!' + u8::try_from(next() % 94).expect("small"))).collect()
        } else {
            let mut bytes = good.clone().into_bytes();
            let at = next() % bytes.len();
            // Never the same character, and never the last, whose low bits may not matter.
            let at = at.min(bytes.len() - 2);
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).expect("ASCII")
        };
        if token.is_empty() {
            continue;
        }
        let answer = nobody.get(path.as_str()).header("authorization", &bearer(&token)).send().await;
        assert_eq!(answer.status, 401, "{token}");
    }
    assert_eq!(server.user(USER).get(path).send().await.status, 200);
}

#[tokio::test]
async fn malformed_claims_in_a_signed_token_are_401_and_never_500() {
    let (server, path, _) = probe().await;
    let base = json!({
        "urn:altinn:userid": "1337", "urn:altinn:partyid": 501_337, "urn:altinn:authlevel": 2,
        "urn:altinn:authenticatemethod": "BankID",
    });
    for (claim, wrong) in [
        ("urn:altinn:authlevel", json!(5)),
        ("urn:altinn:authlevel", json!(-1)),
        ("urn:altinn:authlevel", json!("l")),
        ("urn:altinn:authlevel", json!(null)),
        ("urn:altinn:userid", json!("abc")),
        ("urn:altinn:partyid", json!([])),
        ("urn:altinn:authenticatemethod", json!(null)),
        ("authorization_details", json!({"type": "other"})),
        ("urn:altinn:org", json!("ttd")),
    ] {
        let mut claims = base.clone();
        claims[claim] = wrong.clone();
        for path in [path.as_str(), "/ttd/kulturstotte/instances/500700/active"] {
            let answer = server.with_claims(claims.clone()).get(path).send().await;
            assert_eq!(answer.status, 401, "{claim} {wrong}");
        }
    }
}

#[tokio::test]
async fn a_system_user_is_itself_whether_named_alone_or_in_a_list() {
    let _rows = covers("platform-authentication", &["C02"]);
    let (server, path, _) = probe().await;
    let single = system_user_claims("d111dbab-d619-4f15-bf29-58fe570a9ae6", "950474084");
    let mut list = single.clone();
    list["authorization_details"] = json!([single["authorization_details"]]);
    for claims in [single, list] {
        let system = server.with_claims(claims);
        assert_eq!(system.get(path.as_str()).send().await.status, 200);
        let made = make(&system, "kulturstotte").await;
        let instance = system.get(format!("/storage/api/v1/instances/{PARTY}/{}", made.guid)).send().await.expect(200);
        assert_eq!(instance.json()["createdBy"], "950474084");
    }
}
