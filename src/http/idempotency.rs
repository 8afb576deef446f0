//! Idempotency keys on POST: a request that is repeated with the same key gets the first answer
//! again, and its effect happens at most once.
//!
//! The key is claimed on disk before the work begins and holds the answer afterwards. A claim that
//! a killed process left behind is never worked on again, for nobody knows how far it came: the
//! caller is told and decides. A request that failed has changed nothing and gives its key back.
//!
//! Scope of a key: the person (or console) and the route. The row holds hashes, so a key that is
//! a secret elsewhere is not kept.

mod store;

use std::sync::Arc;

use ::store::TenantCtx;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;

use crate::call::{Call, Head};
use crate::input::read_whole;
use crate::problem::Problem;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// On answers that were given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Longest key, in bytes.
const KEY_MAX_BYTES: usize = 200;

/// A key is forgotten after a day.
const KEEP_MS: i64 = 24 * 60 * 60 * 1000;

/// Largest answer that is kept, in bytes. The key of a larger one stays claimed, so that its work
/// is not done twice.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// What became of the key of one request.
pub(crate) enum Claim {
    /// The request has no key.
    None,
    /// The key is new; it must be settled.
    Fresh(Ticket),
    /// The key is known; this is the first answer.
    Replay(Response),
}

/// A claimed key.
pub(crate) struct Ticket {
    ctx: Arc<TenantCtx>,
    key_hash: [u8; 32],
    operation: &'static str,
}

/// Whether a request names a key.
pub(crate) fn has_key(head: &Head) -> bool {
    head.parts.headers.contains_key(HEADER)
}

/// Claims the key of a request whose body is read whole. From here on the work must go
/// [to its end](to_the_end): a key that nobody settles is blocked until it is forgotten.
pub(crate) async fn claim_body(call: &mut Call, ctx: Arc<TenantCtx>) -> Result<Claim, Problem> {
    let body = call.body_bytes().await?;
    let request_hash = Sha256::new()
        .chain_update(call.head.parts.uri.path().as_bytes())
        .chain_update([0])
        .chain_update(&body)
        .finalize();
    claim(&call.head.parts.headers, call.head.operation, ctx, request_hash.into()).await
}

/// Claims the key of a request whose content has this hash; then as [`claim_body`].
pub(crate) async fn claim(
    headers: &HeaderMap,
    operation: &'static str,
    ctx: Arc<TenantCtx>,
    request_hash: [u8; 32],
) -> Result<Claim, Problem> {
    let Some(key) = headers.get(HEADER) else { return Ok(Claim::None) };
    let key = key.as_bytes();
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        return Err(Problem::invalid("Idempotency-Key", "must be 1 to 200 characters"));
    }
    let key_hash = hash_of(&[
        ctx.actor().to_string().as_bytes(),
        &ctx.user_id().map_or([0; 16], |user| *user.as_bytes()),
        operation.as_bytes(),
        key,
    ]);
    // Who has lost rights since is not shown again what they were shown then.
    let rights = ctx.rights();
    let request_hash = hash_of(&[
        &request_hash,
        rights.role.as_str().as_bytes(),
        rights.clearance.as_str().as_bytes(),
        &[u8::from(rights.export_eligible)],
    ]);
    let forget_before = ctx.now().plus_ms(-KEEP_MS);
    let new = store::NewKey { key_hash, request_hash, forget_before, operation };
    match store::key_claim(&ctx, new).await? {
        store::Found::Nothing => Ok(Claim::Fresh(Ticket { ctx, key_hash, operation })),
        store::Found::OtherRequest => Err(Problem::new("idempotency_key_reused")),
        store::Found::Unsettled => Err(Problem::new("idempotency_key_in_use")),
        store::Found::Answer { status, body } => Ok(Claim::Replay(replay(status, &body)?)),
    }
}

/// Carries out the work even when its caller goes away meanwhile: that behind a claimed key, for
/// the repeat that is to be expected then, removals, whose second half no caller asks for
/// again, and questions, whose tokens are to be charged.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let ended = tokio::spawn(work.in_current_span()).await;
    ended.unwrap_or_else(|panic| Err(Problem::new("internal_error").with_cause(panic)))
}

impl Claim {
    /// Keeps the answer of a request that succeeded; gives the key back otherwise.
    pub(crate) async fn settle(
        self,
        result: Result<Response, Problem>,
    ) -> Result<Response, Problem> {
        let ticket = match self {
            Self::Fresh(ticket) => ticket,
            Self::None => return result,
            Self::Replay(answer) => return Ok(answer),
        };
        match result {
            Ok(response) if is_kept(&response) => ticket.keep(response).await,
            Ok(response) => {
                ticket.give_back().await;
                Ok(response)
            }
            Err(problem) => {
                ticket.give_back().await;
                Err(problem)
            }
        }
    }
}

impl Ticket {
    async fn keep(self, response: Response) -> Result<Response, Problem> {
        let (parts, body) = response.into_parts();
        let bytes = read_whole(body, u64::MAX).await?;
        if bytes.len() > ANSWER_MAX_BYTES {
            tracing::warn!(operation = self.operation, "an answer is too large to be repeated");
            return Ok(Response::from_parts(parts, Body::from(bytes)));
        }
        let location = parts.headers.get(header::LOCATION).and_then(|v| v.to_str().ok());
        let kept = store::encode(location, &bytes);
        let status = parts.status.as_u16();
        // The work is done: a failure to remember it must not make the answer a failure.
        if let Err(error) = store::key_settle(&self.ctx, self.key_hash, status, kept).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, operation = self.operation, "an answer is not kept for repeats");
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    async fn give_back(self) {
        if let Err(error) = store::key_release(&self.ctx, self.key_hash, self.operation).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, operation = self.operation, "an idempotency key stays claimed");
        }
    }
}

/// Event streams are taken up again by their own ids, not replayed.
fn is_kept(response: &Response) -> bool {
    let stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
    response.status().is_success() && !stream
}

fn replay(status: u16, kept: &[u8]) -> Result<Response, Problem> {
    let damaged = || Problem::new("store_damaged");
    let (location, body) = store::decode(kept).ok_or_else(damaged)?;
    let mut response = Response::new(Body::from(body.to_vec()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| damaged())?;
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(location) = location {
        headers.insert(header::LOCATION, HeaderValue::from_str(location).map_err(|_| damaged())?);
    }
    Ok(response)
}

/// SHA-256 over the parts, each with its length before it.
fn hash_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
