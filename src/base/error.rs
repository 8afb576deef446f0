//! What a domain error tells those above it, without knowing HTTP.

/// A stable, documented error code such as `document_not_found`.
///
/// The HTTP room holds the one table from code to status and title; a code that is missing there
/// fails a test.
pub type Code = &'static str;

/// Which field of the input is wrong, and why, in words for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Name of the field as the caller wrote it (`classification`, `metadata`, `email`).
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Violation {
    /// A violation of `field` for `reason`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// An error that carries a stable code and, where the input is at fault, the field.
pub trait Coded: std::error::Error + Send + Sync + 'static {
    /// The stable code of this error.
    fn code(&self) -> Code;

    /// The field at fault, when the input is.
    fn violation(&self) -> Option<Violation> {
        None
    }

    /// Seconds after which the same call may succeed, when that is known.
    fn retry_after_s(&self) -> Option<u32> {
        None
    }
}
