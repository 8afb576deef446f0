//! Schema migrations: numbered SQL files, checksummed, each in one transaction, with a copy of the
//! database made before.

use std::path::Path;

use audit::{Action, Event};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::ledger::{Ledger, Stamp};

/// One step from a schema version to the next.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static [&'static str],
}

/// Steps of the control database.
pub(crate) const CONTROL: &[Migration] = &[Migration {
    version: 1,
    name: "init",
    sql: &[include_str!("migrations/audit.sql"), include_str!("migrations/control/0001_init.sql")],
}];

/// Steps of a tenant's database.
pub(crate) const TENANT: &[Migration] = &[Migration {
    version: 1,
    name: "init",
    sql: &[include_str!("migrations/audit.sql"), include_str!("migrations/tenant/0001_init.sql")],
}];

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

/// Brings `connection` to the newest schema; returns whether anything was done.
pub(crate) fn migrate(
    connection: &Connection,
    path: &Path,
    steps: &[Migration],
    ledger: &mut Ledger,
    stamp: &Stamp,
) -> Result<bool, StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version    INTEGER PRIMARY KEY,
             name       TEXT NOT NULL,
             checksum   TEXT NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let found: u32 = connection.query_row(
        "SELECT coalesce(max(version), 0) FROM schema_migrations",
        [],
        |row| row.get(0),
    )?;
    let known = steps.last().map_or(0, |step| step.version);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for step in steps.iter().filter(|step| step.version <= found) {
        verify_applied(connection, step)?;
    }
    if found > 0 && found < known {
        copy_before(connection, path, found)?;
    }
    for step in steps.iter().filter(|step| step.version > found) {
        apply(connection, step, found, ledger, stamp)?;
    }
    Ok(found < known)
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

fn apply(
    connection: &Connection,
    step: &Migration,
    from: u32,
    ledger: &mut Ledger,
    stamp: &Stamp,
) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    for part in step.sql {
        transaction.execute_batch(part)?;
    }
    transaction.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at)
         VALUES (?1, ?2, ?3, ?4)",
        params![step.version, step.name, step.checksum(), stamp.time.unix_ms()],
    )?;
    let event = Event::new(SCHEMA_MIGRATED)
        .object("schema", step.version)
        .detail(serde_json::json!({ "from": from, "to": step.version, "name": step.name }));
    ledger.append(&transaction, stamp, event)?;
    ledger.save(&transaction)?;
    transaction.commit()?;
    ledger.committed();
    Ok(())
}

/// Copies the database file (still encrypted) to `<name>.v<version>` before it is changed.
fn copy_before(connection: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let copy = path.with_extension(format!("db.v{version}"));
    std::fs::copy(path, &copy)
        .map_err(StoreError::io("copying the database before a migration"))?;
    let file = std::fs::File::open(&copy).map_err(StoreError::io("opening the copy"))?;
    if let Err(error) = file.sync_all() {
        crate::fatal::sync_failed("the copy made before a migration", &error);
    }
    Ok(())
}
