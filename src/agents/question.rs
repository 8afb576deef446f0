//! Questions: what must hold before anything is begun.

use base::{ConversationId, UserId, limits};
use policy::{Permit, chat};
use store::ReadTx;

use crate::AgentError;
use crate::answer::QUOTE_MODE;
use crate::model::AskInput;
use crate::store as rows;

/// A question that can be answered: its fields are right, and its conversation is the asking
/// person's own.
#[derive(Debug)]
pub struct Question {
    pub(crate) message: String,
    pub(crate) conversation: Option<ConversationId>,
}

/// Checks what is asked, before anything is begun.
///
/// # Errors
/// [`AgentError::Invalid`], [`AgentError::ConversationNotFound`], or the store's own.
pub async fn question(
    permit: &Permit<'_, chat::Send>,
    input: AskInput,
) -> Result<Question, AgentError> {
    let message = checked(&input)?;
    if let Some(id) = input.conversation_id {
        let owner = permit.ctx().user_id();
        permit.ctx().read(move |tx| found(tx, id, owner)).await?;
    }
    Ok(Question { message, conversation: input.conversation_id })
}

fn checked(input: &AskInput) -> Result<String, AgentError> {
    let message = input.message.trim();
    if message.is_empty() {
        return Err(AgentError::invalid("message", "must not be empty"));
    }
    let chars = message.chars().count();
    if chars > limits::CHAT_MESSAGE_MAX_CHARS {
        let reason =
            format!("must be at most {} characters, not {chars}", limits::CHAT_MESSAGE_MAX_CHARS);
        return Err(AgentError::invalid("message", reason));
    }
    if input.agent.as_deref().is_some_and(|agent| agent != QUOTE_MODE) {
        return Err(AgentError::invalid("agent", format!("must be {QUOTE_MODE} or absent")));
    }
    Ok(message.to_owned())
}

pub(crate) fn found(
    tx: &ReadTx<'_>,
    id: ConversationId,
    owner: Option<UserId>,
) -> Result<(), AgentError> {
    let conversation = rows::conversation_find(tx, id, owner)?;
    conversation.map(drop).ok_or(AgentError::ConversationNotFound)
}
