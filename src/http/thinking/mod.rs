//! Thinking tools: red team, first principles, council.

mod run;
mod stream;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/thinking",
            operation: "thinking_run",
            summary: "Have a question or a draft thought about by a red team, from first principles or \
                      by a council",
            audit: Audit::Entry("thinking.done"),
            rate: RateClass::Ask,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(run::run),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/thinking/estimate",
            operation: "thinking_estimate",
            summary: "What a thinking tool will cost at most",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(run::estimate),
        },
    ]
}
