//! Shadow fields: helper fields that are dropped when a task ends (app-forms §9.5).

use std::sync::Arc;

use crate::data::FormData;
use crate::json::{JsonReadError, Strictness};
use crate::model::Model;
use crate::value::{FormObject, FormValue};

impl FormData {
    /// The document without the fields, at any depth, whose JSON name begins with `prefix`; casing counts.
    ///
    /// `target` is the model of the result: the same, or that of `saveToDataType`. Fields it does not have are left out.
    ///
    /// # Errors
    /// A field that both models have, with a value that the target cannot hold.
    pub fn without_shadow_fields(&self, prefix: &str, target: &Arc<Model>) -> Result<Self, JsonReadError> {
        let mut root = self.root().clone();
        drop_fields(&mut root, prefix);
        Self::from_value(target, FormValue::Object(root), Strictness::Lenient)
    }
}

fn drop_fields(object: &mut FormObject, prefix: &str) {
    object.retain(|name| !name.starts_with(prefix));
    for (_, value) in object.iter_mut() {
        match value {
            FormValue::Object(child) => drop_fields(child, prefix),
            FormValue::List(rows) => {
                for row in rows.iter_mut().filter_map(FormValue::as_object_mut) {
                    drop_fields(row, prefix);
                }
            }
            FormValue::Null | FormValue::Bool(_) | FormValue::Number(_) | FormValue::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSources;

    fn model(schema: &str) -> Arc<Model> {
        let sources = ModelSources { class_ref: "M", schema: Some(("m", schema.as_bytes())), xsd: None };
        Arc::new(Model::read(&sources).expect("a model").model)
    }

    #[test]
    fn fields_with_the_prefix_go_at_any_depth_and_others_stay() {
        let full = model(
            r#"{"properties":{"a":{"type":"string"},"SF_a":{"type":"string"},"sf_b":{"type":"string"},
                "r":{"type":"array","items":{"type":"object","properties":{"SF_x":{"type":"string"},"y":{"type":"string"}}}}}}"#,
        );
        let clean = model(r#"{"properties":{"a":{"type":"string"}}}"#);
        let text = br#"{"a":"1","SF_a":"2","sf_b":"3","r":[{"SF_x":"4","y":"5"}]}"#;
        let data = FormData::from_json(&full, text).expect("a document");
        let same_model = data.without_shadow_fields("SF_", &full).expect("fits");
        assert_eq!(same_model.to_json(), r#"{"a":"1","SF_a":null,"sf_b":"3","r":[{"SF_x":null,"y":"5"}]}"#);
        assert_eq!(data.without_shadow_fields("SF_", &clean).expect("fits").to_json(), r#"{"a":"1"}"#);
        let other = model(r#"{"properties":{"a":{"type":"number"},"r":{"type":"string"}}}"#);
        assert!(data.without_shadow_fields("SF_", &other).is_err());
    }
}
