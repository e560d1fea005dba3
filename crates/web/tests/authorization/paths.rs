//! Which paths are routes, in which spelling, and what comes back for those that are none.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use mottak_testing::covers;

use crate::callers::{PARTY, USER, make, server};

#[tokio::test]
async fn paths_match_in_any_letter_case_and_with_a_slash_at_the_end() {
    let server = server();
    let user = server.user(USER);
    let made = make(&user, "kulturstotte").await;
    let guid = &made.guid;
    for path in [
        made.path.clone(),
        format!("{}/", made.path),
        format!("/ttd/kulturstotte/INSTANCES/{PARTY}/{guid}"),
        format!("/ttd/kulturstotte/Instances/{PARTY}/{}", guid.to_uppercase()),
        format!("/ttd/kulturstotte/instances/{PARTY}/{}", guid.replace('-', "")),
        format!("/ttd/kulturstotte/instances/{PARTY}/{{{guid}}}").replace(['{', '}'], ""),
        format!("{}/PROCESS/Next/", made.path),
        format!("{}/Data/{}/TYPE/soknad", made.path, made.form),
        format!("/Storage/API/v1/Instances/{PARTY}/{guid}/"),
        "/ttd/kulturstotte/API/V1/applicationMetadata".to_owned(),
        "/storage/api/v1/APPLICATIONS/".to_owned(),
    ] {
        let answer = user.get(path.as_str()).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_no_party_or_guid_is_404_without_body_for_everybody() {
    let server = server();
    let made = make(&server.user(USER), "kulturstotte").await;
    let (party, guid) = (PARTY.to_string(), made.guid.as_str());
    let mut tried = 0;
    for route in server.routes() {
        let parameters = route.path.split('/').filter(|segment| {
            let names_data = *segment == "{data}" && route.method != Method::POST;
            matches!(*segment, "{party}" | "{guid}" | "{event}") || names_data
        });
        for wrong in parameters {
            let values: &[&str] = if wrong == "{party}" {
                &["abc", "99999999999", "1.5", "-"]
            } else {
                &["abc", "123", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", "%00"]
            };
            for value in values {
                let fill = |segment: &str| match segment {
                    _ if segment == wrong => (*value).to_owned(),
                    "{org}" => "ttd".to_owned(),
                    "{app}" => "kulturstotte".to_owned(),
                    "{party}" => party.clone(),
                    "{guid}" | "{event}" | "{data}" => guid.to_owned(),
                    other => other.trim_matches(['{', '}']).to_owned(),
                };
                let path: Vec<String> = route.path.split('/').map(fill).collect();
                for client in [server.user(USER), server.anonymous()] {
                    let answer = client.request(route.method.clone(), path.join("/")).send().await;
                    assert_eq!(answer.status, 404, "{} {}", route.method, path.join("/"));
                    assert!(answer.body.is_empty(), "{}: {}", path.join("/"), answer.text());
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} requests");
}

#[tokio::test]
async fn another_method_is_405_with_what_is_allowed_and_no_body() {
    let server = server();
    let mut methods: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for route in server.routes() {
        let guid = "8f0c9a3e-4f4d-4a55-9a55-0b5ad0f6b0f1";
        let path = route.path.replace("{party}", "1").replace("{guid}", guid).replace("{event}", guid);
        let path = path.replace("{data}", guid).replace("{org}", "ttd").replace("{app}", "kulturstotte");
        methods.entry(path.replace(['{', '}'], "")).or_default().insert(route.method.as_str());
    }
    for (path, allowed) in &methods {
        for client in [server.user(USER), server.anonymous()] {
            let answer = client.request(Method::from_bytes(b"PROPFIND").expect("a method"), path.as_str()).send().await;
            assert_eq!((answer.status, answer.body.len()), (405, 0), "{path}");
            let told: BTreeSet<&str> = answer.header("allow").expect("Allow").split(',').map(str::trim).collect();
            let told: BTreeSet<&str> = told.into_iter().filter(|method| *method != "HEAD").collect();
            assert_eq!(&told, allowed, "{path}");
        }
    }
    println!("{} paths", methods.len());
}

#[tokio::test]
async fn an_unknown_app_is_404_once_the_caller_is_known() {
    let server = server();
    let user = server.user(USER);
    for path in ["/ttd/nothing", "/nobody/kulturstotte"] {
        let answer = user.get(format!("{path}/api/v1/applicationmetadata")).send().await;
        assert_eq!(answer.status, 404, "{path}");
        let answer = user.post(format!("{path}/instances?instanceOwnerPartyId={PARTY}")).send().await;
        assert_eq!(answer.status, 404, "{path}");
        let answer = server.anonymous().post(format!("{path}/instances?instanceOwnerPartyId={PARTY}")).send().await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(server.anonymous().get(format!("{path}/")).send().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_instance_is_reached_through_its_own_app_alone() {
    let server = server();
    let user = server.user_at_level(USER, 4);
    let made = make(&user, "kulturstotte").await;
    let elsewhere = made.path.replace("kulturstotte", "adgang");
    let answer = user.get(elsewhere.as_str()).send().await;
    assert!(matches!(answer.status, 403 | 404), "{}", answer.status);
    let answer = user.get(format!("{elsewhere}/data/{}", made.form)).send().await;
    assert!(matches!(answer.status, 403 | 404), "{}", answer.status);
    let other_party = made.path.replace(&PARTY.to_string(), "501337");
    assert!(matches!(user.get(other_party).send().await.status, 403 | 404));
}

#[tokio::test]
async fn no_app_owner_has_the_name_of_a_part_of_the_platform() {
    let server = server();
    for first in ["storage", "authentication", "register", "profile", "events", "health", "home", "Storage", "HOME"] {
        for rest in ["kulturstotte/api/v1/applicationmetadata", "kulturstotte/", "", "x"] {
            let path = format!("/{first}/{rest}");
            if path.eq_ignore_ascii_case("/health/") {
                continue;
            }
            let answer = server.user(USER).get(path.as_str()).send().await;
            assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn without_the_developers_side_nothing_of_it_is_there() {
    let _rows = covers("platform-authentication", &["T30"]);
    let server = server();
    for path in [
        "/",
        "/?goto=x",
        "/Home",
        "/Home/Index",
        "/Home/GetTestUserToken/1337",
        "/Home/GetTestUserToken?userId=1337",
        "/Home/GetTestOrgToken/ttd",
        "/Home/GetTestOrgToken?org=ttd",
        "/Home/GetTestSystemUserToken",
        "/Home/auth/user?userId=1337",
        "/Home/auth/org",
        "/Home/auth/serviceowner?org=ttd",
        "/Home/auth/systemuser",
        "/Home/auth/selfidentifieduser",
        "/Home/auth/info",
        "/Home/Localtest/Version",
        "/Home/LogInTestUser",
        "/api/GetPersonalToken",
        "/api/GetEnterpriseToken",
        "/authentication/api/v1/authentication?goto=x",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = server.anonymous().request(method, path).send().await;
            assert_eq!((answer.status, answer.header("location")), (404, None), "{path}");
        }
    }
}
