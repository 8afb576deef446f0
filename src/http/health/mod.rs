//! Whether the appliance runs, and whether each of its parts can do its work.

mod parts;
mod watch;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Public;
use crate::endpoint::{Output, Signature, endpoint};
use crate::output::{Ok200, bytes_answer};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use parts::ClockWatch;
pub(crate) use watch::{describe_figures, set_figures, watch};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/health/live",
            operation: "health_live",
            summary: "Whether the process runs",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(health_live),
        },
        Route {
            method: Method::Get,
            path: "/health/ready",
            operation: "health_ready",
            summary: "What each part can do, and what to do when it can't",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(health_ready),
        },
    ]
}

/// The process runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    status: &'static str,
    version: &'static str,
}

async fn health_live(_call: Public, (): ()) -> Result<Ok200<Live>, Problem> {
    Ok(Ok200(Live { status: "live", version: env!("CARGO_PKG_VERSION") }))
}

/// How well a part, or the whole, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartState {
    /// As it should.
    Ok,
    /// Something is missing; the rest works.
    Degraded,
    /// Nothing can be served.
    Failed,
}

impl PartState {
    /// The word used in API and logs.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

/// One part of the appliance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// Its name.
    name: &'static str,
    /// How well it does.
    state: PartState,
    /// What was found.
    detail: String,
    /// What to do about it; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
}

/// All parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// The worst state of a part.
    state: PartState,
    /// The parts.
    parts: Vec<Part>,
}

async fn health_ready(call: Public, (): ()) -> Result<ReadinessAnswer, Problem> {
    let state = call.state;
    // The disk is asked on a thread that may block: a dead network disk would hold it.
    let parts = tokio::task::spawn_blocking(move || parts::all(&state))
        .await
        .map_err(|e| Problem::new("internal_error").with_cause(e))?;
    let worst = parts.iter().map(|part| part.state).max().unwrap_or(PartState::Ok);
    Ok(ReadinessAnswer(Readiness { state: worst, parts }))
}

/// 200, or 503 with the same body when nothing can be served.
struct ReadinessAnswer(Readiness);

impl Output for ReadinessAnswer {
    fn describe(signature: &mut Signature) {
        Ok200::<Readiness>::describe(signature);
    }

    fn into_answer(self) -> Result<axum::response::Response, Problem> {
        let status = match self.0.state {
            PartState::Ok | PartState::Degraded => StatusCode::OK,
            PartState::Failed => StatusCode::SERVICE_UNAVAILABLE,
        };
        let bytes = serde_json::to_vec(&self.0)
            .map_err(|e| Problem::new("internal_error").with_cause(e))?;
        Ok(bytes_answer(status, "application/json", bytes))
    }
}
