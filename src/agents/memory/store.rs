//! Rows of `memories` and `memory_consents`.

use base::{Label, MemoryId, Origin, Timestamp, UserId};
use models::Embedding;
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use super::model::{MEMORIES_MAX, Memory, MemoryKind};

/// A memory to be stored.
pub(super) struct MemoryInsert<'a> {
    pub(super) id: MemoryId,
    pub(super) owner: UserId,
    pub(super) agent: &'a str,
    pub(super) kind: MemoryKind,
    pub(super) text: &'a str,
    pub(super) embedding: Option<&'a Embedding>,
    pub(super) importance: u32,
    pub(super) label: Label,
    pub(super) source: &'a str,
    pub(super) expires_at: Option<Timestamp>,
}

pub(super) fn consent(tx: &ReadTx<'_>, owner: UserId) -> Result<bool, StoreError> {
    let allowed = tx.query_optional(
        "SELECT allowed FROM memory_consents WHERE user_id = ?1",
        [owner.as_bytes()],
        |row| row.get(0),
    )?;
    Ok(allowed.unwrap_or(false))
}

pub(super) fn consent_set(
    tx: &WriteTx<'_>,
    owner: UserId,
    allowed: bool,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO memory_consents (user_id, allowed, changed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET allowed = ?2, changed_at = ?3",
        params![owner.as_bytes(), allowed, tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(super) fn memory_insert(tx: &WriteTx<'_>, new: &MemoryInsert<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO memories (id, user_id, agent, kind, text, embedding, importance,
             classification, export_control, source, created_at, updated_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        params![
            new.id.as_bytes(),
            new.owner.as_bytes(),
            new.agent,
            new.kind.as_str(),
            new.text,
            new.embedding.map(|embedding| embedding.to_le_bytes().to_vec()),
            new.importance,
            new.label.classification.as_str(),
            new.label.export_control.as_str(),
            new.source,
            tx.now().unix_ms(),
            new.expires_at.map(Timestamp::unix_ms),
        ],
    )?;
    Ok(())
}

/// Everything about a memory that can change but its embedding.
pub(super) fn memory_update(tx: &WriteTx<'_>, memory: &Memory) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE memories SET text = ?2, importance = ?3, expires_at = ?4, updated_at = ?5
         WHERE id = ?1",
        params![
            memory.id.as_bytes(),
            memory.text,
            memory.importance,
            memory.expires_at.map(Timestamp::unix_ms),
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

/// The embedding of a memory whose text is another now.
pub(super) fn memory_set_embedding(
    tx: &WriteTx<'_>,
    id: MemoryId,
    embedding: Option<&Embedding>,
) -> Result<(), StoreError> {
    let bytes = embedding.map(|embedding| embedding.to_le_bytes().to_vec());
    tx.execute("UPDATE memories SET embedding = ?2 WHERE id = ?1", params![id.as_bytes(), bytes])?;
    Ok(())
}

pub(super) fn memory_touch(tx: &WriteTx<'_>, ids: &[MemoryId]) -> Result<(), StoreError> {
    for id in ids {
        tx.execute(
            "UPDATE memories SET last_used_at = ?2 WHERE id = ?1",
            params![id.as_bytes(), tx.now().unix_ms()],
        )?;
    }
    Ok(())
}

pub(super) fn memory_delete(tx: &WriteTx<'_>, id: MemoryId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM memories WHERE id = ?1", [id.as_bytes()])? > 0)
}

/// Forgets everything of a person, or of one of their agents.
pub(super) fn memories_delete(
    tx: &WriteTx<'_>,
    owner: UserId,
    agent: Option<&str>,
) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM memories WHERE user_id = ?1 AND (?2 IS NULL OR agent = ?2)",
        params![owner.as_bytes(), agent],
    )
}

pub(super) fn memory_count(tx: &ReadTx<'_>, owner: UserId) -> Result<u32, StoreError> {
    tx.query_row("SELECT count(*) FROM memories WHERE user_id = ?1", [owner.as_bytes()], |row| {
        row.get(0)
    })
}

const COLUMNS: &str = "id, user_id, agent, kind, text, importance, classification, export_control, \
    source, created_at, updated_at, last_used_at, expires_at, embedding";

pub(super) fn memory_find(tx: &ReadTx<'_>, id: MemoryId) -> Result<Option<Memory>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM memories WHERE id = ?1");
    let found = tx.query_optional(&sql, [id.as_bytes()], raw)?;
    Ok(found.map(Raw::checked).transpose()?.map(|(memory, _)| memory))
}

/// A person's memories with their embeddings, newest first; of one agent when it is named.
pub(super) fn memories_of(
    tx: &ReadTx<'_>,
    owner: UserId,
    agent: Option<&str>,
    before: Option<MemoryId>,
    limit: u32,
) -> Result<Vec<(Memory, Option<Embedding>)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM memories
         WHERE user_id = ?1 AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR id < ?3)
         ORDER BY id DESC LIMIT ?4"
    );
    let found = tx.query_all(
        &sql,
        params![owner.as_bytes(), agent, before.map(|id| *id.as_bytes()), limit.min(MEMORIES_MAX)],
        raw,
    )?;
    found.into_iter().map(Raw::checked).collect()
}

struct Raw {
    id: Vec<u8>,
    owner: Vec<u8>,
    kind: String,
    label: [String; 2],
    embedding: Option<Vec<u8>>,
    memory: Memory,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    let at = |n: Option<i64>| n.map(Timestamp::from_unix_ms);
    Ok(Raw {
        id: row.get(0)?,
        owner: row.get(1)?,
        kind: row.get(3)?,
        label: [row.get(6)?, row.get(7)?],
        embedding: row.get(13)?,
        memory: Memory {
            id: MemoryId::from_bytes([0; 16]),
            owner: UserId::from_bytes([0; 16]),
            agent: row.get(2)?,
            kind: MemoryKind::Fact,
            text: row.get(4)?,
            importance: row.get(5)?,
            label: Label::TYPED,
            source: row.get(8)?,
            created_at: Timestamp::from_unix_ms(row.get(9)?),
            updated_at: Timestamp::from_unix_ms(row.get(10)?),
            last_used_at: at(row.get(11)?),
            expires_at: at(row.get(12)?),
        },
    })
}

impl Raw {
    fn checked(self) -> Result<(Memory, Option<Embedding>), StoreError> {
        let corrupt = StoreError::Corrupt;
        let embedding = match self.embedding {
            Some(bytes) => {
                Some(Embedding::from_le_bytes(&bytes).map_err(|_| corrupt("memories.embedding"))?)
            }
            None => None,
        };
        let label = Label {
            classification: self.label[0]
                .parse()
                .map_err(|_| corrupt("memories.classification"))?,
            export_control: self.label[1]
                .parse()
                .map_err(|_| corrupt("memories.export_control"))?,
            origin: Origin::Model,
        };
        let memory = Memory {
            id: MemoryId::from_bytes(id_bytes(&self.id, "memories.id")?),
            owner: UserId::from_bytes(id_bytes(&self.owner, "memories.user_id")?),
            kind: MemoryKind::parse(&self.kind).ok_or(corrupt("memories.kind"))?,
            label,
            ..self.memory
        };
        Ok((memory, embedding))
    }
}
