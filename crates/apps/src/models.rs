//! `models/`: the form models of an app and the documents about them.
//!
//! Contract: app-forms §0, §1.1; app-api §14, §19.2.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mottak_forms::model::{Model, ModelProblem, ModelSources};
use mottak_model::DataType;
use serde_json::Value;

use crate::files::AppFiles;
use crate::json::{JsonFile, Original, text_of};
use crate::metadata::Metadata;
use crate::problem::{Place, Problems};

const FOLDER: &str = "models/";

/// The form models of an app and the documents about them.
#[derive(Clone, Debug, Default)]
pub struct Models {
    models: BTreeMap<String, Arc<Model>>,
    schemas: BTreeMap<String, Bytes>,
    xsds: BTreeMap<String, Bytes>,
    validations: BTreeMap<String, Document>,
    calculations: BTreeMap<String, Document>,
    prefills: BTreeMap<String, Document>,
    query_parameters: BTreeMap<String, BTreeMap<String, String>>,
}

/// A JSON document of an app.
#[derive(Clone, Debug)]
pub struct Document {
    pub value: Value,
    /// Plain JSON: without byte order mark and comments.
    pub json: Bytes,
}

impl Models {
    pub(crate) fn read(files: &AppFiles, metadata: &Metadata, problems: &mut Problems) -> Self {
        let mut read = Self::default();
        for (name, bytes) in files.below(FOLDER) {
            let path = format!("{FOLDER}{name}");
            if let Some(id) = name.strip_suffix(".schema.json") {
                // The original does not read schemas itself; browsers accept neither comments nor trailing commas.
                if let Some(file) = JsonFile::read(&path, bytes, Original::PlainOnly, problems) {
                    read.schemas.insert(id.to_owned(), file.plain());
                }
            } else if let Some(id) = name.strip_suffix(".xsd") {
                if let Some(text) = text_of(&path, bytes, problems) {
                    read.xsds.insert(id.to_owned(), text.into());
                }
            } else if let Some(id) = name.strip_suffix(".validation.json") {
                read.validations.extend(document(id, &path, bytes, Original::PlainOnly, problems));
            } else if let Some(id) = name.strip_suffix(".calculation.json") {
                read.calculations.extend(document(id, &path, bytes, Original::Comments, problems));
            } else if let Some(id) = name.strip_suffix(".prefill.json") {
                read.prefills.extend(document(id, &path, bytes, Original::CommentsAndTrailingCommas, problems));
                if let Some(prefill) = read.prefills.get(id) {
                    read.query_parameters.insert(id.to_owned(), query_parameters(&prefill.value));
                }
            }
        }
        for data_type in &metadata.application.data_types {
            if let Some(class_ref) = data_type.class_ref() {
                let model = read.model_of(data_type, class_ref, metadata, problems);
                read.models.insert(data_type.id.clone(), Arc::new(model));
            }
        }
        read
    }

    /// The model of a form data type; none for data that is no form.
    pub fn model(&self, data_type: &str) -> Option<&Arc<Model>> {
        self.models.get(data_type)
    }

    /// `models/{id}.schema.json`.
    pub fn schema(&self, id: &str) -> Option<&Bytes> {
        self.schemas.get(id)
    }

    /// `models/{id}.xsd`.
    pub fn xsd(&self, id: &str) -> Option<&Bytes> {
        self.xsds.get(id)
    }

    /// `models/{dataType}.validation.json`.
    pub fn validation(&self, data_type: &str) -> Option<&Document> {
        self.validations.get(data_type)
    }

    /// `models/{dataType}.calculation.json`.
    pub fn calculation(&self, data_type: &str) -> Option<&Document> {
        self.calculations.get(data_type)
    }

    /// `models/{dataType}.prefill.json`.
    pub fn prefill(&self, data_type: &str) -> Option<&Document> {
        self.prefills.get(data_type)
    }

    /// Which query parameters may fill which fields of a data type: name of the parameter → path in the model.
    pub fn query_parameters(&self, data_type: &str) -> Option<&BTreeMap<String, String>> {
        self.query_parameters.get(data_type)
    }

    /// The model by the files with the data type's id, else by those with the name of its class.
    fn model_of(&self, data_type: &DataType, class_ref: &str, metadata: &Metadata, problems: &mut Problems) -> Model {
        let class_name = class_ref.rsplit(['.', '+']).next().unwrap_or(class_ref);
        let names = [data_type.id.as_str(), class_name];
        let schema =
            names.iter().find_map(|name| Some((format!("{FOLDER}{name}.schema.json"), self.schemas.get(*name)?)));
        let xsd = names.iter().find_map(|name| Some((format!("{FOLDER}{name}.xsd"), self.xsds.get(*name)?)));
        if schema.is_none() && xsd.is_none() {
            let place = metadata.place_in_data_type(&data_type.id, "appLogic/classRef");
            let reason = format!(
                "there is no `{FOLDER}{}.schema.json` nor `{FOLDER}{class_name}.schema.json`; every field is accepted",
                data_type.id
            );
            problems.warn(place, reason);
            return Model::open(class_ref);
        }
        let source =
            |file: &Option<(String, &Bytes)>| file.as_ref().map(|(path, bytes)| (path.clone(), (*bytes).clone()));
        let (schema, xsd) = (source(&schema), source(&xsd));
        let sources = ModelSources {
            class_ref,
            schema: schema.as_ref().map(|(path, bytes)| (path.as_str(), bytes.as_ref())),
            xsd: xsd.as_ref().map(|(path, bytes)| (path.as_str(), bytes.as_ref())),
        };
        match Model::read(&sources) {
            Ok(read) => {
                for warning in read.warnings {
                    problems.warn(place_of(&warning), warning.reason);
                }
                read.model
            }
            Err(found) => {
                for problem in found {
                    problems.error(place_of(&problem), problem.reason);
                }
                Model::open(class_ref)
            }
        }
    }
}

fn document(
    id: &str,
    path: &str,
    bytes: &[u8],
    original: Original,
    problems: &mut Problems,
) -> Option<(String, Document)> {
    let file = JsonFile::read(path, bytes, original, problems)?;
    if !file.value.is_object() {
        problems.error(file.place(""), "the document must be an object");
        return None;
    }
    let json = file.plain();
    Some((id.to_owned(), Document { value: file.value, json }))
}

fn query_parameters(prefill: &Value) -> BTreeMap<String, String> {
    let section = prefill.get("QueryParameters").and_then(Value::as_object);
    let paths =
        section.into_iter().flatten().filter_map(|(name, path)| Some((name.clone(), path.as_str()?.to_owned())));
    paths.collect()
}

fn place_of(problem: &ModelProblem) -> Place {
    let line = problem.place.strip_prefix("line ").and_then(|line| line.parse().ok());
    let pointer = problem.place.starts_with('/').then(|| problem.place.clone());
    Place { file: problem.file.clone(), line, pointer }
}
