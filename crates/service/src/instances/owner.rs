//! Whose instance a new one is: from what the request says to a party of the register (app-api §3.1 steps 6–9, 11).

use std::sync::Arc;

use mottak_model::{InstanceOwner, Party, PartyId, PartyType, PartyTypesAllowed};

use crate::authentication::Caller;
use crate::ports::RegisterFailure;
use crate::{Missing, Problem, Refusal, Service};

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

/// What the names of users with a mail address begin with.
const MAIL_PREFIX: &str = "epost:";
const MAIL_URN: &str = "urn:altinn:person:idporten-email:";
const PERSON_URN: &str = "urn:altinn:person:identifier-no:";
const ORGANISATION_URN: &str = "urn:altinn:organization:identifier-no:";
const SELF_IDENTIFIED_URN: &str = "urn:altinn:person:legacy-selfidentified:";

/// The party that the reference names.
///
/// A register that does not answer refuses the caller who names a party by its id, and knows nobody by any other
/// identifier (app-api §3.1 step 8).
pub(super) fn find_party(svc: &Service, reference: &OwnerReference) -> Result<Arc<Party>, Refusal> {
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    if let Some(id) = given(&reference.party_id) {
        let Ok(id) = id.trim().parse::<PartyId>() else {
            return Err(not_found(format!("Failed to lookup party by partyId: {id}. The exception was: not a number")));
        };
        return match svc.register.party(id) {
            Ok(party) => party.ok_or_else(|| not_found("Unknown party")),
            Err(failure) => {
                tracing::warn!(%failure, "an instance was not made");
                Err(Refusal::Forbidden(Missing { is_bare: true, ..Missing::default() }))
            }
        };
    }
    // Numbers and names of people are not repeated in the answer.
    let (by, found) = if let Some(identifier) = given(&reference.external_identifier) {
        ("externalIdentifier", by_external_identifier(svc, &identifier))
    } else if let Some(number) = given(&reference.person_number) {
        ("personNumber", svc.register.party_by_ssn(&number))
    } else if let Some(number) = given(&reference.organisation_number) {
        ("organisationNumber", svc.register.party_by_org_number(&number))
    } else if let Some(username) = given(&reference.username) {
        ("personNumber or organisationNumber", by_username(svc, &username))
    } else {
        return Err(Refusal::Invalid(Problem::text(MISSING)));
    };
    match found {
        Ok(party) => party.ok_or_else(|| not_found(unknown(by))),
        Err(failure) => {
            tracing::warn!(%failure, "an instance was not made");
            Err(not_found(format!("Failed to lookup party by {by}. The exception was: the register did not answer")))
        }
    }
}

fn by_external_identifier(svc: &Service, identifier: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
    let (register, rest) = (&svc.register, |urn| identifier.strip_prefix(urn));
    if let Some(number) = rest(PERSON_URN) {
        register.party_by_ssn(number)
    } else if let Some(number) = rest(ORGANISATION_URN) {
        register.party_by_org_number(number)
    } else if let Some(name) = rest(SELF_IDENTIFIED_URN) {
        register.party_by_username(name)
    } else if let Some(mail) = rest(MAIL_URN) {
        register.party_by_username(&format!("{MAIL_PREFIX}{}", unescaped(mail)))
    } else {
        Ok(None)
    }
}

/// Names are those of users with a mail address; other names are tried as they are.
fn by_username(svc: &Service, username: &str) -> Result<Option<Arc<Party>>, RegisterFailure> {
    let mail = username.strip_prefix(MAIL_PREFIX).unwrap_or(username);
    match svc.register.party_by_username(&format!("{MAIL_PREFIX}{mail}"))? {
        Some(party) => Ok(Some(party)),
        None => svc.register.party_by_username(username),
    }
}

/// A mail address as URNs carry it: `%40` for `@`. What is no escape stays as it is.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = match after {
            [high, low, ..] if *first == b'%' => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match escape.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
        owner.external_identifier = Some(own_identity.unwrap_or_else(|| match name.strip_prefix(MAIL_PREFIX) {
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

    #[test]
    fn mail_addresses_are_unescaped() {
        for (text, expected) in
            [("a%40b.no", "a@b.no"), ("100%", "100%"), ("%4", "%4"), ("%zz", "%zz"), ("k%C3%B8", "kø"), ("", "")]
        {
            assert_eq!(unescaped(text), expected);
        }
    }

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
