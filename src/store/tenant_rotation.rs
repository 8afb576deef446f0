//! Changing the data key of one tenant: everything of it is encrypted anew, while people work.
//!
//! Every key has its generation, and every generation has its own names for database, originals and
//! index ([`TenantFiles`]). The control database says, in one row,
//! which wrapped key and which generation count. So there is one moment at which the change happens,
//! a commit there, and nothing has to be moved afterwards; whatever belongs to another generation is
//! noise and is swept at the next opening. Before the commit that is the new, after it the old.
//!
//! 1. Originals are copied under the new key while everything goes on.
//! 2. Writing pauses: the writer's queue runs empty and the log is folded into one file. Reading goes
//!    on. Originals that came meanwhile are copied; the database file is copied and the copy's pages
//!    are encrypted anew in place (`rekey` on a copy that nobody has open can be broken off anywhere).
//! 3. The copy is checked: every page's code, and the tree head of its log.
//! 4. The commit in the control database, with its audit entry.
//! 5. The new vault is opened and takes the place of the old one; writing goes on. The index is made
//!    anew from the database by the next search.
//! 6. Old pages of the control database are forgotten, and the old files removed.
//!
//! Signing key, checkpoint and log stay as they are: the log goes on. A copy page by page keeps row ids
//! and free pages as they were, which an export row by row would not; it costs a pause of the time it
//! takes to copy and encrypt the database file once, without the originals.

mod copy;
mod sweep;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use audit::{Action, Event};
use base::{RequestId, TenantId, Timestamp};
use parking_lot::Mutex;
use seal::{DataKey, KeyPurpose, SigningKey, WrappedKey};

use crate::checkpoint::CheckpointFile;
use crate::database::Opening;
use crate::directory::make_private_dir;
use crate::ledger::Stamp;
use crate::master_key::blocking;
use crate::open_tenant::{OpenTenant, TenantFiles, Vault, tenant_origin};
use crate::scope::Suspended;
use crate::{ApplianceScope, Health, Store, StoreError, control, steps};

pub(crate) use sweep::sweep;
use sweep::{remove_generation, sweep_when_unused};

const TENANT_KEY_BEGUN: Action = Action::new("tenant_key.rotation_begun");
const TENANT_KEY_ROTATED: Action = Action::new("tenant_key.rotated");
const TENANT_KEY_CANCELLED: Action = Action::new("tenant_key.cancel_requested");

/// How far a change of a tenant's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationPhase {
    /// Originals are copied; everything goes on.
    Copying,
    /// Writing waits while the database is copied.
    Switching,
    /// The new key counts; old files are removed.
    Sweeping,
}

/// How a change of a tenant's key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// Under way.
    Running(RotationPhase),
    /// The new key counts, and nothing under the old one is left.
    Done,
    /// Cancelled before the commit: nothing has changed.
    Cancelled,
    /// Failed before the commit, and why: nothing has changed.
    Failed(String),
}

/// A change of a tenant's key as administrators see it.
#[derive(Clone, Debug)]
pub struct RotationView {
    /// How it stands.
    pub state: RotationState,
    /// Bytes encrypted anew so far.
    pub done_bytes: u64,
    /// Bytes to be encrypted anew.
    pub total_bytes: u64,
    /// How long writing waited, in milliseconds; 0 before.
    pub paused_ms: u64,
    /// When it began.
    pub started_at: Timestamp,
}

/// The same, while it changes.
pub(crate) struct RotationProgress {
    state: Mutex<RotationState>,
    done_bytes: AtomicU64,
    total_bytes: AtomicU64,
    paused_ms: AtomicU64,
    cancelled: AtomicBool,
    started_at: Timestamp,
}

impl RotationProgress {
    fn new(started_at: Timestamp) -> Self {
        Self {
            state: Mutex::new(RotationState::Running(RotationPhase::Copying)),
            done_bytes: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            paused_ms: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            started_at,
        }
    }

    fn view(&self) -> RotationView {
        RotationView {
            state: self.state.lock().clone(),
            done_bytes: self.done_bytes.load(Ordering::Relaxed),
            total_bytes: self.total_bytes.load(Ordering::Relaxed),
            paused_ms: self.paused_ms.load(Ordering::Relaxed),
            started_at: self.started_at,
        }
    }

    fn enter(&self, phase: RotationPhase) {
        *self.state.lock() = RotationState::Running(phase);
    }

    fn copied(&self, bytes: u64) -> Result<(), StoreError> {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.go_on()
    }

    fn go_on(&self) -> Result<(), StoreError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(StoreError::KeyChangeCancelled);
        }
        Ok(())
    }

    fn end(&self, result: &Result<(), StoreError>) {
        *self.state.lock() = match result {
            Ok(()) => RotationState::Done,
            Err(StoreError::KeyChangeCancelled) => RotationState::Cancelled,
            Err(error) => RotationState::Failed(error.to_string()),
        };
    }

    fn is_running(&self) -> bool {
        matches!(*self.state.lock(), RotationState::Running(_))
    }
}

/// The new key of a change, and what it takes the place of.
struct Change {
    id: TenantId,
    tenant: Arc<OpenTenant>,
    old: Arc<Vault>,
    old_wrapped: WrappedKey,
    new: DataKey,
    new_wrapped: WrappedKey,
    files: TenantFiles,
    generation: u32,
    progress: Arc<RotationProgress>,
}

impl Store {
    /// Begins to change the data key of a tenant; goes on in the background.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`]; [`StoreError::KeyChangeRefused`] when one is under way in this
    /// tenant, the tenant is not sound, or space is lacking.
    pub async fn tenant_key_rotate(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        id: TenantId,
    ) -> Result<RotationView, StoreError> {
        self.tenant_get(scope, id)?;
        let stamp = self.appliance_stamp(scope.actor, request);
        let begun = Event::new(TENANT_KEY_BEGUN).object("tenant", id);
        self.inner.control.write(stamp, |tx| tx.commit(begun, ())).await?;
        let progress = Arc::new(RotationProgress::new(self.now()));
        {
            let mut rotations = self.inner.rotations.lock();
            if rotations.get(&id).is_some_and(|known| known.is_running()) {
                return Err(refused("The tenant's key is being changed already."));
            }
            rotations.insert(id, Arc::clone(&progress));
        }
        let store = self.clone();
        let view = progress.view();
        tokio::spawn(async move {
            let result = store.rotate_tenant(id, stamp, &progress).await;
            if let Err(error) = &result {
                let error: &dyn std::error::Error = error;
                tracing::warn!(tenant.id = %id, error, "the tenant's key was not changed");
            }
            progress.end(&result);
        });
        Ok(view)
    }

    /// How the last change of a tenant's key stands, since the start of the process.
    #[must_use]
    pub fn tenant_key_rotation(
        &self,
        _scope: &ApplianceScope,
        id: TenantId,
    ) -> Option<RotationView> {
        self.inner.rotations.lock().get(&id).map(|progress| progress.view())
    }

    /// Asks for the end of a change that has not come to its commit. One that has goes on to its end.
    ///
    /// # Errors
    /// [`StoreError::KeyChangeRefused`] when none is under way.
    pub async fn tenant_key_rotation_cancel(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        id: TenantId,
    ) -> Result<RotationView, StoreError> {
        let progress = self.inner.rotations.lock().get(&id).cloned();
        let Some(progress) = progress.filter(|progress| progress.is_running()) else {
            return Err(refused("No change of this tenant's key is under way."));
        };
        let stamp = self.appliance_stamp(scope.actor, request);
        let event = Event::new(TENANT_KEY_CANCELLED).object("tenant", id);
        self.inner.control.write(stamp, |tx| tx.commit(event, ())).await?;
        progress.cancelled.store(true, Ordering::Relaxed);
        Ok(progress.view())
    }

    async fn rotate_tenant(
        &self,
        id: TenantId,
        stamp: Stamp,
        progress: &Arc<RotationProgress>,
    ) -> Result<(), StoreError> {
        // Kept, so that it is not closed as idle meanwhile.
        let tenant = self.open_tenant(id, Suspended::Allow).await?;
        let _gate = self.inner.gates.pass(id).await;
        let _keys = self.inner.keys_gate.read().await;
        if !self.is_open(id, &tenant) {
            return Err(StoreError::TenantNotFound);
        }
        let change = Arc::new(self.prepare_change(id, tenant, Arc::clone(progress))?);
        let copying = Arc::clone(&change);
        let store = self.clone();
        let copied = blocking(move || {
            remove_generation(&copying.files);
            copying.check_space()?;
            copying.copy_blobs(&store)
        });
        if let Err(error) = copied.await {
            let files = change.files.clone();
            blocking(move || {
                remove_generation(&files);
                Ok(())
            })
            .await?;
            return Err(error);
        }
        progress.enter(RotationPhase::Switching);
        let began = Instant::now();
        let pause = change.tenant.pause().await;
        let (switching, store) = (Arc::clone(&change), self.clone());
        let switched = blocking(move || store.switch(&switching, stamp)).await;
        drop(pause);
        let paused_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        progress.paused_ms.store(paused_ms, Ordering::Relaxed);
        switched?;
        progress.enter(RotationPhase::Sweeping);
        self.forget_old_pages().await;
        steps::reached("old pages forgotten");
        let Some(change) = Arc::into_inner(change) else { return Ok(()) };
        sweep_when_unused(change).await;
        steps::reached("old files removed");
        Ok(())
    }

    fn is_open(&self, id: TenantId, tenant: &Arc<OpenTenant>) -> bool {
        self.inner.open.lock().get(&id).is_some_and(|open| Arc::ptr_eq(open, tenant))
    }

    fn prepare_change(
        &self,
        id: TenantId,
        tenant: Arc<OpenTenant>,
        progress: Arc<RotationProgress>,
    ) -> Result<Change, StoreError> {
        if *self.health() != Health::Sound || *tenant.health() != Health::Sound {
            return Err(refused("What can only be read can't be encrypted anew."));
        }
        let row = self.inner.tenants.read().get(&id).cloned();
        let (row, (old_wrapped, _)) = row
            .and_then(|row| row.keys.clone().map(|keys| (row, keys)))
            .ok_or(StoreError::TenantNotFound)?;
        let generation = row.key_generation + 1;
        let new = DataKey::generate(self.entropy())?;
        let new_wrapped = self.inner.master().wrap(
            KeyPurpose::TenantData,
            id.as_bytes(),
            &new,
            self.entropy(),
        )?;
        let files = TenantFiles::of(tenant.dir(), generation);
        let old = tenant.vault();
        Ok(Change { id, tenant, old, old_wrapped, new, new_wrapped, files, generation, progress })
    }

    /// From the pause to the exchange of the vaults. When it fails before the commit, the old vault is
    /// opened again. Blocks.
    fn switch(&self, change: &Change, stamp: Stamp) -> Result<(), StoreError> {
        let _naming = change.tenant.stop_naming();
        steps::reached("paused");
        let committed = self.copy_and_commit(change, stamp);
        if committed.is_err() {
            remove_generation(&change.files);
        }
        let keys = self.inner.tenant_keys(change.id)?;
        let stamp = Stamp { tenant: Some(change.id), ..stamp };
        match self.open_vault(change.id, &keys, Opening::Existing, stamp) {
            Ok(vault) if *vault.database.health() == Health::Sound => {
                drop(change.tenant.exchange(vault));
            }
            Ok(_) | Err(_) => {
                // The next opening finds everything: nothing more is done with this one.
                tracing::error!(tenant.id = %change.id, "the tenant is closed until it is asked for");
                self.inner.open.lock().remove(&change.id);
                change.tenant.close();
            }
        }
        committed
    }

    fn copy_and_commit(&self, change: &Change, stamp: Stamp) -> Result<(), StoreError> {
        change.old.database.close_writer();
        steps::reached("writer closed");
        change.copy_blobs(self)?;
        change.copy_database()?;
        steps::reached("database copied");
        change.check_copy()?;
        make_private_dir(&change.files.index)?;
        seal::sync_dir(&change.files.blobs)
            .and_then(|()| seal::sync_dir(change.tenant.dir()))
            .map_err(StoreError::io("syncing the tenant's directory"))?;
        change.progress.go_on()?;
        self.tell_of_no_file(change.id, change.tenant.dir())?;
        steps::reached("everything copied");
        let Change { id, generation, .. } = *change;
        let (old, new) = (change.old_wrapped.clone(), change.new_wrapped.clone());
        let row = self.inner.control.write_blocking(stamp, move |tx| {
            control::tenant_set_data_key(&tx, id, &old, &new, generation)?;
            let row = control::tenant_row(&tx, id)?;
            let event = Event::new(TENANT_KEY_ROTATED)
                .object("tenant", id)
                .detail(serde_json::json!({ "generation": generation }));
            tx.commit(event, row)
        })?;
        self.inner.tenants.write().insert(id, row);
        steps::reached("switch committed");
        Ok(())
    }

    /// From here on either file may be the one that counts, so the checkpoint must tell of neither;
    /// the next opening, in this process or after a kill, tells of the one that it finds.
    fn tell_of_no_file(&self, id: TenantId, dir: &Path) -> Result<(), StoreError> {
        let signing = SigningKey::from_seed(&self.inner.tenant_keys(id)?.seed);
        let path = dir.join("checkpoint");
        let Some((mut checkpoint, _)) = CheckpointFile::open(&path, &tenant_origin(id), signing)?
        else {
            return Err(StoreError::Missing("a checkpoint"));
        };
        checkpoint.set_at_rest(None).map_err(StoreError::io("writing the checkpoint"))
    }
}

fn refused(why: &str) -> StoreError {
    StoreError::KeyChangeRefused(why.to_owned())
}
