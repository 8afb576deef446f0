//! Documents and revisions on the wire.

use base::Timestamp;
use knowledge::{Document, Revision};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::views::label_words;

/// What went wrong with a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct RevisionFault {
    code: String,
    detail: String,
}

/// A revision: one uploaded file.
#[derive(Serialize, ToSchema)]
#[schema(as = Revision)]
pub(super) struct RevisionView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    document_id: String,
    /// 1, 2, 3 … within the document.
    number: u32,
    file_name: String,
    /// Found by content: `pdf`, `docx`, `markdown`, `text`; absent until it was read.
    format: Option<String>,
    size_bytes: u64,
    /// SHA-256 of the file, in hex.
    sha256: String,
    /// How far it is: `queued`, `processing`, `ready`, `failed` or `cancelled`.
    state: &'static str,
    error: Option<RevisionFault>,
    /// What was set: `valid`, `superseded` or `withdrawn`.
    validity: &'static str,
    /// What counts now: `not_ready`, `upcoming`, `valid`, `expired`, `superseded` or `withdrawn`.
    standing: &'static str,
    #[schema(format = "date-time")]
    effective_from: Option<String>,
    #[schema(format = "date-time")]
    effective_to: Option<String>,
    classification: &'static str,
    export_control: &'static str,
    /// Language tag (BCP 47).
    language: Option<String>,
    tags: Vec<String>,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    page_count: Option<u32>,
    #[schema(format = "date-time")]
    uploaded_at: String,
    uploaded_by: String,
}

impl From<&Revision> for RevisionView {
    fn from(revision: &Revision) -> Self {
        let (classification, export_control) = label_words(&revision.label);
        let error = revision.error.as_ref();
        Self {
            id: revision.id.to_string(),
            document_id: revision.document_id.to_string(),
            number: revision.number,
            file_name: revision.file_name.clone(),
            format: revision.format.clone(),
            size_bytes: revision.size_bytes,
            sha256: hex::encode(revision.sha256),
            state: revision.state.as_str(),
            error: error.map(|e| RevisionFault { code: e.code.clone(), detail: e.detail.clone() }),
            validity: revision.validity.as_str(),
            standing: revision.standing.as_str(),
            effective_from: revision.effective_from.as_ref().map(Timestamp::to_string),
            effective_to: revision.effective_to.as_ref().map(Timestamp::to_string),
            classification,
            export_control,
            language: revision.language.clone(),
            tags: revision.tags.clone(),
            metadata: revision.metadata.clone(),
            page_count: revision.page_count,
            uploaded_at: revision.uploaded_at.to_string(),
            uploaded_by: revision.uploaded_by.clone(),
        }
    }
}

/// A document with the revision that counts.
#[derive(Serialize, ToSchema)]
#[schema(as = Document)]
pub(super) struct DocumentView {
    #[schema(format = "uuid")]
    id: String,
    /// What the plant calls it.
    key: String,
    title: String,
    #[schema(format = "date-time")]
    created_at: String,
    created_by: String,
    #[schema(format = "date-time")]
    updated_at: String,
    revision_count: u32,
    /// The valid revision, else the newest ready one, else the newest.
    current: RevisionView,
}

impl From<&Document> for DocumentView {
    fn from(document: &Document) -> Self {
        Self {
            id: document.id.to_string(),
            key: document.key.clone(),
            title: document.title.clone(),
            created_at: document.created_at.to_string(),
            created_by: document.created_by.clone(),
            updated_at: document.updated_at.to_string(),
            revision_count: document.revision_count,
            current: RevisionView::from(&document.current),
        }
    }
}
