//! Everything that is stored of one answer, in one commit.

use audit::{Action, Event};
use base::{ConversationId, Label, MessageId, Timestamp, UserId};
use knowledge::{still_valid, still_within};
use models::{SettledUsage, usage_insert};
use serde_json::json;
use store::{NewJob, WriteTx};

use super::draft::Draft;
use crate::AgentError;
use crate::conversations::{Author, title_of};
use crate::memory::memory_job_enqueue;
use crate::model::Answer;
use crate::store::{self as rows, MessageInsert, trace_insert};
use crate::trace::Trace;

const ANSWER_GIVEN: Action = Action::new("answer.given");
const ANSWER_REFUSED: Action = Action::new("answer.refused");

/// Everything that one commit writes.
pub(super) struct Record {
    pub(super) conversation: Option<ConversationId>,
    pub(super) new_conversation: ConversationId,
    pub(super) question_id: MessageId,
    pub(super) message_id: MessageId,
    pub(super) owner: Option<UserId>,
    pub(super) message: String,
    pub(super) text: String,
    pub(super) draft: Draft,
    /// Tokens that it cost.
    pub(super) usage: Vec<SettledUsage>,
    /// The steps behind a reasoned answer.
    pub(super) trace: Option<Trace>,
    /// Looks for something to remember in the question, where that may be worth it.
    pub(super) memory_job: Option<NewJob>,
}

impl Record {
    pub(super) fn commit(
        mut self,
        mut tx: WriteTx<'_>,
    ) -> Result<::store::Committed<Answer>, AgentError> {
        let receipt = &self.draft.receipt;
        still_valid(&tx, &receipt.revisions, receipt.label, tx.now())?;
        let conversation_id = self.find_or_insert_conversation(&tx)?;
        let sequence = rows::message_next_sequence(&tx, conversation_id)?;
        self.draft.receipt.audit_index = tx.audit_index();
        let question = MessageInsert {
            id: self.question_id,
            conversation: conversation_id,
            sequence,
            author: Author::Person,
            text: &self.message,
            label: Label::TYPED,
            refusal: None,
            receipt: None,
        };
        rows::message_insert(&tx, &question)?;
        let receipt = serde_json::to_string(&self.draft.receipt)
            .map_err(|_| ::store::StoreError::Corrupt("messages.receipt"))?;
        let answer = MessageInsert {
            id: self.message_id,
            conversation: conversation_id,
            sequence: sequence + 1,
            author: Author::Appliance,
            text: &self.text,
            label: self.draft.label,
            refusal: self.draft.refusal,
            receipt: Some(receipt),
        };
        rows::message_insert(&tx, &answer)?;
        for citation in &self.draft.citations {
            rows::citation_insert(&tx, self.message_id, citation)?;
        }
        for usage in &self.usage {
            usage_insert(&tx, usage)?;
        }
        if let Some(trace) = &mut self.trace {
            trace.message_id = Some(self.message_id);
            still_within(&tx, &trace.revisions, trace.label, tx.now())?;
            trace_insert(&tx, trace)?;
        }
        if let (Some(owner), Some(job)) = (self.owner, &self.memory_job) {
            memory_job_enqueue(&mut tx, owner, job)?;
        }
        let event = self.event(conversation_id);
        let created_at = tx.now();
        let answer = self.into_answer(conversation_id, created_at);
        Ok(tx.commit(event, answer)?)
    }

    fn find_or_insert_conversation(&self, tx: &WriteTx<'_>) -> Result<ConversationId, AgentError> {
        let Some(id) = self.conversation else {
            let title = title_of(&self.message);
            rows::conversation_insert(tx, self.new_conversation, self.owner, &title)?;
            return Ok(self.new_conversation);
        };
        // It may have been deleted since the question was asked.
        let found = rows::conversation_find(tx, id, self.owner)?;
        found.ok_or(AgentError::ConversationNotFound)?;
        rows::conversation_touch(tx, id)?;
        Ok(id)
    }

    fn event(&self, conversation: ConversationId) -> Event {
        let receipt = &self.draft.receipt;
        let action = if self.draft.refusal.is_some() { ANSWER_REFUSED } else { ANSWER_GIVEN };
        let mut detail = json!({
            "conversation": conversation,
            "mode": receipt.mode,
            "chunks": receipt.chunks_shown,
            "revisions": receipt.revisions,
            "degraded": receipt.degraded,
        });
        if let Some(generated) = &receipt.generated {
            detail["model"] = json!(generated.model);
            detail["tier"] = json!(generated.tier);
            detail["tokens"] = json!(generated.tokens);
            detail["fallback"] = json!(receipt.fallback);
            detail["agent"] = json!(generated.agent.as_ref().map(|choice| &choice.agent));
        }
        Event::new(action).object("message", self.message_id).detail(detail).label(self.draft.label)
    }

    fn into_answer(self, conversation_id: ConversationId, created_at: Timestamp) -> Answer {
        Answer {
            conversation_id,
            message_id: self.message_id,
            question_id: self.question_id,
            text: self.text,
            citations: self.draft.citations,
            refusal: self.draft.refusal,
            nearest: self.draft.nearest,
            label: self.draft.label,
            receipt: self.draft.receipt,
            created_at,
        }
    }
}
