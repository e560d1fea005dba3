//! Random but repeatable instances, elements, events and questions.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{
    AppId, CompleteConfirmation, DataElement, Guid, Instance, InstanceEvent, InstanceId, InstanceOwner, InstanceStatus,
    PartyId, ProcessElement, ProcessState, Time,
};
use mottak_service::ports::{Blob, InstanceQuery, Job, Order, TimeRange};

/// Numbers that depend on the seed only (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(crate) fn maybe<T>(&mut self, one_in: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(one_in) { Some(make(self)) } else { None }
    }

    pub(crate) fn guid(&mut self) -> Guid {
        Guid::from_u64_pair(self.roll(), self.roll())
    }
}

pub(crate) fn start() -> Time {
    Time::parse("2025-03-01T12:00:00Z").unwrap()
}

/// Within a minute around the start, in steps that make equal times likely; rarely with a finer fraction.
pub(crate) fn time(dice: &mut Dice) -> Time {
    let fraction = if dice.one_in(4) { 1 + dice.below(19) as i64 } else { 0 };
    Time::from_ticks(start().ticks() + (dice.below(60) as i64 - 30) * 10_000_000 + fraction)
}

pub(crate) fn party(dice: &mut Dice) -> PartyId {
    dice.pick(&[PartyId::new(50_001), PartyId::new(50_002), PartyId::new(50_003)])
}

fn app(dice: &mut Dice) -> AppId {
    dice.pick(&[AppId::new("ttd", "tilskudd"), AppId::new("ttd", "melding"), AppId::new("skd", "oppgave")])
}

fn org(dice: &mut Dice) -> String {
    dice.pick(&["ttd", "skd", "nav"]).to_owned()
}

fn task(dice: &mut Dice) -> String {
    dice.pick(&["Task_1", "Task_2"]).to_owned()
}

fn text(dice: &mut Dice) -> String {
    dice.pick(&["Søknad fra Ås", "100 % ferdig", "under_strek", "Kari Nordmann", "", "null\0tegn"]).to_owned()
}

pub(crate) fn instance(dice: &mut Dice, id: InstanceId) -> Instance {
    let app = app(dice);
    let org = if dice.one_in(8) { self::org(dice) } else { app.org().to_owned() };
    Instance {
        id,
        instance_owner: InstanceOwner {
            party_id: id.party,
            person_number: None,
            organisation_number: Some("910000000".to_owned()),
            username: None,
            external_identifier: None,
        },
        app_id: app,
        org,
        self_links: None,
        due_before: dice.maybe(3, time),
        visible_after: dice.maybe(3, time),
        process: dice.maybe(1, process).filter(|_| !dice.one_in(6)),
        status: InstanceStatus {
            is_archived: dice.one_in(3),
            is_soft_deleted: dice.one_in(4),
            is_hard_deleted: dice.one_in(5),
            ..InstanceStatus::default()
        },
        complete_confirmations: dice.maybe(2, |dice| {
            (0..dice.below(3))
                .map(|_| CompleteConfirmation { stakeholder_id: self::org(dice), confirmed_on: time(dice) })
                .collect()
        }),
        data: Vec::new(),
        presentation_texts: dice.maybe(2, |dice| BTreeMap::from([("tittel".to_owned(), text(dice))])),
        data_values: None,
        created: dice.maybe(1, time).filter(|_| !dice.one_in(10)),
        created_by: Some("20001".to_owned()),
        last_changed: None,
        last_changed_by: Some("20001".to_owned()),
    }
}

fn process(dice: &mut Dice) -> ProcessState {
    let has_ended = dice.one_in(2);
    ProcessState {
        started: Some(time(dice)),
        start_event: Some("StartEvent_1".to_owned()),
        current_task: (!has_ended).then(|| ProcessElement {
            element_id: Some(task(dice)),
            flow: Some(2),
            ..ProcessElement::default()
        }),
        ended: has_ended.then(|| time(dice)),
        end_event: has_ended.then(|| dice.pick(&["EndEvent_1", "EndEvent_2"]).to_owned()),
    }
}

pub(crate) fn element(dice: &mut Dice, id: Guid, instance: Guid) -> DataElement {
    DataElement {
        content_type: Some("application/xml".to_owned()),
        locked: dice.one_in(2),
        last_changed: dice.maybe(2, time),
        ..DataElement::new(id, instance, "skjema")
    }
}

pub(crate) fn event(dice: &mut Dice, id: InstanceId) -> InstanceEvent {
    InstanceEvent {
        id: dice.guid(),
        instance_id: id,
        data_id: None,
        created: time(dice),
        event_type: "Saved".to_owned(),
        instance_owner_party_id: Some(id.party.to_string()),
        user: None,
        related_user: None,
        process_info: None,
        additional_info: dice.maybe(2, text),
    }
}

pub(crate) fn job(dice: &mut Dice) -> Job {
    Job { kind: "ping".to_owned(), body: format!("{{\"n\":{}}}", dice.roll()), due: time(dice) }
}

/// Empty, small, shrinking, or too large for a row of the test's store.
pub(crate) fn body(dice: &mut Dice) -> Bytes {
    match dice.below(4) {
        0 => Bytes::new(),
        1 => noise(dice, 100),
        2 => Bytes::from("<a>b</a>".repeat(400)),
        _ => noise(dice, 5000),
    }
}

pub(crate) fn noise(dice: &mut Dice, size: usize) -> Bytes {
    (0..size).map(|_| dice.roll() as u8).collect()
}

pub(crate) fn query(dice: &mut Dice, guids: &[Guid]) -> InstanceQuery {
    let range = |dice: &mut Dice| {
        dice.maybe(6, |dice| TimeRange { at_least: dice.maybe(2, time), below: dice.maybe(2, time) })
            .unwrap_or_default()
    };
    let flag = |dice: &mut Dice| dice.maybe(6, |dice| dice.one_in(2));
    InstanceQuery {
        org: dice.maybe(3, org),
        app: dice.maybe(3, app),
        party: dice.maybe(3, party),
        current_task: dice.maybe(8, task),
        is_complete: dice.maybe(3, |dice| dice.one_in(2)),
        end_event: dice.maybe(10, |_| "EndEvent_1".to_owned()),
        is_archived: flag(dice),
        is_soft_deleted: flag(dice),
        is_hard_deleted: flag(dice),
        is_confirmed: flag(dice),
        exclude_confirmed_by: dice.maybe(3, org),
        changed: range(dice),
        created: range(dice),
        ended: range(dice),
        visible_after: range(dice),
        due_before: range(dice),
        search_text: dice.maybe(10, |dice| dice.pick(&["SØKNAD", "%", "_", "nord", "l\0T", "\0"]).to_owned()),
        reference: dice.maybe(10, |dice| match guids {
            [] => "0123456789ab".to_owned(),
            guids => dice.pick(guids).simple().to_string().split_off(20),
        }),
        order: dice.pick(&[Order::Ascending, Order::Descending]),
        size: 1 + dice.below(12),
        after: None,
        include_elements: dice.one_in(2),
    }
}

/// The whole content.
pub(crate) async fn collect(blob: Blob) -> Bytes {
    match blob {
        Blob::Bytes(bytes) => bytes,
        Blob::Stream(mut stream) => {
            let mut all = Vec::new();
            while let Some(piece) = stream.next().await.unwrap() {
                all.extend_from_slice(&piece);
            }
            assert_eq!(all.len() as u64, stream.len());
            all.into()
        }
    }
}

pub(crate) const LEASE: Duration = Duration::from_secs(5);
