//! The world of the contract's cases: the shared instances, elements, blobs, events, policies and roles.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mottak_model::{
    AppId, DataElement, Guid, Instance, InstanceEvent, Organization, Party, PartyId, PartyType, Person, Time,
    UserProfile,
};
use mottak_service::ports::{FixedClock, Register, RegisterFailure, SystemUserRecord};
use mottak_testkit::{Backing, Client, Seed, TestServer};
use serde_json::{Value, json};

use crate::{owner, user};

/// The system user of Q14; acts for party 1337.
pub(crate) const SYSTEM_USER: &str = "49913a53-0000-4000-8000-000000000001";
const SYSTEM_USER_ORG: &str = "725736800";

/// The system user that signs in G02; acts for party 1600.
pub(crate) const SIGNING_SYSTEM_USER: &str = "f58fe166-bc22-4899-beb7-c3e8e3332f43";
const SIGNING_ORG: &str = "310000124";

/// Hard-deleted instances that the counts of Q01, Q02 and Q06 leave out (see the test that says so).
pub(crate) const UNCOUNTED: &str = "1916cd18-3b8e-46f8-aeaf-4bc3397ddd89";

/// What stands in for content that is not among the fixtures.
const STAND_IN: &[u8] = b"<innhold/>";

const PROCESS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:altinn="http://altinn.no/process"
    id="Definitions" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="Prosess" isExecutable="false">
    <bpmn:startEvent id="StartEvent_1"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="a" sourceRef="StartEvent_1" targetRef="Task_1" />
    <bpmn:task id="Task_1" name="Utfylling">
      <bpmn:extensionElements><altinn:taskExtension><altinn:taskType>data</altinn:taskType></altinn:taskExtension>
      </bpmn:extensionElements>
      <bpmn:incoming>a</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing>
    </bpmn:task>
    <bpmn:sequenceFlow id="b" sourceRef="Task_1" targetRef="EndEvent_1" />
    <bpmn:endEvent id="EndEvent_1"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"#;

/// A server with the shared fixtures in its store.
pub(crate) struct World {
    pub(crate) server: TestServer,
    _apps: tempfile::TempDir,
}

impl World {
    /// U(user, party, level).
    pub(crate) fn user(&self, id: i32, party: i32, level: u8) -> Client {
        self.server.with_claims(user(id, party, level))
    }

    /// O(org).
    pub(crate) fn owner(&self, org: &str) -> Client {
        self.owner_with_scope(org, "altinn:serviceowner/instances.read")
    }

    pub(crate) fn owner_with_scope(&self, org: &str, scope: &str) -> Client {
        self.server.with_claims(owner(org, scope))
    }

    /// SYS(49913a53-…).
    pub(crate) fn system_user(&self) -> Client {
        self.system_user_of(SYSTEM_USER, SYSTEM_USER_ORG)
    }

    pub(crate) fn signing_system_user(&self) -> Client {
        self.system_user_of(SIGNING_SYSTEM_USER, SIGNING_ORG)
    }

    fn system_user_of(&self, id: &str, org_number: &str) -> Client {
        self.server.with_claims(json!({
            "authorization_details": {
                "type": "urn:altinn:systemuser",
                "systemuser_id": [id],
                "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": format!("0192:{org_number}")},
                "system_id": "913312465_sbs",
            },
            "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:913312465"},
            "urn:altinn:authlevel": 3,
            "scope": "altinn:instances.read",
        }))
    }
}

/// The whole world; none, with a printed line, where the shared files are not at hand.
pub(crate) async fn world(backing: Backing) -> Option<World> {
    world_of(backing, |_| true).await
}

/// The world with only those instances whose file is wanted.
pub(crate) async fn world_of(backing: Backing, is_wanted: impl Fn(&str) -> bool) -> Option<World> {
    let Some(data) = mottak_testing::shared("data/storage/unittest-data") else {
        println!("skipped: the shared fixtures of the storage API are not here");
        return None;
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let clock = Arc::new(FixedClock::at(Time::from_ticks(0)));
    let server = TestServer::builder()
        .apps(apps(&data, folder.path()))
        .backing(backing)
        .register(FixtureRegister::read(&data))
        .clock(Arc::clone(&clock) as Arc<dyn mottak_service::ports::Clock>)
        .build();
    let mut seeds = seeds(&data);
    seeds.retain(|seed| is_wanted(&seed.instance.id.guid.to_string()));
    seeds.sort_by_key(|seed| seed.instance.last_changed);
    println!("{} shared instances", seeds.len());
    for seed in seeds {
        clock.set(seed.instance.last_changed.unwrap_or(Time::from_ticks(0)));
        server.seed(seed).await;
    }
    clock.set(Time::parse("2025-09-01T08:00:00Z").expect("a time"));
    Some(World { server, _apps: folder })
}

/// App folders with the shared policies and metadata, and what else an app needs.
fn apps(data: &Path, into: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for org in entries(&data.join("apps")).into_iter().filter(|path| path.is_dir()) {
        for app in entries(&org) {
            let (org, name) = (name_of(&org), name_of(&app));
            let config = app.join("config");
            let metadata = fs::read_to_string(config.join("applicationmetadata.json"))
                .map_or_else(|_| json!({}), |text| parsed(&text));
            let folder = into.join(format!("{org}_{name}"));
            let target = folder.join("App/config");
            write(&target.join("applicationmetadata.json"), &runnable(metadata, &org, &name).to_string());
            write(&target.join("process/process.bpmn"), PROCESS);
            let policy = fs::read(config.join("authorization/policy.xml")).expect("every shared app has a policy");
            write(&target.join("authorization/policy.xml"), &String::from_utf8_lossy(&policy));
            folders.push(folder);
        }
    }
    folders
}

/// The shared metadata name models that nobody wrote: without them the data types are files. The app that is signed
/// in has none at all.
fn runnable(mut metadata: Value, org: &str, app: &str) -> Value {
    metadata["id"] = json!(format!("{org}/{app}"));
    metadata["org"] = json!(org);
    if metadata["title"].is_null() {
        metadata["title"] = json!({ "nb": app });
    }
    if app == "signing-app" {
        metadata["dataTypes"] = json!([
            { "id": "vedlegg" },
            { "id": "signatur", "taskId": "Task_1" },
            { "id": "senere-signatur", "taskId": "Task_2" },
        ]);
    }
    for data_type in metadata["dataTypes"].as_array_mut().into_iter().flatten() {
        if let Some(logic) = data_type["appLogic"].as_object_mut() {
            logic.retain(|name, _| !name.eq_ignore_ascii_case("classRef") && name != "autoCreate");
        }
    }
    metadata
}

fn seeds(data: &Path) -> Vec<Seed> {
    let stored = data.join("postgresdata");
    let mut seeds: HashMap<String, Seed> = HashMap::new();
    for path in entries(&stored.join("instances")) {
        let guid = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut document = read(&path);
        let party = document["instanceOwner"]["partyId"].as_str().expect("a party").to_owned();
        document["id"] = json!(format!("{party}/{guid}"));
        if document["status"]["readStatus"] == "read" {
            document["status"]["readStatus"] = json!("Read");
        }
        let instance: Instance =
            serde_json::from_value(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        seeds.insert(guid, Seed::of(instance));
    }
    for path in entries(&stored.join("dataelements")) {
        let element: DataElement = without_nulls(&path);
        let Some(seed) = seeds.get_mut(&element.instance_guid.to_string()) else { continue };
        let blob = data.join("blob").join(element.blob_storage_path.as_deref().unwrap_or_default());
        let body = fs::read(blob).map_or(Bytes::from_static(STAND_IN), Bytes::from);
        seed.elements.push((element, body));
    }
    for path in entries(&stored.join("instanceEvents")) {
        let mut document = read(&path);
        let id = document["instanceId"].as_str().expect("an instance").to_owned();
        let guid = id.rsplit('/').next().unwrap_or_default().to_owned();
        let Some(seed) = seeds.get_mut(&guid) else { continue };
        document["instanceId"] = json!(seed.instance.id.to_string());
        let event: InstanceEvent = serde_json::from_value(document).expect("a shared event");
        seed.events.push(event);
    }
    for seed in seeds.values_mut() {
        seed.elements.sort_by_key(|(element, _)| element.created);
        seed.events.sort_by_key(|event| event.created);
    }
    seeds.into_values().collect()
}

fn without_nulls(path: &Path) -> DataElement {
    let mut document = read(path);
    document.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    serde_json::from_value(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Value {
    parsed(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).expect("shared files are JSON")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("files are in folders")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Roles from the shared folder; of parties only those that Q18, Q20 and Q14 look up.
#[derive(Debug, Default)]
struct FixtureRegister {
    roles: HashMap<(i32, PartyId), Arc<Vec<String>>>,
}

impl FixtureRegister {
    fn read(data: &Path) -> Self {
        let mut register = Self::default();
        for user_folder in entries(&data.join("roles")) {
            let Some(user) = name_of(&user_folder).strip_prefix("user_").and_then(|id| id.parse().ok()) else {
                continue;
            };
            for party_folder in entries(&user_folder) {
                let name = name_of(&party_folder);
                let party = name.strip_prefix("party_").and_then(|id| id.parse().ok()).expect("a folder of a party");
                let list = read(&party_folder.join("roles.json"));
                let codes = list.as_array().into_iter().flatten().filter_map(|role| role["value"].as_str());
                register.roles.insert((user, party), Arc::new(codes.map(str::to_owned).collect()));
            }
        }
        register
    }
}

fn party(id: i32, party_type: PartyType) -> Arc<Party> {
    Arc::new(Party {
        party_id: PartyId::new(id),
        party_uuid: None,
        party_type,
        org_number: None,
        ssn: None,
        unit_type: None,
        name: None,
        is_deleted: false,
        only_hierarchy_element_with_no_access: false,
        person: None,
        organization: None,
        child_parties: None,
    })
}

impl Register for FixtureRegister {
    fn party(&self, _: PartyId) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(None)
    }

    fn party_by_org_number(&self, number: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        let id = match number {
            "333123213" | SIGNING_ORG => 1600,
            SYSTEM_USER_ORG => 1337,
            _ => return Ok(None),
        };
        Ok(Some(party(id, PartyType::Organisation)))
    }

    fn party_by_ssn(&self, ssn: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok((ssn == "33312321321").then(|| party(1337, PartyType::Person)))
    }

    fn party_by_uuid(&self, _: Guid) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(None)
    }

    fn party_by_username(&self, _: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(None)
    }

    fn person(&self, _: &str) -> Result<Option<Arc<Person>>, RegisterFailure> {
        Ok(None)
    }

    fn organization(&self, _: &str) -> Result<Option<Arc<Organization>>, RegisterFailure> {
        Ok(None)
    }

    fn profile(&self, _: i32) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        Ok(None)
    }

    fn profile_by_username(&self, _: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        Ok(None)
    }

    fn profiles(&self) -> Vec<Arc<UserProfile>> {
        Vec::new()
    }

    fn party_list(&self, _: i32) -> Result<Arc<Vec<Party>>, RegisterFailure> {
        Ok(Arc::default())
    }

    fn roles(&self, user: i32, party: PartyId) -> Result<Arc<Vec<String>>, RegisterFailure> {
        Ok(self.roles.get(&(user, party)).cloned().unwrap_or_default())
    }

    fn system_user(&self, id: Guid) -> Result<Option<Arc<SystemUserRecord>>, RegisterFailure> {
        let (org_number, actions, apps) = match id.to_string().as_str() {
            SYSTEM_USER => {
                let apps = vec![AppId::new("tdd", "endring-av-navn"), AppId::new("ttd", "sensitive-data")];
                (SYSTEM_USER_ORG, vec!["read"], Some(apps))
            }
            SIGNING_SYSTEM_USER => (SIGNING_ORG, vec!["read", "write", "sign"], None),
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(SystemUserRecord {
            id,
            system_id: "913312465_sbs".to_owned(),
            org_number: org_number.to_owned(),
            actions: actions.into_iter().map(str::to_owned).collect(),
            apps,
        })))
    }

    fn org_number_of(&self, org: &str) -> Result<Option<String>, RegisterFailure> {
        Ok(Some(crate::number_of(org).to_owned()))
    }
}
