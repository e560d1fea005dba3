//! Whose instance a new one is: from what the request says to a party of the register (app-api §3.1 steps 6–9, 11).

use std::sync::Arc;

use mottak_model::{InstanceOwner, Party, PartyId, PartyType, PartyTypesAllowed};

use crate::authentication::Caller;
use crate::{Problem, Refusal, Service};

/// How a request names an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerReference {
    pub party_id: Option<String>,
    pub person_number: Option<String>,
    pub organisation_number: Option<String>,
    pub username: Option<String>,
    pub external_identifier: Option<String>,
}

const MISSING: &str = "Error: instanceOwnerPartyId query parameter is empty and InstanceOwner is missing from instance \
                       template. You must populate instanceOwnerPartyId or InstanceOwner";

impl OwnerReference {
    /// The owner with this party id.
    pub fn of_party(party: i32) -> Self {
        Self { party_id: Some(party.to_string()), ..Self::default() }
    }

    /// Refuses a reference that names nobody.
    pub(super) fn require_any(&self) -> Result<(), Refusal> {
        let named =
            [&self.party_id, &self.person_number, &self.organisation_number, &self.external_identifier, &self.username];
        let is_named = named.into_iter().flatten().any(|value| !value.is_empty());
        if is_named { Ok(()) } else { Err(Refusal::Invalid(Problem::text(MISSING))) }
    }
}

const MAIL_URN: &str = "urn:altinn:person:idporten-email:";
const SELF_IDENTIFIED_URN: &str = "urn:altinn:person:legacy-selfidentified:";

/// The party that the reference names.
pub(super) fn find_party(svc: &Service, reference: &OwnerReference) -> Result<Arc<Party>, Refusal> {
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    if let Some(id) = given(&reference.party_id) {
        let Ok(id) = id.parse::<PartyId>() else {
            return Err(not_found(format!("Failed to lookup party by partyId: {id}. The exception was: not a number")));
        };
        return svc.register.party(id)?.ok_or_else(|| not_found("Unknown party"));
    }
    // Numbers and names of people are not repeated in the answer.
    if let Some(identifier) = given(&reference.external_identifier) {
        let name = identifier.strip_prefix(SELF_IDENTIFIED_URN).map(str::to_owned);
        let name = name.or_else(|| identifier.strip_prefix(MAIL_URN).map(|mail| format!("epost:{mail}")));
        let party = name.map(|name| svc.register.party_by_username(&name)).transpose()?.flatten();
        return party.ok_or_else(|| not_found(unknown("externalIdentifier")));
    }
    if let Some(number) = given(&reference.person_number) {
        return svc.register.party_by_ssn(&number)?.ok_or_else(|| not_found(unknown("personNumber")));
    }
    if let Some(number) = given(&reference.organisation_number) {
        return svc.register.party_by_org_number(&number)?.ok_or_else(|| not_found(unknown("organisationNumber")));
    }
    if let Some(username) = given(&reference.username) {
        let mail = format!("epost:{}", username.strip_prefix("epost:").unwrap_or(&username));
        let party = match svc.register.party_by_username(&mail)? {
            Some(party) => Some(party),
            None => svc.register.party_by_username(&username)?,
        };
        return party.ok_or_else(|| not_found(unknown("personNumber or organisationNumber")));
    }
    Err(Refusal::Invalid(Problem::text(MISSING)))
}

fn unknown(by: &str) -> String {
    format!("Failed to lookup party by {by}. The exception was: no such party")
}

fn not_found(reason: impl std::fmt::Display) -> Refusal {
    Refusal::NotFound(Problem::text(format!("Cannot lookup party: {reason}")))
}

/// The owner as it is kept with the instance.
pub(super) fn owner_of(svc: &Service, caller: &Caller, party: &Party) -> Result<InstanceOwner, Refusal> {
    let mut owner = InstanceOwner {
        party_id: party.party_id,
        person_number: None,
        organisation_number: None,
        username: None,
        external_identifier: None,
    };
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    if let Some(ssn) = given(&party.ssn) {
        owner.person_number = Some(ssn);
    } else if let Some(number) = given(&party.org_number) {
        owner.organisation_number = Some(number);
    } else if party.party_type == PartyType::SelfIdentified {
        let name = party.name.clone().unwrap_or_default();
        let own_identity = match caller.user() {
            Some(user) => svc.register.profile(user.user_id)?.and_then(|profile| given(&profile.external_identity)),
            None => None,
        };
        owner.external_identifier = Some(own_identity.unwrap_or_else(|| match name.strip_prefix("epost:") {
            Some(mail) => format!("{MAIL_URN}{mail}"),
            None => format!("{SELF_IDENTIFIED_URN}{name}"),
        }));
        owner.username = Some(name);
    }
    Ok(owner)
}

/// Whether this kind of party may own instances of the app (app-api §20.4).
pub fn is_party_type_allowed(party: &Party, allowed: PartyTypesAllowed) -> bool {
    if allowed == PartyTypesAllowed::default() {
        return true;
    }
    match party.party_type {
        PartyType::Person | PartyType::SelfIdentified => allowed.person,
        PartyType::Organisation => match party.unit_type.as_deref().map(str::trim) {
            Some("BEDR" | "AAFY") => allowed.sub_unit,
            Some("KBO") => allowed.organisation || allowed.bankruptcy_estate,
            _ => allowed.organisation,
        },
        PartyType::None | PartyType::SubUnit | PartyType::BankruptcyEstate => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(party_type: PartyType, unit_type: Option<&str>) -> Party {
        Party {
            party_id: PartyId::new(1),
            party_uuid: None,
            party_type,
            org_number: None,
            ssn: None,
            unit_type: unit_type.map(str::to_owned),
            name: None,
            is_deleted: false,
            only_hierarchy_element_with_no_access: false,
            person: None,
            organization: None,
            child_parties: None,
        }
    }

    #[test]
    fn all_false_allows_everyone() {
        assert!(is_party_type_allowed(&party(PartyType::Person, None), PartyTypesAllowed::default()));
    }

    #[test]
    fn sub_units_and_main_units_are_told_apart() {
        let sub_units = PartyTypesAllowed { sub_unit: true, ..PartyTypesAllowed::default() };
        assert!(is_party_type_allowed(&party(PartyType::Organisation, Some("BEDR ")), sub_units));
        assert!(is_party_type_allowed(&party(PartyType::Organisation, Some("AAFY")), sub_units));
        assert!(!is_party_type_allowed(&party(PartyType::Organisation, Some("AS")), sub_units));
        let estates = PartyTypesAllowed { bankruptcy_estate: true, ..PartyTypesAllowed::default() };
        assert!(is_party_type_allowed(&party(PartyType::Organisation, Some("KBO")), estates));
        assert!(!is_party_type_allowed(&party(PartyType::SelfIdentified, None), estates));
    }

    #[test]
    fn reference_that_names_nobody_is_refused() {
        assert!(OwnerReference::default().require_any().is_err());
        let blank = OwnerReference { party_id: Some(String::new()), ..OwnerReference::default() };
        assert!(blank.require_any().is_err());
        assert!(OwnerReference::of_party(1).require_any().is_ok());
    }
}
