//! Pages of lists: their order, their links, their tokens (platform-storage §2.1.1).

use mottak_testing::covers;
use mottak_testkit::{Client, Seed};
use serde_json::Value;

use crate::filters::varied;
use crate::own::{self, archived, instance, of_app};
use crate::{API, BACKINGS, expect_invalid, expect_status, expect_text, ids, path_of};

/// Every page from this one to the end, as `next` leads.
async fn follow(who: &Client, path: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(here) = path {
        let page = who.get(&here).send().await.expect(200).json();
        assert_eq!(path_of(&page["self"]), here, "a page knows where it is");
        path = (!page["next"].is_null()).then(|| path_of(&page["next"]));
        assert!(pages.len() < 100, "the list has an end");
        pages.push(page);
    }
    pages
}

fn all_ids(pages: &[Value]) -> Vec<String> {
    pages.iter().flat_map(ids).collect()
}

fn token(page: &Value) -> String {
    let next = path_of(&page["next"]);
    next.rsplit_once("continuationToken=").expect("the token is last").1.to_owned()
}

#[tokio::test]
async fn links_lead_through_everything_once_in_either_order() {
    let _rows = covers("platform-storage", &["Q34"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        // Written in one instant of the clock: what would be equal times becomes a total order.
        let oldest_first = world.seed_many(7).await;
        let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
        for (order, expected) in [
            ("", &newest_first),
            ("&order=desc:lastChanged", &newest_first),
            ("&order=DESC:lastChanged", &newest_first),
            ("&order=asc:lastChanged", &oldest_first),
        ] {
            for size in [1, 2, 3, 7, 8] {
                let by_owner = format!("{API}/instances?org=ttd&size={size}{order}");
                let by_user =
                    format!("{API}/instances?instanceOwner.partyId={}&size={size}{order}", own::SOPHIES_PARTY);
                for (who, path) in [(world.ttd(), by_owner), (world.sophie(), by_user)] {
                    let pages = follow(&who, &path).await;
                    assert_eq!(&all_ids(&pages), expected, "{path} in {backing:?}");
                    // A last page that is full has an empty one after it.
                    assert_eq!(pages.len(), 7 / size + 1, "{path}");
                    assert!(pages.iter().rev().skip(1).all(|page| page["count"] == size));
                }
            }
        }
        let page = world.page(&world.ttd(), "org=ttd").await;
        let times: Vec<_> = page["instances"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| own::time(it["lastChanged"].as_str().unwrap_or("")))
            .collect();
        assert!(times.is_sorted_by(|a, b| a > b), "no two times are equal: {times:?}");
    }
}

#[tokio::test]
async fn pages_of_any_question_add_up_to_its_list() {
    for backing in BACKINGS {
        let world = varied(backing).await;
        for filter in [
            "status.isArchived=true",
            "process.isComplete=false",
            "excludeConfirmedBy=ttd",
            "excludeConfirmedBy=digdir",
            "process.endEvent=EndEvent_1",
            "searchString=e",
            "process.ended=gt:2025-05-22&lastChanged=gte:2025-06-01",
            "includeDataElements=false",
        ] {
            for order in ["asc:lastChanged", "desc:lastChanged"] {
                let question = format!("org=ttd&{filter}&order={order}");
                let whole = world.page(&world.ttd(), &question).await;
                for size in 1..=4 {
                    let pages = follow(&world.ttd(), &format!("{API}/instances?{question}&size={size}")).await;
                    let instances: Vec<&Value> =
                        pages.iter().flat_map(|page| page["instances"].as_array().into_iter().flatten()).collect();
                    assert!(
                        instances.into_iter().eq(whole["instances"].as_array().into_iter().flatten()),
                        "{question}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn page_size_may_change_on_the_way() {
    let _rows = covers("platform-storage", &["Q33"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let oldest_first = world.seed_many(3).await;
        let path = "org=ttd&order=asc:lastChanged&size=1";
        let first = world.page(&world.ttd(), path).await;
        let second = world.page(&world.ttd(), &format!("{path}&continuationToken={}", token(&first))).await;
        let path = format!("org=ttd&order=asc:lastChanged&size=2&continuationToken={}", token(&second));
        let third = world.page(&world.ttd(), &path).await;
        assert_eq!([ids(&first), ids(&second), ids(&third)].concat(), oldest_first);
        assert_eq!(third["count"], 1);
        assert!(third["next"].is_null());
    }
}

#[tokio::test]
async fn later_pages_carry_their_token_in_self() {
    let _rows = covers("platform-storage", &["Q32"]);
    let world = own::world(Default::default());
    world.seed_many(3).await;
    let question = format!("instanceOwner.partyId={}&size=1", own::SOPHIES_PARTY);
    let first = world.page(&world.sophie(), &question).await;
    assert_eq!(first["self"], format!("https://platform.example.no{API}/instances?{question}"));
    let token = token(&first);
    assert!(token.len() < 512, "{} bytes", token.len());
    // Wherever the token stands, and whatever the host: the link has it last, on the public address.
    let path = format!("{API}/instances?ContinuationToken={token}&{question}");
    let second = world.sophie().get(&path).header("Host", "somewhere.else").send().await.expect(200).json();
    let link = format!("https://platform.example.no{API}/instances?{question}&continuationToken={token}");
    assert_eq!(second["self"], link);
}

#[tokio::test]
async fn tokens_hold_for_an_owner_named_in_the_header() {
    for backing in BACKINGS {
        let world = own::world(backing);
        let oldest_first = world.seed_many(2).await;
        let mut path = format!("{API}/instances?size=1&order=asc:lastChanged");
        for expected in &oldest_first {
            let asked = world.sophie().get(&path).header("X-Ai-InstanceOwnerIdentifier", "person:01039012345");
            let page = asked.send().await.expect(200).json();
            assert_eq!(ids(&page), std::slice::from_ref(expected));
            path = path_of(&page["next"]);
        }
    }
}

#[tokio::test]
async fn links_keep_the_whole_question() {
    let world = own::world(Default::default());
    for number in 1..=4 {
        world.server.seed(Seed::of(archived(number, "2025-05-22T10:00:00Z"))).await;
    }
    let path = format!(
        "{API}/instances?appId=ttd%2Fkulturstotte&process.ended=gte:2025-05-22T12:00:00%2B02:00\
         &process.ended=lt:2025-05-23&size=2&excludeConfirmedBy=ttd"
    );
    let first = world.ttd().get(&path).send().await.expect(200).json();
    assert_eq!(path_of(&first["self"]), path, "the query goes back as it came");
    let next = path_of(&first["next"]);
    for part in [
        "appId=ttd%2Fkulturstotte",
        "process.ended=gte%3A2025-05-22T12%3A00%3A00%2B02%3A00",
        "process.ended=lt%3A2025-05-23",
    ] {
        assert!(next.contains(part), "{part} in {next}");
    }
    let second = world.ttd().get(&next).send().await.expect(200).json();
    assert_eq!(second["count"], 2);
    assert_ne!(ids(&first), ids(&second));
}

#[tokio::test]
async fn hundred_instances_are_a_page() {
    for backing in BACKINGS {
        let world = own::world(backing);
        world.seed_many(103).await;
        let pages = follow(&world.ttd(), &format!("{API}/instances?org=ttd")).await;
        let counts: Vec<_> = pages.iter().map(|page| page["count"].as_u64().unwrap_or(0)).collect();
        assert_eq!(counts, [100, 3]);
        assert_eq!(world.page(&world.ttd(), "org=ttd&size=1000").await["count"], 103);
    }
}

#[tokio::test]
async fn links_lead_across_what_a_user_may_not_read() {
    for backing in BACKINGS {
        let world = own::world(backing);
        for number in 1..=6 {
            let app = if number % 3 == 0 { own::GRANTS } else { "ttd/finnes-ikke" };
            world.server.seed(Seed::of(of_app(instance(number), app))).await;
        }
        let path = format!("{API}/instances?instanceOwner.partyId={}&size=1", own::SOPHIES_PARTY);
        let pages = follow(&world.sophie(), &path).await;
        assert_eq!(all_ids(&pages), [instance(6).id.to_string(), instance(3).id.to_string()]);
        assert_eq!(pages.len(), 3, "two that are full, and one after them");
    }
}

#[tokio::test]
async fn pages_without_room_are_refused() {
    let _rows = covers("platform-storage", &["Q53"]);
    let world = own::world(Default::default());
    for size in ["0", "-1", "x", "-99999999999"] {
        expect_invalid(&world.ttd().get(format!("{API}/instances?org=ttd&size={size}")).send().await, &["size"]);
    }
}

#[tokio::test]
async fn order_is_ascending_for_every_other_word() {
    let _rows = covers("platform-storage", &["Q54"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let oldest_first = world.seed_many(3).await;
        for word in ["desc", "asc", "ascending", "lastChanged"] {
            assert_eq!(world.found(&format!("order={word}")).await, oldest_first, "{word}");
        }
        // An empty value is none.
        assert_eq!(world.found("order=").await[0], oldest_first[2]);
    }
}

#[tokio::test]
async fn tokens_not_given_for_the_question_are_refused() {
    let _rows = covers("platform-storage", &["Q55"]);
    const MESSAGE: &str = "The continuation token is not valid for this query.";
    let world = own::world(Default::default());
    world.seed_many(2).await;
    let of_another = token(&world.page(&world.ttd(), "org=ttd&size=1&order=asc:lastChanged").await);
    for token in ["abc", "a;b", "a%253bb", "637;1", "%00", &of_another, &"A".repeat(3000)] {
        let asked = world.ttd().get(format!("{API}/instances?org=ttd&size=1&continuationToken={token}")).send().await;
        expect_text(&asked, 400, MESSAGE);
    }
}

#[tokio::test]
async fn changed_instance_moves_to_the_front_and_disturbs_nobody_else() {
    for backing in BACKINGS {
        let world = own::world(backing);
        let oldest_first = world.seed_many(4).await;
        let first = world.page(&world.ttd(), "org=ttd&size=2").await;
        let moved = &oldest_first[0];
        expect_status(&world.ttd().post(format!("{API}/instances/{moved}/complete")).send().await, 200);
        let rest = follow(&world.ttd(), &path_of(&first["next"])).await;
        assert_eq!(all_ids(&rest), [oldest_first[1].clone()], "the rest of the list as it now is");
        let front = world.page(&world.ttd(), "org=ttd&size=1").await;
        assert_eq!(ids(&front), std::slice::from_ref(moved));
    }
}
