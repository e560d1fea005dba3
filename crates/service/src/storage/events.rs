//! Events that an app's backend sends into an instance's history (platform-storage §2.2, §2.3).

use mottak_model::{Guid, InstanceEvent, InstanceId, PlatformUser, ProcessState, Time, event_type};
use serde::Deserialize;

use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::instances::read::load_passed;
use crate::{Problem, Refusal, Service};

/// An event as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SentEvent {
    pub id: Option<Guid>,
    /// `{partyId}/{guid}`, or the guid alone where a single event is sent.
    pub instance_id: Option<String>,
    pub data_id: Option<String>,
    pub created: Option<Time>,
    pub event_type: Option<String>,
    pub instance_owner_party_id: Option<String>,
    pub user: Option<PlatformUser>,
    pub related_user: Option<PlatformUser>,
    pub process_info: Option<ProcessState>,
    pub additional_info: Option<String>,
}

impl SentEvent {
    /// The event as it is kept: with an id, a time, and the instance it belongs to.
    pub(super) fn into_event(self, instance: InstanceId, id: Guid, now: Time) -> Result<InstanceEvent, Refusal> {
        Ok(InstanceEvent {
            id: self.id.unwrap_or(id),
            instance_id: instance,
            data_id: self.data_id,
            created: self.created.unwrap_or(now),
            event_type: require_type(self.event_type)?,
            instance_owner_party_id: self.instance_owner_party_id,
            user: self.user,
            related_user: self.related_user,
            process_info: self.process_info,
            additional_info: self.additional_info,
        })
    }
}

/// The type has to be one of those that readers know.
fn require_type(sent: Option<String>) -> Result<String, Refusal> {
    let sent = sent.unwrap_or_default();
    if event_type::ALL.iter().any(|known| known.eq_ignore_ascii_case(&sent)) {
        return Ok(sent);
    }
    Err(Refusal::Invalid(Problem::text(format!("Unknown event type: {sent}"))))
}

/// Adds an event to the history. Whoever may read the instance may: apps send with their users' tokens.
pub async fn add(svc: &Service, caller: &Caller, id: InstanceId, sent: SentEvent) -> Result<InstanceEvent, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let found = load_passed(svc, caller, id, "read").await?;
        require_instance(id, sent.instance_id.as_deref())?;
        let (snapshot, app) = found.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        let event = sent.clone().into_event(id, draft.guid(), draft.now)?;
        draft.append(event.clone());
        svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        Ok(event)
    })
    .await
}

fn require_instance(id: InstanceId, sent: Option<&str>) -> Result<(), Refusal> {
    let sent = sent.map(str::trim).filter(|sent| !sent.is_empty()).ok_or_else(|| {
        let text = "Missing parameter values: instance event must exist and instanceId must be set";
        Refusal::Invalid(Problem::text(text))
    })?;
    let is_this = sent.parse().is_ok_and(|sent: InstanceId| sent == id)
        || Guid::try_parse(sent).is_ok_and(|guid| guid == id.guid);
    if is_this {
        return Ok(());
    }
    Err(Refusal::Invalid(Problem::text("Instance ID in InstanceEvent does not match the Instance ID")))
}

#[cfg(test)]
mod tests {
    use mottak_model::PartyId;

    use super::*;

    #[test]
    fn event_names_the_instance_it_is_sent_to() {
        let id = InstanceId::new(PartyId::new(7), Guid::from_u128(5));
        for good in [id.to_string(), id.guid.to_string(), id.guid.to_string().to_uppercase()] {
            assert!(require_instance(id, Some(&good)).is_ok(), "{good}");
        }
        let other = InstanceId::new(PartyId::new(8), id.guid).to_string();
        for bad in [None, Some(""), Some(" "), Some("x"), Some("7/x"), Some(other.as_str())] {
            assert!(require_instance(id, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn types_are_those_that_readers_know() {
        for good in ["Created", "process_StartTask", "Submited", "submited", "None"] {
            assert_eq!(require_type(Some(good.to_owned())).unwrap(), good);
        }
        for bad in [None, Some(""), Some("Submitted"), Some("3")] {
            assert!(require_type(bad.map(str::to_owned)).is_err(), "{bad:?}");
        }
    }
}
