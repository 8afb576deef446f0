//! Changing the data key of one tenant: everything of it is encrypted anew, while people work.
//!
//! Every key has its generation, and every generation has its own names for database, originals and
//! index ([`TenantFiles`](crate::open_tenant::TenantFiles)). The control database says, in one row,
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

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit::{Action, Event};
use base::{RequestId, TenantId, Timestamp};
use parking_lot::Mutex;
use seal::{
    DataKey, EncryptedCursor, EncryptedReader, EncryptedWriter, KeyPurpose, SigningKey, WrappedKey,
};

use crate::blobs::context_of;
use crate::checkpoint::CheckpointFile;
use crate::connection::{self, Access, Connection};
use crate::database::Opening;
use crate::directory::make_private_dir;
use crate::ledger::{Stamp, read_frontier};
use crate::master_key::blocking;
use crate::open_tenant::{OpenTenant, TenantFiles, Vault, tenant_origin};
use crate::scope::Suspended;
use crate::{ApplianceScope, Health, Store, StoreError, control, fatal, steps};

const TENANT_KEY_BEGUN: Action = Action::new("tenant_key.rotation_begun");
const TENANT_KEY_ROTATED: Action = Action::new("tenant_key.rotated");
const TENANT_KEY_CANCELLED: Action = Action::new("tenant_key.cancel_requested");

/// Bytes copied between two looks at whether the change was cancelled.
const COPY_BUFFER_BYTES: usize = 256 * 1024;
/// How long readers of the old files are waited for before the files are removed under them.
const READERS_WAIT: Duration = Duration::from_secs(10);
/// Free space beyond what is copied, for what people do meanwhile.
const SPARE_BYTES: u64 = 64 * 1024 * 1024;

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

impl Change {
    /// Refuses to begin what the disk can't hold.
    fn check_space(&self) -> Result<(), StoreError> {
        let mut needed = file_length(&self.old.files.database);
        for (_, path) in originals(&self.old.files.blobs)? {
            needed += file_length(&path);
        }
        self.progress.total_bytes.store(needed, Ordering::Relaxed);
        let disk = rustix::fs::statvfs(self.tenant.dir())
            .map_err(|error| StoreError::io("asking for free space")(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < needed + SPARE_BYTES {
            const MIB: u64 = 1024 * 1024;
            return Err(refused(&format!(
                "Everything of the tenant is written once more before the old files go: {} MiB are \
                 needed, {} MiB are free.",
                (needed + SPARE_BYTES) / MIB,
                free / MIB
            )));
        }
        Ok(())
    }

    /// Encrypts every original under the new key that is not there yet, and removes copies whose
    /// original is gone. Blocks.
    fn copy_blobs(&self, store: &Store) -> Result<(), StoreError> {
        make_private_dir(&self.files.blobs)?;
        let key = self.new.derive("tenant blobs");
        let originals = originals(&self.old.files.blobs)?;
        for (name, path) in &originals {
            let target = self.files.blobs.join(name);
            if !target.exists() {
                self.copy_blob(path, &target, name, &key, store)?;
                steps::reached("original copied");
            }
        }
        for (name, path) in self::originals(&self.files.blobs)? {
            if !originals.iter().any(|(kept, _)| *kept == name) {
                std::fs::remove_file(path).map_err(StoreError::io("removing a copied file"))?;
            }
        }
        Ok(())
    }

    fn copy_blob(
        &self,
        from: &Path,
        to: &Path,
        name: &str,
        key: &DataKey,
        store: &Store,
    ) -> Result<(), StoreError> {
        let context = context_of(name);
        let source = match File::open(from) {
            Ok(source) => source,
            // Removed since it was listed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("opening a stored file")(error)),
        };
        let reader = EncryptedReader::open(source, &self.old.blob_key, &context)?;
        let unfinished = to.with_extension("part");
        let file = private_file(&unfinished)?;
        let mut writer = EncryptedWriter::create(file, key, &context, store.entropy())?;
        let mut content = EncryptedCursor::new(reader);
        let mut buffer = vec![0_u8; COPY_BUFFER_BYTES];
        loop {
            let count =
                content.read(&mut buffer).map_err(StoreError::io("reading a stored file"))?;
            if count == 0 {
                break;
            }
            writer.write_all(&buffer[..count]).map_err(StoreError::io("writing a stored file"))?;
            self.progress.copied(count as u64)?;
        }
        let file = writer.finish()?;
        if let Err(error) = file.sync_all() {
            fatal::sync_failed("a stored file", &error);
        }
        std::fs::rename(&unfinished, to).map_err(StoreError::io("naming a stored file"))
    }

    /// Copies the database file and encrypts the copy anew. The writer is closed. Blocks.
    fn copy_database(&self) -> Result<(), StoreError> {
        let from = &self.old.files.database;
        let log = from.with_file_name(format!(
            "{}-wal",
            from.file_name().unwrap_or_default().to_string_lossy()
        ));
        if file_length(&log) != 0 {
            return Err(refused(
                "The tenant is being read too much at this moment: try again later.",
            ));
        }
        let to = &self.files.database;
        let mut source = File::open(from).map_err(StoreError::io("opening a database"))?;
        let mut copy = private_file(to)?;
        let mut buffer = vec![0_u8; COPY_BUFFER_BYTES];
        loop {
            let count = source.read(&mut buffer).map_err(StoreError::io("reading a database"))?;
            if count == 0 {
                break;
            }
            copy.write_all(&buffer[..count]).map_err(StoreError::io("copying a database"))?;
            self.progress.copied(count as u64)?;
        }
        drop(copy);
        steps::reached("database half copied");
        let (old, new) = (self.old_database_key(), self.new.derive("tenant database"));
        connection::reencrypt(to, old, &new)?;
        let copy = File::open(to).map_err(StoreError::io("opening a copied database"))?;
        if let Err(error) = copy.sync_all() {
            fatal::sync_failed("a copied database", &error);
        }
        Ok(())
    }

    /// Every page authenticates under the new key, and the log ends as it did.
    fn check_copy(&self) -> Result<(), StoreError> {
        let new = self.new.derive("tenant database");
        let copy = Connection::open(&self.files.database, &new, Access::Read)?;
        let mut statement = copy.prepare("PRAGMA cipher_integrity_check")?;
        if statement.query([])?.next()?.is_some() {
            return Err(StoreError::Corrupt("the pages of a database that was encrypted anew"));
        }
        let old =
            Connection::open(&self.old.files.database, self.old_database_key(), Access::Read)?;
        if read_frontier(&copy)? != read_frontier(&old)? {
            return Err(StoreError::Corrupt("the log of a database that was encrypted anew"));
        }
        Ok(())
    }

    fn old_database_key(&self) -> &DataKey {
        self.old.database.key()
    }
}

/// Removes the files of the old key once nobody reads them any more, or after a while.
async fn sweep_when_unused(change: Change) {
    let Change { tenant, old, generation, .. } = change;
    let unused = async {
        while Arc::strong_count(&old) > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(READERS_WAIT, unused).await;
    let dir = tenant.dir().to_owned();
    let swept = blocking(move || {
        drop(old);
        sweep(&dir, generation);
        Ok(())
    });
    if swept.await.is_err() {
        tracing::warn!("files under an old key stay until the tenant's next opening");
    }
}

/// Removes whatever lies in a tenant's directory under another key than that of `generation`: left by
/// a change that was broken off, or by one that was not swept. Nothing is removed while the database
/// of `generation` is missing: then something else is wrong. Blocks.
pub(crate) fn sweep(dir: &Path, generation: u32) {
    let kept = TenantFiles::of(dir, generation);
    if !kept.database.exists() {
        return;
    }
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if generation_of(&name).is_some_and(|of| of != generation) {
            remove(&entry.path());
        }
    }
}

/// Which generation a name in a tenant's directory belongs to; `None` for what belongs to none.
fn generation_of(name: &str) -> Option<u32> {
    let numbered = |rest: &str| match rest.strip_prefix('.') {
        None if rest.is_empty() => Some(0),
        None => None,
        Some(number) => number.parse().ok().filter(|n| *n > 0),
    };
    if let Some(rest) = name.strip_prefix("blobs").or_else(|| name.strip_prefix("index")) {
        return numbered(rest);
    }
    let rest = name.strip_prefix("tenant.")?;
    // With its log, and copies made before migrations: tenant.db-wal, tenant.3.db.v5.
    if rest == "db" || rest.starts_with("db-") || rest.starts_with("db.") {
        return Some(0);
    }
    let (number, rest) = rest.split_once('.')?;
    let is_database = rest == "db" || rest.starts_with("db-") || rest.starts_with("db.");
    number.parse().ok().filter(|n| *n > 0 && is_database)
}

/// Removes the files of a generation that does not count.
fn remove_generation(files: &TenantFiles) {
    let database = files.database.to_string_lossy().into_owned();
    for path in [
        files.database.clone(),
        PathBuf::from(format!("{database}-journal")),
        PathBuf::from(format!("{database}-wal")),
        PathBuf::from(format!("{database}-shm")),
        files.blobs.clone(),
        files.index.clone(),
    ] {
        remove(&path);
    }
}

fn remove(path: &Path) {
    let removed =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "a file under another key stays until the next opening");
        }
        _ => {}
    }
}

/// Originals in a directory: name and path. What is not finished yet is none.
fn originals(dir: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let failed = || StoreError::io("listing stored files");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| name.parse::<base::RevisionId>().is_ok()) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    Ok(found)
}

fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(path).map_err(StoreError::io("making a file"))
}

fn file_length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn refused(why: &str) -> StoreError {
    StoreError::KeyChangeRefused(why.to_owned())
}
