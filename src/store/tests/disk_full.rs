//! A database that can't grow any more, and rolls back on its own.

use std::sync::Arc;

use audit::Event;

use crate::checkpoint::{CheckpointFile, read_checkpoint};
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::ledger::{Ledger, Stamp, read_frontier};
use crate::migrate;
use crate::writer::{Writer, WriterSettings};

use super::*;

type Change = fn(WriteTx<'_>) -> Result<Committed<()>, StoreError>;

/// A database whose writer may add a few pages and no more.
pub(super) struct Tight {
    pub(super) writer: Arc<Writer>,
    pub(super) stamp: Stamp,
    pub(super) key: Arc<DataKey>,
    pub(super) database: PathBuf,
    pub(super) checkpoint: PathBuf,
    pub(super) signing: fn() -> SigningKey,
    _dir: tempfile::TempDir,
}

fn signing() -> SigningKey {
    SigningKey::from_seed(&DataKey::generate(&base::SeededEntropy::new(7)).unwrap())
}

impl Tight {
    pub(super) fn new(spoil: impl FnOnce(&mut CheckpointFile)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = Arc::new(DataKey::generate(&OsEntropy).unwrap());
        let now = Timestamp::from_unix_ms(1_795_000_000_123);
        let request = base::RequestId::new(now, &OsEntropy).unwrap();
        let actor = base::Actor::Appliance;
        let stamp = Stamp { time: now, actor, tenant: None, request, issuer: None };
        let (database, checkpoint) = (dir.path().join("x.db"), dir.path().join("checkpoint"));
        let lock = Arc::new(std::fs::File::open(dir.path()).unwrap());
        let layout = Layout {
            database: database.clone(),
            checkpoint: checkpoint.clone(),
            origin: "tight".into(),
            steps: migrate::TENANT,
            key: Arc::clone(&key),
            signing: signing(),
        };
        let around = Surroundings {
            stamp,
            settings: &StoreSettings::default(),
            on_jobs_changed: Box::new(|| {}),
            lock: Arc::clone(&lock),
        };
        Database::open(layout, Opening::New, around).unwrap().close();
        let connection = raw(&database, &key);
        let pages: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.execute_batch(&format!("PRAGMA max_page_count = {}", pages + 10)).unwrap();
        let ledger = Ledger::load(&connection).unwrap();
        let (mut file, _) = CheckpointFile::open(&checkpoint, "tight", signing()).unwrap().unwrap();
        spoil(&mut file);
        let settings = WriterSettings {
            queue_length: 16,
            group_max: 16,
            name: "tight".into(),
            on_jobs_changed: Box::new(|| {}),
            lock,
        };
        let writer = Arc::new(Writer::start(connection, ledger, file, settings).unwrap());
        Self { writer, stamp, key, database, checkpoint, signing, _dir: dir }
    }

    /// Queues changes that share a commit, and gives how they ended.
    fn together(&self, changes: [Change; 3]) -> Vec<Result<(), StoreError>> {
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let jam = scope.spawn(move || {
                self.writer.run_blocking(self.stamp, move |_| {
                    let _ = begun.send(());
                    let _ = wait.recv();
                    Err::<Committed<()>, _>(StoreError::JobNotFound)
                })
            });
            has_begun.recv().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let ends = runtime.block_on(async {
                let mut waiting = Vec::new();
                for change in changes {
                    let writer = Arc::clone(&self.writer);
                    let stamp = self.stamp;
                    let task = tokio::spawn(async move { writer.run(stamp, change).await });
                    tokio::task::yield_now().await;
                    waiting.push(task);
                }
                drop(go_on);
                let mut ends = Vec::new();
                for task in waiting {
                    ends.push(task.await.unwrap());
                }
                ends
            });
            assert!(jam.join().unwrap().is_err());
            ends
        })
    }

    /// Entries of the log on disk, which must agree with rows, tail and checkpoint.
    fn settled_size(&self) -> u64 {
        self.writer.close();
        let connection = raw(&self.database, &self.key);
        let frontier = read_frontier(&connection).unwrap();
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM audit_entries", [], |row| row.get(0))
            .unwrap();
        let key = (self.signing)().verifying_key();
        let head = read_checkpoint(&self.checkpoint, "tight", &key).unwrap().unwrap();
        let rows = u64::try_from(rows).unwrap();
        assert_eq!((rows, head.size), (frontier.size(), frontier.size()));
        assert_eq!(head.root, frontier.root());
        rows
    }
}

fn small(tx: WriteTx<'_>) -> Result<Committed<()>, StoreError> {
    let name = format!("small {}", tx.audit_index());
    insert(&tx, &name)?;
    tx.commit(Event::new(CHANGED), ())
}

fn huge(tx: WriteTx<'_>) -> Result<Committed<()>, StoreError> {
    tx.execute("INSERT INTO settings VALUES ('huge', ?1)", params!["x".repeat(1 << 20)])?;
    tx.commit(Event::new(CHANGED), ())
}

fn stubborn(tx: WriteTx<'_>) -> Result<Committed<()>, StoreError> {
    let full = tx.execute("INSERT INTO settings VALUES ('huge', ?1)", params!["x".repeat(1 << 20)]);
    assert!(matches!(full, Err(StoreError::DiskFull(_))), "{full:?}");
    assert!(matches!(insert(&tx, "late"), Err(StoreError::RolledBack)));
    let late = tx.query_row("SELECT 1", [], |_| Ok(()));
    assert!(matches!(late, Err(StoreError::RolledBack)));
    tx.commit(Event::new(CHANGED), ())
}

#[test]
fn a_full_disk_fails_the_whole_commit_and_the_next_one_goes() {
    let tight = Tight::new(|_| {});
    let ends = tight.together([small, huge, small]);
    assert!(matches!(&ends[1], Err(StoreError::DiskFull(_))), "{ends:?}");
    // Its neighbour of the same commit is told that nothing has changed, and why.
    let Err(StoreError::CommitFailed(why)) = &ends[0] else { panic!("{ends:?}") };
    assert!(matches!(**why, StoreError::RolledBack));
    assert_eq!(ends[0].as_ref().unwrap_err().code(), "store_unavailable");
    // The one behind came into a commit of its own.
    assert!(ends[2].is_ok(), "{ends:?}");
    assert_eq!(tight.settled_size(), SCHEMA_ENTRIES + 1, "the schema and one change");
}

#[test]
fn a_change_that_ignores_the_full_disk_can_not_commit() {
    let tight = Tight::new(|_| {});
    let ends = tight.together([small, stubborn, small]);
    assert_eq!(ends[1].as_ref().unwrap_err().code(), "audit_unavailable", "{ends:?}");
    assert!(ends[0].is_err() && ends[2].is_ok(), "{ends:?}");
    assert_eq!(tight.settled_size(), SCHEMA_ENTRIES + 1);
}

#[test]
fn after_the_close_nothing_is_taken() {
    let tight = Tight::new(|_| {});
    tight.writer.run_blocking(tight.stamp, small).unwrap();
    tight.writer.close();
    tight.writer.close();
    let late = tight.writer.run_blocking(tight.stamp, small);
    assert!(matches!(late, Err(StoreError::Closed)));
    assert_eq!(tight.settled_size(), SCHEMA_ENTRIES + 1);
}
