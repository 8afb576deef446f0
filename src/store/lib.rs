//! Everything that is kept: the control database, one database per tenant, original files, durable
//! jobs — and the handles that decide who may touch them.
//!
//! A tenant is a file and a handle. The handle, [`TenantScope`], exists only as the result of
//! finding a live session or token, of claiming a queued job, or of an operator key
//! (`scope.rs`, the file to read first). [`TenantCtx`] binds it to the one database it opens.
//! The only commit there is, [`WriteTx::commit`], takes the audit event of the change.
//!
//! Never:
//! - a function that touches tenant data and takes anything but a scope or a context;
//! - a change without an entry in the audit log, or an entry without its change;
//! - an acknowledgement before the commit and the signed checkpoint are on disk;
//! - a retry of a failed `fsync`: the process ends and the restart recovers;
//! - plaintext of a tenant in a file, temporary ones included.
//!
//! ```compile_fail
//! // A scope can't be made by hand.
//! let scope = store::TenantScope { tenant_id: todo!(), principal: todo!() };
//! ```
//! ```compile_fail
//! // A scope can't be kept for later by copying it.
//! fn keep(scope: &store::TenantScope) -> store::TenantScope { scope.clone() }
//! ```
//! ```compile_fail
//! // There is no commit without an event.
//! fn silent(tx: store::WriteTx<'_>) { let _ = tx.commit((), ()); }
//! ```

mod appliance;
mod audit_log;
mod blobs;
mod connection;
mod context;
mod control;
mod credentials;
mod database;
mod error;
mod fatal;
mod job_runner;
mod jobs;
mod ledger;
mod migrate;
mod open;
mod reader;
mod scope;
mod settings;
pub mod sql;
mod tenants;
mod writer;

pub use appliance::{ApplianceScope, NewTenant, Tenant, TenantStatus};
pub use audit_log::{
    AuditFilter, AuditPage, AuditRow, VerifyOutcome, audit_entries, verify_data_dir,
};
pub use blobs::{BlobInfo, Blobs, SealedDirectory};
pub use context::TenantCtx;
pub use credentials::{Credential, CredentialDb, NewSessionRow};
pub use database::Health;
pub use error::StoreError;
pub use job_runner::{JobContext, JobFailure, JobHandler, JobRunner};
pub use jobs::{
    ClaimedJob, Job, JobPage, JobState, NewJob, job_cancel, job_enqueue, job_get, job_list,
    job_progress,
};
pub use open::{Store, StoreOptions};
pub use reader::ReadTx;
pub use scope::{LiveSession, OperatorKey, SessionLimits, TenantScope};
pub use settings::StoreSettings;
pub use writer::{Committed, WriteTx};
