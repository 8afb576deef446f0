//! The store of one data directory.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Actor, Clock, Entropy, RequestId, TenantId, Timestamp};
use parking_lot::{Mutex, RwLock};
use seal::{DataKey, KeyOrigin, MasterKey, OnMissing, VerifyingKey};
use tokio::sync::mpsc;

use crate::appliance::TenantStatus;
use crate::control::{self, TenantRow};
use crate::control_keys::{CONTROL_KEYS_FILE, ControlKeys};
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::directory::{make_private_dir, take_lock};
use crate::key_place::{Found, KeyPlace};
use crate::ledger::Stamp;
use crate::master_rotation::Unfinished;
use crate::open_tenant::{Gates, OpenTenant};
use crate::scope::Suspended;
use crate::tenant_rotation::RotationProgress;
use crate::witness::WitnessState;
use crate::{
    ApplianceScope, Health, OperatorKey, SealedStore, StoreError, StoreSettings, TenantCtx,
    TenantScope, migrate,
};

/// How a store is opened.
pub struct StoreOptions {
    /// The data directory; made with mode 0700 when it is missing.
    pub data_dir: PathBuf,
    /// Where a systemd credential with the master key may be (`$CREDENTIALS_DIRECTORY/…`); the
    /// key file `master.key` in the data directory is used otherwise.
    pub key_credential: Option<PathBuf>,
    /// Where the key file is, when not in the data directory.
    pub key_file: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Limits.
    pub settings: StoreSettings,
}

/// Everything that is kept. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) data_dir: PathBuf,
    /// Changed together with the wrapped keys in `tenants`, of which it is locked first.
    pub(crate) master: RwLock<MasterKey>,
    key_origin: KeyOrigin,
    pub(crate) key_place: KeyPlace,
    /// Held to read while keys are wrapped or rows with wrapped keys are written, held to write while
    /// keys are changed.
    pub(crate) keys_gate: tokio::sync::RwLock<()>,
    /// Changes of tenants' keys, the last of each tenant.
    pub(crate) rotations: Mutex<HashMap<TenantId, Arc<RotationProgress>>>,
    pub(crate) control: Database,
    pub(crate) control_key: Arc<DataKey>,
    pub(crate) control_head_key: VerifyingKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: StoreSettings,
    /// All tenants, as in the control database.
    pub(crate) tenants: RwLock<HashMap<TenantId, TenantRow>>,
    /// Open tenants.
    pub(crate) open: Mutex<HashMap<TenantId, Arc<OpenTenant>>>,
    /// Tenants that were found behind their checkpoints.
    pub(crate) read_only: Mutex<BTreeSet<TenantId>>,
    /// How the witnesses do; `None` when there are none.
    pub(crate) witness: Mutex<Option<WitnessState>>,
    /// Held while a tenant is opened, closed, made or removed.
    pub(crate) gates: Gates,
    closed: AtomicBool,
    pub(crate) jobs_wake: mpsc::UnboundedSender<TenantId>,
    jobs_woken: Mutex<Option<mpsc::UnboundedReceiver<TenantId>>>,
    /// Held as long as the store or one of its writers lives: one process per data directory.
    pub(crate) lock: Arc<File>,
}

impl Inner {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl Drop for Inner {
    /// When nobody has called [`Store::close`]: blocks, as that would not.
    fn drop(&mut self) {
        self.open.get_mut().values().for_each(|tenant| tenant.close());
        self.control.close();
    }
}

pub(crate) const CONTROL_DB: &str = "control.db";
pub(crate) const CONTROL_CHECKPOINT: &str = "control.checkpoint";
/// Origin line of the appliance's checkpoints (C2SP tlog-checkpoint).
pub(crate) const APPLIANCE_ORIGIN: &str = "millwright/appliance";

/// What the start of a store has led to.
pub enum Start {
    /// It is open.
    Open(Store, OperatorKey),
    /// Somebody has to unseal it.
    Sealed(Box<SealedStore>),
}

impl Store {
    /// Opens the store of a data directory, making it at first. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process holds the directory; [`StoreError::Sealed`] when the
    /// master key waits for a passphrase or shares; keys, databases and migrations fail as their
    /// errors say.
    pub fn open(options: StoreOptions) -> Result<(Self, OperatorKey), StoreError> {
        match Self::start(options)? {
            Start::Open(store, key) => Ok((store, key)),
            Start::Sealed(_) => Err(StoreError::Sealed),
        }
    }

    /// As [`Store::open`], and a store whose master key is sealed is given as it is: locked for this
    /// process, and to be opened by whoever brings the passphrase or the shares.
    ///
    /// # Errors
    /// As [`Store::open`], without [`StoreError::Sealed`].
    pub fn start(options: StoreOptions) -> Result<Start, StoreError> {
        make_private_dir(&options.data_dir)?;
        // Absolute, so that a later change of the working directory does not matter.
        let dir = options.data_dir.canonicalize().map_err(|e| {
            StoreError::DataDirectory(format!("{}: {e}", options.data_dir.display()))
        })?;
        let lock = Arc::new(take_lock(&dir)?);
        make_private_dir(&dir.join("tenants"))?;
        remove_leftovers(&dir)?;
        let (_, on_missing) = find_start(&dir)?;
        let place = key_place(&dir, &options);
        // A key may be in one of them.
        if let Err(error) = seal::remove_temporary_files_of(&place.key_file) {
            // Its directory may be one that only shows what is asked for by name.
            tracing::warn!(%error, "temporary files beside the key file can't be looked for");
        }
        match place.find(on_missing, options.entropy.as_ref())? {
            Found::Key(master, origin) => {
                let (store, key) = Self::open_with(options, dir, lock, master, origin)?;
                Ok(Start::Open(store, key))
            }
            Found::Sealed(sealed) => {
                Ok(Start::Sealed(Box::new(SealedStore::new(options, dir, lock, sealed))))
            }
        }
    }

    /// Opens the databases with the master key, finishing a change of it that was broken off. Blocks.
    pub(crate) fn open_with(
        options: StoreOptions,
        dir: PathBuf,
        lock: Arc<File>,
        master: MasterKey,
        key_origin: KeyOrigin,
    ) -> Result<(Self, OperatorKey), StoreError> {
        let (opening, _) = find_start(&dir)?;
        let key_place = key_place(&dir, &options);
        let entropy = options.entropy.as_ref();
        let found = Unfinished::find(&key_place, master)?;
        let keys = match &found {
            Ok(both) => ControlKeys::obtain(&dir, &[&both.old, &both.new], entropy)?,
            Err(master) => ControlKeys::obtain(&dir, &[master], entropy)?,
        };
        let control_key = Arc::new(keys.data);
        let control_head_key = keys.signing.verifying_key();
        let stamp = Stamp {
            time: options.clock.now(),
            actor: Actor::Appliance,
            tenant: None,
            request: RequestId::new(options.clock.now(), options.entropy.as_ref())?,
            issuer: None,
        };
        let control = Database::open(
            Layout {
                database: dir.join(CONTROL_DB),
                checkpoint: dir.join(CONTROL_CHECKPOINT),
                origin: APPLIANCE_ORIGIN.into(),
                steps: migrate::CONTROL,
                key: Arc::clone(&control_key),
                signing: keys.signing,
            },
            opening,
            Surroundings {
                stamp,
                settings: &options.settings,
                on_jobs_changed: Box::new(|| {}),
                lock: Arc::clone(&lock),
            },
        )?;
        let read = || -> Result<_, StoreError> {
            let master = match found {
                Ok(unfinished) => unfinished.settle(&key_place, &control, stamp, entropy)?,
                Err(master) => master,
            };
            Ok((master, control.read_blocking(control::tenant_rows)?))
        };
        // Its writer would hold the directory's lock for a moment longer than this call.
        let (master, rows) = read().inspect_err(|_| control.close())?;
        let (jobs_wake, jobs_woken) = mpsc::unbounded_channel();
        let inner = Inner {
            data_dir: dir,
            master: RwLock::new(master),
            key_origin,
            key_place,
            keys_gate: tokio::sync::RwLock::default(),
            rotations: Mutex::default(),
            control,
            control_key,
            control_head_key,
            clock: options.clock,
            entropy: options.entropy,
            settings: options.settings,
            tenants: RwLock::new(rows.into_iter().map(|row| (row.tenant.id, row)).collect()),
            open: Mutex::new(HashMap::new()),
            read_only: Mutex::default(),
            witness: Mutex::default(),
            gates: Gates::default(),
            closed: AtomicBool::new(false),
            jobs_wake,
            jobs_woken: Mutex::new(Some(jobs_woken)),
            lock,
        };
        let store = Self { inner: Arc::new(inner) };
        store.sweep_half_made_tenants()?;
        Ok((store, OperatorKey::mint()))
    }

    /// Carries out the writes that are queued, folds the write-ahead logs and closes all
    /// databases. Whatever is asked of the store afterwards fails. The data directory is free for
    /// another process once nobody holds the store any more.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
        let open: Vec<Arc<OpenTenant>> =
            self.inner.open.lock().drain().map(|(_, tenant)| tenant).collect();
        let store = self.clone();
        let closed = tokio::task::spawn_blocking(move || {
            open.iter().for_each(|tenant| tenant.close());
            store.inner.control.close();
        });
        if closed.await.is_err() {
            tracing::error!("closing the databases ended unexpectedly; the next start recovers");
        }
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// Where the master key came from.
    #[must_use]
    pub fn key_origin(&self) -> KeyOrigin {
        self.inner.key_origin
    }

    /// Whether the appliance's own database may be written to.
    #[must_use]
    pub fn health(&self) -> &Health {
        self.inner.control.health()
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Random bytes.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.inner.entropy.as_ref()
    }

    /// The clock, for those who keep it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.clock)
    }

    /// A new request id.
    ///
    /// # Errors
    /// [`StoreError::Entropy`] when no random bytes can be had.
    pub fn new_request_id(&self) -> Result<RequestId, StoreError> {
        Ok(RequestId::new(self.now(), self.entropy())?)
    }

    /// A key derived from the appliance's own, for a purpose outside the databases (token
    /// signing). Stable as long as the data directory lives.
    #[must_use]
    pub fn appliance_key(&self, label: &'static str) -> DataKey {
        self.inner.control_key.derive(label)
    }

    /// The number of open tenants, for metrics.
    #[must_use]
    pub fn open_tenants(&self) -> usize {
        self.inner.open.lock().len()
    }

    /// Tenants that can only be read, as far as they were opened since the start.
    #[must_use]
    pub fn read_only_tenants(&self) -> Vec<TenantId> {
        let tenants = self.inner.tenants.read();
        let exists = |id: &TenantId| {
            tenants.get(id).is_some_and(|row| row.tenant.status != TenantStatus::Removed)
        };
        self.inner.read_only.lock().iter().copied().filter(exists).collect()
    }

    /// Opens the tenant of `scope` for one piece of work.
    ///
    /// # Errors
    /// [`StoreError`] when the tenant's database can't be opened.
    pub async fn enter(
        &self,
        scope: TenantScope,
        request_id: RequestId,
    ) -> Result<TenantCtx, StoreError> {
        // The scope was minted under the same rule; here it only finds the open tenant again.
        let tenant = self.open_tenant(scope.tenant_id(), Suspended::Allow).await?;
        Ok(TenantCtx::new(self.clone(), tenant, scope, request_id))
    }

    /// The appliance scope of the console.
    #[must_use]
    pub const fn appliance_scope(&self, _key: &OperatorKey) -> ApplianceScope {
        ApplianceScope { actor: Actor::Console, home: None }
    }

    /// The appliance scope of a person who is an appliance administrator. Nobody administers it with
    /// an API key: its scopes name permissions of a tenant.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when the person is none.
    pub async fn appliance_scope_from(
        &self,
        scope: &TenantScope,
    ) -> Result<ApplianceScope, StoreError> {
        let tenant = scope.tenant_id();
        let user = scope.principal().user_id.ok_or(StoreError::Unauthenticated)?;
        if scope.principal().grants.limited_to.is_some() {
            return Err(StoreError::Unauthenticated);
        }
        let is_admin = self
            .inner
            .control
            .read(move |tx| control::appliance_admin_exists(tx, tenant, user))
            .await?;
        if is_admin {
            Ok(ApplianceScope { actor: scope.principal().actor, home: Some((tenant, user)) })
        } else {
            Err(StoreError::Unauthenticated)
        }
    }

    pub(crate) fn take_job_wakes(&self) -> Option<mpsc::UnboundedReceiver<TenantId>> {
        self.inner.jobs_woken.lock().take()
    }

    pub(crate) fn appliance_stamp(&self, actor: Actor, request: RequestId) -> Stamp {
        Stamp { time: self.now(), actor, tenant: None, request, issuer: None }
    }
}

/// Whether this is the first start, or one that goes on where a kill ended the first. What was
/// lost must not be hidden by making it anew. Blocks on the disk.
fn find_start(dir: &Path) -> Result<(Opening, OnMissing), StoreError> {
    let has_database = dir.join(CONTROL_DB).exists();
    let has_keys = dir.join(CONTROL_KEYS_FILE).exists();
    let has_checkpoint = dir.join(CONTROL_CHECKPOINT).exists();
    let mut tenants = std::fs::read_dir(dir.join("tenants"))
        .map_err(StoreError::io("listing the tenants' directories"))?;
    let has_tenants = tenants.next().is_some();
    // They are made in this order: keys, checkpoint, database, tenants.
    if has_tenants && !has_database {
        return Err(StoreError::Missing(CONTROL_DB));
    }
    if (has_database || has_checkpoint) && !has_keys {
        return Err(StoreError::Missing(CONTROL_KEYS_FILE));
    }
    let opening = if has_database { Opening::Existing } else { Opening::New };
    let on_missing = if has_keys { OnMissing::Refuse } else { OnMissing::Create };
    Ok((opening, on_missing))
}

fn key_place(dir: &Path, options: &StoreOptions) -> KeyPlace {
    KeyPlace::new(dir, options.key_credential.clone(), options.key_file.clone())
}

/// Removes temporary files that a kill left behind.
fn remove_leftovers(dir: &Path) -> Result<(), StoreError> {
    seal::remove_temporary_files(dir)
        .map(|_| ())
        .map_err(StoreError::io("removing temporary files"))
}
