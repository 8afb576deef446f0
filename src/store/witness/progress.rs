//! How far a log was followed: that each checkpoint continues the one before.

use audit::{Checkpoint, Frontier, Hash};
use rusqlite::params;

use crate::StoreError;
use crate::audit_log::hash_of;
use crate::connection::Connection;
use crate::ledger::read_frontier;
use crate::log_place::LogPlace;

/// The tree of a log as it was last seen to be sound.
#[derive(Default)]
pub(super) struct Progress {
    tree: Option<Frontier>,
}

/// Why a checkpoint is not handed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is of a smaller tree than was witnessed.
    Behind { size: u64, witnessed: u64 },
    /// The log has another history than was witnessed.
    Forked { witnessed: u64 },
    /// What was witnessed under this name is signed by another key.
    Foreign,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Behind { size, witnessed } => write!(
                f,
                "it has {size} entries and its witness saw {witnessed}: database and checkpoint \
                 were rolled back together"
            ),
            Self::Forked { witnessed } => write!(
                f,
                "its first {witnessed} entries are not those that were witnessed: it is another \
                 history"
            ),
            Self::Foreign => f.write_str(
                "the witness's checkpoints of its name are signed by another key: it was made \
                 anew, or the witness is that of another appliance",
            ),
        }
    }
}

impl Progress {
    /// Follows the log to `head`. With what a witness holds of it, when that is not known yet.
    pub(super) fn advance(
        &mut self,
        log: &LogPlace,
        head: &Checkpoint,
        witnessed: Option<&Checkpoint>,
    ) -> Result<Result<(), Broken>, StoreError> {
        if let Some(seen) = witnessed.filter(|seen| seen.size > head.size) {
            return Ok(Err(Broken::Behind { size: head.size, witnessed: seen.size }));
        }
        let is_there = |tree: &Frontier| tree.size() == head.size && tree.root() == head.root;
        let is_known = witnessed.is_none_or(|w| w.size == head.size && w.root == head.root);
        if is_known && self.tree.as_ref().is_some_and(is_there) {
            return Ok(Ok(()));
        }
        let connection = log.open()?;
        connection.execute_batch("BEGIN DEFERRED")?;
        if let Some(seen) = witnessed
            && tree_at(&connection, seen.size, seen.root)?.is_none()
        {
            return Ok(Err(Broken::Forked { witnessed: seen.size }));
        }
        let tree = match &self.tree {
            Some(tree) if tree.size() > head.size => {
                return Ok(Err(Broken::Behind { size: head.size, witnessed: tree.size() }));
            }
            Some(tree) => {
                let mut grown = tree.clone();
                append_leaves(&connection, &mut grown, head.size)?;
                Some(grown).filter(is_there)
            }
            None => tree_at(&connection, head.size, head.root)?,
        };
        match tree {
            Some(tree) => {
                self.tree = Some(tree);
                Ok(Ok(()))
            }
            None => {
                let witnessed = self.tree.as_ref().map_or(head.size, Frontier::size);
                Ok(Err(Broken::Forked { witnessed }))
            }
        }
    }
}

/// The tree over the first `size` entries, when its root is `root`.
fn tree_at(connection: &Connection, size: u64, root: Hash) -> Result<Option<Frontier>, StoreError> {
    let agrees = |tree: &Frontier| tree.size() == size && tree.root() == root;
    // Of the database's own tree nothing needs to be believed: there is only one with this root.
    let recorded = read_frontier(connection)?;
    if agrees(&recorded) {
        return Ok(Some(recorded));
    }
    let mut tree = Frontier::new();
    append_leaves(connection, &mut tree, size)?;
    Ok(Some(tree).filter(agrees))
}

/// Appends the leaves up to `size`, as far as there are any.
fn append_leaves(
    connection: &Connection,
    tree: &mut Frontier,
    size: u64,
) -> Result<(), StoreError> {
    let bound = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
    let mut statement = connection
        .prepare("SELECT leaf_hash FROM audit_entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx")?;
    let mut rows = statement.query(params![bound(tree.size()), bound(size)])?;
    while let Some(row) = rows.next()? {
        tree.append(hash_of(row.get_ref(0)?.as_blob().unwrap_or_default())?);
    }
    Ok(())
}
