//! How much a tenant keeps.

use policy::{Permit, usage};

use crate::store as rows;
use crate::{KnowledgeError, tenant_index};

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
    /// Memory of the vectors' binary codes and their ids, in bytes; 0 until a first question has
    /// opened the index.
    pub codes_bytes: u64,
}

/// How much the tenant keeps.
///
/// # Errors
/// The store's own.
pub async fn library_usage(
    permit: Permit<'_, usage::Read>,
) -> Result<LibraryUsage, KnowledgeError> {
    let stored = permit.ctx().read(rows::usage).await?;
    Ok(LibraryUsage { codes_bytes: tenant_index::codes_bytes(permit.ctx())?, ..stored })
}
