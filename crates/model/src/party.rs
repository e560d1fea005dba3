//! Parties, persons, organisations and user profiles (platform-register-profile §2, app-api §21.12).

use serde::{Deserialize, Serialize};

use crate::{Guid, PartyId};

/// A party. Absent members are written as `null`; `party_type` as its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    pub party_id: PartyId,
    #[serde(default)]
    pub party_uuid: Option<Guid>,
    #[serde(rename = "partyTypeName", with = "party_type_number")]
    pub party_type: PartyType,
    #[serde(default)]
    pub org_number: Option<String>,
    #[serde(default)]
    pub ssn: Option<String>,
    #[serde(default)]
    pub unit_type: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub is_deleted: bool,
    #[serde(default)]
    pub only_hierarchy_element_with_no_access: bool,
    #[serde(default)]
    pub person: Option<Person>,
    #[serde(default)]
    pub organization: Option<Organization>,
    #[serde(default)]
    pub child_parties: Option<Vec<Party>>,
}

/// What kind of party it is, numbered as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartyType {
    #[default]
    None = 0,
    Person = 1,
    Organisation = 2,
    SelfIdentified = 3,
    SubUnit = 4,
    BankruptcyEstate = 5,
}

impl PartyType {
    /// From its number on the wire.
    pub const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Person,
            2 => Self::Organisation,
            3 => Self::SelfIdentified,
            4 => Self::SubUnit,
            5 => Self::BankruptcyEstate,
            _ => return None,
        })
    }
}

mod party_type_number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::PartyType;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(party_type: &PartyType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*party_type as i32)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PartyType, D::Error> {
        PartyType::from_number(i64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no such party type"))
    }
}

/// A person of the national register. Absent members are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Person {
    #[serde(alias = "SSN")]
    pub ssn: Option<String>,
    #[serde(alias = "Name")]
    pub name: Option<String>,
    #[serde(alias = "FirstName")]
    pub first_name: Option<String>,
    #[serde(alias = "MiddleName")]
    pub middle_name: Option<String>,
    #[serde(alias = "LastName")]
    pub last_name: Option<String>,
    #[serde(alias = "TelephoneNumber")]
    pub telephone_number: Option<String>,
    #[serde(alias = "MobileNumber")]
    pub mobile_number: Option<String>,
    #[serde(alias = "MailingAddress")]
    pub mailing_address: Option<String>,
    #[serde(alias = "MailingPostalCode")]
    pub mailing_postal_code: Option<String>,
    #[serde(alias = "MailingPostalCity")]
    pub mailing_postal_city: Option<String>,
    #[serde(alias = "AddressMunicipalNumber")]
    pub address_municipal_number: Option<String>,
    #[serde(alias = "AddressMunicipalName")]
    pub address_municipal_name: Option<String>,
    #[serde(alias = "AddressStreetName")]
    pub address_street_name: Option<String>,
    #[serde(alias = "AddressHouseNumber")]
    pub address_house_number: Option<String>,
    #[serde(alias = "AddressHouseLetter")]
    pub address_house_letter: Option<String>,
    #[serde(alias = "AddressPostalCode")]
    pub address_postal_code: Option<String>,
    #[serde(alias = "AddressCity")]
    pub address_city: Option<String>,
}

/// An organisation of the register of legal entities. Absent members are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    #[serde(alias = "OrgNumber")]
    pub org_number: Option<String>,
    #[serde(alias = "Name")]
    pub name: Option<String>,
    #[serde(alias = "UnitType")]
    pub unit_type: Option<String>,
    #[serde(alias = "TelephoneNumber")]
    pub telephone_number: Option<String>,
    #[serde(alias = "MobileNumber")]
    pub mobile_number: Option<String>,
    #[serde(alias = "FaxNumber")]
    pub fax_number: Option<String>,
    #[serde(rename = "eMailAddress", alias = "EMailAddress")]
    pub e_mail_address: Option<String>,
    #[serde(alias = "InternetAddress")]
    pub internet_address: Option<String>,
    #[serde(alias = "MailingAddress")]
    pub mailing_address: Option<String>,
    #[serde(alias = "MailingPostalCode")]
    pub mailing_postal_code: Option<String>,
    #[serde(alias = "MailingPostalCity")]
    pub mailing_postal_city: Option<String>,
    #[serde(alias = "BusinessAddress")]
    pub business_address: Option<String>,
    #[serde(alias = "BusinessPostalCode")]
    pub business_postal_code: Option<String>,
    #[serde(alias = "BusinessPostalCity")]
    pub business_postal_city: Option<String>,
    #[serde(alias = "UnitStatus")]
    pub unit_status: Option<String>,
}

/// The profile of a user who can log in (app-api §16.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfile {
    pub user_id: i32,
    pub user_uuid: Option<Guid>,
    pub user_name: Option<String>,
    pub external_identity: Option<String>,
    #[serde(default)]
    pub is_reserved: bool,
    pub phone_number: Option<String>,
    pub email: Option<String>,
    pub party_id: PartyId,
    pub party: Party,
    /// 0 none, 1 SSN-identified, 2 self-identified.
    pub user_type: i32,
    pub profile_setting_preference: ProfileSettings,
}

/// The user's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProfileSettings {
    /// ISO 639-1.
    pub language: Option<String>,
    pub pre_selected_party_id: i32,
    pub do_not_prompt_for_party: bool,
}
