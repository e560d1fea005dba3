//! Situations of our own: instances of the example apps, put into the store one microsecond or more apart.

use std::sync::Arc;

use mottak_model::{
    AppId, CompleteConfirmation, DataElement, Guid, Instance, InstanceId, InstanceOwner, InstanceStatus, PartyId,
    ProcessElement, ProcessState, Time,
};
use mottak_service::ports::{Clock, FixedClock};
use mottak_testkit::{Backing, Client, Seed, TestServer};
use serde_json::Value;

use crate::API;

/// A private person who is a user as well.
pub(crate) const SOPHIE: i32 = 1337;
pub(crate) const SOPHIES_PARTY: i32 = 501_337;
pub(crate) const GRANTS: &str = "ttd/kulturstotte";
pub(crate) const LICENCES: &str = "ttd/skjenkebevilling";

/// A server with the example apps and a clock that stands still.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) clock: Arc<FixedClock>,
}

/// An empty world in the summer of 2025.
pub(crate) fn world(backing: Backing) -> World {
    let clock = Arc::new(FixedClock::at(time("2025-06-01T10:00:00Z")));
    let server = TestServer::builder().backing(backing).clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
    World { server, clock }
}

impl World {
    /// Seeds at a time of its own.
    pub(crate) async fn seed_at(&self, at: &str, seed: Seed) -> Instance {
        self.clock.set(time(at));
        self.server.seed(seed).await
    }

    /// Seeds `count` instances, numbered from 1, all in the same instant of the clock.
    pub(crate) async fn seed_many(&self, count: u128) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 1..=count {
            ids.push(self.server.seed(Seed::of(instance(number))).await.id.to_string());
        }
        ids
    }

    pub(crate) fn sophie(&self) -> Client {
        self.server.user(SOPHIE)
    }

    pub(crate) fn ttd(&self) -> Client {
        self.server.ttd()
    }

    /// A page of ttd's instances that match the rest of the query.
    pub(crate) async fn found(&self, query: &str) -> Vec<String> {
        crate::ids(&self.page(&self.ttd(), &format!("org=ttd&{query}")).await)
    }

    /// A page.
    pub(crate) async fn page(&self, who: &Client, query: &str) -> Value {
        who.get(format!("{API}/instances?{query}")).send().await.expect(200).json()
    }
}

pub(crate) fn time(text: &str) -> Time {
    Time::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A guid that ends with the number in twelve digits.
pub(crate) fn guid(number: u128) -> Guid {
    Guid::from_u128(0x7a3c_91d2_5b64_4e08_9f1a_0000_0000_0000 + number)
}

/// An application of Sophie's for a grant, being filled out.
pub(crate) fn instance(number: u128) -> Instance {
    let created = time("2025-05-20T08:30:00.1234567Z");
    Instance {
        id: InstanceId::new(PartyId::new(SOPHIES_PARTY), guid(number)),
        instance_owner: InstanceOwner {
            party_id: PartyId::new(SOPHIES_PARTY),
            person_number: Some("01039012345".to_owned()),
            organisation_number: None,
            username: None,
            external_identifier: None,
        },
        app_id: AppId::new("ttd", "kulturstotte"),
        org: "ttd".to_owned(),
        self_links: None,
        due_before: None,
        visible_after: Some(created),
        process: Some(ProcessState {
            started: Some(created),
            start_event: Some("StartEvent_1".to_owned()),
            current_task: Some(ProcessElement {
                flow: Some(2),
                started: Some(created),
                element_id: Some("Task_1".to_owned()),
                name: Some("Utfylling".to_owned()),
                altinn_task_type: Some("data".to_owned()),
                ..ProcessElement::default()
            }),
            ended: None,
            end_event: None,
        }),
        status: InstanceStatus::default(),
        complete_confirmations: None,
        data: Vec::new(),
        presentation_texts: None,
        data_values: None,
        created: Some(created),
        created_by: Some(SOPHIE.to_string()),
        last_changed: None,
        last_changed_by: Some(SOPHIE.to_string()),
    }
}

/// The same, sent in.
pub(crate) fn archived(number: u128, ended: &str) -> Instance {
    let ended = Some(time(ended));
    let mut instance = instance(number);
    let process = instance.process.get_or_insert_default();
    process.current_task = None;
    process.ended = ended;
    process.end_event = Some("EndEvent_1".to_owned());
    instance.status.is_archived = true;
    instance.status.archived = ended;
    instance
}

/// Confirmed complete by these organisations.
pub(crate) fn confirmed_by(mut instance: Instance, orgs: &[&str]) -> Instance {
    let confirm = |org: &&str| CompleteConfirmation {
        stakeholder_id: (*org).to_owned(),
        confirmed_on: time("2025-05-28T12:00:00Z"),
    };
    instance.complete_confirmations = Some(orgs.iter().map(confirm).collect());
    instance
}

/// Of another app.
pub(crate) fn of_app(mut instance: Instance, app: &str) -> Instance {
    instance.app_id = app.parse().expect("an app id");
    instance
}

/// An attachment of the instance with this number, created some seconds into a minute.
pub(crate) fn attachment(instance: u128, number: u128, second: u32) -> DataElement {
    let id = guid(1000 + number);
    let created = Some(time(&format!("2025-05-20T08:31:{second:02}Z")));
    DataElement {
        filename: Some("kvittering.pdf".to_owned()),
        content_type: Some("application/pdf".to_owned()),
        blob_storage_path: Some(format!("{GRANTS}/{}/data/{id}", guid(instance))),
        refs: Some(Vec::new()),
        created,
        created_by: Some(SOPHIE.to_string()),
        last_changed: created,
        last_changed_by: Some(SOPHIE.to_string()),
        ..DataElement::new(id, guid(instance), "vedlegg")
    }
}
