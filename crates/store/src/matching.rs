//! Which instances a question asks for (platform-storage §2.1.1).

use std::cmp::Ordering;

use mottak_model::{Instance, Time};
use mottak_service::ports::{Cursor, InstanceQuery, Order, TimeRange};

use crate::status::{Status, StatusFilter};

/// What the question demands of the status bits.
pub(crate) fn status_filter(query: &InstanceQuery) -> StatusFilter {
    let not_confirmed = if query.excludes_own_confirmation() { Some(false) } else { None };
    // "Has not ended" is asked as "has a current task": an instance whose process never started is neither.
    let (ended, at_task) = match query.is_complete {
        Some(true) => (Some(true), None),
        Some(false) => (None, Some(true)),
        None => (None, None),
    };
    StatusFilter::default()
        .demand(Status::ARCHIVED, query.is_archived)
        .demand(Status::SOFT_DELETED, query.is_soft_deleted)
        .demand(Status::HARD_DELETED, query.is_hard_deleted)
        .demand(Status::CONFIRMED, query.is_confirmed)
        .demand(Status::CONFIRMED, not_confirmed)
        .demand(Status::ENDED, ended)
        .demand(Status::AT_TASK, at_task)
}

/// Facts about a question that decide how it is answered.
pub(crate) trait QueryFacts {
    /// Whether "not confirmed by this stakeholder" means "not confirmed by the instance's own org".
    fn excludes_own_confirmation(&self) -> bool;
    /// Whether some filter can be checked in the document only.
    fn needs_documents(&self) -> bool;
}

impl QueryFacts for InstanceQuery {
    fn excludes_own_confirmation(&self) -> bool {
        self.exclude_confirmed_by.is_some() && self.exclude_confirmed_by == self.org
    }

    fn needs_documents(&self) -> bool {
        self.end_event.is_some()
            || self.search_text.is_some()
            || (self.exclude_confirmed_by.is_some() && !self.excludes_own_confirmation())
    }
}

/// Whether the instance, with `last_changed` set, is asked for. Where the page begins is not considered.
pub(crate) fn matches(query: &InstanceQuery, instance: &Instance) -> bool {
    let process = instance.process.as_ref();
    status_filter(query).admits(Status::of(instance))
        && query.org.as_ref().is_none_or(|org| *org == instance.org)
        && query.app.as_ref().is_none_or(|app| *app == instance.app_id)
        && query.party.is_none_or(|party| party == instance.id.party)
        && query.current_task.as_deref().is_none_or(|task| instance.current_task_id() == Some(task))
        && query
            .end_event
            .as_deref()
            .is_none_or(|event| process.and_then(|process| process.end_event.as_deref()) == Some(event))
        && query.exclude_confirmed_by.as_deref().is_none_or(|stakeholder| !instance.is_confirmed_by(stakeholder))
        && within(query.changed, instance.last_changed)
        && within(query.created, instance.created)
        && within(query.ended, process.and_then(|process| process.ended))
        && within(query.visible_after, instance.visible_after)
        && within(query.due_before, instance.due_before)
        && query.search_text.as_deref().is_none_or(|text| has_presentation_text(instance, text))
        && query.reference.as_deref().is_none_or(|reference| has_reference(instance, reference))
}

/// A time that is absent is in no range but the unbounded one.
fn within(range: TimeRange, time: Option<Time>) -> bool {
    range.is_unbounded() || time.is_some_and(|time| range.contains(time))
}

fn has_presentation_text(instance: &Instance, part: &str) -> bool {
    let part = part.to_lowercase();
    instance.presentation_texts.iter().flatten().any(|(_, text)| text.to_lowercase().contains(&part))
}

/// What a search for text looks into: all presentation texts in lower case. Whoever contains the text that is searched
/// for, contains it in here; [`matches`] has the last word.
pub(crate) fn search_text(instance: &Instance) -> String {
    let texts: Vec<_> = instance.presentation_texts.iter().flatten().map(|(_, text)| text.to_lowercase()).collect();
    texts.join("\n")
}

fn has_reference(instance: &Instance, reference: &str) -> bool {
    instance.id.guid.simple().to_string().ends_with(reference)
}

/// Where to look for `lastChanged`. An instance changes no earlier than it is created: who was created after X was
/// changed after X. What the cursor says already is left to it: an engine that is given two bounds may start at the one
/// that is farther away.
pub(crate) fn changed_range(query: &InstanceQuery) -> TimeRange {
    let range = TimeRange { at_least: query.changed.at_least.max(query.created.at_least), below: query.changed.below };
    match (query.after, query.order) {
        (Some(after), Order::Descending) if range.below.is_none_or(|below| after.changed < below) => {
            TimeRange { below: None, ..range }
        }
        (Some(after), Order::Ascending) if range.at_least.is_none_or(|from| after.changed >= from) => {
            TimeRange { at_least: None, ..range }
        }
        _ => range,
    }
}

/// How two places follow one another in the list.
pub(crate) fn compare(order: Order, left: Cursor, right: Cursor) -> Ordering {
    let ascending = (left.changed, left.guid).cmp(&(right.changed, right.guid));
    match order {
        Order::Ascending => ascending,
        Order::Descending => ascending.reverse(),
    }
}
