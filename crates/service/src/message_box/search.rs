//! The search of the message box (platform-storage §2.7.1).

use std::collections::HashSet;

use mottak_model::{AppId, Application, Instance};

use super::item::{MessageBoxInstance, language};
use super::question::{MOST, Plan, Question};
use super::{Rights, may};
use crate::authentication::Caller;
use crate::ports::TimeRange;
use crate::storage::{applications, texts};
use crate::{Problem, Refusal, Service};

/// The most parties of one search: each is a question to the store.
const MOST_PARTIES: usize = 10_000;

/// The instances that were asked for and that the caller may read, newest first.
pub async fn search(svc: &Service, caller: &Caller, question: &Question) -> Result<Vec<MessageBoxInstance>, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    if question.instance_owner_party_id_list.is_none() {
        let message = "The InstanceOwnerPartyIdList field is required.";
        return Err(Refusal::Invalid(Problem::member("InstanceOwnerPartyIdList", message)));
    }
    if question.instance_owner_party_id_list.as_ref().is_some_and(|parties| parties.len() > MOST_PARTIES) {
        let message = format!("At most {MOST_PARTIES} parties can be searched at once.");
        return Err(Refusal::Invalid(Problem::member("InstanceOwnerPartyIdList", message)));
    }
    let titled = match question.text() {
        Some(text) => apps_titled(svc, &text).await?,
        None => HashSet::new(),
    };
    let Some(plan) = Plan::of(question, titled) else { return Ok(Vec::new()) };
    let language = language(question.language.as_deref());
    let mut found = Vec::new();
    for instance in candidates(svc, question, &plan).await? {
        if let Some(rights) = shown(svc, caller, &instance).await? {
            let texts = texts::find(svc, &instance.app_id, language).await?;
            found.push(MessageBoxInstance::of(&instance, texts.as_deref(), rights));
        }
        // Thousands of decisions are many for one turn on the processor.
        tokio::task::consume_budget().await;
    }
    Ok(found)
}

/// The instances of all parties that the plan admits, newest first, at most [`MOST`].
async fn candidates(svc: &Service, question: &Question, plan: &Plan) -> Result<Vec<Instance>, Refusal> {
    let mut parties = question.instance_owner_party_id_list.clone().unwrap_or_default();
    parties.sort_unstable();
    parties.dedup();
    let mut found: Vec<Instance> = Vec::new();
    for party in parties {
        let mut query = plan.query(party);
        if found.len() == MOST {
            // Nothing older than the last one has a place.
            let last = found.last().and_then(|instance| instance.last_changed);
            query.changed = TimeRange { at_least: query.changed.at_least.max(last), ..query.changed };
        }
        let mut count = 0;
        loop {
            let page = svc.store.search(query.clone()).await?;
            let before = found.len();
            found.extend(page.instances.into_iter().filter(|instance| plan.admits(instance)).take(MOST - count));
            count += found.len() - before;
            query.after = page.next;
            if query.after.is_none() || count == MOST {
                break;
            }
        }
        found.sort_by_key(|instance| std::cmp::Reverse((instance.last_changed, instance.id.guid)));
        found.truncate(MOST);
    }
    Ok(found)
}

/// The apps whose title contains the text in any language.
async fn apps_titled(svc: &Service, text: &str) -> Result<HashSet<AppId>, Refusal> {
    let is_titled = |application: &Application| {
        application.title.iter().flatten().any(|(_, title)| title.to_lowercase().contains(text))
    };
    let all = applications::all(svc, None).await?;
    Ok(all.iter().filter(|application| is_titled(application)).map(|application| application.id.clone()).collect())
}

/// What the caller may do with an instance that is shown to them; none for one that is not.
async fn shown(svc: &Service, caller: &Caller, instance: &Instance) -> Result<Option<Rights>, Refusal> {
    if instance.visible_after.is_some_and(|time| time > svc.clock.now()) {
        return Ok(None);
    }
    let known = applications::find(svc, &instance.app_id).await?;
    if known.is_some_and(|application| is_hidden(&application, instance)) {
        return Ok(None);
    }
    // Without a policy nobody may do anything.
    let Some(app) = svc.apps.get(instance.app_id.org(), instance.app_id.app()) else { return Ok(None) };
    if !may(svc, caller, &app, instance, "read")? {
        return Ok(None);
    }
    let task = instance.process.as_ref().and_then(|process| process.current_task.as_ref());
    let is_signing = task.is_some_and(|task| task.altinn_task_type.as_deref() == Some("signing"));
    Ok(Some(Rights {
        delete: may(svc, caller, &app, instance, "delete")?,
        sign: is_signing && may(svc, caller, &app, instance, "sign")?,
        ..Rights::default()
    }))
}

/// Whether the app keeps the instance out of searches (platform-storage §3.7).
fn is_hidden(application: &Application, instance: &Instance) -> bool {
    let settings = application.message_box_config.as_ref().and_then(|config| config.hide_settings.as_ref());
    let Some(settings) = settings else { return false };
    let task = instance.current_task_id();
    settings.hide_always || task.is_some_and(|task| settings.hide_on_task.iter().flatten().any(|hidden| hidden == task))
}
