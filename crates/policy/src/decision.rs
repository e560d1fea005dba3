//! What a policy answers: effect, status, obligations.

use std::sync::Arc;

use crate::combine::Effect;
use crate::vocabulary::{DataType, MINIMUM_LEVEL, MINIMUM_LEVEL_ORG};

/// The answer of one policy to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The effect.
    pub effect: Effect,
    /// Why the effect is Indeterminate; [`Status::Ok`] otherwise.
    pub status: Status,
    /// What the enforcer must see to when the effect is Permit; empty otherwise. Shared with the policy.
    pub obligations: Arc<[Obligation]>,
    /// At least one rule spoke about this resource and action, so attributes marked for the result are echoed.
    pub(crate) echoes_attributes: bool,
}

/// Status code of a decision (contract §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Evaluated.
    Ok,
    /// An attribute that must be present is not.
    MissingAttribute,
    /// A value that must be single is not.
    ProcessingError,
    /// Policy or request cannot be understood, or uses a function the engine does not have.
    SyntaxError,
}

impl Status {
    /// The status code URI.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Ok => "urn:oasis:names:tc:xacml:1.0:status:ok",
            Self::MissingAttribute => "urn:oasis:names:tc:xacml:1.0:status:missing-attribute",
            Self::ProcessingError => "urn:oasis:names:tc:xacml:1.0:status:processing-error",
            Self::SyntaxError => "urn:oasis:names:tc:xacml:1.0:status:syntax-error",
        }
    }
}

/// A condition on a Permit, from the policy's `ObligationExpression`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// `ObligationId`.
    pub id: Box<str>,
    /// Never empty in a policy of the platform.
    pub assignments: Vec<Assignment>,
}

/// One value of an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// `AttributeId`; varies between policies and means nothing.
    pub attribute_id: Box<str>,
    /// `Category`: what the value means (contract §1.4). Always there in a policy of the platform.
    pub category: Option<Box<str>>,
    /// The value's type.
    pub data_type: DataType,
    /// The value as written.
    pub value: Box<str>,
}

/// Who presents the token whose authentication level is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A person, an organisation or a system user.
    EndUser,
    /// A token with a `urn:altinn:org` claim.
    ServiceOwner,
}

impl Decision {
    /// A decision that rests on no rule.
    pub fn indeterminate(status: Status) -> Self {
        Self { effect: Effect::Indeterminate, status, obligations: Arc::default(), echoes_attributes: false }
    }

    /// Whether the action is allowed, obligations aside.
    pub fn is_permit(&self) -> bool {
        self.effect == Effect::Permit
    }

    /// The lowest authentication level that may use this Permit (contract §1.4 and §5): the general minimum, or for
    /// a service owner the lower of the two minimums. `None`: any level.
    pub fn minimum_authentication_level(&self, caller: CallerKind) -> Option<u8> {
        let general = self.level(MINIMUM_LEVEL)?;
        Some(match caller {
            CallerKind::EndUser => general,
            CallerKind::ServiceOwner => self.level(MINIMUM_LEVEL_ORG).map_or(general, |own| own.min(general)),
        })
    }

    /// The level a refusal names for a caller whose level is too low: the minimum whose test failed last, which for
    /// a service owner is the service owners' own where there is one.
    pub fn required_authentication_level(&self, caller: CallerKind, level: u8) -> Option<u8> {
        let minimum = self.minimum_authentication_level(caller)?;
        if level >= minimum {
            return None;
        }
        match caller {
            CallerKind::EndUser => Some(minimum),
            CallerKind::ServiceOwner => self.level(MINIMUM_LEVEL_ORG).or(Some(minimum)),
        }
    }

    fn level(&self, category: &str) -> Option<u8> {
        let mut assignments = self.obligations.iter().flat_map(|obligation| &obligation.assignments);
        assignments.find(|assignment| assignment.category.as_deref() == Some(category))?.value.trim().parse().ok()
    }
}
