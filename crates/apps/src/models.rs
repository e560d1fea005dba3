//! `models/`: the form models of an app and the documents about them.
//!
//! Contract: app-forms §0, §1.1; app-api §14, §19.2.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mottak_forms::expression::{Calculations, ExpressionRules, RuleProblem};
use mottak_forms::model::{Model, ModelProblem, ModelSources};
use mottak_forms::prefill::PrefillConfig;
use mottak_model::DataType;
use serde_json::Value;

use crate::files::AppFiles;
use crate::json::{JsonFile, Original, pointer_to, text_of};
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
    rules: BTreeMap<String, ExpressionRules>,
    parsed_calculations: BTreeMap<String, Calculations>,
    prefills: BTreeMap<String, PrefillConfig>,
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
                read.read_validation(id, &path, bytes, problems);
            } else if let Some(id) = name.strip_suffix(".calculation.json") {
                read.read_calculation(id, &path, bytes, problems);
            }
        }
        for data_type in &metadata.application.data_types {
            if let Some(class_ref) = data_type.class_ref() {
                let model = read.model_of(data_type, class_ref, metadata, problems);
                let path = format!("{FOLDER}{}.prefill.json", data_type.id);
                if let Some(bytes) = files.get(&path) {
                    read.prefills.extend(prefill(&data_type.id, &path, bytes, &model, problems));
                }
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

    /// The rules of the Expression validator for a data type.
    pub fn rules(&self, data_type: &str) -> Option<&ExpressionRules> {
        self.rules.get(data_type)
    }

    /// What is calculated in a data type.
    pub fn calculations(&self, data_type: &str) -> Option<&Calculations> {
        self.parsed_calculations.get(data_type)
    }

    /// `models/{dataType}.prefill.json` of a form data type.
    pub fn prefill(&self, data_type: &str) -> Option<&PrefillConfig> {
        self.prefills.get(data_type)
    }

    fn read_validation(&mut self, id: &str, path: &str, bytes: &[u8], problems: &mut Problems) {
        let Some(file) = object_in(path, bytes, Original::PlainOnly, problems) else { return };
        match ExpressionRules::parse(&file.value) {
            Ok((rules, skipped)) => {
                warn_of_rules(&file, skipped, problems);
                self.rules.insert(id.to_owned(), rules);
            }
            Err(problem) => problems.error(file.place(&problem.pointer), problem.message),
        }
        let json = file.plain();
        self.validations.insert(id.to_owned(), Document { value: file.value, json });
    }

    fn read_calculation(&mut self, id: &str, path: &str, bytes: &[u8], problems: &mut Problems) {
        let Some(file) = object_in(path, bytes, Original::Comments, problems) else { return };
        let (calculations, skipped) = Calculations::parse(&file.value);
        warn_of_rules(&file, skipped, problems);
        self.parsed_calculations.insert(id.to_owned(), calculations);
        let json = file.plain();
        self.calculations.insert(id.to_owned(), Document { value: file.value, json });
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

fn object_in(path: &str, bytes: &[u8], original: Original, problems: &mut Problems) -> Option<JsonFile> {
    let file = JsonFile::read(path, bytes, original, problems)?;
    if !file.value.is_object() {
        problems.error(file.place(""), "the document must be an object");
        return None;
    }
    Some(file)
}

/// Entries that cannot be used are skipped, as in the original; the others of the file work.
fn warn_of_rules(file: &JsonFile, skipped: Vec<RuleProblem>, problems: &mut Problems) {
    for entry in skipped {
        problems.warn(file.place(&entry.pointer), format!("skipped: {}", entry.message));
    }
}

fn prefill(
    data_type: &str,
    path: &str,
    bytes: &[u8],
    model: &Model,
    problems: &mut Problems,
) -> Option<(String, PrefillConfig)> {
    let file = object_in(path, bytes, Original::CommentsAndTrailingCommas, problems)?;
    let config = match PrefillConfig::parse(&file.plain()) {
        Ok(config) => config,
        Err(error) => {
            problems.error(Place::file(path), error.to_string());
            return None;
        }
    };
    if !model.is_open() {
        for target in config.unknown_targets(model) {
            let place = pointer_of(&file, target).map_or_else(|| file.place(""), |pointer| file.place(&pointer));
            problems.warn(place, format!("`{target}` is not a field of the model; it is not filled"));
        }
    }
    Some((data_type.to_owned(), config))
}

/// Where a prefill file names a target.
fn pointer_of(file: &JsonFile, target: &str) -> Option<String> {
    file.value.as_object()?.iter().find_map(|(section, mappings)| {
        let (source, _) = mappings.as_object()?.iter().find(|(_, named)| named.as_str() == Some(target))?;
        Some(pointer_to(&pointer_to("", section), source))
    })
}

fn place_of(problem: &ModelProblem) -> Place {
    let line = problem.place.strip_prefix("line ").and_then(|line| line.parse().ok());
    let pointer = problem.place.starts_with('/').then(|| problem.place.clone());
    Place { file: problem.file.clone(), line, pointer }
}
