//! Identifiers. Each kind has a type, so that one cannot be taken for another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A data element's, event's or instance's own identifier: written in lower case with hyphens.
pub type Guid = uuid::Uuid;

/// The text is not an identifier of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct IdError(&'static str);

/// A party: a person, an organisation or a self-identified user that owns instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartyId(i32);

impl PartyId {
    /// From the number of the party.
    pub const fn new(id: i32) -> Self {
        Self(id)
    }

    /// The number of the party.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PartyId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.trim().parse().map(Self).map_err(|_| IdError("party id"))
    }
}

/// An instance: `{partyId}/{guid}`. The party is the partition key of everything that belongs to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The instance's owner.
    pub party: PartyId,
    /// The instance's own identifier.
    pub guid: Guid,
}

impl InstanceId {
    /// From its two parts.
    pub const fn new(party: PartyId, guid: Guid) -> Self {
        Self { party, guid }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.party, self.guid)
    }
}

impl InstanceId {
    /// Appends `{partyId}/{guid}`: what `to_string` gives, without the formatting machinery. Links are made of it.
    pub fn push_to(self, text: &mut String) {
        let mut digits = [0; 11];
        let mut at = digits.len();
        let mut rest = self.party.get().unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if self.party.get() < 0 {
            text.push('-');
        }
        text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
        text.push('/');
        text.push_str(self.guid.hyphenated().encode_lower(&mut [0; 36]));
    }
}

impl FromStr for InstanceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let invalid = || IdError("instance id");
        let (party, guid) = text.split_once('/').ok_or_else(invalid)?;
        Ok(Self { party: party.parse().map_err(|_| invalid())?, guid: guid.parse().map_err(|_| invalid())? })
    }
}

impl Serialize for InstanceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(48);
        self.push_to(&mut text);
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An application: `{org}/{app}`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(Arc<str>);

impl AppId {
    /// From the code of the owner and the name of the app.
    pub fn new(org: &str, app: &str) -> Self {
        Self(format!("{org}/{app}").into())
    }

    /// The application owner's code.
    pub fn org(&self) -> &str {
        self.0.split_once('/').map_or("", |(org, _)| org)
    }

    /// The name of the app.
    pub fn app(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, app)| app)
    }

    /// `{org}/{app}`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for AppId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('/') {
            Some((org, app)) if !org.is_empty() && !app.is_empty() && !app.contains('/') => Ok(Self(text.into())),
            _ => Err(IdError("app id")),
        }
    }
}

impl Serialize for AppId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AppId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_id_is_party_and_guid() {
        let id: InstanceId = "501337/6C0D0A1E-8F4A-4F53-9E0B-0F0F6A3A7F10".parse().unwrap();
        assert_eq!(id.to_string(), "501337/6c0d0a1e-8f4a-4f53-9e0b-0f0f6a3a7f10");
        for party in [501_337, 0, 7, -1, i32::MIN, i32::MAX] {
            let id = InstanceId::new(PartyId::new(party), id.guid);
            let mut pushed = "x".to_owned();
            id.push_to(&mut pushed);
            assert_eq!(pushed, format!("x{id}"));
        }
        for text in ["", "501337", "x/6c0d0a1e-8f4a-4f53-9e0b-0f0f6a3a7f10", "1/2"] {
            assert!(text.parse::<InstanceId>().is_err(), "{text}");
        }
    }

    #[test]
    fn app_id_has_exactly_two_parts() {
        let id: AppId = "ttd/kulturstotte".parse().unwrap();
        assert_eq!((id.org(), id.app()), ("ttd", "kulturstotte"));
        for text in ["", "ttd", "/app", "ttd/", "a/b/c"] {
            assert!(text.parse::<AppId>().is_err(), "{text}");
        }
    }
}
