//! Signatures, checked against what they sign (app-forms §6.7).

use super::issue::{Issue, source};

/// What is known about the signatures of a task.
#[derive(Clone, Copy, Debug, Default)]
pub struct SigningFacts {
    /// How many have signed.
    pub signed: usize,
    /// `minCount` of the signature data type.
    pub required: i64,
    /// How many signees the task has that have not signed.
    pub signees_left: usize,
}

/// The issue when signatures are missing; `language` is that of the texts, none for the default.
pub fn validate_signatures(facts: SigningFacts, language: Option<&str>) -> Option<Issue> {
    let signed = i64::try_from(facts.signed).unwrap_or(i64::MAX);
    let is_missing = signed < facts.required || facts.signees_left > 0;
    let text = match language {
        None | Some("nb") => "Det mangler påkrevde signaturer.",
        Some("nn") => "Det manglar påkravde signaturar.",
        Some(_) => "Required signatures are missing.",
    };
    is_missing.then(|| signing_issue(source::SIGNING_TASK, "MissingSignatures", text))
}

/// The issue when stored bytes are no longer those that were signed; only the first mismatch is reported.
///
/// Each pair is the SHA-256 of the stored bytes and the one that was signed, in lower-case hexadecimal.
pub fn validate_hashes<'h>(
    stored_and_signed: impl IntoIterator<Item = (&'h str, &'h str)>,
    language: Option<&str>,
) -> Option<Issue> {
    let differs = stored_and_signed.into_iter().any(|(stored, signed)| stored != signed);
    let text = match language {
        None | Some("nb") => "Signerte data er endret etter at signaturen ble utført.",
        Some("nn") => "Signerte data er endra etter at signaturen vart utført.",
        Some(_) => "The signed data has been modified after the signature was made.",
    };
    differs.then(|| signing_issue(source::SIGNATURE_HASH, "InvalidSignatureHash", text))
}

fn signing_issue(source: &str, code: &str, text: &str) -> Issue {
    Issue {
        code: Some(code.to_owned()),
        description: Some(text.to_owned()),
        no_incremental_updates: true,
        ..Issue::error(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(issue: Option<Issue>) -> Option<String> {
        issue.and_then(|issue| issue.description)
    }

    #[test]
    fn missing_signatures_are_said_in_the_language_of_the_caller() {
        let none = SigningFacts { signed: 0, required: 1, signees_left: 0 };
        assert_eq!(text(validate_signatures(none, None)).as_deref(), Some("Det mangler påkrevde signaturer."));
        assert_eq!(text(validate_signatures(none, Some("nn"))).as_deref(), Some("Det manglar påkravde signaturar."));
        assert_eq!(text(validate_signatures(none, Some("en"))).as_deref(), Some("Required signatures are missing."));
        let waiting = SigningFacts { signed: 1, required: 1, signees_left: 1 };
        assert_eq!(
            validate_signatures(waiting, None).and_then(|issue| issue.code).as_deref(),
            Some("MissingSignatures")
        );
        assert_eq!(validate_signatures(SigningFacts { signed: 1, required: 1, signees_left: 0 }, None), None);
    }

    #[test]
    fn changed_bytes_are_one_issue() {
        assert_eq!(validate_hashes([("a", "a")], None), None);
        let issue = validate_hashes([("a", "a"), ("b", "c"), ("d", "e")], Some("nn")).expect("a mismatch");
        assert_eq!(issue.code.as_deref(), Some("InvalidSignatureHash"));
        assert_eq!(issue.description.as_deref(), Some("Signerte data er endra etter at signaturen vart utført."));
    }
}
