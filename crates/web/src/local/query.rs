//! Parameters of the developers' endpoints.

use std::str::FromStr;

use super::reply::Wrong;

/// The fields of a query or form: names without regard to case, blank values count as absent, of several with a name
/// the first is taken.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// From a query or an URL-encoded form.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        form_urlencoded::parse(encoded).fold(Self::default(), |mut fields, (name, value)| {
            fields.add(&name, value.into_owned());
            fields
        })
    }

    pub(super) fn add(&mut self, name: &str, value: String) {
        self.0.push((name.to_lowercase(), value));
    }

    /// Takes the fields of another in after its own.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The value of a field; `name` in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.trim().is_empty()).map(|(_, value)| value.trim())
    }

    /// The value of a field as something else than text.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Wrong> {
        self.get(name).map(|value| value.parse().map_err(|_| Wrong(format!("{name} is not valid")))).transpose()
    }

    /// The authentication level, 0–4.
    pub(super) fn level(&self, default: u8) -> Result<u8, Wrong> {
        match self.parsed("authenticationlevel")? {
            None => Ok(default),
            Some(level @ 0..=4) => Ok(level),
            Some(_) => Err(Wrong("authenticationLevel is between 0 and 4".to_owned())),
        }
    }
}
