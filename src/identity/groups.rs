//! Groups of people: a group gives its members permissions beside those of their role. What the
//! tenant withholds from a role, or the appliance from everybody, no group gives back.

use base::limits::PAGE_MAX_ITEMS;
use base::{GroupId, Timestamp, UserId};
use policy::{Permission, PermissionSet, PermissionUnknown, Permit, effective, groups};
use serde_json::{Value, json};
use store::{ReadTx, TenantCtx};

use crate::store_groups as rows;
use crate::users::UserPage;
use crate::{IdentityError, events, store_users};

/// Most groups that a tenant may have.
pub const GROUPS_PER_TENANT_MAX: u32 = 200;

/// Longest name of a group, in characters.
const NAME_MAX_CHARS: usize = 80;

/// What a group is called; unique in the tenant, whatever the case of its letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(String);

impl GroupName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for the field `name`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 || chars > NAME_MAX_CHARS || text.chars().any(char::is_control) {
            return Err(IdentityError::invalid(
                "name",
                "must have 1 to 80 characters, none of them a control character",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) const fn from_row(text: String) -> Self {
        Self(text)
    }
}

/// A group of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What it is called.
    pub name: GroupName,
    /// The names of the permissions that it gives; those that this version does not know give
    /// nothing.
    pub permissions: Vec<String>,
    /// How many people are in it.
    pub members: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or permissions last changed.
    pub updated_at: Timestamp,
}

/// What is to change about a group; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// What it is called.
    pub name: Option<GroupName>,
    /// The names of all permissions that it is to give.
    pub permissions: Option<Vec<String>>,
}

impl Group {
    fn known(&self) -> PermissionSet {
        let known: Vec<Permission> =
            self.permissions.iter().filter_map(|name| name.parse().ok()).collect();
        PermissionSet::of(&known)
    }

    fn facts(&self) -> Value {
        json!({ "name": self.name.as_str(), "permissions": self.permissions })
    }
}

/// What somebody may put into a group: what they may do themselves, and the names of permissions that
/// nobody may have here.
struct Granter {
    own: PermissionSet,
    ceiling: Vec<String>,
}

impl Granter {
    fn of(ctx: &TenantCtx) -> Self {
        Self { own: effective(ctx.principal()), ceiling: ctx.withheld_permissions() }
    }

    /// The permissions `names` of a group that gave `before`, in the order of the matrix. What it gave
    /// before may stay, unknown names too.
    fn checked(
        &self,
        before: Option<&Group>,
        names: &[String],
    ) -> Result<Vec<String>, IdentityError> {
        let refuse = |reason: String| Err(IdentityError::invalid("permissions", reason));
        let had = |name: &String| before.is_some_and(|group| group.permissions.contains(name));
        let mut known = Vec::new();
        let mut kept = Vec::new();
        for name in names {
            match name.parse::<Permission>() {
                Ok(p) if p.is_of_appliance() => {
                    return refuse(format!("{p} belongs to the appliance and to no tenant"));
                }
                Ok(_) if self.ceiling.contains(name) && !had(name) => {
                    return refuse(format!("{name} is withheld from everybody on this appliance"));
                }
                Ok(p) => known.push(p),
                Err(_) if had(name) => kept.push(name.clone()),
                Err(unknown) => return refuse(PermissionUnknown::to_string(&unknown)),
            }
        }
        let known = PermissionSet::of(&known);
        let before = before.map_or(PermissionSet::EMPTY, Group::known);
        if !self.own.union(before).contains_all(known) {
            return Err(IdentityError::AboveOwn { field: "permissions" });
        }
        kept.sort_unstable();
        kept.dedup();
        Ok(known.iter().map(|p| p.as_str().to_owned()).chain(kept).collect())
    }
}

/// Makes a group that nobody is in yet.
///
/// # Errors
/// [`IdentityError::Invalid`] for a permission that there is not, or that no tenant's people may
/// have; [`IdentityError::AboveOwn`] for one that one does not have oneself;
/// [`IdentityError::GroupNameTaken`], [`IdentityError::TooManyGroups`], or the store's own.
pub async fn group_create(
    permit: Permit<'_, groups::Change>,
    name: GroupName,
    permissions: &[String],
) -> Result<Group, IdentityError> {
    let ctx = permit.ctx();
    let now = ctx.now();
    let group = Group {
        id: GroupId::new(now, ctx.entropy())?,
        name,
        permissions: Granter::of(ctx).checked(None, permissions)?,
        members: 0,
        created_at: now,
        updated_at: now,
    };
    ctx.write(move |tx| {
        if rows::group_name_taken(&tx, group.id, &group.name)? {
            return Err(IdentityError::GroupNameTaken);
        }
        if rows::group_count(&tx)? >= GROUPS_PER_TENANT_MAX {
            return Err(IdentityError::TooManyGroups { limit: GROUPS_PER_TENANT_MAX });
        }
        rows::group_insert(&tx, &group)?;
        let event = about(events::GROUP_CREATED, group.id).after(group.facts());
        Ok(tx.commit(event, group)?)
    })
    .await
}

/// All groups of the tenant, by name.
///
/// # Errors
/// The store's own.
pub async fn group_list(permit: Permit<'_, groups::Read>) -> Result<Vec<Group>, IdentityError> {
    permit.ctx().read(|tx| Ok(rows::group_list(tx)?)).await
}

/// A group of the tenant.
///
/// # Errors
/// [`IdentityError::GroupNotFound`], or the store's own.
pub async fn group_get(
    permit: Permit<'_, groups::Read>,
    id: GroupId,
) -> Result<Group, IdentityError> {
    permit.ctx().read(move |tx| find(tx, id)).await
}

/// Changes a group's name or what it gives. It counts for its members from their next request on.
///
/// # Errors
/// [`IdentityError::GroupNotFound`], or as [`group_create`].
pub async fn group_change(
    permit: Permit<'_, groups::Change>,
    id: GroupId,
    change: GroupChange,
) -> Result<Group, IdentityError> {
    let ctx = permit.ctx();
    let granter = Granter::of(ctx);
    ctx.write(move |tx| {
        let before = find(&tx, id)?;
        let mut after = Group { updated_at: tx.now(), ..before.clone() };
        if let Some(name) = change.name {
            after.name = name;
        }
        if let Some(permissions) = change.permissions {
            after.permissions = granter.checked(Some(&before), &permissions)?;
        }
        if rows::group_name_taken(&tx, id, &after.name)? {
            return Err(IdentityError::GroupNameTaken);
        }
        rows::group_update(&tx, &after)?;
        let event = about(events::GROUP_CHANGED, id).before(before.facts()).after(after.facts());
        Ok(tx.commit(event, after)?)
    })
    .await
}

/// Removes a group; its members lose what it gave.
///
/// # Errors
/// [`IdentityError::GroupNotFound`], or the store's own.
pub async fn group_remove(
    permit: Permit<'_, groups::Change>,
    id: GroupId,
) -> Result<(), IdentityError> {
    permit
        .ctx()
        .write(move |tx| {
            let group = find(&tx, id)?;
            rows::group_delete(&tx, id)?;
            let event = about(events::GROUP_REMOVED, id)
                .before(group.facts())
                .detail(json!({ "members": group.members }));
            Ok(tx.commit(event, ())?)
        })
        .await
}

/// Members of a group, at most `limit` and never more than [`PAGE_MAX_ITEMS`].
///
/// # Errors
/// [`IdentityError::GroupNotFound`], or the store's own.
pub async fn group_member_list(
    permit: Permit<'_, groups::Read>,
    id: GroupId,
    after: Option<UserId>,
    limit: u32,
) -> Result<UserPage, IdentityError> {
    let limit = limit.clamp(1, PAGE_MAX_ITEMS);
    permit
        .ctx()
        .read(move |tx| {
            find(tx, id)?;
            let mut ids = rows::member_ids(tx, id, after, limit)?;
            let more = ids.len() > limit as usize;
            ids.truncate(limit as usize);
            let mut users = Vec::with_capacity(ids.len());
            for id in &ids {
                users.extend(store_users::user_get(tx, *id)?);
            }
            Ok(UserPage { users, next: ids.last().copied().filter(|_| more) })
        })
        .await
}

/// Adds a person to a group; nothing changes when they are in it.
///
/// # Errors
/// [`IdentityError::GroupNotFound`], [`IdentityError::UserNotFound`]; [`IdentityError::AboveOwn`]
/// when the group gives what one does not have oneself; or the store's own.
pub async fn group_member_add(
    permit: Permit<'_, groups::Change>,
    id: GroupId,
    user: UserId,
) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let own = effective(ctx.principal());
    let ceiling = ctx.withheld_permissions();
    ctx.write(move |tx| {
        let group = find(&tx, id)?;
        store_users::user_get(&tx, user)?.ok_or(IdentityError::UserNotFound)?;
        // What nobody may have here is given to nobody by it.
        let gives = group.known().iter().filter(|p| !ceiling.iter().any(|w| w == p.as_str()));
        if !gives.into_iter().all(|permission| own.contains(permission)) {
            return Err(IdentityError::AboveOwn { field: "permissions" });
        }
        let added = rows::member_insert(&tx, id, user)?;
        let event = about(events::GROUP_MEMBER_ADDED, id)
            .detail(json!({ "user": user, "was_member": !added }));
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// Takes a person out of a group.
///
/// # Errors
/// [`IdentityError::GroupNotFound`]; [`IdentityError::UserNotFound`] when they are not in it; or the
/// store's own.
pub async fn group_member_remove(
    permit: Permit<'_, groups::Change>,
    id: GroupId,
    user: UserId,
) -> Result<(), IdentityError> {
    permit
        .ctx()
        .write(move |tx| {
            find(&tx, id)?;
            if !rows::member_delete(&tx, id, user)? {
                return Err(IdentityError::UserNotFound);
            }
            let event = about(events::GROUP_MEMBER_REMOVED, id).detail(json!({ "user": user }));
            Ok(tx.commit(event, ())?)
        })
        .await
}

fn find(tx: &ReadTx<'_>, id: GroupId) -> Result<Group, IdentityError> {
    rows::group_get(tx, id)?.ok_or(IdentityError::GroupNotFound)
}

fn about(action: audit::Action, id: GroupId) -> audit::Event {
    audit::Event::new(action).object("group", id)
}
