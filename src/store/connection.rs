//! Opening an encrypted database: the one place that makes SQLite connections.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use seal::DataKey;

use crate::StoreError;

/// How a connection is going to be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Makes the file when it is missing.
    Create,
    /// Reads and writes an existing file.
    Write,
    /// Reads an existing file.
    Read,
}

/// How long a statement waits for another connection's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Page cache of a connection in KiB; small, because ten idle tenants must fit into little memory.
const CACHE_KIB: i64 = 1024;

/// Prepared statements kept per connection.
const STATEMENT_CACHE: usize = 64;

/// Opens `path` with SQLCipher under the raw key (no key derivation: the key is already random).
#[expect(clippy::disallowed_methods, reason = "the one place that opens database connections")]
pub(crate) fn open(path: &Path, key: &DataKey, access: Access) -> Result<Connection, StoreError> {
    let mode = match access {
        Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // NO_MUTEX: every connection is used by one thread at a time (writer thread, or pooled).
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let key_pragma = zeroizing_key_pragma(key);
    connection.execute_batch(&key_pragma)?;
    drop(key_pragma);
    // Sorting and temporary tables stay in memory: a temporary file would be plaintext.
    connection.execute_batch(&format!(
        "PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = ON;"
    ))?;
    // The first read of a page tells whether the key fits.
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    match access {
        Access::Create | Access::Write => {
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        }
        Access::Read => connection.execute_batch("PRAGMA query_only = ON;")?,
    }
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

fn zeroizing_key_pragma(key: &DataKey) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(format!("PRAGMA key = \"x'{}'\";", key.sqlcipher_key().as_str()))
}
