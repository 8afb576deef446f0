//! Opening an encrypted database: the one place that makes SQLite connections.

use std::ffi::c_int;
use std::fs::OpenOptions;
use std::ops::Deref;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::wal::CheckpointMode;
use rusqlite::{CachedStatement, OpenFlags, ffi};
use seal::DataKey;
use zeroize::Zeroizing;

use crate::guard::Guard;
use crate::{StoreError, vectors};

/// How a connection is going to be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads and writes an existing file.
    Write,
    /// Reads an existing file.
    Read,
}

/// How long a statement waits for another connection's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Page cache of a connection in KiB; small, because ten idle tenants must fit into little memory.
const CACHE_KIB: i64 = 1024;

/// Prepared statements kept per connection.
const STATEMENT_CACHE: usize = 64;

/// How the text of the store's own cached statements begins.
const OWN_MARK: &str = "/*store*/";

/// Longest write-ahead log that is kept once it has been folded into the database, in bytes.
const WAL_KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// A database connection on which only the store itself may prepare any statement; see [`Guard`].
pub(crate) struct Connection {
    sqlite: rusqlite::Connection,
    guard: Guard,
}

/// Asks for the write-ahead log; the mode that there is then. Goes on to the statement's end: the change
/// is committed behind its only row.
fn write_ahead(sqlite: &rusqlite::Connection) -> Result<String, StoreError> {
    let mut statement = sqlite.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    Ok(mode)
}

impl Deref for Connection {
    type Target = rusqlite::Connection;

    fn deref(&self) -> &rusqlite::Connection {
        &self.sqlite
    }
}

impl Connection {
    /// Opens `path` with SQLCipher under the raw key (no key derivation: the key is random).
    #[expect(clippy::disallowed_methods, reason = "the one place that opens databases")]
    pub(crate) fn open(path: &Path, key: &DataKey, access: Access) -> Result<Self, StoreError> {
        let mode = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        // NO_MUTEX: every connection is used by one thread at a time (the writer's, or pooled).
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut sqlite = rusqlite::Connection::open_with_flags(path, flags)?;
        // SQLite opens a file for reading when opening it for writing fails, whatever the reason was.
        if matches!(access, Access::Write) && sqlite.is_readonly(rusqlite::MAIN_DB)? {
            let refused = std::io::Error::other("it can be opened for reading alone");
            return Err(StoreError::io("opening a database for writing")(refused));
        }
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        silence(&sqlite);
        unlock(&sqlite, key)?;
        // Sorting and temporary tables stay in memory: a temporary file would be plaintext.
        sqlite.execute_batch(&format!(
            "PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -{CACHE_KIB};
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA secure_delete = ON;"
        ))?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        vectors::install(&sqlite)?;
        install_lower(&sqlite)?;
        // The first read of a page tells whether the key fits.
        sqlite.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        match access {
            // Folding the write-ahead log into the database syncs, and a sync that fails must end
            // the process: SQLite's own folding, after commits and on closing, would hide it.
            Access::Write => {
                sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                // An error on the way there is none of the statement: the old mode goes on, which writes
                // into the database file and syncs by itself.
                let mode = write_ahead(&sqlite)?;
                if mode != "wal" {
                    let stayed = std::io::Error::other(format!("the journal's mode stayed {mode}"));
                    return Err(StoreError::io("opening a database's write-ahead log")(stayed));
                }
                sqlite.execute_batch(&format!(
                    "PRAGMA synchronous = FULL;
                     PRAGMA wal_autocheckpoint = 0;
                     PRAGMA journal_size_limit = {WAL_KEPT_BYTES};"
                ))?;
            }
            Access::Read => sqlite.execute_batch("PRAGMA query_only = ON")?,
        }
        sqlite.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        let guard = Guard::install(&mut sqlite)?;
        Ok(Self { sqlite, guard })
    }

    /// Who may prepare which statements.
    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// A statement of the store's own that is prepared once. Its text begins with [`OWN_MARK`], under
    /// which no room gets a statement from the cache: whoever finds one there is not asked by the
    /// guard any more.
    pub(crate) fn own(&self, sql: &'static str) -> Result<CachedStatement<'_>, StoreError> {
        debug_assert!(sql.starts_with(OWN_MARK), "{sql}");
        Ok(self.sqlite.prepare_cached(sql)?)
    }

    /// As [`rusqlite::Connection::prepare_cached`], for rooms.
    pub(crate) fn for_rooms(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        if sql.trim_start().starts_with(OWN_MARK) {
            let refused = ffi::Error::new(ffi::SQLITE_AUTH);
            return Err(rusqlite::Error::SqliteFailure(refused, None).into());
        }
        Ok(self.sqlite.prepare_cached(sql)?)
    }

    /// Calls `notice` after each commit with the length of the write-ahead log in pages.
    pub(crate) fn on_commit(
        &mut self,
        notice: impl Fn(u32) + Send + 'static,
    ) -> Result<(), StoreError> {
        let hook = move |_: &mut rusqlite::hooks::Wal, pages| {
            notice(u32::try_from(pages).unwrap_or(u32::MAX));
            Ok(())
        };
        Ok(self.sqlite.wal_hook(Some(hook))?)
    }

    /// Moves what is in the write-ahead log into the database file. With
    /// [`CheckpointMode::TRUNCATE`] waits for readers and leaves an empty log; an error then when
    /// one of them takes too long. Does not return when a sync fails.
    pub(crate) fn fold(&self, mode: CheckpointMode) -> Result<(), StoreError> {
        self.sqlite.wal_checkpoint_v2(None::<&str>, mode)?;
        Ok(())
    }

    /// Folds the write-ahead log before the connection is closed, so that a closed database is
    /// one file.
    pub(crate) fn fold_for_good(&self) -> Result<(), StoreError> {
        self.fold(CheckpointMode::TRUNCATE)?;
        // The log is empty: there is nothing left that SQLite could fold, only a file to remove.
        self.sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok(())
    }
}

/// Makes `lower` what people mean by it: SQLite's own knows the 26 letters of English.
fn install_lower(sqlite: &rusqlite::Connection) -> Result<(), StoreError> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    sqlite.create_scalar_function("lower", 1, flags, |context| {
        let text = context.get::<Option<String>>(0)?;
        Ok(text.map(|text| text.to_lowercase()))
    })?;
    Ok(())
}

/// SQLCipher writes plain text to standard error, for the whole process; what it would say comes
/// back as an error of the statement.
fn silence(sqlite: &rusqlite::Connection) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = sqlite.execute_batch("PRAGMA cipher_log_level = NONE");
    });
}

/// Gives SQLCipher the raw key. By its C function and not as a statement, of which SQLite would keep
/// copies that nobody wipes.
fn unlock(sqlite: &rusqlite::Connection, key: &DataKey) -> Result<(), StoreError> {
    let literal = key_literal(key);
    let length = c_int::try_from(literal.len()).map_err(|_| StoreError::WrongKey)?;
    #[expect(unsafe_code, reason = "a function of the C library that has no safe wrapper")]
    // SAFETY: the handle is open as long as `sqlite` lives, which outlives the call, and no other
    // thread has it. The key is `length` bytes that live until the call returns; SQLCipher copies
    // them.
    let code = unsafe { ffi::sqlite3_key(sqlite.handle(), literal.as_ptr().cast(), length) };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(StoreError::WrongKey) }
}

/// Encrypts every page of the file at `path` anew. The file must be a copy that nobody else has open:
/// without a journal, so that no page under the old key is written once more, a file that this was
/// broken off at is lost. Syncs nothing.
#[expect(clippy::disallowed_methods, reason = "the one place that opens databases")]
pub(crate) fn reencrypt(path: &Path, old: &DataKey, new: &DataKey) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sqlite = rusqlite::Connection::open_with_flags(path, flags)?;
    silence(&sqlite);
    unlock(&sqlite, old)?;
    sqlite.execute_batch(&format!(
        "PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA journal_mode = DELETE;
         PRAGMA journal_mode = OFF;
         PRAGMA synchronous = OFF;"
    ))?;
    let literal = key_literal(new);
    let length = c_int::try_from(literal.len()).map_err(|_| StoreError::WrongKey)?;
    #[expect(unsafe_code, reason = "a function of the C library that has no safe wrapper")]
    // SAFETY: as in `unlock`.
    let code = unsafe { ffi::sqlite3_rekey(sqlite.handle(), literal.as_ptr().cast(), length) };
    if code != ffi::SQLITE_OK {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into());
    }
    sqlite.close().map_err(|(_, error)| error.into())
}

/// A raw key as SQLCipher takes it.
fn key_literal(key: &DataKey) -> Zeroizing<String> {
    let hex = key.sqlcipher_key();
    // With its capacity, so that no smaller buffer is left behind.
    let mut literal = Zeroizing::new(String::with_capacity(hex.len() + 3));
    literal.push_str("x'");
    literal.push_str(&hex);
    literal.push('\'');
    literal
}

/// Makes an empty file that only its owner may read and write, whatever the umask; SQLite gives
/// the write-ahead log and its index the same mode. An existing file keeps its contents.
pub(crate) fn make_private_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.and_then(|file| file.set_permissions(PermissionsExt::from_mode(0o600)))
        .map_err(StoreError::io("making a database file"))
}
