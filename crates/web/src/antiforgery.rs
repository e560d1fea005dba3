//! Proof that a change comes from the app's own page (app-api §1.5, platform-authentication §3.4).
//!
//! A browser sends the session cookie with every request, also with those that other sites make it send. Changes that
//! come with that cookie must therefore show a pair which only the app's page can know: the cookie `AS-XSRF-TOKEN`, and
//! in a header what script read from the cookie `XSRF-TOKEN`. The second is a keyed hash over the first and the caller,
//! so nothing is stored and a pair is worthless to anybody else.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_service::authentication::Caller;

use crate::credentials::{cookie, has_session_cookie};

const SECRET_COOKIE: &str = "AS-XSRF-TOKEN";
const READABLE_COOKIE: &str = "XSRF-TOKEN";
const HEADER: HeaderName = HeaderName::from_static("x-xsrf-token");
const VERSION: &str = "v1.";
/// Length of the random part, in bytes.
const SECRET_LENGTH: usize = 16;

/// Makes and checks pairs. `Debug` shows nothing of its key.
pub struct Antiforgery(hmac::Key);

/// The values of both cookies.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    secret: String,
    readable: String,
}

/// Where cookies may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Https,
}

impl fmt::Debug for Antiforgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Antiforgery")
    }
}

impl Antiforgery {
    /// With a key of its own: pairs are good until the process ends.
    pub fn generate() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        Self(key.expect("the machine has random numbers"))
    }

    /// With a key that outlives the process, at least 32 random bytes.
    pub fn with_key(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A pair for the caller. The secret of an earlier pair stays, so that other open pages stay good.
    pub(crate) fn issue(&self, headers: &HeaderMap, caller: &Caller) -> Pair {
        let secret = cookie(headers, SECRET_COOKIE).filter(|secret| is_secret(secret));
        let secret = secret.map_or_else(new_secret, str::to_owned);
        let tag = hmac::sign(&self.0, signed(&secret, caller).as_bytes());
        Pair { readable: format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(tag)), secret }
    }

    /// Whether the request may be carried out: it changes nothing, has no session cookie, or shows the caller's pair
    /// and comes from a page of this host.
    pub(crate) fn admits(&self, method: &Method, headers: &HeaderMap, caller: &Caller) -> bool {
        method.is_safe() || !has_session_cookie(headers) || is_own_page(headers) && self.shows_pair(headers, caller)
    }

    fn shows_pair(&self, headers: &HeaderMap, caller: &Caller) -> bool {
        let shown = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        let tag = shown.and_then(|text| URL_SAFE_NO_PAD.decode(text.strip_prefix(VERSION)?).ok());
        let secret = cookie(headers, SECRET_COOKIE).filter(|secret| is_secret(secret));
        let (Some(tag), Some(secret)) = (tag, secret) else { return false };
        hmac::verify(&self.0, signed(secret, caller).as_bytes(), &tag).is_ok()
    }
}

impl Pair {
    /// Both as `Set-Cookie` values.
    pub(crate) fn into_cookies(self, transport: Transport) -> Option<[HeaderValue; 2]> {
        let secure = if transport == Transport::Https { "; Secure" } else { "" };
        let secret = format!("{SECRET_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.secret);
        let readable = format!("{READABLE_COOKIE}={}; Path=/{secure}", self.readable);
        Some([HeaderValue::try_from(secret).ok()?, HeaderValue::try_from(readable).ok()?])
    }
}

/// What the readable part is a hash over. The secret has a fixed length, so the two cannot run into one another.
fn signed(secret: &str, caller: &Caller) -> String {
    let subject = match (caller.session(), caller.performed_by()) {
        (Some(session), _) => format!("session {session}"),
        (None, Some(id)) => format!("id {id}"),
        (None, None) => "anonymous".to_owned(),
    };
    format!("{secret}{subject}")
}

fn new_secret() -> String {
    let mut bytes = [0; SECRET_LENGTH];
    rand::fill(&mut bytes).expect("the machine has random numbers");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn is_secret(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == SECRET_LENGTH)
}

/// Whether the page the request comes from, if the browser says which, is of the host that is asked.
fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin.as_ref().and_then(Uri::authority), asked) {
        (Some(origin), Some(asked)) => origin.as_str().eq_ignore_ascii_case(asked),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;
    use serde_json::{Value, json};

    use super::*;

    fn caller(claims: Value) -> Caller {
        let Value::Object(mut claims) = claims else { panic!("claims are an object") };
        claims.insert("urn:altinn:authlevel".to_owned(), json!(2));
        claims.insert("urn:altinn:authenticatemethod".to_owned(), json!("BankID"));
        claims.insert("urn:altinn:partyid".to_owned(), json!(1));
        Caller::from_claims(&claims).expect("the claims of a user")
    }

    fn user(id: i32) -> Caller {
        caller(json!({"urn:altinn:userid": id}))
    }

    fn headers(pair: &Pair, extra: &[(HeaderName, &str)]) -> HeaderMap {
        let cookies = format!("AltinnStudioRuntime=t; {SECRET_COOKIE}={}", pair.secret);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(cookies).expect("a cookie"));
        headers.insert(HEADER, HeaderValue::try_from(&pair.readable).expect("a header"));
        headers.insert(HOST, HeaderValue::from_static("ttd.apps.example"));
        for (name, value) in extra {
            headers.insert(name, HeaderValue::try_from(*value).expect("a header"));
        }
        headers
    }

    #[test]
    fn a_pair_is_good_for_the_caller_it_was_made_for() {
        let antiforgery = Antiforgery::generate();
        let pair = antiforgery.issue(&HeaderMap::new(), &user(1));
        assert!(antiforgery.admits(&Method::POST, &headers(&pair, &[]), &user(1)));
        assert!(!antiforgery.admits(&Method::POST, &headers(&pair, &[]), &user(2)));
        assert!(!antiforgery.admits(&Method::POST, &headers(&pair, &[]), &Caller::anonymous()));
        assert!(!Antiforgery::generate().admits(&Method::POST, &headers(&pair, &[]), &user(1)));
    }

    #[test]
    fn a_pair_follows_the_session_and_not_the_token() {
        let antiforgery = Antiforgery::with_key(&[7; 32]);
        let session = |sid: &str| caller(json!({"urn:altinn:userid": 1, "sid": sid}));
        let pair = antiforgery.issue(&HeaderMap::new(), &session("a"));
        assert!(Antiforgery::with_key(&[7; 32]).admits(&Method::PUT, &headers(&pair, &[]), &session("a")));
        assert!(!antiforgery.admits(&Method::PUT, &headers(&pair, &[]), &session("b")));
    }

    #[test]
    fn the_secret_is_kept_when_it_is_one() {
        let antiforgery = Antiforgery::generate();
        let first = antiforgery.issue(&HeaderMap::new(), &Caller::anonymous());
        let second = antiforgery.issue(&headers(&first, &[]), &user(1));
        assert!(first.secret == second.secret && first.readable != second.readable);
        let forged = Pair { secret: "short".to_owned(), readable: String::new() };
        assert!(antiforgery.issue(&headers(&forged, &[]), &user(1)).secret != "short");
    }

    #[test]
    fn pages_of_other_hosts_are_refused_even_with_a_pair() {
        let antiforgery = Antiforgery::generate();
        let pair = antiforgery.issue(&HeaderMap::new(), &user(1));
        let from = |origin: &str| antiforgery.admits(&Method::POST, &headers(&pair, &[(ORIGIN, origin)]), &user(1));
        assert!(from("https://ttd.apps.example"));
        assert!(!from("https://evil.example"));
        assert!(!from("null"));
    }

    #[test]
    fn what_changes_nothing_or_has_no_session_cookie_needs_no_pair() {
        let antiforgery = Antiforgery::generate();
        let bare = Pair { secret: String::new(), readable: String::new() };
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert!(antiforgery.admits(&method, &headers(&bare, &[]), &user(1)), "{method}");
        }
        assert!(antiforgery.admits(&Method::POST, &HeaderMap::new(), &user(1)));
    }
}
