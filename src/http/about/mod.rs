//! What the appliance says about itself: its API, its errors, its figures, its pages.

mod assets;

use std::sync::LazyLock;

use axum::body::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use assets::{asset, sealed_page};

use crate::call::Public;
use crate::endpoint::endpoint;
use crate::health::set_figures;
use crate::input::{Id, PathId};
use crate::openapi::openapi_document;
use crate::output::{Media, Ok200, Raw};
use crate::problem::Problem;
use crate::registry;
use crate::route::{Audit, IdKind, IdParameter, Idempotency, Method, RateClass, Route};

pub(crate) use assets::face_or_problem;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/openapi.json",
            operation: "openapi_get",
            summary: "This API as an OpenAPI 3.1 document",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(openapi_get),
        },
        Route {
            method: Method::Get,
            path: "/problems/{code}",
            operation: "problem_get",
            summary: "What a problem's type means and what to do about it",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(problem_get),
        },
        Route {
            method: Method::Get,
            path: "/metrics",
            operation: "metrics_get",
            summary: "The appliance's figures as Prometheus text",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(metrics_get),
        },
        Route {
            method: Method::Get,
            path: "/",
            operation: "face_get",
            summary: "The browser face",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(assets::face_get),
        },
        Route {
            method: Method::Get,
            path: "/docs",
            operation: "docs_get",
            summary: "This API to be tried out in the browser",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(assets::docs_get),
        },
        Route {
            method: Method::Get,
            path: "/assets/{*asset}",
            operation: "asset_get",
            summary: "A file of the pages",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(assets::asset_get),
        },
    ]
}

/// JSON that is ready-made.
pub(crate) struct JsonText;

impl Media for JsonText {
    const TYPE: &'static str = "application/json";
    const DESCRIPTION: &'static str = "An OpenAPI 3.1 document";
}

async fn openapi_get(_call: Public, (): ()) -> Result<Raw<JsonText>, Problem> {
    static TEXT: LazyLock<Option<Bytes>> =
        LazyLock::new(|| openapi_document().ok().map(Bytes::from));
    TEXT.clone().map(Raw::bytes).ok_or_else(|| Problem::new("internal_error"))
}

/// A code of the error registry, in a path.
struct ErrorCode(String);

impl PathId for ErrorCode {
    const PARAMETER: IdParameter = IdParameter { name: "code", kind: IdKind::ErrorCode };
    const NOT_FOUND: &'static str = "route_not_found";

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

/// One kind of problem.
#[derive(Serialize, ToSchema)]
struct ProblemKind {
    code: &'static str,
    status: u16,
    title: &'static str,
    /// What the caller, or the administrator, can do.
    action: &'static str,
}

async fn problem_get(
    _call: Public,
    Id(ErrorCode(code)): Id<ErrorCode>,
) -> Result<Ok200<ProblemKind>, Problem> {
    let kind = registry::errors().iter().find(|kind| kind.code == code);
    let kind = kind.ok_or_else(|| Problem::new("route_not_found"))?;
    Ok(Ok200(ProblemKind {
        code: kind.code,
        status: kind.status.as_u16(),
        title: kind.title,
        action: kind.action,
    }))
}

/// Prometheus text exposition format.
pub(crate) struct PrometheusText;

impl Media for PrometheusText {
    const TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
    const DESCRIPTION: &'static str = "Figures in the Prometheus text format";
}

async fn metrics_get(call: Public, (): ()) -> Result<Raw<PrometheusText>, Problem> {
    let state = call.state;
    let rendered = tokio::task::spawn_blocking(move || {
        set_figures(&state);
        state.metrics.render()
    });
    let text = rendered.await.map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Raw::bytes(text))
}
