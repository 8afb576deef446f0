//! An open database: its one writer, its readers, and the checkpoint that it must not be behind.

use std::path::PathBuf;
use std::sync::Arc;

use audit::Checkpoint;
use rusqlite::Connection;
use seal::{DataKey, SigningKey};

use crate::connection::{self, Access};
use crate::ledger::{CheckpointFile, Ledger, Stamp};
use crate::migrate::{Migration, migrate};
use crate::reader::Readers;
use crate::writer::{Committed, Writer, WriterSettings};
use crate::{ReadTx, StoreError, StoreSettings, WriteTx};

/// Whether a database may be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Everything is as the last checkpoint says.
    Sound,
    /// Reads only, and why: an alarm for the administrator.
    ReadOnly(String),
}

/// Where a database and its checkpoint are, and with what they are opened.
pub(crate) struct Layout {
    pub(crate) database: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) origin: String,
    pub(crate) steps: &'static [Migration],
    pub(crate) key: Arc<DataKey>,
    pub(crate) signing: SigningKey,
}

/// What opening a database needs from the process around it.
pub(crate) struct Surroundings<'a> {
    /// Who migrates, should that be needed.
    pub(crate) stamp: Stamp,
    pub(crate) settings: &'a StoreSettings,
    /// Called after a commit that queued a job.
    pub(crate) on_job_queued: Box<dyn Fn() + Send>,
}

/// Whether the database must not exist yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    New,
    Existing,
}

pub(crate) struct Database {
    writer: Option<Writer>,
    readers: Arc<Readers>,
    health: Health,
}

impl Database {
    /// Opens, migrates and compares with the checkpoint. Blocks on the disk.
    pub(crate) fn open(
        layout: Layout,
        opening: Opening,
        around: Surroundings<'_>,
    ) -> Result<Self, StoreError> {
        let access = match opening {
            Opening::New => Access::Create,
            Opening::Existing => Access::Write,
        };
        let connection = connection::open(&layout.database, &layout.key, access)?;
        let checkpoint =
            CheckpointFile::new(layout.checkpoint, layout.origin.clone(), layout.signing);
        let mut ledger = Ledger::load(&connection)?;
        let health = match opening {
            Opening::New => Health::Sound,
            Opening::Existing => compare(&connection, &ledger, &checkpoint),
        };
        let readers = Arc::new(Readers::new(
            layout.database.clone(),
            layout.key,
            around.settings.readers_per_tenant,
        ));
        if let Health::ReadOnly(why) = &health {
            tracing::error!(database = %layout.origin, why, "a database is read-only");
            return Ok(Self { writer: None, readers, health });
        }
        migrate(&connection, &layout.database, layout.steps, &mut ledger, &around.stamp)?;
        checkpoint.write(&ledger).map_err(StoreError::io("writing the checkpoint"))?;
        let settings = WriterSettings {
            queue_length: around.settings.write_queue_length,
            group_max: around.settings.group_commit_max_writes,
            name: "store-writer".into(),
            on_job_queued: around.on_job_queued,
        };
        let writer = Writer::start(connection, ledger, checkpoint, settings)?;
        Ok(Self { writer: Some(writer), readers, health })
    }

    pub(crate) const fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.readers.run(work).await
    }

    pub(crate) fn read_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.readers.run_blocking(work)
    }

    pub(crate) async fn write<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.writer()?.run(stamp, change).await
    }

    pub(crate) fn write_blocking<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.writer()?.run_blocking(stamp, change)
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| match &self.health {
            Health::ReadOnly(why) => StoreError::ReadOnly(why.clone()),
            Health::Sound => StoreError::NotCommitted,
        })
    }
}

/// Compares the log with the signed head beside it.
///
/// SQLCipher notices a forged page, but not a write-ahead log that was cut or a file from
/// yesterday; a head that is ahead of the log does.
fn compare(connection: &Connection, ledger: &Ledger, file: &CheckpointFile) -> Health {
    let head = match file.read() {
        Ok(Some(head)) => head,
        Ok(None) if ledger.size() == 0 => return Health::Sound,
        Ok(None) => {
            return Health::ReadOnly(
                "the signed checkpoint is missing; restore it from a backup or a witness".into(),
            );
        }
        Err(error) => return Health::ReadOnly(error.to_string()),
    };
    if ledger.size() < head.size {
        return Health::ReadOnly(format!(
            "the database has {} audit entries but its signed checkpoint has {}: it was rolled \
             back or its write-ahead log was cut; restore a newer backup",
            ledger.size(),
            head.size
        ));
    }
    match prefix_matches(connection, ledger, &head) {
        Ok(true) => Health::Sound,
        Ok(false) => Health::ReadOnly(
            "the audit log does not continue its signed checkpoint; run `millwright audit verify`"
                .into(),
        ),
        Err(error) => Health::ReadOnly(error.to_string()),
    }
}

/// Whether the first `head.size` leaf hashes have the root that was signed, and the whole log the
/// root that the frontier says.
fn prefix_matches(
    connection: &Connection,
    ledger: &Ledger,
    head: &Checkpoint,
) -> Result<bool, StoreError> {
    if ledger.size() == head.size {
        return Ok(ledger.mark().root() == head.root);
    }
    // A crash between commit and checkpoint: the log is a little ahead. Hash the prefix once.
    let mut frontier = audit::Frontier::new();
    let limit = i64::try_from(head.size).map_err(|_| StoreError::Corrupt("checkpoint size"))?;
    ReadTx::new(connection).query_each(
        "SELECT leaf_hash FROM audit_entries WHERE idx < ?1 ORDER BY idx",
        [limit],
        |row| {
            let bytes: Vec<u8> = row.get(0)?;
            let hash = <[u8; 32]>::try_from(bytes.as_slice())
                .map_err(|_| StoreError::Corrupt("audit_entries.leaf_hash"))?;
            frontier.append(audit::Hash::from_bytes(hash));
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(frontier.size() == head.size && frontier.root() == head.root)
}
