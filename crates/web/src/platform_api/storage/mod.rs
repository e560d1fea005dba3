//! `/storage/api/v1`: every instance across apps.

mod applications;
mod body;
mod data;
mod events;
mod instances;
mod legacy;
mod locks;
mod message_box;
mod metrics;
mod process;
mod sign;
mod studio;
mod texts;
mod view;

pub use self::view::link;
use crate::routes::Routes;

/// All routes of the storage API.
pub fn routes(routes: Routes) -> Routes {
    let routes = data::routes(routes);
    let routes = sign::routes(routes);
    let routes = instances::routes(routes);
    let routes = process::routes(routes);
    let routes = events::routes(routes);
    let routes = locks::routes(routes);
    let routes = message_box::routes(routes);
    let routes = applications::routes(routes);
    let routes = texts::routes(routes);
    let routes = studio::routes(routes);
    let routes = metrics::routes(routes);
    legacy::routes(routes)
}
