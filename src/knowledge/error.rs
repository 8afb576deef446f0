//! What can go wrong with documents and retrieval.

use std::time::Duration;

use base::{Code, Coded, DocumentId, RevisionId, Violation};
use models::ModelError;
use store::{Retry, StoreError};

/// An error of this room. The cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// The label may not be given by this person.
    #[error(transparent)]
    Label(#[from] policy::LabelRefused),
    /// There is no such document, or it is not for the asking person's eyes.
    #[error("there is no such document")]
    DocumentNotFound,
    /// There is no such revision, or it is not for the asking person's eyes.
    #[error("there is no such revision")]
    RevisionNotFound,
    /// The revision has no such page.
    #[error("the revision has no such page")]
    PageNotFound,
    /// There is no such person.
    #[error("there is no such person")]
    UserNotFound,
    /// There is no such job, or it belongs to somebody else.
    #[error("there is no such job")]
    JobNotFound,
    /// The same bytes are a revision of this document already.
    #[error("this file is already revision {revision_number} of the document")]
    Duplicate {
        /// The document.
        document_id: DocumentId,
        /// The revision with the same bytes.
        revision_id: RevisionId,
        /// Its number.
        revision_number: u32,
    },
    /// The file is larger than may be uploaded.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The revision is not in a state in which this can be done.
    #[error("the revision is {0}")]
    WrongState(&'static str),
    /// The revision is being ingested already.
    #[error("the revision is being ingested already")]
    IngestInProgress,
    /// No page of the file has text that can be read.
    #[error("none of the {pages} pages has text; they are most likely scans and need OCR")]
    NoText {
        /// Pages of the file.
        pages: u32,
    },
    /// The original file is not stored any more.
    #[error("the original file is not stored")]
    OriginalMissing,
    /// The model worker failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The file can't be read.
    #[error(transparent)]
    Parse(#[from] parse::ParseError),
    /// The index of the tenant failed; it is rebuilt from the database at the next opening.
    #[error("the index of the tenant failed")]
    Index(#[from] crate::index::IndexError),
    /// The database holds something that the code never writes.
    #[error("the database holds an unexpected value in {0}")]
    Corrupt(&'static str),
    /// A revision stopped counting while it was read; nothing of it may be shown.
    #[error("the documents changed while they were read")]
    Overtaken,
    /// Somebody asked the work to end.
    #[error("the work was cancelled")]
    Cancelled,
    /// A background computation ended unexpectedly.
    #[error("a computation ended unexpectedly")]
    Panicked,
}

impl KnowledgeError {
    /// Bad input in `field`.
    pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Violation::new(field, reason))
    }

    /// Whether the same work may succeed when tried again.
    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Model(
                ModelError::Busy { retry_after } | ModelError::Unavailable { retry_after, .. },
            ) => Retry::Uncounted { after: *retry_after },
            Self::Model(ModelError::ShutDown)
            | Self::Store(StoreError::Busy | StoreError::DiskFull(_)) => {
                Retry::Uncounted { after: Duration::ZERO }
            }
            Self::Model(ModelError::Invalid(_)) => Retry::Never,
            Self::Parse(error) if !error.is_retryable() => Retry::Never,
            Self::Store(_) | Self::Model(_) | Self::Index(_) | Self::Parse(_) | Self::Panicked => {
                Retry::Counted
            }
            _ => Retry::Never,
        }
    }
}

impl From<base::EntropyError> for KnowledgeError {
    fn from(error: base::EntropyError) -> Self {
        Self::Store(error.into())
    }
}

impl Coded for KnowledgeError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Label(error) => error.code(),
            Self::Model(error) => error.code(),
            Self::Parse(error) => error.code(),
            Self::Invalid(_) => "invalid_input",
            Self::DocumentNotFound => "document_not_found",
            Self::RevisionNotFound => "revision_not_found",
            Self::PageNotFound => "page_not_found",
            Self::UserNotFound => "user_not_found",
            Self::JobNotFound => "job_not_found",
            Self::Duplicate { .. } => "document_duplicate",
            Self::TooLarge { .. } => "document_too_large",
            Self::WrongState(_) => "revision_wrong_state",
            Self::IngestInProgress => "ingest_in_progress",
            Self::Overtaken => "documents_changed",
            Self::NoText { .. } => "no_text",
            Self::OriginalMissing => "original_missing",
            Self::Index(_) => "index_unavailable",
            Self::Corrupt(_) => "store_damaged",
            Self::Cancelled => "cancelled",
            Self::Panicked => "computation_failed",
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::Store(error) => error.violation(),
            Self::Label(error) => error.violation(),
            Self::Model(error) => error.violation(),
            Self::TooLarge { limit_bytes } => {
                Some(Violation::new("file", format!("must be at most {limit_bytes} bytes")))
            }
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Store(error) => error.retry_after_s(),
            Self::Model(error) => error.retry_after_s(),
            Self::Overtaken => Some(1),
            _ => None,
        }
    }
}
