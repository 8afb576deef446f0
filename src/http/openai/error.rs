//! Failures in the shape that OpenAI's clients read.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base::RequestId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Ref;
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use crate::problem::Problem;

const JSON: &str = "application/json";

/// A failure, as OpenAI's clients read it.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiError)]
pub(crate) struct ErrorBody {
    error: ErrorView,
}

/// What failed.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiErrorDetail)]
struct ErrorView {
    message: String,
    /// `invalid_request_error`, `authentication_error`, `permission_error`, `rate_limit_error` or
    /// `server_error`.
    r#type: &'static str,
    /// The field at fault.
    param: Option<String>,
    /// As in the appliance's own problem documents.
    code: &'static str,
    /// The request; stands in the log as well.
    request_id: Option<String>,
}

/// Whether a route answers in this manner.
pub(crate) fn speaks_it(route: &str) -> bool {
    route.starts_with("/v1/")
}

pub(super) fn body(problem: &Problem, id: Option<RequestId>) -> ErrorBody {
    let document = problem.document(id);
    let first = document.errors.first();
    let message = match first {
        Some(error) => format!("{}: {}", error.field, error.reason),
        None => format!("{}. {}", document.title, document.detail),
    };
    ErrorBody {
        error: ErrorView {
            message,
            r#type: kind(problem.status()),
            param: first.map(|error| error.field.clone()),
            code: document.code,
            request_id: document.request_id,
        },
    }
}

const fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.as_u16() < 500 => "invalid_request_error",
        _ => "server_error",
    }
}

/// The finished answer.
pub(crate) fn render(problem: &Problem, id: Option<RequestId>) -> Response {
    let mut response = problem.render(id);
    let bytes = serde_json::to_vec(&body(problem, id)).unwrap_or_default();
    *response.body_mut() = Body::from(bytes);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// How it stands in the OpenAPI document.
pub(crate) fn failure() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(ErrorBody::name());
    ResponseBuilder::new()
        .description("A failure, in the shape of OpenAI's API")
        .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
