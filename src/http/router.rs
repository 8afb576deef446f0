//! The one table of routes, and the router made from it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use base::RequestId;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::timeout::TimeoutBody;

use crate::call::{Call, CallBody, Head, Rates};
use crate::frame::{cors_layer, frame};
use crate::problem::Problem;
use crate::route::{Method, Route, RouteInfo};
use crate::state::AppState;
use crate::{
    about, admin, agents, appliance, auth, budgets, chat, conversations, documents, feedback,
    groups, health, jobs, keys, models, openai, plans, playground, sealed, search, thinking,
    workflows,
};

/// Between two pieces of a body.
const BODY_IDLE: Duration = Duration::from_secs(30);

static TABLE: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let groups = [
        about::routes(),
        health::routes(),
        auth::routes(),
        chat::routes(),
        conversations::routes(),
        documents::routes(),
        jobs::routes(),
        search::routes(),
        admin::routes(),
        appliance::routes(),
        sealed::routes(),
        keys::routes(),
        groups::routes(),
        feedback::routes(),
        models::routes(),
        budgets::routes(),
        openai::routes(),
        playground::routes(),
        agents::routes(),
        workflows::routes(),
        plans::routes(),
        thinking::routes(),
    ];
    groups.into_iter().flatten().collect()
});

static INFOS: LazyLock<Vec<RouteInfo>> = LazyLock::new(|| TABLE.iter().map(Route::info).collect());

/// All routes: what the permission matrix, the cross-tenant matrix and the documents are made of.
#[must_use]
pub fn routes() -> &'static [RouteInfo] {
    &INFOS
}

pub(crate) fn table() -> &'static [Route] {
    &TABLE
}

/// The router over `state`.
pub fn router(state: Arc<AppState>) -> Router {
    let mut router: Router<Arc<AppState>> = Router::new();
    for route in table() {
        router = router.route(route.path, method_router(route));
    }
    let cors = cors_layer(&state.settings.cors_origins);
    router = router
        .fallback(about::face_or_problem)
        .method_not_allowed_fallback(|| async { Problem::new("method_not_allowed") })
        .layer(CompressionLayer::new().compress_when(compressible()));
    if let Some(cors) = cors {
        router = router.layer(cors);
    }
    router.layer(from_fn_with_state(Arc::clone(&state), frame)).with_state(state)
}

/// Not event streams, pictures and small answers (the default), nor files that are compressed in
/// themselves.
fn compressible() -> impl Predicate {
    DefaultPredicate::new()
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/vnd.openxmlformats"))
        .and(NotForContentType::const_new("application/octet-stream"))
}

fn method_router(route: &'static Route) -> MethodRouter<Arc<AppState>> {
    let filter = match route.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    on(filter, move |State(state): State<Arc<AppState>>, request: Request| {
        answer(route, state, request)
    })
}

async fn answer(route: &'static Route, state: Arc<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The frame has put it there.
    let Some(request_id) = parts.extensions.get::<RequestId>().copied() else {
        return Problem::new("internal_error").into_response();
    };
    let known = parts.headers.clone();
    let rates = Rates::default();
    let call = Call {
        head: Head {
            state,
            parts,
            request_id,
            operation: route.operation,
            rate: route.rate,
            idempotency: route.idempotency,
            rates: rates.clone(),
        },
        body: CallBody::Unread(Body::new(TimeoutBody::new(BODY_IDLE, body))),
    };
    let answer = tokio::time::timeout(route.rate.timeout(), route.endpoint.answer(call)).await;
    let mut response = match answer {
        Ok(Ok(response)) => not_modified(route.method, &known, response),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::new("deadline_passed").into_response(),
    };
    rates.set_headers(response.headers_mut());
    response
}

/// RFC 9110 section 13.1.2: a reader that has this state already gets 304.
fn not_modified(method: Method, known: &HeaderMap, mut response: Response) -> Response {
    let (Some(wanted), Some(tag)) =
        (known.get(header::IF_NONE_MATCH), response.headers().get(header::ETAG))
    else {
        return response;
    };
    let (Ok(wanted), Ok(tag)) = (wanted.to_str(), tag.to_str()) else { return response };
    let same = |candidate: &str| {
        let candidate = candidate.trim();
        candidate == "*" || candidate.trim_start_matches("W/") == tag.trim_start_matches("W/")
    };
    if method == Method::Get && wanted.split(',').any(same) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}
