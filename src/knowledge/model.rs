//! Documents and revisions as the rest of the house sees them.

use base::{DocumentId, Label, RevisionId, Timestamp};
use serde_json::{Map, Value};

use crate::standing::Span;

base::words! {
    /// How far the ingestion of a revision is.
    RevisionState {
        /// Waits for its turn.
        Queued = "queued",
        /// Is being read and embedded.
        Processing = "processing",
        /// Can be retrieved, as far as it stands.
        Ready = "ready",
        /// Could not be read.
        Failed = "failed",
        /// Was cancelled before it was ready.
        Cancelled = "cancelled",
    }
}

base::words! {
    /// What the plant has decided about a revision; as stored.
    Validity {
        /// The plant stands by it.
        Valid = "valid",
        /// A newer one took its place.
        Superseded = "superseded",
        /// It was taken back.
        Withdrawn = "withdrawn",
    }
}

base::words! {
    /// What a revision counts for at one moment. Only [`Standing::Valid`] is retrieved.
    Standing {
        /// It is not ingested (yet).
        NotReady = "not_ready",
        /// Its time has not come.
        Upcoming = "upcoming",
        /// It is the one that counts.
        Valid = "valid",
        /// Its time is over.
        Expired = "expired",
        /// A newer one took its place.
        Superseded = "superseded",
        /// It was taken back.
        Withdrawn = "withdrawn",
    }
}

base::words! {
    /// Whether a page has text.
    PageTextState {
        /// It has.
        Text = "text",
        /// It is most likely a scan.
        NeedsOcr = "needs_ocr",
        /// It could not be read.
        Failed = "failed",
    }
}

/// Why a revision could not be ingested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionError {
    /// Stable code (`encrypted`, `damaged`, `timeout`).
    pub code: String,
    /// In words, for the document controller; never content.
    pub detail: String,
}

/// One uploaded file of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its id.
    pub id: RevisionId,
    /// Its document.
    pub document_id: DocumentId,
    /// 1, 2, 3 … within the document.
    pub number: u32,
    /// As the uploader called it.
    pub file_name: String,
    /// `pdf`, `docx`, `markdown` or `text`, found by content; `None` until it was read.
    pub format: Option<String>,
    /// Length of the file, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// How far its ingestion is.
    pub state: RevisionState,
    /// Why it failed.
    pub error: Option<RevisionError>,
    /// What the plant has decided.
    pub validity: Validity,
    /// What it counts for now.
    pub standing: Standing,
    /// First moment at which it counts; from the start when `None`.
    pub effective_from: Option<Timestamp>,
    /// First moment at which it no longer counts; never when `None`.
    pub effective_to: Option<Timestamp>,
    /// Who may see it.
    pub label: Label,
    /// BCP 47, declared or detected.
    pub language: Option<String>,
    /// Lower case, sorted.
    pub tags: Vec<String>,
    /// What the uploader wrote beside it.
    pub metadata: Map<String, Value>,
    /// Pages, once read.
    pub page_count: Option<u32>,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// By whom, as the audit log writes it.
    pub uploaded_by: String,
}

impl Revision {
    /// What the rules of [`crate::standing`] look at.
    pub(crate) const fn span(&self) -> Span {
        Span {
            number: self.number,
            state: self.state,
            validity: self.validity,
            effective_from: self.effective_from,
            effective_to: self.effective_to,
        }
    }
}

/// A document: what the plant calls it, and the revision that matters most to the asking person.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// What the plant calls it; unique in the tenant.
    pub key: String,
    /// For people.
    pub title: String,
    /// When its first revision was uploaded.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The valid revision, else the newest that is ready, else the newest; among those that the
    /// asking person may see.
    pub current: Revision,
    /// Revisions that the asking person may see.
    pub revision_count: u32,
}
