//! Rule combining: from the results of the rules to the effect of the policy (contract §2.4).

/// What one applicable-looking rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleResult {
    Permit,
    Deny,
    NotApplicable,
    /// The rule would have permitted, had an attribute not been missing or wrong.
    IndeterminatePermit,
    /// The rule would have denied, had an attribute not been missing or wrong.
    IndeterminateDeny,
}

/// What a policy, or a whole request, is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allowed, under the obligations of the decision.
    Permit,
    /// Refused by a rule.
    Deny,
    /// No rule speaks about this.
    NotApplicable,
    /// The rules cannot be evaluated; the status says why. Counts as a refusal.
    Indeterminate,
}

/// How the results of several rules become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combining {
    DenyOverrides,
    PermitOverrides,
    DenyUnlessPermit,
    PermitUnlessDeny,
    FirstApplicable,
    /// Known to nobody or retired; every decision is Indeterminate.
    Unsupported,
}

impl Combining {
    /// The algorithm a URI names. The rule- and the policy-combining spelling of a family are the same.
    pub(crate) fn from_uri(uri: &str) -> Self {
        let family = |version: &str| {
            let rest = uri.strip_prefix("urn:oasis:names:tc:xacml:")?.strip_prefix(version)?;
            rest.strip_prefix(":rule-combining-algorithm:")
                .or_else(|| rest.strip_prefix(":policy-combining-algorithm:"))
        };
        match (family("3.0"), family("1.0")) {
            (Some("deny-overrides" | "ordered-deny-overrides"), _) => Self::DenyOverrides,
            (Some("permit-overrides" | "ordered-permit-overrides"), _) => Self::PermitOverrides,
            (Some("deny-unless-permit"), _) => Self::DenyUnlessPermit,
            (Some("permit-unless-deny"), _) => Self::PermitUnlessDeny,
            (_, Some("first-applicable")) => Self::FirstApplicable,
            _ => Self::Unsupported,
        }
    }

    /// The effect of the results of all rules.
    pub(crate) fn effect(self, results: &Tally) -> Effect {
        match self {
            Self::DenyOverrides => results.deny_overrides(),
            Self::PermitOverrides => results.permit_overrides(),
            Self::DenyUnlessPermit if results.permit => Effect::Permit,
            Self::DenyUnlessPermit => Effect::Deny,
            Self::PermitUnlessDeny if results.deny => Effect::Deny,
            Self::PermitUnlessDeny => Effect::Permit,
            Self::FirstApplicable => results.first.map_or(Effect::NotApplicable, effect_of),
            Self::Unsupported => Effect::Indeterminate,
        }
    }
}

fn effect_of(result: RuleResult) -> Effect {
    match result {
        RuleResult::Permit => Effect::Permit,
        RuleResult::Deny => Effect::Deny,
        RuleResult::NotApplicable => Effect::NotApplicable,
        RuleResult::IndeterminatePermit | RuleResult::IndeterminateDeny => Effect::Indeterminate,
    }
}

/// Which results occurred, and which came first. Enough for every algorithm, without keeping the list.
#[derive(Default)]
pub(crate) struct Tally {
    permit: bool,
    deny: bool,
    indeterminate_permit: bool,
    indeterminate_deny: bool,
    first: Option<RuleResult>,
}

impl Tally {
    /// Counts the result of the next rule, in document order.
    pub(crate) fn add(&mut self, result: RuleResult) {
        match result {
            RuleResult::Permit => self.permit = true,
            RuleResult::Deny => self.deny = true,
            RuleResult::IndeterminatePermit => self.indeterminate_permit = true,
            RuleResult::IndeterminateDeny => self.indeterminate_deny = true,
            RuleResult::NotApplicable => return,
        }
        self.first.get_or_insert(result);
    }

    /// Deny wins; a rule that might have denied outweighs a Permit; one that might have permitted does not.
    fn deny_overrides(&self) -> Effect {
        match self {
            Self { deny: true, .. } => Effect::Deny,
            Self { indeterminate_deny: true, .. } => Effect::Indeterminate,
            Self { permit: true, .. } => Effect::Permit,
            Self { indeterminate_permit: true, .. } => Effect::Indeterminate,
            _ => Effect::NotApplicable,
        }
    }

    /// The mirror image of [`Self::deny_overrides`].
    fn permit_overrides(&self) -> Effect {
        match self {
            Self { permit: true, .. } => Effect::Permit,
            Self { indeterminate_permit: true, .. } => Effect::Indeterminate,
            Self { deny: true, .. } => Effect::Deny,
            Self { indeterminate_deny: true, .. } => Effect::Indeterminate,
            _ => Effect::NotApplicable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Combining;
    use super::Effect::{self, Deny as D, Indeterminate as I, NotApplicable as N, Permit as P};
    use super::{RuleResult, Tally};

    fn tally(names: &str) -> Tally {
        let result = |name| match name {
            "P" => RuleResult::Permit,
            "D" => RuleResult::Deny,
            "N" => RuleResult::NotApplicable,
            "IP" => RuleResult::IndeterminatePermit,
            _ => RuleResult::IndeterminateDeny,
        };
        let mut tally = Tally::default();
        names.split_terminator(',').map(result).for_each(|result| tally.add(result));
        tally
    }

    #[test]
    fn every_family_combines_as_the_matrix_says() {
        let _rows = mottak_testing::covers("platform-authorization", &["Z20"]);
        let families = [
            Combining::DenyOverrides,
            Combining::PermitOverrides,
            Combining::DenyUnlessPermit,
            Combining::PermitUnlessDeny,
            Combining::FirstApplicable,
        ];
        let matrix: [(&str, [Effect; 5]); 15] = [
            ("P", [P, P, P, P, P]),
            ("D", [D, D, D, D, D]),
            ("N", [N, N, D, P, N]),
            ("D,P", [D, P, P, D, D]),
            ("P,D", [D, P, P, D, P]),
            ("N,D", [D, D, D, D, D]),
            ("N,P", [P, P, P, P, P]),
            ("ID", [I, I, D, P, I]),
            ("IP", [I, I, D, P, I]),
            ("ID,P", [I, P, P, P, I]),
            ("P,ID", [I, P, P, P, P]),
            ("IP,D", [D, I, D, D, I]),
            ("D,IP", [D, I, D, D, D]),
            ("ID,D", [D, D, D, D, I]),
            ("P,IP", [P, P, P, P, P]),
        ];
        for (rules, expected) in matrix {
            for (family, effect) in families.iter().zip(expected) {
                assert_eq!(family.effect(&tally(rules)), effect, "{family:?} of {rules}");
            }
        }
    }

    #[test]
    fn both_spellings_of_a_family_are_understood_and_retired_ones_are_not() {
        let uri =
            |version, what, family| format!("urn:oasis:names:tc:xacml:{version}:{what}-combining-algorithm:{family}");
        assert_eq!(Combining::from_uri(&uri("3.0", "rule", "deny-overrides")), Combining::DenyOverrides);
        assert_eq!(Combining::from_uri(&uri("3.0", "policy", "ordered-permit-overrides")), Combining::PermitOverrides);
        assert_eq!(Combining::from_uri(&uri("1.0", "rule", "first-applicable")), Combining::FirstApplicable);
        assert_eq!(Combining::from_uri(&uri("1.0", "rule", "deny-overrides")), Combining::Unsupported);
        assert_eq!(Combining::from_uri(&uri("1.0", "policy", "only-one-applicable")), Combining::Unsupported);
    }
}
