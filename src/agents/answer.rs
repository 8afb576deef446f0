//! The answer path: resolve the question, retrieve, choose sentences, record, show.

use audit::{Action, Event};
use base::{ChunkId, Coded as _, ConversationId, Label, MessageId, RevisionId, Timestamp, UserId};
use knowledge::{
    KnowledgeError, Library, Passage, Retrieval, SEARCH_QUERY_MAX_CHARS, SearchFilters,
    SearchInput, passages_find, still_valid,
};
use models::WorkerState;
use policy::{Permit, chat};
use serde_json::json;
use store::{TenantCtx, WriteTx};

use crate::conversations::{Author, title_of};
use crate::follow_up::{self, FOLLOW_UP_QUESTIONS_MAX};
use crate::model::{
    Answer, AnswerEvent, AnswerEvents, Citation, Nearest, Receipt, Refusal, Stage, Timings,
};
use crate::question::{Question, found};
use crate::quote::{self, Chosen};
use crate::store::{self as rows, MessageInsert};
use crate::{AgentError, wording};

/// The mode that needs no language model; the default.
pub const QUOTE_MODE: &str = "quote";

/// Passages whose sentences are weighed.
const PASSAGES_READ: u32 = 16;
/// Passages shown when there is no answer.
const NEAREST_MAX: usize = 3;
/// Characters of such a passage that are shown.
const NEAREST_EXCERPT_CHARS: usize = 280;

const ANSWER_GIVEN: Action = Action::new("answer.given");
const ANSWER_REFUSED: Action = Action::new("answer.refused");

/// Answers a question from the documents that the asking person may see, and records question,
/// answer and what was shown in one commit.
///
/// Events go to `events` as the work proceeds; when its receiver is dropped before the commit, the
/// work ends and nothing is stored.
///
/// # Errors
/// [`AgentError::ConversationNotFound`] when it was deleted meanwhile, [`AgentError::Abandoned`],
/// or those of retrieval and the store. An error is also sent as [`AnswerEvent::Error`].
pub async fn answer(
    permit: Permit<'_, chat::Send>,
    library: &Library,
    question: Question,
    events: Option<AnswerEvents>,
) -> Result<Answer, AgentError> {
    let listener = Listener(events);
    let work = || work(&permit, library, &question, &listener);
    let finished = async {
        match work().await {
            // Once more when a revision stopped counting while it was read.
            Err(AgentError::Knowledge(KnowledgeError::Overtaken)) => work().await,
            other => other,
        }
    };
    let result = tokio::select! {
        biased;
        () = listener.gone() => Err(AgentError::Abandoned),
        result = finished => result,
    };
    match &result {
        Ok(answer) => listener.show(answer).await,
        Err(error) => {
            let event = AnswerEvent::Error { code: error.code(), message: error.to_string() };
            listener.send(event).await;
        }
    }
    result
}

async fn work(
    permit: &Permit<'_, chat::Send>,
    library: &Library,
    asked: &Question,
    listener: &Listener,
) -> Result<Answer, AgentError> {
    let ctx = permit.ctx();
    let started = ctx.now();
    let message = asked.message.clone();
    listener.stage(Stage::Resolving).await;
    let resolved = match asked.conversation {
        Some(id) => follow_up::resolve(&message, &earlier(ctx, id).await?),
        None => None,
    };
    // What would be too long to be searched for stands on its own.
    let resolved = resolved.filter(|text| text.chars().count() <= SEARCH_QUERY_MAX_CHARS);
    let searching = ctx.now();
    listener.stage(Stage::Searching).await;
    let question = resolved.clone().unwrap_or_else(|| message.clone());
    let retrieval = passages_find(permit, library, &search_for(&question)).await?;
    let reading = ctx.now();
    listener.stage(Stage::Reading).await;
    let weighed = quote::weigh(&question, &retrieval, library.models()).await?;
    let chosen = quote::choose(&weighed, &retrieval.passages);
    let ended = ctx.now();
    listener.stage(Stage::Writing).await;
    let timings = Timings {
        resolve_ms: elapsed_ms(started, searching),
        search_ms: elapsed_ms(searching, reading),
        read_ms: elapsed_ms(reading, ended),
        total_ms: elapsed_ms(started, ended),
    };
    let draft = Draft::make(&retrieval, &chosen, library, resolved, timings);
    let record = Record {
        conversation: asked.conversation,
        new_conversation: ConversationId::new(ctx.now(), ctx.entropy())?,
        question_id: MessageId::new(ctx.now(), ctx.entropy())?,
        message_id: MessageId::new(ctx.now(), ctx.entropy())?,
        owner: ctx.user_id(),
        message,
        text: draft.text(&question),
        draft,
    };
    ctx.write(move |tx| record.commit(tx)).await
}

/// What is searched for to answer `question`.
pub(crate) fn search_for(question: &str) -> SearchInput {
    SearchInput {
        query: question.to_owned(),
        filters: SearchFilters::default(),
        limit: PASSAGES_READ,
    }
}

/// The earlier questions of one's own conversation, newest first.
async fn earlier(ctx: &TenantCtx, id: ConversationId) -> Result<Vec<String>, AgentError> {
    let owner = ctx.user_id();
    ctx.read(move |tx| {
        found(tx, id, owner)?;
        Ok(rows::last_questions(tx, id, FOLLOW_UP_QUESTIONS_MAX)?)
    })
    .await
}

fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since_ms(from)).unwrap_or(0)
}

/// An answer that is not recorded yet.
struct Draft {
    citations: Vec<Citation>,
    nearest: Vec<Nearest>,
    refusal: Option<Refusal>,
    label: Label,
    receipt: Receipt,
}

impl Draft {
    fn make(
        retrieval: &Retrieval,
        chosen: &Chosen,
        library: &Library,
        resolved_question: Option<String>,
        timings: Timings,
    ) -> Self {
        let passages = &retrieval.passages;
        let citations: Vec<Citation> = (1..)
            .zip(&chosen.quotes)
            .map(|(number, quote)| citation(number, quote, &passages[quote.candidate.passage]))
            .collect();
        let refusal = citations.is_empty().then_some(Refusal::NotInDocuments);
        let nearest: Vec<Nearest> = if refusal.is_some() {
            passages.iter().take(NEAREST_MAX).map(nearest).collect()
        } else {
            Vec::new()
        };
        let labels = citations.iter().map(|c| c.label).chain(nearest.iter().map(|n| n.label));
        let label = labels.fold(Label::TYPED, Label::join);
        let shown = citations
            .iter()
            .map(|c| (c.chunk_id, c.revision_id))
            .chain(nearest.iter().map(|n| (n.chunk_id, n.revision_id)));
        let (mut chunks_shown, mut revisions): (Vec<ChunkId>, Vec<RevisionId>) = shown.unzip();
        chunks_shown.sort_unstable();
        chunks_shown.dedup();
        revisions.sort_unstable();
        revisions.dedup();
        let receipt = Receipt {
            mode: QUOTE_MODE.to_owned(),
            chunks_shown,
            revisions,
            embedder: retrieval.query_embedding.as_ref().and_then(|_| embedder(library)),
            decision: chosen.decision.clone(),
            resolved_question,
            degraded: retrieval.degraded.map(|reason| reason.as_str().to_owned()),
            nearest: nearest.clone(),
            label,
            candidates: u32::try_from(chosen.candidates).unwrap_or(u32::MAX),
            timings,
            audit_index: 0,
        };
        Self { citations, nearest, refusal, label, receipt }
    }

    fn text(&self, question: &str) -> String {
        if self.refusal.is_some() {
            return wording::not_in_documents(question).to_owned();
        }
        let quotes = self.citations.iter().map(|c| format!("{} [{}]", c.quote, c.number));
        quotes.collect::<Vec<_>>().join(" ")
    }
}

/// What the worker says that it embeds with.
fn embedder(library: &Library) -> Option<String> {
    match library.models().state() {
        WorkerState::Ready { hello, .. } => Some(hello.embedder.clone()),
        _ => None,
    }
}

fn citation(number: u32, quote: &quote::Weighed, passage: &Passage) -> Citation {
    let range = quote.candidate.range.clone();
    Citation {
        number,
        document_id: passage.document_id,
        document_key: passage.document_key.clone(),
        document_title: passage.document_title.clone(),
        revision_id: passage.revision_id,
        revision_number: passage.revision_number,
        chunk_id: passage.chunk_id,
        page: passage.page_of(range.clone()),
        heading_path: passage.heading_path.clone(),
        quote: quote.candidate.quote.clone(),
        boxes: passage.boxes_of(range),
        score: quote.features.probability(),
        label: passage.label,
    }
}

fn nearest(passage: &Passage) -> Nearest {
    let words = passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut excerpt: String = words.chars().take(NEAREST_EXCERPT_CHARS).collect();
    if excerpt.len() < words.len() {
        excerpt.push('…');
    }
    Nearest {
        document_id: passage.document_id,
        document_key: passage.document_key.clone(),
        document_title: passage.document_title.clone(),
        revision_id: passage.revision_id,
        revision_number: passage.revision_number,
        chunk_id: passage.chunk_id,
        page: passage.page_first,
        heading_path: passage.heading_path.clone(),
        excerpt,
        score: passage.scores.fused,
        label: passage.label,
    }
}

/// Everything that one commit writes.
struct Record {
    conversation: Option<ConversationId>,
    new_conversation: ConversationId,
    question_id: MessageId,
    message_id: MessageId,
    owner: Option<UserId>,
    message: String,
    text: String,
    draft: Draft,
}

impl Record {
    fn commit(mut self, tx: WriteTx<'_>) -> Result<store::Committed<Answer>, AgentError> {
        still_valid(&tx, &self.draft.receipt.revisions, tx.now())?;
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
            .map_err(|_| store::StoreError::Corrupt("messages.receipt"))?;
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
        Event::new(action)
            .object("message", self.message_id)
            .detail(json!({
                "conversation": conversation,
                "mode": receipt.mode,
                "chunks": receipt.chunks_shown,
                "revisions": receipt.revisions,
                "degraded": receipt.degraded,
            }))
            .label(self.draft.label)
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

/// Who listens, if anybody does.
struct Listener(Option<AnswerEvents>);

impl Listener {
    /// Comes back when nobody listens any more; never when nobody did.
    async fn gone(&self) {
        match &self.0 {
            Some(events) => events.closed().await,
            None => std::future::pending().await,
        }
    }

    async fn stage(&self, stage: Stage) {
        self.send(AnswerEvent::Status(stage)).await;
    }

    /// Waits for a slow reader; a reader that went away is noticed by [`Listener::gone`].
    async fn send(&self, event: AnswerEvent) {
        if let Some(events) = &self.0 {
            let _ = events.send(event).await;
        }
    }

    /// Everything that shows content; it is recorded by now.
    async fn show(&self, answer: &Answer) {
        if self.0.is_none() {
            return;
        }
        for citation in &answer.citations {
            self.send(AnswerEvent::Citation(Box::new(citation.clone()))).await;
        }
        for piece in answer.text.split_inclusive(' ') {
            self.send(AnswerEvent::Token(piece.to_owned())).await;
        }
        self.send(AnswerEvent::Receipt(Box::new(answer.receipt.clone()))).await;
        self.send(AnswerEvent::Done(Box::new(answer.clone()))).await;
    }
}
