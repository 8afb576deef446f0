//! What a change of a tenant's key leaves behind, and removing it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Change;
use crate::master_key::blocking;
use crate::open_tenant::TenantFiles;

/// How long readers of the old files are waited for before the files are removed under them.
const READERS_WAIT: Duration = Duration::from_secs(10);

/// Removes the files of the old key once nobody reads them any more, or after a while.
pub(super) async fn sweep_when_unused(change: Change) {
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
pub(super) fn remove_generation(files: &TenantFiles) {
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
