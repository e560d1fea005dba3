//! Lists of instances: who may ask for which, and what they see (platform-storage §2.1.1).

use mottak_model::{Instance, PartyId};

use super::query::{ListRequest, Token};
use crate::authentication::{Caller, Identity};
use crate::authorization::Resource;
use crate::ports::{Cursor, InstanceQuery, Page};
use crate::{Problem, Refusal, Service};

const READ_SCOPE: &str = "altinn:serviceowner/instances.read";

/// How often the list is followed to fill a page of which some is kept from the caller.
const SCANS: usize = 10;

/// How many instances are then looked at, at least, each time.
const SCANNED: usize = 100;

/// A page of instances.
#[derive(Clone, Debug, Default)]
pub struct InstanceList {
    pub instances: Vec<Instance>,
    /// The token that continues the list, when there may be more.
    pub next: Option<String>,
    /// Whether the answer has no `self` link: the owner that was asked for is unknown.
    pub is_of_unknown_owner: bool,
}

/// An owner named by a number instead of a party id: the header `X-Ai-InstanceOwnerIdentifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnerIdentifier {
    Person(String),
    Organisation(String),
}

impl OwnerIdentifier {
    fn parse(header: &str) -> Result<Self, Refusal> {
        let folded: String = header.chars().filter(|c| !c.is_whitespace()).collect();
        let mut parts = folded.split(':');
        let (kind, number) = match (parts.next(), parts.next(), parts.next()) {
            (Some(kind), Some(number), None) => (kind.to_ascii_lowercase(), number),
            _ => return Err(text("Invalid InstanceOwnerIdentifier.")),
        };
        let has_digits = |count: usize| number.len() == count && number.bytes().all(|b| b.is_ascii_digit());
        match kind.as_str() {
            "person" if has_digits(11) => Ok(Self::Person(number.to_owned())),
            "person" => Err(text("Person number needs to be exactly 11 digits.")),
            "organisation" if has_digits(9) => Ok(Self::Organisation(number.to_owned())),
            "organisation" => Err(text("Organization number needs to be exactly 9 digits.")),
            _ => Err(text("Invalid InstanceOwnerIdentifier.")),
        }
    }
}

/// The instances that match the request and that the caller may read.
///
/// A page may hold fewer than asked for, even none, and still be followed by another: what the caller may not read is
/// taken out of it.
pub async fn list(
    svc: &Service,
    caller: &Caller,
    mut request: ListRequest,
    owner_identifier: Option<&str>,
) -> Result<InstanceList, Refusal> {
    let owner_identifier = owner_identifier.filter(|identifier| !identifier.trim().is_empty());
    if owner_identifier.is_some() && request.query.party.is_some() {
        return Err(text("Both InstanceOwner.PartyId and InstanceOwnerIdentifier cannot be present at the same time."));
    }
    match caller.identity() {
        Identity::Anonymous => return Err(Refusal::Unauthenticated),
        Identity::ServiceOwner { org, .. } => admit_owner(svc, caller, org, &mut request.query)?,
        Identity::User(_) | Identity::SystemUser(_) => {
            if owner_identifier.is_none() && request.query.party.is_none() {
                return Err(text("Either InstanceOwnerPartyId or InstanceOwnerIdentifier need to be defined."));
            }
        }
        Identity::Org { .. } | Identity::Component(_) | Identity::Unknown => {
            return Err(Refusal::Invalid(Problem::bare()));
        }
    }
    if let Some(identifier) = owner_identifier {
        match find_owner(svc, &OwnerIdentifier::parse(identifier)?)? {
            Some(party) => request.query.party = Some(party),
            None => return Ok(InstanceList { is_of_unknown_owner: true, ..InstanceList::default() }),
        }
    }
    let sees_everything = sees_everything(caller);
    if !sees_everything {
        if request.query.is_hard_deleted == Some(true) {
            return Ok(InstanceList::default());
        }
        request.query.is_hard_deleted = Some(false);
    }
    prefer_own_confirmation(&mut request.query);
    let is_of_earlier_generation = request.is_of_earlier_generation;
    // The question is whole before its token is read: tokens are only good for their own question.
    let query = request.into_query()?;
    if is_of_earlier_generation {
        return Ok(InstanceList::default());
    }
    let token = Token::of(&query);
    let page = if sees_everything { svc.store.search(query).await? } else { readable(svc, caller, query).await? };
    let next = page.next.map(|cursor| token.write(cursor));
    Ok(InstanceList { instances: page.instances, next, is_of_unknown_owner: false })
}

/// A page of what the caller may read. Where much is kept from it, the list is followed to fill the page, but not
/// without end: a page may still be short and have a next one.
async fn readable(svc: &Service, caller: &Caller, mut query: InstanceQuery) -> Result<Page, Refusal> {
    let size = query.size;
    let mut found = Vec::new();
    for _ in 0..SCANS {
        let page = svc.store.search(query.clone()).await?;
        for mut instance in page.instances {
            if found.len() == size {
                return Ok(Page { next: found.last().and_then(place_of), instances: found });
            }
            if is_readable(svc, caller, &instance)? {
                instance.data.retain(|element| !element.is_hard_deleted());
                found.push(instance);
            }
        }
        query.after = page.next;
        if page.next.is_none() || found.len() == size {
            break;
        }
        query.size = size.max(SCANNED);
    }
    Ok(Page { instances: found, next: query.after })
}

/// Where an instance stands in a list.
fn place_of(instance: &Instance) -> Option<Cursor> {
    Some(Cursor { changed: instance.last_changed?, guid: instance.id.guid })
}

/// Every instance of an app that a party has in progress: neither archived nor deleted (app-api §3.8).
pub async fn list_active(
    svc: &Service,
    caller: &Caller,
    app: &mottak_apps::App,
    party: PartyId,
) -> Result<Vec<Instance>, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let mut query = InstanceQuery {
        app: Some(app.id.clone()),
        party: Some(party),
        is_archived: Some(false),
        is_soft_deleted: Some(false),
        is_hard_deleted: Some(false),
        include_elements: false,
        ..InstanceQuery::default()
    };
    let mut active = Vec::new();
    loop {
        let page = svc.store.search(query.clone()).await?;
        for instance in page.instances {
            if is_readable(svc, caller, &instance)? {
                active.push(instance);
            }
        }
        match page.next {
            Some(cursor) => query.after = Some(cursor),
            None => return Ok(active),
        }
    }
}

/// Who changed an instance last, by name: an organisation by its number, a user by id. Empty for the unknown.
pub fn name_of_editor(svc: &Service, instance: &Instance) -> Result<String, Refusal> {
    let Some(editor) = instance.last_changed_by.as_deref() else { return Ok(String::new()) };
    if editor.chars().count() == 9 {
        let organization = svc.register.organization(editor)?;
        return Ok(organization.and_then(|organization| organization.name.clone()).unwrap_or_default());
    }
    let Ok(user) = editor.parse::<i32>() else { return Ok(String::new()) };
    let profile = svc.register.profile(user)?;
    Ok(profile.and_then(|profile| profile.party.name.clone()).unwrap_or_default())
}

/// Whether nothing of a list is kept from the caller. Only service owners are admitted to lists by what they may ask
/// for; of others, whatever their scopes, every instance is looked at.
fn sees_everything(caller: &Caller) -> bool {
    caller.is_sync_adapter() || caller.service_owner().is_some() && caller.is_owner_like()
}

/// "Not confirmed by the owner itself" is a question of its own, and the explicit form of it wins.
fn prefer_own_confirmation(query: &mut InstanceQuery) {
    let (Some(org), Some(stakeholder)) = (&query.org, &query.exclude_confirmed_by) else { return };
    if stakeholder.eq_ignore_ascii_case(org) {
        query.exclude_confirmed_by = None;
        query.is_confirmed = query.is_confirmed.or(Some(false));
    }
}

/// What an application owner may ask for: its own apps, or one app of another owner whose policy lets it read.
fn admit_owner(svc: &Service, caller: &Caller, own: &str, query: &mut InstanceQuery) -> Result<(), Refusal> {
    if !caller.is_sync_adapter() && !caller.scopes().has_ignoring_case(READ_SCOPE) {
        return Err(Refusal::Forbidden(crate::Missing {
            scopes: vec![READ_SCOPE.to_owned()],
            ..crate::Missing::default()
        }));
    }
    if query.org.is_none() && query.app.is_none() {
        return Err(text("Org or AppId must be defined."));
    }
    let org = match (&query.org, &query.app) {
        (Some(org), _) => org.clone(),
        (None, Some(app)) => app.org().to_owned(),
        (None, None) => String::new(),
    };
    if query.org.is_none() {
        query.org = Some(org.clone());
    }
    if org.eq_ignore_ascii_case(own) || caller.is_sync_adapter() {
        return Ok(());
    }
    let Some(app) = &query.app else { return Err(text("AppId must be defined.")) };
    let app = svc.apps.get(app.org(), app.app()).ok_or_else(|| Refusal::forbidden("read"))?;
    svc.authorize(caller, "read", Resource::app(&app))
}

fn find_owner(svc: &Service, identifier: &OwnerIdentifier) -> Result<Option<PartyId>, Refusal> {
    let party = match identifier {
        OwnerIdentifier::Person(number) => svc.register.party_by_ssn(number)?,
        OwnerIdentifier::Organisation(number) => svc.register.party_by_org_number(number)?,
    };
    Ok(party.map(|party| party.party_id))
}

/// Instances of an app that is no longer here are nobody's but its owner's.
fn is_readable(svc: &Service, caller: &Caller, instance: &Instance) -> Result<bool, Refusal> {
    let Some(app) = svc.apps.get(instance.app_id.org(), instance.app_id.app()) else {
        return Ok(caller.is_service_owner_of(&instance.org));
    };
    Ok(svc.access(caller, "read", Resource::instance(&app, instance))?.is_permitted())
}

fn text(message: &str) -> Refusal {
    Refusal::Invalid(Problem::text(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_identifiers_are_read_without_blanks_and_case() {
        for header in ["organisation:333123213", " Organisation : 333 123 213"] {
            let read = OwnerIdentifier::parse(header).unwrap();
            assert_eq!(read, OwnerIdentifier::Organisation("333123213".to_owned()));
        }
        for (header, message) in [
            ("something:3312321321", "Invalid InstanceOwnerIdentifier."),
            ("organization:333123213", "Invalid InstanceOwnerIdentifier."),
            ("person:1:2", "Invalid InstanceOwnerIdentifier."),
            ("Organisation:33312", "Organization number needs to be exactly 9 digits."),
            ("Person:33312", "Person number needs to be exactly 11 digits."),
        ] {
            match OwnerIdentifier::parse(header) {
                Err(Refusal::Invalid(problem)) => assert_eq!(problem.detail.as_deref(), Some(message), "{header}"),
                other => panic!("{header}: {other:?}"),
            }
        }
    }
}
