//! The page that starts the app in a browser (app-api §19.1), and the antiforgery pair it needs for everything after.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HOST, LOCATION, PRAGMA, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use mottak_apps::App;
use mottak_model::AppId;

use crate::WebState;
use crate::antiforgery::Transport;
use crate::extract::{OfApp, Query, Who};
use crate::response::{empty, with_type};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// For apps that bring no page.
const DEFAULT_PAGE: &str = include_str!("home.html");

/// `GET /{org}/{app}/`: the page for those who may begin, the way to the login for others.
pub(super) async fn show(
    State(web): State<WebState>,
    Who(caller): Who,
    OfApp(app): OfApp,
    query: Query,
    headers: HeaderMap,
) -> Response {
    let pair = web.antiforgery.issue(&headers, &caller);
    let mut response = if caller.is_anonymous() && !is_open_to_all(&app) {
        to_login(&web, &app, &query, &headers)
    } else {
        with_type(StatusCode::OK, HTML, page(&app))
    };
    let answer = response.headers_mut();
    for cookie in pair.into_cookies(transport(&web)).into_iter().flatten() {
        answer.append(SET_COOKIE, cookie);
    }
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    answer.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Whether the app shows a form to people it does not know.
fn is_open_to_all(app: &App) -> bool {
    let logic = app.stateless_data_type().and_then(|data_type| data_type.app_logic.as_ref());
    logic.is_some_and(|logic| logic.allow_anonymous_on_stateless)
}

/// The app's own page with its two expressions filled in, or the one that loads the frontend from its usual place.
fn page(app: &App) -> String {
    let own = app.home_page.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    fill_in(own.unwrap_or(DEFAULT_PAGE), &app.id)
}

/// Replaces `@ViewBag.Org` and `@ViewBag.App`, drops code blocks (`@{ … }`) and lines of directives, and turns `@@`
/// into the one character it stands for. What else the template language can do is not done.
fn fill_in(template: &str, id: &AppId) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        page.push_str(before);
        let starts_line = page.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
        rest = if let Some(after) = after.strip_prefix("ViewBag.Org") {
            page.push_str(id.org());
            after
        } else if let Some(after) = after.strip_prefix("ViewBag.App") {
            page.push_str(id.app());
            after
        } else if let Some(after) = after.strip_prefix('@') {
            page.push('@');
            after
        } else if let Some(block) = after.strip_prefix('{') {
            after_block(block)
        } else if starts_line && is_directive(after) {
            after.split_once('\n').map_or("", |(_, next_lines)| next_lines)
        } else {
            page.push('@');
            after
        };
    }
    page.push_str(rest);
    page
}

/// What follows the brace that ends a code block; everything when none does.
fn after_block(block: &str) -> &str {
    let mut depth = 1_usize;
    for (at, letter) in block.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return block.get(at + 1..).unwrap_or_default();
        }
    }
    block
}

fn is_directive(text: &str) -> bool {
    ["using ", "model ", "inject ", "page", "addTagHelper ", "inherits "].iter().any(|word| text.starts_with(word))
}

fn to_login(web: &WebState, app: &App, query: &Query, headers: &HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    // In development both halves are on one host, under whichever name the browser calls it: cookies are bound to it.
    let (scheme, platform) = match transport(web) {
        Transport::Https => ("https", web.service.settings.platform_url.clone()),
        Transport::Plain => ("http", format!("http://{host}")),
    };
    let goto = format!("{scheme}://{host}/{}", app.id);
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters.append_pair("goto", &goto);
    if let Some(provider) = &app.settings.app_oidc_provider {
        parameters.append_pair("iss", provider);
    }
    if query.first("dontChooseReportee").is_some_and(|asked| asked.eq_ignore_ascii_case("true")) {
        parameters.append_pair("DontChooseReportee", "true");
    }
    let address = format!("{platform}/authentication/api/v1/authentication?{}", parameters.finish());
    let Ok(address) = HeaderValue::try_from(address) else { return empty(StatusCode::BAD_REQUEST) };
    let mut response = empty(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, address);
    response
}

/// The platform's address tells whether browsers reach this installation over TLS; the scheme of the request does not,
/// behind a proxy.
fn transport(web: &WebState) -> Transport {
    if web.service.settings.platform_url.starts_with("https:") { Transport::Https } else { Transport::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_pages_use_of_the_template_language_is_understood() {
        let id = AppId::new("ttd", "app");
        let template = "@{\n  Layout = null; if (x) { y(); }\n}\n@using System\n<script>org='@ViewBag.Org';\
                        app='@ViewBag.App';</script>a@@b c@example.no\n";
        let page = fill_in(template, &id);
        assert_eq!(page, "\n<script>org='ttd';app='app';</script>a@b c@example.no\n");
        assert_eq!(fill_in("@{ never closed", &id), " never closed");
    }

    #[test]
    fn the_default_page_names_the_app_and_loads_the_frontend() {
        let page = fill_in(DEFAULT_PAGE, &AppId::new("ttd", "app"));
        assert!(page.contains("window.org = 'ttd'") && page.contains("window.app = 'app'"));
        assert!(page.contains("<div id=\"root\">") && page.contains("/altinn-app-frontend/4/altinn-app-frontend.js"));
        assert!(!page.contains('@'));
    }
}
