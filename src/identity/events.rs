//! What this room writes into the audit log. E-mail addresses and names are personal and never
//! stand there: the person's id does.

use audit::{Action, Event, Outcome};
use base::{Coded as _, UserId};
use serde_json::{Map, Value, json};

use crate::{IdentityError, User};

pub(crate) const USER_CREATED: Action = Action::new("user.created");
pub(crate) const USER_CHANGED: Action = Action::new("user.changed");
pub(crate) const USER_CHANGE_REFUSED: Action = Action::new("user.change_refused");
pub(crate) const USER_PASSWORD_RESET: Action = Action::new("user.password_reset");
pub(crate) const PROFILE_CHANGED: Action = Action::new("profile.changed");
pub(crate) const PASSWORD_CHANGED: Action = Action::new("password.changed");
pub(crate) const PASSWORD_REHASHED: Action = Action::new("password.rehashed");
pub(crate) const PASSWORD_REFUSED: Action = Action::new("password.refused");
pub(crate) const FACTOR_BEGUN: Action = Action::new("second_factor.begun");
pub(crate) const FACTOR_ENROLLED: Action = Action::new("second_factor.enrolled");
pub(crate) const FACTOR_SHOWN: Action = Action::new("second_factor.shown");
pub(crate) const FACTOR_REFUSED: Action = Action::new("second_factor.refused");
pub(crate) const FACTOR_REMOVED: Action = Action::new("second_factor.removed");
pub(crate) const FACTOR_RESET_REQUESTED: Action = Action::new("second_factor.reset_requested");
pub(crate) const FACTOR_RESET: Action = Action::new("second_factor.reset");
pub(crate) const RECOVERY_CODES_RENEWED: Action = Action::new("recovery_codes.renewed");
pub(crate) const SESSION_TOUCHED: Action = Action::new("session.touched");
pub(crate) const SESSION_ENDED: Action = Action::new("session.ended");
pub(crate) const USER_SIGNED_OUT: Action = Action::new("user.signed_out");
pub(crate) const TOKEN_ISSUED: Action = Action::new("token.issued");
pub(crate) const TOKEN_REVOKED: Action = Action::new("token.revoked");
pub(crate) const FAMILY_REVOKED: Action = Action::new("token_family.revoked");
pub(crate) const KEY_CREATED: Action = Action::new("api_key.created");
pub(crate) const KEY_ROTATED: Action = Action::new("api_key.rotated");
pub(crate) const KEY_REVOKED: Action = Action::new("api_key.revoked");
pub(crate) const KEY_USED: Action = Action::new("api_key.used");
pub(crate) const GROUP_CREATED: Action = Action::new("group.created");
pub(crate) const GROUP_CHANGED: Action = Action::new("group.changed");
pub(crate) const GROUP_REMOVED: Action = Action::new("group.removed");
pub(crate) const GROUP_MEMBER_ADDED: Action = Action::new("group.member_added");
pub(crate) const GROUP_MEMBER_REMOVED: Action = Action::new("group.member_removed");

/// An event about a person.
pub(crate) fn about(action: Action, id: UserId) -> Event {
    Event::new(action).object("user", id)
}

/// A change to a person that a rule refused.
pub(crate) fn refused(id: UserId, error: &IdentityError) -> Event {
    about(USER_CHANGE_REFUSED, id)
        .outcome(Outcome::Denied)
        .detail(json!({ "reason": error.code() }))
}

/// What the log may know about a person.
pub(crate) fn facts(user: &User) -> Value {
    Value::Object(fact_map(user))
}

/// What differs between two states of a person: before, after, and the names of personal fields
/// that changed.
pub(crate) fn difference(before: &User, after: &User) -> (Value, Value, Vec<&'static str>) {
    let (mut old, mut new) = (fact_map(before), fact_map(after));
    let same: Vec<String> =
        old.iter().filter(|(k, v)| new.get(*k) == Some(v)).map(|(k, _)| k.clone()).collect();
    for name in same {
        old.remove(&name);
        new.remove(&name);
    }
    let mut personal = Vec::new();
    if before.display_name != after.display_name {
        personal.push("display_name");
    }
    (Value::Object(old), Value::Object(new), personal)
}

fn fact_map(user: &User) -> Map<String, Value> {
    let facts = [
        ("role", json!(user.role.as_str())),
        ("clearance", json!(user.clearance.as_str())),
        ("export_eligible", json!(user.export_eligible)),
        ("language", json!(user.language.as_str())),
        ("status", json!(user.status.as_str())),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
