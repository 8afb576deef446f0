//! The room through its public face, and below it where a fault must be made: real files in
//! temporary directories.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod at_rest;
mod attached;
mod blobs;
mod checkpoint;
mod child;
mod disk_full;
mod group_commit;
mod jobs;
mod jobs_stop;
pub(crate) mod key_kills;
mod keys;
mod master_keys;
mod migrations;
mod models;
mod retention;
mod scopes;
mod shred;
mod statements;
mod tenant_keys;
mod tenants;
mod verify;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Action, Event};
use base::{Coded as _, ManualClock, OsEntropy, TenantId, Timestamp};
use seal::{DataKey, SigningKey};

use crate::connection::{Access, Connection};
use crate::sql::params;
use crate::*;

pub(crate) const CHANGED: Action = Action::new("setting.changed");

/// Entries that a new tenant's log begins with: one per step of its schema.
pub(crate) const SCHEMA_ENTRIES: u64 = migrate::TENANT.len() as u64;

/// When the clock of a [`Ground`] begins, in Unix milliseconds.
pub(crate) const START_MS: i64 = 1_795_000_000_123;

/// A data directory and the clock of whoever opens it.
pub(crate) struct Ground {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: StoreSettings,
    dir: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self::with(StoreSettings::default())
    }

    pub(crate) fn with(settings: StoreSettings) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(START_MS)));
        Self { clock, settings, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self, inner: &str) -> PathBuf {
        self.data().join(inner)
    }

    pub(crate) fn try_open(&self) -> Result<(Store, OperatorKey), StoreError> {
        self.try_open_at(&self.data())
    }

    pub(crate) fn try_open_at(&self, data: &Path) -> Result<(Store, OperatorKey), StoreError> {
        let options = self.options(data);
        elsewhere(move || Store::open(options))
    }

    pub(crate) fn options(&self, data: &Path) -> StoreOptions {
        StoreOptions {
            data_dir: data.to_owned(),
            key_credential: None,
            key_file: None,
            clock: Arc::clone(&self.clock) as Arc<dyn base::Clock>,
            entropy: Arc::new(OsEntropy),
            settings: self.settings.clone(),
        }
    }

    pub(crate) fn open(&self) -> Opened {
        self.open_at(&self.data())
    }

    pub(crate) fn open_at(&self, data: &Path) -> Opened {
        let (store, key) = self.try_open_at(data).unwrap();
        Opened { store, key }
    }

    /// The data directory as a kill would leave it now. Nothing may be on its way to disk.
    pub(crate) fn image(&self, name: &str) -> PathBuf {
        let to = self.dir.path().join(name);
        copy_tree(&self.data(), &to);
        to
    }
}

/// An opened store and the operator's key to it.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) key: OperatorKey,
}

impl Opened {
    pub(crate) fn appliance(&self) -> ApplianceScope {
        self.store.appliance_scope(&self.key)
    }

    pub(crate) fn request(&self) -> base::RequestId {
        self.store.new_request_id().unwrap()
    }

    pub(crate) async fn create(&self, slug: &str) -> TenantId {
        self.try_create(slug).await.unwrap().id
    }

    pub(crate) async fn try_create(&self, slug: &str) -> Result<Tenant, StoreError> {
        let new = NewTenant { slug: slug.into(), name: slug.to_uppercase() };
        self.store.tenant_create(&self.appliance(), self.request(), new).await
    }

    pub(crate) async fn remove(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.store.tenant_remove(&self.appliance(), self.request(), tenant).await
    }

    pub(crate) async fn set_status(&self, tenant: TenantId, status: TenantStatus) {
        let scope = self.appliance();
        let changed = self.store.tenant_set_suspended(&scope, self.request(), tenant, status);
        changed.await.unwrap();
    }

    /// The console in a tenant.
    pub(crate) async fn ctx(&self, tenant: TenantId) -> TenantCtx {
        self.try_ctx(tenant).await.unwrap()
    }

    pub(crate) async fn try_ctx(&self, tenant: TenantId) -> Result<TenantCtx, StoreError> {
        let scope = self.store.scope_from_operator(&self.key, tenant, None).await?;
        self.store.enter(scope, self.request()).await
    }

    /// Closes everything and frees the data directory.
    pub(crate) async fn close(self) {
        self.store.close().await;
    }

    /// The keys of a tenant: database and log.
    pub(crate) fn keys_of(&self, tenant: TenantId) -> (DataKey, SigningKey) {
        let keys = self.store.inner.tenant_keys(tenant).unwrap();
        (keys.data.derive("tenant database"), SigningKey::from_seed(&keys.seed))
    }

    /// What verifying the whole data directory finds: name and finding or error of each log.
    pub(crate) fn findings(&self) -> Vec<(String, String)> {
        let outcomes = verify_data_dir(&self.store, None).unwrap();
        let word = |outcome: VerifyOutcome| {
            let found = match outcome.report {
                Ok(report) => report.finding.map_or_else(
                    || "none".to_owned(),
                    |finding| format!("{} at {}", finding.kind, finding.index),
                ),
                Err(error) => error.code().to_owned(),
            };
            (outcome.name, found)
        };
        outcomes.into_iter().map(word).collect()
    }

    pub(crate) fn assert_logs_are_sound(&self) {
        for (name, found) in self.findings() {
            assert_eq!(found, "none", "{name}");
        }
    }
}

/// Runs what blocks on a thread of its own, as an async thread must not.
pub(crate) fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

pub(crate) fn tenant_path(data: &Path, tenant: TenantId, name: &str) -> PathBuf {
    open_tenant::tenant_dir(data, tenant).join(name)
}

/// Opens a database beside the store, as somebody would who has its key.
pub(crate) fn raw(path: &Path, key: &DataKey) -> Connection {
    Connection::open(path, key, Access::Write).unwrap()
}

/// Writes one setting, recorded.
pub(crate) fn put(
    name: &str,
) -> impl FnOnce(WriteTx<'_>) -> Result<Committed<u64>, StoreError> + Send + 'static {
    let name = name.to_owned();
    move |tx| {
        insert(&tx, &name)?;
        let index = tx.audit_index();
        tx.commit(Event::new(CHANGED).object("setting", name), index)
    }
}

pub(crate) fn insert(tx: &WriteTx<'_>, name: &str) -> Result<usize, StoreError> {
    tx.execute("INSERT INTO settings (name, value) VALUES (?1, 'x')", params![name])
}

/// The names of all settings.
pub(crate) async fn names(ctx: &TenantCtx) -> Vec<String> {
    ctx.read(|tx| tx.query_all("SELECT name FROM settings ORDER BY name", [], |row| row.get(0)))
        .await
        .unwrap()
}

/// The settings that the log tells of, oldest first.
pub(crate) async fn recorded(ctx: &TenantCtx) -> Vec<String> {
    let filter = AuditFilter { action: Some(CHANGED.to_string()), ..AuditFilter::default() };
    let page = ctx.read(move |tx| audit_entries(tx, &filter, 10_000)).await.unwrap();
    page.rows.into_iter().rev().map(|row| row.entry.object.unwrap().id).collect()
}

/// Keeps the writer of a tenant busy until it is told to go on, so that writes pile up behind.
pub(crate) struct Jam {
    go_on: std::sync::mpsc::Sender<()>,
    jammed: tokio::task::JoinHandle<Result<u64, StoreError>>,
}

impl Jam {
    /// Ends when the writer is at it.
    pub(crate) async fn new(ctx: &Arc<TenantCtx>) -> Self {
        let (go_on, wait) = std::sync::mpsc::channel();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let ctx = Arc::clone(ctx);
        let jammed = tokio::spawn(async move {
            ctx.write(move |tx| {
                let _ = begun.send(());
                let _ = wait.recv();
                put("jam")(tx)
            })
            .await
        });
        has_begun.await.unwrap();
        Self { go_on, jammed }
    }

    pub(crate) async fn release(self) {
        drop(self.go_on);
        self.jammed.await.unwrap().unwrap();
    }
}

/// Starts a write and ends when it waits in the writer's queue.
pub(crate) async fn queue<T: Send + 'static>(
    ctx: &Arc<TenantCtx>,
    change: impl FnOnce(WriteTx<'_>) -> Result<Committed<T>, StoreError> + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, StoreError>> {
    let ctx = Arc::clone(ctx);
    let (polled, was_polled) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let mut write = std::pin::pin!(ctx.write(change));
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(write.as_mut().poll(cx)));
        let first = first.await;
        let _ = polled.send(());
        match first {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => write.await,
        }
    });
    was_polled.await.unwrap();
    task
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Changes one byte of a file.
pub(crate) fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x20;
    std::fs::write(path, bytes).unwrap();
}
