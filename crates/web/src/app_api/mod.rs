//! The application API: `/{org}/{app}/…`.
//!
//! One module per noun of the API. [`view`] is the JSON all of them answer with; [`template`] reads the bodies that make
//! an instance.

mod data;
mod home;
mod instances;
mod metadata;
mod options;
mod process;
mod resources;
pub(crate) mod scopes;
mod template;
mod validate;
mod view;

use axum::http::Method;

use crate::refusal::Family;
use crate::routes::{Callers, Routes};

/// All routes of the application API.
pub fn routes(routes: Routes) -> Routes {
    use Callers::{Anyone, Authenticated, Owner, Permitted, PermittedByTask, PermittedLast};
    use Family::{App, AppBare, AppJson};
    let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    routes
        .add_checked(post.clone(), "/{org}/{app}/instances", Authenticated, AppJson, instances::create)
        .add_checked(post.clone(), "/{org}/{app}/instances/create", Authenticated, AppJson, instances::create_simple)
        .add(get.clone(), "/{org}/{app}/legacy/instances/{party}/{guid}/copy", Authenticated, App, instances::copy)
        .add(get.clone(), "/{org}/{app}/instances/{party}/active", Authenticated, AppJson, instances::active)
        .add(get.clone(), "/{org}/{app}/instances/{party}/{guid}", PermittedLast("read"), AppJson, instances::read)
        .add_checked(
            delete.clone(),
            "/{org}/{app}/instances/{party}/{guid}",
            Permitted("delete"),
            AppJson,
            instances::delete,
        )
        .add_checked(
            put.clone(),
            "/{org}/{app}/instances/{party}/{guid}/substatus",
            Owner,
            AppJson,
            instances::substatus,
        )
        .add_checked(
            post.clone(),
            "/{org}/{app}/instances/{party}/{guid}/complete",
            Permitted("complete"),
            AppJson,
            instances::complete,
        )
        .add_checked(
            post.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data",
            Permitted("write"),
            App,
            data::create_legacy,
        )
        .add_checked(patch.clone(), "/{org}/{app}/instances/{party}/{guid}/data", Permitted("write"), App, data::patch)
        .add_checked(
            post.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data/type/{dataType}",
            Permitted("write"),
            App,
            data::create,
        )
        // One segment has one name in the router: here it is a data type, for the other methods an element.
        .add_checked(
            post.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data/{data}",
            Permitted("write"),
            App,
            data::create,
        )
        .add(get.clone(), "/{org}/{app}/instances/{party}/{guid}/data/{data}", Permitted("read"), App, data::read)
        .add_checked(
            put.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data/{data}",
            Permitted("write"),
            App,
            data::update,
        )
        .add_checked(
            patch,
            "/{org}/{app}/instances/{party}/{guid}/data/{data}",
            Permitted("write"),
            App,
            data::patch_one,
        )
        .add_checked(delete, "/{org}/{app}/instances/{party}/{guid}/data/{data}", Permitted("write"), App, data::remove)
        .add(
            get.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data/{data}/type/{dataType}",
            Permitted("read"),
            App,
            data::read,
        )
        .add_checked(
            put.clone(),
            "/{org}/{app}/instances/{party}/{guid}/data/{data}/type/{dataType}",
            Permitted("write"),
            App,
            data::update,
        )
        .add(
            get.clone(),
            "/{org}/{app}/instances/{party}/{guid}/validate",
            PermittedLast("read"),
            App,
            validate::validate,
        )
        .add(get.clone(), "/{org}/{app}/instances/{party}/{guid}/process", Permitted("read"), App, process::read)
        .add_checked(
            post,
            "/{org}/{app}/instances/{party}/{guid}/process/start",
            Permitted("instantiate"),
            App,
            process::start,
        )
        .add(
            get.clone(),
            "/{org}/{app}/instances/{party}/{guid}/process/next",
            Permitted("read"),
            App,
            process::next_elements,
        )
        .add_checked(
            put.clone(),
            "/{org}/{app}/instances/{party}/{guid}/process/next",
            PermittedByTask,
            App,
            process::next,
        )
        .add_checked(
            put,
            "/{org}/{app}/instances/{party}/{guid}/process/completeProcess",
            PermittedByTask,
            App,
            process::complete,
        )
        .add(
            get.clone(),
            "/{org}/{app}/instances/{party}/{guid}/process/history",
            Permitted("read"),
            App,
            process::history,
        )
        .add(
            get.clone(),
            "/{org}/{app}/instances/{party}/{guid}/options/{id}",
            Permitted("read"),
            App,
            options::of_instance,
        )
        .add(get.clone(), "/{org}/{app}/api/options/{id}", Anyone, App, options::of_app)
        .add(get.clone(), "/{org}/{app}/api/v1/applicationmetadata", Anyone, App, metadata::application)
        .add(get.clone(), "/{org}/{app}/api/v1/meta/authorizationpolicy", Anyone, App, metadata::policy)
        .add(get.clone(), "/{org}/{app}/api/v1/meta/process", Anyone, App, metadata::process)
        .add(get.clone(), "/{org}/{app}/api/v1/texts/{language}", Anyone, AppBare, metadata::texts)
        .add(get.clone(), "/{org}/{app}/api/v1/applicationlanguages", Anyone, AppBare, metadata::languages)
        .add(get.clone(), "/{org}/{app}/api/v1/applicationsettings", Anyone, App, metadata::settings)
        .add(get.clone(), "/{org}/{app}/api/jsonschema/{id}", Anyone, App, resources::json_schema)
        .add(get.clone(), "/{org}/{app}/api/xsdschema/{id}", Anyone, App, resources::xsd)
        .add(get.clone(), "/{org}/{app}/api/layouts", Anyone, App, resources::no_layouts)
        .add(get.clone(), "/{org}/{app}/api/layouts/{id}", Anyone, App, resources::layouts)
        .add(get.clone(), "/{org}/{app}/api/layoutsettings", Anyone, App, resources::global_settings)
        .add(get.clone(), "/{org}/{app}/api/layoutsettings/{id}", Anyone, App, resources::layout_settings)
        .add(get.clone(), "/{org}/{app}/api/layoutsets", Anyone, App, resources::layout_sets)
        .add(get.clone(), "/{org}/{app}/api/rulehandler/{id}", Anyone, App, resources::rule_handler)
        .add(get.clone(), "/{org}/{app}/api/ruleconfiguration/{id}", Anyone, App, resources::rule_configuration)
        .add(get.clone(), "/{org}/{app}/api/v1/footer", Anyone, App, resources::footer)
        .add(get.clone(), "/{org}/{app}/api/validationconfig/{id}", Anyone, App, resources::validation_config)
        .add(get, "/{org}/{app}", Anyone, AppBare, home::show)
}
