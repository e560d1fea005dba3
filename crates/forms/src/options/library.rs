//! Code lists that an organisation shares between its apps (app-forms §7.1).

use std::collections::BTreeMap;

use super::{AppOption, OptionsProblem, shortest};
use crate::json::{self, Syntax};
use crate::value::{FormObject, FormValue};

/// An options id of the form `lib**org**list**version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryReference {
    pub org: String,
    pub list: String,
    /// A version, or `latest`.
    pub version: String,
}

impl LibraryReference {
    /// None for ids of other forms.
    pub fn parse(options_id: &str) -> Option<Self> {
        let parts: Vec<&str> = options_id.split("**").collect();
        let ["lib", org, list, version] = parts[..] else { return None };
        let is_made_of = |text: &str, others: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_well_formed = is_made_of(org, "") && is_made_of(list, "_-") && is_made_of(version, "._-");
        is_well_formed.then(|| Self { org: org.to_owned(), list: list.to_owned(), version: version.to_owned() })
    }

    /// Where the list is below the address of the library.
    pub fn path(&self) -> String {
        let version = if self.version == "latest" { "_latest" } else { &self.version };
        format!("{}/code_lists/{}/{version}.json", self.org, self.list)
    }
}

/// A shared list in the language asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryList {
    pub options: Vec<AppOption>,
    /// The version that was found; clients get it as the downstream parameter `version`.
    pub version: Option<String>,
}

/// Reads a shared list, its texts in `language`, else in `nb`, `nn`, `en`, or the first language there is.
///
/// # Errors
/// Text that is not JSON, or no list of codes with values.
pub fn parse(bytes: &[u8], language: &str) -> Result<LibraryList, OptionsProblem> {
    let document = json::parse(bytes, Syntax::Strict)?;
    let document = document.as_object().ok_or(OptionsProblem::NotAList)?;
    let codes = document.get("codes").and_then(FormValue::as_list).ok_or(OptionsProblem::NotAList)?;
    let tag_names = texts(document.get("tagNames"));
    let read = codes.iter().enumerate().map(|(index, code)| {
        let problem = || OptionsProblem::Option { index, reason: "a code needs a value and a label".to_owned() };
        let code = code.as_object().ok_or_else(problem)?;
        let value = code.get("value").filter(|value| value.is_scalar()).ok_or_else(problem)?;
        let text =
            |member: &str| code.get(member).and_then(FormValue::as_object).and_then(|t| in_language(t, language));
        let tags = texts(code.get("tags"));
        let is_paired = !tags.is_empty() && tags.len() == tag_names.len();
        let tags: BTreeMap<String, String> = tag_names.iter().cloned().zip(tags).collect();
        Ok(AppOption {
            value: shortest(value),
            label: text("label").ok_or_else(problem)?,
            description: text("description"),
            help_text: text("helpText"),
            tags: is_paired.then_some(tags),
        })
    });
    let options = read.collect::<Result<_, OptionsProblem>>()?;
    Ok(LibraryList { options, version: document.get("version").and_then(FormValue::as_text).map(str::to_owned) })
}

fn texts(list: Option<&FormValue>) -> Vec<String> {
    let items = list.and_then(FormValue::as_list).unwrap_or_default();
    items.iter().filter_map(FormValue::as_text).map(str::to_owned).collect()
}

fn in_language(texts: &FormObject, language: &str) -> Option<String> {
    let preferred = [language, "nb", "nn", "en"].into_iter().find_map(|language| texts.get(language)?.as_text());
    let first = || texts.iter().filter_map(|(name, text)| Some((name, text.as_text()?))).min().map(|(_, text)| text);
    preferred.or_else(first).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_a_file_of_the_library() {
        let latest = LibraryReference::parse("lib**ttd**land-1**latest").expect("a reference");
        assert_eq!(latest.path(), "ttd/code_lists/land-1/_latest.json");
        assert_eq!(
            LibraryReference::parse("lib**ttd**land**1.2").expect("a reference").path(),
            "ttd/code_lists/land/1.2.json"
        );
        for id in [
            "land",
            "lib**ttd**land",
            "lib**t/d**land**1",
            "lib**ttd**../x**1",
            "lib**ttd**land**1**2",
            "lib**ttd**land**",
        ] {
            assert_eq!(LibraryReference::parse(id), None, "{id}");
        }
    }

    #[test]
    fn codes_are_shown_in_the_language_or_the_next_best() {
        let document = br#"{"version":"3","tagNames":["region"],"codes":[
            {"value":"no","label":{"nb":"Norge","en":"Norway"},"tags":["nord"]},
            {"value":1.0,"label":{"se":"Norga","fi":"Norja"},"description":{"nb":"d"},"tags":["a","b"]}]}"#;
        let list = parse(document, "en").expect("a list");
        assert_eq!(list.version.as_deref(), Some("3"));
        assert_eq!(
            serde_json::to_string(&list.options).expect("options are JSON"),
            r#"[{"value":"no","label":"Norway","tags":{"region":"nord"}},{"value":1,"label":"Norja","description":"d"}]"#
        );
        assert!(parse(br#"{"codes":[{"label":{}}]}"#, "nb").is_err());
        assert!(parse(b"[]", "nb").is_err());
    }
}
