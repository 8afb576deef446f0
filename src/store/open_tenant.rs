//! Tenants whose database is open: opening, sharing and closing them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use base::{Actor, TenantId, Timestamp};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use seal::{DataKey, SigningKey};

use crate::appliance::TenantStatus;
use crate::blobs::SealedDirectory;
use crate::control::TenantRow;
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::ledger::Stamp;
use crate::master_key::TenantKeys;
use crate::scope::Suspended;
use crate::{Committed, Health, ReadTx, Store, StoreError, WriteTx, migrate, tenant_rotation};

/// A tenant whose database is open.
pub(crate) struct OpenTenant {
    dir: PathBuf,
    health: Health,
    /// What lies under the present data key; another one takes its place when the key is changed.
    vault: RwLock<Arc<Vault>>,
    /// Held to read by whoever hands a write to the writer, held to write while the vault is
    /// exchanged.
    pause: tokio::sync::RwLock<()>,
    /// The same for giving originals their names.
    naming: RwLock<()>,
    /// Held to read while state is made, held to write for the exchange itself.
    attaching: RwLock<()>,
    last_used_ms: AtomicI64,
}

/// What lies under one data key of a tenant.
pub(crate) struct Vault {
    pub(crate) generation: u32,
    pub(crate) database: Database,
    pub(crate) blob_key: DataKey,
    pub(crate) files: TenantFiles,
    index_key: Arc<DataKey>,
    attached: Mutex<HashMap<TypeId, Arc<AttachedSlot>>>,
}

/// State of one type; locked while it is made, so that it is made once.
type AttachedSlot = Mutex<Option<Arc<dyn Any + Send + Sync>>>;

/// Where the files under one data key lie. Generation 0 is the key that the tenant was made with.
#[derive(Clone)]
pub(crate) struct TenantFiles {
    pub(crate) database: PathBuf,
    pub(crate) blobs: PathBuf,
    pub(crate) index: PathBuf,
}

impl TenantFiles {
    pub(crate) fn of(dir: &Path, generation: u32) -> Self {
        let name = |stem: &str, ending: &str| match generation {
            0 => dir.join(format!("{stem}{ending}")),
            n => dir.join(format!("{stem}.{n}{ending}")),
        };
        Self { database: name("tenant", ".db"), blobs: name("blobs", ""), index: name("index", "") }
    }
}

impl OpenTenant {
    pub(crate) const fn health(&self) -> &Health {
        &self.health
    }

    /// What lies under the present key. Whoever has it may go on with it after a change of the key:
    /// its files are there until nobody has it any more.
    pub(crate) fn vault(&self) -> Arc<Vault> {
        Arc::clone(&self.vault.read_recursive())
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.vault().database.read(work).await
    }

    pub(crate) fn read_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.vault().database.read_blocking(work)
    }

    pub(crate) async fn write<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        let passing = self.pause.read().await;
        let vault = self.vault();
        // In the writer's queue once it was polled first, and the pause lets the queue run empty.
        let mut writing = std::pin::pin!(vault.database.write(stamp, change));
        let first = std::future::poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx))).await;
        drop(passing);
        match first {
            Poll::Ready(done) => done,
            Poll::Pending => writing.await,
        }
    }

    pub(crate) fn write_blocking<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        let passing = self.pause.blocking_read();
        // The writer runs the change while the pause waits for this caller.
        let done = self.vault().database.write_blocking(stamp, change);
        drop(passing);
        done
    }

    /// Waits until nothing is on its way to the writer or to a name, and keeps it so.
    pub(crate) async fn pause(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.pause.write().await
    }

    /// As long as the guard is kept, originals get no names, unless by whoever has it. Blocks.
    pub(crate) fn stop_naming(&self) -> RwLockWriteGuard<'_, ()> {
        self.naming.write()
    }

    /// As long as the guard is kept, the vault stays the same. Blocks while it is exchanged.
    pub(crate) fn hold_vault(&self) -> RwLockReadGuard<'_, ()> {
        self.naming.read()
    }

    /// Puts another vault in the place of the present one. The caller has paused the tenant.
    pub(crate) fn exchange(&self, vault: Vault) -> Arc<Vault> {
        let _attaching = self.attaching.write();
        std::mem::replace(&mut *self.vault.write(), Arc::new(vault))
    }

    pub(crate) fn index_directory(&self) -> SealedDirectory {
        let vault = self.vault();
        SealedDirectory { path: vault.files.index.clone(), key: Arc::clone(&vault.index_key) }
    }

    pub(crate) fn attached<T, E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        // Recursive, because `init` may need state of another type.
        let _attaching = self.attaching.read_recursive();
        let vault = self.vault();
        let slot = Arc::clone(vault.attached.lock().entry(TypeId::of::<T>()).or_default());
        // Only this type's slot stays locked while `init` runs: two callers must not build the
        // same index twice, but `init` may itself need state of another type.
        let mut slot = slot.lock();
        if let Some(found) = slot.clone()
            && let Ok(found) = found.downcast::<T>()
        {
            return Ok(found);
        }
        let made = Arc::new(init()?);
        *slot = Some(Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        Ok(made)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn touch(&self, now: Timestamp) {
        self.last_used_ms.store(now.unix_ms(), Ordering::Relaxed);
    }

    /// Empties the write-ahead log, so that no older version of a page is left in it.
    pub(crate) async fn fold(&self) -> Result<(), StoreError> {
        self.vault().database.fold().await
    }

    pub(crate) fn check_pages(&self) -> Result<(), StoreError> {
        self.vault().database.check_pages()
    }

    /// Ends all work in the tenant, also of contexts that are still about. Blocks.
    pub(crate) fn close(&self) {
        let vault = self.vault();
        vault.database.close();
        vault.attached.lock().clear();
    }
}

/// Origin line of a tenant's checkpoints (C2SP tlog-checkpoint).
pub(crate) fn tenant_origin(id: TenantId) -> String {
    format!("millwright/tenants/{id}")
}

pub(crate) fn tenant_dir(data_dir: &Path, id: TenantId) -> PathBuf {
    data_dir.join("tenants").join(id.to_string())
}

/// One lock per tenant, held while it is opened, closed, made or removed: two openings must not
/// race for one writer, and one slow opening must not keep the other tenants waiting.
#[derive(Default)]
pub(crate) struct Gates(Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>);

pub(crate) type GateGuard = tokio::sync::OwnedMutexGuard<()>;

impl Gates {
    pub(crate) async fn pass(&self, id: TenantId) -> GateGuard {
        let gate = Arc::clone(self.0.lock().entry(id).or_default());
        gate.lock_owned().await
    }
}

/// An idle tenant gives up its spare connections after so long, and is closed later.
const TRIM_AFTER_MS: i64 = 30_000;

impl Store {
    /// Closes tenants that nobody has used for a while; returns how many. To be called now and
    /// then, by whoever keeps time.
    pub async fn close_idle_tenants(&self) -> usize {
        let idle_ms = self.inner.settings.idle_close_ms;
        self.trim_idle_tenants(idle_ms.min(TRIM_AFTER_MS)).await;
        let mut count = 0;
        for id in self.idle_since(idle_ms) {
            let gate = self.inner.gates.pass(id).await;
            // From here on nobody else has it or can get it, or it stays.
            let Some(tenant) = self.take_idle(id, idle_ms) else { continue };
            let closed = tokio::task::spawn_blocking(move || {
                let _gate = gate;
                tenant.close();
            });
            count += usize::from(closed.await.is_ok());
        }
        count
    }

    async fn trim_idle_tenants(&self, idle_ms: i64) {
        let tenants: Vec<Arc<OpenTenant>> = {
            let open = self.inner.open.lock();
            self.idle_since_in(&open, idle_ms).filter_map(|id| open.get(&id).cloned()).collect()
        };
        let trimmed = move || tenants.iter().for_each(|tenant| tenant.vault().database.trim());
        let _ = tokio::task::spawn_blocking(trimmed).await;
    }

    fn idle_since(&self, idle_ms: i64) -> Vec<TenantId> {
        self.idle_since_in(&self.inner.open.lock(), idle_ms).collect()
    }

    fn idle_since_in<'a>(
        &self,
        open: &'a HashMap<TenantId, Arc<OpenTenant>>,
        idle_ms: i64,
    ) -> impl Iterator<Item = TenantId> + use<'a> {
        let limit = self.now().unix_ms() - idle_ms;
        open.iter()
            .filter(move |(_, tenant)| tenant.last_used_ms.load(Ordering::Relaxed) < limit)
            // A count above one: somebody is at work in it.
            .filter(|(_, tenant)| Arc::strong_count(tenant) == 1)
            .map(|(id, _)| *id)
    }

    fn take_idle(&self, id: TenantId, idle_ms: i64) -> Option<Arc<OpenTenant>> {
        let mut open = self.inner.open.lock();
        let still_idle = self.idle_since_in(&open, idle_ms).any(|idle| idle == id);
        if still_idle { open.remove(&id) } else { None }
    }

    pub(crate) async fn open_tenant(
        &self,
        id: TenantId,
        suspended: Suspended,
    ) -> Result<Arc<OpenTenant>, StoreError> {
        self.usable_row(id, suspended)?;
        if let Some(open) = self.find_open(id) {
            return Ok(open);
        }
        let gate = self.inner.gates.pass(id).await;
        if let Some(open) = self.find_open(id) {
            return Ok(open);
        }
        // It may have been removed while this call waited for its turn.
        let row = self.usable_row(id, suspended)?;
        let stamp = self.system_stamp(Some(id))?;
        let store = self.clone();
        // The opening is carried through with the gate shut, also when the caller goes away.
        let opened = tokio::task::spawn_blocking(move || {
            let _gate = gate;
            let open = Arc::new(store.open_database(&row, Opening::Existing, stamp)?);
            store.publish(id, &open)?;
            Ok(open)
        });
        opened.await.map_err(|_| StoreError::Panicked)?
    }

    /// Makes an open tenant the one that everybody finds, unless the store closes.
    fn publish(&self, id: TenantId, tenant: &Arc<OpenTenant>) -> Result<(), StoreError> {
        let mut open = self.inner.open.lock();
        if self.inner.is_closed() {
            drop(open);
            tenant.close();
            return Err(StoreError::Closed);
        }
        open.insert(id, Arc::clone(tenant));
        let mut read_only = self.inner.read_only.lock();
        match tenant.health() {
            Health::Sound => read_only.remove(&id),
            Health::ReadOnly(_) => read_only.insert(id),
        };
        Ok(())
    }

    fn find_open(&self, id: TenantId) -> Option<Arc<OpenTenant>> {
        let found = self.inner.open.lock().get(&id).cloned()?;
        found.touch(self.now());
        Some(found)
    }

    fn usable_row(&self, id: TenantId, suspended: Suspended) -> Result<TenantRow, StoreError> {
        if self.inner.is_closed() {
            return Err(StoreError::Closed);
        }
        let row = self.inner.tenants.read().get(&id).cloned().ok_or(StoreError::TenantNotFound)?;
        match row.tenant.status {
            TenantStatus::Active => Ok(row),
            TenantStatus::Suspended if suspended == Suspended::Allow => Ok(row),
            TenantStatus::Suspended => Err(StoreError::TenantSuspended),
            TenantStatus::Creating | TenantStatus::Removed => Err(StoreError::TenantNotFound),
        }
    }

    /// For what the appliance does on its own.
    pub(crate) fn system_stamp(&self, tenant: Option<TenantId>) -> Result<Stamp, StoreError> {
        let request = self.new_request_id()?;
        Ok(Stamp { time: self.now(), actor: Actor::Appliance, tenant, request, issuer: None })
    }

    /// Blocks on the disk. The caller has passed the tenant's gate.
    pub(crate) fn open_database(
        &self,
        row: &TenantRow,
        opening: Opening,
        stamp: Stamp,
    ) -> Result<OpenTenant, StoreError> {
        let id = row.tenant.id;
        let dir = tenant_dir(&self.inner.data_dir, id);
        let keys = self.inner.tenant_keys(id)?;
        tenant_rotation::sweep(&dir, keys.generation);
        let vault = self.open_vault(id, &keys, opening, stamp)?;
        Ok(OpenTenant {
            dir,
            health: vault.database.health().clone(),
            vault: RwLock::new(Arc::new(vault)),
            pause: tokio::sync::RwLock::default(),
            naming: RwLock::default(),
            attaching: RwLock::default(),
            last_used_ms: AtomicI64::new(self.now().unix_ms()),
        })
    }

    /// What lies under `keys`. Blocks on the disk.
    pub(crate) fn open_vault(
        &self,
        id: TenantId,
        keys: &TenantKeys,
        opening: Opening,
        stamp: Stamp,
    ) -> Result<Vault, StoreError> {
        let dir = tenant_dir(&self.inner.data_dir, id);
        let files = TenantFiles::of(&dir, keys.generation);
        let wake = self.inner.jobs_wake.clone();
        let layout = Layout {
            database: files.database.clone(),
            checkpoint: dir.join("checkpoint"),
            origin: tenant_origin(id),
            steps: migrate::TENANT,
            key: Arc::new(keys.data.derive("tenant database")),
            signing: SigningKey::from_seed(&keys.seed),
        };
        let around = Surroundings {
            stamp,
            settings: &self.inner.settings,
            // The receiver is gone only when the appliance stops.
            on_jobs_changed: Box::new(move || {
                let _ = wake.send(id);
            }),
            lock: Arc::clone(&self.inner.lock),
        };
        Ok(Vault {
            generation: keys.generation,
            database: Database::open(layout, opening, around)?,
            blob_key: keys.data.derive("tenant blobs"),
            index_key: Arc::new(keys.data.derive("tenant index")),
            attached: Mutex::default(),
            files,
        })
    }
}
