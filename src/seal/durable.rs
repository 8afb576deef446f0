//! Files that are either the old one or the new one after a power cut, never half of each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ending of the files that [`write_atomically`] renames into place.
const TEMPORARY_SUFFIX: &str = ".millwright-tmp";

/// Distinguishes temporary files of one process; the process id distinguishes processes.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Replaces the file at `path` by `bytes`, readable by the owner alone (mode 0600).
///
/// Writes a temporary file in the same directory, syncs it, renames it over `path` and syncs the
/// directory, so that after a crash either the old or the new contents are there, whole. Blocks
/// for two disk syncs.
///
/// # Errors
/// The first failed system call. A failed sync must be treated as fatal by the caller, not
/// retried: the kernel may have dropped the dirty pages.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (mut file, temporary) = create_temporary(path)?;
    let written = file.write_all(bytes).and_then(|()| synced(file.sync_all()));
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // The first error is the one to tell; a file that stays is found by
        // `remove_temporary_files`.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_dir(parent_of(path))
}

/// Makes the names in the directory `path` durable (fsync of the directory itself).
///
/// # Errors
/// When the directory cannot be opened or synced.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    synced(File::open(path)?.sync_all())
}

/// A sync that failed, inside of the error that says so.
#[derive(Debug, thiserror::Error)]
#[error("a sync to disk failed: {0}")]
struct FailedSync(#[source] io::Error);

fn synced(result: io::Result<()>) -> io::Result<()> {
    result.map_err(|error| io::Error::new(error.kind(), FailedSync(error)))
}

/// Whether the error of a function of this module is a failed sync: nobody knows what is on disk
/// then, and the process must end.
#[must_use]
pub fn is_failed_sync(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<FailedSync>())
}

/// Removes what a crash in the middle of [`write_atomically`] left in the directory `path`, and
/// tells how many files that were. Only for directories that no other process is writing to.
///
/// # Errors
/// When the directory cannot be listed or a leftover cannot be removed.
pub fn remove_temporary_files(path: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().ends_with(TEMPORARY_SUFFIX);
        if is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// As [`remove_temporary_files`], for those of the one file `path`: its directory may hold other
/// things.
///
/// # Errors
/// As [`remove_temporary_files`]; a directory that is not there is fine.
pub fn remove_temporary_files_of(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let prefix = format!(".{}.", name.to_string_lossy());
    let entries = match fs::read_dir(parent_of(path)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&prefix) && found.ends_with(TEMPORARY_SUFFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A new private file beside `path`, opened for writing, and its name.
pub(crate) fn create_temporary(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name")
    })?;
    let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{number}{TEMPORARY_SUFFIX}", std::process::id()));
    let temporary = parent_of(path).join(temporary);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    Ok((file, temporary))
}

/// The directory that holds `path`; the current one for a bare file name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        write_atomically(&path, b"first, and longer").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let occupied = dir.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        fs::write(occupied.join("kept"), b"kept").unwrap();
        assert!(write_atomically(&occupied, b"cannot replace a directory").is_err());
        assert_eq!(fs::read(occupied.join("kept")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the temporary file is gone");
        assert!(write_atomically(&dir.path().join("absent/checkpoint"), b"x").is_err());
        assert!(write_atomically(Path::new("/"), b"x").is_err());
    }

    #[test]
    fn a_failed_sync_is_told_from_other_failures() {
        let failed = synced(Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert!(is_failed_sync(&failed));
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        assert!(!is_failed_sync(&write_atomically(Path::new("/"), b"x").unwrap_err()));
        assert!(!is_failed_sync(&sync_dir(Path::new("/no/such/directory")).unwrap_err()));
    }

    #[test]
    fn leftovers_of_a_crash_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        write_atomically(&path, b"kept").unwrap();
        let (file, temporary) = create_temporary(&path).unwrap();
        drop(file);
        assert!(temporary.exists());
        assert_eq!(remove_temporary_files(dir.path()).unwrap(), 1);
        assert_eq!(remove_temporary_files(dir.path()).unwrap(), 0);
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }

    #[test]
    fn leftovers_of_one_file_are_removed_and_those_of_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("master.key"), dir.path().join("other.key"));
        let left = [&ours, &theirs].map(|path| create_temporary(path).unwrap().1);
        fs::write(&ours, b"kept").unwrap();
        remove_temporary_files_of(&ours).unwrap();
        assert_eq!(left.map(|path| path.exists()), [false, true]);
        assert!(ours.exists());
        remove_temporary_files_of(&dir.path().join("absent/key")).unwrap();
    }

    #[test]
    fn many_threads_replacing_one_file_leave_one_whole_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meta");
        std::thread::scope(|scope| {
            for fill in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..10 {
                        write_atomically(path, &[fill; 5000]).unwrap();
                    }
                });
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 5000);
        assert!(bytes.iter().all(|b| *b == bytes[0]));
    }
}
