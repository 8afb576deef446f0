//! Reading and removing traces.

use audit::{Action, Event};
use base::{Label, Timestamp, TraceId, UserId, limits};
use models::TokenUsage;
use policy::{Permit, conversations, may_see, usage};
use serde_json::json;

use super::{Comparison, Trace, TraceKind, TraceOutcome, compare};
use crate::AgentError;
use crate::conversations::TimeCursor;
use crate::reason::Strategy;
use crate::store as rows;

const TRACE_READ: Action = Action::new("trace.read");
const TRACE_DELETED: Action = Action::new("trace.deleted");

/// Where a list of traces goes on.
pub type TraceCursor = TimeCursor<TraceId>;

/// A run without its content.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEntry {
    /// Its id.
    pub id: TraceId,
    /// Whose it is; `None` for the console's.
    pub owner: Option<UserId>,
    /// What it was for.
    pub kind: TraceKind,
    /// How it thought.
    pub strategy: Strategy,
    /// How it ended.
    pub outcome: TraceOutcome,
    /// Join of the labels of everything that was read.
    pub label: Label,
    /// The run that it repeats.
    pub replay_of: Option<TraceId>,
    /// What it cost.
    pub tokens: TokenUsage,
    /// Steps.
    pub step_count: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A stretch of a list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct TracePage {
    /// The runs.
    pub traces: Vec<TraceEntry>,
    /// Pass it as `after` to get the next stretch.
    pub next: Option<TraceCursor>,
}

/// One's own runs, newest first.
///
/// # Errors
/// The store's own.
pub async fn trace_list(
    permit: Permit<'_, conversations::Read>,
    after: Option<TraceCursor>,
    limit: u32,
) -> Result<TracePage, AgentError> {
    let owner = permit.ctx().user_id();
    listed(permit.ctx(), Some(owner), after, limit).await
}

/// Everybody's runs, newest first, without a word of what they say.
///
/// # Errors
/// The store's own.
pub async fn traces_of_tenant(
    permit: Permit<'_, usage::Read>,
    after: Option<TraceCursor>,
    limit: u32,
) -> Result<TracePage, AgentError> {
    listed(permit.ctx(), None, after, limit).await
}

async fn listed(
    ctx: &::store::TenantCtx,
    owner: Option<Option<UserId>>,
    after: Option<TraceCursor>,
    limit: u32,
) -> Result<TracePage, AgentError> {
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    ctx.read(move |tx| {
        let mut traces = rows::trace_list(tx, owner, after, limit + 1)?;
        let more = traces.len() > limit as usize;
        traces.truncate(limit as usize);
        let last = traces.last().filter(|_| more);
        let next = last.map(|last| TraceCursor { time: last.started_at, id: last.id });
        Ok(TracePage { traces, next })
    })
    .await
}

/// One of one's own runs with its steps; recorded as read.
///
/// # Errors
/// [`AgentError::TraceNotFound`], also when its label is above one's present rights; or the store's
/// own.
pub async fn trace_get(
    permit: Permit<'_, conversations::Read>,
    id: TraceId,
) -> Result<Trace, AgentError> {
    let mut read = read(&permit, vec![id]).await?;
    read.pop().ok_or(AgentError::TraceNotFound)
}

/// Two of one's own runs, step by step; recorded as read.
///
/// # Errors
/// As [`trace_get`].
pub async fn traces_compare(
    permit: Permit<'_, conversations::Read>,
    left: TraceId,
    right: TraceId,
) -> Result<(Trace, Trace, Comparison), AgentError> {
    let read = read(&permit, vec![left, right]).await?;
    let [left, right]: [Trace; 2] = read.try_into().map_err(|_| AgentError::TraceNotFound)?;
    let comparison = compare(&left, &right);
    Ok((left, right, comparison))
}

async fn read(
    permit: &Permit<'_, conversations::Read>,
    ids: Vec<TraceId>,
) -> Result<Vec<Trace>, AgentError> {
    let ctx = permit.ctx();
    let (owner, rights) = (ctx.user_id(), *ctx.rights());
    let named = ids.clone();
    let traces = ctx
        .read(move |tx| {
            let mut traces = Vec::with_capacity(ids.len());
            for id in ids {
                let found = rows::trace_find(tx, id, owner)?;
                let visible = found.filter(|found| may_see(&rights, &found.label).is_visible());
                traces.push(visible.ok_or(AgentError::TraceNotFound)?);
            }
            Ok::<_, AgentError>(traces)
        })
        .await?;
    let label = traces.iter().map(|trace| trace.label).fold(Label::TYPED, Label::join);
    let first = named.first().copied().ok_or(AgentError::TraceNotFound)?;
    let mut revisions: Vec<_> = traces.iter().flat_map(|trace| trace.revisions.clone()).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let mut chunks: Vec<_> = traces.iter().flat_map(|trace| trace.chunks.clone()).collect();
    chunks.sort_unstable();
    chunks.dedup();
    let event = Event::new(TRACE_READ)
        .object("trace", first)
        .detail(json!({ "traces": named, "chunks": chunks, "revisions": revisions }))
        .label(label);
    ctx.record(event).await?;
    Ok(traces)
}

/// Removes one of one's own runs from the list; it is kept for the retention time, as a conversation
/// is.
///
/// # Errors
/// [`AgentError::TraceNotFound`], or the store's own.
pub async fn trace_delete(
    permit: Permit<'_, conversations::Change>,
    id: TraceId,
) -> Result<(), AgentError> {
    let owner = permit.ctx().user_id();
    permit
        .ctx()
        .write(move |tx| {
            if !rows::trace_delete(&tx, id, owner)? {
                return Err(AgentError::TraceNotFound);
            }
            Ok(tx.commit(Event::new(TRACE_DELETED).object("trace", id), ())?)
        })
        .await
}
