//! PATCH and DELETE /api/v1/conversations/{conversation_id}

use agents::ConversationChange;
use base::ConversationId;
use policy::conversations;
use serde::Deserialize;
use utoipa::ToSchema;

use super::list::ConversationView;
use crate::call::Authorized;
use crate::input::{Id, Json};
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// What is to change; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConversationPatch {
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
    /// Whether it is kept on top of the list.
    pinned: Option<bool>,
}

pub(super) async fn conversation_change(
    call: Authorized<conversations::Change>,
    (Id(id), Json(patch)): (Id<ConversationId>, Json<ConversationPatch>),
) -> Result<Ok200<ConversationView>, Problem> {
    let change = ConversationChange { title: patch.title, pinned: patch.pinned };
    let changed = agents::conversation_change(call.permit()?, id, change).await?;
    Ok(Ok200(ConversationView::from(&changed)))
}

pub(super) async fn conversation_delete(
    call: Authorized<conversations::Change>,
    Id(id): Id<ConversationId>,
) -> Result<NoContent, Problem> {
    agents::conversation_delete(call.permit()?, id).await?;
    Ok(NoContent)
}
