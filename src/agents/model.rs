//! Answers, citations and receipts as the rest of the house sees them.

use std::collections::BTreeMap;

use base::{
    ChunkId, ConversationId, DocumentId, Label, MessageId, PageNumber, RevisionId, Timestamp,
};
use knowledge::PassageBox;
use serde::{Deserialize, Serialize};

/// A question to the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskInput {
    /// The question, at most [`base::limits::CHAT_MESSAGE_MAX_CHARS`].
    pub message: String,
    /// The conversation that it belongs to; a new one when `None`.
    pub conversation_id: Option<ConversationId>,
    /// Who is to answer: `quote`, which is the default.
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
    /// Who answered: `quote`.
    pub mode: String,
    /// Chunks of which the person sees text, in the answer or beside it.
    pub chunks_shown: Vec<ChunkId>,
    /// Their revisions.
    pub revisions: Vec<RevisionId>,
    /// Name of the embedder that took part; `None` when it did not.
    pub embedder: Option<String>,
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
            Self::Writing => "writing",
        }
    }
}

/// What happens while a question is answered. Everything that shows content comes after the commit
/// that records it.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    /// The work reached a stage.
    Status(Stage),
    /// A quoted sentence.
    Citation(Box<Citation>),
    /// A piece of the answer's text; the pieces joined are the text.
    Token(String),
    /// What it was made from.
    Receipt(Box<Receipt>),
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
