//! What happened to an instance, in as few lines as a reader of the message box needs (platform-storage §2.7.3).

use mottak_model::{Guid, InstanceEvent, InstanceId, PlatformUser, Time, event_type};
use serde::Serialize;

use crate::authentication::Caller;
use crate::instances::read::require_read;
use crate::{Refusal, Service};

/// The events that are told.
const TOLD: [&str; 16] = [
    event_type::CREATED,
    event_type::DELETED,
    event_type::SAVED,
    event_type::SUBMITTED,
    event_type::UNDELETED,
    event_type::SUBSTATUS_UPDATED,
    "Signed",
    event_type::SENT_TO_SIGN,
    "SentToPayment",
    "SentToSendIn",
    "SentToFormFill",
    "InstanceForwarded",
    "InstanceRightRevoked",
    "NotificationSentSms",
    "MessageArchived",
    "MessageRead",
];

/// An event in the message box.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBoxEvent {
    pub id: Guid,
    pub created_date_time: Time,
    pub event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<PlatformUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_user: Option<PlatformUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<String>,
}

/// The history of an instance, oldest first.
pub async fn read(svc: &Service, caller: &Caller, id: InstanceId) -> Result<Vec<MessageBoxEvent>, Refusal> {
    require_read(svc, caller, id).await?;
    Ok(collapse(svc.store.events(id).await?))
}

/// Whatever was done with data is a save, and saves of one actor in a row are one: the last.
fn collapse(mut events: Vec<InstanceEvent>) -> Vec<MessageBoxEvent> {
    events.retain(|event| TOLD.contains(&event.event_type.as_str()));
    for event in &mut events {
        if event.data_id.is_some() && event.event_type == event_type::CREATED {
            event_type::SAVED.clone_into(&mut event.event_type);
        }
    }
    events.retain(|event| event.data_id.is_none() || event.event_type == event_type::SAVED);
    events.sort_by_key(|event| event.created);
    let mut told: Vec<MessageBoxEvent> = Vec::with_capacity(events.len());
    for event in events {
        let event = MessageBoxEvent {
            id: event.id,
            created_date_time: event.created,
            event_type: event.event_type,
            user: event.user,
            related_user: event.related_user,
            additional_info: event.additional_info,
        };
        match told.last_mut() {
            Some(last) if is_repeated_save(last, &event) => *last = event,
            _ => told.push(event),
        }
    }
    told
}

fn is_repeated_save(one: &MessageBoxEvent, next: &MessageBoxEvent) -> bool {
    one.event_type == event_type::SAVED
        && next.event_type == event_type::SAVED
        && actor(one.user.as_ref()) == actor(next.user.as_ref())
}

#[derive(PartialEq)]
enum Actor<'a> {
    User(i32),
    Org(&'a str),
    SystemUser(Guid),
    Nobody,
}

fn actor(user: Option<&PlatformUser>) -> Actor<'_> {
    let Some(user) = user else { return Actor::Nobody };
    match (user.user_id, user.org_id.as_deref(), user.system_user_id) {
        (Some(id), ..) => Actor::User(id),
        (None, Some(org), _) => Actor::Org(org),
        (None, None, Some(id)) => Actor::SystemUser(id),
        (None, None, None) => Actor::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use mottak_model::PartyId;
    use mottak_testing::covers;

    use super::*;

    /// Events one second apart: type, user, whether of data.
    fn events(list: &[(&str, i32, bool)]) -> Vec<InstanceEvent> {
        let id = InstanceId::new(PartyId::new(1), Guid::from_u128(1));
        let event = |(at, (event_type, user, is_of_data)): (usize, &(&str, i32, bool))| InstanceEvent {
            id: Guid::from_u128(at as u128),
            instance_id: id,
            data_id: is_of_data.then(|| "data".to_owned()),
            created: Time::from_unix_seconds(at as i64),
            event_type: (*event_type).to_owned(),
            instance_owner_party_id: None,
            user: Some(PlatformUser { user_id: Some(*user), ..PlatformUser::default() }),
            related_user: None,
            process_info: None,
            additional_info: None,
        };
        list.iter().enumerate().map(event).collect()
    }

    fn told(list: &[(&str, i32, bool)]) -> Vec<(String, u128)> {
        let mut events = events(list);
        events.reverse();
        collapse(events).into_iter().map(|event| (event.event_type, event.id.as_u128())).collect()
    }

    fn told_as(list: &[(&str, u128)]) -> Vec<(String, u128)> {
        list.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
    }

    #[test]
    fn saves_of_one_actor_in_a_row_are_the_last_of_them() {
        let _rows = covers("platform-storage", &["M31"]);
        assert_eq!(told(&[("Saved", 1, true), ("Saved", 1, true)]), told_as(&[("Saved", 1)]));
        let interlaced = [("Saved", 1, true), ("Saved", 2, true), ("Saved", 1, true), ("Saved", 2, true)];
        assert_eq!(told(&interlaced), told_as(&[("Saved", 0), ("Saved", 1), ("Saved", 2), ("Saved", 3)]));
        let parted = [("Saved", 1, true), ("SubstatusUpdated", 9, false), ("Saved", 1, true)];
        assert_eq!(told(&parted).len(), 3);
    }

    #[test]
    fn data_that_comes_is_saved_and_data_that_goes_is_not_told() {
        let list = [
            ("Created", 1, false),
            ("Created", 1, true),
            ("process_StartTask", 1, false),
            ("Deleted", 1, true),
            ("Deleted", 1, false),
            ("ConfirmedComplete", 1, false),
            ("None", 1, false),
        ];
        assert_eq!(told(&list), told_as(&[("Created", 0), ("Saved", 1), ("Deleted", 4)]));
    }

    #[test]
    fn all_sixteen_are_told_and_many_of_them() {
        let _rows = covers("platform-storage", &["M30"]);
        let all: Vec<_> = TOLD.iter().map(|name| (*name, 1, false)).collect();
        assert_eq!(told(&all).len(), 16);
        let many: Vec<_> = (0..5000).map(|at| ("Saved", at % 2, true)).collect();
        assert_eq!(told(&many).len(), 5000);
    }
}
