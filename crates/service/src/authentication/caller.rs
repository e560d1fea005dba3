//! The caller of a request, known by its token.

use std::fmt;
use std::sync::{Arc, LazyLock};

use mottak_model::{Guid, PartyId, PlatformUser};
use serde_json::{Map, Value};

use super::claims::{self, CallerProblem};
use super::scopes::Scopes;

/// The scope of the system that keeps dialogs in step with instances.
const SYNC_ADAPTER_SCOPE: &str = "altinn:storage/instances.syncadapter";

/// Whoever makes the request. Cheap to clone. `Debug` shows identifiers alone, nothing personal.
#[derive(Clone, PartialEq)]
pub struct Caller(Arc<Known>);

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({:?}, level {})", self.0.identity, self.0.level)
    }
}

/// What the token says.
#[derive(PartialEq)]
pub(super) struct Known {
    pub(super) identity: Identity,
    pub(super) level: u8,
    pub(super) method: Option<String>,
    pub(super) scopes: Scopes,
    pub(super) owner_scopes: Scopes,
    pub(super) session: Option<String>,
    pub(super) app: Option<String>,
    pub(super) policy_attributes: Vec<(String, String)>,
}

/// The kinds of callers (platform-authentication §4.2).
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    /// No token.
    Anonymous,
    User(User),
    /// An organisation that is not known as a service owner.
    Org {
        number: String,
    },
    /// An application owner: its code (`ttd`) and organisation number.
    ServiceOwner {
        org: String,
        org_number: String,
    },
    SystemUser(SystemUser),
    /// A part of the platform, or an app's own backend, by its platform access token (platform-authentication §1.10).
    Component(Component),
    /// A valid token that names nobody of the above.
    Unknown,
}

/// A person who logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub user_id: i32,
    /// The person's own party, never the one acted for.
    pub party_id: PartyId,
    pub party_uuid: Option<Guid>,
    pub username: Option<String>,
    /// Eleven digits. Only exchanged tokens carry it.
    pub national_identity_number: Option<String>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).field("party_id", &self.party_id).finish_non_exhaustive()
    }
}

/// A vendor's system acting for a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    pub id: Guid,
    /// The customer: the organisation it acts for.
    pub owner_org_number: String,
    /// `{vendor organisation number}_{name}`.
    pub system_id: String,
    /// The organisation number of the system's vendor.
    pub vendor_org_number: String,
}

/// Which part of the platform calls: proven by the issuer's key, never together with a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// `platform`, or the code of the organisation whose app it is.
    pub issuer: String,
    /// Its name: the claim `urn:altinn:app`.
    pub app: String,
}

static ANONYMOUS: LazyLock<Caller> = LazyLock::new(|| {
    Caller(Arc::new(Known {
        identity: Identity::Anonymous,
        level: 0,
        method: None,
        scopes: Scopes::default(),
        owner_scopes: Scopes::default(),
        session: None,
        app: None,
        policy_attributes: Vec::new(),
    }))
});

impl Caller {
    /// The caller who shows no token.
    pub fn anonymous() -> Self {
        ANONYMOUS.clone()
    }

    /// The caller whom the claims of a verified token describe. Pure; every problem means 401.
    ///
    /// Names of claims are matched without regard to case; numbers may be written as text; `authorization_details` may
    /// be an object or an array of one (platform-authentication §1.1).
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Self, CallerProblem> {
        claims::read(claims).map(|known| Self(Arc::new(known)))
    }

    /// A part of the platform.
    pub fn component(component: Component) -> Self {
        Self(Arc::new(Known {
            identity: Identity::Component(component),
            level: 0,
            method: None,
            scopes: Scopes::default(),
            owner_scopes: Scopes::default(),
            session: None,
            app: None,
            policy_attributes: Vec::new(),
        }))
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub fn is_anonymous(&self) -> bool {
        matches!(self.0.identity, Identity::Anonymous)
    }

    /// The authentication level, 0–4.
    pub fn level(&self) -> u8 {
        self.0.level
    }

    /// How the caller authenticated: free text such as `BankID` or `maskinporten`.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// The scopes that checks go by: of `urn:altinn:scope`, else of `scope`.
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// The session the token belongs to: the claim `sid`.
    pub fn session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// The calling component (`studio.designer`): the claim `urn:altinn:app`.
    pub fn app(&self) -> Option<&str> {
        self.0.app.as_deref()
    }

    /// The attributes of the subject in policy decisions, as pairs of attribute id and value
    /// (platform-authorization §5.1).
    pub fn policy_attributes(&self) -> &[(String, String)] {
        &self.0.policy_attributes
    }

    /// The person, when it is one.
    pub fn user(&self) -> Option<&User> {
        match &self.0.identity {
            Identity::User(user) => Some(user),
            _ => None,
        }
    }

    /// The system user, when it is one.
    pub fn system_user(&self) -> Option<&SystemUser> {
        match &self.0.identity {
            Identity::SystemUser(system_user) => Some(system_user),
            _ => None,
        }
    }

    /// The code of the application owner (`ttd`), when it is one.
    pub fn service_owner(&self) -> Option<&str> {
        match &self.0.identity {
            Identity::ServiceOwner { org, .. } => Some(org),
            _ => None,
        }
    }

    /// The organisation that authenticated itself: an organisation's or service owner's own number.
    pub fn org_number(&self) -> Option<&str> {
        match &self.0.identity {
            Identity::Org { number } => Some(number),
            Identity::ServiceOwner { org_number, .. } => Some(org_number),
            _ => None,
        }
    }

    /// Whether it is the owner of the application `org/…`.
    pub fn is_service_owner_of(&self, org: &str) -> bool {
        self.service_owner().is_some_and(|own| own.eq_ignore_ascii_case(org))
    }

    /// Whether a service owner's scope lets it see what others do not. Reads the claim `scope` alone
    /// (platform-storage §0.3).
    pub fn is_owner_like(&self) -> bool {
        self.0.owner_scopes.is_owner_like()
    }

    /// Whether it is the system that keeps dialogs in step with instances. It reads every instance without being asked
    /// for permission (platform-storage §0.3).
    pub fn is_sync_adapter(&self) -> bool {
        self.service_owner().is_some() && self.0.scopes.has_ignoring_case(SYNC_ADAPTER_SCOPE)
    }

    /// Whether it is a part of the platform, or an app's own backend, that proved itself by a platform access token.
    pub fn is_platform(&self) -> bool {
        matches!(self.0.identity, Identity::Component(_))
    }

    /// Whether it is a user nobody vouches for: level 0.
    pub fn is_self_identified(&self) -> bool {
        self.0.level == 0 && self.user().is_some()
    }

    /// What `createdBy` and `lastChangedBy` say: the user id, else the organisation number of the system user's owner,
    /// else the caller's own organisation number (platform-storage §0.3).
    pub fn performed_by(&self) -> Option<String> {
        match &self.0.identity {
            Identity::User(user) => Some(user.user_id.to_string()),
            Identity::SystemUser(system_user) => Some(system_user.owner_org_number.clone()),
            Identity::Org { number } => Some(number.clone()),
            Identity::ServiceOwner { org_number, .. } => Some(org_number.clone()),
            Identity::Anonymous | Identity::Component(_) | Identity::Unknown => None,
        }
    }

    /// The caller as the history of an instance names it, without national identity number (platform-storage §1.9).
    pub fn platform_user(&self) -> PlatformUser {
        let mut named = PlatformUser { authentication_level: i32::from(self.0.level), ..PlatformUser::default() };
        match &self.0.identity {
            Identity::User(user) => named.user_id = Some(user.user_id),
            Identity::ServiceOwner { org, .. } => named.org_id = Some(org.clone()),
            // An organisation without a code goes by its number (app-process §2.9): history needs somebody.
            Identity::Org { number } => named.org_id = Some(number.clone()),
            Identity::SystemUser(system_user) => {
                named.system_user_id = Some(system_user.id);
                named.system_user_owner_org_no = Some(system_user.owner_org_number.clone());
            }
            Identity::Anonymous | Identity::Component(_) | Identity::Unknown => {}
        }
        named
    }
}
