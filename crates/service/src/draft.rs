//! A change in the making: what a request does to an instance, gathered step by step and committed once.
//!
//! The rules that hold for every write live here, in one place: which writes move `lastChanged`, what they do to the
//! read status, and which event they leave behind (platform-storage §3.2, §3.3, §3.8).

use bytes::Bytes;
use mottak_apps::App;
use mottak_model::{
    DataElement, DataType, DeleteStatus, FileScanResult, Guid, Instance, InstanceEvent, PlatformUser, ProcessState,
    ReadStatus, Reference, ReferenceRelation, ReferenceType, Time, event_type,
};

use crate::authentication::Caller;
use crate::ports::{Body, Change, ElementChange, ElementPut, Expect, Ids, Snapshot};
use crate::storage::cleanup;
use crate::storage::data::scan;
use crate::{Refusal, Service};

/// On whose behalf a change is made.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    /// What `createdBy` and `lastChangedBy` will say.
    pub(crate) performed_by: Option<String>,
    /// Who the history names.
    pub(crate) user: PlatformUser,
    /// The same for events of the process: with the person's number, as the app adds it from the profile.
    pub(crate) process_user: PlatformUser,
    /// Whether it is the owner of the app.
    pub(crate) is_owner: bool,
}

impl Author {
    pub(crate) fn of(svc: &Service, caller: &Caller, app: &App) -> Result<Self, Refusal> {
        let user = caller.platform_user();
        let mut process_user = user.clone();
        if let Some(known) = caller.user()
            && let Some(profile) = svc.register.profile(known.user_id)?
        {
            process_user.national_identity_number.clone_from(&profile.party.ssn);
        }
        if process_user.org_id.is_none() && process_user.user_id.is_none() && process_user.system_user_id.is_none() {
            // A plain organisation would leave an event without anybody (app-process §2.9).
            process_user.org_id = caller.org_number().map(str::to_owned);
        }
        Ok(Self {
            performed_by: caller.performed_by(),
            user,
            process_user,
            is_owner: caller.is_service_owner_of(app.id.org()),
        })
    }
}

/// A change in the making.
pub(crate) struct Draft<'a> {
    pub(crate) app: &'a App,
    pub(crate) author: &'a Author,
    pub(crate) now: Time,
    /// The instance as it will be, elements included.
    pub(crate) instance: Instance,
    ids: &'a dyn Ids,
    change: Change,
    /// When something of the instance may go for good, as it was before.
    may_go: Option<Time>,
}

impl<'a> Draft<'a> {
    /// A change of a loaded instance.
    pub(crate) fn of(svc: &'a Service, app: &'a App, author: &'a Author, snapshot: &Snapshot) -> Self {
        let instance = snapshot.instance.clone();
        let change = Change::expecting(instance.id, snapshot.version);
        let may_go = cleanup::next_look(&instance);
        Self { app, author, now: svc.clock.now(), instance, ids: &*svc.ids, change, may_go }
    }

    /// A new instance. The caller records that it was created, once its process is there to be recorded too.
    pub(crate) fn create(svc: &'a Service, app: &'a App, author: &'a Author, mut instance: Instance) -> Self {
        let now = svc.clock.now();
        instance.created = Some(now);
        instance.created_by.clone_from(&author.performed_by);
        instance.visible_after = instance.visible_after.or(Some(now));
        let mut change = Change::expecting(instance.id, 0);
        change.expect = Expect::Absent;
        let mut draft = Self { app, author, now, instance, ids: &*svc.ids, change, may_go: None };
        draft.touch();
        draft
    }

    /// A new identifier.
    pub(crate) fn guid(&self) -> Guid {
        self.ids.guid()
    }

    /// The write moves the instance's `lastChanged`.
    pub(crate) fn touch(&mut self) {
        self.change.touch = true;
        self.instance.last_changed_by.clone_from(&self.author.performed_by);
    }

    /// Whether anything would be committed.
    pub(crate) fn is_empty(&self, before: &Instance) -> bool {
        !self.change.touch
            && self.change.elements.is_empty()
            && self.change.events.is_empty()
            && self.change.jobs.is_empty()
            && self.instance == *before
    }

    /// Adds an element that the author sends, or that the app makes for them.
    pub(crate) fn add_element(&mut self, data_type: &DataType, new: NewElement, body: Body) -> Guid {
        let mut element = self.new_element(&data_type.id, new);
        let id = element.id;
        if data_type.enable_file_scan {
            self.request_scan(&mut element);
        }
        if self.author.is_owner && self.instance.status.read_status == ReadStatus::Read {
            self.instance.status.read_status = ReadStatus::UpdatedSinceLastReview;
        }
        self.insert_element(element, body);
        self.record(event_type::CREATED, Some(id));
        id
    }

    /// An element by the author, which is not yet part of the change.
    pub(crate) fn new_element(&self, data_type: &str, new: NewElement) -> DataElement {
        let id = self.ids.guid();
        DataElement {
            filename: new.filename,
            content_type: new.content_type,
            size: new.size,
            refs: Some(new.refs),
            is_read: !self.author.is_owner,
            blob_storage_path: Some(format!("{}/{}/data/{id}", self.instance.app_id, self.instance.id.guid)),
            references: new.generated_from.as_deref().map(generated_from),
            created: Some(self.now),
            created_by: self.author.performed_by.clone(),
            last_changed_by: self.author.performed_by.clone(),
            ..DataElement::new(id, self.instance.id.guid, data_type)
        }
    }

    /// Adds an element as it is, without an event.
    pub(crate) fn insert_element(&mut self, element: DataElement, body: Body) {
        self.put(element, true, body);
        self.touch();
    }

    /// Replaces the content of an element.
    pub(crate) fn replace_content(&mut self, data_type: &DataType, mut element: DataElement, size: u64, body: Body) {
        element.size = size;
        element.last_changed_by.clone_from(&self.author.performed_by);
        element.file_scan_result = FileScanResult::NotApplicable;
        if data_type.enable_file_scan {
            self.request_scan(&mut element);
        }
        if self.author.is_owner {
            element.is_read = false;
            let is_other_read = self.instance.data.iter().any(|other| other.id != element.id && other.is_read);
            if !is_other_read && self.instance.status.read_status == ReadStatus::Read {
                self.instance.status.read_status = ReadStatus::Unread;
            }
        }
        let id = element.id;
        self.put(element, true, body);
        self.touch();
        self.record(event_type::SAVED, Some(id));
    }

    /// Replaces the content of an element that this same change adds. Nobody has seen the one before, so there is
    /// nothing to record.
    pub(crate) fn refine_content(&mut self, added: Guid, size: u64, body: Body) {
        if let Some(element) = self.instance.element(added) {
            let element = DataElement { size, ..element.clone() };
            self.put(element, true, body);
        }
    }

    /// Changes what is said about an element, such as its lock; its content, its `lastChanged` and the history stay.
    pub(crate) fn remark(&mut self, element: DataElement) {
        self.put(element, false, Body::Keep);
    }

    /// Marks an element as removed. It is hidden from all but the owner of the app until it goes for good
    /// (platform-storage §3.5).
    pub(crate) fn mark_element_deleted(&mut self, mut element: DataElement) {
        let id = element.id;
        element.delete_status = Some(DeleteStatus { is_hard_deleted: true, hard_deleted: Some(self.now) });
        element.last_changed_by.clone_from(&self.author.performed_by);
        self.put(element, true, Body::Keep);
        self.touch();
        self.record(event_type::DELETED, Some(id));
    }

    /// Removes an element and its content.
    pub(crate) fn remove_element(&mut self, id: Guid) {
        forget_reading(&mut self.instance);
        self.instance.data.retain(|element| element.id != id);
        self.change.elements.retain(|change| match change {
            ElementChange::Put(put) => put.element.id != id,
            ElementChange::Drop(_) => true,
        });
        self.change.elements.push(ElementChange::Drop(id));
        self.touch();
        self.record(event_type::DELETED, Some(id));
    }

    /// Adds an event to the history, with the process as the instance now has it.
    pub(crate) fn record(&mut self, event_type: &str, data_id: Option<Guid>) {
        let event = InstanceEvent {
            id: self.ids.guid(),
            instance_id: self.instance.id,
            data_id: data_id.map(|id| id.to_string()),
            created: self.now,
            event_type: event_type.to_owned(),
            instance_owner_party_id: Some(self.instance.id.party.to_string()),
            user: Some(self.author.user.clone()),
            related_user: None,
            process_info: self.instance.process.clone(),
            additional_info: None,
        };
        self.change.events.push(event);
    }

    /// Adds an event of the process.
    pub(crate) fn record_process(&mut self, event_type: &str) {
        self.record(event_type, None);
        let user = self.author.process_user.clone();
        self.amend_last_event(|event| event.user = Some(user));
    }

    /// Adds an event that somebody else made.
    pub(crate) fn append(&mut self, event: InstanceEvent) {
        self.change.events.push(event);
    }

    /// The process stands in a state that somebody else decided. Its end, and nothing else, archives the instance
    /// (platform-storage §3.1).
    pub(crate) fn set_process(&mut self, state: ProcessState) {
        let had_ended = self.instance.process.as_ref().is_some_and(ProcessState::is_ended);
        if let Some(ended) = state.ended.filter(|_| !had_ended) {
            self.instance.status.is_archived = true;
            self.instance.status.archived = Some(ended);
        }
        self.instance.process = Some(state);
        self.touch();
    }

    /// Changes the event that was recorded last.
    pub(crate) fn amend_last_event(&mut self, amend: impl FnOnce(&mut InstanceEvent)) {
        if let Some(event) = self.change.events.last_mut() {
            amend(event);
        }
    }

    /// The change to commit. Where it lets something go for good that could not go before, or not then, it leaves a job
    /// for that time.
    pub(crate) fn finish(mut self) -> Change {
        let may_go = cleanup::next_look(&self.instance);
        if let Some(time) = may_go.filter(|_| may_go != self.may_go) {
            self.change.jobs.push(cleanup::job(self.instance.id, time));
        }
        let mut instance = self.instance;
        instance.data = Vec::new();
        self.change.instance = Some(instance);
        self.change
    }

    /// New content is looked at for viruses where its type wants that, once the change is durable.
    fn request_scan(&mut self, element: &mut DataElement) {
        element.file_scan_result = FileScanResult::Pending;
        self.change.jobs.push(scan::job(&self.instance, element, self.now));
    }

    /// One put per element: a later one takes the place of an earlier one, and keeps its content where it brings none.
    fn put(&mut self, element: DataElement, touch: bool, body: Body) {
        match self.instance.data.iter_mut().find(|existing| existing.id == element.id) {
            Some(existing) => *existing = element.clone(),
            None => self.instance.data.push(element.clone()),
        }
        let earlier = self.change.elements.iter_mut().find_map(|change| match change {
            ElementChange::Put(put) if put.element.id == element.id => Some(put),
            _ => None,
        });
        match earlier {
            Some(put) => {
                put.element = element;
                put.touch |= touch;
                if !matches!(body, Body::Keep) {
                    put.body = body;
                }
            }
            None => self.change.elements.push(ElementChange::Put(Box::new(ElementPut { element, touch, body }))),
        }
    }
}

/// What is said about a new element beside its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewElement {
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Bytes.
    pub(crate) size: u64,
    /// Other elements it refers to.
    pub(crate) refs: Vec<Guid>,
    /// The task that made it, when the platform did.
    pub(crate) generated_from: Option<String>,
}

impl NewElement {
    /// An element that holds form data.
    pub(crate) fn form(content_type: &str, body: &Bytes) -> Self {
        Self { content_type: Some(content_type.to_owned()), size: body.len() as u64, ..Self::default() }
    }
}

/// Before an element goes: where nothing that is there has been read, the element that goes included, the instance is
/// as good as unread (platform-storage §2.4.5).
pub(crate) fn forget_reading(instance: &mut Instance) {
    let is_any_read = instance.data.iter().any(|element| element.is_read);
    if !is_any_read && instance.status.read_status == ReadStatus::Read {
        instance.status.read_status = ReadStatus::Unread;
    }
}

/// What an element says that was made in a task.
pub(crate) fn generated_from(task: &str) -> Vec<Reference> {
    vec![Reference {
        value: Some(task.to_owned()),
        relation: Some(ReferenceRelation::GeneratedFrom),
        value_type: Some(ReferenceType::Task),
    }]
}
