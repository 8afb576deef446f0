//! Issuing, listing and revoking API tokens.

use base::Classification::Internal;
use base::Role::{Admin, Operator, Viewer};

use super::*;

const DAY_MS: i64 = 24 * HOUR_MS;

fn input(role: Option<Role>) -> TokenInput {
    TokenInput { role, lifetime_s: DAY_MS / 1000, ..TokenInput::default() }
}

#[tokio::test]
async fn a_token_acts_for_its_person_until_it_is_revoked() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = token_issue(permit(&ctx), &plant.signer(), input(None)).await.unwrap();
    let other = token_issue(permit(&ctx), &plant.signer(), input(None)).await.unwrap();

    let with_token = plant.bearer(issued.reveal()).await.unwrap();
    assert_eq!(with_token.user_id(), Some(anna.id));
    assert_eq!(with_token.actor(), base::Actor::User(anna.id));
    assert_eq!(with_token.rights().role, Operator);
    let mut listed = token_list(permit(&ctx)).await.unwrap();
    listed.sort_by_key(|token| token.id);
    let mut both = vec![issued.recorded, other.recorded];
    both.sort_by_key(|token| token.id);
    assert_eq!(listed, both);

    token_revoke(permit(&with_token), issued.recorded.id).await.unwrap();
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
    plant.bearer(other.reveal()).await.unwrap();
    assert_eq!(code(token_revoke(permit(&ctx), issued.recorded.id).await), "token_not_found");
    let actions: Vec<_> =
        plant.recorded("token.").await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["token.issued", "token.issued", "token.revoked"]);
}

#[tokio::test]
async fn the_weaker_of_token_and_person_counts() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let signer = plant.signer();
    let weak = token_issue(permit(&ctx), &signer, input(Some(Viewer))).await.unwrap();
    let full = token_issue(permit(&ctx), &signer, input(Some(Operator))).await.unwrap();
    assert_eq!(
        code(token_issue(permit(&ctx), &signer, input(Some(Admin))).await),
        "above_own_rights"
    );
    let weak_ctx = plant.bearer(weak.reveal()).await.unwrap();
    assert_eq!(weak_ctx.rights().role, Viewer);
    // A token can't be traded for a stronger one.
    let traded = token_issue(permit(&weak_ctx), &signer, input(Some(Operator))).await;
    assert_eq!(code(traded), "above_own_rights");

    // A token from before the person was demoted has ended; and if it had not, the row counts.
    let console = plant.console().await;
    let demoted = UserChange { role: Some(Viewer), ..UserChange::default() };
    user_change(permit(&console), anna.id, demoted).await.unwrap();
    assert_eq!(code(plant.bearer(full.reveal()).await), "token_refused");
    let revive = console.write(|tx| {
        tx.execute("UPDATE tokens SET revoked_at = NULL", [])?;
        tx.commit(audit::Event::new(events::USER_CHANGED), ())
    });
    revive.await.unwrap();
    assert_eq!(plant.bearer(full.reveal()).await.unwrap().rights().role, Viewer);
}

#[tokio::test]
async fn tokens_end_with_their_time_their_person_and_their_tenant() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let signer = plant.signer();
    let issued = token_issue(permit(&ctx), &signer, input(None)).await.unwrap();
    plant.clock.advance_ms(DAY_MS - 1000);
    plant.bearer(issued.reveal()).await.unwrap();
    plant.clock.advance_ms(1000);
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
    assert!(token_list(permit(&ctx)).await.unwrap().is_empty());

    let issued = token_issue(permit(&ctx), &signer, input(None)).await.unwrap();
    let console = plant.console().await;
    for status in [UserStatus::Disabled, UserStatus::Active] {
        let change = UserChange { status: Some(status), ..UserChange::default() };
        user_change(permit(&console), anna.id, change).await.unwrap();
        assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
    }

    let issued = token_issue(permit(&ctx), &signer, input(None)).await.unwrap();
    user_reset_password(permit(&console), &plant.passwords, anna.id).await.unwrap();
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
    // A one-time password is good for choosing a password, not for a token.
    let early = token_issue(permit(&ctx), &signer, input(None)).await;
    assert_eq!(code(early), "password_change_required");

    let scope = plant.store.appliance_scope(&plant.operator);
    let request = plant.store.new_request_id().unwrap();
    drop((ctx, console));
    plant.store.tenant_remove(&scope, request, plant.tenant).await.unwrap();
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
}

#[tokio::test]
async fn lives_and_numbers_are_limited() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let signer = plant.signer();
    for lifetime_s in [i64::MIN, -1, 0, TOKEN_LIFETIME_MIN_S - 1, TOKEN_LIFETIME_MAX_S + 1] {
        let refused =
            token_issue(permit(&ctx), &signer, TokenInput { lifetime_s, ..TokenInput::default() });
        assert_eq!(refused.await.unwrap_err().violation().unwrap().field, "lifetime_s");
    }
    for _ in 0..TOKENS_PER_PERSON_MAX {
        token_issue(permit(&ctx), &signer, input(None)).await.unwrap();
    }
    let refused = token_issue(permit(&ctx), &signer, input(None)).await;
    assert_eq!(code(refused), "token_limit_reached");
    plant.clock.advance_ms(DAY_MS);
    token_issue(permit(&ctx), &signer, input(None)).await.unwrap();
    let console = plant.console().await;
    assert_eq!(code(token_issue(permit(&console), &signer, input(None)).await), "person_required");
}

#[tokio::test]
async fn nobody_revokes_anothers_token() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let bert = plant.add("bert", Viewer, Internal).await;
    let annas = plant.acting_as(anna.id).await;
    let berts = plant.acting_as(bert.id).await;
    let issued = token_issue(permit(&annas), &plant.signer(), input(None)).await.unwrap();
    assert_eq!(code(token_revoke(permit(&berts), issued.recorded.id).await), "token_not_found");
    assert!(token_list(permit(&berts)).await.unwrap().is_empty());
    plant.bearer(issued.reveal()).await.unwrap();
}

#[tokio::test]
async fn the_key_outlives_the_process_and_nothing_shows_the_token() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = token_issue(permit(&ctx), &plant.signer(), input(None)).await.unwrap();
    assert!(!format!("{issued:?}").contains(issued.reveal()));
    let kept = ctx.read(|tx| tx.query_row("SELECT hex(token_hash) FROM tokens", [], |r| r.get(0)));
    let kept: Result<String, store::StoreError> = kept.await;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(issued.reveal());
    assert_eq!(kept.unwrap(), hash.iter().map(|b| format!("{b:02X}")).collect::<String>());

    // The same data directory, opened anew.
    let Plant { store, operator, clock, passwords, steady, sessions, tokens, tenant, _dir } = plant;
    drop((ctx, store, operator));
    let options = StoreOptions {
        data_dir: _dir.path().join("data"),
        key_credential: None,
        key_file: None,
        clock: Arc::clone(&clock) as Arc<dyn base::Clock>,
        entropy: Arc::new(OsEntropy),
        settings: StoreSettings::default(),
    };
    let (store, operator) = Store::open(options).unwrap();
    let plant = Plant { store, operator, clock, passwords, steady, sessions, tokens, tenant, _dir };
    plant.bearer(issued.reveal()).await.unwrap();
}

#[tokio::test]
async fn a_new_password_ends_the_tokens() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = token_issue(permit(&ctx), &plant.signer(), input(None)).await.unwrap();
    let change = PasswordChange {
        current: typed(&anna.password),
        new: typed("another one that is long enough"),
        keep_session: None,
    };
    change_own_password(permit(&ctx), &plant.passwords, change).await.unwrap();
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
}
