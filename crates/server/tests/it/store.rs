//! Stores that are filled without a server.

use std::path::Path;
use std::sync::Arc;

use mottak_model::{AppId, DataElement, Guid, Instance, InstanceId, InstanceOwner, InstanceStatus, PartyId};
use mottak_service::ports::{
    Body, Change, ElementChange, ElementPut, Expect, RandomIds, Removal, Store as _, SystemClock,
};
use mottak_service::ports::{Ids as _, Snapshot};
use mottak_store::{Options, SqliteStore};

/// A store that is open here.
pub(crate) struct Filled(Arc<SqliteStore>);

impl Filled {
    pub(crate) fn open(folder: &Path) -> Self {
        Self(SqliteStore::open(folder, Arc::new(SystemClock), Options::default()).expect("a new store"))
    }

    /// Makes an instance of `ttd/{app}` with files of these names and contents.
    pub(crate) async fn add(&self, app: &str, files: &[(Option<&str>, Vec<u8>)]) -> InstanceId {
        let id = InstanceId::new(PartyId::new(510_001), RandomIds.guid());
        let mut change = Change { expect: Expect::Absent, ..Change::expecting(id, 0) };
        change.instance = Some(instance(id, app, InstanceStatus::default()));
        change.elements = files.iter().map(|(name, content)| put(id, RandomIds.guid(), *name, content)).collect();
        self.0.commit(change).await.expect("it is new");
        id
    }

    async fn load(&self, id: InstanceId) -> Snapshot {
        self.0.load(id).await.expect("an answer").expect("it is there")
    }

    /// Replaces the content and the name of the first file, and drops the others.
    pub(crate) async fn change(&self, id: InstanceId, name: &str, content: &[u8]) {
        let known = self.load(id).await;
        let mut change = Change { touch: true, ..Change::expecting(id, known.version) };
        let elements: Vec<Guid> = known.instance.data.iter().map(|element| element.id).collect();
        change.elements = elements.iter().skip(1).map(|element| ElementChange::Drop(*element)).collect();
        change.elements.push(put(id, elements[0], Some(name), content));
        self.0.commit(change).await.expect("nobody else writes");
    }

    pub(crate) async fn delete_for_good(&self, id: InstanceId, app: &str) {
        let known = self.load(id).await;
        let status = InstanceStatus { is_hard_deleted: true, ..InstanceStatus::default() };
        let instance = Some(instance(id, app, status));
        let change = Change { touch: true, instance, ..Change::expecting(id, known.version) };
        self.0.commit(change).await.expect("nobody else writes");
    }

    pub(crate) async fn remove(&self, id: InstanceId) {
        let known = self.load(id).await;
        let removal = Some(Removal::WithHistory);
        self.0.commit(Change { removal, ..Change::expecting(id, known.version) }).await.expect("nobody else writes");
    }

    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}

fn instance(id: InstanceId, app: &str, status: InstanceStatus) -> Instance {
    Instance {
        id,
        instance_owner: InstanceOwner {
            party_id: id.party,
            person_number: None,
            organisation_number: Some("910000000".to_owned()),
            username: None,
            external_identifier: None,
        },
        app_id: AppId::new("ttd", app),
        org: "ttd".to_owned(),
        self_links: None,
        due_before: None,
        visible_after: None,
        process: None,
        status,
        complete_confirmations: None,
        data: Vec::new(),
        presentation_texts: None,
        data_values: None,
        created: None,
        created_by: None,
        last_changed: None,
        last_changed_by: None,
    }
}

fn put(instance: InstanceId, id: Guid, name: Option<&str>, content: &[u8]) -> ElementChange {
    let element = DataElement {
        filename: name.map(str::to_owned),
        size: content.len() as u64,
        ..DataElement::new(id, instance.guid, "vedlegg")
    };
    let body = Body::Bytes(content.to_vec().into());
    ElementChange::Put(Box::new(ElementPut { element, touch: true, body }))
}
