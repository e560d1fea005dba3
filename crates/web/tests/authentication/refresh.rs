//! A token anew (platform-authentication §8.3).

use mottak_testing::covers;
use mottak_testkit::Sending;
use serde_json::{Value, json};

use crate::world::{MASKINPORTEN, NOW, OWN, UPSTREAM, World, changed, claims, given, system_user_claims, user_claims};

const REFRESH: &str = "/authentication/api/v1/refresh";
/// Claims that are times.
const TIMES: [&str; 4] = ["iat", "nbf", "exp", "oiat"];

fn ask(world: &World, token: &str) -> Sending {
    world.server.with_token(token).get(REFRESH)
}

/// An exchanged token of an organisation: no session is behind it.
fn organisation() -> Value {
    json!({
        "iss": user_claims()["iss"],
        "urn:altinn:orgNumber": "974760223",
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "scope": "altinn:instances.read",
        "client_id": "a-client",
        "sid": "a-session",
        "sub": "a-subject",
        "amr": ["a"],
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800,
    })
}

#[tokio::test]
async fn a_token_is_renewed_with_all_it_says() {
    let _rows = covers("platform-authentication", &["R01"]);
    let world = World::new();
    world.wait_until(600);
    for before in [organisation(), system_user_claims()] {
        let answer = ask(&world, &OWN.token(&before)).send().await;
        let mut after = given(&answer);
        assert_eq!(
            (&after["iat"], &after["nbf"], &after["exp"]),
            (&json!(NOW + 600), &json!(NOW + 600), &json!(NOW + 2400))
        );
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-content-type-options")),
            (Some("no-store"), Some("nosniff"))
        );
        let mut before = before;
        for time in TIMES {
            after.shift_remove(time);
            before.as_object_mut().expect("an object").shift_remove(time);
        }
        assert_eq!(Value::Object(after), before);
    }
}

#[tokio::test]
async fn the_token_comes_as_the_client_reads_it() {
    let _rows = covers("platform-authentication", &["R02", "R03"]);
    let world = World::new();
    let token = OWN.token(&organisation());
    let json = ask(&world, &token).accept("application/json").send().await.expect(200);
    assert_eq!(json.header("content-type"), Some("application/json; charset=utf-8"));
    assert!(json.text().starts_with('"') && json.text().ends_with('"'), "{}", json.text());
    let page = ask(&world, &token).accept("text/html,*/*;q=0.8").send().await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(page.text().starts_with("ey"), "{}", page.text());
}

#[tokio::test]
async fn only_a_good_token_of_ours_is_renewed() {
    let _rows = covers("platform-authentication", &["R04", "R05"]);
    let world = World::new();
    let nobody = world.server.anonymous().get(REFRESH).send().await.expect(401);
    assert_eq!(nobody.text(), "");
    let raw_system_user = UPSTREAM.token(&changed(&system_user_claims(), json!({"iss": MASKINPORTEN})));
    assert_eq!(ask(&world, &raw_system_user).send().await.status, 401);
    let token = OWN.token(&organisation());
    let cookie = world.server.anonymous().get(REFRESH).header("cookie", &format!("AltinnStudioRuntime={token}"));
    assert_eq!(given(&cookie.send().await)["client_id"], "a-client");
    world.wait_until(1800 + 11);
    assert_eq!(ask(&world, &token).send().await.status, 401);
}

#[tokio::test]
async fn the_national_identity_number_is_added_when_asked_for() {
    let _rows = covers("platform-authentication", &["R06", "R16"]);
    let world = World::new();
    let enriched = async |changes: Value| {
        let token = OWN.token(&changed(&user_claims(), changes));
        let client = world.server.with_token(token);
        given(&client.get(format!("{REFRESH}?enrichPid=true")).send().await)
    };
    let uuid = json!("e9dd7d91-32d8-4933-a108-07562762d572");
    assert_eq!(enriched(json!({"urn:altinn:party:uuid": uuid})).await["pid"], "01039012345");
    assert_eq!(enriched(json!({"urn:altinn:party:uuid": uuid, "pid": "12345678901"})).await["pid"], "12345678901");
    assert!(!enriched(json!({})).await.contains_key("pid"));
    let unknown = json!({"urn:altinn:party:uuid": "00000000-0000-4000-8000-000000000000"});
    assert!(!enriched(unknown).await.contains_key("pid"));
    let plain = OWN.token(&changed(&user_claims(), json!({"urn:altinn:party:uuid": uuid})));
    assert!(!given(&ask(&world, &plain).send().await).contains_key("pid"));
}

#[tokio::test]
async fn no_login_is_renewed_for_ever() {
    let _rows = covers("platform-authentication", &["R09"]);
    let world = World::new();
    let mut token = OWN.token(&user_claims());
    let mut seconds = 0;
    let refused_at = loop {
        seconds += 600;
        world.wait_until(seconds);
        let answer = ask(&world, &token).send().await;
        if answer.status == 401 {
            break seconds;
        }
        token = answer.expect(200).text();
        assert!(seconds < 13 * 3600, "still renewed");
    };
    assert_eq!(refused_at, 12 * 3600);
    // The last token runs out as every other.
    assert_eq!(claims(&token)["exp"], NOW + refused_at - 600 + 1800);
}

#[tokio::test]
async fn other_sites_read_no_token() {
    let _rows = covers("platform-authentication", &["Z06"]);
    let world = World::new();
    let cookie = format!("AltinnStudioRuntime={}", OWN.token(&user_claims()));
    let request = world.server.anonymous().get(REFRESH).header("cookie", &cookie);
    let answer = request.header("origin", "https://other.example").send().await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}
