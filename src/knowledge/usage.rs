//! How much a tenant keeps.

use policy::{Permit, usage};

use crate::KnowledgeError;
use crate::store as rows;

/// Counts over all documents that exist, whoever may see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LibraryUsage {
    /// Documents.
    pub documents: u64,
    /// Their revisions.
    pub revisions: u64,
    /// Pages that were read.
    pub pages: u64,
    /// Chunks that can be retrieved.
    pub chunks: u64,
    /// Length of the original files before encryption, in bytes.
    pub original_bytes: u64,
}

/// How much the tenant keeps.
///
/// # Errors
/// The store's own.
pub async fn library_usage(
    permit: Permit<'_, usage::Read>,
) -> Result<LibraryUsage, KnowledgeError> {
    permit.ctx().read(|tx| Ok(rows::usage(tx)?)).await
}
