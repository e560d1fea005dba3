//! Made-up instances of the size and shape of real ones, for measuring and for filling a store.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use mottak_model::{
    AppId, CompleteConfirmation, DataElement, FileScanResult, FlowType, Guid, Instance, InstanceEvent, InstanceId,
    InstanceOwner, InstanceStatus, PartyId, PlatformUser, ProcessElement, ProcessState, ReadStatus, Time, event_type,
};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut, Expect};

/// The party that owns the most specimens.
pub(crate) const FIRST_PARTY: i32 = 510_000;

const DAY: i64 = 24 * 60 * 60 * 10_000_000;

/// Makes specimens; the same seed makes the same ones.
#[derive(Debug)]
pub(crate) struct Specimens {
    app: AppId,
    parties: u64,
    state: u64,
}

impl Specimens {
    /// Instances of `app`, owned by `parties` parties, of which the first owns every seventh.
    pub(crate) fn new(app: AppId, parties: u64, seed: u64) -> Self {
        Self { app, parties: parties.max(1), state: seed }
    }

    /// splitmix64.
    pub(crate) fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn percent(&mut self) -> u64 {
        self.roll() % 100
    }

    pub(crate) fn guid(&mut self) -> Guid {
        uuid::Builder::from_random_bytes(Guid::from_u64_pair(self.roll(), self.roll()).into_bytes()).into_uuid()
    }

    /// The creation of an instance that has come some way until `now`: half are at a task, half have ended; of these
    /// most are confirmed by the application owner. One form with this body, three events.
    pub(crate) fn creation(&mut self, now: Time, body: Bytes) -> Change {
        let is_of_first = self.roll().is_multiple_of(7);
        let number = if is_of_first { 0 } else { (self.roll() % self.parties) as i32 };
        let party = PartyId::new(FIRST_PARTY + number);
        let id = InstanceId::new(party, self.guid());
        let created = Time::from_ticks(now.ticks() - (self.roll() % (30 * DAY as u64)) as i64);
        let user = format!("{}", 20_000 + party.get() % 10_000);
        let process = self.process(created, now);
        let events = self.events(id, created, &process);
        let element = self.form(id, created, &user, body.len());
        let instance = self.instance(id, created, now, user, process);
        Change {
            expect: Expect::Absent,
            instance: Some(instance),
            touch: true,
            elements: vec![ElementChange::Put(Box::new(ElementPut { element, touch: true, body: Body::Bytes(body) }))],
            events,
            ..Change::expecting(id, 0)
        }
    }

    fn process(&mut self, created: Time, now: Time) -> ProcessState {
        let started = ProcessState {
            started: Some(created),
            start_event: Some("StartEvent_1".to_owned()),
            ..ProcessState::default()
        };
        match self.percent() {
            0..50 => ProcessState { ended: Some(now), end_event: Some("EndEvent_1".to_owned()), ..started },
            roll => {
                let (task, kind, flow) = if roll < 90 { ("Task_1", "data", 2) } else { ("Task_2", "confirmation", 3) };
                let current_task = ProcessElement {
                    flow: Some(flow),
                    started: Some(created),
                    element_id: Some(task.to_owned()),
                    name: Some("Utfylling av skjema".to_owned()),
                    altinn_task_type: Some(kind.to_owned()),
                    ended: None,
                    flow_type: Some(FlowType::CompleteCurrentMoveToNext),
                };
                ProcessState { current_task: Some(current_task), ..started }
            }
        }
    }

    fn instance(&mut self, id: InstanceId, created: Time, now: Time, user: String, process: ProcessState) -> Instance {
        let org = self.app.org().to_owned();
        let has_ended = process.is_ended();
        let is_confirmed = has_ended && self.percent() < 60;
        let is_soft_deleted = self.percent() < 3;
        let is_hard_deleted = is_soft_deleted && self.percent() < 30;
        let number = self.roll() % 100_000_000;
        Instance {
            id,
            instance_owner: InstanceOwner {
                party_id: id.party,
                person_number: None,
                organisation_number: Some(format!("3{number:08}")),
                username: None,
                external_identifier: None,
            },
            app_id: self.app.clone(),
            self_links: None,
            due_before: (self.percent() < 20).then(|| created.plus(Duration::from_hours(90 * 24))),
            visible_after: None,
            process: Some(process),
            status: InstanceStatus {
                is_archived: has_ended,
                archived: has_ended.then_some(now),
                is_soft_deleted,
                soft_deleted: is_soft_deleted.then_some(now),
                is_hard_deleted,
                hard_deleted: is_hard_deleted.then_some(now),
                read_status: ReadStatus::Read,
                substatus: None,
            },
            complete_confirmations: is_confirmed
                .then(|| vec![CompleteConfirmation { stakeholder_id: org.clone(), confirmed_on: now }]),
            org,
            data: Vec::new(),
            presentation_texts: Some(BTreeMap::from([
                ("foretaksnavn".to_owned(), format!("Prøveforetaket nr. {number} AS")),
                ("prosjekt".to_owned(), format!("Utbedring av kulturminne {}", number % 977)),
            ])),
            data_values: Some(BTreeMap::from([
                ("kommunenummer".to_owned(), format!("{:04}", number % 5000)),
                ("saksnummer".to_owned(), format!("2025/{number}")),
                ("beskrivelse".to_owned(), "Tiltaket omfatter tak, vinduer og grunnmur på hovedbygningen.".repeat(22)),
            ])),
            created: Some(created),
            created_by: Some(user.clone()),
            last_changed: None,
            last_changed_by: Some(user),
        }
    }

    fn form(&mut self, id: InstanceId, created: Time, user: &str, size: usize) -> DataElement {
        let element = self.guid();
        let (app, guid) = (&self.app, id.guid);
        DataElement {
            content_type: Some("application/xml".to_owned()),
            blob_storage_path: Some(format!("{app}/{guid}/data/{element}")),
            size: size as u64,
            refs: Some(Vec::new()),
            file_scan_result: FileScanResult::NotApplicable,
            created: Some(created),
            created_by: Some(user.to_owned()),
            last_changed_by: Some(user.to_owned()),
            ..DataElement::new(element, guid, "skjema")
        }
    }

    /// XML with as much repetition as forms have.
    pub(crate) fn form_body(&mut self, size: usize) -> Bytes {
        let mut xml = String::with_capacity(size + 100);
        xml.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<skjema>\n");
        while xml.len() + 120 < size {
            let (field, value) = (self.roll() % 40, self.roll() % 1_000_000);
            let _ = writeln!(
                xml,
                "  <opplysning{field} orid=\"{}\">Beskrivelse nr. {value}</opplysning{field}>",
                30_000 + field
            );
        }
        xml.push_str("</skjema>");
        while xml.len() < size {
            xml.push('\n');
        }
        xml.truncate(size);
        xml.into()
    }

    fn events(&mut self, id: InstanceId, created: Time, process: &ProcessState) -> Vec<InstanceEvent> {
        [event_type::CREATED, event_type::PROCESS_START_EVENT, event_type::PROCESS_START_TASK]
            .into_iter()
            .map(|event_type| InstanceEvent {
                id: self.guid(),
                instance_id: id,
                data_id: None,
                created,
                event_type: event_type.to_owned(),
                instance_owner_party_id: Some(id.party.to_string()),
                user: Some(PlatformUser { user_id: Some(20_001), authentication_level: 2, ..PlatformUser::default() }),
                related_user: None,
                process_info: Some(process.clone()),
                additional_info: None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specimen_is_about_as_large_as_a_real_instance() {
        let now = Time::parse("2025-03-01T12:00:00Z").unwrap();
        let mut specimens = Specimens::new(AppId::new("ttd", "tilskudd"), 10, 1);
        let change = specimens.creation(now, Bytes::from_static(b"<skjema/>"));
        let mut instance = change.instance.unwrap();
        for element in change.elements {
            if let ElementChange::Put(put) = element {
                instance.data.push(put.element);
            }
        }
        let size = serde_json::to_string(&instance).unwrap().len();
        assert!((2000..3400).contains(&size), "{size} bytes");
        assert_eq!(specimens.form_body(10_000).len(), 10_000);
    }
}
