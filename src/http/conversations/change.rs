//! PATCH and DELETE /api/v1/conversations/{conversation_id}

use base::ConversationId;
use policy::conversations;
use serde::Deserialize;
use utoipa::ToSchema;

use super::list::ConversationView;
use crate::call::Authorized;
use crate::input::{Id, Json};
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationPatch {
    title: String,
}

pub(super) async fn conversation_rename(
    call: Authorized<conversations::Change>,
    (Id(id), Json(patch)): (Id<ConversationId>, Json<ConversationPatch>),
) -> Result<Ok200<ConversationView>, Problem> {
    let renamed = agents::conversation_rename(call.permit()?, id, patch.title).await?;
    Ok(Ok200(ConversationView::from(&renamed)))
}

pub(super) async fn conversation_delete(
    call: Authorized<conversations::Change>,
    Id(id): Id<ConversationId>,
) -> Result<NoContent, Problem> {
    agents::conversation_delete(call.permit()?, id).await?;
    Ok(NoContent)
}
