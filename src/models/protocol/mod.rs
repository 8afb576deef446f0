//! What both ends of the model worker's socket pair say.
//!
//! One stream of frames each way ([`frame`]). The worker speaks first, with [`FromWorker::Hello`];
//! then the client sends calls and the worker answers each with one or more [`ResponsePart`]s in
//! any order of calls, the last of them [`ResponsePart::Final`]. Generated text arrives as further
//! parts before the final one. A call that brings a file ([`CallBody::brings_file`]) carries its
//! descriptor beside the first byte of its frame (`SCM_RIGHTS`, unix(7)); the worker can open none.
//!
//! New kinds of call are appended at the end of the enums (postcard numbers variants by position);
//! a change of anything that exists raises [`PROTOCOL_VERSION`].

pub mod frame;
mod generation;
mod hello;
mod loading;
mod socket;

use serde::{Deserialize, Serialize};

use crate::embedding::Embedding;
pub use generation::{
    ChatMessage, FairShare, FinishReason, GENERATE_MAX_TOKENS, GenerateInput, Generation,
    ModelHash, ModelHashError, OutputShape, PROMPT_MAX_BYTES, PROMPT_MAX_MESSAGES,
    PROMPT_MAX_TOOLS, PrefixScope, Prompt, SCHEMA_MAX_BYTES, STOP_MAX_BYTES, STOP_MAX_TEXTS,
    Sampling, Speaker, TokenUsage, ToolCall, ToolChoice, ToolSpec,
};
pub use hello::{ComputePath, Hello};
pub use loading::{LoadOptions, LoadedModel, ModelFacts, ModelPurpose};
pub use socket::FileSocket;

/// Version of everything in this module; both ends must have the same.
pub const PROTOCOL_VERSION: u8 = 4;

/// Most texts in one call's frame.
pub const CALL_MAX_TEXTS: usize = 256;

/// Longest single text, in bytes of UTF-8.
pub const TEXT_MAX_BYTES: usize = 1024 * 1024;

/// Most bytes of text in one call's frame.
pub const CALL_MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Tokens of a text that a model which was brought in reads at most to embed or rerank it: pages are cut into
/// chunks of a few hundred.
pub const ENCODE_WINDOW_TOKENS: u32 = 1024;

/// Number of a call, unique on one connection and chosen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Whose turn it is. Between two batches the worker takes the most urgent call first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// A person waits for it.
    Interactive,
    /// An agent's step.
    Agent,
    /// Bulk work that nobody watches.
    Ingest,
}

impl Priority {
    /// All priorities, most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Agent, Self::Ingest];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Interactive => 0,
            Self::Agent => 1,
            Self::Ingest => 2,
        }
    }
}

/// What a text is to be compared as. The built-in embedder treats both alike; others prefix them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextKind {
    /// A question.
    Query,
    /// A passage that may answer one.
    Passage,
}

/// Where a token stands in its text: bytes `start..end` of the UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSpan {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// From the client to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Please do this.
    Call(Call),
    /// The caller is gone; the answer is no longer wanted. The worker still ends the call with a
    /// final part, so that the client knows that it is not stuck in it.
    Cancel {
        /// The call to stop.
        id: CallId,
    },
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Number that the answer carries.
    pub id: CallId,
    /// Whose turn it is.
    pub priority: Priority,
    /// Time the caller will still wait, from the moment the frame arrives; a call that could not
    /// begin by then is answered with [`WorkerError::DeadlinePassed`].
    pub deadline_ms: u64,
    /// What to do.
    pub body: CallBody,
}

/// The kinds of call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallBody {
    /// Answer [`AnswerBody::Pong`] when this call's turn comes.
    Ping,
    /// Embed each text.
    Embed {
        /// At most [`CALL_MAX_TEXTS`]; what lies beyond the model's window is not looked at.
        texts: Vec<String>,
        /// What the texts are.
        kind: TextKind,
    },
    /// Count each text's tokens, without the two that frame a sequence, untruncated.
    CountTokens {
        /// At most [`CALL_MAX_TEXTS`].
        texts: Vec<String>,
    },
    /// Where each text's tokens stand, in order, untruncated; for cutting text at token limits.
    TokenSpans {
        /// At most [`CALL_MAX_TEXTS`].
        texts: Vec<String>,
    },
    /// Say what model the file holds that comes with the call, without loading it.
    InspectModel,
    /// Load the model in the file that comes with the call. One that is loaded already stays.
    LoadModel {
        /// Its hash; the client has verified it.
        model: ModelHash,
        /// How.
        options: LoadOptions,
    },
    /// Give a model's memory back; texts being generated with it end in an error.
    UnloadModel {
        /// The model.
        model: ModelHash,
    },
    /// Generate a text.
    Generate {
        /// A model that is loaded.
        model: ModelHash,
        /// What to generate.
        input: Box<GenerateInput>,
        /// Whether the text is wanted as it grows; otherwise it comes with the answer alone.
        streams: bool,
    },
    /// Count each text's tokens as a loaded model has them.
    CountModelTokens {
        /// A model that is loaded.
        model: ModelHash,
        /// At most [`CALL_MAX_TEXTS`].
        texts: Vec<String>,
    },
    /// Embed each text with a loaded model.
    ModelEmbed {
        /// A model that is loaded, of the purpose [`ModelPurpose::Embed`].
        model: ModelHash,
        /// At most [`CALL_MAX_TEXTS`]; what lies beyond the model's window is not looked at.
        texts: Vec<String>,
        /// What the texts are.
        kind: TextKind,
    },
    /// Say how well each text answers a question, with a loaded model.
    Rerank {
        /// A model that is loaded, of the purpose [`ModelPurpose::Rerank`].
        model: ModelHash,
        /// The question.
        query: String,
        /// At most [`CALL_MAX_TEXTS`]; of a text that has no room beside the question in the model's window,
        /// the end is not looked at.
        texts: Vec<String>,
    },
}

/// The two kinds of work, which do not wait for each other: short batches, and texts that grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The embedder's and the reader's.
    Compute,
    /// That of models which were brought in.
    Generate,
}

impl Lane {
    /// Position among the lanes.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Compute => 0,
            Self::Generate => 1,
        }
    }
}

/// Which field of a call breaks which limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct LimitError {
    /// The field (`texts`, `texts[3]`).
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl CallBody {
    /// The texts of the call, if it has any.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Ping
            | Self::InspectModel
            | Self::LoadModel { .. }
            | Self::UnloadModel { .. }
            | Self::Generate { .. } => &[],
            Self::Embed { texts, .. }
            | Self::CountTokens { texts }
            | Self::TokenSpans { texts }
            | Self::CountModelTokens { texts, .. }
            | Self::ModelEmbed { texts, .. }
            | Self::Rerank { texts, .. } => texts,
        }
    }

    /// Whether the call may be sent to another worker after one died with it. What was streamed
    /// already can't be taken back; that is the client's to know.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        match self {
            Self::Ping
            | Self::Embed { .. }
            | Self::CountTokens { .. }
            | Self::TokenSpans { .. }
            | Self::Generate { .. }
            | Self::CountModelTokens { .. }
            | Self::ModelEmbed { .. }
            | Self::Rerank { .. } => true,
            // A file that kills its reader is not tried on the next one.
            Self::InspectModel | Self::LoadModel { .. } | Self::UnloadModel { .. } => false,
        }
    }

    /// Which kind of work it is.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Ping
            | Self::Embed { .. }
            | Self::CountTokens { .. }
            | Self::TokenSpans { .. } => Lane::Compute,
            Self::InspectModel
            | Self::LoadModel { .. }
            | Self::UnloadModel { .. }
            | Self::Generate { .. }
            | Self::CountModelTokens { .. }
            | Self::ModelEmbed { .. }
            | Self::Rerank { .. } => Lane::Generate,
        }
    }

    /// Whether a descriptor comes with the call's frame.
    #[must_use]
    pub const fn brings_file(&self) -> bool {
        matches!(self, Self::InspectModel | Self::LoadModel { .. })
    }

    /// Checks the limits of this module; both ends do.
    ///
    /// # Errors
    /// [`LimitError`] names the first field that breaks one.
    pub fn check_limits(&self) -> Result<(), LimitError> {
        let texts = self.texts();
        if texts.len() > CALL_MAX_TEXTS {
            return Err(LimitError {
                field: "texts".to_owned(),
                reason: format!("{} texts, at most {CALL_MAX_TEXTS} in one call", texts.len()),
            });
        }
        let mut total_bytes = 0;
        for (i, text) in texts.iter().enumerate() {
            if text.len() > TEXT_MAX_BYTES {
                return Err(LimitError {
                    field: format!("texts[{i}]"),
                    reason: format!("{} bytes, at most {TEXT_MAX_BYTES}", text.len()),
                });
            }
            total_bytes += text.len();
        }
        if total_bytes > CALL_MAX_TEXT_BYTES {
            return Err(LimitError {
                field: "texts".to_owned(),
                reason: format!("{total_bytes} bytes together, at most {CALL_MAX_TEXT_BYTES}"),
            });
        }
        match self {
            Self::Generate { input, .. } => input.check_limits(),
            Self::Rerank { query, .. } if query.len() > TEXT_MAX_BYTES => Err(LimitError {
                field: "query".to_owned(),
                reason: format!("{} bytes, at most {TEXT_MAX_BYTES}", query.len()),
            }),
            _ => Ok(()),
        }
    }
}

/// From the worker to the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// First frame: who I am and how I compute.
    Hello(Hello),
    /// A part of the answer to a call.
    Response {
        /// The call.
        id: CallId,
        /// The part.
        part: ResponsePart,
    },
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ResponsePart {
    /// The last part; after it the call's number means nothing.
    Final(Result<AnswerBody, WorkerError>),
    /// More of the text that is being generated: whole UTF-8.
    Text(String),
    /// A sign of life while there is nothing to show yet.
    Progress {
        /// Tokens of the prompt that were looked at.
        done: u32,
        /// Of so many.
        total: u32,
    },
}

/// The answers, one kind per kind of call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnswerBody {
    /// To [`CallBody::Ping`].
    Pong,
    /// To [`CallBody::Embed`] and [`CallBody::ModelEmbed`]: one per text, in order.
    Embeddings(Vec<Embedding>),
    /// To [`CallBody::CountTokens`]: one per text, in order.
    TokenCounts(Vec<u32>),
    /// To [`CallBody::TokenSpans`]: one list per text, in order.
    TokenSpans(Vec<Vec<TokenSpan>>),
    /// To [`CallBody::InspectModel`].
    ModelFacts(Box<ModelFacts>),
    /// To [`CallBody::LoadModel`].
    ModelLoaded(LoadedModel),
    /// To [`CallBody::UnloadModel`], also when it was not loaded.
    ModelUnloaded,
    /// To [`CallBody::Generate`].
    Generated(Box<Generation>),
    /// To [`CallBody::Rerank`]: one per text, in order; the higher, the better it answers. Finite, and comparable
    /// among texts for one question alone.
    Relevances(Vec<f32>),
}

/// Why the worker did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum WorkerError {
    /// The input breaks a limit.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// Its time was over before its turn came.
    #[error("the deadline passed before the call's turn came")]
    DeadlinePassed,
    /// The client asked to stop.
    #[error("the call was cancelled")]
    Cancelled,
    /// More calls than the worker may hold.
    #[error("the worker holds as many calls as it may")]
    Busy,
    /// The arithmetic failed.
    #[error("the model failed: {reason}")]
    Failed {
        /// What failed; carries no content.
        reason: String,
    },
    /// The model that is asked for is not loaded; load it and ask again.
    #[error("the model is not loaded")]
    ModelNotLoaded,
    /// The file holds no model that can be used.
    #[error("the model cannot be used: {reason}")]
    ModelRefused {
        /// Why, for the administrator.
        reason: String,
    },
    /// The prompt does not fit into the model's window.
    #[error("the prompt has {prompt_tokens} tokens; the model's window has room for {room_tokens}")]
    PromptTooLong {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Tokens that a prompt may have.
        room_tokens: u32,
    },
}

#[cfg(test)]
mod tests;
