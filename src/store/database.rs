//! An open database: its one writer, its readers, and the checkpoint that it must not be behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Checkpoint, Frontier, Hash};
use rusqlite::wal::CheckpointMode;
use seal::{DataKey, SigningKey};

use crate::checkpoint::CheckpointFile;
use crate::connection::{self, Access, Connection};
use crate::ledger::{Ledger, Stamp};
use crate::migrate::{self, Migration};
use crate::reader::{ReaderLimits, Readers};
use crate::writer::{Committed, Writer, WriterSettings};
use crate::{ReadTx, StoreError, StoreSettings, WriteTx, at_rest};

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
    /// Called after a commit that changed the jobs.
    pub(crate) on_jobs_changed: Box<dyn Fn() + Send>,
    /// The lock of the data directory.
    pub(crate) lock: Arc<File>,
}

/// Whether the database must not exist yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Makes it. One that a kill left half-made is made to its end.
    New,
    /// Database and checkpoint are there, or something is wrong.
    Existing,
}

pub(crate) struct Database {
    /// `None` when the database is read-only.
    writer: Option<Writer>,
    readers: Arc<Readers>,
    health: Health,
}

impl Database {
    /// Opens, compares with the checkpoint and migrates. Blocks on the disk.
    ///
    /// What is not sound is left as it was found, to the last byte: it is evidence.
    pub(crate) fn open(
        layout: Layout,
        opening: Opening,
        around: Surroundings<'_>,
    ) -> Result<Self, StoreError> {
        let Layout { database, checkpoint, origin, steps, key, signing } = layout;
        match opening {
            Opening::New => {
                if !checkpoint.exists() {
                    CheckpointFile::create(&checkpoint, &origin, &signing)?;
                }
                connection::make_private_file(&database)?;
            }
            Opening::Existing if !database.exists() => {
                return Err(StoreError::Missing("a database"));
            }
            Opening::Existing => {}
        }
        let limits = ReaderLimits {
            connections: around.settings.readers_per_tenant,
            queue_length: around.settings.read_queue_length,
        };
        let readers = Arc::new(Readers::new(database.clone(), Arc::clone(&key), limits));
        let connection = Connection::open(&database, &key, Access::Write)?;
        let version = migrate::check(&connection, steps)?;
        let mut ledger = Ledger::load(&connection)?;
        let signed = CheckpointFile::open(&checkpoint, &origin, signing);
        let checkpoint = match compare(&connection, &ledger, signed, &database)? {
            Ok(mut checkpoint) => {
                let is_settled = checkpoint.at_rest().is_some()
                    && version == migrate::newest(steps)
                    && !holds_changes(&database);
                if !is_settled {
                    checkpoint
                        .set_at_rest(None)
                        .map_err(StoreError::io("writing the checkpoint"))?;
                }
                migrate::migrate(
                    &connection,
                    &database,
                    version,
                    steps,
                    &mut ledger,
                    &around.stamp,
                )?;
                // The last opening went well, so the copies that were made before its migration
                // have done their work; what was deleted since must not stay in them.
                if version == migrate::newest(steps)
                    && let Err(error) = migrate::remove_copies(&database)
                {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, database = origin, "old copies can't be removed");
                }
                // What a killed process left in the log, destroyed keys among it.
                connection.fold(CheckpointMode::TRUNCATE)?;
                let written = match checkpoint.at_rest() {
                    Some(_) => checkpoint.write(ledger.size(), ledger.root()),
                    None => at_rest::digest(&database).and_then(|at_rest| {
                        checkpoint.settle(ledger.size(), ledger.root(), at_rest)
                    }),
                };
                written.map_err(StoreError::io("writing the checkpoint"))?;
                Ok(checkpoint)
            }
            // No schema: nothing could be read from it either.
            Err(why) if version == 0 => return Err(StoreError::AuditDamaged(why)),
            Err(why) => Err(why),
        };
        let checkpoint = match checkpoint {
            Ok(checkpoint) => checkpoint,
            Err(why) => {
                tracing::error!(database = origin, why, "a database is read-only");
                return Ok(Self { writer: None, readers, health: Health::ReadOnly(why) });
            }
        };
        // SQLite makes the write-ahead log and lets a failed sync of the directory pass: a log without
        // a name would be lost with all that is acknowledged in it.
        if let Some(directory) = database.parent() {
            seal::sync_dir(directory).map_err(StoreError::io("syncing a database's directory"))?;
        }
        let settings = WriterSettings {
            queue_length: around.settings.write_queue_length,
            group_max: around.settings.group_commit_max_writes,
            name: "store-writer".into(),
            on_jobs_changed: around.on_jobs_changed,
            lock: around.lock,
        };
        let writer = Writer::start(connection, ledger, checkpoint, settings)?;
        Ok(Self { writer: Some(writer), readers, health: Health::Sound })
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

    /// Empties the write-ahead log, so that no older version of a page is left in it.
    pub(crate) async fn fold(&self) -> Result<(), StoreError> {
        self.writer()?.fold().await
    }

    /// Reads every page of the file. Blocks.
    pub(crate) fn check_pages(&self) -> Result<(), StoreError> {
        self.readers.check_pages()
    }

    /// Closes connections that nobody uses.
    pub(crate) fn trim(&self) {
        self.readers.trim();
    }

    /// The key of the pages.
    pub(crate) fn key(&self) -> &DataKey {
        self.readers.key()
    }

    /// Carries out what is queued and folds the log; reading goes on. Blocks.
    pub(crate) fn close_writer(&self) {
        if let Some(writer) = &self.writer {
            writer.close();
        }
    }

    /// Carries out what is queued and closes the files; further work is refused. Blocks.
    pub(crate) fn close(&self) {
        self.readers.close();
        if let Some(writer) = &self.writer {
            writer.close();
        }
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| match &self.health {
            Health::ReadOnly(why) => StoreError::ReadOnly(why.clone()),
            Health::Sound => StoreError::Closed,
        })
    }
}

/// Compares the log with the signed head beside it; the inner error says why nothing may be written.
/// The outer one says that it could not be compared at this moment: the next opening tries again.
///
/// SQLCipher notices a forged page, but not a write-ahead log that was cut or a file from
/// yesterday; a head that is ahead of the log does. Nor does it notice a single page from
/// yesterday; the digest of the file does.
fn compare(
    connection: &Connection,
    ledger: &Ledger,
    signed: Result<Option<(CheckpointFile, Checkpoint)>, StoreError>,
    database: &Path,
) -> Result<Result<CheckpointFile, String>, StoreError> {
    let (file, head) = match signed {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Ok(Err("the signed checkpoint is missing: restore it from a backup".into()));
        }
        Err(error @ StoreError::Io { .. }) => return Err(error),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if ledger.size() < head.size {
        return Ok(Err(format!(
            "the database has {} audit entries but its signed checkpoint has {}: it was rolled \
             back or its write-ahead log was cut; restore a newer backup",
            ledger.size(),
            head.size
        )));
    }
    match continues(connection, ledger, &head) {
        Ok(true) => {}
        Ok(false) => {
            return Ok(Err("the audit log does not continue its signed checkpoint; run \
                           `millwright audit verify`"
                .into()));
        }
        Err(error) => return Ok(Err(error.to_string())),
    }
    let Some(at_rest) = file.at_rest() else { return Ok(Ok(file)) };
    let found = at_rest::digest(database).map_err(StoreError::io("reading a database file"))?;
    if found == at_rest {
        return Ok(Ok(file));
    }
    Ok(Err(
        "the database file is not the one that its signed checkpoint tells of: pages of it were \
            exchanged; restore a backup"
            .into(),
    ))
}

/// Whether there is anything in the write-ahead log, whole or not.
fn holds_changes(database: &Path) -> bool {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Whether the log has the signed root at the signed size, and nothing but leaves behind it.
fn continues(
    connection: &Connection,
    ledger: &Ledger,
    head: &Checkpoint,
) -> Result<bool, StoreError> {
    if ledger.size() == head.size {
        return Ok(ledger.root() == head.root);
    }
    if head.size == 0 && head.root != Hash::EMPTY_ROOT {
        return Ok(false);
    }
    // A crash between commit and checkpoint: the log is a little ahead. Hash all of it once.
    let mut frontier = Frontier::new();
    let mut agrees = head.size == 0;
    let mut statement = connection.prepare("SELECT leaf_hash FROM audit_entries ORDER BY idx")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let hash: [u8; 32] = row.get(0)?;
        frontier.append(Hash::from_bytes(hash));
        if frontier.size() == head.size {
            agrees = frontier.root() == head.root;
        }
    }
    Ok(agrees && frontier == ledger.mark())
}
