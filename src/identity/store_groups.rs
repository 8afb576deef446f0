//! Rows of `user_groups` and `group_members`.

use base::{GroupId, Timestamp, UserId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::groups::{Group, GroupName};

const COLUMNS: &str = "g.id, g.name, g.permissions, g.created_at, g.updated_at,
    (SELECT count(*) FROM group_members m WHERE m.group_id = g.id)";

pub(crate) fn group_insert(tx: &WriteTx<'_>, group: &Group) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO user_groups (id, name, permissions, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            group.id.as_bytes(),
            group.name.as_str(),
            serde_json::to_string(&group.permissions).unwrap_or_default(),
            group.created_at.unix_ms(),
            group.updated_at.unix_ms(),
        ],
    )?;
    Ok(())
}

pub(crate) fn group_update(tx: &WriteTx<'_>, group: &Group) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE user_groups SET name = ?2, permissions = ?3, updated_at = ?4 WHERE id = ?1",
        params![
            group.id.as_bytes(),
            group.name.as_str(),
            serde_json::to_string(&group.permissions).unwrap_or_default(),
            group.updated_at.unix_ms(),
        ],
    )?;
    Ok(())
}

/// Removes a group; its members go with it.
pub(crate) fn group_delete(tx: &WriteTx<'_>, id: GroupId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM user_groups WHERE id = ?1", [id.as_bytes()])?;
    Ok(())
}

pub(crate) fn group_get(tx: &ReadTx<'_>, id: GroupId) -> Result<Option<Group>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user_groups g WHERE g.id = ?1");
    tx.query_optional(&sql, [id.as_bytes()], raw_group)?.map(RawGroup::checked).transpose()
}

/// Whether a group besides `id` has this name.
pub(crate) fn group_name_taken(
    tx: &ReadTx<'_>,
    id: GroupId,
    name: &GroupName,
) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT count(*) > 0 FROM user_groups WHERE name = ?2 AND id <> ?1",
        params![id.as_bytes(), name.as_str()],
        |row| row.get(0),
    )
}

pub(crate) fn group_count(tx: &ReadTx<'_>) -> Result<u32, StoreError> {
    tx.query_row("SELECT count(*) FROM user_groups", [], |row| row.get(0))
}

/// All groups by name. Their number is limited when they are made.
pub(crate) fn group_list(tx: &ReadTx<'_>) -> Result<Vec<Group>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user_groups g ORDER BY g.name");
    tx.query_all(&sql, [], raw_group)?.into_iter().map(RawGroup::checked).collect()
}

/// Returns whether the person was no member yet.
pub(crate) fn member_insert(
    tx: &WriteTx<'_>,
    group: GroupId,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "INSERT INTO group_members (group_id, user_id, added_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
        params![group.as_bytes(), user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(changed == 1)
}

/// Returns whether the person was a member.
pub(crate) fn member_delete(
    tx: &WriteTx<'_>,
    group: GroupId,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "DELETE FROM group_members WHERE group_id = ?1 AND user_id = ?2",
        params![group.as_bytes(), user.as_bytes()],
    )?;
    Ok(changed == 1)
}

/// One more than `limit` members, in the order in which they were added to the tenant.
pub(crate) fn member_ids(
    tx: &ReadTx<'_>,
    group: GroupId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<UserId>, StoreError> {
    let raw = tx.query_all(
        "SELECT user_id FROM group_members
         WHERE group_id = ?1 AND (?2 IS NULL OR user_id > ?2) ORDER BY user_id LIMIT ?3",
        params![group.as_bytes(), after.map(|id| *id.as_bytes()), i64::from(limit) + 1],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let checked = |id: Vec<u8>| Ok(UserId::from_bytes(id_bytes(&id, "group_members.user_id")?));
    raw.into_iter().map(checked).collect()
}

struct RawGroup(Vec<u8>, String, String, (i64, i64), u32);

fn raw_group(row: &Row<'_>) -> store::sql::Result<RawGroup> {
    let times = (row.get(3)?, row.get(4)?);
    Ok(RawGroup(row.get(0)?, row.get(1)?, row.get(2)?, times, row.get(5)?))
}

impl RawGroup {
    fn checked(self) -> Result<Group, StoreError> {
        let (created_at, updated_at) = self.3;
        Ok(Group {
            id: GroupId::from_bytes(id_bytes(&self.0, "user_groups.id")?),
            name: GroupName::from_row(self.1),
            permissions: serde_json::from_str(&self.2)
                .map_err(|_| StoreError::Corrupt("user_groups.permissions"))?,
            members: self.4,
            created_at: Timestamp::from_unix_ms(created_at),
            updated_at: Timestamp::from_unix_ms(updated_at),
        })
    }
}
