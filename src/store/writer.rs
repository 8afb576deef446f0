//! Writing: what a change may do, and the way to the one thread that carries changes out.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use audit::Event;
use base::Timestamp;
use parking_lot::Mutex;
use rusqlite::Params;
use tokio::sync::oneshot;

use crate::checkpoint::CheckpointFile;
use crate::connection::Connection;
use crate::group::{Change, Group, Notes, Order, Turn};
use crate::ledger::{Ledger, Stamp};
use crate::{ReadTx, StoreError};

/// A change on its way: statements inside a savepoint of the writer's transaction.
///
/// Dropping it, or returning an error, undoes the statements. [`WriteTx::commit`] is the only way
/// to a [`Committed`], which is the only thing a write closure can succeed with.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    connection: &'a Connection,
    ledger: &'a mut Ledger,
    notes: &'a mut Notes,
    stamp: Stamp,
}

/// Proof that a change goes into the next commit together with its audit entry.
pub struct Committed<T> {
    value: T,
}

impl<T> Committed<T> {
    pub(crate) fn into_value(self) -> T {
        self.value
    }
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}

impl<'a> WriteTx<'a> {
    pub(crate) const fn new(
        connection: &'a Connection,
        ledger: &'a mut Ledger,
        notes: &'a mut Notes,
        stamp: Stamp,
    ) -> Self {
        Self { read: ReadTx::new(connection), connection, ledger, notes, stamp }
    }

    /// Runs one statement and returns the number of changed rows. Only rows of the rooms' own
    /// tables can be changed; no schema, no transaction, no pragma, no audit entry.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails, [`StoreError::StatementRefused`] when it
    /// is none of those.
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize, StoreError> {
        Ok(self.read.statement(sql)?.execute(params)?)
    }

    /// Runs one `INSERT` and returns the new row's id.
    ///
    /// # Errors
    /// As [`WriteTx::execute`].
    pub fn insert<P: Params>(&self, sql: &str, params: P) -> Result<i64, StoreError> {
        Ok(self.read.statement(sql)?.insert(params)?)
    }

    /// The moment that the audit entry of this change will carry.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.stamp.time
    }

    /// The index that the next audit entry of this change will have.
    #[must_use]
    pub const fn audit_index(&self) -> u64 {
        self.ledger.size()
    }

    /// Adds an entry before the last one, where one change has several things to record.
    ///
    /// # Errors
    /// [`StoreError::AuditUnavailable`] when it can't be written; the whole change must fail then.
    pub fn record(&mut self, event: Event) -> Result<u64, StoreError> {
        self.ledger.append(self.connection, &self.stamp, event)
    }

    /// Records `event` and makes the change part of the next commit.
    ///
    /// # Errors
    /// [`StoreError::AuditUnavailable`] when the entry can't be written; nothing changes then.
    pub fn commit<T>(self, event: Event, value: T) -> Result<Committed<T>, StoreError> {
        self.ledger.append(self.connection, &self.stamp, event)?;
        Ok(Committed { value })
    }

    /// Takes the content of old entries of the log away; the event of this change must record it.
    pub(crate) fn prune_entries(&self, range: std::ops::Range<u64>) -> Result<(), StoreError> {
        self.ledger.prune(self.connection, range)
    }

    /// Has the job runner look at this tenant once the change is on disk.
    pub(crate) fn note_jobs_changed(&mut self) {
        self.notes.jobs_changed = true;
    }

    pub(crate) const fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

/// What the writer thread needs besides its connection.
pub(crate) struct WriterSettings {
    pub(crate) queue_length: usize,
    /// Most changes that share one commit.
    pub(crate) group_max: usize,
    pub(crate) name: String,
    /// Called after a commit that changed the jobs.
    pub(crate) on_jobs_changed: Box<dyn Fn() + Send>,
    /// Kept as long as the thread lives: the data directory stays locked while anybody writes.
    #[expect(dead_code, reason = "held, not used")]
    pub(crate) lock: Arc<std::fs::File>,
}

/// The one writer of a database.
pub(crate) struct Writer {
    /// `None` once closed.
    sender: Mutex<Option<SyncSender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        ledger: Ledger,
        checkpoint: CheckpointFile,
        settings: WriterSettings,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(settings.queue_length.max(1));
        let name = settings.name.clone();
        let group = Group::new(connection, ledger, checkpoint, settings)?;
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || group.serve(&receiver))
            .map_err(StoreError::io("starting the writer thread"))?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues `change` and waits until it is on disk, or refused.
    pub(crate) async fn run<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        let receiver = self.submit(stamp, change)?;
        receiver.await.map_err(|_| StoreError::NotCommitted)?
    }

    /// As [`Writer::run`], for threads that may block.
    pub(crate) fn run_blocking<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        let receiver = self.submit(stamp, change)?;
        receiver.blocking_recv().map_err(|_| StoreError::NotCommitted)?
    }

    /// Empties the write-ahead log into the database, overwriting what it held.
    pub(crate) async fn fold(&self) -> Result<(), StoreError> {
        let (reply, receiver) = oneshot::channel();
        self.send(Order::Fold(reply))?;
        receiver.await.map_err(|_| StoreError::NotCommitted)?
    }

    /// Carries out what is queued, folds the write-ahead log and closes the connection. Blocks.
    pub(crate) fn close(&self) {
        drop(self.sender.lock().take());
        let Some(thread) = self.thread.lock().take() else { return };
        // A closure that holds the last handle on its own database must not wait for itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a writer thread ended unexpectedly");
        }
    }

    fn submit<T, E, F>(
        &self,
        stamp: Stamp,
        change: F,
    ) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel::<Result<T, E>>();
        let change: Change = Box::new(move |turn| {
            // Nobody waits any more: the request was cancelled before its turn came.
            if reply.is_closed() {
                return None;
            }
            let result = match turn {
                Turn::Yours(savepoint) => savepoint.run(stamp, change),
                Turn::Refused(error) => Err(StoreError::CommitFailed(error).into()),
            };
            Some(Box::new(move |commit: &Result<(), Arc<StoreError>>| {
                let answer = match (result, commit) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(error)) => Err(StoreError::CommitFailed(Arc::clone(error)).into()),
                    (Err(error), _) => Err(error),
                };
                // A caller that went away meanwhile finds its change in the database.
                let _ = reply.send(answer);
            }))
        });
        self.send(Order::Change(change))?;
        Ok(receiver)
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        match self.sender.lock().as_ref().map(|sender| sender.try_send(order)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(StoreError::Busy),
            Some(Err(TrySendError::Disconnected(_))) => Err(StoreError::NotCommitted),
            None => Err(StoreError::Closed),
        }
    }
}

// No `Drop`: when the sender goes, the thread carries out what is queued and ends by itself. Only
// `close` waits for that, because only it is called where a thread may block.
