//! Problem documents (RFC 9457): the one shape in which a request fails.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Code, Coded, RequestId, Violation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::registry;

/// Media type of a problem document (RFC 9457 section 3).
pub(crate) const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// Why a request failed: a code of the registry, and what belongs to this one request.
///
/// Deliberately neither an `Error` nor `Coded`: any coded error of a room becomes one with `?`.
#[derive(Clone)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    violations: Vec<Violation>,
    retry_after_s: Option<u32>,
    /// For the log alone; a caller never sees it.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with the registry's words only.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, detail: None, violations: Vec::new(), retry_after_s: None, cause: None }
    }

    /// A problem of one input field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new("invalid_input").with_violation(Violation::new(field, reason))
    }

    /// Adds what happened in this request, in words for the caller.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a field at fault.
    #[must_use]
    pub fn with_violation(mut self, violation: Violation) -> Self {
        self.violations.push(violation);
        self
    }

    /// Adds when the same call may succeed.
    #[must_use]
    pub const fn with_retry_after_s(mut self, retry_after_s: u32) -> Self {
        self.retry_after_s = Some(retry_after_s);
        self
    }

    /// Adds what the log is to say about it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The status that the registry gives the code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        registry::find(self.code).status
    }

    /// The fields at fault.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What a caller sees.
    #[must_use]
    pub fn document(&self, request_id: Option<RequestId>) -> ProblemDocument {
        let kind = registry::find(self.code);
        // What failed inside is for the log; a caller gets the registry's words and the reference.
        let detail = if kind.status.is_server_error() {
            self.detail.clone().filter(|_| self.cause.is_none())
        } else {
            self.detail.clone()
        };
        ProblemDocument {
            kind: format!("/problems/{}", kind.code),
            title: kind.title,
            status: kind.status.as_u16(),
            code: kind.code,
            detail: detail.unwrap_or_else(|| kind.action.to_owned()),
            errors: self.violations.iter().map(FieldError::from).collect(),
            request_id: request_id.map(|id| id.to_string()),
        }
    }

    /// Writes one log line: at error level, with the chain of causes, when the appliance is at
    /// fault.
    pub(crate) fn log(&self) {
        let status = self.status().as_u16();
        if !self.status().is_server_error() {
            tracing::debug!(problem.code = self.code, http.status = status, "request refused");
            return;
        }
        let cause = self.cause.as_deref().map_or_else(String::new, |e| chain(e));
        tracing::error!(problem.code = self.code, http.status = status, cause, "request failed");
    }

    /// The finished answer. Only the outermost layer calls it: there the request id is known.
    pub(crate) fn render(&self, request_id: Option<RequestId>) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"millwright\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// `outer: cause: cause of the cause`.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("code", &self.code)
            .field("detail", &self.detail)
            .field("violations", &self.violations)
            .field("cause", &self.cause.as_deref().map(|e| chain(e)))
            .finish_non_exhaustive()
    }
}

impl<E: Coded> From<E> for Problem {
    fn from(error: E) -> Self {
        Self {
            code: error.code(),
            detail: Some(error.to_string()),
            violations: error.violation().into_iter().collect(),
            retry_after_s: error.retry_after_s(),
            cause: Some(Arc::new(error)),
        }
    }
}

/// An answer without a body that carries the problem to the outermost layer, which renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document as it is sent (RFC 9457 section 3.1, with the extensions `code`, `errors`
/// and `request_id`).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Path of the page that explains this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The stable code of this kind of problem.
    pub code: &'static str,
    /// What happened in this request, or what to do.
    pub detail: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request; stands in the log as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    pub request_id: Option<String>,
}

/// One field at fault.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field as the caller wrote it.
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl From<&Violation> for FieldError {
    fn from(violation: &Violation) -> Self {
        Self { field: violation.field.clone(), reason: violation.reason.clone() }
    }
}
