//! Ingestion: a durable job that turns an uploaded file into pages, chunks, embeddings and index
//! entries.
//!
//! Every step commits what it made, and every step finds what an earlier run of the same job left:
//! pages that are complete are not read again, chunks come out the same each time and are stored
//! under the same ordinals, embeddings are made for those that have none. So a run that was killed
//! ends like one that was not.

mod embed;
mod finish;
mod read;

use std::sync::Arc;

use audit::{Action, Event};
use base::{Coded as _, JobId, RevisionId};
use serde_json::{Value, json};
use store::{
    Committed, Job, JobContext, JobFailure, JobHandler, JobState, ReadTx, Retry, StoreError,
    TenantCtx, WriteTx,
};
use tokio_util::sync::CancellationToken;

use crate::model::{Revision, RevisionState};
use crate::store as rows;
use crate::{KnowledgeError, Library, tenant_index};

/// The kind of ingestion jobs.
pub const INGEST_JOB: &str = "ingest";

const INGEST_STARTED: Action = Action::new("revision.processing");

/// What an ingestion job is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) revision: RevisionId,
    /// Title that the uploader gave; it becomes the document's when the revision is ready.
    pub(crate) title: Option<String>,
}

impl Payload {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "revision": self.revision, "title": self.title })
    }

    fn parse(value: &Value) -> Option<Self> {
        Some(Self {
            revision: value.get("revision")?.as_str()?.parse().ok()?,
            title: value.get("title").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// What a job works on, as the jobs table names it.
pub(crate) fn subject_of(revision: RevisionId) -> String {
    format!("revision:{revision}")
}

/// Whether a job waits for this revision or works on it.
pub(crate) fn has_open_job(tx: &ReadTx<'_>, revision: RevisionId) -> Result<bool, KnowledgeError> {
    Ok(!rows::open_jobs(tx, &subject_of(revision))?.is_empty())
}

/// Ends the jobs of a revision that is taken back or deleted.
pub(crate) fn cancel_open_jobs(
    tx: &mut WriteTx<'_>,
    revision: RevisionId,
) -> Result<(), KnowledgeError> {
    let subject = subject_of(revision);
    for job in rows::open_jobs(tx, &subject)? {
        if store::job_cancel(tx, job)? == JobState::Cancelled {
            settle_cancelled(tx, &subject)?;
        }
    }
    Ok(())
}

/// After a waiting job was cancelled: what it would have worked on is cancelled too, unless it is
/// usable as it was.
pub(crate) fn settle_cancelled(tx: &WriteTx<'_>, subject: &str) -> Result<(), KnowledgeError> {
    let revision = subject.strip_prefix("revision:").and_then(|id| id.parse().ok());
    let Some(revision) = revision else { return Ok(()) };
    let Some(found) = rows::revision_find(tx, revision, tx.now())? else { return Ok(()) };
    if found.state != RevisionState::Ready {
        rows::revision_set_state(tx, revision, RevisionState::Cancelled)?;
    }
    rows::chunks_staged_delete(tx, revision)?;
    Ok(())
}

/// What works on ingestion jobs.
#[must_use]
pub fn ingest_handler(library: Library) -> JobHandler {
    Arc::new(move |job| {
        let library = library.clone();
        Box::pin(async move { run(&library, job).await })
    })
}

/// One run of one job.
struct Run<'a> {
    library: &'a Library,
    ctx: &'a TenantCtx,
    cancel: &'a CancellationToken,
    job: JobId,
    revision: Revision,
    title: Option<String>,
    /// The revision answers already, from what an earlier job made.
    again: bool,
    attempts_max: u32,
}

async fn run(library: &Library, job: JobContext) -> Result<Value, JobFailure> {
    let JobContext { ctx, job, cancel, attempts_max } = job;
    let Some(payload) = Payload::parse(job.payload()) else {
        return Err(failure(&KnowledgeError::Corrupt("jobs.payload")));
    };
    let id = payload.revision;
    let now = ctx.now();
    let found = ctx.read(move |tx| Ok::<_, KnowledgeError>(rows::revision_find(tx, id, now)?));
    let revision = match found.await {
        Ok(Some(revision)) => revision,
        Ok(None) => return Err(failure(&KnowledgeError::RevisionNotFound)),
        Err(error) => return Err(failure(&error)),
    };
    let run = Run {
        library,
        ctx: &ctx,
        cancel: &cancel,
        job: job.id(),
        again: revision.state == RevisionState::Ready,
        attempts_max,
        revision,
        title: payload.title,
    };
    match run.carry_out().await {
        Ok(result) => Ok(result),
        Err(error) => Err(run.ended(error).await),
    }
}

impl Run<'_> {
    async fn carry_out(&self) -> Result<Value, KnowledgeError> {
        self.begin().await?;
        let pages = self.pages().await?;
        let made = self.chunks(pages).await?;
        self.embed(&made).await?;
        let result = self.publish(&made).await?;
        tenant_index::follow(self.ctx).await;
        Ok(result)
    }

    async fn begin(&self) -> Result<(), KnowledgeError> {
        self.check_cancelled()?;
        if self.again {
            return Ok(());
        }
        let (id, job) = (self.revision.id, self.job);
        self.write(move |tx| {
            rows::revision_set_state(&tx, id, RevisionState::Processing)?;
            let event =
                Event::new(INGEST_STARTED).object("revision", id).detail(json!({ "job": job }));
            Ok(tx.commit(event, ())?)
        })
        .await
    }

    fn check_cancelled(&self) -> Result<(), KnowledgeError> {
        if self.cancel.is_cancelled() { Err(KnowledgeError::Cancelled) } else { Ok(()) }
    }

    /// A change of what this run makes; refused when the document was deleted meanwhile, whose text
    /// must not come back.
    async fn write<T, F>(&self, change: F) -> Result<T, KnowledgeError>
    where
        T: Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, KnowledgeError> + Send + 'static,
    {
        let id = self.revision.id;
        self.ctx
            .write(move |tx| {
                if !rows::revision_exists(&tx, id)? {
                    return Err(KnowledgeError::RevisionNotFound);
                }
                change(tx)
            })
            .await
    }

    /// Writes down how a run ended that did not succeed.
    async fn ended(&self, error: KnowledgeError) -> JobFailure {
        let written = self.write_end(&error).await;
        // Deleted meanwhile, with all that was made of it: there is nothing to write down.
        if let Err(error) = written
            && !matches!(error, KnowledgeError::RevisionNotFound)
        {
            tracing::error!(
                revision.id = %self.revision.id,
                error = &error as &dyn std::error::Error,
                "the end of an ingestion can't be written"
            );
        }
        failure(&error)
    }

    async fn write_end(&self, error: &KnowledgeError) -> Result<(), KnowledgeError> {
        let id = self.job;
        let job: Result<Job, StoreError> = self.ctx.read(move |tx| store::job_get(tx, id)).await;
        let job = job?;
        if self.cancel.is_cancelled() {
            // The appliance stops, or somebody asked for the end: only the latter is final.
            return if job.cancel_requested { self.give_up().await } else { Ok(()) };
        }
        let is_final = match error.retry() {
            Retry::Never => true,
            Retry::Counted => job.attempts >= self.attempts_max,
            Retry::Uncounted { .. } => false,
        };
        // What answers goes on answering.
        if is_final && !self.again { self.fail(error).await } else { Ok(()) }
    }
}

/// An error as the job keeps it: for people, without content.
fn failure(error: &KnowledgeError) -> JobFailure {
    JobFailure { code: error.code(), detail: reason(error), retry: error.retry() }
}

fn reason(error: &KnowledgeError) -> String {
    match error {
        KnowledgeError::Parse(error) => error.reason(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_payload_survives_the_jobs_table() {
        let revision: RevisionId = "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10".parse().unwrap();
        for title in [None, Some("Pump \"P-101\"".to_owned())] {
            let payload = Payload { revision, title };
            let text = payload.to_json().to_string();
            assert_eq!(Payload::parse(&serde_json::from_str(&text).unwrap()).unwrap(), payload);
        }
        assert_eq!(Payload::parse(&json!({ "revision": "x" })), None);
    }
}
