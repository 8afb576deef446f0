//! What both ends of the model worker's socket pair say.
//!
//! One stream of frames each way ([`frame`]). The worker speaks first, with [`FromWorker::Hello`];
//! then the client sends calls and the worker answers each with one or more [`ResponsePart`]s in
//! any order of calls, the last of them [`ResponsePart::Final`]. Generated text will arrive as
//! further parts before the final one, so neither the frames nor the client's book-keeping change.
//!
//! New kinds of call are appended at the end of the enums (postcard numbers variants by position);
//! a change of anything that exists raises [`PROTOCOL_VERSION`].

pub mod frame;

use serde::{Deserialize, Serialize};

use crate::embedding::Embedding;

/// Version of everything in this module; both ends must have the same.
pub const PROTOCOL_VERSION: u8 = 1;

/// Most texts in one call's frame.
pub const CALL_MAX_TEXTS: usize = 256;

/// Longest single text, in bytes of UTF-8.
pub const TEXT_MAX_BYTES: usize = 1024 * 1024;

/// Most bytes of text in one call's frame.
pub const CALL_MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

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
            Self::Ping => &[],
            Self::Embed { texts, .. }
            | Self::CountTokens { texts }
            | Self::TokenSpans { texts } => texts,
        }
    }

    /// Whether doing it twice has the same effect as doing it once.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        match self {
            Self::Ping
            | Self::Embed { .. }
            | Self::CountTokens { .. }
            | Self::TokenSpans { .. } => true,
        }
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
        Ok(())
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

/// The worker's first words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the worker.
    pub protocol_version: u8,
    /// Version of the build, for the log.
    pub build: String,
    /// Name of the embedder (`all-minilm-l6-v2`).
    pub embedder: String,
    /// How it computes.
    pub path: ComputePath,
    /// Why a slower path than the machine could run was taken, if it was.
    pub fallback: Option<String>,
    /// Threads that compute.
    pub threads: u32,
    /// Tokens of a text that the embedder sees, including the two that frame a sequence.
    pub window_tokens: u32,
    /// Restrictions that the worker has put on itself, for the log (`no-new-privs`, …).
    pub cage: Vec<String>,
}

/// How the embedder computes, fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComputePath {
    /// 8-bit integers, AVX-512 VNNI.
    Int8Avx512Vnni,
    /// 8-bit integers, AVX2.
    Int8Avx2,
    /// 32-bit floats, own kernels.
    Float32,
    /// 32-bit floats, the reference implementation.
    Reference,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ResponsePart {
    /// The last part; after it the call's number means nothing.
    Final(Result<AnswerBody, WorkerError>),
}

/// The answers, one kind per kind of call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnswerBody {
    /// To [`CallBody::Ping`].
    Pong,
    /// To [`CallBody::Embed`]: one per text, in order.
    Embeddings(Vec<Embedding>),
    /// To [`CallBody::CountTokens`]: one per text, in order.
    TokenCounts(Vec<u32>),
    /// To [`CallBody::TokenSpans`]: one list per text, in order.
    TokenSpans(Vec<Vec<TokenSpan>>),
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
}

#[cfg(test)]
mod tests;
