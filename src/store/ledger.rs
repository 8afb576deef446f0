//! The audit log inside a database: appended in the transaction of the change it records.

use std::path::{Path, PathBuf};

use audit::{Checkpoint, Entry, Event, Frontier, leaf_hash};
use base::{Actor, RequestId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use seal::{SigningKey, VerifyingKey};

use crate::StoreError;

/// Who acts, when, and in which request: what the store adds to every event.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) time: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) request: RequestId,
}

/// The log's tail in memory; the writer thread owns it.
pub(crate) struct Ledger {
    frontier: Frontier,
    /// What is in the last commit; the frontier goes back to it when a commit fails.
    committed: Frontier,
}

impl Ledger {
    /// Reads the tail; an empty log where the tables do not exist yet.
    pub(crate) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let frontier = read_frontier(connection)?;
        Ok(Self { committed: frontier.clone(), frontier })
    }

    /// Entries in the log, those of the running transaction included.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn mark(&self) -> Frontier {
        self.frontier.clone()
    }

    pub(crate) fn roll_back_to(&mut self, mark: Frontier) {
        self.frontier = mark;
    }

    pub(crate) fn has_uncommitted(&self) -> bool {
        self.frontier.size() != self.committed.size()
    }

    /// Adds `event` to the log inside the running transaction and returns its index.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        stamp: &Stamp,
        event: Event,
    ) -> Result<u64, StoreError> {
        let index = self.frontier.size();
        let entry = event.into_entry(audit::Stamp {
            index,
            time: stamp.time,
            actor: stamp.actor,
            tenant: stamp.tenant,
            request_id: Some(stamp.request),
        });
        let bytes = entry.canonical();
        let hash = leaf_hash(&bytes);
        insert_entry(connection, &entry, &bytes, &hash)
            .map_err(|e| StoreError::AuditUnavailable(Box::new(e.into())))?;
        self.frontier.append(hash);
        Ok(index)
    }

    /// Writes the tail beside the entries; the last statement of every commit.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let bytes = self.frontier.to_bytes();
        connection
            .prepare_cached(
                "INSERT INTO audit_frontier (one, frontier) VALUES (1, ?1)
                 ON CONFLICT (one) DO UPDATE SET frontier = excluded.frontier",
            )?
            .execute(params![bytes])?;
        Ok(())
    }

    pub(crate) fn committed(&mut self) {
        self.committed = self.frontier.clone();
    }

    pub(crate) fn abandoned(&mut self) {
        self.frontier = self.committed.clone();
    }
}

fn insert_entry(
    connection: &Connection,
    entry: &Entry,
    bytes: &[u8],
    hash: &audit::Hash,
) -> rusqlite::Result<()> {
    let index = i64::try_from(entry.index).map_err(|_| rusqlite::Error::InvalidQuery)?;
    connection
        .prepare_cached(
            "INSERT INTO audit_entries
                 (idx, bytes, leaf_hash, time, actor, action, object, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            index,
            bytes,
            hash.as_bytes(),
            entry.time.unix_ms(),
            entry.actor,
            entry.action,
            entry.object.as_ref().map(|object| format!("{}:{}", object.kind, object.id)),
            entry.outcome.as_str(),
        ])?;
    Ok(())
}

pub(crate) fn read_frontier(connection: &Connection) -> Result<Frontier, StoreError> {
    let exists: bool = connection.query_row(
        "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'audit_frontier'",
        [],
        |row| row.get(0),
    )?;
    if !exists {
        return Ok(Frontier::new());
    }
    let bytes: Option<Vec<u8>> = connection
        .query_row("SELECT frontier FROM audit_frontier", [], |row| row.get(0))
        .optional()?;
    match bytes {
        None => Ok(Frontier::new()),
        Some(bytes) => {
            Frontier::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("audit_frontier.frontier"))
        }
    }
}

/// The signed tree head beside a database.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    origin: String,
    key: SigningKey,
}

impl CheckpointFile {
    pub(crate) fn new(path: PathBuf, origin: String, key: SigningKey) -> Self {
        Self { path, origin, key }
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs and syncs the head of `ledger`.
    pub(crate) fn write(&self, ledger: &Ledger) -> std::io::Result<()> {
        let head = Checkpoint {
            origin: self.origin.clone(),
            size: ledger.frontier.size(),
            root: ledger.frontier.root(),
        };
        let note = head.sign(&self.key).map_err(std::io::Error::other)?;
        seal::write_atomically(&self.path, note.as_bytes())
    }

    /// Reads and verifies the head; `None` when there is no file.
    pub(crate) fn read(&self) -> Result<Option<Checkpoint>, StoreError> {
        read_checkpoint(&self.path, &self.origin, &self.verifying_key())
    }
}

/// Longest checkpoint file that is read.
const CHECKPOINT_MAX_BYTES: u64 = 16 * 1024;

pub(crate) fn read_checkpoint(
    path: &Path,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<Checkpoint>, StoreError> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("reading the checkpoint")(e)),
    };
    if meta.len() > CHECKPOINT_MAX_BYTES {
        return Err(StoreError::AuditDamaged("the checkpoint file is too long".into()));
    }
    let text = std::fs::read(path).map_err(StoreError::io("reading the checkpoint"))?;
    let text = String::from_utf8(text)
        .map_err(|_| StoreError::AuditDamaged("the checkpoint is not text".into()))?;
    Checkpoint::verify(&text, origin, key)
        .map(Some)
        .map_err(|e| StoreError::AuditDamaged(format!("the checkpoint is not genuine: {e}")))
}
