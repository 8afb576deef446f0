//! Groups: what they add, what stays withheld, and who may give it.

use base::Classification::Internal;
use base::Role::{Admin, Operator, Viewer};
use policy::{Permission, audit as audit_actions, effective, permissions_of};
use store::{WITHHELD_PERMISSIONS, sql::params};

use super::*;

fn names(permissions: &[&str]) -> Vec<String> {
    permissions.iter().map(|name| (*name).to_owned()).collect()
}

impl Plant {
    async fn group(&self, ctx: &TenantCtx, name: &str, gives: &[&str]) -> Group {
        let name = GroupName::parse(name).unwrap();
        group_create(permit(ctx), name, &names(gives)).await.unwrap()
    }

    /// Sets the tenant's setting as it is kept, with whatever is in it.
    async fn withhold(&self, value: &'static str) {
        let ctx = self.console().await;
        let set = move |tx: store::WriteTx<'_>| {
            tx.execute(
                "INSERT INTO settings VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![WITHHELD_PERMISSIONS, value],
            )?;
            tx.commit(audit::Event::new(audit::Action::new("settings.changed")), ())
        };
        ctx.write(set).await.unwrap();
    }

    /// What somebody may do from now on, in a session, with a token of a role, with a key, at the
    /// console, whichever way they come.
    async fn may(&self, person: &Person, permission: Permission) -> bool {
        let login = self.login(person).await;
        let (ctx, _) = self.resume(&login).await.unwrap();
        let found = effective(ctx.principal()).contains(permission);
        let console = self.acting_as(person.id).await;
        assert_eq!(effective(console.principal()).contains(permission), found, "{permission}");
        found
    }
}

#[tokio::test]
async fn a_group_gives_its_members_what_their_role_does_not() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let hana = plant.add("hana", Viewer, Internal).await;
    let gives = ["audit.read", "audit.verify"];
    let group = plant.group(&console, "Auditors", &gives).await;
    assert_eq!((group.permissions.as_slice(), group.members), (&names(&gives)[..], 0));
    assert!(!plant.may(&anna, Permission::AuditRead).await);
    for _ in 0..2 {
        group_member_add(permit(&console), group.id, anna.id).await.unwrap();
    }
    assert!(plant.may(&anna, Permission::AuditRead).await);
    assert!(!plant.may(&anna, Permission::AuditExport).await);
    assert!(!plant.may(&hana, Permission::AuditRead).await);
    let page = group_member_list(permit(&console), group.id, None, 10).await.unwrap();
    let members: Vec<UserId> = page.users.iter().map(|user| user.id).collect();
    assert_eq!((members, page.next), (vec![anna.id], None));

    let change = GroupChange { permissions: Some(names(&["audit.export"])), name: None };
    let changed = group_change(permit(&console), group.id, change).await.unwrap();
    assert_eq!((changed.members, changed.permissions), (1, names(&["audit.export"])));
    assert!(!plant.may(&anna, Permission::AuditRead).await);
    assert!(plant.may(&anna, Permission::AuditExport).await);
    group_member_remove(permit(&console), group.id, anna.id).await.unwrap();
    assert!(!plant.may(&anna, Permission::AuditExport).await);
    let again = group_member_remove(permit(&console), group.id, anna.id).await;
    assert_eq!(code(again), "user_not_found");

    group_member_add(permit(&console), group.id, anna.id).await.unwrap();
    group_remove(permit(&console), group.id).await.unwrap();
    assert!(!plant.may(&anna, Permission::AuditExport).await);
    assert_eq!(code(group_get(permit(&console), group.id).await), "group_not_found");
    let log = plant.recorded("group.").await;
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "group.created",
        "group.member_added",
        "group.member_added",
        "group.changed",
        "group.member_removed",
        "group.member_added",
        "group.removed",
    ];
    assert_eq!(actions, expected);
    let changed = format!("{:?}", log[3]);
    assert!(changed.contains("audit.verify") && changed.contains("audit.export"), "{changed}");
}

#[tokio::test]
async fn what_is_withheld_from_a_role_no_group_gives_back() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let otto = plant.add("otto", Operator, Internal).await;
    let group = plant.group(&console, "Uploaders", &["documents.upload", "chat.send"]).await;
    group_member_add(permit(&console), group.id, anna.id).await.unwrap();
    let key = plant.key_of(&otto, &["documents.upload"]).await;
    assert!(plant.may(&anna, Permission::DocumentsUpload).await);
    plant.withhold(r#"{"viewer": ["documents.upload", "chat.send", "of.tomorrow"]}"#).await;
    assert!(!plant.may(&anna, Permission::DocumentsUpload).await);
    assert!(!plant.may(&anna, Permission::ChatSend).await);
    assert!(plant.may(&anna, Permission::SearchQuery).await);
    assert!(plant.may(&otto, Permission::DocumentsUpload).await, "another role's");
    let (ctx, _) = plant.with_key(key.reveal()).await.unwrap();
    assert!(effective(ctx.principal()).contains(Permission::DocumentsUpload));
    plant.withhold(r#"{"operator": ["documents.upload"]}"#).await;
    let (ctx, _) = plant.with_key(key.reveal()).await.unwrap();
    assert_eq!(effective(ctx.principal()), policy::PermissionSet::EMPTY);
    assert!(plant.may(&anna, Permission::DocumentsUpload).await);
    // A setting that can't be read lets nobody in, rather than withholding nothing.
    let login = plant.login(&anna).await;
    plant.resume(&login).await.unwrap();
    plant.withhold("{ damaged").await;
    assert!(plant.resume(&login).await.is_err());
}

#[tokio::test]
async fn a_token_of_a_lesser_role_has_less_than_its_person() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let group = plant.group(&console, "Auditors", &["audit.read"]).await;
    group_member_add(permit(&console), group.id, anna.id).await.unwrap();
    plant.withhold(r#"{"operator": ["search.query"], "viewer": ["chat.send"]}"#).await;
    let signer = TokenSigner::of_appliance(&plant.store, &plant.tokens);
    let verifier = TokenVerifier::of_appliance(&plant.store, &plant.tokens);
    let ctx = plant.acting_as(anna.id).await;
    let with = async |role| {
        let input = TokenInput { role, lifetime_s: 3600, ..TokenInput::default() };
        let token = token_issue(permit(&ctx), &signer, input).await.unwrap();
        let scope = authenticate_bearer(&plant.store, &verifier, token.reveal()).await.unwrap().0;
        effective(scope.principal())
    };
    let (whole, viewer) = (with(None).await, with(Some(Viewer)).await);
    assert_eq!(whole, effective(ctx.principal()));
    assert!(whole.contains(Permission::AuditRead) && whole.contains(Permission::ChatSend));
    assert!(!whole.contains(Permission::SearchQuery));
    assert!(whole.contains_all(viewer) && permissions_of(Viewer).contains_all(viewer));
    for gone in [Permission::AuditRead, Permission::ChatSend, Permission::SearchQuery] {
        assert!(!viewer.contains(gone), "{gone}");
    }
}

#[tokio::test]
async fn nobody_gives_by_a_group_what_they_do_not_have() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let boss = plant.add("boss", Admin, Internal).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    plant.withhold(r#"{"admin": ["audit.export"]}"#).await;
    let ctx = plant.acting_as(boss.id).await;
    let name = |name: &str| GroupName::parse(name).unwrap();
    let made = group_create(permit(&ctx), name("E"), &names(&["audit.export"])).await;
    assert_eq!(code(made), "above_own_rights");
    let made = group_create(permit(&ctx), name("E"), &names(&["tenants.read"])).await;
    assert_eq!(code(made), "invalid_input");
    let made = group_create(permit(&ctx), name("E"), &names(&["nothing.real"])).await;
    assert_eq!(code(made), "invalid_input");
    let export = plant.group(&console, "Export", &["audit.export"]).await;
    let taken = group_create(permit(&ctx), name("EXPORT"), &[]).await;
    assert_eq!(code(taken), "group_name_taken");
    assert_eq!(code(group_member_add(permit(&ctx), export.id, anna.id).await), "above_own_rights");
    // It may stay what it is, and be narrowed.
    let rename = GroupChange { name: Some(name("Exporters")), permissions: None };
    group_change(permit(&ctx), export.id, rename).await.unwrap();
    let same = GroupChange { name: None, permissions: Some(names(&["audit.export"])) };
    group_change(permit(&ctx), export.id, same).await.unwrap();
    let none = GroupChange { name: None, permissions: Some(Vec::new()) };
    group_change(permit(&ctx), export.id, none).await.unwrap();

    // Whoever changes people by a group makes nobody who may do more.
    let hr = plant.group(&console, "Office", &["users.create", "users.change"]).await;
    group_member_add(permit(&console), hr.id, anna.id).await.unwrap();
    let office = plant.acting_as(anna.id).await;
    let new = newcomer("op", Operator, Internal);
    let created = user_create(permit(&office), &plant.passwords, new).await;
    assert_eq!(code(created.map(drop)), "above_own_rights");
    let reset = user_reset_password(permit(&office), &plant.passwords, boss.id).await;
    assert_eq!(code(reset.map(drop)), "out_of_reach");
    let new = newcomer("vi", Viewer, Internal);
    let created = user_create(permit(&office), &plant.passwords, new).await.unwrap();
    let vault = plant.group(&console, "Vault", &["audit.read"]).await;
    group_member_add(permit(&console), vault.id, created.user.id).await.unwrap();
    let reset = user_reset_password(permit(&office), &plant.passwords, created.user.id).await;
    assert_eq!(code(reset.map(drop)), "out_of_reach", "they may do what anna may not");
    assert!(authorize::<audit_actions::Read>(&office).is_err());
}

#[tokio::test]
async fn what_a_newer_version_wrote_gives_nothing_and_stays() {
    let plant = Plant::new().await;
    let console = plant.console().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let group = plant.group(&console, "Later", &["audit.read"]).await;
    group_member_add(permit(&console), group.id, anna.id).await.unwrap();
    let made = plant.key_of(&anna, &["chat.send"]).await;
    let (group_id, key_id) = (group.id, made.key.id);
    let write = move |tx: store::WriteTx<'_>| {
        tx.execute(
            r#"UPDATE user_groups SET permissions = '["of.tomorrow","tenants.read"]' WHERE id = ?1"#,
            [group_id.as_bytes()],
        )?;
        tx.execute(
            r#"UPDATE api_keys SET scopes = '["of.tomorrow","tokens.issue"]' WHERE id = ?1"#,
            [key_id.as_bytes()],
        )?;
        tx.commit(audit::Event::new(audit::Action::new("group.changed")), ())
    };
    console.write(write).await.unwrap();
    let anna_now = plant.acting_as(anna.id).await;
    assert_eq!(effective(anna_now.principal()), permissions_of(Viewer));
    let found = group_get(permit(&console), group.id).await.unwrap();
    assert_eq!(found.permissions, ["of.tomorrow", "tenants.read"]);
    // Written back with something else, the unknown name stays.
    let change =
        GroupChange { name: None, permissions: Some(names(&["of.tomorrow", "audit.read"])) };
    let changed = group_change(permit(&console), group.id, change).await.unwrap();
    assert_eq!(changed.permissions, ["audit.read", "of.tomorrow"]);
    assert_eq!(key_list(permit(&anna_now)).await.unwrap()[0].scopes[0], "of.tomorrow");
}
