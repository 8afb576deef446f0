//! Workflows: what there is to run, and runs.

mod definitions;
mod events;
mod runs;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use runs::digest_of;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/workflows",
            operation: "workflow_definition_list",
            summary: "List the workflows that can be run by name",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(definitions::list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/workflows/{workflow}",
            operation: "workflow_definition_get",
            summary: "A workflow with its steps",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(definitions::get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/workflows/runs",
            operation: "workflow_run_start",
            summary: "Run a workflow, by name or brought along",
            audit: Audit::Entry("workflow.started"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(runs::start),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/workflows/runs",
            operation: "workflow_run_list",
            summary: "List runs of workflows, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(runs::list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/workflows/runs/{run_id}",
            operation: "workflow_run_get",
            summary: "A run with its steps, and what it waits for",
            audit: Audit::Entry("workflow.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(runs::get),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/workflows/runs/{run_id}/events",
            operation: "workflow_run_events",
            summary: "What happens in a run, as an event stream",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(events::events),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/workflows/runs/{run_id}/cancel",
            operation: "workflow_run_cancel",
            summary: "Ask a run to end",
            audit: Audit::Entry("workflow.cancel_requested"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(runs::cancel),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/workflows/runs/{run_id}/decide",
            operation: "workflow_run_decide",
            summary: "Decide at a gate at which a run waits for a person",
            audit: Audit::Entry("workflow.decided"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(runs::decide),
        },
    ]
}
