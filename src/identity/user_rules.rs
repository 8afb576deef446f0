//! Who may change whom, and by how much. Pure.

use base::{Grants, Principal, Rights, UserId};
use policy::may_stand_in;

use crate::{IdentityError, User};

/// Nobody changes their own rights or status, in neither direction: who lowered themselves by
/// mistake could not undo it, and who raises themselves needs nobody's consent.
pub(crate) fn check_own(
    own: Option<UserId>,
    before: &User,
    after: &User,
) -> Result<(), IdentityError> {
    if own != Some(before.id) {
        return Ok(());
    }
    let changed = [
        ("role", before.role != after.role),
        ("clearance", before.clearance != after.clearance),
        ("export_eligible", before.export_eligible != after.export_eligible),
        ("status", before.status != after.status),
    ];
    match changed.into_iter().find(|(_, differs)| *differs) {
        Some((field, _)) => Err(IdentityError::OwnAccount { field }),
        None => Ok(()),
    }
}

/// Nobody grants a clearance or an eligibility that they do not have. What the person had before
/// may stay, and may be taken away.
pub(crate) fn check_grant(
    rights: &Rights,
    before: Option<&User>,
    after: &User,
) -> Result<(), IdentityError> {
    let had_clearance = before.is_some_and(|b| b.clearance >= after.clearance);
    if after.clearance > rights.clearance && !had_clearance {
        return Err(IdentityError::AboveOwn { field: "clearance" });
    }
    let had_eligibility = before.is_some_and(|b| b.export_eligible);
    if after.export_eligible && !rights.export_eligible && !had_eligibility {
        return Err(IdentityError::AboveOwn { field: "export_eligible" });
    }
    Ok(())
}

/// Nobody makes somebody who may do more than they: neither with the permission to change people that
/// a group gave to a lower role, nor with an API key of narrow scopes. A lower role may be given
/// always, and what the person had before may stay. `grants` are those of the person afterwards.
pub(crate) fn check_role(
    own: &Principal,
    before: Option<&User>,
    after: &User,
    grants: &Grants,
) -> Result<(), IdentityError> {
    let is_raised = before.is_none_or(|before| after.role > before.role);
    if is_raised && !may_stand_in(own, after.role, grants) {
        return Err(IdentityError::AboveOwn { field: "role" });
    }
    Ok(())
}

/// Whoever resets a password learns it and could sign in with it: only somebody who may see and do
/// at least as much may do so. `of` and `grants` are the person's.
pub(crate) fn is_within_reach(own: &Principal, of: &Rights, grants: &Grants) -> bool {
    may_stand_in(own, of.role, grants)
        && of.clearance <= own.rights.clearance
        && (own.rights.export_eligible || !of.export_eligible)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::{Classification, OsEntropy, Role, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::{DisplayName, Email, Language, UserStatus};

    fn rights() -> impl Strategy<Value = Rights> {
        let clearance = proptest::sample::select(&Classification::ALL[..]);
        (proptest::sample::select(&Role::ALL[..]), clearance, any::<bool>()).prop_map(
            |(role, clearance, export_eligible)| Rights { role, clearance, export_eligible },
        )
    }

    fn person(rights: Rights, status: UserStatus) -> User {
        let now = Timestamp::from_unix_ms(1_795_000_000_000);
        User {
            id: UserId::new(now, &OsEntropy).unwrap(),
            email: Email::parse("anna@plant.example").unwrap(),
            display_name: DisplayName::parse("Anna").unwrap(),
            role: rights.role,
            clearance: rights.clearance,
            export_eligible: rights.export_eligible,
            language: Language::parse("de").unwrap(),
            status,
            must_change_password: false,
            created_at: now,
            updated_at: now,
        }
    }

    fn with(user: &User, rights: Rights) -> User {
        User {
            role: rights.role,
            clearance: rights.clearance,
            export_eligible: rights.export_eligible,
            ..user.clone()
        }
    }

    fn acting(rights: Rights, grants: Grants) -> Principal {
        Principal { actor: base::Actor::Console, user_id: None, rights, grants }
    }

    #[test]
    fn what_groups_and_keys_leave_out_is_out_of_reach() {
        let rights =
            |role| Rights { role, clearance: Classification::Internal, export_eligible: false };
        let added = |name: &str| Grants { added: vec![name.into()], ..Grants::default() };
        let viewer = acting(rights(Role::Viewer), added("users.change"));
        assert!(is_within_reach(&viewer, &rights(Role::Viewer), &Grants::default()));
        assert!(is_within_reach(&viewer, &rights(Role::Viewer), &added("users.change")));
        assert!(!is_within_reach(&viewer, &rights(Role::Viewer), &added("audit.export")));
        assert!(!is_within_reach(&viewer, &rights(Role::Operator), &Grants::default()));
        let scopes = Some(vec!["users.change".into(), "users.create".into()]);
        let key = acting(rights(Role::Admin), Grants { limited_to: scopes, ..Grants::default() });
        assert!(!is_within_reach(&key, &rights(Role::Viewer), &Grants::default()));
        let new = person(rights(Role::Viewer), UserStatus::Active);
        assert!(check_role(&key, None, &new, &Grants::default()).is_err());
        assert!(check_role(&key, Some(&new), &new, &Grants::default()).is_ok());
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_the_granter_or_themselves_had(
            granter in rights(), old in rights(), new in rights(),
        ) {
            let before = person(old, UserStatus::Active);
            let after = with(&before, new);
            if check_grant(&granter, Some(&before), &after).is_ok() {
                prop_assert!(new.clearance <= granter.clearance.max(old.clearance));
                prop_assert!(!new.export_eligible || granter.export_eligible || old.export_eligible);
            }
            if check_grant(&granter, None, &after).is_ok() {
                prop_assert!(new.clearance <= granter.clearance);
                prop_assert!(!new.export_eligible || granter.export_eligible);
            }
        }

        #[test]
        fn rights_can_always_be_taken_away(granter in rights(), old in rights(), new in rights()) {
            let less = Rights {
                role: new.role,
                clearance: new.clearance.min(old.clearance),
                export_eligible: new.export_eligible && old.export_eligible,
            };
            let before = person(old, UserStatus::Active);
            prop_assert!(check_grant(&granter, Some(&before), &with(&before, less)).is_ok());
        }

        #[test]
        fn ones_own_rights_stay(old in rights(), new in rights()) {
            let me = person(old, UserStatus::Active);
            let changed = with(&me, new);
            prop_assert_eq!(check_own(Some(me.id), &me, &changed).is_ok(), old == new);
            let disabled = User { status: UserStatus::Disabled, ..me.clone() };
            prop_assert!(check_own(Some(me.id), &me, &disabled).is_err());
            prop_assert!(check_own(None, &me, &disabled).is_ok());
        }

        #[test]
        fn reach_is_an_order(a in rights(), b in rights(), c in rights()) {
            let reaches = |own: Rights, of: &Rights| {
                is_within_reach(&acting(own, Grants::default()), of, &Grants::default())
            };
            prop_assert!(reaches(a, &a));
            if reaches(a, &b) && reaches(b, &c) {
                prop_assert!(reaches(a, &c));
            }
            if reaches(a, &b) && reaches(b, &a) {
                prop_assert_eq!(a, b);
            }
        }

        #[test]
        fn nobody_raises_a_role_above_their_own(own in rights(), old in rights(), new in rights()) {
            let before = person(old, UserStatus::Active);
            let after = with(&before, new);
            let own = acting(own, Grants::default());
            let checked = check_role(&own, Some(&before), &after, &Grants::default());
            prop_assert_eq!(checked.is_ok(), new.role <= own.rights.role.max(old.role));
            let made = check_role(&own, None, &after, &Grants::default());
            prop_assert_eq!(made.is_ok(), new.role <= own.rights.role);
        }
    }
}
