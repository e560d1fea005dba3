//! `appsettings.json`: the switches of an app, and what it tells its frontend.
//!
//! Contract: app-forms §0, app-api §13.5.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::LoadOptions;
use crate::files::AppFiles;
use crate::json::{JsonFile, Original, pointer_to};
use crate::problem::{Place, Problems};

/// The settings of an app that the server acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    /// Hidden fields are removed when a task ends.
    pub remove_hidden_data: bool,
    /// The Required validator runs.
    pub required_validation: bool,
    /// The Expression validator runs.
    pub expression_validation: bool,
    /// The Xsd validator runs.
    pub xsd_validation: bool,
    /// Writes to data of another task are refused.
    pub enforce_data_type_task_id: bool,
    /// Requests are not checked for antiforgery tokens.
    pub disable_csrf_check: bool,
    /// Attachment uploads answer in the form with objects.
    pub json_object_in_data_response: bool,
    /// The login provider users of the app are sent to.
    pub app_oidc_provider: Option<String>,
    /// Prefixes by which a message says its severity.
    pub prefixes: MessagePrefixes,
    /// `FrontEndSettings` with the names clients see, and `appOidcProvider`.
    pub front_end: BTreeMap<String, String>,
}

/// Prefixes by which the text of a validation message says its severity (app-forms §6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePrefixes {
    pub warning: String,
    pub fixed: String,
    pub info: String,
    pub success: String,
}

impl AppSettings {
    /// Whether the server has rules that need the pages of the app.
    pub fn need_layouts(&self) -> bool {
        self.required_validation || self.expression_validation || self.remove_hidden_data
    }

    /// Reads `appsettings.json`, over it the file of the environment, and over both the settings of the options.
    pub(crate) fn read(files: &AppFiles, options: &LoadOptions, problems: &mut Problems) -> Self {
        let mut sections = Sections::default();
        let own = options.environment.map(|environment| format!("appsettings.{environment:?}.json"));
        for path in ["appsettings.json".to_owned()].into_iter().chain(own) {
            let Some(bytes) = files.get(&path) else { continue };
            if let Some(file) = JsonFile::read(&path, bytes, Original::CommentsAndTrailingCommas, problems) {
                sections.add(&file, problems);
            }
        }
        sections.add_overrides(&options.settings);
        sections.into_settings(problems)
    }
}

/// Settings by their full name in lower case (`appsettings:xsdvalidation`), as .NET has them: a later file wins,
/// names are compared without regard to case, and every value is text.
#[derive(Debug, Default)]
struct Sections {
    values: BTreeMap<String, Setting>,
}

#[derive(Debug)]
struct Setting {
    /// The name as written, without its sections.
    name: String,
    text: String,
    place: Place,
}

impl Sections {
    fn add(&mut self, file: &JsonFile, problems: &mut Problems) {
        let Value::Object(sections) = &file.value else {
            problems.error(file.place(""), "the document must be an object");
            return;
        };
        for (section, members) in sections {
            let Value::Object(members) = members else { continue };
            for (name, value) in members {
                let Some(text) = text_of(value) else { continue };
                let place = file.place(&pointer_to(&pointer_to("", section), name));
                let key = format!("{section}:{name}").to_lowercase();
                self.values.insert(key, Setting { name: name.clone(), text, place });
            }
        }
    }

    fn add_overrides(&mut self, overrides: &BTreeMap<String, String>) {
        for (full_name, text) in overrides {
            let full_name = full_name.replace("__", ":");
            let name = full_name.rsplit(':').next().unwrap_or_default().to_owned();
            let place = Place::file("");
            self.values.insert(full_name.to_lowercase(), Setting { name, text: text.clone(), place });
        }
    }

    fn into_settings(self, problems: &mut Problems) -> AppSettings {
        let mut switch = |name: &str| self.switch(name, problems);
        let mut settings = AppSettings {
            remove_hidden_data: switch("appsettings:removehiddendata"),
            required_validation: switch("appsettings:requiredvalidation"),
            expression_validation: switch("appsettings:expressionvalidation"),
            xsd_validation: switch("appsettings:xsdvalidation"),
            enforce_data_type_task_id: switch("appsettings:enforcedatatypetaskid"),
            disable_csrf_check: switch("appsettings:disablecsrfcheck"),
            json_object_in_data_response: switch("featuremanagement:jsonobjectindataresponse"),
            app_oidc_provider: self.text("appsettings:appoidcprovider").filter(|text| !text.is_empty()),
            prefixes: MessagePrefixes {
                warning: self.text("generalsettings:softvalidationprefix").unwrap_or_else(|| "*WARNING*".to_owned()),
                fixed: self.text("generalsettings:fixedvalidationprefix").unwrap_or_else(|| "*FIXED*".to_owned()),
                info: self.text("generalsettings:infovalidationprefix").unwrap_or_else(|| "*INFO*".to_owned()),
                success: self.text("generalsettings:successvalidationprefix").unwrap_or_else(|| "*SUCCESS*".to_owned()),
            },
            front_end: BTreeMap::new(),
        };
        let front_end = self.values.into_iter().filter(|(key, _)| key.starts_with("frontendsettings:"));
        settings.front_end = front_end.map(|(_, setting)| (camel_case(&setting.name), setting.text)).collect();
        if let Some(provider) = &settings.app_oidc_provider {
            settings.front_end.entry("appOidcProvider".to_owned()).or_insert_with(|| provider.clone());
        }
        settings
    }

    fn text(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|setting| setting.text.clone())
    }

    fn switch(&self, key: &str, problems: &mut Problems) -> bool {
        let Some(setting) = self.values.get(key) else { return false };
        match setting.text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" | "" => false,
            _ => {
                problems.error(setting.place.clone(), format!("`{}` must be true or false", setting.name));
                false
            }
        }
    }
}

/// A setting as .NET reads it; objects, lists and null are no settings.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Lowers the leading run of capitals; its last letter is kept before a small one.
fn camel_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut run = letters.iter().take_while(|letter| letter.is_uppercase()).count();
    if run > 1 && letters.get(run).is_some_and(|next| next.is_lowercase()) {
        run -= 1;
    }
    let lowered = letters.iter().take(run).flat_map(|letter| letter.to_lowercase());
    lowered.chain(letters.iter().skip(run).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn names_are_cased_as_clients_see_them() {
        for (name, seen) in [("MySetting", "mySetting"), ("URLPrefix", "urlPrefix"), ("ID", "id"), ("a", "a"), ("", "")]
        {
            assert_eq!(camel_case(name), seen);
        }
    }
}
