//! The nouns of the platform: instances, data elements, process state, events, applications, parties, and their exact JSON.
//!
//! Invariant: no I/O, no clock, no async. The `Serialize` implementations give the *storage* form of the contract
//! (camelCase, absent instead of `null`, enums by name); the application API's form is rendered from the same values
//! in `mottak-web`. Stored documents use the storage form too, so what is on disk reads like what clients see.
//!
//! Start with [`Instance`], [`DataElement`] and [`ProcessState`].
//!
//! ```
//! use mottak_model::{InstanceId, Time};
//! let id: InstanceId = "501337/6c0d0a1e-8f4a-4f53-9e0b-0f0f6a3a7f10".parse().unwrap();
//! assert_eq!(id.party.get(), 501_337);
//! assert_eq!(Time::parse("2024-03-01T12:34:56.5Z").unwrap().to_string(), "2024-03-01T12:34:56.5Z");
//! ```

mod application;
mod application_document;
mod data_element;
mod event;
mod id;
mod instance;
mod party;
mod process_state;
mod text_resource;
mod time;

pub use application::{
    ApiScopes, ApiScopesConfiguration, Application, ApplicationLogic, CopyInstanceSettings, DataField, DataType,
    HideSettings, MessageBoxConfig, OnEntry, PartyTypesAllowed, ShadowFields,
};
pub use application_document::{
    AppAccess, ApplicationDocument, ContactPoint, EFormidling, Keyword, MessageBoxDocument, SyncAdapterSettings,
};
pub use data_element::{
    DataElement, DeleteStatus, FileScanResult, KeyValueEntry, Reference, ReferenceRelation, ReferenceType,
};
pub use event::{InstanceEvent, PlatformUser, event_type};
pub use id::{AppId, Guid, IdError, InstanceId, PartyId};
pub use instance::{
    CompleteConfirmation, Instance, InstanceOwner, InstanceStatus, ReadStatus, ResourceLinks, Substatus,
};
pub use party::{Organization, Party, PartyType, Person, ProfileSettings, UserProfile};
pub use process_state::{FlowType, ProcessElement, ProcessState};
pub use text_resource::{TextElement, TextResource, TextVariable};
pub use time::{Time, TimeError};
