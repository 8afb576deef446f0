//! Questions: what must hold before anything is begun.

use base::{ConversationId, UserId, limits};
use policy::{Permit, chat};
use store::ReadTx;

use crate::AgentError;
use crate::answer::Mode;
use crate::model::AskInput;
use crate::store as rows;
use crate::workbench::Workbench;

/// A question that can be answered: its fields are right, and its conversation is the asking
/// person's own.
#[derive(Debug)]
pub struct Question {
    pub(crate) message: String,
    pub(crate) conversation: Option<ConversationId>,
    /// Who is to answer, when somebody was asked for.
    pub(crate) answerer: Option<Answerer>,
}

impl Question {
    /// How it is to be answered, when that was asked for. An agent reasons: its tools and its steps are
    /// what it is asked for.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.answerer.as_ref().map(|answerer| match answerer {
            Answerer::Mode(mode) => *mode,
            Answerer::Agent(_) => Mode::Reason,
        })
    }
}

/// Who was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// A way of answering.
    Mode(Mode),
    /// An agent, by its name.
    Agent(String),
}

impl Answerer {
    fn parse(word: &str, bench: &Workbench) -> Result<Self, AgentError> {
        if let Some(mode) = Mode::parse(word) {
            return Ok(Self::Mode(mode));
        }
        if bench.agent(word).is_some() {
            return Ok(Self::Agent(word.to_owned()));
        }
        let names = bench.agent_names();
        let reason = format!("must be quote, generated, reason, or one of {names}, or absent");
        Err(AgentError::invalid("agent", reason))
    }
}

/// Checks what is asked, before anything is begun.
///
/// # Errors
/// [`AgentError::Invalid`], [`AgentError::ConversationNotFound`], or the store's own.
pub async fn question(
    permit: &Permit<'_, chat::Send>,
    bench: &Workbench,
    input: AskInput,
) -> Result<Question, AgentError> {
    let message = checked_message("message", &input.message)?;
    let answerer = input.agent.as_deref().map(|word| Answerer::parse(word, bench)).transpose()?;
    if let Some(id) = input.conversation_id {
        let owner = permit.ctx().user_id();
        permit.ctx().read(move |tx| found(tx, id, owner)).await?;
    }
    Ok(Question { message, conversation: input.conversation_id, answerer })
}

/// A message without the blanks around it.
pub(crate) fn checked_message(field: &str, message: &str) -> Result<String, AgentError> {
    let message = message.trim();
    if message.is_empty() {
        return Err(AgentError::invalid(field, "must not be empty"));
    }
    let chars = message.chars().count();
    if chars > limits::CHAT_MESSAGE_MAX_CHARS {
        let reason =
            format!("must be at most {} characters, not {chars}", limits::CHAT_MESSAGE_MAX_CHARS);
        return Err(AgentError::invalid(field, reason));
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
