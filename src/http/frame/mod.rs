//! What surrounds every request: its id, its log line, its figures, the headers of its answer, and
//! the problem document when it failed.

pub(crate) mod cross_site;
mod headers;
mod rest;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::RequestId;
use futures_util::FutureExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::openai;
use crate::problem::Problem;
use crate::state::AppState;

use rest::Rest;

pub(crate) use headers::cors_layer;
pub use headers::{CorsOrigins, CorsOriginsError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Requests by method, route and status (API contract).
pub(crate) const REQUESTS_TOTAL: &str = "http_requests_total";
/// Seconds from the header to the beginning of the answer, by method and route (API contract).
pub(crate) const REQUEST_DURATION: &str = "http_request_duration_seconds";
/// Handlers that panicked.
pub(crate) const PANICS_TOTAL: &str = "millwright_http_panics_total";

/// The outermost layer.
pub(crate) async fn frame(
    State(state): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    // Without randomness no id can be made; the answer then says that the store is unavailable.
    let request_id = state.store.new_request_id();
    let method = method_label(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = request_span(request_id.as_ref().ok(), method, &route);
    let answer = async {
        let id = match request_id {
            Ok(id) => id,
            Err(error) => return finish(Problem::from(error).into_response(), None, &route),
        };
        request.extensions_mut().insert(id);
        let (request, rest) = Rest::lend(request);
        let response = match cross_site::check(&request) {
            Ok(()) => caught(next.run(request)).await,
            Err(problem) => {
                drop(request);
                problem.into_response()
            }
        };
        rest.discard().await;
        let response = finish(response, Some(id), &route);
        let status = response.status().as_u16();
        let elapsed = started.elapsed();
        let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(http.status = status, duration_ms, "request answered");
        // For traces. After the line, which says it itself.
        Span::current().record("http.status", i64::from(status));
        let labels = [("method", method.to_owned()), ("route", route.clone())];
        metrics::histogram!(REQUEST_DURATION, &labels).record(elapsed.as_secs_f64());
        metrics::counter!(
            REQUESTS_TOTAL,
            "method" => method, "route" => route.clone(), "status" => status.to_string()
        )
        .increment(1);
        response
    };
    answer.instrument(span).await
}

/// The span of a request: stands in its log lines, and is the trace of it. The tenant is filled in
/// once it is known. Never a path, which may carry ids and words of the caller.
fn request_span(id: Option<&RequestId>, method: &'static str, route: &str) -> Span {
    tracing::info_span!(
        "http",
        request.id = id.map(tracing::field::display),
        http.method = method,
        http.route = route,
        tenant.id = Empty,
        http.status = Empty,
    )
}

/// A panic of a handler is an answer too; the panic hook has logged where it happened.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            metrics::counter!(PANICS_TOTAL).increment(1);
            tracing::error!("a handler panicked");
            Problem::new("internal_error").into_response()
        }
    }
}

/// Renders a problem, and sets the headers that every answer has.
pub(crate) fn finish(response: Response, id: Option<RequestId>, route: &str) -> Response {
    let mut response = match response.extensions().get::<Problem>() {
        Some(problem) => {
            problem.log();
            let mut rendered = if openai::speaks_it(route) {
                openai::render(problem, id)
            } else {
                problem.render(id)
            };
            // What inner layers have set (CORS) stays.
            for (name, value) in response.headers() {
                rendered.headers_mut().entry(name).or_insert_with(|| value.clone());
            }
            rendered
        }
        None => response,
    };
    if let Some(id) = id
        && let Ok(value) = HeaderValue::from_str(&id.to_string())
    {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::set_security_headers(response.headers_mut(), route);
    response
}

/// Only methods that routes know, so that a caller can't make up label values.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_problem_that_says_nothing_of_it() {
        let answer = caught(async { panic!("secret detail") }).await;
        let answer = finish(answer, None, "/x");
        assert_eq!(answer.status(), 500);
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("internal_error") && !text.contains("secret"), "{text}");
    }
}
