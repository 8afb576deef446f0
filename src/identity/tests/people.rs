//! Adding, changing and finding people.

use base::Classification::{Confidential, Internal, Public, Restricted};
use base::Role::{Admin, Operator, Viewer};
use policy::users;

use super::*;

fn change() -> UserChange {
    UserChange::default()
}

#[tokio::test]
async fn a_new_person_signs_in_once_and_chooses_a_password() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let new = newcomer("anna", Operator, Confidential);
    let created = user_create(permit(&console), &plant.passwords, new).await.unwrap();
    assert_eq!(created.user.rights().clearance, Confidential);
    let one_time = created.one_time_password.reveal().to_owned();

    let first = plant.try_login(None, "anna@plant.example", &one_time).await.unwrap();
    assert!(first.must_change_password);
    let second = plant.try_login(None, "anna@plant.example", &one_time).await.unwrap();
    let (ctx, session) = plant.resume(&first).await.unwrap();
    assert!(session.must_change_password);

    let set = |current: &str, new: &str| PasswordChange {
        current: typed(current),
        new: typed(new),
        keep_session: Some(session.id),
    };
    for (current, new, field) in [
        ("not the password", "a long new password", "current_password"),
        (&one_time, "too short", "new_password"),
        (&one_time, &one_time, "new_password"),
    ] {
        let refused = change_own_password(permit(&ctx), &plant.passwords, set(current, new)).await;
        assert_eq!(refused.unwrap_err().violation().unwrap().field, field);
    }
    assert_eq!(plant.recorded("password.refused").await.len(), 1);

    let good = set(&one_time, "a long new password");
    change_own_password(permit(&ctx), &plant.passwords, good).await.unwrap();
    let (_, kept) = plant.resume(&first).await.unwrap();
    assert!(!kept.must_change_password);
    assert_eq!(code(plant.resume(&second).await), "unauthenticated");
    let old = plant.try_login(None, "anna@plant.example", &one_time).await;
    assert_eq!(code(old), "invalid_credentials");
    plant.try_login(None, "anna@plant.example", "a long new password").await.unwrap();
}

#[tokio::test]
async fn an_address_is_taken_once_per_tenant() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    plant.add("anna", Viewer, Internal).await;
    let again = user_create(permit(&console), &plant.passwords, newcomer("ANNA", Viewer, Internal));
    let error = again.await.unwrap_err();
    assert_eq!((error.code(), error.violation().unwrap().field.as_str()), ("email_taken", "email"));
    let other = plant.new_tenant("kestrel").await;
    plant.add_to(other, "anna", Viewer, Internal).await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let mut added = Vec::new();
    for i in 0..7 {
        plant.clock.advance_ms(1);
        let role = if i % 2 == 0 { Viewer } else { Operator };
        let new = newcomer(&format!("person{i}"), role, Public);
        added.push(user_create(permit(&console), &plant.passwords, new).await.unwrap().user);
    }
    let mut found = Vec::new();
    let mut query = UserQuery::default();
    loop {
        let page = user_list(permit(&console), query.clone(), 3).await.unwrap();
        assert!(page.users.len() <= 3);
        found.extend(page.users);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, added);
    let operators = UserQuery { role: Some(Operator), ..UserQuery::default() };
    let page = user_list(permit(&console), operators, 0).await.unwrap();
    assert_eq!(page.users, [added[1].clone()]);
    assert_eq!(page.next, Some(added[1].id));
    let disabled = UserQuery { status: Some(UserStatus::Disabled), ..UserQuery::default() };
    assert!(user_list(permit(&console), disabled, 10).await.unwrap().users.is_empty());
}

#[tokio::test]
async fn the_last_active_administrator_stays() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let one = plant.add("one", Admin, Restricted).await;
    let two = plant.add("two", Admin, Restricted).await;
    let disable = UserChange { status: Some(UserStatus::Disabled), ..change() };
    let demote = UserChange { role: Some(Operator), ..change() };

    user_change(permit(&console), one.id, disable.clone()).await.unwrap();
    for blocked in [disable.clone(), demote.clone()] {
        let refused = user_change(permit(&console), two.id, blocked).await;
        assert_eq!(code(refused), "last_admin");
    }
    let still = user_get(permit(&console), two.id).await.unwrap();
    assert_eq!((still.role, still.status), (Admin, UserStatus::Active));
    // What does not touch the matter is allowed, and with a second one the rule rests.
    let moved = UserChange { clearance: Some(Internal), ..change() };
    user_change(permit(&console), two.id, moved).await.unwrap();
    let enable = UserChange { status: Some(UserStatus::Active), ..change() };
    user_change(permit(&console), one.id, enable).await.unwrap();
    user_change(permit(&console), two.id, demote).await.unwrap();

    let refusals = plant.recorded("user.change_refused").await;
    assert_eq!(refusals.len(), 2);
    assert!(refusals.iter().all(|e| e.outcome == audit::Outcome::Denied));
}

#[tokio::test]
async fn nobody_changes_their_own_rights_or_grants_more_than_they_have() {
    let plant = Plant::new().await;
    let admin = plant.add("admin", Admin, Confidential).await;
    plant.add("second", Admin, Confidential).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(admin.id).await;

    for (own, field) in [
        (UserChange { role: Some(Viewer), ..change() }, "role"),
        (UserChange { clearance: Some(Restricted), ..change() }, "clearance"),
        (UserChange { clearance: Some(Public), ..change() }, "clearance"),
        (UserChange { export_eligible: Some(true), ..change() }, "export_eligible"),
        (UserChange { status: Some(UserStatus::Disabled), ..change() }, "status"),
    ] {
        let error = user_change(permit(&ctx), admin.id, own).await.unwrap_err();
        assert_eq!(error.code(), "own_account");
        assert_eq!(error.violation().unwrap().field, field);
    }
    let name = UserChange { display_name: DisplayName::parse("Chief").ok(), ..change() };
    user_change(permit(&ctx), admin.id, name).await.unwrap();

    for above in [
        UserChange { clearance: Some(Restricted), ..change() },
        UserChange { export_eligible: Some(true), ..change() },
    ] {
        assert_eq!(code(user_change(permit(&ctx), anna.id, above).await), "above_own_rights");
    }
    let above = newcomer("carla", Viewer, Restricted);
    let refused = user_create(permit(&ctx), &plant.passwords, above).await;
    assert_eq!(code(refused), "above_own_rights");
    let equal = UserChange { clearance: Some(Confidential), role: Some(Admin), ..change() };
    user_change(permit(&ctx), anna.id, equal).await.unwrap();

    // The console may; and what somebody has above the administrator may be taken, not given back.
    let console = plant.console().await;
    let more = UserChange { clearance: Some(Restricted), ..change() };
    user_change(permit(&console), anna.id, more.clone()).await.unwrap();
    let less = UserChange { clearance: Some(Public), ..change() };
    user_change(permit(&ctx), anna.id, less).await.unwrap();
    assert_eq!(code(user_change(permit(&ctx), anna.id, more).await), "above_own_rights");
}

#[tokio::test]
async fn a_reset_gives_a_new_one_time_password_and_ends_everything() {
    let plant = Plant::new().await;
    let admin = plant.add("admin", Admin, Confidential).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let secret = plant.add("secret", Viewer, Restricted).await;
    let login = plant.login(&anna).await;
    let ctx = plant.acting_as(admin.id).await;

    let one_time = user_reset_password(permit(&ctx), &plant.passwords, anna.id).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
    let old = plant.try_login(None, &anna.email, &anna.password).await;
    assert_eq!(code(old), "invalid_credentials");
    let again = plant.try_login(None, &anna.email, one_time.reveal()).await.unwrap();
    assert!(again.must_change_password);

    // Whoever resets could sign in as that person: not above one's own clearance, and not oneself.
    let refused = user_reset_password(permit(&ctx), &plant.passwords, secret.id).await;
    assert_eq!(code(refused), "out_of_reach");
    let refused = user_reset_password(permit(&ctx), &plant.passwords, admin.id).await;
    assert_eq!(code(refused), "own_account");
    let nobody = UserId::from_bytes([9; 16]);
    let refused = user_reset_password(permit(&ctx), &plant.passwords, nobody).await;
    assert_eq!(code(refused), "user_not_found");
    let console = plant.console().await;
    user_reset_password(permit(&console), &plant.passwords, secret.id).await.unwrap();
}

#[tokio::test]
async fn a_person_of_another_tenant_is_not_found() {
    let plant = Plant::new().await;
    let other = plant.new_tenant("kestrel").await;
    let foreign = plant.add_to(other, "anna", Viewer, Internal).await;
    let console = plant.console().await;
    assert_eq!(code(user_get(permit(&console), foreign.id).await), "user_not_found");
    assert_eq!(code(user_change(permit(&console), foreign.id, change()).await), "user_not_found");
}

#[tokio::test]
async fn administration_needs_the_role() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    assert!(authorize::<users::Read>(&ctx).is_err());
    assert!(authorize::<users::Create>(&ctx).is_err());
    assert!(authorize::<users::Change>(&ctx).is_err());
}

#[tokio::test]
async fn ones_own_name_and_language_are_ones_own() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let new = ProfileChange {
        display_name: DisplayName::parse("Anna Schmidt").ok(),
        language: Language::parse("cs").ok(),
    };
    let changed = profile_change(permit(&ctx), new).await.unwrap();
    assert_eq!(changed, profile_get(permit(&ctx)).await.unwrap());
    assert_eq!(changed.display_name.as_str(), "Anna Schmidt");
    let console = plant.console().await;
    let nobody = profile_change(permit(&console), ProfileChange::default()).await;
    assert_eq!(code(nobody), "person_required");
}

#[tokio::test]
async fn the_log_tells_what_changed_and_nothing_personal() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let console = plant.console().await;
    let changed = UserChange {
        display_name: DisplayName::parse("Anna Musterfrau").ok(),
        role: Some(Operator),
        ..change()
    };
    user_change(permit(&console), anna.id, changed).await.unwrap();

    let entries = plant.recorded("user.").await;
    let actions: Vec<_> = entries.iter().map(|e| e.action.as_str()).collect();
    assert_eq!(actions, ["user.created", "user.changed"]);
    let after = serde_json::json!({
        "role": "viewer", "clearance": "INTERNAL", "export_eligible": false,
        "language": "de", "status": "active",
    });
    assert_eq!(entries[0].after, Some(after));
    assert_eq!(entries[1].before, Some(serde_json::json!({ "role": "viewer" })));
    assert_eq!(entries[1].after, Some(serde_json::json!({ "role": "operator" })));
    let detail = entries[1].detail.as_ref().unwrap();
    assert_eq!(detail["personal_fields"], serde_json::json!(["display_name"]));
    assert_eq!(entries[1].object.as_ref().unwrap().id, anna.id.to_string());
    for entry in plant.recorded("").await {
        let text = String::from_utf8(entry.canonical()).unwrap().to_lowercase();
        for personal in ["anna", "plant.example", "musterfrau", "argon2"] {
            assert!(!text.contains(personal), "{text}");
        }
    }
}
