//! The data directory itself: who may look into it, and that one process at a time uses it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt,
};
use std::path::Path;

use crate::{StoreError, fatal};

/// Permission bits by which anyone but the owner could get in.
const OPEN_TO_OTHERS: u32 = 0o077;

/// Makes a directory that only its owner may enter, whatever the umask, and its parents alike.
/// An empty one is closed to others. One that holds anything keeps its mode, because it may not be
/// ours (`/tmp`); all files in it are private by themselves.
pub(crate) fn make_private_dir(path: &Path) -> Result<(), StoreError> {
    let unusable =
        |error: std::io::Error| StoreError::DataDirectory(format!("{}: {error}", path.display()));
    if path.is_dir() {
        let is_open = std::fs::metadata(path).map_err(unusable)?.mode() & OPEN_TO_OTHERS != 0;
        if is_open && std::fs::read_dir(path).map_err(unusable)?.next().is_none() {
            close_to_others(path).map_err(unusable)?;
        } else if is_open {
            tracing::warn!(path = %path.display(), "others may list a directory of the store");
        }
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
        make_private_dir(parent)?;
    }
    DirBuilder::new().mode(0o700).create(path).map_err(unusable)?;
    close_to_others(path).map_err(unusable)?;
    sync_parent(path)
}

fn close_to_others(path: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o700))
}

/// Makes the name of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    let dir = File::open(parent).map_err(StoreError::io("opening a directory to sync it"))?;
    if let Err(error) = dir.sync_all() {
        fatal::sync_failed(&parent.display().to_string(), &error);
    }
    Ok(())
}

const LOCK_FILE: &str = "lock";

/// Locks the directory for this process, as long as the file is kept.
pub(crate) fn take_lock(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join(LOCK_FILE))
        .map_err(StoreError::io("opening the lock file"))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse),
        Err(e) => Err(StoreError::io("locking the data directory")(e.into())),
    }
}
