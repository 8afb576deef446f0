//! How the permissions of a person differ from those of their role: groups add, the tenant's settings
//! and the appliance's configuration withhold. Names only; `policy` knows what they mean.

use base::{Grants, Role, UserId};
use rusqlite::params;

use crate::{ReadTx, StoreError, TenantCtx};

/// Name of the tenant's setting with the permissions that it takes from its roles, as a JSON object
/// of arrays by role.
pub const WITHHELD_PERMISSIONS: &str = "withheld_permissions";

/// What is added to and withheld from `user`, who acts as `acts_as`, which may be less than their
/// `role`: then the groups add nothing, and what either role lacks is withheld.
///
/// # Errors
/// The store's own; a setting or a group that can't be read is an error, not an empty list.
pub(crate) fn read(
    tx: &ReadTx<'_>,
    user: UserId,
    (role, acts_as): (Role, Role),
    ceiling: &[String],
) -> Result<Grants, StoreError> {
    let rows = tx.query_all(
        "SELECT 1, p.value FROM group_members m JOIN user_groups g ON g.id = m.group_id,
                json_each(g.permissions) p
         WHERE m.user_id = ?1 AND ?2 = ?3
         UNION
         SELECT 0, p.value FROM json_each((SELECT value FROM settings WHERE name = ?4)) r,
                json_each(r.value) p
         WHERE r.key IN (?2, ?3)",
        params![user.as_bytes(), role.as_str(), acts_as.as_str(), WITHHELD_PERMISSIONS],
        |row| Ok((row.get::<_, bool>(0)?, row.get::<_, String>(1)?)),
    )?;
    let mut grants = Grants { withheld: ceiling.to_vec(), ..Grants::default() };
    for (adds, name) in rows {
        if adds { &mut grants.added } else { &mut grants.withheld }.push(name);
    }
    Ok(grants)
}

impl TenantCtx {
    /// Names of the permissions that no person of any tenant has on this appliance.
    #[must_use]
    pub fn withheld_permissions(&self) -> Vec<String> {
        self.store().inner.settings.withheld_permissions.clone()
    }
}

/// What would be added to and withheld from `user` in the role `role`, for rules about changing
/// people. `ceiling` is [`TenantCtx::withheld_permissions`].
///
/// # Errors
/// The store's own.
pub fn grants_of(
    tx: &ReadTx<'_>,
    user: UserId,
    role: Role,
    ceiling: &[String],
) -> Result<Grants, StoreError> {
    read(tx, user, (role, role), ceiling)
}
