//! What handlers take from a request: the caller, the app, ids in the path, parameters of the query.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use mottak_apps::App;
use mottak_model::{AppId, Guid, InstanceId, PartyId};
use mottak_service::authentication::Caller;
use mottak_service::data::ElementId;
use mottak_service::refusal::ProblemKind;
use mottak_service::{Problem, Refusal};

use crate::WebState;
use crate::refusal::Refused;
use crate::response::empty;

/// The caller, as the gate of the route identified them.
#[derive(Clone, Debug)]
pub(crate) struct Who(pub(crate) Caller);

impl FromRequestParts<WebState> for Who {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Response> {
        Ok(Self(parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::anonymous)))
    }
}

/// The app of the path. One that is not here is a 404.
#[derive(Clone, Debug)]
pub(crate) struct OfApp(pub(crate) Arc<App>);

impl FromRequestParts<WebState> for OfApp {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        let path = parameters(parts, web).await?;
        let (org, app) = (path.text("org")?, path.text("app")?);
        web.service.app(org, app).map(Self).map_err(|refusal| Refused(refusal).into_response())
    }
}

/// The id of the application of the path, whether there is one or not.
#[derive(Clone, Debug)]
pub(crate) struct OfAppId(pub(crate) AppId);

impl FromRequestParts<WebState> for OfAppId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        let path = parameters(parts, web).await?;
        Ok(Self(AppId::new(path.text("org")?, path.text("app")?)))
    }
}

/// The code of an application owner in the path, whether there is one or not.
#[derive(Clone, Debug)]
pub(crate) struct OfOrg(pub(crate) String);

impl FromRequestParts<WebState> for OfOrg {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        Ok(Self(parameters(parts, web).await?.text("org")?.to_owned()))
    }
}

/// What stands for a language in the path.
#[derive(Clone, Debug)]
pub(crate) struct OfLanguage(pub(crate) String);

impl FromRequestParts<WebState> for OfLanguage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        Ok(Self(parameters(parts, web).await?.text("language")?.to_owned()))
    }
}

/// The party of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfParty(pub(crate) PartyId);

impl FromRequestParts<WebState> for OfParty {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        parameters(parts, web).await?.party().map(Self)
    }
}

/// The instance of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfInstance(pub(crate) InstanceId);

impl FromRequestParts<WebState> for OfInstance {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        parameters(parts, web).await?.instance().map(Self)
    }
}

/// A guid of the path, of an instance whose owner is not named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfGuid(pub(crate) Guid);

impl FromRequestParts<WebState> for OfGuid {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        parameters(parts, web).await?.guid("guid").map(Self)
    }
}

/// The event of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfEvent(pub(crate) Guid);

impl FromRequestParts<WebState> for OfEvent {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        parameters(parts, web).await?.guid("event").map(Self)
    }
}

/// The data element of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfElement(pub(crate) ElementId);

impl FromRequestParts<WebState> for OfElement {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &WebState) -> Result<Self, Response> {
        let path = parameters(parts, web).await?;
        Ok(Self(ElementId { instance: path.instance()?, element: path.guid("data")? }))
    }
}

struct Parameters(RawPathParams);

async fn parameters(parts: &mut Parts, web: &WebState) -> Result<Parameters, Response> {
    RawPathParams::from_request_parts(parts, web).await.map(Parameters).map_err(|_| empty(StatusCode::NOT_FOUND))
}

impl Parameters {
    fn text(&self, name: &str) -> Result<&str, Response> {
        let found = self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        found.ok_or_else(|| empty(StatusCode::NOT_FOUND))
    }

    fn party(&self) -> Result<PartyId, Response> {
        self.text("party")?.parse().map_err(|_| empty(StatusCode::NOT_FOUND))
    }

    /// A value that is no GUID names no route (platform-storage §0.1).
    fn guid(&self, name: &str) -> Result<Guid, Response> {
        guid_of(self.text(name)?).ok_or_else(|| empty(StatusCode::NOT_FOUND))
    }

    fn instance(&self) -> Result<InstanceId, Response> {
        Ok(InstanceId::new(self.party()?, self.guid("guid")?))
    }
}

/// A GUID in any of the forms that clients of the original may use.
pub(crate) fn guid_of(text: &str) -> Option<Guid> {
    let bare = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    Guid::try_parse(bare).ok()
}

/// The parameters of the query, in order, decoded. Names are looked up without regard to case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<WebState> for Query {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Query {
    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All parameters.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A boolean parameter; what is none is the client's mistake.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.first(name).map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(invalid_member(name, format!("The value '{text}' is not valid."))),
        }
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i32>, Refused> {
        match self.first(name).map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(invalid_member(name, format!("The value '{text}' is not valid."))),
            },
        }
    }

    /// A list with commas between; none when the parameter is not there at all. Blanks around entries do not count.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.first(name)?;
        Some(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }
}

/// A refusal that names one member of the request.
pub(crate) fn invalid_member(name: &str, message: impl Into<String>) -> Refused {
    Refused(Refusal::Invalid(Problem {
        kind: ProblemKind::Members(vec![(name.to_owned(), vec![message.into()])]),
        ..Problem::default()
    }))
}
