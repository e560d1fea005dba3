//! `matrix.txt`: every declared route × every kind of caller.
//!
//! A cell is the status; of a refusal also the form of its body by the letters of app-api §1.7. `UPDATE_MATRIX=1`
//! writes the file from what the server does; read the difference before keeping it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::Method;
use mottak_testing::covers;
use mottak_testkit::{Answer, Client, Sending, TestServer};
use mottak_web::routes::{Callers, Forgery, Route};
use serde_json::{Value, json};

use crate::callers::{Made, OTHER_USER, PARTY, USER, make, owner_at_level, server, system_user_claims};
use crate::storage_requests;

const FILE: &str = "crates/web/tests/authorization/matrix.txt";

/// The columns, in order.
const CALLERS: [&str; 13] = [
    "anonymous",
    "expired",
    "other-user",
    "low-level",
    "user",
    "other-owner",
    "owner",
    "organisation",
    "other-system",
    "system",
    "sync-adapter",
    "studio",
    "platform",
];

/// Those who are nobody to routes that are not theirs: a component's token says nothing of a caller.
const UNKNOWN: [&str; 3] = ["anonymous", "expired", "platform"];

/// An app and the levels its policy asks for.
struct AppUnderTest {
    name: &'static str,
    user_level: u8,
    owner_level: u8,
}

const APPS: [AppUnderTest; 2] = [
    AppUnderTest { name: "kulturstotte", user_level: 2, owner_level: 3 },
    AppUnderTest { name: "adgang", user_level: 3, owner_level: 2 },
];

fn client(server: &TestServer, app: &AppUnderTest, caller: &str) -> Client {
    match caller {
        "anonymous" => server.anonymous(),
        "expired" => server.expired_user(USER),
        "other-user" => server.user_at_level(OTHER_USER, 4),
        "low-level" => server.user_at_level(USER, app.user_level - 1),
        "user" => server.user_at_level(USER, app.user_level),
        "other-owner" => server.owner("digdir", "991825827"),
        "owner" => owner_at_level(server, app.owner_level),
        // The party itself, as an organisation: it has no roles.
        "organisation" => server.organisation("950474084"),
        "other-system" => server.with_claims(system_user_claims("0c1ff8a5-6b2c-4a3e-9f9a-2f1d5e6a7b8c", "991825827")),
        "system" => server.system_user(),
        "sync-adapter" => server.owner_with_scope("digdir", "991825827", "altinn:storage/instances.syncadapter"),
        "studio" => server.with_claims(json!({"urn:altinn:app": "studio.designer", "urn:altinn:authlevel": 3})),
        "platform" => server.platform_component("platform"),
        other => panic!("no caller {other}"),
    }
}

/// The request that stands for a route.
fn request(client: &Client, route: &Route, app: &str, made: &Made, event: &str) -> Sending {
    if let Some(of_storage) = storage_requests::request(client, route.method.as_str(), route.path, app, made, event) {
        return of_storage;
    }
    let parameter = |segment: &str| match segment {
        "{org}" => "ttd".to_owned(),
        "{app}" => app.to_owned(),
        "{party}" => PARTY.to_string(),
        "{guid}" => made.guid.clone(),
        "{event}" => event.to_owned(),
        "{dataType}" if route.method == Method::POST => "vedlegg".to_owned(),
        "{dataType}" => if app == "adgang" { "skjema" } else { "soknad" }.to_owned(),
        "{data}" if route.method == Method::POST => "vedlegg".to_owned(),
        "{data}" if route.method == Method::DELETE => made.file.clone(),
        "{data}" => made.form.clone(),
        "{id}" if route.path.contains("options") => "kategorier".to_owned(),
        "{id}" if app == "adgang" || route.path.contains("layout") || route.path.contains("rule") => {
            "skjema".to_owned()
        }
        "{id}" => "soknad".to_owned(),
        "{language}" => "nb".to_owned(),
        "{page}" => "1".to_owned(),
        "{tokenProvider}" => "maskinporten".to_owned(),
        "{*rest}" => "x".to_owned(),
        other => {
            assert!(!other.starts_with('{'), "{other} of {} is not known here", route.path);
            other.to_owned()
        }
    };
    let path: Vec<String> = route.path.split('/').map(parameter).collect();
    let path = path.join("/");
    let file = |sending: Sending| sending.file("vedlegg.pdf", "application/pdf", &b"%PDF-1.4\n%%EOF\n"[..]);
    let last = route.path.rsplit('/').next().unwrap_or_default();
    match (route.method.as_str(), last) {
        ("POST", "instances") => client.post(format!("{path}?instanceOwnerPartyId={PARTY}")),
        ("POST", "create") => client.post(path).json(&json!({"instanceOwner": {"partyId": PARTY.to_string()}})),
        ("POST", "data") => file(client.post(format!("{path}?dataType=vedlegg"))),
        ("POST", "{data}" | "{dataType}") => file(client.post(path)),
        ("PUT", "substatus") => client.put(path).json(&json!({"label": "a", "description": "b"})),
        ("PUT", "{data}" | "{dataType}") => client.put(path).json(&json!({})),
        ("PATCH", "data") => client.patch(path).json(&json!({"patches": [], "ignoredValidators": []})),
        ("PATCH", _) => client.patch(path).json(&json!({"patch": [], "ignoredValidators": []})),
        _ => client.request(route.method.clone(), path),
    }
}

/// The status; of a refusal with the form of its body.
fn cell(answer: &Answer) -> String {
    if answer.status < 400 {
        return answer.status.to_string();
    }
    let form = match serde_json::from_slice::<Value>(&answer.body) {
        _ if answer.body.is_empty() => "A",
        Err(_) | Ok(Value::String(_)) => "E",
        Ok(Value::Object(body)) => {
            let has = |name: &str| body.contains_key(name);
            match (has("traceId"), has("errors"), has("detail")) {
                _ if has("RequiredAuthenticationLevel") || has("RequiredAuthenticationLevelOrg") => "F",
                (true, true, _) => "D",
                (true, false, true) => "C+",
                (true, false, false) => "B",
                (false, _, _) if has("status") => "C",
                _ => "G",
            }
        }
        Ok(_) => "G",
    };
    format!("{}{form}", answer.status)
}

/// One line of the file: a route of an app and its cells by caller.
pub(crate) struct Line {
    app: &'static str,
    route: Route,
    cells: Vec<String>,
}

impl Line {
    fn key(&self) -> String {
        let Route { method, path, callers, forgery, .. } = &self.route;
        let callers = match callers {
            Callers::Anyone => "anyone".to_owned(),
            Callers::Authenticated => "authenticated".to_owned(),
            Callers::Permitted(action) => format!("may:{action}"),
            Callers::PermittedLast(action) => format!("last:{action}"),
            Callers::PermittedByTask => "may:task".to_owned(),
            Callers::Owner => "owner".to_owned(),
            Callers::Platform => "platform".to_owned(),
            Callers::Studio => "studio".to_owned(),
        };
        let forgery = if *forgery == Forgery::Checked { "AF" } else { "-" };
        format!("{method} {path} {callers} {forgery}")
    }
}

/// Sends every request. Those that change something have an instance of their own.
pub(crate) async fn observe() -> Vec<Line> {
    let server = server();
    let mut lines = Vec::new();
    for app in &APPS {
        let maker = server.user_at_level(USER, app.user_level);
        let shared = make(&maker, app.name).await;
        let events = maker.get(format!("/storage/api/v1/instances/{PARTY}/{}/events", shared.guid)).send().await;
        let event = events.expect(200).json()["instanceEvents"][0]["id"].as_str().expect("an event").to_owned();
        for route in server.routes() {
            let mut cells = Vec::new();
            for caller in CALLERS {
                let made = if route.method == Method::GET { shared.clone() } else { make(&maker, app.name).await };
                let answer = request(&client(&server, app, caller), route, app.name, &made, &event).send().await;
                cells.push(cell(&answer));
            }
            lines.push(Line { app: app.name, route: route.clone(), cells });
        }
    }
    lines
}

/// The file: per app and route the cells. Lines that say nothing of a route are comments.
fn read(text: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut app = String::new();
    let mut lines = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            app = name.to_owned();
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words.len(), 4 + CALLERS.len(), "{line}");
        let cells = words.iter().skip(4).map(|cell| (*cell).to_owned()).collect();
        let key = words.get(..4).expect("just counted").join(" ");
        assert!(lines.insert((app.clone(), key), cells).is_none(), "twice: {line}");
    }
    lines
}

fn write(lines: &[Line]) -> String {
    let mut text = String::from(
        "# What comes back, by route and caller. Statuses; of refusals also the form of the body (app-api 1.7).\n\
         # The second column of a route says who may call it, the third whether it is checked for forgery.\n",
    );
    let mut app = "";
    for line in lines {
        if line.app != app {
            app = line.app;
            let _ = writeln!(text, "\n[{app}]");
            let _ = write!(text, "{:<106}", "#");
            for caller in CALLERS {
                let _ = write!(text, "{caller:<13}");
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        let _ = write!(text, "{:<106}", line.key());
        for cell in &line.cells {
            let _ = write!(text, "{cell:<13}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// What the declaration of a route promises of its cells.
fn check_declaration(line: &Line) -> Result<(), String> {
    let cell = |caller: &str| {
        let at = CALLERS.iter().position(|known| *known == caller).expect("a column");
        line.cells[at].as_str()
    };
    let require = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{}: {what}", line.key())) };
    for unknown in ["anonymous", "expired"] {
        let is_turned_away = cell(unknown) == "401A";
        let may_be_anybody = line.route.callers == Callers::Anyone;
        require(is_turned_away != may_be_anybody, &format!("{unknown} gets {}", cell(unknown)))?;
    }
    let is_refused = |caller: &str| cell(caller).starts_with("403");
    match line.route.callers {
        Callers::Anyone => {
            let all = CALLERS.iter().all(|caller| cell(caller) == cell("anonymous"));
            // The start page is the same for everybody who is somebody.
            require(all || cell("anonymous") == "302", "it is not the same for everybody")
        }
        Callers::Authenticated => Ok(()),
        Callers::Permitted(_) if CALLERS.iter().any(|caller| is_refused(caller) && cell(caller) != "403A") => {
            require(false, "the policy of a route refuses with an empty body")
        }
        Callers::Permitted(_) | Callers::PermittedLast(_) | Callers::PermittedByTask => {
            for stranger in ["other-user", "low-level", "other-owner", "organisation", "other-system"] {
                require(is_refused(stranger), &format!("{stranger} gets {}", cell(stranger)))?;
            }
            require(["user", "owner", "system"].iter().any(|caller| !is_refused(caller)), "nobody may")
        }
        Callers::Platform | Callers::Studio => {
            let own = if line.route.callers == Callers::Platform { "platform" } else { "studio" };
            for other in CALLERS.iter().filter(|caller| **caller != own && !["anonymous", "expired"].contains(*caller))
            {
                let refusal = if UNKNOWN.contains(other) { "401A" } else { "403A" };
                require(cell(other) == refusal, &format!("{other} gets {}", cell(other)))?;
            }
            require(cell(own).starts_with('2'), &format!("it is not for {own}, who gets {}", cell(own)))
        }
        Callers::Owner => {
            for other in CALLERS.iter().filter(|caller| **caller != "owner" && !UNKNOWN.contains(caller)) {
                require(is_refused(other), &format!("{other} gets {}", cell(other)))?;
            }
            require(cell("owner").starts_with('2'), "its owner may not")
        }
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let _rows = covers("app-api", &["INS-35", "DAT-49"]);
    let lines = observe().await;
    let path = mottak_testing::repository_root().join(FILE);
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::write(&path, write(&lines)).expect("the matrix can be written");
    }
    let mut expected = read(&std::fs::read_to_string(&path).expect("the matrix is there"));
    let mut wrong = Vec::new();
    for line in &lines {
        wrong.extend(check_declaration(line).err());
        match expected.remove(&(line.app.to_owned(), line.key())) {
            None => wrong.push(format!("not in {FILE}: [{}] {}", line.app, line.key())),
            Some(cells) => {
                for ((caller, expected), found) in CALLERS.iter().zip(&cells).zip(&line.cells) {
                    if expected != found {
                        wrong.push(format!("[{}] {} as {caller}: {found}, not {expected}", line.app, line.key()));
                    }
                }
            }
        }
    }
    wrong.extend(expected.keys().map(|(app, key)| format!("no such route: [{app}] {key}")));
    println!("{} routes of {} apps, {} callers", lines.len() / APPS.len(), APPS.len(), CALLERS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_checked_for_forgery_is_every_change_of_the_marked_controllers() {
    let server = server();
    for route in server.routes() {
        let is_change = !matches!(route.method, Method::GET | Method::HEAD);
        let is_marked = route.path.starts_with("/{org}/{app}/instances");
        assert_eq!(route.forgery == Forgery::Checked, is_change && is_marked, "{} {}", route.method, route.path);
    }
}
