//! What happens in a run, for whoever watches it. Events are rows, so that a reader who comes back gets
//! what it missed, also after the process was started anew.

use std::sync::Arc;

use base::WorkflowRunId;
use policy::{Permit, workflows};
use store::{StoreError, TenantCtx};
use tokio::sync::watch;

use super::model::is_over;
use super::runs::{Viewer, find_visible};
use super::store_steps as rows;
use crate::AgentError;

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 200;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// 1, 2, 3 … in its run.
    pub number: u64,
    /// `run.started`, `step.started`, `step.finished`, `gate.asked`, `gate.decided`, `run.ended`.
    pub name: String,
    /// One line of JSON.
    pub data: String,
}

/// Events, and whether there will be more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEventsPage {
    /// In order.
    pub events: Vec<RunEvent>,
    /// The run is over, and these are the last events.
    pub over: bool,
}

/// Wakes those who watch runs of one tenant.
struct Signals(watch::Sender<u64>);

/// The events of a run behind `after`.
///
/// # Errors
/// [`AgentError::RunNotFound`], or the store's own.
pub async fn run_events(
    permit: &Permit<'_, workflows::Read>,
    id: WorkflowRunId,
    after: u64,
) -> Result<RunEventsPage, AgentError> {
    let ctx = permit.ctx();
    let viewer = Viewer::of(ctx);
    ctx.read(move |tx| {
        let row = find_visible(tx, id, &viewer)?;
        let found = rows::events_after(tx, id, after, EVENTS_AT_ONCE)?;
        let all = found.len() < EVENTS_AT_ONCE as usize;
        let events = found.into_iter().map(|(number, name, data)| RunEvent { number, name, data });
        Ok(RunEventsPage { events: events.collect(), over: all && is_over(row.run.state) })
    })
    .await
}

/// Changes when something happened in a run of the tenant, in this process.
///
/// # Errors
/// The store's own.
pub fn run_watch(ctx: &TenantCtx) -> Result<watch::Receiver<u64>, StoreError> {
    Ok(signals(ctx)?.0.subscribe())
}

/// Says that something happened.
pub(super) fn wake(ctx: &TenantCtx) {
    // Without it watchers look by themselves after a moment.
    if let Ok(signals) = signals(ctx) {
        signals.0.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn signals(ctx: &TenantCtx) -> Result<Arc<Signals>, StoreError> {
    ctx.attached(|| Ok(Signals(watch::Sender::new(0))))
}
