//! Durable jobs: queued in the transaction of the change that needs them, claimed once, resumed
//! after a kill.

use base::{JobId, TenantId, Timestamp, UserId};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::Value;

use crate::sql::id_bytes;
use crate::{ReadTx, StoreError, TenantCtx, WriteTx};

/// How long a job that ended is kept, in milliseconds: 90 days.
const ENDED_KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Is being worked on.
    Running,
    /// Ended well.
    Done,
    /// Ended with an error.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl JobState {
    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A job to be queued on behalf of whoever the context belongs to.
#[derive(Clone, Debug)]
pub struct NewJob {
    id: JobId,
    kind: &'static str,
    payload: Value,
    subject: String,
    queued_by: Option<UserId>,
    /// An earlier job, whose person this one acts for.
    continues: Option<JobId>,
    queue_length: u32,
}

impl NewJob {
    /// A job for the handler of `kind`. `payload` is what the handler needs, and no content of
    /// documents; `subject` is what it works on (`revision:<uuid>`), for finding it again.
    ///
    /// # Errors
    /// [`StoreError::Entropy`] when no id can be made.
    pub fn new(
        ctx: &TenantCtx,
        kind: &'static str,
        subject: String,
        payload: Value,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId::new(ctx.now(), ctx.entropy())?,
            kind,
            payload,
            subject,
            queued_by: ctx.user_id(),
            continues: None,
            queue_length: ctx.job_queue_length(),
        })
    }

    /// A job of the console, which no context stands for.
    pub(crate) const fn of_console(
        id: JobId,
        kind: &'static str,
        subject: String,
        payload: Value,
        queue_length: u32,
    ) -> Self {
        Self { id, kind, payload, subject, queued_by: None, continues: None, queue_length }
    }

    /// The same as the continuation of an earlier job of its kind and subject: in the name of whoever
    /// queued that one, whose rights count again when it is claimed. The audit log says who queued this
    /// one.
    #[must_use]
    pub const fn continuing(mut self, earlier: JobId) -> Self {
        self.continues = Some(earlier);
        self
    }

    /// The id that the job will have.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }
}

/// A job as people see it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which handler does it.
    pub kind: String,
    /// How far it is.
    pub state: JobState,
    /// What it works on.
    pub subject: String,
    /// Who queued it; `None` for the console.
    pub queued_by: Option<UserId>,
    /// Steps done, in the unit of its kind (pages for ingestion).
    pub progress_done: u64,
    /// Steps in all, once known.
    pub progress_total: Option<u64>,
    /// Times it was started since it last got further.
    pub attempts: u32,
    /// Somebody wants it to end.
    pub cancel_requested: bool,
    /// Stable code of its error.
    pub error_code: Option<String>,
    /// Its error in words.
    pub error_detail: Option<String>,
    /// What it made.
    pub result: Option<Value>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A stretch of the job list, newest first.
#[derive(Clone, Debug)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Pass it as `before` to get the next stretch.
    pub next: Option<JobId>,
}

/// A job that this process works on; proof that it was claimed.
#[derive(Debug)]
pub struct ClaimedJob {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) attempts: u32,
    pub(crate) queued_by: Option<UserId>,
    /// Somebody asked for its end before this run began: it is run all the same, with its cancel
    /// token cancelled, so that its handler can tidy up.
    pub(crate) cancel_requested: bool,
}

impl ClaimedJob {
    /// The tenant it belongs to.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// Which handler does it.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What the handler needs.
    #[must_use]
    pub const fn payload(&self) -> &Value {
        &self.payload
    }

    /// The how many-th try this is since the job last got further, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempts
    }

    /// The person on whose behalf.
    #[must_use]
    pub const fn queued_by(&self) -> Option<UserId> {
        self.queued_by
    }
}

/// Queues a job in the transaction of the change that needs it; forgets what ended long ago.
///
/// # Errors
/// [`StoreError::QueueFull`] when too many jobs wait, [`StoreError::JobNotFound`] when it continues one
/// that is not there, or the store's own.
pub fn job_enqueue(tx: &mut WriteTx<'_>, new: &NewJob) -> Result<JobId, StoreError> {
    let waiting: u32 =
        tx.query_row("SELECT count(*) FROM jobs WHERE state = 'queued'", [], |row| row.get(0))?;
    if waiting >= new.queue_length {
        return Err(StoreError::QueueFull);
    }
    let queued_by = match new.continues {
        // Only what goes on with the same work: nobody gets another one's rights for something new.
        Some(earlier) => tx
            .query_optional(
                "SELECT queued_by FROM jobs WHERE id = ?1 AND kind = ?2 AND subject = ?3",
                params![earlier.as_bytes(), new.kind, new.subject],
                |row| row.get::<_, Option<Vec<u8>>>(0),
            )?
            .ok_or(StoreError::JobNotFound)?,
        None => new.queued_by.map(|user| user.as_bytes().to_vec()),
    };
    let now = tx.now().unix_ms();
    tx.execute(
        "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND updated_at < ?1",
        [now - ENDED_KEPT_MS],
    )?;
    tx.execute(
        "INSERT INTO jobs (id, kind, state, payload, subject, queued_by, queued_by_actor,
                           not_before, created_at, updated_at)
         VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?7, ?7)",
        params![
            new.id.as_bytes(),
            new.kind,
            new.payload.to_string(),
            new.subject,
            queued_by,
            tx.stamp().actor.to_string(),
            now,
        ],
    )?;
    tx.note_jobs_changed();
    Ok(new.id)
}

/// Writes how far a job is, in a transaction of its handler. A job that begins anew shows how far
/// it was until it gets further.
///
/// # Errors
/// The store's own.
pub fn job_progress(
    tx: &WriteTx<'_>,
    id: JobId,
    done: u64,
    total: Option<u64>,
) -> Result<(), StoreError> {
    // What gets further than ever before deserves all its tries again.
    tx.execute(
        "UPDATE jobs SET attempts = iif(?2 > progress_done, min(attempts, 1), attempts),
                progress_done = max(progress_done, ?2),
                progress_total = coalesce(?3, progress_total), updated_at = ?4 WHERE id = ?1",
        params![
            id.as_bytes(),
            i64::try_from(done).unwrap_or(i64::MAX),
            total.map(|t| i64::try_from(t).unwrap_or(i64::MAX)),
            tx.now().unix_ms()
        ],
    )?;
    Ok(())
}

/// Writes what a job made, in the transaction that makes it: from that commit on the job has ended
/// well, even when the process dies before it can say so.
///
/// # Errors
/// The store's own.
pub fn job_result(tx: &WriteTx<'_>, id: JobId, result: &Value) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE jobs SET result = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), result.to_string(), tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Asks a job to end: a queued one is cancelled at once, a running one when it next looks.
/// Returns the state afterwards.
///
/// # Errors
/// [`StoreError::JobNotFound`], [`StoreError::JobEnded`], or the store's own.
pub fn job_cancel(tx: &mut WriteTx<'_>, id: JobId) -> Result<JobState, StoreError> {
    let job = job_get(tx, id)?;
    let state = match job.state {
        JobState::Queued => JobState::Cancelled,
        JobState::Running => JobState::Running,
        _ => return Err(StoreError::JobEnded),
    };
    tx.execute(
        "UPDATE jobs SET cancel_requested = 1, state = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), state.as_str(), tx.now().unix_ms()],
    )?;
    // A running handler is told through the runner, which the wake makes look.
    tx.note_jobs_changed();
    Ok(state)
}

const COLUMNS: &str = "id, kind, state, subject, queued_by, progress_done, progress_total, \
                       attempts, cancel_requested, error_code, error_detail, result, created_at, \
                       updated_at";

/// One job.
///
/// # Errors
/// [`StoreError::JobNotFound`], or the store's own.
pub fn job_get(tx: &ReadTx<'_>, id: JobId) -> Result<Job, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1");
    let raw = tx.query_optional(&sql, [id.as_bytes()], raw_job)?;
    raw.ok_or(StoreError::JobNotFound)?.checked()
}

/// Jobs, newest first; only those of `queued_by` when it is given.
///
/// # Errors
/// The store's own.
pub fn job_list(
    tx: &ReadTx<'_>,
    queued_by: Option<UserId>,
    before: Option<JobId>,
    limit: u32,
) -> Result<JobPage, StoreError> {
    // Ids are UUIDs of version 7, so their order is the order of queueing.
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs
         WHERE (?1 IS NULL OR queued_by = ?1) AND (?2 IS NULL OR id < ?2)
         ORDER BY id DESC LIMIT ?3"
    );
    let raw = tx.query_all(
        &sql,
        params![
            queued_by.map(|user| *user.as_bytes()),
            before.map(|job| *job.as_bytes()),
            i64::from(limit) + 1
        ],
        raw_job,
    )?;
    let mut jobs = raw.into_iter().map(RawJob::checked).collect::<Result<Vec<_>, _>>()?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next = if more { jobs.last().map(|job| job.id) } else { None };
    Ok(JobPage { jobs, next })
}

struct RawJob {
    id: Vec<u8>,
    state: String,
    queued_by: Option<Vec<u8>>,
    result: Option<String>,
    job: Job,
}

fn raw_job(row: &Row<'_>) -> rusqlite::Result<RawJob> {
    let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(RawJob {
        id: row.get(0)?,
        state: row.get(2)?,
        queued_by: row.get(4)?,
        result: row.get(11)?,
        job: Job {
            id: JobId::from_bytes([0; 16]),
            kind: row.get(1)?,
            state: JobState::Queued,
            subject: row.get(3)?,
            queued_by: None,
            progress_done: unsigned(row.get(5)?),
            progress_total: row.get::<_, Option<i64>>(6)?.map(unsigned),
            attempts: row.get(7)?,
            cancel_requested: row.get(8)?,
            error_code: row.get(9)?,
            error_detail: row.get(10)?,
            result: None,
            created_at: Timestamp::from_unix_ms(row.get(12)?),
            updated_at: Timestamp::from_unix_ms(row.get(13)?),
        },
    })
}

impl RawJob {
    fn checked(self) -> Result<Job, StoreError> {
        let result = self.result.map(|text| serde_json::from_str(&text)).transpose();
        let queued_by = self.queued_by.map(|bytes| id_bytes(&bytes, "jobs.queued_by")).transpose();
        Ok(Job {
            id: JobId::from_bytes(id_bytes(&self.id, "jobs.id")?),
            state: JobState::parse(&self.state).ok_or(StoreError::Corrupt("jobs.state"))?,
            queued_by: queued_by?.map(UserId::from_bytes),
            result: result.map_err(|_| StoreError::Corrupt("jobs.result"))?,
            ..self.job
        })
    }
}
