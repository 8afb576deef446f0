//! API keys: one's own below /api/v1/keys, those of others below /api/v1/admin/users.

mod admin;
mod own;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

const SECRET: Idempotency = Idempotency::Refused("the answer is a secret that is not kept");

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/keys",
            operation: "key_list",
            summary: "List one's own live API keys",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(own::key_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/keys",
            operation: "key_create",
            summary: "Make an API key with a part of one's own permissions; the answer holds it this once",
            audit: Audit::Entry("api_key.created"),
            rate: RateClass::Write,
            idempotency: SECRET,
            endpoint: endpoint(own::key_create),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/keys/{key_id}/rotate",
            operation: "key_rotate",
            summary: "Give a key another secret; the former goes on for a while",
            audit: Audit::Entry("api_key.rotated"),
            rate: RateClass::Write,
            idempotency: SECRET,
            endpoint: endpoint(own::key_rotate),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/keys/{key_id}",
            operation: "key_revoke",
            summary: "Revoke one of one's own API keys",
            audit: Audit::Entry("api_key.revoked"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(own::key_revoke),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/keys",
            operation: "tenant_keys",
            summary: "The live API keys of everybody, those that end first first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(admin::tenant_keys),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/users/{user_id}/keys",
            operation: "user_keys",
            summary: "The live API keys of a person",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(admin::user_keys),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/users/{user_id}/keys/{key_id}",
            operation: "user_key_revoke",
            summary: "Revoke an API key of a person",
            audit: Audit::Entry("api_key.revoked"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(admin::user_key_revoke),
        },
    ]
}
