//! Logging in by choosing (platform-authentication §5.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use mottak_model::{AppId, PartyId, UserProfile};

use super::LocalState;
use super::query::Fields;
use super::reply::Wrong;
use super::tokens::{self, Login};
use crate::credentials::{PARTY_COOKIE, SESSION_COOKIE};

/// Remembers the choice for the page.
pub(super) const CHOICE_COOKIE: &str = "Localtest_User.Party_Select";
/// How long a login is remembered, in seconds.
const LOGIN_SECONDS: u64 = 1337 * 60;
/// How long the selected party is remembered, in seconds.
const PARTY_SECONDS: u64 = 365 * 24 * 60 * 60;
/// Addresses longer than this are not redirected to.
const MAX_ADDRESS_LENGTH: usize = 2048;

/// `GET /authentication/api/v1/authentication?goto`: the page takes the place of a login.
pub(super) async fn redirect_to_page(RawQuery(query): RawQuery) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let goto = fields.get("goto").unwrap_or_default();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("goto", goto).finish();
    redirect(&format!("/?{query}"))
}

/// `POST /Home/LogInTestUser`: sets the cookies of the chosen user and goes on to the app.
pub(super) async fn log_in(State(state): State<LocalState>, request: Request) -> Response {
    let result = match read_form(request).await {
        Ok(form) => cookies(&state, &form).map(|cookies| (form, cookies)),
        Err(wrong) => Err(wrong),
    };
    let (form, cookies) = match result {
        Ok(ready) => ready,
        Err(wrong) => return wrong.into_response(),
    };
    let mut response = go_on(&state, &form);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
    response
}

/// The cookies of the login; none for the level of those who do not authenticate.
fn cookies(state: &LocalState, form: &Fields) -> Result<Vec<String>, Wrong> {
    if form.get("authenticationlevel") == Some("-1") {
        return Ok(Vec::new());
    }
    let level = form.level(2)?;
    let choice = form.get("userselect").unwrap_or_default();
    let (profile, party) =
        chosen(state, choice)?.ok_or_else(|| Wrong("UserSelect names no user and party".to_owned()))?;
    // The token carries the user's own party; the one acted for is in its own cookie.
    let token = state.issue(tokens::user(&profile, profile.party_id, Login::on_page(level)));
    let secure = if state.public_url.starts_with("https:") { "; Secure" } else { "" };
    let closed = format!("; Path=/; Max-Age={LOGIN_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    Ok(vec![
        format!("{SESSION_COOKIE}={token}{closed}"),
        format!("{CHOICE_COOKIE}={}.{party}{closed}", profile.user_id),
        format!("{PARTY_COOKIE}={party}; Path=/; Max-Age={PARTY_SECONDS}; SameSite=Lax{secure}"),
    ])
}

/// The user and the party in `{userId}.{partyId}`, when the user may represent it.
fn chosen(state: &LocalState, choice: &str) -> Result<Option<(Arc<UserProfile>, PartyId)>, Wrong> {
    let parsed = choice.split_once('.').and_then(|(user, party)| Some((user.parse().ok()?, party.parse().ok()?)));
    let Some((user, party)) = parsed else { return Ok(None) };
    let Some(profile) = state.register.profile(user)? else { return Ok(None) };
    let list = state.register.party_list(user)?;
    let may_represent = list
        .iter()
        .flat_map(|top| std::iter::once(top).chain(top.child_parties.iter().flatten()))
        .any(|listed| listed.party_id == party);
    Ok(may_represent.then_some((profile, party)))
}

/// Where to after the login.
fn go_on(state: &LocalState, form: &Fields) -> Response {
    if form.get("action") == Some("reauthenticate") {
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Some(address) = form.get("redirecturl").filter(|address| is_own_address(state, address)) {
        return redirect(address);
    }
    let Some(wanted) = form.get("apppathselection") else { return redirect("/") };
    match wanted.parse::<AppId>() {
        Ok(app) if state.apps.apps().iter().any(|offered| offered.id == app) => redirect(&format!("/{app}/")),
        _ => (StatusCode::BAD_REQUEST, "App not found").into_response(),
    }
}

/// Whether an address leads to this server: a path, or one of its host names.
fn is_own_address(state: &LocalState, address: &str) -> bool {
    let is_plain = address.len() <= MAX_ADDRESS_LENGTH && address.bytes().all(|byte| byte > b' ' && byte != b'\\');
    if !is_plain {
        return false;
    }
    if let Some(path) = address.strip_prefix('/') {
        return !path.starts_with('/');
    }
    // What follows `#` is for the page alone and unknown to `Uri`.
    let Ok(uri) = address.split('#').next().unwrap_or_default().parse::<Uri>() else { return false };
    let is_web = uri.scheme_str().is_some_and(|scheme| matches!(scheme, "http" | "https"));
    is_web && uri.authority().is_some_and(|authority| state.is_own_host(authority.as_str()))
}

fn redirect(address: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, address)]).into_response()
}

/// The fields of a form, sent either way.
async fn read_form(request: Request) -> Result<Fields, Wrong> {
    if is_multipart(request.headers()) {
        let form = Multipart::from_request(request, &()).await.map_err(|problem| Wrong(problem.body_text()))?;
        return read_multipart(form).await;
    }
    let body = Bytes::from_request(request, &()).await.map_err(|problem| Wrong(problem.body_text()))?;
    Ok(Fields::parse(&body))
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|kind| kind.starts_with("multipart/"))
}

async fn read_multipart(mut form: Multipart) -> Result<Fields, Wrong> {
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(|problem| Wrong(problem.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(|problem| Wrong(problem.body_text()))?;
        fields.add(&name, value);
    }
    match fields.get("prefill") {
        Some(_) => Err(Wrong("Starting an app with a file of prefilled data is not possible here.".to_owned())),
        None => Ok(fields),
    }
}
