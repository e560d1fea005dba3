//! A small sound app, to be broken in one place at a time.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub(crate) const METADATA: &str = "config/applicationmetadata.json";
pub(crate) const PROCESS: &str = "config/process/process.bpmn";
pub(crate) const POLICY: &str = "config/authorization/policy.xml";

/// An app in a temporary folder.
pub(crate) struct Folder {
    dir: TempDir,
}

impl Folder {
    /// An app without any problem.
    pub(crate) fn sound() -> Self {
        let folder = Self { dir: TempDir::new().expect("a temporary folder") };
        for (path, text) in SOUND {
            folder.write(path, text);
        }
        folder
    }

    /// The root of the repository.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The file of the app.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.dir.path().join("App").join(path)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a writable folder");
        fs::write(file, content).expect("a writable folder");
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.file(path)).expect("the file is there");
    }

    /// Replaces the first occurrence of `text` in a file.
    pub(crate) fn replace(&self, path: &str, text: &str, by: &str) {
        let before = fs::read_to_string(self.file(path)).expect("the file is there");
        assert!(before.contains(text), "{path} does not contain {text}");
        self.write(path, before.replacen(text, by, 1));
    }
}

/// The paths of the files of the sound app.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    SOUND.iter().map(|(path, _)| *path)
}

const SOUND: [(&str, &str); 12] = [
    (
        METADATA,
        r#"{
  "id": "ttd/permit",
  "org": "ttd",
  "title": { "nb": "Tillatelse" },
  "dataTypes": [
    {
      "id": "form",
      "appLogic": { "autoCreate": true, "classRef": "Permit.Models.Form" },
      "taskId": "Task_1",
      "maxCount": 1,
      "minCount": 1
    },
    {
      "id": "attachment",
      "taskId": "Task_1",
      "maxSize": 5
    }
  ],
  "partyTypesAllowed": { "person": true },
  "autoDeleteOnProcessEnd": false
}
"#,
    ),
    (
        PROCESS,
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:altinn="http://altinn.no/process">
  <bpmn:process id="Permit">
    <bpmn:startEvent id="Start" />
    <bpmn:task id="Task_1">
      <bpmn:extensionElements>
        <altinn:taskExtension>
          <altinn:taskType>data</altinn:taskType>
        </altinn:taskExtension>
      </bpmn:extensionElements>
    </bpmn:task>
    <bpmn:exclusiveGateway id="Choice" />
    <bpmn:endEvent id="End" />
    <bpmn:sequenceFlow id="a" sourceRef="Start" targetRef="Task_1" />
    <bpmn:sequenceFlow id="b" sourceRef="Task_1" targetRef="Choice" />
    <bpmn:sequenceFlow id="c" sourceRef="Choice" targetRef="End" />
  </bpmn:process>
</bpmn:definitions>
"#,
    ),
    (
        POLICY,
        r#"<?xml version="1.0" encoding="UTF-8"?>
<xacml:Policy xmlns:xacml="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" PolicyId="urn:permit" Version="1.0"
    RuleCombiningAlgId="urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:deny-overrides">
  <xacml:Target />
  <xacml:Rule RuleId="urn:permit:1" Effect="Permit">
    <xacml:Target />
  </xacml:Rule>
</xacml:Policy>
"#,
    ),
    (
        "config/texts/resource.nb.json",
        "{\n  \"language\": \"nb\",\n  \"resources\": [\n    { \"id\": \"appName\", \"value\": \"Tillatelse\" }\n  ]\n}\n",
    ),
    (
        "models/form.schema.json",
        r#"{
  "@xsdRootElement": "Form",
  "type": "object",
  "properties": { "name": { "type": "string" } }
}
"#,
    ),
    ("models/form.prefill.json", "{ \"QueryParameters\": { \"n\": \"name\" } }\n"),
    (
        "ui/layout-sets.json",
        "{\n  \"sets\": [\n    { \"id\": \"main\", \"dataType\": \"form\", \"tasks\": [\"Task_1\"] }\n  ]\n}\n",
    ),
    ("ui/main/Settings.json", "{ \"pages\": { \"order\": [\"first\"] } }\n"),
    (
        "ui/main/layouts/first.json",
        r#"{
  "data": {
    "layout": [
      { "id": "name", "type": "Input", "dataModelBindings": { "simpleBinding": "name" } }
    ]
  }
}
"#,
    ),
    ("ui/footer.json", "{ \"footer\": [] }\n"),
    ("options/colours.json", "[\n  { \"value\": \"r\", \"label\": \"colours.red\" }\n]\n"),
    (
        "appsettings.json",
        "{\n  \"AppSettings\": { \"RequiredValidation\": true },\n  \"FrontEndSettings\": { \"URLPrefix\": \"x\" }\n}\n",
    ),
];
