//! The server these tests talk to: one app of ours, changed as a test needs it, and the example apps.

use std::fs;
use std::path::{Path, PathBuf};

use mottak_testkit::{Answer, Client, Sending, TestServer, TestServerBuilder};
use serde_json::{Value, json};

/// The app of these tests; everybody who is logged in may do nearly everything.
pub(crate) const APP: &str = "/ttd/opprettelse";
/// Its data type whose id is a GUID.
pub(crate) const GUID_TYPE: &str = "b7ae9f2c-2f0c-4a8e-9d51-6c1f0a4be733";
pub(crate) const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n";
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR--b\r\n--b";

/// The app as it is.
pub(crate) fn app() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/opprettelse")
}

/// A server with the app as it is.
pub(crate) fn server() -> TestServer {
    TestServer::builder().apps([app()]).build()
}

/// A copy of the app with other metadata; gone when the folder is dropped, which may be right after loading.
pub(crate) struct Variant(tempfile::TempDir);

impl Variant {
    /// The app with changed metadata.
    pub(crate) fn of(app: &Path, change: impl FnOnce(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        copy(app, folder.path());
        let variant = Self(folder);
        let metadata = variant.path("config/applicationmetadata.json");
        let text = fs::read_to_string(&metadata).expect("an app has metadata");
        let mut json = serde_json::from_str(&text).expect("metadata are JSON");
        change(&mut json);
        fs::write(metadata, json.to_string()).expect("a temporary folder can be written to");
        variant
    }

    /// With this file, in place of the one there was.
    pub(crate) fn with(self, file: &str, text: &str) -> Self {
        fs::write(self.path(file), text).expect("a temporary folder can be written to");
        self
    }

    /// With one text of a file replaced by another.
    pub(crate) fn replacing(self, file: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.path(file)).expect("the app has the file");
        assert!(text.contains(from), "{file} does not contain {from}");
        self.with(file, &text.replace(from, to))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join("App").join(file)
    }

    /// A server with this app alone.
    pub(crate) fn server(self) -> TestServer {
        self.server_of(TestServer::builder())
    }

    /// A server to be, with this app alone.
    pub(crate) fn server_of(self, builder: TestServerBuilder) -> TestServer {
        builder.apps([self.0.path().to_owned()]).build()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder can be listed").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("a temporary folder can be written to");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// One of our example apps.
pub(crate) fn example(name: &str) -> PathBuf {
    mottak_testing::repository_root().join("apps").join(name)
}

/// POST instances for a party, with a body still to come.
pub(crate) fn instantiate(client: &Client, party: i32) -> Sending {
    client.post(format!("{APP}/instances?instanceOwnerPartyId={party}"))
}

/// A new instance of user 1337, by its id.
pub(crate) async fn new_instance(server: &TestServer) -> String {
    id(&instantiate(&server.user(1337), 501_337).send().await.expect(201))
}

/// The id of the instance in an answer.
pub(crate) fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().expect("an instance has an id").to_owned()
}

/// The template for a party.
pub(crate) fn template(party: &str) -> Vec<u8> {
    json!({ "instanceOwner": { "partyId": party } }).to_string().into_bytes()
}

/// What the owner of the app finds in the store.
pub(crate) async fn stored(server: &TestServer) -> Vec<Value> {
    let listed = server.ttd().get("/storage/api/v1/instances?org=ttd").send().await.expect(200);
    listed.json()["instances"].as_array().cloned().expect("a list of instances")
}

/// Asserts that a refused request left nothing behind.
#[track_caller]
pub(crate) fn assert_nothing(stored: &[Value]) {
    assert!(stored.is_empty(), "{stored:#?}");
}

/// The text of a refusal that is a JSON string.
#[track_caller]
pub(crate) fn sentence(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    answer.json().as_str().unwrap_or_else(|| panic!("no sentence: {}", answer.text())).to_owned()
}

/// Asserts the standard problem of a status (app-api §1.7 B).
#[track_caller]
pub(crate) fn assert_standard_problem(answer: &Answer, status: u16, title: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    let names: Vec<&String> = body.as_object().expect("a problem is an object").keys().collect();
    assert_eq!(names, ["type", "title", "status", "traceId"]);
    assert_eq!((&body["title"], &body["status"]), (&json!(title), &json!(status)));
}

/// The form of an instance as its user reads it.
pub(crate) async fn form(client: &Client, instance: &Value) -> Value {
    let element = instance["data"].as_array().and_then(|data| data.iter().find(|e| e["dataType"] == "skjema"));
    let element = element.and_then(|element| element["id"].as_str()).expect("the instance has a form");
    let id = instance["id"].as_str().expect("an instance has an id");
    client
        .get(format!("{APP}/instances/{id}/data/{element}"))
        .accept("application/json")
        .send()
        .await
        .expect(200)
        .json()
}
