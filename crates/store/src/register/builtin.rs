//! The built-in test identities: `builtin.json`, in a compact form of our own.

use std::collections::BTreeMap;

use mottak_model::{Guid, Organization, Party, PartyId, PartyType, Person, ProfileSettings};
use mottak_service::ports::SystemUserRecord;
use serde::Deserialize;

use super::TestSystem;
use super::world::{TestUser, World};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Builtin {
    service_owners: BTreeMap<String, String>,
    parties: Vec<PartyEntry>,
    users: Vec<UserEntry>,
    systems: Vec<SystemEntry>,
    persons: BTreeMap<String, Person>,
    organizations: BTreeMap<String, Organization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PartyEntry {
    id: PartyId,
    uuid: Option<Guid>,
    #[serde(rename = "type")]
    party_type: i64,
    org_number: Option<String>,
    ssn: Option<String>,
    unit_type: Option<String>,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserEntry {
    id: i32,
    name: String,
    party: PartyId,
    #[serde(rename = "type")]
    user_type: i32,
    language: String,
    #[serde(default)]
    do_not_prompt_for_party: bool,
    phone: Option<String>,
    email: Option<String>,
    represents: Vec<Represented>,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    roles: BTreeMap<String, Vec<String>>,
}

/// A party in a user's list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Represented {
    party: PartyId,
    /// When the list calls the party otherwise than the register does.
    name: Option<String>,
    /// Sub-units.
    #[serde(default)]
    children: Vec<PartyId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemEntry {
    id: String,
    name: String,
    users: Vec<SystemUserEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SystemUserEntry {
    id: Guid,
    org_number: String,
    actions: Vec<String>,
}

fn file() -> Builtin {
    serde_json::from_str(include_str!("builtin.json")).expect("builtin.json is tested to have this shape")
}

/// The built-in identities.
pub(super) fn world() -> World {
    let Builtin { service_owners, parties, users, systems, persons, organizations } = file();
    let parties: Vec<_> = parties.into_iter().map(party).collect();
    let users = users.into_iter().map(|entry| user(entry, &parties)).collect();
    let mut world = World { parties, persons, organizations, users, service_owners, ..World::default() };
    for system in systems {
        world.system_users.extend(system.users.into_iter().map(|user| SystemUserRecord {
            id: user.id,
            system_id: system.id.clone(),
            org_number: user.org_number,
            actions: user.actions,
            apps: None,
        }));
        world.systems.push(TestSystem { id: system.id, name: system.name });
    }
    world
}

/// The codes of application owners.
pub(super) fn service_owners() -> BTreeMap<String, String> {
    file().service_owners
}

fn party(entry: PartyEntry) -> Party {
    Party {
        party_id: entry.id,
        party_uuid: entry.uuid,
        party_type: PartyType::from_number(entry.party_type)
            .expect("builtin.json numbers party types as the wire does"),
        org_number: entry.org_number,
        ssn: entry.ssn,
        unit_type: entry.unit_type,
        name: Some(entry.name),
        is_deleted: false,
        only_hierarchy_element_with_no_access: false,
        person: None,
        organization: None,
        child_parties: None,
    }
}

fn user(entry: UserEntry, parties: &[Party]) -> TestUser {
    let find = |id: PartyId| {
        parties.iter().find(|party| party.party_id == id).cloned().expect("lists of builtin.json name its parties")
    };
    let represented = |entry: Represented| {
        let party = find(entry.party);
        let children: Vec<_> = entry.children.into_iter().map(find).collect();
        Party {
            name: entry.name.or(party.name),
            child_parties: if children.is_empty() { None } else { Some(children) },
            ..party
        }
    };
    let role = |(party, roles): (String, Vec<String>)| {
        (party.parse().expect("keys of roles in builtin.json are party ids"), roles)
    };
    TestUser {
        id: entry.id,
        name: Some(entry.name),
        party: entry.party,
        user_type: entry.user_type,
        phone: entry.phone,
        email: entry.email,
        settings: ProfileSettings {
            language: Some(entry.language),
            do_not_prompt_for_party: entry.do_not_prompt_for_party,
            ..ProfileSettings::default()
        },
        party_list: Some(entry.represents.into_iter().map(represented).collect()),
        roles: entry.roles.into_iter().map(role).collect(),
        extra_claims: entry.claims.into_iter().collect(),
    }
}
