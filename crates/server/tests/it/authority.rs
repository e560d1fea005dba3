//! `mottak serve` with `[authentication]`: it gives tokens, and says why it would not.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use mottak_service::authentication::{SigningKey, TokenIssuer};
use serde_json::{Value, json};

use crate::running::{Running, example, mottak, run, said};

const PLATFORM: &str = "https://platform.example.no";
const MASKINPORTEN: &str = "https://maskinporten.example/";
const CONFIGURATION: &str = "/authentication/api/v1/openid/.well-known/openid-configuration";

/// The start of a configuration that gives tokens.
fn configuration(platform_url: &str) -> String {
    let apps = example();
    let platform = if platform_url.is_empty() { String::new() } else { format!("platform-url = '{platform_url}'\n") };
    format!(
        "apps = ['{}']\nlisten = '127.0.0.1:0'\ndata = 'data'\n{platform}\n[authentication]\nowners = 'owners.json'\n\n\
         [[authentication.providers]]\nprovider = 'maskinporten'\nissuer = '{MASKINPORTEN}'\njwks = 'jwks.json'\n",
        apps.display()
    )
}

/// A folder with a configuration and what it names.
fn folder(configuration: &str, provider: &SigningKey) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a writable folder");
    write("mottak.toml", configuration);
    write("jwks.json", &provider.jwks().to_string());
    write("owners.json", &json!({"orgs": {"ttd": {"orgnr": "405003309"}}}).to_string());
    folder
}

fn serve(folder: &Path) -> std::process::Command {
    let mut command = mottak();
    command.arg("serve").env("MOTTAK_CONFIG", folder.join("mottak.toml"));
    command
}

#[tokio::test]
async fn a_token_of_a_provider_becomes_one_of_ours_that_is_believed() {
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let folder = folder(&configuration(PLATFORM), &key);
    let command = serve(folder.path());
    let server = Running::start(command, folder);
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the real time")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let Value::Object(claims) = json!({
        "scope": "altinn:serviceowner/instances.read",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:405003309"},
        "iat": now, "exp": now + 120,
    }) else {
        unreachable!("an object was written")
    };
    let upstream = TokenIssuer::new(MASKINPORTEN, key).issue(claims);
    let get = async |path: &str, token: &str| server.get(path).bearer_auth(token).send().await.expect("an answer");
    let list = "/storage/api/v1/instances?org=ttd";
    assert_eq!(get(list, &upstream).await.status(), 401);
    let exchanged = get("/authentication/api/v1/exchange/maskinporten", &upstream).await;
    assert_eq!(exchanged.status(), 200);
    let token = exchanged.text().await.expect("a token");
    assert_eq!(get(list, &token).await.status(), 200);
    let renewed = get("/authentication/api/v1/refresh", &token).await.text().await.expect("a token");
    assert_eq!(get(list, &renewed).await.status(), 200);

    let configuration: Value = serde_json::from_str(&server.text(CONFIGURATION).await).expect("JSON");
    assert_eq!(configuration["issuer"], format!("{PLATFORM}/authentication/api/v1/openid/"));
    let keys = server.text(&format!("{CONFIGURATION}/jwks")).await;

    // The key outlives the process.
    let folder = server.kill();
    let command = serve(folder.path());
    let server = Running::start(command, folder);
    assert_eq!(server.text(&format!("{CONFIGURATION}/jwks")).await, keys);
}

#[test]
fn what_would_give_tokens_in_a_wrong_name_does_not_start() {
    let key = SigningKey::generate().expect("a key");
    let same = format!(
        "{}\n[[issuers]]\nissuer = '{PLATFORM}/authentication/api/v1/openid/'\njwks = 'jwks.json'\n",
        configuration(PLATFORM)
    );
    let unknown = configuration(PLATFORM).replace("'maskinporten'", "'somebody'");
    let open = configuration("http://platform.example.no").replace("127.0.0.1:0", "0.0.0.0:0");
    for (configuration, reason) in [
        (configuration(""), "set platform-url as well"),
        (same, "is this server itself"),
        (unknown, "no provider of tokens is called somebody"),
        (open, "tokens are given over https alone"),
    ] {
        let folder = folder(&configuration, &key);
        let output = run(&mut serve(folder.path()));
        assert!(!output.status.success(), "{reason}");
        assert!(said(&output.stderr).contains(reason), "{}", said(&output.stderr));
    }
}

#[tokio::test]
async fn without_it_no_tokens_are_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = mottak();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data")).arg(example());
    let server = Running::start(command, folder);
    for path in ["/authentication/api/v1/exchange/maskinporten", "/authentication/api/v1/refresh", CONFIGURATION] {
        assert_eq!(server.status(path).await, 404, "{path}");
    }
}
