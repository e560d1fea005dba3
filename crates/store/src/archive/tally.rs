//! Counting pieces, and a digest that says whether two stores hold the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Entry, hex};

/// How many pieces of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub instances: u64,
    pub elements: u64,
    /// Elements with content.
    pub bodies: u64,
    /// Bytes of all content.
    pub body_bytes: u64,
    /// Changes that left events.
    pub histories: u64,
    pub removed_instances: u64,
    pub records: u64,
    pub jobs: u64,
}

/// What has passed by. The digest does not depend on the order of instances, records and jobs, nor on where bodies are
/// kept: engines may differ in both. Within an instance the order counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    /// The sum of the digests of all groups, in four numbers.
    sum: [u64; 4],
    /// The pieces that belong together: an instance with all that follows it, or a piece that stands alone.
    group: Option<Sha256>,
}

impl Tally {
    pub(super) fn add(&mut self, entry: &Entry) {
        self.count(entry);
        match entry {
            Entry::Element(_) | Entry::History(_) => {}
            _ => self.end_group(),
        }
        let group = self.group.get_or_insert_default();
        let mut field = |bytes: &[u8]| {
            group.update((bytes.len() as u64).to_le_bytes());
            group.update(bytes);
        };
        match entry {
            Entry::Instance(instance) => {
                field(b"instance");
                field(&instance.party.get().to_le_bytes());
                field(instance.guid.as_bytes());
                field(&instance.version.to_le_bytes());
                field(&instance.changed.ticks().to_le_bytes());
                field(instance.document.get().as_bytes());
            }
            Entry::Element(element) => {
                field(b"element");
                field(element.guid.as_bytes());
                field(&element.changed.map_or(i64::MIN, |changed| changed.ticks()).to_le_bytes());
                field(element.document.get().as_bytes());
                if let Some(body) = &element.body {
                    field(&body.size.to_le_bytes());
                    field(&body.sha256);
                }
            }
            Entry::History(events) => {
                field(b"history");
                field(events.get().as_bytes());
            }
            Entry::RemovedInstance(removed) => {
                field(b"removed");
                field(&removed.party.get().to_le_bytes());
                field(removed.guid.as_bytes());
            }
            Entry::Record(record) => {
                field(b"record");
                field(record.kind.as_bytes());
                field(record.key.as_bytes());
                field(&record.version.to_le_bytes());
                field(record.document.as_bytes());
            }
            Entry::Job(job) => {
                field(b"job");
                field(&job.id.to_le_bytes());
                field(&job.due.ticks().to_le_bytes());
                field(job.kind.as_bytes());
                field(job.body.as_bytes());
                field(&job.attempts.to_le_bytes());
                field(job.buried.as_deref().unwrap_or_default().as_bytes());
                field(&[u8::from(job.buried.is_some())]);
            }
        }
    }

    fn count(&mut self, entry: &Entry) {
        let counts = &mut self.counts;
        match entry {
            Entry::Instance(_) => counts.instances += 1,
            Entry::Element(element) => {
                counts.elements += 1;
                counts.bodies += u64::from(element.body.is_some());
                counts.body_bytes += element.body.as_ref().map_or(0, |body| body.size);
            }
            Entry::History(_) => counts.histories += 1,
            Entry::RemovedInstance(_) => counts.removed_instances += 1,
            Entry::Record(_) => counts.records += 1,
            Entry::Job(_) => counts.jobs += 1,
        }
    }

    fn end_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        for (sum, part) in self.sum.iter_mut().zip(group.finalize().chunks(8)) {
            let part = part.iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
            *sum = sum.wrapping_add(part);
        }
    }

    /// The digest of everything that was added, in hexadecimal digits.
    pub(super) fn digest(&mut self) -> String {
        self.end_group();
        hex(&self.sum.map(u64::to_be_bytes).concat())
    }
}

#[cfg(test)]
mod tests {
    use mottak_model::{Guid, PartyId, Time};
    use serde_json::value::RawValue;

    use super::*;
    use crate::archive::{InstanceEntry, RecordEntry};

    fn instance(number: u128) -> Entry {
        Entry::Instance(InstanceEntry {
            party: PartyId::new(1),
            guid: Guid::from_u128(number),
            version: 1,
            changed: Time::from_ticks(10),
            document: RawValue::from_string("{}".to_owned()).expect("JSON"),
        })
    }

    fn history(text: &str) -> Entry {
        Entry::History(RawValue::from_string(text.to_owned()).expect("JSON"))
    }

    fn record() -> Entry {
        let (kind, key, document) = ("text".to_owned(), "a".to_owned(), "{}".to_owned());
        Entry::Record(RecordEntry { kind, key, version: 1, document })
    }

    fn digest(entries: &[Entry]) -> String {
        let mut tally = Tally::default();
        for entry in entries {
            tally.add(entry);
        }
        tally.digest()
    }

    #[test]
    fn the_order_of_instances_does_not_count_but_what_belongs_to_whom_does() {
        let one = digest(&[instance(1), history("[1]"), instance(2), history("[2]"), record()]);
        assert_eq!(one, digest(&[record(), instance(2), history("[2]"), instance(1), history("[1]")]));
        for other in [
            digest(&[instance(1), history("[2]"), instance(2), history("[1]"), record()]),
            digest(&[instance(1), history("[1]"), history("[2]"), instance(2), record()]),
            digest(&[instance(1), instance(2), history("[2]"), record()]),
            digest(&[]),
        ] {
            assert_ne!(one, other);
        }
    }
}
