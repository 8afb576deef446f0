//! The turns that a durable job takes: claimed, ended, tried again, taken up after a kill.

use audit::{Action, Event};
use base::{JobId, TenantId, Timestamp, UserId};
use rusqlite::params;
use serde_json::Value;

use crate::jobs::{ClaimedJob, JobState};
use crate::sql::id_bytes;
use crate::{ReadTx, StoreError, WriteTx};

const JOB_STARTED: Action = Action::new("job.started");
const JOB_ENDED: Action = Action::new("job.ended");
const JOB_RESUMED: Action = Action::new("job.requeued_after_stop");

/// How a run of a job ended, for [`job_finish`].
pub(crate) enum JobEnd {
    Done(Value),
    Failed {
        code: &'static str,
        detail: String,
    },
    Cancelled,
    /// To be tried again from that moment on.
    Again {
        not_before: Timestamp,
        code: &'static str,
        detail: String,
    },
    /// The appliance stops; the run does not count as a try.
    Paused,
}

impl JobEnd {
    /// The word used in traces.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
            Self::Again { .. } => "again",
            Self::Paused => "paused",
        }
    }
}

/// Running jobs that were left by a process that ended: queued again, or failed when they were
/// started too often. `None` when there were none.
pub(crate) fn jobs_recover(
    tx: &WriteTx<'_>,
    max_attempts: u32,
) -> Result<Option<Event>, StoreError> {
    let now = tx.now().unix_ms();
    let failed = tx.execute(
        "UPDATE jobs SET state = 'failed', error_code = 'job_gave_up', updated_at = ?2,
                error_detail = 'the process ended while this job ran, every time it was tried'
         WHERE state = 'running' AND attempts >= ?1",
        params![max_attempts, now],
    )?;
    let queued = tx.execute(
        "UPDATE jobs SET state = 'queued', not_before = ?1, updated_at = ?1
         WHERE state = 'running'",
        params![now],
    )?;
    if failed + queued == 0 {
        return Ok(None);
    }
    let detail = serde_json::json!({ "queued": queued, "failed": failed });
    Ok(Some(Event::new(JOB_RESUMED).detail(detail)))
}

/// First pause before another try; doubles with each.
const RETRY_PAUSE_MS: i64 = 5_000;

/// Most doublings of that pause (about five minutes).
const RETRY_DOUBLINGS_MAX: u32 = 6;

/// How long a job rests after this many tries.
pub(crate) fn retry_pause_ms(attempts: u32) -> i64 {
    RETRY_PAUSE_MS << attempts.saturating_sub(1).min(RETRY_DOUBLINGS_MAX)
}

/// No job rests longer than this from now. One that claims to was queued while the clock ran ahead
/// and is due at once.
fn beyond_belief(now: Timestamp) -> i64 {
    now.plus_ms(RETRY_PAUSE_MS << RETRY_DOUBLINGS_MAX).unix_ms()
}

/// Claims the job that is due and was queued first.
pub(crate) fn job_claim(
    tx: &WriteTx<'_>,
    tenant_id: TenantId,
) -> Result<Option<(ClaimedJob, Event)>, StoreError> {
    let now = tx.now().unix_ms();
    let found = tx.query_optional(
        "SELECT id, kind, payload, attempts, queued_by, cancel_requested FROM jobs
         WHERE state = 'queued' AND (not_before <= ?1 OR not_before > ?2)
         ORDER BY rowid LIMIT 1",
        [now, beyond_belief(tx.now())],
        |row| {
            let ids = (row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(4)?);
            let texts = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            Ok((ids, texts, row.get::<_, u32>(3)?, row.get::<_, bool>(5)?))
        },
    )?;
    let Some(((id, queued_by), (kind, payload), attempts, cancel_requested)) = found else {
        return Ok(None);
    };
    let queued_by = queued_by.map(|bytes| id_bytes(&bytes, "jobs.queued_by")).transpose()?;
    let job = ClaimedJob {
        tenant_id,
        id: JobId::from_bytes(id_bytes(&id, "jobs.id")?),
        kind,
        payload: serde_json::from_str(&payload).map_err(|_| StoreError::Corrupt("jobs.payload"))?,
        attempts: attempts + 1,
        queued_by: queued_by.map(UserId::from_bytes),
        cancel_requested,
    };
    tx.execute(
        "UPDATE jobs SET state = 'running', attempts = ?2, updated_at = ?3 WHERE id = ?1",
        params![job.id.as_bytes(), job.attempts, now],
    )?;
    let event = Event::new(JOB_STARTED)
        .object("job", job.id)
        .detail(serde_json::json!({ "kind": job.kind, "attempt": job.attempts }));
    Ok(Some((job, event)))
}

/// When the next queued job is due, if any is.
pub(crate) fn job_next_due(
    tx: &ReadTx<'_>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = tx.query_row(
        "SELECT min(iif(not_before > ?1, 0, not_before)) FROM jobs WHERE state = 'queued'",
        [beyond_belief(now)],
        |row| row.get(0),
    )?;
    Ok(due.map(Timestamp::from_unix_ms))
}

/// Writes how a run ended.
pub(crate) fn job_finish(
    tx: &mut WriteTx<'_>,
    id: JobId,
    end: &JobEnd,
) -> Result<Event, StoreError> {
    let now = tx.now();
    let (state, code, detail, result, not_before) = match end {
        JobEnd::Done(value) => (JobState::Done, None, None, Some(value.to_string()), now),
        JobEnd::Failed { code, detail } => {
            (JobState::Failed, Some(*code), Some(detail.as_str()), None, now)
        }
        JobEnd::Cancelled => (JobState::Cancelled, None, None, None, now),
        JobEnd::Again { not_before, code, detail } => {
            (JobState::Queued, Some(*code), Some(detail.as_str()), None, *not_before)
        }
        JobEnd::Paused => (JobState::Queued, None, None, None, now),
    };
    let untried = u32::from(matches!(end, JobEnd::Paused));
    tx.execute(
        "UPDATE jobs SET state = ?2, error_code = ?3, error_detail = ?4, result = ?5,
                not_before = ?6, attempts = attempts - ?7, updated_at = ?8
         WHERE id = ?1 AND state = 'running'",
        params![
            id.as_bytes(),
            state.as_str(),
            code,
            detail,
            result,
            not_before.unix_ms(),
            untried,
            now.unix_ms()
        ],
    )?;
    if state == JobState::Queued {
        tx.note_jobs_changed();
    }
    Ok(Event::new(JOB_ENDED)
        .object("job", id)
        .after(serde_json::json!({ "state": state.as_str(), "error_code": code })))
}
