//! The app `ttd/saksgang`: one form, attachments, and whatever process and rights a test wants.

use std::collections::BTreeMap;
use std::path::Path;

use mottak_testkit::{Backing, Seed, Sending, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sak::Sak;
use crate::sketch::bpmn;

/// Sophie, who may do what the policy lets a person do for herself.
pub(crate) const SOPHIE: i32 = 1337;

/// A form and out.
pub(crate) const STRAIGHT: &str = "
    start Start
    task Utfylling data
    end Slutt
    Start -> Utfylling -> Slutt";

/// A form, a confirmation, and a way back by `reject`.
pub(crate) const CONFIRMED: &str = r#"
    start Start
    task Utfylling data
    task Bekreft confirmation confirm reject
    gateway Bekreftet
    end Slutt
    Start -> Utfylling -> Bekreft -> Bekreftet
    Bekreftet -> Slutt if ["notEquals", ["gatewayAction"], "reject"]
    Bekreftet -> Utfylling if ["equals", ["gatewayAction"], "reject"]"#;

const SCHEMA: &str = r#"{
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "@xsdRootElement": "skjema",
    "properties": {
        "navn": {"type": "string", "maxLength": 10},
        "vei": {"type": "string"},
        "hemmelig": {"type": "string"},
        "beholdes": {"type": "string"},
        "SF_notat": {"type": "string"},
        "rader": {"type": "array", "items": {"type": "object", "properties": {"post": {"type": "string"}}}}
    }
}"#;

/// The app being put together.
pub(crate) struct Saksgang {
    files: BTreeMap<String, String>,
    metadata: Value,
    rights: Vec<(Vec<String>, Option<String>)>,
}

impl Saksgang {
    /// With this process; a person, the owner and one organisation may do everything usual in every task.
    pub(crate) fn with(sketch: &str) -> Self {
        let files = [
            ("config/process/process.bpmn", bpmn(sketch)),
            ("config/texts/resource.nb.json", json!({"language": "nb", "resources": []}).to_string()),
            ("models/skjema.schema.json", SCHEMA.to_owned()),
        ];
        let metadata = json!({
            "id": "ttd/saksgang", "org": "ttd", "title": {"nb": "Saksgang"},
            "partyTypesAllowed": {"person": true, "organisation": true},
            "dataTypes": [form("skjema"), attachment("vedlegg")],
            "presentationFields": [{"id": "tittel", "path": "navn", "dataTypeId": "skjema"}],
            "dataFields": [{"id": "vei", "path": "vei", "dataTypeId": "skjema"}],
        });
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        Self { files, metadata, rights: Vec::new() }
            .permits(&["instantiate", "read", "write", "delete", "confirm", "reject", "complete"], None)
    }

    /// Without the usual rights.
    pub(crate) fn without_rights(mut self) -> Self {
        self.rights.clear();
        self
    }

    /// Actions that a person and the owner may do besides, in one task or anywhere.
    pub(crate) fn permits(mut self, actions: &[&str], task: Option<&str>) -> Self {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        self.rights.push((actions, task.map(str::to_owned)));
        self
    }

    /// Changes the metadata.
    pub(crate) fn metadata(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.metadata);
        self
    }

    /// With this file in place of the one there is, or besides.
    pub(crate) fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.insert(path.to_owned(), text.into());
        self
    }

    /// Without this file.
    pub(crate) fn without_file(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// With one page of components, shown in `Utfylling`.
    pub(crate) fn page(self, components: Value) -> Self {
        let sets = json!({"sets": [{"id": "skjema", "dataType": "skjema", "tasks": ["Utfylling"]}]});
        self.file("ui/layout-sets.json", sets.to_string())
            .file("ui/skjema/Settings.json", json!({"pages": {"order": ["side"]}}).to_string())
            .file("ui/skjema/layouts/side.json", json!({"data": {"layout": components}}).to_string())
    }

    /// A server with the app, in memory.
    pub(crate) fn serve(self) -> Case {
        self.serve_from(Backing::Memory)
    }

    /// A server with the app.
    pub(crate) fn serve_from(mut self, backing: Backing) -> Case {
        self.files.insert("config/applicationmetadata.json".to_owned(), self.metadata.to_string());
        self.files.insert("config/authorization/policy.xml".to_owned(), policy(&self.rights));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (path, text) in &self.files {
            let path = folder.path().join("App").join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder can be made");
            std::fs::write(path, text).expect("a file can be written");
        }
        let server = TestServer::builder().apps([folder.path().to_owned()]).backing(backing).build();
        Case { server, _folder: folder }
    }
}

/// A form of `Utfylling`, made when the task starts.
pub(crate) fn form(id: &str) -> Value {
    json!({
        "id": id, "taskId": "Utfylling", "allowedContentTypes": ["application/xml"], "maxCount": 1, "minCount": 1,
        "appLogic": {"autoCreate": true, "classRef": format!("Saksgang.{id}")},
    })
}

fn attachment(id: &str) -> Value {
    json!({"id": id, "taskId": "Utfylling", "allowedContentTypes": ["application/pdf"], "maxCount": 5, "minCount": 0})
}

fn policy(rights: &[(Vec<String>, Option<String>)]) -> String {
    const SUBJECT: &str = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject";
    const RESOURCE: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:resource";
    const ACTION: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:action";
    let is = |attribute: &str, category: &str, value: &str| {
        format!(
            "<Match MatchId=\"urn:oasis:names:tc:xacml:3.0:function:string-equal-ignore-case\"><AttributeValue \
             DataType=\"http://www.w3.org/2001/XMLSchema#string\">{value}</AttributeValue><AttributeDesignator \
             AttributeId=\"{attribute}\" Category=\"{category}\" DataType=\"http://www.w3.org/2001/XMLSchema#string\" \
             MustBePresent=\"false\"/></Match>"
        )
    };
    let mut xml = String::from(
        "<Policy PolicyId=\"urn:saksgang\" Version=\"1.0\" xmlns=\"urn:oasis:names:tc:xacml:3.0:core:schema:wd-17\" \
         RuleCombiningAlgId=\"urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:deny-overrides\"><Target/>",
    );
    for (number, (actions, task)) in rights.iter().enumerate() {
        let who = is("urn:altinn:rolecode", SUBJECT, "priv");
        let owner = is("urn:altinn:org", SUBJECT, "ttd");
        let auditor = is("urn:altinn:organizationnumber", SUBJECT, "897069650");
        let mut what = is("urn:altinn:org", RESOURCE, "ttd") + &is("urn:altinn:app", RESOURCE, "saksgang");
        if let Some(task) = task {
            what += &is("urn:altinn:task", RESOURCE, task);
        }
        let actions: Vec<String> = actions
            .iter()
            .map(|action| {
                format!("<AllOf>{}</AllOf>", is("urn:oasis:names:tc:xacml:1.0:action:action-id", ACTION, action))
            })
            .collect();
        xml += &format!(
            "<Rule RuleId=\"urn:saksgang:{number}\" Effect=\"Permit\"><Target><AnyOf><AllOf>{who}</AllOf><AllOf>{owner}\
             </AllOf><AllOf>{auditor}</AllOf></AnyOf><AnyOf><AllOf>{what}</AllOf></AnyOf><AnyOf>{}</AnyOf></Target></Rule>",
            actions.concat()
        );
    }
    xml + "</Policy>"
}

/// A server with the app.
pub(crate) struct Case {
    pub(crate) server: TestServer,
    _folder: TempDir,
}

impl Case {
    /// A new instance of Sophie's.
    pub(crate) async fn create(&self) -> Sak {
        self.sent(self.server.user(SOPHIE).post("/ttd/saksgang/instances?instanceOwnerPartyId=501337")).await
    }

    /// A new instance of Sophie's, made as a body says.
    pub(crate) async fn create_from(&self, path: &str, body: &Value) -> Sak {
        self.sent(self.server.user(SOPHIE).post(path).json(body)).await
    }

    async fn sent(&self, creating: Sending) -> Sak {
        let client = self.server.user(SOPHIE);
        let created = creating.send().await.expect(201).json();
        let id = created["id"].as_str().expect("an instance has an id").to_owned();
        Sak { client, id, created }
    }

    /// An instance that was made without starting its process, as no request makes one.
    pub(crate) async fn without_process(&self) -> Sak {
        self.seeded(Value::Null).await
    }

    /// An instance whose process stands where no request brings it.
    pub(crate) async fn seeded(&self, process: Value) -> Sak {
        let guid = self.server.service.ids.guid();
        let instance = json!({
            "id": format!("501337/{guid}"), "appId": "ttd/saksgang", "org": "ttd",
            "instanceOwner": {"partyId": "501337", "personNumber": "01039012345"}, "status": {},
            "process": process,
        });
        let instance = serde_json::from_value(instance).expect("an instance");
        let seeded = self.server.seed(Seed::of(instance)).await;
        Sak { client: self.server.user(SOPHIE), id: seeded.id.to_string(), created: Value::Null }
    }
}
