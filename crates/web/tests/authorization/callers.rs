//! The app of these tests, and everybody who calls it.

use std::fs;
use std::path::{Path, PathBuf};

use mottak_testkit::{Answer, Client, TestServer};
use serde_json::{Value, json};

pub(crate) const METADATA: &str = "App/config/applicationmetadata.json";
pub(crate) const POLICY: &str = "App/config/authorization/policy.xml";
pub(crate) const PROCESS: &str = "App/config/process/process.bpmn";

/// The party that owns the instances: the customer of the system user, for which user 1337 keeps the accounts.
pub(crate) const PARTY: i32 = 500_700;
/// A user with roles for `PARTY`.
pub(crate) const USER: i32 = 1337;
/// A user without.
pub(crate) const OTHER_USER: i32 = 12345;

/// An app whose policy asks for level 3, of its owner level 2, and for actions of their own to read and write notes.
pub(crate) fn adgang() -> PathBuf {
    mottak_testing::repository_root().join("crates/web/tests/apps/adgang")
}

/// The example apps and `adgang`.
pub(crate) fn server() -> TestServer {
    let examples = mottak_testing::repository_root().join("apps");
    TestServer::builder().apps([examples.join("kulturstotte"), adgang()]).build()
}

/// A server with `adgang` in which these texts of its files are others.
pub(crate) fn server_with(changes: &[(&str, &str, &str)]) -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&adgang(), folder.path());
    for (file, from, to) in changes {
        let path = folder.path().join(file);
        let before = fs::read_to_string(&path).expect("a file of the app");
        assert!(before.contains(from), "{file} has no {from}");
        fs::write(&path, before.replace(from, to)).expect("a writable file");
    }
    (TestServer::builder().apps([folder.path().to_owned()]).build(), folder)
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}

/// The owner of the apps at a level.
pub(crate) fn owner_at_level(server: &TestServer, level: u8) -> Client {
    server.with_claims(json!({
        "urn:altinn:org": "ttd",
        "urn:altinn:orgNumber": "405003309",
        "urn:altinn:authlevel": level,
        "urn:altinn:authenticatemethod": "maskinporten",
        "scope": "altinn:serviceowner/instances.read altinn:serviceowner/instances.write",
    }))
}

/// The claims of a vendor's system that acts for a customer.
pub(crate) fn system_user_claims(id: &str, customer: &str) -> Value {
    json!({
        "authorization_details": {
            "type": "urn:altinn:systemuser",
            "systemuser_id": [id],
            "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": format!("0192:{customer}")},
            "system_id": "913312465_sbs",
        },
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:913312465"},
        "urn:altinn:orgNumber": "913312465",
        "urn:altinn:authlevel": 3,
        "urn:altinn:authenticatemethod": "maskinporten",
        "scope": "altinn:instances.read altinn:instances.write",
    })
}

/// An instance with a form and a file.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// `/ttd/{app}/instances/{party}/{guid}`
    pub(crate) path: String,
    pub(crate) guid: String,
    pub(crate) form: String,
    pub(crate) file: String,
}

/// Makes an instance of `ttd/{app}` for `PARTY`.
pub(crate) async fn make(client: &Client, app: &str) -> Made {
    make_for(client, app, PARTY).await
}

/// Makes an instance of `ttd/{app}`.
pub(crate) async fn make_for(client: &Client, app: &str, party: i32) -> Made {
    let created = client.post(format!("/ttd/{app}/instances?instanceOwnerPartyId={party}")).send().await.expect(201);
    let instance = created.json();
    let guid = text(&instance["id"]).rsplit('/').next().expect("party and guid").to_owned();
    let path = format!("/ttd/{app}/instances/{party}/{guid}");
    let form = text(&instance["data"][0]["id"]);
    let file = upload(client, &format!("{path}/data/type/vedlegg")).await.expect(200).json();
    Made { path, guid, form, file: text(&file["newDataElementId"]) }
}

/// Sends a small file.
pub(crate) async fn upload(client: &Client, path: &str) -> Answer {
    client.post(path).file("vedlegg.pdf", "application/pdf", &b"%PDF-1.4\n%%EOF\n"[..]).send().await
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
