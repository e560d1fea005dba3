//! Instance events: the history of an instance (platform-storage §2.3).

use mottak_model::{Guid, InstanceEvent, InstanceId, Time};

use crate::authentication::Caller;
pub use crate::instances::read::require_read;
use crate::{Problem, Refusal, Service};

/// Which events of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Exact names; none given: all.
    pub types: Vec<String>,
    /// Both ends included. Used only when both are given.
    pub from: Option<String>,
    pub to: Option<String>,
}

/// The events of an instance, oldest first; those of one moment in the order they were written.
pub async fn list(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    filter: EventFilter,
) -> Result<Vec<InstanceEvent>, Refusal> {
    require_read(svc, caller, id).await?;
    let span = match (&filter.from, &filter.to) {
        (Some(from), Some(to)) => {
            let read = |text: &str| {
                Time::parse(text).map_err(|_| {
                    let text = "Unable to perform query. Invalid format for time span. Use string format of UTC.";
                    Refusal::Invalid(Problem::text(text))
                })
            };
            Some((read(from)?, read(to)?))
        }
        _ => None,
    };
    let mut events = svc.store.events(id).await?;
    events.retain(|event| {
        let is_in_span = span.is_none_or(|(from, to)| from <= event.created && event.created <= to);
        is_in_span && (filter.types.is_empty() || filter.types.contains(&event.event_type))
    });
    events.sort_by_key(|event| event.created);
    Ok(events)
}

/// One event of an instance.
pub async fn read(svc: &Service, caller: &Caller, id: InstanceId, event: Guid) -> Result<InstanceEvent, Refusal> {
    require_read(svc, caller, id).await?;
    let events = svc.store.events(id).await?;
    events.into_iter().find(|candidate| candidate.id == event).ok_or_else(|| Refusal::NotFound(Problem::bare()))
}
