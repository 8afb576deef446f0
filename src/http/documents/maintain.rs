//! DELETE /api/v1/documents/{document_id} and POST …/reindex

use base::DocumentId;
use policy::documents;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::input::Id;
use crate::output::{Accepted, NoContent};
use crate::problem::Problem;

/// The job that does it.
#[derive(Serialize, ToSchema)]
pub(super) struct JobLink {
    /// See GET /api/v1/jobs/{job_id}.
    #[schema(format = "uuid")]
    job_id: String,
}

pub(super) async fn document_delete(
    call: Authorized<documents::Delete>,
    Id(id): Id<DocumentId>,
) -> Result<NoContent, Problem> {
    knowledge::document_delete(call.permit()?, id).await?;
    Ok(NoContent)
}

pub(super) async fn document_reindex(
    call: Authorized<documents::Reindex>,
    Id(id): Id<DocumentId>,
) -> Result<Accepted<JobLink>, Problem> {
    let job = knowledge::document_reindex(call.permit()?, id).await?;
    let location = format!("/api/v1/jobs/{job}");
    Ok(Accepted { location, body: JobLink { job_id: job.to_string() } })
}
