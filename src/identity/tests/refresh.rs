//! Refresh tokens: exchanged, spent, stolen, idle, and ended.

use base::Classification::Internal;
use base::Role::{Admin, Operator, Viewer};

use super::*;

const DAY_MS: i64 = 24 * HOUR_MS;

impl Plant {
    /// Issues an access token with a refresh token to whoever is behind `ctx`.
    async fn begin(&self, ctx: &TenantCtx) -> IssuedToken {
        let refresh = Some(RefreshSettings::default());
        let input = TokenInput { lifetime_s: 3600, refresh, ..TokenInput::default() };
        token_issue(permit(ctx), &self.signer(), input).await.unwrap()
    }

    async fn exchange(&self, presented: &str) -> Result<IssuedToken, IdentityError> {
        let request = self.store.new_request_id().unwrap();
        let settings = RefreshSettings::default();
        token_refresh(&self.store, &self.signer(), &settings, request, presented).await
    }

    async fn families(&self, ctx: &TenantCtx) -> Vec<TokenFamily> {
        family_list(permit(ctx), &RefreshSettings::default()).await.unwrap()
    }
}

fn secret(issued: &IssuedToken) -> String {
    issued.refresh.as_ref().unwrap().token.reveal().to_owned()
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_pair_and_ends_the_last() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let mut issued = plant.begin(&ctx).await;
    let family = issued.recorded.family_id.unwrap();
    for round in 0..5 {
        plant.clock.advance_ms(HOUR_MS / 2);
        let next = plant.exchange(&secret(&issued)).await.unwrap();
        assert_eq!(next.recorded.family_id, Some(family));
        assert_eq!(next.recorded.role, Operator);
        let refresh = next.refresh.as_ref().unwrap();
        assert_eq!(refresh.expires_at, issued.refresh.as_ref().unwrap().expires_at, "{round}");
        assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused", "{round}");
        let reached = plant.bearer(next.reveal()).await.unwrap();
        assert_eq!(reached.user_id(), Some(anna.id));
        issued = next;
    }
    let listed = plant.families(&ctx).await;
    assert_eq!((listed.len(), listed[0].id, listed[0].role), (1, family, Operator));
    assert_eq!(listed[0].last_used_at, plant.store.now());
    assert_eq!(token_list(permit(&ctx)).await.unwrap(), [issued.recorded]);
    assert_eq!(plant.recorded("token.refreshed").await.len(), 5);
    assert!(!format!("{issued:?}").contains(&secret(&issued)));
    // Of the secrets the hashes are kept, spent ones too.
    let kept = ctx.read(|tx| {
        tx.query_row("SELECT count(*), count(spent_at) FROM refresh_tokens", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    });
    let kept: Result<(u32, u32), store::StoreError> = kept.await;
    assert_eq!(kept.unwrap(), (6, 5));
}

#[tokio::test]
async fn a_second_use_ends_the_whole_family_and_is_recorded() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let first = plant.begin(&ctx).await;
    let other = plant.begin(&ctx).await;
    let second = plant.exchange(&secret(&first)).await.unwrap();
    // A token that was issued under a token of the family belongs to it.
    let with_token = plant.bearer(second.reveal()).await.unwrap();
    let input = TokenInput {
        lifetime_s: 90 * DAY_MS / 1000,
        family: second.recorded.family_id,
        ..TokenInput::default()
    };
    let child = token_issue(permit(&with_token), &plant.signer(), input).await.unwrap();
    let end = second.refresh.as_ref().unwrap().expires_at;
    assert!(child.recorded.expires_at <= end, "a child outlives its family");
    plant.bearer(child.reveal()).await.unwrap();
    let grown = TokenInput { refresh: Some(RefreshSettings::default()), ..input };
    let grown = token_issue(permit(&with_token), &plant.signer(), grown).await;
    assert_eq!(grown.unwrap_err().violation().unwrap().field, "refresh");

    // The thief, or the robbed one.
    assert_eq!(code(plant.exchange(&secret(&first)).await), "refresh_refused");
    for token in [&first, &second, &child] {
        assert_eq!(code(plant.bearer(token.reveal()).await), "token_refused");
    }
    assert_eq!(code(plant.exchange(&secret(&second)).await), "refresh_refused");
    let entries = plant.recorded("token.refresh_reused").await;
    assert_eq!(entries.len(), 1, "an ended family has nothing more to lose");
    assert_eq!(entries[0].actor, "anonymous");
    assert_eq!(entries[0].outcome, audit::Outcome::Denied);
    let detail = entries[0].detail.as_ref().unwrap();
    assert_eq!(detail["user"], anna.id.to_string());
    assert_eq!((&detail["families_ended"], &detail["tokens_ended"]), (&1.into(), &2.into()));
    // What came of another sign-in goes on.
    plant.bearer(other.reveal()).await.unwrap();
    plant.exchange(&secret(&other)).await.unwrap();
}

#[tokio::test]
async fn of_many_who_come_at_once_one_is_served_at_most() {
    let plant = Arc::new(Plant::new().await);
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = plant.begin(&ctx).await;
    let presented = secret(&issued);
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (plant, presented) = (Arc::clone(&plant), presented.clone());
            tokio::spawn(async move { plant.exchange(&presented).await.ok() })
        })
        .collect();
    let mut served = Vec::new();
    for one in tries {
        served.extend(one.await.unwrap());
    }
    assert!(served.len() <= 1, "{}", served.len());
    // Somebody came twice: nothing of the family is left.
    for token in &served {
        assert_eq!(code(plant.bearer(token.reveal()).await), "token_refused");
    }
    assert!(plant.families(&ctx).await.is_empty());
}

#[tokio::test]
async fn families_end_with_disuse_and_with_time() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let idle = plant.begin(&ctx).await;
    plant.clock.advance_ms(7 * DAY_MS - 1);
    let idle = plant.exchange(&secret(&idle)).await.unwrap();
    plant.clock.advance_ms(7 * DAY_MS);
    assert_eq!(code(plant.exchange(&secret(&idle)).await), "refresh_refused");
    assert!(plant.families(&ctx).await.is_empty());

    let mut used = plant.begin(&ctx).await;
    for _ in 0..4 {
        plant.clock.advance_ms(7 * DAY_MS - 1);
        used = plant.exchange(&secret(&used)).await.unwrap();
    }
    plant.clock.advance_ms(2 * DAY_MS - HOUR_MS / 2);
    used = plant.exchange(&secret(&used)).await.unwrap();
    // The last access token does not outlive the family.
    assert!(used.recorded.expires_at <= used.refresh.as_ref().unwrap().expires_at);
    plant.clock.advance_ms(HOUR_MS);
    assert_eq!(code(plant.exchange(&secret(&used)).await), "refresh_refused");
    assert_eq!(code(plant.bearer(used.reveal()).await), "token_refused");
    // What ended long ago is forgotten.
    plant.clock.advance_ms(31 * DAY_MS);
    plant.begin(&ctx).await;
    let kept =
        ctx.read(|tx| tx.query_row("SELECT count(*) FROM token_families", [], |row| row.get(0)));
    let kept: Result<u32, store::StoreError> = kept.await;
    assert_eq!(kept.unwrap(), 1);
}

#[tokio::test]
async fn the_weaker_of_family_and_person_counts_and_the_factor_keeps_its_time() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let shown_at = plant.store.now();
    let input = TokenInput {
        role: Some(Viewer),
        lifetime_s: 3600,
        factor_shown_at: Some(shown_at),
        refresh: Some(RefreshSettings::default()),
        ..TokenInput::default()
    };
    let issued = token_issue(permit(&ctx), &plant.signer(), input).await.unwrap();
    plant.clock.advance_ms(DAY_MS);
    let next = plant.exchange(&secret(&issued)).await.unwrap();
    assert_eq!(next.recorded.role, Viewer);
    let kept = ctx
        .read(|tx| tx.query_row("SELECT min(second_factor_at) FROM tokens", [], |row| row.get(0)));
    let kept: Result<i64, store::StoreError> = kept.await;
    assert_eq!(kept.unwrap(), shown_at.unix_ms());
    let above = TokenInput { role: Some(Admin), ..input };
    assert_eq!(code(token_issue(permit(&ctx), &plant.signer(), above).await), "above_own_rights");
}

#[tokio::test]
async fn nobody_else_refreshes_and_nothing_else_is_a_refresh_token() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = plant.begin(&ctx).await;
    let presented = secret(&issued);
    let foreign = plant.new_tenant("kestrel").await;
    let (_, random) = presented.split_once('.').unwrap();
    let session = plant.login(&anna).await;
    for wrong in [
        String::new(),
        ".".to_owned(),
        "x".repeat(10_000),
        issued.reveal().to_owned(),
        session.cookie.reveal().to_owned(),
        format!("{foreign}.{random}"),
        format!("{}.{random}", TenantId::from_bytes([7; 16])),
        format!("{presented}="),
        presented[..presented.len() - 1].to_owned(),
    ] {
        assert_eq!(code(plant.exchange(&wrong).await), "refresh_refused", "{wrong}");
    }
    // Nor is a refresh token a cookie or a bearer token.
    assert_eq!(code(plant.resume_value(&presented).await), "unauthenticated");
    assert_eq!(code(plant.bearer(&presented).await), "token_refused");
    plant.exchange(&presented).await.unwrap();
}

#[tokio::test]
async fn families_are_ended_by_their_person_or_with_a_token_and_are_few() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let bert = plant.add("bert", Viewer, Internal).await;
    let ctx = plant.acting_as(anna.id).await;
    let issued = plant.begin(&ctx).await;
    let family = issued.recorded.family_id.unwrap();
    let berts = plant.acting_as(bert.id).await;
    assert_eq!(code(family_revoke(permit(&berts), family).await), "token_family_not_found");
    family_revoke(permit(&ctx), family).await.unwrap();
    assert_eq!(code(family_revoke(permit(&ctx), family).await), "token_family_not_found");
    assert_eq!(code(plant.bearer(issued.reveal()).await), "token_refused");
    assert_eq!(code(plant.exchange(&secret(&issued)).await), "refresh_refused");

    // Who takes the token away does not mean until the next exchange.
    let issued = plant.begin(&ctx).await;
    token_revoke(permit(&ctx), issued.recorded.id).await.unwrap();
    assert_eq!(code(plant.exchange(&secret(&issued)).await), "refresh_refused");
    let entry = plant.recorded("token.revoked").await.pop().unwrap();
    assert_eq!(entry.detail.unwrap()["families_ended"], 1);

    for _ in 0..FAMILIES_PER_PERSON_MAX {
        plant.begin(&ctx).await;
    }
    let refresh = Some(RefreshSettings::default());
    let input = TokenInput { lifetime_s: 3600, refresh, ..TokenInput::default() };
    let refused = token_issue(permit(&ctx), &plant.signer(), input).await;
    assert_eq!(code(refused), "token_limit_reached");
}
