//! POST instances without data: templates, who may, what comes out (app-api §3.1).

use mottak_testing::covers;
use mottak_testkit::TestServer;
use serde_json::{Value, json};

use crate::world::*;

#[tokio::test]
async fn a_party_in_the_query_is_enough() {
    let _rows = covers("app-api", &["INS-01"]);
    let server = server();
    let answer = instantiate(&server.user(1337), 501_337).send().await.expect(201);
    let body = answer.json();
    let location = answer.header("location").expect("a location");
    let id = body["id"].as_str().unwrap();
    assert_eq!(location, format!("https://localhost{APP}/instances/{id}"));
    assert!(id.starts_with("501337/") && id.len() == "501337/".len() + 36);
    assert_eq!(body["selfLinks"]["apps"], location);
    assert_eq!(body["selfLinks"]["platform"], format!("https://platform.example.no/storage/api/v1/instances/{id}"));
    let data = body["data"].as_array().unwrap();
    assert_eq!(data.len(), 1);
    assert_eq!((&data[0]["dataType"], &data[0]["contentType"]), (&json!("skjema"), &json!("application/xml")));
    assert_eq!(data[0]["isRead"], true);
    let task = &body["process"]["currentTask"];
    assert_eq!(task["elementId"], "Task_1");
    assert_eq!(task["flow"], 2);
    assert_eq!(task["altinnTaskType"], "data");
    assert_eq!(task["flowType"], "CompleteCurrentMoveToNext");
    assert_eq!(body["process"]["startEvent"], "StartEvent_1");
    assert_eq!(body["status"]["readStatus"], 1);
    assert_eq!((&body["createdBy"], &body["lastChangedBy"]), (&json!("1337"), &json!("1337")));
    assert_eq!(stored(&server).await.len(), 1);
}

#[tokio::test]
async fn an_empty_json_body_is_no_template() {
    let _rows = covers("app-api", &["INS-02"]);
    let server = server();
    for body in ["", " \r\n", "null"] {
        instantiate(&server.user(1337), 501_337).body("application/json", body).send().await.expect(201);
    }
}

#[tokio::test]
async fn a_template_names_the_owner() {
    let _rows = covers("app-api", &["INS-03"]);
    let server = server();
    for (content_type, body) in [
        ("application/json", json!({ "instanceOwner": { "partyId": "501337" } })),
        ("application/json; charset=utf-8", json!({ "INSTANCEOWNER": { "PARTYID": 501_337 } })),
        ("application/json", json!({ "instanceOwner": { "personNumber": "01039012345" } })),
    ] {
        // Comments are read over.
        let text = format!("/* a comment */ {body} // another");
        let sending = server.user(1337).post(format!("{APP}/instances")).body(content_type, text);
        let owner = &sending.send().await.expect(201).json()["instanceOwner"];
        assert_eq!((&owner["partyId"], &owner["personNumber"]), (&json!("501337"), &json!("01039012345")), "{body}");
    }
}

#[tokio::test]
async fn an_owner_of_apps_says_the_status() {
    let _rows = covers("app-api", &["INS-04"]);
    let server = server();
    let body = json!({
        "instanceOwner": { "partyId": 501_337 },
        "status": {
            "readStatus": "UpdatedSinceLastReview",
            "substatus": { "label": "Under arbeid", "description": "Saksbehandler ser på den" },
            "isArchived": true
        },
        "id": "1/9edd53de-f46f-40a1-bb4d-3efb93dc113d",
        "org": "nav",
        "appId": "nav/annet",
        "process": { "ended": "2020-01-01T00:00:00Z" }
    });
    let created = server.ttd().post(format!("{APP}/instances")).json(&body).send().await.expect(201).json();
    assert_eq!(created["status"]["readStatus"], 2);
    assert_eq!(created["status"]["substatus"], body["status"]["substatus"]);
    assert_eq!(created["status"]["isArchived"], false);
    assert_eq!((&created["org"], &created["appId"]), (&json!("ttd"), &json!("ttd/opprettelse")));
    assert!(created["id"].as_str().unwrap().starts_with("501337/"));
    assert_eq!(created["process"]["ended"], Value::Null);
}

#[tokio::test]
async fn a_user_has_read_what_they_make() {
    let server = server();
    let body = json!({ "instanceOwner": { "partyId": "501337" }, "status": { "readStatus": 0 } });
    let created = server.user(1337).post(format!("{APP}/instances")).json(&body).send().await.expect(201).json();
    assert_eq!(created["status"]["readStatus"], 1);
}

#[tokio::test]
async fn dates_and_values_of_the_template_are_kept() {
    let server = server();
    let body = json!({
        "instanceOwner": { "partyId": "501337" },
        "dueBefore": "2030-02-01T12:00:00Z",
        "visibleAfter": "2029-02-01T12:00:00.1230000Z",
        "presentationTexts": { "Tittel": "En sak" },
        "dataValues": { "kode": "A", "nummer": 7 }
    });
    let created = server.user(1337).post(format!("{APP}/instances")).json(&body).send().await.expect(201).json();
    assert_eq!(created["dueBefore"], "2030-02-01T12:00:00Z");
    assert_eq!(created["visibleAfter"], "2029-02-01T12:00:00.123Z");
    assert_eq!(created["presentationTexts"]["Tittel"], "En sak");
    assert_eq!(created["dataValues"]["kode"], "A");
    assert_eq!(created["dataValues"]["nummer"], "7");
}

#[tokio::test]
async fn other_bodies_are_not_looked_at() {
    let server = server();
    for (content_type, body) in [("text/plain", "not JSON"), ("application/xml", "<x/>"), ("application/pdf", "%PDF")] {
        instantiate(&server.user(1337), 501_337).body(content_type, body).send().await.expect(201);
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_read_is_a_bad_request() {
    let _rows = covers("app-api", &["INS-41"]);
    let server = server();
    let deep = format!("{}{}", "{\"instanceOwner\":".repeat(10_000), "}".repeat(10_000));
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(2 * 1024 * 1024));
    for (body, status) in [
        ("{", 400),
        ("{\"instanceOwner\":}", 400),
        ("[]", 400),
        ("\"501337\"", 400),
        ("{\"instanceOwner\":{\"partyId\":\"501337\"},\"dueBefore\":\"i morgen\"}", 400),
        ("{\"instanceOwner\":{\"partyId\":\"501337\"},\"status\":{\"readStatus\":\"Lest\"}}", 400),
        (deep.as_str(), 400),
        (large.as_str(), 413),
    ] {
        let answer = server.user(1337).post(format!("{APP}/instances")).body("application/json", body.to_owned());
        let answer = answer.send().await.expect(status);
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["traceId"].is_null());
    }
    let without_boundary =
        server.user(1337).post(format!("{APP}/instances")).body("multipart/form-data", "--b").send().await.expect(400);
    assert_eq!(without_boundary.json()["title"], "Error reading request");
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn a_request_names_exactly_one_owner() {
    let _rows = covers("app-api", &["INS-23", "INS-24", "INS-25"]);
    let server = server();
    let user = server.user(1337);
    let without = user.post(format!("{APP}/instances")).send().await.expect(400);
    assert_eq!(
        sentence(&without),
        "Cannot create an instance without an instanceOwner.partyId. Either provide instanceOwner party Id as a query \
         parameter or an instanceTemplate object in the body."
    );
    let twice = instantiate(&user, 501_337).body("application/json", template("501337")).send().await.expect(400);
    assert_eq!(
        sentence(&twice),
        "You cannot provide an instanceOwnerPartyId as a query param as well as an instance template in the body. \
         Choose one or the other."
    );
    for nobody in [json!({}), json!({ "instanceOwner": null }), json!({ "instanceOwner": { "partyId": "" } })] {
        for path in [format!("{APP}/instances"), format!("{APP}/instances?instanceOwnerPartyId=501337")] {
            let answer = user.post(path).json(&nobody).send().await.expect(400);
            assert_eq!(
                sentence(&answer),
                "Error: instanceOwnerPartyId query parameter is empty and InstanceOwner is missing from instance \
                 template. You must populate instanceOwnerPartyId or InstanceOwner"
            );
        }
    }
    for party in ["abc", "1.5", "99999999999999"] {
        let answer = user.post(format!("{APP}/instances?instanceOwnerPartyId={party}")).send().await.expect(400);
        assert_eq!(answer.json()["title"], "One or more validation errors occurred.");
        assert!(answer.json()["errors"]["instanceOwnerPartyId"].is_array());
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn whom_the_policy_does_not_let_may_not() {
    let _rows = covers("app-api", &["INS-28"]);
    let server = TestServer::with_example_apps();
    let answer = server.user(1001).post("/ttd/kulturstotte/instances?instanceOwnerPartyId=501337").send().await;
    assert_standard_problem(&answer, 403, "Forbidden");
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn a_higher_level_is_asked_for_by_name() {
    let _rows = covers("app-api", &["INS-29"]);
    let policy = "config/authorization/policy.xml";
    let server = Variant::of(&example("kulturstotte"), |_| {})
        .replacing(policy, "XMLSchema#integer\">2<", "XMLSchema#integer\">3<")
        .server();
    let sending =
        |level| server.user_at_level(1337, level).post("/ttd/kulturstotte/instances?instanceOwnerPartyId=501337");
    let answer = sending(2).send().await.expect(403);
    assert_eq!(answer.text(), r#"{"RequiredAuthenticationLevel":"3"}"#);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_nothing(&stored(&server).await);
    sending(3).send().await.expect(201);
}

#[tokio::test]
async fn users_are_kept_out_in_production_where_the_app_says_so() {
    let _rows = covers("app-api", &["INS-32", "INS-33"]);
    let closed = || Variant::of(&app(), |metadata| metadata["disallowUserInstantiation"] = json!(true));
    let server = closed().server_of(TestServer::builder().in_production());
    let answer = instantiate(&server.user(1337), 501_337).send().await.expect(403);
    assert_eq!(sentence(&answer), "User instantiation is disabled for this application ttd/opprettelse");
    assert_nothing(&stored(&server).await);
    instantiate(&server.ttd(), 501_337).send().await.expect(201);
    let elsewhere = closed().server();
    instantiate(&elsewhere.user(1337), 501_337).send().await.expect(201);
}

#[tokio::test]
async fn whoever_shows_no_good_token_is_nobody() {
    let _rows = covers("app-api", &["INS-35"]);
    let server = server();
    for client in [server.anonymous(), server.expired_user(1337)] {
        let answer = instantiate(&client, 501_337).send().await.expect(401);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_nothing(&stored(&server).await);
}

#[tokio::test]
async fn what_an_owner_of_apps_makes_is_unread() {
    let _rows = covers("app-api", &["INS-38"]);
    let server = server();
    let created = instantiate(&server.ttd(), 501_337).send().await.expect(201).json();
    assert_eq!(created["status"]["readStatus"], 0);
    assert_eq!(created["createdBy"], "405003309");
    assert_eq!(created["data"][0]["isRead"], false);
    assert_eq!(created["data"][0]["createdBy"], "405003309");
}

#[tokio::test]
async fn an_unknown_app_is_not_found() {
    let server = server();
    let answer = server.user(1337).post("/ttd/ukjent/instances?instanceOwnerPartyId=501337").send().await;
    assert_standard_problem(&answer, 404, "Not Found");
}

#[tokio::test]
async fn links_are_spelled_as_the_request_is() {
    let server = server();
    let path = "/TTD/Opprettelse/INSTANCES/?instanceOwnerPartyId=501337";
    let sending = server.user(1337).post(path).header("host", "ttd.apps.example.no:8443");
    let answer = sending.send().await.expect(201);
    let start = "https://ttd.apps.example.no:8443/TTD/Opprettelse/instances/501337/";
    assert!(answer.header("location").unwrap().starts_with(start), "{:?}", answer.header("location"));
    let element = answer.json()["data"][0]["selfLinks"]["apps"].as_str().unwrap().to_owned();
    assert!(element.starts_with(start) && element.contains("/data/"), "{element}");
}
