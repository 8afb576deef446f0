//! Jobs as people see them: their own; administrators and the console see all.

use audit::{Action, Event};
use base::{JobId, Rights, Role, UserId, limits};
use policy::{Permit, jobs};
use serde_json::json;
use store::{Job, JobPage, JobState, ReadTx, StoreError, TenantCtx};

use crate::KnowledgeError;
use crate::ingest;

const JOB_CANCELLED: Action = Action::new("job.cancel_requested");

/// Jobs, newest first.
///
/// # Errors
/// The store's own.
pub async fn job_list(
    permit: Permit<'_, jobs::Read>,
    after: Option<JobId>,
    limit: u32,
) -> Result<JobPage, KnowledgeError> {
    let ctx = permit.ctx();
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    match Whose::of(ctx) {
        Whose::Everybodys => ctx.read(move |tx| Ok(store::job_list(tx, None, after, limit)?)).await,
        Whose::Only(user) => {
            ctx.read(move |tx| Ok(store::job_list(tx, Some(user), after, limit)?)).await
        }
        Whose::Nobodys => Ok(JobPage { jobs: Vec::new(), next: None }),
    }
}

/// One job.
///
/// # Errors
/// [`KnowledgeError::JobNotFound`], or the store's own.
pub async fn job_get(permit: Permit<'_, jobs::Read>, id: JobId) -> Result<Job, KnowledgeError> {
    let ctx = permit.ctx();
    let whose = Whose::of(ctx);
    ctx.read(move |tx| find(tx, id, whose)).await
}

/// Asks a job to end; returns it as it is then. One that waits ends at once, one that runs at its
/// next step.
///
/// # Errors
/// [`KnowledgeError::JobNotFound`]; `job_ended` from the store when it is over; or the store's own.
pub async fn job_cancel(
    permit: Permit<'_, jobs::Cancel>,
    id: JobId,
) -> Result<Job, KnowledgeError> {
    let ctx = permit.ctx();
    let whose = Whose::of(ctx);
    ctx.write(move |mut tx| {
        let before = find(&tx, id, whose)?;
        let state = store::job_cancel(&mut tx, id)?;
        if state == JobState::Cancelled {
            ingest::settle_cancelled(&tx, &before.subject)?;
        }
        let after = store::job_get(&tx, id)?;
        let event = Event::new(JOB_CANCELLED)
            .object("job", id)
            .before(json!({ "state": before.state }))
            .after(json!({ "state": after.state, "cancel_requested": after.cancel_requested }));
        Ok(tx.commit(event, after)?)
    })
    .await
}

/// Whose jobs somebody may see.
#[derive(Clone, Copy)]
enum Whose {
    Everybodys,
    Only(UserId),
    Nobodys,
}

impl Whose {
    fn of(ctx: &TenantCtx) -> Self {
        let Rights { role, .. } = ctx.rights();
        match (role, ctx.user_id()) {
            (Role::Admin, _) => Self::Everybodys,
            (_, Some(user)) => Self::Only(user),
            (_, None) => Self::Nobodys,
        }
    }

    fn includes(self, job: &Job) -> bool {
        match self {
            Self::Everybodys => true,
            Self::Only(user) => job.queued_by == Some(user),
            Self::Nobodys => false,
        }
    }
}

fn find(tx: &ReadTx<'_>, id: JobId, whose: Whose) -> Result<Job, KnowledgeError> {
    match store::job_get(tx, id) {
        Ok(job) if whose.includes(&job) => Ok(job),
        Ok(_) | Err(StoreError::JobNotFound) => Err(KnowledgeError::JobNotFound),
        Err(error) => Err(error.into()),
    }
}
