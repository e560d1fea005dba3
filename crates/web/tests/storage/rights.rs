//! A world in which every task permits one action: what is asked of whom shows in what is refused.

use std::sync::Arc;

use mottak_model::{FlowType, Instance, ProcessElement, ProcessState};
use mottak_service::ports::{Clock, FixedClock};
use mottak_testkit::{Backing, Seed, TestServer};
use serde_json::{Value, json};

use crate::own::{instance, of_app, time};

pub(crate) const APP: &str = "ttd/rettigheter";

/// A server with the app of rights alone.
pub(crate) fn server() -> TestServer {
    server_with(Backing::default())
}

pub(crate) fn server_with(backing: Backing) -> TestServer {
    let app = mottak_testing::repository_root().join("crates/web/tests/apps/rettigheter");
    let clock = Arc::new(FixedClock::at(time("2025-06-01T10:00:00Z")));
    TestServer::builder().apps([app]).backing(backing).clock(clock as Arc<dyn Clock>).build()
}

/// The task in which the owner of the instance may do nothing but this. Of what type it is does not matter for that.
pub(crate) fn only(action: &str, task_type: Option<&str>) -> ProcessState {
    ProcessState {
        started: Some(time("2025-05-20T08:30:00Z")),
        start_event: Some("StartEvent_1".to_owned()),
        current_task: Some(ProcessElement {
            flow: Some(2),
            element_id: Some(format!("Bare_{action}")),
            altinn_task_type: task_type.map(str::to_owned),
            ..ProcessElement::default()
        }),
        ..ProcessState::default()
    }
}

/// Puts an instance there that stands in this state.
pub(crate) async fn seed(server: &TestServer, number: u128, process: Option<ProcessState>) -> Instance {
    let mut standing = of_app(instance(number), APP);
    standing.process = process;
    server.seed(Seed::of(standing)).await
}

/// The next state, as an app's backend sends it.
pub(crate) fn next(action: &str, task_type: &str, flow_type: Option<FlowType>) -> Value {
    let mut state = json!({
        "started": "2025-05-20T08:30:00Z",
        "startEvent": "StartEvent_1",
        "currentTask": { "flow": 3, "elementId": format!("Bare_{action}"), "altinnTaskType": task_type },
    });
    if let Some(flow_type) = flow_type {
        state["currentTask"]["flowType"] = json!(flow_type);
    }
    state
}
