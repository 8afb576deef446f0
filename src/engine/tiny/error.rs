//! What can go wrong with a tiny model.

use crate::gguf::GgufError;

/// Why a tiny model could not be made, or computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TinyError {
    /// The shape cannot be.
    #[error("a model with {field} {found} cannot be: {why}")]
    Shape {
        /// The part of the shape.
        field: &'static str,
        /// What it is.
        found: u32,
        /// What it would have to be.
        why: &'static str,
    },
    /// The file could not be written.
    #[error("the model could not be written")]
    File(#[from] GgufError),
    /// The model is too large for plain loops.
    #[error("the model has {found} parameters, at most {allowed} are computed without llama.cpp")]
    TooLarge {
        /// Its parameters.
        found: u64,
        /// How many may be.
        allowed: u64,
    },
    /// The token is not in the vocabulary.
    #[error("token {token} is not one of the {vocabulary_tokens} tokens")]
    Token {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary_tokens: u32,
    },
    /// More tokens than the model has context for.
    #[error("the model has a context of {context_tokens} tokens, which is full")]
    ContextFull {
        /// Its context.
        context_tokens: u32,
    },
    /// Generating was asked for without anything to go on from.
    #[error("the prompt is empty")]
    NoPrompt,
    /// What was generated is not what must come.
    #[error("token {index} of the proof is {found:?} where {wanted} must come")]
    Proof {
        /// Which token, counted from 0.
        index: usize,
        /// What came; `None` when nothing more came.
        found: Option<u32>,
        /// What must come.
        wanted: u32,
    },
}
