//! Registers of parties as other systems are: some that know more people, some that do not answer.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mottak_model::{Guid, Organization, Party, PartyId, Person, UserProfile};
use mottak_service::ports::{Register, RegisterFailure, SystemUserRecord};
use mottak_store::register::TestRegister;
use serde_json::json;

/// A register with one user more, who has a mail address for a name.
pub(crate) fn with_mail_user() -> TestRegister {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (file, record) in [
        (
            "Profile/User/3001.json",
            json!({ "UserId": 3001, "UserName": "epost:post@altinn.no", "PartyId": 510_100, "UserType": 2,
                    "ProfileSettingPreference": { "Language": "nb" } }),
        ),
        (
            "Register/Party/510100.json",
            json!({ "partyId": 510_100, "partyTypeName": 3, "name": "epost:post@altinn.no" }),
        ),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, record.to_string()).expect("a file can be written");
    }
    TestRegister::load(folder.path()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The built-in register, until it falls silent: then it knows users and roles, and no party.
#[derive(Debug)]
pub(crate) struct Fragile {
    known: TestRegister,
    is_silent: Arc<AtomicBool>,
}

impl Fragile {
    /// The register, and the switch that silences it.
    pub(crate) fn new() -> (Self, Arc<AtomicBool>) {
        let is_silent = Arc::new(AtomicBool::new(false));
        (Self { known: TestRegister::builtin(), is_silent: Arc::clone(&is_silent) }, is_silent)
    }

    fn speak(&self) -> Result<&TestRegister, RegisterFailure> {
        if self.is_silent.load(Ordering::Relaxed) {
            return Err(RegisterFailure("503".to_owned()));
        }
        Ok(&self.known)
    }
}

impl Register for Fragile {
    fn party(&self, id: PartyId) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.speak()?.party(id)
    }

    fn party_by_org_number(&self, org_number: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.speak()?.party_by_org_number(org_number)
    }

    fn party_by_ssn(&self, ssn: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.speak()?.party_by_ssn(ssn)
    }

    fn party_by_uuid(&self, uuid: Guid) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.speak()?.party_by_uuid(uuid)
    }

    fn party_by_username(&self, username: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
        self.speak()?.party_by_username(username)
    }

    fn person(&self, ssn: &str) -> Result<Option<Arc<Person>>, RegisterFailure> {
        self.speak()?.person(ssn)
    }

    fn organization(&self, org_number: &str) -> Result<Option<Arc<Organization>>, RegisterFailure> {
        self.speak()?.organization(org_number)
    }

    fn profile(&self, user: i32) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        self.known.profile(user)
    }

    fn profile_by_username(&self, username: &str) -> Result<Option<Arc<UserProfile>>, RegisterFailure> {
        self.known.profile_by_username(username)
    }

    fn profiles(&self) -> Vec<Arc<UserProfile>> {
        self.known.profiles()
    }

    fn party_list(&self, user: i32) -> Result<Arc<Vec<Party>>, RegisterFailure> {
        self.known.party_list(user)
    }

    fn roles(&self, user: i32, party: PartyId) -> Result<Arc<Vec<String>>, RegisterFailure> {
        self.known.roles(user, party)
    }

    fn system_user(&self, id: Guid) -> Result<Option<Arc<SystemUserRecord>>, RegisterFailure> {
        self.known.system_user(id)
    }

    fn org_number_of(&self, org: &str) -> Result<Option<String>, RegisterFailure> {
        self.known.org_number_of(org)
    }
}
