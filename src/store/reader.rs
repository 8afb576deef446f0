//! Reading: a bounded pool of read-only connections, one snapshot per closure.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, Params, Row};
use seal::DataKey;
use tokio::sync::Semaphore;

use crate::StoreError;
use crate::connection::{self, Access};

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
        Ok(self.statement(sql)?.query_row(params, map)?)
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
        Ok(self.statement(sql)?.query_row(params, map).optional()?)
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
        let mut statement = self.statement(sql)?;
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
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(row)?;
        }
        Ok(())
    }

    /// Only statements that return rows: so no `COMMIT` can be smuggled through a query.
    fn statement(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        let statement = self.connection.prepare_cached(sql)?;
        if statement.column_count() == 0 {
            return Err(StoreError::Database(rusqlite::Error::InvalidQuery));
        }
        Ok(statement)
    }
}

/// The readers of one open database.
pub(crate) struct Readers {
    path: PathBuf,
    key: Arc<DataKey>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, key: Arc<DataKey>, size: usize) -> Self {
        Self {
            path,
            key,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(size.max(1))),
        }
    }

    /// Runs `work` on a reader connection, off the async threads.
    pub(crate) async fn run<T, E, F>(self: &Arc<Self>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::NotCommitted)?;
        let this = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            this.run_blocking(work)
        });
        done.await.map_err(|_| StoreError::Panicked)?
    }

    pub(crate) fn run_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = self.idle.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => connection::open(&self.path, &self.key, Access::Read)?,
        };
        connection.execute_batch("BEGIN DEFERRED").map_err(StoreError::from)?;
        let result = work(&ReadTx::new(&connection));
        // A connection that can't end its snapshot is dropped instead of pooled.
        if connection.execute_batch("ROLLBACK").is_ok() {
            self.idle.lock().push(connection);
        }
        result
    }
}
