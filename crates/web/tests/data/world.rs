//! A server with one app and one instance of it, and what tests ask of them.

use std::path::PathBuf;

use axum::body::Body;
use mottak_apps::LoadOptions;
use mottak_model::InstanceId;
use mottak_testkit::{Answer, Backing, Client, Sending, TestServer};
use serde_json::{Value, json};

/// The test person who owns the instances, and her own party.
pub(crate) const USER: i32 = 1337;
pub(crate) const PARTY: i32 = 501_337;

/// One instance in its first task.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) user: Client,
    /// `org/app`
    pub(crate) app: &'static str,
    pub(crate) id: InstanceId,
}

impl World {
    pub(crate) async fn journal() -> Self {
        Self::start("ttd/journal", own_app("journal"), Backing::Memory, LoadOptions::default()).await
    }

    pub(crate) async fn journal_on_disk() -> Self {
        Self::start("ttd/journal", own_app("journal"), Backing::Sqlite, LoadOptions::default()).await
    }

    pub(crate) async fn regneark() -> Self {
        Self::start("ttd/regneark", own_app("regneark"), Backing::Memory, LoadOptions::default()).await
    }

    /// With settings of the app changed.
    pub(crate) async fn journal_with(name: &str, value: &str) -> Self {
        let settings = [(name.to_owned(), value.to_owned())].into();
        let load = LoadOptions { settings, ..LoadOptions::default() };
        Self::start("ttd/journal", own_app("journal"), Backing::Memory, load).await
    }

    /// The app that the contract's cases name; none without the shared fixtures.
    pub(crate) async fn contributors() -> Option<Self> {
        let folder = mottak_testing::shared("data/apps/applib-contributer-restriction/App");
        let Some(folder) = folder else {
            println!("skipped: the shared apps are not here");
            return None;
        };
        Some(Self::start("tdd/contributer-restriction", folder, Backing::Memory, LoadOptions::default()).await)
    }

    async fn start(app: &'static str, folder: PathBuf, backing: Backing, load: LoadOptions) -> Self {
        let server = TestServer::builder().apps([folder]).load_options(load).backing(backing).build();
        let user = server.user(USER);
        let created = user.post(format!("/{app}/instances?instanceOwnerPartyId={PARTY}")).send().await.expect(201);
        let id = created.json()["id"].as_str().and_then(|id| id.parse().ok()).expect("the id of the instance");
        Self { server, user, app, id }
    }

    /// The owner of the app.
    pub(crate) fn owner(&self) -> Client {
        let org = self.app.split('/').next().unwrap_or_default();
        self.server.owner(org, "405003309")
    }

    /// Below the instance.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("/{}/instances/{}/{rest}", self.app, self.id)
    }

    /// How often the instance has been written.
    pub(crate) async fn version(&self) -> u64 {
        self.server.service.load(self.id).await.expect("the store answers").expect("the instance").version
    }

    /// The elements of a type as the application API lists them for the user.
    pub(crate) async fn elements(&self, data_type: &str) -> Vec<Value> {
        let instance = self.user.get(format!("/{}/instances/{}", self.app, self.id)).send().await.expect(200).json();
        let all = instance["data"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|element| element["dataType"] == data_type).collect()
    }

    /// The id of the only element of a type.
    pub(crate) async fn only(&self, data_type: &str) -> String {
        let elements = self.elements(data_type).await;
        assert_eq!(elements.len(), 1, "{data_type}");
        text(&elements[0]["id"])
    }

    /// The form as JSON.
    pub(crate) async fn form(&self, element: &str) -> Value {
        self.user.get(self.url(&format!("data/{element}"))).send().await.expect(200).json()
    }

    /// The bytes as they are stored, from the storage API.
    pub(crate) async fn stored(&self, element: &str) -> Vec<u8> {
        let path = format!("/storage/api/v1/instances/{}/data/{element}", self.id);
        self.owner().get(path).send().await.expect(200).body.to_vec()
    }

    /// The stored bytes as text.
    pub(crate) async fn stored_text(&self, element: &str) -> String {
        String::from_utf8(self.stored(element).await).expect("forms are UTF-8")
    }

    pub(crate) fn post(&self, data_type: &str) -> Sending {
        self.user.post(self.url(&format!("data/type/{data_type}")))
    }

    pub(crate) fn post_legacy(&self, data_type: &str) -> Sending {
        self.user.post(self.url(&format!("data?dataType={data_type}")))
    }

    pub(crate) fn put(&self, element: &str) -> Sending {
        self.user.put(self.url(&format!("data/{element}")))
    }

    /// A PUT of a form that changes nothing on its way.
    pub(crate) async fn put_json(&self, element: &str, form: &Value) -> Answer {
        self.put(element).json(form).send().await.expect(201)
    }

    /// One patch of one element, over the route for many.
    pub(crate) async fn patch(&self, element: &str, operations: Value) -> Answer {
        let body = json!({"patches": [{"dataElementId": element, "patch": operations}], "ignoredValidators": null});
        self.user.patch(self.url("data")).json(&body).send().await
    }

    /// Ends the current task.
    pub(crate) async fn next(&self) -> Answer {
        self.user.put(self.url("process/next")).send().await
    }

    /// A new element of a form type.
    pub(crate) async fn add_form(&self, data_type: &str, form: &Value) -> String {
        let answer = self.post(data_type).json(form).send().await.expect(200);
        text(&answer.json()["newDataElementId"])
    }

    /// A new file.
    pub(crate) async fn add_file(
        &self,
        data_type: &str,
        name: &str,
        content_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> String {
        let answer = self.post(data_type).file(name, content_type, bytes.into()).send().await.expect(200);
        text(&answer.json()["newDataElementId"])
    }
}

/// An app of ours that exists for these tests.
fn own_app(name: &str) -> PathBuf {
    mottak_testing::repository_root().join("crates/web/tests/apps").join(name).join("App")
}

/// A JSON string's text.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// A body in pieces of this size, without a length.
pub(crate) fn pieces(bytes: Vec<u8>, size: usize) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = bytes.chunks(size).map(|piece| Ok(piece.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

/// Bytes that do not repeat soon: `seed` makes them different from others.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..length).map(|_| next()).collect()
}

#[track_caller]
pub(crate) fn expect_status(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
}

/// Problem details as the controllers make them (app-api §1.7 C): no trace.
#[track_caller]
pub(crate) fn expect_details(answer: &Answer, status: u16, title: &str, detail: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let body = answer.json();
    assert_eq!(body["title"], title, "{body}");
    assert_eq!(body["status"], status);
    let said = body["detail"].as_str().unwrap_or_default();
    assert!(said.contains(detail), "{said}");
    assert_eq!(body.get("traceId"), None);
}

/// The automatic problem (app-api §1.7 B).
#[track_caller]
pub(crate) fn expect_bare(answer: &Answer, status: u16, title: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let body = answer.json();
    assert_eq!((body["title"].as_str(), body["status"].as_u64()), (Some(title), Some(u64::from(status))));
    assert!(body["traceId"].is_string() && body["type"].is_string(), "{body}");
}

/// A binding problem (app-api §1.7 D) that names the member.
#[track_caller]
pub(crate) fn expect_member(answer: &Answer, member: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["title"], "One or more validation errors occurred.");
    assert!(body["errors"][member].is_array(), "{body}");
}

/// An upload that is refused with this issue (app-api §20.3).
#[track_caller]
pub(crate) fn expect_upload_issue(answer: &Answer, code: &str, description: &str) {
    expect_details(answer, 400, "File validation failed", "Common checks failed");
    let issues = answer.json()["uploadValidationIssues"].clone();
    assert_eq!(issues.as_array().map(Vec::len), Some(1), "{issues}");
    assert_eq!(issues[0]["code"], code);
    assert_eq!(issues[0]["description"], description);
    assert_eq!(issues[0]["source"], "DataRestrictionValidation");
    assert_eq!(issues[0]["severity"], 1);
}
