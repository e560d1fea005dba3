//! `/storage/api/v1`: every instance across apps.

mod applications;
mod body;
mod data;
mod events;
mod instances;
mod process;
mod sign;
mod view;

use axum::http::Method;

use crate::refusal::Family::Storage;
use crate::routes::{Callers, Routes};

/// All routes of the storage API.
pub fn routes(routes: Routes) -> Routes {
    use Callers::{Anyone, Authenticated, Permitted};
    let (get, post) = (Method::GET, Method::POST);
    let routes = data::routes(routes);
    let routes = sign::routes(routes);
    routes
        .add(get.clone(), "/storage/api/v1/instances", Authenticated, Storage, instances::list)
        .add(get.clone(), "/storage/api/v1/instances/{guid}", Permitted("read"), Storage, instances::find)
        .add(get.clone(), "/storage/api/v1/instances/{party}/{guid}", Permitted("read"), Storage, instances::read)
        .add(
            post,
            "/storage/api/v1/instances/{party}/{guid}/complete",
            Permitted("complete"),
            Storage,
            instances::complete,
        )
        .add(
            get.clone(),
            "/storage/api/v1/instances/{party}/{guid}/process/history",
            Permitted("read"),
            Storage,
            process::history,
        )
        .add(get.clone(), "/storage/api/v1/instances/{party}/{guid}/events", Permitted("read"), Storage, events::list)
        .add(
            get.clone(),
            "/storage/api/v1/instances/{party}/{guid}/events/{event}",
            Permitted("read"),
            Storage,
            events::read,
        )
        .add(get.clone(), "/storage/api/v1/applications", Anyone, Storage, applications::list)
        .add(get.clone(), "/storage/api/v1/applications/{org}", Anyone, Storage, applications::list_of_org)
        .add(get.clone(), "/storage/api/v1/applications/{org}/{app}", Anyone, Storage, applications::read)
        .add(
            get,
            "/storage/api/v1/applications/{org}/{app}/texts/{language}",
            Authenticated,
            Storage,
            applications::texts,
        )
}
