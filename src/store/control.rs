//! Rows of the control database.

use base::{TenantId, Timestamp};
use rusqlite::{Row, params};
use seal::WrappedKey;

use crate::appliance::{Tenant, TenantStatus};
use crate::sql::id_bytes;
use crate::{ReadTx, StoreError, WriteTx};

/// A tenant with its keys, as the control database keeps it.
#[derive(Clone)]
pub(crate) struct TenantRow {
    pub(crate) tenant: Tenant,
    /// Data key and signing key; `None` once the tenant is removed.
    pub(crate) keys: Option<(WrappedKey, WrappedKey)>,
    pub(crate) audit_public_key: [u8; 32],
    /// How often the data key was changed.
    pub(crate) key_generation: u32,
}

const COLUMNS: &str = "id, slug, name, status, wrapped_data_key, wrapped_signing_key, \
                       audit_public_key, created_at, updated_at";

/// The schema from which on keys can be changed. An older one is only met in a database that is not
/// sound, and is therefore not migrated but read as it is.
const KEYS_SCHEMA: u32 = 3;

fn knows_key_changes(tx: &ReadTx<'_>) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT count(*) > 0 FROM schema_migrations WHERE version >= ?1",
        [KEYS_SCHEMA],
        |row| row.get(0),
    )
}

pub(crate) fn tenant_rows(tx: &ReadTx<'_>) -> Result<Vec<TenantRow>, StoreError> {
    let generation = if knows_key_changes(tx)? { "key_generation" } else { "0" };
    let sql = format!("SELECT {COLUMNS}, {generation} FROM tenants ORDER BY slug");
    let raw = tx.query_all(&sql, [], raw_row)?;
    raw.into_iter().map(RawTenant::checked).collect()
}

pub(crate) fn tenant_row(tx: &ReadTx<'_>, id: TenantId) -> Result<TenantRow, StoreError> {
    let sql = format!("SELECT {COLUMNS}, key_generation FROM tenants WHERE id = ?1");
    tx.query_optional(&sql, [id.as_bytes()], raw_row)?.ok_or(StoreError::TenantNotFound)?.checked()
}

pub(crate) fn tenant_insert(tx: &WriteTx<'_>, row: &TenantRow) -> Result<(), StoreError> {
    let (data, signing) = row.keys.as_ref().ok_or(StoreError::Corrupt("tenants keys"))?;
    let inserted = tx.execute(
        "INSERT INTO tenants (id, slug, name, status, wrapped_data_key, wrapped_signing_key,
                              audit_public_key, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        params![
            row.tenant.id.as_bytes(),
            row.tenant.slug,
            row.tenant.name,
            row.tenant.status.as_str(),
            data.as_bytes(),
            signing.as_bytes(),
            row.audit_public_key,
            row.tenant.created_at.unix_ms(),
        ],
    );
    match inserted {
        Err(StoreError::Database(rusqlite::Error::SqliteFailure(e, _)))
            if e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE =>
        {
            Err(StoreError::SlugTaken)
        }
        other => other.map(|_| ()),
    }
}

pub(crate) fn tenant_set_status(
    tx: &WriteTx<'_>,
    id: TenantId,
    status: TenantStatus,
) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE tenants SET status = ?2, updated_at = ?3 WHERE id = ?1 AND status <> 'removed'",
        params![id.as_bytes(), status.as_str(), tx.now().unix_ms()],
    )?;
    if changed == 1 { Ok(()) } else { Err(StoreError::TenantNotFound) }
}

/// Forgets the keys: from here on the tenant's files are noise. The slug is freed for reuse.
pub(crate) fn tenant_destroy_keys(tx: &WriteTx<'_>, id: TenantId) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE tenants SET status = 'removed', wrapped_data_key = NULL,
                wrapped_signing_key = NULL, slug = slug || ':' || hex(id), updated_at = ?2
         WHERE id = ?1 AND status <> 'removed'",
        params![id.as_bytes(), tx.now().unix_ms()],
    )?;
    if changed == 1 { Ok(()) } else { Err(StoreError::TenantNotFound) }
}

/// Puts newly wrapped keys in the place of `old`; says whether those were still there.
pub(crate) fn tenant_rewrap(
    tx: &WriteTx<'_>,
    id: TenantId,
    old: &(WrappedKey, WrappedKey),
    new: &(WrappedKey, WrappedKey),
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE tenants SET wrapped_data_key = ?2, wrapped_signing_key = ?3
         WHERE id = ?1 AND wrapped_data_key = ?4 AND wrapped_signing_key = ?5",
        params![
            id.as_bytes(),
            new.0.as_bytes(),
            new.1.as_bytes(),
            old.0.as_bytes(),
            old.1.as_bytes(),
        ],
    )?;
    Ok(changed == 1)
}

/// Puts a new data key in the place of `old`: the files of `generation` are the tenant's from here on.
pub(crate) fn tenant_set_data_key(
    tx: &WriteTx<'_>,
    id: TenantId,
    old: &WrappedKey,
    new: &WrappedKey,
    generation: u32,
) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE tenants SET wrapped_data_key = ?2, key_generation = ?3, updated_at = ?4
         WHERE id = ?1 AND wrapped_data_key = ?5 AND key_generation = ?3 - 1",
        params![id.as_bytes(), new.as_bytes(), generation, tx.now().unix_ms(), old.as_bytes(),],
    )?;
    if changed == 1 { Ok(()) } else { Err(StoreError::TenantNotFound) }
}

/// The name of the master key that wraps the keys here, and since when; `None` before its first change.
pub(crate) fn master_key_get(tx: &ReadTx<'_>) -> Result<Option<(String, Timestamp)>, StoreError> {
    if !knows_key_changes(tx)? {
        return Ok(None);
    }
    tx.query_optional("SELECT key_id, changed_at FROM master_key", [], |row| {
        Ok((row.get(0)?, Timestamp::from_unix_ms(row.get(1)?)))
    })
}

pub(crate) fn master_key_put(tx: &WriteTx<'_>, key_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO master_key (one, key_id, changed_at) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET key_id = excluded.key_id, changed_at = excluded.changed_at",
        params![key_id, tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(crate) fn appliance_admin_exists(
    tx: &ReadTx<'_>,
    tenant: TenantId,
    user: base::UserId,
) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT count(*) > 0 FROM appliance_admins WHERE tenant_id = ?1 AND user_id = ?2",
        params![tenant.as_bytes(), user.as_bytes()],
        |row| row.get(0),
    )
}

pub(crate) fn appliance_admin_insert(
    tx: &WriteTx<'_>,
    tenant: TenantId,
    user: base::UserId,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO appliance_admins (tenant_id, user_id, granted_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
        params![tenant.as_bytes(), user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

struct RawTenant {
    id: Vec<u8>,
    slug: String,
    name: String,
    status: String,
    data: Option<Vec<u8>>,
    signing: Option<Vec<u8>>,
    public: Vec<u8>,
    created_at: i64,
    updated_at: i64,
    key_generation: u32,
}

fn raw_row(row: &Row<'_>) -> rusqlite::Result<RawTenant> {
    Ok(RawTenant {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        status: row.get(3)?,
        data: row.get(4)?,
        signing: row.get(5)?,
        public: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        key_generation: row.get(9)?,
    })
}

impl RawTenant {
    fn checked(self) -> Result<TenantRow, StoreError> {
        let keys = match (self.data, self.signing) {
            (Some(data), Some(signing)) => {
                Some((WrappedKey::from_bytes(&data)?, WrappedKey::from_bytes(&signing)?))
            }
            _ => None,
        };
        Ok(TenantRow {
            tenant: Tenant {
                id: TenantId::from_bytes(id_bytes(&self.id, "tenants.id")?),
                slug: self.slug,
                name: self.name,
                status: TenantStatus::parse(&self.status)
                    .ok_or(StoreError::Corrupt("tenants.status"))?,
                created_at: Timestamp::from_unix_ms(self.created_at),
                updated_at: Timestamp::from_unix_ms(self.updated_at),
            },
            keys,
            key_generation: self.key_generation,
            audit_public_key: self
                .public
                .try_into()
                .map_err(|_| StoreError::Corrupt("tenants.audit_public_key"))?,
        })
    }
}
