//! What earlier systems called: every address says what takes its place (platform-storage §2.10).

use mottak_testing::covers;
use mottak_testkit::TestServer;

use crate::{API, expect_empty, own};

#[tokio::test]
async fn addresses_of_earlier_systems_say_what_takes_their_place() {
    let world = own::world(Default::default());
    let rendered = format!("ondemand/ttd/x/{}/{}/{}/nb", own::SOPHIES_PARTY, own::guid(1), own::guid(2));
    let of = |kind: &str| format!("{rendered}/{kind}");
    let guid = own::guid(1);
    for (method, path, status, replacement) in [
        ("POST", "sblbridge/correspondencerecipient".to_owned(), 410, "Correspondence API"),
        ("POST", "SBLBridge/SyncCorrespondenceEvent".to_owned(), 410, "Correspondence API"),
        ("GET", of("signature"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("GET", of("payment"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("GET", of("formdatapdf"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("GET", of("formdatahtml"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("GET", of("formdatahtml/2"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("GET", of("formsummaryhtml"), 501, "instances/{party}/{guid}/data/{dataGuid}"),
        ("POST", "migration/instance".to_owned(), 410, "POST instances"),
        ("POST", format!("migration/dataelement/{guid}"), 410, "POST instances"),
        ("POST", "migration/instanceevents".to_owned(), 410, "POST instances"),
        ("POST", "migration/application".to_owned(), 410, "POST instances"),
        ("POST", "migration/text/ttd/x/nb".to_owned(), 410, "POST instances"),
        ("POST", "migration/policy/ttd/x".to_owned(), 410, "POST instances"),
        ("POST", "migration/codelist/a/nb/1".to_owned(), 410, "POST instances"),
        ("POST", "migration/pdfimage".to_owned(), 410, "POST instances"),
        ("POST", "migration/xsl/ttd/x/1/nb".to_owned(), 410, "POST instances"),
        ("POST", format!("migration/delete/{guid}"), 410, "POST instances"),
        ("POST", "migration/pdfproxy".to_owned(), 410, "POST instances"),
        ("DELETE", "cleanup/cleanupinstances".to_owned(), 410, "by a job"),
        ("DELETE", "cleanup/cleanupdataelements".to_owned(), 410, "by a job"),
        ("DELETE", "cleanup/cleanupinstancesforapp/ttd/x".to_owned(), 410, "by a job"),
    ] {
        for client in [world.server.anonymous(), world.ttd()] {
            let method = method.parse().expect("a method");
            let answer = client.request(method, format!("{API}/{path}")).send().await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some(crate::JSON));
            let problem = answer.json();
            assert_eq!(problem["status"], status);
            assert!(problem["detail"].as_str().is_some_and(|text| text.contains(replacement)), "{path}: {problem}");
            assert!(problem["traceId"].is_string());
        }
    }
    // Nothing was cleaned up by asking.
    expect_empty(&world.server.anonymous().get(format!("{API}/cleanup/cleanupinstances")).send().await, 405);
}

#[tokio::test]
async fn figures_are_for_who_shows_the_key() {
    let _rows = covers("platform-storage", &["X01"]);
    let path = format!("{API}/metrics/instances");
    let server = TestServer::builder().metrics_key("hemmelig").build();
    let anonymous = server.anonymous();
    for (key, why) in [
        (None, "API key required for metrics endpoints"),
        (Some(""), "API key cannot be empty"),
        (Some(" "), "API key cannot be empty"),
        (Some("gal"), "Invalid API key"),
    ] {
        let mut asked = anonymous.get(&path);
        if let Some(key) = key {
            asked = asked.header("X-API-Key", key);
        }
        let refused = asked.send().await.expect(401);
        assert_eq!(refused.text(), format!(r#"{{"error":"{why}"}}"#));
        assert_eq!(refused.header("content-type"), Some(crate::JSON));
    }
    // Other callers' tokens are no key.
    server.ttd().get(&path).send().await.expect(401);
    let unconfigured = TestServer::with_example_apps();
    let asked = unconfigured.anonymous().get(&path).header("X-API-Key", "gal").send().await;
    assert_eq!(asked.status, 503);
}

#[tokio::test]
async fn the_key_leads_to_what_counts_instances() {
    let server = TestServer::builder().metrics_key("hemmelig").build();
    let asked = server.anonymous().get(format!("{API}/metrics/instances")).header("X-API-Key", "hemmelig").send().await;
    assert_eq!(asked.status, 501);
    assert!(asked.json()["detail"].as_str().is_some_and(|text| text.contains("mottak export")), "{}", asked.text());
}
