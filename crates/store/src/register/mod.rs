//! The register of test identities: the persons, organisations and systems that published test suites log in as.
//!
//! [`TestRegister::builtin`] holds the well-known ones (platform-authentication §5.6 A–D); [`TestRegister::load`] reads
//! a folder of test data as developers keep it. Both are joined once and then only looked up in: no I/O, no failure
//! at request time. It is no register for production.

mod builtin;
mod folder;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use mottak_model::{Guid, Organization, Party, PartyId, Person, UserProfile};
use mottak_service::ports::{Register, RegisterFailure, SystemUserRecord};

pub use folder::{FileProblem, TestDataProblems};

/// Parties, persons, organisations, users and systems for development and tests.
#[derive(Debug, Default, PartialEq)]
pub struct TestRegister {
    parties: HashMap<PartyId, Arc<Party>>,
    by_org_number: HashMap<String, Arc<Party>>,
    by_ssn: HashMap<String, Arc<Party>>,
    by_uuid: HashMap<Guid, Arc<Party>>,
    persons: HashMap<String, Arc<Person>>,
    organizations: BTreeMap<String, Arc<Organization>>,
    profiles: BTreeMap<i32, Arc<UserProfile>>,
    /// By user name in lower case.
    by_username: HashMap<String, Arc<UserProfile>>,
    party_lists: HashMap<i32, Arc<Vec<Party>>>,
    roles: HashMap<(i32, PartyId), Arc<Vec<String>>>,
    extra_claims: HashMap<i32, Vec<(String, String)>>,
    systems: Vec<TestSystem>,
    system_users: BTreeMap<Guid, Arc<SystemUserRecord>>,
    /// By code in lower case.
    service_owners: HashMap<String, String>,
    /// What one has who has nothing.
    none: Arc<Vec<String>>,
    nobody: Arc<Vec<Party>>,
}

/// A registered system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSystem {
    /// `{vendor organisation number}_{name}`.
    pub id: String,
    pub name: String,
}

/// The number of a self-identified user's type in profiles.
const SELF_IDENTIFIED: i32 = 2;

impl TestRegister {
    /// The identities that published suites rely on.
    pub fn builtin() -> Self {
        builtin::world().join()
    }

    /// The identities of a folder of test data (`Profile/User`, `Register/…`, `authorization/…`); the codes of
    /// application owners are the built-in ones. On failure all that is wrong is reported, file by file.
    pub fn load(dir: &Path) -> Result<Self, TestDataProblems> {
        folder::read(dir).map(world::World::join)
    }

    /// The numbers of all organisations, ascending.
    pub fn organization_numbers(&self) -> impl Iterator<Item = &str> {
        self.organizations.keys().map(String::as_str)
    }

    /// All registered systems.
    pub fn systems(&self) -> &[TestSystem] {
        &self.systems
    }

    /// All system users.
    pub fn system_users(&self) -> impl Iterator<Item = &SystemUserRecord> {
        self.system_users.values().map(|record| &**record)
    }

    /// What a user's test tokens claim beside the usual, as pairs of name and value.
    pub fn extra_claims(&self, user: i32) -> &[(String, String)] {
        self.extra_claims.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Register for TestRegister {
    fn party(&self, id: PartyId) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(self.parties.get(&id).cloned())
    }

    fn party_by_org_number(&self, org_number: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(self.by_org_number.get(org_number).cloned())
    }

    fn party_by_ssn(&self, ssn: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(self.by_ssn.get(ssn).cloned())
    }

    fn party_by_uuid(&self, uuid: Guid) -> Result<Option<Arc<Party>>, RegisterFailure> {
        Ok(self.by_uuid.get(&uuid).cloned())
    }

    fn party_by_username(&self, username: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        let profile = self.by_username.get(&username.to_lowercase());
        let profile = profile.filter(|profile| profile.user_type == SELF_IDENTIFIED);
        Ok(profile.and_then(|profile| self.parties.get(&profile.party_id)).cloned())
    }

    fn person(&self, ssn: &str) -> Result<Option<Arc<Person>>, RegisterFailure> {
        Ok(self.persons.get(ssn).cloned())
    }

    fn organization(&self, org_number: &str) -> Result<Option<Arc<Organization>>, RegisterFailure> {
        Ok(self.organizations.get(org_number).cloned())
    }

    fn profile(&self, user: i32) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        Ok(self.profiles.get(&user).cloned())
    }

    fn profile_by_username(&self, username: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        Ok(self.by_username.get(&username.to_lowercase()).cloned())
    }

    fn profiles(&self) -> Vec<Arc<UserProfile>> {
        self.profiles.values().cloned().collect()
    }

    fn party_list(&self, user: i32) -> Result<Arc<Vec<Party>>, RegisterFailure> {
        Ok(Arc::clone(self.party_lists.get(&user).unwrap_or(&self.nobody)))
    }

    fn roles(&self, user: i32, party: PartyId) -> Result<Arc<Vec<String>>, RegisterFailure> {
        Ok(Arc::clone(self.roles.get(&(user, party)).unwrap_or(&self.none)))
    }

    fn system_user(&self, id: Guid) -> Result<Option<Arc<SystemUserRecord>>, RegisterFailure> {
        Ok(self.system_users.get(&id).cloned())
    }

    fn org_number_of(&self, org: &str) -> Result<Option<String>, RegisterFailure> {
        Ok(self.service_owners.get(&org.to_lowercase()).cloned())
    }
}

#[cfg(test)]
mod tests;
