//! Who may ask the generator: whoever knows its name and password, or shows a token with its scope.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mottak_service::authentication::{Scopes, TokenProblem};

use super::super::LocalState;

/// What a token must grant for tokens of persons.
pub(super) const PERSONAL: &str = "altinn:testtools/tokengenerator/personal";
/// … of organisations and their systems.
pub(super) const ENTERPRISE: &str = "altinn:testtools/tokengenerator/enterprise";
/// … of parts of the platform.
pub(super) const PLATFORM: &str = "altinn:testtools/tokengenerator/platform";

const CHALLENGE: &str = r#"Basic realm="AltinnTestTools - TokenGenerator""#;

impl LocalState {
    /// Lets pass whoever may have tokens that `scope` is for.
    pub(super) fn admit(&self, headers: &HeaderMap, scope: &str) -> Result<(), Response> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(only), None) = (lines.next(), lines.next()) else { return Err(challenge()) };
        let (scheme, credentials) = only.to_str().ok().and_then(|line| line.split_once(' ')).unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => self.admit_by_password(credentials.trim()),
            "bearer" => self.admit_by_token(credentials.trim(), scope),
            _ => Err(challenge()),
        }
    }

    fn admit_by_password(&self, credentials: &str) -> Result<(), Response> {
        let shown = STANDARD.decode(credentials).ok().filter(|shown| shown.contains(&b':'));
        let shown = shown.ok_or_else(|| refusal("The name and password cannot be decoded."))?;
        let login = &self.generator_login;
        let expected = format!("{}:{}", login.user, login.password);
        verify_slices_are_equal(&shown, expected.as_bytes()).map_err(|_| challenge())
    }

    fn admit_by_token(&self, token: &str, scope: &str) -> Result<(), Response> {
        match self.verifier.verify(token, self.clock.now()) {
            Ok(caller) if grants(caller.scopes(), scope) => Ok(()),
            Ok(_) => Err((StatusCode::FORBIDDEN, format!("Missing required scope: {scope}")).into_response()),
            Err(TokenProblem::Malformed | TokenProblem::TooLong | TokenProblem::Algorithm) => {
                Err(refusal("The token is no JWT signed with RS256."))
            }
            Err(_) => Err(challenge()),
        }
    }
}

/// Whether the scope is among these, or one that it is a part of: `a:b` grants `a:b/c`.
fn grants(scopes: &Scopes, scope: &str) -> bool {
    let rest = |granted: &str| scope.strip_prefix(granted);
    scopes.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn challenge() -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, CHALLENGE)]).into_response()
}

fn refusal(text: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_granted_by_itself_and_by_what_it_is_a_part_of() {
        for (granted, is_enough) in [
            ("altinn:testtools/tokengenerator/personal", true),
            ("x altinn:testtools/tokengenerator", true),
            ("altinn:testtools/tokengenerator/enterprise", false),
            ("altinn:testtools/tokengen", false),
            ("altinn:testtools/tokengenerator/", false),
            ("altinn:testtools/tokengenerator/personal/more", false),
            ("", false),
        ] {
            assert_eq!(grants(&Scopes::new(granted), PERSONAL), is_enough, "{granted}");
        }
    }
}
