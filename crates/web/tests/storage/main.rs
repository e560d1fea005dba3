//! The platform's storage API over HTTP, row by row of platform-storage §5.1–5.6 and §5.10.
//!
//! [`fixtures`] is the world of the contract's own cases, [`own`] a small one for what they do not reach. Every list
//! is asked of both kinds of store.

mod applications;
mod callers;
mod cleanup;
mod complete;
mod creating;
mod data;
mod data_descriptions;
mod data_locks;
mod data_removals;
mod data_replacements;
mod data_uploads;
mod deleting;
mod describing;
mod downloads;
mod errors;
mod events;
mod filters;
mod fixtures;
mod flow;
mod history;
mod instance_locks;
mod instances;
mod legacy;
mod message_box;
mod moving;
mod own;
mod paging;
mod races;
mod registrations;
mod rights;
mod scanning;
mod shape;
mod sign;
mod studio;

use mottak_testkit::{Answer, Client, Engines, TestServer};
use serde_json::{Value, json};

const API: &str = "/storage/api/v1";
const BACKINGS: Engines = Engines;
const JSON: &str = "application/json; charset=utf-8";
const SYNC: &str = "altinn:storage/instances.syncadapter";

/// Claims of the user with this id and own party.
fn user(id: i32, party: i32, level: u8) -> Value {
    json!({
        "urn:altinn:userid": id.to_string(),
        "urn:altinn:partyid": party,
        "urn:altinn:authlevel": level,
        "urn:altinn:authenticatemethod": "BankID",
        "scope": "altinn:portal/enduser",
    })
}

/// Claims of an application owner.
fn owner(org: &str, scope: &str) -> Value {
    json!({
        "urn:altinn:org": org,
        "urn:altinn:orgNumber": number_of(org),
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "scope": scope,
    })
}

/// The designer of apps.
fn studio(server: &TestServer) -> Client {
    server.with_claims(json!({ "urn:altinn:app": "studio.designer" }))
}

/// Every application owner has a number here.
fn number_of(org: &str) -> &'static str {
    match org {
        "ttd" => "405003309",
        "tdd" => "405003310",
        "digdir" => "991825827",
        _ => "405003399",
    }
}

#[track_caller]
fn expect_status(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
}

/// Form E: nothing but the status.
#[track_caller]
fn expect_empty(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.text(), "");
    assert_eq!(answer.header("www-authenticate"), None);
}

/// Form S: the text as a JSON string.
#[track_caller]
fn expect_text(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.json(), json!(text));
}

/// Form P: problem details without words of our own.
#[track_caller]
fn expect_problem(answer: &Answer, status: u16, title: &str, section: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let body = answer.json();
    let trace = body["traceId"].as_str().unwrap_or_default();
    assert!(trace.starts_with("00-"), "{trace}");
    let kind = format!("https://tools.ietf.org/html/rfc9110#section-{section}");
    assert_eq!(body, json!({ "type": kind, "title": title, "status": status, "traceId": trace }));
}

/// Form V: the members of the request that do not parse.
#[track_caller]
fn expect_invalid(answer: &Answer, members: &[&str]) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let body = answer.json();
    assert_eq!(body["title"], "One or more validation errors occurred.");
    assert_eq!(body["type"], "https://tools.ietf.org/html/rfc9110#section-15.5.1");
    assert_eq!(body["status"], 400);
    let named: Vec<&str> =
        body["errors"].as_object().expect("errors are an object").keys().map(String::as_str).collect();
    assert_eq!(named, members);
    assert!(body["errors"].as_object().expect("an object").values().all(|messages| messages[0].is_string()));
}

/// The ids of a page, in its order.
#[track_caller]
fn ids(page: &Value) -> Vec<String> {
    let instances = page["instances"].as_array().expect("a page has instances");
    assert_eq!(page["count"], instances.len(), "the page counts its instances");
    instances.iter().map(|instance| instance["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Path and query of a link on the public host.
#[track_caller]
fn path_of(link: &Value) -> String {
    let link = link.as_str().expect("the page has a link");
    link.strip_prefix("https://platform.example.no").expect("links are on the public host").to_owned()
}
