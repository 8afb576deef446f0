//! Reading: a bounded pool of read-only connections, one snapshot per closure.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rusqlite::{CachedStatement, Params, Row};
use seal::DataKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::StoreError;
use crate::connection::{Access, Connection};

/// A consistent view of one database. Offers queries, nothing else.
pub struct ReadTx<'a> {
    connection: &'a Connection,
}

impl<'a> ReadTx<'a> {
    pub(crate) const fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// The first row of `sql`, mapped.
    ///
    /// # Errors
    /// [`StoreError::Database`] when there is no row or the statement fails.
    pub fn query_row<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(self.query(sql)?.query_row(params, map)?)
    }

    /// The first row of `sql`, mapped, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails.
    pub fn query_optional<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        use rusqlite::OptionalExtension as _;
        Ok(self.query(sql)?.query_row(params, map).optional()?)
    }

    /// All rows of `sql`, mapped. The caller's SQL bounds their number.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails.
    pub fn query_all<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.query(sql)?;
        let rows = statement.query_map(params, map)?;
        Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
    }

    /// Calls `each` with every row of `sql`, without collecting them.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails, or what `each` returns.
    pub fn query_each<P: Params, E: From<StoreError>>(
        &self,
        sql: &str,
        params: P,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.query(sql)?;
        let mut rows = statement.query(params).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(row)?;
        }
        Ok(())
    }

    /// A statement that returns rows.
    fn query(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        let statement = self.statement(sql)?;
        if statement.column_count() == 0 {
            return Err(StoreError::Database(rusqlite::Error::InvalidQuery));
        }
        Ok(statement)
    }

    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        // The database has rolled back on its own (disk full): what runs now would be a
        // transaction of its own.
        if self.connection.is_autocommit() {
            return Err(StoreError::RolledBack);
        }
        self.connection.for_rooms(sql)
    }
}

/// The readers of one open database.
pub(crate) struct Readers {
    path: PathBuf,
    key: Arc<DataKey>,
    limits: ReaderLimits,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// How many may read one database.
#[derive(Clone, Copy)]
pub(crate) struct ReaderLimits {
    /// At the same time.
    pub(crate) connections: usize,
    /// Waiting for their turn.
    pub(crate) queue_length: usize,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, key: Arc<DataKey>, limits: ReaderLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.connections.max(1)));
        Self { path, key, limits, idle: Mutex::default(), permits, waiting: AtomicUsize::new(0) }
    }

    /// Runs `work` on a reader connection, off the async threads.
    pub(crate) async fn run<T, E, F>(self: &Arc<Self>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let permit = self.permit().await?;
        let this = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            this.run_blocking(work)
        });
        done.await.map_err(|_| StoreError::Panicked)?
    }

    /// As [`Readers::run`] on the calling thread, which may be one that reads already: so it
    /// takes no turn, but a connection beyond the limit is not kept.
    pub(crate) fn run_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.permits.is_closed() {
            return Err(StoreError::Closed.into());
        }
        let kept = self.idle.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => Connection::open(&self.path, &self.key, Access::Read)?,
        };
        connection.execute_batch("BEGIN DEFERRED").map_err(StoreError::from)?;
        let result = connection.guard().watching(|| work(&ReadTx::new(&connection)));
        // A connection that can't end its snapshot is dropped instead of kept.
        if connection.execute_batch("ROLLBACK").is_ok() {
            self.keep(connection);
        }
        result
    }

    /// Reads every page of the file and compares its structure and its authentication codes.
    pub(crate) fn check_pages(&self) -> Result<(), StoreError> {
        let connection = Connection::open(&self.path, &self.key, Access::Read)?;
        for pragma in ["PRAGMA integrity_check", "PRAGMA cipher_integrity_check"] {
            let mut statement = connection.prepare(pragma)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if row.get_ref(0)?.as_str().is_ok_and(|answer| answer != "ok") {
                    return Err(StoreError::Corrupt("the pages of a database"));
                }
            }
        }
        Ok(())
    }

    /// Refuses all further reads; those that run may end.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }

    pub(crate) fn key(&self) -> &DataKey {
        &self.key
    }

    /// Closes connections that nobody uses.
    pub(crate) fn trim(&self) {
        self.idle.lock().clear();
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < self.limits.connections && !self.permits.is_closed() {
            idle.push(connection);
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _place = Place::take(&self.waiting, self.limits.queue_length)?;
        Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)
    }
}

/// A place in the queue of readers; given back when the wait ends, however it ends.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, limit: usize) -> Result<Self, StoreError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(StoreError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
