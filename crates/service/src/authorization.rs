//! Who may do what: one question to the app's own policy, enriched with what the platform knows.
//!
//! Deny by default. The resource is always described from the stored instance, never from what a caller says about it
//! (platform-authorization §4 and §5).

use mottak_apps::App;
use mottak_model::{Instance, InstanceId, PartyId};
use mottak_policy::{CallerKind, Policy, Request};

use crate::authentication::{Caller, Identity};
use crate::{Missing, Refusal, Service};

const ROLE_CODE: &str = "urn:altinn:rolecode";

/// What an action is to be performed on.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    pub app: &'a App,
    /// Who owns the instance; `None` for questions about the app as a whole.
    pub party: Option<PartyId>,
    pub instance: Option<&'a Instance>,
    /// The task asked about, where it is not the instance's current one.
    pub task: Option<&'a str>,
}

impl<'a> Resource<'a> {
    /// The stored instance in its current task, or at its end event.
    pub fn instance(app: &'a App, instance: &'a Instance) -> Self {
        Self { app, party: Some(instance.id.party), instance: Some(instance), task: None }
    }

    /// A party's instances of an app, none in particular.
    pub fn party(app: &'a App, party: PartyId) -> Self {
        Self { app, party: Some(party), instance: None, task: None }
    }

    /// The app, whoever the party.
    pub fn app(app: &'a App) -> Self {
        Self { app, party: None, instance: None, task: None }
    }
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Permitted,
    Denied,
    /// The policy permits it to a caller with a higher authentication level.
    LevelTooLow {
        required: u8,
        is_org_level: bool,
    },
}

impl Access {
    /// Whether the action may be performed.
    pub fn is_permitted(self) -> bool {
        self == Self::Permitted
    }

    /// The refusal for an action that may not be performed.
    pub fn require(self, action: &str) -> Result<(), Refusal> {
        match self {
            Self::Permitted => Ok(()),
            Self::Denied => Err(Refusal::forbidden(action)),
            Self::LevelTooLow { required, is_org_level } => Err(Refusal::Forbidden(Missing {
                action: Some(action.to_owned()),
                level: Some(required),
                is_org_level,
                ..Missing::default()
            })),
        }
    }
}

impl Service {
    /// Whether the caller may perform the action on the resource.
    pub fn access(&self, caller: &Caller, action: &str, resource: Resource<'_>) -> Result<Access, Refusal> {
        match caller.identity() {
            Identity::Anonymous => return Err(Refusal::Unauthenticated),
            Identity::SystemUser(system_user) => return self.system_user_access(system_user.id, action, resource),
            _ => {}
        }
        let policy = &resource.app.policy;
        let request = self.request(caller, action, resource, policy)?;
        let decision = policy.decide(&request);
        if !decision.is_permit() {
            return Ok(Access::Denied);
        }
        let kind = match caller.identity() {
            Identity::ServiceOwner { .. } => CallerKind::ServiceOwner,
            _ => CallerKind::EndUser,
        };
        Ok(match decision.required_authentication_level(kind, caller.level()) {
            None => Access::Permitted,
            Some(required) => Access::LevelTooLow { required, is_org_level: kind == CallerKind::ServiceOwner },
        })
    }

    /// Refuses unless the caller may perform the action on the resource.
    pub fn authorize(&self, caller: &Caller, action: &str, resource: Resource<'_>) -> Result<(), Refusal> {
        self.access(caller, action, resource)?.require(action)
    }

    /// Refuses unless the caller may perform the action on an instance of the app. An unknown one is one nobody may use.
    pub async fn authorize_on(&self, caller: &Caller, action: &str, app: &App, id: InstanceId) -> Result<(), Refusal> {
        crate::data::load_for(self, caller, app, id, action).await.map(drop)
    }

    /// A system user has the actions its customer granted it, on what the customer owns
    /// (platform-authorization §4.6).
    fn system_user_access(
        &self,
        id: mottak_model::Guid,
        action: &str,
        resource: Resource<'_>,
    ) -> Result<Access, Refusal> {
        let Some(party) = resource.party else { return Ok(Access::Denied) };
        let Some(system_user) = self.register.system_user(id)? else { return Ok(Access::Denied) };
        let owner = self.register.party_by_org_number(&system_user.org_number)?;
        let is_owner = owner.is_some_and(|owner| owner.party_id == party);
        let is_granted = system_user.actions.iter().any(|granted| granted.eq_ignore_ascii_case(action));
        let app = &resource.app.id;
        let is_of_app = system_user.apps.as_ref().is_none_or(|apps| apps.contains(app));
        Ok(if is_owner && is_granted && is_of_app { Access::Permitted } else { Access::Denied })
    }

    fn request<'a>(
        &self,
        caller: &'a Caller,
        action: &'a str,
        resource: Resource<'a>,
        policy: &Policy,
    ) -> Result<Request<'a>, Refusal> {
        let app = &resource.app;
        let mut request = Request::new();
        for (id, value) in caller.policy_attributes() {
            request = request.subject(id.as_str(), value.as_str());
        }
        if let (Identity::User(user), Some(party)) = (caller.identity(), resource.party)
            && policy.mentions_subject(ROLE_CODE)
        {
            let roles = self.register.roles(user.user_id, party)?;
            // Policies match role codes in either case (platform-authorization §4.3).
            let cased = roles.iter().flat_map(|role| [role.to_ascii_uppercase(), role.to_ascii_lowercase()]);
            request = request.subject_bag(ROLE_CODE, cased);
        }
        request = request
            .action(action)
            .resource("urn:altinn:org", app.id.org())
            .resource("urn:altinn:app", app.id.app())
            .resource("urn:altinn:resource", format!("app_{}_{}", app.id.org(), app.id.app()));
        if let Some(party) = resource.party {
            request = request.resource("urn:altinn:partyid", party.to_string());
        }
        if let Some(instance) = resource.instance {
            request = request.resource("urn:altinn:instance-id", instance.id.to_string());
        }
        let process = resource.instance.and_then(|instance| instance.process.as_ref());
        let task = resource.task.or_else(|| process?.current_task_id());
        if let Some(task) = task {
            request = request.resource("urn:altinn:task", task);
        } else if let Some(end_event) = process.and_then(|process| process.end_event.as_deref()) {
            request = request.resource("urn:altinn:end-event", end_event);
        }
        Ok(request)
    }
}
