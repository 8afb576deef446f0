//! What can go wrong while answering.

use base::{Code, Coded, Violation};

/// An error of this room. The cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Retrieval failed.
    #[error(transparent)]
    Knowledge(#[from] knowledge::KnowledgeError),
    /// The person may not do this.
    #[error(transparent)]
    Denied(#[from] policy::Denied),
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// There is no such conversation, or it is somebody else's.
    #[error("there is no such conversation")]
    ConversationNotFound,
    /// Nobody waits for the answer any more; nothing was stored.
    #[error("nobody waits for the answer any more")]
    Abandoned,
    /// A background computation ended unexpectedly.
    #[error("a computation ended unexpectedly")]
    Panicked,
    /// A golden question can't be read.
    #[error("line {line} of the golden questions: {reason}")]
    Golden {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl AgentError {
    /// Bad input in `field`.
    pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Violation::new(field, reason))
    }
}

impl From<base::EntropyError> for AgentError {
    fn from(error: base::EntropyError) -> Self {
        Self::Store(error.into())
    }
}

impl Coded for AgentError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Knowledge(error) => error.code(),
            Self::Denied(error) => error.code(),
            Self::Invalid(_) => "invalid_input",
            Self::ConversationNotFound => "conversation_not_found",
            Self::Abandoned => "abandoned",
            Self::Panicked => "computation_failed",
            Self::Golden { .. } => "golden_unreadable",
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::Store(error) => error.violation(),
            Self::Knowledge(error) => error.violation(),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Store(error) => error.retry_after_s(),
            Self::Knowledge(error) => error.retry_after_s(),
            _ => None,
        }
    }
}
