//! Routes, extractors, problem documents, event streams, OpenAPI and the embedded web pages: the
//! appliance as browsers, scripts and the command line see it.
//!
//! A route is declared once, in the `routes` function of its group: method, path, audit entry, rate
//! class, idempotency, and a handler whose signature says the rest — who may call it, what it reads
//! and what it answers. The router, the OpenAPI document and [`routes`], from which the permission
//! and cross-tenant matrices are made, all come from that table. Handlers turn wire types into
//! domain types and back; what is done, and what is recorded about it, is decided below.
//!
//! Never:
//! - a handler that gets a tenant's context without its principal having been asked for the
//!   permission that the table shows;
//! - an answer that tells another tenant's object from one that does not exist;
//! - a failure that is not a problem document of the registry, or one that names a cause;
//! - a body, a stream or a wait without a limit;
//! - plain HTTP on an address that another machine can reach;
//! - a page or script that is not embedded, or that loads anything from elsewhere;
//! - content, secrets, query strings or personal data in a log line or a metric.

mod about;
mod admin;
mod agents;
mod appliance;
mod auth;
mod budgets;
mod call;
mod chat;
pub mod console;
mod conversations;
mod cursor;
mod documents;
mod endpoint;
mod events;
mod feedback;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod groups;
mod health;
mod idempotency;
mod input;
mod jobs;
mod keys;
mod metrics;
mod models;
mod openai;
mod openapi;
mod output;
mod plans;
mod playground;
mod problem;
mod registry;
mod route;
mod router;
mod sealed;
mod search;
mod server;
mod state;
mod thinking;
mod tls;
mod views;
mod workflows;

#[cfg(test)]
mod tests;

pub use axum::Router;
pub use axum::body::Body;
pub use cursor::{Page, PageQuery};
pub use frame::{CorsOrigins, CorsOriginsError};
pub use metrics::{Metrics, MetricsError};
pub use openapi::openapi_document;
pub use problem::{FieldError, Problem, ProblemDocument};
pub use registry::{ErrorKind, errors};
pub use route::{Access, Audit, IdKind, IdParameter, Idempotency, Method, RateClass, RouteInfo};
pub use router::{router, routes};
pub use sealed::{SealedGate, Unsealing};
pub use server::{ServeError, ServeOptions, Server, Takeover, Transport, serve};
pub use state::{AppParts, AppState, HttpSettings};
pub use tls::{OwnCertificate, RENEW_BEFORE_DAYS, TlsError, TlsIdentity, TlsSettings};
