//! `config/texts/resource.{language}.json`: the texts of an app.
//!
//! Contract: app-api §13.3, §13.4; app-forms §7.3.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use mottak_forms::text::{TextFile, TextResources};
use mottak_model::{AppId, TextResource};
use serde_json::{Value, json};

use crate::files::AppFiles;
use crate::json::{JsonFile, Original, to_bytes};
use crate::problem::{Place, Problems};
use crate::shape::{Absent, Member, NullsInStorage, ObjectShape, Others, Shape, conform, member};

const FOLDER: &str = "config/texts/";
const FALLBACK: &str = "nb";

/// The texts of an app in all its languages.
#[derive(Clone, Debug)]
pub struct Texts {
    by_language: BTreeMap<String, TextResource>,
    documents: BTreeMap<String, Bytes>,
    /// The same texts, with titles and built-in texts, for translation on the server.
    pub translations: TextResources,
    /// The answer of `api/v1/applicationlanguages`; none when the app has no folder of texts.
    pub languages_document: Option<Bytes>,
}

impl Texts {
    /// Reads the texts of `app`, which its metadata calls by `titles` (language → title).
    pub(crate) fn read(
        files: &AppFiles,
        app: &AppId,
        titles: BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Self {
        let mut translations = TextResources::of_application(app.app(), titles);
        let mut by_language = BTreeMap::new();
        let mut documents = BTreeMap::new();
        let mut languages = Vec::new();
        let mut has_folder = false;
        for (name, bytes) in files.below(FOLDER) {
            has_folder = true;
            let path = format!("{FOLDER}{name}");
            let Some(code) = language_of(name) else {
                if is_json(name) {
                    problems
                        .warn(Place::file(&path), "the name is not of the form `resource.xx.json`; nobody reads it");
                }
                continue;
            };
            let Some((texts, said)) = read_file(&path, bytes, app, code, problems) else { continue };
            if let Some(file) = translatable(&texts) {
                translations.insert(code, file);
            }
            languages.push(json!({ "language": said }));
            documents.insert(code.to_owned(), to_bytes(&json!(texts)));
            by_language.insert(code.to_owned(), texts);
        }
        let languages_document = has_folder.then(|| to_bytes(&Value::Array(languages)));
        Self { by_language, documents, translations, languages_document }
    }

    /// The texts in a language; in `nb` when the app does not have them in it. None when it has neither.
    pub fn in_language(&self, language: &str) -> Option<&TextResource> {
        self.by_language.get(language).or_else(|| self.by_language.get(FALLBACK))
    }

    /// What [`Texts::in_language`] gives, as it is served.
    pub fn document(&self, language: &str) -> Option<&Bytes> {
        self.documents.get(language).or_else(|| self.documents.get(FALLBACK))
    }

    /// The languages the app has texts in: two letters each, in order.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.by_language.keys().map(String::as_str)
    }
}

/// The language in a file name `resource.xx.json`.
fn language_of(name: &str) -> Option<&str> {
    let code = name.strip_prefix("resource.")?.strip_suffix(".json")?;
    is_code(code).then_some(code)
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_json(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

/// The texts of a file as they are served, and the language the file says it is in.
fn read_file(
    path: &str,
    bytes: &[u8],
    app: &AppId,
    code: &str,
    problems: &mut Problems,
) -> Option<(TextResource, String)> {
    let file = JsonFile::read(path, bytes, Original::CommentsAndTrailingCommas, problems)?;
    let document = conform(&file, &Shape::Object(&TEXT_FILE), problems)?;
    let said = match document.get("language").and_then(Value::as_str) {
        None => {
            problems.warn(file.place(""), format!("it has no `language`; `{code}` is taken from the file name"));
            code
        }
        // A language nobody can ask for is of no use in the list (app-api §13.4).
        Some(said) if !is_code(said) => {
            problems
                .warn(file.place("/language"), format!("`{said}` is not a language of two letters; `{code}` is used"));
            code
        }
        Some(said) => {
            if said != code {
                problems.warn(file.place("/language"), format!("the file says `{said}`, its name `{code}`"));
            }
            said
        }
    };
    let mut seen = HashSet::new();
    let resources = document.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, resource) in resources.iter().enumerate() {
        if let Some(id) = resource.get("id").and_then(Value::as_str)
            && !seen.insert(id)
        {
            let place = file.place(&format!("/resources/{at}/id"));
            problems.warn(place, format!("the text `{id}` is there twice; the first counts"));
        }
    }
    let said = said.to_owned();
    let mut texts: TextResource = serde_json::from_value(document).ok()?;
    texts.id = Some(format!("{}-{}-{code}", app.org(), app.app()));
    texts.org = Some(app.org().to_owned());
    code.clone_into(&mut texts.language);
    Some((texts, said))
}

/// The same texts as the forms know them: what is absent is empty.
fn translatable(texts: &TextResource) -> Option<TextFile> {
    let resources = texts.resources.iter().map(|text| {
        let variables = text.variables.as_ref().map(|variables| {
            let of = |variable: &mottak_model::TextVariable| {
                json!({
                    "key": variable.key.clone().unwrap_or_default(),
                    "dataSource": variable.data_source.clone().unwrap_or_default(),
                    "defaultValue": variable.default_value,
                })
            };
            variables.iter().map(of).collect::<Vec<_>>()
        });
        json!({ "id": text.id, "value": text.value.clone().unwrap_or_default(), "variables": variables })
    });
    let resources: Vec<Value> = resources.collect();
    serde_json::from_value(json!({ "language": texts.language, "resources": resources })).ok()
}

const TEXT_FILE: ObjectShape = dropping(&[
    member("language", Shape::Text, Absent::Null),
    member("resources", Shape::List(&Shape::Object(&TEXT)), Absent::EmptyList),
]);

const TEXT: ObjectShape = dropping(&[
    member("id", Shape::Text, Absent::Refused),
    member("value", Shape::Text, Absent::Null),
    member("variables", Shape::List(&Shape::Object(&VARIABLE)), Absent::Null),
]);

const VARIABLE: ObjectShape = dropping(&[
    member("key", Shape::Text, Absent::Null),
    member("dataSource", Shape::Text, Absent::Null),
    member("defaultValue", Shape::Text, Absent::Null),
]);

const fn dropping(members: &'static [Member]) -> ObjectShape {
    ObjectShape { members, others: Others::Dropped, nulls_in_storage: NullsInStorage::Written }
}
