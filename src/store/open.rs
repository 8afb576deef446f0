//! The store of one data directory.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Actor, Clock, Entropy, RequestId, TenantId, Timestamp};
use parking_lot::{Mutex, RwLock};
use seal::{
    DataKey, KeyOrigin, KeyPurpose, KeySource, MasterKey, OnMissing, SigningKey, VerifyingKey,
    WrappedKey,
};
use tokio::sync::mpsc;

use crate::control::{self, TenantRow};
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::ledger::Stamp;
use crate::scope::Suspended;
use crate::tenants::OpenTenant;
use crate::{
    ApplianceScope, Health, OperatorKey, StoreError, StoreSettings, TenantCtx, TenantScope, migrate,
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
    pub(crate) master: MasterKey,
    key_origin: KeyOrigin,
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
    /// One tenant is opened at a time, so that two openings can't race for one writer.
    pub(crate) opening: tokio::sync::Mutex<()>,
    pub(crate) jobs_wake: mpsc::UnboundedSender<TenantId>,
    jobs_woken: Mutex<Option<mpsc::UnboundedReceiver<TenantId>>>,
    /// Held as long as the store lives: one process per data directory.
    _lock: File,
}

const MASTER_KEY_FILE: &str = "master.key";
const CONTROL_KEYS_FILE: &str = "control.keys";
/// Origin line of the appliance's checkpoints (C2SP tlog-checkpoint).
pub(crate) const APPLIANCE_ORIGIN: &str = "millwright/appliance";

impl Store {
    /// Opens the store of a data directory, making it at first. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process holds the directory; keys, databases and
    /// migrations fail as their errors say.
    pub fn open(options: StoreOptions) -> Result<(Self, OperatorKey), StoreError> {
        let dir = &options.data_dir;
        make_private_dir(dir)?;
        make_private_dir(&dir.join("tenants"))?;
        let lock = take_lock(dir)?;
        let exists = dir.join("control.db").exists();
        let source = KeySource {
            credential: options.key_credential.clone(),
            key_file: options.key_file.clone().unwrap_or_else(|| dir.join(MASTER_KEY_FILE)),
            on_missing: if exists { OnMissing::Refuse } else { OnMissing::Create },
        };
        let (master, key_origin) = MasterKey::obtain(&source, options.entropy.as_ref())?;
        let keys = ControlKeys::obtain(dir, &master, exists, options.entropy.as_ref())?;
        let control_key = Arc::new(keys.data);
        let control_head_key = keys.signing.verifying_key();
        let stamp = Stamp {
            time: options.clock.now(),
            actor: Actor::Appliance,
            tenant: None,
            request: RequestId::new(options.clock.now(), options.entropy.as_ref())?,
        };
        let control = Database::open(
            Layout {
                database: dir.join("control.db"),
                checkpoint: dir.join("control.checkpoint"),
                origin: APPLIANCE_ORIGIN.into(),
                steps: migrate::CONTROL,
                key: Arc::clone(&control_key),
                signing: keys.signing,
            },
            if exists { Opening::Existing } else { Opening::New },
            Surroundings { stamp, settings: &options.settings, on_job_queued: Box::new(|| {}) },
        )?;
        let rows = control.read_blocking(control::tenant_rows)?;
        let (jobs_wake, jobs_woken) = mpsc::unbounded_channel();
        let inner = Inner {
            data_dir: options.data_dir,
            master,
            key_origin,
            control,
            control_key,
            control_head_key,
            clock: options.clock,
            entropy: options.entropy,
            settings: options.settings,
            tenants: RwLock::new(rows.into_iter().map(|row| (row.tenant.id, row)).collect()),
            open: Mutex::new(HashMap::new()),
            opening: tokio::sync::Mutex::new(()),
            jobs_wake,
            jobs_woken: Mutex::new(Some(jobs_woken)),
            _lock: lock,
        };
        let store = Self { inner: Arc::new(inner) };
        store.sweep_half_made_tenants()?;
        Ok((store, OperatorKey::mint()))
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

    /// The appliance scope of a person who is an appliance administrator.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when the person is none.
    pub async fn appliance_scope_from(
        &self,
        scope: &TenantScope,
    ) -> Result<ApplianceScope, StoreError> {
        let tenant = scope.tenant_id();
        let user = scope.principal().user_id.ok_or(StoreError::Unauthenticated)?;
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
        Stamp { time: self.now(), actor, tenant: None, request }
    }
}

/// The control database's keys, wrapped by the master key in a file of their own, so that a new
/// master key re-wraps them and no database is encrypted anew.
struct ControlKeys {
    data: DataKey,
    signing: SigningKey,
}

impl ControlKeys {
    fn obtain(
        dir: &Path,
        master: &MasterKey,
        exists: bool,
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let path = dir.join(CONTROL_KEYS_FILE);
        if !path.exists() {
            if exists {
                return Err(StoreError::DataDirectory(format!(
                    "{CONTROL_KEYS_FILE} is missing beside control.db; restore it from a backup"
                )));
            }
            Self::create(&path, master, entropy)?;
        }
        let text =
            std::fs::read_to_string(&path).map_err(StoreError::io("reading control.keys"))?;
        let mut lines = text.lines();
        let mut next = |purpose| -> Result<DataKey, StoreError> {
            let bytes = hex::decode(lines.next().unwrap_or_default()).map_err(|_| {
                StoreError::DataDirectory(format!("{CONTROL_KEYS_FILE} is damaged"))
            })?;
            Ok(master.unwrap(purpose, b"appliance", &WrappedKey::from_bytes(&bytes)?)?)
        };
        let data = next(KeyPurpose::ControlDatabase)?;
        let signing = SigningKey::from_seed(&next(KeyPurpose::AuditSigning)?);
        Ok(Self { data, signing })
    }

    fn create(path: &Path, master: &MasterKey, entropy: &dyn Entropy) -> Result<(), StoreError> {
        let mut text = String::new();
        for purpose in [KeyPurpose::ControlDatabase, KeyPurpose::AuditSigning] {
            let key = DataKey::generate(entropy)?;
            let wrapped = master.wrap(purpose, b"appliance", &key, entropy)?;
            text.push_str(&hex::encode(wrapped.as_bytes()));
            text.push('\n');
        }
        seal::write_atomically(path, text.as_bytes())
            .map_err(StoreError::io("writing control.keys"))
    }
}

pub(crate) fn make_private_dir(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| StoreError::DataDirectory(format!("{} can't be made: {e}", path.display())))
}

fn take_lock(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(StoreError::io("opening the lock file"))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse),
        Err(e) => Err(StoreError::io("locking the data directory")(e.into())),
    }
}
