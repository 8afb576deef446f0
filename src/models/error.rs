//! What can go wrong when the model worker is asked.

use std::time::Duration;

use base::{Code, Coded, Violation};

use crate::protocol::WorkerError;

/// Why a call to the model worker has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The queue for this priority is full.
    #[error("the model worker's queue is full")]
    Busy {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The worker cannot be started, or keeps dying.
    #[error("the model worker is not available: {reason}")]
    Unavailable {
        /// What happened last.
        reason: String,
        /// When the next start is tried.
        retry_after: Duration,
    },
    /// The call was not answered in the time the caller gave it.
    #[error("the model worker did not answer within {timeout:?}")]
    DeadlinePassed {
        /// The time the caller gave.
        timeout: Duration,
    },
    /// The input breaks a limit of the protocol.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// The worker died while it had this call, as often as the call may be tried.
    #[error("the model worker died while it worked on this call ({attempts} attempts)")]
    WorkerDied {
        /// How often the call was sent.
        attempts: u8,
    },
    /// The worker answered that it failed, or with something else than was asked for.
    #[error("the model worker failed")]
    Worker(#[source] Option<WorkerError>),
    /// The client was shut down.
    #[error("the model worker is shut down")]
    ShutDown,
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

impl ModelError {
    /// The worker's refusal in the caller's terms; `timeout` is what the caller gave.
    pub(crate) fn from_worker(error: WorkerError, timeout: Duration, busy: Duration) -> Self {
        match error {
            WorkerError::Invalid { field, reason } => Self::Invalid(Violation::new(field, reason)),
            WorkerError::DeadlinePassed => Self::DeadlinePassed { timeout },
            WorkerError::Busy => Self::Busy { retry_after: busy },
            WorkerError::ModelRefused { reason } => Self::ModelRefused { reason },
            WorkerError::PromptTooLong { prompt_tokens, room_tokens } => {
                Self::PromptTooLong { prompt_tokens, room_tokens }
            }
            error @ (WorkerError::Cancelled
            | WorkerError::Failed { .. }
            | WorkerError::ModelNotLoaded) => Self::Worker(Some(error)),
        }
    }
}

impl Coded for ModelError {
    fn code(&self) -> Code {
        match self {
            Self::Busy { .. } => "model_busy",
            Self::Unavailable { .. } | Self::ShutDown => "model_unavailable",
            Self::DeadlinePassed { .. } => "model_deadline_passed",
            Self::Invalid(_) => "model_input_invalid",
            Self::WorkerDied { .. } | Self::Worker(_) => "model_failed",
            Self::ModelRefused { .. } => "model_refused",
            Self::PromptTooLong { .. } => "prompt_too_long",
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Busy { retry_after } | Self::Unavailable { retry_after, .. } => {
                let whole_s = retry_after.as_millis().div_ceil(1000).max(1);
                Some(u32::try_from(whole_s).unwrap_or(u32::MAX))
            }
            _ => None,
        }
    }
}
