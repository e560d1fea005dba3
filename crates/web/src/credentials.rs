//! What a request shows of its caller: the token and the selected party, as found in its headers
//! (platform-authentication §3.1, §4.1). Nothing is verified here.

use axum::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName};
use mottak_model::PartyId;

/// Carries the token of a browser.
pub const SESSION_COOKIE: &str = "AltinnStudioRuntime";
/// Carries the party a user has chosen to act for.
pub const PARTY_COOKIE: &str = "AltinnPartyId";
/// Read before the session cookie, as older platforms do; never set.
const LEGACY_COOKIE: &str = ".ALTINNTOKEN";
/// The token of a calling app or component.
const PLATFORM_ACCESS_TOKEN: HeaderName = HeaderName::from_static("platformaccesstoken");

/// The one token of the request: of `Authorization: Bearer`, else of a cookie. Another scheme of `Authorization` and a
/// bearer without token count as none.
///
/// A request with two `Authorization` headers, or with a bearer of characters no token has, shows no token at all: its
/// cookies do not count either.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    match bearer(headers) {
        Bearer::Token(token) => Some(token),
        Bearer::None => session_token(headers, LEGACY_COOKIE).or_else(|| session_token(headers, SESSION_COOKIE)),
        Bearer::Unusable => None,
    }
}

/// The token of `Authorization: Bearer`; cookies do not count.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    match bearer(headers) {
        Bearer::Token(token) => Some(token),
        Bearer::None | Bearer::Unusable => None,
    }
}

/// The token of the header `PlatformAccessToken`; of several none counts.
pub fn platform_access_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(&PLATFORM_ACCESS_TOKEN).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return None };
    only.to_str().ok().map(str::trim).filter(|token| !token.is_empty())
}

/// Whether the browser sent the session cookie, used or not: then changes need the antiforgery check.
pub fn has_session_cookie(headers: &HeaderMap) -> bool {
    cookie(headers, SESSION_COOKIE).is_some()
}

/// The party the user has chosen. Not trusted: every use is checked against the user's parties. What is no party id
/// counts as absent.
pub fn selected_party(headers: &HeaderMap) -> Option<PartyId> {
    cookie(headers, PARTY_COOKIE)?.parse().ok()
}

/// The value of a cookie; of several with the name the first.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';')).find_map(
        |pair| {
            let (key, value) = pair.split_once('=')?;
            (key.trim() == name).then(|| value.trim().trim_matches('"'))
        },
    )
}

/// What the header `Authorization` says.
enum Bearer<'a> {
    Token(&'a str),
    /// Nothing, or something for somebody else.
    None,
    Unusable,
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    const SCHEME: &[u8] = b"bearer";
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(only) = values.next() else { return Bearer::None };
    if values.next().is_some() {
        return Bearer::Unusable;
    }
    match only.as_bytes().split_at_checked(SCHEME.len()) {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(u8::is_ascii_whitespace) =>
        {
            match std::str::from_utf8(rest).map(str::trim) {
                Ok("") => Bearer::None,
                Ok(token) => Bearer::Token(token),
                Err(_) => Bearer::Unusable,
            }
        }
        _ => Bearer::None,
    }
}

fn session_token<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookie(headers, name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let bytes = |text: &str| HeaderValue::from_bytes(text.as_bytes()).expect("a header value");
        let mut headers = HeaderMap::new();
        for (name, text) in lines {
            headers.append(name, bytes(text));
        }
        headers
    }

    fn found(lines: &[(HeaderName, &str)]) -> Option<String> {
        token(&headers(lines)).map(str::to_owned)
    }

    #[test]
    fn the_bearer_token_wins_over_cookies() {
        let cookies = (COOKIE, "x=1; AltinnStudioRuntime=c; .ALTINNTOKEN=l");
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let bearer = format!("{scheme}  t ");
            assert_eq!(found(&[(AUTHORIZATION, &bearer), cookies.clone()]).as_deref(), Some("t"));
        }
        assert_eq!(found(&[cookies]).as_deref(), Some("l"));
        assert_eq!(found(&[(COOKIE, "AltinnStudioRuntime=c")]).as_deref(), Some("c"));
        assert_eq!(found(&[(COOKIE, "x=1"), (COOKIE, "AltinnStudioRuntime=\"c\"")]).as_deref(), Some("c"));
        assert_eq!(found(&[(COOKIE, "AltinnStudioRuntime=")]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn other_schemes_and_empty_bearers_count_as_none() {
        for authorization in ["Basic eDp5", "Bearer", "Bearer ", "bearerx t", "be", ""] {
            assert_eq!(found(&[(AUTHORIZATION, authorization)]), None, "{authorization}");
            let lines = [(AUTHORIZATION, authorization), (COOKIE, "AltinnStudioRuntime=c")];
            assert_eq!(found(&lines).as_deref(), Some("c"), "{authorization}");
        }
    }

    #[test]
    fn two_credentials_of_a_kind_count_as_none() {
        let cookie = (COOKIE, "AltinnStudioRuntime=c");
        assert_eq!(found(&[(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer a"), cookie]), None);
        let twice = headers(&[(PLATFORM_ACCESS_TOKEN, "a"), (PLATFORM_ACCESS_TOKEN, "b")]);
        assert_eq!(platform_access_token(&twice), None);
        assert_eq!(platform_access_token(&headers(&[(PLATFORM_ACCESS_TOKEN, "a")])), Some("a"));
    }

    #[test]
    fn noise_hides_no_cookie_behind_it() {
        let mut headers = headers(&[(COOKIE, "AltinnStudioRuntime=c")]);
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff\xfe").expect("a header value"));
        assert_eq!(token(&headers), None);
    }

    #[test]
    fn the_selected_party_is_a_number_or_nothing() {
        let party = |line: &str| selected_party(&headers(&[(COOKIE, line)]));
        assert_eq!(party("AltinnPartyId=500000"), Some(PartyId::new(500_000)));
        assert_eq!(party("a=b;AltinnPartyId=500000;c"), Some(PartyId::new(500_000)));
        for line in ["AltinnPartyId=abc", "AltinnPartyId=", "xAltinnPartyId=1", "AltinnPartyId=99999999999"] {
            assert_eq!(party(line), None, "{line}");
        }
    }

    #[test]
    fn the_session_cookie_is_seen_beside_a_bearer() {
        assert!(has_session_cookie(&headers(&[(AUTHORIZATION, "Bearer t"), (COOKIE, "AltinnStudioRuntime=c")])));
        assert!(!has_session_cookie(&headers(&[(AUTHORIZATION, "Bearer t")])));
    }
}
