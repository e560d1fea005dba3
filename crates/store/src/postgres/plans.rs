//! Are statements run as they are meant to be? PostgreSQL's own explanations, on a server for tests.

use std::sync::Arc;

use mottak_model::{AppId, Guid, PartyId, Time};
use mottak_service::ports::{Cursor, InstanceQuery, Order, SystemClock, TimeRange};
use mottak_testing::postgres::Schema;

use super::link::{Call, Session};
use super::{ObjectLocation, PostgresOptions, PostgresStore, read, rows, search, writer};

/// A database with tables and nothing in them, and a session of the store's own kind.
async fn database(partitions: Option<u32>) -> Option<(Schema, Arc<PostgresStore>, Arc<Session>)> {
    let schema = Schema::fresh()?;
    let folder = tempfile::tempdir().unwrap();
    let objects = ObjectLocation::Folder(folder.path().to_owned());
    let options = PostgresOptions { partitions, ..PostgresOptions::default() };
    let store = PostgresStore::open(&schema.url(), &objects, Arc::new(SystemClock), options).await.unwrap();
    let session = store.errands.session().await.unwrap();
    Some((schema, store, session))
}

async fn explain(session: &Session, call: &Call<'_>) -> String {
    let rows = session.query(call).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

/// What is done when the prepared statement is executed: lines of what was not are left out.
async fn executed(session: &Session, types: &str, sql: &str, values: &str) -> String {
    session.run(&format!("prepare plan ({types}) as {sql}")).await.unwrap();
    // A statement that writes is explained and not done.
    session.run("begin").await.unwrap();
    let explaining =
        Call::new(format!("explain (analyze, costs off, timing off, summary off) execute plan ({values})"));
    let plan = explain(session, &explaining).await;
    session.run("rollback; deallocate plan").await.unwrap();
    plan.lines().filter(|line| !line.contains("never executed")).collect::<Vec<_>>().join("\n")
}

/// What a plan reads, as it is named in the database (`instance_7`).
fn relations(plan: &str) -> Vec<&str> {
    let named = plan.lines().filter(|line| line.contains("Scan") && !line.contains("Subquery"));
    named.filter_map(|line| line.split_once(" on ")?.1.split_whitespace().next()).filter(|name| *name != "k").collect()
}

#[tokio::test]
async fn a_point_statement_touches_one_partition_of_each_table() {
    let Some((_schema, _store, session)) = database(Some(32)).await else { return };
    let guid = "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'";
    let id = format!("50001, {guid}");
    for (types, sql, values, tables) in [
        ("int4, uuid", read::LOAD, id.clone(), 2),
        ("int4, uuid", read::EVENTS, id.clone(), 1),
        ("int4, uuid, uuid", read::BODY, format!("{id}, {guid}"), 2),
    ] {
        let plan = executed(&session, types, sql, &values).await;
        let read = relations(&plan).len();
        assert!((1..=tables).contains(&read), "{sql}:\n{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
    }
}

#[tokio::test]
async fn a_commit_touches_one_partition_of_each_table_for_one_instance() {
    let Some((schema, _store, session)) = database(Some(32)).await else { return };
    let guid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    schema
        .run(&format!(
            "insert into instance values (50001, '{guid}', 1, 1, 1, null, 0, null, null, null, null, 0, '', '{{}}'); \
             insert into element values (50001, '{guid}', '{guid}', 1, null, 0, null, null, '{{}}')"
        ))
        .unwrap();
    let quoted = format!("'{guid}'");
    let (id, ids) = (format!("50001, {quoted}"), format!("array[50001], array[{quoted}::uuid]"));
    for (types, sql, values, tables) in [
        ("int4[], uuid[]", writer::LOCK_INSTANCES, ids.clone(), 1),
        ("int4[], uuid[]", writer::READ_ELEMENTS, ids.clone(), 1),
        ("int4[], uuid[]", writer::READ_TOMBSTONES, ids.clone(), 1),
        ("int4, uuid", rows::DELETE_INSTANCE, id.clone(), 1),
        ("int4, uuid", rows::DELETE_ITS_ELEMENTS, id.clone(), 1),
        ("int4, uuid", rows::DELETE_ITS_BLOBS, id.clone(), 1),
        ("int4, uuid", rows::DELETE_ITS_HISTORY, id.clone(), 1),
        ("int4, uuid, uuid", rows::DELETE_ELEMENT, format!("{id}, {quoted}"), 1),
        ("int4, uuid, uuid", rows::DELETE_BLOB, format!("{id}, {quoted}"), 1),
        // These find the row by the key that it would have if it were new, without a scan.
        (
            "int4[], uuid[], int8[], int8[], int4[]",
            rows::MOVE_INSTANCES,
            format!("{ids}, array[2], array[2], array[0]"),
            0,
        ),
        (
            "int4[], uuid[], uuid[], int8[], text[]",
            rows::DESCRIBE_ELEMENTS,
            format!("{ids}, array[{quoted}::uuid], array[1], array['{{}}']"),
            0,
        ),
    ] {
        let plan = executed(&session, types, sql, &values).await;
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert_eq!(relations(&plan).len(), tables, "{sql}:\n{plan}");
    }
}

/// A question with every filter that is a column.
fn all_filters() -> InstanceQuery {
    let range = TimeRange { at_least: Some(Time::from_ticks(1)), below: Some(Time::from_ticks(9)) };
    InstanceQuery {
        is_archived: Some(true),
        changed: range,
        created: range,
        ended: range,
        visible_after: range,
        due_before: range,
        after: Some(Cursor { changed: Time::from_ticks(5), guid: Guid::nil() }),
        ..InstanceQuery::default()
    }
}

#[tokio::test]
async fn lists_follow_the_intended_index_and_are_never_sorted() {
    for partitions in [None, Some(4)] {
        let Some((_schema, _store, session)) = database(partitions).await else { return };
        let app = Some(AppId::new("ttd", "tilskudd"));
        let at_task =
            InstanceQuery { app: app.clone(), current_task: Some("Task_1".to_owned()), ..InstanceQuery::default() };
        let by_app = InstanceQuery { app, org: Some("ttd".to_owned()), ..all_filters() };
        let by_org = InstanceQuery { app: None, ..by_app.clone() };
        let by_party = InstanceQuery { party: Some(PartyId::new(1)), app: None, org: None, ..all_filters() };
        let standing_question =
            InstanceQuery { is_complete: Some(true), exclude_confirmed_by: Some("ttd".to_owned()), ..by_app.clone() };
        let standing_question_of_all_apps = InstanceQuery { app: None, ..standing_question.clone() };
        // Partitions' indexes are named after their columns.
        let [by_app_, by_party_, unconfirmed, at_task_] = match partitions {
            None => ["instance_by_app", "instance_by_party", "instance_unconfirmed", "instance_at_task"],
            Some(_) => ["_app_changed_guid", "_party_changed_guid", "_app_changed_guid", "_app_task_changed"],
        };
        for (query, apps, index) in [
            (&by_app, &[1][..], by_app_),
            (&by_org, &[1, 2, 3], by_app_),
            (&by_party, &[], by_party_),
            (&by_party, &[1], by_party_),
            (&by_party, &[1, 2], by_party_),
            (&at_task, &[1], at_task_),
            (&at_task, &[1, 2, 3], at_task_),
            (&standing_question, &[1], unconfirmed),
            (&standing_question_of_all_apps, &[1, 2], unconfirmed),
        ] {
            for order in [Order::Ascending, Order::Descending] {
                let call = search::page_statement(&InstanceQuery { order, ..query.clone() }, apps);
                let plan = explain(&session, &call.explained()).await;
                assert!(
                    !plan.lines().any(|line| line.trim_start_matches([' ', '-', '>']).starts_with("Sort  ")),
                    "{plan}"
                );
                assert!(!plan.lines().any(|line| line.ends_with("->  Sort")), "{plan}");
                let (keys, _) = plan.split_once("Nested Loop").unwrap();
                let driving: Vec<_> = keys.lines().filter(|line| line.contains(" using ")).collect();
                assert!(!driving.is_empty());
                for line in driving {
                    assert!(line.contains("Index Only Scan") && line.contains(index), "{plan}");
                }
                assert!(!plan.contains("Seq Scan"), "{plan}");
            }
        }
    }
}
