//! Rows of `feedback`.

use base::{ConversationId, DocumentId, Label, MessageId, Origin, Timestamp, UserId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::feedback::{
    Feedback, FeedbackCursor, FeedbackEntry, FeedbackReason, FeedbackTotals, QuotedDocument, Rating,
};

use super::label;

/// The label of an answer in a conversation of `owner`; `None` for everything else.
pub(crate) fn answer_label(
    tx: &ReadTx<'_>,
    message: MessageId,
    owner: Option<UserId>,
) -> Result<Option<Label>, StoreError> {
    let words = tx.query_optional(
        "SELECT m.classification, m.export_control
         FROM messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.id = ?2 AND m.author = 'appliance' AND c.deleted_at IS NULL AND c.user_id IS ?1",
        params![owner.map(|user| *user.as_bytes()), message.as_bytes()],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    words.map(|(classification, mark)| label(&classification, &mark, Origin::Document)).transpose()
}

pub(crate) fn feedback_set(
    tx: &WriteTx<'_>,
    feedback: &Feedback,
    owner: Option<UserId>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO feedback (message_id, user_id, rating, reason, comment, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (message_id) DO UPDATE SET rating = excluded.rating,
             reason = excluded.reason, comment = excluded.comment,
             updated_at = excluded.updated_at",
        params![
            feedback.message_id.as_bytes(),
            owner.map(|user| *user.as_bytes()),
            feedback.rating.as_str(),
            feedback.reason.map(FeedbackReason::as_str),
            feedback.comment,
            feedback.updated_at.unix_ms(),
        ],
    )?;
    Ok(())
}

const COLUMNS: &str = "f.message_id, f.rating, f.reason, f.comment, f.updated_at";

/// What was said about the messages of a conversation behind `after` and up to `last`.
pub(crate) fn feedback_of(
    tx: &ReadTx<'_>,
    conversation: ConversationId,
    after: u32,
    last: Option<u32>,
) -> Result<Vec<Feedback>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages m JOIN feedback f ON f.message_id = m.id
         WHERE m.conversation_id = ?1 AND m.sequence > ?2 AND (?3 IS NULL OR m.sequence <= ?3)
         ORDER BY m.sequence"
    );
    let rows = tx.query_all(&sql, params![conversation.as_bytes(), after, last], raw)?;
    rows.into_iter().map(checked).collect()
}

/// What was said about answers of conversations that are not deleted, last changed first.
pub(crate) fn feedback_list(
    tx: &ReadTx<'_>,
    rating: Option<Rating>,
    after: Option<FeedbackCursor>,
    limit: u32,
) -> Result<Vec<FeedbackEntry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, m.classification, m.export_control, m.refusal IS NOT NULL
         FROM feedback f JOIN messages m ON m.id = f.message_id
              JOIN conversations c ON c.id = m.conversation_id
         WHERE c.deleted_at IS NULL AND (?1 IS NULL OR f.rating = ?1)
           AND (?2 IS NULL OR (f.updated_at, f.message_id) < (?2, ?3))
         ORDER BY f.updated_at DESC, f.message_id DESC LIMIT ?4"
    );
    let rows = tx.query_all(
        &sql,
        params![
            rating.map(Rating::as_str),
            after.map(|cursor| cursor.time.unix_ms()),
            after.map(|cursor| *cursor.id.as_bytes()),
            limit,
        ],
        |row| {
            let words = (row.get::<_, String>(5)?, row.get::<_, String>(6)?);
            Ok((raw(row)?, words, row.get::<_, bool>(7)?))
        },
    )?;
    let entry = |(said, (classification, mark), refused): (_, (String, String), _)| {
        let feedback = checked(said)?;
        Ok(FeedbackEntry {
            documents: quoted(tx, feedback.message_id)?,
            feedback,
            refused,
            withheld: false,
            label: label(&classification, &mark, Origin::Document)?,
        })
    };
    rows.into_iter().map(entry).collect()
}

pub(crate) fn feedback_totals(tx: &ReadTx<'_>) -> Result<FeedbackTotals, StoreError> {
    let rows = tx.query_all(
        "SELECT f.rating, f.reason, count(*) FROM feedback f
              JOIN messages m ON m.id = f.message_id
              JOIN conversations c ON c.id = m.conversation_id
         WHERE c.deleted_at IS NULL GROUP BY f.rating, f.reason",
        [],
        |row| {
            let words = (row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?);
            Ok((words, row.get::<_, i64>(2)?.unsigned_abs()))
        },
    )?;
    let mut totals = FeedbackTotals::default();
    for ((rating, reason), count) in rows {
        match Rating::parse(&rating).ok_or(StoreError::Corrupt("feedback.rating"))? {
            Rating::Up => totals.up += count,
            Rating::Down => totals.down += count,
        }
        if let Some(reason) = reason {
            let reason = FeedbackReason::parse(&reason);
            totals.reasons.push((reason.ok_or(StoreError::Corrupt("feedback.reason"))?, count));
        }
    }
    totals.reasons.sort_unstable();
    Ok(totals)
}

/// The documents that an answer quoted, each once. Names come from rows that stay when a document is
/// deleted.
fn quoted(tx: &ReadTx<'_>, message: MessageId) -> Result<Vec<QuotedDocument>, StoreError> {
    let rows = tx.query_all(
        "SELECT d.id, d.key, d.title, r.classification, r.export_control
         FROM citations x JOIN documents d ON d.id = x.document_id
              JOIN revisions r ON r.id = x.revision_id
         WHERE x.message_id = ?1 GROUP BY d.id, r.id ORDER BY min(x.number)",
        [message.as_bytes()],
        |row| {
            let names = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            let words = (row.get::<_, String>(3)?, row.get::<_, String>(4)?);
            Ok((row.get::<_, Vec<u8>>(0)?, names, words))
        },
    )?;
    let document = |(id, (key, title), words): (Vec<u8>, (String, String), (String, String))| {
        Ok(QuotedDocument {
            id: DocumentId::from_bytes(id_bytes(&id, "documents.id")?),
            key,
            title,
            label: label(&words.0, &words.1, Origin::Document)?,
        })
    };
    rows.into_iter().map(document).collect()
}

type Raw = (Vec<u8>, String, Option<String>, Option<String>, i64);

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn checked((id, rating, reason, comment, updated_at): Raw) -> Result<Feedback, StoreError> {
    let corrupt = StoreError::Corrupt;
    let reason = reason.map(|word| FeedbackReason::parse(&word).ok_or(corrupt("feedback.reason")));
    Ok(Feedback {
        message_id: MessageId::from_bytes(id_bytes(&id, "feedback.message_id")?),
        rating: Rating::parse(&rating).ok_or(corrupt("feedback.rating"))?,
        reason: reason.transpose()?,
        comment,
        updated_at: Timestamp::from_unix_ms(updated_at),
    })
}
