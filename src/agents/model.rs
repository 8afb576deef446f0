//! Answers, citations and receipts as the rest of the house sees them.

use std::collections::BTreeMap;

use base::{
    ChunkId, ConversationId, DocumentId, Label, MessageId, PageNumber, RevisionId, Timestamp,
};
use knowledge::PassageBox;
use models::{Tier, TokenUsage};
use serde::{Deserialize, Serialize};

use crate::check::{Claim, Finding, Strike};
use crate::generated::Generated;
use crate::trace::Trace;

/// A question to the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskInput {
    /// The question, at most [`base::limits::CHAT_MESSAGE_MAX_CHARS`].
    pub message: String,
    /// The conversation that it belongs to; a new one when `None`.
    pub conversation_id: Option<ConversationId>,
    /// Who is to answer: `quote`, `generated` or `reason`; when absent, what the tenant has set.
    pub agent: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// What the asking person may see does not answer the question.
    NotInDocuments,
}

impl Refusal {
    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotInDocuments => "not_in_documents",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::NotInDocuments.as_str()).then_some(Self::NotInDocuments)
    }
}

/// A quoted sentence and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation {
    /// 1, 2, 3 … as in the answer's text.
    pub number: u32,
    /// The document.
    pub document_id: DocumentId,
    /// What the plant calls it.
    pub document_key: String,
    /// Its title.
    pub document_title: String,
    /// The revision.
    pub revision_id: RevisionId,
    /// Its number.
    pub revision_number: u32,
    /// The chunk that was found.
    pub chunk_id: ChunkId,
    /// The page on which the quote begins.
    pub page: PageNumber,
    /// From the outermost heading to the nearest.
    pub heading_path: Vec<String>,
    /// The words of the document.
    pub quote: String,
    /// The quoted lines on their pages; empty for formats without fixed pages.
    pub boxes: Vec<PassageBox>,
    /// How well it answers, 0 to 1.
    pub score: f32,
    /// The label of the text.
    pub label: Label,
}

/// A passage shown instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// The document.
    pub document_id: DocumentId,
    /// What the plant calls it.
    pub document_key: String,
    /// Its title.
    pub document_title: String,
    /// The revision.
    pub revision_id: RevisionId,
    /// Its number.
    pub revision_number: u32,
    /// The chunk.
    pub chunk_id: ChunkId,
    /// The page on which it begins.
    pub page: PageNumber,
    /// From the outermost heading to the nearest.
    pub heading_path: Vec<String>,
    /// Its beginning.
    pub excerpt: String,
    /// Score of the retrieval.
    pub score: f32,
    /// The label of the text.
    pub label: Label,
}

/// How it was decided whether there is an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the evidence was enough.
    pub answerable: bool,
    /// Estimated probability that the best sentence answers the question.
    pub score: f32,
    /// What it had to reach.
    pub threshold: f32,
    /// What the estimate was made from, by name.
    pub features: BTreeMap<String, f32>,
}

/// How long the steps took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Looking back at the conversation.
    pub resolve_ms: u64,
    /// Retrieval.
    pub search_ms: u64,
    /// Choosing sentences.
    pub read_ms: u64,
    /// Everything up to the commit.
    pub total_ms: u64,
}

/// What an answer was made from, and how. Stored with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who answered: `quote`, `generated` or `reason`.
    pub mode: String,
    /// Chunks of which the person sees text, in the answer or beside it.
    pub chunks_shown: Vec<ChunkId>,
    /// Their revisions.
    pub revisions: Vec<RevisionId>,
    /// Name of the embedder by which passages were compared; `None` when none was.
    pub embedder: Option<String>,
    /// Name of the model that has put the best passages in order, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reranker: Option<String>,
    /// How it was decided.
    pub decision: Decision,
    /// The question as it was searched for, when the conversation completed it.
    pub resolved_question: Option<String>,
    /// Why retrieval was not what it should be (`model_unavailable`).
    pub degraded: Option<String>,
    /// Passages shown instead of an answer.
    pub nearest: Vec<Nearest>,
    /// Join of the labels of everything shown.
    pub label: Label,
    /// Sentences that were weighed.
    pub candidates: u32,
    /// How long it took.
    pub timings: Timings,
    /// Index of the answer's entry in the audit log.
    pub audit_index: u64,
    /// How a model came to the answer, or tried to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Box<Generated>>,
    /// Why quote mode answered in the place of a model: an error's code, `all_struck`,
    /// `model_abstained` or `no_model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The conversation, new or not.
    pub conversation_id: ConversationId,
    /// The answer's message.
    pub message_id: MessageId,
    /// The question's message.
    pub question_id: MessageId,
    /// Sentences with `[1]`, `[2]` … behind them.
    pub text: String,
    /// What the numbers stand for.
    pub citations: Vec<Citation>,
    /// Set when there is no answer.
    pub refusal: Option<Refusal>,
    /// On refusal: what came closest.
    pub nearest: Vec<Nearest>,
    /// Join of the labels of everything shown.
    pub label: Label,
    /// What it was made from.
    pub receipt: Receipt,
    /// When it was given.
    pub created_at: Timestamp,
}

/// Events that may wait for a slow reader of a stream.
pub const ANSWER_EVENTS_MAX: usize = 64;

/// Where the events of one answer go; made with room for [`ANSWER_EVENTS_MAX`]. Dropping the
/// receiver ends the work.
pub type AnswerEvents = tokio::sync::mpsc::Sender<AnswerEvent>;

/// What the work is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Looks back at the conversation.
    Resolving,
    /// Searches the documents.
    Searching,
    /// Weighs the sentences that were found.
    Reading,
    /// A model thinks, and what it says is checked.
    Thinking,
    /// Records the answer.
    Writing,
}

impl Stage {
    /// The word used in API and UI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolving => "resolving",
            Self::Searching => "searching",
            Self::Reading => "reading",
            Self::Thinking => "thinking",
            Self::Writing => "writing",
        }
    }
}

/// What a step of an answer or a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Facts are collected, and what is unknown is written down.
    Observe,
    /// A model thinks.
    Think,
    /// What a model thought is weighed by a model.
    Weigh,
    /// Claims are checked against their facts.
    Verify,
}

impl StepKind {
    /// The word used in API, SQL and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Think => "think",
            Self::Weigh => "weigh",
            Self::Verify => "verify",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Observe, Self::Think, Self::Weigh, Self::Verify];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What the check said of one sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The sentence.
    pub text: String,
    /// The evidence that it names.
    pub cited: Vec<u32>,
    /// Whether it is shown.
    pub supported: bool,
    /// How near the nearest sentence of the evidence is, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// Why it is struck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strike: Option<Strike>,
}

impl Verdict {
    pub(crate) fn of(claim: &Claim, finding: &Finding) -> Self {
        let similarity = finding.as_ref().ok().and_then(|places| places.first());
        Self {
            text: claim.text.clone(),
            cited: claim.cited.clone(),
            supported: finding.is_ok(),
            similarity: similarity.map(|place| place.similarity),
            strike: finding.as_ref().err().cloned(),
        }
    }
}

/// What happens while a question is answered. Everything that shows content comes after a commit that
/// records it: for quotes that of the answer, for a model's words that of what it was given to read.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    /// The work reached a stage.
    Status(Stage),
    /// A step begins.
    StepStarted {
        /// Its name; steps with one name are tries of one.
        step: String,
        /// What it does.
        kind: StepKind,
        /// The tier that is asked, where one is.
        tier: Option<Tier>,
    },
    /// A piece of a model's text that is not checked yet: no part of the answer.
    StepToken {
        /// The step.
        step: String,
        /// The piece.
        text: String,
    },
    /// A step has ended.
    StepFinished {
        /// The step.
        step: String,
        /// What it did.
        kind: StepKind,
        /// What it cost.
        tokens: TokenUsage,
        /// How long it took.
        elapsed_ms: u64,
    },
    /// What the check said of a sentence.
    Verdict(Box<Verdict>),
    /// A sentence that is quoted or rested on.
    Citation(Box<Citation>),
    /// A piece of the answer's text; the pieces joined are the text.
    Token(String),
    /// What it was made from.
    Receipt(Box<Receipt>),
    /// A run has ended and its trace is stored; nothing follows.
    Traced(Box<Trace>),
    /// It failed; nothing follows.
    Error {
        /// Stable code.
        code: base::Code,
        /// In words.
        message: String,
    },
    /// It is complete; nothing follows.
    Done(Box<Answer>),
}
