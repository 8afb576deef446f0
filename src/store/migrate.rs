//! Schema migrations: numbered SQL files, checksummed, all that are due in one transaction, with a
//! copy of the database made before.

use std::path::{Path, PathBuf};

use audit::{Action, Event};
use rusqlite::wal::CheckpointMode;
use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::connection::Connection;
use crate::ledger::{Ledger, Stamp};
use crate::{StoreError, fatal};

/// One step from a schema version to the next.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static [&'static str],
}

/// Steps of the control database.
pub(crate) const CONTROL: &[Migration] = &[
    Migration {
        version: 1,
        name: "init",
        sql: &[
            include_str!("migrations/audit.sql"),
            include_str!("migrations/control/0001_init.sql"),
        ],
    },
    Migration {
        version: 2,
        name: "indexes",
        sql: &[include_str!("migrations/control/0002_indexes.sql")],
    },
    Migration {
        version: 3,
        name: "keys",
        sql: &[include_str!("migrations/control/0003_keys.sql")],
    },
    Migration {
        version: 4,
        name: "models",
        sql: &[include_str!("migrations/control/0004_models.sql")],
    },
    Migration {
        version: 5,
        name: "encoders",
        sql: &[include_str!("migrations/control/0005_encoders.sql")],
    },
];

/// Steps of a tenant's database.
pub(crate) const TENANT: &[Migration] = &[
    Migration {
        version: 1,
        name: "init",
        sql: &[
            include_str!("migrations/audit.sql"),
            include_str!("migrations/tenant/0001_init.sql"),
        ],
    },
    Migration {
        version: 2,
        name: "vectors",
        sql: &[include_str!("migrations/tenant/0002_vectors.sql")],
    },
    Migration {
        version: 3,
        name: "guesses",
        sql: &[include_str!("migrations/tenant/0003_guesses.sql")],
    },
    Migration {
        version: 4,
        name: "indexes",
        sql: &[include_str!("migrations/tenant/0004_indexes.sql")],
    },
    Migration {
        version: 5,
        name: "second_factor",
        sql: &[include_str!("migrations/tenant/0005_second_factor.sql")],
    },
    Migration {
        version: 6,
        name: "token_families",
        sql: &[include_str!("migrations/tenant/0006_token_families.sql")],
    },
    Migration {
        version: 7,
        name: "access",
        sql: &[include_str!("migrations/tenant/0007_access.sql")],
    },
    Migration {
        version: 8,
        name: "feedback",
        sql: &[include_str!("migrations/tenant/0008_feedback.sql")],
    },
    Migration {
        version: 9,
        name: "token_usage",
        sql: &[include_str!("migrations/tenant/0009_token_usage.sql")],
    },
    Migration {
        version: 10,
        name: "traces",
        sql: &[include_str!("migrations/tenant/0010_traces.sql")],
    },
    Migration {
        version: 11,
        name: "composition",
        sql: &[include_str!("migrations/tenant/0011_composition.sql")],
    },
    Migration {
        version: 12,
        name: "made_from",
        sql: &[include_str!("migrations/tenant/0012_made_from.sql")],
    },
    Migration {
        version: 13,
        name: "model_embeddings",
        sql: &[include_str!("migrations/tenant/0013_model_embeddings.sql")],
    },
];

const SCHEMA_MIGRATED: Action = Action::new("schema.migrated");

impl Migration {
    fn checksum(&self) -> String {
        let mut hasher = Sha256::new();
        for part in self.sql {
            hasher.update(part.as_bytes());
        }
        hex::encode(hasher.finalize())
    }
}

/// The schema version that this program writes.
pub(crate) fn newest(steps: &[Migration]) -> u32 {
    steps.last().map_or(0, |step| step.version)
}

/// The schema version of a database that this program may work with; 0 for an empty one.
///
/// # Errors
/// [`StoreError::NewerSchema`], or [`StoreError::ChangedMigration`] when a step was applied that
/// is not the one in this program.
pub(crate) fn check(connection: &Connection, steps: &[Migration]) -> Result<u32, StoreError> {
    let exists: bool = connection.query_row(
        "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'schema_migrations'",
        [],
        |row| row.get(0),
    )?;
    if !exists {
        return Ok(0);
    }
    let found: u32 = connection.query_row(
        "SELECT coalesce(max(version), 0) FROM schema_migrations",
        [],
        |row| row.get(0),
    )?;
    let known = newest(steps);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for step in steps.iter().filter(|step| step.version <= found) {
        verify_applied(connection, step)?;
    }
    Ok(found)
}

/// Brings a database of schema `found` to the newest one; does nothing when it is.
pub(crate) fn migrate(
    connection: &Connection,
    path: &Path,
    found: u32,
    steps: &[Migration],
    ledger: &mut Ledger,
    stamp: &Stamp,
) -> Result<(), StoreError> {
    if steps.last().is_none_or(|step| step.version <= found) {
        return Ok(());
    }
    if found > 0 {
        copy_before(connection, path, found)?;
    }
    // A step that rebuilds a table drops the old one, and must not take the rows with it that
    // refer to it. Can't be switched inside a transaction.
    connection.execute_batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
    let applied = apply_all(connection, found, steps, ledger, stamp);
    if applied.is_err() {
        ledger.abandoned();
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    connection.execute_batch("PRAGMA foreign_keys = ON")?;
    applied
}

fn verify_applied(connection: &Connection, step: &Migration) -> Result<(), StoreError> {
    let recorded: Option<String> = connection
        .query_row(
            "SELECT checksum FROM schema_migrations WHERE version = ?1",
            [step.version],
            |row| row.get(0),
        )
        .optional()?;
    if recorded.as_deref() == Some(step.checksum().as_str()) {
        Ok(())
    } else {
        Err(StoreError::ChangedMigration(step.version))
    }
}

fn apply_all(
    connection: &Connection,
    found: u32,
    steps: &[Migration],
    ledger: &mut Ledger,
    stamp: &Stamp,
) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version    INTEGER PRIMARY KEY,
             name       TEXT NOT NULL,
             checksum   TEXT NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let mut from = found;
    for step in steps.iter().filter(|step| step.version > found) {
        for part in step.sql {
            connection.execute_batch(part)?;
        }
        connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at)
             VALUES (?1, ?2, ?3, ?4)",
            params![step.version, step.name, step.checksum(), stamp.time.unix_ms()],
        )?;
        let event = Event::new(SCHEMA_MIGRATED)
            .object("schema", step.version)
            .detail(serde_json::json!({ "from": from, "to": step.version, "name": step.name }));
        ledger.append(connection, stamp, event)?;
        from = step.version;
    }
    let violation = connection.query_row("PRAGMA foreign_key_check", [], |_| Ok(())).optional()?;
    if violation.is_some() {
        return Err(StoreError::Corrupt("a reference between tables, after a migration"));
    }
    ledger.save(connection)?;
    connection.execute_batch("COMMIT")?;
    ledger.committed();
    Ok(())
}

/// Where the copy lies that is made before a migration from `version`.
fn copy_path(database: &Path, version: u32) -> PathBuf {
    database.with_extension(format!("db.v{version}"))
}

/// Copies the database file (still encrypted). A copy that is not whole never has its name.
fn copy_before(connection: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    connection.fold(CheckpointMode::TRUNCATE)?;
    let copy = copy_path(path, version);
    let unfinished = path.with_extension(format!("db.v{version}.part"));
    let copied = std::fs::copy(path, &unfinished)
        .and_then(|_| std::fs::File::options().write(true).open(&unfinished))
        .map_err(StoreError::io("copying the database before a migration"));
    let file = match copied {
        Ok(file) => file,
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    if let Err(error) = file.sync_all() {
        fatal::sync_failed("the copy made before a migration", &error);
    }
    std::fs::rename(&unfinished, &copy).map_err(StoreError::io("naming the copy"))?;
    crate::directory::sync_parent(&copy)
}

/// Removes the copies that were made before migrations of `database`: they hold what the
/// database has been made to forget.
pub(crate) fn remove_copies(database: &Path) -> Result<(), StoreError> {
    let failed = StoreError::io("removing old copies of a database");
    let remove = || -> std::io::Result<()> {
        let Some((dir, name)) = database.parent().zip(database.file_name()) else { return Ok(()) };
        let prefix = format!("{}.v", name.to_string_lossy());
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(failed)
}
