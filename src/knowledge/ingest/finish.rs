//! Last step: the new chunks take the place of the old ones, and the revision that of older ones,
//! in one commit. Or the end of a run that did not get there.

use audit::{Action, Event, Outcome};
use base::Coded as _;
use serde_json::{Value, json};
use store::{WriteTx, job_progress, job_result};

use crate::KnowledgeError;
use crate::embedder::{embed_job, embed_later};
use crate::model::{Revision, RevisionError, RevisionState};
use crate::revisions::describe;
use crate::store as rows;

use super::embed::Made;
use super::{Run, reason};

const DOCUMENT_INGESTED: Action = Action::new("document.ingested");
const INGEST_FAILED: Action = Action::new("revision.ingest_failed");
const INGEST_CANCELLED: Action = Action::new("revision.ingest_cancelled");
const STAGED_REMOVED: Action = Action::new("revision.unfinished_chunks_removed");

impl Run<'_> {
    /// Makes the revision retrievable.
    pub(super) async fn publish(&self, made: &Made) -> Result<Value, KnowledgeError> {
        self.check_cancelled()?;
        if made.chunks == 0 {
            return Err(KnowledgeError::NoText { pages: made.pages });
        }
        let (id, job, title) = (self.revision.id, self.job, self.title.clone());
        let (library, embed_job) = (self.library.clone(), embed_job(self.ctx)?);
        let steps = u64::from(made.pages) * 2;
        let result = json!({
            "pages": made.pages,
            "pages_without_text": made.pages_without_text,
            "chunks": made.chunks,
        });
        self.write(move |mut tx| {
            let before = find(&tx, &id)?;
            let chunks = rows::chunks_publish(&tx, id)?;
            rows::revision_ready(&tx, id)?;
            let superseded = supersede_older(&tx, &before)?;
            take_over_title(&tx, &before, title)?;
            rows::document_touch(&tx, before.document_id)?;
            rows::generation_bump(&tx)?;
            job_progress(&tx, job, steps, Some(steps))?;
            // In the same commit: a kill after it must not make the job do all this again.
            job_result(&tx, job, &result)?;
            embed_later(&mut tx, &library, &embed_job)?;
            let event = Event::new(DOCUMENT_INGESTED)
                .object("revision", id)
                .before(describe(&before))
                .after(describe(&find(&tx, &id)?))
                .detail(json!({
                    "document": before.document_id,
                    "chunks": chunks,
                    "superseded": superseded,
                }))
                .label(before.label);
            Ok(tx.commit(event, result)?)
        })
        .await
    }

    /// Writes down why the file can't be ingested. What was read of it stays to be looked at.
    pub(super) async fn fail(&self, error: &KnowledgeError) -> Result<(), KnowledgeError> {
        let stored = RevisionError { code: error.code().to_owned(), detail: reason(error) };
        let id = self.revision.id;
        self.write(move |tx| {
            let before = find(&tx, &id)?;
            rows::chunks_staged_delete(&tx, id)?;
            rows::revision_failed(&tx, id, &stored)?;
            let event = Event::new(INGEST_FAILED)
                .object("revision", id)
                .before(json!({ "state": before.state.as_str() }))
                .after(json!({ "state": "failed", "error_code": stored.code }))
                .outcome(Outcome::Failed);
            Ok(tx.commit(event, ())?)
        })
        .await
    }

    /// Somebody asked for the end: nothing half-made stays.
    pub(super) async fn give_up(&self) -> Result<(), KnowledgeError> {
        let (id, again) = (self.revision.id, self.again);
        self.write(move |tx| {
            rows::chunks_staged_delete(&tx, id)?;
            if !again {
                rows::pages_delete(&tx, id)?;
                rows::revision_set_state(&tx, id, RevisionState::Cancelled)?;
            }
            let event = Event::new(INGEST_CANCELLED)
                .object("revision", id)
                .after(json!({ "usable_as_before": again }));
            Ok(tx.commit(event, ())?)
        })
        .await
    }

    /// Removes chunks that an earlier run left and this one can't go on from.
    pub(super) async fn forget_staged(&self) -> Result<(), KnowledgeError> {
        let id = self.revision.id;
        self.write(move |tx| {
            rows::chunks_staged_delete(&tx, id)?;
            Ok(tx.commit(Event::new(STAGED_REMOVED).object("revision", id), ())?)
        })
        .await
    }
}

fn find(tx: &WriteTx<'_>, id: &base::RevisionId) -> Result<Revision, KnowledgeError> {
    rows::revision_find(tx, *id, tx.now())?.ok_or(KnowledgeError::RevisionNotFound)
}

/// What is older gives way, once this one's time has come; the clock decides otherwise.
fn supersede_older(tx: &WriteTx<'_>, revision: &Revision) -> Result<Vec<u32>, KnowledgeError> {
    let withdrawn = revision.validity == crate::model::Validity::Withdrawn;
    if withdrawn || !revision.span().has_begun(tx.now()) {
        return Ok(Vec::new());
    }
    Ok(rows::revisions_supersede(tx, revision.document_id, revision.number)?)
}

/// A title that came with this revision becomes the document's, unless the revision is more secret
/// than an older one: whoever may see only that one would read it.
fn take_over_title(
    tx: &WriteTx<'_>,
    revision: &Revision,
    title: Option<String>,
) -> Result<(), KnowledgeError> {
    let Some(title) = title else { return Ok(()) };
    let all = rows::revisions_of(tx, revision.document_id, tx.now())?;
    let hidden_from_some = all.iter().any(|other| other.label.join(revision.label) != other.label);
    if !hidden_from_some {
        rows::document_title_set(tx, revision.document_id, &title)?;
    }
    Ok(())
}
