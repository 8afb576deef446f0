//! Who gets a scope, and with which rights.

use audit::Event;
use base::{Actor, Classification, Grants, Role, SessionId, TokenId, UserId};

use super::*;

const IDLE_MS: i64 = 60_000;
const ALIVE_MS: i64 = 600_000;
const LIMITS: SessionLimits = SessionLimits { idle_ms: IDLE_MS };

struct Gatehouse {
    ground: Ground,
    opened: Opened,
    tenant: TenantId,
    user: UserId,
}

impl Gatehouse {
    /// A tenant with one active operator, cleared for CONFIDENTIAL.
    async fn new() -> Self {
        Self::on(Ground::new()).await
    }

    async fn on(ground: Ground) -> Self {
        let opened = ground.open();
        let tenant = opened.create("rauental").await;
        let user = UserId::new(opened.store.now(), opened.store.entropy()).unwrap();
        let house = Self { ground, opened, tenant, user };
        house
            .change(
                "INSERT INTO users VALUES (?1, 'o@rauental', 'O', 'operator', 'CONFIDENTIAL', 1,
                     'de', 'active', '$argon2id$', 0, 0, 0)",
            )
            .await;
        house
    }

    /// One statement whose only parameter is the user's id.
    async fn change(&self, sql: &'static str) {
        let user = self.user;
        let ctx = self.opened.ctx(self.tenant).await;
        ctx.write(move |tx| {
            assert_eq!(tx.execute(sql, [user.as_bytes()])?, 1);
            tx.commit(Event::new(CHANGED), ())
        })
        .await
        .unwrap();
    }

    async fn open_session(&self, token_hash: [u8; 32]) -> SessionId {
        let credentials = self.opened.store.credentials(self.tenant, self.opened.request()).await;
        let expires_at = self.opened.store.now().plus_ms(ALIVE_MS);
        let row = NewSessionRow { token_hash, expires_at };
        credentials.unwrap().open_session(self.user, row, None).await.unwrap()
    }

    async fn session(
        &self,
        token_hash: [u8; 32],
    ) -> Result<(TenantScope, LiveSession), StoreError> {
        self.opened.store.scope_from_session(self.tenant, token_hash, LIMITS).await
    }

    async fn add_token(&self, hash: [u8; 32], role: &'static str) -> TokenId {
        let (now, user) = (self.opened.store.now(), self.user);
        let id = TokenId::new(now, self.opened.store.entropy()).unwrap();
        let ctx = self.opened.ctx(self.tenant).await;
        ctx.write(move |tx| {
            tx.execute(
                "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL, NULL)",
                params![
                    id.as_bytes(),
                    hash,
                    user.as_bytes(),
                    role,
                    now.unix_ms(),
                    now.plus_ms(ALIVE_MS).unix_ms()
                ],
            )?;
            tx.commit(Event::new(CHANGED), ())
        })
        .await
        .unwrap();
        id
    }

    async fn token(&self, id: TokenId, hash: [u8; 32]) -> Result<TenantScope, StoreError> {
        self.opened.store.scope_from_token(self.tenant, id, hash).await.map(|(scope, _)| scope)
    }
}

fn refused<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unauthenticated))
}

#[tokio::test]
async fn a_live_session_gives_the_rights_of_its_person() {
    let house = Gatehouse::new().await;
    let id = house.open_session([1; 32]).await;
    let (scope, session) = house.session([1; 32]).await.unwrap();
    assert_eq!((session.id, session.user_id), (id, house.user));
    assert_eq!(scope.tenant_id(), house.tenant);
    let principal = scope.principal().clone();
    assert_eq!(principal.actor, Actor::User(house.user));
    assert_eq!(principal.user_id, Some(house.user));
    assert_eq!(principal.rights.role, Role::Operator);
    assert_eq!(principal.rights.clearance, Classification::Confidential);
    assert!(principal.rights.export_eligible);
    // What was changed since counts at once.
    house.change("UPDATE users SET role = 'viewer', export_eligible = 0 WHERE id = ?1").await;
    let (scope, _) = house.session([1; 32]).await.unwrap();
    let rights = scope.principal().rights;
    assert_eq!((rights.role, rights.export_eligible), (Role::Viewer, false));
}

#[tokio::test]
async fn sessions_end() {
    let house = Gatehouse::new().await;
    let clock = &house.ground.clock;
    assert!(refused(&house.session([1; 32]).await), "never opened");
    house.open_session([1; 32]).await;
    clock.advance_ms(IDLE_MS - 1);
    assert!(house.session([1; 32]).await.is_ok());
    clock.advance_ms(1);
    assert!(refused(&house.session([1; 32]).await), "idle");

    house.open_session([2; 32]).await;
    clock.advance_ms(ALIVE_MS - 1);
    house.change("UPDATE sessions SET last_seen_at = 9e12 WHERE user_id = ?1 AND token_hash = x'0202020202020202020202020202020202020202020202020202020202020202'").await;
    assert!(house.session([2; 32]).await.is_ok());
    clock.advance_ms(1);
    assert!(refused(&house.session([2; 32]).await), "expired");

    house.open_session([3; 32]).await;
    house.change("UPDATE users SET status = 'disabled' WHERE id = ?1").await;
    assert!(refused(&house.session([3; 32]).await), "disabled");
    house.change("UPDATE users SET status = 'active' WHERE id = ?1").await;
    assert!(house.session([3; 32]).await.is_ok());
    let other = house.opened.create("lohberg").await;
    let elsewhere = house.opened.store.scope_from_session(other, [3; 32], LIMITS).await;
    assert!(refused(&elsewhere), "a session of another tenant");
    house.change("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?1 AND token_hash = x'0303030303030303030303030303030303030303030303030303030303030303'").await;
    assert!(refused(&house.session([3; 32]).await), "revoked");
}

#[tokio::test]
async fn a_token_is_as_strong_as_the_weaker_of_its_role_and_its_persons() {
    let house = Gatehouse::new().await;
    for (token_role, expected) in
        [("viewer", Role::Viewer), ("operator", Role::Operator), ("admin", Role::Operator)]
    {
        let id = house.add_token([4; 32], token_role).await;
        let scope = house.token(id, [4; 32]).await.unwrap();
        assert_eq!(scope.principal().rights.role, expected, "{token_role}");
        assert_eq!(scope.principal().rights.clearance, Classification::Confidential);
    }
}

#[tokio::test]
async fn tokens_end_and_can_not_be_exchanged() {
    let house = Gatehouse::new().await;
    let id = house.add_token([4; 32], "viewer").await;
    let unknown = TokenId::new(house.opened.store.now(), house.opened.store.entropy()).unwrap();
    assert!(refused(&house.token(unknown, [4; 32]).await), "never issued");
    assert!(refused(&house.token(id, [5; 32]).await), "another token under its id");
    let other = house.opened.create("lohberg").await;
    let elsewhere = house.opened.store.scope_from_token(other, id, [4; 32]).await;
    assert!(refused(&elsewhere), "a token of another tenant");
    house.change("UPDATE users SET status = 'disabled' WHERE id = ?1").await;
    assert!(refused(&house.token(id, [4; 32]).await), "disabled");
    house.change("UPDATE users SET status = 'active' WHERE id = ?1").await;
    house.ground.clock.advance_ms(ALIVE_MS - 1);
    assert!(house.token(id, [4; 32]).await.is_ok());
    house.ground.clock.advance_ms(1);
    assert!(refused(&house.token(id, [4; 32]).await), "expired");
    let id = house.add_token([6; 32], "viewer").await;
    house.change("UPDATE tokens SET revoked_at = 1 WHERE user_id = ?1 AND token_hash = x'0606060606060606060606060606060606060606060606060606060606060606'").await;
    assert!(refused(&house.token(id, [6; 32]).await), "revoked");
}

#[tokio::test]
async fn an_issuer_speaks_for_people_of_its_tenant_until_they_are_signed_out() {
    let house = Gatehouse::new().await;
    let Opened { store, key } = &house.opened;
    let name: base::IssuerName = "plant-sso".parse().unwrap();
    let right = store.federation_key(key, name, "rauental");
    assert_eq!((right.issuer(), right.tenant_id(store)), (name, Some(house.tenant)));
    let claim = FederatedClaim {
        tenant_id: house.tenant,
        user_id: house.user,
        role: Role::Admin,
        issued_at: store.now(),
    };
    let (scope, token) = store.scope_from_federation(&right, claim).await.unwrap();
    assert_eq!(scope.tenant_id(), house.tenant);
    assert_eq!(scope.principal().actor, Actor::User(house.user));
    assert_eq!(scope.principal().rights.role, Role::Operator, "a token widens nothing");
    assert_eq!((token.second_factor, token.family), (SecondFactor::None, None));
    assert_eq!(scope.issuer(), Some(name));
    let ctx = store.enter(scope, house.opened.request()).await.unwrap();
    ctx.record(Event::new(CHANGED)).await.unwrap();
    let page = ctx.read(|tx| audit_entries(tx, &AuditFilter::default(), 1)).await.unwrap();
    assert_eq!(page.rows[0].entry.detail.as_ref().unwrap()["issuer"], "plant-sso");
    drop(ctx);
    let narrowed = FederatedClaim { role: Role::Viewer, ..claim };
    let (scope, _) = store.scope_from_federation(&right, narrowed).await.unwrap();
    assert_eq!(scope.principal().rights.role, Role::Viewer);

    let other = house.opened.create("lohberg").await;
    let elsewhere = FederatedClaim { tenant_id: other, ..claim };
    assert!(refused(&store.scope_from_federation(&right, elsewhere).await), "another tenant");
    let theirs = store.federation_key(key, name, "lohberg");
    assert!(refused(&store.scope_from_federation(&theirs, claim).await), "another's right");
    assert!(refused(&store.scope_from_federation(&theirs, elsewhere).await), "nobody there");
    let nowhere = store.federation_key(key, name, "nowhere");
    assert!(refused(&store.scope_from_federation(&nowhere, claim).await), "no such tenant");
    house.change("INSERT INTO federated_cutoffs VALUES (?1, 1795000000124)").await;
    assert!(refused(&store.scope_from_federation(&right, claim).await), "from before");
    house.ground.clock.advance_ms(1);
    let later = FederatedClaim { issued_at: store.now(), ..claim };
    store.scope_from_federation(&right, later).await.unwrap();
    house.change("UPDATE users SET status = 'disabled' WHERE id = ?1").await;
    assert!(refused(&store.scope_from_federation(&right, later).await), "disabled");
}

#[tokio::test]
async fn the_operator_has_all_rights_or_those_of_a_person() {
    let house = Gatehouse::new().await;
    let Opened { store, key } = &house.opened;
    let scope = store.scope_from_operator(key, house.tenant, None).await.unwrap();
    assert_eq!(scope.principal().actor, Actor::Console);
    assert_eq!(scope.principal().user_id, None);
    assert_eq!(scope.principal().rights.role, Role::Admin);
    let scope = store.scope_from_operator(key, house.tenant, Some(house.user)).await.unwrap();
    assert_eq!(scope.principal().actor, Actor::Console);
    assert_eq!(scope.principal().user_id, Some(house.user));
    assert_eq!(scope.principal().rights.role, Role::Operator);
    house.change("UPDATE users SET status = 'disabled' WHERE id = ?1").await;
    let disabled = store.scope_from_operator(key, house.tenant, Some(house.user)).await;
    assert!(refused(&disabled));
    let nowhere = TenantId::new(store.now(), store.entropy()).unwrap();
    let missing = store.scope_from_operator(key, nowhere, None).await;
    assert!(matches!(missing, Err(StoreError::TenantNotFound)));
}

#[tokio::test]
async fn what_groups_add_and_settings_withhold_is_read_at_every_mint() {
    let settings = StoreSettings {
        withheld_permissions: vec!["audit.export".into()],
        ..StoreSettings::default()
    };
    let house = Gatehouse::on(Ground::with(settings)).await;
    house.open_session([1; 32]).await;
    house
        .change(
            "INSERT INTO user_groups VALUES (?1, 'G', '[\"audit.read\",\"of.tomorrow\"]', 0, 0)",
        )
        .await;
    house.change("INSERT INTO group_members VALUES (?1, ?1, 0)").await;
    let withheld = "INSERT INTO settings SELECT 'withheld_permissions', \
                    '{\"operator\":[\"chat.send\"],\"viewer\":[\"search.query\"]}' WHERE ?1 IS NOT NULL";
    house.change(withheld).await;
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).into()).collect() };
    let whole = Grants {
        added: names(&["audit.read", "of.tomorrow"]),
        withheld: names(&["audit.export", "chat.send"]),
        limited_to: None,
    };
    let grants = |scope: &TenantScope| scope.principal().grants.clone();
    assert_eq!(grants(&house.session([1; 32]).await.unwrap().0), whole);
    let id = house.add_token([4; 32], "admin").await;
    assert_eq!(grants(&house.token(id, [4; 32]).await.unwrap()), whole);
    // A token of a lesser role has no part in groups, and lacks what either role lacks.
    let id = house.add_token([5; 32], "viewer").await;
    let lesser = Grants {
        added: Vec::new(),
        withheld: names(&["audit.export", "chat.send", "search.query"]),
        limited_to: None,
    };
    assert_eq!(grants(&house.token(id, [5; 32]).await.unwrap()), lesser);
    let opened = &house.opened;
    let as_person =
        opened.store.scope_from_operator(&opened.key, house.tenant, Some(house.user)).await;
    assert_eq!(grants(&as_person.unwrap()), whole);
    // The operator holds the master key.
    let operator = opened.store.scope_from_operator(&opened.key, house.tenant, None).await.unwrap();
    assert_eq!(grants(&operator), Grants::default());
}

#[tokio::test]
async fn a_key_is_found_by_prefix_and_secret_together_while_both_live() {
    let house = Gatehouse::new().await;
    house.change("INSERT INTO api_keys VALUES (?1, ?1, 'k', '[\"chat.send\"]', 7, 0, 9e12, 1, NULL, NULL)").await;
    house
        .change(
            "INSERT INTO api_key_secrets VALUES (zeroblob(10), ?1, zeroblob(32), 0, NULL, NULL)",
        )
        .await;
    let key = |tenant, prefix: u8, hash: u8| {
        let store = &house.opened.store;
        store.scope_from_key(tenant, [prefix; KEY_PREFIX_BYTES], [hash; 32])
    };
    let (scope, live) = key(house.tenant, 0, 0).await.unwrap();
    assert_eq!(scope.principal().actor, Actor::User(house.user));
    assert_eq!(scope.principal().rights.role, Role::Operator);
    assert_eq!(scope.principal().grants.limited_to, Some(vec!["chat.send".to_owned()]));
    assert_eq!((live.requests_per_minute, live.last_used_at), (Some(7), None));
    assert!(refused(&key(house.tenant, 1, 0).await) && refused(&key(house.tenant, 0, 1).await));
    let other = house.opened.create("lohberg").await;
    assert!(refused(&key(other, 0, 0).await), "a key of another tenant");
    for (ends, revives) in [
        (
            "UPDATE api_key_secrets SET ends_at = 1 WHERE key_id = ?1",
            "UPDATE api_key_secrets SET ends_at = NULL WHERE key_id = ?1",
        ),
        (
            "UPDATE api_keys SET revoked_at = 1 WHERE user_id = ?1",
            "UPDATE api_keys SET revoked_at = NULL WHERE user_id = ?1",
        ),
        (
            "UPDATE api_keys SET expires_at = 1 WHERE user_id = ?1",
            "UPDATE api_keys SET expires_at = 9e12 WHERE user_id = ?1",
        ),
        (
            "UPDATE users SET status = 'disabled' WHERE id = ?1",
            "UPDATE users SET status = 'active' WHERE id = ?1",
        ),
    ] {
        house.change(ends).await;
        assert!(refused(&key(house.tenant, 0, 0).await), "{ends}");
        house.change(revives).await;
        assert!(key(house.tenant, 0, 0).await.is_ok(), "{revives}");
    }
    // It administers no appliance, whatever its person does.
    let appliance = house.opened.appliance();
    let grant = house.opened.store.appliance_admin_grant(
        &appliance,
        house.opened.request(),
        house.tenant,
        house.user,
    );
    grant.await.unwrap();
    let (scope, _) = key(house.tenant, 0, 0).await.unwrap();
    assert!(refused(&house.opened.store.appliance_scope_from(&scope).await));
}

#[tokio::test]
async fn only_an_appliance_administrator_reaches_the_appliance() {
    let house = Gatehouse::new().await;
    let opened = &house.opened;
    house.open_session([1; 32]).await;
    let (scope, _) = house.session([1; 32]).await.unwrap();
    assert!(refused(&opened.store.appliance_scope_from(&scope).await));
    let appliance = opened.appliance();
    let grant =
        opened.store.appliance_admin_grant(&appliance, opened.request(), house.tenant, house.user);
    grant.await.unwrap();
    let reached = opened.store.appliance_scope_from(&scope).await.unwrap();
    assert_eq!(reached.actor(), Actor::User(house.user));
    assert_eq!(reached.home(), Some((house.tenant, house.user)));
    // The console is nobody, also when it has all rights in the tenant.
    let console = opened.store.scope_from_operator(&opened.key, house.tenant, None).await.unwrap();
    assert!(refused(&opened.store.appliance_scope_from(&console).await));
    // The same person's id in another tenant is somebody else.
    let other = opened.create("lohberg").await;
    let elsewhere = opened.store.scope_from_operator(&opened.key, other, None).await.unwrap();
    assert!(refused(&opened.store.appliance_scope_from(&elsewhere).await));
}

#[tokio::test]
async fn signing_in_reads_one_credential_and_records_failures() {
    let house = Gatehouse::new().await;
    let store = &house.opened.store;
    let credentials = store.credentials(house.tenant, house.opened.request()).await.unwrap();
    let found = credentials.find_by_email("O@Rauental").await.unwrap().unwrap();
    assert_eq!(found.user_id, house.user);
    assert!(found.active && !found.must_change_password);
    assert_eq!(found.password_hash, "$argon2id$");
    assert!(credentials.find_by_email("nobody@rauental").await.unwrap().is_none());
    let guesses = |failures| GuessRow {
        failures,
        day_count: failures,
        day_began: store.now(),
        last_at: store.now(),
        delay_ms: 2_000,
    };
    assert_eq!(credentials.guesses([7; 32]).await.unwrap(), None);
    credentials.note_failure(Some(house.user), [7; 32], guesses(1)).await.unwrap();
    credentials.note_failure(None, [8; 32], guesses(1)).await.unwrap();
    credentials.note_failure(None, [8; 32], guesses(2)).await.unwrap();
    assert_eq!(credentials.guesses([7; 32]).await.unwrap(), Some(guesses(1)));
    assert_eq!(credentials.guesses([8; 32]).await.unwrap(), Some(guesses(2)));
    house.open_session([1; 32]).await;
    let ctx = house.opened.ctx(house.tenant).await;
    let page = ctx.read(|tx| audit_entries(tx, &AuditFilter::default(), 4)).await.unwrap();
    let told: Vec<_> = page
        .rows
        .iter()
        .map(|row| (row.entry.action.as_str(), row.entry.actor.clone(), row.entry.outcome.as_str()))
        .collect();
    let user = format!("user:{}", house.user);
    assert_eq!(
        told,
        [
            ("session.opened", user, "success"),
            ("login.failed", "anonymous".into(), "denied"),
            ("login.failed", "anonymous".into(), "denied"),
            ("login.failed", "anonymous".into(), "denied"),
        ]
    );
    assert!(page.rows[1].entry.object.is_none());
    assert_eq!(page.rows[3].entry.object.as_ref().unwrap().id, house.user.to_string());
}
