//! Language models: bringing them in, trying them, giving them tiers.

mod change;
mod path;
mod upload;
mod view;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

/// Keys are kept in a tenant's database, and these routes belong to none.
const NO_TENANT: Idempotency =
    Idempotency::Refused("a repeat is noticed: files are told apart by their hash");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = model_routes();
    routes.extend(act_routes());
    routes
}

fn model_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/models",
            operation: "model_list",
            summary: "List the language models that were brought in, with their tiers",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(view::model_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/models",
            operation: "model_import",
            summary: "Bring a language model in: a GGUF file as the body; its trial begins at once",
            audit: Audit::Entry("model.imported"),
            rate: RateClass::Model,
            idempotency: NO_TENANT,
            endpoint: endpoint(upload::model_import),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/upstreams",
            operation: "upstream_list",
            summary: "List the models on other machines, and whether they answer",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(view::upstream_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/models/{model}",
            operation: "model_get",
            summary: "One language model, by name or hash, and how its trial stands",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(view::model_get),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/models/{model}",
            operation: "model_remove",
            summary: "Remove a language model that is assigned to nothing",
            audit: Audit::Entry("model.removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change::model_remove),
        },
    ]
}

fn act_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/models/{model}/trial",
            operation: "model_try",
            summary: "Try a language model: a first answer, tokens a second, memory",
            audit: Audit::Entry("model.measured"),
            rate: RateClass::Write,
            idempotency: Idempotency::Refused("a repeat is another trial"),
            endpoint: endpoint(change::model_try),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/models/{model}/verify",
            operation: "model_verify",
            summary: "Read a language model's whole file and compare it with its hash",
            audit: Audit::Entry("model.verified"),
            rate: RateClass::Model,
            idempotency: Idempotency::Refused("nothing changes"),
            endpoint: endpoint(change::model_verify),
        },
        Route {
            method: Method::Put,
            path: "/api/v1/models/tiers/{tier}",
            operation: "model_assign",
            summary: "Say which models serve a tier (light, standard, heavy), embed or rerank",
            audit: Audit::Entry("model.assigned"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change::model_assign),
        },
    ]
}
