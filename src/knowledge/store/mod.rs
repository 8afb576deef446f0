//! The only place of this room that names SQL. Rows never leave it.

mod chunks;
mod documents;
mod embeddings;
mod labels;
mod pages;
mod revisions;
mod table;

use base::{Classification, DocumentId, ExportControl, RevisionId};
use policy::ClearanceFilter;
use store::StoreError;
use store::sql::id_bytes;

pub(crate) use chunks::{
    ChunkText, NewChunk, PassageRow, chunk_count, chunk_exists, chunk_insert, chunk_previews,
    chunks_publish, chunks_staged_count, chunks_staged_delete, chunks_unembedded_count,
    chunks_without_embedding, chunks_without_model_embedding, indexed_chunks,
    model_embedded_counts, passages_load,
};
pub(crate) use documents::{
    ChunkOrigin, DocumentRow, Listing, chunk_ids, chunk_origins, citing_answers, citing_messages,
    document_by_key, document_delete, document_find, document_insert, document_list,
    document_title_set, document_touch, quoted_origins, usage, user_exists,
};
pub(crate) use embeddings::{
    By, codes_each, embedder, embedder_set, embedding_set, embeddings_load,
};
pub(crate) use labels::{
    answers_raise, made_from_insert, made_from_of, revision_set_label, revision_set_metadata,
    revision_set_tags, works_raise,
};
pub(crate) use pages::{
    page_count, page_load, page_problems, page_store, pages_delete, pages_delete_after, pages_load,
};
pub(crate) use revisions::{
    Fresh, RevisionInsert, job_waits, open_jobs, revision_exists, revision_failed, revision_find,
    revision_insert, revision_parsed, revision_ready, revision_set_state, revision_set_validity,
    revisions_of, revisions_supersede, revisions_that_exist, same_bytes,
};
pub(crate) use table::{RetrievalRow, generation, generation_bump, retrieval_rows};

fn document_id(bytes: &[u8], column: &'static str) -> Result<DocumentId, StoreError> {
    id_bytes(bytes, column).map(DocumentId::from_bytes)
}

fn revision_id(bytes: &[u8], column: &'static str) -> Result<RevisionId, StoreError> {
    id_bytes(bytes, column).map(RevisionId::from_bytes)
}

/// What somebody may see, as two JSON arrays for `IN (SELECT value FROM json_each(?))`.
struct Clearances {
    classifications: String,
    export_controls: String,
}

impl Clearances {
    fn of(filter: &ClearanceFilter) -> Self {
        let classifications: Vec<&str> =
            filter.classifications().map(Classification::as_str).collect();
        let export_controls: Vec<&str> =
            filter.export_controls().iter().map(|mark| ExportControl::as_str(*mark)).collect();
        Self {
            classifications: serde_json::json!(classifications).to_string(),
            export_controls: serde_json::json!(export_controls).to_string(),
        }
    }
}
