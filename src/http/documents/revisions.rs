//! Routes below /api/v1/documents/{document_id}/revisions

use base::{DocumentId, RevisionId};
use knowledge::CitingAnswer;
use policy::documents;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::RevisionView;
use crate::call::Authorized;
use crate::cursor::{Page, page_limit};
use crate::input::{Id, Json, Query};
use crate::output::{Ok200, Tagged};
use crate::problem::Problem;

pub(super) async fn revision_list(
    call: Authorized<documents::Read>,
    Id(document): Id<DocumentId>,
) -> Result<Ok200<Page<RevisionView>>, Problem> {
    let revisions = knowledge::revision_list(call.permit()?, document).await?;
    Ok(Ok200(Page::whole(revisions.iter().map(RevisionView::from).collect())))
}

pub(super) async fn revision_get(
    call: Authorized<documents::Read>,
    (Id(document), Id(revision)): (Id<DocumentId>, Id<RevisionId>),
) -> Result<Tagged<RevisionView>, Problem> {
    let revision = knowledge::revision_get(call.permit()?, document, revision).await?;
    Ok(Tagged(RevisionView::from(&revision)))
}

/// Why a revision is withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawRequest {
    /// For the audit log; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

pub(super) async fn revision_withdraw(
    call: Authorized<documents::Withdraw>,
    (Id(document), Id(revision), Json(request)): (
        Id<DocumentId>,
        Id<RevisionId>,
        Json<WithdrawRequest>,
    ),
) -> Result<Ok200<RevisionView>, Problem> {
    let permit = call.permit()?;
    let withdrawn =
        knowledge::revision_withdraw(permit, document, revision, request.reason).await?;
    Ok(Ok200(RevisionView::from(&withdrawn)))
}

pub(super) async fn revision_supersede(
    call: Authorized<documents::Withdraw>,
    (Id(document), Id(revision)): (Id<DocumentId>, Id<RevisionId>),
) -> Result<Ok200<RevisionView>, Problem> {
    let superseded = knowledge::revision_supersede(call.permit()?, document, revision).await?;
    Ok(Ok200(RevisionView::from(&superseded)))
}

/// How many answers are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CitationsQuery {
    /// Answers at most, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// An answer that cited a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct CitingAnswerView {
    #[schema(format = "uuid")]
    message_id: String,
    #[schema(format = "uuid")]
    conversation_id: String,
    /// Who asked; absent for the console.
    #[schema(format = "uuid")]
    asked_by: Option<String>,
    #[schema(format = "date-time")]
    answered_at: String,
    /// The pages that were cited.
    pages: Vec<u32>,
}

impl From<&CitingAnswer> for CitingAnswerView {
    fn from(answer: &CitingAnswer) -> Self {
        Self {
            message_id: answer.message_id.to_string(),
            conversation_id: answer.conversation_id.to_string(),
            asked_by: answer.asked_by.map(|id| id.to_string()),
            answered_at: answer.answered_at.to_string(),
            pages: answer.pages.iter().map(|page| page.0).collect(),
        }
    }
}

pub(super) async fn revision_citations(
    call: Authorized<documents::Read>,
    (Id(document), Id(revision), Query(query)): (
        Id<DocumentId>,
        Id<RevisionId>,
        Query<CitationsQuery>,
    ),
) -> Result<Ok200<Page<CitingAnswerView>>, Problem> {
    let limit = page_limit(query.limit)?;
    let answers = knowledge::citations_of(call.permit()?, document, revision, limit).await?;
    Ok(Ok200(Page::whole(answers.iter().map(CitingAnswerView::from).collect())))
}
