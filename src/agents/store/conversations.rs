//! Rows of `conversations`. Every statement names the owner: what is somebody else's is not there.

use base::{ConversationId, MessageId, Origin, Timestamp, UserId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::conversations::{Conversation, ConversationCursor, MessageCursor};

use super::label;

const COLUMNS: &str = "c.id, c.title, c.created_at, c.updated_at, \
     (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id), c.pinned_at IS NOT NULL";

/// `c.user_id IS ?1`, so that the console's own conversations have an owner too.
const OWNED: &str = "c.deleted_at IS NULL AND c.user_id IS ?1";

pub(crate) fn conversation_insert(
    tx: &WriteTx<'_>,
    id: ConversationId,
    owner: Option<UserId>,
    title: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO conversations (id, user_id, title, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?4)",
        params![id.as_bytes(), owner.map(|user| *user.as_bytes()), title, tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(crate) fn conversation_touch(tx: &WriteTx<'_>, id: ConversationId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET updated_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(crate) fn conversation_rename(
    tx: &WriteTx<'_>,
    id: ConversationId,
    title: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET title = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), title, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Keeps a conversation on top of its owner's list, or no longer.
pub(crate) fn conversation_pin(
    tx: &WriteTx<'_>,
    id: ConversationId,
    pinned: bool,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET pinned_at = CASE WHEN ?2 THEN coalesce(pinned_at, ?3) END
         WHERE id = ?1",
        params![id.as_bytes(), pinned, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// How many conversations of `owner` are pinned.
pub(crate) fn conversations_pinned(
    tx: &ReadTx<'_>,
    owner: Option<UserId>,
) -> Result<u32, StoreError> {
    let sql =
        format!("SELECT count(*) FROM conversations c WHERE {OWNED} AND c.pinned_at IS NOT NULL");
    tx.query_row(&sql, params![owner.map(|user| *user.as_bytes())], |row| row.get(0))
}

pub(crate) fn conversation_delete(tx: &WriteTx<'_>, id: ConversationId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET deleted_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(crate) fn conversation_find(
    tx: &ReadTx<'_>,
    id: ConversationId,
    owner: Option<UserId>,
) -> Result<Option<Conversation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM conversations c WHERE {OWNED} AND c.id = ?2");
    let owner = owner.map(|user| *user.as_bytes());
    tx.query_optional(&sql, params![owner, id.as_bytes()], raw)?.map(checked).transpose()
}

/// Pinned ones first, then by their last change, newest first.
pub(crate) fn conversation_list(
    tx: &ReadTx<'_>,
    owner: Option<UserId>,
    after: Option<ConversationCursor>,
    limit: u32,
) -> Result<Vec<Conversation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversations c
         WHERE {OWNED}
           AND (?2 IS NULL OR (c.pinned_at IS NOT NULL, c.updated_at, c.id) < (?5, ?2, ?3))
         ORDER BY c.pinned_at IS NOT NULL DESC, c.updated_at DESC, c.id DESC LIMIT ?4"
    );
    let rows = tx.query_all(
        &sql,
        params![
            owner.map(|user| *user.as_bytes()),
            after.map(|cursor| cursor.time.unix_ms()),
            after.map(|cursor| *cursor.id.as_bytes()),
            limit,
            after.map(|cursor| cursor.pinned),
        ],
        raw,
    )?;
    rows.into_iter().map(checked).collect()
}

/// A message that was found, with what decides whether it may be shown.
pub(crate) struct FoundMessage {
    pub(crate) conversation: Conversation,
    pub(crate) message_id: MessageId,
    pub(crate) text: String,
    pub(crate) label: base::Label,
    pub(crate) created_at: Timestamp,
}

/// Messages of one's own conversations that contain `needle`, and the first ones of those whose
/// title does, in any case, newest first.
pub(crate) fn conversation_search(
    tx: &ReadTx<'_>,
    owner: Option<UserId>,
    needle: &str,
    after: Option<MessageCursor>,
    limit: u32,
) -> Result<Vec<FoundMessage>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, m.id, m.text, m.classification, m.export_control, m.created_at
         FROM messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE {OWNED} AND (?4 IS NULL OR (m.created_at, m.id) < (?4, ?5))
           AND (instr(lower(m.text), ?2) > 0
                OR (m.sequence = 1 AND instr(lower(c.title), ?2) > 0))
         ORDER BY m.created_at DESC, m.id DESC LIMIT ?3"
    );
    let rows = tx.query_all(
        &sql,
        params![
            owner.map(|user| *user.as_bytes()),
            needle.to_lowercase(),
            limit,
            after.map(|cursor| cursor.time.unix_ms()),
            after.map(|cursor| *cursor.id.as_bytes()),
        ],
        |row| {
            let words = (row.get::<_, String>(8)?, row.get::<_, String>(9)?);
            let message = (row.get::<_, Vec<u8>>(6)?, row.get::<_, String>(7)?);
            Ok((raw(row)?, message, words, row.get::<_, i64>(10)?))
        },
    )?;
    let found =
        |(conversation, (id, text), words, time): (_, (Vec<u8>, _), (String, String), _)| {
            Ok(FoundMessage {
                conversation: checked(conversation)?,
                message_id: MessageId::from_bytes(id_bytes(&id, "messages.id")?),
                text,
                label: label(&words.0, &words.1, Origin::Document)?,
                created_at: Timestamp::from_unix_ms(time),
            })
        };
    rows.into_iter().map(found).collect()
}

type Raw = (Vec<u8>, String, i64, i64, u32, bool);

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn checked(
    (id, title, created_at, updated_at, message_count, pinned): Raw,
) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: ConversationId::from_bytes(id_bytes(&id, "conversations.id")?),
        title,
        created_at: Timestamp::from_unix_ms(created_at),
        updated_at: Timestamp::from_unix_ms(updated_at),
        message_count,
        pinned,
    })
}
