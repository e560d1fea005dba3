//! Test identities before they are joined, whatever they were read from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mottak_model::{Organization, Party, PartyId, Person, ProfileSettings, UserProfile};
use mottak_service::ports::SystemUserRecord;

use super::{TestRegister, TestSystem};

/// All records, each with the key it is looked up by.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) parties: Vec<Party>,
    /// By national identity number.
    pub(super) persons: BTreeMap<String, Person>,
    /// By organisation number. The record may say another: the key decides.
    pub(super) organizations: BTreeMap<String, Organization>,
    pub(super) users: Vec<TestUser>,
    pub(super) systems: Vec<TestSystem>,
    pub(super) system_users: Vec<SystemUserRecord>,
    /// Organisation numbers of application owners by code.
    pub(super) service_owners: BTreeMap<String, String>,
}

/// A user who can log in.
#[derive(Debug)]
pub(super) struct TestUser {
    pub(super) id: i32,
    pub(super) name: Option<String>,
    pub(super) party: PartyId,
    /// As in [`UserProfile::user_type`].
    pub(super) user_type: i32,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    pub(super) settings: ProfileSettings,
    /// The parties the user may represent, in display order; without a list the user has the own party.
    pub(super) party_list: Option<Vec<Party>>,
    /// Codes of roles by the party they are for.
    pub(super) roles: Vec<(PartyId, Vec<String>)>,
    pub(super) extra_claims: Vec<(String, String)>,
}

impl World {
    /// Joins parties with their persons and organisations, and users with their parties. A user without a party is
    /// left out: the readers report it.
    pub(super) fn join(self) -> TestRegister {
        let persons: HashMap<_, _> = self.persons.into_iter().map(|(ssn, person)| (ssn, Arc::new(person))).collect();
        let organizations: BTreeMap<_, _> =
            self.organizations.into_iter().map(|(number, organization)| (number, Arc::new(organization))).collect();
        let mut register = TestRegister { persons, organizations, systems: self.systems, ..TestRegister::default() };
        for party in self.parties {
            register.add_party(party);
        }
        for user in self.users {
            register.add_user(user);
        }
        register.system_users = self.system_users.into_iter().map(|record| (record.id, Arc::new(record))).collect();
        register.service_owners =
            self.service_owners.into_iter().map(|(code, number)| (code.to_lowercase(), number)).collect();
        register
    }
}

impl TestRegister {
    fn add_party(&mut self, mut party: Party) {
        party.ssn = party.ssn.filter(|ssn| !ssn.is_empty());
        party.org_number = party.org_number.filter(|number| !number.is_empty());
        party.person = party.ssn.as_ref().and_then(|ssn| self.persons.get(ssn)).map(|person| Person::clone(person));
        party.organization = party
            .org_number
            .as_ref()
            .and_then(|number| self.organizations.get(number))
            .map(|it| Organization::clone(it));
        let party = Arc::new(party);
        if let Some(ssn) = &party.ssn {
            self.by_ssn.insert(ssn.clone(), Arc::clone(&party));
        }
        if let Some(number) = &party.org_number {
            self.by_org_number.insert(number.clone(), Arc::clone(&party));
        }
        if let Some(uuid) = party.party_uuid {
            self.by_uuid.insert(uuid, Arc::clone(&party));
        }
        self.parties.insert(party.party_id, party);
    }

    fn add_user(&mut self, user: TestUser) {
        let Some(party) = self.parties.get(&user.party) else { return };
        let own = Party { person: None, organization: None, ..Party::clone(party) };
        let profile = Arc::new(UserProfile {
            user_id: user.id,
            user_uuid: party.party_uuid,
            user_name: user.name,
            external_identity: None,
            is_reserved: false,
            phone_number: user.phone,
            email: user.email,
            party_id: user.party,
            party: Party::clone(party),
            user_type: user.user_type,
            profile_setting_preference: user.settings,
        });
        if let Some(name) = &profile.user_name {
            self.by_username.insert(name.to_lowercase(), Arc::clone(&profile));
        }
        self.profiles.insert(user.id, profile);
        self.party_lists.insert(user.id, Arc::new(user.party_list.unwrap_or_else(|| vec![own])));
        self.extra_claims.insert(user.id, user.extra_claims);
        for (party, roles) in user.roles {
            self.roles.insert((user.id, party), Arc::new(roles));
        }
    }
}
