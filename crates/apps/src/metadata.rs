//! `config/applicationmetadata.json`: typed for the server, and as the two documents clients see.
//!
//! Contract: app-api §13.1, §21.10; platform-storage §1.10.

use std::collections::HashSet;

use bytes::Bytes;
use mottak_model::{AppId, Application};
use serde_json::{Value, json};

use crate::files::AppFiles;
use crate::json::{JsonFile, Original, to_bytes};
use crate::problem::{Place, Problems};
use crate::shape::{Absent, Member, NullsInStorage, ObjectShape, Others, Shape, complete, conform, member, stored};

pub(crate) const PATH: &str = "config/applicationmetadata.json";

/// The version of the app library that the frontend is told it talks to: it turns features on by it. The highest one
/// that does not make the payment page wait for the server (app-api §21.10).
pub(crate) const ALTINN_NUGET_VERSION: &str = "8.9.0.225";

/// What the metadata file says.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) application: Application,
    file: JsonFile,
    /// The document with the names of the tables.
    document: Value,
}

/// The metadata as clients see it.
#[derive(Clone, Debug)]
pub struct MetadataDocuments {
    /// The application API's form: nulls written, unknown members of the root kept, what the server adds included.
    pub app_api: Bytes,
    /// The Storage API's form: nulls left out, unknown members too.
    pub storage: Bytes,
}

impl Metadata {
    pub(crate) fn read(files: &AppFiles, problems: &mut Problems) -> Option<Self> {
        let Some(bytes) = files.get(PATH) else {
            problems.error(Place::file(PATH), "the file is missing");
            return None;
        };
        let file = JsonFile::read(PATH, bytes, Original::TrailingCommas, problems)?;
        let document = conform(&file, &Shape::Object(&APPLICATION), problems)?;
        check(&file, &document, problems);
        let application = match serde_json::from_value::<Application>(with_org(document.clone())) {
            Ok(application) => application,
            Err(_) if problems.has_errors() => return None,
            Err(error) => {
                problems.error(file.place(""), error.to_string());
                return None;
            }
        };
        Some(Self { application, file, document })
    }

    /// The place of what a JSON pointer names in the file.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        self.file.place(pointer)
    }

    /// The place of a member of a data type.
    pub(crate) fn place_in_data_type(&self, id: &str, member: &str) -> Place {
        let at = self.application.data_types.iter().position(|data_type| data_type.id == id);
        let at = at.map_or_else(String::new, |at| format!("/{at}/{member}"));
        self.file.place(&format!("/dataTypes{at}"))
    }

    pub(crate) fn documents(&self, json_object_in_data_response: bool) -> MetadataDocuments {
        let mut document = complete(&self.document, &Shape::Object(&APPLICATION));
        if let Value::Object(members) = &mut document {
            let features = json!({
                "footer": true,
                "processActions": true,
                "jsonObjectInDataResponse": json_object_in_data_response,
            });
            members.insert("features".to_owned(), features);
            members.insert("altinnNugetVersion".to_owned(), ALTINN_NUGET_VERSION.into());
            members.insert("externalApiIds".to_owned(), json!([]));
        }
        MetadataDocuments { app_api: to_bytes(&document), storage: to_bytes(&self.storage_document()) }
    }

    fn storage_document(&self) -> Value {
        let mut document = stored(&self.document, &Shape::Object(&APPLICATION));
        if let Some(members) = document.as_object_mut() {
            members.remove("logo");
            if let Some(on_entry) = members.get_mut("onEntry").and_then(Value::as_object_mut) {
                on_entry.remove("instanceSelection");
            }
        }
        document
    }
}

fn check(file: &JsonFile, document: &Value, problems: &mut Problems) {
    if let Some(id) = document.get("id").and_then(Value::as_str) {
        match id.parse::<AppId>() {
            Err(_) => problems.error(file.place("/id"), format!("`{id}` is not of the form `org/app`")),
            Ok(id) => {
                let org = document.get("org").and_then(Value::as_str);
                if let Some(org) = org.filter(|org| *org != id.org()) {
                    problems.warn(file.place("/org"), format!("`org` is `{org}`, but the id says `{}`", id.org()));
                }
            }
        }
    }
    let mut seen = HashSet::new();
    let data_types = document.get("dataTypes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, data_type) in data_types.iter().enumerate() {
        let Some(id) = data_type.get("id").and_then(Value::as_str) else { continue };
        if !seen.insert(id) {
            problems.error(file.place(&format!("/dataTypes/{at}/id")), format!("two data types have the id `{id}`"));
        }
    }
}

/// `org` is what the id says when the file does not.
fn with_org(mut document: Value) -> Value {
    if document.get("org").is_none() {
        let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
        let org = id.split('/').next().unwrap_or_default().to_owned();
        if let Some(members) = document.as_object_mut() {
            members.insert("org".to_owned(), org.into());
        }
    }
    document
}

const TEXT_BY_LANGUAGE: Shape = Shape::Map(&Shape::Text);
const TEXTS: Shape = Shape::List(&Shape::Text);

const APPLICATION: ObjectShape = ObjectShape {
    members: &[
        member("id", Shape::Text, Absent::Refused),
        member("versionId", Shape::Text, Absent::Null),
        member("org", Shape::Text, Absent::Null),
        member("title", TEXT_BY_LANGUAGE, Absent::Null),
        member("validFrom", Shape::Moment, Absent::Null),
        member("validTo", Shape::Moment, Absent::Null),
        member("processId", Shape::Text, Absent::Null),
        member("dataTypes", Shape::List(&Shape::Object(&DATA_TYPE)), Absent::EmptyList),
        member("partyTypesAllowed", Shape::Object(&PARTY_TYPES_ALLOWED), Absent::Null),
        member("autoDeleteOnProcessEnd", Shape::Bool, Absent::False),
        member("preventInstanceDeletionForDays", Shape::Integer, Absent::Null),
        member("presentationFields", DATA_FIELDS, Absent::Null),
        member("dataFields", DATA_FIELDS, Absent::Null),
        member("eFormidling", Shape::Object(&E_FORMIDLING), Absent::Null),
        member("onEntry", Shape::Object(&ON_ENTRY), Absent::Null),
        member("logo", Shape::Object(&LOGO), Absent::Null),
        member("messageBoxConfig", Shape::Object(&MESSAGE_BOX_CONFIG), Absent::Null),
        member("copyInstanceSettings", Shape::Object(&COPY_INSTANCE_SETTINGS), Absent::Null),
        member("apiScopes", Shape::Object(&API_SCOPES_CONFIGURATION), Absent::Null),
        member("storageAccountNumber", Shape::Integer, Absent::Null),
        member("disallowUserInstantiation", Shape::Bool, Absent::False),
        member("homepage", Shape::Text, Absent::Null),
        member("keywords", Shape::List(&Shape::Object(&KEYWORD)), Absent::Null),
        member("description", TEXT_BY_LANGUAGE, Absent::Null),
        member("access", Shape::Object(&ACCESS), Absent::Null),
        member("contactPoints", Shape::List(&Shape::Object(&CONTACT_POINT)), Absent::Null),
        member("created", Shape::Moment, Absent::Null),
        member("createdBy", Shape::Text, Absent::Null),
        member("lastChanged", Shape::Moment, Absent::Null),
        member("lastChangedBy", Shape::Text, Absent::Null),
    ],
    others: Others::Kept,
    nulls_in_storage: NullsInStorage::Omitted,
};

const DATA_TYPE: ObjectShape = omitting_nulls(&[
    member("id", Shape::Text, Absent::Refused),
    member("description", TEXT_BY_LANGUAGE, Absent::Null),
    member("allowedContentTypes", TEXTS, Absent::Null),
    member("allowedContributers", TEXTS, Absent::Null),
    member("allowedContributors", TEXTS, Absent::Null),
    member("actionRequiredToRead", Shape::Text, Absent::Null),
    member("actionRequiredToWrite", Shape::Text, Absent::Null),
    member("appLogic", Shape::Object(&APP_LOGIC), Absent::Null),
    member("taskId", Shape::Text, Absent::Null),
    member("maxSize", Shape::Integer, Absent::Null),
    member("maxCount", Shape::Integer, Absent::Zero),
    member("minCount", Shape::Integer, Absent::Zero),
    member("grouping", Shape::Text, Absent::Null),
    member("enablePdfCreation", Shape::Bool, Absent::True),
    member("enableFileScan", Shape::Bool, Absent::False),
    member("validationErrorOnPendingFileScan", Shape::Bool, Absent::False),
    member("enabledFileAnalysers", TEXTS, Absent::EmptyList),
    member("enabledFileValidators", TEXTS, Absent::EmptyList),
    member("allowedKeysForUserDefinedMetadata", TEXTS, Absent::Null),
]);

const APP_LOGIC: ObjectShape = omitting_nulls(&[
    member("autoCreate", Shape::Bool, Absent::Null),
    member("classRef", Shape::Text, Absent::Null),
    member("schemaRef", Shape::Text, Absent::Null),
    member("allowAnonymousOnStateless", Shape::Bool, Absent::False),
    member("autoDeleteOnProcessEnd", Shape::Bool, Absent::False),
    member("disallowUserCreate", Shape::Bool, Absent::False),
    member("disallowUserDelete", Shape::Bool, Absent::False),
    member("shadowFields", Shape::Object(&SHADOW_FIELDS), Absent::Null),
]);

const SHADOW_FIELDS: ObjectShape =
    omitting_nulls(&[member("prefix", Shape::Text, Absent::Null), member("saveToDataType", Shape::Text, Absent::Null)]);

const PARTY_TYPES_ALLOWED: ObjectShape = omitting_nulls(&[
    member("bankruptcyEstate", Shape::Bool, Absent::False),
    member("organisation", Shape::Bool, Absent::False),
    member("person", Shape::Bool, Absent::False),
    member("subUnit", Shape::Bool, Absent::False),
]);

const DATA_FIELDS: Shape = Shape::List(&Shape::Object(&ObjectShape {
    members: &[
        member("id", Shape::Text, Absent::Null),
        member("path", Shape::Text, Absent::Null),
        member("dataTypeId", Shape::Text, Absent::Null),
    ],
    others: Others::Dropped,
    nulls_in_storage: NullsInStorage::Written,
}));

const E_FORMIDLING: ObjectShape = omitting_nulls(&[
    member("serviceId", Shape::Text, Absent::Null),
    member("dpfShipmentType", Shape::Text, Absent::Null),
    member("receiver", Shape::Text, Absent::Null),
    member("sendAfterTaskId", Shape::Text, Absent::Null),
    member("process", Shape::Text, Absent::Null),
    member("standard", Shape::Text, Absent::Null),
    member("typeVersion", Shape::Text, Absent::Null),
    member("type", Shape::Text, Absent::Null),
    member("securityLevel", Shape::Integer, Absent::Null),
    member("dataTypes", TEXTS, Absent::Null),
]);

const ON_ENTRY: ObjectShape = ObjectShape {
    members: &[
        member("show", Shape::Text, Absent::Null),
        member("instanceSelection", Shape::Object(&INSTANCE_SELECTION), Absent::Null),
    ],
    others: Others::Dropped,
    nulls_in_storage: NullsInStorage::Written,
};

const INSTANCE_SELECTION: ObjectShape = omitting_nulls(&[
    member("rowsPerPageOptions", Shape::List(&Shape::Integer), Absent::Null),
    member("defaultRowsPerPage", Shape::Integer, Absent::Null),
    member("defaultSelectedOption", Shape::Integer, Absent::Null),
    member("sortDirection", Shape::Text, Absent::Null),
]);

const LOGO: ObjectShape = omitting_nulls(&[
    member("displayAppOwnerNameInHeader", Shape::Bool, Absent::False),
    member("source", Shape::Text, Absent::Null),
    member("size", Shape::Text, Absent::Text("small")),
]);

const MESSAGE_BOX_CONFIG: ObjectShape = omitting_nulls(&[
    member("hideSettings", Shape::Object(&HIDE_SETTINGS), Absent::Null),
    member("syncAdapterSettings", Shape::Object(&SYNC_ADAPTER_SETTINGS), Absent::Null),
]);

const HIDE_SETTINGS: ObjectShape =
    omitting_nulls(&[member("hideAlways", Shape::Bool, Absent::False), member("hideOnTask", TEXTS, Absent::Null)]);

const SYNC_ADAPTER_SETTINGS: ObjectShape = omitting_nulls(&[
    member("disableSync", Shape::Bool, Absent::False),
    member("enableUserSuppliedDialogId", Shape::Bool, Absent::False),
    member("disableCreate", Shape::Bool, Absent::False),
    member("disableDelete", Shape::Bool, Absent::False),
    member("disableAddActivities", Shape::Bool, Absent::False),
    member("disableAddTransmissions", Shape::Bool, Absent::False),
    member("disableSyncDueAt", Shape::Bool, Absent::False),
    member("disableSyncStatus", Shape::Bool, Absent::False),
    member("disableMarkCompletedWhenConfirmed", Shape::Bool, Absent::False),
    member("disableSyncContentTitle", Shape::Bool, Absent::False),
    member("disableSyncContentSummary", Shape::Bool, Absent::False),
    member("disableSyncContentAdditionalInformation", Shape::Bool, Absent::False),
    member("disableSyncContentExtendedStatus", Shape::Bool, Absent::False),
    member("disableSyncAttachments", Shape::Bool, Absent::False),
    member("disableSyncApiActions", Shape::Bool, Absent::False),
    member("disableSyncGuiActions", Shape::Bool, Absent::False),
]);

const COPY_INSTANCE_SETTINGS: ObjectShape = ObjectShape {
    members: &[
        member("enabled", Shape::Bool, Absent::False),
        member("excludedDataTypes", TEXTS, Absent::Null),
        member("excludedDataFields", TEXTS, Absent::Null),
        member("includeAttachments", Shape::Bool, Absent::False),
    ],
    others: Others::Dropped,
    nulls_in_storage: NullsInStorage::Written,
};

const API_SCOPES_CONFIGURATION: ObjectShape = omitting_nulls(&[
    member("users", Shape::Object(&API_SCOPES), Absent::Null),
    member("serviceOwners", Shape::Object(&API_SCOPES), Absent::Null),
    member("errorMessageTextResourceKey", Shape::Text, Absent::Null),
]);

const API_SCOPES: ObjectShape = ObjectShape {
    members: &[
        member("read", Shape::Text, Absent::Null),
        member("write", Shape::Text, Absent::Null),
        member("errorMessageTextResourceKey", Shape::Text, Absent::Null),
    ],
    others: Others::Dropped,
    nulls_in_storage: NullsInStorage::Written,
};

const KEYWORD: ObjectShape =
    omitting_nulls(&[member("word", Shape::Text, Absent::Null), member("language", Shape::Text, Absent::Null)]);

const ACCESS: ObjectShape = omitting_nulls(&[
    member("rightDescription", TEXT_BY_LANGUAGE, Absent::Null),
    member("delegable", Shape::Bool, Absent::False),
    member("visible", Shape::Bool, Absent::False),
]);

const CONTACT_POINT: ObjectShape = omitting_nulls(&[
    member("category", Shape::Text, Absent::Null),
    member("email", Shape::Text, Absent::Null),
    member("telephone", Shape::Text, Absent::Null),
    member("contactPage", Shape::Text, Absent::Null),
]);

const fn omitting_nulls(members: &'static [Member]) -> ObjectShape {
    ObjectShape { members, others: Others::Dropped, nulls_in_storage: NullsInStorage::Omitted }
}
