//! Documents, versions, ingestion, chunks, index, retrieval and citations.
//!
//! A file becomes a revision of a document; a job reads it page by page, cuts it into chunks,
//! embeds them and publishes them in one commit. A question meets two arms side by side: BM25 over
//! an encrypted text index ([`index`]) and binary codes of embeddings ([`vector`]); [`retrieve()`]
//! makes one absolute score of both. A model that an administrator has assigned embeds beside the built-in
//! embedder, in a job of its own, and another one puts the best passages in order.
//!
//! Never:
//! - scores or shows a chunk outside of the asking person's rights, or of a revision that does not
//!   count now: that is a bitmap made before anything is scored;
//! - keeps text outside of the database and the encrypted index;
//! - trusts the index more than the database: what is missing, behind or damaged is rebuilt;
//! - computes an embedding itself: that is the model worker's part.

mod chunk;
mod chunk_set;
mod fusion;
pub mod index;
mod retrieve;
pub mod text;
pub mod vector;

mod change;
mod chunking;
mod disclosures;
mod disclosures_to;
mod documents;
mod embedder;
mod error;
#[cfg(test)]
mod fixtures;
mod ingest;
mod input;
mod jobs;
mod library;
mod made_from;
mod model;
mod pages;
mod passages;
mod patience;
mod question;
mod questions;
mod rerank;
mod revisions;
mod search;
mod standing;
mod store;
mod tenant_index;
mod upload;
mod usage;
mod visible;

pub use change::{CHANGE_REASON_MAX_CHARS, DocumentChange, Labelled, document_change};
pub use chunk::{ChunkDraft, ChunkOptions, chunks_of_pages, embedding_text};
pub use chunk_set::{Allowed, ChunkSet};
pub use disclosures::{Disclosure, DisclosurePage, document_disclosures};
pub use disclosures_to::{
    DisclosureFilter, PersonDisclosure, PersonDisclosurePage, Shown, own_disclosures,
    person_disclosures,
};
pub use documents::{
    CHUNK_PREVIEW_MAX, ChunkPreview, DocumentDetails, DocumentFilter, DocumentPage, PageProblem,
    document_by_key, document_delete, document_get, document_list, document_reindex,
};
pub use embedder::{EMBED_JOB, embed_handler, embedder_changed};
pub use error::KnowledgeError;
pub use fusion::{ArmScores, dense_weight, fuse};
pub use ingest::{INGEST_JOB, ingest_handler};
pub use input::{
    DOCUMENT_KEY_MAX_CHARS, DOCUMENT_TITLE_MAX_CHARS, FILE_NAME_MAX_CHARS, METADATA_MAX_BYTES,
    METADATA_MAX_DEPTH, NewRevision, TAG_MAX_CHARS, TAGS_MAX,
};
pub use jobs::{job_cancel, job_get, job_list};
pub use library::{Library, LibrarySettings};
pub use made_from::{Work, made_from, revisions_behind};
pub use model::{
    Document, PageTextState, Revision, RevisionError, RevisionState, Standing, Validity,
};
pub use pages::{Original, PageText, original_open, page_text};
pub use passages::{ChunkLine, Passage, PassageBox, Scores};
pub use questions::{QUESTIONS_MAX, SuggestedQuestion, questions_suggested};
pub use retrieve::{Hit, RetrievalInput, retrieve};
pub use revisions::{
    CitingAnswer, WITHDRAW_REASON_MAX_CHARS, citations_of, revision_get, revision_list,
    revision_supersede, revision_withdraw,
};
pub use search::{
    Degraded, Helped, Line, Retrieval, Retrieves, SEARCH_FILTER_MAX_ENTRIES, SEARCH_MAX_PASSAGES,
    SEARCH_QUERY_MAX_CHARS, SearchInput, SearchResults, passages_find, search, still_valid,
    still_within,
};
pub use upload::{StoredContent, Uploaded, content_store, document_upload, revision_create};
pub use usage::{LibraryUsage, library_usage};
pub use visible::SearchFilters;
