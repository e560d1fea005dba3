//! The page on which a developer chooses an app, a user and a level (platform-authentication §5.2). Browser tests
//! depend on its ids, names, labels and values.

use std::fmt::Write as _;

use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, HeaderMap};
use axum::response::{Html, IntoResponse, Response};
use mottak_model::{AppId, Party, PartyType, UserProfile};

use super::html::{self, escaped, push_option};
use super::login::CHOICE_COOKIE;
use super::query::Fields;
use super::reply::{self, Wrong};
use super::{LocalApp, LocalState};
use crate::credentials;

/// The level offered where no policy asks for one.
pub(super) const DEFAULT_LEVEL: u8 = 2;

/// `GET /`, `/Home`, `/Home/Index`, with `goto` for where to go afterwards.
pub(super) async fn show(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Wrong> {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let apps = state.apps.apps();
    let goto = fields.get("goto").unwrap_or_default();
    let app = apps.iter().find(|app| is_of(goto, &app.id)).or(apps.first());
    let level = app.and_then(|app| app.minimum_level).unwrap_or(DEFAULT_LEVEL);
    let page = Page {
        apps: &app_options(&apps, app.map(|app| &app.id)),
        users: &user_options(&state, credentials::cookie(&headers, CHOICE_COOKIE).unwrap_or_default())?,
        levels: &level_options(level),
        goto: &escaped(goto),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Html(page.render())).into_response())
}

/// `GET /Home/GetAppAuthenticationLevel?appId=org/app`.
pub(super) async fn app_authentication_level(
    State(state): State<LocalState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Wrong> {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let wanted: AppId = fields.parsed("appid")?.ok_or_else(|| Wrong("appId is missing".to_owned()))?;
    let app = state.apps.apps().into_iter().find(|app| app.id == wanted);
    Ok(reply::json(&app.and_then(|app| app.minimum_level).unwrap_or(DEFAULT_LEVEL).to_string()))
}

/// The parts of the page that change, as HTML.
struct Page<'a> {
    apps: &'a str,
    users: &'a str,
    levels: &'a str,
    goto: &'a str,
}

impl Page<'_> {
    fn render(&self) -> String {
        let Self { apps, users, levels, goto } = self;
        let body = format!(
            r#"<form action="/Home/LogInTestUser" method="post" enctype="multipart/form-data">
<input type="hidden" name="RedirectUrl" value="{goto}">
<label for="AppPathSelection">Select app to test</label>
<select id="AppPathSelection" name="AppPathSelection" autofocus>
{apps}</select>
<label for="UserSelect">Select test users</label>
<select id="UserSelect" name="UserSelect">
{users}</select>
<label for="AuthenticationLevel">Select your authentication level</label>
<select id="AuthenticationLevel" name="AuthenticationLevel">
{levels}</select>
<button type="submit" name="action" value="start">Proceed to app</button>
<button type="submit" name="action" value="reauthenticate">Refresh authentication</button>
</form>
"#
        );
        html::document("Test login", &body)
    }
}

/// Whether an address leads to a page of the app.
fn is_of(address: &str, app: &AppId) -> bool {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => address.trim_start_matches('/'),
    };
    let rest = path.strip_prefix(app.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

fn app_options(apps: &[LocalApp], chosen: Option<&AppId>) -> String {
    apps.iter().fold(String::new(), |mut html, app| {
        let id = app.id.as_str();
        push_option(&mut html, id, id, Some(&app.id) == chosen);
        html
    })
}

fn user_options(state: &LocalState, choice: &str) -> Result<String, Wrong> {
    let mut html = String::new();
    for user in state.register.profiles() {
        let parties = state.register.party_list(user.user_id)?;
        let value = |party: &Party| format!("{}.{}", user.user_id, party.party_id);
        match parties.as_slice() {
            [only] => push_option(&mut html, &value(only), name(only), value(only) == choice),
            several => {
                let _ = writeln!(html, r#"<optgroup label="{}">"#, escaped(person_name(&user)));
                for party in several {
                    let text = format!("{} ({})", name(party), type_name(party.party_type));
                    push_option(&mut html, &value(party), &text, value(party) == choice);
                }
                html.push_str("</optgroup>\n");
            }
        }
    }
    Ok(html)
}

/// The levels, and that of nobody.
fn level_options(default: u8) -> String {
    let mut html = String::new();
    push_option(&mut html, "-1", "Ikke autentisert", false);
    html.push_str(&authenticated_levels(default));
    html
}

/// The levels of those who authenticated.
pub(super) fn authenticated_levels(default: u8) -> String {
    (0..=4).fold(String::new(), |mut html, level: u8| {
        push_option(&mut html, &level.to_string(), &format!("Nivå {level}"), level == default);
        html
    })
}

fn name(party: &Party) -> &str {
    party.name.as_deref().unwrap_or_default()
}

pub(super) fn person_name(user: &UserProfile) -> &str {
    user.party.name.as_deref().or(user.user_name.as_deref()).unwrap_or_default()
}

fn type_name(party_type: PartyType) -> &'static str {
    match party_type {
        PartyType::None => "None",
        PartyType::Person => "Person",
        PartyType::Organisation => "Organisation",
        PartyType::SelfIdentified => "SelfIdentified",
        PartyType::SubUnit => "SubUnit",
        PartyType::BankruptcyEstate => "BankruptcyEstate",
    }
}
