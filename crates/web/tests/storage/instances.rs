//! Single instances (platform-storage §2.1.2).

use mottak_testing::covers;
use mottak_testkit::Seed;

use crate::own::{attachment, guid, instance};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_status, expect_text, fixtures, own};

#[tokio::test]
async fn instance_is_found_by_guid_with_and_without_its_owner() {
    let _rows = covers("platform-storage", &["I01", "I02"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let id = "1337/46133fb5-a9f2-45d4-90b1-f6d93ad40713";
    for scope in ["", "altinn:portal/enduser", "altinn:instances.read", "noe:annet"] {
        let mut claims = crate::user(3, 1337, 3);
        claims["scope"] = scope.into();
        let client = world.server.with_claims(claims);
        let found = client.get(format!("{API}/instances/{id}")).send().await.expect(200);
        assert_eq!(found.json()["id"], id);
        assert_eq!(found.json()["selfLinks"]["platform"], format!("https://platform.example.no{API}/instances/{id}"));
        let guid = id.strip_prefix("1337/").expect("a party and a guid");
        let same = client.get(format!("{API}/instances/{guid}")).send().await.expect(200);
        assert_eq!(same.text(), found.text());
    }
}

#[tokio::test]
async fn nobody_reads_without_a_right_or_at_too_low_a_level() {
    let _rows = covers("platform-storage", &["I03", "I04"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    for (client, guid) in [
        (world.user(3, 1337, 0), "20475edd-dc38-4ae0-bd64-1b20643f506c"),
        (world.user(1, 50001, 3), "23d6aa98-df3b-4982-8d8a-8fe67a53b828"),
    ] {
        for path in [format!("1337/{guid}"), guid.to_owned()] {
            expect_empty(&client.get(format!("{API}/instances/{path}")).send().await, 403);
        }
    }
}

#[tokio::test]
async fn instance_is_read_again_and_by_the_sync_adapter() {
    let _rows = covers("platform-storage", &["I05", "I06"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let guid = "377efa97-80ee-4cc6-8d48-09de12cc273d";
    let user = world.user(3, 1337, 3);
    for client in [&user, &user, &world.owner_with_scope("digdir", SYNC)] {
        for path in [format!("1337/{guid}"), guid.to_owned()] {
            expect_status(&client.get(format!("{API}/instances/{path}")).send().await, 200);
        }
    }
    // Whoever else has a token of an organisation is asked for permission.
    let other = world.owner_with_scope("digdir", "altinn:storage/instances.sync");
    expect_empty(&other.get(format!("{API}/instances/{guid}")).send().await, 403);
}

#[tokio::test]
async fn unknown_instance_is_404() {
    let _rows = covers("platform-storage", &["I07"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1))).await;
        let sophie = world.sophie();
        for (path, guid) in [
            (format!("{}/{}", own::SOPHIES_PARTY, guid(2)), guid(2)),
            (guid(2).to_string(), guid(2)),
            (format!("500000/{}", guid(2)), guid(2)),
        ] {
            let asked = sophie.get(format!("{API}/instances/{path}")).send().await;
            expect_text(&asked, 404, &format!("Unable to find instance {guid}"));
        }
    }
}

#[tokio::test]
async fn paths_that_name_no_instance_are_no_routes() {
    let _rows = covers("platform-storage", &["I08"]);
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    for path in [
        format!("abc/{}", guid(1)),
        format!("99999999999/{}", guid(1)),
        "501337/abc".to_owned(),
        "abc".to_owned(),
        format!("{}/{}/finnes-ikke", own::SOPHIES_PARTY, guid(1)),
    ] {
        expect_empty(&world.sophie().get(format!("{API}/instances/{path}")).send().await, 404);
    }
}

#[tokio::test]
async fn path_is_read_in_any_spelling() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(instance(1))).await;
    let (hyphens, simple) = (guid(1).to_string(), guid(1).simple().to_string());
    for path in [
        format!("/Storage/API/v1/Instances/501337/{}", hyphens.to_uppercase()),
        format!("{API}/instances/501337/{simple}/"),
        format!("{API}/instances/501337/%7B{hyphens}%7D"),
        format!("{API}/instances/({hyphens})"),
    ] {
        let found = world.sophie().get(&path).send().await.expect(200).json();
        assert_eq!(found["id"], format!("501337/{hyphens}"), "{path}");
    }
}

#[tokio::test]
async fn elements_are_in_order_of_creation() {
    let _rows = covers("platform-storage", &["I09"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        // In the order of writing, which is the order of creation, whatever their ids.
        let seed = [(9, 1), (3, 2), (7, 3), (1, 4)]
            .into_iter()
            .fold(Seed::of(instance(1)), |seed, (number, second)| seed.with(attachment(1, number, second), "x"));
        world.server.seed(seed).await;
        let found = world.sophie().get(format!("{API}/instances/{}", instance(1).id)).send().await.expect(200).json();
        let created: Vec<_> = found["data"]
            .as_array()
            .expect("elements")
            .iter()
            .map(|it| it["created"].as_str().unwrap_or("").to_owned())
            .collect();
        assert_eq!(created.len(), 4);
        assert!(created.is_sorted(), "{created:?}");
    }
}

#[tokio::test]
async fn reading_does_not_change_the_read_status() {
    let world = own::world(Default::default());
    let seeded = world.server.seed(Seed::of(instance(1))).await;
    let path = format!("{API}/instances/{}", seeded.id);
    let first = world.sophie().get(&path).send().await.expect(200).text();
    assert_eq!(world.sophie().get(&path).send().await.expect(200).text(), first);
    assert!(first.contains(r#""readStatus":"Unread""#));
}

#[tokio::test]
async fn hard_deleted_instance_is_still_read_by_its_id() {
    let world = own::world(Default::default());
    let mut deleted = instance(1);
    deleted.status.is_soft_deleted = true;
    deleted.status.is_hard_deleted = true;
    world.server.seed(Seed::of(deleted)).await;
    expect_status(&world.sophie().get(format!("{API}/instances/{}", instance(1).id)).send().await, 200);
}
