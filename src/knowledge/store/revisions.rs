//! Rows of `revisions`.

use std::collections::HashSet;

use base::{DocumentId, JobId, Label, Origin, RevisionId, Timestamp};
use serde_json::{Map, Value};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::model::{Revision, RevisionError, RevisionState, Standing, Validity};
use crate::standing;

use super::{document_id, revision_id};

/// A revision to be stored.
pub(crate) struct RevisionInsert<'a> {
    pub(crate) id: RevisionId,
    pub(crate) document_id: DocumentId,
    pub(crate) number: u32,
    pub(crate) new: &'a crate::input::NewRevision,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) uploaded_by: String,
}

/// What reading a file brought to light.
pub(crate) struct Fresh {
    pub(crate) format: &'static str,
    pub(crate) language: Option<String>,
    pub(crate) page_count: u32,
}

const COLUMNS: &str = "r.id, r.document_id, r.number, r.file_name, r.format, r.size_bytes, \
     r.sha256, r.state, r.error_code, r.error_detail, r.validity, r.effective_from, \
     r.effective_to, r.classification, r.export_control, r.language, r.tags, r.metadata, \
     r.page_count, r.uploaded_at, r.uploaded_by";

pub(crate) fn revision_insert(
    tx: &WriteTx<'_>,
    row: &RevisionInsert<'_>,
) -> Result<(), StoreError> {
    let new = row.new;
    tx.execute(
        "INSERT INTO revisions (id, document_id, number, file_name, size_bytes, sha256, state,
             validity, effective_from, effective_to, classification, export_control, language,
             tags, metadata, uploaded_at, uploaded_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', 'valid', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            row.id.as_bytes(),
            row.document_id.as_bytes(),
            row.number,
            new.file_name,
            i64::try_from(row.size_bytes).unwrap_or(i64::MAX),
            row.sha256,
            new.effective_from.map(Timestamp::unix_ms),
            new.effective_to.map(Timestamp::unix_ms),
            new.classification.as_str(),
            new.export_control.as_str(),
            new.language,
            serde_json::json!(new.tags).to_string(),
            Value::Object(new.metadata.clone()).to_string(),
            tx.now().unix_ms(),
            row.uploaded_by,
        ],
    )?;
    Ok(())
}

/// All revisions of a document, oldest first, with what they count for at `now`.
pub(crate) fn revisions_of(
    tx: &ReadTx<'_>,
    document: DocumentId,
    now: Timestamp,
) -> Result<Vec<Revision>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM revisions r WHERE r.document_id = ?1 ORDER BY number");
    let rows = tx.query_all(&sql, [document.as_bytes()], raw)?;
    let mut revisions = rows.into_iter().map(Raw::checked).collect::<Result<Vec<_>, _>>()?;
    for revision in &mut revisions {
        settle(tx, revision)?;
    }
    let head = standing::head(revisions.iter().map(Revision::span), now);
    for revision in &mut revisions {
        revision.standing = standing::standing(&revision.span(), head, now);
    }
    Ok(revisions)
}

/// One revision, whoever may see it.
pub(crate) fn revision_find(
    tx: &ReadTx<'_>,
    id: RevisionId,
    now: Timestamp,
) -> Result<Option<Revision>, StoreError> {
    let document = tx.query_optional(
        "SELECT r.document_id FROM revisions r JOIN documents d ON d.id = r.document_id
         WHERE r.id = ?1 AND d.deleted_at IS NULL",
        [id.as_bytes()],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let Some(document) = document else { return Ok(None) };
    let document = document_id(&document, "revisions.document_id")?;
    Ok(revisions_of(tx, document, now)?.into_iter().find(|revision| revision.id == id))
}

/// Whether a revision's document exists.
pub(crate) fn revision_exists(tx: &ReadTx<'_>, id: RevisionId) -> Result<bool, StoreError> {
    let found = tx.query_optional(
        "SELECT 1 FROM revisions r JOIN documents d ON d.id = r.document_id
         WHERE r.id = ?1 AND d.deleted_at IS NULL",
        [id.as_bytes()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// All revisions of documents that exist.
pub(crate) fn revisions_that_exist(tx: &ReadTx<'_>) -> Result<HashSet<RevisionId>, StoreError> {
    let ids = tx.query_all(
        "SELECT r.id FROM revisions r JOIN documents d ON d.id = r.document_id
         WHERE d.deleted_at IS NULL",
        [],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    ids.iter().map(|id| revision_id(id, "revisions.id")).collect()
}

/// Revisions of documents that exist with the same bytes: id and label, oldest first.
pub(crate) fn same_bytes(tx: &ReadTx<'_>, sha256: &[u8; 32]) -> Result<Vec<Revision>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revisions r JOIN documents d ON d.id = r.document_id
         WHERE r.sha256 = ?1 AND d.deleted_at IS NULL ORDER BY r.uploaded_at, r.id LIMIT 50"
    );
    let rows = tx.query_all(&sql, [sha256], raw)?;
    rows.into_iter().map(Raw::checked).collect()
}

pub(crate) fn revision_set_state(
    tx: &WriteTx<'_>,
    id: RevisionId,
    state: RevisionState,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET state = ?2, error_code = NULL, error_detail = NULL WHERE id = ?1",
        params![id.as_bytes(), state.as_str()],
    )?;
    Ok(())
}

pub(crate) fn revision_failed(
    tx: &WriteTx<'_>,
    id: RevisionId,
    error: &RevisionError,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET state = 'failed', error_code = ?2, error_detail = ?3 WHERE id = ?1",
        params![id.as_bytes(), error.code, error.detail],
    )?;
    Ok(())
}

/// Stores what reading found. A declared language stays.
pub(crate) fn revision_parsed(
    tx: &WriteTx<'_>,
    id: RevisionId,
    fresh: &Fresh,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET format = ?2, page_count = ?3, language = coalesce(language, ?4)
         WHERE id = ?1",
        params![id.as_bytes(), fresh.format, fresh.page_count, fresh.language],
    )?;
    Ok(())
}

pub(crate) fn revision_ready(tx: &WriteTx<'_>, id: RevisionId) -> Result<(), StoreError> {
    revision_set_state(tx, id, RevisionState::Ready)
}

pub(crate) fn revision_set_validity(
    tx: &WriteTx<'_>,
    id: RevisionId,
    validity: Validity,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET validity = ?2 WHERE id = ?1",
        params![id.as_bytes(), validity.as_str()],
    )?;
    Ok(())
}

/// Marks what is older than `number` and still called valid as superseded; returns the numbers.
pub(crate) fn revisions_supersede(
    tx: &WriteTx<'_>,
    document: DocumentId,
    number: u32,
) -> Result<Vec<u32>, StoreError> {
    let older = tx.query_all(
        "SELECT number FROM revisions
         WHERE document_id = ?1 AND number < ?2 AND validity = 'valid' ORDER BY number",
        params![document.as_bytes(), number],
        |row| row.get(0),
    )?;
    tx.execute(
        "UPDATE revisions SET validity = 'superseded'
         WHERE document_id = ?1 AND number < ?2 AND validity = 'valid'",
        params![document.as_bytes(), number],
    )?;
    Ok(older)
}

/// Jobs of a subject that wait or run.
pub(crate) fn open_jobs(tx: &ReadTx<'_>, subject: &str) -> Result<Vec<JobId>, StoreError> {
    let ids = tx.query_all(
        "SELECT id FROM jobs WHERE subject = ?1 AND state IN ('queued', 'running')",
        [subject],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    ids.iter().map(|id| id_bytes(id, "jobs.id").map(JobId::from_bytes)).collect()
}

/// Whether a job on this waits for its turn.
pub(crate) fn job_waits(tx: &ReadTx<'_>, subject: &str) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT count(*) > 0 FROM jobs WHERE subject = ?1 AND state = 'queued'",
        [subject],
        |row| row.get(0),
    )
}

/// A revision whose job was given up or cancelled by others than its handler says so.
fn settle(tx: &ReadTx<'_>, revision: &mut Revision) -> Result<(), StoreError> {
    if !matches!(revision.state, RevisionState::Queued | RevisionState::Processing) {
        return Ok(());
    }
    let job = tx.query_optional(
        "SELECT state, error_code, error_detail FROM jobs WHERE subject = ?1
         ORDER BY id DESC LIMIT 1",
        [crate::ingest::subject_of(revision.id)],
        |row| {
            let error = (row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?);
            Ok((row.get::<_, String>(0)?, error))
        },
    )?;
    match job {
        Some((state, (code, detail))) if state == "failed" => {
            revision.state = RevisionState::Failed;
            revision.error = Some(RevisionError {
                code: code.unwrap_or_default(),
                detail: detail.unwrap_or_default(),
            });
        }
        Some((state, _)) if state == "cancelled" => revision.state = RevisionState::Cancelled,
        _ => {}
    }
    Ok(())
}

struct Raw {
    ids: (Vec<u8>, Vec<u8>),
    sha256: Vec<u8>,
    words: [String; 4],
    tags: String,
    metadata: String,
    error: (Option<String>, Option<String>),
    revision: Revision,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    let time = |ms: Option<i64>| ms.map(Timestamp::from_unix_ms);
    Ok(Raw {
        ids: (row.get(0)?, row.get(1)?),
        sha256: row.get(6)?,
        words: [row.get(7)?, row.get(10)?, row.get(13)?, row.get(14)?],
        tags: row.get(16)?,
        metadata: row.get(17)?,
        error: (row.get(8)?, row.get(9)?),
        revision: Revision {
            id: RevisionId::from_bytes([0; 16]),
            document_id: DocumentId::from_bytes([0; 16]),
            number: row.get(2)?,
            file_name: row.get(3)?,
            format: row.get(4)?,
            size_bytes: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
            sha256: [0; 32],
            state: RevisionState::Queued,
            error: None,
            validity: Validity::Valid,
            standing: Standing::NotReady,
            effective_from: time(row.get(11)?),
            effective_to: time(row.get(12)?),
            label: Label::TYPED,
            language: row.get(15)?,
            tags: Vec::new(),
            metadata: Map::new(),
            page_count: row.get(18)?,
            uploaded_at: Timestamp::from_unix_ms(row.get(19)?),
            uploaded_by: row.get(20)?,
        },
    })
}

impl Raw {
    fn checked(self) -> Result<Revision, StoreError> {
        let corrupt = StoreError::Corrupt;
        let [state, validity, classification, export_control] = self.words;
        let error = self
            .error
            .0
            .map(|code| RevisionError { code, detail: self.error.1.unwrap_or_default() });
        Ok(Revision {
            id: revision_id(&self.ids.0, "revisions.id")?,
            document_id: document_id(&self.ids.1, "revisions.document_id")?,
            sha256: self.sha256.try_into().map_err(|_| corrupt("revisions.sha256"))?,
            state: RevisionState::parse(&state).ok_or(corrupt("revisions.state"))?,
            validity: Validity::parse(&validity).ok_or(corrupt("revisions.validity"))?,
            error,
            label: label(&classification, &export_control)?,
            tags: serde_json::from_str(&self.tags).map_err(|_| corrupt("revisions.tags"))?,
            metadata: serde_json::from_str(&self.metadata)
                .map_err(|_| corrupt("revisions.metadata"))?,
            ..self.revision
        })
    }
}

/// The label that two columns hold.
pub(super) fn label(classification: &str, export_control: &str) -> Result<Label, StoreError> {
    Ok(Label {
        classification: classification
            .parse()
            .map_err(|_| StoreError::Corrupt("revisions.classification"))?,
        export_control: export_control
            .parse()
            .map_err(|_| StoreError::Corrupt("revisions.export_control"))?,
        origin: Origin::Document,
    })
}
