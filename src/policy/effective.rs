//! What remains of a role's permissions for whoever acts: groups add, the appliance's ceiling and the
//! tenant's settings take away, an API key's scopes bound the rest. In this order, so that what is
//! taken away can't be given back by a group, and a key never has more than its person.
//!
//! Names that this version does not know come from a newer one. They add nothing; where they
//! withhold, they withhold something that is not there.

use std::str::FromStr;

use base::{Grants, Principal, Role};

use crate::{Permission, PermissionSet, permissions_of};

/// A word that is not a permission.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a permission; GET /api/v1/auth/me lists one's own")]
pub struct PermissionUnknown(String);

impl FromStr for Permission {
    type Err = PermissionUnknown;

    fn from_str(text: &str) -> Result<Self, PermissionUnknown> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| PermissionUnknown(text.chars().take(64).collect()))
    }
}

/// The permissions among `names` that this version knows.
fn known(names: &[String]) -> PermissionSet {
    let known: Vec<Permission> = names.iter().filter_map(|name| name.parse().ok()).collect();
    PermissionSet::of(&known)
}

/// What somebody in `role` with these `grants` may do.
#[must_use]
pub fn effective_of(role: Role, grants: &Grants) -> PermissionSet {
    // Every permission of a tenant is an administrator's (asserted by a test), so this keeps those
    // of the appliance out.
    let added = known(&grants.added).intersection(permissions_of(Role::Admin));
    let whole = permissions_of(role).union(added).without(known(&grants.withheld));
    match &grants.limited_to {
        None => whole,
        Some(scopes) => whole.intersection(known(scopes)),
    }
}

/// What `principal` may do.
#[must_use]
pub fn effective(principal: &Principal) -> PermissionSet {
    effective_of(principal.rights.role, &principal.grants)
}

/// Whether `own` may make somebody of the role `role` and with `grants`, or get hold of their
/// credentials: only where nothing is gained by acting as them. Roles are compared by rank, so that
/// an administrator from whom the tenant took a task may still appoint those who do it.
#[must_use]
pub fn may_stand_in(own: &Principal, role: Role, grants: &Grants) -> bool {
    let mine = effective(own);
    let theirs = effective_of(role, grants);
    // What groups give beyond the role is compared one by one, and for a key everything is but to
    // issue tokens, which no key may have and which give nothing beyond what is compared here.
    let to_compare = match own.grants.limited_to {
        None => theirs.without(permissions_of(role)),
        Some(_) => theirs.without(PermissionSet::of(&[Permission::TokensIssue])),
    };
    role <= own.rights.role && mine.contains_all(to_compare)
}

/// What everybody needs to sign in at all: who a person is, and their own password and sessions.
const TO_SIGN_IN: PermissionSet =
    PermissionSet::of(&[Permission::ProfileRead, Permission::ProfileChange]);

/// What undoes a setting.
const TO_UNDO: PermissionSet =
    PermissionSet::of(&[Permission::SettingsRead, Permission::SettingsChange]);

/// Whether `permission` may be taken from `role` by a tenant's setting, or from everybody by the
/// appliance's configuration (`None`). What is needed to sign in stays, and an administrator keeps
/// what undoes the setting.
#[must_use]
pub fn may_be_withheld(role: Option<Role>, permission: Permission) -> bool {
    let kept = match role {
        Some(Role::Viewer | Role::Operator) => TO_SIGN_IN,
        Some(Role::Admin) | None => TO_SIGN_IN.union(TO_UNDO),
    };
    !kept.contains(permission) && !permission.is_of_appliance()
}

/// Whether an API key may have `permission` as a scope: not those of the appliance, and not to issue
/// tokens, which would carry the whole role.
#[must_use]
pub fn may_be_scope(permission: Permission) -> bool {
    !permission.is_of_appliance() && permission != Permission::TokensIssue
}

#[cfg(test)]
mod tests {
    use base::{Actor, Classification, Rights};
    use proptest::prelude::*;

    use super::*;

    fn role() -> impl Strategy<Value = Role> {
        proptest::sample::select(&Role::ALL[..])
    }

    /// Names of permissions, of the appliance's too, and of some that do not exist.
    fn names() -> impl Strategy<Value = Vec<String>> {
        let known = proptest::sample::select(&Permission::ALL[..]).prop_map(|p| p.to_string());
        let name = prop_oneof![8 => known, 1 => "[a-z]{1,8}\\.[a-z]{1,8}", 1 => any::<String>()];
        proptest::collection::vec(name, 0..30)
    }

    fn grants() -> impl Strategy<Value = Grants> {
        (names(), names(), proptest::option::of(names()))
            .prop_map(|(added, withheld, limited_to)| Grants { added, withheld, limited_to })
    }

    fn principal() -> impl Strategy<Value = Principal> {
        (role(), grants()).prop_map(|(role, grants)| {
            let rights = Rights { role, clearance: Classification::Public, export_eligible: false };
            Principal { actor: Actor::Console, user_id: None, rights, grants }
        })
    }

    proptest! {
        #[test]
        fn nothing_is_effective_beyond_role_and_groups_or_despite_being_withheld(
            role in role(), grants in grants(),
        ) {
            let found = effective_of(role, &grants);
            for permission in found.iter() {
                let name = permission.to_string();
                let given = permissions_of(role).contains(permission)
                    || grants.added.contains(&name);
                prop_assert!(given, "{name} comes from nowhere");
                prop_assert!(!grants.withheld.contains(&name), "{name} is withheld");
                let in_scope = grants.limited_to.as_ref().is_none_or(|s| s.contains(&name));
                prop_assert!(in_scope, "{name} is no scope");
                prop_assert!(!permission.is_of_appliance());
            }
            // And nothing else is missing.
            for permission in permissions_of(role).without(found).iter() {
                let name = permission.to_string();
                let out = grants.limited_to.as_ref().is_some_and(|s| !s.contains(&name));
                prop_assert!(out || grants.withheld.contains(&name), "{name} is gone");
            }
        }

        #[test]
        fn withholding_and_narrowing_never_add(
            role in role(), grants in grants(), more in names(), scopes in names(),
        ) {
            let before = effective_of(role, &grants);
            let mut withheld = grants.clone();
            withheld.withheld.extend(more);
            prop_assert!(before.contains_all(effective_of(role, &withheld)));
            let narrowed = Grants {
                limited_to: Some(match &grants.limited_to {
                    None => scopes,
                    Some(known) => known.iter().filter(|s| scopes.contains(s)).cloned().collect(),
                }),
                ..grants.clone()
            };
            prop_assert!(before.contains_all(effective_of(role, &narrowed)));
        }

        #[test]
        fn groups_never_take_away(role in role(), grants in grants(), more in names()) {
            let mut with = grants.clone();
            with.added.extend(more);
            prop_assert!(effective_of(role, &with).contains_all(effective_of(role, &grants)));
        }

        #[test]
        fn names_that_nobody_knows_change_nothing(role in role(), grants in grants()) {
            let is_known = |name: &String| name.parse::<Permission>().is_ok();
            let only_known = |names: &[String]| -> Vec<String> {
                names.iter().filter(|name| is_known(name)).cloned().collect()
            };
            let without = Grants {
                added: only_known(&grants.added),
                withheld: only_known(&grants.withheld),
                limited_to: grants.limited_to.as_deref().map(only_known),
            };
            prop_assert_eq!(effective_of(role, &grants), effective_of(role, &without));
        }

        #[test]
        fn nobody_gains_by_standing_in(own in principal(), role in role(), theirs in grants()) {
            let theirs = Grants { limited_to: None, ..theirs };
            if may_stand_in(&own, role, &theirs) {
                prop_assert!(role <= own.rights.role);
                let gained = effective_of(role, &theirs).without(effective(&own));
                // At most what the tenant took from the higher role and left to the lower one.
                prop_assert!(permissions_of(role).contains_all(gained));
                if own.grants.limited_to.is_some() {
                    prop_assert!(gained.iter().all(|p| p == Permission::TokensIssue));
                }
            }
        }
    }

    #[test]
    fn a_setting_that_may_be_made_can_be_undone_and_lets_people_in() {
        for role in Role::ALL {
            let withheld = Permission::ALL.into_iter().filter(|p| may_be_withheld(Some(role), *p));
            let withheld = withheld.map(|p| p.to_string()).collect();
            let left = effective_of(role, &Grants { withheld, ..Grants::default() });
            assert!(left.contains_all(TO_SIGN_IN), "{role}");
            assert_eq!(left.contains(Permission::SettingsChange), role == Role::Admin);
        }
        assert!(Permission::ALL.into_iter().all(|p| !p.is_of_appliance() || !may_be_scope(p)));
        assert!(!may_be_withheld(None, Permission::SettingsChange));
    }

    #[test]
    fn permissions_are_read_as_they_are_written() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse::<Permission>().ok(), Some(permission));
        }
        assert!("Chat.Send".parse::<Permission>().is_err());
        assert!("".parse::<Permission>().is_err());
    }
}
