//! Writing: one thread per open database, group commit, and the only commit there is.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use audit::Event;
use base::Timestamp;
use rusqlite::{Connection, Params};
use tokio::sync::oneshot;

use crate::ledger::{CheckpointFile, Ledger, Stamp};
use crate::{ReadTx, StoreError, fatal};

/// A change on its way: statements inside a savepoint of the writer's transaction.
///
/// Dropping it, or returning an error, undoes the statements. [`WriteTx::commit`] is the only way
/// to a [`Committed`], which is the only thing a write closure can succeed with.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    connection: &'a Connection,
    ledger: &'a mut Ledger,
    jobs_queued: &'a mut bool,
    stamp: Stamp,
}

/// Proof that a change goes into the next commit together with its audit entry.
pub struct Committed<T> {
    value: T,
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}

impl WriteTx<'_> {
    /// Runs one statement and returns the number of changed rows.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails.
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    /// Runs one `INSERT` and returns the new row's id.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the statement fails.
    pub fn insert<P: Params>(&self, sql: &str, params: P) -> Result<i64, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.insert(params)?)
    }

    /// The moment that the audit entry of this change will carry.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.stamp.time
    }

    /// The index that the next audit entry of this change will have.
    #[must_use]
    pub fn audit_index(&self) -> u64 {
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

    pub(crate) fn note_job_queued(&mut self) {
        *self.jobs_queued = true;
    }

    pub(crate) const fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

type Ack = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Work = Box<dyn FnOnce(&Connection, &mut Ledger, &mut bool) -> Option<Ack> + Send>;

/// What the writer thread needs besides its connection.
pub(crate) struct WriterSettings {
    pub(crate) queue_length: usize,
    pub(crate) group_max: usize,
    pub(crate) name: String,
    /// Called after a commit that queued a job.
    pub(crate) on_job_queued: Box<dyn Fn() + Send>,
}

/// The one writer of a database.
pub(crate) struct Writer {
    sender: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
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
        let mut state = Group { connection, ledger, checkpoint, settings };
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || state.serve(&receiver))
            .map_err(StoreError::io("starting the writer thread"))?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
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
        let work: Work = Box::new(move |connection, ledger, jobs_queued| {
            // Nobody waits any more: the request was cancelled before its turn came.
            if reply.is_closed() {
                return None;
            }
            let result = in_savepoint(connection, ledger, jobs_queued, stamp, change);
            Some(Box::new(move |commit: Result<(), StoreError>| {
                let answer = match (result, commit) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(e)) => Err(E::from(e)),
                    (Err(e), _) => Err(e),
                };
                // A caller that went away meanwhile finds its change in the database.
                let _ = reply.send(answer);
            }))
        });
        let sender = self.sender.as_ref().ok_or(StoreError::NotCommitted)?;
        match sender.try_send(work) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::NotCommitted),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Closing the channel lets the thread finish what is queued and end.
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn in_savepoint<T, E, F>(
    connection: &Connection,
    ledger: &mut Ledger,
    jobs_queued: &mut bool,
    stamp: Stamp,
    change: F,
) -> Result<T, E>
where
    E: From<StoreError>,
    F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E>,
{
    connection.execute_batch("SAVEPOINT change").map_err(StoreError::from)?;
    let mark = ledger.mark();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let read = ReadTx::new(connection);
        change(WriteTx { read, connection, ledger, jobs_queued, stamp })
    }));
    let result = result.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
    match result {
        Ok(committed) => {
            connection.execute_batch("RELEASE change").map_err(StoreError::from)?;
            Ok(committed.value)
        }
        Err(e) => {
            ledger.roll_back_to(mark);
            connection
                .execute_batch("ROLLBACK TO change; RELEASE change")
                .map_err(StoreError::from)?;
            Err(e)
        }
    }
}

struct Group {
    connection: Connection,
    ledger: Ledger,
    checkpoint: CheckpointFile,
    settings: WriterSettings,
}

impl Group {
    fn serve(&mut self, receiver: &Receiver<Work>) {
        while let Ok(first) = receiver.recv() {
            let mut acks = Vec::new();
            let mut jobs_queued = false;
            let committed = self.carry_out(first, receiver, &mut acks, &mut jobs_queued);
            let failed = committed.is_err();
            if let Err(error) = &committed {
                tracing::error!(error = error as &dyn std::error::Error, "a commit failed");
            }
            if jobs_queued && !failed {
                (self.settings.on_job_queued)();
            }
            for ack in acks {
                ack(if failed { Err(StoreError::NotCommitted) } else { Ok(()) });
            }
        }
        // Fold the write-ahead log into the database, so that a closed tenant is one file.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Runs `first` and whatever else waits in one transaction, then signs the checkpoint.
    fn carry_out(
        &mut self,
        first: Work,
        receiver: &Receiver<Work>,
        acks: &mut Vec<Ack>,
        jobs_queued: &mut bool,
    ) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut next = Some(first);
        while let Some(work) = next {
            acks.extend(work(&self.connection, &mut self.ledger, jobs_queued));
            next =
                if acks.len() < self.settings.group_max { receiver.try_recv().ok() } else { None };
        }
        if !self.ledger.has_uncommitted() {
            self.connection.execute_batch("ROLLBACK")?;
            return Ok(());
        }
        if let Err(error) = self.save_and_commit() {
            self.ledger.abandoned();
            let _ = self.connection.execute_batch("ROLLBACK");
            return Err(error);
        }
        self.ledger.committed();
        // The change is on disk now, so an answer of "not done" would be a lie: without its
        // checkpoint nothing can be acknowledged, and the restart signs it anew.
        if let Err(error) = self.checkpoint.write(&self.ledger) {
            fatal::sync_failed("the signed checkpoint", &error);
        }
        Ok(())
    }

    fn save_and_commit(&self) -> Result<(), StoreError> {
        self.ledger.save(&self.connection)?;
        match self.connection.execute_batch("COMMIT") {
            Err(error) if fatal::is_failed_sync(&error) => {
                fatal::sync_failed("the database's write-ahead log", &error)
            }
            other => Ok(other?),
        }
    }
}
