//! The scopes of a token (platform-authentication §4.4).

use std::sync::Arc;

/// What an interactive login grants: it satisfies every scope that an app asks of its users.
pub const PORTAL_SCOPE: &str = "altinn:portal/enduser";

/// What service owners' scopes begin with (platform-storage §0.3).
pub(super) const SERVICE_OWNER_PREFIX: &str = "altinn:serviceowner";

/// The scope claim, read as whole tokens between blanks. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Arc<str>);

impl Scopes {
    /// From the text of the claim.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The claim as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The single scopes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_whitespace()
    }

    /// Whether exactly this scope is granted. The rule everywhere but in storage.
    pub fn has(&self, scope: &str) -> bool {
        self.iter().any(|granted| granted == scope)
    }

    /// Whether this scope is granted in any spelling of its letters. The rule of storage.
    pub fn has_ignoring_case(&self, scope: &str) -> bool {
        self.iter().any(|granted| granted.eq_ignore_ascii_case(scope))
    }

    /// Whether any scope begins like this, in any spelling of its letters.
    pub fn has_prefix_ignoring_case(&self, prefix: &str) -> bool {
        self.iter().any(|granted| granted.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
    }

    /// Whether the caller may see what only a service owner sees, such as hard-deleted instances.
    pub fn is_owner_like(&self) -> bool {
        self.has_prefix_ignoring_case(SERVICE_OWNER_PREFIX)
    }

    /// Whether the token comes from an interactive login.
    pub fn is_portal(&self) -> bool {
        self.has(PORTAL_SCOPE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_whole_tokens() {
        let scopes = Scopes::new("openid  altinn:serviceowner/instances.read\tAltinn:Portal/EndUser");
        assert!(scopes.has("altinn:serviceowner/instances.read"));
        assert!(!scopes.has("altinn:serviceowner/instances"));
        assert!(!scopes.has("ltinn:serviceowner/instances.read"));
        assert!(!scopes.has(PORTAL_SCOPE));
        assert!(scopes.has_ignoring_case(PORTAL_SCOPE));
        assert!(scopes.is_owner_like());
        assert!(!scopes.is_portal());
    }

    #[test]
    fn a_prefix_begins_at_a_scope() {
        assert!(!Scopes::new("xaltinn:serviceowner/instances.readx").is_owner_like());
        assert!(Scopes::new("ALTINN:ServiceOwner").is_owner_like());
        assert!(!Scopes::new("æøå").is_owner_like());
        assert!(!Scopes::default().is_owner_like());
    }
}
