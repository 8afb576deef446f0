//! An answer before it is recorded: of quotes, or of a model's sentences.

use base::{ChunkId, Label, Origin, RevisionId};
use knowledge::{Library, Passage, Retrieval};
use models::WorkerState;

use super::QUOTE_MODE;
use crate::generated::Outcome;
use crate::model::{Citation, Decision, Nearest, Receipt, Refusal, Timings};
use crate::quote::{self, Chosen};
use crate::wording;

/// Passages shown when there is no answer.
const NEAREST_MAX: usize = 3;
/// Characters of such a passage that are shown.
const NEAREST_EXCERPT_CHARS: usize = 280;

/// An answer that is not recorded yet.
pub(super) struct Draft {
    pub(super) citations: Vec<Citation>,
    pub(super) nearest: Vec<Nearest>,
    pub(super) refusal: Option<Refusal>,
    pub(super) label: Label,
    pub(super) receipt: Receipt,
    /// What a model wrote; `None` for quotes.
    written: Option<String>,
}

impl Draft {
    /// Of quotes, or of there being none.
    pub(super) fn quoted(
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
        let (chunks_shown, revisions) = shown(&citations, &nearest);
        let labels = citations.iter().map(|c| c.label).chain(nearest.iter().map(|n| n.label));
        let label = labels.fold(Label::TYPED, Label::join);
        let receipt = Receipt {
            mode: QUOTE_MODE.to_owned(),
            chunks_shown,
            revisions,
            embedder: compared_by(retrieval, library),
            reranker: retrieval.helped.reranker.clone(),
            decision: chosen.decision.clone(),
            resolved_question,
            degraded: retrieval.degraded.map(|reason| reason.as_str().to_owned()),
            nearest: nearest.clone(),
            label,
            candidates: u32::try_from(chosen.candidates).unwrap_or(u32::MAX),
            timings,
            audit_index: 0,
            generated: None,
            fallback: None,
        };
        Self { citations, nearest, refusal, label, receipt, written: None }
    }

    /// Of what a model wrote and its check let pass.
    pub(super) fn written(
        mode: &str,
        retrieval: &Retrieval,
        library: &Library,
        outcome: Outcome,
        resolved_question: Option<String>,
        timings: Timings,
    ) -> Self {
        let Outcome { writing, generated, label, .. } = outcome;
        let citations = writing.citations;
        let label = citations.iter().map(|c| c.label).fold(label, Label::join);
        // Whatever it was made from: a model wrote it.
        let label = Label { origin: Origin::Model, ..label };
        let (chunks_shown, revisions) = shown(&citations, &[]);
        let best = citations.iter().map(|c| c.score).fold(0.0, f32::max);
        let receipt = Receipt {
            mode: mode.to_owned(),
            chunks_shown,
            revisions,
            embedder: compared_by(retrieval, library),
            reranker: retrieval.helped.reranker.clone(),
            decision: Decision { answerable: true, score: best, ..Decision::default() },
            resolved_question,
            degraded: retrieval.degraded.map(|reason| reason.as_str().to_owned()),
            nearest: Vec::new(),
            label,
            candidates: u32::try_from(generated.evidence.len()).unwrap_or(u32::MAX),
            timings,
            audit_index: 0,
            generated: Some(Box::new(generated)),
            fallback: None,
        };
        let text = Some(writing.text);
        Self { citations, nearest: Vec::new(), refusal: None, label, receipt, written: text }
    }

    /// Tells that a model was asked before, and what came of it. The receipt holds what it wrote, so
    /// it is as secret as what the model read.
    pub(super) fn fell_back(&mut self, reason: String, outcome: Option<Outcome>) {
        self.receipt.fallback = Some(reason);
        if let Some(Outcome { generated, label, .. }) = outcome {
            self.label = self.label.join(label);
            self.receipt.label = self.label;
            self.receipt.generated = Some(Box::new(generated));
        }
    }

    pub(super) fn text(&self, question: &str) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        if self.refusal.is_some() {
            return wording::not_in_documents(question).to_owned();
        }
        let quotes = self.citations.iter().map(|c| format!("{} [{}]", c.quote, c.number));
        quotes.collect::<Vec<_>>().join(" ")
    }
}

/// Chunks and revisions of which something is shown.
fn shown(citations: &[Citation], nearest: &[Nearest]) -> (Vec<ChunkId>, Vec<RevisionId>) {
    let shown = citations
        .iter()
        .map(|c| (c.chunk_id, c.revision_id))
        .chain(nearest.iter().map(|n| (n.chunk_id, n.revision_id)));
    let (mut chunks, mut revisions): (Vec<ChunkId>, Vec<RevisionId>) = shown.unzip();
    chunks.sort_unstable();
    chunks.dedup();
    revisions.sort_unstable();
    revisions.dedup();
    (chunks, revisions)
}

/// What the worker says that it embeds with.
/// Name of the embedder that passages were compared by: the assigned one where it did, or the built-in one.
fn compared_by(retrieval: &Retrieval, library: &Library) -> Option<String> {
    if retrieval.helped.embedder.is_some() {
        return retrieval.helped.embedder.clone();
    }
    retrieval.query_embedding.as_ref()?;
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
