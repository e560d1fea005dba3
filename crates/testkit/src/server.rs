//! The server under test.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use mottak_apps::{Apps, LoadOptions};
use mottak_model::Time;
use mottak_service::authentication::{
    Authority, KeyRing, OwnerCodes, PublicKeys, SigningKey, Takes, TestTokens, TokenIssuer, TokenVerifier,
    TrustedIssuer,
};
use mottak_service::ports::{Clock, FileScanner, RandomIds, Register, Store, SystemClock};
use mottak_service::{MetricsKey, Service, Settings};
use mottak_store::register::TestRegister;
use mottak_web::antiforgery::Antiforgery;
use mottak_web::local::{self, GeneratorLogin, LocalApps, LocalState, TestIdentities};
use mottak_web::server::Server;
use mottak_web::{WebParts, WebState};
use serde_json::{Map, Value, json};

use crate::backing::{Backing, Room};
use crate::client::Client;

const ISSUER: &str = "https://platform.example.no/authentication/api/v1/openid/";

/// Code and organisation number of application owners.
const OWNERS: [(&str, &str); 2] = [("digdir", "991825827"), ("ttd", "405003309")];

/// Making an RSA key takes long in a debug build, so all tests of a process share one.
static KEY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate().expect("a key can be made on any machine")));

/// A server in this process.
#[derive(Clone, Debug)]
pub struct TestServer {
    server: Server,
    web: WebState,
    issuer: TokenIssuer,
    clock: Arc<dyn Clock>,
    /// For tests that look behind HTTP or put things there that no request makes.
    pub service: Arc<Service>,
    /// Goes last.
    _room: Arc<Room>,
}

/// A server to be.
#[derive(Debug)]
pub struct TestServerBuilder {
    apps: Vec<PathBuf>,
    load: LoadOptions,
    backing: Backing,
    store: Option<Arc<dyn Store>>,
    register: Arc<dyn Register>,
    clock: Arc<dyn Clock>,
    is_production: bool,
    with_local: bool,
    scanner: Option<Arc<dyn FileScanner>>,
    metrics_key: Option<MetricsKey>,
    keys: KeyRing,
    trusted: Vec<TrustedIssuer>,
}

impl TestServer {
    /// A server to be, with our example apps and test persons, in memory.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder {
            apps: example_apps(),
            load: LoadOptions::serving(),
            backing: Backing::default(),
            store: None,
            register: Arc::new(TestRegister::builtin()),
            clock: Arc::new(SystemClock),
            is_production: false,
            with_local: false,
            scanner: None,
            metrics_key: None,
            keys: KeyRing::of(Arc::clone(&KEY)),
            trusted: Vec::new(),
        }
    }

    /// A server with our example apps and test persons, in memory.
    pub fn with_example_apps() -> Self {
        Self::builder().build()
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.server.clone(), None)
    }

    /// A test person with authentication level 2.
    pub fn user(&self, user: i32) -> Client {
        self.user_at_level(user, 2)
    }

    /// A test person.
    pub fn user_at_level(&self, user: i32, level: u8) -> Client {
        let profile = self.service.register.profile(user).ok().flatten();
        let party = profile.as_ref().map_or(0, |profile| profile.party_id.get());
        let mut claims = json!({
            "urn:altinn:userid": user.to_string(),
            "urn:altinn:partyid": party,
            "urn:altinn:authlevel": level,
            "urn:altinn:authenticatemethod": "BankID",
            "scope": "altinn:portal/enduser",
        });
        if let Some(uuid) = profile.and_then(|profile| profile.user_uuid) {
            claims["urn:altinn:party:uuid"] = json!(uuid);
        }
        self.with_claims(claims)
    }

    /// An application owner with the scopes owners have.
    pub fn owner(&self, org: &str, org_number: &str) -> Client {
        self.owner_with_scope(org, org_number, "altinn:serviceowner/instances.read altinn:serviceowner/instances.write")
    }

    /// An application owner.
    pub fn owner_with_scope(&self, org: &str, org_number: &str, scope: &str) -> Client {
        self.with_claims(json!({
            "urn:altinn:org": org,
            "urn:altinn:orgNumber": org_number,
            "urn:altinn:authlevel": 3,
            "urn:altinn:authenticatemethod": "maskinporten",
            "scope": scope,
        }))
    }

    /// The owner of the example apps.
    pub fn ttd(&self) -> Client {
        self.owner("ttd", "405003309")
    }

    /// An organisation that owns no apps.
    pub fn organisation(&self, number: &str) -> Client {
        self.with_claims(json!({
            "urn:altinn:orgNumber": number,
            "urn:altinn:authlevel": 3,
            "urn:altinn:authenticatemethod": "maskinporten",
            "scope": "altinn:instances.read altinn:instances.write",
        }))
    }

    /// The system user of the test data, acting for party 500700.
    pub fn system_user(&self) -> Client {
        self.with_claims(json!({
            "authorization_details": {
                "type": "urn:altinn:systemuser",
                "systemuser_id": ["d111dbab-d619-4f15-bf29-58fe570a9ae6"],
                "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": "0192:950474084"},
                "system_id": "913312465_sbs",
            },
            "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:913312465"},
            "urn:altinn:orgNumber": "913312465",
            "urn:altinn:authlevel": 3,
            "urn:altinn:authenticatemethod": "maskinporten",
            "scope": "altinn:instances.read altinn:instances.write",
        }))
    }

    /// A part of the platform (issuer `platform`) or an app's own backend (`ttd`), known by its platform access token
    /// alone.
    pub fn platform_component(&self, issuer: &str) -> Client {
        self.anonymous().with_component_token(self.component_token(issuer, 300))
    }

    /// A platform access token that is good for so many seconds.
    pub fn component_token(&self, issuer: &str, seconds: i64) -> String {
        let now = self.clock.now().unix_seconds();
        let claims = json!({
            "urn:altinn:app": "filescan",
            "aud": "platform.altinn.no",
            "iat": now.min(now + seconds) - 5, "nbf": now.min(now + seconds) - 5, "exp": now + seconds,
        });
        let Value::Object(claims) = claims else { unreachable!("claims are an object") };
        TokenIssuer::new(issuer, Arc::clone(&KEY)).issue(claims)
    }

    /// A test person whose token is no longer good.
    pub fn expired_user(&self, user: i32) -> Client {
        let now = self.clock.now().unix_seconds();
        let claims = json!({
            "urn:altinn:userid": user.to_string(),
            "urn:altinn:partyid": 501_337,
            "urn:altinn:authlevel": 2,
            "urn:altinn:authenticatemethod": "BankID",
            "iat": now - 7200, "nbf": now - 7200, "exp": now - 3600,
        });
        Client::new(self.server.clone(), Some(self.token(claims)))
    }

    /// Anybody these claims describe, with a token that is good for half an hour.
    pub fn with_claims(&self, claims: Value) -> Client {
        Client::new(self.server.clone(), Some(self.token(claims)))
    }

    /// A token with these claims; times are added where there are none.
    pub fn token(&self, claims: Value) -> String {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let now = self.clock.now().unix_seconds();
        let mut whole = Map::new();
        for (name, value) in [("iat", now), ("nbf", now), ("exp", now + 1800)] {
            whole.insert(name.to_owned(), json!(value));
        }
        whole.extend(claims);
        self.issuer.issue(whole)
    }

    /// Does what commits left to do, as far as it is due by the server's clock. Answers how many jobs there were.
    pub async fn run_jobs(&self) -> usize {
        let mut count = 0;
        loop {
            match mottak_service::jobs::run_due(&self.service).await {
                Ok(0) => return count,
                Ok(more) => count += more,
                Err(refusal) => panic!("jobs cannot be taken: {refusal:?}"),
            }
        }
    }

    /// Gives the server other keys to sign with.
    pub fn replace_keys(&self, keys: KeyRing) {
        self.web.replace_keys(keys);
    }

    /// A client that shows this token, whatever it is.
    pub fn with_token(&self, token: impl Into<String>) -> Client {
        Client::new(self.server.clone(), Some(token.into()))
    }

    /// The time the server goes by.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Every declared route.
    pub fn routes(&self) -> &[mottak_web::routes::Route] {
        self.server.table()
    }
}

impl TestServerBuilder {
    /// These apps in place of the examples: repositories or `App` folders.
    #[must_use]
    pub fn apps(mut self, apps: impl IntoIterator<Item = PathBuf>) -> Self {
        self.apps = apps.into_iter().collect();
        self
    }

    /// How the apps are loaded.
    #[must_use]
    pub fn load_options(mut self, load: LoadOptions) -> Self {
        self.load = load;
        self
    }

    /// Where things are kept.
    #[must_use]
    pub fn backing(mut self, backing: Backing) -> Self {
        self.backing = backing;
        self
    }

    /// A store of the test's own, such as one that fails.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Other persons, organisations and roles.
    #[must_use]
    pub fn register(mut self, register: impl Register) -> Self {
        self.register = Arc::new(register);
        self
    }

    /// Another clock, for answers that are the same every time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With the rules that only hold in production.
    #[must_use]
    pub fn in_production(mut self) -> Self {
        self.is_production = true;
        self
    }

    /// With the development logins, as `mottak dev` has them.
    #[must_use]
    pub fn with_local(mut self) -> Self {
        self.with_local = true;
        self
    }

    /// With uploaded files looked at by this scanner.
    #[must_use]
    pub fn scanner(mut self, scanner: impl FileScanner) -> Self {
        self.scanner = Some(Arc::new(scanner));
        self
    }

    /// With figures of use for whoever shows this key.
    #[must_use]
    pub fn metrics_key(mut self, key: &str) -> Self {
        self.metrics_key = MetricsKey::new(key);
        self
    }

    /// With these keys to sign with, in place of the one that all tests share.
    #[must_use]
    pub fn signing_keys(mut self, keys: KeyRing) -> Self {
        self.keys = keys;
        self
    }

    /// With tokens of these issuers taken beside its own.
    #[must_use]
    pub fn trusting(mut self, issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        self.trusted.extend(issuers);
        self
    }

    /// Starts the server. Panics when an app does not load.
    pub fn build(self) -> TestServer {
        let (apps, found) = Apps::load_with(&self.apps, self.load);
        for (folder, problems) in found {
            let errors: Vec<String> = problems.iter().filter(|p| p.is_error()).map(ToString::to_string).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", folder.display());
        }
        let apps = Arc::new(apps);
        let (store, room) = match self.store {
            Some(store) => (store, Room::default()),
            None => self.backing.open(&self.clock),
        };
        let issuer = TokenIssuer::with_ring(ISSUER, self.keys);
        let own_keys = issuer.ring().public_keys(self.clock.now());
        let test_tokens = if self.is_production { TestTokens::Refused } else { TestTokens::Accepted };
        let verifier = || {
            let issuers = trusted_issuers(own_keys.clone()).into_iter().chain(self.trusted.iter().cloned());
            TokenVerifier::new(issuers.collect(), test_tokens)
        };
        let settings = Settings {
            platform_url: "https://platform.example.no".to_owned(),
            is_production: self.is_production,
            metrics_key: self.metrics_key,
            ..Settings::default()
        };
        let register = self.register;
        let service = Service::new(
            Arc::clone(&apps),
            store,
            Arc::clone(&register),
            Arc::clone(&self.clock),
            Arc::new(RandomIds),
            settings,
        );
        let service = Arc::new(match self.scanner {
            Some(scanner) => service.with_scanner(scanner),
            None => service,
        });
        let state = WebState::new(WebParts {
            service: Arc::clone(&service),
            verifier: verifier(),
            antiforgery: Antiforgery::generate(),
            authority: Some(Authority::new(issuer.clone(), OwnerCodes::new(OWNERS))),
        });
        let local = self.with_local.then(|| {
            local::router(LocalState {
                issuer: issuer.clone(),
                components: LocalState::COMPONENTS.map(|name| TokenIssuer::new(name, Arc::clone(&KEY))).into(),
                generator_login: GeneratorLogin::default(),
                verifier: Arc::new(verifier()),
                register,
                clock: Arc::clone(&self.clock),
                ids: Arc::new(RandomIds),
                identities: Arc::new(TestIdentities::default()),
                apps: Arc::clone(&apps) as Arc<dyn LocalApps>,
                public_url: "http://localhost".into(),
                hosts: LocalState::HOSTS.into_iter().map(str::to_owned).collect(),
            })
        });
        let server = Server::new(state.clone(), local);
        TestServer { server, web: state, issuer, clock: self.clock, service, _room: Arc::new(room) }
    }
}

/// Our own issuer with its keys, and those of platform access tokens.
fn trusted_issuers(keys: PublicKeys) -> Vec<TrustedIssuer> {
    let component = |issuer: &str| TrustedIssuer {
        issuer: issuer.to_owned(),
        keys: PublicKeys::of(&KEY),
        takes: Takes::Components,
    };
    let own = TrustedIssuer { issuer: ISSUER.to_owned(), keys, takes: Takes::Everything };
    LocalState::COMPONENTS.map(component).into_iter().chain([own]).collect()
}

fn example_apps() -> Vec<PathBuf> {
    let folder = mottak_testing::repository_root().join("apps");
    ["kulturstotte", "skjenkebevilling"].into_iter().map(|app| folder.join(app)).collect()
}
