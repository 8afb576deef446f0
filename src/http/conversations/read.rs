//! GET /api/v1/conversations/{conversation_id}

use agents::{Feedback, Message};
use base::ConversationId;
use policy::conversations;
use serde::Serialize;
use utoipa::ToSchema;

use super::list::ConversationView;
use crate::call::Authorized;
use crate::cursor::{PageQuery, page_limit, page_start};
use crate::feedback::FeedbackView;
use crate::input::{Id, Query};
use crate::output::Ok200;
use crate::problem::Problem;
use crate::views::{CitationView, label_words, receipt_value};

/// A question or an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
struct MessageView {
    #[schema(format = "uuid")]
    id: String,
    sequence: u32,
    /// `person` or `appliance`.
    author: &'static str,
    text: String,
    classification: &'static str,
    export_control: &'static str,
    /// `not_in_documents`, when there was no answer.
    refusal: Option<&'static str>,
    citations: Vec<CitationView>,
    receipt: Option<serde_json::Value>,
    /// The label is above your present rights: text and citations are left out.
    withheld: bool,
    /// What you said about the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<FeedbackView>,
    #[schema(format = "date-time")]
    created_at: String,
}

impl MessageView {
    fn new(message: &Message, feedback: &[Feedback]) -> Result<Self, serde_json::Error> {
        let feedback = feedback.iter().find(|said| said.message_id == message.id);
        let (classification, export_control) = label_words(&message.label);
        Ok(Self {
            id: message.id.to_string(),
            sequence: message.sequence,
            author: message.author.as_str(),
            text: message.text.clone(),
            classification,
            export_control,
            refusal: message.refusal.map(agents::Refusal::as_str),
            citations: message.citations.iter().map(CitationView::from).collect(),
            receipt: message.receipt.as_ref().map(receipt_value).transpose()?,
            withheld: message.withheld,
            feedback: feedback.map(FeedbackView::from),
            created_at: message.created_at.to_string(),
        })
    }
}

/// A conversation with a page of its messages, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationDetails {
    conversation: ConversationView,
    messages: Vec<MessageView>,
    /// Pass it as `cursor` to get the messages that follow; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) async fn conversation_get(
    call: Authorized<conversations::Read>,
    (Id(id), Query(query)): (Id<ConversationId>, Query<PageQuery>),
) -> Result<Ok200<ConversationDetails>, Problem> {
    let after = page_start::<u32>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let details = agents::conversation_get(call.permit()?, id, after, limit).await?;
    let feedback = &details.feedback;
    let messages = details.messages.iter().map(|message| MessageView::new(message, feedback));
    Ok(Ok200(ConversationDetails {
        conversation: ConversationView::from(&details.conversation),
        messages: messages
            .collect::<Result<_, _>>()
            .map_err(|e| Problem::new("internal_error").with_cause(e))?,
        next_cursor: crate::cursor::page_end(details.next),
    }))
}
