//! Exact documents: members, their order, what is left out and what is null (platform-storage §0.2, §1).

use std::collections::BTreeMap;

use mottak_model::{
    DeleteStatus, FileScanResult, InstanceEvent, KeyValueEntry, PlatformUser, ReadStatus, Reference, ReferenceRelation,
    ReferenceType, Substatus, event_type,
};
use mottak_testkit::Seed;

use crate::own::{self, attachment, confirmed_by, guid, instance, time};
use crate::{API, BACKINGS};

#[tokio::test]
async fn smallest_instance() {
    for backing in BACKINGS {
        let world = own::world(backing);
        let mut small = instance(1);
        small.process = None;
        small.visible_after = None;
        small.instance_owner.person_number = None;
        small.created = Some(time("2025-05-20T08:30:00Z"));
        let seeded = world.server.seed(Seed::of(small)).await;
        let expected = concat!(
            r#"{"id":"501337/7a3c91d2-5b64-4e08-9f1a-000000000001","instanceOwner":{"partyId":"501337"},"#,
            r#""appId":"ttd/kulturstotte","org":"ttd","#,
            r#""selfLinks":{"platform":"https://platform.example.no/storage/api/v1/instances/501337/7a3c91d2-5b64-4e08-9f1a-000000000001"},"#,
            r#""status":{"isArchived":false,"isSoftDeleted":false,"isHardDeleted":false,"readStatus":"Unread"},"#,
            r#""data":[],"created":"2025-05-20T08:30:00Z","createdBy":"1337","#,
            r#""lastChanged":"2025-06-01T10:00:00Z","lastChangedBy":"1337"}"#,
        );
        let path = format!("{API}/instances/{}", seeded.id);
        let answer = world.sophie().get(&path).send().await.expect(200);
        assert_eq!(answer.text(), expected);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        let list = format!("{API}/instances?org=ttd");
        let listed = world.ttd().get(&list).send().await.expect(200);
        let page =
            format!(r#"{{"count":1,"self":"https://platform.example.no{list}","next":null,"instances":[{expected}]}}"#);
        assert_eq!(listed.text(), page);
    }
}

#[tokio::test]
async fn instance_with_everything() {
    let mut full = confirmed_by(instance(1), &["ttd"]);
    full.due_before = Some(time("2025-07-01T00:00:00Z"));
    full.status.is_archived = true;
    full.status.archived = Some(time("2025-05-27T06:00:00.1234567Z"));
    full.status.read_status = ReadStatus::UpdatedSinceLastReview;
    full.status.substatus =
        Some(Substatus { label: Some("Under behandling på «Kornøl»".to_owned()), description: None });
    full.presentation_texts = Some(BTreeMap::from([("Tittel".to_owned(), "Ærfugl & \"kornøl\"".to_owned())]));
    full.data_values = Some(BTreeMap::from([("soknadsBelop".to_owned(), "100".to_owned())]));
    let mut element = attachment(1, 1, 1);
    element.filename = Some("kjøleskap.pdf".to_owned());
    element.size = 4;
    element.refs = Some(vec![guid(77)]);
    element.is_read = false;
    element.locked = true;
    element.tags = Some(vec!["a".to_owned()]);
    let entry = |key: &str, value: Option<&str>| {
        vec![KeyValueEntry { key: Some(key.to_owned()), value: value.map(str::to_owned) }]
    };
    element.user_defined_metadata = Some(entry("TAG", Some("x")));
    element.metadata = Some(entry("m", None));
    element.file_scan_result = FileScanResult::Clean;
    element.delete_status = Some(DeleteStatus { is_hard_deleted: false, hard_deleted: None });
    element.references = Some(vec![Reference {
        value: Some("Task_1".to_owned()),
        relation: Some(ReferenceRelation::GeneratedFrom),
        value_type: Some(ReferenceType::Task),
    }]);
    let expected = concat!(
        r#"{"id":"501337/7a3c91d2-5b64-4e08-9f1a-000000000001","instanceOwner":{"partyId":"501337","personNumber":"01039012345"},"#,
        r#""appId":"ttd/kulturstotte","org":"ttd","#,
        r#""selfLinks":{"platform":"https://platform.example.no/storage/api/v1/instances/501337/7a3c91d2-5b64-4e08-9f1a-000000000001"},"#,
        r#""dueBefore":"2025-07-01T00:00:00Z","visibleAfter":"2025-05-20T08:30:00.1234567Z","#,
        r#""process":{"started":"2025-05-20T08:30:00.1234567Z","startEvent":"StartEvent_1","currentTask":{"flow":2,"#,
        r#""started":"2025-05-20T08:30:00.1234567Z","elementId":"Task_1","name":"Utfylling","altinnTaskType":"data"}},"#,
        r#""status":{"isArchived":true,"archived":"2025-05-27T06:00:00.1234567Z","isSoftDeleted":false,"isHardDeleted":false,"#,
        r#""readStatus":"UpdatedSinceLastReview","substatus":{"label":"Under behandling på «Kornøl»","description":null}},"#,
        r#""completeConfirmations":[{"stakeholderId":"ttd","confirmedOn":"2025-05-28T12:00:00Z"}],"#,
        r#""data":[{"id":"7a3c91d2-5b64-4e08-9f1a-0000000003e9","instanceGuid":"7a3c91d2-5b64-4e08-9f1a-000000000001","#,
        r#""dataType":"vedlegg","filename":"kjøleskap.pdf","contentType":"application/pdf","#,
        r#""blobStoragePath":"ttd/kulturstotte/7a3c91d2-5b64-4e08-9f1a-000000000001/data/7a3c91d2-5b64-4e08-9f1a-0000000003e9","#,
        r#""selfLinks":{"platform":"https://platform.example.no/storage/api/v1/instances/501337/7a3c91d2-5b64-4e08-9f1a-000000000001/data/7a3c91d2-5b64-4e08-9f1a-0000000003e9"},"#,
        r#""size":4,"locked":true,"refs":["7a3c91d2-5b64-4e08-9f1a-00000000004d"],"isRead":false,"tags":["a"],"#,
        r#""userDefinedMetadata":[{"key":"TAG","value":"x"}],"metadata":[{"key":"m","value":null}],"#,
        r#""deleteStatus":{"isHardDeleted":false,"hardDeleted":null},"fileScanResult":"Clean","#,
        r#""references":[{"value":"Task_1","relation":"GeneratedFrom","valueType":"Task"}],"#,
        r#""created":"2025-05-20T08:31:01Z","createdBy":"1337","lastChanged":"2025-05-20T08:31:01Z","lastChangedBy":"1337"}],"#,
        r#""presentationTexts":{"Tittel":"Ærfugl & \"kornøl\""},"dataValues":{"soknadsBelop":"100"},"#,
        r#""created":"2025-05-20T08:30:00.1234567Z","createdBy":"1337","#,
        r#""lastChanged":"2025-06-01T10:00:00Z","lastChangedBy":"1337"}"#,
    );
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(full.clone()).with(element.clone(), "%PDF")).await;
        let path = format!("{API}/instances/{}", full.id);
        assert_eq!(world.ttd().get(&path).send().await.expect(200).text(), expected);
        let listed = world.ttd().get(format!("{API}/instances?org=ttd")).send().await.expect(200).text();
        assert!(listed.ends_with(&format!(r#""instances":[{expected}]}}"#)), "{listed}");
    }
}

#[tokio::test]
async fn element_list_has_no_links() {
    let world = own::world(Default::default());
    let mut element = attachment(1, 1, 1);
    element.refs = None;
    element.filename = None;
    world.server.seed(Seed::of(instance(1)).with(element, "")).await;
    let path = format!("{API}/instances/{}/dataelements", instance(1).id);
    let expected = concat!(
        r#"{"dataElements":[{"id":"7a3c91d2-5b64-4e08-9f1a-0000000003e9","instanceGuid":"7a3c91d2-5b64-4e08-9f1a-000000000001","#,
        r#""dataType":"vedlegg","contentType":"application/pdf","#,
        r#""blobStoragePath":"ttd/kulturstotte/7a3c91d2-5b64-4e08-9f1a-000000000001/data/7a3c91d2-5b64-4e08-9f1a-0000000003e9","#,
        r#""size":0,"locked":false,"isRead":true,"tags":[],"fileScanResult":"NotApplicable","#,
        r#""created":"2025-05-20T08:31:01Z","createdBy":"1337","lastChanged":"2025-05-20T08:31:01Z","lastChangedBy":"1337"}]}"#,
    );
    assert_eq!(world.sophie().get(&path).send().await.expect(200).text(), expected);
}

#[tokio::test]
async fn events_leave_out_what_they_do_not_know() {
    let world = own::world(Default::default());
    let mut seed = Seed::of(instance(1));
    seed.events.push(InstanceEvent {
        id: guid(9),
        instance_id: instance(1).id,
        data_id: Some(guid(1001).to_string()),
        created: time("2025-05-20T08:30:00.5Z"),
        event_type: event_type::SAVED.to_owned(),
        instance_owner_party_id: Some("501337".to_owned()),
        user: Some(PlatformUser { user_id: Some(1337), authentication_level: 2, ..PlatformUser::default() }),
        related_user: None,
        process_info: None,
        additional_info: Some("mer".to_owned()),
    });
    world.server.seed(seed).await;
    let event = concat!(
        r#"{"id":"7a3c91d2-5b64-4e08-9f1a-000000000009","instanceId":"501337/7a3c91d2-5b64-4e08-9f1a-000000000001","#,
        r#""dataId":"7a3c91d2-5b64-4e08-9f1a-0000000003e9","created":"2025-05-20T08:30:00.5Z","eventType":"Saved","#,
        r#""instanceOwnerPartyId":"501337","user":{"userId":1337,"authenticationLevel":2},"additionalInfo":"mer"}"#,
    );
    let path = format!("{API}/instances/{}/events", instance(1).id);
    let list = world.sophie().get(&path).send().await.expect(200);
    assert_eq!(list.text(), format!(r#"{{"instanceEvents":[{event}]}}"#));
    let one = world.sophie().get(format!("{path}/{}", guid(9))).send().await.expect(200);
    assert_eq!(one.text(), event);
}
