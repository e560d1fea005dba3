//! The model a sample document has.

use super::{Field, Kind, Model, ObjectType, TypeId, names};
use crate::value::{FormObject, FormValue, ROW_ID};

pub(super) fn model_of(class_ref: &str, sample: &FormValue) -> Model {
    let class_name = names::last_segment(class_ref);
    let mut types = vec![ObjectType::default()];
    let objects: Vec<&FormObject> = sample.as_object().into_iter().collect();
    types[0] = type_of(class_name, &objects, &mut types);
    Model::from_types(class_ref, class_name, types).unwrap_or_else(|| Model::open(class_ref))
}

/// The type that all these objects have together.
fn type_of(name: &str, objects: &[&FormObject], types: &mut Vec<ObjectType>) -> ObjectType {
    let mut field_names: Vec<&str> = Vec::new();
    for (member, _) in objects.iter().flat_map(|object| object.iter()) {
        if member != ROW_ID && !field_names.contains(&member) {
            field_names.push(member);
        }
    }
    let fields = field_names.iter().map(|field| {
        let values: Vec<&FormValue> = objects.iter().filter_map(|object| object.get(field)).collect();
        field_of(field, &values, types)
    });
    let fields = fields.collect();
    ObjectType::new(name, fields)
}

fn field_of(name: &str, values: &[&FormValue], types: &mut Vec<ObjectType>) -> Field {
    let is_list = values.iter().any(|value| matches!(value, FormValue::List(_)));
    let leaves: Vec<&FormValue> = values
        .iter()
        .flat_map(|value| match value {
            FormValue::List(items) => items.iter().collect(),
            value => vec![*value],
        })
        .filter(|value| !value.is_null())
        .collect();
    let objects: Vec<&FormObject> = leaves.iter().filter_map(|value| value.as_object()).collect();
    let kind = match leaves.first() {
        _ if !objects.is_empty() => {
            let id = TypeId(types.len());
            types.push(ObjectType::default());
            types[id.0] = type_of(name, &objects, types);
            Kind::Object(id)
        }
        Some(FormValue::Bool(_)) => Kind::Bool,
        Some(FormValue::Number(_)) => Kind::Decimal,
        _ => Kind::Text,
    };
    if is_list { Field::list(name, kind) } else { Field::element(name, kind) }
}
