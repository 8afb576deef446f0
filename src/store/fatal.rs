//! The end of the process when the disk can no longer be trusted.

/// Exit status after a failed sync: `EX_IOERR` of sysexits.h.
const EXIT_IO_ERROR: i32 = 74;

/// Ends the process with a last word.
///
/// After a failed `fsync` nobody knows what is on disk, and a second `fsync` may report success for
/// pages that the kernel has dropped. The only safe way on is a restart that reads the disk anew.
pub(crate) fn sync_failed(what: &str, error: &(dyn std::error::Error + 'static)) -> ! {
    tracing::error!(
        what,
        error,
        "a sync to disk failed: the process ends now and recovers at the next start; check the disk"
    );
    std::process::exit(EXIT_IO_ERROR)
}

/// Whether SQLite says that a sync failed (`SQLITE_IOERR_FSYNC`, `SQLITE_IOERR_DIR_FSYNC`).
pub(crate) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    const IOERR_FSYNC: i32 = 10 | (4 << 8);
    const IOERR_DIR_FSYNC: i32 = 10 | (5 << 8);
    matches!(error, rusqlite::Error::SqliteFailure(e, _)
        if e.extended_code == IOERR_FSYNC || e.extended_code == IOERR_DIR_FSYNC)
}
