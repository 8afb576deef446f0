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
//! Scopes come from the mints alone. Each refusal stands beside a twin that compiles and differs in
//! nothing else.
//!
//! ```compile_fail
//! // A scope can't be made by hand.
//! fn forge(principal: base::Principal, tenant_id: base::TenantId) -> store::TenantScope {
//!     store::TenantScope { tenant_id, principal }
//! }
//! ```
//! ```
//! // What it says can be read.
//! fn pass(scope: store::TenantScope) -> (base::Principal, base::TenantId) {
//!     (scope.principal().clone(), scope.tenant_id())
//! }
//! ```
//! ```compile_fail
//! // A scope can't be kept for later by copying it.
//! fn keep(scope: &store::TenantScope) -> store::TenantScope { scope.clone() }
//! ```
//! ```
//! // What it says can be copied.
//! fn note(scope: &store::TenantScope) -> base::Principal { scope.principal().clone() }
//! ```
//! ```compile_fail
//! // Nor can the proof of having opened the data directory.
//! fn keep(key: &store::OperatorKey) -> store::OperatorKey { key.clone() }
//! ```
//! ```
//! fn keep(key: store::OperatorKey) -> store::OperatorKey { key }
//! ```
//! ```compile_fail
//! // Nor can the right of an issuer be copied.
//! fn keep(key: &store::FederationKey) -> store::FederationKey { key.clone() }
//! ```
//! ```compile_fail
//! // Nor made without the operator key.
//! fn forge(issuer: base::IssuerName) -> store::FederationKey {
//!     store::FederationKey { issuer, tenant_slug: "rauental".into() }
//! }
//! ```
//! ```
//! fn keep(key: store::FederationKey) -> store::FederationKey { key }
//! ```
//! ```compile_fail
//! // There is no commit without an event.
//! fn silent(tx: store::WriteTx<'_>) { let _ = tx.commit((), ()); }
//! ```
//! ```
//! const DONE: audit::Action = audit::Action::new("document.upload");
//! fn told(tx: store::WriteTx<'_>) { let _ = tx.commit(audit::Event::new(DONE), ()); }
//! ```
//! ```compile_fail
//! // A change can't succeed without its commit.
//! async fn change(ctx: &store::TenantCtx) -> Result<(), store::StoreError> {
//!     ctx.write(|tx: store::WriteTx<'_>| Ok::<_, store::StoreError>(())).await
//! }
//! ```
//! ```
//! const DONE: audit::Action = audit::Action::new("document.upload");
//! async fn change(ctx: &store::TenantCtx) -> Result<(), store::StoreError> {
//!     ctx.write(|tx: store::WriteTx<'_>| tx.commit(audit::Event::new(DONE), ())).await
//! }
//! ```
//! ```compile_fail
//! // After the commit nothing more can be changed.
//! const DONE: audit::Action = audit::Action::new("document.upload");
//! fn late(tx: store::WriteTx<'_>) {
//!     let _ = tx.commit(audit::Event::new(DONE), ());
//!     let _ = tx.execute("DELETE FROM documents", ());
//! }
//! ```
//! ```
//! const DONE: audit::Action = audit::Action::new("document.upload");
//! fn in_time(tx: store::WriteTx<'_>) {
//!     let _ = tx.execute("DELETE FROM documents", ());
//!     let _ = tx.commit(audit::Event::new(DONE), ());
//! }
//! ```
//! ```compile_fail
//! // A reader can't change anything.
//! fn change(tx: &store::ReadTx<'_>) { let _ = tx.execute("DELETE FROM documents", ()); }
//! ```
//! ```
//! fn change(tx: &store::WriteTx<'_>) { let _ = tx.execute("DELETE FROM documents", ()); }
//! ```

mod appliance;
mod at_rest;
mod audit_export;
mod audit_log;
mod blobs;
mod checkpoint;
mod connection;
mod context;
mod control;
mod control_keys;
mod credentials;
mod database;
mod directory;
mod error;
mod fatal;
mod grants;
mod group;
mod guard;
mod guesses;
mod job_agenda;
mod job_everywhere;
mod job_handler;
mod job_runner;
mod job_turns;
mod jobs;
mod key_place;
mod ledger;
mod live_keys;
mod log_place;
mod master_key;
mod master_rotation;
mod migrate;
mod models;
mod open;
mod open_tenant;
mod reader;
mod refresh;
mod retention;
mod scope;
mod scope_rows;
mod sealed;
mod settings;
pub mod sql;
mod steps;
mod table_query;
mod tenant_rotation;
mod tenants;
mod vectors;
mod verify;
mod verify_rows;
mod witness;
mod writer;

pub use appliance::{ApplianceScope, NewTenant, Tenant, TenantStatus};
pub use audit_export::{SignedHead, audit_bytes, audit_leaves, audit_range};
pub use audit_log::{
    ActionsFilter, AuditFilter, AuditPage, AuditRow, audit_entries, audit_entries_of,
};
pub use blobs::{BlobInfo, Blobs, SealedDirectory};
pub use context::TenantCtx;
pub use credentials::{Credential, CredentialDb, NewSessionRow};
pub use database::Health;
pub use error::StoreError;
pub use grants::{WITHHELD_PERMISSIONS, grants_of};
pub use guesses::{CredentialKey, GuessRow, guesses_get, guesses_put};
pub use job_handler::{JobContext, JobFailure, JobHandler, Retry};
pub use job_runner::JobRunner;
pub use jobs::{
    ClaimedJob, Job, JobPage, JobState, NewJob, job_cancel, job_enqueue, job_get, job_list,
    job_progress, job_result,
};
pub use key_place::KeyProtection;
pub use live_keys::{KEY_PREFIX_BYTES, LiveKey};
pub use master_key::KeyState;
pub use master_rotation::{MasterKeyChange, MasterKeyChanged};
pub use models::{ModelFileHash, ModelMeasurement, ModelRow, NewModelRow};
pub use open::{Start, Store, StoreOptions};
pub use reader::ReadTx;
pub use refresh::{AccessTokenRow, Exchange, RefreshFound, credentials_forget_ended};
pub use retention::{
    AUDIT_RETENTION_DAYS, LEGAL_HOLD_REASON_MAX_CHARS, LegalHold, Pruned, RETENTION_DEFAULT_DAYS,
    RETENTION_MOST_DAYS, Retention, audit_pruned, legal_hold_lift, legal_hold_set, retention,
    retention_days,
};
pub use scope::{
    FederatedClaim, FederationKey, LiveSession, LiveToken, OperatorKey, SECOND_FACTOR_ROLES,
    SecondFactor, SessionLimits, TenantScope,
};
pub use sealed::{SealedStore, ShareProgress};
pub use settings::StoreSettings;
pub use table_query::{
    TABLE_MAX_BYTES, TABLE_MAX_COLUMNS, TABLE_MAX_ROWS, TABLE_NAME, TableAnswer, TableCell,
    TableCopy, TableLimits, TableQueryError, table_query, table_query_patience,
};
pub use tenant_rotation::{RotationPhase, RotationState, RotationView};
pub use verify::{VerifyOutcome, WitnessedOutcome, verify_data_dir, verify_with_witness};
pub use witness::{
    SYSLOG_MARK, SYSLOG_SOCKET, Witness, WitnessPlace, WitnessSettings, WitnessState,
};
pub use writer::{Committed, WriteTx};

#[cfg(test)]
mod tests;
