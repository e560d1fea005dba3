//! The register of parties, the profiles of users, and who may act for whom.

use std::fmt;
use std::sync::Arc;

use mottak_model::{AppId, Guid, Organization, Party, PartyId, Person, UserProfile};

/// The register did not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the register of parties did not answer: {0}")]
pub struct RegisterFailure(pub String);

/// A system user: a customer's permission for a vendor's system to act on its behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUserRecord {
    pub id: Guid,
    /// `{vendor organisation number}_{name}`.
    pub system_id: String,
    /// The organisation it acts for.
    pub org_number: String,
    /// What it may do for that organisation.
    pub actions: Vec<String>,
    /// The apps on which it may; `None`: every app.
    pub apps: Option<Vec<AppId>>,
}

/// Look-ups in the registers. All answers are values held in memory; an absent one is `None`.
///
/// Errors are for registers that are other systems; the built-in register never fails.
pub trait Register: fmt::Debug + Send + Sync + 'static {
    /// The party, joined with its person or organisation.
    fn party(&self, id: PartyId) -> Result<Option<Arc<Party>>, RegisterFailure>;
    /// The party of an organisation.
    fn party_by_org_number(&self, org_number: &str) -> Result<Option<Arc<Party>>, RegisterFailure>;
    /// The party of a person.
    fn party_by_ssn(&self, ssn: &str) -> Result<Option<Arc<Party>>, RegisterFailure>;
    /// The party with this UUID.
    fn party_by_uuid(&self, uuid: Guid) -> Result<Option<Arc<Party>>, RegisterFailure>;
    /// The party of a self-identified user by user name (case-insensitive).
    fn party_by_username(&self, username: &str) -> Result<Option<Arc<Party>>, RegisterFailure>;
    /// A person of the national register.
    fn person(&self, ssn: &str) -> Result<Option<Arc<Person>>, RegisterFailure>;
    /// An organisation of the register of legal entities.
    fn organization(&self, org_number: &str) -> Result<Option<Arc<Organization>>, RegisterFailure>;
    /// A user's profile, its party included.
    fn profile(&self, user: i32) -> Result<Option<Arc<UserProfile>>, RegisterFailure>;
    /// The profile of the user with this user name (case-insensitive).
    fn profile_by_username(&self, username: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure>;
    /// The profile of the person with this national identity number. Registers that do not list their users look it up.
    fn profile_by_ssn(&self, ssn: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        Ok(self.profiles().into_iter().find(|profile| profile.party.ssn.as_deref() == Some(ssn)))
    }
    /// All users, for the development pages; empty where users cannot be listed.
    fn profiles(&self) -> Vec<Arc<UserProfile>>;
    /// The parties a user may represent, in display order, sub-units under their main unit.
    fn party_list(&self, user: i32) -> Result<Arc<Vec<Party>>, RegisterFailure>;
    /// The codes of the roles a user has for a party, as stored (`DAGL`, `dagl`).
    fn roles(&self, user: i32, party: PartyId) -> Result<Arc<Vec<String>>, RegisterFailure>;
    /// The system user with this id.
    fn system_user(&self, id: Guid) -> Result<Option<Arc<SystemUserRecord>>, RegisterFailure>;
    /// The organisation number of an application owner by its code (`ttd`), case-insensitive.
    fn org_number_of(&self, org: &str) -> Result<Option<String>, RegisterFailure>;
}
