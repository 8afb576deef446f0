//! Token budgets, and what was used of them.

mod limits;
mod usage;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/budgets",
            operation: "budgets_get",
            summary: "The tenant's token budgets, and what is used of them",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(limits::budgets_get),
        },
        Route {
            method: Method::Put,
            path: "/api/v1/admin/budgets",
            operation: "budgets_set",
            summary: "Set the tenant's token budgets, and what happens when one is used up",
            audit: Audit::Entry("token_budgets.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(limits::budgets_set),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/usage/tokens",
            operation: "token_usage",
            summary: "Tokens that the tenant has used, by day, person or model",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(usage::token_usage),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/auth/budget",
            operation: "own_budget",
            summary: "What is used of one's own token budgets",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(limits::own_budget),
        },
    ]
}
