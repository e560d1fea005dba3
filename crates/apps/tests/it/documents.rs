//! The documents of an app as clients get them.

use mottak_apps::{App, LoadOptions};
use mottak_policy::{Effect, Request};
use mottak_process::Environment;
use mottak_testing::{covers, shared};
use serde_json::{Value, json};

use crate::folder::{Folder, METADATA, POLICY, PROCESS};

fn load(folder: &Folder) -> App {
    let loaded = App::load(folder.path());
    loaded.app.unwrap_or_else(|| panic!("refused: {:#?}", loaded.problems))
}

fn json_of(document: &[u8]) -> Value {
    serde_json::from_slice(document).expect("the documents of an app are JSON")
}

#[test]
fn metadata_keeps_unknown_members_of_the_root_and_writes_nulls() {
    let folder = Folder::sound();
    folder.replace(METADATA, "\"org\": \"ttd\",", "\"ORG\": \"ttd\", \"promptForParty\": \"always\", \"features\": 1,");
    let app = load(&folder);
    let document = json_of(&app.metadata.app_api);
    assert_eq!(document["org"], "ttd");
    assert_eq!(document["promptForParty"], "always");
    assert_eq!(
        document["features"],
        json!({"footer": true, "processActions": true, "jsonObjectInDataResponse": false})
    );
    assert_eq!(document["externalApiIds"], json!([]));
    assert_eq!(document["altinnNugetVersion"].as_str().map(|version| version.split('.').count()), Some(4));
    assert!(document.as_object().is_some_and(|members| members["onEntry"].is_null()));
    let attachment = &document["dataTypes"][1];
    assert_eq!(attachment["enablePdfCreation"], true);
    assert_eq!((&attachment["maxCount"], &attachment["enabledFileAnalysers"]), (&json!(0), &json!([])));
    assert!(attachment.as_object().is_some_and(|members| members["appLogic"].is_null()));
}

#[test]
fn storage_metadata_omits_nulls_and_what_it_does_not_know() {
    let folder = Folder::sound();
    folder.replace(
        METADATA,
        "\"org\": \"ttd\",",
        "\"org\": \"ttd\", \"promptForParty\": \"always\", \"onEntry\": {}, \"logo\": {\"source\": \"org\"},",
    );
    let document = json_of(&load(&folder).metadata.storage);
    assert_eq!(
        document,
        json!({
            "id": "ttd/permit",
            "org": "ttd",
            "title": {"nb": "Tillatelse"},
            "dataTypes": [
                {
                    "id": "form",
                    "appLogic": {
                        "autoCreate": true,
                        "classRef": "Permit.Models.Form",
                        "allowAnonymousOnStateless": false,
                        "autoDeleteOnProcessEnd": false,
                        "disallowUserCreate": false,
                        "disallowUserDelete": false
                    },
                    "taskId": "Task_1",
                    "maxCount": 1,
                    "minCount": 1,
                    "enablePdfCreation": true,
                    "enableFileScan": false,
                    "validationErrorOnPendingFileScan": false,
                    "enabledFileAnalysers": [],
                    "enabledFileValidators": []
                },
                {
                    "id": "attachment",
                    "taskId": "Task_1",
                    "maxSize": 5,
                    "maxCount": 0,
                    "minCount": 0,
                    "enablePdfCreation": true,
                    "enableFileScan": false,
                    "validationErrorOnPendingFileScan": false,
                    "enabledFileAnalysers": [],
                    "enabledFileValidators": []
                }
            ],
            "partyTypesAllowed": {"bankruptcyEstate": false, "organisation": false, "person": true, "subUnit": false},
            "autoDeleteOnProcessEnd": false,
            "onEntry": {"show": null},
            "disallowUserInstantiation": false
        })
    );
}

#[test]
fn options_keep_the_types_of_the_file() {
    let _rows = covers("app-forms", &["108"]);
    let folder = Folder::sound();
    let list = "[ // the first\n {\"value\": null, \"LABEL\": \"\"}, {\"value\": 1.0, \"label\": \"n\", \"description\": \"\",\n\
                \"helpText\": \"h\", \"tags\": {\"a\": \"b\"}}, {\"label\": \"none\"}, {\"value\": true, \"label\": \"b\"}, ]";
    folder.write("options/mixed.json", list);
    let app = load(&folder);
    let mixed = app.options.get("mixed").expect("the list is there");
    assert_eq!(
        std::str::from_utf8(&mixed.document).expect("text"),
        r#"[{"value":null,"label":""},{"value":1,"label":"n","helpText":"h","tags":{"a":"b"}},{"value":null,"label":"none"},{"value":true,"label":"b"}]"#
    );
    for id in ["Mixed", "../mixed", "", "../config/applicationmetadata"] {
        assert!(app.options.get(id).is_none(), "{id}");
    }
}

#[test]
fn documents_of_the_fixtures_are_as_their_contract_says() {
    let _rows = covers("app-api", &["OPT-04", "LNG-01"]);
    let Some(folder) = shared("data/apps/applib-contributer-restriction") else {
        println!("skipped: the fixtures are not there");
        return;
    };
    let app = App::load(&folder).app.expect("the app loads");
    let options = app.options.get("fileSourceOptions").expect("the list is there");
    assert_eq!(
        std::str::from_utf8(&options.document).expect("text"),
        r#"[{"value":null,"label":""},{"value":"string-value","label":"string-label"},{"value":3,"label":"number"},{"value":true,"label":"boolean-true"},{"value":false,"label":"boolean-false"}]"#
    );
    assert_eq!(
        app.texts.in_language("nb").and_then(|texts| texts.id.clone()).as_deref(),
        Some("tdd-contributer-restriction-nb")
    );
    assert_eq!(app.texts.languages_document.as_deref(), Some(&br#"[{"language":"nb"}]"#[..]));
    assert!(app.models.schema("Skjema").is_some_and(|schema| schema.windows(10).any(|at| at == b"\"$comment\"")));
    assert!(app.models.xsd("Skjema").is_some_and(|xsd| xsd.windows(10).any(|at| at == b"<xs:schema")));
    assert!(app.models.xsd("nothing").is_none());
}

#[test]
fn texts_fall_back_to_nb() {
    let folder = Folder::sound();
    let app = load(&folder);
    let texts = app.texts.in_language("en").expect("there are texts in nb");
    assert_eq!((texts.language.as_str(), texts.id.as_deref()), ("nb", Some("ttd-permit-nb")));
    assert_eq!(app.texts.languages().collect::<Vec<_>>(), ["nb"]);
    assert_eq!(
        serde_json::to_value(&texts.resources).expect("texts are JSON"),
        json!([{"id": "appName", "value": "Tillatelse", "variables": null}])
    );
    folder.remove("config/texts/resource.nb.json");
    let app = load(&folder);
    assert!(app.texts.in_language("nb").is_none());
}

#[test]
fn layouts_of_a_folder_are_one_document() {
    let folder = Folder::sound();
    folder.write("ui/main/layouts/second.json", "{ // a page for print\n \"data\": { \"layout\": [] } }");
    let app = load(&folder);
    let main = app.ui.folder("main").expect("the folder is there");
    let pages: Vec<_> = json_of(&main.layouts_document).as_object().expect("an object").keys().cloned().collect();
    assert_eq!(pages, ["first", "second"]);
    assert_eq!(main.pages.iter().map(|page| page.id.as_str()).collect::<Vec<_>>(), ["first"]);
    assert_eq!(app.ui.layouts.set("main").map(|set| set.data_type.as_str()), Some("form"));
    assert_eq!(app.ui.set_of_task("Task_1").map(|set| set.id.as_str()), Some("main"));
    assert!(app.ui.folder("unknown").is_none());
    assert!(main.rule_handler.is_none());
}

#[test]
fn layout_sets_are_made_from_folders() {
    let folder = Folder::sound();
    folder.remove("ui/layout-sets.json");
    folder.write("ui/Task_1/Settings.json", r#"{"defaultDataType": "form", "pages": {"order": ["first"]}}"#);
    folder.write("ui/Task_1/layouts/first.json", r#"{"data": {"layout": []}}"#);
    folder.write("ui/Settings.json", r#"{"showProgress": true}"#);
    let app = load(&folder);
    let sets = app.ui.layout_sets_document.as_deref().map(json_of);
    assert_eq!(
        sets,
        Some(json!({
            "sets": [
                {"id": "Task_1", "dataType": "form", "tasks": ["Task_1"]},
                {"id": "main", "dataType": "form", "tasks": ["main"]}
            ],
            "uiSettings": {"showProgress": true}
        }))
    );
    assert_eq!(app.ui.set_of_task("Task_1").and_then(|set| set.data_type.as_deref()), Some("form"));
}

#[test]
fn settings_are_read_in_layers() {
    let _rows = covers("app-api", &["SET-01"]);
    let folder = Folder::sound();
    folder.write(
        "appsettings.Staging.json",
        r#"{"AppSettings": {"requiredValidation": "False", "AppOidcProvider": "idporten"}, "FeatureManagement": {"JsonObjectInDataResponse": true}, "FrontEndSettings": {"MySetting": 1}}"#,
    );
    let settings = load(&folder).settings;
    assert!(settings.required_validation && !settings.xsd_validation);
    assert_eq!(settings.front_end.get("urlPrefix").map(String::as_str), Some("x"));
    let options = LoadOptions { environment: Some(Environment::Staging), ..LoadOptions::default() };
    let staging = App::load_with(folder.path(), &options).app.expect("the app loads").settings;
    assert!(!staging.required_validation && staging.json_object_in_data_response);
    assert_eq!(staging.front_end.get("mySetting").map(String::as_str), Some("1"));
    assert_eq!(staging.front_end.get("appOidcProvider").map(String::as_str), Some("idporten"));
}

#[test]
fn query_parameters_come_from_the_prefill_file() {
    let app = load(&Folder::sound());
    let prefill = app.models.prefill("form").expect("there is a prefill file");
    let named: Vec<_> = prefill.query_parameters.iter().map(|mapping| (&*mapping.source, &*mapping.target)).collect();
    assert_eq!(named, [("n", "name")]);
    assert!(app.models.prefill("attachment").is_none());
}

#[test]
fn static_files_stay_below_their_folder() {
    let folder = Folder::sound();
    folder.write("wwwroot/css/own.css", "p {}");
    let app = load(&folder);
    assert!(app.static_file("css/own.css").is_some());
    assert!(app.static_file("/css/own.css").is_some());
    for path in ["", "css", "css/other.css", "../appsettings.json", "css/../../appsettings.json", "..\\x", "a\0b"] {
        assert!(app.static_file(path).is_none(), "{path}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.file("appsettings.json"), folder.file("wwwroot/link.json")).expect("a link");
        assert!(app.static_file("link.json").is_none());
    }
}

#[test]
fn content_hash_changes_with_any_file() {
    let folder = Folder::sound();
    let before = load(&folder).content_hash;
    assert_eq!(load(&folder).content_hash, before);
    folder.write("ui/footer.json", "{}");
    assert_ne!(load(&folder).content_hash, before);
}

#[test]
fn settings_of_the_options_count_most() {
    let folder = Folder::sound();
    let settings = [("AppSettings__RemoveHiddenData", "true"), ("AppSettings:requiredValidation", "false")];
    let settings = settings.map(|(name, text)| (name.to_owned(), text.to_owned())).into_iter().collect();
    let options = LoadOptions { settings, ..LoadOptions::default() };
    let settings = App::load_with(folder.path(), &options).app.expect("the app loads").settings;
    assert!(settings.remove_hidden_data && !settings.required_validation);
}

#[test]
fn app_without_process_and_policy_permits_nobody() {
    let folder = Folder::sound();
    folder.remove(PROCESS);
    folder.remove(POLICY);
    let app = load(&folder);
    assert!(app.process().is_none() && app.process_document.is_none() && app.policy_document.is_none());
    let decision = app.policy.decide(&Request::default());
    assert_eq!(decision.effect, Effect::Deny);
}

#[test]
fn stateless_app_opens_with_the_form_of_its_set() {
    let folder = Folder::sound();
    assert!(load(&folder).stateless_data_type().is_none());
    folder.replace(METADATA, "\"org\": \"ttd\",", "\"org\": \"ttd\", \"onEntry\": { \"show\": \"main\" },");
    assert_eq!(load(&folder).stateless_data_type().map(|data_type| data_type.id.as_str()), Some("form"));
    folder.replace(METADATA, "\"show\": \"main\"", "\"show\": \"select-instance\"");
    assert!(load(&folder).stateless_data_type().is_none());
}

#[test]
fn missing_configuration_is_told_for_the_environment_asked_for() {
    let folder = Folder::sound();
    let shipment = "eFormidling</altinn:taskType><altinn:eFormidlingConfig>\
                    <altinn:process env=\"staging\">p</altinn:process></altinn:eFormidlingConfig";
    folder.replace(PROCESS, "data</altinn:taskType", shipment);
    assert!(App::load(folder.path()).app.is_some());
    let options = LoadOptions { environment: Some(Environment::Production), ..LoadOptions::default() };
    let loaded = App::load_with(folder.path(), &options);
    let errors = loaded.problems.iter().filter(|problem| problem.is_error());
    assert!(errors.clone().count() > 3, "every missing field is told: {:#?}", loaded.problems);
    assert!(errors.clone().all(|problem| problem.file == PROCESS && problem.line == Some(5)));
}
