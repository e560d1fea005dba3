//! Who may ask for which lists, and what they see of them (platform-storage §2.1.1, steps 1–7).

use std::sync::Arc;

use mottak_model::{DeleteStatus, Guid, Organization, Party, PartyId, Person, UserProfile};
use mottak_service::ports::{Register, RegisterFailure, Store, SystemClock, SystemUserRecord};
use mottak_store::MemoryStore;
use mottak_store::register::TestRegister;
use mottak_testing::covers;
use mottak_testkit::{FaultyStore, Operation, Seed, TestServer};
use serde_json::json;

use crate::fixtures::{self, UNCOUNTED};
use crate::{API, BACKINGS, SYNC, expect_empty, expect_problem, expect_status, expect_text, ids, own, owner, rights};

const OWNER: &str = "X-Ai-InstanceOwnerIdentifier";
const NEITHER: &str = "Either InstanceOwnerPartyId or InstanceOwnerIdentifier need to be defined.";
const BOTH: &str = "Both InstanceOwner.PartyId and InstanceOwnerIdentifier cannot be present at the same time.";
const INVALID: &str = "Invalid InstanceOwnerIdentifier.";

#[tokio::test]
async fn owners_see_all_of_an_app_and_all_of_their_own() {
    let _rows = covers("platform-storage", &["Q01", "Q02", "Q06"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world_of(backing, |guid| guid != UNCOUNTED).await else { return };
        let ttd = world.owner("ttd");
        let page = ttd.get(format!("{API}/instances?appId=ttd/complete-test")).send().await.expect(200).json();
        assert_eq!(ids(&page).len(), 4);
        for client in [ttd, world.owner_with_scope("digdir", SYNC)] {
            let page = client.get(format!("{API}/instances?org=ttd")).send().await.expect(200).json();
            assert_eq!(ids(&page).len(), 14);
        }
    }
}

#[tokio::test]
async fn owners_see_hard_deleted_instances_unless_they_filter() {
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let ttd = world.owner("ttd");
    for (filter, count) in [("", 5), ("&status.isHardDeleted=false", 4), ("&status.isHardDeleted=true", 1)] {
        let page = ttd.get(format!("{API}/instances?appId=ttd/complete-test{filter}")).send().await.expect(200).json();
        assert_eq!(ids(&page).len(), count, "{filter}");
    }
}

#[tokio::test]
async fn owner_needs_the_scope_and_a_question_it_may_ask() {
    let _rows = covers("platform-storage", &["Q03", "Q04", "Q05", "Q11", "Q57"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    for (org, scope, query) in [
        ("ttd", "", "org=ttd"),
        ("testOrg", "altinn:serviceowner/instances.write", "org=testOrg"),
        ("ttd", "altinn:serviceowner/instances.readx", "org=ttd"),
        // The scope is looked at before the question.
        ("ttd", "", ""),
    ] {
        let asked = world.owner_with_scope(org, scope).get(format!("{API}/instances?{query}")).send().await;
        expect_empty(&asked, 403);
    }
    let ttd = world.owner("ttd");
    let asked = ttd.get(format!("{API}/instances")).send().await;
    expect_text(&asked, 400, "Org or AppId must be defined.");
    let asked = ttd.get(format!("{API}/instances?org=tdd")).send().await;
    expect_text(&asked, 400, "AppId must be defined.");
    // Two owners at once are refused before it is asked who wants to know.
    let client = world.owner_with_scope("ttd", "");
    let asked = client.get(format!("{API}/instances?instanceOwner.partyId=1600"));
    expect_text(&asked.header(OWNER, "organisation:333123213").send().await, 400, BOTH);
}

#[tokio::test]
async fn scope_of_owners_is_read_in_any_letter_case_and_own_code_too() {
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.owner_with_scope("TTD", "openid Altinn:ServiceOwner/Instances.Read");
    expect_status(&client.get(format!("{API}/instances?org=ttd")).send().await, 200);
}

#[tokio::test]
async fn another_owners_app_is_listed_for_whom_its_policy_permits_it() {
    let _rows = covers("platform-storage", &["Q07", "Q08", "Q09", "Q10"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let path = |app: &str| format!("{API}/instances?instanceOwner.partyId=1337&appId=sfvt/{app}");
    let sync = world.owner_with_scope("digdir", SYNC);
    expect_status(&sync.get(path("test-read-app-no-permission")).send().await, 200);
    let digdir = world.owner("digdir");
    expect_empty(&digdir.get(path("test-read-app-no-permission")).send().await, 403);
    expect_status(&digdir.get(path("test-read-app")).send().await, 200);
    // Of one's own apps the policy is not asked: this one has none.
    expect_status(&world.owner("sfvt").get(path("app-without-policy")).send().await, 200);
}

#[tokio::test]
async fn users_and_system_users_see_what_they_may_read() {
    let _rows = covers("platform-storage", &["Q13", "Q14", "Q15", "Q27"]);
    for backing in BACKINGS {
        let Some(world) = fixtures::world(backing).await else { return };
        for (client, party, count) in [
            (world.user(10016, 1600, 4), 1600, 9),
            (world.user(3, 1337, 2), 1600, 3),
            // It may read two of the three apps.
            (world.system_user(), 1337, 38),
        ] {
            let asked = client.get(format!("{API}/instances?instanceOwner.partyId={party}")).send().await.expect(200);
            let page = asked.json();
            assert_eq!(ids(&page).len(), count, "party {party}");
            for instance in page["instances"].as_array().expect("a list") {
                assert_eq!(instance["status"]["isHardDeleted"], false);
                assert_eq!(instance["instanceOwner"]["partyId"], party.to_string());
            }
        }
    }
}

#[tokio::test]
async fn users_must_name_one_owner() {
    let _rows = covers("platform-storage", &["Q16", "Q19"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(3, 1337, 2);
    expect_text(&client.get(format!("{API}/instances")).send().await, 400, NEITHER);
    expect_text(&client.get(format!("{API}/instances?org=ttd")).header(OWNER, "").send().await, 400, NEITHER);
    let asked = client.get(format!("{API}/instances?instanceOwner.partyId=1600")).header(OWNER, "Person:33312321321");
    expect_text(&asked.send().await, 400, BOTH);
}

#[tokio::test]
async fn owner_is_found_by_a_number_in_a_header() {
    let _rows = covers("platform-storage", &["Q18", "Q20", "Q25"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(10016, 1600, 4);
    for (header, party) in
        [("Person:33312321321", "1337"), ("Organisation:333123213", "1600"), (" organisation : 333 123 213", "1600")]
    {
        let asked = client.get(format!("{API}/instances")).header(OWNER, header).send().await.expect(200);
        let page = asked.json();
        assert_eq!(page["self"], format!("https://platform.example.no{API}/instances"));
        for instance in page["instances"].as_array().expect("a list") {
            assert_eq!(instance["instanceOwner"]["partyId"], party, "{header}");
        }
        assert_eq!(page["count"], if party == "1600" { 9 } else { 0 }, "{header}");
    }
}

#[tokio::test]
async fn headers_that_name_nobody_are_refused() {
    let _rows = covers("platform-storage", &["Q17", "Q22", "Q23", "Q24"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    for (header, message) in [
        ("something:3312321321", INVALID),
        ("organization:333123213", INVALID),
        ("333123213", INVALID),
        ("persøn:33312321321", INVALID),
        ("person:1:2", INVALID),
        ("Organisation:33312", "Organization number needs to be exactly 9 digits."),
        ("Organisation:33312321x", "Organization number needs to be exactly 9 digits."),
        ("Person:33312", "Person number needs to be exactly 11 digits."),
    ] {
        let asked = world.user(3, 1337, 2).get(format!("{API}/instances")).header(OWNER, header).send().await;
        expect_text(&asked, 400, message);
    }
}

#[tokio::test]
async fn unknown_owner_has_an_empty_list_without_links() {
    let _rows = covers("platform-storage", &["Q21"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let client = world.user(3, 1337, 2);
    let asked = client.get(format!("{API}/instances")).header(OWNER, "Organisation:333123214").send().await.expect(200);
    assert_eq!(asked.text(), r#"{"count":0,"self":null,"next":null,"instances":[]}"#);
}

#[tokio::test]
async fn users_have_no_hard_deleted_instances() {
    let _rows = covers("platform-storage", &["Q26"]);
    let Some(world) = fixtures::world(Default::default()).await else { return };
    let path = format!("{API}/instances?instanceOwner.partyId=1337&status.IsHardDeleted=true");
    let page = world.user(3, 1337, 2).get(&path).send().await.expect(200).json();
    let link = format!("https://platform.example.no{path}");
    assert_eq!(page, json!({ "count": 0, "self": link, "next": null, "instances": [] }));
}

#[tokio::test]
async fn owners_are_found_by_number_in_the_register() {
    let _rows = covers("platform-storage", &["Q47", "Q48"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(own::instance(1))).await;
        let mut of_organisation = own::instance(2);
        of_organisation.id.party = mottak_model::PartyId::new(500_000);
        of_organisation.instance_owner.party_id = of_organisation.id.party;
        of_organisation.instance_owner.person_number = None;
        of_organisation.instance_owner.organisation_number = Some("897069650".to_owned());
        world.server.seed(Seed::of(of_organisation)).await;
        let path = format!("{API}/instances?appId={}", own::GRANTS);
        for (client, header, member, number) in [
            (world.sophie(), "person:01039012345", "personNumber", "01039012345"),
            (world.ttd(), "organisation:897069650", "organisationNumber", "897069650"),
        ] {
            let page = client.get(&path).header(OWNER, header).send().await.expect(200).json();
            assert_eq!(ids(&page).len(), 1);
            assert_eq!(page["instances"][0]["instanceOwner"][member], number);
        }
    }
}

#[tokio::test]
async fn lists_need_a_token_that_says_who_asks() {
    let _rows = covers("platform-storage", &["Q50", "Q51"]);
    let world = own::world(Default::default());
    let path = format!("{API}/instances?org=ttd");
    expect_empty(&world.server.anonymous().get(&path).send().await, 401);
    expect_empty(&world.server.expired_user(own::SOPHIE).get(&path).send().await, 401);
    let nobody = world.server.with_claims(json!({ "scope": "altinn:serviceowner/instances.read" }));
    for client in [nobody, world.server.organisation("897069650")] {
        expect_problem(&client.get(&path).send().await, 400, "Bad Request", "15.5.1");
    }
}

#[tokio::test]
async fn elements_that_wait_for_removal_are_shown_to_the_owner_alone() {
    let _rows = covers("platform-storage", &["Q52"]);
    for backing in BACKINGS {
        let world = own::world(backing);
        let mut marked = own::attachment(1, 2, 5);
        marked.delete_status =
            Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(own::time("2025-05-21T00:00:00Z")) });
        let kept = own::attachment(1, 1, 4);
        world.server.seed(Seed::of(own::instance(1)).with(kept.clone(), "a").with(marked.clone(), "b")).await;
        let elements = |page: serde_json::Value| -> Vec<String> {
            let data = page["instances"][0]["data"].as_array().expect("elements").clone();
            data.iter().map(|element| element["id"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let query = format!("appId={}&instanceOwner.partyId={}", own::GRANTS, own::SOPHIES_PARTY);
        assert_eq!(elements(world.page(&world.sophie(), &query).await), [kept.id.to_string()]);
        assert_eq!(elements(world.page(&world.ttd(), &query).await), [kept.id.to_string(), marked.id.to_string()]);
    }
}

/// A vendor's system user shows the vendor's scopes, a service owner's among them; it still is a system user.
#[tokio::test]
async fn scopes_of_service_owners_give_others_nothing() {
    let world = own::world(Default::default());
    world.server.seed(Seed::of(own::instance(1))).await;
    let mut claims = crate::user(1001, 510_001, 2);
    claims["scope"] = json!("altinn:serviceowner/instances.read");
    let client = world.server.with_claims(claims);
    let page = world.page(&client, &format!("instanceOwner.partyId={}", own::SOPHIES_PARTY)).await;
    assert_eq!(ids(&page).len(), 0);
    let of_owner = world.server.with_claims(owner("ttd", "altinn:serviceowner/instances.read"));
    assert_eq!(ids(&world.page(&of_owner, "org=ttd").await).len(), 1);
}

/// A decision that cannot be had and a store that does not answer are no refusals.
#[tokio::test]
async fn failure_behind_a_list_is_500() {
    let _rows = covers("platform-storage", &["Q12"]);
    let store = FaultyStore::new(Arc::new(MemoryStore::new(Arc::new(SystemClock))));
    let server = TestServer::builder().store(Arc::clone(&store) as Arc<dyn Store>).build();
    store.fail([Operation::Search]);
    let sent = server.ttd().get(format!("{API}/instances?appId={}", own::GRANTS)).send().await;
    expect_problem(&sent, 500, "An error occurred while processing your request.", "15.6.1");
    // The roles of a user are part of every decision about it.
    let server = TestServer::builder().register(NoRoles(TestRegister::builtin())).build();
    server.seed(Seed::of(own::instance(1))).await;
    let mine = format!("{API}/instances?instanceOwner.partyId={}", own::SOPHIES_PARTY);
    let sent = server.user(own::SOPHIE).get(mine).send().await;
    expect_problem(&sent, 500, "An error occurred while processing your request.", "15.6.1");
}

/// Of a list of which the caller may read little, pages are filled from further on, and nothing is left out or repeated.
#[tokio::test]
async fn pages_of_users_are_filled() {
    for backing in BACKINGS {
        let server = rights::server_with(backing);
        let mut readable = Vec::new();
        for number in 1..=40 {
            // Every fourth instance is of an app that is here; nobody but its owner sees those of the other.
            let app = if number % 4 == 0 { rights::APP } else { "ttd/finnes-ikke" };
            let seeded = server.seed(Seed::of(own::of_app(own::instance(number), app))).await;
            if number % 4 == 0 {
                readable.push(seeded.id.to_string());
            }
        }
        readable.reverse();
        let client = server.user(own::SOPHIE);
        let mut found = Vec::new();
        let mut path = format!("{API}/instances?instanceOwner.partyId={}&size=3", own::SOPHIES_PARTY);
        loop {
            let page = client.get(&path).send().await.expect(200).json();
            found.extend(ids(&page));
            if page["next"].is_null() {
                break;
            }
            assert_eq!(page["count"], 3, "a page that is followed by another is full");
            path = crate::path_of(&page["next"]);
        }
        assert_eq!(found, readable, "{backing:?}");
    }
}

/// The built-in register, but it does not know who has which role.
#[derive(Debug)]
struct NoRoles(TestRegister);

impl Register for NoRoles {
    fn party(&self, id: PartyId) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.0.party(id)
    }

    fn party_by_org_number(&self, org_number: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.0.party_by_org_number(org_number)
    }

    fn party_by_ssn(&self, ssn: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.0.party_by_ssn(ssn)
    }

    fn party_by_uuid(&self, uuid: Guid) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.0.party_by_uuid(uuid)
    }

    fn party_by_username(&self, username: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.0.party_by_username(username)
    }

    fn person(&self, ssn: &str) -> Result<Option<Arc<Person>>, RegisterFailure> {
        self.0.person(ssn)
    }

    fn organization(&self, org_number: &str) -> Result<Option<Arc<Organization>>, RegisterFailure> {
        self.0.organization(org_number)
    }

    fn profile(&self, user: i32) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        self.0.profile(user)
    }

    fn profile_by_username(&self, username: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        self.0.profile_by_username(username)
    }

    fn profiles(&self) -> Vec<Arc<UserProfile>> {
        self.0.profiles()
    }

    fn party_list(&self, user: i32) -> Result<Arc<Vec<Party>>, RegisterFailure> {
        self.0.party_list(user)
    }

    fn roles(&self, _: i32, _: PartyId) -> Result<Arc<Vec<String>>, RegisterFailure> {
        Err(RegisterFailure("it is being moved".to_owned()))
    }

    fn system_user(&self, id: Guid) -> Result<Option<Arc<SystemUserRecord>>, RegisterFailure> {
        self.0.system_user(id)
    }

    fn org_number_of(&self, org: &str) -> Result<Option<String>, RegisterFailure> {
        self.0.org_number_of(org)
    }
}
