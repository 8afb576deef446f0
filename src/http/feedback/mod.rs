//! What people say about answers: routes below /api/v1/feedback.

mod give;
mod list;

pub(crate) use give::FeedbackView;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/feedback",
            operation: "feedback_give",
            summary: "Say whether an answer of your own was good, in place of what you said before",
            audit: Audit::Entry("feedback.given"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(give::feedback_give),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/feedback",
            operation: "feedback_list",
            summary: "What people said about answers, last changed first; never what they asked",
            audit: Audit::Entry("feedback.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list::feedback_list),
        },
    ]
}
