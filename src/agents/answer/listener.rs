//! Who listens to an answer while it is made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use audit::{Action, Event};
use base::{ChunkId, Label, RevisionId};
use models::{Tier, TokenUsage};
use serde_json::json;
use store::TenantCtx;

use crate::AgentError;
use crate::check::EvidenceSet;
use crate::model::{Answer, AnswerEvent, AnswerEvents, Citation, Stage, StepKind};

/// A model's words are about to be shown as they come; names the chunks that it reads.
const ANSWER_BEGUN: Action = Action::new("answer.begun");

/// Who listens, if anybody does.
pub(crate) struct Listener {
    events: Option<AnswerEvents>,
    /// Pieces of the answer were shown before it was complete.
    has_shown: AtomicBool,
}

impl Listener {
    pub(crate) const fn new(events: Option<AnswerEvents>) -> Self {
        Self { events, has_shown: AtomicBool::new(false) }
    }

    /// Whether somebody listens.
    pub(crate) const fn is_there(&self) -> bool {
        self.events.is_some()
    }

    /// Whether pieces of the answer were shown already: it can't be begun anew then.
    pub(crate) fn has_shown(&self) -> bool {
        self.has_shown.load(Ordering::Relaxed)
    }

    /// Comes back when nobody listens any more; never when nobody did.
    pub(crate) async fn gone(&self) {
        match &self.events {
            Some(events) => events.closed().await,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn stage(&self, stage: Stage) {
        self.send(AnswerEvent::Status(stage)).await;
    }

    /// Waits for a slow reader; a reader that went away is noticed by [`Listener::gone`].
    pub(crate) async fn send(&self, event: AnswerEvent) {
        if let Some(events) = &self.events {
            let _ = events.send(event).await;
        }
    }

    pub(crate) async fn step_started(&self, step: &str, kind: StepKind, tier: Option<Tier>) {
        self.send(AnswerEvent::StepStarted { step: step.to_owned(), kind, tier }).await;
    }

    pub(crate) async fn step_token(&self, step: &str, text: String) {
        self.send(AnswerEvent::StepToken { step: step.to_owned(), text }).await;
    }

    pub(crate) async fn step_finished(
        &self,
        step: &str,
        kind: StepKind,
        tokens: TokenUsage,
        elapsed_ms: i64,
    ) {
        let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(0);
        let step = step.to_owned();
        self.send(AnswerEvent::StepFinished { step, kind, tokens, elapsed_ms }).await;
    }

    /// Records what a model is given to read, passages and what tools read `besides`, before any of its
    /// words are shown. Its answer has an
    /// entry of its own; this one is there for what is shown before.
    ///
    /// # Errors
    /// The store's own; nothing may be shown then.
    pub(crate) async fn will_show(
        &self,
        ctx: &TenantCtx,
        evidence: &EvidenceSet,
        besides: &BTreeSet<RevisionId>,
        label: Label,
    ) -> Result<(), AgentError> {
        if !self.is_there() {
            return Ok(());
        }
        let passages = || evidence.items().iter().map(|item| &item.passage);
        let chunks: Vec<ChunkId> = passages().map(|passage| passage.chunk_id).collect();
        let revisions: BTreeSet<RevisionId> =
            passages().map(|passage| passage.revision_id).chain(besides.iter().copied()).collect();
        let event = Event::new(ANSWER_BEGUN)
            .object("request", ctx.request_id())
            .detail(json!({ "chunks": chunks, "revisions": revisions }))
            .label(label);
        Ok(ctx.record(event).await?)
    }

    /// A sentence of the answer, with the citations that it adds.
    pub(crate) async fn show_piece(&self, citations: Vec<Citation>, text: String) {
        if !self.is_there() {
            return;
        }
        self.has_shown.store(true, Ordering::Relaxed);
        for citation in citations {
            self.send(AnswerEvent::Citation(Box::new(citation))).await;
        }
        self.send(AnswerEvent::Token(text)).await;
    }

    /// Everything that shows content and was not shown yet; it is recorded by now.
    pub(super) async fn show(&self, answer: &Answer) {
        if !self.is_there() {
            return;
        }
        if !self.has_shown() {
            for citation in &answer.citations {
                self.send(AnswerEvent::Citation(Box::new(citation.clone()))).await;
            }
            for piece in answer.text.split_inclusive(' ') {
                self.send(AnswerEvent::Token(piece.to_owned())).await;
            }
        }
        self.send(AnswerEvent::Receipt(Box::new(answer.receipt.clone()))).await;
        self.send(AnswerEvent::Done(Box::new(answer.clone()))).await;
    }
}
