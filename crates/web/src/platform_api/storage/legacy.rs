//! What earlier systems called and this server does not do: every such address says what takes its place
//! (platform-storage §2.10).

use axum::http::Method;
use mottak_service::{Problem, Refusal};

use crate::refusal::Family::Storage;
use crate::refusal::Refused;
use crate::routes::Callers::Anyone;
use crate::routes::Routes;

/// Why an address is not served.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It did something that is over, or that happens by itself now.
    Gone(&'static str),
    /// It renders what is not kept here.
    Missing(&'static str),
}

use Answer::{Gone, Missing};

const BRIDGE: Answer = Gone(
    "Altinn 2 is off, and correspondence has no part in instances any more. Recipients and events of correspondence are \
     in the Correspondence API.",
);
const RENDERED: Answer = Missing(
    "Forms of Altinn 2 were not moved to this server, so none are rendered. What an instance holds is at \
     instances/{party}/{guid}/data/{dataGuid}.",
);
const MIGRATION: Answer = Gone(
    "The migration of Altinn 1 and 2 is over. Instances are made with POST instances, data with POST \
     instances/{party}/{guid}/data, and whole stores are moved with `mottak backup` and `mottak restore`.",
);
const CLEANUP: Answer =
    Gone("What was deleted is removed by a job of this server when its time has come; nobody has to ask for it.");

const ADDRESSES: [(Method, &str, Answer); 22] = [
    (Method::POST, "/storage/api/v1/sblbridge/correspondencerecipient", BRIDGE),
    (Method::POST, "/storage/api/v1/sblbridge/synccorrespondenceevent", BRIDGE),
    (Method::GET, "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/signature", RENDERED),
    (Method::GET, "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/payment", RENDERED),
    (Method::GET, "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/formdatapdf", RENDERED),
    (Method::GET, "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/formdatahtml", RENDERED),
    (
        Method::GET,
        "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/formdatahtml/{page}",
        RENDERED,
    ),
    (Method::GET, "/storage/api/v1/ondemand/{org}/{app}/{party}/{guid}/{data}/{language}/formsummaryhtml", RENDERED),
    (Method::POST, "/storage/api/v1/migration/instance", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/dataelement/{guid}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/instanceevents", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/application", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/text/{*rest}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/policy/{*rest}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/codelist/{*rest}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/pdfimage", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/xsl/{*rest}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/delete/{guid}", MIGRATION),
    (Method::POST, "/storage/api/v1/migration/pdfproxy", MIGRATION),
    (Method::DELETE, "/storage/api/v1/cleanup/cleanupinstances", CLEANUP),
    (Method::DELETE, "/storage/api/v1/cleanup/cleanupdataelements", CLEANUP),
    (Method::DELETE, "/storage/api/v1/cleanup/cleanupinstancesforapp/{*rest}", CLEANUP),
];

/// The routes of what is not done here.
pub(super) fn routes(routes: Routes) -> Routes {
    ADDRESSES.into_iter().fold(routes, |routes, (method, path, answer)| {
        routes.add(method, path, Anyone, Storage, move || async move { Err::<(), _>(answer.refuse()) })
    })
}

impl Answer {
    fn refuse(self) -> Refused {
        Refused(match self {
            Gone(why) => Refusal::Gone(Problem::standard(why)),
            Missing(why) => Refusal::NotImplemented(Problem::standard(why)),
        })
    }
}
