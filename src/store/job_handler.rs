//! What a handler of jobs is given and gives back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::TenantCtx;
use crate::jobs::ClaimedJob;

/// Why a job did not end well.
#[derive(Debug)]
pub struct JobFailure {
    /// Stable code.
    pub code: &'static str,
    /// In words, for the person who queued it. No content of documents.
    pub detail: String,
    /// Whether another try may help.
    pub retry: Retry,
}

/// Whether another try of a job may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same would happen again: a damaged file.
    Never,
    /// It may help; after some tries without getting further the job is given up.
    Counted,
    /// Something that the work needs is away or full, which says nothing about the job: it waits
    /// as long as that takes.
    Uncounted {
        /// When it is worth looking again; at least some seconds, at most some minutes.
        after: Duration,
    },
}

/// What a handler gets.
pub struct JobContext {
    /// The tenant, with the rights of the person who queued the job.
    pub ctx: TenantCtx,
    /// The job.
    pub job: ClaimedJob,
    /// Cancelled when somebody asked the job to end, or the appliance stops. A handler that
    /// succeeds all the same has succeeded; with an error the job is cancelled, or goes on at the
    /// next start.
    pub cancel: CancellationToken,
    /// Tries that a job has without getting further; see [`crate::Job::attempts`].
    pub attempts_max: u32,
}

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Value, JobFailure>> + Send>>;

/// Does the jobs of one kind. Must be able to start again where a killed run stopped.
pub type JobHandler = Arc<dyn Fn(JobContext) -> HandlerFuture + Send + Sync>;
