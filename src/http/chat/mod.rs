//! Asking.

mod send;
pub(crate) mod stream;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: Method::Post,
        path: "/api/v1/chat",
        operation: "chat",
        summary: "Ask a question; the answer comes whole, or as an event stream",
        audit: Audit::Entry("answer.given"),
        rate: RateClass::Ask,
        // A stream is taken up again by its ids instead.
        idempotency: Idempotency::Keyed,
        endpoint: endpoint(send::chat),
    }]
}
