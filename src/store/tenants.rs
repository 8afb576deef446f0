//! Tenants: opening and closing, making and removing.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use audit::{Action, Event};
use base::{Actor, RequestId, TenantId, UserId, Violation};
use parking_lot::Mutex;
use seal::{DataKey, KeyPurpose, SigningKey};

use crate::appliance::{ApplianceScope, NewTenant, Tenant, TenantStatus};
use crate::blobs::SealedDirectory;
use crate::control::{self, TenantRow};
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::ledger::Stamp;
use crate::open::make_private_dir;
use crate::scope::Suspended;
use crate::{Committed, Health, ReadTx, Store, StoreError, WriteTx, migrate};

const TENANT_CREATING: Action = Action::new("tenant.creating");
const TENANT_CREATED: Action = Action::new("tenant.created");
const TENANT_STATUS: Action = Action::new("tenant.status_changed");
const TENANT_REMOVED: Action = Action::new("tenant.removed");
const TENANT_SWEPT: Action = Action::new("tenant.half_made_removed");
const APPLIANCE_ADMIN_GRANTED: Action = Action::new("appliance_admin.granted");

/// A tenant whose database is open.
pub(crate) struct OpenTenant {
    dir: PathBuf,
    database: Database,
    blob_key: DataKey,
    index_key: Arc<DataKey>,
    last_used_ms: AtomicI64,
    attached: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl OpenTenant {
    pub(crate) const fn health(&self) -> &Health {
        self.database.health()
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.database.read(work).await
    }

    pub(crate) fn read_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.database.read_blocking(work)
    }

    pub(crate) async fn write<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.database.write(stamp, change).await
    }

    pub(crate) fn write_blocking<T, E, F>(&self, stamp: Stamp, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.database.write_blocking(stamp, change)
    }

    pub(crate) fn blobs_dir(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    pub(crate) const fn blob_key(&self) -> &DataKey {
        &self.blob_key
    }

    pub(crate) fn index_directory(&self) -> SealedDirectory {
        SealedDirectory { path: self.dir.join("index"), key: Arc::clone(&self.index_key) }
    }

    pub(crate) fn attached<T, E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        // Held while `init` runs: two callers must not build the same index twice.
        let mut attached = self.attached.lock();
        if let Some(found) = attached.get(&TypeId::of::<T>()).cloned()
            && let Ok(found) = found.downcast::<T>()
        {
            return Ok(found);
        }
        let made = Arc::new(init()?);
        attached.insert(TypeId::of::<T>(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        Ok(made)
    }
}

/// Origin line of a tenant's checkpoints (C2SP tlog-checkpoint).
pub(crate) fn tenant_origin(id: TenantId) -> String {
    format!("millwright/tenants/{id}")
}

pub(crate) fn tenant_dir(data_dir: &Path, id: TenantId) -> PathBuf {
    data_dir.join("tenants").join(id.to_string())
}

impl Store {
    /// The id of the active or suspended tenant with this slug.
    #[must_use]
    pub fn tenant_id_by_slug(&self, slug: &str) -> Option<TenantId> {
        let tenants = self.inner.tenants.read();
        tenants
            .values()
            .find(|row| row.tenant.slug == slug && row.keys.is_some())
            .map(|row| row.tenant.id)
    }

    /// The only active tenant, when there is exactly one: the one that a login means which names
    /// none.
    #[must_use]
    pub fn only_tenant(&self) -> Option<TenantId> {
        let tenants = self.inner.tenants.read();
        let mut active = tenants.values().filter(|r| r.tenant.status == TenantStatus::Active);
        match (active.next(), active.next()) {
            (Some(one), None) => Some(one.tenant.id),
            _ => None,
        }
    }

    /// Ids of all active tenants, for work that the appliance does on its own (jobs, retention).
    #[must_use]
    pub fn active_tenants(&self) -> Vec<TenantId> {
        let tenants = self.inner.tenants.read();
        tenants
            .values()
            .filter(|row| row.tenant.status == TenantStatus::Active)
            .map(|row| row.tenant.id)
            .collect()
    }

    /// All tenants, removed ones included, by slug.
    #[must_use]
    pub fn tenant_list(&self, _scope: &ApplianceScope) -> Vec<Tenant> {
        let mut list: Vec<Tenant> =
            self.inner.tenants.read().values().map(|row| row.tenant.clone()).collect();
        list.sort_by(|a, b| a.slug.cmp(&b.slug));
        list
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub fn tenant_get(&self, _scope: &ApplianceScope, id: TenantId) -> Result<Tenant, StoreError> {
        let tenants = self.inner.tenants.read();
        tenants.get(&id).map(|row| row.tenant.clone()).ok_or(StoreError::TenantNotFound)
    }

    /// Makes a tenant: keys, directory, database; closes it, opens it again, verifies its log, and
    /// only then says that it exists.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] or [`StoreError::SlugTaken`] for the input; anything else leaves no
    /// usable tenant behind, and the next start removes the rest.
    pub async fn tenant_create(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        new: NewTenant,
    ) -> Result<Tenant, StoreError> {
        check_new_tenant(&new)?;
        let _opening = self.inner.opening.lock().await;
        let stamp = self.appliance_stamp(scope.actor, request);
        let row = self.make_row(new)?;
        let id = row.tenant.id;
        let insert = row.clone();
        self.inner
            .control
            .write(stamp, move |tx| {
                control::tenant_insert(&tx, &insert)?;
                let event = Event::new(TENANT_CREATING)
                    .object("tenant", insert.tenant.id)
                    .after(serde_json::json!({ "slug": insert.tenant.slug }));
                tx.commit(event, ())
            })
            .await?;
        self.inner.tenants.write().insert(id, row.clone());
        let store = self.clone();
        let made = tokio::task::spawn_blocking(move || store.make_and_verify(&row, stamp)).await;
        made.map_err(|_| StoreError::Panicked)??;
        self.change_status(stamp, id, TenantStatus::Active, TENANT_CREATED).await
    }

    /// Suspends or resumes a tenant.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`] when it does not exist or is removed.
    pub async fn tenant_set_suspended(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<Tenant, StoreError> {
        let present = self.tenant_get(scope, id)?.status;
        let allowed = matches!(present, TenantStatus::Active | TenantStatus::Suspended)
            && matches!(status, TenantStatus::Active | TenantStatus::Suspended);
        if !allowed {
            return Err(StoreError::TenantNotFound);
        }
        let stamp = self.appliance_stamp(scope.actor, request);
        self.change_status(stamp, id, status, TENANT_STATUS).await
    }

    /// Removes a tenant: destroys its wrapped key first, then its files.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`] when it does not exist or is removed already. After the key
    /// is gone nothing is reported as failed: what is left is noise, swept at the next start.
    pub async fn tenant_remove(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        id: TenantId,
    ) -> Result<(), StoreError> {
        let _opening = self.inner.opening.lock().await;
        self.destroy(id, self.appliance_stamp(scope.actor, request), TENANT_REMOVED).await?;
        Ok(())
    }

    /// Makes a person of a tenant an appliance administrator.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], or the store's own.
    pub async fn appliance_admin_grant(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(), StoreError> {
        self.tenant_get(scope, tenant)?;
        let stamp = self.appliance_stamp(scope.actor, request);
        self.inner
            .control
            .write(stamp, move |tx| {
                control::appliance_admin_insert(&tx, tenant, user)?;
                let event = Event::new(APPLIANCE_ADMIN_GRANTED)
                    .object("user", user)
                    .detail(serde_json::json!({ "tenant": tenant }));
                tx.commit(event, ())
            })
            .await
    }

    /// Closes tenants that nobody has used for a while; returns how many.
    pub async fn close_idle_tenants(&self) -> usize {
        let _opening = self.inner.opening.lock().await;
        let limit = self.now().unix_ms() - self.inner.settings.idle_close_ms;
        let mut closing = Vec::new();
        self.inner.open.lock().retain(|_, tenant| {
            let idle = tenant.last_used_ms.load(Ordering::Relaxed) < limit;
            // A count above one: somebody is at work in it.
            let close = idle && Arc::strong_count(tenant) == 1;
            if close {
                closing.push(Arc::clone(tenant));
            }
            !close
        });
        let count = closing.len();
        // Dropping joins the writer thread: not on an async thread.
        let _ = tokio::task::spawn_blocking(move || drop(closing)).await;
        count
    }

    pub(crate) async fn open_tenant(
        &self,
        id: TenantId,
        suspended: Suspended,
    ) -> Result<Arc<OpenTenant>, StoreError> {
        let row = self.usable_row(id, suspended)?;
        if let Some(open) = self.find_open(id) {
            return Ok(open);
        }
        let _opening = self.inner.opening.lock().await;
        if let Some(open) = self.find_open(id) {
            return Ok(open);
        }
        // It may have been removed while this call waited for its turn.
        self.usable_row(id, suspended)?;
        let store = self.clone();
        let stamp = self.system_stamp(id)?;
        let opened = tokio::task::spawn_blocking(move || {
            store.open_database(&row, Opening::Existing, stamp)
        });
        let open = Arc::new(opened.await.map_err(|_| StoreError::Panicked)??);
        self.inner.open.lock().insert(id, Arc::clone(&open));
        Ok(open)
    }

    fn find_open(&self, id: TenantId) -> Option<Arc<OpenTenant>> {
        let found = self.inner.open.lock().get(&id).cloned()?;
        found.last_used_ms.store(self.now().unix_ms(), Ordering::Relaxed);
        Some(found)
    }

    fn usable_row(&self, id: TenantId, suspended: Suspended) -> Result<TenantRow, StoreError> {
        let row = self.inner.tenants.read().get(&id).cloned().ok_or(StoreError::TenantNotFound)?;
        match row.tenant.status {
            TenantStatus::Active => Ok(row),
            TenantStatus::Suspended if suspended == Suspended::Allow => Ok(row),
            TenantStatus::Suspended => Err(StoreError::TenantSuspended),
            TenantStatus::Creating | TenantStatus::Removed => Err(StoreError::TenantNotFound),
        }
    }

    fn system_stamp(&self, id: TenantId) -> Result<Stamp, StoreError> {
        Ok(Stamp {
            time: self.now(),
            actor: Actor::Appliance,
            tenant: Some(id),
            request: self.new_request_id()?,
        })
    }

    fn open_database(
        &self,
        row: &TenantRow,
        opening: Opening,
        stamp: Stamp,
    ) -> Result<OpenTenant, StoreError> {
        let id = row.tenant.id;
        let (data, signing) = row.keys.as_ref().ok_or(StoreError::TenantNotFound)?;
        let data = self.inner.master.unwrap(KeyPurpose::TenantData, id.as_bytes(), data)?;
        let signing = self.inner.master.unwrap(KeyPurpose::AuditSigning, id.as_bytes(), signing)?;
        let dir = tenant_dir(&self.inner.data_dir, id);
        let wake = self.inner.jobs_wake.clone();
        let layout = Layout {
            database: dir.join("tenant.db"),
            checkpoint: dir.join("checkpoint"),
            origin: tenant_origin(id),
            steps: migrate::TENANT,
            key: Arc::new(data.derive("tenant database")),
            signing: SigningKey::from_seed(&signing),
        };
        let around = Surroundings {
            stamp,
            settings: &self.inner.settings,
            // The receiver is gone only when the appliance stops.
            on_job_queued: Box::new(move || {
                let _ = wake.send(id);
            }),
        };
        Ok(OpenTenant {
            database: Database::open(layout, opening, around)?,
            blob_key: data.derive("tenant blobs"),
            index_key: Arc::new(data.derive("tenant index")),
            last_used_ms: AtomicI64::new(self.now().unix_ms()),
            attached: Mutex::new(HashMap::new()),
            dir,
        })
    }

    fn make_row(&self, new: NewTenant) -> Result<TenantRow, StoreError> {
        let now = self.now();
        let id = TenantId::new(now, self.entropy())?;
        let data = DataKey::generate(self.entropy())?;
        let seed = DataKey::generate(self.entropy())?;
        let master = &self.inner.master;
        let context = id.as_bytes();
        Ok(TenantRow {
            keys: Some((
                master.wrap(KeyPurpose::TenantData, context, &data, self.entropy())?,
                master.wrap(KeyPurpose::AuditSigning, context, &seed, self.entropy())?,
            )),
            audit_public_key: *SigningKey::from_seed(&seed).verifying_key().as_bytes(),
            tenant: Tenant {
                id,
                slug: new.slug,
                name: new.name,
                status: TenantStatus::Creating,
                created_at: now,
                updated_at: now,
            },
        })
    }

    fn make_and_verify(&self, row: &TenantRow, stamp: Stamp) -> Result<(), StoreError> {
        let id = row.tenant.id;
        let stamp = Stamp { tenant: Some(id), ..stamp };
        let dir = tenant_dir(&self.inner.data_dir, id);
        make_private_dir(&dir.join("blobs"))?;
        make_private_dir(&dir.join("index"))?;
        seal::sync_dir(&self.inner.data_dir.join("tenants"))
            .map_err(StoreError::io("syncing the tenants directory"))?;
        drop(self.open_database(row, Opening::New, stamp)?);
        seal::sync_dir(&dir).map_err(StoreError::io("syncing the tenant's directory"))?;
        let reopened = self.open_database(row, Opening::Existing, stamp)?;
        match reopened.health() {
            Health::Sound => {}
            Health::ReadOnly(why) => return Err(StoreError::AuditDamaged(why.clone())),
        }
        reopened.read_blocking(|tx| {
            let answer: String = tx.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            if answer == "ok" { Ok(()) } else { Err(StoreError::Corrupt("a new tenant.db")) }
        })
    }

    async fn change_status(
        &self,
        stamp: Stamp,
        id: TenantId,
        status: TenantStatus,
        action: Action,
    ) -> Result<Tenant, StoreError> {
        self.inner
            .control
            .write(stamp, move |tx| {
                control::tenant_set_status(&tx, id, status)?;
                let event = Event::new(action)
                    .object("tenant", id)
                    .after(serde_json::json!({ "status": status.as_str() }));
                tx.commit(event, ())
            })
            .await?;
        let mut tenants = self.inner.tenants.write();
        let row = tenants.get_mut(&id).ok_or(StoreError::TenantNotFound)?;
        row.tenant.status = status;
        row.tenant.updated_at = stamp.time;
        Ok(row.tenant.clone())
    }

    /// Key first, then files. The caller holds `opening`.
    async fn destroy(&self, id: TenantId, stamp: Stamp, action: Action) -> Result<(), StoreError> {
        self.inner
            .control
            .write(stamp, move |tx| {
                control::tenant_destroy_keys(&tx, id)?;
                tx.commit(Event::new(action).object("tenant", id), ())
            })
            .await?;
        let open = self.inner.open.lock().remove(&id);
        if let Some(row) = self.inner.tenants.write().get_mut(&id) {
            row.keys = None;
            row.tenant.status = TenantStatus::Removed;
            row.tenant.updated_at = stamp.time;
        }
        let dir = tenant_dir(&self.inner.data_dir, id);
        let _ = tokio::task::spawn_blocking(move || {
            drop(open);
            remove_files(&dir);
        })
        .await;
        Ok(())
    }

    /// Removes what a kill in the middle of making or removing a tenant left behind.
    pub(crate) fn sweep_half_made_tenants(&self) -> Result<(), StoreError> {
        if *self.health() != Health::Sound {
            return Ok(());
        }
        let half_made: Vec<TenantId> = {
            let tenants = self.inner.tenants.read();
            let creating = tenants.values().filter(|r| r.tenant.status == TenantStatus::Creating);
            creating.map(|row| row.tenant.id).collect()
        };
        for id in half_made {
            let stamp = Stamp {
                time: self.now(),
                actor: Actor::Appliance,
                tenant: None,
                request: self.new_request_id()?,
            };
            self.inner.control.write_blocking(stamp, move |tx| {
                control::tenant_destroy_keys(&tx, id)?;
                tx.commit::<()>(Event::new(TENANT_SWEPT).object("tenant", id), ())
            })?;
            if let Some(row) = self.inner.tenants.write().get_mut(&id) {
                row.keys = None;
                row.tenant.status = TenantStatus::Removed;
            }
        }
        for row in self.inner.tenants.read().values().filter(|row| row.keys.is_none()) {
            remove_files(&tenant_dir(&self.inner.data_dir, row.tenant.id));
        }
        Ok(())
    }
}

fn remove_files(dir: &Path) {
    match std::fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, "files of a removed tenant stay until the next start");
        }
    }
}

const SLUG_CHARS: std::ops::RangeInclusive<usize> = 2..=40;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=120;

fn check_new_tenant(new: &NewTenant) -> Result<(), StoreError> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !SLUG_CHARS.contains(&new.slug.len())
        || !new.slug.chars().all(letters)
        || new.slug.starts_with('-')
        || new.slug.ends_with('-')
    {
        return Err(StoreError::Invalid(Violation::new(
            "slug",
            "must be 2 to 40 of a-z, 0-9 and '-', not starting or ending with '-'",
        )));
    }
    let name = new.name.trim();
    if !NAME_CHARS.contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(StoreError::Invalid(Violation::new(
            "name",
            "must be 1 to 120 characters without control characters",
        )));
    }
    Ok(())
}
