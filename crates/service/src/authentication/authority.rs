//! Who issues the tokens of this platform, and on what grounds.

use std::time::Duration;

use super::issue::TokenIssuer;
use super::owners::OwnerCodes;
use super::sessions::Sessions;

/// How long an issued token is good.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);

/// What this platform gives tokens with. The uses are [`Authority::exchange`] and [`Authority::refresh`].
#[derive(Clone, Debug)]
pub struct Authority {
    pub issuer: TokenIssuer,
    pub owners: OwnerCodes,
    /// Scopes that are not the platform's own and let a person's token be exchanged all the same.
    pub partner_scopes: Vec<String>,
    /// The sessions of browsers, where this server logs people in.
    pub sessions: Option<Sessions>,
}

impl Authority {
    /// Scopes of partners whose systems have always exchanged with them (platform-authentication §2.3).
    const PARTNER_SCOPES: [&str; 3] = [
        "skatteetaten:formueinntekt/skattemelding",
        "skatteetaten:mvameldinginnsending",
        "skatteetaten:mvameldingvalidering",
    ];

    /// With the usual partner scopes.
    pub fn new(issuer: TokenIssuer, owners: OwnerCodes) -> Self {
        Self { issuer, owners, partner_scopes: Self::PARTNER_SCOPES.map(str::to_owned).to_vec(), sessions: None }
    }
}
