//! The tenants of the appliance: making, suspending and removing them.

use std::future::Future;
use std::path::Path;

use audit::{Action, Event};
use base::{TenantId, UserId, Violation};
use seal::{DataKey, KeyPurpose, SigningKey};

use crate::appliance::{ApplianceScope, NewTenant, Tenant, TenantStatus};
use crate::control::{self, TenantRow};
use crate::database::Opening;
use crate::directory::make_private_dir;
use crate::ledger::Stamp;
use crate::open::CONTROL_DB;
use crate::open_tenant::{TenantFiles, tenant_dir};
use crate::{Health, Store, StoreError, migrate};

const TENANT_CREATING: Action = Action::new("tenant.creating");
const TENANT_CREATED: Action = Action::new("tenant.created");
const TENANT_STATUS: Action = Action::new("tenant.status_changed");
const TENANT_REMOVED: Action = Action::new("tenant.removed");
const TENANT_SWEPT: Action = Action::new("tenant.half_made_removed");
const APPLIANCE_ADMIN_GRANTED: Action = Action::new("appliance_admin.granted");

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
    /// tenant behind.
    pub async fn tenant_create(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        new: NewTenant,
    ) -> Result<Tenant, StoreError> {
        check_new_tenant(&new)?;
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _keys = store.inner.keys_gate.read().await;
            let row = store.make_row(new)?;
            store.create(row, stamp).await
        })
        .await
    }

    /// Suspends or resumes a tenant.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`] when it does not exist or is removed.
    pub async fn tenant_set_suspended(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<Tenant, StoreError> {
        let is_choice = |s| matches!(s, TenantStatus::Active | TenantStatus::Suspended);
        if !is_choice(self.tenant_get(scope, id)?.status) || !is_choice(status) {
            return Err(StoreError::TenantNotFound);
        }
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _gate = store.inner.gates.pass(id).await;
            let _keys = store.inner.keys_gate.read().await;
            let tenant = store.change_status(stamp, id, status, TENANT_STATUS).await?;
            // Jobs that waited while the tenant was suspended.
            let _ = store.inner.jobs_wake.send(id);
            Ok(tenant)
        })
        .await
    }

    /// Removes a tenant: destroys its wrapped key first, then ends all work in it, then removes
    /// its files.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`] when it does not exist or is removed already. After the key
    /// is gone nothing is reported as failed: what is left is noise, swept at the next start.
    pub async fn tenant_remove(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        id: TenantId,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _gate = store.inner.gates.pass(id).await;
            let _keys = store.inner.keys_gate.read().await;
            store.destroy(id, stamp, TENANT_REMOVED).await
        })
        .await
    }

    /// Makes a person of a tenant an appliance administrator.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], or the store's own.
    pub async fn appliance_admin_grant(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
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

    fn make_row(&self, new: NewTenant) -> Result<TenantRow, StoreError> {
        let now = self.now();
        let id = TenantId::new(now, self.entropy())?;
        let data = DataKey::generate(self.entropy())?;
        let seed = DataKey::generate(self.entropy())?;
        let master = self.inner.master();
        let context = id.as_bytes();
        Ok(TenantRow {
            keys: Some((
                master.wrap(KeyPurpose::TenantData, context, &data, self.entropy())?,
                master.wrap(KeyPurpose::AuditSigning, context, &seed, self.entropy())?,
            )),
            key_generation: 0,
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

    async fn create(&self, row: TenantRow, stamp: Stamp) -> Result<Tenant, StoreError> {
        let id = row.tenant.id;
        let _gate = self.inner.gates.pass(id).await;
        let insert = row.clone();
        let written = self.inner.control.write(stamp, move |tx| {
            control::tenant_insert(&tx, &insert)?;
            let event = Event::new(TENANT_CREATING)
                .object("tenant", insert.tenant.id)
                .after(serde_json::json!({ "slug": insert.tenant.slug }));
            tx.commit(event, ())
        });
        written.await?;
        self.inner.tenants.write().insert(id, row.clone());
        let store = self.clone();
        let made = tokio::task::spawn_blocking(move || store.make_and_verify(&row, stamp));
        let made = match made.await.map_err(|_| StoreError::Panicked) {
            Ok(Ok(())) => self.change_status(stamp, id, TenantStatus::Active, TENANT_CREATED).await,
            Ok(Err(error)) | Err(error) => Err(error),
        };
        if made.is_err()
            && let Err(error) = self.destroy(id, stamp, TENANT_SWEPT).await
        {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a half-made tenant stays until the next start");
        }
        made
    }

    fn make_and_verify(&self, row: &TenantRow, stamp: Stamp) -> Result<(), StoreError> {
        let id = row.tenant.id;
        let stamp = Stamp { tenant: Some(id), ..stamp };
        let dir = tenant_dir(&self.inner.data_dir, id);
        let files = TenantFiles::of(&dir, row.key_generation);
        make_private_dir(&files.blobs)?;
        make_private_dir(&files.index)?;
        self.open_database(row, Opening::New, stamp)?.close();
        seal::sync_dir(&dir).map_err(StoreError::io("syncing the tenant's directory"))?;
        let reopened = self.open_database(row, Opening::Existing, stamp)?;
        let sound = match reopened.health() {
            Health::Sound => reopened.check_pages(),
            Health::ReadOnly(why) => Err(StoreError::AuditDamaged(why.clone())),
        };
        // Also when it is refused: its writer would hold the directory's lock for a moment longer than
        // this call, and its files while they are removed.
        reopened.close();
        sound?;
        let report = self.verify_row(row)?;
        match report.finding {
            None => Ok(()),
            Some(finding) => Err(StoreError::AuditDamaged(finding.what)),
        }
    }

    async fn change_status(
        &self,
        stamp: Stamp,
        id: TenantId,
        status: TenantStatus,
        action: Action,
    ) -> Result<Tenant, StoreError> {
        let changed = self.inner.control.write(stamp, move |tx| {
            control::tenant_set_status(&tx, id, status)?;
            let event = Event::new(action)
                .object("tenant", id)
                .after(serde_json::json!({ "status": status.as_str() }));
            let row = control::tenant_row(&tx, id)?;
            tx.commit(event, row)
        });
        let row = changed.await?;
        let tenant = row.tenant.clone();
        self.inner.tenants.write().insert(id, row);
        Ok(tenant)
    }

    /// Key first, then files. The caller has passed the tenant's gate.
    async fn destroy(&self, id: TenantId, stamp: Stamp, action: Action) -> Result<(), StoreError> {
        let destroyed = self.inner.control.write(stamp, move |tx| {
            control::tenant_destroy_keys(&tx, id)?;
            let row = control::tenant_row(&tx, id)?;
            tx.commit(Event::new(action).object("tenant", id), row)
        });
        let row = destroyed.await?;
        self.inner.tenants.write().insert(id, row);
        self.forget_old_pages().await;
        let open = self.inner.open.lock().remove(&id);
        let dir = tenant_dir(&self.inner.data_dir, id);
        let removed = tokio::task::spawn_blocking(move || {
            if let Some(open) = open {
                open.close();
            }
            remove_files(&dir);
        });
        let _ = removed.await;
        Ok(())
    }

    /// The wrapped key is overwritten in the database (`secure_delete`), but the write-ahead log
    /// and copies made before migrations may hold it still.
    pub(crate) async fn forget_old_pages(&self) {
        let folded = self.inner.control.fold().await;
        let copies = migrate::remove_copies(&self.inner.data_dir.join(CONTROL_DB));
        if let Err(error) = folded.and(copies) {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "a destroyed key is still in an old page of the control database"
            );
        }
    }

    /// Removes what a kill in the middle of making or removing a tenant left behind. Blocks.
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
            let stamp = self.system_stamp(None)?;
            let row = self.inner.control.write_blocking(stamp, move |tx| {
                control::tenant_destroy_keys(&tx, id)?;
                let row = control::tenant_row(&tx, id)?;
                tx.commit(Event::new(TENANT_SWEPT).object("tenant", id), row)
            })?;
            self.inner.tenants.write().insert(id, row);
        }
        for row in self.inner.tenants.read().values().filter(|row| row.keys.is_none()) {
            let dir = tenant_dir(&self.inner.data_dir, row.tenant.id);
            if dir.exists() {
                // The removal was interrupted, perhaps before the copies were thought of.
                migrate::remove_copies(&self.inner.data_dir.join(CONTROL_DB))?;
                remove_files(&dir);
            }
        }
        Ok(())
    }
}

/// Runs `work` to its end, also when the caller goes away: what is in memory must follow what was
/// committed.
pub(crate) async fn carry_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.unwrap_or(Err(StoreError::Panicked))
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
