//! Uploading: the file first, encrypted as it arrives; then one commit of document, revision, job
//! and audit entry.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;

use audit::{Action, Event};
use base::{DocumentId, JobId, RevisionId, limits};
use parking_lot::Mutex;
use policy::{Permit, documents, may_assign, may_see};
use serde_json::json;
use store::{BlobInfo, Blobs, Health, NewJob, ReadTx, StoreError, TenantCtx, WriteTx, job_enqueue};

use crate::KnowledgeError;
use crate::documents::visible_revisions;
use crate::ingest::{self, INGEST_JOB};
use crate::input::{Checked, NewRevision};
use crate::model::{Revision, RevisionState};
use crate::store::{self as rows, RevisionInsert};

const REVISION_UPLOADED: Action = Action::new("revision.uploaded");

/// A file that is stored, encrypted and synced, but belongs to no revision yet. When it is dropped
/// without being given to [`revision_create`], it is swept later.
pub struct StoredContent {
    revision_id: RevisionId,
    info: BlobInfo,
    uploads: Arc<Uploads>,
}

impl StoredContent {
    /// The revision that it will be.
    #[must_use]
    pub const fn revision_id(&self) -> RevisionId {
        self.revision_id
    }

    /// Length of the file, in bytes.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.info.size_bytes
    }

    /// SHA-256 of the file.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.info.sha256
    }
}

impl Drop for StoredContent {
    fn drop(&mut self) {
        self.uploads.in_flight.lock().remove(&self.revision_id);
    }
}

/// What an upload became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The document, new or not.
    pub document_id: DocumentId,
    /// The new revision.
    pub revision_id: RevisionId,
    /// Its number.
    pub revision_number: u32,
    /// The document's key.
    pub key: String,
    /// The job that reads it.
    pub job_id: JobId,
    /// A revision of another document with the same bytes, when the uploader may see one.
    pub duplicate_of: Option<RevisionId>,
}

/// Stores the bytes of a file. Blocks; reads `content` to its end and encrypts on the way.
///
/// # Errors
/// [`KnowledgeError::TooLarge`], [`KnowledgeError::Invalid`] for an empty file, or the store's own;
/// nothing is kept then.
pub fn content_store(
    permit: &Permit<'_, documents::Upload>,
    content: &mut dyn Read,
) -> Result<StoredContent, KnowledgeError> {
    let ctx = permit.ctx();
    // Before anything is swept: what a database that was rolled back does not know of is not stray.
    if let Health::ReadOnly(why) = ctx.health() {
        return Err(StoreError::ReadOnly(why.clone()).into());
    }
    let uploads = Uploads::of(ctx)?;
    if !uploads.is_swept() {
        let (uploads, blobs) = (Arc::clone(&uploads), ctx.blobs());
        ctx.read_blocking(move |tx| uploads.sweep_once(tx, &blobs))?;
    }
    let revision_id = RevisionId::new(ctx.now(), ctx.entropy())?;
    uploads.in_flight.lock().insert(revision_id);
    let zero = BlobInfo { sha256: [0; 32], size_bytes: 0 };
    // From here on the guard gives the id back, whatever happens.
    let mut stored = StoredContent { revision_id, info: zero, uploads };
    let mut bounded = Bounded { inner: content, left: limits::DOCUMENT_MAX_BYTES, hit: false };
    let written = ctx.blobs().write(revision_id, &mut bounded);
    if bounded.hit {
        return Err(KnowledgeError::TooLarge { limit_bytes: limits::DOCUMENT_MAX_BYTES });
    }
    stored.info = written?;
    if stored.info.size_bytes == 0 {
        discard(ctx, revision_id);
        return Err(KnowledgeError::invalid("file", "must not be empty"));
    }
    Ok(stored)
}

/// Makes a stored file the newest revision of its document, and queues its ingestion.
///
/// # Errors
/// [`KnowledgeError::Invalid`] and [`KnowledgeError::Label`] name the field at fault;
/// [`KnowledgeError::Duplicate`] when the document has these bytes already; or the store's own
/// (`job_queue_full` among them). The file is removed then.
pub async fn revision_create(
    permit: Permit<'_, documents::Upload>,
    new: NewRevision,
    content: StoredContent,
) -> Result<Uploaded, KnowledgeError> {
    let ctx = permit.ctx();
    let revision_id = content.revision_id;
    let outcome = match Creation::prepare(ctx, new, &content) {
        Ok(creation) => ctx.write(move |tx| creation.carry_out(tx)).await,
        Err(error) => Err(error),
    };
    settle(ctx, revision_id, outcome)
}

/// [`content_store`] and [`revision_create`] in one. Blocks.
///
/// # Errors
/// As those two.
pub fn document_upload(
    permit: &Permit<'_, documents::Upload>,
    new: NewRevision,
    content: &mut dyn Read,
) -> Result<Uploaded, KnowledgeError> {
    let ctx = permit.ctx();
    let content = content_store(permit, content)?;
    let outcome = Creation::prepare(ctx, new, &content)
        .and_then(|creation| ctx.write_blocking(move |tx| creation.carry_out(tx)));
    settle(ctx, content.revision_id, outcome)
}

/// Removes the file when its revision was refused. When it is unclear whether the commit went
/// through, the file stays: a sweep finds out.
fn settle(
    ctx: &TenantCtx,
    revision_id: RevisionId,
    outcome: Result<Uploaded, KnowledgeError>,
) -> Result<Uploaded, KnowledgeError> {
    let unclear = matches!(outcome, Err(KnowledgeError::Store(StoreError::NotCommitted)));
    if outcome.is_err() && !unclear {
        discard(ctx, revision_id);
    }
    outcome
}

fn discard(ctx: &TenantCtx, revision_id: RevisionId) {
    if let Err(error) = ctx.blobs().remove(revision_id) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the file of a refused upload is left for the sweep"
        );
    }
}

/// Everything that the commit needs, made before it.
struct Creation {
    checked: Checked,
    rights: base::Rights,
    document_id: DocumentId,
    revision_id: RevisionId,
    info: BlobInfo,
    job: NewJob,
    actor: String,
}

impl Creation {
    fn prepare(
        ctx: &TenantCtx,
        new: NewRevision,
        content: &StoredContent,
    ) -> Result<Self, KnowledgeError> {
        let rights = *ctx.rights();
        may_assign(&rights, new.classification, new.export_control)?;
        let checked = new.checked()?;
        let revision_id = content.revision_id;
        let payload = ingest::Payload { revision: revision_id, title: checked.new.title.clone() };
        Ok(Self {
            rights,
            document_id: DocumentId::new(ctx.now(), ctx.entropy())?,
            revision_id,
            info: content.info,
            job: NewJob::new(ctx, INGEST_JOB, ingest::subject_of(revision_id), payload.to_json())?,
            actor: ctx.actor().to_string(),
            checked,
        })
    }

    fn carry_out(self, mut tx: WriteTx<'_>) -> Result<store::Committed<Uploaded>, KnowledgeError> {
        let new = &self.checked.new;
        let (document_id, number) = self.find_or_insert_document(&tx)?;
        let duplicate_of = self.duplicate_elsewhere(&tx, document_id)?;
        rows::revision_insert(
            &tx,
            &RevisionInsert {
                id: self.revision_id,
                document_id,
                number,
                new,
                size_bytes: self.info.size_bytes,
                sha256: self.info.sha256,
                uploaded_by: self.actor.clone(),
            },
        )?;
        rows::document_touch(&tx, document_id)?;
        let job_id = job_enqueue(&mut tx, &self.job)?;
        let event = Event::new(REVISION_UPLOADED)
            .object("revision", self.revision_id)
            .after(json!({
                "document": document_id,
                "key": self.checked.key,
                "number": number,
                "sha256": hex::encode(self.info.sha256),
                "size_bytes": self.info.size_bytes,
                "classification": new.classification,
                "export_control": new.export_control,
                "effective_from": new.effective_from,
                "effective_to": new.effective_to,
            }))
            .detail(json!({ "job": job_id, "duplicate_of": duplicate_of }));
        let uploaded = Uploaded {
            document_id,
            revision_id: self.revision_id,
            revision_number: number,
            key: self.checked.key.clone(),
            job_id,
            duplicate_of,
        };
        Ok(tx.commit(event, uploaded)?)
    }

    /// The document with this key, made when there is none, and the number of the new revision.
    fn find_or_insert_document(
        &self,
        tx: &WriteTx<'_>,
    ) -> Result<(DocumentId, u32), KnowledgeError> {
        let Some(document) = rows::document_by_key(tx, &self.checked.key)? else {
            let title = self.checked.new.title.as_ref().unwrap_or(&self.checked.key);
            rows::document_insert(tx, self.document_id, &self.checked.key, title, &self.actor)?;
            return Ok((self.document_id, 1));
        };
        // Whoever may see nothing of a document may not learn that it exists, and not replace it.
        if visible_revisions(tx, document.id, &self.rights, tx.now())?.is_empty() {
            return Err(KnowledgeError::invalid("key", "can't be used; choose another one"));
        }
        let revisions = rows::revisions_of(tx, document.id, tx.now())?;
        let counts =
            |r: &&Revision| !matches!(r.state, RevisionState::Failed | RevisionState::Cancelled);
        let same = revisions.iter().filter(counts).find(|r| r.sha256 == self.info.sha256);
        if let Some(same) = same {
            return Err(KnowledgeError::Duplicate {
                document_id: document.id,
                revision_id: same.id,
                revision_number: same.number,
            });
        }
        Ok((document.id, revisions.iter().map(|r| r.number).max().unwrap_or(0) + 1))
    }

    fn duplicate_elsewhere(
        &self,
        tx: &WriteTx<'_>,
        document: DocumentId,
    ) -> Result<Option<RevisionId>, KnowledgeError> {
        let same = rows::same_bytes(tx, &self.info.sha256)?;
        let other = same.iter().find(|revision| {
            revision.document_id != document && may_see(&self.rights, &revision.label).is_visible()
        });
        Ok(other.map(|revision| revision.id))
    }
}

/// Files of this tenant that were written and not committed yet, so that the sweep spares them.
#[derive(Default)]
struct Uploads {
    in_flight: Mutex<HashSet<RevisionId>>,
    swept: Mutex<bool>,
}

impl Uploads {
    fn of(ctx: &TenantCtx) -> Result<Arc<Self>, KnowledgeError> {
        ctx.attached(|| Ok(Self::default()))
    }

    fn is_swept(&self) -> bool {
        *self.swept.lock()
    }

    /// Removes files that belong to no document: what uploads and deletions left that were cut off
    /// by a kill. Once after the tenant was opened, before its first upload.
    fn sweep_once(&self, tx: &ReadTx<'_>, blobs: &Blobs) -> Result<(), KnowledgeError> {
        let mut swept = self.swept.lock();
        if std::mem::replace(&mut *swept, true) {
            return Ok(());
        }
        if let Err(error) = self.sweep(tx, blobs) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "files without a revision can't be swept"
            );
        }
        Ok(())
    }

    fn sweep(&self, tx: &ReadTx<'_>, blobs: &Blobs) -> Result<(), KnowledgeError> {
        let (stored, strays) = blobs.list()?;
        for stray in strays {
            std::fs::remove_file(&stray).map_err(|source| StoreError::Io {
                what: "sweeping a half-written file",
                source,
            })?;
        }
        let known = rows::revisions_that_exist(tx)?;
        for id in stored {
            if !known.contains(&id) && !self.in_flight.lock().contains(&id) {
                blobs.remove(id)?;
            }
        }
        Ok(())
    }
}

/// Removes files that belong to no document, once after the tenant was opened. A tenant that is
/// read-only keeps everything: what a database that was rolled back does not know of is not stray.
pub(crate) async fn sweep_once(ctx: &TenantCtx) -> Result<(), KnowledgeError> {
    let uploads = Uploads::of(ctx)?;
    if uploads.is_swept() || matches!(ctx.health(), Health::ReadOnly(_)) {
        return Ok(());
    }
    let blobs = ctx.blobs();
    ctx.read(move |tx| uploads.sweep_once(tx, &blobs)).await
}

/// Passes on at most `left` bytes and fails after that.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    hit: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.hit = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        Ok(count)
    }
}
