//! Several writers at once: nobody's work is lost, and who comes second is told.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::world::{World, noise, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_patches_that_test_the_same_field_one_wins() {
    let world = Arc::new(World::journal_on_disk().await);
    let sak = world.only("sak").await;
    let mut before = Value::Null;
    for round in 0..20 {
        let mut racers = JoinSet::new();
        for racer in 0..2 {
            let (world, sak, before) = (Arc::clone(&world), sak.clone(), before.clone());
            racers.spawn(async move {
                let name = format!("{round}-{racer}");
                let patch = json!([
                    {"op": "test", "path": "/navn", "value": before}, {"op": "replace", "path": "/navn", "value": name}]);
                (name, world.patch(&sak, patch).await.status)
            });
        }
        let results = racers.join_all().await;
        let winners: Vec<_> = results.iter().filter(|(_, status)| *status == 200).collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        assert!(results.iter().any(|(_, status)| *status == 409), "{results:?}");
        before = world.form(&sak).await["navn"].clone();
        assert_eq!(before, winners[0].0.as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn patches_of_different_rows_all_take_effect() {
    let world = Arc::new(World::journal_on_disk().await);
    let sak = world.only("sak").await;
    let mut racers = JoinSet::new();
    for racer in 0..20 {
        let (world, sak) = (Arc::clone(&world), sak.clone());
        racers.spawn(async move {
            let patch = json!([{"op": "add", "path": "/tagger/-", "value": format!("nr {racer}")}]);
            world.patch(&sak, patch).await.status
        });
    }
    assert!(racers.join_all().await.iter().all(|status| *status == 200));
    let mut names: Vec<String> =
        world.form(&sak).await["tagger"].as_array().expect("a list").iter().map(text).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_uploads_at_once_are_all_there() {
    for world in [World::journal().await, World::journal_on_disk().await] {
        let world = Arc::new(world);
        let mut racers = JoinSet::new();
        for racer in 0..20 {
            let world = Arc::clone(&world);
            racers.spawn(async move {
                let bytes = noise(racer, 5_000 * (racer as usize + 1));
                let id =
                    world.add_file("vedlegg", &format!("{racer}.bin"), "application/octet-stream", bytes.clone()).await;
                (id, bytes)
            });
        }
        let uploaded = racers.join_all().await;
        assert_eq!(world.elements("vedlegg").await.len(), 20);
        for (id, bytes) in uploaded {
            assert!(world.stored(&id).await == bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_at_once_do_not_pass_the_limit() {
    let world = Arc::new(World::journal_on_disk().await);
    let mut racers = JoinSet::new();
    for _ in 0..10 {
        let world = Arc::clone(&world);
        racers.spawn(async move { world.post("faa").file("a.b", "text/plain", "x").send().await.status });
    }
    let statuses = racers.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 8, "{statuses:?}");
    assert_eq!(world.elements("faa").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_that_is_put_while_its_task_ends_is_in_the_archive_or_refused() {
    let world = Arc::new(World::journal_on_disk().await);
    let sak = world.only("sak").await;
    world.put_json(&sak, &json!({"navn": "før", "belop": 1})).await;
    let mut racers = JoinSet::new();
    for racer in 0..4 {
        let (world, sak) = (Arc::clone(&world), sak.clone());
        racers.spawn(async move {
            let name = format!("etter {racer}");
            let status = world.put(&sak).json(&json!({"navn": name, "belop": 1})).send().await.status;
            (name, status)
        });
    }
    let moved = world.next().await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    let results = racers.join_all().await;
    let accepted: Vec<_> = results.iter().filter(|(_, status)| *status == 201).map(|(name, _)| name.as_str()).collect();
    assert!(results.iter().all(|(_, status)| [201, 409].contains(status)), "{results:?}");
    let stored = text(&world.form(&sak).await["navn"]);
    assert!(accepted.contains(&stored.as_str()) || accepted.is_empty() && stored == "før", "{stored}: {results:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_removals_one_finds_nothing_more() {
    let world = Arc::new(World::journal_on_disk().await);
    let id = world.add_file("vedlegg", "a.b", "text/plain", "x").await;
    let mut racers = JoinSet::new();
    for _ in 0..2 {
        let (world, id) = (Arc::clone(&world), id.clone());
        racers.spawn(async move { world.user.delete(world.url(&format!("data/{id}"))).send().await.status });
    }
    let mut statuses = racers.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
}
