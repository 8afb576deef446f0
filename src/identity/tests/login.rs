//! Signing in, going on, signing out.

use base::Classification::{Internal, Restricted};
use base::Role::{Admin, Operator, Viewer};
use store::TenantStatus;

use super::*;

#[tokio::test]
async fn a_person_signs_in_works_and_signs_out() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;

    let login = plant.login(&anna).await;
    assert_eq!((login.user.id, login.tenant_id), (anna.id, plant.tenant));
    assert!(!login.must_change_password);
    assert_eq!(login.expires_at, plant.store.now().plus_ms(plant.sessions.absolute_ms));

    let (ctx, session) = plant.resume(&login).await.unwrap();
    assert_eq!(ctx.user_id(), Some(anna.id));
    assert_eq!(ctx.rights().role, Operator);
    assert_eq!(session.id, login.session_id);
    assert_eq!(profile_get(permit(&ctx)).await.unwrap().email.as_str(), anna.email);

    logout(&ctx, session.id).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
    assert_eq!(code(logout(&ctx, session.id).await), "unauthenticated");
    let actions: Vec<_> =
        plant.recorded("session.").await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["session.opened", "session.ended"]);
}

#[tokio::test]
async fn the_address_is_found_however_it_is_typed_and_one_tenant_needs_no_name() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.try_login(None, "  ANNA@Plant.Example ", &anna.password).await.unwrap();
    assert_eq!(login.user.id, anna.id);
    // With two tenants the name is needed, and a person of one is nobody in the other.
    plant.new_tenant("kestrel").await;
    for slug in [None, Some("kestrel")] {
        let refused = plant.try_login(slug, &anna.email, &anna.password).await;
        assert_eq!(code(refused), "invalid_credentials");
    }
}

#[tokio::test]
async fn all_failures_are_one_answer_and_cost_one_check_each() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let bert = plant.add("bert", Viewer, Internal).await;
    let console = plant.console().await;
    let disabled = UserChange { status: Some(UserStatus::Disabled), ..UserChange::default() };
    user_change(permit(&console), bert.id, disabled).await.unwrap();

    let long = "x".repeat(100_000);
    let attempts = [
        ("nowhere", anna.email.as_str(), anna.password.as_str()),
        ("rauental", "nobody@plant.example", &anna.password),
        ("rauental", "", ""),
        ("rauental", &anna.email, "wrong password"),
        ("rauental", &anna.email, &long),
        ("rauental", &bert.email, &bert.password),
    ];
    let mut answers = Vec::new();
    for (slug, email, password) in attempts {
        let before = plant.passwords.verifications();
        let error = plant.try_login(Some(slug), email, password).await.unwrap_err();
        assert_eq!(plant.passwords.verifications(), before + 1, "{slug} {email}");
        answers.push((error.code(), error.to_string(), error.violation()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, "invalid_credentials");

    // Every failure in a tenant is on record, without the address that was typed.
    let failures = plant.recorded("login.failed").await;
    let objects: Vec<_> =
        failures.iter().map(|entry| entry.object.as_ref().map(|o| o.id.clone())).collect();
    let (a, b) = (Some(anna.id.to_string()), Some(bert.id.to_string()));
    assert_eq!(objects, [None, None, a.clone(), a, b]);
    assert!(failures.iter().all(|entry| entry.outcome == audit::Outcome::Denied));
    assert!(failures.iter().all(|entry| entry.actor == "anonymous"));
}

#[tokio::test]
async fn a_suspended_tenant_takes_nobody_in() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.login(&anna).await;
    let scope = plant.store.appliance_scope(&plant.operator);
    let request = plant.store.new_request_id().unwrap();
    plant
        .store
        .tenant_set_suspended(&scope, request, plant.tenant, TenantStatus::Suspended)
        .await
        .unwrap();
    let refused = plant.try_login(Some("rauental"), &anna.email, &anna.password).await;
    assert_eq!(code(refused), "invalid_credentials");
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
}

#[tokio::test]
async fn an_idle_session_ends_and_a_used_one_goes_on_to_its_absolute_end() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let idle = plant.login(&anna).await;
    let used = plant.login(&anna).await;

    // Touched every four hours, one session outlives the idle limit of eight.
    for _ in 0..5 {
        plant.clock.advance_ms(4 * HOUR_MS);
        let (ctx, session) = plant.resume(&used).await.unwrap();
        let touched = session_touch(&ctx, &session, &plant.sessions).await.unwrap();
        assert_eq!(touched, Touched::Recorded);
    }
    assert_eq!(code(plant.resume(&idle).await), "unauthenticated");
    plant.clock.advance_ms(4 * HOUR_MS - 1);
    plant.resume(&used).await.unwrap();
    plant.clock.advance_ms(1);
    assert_eq!(code(plant.resume(&used).await), "unauthenticated");
}

#[tokio::test]
async fn the_last_sight_is_recorded_at_most_every_five_minutes() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.login(&anna).await;
    for (wait_ms, expected) in [
        (0, Touched::NotNow),
        (299_999, Touched::NotNow),
        (1, Touched::Recorded),
        (1, Touched::NotNow),
        // A clock that was set back touches nothing.
        (-HOUR_MS, Touched::NotNow),
    ] {
        plant.clock.advance_ms(wait_ms);
        let (ctx, session) = plant.resume(&login).await.unwrap();
        assert_eq!(session_touch(&ctx, &session, &plant.sessions).await.unwrap(), expected);
    }
    assert_eq!(plant.recorded("session.touched").await.len(), 1);
}

#[tokio::test]
async fn a_cookie_of_another_tenant_or_secret_is_nobody() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.login(&anna).await;
    let other = plant.new_tenant("kestrel").await;
    let (tenant, secret) = login.cookie.reveal().split_once('.').unwrap();
    let mut changed = secret.to_owned();
    changed.replace_range(..1, if secret.starts_with('A') { "B" } else { "A" });
    for cookie in [
        format!("{other}.{secret}"),
        format!("{}.{secret}", TenantId::from_bytes([7; 16])),
        format!("{tenant}.{changed}"),
        format!("{tenant}{secret}"),
        String::new(),
    ] {
        assert_eq!(code(plant.resume_value(&cookie).await), "unauthenticated", "{cookie}");
    }
    plant.resume(&login).await.unwrap();
}

#[tokio::test]
async fn a_disabled_persons_session_stops_at_the_next_request() {
    let plant = Plant::new().await;
    let admin = plant.add("admin", Admin, Restricted).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.login(&anna).await;
    plant.resume(&login).await.unwrap();

    let ctx = plant.acting_as(admin.id).await;
    let set = |status| UserChange { status: Some(status), ..UserChange::default() };
    user_change(permit(&ctx), anna.id, set(UserStatus::Disabled)).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
    // Enabling the account again does not bring the session back.
    user_change(permit(&ctx), anna.id, set(UserStatus::Active)).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
    plant.login(&anna).await;
}

#[tokio::test]
async fn a_changed_role_counts_at_once_and_ends_the_sessions() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let login = plant.login(&anna).await;
    let console = plant.console().await;
    let demoted = UserChange { role: Some(Viewer), ..UserChange::default() };
    user_change(permit(&console), anna.id, demoted).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated");
    let again = plant.login(&anna).await;
    assert_eq!(plant.resume(&again).await.unwrap().0.rights().role, Viewer);
    // Being called something else ends nothing.
    let renamed =
        UserChange { display_name: DisplayName::parse("Anna S.").ok(), ..UserChange::default() };
    user_change(permit(&console), anna.id, renamed).await.unwrap();
    plant.resume(&again).await.unwrap();
}

#[tokio::test]
async fn sessions_that_ended_long_ago_are_forgotten() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    for _ in 0..3 {
        plant.login(&anna).await;
    }
    plant.clock.advance_ms(32 * 24 * HOUR_MS);
    let login = plant.login(&anna).await;
    plant.clock.advance_ms(HOUR_MS);
    let (ctx, session) = plant.resume(&login).await.unwrap();
    session_touch(&ctx, &session, &plant.sessions).await.unwrap();
    let kept = ctx.read(|tx| tx.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)));
    let kept: Result<i64, store::StoreError> = kept.await;
    assert_eq!(kept.unwrap(), 1);
}

#[tokio::test]
async fn a_password_that_is_reset_while_it_is_checked_opens_nothing() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let console = plant.console().await;
    // A queue of others holds the check back until the reset is through.
    let slow =
        Passwords::new(PasswordSettings { in_parallel: 1, queue_length: 64, ..Default::default() });
    let others: Vec<_> = (0..16)
        .map(|_| {
            let slow = slow.clone();
            tokio::spawn(async move { slow.verify(typed("somebody else"), None).await.unwrap() })
        })
        .collect();
    while slow.in_progress() < others.len() && slow.verifications() < 4 {
        tokio::task::yield_now().await;
    }
    let (store, checked, sessions) = (plant.store.clone(), slow.clone(), plant.sessions);
    let input = LoginInput {
        tenant_slug: None,
        email: anna.email.clone(),
        password: typed(&anna.password),
    };
    let request = store.new_request_id().unwrap();
    let attempt =
        tokio::spawn(async move { login(&store, &checked, request, input, &sessions).await });
    while slow.in_progress() <= others.len() && slow.verifications() < 8 {
        tokio::task::yield_now().await;
    }
    user_reset_password(permit(&console), &plant.passwords, anna.id).await.unwrap();
    // Whichever of the two was first: no session of the old password is left.
    let _either_way = attempt.await.unwrap();
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    let live = console.read(move |tx| tx.query_row(live, [], |row| row.get(0)));
    let live: Result<i64, store::StoreError> = live.await;
    assert_eq!(live.unwrap(), 0);
}

#[tokio::test]
async fn a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in() {
    use argon2::password_hash::PasswordHasher as _;
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let weak = argon2::Params::new(9_216, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
    let weak = hasher.hash_password_with_salt(anna.password.as_bytes(), &[7; 16]).unwrap();
    let (ctx, text) = (plant.console().await, weak.to_string());
    let weakened = ctx.write(move |tx| {
        tx.execute("UPDATE users SET password_hash = ?1", [text])?;
        tx.commit(audit::Event::new(audit::Action::new("user.changed")), ())
    });
    weakened.await.unwrap();
    let stored = async || {
        let sql = "SELECT password_hash FROM users";
        let read = ctx.read(move |tx| tx.query_row(sql, [], |row| row.get::<_, String>(0)));
        read.await.unwrap()
    };
    plant.try_login(Some("rauental"), &anna.email, "not the password").await.unwrap_err();
    assert!(stored().await.contains("m=9216"), "a wrong password changes nothing");
    plant.login(&anna).await;
    let fresh = stored().await;
    assert!(fresh.contains("m=19456,t=2,p=1"), "{fresh}");
    plant.login(&anna).await;
    assert_eq!(stored().await, fresh, "once is enough");
    assert_eq!(plant.recorded("password.rehashed").await.len(), 1);
}
