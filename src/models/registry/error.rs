//! What can go wrong with models on the disk.

use base::{Code, Coded, Violation};
use store::StoreError;

use crate::error::ModelError;

/// Why a model was not brought in, changed or tried.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such model.
    #[error("there is no model {0:?}")]
    NotFound(String),
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// The same file was brought in before.
    #[error("the same file is here already, as {name:?}")]
    Exists {
        /// What it is called here.
        name: String,
    },
    /// The disk has no room for it.
    #[error(
        "the model needs {needed_bytes} bytes of the disk with its reserve, {free_bytes} are free"
    )]
    NoDisk {
        /// Bytes that must be free: the file, and what stays for everything else.
        needed_bytes: u64,
        /// Bytes that are.
        free_bytes: u64,
    },
    /// The memory has no room for it.
    #[error(
        "the model does not fit: weights of {weights_bytes} bytes, {kv_bytes} bytes for \
         {context_tokens} tokens of context and {working_bytes} bytes to work in are \
         {} bytes, and models may take {limit_bytes} bytes here ({limited_by})",
        .weights_bytes + .kv_bytes + .working_bytes
    )]
    DoesNotFit {
        /// Of the file's tensors.
        weights_bytes: u64,
        /// For the context.
        kv_bytes: u64,
        /// Tokens of the context.
        context_tokens: u32,
        /// For intermediate results.
        working_bytes: u64,
        /// What all models together may take.
        limit_bytes: u64,
        /// What sets that limit.
        limited_by: &'static str,
    },
    /// It is assigned to something.
    #[error("it serves {role}: assign another model first, or none")]
    InUse {
        /// What it is assigned to.
        role: &'static str,
    },
    /// It has not passed its trial.
    #[error("{0:?} has not passed its trial yet")]
    Unproven(String),
    /// As many models are being brought in or tried as may be.
    #[error("other models are being brought in or tried")]
    Busy,
    /// A file failed.
    #[error("a model's file failed: {what}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The model worker.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    pub(super) fn io(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    pub(super) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Violation::new(field, reason))
    }
}

impl Coded for RegistryError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => "model_not_found",
            Self::Invalid(_) => "invalid_input",
            Self::Exists { .. } => "model_exists",
            Self::NoDisk { .. } => "model_disk_full",
            Self::DoesNotFit { .. } => "model_does_not_fit",
            Self::InUse { .. } => "model_in_use",
            Self::Unproven(_) => "model_unproven",
            Self::Busy => "model_import_busy",
            Self::Io { .. } => "model_file_failed",
            Self::Model(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::Model(error) => error.violation(),
            Self::Store(error) => error.violation(),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Busy => Some(30),
            Self::Model(error) => error.retry_after_s(),
            Self::Store(error) => error.retry_after_s(),
            _ => None,
        }
    }
}
