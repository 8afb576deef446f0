//! GET /api/v1/conversations and /api/v1/conversations/search

use agents::{Conversation, ConversationCursor, MessageCursor};
use policy::conversations;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

/// A conversation without its messages.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(super) struct ConversationView {
    #[schema(format = "uuid")]
    id: String,
    title: String,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
    message_count: u32,
    /// Its owner keeps it on top of the list.
    pinned: bool,
}

impl From<&Conversation> for ConversationView {
    fn from(conversation: &Conversation) -> Self {
        Self {
            id: conversation.id.to_string(),
            title: conversation.title.clone(),
            created_at: conversation.created_at.to_string(),
            updated_at: conversation.updated_at.to_string(),
            message_count: conversation.message_count,
            pinned: conversation.pinned,
        }
    }
}

pub(super) async fn conversation_list(
    call: Authorized<conversations::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<ConversationView>>, Problem> {
    let after = page_start::<ConversationCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = agents::conversation_list(call.permit()?, after, limit).await?;
    let items = page.conversations.iter().map(ConversationView::from).collect();
    Ok(Ok200(Page::new(items, page.next)))
}

/// What to search for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationQuery {
    /// Words that stand in a message or title, as they are, in any case.
    q: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Hits at most, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A message that was found.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationHit {
    conversation: ConversationView,
    #[schema(format = "uuid")]
    message_id: String,
    /// The words around the place.
    excerpt: String,
    #[schema(format = "date-time")]
    created_at: String,
}

pub(super) async fn conversation_search(
    call: Authorized<conversations::Read>,
    Query(query): Query<ConversationQuery>,
) -> Result<Ok200<Page<ConversationHit>>, Problem> {
    let after = page_start::<MessageCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let found = agents::conversation_search(call.permit()?, query.q, after, limit).await?;
    let items = found.hits.into_iter().map(|hit| ConversationHit {
        conversation: ConversationView::from(&hit.conversation),
        message_id: hit.message_id.to_string(),
        excerpt: hit.excerpt,
        created_at: hit.created_at.to_string(),
    });
    Ok(Ok200(Page::new(items.collect(), found.next)))
}
