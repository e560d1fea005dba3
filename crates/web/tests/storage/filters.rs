//! What the parameters of the list select (platform-storage §2.1.1). Each question is asked of both kinds of store.

use std::collections::BTreeMap;

use mottak_testing::covers;
use mottak_testkit::Seed;

use crate::own::{self, GRANTS, LICENCES, archived, confirmed_by, instance, of_app, time};
use crate::{API, BACKINGS, expect_invalid, expect_text, ids};

/// Ids of these instances in the order newest first, which is the default.
fn newest_first(numbers: &[u128]) -> Vec<String> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.iter().map(|number| instance(*number).id.to_string()).collect()
}

/// One instance in each situation that a filter tells from the others.
pub(crate) async fn varied(backing: mottak_testkit::Backing) -> own::World {
    let world = own::world(backing);
    let soft_deleted = {
        let mut instance = instance(5);
        instance.status.is_soft_deleted = true;
        instance.status.soft_deleted = Some(time("2025-05-25T00:00:00Z"));
        instance
    };
    let hard_deleted = {
        let mut instance = archived(6, "2025-05-24T00:00:00Z");
        instance.status.is_soft_deleted = true;
        instance.status.is_hard_deleted = true;
        instance.status.hard_deleted = Some(time("2025-05-26T00:00:00Z"));
        instance
    };
    let second_task = {
        let mut instance = instance(7);
        let task = instance.process.get_or_insert_default().current_task.get_or_insert_default();
        task.element_id = Some("Task_2".to_owned());
        instance.due_before = Some(time("2025-07-01T12:00:00Z"));
        instance.visible_after = Some(time("2025-06-15T00:00:00Z"));
        instance.presentation_texts =
            Some(BTreeMap::from([("tittel".to_owned(), "Kornøl på Ærfuglvatnet 100% ekte".to_owned())]));
        instance.created = Some(time("2025-05-31T23:36:44Z"));
        instance
    };
    let unstarted = {
        let mut instance = instance(8);
        instance.process = None;
        instance
    };
    for instance in [
        instance(1),
        archived(2, "2025-05-22T10:00:00.5Z"),
        confirmed_by(archived(3, "2025-05-23T10:00:00Z"), &["ttd"]),
        confirmed_by(of_app(archived(4, "2025-05-24T10:00:00Z"), LICENCES), &["digdir"]),
        soft_deleted,
        hard_deleted,
        second_task,
        unstarted,
    ] {
        world.server.seed(Seed::of(instance)).await;
    }
    world
}

#[tokio::test]
async fn filters_select() {
    let _rows = covers("platform-storage", &["Q28", "Q36", "Q37", "Q38", "Q44", "Q46", "Q49"]);
    let all: &[u128] = &[1, 2, 3, 4, 5, 6, 7, 8];
    let cases: &[(&str, &[u128])] = &[
        ("", all),
        ("appId=ttd/skjenkebevilling", &[4]),
        ("appId=ttd%2Fskjenkebevilling", &[4]),
        ("appId=ttd/Skjenkebevilling", &[]),
        ("appId=nonsense", &[]),
        ("instanceOwner.partyId=501337", all),
        ("instanceOwner.partyId=500000", &[]),
        ("process.currentTask=Task_2", &[7]),
        ("process.isComplete=true", &[2, 3, 4, 6]),
        ("process.isComplete=false", &[1, 5, 7]),
        ("process.endEvent=EndEvent_1", &[2, 3, 4, 6]),
        ("process.endEvent=EndEvent_2", &[]),
        ("status.isArchived=true", &[2, 3, 4, 6]),
        ("status.isArchived=false", &[1, 5, 7, 8]),
        ("status.isSoftDeleted=true", &[5, 6]),
        ("status.isSoftDeleted=false", &[1, 2, 3, 4, 7, 8]),
        ("status.isHardDeleted=true", &[6]),
        ("status.isHardDeleted=false", &[1, 2, 3, 4, 5, 7, 8]),
        ("confirmed=true", &[3]),
        ("confirmed=false", &[1, 2, 4, 5, 6, 7, 8]),
        ("excludeConfirmedBy=ttd", &[1, 2, 4, 5, 6, 7, 8]),
        ("excludeConfirmedBy=TTD", &[1, 2, 4, 5, 6, 7, 8]),
        ("excludeConfirmedBy=digdir", &[1, 2, 3, 5, 6, 7, 8]),
        ("excludeConfirmedBy=Digdir", all),
        // `confirmed` wins.
        ("excludeConfirmedBy=ttd&confirmed=true", &[3]),
        ("excludeConfirmedBy=digdir&confirmed=true", &[3]),
        ("appId=ttd%2Fkulturstotte&process.isComplete=true&excludeConfirmedBy=ttd", &[2, 6]),
        ("searchString=%C3%A6rfugl", &[7]),
        ("searchString=KORN%C3%98L", &[7]),
        ("searchString=100%25", &[7]),
        ("searchString=K_rn", &[]),
        ("searchString=%25", &[7]),
        ("searchString=finnes+ikke", &[]),
        ("mainVersionInclude=3", all),
        ("mainVersionInclude=2", &[]),
        ("mainVersionExclude=2", all),
        ("mainVersionExclude=3", &[]),
        ("hva=som&helst=1", all),
        ("STATUS.ISARCHIVED=TRUE&Process.CurrentTask=Task_2", &[]),
    ];
    for backing in BACKINGS {
        let world = varied(backing).await;
        for (query, expected) in cases {
            assert_eq!(world.found(query).await, newest_first(expected), "{query} in {backing:?}");
        }
    }
}

#[tokio::test]
async fn dates_select() {
    let _rows = covers("platform-storage", &["Q42"]);
    let cases: &[(&str, &[u128])] = &[
        ("process.ended=gt:2025-05-22T10:00:00.5Z", &[3, 4, 6]),
        ("process.ended=gte:2025-05-22T10:00:00.5Z", &[2, 3, 4, 6]),
        ("process.ended=eq:2025-05-22T10:00:00.5Z", &[2]),
        ("process.ended=eq:2025-05-24", &[6]),
        ("process.ended=gte:2025-05-23&process.ended=lt:2025-05-24", &[3]),
        ("process.ended=gte:2025-05-22T12:00:00.5%2B02:00&process.ended=lte:2025-05-22T12:00:00.5%2B02:00", &[2]),
        ("dueBefore=lt:2025-07-02", &[7]),
        ("dueBefore=lte:2025-07-01", &[]),
        ("visibleAfter=gt:2025-06-01", &[7]),
        ("created=gt:2025-06-01T01:36:44%2B02", &[]),
        ("created=gte:2025-06-01T01:36:44%2B02", &[7]),
        // An unencoded plus arrives as a blank.
        ("created=gte:2025-06-01T01:36:44+02", &[7]),
        ("created=gt:2025-06-01T01:36:43%2B02", &[7]),
    ];
    for backing in BACKINGS {
        let world = varied(backing).await;
        for (query, expected) in cases {
            assert_eq!(world.found(query).await, newest_first(expected), "{query} in {backing:?}");
        }
    }
}

#[tokio::test]
async fn last_change_selects_a_half_open_interval() {
    let _rows = covers("platform-storage", &["Q39", "Q40"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        for (number, at) in [
            (1, "2023-10-18T12:00:00Z"),
            (2, "2023-10-19T00:00:00Z"),
            (3, "2023-10-19T12:00:00Z"),
            (4, "2023-10-20T00:00:00Z"),
        ] {
            let mut instance = instance(number);
            instance.created = Some(time("2023-10-01T00:00:00Z"));
            world.seed_at(at, Seed::of(instance)).await;
        }
        for (query, expected) in [
            ("lastChanged=gt:2023-10-19", &[3, 4][..]),
            ("lastChanged=gte:2023-10-19&lastChanged=lt:2023-10-20", &[2, 3]),
            ("lastChanged=gte:2023-10-19T02:00:00%2B02:00&lastChanged=lte:2023-10-20T00:00:00Z", &[2, 3, 4]),
            ("lastChanged=eq:2023-10-19T12:00:00Z", &[3]),
            ("lastChanged=lt:2023-10-01", &[]),
        ] {
            assert_eq!(world.found(query).await, newest_first(expected), "{query} in {backing:?}");
        }
    }
}

#[tokio::test]
async fn expressions_that_are_none_are_refused() {
    let _rows = covers("platform-storage", &["Q41", "Q56"]);
    let world = own::world(Default::default());
    for (query, value, name) in [
        ("process.ended=true", "true", "process.ended"),
        ("lastChanged=foo:2023-01-01", "foo:2023-01-01", "lastChanged"),
        ("lastChanged=gt:2023-01-01&lastChanged=gt:2023-02-01", "gt:2023-02-01", "lastChanged"),
        ("created=gt:i+morgen", "gt:i morgen", "created"),
        ("dueBefore=gt:", "gt:", "dueBefore"),
        ("VISIBLEAFTER=2023-01-01", "2023-01-01", "visibleAfter"),
    ] {
        let asked = world.ttd().get(format!("{API}/instances?org=ttd&{query}")).send().await;
        expect_text(&asked, 400, &format!("Invalid date expression: {value} for query key: {name}"));
    }
}

#[tokio::test]
async fn numbers_and_booleans_that_are_none_are_named() {
    let _rows = covers("platform-storage", &["Q43"]);
    let world = own::world(Default::default());
    for (query, members) in [
        ("process.isComplete=abc", &["process.isComplete"][..]),
        ("confirmed=1", &["confirmed"]),
        (
            "status.isArchived=ja&status.isSoftDeleted=nei&status.isHardDeleted=",
            &["status.isArchived", "status.isSoftDeleted"],
        ),
        ("instanceOwner.partyId=en", &["instanceOwner.partyId"]),
        ("mainVersionInclude=x", &["mainVersionInclude"]),
        ("includeDataElements=x", &["includeDataElements"]),
        ("size=99999999999", &["size"]),
    ] {
        // They are looked at before the caller: this one may ask nothing.
        let client = world.server.owner_with_scope("ttd", "405003309", "");
        expect_invalid(&client.get(format!("{API}/instances?{query}")).send().await, members);
    }
}

#[tokio::test]
async fn reference_is_the_end_of_the_guid() {
    let _rows = covers("platform-storage", &["Q29", "Q30", "Q31"]);
    const MESSAGE: &str = "The A3 reference needs to be exactly 12 characters long.";
    for backing in BACKINGS {
        let world = own::world(backing);
        world.seed_many(3).await;
        let mut special = instance(4);
        special.id.guid = "4f0c2e11-9d3a-4c70-8b5e-b7fe18ccff30".parse().expect("a guid");
        world.server.seed(Seed::of(special.clone())).await;
        let sophie = world.sophie();
        let path = format!("{API}/instances?instanceOwner.partyId={}", own::SOPHIES_PARTY);
        for reference in ["b7fe18cc", "b7fe18ccff30ab"] {
            expect_text(&sophie.get(format!("{path}&A3Ref={reference}")).send().await, 400, MESSAGE);
        }
        // It wins over the reference of an earlier generation, of which there is nothing here.
        for (query, expected) in [
            ("A3Ref=B7fe18CCff30", vec![special.id.to_string()]),
            ("a3ref=b7fe18ccff30&dataValues.A2ArchRef=AR1", vec![special.id.to_string()]),
            ("A3Ref=b7fe18ccff31", vec![]),
            ("dataValues.A2ArchRef=AR1", vec![]),
        ] {
            let page = sophie.get(format!("{path}&{query}")).send().await.expect(200).json();
            assert_eq!(ids(&page), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn archived_and_not_deleted_for_users() {
    let _rows = covers("platform-storage", &["Q35"]);
    for backing in BACKINGS {
        let world = varied(backing).await;
        let query =
            format!("instanceOwner.partyId={}&status.isArchived=true&status.isSoftDeleted=false", own::SOPHIES_PARTY);
        let page = world.page(&world.sophie(), &query).await;
        assert!(!ids(&page).is_empty());
        for instance in page["instances"].as_array().expect("a list") {
            assert_eq!(
                (&instance["status"]["isArchived"], &instance["status"]["isHardDeleted"]),
                (&true.into(), &false.into())
            );
        }
    }
}

#[tokio::test]
async fn elements_can_be_left_out() {
    let _rows = covers("platform-storage", &["Q45"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1)).with(own::attachment(1, 1, 1), "%PDF")).await;
        world.server.seed(Seed::of(instance(2))).await;
        let query = format!("appId={GRANTS}");
        let with = world.page(&world.ttd(), &query).await;
        assert_eq!(with["instances"][1]["data"].as_array().map(Vec::len), Some(1));
        let without = world.page(&world.ttd(), &format!("{query}&includeDataElements=false")).await;
        assert_eq!(ids(&with), ids(&without));
        for instance in without["instances"].as_array().expect("a list") {
            assert_eq!(instance["data"], serde_json::json!([]));
        }
    }
}
