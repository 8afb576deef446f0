//! Where a log is and what it is read and verified with, for all that looks at logs from outside:
//! verifying and witnessing.

use std::path::PathBuf;
use std::sync::Arc;

use audit::Checkpoint;
use seal::{DataKey, VerifyingKey};

use crate::checkpoint::read_signed_note;
use crate::connection::{Access, Connection};
use crate::control::TenantRow;
use crate::open::{APPLIANCE_ORIGIN, CONTROL_CHECKPOINT, CONTROL_DB};
use crate::open_tenant::{TenantFiles, tenant_dir, tenant_origin};
use crate::{Store, StoreError};

/// One log of the data directory.
pub(crate) struct LogPlace {
    pub(crate) origin: String,
    pub(crate) database: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) key: Arc<DataKey>,
    /// The key that signs its checkpoints.
    pub(crate) signed_by: VerifyingKey,
}

impl LogPlace {
    /// The newest signed head, with the note as it was signed.
    pub(crate) fn head(&self) -> Result<(String, Checkpoint), StoreError> {
        let found = read_signed_note(&self.checkpoint, &self.origin, &self.signed_by)?;
        found.ok_or_else(|| {
            StoreError::AuditDamaged("the signed checkpoint beside the database is missing".into())
        })
    }

    /// A connection of its own, beside those of whoever has the database open.
    pub(crate) fn open(&self) -> Result<Connection, StoreError> {
        if !self.database.exists() {
            return Err(StoreError::Missing("a database"));
        }
        Connection::open(&self.database, &self.key, Access::Read)
    }
}

impl Store {
    pub(crate) fn appliance_log(&self) -> Result<LogPlace, StoreError> {
        let dir = self.data_dir();
        Ok(LogPlace {
            origin: APPLIANCE_ORIGIN.into(),
            database: dir.join(CONTROL_DB),
            checkpoint: dir.join(CONTROL_CHECKPOINT),
            key: Arc::clone(&self.inner.control_key),
            signed_by: VerifyingKey::from_bytes(self.inner.control_head_key.as_bytes())?,
        })
    }

    pub(crate) fn tenant_log(&self, row: &TenantRow) -> Result<LogPlace, StoreError> {
        let id = row.tenant.id;
        let keys = self.inner.tenant_keys(id)?;
        let dir = tenant_dir(self.data_dir(), id);
        Ok(LogPlace {
            origin: tenant_origin(id),
            database: TenantFiles::of(&dir, keys.generation).database,
            checkpoint: dir.join("checkpoint"),
            key: Arc::new(keys.data.derive("tenant database")),
            signed_by: VerifyingKey::from_bytes(&row.audit_public_key)?,
        })
    }
}
