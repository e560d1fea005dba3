//! Reading a folder of test data as localtest keeps it.
//!
//! ```text
//! Profile/User/{userId}.json                                   a user's profile
//! Register/Party/{partyId}.json                                a party
//! Register/Person/{ssn}.json, Register/Org/{orgNumber}.json    what parties are joined with
//! authorization/partylist/{userId}.json                        the parties a user may represent
//! authorization/roles/User_{userId}/party_{partyId}/roles.json the user's roles for a party
//! authorization/claims/{userId}.json                           extra claims of test tokens
//! authorization/systems/{systemId}/system.json                 a system
//! authorization/systems/{systemId}/systemusers/*.json          its users
//! ```
//!
//! compat: the name of a file is the key of its record, whatever the record says; names of members are matched without
//! regard to case; numbers may be quoted; check digits are not verified. Existing test data depends on all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use mottak_model::{Guid, Organization, Party, PartyId, PartyType, Person, ProfileSettings};
use mottak_service::ports::SystemUserRecord;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

use super::world::{TestUser, World};
use super::{TestSystem, builtin};

/// All that is wrong with a folder of test data.
#[derive(Debug)]
pub struct TestDataProblems(pub Vec<FileProblem>);

/// What is wrong with one file.
#[derive(Debug)]
pub struct FileProblem {
    pub path: PathBuf,
    pub problem: String,
}

impl fmt::Display for TestDataProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the test data cannot be used:")?;
        self.0.iter().try_for_each(|FileProblem { path, problem }| write!(f, "\n  {}: {problem}", path.display()))
    }
}

impl std::error::Error for TestDataProblems {}

/// All records of the folder.
pub(super) fn read(dir: &Path) -> Result<World, TestDataProblems> {
    let mut reader = Reader { dir, problems: Vec::new() };
    let world = reader.world();
    if reader.problems.is_empty() { Ok(world) } else { Err(TestDataProblems(reader.problems)) }
}

/// Collects problems, so that all are reported at once.
struct Reader<'a> {
    dir: &'a Path,
    problems: Vec<FileProblem>,
}

impl Reader<'_> {
    fn world(&mut self) -> World {
        let mut world = World { service_owners: builtin::service_owners(), ..World::default() };
        for (path, key) in self.entries("Register/Party") {
            let Some(id) = self.key::<PartyId>(&path, &key) else { continue };
            if let Some(entry) = self.json::<PartyEntry>(&path) {
                world.parties.push(Party { party_id: id, ..entry.into() });
            }
        }
        for (path, ssn) in self.entries("Register/Person") {
            world.persons.extend(self.json::<PersonEntry>(&path).map(|entry| (ssn, entry.into())));
        }
        for (path, number) in self.entries("Register/Org") {
            world.organizations.extend(self.json::<OrganizationEntry>(&path).map(|entry| (number, entry.into())));
        }
        let users = self.entries("Profile/User");
        if users.is_empty() {
            self.report(&self.dir.join("Profile/User"), "no users are here");
        }
        for (path, key) in users {
            let Some(id) = self.key::<i32>(&path, &key) else { continue };
            let Some(entry) = self.json::<UserEntry>(&path) else { continue };
            if world.parties.iter().all(|party| party.party_id != entry.party_id) {
                self.report(&path, &format!("there is no party {}", entry.party_id));
            }
            let user = self.user(id, entry);
            world.users.push(user);
        }
        for (path, id) in self.entries("authorization/systems") {
            self.system(&path, id, &mut world);
        }
        world
    }

    fn user(&mut self, id: i32, entry: UserEntry) -> TestUser {
        let authorization = self.dir.join("authorization");
        let party_list = self.json_if_there::<Vec<PartyEntry>>(&authorization.join(format!("partylist/{id}.json")));
        let claims = self.json_if_there::<Vec<ClaimEntry>>(&authorization.join(format!("claims/{id}.json")));
        let mut roles = Vec::new();
        for (path, name) in self.entries(&format!("authorization/roles/User_{id}")) {
            let Some(party) = self.key(&path, name.strip_prefix("party_").unwrap_or(&name)) else { continue };
            if let Some(entries) = self.json::<Vec<RoleEntry>>(&path.join("roles.json")) {
                roles.push((party, entries.into_iter().map(|role| role.value).collect()));
            }
        }
        TestUser {
            id,
            name: entry.user_name,
            party: entry.party_id,
            user_type: entry.user_type,
            phone: entry.phone_number,
            email: entry.email,
            settings: entry.settings.into(),
            party_list: party_list.map(|list| list.into_iter().map(Party::from).collect()),
            roles,
            extra_claims: claims.unwrap_or_default().into_iter().map(|claim| (claim.kind, claim.value)).collect(),
        }
    }

    fn system(&mut self, path: &Path, id: String, world: &mut World) {
        let Some(entry) = self.json::<SystemEntry>(&path.join("system.json")) else { return };
        for (path, _) in self.entries(&format!("authorization/systems/{id}/systemusers")) {
            world.system_users.extend(self.json::<SystemUserEntry>(&path).map(|user| SystemUserRecord {
                id: user.id,
                system_id: id.clone(),
                org_number: user.org_number,
                actions: user.actions,
                apps: None,
            }));
        }
        world.systems.push(TestSystem { id, name: entry.name });
    }

    /// The members of a folder with their names, `.json` cut off, in the order of names. No folder: none.
    fn entries(&mut self, folder: &str) -> Vec<(PathBuf, String)> {
        let path = self.dir.join(folder);
        if !path.exists() {
            return Vec::new();
        }
        let listed = fs::read_dir(&path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>());
        let mut entries: Vec<_> = match listed {
            Ok(paths) => paths,
            Err(cause) => {
                self.report(&path, &format!("cannot be listed: {cause}"));
                return Vec::new();
            }
        };
        entries.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "json"));
        entries.sort();
        let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        entries.into_iter().map(|path| (path.clone(), name(&path))).collect()
    }

    /// A key that is a number.
    fn key<T: std::str::FromStr>(&mut self, path: &Path, key: &str) -> Option<T> {
        let parsed = key.parse().ok();
        if parsed.is_none() {
            self.report(path, &format!("its name {key:?} is no number"));
        }
        parsed
    }

    fn json_if_there<T: DeserializeOwned>(&mut self, path: &Path) -> Option<T> {
        if path.exists() { self.json(path) } else { None }
    }

    /// The record in a file.
    fn json<T: DeserializeOwned>(&mut self, path: &Path) -> Option<T> {
        let read = fs::read_to_string(path).map_err(|cause| format!("cannot be read: {cause}")).and_then(|text| {
            let value: Value = serde_json::from_str(&text).map_err(|problem| problem.to_string())?;
            serde_json::from_value(with_lower_case_names(value)).map_err(|problem| problem.to_string())
        });
        match read {
            Ok(record) => Some(record),
            Err(problem) => {
                self.report(path, &problem);
                None
            }
        }
    }

    fn report(&mut self, path: &Path, problem: &str) {
        self.problems.push(FileProblem { path: path.to_owned(), problem: problem.to_owned() });
    }
}

fn with_lower_case_names(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name.to_lowercase(), with_lower_case_names(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(with_lower_case_names).collect(),
        other => other,
    }
}

/// Reads a number that may be quoted.
fn number<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| D::Error::custom(format!("{value} is no number")))
}

fn party_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PartyId, D::Error> {
    number(deserializer).map(PartyId::new)
}

fn party_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PartyType, D::Error> {
    let number = number(deserializer)?;
    PartyType::from_number(number).ok_or_else(|| D::Error::custom(format!("{number} is no party type")))
}

#[derive(Deserialize)]
struct PartyEntry {
    #[serde(rename = "partyid", deserialize_with = "party_id")]
    id: PartyId,
    #[serde(rename = "partyuuid")]
    uuid: Option<Guid>,
    #[serde(rename = "partytypename", deserialize_with = "party_type")]
    party_type: PartyType,
    #[serde(rename = "orgnumber")]
    org_number: Option<String>,
    ssn: Option<String>,
    #[serde(rename = "unittype")]
    unit_type: Option<String>,
    name: Option<String>,
    #[serde(rename = "isdeleted", default)]
    is_deleted: bool,
    #[serde(rename = "onlyhierarchyelementwithnoaccess", default)]
    only_hierarchy_element_with_no_access: bool,
    #[serde(rename = "childparties")]
    child_parties: Option<Vec<PartyEntry>>,
}

impl From<PartyEntry> for Party {
    fn from(entry: PartyEntry) -> Self {
        Self {
            party_id: entry.id,
            party_uuid: entry.uuid,
            party_type: entry.party_type,
            org_number: entry.org_number.filter(|number| !number.is_empty()),
            ssn: entry.ssn.filter(|ssn| !ssn.is_empty()),
            unit_type: entry.unit_type,
            name: entry.name,
            is_deleted: entry.is_deleted,
            only_hierarchy_element_with_no_access: entry.only_hierarchy_element_with_no_access,
            person: None,
            organization: None,
            child_parties: entry.child_parties.map(|parties| parties.into_iter().map(Self::from).collect()),
        }
    }
}

#[derive(Deserialize)]
struct UserEntry {
    #[serde(rename = "username")]
    user_name: Option<String>,
    #[serde(rename = "phonenumber")]
    phone_number: Option<String>,
    email: Option<String>,
    #[serde(rename = "partyid", deserialize_with = "party_id")]
    party_id: PartyId,
    #[serde(rename = "usertype", default, deserialize_with = "number")]
    user_type: i32,
    #[serde(rename = "profilesettingpreference", default)]
    settings: SettingsEntry,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SettingsEntry {
    language: Option<String>,
    #[serde(rename = "preselectedpartyid", deserialize_with = "number")]
    pre_selected_party_id: i32,
    #[serde(rename = "donotpromptforparty")]
    do_not_prompt_for_party: bool,
}

impl From<SettingsEntry> for ProfileSettings {
    fn from(entry: SettingsEntry) -> Self {
        Self {
            language: entry.language,
            pre_selected_party_id: entry.pre_selected_party_id,
            do_not_prompt_for_party: entry.do_not_prompt_for_party,
        }
    }
}

#[derive(Deserialize)]
struct RoleEntry {
    value: String,
}

#[derive(Deserialize)]
struct ClaimEntry {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Deserialize)]
struct SystemEntry {
    name: String,
}

#[derive(Deserialize)]
struct SystemUserEntry {
    id: Guid,
    #[serde(rename = "orgnumber")]
    org_number: String,
    actions: Vec<String>,
}

/// A person, each member by its name in lower case.
#[derive(Deserialize)]
struct PersonEntry(BTreeMap<String, Value>);

/// An organisation, each member by its name in lower case.
#[derive(Deserialize)]
struct OrganizationEntry(BTreeMap<String, Value>);

/// Takes a member as text.
fn take(members: &mut BTreeMap<String, Value>, name: &str) -> Option<String> {
    match members.remove(name)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

impl From<PersonEntry> for Person {
    fn from(PersonEntry(mut members): PersonEntry) -> Self {
        let mut text = |name| take(&mut members, name);
        Self {
            ssn: text("ssn"),
            name: text("name"),
            first_name: text("firstname"),
            middle_name: text("middlename"),
            last_name: text("lastname"),
            telephone_number: text("telephonenumber"),
            mobile_number: text("mobilenumber"),
            mailing_address: text("mailingaddress"),
            mailing_postal_code: text("mailingpostalcode"),
            mailing_postal_city: text("mailingpostalcity"),
            address_municipal_number: text("addressmunicipalnumber"),
            address_municipal_name: text("addressmunicipalname"),
            address_street_name: text("addressstreetname"),
            address_house_number: text("addresshousenumber"),
            address_house_letter: text("addresshouseletter"),
            address_postal_code: text("addresspostalcode"),
            address_city: text("addresscity"),
        }
    }
}

impl From<OrganizationEntry> for Organization {
    fn from(OrganizationEntry(mut members): OrganizationEntry) -> Self {
        let mut text = |name| take(&mut members, name);
        Self {
            org_number: text("orgnumber"),
            name: text("name"),
            unit_type: text("unittype"),
            telephone_number: text("telephonenumber"),
            mobile_number: text("mobilenumber"),
            fax_number: text("faxnumber"),
            e_mail_address: text("emailaddress"),
            internet_address: text("internetaddress"),
            mailing_address: text("mailingaddress"),
            mailing_postal_code: text("mailingpostalcode"),
            mailing_postal_city: text("mailingpostalcity"),
            business_address: text("businessaddress"),
            business_postal_code: text("businesspostalcode"),
            business_postal_city: text("businesspostalcity"),
            unit_status: text("unitstatus"),
        }
    }
}
