//! API keys: made, used, rotated, ended, and never wider than their person.

use base::Classification::Internal;
use base::Role::{Admin, Operator, Viewer};
use policy::{Permission, PermissionSet, chat, documents, effective};
use store::{LiveKey, SecondFactor};

use super::*;
use crate::key_text::KeyText;
use crate::sessions::Touched;

const DAY_S: i64 = 24 * 60 * 60;

fn input(scopes: &[&str]) -> KeyInput {
    KeyInput {
        name: "SAP bridge".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        lifetime_s: None,
        requests_per_minute: None,
        factor_shown_at: None,
    }
}

impl Plant {
    pub(super) async fn key_of(&self, person: &Person, scopes: &[&str]) -> MadeKey {
        let ctx = self.acting_as(person.id).await;
        key_create(permit(&ctx), &KeySettings::default(), input(scopes)).await.unwrap()
    }

    pub(super) async fn with_key(&self, text: &str) -> Result<(TenantCtx, LiveKey), IdentityError> {
        let (scope, key) = authenticate_key(&self.store, text).await?;
        Ok((self.store.enter(scope, self.store.new_request_id().unwrap()).await.unwrap(), key))
    }

    async fn keys_of(&self, person: &Person) -> Vec<ApiKey> {
        key_list(permit(&self.acting_as(person.id).await)).await.unwrap()
    }
}

#[tokio::test]
async fn a_key_acts_with_a_part_of_its_persons_permissions_until_it_ends() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let made = plant.key_of(&anna, &["documents.read", "jobs.read", "documents.read"]).await;
    assert_eq!(made.key.scopes, ["documents.read", "jobs.read"]);
    assert!(!format!("{made:?}").contains(made.reveal()));
    let (ctx, key) = plant.with_key(made.reveal()).await.unwrap();
    assert_eq!((ctx.user_id(), ctx.actor()), (Some(anna.id), base::Actor::User(anna.id)));
    let scopes = PermissionSet::of(&[Permission::DocumentsRead, Permission::JobsRead]);
    assert_eq!(effective(ctx.principal()), scopes);
    assert!(authorize::<documents::Read>(&ctx).is_ok());
    assert!(
        authorize::<documents::Upload>(&ctx).is_err() && authorize::<chat::Send>(&ctx).is_err()
    );

    // Its use is recorded, and not with every request.
    assert_eq!(plant.keys_of(&anna).await[0].secrets[0].last_used_at, None);
    let settings = KeySettings::default();
    assert_eq!(key_touch(&ctx, &key, &settings).await.unwrap(), Touched::Recorded);
    for _ in 0..3 {
        let (ctx, key) = plant.with_key(made.reveal()).await.unwrap();
        assert_eq!(key_touch(&ctx, &key, &settings).await.unwrap(), Touched::NotNow);
    }
    let used_at = plant.keys_of(&anna).await[0].secrets[0].last_used_at;
    assert_eq!(used_at, Some(plant.store.now()));
    plant.clock.advance_ms(HOUR_MS);
    let (ctx, key) = plant.with_key(made.reveal()).await.unwrap();
    assert_eq!(key_touch(&ctx, &key, &settings).await.unwrap(), Touched::Recorded);
    plant.clock.advance_ms(-HOUR_MS);
    let (ctx, key) = plant.with_key(made.reveal()).await.unwrap();
    assert_eq!(key_touch(&ctx, &key, &settings).await.unwrap(), Touched::NotNow, "set back");
    assert_eq!(plant.recorded("api_key.used").await.len(), 2);

    // What is no key, another's, or of elsewhere, gets one answer.
    let other = KeyText::generate(plant.tenant, &OsEntropy).unwrap().text();
    let nowhere = TenantId::from_bytes([7; 16]);
    let nowhere = KeyText::generate(nowhere, &OsEntropy).unwrap().text();
    for wrong in ["mwk_", &other, &nowhere, &made.reveal()[..104]] {
        assert_eq!(code(plant.with_key(wrong).await), "key_refused", "{wrong}");
    }
    plant.clock.advance_ms(90 * DAY_S * 1000 - 1);
    plant.with_key(made.reveal()).await.unwrap();
    plant.clock.advance_ms(1);
    assert_eq!(code(plant.with_key(made.reveal()).await), "key_refused", "ended");
    assert!(plant.keys_of(&anna).await.is_empty());
    let log = plant.recorded("api_key.created").await;
    assert_eq!(log.len(), 1);
    let log = format!("{log:?}");
    assert!(!log.contains("SAP bridge") && !log.contains(&made.reveal()[47..]), "{log}");
}

#[tokio::test]
async fn a_key_is_asked_for_with_sound_words() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let settings = KeySettings::default();
    let field = async |change: fn(&mut KeyInput)| {
        let mut asked = input(&["documents.read"]);
        change(&mut asked);
        let refused = key_create(permit(&ctx), &settings, asked).await.unwrap_err();
        (refused.code(), refused.violation().unwrap().field)
    };
    let invalid = |field: &str| ("invalid_input", field.to_owned());
    assert_eq!(field(|k| k.name = " ".into()).await, invalid("name"));
    assert_eq!(field(|k| k.name = "x".repeat(81)).await, invalid("name"));
    assert_eq!(field(|k| k.scopes.clear()).await, invalid("scopes"));
    assert_eq!(field(|k| k.scopes = vec!["all".into()]).await, invalid("scopes"));
    assert_eq!(field(|k| k.scopes = vec!["tenants.read".into()]).await, invalid("scopes"));
    // A token would carry the whole role.
    assert_eq!(field(|k| k.scopes = vec!["tokens.issue".into()]).await, invalid("scopes"));
    assert_eq!(field(|k| k.lifetime_s = Some(59)).await, invalid("lifetime_s"));
    assert_eq!(field(|k| k.lifetime_s = Some(366 * DAY_S)).await, invalid("lifetime_s"));
    assert_eq!(field(|k| k.requests_per_minute = Some(0)).await, invalid("requests_per_minute"));
    let above = ("above_own_rights", "scopes".to_owned());
    assert_eq!(field(|k| k.scopes.push("users.read".into())).await, above);
    assert!(plant.keys_of(&anna).await.is_empty());

    for _ in 0..KEYS_PER_PERSON_MAX {
        plant.key_of(&anna, &["chat.send"]).await;
    }
    let more = key_create(permit(&ctx), &settings, input(&["chat.send"])).await;
    assert_eq!(code(more), "key_limit_reached");
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_for_a_while() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let first = plant.key_of(&anna, &["chat.send", "keys.rotate"]).await;
    let id = first.key.id;
    let settings = KeySettings::default();
    plant.clock.advance_ms(80 * DAY_S * 1000);
    // The key can do it itself.
    let (ctx, _) = plant.with_key(first.reveal()).await.unwrap();
    let rotation = KeyRotation { overlap_s: Some(3600), factor_shown_at: None };
    let second = key_rotate(permit(&ctx), &settings, id, rotation).await.unwrap();
    assert_eq!(second.key.id, id);
    assert_eq!(second.key.secrets.len(), 2);
    assert_eq!(second.key.expires_at, plant.store.now().plus_ms(90 * DAY_S * 1000));
    assert_ne!(first.reveal(), second.reveal());
    let ends_at = plant.store.now().plus_ms(HOUR_MS);
    assert_eq!(second.key.secrets[1].ends_at, Some(ends_at));
    for shown in [&first, &second] {
        let (ctx, key) = plant.with_key(shown.reveal()).await.unwrap();
        assert_eq!(key.id, id);
        key_touch(&ctx, &key, &settings).await.unwrap();
    }
    plant.clock.advance_ms(HOUR_MS);
    assert_eq!(code(plant.with_key(first.reveal()).await), "key_refused");
    plant.with_key(second.reveal()).await.unwrap();
    assert_eq!(plant.keys_of(&anna).await[0].secrets.len(), 1);

    // Rotated twice within the overlap, the oldest ends at once; with none the former does.
    let ctx = plant.acting_as(anna.id).await;
    let third = key_rotate(permit(&ctx), &settings, id, KeyRotation::default()).await.unwrap();
    let none = KeyRotation { overlap_s: Some(0), factor_shown_at: None };
    let fourth = key_rotate(permit(&ctx), &settings, id, none).await.unwrap();
    for ended in [&second, &third] {
        assert_eq!(code(plant.with_key(ended.reveal()).await), "key_refused");
    }
    plant.with_key(fourth.reveal()).await.unwrap();
    let long = KeyRotation { overlap_s: Some(KEY_OVERLAP_MAX_S + 1), factor_shown_at: None };
    assert_eq!(code(key_rotate(permit(&ctx), &settings, id, long).await), "invalid_input");
    assert_eq!(plant.recorded("api_key.rotated").await.len(), 3);

    // The former secret never outlives the time that it was made for.
    let short = KeyInput { lifetime_s: Some(600), ..input(&["chat.send"]) };
    let short = key_create(permit(&ctx), &settings, short).await.unwrap();
    let rotated = key_rotate(permit(&ctx), &settings, short.key.id, KeyRotation::default()).await;
    assert_eq!(rotated.unwrap().key.secrets[1].ends_at, Some(short.key.expires_at));
    key_revoke(permit(&ctx), id).await.unwrap();
    assert_eq!(code(plant.with_key(fourth.reveal()).await), "key_refused");
    assert_eq!(code(key_revoke(permit(&ctx), id).await), "key_not_found");
    let none = key_rotate(permit(&ctx), &settings, id, KeyRotation::default()).await;
    assert_eq!(code(none), "key_not_found");
}

#[tokio::test]
async fn a_key_gets_hold_of_nothing_that_it_may_not_do_itself() {
    let plant = Plant::new().await;
    let boss = plant.add("boss", Admin, Internal).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let wide = plant.key_of(&boss, &["users.read", "audit.read"]).await;
    let scopes = ["keys.create", "keys.rotate", "keys.revoke", "users.create", "users.change"];
    let narrow = plant.key_of(&boss, &scopes).await;
    let (ctx, _) = plant.with_key(narrow.reveal()).await.unwrap();
    let settings = KeySettings::default();
    let made = key_create(permit(&ctx), &settings, input(&["users.read"])).await;
    assert_eq!(code(made), "above_own_rights");
    let rotated = key_rotate(permit(&ctx), &settings, wide.key.id, KeyRotation::default()).await;
    assert_eq!(code(rotated), "above_own_rights");
    let less = key_create(permit(&ctx), &settings, input(&["keys.create"])).await.unwrap();
    assert_eq!(less.key.user_id, boss.id);

    let new = newcomer("new", Viewer, Internal);
    let created = user_create(permit(&ctx), &plant.passwords, new).await;
    assert_eq!(code(created.map(drop)), "above_own_rights");
    let reset = user_reset_password(permit(&ctx), &plant.passwords, anna.id).await;
    assert_eq!(code(reset.map(drop)), "out_of_reach");
    let raise = UserChange { role: Some(Operator), ..UserChange::default() };
    assert_eq!(code(user_change(permit(&ctx), anna.id, raise).await), "above_own_rights");
    assert_eq!(plant.recorded("user.change_refused").await.len(), 3);
    // What it may do as well, it may give: all of a viewer's permissions.
    let all: Vec<&str> = policy::permissions_of(Viewer)
        .iter()
        .map(Permission::as_str)
        .filter(|name| *name != "tokens.issue")
        .chain(["users.create", "users.change"])
        .collect();
    let provisioning = plant.key_of(&boss, &all).await;
    let (ctx, _) = plant.with_key(provisioning.reveal()).await.unwrap();
    let new = newcomer("new", Viewer, Internal);
    let created = user_create(permit(&ctx), &plant.passwords, new).await;
    assert_eq!(code(created.map(drop)), "ok");
    let reset = user_reset_password(permit(&ctx), &plant.passwords, anna.id).await;
    assert_eq!(code(reset.map(drop)), "ok");
    // And it administers no appliance, whatever its person does.
    let appliance = plant.store.appliance_scope(&plant.operator);
    let request = plant.store.new_request_id().unwrap();
    plant.store.appliance_admin_grant(&appliance, request, plant.tenant, boss.id).await.unwrap();
    let scope = authenticate_key(&plant.store, wide.reveal()).await.unwrap().0;
    assert!(plant.store.appliance_scope_from(&scope).await.is_err());
}

#[tokio::test]
async fn keys_end_with_what_they_stand_on() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let alive = async |key: &MadeKey| plant.with_key(key.reveal()).await.is_ok();

    // Not with a password that its person changes.
    let reads = plant.key_of(&anna, &["documents.read"]).await;
    let uploads = plant.key_of(&anna, &["documents.read", "documents.upload"]).await;
    let change = PasswordChange {
        current: typed(&anna.password),
        new: typed("another long passphrase"),
        keep_session: None,
    };
    let ctx = plant.acting_as(anna.id).await;
    change_own_password(permit(&ctx), &plant.passwords, change).await.unwrap();
    assert!(alive(&reads).await && alive(&uploads).await);

    // With a role that has less than it, and only then.
    let lower = UserChange { role: Some(Viewer), ..UserChange::default() };
    user_change(permit(&console), anna.id, lower).await.unwrap();
    assert!(alive(&reads).await && !alive(&uploads).await);
    let raise = UserChange { role: Some(Operator), ..UserChange::default() };
    user_change(permit(&console), anna.id, raise).await.unwrap();
    assert!(alive(&reads).await && !alive(&uploads).await, "it does not come back");

    // With the account, for good.
    let status = |status| UserChange { status: Some(status), ..UserChange::default() };
    user_change(permit(&console), anna.id, status(UserStatus::Disabled)).await.unwrap();
    assert!(!alive(&reads).await);
    user_change(permit(&console), anna.id, status(UserStatus::Active)).await.unwrap();
    assert!(!alive(&reads).await);

    // With a reset by an administrator.
    let key = plant.key_of(&anna, &["chat.send"]).await;
    user_reset_password(permit(&console), &plant.passwords, anna.id).await.unwrap();
    assert!(!alive(&key).await);
    let (ctx, settings) = (plant.acting_as(anna.id).await, KeySettings::default());
    let made = key_create(permit(&ctx), &settings, input(&["chat.send"])).await;
    assert_eq!(code(made), "password_change_required");

    // With what an administrator revokes.
    let hana = plant.add("hana", Viewer, Internal).await;
    let key = plant.key_of(&hana, &["chat.send"]).await;
    assert_eq!(user_keys(permit(&console), hana.id).await.unwrap(), plant.keys_of(&hana).await);
    let elsewhere = user_key_revoke(permit(&console), anna.id, key.key.id).await;
    assert_eq!(code(elsewhere), "key_not_found");
    user_key_revoke(permit(&console), hana.id, key.key.id).await.unwrap();
    assert!(!alive(&key).await);
    assert_eq!(plant.recorded("api_key.revoked").await.len(), 1);
}

#[tokio::test]
async fn a_key_never_shows_a_second_factor() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Admin, Internal).await;
    let before = plant.key_of(&anna, &["users.change"]).await;
    let (_, key) = plant.with_key(before.reveal()).await.unwrap();
    assert_eq!(key.second_factor, SecondFactor::None);
    let (anna, ctx, session) = plant.enrol(anna).await;
    // What a password alone had made ends.
    assert_eq!(code(plant.with_key(before.reveal()).await.map(drop)), "key_refused");
    let SecondFactor::Shown(at) = session.second_factor else { panic!("{session:?}") };
    let asked = KeyInput { factor_shown_at: Some(at), ..input(&["users.change"]) };
    let made = key_create(permit(&ctx), &KeySettings::default(), asked).await.unwrap();
    let (_, key) = plant.with_key(made.reveal()).await.unwrap();
    assert_eq!(key.second_factor, SecondFactor::ShownForKey, "also at the same moment");
    // Made without it: good for nothing.
    let without = key_create(permit(&ctx), &KeySettings::default(), input(&["users.read"])).await;
    let (_, key) = plant.with_key(without.unwrap().reveal()).await.unwrap();
    assert_eq!(key.second_factor, SecondFactor::Pending);
    // The console holds the master key.
    let made = plant.key_of(&anna.person, &["users.read"]).await;
    let (_, key) = plant.with_key(made.reveal()).await.unwrap();
    assert_eq!(key.second_factor, SecondFactor::ShownForKey);
}
