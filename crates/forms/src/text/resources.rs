//! The text files of an application and which text a key means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A file `config/texts/resource.<xx>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextFile {
    #[serde(default)]
    pub language: String,
    #[serde(default)]
    pub resources: Vec<TextResource>,
}

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextResource {
    pub id: String,
    #[serde(default)]
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<TextVariable>>,
}

/// A value that replaces `{n}` in a text, n being its place in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextVariable {
    pub key: String,
    #[serde(default)]
    pub data_source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
}

/// The texts of an application in all its languages.
#[derive(Debug, Clone, Default)]
pub struct TextResources {
    languages: BTreeMap<String, BTreeMap<String, TextResource>>,
    /// `title` of the application metadata: language to name.
    titles: BTreeMap<String, String>,
    app: String,
}

impl TextResources {
    /// The texts of the application named `app` (without organisation), whose metadata has these titles.
    pub fn of_application(app: &str, titles: BTreeMap<String, String>) -> Self {
        Self { languages: BTreeMap::new(), titles, app: app.to_owned() }
    }

    /// Add the texts of a language; of texts with the same id the first counts.
    pub fn insert(&mut self, language: &str, file: TextFile) {
        let texts = self.languages.entry(language.to_owned()).or_default();
        for resource in file.resources {
            texts.entry(resource.id.clone()).or_insert(resource);
        }
    }

    /// The text of a key: the application's own in the language (in `nb` when the language has no file), then the ones
    /// every application has. `None` when the key is unknown; callers show the key.
    pub fn lookup(&self, key: &str, language: &str) -> Option<TextResource> {
        self.own(key, language).cloned().or_else(|| self.built_in(key, language))
    }

    fn own(&self, key: &str, language: &str) -> Option<&TextResource> {
        self.languages.get(language).or_else(|| self.languages.get("nb"))?.get(key)
    }

    fn built_in(&self, key: &str, language: &str) -> Option<TextResource> {
        let plain = |value: &str| TextResource { id: key.to_owned(), value: value.to_owned(), variables: None };
        match key {
            "appName" => self.own("ServiceName", language).cloned().or_else(|| self.title(language).map(plain)),
            "backend.validation_errors.required" => Some(plain(match language {
                "nb" => "Feltet er påkrevd",
                "nn" => "Feltet er påkravd",
                _ => "Field is required",
            })),
            "backend.pdf_default_file_name" => Some(TextResource {
                variables: Some(vec![TextVariable {
                    key: "appName".to_owned(),
                    data_source: "text".to_owned(),
                    default_value: Some("Altinn PDF".to_owned()),
                }]),
                ..plain("{0}.pdf")
            }),
            "pdfPreviewText" => Some(plain(match language {
                "nb" => "Dokumentet er en forhåndsvisning",
                "nn" => "Dokumentet er ein førehandsvisning",
                _ => "The document is a preview",
            })),
            _ => None,
        }
    }

    fn title(&self, language: &str) -> Option<&str> {
        let title = self.titles.get(language).or_else(|| self.titles.values().next()).unwrap_or(&self.app);
        (!title.is_empty()).then_some(title)
    }
}
