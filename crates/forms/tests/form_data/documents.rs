//! Reading and writing documents, row by row of the conformance table.

use mottak_forms::model::{Field, Kind, Model, ModelSources, ObjectType, Occurs, TypeId};
use mottak_forms::{FormData, FormValue};
use mottak_testing::covers;
use std::sync::Arc;

use crate::skjema::{HEAD, body, json, member, model, xml};

fn model_of(schema: &str) -> Arc<Model> {
    let sources = ModelSources { class_ref: "Models.M", schema: Some(("m.schema.json", schema.as_bytes())), xsd: None };
    Arc::new(Model::read(&sources).expect("the schema declares fields").model)
}

#[test]
fn new_document_holds_only_nils_and_defaults() {
    let _rows = covers("app-forms", &["1", "26", "30"]);
    let data = FormData::new(&model());
    let content = r#"<belop xsi:nil="true" /><merknad xsi:nil="true" /><start>ny</start></Skjema>"#;
    assert_eq!(data.to_xml(), format!("{HEAD}{content}"));
    assert_eq!(
        data.to_json(),
        concat!(
            r#"{"navn":null,"alder":null,"belop":null,"ok":null,"tid":null,"dato":null,"merknad":null,"#,
            r#""rader":[],"tagger":[],"felt":null,"start":"ny"}"#
        )
    );
}

#[test]
fn strings_keep_emptiness_and_blanks() {
    let _rows = covers("app-forms", &["3"]);
    for (text, stored) in [("", "<navn />"), ("  a ", "<navn>  a </navn>"), (" ", "<navn> </navn>")] {
        let data = json(&format!(r#"{{"navn":"{text}"}}"#));
        assert_eq!(body(&data), stored);
        assert_eq!(member(&xml(stored), "navn"), format!("\"{text}\""));
    }
}

#[test]
fn field_with_fixed_attribute_follows_its_text() {
    let _rows = covers("app-forms", &["4", "5", "6"]);
    let empty = json(r#"{"felt":{"value":""}}"#);
    assert_eq!((body(&empty).as_str(), member(&empty, "felt").as_str()), ("", "null"));
    let filled = json(r#"{"felt":{"value":"x"}}"#);
    assert_eq!(body(&filled), r#"<felt orid="30320">x</felt>"#);
    assert_eq!(member(&filled, "felt"), r#"{"orid":30320,"value":"x"}"#);
    let forged = json(r#"{"felt":{"orid":1,"value":"x"}}"#);
    assert_eq!(body(&forged), r#"<felt orid="30320">x</felt>"#);
    assert_eq!(body(&xml(r#"<felt orid="1">x</felt>"#)), r#"<felt orid="30320">x</felt>"#);
}

#[test]
fn decimals_keep_their_scale_and_lose_only_digits_that_do_not_fit() {
    let _rows = covers("app-forms", &["7", "8", "9", "10"]);
    let data = json(r#"{"belop":1.50}"#);
    assert_eq!((body(&data).as_str(), member(&data, "belop").as_str()), ("<belop>1.50</belop>", "1.50"));
    assert_eq!(member(&xml("<belop> +1.50 </belop>"), "belop"), "1.50");
    assert_eq!(body(&json(r#"{"belop":1e3}"#)), "<belop>1000</belop>");
    let long = json(r#"{"belop":0.1234567890123456789012345678901234567890}"#);
    assert_eq!(member(&long, "belop"), "0.1234567890123456789012345679");
    assert_eq!(body(&json(r#"{"alder":1.5}"#)), "<alder>1.5</alder>");
}

#[test]
fn json_input_is_lenient_where_clients_need_it() {
    let _rows = covers("app-forms", &["11", "12", "13"]);
    assert_eq!(body(&json(r#"{"alder":"12"}"#)), "<alder>12</alder>");
    assert_eq!(body(&json(r#"{"finnesIkke":{"a":[1]},"navn":"x"}"#)), "<navn>x</navn>");
    assert_eq!(body(&json(r#"{"NAVN":"x"}"#)), "<navn>x</navn>");
    for refused in [
        r#"{"navn":1}"#,
        r#"{"ok":"true"}"#,
        r#"{"alder":"x"}"#,
        r#"{"rader":{}}"#,
        r#"{"felt":"x"}"#,
        "null",
        "[]",
        "",
        "{",
    ] {
        assert!(FormData::from_json(&model(), refused.as_bytes()).is_err(), "{refused}");
    }
    let error = FormData::from_json(&model(), br#"{"rader":[{"sum":"x"}]}"#).expect_err("no number").to_string();
    assert!(error.contains("Path: $.rader[0].sum"), "{error}");
}

#[test]
fn xml_elements_are_read_in_any_order_and_written_in_the_models() {
    let _rows = covers("app-forms", &["14"]);
    let data = xml(
        "<tagger>a</tagger><rader><sum>1</sum><id>r</id></rader><alder>3</alder><navn>x</navn><tagger>b</tagger><ukjent><a/></ukjent>",
    );
    let written =
        "<navn>x</navn><alder>3</alder><rader><id>r</id><sum>1</sum></rader><tagger>a</tagger><tagger>b</tagger>";
    assert_eq!(body(&data), written);
    assert_eq!(member(&xml("<navn>a</navn><navn>b</navn>"), "navn"), r#""b""#);
}

#[test]
fn xml_without_namespace_is_accepted_for_a_model_with_one() {
    let _rows = covers("app-forms", &["15"]);
    let xsd = br#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:skjema">
        <xs:element name="M"><xs:complexType><xs:sequence><xs:element name="a" type="xs:string" minOccurs="0"/>
        </xs:sequence><xs:attribute name="b" type="xs:string" fixed="f"/></xs:complexType></xs:element></xs:schema>"#;
    let sources = ModelSources { class_ref: "M", schema: None, xsd: Some(("m.xsd", xsd)) };
    let model = Arc::new(Model::read(&sources).expect("a model").model);
    let stored = concat!(
        r#"<?xml version="1.0" encoding="utf-8"?><M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" "#,
        r#"xmlns:xsd="http://www.w3.org/2001/XMLSchema" b="f" xmlns="urn:skjema"><a>x</a></M>"#
    );
    for given in [
        "<M><a>x</a></M>",
        r#"<M xmlns="urn:skjema"><a>x</a></M>"#,
        r#"<p:M xmlns:p="urn:skjema"><p:a>x</p:a></p:M>"#,
        stored,
    ] {
        assert_eq!(FormData::from_xml(&model, given.as_bytes()).expect("a document").to_xml(), stored, "{given}");
    }
    assert!(FormData::from_xml(&model, br#"<M xmlns="urn:annet"><a>x</a></M>"#).is_err());
}

#[test]
fn wrong_root_empty_values_and_doctypes_are_refused() {
    let _rows = covers("app-forms", &["16", "17", "18"]);
    let error = |text: &str| FormData::from_xml(&model(), text.as_bytes()).expect_err("no document").to_string();
    assert!(error("<Feil/>").contains("<Feil xmlns=''> was not expected."));
    assert!(error("<Skjema><alder></alder></Skjema>").contains("(element `alder`)"));
    assert!(error("<Skjema>\n<alder/></Skjema>").contains("(2, "));
    let bomb = r#"<!DOCTYPE Skjema [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Skjema><navn>&b;</navn></Skjema>"#;
    assert!(error(bomb).contains("document type declaration"));
    assert!(error("<Skjema><navn>&b;</navn></Skjema>").contains("entity"));
    assert_eq!(error(" \n"), "No XML content read from stream");
    for malformed in [
        "<Skjema>",
        "<Skjema></Feil>",
        "<Skjema/><Skjema/>",
        "x",
        "<Skjema><navn><a/></navn></Skjema>",
        "<Skjema a=1/>",
    ] {
        assert!(FormData::from_xml(&model(), malformed.as_bytes()).is_err(), "{malformed}");
    }
}

#[test]
fn deep_xml_is_an_error_and_not_a_crash() {
    let deep = format!("<M>{}", "<a>".repeat(500_000));
    let error = FormData::from_xml(&Arc::new(Model::open("M")), deep.as_bytes()).expect_err("too deep").to_string();
    assert!(error.contains("nests deeper than 64"), "{error}");
}

#[test]
fn characters_that_xml_cannot_carry_are_replaced() {
    let _rows = covers("app-forms", &["23", "24"]);
    let mut data = json(r#"{"navn":"a\u0002\u007f\ufeff","tagger":["\u0001"]}"#);
    data.normalize();
    assert_eq!(data.root().get("navn").and_then(FormValue::as_text), Some("a\u{fffd}\u{fffd}\u{fffd}"));
    assert_eq!(body(&data), "<navn>a\u{fffd}\u{fffd}\u{fffd}</navn><tagger>\u{fffd}</tagger>");
    let lines = json(r#"{"navn":"a\r\nb\t"}"#);
    assert_eq!(body(&lines), "<navn>a\r\nb\t</navn>");
    assert_eq!(member(&xml(&body(&lines)), "navn"), r#""a\r\nb\t""#);
}

#[test]
fn markup_in_texts_survives() {
    let data = json(r#"{"navn":"<a> & \"b\" 'c'"}"#);
    assert_eq!(body(&data), r#"<navn>&lt;a&gt; &amp; "b" 'c'</navn>"#);
    assert!(xml(&body(&data)).same_values(&data));
    assert_eq!(member(&xml("<navn>a<![CDATA[<b>]]>&#x41;&quot;<!-- c --></navn>"), "navn"), r#""a<b>A\"""#);
}

#[test]
fn lists_of_strings_repeat_their_element() {
    let _rows = covers("app-forms", &["25"]);
    assert_eq!(body(&json(r#"{"tagger":["a","","b"]}"#)), "<tagger>a</tagger><tagger /><tagger>b</tagger>");
    assert_eq!(body(&json(r#"{"tagger":[]}"#)), "");
    assert_eq!(member(&xml(""), "tagger"), "[]");
    assert_eq!(member(&json(r#"{"tagger":null,"rader":[null,{"id":"a"}]}"#), "tagger"), "[]");
}

#[test]
fn wrapped_lists_have_an_element_of_their_own() {
    let _rows = covers("app-forms", &["27"]);
    let list = Field {
        occurs: Occurs::Wrapped { item_name: "y".to_owned() },
        ..Field::list("x", Kind::Object(TypeId::at(1)))
    };
    let types = vec![ObjectType::new("M", vec![list]), ObjectType::new("y", vec![Field::element("a", Kind::Text)])];
    let model = Arc::new(Model::from_types("M", "M", types).expect("a model"));
    let written = |json: &str| {
        let xml = FormData::from_json(&model, json.as_bytes()).expect("a document").to_xml();
        xml.rsplit_once("/XMLSchema\"").map(|(_, rest)| rest.to_owned()).expect("namespace declarations")
    };
    assert_eq!(written(r#"{"x":[{"a":"1"},{"a":null}]}"#), "><x><y><a>1</a></y><y /></x></M>");
    assert_eq!(written(r#"{"x":[]}"#), "><x /></M>");
    let mut nothing = FormData::new(&model);
    nothing.set(&"x".parse().expect("a path"), FormValue::Null).expect_err("a list is not set as a whole");
    let read = FormData::from_xml(&model, b"<M><x><y><a>1</a></y><z/><y/></x></M>").expect("a document");
    assert_eq!(read.to_json(), r#"{"x":[{"a":"1"},{"a":null}]}"#);
}

#[test]
fn date_times_keep_instant_and_offset() {
    let _rows = covers("app-forms", &["31"]);
    let data = json(r#"{"tid":"2024-05-01T10:00:00+02:00"}"#);
    assert_eq!(body(&data), "<tid>2024-05-01T10:00:00+02:00</tid>");
    assert_eq!(member(&xml(&body(&data)), "tid"), r#""2024-05-01T10:00:00+02:00""#);
    assert_eq!(body(&json(r#"{"dato":"ikke en dato"}"#)), "<dato>ikke en dato</dato>");
    assert!(FormData::from_json(&model(), br#"{"tid":"i morgen"}"#).is_err());
}

#[test]
fn nil_reads_as_null_and_defaults_fill_what_is_missing() {
    let _rows = covers("app-forms", &["126", "127"]);
    assert_eq!(member(&json("{}"), "start"), r#""ny""#);
    assert_eq!(body(&json("{}")), "");
    let nulled = json(r#"{"start":null}"#);
    let stored = nulled.to_xml();
    assert!(!stored.contains("<start>"));
    assert_eq!(member(&FormData::from_xml(&model(), stored.as_bytes()).expect("stored"), "start"), r#""ny""#);
    assert_eq!(member(&xml(r#"<belop xsi:nil="true" /><merknad xsi:nil="1"/>"#), "merknad"), "null");
}

#[test]
fn fixed_attributes_cannot_be_changed_and_element_constants_do_nothing() {
    let _rows = covers("app-forms", &["129", "139"]);
    let model = model_of(
        r#"{"@xsdRootElement":"M","properties":{
            "skjemanummer":{"type":"integer","const":"1472","@xsdAttribute":true},"konstant":{"type":"string","const":"k"}}}"#,
    );
    let data = FormData::from_json(&model, br#"{"skjemanummer":1,"konstant":"annet"}"#).expect("a document");
    assert_eq!(data.to_json(), r#"{"skjemanummer":1472,"konstant":"annet"}"#);
    assert!(data.to_xml().contains(r#" skjemanummer="1472"><konstant>annet</konstant>"#));
    assert!(!FormData::new(&model).to_xml().contains("konstant"));
}

#[test]
fn schema_example_has_the_wire_forms_of_the_contract() {
    let model = model_of(
        r##"{ "@xsdRootElement":"Skjema", "type":"object", "required":["belop"],
          "properties": { "navn":{"type":"string"}, "belop":{"type":"number"}, "antall":{"type":"integer"},
            "felt-a":{"$ref":"#/$defs/felt"}, "rader":{"type":"array","items":{"$ref":"#/$defs/rad"}} },
          "$defs": { "felt":{"type":"object","properties":{"value":{"type":"string","@xsdText":true},
                "orid":{"type":"string","const":"30320","@xsdAttribute":true}},"required":["orid"]},
            "rad":{"type":"object","properties":{"id":{"type":"string"}}} } }"##,
    );
    let mut data = FormData::from_json(&model, br#"{"navn":"Ola","felt-a":{"value":"x"},"rader":[{"id":"1"}]}"#)
        .expect("a document");
    assert!(data.assign_row_ids(&mut || uuid::Uuid::from_u128(7)));
    let id = "00000000-0000-0000-0000-000000000007";
    assert_eq!(
        data.to_json(),
        format!(
            r#"{{"navn":"Ola","belop":null,"antall":null,"felt-a":{{"value":"x","orid":"30320"}},"rader":[{{"altinnRowId":"{id}","id":"1"}}]}}"#
        )
    );
    let content = format!(
        r#"<navn>Ola</navn><belop xsi:nil="true" /><felt-a orid="30320">x</felt-a><rader altinnRowId="{id}"><id>1</id></rader>"#
    );
    assert!(data.to_xml().contains(&content), "{}", data.to_xml());
    let read = FormData::from_xml(&model, data.to_xml().as_bytes()).expect("stored");
    assert!(read.same_values(&data));
    assert!(data.remove_row_ids() && !data.to_xml().contains("altinnRowId"));
}

#[test]
fn duplicate_and_zero_row_ids_are_replaced() {
    let zero = uuid::Uuid::nil();
    let kept = uuid::Uuid::from_u128(1);
    let mut data = json(&format!(
        r#"{{"rader":[{{"altinnRowId":"{kept}"}},{{"altinnRowId":"{kept}"}},{{"altinnRowId":"{zero}"}},{{"under":[{{}}]}}]}}"#
    ));
    let mut next = 100;
    assert!(data.assign_row_ids(&mut || {
        next += 1;
        uuid::Uuid::from_u128(next)
    }));
    let ids: Vec<&str> = data
        .root()
        .get("rader")
        .and_then(FormValue::as_list)
        .into_iter()
        .flatten()
        .filter_map(|row| row.as_object()?.row_id())
        .collect();
    let tails: Vec<&str> = ids.iter().map(|id| &id[34..]).collect();
    assert_eq!(tails, ["01", "65", "66", "67"]);
    assert_eq!(next, 104);
    assert!(!data.assign_row_ids(&mut || zero));
    assert!(FormData::from_json(&model(), br#"{"rader":[{"altinnRowId":"x"}]}"#).is_err());
}

#[test]
fn document_without_model_keeps_its_types_through_xml() {
    let model = Arc::new(Model::open("Models.Skjema"));
    let text = r#"{"a":{"altinnRowId":"7bca5a19-8654-4e9d-a7d5-1b12f670b1aa","b":"x"},"n":1.50,"ok":true,"tom":"","ingen":null,"obj":{},"en":["x"],"rader":[{"b":1},{}]}"#;
    let data = FormData::from_json(&model, text.as_bytes()).expect("any JSON");
    assert_eq!(data.to_json(), text);
    let read = FormData::from_xml(&model, data.to_xml().as_bytes()).expect("stored");
    assert_eq!(read.to_json(), text);
    assert!(FormData::from_json(&model, br#"{"a b":1}"#).is_err());
    assert!(FormData::from_json(&model, br#"{"a":[[1]]}"#).is_err());
}

#[test]
fn stored_json_is_plain_ascii() {
    let data = json(r#"{"navn":"Bø & <b>'+"}"#);
    assert!(data.to_json().starts_with(r#"{"navn":"Bø & <b>'+","#));
    assert!(data.to_stored_json().starts_with(r#"{"navn":"B\u00F8 \u0026 \u003Cb\u003E\u0027\u002B","#));
}
