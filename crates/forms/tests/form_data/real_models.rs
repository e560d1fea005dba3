//! The models of the shared test apps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mottak_forms::model::{Model, ModelSources, ReadModel};
use mottak_forms::{FormData, FormValue};
use mottak_testing::{covers, shared};

/// A form data type of a shared app: a name to show, the class, and the files found for it.
pub(crate) struct DataTypeFiles {
    pub(crate) name: String,
    class_ref: String,
    schema: Option<(String, Vec<u8>)>,
    xsd: Option<(String, Vec<u8>)>,
}

impl DataTypeFiles {
    pub(crate) fn read(&self) -> Option<ReadModel> {
        fn source(file: Option<&(String, Vec<u8>)>) -> Option<(&str, &[u8])> {
            file.map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        }
        let sources = ModelSources {
            class_ref: &self.class_ref,
            schema: source(self.schema.as_ref()),
            xsd: source(self.xsd.as_ref()),
        };
        Model::read(&sources).ok()
    }
}

/// Every form data type of `data/apps` and `data/apps-v9`; empty when the fixtures are absent.
pub(crate) fn data_types() -> Vec<DataTypeFiles> {
    let mut found = Vec::new();
    for set in ["data/apps", "data/apps-v9"] {
        let Some(folder) = shared(set) else { continue };
        let mut apps: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|app| app.path()).collect();
        apps.sort();
        for app in apps {
            let metadata = std::fs::read(app.join("App/config/applicationmetadata.json")).unwrap_or_default();
            let metadata =
                mottak_forms::json::parse(&metadata, mottak_forms::json::Syntax::AppFile).unwrap_or_default();
            let data_types =
                metadata.as_object().and_then(|object| object.get("dataTypes")).and_then(FormValue::as_list);
            for data_type in data_types.unwrap_or_default().iter().filter_map(FormValue::as_object) {
                let class =
                    data_type.get("appLogic").and_then(FormValue::as_object).and_then(|logic| logic.get("classRef"));
                let (Some(class), Some(id)) =
                    (class.and_then(FormValue::as_text), data_type.get("id").and_then(FormValue::as_text))
                else {
                    continue;
                };
                let class_name = class.rsplit(['.', '+']).next().unwrap_or(class);
                let file = |kind: &str| {
                    [id, class_name].into_iter().find_map(|name| {
                        let name = format!("{name}.{kind}");
                        Some((name.clone(), std::fs::read(app.join("App/models").join(name)).ok()?))
                    })
                };
                let app_name = app.file_name().unwrap_or_default().to_string_lossy();
                found.push(DataTypeFiles {
                    name: format!(
                        "{}/{app_name}/{id}",
                        Path::new(set).file_name().unwrap_or_default().to_string_lossy()
                    ),
                    class_ref: class.to_owned(),
                    schema: file("schema.json"),
                    xsd: file("xsd"),
                });
            }
        }
    }
    found
}

fn model(name: &str) -> Option<Arc<Model>> {
    let Some(files) = data_types().into_iter().find(|files| files.name == name) else {
        println!("skipped: {name} is not among the shared fixtures");
        return None;
    };
    Some(Arc::new(files.read().expect("a model").model))
}

fn new_root(model: &Arc<Model>) -> String {
    let namespaces =
        r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema""#;
    FormData::new(model).to_xml_without_declaration().replace(namespaces, "")
}

#[test]
fn every_model_with_a_schema_or_xsd_is_read() {
    let all = data_types();
    let mut read = 0;
    for files in &all {
        if files.schema.is_none() && files.xsd.is_none() {
            continue;
        }
        let found = files.read().unwrap_or_else(|| panic!("{} has no model", files.name));
        assert!(!found.model.root().fields.is_empty(), "{}", files.name);
        for warning in &found.warnings {
            println!("{}: {warning}", files.name);
        }
        read += 1;
    }
    println!("read {read} models of {} form data types", all.len());
}

#[test]
fn old_form_root_is_the_definition_of_the_class() {
    let Some(model) = model("apps/frontend-test/message") else { return };
    let _rows = covers("app-forms", &["131"]);
    assert_eq!(new_root(&model), "<Message />");
    let names: Vec<&str> = model.root().fields.iter().map(|field| field.name.as_str()).collect();
    assert!(names.starts_with(&["ProcessTask", "Title"]), "{names:?}");
    assert!(!names.contains(&"Message"));
}

#[test]
fn subform_model_without_class_is_named_by_its_schema() {
    let Some(model) = model("apps/subform-test/moped") else { return };
    assert_eq!(new_root(&model), r#"<moped><Produksjonsaar xsi:nil="true" /></moped>"#);
}

#[test]
fn payment_model_gives_row_ids_to_single_objects_of_row_types() {
    let Some(model) = model("apps/payment-test/model") else { return };
    let mut data = FormData::from_json(&model, br#"{"AgentCompany":{}}"#).expect("a document");
    assert!(data.assign_row_ids(&mut || uuid::Uuid::from_u128(1)));
    assert!(data.to_xml().contains(r#"<AgentCompany altinnRowId="00000000-0000-0000-0000-000000000001""#));
}

#[test]
fn signing_model_writes_required_numbers_as_nil() {
    let Some(model) = model("apps/signing-test/data") else { return };
    let _rows = covers("app-forms", &["136"]);
    assert_eq!(new_root(&model), "<data />");
    let data = FormData::from_json(&model, br#"{"form":{}}"#).expect("a document");
    let content = r#"><form><year xsi:nil="true" /><income xsi:nil="true" /></form></data>"#;
    assert!(data.to_xml().ends_with(content), "{}", data.to_xml());
    assert!(data.to_json().contains(r#""sources":[]"#));
}

#[test]
fn several_models_app_starts_empty() {
    let Some(model) = model("apps/multiple-datamodels-test/modell1") else { return };
    let _rows = covers("app-forms", &["137"]);
    assert_eq!(new_root(&model), "<modell1 />");
    let json = FormData::new(&model).to_json();
    assert!(json.contains(r#""randomnum":null"#) && json.contains(r#""personer":[]"#), "{json}");
}

#[test]
fn stateless_model_has_numbers_in_its_fixed_attributes() {
    let Some(model) = model("apps/anonymous-stateless-app/default") else { return };
    let _rows = covers("app-forms", &["138"]);
    let json = FormData::new(&model).to_json();
    assert!(
        json.starts_with(r#"{"skjemanummer":1472,"spesifikasjonsnummer":9812,"blankettnummer":"AFP-01","#),
        "{json}"
    );
    assert!(new_root(&model).starts_with(r#"<Skjema skjemanummer="1472" spesifikasjonsnummer="9812""#));
    let elements: Vec<&str> = model.root().fields.iter().skip(6).map(|field| field.name.as_str()).collect();
    assert_eq!(elements[..2], ["OpplysningerOmArbeidstakeren-grp-8819", "StillingsbrokGrad-grp-8821"]);
}

#[test]
fn old_form_attributes_are_fixed_and_numbers() {
    let Some(model) = model("apps/frontend-test/ServiceModel-test") else { return };
    let attributes = r#"<Skjema skjemanummer="1533" spesifikasjonsnummer="11172" blankettnummer="RF-1453" tittel="Endring av navn" gruppeid="9308" />"#;
    assert_eq!(new_root(&model), attributes);
    let json = FormData::new(&model).to_json();
    for member in
        [r#""skjemanummer":1533"#, r#""etatid":null"#, r#""ColorsLabels":[]"#, r#""Innledning-grp-9309":null"#]
    {
        assert!(json.contains(member), "{member} in {json}");
    }
}
