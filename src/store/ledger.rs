//! The audit log inside a database: appended in the transaction of the change it records.

use std::ops::Range;

use audit::{Entry, Event, Frontier, Hash, leaf_hash};
use base::{Actor, IssuerName, RequestId, TenantId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use crate::StoreError;
use crate::connection::Connection;

/// Who acts, when, and in which request: what the store adds to every event.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) time: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) request: RequestId,
    /// Whose token the actor showed, when it was not one of the appliance's own.
    pub(crate) issuer: Option<IssuerName>,
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
    pub(crate) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all entries, those of the running transaction included.
    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The tail, to go back to with [`Ledger::roll_back_to`].
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
        let unavailable = |e| StoreError::AuditUnavailable(Box::new(e));
        // Outside a transaction the entry would be on disk without its change.
        if connection.is_autocommit() {
            return Err(unavailable(StoreError::RolledBack));
        }
        let index = self.frontier.size();
        let event = match stamp.issuer {
            Some(issuer) => event.detail_also("issuer", issuer.as_str()),
            None => event,
        };
        let entry = event.into_entry(audit::Stamp {
            index,
            time: stamp.time,
            actor: stamp.actor,
            tenant: stamp.tenant,
            request_id: Some(stamp.request),
        });
        let bytes = entry.canonical();
        let hash = leaf_hash(&bytes);
        connection
            .guard()
            .aside(|| insert_entry(connection, &entry, &bytes, &hash))
            .map_err(unavailable)?;
        self.frontier.append(hash);
        Ok(index)
    }

    /// Takes the content of the entries in `range` away, inside the running transaction. Their leaf
    /// hashes stay, and their times, which the tree does not vouch for.
    pub(crate) fn prune(
        &self,
        connection: &Connection,
        range: Range<u64>,
    ) -> Result<(), StoreError> {
        let bound = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        // 'success' keeps them out of the index of what did not succeed.
        let sql = "/*store*/ UPDATE audit_entries SET bytes = x'', actor = '', action = '',
                       object = NULL, outcome = 'success' WHERE idx >= ?1 AND idx < ?2";
        connection.guard().aside(|| -> Result<(), StoreError> {
            connection.own(sql)?.execute([bound(range.start), bound(range.end)])?;
            Ok(())
        })
    }

    /// Writes the tail beside the entries; the last statement of every commit.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let bytes = self.frontier.to_bytes();
        connection
            .own(
                "/*store*/ INSERT INTO audit_frontier (one, frontier) VALUES (1, ?1)
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
    hash: &Hash,
) -> Result<(), StoreError> {
    let index = i64::try_from(entry.index).map_err(|_| rusqlite::Error::InvalidQuery)?;
    connection
        .own(
            "/*store*/ INSERT INTO audit_entries
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

/// The tail that the database keeps for itself.
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
