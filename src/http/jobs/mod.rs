//! Durable jobs: one's own, all of the tenant for administrators.

use base::JobId;
use policy::jobs;
use serde::Serialize;
use store::Job;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::endpoint::endpoint;
use crate::input::{Id, Query};
use crate::output::Ok200;
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/jobs",
            operation: "job_list",
            summary: "List jobs, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(job_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/jobs/{job_id}",
            operation: "job_get",
            summary: "A job and how far it is",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(job_get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/jobs/{job_id}/cancel",
            operation: "job_cancel",
            summary: "Ask a job to end",
            audit: Audit::Entry("job.cancel_requested"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(job_cancel),
        },
    ]
}

#[derive(Serialize, ToSchema)]
struct JobProgress {
    /// Steps done, in the unit of the job's kind (pages and chunks for ingestion).
    done: u64,
    /// Steps in all, once known.
    total: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct JobFault {
    code: String,
    detail: Option<String>,
}

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
struct JobView {
    #[schema(format = "uuid")]
    id: String,
    kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// What it works on (`revision:<uuid>`).
    subject: String,
    /// Absent for the console.
    #[schema(format = "uuid")]
    queued_by: Option<String>,
    progress: JobProgress,
    /// Times it was started.
    attempts: u32,
    /// Somebody wants it to end.
    cancel_requested: bool,
    error: Option<JobFault>,
    /// What it made.
    result: Option<serde_json::Value>,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let detail = job.error_detail;
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            state: job.state.as_str(),
            subject: job.subject,
            queued_by: job.queued_by.map(|id| id.to_string()),
            progress: JobProgress { done: job.progress_done, total: job.progress_total },
            attempts: job.attempts,
            cancel_requested: job.cancel_requested,
            error: job.error_code.map(|code| JobFault { code, detail }),
            result: job.result,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
        }
    }
}

async fn job_list(
    call: Authorized<jobs::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<JobView>>, Problem> {
    let after = page_start::<JobId>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = knowledge::job_list(call.permit()?, after, limit).await?;
    Ok(Ok200(Page::new(page.jobs.into_iter().map(JobView::from).collect(), page.next)))
}

async fn job_get(
    call: Authorized<jobs::Read>,
    Id(id): Id<JobId>,
) -> Result<Ok200<JobView>, Problem> {
    Ok(Ok200(knowledge::job_get(call.permit()?, id).await?.into()))
}

async fn job_cancel(
    call: Authorized<jobs::Cancel>,
    Id(id): Id<JobId>,
) -> Result<Ok200<JobView>, Problem> {
    Ok(Ok200(knowledge::job_cancel(call.permit()?, id).await?.into()))
}
