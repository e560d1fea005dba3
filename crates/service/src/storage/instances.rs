//! Instances as an app's backend makes and describes them (platform-storage §2.1.3, §2.1.8).

use std::collections::BTreeMap;

use mottak_model::{
    AppId, Instance, InstanceId, InstanceOwner, InstanceStatus, PartyId, ProcessState, Time, event_type,
};
use serde::Deserialize;

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::draft::{Author, Draft};
use crate::instances::read::load_known;
use crate::{Problem, Refusal, Service};

/// A new instance as it is sent. What else a client says of it is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewInstance {
    pub instance_owner: Option<NewOwner>,
    pub visible_after: Option<Time>,
    pub due_before: Option<Time>,
    pub status: Option<InstanceStatus>,
    pub process: Option<ProcessState>,
    pub data_values: Option<BTreeMap<String, Option<String>>>,
}

/// Whose it will be, stored as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewOwner {
    pub party_id: Option<String>,
    pub person_number: Option<String>,
    pub organisation_number: Option<String>,
    pub username: Option<String>,
    pub external_identifier: Option<String>,
}

/// Makes an instance. The order of refusals is the contract's: owner, app, caller.
pub async fn create(svc: &Service, caller: &Caller, app_id: &str, new: NewInstance) -> Result<Instance, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let owner = owner_of(new.instance_owner.unwrap_or_default())?;
    let named: AppId = app_id.parse().map_err(|_| {
        Refusal::Invalid(Problem::member("appId", "The application is named by its owner and its name: org/app."))
    })?;
    let app = svc
        .apps
        .get(named.org(), named.app())
        .ok_or_else(|| Refusal::NotFound(Problem::text(format!("Did not find application with appId={app_id}"))))?;
    svc.authorize(caller, "instantiate", Resource::party(&app, owner.party_id))?;
    let author = Author::of(svc, caller, &app)?;
    let instance = Instance {
        id: InstanceId::new(owner.party_id, svc.ids.guid()),
        instance_owner: owner,
        app_id: app.id.clone(),
        org: app.id.org().to_owned(),
        self_links: None,
        due_before: new.due_before,
        visible_after: new.visible_after,
        process: new.process,
        status: new.status.unwrap_or_default(),
        complete_confirmations: None,
        data: Vec::new(),
        presentation_texts: None,
        data_values: new.data_values.map(without_nulls),
        created: None,
        created_by: None,
        last_changed: None,
        last_changed_by: None,
    };
    let mut draft = Draft::create(svc, &app, &author, instance);
    draft.record(event_type::CREATED, None);
    svc.commit(None, draft.finish()).await.map_err(crate::service::Attempt::into_refusal)
}

fn owner_of(new: NewOwner) -> Result<InstanceOwner, Refusal> {
    let party = new.party_id.as_deref().map(str::trim).filter(|party| !party.is_empty()).ok_or_else(|| {
        Refusal::Invalid(Problem::text("Cannot create an instance without an instanceOwner.PartyId."))
    })?;
    let party_id: PartyId = party
        .parse()
        .map_err(|_| Refusal::Invalid(Problem::member("instanceOwner.partyId", "A party is named by its number.")))?;
    Ok(InstanceOwner {
        party_id,
        person_number: new.person_number,
        organisation_number: new.organisation_number,
        username: new.username,
        external_identifier: new.external_identifier,
    })
}

/// What is said under which key. `None` or an empty text takes the key away.
pub type Said = BTreeMap<String, Option<String>>;

/// Changes the presentation texts that are named and leaves the others. Neither touches the instance nor leaves an
/// event.
pub async fn set_presentation_texts(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    texts: Option<&Said>,
) -> Result<Instance, Refusal> {
    let texts = texts.ok_or_else(|| missing("presentationTexts"))?;
    describe(svc, caller, id, Asked::Always, |instance| merge(&mut instance.presentation_texts, texts)).await
}

/// The same for data values, which the sync adapter may change without being asked for permission.
pub async fn set_data_values(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    values: Option<&Said>,
) -> Result<Instance, Refusal> {
    let values = values.ok_or_else(|| missing("dataValues"))?;
    let asked = if caller.is_sync_adapter() { Asked::Never } else { Asked::Always };
    describe(svc, caller, id, asked, |instance| merge(&mut instance.data_values, values)).await
}

/// Whether the policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Always,
    Never,
}

async fn describe(
    svc: &Service,
    caller: &Caller,
    id: InstanceId,
    asked: Asked,
    change: impl Fn(&mut Instance),
) -> Result<Instance, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let (snapshot, app) = load_known(svc, id).await?;
        if asked == Asked::Always {
            svc.require_task_write(caller, &app, &snapshot.instance)?;
        }
        let author = Author::of(svc, caller, &app)?;
        let mut draft = Draft::of(svc, &app, &author, &snapshot);
        change(&mut draft.instance);
        if draft.is_empty(&snapshot.instance) {
            return Ok(snapshot.instance);
        }
        svc.commit(Some(&snapshot.instance), draft.finish()).await
    })
    .await
}

fn missing(what: &str) -> Refusal {
    Refusal::Invalid(Problem::text(format!("Missing parameter value: {what} is misformed or empty")))
}

/// Sets what has a text and takes away what has none.
fn merge(stored: &mut Option<BTreeMap<String, String>>, sent: &Said) {
    for (key, text) in sent {
        match text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => {
                stored.get_or_insert_default().insert(key.clone(), text.to_owned());
            }
            None => {
                stored.as_mut().and_then(|stored| stored.remove(key));
            }
        }
    }
}

fn without_nulls(sent: Said) -> BTreeMap<String, String> {
    sent.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_sets_and_really_removes() {
        let said = |texts: &[(&str, Option<&str>)]| -> Said {
            texts.iter().map(|(key, text)| ((*key).to_owned(), text.map(str::to_owned))).collect()
        };
        let mut stored = None;
        merge(&mut stored, &said(&[("a", None)]));
        assert_eq!(stored, None);
        merge(&mut stored, &said(&[("a", Some("1")), ("b", Some("2")), ("A", Some("3"))]));
        merge(&mut stored, &said(&[("a", Some("4")), ("b", Some("")), ("c", None)]));
        let stored: Vec<_> = stored.unwrap().into_iter().collect();
        assert_eq!(stored, [("A".to_owned(), "3".to_owned()), ("a".to_owned(), "4".to_owned())]);
    }
}
