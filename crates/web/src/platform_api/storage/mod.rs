//! `/storage/api/v1`: every instance across apps.

mod applications;
mod body;
mod data;
mod events;
mod instances;
mod locks;
mod process;
mod sign;
mod view;

use axum::http::Method;

use crate::refusal::Family::Storage;
use crate::routes::{Callers, Routes};

/// All routes of the storage API.
pub fn routes(routes: Routes) -> Routes {
    use Callers::{Anyone, Authenticated};
    let get = Method::GET;
    let routes = data::routes(routes);
    let routes = sign::routes(routes);
    let routes = instances::routes(routes);
    let routes = process::routes(routes);
    let routes = events::routes(routes);
    let routes = locks::routes(routes);
    routes
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
