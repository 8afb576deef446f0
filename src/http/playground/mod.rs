//! The playground: reasoning over a question with settings of one's own, and the traces of runs.

mod events;
mod run;
mod traces;
mod view;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use view::TraceView;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/playground/run",
            operation: "playground_run",
            summary: "Reason over a question with settings; the trace comes whole, or as it is made",
            audit: Audit::Entry("playground.run"),
            rate: RateClass::Ask,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(run::playground_run),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/playground/traces",
            operation: "trace_list",
            summary: "List the traces of one's own runs, newest first, without their content",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(traces::trace_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/playground/compare",
            operation: "trace_compare",
            summary: "Put two of one's own runs beside each other, step by step",
            audit: Audit::Entry("trace.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(traces::trace_compare),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/playground/traces/{trace_id}",
            operation: "trace_get",
            summary: "Read the trace of one of one's own runs",
            audit: Audit::Entry("trace.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(traces::trace_get),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/playground/traces/{trace_id}",
            operation: "trace_delete",
            summary: "Delete a trace; it is kept for the retention time",
            audit: Audit::Entry("trace.deleted"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(traces::trace_delete),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/playground/traces/{trace_id}/events",
            operation: "trace_events",
            summary: "Read a trace as the event stream that its run was",
            audit: Audit::Entry("trace.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(events::trace_events),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/playground/traces/{trace_id}/replay",
            operation: "trace_replay",
            summary: "Run a trace once more with the same seeds, and compare every step",
            audit: Audit::Entry("playground.run"),
            rate: RateClass::Ask,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(run::trace_replay),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/traces",
            operation: "admin_trace_list",
            summary: "List everybody's runs, newest first: by whom, how, and what they cost",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(traces::admin_trace_list),
        },
    ]
}
