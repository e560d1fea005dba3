//! The form, the instance and the settings that a test file describes.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::expression::{
    DataSource, DataTypeFacts, Dialect, ElementFacts, Facts, InstanceFacts, OwnerKind, Permissions,
};
use crate::layout::{LayoutSet, Layouts, Page};
use crate::text::{TextFile, TextResource, TextResources};

/// The id of the one layout set.
pub(super) const LAYOUT_SET: &str = "layout";

/// Everything that [`Facts`] and [`Layouts`] borrow from.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) layouts: Layouts,
    elements: Vec<TestElement>,
    instance: Value,
    frontend_settings: BTreeMap<String, String>,
    texts: TextResources,
    language: String,
    gateway_action: Option<String>,
    permissions: Option<Permissions>,
    pub(super) arguments: Option<Vec<Value>>,
}

#[derive(Debug)]
struct TestElement {
    id: String,
    data_type: String,
    data: Value,
}

impl Setting {
    pub(super) fn read(file: &Map<String, Value>) -> Result<Self, String> {
        let elements = read_elements(file)?;
        let language = file.get("profileSettings").and_then(|profile| profile.get("language")).and_then(Value::as_str);
        let language = language.unwrap_or("nb").to_owned();
        let mut texts = TextResources::default();
        if let Some(resources) = present(file, "textResources") {
            let resources =
                Vec::<TextResource>::deserialize(resources).map_err(|error| format!("textResources: {error}"))?;
            texts.insert(&language, TextFile { language: language.clone(), resources });
        }
        let frontend_settings = match present(file, "frontendSettings") {
            Some(settings) => read_settings(settings)?,
            None => BTreeMap::new(),
        };
        let data_type = elements.first().map_or("default", |element| element.data_type.as_str());
        let layouts = read_layouts(file, data_type)?;
        Ok(Self {
            layouts,
            elements,
            instance: file.get("instance").cloned().unwrap_or_default(),
            frontend_settings,
            texts,
            language,
            gateway_action: file.get("gatewayAction").and_then(Value::as_str).map(ToOwned::to_owned),
            permissions: present(file, "permissions").map(read_permissions),
            arguments: file.get("positionalArguments").and_then(Value::as_array).cloned(),
        })
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let mut data_types: Vec<DataTypeFacts<'_>> = Vec::new();
        for element in &self.elements {
            if data_types.iter().all(|known| known.id != element.data_type) {
                data_types.push(DataTypeFacts { id: &element.data_type, max_count: 1, has_model: true });
            }
        }
        let elements = self.elements.iter().map(|element| ElementFacts {
            id: &element.id,
            data_type: &element.data_type,
            content: Some(&element.data as &dyn DataSource),
        });
        Facts {
            data_types,
            elements: elements.collect(),
            task_data_type: self.elements.first().map(|element| element.data_type.as_str()),
            instance: read_instance(&self.instance),
            language: &self.language,
            gateway_action: self.gateway_action.as_deref(),
            permissions: self.permissions.as_ref(),
            dialect: Dialect::V9,
            ..Facts::new(&self.frontend_settings, &self.texts)
        }
    }
}

fn present<'a>(file: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    file.get(name).filter(|value| !value.is_null())
}

fn read_elements(file: &Map<String, Value>) -> Result<Vec<TestElement>, String> {
    let Some(models) = present(file, "dataModels") else {
        let data = present(file, "dataModel").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        return Ok(vec![TestElement { id: "default".to_owned(), data_type: "default".to_owned(), data }]);
    };
    let models = models.as_array().ok_or("dataModels must be a list of models")?;
    let text = |model: &Value, name: &str| {
        let value = model.get("dataElement").and_then(|element| element.get(name)).and_then(Value::as_str);
        value.map(ToOwned::to_owned).ok_or_else(|| format!("every data model must have a dataElement with {name}"))
    };
    models
        .iter()
        .map(|model| {
            let data = model.get("data").cloned().unwrap_or_default();
            Ok(TestElement { id: text(model, "id")?, data_type: text(model, "dataType")?, data })
        })
        .collect()
}

fn read_layouts(file: &Map<String, Value>, data_type: &str) -> Result<Layouts, String> {
    let default_page = serde_json::json!({"data": {"layout": [{"id": "paragraph", "type": "Paragraph"}]}});
    let pages = match present(file, "layouts") {
        Some(Value::Object(pages)) => {
            pages.iter().map(|(id, page)| Page::parse(id, page)).collect::<Result<Vec<_>, _>>()
        }
        Some(_) => return Err("layouts must be an object of pages".to_owned()),
        None => Page::parse("page", &default_page).map(|page| vec![page]),
    };
    let pages = pages.map_err(|problems| {
        let messages: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
        messages.join("; ")
    })?;
    Ok(Layouts { sets: vec![LayoutSet { id: LAYOUT_SET.to_owned(), data_type: data_type.to_owned(), pages }] })
}

fn read_settings(settings: &Value) -> Result<BTreeMap<String, String>, String> {
    let settings = settings.as_object().ok_or("frontendSettings must be an object")?;
    let texts = settings
        .iter()
        .filter_map(|(name, value)| crate::expression::printed(value).map(|value| (name.clone(), value)));
    Ok(texts.collect())
}

fn read_permissions(json: &Value) -> Permissions {
    let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
    let actions = json.get("actions").and_then(Value::as_object).into_iter().flatten();
    Permissions {
        read: flag(json.get("read")),
        write: flag(json.get("write")),
        actions: actions.map(|(name, allowed)| (name.clone(), flag(Some(allowed)))).collect(),
    }
}

fn read_instance(json: &Value) -> InstanceFacts<'_> {
    let owner = json.get("instanceOwner").unwrap_or(&Value::Null);
    let is_given = |name: &str| owner.get(name).and_then(Value::as_str).is_some_and(|value| !value.is_empty());
    let owner_kind = if is_given("organisationNumber") {
        OwnerKind::Organisation
    } else if is_given("personNumber") {
        OwnerKind::Person
    } else if is_given("username") {
        OwnerKind::SelfIdentified
    } else {
        OwnerKind::Unknown
    };
    InstanceFacts {
        id: json.get("id").and_then(Value::as_str),
        app_id: json.get("appId").and_then(Value::as_str),
        owner_party_id: owner.get("partyId").and_then(Value::as_str),
        owner_kind,
        owner_name: owner.get("name").and_then(Value::as_str),
    }
}
