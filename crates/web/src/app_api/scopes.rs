//! The scopes an app demands of its callers beyond the platform's own: one check before the handlers of every route
//! that concerns instances (app-api §20.5).

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use mottak_apps::App;
use mottak_model::{ApiScopes, ApiScopesConfiguration};
use mottak_service::authentication::{Caller, Identity, PORTAL_SCOPE};
use serde_json::json;

use crate::WebState;
use crate::response::raw_json;
use crate::routes::{Callers, Route};

/// The text that says so to people, unless the app names another one.
const TEXT_KEY: &str = "authorization.scopes.insufficient";
const FALLBACK_TEXT: &str = "Insufficient scope";
const FALLBACK_LANGUAGE: &str = "nb";

/// What a request is, for this check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
}

/// The refusal of a request whose token lacks the scope that the app demands; none when it may go on.
pub(crate) fn refuse(web: &WebState, kind: Use, request: &Request, caller: &Caller) -> Option<Response> {
    let path = request.uri().path();
    let mut segments = path.split('/').skip(1);
    let (org, app) = segments.next().zip(segments.next())?;
    let app = web.service.app(org, app).ok()?;
    let configuration = app.application.api_scopes.as_ref()?;
    let group = group_of(configuration, caller)?;
    let demanded = match kind {
        Use::Read => group.read.as_deref(),
        Use::Write => group.write.as_deref(),
    };
    let demanded = demanded.filter(|scope| !scope.is_empty())?.replace("[app]", app.id.app());
    let is_portal_enough = caller.service_owner().is_none();
    if caller.scopes().has(&demanded) || is_portal_enough && caller.scopes().has(PORTAL_SCOPE) {
        return None;
    }
    let text = text_for(web, &app, configuration, group, caller);
    let body = json!({ "title": "Forbidden", "status": 403, "detail": text, "instance": path });
    let mut response = raw_json(StatusCode::FORBIDDEN, in_ascii(&body.to_string()));
    if let Ok(demanded) = HeaderValue::from_str(&demanded) {
        response.headers_mut().insert("altinn-required-scope", demanded);
    }
    Some(response)
}

/// Whether the route is one of those, and what it does. Stateless data is only read, whatever the method.
pub(crate) fn use_of(route: &Route) -> Option<Use> {
    if route.callers == Callers::Anyone {
        return None;
    }
    let below_app = route.path.strip_prefix("/{org}/{app}/")?;
    let mut segments = below_app.split('/');
    match (segments.next()?, segments.next(), segments.next()) {
        ("instances", ..) | ("legacy", Some("instances"), _) => {
            let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&route.method);
            Some(if is_read { Use::Read } else { Use::Write })
        }
        ("v1", Some("data"), None) => Some(Use::Read),
        _ => None,
    }
}

/// The scopes for this kind of caller. Callers of no known kind are not checked.
fn group_of<'a>(configuration: &'a ApiScopesConfiguration, caller: &Caller) -> Option<&'a ApiScopes> {
    match caller.identity() {
        Identity::User(_) | Identity::SystemUser(_) | Identity::Org { .. } => configuration.users.as_ref(),
        Identity::ServiceOwner { .. } => configuration.service_owners.as_ref(),
        Identity::Anonymous | Identity::Component(_) | Identity::Unknown => None,
    }
}

/// What the caller is told, in their own language.
fn text_for(
    web: &WebState,
    app: &App,
    configuration: &ApiScopesConfiguration,
    group: &ApiScopes,
    caller: &Caller,
) -> String {
    let keys = [&group.error_message_text_resource_key, &configuration.error_message_text_resource_key];
    let key = keys.into_iter().flatten().find(|key| !key.is_empty()).map_or(TEXT_KEY, String::as_str);
    let profile = caller.user().and_then(|user| web.service.register.profile(user.user_id).ok().flatten());
    let language = profile.as_ref().and_then(|profile| profile.profile_setting_preference.language.as_deref());
    let language = language.filter(|language| !language.is_empty()).unwrap_or(FALLBACK_LANGUAGE);
    let text = app.texts.translations.lookup(key, language).map(|text| text.value);
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| FALLBACK_TEXT.to_owned())
}

/// compat: this one body is written with everything escaped that could mean something in HTML (app-api §1.11).
fn in_ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            // An escape stays one; of a quotation mark the code is written.
            match chars.next() {
                Some('"') => escaped.push_str("\\u0022"),
                next => escaped.extend([Some(c), next].into_iter().flatten()),
            }
            continue;
        }
        if c.is_ascii() && !matches!(c, '<' | '>' | '&' | '\'' | '+' | '`') {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compat_the_body_is_ascii() {
        let body = json!({ "detail": "Manglar tilgang på «æ» & 'ø' + \"å\" 😀 \\" }).to_string();
        let escaped = in_ascii(&body);
        assert!(escaped.is_ascii() && !escaped.contains(['&', '\'', '+']), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap().to_string(), body);
    }
}
