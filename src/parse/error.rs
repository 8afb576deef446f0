//! What can go wrong with a document, and what can go wrong around it.

use std::fmt;

use base::{Code, Coded};
use serde::{Deserialize, Serialize};

/// Why a document was refused; stable, part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCode {
    /// A password is needed.
    Encrypted,
    /// The file says what it is but cannot be read as that.
    Damaged,
    /// Not a PDF, DOCX, Markdown or text file.
    UnsupportedFormat,
    /// The file or its text is larger than a named limit.
    TooLarge,
    /// More pages than the limit.
    TooManyPages,
    /// An archive that unpacks to far more than it is.
    ZipBomb,
    /// XML with a document type definition, entities of its own, or absurd nesting.
    XmlForbidden,
    /// The worker ran out of the memory it may use.
    Memory,
    /// The parser gave up in a way nobody foresaw.
    Crashed,
}

impl FailureCode {
    /// The stable code as it stands in problem documents and on documents.
    #[must_use]
    pub const fn as_str(self) -> Code {
        match self {
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::UnsupportedFormat => "unsupported_format",
            Self::TooLarge => "too_large",
            Self::TooManyPages => "too_many_pages",
            Self::ZipBomb => "zip_bomb",
            Self::XmlForbidden => "xml_forbidden",
            Self::Memory => "memory",
            Self::Crashed => "crashed",
        }
    }
}

/// A refused document: a stable code and a sentence for the person who uploaded it. The sentence
/// never quotes the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct ParseFailure {
    /// Which kind of refusal.
    pub code: FailureCode,
    /// What is wrong and, where there is one, the way out.
    pub reason: String,
}

impl ParseFailure {
    /// A refusal of kind `code` for `reason`.
    pub fn new(code: FailureCode, reason: impl fmt::Display) -> Self {
        Self { code, reason: reason.to_string() }
    }

    /// The file cannot be read as what it claims to be.
    pub(crate) fn damaged(reason: impl fmt::Display) -> Self {
        Self::new(FailureCode::Damaged, reason)
    }
}

/// What [`crate::ParseWorker`] reports.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The document itself was refused.
    #[error("the document was refused")]
    Document(#[source] ParseFailure),
    /// The worker ran past its wall clock and was ended.
    #[error("reading the document took longer than {limit_ms} ms")]
    Timeout {
        /// The wall clock it had, in milliseconds.
        limit_ms: u64,
    },
    /// The worker ran into its memory limit.
    #[error("reading the document needs more than {limit_bytes} bytes of memory")]
    Memory {
        /// The memory it had, in bytes.
        limit_bytes: u64,
    },
    /// The worker died.
    #[error("the parse worker died: {reason}")]
    Crashed {
        /// By which signal or exit code.
        reason: String,
    },
    /// The cage could not be closed, or its self-test found a leak: nothing is parsed.
    #[error("the parse worker's cage does not hold: {reason}")]
    CageFailed {
        /// Which part, or which act went through.
        reason: String,
    },
    /// The caller cancelled.
    #[error("reading the document was cancelled")]
    Cancelled,
    /// The worker could not be started or spoken to.
    #[error("the parse worker could not be used")]
    Worker(#[source] std::io::Error),
    /// The worker sent something that is not the protocol.
    #[error("the parse worker sent an unreadable answer: {reason}")]
    Protocol {
        /// What was wrong with it.
        reason: &'static str,
    },
}

impl ParseError {
    /// A sentence for the person who uploaded the document.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Document(failure) => failure.reason.clone(),
            other => other.to_string(),
        }
    }

    /// Whether the same document may succeed when tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::CageFailed { .. } | Self::Cancelled | Self::Worker(_))
    }
}

impl Coded for ParseError {
    fn code(&self) -> Code {
        match self {
            Self::Document(failure) => failure.code.as_str(),
            Self::Timeout { .. } => "timeout",
            Self::Memory { .. } => "memory",
            Self::Crashed { .. } | Self::Protocol { .. } => "crashed",
            Self::CageFailed { .. } => "cage_failed",
            Self::Cancelled => "cancelled",
            Self::Worker(_) => "worker_unavailable",
        }
    }
}
