//! The process of an instance: where it stands, how it moves, what it has been through.
//!
//! [`state`] is what callers see, [`next`] moves it, [`steps`] says what each step does to the instance, [`finish`] what
//! becomes of the forms of a task that ends, [`gateway`] judges conditions, [`history`] tells the past.

pub(crate) mod finish;
pub mod gateway;
pub mod history;
pub mod next;
pub mod start;
pub mod state;
pub(crate) mod steps;

use mottak_apps::App;
use mottak_process::{Blocked, Process};

pub(crate) use start::compute_start;

use crate::{Problem, Refusal};

const MOVE_FAILED: &str = "Process next failed.";

/// The process of an app. An app that only describes itself has none, and no instances either.
pub(crate) fn process_of(app: &App) -> Result<&Process, Refusal> {
    app.process().ok_or_else(|| Refusal::Conflict(Problem::text("No matching startevent")))
}

/// The refusal for a move that cannot be made.
pub(crate) fn blocked(title: &str, blocked: &Blocked) -> Refusal {
    match blocked {
        Blocked::NoMatchingStartEvent => Refusal::Conflict(Problem::text(blocked.to_string())),
        // The definition or the data do not allow the move; the developer needs the reason, so it is not hidden.
        _ => Refusal::Stuck(Problem::details(title, blocked.to_string())),
    }
}
