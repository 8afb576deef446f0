//! Changes of what is said about stored revisions, and of what was made from them.

use base::{Classification, Label, RevisionId};
use serde_json::{Map, Value, json};
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

/// The condition that what a row belongs to was made from the revision `?1`.
macro_rules! made_from {
    ($id:literal, $what:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM made_from m WHERE m.revision_id = ?1 AND m.what = '",
            $what,
            "' AND m.id = ",
            $id,
            ")"
        )
    };
}

pub(crate) fn revision_set_tags(
    tx: &WriteTx<'_>,
    id: RevisionId,
    tags: &[String],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET tags = ?2 WHERE id = ?1",
        params![id.as_bytes(), json!(tags).to_string()],
    )?;
    Ok(())
}

pub(crate) fn revision_set_metadata(
    tx: &WriteTx<'_>,
    id: RevisionId,
    metadata: &Map<String, Value>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET metadata = ?2 WHERE id = ?1",
        params![id.as_bytes(), Value::Object(metadata.clone()).to_string()],
    )?;
    Ok(())
}

pub(crate) fn revision_set_label(
    tx: &WriteTx<'_>,
    id: RevisionId,
    label: Label,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE revisions SET classification = ?2, export_control = ?3 WHERE id = ?1",
        params![id.as_bytes(), label.classification.as_str(), label.export_control.as_str()],
    )?;
    Ok(())
}

/// Where the answers are that show something of the revision: those that quote it and those whose receipt
/// names it, with passages shown instead of an answer.
const ANSWERS: (&str, &str) = (
    "messages",
    "author = 'appliance' AND (id IN (SELECT message_id FROM citations WHERE revision_id = ?1)
        OR EXISTS (SELECT 1 FROM json_each(receipt, '$.revisions') WHERE value = ?2))",
);

/// Where else its content is repeated: traces of the reasoning machine, runs of workflows with their steps,
/// plans.
const WORKS: [(&str, &str); 4] = [
    ("traces", "EXISTS (SELECT 1 FROM json_each(revisions) WHERE value = ?2)"),
    ("workflow_runs", made_from!("id", "workflow_run")),
    ("workflow_steps", made_from!("run_id", "workflow_run")),
    ("plans", made_from!("id", "plan")),
];

/// Makes the answers that show something of a revision at least as secret as `label`; how many were less
/// secret. Reads all receipts, so it takes about as long as counting the messages.
pub(crate) fn answers_raise(
    tx: &WriteTx<'_>,
    id: RevisionId,
    label: Label,
) -> Result<usize, StoreError> {
    raise(tx, ANSWERS, id, label)
}

/// As [`answers_raise`], for what else repeats a revision's content.
pub(crate) fn works_raise(
    tx: &WriteTx<'_>,
    id: RevisionId,
    label: Label,
) -> Result<usize, StoreError> {
    let mut raised = 0;
    for work in WORKS {
        raised += raise(tx, work, id, label)?;
    }
    Ok(raised)
}

/// Raises the rows of a table that are made from a revision (`?1` as bytes, `?2` as text) and below `label`.
fn raise(
    tx: &WriteTx<'_>,
    (table, made_from): (&str, &str),
    id: RevisionId,
    label: Label,
) -> Result<usize, StoreError> {
    tx.execute(
        &format!(
            "UPDATE {table} SET
                 classification = CASE WHEN classification IN (SELECT value FROM json_each(?3))
                                       THEN ?4 ELSE classification END,
                 export_control = CASE WHEN ?5 THEN 'controlled' ELSE export_control END
             WHERE (classification IN (SELECT value FROM json_each(?3))
                    OR (?5 AND export_control <> 'controlled'))
               AND ({made_from})"
        ),
        params![
            id.as_bytes(),
            id.to_string(),
            below(label.classification),
            label.classification.as_str(),
            label.export_control.is_controlled(),
        ],
    )
}

/// Which classifications are below this one, as a JSON array.
fn below(classification: Classification) -> String {
    let lower = Classification::ALL.into_iter().filter(|one| *one < classification);
    json!(lower.map(Classification::as_str).collect::<Vec<_>>()).to_string()
}

/// Notes that something stored repeats content of a revision.
pub(crate) fn made_from_insert(
    tx: &WriteTx<'_>,
    (what, id): (&str, &[u8; 16]),
    revision: RevisionId,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT OR IGNORE INTO made_from (revision_id, what, id) VALUES (?1, ?2, ?3)",
        params![revision.as_bytes(), what, id],
    )?;
    Ok(())
}

/// The revisions that something stored repeats.
pub(crate) fn made_from_of(
    tx: &ReadTx<'_>,
    (what, id): (&str, &[u8; 16]),
) -> Result<Vec<RevisionId>, StoreError> {
    let sql = "SELECT revision_id FROM made_from WHERE what = ?1 AND id = ?2";
    let rows = tx.query_all(sql, params![what, id], |row| row.get::<_, Vec<u8>>(0))?;
    rows.iter().map(|bytes| super::revision_id(bytes, "made_from.revision_id")).collect()
}
