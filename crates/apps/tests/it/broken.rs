//! Each fault is told with its file, its line and a reason.

use mottak_apps::App;

use crate::folder::{Folder, METADATA, POLICY, PROCESS, paths};

/// The problems of a folder, one per line of text.
fn problems(folder: &Folder) -> Vec<String> {
    App::load(folder.path()).problems.iter().map(ToString::to_string).collect()
}

/// One fault: in `file`, `text` becomes `by`; then `expected` is all that is found.
struct Fault {
    file: &'static str,
    text: &'static str,
    by: &'static str,
    expected: &'static [&'static str],
}

#[test]
fn sound_app_has_no_problems() {
    let folder = Folder::sound();
    assert_eq!(problems(&folder), Vec::<String>::new());
    assert!(App::load(folder.path()).app.is_some());
    assert!(App::load(&folder.path().join("App")).app.is_some(), "the App folder itself is as good as the repository");
}

#[test]
fn each_fault_is_told_exactly() {
    let mut surprises = Vec::new();
    for fault in &FAULTS {
        let folder = Folder::sound();
        folder.replace(fault.file, fault.text, fault.by);
        let told = problems(&folder);
        if told != fault.expected {
            surprises.push((fault.file, fault.by, told));
            continue;
        }
        let is_refused = fault.expected.iter().any(|problem| !problem.contains(": warning: "));
        assert_eq!(App::load(folder.path()).app.is_none(), is_refused, "{} with {}", fault.file, fault.by);
    }
    println!("{} faults", FAULTS.len());
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn missing_files_are_told() {
    let cases: [(&str, &[&str]); 6] = [
        (METADATA, &["config/applicationmetadata.json: the file is missing"]),
        (PROCESS, &["config/process/process.bpmn: the file is missing"]),
        (POLICY, &["config/authorization/policy.xml: the file is missing"]),
        (
            "models/form.schema.json",
            &["config/applicationmetadata.json:8: warning: there is no `models/form.schema.json` nor \
               `models/Form.schema.json`; every field is accepted"],
        ),
        (
            "ui/main/layouts/first.json",
            &["ui/main/Settings.json:1: the page `first` has no file `ui/main/layouts/first.json`"],
        ),
        ("ui/main/Settings.json", &["ui/main: the folder has no `Settings.json`"]),
    ];
    for (path, expected) in cases {
        let folder = Folder::sound();
        folder.remove(path);
        assert_eq!(problems(&folder), expected, "without {path}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let folder = Folder::sound();
    for fault in &FAULTS[..1] {
        folder.replace(fault.file, fault.text, fault.by);
    }
    folder.write("options/colours.json", "[{}]");
    folder.write("config/texts/resource.nb.json", "{\"language\":\"nb\",\"resources\":[{\"id\":7}]}");
    folder.write("models/form.schema.json", "{");
    folder.replace("ui/main/Settings.json", "first", "second");
    folder.replace(PROCESS, "<altinn:taskType>data<", "<altinn:taskType>date<");
    folder.replace(POLICY, "Effect=\"Permit\"", "Effect=\"Maybe\"");
    let told = problems(&folder);
    for file in ["applicationmetadata", "options/", "texts/", "models/", "Settings.json", "process.bpmn", "policy.xml"]
    {
        assert!(told.iter().any(|problem| problem.contains(file)), "nothing about {file}: {told:#?}");
    }
}

/// A file that is not in the sound app, and what is found in it.
const ADDED: [(&str, &[u8], &[&str]); 7] = [
    (
        "models/form.validation.json",
        b"{ // rules\n \"validations\": { \"name\": [\"nothing\"] } }",
        &[
            "models/form.validation.json:1: warning: the original refuses this: not JSON: comments are not allowed",
            "models/form.validation.json:2: warning: skipped: there is no definition nothing to refer to",
        ],
    ),
    ("models/form.calculation.json", b"[]", &["models/form.calculation.json:1: the document must be an object"]),
    (
        "ui/main/layouts/first.jsonc",
        b"{}",
        &[
            "ui/main/layouts/first.jsonc: two files are the page `first`",
            "ui/main/layouts/first.jsonc:1: /data: is missing",
        ],
    ),
    ("config/texts/resource.en.json", b"\n\xff", &["config/texts/resource.en.json:2: the file is not UTF-8 text"]),
    (
        "config/texts/resource.nob.json",
        b"{}",
        &["config/texts/resource.nob.json: warning: the name is not of the form `resource.xx.json`; nobody reads it"],
    ),
    ("options/empty.json", b"", &["options/empty.json:1: the file is empty"]),
    ("options/null.json", b"null", &["options/null.json:1: the document must be a list"]),
];

#[test]
fn faults_of_added_files_are_told_exactly() {
    let mut surprises = Vec::new();
    for (path, content, expected) in ADDED {
        let folder = Folder::sound();
        folder.write(path, content);
        let told = problems(&folder);
        if told != expected {
            surprises.push((path, told));
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn other_files_are_read_without_metadata_too() {
    let folder = Folder::sound();
    folder.write(METADATA, "{");
    for path in [PROCESS, POLICY, "config/texts/resource.nb.json", "ui/main/layouts/first.json", "ui/footer.json"] {
        folder.write(path, "<");
    }
    let told = problems(&folder);
    let files: Vec<_> = told.iter().filter_map(|problem| problem.split(':').next()).collect();
    let expected =
        [POLICY, "config/applicationmetadata.json", PROCESS, "config/texts/resource.nb.json", "ui/footer.json"];
    for path in expected.into_iter().chain(["ui/main/layouts/first.json"]) {
        assert!(files.contains(&path), "nothing about {path}: {told:#?}");
    }
}

#[test]
fn folder_that_is_not_there_is_one_problem() {
    let loaded = App::load("no/such/folder".as_ref());
    assert_eq!(loaded.problems.len(), 1);
    assert_eq!(loaded.problems[0].to_string(), "there is no such folder");
}

#[test]
fn every_file_may_have_a_byte_order_mark() {
    let folder = Folder::sound();
    for path in paths() {
        let text = std::fs::read_to_string(folder.file(path)).expect("the file is there");
        folder.write(path, format!("\u{feff}{text}"));
    }
    assert_eq!(problems(&folder), Vec::<String>::new());
}

const FAULTS: [Fault; 30] = [
    Fault {
        file: METADATA,
        text: "\"maxSize\": 5",
        by: "\"maxSize\": \"5\"",
        expected: &["config/applicationmetadata.json:16: `maxSize` must be a whole number"],
    },
    Fault {
        file: METADATA,
        text: "\"maxSize\": 5",
        by: "\"maxSize\" 5",
        expected: &[
            "config/applicationmetadata.json:16: not JSON: expected colon after the string or word in object property",
        ],
    },
    Fault {
        file: METADATA,
        text: "\"maxSize\": 5",
        by: "\"maxCount\": null, // none",
        expected: &[
            "config/applicationmetadata.json:16: `maxCount` must not be null",
            "config/applicationmetadata.json:16: warning: the original refuses this: not JSON: comments are not allowed",
        ],
    },
    Fault {
        file: METADATA,
        text: "\"id\": \"attachment\"",
        by: "\"id\": \"form\"",
        expected: &["config/applicationmetadata.json:14: two data types have the id `form`"],
    },
    Fault {
        file: METADATA,
        text: "\"id\": \"attachment\"",
        by: "\"grouping\": \"papers\"",
        expected: &["config/applicationmetadata.json:13: `dataTypes/1` has no `id`"],
    },
    Fault {
        file: METADATA,
        text: "\"maxSize\": 5",
        by: "\"appLogic\": { \"autoCreate\": true }",
        expected: &[
            "config/applicationmetadata.json:16: the data type `attachment` is created with its task, but has no `classRef`",
        ],
    },
    Fault {
        file: METADATA,
        text: "\"taskId\": \"Task_1\",\n      \"maxSize\"",
        by: "\"taskId\": \"Task_9\",\n      \"maxSize\"",
        expected: &["config/applicationmetadata.json:15: warning: the task `Task_9` is not in the process"],
    },
    Fault {
        file: METADATA,
        text: "ttd/permit",
        by: "permit",
        expected: &["config/applicationmetadata.json:2: `permit` is not of the form `org/app`"],
    },
    Fault {
        file: METADATA,
        text: "\"org\": \"ttd\"",
        by: "\"org\": \"skd\"",
        expected: &["config/applicationmetadata.json:3: warning: `org` is `skd`, but the id says `ttd`"],
    },
    Fault {
        file: PROCESS,
        text: "<altinn:taskType>data<",
        by: "<altinn:taskType>date<",
        expected: &["config/process/process.bpmn:5: Task_1: `date` is not a task type, and no plugin brings it"],
    },
    Fault {
        file: PROCESS,
        text: "<bpmn:exclusiveGateway id=\"Choice\" />",
        by: "<bpmn:exclusiveGateway id=\"Choice\"><bpmn:extensionElements><altinn:gatewayExtension>\
             <altinn:connectedDataTypeId>nothing</altinn:connectedDataTypeId>\
             </altinn:gatewayExtension></bpmn:extensionElements></bpmn:exclusiveGateway>",
        expected: &[
            "config/process/process.bpmn:12: Choice: `connectedDataTypeId` names the data type `nothing`, which the \
             app's metadata does not have",
        ],
    },
    Fault {
        file: POLICY,
        text: "Effect=\"Permit\"",
        by: "Effect=\"Maybe\"",
        expected: &["config/authorization/policy.xml:5: Effect is `Maybe`, which is neither Permit nor Deny"],
    },
    Fault {
        file: "config/texts/resource.nb.json",
        text: "\"language\": \"nb\",",
        by: "",
        expected: &["config/texts/resource.nb.json:1: warning: it has no `language`; `nb` is taken from the file name"],
    },
    Fault {
        file: "config/texts/resource.nb.json",
        text: "\"value\": \"Tillatelse\"",
        by: "\"value\": 7",
        expected: &["config/texts/resource.nb.json:4: `value` must be a string"],
    },
    Fault {
        file: "ui/layout-sets.json",
        text: "\"dataType\": \"form\"",
        by: "\"dataType\": \"from\"",
        expected: &["ui/layout-sets.json:3: warning: the data type `from` is not in `config/applicationmetadata.json`"],
    },
    Fault {
        file: "ui/layout-sets.json",
        text: "Task_1",
        by: "Task_2",
        expected: &["ui/layout-sets.json:3: warning: the task `Task_2` is not in the process"],
    },
    Fault {
        file: "ui/layout-sets.json",
        text: "\"tasks\": [\"Task_1\"] }",
        by: "\"tasks\": [\"Task_1\"] },\n    { \"id\": \"main\" }",
        expected: &["ui/layout-sets.json:4: two layout sets have the id `main`"],
    },
    Fault {
        file: "ui/main/Settings.json",
        text: "\"order\": [\"first\"]",
        by: "",
        expected: &["ui/main/Settings.json:1: /pages: has neither order nor groups"],
    },
    Fault {
        file: "ui/main/layouts/first.json",
        text: "\"type\": \"Input\", ",
        by: "",
        expected: &["ui/main/layouts/first.json:4: /data/layout/0/type: component name has no type"],
    },
    Fault {
        file: "options/colours.json",
        text: "\"label\": \"colours.red\"",
        by: "\"text\": \"red\"",
        expected: &[
            "options/colours.json:2: item 0 has no `label`",
            "options/colours.json:2: item 0 has no member `text`",
        ],
    },
    Fault {
        file: "options/colours.json",
        text: "\"r\"",
        by: "[1]",
        expected: &["options/colours.json:2: `value` must be a string, number or boolean"],
    },
    Fault {
        file: "appsettings.json",
        text: "\"RequiredValidation\": true",
        by: "\"RequiredValidation\": \"yes\"",
        expected: &["appsettings.json:2: `RequiredValidation` must be true or false"],
    },
    Fault {
        file: METADATA,
        text: "\"classRef\": \"Permit.Models.Form\"",
        by: "\"classRef\": \"Permit.Models.Form\", \"shadowFields\": { \"prefix\": \"X\", \"saveToDataType\": \"clean\" }",
        expected: &["config/applicationmetadata.json:8: there is no data type `clean` to save to when the task ends"],
    },
    Fault {
        file: METADATA,
        text: "\"partyTypesAllowed\"",
        by: "\"presentationFields\": [{ \"id\": \"a\", \"path\": \"name\", \"dataTypeId\": \"from\" }],\n  \"partyTypesAllowed\"",
        expected: &["config/applicationmetadata.json:19: warning: there is no data type `from`"],
    },
    Fault {
        file: METADATA,
        text: "\"partyTypesAllowed\"",
        by: "\"onEntry\": { \"show\": \"start\" }, \"partyTypesAllowed\"",
        expected: &["config/applicationmetadata.json:19: warning: there is no layout set `start`"],
    },
    Fault {
        file: METADATA,
        text: "\"title\": {",
        by: "\"title\": [",
        expected: &["config/applicationmetadata.json:4: not JSON: unexpected colon"],
    },
    Fault {
        file: "models/form.prefill.json",
        text: "\"name\"",
        by: "\"nome\"",
        expected: &["models/form.prefill.json:1: warning: `nome` is not a field of the model; it is not filled"],
    },
    Fault {
        file: "ui/layout-sets.json",
        text: "\"sets\"",
        by: "\"set\"",
        expected: &["ui/layout-sets.json:1: the document has no `sets`"],
    },
    Fault {
        file: "ui/layout-sets.json",
        text: "\"id\": \"main\"",
        by: "\"id\": \"mine\"",
        expected: &["ui/layout-sets.json:3: warning: there is no folder `ui/mine`"],
    },
    Fault {
        file: "ui/footer.json",
        text: "]",
        by: "",
        expected: &["ui/footer.json:1: not JSON: unexpected close brace"],
    },
];
