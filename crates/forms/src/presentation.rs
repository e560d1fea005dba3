//! Presentation texts and data values: fields of the form that the instance shows (app-forms §10).

use std::collections::BTreeMap;

use mottak_model::DataField;

use crate::data::FormData;
use crate::model::Model;
use crate::target;
use crate::value::FormValue;

/// What the fields of this data type say now: id and text, none where the field is null.
///
/// Fields of other data types, fields the model does not have, and fields that are no single value are left out.
pub fn extract(fields: &[DataField], data_type_id: &str, data: &FormData) -> BTreeMap<String, Option<String>> {
    let mut extracted = BTreeMap::new();
    for field in fields.iter().filter(|field| field.data_type_id.as_deref() == Some(data_type_id)) {
        let Some(path) = target::find(data.model(), &field.path) else { continue };
        let text = match data.get(&path) {
            None | Some(FormValue::Null) => None,
            Some(FormValue::Text(text)) => Some(text.clone()),
            Some(FormValue::Number(number)) => Some(number.to_string()),
            // compat: the original prints booleans with a capital, and clients see it.
            Some(FormValue::Bool(true)) => Some("True".to_owned()),
            Some(FormValue::Bool(false)) => Some("False".to_owned()),
            Some(FormValue::Object(_) | FormValue::List(_)) => continue,
        };
        extracted.insert(field.id.clone(), text);
    }
    extracted
}

/// The paths of these fields that the model does not have; report them when the app is loaded.
pub fn unknown_paths<'f>(fields: &'f [DataField], data_type_id: &str, model: &Model) -> Vec<&'f str> {
    let of_type = fields.iter().filter(|field| field.data_type_id.as_deref() == Some(data_type_id));
    of_type.map(|field| field.path.as_str()).filter(|path| target::find(model, path).is_none()).collect()
}

/// The entries of `extracted` that differ from what the instance has; a null removes the key.
pub fn changes(
    current: &BTreeMap<String, String>,
    extracted: BTreeMap<String, Option<String>>,
) -> BTreeMap<String, Option<String>> {
    extracted.into_iter().filter(|(id, text)| current.get(id) != text.as_ref()).collect()
}

/// The texts of an instance after `changes`.
pub fn merged(
    mut current: BTreeMap<String, String>,
    changes: BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    for (id, text) in changes {
        match text {
            Some(text) => current.insert(id, text),
            None => current.remove(&id),
        };
    }
    current
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ModelSources;

    fn form(json: &str) -> FormData {
        let schema = br#"{"properties":{"na-vn":{"type":"string"},"belop":{"type":"number"},"ok":{"type":"boolean"}}}"#;
        let sources = ModelSources { class_ref: "M", schema: Some(("m", schema)), xsd: None };
        let model = Arc::new(Model::read(&sources).expect("a model").model);
        FormData::from_json(&model, json.as_bytes()).expect("a document")
    }

    fn field(id: &str, path: &str, data_type: &str) -> DataField {
        DataField { id: id.to_owned(), path: path.to_owned(), data_type_id: Some(data_type.to_owned()) }
    }

    #[test]
    fn a_field_set_to_null_removes_its_key() {
        let _rows = mottak_testing::covers("app-forms", &["122"]);
        let fields = [field("navn", "NaVn", "a"), field("sum", "belop", "a")];
        let current = BTreeMap::from([("navn".to_owned(), "Ola".to_owned()), ("sum".to_owned(), "1.50".to_owned())]);
        let changes = changes(&current, extract(&fields, "a", &form(r#"{"na-vn":null,"belop":1.50}"#)));
        assert_eq!(changes, BTreeMap::from([("navn".to_owned(), None)]));
        assert_eq!(merged(current, changes), BTreeMap::from([("sum".to_owned(), "1.50".to_owned())]));
    }

    #[test]
    fn fields_of_mixed_data_types_are_all_read() {
        let _rows = mottak_testing::covers("app-forms", &["123"]);
        let fields = [field("x", "belop", "a"), field("y", "belop", "b"), field("z", "navn", "a")];
        let data = form(r#"{"na-vn":"Ola","belop":2}"#);
        assert_eq!(extract(&fields, "a", &data).len(), 2);
        assert_eq!(extract(&fields, "b", &data).len(), 1);
        assert_eq!(unknown_paths(&[field("q", "finnes.ikke", "a")], "a", data.model()), ["finnes.ikke"]);
    }

    #[test]
    fn compat_booleans_are_shown_with_a_capital() {
        let _rows = mottak_testing::covers("app-forms", &["124"]);
        let extracted = extract(&[field("ok", "ok", "a")], "a", &form(r#"{"ok":true}"#));
        assert_eq!(extracted["ok"].as_deref(), Some("True"));
    }
}
