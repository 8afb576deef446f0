//! The turns that a durable job takes: claimed, ended, tried again, taken up after a kill.

use std::time::Duration;

use audit::{Action, Event};
use base::{JobId, TenantId, Timestamp, UserId};
use rusqlite::params;
use serde_json::Value;

use crate::job_handler::{JobFailure, Retry};
use crate::jobs::{ClaimedJob, JobState};
use crate::sql::id_bytes;
use crate::{ReadTx, StoreError, WriteTx};

const JOB_STARTED: Action = Action::new("job.started");
const JOB_ENDED: Action = Action::new("job.ended");
const JOB_RESUMED: Action = Action::new("job.requeued_after_stop");

/// How a run of a job ended, for [`job_finish`].
pub(crate) enum JobEnd {
    Done(Value),
    /// For now or for good, as the failure and the tries left say.
    Failed(JobFailure),
    Cancelled,
    /// The appliance stops; the run does not count as a try.
    Paused,
}

impl JobEnd {
    /// The word used in traces.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Paused => "paused",
        }
    }
}

/// Running jobs that were left by a process that ended: queued again, or failed when they were
/// started too often. `None` when there were none.
pub(crate) fn jobs_recover(
    tx: &WriteTx<'_>,
    attempts_max: u32,
) -> Result<Option<Event>, StoreError> {
    let now = tx.now().unix_ms();
    // Their work was committed; only the last word was not.
    let done = tx.execute(
        "UPDATE jobs SET state = 'done', updated_at = ?1
         WHERE state = 'running' AND result IS NOT NULL",
        [now],
    )?;
    let failed = tx.execute(
        "UPDATE jobs SET state = 'failed', error_code = 'job_gave_up', updated_at = ?2,
                error_detail = 'the process ended while this job ran, every time it was tried'
         WHERE state = 'running' AND attempts >= ?1",
        params![attempts_max, now],
    )?;
    let queued = tx.execute(
        "UPDATE jobs SET state = 'queued', not_before = ?1, updated_at = ?1
         WHERE state = 'running'",
        params![now],
    )?;
    if done + failed + queued == 0 {
        return Ok(None);
    }
    let detail = serde_json::json!({ "done": done, "queued": queued, "failed": failed });
    Ok(Some(Event::new(JOB_RESUMED).detail(detail)))
}

/// First pause before another try; doubles with each.
const RETRY_PAUSE_MS: i64 = 5_000;

/// Most doublings of that pause (about five minutes).
const RETRY_DOUBLINGS_MAX: u32 = 6;

/// How long a job rests after this many tries.
fn retry_pause_ms(attempts: u32) -> i64 {
    RETRY_PAUSE_MS << attempts.saturating_sub(1).min(RETRY_DOUBLINGS_MAX)
}

/// How long a job rests while something that it needs is away, which is expected back then.
fn waiting_pause_ms(after: Duration) -> i64 {
    let longest_ms = RETRY_PAUSE_MS << RETRY_DOUBLINGS_MAX;
    i64::try_from(after.as_millis()).unwrap_or(i64::MAX).clamp(RETRY_PAUSE_MS, longest_ms)
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

/// Writes how a run ended. A job whose result is in the database has ended well, whatever came
/// after it.
pub(crate) fn job_finish(
    tx: &mut WriteTx<'_>,
    id: JobId,
    end: &JobEnd,
    attempts_max: u32,
) -> Result<Event, StoreError> {
    let sql = "SELECT attempts, cancel_requested, result FROM jobs WHERE id = ?1";
    let found = tx.query_optional(sql, [id.as_bytes()], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, bool>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    let (attempts, is_asked_to_end, made) = found.ok_or(StoreError::JobNotFound)?;
    let turn = match end {
        _ if made.is_some() => Turn::of(JobState::Done),
        JobEnd::Done(_) => Turn::of(JobState::Done),
        // It stumbled over what was done to end it, before it heard of that.
        JobEnd::Failed(_) if is_asked_to_end => Turn::of(JobState::Cancelled),
        JobEnd::Failed(failure) => Turn::after_failure(failure, attempts, attempts_max),
        JobEnd::Cancelled => Turn::of(JobState::Cancelled),
        JobEnd::Paused => Turn { is_a_try: false, ..Turn::of(JobState::Queued) },
    };
    let result = match end {
        JobEnd::Done(value) if made.is_none() => Some(value.to_string()),
        _ => made,
    };
    let failure = match end {
        JobEnd::Failed(failure) if matches!(turn.state, JobState::Queued | JobState::Failed) => {
            Some(failure)
        }
        _ => None,
    };
    let now = tx.now();
    tx.execute(
        "UPDATE jobs SET state = ?2, error_code = ?3, error_detail = ?4, result = ?5,
                not_before = ?6, attempts = max(attempts - ?7, 0), updated_at = ?8
         WHERE id = ?1 AND state = 'running'",
        params![
            id.as_bytes(),
            turn.state.as_str(),
            failure.map(|failure| failure.code),
            failure.map(|failure| failure.detail.as_str()),
            result,
            now.plus_ms(turn.pause_ms).unix_ms(),
            u32::from(!turn.is_a_try),
            now.unix_ms()
        ],
    )?;
    if turn.state == JobState::Queued {
        tx.note_jobs_changed();
    }
    let code = failure.map(|failure| failure.code);
    Ok(Event::new(JOB_ENDED)
        .object("job", id)
        .after(serde_json::json!({ "state": turn.state.as_str(), "error_code": code })))
}

/// What becomes of a job after a run.
struct Turn {
    state: JobState,
    /// Before it is looked at again.
    pause_ms: i64,
    /// Whether the run was one of the tries that the job has.
    is_a_try: bool,
}

impl Turn {
    const fn of(state: JobState) -> Self {
        Self { state, pause_ms: 0, is_a_try: true }
    }

    fn after_failure(failure: &JobFailure, attempts: u32, attempts_max: u32) -> Self {
        let (pause_ms, is_a_try) = match failure.retry {
            Retry::Uncounted { after } => (waiting_pause_ms(after), false),
            Retry::Counted if attempts < attempts_max => (retry_pause_ms(attempts), true),
            Retry::Counted | Retry::Never => return Self::of(JobState::Failed),
        };
        Self { state: JobState::Queued, pause_ms, is_a_try }
    }
}
