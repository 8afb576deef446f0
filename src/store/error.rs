//! What can go wrong while keeping things.

use std::sync::Arc;

use base::{Code, Coded, Violation};
use rusqlite::ErrorCode;
use seal::SealError;

use crate::fatal;

/// An error of the store. The cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the data directory.
    #[error("the data directory is in use by another process")]
    InUse,
    /// The data directory can't be used as it is.
    #[error("the data directory can't be used: {0}")]
    DataDirectory(String),
    /// A file or directory of the store failed.
    #[error("a file of the store failed: {what}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A key failed.
    #[error("a key of the store failed")]
    Seal(#[source] SealError),
    /// A passphrase, a share or a number of shares that somebody brought is not right.
    #[error("{0}")]
    KeyInput(SealError),
    /// A file without which the store can't be opened is not there.
    #[error("{0} is missing; restore it from a backup")]
    Missing(&'static str),
    /// A database can't be opened with its key: wrong key, or a damaged first page.
    #[error("the database can't be opened with its key: wrong key or damaged file")]
    WrongKey,
    /// A database statement failed.
    #[error("the database failed")]
    Database(#[source] rusqlite::Error),
    /// A page of a database is not what was written there.
    #[error("a page of the database is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// There is no space left for a database.
    #[error("the disk is full; nothing has changed")]
    DiskFull(#[source] rusqlite::Error),
    /// A room tried to run a statement that is the store's alone.
    #[error("a statement was refused: it is not one that reads or changes rows of a room")]
    StatementRefused(#[source] rusqlite::Error),
    /// A row holds something that the code never writes.
    #[error("the database holds an unexpected value in {0}")]
    Corrupt(&'static str),
    /// The database was written by a newer version of the program.
    #[error("the database has schema {found}, this program knows {known}: use the newer program")]
    NewerSchema {
        /// Schema version of the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// An applied migration differs from the one in this program.
    #[error("migration {0} was changed after it had been applied")]
    ChangedMigration(u32),
    /// The database is behind its checkpoint or the checkpoint is damaged; only reads are served.
    #[error("this tenant is read-only: {0}")]
    ReadOnly(String),
    /// Too many reads or writes are waiting.
    #[error("too many reads or writes are waiting")]
    Busy,
    /// The writer ended while this write was waiting: it is not known whether it was carried out.
    #[error("the write was not carried out")]
    NotCommitted,
    /// The commit that this write was part of failed; nothing has changed.
    #[error("the commit failed; nothing has changed")]
    CommitFailed(#[source] Arc<StoreError>),
    /// The database rolled the transaction back on its own (disk full, I/O error).
    #[error("the database rolled the transaction back")]
    RolledBack,
    /// The tenant or the whole store was closed meanwhile.
    #[error("the database was closed")]
    Closed,
    /// The audit entry can't be written; nothing has changed.
    #[error("the audit entry can't be written")]
    AuditUnavailable(#[source] Box<StoreError>),
    /// A closure given to the store panicked; nothing has changed.
    #[error("a database operation failed unexpectedly")]
    Panicked,
    /// There is no such tenant.
    #[error("there is no such tenant")]
    TenantNotFound,
    /// The tenant is suspended.
    #[error("the tenant is suspended")]
    TenantSuspended,
    /// The tenant's slug is taken.
    #[error("a tenant with this slug exists")]
    SlugTaken,
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// No live session, token or operator key stands behind the call.
    #[error("not signed in")]
    Unauthenticated,
    /// There is no such job.
    #[error("there is no such job")]
    JobNotFound,
    /// The job has already ended.
    #[error("the job has already ended")]
    JobEnded,
    /// No random bytes could be had.
    #[error(transparent)]
    Entropy(#[from] base::EntropyError),
    /// The audit log is not what it should be.
    #[error("the audit log is damaged: {0}")]
    AuditDamaged(String),
    /// Too many jobs are waiting.
    #[error("too many jobs are waiting")]
    QueueFull,
    /// A legal hold is in force already.
    #[error("a legal hold is in force already")]
    HoldInForce,
    /// No legal hold is in force.
    #[error("no legal hold is in force")]
    NoHold,
    /// The content of an entry was pruned.
    #[error("the content of the entry was pruned")]
    EntryPruned,
    /// The master key is under a passphrase or shares, and nobody has opened it yet.
    #[error("the master key is sealed: a passphrase or shares open it")]
    Sealed,
    /// A change of keys that can't be made as things are.
    #[error("{0}")]
    KeyChangeRefused(String),
    /// A change of a tenant's key was cancelled.
    #[error("the change of the key was cancelled; nothing has changed")]
    KeyChangeCancelled,
}

impl StoreError {
    /// Does not return from a failed sync, wherever it surfaces.
    pub(crate) const fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| {
            if seal::is_failed_sync(&source) {
                fatal::sync_failed(what, &source);
            }
            Self::Io { what, source }
        }
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::WrongPassphrase
            | SealError::WeakPassphrase(_)
            | SealError::ShareFormat(_)
            | SealError::ShareRefused(_)
            | SealError::ShareCount { .. }
            | SealError::NoSuchProtection(_) => Self::KeyInput(error),
            other => Self::Seal(other),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        // Wherever it surfaces: a statement that outgrows the page cache writes and syncs too.
        if fatal::is_failed_sync(&source) {
            fatal::sync_failed("a database file or its write-ahead log", &source);
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::WrongKey,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(source),
            Some(ErrorCode::DiskFull) => Self::DiskFull(source),
            Some(ErrorCode::AuthorizationForStatementDenied) => Self::StatementRefused(source),
            _ => Self::Database(source),
        }
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::InUse | Self::DataDirectory(_) => "data_directory_unusable",
            Self::Seal(error) | Self::KeyInput(error) => seal_code(error),
            Self::Io { .. }
            | Self::Database(_)
            | Self::DiskFull(_)
            | Self::StatementRefused(_)
            | Self::NotCommitted
            | Self::CommitFailed(_)
            | Self::RolledBack
            | Self::Closed
            | Self::Panicked
            | Self::Entropy(_) => "store_unavailable",
            Self::WrongKey
            | Self::Missing(_)
            | Self::Damaged(_)
            | Self::Corrupt(_)
            | Self::AuditDamaged(_) => "store_damaged",
            Self::ChangedMigration(_) | Self::NewerSchema { .. } => "schema_unknown",
            Self::ReadOnly(_) => "tenant_read_only",
            Self::Busy => "store_busy",
            Self::QueueFull => "job_queue_full",
            Self::AuditUnavailable(_) => "audit_unavailable",
            Self::TenantNotFound => "tenant_not_found",
            Self::TenantSuspended => "tenant_suspended",
            Self::SlugTaken => "tenant_slug_taken",
            Self::Invalid(_) => "invalid_input",
            Self::Unauthenticated => "unauthenticated",
            Self::JobNotFound => "job_not_found",
            Self::JobEnded => "job_ended",
            Self::HoldInForce => "legal_hold_in_force",
            Self::NoHold => "legal_hold_not_in_force",
            Self::EntryPruned => "audit_entry_pruned",
            Self::Sealed => "sealed",
            Self::KeyChangeRefused(_) => "key_change_refused",
            Self::KeyChangeCancelled => "cancelled",
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::SlugTaken => Some(Violation::new("slug", "is taken by another tenant")),
            Self::KeyInput(SealError::WeakPassphrase(reason)) => {
                Some(Violation::new("passphrase", *reason))
            }
            Self::KeyInput(error @ SealError::ShareCount { .. }) => {
                Some(Violation::new("threshold", error.to_string()))
            }
            Self::KeyInput(error @ SealError::ShareFormat(_)) => {
                Some(Violation::new("share", error.to_string()))
            }
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Busy | Self::AuditUnavailable(_) => Some(1),
            Self::QueueFull => Some(30),
            _ => None,
        }
    }
}

/// What is on disk and is not what was written is damage; the rest may pass.
const fn seal_code(error: &SealError) -> Code {
    match error {
        SealError::WrappedKeyFormat(_)
        | SealError::Unwrap { .. }
        | SealError::VerifyingKey
        | SealError::Signature
        | SealError::NotEncrypted
        | SealError::FormatVersion { .. }
        | SealError::Truncated
        | SealError::SealedFormat(_)
        | SealError::Damaged { .. } => "store_damaged",
        SealError::WeakPassphrase(_) | SealError::ShareCount { .. } | SealError::ShareFormat(_) => {
            "invalid_input"
        }
        SealError::WrongPassphrase => "passphrase_refused",
        SealError::ShareRefused(_) => "share_refused",
        SealError::NoSuchProtection(_) => "key_change_refused",
        _ => "store_unavailable",
    }
}
