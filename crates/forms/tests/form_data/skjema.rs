//! The model of the conformance table (app-forms §11), and short ways to read and show documents of it.

use std::sync::Arc;

use mottak_forms::model::{Field, Kind, Model, ObjectType, Place, TypeId, WhenNull};
use mottak_forms::{Decimal, FormData, FormValue};

/// What every stored document begins with, up to the end of the root's namespace declarations.
pub(crate) const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><Skjema xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#,
    r#" xmlns:xsd="http://www.w3.org/2001/XMLSchema">"#
);

/// `navn`, `alder`, `belop` (required), `ok`, `tid`, `dato`, `merknad` (nillable), `rader`, `tagger`, `felt`, `start`.
pub(crate) fn model() -> Arc<Model> {
    let rows = TypeId::at(1);
    let root = vec![
        Field::element("navn", Kind::Text),
        Field::element("alder", Kind::Decimal),
        Field { when_null: WhenNull::Nil, ..Field::element("belop", Kind::Decimal) },
        Field::element("ok", Kind::Bool),
        Field::element("tid", Kind::DateTime),
        Field::element("dato", Kind::Text),
        Field { when_null: WhenNull::Nil, ..Field::element("merknad", Kind::Text) },
        Field::list("rader", Kind::Object(rows)),
        Field::list("tagger", Kind::Text),
        Field::element("felt", Kind::Object(TypeId::at(3))),
        Field { default: Some(FormValue::from("ny")), ..Field::element("start", Kind::Text) },
    ];
    let row = vec![
        Field::element("id", Kind::Text),
        Field::element("sum", Kind::Decimal),
        Field::list("under", Kind::Object(TypeId::at(2))),
    ];
    let orid = Field {
        place: Place::Attribute,
        fixed: Some(FormValue::Number(Decimal::from(30_320))),
        ..Field::element("orid", Kind::Decimal)
    };
    let value = Field { place: Place::TextContent, ..Field::element("value", Kind::Text) };
    let types = vec![
        ObjectType::new("Skjema", root),
        ObjectType::new("rad", row),
        ObjectType::new("under", vec![Field::element("x", Kind::Text)]),
        ObjectType::new("felt", vec![orid, value]),
    ];
    Arc::new(Model::from_types("Models.Skjema", "Skjema", types).expect("all types are there"))
}

pub(crate) fn json(text: &str) -> FormData {
    FormData::from_json(&model(), text.as_bytes()).expect("JSON of the model")
}

pub(crate) fn xml(body: &str) -> FormData {
    FormData::from_xml(&model(), format!("{HEAD}{body}</Skjema>").as_bytes()).expect("XML of the model")
}

/// The stored elements of a document, without what is there in an empty one.
pub(crate) fn body(data: &FormData) -> String {
    let mut data = data.clone();
    data.normalize();
    let xml = data.to_xml();
    let body = xml.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix("</Skjema>")).expect("a root with content");
    body.replace(r#"<belop xsi:nil="true" />"#, "")
        .replace(r#"<merknad xsi:nil="true" />"#, "")
        .replace("<start>ny</start>", "")
}

/// The member `name` of the answered JSON, as text.
pub(crate) fn member(data: &FormData, name: &str) -> String {
    let mut data = data.clone();
    data.normalize();
    let value = data.root().get(name).expect("a declared member");
    serde_json::to_string(value).expect("a value is JSON")
}
