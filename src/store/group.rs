//! Group commit: the writer's thread, which carries out what waits in one transaction, signs the
//! checkpoint, and only then tells anybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::wal::CheckpointMode;
use tokio::sync::oneshot;

use crate::checkpoint::CheckpointFile;
use crate::connection::Connection;
use crate::ledger::{Ledger, Stamp};
use crate::writer::WriterSettings;
use crate::{Committed, StoreError, WriteTx, at_rest, fatal};

/// What the writer's thread is asked to do.
pub(crate) enum Order {
    Change(Change),
    /// Empty the write-ahead log.
    Fold(oneshot::Sender<Result<(), StoreError>>),
}

/// A change that waits for its turn; `None` when nobody waits for it any more.
pub(crate) type Change = Box<dyn FnOnce(Turn<'_>) -> Option<Ack> + Send>;

/// Tells the caller of a change how the commit ended.
pub(crate) type Ack = Box<dyn FnOnce(&Result<(), Arc<StoreError>>) + Send>;

/// Whether a change may run.
pub(crate) enum Turn<'a> {
    Yours(Savepoint<'a>),
    /// No transaction could be begun.
    Refused(Arc<StoreError>),
}

/// What a change wants done after its commit.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) jobs_changed: bool,
}

/// No further change joins a group that is being carried out for so long: the first one waits.
const GROUP_TIME: Duration = Duration::from_millis(50);

/// A group that is smaller than the one before waits for the rest of the same callers, who have just
/// been answered and are on their way back: so long at most, and at most a quarter of what the last
/// commit took. Otherwise the first one back would have a commit of its own, and all the others wait
/// for it. Whoever writes alone waits for nobody.
const LINGER_MAX: Duration = Duration::from_millis(2);

/// The write-ahead log is folded into the database when it has grown by so many pages.
const FOLD_EVERY_PAGES: u32 = 1_000;

/// From this length on the log is folded with the readers waiting, or it would grow for ever
/// under readers that overlap.
const LONG_LOG_PAGES: u32 = 16_000;

/// A database file up to this length is digested after every folding, a longer one only at the end:
/// reading all of it would hold up the writer.
const DIGEST_AT_ONCE_BYTES: u64 = 32 * 1024 * 1024;

/// How long that may keep the writer.
const LONG_LOG_WAIT: Duration = Duration::from_millis(250);

pub(crate) struct Group {
    connection: Connection,
    ledger: Ledger,
    checkpoint: CheckpointFile,
    settings: WriterSettings,
    /// Length of the write-ahead log after the last commit.
    log_pages: Arc<AtomicU32>,
    fold_at_pages: u32,
    /// Changes in the last group, and how long its commit took.
    last: (usize, Duration),
}

impl Group {
    pub(crate) fn new(
        mut connection: Connection,
        ledger: Ledger,
        checkpoint: CheckpointFile,
        settings: WriterSettings,
    ) -> Result<Self, StoreError> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let noted = Arc::clone(&log_pages);
        connection.on_commit(move |pages| noted.store(pages, Ordering::Relaxed))?;
        Ok(Self {
            connection,
            ledger,
            checkpoint,
            settings,
            log_pages,
            fold_at_pages: FOLD_EVERY_PAGES,
            last: (1, Duration::ZERO),
        })
    }

    /// Serves until nobody can send any more.
    pub(crate) fn serve(mut self, orders: &Receiver<Order>) {
        let mut next = None;
        while let Some(order) = next.take().or_else(|| orders.recv().ok()) {
            match order {
                Order::Change(first) => next = self.carry_out(first, orders),
                Order::Fold(reply) => {
                    let _ = reply.send(self.fold(CheckpointMode::TRUNCATE));
                }
            }
            self.fold_when_long();
        }
        if let Err(error) = self.fold_for_good() {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a write-ahead log stays beside its database");
        }
    }

    /// Carries out `first` and what waits behind it in one commit, and tells the callers. Gives
    /// back an order that is not a change.
    fn carry_out(&mut self, first: Change, orders: &Receiver<Order>) -> Option<Order> {
        let mut acks = Vec::new();
        let mut notes = Notes::default();
        let (next, committed) = match self.connection.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => {
                let (next, kept) = self.collect(first, orders, &mut acks, &mut notes);
                let begun = Instant::now();
                let committed = kept.and_then(|()| self.commit());
                self.last = (acks.len(), begun.elapsed());
                (next, committed)
            }
            Err(error) => {
                let error = Arc::new(StoreError::from(error));
                acks.extend(first(Turn::Refused(Arc::clone(&error))));
                (None, Err(error))
            }
        };
        if let Err(error) = &committed {
            let error = error.as_ref() as &dyn std::error::Error;
            tracing::error!(error, "a commit failed; nothing has changed");
        } else if notes.jobs_changed {
            (self.settings.on_jobs_changed)();
        }
        for ack in acks {
            ack(&committed);
        }
        next
    }

    /// Runs changes in the open transaction until none waits or the group is full. An error when
    /// the database has rolled the transaction back on its own (disk full, I/O error): what the
    /// changes before did is undone too.
    fn collect(
        &mut self,
        first: Change,
        orders: &Receiver<Order>,
        acks: &mut Vec<Ack>,
        notes: &mut Notes,
    ) -> (Option<Order>, Result<(), Arc<StoreError>>) {
        let begun = Instant::now();
        let mut change = first;
        let mut taken = 1;
        loop {
            let savepoint =
                Savepoint { connection: &self.connection, ledger: &mut self.ledger, notes };
            acks.extend(change(Turn::Yours(savepoint)));
            if self.connection.is_autocommit() {
                self.ledger.abandoned();
                return (None, Err(Arc::new(StoreError::RolledBack)));
            }
            if taken >= self.settings.group_max || begun.elapsed() >= GROUP_TIME {
                return (None, Ok(()));
            }
            match self.next_order(orders, taken) {
                Some(Order::Change(next)) => change = next,
                other => return (other, Ok(())),
            }
            taken += 1;
        }
    }

    /// What waits, or comes within the moment that is worth waiting for it.
    fn next_order(&self, orders: &Receiver<Order>, taken: usize) -> Option<Order> {
        let waiting = orders.try_recv().ok();
        let (expected, commit_took) = self.last;
        if waiting.is_some() || taken >= expected {
            return waiting;
        }
        orders.recv_timeout((commit_took / 4).min(LINGER_MAX)).ok()
    }

    /// Commits, then signs the checkpoint.
    fn commit(&mut self) -> Result<(), Arc<StoreError>> {
        if !self.ledger.has_uncommitted() {
            // Every change of the group was refused.
            return self.connection.execute_batch("ROLLBACK").map_err(|e| Arc::new(e.into()));
        }
        if let Err(error) = self.save_and_commit() {
            self.ledger.abandoned();
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            return Err(Arc::new(error));
        }
        self.ledger.committed();
        // The change is on disk now, so an answer of "not done" would be a lie: without its
        // checkpoint nothing can be acknowledged, and the restart signs it anew.
        if let Err(error) = self.checkpoint.write(self.ledger.size(), self.ledger.root()) {
            fatal::sync_failed(&self.checkpoint.path().display().to_string(), &error);
        }
        Ok(())
    }

    fn save_and_commit(&self) -> Result<(), StoreError> {
        self.ledger.save(&self.connection)?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Folds the write-ahead log. The database file changes, so the checkpoint says what it is only
    /// before and after.
    fn fold(&mut self, mode: CheckpointMode) -> Result<(), StoreError> {
        self.checkpoint.set_at_rest(None).map_err(StoreError::io("writing the checkpoint"))?;
        let folded = self.connection.fold(mode);
        let is_small = self.connection.path().is_some_and(|path| {
            std::fs::metadata(path).is_ok_and(|file| file.len() <= DIGEST_AT_ONCE_BYTES)
        });
        if is_small {
            self.settle()?;
        }
        folded
    }

    /// Folds what there is before the end, and says what the file is that stays.
    fn fold_for_good(&mut self) -> Result<(), StoreError> {
        if self.log_pages.load(Ordering::Relaxed) > 0 {
            self.fold(CheckpointMode::TRUNCATE)?;
        }
        self.connection.fold_for_good()?;
        self.settle()
    }

    /// Has the checkpoint say what the database file is now.
    fn settle(&mut self) -> Result<(), StoreError> {
        let (None, Some(path)) = (self.checkpoint.at_rest(), self.connection.path()) else {
            return Ok(());
        };
        at_rest::digest(Path::new(path))
            .and_then(|at_rest| self.checkpoint.set_at_rest(Some(at_rest)))
            .map_err(StoreError::io("writing the checkpoint"))
    }

    fn fold_when_long(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < FOLD_EVERY_PAGES {
            // The log began anew.
            self.fold_at_pages = FOLD_EVERY_PAGES;
        }
        if pages < self.fold_at_pages {
            return;
        }
        self.fold_at_pages = pages.saturating_add(FOLD_EVERY_PAGES);
        let folded = if pages < LONG_LOG_PAGES {
            self.fold(CheckpointMode::PASSIVE)
        } else {
            let short = self.connection.busy_timeout(LONG_LOG_WAIT);
            let folded =
                short.map_err(StoreError::from).and_then(|()| self.fold(CheckpointMode::RESTART));
            let _ = self.connection.busy_timeout(crate::connection::BUSY_TIMEOUT);
            folded
        };
        if let Err(error) = folded {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, pages, "a write-ahead log can't be folded into its database");
        }
    }
}

/// The place of one change in the group's transaction: it is kept whole or leaves no trace.
pub(crate) struct Savepoint<'a> {
    connection: &'a Connection,
    ledger: &'a mut Ledger,
    notes: &'a mut Notes,
}

impl Savepoint<'_> {
    /// Runs the closure of a change. When the savepoint itself fails, the whole transaction is
    /// rolled back, which the group notices.
    pub(crate) fn run<T, E, F>(self, stamp: Stamp, change: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E>,
    {
        let Savepoint { connection, ledger, notes } = self;
        run_own(connection, "/*store*/ SAVEPOINT change")?;
        let mark = ledger.mark();
        let tx = WriteTx::new(connection, &mut *ledger, notes, stamp);
        let result = catch_unwind(AssertUnwindSafe(|| connection.guard().watching(|| change(tx))));
        let mut result = result.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        if result.is_ok() && ledger.size() == mark.size() {
            // A `Committed` of some other change.
            result = Err(StoreError::NotCommitted.into());
        }
        if result.is_err() {
            ledger.roll_back_to(mark);
        }
        if connection.is_autocommit() {
            return result.and(Err(StoreError::RolledBack.into()));
        }
        let undone = match &result {
            Ok(_) => Ok(()),
            Err(_) => run_own(connection, "/*store*/ ROLLBACK TO change"),
        };
        let ended = undone.and_then(|()| run_own(connection, "/*store*/ RELEASE change"));
        if let Err(error) = ended {
            let _ = connection.execute_batch("ROLLBACK");
            return result.and(Err(error.into()));
        }
        result.map(Committed::into_value)
    }
}

/// Runs a statement without parameters and rows that every change needs.
fn run_own(connection: &Connection, sql: &'static str) -> Result<(), StoreError> {
    connection.own(sql)?.execute([])?;
    Ok(())
}
