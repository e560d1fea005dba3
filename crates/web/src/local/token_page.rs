//! The page on which a developer gets a token to copy, and sees what it says. It works without scripts.

use std::fmt::Write as _;

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mottak_service::authentication::PORTAL_SCOPE;
use serde_json::{Map, Value};

use super::html::{self, escaped, push_option};
use super::query::Fields;
use super::{LocalState, auth, page, reply};

/// `GET /Home/Tokens?type&…`, with the parameters of `/Home/auth/generate`; without `type` the forms alone.
pub(super) async fn show(State(state): State<LocalState>, RawQuery(query): RawQuery) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let result = match fields.get("type").map(|_| auth::token(&state, &fields)) {
        None => String::new(),
        Some(Ok(token)) => described(&token),
        Some(Err((title, wrong))) => {
            format!("<p role=\"alert\"><strong>{}.</strong> {}</p>\n", escaped(&title), escaped(&wrong.0))
        }
    };
    let body = format!("{result}{}{}{}", person_form(&state), owner_form(), system_user_forms(&state));
    reply::private(Html(html::document("Test tokens", &body)).into_response())
}

/// The token to copy, and its claims.
fn described(token: &str) -> String {
    let mut rows = String::new();
    for (name, value) in claims(token) {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = writeln!(rows, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(&name), escaped(&text));
    }
    let token = escaped(token);
    format!(
        r#"<section aria-labelledby="made">
<h2 id="made">Your token</h2>
<label for="token">Send it as <code>Authorization: Bearer …</code></label>
<textarea id="token" rows="6" readonly autofocus>{token}</textarea>
<button type="button" id="copy" hidden>Copy</button>
<table>
<caption>What it says</caption>
{rows}</table>
</section>
<script>
const token = document.getElementById("token"), copy = document.getElementById("copy");
token.addEventListener("focus", () => token.select());
token.select();
if (navigator.clipboard) {{
  copy.hidden = false;
  copy.addEventListener("click", async () => {{
    await navigator.clipboard.writeText(token.value);
    copy.textContent = "Copied";
  }});
}}
</script>
"#
    )
}

fn claims(token: &str) -> Map<String, Value> {
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}

fn person_form(state: &LocalState) -> String {
    let mut users = String::new();
    for user in state.register.profiles() {
        let id = user.user_id.to_string();
        push_option(&mut users, &id, &format!("{} ({id})", page::person_name(&user)), false);
    }
    let levels = page::authenticated_levels(page::DEFAULT_LEVEL);
    let scope = escaped(PORTAL_SCOPE);
    form(
        "A person",
        "User",
        &format!(
            r#"<label for="person">Person</label>
<select id="person" name="userId">
{users}</select>
<label for="level">Authentication level</label>
<select id="level" name="authenticationLevel">
{levels}</select>
<label for="person-scope">Scopes</label>
<input id="person-scope" name="scope" value="{scope}">
"#
        ),
    )
}

fn owner_form() -> String {
    let scope = escaped(auth::OWNER_SCOPE);
    form(
        "The owner of applications",
        "ServiceOwner",
        &format!(
            r#"<label for="org">Code</label>
<input id="org" name="org" value="ttd" required>
<label for="org-number">Organisation number, if the code is not known here</label>
<input id="org-number" name="orgNumber" inputmode="numeric" pattern="[0-9]{{9}}">
<label for="owner-scope">Scopes</label>
<input id="owner-scope" name="scope" value="{scope}">
"#
        ),
    )
}

fn system_user_forms(state: &LocalState) -> String {
    let forms = state.identities.system_users.iter().map(|user| {
        let (id, system) = (user.id, escaped(&user.system_id));
        let fields = format!(
            r#"<p>System {system}, for organisation {}</p>
<input type="hidden" name="systemId" value="{system}">
<input type="hidden" name="systemUserId" value="{id}">
"#,
            escaped(&user.org_number)
        );
        form("A system user", "SystemUser", &fields)
    });
    forms.collect()
}

/// A form that asks for a token of a kind.
fn form(legend: &str, kind: &str, fields: &str) -> String {
    format!(
        r#"<form action="/Home/Tokens" method="get">
<fieldset>
<legend>{legend}</legend>
<input type="hidden" name="type" value="{kind}">
{fields}<button type="submit">Make a token</button>
</fieldset>
</form>
"#
    )
}
