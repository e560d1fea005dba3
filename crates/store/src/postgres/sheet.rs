//! What a group of changes makes of the instances it is about. Plain values: no statement is run here.
//!
//! Each change is decided on what the ones before it left, in their order, and either applies in full or, when its
//! expectation does not hold, leaves no trace. What has to be written is what differs in the end.

use std::collections::HashMap;

use mottak_model::{Guid, InstanceId, Time};
use mottak_service::ports::{Committed, Expect, Job, Removal};

use super::CommitOrder;
use crate::prepare::{ElementRow, InlineBody, InstanceRow, Prepared, PreparedBody, PreparedElement};
use crate::rules::{commit_time, moves_instance};

/// The expectation of a change did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conflict;

/// The instances of a group of changes.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    order: CommitOrder,
    now: Time,
    /// The time of the last commit.
    pub(super) last: Time,
    pub(super) entries: HashMap<InstanceId, Entry<'a>>,
    pub(super) events: Vec<NewEvents<'a>>,
    pub(super) jobs: Vec<NewJob<'a>>,
}

/// One instance: what the tables have, and what they shall have.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    /// Whether the tables have it.
    pub(super) is_stored: bool,
    /// Whether what the tables have goes, and the history with it.
    pub(super) wipe: Option<Removal>,
    /// Whether it was removed without its history.
    pub(super) has_tombstone: bool,
    pub(super) live: Option<Live<'a>>,
    /// In the order of creation.
    pub(super) elements: Vec<Element<'a>>,
    /// Elements that the tables have and that go, with the kind of their content.
    pub(super) dropped: Vec<(Guid, Content)>,
}

/// An instance as it is after the changes so far.
#[derive(Debug)]
pub(super) struct Live<'a> {
    pub(super) version: u64,
    pub(super) changed: Time,
    /// Rows of the history.
    pub(super) last_event: i32,
    /// The new document, if there is one.
    pub(super) row: Option<&'a InstanceRow>,
    pub(super) is_changed: bool,
}

/// An element as it is after the changes so far.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) guid: Guid,
    pub(super) position: i32,
    /// What the tables have: nothing, or an element with this kind of content.
    pub(super) stored: Option<Content>,
    pub(super) content: Content,
    /// The new document and its time, if there is one.
    pub(super) row: Option<(&'a ElementRow, Option<Time>)>,
    /// The new body, if there is one.
    pub(super) body: Option<&'a PreparedBody>,
}

/// Where the content of an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    None,
    Inline,
    Object(String),
}

/// A row of the history.
#[derive(Debug)]
pub(super) struct NewEvents<'a> {
    pub(super) id: InstanceId,
    pub(super) n: i32,
    pub(super) docs: &'a str,
}

#[derive(Debug)]
pub(super) enum NewJob<'a> {
    Outbox(&'a Job),
    /// An object that no element names any more, since this time.
    RemoveObject(String, Time),
}

impl<'a> Sheet<'a> {
    /// `last`: the time of the last commit of any node, where commits have one order.
    pub(super) fn new(order: CommitOrder, now: Time, last: Time) -> Self {
        Self { order, now, last, entries: HashMap::new(), events: Vec::new(), jobs: Vec::new() }
    }

    /// The instance, which may be about to be made.
    pub(super) fn entry(&mut self, id: InstanceId) -> &mut Entry<'a> {
        self.entries.entry(id).or_default()
    }

    /// Applies the change to what is known.
    pub(super) fn apply(&mut self, change: &'a Prepared) -> Result<Committed, Conflict> {
        let entry = self.entries.entry(change.id).or_default();
        let version = match (change.expect, &entry.live) {
            (Expect::Absent, None) if !entry.has_tombstone => 1,
            (Expect::Version(version), Some(live)) if live.version == version => version + 1,
            _ => return Err(Conflict),
        };
        let known = entry.live.as_ref().map(|live| live.changed);
        let last = match self.order {
            CommitOrder::Strict => self.last,
            CommitOrder::PerInstance => known.unwrap_or(Time::from_ticks(0)),
        };
        let created = change.instance.as_ref().and_then(|row| row.created);
        let changed = commit_time(self.now, last, created);
        self.last = self.last.max(changed);
        let first_job = self.jobs.len();
        self.jobs.extend(change.jobs.iter().map(NewJob::Outbox));
        match change.removal {
            Some(removal) => {
                entry.remove(removal, changed, &mut self.jobs);
                if removal == Removal::WithHistory {
                    self.events.retain(|events| events.id != change.id);
                }
            }
            None => {
                let moved = moves_instance(change.touch, known, created).then_some(changed);
                let live =
                    entry.live.get_or_insert(Live { version, changed, last_event: 0, row: None, is_changed: true });
                live.version = version;
                live.changed = moved.unwrap_or(live.changed);
                live.row = change.instance.as_ref().or(live.row);
                live.is_changed = true;
                if let Some(docs) = &change.events {
                    live.last_event += 1;
                    self.events.push(NewEvents { id: change.id, n: live.last_event, docs });
                }
                for element in &change.elements {
                    match element {
                        PreparedElement::Put(row) => entry.put(row, changed, &mut self.jobs),
                        PreparedElement::Drop(guid) => entry.drop_element(*guid, changed, &mut self.jobs),
                    }
                }
            }
        }
        debug_assert!(self.jobs.len() >= first_job);
        Ok(Committed { version, changed })
    }
}

impl<'a> Entry<'a> {
    fn remove(&mut self, removal: Removal, changed: Time, jobs: &mut Vec<NewJob<'a>>) {
        for element in std::mem::take(&mut self.elements) {
            release(element.content, None, changed, jobs);
        }
        self.dropped.clear();
        self.live = None;
        self.has_tombstone = removal == Removal::KeepHistory;
        self.wipe = Some(removal);
    }

    /// Makes the element as it shall be, at its place or after all others.
    fn put(&mut self, row: &'a ElementRow, changed: Time, jobs: &mut Vec<NewJob<'a>>) {
        let moved = if row.touch { Some(changed) } else { row.changed };
        let content = match &row.body {
            PreparedBody::Keep => None,
            PreparedBody::Inline(_) | PreparedBody::Large { .. } => Some(Content::Inline),
            PreparedBody::Object { key, .. } => Some(Content::Object(key.clone())),
        };
        let next = self.elements.iter().map(|element| element.position + 1).max().unwrap_or(1);
        let element = match self.elements.iter().position(|element| element.guid == row.guid) {
            Some(place) => &mut self.elements[place],
            None => {
                // What the tables had under this id goes before the new one comes.
                self.elements.push(Element {
                    guid: row.guid,
                    position: next,
                    stored: None,
                    content: Content::None,
                    row: None,
                    body: None,
                });
                self.elements.last_mut().expect("an element was just added")
            }
        };
        element.row = Some((row, moved));
        if let Some(content) = content {
            let old = std::mem::replace(&mut element.content, content);
            let key = element.content.object().map(str::to_owned);
            release(old, key.as_deref(), changed, jobs);
            element.body = Some(&row.body);
        }
    }

    /// Removes the element and its content, if the instance has it.
    fn drop_element(&mut self, guid: Guid, changed: Time, jobs: &mut Vec<NewJob<'a>>) {
        if let Some(place) = self.elements.iter().position(|element| element.guid == guid) {
            let old = self.elements.remove(place);
            if let Some(stored) = old.stored {
                self.dropped.push((guid, stored));
            }
            release(old.content, None, changed, jobs);
        }
    }
}

/// Lets go of an element's old content, unless the new one is the same object.
fn release(old: Content, new: Option<&str>, changed: Time, jobs: &mut Vec<NewJob<'_>>) {
    if let Content::Object(key) = old
        && new != Some(&key)
    {
        jobs.push(NewJob::RemoveObject(key, changed));
    }
}

impl Content {
    pub(super) fn object(&self) -> Option<&str> {
        match self {
            Self::Object(key) => Some(key),
            _ => None,
        }
    }

    /// As a column.
    pub(super) fn number(&self) -> i16 {
        match self {
            Self::None => NONE,
            Self::Inline => INLINE,
            Self::Object(_) => OBJECT,
        }
    }

    /// From its columns.
    pub(super) fn of(number: i16, key: Option<String>) -> Self {
        match (number, key) {
            (OBJECT, Some(key)) => Self::Object(key),
            (NONE, _) => Self::None,
            _ => Self::Inline,
        }
    }
}

const NONE: i16 = 0;
pub(super) const INLINE: i16 = 1;
pub(super) const OBJECT: i16 = 2;

impl Element<'_> {
    /// The new body, when it becomes a row.
    pub(super) fn inline(&self) -> Option<&InlineBody> {
        match self.body {
            Some(PreparedBody::Inline(body)) => Some(body),
            _ => None,
        }
    }
}
