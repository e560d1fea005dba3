//! Forms as they are sent, stored and answered: app-api §4.1–4.5, app-forms §1.3–1.4 and §2.1–2.3.

use mottak_testing::covers;
use serde_json::{Value, json};

use crate::world::{World, expect_details, expect_status, text};

const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
const ROOT: &str =
    r#"<sak xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">"#;

/// The last field of a `sak`: nillable, so that it is there also when it is null.
const LAST: &str = r#"<merknad xsi:nil="true" />"#;

/// A stored `sak` with these children and no `merknad`.
fn stored_sak(children: &str) -> String {
    format!("{HEAD}{ROOT}{children}{LAST}</sak>")
}

#[tokio::test]
async fn a_new_form_is_stored_byte_for_byte_as_the_original_writes_it() {
    let _rows = covers("app-forms", &["26", "30"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    assert_eq!(world.stored_text(&sak).await, stored_sak(r#"<belop xsi:nil="true" />"#));
    let form = world.user.get(world.url(&format!("data/{sak}"))).send().await.expect(200);
    assert_eq!(form.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(
        form.text(),
        r#"{"navn":null,"alder":null,"belop":null,"ok":null,"tid":null,"rader":[],"tagger":[],"felt":null,"merknad":null}"#
    );
}

#[tokio::test]
async fn what_is_put_is_stored_and_answered_as_the_contract_writes_it() {
    let _rows = covers(
        "app-forms",
        &["2", "3", "4", "5", "6", "7", "10", "11", "12", "13", "23", "24", "25", "30", "31", "16", "17"],
    );
    let cases: &[(&str, &str, &str)] = &[
        (r#"{"navn":""}"#, "<navn /><belop xsi:nil=\"true\" />", r#""navn":"""#),
        (r#"{"navn":"  a "}"#, "<navn>  a </navn><belop xsi:nil=\"true\" />", r#""navn":"  a ""#),
        (r#"{"navn":" "}"#, "<navn> </navn><belop xsi:nil=\"true\" />", r#""navn":" ""#),
        (r#"{"belop":1.50}"#, "<belop>1.50</belop>", r#""belop":1.50"#),
        (r#"{"belop":1,"alder":1.5}"#, "<alder>1.5</alder><belop>1</belop>", r#""alder":1.5"#),
        (r#"{"belop":1,"alder":"12"}"#, "<alder>12</alder><belop>1</belop>", r#""alder":12"#),
        (r#"{"belop":1,"NAVN":"x"}"#, "<navn>x</navn><belop>1</belop>", r#""navn":"x""#),
        (r#"{"belop":1,"ukjent":{"dypt":[1]}}"#, "<belop>1</belop>", r#""navn":null"#),
        (r#"{"belop":1,"felt":{"value":""}}"#, "<belop>1</belop>", r#""felt":null"#),
        (
            r#"{"belop":1,"felt":{"orid":1,"value":"x"}}"#,
            r#"<belop>1</belop><felt orid="30320">x</felt>"#,
            r#""felt":{"value":"x","orid":30320}"#,
        ),
        (r#"{"belop":1,"navn":"a\u0002b"}"#, "<navn>a\u{fffd}b</navn><belop>1</belop>", "\"navn\":\"a\u{fffd}b\""),
        (r#"{"belop":1,"navn":"a\r\nb"}"#, "<navn>a\r\nb</navn><belop>1</belop>", r#""navn":"a\r\nb""#),
        (
            r#"{"belop":1,"tagger":["a","<&>"]}"#,
            "<belop>1</belop><tagger>a</tagger><tagger>&lt;&amp;&gt;</tagger>",
            r#""tagger":["a","<&>"]"#,
        ),
        (
            r#"{"belop":1,"ok":true,"tid":"2024-05-01T10:00:00+02:00"}"#,
            "<belop>1</belop><ok>true</ok><tid>2024-05-01T10:00:00+02:00</tid>",
            r#""tid":"2024-05-01T10:00:00+02:00""#,
        ),
    ];
    let world = World::journal().await;
    let sak = world.only("sak").await;
    for (sent, children, answered) in cases {
        expect_status(&world.put(&sak).body("application/json", *sent).send().await, 201);
        assert_eq!(world.stored_text(&sak).await, stored_sak(children), "{sent}");
        let form = world.user.get(world.url(&format!("data/{sak}"))).send().await.expect(200).text();
        assert!(form.contains(answered), "{sent}: {form}");
    }
}

#[tokio::test]
async fn xml_is_read_in_any_order_and_stored_in_the_order_of_the_model() {
    let _rows = covers("app-forms", &["14", "20"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let sent = "<sak><tagger>b</tagger><ukjent/><belop>2</belop><navn>Å</navn></sak>";
    let expected = stored_sak("<navn>Å</navn><belop>2</belop><tagger>b</tagger>");
    world.put(&sak).body("application/xml; charset=utf-8", sent).send().await.expect(201);
    assert_eq!(world.stored_text(&sak).await, expected);
    // Without a content type a body is XML.
    let again = sent.replace(">2<", ">3<");
    expect_status(&world.put(&sak).bytes(again).send().await, 201);
    assert_eq!(world.stored_text(&sak).await, expected.replace(">2<", ">3<"));
    // Its length need not be known.
    let chunked = world.put(&sak).chunked("application/xml", crate::world::pieces(sent.into(), 7));
    expect_status(&chunked.send().await, 201);
    assert_eq!(world.stored_text(&sak).await, expected);
}

#[tokio::test]
async fn xml_without_the_namespace_of_the_model_gets_it() {
    let _rows = covers("app-forms", &["15"]);
    let world = World::journal().await;
    let mappe = world.add_form("mappe", &json!({})).await;
    for sent in [
        "<mappe><tittel>a</tittel></mappe>",
        r#"<x:mappe xmlns:x="urn:mottak:test:mappe"><x:tittel>a</x:tittel></x:mappe>"#,
    ] {
        expect_status(&world.put(&mappe).body("application/xml", sent).send().await, 201);
        let expected = concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><mappe xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" "#,
            r#"xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="urn:mottak:test:mappe"><tittel>a</tittel></mappe>"#
        );
        assert_eq!(world.stored_text(&mappe).await, expected, "{sent}");
    }
    let other = r#"<mappe xmlns="urn:another"><tittel>a</tittel></mappe>"#;
    let refused = world.put(&mappe).body("application/xml", other).send().await;
    expect_details(&refused, 400, "Failed to deserialize XML", "");
}

#[tokio::test]
async fn rows_keep_their_order_and_ids_when_one_in_the_middle_goes() {
    let _rows = covers("app-forms", &["32", "36", "33"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let ids = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
    let row = |id: &str, name: &str| json!({"altinnRowId": id, "id": name, "sum": null, "under": []});
    world.put_json(&sak, &json!({"belop": 1, "rader": [row(ids[0], "a"), {"id": "midt"}, row(ids[1], "c")]})).await;
    let patched = world.patch(&sak, json!([{"op": "remove", "path": "/rader/1"}])).await.expect(200).json();
    let rows = &patched["newDataModels"][0]["data"]["rader"];
    assert_eq!(*rows, json!([row(ids[0], "a"), row(ids[1], "c")]));
    let children = format!(
        r#"<belop>1</belop><rader altinnRowId="{}"><id>a</id></rader><rader altinnRowId="{}"><id>c</id></rader>"#,
        ids[0], ids[1]
    );
    assert_eq!(world.stored_text(&sak).await, stored_sak(&children));
    // Readers see ids only when they ask.
    assert_eq!(world.form(&sak).await["rader"][0], json!({"id": "a", "sum": null, "under": []}));
}

#[tokio::test]
async fn a_form_is_answered_as_json_with_nulls_and_without_row_ids() {
    let _rows = covers("app-api", &["DAT-31"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"rader": [{"id": "a"}]})).await;
    let answer = world.user.get(world.url(&format!("data/{sak}"))).send().await.expect(200);
    assert!(answer.text().contains(r#""navn":null"#));
    assert!(!answer.text().contains("altinnRowId"));
    assert_eq!(answer.header("cache-control"), Some("no-store, no-cache"));
}

#[tokio::test]
async fn row_ids_are_given_once_and_kept() {
    let _rows = covers("app-api", &["DAT-32"]);
    let _form_rows = covers("app-forms", &["34"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let version = world.version().await;
    put_without_row_ids(&world, &sak).await;
    assert_eq!(world.elements("sak").await[0]["isRead"], false);
    let path = world.url(&format!("data/{sak}?includeRowId=true"));
    let first = world.user.get(&path).send().await.expect(200).json();
    let id = text(&first["rader"][0]["altinnRowId"]);
    assert!(id.parse::<mottak_model::Guid>().is_ok_and(|id| !id.is_nil()), "{id}");
    assert_eq!(world.user.get(&path).send().await.expect(200).json(), first);
    assert!(world.stored_text(&sak).await.contains(&id));
    assert!(world.version().await > version);
    assert_eq!(world.elements("sak").await[0]["isRead"], true, "it is read all the same");
}

/// Puts a row without an id into the store, as an archive or an older server may have left it there.
async fn put_without_row_ids(world: &World, element: &str) {
    use mottak_model::DataElement;
    use mottak_service::ports::{Body, Change, ElementChange, ElementPut};
    let store = &world.server.service.store;
    let snapshot = store.load(world.id).await.expect("the store answers").expect("the instance");
    let stored = snapshot.instance.data.iter().find(|known| known.id.to_string() == element).expect("the element");
    let bytes = stored_sak("<belop>1</belop><rader><id>a</id></rader>").into_bytes();
    let mut change = Change::expecting(world.id, snapshot.version);
    let element = DataElement { is_read: false, ..stored.clone() };
    let put = ElementPut { element, touch: true, body: Body::Bytes(bytes.into()) };
    change.elements.push(ElementChange::Put(Box::new(put)));
    store.commit(change).await.expect("committed");
}

#[tokio::test]
async fn row_ids_of_a_locked_form_are_answered_and_not_kept() {
    let _rows = covers("app-forms", &["35", "38"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"navn": "x", "belop": 1, "rader": [{"id": "a"}]})).await;
    assert!(world.stored_text(&sak).await.contains("altinnRowId"));
    expect_status(&world.next().await, 200);
    assert!(!world.stored_text(&sak).await.contains("altinnRowId"), "the task's end takes them away");
    let locked = &world.elements("sak").await[0];
    assert_eq!(locked["locked"], true);
    let path = world.url(&format!("data/{sak}?includeRowId=true"));
    let answer = world.user.get(&path).send().await.expect(200).json();
    assert!(answer["rader"][0]["altinnRowId"].is_string(), "{answer}");
    assert!(!world.stored_text(&sak).await.contains("altinnRowId"));
}

#[tokio::test]
async fn whoever_asks_for_xml_alone_gets_it_without_a_declaration() {
    let _rows = covers("app-api", &["DAT-33"]);
    let _form_rows = covers("app-forms", &["22"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let path = world.url(&format!("data/{sak}"));
    for (accept, is_xml) in [
        ("application/xml", true),
        ("text/xml", true),
        ("application/json", false),
        ("application/xml, */*;q=0.1", false),
        ("image/png", false),
    ] {
        let answer = world.user.get(&path).accept(accept).send().await.expect(200);
        if is_xml {
            assert_eq!(answer.header("content-type"), Some("application/xml; charset=utf-8"), "{accept}");
            assert_eq!(answer.text(), format!(r#"{ROOT}<belop xsi:nil="true" />{LAST}</sak>"#));
        } else {
            assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{accept}");
            assert!(answer.json().is_object());
        }
    }
}

#[tokio::test]
async fn a_put_answers_where_the_element_is_and_how_it_is_now() {
    let _rows = covers("app-api", &["DAT-39", "DAT-54"]);
    let world = World::journal().await;
    let before = world.elements("sak").await.remove(0);
    let sak = text(&before["id"]);
    let answer = world.put_json(&sak, &json!({"navn": "Fjellheim", "belop": 10})).await;
    let link = format!("https://localhost/{}/instances/{}/data/{sak}", world.app, world.id);
    assert_eq!(answer.header("location"), Some(link.as_str()));
    let element = answer.json();
    assert_eq!(element["id"], before["id"]);
    assert_eq!(element["selfLinks"]["apps"], link);
    assert_eq!(element["size"], world.stored(&sak).await.len());
    assert_ne!(element["size"], before["size"]);
    assert!(text(&element["lastChanged"]) > text(&before["lastChanged"]));
    assert_eq!(element["lastChangedBy"], "1337");
    assert_eq!(element.get("changedFields"), None);
    assert_eq!(world.form(&sak).await["navn"], "Fjellheim");
    // What an application shows of its forms follows them.
    let instance = world.user.get(format!("/{}/instances/{}", world.app, world.id)).send().await.expect(200).json();
    assert_eq!(instance["presentationTexts"], json!({"navn": "Fjellheim"}));
    assert_eq!(instance["dataValues"], json!({"belop": "10"}));
}

#[tokio::test]
async fn the_same_model_may_be_put_again_and_again_without_a_difference() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let body = json!({"navn": "a", "alder": 12, "belop": 7.0, "rader": [{"id": "x", "sum": 1.10}], "tagger": ["t"]});
    world.put_json(&sak, &body).await;
    let path = world.url(&format!("data/{sak}?includeRowId=true"));
    let first = world.user.get(&path).send().await.expect(200).text();
    let bytes = world.stored(&sak).await;
    for _ in 0..3 {
        expect_status(&world.put(&sak).body("application/json", first.clone()).send().await, 201);
        assert_eq!(world.user.get(&path).send().await.expect(200).text(), first);
        assert_eq!(world.stored(&sak).await, bytes);
    }
}

#[tokio::test]
async fn a_type_that_lists_json_first_is_stored_as_json() {
    let _rows = covers("app-forms", &["29"]);
    let world = World::journal().await;
    let notat = world.add_form("notat", &json!({"tittel": "blå <&>", "tall": 1.50})).await;
    assert_eq!(world.elements("notat").await[0]["contentType"], "application/json");
    let expected = r#"{"tittel":"bl\u00E5 \u003C\u0026\u003E","tekst":null,"tall":1.5}"#;
    assert_eq!(world.stored_text(&notat).await, expected);
    // However it is sent, it stays what it is.
    expect_status(&world.put(&notat).body("application/xml", "<Notat><tittel>å</tittel></Notat>").send().await, 201);
    assert_eq!(world.stored_text(&notat).await, r#"{"tittel":"\u00E5","tekst":null,"tall":null}"#);
    assert_eq!(world.form(&notat).await["tittel"], "å");
}

#[tokio::test]
async fn a_form_without_body_and_content_type_is_filled_from_the_register() {
    let _rows = covers("app-forms", &["21"]);
    let world = World::journal().await;
    let created = world.post("kopi").send().await.expect(200).json();
    assert_eq!(created["newDataModels"][0]["data"]["navn"], "Sophie Salt");
    // What was sent is not overwritten.
    let sent = world.post("kopi").json(&json!({"navn": "En annen"})).send().await.expect(200).json();
    assert_eq!(sent["newDataModels"][0]["data"]["navn"], "En annen");
}

#[tokio::test]
async fn bodies_that_are_no_form_are_refused_in_the_contracts_words() {
    let _rows = covers("app-api", &["DAT-07", "DAT-41", "DAT-42", "DAT-56"]);
    let _form_rows = covers("app-forms", &["16", "17", "18", "19"]);
    let world = World::journal().await;
    let sak = world.only("sak").await;
    let (xml, json) = ("Failed to deserialize XML", "Failed to deserialize JSON");
    let unsupported = "Unsupported content type";
    let cases: &[(&str, &str, u16, &str, &str)] = &[
        ("text/plain", "x", 415, unsupported, "Content type text/plain is not supported for deserialization"),
        ("text/xml", "<sak/>", 415, unsupported, "text/xml"),
        ("application/problem+json", "{}", 415, unsupported, "application/problem+json"),
        ("Application/JSON", "{}", 415, unsupported, "Application/JSON"),
        ("application/json", "null", 400, json, "null"),
        ("application/json", "", 400, json, ""),
        ("application/json", " d{\"navn\":null}", 400, json, "'d' is an invalid start of a value"),
        ("application/json", r#"{"navn":123}"#, 400, json, "Path: $.navn"),
        ("application/json", r#"{"rader":[{"sum":"x"}]}"#, 400, json, "Path: $.rader[0].sum"),
        ("application/json", r#"{"navn":"a",}"#, 400, json, ""),
        ("application/json", "/* */{}", 400, json, ""),
        ("application/json", "[]", 400, json, ""),
        ("application/json", r#"{"rader":[{"altinnRowId":"x"}]}"#, 400, json, ""),
        ("application/xml", "<annet/>", 400, xml, "annet"),
        ("application/xml", "<sak><alder></alder></sak>", 400, xml, ""),
        ("application/xml", "", 400, xml, "No XML content read from stream"),
        ("application/xml", " \n ", 400, xml, "No XML content read from stream"),
        ("application/xml", "<sak><navn>x</sak>", 400, xml, ""),
        ("application/xml", "<!DOCTYPE sak [<!ENTITY a \"b\">]><sak><navn>&a;</navn></sak>", 400, xml, ""),
    ];
    let version = world.version().await;
    for (content_type, body, status, title, detail) in cases {
        let put = world.put(&sak).body(content_type, *body).send().await;
        expect_details(&put, *status, title, detail);
        let post = world.post("kopi").body(content_type, *body).send().await;
        expect_details(&post, *status, title, detail);
    }
    assert_eq!(world.version().await, version, "nothing is written");
}

#[tokio::test]
async fn every_400_of_the_older_endpoint_is_a_text() {
    let world = World::journal().await;
    let refused = world.post_legacy("kopi").body("application/json", "null").send().await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(!refused.text().starts_with('{'), "{}", refused.text());
    let unsupported = world.post_legacy("kopi").body("text/plain", "x").send().await;
    expect_details(&unsupported, 415, "Unsupported content type", "text/plain");
}

#[tokio::test]
async fn every_400_of_the_older_endpoint_is_a_list_where_the_app_says_so() {
    let world = World::journal_with("FeatureManagement:JsonObjectInDataResponse", "true").await;
    let refused = world.post_legacy("kopi").body("application/json", "null").send().await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let issues = refused.json();
    assert_eq!(issues[0]["code"], "Failed to deserialize JSON");
    assert_eq!((&issues[0]["severity"], &issues[0]["source"]), (&json!(1), &json!("DataController")));
    let refused = world.post_legacy("vedlegg").body("text/plain", "x").send().await;
    assert_eq!(refused.json()[0]["code"], "ContentTypeNotAllowed");
    assert_eq!(refused.json()[0]["source"], "DataRestrictionValidation");
}

#[tokio::test]
async fn a_byte_order_mark_is_no_obstacle() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    for (content_type, body) in [
        ("application/json", "\u{feff}{\"navn\":\"å\",\"belop\":1}"),
        ("application/xml", "\u{feff}<sak><navn>å</navn><belop>1</belop></sak>"),
        // What a declaration says of the encoding does not count: bytes are UTF-8.
        ("application/xml", "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><sak><navn>å</navn><belop>1</belop></sak>"),
    ] {
        expect_status(&world.put(&sak).body(content_type, body).send().await, 201);
        assert_eq!(world.stored_text(&sak).await, stored_sak("<navn>å</navn><belop>1</belop>"), "{body}");
    }
}

#[tokio::test]
async fn a_value_of_the_answer_is_null_when_nothing_was_sent() {
    let world = World::journal().await;
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"navn": "a", "belop": 1})).await;
    world.put_json(&sak, &json!({})).await;
    assert_eq!(world.form(&sak).await["navn"], Value::Null);
}
